"""What chance may have done to a table: confidence intervals for effects, and a test of what is assumed.

Given the instrument, the cells of its arm are multinomial with unknown p(·|z). The *exact region* holds the tables in
which each event, that is each set of cells of an arm, has a probability within Clopper and Pearson's interval of what
was counted, the alarm being shared evenly among all events of all arms. By the union bound it holds the true table
with at least the stated probability, at every sample size, empty cells or not. It is a polyhedron, so the least and
the greatest answer over all its tables that some model fits are linear programs, solved exactly like those of the
bounds. Intervals for as many queries as one likes hold simultaneously, for a classical latent and for a no-signalling
one; the bounds for a quantum latent lie between the two, so the latter's interval holds for it as well. Song, Guo,
Chan & Richardson (arXiv:2405.09510) take a Kullback–Leibler ball for the region instead. Two samples, of treatments
and of outcomes, have a region each and share the alarm; they need not be independent.

The intervals of :func:`large_sample_intervals` are for large samples: a bound is the greatest of finitely many linear
functions of p, each about normal with a known variance, and those that are clearly not the greatest are left out
(intersection bounds: Chernozhukov, Lee & Rosen 2013). The plain bootstrap fails where two functions meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import floor
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from qlib.models.effects import (
    ASSUMED,
    OBSERVED,
    Contradiction,
    Latent,
    Query,
    Table,
    causal_query,
    effect_program,
)
from qlib.models.instrument_tables import TwoSampleTable, instrumental_table
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import Floats, one_of, real_number, reals, require, several, wholes
from qlib.numbers.hypothesis_tests import binomial_interval

EVERY_EVENT = 5  # cells of an arm up to which every event has its interval; beyond, cells and the values of X and of Y
END_BITS = 40  # to which the ends of intervals are rounded, outwards
BISECTIONS = 40  # of the search for a p-value
SLACK = 1e-9  # of a linear program in floating point


# --- the exact region ------------------------------------------------------------------------------------------------


def region_events(shape: Iterable[int]) -> NDArray[np.bool_]:
    """The events of an arm that have an interval, one of each complementary pair: an array [event, x, y].

    shape : how many treatments and outcomes. All events for up to five cells; for more, the cells and each X=x and Y=y.

    >>> region_events((2, 2)).shape
    (7, 2, 2)
    """
    sizes = wholes(shape, "shape", 1)
    if len(sizes) != 2:
        raise ValueError(f"shape: {sizes} should be a number of treatments and one of outcomes")
    X, Y = sizes
    cells = X * Y
    if cells <= EVERY_EVENT:
        chosen = [c for size in range(1, cells) for c in combinations(range(cells), size) if 0 in c]
        return np.array([np.isin(np.arange(cells), c) for c in chosen]).reshape(-1, X, Y)
    events = np.eye(cells, dtype=bool).reshape(-1, X, Y)
    rows = np.repeat(np.eye(X, dtype=bool)[:, :, None], Y, axis=2)
    columns = np.repeat(np.eye(Y, dtype=bool)[:, None, :], X, axis=1)
    return np.concatenate([events, rows, columns])


def exact_region(counts: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """The least and the greatest probability of each event of each arm, simultaneously: arrays [..., event, z].

    counts : [..., x, y, z], of one table or of a batch. level : the probability that all intervals hold, at least.
    ``ValueError`` for counts that are none, an empty arm, or a level outside (0, 1).

    >>> low, high = exact_region([[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]])
    >>> low.shape
    (7, 2)
    """
    _check_level(level)
    array = reals(counts, "counts", (..., "x", "y", "z"))
    events = region_events(array.shape[-3:-1])
    found = np.einsum("exy,...xyz->...ez", events, array)
    total = array.sum(axis=(-3, -2))[..., None, :]
    return binomial_interval(found, np.broadcast_to(total, found.shape), (1 - level) / (len(events) * array.shape[-1]))


def _check_level(level: float) -> None:
    real_number(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: should lie between 0 and 1")


def _counted(data: Any) -> Table:
    table = data if isinstance(data, TwoSampleTable) else instrumental_table(data)
    if table.n is None:
        raise ValueError("data: these are probabilities; what chance may do depends on counts")
    return table


def _within(program: lp.LinearProgram, table: Table, level: float, gap: bool = False) -> lp.LinearProgram:
    """The program with the region in the place of the observation; with a gap, by which the region may be missed.

    Several samples share the alarm; the union bound does not ask whether they are independent.
    """
    rows = [row for row in program.constraints if row.group != OBSERVED]
    seen = {row.name: row.coefficients for row in program.constraints if row.group == OBSERVED}
    slacks = []
    alarm = (1 - level) / len(table.samples)
    for s, sample in enumerate(table.samples):
        cells = {index: seen[f"{OBSERVED}: {name}"] for name, of, index, _ in table.cells() if of == s}
        which = f" of sample {s}" if len(table.samples) > 1 else ""
        low, high = exact_region(sample.counts, 1 - alarm)  # type: ignore[arg-type]
        X, Y, Z = sample.shape
        for z in range(Z):
            if s == 0:
                everybody = _sum(cells[x, y, z] for x, y in np.ndindex(X, Y))
                rows.append(lp.Constraint(f"normalisation: Z={z}", everybody, 1))
            for k, event in enumerate(region_events((X, Y))):
                total = _sum(cells[x, y, z] for x, y in np.ndindex(X, Y) if event[x, y])
                ends = (("least", _outwards(low[k, z], -1), -1), ("most", _outwards(high[k, z], 1), 1))
                for end, bound, sign in ends:
                    name = f"{end} of event {k}{which}, Z={z}"
                    slacks.append(name)
                    rows.append(lp.Constraint(name, total | {name: sign} | ({"gap": -sign} if gap else {}), bound))
    names = (*program.variables, *slacks, *(["gap"] if gap else []))
    return lp.LinearProgram(names, {"gap": 1} if gap else program.objective, tuple(rows))


def _sum(parts: Iterable[Any]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def _outwards(value: float, sign: int) -> Fraction:
    """The next number of few bits above (sign 1) or below (sign −1), within [0, 1]."""
    rounded = Fraction(sign * -floor(-sign * Fraction(float(value)) * 2**END_BITS), 2**END_BITS)
    return min(max(rounded, Fraction(0)), Fraction(1))


# --- intervals -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EffectInterval:
    """An interval that holds the answer to a query, and its sharp bounds, with at least the stated probability."""

    query: str
    lower: Any
    upper: Any
    level: float
    latent: str
    n: int

    def __str__(self) -> str:
        ends = " to ".join(
            f"{float(end):.4f}".replace("-", "−").replace("inf", "∞") for end in (self.lower, self.upper)
        )
        latent = "" if self.latent == "classical" else f", for a {self.latent} common cause"
        sure = f"with confidence {100 * self.level:.4g} % at any sample size{latent}; n = {self.n:,}"
        return f"{self.query}: {ends}\n  {sure}"


def effect_interval(
    data: Any,
    query: str | Query = "ACE",
    assumptions: Iterable[str] = ASSUMED,
    latent: Latent = "classical",
    *,
    level: float = 0.95,
    treatment: Any = None,
    baseline: Any = None,
    outcome: Any = None,
) -> EffectInterval:
    """A confidence interval for what is asked, valid at every sample size, simultaneously for all queries.

    It runs from the least to the greatest answer over all tables of the exact region that some model fits. The
    instrument's law, where a query depends on it, is taken to be its frequencies. Arguments as
    :func:`qlib.models.effects.effect_bounds`; ``ValueError`` for probabilities instead of counts, and
    :class:`qlib.models.effects.Contradiction` where no table of the region has a model: the counts refute the
    assumptions, at that level.

    >>> trial = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]
    >>> print(effect_interval(trial))
    the average effect of X=1 against 0 on Y: −0.2074 to 0.0085
      with confidence 95 % at any sample size; n = 23,682
    """
    table = _counted(data)
    if not isinstance(query, Query):
        query = causal_query(table, query, treatment=treatment, baseline=baseline, outcome=outcome)
    program, denominator = effect_program(table, query, assumptions, latent)
    region = _within(program, table, level)
    if query.denominator:
        region = lp.charnes_cooper(region, denominator)
    ends: list[Any] = []
    for sense, far in (("min", -sp.oo), ("max", sp.oo)):
        try:
            ends.append(lp.certificate(region, sense).value)  # type: ignore[arg-type]
        except lp.Unbounded:
            ends.append(far)
        except lp.Infeasible as error:
            raise Contradiction(error.certificate, f"at level {level:.4g} these counts refute") from error
    return EffectInterval(query.name, ends[0], ends[1], level, latent, table.n or 0)


@dataclass(frozen=True)
class InstrumentalTest:
    """How compatible counts are with the assumptions: a p-value that is valid at every sample size."""

    p_value: float
    n: int
    fits: bool  # whether some model gives the frequencies themselves

    def __str__(self) -> str:
        if self.fits:
            return f"some model gives these frequencies exactly (p = 1, n = {self.n:,})"
        return f"no model gives these frequencies; if one held, chance would do as much with p ≤ {self.p_value:.2g}"


def instrumental_test(
    data: Any, assumptions: Iterable[str] = ASSUMED, latent: Latent = "classical"
) -> InstrumentalTest:
    """Whether counts refute what is assumed of an instrument: the least level at which the exact region has no model.

    The p-value is 1 if some model gives the frequencies themselves, and never told to be less than 1e-15.
    ``ValueError`` for probabilities instead of counts.

    >>> instrumental_test([[[90, 5], [5, 90]], [[5, 5], [0, 0]]]).p_value < 1e-6  # Y follows Z, X does not
    True
    >>> print(instrumental_test([[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]))
    some model gives these frequencies exactly (p = 1, n = 23,682)
    """
    table = _counted(data)
    program, _ = effect_program(table, causal_query(table, "P(Y | do X)"), assumptions, latent)
    n = table.n or 0
    try:
        lp.certificate(replace(program, objective={}))
        return InstrumentalTest(1.0, n, True)
    except lp.Infeasible:
        pass
    low, high = -300.0, 0.0  # decimal logarithms of the alarm
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        alarm = min(10.0**middle, 1 - 1e-12)
        missed = lp.solve(_within(program, table, 1 - alarm, gap=True)).value if alarm > 1e-15 else 0.0
        low, high = (middle, high) if missed <= SLACK else (low, middle)
    return InstrumentalTest(float(10.0**high), n, False)


# --- large samples ---------------------------------------------------------------------------------------------------


def large_sample_intervals(
    counts: ArrayLike, query: Query, assumptions: Iterable[str] = ASSUMED, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Intervals for a batch of large tables: the ends, each of the shape of the batch.

    counts : [..., x, y, z]. query : one without a denominator, whose answer does not depend on the treatment taken.
    Variances are those of multinomials with half a count added to each cell, so that an empty one is not taken for
    impossible; for tables with few counts :func:`effect_interval` holds, these may not. They hold the whole interval
    between the bounds, and so the effect. ``ValueError`` for other queries, or more vertices than can be enumerated.

    >>> trial = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]
    >>> low, high = large_sample_intervals(trial, causal_query(trial, "ACE"))
    >>> round(float(low), 4), round(float(high), 4)
    (-0.2042, 0.0075)
    """
    require(Query, query=query)
    _check_level(level)
    if query.denominator or query.asks_treatment:
        raise ValueError(f"query: {query.name} should be no quotient and not depend on the treatment that was taken")
    array = reals(counts, "counts", (..., "x", "y", "z"))
    if not (array.sum(axis=(-3, -2)) > 0).all() or not (array >= 0).all():
        raise ValueError(f"counts: an array of shape {array.shape} should be counts (..., x, y, z), some in each arm")
    chosen = (assumptions,) if isinstance(assumptions, str) else several(assumptions, "assumptions")
    ends = [
        sign * _greatest(array, sign * linear_bounds(array.shape[-3:], query, chosen, side), level)
        for side, sign in (("lower", 1), ("upper", -1))
    ]
    return ends[0], ends[1]


@lru_cache(maxsize=32)
def linear_bounds(shape: tuple[int, int, int], query: Query, assumptions: tuple[str, ...], side: str) -> Floats:
    """The linear functions of p whose greatest value is the lower bound, or least the upper: an array [k, x, y, z].

    They are the vertices of the dual polyhedron. ``ValueError`` where there are too many, or for another side.

    >>> query = causal_query(np.ones((2, 2, 2), dtype=int), "ACE")
    >>> linear_bounds((2, 2, 2), query, ("marginal exogeneity",), "lower").shape
    (4, 2, 2, 2)
    """
    one_of(side, "side", ("lower", "upper"))
    require(Query, query=query)
    if len(wholes(shape, "shape", 1)) != 3:
        raise ValueError(f"shape: {shape} should be how many treatments, outcomes and instruments there are")
    uniform = np.full(shape, 1 / (shape[0] * shape[1]))
    program, _ = effect_program(uniform, query, assumptions)
    found = lp.dual_vertices(program, "min" if side == "lower" else "max").vertices
    functions = np.zeros((len(found), *shape))
    for function, y in zip(functions, found, strict=True):
        for x, o, z in np.ndindex(*shape):
            function[x, o, z] = float(y.get(f"{OBSERVED}: X={x}, Y={o}, Z={z}", 0))
    return functions


def _greatest(counts: Floats, functions: Floats, level: float) -> Floats:
    """What the greatest of the functions exceeds with the stated probability, both sides sharing the alarm."""
    n = counts.sum(axis=(-3, -2), keepdims=True)
    smooth = (counts + 0.5) / (n + counts.shape[-3] * counts.shape[-2] / 2)
    values = np.einsum("kxyz,...xyz->...k", functions, counts / n)
    mean = np.einsum("kxyz,...xyz->...kz", functions, smooth)
    variance = (np.einsum("kxyz,...xyz->...kz", functions**2, smooth) - mean**2) / n[..., 0, :]
    deviation = np.sqrt(variance.clip(0).sum(axis=-1))
    wide = norm.isf(0.1 / (len(functions) * np.maximum(np.log(n.sum(axis=-1)[..., 0]), 1)))
    kept = values + wide * deviation >= (values - wide * deviation).max(axis=-1, keepdims=True)
    factor = norm.isf((1 - level) / 2 / kept.sum(axis=-1, keepdims=True))
    return np.asarray(np.where(kept, values - factor * deviation, -np.inf).max(axis=-1))
