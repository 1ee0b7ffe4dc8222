"""The exact laws behind Experiments 2 and 3, each by a second route: moments, simulation, Bessel integrals."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import integrate, special, stats

from compendium.studies.kang_experiments import (
    confounding_strength,
    fit_statistics,
    law,
    random_product_table,
    schmidt_table,
    strength_sd,
    t_interval,
)
from compendium.studies.kang_laws import (
    fit_probability,
    interval_regions,
    mean_region,
    product_strength_density,
    product_strength_mean,
    product_strength_moment,
    product_strength_nodes,
    quadratic_form_probability,
    sampled_strength_law,
)
from qlib.correlations.behaviours import correlators_of_behaviour


def test_the_density_of_the_strength_has_the_rational_moments() -> None:
    values, weights = product_strength_nodes()
    for n in range(8):
        assert_allclose(weights @ values ** (2 * n), float(product_strength_moment(n)), rtol=1e-8)


def test_the_density_is_that_of_simulated_product_states() -> None:
    """A goodness-of-fit test; a correct density is refused with probability 1e-9 by a fresh seed."""
    runs, edges = 200_000, np.linspace(0, np.sqrt(0.5), 21)
    products = random_product_table(runs, np.random.default_rng(1))
    strengths = confounding_strength(correlators_of_behaviour(law(products)))
    expected = [integrate.quad(product_strength_density, *bin, limit=200)[0] for bin in pairwise(edges)]
    assert_allclose(sum(expected), 1, atol=1e-7)
    counts, _ = np.histogram(strengths, edges)
    assert stats.chisquare(counts, runs * np.array(expected) / sum(expected)).pvalue > 1e-9


def test_the_mean_is_that_of_the_density() -> None:
    values, weights = product_strength_nodes()
    assert_allclose(weights @ values, product_strength_mean(), rtol=1e-8)


def test_the_mean_is_a_combination_of_moments_of_a_random_walk_of_four_steps() -> None:
    """W₄(1) = 4∫ J₁ J₀³/x, W₄(−1) = ∫ J₀⁴: the mean of the distance and of its inverse after four unit steps."""
    x = np.linspace(0, 1000, 500_001)
    distance = 4 * integrate.simpson(
        np.where(x > 0, special.j1(x) / np.maximum(x, 1e-300), 0.5) * special.j0(x) ** 3, x=x
    )
    tail = 3 / (2 * np.pi**2 * x[-1])  # the mean of J₀⁴ is 3/(2π²x²) far out
    inverse = integrate.simpson(special.j0(x) ** 4, x=x) + tail
    assert_allclose((distance + 8 * inverse) / (6 * np.sqrt(2) * np.pi), product_strength_mean(), rtol=1e-6)


def test_even_moments_by_exact_averages_over_the_angles() -> None:
    """Averages of trigonometric polynomials of degree at most 2n are means over 2n + 1 equidistant angles."""
    for n in range(4):
        angle = 2 * np.pi * np.arange(2 * n + 1) / (2 * n + 1)
        t, u, f, g = np.meshgrid(angle, angle, angle, angle, indexing="ij")
        R = np.cos(t) * np.cos(u) + np.sin(t) * np.sin(u) * np.cos(f) * np.cos(g)
        assert_allclose(np.mean(R ** (2 * n)) / 2**n, float(product_strength_moment(n)), rtol=1e-12)


def test_the_first_moments_are_these() -> None:
    assert [product_strength_moment(n) for n in (0, 1)] == [1, Fraction(5, 32)]


def test_density_vanishes_outside_and_keeps_its_shape() -> None:
    assert product_strength_density([[-0.1, 0.0], [0.71, 5.0]]).tolist() == [[0, 0], [0, 0]]
    assert product_strength_density(0.5).shape == ()


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
@settings(max_examples=30)
def test_a_mean_falls_outside_its_region_less_often_than_the_alarm(seed: int, n: int) -> None:
    """By the exact law of the number of ones among n draws."""
    p = np.random.default_rng(seed).uniform(0.05, 0.95)
    low, high = mean_region([0, 1], [1 - p, p], n, alarm=0.01)
    k = np.arange(n + 1)
    outside = stats.binom.pmf(k, n, p)[(k / n < low - 1e-9) | (k / n > high + 1e-9)].sum()
    assert outside <= 0.01
    assert low <= p <= high


@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
@settings(max_examples=15)
def test_the_law_of_a_sampled_strength_has_its_mean_and_standard_deviation(seed: int, shots: int) -> None:
    E = correlators_of_behaviour(law(random_product_table(1, np.random.default_rng(seed))[0]))
    values, weights = sampled_strength_law(E, shots)
    mean = weights @ values
    assert_allclose(mean, np.sum(E[1:, 1:] * [[1, 1], [1, -1]]) / 2, atol=1e-12)
    assert_allclose(np.sqrt(weights @ (values - mean) ** 2), strength_sd(E, shots), atol=1e-10)


def test_three_shots_by_enumeration() -> None:
    """All 2¹² records of four settings with three shots each."""
    E, shots = np.array([[0.5, -0.2], [0.1, 0.3]]), 3
    expected: dict[float, float] = {}
    for record in np.ndindex(*(2,) * 12):
        signs = 2 * np.array(record).reshape(2, 2, shots) - 1
        p = float(np.prod((1 + signs * E[..., None]) / 2))
        S = round(float(np.sum(signs.mean(axis=-1) * [[1, 1], [1, -1]]) / 2), 9)
        expected[S] = expected.get(S, 0.0) + p
    values, weights = sampled_strength_law(np.pad(E, (1, 0)), shots)
    assert_allclose(weights, [expected[round(v, 9)] for v in values], atol=1e-12)


def test_intervals_of_simulated_experiments_lie_where_the_regions_say() -> None:
    """Three thousand experiments of a hundred trials, regions for a probability of 1 in 100 to be wrong."""
    E = correlators_of_behaviour(law(schmidt_table(np.pi / 4)))
    values, weights = sampled_strength_law(E, 100)
    regions = interval_regions(values, weights, 100, alarm=0.01)
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(3000):
        trials = rng.choice(values, 100, p=weights)
        wrong += not regions.contain(trials.mean(), np.ptp(t_interval(trials)))
    assert wrong <= 30


def test_an_interval_of_an_impossible_width_or_around_an_impossible_mean_is_refused() -> None:
    regions = interval_regions([0, 1], [0.5, 0.5], n=400, alarm=1e-3)
    width, beyond = sum(regions.width) / 2, regions.mean[1] + 1e-6
    assert regions.contain(0.5, width)
    assert not regions.contain(beyond, width)
    assert not regions.contain(0.5, 2e-6)
    assert not regions.contain(0.5, regions.width[1] + 1e-6)


def test_a_sure_value_has_a_mean_without_spread() -> None:
    assert mean_region([2.0, 3.0], [0.0, 1.0], 10, 1e-6)[1] == 3.0


@pytest.mark.parametrize(
    ("statistic", "threshold", "shots"), [("R2", 0.999, 10_000), ("r", 0.9999, 50_000), ("r", 0.999, 4_000)]
)
def test_the_fit_exceeds_a_threshold_as_often_as_simulated_binomials_say(
    statistic: str, threshold: float, shots: int
) -> None:
    runs = 20_000
    p = fit_probability(statistic, threshold, shots)  # type: ignore[arg-type]
    sample = fit_statistics(np.random.default_rng(9), runs, shots=shots)[statistic]
    assert abs((sample > threshold).mean() - p) < 6 * np.sqrt(p * (1 - p) / runs) + 0.002  # normal noise is a model


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_a_quadratic_form_is_negative_as_often_as_in_simulation(seed: int) -> None:
    rng, n, runs = np.random.default_rng(seed), 8, 20_000
    A = rng.normal(size=(n, n))
    A, b, d, sd = A + A.T, rng.normal(size=n), float(rng.normal()), rng.uniform(0.5, 2, n)
    e = rng.normal(0, sd, (runs, n))
    share = np.mean(np.einsum("ri,ij,rj->r", e, A, e) + 2 * e @ b + d <= 0)
    assert abs(share - quadratic_form_probability(A, b, d, sd)) < 6.5 * 0.5 / np.sqrt(runs)


@pytest.mark.parametrize("degrees", [16, 25])  # with few, the integrand dies slowly, and the function says so
@pytest.mark.parametrize("deviations", [-3.0, 0.5, 20, 99, 101, 1e4])
def test_a_sum_of_squares_follows_chi_square_near_its_mean_and_far_from_it(degrees, deviations):
    """On both sides of where the integral is not needed, and of zero, below which no such sum lies."""
    d = -(degrees + deviations * np.sqrt(2 * degrees))
    probability = quadratic_form_probability(np.eye(degrees), np.zeros(degrees), d, np.ones(degrees))
    assert probability == pytest.approx(stats.chi2.cdf(-d, degrees), abs=1e-8)


@pytest.mark.parametrize("shots", [10**k for k in range(3, 19)])
def test_with_ever_more_shots_a_threshold_below_the_exact_value_is_passed(shots):
    """However large the number, the answer comes; an oscillating integral once did not converge."""
    assert fit_probability("R2", 0.5, shots) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: product_strength_moment(-1), "n: -1 should lie between 0 and"),
        (lambda: mean_region([0, 1], [0.5, 0.6], 10, 0.1), r"weights sum to 1\.1"),
        (lambda: mean_region([0, 1], [0.5, 0.5], 10, 2), "alarm=2"),
        (lambda: sampled_strength_law([1, 1], 10), r"shape \(2,\) should be \(\.\.\., 3, 3\)"),
        (lambda: sampled_strength_law(np.zeros((3, 3)), 0), "shots: 0 should lie between 1 and"),
        (lambda: fit_probability("R", 0.9), "statistic='R'"),  # type: ignore[arg-type]
        (lambda: fit_probability("r", 1.0), r"threshold=1\.0"),
        (lambda: quadratic_form_probability(np.eye(3), np.zeros(2), 0, np.ones(3)), r"b \(2,\) do not fit"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
