"""Evidence: what an acceptance region covers, and what a bet is worth under every model that it is made against."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.numbers.hypothesis_tests import Bet, Floats, acceptance_region, accumulate, best_bet

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)

# ── acceptance regions ──────────────────────────────────────────────────────────────────────────────────────────────


def exact_law(p: Fraction, shots: int) -> list[Fraction]:
    """The binomial law in rational numbers."""
    return [comb(shots, k) * p**k * (1 - p) ** (shots - k) for k in range(shots + 1)]


@given(st.fractions(0, 1, max_denominator=64), st.integers(0, 60), st.sampled_from([1e-1, 1e-3, 1e-6, 1e-9]))
def test_either_tail_is_missed_with_its_share_of_the_alarm_at_most_and_the_region_is_the_smallest(
    p: Fraction, shots: int, alarm: float
) -> None:
    """By binomial sums in rational arithmetic."""
    low, high = acceptance_region([float(p), 0.5], shots, alarm)
    exact, tail = exact_law(Fraction(float(p)), shots), Fraction(alarm) / 4
    below, above = sum(exact[: low[0]]), sum(exact[high[0] + 1 :])
    assert below <= tail
    assert above <= tail
    assert 0 <= low[0] <= high[0] <= shots
    if low[0] < shots:
        assert sum(exact[: low[0] + 1]) > tail * (1 - Fraction(1, 10**9))
    if high[0] > 0:
        assert sum(exact[high[0] :]) > tail * (1 - Fraction(1, 10**9))


@given(SEEDS, st.integers(1, 30))
def test_the_chance_that_any_count_falls_outside_is_at_most_the_alarm(rng: np.random.Generator, shots: int) -> None:
    """Three outcomes that depend on each other: the exact sum over all of their counts."""
    law, alarm = rng.dirichlet([1, 1, 1]), 0.05
    low, high = acceptance_region(law, shots, alarm)
    outside = 0.0
    for a, b in product(range(shots + 1), repeat=2):
        counts = np.array([a, b, shots - a - b])
        if counts[2] >= 0 and np.any((counts < low) | (counts > high)):
            outside += comb(shots, a) * comb(shots - a, b) * float(np.prod(law**counts))
    assert outside <= alarm


def test_certain_outcomes_have_certain_counts() -> None:
    low, high = acceptance_region([[0.0, 1.0]], 1000, 1e-6)
    assert low.tolist() == high.tolist() == [[0, 1000]]


@pytest.mark.parametrize(
    ("law", "shots", "alarm", "message"),
    [
        ([1.1], 10, 0.1, r"law: probabilities should lie in \[0, 1\], but they reach from 1.1 to 1.1"),
        ([0.5, -0.1], 10, 0.1, r"reach from -0\.1 to 0\.5"),
        ([np.nan], 10, 0.1, "nan"),
        ([], 10, 0.1, r"law: shape \(0,\) holds no probability"),
        ([0.5], -1, 0.1, "shots: -1 should be at least 0"),
        ([0.5], 2.5, 0.1, "shots: 2.5 should be a whole number"),
        ([0.5], 10, 0.0, "alarm=0.0: should lie between 0 and 1"),
        ([0.5], 10, 1, "alarm=1"),
        ([0.5], 10, np.nan, "alarm: nan"),
    ],
)
def test_acceptance_regions_of_nonsense_are_refused(law: list[float], shots: int, alarm: float, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        acceptance_region(law, shots, alarm)


# ── bets ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def experiments(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    """A random law, a random class of models of full support, and probabilities of the settings."""
    rng = draw(SEEDS)
    s, o, k = draw(st.integers(1, 3)), draw(st.integers(2, 4)), draw(st.integers(1, 5))
    return rng.dirichlet(np.ones(o), size=s), rng.dirichlet(np.ones(o), size=(k, s)), rng.dirichlet(np.ones(s))


def expectation(bet: Bet, model: Floats, weight: Floats) -> float:
    return float(np.sum(weight[:, None] * model * bet.ratio))


def growth(ratio: Floats, law: Floats, weight: Floats) -> float:
    """The expected logarithm, in nats; what a law never shows counts nothing."""
    shown = law > 0
    return float(np.sum((weight[:, None] * law)[shown] * np.log(ratio[shown])))


@settings(max_examples=30)
@given(experiments(), SEEDS)
def test_no_model_of_the_class_expects_to_gain(case: tuple[Floats, ...], rng: np.random.Generator) -> None:
    law, models, weight = case
    bet = best_bet(law, models, weight, tolerance=1e-4)
    assert bet.ratio.min() >= 0
    for model in models:
        assert expectation(bet, model, weight) <= 1 + 1e-12
    for mixture in rng.dirichlet(np.ones(len(models)), size=20):
        assert expectation(bet, np.tensordot(mixture, models, 1), weight) <= 1 + 1e-12


@settings(max_examples=30)
@given(experiments(), SEEDS)
def test_no_other_bet_grows_faster(case: tuple[Floats, ...], rng: np.random.Generator) -> None:
    """Against the law over any model of the class, and any other e-value scaled to what the class allows."""
    law, models, weight = case
    bet = best_bet(law, models, weight, tolerance=1e-4)
    assert bet.growth == pytest.approx(growth(bet.ratio, law, weight), abs=1e-12)
    assert 0 <= bet.shortfall <= 1e-4
    others = [law / np.tensordot(mixture, models, 1) for mixture in rng.dirichlet(np.ones(len(models)), size=10)]
    others += list(rng.uniform(0.1, 2, size=(10, *law.shape)))
    others += [bet.ratio * np.exp(rng.normal(scale=0.01, size=law.shape)) for _ in range(5)]
    for ratio in others:
        allowed = ratio / max(expectation(Bet(ratio, 0, 0), model, weight) for model in models)
        assert growth(allowed, law, weight) <= bet.growth + bet.shortfall + 1e-12


@settings(max_examples=20)
@given(experiments())
def test_the_growth_is_the_relative_entropy_to_the_nearest_model(case: tuple[Floats, ...]) -> None:
    """Duality: no mixture of models is nearer to the law than the growth, and the bet's own mixture attains it."""
    law, models, weight = case
    bet = best_bet(law, models, weight, tolerance=1e-4)
    for mixture in np.eye(len(models)):
        distance = growth(law / np.tensordot(mixture, models, 1), law, weight)
        assert bet.growth <= distance + 1e-12
    nearest = law / bet.ratio  # up to scale
    sums = nearest.sum(axis=-1)
    assert growth(law / (nearest / sums[:, None]), law, weight) == pytest.approx(bet.growth, abs=3e-4)


@settings(max_examples=20)
@given(experiments())
def test_a_law_of_the_class_cannot_be_told_from_it(case: tuple[Floats, ...]) -> None:
    _, models, weight = case
    bet = best_bet(models.mean(axis=0), models, weight, tolerance=1e-5)
    assert -1e-5 <= bet.growth <= 1e-12
    with pytest.raises(ValueError, match="this law cannot be told from the class of models"):
        bet.rounds(1e-6)


def test_the_bet_against_one_model_is_the_likelihood_ratio() -> None:
    bet = best_bet([[0.9, 0.1]], [[[0.5, 0.5]]], [1.0])
    assert bet.ratio == pytest.approx(np.array([[1.8, 0.2]]))
    entropy = 0.9 * np.log(1.8) + 0.1 * np.log(0.2)
    assert bet.growth == pytest.approx(entropy)
    assert bet.rounds(1e-6) == np.ceil(np.log(1e6) / entropy)
    assert bet.rounds(1e-3) <= bet.rounds(1e-6)
    for level in (0, 1, -1, np.nan):
        with pytest.raises(ValueError, match=r"level.*(should lie between 0 and 1|finite)"):
            bet.rounds(level)


def test_deterministic_strategies_lose_the_chsh_game_against_tsirelson() -> None:
    """Each of the four settings is won with probability (2 + √2)/4, and by local strategies three of four at best.

    By the symmetry of the game the nearest model wins each setting with 3/4: the growth is the relative entropy of two
    coins.
    """
    win = (2 + np.sqrt(2)) / 4
    law = np.tile([win, 1 - win], (4, 1))
    strategies = [[float((a[s] ^ b[t]) == (s & t)) for s, t in product((0, 1), repeat=2)]
                  for a in product((0, 1), repeat=2) for b in product((0, 1), repeat=2)]  # fmt: skip
    models = np.stack([np.array(strategies), 1 - np.array(strategies)], axis=-1)
    bet = best_bet(law, models, np.full(4, 0.25))
    assert bet.growth == pytest.approx(win * np.log(win / 0.75) + (1 - win) * np.log((1 - win) / 0.25), abs=2e-6)
    assert expectation(bet, models[0], np.full(4, 0.25)) <= 1 + 1e-12


def test_outcomes_that_a_setting_does_not_have_are_padded_with_zeros() -> None:
    padded = best_bet([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], [[[0.5, 0.5, 0.0], [0.4, 0.4, 0.2]]], [0.5, 0.5])
    assert padded.ratio == pytest.approx(np.array([[1.8, 0.2, 0.0], [0.5, 0.75, 2.5]]))


@pytest.mark.parametrize(
    ("law", "models", "weight", "message"),
    [
        ([0.5, 0.5], [[[0.5, 0.5]]], [1.0], "shapes: law"),
        ([[0.5, 0.5]], [[0.5, 0.5]], [1.0], "shapes: law"),
        ([[0.5, 0.5]], [[[0.5, 0.5]]], [0.5, 0.5], "shapes: law"),
        ([[0.5, 0.5]], np.zeros((0, 1, 2)), [1.0], "none of them empty"),
        ([[0.5, 0.4]], [[[0.5, 0.5]]], [1.0], r"law: probabilities should sum to one, but a sum is 0\.9"),
        ([[0.5, 0.5]], [[[0.5, 0.6]]], [1.0], r"models: probabilities should sum to one, but a sum is 1\.1"),
        ([[0.5, 0.5]], [[[0.5, 0.5]]], [0.7], r"settings: probabilities should sum to one, but a sum is 0\.7"),
        ([[np.nan, 0.5]], [[[0.5, 0.5]]], [1.0], "law: entry .* is nan"),
        ([[0.5, 0.5]], [[[0.5, np.nan]]], [1.0], "models: .* nan"),
        ([[1.5, -0.5]], [[[0.5, 0.5]]], [1.0], r"law: a probability is negative, -0\.5"),
        ([[0.5, 0.5]], [[[1.5, -0.5]]], [1.0], "models: a probability is negative"),
        (
            [[0.5, 0.5]],
            [[[1.0, 0.0]]],
            [1.0],
            r"law: outcome 1 of setting 0 has probability 0\.5, and 0 in every model",
        ),
    ],
)
def test_bets_on_nonsense_are_refused(law: object, models: object, weight: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_bet(law, models, weight)  # type: ignore[arg-type]


def test_a_tolerance_that_is_not_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlib.numbers.hypothesis_tests.MOST_MIXTURE_STEPS", 3)
    with pytest.raises(ArithmeticError, match=r"the nearest model was not found: .* nats from it, tolerance 1e-12"):
        best_bet([[0.9, 0.1]], [[[0.8, 0.2]], [[0.95, 0.05]]], [1.0], tolerance=1e-12)


# ── accumulated evidence ────────────────────────────────────────────────────────────────────────────────────────────

LAW, MODELS, WEIGHT = [[0.9, 0.1]], [[[0.5, 0.5]], [[0.3, 0.7]]], [1.0]


def test_evidence_accumulates_the_logarithms_of_the_ratios() -> None:
    bet = best_bet(LAW, MODELS, WEIGHT)
    paths = accumulate(bet, LAW, WEIGHT, rounds=50, runs=20, rng=np.random.default_rng(1))
    steps = np.diff(paths, prepend=0.0, axis=1)
    assert paths.shape == (20, 50)
    nearest = np.abs(steps[..., None] - np.log(bet.ratio.ravel())).min(axis=-1)
    assert nearest.max() < 1e-12


def test_equal_seeds_yield_equal_runs_and_others_do_not() -> None:
    bet = best_bet(LAW, MODELS, WEIGHT)
    one, same, other = (accumulate(bet, LAW, WEIGHT, 30, 3, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert (one == same).all()
    assert (one != other).any()


def test_evidence_grows_at_its_rate_under_the_law_and_shrinks_under_the_models() -> None:
    bet = best_bet(LAW, MODELS, WEIGHT)
    rounds, runs = 400, 200
    deviation = np.std(np.log(bet.ratio)) / np.sqrt(runs * rounds)
    final = accumulate(bet, LAW, WEIGHT, rounds, runs, np.random.default_rng(2))[:, -1] / rounds
    assert abs(final.mean() - bet.growth) < 6 * deviation
    for model in MODELS:
        assert accumulate(bet, model, WEIGHT, rounds, runs, np.random.default_rng(3))[:, -1].mean() < 0


def test_ville_bounds_how_often_a_model_is_ever_rejected() -> None:
    """At level 1/20 at most one run of twenty exceeds log 20, at any time; 400 runs leave room of six deviations."""
    bet = best_bet(LAW, MODELS, WEIGHT)
    paths = accumulate(bet, MODELS[0], WEIGHT, rounds=500, runs=400, rng=np.random.default_rng(4))
    rejected = np.mean(paths.max(axis=1) >= np.log(20))
    assert rejected <= 0.05 + 6 * np.sqrt(0.05 * 0.95 / 400)


def test_an_outcome_on_which_the_bet_pays_nothing_loses_everything() -> None:
    bet = best_bet([[1.0, 0.0]], [[[0.5, 0.5]]], [1.0])
    assert bet.ratio.tolist() == [[2.0, 0.0]]
    paths = accumulate(bet, [[0.5, 0.5]], [1.0], rounds=40, runs=30, rng=np.random.default_rng(5))
    assert np.isneginf(paths[:, -1]).all()
    assert not np.isnan(paths).any()
    assert np.exp(paths).mean(axis=0)[0] == pytest.approx(1, abs=6 / np.sqrt(30))


def test_simulations_of_nonsense_are_refused() -> None:
    bet, rng = best_bet(LAW, MODELS, WEIGHT), np.random.default_rng(6)
    with pytest.raises(ValueError, match="shapes: law"):
        accumulate(bet, [[0.5, 0.3, 0.2]], WEIGHT, 1, 1, rng)
    with pytest.raises(ValueError, match="law: probabilities should sum to one"):
        accumulate(bet, [[0.5, 0.4]], WEIGHT, 1, 1, rng)
    with pytest.raises(ValueError, match="settings: probabilities should sum to one"):
        accumulate(bet, LAW, [2.0], 1, 1, rng)
