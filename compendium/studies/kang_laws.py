"""Exact laws behind Kang's Experiments 2 and 3: what the simulated numbers are, before anything is simulated.

The confounding strength of a random product state has a density in elliptic integrals, rational even moments and a mean
that is an integral of a product of two elliptic integrals. R² and Pearson's r of Experiment 3 are random variables:
one exceeds a threshold where a quadratic form in normal variables is negative. Conventions: see
`compendium.studies.kang_experiments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, optimize, special, stats

from compendium.studies.kang_experiments import (
    chsh_correlators,
    confounding_strength,
    law,
    schmidt_table,
    strength_sd,
)
from qlib.correlations.behaviours import correlators_of_behaviour
from qlib.numbers.arguments import Floats, probabilities, real_number, reals, whole
from qlib.quantum.two_qubits import CHSH


def product_strength_density(strength: ArrayLike, nodes: int = 80) -> Floats:
    """Density of CS over product states Ry(t)Rz(f), t uniform on [0, π], f uniform on [0, 2π); zero outside (0, 1/√2).

    With r = √2 CS = |z z′ + x x′| and c = cos f cos f′, both c and r given c are sums of two arcsine variables:
    g(c) = (2/π²) K(1 − c²), f(r | c) = (4/π²) K(m)/√(1 − l²), m = (1 − h²)/(1 − l²), with l, h the lesser and the
    greater of r and |c|, K of the parameter m. The integral over c is cut at its two logarithmic singularities.

    >>> float(product_strength_density(0.8)), bool(product_strength_density(0.1) > product_strength_density(0.6))
    (0.0, True)
    """
    whole(nodes, "nodes", 1, 1000)
    r = np.sqrt(2) * np.ravel(reals(strength, "strength"))
    inside = (r > 0) & (r < 1)
    at = np.where(inside, r, 0.5)[:, None]
    u, weight = _unit_interval(nodes)
    smooth, slope = u**3 * (10 - 15 * u + 6 * u**2), 30 * u**2 * (1 - u) ** 2  # crowds the nodes at both ends
    below, above = at * smooth, at + (1 - at) * smooth
    total = sum(
        np.sum(weight * slope * width * _arcsine_sum(0.0, c) * _arcsine_sum(at, c), axis=-1, keepdims=True)
        for c, width in ((below, at), (above, 1 - at))
    )
    density = np.where(inside, np.sqrt(2) * 4 * total[:, 0], 0.0)
    return np.asarray(density.reshape(np.shape(strength)))


def _unit_interval(nodes: int) -> tuple[Floats, Floats]:
    """Gauss–Legendre nodes and weights on [0, 1]."""
    x, w = special.roots_legendre(nodes)
    return np.asarray((x + 1) / 2), np.asarray(w / 2)


def _arcsine_sum(r: Any, c: Floats) -> Floats:
    """Density at r of p cos α + q cos β, p, q = (1 ± c)/2, for independent uniform angles; r, c in [0, 1)."""
    low, high = np.minimum(r, c), np.maximum(r, c)
    return np.asarray(2 / np.pi**2 / np.sqrt(1 - low**2) * special.ellipkm1((high**2 - low**2) / (1 - low**2)))


def product_strength_nodes(nodes: int = 80) -> tuple[Floats, Floats]:
    """Values and weights with Σ w g(v) = E g(CS) over random product states, for g smooth on [0, 1/√2].

    >>> values, weights = product_strength_nodes()
    >>> round(float(weights @ values**2), 9) == 5 / 32
    True
    """
    whole(nodes, "nodes", 1, 1000)
    u, weight = _unit_interval(nodes)
    values = (1 - (1 - u) ** 2) * u / np.sqrt(2)  # crowded at 0, where the density has a logarithm in its slope
    slope = ((1 - (1 - u) ** 2) + 2 * (1 - u) * u) / np.sqrt(2)
    return values, weight * slope * product_strength_density(values)


def product_strength_mean() -> float:
    """E CS over random product states: (8√2/π⁴) ∫₀¹ K′(k) E′(k) dk.

    Averaged over t, |cos t cos t′ + c sin t sin t′| is (2/π)√(1 − (1 − c²) sin² t′); averaged over t′ that is
    (4/π²) E(1 − c²), and c has the density (2/π²) K(1 − c²). K′ and E′ are K and E of the parameter 1 − k².

    >>> round(product_strength_mean(), 10)
    0.3384034358
    """
    value, _ = integrate.quad(lambda k: special.ellipkm1(k * k) * special.ellipe(1 - k * k), 0, 1, epsabs=1e-13)
    return float(8 * np.sqrt(2) / np.pi**4 * value)


def product_strength_moment(n: int) -> Fraction:
    """E CS²ⁿ over random product states, a rational number; all of them together determine the law.

    E CS²ⁿ = 2⁻ⁿ Σₖ C(2n, 2k) (E z²ᵏ x²⁽ⁿ⁻ᵏ⁾)². Raises ``ValueError`` for an n below 0 or above 500.

    >>> product_strength_moment(1), product_strength_moment(2)
    (Fraction(5, 32), Fraction(753, 16384))
    """
    whole(n, "n", 0, 500)

    def bloch(k: int, m: int) -> Fraction:  # E z²ᵏ x²ᵐ
        polar = Fraction(comb(2 * k, k) * comb(2 * m, m), 4 ** (k + m) * comb(k + m, k))
        return polar * Fraction(comb(2 * m, m), 4**m)

    total = sum((comb(2 * n, 2 * k) * bloch(k, n - k) ** 2 for k in range(n + 1)), Fraction(0))
    return Fraction(total, 2**n)


def mean_region(values: ArrayLike, weights: ArrayLike, n: int, alarm: float) -> tuple[float, float]:
    """An interval that holds the mean of n independent draws but for a probability of `alarm`, at most (Chernoff).

    values, weights : the law of one draw. P(mean ≥ m) ≤ exp(−n sup_t(t m − log E exp(t v))), and so on the other side:
    no normal approximation is made.
    Raises ``ValueError`` for weights that are no law, n < 1, or an alarm outside (0, 1).

    >>> [round(end, 2) for end in mean_region([0, 1], [0.5, 0.5], n=100, alarm=1e-6)]
    [0.24, 0.76]
    """
    v, w = _law(values, weights, n, alarm)
    budget = np.log(2 / alarm) / n

    def tilted(t: float) -> tuple[float, float]:
        """Mean of the law tilted by exp(t v), and the exponent at it."""
        logs = np.log(w, out=np.full_like(w, -np.inf), where=w > 0) + t * v
        total = special.logsumexp(logs)
        mean = float(np.exp(logs - total) @ v)
        return mean, t * mean - float(total)

    def end(sign: int, extreme: float) -> float:
        reach = 1 / max(np.ptp(v), 1e-300)
        while tilted(sign * reach)[1] < budget:
            reach *= 2
            if reach > 1e6 / max(np.ptp(v), 1e-300):  # as improbable as that not even the most extreme value is
                return extreme
        t = optimize.brentq(lambda s: tilted(sign * s)[1] - budget, 0.0, reach, xtol=1e-10 * reach)
        return tilted(sign * t)[0]

    return end(-1, float(v.min())), end(1, float(v.max()))


def _law(values: ArrayLike, weights: ArrayLike, n: int, alarm: float) -> tuple[Floats, Floats]:
    """The law of one of n draws, if it is one, and `alarm` a probability that is neither 0 nor 1."""
    whole(n, "n", 1)
    v = reals(values, "values", ("n",))
    w = reals(probabilities(weights, "weights", v.shape), "weights")
    if abs(w.sum() - 1) > 1e-6:
        raise ValueError(f"weights sum to {w.sum()}, and should sum to 1")
    real_number(alarm, "alarm")
    if not 0 < alarm < 1:
        raise ValueError(f"alarm={alarm}: should lie between 0 and 1")
    return v, w


def sampled_strength_law(E: ArrayLike, shots: int) -> tuple[Floats, Floats]:
    """Values of S/2 and their probabilities, from so many shots for each pair of settings: exact but for 1e-15.

    E : correlators [i, j], shape (3, 3), index 0 the identity. The number of outcomes in favour of S is a sum of four
    binomials, Q, and S/2 = Q/N − 2.
    Raises ``ValueError`` for another shape, or fewer than one shot.

    >>> values, weights = sampled_strength_law([[1, 1, 1], [1, 1, 1], [1, 1, 0]], shots=2)
    >>> values.tolist(), weights.round(12).tolist()
    ([1.0, 1.5, 2.0], [0.25, 0.5, 0.25])
    """
    whole(shots, "shots", 1, 10**6)
    correlations = chsh_correlators(E)
    if correlations.ndim != 2:
        raise ValueError(f"E: shape {correlations.shape} should be (3, 3)")
    start, weights = 0, np.ones(1)
    favour = (1 + (correlations * CHSH)[1:, 1:]) / 2
    for p in favour.ravel().clip(0, 1):
        low, high = (int(end) for end in np.clip(stats.binom.ppf([1e-16, 1 - 1e-16], shots, p), 0, shots))
        start, weights = start + low, np.convolve(weights, stats.binom.pmf(np.arange(low, high + 1), shots, p))
    values = (start + np.arange(len(weights))) / shots - 2
    kept = weights > 1e-15
    return values[kept], weights[kept] / weights[kept].sum()


@dataclass(frozen=True)
class IntervalRegions:
    """Where a mean of independent draws, and the width of Student's interval for it, lie: (low, high) each."""

    mean: tuple[float, float]
    width: tuple[float, float]

    def contain(self, mean: float, width: float) -> bool:
        """Whether a mean and the width of its interval lie where they should; then so do the ends of the interval.

        >>> regions = interval_regions([0, 1], [0.5, 0.5], n=10_000, alarm=0.01)
        >>> regions.contain(0.5, 0.0196), regions.contain(0.5, 0.026)
        (True, False)
        """
        for name, value in (("mean", mean), ("width", width)):
            real_number(value, name)
        return self.mean[0] <= mean <= self.mean[1] and self.width[0] <= width <= self.width[1]


def interval_regions(
    values: ArrayLike, weights: ArrayLike, n: int, alarm: float, level: float = 0.95
) -> IntervalRegions:
    """Regions for the mean of n draws and the width of its interval, right together but for `alarm`.

    values, weights : the law of one draw. By Chernoff bounds on the mean and on the mean square deviation
    (`mean_region`): no normal approximation is made.

    >>> interval_regions([0, 1], [0.5, 0.5], n=10_000, alarm=0.01).mean[1] < 0.52
    True
    """
    whole(n, "n", 2)
    real_number(level, "level", 0, 1)
    v, w = _law(values, weights, n, alarm)
    each = alarm / 2  # of the two regions
    centre = float(w @ v)
    low, high = mean_region(v, w, n, each)
    least, most = mean_region((v - centre) ** 2, w, n, each)
    least = max(least - max(high - centre, centre - low) ** 2, 0.0)
    narrow, wide = 2 * stats.t.ppf((1 + level) / 2, n - 1) * np.sqrt(np.array([least, most]) / (n - 1))
    return IntervalRegions(mean=(low, high), width=(float(narrow), float(wide)))


def fit_probability(statistic: Literal["R2", "r"], threshold: float, shots: int = 50_000, steps: int = 25) -> float:
    """The probability that R² (or Pearson's r) of Experiment 3 exceeds a threshold, for normal noise of the exact size.

    shots : for each correlator, those of all trials of an angle together. Either event says that a quadratic form in
    the noise is negative, see `quadratic_form_probability`. The sign of S and, for r, that of the slope are taken to be
    positive, as they are by hundreds of standard deviations.
    Raises ``ValueError`` for another statistic or a threshold outside (0, 1).

    >>> round(fit_probability("R2", 0.999, shots=10_000), 3), round(fit_probability("r", 0.9999, shots=50_000), 3)
    (0.33, 0.444)
    """
    real_number(threshold, "threshold")
    whole(shots, "shots", 1)
    whole(steps, "steps", 3, 1000)
    if statistic not in ("R2", "r") or not 0 < threshold < 1:
        raise ValueError(f"statistic={statistic!r}, threshold={threshold}: should be 'R2' or 'r', between 0 and 1")
    theta = np.linspace(0, np.pi / 2, steps)
    E = correlators_of_behaviour(law(schmidt_table(theta)))
    mean, sd = confounding_strength(E), strength_sd(E, shots)
    centring = np.eye(steps) - 1 / steps
    if statistic == "R2":
        slack = 1 - threshold
        A, b = np.eye(steps) - slack * centring, -slack * centring @ mean
        return quadratic_form_probability(A, b, float(b @ mean), sd)
    c = centring @ abs(np.sin(2 * theta))
    B = threshold**2 * (c @ c) * centring - np.outer(c, c)
    return quadratic_form_probability(B, B @ mean, float(mean @ B @ mean), sd)


FAR = 100.0  # log E exp(u (Q - E Q)) ≤ u² for a form Q of variance 1 if |u| ≤ 1/√8: P(Q - E Q > t) ≤ exp(u² - u t)


def quadratic_form_probability(A: ArrayLike, b: ArrayLike, d: float, sd: ArrayLike) -> float:
    """P(eᵀAe + 2bᵀe + d ≤ 0) for independent normal e of mean zero and the given standard deviations.

    A : symmetric (n, n). b, sd : (n,). By inversion of the characteristic function (Gil-Pelaez 1951, Imhof 1961);
    farther than `FAR` standard deviations from the mean, 0 or 1, which Chernoff's bound says to within 10⁻¹⁵.
    Raises ``ValueError`` for shapes that do not fit, ``ArithmeticError`` if the integral does not converge.

    >>> round(quadratic_form_probability(np.eye(20), np.zeros(20), -28.41198, np.ones(20)), 6)  # chi-square
    0.9
    """
    real_number(d, "d")
    S = reals(sd, "sd", ("n",))
    if np.shape(A) != (len(S), len(S)) or np.shape(b) != S.shape:
        raise ValueError(f"shapes: A {np.shape(A)}, b {np.shape(b)} do not fit {S.shape} standard deviations")
    if np.any(S < 0):
        raise ValueError(f"sd: the least is {S.min()}; standard deviations are not negative")
    eigenvalues, vectors = np.linalg.eigh(S[:, None] * reals(A, "A") * S)
    slope = vectors.T @ (S * reals(b, "b"))
    scale = np.sqrt(2 * eigenvalues @ eigenvalues + 4 * slope @ slope)
    if scale == 0:  # nothing is random
        return float(d <= 0)
    eigenvalues, slope, shift = eigenvalues / scale, slope / scale, d / scale
    if abs(mean := shift + eigenvalues.sum()) > FAR:
        return float(mean < 0)

    def integrand(t: float) -> float:
        spread = 1 - 2j * t * eigenvalues
        exponent = 1j * t * shift - np.sum(np.log(spread)) / 2 - np.sum(2 * (t * slope) ** 2 / spread)
        return float(np.exp(exponent).imag / t)

    value, error, *_ = integrate.quad(integrand, 0, np.inf, limit=2000, epsabs=1e-9, full_output=True)
    if error > 1e-6:  # of a probability that is asked for by itself; nothing is conditional on it
        raise ArithmeticError(f"the probability was found only to within {error:.1g}")
    return float(np.clip(0.5 - value / np.pi, 0, 1))
