"""Intervals and tests of proportions, and what a printed one says of the counts behind it: Kang's Experiment 4."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from qlib.numbers.arguments import Floats, real_number, reals, show, whole

ROUNDING = 1e-9  # of half a unit in the last place, for what floating-point arithmetic has done to a number


def wilson_interval(successes: ArrayLike, trials: int, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval for a proportion: the p that a score test at 1 − level does not reject. Arrays of any shape.

    Raises ``ValueError`` for a level outside (0, 1), or more successes than trials.

    >>> low, high = wilson_interval([0, 25065], 50_000)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.4969], [0.0001, 0.5057])
    """
    p, z = _proportions(successes, trials), _quantile(level)
    shrink = 1 + z**2 / trials
    centre = (p + z**2 / (2 * trials)) / shrink
    half = z / shrink * np.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    return centre - half, centre + half


def wald_interval(successes: ArrayLike, trials: int, level: float = 0.95) -> tuple[Floats, Floats]:
    """The proportion ± its estimated standard error times a normal quantile. Raises as `wilson_interval`.

    >>> [float(end) for end in wald_interval(0, 100)]
    [0.0, 0.0]
    """
    p = _proportions(successes, trials)
    half = _quantile(level) * np.sqrt(p * (1 - p) / trials)
    return p - half, p + half


def pooled_p_value(first: ArrayLike, second: ArrayLike, trials: int) -> Floats:
    """Two-sided p of the z-test, with pooled variance, that two counts of so many trials have one probability.

    The counts are broadcast. Raises ``ValueError`` for more successes than trials; all or none of both gives nan.

    >>> float(pooled_p_value(25065, 25038, 50_000).round(4))
    0.8644
    """
    p, q = _proportions(first, trials), _proportions(second, trials)
    pool = (p + q) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * stats.norm.sf(abs(p - q) / np.sqrt(pool * (1 - pool) * 2 / trials)))


def prints_as(values: ArrayLike, text: str) -> NDArray[np.bool_]:
    """Which values are printed as this text, when they are rounded to its decimals.

    >>> prints_as([0.50134, 0.50136], "0.5013").tolist()
    [True, False]
    """
    if not isinstance(text, str) or not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise ValueError(f"text: {show(text)} should be a number as it is printed, such as '0.5013'")
    decimals = len(text.partition(".")[2])
    half = 0.5 * 10.0**-decimals
    return np.asarray(abs(reals(values, "values") - float(text)) <= half * (1 + ROUNDING))


def _proportions(successes: ArrayLike, trials: int) -> Floats:
    whole(trials, "trials", 1)
    counts = reals(successes, "successes")
    if counts.size and not 0 <= counts.min() <= counts.max() <= trials:
        raise ValueError(
            f"successes: from {counts.min():g} to {counts.max():g}; they should lie between 0 and {trials}"
        )
    return np.asarray(counts / trials)


def _quantile(level: float) -> float:
    real_number(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: should lie between 0 and 1")
    return float(stats.norm.isf((1 - level) / 2))
