"""Experiment 5: logistic regression by counts is scikit-learn's, identical columns, and the law of the gain."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from compendium import paths
from compendium.studies.kang_feature_selection import (
    CAUSAL_RULE,
    COLLAPSED_RULE,
    HARMLESS_RULE,
    Design,
    GainLaw,
    accuracy,
    collapse_probability,
    collapsed_gain,
    draw,
    expected_gain,
    fit_logistic,
    identical_columns,
    last_collapsing,
    law_of_features,
    mean_gain,
    poisson_binomial,
    predicted,
    scikit_learn_coefficients,
    seeded_collapse,
    seeded_domains,
    seeded_gain,
    seeded_training,
    simulate,
)

COUNTS = st.lists(st.integers(0, 400), min_size=8, max_size=8).map(lambda n: np.array(n).reshape(2, 2, 2) + 1)
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
ARCHIVE = pd.read_csv(paths.DATA / "published" / "kang-experiment-5-log.csv")
WHOLE = mean_gain([collapsed_gain(Design())] * 20, [collapse_probability(Design())] * 20).region(1e-10)
SMALL = Design(training=9, strengths=(0.0, 0.5, 1.0), per_domain=3, largest_flip=0.2)


def samples(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of features and labels, one for each sample."""
    rows = np.array([abc for abc in product((0, 1), repeat=3) for _ in range(int(counts[abc]))])
    return rows[:, :2], rows[:, 2]


# ── logistic regression ─────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=12, deadline=None)
@given(COUNTS, st.sampled_from([0.01, 1.0, 50.0]))
def test_the_fit_on_counts_is_scikit_learns_fit_on_the_samples(counts: np.ndarray, penalty: float) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-10).fit(*samples(counts))
    theirs = [*model.intercept_, *model.coef_[0]]
    np.testing.assert_allclose(fit_logistic(counts, penalty=penalty), theirs, atol=1e-6)


@pytest.mark.parametrize(("features", "columns"), [("A", [0]), ("C", [1])])
def test_a_feature_that_is_left_out_is_left_out_of_scikit_learns_fit_too(features: str, columns: list[int]) -> None:
    from sklearn.linear_model import LogisticRegression

    counts = draw(law_of_features(0.6, 0.2), 400, np.random.default_rng(5))
    X, y = samples(counts)
    model = LogisticRegression(tol=1e-10, solver="newton-cholesky").fit(X[:, columns], y)
    ours = fit_logistic(counts, features)
    np.testing.assert_allclose(ours[[0, 1 + columns[0]]], [model.intercept_[0], model.coef_[0, 0]], atol=1e-8)
    assert ours[2 - columns[0]] == 0


def test_a_penalised_intercept_is_what_liblinear_has() -> None:
    counts = identical_columns(650, 1400)
    theirs = scikit_learn_coefficients(counts, solver="liblinear", tol=1e-10)
    np.testing.assert_allclose(fit_logistic(counts, intercept_penalty=1.0), theirs, atol=1e-5)


@pytest.mark.parametrize("ones", [600, 690, 697, 698, 705])
def test_weighted_patterns_and_single_samples_make_the_default_solver_stop_at_the_same_place(ones: int) -> None:
    from sklearn.linear_model import LogisticRegression

    counts = identical_columns(ones, 1400)
    model = LogisticRegression().fit(*samples(counts))
    np.testing.assert_allclose(
        scikit_learn_coefficients(counts), [*model.intercept_, *model.coef_[0]], rtol=1e-6, atol=1e-7
    )


@given(st.integers(2, 500).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))), st.floats(1e-3, 1e3))
def test_identical_columns_share_the_weight_and_the_majority_decides_where_they_differ(
    sizes: tuple[int, int], penalty: float
) -> None:
    """Whatever the ridge penalty."""
    ones, training = sizes
    b, a, c = fit_logistic(identical_columns(ones, training), penalty=penalty)
    assert a == pytest.approx(c, rel=1e-6)
    middle = b + a
    assert abs(middle) <= 1e-9 if 2 * ones == training else np.sign(middle) == np.sign(2 * ones - training)


def test_the_default_solver_stops_early_and_moves_the_switch_below_one_half() -> None:
    assert last_collapsing(1400) == 697
    assert last_collapsing(1400, tol=1e-8) == 700
    assert predicted(fit_logistic(identical_columns([700, 701], 1400))).tolist() == [
        COLLAPSED_RULE.tolist(),
        HARMLESS_RULE.tolist(),
    ]


def test_the_default_solver_switches_once_where_classes_are_nearly_balanced() -> None:
    ones = [*range(600, 690, 10), *range(690, 706), *range(710, 801, 10)]
    fits = [scikit_learn_coefficients(identical_columns(k, 1400)) for k in ones]
    assert (predicted(fits)[:, 1, 0] == (np.array(ones) > 697)).all()


def test_a_penalised_intercept_puts_the_switch_at_a_third_of_the_training_set() -> None:
    assert last_collapsing(1400, solver="liblinear", tol=1e-8) == 1400 // 3


def test_a_solver_that_never_switches_is_not_given_a_threshold() -> None:
    with pytest.raises(ArithmeticError, match="does not switch"):
        last_collapsing(1400, solver="liblinear", intercept_scaling=1e-3, tol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": "B"}, "should be one of A, C, AC"),
        ({"penalty": 0.0}, "penalty=0.0"),
        ({"counts": identical_columns(0, 10)}, "labels of both kinds"),
        ({"counts": -identical_columns(5, 10)}, "none may be negative"),
    ],
)
def test_a_fit_refuses_what_it_cannot_fit(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_logistic(**{"counts": identical_columns(5, 10), **arguments})  # type: ignore[arg-type]


def test_a_fit_that_has_not_converged_says_so() -> None:
    with pytest.raises(ArithmeticError, match="left a gradient"):
        fit_logistic(identical_columns(700, 1400), rounds=2)


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_law_is_exact_for_exact_probabilities_and_its_accuracies_are_the_formula() -> None:
    s, e, p = sp.symbols("s e p", positive=True)
    law = law_of_features(s, e, p)
    assert sp.simplify(law.sum() - 1) == 0
    difference = sum(law[a, c, a] - law[a, c, COLLAPSED_RULE[a, c]] for a, c in product((0, 1), repeat=2))
    assert sp.simplify(difference - p * (1 - s) * (1 - 2 * e)) == 0


def test_the_confounded_feature_is_never_one_without_the_cause_so_the_harmless_rule_is_harmless() -> None:
    for s, e in product((0.0, 0.3, 1.0), (0.0, 0.1)):
        law = law_of_features(s, e)
        assert law[0, 1].sum() == 0
        assert accuracy(law, HARMLESS_RULE) == pytest.approx(accuracy(law, CAUSAL_RULE)) == pytest.approx(1 - e)


def convolved(design: Design, collapse: Fraction, seeds: int) -> dict[int, float]:
    """The law of the summed gain by convolution, the flip rate integrated on a fine grid (midpoints)."""
    grid = (np.arange(4000) + 0.5) / 4000 * design.largest_flip
    one = {0: 1.0}
    for s in design.strengths:
        q, domain = 0.5 * (1 - s), {}
        for up, down in product(range(design.per_domain + 1), repeat=2):
            rest = design.per_domain - up - down
            if rest >= 0:
                ways = comb(design.per_domain, up) * comb(design.per_domain - up, down)
                chance = np.mean((q * (1 - grid)) ** up * (q * grid) ** down) * (1 - q) ** rest
                domain[up - down] = domain.get(up - down, 0) + ways * chance
        one = added(one, domain)
    seed = {k: float(collapse) * p for k, p in one.items()}
    seed[0] = seed.get(0, 0) + 1 - float(collapse)
    total = {0: 1.0}
    for _ in range(seeds):
        total = added(total, seed)
    return total


def added(first: dict[int, float], second: dict[int, float]) -> dict[int, float]:
    result: dict[int, float] = {}
    for (j, p), (k, q) in product(first.items(), second.items()):
        result[j + k] = result.get(j + k, 0) + p * q
    return result


def test_the_law_of_the_mean_gain_is_that_found_by_convolution() -> None:
    law = mean_gain([collapsed_gain(SMALL)] * 3, [0.25] * 3)
    direct = convolved(SMALL, Fraction(1, 4), 3)
    for k, p in direct.items():
        at = np.argmin(abs(law.values - 100 * k / (3 * SMALL.tested)))
        assert law.probabilities[at] == pytest.approx(p, abs=1e-7)
    assert law.probabilities.sum() == pytest.approx(1)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.05, 1), st.floats(0.1, 0.9), st.integers(1, 6))
def test_the_mean_of_the_law_is_the_closed_form(collapse: float, prevalence: float, seeds: int) -> None:
    law = mean_gain([collapsed_gain(SMALL, prevalence)] * seeds, [collapse] * seeds)
    assert law.mean == pytest.approx(expected_gain(SMALL, collapse, prevalence), abs=1e-8)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_simulated_runs_lie_in_the_region_of_the_exact_law(rng: np.random.Generator) -> None:
    design = Design()
    table = simulate(design, 20, rng)
    low, high = WHOLE
    assert low <= 100 * (table.causal - table.naive).mean() <= high
    assert set(table.columns) == {"seed", "strength", "flip", "ones", "naive", "causal", "confounded"}
    collapsed = table.ones <= 700
    unequal = table[table.naive != table.causal]
    assert collapsed[unequal.index].all()
    assert (table.naive == table.confounded)[collapsed].all()


def test_a_seed_gives_one_experiment_and_a_threshold_moves_the_collapse() -> None:
    first, again = (simulate(SMALL, 4, np.random.default_rng(3)) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    never = simulate(Design(), 4, np.random.default_rng(3), last=0)
    assert (never.naive == never.causal).all()


def test_the_probability_of_collapse_tends_to_one_or_zero_unless_the_classes_are_balanced() -> None:
    for prevalence, limit in ((0.45, 1.0), (0.55, 0.0)):
        large = collapse_probability(Design(training=20_000), prevalence=prevalence)
        assert large == pytest.approx(limit, abs=1e-9)
    assert collapse_probability(Design()) == pytest.approx(0.5 + binom.pmf(700, 1400, 0.5) / 2)


def test_a_law_knows_its_regions() -> None:
    law = GainLaw(np.arange(11.0), binom.pmf(np.arange(11), 10, 0.5))
    assert (round(law.mean, 9), round(law.deviation, 6)) == (5.0, 1.581139)
    low, high = law.region(0.05)
    assert (low, high) == (2.0, 8.0)
    assert law.between(low, high) >= 0.95
    with pytest.raises(ValueError, match="alarm=0"):
        law.region(0)


def test_poisson_binomial_trials_of_one_probability_are_binomial() -> None:
    np.testing.assert_allclose(poisson_binomial([0.3] * 7), binom.pmf(np.arange(8), 7, 0.3), atol=1e-14)
    np.testing.assert_allclose(poisson_binomial([]), [1.0])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"training": 0}, "training=0"),
        ({"per_domain": 2.5}, "per_domain=2.5"),
        ({"strengths": (0.0, 1.5)}, "strengths="),
        ({"largest_flip": -0.1}, "largest_flip=-0.1"),
    ],
)
def test_sizes_that_make_no_experiment_are_refused(sizes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Design(**sizes)  # type: ignore[arg-type]


def test_laws_on_different_grids_are_not_averaged() -> None:
    with pytest.raises(ValueError, match="one grid for all"):
        mean_gain([collapsed_gain(SMALL)], [0.5, 0.5])


# ── the published run ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_accuracy_of_the_causal_classifier_in_the_archive_is_what_its_seed_determines() -> None:
    fixed = [1 - domain.flipped.mean() for seed in range(42, 62) for domain in seeded_domains(seed)]
    np.testing.assert_allclose(ARCHIVE.causal, fixed, atol=1e-12)


def test_the_split_is_scikit_learns() -> None:
    from sklearn.model_selection import train_test_split

    angles = np.pi * np.random.RandomState(44).random_sample((2000, 2))[:, 0]
    kept, _ = train_test_split(angles, test_size=0.3, random_state=44)
    np.testing.assert_array_equal(seeded_training(44), kept)


def test_the_archived_gains_are_typical_of_the_law_given_what_the_seeds_fix() -> None:
    """Collapsed seeds: each gain lies where its law has it; the pattern of collapses has the likelihood it should."""
    gain = 100 * (ARCHIVE.causal - ARCHIVE.naive).groupby(ARCHIVE.seed).mean()
    collapsed = gain > 5
    assert collapsed.sum() == 9
    assert (gain[~collapsed] == 0).all()
    for seed in gain[collapsed].index:
        law = seeded_gain(seed)
        assert abs(gain[seed] - law.mean) < 4 * law.deviation
    chance = np.array([seeded_collapse(seed, 697) for seed in gain.index])
    surprise = -np.log(np.where(collapsed, chance, 1 - chance)).sum()
    expected = -(chance * np.log(chance) + (1 - chance) * np.log(1 - chance)).sum()
    assert surprise == pytest.approx(expected, abs=2)


def test_the_law_of_a_seeds_gain_is_that_of_its_simulation() -> None:
    rng, domains, law = np.random.default_rng(8), seeded_domains(45), seeded_gain(45)
    gains = np.zeros(4000)
    for domain in domains:
        ones = rng.random((4000, 500)) < np.sin(domain.angles / 2) ** 2
        gains += (ones & ~domain.entangled) @ np.where(domain.flipped, -1, 1)
    gains *= 100 / 2500
    assert gains.mean() == pytest.approx(law.mean, abs=5 * law.deviation / 4000**0.5)
    assert gains.std() == pytest.approx(law.deviation, rel=0.06)


@pytest.mark.parametrize("size", [1e-15, 1.0, 1e15])
def test_a_rule_does_not_depend_on_the_size_of_its_coefficients(size):
    for coefficients in ([-1, 2, 0.5], [-0.3, 0.1, 0.2], [-0.1 - 0.2, 0.1, 0.2], [0.1, -0.2, 0.1]):
        expected = (
            np.sign(np.round(np.array(coefficients) @ np.array([[1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]]), 9)) > 0
        )
        assert (predicted(size * np.array(coefficients)).ravel() == expected).all()
