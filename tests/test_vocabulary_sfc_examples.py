"""What the symbols of Sec. 7 of Suresh, Frembs and Cavalcanti mean, on complex states and instruments."""

import numpy as np
import pytest
import sympy as sp

from compendium.claims.operator_formulas import operator_on, scalar
from compendium.claims.printed import parse
from compendium.claims.vocabulary import tex_names
from compendium.claims.vocabulary.sfc import examples as sfc
from qlib.numbers import exact, is_zero
from qlib.quantum import (
    IDENTITY,
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    CounterfactualQuery,
    Instrument,
    ProcessMixture,
    ProcessOperator,
    QuantumNode,
    QuantumStructuralModel,
    evaluate,
    probability,
    process_cj,
    unitary,
)

R = sp.Rational
GENERIC = {
    "u": (R(1, 3), R(2, 3), R(2, 3)),
    "v": (R(2, 7), R(-6, 7), R(3, 7)),
    "w": (R(-4, 9), R(1, 9), R(8, 9)),
    "t": (R(3, 5), R(0), R(-4, 5)),
}
STATES = {name: (IDENTITY + x * PAULI_X + y * PAULI_Y + z * PAULI_Z) / 2 for name, (x, y, z) in GENERIC.items()}


def chosen(first, second):
    """An instrument that looks for one complex state and sends it or another on."""
    return Instrument.measure_and_prepare(
        {"+": STATES[first], "-": IDENTITY - STATES[first]}, {"+": STATES[second], "-": STATES[first]}, name="1"
    )


def a_turn():
    """An instrument that does not prepare: a complex Kraus operator for each outcome."""
    turn = exact([[1, 0], [0, sp.I]])
    return Instrument.from_kraus(
        {"b": (R(3, 5) * turn)[None], "not b": (R(4, 5) * exact([[0, sp.I], [1, 0]]))[None]}, name="1"
    )


def asymmetric_wire():
    sent = {name: STATES[name] for name in "uv"}
    source = Instrument.discard_and_prepare({"u": R(1, 5), "v": R(4, 5)}, sent, 2, name="Λ")
    model = QuantumStructuralModel(
        (QuantumNode("A"), QuantumNode("B")),
        {"Λ": source},
        (unitary(IDENTITY, ["Λ"], ["A"]), unitary(IDENTITY, ["A"], ["B"])),
    )
    return sfc.Wire(model, {1: chosen("w", "u"), 2: chosen("t", "w")}, {1: a_turn(), 2: a_turn()}, STATES)


def test_the_born_rule_of_a_formula_is_that_of_the_network():
    wire = asymmetric_wire()
    names = wire.names(2)
    source = {"A": wire.at_a[2], "B": wire.at_b[2]}
    total = sum(
        weight * parse("P_zp(l, (bp, minus))", names | {"l": sp.Symbol(l)})
        for l, weight in (("u", R(1, 5)), ("v", R(4, 5)))
    )
    assert is_zero(total - probability(wire.model, source, {"A": "-", "B": "b"}))


def test_the_printed_average_is_the_answer_of_the_engine():
    wire = asymmetric_wire()
    query = CounterfactualQuery(
        {"A": "+"}, {"A": "-"}, {"B": "b"},
        {"A": wire.at_a[1], "B": wire.at_b[1]}, {"A": wire.at_a[2], "B": wire.at_b[2]},
    )  # fmt: skip
    printed = parse("Sum(Pc_z(lam, plus)*Pc_zp(lam, bp, minus), lam)", wire.names(2))
    assert is_zero(printed - evaluate(wire.model, query).probability)


def test_the_definition_of_a_conditional_process_gives_the_state_and_the_channel():
    wire = asymmetric_wire()
    names = wire.names() | wire.definition_names() | {"u": sp.Symbol("u")}
    given = parse("tr_L(rho_U*tau_tilde(u))/P(u)", names)
    assert given == parse("kron(rho_id(B_in, A_out), proj(u, A_in))", names)


def test_an_impossible_antecedent_is_a_star_in_a_formula():
    wire = asymmetric_wire()
    sure = Instrument.measure_and_prepare(
        {"+": STATES["u"], "-": IDENTITY - STATES["u"]}, {"+": STATES["u"], "-": STATES["v"]}
    )
    impossible = sfc.Wire(wire.model, {1: sure}, wire.at_b, STATES).names(1) | {"u": sp.Symbol("u")}
    assert parse("Pc_zp(u, bp, minus)", impossible) == sfc.STAR


def test_a_tensor_product_taken_literally_forgets_the_state():
    tau = operator_on(["B_out", "B_in"], a_turn()["b"])
    state = operator_on(["B_in"], STATES["w"])
    literal = sfc.LITERAL["tr_B"](sfc.literal_product(state, tau))
    assert is_zero(literal - np.trace(tau.array))
    assert not is_zero(literal - scalar((state * tau).trace("B_in", "B_out")))


def test_only_an_identity_can_be_left_out():
    state = operator_on(["A_in"], STATES["w"])
    assert sfc.without(state.padded({"B_out": 2}), "B_out") == state._sympy_()
    with pytest.raises(ValueError, match="not the identity on B_out"):
        sfc.without(operator_on(["A_in", "B_out"], np.kron(STATES["w"], STATES["u"])), "B_out")


def test_instruments_with_the_same_maps_are_the_same_however_they_are_labelled():
    swapped = Instrument({"x": chosen("u", "v")["-"], "y": chosen("u", "v")["+"]}, 2, 2)
    assert sfc.same_elements(chosen("u", "v"), swapped)
    assert not sfc.same_elements(chosen("u", "v"), chosen("v", "u"))


def test_a_state_is_called_pure_or_maximally_mixed_only_if_it_is():
    assert sfc.in_words(STATES["u"]) == "pure"
    assert sfc.in_words((STATES["u"] + STATES["v"]) / 2) == "neither pure nor maximally mixed"


def test_the_sum_over_facts_is_the_process_operator():
    nodes = (QuantumNode("A", 1, 2), QuantumNode("B", 2, 1))
    parts = {
        name: ProcessOperator(nodes, operator_on(["B", "A"], process_cj(kraus[None])).on("A", "B"))
        for name, kraus in (("none", IDENTITY), ("turn", exact([[1, 0], [0, sp.I]])))
    }
    mixture = ProcessMixture({"none": R(1, 3), "turn": R(2, 3)}, parts)
    total = parse("Sum(P(lam)*sigma_given(lam), lam)", sfc.mixture_names(mixture))
    assert all(map(is_zero, total - sp.Matrix(mixture.process_operator().array)))


def test_the_middle_of_a_chain_names_what_is_done_and_what_is_found():
    up = STATES["u"].astype(complex)
    measured = Instrument.projective({0: np.eye(2) - up, 1: up})
    both = {"A": measured, "B": measured}
    model = asymmetric_wire().model
    changed = {"A": Instrument.do(up, d_in=2, outcome=1)}
    done = evaluate(model, CounterfactualQuery({}, {"A": 1}, {"B": 0}, both, changed))
    left = evaluate(model, CounterfactualQuery({}, {"A": 1}, {"B": 0}, both, {}))
    assert str(sfc.conditional_term(done, measured)) == "Pc_do1(0, 1)"
    assert str(sfc.conditional_term(left, measured)) == "Pc_z(0, 1)"


def test_every_name_of_the_wire_that_is_no_plain_letter_has_a_typeset_form():
    plain = {"phi", "lam", "bp", "minus", "plus", "kron", "sigma", "Sum", "tp"}
    written = {signature.split("(")[0] for signature in tex_names("sfc")}
    assert set(asymmetric_wire().names(1)) - plain <= written
