"""Treatments in one sample and outcomes in another: bounds, what has been published of them, intervals, refusals."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from scipy.optimize import linprog

from compendium import paths
from qlib.correlations import latent_bounds
from qlib.models import (
    Contradiction,
    TwoSampleTable,
    ace_bounds,
    causal_query,
    effect_bounds,
    effect_expressions,
    effect_interval,
    instrumental_table,
    instrumental_test,
    natural_bounds,
    nearest_admissible,
    two_sample_table,
)

PUBLISHED = paths.ROOT / "data" / "published"
SHAPES = [(2, 2, 2), (2, 2, 3), (3, 2, 2), (2, 3, 3)]
BINARY = two_sample_table(np.full((2, 2), 0.5), np.full((2, 2), 0.5))


def marginals(counts: np.ndarray) -> TwoSampleTable:
    """A table that was seen as a whole, as if treatments and outcomes had been counted in different samples."""
    return two_sample_table(counts.sum(axis=1), counts.sum(axis=0))


def vitamin() -> np.ndarray:
    return np.array([[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]])


def genes() -> np.ndarray:
    named = {"instrument": "genotype", "treatment": "homocysteine", "outcome": "disease", "count": "people"}
    return instrumental_table(pd.read_csv(PUBLISHED / "homocysteine.csv"), **named).counts


def ends(*arguments, **named) -> tuple[float, float]:
    bounds = effect_bounds(*arguments, **named)
    return float(bounds.lower), float(bounds.upper)


def response_types(shape: tuple[int, int, int], monotone: bool = False) -> list[tuple[int, ...]]:
    """All (x(z=0), …, y(x=0), …)."""
    X, Y, Z = shape
    types = product(*[range(X)] * Z, *[range(Y)] * X)
    return [t for t in types if not monotone or list(t[:Z]) == sorted(t[:Z])]


def random_model(seed: int, shape: tuple[int, int, int], monotone: bool = False, n: int = 60):
    """Counts [x, y, z] of a classical model of n people seen under every z, with its response types."""
    rng, types = np.random.default_rng(seed), response_types(shape, monotone)
    people = rng.multinomial(n, rng.dirichlet(np.full(len(types), 0.2)))
    counts, Z = np.zeros(shape, dtype=int), shape[2]
    for t, k in zip(types, people, strict=True):
        for z in range(Z):
            counts[t[z], t[Z + t[z]], z] += k
    return counts, {t: int(k) for t, k in zip(types, people, strict=True) if k}


# --- what others have published --------------------------------------------------------------------------------------


def test_vitamin_a_in_two_samples_as_the_package_bpbounds_prints_it():
    """bpbounds, tests/testthat/test-bpbounds.R, "Balke and Pearl Table 1 example treated as bivariate data".

    It prints 1.1962 for the greatest P(Y=1 | do X=1), and so 1.2039 for the greatest ratio: its functions leave out
    that a probability is at most one.
    """
    table = marginals(vitamin())
    for assumptions in ([], ["monotonicity"]):
        assert ends(table, "ACE", assumptions) == pytest.approx((-0.1974, 0.0064), abs=6e-5)
        assert ends(table, "P(Y | do X)", assumptions, treatment=0) == pytest.approx((0.9936, 0.9936), abs=6e-5)
        assert ends(table, "P(Y | do X)", assumptions) == pytest.approx((0.7962, 1), abs=6e-5)
        assert ends(table, "risk ratio", assumptions) == pytest.approx((0.8013, 1 / 0.9936), abs=1e-4)


def test_homocysteine_in_two_samples_as_the_package_bpbounds_prints_it():
    """The same file, "Mendelian randomization with 3 category instrument, bivariate data"; there −0.1628 and 1.2209."""
    table = marginals(genes())
    assert ends(table, "ACE") == pytest.approx((-0.5720, 0.5942), abs=6e-5)
    assert ends(table, "P(Y | do X)", treatment=0) == pytest.approx((0.4058, 0.5720), abs=6e-5)
    assert ends(table, "P(Y | do X)", treatment=1) == (0, 1)
    with pytest.raises(Contradiction, match="monotonicity"):
        effect_bounds(two_sample_table(table.treatments.p[:, 0], table.outcomes.p[0]), "ACE", ["monotonicity"])


def symbols(z: int) -> tuple[sp.Expr, sp.Expr]:
    """P(X=1 | z) and P(Y=1 | z), from the symbols of the first values."""
    return 1 - sp.Symbol(f"P(X=0|Z={z})"), 1 - sp.Symbol(f"P(Y=0|Z={z})")


def test_the_derived_bounds_for_binary_variables_are_the_published_ones():
    """Ramsahai (2007); Palmer, Ramsahai, Didelez & Sheehan (2011), as in bpbounds, R/bpbounds_biv_x2y2z2.R: 10 + 10.

    With s = P(X=1 | z) + P(Y=1 | z) for each z they are five functions and what exchanging the values of Z makes of
    them; the upper ones come of Y ↦ 1 − Y, effect ↦ −effect. The dual has one vertex more, the trivial bound.
    """
    lower, upper = effect_expressions(BINARY)
    below: list[sp.Expr] = [sp.Integer(-1)]
    above: list[sp.Expr] = [sp.Integer(1)]
    for (x, y), (x_, y_) in ((symbols(0), symbols(1)), (symbols(1), symbols(0))):
        s, s_ = x + y, x_ + y_
        below += [-s, s - 2, s - s_ - 1, 2 * s - y_ - 3, y_ - 2 * s]
        d, d_ = x + 1 - y, x_ + 1 - y_
        above += [d, 2 - d, 1 - d + d_, 3 + (1 - y_) - 2 * d, 2 * d - (1 - y_)]
    assert set(lower) == {sp.expand(f) for f in below}
    assert set(upper) == {sp.expand(f) for f in above}


def test_one_probability_has_two_more_bounds_than_published_beside_those_that_make_it_one():
    """bpbounds, R/bpbounds_calc_biv_z2.R, has P(Y=1|z) + P(X=1|z) − 1 ≤ P(Y=1 | do X=1) ≤ P(Y=1|z) + 1 − P(X=1|z).

    One of the others is the tightest where X=1 is seen of one in ten, and Y=1 of one in ten, then of three: the two
    more have Y=1 because of X.
    """
    (x0, y0), (x1, y1) = symbols(0), symbols(1)
    lower, upper = effect_expressions(BINARY, "P(Y | do X)")
    published = {y0 + x0 - 1, y1 + x1 - 1}, {y0 + 1 - x0, y1 + 1 - x1}
    further = {y1 - y0 - x0, y0 - y1 - x1}, {1 + x1 + y0 - y1, 1 + x0 + y1 - y0}
    assert set(lower) == {sp.expand(f) for f in published[0] | further[0]} | {0}
    assert set(upper) == {sp.expand(f) for f in published[1] | further[1]} | {1}

    table = two_sample_table([[9, 9], [1, 1]], [[9, 7], [1, 3]])  # X=1 for one in ten
    assert max(0, 0.1 + 0.1 - 1, 0.3 + 0.1 - 1) == 0  # the published functions there
    assert effect_bounds(table, "P(Y | do X)").lower == sp.Rational(1, 10)


def test_with_an_instrument_of_three_values_there_are_as_many_bounds_as_published_and_they_are_the_programs():
    """bpbounds, R/bpbounds_biv_x2y2z3.R: 24 + 24, beside which the dual has the trivial vertex."""
    table = two_sample_table(np.full((2, 3), 0.5), np.full((2, 3), 0.5))
    lower, upper = (set(side) for side in effect_expressions(table))
    assert (len(lower), len(upper)) == (25, 25)
    counts, _ = random_model(7, (2, 2, 3))
    seen = {sp.Symbol(f"P({v}=0|Z={z})"): sp.Rational(int(k), 60)
            for v, axis in (("X", 1), ("Y", 0)) for z, k in enumerate(counts.sum(axis=axis)[0])}  # fmt: skip
    bounds = effect_bounds(marginals(counts))
    assert bounds.lower == max(f.subs(seen) for f in lower)
    assert bounds.upper == min(f.subs(seen) for f in upper)


def monotone_bounds(counts: np.ndarray, fourth: int) -> tuple[Fraction, Fraction]:
    """The bounds of a monotone binary instrument, 5 + 5 functions; the fourth is of P(Y=0 | Z=`fourth`)."""
    n = int(counts[..., 0].sum())
    t0, t1 = (Fraction(int(k), n) for k in counts[0].sum(axis=0))
    g = [Fraction(int(k), n) for k in counts[:, 0].sum(axis=0)]
    g0, g1 = g
    lower = 2 * g0 - g1 + t0 - 2, g0 - 2 * g1 - t1, g0 + t0 - 2, -g[fourth] - t1, g0 - g1 + t0 - t1 - 1
    upper = 2 * g0 - g1 - t0 + 1, g0 - 2 * g1 + t1 + 1, g0 - t0 + 1, 1 - g[fourth] + t1, g0 - g1 - t0 + t1 + 1
    return max(lower), min(upper)


@pytest.mark.parametrize("seed", range(25))
def test_with_a_monotone_instrument_the_bounds_are_the_published_ones_but_for_a_misprint(seed):
    counts, _ = random_model(seed, (2, 2, 2), monotone=True)
    bounds = effect_bounds(marginals(counts), "ACE", ["monotonicity"])
    assert (bounds.lower, bounds.upper) == tuple(map(sp.Rational, monotone_bounds(counts, fourth=1)))


def test_the_misprint_has_a_model_that_is_outside_its_bounds():
    """bpbounds, R/bpbounds_calc_biv_z2.R, and the command for Stata before it: the fourth function with P(Y=0 | Z=0).

    Sixty people, nobody a defier. The effect is 41/60; the functions as they stand there leave nothing between them.
    """
    types = {(0, 1, 0, 1): 36, (0, 1, 1, 1): 9, (1, 1, 0, 0): 10, (1, 1, 0, 1): 5}
    counts = np.zeros((2, 2, 2), dtype=int)
    for t, k in types.items():
        for z in (0, 1):
            counts[t[z], t[2 + t[z]], z] += k
    effect = Fraction(sum(k * (t[3] - t[2]) for t, k in types.items()), 60)
    bounds = effect_bounds(marginals(counts), "ACE", ["monotonicity"])
    assert bounds.lower <= effect <= bounds.upper
    lower, upper = monotone_bounds(counts, fourth=0)
    assert upper < lower < effect


def test_the_draft_lottery():
    """Angrist, Imbens & Rubin (1996), Table 2: their estimate for the men whom the lottery made serve is within."""
    data = pd.read_csv(PUBLISHED / "draft-lottery.csv")
    for born, printed in ((1950, 0.0056), (1951, 0.0015)):
        men = data[data.born == born]
        table = two_sample_table([1 - men.served, men.served], [1 - men.died, men.died])
        low, high = ends(table)
        assert low <= printed <= high
        assert high == pytest.approx(1 - men.served.max() + men.died[men.served.idxmax()])
        assert effect_bounds(table, "ACE", ["monotonicity"]).lower > low


# --- the bounds by another route ------------------------------------------------------------------------------------


def by_response_types(table: TwoSampleTable, cost: np.ndarray, monotone: bool) -> list[float]:
    """Both bounds of Σ cost · P(response type), by a program in response types and floating point."""
    types, Z = response_types(table.shape, monotone), table.shape[2]
    X, Y, _ = table.shape
    rows = [([t[z] == x for t in types], table.treatments.p[x, 0, z]) for x, z in np.ndindex(X, Z)]
    rows += [([t[Z + t[z]] == y for t in types], table.outcomes.p[0, y, z]) for y, z in np.ndindex(Y, Z)]
    A, b = np.array([row for row, _ in rows], dtype=float), [float(p) for _, p in rows]
    return [sign * linprog(sign * cost, A_eq=A, b_eq=b).fun for sign in (1, -1)]


@pytest.mark.parametrize("monotone", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_query_has_the_bounds_of_the_response_types_and_a_proof(shape, monotone):
    counts, _ = random_model(sum(shape), shape, monotone)
    table, Z = marginals(counts), shape[2]
    for name in ("P(Y | do X)", "contrast", "PNS"):
        query = causal_query(table, name)
        cost = np.array([
            sum(float(term.weight) for term in query.numerator if all(t[Z + k] == y for k, y in term.outcomes))
            for t in response_types(shape, monotone)
        ])  # fmt: skip
        bounds = effect_bounds(table, query, ["monotonicity"] if monotone else [])
        assert [float(bounds.lower), float(bounds.upper)] == pytest.approx(
            by_response_types(table, cost, monotone), abs=1e-8
        )
        for proof in (bounds.lower_proof, bounds.upper_proof):
            proof.verify(bounds.program)
            assert proof.is_optimal


@pytest.mark.parametrize("latent", ["classical", "no-signalling"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_that_is_seen_as_a_whole_has_tighter_bounds_and_both_hold_the_truth(shape, latent):
    counts, people = random_model(3, shape)
    whole, apart = (effect_bounds(data, "contrast", latent=latent) for data in (counts, marginals(counts)))
    last, Z = (shape[0] - 1, shape[1] - 1), shape[2]
    effect = Fraction(sum(k * ((t[Z + last[0]] == last[1]) - (t[Z] == last[1])) for t, k in people.items()), 60)
    assert apart.lower <= whole.lower <= effect <= whole.upper <= apart.upper


@pytest.mark.parametrize("query", ["ETT", "PN", "PS", "risk ratio"])
def test_who_was_treated_is_asked_with_the_law_of_the_instrument(query):
    table = marginals(random_model(5, (2, 2, 2))[0])
    whole = effect_bounds(random_model(5, (2, 2, 2))[0], query)
    apart = effect_bounds(table, query, instrument_law=[Fraction(1, 2)] * 2)
    assert apart.lower <= whole.lower <= whole.upper <= apart.upper


def test_weaker_exogeneity_has_wider_bounds_and_the_single_world_the_same():
    table = marginals(random_model(1, (2, 2, 3))[0])
    joint, single = ends(table), ends(table, "ACE", ["single-world exogeneity", "stratified exclusion"])
    marginal = ends(table, "ACE", ["marginal exogeneity"])
    assert single == joint
    assert marginal[0] <= joint[0] <= joint[1] <= marginal[1]


# --- chance ----------------------------------------------------------------------------------------------------------


def test_the_interval_holds_both_bounds_as_often_as_it_says_the_samples_being_of_any_size():
    """At level one half, to see it miss: the region of the true probabilities is what the interval runs over."""
    counts, _ = random_model(2, (2, 2, 2))
    truth, rng, level = effect_bounds(marginals(counts)), np.random.default_rng(4), 0.5
    p = counts / counts.sum(axis=(0, 1))
    held = []
    for _ in range(60):
        samples = [
            np.stack([rng.multinomial(n, q[:, z]) for z in (0, 1)], axis=1)
            for n, q in ((30, p.sum(axis=1)), (12, p.sum(axis=0)))
        ]
        try:
            found = effect_interval(two_sample_table(*samples), level=level)
        except Contradiction:
            held.append(False)
            continue
        held.append(bool(found.lower <= truth.lower and truth.upper <= found.upper))
    assert np.mean(held) >= level


def test_the_interval_is_wider_than_the_bounds_and_shrinks_to_them():
    table, many = marginals(vitamin()), marginals(vitamin() * 10_000)
    bounds, interval, narrow = effect_bounds(table), effect_interval(table), effect_interval(many)
    assert interval.lower < narrow.lower < bounds.lower <= bounds.upper < narrow.upper < interval.upper
    assert float(narrow.upper - bounds.upper) < 1e-4
    assert interval.n == table.n == 2 * vitamin().sum()


FOLLOWS = two_sample_table([[90, 90], [10, 10]], [[90, 5], [10, 95]])  # Y follows Z, X does not


def test_samples_that_refute_the_assumptions_are_told_from_noise():
    assert instrumental_test(FOLLOWS).p_value < 1e-3
    with pytest.raises(Contradiction, match=r"^data: at level 0\.95 these counts refute"):
        effect_interval(FOLLOWS)
    few = two_sample_table([[9, 9], [1, 1]], [[9, 5], [1, 5]])
    assert effect_bounds(few).recoded > 0
    assert instrumental_test(few).p_value > 0.5
    assert "no model gives these frequencies" in str(instrumental_test(few))


def test_the_nearest_samples_have_a_model_and_are_as_far_as_is_said():
    near, recoded = nearest_admissible(FOLLOWS)
    assert isinstance(near, TwoSampleTable)
    assert effect_bounds(near).admissible is None
    moved = sum(
        abs(new.p[i] - old.p[i]) * 100 / 2
        for new, old in zip(near.samples, FOLLOWS.samples, strict=True)
        for i in np.ndindex(*old.shape)
    )
    assert moved == recoded == effect_bounds(FOLLOWS).recoded


# --- what comes in ---------------------------------------------------------------------------------------------------


def test_frames_arrays_and_individuals_are_the_same_table_and_its_values_have_names():
    served = pd.DataFrame({"drafted": ["no", "no", "yes", "yes"], "served": ["no", "yes"] * 2, "men": [8, 2, 6, 4]})
    died = pd.DataFrame({"drafted": ["yes"] * 50 + ["no"] * 50, "died": ([True] * 2 + [False] * 48) * 2})
    names = {"instrument": "drafted", "treatment": "served", "outcome": "died"}
    counted = died.value_counts().rename("men").reset_index()
    table = two_sample_table(served, counted, **names, count="men")
    assert table.values == (("no", "yes"), ("no", "yes"), (False, True))
    assert str(table).splitlines()[4:] == ["drafted  died=False  died=True", "no               48          2",
                                           "yes              48          2"]  # fmt: skip
    plain = two_sample_table([[8, 6], [2, 4]], [[48, 48], [2, 2]])
    individuals = two_sample_table(served.loc[served.index.repeat(served.men)].drop(columns="men"), died, **names)
    mixed = two_sample_table([[8, 6], [2, 4]], [[0.96, 0.96], [0.04, 0.04]])
    assert ends(table) == ends(plain) == ends(individuals) == pytest.approx(ends(mixed), abs=1e-12)
    assert mixed.n is None
    assert effect_bounds(table, treatment="no", baseline="yes").lower == -effect_bounds(table).upper


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: two_sample_table([[1, 2], [3, 4]], [[1, 2, 3], [3, 4, 5]]), "outcomes: 'Z' has the values 0, 1, 2"),
        (lambda: two_sample_table([[-1, 2], [3, 4]], [[1, 2], [3, 4]]), r"treatments: entry \[x=0, z=0\] is -1"),
        (lambda: two_sample_table([[1, 2], [3, 4]], [[0, 2], [0, 4]]), "outcomes: nobody has Z=0"),
        (lambda: two_sample_table([[0.5, 0.5], [0.4, 0.5]], [[1, 2], [3, 4]]), "treatments: the entries with Z=0 sum"),
        (lambda: two_sample_table(vitamin(), vitamin()), r"treatments: shape \(2, 2, 2\) should be \(x, z\)"),
        (lambda: two_sample_table([[5, 5]], [[1, 2], [3, 4]]), "treatments: 'X' has no values but 0; there should be"),
        (lambda: two_sample_table([[1, 2], [3, 4]], [[1, 2], [3, 4]], values={"X": [1, 2, 3]}), "values: 'X' has 2"),
        (lambda: two_sample_table([[1, 2], [3, 4]], [[1, 2], [3, 4]], values={"W": [0, 1]}), "values: 'W' should be"),
        (lambda: two_sample_table({}, {}, instrument="z", treatment="x", outcome="y"), "instrument: 'z' should be"),
        (lambda: two_sample_table({"z": [0, 1], "x": [0, None]}, {"z": [0], "y": [0]}, instrument="z", treatment="x",
                                  outcome="y"), "treatments: 1 of 2 rows miss a value of 'x'"),
        (lambda: two_sample_table({"z": [0, 1], "x": [0, 1]}, {"z": [0], "y": [0]}, instrument="z", treatment="w",
                                  outcome="y"), "treatment: 'w' should be one of the columns"),
        (lambda: effect_bounds(BINARY, "ETT"), "instrument_law: .* give their probabilities"),
        (lambda: effect_interval(BINARY), "data: these are probabilities"),
        (lambda: nearest_admissible(BINARY), "data: these are probabilities"),
        (lambda: latent_bounds(BINARY), "data: two samples do not tell how often"),
        (lambda: natural_bounds(BINARY, 1, 1), "data: two samples do not tell how often"),
        (lambda: ace_bounds(BINARY), "data: two samples do not tell how often"),
        (lambda: effect_expressions(BINARY, "risk ratio"), "query: .* should be no quotient"),
        (lambda: effect_expressions(BINARY, "ETT"), "query: .* should be no quotient"),
        (lambda: effect_bounds(two_sample_table([[0.9, 0.9], [0.1, 0.1]], [[1, 0], [0, 1]])), "data: these probab"),
    ],
)  # fmt: skip
def test_what_is_no_pair_of_samples_or_has_no_answer_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        call()
