"""Rare is not impossible: conditional answers do not depend on how probable what they are conditional on is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import isqrt
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import unitary_group

from qlib.graphs.independence import independences
from qlib.models.bounds import ace_bounds
from qlib.numbers.exact_arrays import conditional_probability, exact
from qlib.numbers.tensor_networks import Tensor
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE, CounterfactualQuery, QueryKind, disambiguate, evaluate
from qlib.quantum.instruments import Instrument, product_factors, remaining_effect
from qlib.quantum.process_operators import ProcessOperator
from qlib.quantum.processes import ProcessMixture, QuantumNode, QuantumStructuralModel, probability, unitary

Array = np.ndarray[Any, Any]
ONE, X, DIAG = np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]]), [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
Z = Instrument.projective(DIAG, "z")
RARE = [1.0, 1e-3, 1e-6, 1e-9, 1e-12, 1e-20]

HIDDEN = sp.sqrt(2) - sp.Rational(isqrt(2 * 10**60), 10**30)  # positive, and less than 10⁻³⁰

seeds = st.integers(0, 10**6).map(np.random.default_rng)
factors = st.sampled_from([1.0, 0.3, 1e-3, 1e-5, 1e-7, 1e-9, 1e-12])


def rotation(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def line(unitaries: list[Any], state: Any = DIAG[0]) -> QuantumStructuralModel:
    """L → A → B → …: the unitaries on the way into each node, from a state that L prepares."""
    names = [chr(ord("A") + k) for k in range(len(unitaries))]
    parts = [unitary(U, [before], [after]) for U, before, after in zip(unitaries, ["L", *names], names, strict=False)]
    source = state if isinstance(state, Instrument) else Instrument.do(state, 1)
    return QuantumStructuralModel(tuple(map(QuantumNode, names)), {"L": source}, tuple(parts))


def heralded(K: Array, p: float, name: str = "") -> Instrument:
    """A unitary that happens with probability p and is known to have happened."""
    return Instrument.from_kraus({"error": np.sqrt(p) * K[None], "none": np.sqrt(1 - p) * np.eye(len(K))[None]}, name)


def haar(rng: np.random.Generator, d: int = 2) -> Array:
    return np.asarray(unitary_group.rvs(d, random_state=rng))


def generic(rng: np.random.Generator, outcomes: int = 2) -> dict[int, Array]:
    """Complex Kraus operators with nothing special about them, two for each outcome."""
    return dict(enumerate(haar(rng, 4 * outcomes)[:, :2].reshape(outcomes, 2, 2, 2)))


# --- heralded errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", RARE[1:])
def test_a_rare_heralded_flip_is_a_flip(p: float) -> None:
    model, instruments = line([ONE, ONE, rotation(0.5)]), {"A": heralded(X, p), "B": Z, "C": Z}
    answer = evaluate(model, CounterfactualQuery({}, {"A": "error", "B": 1}, {"C": 1}, instruments, {}))
    assert answer.probability == pytest.approx(np.cos(0.5) ** 2)
    assert answer.terms[0].probability == pytest.approx(answer.probability)
    assert answer.kind is QueryKind.PASSIVE


@pytest.mark.parametrize("p", RARE[1:])
def test_after_a_rare_flip_what_it_excludes_is_a_counterpossible(p: float) -> None:
    model, instruments = line([ONE, ONE, rotation(0.5)]), {"A": heralded(X, p), "B": Z, "C": Z}
    query = {"A": "error", "B": 0}
    assert evaluate(model, CounterfactualQuery({}, query, {"C": 1}, instruments, {})).probability is COUNTERPOSSIBLE
    states = {"A": DIAG[1], "B": DIAG[0]}
    assert disambiguate(model, {}, query, {"C": 1}, instruments, states=states).query.kind is QueryKind.DO


@given(seeds, factors)
@settings(max_examples=10)
def test_conditional_answers_do_not_depend_on_how_probable_an_outcome_is(rng: np.random.Generator, q: float) -> None:
    """An outcome's operator times q, the rest split off as an outcome of its own; at every place of a query."""
    unitaries, rho = [haar(rng) for _ in "ABC"], np.diag([0.3, 0.7])
    model = line(unitaries, rho)
    kraus = {node: generic(rng) for node in "ABC"}
    full = {node: Instrument.from_kraus(K) for node, K in kraus.items()}
    for node in "ABC":
        K = kraus[node]
        split = Instrument.from_kraus({0: np.sqrt(q) * K[0], "rest": np.sqrt(1 - q) * K[0], 1: K[1]})
        rare = {**full, node: split}
        for evidence, antecedent in (({}, {"A": 0, "B": 0}), ({"A": 0, "B": 0}, {"B": 0})):
            truth = evaluate(model, CounterfactualQuery(evidence, antecedent, {"C": 1}, full, {})).probability
            for actual, counterfactual in ((rare, {}), (full, {node: split}), (rare, {node: full[node]})):
                asked = CounterfactualQuery(evidence, antecedent, {"C": 1}, actual, counterfactual)
                assert evaluate(model, asked).probability == pytest.approx(truth, rel=1e-9)


def evidence_of_the_rare_state(U: Array, V: Array, q: float) -> None:
    """Evidence that only a rare λ allows picks it; what is then asked is answered in its state."""
    common, rare = U.conj().T[:, 0], U.conj().T[:, 1]
    states = {"common": np.outer(common, common.conj()), "rare": np.outer(rare, rare.conj())}
    model = line([U, V], Instrument.discard_and_prepare({"common": 1 - q, "rare": q}, states, 1))
    answer = evaluate(model, CounterfactualQuery({"A": 1}, {}, {"B": 0}, {"A": Z, "B": Z}, {}))
    assert answer.probability == pytest.approx(abs(V[0, 1]) ** 2, abs=1e-5)
    mixture = ProcessMixture.of(model)
    assert len(mixture.components) == (2 if q < 1 else 1)
    assert evaluate(mixture, answer.query).probability == pytest.approx(answer.probability, abs=1e-5)


@pytest.mark.parametrize("q", RARE)
def test_a_rare_state_among_common_ones_is_judged_by_its_own_prior(q: float) -> None:
    evidence_of_the_rare_state(ONE, haar(np.random.default_rng(1)), q)


@given(seeds, factors)
@settings(max_examples=10)
def test_where_common_terms_cancel_a_rare_one_is_found_or_refused(rng: np.random.Generator, q: float) -> None:
    with suppress_refusal():
        evidence_of_the_rare_state(haar(rng), haar(rng), q)


@pytest.mark.parametrize("q", RARE[1:])
def test_a_rare_state_that_excludes_the_antecedent_makes_it_a_counterpossible(q: float) -> None:
    states = {"+": np.full((2, 2), 0.5), "0": DIAG[0]}
    query = CounterfactualQuery({}, {"A": 1}, {"B": 0}, {"A": Z, "B": Z}, {})
    answer = evaluate(line([ONE, ONE], Instrument.discard_and_prepare({"+": 1 - q, "0": q}, states, 1)), query)
    assert answer.probability is COUNTERPOSSIBLE
    assert [found.values for found in answer.impossible] == [{"L": "0"}]
    assert answer.impossible[0].weight == pytest.approx(q)
    never = evaluate(line([ONE, ONE], Instrument.discard_and_prepare({"+": 1.0, "0": 0.0}, states, 1)), query)
    assert never.probability == pytest.approx(0)


@pytest.mark.parametrize("leak", [1e-3, 1e-6, 1e-9, 1e-13, 1e-16, 0.0])
def test_a_channel_that_lets_a_trace_pass_is_not_cut(leak: float) -> None:
    """B = 1 is possible only because the channel at A, almost a preparation of 0, lets its input pass at times.

    Beside entries of order one a trace of 1e-13 is too little to be known, and one of 1e-16 is what rounding leaves.
    """
    kraus = np.sqrt(1 - leak) * np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]]), np.sqrt(leak) * ONE[None]
    almost = Instrument.from_kraus({"": np.concatenate(kraus)}, "almost do(0)")
    model = line([ONE, ONE, rotation(0.5)], DIAG[1])
    query = CounterfactualQuery({}, {"B": 1}, {"C": 1}, {"A": almost, "B": Z, "C": Z}, {})
    if leak > 1e-10:
        assert evaluate(model, query).probability == pytest.approx(np.cos(0.5) ** 2)
    elif leak > 1e-14:
        with pytest.raises(ValueError, match=r"antecedent B = 1 .* indistinguishable from zero at this precision"):
            evaluate(model, query)
    else:
        assert evaluate(model, query).probability is COUNTERPOSSIBLE


def noisy(instrument: Instrument, rng: np.random.Generator) -> Instrument:
    """Every entry of every operator changed by rounding, 1e-16 of the operator's largest, zeros as well."""
    operators = {}
    for outcome, tau in instrument.operators.items():
        noise = rng.uniform(-1, 1, (2, *tau.shape))
        noise = noise[0] + 1j * noise[1]
        operators[outcome] = tau + 1e-16 * np.abs(tau).max() * (noise + noise.conj().T) / 2
    return Instrument(operators, instrument.d_in, instrument.d_out)


@given(seeds, st.sampled_from([0.3, 1e-3, 1e-6, 1e-9, 1e-12]), st.booleans())
@settings(max_examples=20)
def test_rounding_makes_nothing_possible_and_nothing_impossible(rng: np.random.Generator, q: float, fits: bool) -> None:
    """Rare and common outcomes, states with zeros, and an antecedent that a λ excludes; with and without noise."""
    split = [np.sqrt(q) * np.diag([1.0, 0.0]), np.sqrt(1 - q) * np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
    z = Instrument.from_kraus({k: K[None] for k, K in enumerate(split)})
    second = DIAG[1] if fits else np.full((2, 2), 0.5)
    source = Instrument.discard_and_prepare({"0": 0.4, "1": 0.6}, {"0": DIAG[0], "1": second}, 1)
    unitaries = [np.diag([1, np.exp(1j)]), haar(rng)]
    for evidence, antecedent in (({}, {"A": 0}), ({"A": 2}, {"A": 0}), ({"A": 2}, {"A": 2}), ({"A": 1}, {"A": 2})):
        query = CounterfactualQuery(evidence, antecedent, {"B": 2}, {"A": z, "B": z}, {})
        truth = evaluate(line(unitaries, source), query).probability
        rounded = noisy(z, rng)
        again = CounterfactualQuery(evidence, antecedent, {"B": 2}, {"A": rounded, "B": rounded}, {})
        noise = [1e-16 * rng.uniform(-1, 1, (2, 2)) for _ in unitaries]
        model = line([U + d for U, d in zip(unitaries, noise, strict=True)], noisy(source, rng))
        with suppress_refusal():
            found = evaluate(model, again).probability
            assert found is truth or found == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("angle", [90, 180, 270, 450])
def test_what_rounding_leaves_of_a_cosine_prepares_no_possible_state(angle: float) -> None:
    """cos 90° is 6e-17 in floating point: the state orthogonal to what is measured stays orthogonal to it."""
    half = np.radians(angle) / 2
    v, w = np.array([np.cos(half), np.sin(half)]), np.array([-np.sin(half), np.cos(half)])
    measured = Instrument.projective([np.outer(v, v), np.outer(w, w)])
    source = Instrument.discard_and_prepare({"v": 0.5, "w": 0.5}, {"v": np.outer(v, v), "w": np.outer(w, w)}, 1)
    query = CounterfactualQuery({}, {"A": 0}, {"B": 0}, {"A": measured, "B": Z}, {})
    answer = evaluate(line([ONE, ONE], source), query)
    assert answer.probability is COUNTERPOSSIBLE
    assert [found.values for found in answer.impossible] == [{"L": "w"}]
    given_v = CounterfactualQuery({"A": 0}, {"A": 0}, {"B": 0}, {"A": measured, "B": Z}, {})
    assert evaluate(line([ONE, ONE], source), given_v).probability == pytest.approx(v[0] ** 2)


@given(angle=st.floats(0.01, 1.5), phase=st.floats(0, 6))
def test_what_rounding_leaves_of_one_minus_the_other_projectors_is_no_rare_outcome(angle: float, phase: float) -> None:
    v = np.array([np.cos(angle), np.exp(1j * phase) * np.sin(angle)])
    w = np.array([-np.exp(-1j * phase) * np.sin(angle), np.cos(angle)])
    P, W = np.outer(v, v.conj()), np.outer(w, w.conj())
    measured = Instrument.projective({0: P, 1: W, "else": np.eye(2) - P - W})
    source = Instrument.do([[0.6, 0.1j], [-0.1j, 0.4]], d_in=1)
    with pytest.raises(ValueError, match="the evidence A = else has probability zero"):
        evaluate(
            line([ONE, ONE], source), CounterfactualQuery({"A": "else"}, {}, {"B": 0}, {"A": measured, "B": Z}, {})
        )


@pytest.mark.parametrize("rare", RARE[4:])
def test_what_effects_leave_by_rounding_is_no_rare_outcome_and_an_effect_that_is_given_is_one(rare: float) -> None:
    source, query = Instrument.do([[0.6, 0.1j], [-0.1j, 0.4]], d_in=1), ({"A": "else"}, {}, {"B": 0})
    some = {0: np.diag([0.3, 1.0]), 1: np.diag([0.6, 0.0]), 2: np.diag([0.1, 0.0])}
    assert 0 < (ONE - sum(some.values()))[0, 0] < 1e-15
    never = Instrument.from_povm({**some, "else": remaining_effect(some)})
    with pytest.raises(ValueError, match="the evidence A = else has probability zero"):
        evaluate(line([ONE, ONE], source), CounterfactualQuery(*query, {"A": never, "B": Z}, {}))
    known = {"else": rare * DIAG[0]}
    seldom = Instrument.from_povm({**known, "often": remaining_effect(known)})
    found = evaluate(line([ONE, ONE], source), CounterfactualQuery(*query, {"A": seldom, "B": Z}, {}))
    assert found.probability == pytest.approx(0.6)  # the source has no record: it prepares anew


# --- long chains ------------------------------------------------------------------------------------------------------


def weak_chain(n: int, number: Any) -> tuple[QuantumStructuralModel, CounterfactualQuery]:
    c, s, one = number(4, 5), number(3, 5), number(1, 1)
    weak = Instrument.from_kraus({0: np.array([[[c, 0], [0, s]]]), 1: np.array([[[s, 0], [0, c]]])})
    R, unit = np.array([[s, -c], [c, s]]), np.array([[1, 0], [0, 1]]) * one
    names = [f"N{k}" for k in range(n)]
    parts = [
        unitary(unit, ["L"], ["N0"]),
        *(unitary(R, [a], [b]) for a, b in zip(names, [*names[1:], "C"], strict=True)),
    ]
    zero, unity = (np.array(rows) * one for rows in ([[1, 0], [0, 0]], [[0, 0], [0, 1]]))
    nodes = tuple(map(QuantumNode, [*names, "C"]))
    model = QuantumStructuralModel(nodes, {"L": Instrument.do(zero, 1)}, tuple(parts))
    instruments = {**dict.fromkeys(names, weak), "C": Instrument.projective({0: zero, 1: unity})}
    return model, CounterfactualQuery({}, {name: k % 2 for k, name in enumerate(names)}, {"C": 0}, instruments, {})


def by_states(n: int) -> sp.Rational:
    """The same with one vector of rational numbers, followed from measurement to measurement."""
    a, b, c, s = sp.Integer(1), sp.Integer(0), sp.Rational(4, 5), sp.Rational(3, 5)
    for k in range(n):
        a, b = (c * a, s * b) if k % 2 == 0 else (s * a, c * b)
        a, b = s * a - c * b, c * a + s * b
    return a**2 / (a**2 + b**2)


@pytest.mark.parametrize("n", [42, 120])
def test_many_weak_measurements_in_a_row_have_a_probability_however_small(n: int) -> None:
    truth = by_states(n)
    assert evaluate(*weak_chain(n, sp.Rational)).probability == truth
    assert evaluate(*weak_chain(n, lambda p, q: p / q)).probability == pytest.approx(float(truth), rel=1e-9)


@pytest.mark.parametrize("kind", ["exact", "floating point"])
def test_after_forty_one_weak_results_in_turn_the_next_is_nearly_a_fair_coin(kind: str) -> None:
    """A source of 0 or 1, each with probability 1/2; had the first of forty-two results been 0, 1, …, 0, the last is 0.

    By two vectors of rational numbers, one for each λ; the answer is the mean of what they say, 0.4978667188531532….
    """
    model, query = weak_chain(41, sp.Rational if kind == "exact" else lambda p, q: p / q)
    number = sp.Rational if kind == "exact" else lambda p, q: p / q
    zero, one = (np.array(rows) * number(1, 1) for rows in ([[1, 0], [0, 0]], [[0, 0], [0, 1]]))
    source = Instrument.discard_and_prepare({0: number(1, 2), 1: number(1, 2)}, {0: zero, 1: one}, 1)
    model = QuantumStructuralModel(tuple(model.nodes.values()), {"L": source}, model.parts)
    last = {**query.actual, "C": query.actual["N0"]}
    answer = evaluate(model, CounterfactualQuery({}, query.antecedent, {"C": 0}, last, {}))
    c, s = sp.Rational(4, 5), sp.Rational(3, 5)
    found = []
    for start in ((1, 0), (0, 1)):
        a, b = start
        for k in range(41):
            a, b = (c * a, s * b) if k % 2 == 0 else (s * a, c * b)
            a, b = s * a - c * b, c * a + s * b
        found.append((c**2 * a**2 + s**2 * b**2) / (a**2 + b**2))
    truth = (found[0] + found[1]) / 2
    assert round(float(truth), 6) == 0.497867
    assert answer.probability == (truth if kind == "exact" else pytest.approx(float(truth), rel=1e-9))


# --- exact and floating point -----------------------------------------------------------------------------------------


@contextmanager
def suppress_refusal() -> Iterator[None]:
    """What is refused for the precision of floating-point numbers is let pass, and nothing else."""
    try:
        yield
    except ValueError as error:
        if "indistinguishable from zero at this precision" not in str(error):
            raise


@given(seeds, factors, st.booleans())
@settings(max_examples=20)
def test_floats_answer_as_algebra_does_or_refuse_by_name(rng: np.random.Generator, q: float, fits: bool) -> None:
    """Generic complex bases; with `fits`, B is measured in the basis that A left it in: B = 1 is impossible."""
    U, V, W = (haar(rng) for _ in range(3))
    projectors = [np.outer(v, v.conj()) for v in V.T]
    basis = Instrument.projective(projectors)
    rest = np.stack([np.sqrt(1 - q) * projectors[0], projectors[1]])
    measured = Instrument.from_kraus({"rare": np.sqrt(q) * projectors[0][None], "rest": rest})
    model = line([U, ONE if fits else W, W])
    instruments = {"A": measured, "B": basis, "C": basis}
    query = CounterfactualQuery({"A": "rest"}, {"A": "rare", "B": 1}, {"C": 0}, instruments, {})
    with suppress_refusal():
        found = evaluate(model, query).probability
        truth = abs(V[:, 0].conj() @ W @ V[:, 1]) ** 2
        assert found is COUNTERPOSSIBLE if fits else found == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("angle", [1e-2, 1e-4, 3e-6, 1e-6, 0.0])
def test_a_small_remainder_of_large_terms_is_answered_well_or_refused_by_name(angle: float) -> None:
    """P(A = 1) = sin² of the angle, found in a generic basis as a difference of terms of order one."""
    rng = np.random.default_rng(5)
    V, W = haar(rng), haar(rng)
    basis = Instrument.projective([V @ P @ V.conj().T for P in DIAG])
    model = line([ONE, W], V @ rotation(angle) @ DIAG[0] @ rotation(-angle) @ V.conj().T)
    query = CounterfactualQuery({}, {"A": 1}, {"B": 0}, {"A": basis, "B": Z}, {})
    if angle > 1e-5:
        assert evaluate(model, query).probability == pytest.approx(abs((W @ V[:, 1])[0]) ** 2, abs=1e-6)
    elif angle == 0:
        assert evaluate(model, query).probability is COUNTERPOSSIBLE
    else:
        with pytest.raises(ValueError, match=r"antecedent A = 1 .* indistinguishable from zero at this precision"):
            evaluate(model, query)
        with pytest.raises(ValueError, match=r"evidence A = 1 .*(indistinguishable from zero|in floating point)"):
            evaluate(model, CounterfactualQuery({"A": 1}, {}, {"B": 0}, {"A": basis, "B": Z}, {}))


def test_a_phase_in_floating_point_makes_the_orthogonal_outcome_impossible() -> None:
    plus, T = np.full((2, 2), 0.5), np.diag([1, np.exp(0.25j * np.pi)])
    axis = (X + np.array([[0, -1j], [1j, 0]])) / np.sqrt(2)
    along = Instrument.projective([(ONE + axis) / 2, (ONE - axis) / 2])
    answer = evaluate(line([T, ONE], plus), CounterfactualQuery({}, {"A": 1}, {"B": 0}, {"A": along, "B": Z}, {}))
    assert answer.probability is COUNTERPOSSIBLE


# --- instruments ------------------------------------------------------------------------------------------------------


@given(seeds, st.sampled_from(RARE))
@settings(max_examples=20)
def test_what_an_operator_is_does_not_depend_on_its_weight(rng: np.random.Generator, q: float) -> None:
    """A generic map, a measurement that prepares, and the discarding of the input are told apart at any scale."""
    K = generic(rng)[0]
    passing = np.einsum("koi,kpj->oipj", K.conj(), K).reshape(4, 4)
    rho, F = haar(rng) @ np.diag([0.2, 0.8]), haar(rng) @ np.diag([1.0, 0.4])
    state, effect = rho @ rho.conj().T / np.trace(rho @ rho.conj().T), F @ F.conj().T / 2
    for tau, is_product in ((passing, False), (np.kron(state.T, effect), True)):
        for to_rounding in (False, True):
            found = product_factors(q * tau, 2, 2, to_rounding)
            assert (found is not None) == is_product
            if found:
                np.testing.assert_allclose(np.kron(*found) / q, tau, atol=1e-12)
    assert not heralded(haar(rng), q / 2).is_discard_and_prepare
    assert Instrument.discard_and_prepare({0: 1 - q, 1: q}, {0: state, 1: DIAG[0]}, 2).is_discard_and_prepare


@pytest.mark.parametrize("p", [1e-3, 1e-6, 1e-9, 1e-12])
def test_instruments_that_differ_in_a_rare_outcome_differ(p: float) -> None:
    flip, phase = heralded(X, p), heralded(np.diag([1.0, -1.0]), p)
    assert not flip.same_as(phase)
    assert flip.same_as(heralded(X, p))
    assert flip.kraus("error").shape == (1, 2, 2)
    np.testing.assert_allclose(np.abs(flip.kraus("error")[0]) / np.sqrt(p), X, atol=1e-9)
    query = CounterfactualQuery({}, {"A": "error"}, {"B": 0}, {"A": flip, "B": Z}, {"A": phase})
    assert query.kind is QueryKind.ACTIVE
    assert evaluate(line([ONE, ONE]), query).probability == pytest.approx(1)


def test_a_rare_outcome_has_to_be_positive_on_its_own_scale() -> None:
    tau = 1e-10 * np.diag([1.0, -1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="outcome 'odd': not completely positive"):
        Instrument({"odd": tau, "rest": np.diag([0.0, 1.0, 1.0, 0.0]) - tau}, 2, 2)


# --- safeguards -------------------------------------------------------------------------------------------------------


def test_an_answer_is_compared_with_its_terms() -> None:
    query = CounterfactualQuery({}, {"A": 0}, {"B": 0}, {"A": Z, "B": Z}, {})
    answer = evaluate(line([rotation(0.7), rotation(0.4)]), query)
    assert len(answer.terms) == 1
    for wrong in (answer.probability + 1e-3, 1.0):
        with pytest.raises(ArithmeticError, match=r"internal error: the answer .* is not the average"):
            _ = replace(answer, probability=wrong).terms
    with pytest.raises(ArithmeticError, match="internal error"):
        _ = replace(answer, probability=COUNTERPOSSIBLE, counterpossible=True).terms


@pytest.mark.parametrize("value", [1.54, -0.01, 1e10, sp.Rational(3, 2), np.array([0.5, -2.0])])
def test_what_is_no_probability_never_leaves(value: Any) -> None:
    with pytest.raises(ArithmeticError, match="internal error: P was found to be"):
        conditional_probability(value, "P")


class Faulty:
    """A process that gives each outcome that is asked for thrice the probability that it should have."""

    def __init__(self, model: QuantumStructuralModel, faulty_world: str) -> None:
        self.nodes, self.exogenous, self.prior = model.nodes, model.exogenous, model.prior
        self.model, self.faulty_world = model, faulty_world

    def tensors(self, operators: Any, ignored: frozenset[str], world: Any) -> Any:
        network = self.model.tensors(operators, ignored, world)
        factor = 3.0 ** (len(self.nodes) - len(ignored)) if world in (self.faulty_world, 0) else 1.0
        return [*network, Tensor(np.array(factor), ())]


def test_a_conditional_probability_outside_of_0_and_1_is_an_internal_error() -> None:
    source = Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, dict(enumerate(DIAG)), 1)
    model, instruments = line([rotation(0.3)] * 2, source), {"A": Z, "B": Z}
    query = CounterfactualQuery({"A": 0}, {"A": 0}, {"B": 0}, instruments, {})
    assert 0 < evaluate(model, query).probability < 1
    with pytest.raises(ArithmeticError, match=r"internal error: .* was found to be 2\.\d+, which is no probability"):
        evaluate(Faulty(model, "counterfactual"), CounterfactualQuery({"A": 0}, {}, {"B": 0}, instruments, {}))
    with pytest.raises(ArithmeticError, match=r"internal error: the probability of .* which is no probability"):
        probability(Faulty(model, ""), instruments, {"A": 0})


@pytest.mark.parametrize("value", [1 + HIDDEN, -HIDDEN, 3 * HIDDEN - 2, HIDDEN])
def test_an_exact_number_is_a_probability_or_not_however_near_it_is(value: sp.Expr) -> None:
    if value == HIDDEN:
        assert conditional_probability(value, "P") == value
    else:
        with pytest.raises(ArithmeticError, match="internal error: P was found to be"):
            conditional_probability(value, "P")


@given(seeds)
@settings(max_examples=20)
def test_conditional_probabilities_lie_between_zero_and_one(rng: np.random.Generator) -> None:
    weights = rng.dirichlet(np.ones(3)) * 10.0 ** -rng.integers(0, 12, 3)
    weights = weights / weights.sum()
    states = {k: np.outer(v, v.conj()) for k, v in enumerate(haar(rng, 3)[:, :2] / 1)}
    states = {k: rho / np.trace(rho) for k, rho in states.items()}
    model = line([haar(rng) for _ in "ABC"], Instrument.discard_and_prepare(dict(enumerate(weights)), states, 1))
    flip = heralded(haar(rng), 10.0 ** -rng.uniform(0.5, 12))
    instruments = {"A": flip, "B": Instrument.from_kraus(generic(rng)), "C": Z}
    answer = evaluate(model, CounterfactualQuery({"B": 1}, {"A": "error", "B": 0}, {"C": 0}, instruments, {}))
    assert 0 <= answer.probability <= 1
    assert all(0 <= term.probability <= 1 and 0 <= term.posterior <= 1 for term in answer.terms)
    assert all(((law >= 0) & (law <= 1)).all() for law in answer.posterior.values())


def test_evidence_may_imply_the_antecedent_so_that_a_passive_reading_is_no_counterpossible() -> None:
    """A classical bit, found to be 0, had it been 0: nothing need be changed, and B = 0 for certain."""
    bit = Instrument.discard_and_prepare(
        {0: sp.Rational(1, 2), 1: sp.Rational(1, 2)}, {k: exact(P.astype(int)) for k, P in enumerate(DIAG)}
    )
    z = Instrument.projective([exact(P.astype(int)) for P in DIAG])
    model = line([exact([[1, 0], [0, 1]])] * 2, bit)
    reading = disambiguate(model, {"A": 0}, {"A": 0}, {"B": 0}, {"A": z, "B": z})
    assert (reading.query.kind, reading.answer.probability) == (QueryKind.PASSIVE, 1)
    other = disambiguate(model, {"A": 0}, {"A": 1}, {"B": 0}, {"A": z, "B": z})
    assert other.passive.probability is COUNTERPOSSIBLE


def test_a_mixture_keeps_rare_components() -> None:
    node = [QuantumNode("A", 2, 1)]
    mixture = ProcessMixture({0: 1 - 1e-13, 1: 1e-13}, {k: ProcessOperator(node, P) for k, P in enumerate(DIAG)})
    measured = Instrument.from_kraus({0: [[[1.0, 0.0]]], 1: [[[0.0, 1.0]]]})
    answer = evaluate(mixture, CounterfactualQuery({"A": 1}, {}, {"A": 1}, {"A": measured}, {}))
    assert answer.evidence == pytest.approx(1e-13)
    assert answer.probability == pytest.approx(1)


@pytest.mark.parametrize("p", [1e-6, 1e-10])
def test_a_rare_event_that_implies_another_is_no_independence(p: float) -> None:
    copy, apart = np.diag([1 - p, p]), np.outer([1 - p, p], [0.3, 0.7])
    assert not list(independences(copy, ["A", "B"]).statements())
    assert [str(statement) for statement in independences(apart, ["A", "B"]).statements()] == ["A ⊥ B"]


def test_bounds_never_cross_where_a_model_is_said_to_exist() -> None:
    """X = 1 - Z always, and Y follows X but for a trace of disturbance that is let pass as rounding."""
    p = np.zeros((2, 2, 2))
    p[0, 0, 1], p[1, 1, 0] = 1, 1
    for x, y, z in np.ndindex(2, 2, 2):
        q = p.copy()
        q[1 - z, 1 - z, z] -= 8e-10
        q[x, y, z] += 8e-10
        bounds = ace_bounds(q)
        assert not bounds.feasible or bounds.lower <= bounds.upper
