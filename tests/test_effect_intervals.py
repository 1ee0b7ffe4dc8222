"""Intervals for effects: what they hold, how often, and what counts refute."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from qlib.models import (
    Contradiction,
    ace_bounds,
    bound_expressions,
    causal_query,
    effect_bounds,
    effect_interval,
    exact_region,
    instrumental_test,
    large_sample_intervals,
    linear_bounds,
    region_events,
)
from qlib.numbers import binomial_interval

VITAMIN = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]
BINARY = np.ones((2, 2, 2), dtype=int)
ACE = causal_query(BINARY, "ACE")


def trials(p: np.ndarray, n: int, size: int, seed: int) -> np.ndarray:
    """Counts [trial, x, y, z] with n people in each arm."""
    rng = np.random.default_rng(seed)
    arms = [rng.multinomial(n, p[:, :, z].ravel(), size).reshape(size, *p.shape[:2]) for z in range(p.shape[2])]
    return np.stack(arms, axis=-1)


def random_model(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    types, p = rng.dirichlet(np.full(16, 0.3)).reshape(2, 2, 2, 2), np.zeros((2, 2, 2))
    for (x0, x1, y0, y1), w in np.ndenumerate(types):
        for z, x in enumerate((x0, x1)):
            p[x, (y0, y1)[x], z] += w
    return p


def test_clopper_and_pearsons_interval_misses_no_more_often_than_it_says():
    n, alarm = 12, 0.1
    low, high = binomial_interval(np.arange(n + 1), n, alarm)
    for p in np.linspace(0, 1, 101):
        law = np.array([float(sp.binomial(n, k)) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
        assert law[(low > p) | (p > high)].sum() <= alarm + 1e-12


def test_the_region_holds_the_true_table_as_often_as_it_says():
    p = random_model(0)
    low, high = exact_region(trials(p, 40, 3000, 1), level=0.8)
    true = np.einsum("exy,xyz->ez", region_events((2, 2)), p)
    assert ((low <= true) & (true <= high)).all(axis=(1, 2)).mean() >= 0.8


@pytest.mark.parametrize("query", ["ACE", "risk ratio", "ETT", "PN", "PNS"])
def test_the_interval_holds_the_bounds_of_the_frequencies(query):
    bounds, interval = effect_bounds(VITAMIN, query), effect_interval(VITAMIN, query)
    assert interval.lower <= bounds.lower <= bounds.upper <= interval.upper


def test_a_higher_level_has_a_wider_interval_and_a_larger_trial_a_narrower_one():
    narrow, wide = effect_interval(VITAMIN, level=0.5), effect_interval(VITAMIN, level=0.999)
    assert wide.lower < narrow.lower
    assert narrow.upper < wide.upper
    larger = effect_interval(np.array(VITAMIN) * 100)
    bounds = effect_bounds(VITAMIN)
    assert larger.lower > narrow.lower
    assert larger.upper - bounds.upper < 0.001


def test_the_interval_without_signals_holds_the_classical_one():
    counts = trials(random_model(3), 50, 1, 2)[0]
    classical, any_cause = effect_interval(counts), effect_interval(counts, latent="no-signalling")
    assert any_cause.lower <= classical.lower <= classical.upper <= any_cause.upper


def test_the_functions_are_balke_and_pearls():
    """Two routes: the vertices of this program's dual, and those of Wang and Zhang's program (11)."""
    for side, pick in (("lower", np.max), ("upper", np.min)):
        mine = linear_bounds((2, 2, 2), ACE, ("joint exogeneity",), side)
        for seed in range(5):
            p = random_model(seed)
            published = pick([float(f(p)) for f in bound_expressions(side)])
            assert pick(np.einsum("kxyz,xyz->k", mine, p)) == pytest.approx(published)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_large_sample_intervals_hold_the_bounds_where_there_are_many_people(seed):
    p, n = random_model(seed), 2000
    truth = ace_bounds(p)
    low, high = large_sample_intervals(trials(p, n, 2000, seed), ACE)
    held = ((low <= truth.lower) & (truth.upper <= high)).mean()
    assert held >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_they_hold_at_a_kink_where_the_plain_bootstrap_does_not():
    p = np.full((2, 2, 2), 0.25)
    low, high = large_sample_intervals(trials(p, 500, 2000, 5), ACE)
    assert ((low <= -0.5) & (high >= 0.5)).mean() >= 0.94


def test_counts_that_refute_the_assumptions_are_told_from_noise():
    follows = [[[90, 5], [5, 90]], [[5, 5], [0, 0]]]  # Y follows Z, X does not
    assert instrumental_test(follows).p_value < 1e-6
    with pytest.raises(Contradiction, match=r"^data: at level 0\.95 these counts refute the assumptions"):
        effect_interval(follows)
    noise = [[[3, 0], [0, 3]], [[1, 1], [0, 0]]]
    assert instrumental_test(noise).p_value > 0.1
    assert effect_interval(noise).lower < 0
    assert effect_bounds(noise).recoded > 0


def test_the_p_value_is_small_no_more_often_than_it_says():
    """At a table on the boundary of the model, p(00|0) + p(01|1) = 1."""
    p = np.zeros((2, 2, 2))
    p[:, :, 0], p[:, :, 1] = [[0.5, 0.2], [0.1, 0.2]], [[0.3, 0.5], [0.1, 0.1]]
    values = np.array([instrumental_test(counts).p_value for counts in trials(p, 30, 60, 3)])
    assert (values <= 0.2).mean() <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / 60)
    assert (values < 1).any()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: effect_interval(np.full((2, 2, 2), 0.25)), "data: these are probabilities"),
        (lambda: effect_interval(VITAMIN, level=1.0), "level=1.0"),
        (lambda: instrumental_test(np.full((2, 2, 2), 0.25)), "data: these are probabilities"),
        (lambda: large_sample_intervals(VITAMIN, causal_query(BINARY, "ETT")), "query: "),
        (lambda: large_sample_intervals(np.zeros((2, 2, 2)), ACE), "counts: "),
        (lambda: exact_region([1, 2]), "counts: shape"),
        (lambda: linear_bounds((2, 2, 2), ACE, ("joint exogeneity",), "both"), "side: 'both'"),
        (lambda: binomial_interval(3, 2, 0.05), "successes: "),
    ],
)
def test_what_has_no_interval_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        call()
