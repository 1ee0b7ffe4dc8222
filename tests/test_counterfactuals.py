"""Counterfactual queries: what they refuse, and the theorems that hold of every answer."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import unitary_group

from qlib.numbers.exact_arrays import exact
from qlib.quantum.counterfactuals import (
    COUNTERPOSSIBLE,
    Answer,
    CounterfactualQuery,
    QueryKind,
    disambiguate,
    evaluate,
    posterior,
)
from qlib.quantum.instruments import Instrument, measure
from qlib.quantum.processes import ProcessMixture, QuantumNode, QuantumStructuralModel, probability, unitary

HALF = sp.Rational(1, 2)
ZERO, ONE = exact([[1, 0], [0, 0]]), exact([[0, 0], [0, 1]])
PLUS, MINUS = exact([[HALF, HALF], [HALF, HALF]]), exact([[HALF, -HALF], [-HALF, HALF]])
ID = exact([[1, 0], [0, 1]])
X = Instrument.projective({"+": PLUS, "-": MINUS}, "x")
Z = Instrument.projective({0: ZERO, 1: ONE}, "z")
DO_MINUS = Instrument.do(MINUS, 2, "-")


def wire(states: dict[Any, Any]) -> QuantumStructuralModel:
    """Λ → A → B with identity channels, Λ preparing each of the states equally often: Examples 1 and 2."""
    source = Instrument.discard_and_prepare(dict.fromkeys(states, HALF), states, 2, "Λ")
    nodes = (QuantumNode("A"), QuantumNode("B"))
    return QuantumStructuralModel(nodes, {"Λ": source}, (unitary(ID, ["Λ"], ["A"]), unitary(ID, ["A"], ["B"])))


EXAMPLE_1 = wire({0: ZERO, 1: ONE})
EXAMPLE_2 = wire({"+": PLUS, "-": MINUS})


def ask(changes: dict[str, Instrument], b: Any = 0) -> CounterfactualQuery:
    return CounterfactualQuery({"A": "+"}, {"A": "-"}, {"B": b}, {"A": X, "B": Z}, changes)


# --- random models, and a dense route --------------------------------------------------------------------------------


def random_state(rng: np.random.Generator, d: int = 2) -> np.ndarray:
    root = rng.normal(size=(d, rng.integers(1, d + 1))) @ np.eye(1)[:, :1] if d == 1 else rng.normal(size=(d, d))
    root = root + 1j * rng.normal(size=root.shape)
    return root @ root.conj().T / np.trace(root @ root.conj().T)


def random_instrument(rng: np.random.Generator, outcomes: int = 2, name: str = "") -> Instrument:
    """Random Kraus operators: neither the outcome nor the output says all about the input."""
    isometry = unitary_group.rvs(2 * outcomes, random_state=rng)[:, :2].reshape(outcomes, 1, 2, 2)
    return Instrument.from_kraus(dict(enumerate(isometry)), name)


def random_model(rng: np.random.Generator) -> QuantumStructuralModel:
    """A → B → C, each with a part of its own noise: Λ1 feeds A, Λ2 feeds B, Λ2 and Λ3 are correlated with nothing."""
    preparations = {
        name: Instrument.discard_and_prepare(
            dict(enumerate(rng.dirichlet(np.ones(n)))), {k: random_state(rng) for k in range(n)}, 2, name
        )
        for name, n in (("Λ1", 3), ("Λ2", 2), ("Λ3", 2))
    }
    parts = (
        unitary(unitary_group.rvs(2, random_state=rng), ["Λ1"], ["A"]),
        unitary(unitary_group.rvs(4, random_state=rng), ["A", "Λ2"], ["B", "w"]),
        unitary(unitary_group.rvs(8, random_state=rng), ["B", "Λ3", "w"], ["C", "s", "t"]),
    )
    nodes = tuple(map(QuantumNode, "ABC"))
    return QuantumStructuralModel(nodes, preparations, parts, {"w": 2, "s": 2, "t": 2})


def in_time(model: QuantumStructuralModel, maps: dict[str, np.ndarray], values: dict[str, int]) -> float:
    """P_z(a | λ) of `random_model` by evolving a density operator, with the Kraus operators of a map at each node."""
    rho = model.states["Λ1"][values["Λ1"]]
    U, V, W = (part.array for part in model.parts)
    rho = at_node(U @ rho @ U.conj().T, maps["A"], 1)
    rho = V @ np.kron(rho, model.states["Λ2"][values["Λ2"]]) @ V.conj().T
    rho = at_node(rho, maps["B"], 2)  # on B_out ⊗ w
    swapped = np.einsum("bwcx,lm->blwcmx", rho.reshape(2, 2, 2, 2), model.states["Λ3"][values["Λ3"]]).reshape(8, 8)
    rho = at_node(W @ swapped @ W.conj().T, maps["C"], 4)
    return float(np.trace(rho).real)


def at_node(rho: np.ndarray, tau: np.ndarray, rest: int) -> np.ndarray:
    """The map of operator τ (10), on the first factor: M(ρ)_{oo'} = Σ τ_{o'i', oi} ρ_{ii'}."""
    t = tau.reshape(2, 2, 2, 2)  # out', in', out, in
    return np.einsum("pjoi,ixjy->oxpy", t, rho.reshape(2, rest, 2, rest)).reshape(2 * rest, 2 * rest)


def operators(instruments: dict[str, Instrument], outcomes: dict[str, int]) -> dict[str, np.ndarray]:
    return {n: i[outcomes[n]] if n in outcomes else i.channel for n, i in instruments.items()}


def by_brute_force(model: QuantumStructuralModel, query: CounterfactualQuery) -> float:
    """(26), (27) and (29) as they are printed, term by term."""
    weights, ratios = [], []
    for place in np.ndindex(3, 2, 2):
        values = dict(zip(("Λ1", "Λ2", "Λ3"), place, strict=True))
        prior = np.prod([model.weights[name][k] for name, k in values.items()])
        weights.append(prior * in_time(model, operators(query.actual, query.evidence), values))
        b = in_time(model, operators(query.counterfactual, query.antecedent), values)
        both = {**query.antecedent, **query.consequent}
        ratios.append(in_time(model, operators(query.counterfactual, both), values) / b)
    return float(np.dot(weights, ratios) / np.sum(weights))


def random_query(rng: np.random.Generator, consequent: dict[str, int] | None = None) -> CounterfactualQuery:
    actual = {node: random_instrument(rng, name=f"{node} actual") for node in "ABC"}
    counterfactual = {node: random_instrument(rng) for node in "ABC" if rng.random() < 0.5}
    evidence = {node: int(rng.integers(2)) for node in "ABC" if rng.random() < 0.7}
    roles = rng.permutation(["antecedent", "consequent", rng.choice(["antecedent", "consequent", "none"])])
    chosen = {node: int(rng.integers(2)) for node in "ABC"}
    antecedent = {node: chosen[node] for node, role in zip("ABC", roles, strict=True) if role == "antecedent"}
    consequent = {node: chosen[node] for node, role in zip("ABC", roles, strict=True) if role == "consequent"}
    return CounterfactualQuery(evidence, antecedent, consequent, actual, counterfactual)


seeds = st.integers(0, 10**6).map(np.random.default_rng)


@given(seeds)
@settings(max_examples=25)
def test_contraction_of_two_copies_equals_the_printed_sum_over_all_exogenous_values(rng: np.random.Generator) -> None:
    model, query = random_model(rng), random_query(rng)
    answer = evaluate(model, query)
    assert answer.probability == pytest.approx(by_brute_force(model, query), abs=1e-9)
    assert -1e-9 <= answer.probability <= 1 + 1e-9
    assert sum(t.posterior * t.probability for t in answer.terms) == pytest.approx(answer.probability, abs=1e-9)
    assert sum(t.posterior for t in answer.terms) == pytest.approx(1)


@given(seeds)
@settings(max_examples=15)
def test_probabilities_of_all_consequents_add_up_to_one(rng: np.random.Generator) -> None:
    model, query = random_model(rng), random_query(rng)
    total = 0.0
    for outcomes in product((0, 1), repeat=len(query.consequent)):
        consequent = dict(zip(query.consequent, outcomes, strict=True))
        total += evaluate(
            model, CounterfactualQuery(query.evidence, query.antecedent, consequent, query.actual, query.counterfactual)
        ).probability
    assert total == pytest.approx(1, abs=1e-9)


@given(seeds)
@settings(max_examples=10)
def test_a_batch_is_answered_element_by_element(rng: np.random.Generator) -> None:
    model = random_model(rng)
    singles = [random_instrument(rng) for _ in range(3)]
    stacked = Instrument({a: np.stack([i[a] for i in singles]) for a in (0, 1)}, 2, 2)
    rest = {"A": random_instrument(rng), "C": random_instrument(rng)}

    def answer(actual: Instrument, counterfactual: Instrument) -> Answer:
        changed = {"B": counterfactual}
        return evaluate(
            model, CounterfactualQuery({"B": 0, "C": 1}, {"B": 1}, {"C": 0}, {**rest, "B": actual}, changed)
        )

    together = answer(stacked, singles[0]).probability
    assert together == pytest.approx([answer(i, singles[0]).probability for i in singles])
    together = answer(singles[0], stacked).probability
    assert together == pytest.approx([answer(singles[0], i).probability for i in singles])


@given(seeds)
@settings(max_examples=10)
def test_do_queries_do_not_depend_on_evidence_upstream_of_the_do(rng: np.random.Generator) -> None:
    """A do at B cuts B off from A; if nothing else leads from A's past to C, evidence at A is of no use."""
    preparations = {
        name: Instrument.discard_and_prepare(
            dict(enumerate(rng.dirichlet(np.ones(2)))), {k: random_state(rng) for k in range(2)}, 2, name
        )
        for name in ("Λ1", "Λ2")
    }
    parts = (
        unitary(unitary_group.rvs(2, random_state=rng), ["Λ1"], ["A"]),
        unitary(unitary_group.rvs(2, random_state=rng), ["A"], ["B"]),
        unitary(unitary_group.rvs(4, random_state=rng), ["B", "Λ2"], ["C", "s"]),
    )
    model = QuantumStructuralModel(tuple(map(QuantumNode, "ABC")), preparations, parts, {"s": 2})
    actual = {node: random_instrument(rng) for node in "ABC"}
    changes = {"B": Instrument.do(random_state(rng), 2)}
    answers = [
        evaluate(model, CounterfactualQuery(evidence, {"B": "do"}, {"C": 0}, actual, changes)).probability
        for evidence in ({}, {"A": 0}, {"A": 1, "B": 0})
    ]
    assert answers == pytest.approx([answers[0]] * 3)
    with_descendant = evaluate(model, CounterfactualQuery({"C": 0}, {"B": "do"}, {"C": 0}, actual, changes)).probability
    assert abs(with_descendant - answers[0]) > 1e-6  # C's own noise is learnt about


# --- Examples 1 and 2 ------------------------------------------------------------------------------------------------


def test_same_process_and_query_have_different_answers_in_the_two_examples() -> None:
    first, second = evaluate(EXAMPLE_1, ask({})), evaluate(EXAMPLE_2, ask({}))
    assert (first.kind, first.probability, first.counterpossible) == (QueryKind.PASSIVE, HALF, False)
    assert second.probability is COUNTERPOSSIBLE
    assert second.counterpossible is True
    assert [(i.values, i.antecedent, i.weight) for i in second.impossible] == [({"Λ": "+"}, 0, 1)]
    assert second.impossible_weight == 1
    assert [t.probability for t in second.terms] == [COUNTERPOSSIBLE, HALF]


def test_posterior_of_the_examples() -> None:
    assert list(evaluate(EXAMPLE_1, ask({})).posterior[("Λ",)]) == [HALF, HALF]
    assert list(evaluate(EXAMPLE_2, ask({})).posterior[("Λ",)]) == [1, 0]


@pytest.mark.parametrize("model", [EXAMPLE_1, EXAMPLE_2])
def test_do_interventional_query_is_answered_in_both_examples(model: QuantumStructuralModel) -> None:
    answer = evaluate(model, ask({"A": DO_MINUS}))
    assert (answer.kind, answer.probability) == (QueryKind.DO, HALF)
    assert answer.kind.is_active


def phi_instrument(theta: Any, number: Any = sp) -> Instrument:
    """Measures [φ] and its complement, φ at angle θ in the real plane, and prepares |±⟩ accordingly."""
    c, s = number.cos(theta / 2), number.sin(theta / 2)
    projector = np.moveaxis(np.array([[c * c, c * s], [c * s, s * s]]), (0, 1), (-2, -1))
    plus, minus = (PLUS, MINUS) if number is sp else (PLUS.astype(float), MINUS.astype(float))
    one = np.eye(2, dtype=int)
    return Instrument.measure_and_prepare({"+": projector, "-": one - projector}, {"+": plus, "-": minus}, "φ")


def test_with_free_symbols_the_answer_comes_with_what_may_not_vanish() -> None:
    theta = sp.Symbol("theta", real=True)
    answer = evaluate(EXAMPLE_1, ask({"A": phi_instrument(theta)}))
    assert answer.kind is QueryKind.ACTIVE
    assert answer.probability == HALF
    assert answer.impossible == ()
    found = {c.values["Λ"]: c for c in answer.conditions}
    assert sp.simplify(found[0].antecedent - sp.sin(theta / 2) ** 2) == 0
    assert sp.simplify(found[1].antecedent - sp.cos(theta / 2) ** 2) == 0
    assert {c.weight for c in answer.conditions} == {HALF}


def test_in_a_batch_counterpossibles_are_nan_and_masked() -> None:
    angles = np.array([0.0, 0.5, np.pi])
    answer = evaluate(EXAMPLE_1, ask({"A": phi_instrument(angles, np)}))
    assert np.isnan(answer.probability).tolist() == [True, False, True] == answer.counterpossible.tolist()
    assert answer.probability[1] == pytest.approx(0.5)
    assert answer.impossible_weight == pytest.approx([0.5, 0, 0.5])
    assert answer.impossible == ()


def test_exact_and_floating_point_answers_agree() -> None:
    theta = sp.Rational(4, 7)
    for model in (EXAMPLE_1, EXAMPLE_2):
        exactly = evaluate(model, ask({"A": phi_instrument(theta)}))
        roughly = evaluate(model, ask({"A": phi_instrument(np.array(float(theta)), np)}))
        assert float(exactly.probability) == pytest.approx(float(roughly.probability))
        for one, other in zip(exactly.terms, roughly.terms, strict=True):
            assert float(one.antecedent) == pytest.approx(float(other.antecedent))


def test_with_exact_complex_matrices_every_number_of_an_answer_is_real_and_exact() -> None:
    third, root = sp.Rational(1, 3), sp.sqrt(2) / 2
    turn = exact([[root, -root], [sp.I * root, sp.I * root]])
    tilted = turn @ exact(
        [[sp.Rational(4, 5), -sp.Rational(3, 5)], [sp.Rational(3, 5) * sp.I, sp.Rational(4, 5) * sp.I]]
    )
    model = QuantumStructuralModel(
        (QuantumNode("A"), QuantumNode("B", 2, 1)),
        {"Λ": Instrument.discard_and_prepare({0: third, 1: 1 - third}, {0: exact(ZERO), 1: exact(ONE)}, 2)},
        (unitary(tilted, ["Λ"], ["A"]), unitary(turn, ["A"], ["B"])),
    )
    kraus = {"+": turn @ exact([[1, 0], [0, third]]), "-": exact([[0, 0], [0, sp.sqrt(8) / 3]])}
    weak = Instrument.from_kraus({a: K[None] for a, K in kraus.items()})
    looks = Instrument.measure_and_prepare({0: exact(ZERO), 1: exact(ONE)}, {0: [[1]], 1: [[1]]})
    answer = evaluate(model, CounterfactualQuery({"A": "+"}, {"A": "-"}, {"B": 0}, {"A": weak, "B": looks}, {}))
    for term in answer.terms:
        for value in (term.posterior, term.antecedent, term.joint, term.probability):
            assert isinstance(value, sp.Expr)
            assert not value.has(sp.I)
            assert 0 <= float(value) <= 1
    assert answer.probability == sp.expand(sum(t.posterior * t.probability for t in answer.terms))


# --- kinds and minimality --------------------------------------------------------------------------------------------


def test_a_query_is_passive_if_only_instruments_outside_the_antecedent_change() -> None:
    assert ask({"B": X}, b="+").kind is QueryKind.PASSIVE
    assert ask({"B": X}, b="+").changed == ("B",)
    assert ask({"A": X}).kind is QueryKind.PASSIVE


def test_minimality_keeps_the_instruments_where_the_antecedent_is_possible() -> None:
    chosen = disambiguate(EXAMPLE_1, {"A": "+"}, {"A": "-"}, {"B": 0}, {"A": X, "B": Z})
    assert chosen.query.kind is QueryKind.PASSIVE
    assert chosen.answer is chosen.passive
    assert str(chosen).startswith("Passive: with the instruments unchanged A = - is possible")


def test_minimality_intervenes_where_the_passive_reading_is_a_counterpossible() -> None:
    chosen = disambiguate(EXAMPLE_2, {"A": "+"}, {"A": "-"}, {"B": "-"}, {"A": X, "B": Z}, {"B": X})
    assert chosen.query.kind is QueryKind.DO
    assert chosen.answer.probability == 1  # |−⟩, deduced from the measurement, was sent
    assert "impossible for Λ = + (posterior weight 1)" in chosen.reason
    given = disambiguate(EXAMPLE_2, {"A": "+"}, {"A": "-"}, {"B": 0}, {"A": X, "B": Z}, states={"A": ONE})
    assert given.answer.probability == 0


def test_minimality_refuses_what_is_not_ambiguous_or_cannot_be_deduced() -> None:
    with pytest.raises(ValueError, match="counterfactual instrument at node A is given"):
        disambiguate(EXAMPLE_2, {"A": "+"}, {"A": "-"}, {"B": 0}, {"A": X, "B": Z}, {"A": Z})
    coarse = Instrument({"+": X["+"], "-": X["-"], "never": np.zeros((4, 4), int) * sp.Integer(1)}, 2, 2, "coarse")
    with pytest.raises(ValueError, match="instrument 'coarse' leaves behind when it finds 'never'"):
        disambiguate(EXAMPLE_2, {"A": "+"}, {"A": "never"}, {"B": 0}, {"A": coarse, "B": Z})
    mixed = Instrument({a: np.stack([X[a], Z[k]]).astype(float) for k, a in enumerate("+-")}, 2, 2)
    with pytest.raises(ValueError, match="a part of the batch is a counterpossible"):
        disambiguate(EXAMPLE_2, {"A": "+"}, {"A": "-"}, {"B": 0}, {"A": mixed, "B": Z})


# --- size ------------------------------------------------------------------------------------------------------------


def chain(n: int) -> QuantumStructuralModel:
    """Nodes N0 → N1 → …, each with noise of its own."""
    rng = np.random.default_rng(5)
    states = {k: random_state(rng) for k in range(2)}
    preparations = {f"L{k}": Instrument.discard_and_prepare({0: 0.4, 1: 0.6}, states, 2) for k in range(n)}
    parts = [unitary(np.eye(2), ["L0"], ["N0"])]
    parts += [
        unitary(unitary_group.rvs(4, random_state=rng), [f"N{k - 1}", f"L{k}"], [f"N{k}", f"s{k}"]) for k in range(1, n)
    ]
    return QuantumStructuralModel(
        tuple(QuantumNode(f"N{k}") for k in range(n)), preparations, parts, {f"s{k}": 2 for k in range(1, n)}
    )


def test_a_query_on_thirty_nodes_never_lists_all_values_of_the_exogenous_variables() -> None:
    model = chain(30)
    actual = dict.fromkeys(model.nodes, Z)
    do = Instrument.do(np.eye(2) / 2, 2)
    evidence = {f"N{k}": k % 2 for k in range(30)}
    query = CounterfactualQuery(evidence, {"N20": "do", "N2": 1}, {"N29": 0}, actual, {"N20": do})
    answer = evaluate(model, query)
    assert 0 <= answer.probability <= 1
    assert set(answer.posterior) == {(f"L{k}",) for k in range(30)}
    with pytest.raises(ValueError, match=r"λ has 1073741824 values: at most 4096 are listed"):
        answer.terms  # noqa: B018
    assert "The marginals of the posterior" in str(answer.explanation())
    with pytest.raises(ValueError, match=r"depends on L0, L1, .* L28 together, which have 536870912 values"):
        evaluate(model, CounterfactualQuery({}, {"N28": 1}, {"N29": 0}, actual, {}))


def test_a_do_upstream_cuts_the_antecedent_off() -> None:
    model = chain(30)
    actual = dict.fromkeys(model.nodes, Z)
    do = Instrument.do(np.eye(2) / 2, 2)
    answer = evaluate(model, CounterfactualQuery({"N1": 0}, {"N26": "do", "N28": 1}, {"N29": 0}, actual, {"N26": do}))
    assert 0 <= answer.probability <= 1


# --- explanations ----------------------------------------------------------------------------------------------------


def test_explanation_holds_the_three_steps_with_their_numbers() -> None:
    answer = evaluate(EXAMPLE_2, ask({}))
    abduction, action, prediction = answer.explanation().steps
    assert abduction.rows == (("+", "1/2", "1", "1"), ("-", "1/2", "0", "0"))
    assert action.text == "passive; no instrument is changed."
    assert prediction.text == "∗, a counterpossible: the antecedent is impossible for Λ = + (posterior weight 1)."
    assert prediction.rows[0] == ("+", "1", "0", "0", "∗")
    assert "the instrument is changed at A (x → do)" in str(evaluate(EXAMPLE_2, ask({"A": DO_MINUS})).explanation())
    assert repr(answer) == "Answer(passive, probability=∗)"


def test_explanation_is_shown_in_terminal_and_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    answer = evaluate(EXAMPLE_1, ask({}))
    answer.explain()
    shown = capsys.readouterr().out
    assert "Given A = +, what is the probability of B = 0, had it been that A = -?" in shown
    assert "Prediction: the probability is 1/2." in shown
    assert "<td>1/2</td>" in answer._repr_html_()
    batch = evaluate(EXAMPLE_1, ask({"A": phi_instrument(np.linspace(0, 3, 7), np)}))
    assert "∗ for 1 of 7 of the batch" in str(batch.explanation())


def test_an_explanation_leaves_out_what_has_only_one_value() -> None:
    """A preparation of a single state says nothing, and has no column."""
    source = Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, {0: [1.0, 0.0], 1: [0.0, 1.0]})
    ancilla = Instrument.do([1.0, 0.0], 1)
    parts = (unitary(np.eye(4), ["Λ", "ancilla"], ["A", "rest"]), unitary(np.eye(2), ["A"], ["B"]))
    model = QuantumStructuralModel(("A", "B"), {"Λ": source, "ancilla": ancilla}, parts, {"rest": 2})
    answer = evaluate(model, CounterfactualQuery({"A": 0}, {}, {"B": 0}, {"A": Z, "B": Z}))
    abduction, _, prediction = answer.explanation().steps
    assert abduction.columns == ("Λ", "P(λ)", "P(a|λ)", "P(λ|a)")
    assert prediction.columns[0] == "Λ"
    assert all(len(row) == len(step.columns) for step in (abduction, prediction) for row in step.rows)
    assert "ancilla" not in str(answer.explanation())


# --- what need not be said -------------------------------------------------------------------------------------------


@given(rng=st.integers(0, 2**32 - 1).map(np.random.default_rng))
@settings(deadline=None, max_examples=10)
def test_a_node_without_an_instrument_is_not_measured(rng: np.random.Generator) -> None:
    """In both worlds; and one that only the other world measures was idle in this one. Nodes may be named."""
    base = random_model(rng)
    model = QuantumStructuralModel(["A", "B", "C"], base.preparations, base.parts, base.wires)
    done, other, idle = random_instrument(rng), random_instrument(rng), Instrument.idle(2)
    short = CounterfactualQuery({"C": 0}, {"B": 1}, {"C": 1}, {"C": done}, {"B": other})
    full = CounterfactualQuery(
        {"C": 0}, {"B": 1}, {"C": 1}, {"A": idle, "B": idle, "C": done}, {"A": idle, "B": other, "C": done}
    )
    assert short.changed == ("B",)
    assert evaluate(model, short).probability == pytest.approx(evaluate(base, full).probability)
    assert evaluate(base, full).probability == pytest.approx(by_brute_force(base, full))
    assert probability(model, {"C": done}, {"C": 0}) == pytest.approx(
        probability(base, {"A": idle, "B": idle, "C": done}, {"C": 0})
    )


def test_nothing_else_need_be_said_where_nothing_changes() -> None:
    said = CounterfactualQuery({"A": "+"}, {}, {"B": 0}, {"A": X, "B": Z}, {})
    unsaid = CounterfactualQuery({"A": "+"}, {}, {"B": 0}, {"A": X, "B": Z})
    assert evaluate(EXAMPLE_1, unsaid).probability == evaluate(EXAMPLE_1, said).probability
    assert unsaid.counterfactual == said.counterfactual


def test_where_something_has_to_be_done_it_cannot_be_left_out() -> None:
    nodes = (QuantumNode("A", 1, 2), QuantumNode("B", 2, 1))
    model = QuantumStructuralModel(nodes, {}, (unitary(np.eye(2), ["A"], ["B"]),))
    read = measure("Z", destructive=True)
    made = Instrument.do([0.0, 1.0], 1)
    assert probability(model, {"A": made, "B": read}, {"B": 1}) == pytest.approx(1)
    assert evaluate(model, CounterfactualQuery({}, {}, {"B": 1}, {"A": made}, {"B": read})).probability == 1
    with pytest.raises(ValueError, match="node A: no instrument is given, and 1 dimensions cannot go on as 2"):
        probability(model, {"B": read}, {"B": 0})


# --- refusals --------------------------------------------------------------------------------------------------------


def test_evidence_of_probability_zero_is_refused() -> None:
    query = CounterfactualQuery({"A": "+", "B": "-"}, {}, {"B": "+"}, {"A": X, "B": X}, {})
    with pytest.raises(ValueError, match=r"evidence A = \+, B = - has probability zero: nothing can be learnt"):
        evaluate(EXAMPLE_1, query)
    batch = Instrument({a: np.stack([Z[k], X[a]]).astype(float) for k, a in enumerate("+-")}, 2, 2)
    query = CounterfactualQuery({"A": "+", "B": "-"}, {}, {"B": "+"}, {"A": X, "B": batch}, {})
    with pytest.raises(ValueError, match=r"has probability zero at \(1,\) of the batch"):
        evaluate(EXAMPLE_1, query)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evidence": {"C": 0}}, "evidence: node 'C': no actual instrument is given there; they are given at A, B"),
        ({"evidence": {"A": 0}}, r"evidence: A = 0, but the actual instrument at A has '\+', '-'"),
        ({"antecedent": {"A": "do"}}, "antecedent: A = 'do', but the counterfactual instrument at A has"),
        ({"consequent": {"B": 2}}, "consequent: B = 2, but the counterfactual instrument at B has 0, 1"),
        ({"consequent": {"A": "+"}}, "node A is in the antecedent and in the consequent"),
        ({"consequent": {}}, "the consequent should be an outcome of at least one node"),
        ({"counterfactual": {"A": ID}}, "counterfactual instrument at node 'A': ndarray should be Instrument"),
        ({"actual": {"A": X, "B": ID}}, "actual instrument at node 'B': ndarray should be Instrument"),
    ],
)
def test_malformed_queries_are_refused(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "evidence": {"A": "+"}, "antecedent": {"A": "-"}, "consequent": {"B": 0}, "actual": {"A": X, "B": Z},
        "counterfactual": {},
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        CounterfactualQuery(**{**good, **change})


def test_queries_that_do_not_fit_the_process_are_refused() -> None:
    with pytest.raises(ValueError, match="actual world: 'C' is not a node"):
        evaluate(EXAMPLE_1, CounterfactualQuery({"A": "+"}, {}, {"A": "-"}, {"A": X, "B": Z}, {"C": Z}))
    with pytest.raises(ValueError, match="actual world: 'C' is not a node"):
        evaluate(EXAMPLE_1, CounterfactualQuery({"A": "+"}, {}, {"C": 0}, {"A": X, "B": Z, "C": Z}, {}))
    narrow = Instrument.measure_and_prepare([ZERO, ONE], [[[1]], [[1]]])
    with pytest.raises(ValueError, match=r"counterfactual world: instrument .* at node B: it maps dimension 2 to 1"):
        evaluate(EXAMPLE_1, CounterfactualQuery({}, {}, {"B": 0}, {"A": X, "B": Z}, {"B": narrow}))
    with pytest.raises(ValueError, match="'Λ2' is no exogenous variable; they are Λ"):
        posterior(EXAMPLE_1, ask({}), ["Λ2"])


# --- other processes -------------------------------------------------------------------------------------------------


def by_dense_operators(model: QuantumStructuralModel, query: CounterfactualQuery) -> float:
    """(26), (27) and (29) with the conditional process operators (24), as matrices."""

    def born(sigma: np.ndarray, instruments: dict[str, Instrument], outcomes: dict[str, int]) -> float:
        tau = np.ones((1, 1))
        for node, operator in operators(instruments, outcomes).items():
            d_out, d_in = instruments[node].d_out, instruments[node].d_in
            in_first = operator.reshape(d_out, d_in, d_out, d_in).transpose(1, 0, 3, 2)
            tau = np.kron(tau, in_first.reshape(d_in * d_out, -1))
        return float(np.sum(sigma * tau.T).real)

    total = answer = 0.0
    for place in product(*model.exogenous.values()):
        values = dict(zip(model.exogenous, place, strict=True))
        sigma = model.process_operator(values).array
        weight = model.weight(values) * born(sigma, query.actual, query.evidence)
        both = {**query.antecedent, **query.consequent}
        ratio = born(sigma, query.counterfactual, both) / born(sigma, query.counterfactual, query.antecedent)
        total, answer = total + weight, answer + weight * ratio
    return answer / total


@given(seeds)
@settings(max_examples=2)
def test_contraction_equals_the_sum_with_dense_conditional_process_operators(rng: np.random.Generator) -> None:
    model, query = random_model(rng), random_query(rng)
    answer = evaluate(model, query)
    assert answer.probability == pytest.approx(by_dense_operators(model, query), abs=1e-9)
    assert evaluate(ProcessMixture.of(model), query).probability == pytest.approx(answer.probability, abs=1e-9)


def test_a_mixture_answers_as_the_structural_model_that_it_comes_from() -> None:
    for model in (EXAMPLE_1, EXAMPLE_2):
        mixture = ProcessMixture.of(model)
        for changes in ({}, {"A": DO_MINUS}):
            one, other = evaluate(model, ask(changes)), evaluate(mixture, ask(changes))
            assert one.probability == other.probability
            assert [t.posterior for t in one.terms] == [t.posterior for t in other.terms]


def test_without_exogenous_variables_the_evidence_teaches_nothing() -> None:
    process = EXAMPLE_1.process_operator()
    for evidence in ({}, {"A": "+"}, {"A": "+", "B": 1}):
        answer = evaluate(process, CounterfactualQuery(evidence, {"A": "-"}, {"B": 0}, {"A": X, "B": Z}, {}))
        assert answer.probability == HALF
        assert [t.posterior for t in answer.terms] == [1]


def test_preparations_may_be_batches_too() -> None:
    weights = np.array([0.1, 0.5, 1.0])
    source = Instrument.discard_and_prepare({0: weights, 1: 1 - weights}, {0: ZERO, 1: ONE}, 2, "Λ")
    model = QuantumStructuralModel(EXAMPLE_1.endogenous, {"Λ": source}, EXAMPLE_1.parts)
    answer = evaluate(model, CounterfactualQuery({"A": 0}, {}, {"B": 0}, {"A": Z, "B": Z}, {}))
    assert answer.probability == pytest.approx(np.ones(3))
    answer = evaluate(model, CounterfactualQuery({"A": "+"}, {}, {"B": 0}, {"A": X, "B": Z}, {}))
    posterior_of_0 = answer.posterior[("Λ",)][:, 0]
    assert posterior_of_0 == pytest.approx(weights)
