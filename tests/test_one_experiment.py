"""One experiment, read by four papers: observation and intervention fused, individuals, and facts behind a pair."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.studies import one_experiment as study
from compendium.studies.one_experiment import LIKELY, ONE_BASIS, begins, classical_line, individual_query, other_outcome
from qlib.correlations import behaviour, deterministic_correlators, fused_behaviour, local_facets, observed, see_saw
from qlib.correlations.behaviours import correlators_of_behaviour, functional_value
from qlib.models import effect_bounds
from qlib.numbers import exact, is_zero, simplified
from qlib.quantum import PAULI_X, PAULI_Z, born_rule, effects, evaluate

R, ROOT, S = sp.Rational, sp.sqrt(2), sp.Symbol("s")
THIRD = R(1, 3)
BELL = study.noisy_pair(1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def behaviours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Behaviours in general position without signalling: mixtures of all local ones and a Tsirelson box, biased."""
    local = deterministic_correlators(2, 2).astype(float)
    box = np.array([[1, 0, 0], [0, 1, 1], [0, -1, 1]]) / np.array([[1, 1, 1], [1, ROOT, ROOT], [1, ROOT, ROOT]], float)
    weights = rng.dirichlet(np.ones(len(local)) / 4, count)
    share = rng.uniform(0.4, 1, (count, 1, 1))
    return behaviour(share * box + (1 - share) * np.einsum("nk,kij->nij", weights, local))


# --- observation and intervention ------------------------------------------------------------------------------------


def test_observations_and_do_probabilities_are_the_whole_bell_test(rng: np.random.Generator) -> None:
    for P in behaviours(rng, 20):
        E = correlators_of_behaviour(P)
        np.testing.assert_allclose(fused_behaviour(observed(E), P.sum(axis=2)[1, :, 1]), P, atol=1e-12)


def test_without_the_do_probabilities_it_is_not(rng: np.random.Generator) -> None:
    (P,) = behaviours(rng, 1)
    other = fused_behaviour(observed(correlators_of_behaviour(P)), P.sum(axis=2)[0, :, 1] + [0.01, 0])
    assert np.abs(other - P).max() == pytest.approx(0.01)


@pytest.mark.parametrize(("p", "do"), [(np.zeros((2, 2)), [0, 0]), (np.zeros((2, 2, 2)), [0, 0, 0])])
def test_tables_of_other_shapes_are_refused(p: np.ndarray, do: list[int]) -> None:
    with pytest.raises(ValueError, match="shape"):
        fused_behaviour(p, do)


def test_a_do_probability_leaves_its_sharp_bounds_by_a_quarter_of_the_violation(rng: np.random.Generator) -> None:
    """Two routes: the facets, and exact linear programs for each probability of a rational table."""
    facets = [F for name, F in local_facets().items() if name.startswith("CHSH")]
    outside = []
    for P in behaviours(rng, 4):
        rational = np.frompyfunc(lambda x: R(round(float(x) * 997), 997), 1, 1)
        E = rational(correlators_of_behaviour(P))
        E[0, 0] = sp.Integer(1)
        excess = max(functional_value(F, E) for F in facets)
        bounds = [effect_bounds(observed(E), "P(Y | do X)", treatment=t) for t in (0, 1)]
        found = [(1 - E[0, 1 + t]) / 2 for t in (0, 1)]
        largest = max(max(b.lower - d, d - b.upper) for b, d in zip(bounds, found, strict=True))
        if excess > 0:
            assert largest == excess
            outside.append(largest)
        else:
            assert largest <= 0
    assert outside, "some of them should violate an inequality"


# --- individuals in classical models ---------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [R(2, 5), R(1, 2), R(13, 20), R(7, 10)])
def test_the_bounds_of_an_individual_are_those_of_a_table(s: sp.Rational) -> None:
    p = study.seen(study.data(s))
    sufficient, necessary = effect_bounds(p, "PS", instrument_law=[1, 0]), effect_bounds(p, "PN", instrument_law=[0, 1])
    assert sufficient.lower == necessary.lower == (3 * s - 1) / (1 + s)
    assert sufficient.upper == necessary.upper == 1
    assert effect_bounds(p, "PNS").lower == (3 * s - 1) / 4


def test_a_bound_is_no_line_where_it_bends() -> None:
    with pytest.raises(ValueError, match="not on"):
        classical_line(other_outcome((0, 0, 0)), "min", R(1, 5), 1)


@pytest.mark.parametrize("evidence", LIKELY)
def test_independence_of_single_worlds_gives_the_same_bounds(evidence: tuple[int, int, int]) -> None:
    from qlib.numbers import certificate

    s = R(3, 5)
    low, high = (0, R(1, 2)) if evidence == (1, 1, 1) else (R(1, 2), 1)
    for sense, end in (("min", low), ("max", high)):
        weak = certificate(study.single_world_program(s, other_outcome(evidence), coin=evidence[2]), sense).value
        strong = certificate(study.classical_program(s, other_outcome(evidence)), sense).value
        assert weak == strong == end * (1 + s) / 4


def test_do_data_that_are_known_leave_no_classical_model_where_chsh_is_violated() -> None:
    from qlib.numbers import is_feasible

    half = {0: R(1, 2), 1: R(1, 2)}
    assert is_feasible(study.classical_program(R(1, 2), lambda r: 0, half))
    assert not is_feasible(study.classical_program(R(51, 100), lambda r: 0, half))
    assert is_feasible(study.classical_program(R(51, 100), lambda r: 0))


# --- the quantum model -----------------------------------------------------------------------------------------------


def test_the_structural_model_has_the_data_of_the_experiment() -> None:
    from qlib.quantum import probability

    v = R(4, 7)
    model = study.structural_model({"": study.noisy_pair(v)}, {"": 1})
    P = study.data(v / ROOT)
    for z, t, x, y in product((0, 1), repeat=4):
        at = study.instruments() | {"X": study.sending(t, measured=True)}
        assert is_zero(probability(model, at, {"Z": z, "X": x, "Y": y}) - P[z, t, x, y] / 2)


def test_the_data_are_those_of_wang_and_zhangs_observables() -> None:
    alice, bob = np.stack([PAULI_Z, PAULI_X]), np.stack([PAULI_Z + PAULI_X, PAULI_Z - PAULI_X]) / ROOT
    v = R(3, 8)
    born = born_rule(study.noisy_pair(v), effects(alice), effects(bob))
    assert not np.any(simplified(born - study.data(v / ROOT)))


@pytest.mark.parametrize("evidence", LIKELY)
def test_the_answers_are_one_half_and_borns_rule_given_what_x_found(evidence: tuple[int, int, int]) -> None:
    x, _, z = evidence
    model = study.structural_model({"": BELL}, {"": 1})
    P = study.data(1 / ROOT)
    kept = P[z, 1 - x, x, 1] / P[z, 1 - x, x].sum()
    assert is_zero(evaluate(model, individual_query(evidence, "drawn anew")).probability - R(1, 2))
    assert is_zero(evaluate(model, individual_query(evidence, "kept")).probability - kept)


def test_in_one_basis_only_what_is_kept_agrees_with_the_classical_models() -> None:
    model = study.structural_model({"": BELL}, {"": 1}, ONE_BASIS)
    answers = [evaluate(model, individual_query((0, 0, 0), r, ONE_BASIS)).probability for r in ("drawn anew", "kept")]
    assert answers == [R(1, 2), 1]


def test_another_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="reading"):
        individual_query((0, 0, 0), "both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="evidence"):
        individual_query((0, 2, 0), "kept")


# --- other facts -----------------------------------------------------------------------------------------------------


def answers_of(P: np.ndarray, weights: np.ndarray) -> float:
    """The kept answer of behaviours P[λ, z, t, x, y], by Bayes."""
    found, would = P[:, 0, 0, 0, 0], P[:, 0, 1, 0]
    return float((weights * found * would[:, 1] / would.sum(axis=1)).sum() / (weights * found).sum())


def test_no_facts_raise_the_kept_answer_above_its_bound(rng: np.random.Generator) -> None:
    """For completions of any kind, classical and beyond quantum theory included; and some come close to it."""
    local = behaviour(deterministic_correlators(2, 2).astype(float))
    boxes = behaviour(
        np.array([[[1, 0, 0], [0, a, b], [0, c, -a * b * c]] for a, b, c in product((1, -1), repeat=3)], float)
    )
    corners = 0.999 * np.concatenate([local, boxes]) + 0.001 / 4
    shares = []
    for _ in range(300):
        chosen = rng.choice(len(corners), 5)
        weights = rng.dirichlet(np.ones(5) / 2)
        P = np.einsum("k,kztxy->ztxy", weights, corners[chosen])
        bound = P[0, 1, 0, 1] / P[0, 0, 0, 0]
        answer = answers_of(corners[chosen], weights)
        assert answer <= bound + 1e-12
        if bound < 0.9:
            shares.append(answer / bound)
    assert max(shares) > 0.98


def test_random_complex_facts_keep_to_the_range_of_the_state(rng: np.random.Generator) -> None:
    v = 0.83
    s = v / np.sqrt(2)
    rho = study.noisy_pair(R(83, 100)).astype(float)
    for facts in (4, 7):
        weights, states = study.completed(rho, facts, rng)
        np.testing.assert_allclose(np.einsum("k,kij->ij", weights, states), rho, atol=1e-12)
        model = study.structural_model(dict(enumerate(states)), dict(enumerate(weights)))
        kept = evaluate(model, individual_query((0, 0, 0), "kept")).probability
        anew = evaluate(model, individual_query((0, 0, 0), "drawn anew")).probability
        assert 1 / (4 * (1 + s)) <= kept <= (3 - 4 * s**2) / (4 * (1 + s))
        assert anew <= (7 + 4 * s - 6 * s**2) / (8 * (1 + s))


def test_both_ends_of_the_kept_range_are_attained(rng: np.random.Generator) -> None:
    from qlib.quantum import extreme_completion

    v = 0.9
    s = v / np.sqrt(2)
    rho = study.noisy_pair(R(9, 10)).astype(float)
    up = np.diag([1.0, 0.0])
    plus = (np.eye(2) + np.array([[1, 1], [1, -1]]) / np.sqrt(2)) / 2
    B1 = np.array([[1, -1], [-1, -1]]) / np.sqrt(2)
    found, had = np.kron(up, plus), np.kron(up, np.eye(2))
    for y, expected in ((1, 1 / (4 * (1 + s))), (0, 1 - (3 - 4 * s**2) / (4 * (1 + s)))):
        would = np.kron(up, (np.eye(2) + (-1) ** y * B1) / 2)
        kets = extreme_completion(rho, found, had, would, rng)
        chance = [np.einsum("ki,ij,kj->k", kets.conj(), T, kets).real for T in (found, had, would)]
        assert (chance[0] * chance[2] / chance[1]).sum() / chance[0].sum() == pytest.approx(expected, abs=1e-9)


def test_four_balanced_facts_complete_the_state_and_have_the_most_who_benefit(rng: np.random.Generator) -> None:
    v = R(5, 7)
    weights, states = study.balanced_facts(v, PAULI_X)
    assert not np.any(simplified(np.einsum("k,kij->ij", weights, states) - study.noisy_pair(v)))
    zero, one = effects((PAULI_Z + PAULI_X) / ROOT)[0], effects((PAULI_Z - PAULI_X) / ROOT)[1]

    operators = [np.kron(np.eye(2, dtype=int), E) for E in (zero, one)]
    chances = [[np.trace(rho @ E) for rho in states] for E in operators]
    highest = (3 + 3 * v - 2 * v**2) / (8 * (1 + v))
    assert is_zero(sum(w * a * b for w, a, b in zip(weights, *chances, strict=True)) - highest)
    numbers = [np.array(E, dtype=float) for E in operators]
    for _ in range(200):
        w, rhos = study.completed(study.noisy_pair(v).astype(float), 5, rng)
        a, b = (np.einsum("kij,ji->k", rhos, E).real for E in numbers)
        assert (w * a * b).sum() <= float(highest) + 1e-12


def test_the_tilted_model_is_quantum_and_has_the_data_and_the_classical_minimum() -> None:
    model = study.tilted_model(R(3, 5))
    assert not np.any(simplified(model.correlators[0] - study.tilted_pair(R(3, 5), R(4, 5))))
    assert [*model.weights] == [R(125, 146), R(21, 292), R(21, 292)]
    s = R(48, 73)
    assert not np.any(
        simplified(np.einsum("k,kij->ij", model.weights, model.correlators) - correlators_of_behaviour(study.data(s)))
    )
    assert study.mean_answer(model, (0, 0, 0), "drawn anew") == (3 * s - 1) / (1 + s) == R(71, 121)
    assert study.mean_answer(model, (0, 0, 0), "kept") <= (1 - s) / (1 + s)
    E = model.correlators[0][1:, 1:]
    angles = np.arcsin(E.astype(float))  # Tsirelson, Landau, Masanes: unbiased correlators are quantum if and only if
    assert np.abs(angles.sum() - 2 * angles).max() <= np.pi + 1e-12
    signs = exact([[0, 0, 0], [0, 1, 1], [0, -1, 1]]).astype(float)
    assert float((signs * model.correlators[0].astype(float)).sum()) < see_saw(signs, np.random.default_rng(0))[0]


# --- where something begins ------------------------------------------------------------------------------------------


def test_what_begins_is_found_and_what_does_not_is_refused() -> None:
    assert begins(S**2 + 6 * S - 3, S) == 2 * sp.sqrt(3) - 3
    with pytest.raises(ValueError, match="vanish at one point"):
        begins(S + 1, S)
    with pytest.raises(ValueError, match="negative before"):
        begins(R(1, 2) - S, S)


@pytest.mark.parametrize("share", [R(1, 2), R(3, 4), R(1)])
def test_no_behaviour_with_the_same_chsh_value_pays_less(share: R) -> None:
    from qlib.correlations import chsh_of_behaviour, communication_program, dependence_program
    from qlib.numbers import certificate

    box = exact(np.zeros((2, 2, 2, 2), dtype=int))  # P[z, t, x, y]; the results differ only where z and t are 1
    for z, t, x, y in product((0, 1), repeat=4):
        box[z, t, x, y] = R(int(x ^ y == z * t), 2)
    lopsided = exact(np.zeros((2, 2, 2, 2), dtype=int))
    lopsided[0, :, 0, 0], lopsided[1, :, 1, 0] = R(1), R(1)  # X is Z, and Y is 0
    P = share * box + (1 - share) * lopsided
    chsh = chsh_of_behaviour(P)
    assert chsh == 2 + 2 * share
    assert certificate(communication_program(P, "setting")).value >= (chsh - 2) / 2
    assert certificate(dependence_program(P, "Alice's setting")).value >= chsh - 2
    assert certificate(dependence_program(P, "both settings")).value >= (chsh - 2) / 3
