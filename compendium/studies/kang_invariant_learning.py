"""Learning from several environments, for a label and features that are bits: what is the same in all of them?

Counts are N[e, a, c, b]: environment, features A and C, label B. Two published methods, for comparison with a single
regression on all the data: invariant causal prediction (Peters, Bühlmann & Meinshausen 2016) keeps the features that
every invariant set of predictors holds; invariant risk minimisation (Arjovsky, Bottou, Gulrajani & Lopez-Paz 2019)
penalises a predictor that could be improved, in some environment, by rescaling it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from compendium.studies.kang_feature_selection import PATTERNS
from qlib.numbers.arguments import Floats, numbers, real_number

SUBSETS = {"": (), "A": (0,), "C": (1,), "AC": (0, 1)}  # sets of features, as axes of N[e]


@dataclass(frozen=True)
class InvariantSets:
    """Sets of features given which the label has one law in all environments, as far as the data tell.

    p_values : set → p value of that hypothesis. accepted : those that are not rejected. causes : what they have in
    common, a subset of the label's causes with probability 1 − level at least; empty if no set is accepted.
    """

    p_values: dict[str, float]
    accepted: tuple[str, ...]
    causes: str


def invariant_sets(counts: ArrayLike, level: float = 0.05) -> InvariantSets:
    """Invariant causal prediction of a bit from two bits.

    counts : N[e, a, c, b] of at least two environments. For each set of features and each value of it, the hypothesis
    of one law of B in all environments is put to a likelihood-ratio test, asymptotically χ²; the statistics add up.
    Raises ``ValueError`` for another shape, or a level outside (0, 1).

    >>> both = [[[[50, 0], [0, 0]], [[0, 0], [0, 50]]], [[[20, 0], [0, 0]], [[0, 30], [0, 50]]]]
    >>> invariant_sets(both).causes
    'A'
    """
    counts = numbers(counts, "counts")
    real_number(level, "level")
    from scipy.stats import chi2

    N = _environments(counts, 2)
    if not 0 < level < 1:
        raise ValueError(f"level={level}: should lie between 0 and 1")
    p_values = {}
    for name, kept in SUBSETS.items():
        summed = tuple(1 + k for k in (0, 1) if k not in kept)
        statistic, freedom = _likelihood_ratio(N.sum(summed).reshape(len(N), -1, 2))
        p_values[name] = float(chi2.sf(statistic, freedom)) if freedom else 1.0
    accepted = tuple(name for name, p in p_values.items() if p > level)
    common = set.intersection(*map(set, accepted)) if accepted else set()
    return InvariantSets(p_values, accepted, "".join(sorted(common)))


def _likelihood_ratio(N: Floats) -> tuple[float, int]:
    """The statistic of "one law of the label in all environments" for each stratum, added up, and its freedom."""
    pooled = N.sum(axis=0)
    expected = N.sum(-1, keepdims=True) * pooled / np.maximum(pooled.sum(-1, keepdims=True), 1)
    ratio = np.divide(N, expected, out=np.ones_like(N), where=N > 0)
    environments = (N.sum(-1) > 0).sum(axis=0)
    labels = (pooled > 0).sum(axis=-1)
    return 2 * float((N * np.log(ratio)).sum()), int(
        (np.maximum(environments - 1, 0) * np.maximum(labels - 1, 0)).sum()
    )


def irm_coefficients(counts: ArrayLike, invariance: float, penalty: float = 1e-3) -> Floats:
    """Coefficients (b, w_A, w_C) of a logistic regression by invariant risk minimisation, form IRMv1.

    Minimises Σ_e R_e(f) + invariance Σ_e (∂R_e(v f)/∂v at v = 1)² + ½ penalty |w|², where R_e is the mean logistic loss
    in environment e; invariance = 0 is a regression that weighs environments alike. The objective is not convex: the
    minimum is looked for from the regression's solution, with the penalty raised in steps.
    counts : N[e, a, c, b]. Raises ``ValueError`` for other shapes, an environment without samples or a negative
    invariance, and ``ArithmeticError`` if the gradient does not vanish.

    >>> stable = [[[60.0, 20], [0, 0]], [[0, 0], [20, 60]]]
    >>> mixed = [[[30.0, 10], [30, 10]], [[10, 30], [10, 30]]]
    >>> b, a, c = irm_coefficients([stable, mixed], invariance=0)
    >>> bool(a > c > 0)
    True
    """
    counts = numbers(counts, "counts")
    real_number(invariance, "invariance")
    real_number(penalty, "penalty")
    from scipy.optimize import minimize

    N = _environments(counts, 1)
    if not (invariance >= 0 and penalty > 0):
        raise ValueError(f"invariance={invariance}, penalty={penalty}: ≥ 0 and > 0 are needed")
    share = N.reshape(len(N), 4, 2) / N.sum((1, 2, 3))[:, None, None]
    beta, steps = np.zeros(3), [0.0, *np.geomspace(min(1.0, invariance), invariance, 8)] if invariance else [0.0]
    for weight in steps:
        result = minimize(_irm_objective, beta, (share, weight, penalty), "BFGS", True, options={"gtol": 1e-7})
        beta = np.asarray(result.x, dtype=np.float64)
    if not np.max(np.abs(result.jac)) <= 1e-4 * (1 + invariance):  # of a mean loss over features that are 0 or 1
        raise ArithmeticError(f"invariant risk minimisation has left a gradient of {np.max(np.abs(result.jac)):.2g}")
    return beta


def _irm_objective(beta: Floats, share: Floats, weight: float, penalty: float) -> tuple[float, Floats]:
    """The objective of `irm_coefficients` and its gradient."""
    f = PATTERNS @ beta
    p, n, y = 1 / (1 + np.exp(-f)), share.sum(-1), share[..., 1]
    risk = n @ np.logaddexp(0, f) - y @ f
    slope = (n * p - y) @ f  # ∂R_e(v f)/∂v
    value = risk.sum() + weight * slope @ slope + penalty / 2 * beta[1:] @ beta[1:]
    bend = n * p * (1 - p) * f + (n * p - y)
    gradient = ((n * p - y).sum(0) + 2 * weight * slope @ bend) @ PATTERNS + penalty * np.array([0, *beta[1:]])
    return float(value), gradient


def _environments(counts: ArrayLike, least: int) -> Floats:
    N = np.asarray(counts, dtype=np.float64)
    if N.ndim != 4 or N.shape[1:] != (2, 2, 2) or len(N) < least:
        raise ValueError(f"counts: shape {N.shape} should be (environments, 2, 2, 2), environments at least {least}")
    if np.any(N < 0) or not np.all(N.sum((1, 2, 3)) > 0):
        raise ValueError("counts: none may be negative, and each environment needs samples")
    return N
