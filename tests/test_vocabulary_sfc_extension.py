"""What the notation of App. A of Suresh, Frembs and Cavalcanti means, on models and matrices without any symmetry."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy as sp

from compendium.claims.operator_formulas import operator_on
from compendium.claims.printed import parse
from compendium.claims.vocabulary.sfc import extension as sfc
from qlib.models import Mechanism, ProbabilisticModel, StructuralModel, firing_squad, independent
from qlib.numbers import exact
from qlib.quantum import copy_unitary, quantum_extension, reversible, reversible_extension

R = sp.Rational
BITS = (0, 1)
JOINT = "Sum(Product(delta(v(i), f(i, pa(i), u(i))), (i, 1, n))*P(u_all), u_all)"
INDEPENDENT = "Sum(Product(delta(v(i), f(i, pa(i), u(i)))*P(u(i)), (i, 1, n)), u_all)"


def two_variables(law):
    """V1 = 1 − U1 and a V2 that depends on V1 and a U2 of three values, with any joint law."""
    rules = {"V1": Mechanism(("U1",), [1, 0]), "V2": Mechanism(("V1", "U2"), [[0, 1, 1], [1, 1, 0]])}
    return ProbabilisticModel(StructuralModel({"U1": BITS, "U2": (0, 1, 2)}, rules), exact(law))


CORRELATED = [[R(1, 36), R(2, 36), R(3, 36)], [R(5, 36), R(8, 36), R(17, 36)]]


def test_the_sum_over_the_background_with_the_joint_law_is_the_law_of_the_variables():
    model = two_variables(CORRELATED)
    for v in itertools.product(BITS, repeat=2):
        assert parse(JOINT, sfc.summation_names(model, v)) == model.distribution("V1", "V2")[v]


def test_the_sum_with_a_product_of_marginals_is_the_law_only_if_the_background_is_independent():
    product_law = np.outer(*(np.array(CORRELATED).sum(axis=axis) for axis in (1, 0)))
    model, other = two_variables(CORRELATED), two_variables(product_law)
    found = [[parse(INDEPENDENT, sfc.summation_names(model, (v, w))) for w in BITS] for v in BITS]
    assert np.array_equal(found, other.distribution("V1", "V2"))
    assert not np.array_equal(found, model.distribution("V1", "V2"))


def test_only_arrows_on_which_a_function_depends_are_essential():
    rules = {
        "X": Mechanism(("U",), [0, 1]),
        "Y": Mechanism(("U",), [1, 0]),
        "Z": Mechanism(("X", "Y"), [[0, 0], [1, 1]]),
        "W": Mechanism(("Z", "Y"), [[0, 1], [1, 0]]),
    }
    assert sfc.essential_arrows(StructuralModel({"U": BITS}, rules)) == {("X", "Z"), ("Z", "W"), ("Y", "W")}


def test_the_largest_preimage_is_counted_over_all_values():
    names = sfc.size_names([[0, 3, 3], [3, 1, 3]], 4, ancilla=8, sink=12)
    assert parse("Max(card(preimage(f, v)), v)", names) == 4
    assert parse("card(preimage(f, 1)) + 0*card(T)", names) == 1
    assert parse("card(T)*card(U)*card(Pa)", names) == parse("card(V)*card(S)", names) == 48


@pytest.mark.parametrize("i", [1, 2, 3])
def test_the_product_of_cnot_gates_copies_all_qubits_to_all_children(i):
    qubits, children = {1: 1, 2: 1, 3: 2}, {1: (2,), 2: (3, 4), 3: (4,)}
    printed = "Product(Product(CNOT(L(j, i, k), V(i, k)), (k, 1, N(i))), (j, Ch(i)))"
    register = sfc.register(i, qubits, children)
    expected = operator_on(register, copy_unitary(len(children[i]), qubits[i])).on(*sorted(register))
    found = parse(printed, sfc.copy_names(qubits, children) | {"i": i})
    assert np.array_equal(np.array(found).astype(int), expected)


def test_a_copy_for_a_node_that_is_no_child_does_not_exist():
    names = sfc.copy_names({1: 1, 2: 1}, {1: (2,), 2: ()})
    assert names["L"](2, 1, 1) == "L21,1"
    with pytest.raises(KeyError):
        names["L"](2, 2, 1)


def test_a_state_of_trace_one_is_hermitian_and_has_the_entries_that_it_was_given():
    a, b, c, d, e = (R(1, 7), 2 + sp.I, 3 - sp.I, R(2, 7), 5 * sp.I)
    rho = sp.Matrix(sfc.state_of_trace_one(a, b, c, d, e))
    assert rho == rho.H
    assert rho.trace() == 1
    assert [rho[0, 0], rho[0, 1], rho[0, 2], rho[1, 1], rho[1, 2]] == [a, b, c, d, e]


def conjunction():
    rules = {"X": Mechanism(("U_X",), [0, 1]), "Y": Mechanism(("X", "U_Y"), [[0, 0], [0, 1]])}
    structure = StructuralModel({"U_X": BITS, "U_Y": BITS}, rules)
    return independent(structure, {"U_X": exact([R(2, 3), R(1, 3)]), "U_Y": exact([R(3, 5), R(2, 5)])})


def test_every_space_of_an_extension_has_its_role():
    extension = quantum_extension(firing_squad(0.5, 0.25))
    bijection, copying = sfc.parts_of("A", extension)
    assert [sfc.read_role(space, extension) for space in bijection.reads] == ["T'_i", "Pa''_i", "U_i"]
    assert [sfc.role(space, extension) for space in bijection.writes] == ["V'_i,in", "S'_i"]
    assert [sfc.role(space, extension) for space in copying.writes] == ["V''_i", "V'_i,in"]
    assert sfc.read_role("B", extension) == "Pa''_i"


def test_a_local_isometry_computes_the_function_and_copies_its_value():
    extension = quantum_extension(conjunction())
    matrix, writes, reads = sfc.local_isometry("Y", extension)
    assert list(writes) == ["Y_in", "S''_Y", "S'_Y"]
    assert list(reads) == ["Λ'_Y", "T'_Y", "X_out", "U_Y"]
    f = reversible([[0, 0], [0, 1]], 2)
    for blank, t, x, u in itertools.product(BITS, repeat=4):
        y, place = f.value[t, x, u], f.rank[t, x, u]
        column = matrix[:, 8 * blank + 4 * t + 2 * x + u]
        assert np.flatnonzero(column).tolist() == [8 * (blank ^ y) + 4 * y + place]


def test_the_printed_factorisation_puts_each_local_operator_on_its_own_spaces():
    rules = {"X": Mechanism(("U",), [1, 0]), "Y": Mechanism(("X",), [0, 1])}
    extension = quantum_extension(independent(StructuralModel({"U": BITS}, rules), {"U": exact([R(1, 3), R(2, 3)])}))
    names = sfc.factorisation_names(extension)
    assert names["V"](2) == ("Y_in",)
    assert names["S"](1) == ("S''_X", "S'_X")
    assert names["Pa"](2) == ("X_out",)
    assert names["L"](1) == ("Λ'_X", "U")
    product = parse("Product(rho_i(i, V(i), S(i), Pa(i), L(i)), (i, 1, n))", names)
    assert product.rank() == 1
    assert product.trace() == 2**4


LAW = np.array([[R(1, 36), R(2, 36)], [R(4, 36), R(5, 36)], [R(7, 36), R(17, 36)]])
OUTCOME = np.array([[0, 1], [1, 1], [0, 0]])


def test_an_update_is_bayes_rule():
    updates = sfc.Updates(LAW, OUTCOME)
    for u, t in np.ndindex(LAW.shape):
        expected = LAW[u, t] / LAW[OUTCOME == 1].sum() if OUTCOME[u, t] == 1 else 0
        assert updates.conditional((("u", u), ("t", t)), ("a", 1)) == expected
    assert parse("Sum(Pc_z((u, t), a), t)", updates.names() | {"u": ("u", 0), "a": ("a", 1)}) == R(2, 11)


def test_given_a_cause_of_probability_zero_the_function_tells_the_outcome_or_it_is_refused():
    law = LAW * np.array([1, 0])
    updates = sfc.Updates(law / law.sum(), OUTCOME)
    assert updates.conditional(("a", 1), (("u", 0), ("t", 1))) == 1
    assert updates.conditional(("a", 1), (("u", 2), ("t", 1))) == 0
    with pytest.raises(ValueError, match="does not decide whether"):
        updates.conditional(("a", 1), ("t", 1))


def test_updates_in_the_reversible_extension_with_a_fixed_ancilla_are_those_of_the_model():
    model = conjunction()
    extension = reversible_extension(model)
    outcome = np.broadcast_to(extension.structure.responses("Y"), extension.law.shape).reshape(4, 2)
    updates = sfc.Updates(extension.law.reshape(4, 2), outcome)
    for u, a in itertools.product(range(4), BITS):
        assert updates.conditional(("u", u), ("a", a)) == model.abduct({"Y": a}).law.ravel()[u]


def test_a_preparation_is_transposed_weighted_and_blank():
    names = sfc.preparation_names({"L": 4, "U_b": 2, "L_in": 1}, (R(1, 3), R(2, 3))) | {"u_b": 1}
    found = parse("kron(tp(kron(proj(0, L), P(u_b)*proj(u_b, U_b))), one(L_in))", names)
    assert np.flatnonzero(np.diag(np.array(found))).tolist() == [1]
    assert math.isclose(found.trace(), 2 / 3)


def test_the_trace_of_a_product_is_that_of_the_matrices_whatever_systems_the_factors_share():
    rng = np.random.default_rng(1)
    systems = ("A", "BA", "CB", "AC", "D")
    operators = [operator_on(tuple(s), rng.integers(-3, 4, (2 ** len(s),) * 2)) for s in systems]
    whole = math.prod(operators[1:], start=operators[0])
    found = sfc.OperatorProduct(tuple(operators), sp.Symbol("p")).trace()
    assert found == sp.Symbol("p") * int(whole.trace(*"ABCD").array[0, 0])
    assert sfc.OperatorProduct().trace() == 1


def test_the_trace_formula_finds_the_probability_of_what_is_prepared_and_measured():
    identity = operator_on(("A_in", "L"), np.array([[1, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 1]]))
    rho = sfc.OperatorProduct((identity,))
    bit = lambda v, system: sfc.OperatorProduct((sfc.basis_projector(v, system),))  # noqa: E731
    for v, u in itertools.product(BITS, repeat=2):
        names = sfc.trace_names(rho, lambda i, v: bit(v, "A_in"), lambda i, u: bit(u, "L"), (v,), [(u,)])
        printed = "Sum(tr(kron(rho_W*Kron(tau_V(i, v(i)), (i, 1, n)), Kron(tau_tilde(i, u(i)), (i, 1, n)))), u_all)"
        assert parse(printed, names) == int(u == v)


def test_renaming_leaves_the_other_texts():
    assert sfc.renamed({"a", "b"}, {"b": "c"}) == {"a", "c"}


def test_a_basis_projector_is_on_one_state():
    assert sfc.basis_projector(2, "S", 3).array.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
