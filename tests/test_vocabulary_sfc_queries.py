"""What the symbols of Eqs. (26) to (34) mean, on random complex processes: the formulas are those of `evaluate`."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.claims.printed import parse
from compendium.claims.vocabulary.sfc import quantum, queries
from qlib.quantum import (
    COUNTERPOSSIBLE,
    CounterfactualQuery,
    Instrument,
    QuantumNode,
    QuantumStructuralModel,
    evaluate,
    probability,
    random_instrument,
    random_state,
    random_unitary,
    unitary,
)

OUTCOMES = (0, 1)
EVIDENCE = tuple(product(OUTCOMES, repeat=3))  # at B, C and D
LAMBDAS = (0, 1, 2)
PRIOR = dict(zip(LAMBDAS, (0.2, 0.3, 0.5), strict=True))
POSTERIOR = "Pc_z(a, lam)*P(lam)/P_z(a)"
BY_BORN = "tr_A(sigma_given(lam)*tau(a, z))*P(lam)/tr_A(sigma*tau(a, z))"
RATIO = "P_zp(lam, (cp, bp))/P_zp(lam, bp)"
RATIO_BY_BORN = (
    "tr_A(sigma(lam)*kron(tau_B(bp, zp_B), tau_C(cp, zp_C), chan_notBC(zp)))"
    "/tr_A(sigma(lam)*kron(tau_B(bp, zp_B), chan_notB(zp)))"
)


@pytest.fixture(scope="module")
def world():
    """Λ sends one of three states, random unitaries join B, C and D; with the instruments of two worlds."""
    rng = np.random.default_rng(26)
    states = {lam: random_state(8, rng, rank=8) for lam in LAMBDAS}
    source = Instrument.discard_and_prepare(PRIOR, states, 8)
    nodes = QuantumNode("B"), QuantumNode("C"), QuantumNode("D", 2, 1)
    first = unitary(random_unitary(8, rng), ["Λ"], ["B", "m", "n"])
    second = unitary(random_unitary(4, rng), ["B", "m"], ["C", "k"])
    third = unitary(random_unitary(8, rng), ["C", "k", "n"], ["D", "s", "t"])
    model = QuantumStructuralModel(nodes, {"Λ": source}, [first, second, third], dict.fromkeys("mnkst", 2))
    actual, other = ({n.name: random_instrument(n, rng) for n in nodes} for _ in range(2))
    processes = {lam: quantum.process(model.process_operator({"Λ": lam})) for lam in LAMBDAS}
    return model, actual, other, processes


def given(model, lam, instruments, **outcomes):
    """The probability of outcomes for one λ, by contraction."""
    alone = {"Λ": Instrument.discard_and_prepare({0: 1}, {0: model.preparations["Λ"].state(lam)}, 8)}
    return probability(QuantumStructuralModel(model.endogenous, alone, model.parts, model.wires), instruments, outcomes)


def test_what_eq_27_prints_is_the_posterior_by_either_route(world):
    model, actual, other, processes = world
    found = {a: quantum.elements(actual, dict(zip("BCD", a, strict=True))) for a in EVIDENCE}
    likelihood = lambda a, lam: given(model, lam, actual, **dict(zip("BCD", a, strict=True)))  # noqa: E731
    names = queries.abduction_names(PRIOR, likelihood, processes, quantum.process(model.process_operator()), found)
    for a in EVIDENCE[::3]:
        query = CounterfactualQuery(dict(zip("BCD", a, strict=True)), {"B": 0}, {"C": 0}, actual, other)
        for lam, term in zip(LAMBDAS, evaluate(model, query).terms, strict=True):
            for formula in (POSTERIOR, BY_BORN):
                value = complex(parse(formula, names | {"a": a, "lam": lam}))
                assert value == pytest.approx(term.posterior, abs=1e-10), formula
            exchanged = POSTERIOR.replace("*P(lam)", "")
            assert abs(complex(parse(exchanged, names | {"a": a, "lam": lam})) - term.posterior) > 1e-3


def test_what_eq_26_prints_is_the_conditional_probability_by_either_route(world):
    model, actual, other, processes = world

    def chance(lam, *events):
        return given(model, lam, other, **dict(events))

    names = queries.counterfactual_names(chance, processes, other)
    for bp, cp in product(OUTCOMES, repeat=2):
        query = CounterfactualQuery({}, {"B": bp}, {"C": cp}, actual, other)
        for lam, term in zip(LAMBDAS, evaluate(model, query).terms, strict=True):
            at = {"lam": lam, "bp": ("B", bp), "cp": ("C", cp)}
            by_chance = chance(lam, at["cp"], at["bp"]) / chance(lam, at["bp"])
            assert by_chance == pytest.approx(term.probability, abs=1e-10)
            value = complex(parse(RATIO_BY_BORN, names | {"lam": lam, "bp": bp, "cp": cp}))
            assert value == pytest.approx(term.probability, abs=1e-10)


def test_the_event_of_eq_26_is_one_outcome_or_several():
    names = queries.counterfactual_names(lambda lam, *events: sp.Symbol("".join((lam, *events))), {}, {})
    assert str(parse(RATIO, names | {"lam": "l", "cp": "c", "bp": "b"})) == "lcb/lb"


def test_what_eq_29_prints_is_the_answer_to_a_query(world):
    model, actual, other, _ = world
    for a, (bp, cp) in zip(EVIDENCE[::3], product(OUTCOMES, repeat=2), strict=False):
        query = CounterfactualQuery(dict(zip("BCD", a, strict=True)), {"B": bp}, {"C": cp}, actual, other)
        answer = evaluate(model, query)
        terms = dict(zip(LAMBDAS, answer.terms, strict=True))
        names = queries.answer_names(
            lambda lam, _, terms=terms: terms[lam].posterior,
            lambda lam, *_, terms=terms: terms[lam].probability,
            LAMBDAS,
            sp.Symbol("star"),
        )
        value = parse("Sum(Pc_z(lam, a)*Pc_zp(lam, cp, bp), lam)", names | {"a": 0, "bp": 0, "cp": 0})
        assert float(value) == pytest.approx(answer.probability, abs=1e-10)


@pytest.mark.parametrize("evidence", [{"A": "+"}, {}])
@pytest.mark.parametrize("had", ["+", "-"])
def test_what_eq_34_prints_says_which_queries_have_an_answer(evidence, had):
    plus = np.full((2, 2), 0.5)
    states = {0: plus, 1: np.eye(2) - plus}
    X = Instrument.projective({"+": states[0], "-": states[1]})
    source = Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, states, 2)
    wire = [unitary(np.eye(2), ["Λ"], ["A"]), unitary(np.eye(2), ["A"], ["B"])]
    model = QuantumStructuralModel((QuantumNode("A"), QuantumNode("B")), {"Λ": source}, wire)
    answer = evaluate(model, CounterfactualQuery(evidence, {"A": had}, {"B": "+"}, {"A": X, "B": X}, {}))
    names = queries.answerable_names(
        lambda lam, _: answer.terms[lam].posterior, lambda lam, _: answer.terms[lam].antecedent, (0, 1)
    )
    formula = "forall(implies(positive(Pc_z(lam, a)), positive(P_zp(lam, bp))), lam)"
    assert bool(parse(formula, names | {"a": 0, "bp": 0})) == (answer.probability is not COUNTERPOSSIBLE)


def test_what_eq_28_prints_is_the_element_of_a_do_instrument():
    rho = np.array([[0.25, 0.1 + 0.2j], [0.1 - 0.2j, 0.75]])
    tau = parse("kron(tp(rho), one(A_in))", queries.do_names(rho))
    found = quantum.element("A", Instrument.do(rho, d_in=2, outcome="done"), "done")
    assert np.allclose(np.array(tau - found._sympy_(), dtype=complex), 0)
    assert not np.allclose(rho, rho.T)
