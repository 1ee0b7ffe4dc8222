"""Kang's Experiment 5: a classifier with a confounded feature, its training by counts, and the exact law of its gain.

Three qubits are prepared and measured in the computational basis: Ry(θ) on A with θ uniform on [0, π], CNOT A→C with
probability s, CNOT A→B. The label B is flipped with probability ε. So the data of an environment (s, ε) are independent
draws from a law P[a, c, b], `law_of_features`, and since features and label are bits, every learner that takes samples
one by one and in no order depends on nothing but their *counts* N[..., a, c, b]. Leading axes are a batch.

A *rule* is an array r[..., a, c] of predicted labels. The naive classifier, a logistic regression on A and C that was
trained where A = C = B, predicts at a ≠ c what most of its training labels were (the chapter proves it). As A = 0 with
C = 1 never occurs, it agrees with the causal classifier a ↦ a in one case, and errs at every A = 1, C = 0 in the other:
it *collapses*. Kang (2025), Experiment 5 and Methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.numbers import arguments
from qlib.numbers.arguments import (
    Floats,
    all_of,
    numbers,
    real_number,
    reals,
    require,
    require_broadcast,
    show,
    whole,
    wholes,
)
from qlib.numbers.exact_arrays import Array
from qlib.numbers.polyhedra import Integers

if TYPE_CHECKING:
    import pandas as pd


PATTERNS = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=np.float64)  # intercept, a, c
COLUMNS = {"A": [0, 1], "C": [0, 2], "AC": [0, 1, 2]}
CAUSAL_RULE = np.array([[0, 0], [1, 1]])
COLLAPSED_RULE = np.array([[0, 0], [0, 1]])  # A and C
HARMLESS_RULE = np.array([[0, 1], [1, 1]])  # A or C
MOST = 10**6  # draws that are simulated at once
LAST_SEED = 2**32 - 6  # of NumPy's legacy generator, less one for each further domain
TIE = 1e-9  # a margin below this share of its terms is a tie, and counts as label 0


@dataclass(frozen=True)
class Design:
    """The sizes of Experiment 5, by default those of the published code.

    training : samples that the classifiers are fitted to. strengths : the probability s of the CNOT A→C in each test
    domain. per_domain : samples in each of them. largest_flip : ε is drawn from U(0, largest_flip) for each domain.
    Raises ``ValueError`` for sizes that are not positive, or probabilities outside [0, 1].
    """

    training: int = 1400
    strengths: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    per_domain: int = 500
    largest_flip: float = 0.1

    def __post_init__(self) -> None:
        for name, size in (("training", self.training), ("per_domain", self.per_domain)):
            if size < 1 or size != int(size):
                raise ValueError(f"{name}={size}: should be a whole number of samples, at least 1")
        if not self.strengths or not all(0 <= s <= 1 for s in self.strengths):
            raise ValueError(f"strengths={self.strengths}: should be probabilities, one for each test domain")
        if not 0 <= self.largest_flip <= 1:
            raise ValueError(f"largest_flip={self.largest_flip}: should lie between 0 and 1")

    @property
    def tested(self) -> int:
        """The number of test samples of one seed, all domains together."""
        return len(self.strengths) * self.per_domain


# ── laws and counts ─────────────────────────────────────────────────────────────────────────────────────────────────


def law_of_features(strength: Any, flip: Any = 0, prevalence: Any = 0.5) -> Array:
    """P[..., a, c, b]: A = 1 with probability `prevalence`, C = A with probability `strength` and else 0, B = A or not.

    strength, flip, prevalence : probabilities, broadcast against each other; of floats, or one number each of SymPy's.

    >>> law_of_features(0.75)[1].tolist()
    [[0.0, 0.125], [0.0, 0.375]]
    """
    given = {"prevalence": prevalence, "strength": strength, "flip": flip}
    one, s, e = (arguments.probabilities(value, name) for name, value in given.items())
    entries = [(1 - one) * (1 - e), (1 - one) * e, 0 * (one * s * e), 0 * (one * s * e)]  # A = 0
    entries += [one * (1 - s) * e, one * (1 - s) * (1 - e), one * s * e, one * s * (1 - e)]  # A = 1
    law = np.stack([np.asarray(entry) for entry in np.broadcast_arrays(*entries)], axis=-1)
    return law.reshape((*law.shape[:-1], 2, 2, 2))


def draw(law: ArrayLike, samples: int, rng: np.random.Generator, size: tuple[int, ...] = ()) -> Integers:
    """Counts N[..., a, c, b] of independent samples from laws P[..., a, c, b], `size` of them in the leading axes.

    >>> int(draw(law_of_features(1.0), 10, np.random.default_rng(1)).sum())
    10
    """
    whole(samples, "samples", 0)
    require(np.random.Generator, rng=rng)
    P = reals(arguments.probabilities(law, "law", (..., 2, 2, 2)), "law")
    if not np.all(abs(P.sum((-1, -2, -3)) - 1) < 1e-9):
        raise ValueError("law: its probabilities should sum to 1")
    shape = wholes(size, "size", 0) or P.shape[:-3]
    if shape[len(shape) - P.ndim + 3 :] != P.shape[:-3] or prod(shape) > MOST:
        raise ValueError(f"size={shape}: should end in the shape {P.shape[:-3]} of the laws, {MOST} draws at most")
    return rng.multinomial(samples, P.reshape((*P.shape[:-3], 8)), size=shape or None).reshape((*shape, 2, 2, 2))


def accuracy(counts: ArrayLike, rule: ArrayLike) -> Floats:
    """The fraction of samples whose label a rule predicts; also the probability, if given a law.

    counts : N[..., a, c, b]. rule : r[..., a, c].

    >>> accuracy(law_of_features(0.0), COLLAPSED_RULE)
    array(0.5)
    """
    N, r = numbers(counts, "counts", (..., 2, 2, 2)), reals(rule, "rule", (..., 2, 2))
    N = reals(N, "counts") if N.dtype.kind == "c" else N
    if not np.isin(r, (0, 1)).all():
        raise ValueError("rule: its entries are predicted labels, and should be 0 or 1")
    require_broadcast(r, "rule", N.shape[:-1])
    right = np.where(r == 1, N[..., 1], N[..., 0])
    return np.asarray(right.sum((-1, -2)) / N.sum((-1, -2, -3)))


# ── logistic regression on counts ───────────────────────────────────────────────────────────────────────────────────


def fit_logistic(
    counts: ArrayLike, features: str = "AC", penalty: float = 1.0, intercept_penalty: float = 0.0, rounds: int = 100
) -> Floats:
    """Coefficients (b, w_A, w_C) of ridge-penalised logistic regressions, by Newton's method on a batch of counts.

    Minimises Σ log(1 + exp(∓f)) + ½ penalty |w|² + ½ intercept_penalty b² with f = b + w_A a + w_C c, each pattern
    weighted by its count: the objective of scikit-learn's ``LogisticRegression(C=1/penalty)``.
    counts : N[..., a, c, b], weights ≥ 0. features : "A", "C" or "AC"; a feature that is left out has coefficient 0.
    Raises ``ValueError`` for other features, a penalty that is not positive, or a batch entry with labels of one kind
    only, and ``ArithmeticError`` if the gradient does not vanish.

    >>> fit_logistic([[[700, 0], [0, 0]], [[0, 0], [0, 700]]]).round(3).tolist()
    [-4.946, 4.946, 4.946]
    """
    real_number(penalty, "penalty")
    real_number(intercept_penalty, "intercept_penalty")
    whole(rounds, "rounds", 1)
    require(str, features=features)
    N = reals(counts, "counts", (..., 2, 2, 2))
    if features not in COLUMNS:
        raise ValueError(f"features={features!r}: should be one of {', '.join(COLUMNS)}")
    if not penalty > 0 or not intercept_penalty >= 0:
        raise ValueError(f"penalty={penalty}, intercept_penalty={intercept_penalty}: > 0 and ≥ 0 are needed")
    if np.any(N < 0) or not np.all(N.sum((-2, -3)) > 0):
        raise ValueError("counts: none may be negative, and each training set needs labels of both kinds")
    X = PATTERNS[:, COLUMNS[features]]
    ridge = np.diag([intercept_penalty, penalty, penalty])[np.ix_(COLUMNS[features], COLUMNS[features])]
    y, n = N[..., 1].reshape(-1, 4), N.sum(-1).reshape(-1, 4)
    beta = _newton(X, y, n, ridge, rounds)
    result = np.zeros((len(beta), 3))
    result[:, COLUMNS[features]] = beta
    return result.reshape((*N.shape[:-3], 3))


def _newton(X: Floats, y: Floats, n: Floats, ridge: Floats, rounds: int) -> Floats:
    """Damped Newton steps for every row of labels y of n at once, until no gradient is left."""
    beta = np.zeros((len(y), X.shape[1]))
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-beta @ X.T))
        gradient = (n * p - y) @ X + beta @ ridge
        if np.max(np.abs(gradient) / n.sum(-1, keepdims=True), initial=0.0) < 1e-14:
            return beta
        hessian = np.einsum("kp,pi,pj->kij", n * p * (1 - p), X, X) + ridge
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        size, before = np.ones((len(y), 1)), _loss(X, y, n, ridge, beta)
        while np.any(worse := _loss(X, y, n, ridge, beta - size * step) > before + 1e-12 * np.abs(before)):
            size[worse] /= 2
        beta = beta - size * step
    if (rest := np.max(np.abs(gradient) / n.sum(-1, keepdims=True))) < 1e-10:
        return beta
    raise ArithmeticError(f"Newton's method has left a gradient of {rest:.2g} a sample after {rounds} rounds")


def _loss(X: Floats, y: Floats, n: Floats, ridge: Floats, beta: Floats) -> Floats:
    f = beta @ X.T
    fit = (n * np.logaddexp(0, f) - y * f).sum(-1)
    return np.asarray(fit + 0.5 * np.einsum("ki,ij,kj->k", beta, ridge, beta))


def predicted(coefficients: ArrayLike) -> Integers:
    """The rule r[..., a, c] of coefficients (b, w_A, w_C): label 1 where the margin is positive.

    >>> predicted([-1, 2, 0.5]).tolist()
    [[0, 0], [1, 1]]
    """
    terms = reals(coefficients, "coefficients", (..., 3))
    margins, sizes = terms @ PATTERNS.T, np.abs(terms) @ PATTERNS.T
    return (margins > TIE * sizes).astype(np.int64).reshape((*margins.shape[:-1], 2, 2))


def scikit_learn_coefficients(counts: ArrayLike, **options: Any) -> Floats:
    """The coefficients (b, w_A, w_C) at which scikit-learn's ``LogisticRegression(**options)`` stops, on counts.

    counts : N[a, c, b]. Patterns that occur are given to it once each, weighted by their counts.

    >>> scikit_learn_coefficients([[[700, 0], [0, 0]], [[0, 0], [0, 700]]], tol=1e-10).round(3).tolist()
    [-4.946, 4.946, 4.946]
    """
    from sklearn.linear_model import LogisticRegression

    N = reals(counts, "counts", (2, 2, 2))
    if np.any(N < 0) or not np.all(N.sum((0, 1)) > 0):
        raise ValueError("counts: none may be negative, and labels of both kinds are needed")
    a, c, b = np.nonzero(N)
    with _threads().limit(limits=1):
        model = LogisticRegression(**options).fit(np.stack([a, c], axis=1), b, sample_weight=N[a, c, b])
    return np.concatenate([model.intercept_, model.coef_[0]])


@cache
def _threads() -> Any:
    """What limits the threads of the numerical libraries: on a busy machine they wait for each other in tiny fits."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def identical_columns(ones: ArrayLike, training: int) -> Integers:
    """Counts N[..., a, c, b] of training data in which A = C = B and the label is 1 in `ones` samples.

    >>> identical_columns(3, 10).tolist()
    [[[7, 0], [0, 0]], [[0, 0], [0, 3]]]
    """
    whole(training, "training", 0)
    given = reals(ones, "ones")
    n1 = given.astype(np.int64)
    if np.any(n1 != given) or np.any(given > training):
        raise ValueError(f"ones: {show(ones)} should be whole numbers of the {training} samples")
    counts = np.zeros((*n1.shape, 2, 2, 2), dtype=np.int64)
    counts[..., 0, 0, 0], counts[..., 1, 1, 1] = training - n1, n1
    return counts


def last_collapsing(training: int, **options: Any) -> int:
    """The largest number of ones among the training labels at which scikit-learn's naive classifier collapses.

    training : samples, with A = C = B. options : of scikit-learn's ``LogisticRegression``. Found by bisection between a
    quarter and three quarters of the samples. At the exact minimum of the loss it is half of them, rounded down.
    Raises ``ArithmeticError`` if there is no switch between these, or seventeen numbers in equal steps show another.

    >>> last_collapsing(1400, solver="newton-cholesky")
    700
    """

    whole(training, "training", 4)

    def collapses(ones: int) -> bool:
        return bool(predicted(scikit_learn_coefficients(identical_columns(ones, training), **options))[1, 0] == 0)

    low, high = training // 4, training - training // 4
    grid = np.unique(np.linspace(low, high, 17).astype(int))
    shown = [collapses(int(ones)) for ones in grid]
    if not shown[0] or shown[-1]:
        raise ArithmeticError(f"ones {low} to {high}: the naive rule does not switch between them")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if collapses(middle) else (low, middle)
    if shown != (grid <= low).tolist():
        raise ArithmeticError(f"the naive rule switches after {low} ones of {training}, and elsewhere too")
    return low


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────────────


def simulate(
    design: Design, seeds: int, rng: np.random.Generator, last: int | None = None, prevalence: float = 0.5
) -> pd.DataFrame:
    """Experiment 5 for a number of seeds: one row for each seed and test domain.

    Columns: seed, strength, flip, ones (training labels that are 1), and the accuracies of the classifiers on A and C
    (naive), on A (causal) and on C (confounded). The fits are exact minima of the loss on the counts; `last`, if given,
    makes the naive rule collapse at that many ones and below instead, as a solver that stops early does.

    >>> table = simulate(Design(), seeds=20, rng=np.random.default_rng(1))
    >>> len(table), bool((table.causal >= table.naive - 0.02).all())
    (100, True)
    """
    whole(seeds, "seeds", 1, MOST // 10)
    if last is not None:
        whole(last, "last", 0)
    real_number(prevalence, "prevalence", 0, 1)
    require(Design, design=design)
    require(np.random.Generator, rng=rng)
    import pandas as pd

    s = np.asarray(design.strengths)
    training = draw(law_of_features(1.0, prevalence=prevalence), design.training, rng, (seeds,))
    flip = rng.uniform(0, design.largest_flip, (seeds, len(s)))
    domains = draw(law_of_features(s, flip, prevalence), design.per_domain, rng)
    ones = training[:, 1, 1, 1]
    rules = {name: predicted(fit_logistic(training, name)) for name in COLUMNS}
    if last is not None:
        rules["AC"] = np.where((ones <= last)[:, None, None], COLLAPSED_RULE, HARMLESS_RULE)
    scores = {
        name: accuracy(domains, rules[columns][:, None]).ravel()
        for name, columns in (("naive", "AC"), ("causal", "A"), ("confounded", "C"))
    }
    columns = {
        "seed": np.repeat(np.arange(seeds), len(s)),
        "strength": np.tile(s, seeds),
        "flip": flip.ravel(),
        "ones": np.repeat(ones, len(s)),
    }
    return pd.DataFrame({**columns, **scores})


@dataclass(frozen=True, eq=False)
class GainLaw:
    """A law on the line: values, in increasing order and equally spaced, and the probability of each.

    Raises ``ValueError`` for what is no law, or values in another order.

    >>> law = GainLaw(np.array([-1.0, 0.0, 1.0]), np.array([0.25, 0.5, 0.25]))
    >>> law.between(0, 1), law.region(0.6)
    (0.75, (0.0, 0.0))
    """

    values: Floats
    probabilities: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", reals(self.values, "values", ("n",)))
        object.__setattr__(self, "probabilities", reals(self.probabilities, "probabilities", self.values.shape))
        if np.any(np.diff(self.values) <= 0):
            raise ValueError("values: they should be in increasing order")
        if np.any(self.probabilities < 0) or abs(self.probabilities.sum() - 1) > 1e-9:
            raise ValueError(f"probabilities: their sum is {self.probabilities.sum()}; none should be negative, sum 1")

    @property
    def mean(self) -> float:
        """The expectation."""
        return float(self.values @ self.probabilities)

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return float(np.sqrt(self.probabilities @ (self.values - self.mean) ** 2))

    def between(self, low: float, high: float) -> float:
        """The probability of the values from `low` to `high`, both included."""
        real_number(low, "low")
        real_number(high, "high")
        inside = (self.values >= low - TIE) & (self.values <= high + TIE)  # of accuracies, which are multiples of 1/n
        return min(float(self.probabilities[inside].sum()), 1.0)  # but for rounding

    def region(self, alarm: float) -> tuple[float, float]:
        """The values outside of which the law lies with probability `alarm` at most, half of it on either side.

        Tails are summed in floating-point numbers: an alarm below 1e-12 raises ``ValueError``.
        """
        real_number(alarm, "alarm")
        if not 1e-12 <= alarm < 1:
            raise ValueError(f"alarm={alarm}: should lie between 1e-12 and 1")
        below, above = np.cumsum(self.probabilities), np.cumsum(self.probabilities[::-1])[::-1]
        low = int(np.argmax(below > alarm / 2))
        high = len(above) - 1 - int(np.argmax(above[::-1] > alarm / 2))
        return float(self.values[low]), float(self.values[high])


def collapse_probability(design: Design, last: int | None = None, prevalence: float = 0.5) -> float:
    """The probability that a training set makes the naive classifier collapse.

    last : the largest number of ones at which it does; half of the samples, rounded down, at the exact minimum.

    >>> round(collapse_probability(Design()), 4)
    0.5107
    """
    if last is not None:
        whole(last, "last", 0)
    real_number(prevalence, "prevalence", 0, 1)
    require(Design, design=design)
    from scipy.stats import binom

    return float(binom.cdf(design.training // 2 if last is None else last, design.training, prevalence))


def expected_gain(design: Design, collapse: Any, prevalence: Any = 0.5, flip: Any = None) -> Any:
    """Expected accuracy of the causal minus that of the naive classifier, in percentage points, averaged over domains.

    collapse : the probability that the naive classifier collapses. In the domain (s, ε) the collapsed rule loses the
    samples with A = 1, C = 0, a fraction prevalence·(1 − s), where it is right if the label was flipped: 2ε − 1.

    >>> expected_gain(Design(), 1)
    22.5
    """
    require(Design, design=design)
    epsilon = design.largest_flip / 2 if flip is None else flip
    for name, value in (("collapse", collapse), ("prevalence", prevalence), ("flip", epsilon)):
        real_number(value, name, 0, 1)
    loss = sum(1 - s for s in design.strengths) / len(design.strengths)
    return 100 * collapse * prevalence * loss * (1 - 2 * epsilon)


def collapsed_gain(design: Design, prevalence: float = 0.5) -> GainLaw:
    """The exact law of one seed's gain, in percentage points, if its naive classifier has collapsed.

    In the domain (s, ε) a sample adds 1 with probability q(1 − ε) and −1 with qε, where q = prevalence·(1 − s), so the
    generating function of the sum is ∏ₛ E_ε[(1 − q + q((1 − ε)z + ε/z))ⁿ]. The expectation is over a polynomial of
    degree n in ε, for which Gauss–Legendre quadrature with ⌈(n + 1)/2⌉ nodes is exact.

    >>> law = collapsed_gain(Design())
    >>> round(law.mean, 9), round(law.deviation, 3)
    (22.5, 1.149)
    """
    real_number(prevalence, "prevalence", 0, 1)
    require(Design, design=design)
    n = design.per_domain
    size = 1 << (2 * design.tested + 1).bit_length()
    z = np.exp(2j * np.pi * np.arange(size // 2 + 1) / size)
    nodes, weights = np.polynomial.legendre.leggauss((n + 2) // 2)
    epsilon = design.largest_flip * (nodes + 1) / 2
    transform = np.ones_like(z)
    for s in design.strengths:
        q = prevalence * (1 - s)
        if q > 0:
            step = 1 - q + q * (np.outer(1 - epsilon, z) + np.outer(epsilon, 1 / z))
            transform *= weights / 2 @ _power(step, n)
    probabilities = np.fft.irfft(transform.conj(), size)
    shift = np.roll(probabilities, design.tested)[: 2 * design.tested + 1]
    return GainLaw(100 * np.arange(-design.tested, design.tested + 1) / design.tested, np.maximum(shift, 0))


def _power(base: Array, exponent: int) -> Array:
    """A whole power by repeated squaring, much faster than NumPy's complex ``**``."""
    result = np.ones_like(base)
    for digit in f"{exponent:b}":
        result *= result
        if digit == "1":
            result *= base
    return result


def mean_gain(laws: list[GainLaw], collapse: ArrayLike) -> GainLaw:
    """The exact law of the mean gain over seeds, each of which collapses by itself with a probability of its own.

    laws : the law of each seed's gain if it collapses, on one common grid that is symmetric about 0; otherwise the gain
    is 0. collapse : the probabilities, one a seed. Raises ``ValueError`` if numbers or grids differ.

    >>> design = Design()
    >>> law = mean_gain([collapsed_gain(design)] * 20, [0.5] * 20)
    >>> round(law.mean, 6), round(law.deviation, 3)
    (11.25, 2.522)
    """
    laws = list(all_of(GainLaw, laws, "laws"))
    P = reals(arguments.probabilities(collapse, "collapse", ("n",)), "collapse")
    if P.shape != (len(laws),) or any(not np.array_equal(law.values, laws[0].values) for law in laws):
        raise ValueError(f"{len(laws)} laws, {P.shape} probabilities: one for each seed, and one grid for all")
    half, seeds = (len(laws[0].values) - 1) // 2, len(laws)
    size = 1 << (2 * half * seeds + 1).bit_length()
    transform = np.ones(size // 2 + 1, dtype=np.complex128)
    transforms = {id(law): np.fft.rfft(np.roll(_padded(law.probabilities, size), -half)) for law in laws}
    for law, p in zip(laws, P, strict=True):
        transform *= 1 - p + p * transforms[id(law)]
    probabilities = np.roll(np.fft.irfft(transform, size), half * seeds)[: 2 * half * seeds + 1]
    step = laws[0].values[1] - laws[0].values[0]
    return GainLaw(step * np.arange(-half * seeds, half * seeds + 1) / seeds, np.maximum(probabilities, 0))


def _padded(values: Floats, size: int) -> Floats:
    return np.concatenate([values, np.zeros(size - len(values))])


def poisson_binomial(probabilities: ArrayLike) -> Floats:
    """The law of the number of successes of independent trials, P[k] for k = 0 … n.

    >>> poisson_binomial([0.5, 0.25]).round(12).tolist()
    [0.375, 0.5, 0.125]
    """
    p = reals(arguments.probabilities(probabilities, "probabilities", (None,)), "probabilities")
    size = len(p) + 1
    z = np.exp(2j * np.pi * np.arange(size // 2 + 1) / size)
    transform = np.ones_like(z)
    for chance in p:
        transform *= 1 - chance + chance * z
    return np.maximum(np.fft.irfft(transform.conj(), size), 0)


# ── the published run: what its seeds determine ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class SeededDomain:
    """What a seed of the published code fixes in one test domain: the outcomes of measurements are not among it.

    angles : θ of each sample. entangled : whether it has the CNOT A→C. flipped : whether its label is flipped.
    """

    angles: Floats
    entangled: NDArray[np.bool_]
    flipped: NDArray[np.bool_]


def seeded_training(seed: int, samples: int = 2000, held_out: int = 600) -> Floats:
    """The angles of the training samples of a seed of the published code.

    It seeds NumPy's legacy generator, draws an angle and a number for the CNOT in turn, and splits by a permutation of
    its own; simulated measurements are not seeded.

    >>> seeded_training(42).shape
    (1400,)
    """
    whole(seed, "seed", 0, LAST_SEED)
    whole(samples, "samples", 0, MOST)
    whole(held_out, "held_out", 0, samples)
    angles = np.pi * np.random.RandomState(seed).random_sample((samples, 2))[:, 0]
    return np.asarray(angles[np.random.RandomState(seed).permutation(samples)[held_out:]])


def seeded_domains(seed: int, design: Design | None = None) -> list[SeededDomain]:
    """What a seed of the published code fixes in each of its test domains.

    The generator is seeded anew for domain i, with seed + i, and the flip rate of the next domain is drawn from where
    it stands then: from the third domain on, everything fixed depends on seed + i alone, so seeds share test data.

    >>> [int(domain.flipped.sum()) for domain in seeded_domains(42)]
    [16, 7, 34, 16, 17]
    """
    whole(seed, "seed", 0, LAST_SEED)
    if design is not None:
        require(Design, design=design)
    design = design or Design()
    stream, domains = np.random.RandomState(seed), []
    for i, s in enumerate(design.strengths):
        rate = stream.uniform(0, design.largest_flip)
        stream = np.random.RandomState(seed + i)
        numbers = stream.random_sample((design.per_domain, 3 if s > 0 else 2))
        entangled = numbers[:, 1] < s if s > 0 else np.zeros(design.per_domain, bool)
        domains.append(SeededDomain(np.pi * numbers[:, 0], entangled, numbers[:, -1] < rate))
    return domains


def seeded_collapse(seed: int, last: int) -> float:
    """The probability that the naive classifier of a seed of the published code collapses: it is not 0 or 1.

    last : the largest number of ones among the training labels at which it does.

    >>> round(seeded_collapse(42, 697), 3), round(seeded_collapse(43, 697), 3)
    (0.962, 0.046)
    """
    whole(seed, "seed", 0, LAST_SEED)
    whole(last, "last", 0)
    return float(poisson_binomial(np.sin(seeded_training(seed) / 2) ** 2)[: last + 1].sum().clip(0, 1))


def seeded_gain(seed: int, design: Design | None = None) -> GainLaw:
    """The exact law of the gain of a seed of the published code, in percentage points, if its classifier collapses.

    >>> round(seeded_gain(42).mean, 2)
    23.42
    """
    whole(seed, "seed", 0, LAST_SEED)
    if design is not None:
        require(Design, design=design)
    design = design or Design()
    gains = losses = np.zeros(0)
    for domain in seeded_domains(seed, design):
        chance = np.sin(domain.angles / 2) ** 2
        gains = np.concatenate([gains, chance[~domain.entangled & ~domain.flipped]])
        losses = np.concatenate([losses, chance[~domain.entangled & domain.flipped]])
    probabilities = np.zeros(2 * design.tested + 1)
    sums = np.convolve(poisson_binomial(gains), poisson_binomial(losses)[::-1])
    first = design.tested - len(losses)
    probabilities[first : first + len(sums)] = sums
    return GainLaw(100 * np.arange(-design.tested, design.tested + 1) / design.tested, probabilities)
