"""Scenarios and phenomena: what is refused, what disturbs, and the values of the library."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from random_phenomena import CHSH, KCBS, UNEVEN, random_laws, random_mixture, seeds

from qlib.correlations import scenarios
from qlib.correlations.scenarios import (
    Phenomenon,
    Scenario,
    bell_scenario,
    by_position,
    cycle_scenario,
    disturbance_tests,
    disturbances,
    from_correlators,
    in_every_order,
    is_nondisturbing,
    mix,
    parties,
    position,
    quantum_phenomenon,
    shared_measurements,
    white_noise,
)
from qlib.numbers.exact_arrays import Undecided, exact, exact_sign, vanishes
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects

SCENARIOS = [CHSH, KCBS, UNEVEN, bell_scenario(2, 2, 2), scenarios.peres_mermin_scenario()]
GHZ, HARDY = scenarios.ghz_mermin(), scenarios.hardy_paradox()
LIBRARY = [
    scenarios.pr_box(),
    scenarios.tsirelson(),
    GHZ,
    scenarios.peres_mermin(),
    HARDY,
    *[scenarios.quantum_cycle(n) for n in (3, 4, 5, 6)],
    *[scenarios.contextual_cycle(n) for n in (3, 4, 5)],
]


# --- scenarios -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contexts", "outcomes", "message"),
    [
        ([], 2, "at least one"),
        ([()], 2, "at least one measurement"),
        ([("a", "a")], 2, "none twice"),
        ([("a", "b"), ("a", "b")], 2, r"context \('a', 'b'\) stands there twice"),
        ([("a", "b")], {"a": 2}, "'b': its number of outcomes is missing"),
        ([("a",)], {"a": 2, "b": 2}, "'b': it belongs to no context"),
        ([("a",)], 0, "outcomes: 0 should be at least 1"),
    ],
)
def test_a_scenario_that_is_none_is_refused(contexts, outcomes, message):
    with pytest.raises(ValueError, match=message):
        Scenario(contexts, outcomes)


def test_scenarios_are_equal_by_contexts_and_outcomes_whatever_their_name():
    assert Scenario([("a", "b")], name="one") == Scenario([("a", "b")], name="other")
    assert hash(Scenario([("a", "b")])) == hash(Scenario([("a", "b")], {"a": 2, "b": 2}))
    assert Scenario([("a", "b")]) != Scenario([("b", "a")])
    assert Scenario([("a", "b")]) != Scenario([("a", "b")], 3)


def test_padding_and_missing_outcomes_are_marked_as_impossible():
    assert UNEVEN.shape == (4, 3, 3)
    assert UNEVEN.possible.sum(axis=(1, 2)).tolist() == [6, 6, 4, 2]
    assert UNEVEN.entries[-2:] == ((3, 0, 0), (3, 1, 0))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_every_assignment_is_a_nondisturbing_phenomenon(scenario):
    assert len(scenario.assignments) == math.prod(scenario.outcomes.values())
    assert (scenario.deterministic.sum(axis=tuple(range(2, 2 + scenario.size))) == 1).all()
    assert not scenario.deterministic[:, ~scenario.possible].any()
    for k in (0, len(scenario.assignments) // 3, -1):
        assert is_nondisturbing(Phenomenon(scenario, exact(scenario.deterministic[k])))


def test_too_many_assignments_are_refused_before_they_are_made():
    with pytest.raises(ValueError, match="1048576 assignments"):
        _ = cycle_scenario(20).assignments


def test_compatible_are_the_subsets_of_contexts():
    assert KCBS.is_compatible(["m1", "m0"])
    assert not KCBS.is_compatible(["m0", "m2"])
    with pytest.raises(ValueError, match="'x' is not a measurement"):
        KCBS.is_compatible(["x"])


@pytest.mark.parametrize("n", range(3, 10))
def test_a_cycle_has_two_parties_exactly_if_it_is_even(n):
    assert (parties(cycle_scenario(n)) is None) == (n % 2 == 1)
    assert parties(cycle_scenario(n), 3) is not None


@pytest.mark.parametrize("settings_", [(2, 2), (3, 2), (2, 2, 2)])
def test_the_parties_of_a_bell_scenario_are_found(settings_):
    found = parties(bell_scenario(*settings_))
    assert [len(party) for party in found] == list(settings_)
    for context, party in product(bell_scenario(*settings_).contexts, found):
        assert len(set(context) & set(party)) == 1


def test_the_peres_mermin_square_has_no_three_parties():
    assert parties(scenarios.peres_mermin_scenario()) is not None  # rows and columns: a Latin square
    assert parties(scenarios.peres_mermin_scenario(), 2) is None


def test_a_cycle_of_two_is_refused():
    with pytest.raises(ValueError, match="n: 2 should lie between 3"):
        cycle_scenario(2)


# --- phenomena -------------------------------------------------------------------------------------------------------


def test_a_table_that_is_no_phenomenon_is_refused_by_context_and_outcomes():
    fine = np.full((4, 2, 2), 0.25)
    with pytest.raises(ValueError, match=r"shape \(2, 2\) should be \(4, 2, 2\)"):
        Phenomenon(CHSH, fine[0])
    for entry, message in ((-0.1, "context A0 B1, outcomes 1 0: the probability is -0.1"), (np.nan, "nan")):
        bad = fine.copy()
        bad[1, 1, 0] = entry
        with pytest.raises(ValueError, match=message):
            Phenomenon(CHSH, bad)
    with pytest.raises(ValueError, match=r"context A1 B1: its probabilities sum to 1\.25"):
        Phenomenon(CHSH, fine + np.eye(4)[3][:, None, None] / 16)
    with pytest.raises(ValueError, match="context A0 B0: its probabilities sum to 9/10"):
        Phenomenon(CHSH, exact([[[sp.Rational(1, 4), sp.Rational(1, 4)], [sp.Rational(1, 4), sp.Rational(3, 20)]]] * 4))


def test_an_impossible_outcome_is_refused():
    table = np.where(UNEVEN.possible, 1.0, 0.0)
    table /= table.sum(axis=(1, 2), keepdims=True)
    table[3, 0] = [0.3, 0.2, 0]
    with pytest.raises(ValueError, match="context a, outcomes 0 1: there are no such outcomes"):
        Phenomenon(UNEVEN, table)


def test_a_rounded_number_in_an_exact_table_is_refused():
    with pytest.raises(ValueError, match="rounded number"):
        Phenomenon(Scenario([("a",)]), np.array([[0.5, sp.Rational(1, 2)]], dtype=object))


def test_a_table_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="read-only"):
        white_noise(CHSH).table[0, 0, 0] = 1


@given(seeds)
def test_marginals_are_sums_of_the_table_in_the_order_asked_for(seed):
    p = random_laws(bell_scenario(2, 2, 2), seed)
    np.testing.assert_allclose(p.marginal(3, ["C1", "A0"]), p.table[3].sum(axis=1).T)
    np.testing.assert_allclose(p.marginal(5, ["B0"]), p.table[5].sum(axis=(0, 2)))


def test_a_measurement_of_another_context_is_refused():
    with pytest.raises(ValueError, match="'A1' does not belong to the context A0 B0"):
        white_noise(CHSH).marginal(0, ["A1"])
    with pytest.raises(ValueError, match="'A1' does not belong"):
        position(CHSH, 0, "A1")


@given(seeds, st.floats(0, 1))
def test_mixing_mixes_correlators(seed, weight):
    p, q = random_laws(CHSH, seed), random_laws(CHSH, seed + 1)
    found = mix(weight, p, q).correlator(2)
    assert found == pytest.approx(weight * p.correlator(2) + (1 - weight) * q.correlator(2))


def test_mixing_exact_with_rounded_is_rounded_and_with_another_scenario_refused():
    assert not mix(0.5, scenarios.pr_box(), white_noise(CHSH)).is_exact
    assert mix(sp.Rational(1, 3), scenarios.pr_box(), white_noise(CHSH)).is_exact
    with pytest.raises(ValueError, match="different scenarios"):
        mix(0.5, scenarios.pr_box(), white_noise(KCBS))


def test_zero_is_exact_for_exact_numbers_and_approximate_for_rounded_ones():
    tiny = sp.Rational(1, 10**12)
    assert not vanishes(tiny)
    assert vanishes(float(tiny))


# --- no-disturbance --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", LIBRARY, ids=lambda p: p.name)
def test_the_librarys_phenomena_are_exact_and_do_not_disturb(p):
    assert p.is_exact
    assert is_nondisturbing(p)
    assert is_nondisturbing(p.as_float())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
@settings(max_examples=5)
@given(seed=seeds)
def test_mixtures_of_assignments_do_not_disturb_and_random_laws_do(scenario, seed):
    assert is_nondisturbing(random_mixture(scenario, seed))
    assert not is_nondisturbing(random_laws(scenario, seed))


@given(seeds)
def test_no_disturbance_in_bell_scenarios_is_no_signalling(seed):
    for p in (random_mixture(CHSH, seed), random_laws(CHSH, seed)):
        T = p.table.reshape(2, 2, 2, 2)
        signals = max(np.ptp(T.sum(axis=3), axis=1).max(), np.ptp(T.sum(axis=2), axis=0).max())
        assert is_nondisturbing(p) == (signals < 1e-9)


@pytest.mark.parametrize("signal", [1e-3, 1e-8, 1e-10, 1e-12, 1e-17, 0.0])
def test_a_signal_is_found_or_too_small_to_be_told_from_none(signal):
    """Alice's 0 is as probable as her 1, but by a trace more so where Bob measures the second of his observables."""
    table = np.full((4, 2, 2), 0.25)
    for c in (1, 3):
        table[c] += np.array([[signal], [-signal]]) / 2
    p = Phenomenon(CHSH, table)
    if 1e-14 < signal < 1e-9:
        with pytest.raises(Undecided, match=r"the law of .* is the same in both cases: it differs by"):
            is_nondisturbing(p)
    else:
        assert is_nondisturbing(p) == (signal < 1e-14)
    exactly = exact(np.full((4, 2, 2), sp.Rational(1, 4)))
    exactly[1] += exact([[1], [-1]]) * sp.Rational(signal) / 2
    assert is_nondisturbing(Phenomenon(CHSH, exactly)) == (signal == 0)


def test_single_measurements_may_agree_where_pairs_disturb():
    three = bell_scenario(2, 2, 2)
    table = np.zeros(three.shape)
    for c, (_, _, z) in enumerate(product((0, 1), repeat=3)):
        for a, b, d in product((0, 1), repeat=3):
            table[c, a, b, d] = 0.25 * ((a ^ b) == z)
    found = disturbances(Phenomenon(three, table))
    assert {d.measurements for d in found if d.distance > 1e-9} == {
        (f"A{x}", f"B{y}") for x, y in product((0, 1), repeat=2)
    }


def test_the_distance_is_the_total_variation():
    table = exact([[[1, 0], [0, 0]], [[0, 0], [sp.Rational(1, 3), sp.Rational(2, 3)]]])
    (found,) = disturbances(Phenomenon(Scenario([("a", "b"), ("a", "c")]), table))
    assert (found.measurements, found.contexts, found.distance) == (("a",), (0, 1), 1)
    table = exact([[[1, 0], [0, 0]], [[sp.Rational(1, 3), 0], [sp.Rational(2, 3), 0]]])
    assert disturbances(Phenomenon(Scenario([("a", "b"), ("a", "c")]), table))[0].distance == sp.Rational(2, 3)


def test_contexts_that_share_nothing_are_not_compared():
    assert shared_measurements(Scenario([("a", "b"), ("c",)])) == ()
    assert len(shared_measurements(scenarios.peres_mermin_scenario())) == 9


def counted(p: Phenomenon, shots: int, rng: np.random.Generator) -> np.ndarray:
    laws = p.table.astype(float).reshape(len(p.table), -1)
    return np.reshape([rng.multinomial(shots, law / law.sum()) for law in laws], p.table.shape)


def test_the_false_alarms_of_the_test_are_no_more_than_allowed():
    """200 experiments at the level 1/20; the number that fail lies in the binomial region of probability 1e-9."""
    rng = np.random.default_rng(5)
    p, alarm = scenarios.tsirelson(), 0.05
    failures = sum(
        not all(t.accepted for t in disturbance_tests(CHSH, counted(p, 100, rng), alarm)) for _ in range(200)
    )
    assert failures <= 33  # binom(200, 0.05).isf(1e-9)


def test_a_leak_is_found():
    rng = np.random.default_rng(6)
    leaky = np.zeros(CHSH.shape)
    for c, (x, y) in enumerate(product((0, 1), repeat=2)):
        leaky[c, x & y, 0] = 1
    p = mix(0.9, scenarios.tsirelson(), Phenomenon(CHSH, leaky))
    refused = [t for t in disturbance_tests(CHSH, counted(p, 5000, rng), 1e-6) if not t.accepted]
    assert {t.measurements for t in refused} == {("A1",)}


def test_equal_counts_are_accepted_and_opposite_ones_are_not():
    scenario = Scenario([("a", "b"), ("a", "c")])
    same = [[[50, 0], [50, 0]], [[50, 0], [50, 0]]]
    opposite = [[[100, 0], [0, 0]], [[0, 0], [100, 0]]]
    assert all(t.accepted for t in disturbance_tests(scenario, same, 1e-6))
    assert not any(t.accepted for t in disturbance_tests(scenario, opposite, 1e-6))
    assert [t.low + t.high for t in disturbance_tests(scenario, same, 1e-6)] == [100, 100]


@pytest.mark.parametrize(
    ("counts", "alarm", "message"),
    [
        (np.ones((2, 2)), 0.1, r"shape \(2, 2\) should be"),
        (np.full((4, 2, 2), 0.5), 0.1, r"entry \(0, 0, 0\) is 0.5"),
        (np.full((4, 2, 2), -1), 0.1, "cannot be a count"),
        (np.ones((4, 2, 2)), 1.0, "alarm=1.0"),
    ],
)
def test_counts_that_are_none_are_refused(counts, alarm, message):
    with pytest.raises(ValueError, match=message):
        disturbance_tests(CHSH, counts, alarm)


# --- positions -------------------------------------------------------------------------------------------------------


def test_by_position_changes_names_only():
    p = scenarios.quantum_cycle(5)
    split = by_position(p)
    assert np.array_equal(split.table, p.table)
    assert len(split.scenario.measurements) == 10
    assert parties(split.scenario) is not None  # a Bell scenario: each position has measurements of its own
    bell = by_position(scenarios.pr_box())
    assert len(bell.scenario.measurements) == 4


@pytest.mark.parametrize("n", [3, 4, 5, 7])
def test_an_answer_that_is_the_position_disturbs_by_measurement_and_not_by_position(n):
    both = in_every_order(white_noise(cycle_scenario(n))).scenario
    table = exact(np.zeros(both.shape, dtype=int))
    table[:, 0, 1] = 1  # 0 from the first, 1 from the second, whatever is asked
    p = Phenomenon(both, table)
    assert not is_nondisturbing(p)
    assert is_nondisturbing(by_position(p))


@given(seeds)
def test_no_disturbance_by_measurement_implies_it_by_position(seed):
    p = in_every_order(random_mixture(cycle_scenario(5), seed))
    assert is_nondisturbing(p)
    assert is_nondisturbing(by_position(p))


@given(seeds, st.booleans())
def test_in_bell_scenarios_disturbance_has_one_reading(seed, disturbed):
    p = random_laws(bell_scenario(2, 2), seed) if disturbed else random_mixture(bell_scenario(2, 2), seed)
    assert is_nondisturbing(p) == is_nondisturbing(by_position(p)) == (not disturbed)


@given(seeds)
def test_every_order_keeps_the_laws(seed):
    p = random_laws(UNEVEN, seed)
    both = in_every_order(p)
    assert len(both.scenario.contexts) == 7
    for c, context in enumerate(both.scenario.contexts):
        original = next(k for k, old in enumerate(UNEVEN.contexts) if set(old) == set(context))
        np.testing.assert_array_equal(both.marginal(c, context), p.marginal(original, context))


# --- the library -----------------------------------------------------------------------------------------------------


def test_hardys_probabilities():
    table = HARDY.table
    assert sp.simplify(table[0][0, 0] - (5 * sp.sqrt(5) - 11) / 2) == 0
    assert [table[1][0, 1], table[2][1, 0], table[3][0, 0]] == [0, 0, 0]
    assert all(exact_sign(law.sum() - 1) == 0 for law in table)


def test_hardys_probability_is_the_largest_of_its_family():
    x = sp.Symbol("x", positive=True)
    chance = x**2 * (1 - 2 * x) / (1 - x) ** 2
    best = (3 - sp.sqrt(5)) / 2
    assert sp.simplify(sp.diff(chance, x).subs(x, best)) == 0
    assert sp.simplify(chance.subs(x, best) - HARDY.table[0][0, 0]) == 0


def test_the_products_of_the_square_are_certain():
    square = scenarios.peres_mermin()
    assert [square.correlator(c) for c in range(6)] == [1, 1, 1, 1, 1, -1]


def test_ghz_and_mermin_agree():
    p = GHZ
    known = {"A0 B0 C0": 1, "A0 B1 C1": -1, "A1 B0 C1": -1, "A1 B1 C0": -1}
    for c in range(8):
        assert p.correlator(c) == known.get(p.scenario.label(c), 0)


@pytest.mark.parametrize("n", [5, 7, 9])
def test_the_odd_quantum_cycle_is_a_measurement_of_vectors_in_three_dimensions(n):
    """A second route to the table: the vectors of the regular star polygon, in floating point."""
    turns = np.pi * (n - 1) / n * np.arange(n)
    height = np.sqrt(np.cos(np.pi / n) / (1 + np.cos(np.pi / n)))
    radius = np.sqrt(1 - height**2)
    vectors = np.stack([radius * np.cos(turns), radius * np.sin(turns), np.full(n, height)], axis=1)
    yes = np.einsum("ki,kj->kij", vectors, vectors)
    projectors = {f"m{k}": np.stack([np.eye(3) - yes[k], yes[k]]) for k in range(n)}
    found = quantum_phenomenon(cycle_scenario(n), np.array([0.0, 0, 1]), projectors)
    np.testing.assert_allclose(found.table, scenarios.quantum_cycle(n).table.astype(float), atol=1e-12)


def test_tsirelsons_correlations_are_a_measurement_of_a_bell_state():
    root = sp.sqrt(2)
    bell, one = exact([1, 0, 0, 1]) / root, exact(np.eye(2, dtype=int))
    alice = {f"A{x}": effects(np.kron(P, one)) for x, P in enumerate((PAULI_Z, PAULI_X))}
    bob = {f"B{y}": effects(np.kron(one, (PAULI_Z + (-1) ** y * PAULI_X) / root)) for y in (0, 1)}
    found = quantum_phenomenon(CHSH, bell, alice | bob)
    assert not np.any(found.table - scenarios.tsirelson().table)


def test_measurements_that_do_not_commute_are_refused():
    with pytest.raises(ValueError, match="a and b share a context"):
        quantum_phenomenon(Scenario([("a", "b")]), exact([1, 0]), {"a": effects(PAULI_X), "b": effects(PAULI_Z)})


def test_projectors_that_are_missing_or_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"projectors of 'b': none are given; their shape should be \(2, 2, 2\)"):
        quantum_phenomenon(Scenario([("a", "b")]), exact([1, 0]), {"a": effects(PAULI_X)})
    with pytest.raises(ValueError, match=r"projectors of 'a': shape \(2, 2\)"):
        quantum_phenomenon(Scenario([("a",)]), exact([1, 0]), {"a": PAULI_X})
    with pytest.raises(ValueError, match="projectors: 'b' should be one of 'a'"):
        quantum_phenomenon(Scenario([("a",)]), exact([1, 0]), {"a": effects(PAULI_X), "b": effects(PAULI_Z)})


def test_complex_projectors_in_floating_point():
    square = scenarios.peres_mermin_scenario()
    paulis = {"I": np.eye(2), "X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
    operators = {m: np.kron(paulis[m[0]], paulis[m[1]]) for m in square.measurements}
    projectors = {m: np.stack([np.eye(4) + O, np.eye(4) - O]) / 2 for m, O in operators.items()}
    found = quantum_phenomenon(square, np.array([1.0, 0, 0, 0]), projectors)
    np.testing.assert_allclose(found.table, scenarios.peres_mermin().table.astype(float), atol=1e-12)


def test_correlators_that_no_phenomenon_has_are_refused():
    with pytest.raises(ValueError, match="it should not be negative"):
        from_correlators(CHSH, {("A0", "B0"): 2})


@given(seeds)
def test_a_phenomenon_is_fixed_by_its_correlators(seed):
    rng = np.random.default_rng(seed)
    k = rng.integers(1, 9, size=16)
    weights = exact([sp.Rational(int(x), int(k.sum())) for x in k])
    p = Phenomenon(CHSH, np.tensordot(weights, CHSH.deterministic, 1))
    means = {
        names: p.correlator(c, names)
        for c, context in enumerate(CHSH.contexts)
        for size in (1, 2)
        for names in combinations(context, size)
    }
    assert not np.any(from_correlators(CHSH, means).table - p.table)
