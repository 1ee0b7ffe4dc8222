"""The natural bounds: attained without signalling, and by classical models where treatment may be monotone."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.models import (
    Contradiction,
    ace_bounds,
    behaviour_without_signalling,
    classical_gain,
    effect_bounds,
    instrumental_inequality,
    model_with_monotone_treatment,
    natural_bounds,
)
from qlib.models.balke_pearl import BALKE_PEARL_LOWER, BALKE_PEARL_UPPER
from qlib.numbers.exact_arrays import Array, exact
from qlib.numbers.linear_programs import Constraint, LinearProgram, certificate

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
SHAPES = st.tuples(st.integers(2, 4), st.integers(2, 3), st.integers(2, 3))
HALF = sp.Rational(1, 2)


def classical_table(rng: np.random.Generator, shape: tuple[int, int, int], monotone: bool = False) -> Array:
    """A table [x, y, z] of people with response functions X(z) and Y(x); few, so that cells are empty at times."""
    X, Y, Z = shape
    p = np.zeros(shape)
    for weight in rng.dirichlet(np.ones(7)):
        taken, found = rng.integers(X, size=Z), rng.integers(Y, size=X)
        for z, x in enumerate(sorted(taken) if monotone else taken):
            p[x, found[x], z] += weight
    return p


def laws_above(least: Array, rng: np.random.Generator) -> Array:
    """A law of Y for each treatment that is at least so much."""
    return least + (1 - least.sum(axis=1, keepdims=True)) * rng.dirichlet(np.ones(least.shape[1]), len(least))


@given(rng=SEEDS, shape=SHAPES)
@settings(max_examples=25)
def test_whatever_the_bounds_allow_under_all_treatments_at_once_some_behaviour_does_without_signalling(
    rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    p = classical_table(rng, shape)
    q = laws_above(p.max(axis=2), rng)
    P = behaviour_without_signalling(p, q)
    assert P.min() >= -1e-12
    assert np.allclose(np.einsum("zxxy->xyz", P), p)
    assert np.allclose(P.sum(axis=3), p.sum(axis=1).T[:, None, :])  # X does not depend on t
    assert np.allclose(P.sum(axis=2), q[None])  # nor Y on z


@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 3, 2), (3, 2, 3)])
def test_no_behaviour_without_signalling_exceeds_them(shape: tuple[int, int, int]) -> None:
    p = classical_table(np.random.default_rng(5), shape)
    for t, y in product(range(shape[0]), range(shape[1])):
        found = effect_bounds(p, "P(Y | do X)", latent="no-signalling", treatment=t, outcome=y)
        assert np.allclose(natural_bounds(p, t, y), (float(found.lower), float(found.upper)))


def test_of_three_outcomes_the_other_arms_lower_the_upper_bound_of_one() -> None:
    p = np.zeros((2, 3, 2))
    p[1, [1, 2], [0, 1]], p[0, 0] = 0.5, 0.5
    assert natural_bounds(p, 1, 0) == (0, 0)
    assert min(p[1, 0, z] + 1 - p[1, :, z].sum() for z in (0, 1)) == 0.5


@pytest.mark.parametrize("seed", range(8))
def test_a_table_has_such_a_behaviour_exactly_if_it_obeys_the_instrumental_inequality(seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), 2).T.reshape(2, 2, 2)
    if instrumental_inequality(p).holds:
        assert natural_bounds(p, 1, 1)[0] == p[1, 1].max()
        return
    with pytest.raises(ValueError, match=r"^data: Σ_y max_z"):
        natural_bounds(p, 1, 1)
    with pytest.raises(Contradiction):
        effect_bounds(p, latent="no-signalling")


@given(rng=SEEDS, shape=st.tuples(st.just(2), st.integers(2, 3), st.integers(2, 4)))
@settings(max_examples=25)
def test_where_treatment_may_be_monotone_classical_models_attain_them_for_any_numbers_of_arms_and_outcomes(
    rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    p = classical_table(rng, shape, monotone=True)
    q = laws_above(p.max(axis=2), rng)
    weights = model_with_monotone_treatment(p, q)
    assert weights.min() >= -1e-12
    assert np.allclose([weights.sum(axis=(0, 2)), weights.sum(axis=(0, 1))], q)
    for z in range(shape[2]):  # who takes it from z on has k at most z
        assert np.allclose(weights[: z + 1].sum(axis=(0, 1)), p[1, :, z])
        assert np.allclose(weights[z + 1 :].sum(axis=(0, 2)), p[0, :, z])


@pytest.mark.parametrize("seed", range(6))
def test_in_two_arms_they_do_so_for_three_treatments_too(seed: int) -> None:
    """Who changes treatment goes up; so no treatment has more than half of the change, and the rest can be coupled."""
    p = classical_table(np.random.default_rng(seed), (3, 2, 2), monotone=True)
    change = np.abs(p[..., 1] - p[..., 0])
    assert np.all(change.sum(axis=1) <= change.sum() / 2 + 1e-12)
    for t, s in ((1, 0), (2, 1), (0, 2)):
        ends = [effect_bounds(p, "contrast", latent=k, treatment=t, baseline=s) for k in ("classical", "no-signalling")]
        assert np.allclose(*((float(found.lower), float(found.upper)) for found in ends))


def test_balke_and_pearls_expressions_are_four_natural_ones_and_four_that_exceed_them_by_the_gain() -> None:
    """In free symbols: of the four differences of an expression from the natural ones two imply the others."""
    p = exact([[[sp.Symbol(f"p{x}{y}{z}", nonnegative=True) for z in (0, 1)] for y in (0, 1)] for x in (0, 1)])
    for z in (0, 1):
        p[1, 1, z] = 1 - p[0, 0, z] - p[0, 1, z] - p[1, 0, z]
    for pairs, expressions in (
        (((0, 0), (1, 1)), [f(p) for f in BALKE_PEARL_LOWER]),
        (((1, 0), (0, 1)), [-f(p) for f in BALKE_PEARL_UPPER]),
    ):
        natural = {(i, j): p[*pairs[0], i] + p[*pairs[1], j] - 1 for i, j in product((0, 1), repeat=2)}
        rest = [e for e in expressions if not any(sp.expand(e - n) == 0 for n in natural.values())]
        assert len(rest) == 4
        for (x, y), z in product(pairs, (0, 1)):
            w = 1 - z
            first = p[x, y, z] - p[x, y, w] - p[1 - x, y, w]
            second = p[x, 1 - y, w] - p[x, 1 - y, z] - p[1 - x, y, z]
            own, other = p[x, y, z] + p[1 - x, 1 - y, z] - 1, p[x, y, z] + p[1 - x, 1 - y, w] - 1
            assert any(sp.expand(e - own - first) == sp.expand(e - other - second) == 0 for e in rest)
            for v, before in ((z, first), (w, second)):  # against those with p(x, y | w) in place of p(x, y | z)
                n = p[x, y, w] + p[1 - x, 1 - y, v] - 1
                (e,) = [e for e in rest if sp.expand(e - own - first) == 0]
                assert sp.expand(e - n - before - first - p[1 - x, y, w]) == 0


def test_the_gain_is_the_difference_of_the_bounds_on_random_tables_sparse_and_full() -> None:
    rng = np.random.default_rng(3)
    p = np.concatenate([rng.dirichlet(np.full(4, a), (2000, 2)) for a in (0.2, 1, 5)])
    p = p.reshape(-1, 2, 2, 2).transpose(0, 2, 3, 1)
    bounds = ace_bounds(p)
    p = p[bounds.feasible]
    low, high = classical_gain(p)
    assert np.allclose(bounds.lower[bounds.feasible] - low, p[:, 1, 1].max(-1) + p[:, 0, 0].max(-1) - 1)
    assert np.allclose(bounds.upper[bounds.feasible] + high, 1 - p[:, 1, 0].max(-1) - p[:, 0, 1].max(-1))


def test_for_laws_drawn_evenly_each_bound_gains_in_a_quarter_and_both_in_a_twelfth_of_those_with_a_model() -> None:
    rng = np.random.default_rng(8)
    p = rng.dirichlet(np.ones(4), (100_000, 2)).reshape(-1, 2, 2, 2).transpose(0, 2, 3, 1)
    p = p[instrumental_inequality(p).holds]
    low, high = (gain > 0 for gain in classical_gain(p))
    shares = np.array([len(p) / 100_000, low.mean(), high.mean(), (low & high).mean()])
    expected = np.array([4 / 5, 1 / 4, 1 / 4, 1 / 12])
    assert np.all(np.abs(shares - expected) < 5 * np.sqrt(expected * (1 - expected) / 80_000))


def test_no_gain_exceeds_one_half_and_one_law_alone_has_it() -> None:
    cells = [f"p{x}{y}{z}" for x, y, z in product((0, 1), repeat=3)]
    rows = [Constraint(f"arm {z}", {c: 1 for c in cells if c[3] == str(z)}, 1) for z in (0, 1)]
    rows += [  # t is below both differences, for z = 1, and the table obeys the instrumental inequality
        Constraint("first", {"p111": 1, "p010": -1, "p110": -1, "t": -1, "s1": -1}, 0),
        Constraint("second", {"p100": 1, "p011": -1, "p101": -1, "t": -1, "s2": -1}, 0),
        Constraint("instrumental", {"p111": 1, "p100": 1, "s3": 1}, 1),
    ]
    program = LinearProgram((*cells, "t", "s1", "s2", "s3"), {"t": 1}, tuple(rows))
    assert certificate(program, "max").value == HALF
    fixed = program.with_constraints(Constraint("attained", {"t": 1}, HALF))
    for cell in cells:
        asked = LinearProgram(fixed.variables, {cell: 1}, fixed.constraints)
        expected = HALF if cell in ("p111", "p001", "p100", "p000") else 0
        assert certificate(asked, "max").value == certificate(asked, "min").value == expected


def test_what_does_not_fit_is_refused_by_name() -> None:
    p = np.array([[[0.5, 0.1], [0.5, 0.3]], [[0.0, 0.4], [0.0, 0.2]]])
    with pytest.raises(ValueError, match=r"^outcome: "):
        natural_bounds(p, 1, 2)
    with pytest.raises(ValueError, match=r"^outcomes: P\(Y=0 \| do X=1\) is 0.1, and should be at least 0.4"):
        behaviour_without_signalling(p, [[0.5, 0.5], [0.1, 0.9]])
    with pytest.raises(ValueError, match=r"^outcomes: they sum"):
        behaviour_without_signalling(p, [[0.5, 0.7], [0.7, 0.3]])
    with pytest.raises(ValueError, match=r"^data: p\(1, y \| z\) should rise with z"):
        model_with_monotone_treatment(p[..., ::-1], [[0.5, 0.5], [0.7, 0.3]])
    with pytest.raises(ValueError, match=r"^data: 3 treatments"):
        model_with_monotone_treatment(np.full((3, 2, 2), 1 / 6), np.full((3, 2), 0.5))
