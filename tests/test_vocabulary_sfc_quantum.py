"""What the symbols of the quantum half of Suresh, Frembs and Cavalcanti mean, on complex matrices without symmetry."""

import numpy as np
import pytest
import sympy as sp

from compendium.claims.bound_indices import lifted
from compendium.claims.operator_formulas import operator_on
from compendium.claims.printed import parse
from compendium.claims.vocabulary.sfc import quantum
from qlib.graphs import CausalGraph
from qlib.numbers import exact, vanishes
from qlib.quantum import (
    Instrument,
    QuantumNode,
    QuantumStructuralModel,
    instrument_cj,
    node_operators,
    outcome_tensor,
    partial_trace,
    process_cj,
    random_instrument,
    random_markov_process,
    random_structural_model,
    random_unitary,
    unitary,
)

KRAUS = exact([[1, 2 * sp.I], [3 - sp.I, sp.Rational(1, 2)], [0, 1 + sp.I]])  # from a qubit to a qutrit


def applied(X):
    return operator_on({"A_out": 3}, KRAUS @ X.array @ quantum.adjoint(KRAUS))


NAMES = quantum.ALGEBRA | {
    "M": lifted(applied),
    "Sum": quantum.sum_over(i=(0, 1), j=(0, 1)),
}


def test_the_sum_of_eq_10_is_the_operator_of_an_instrument():
    names = NAMES | {"ketbra": quantum.ketbra("A_in")}
    tau = parse("Sum(kron(tp(M(ketbra(i, j))), ketbra(j, i)), i, j)", names)
    spaces = {"A_out": 3, "A_in": 2}
    assert vanishes(tau - quantum.matrix(spaces, instrument_cj(KRAUS[None])))
    assert not vanishes(tau - quantum.matrix(spaces, process_cj(KRAUS[None])))


def test_the_sum_of_eq_14_is_the_operator_of_a_channel():
    rho = parse("Sum(kron(M(ketbra(i, j)), ketbra(i, j)), i, j)", NAMES | {"ketbra": quantum.ketbra("B_in")})
    assert vanishes(rho - quantum.matrix({"A_out": 3, "B_in": 2}, process_cj(KRAUS[None])))


def test_an_identity_is_of_the_dimension_of_its_space():
    one = quantum.identity({"B": 3})
    assert (one("B").array.shape, one("A").array.shape) == ((3, 3), (2, 2))


def test_a_trace_over_some_spaces_is_a_partial_trace():
    array = exact(np.arange(36).reshape(6, 6)) * (1 + 2 * sp.I)
    kept = quantum.trace_over("A")(operator_on({"A": 2, "B": 3}, array))
    assert vanishes(kept.array - partial_trace(array, (2, 3), keep=(1,)))


def test_a_process_paired_with_elements_is_the_born_rule():
    rng = np.random.default_rng(5)
    arrow = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    model = random_markov_process(arrow, rng)
    sigma = quantum.process(model.process_operator())
    z = {name: random_instrument(node, rng) for name, node in model.nodes.items()}
    law = [[quantum.pairing(sigma, quantum.elements(z, {"A": a, "B": b})) for b in (0, 1)] for a in (0, 1)]
    assert np.isclose(np.sum(law), 1)
    assert np.allclose(np.sum(law, axis=1), [quantum.pairing(sigma, quantum.elements(z, {"A": a})) for a in (0, 1)])


def test_the_factors_of_a_process_multiply_to_it():
    rng = np.random.default_rng(6)
    model = random_markov_process(CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")]), rng)
    one, other = (quantum.factor(part, model.dims) for part in model.parts)
    spaces = ("A_in", "A_out", "B_in", "B_out")
    sigma = quantum.process(model.process_operator())
    assert np.allclose((one * other).padded(sigma.systems).on(*spaces), sigma.on(*spaces))


@pytest.mark.parametrize("d_out", [1, 2, 3])
def test_a_free_instrument_meets_the_trace_condition_and_nothing_else(d_out):
    z = quantum.free_instrument("z", 2, d_out)
    assert vanishes(partial_trace(z.channel, (d_out, 2), keep=(1,)) - np.eye(2, dtype=int))
    symbols = set().union(*(sp.sympify(entry).free_symbols for entry in (*z[0].flat, *z.channel.flat)))
    assert len(symbols) == 2 * (2 * d_out) ** 2 - 4


def test_an_element_without_outcome_is_the_channel():
    one, i = sp.Rational(1, 5), sp.I
    z = Instrument.from_kraus(
        {"a": exact([[[3, 0], [0, 3 * i], [0, 0]]]) * one, "b": exact([[[0, 0], [4 * i, 0], [0, 4]]]) * one}
    )
    assert vanishes(quantum.element("A", z).array - z["a"] - z["b"])
    assert quantum.element("A", z, "a").systems == {"A_out": 3, "A_in": 2}


# ── structural models ───────────────────────────────────────────────────────────────────────────────────────────────

FIFTH, THIRD = sp.Rational(1, 5), sp.Rational(1, 3)
PLUS_I = exact([[1, -sp.I], [sp.I, 1]]) / 2
TILTED = exact([[16, 12], [12, 9]]) / 25
TURN = FIFTH * exact([[3, 4 * sp.I], [4 * sp.I, 3]])
PASS = FIFTH * exact([[5, 0, 0, 0], [0, 3, -4, 0], [0, 4, 3, 0], [0, 0, 0, 5]])


@pytest.fixture(scope="module")
def two_nodes():
    """Λ1 → A → B ← Λ2, with complex states, a sink, and an input of Λ1 that is thrown away."""
    one = Instrument.discard_and_prepare({0: THIRD, 1: 2 * THIRD}, {0: PLUS_I, 1: TILTED}, d_in=3)
    other = Instrument.discard_and_prepare({0: FIFTH, 1: 4 * FIFTH}, {0: TILTED, 1: PLUS_I})
    parts = [unitary(TURN, ["Λ1"], ["A"]), unitary(PASS, ["A", "Λ2"], ["S", "B"])]
    nodes = [QuantumNode("A"), QuantumNode("B", 2, 1)]
    return QuantumStructuralModel(nodes, {"Λ1": one, "Λ2": other}, parts, {"S": 2}, owner={"Λ1": "A", "Λ2": "B"})


def same(formula, sigma, names):
    named = quantum.process(sigma)
    return vanishes(parse(formula, names) - quantum.matrix(named.systems, named.array))


def test_the_process_of_a_structural_model_is_that_of_eqs_21_and_23(two_nodes):
    names, sigma = quantum.structural_names(two_nodes), two_nodes.process_operator()
    assert same("tr_SinL(rho_U*Kron(tau_tilde(i, rho(i)), (i, 1, n)))", sigma, names)
    assert same("tr_SinLout(rho_U*Kron(tp(rho(i)), (i, 1, n)))", sigma, names)
    assert not same("tr_SinLout(rho_U*Kron(rho(i), (i, 1, n)))", sigma, names)


def test_an_instrument_holds_the_transpose_of_what_it_prepares(two_nodes):
    names = quantum.structural_names(two_nodes) | {"k": 1}
    read_off = parse("Sum(tr_Lin(tau_tilde(k, lam)), lam)", names)
    assert vanishes(read_off - parse("tp(rho(k))", names))
    assert not vanishes(read_off - parse("rho(k)", names))
    with pytest.raises(ValueError, match="another state"):
        parse("tau_tilde(1, rho(2))", names)


@pytest.mark.parametrize("lam", [(0, 1), (1, 0)])
def test_the_process_given_outcomes_is_that_of_eq_24(two_nodes, lam):
    names = quantum.structural_names(two_nodes, lam)
    sigma = two_nodes.process_operator(dict(zip(("Λ1", "Λ2"), lam, strict=True)))
    assert same("tr_SinL(rho_U*Kron(tau_tilde(i, lam(i)), (i, 1, n)))/P(lam_all)", sigma, names)
    assert not same("tr_SinL(rho_U*Kron(tau_tilde(i, lam(i)), (i, 1, n)))", sigma, names)


def test_probabilities_given_the_background_are_those_of_eq_25(two_nodes):
    at = {"A": quantum.free_instrument("a"), "B": quantum.free_instrument("b", 2, 1)}
    names = quantum.born_names(at, two_nodes.process_operator({"Λ1": 0, "Λ2": 1}), (1, 0))
    chance = outcome_tensor(two_nodes, node_operators(two_nodes, at, {"A": 1, "B": 0}))[0, 1]
    for formula in ("tr_A(sigma(lam)*tau(a_all, z_all))", "tr_A(sigma(lam)*Kron(tau_i(i, a(i), z(i)), (i, 1, n)))"):
        assert sp.expand(parse(formula, names) - chance) == 0
    assert parse("tr_A(sigma(lam)*Kron(tau_i(i, a(1), z(i)), (i, 1, n)))", names) != parse(formula, names)


def test_what_def_10_lists_is_found_in_a_model_and_missed_in_one_that_lacks_it(two_nodes):
    items = quantum.model_items(two_nodes)
    assert items["nodes"] == ["endogenous", "exogenous", "sink"]
    assert (items["unitary from"], items["unitary to"]) == (["A_out", "Lambda_out"], ["A_in", "S_in"])
    assert items["one exogenous node per endogenous node"]
    shared = QuantumStructuralModel(
        [QuantumNode("A", 2, 1), QuantumNode("B", 2, 1)],
        {"Λ": Instrument.do(np.kron(TILTED, PLUS_I), d_in=1)},
        [unitary(np.kron(TURN, TURN), ["Λ"], ["A", "B"])],
    )
    found = quantum.model_items(shared)
    assert not found["one exogenous node per endogenous node"]
    assert found["nodes"] == ["endogenous", "exogenous", "sink"]  # the outputs of the last nodes, of dimension one
    assert found["unitary from"] == ["Lambda_out"]


def test_influences_that_20_or_22_forbid_are_found(two_nodes):
    owner, arrow = {"Λ1": "A", "Λ2": "B"}, CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    none = CausalGraph(arrow.kinds, [])
    assert quantum.foreign_influences(two_nodes, arrow, owner) == {"(20)": False, "(22)": False}
    assert quantum.foreign_influences(two_nodes, none, owner)["(22)"]
    assert quantum.foreign_influences(two_nodes, arrow, {"Λ1": "B", "Λ2": "B"})["(20)"]


@pytest.mark.parametrize(
    ("matrix", "dims", "influences"),
    [
        (np.eye(4)[[0, 1, 3, 2]], (2, 2, 2, 2), True),
        (np.eye(4)[[0, 2, 1, 3]], (2, 2, 2, 2), True),
        (np.eye(4), (2, 2, 2, 2), False),
        (
            np.kron(random_unitary(2, np.random.default_rng(1)), random_unitary(3, np.random.default_rng(2))),
            (2, 3, 2, 3),
            False,
        ),
        (random_unitary(6, np.random.default_rng(3)), (2, 3, 2, 3), True),
    ],
)
def test_a_signal_is_what_arrives(matrix, dims, influences):
    assert quantum.signals(matrix, dims) == influences


def test_the_names_of_18_and_19_tell_an_element_from_its_transpose():
    law, states = {0: THIRD, 1: 2 * THIRD}, {0: PLUS_I, 1: TILTED}
    z = Instrument.discard_and_prepare(law, states, d_in=2)
    names = quantum.source_names(law, states, z) | {"lam": 0, "rho_in": operator_on(["L_in"], TILTED)}
    assert vanishes(parse("tau(lam) - P(lam)*kron(tp(rho(lam, L_out)), one(L_in))", names))
    assert not vanishes(parse("tau(lam) - P(lam)*kron(rho(lam, L_out), one(L_in))", names))
    assert vanishes(parse("tr_Lin(tau(lam)*rho_in) - P(lam)*tp(rho(lam, L_out))", names))


def test_a_model_of_random_parts_has_an_owner_for_every_source():
    diamond = CausalGraph(dict.fromkeys("ABCD", "observed"), [("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")])
    model = random_structural_model(diamond, np.random.default_rng(7))
    assert quantum.model_items(model)["one exogenous node per endogenous node"]
