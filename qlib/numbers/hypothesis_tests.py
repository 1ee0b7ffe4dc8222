"""Evidence against a class of models from repeated rounds of an experiment: acceptance regions and e-values.

A round has a setting s, drawn with known probabilities, and an outcome o. A law is an array Q[s, o] that sums to one
over o; settings with fewer outcomes than others are padded with zeros. A class of models is the convex hull of the
rows K[k, s, o], such as the deterministic strategies of a hidden-variable theory.

An *e-value* is a non-negative number whose expectation is at most one under every model of the class. Products of
e-values over rounds are e-values too, whatever a model remembers of earlier rounds, and by Ville's inequality they
exceed 1/α at any time with probability at most α. The product that grows fastest under a law Q multiplies, round by
round, Q against the model of the class nearest to it: the prediction-based ratio of Zhang, Glancy & Knill (2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom

from qlib.numbers.arguments import Floats, real_number, reals, require, require_alike, whole

MOST_ROUNDS = 10**7  # that are simulated at a time, of all runs together
MOST_MIXTURE_STEPS = 200_000  # of expectation–maximisation, at most


def acceptance_region(law: ArrayLike, shots: int, alarm: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lowest and highest counts that each outcome may have, if the law is right.

    law : probabilities, any shape. shots : draws from it. alarm : the probability that any one count falls outside,
    at most; it is divided evenly among the outcomes and their two tails, so the outcomes may depend on each other.
    Returns two arrays of counts of the shape of `law`, both ends included.
    Raises ``ValueError`` for probabilities outside [0, 1], a number of shots that is not whole or is negative, or an
    alarm outside (0, 1).

    >>> low, high = acceptance_region([0.5, 0.0], shots=100, alarm=1e-6)
    >>> low.tolist(), high.tolist()
    ([25, 0], [75, 0])
    """
    whole(shots, "shots", 0)
    real_number(alarm, "alarm")
    p = reals(law, "law")
    if p.size == 0:
        raise ValueError(f"law: shape {p.shape} holds no probability")
    if not (np.all(p >= 0) and np.all(p <= 1)):
        raise ValueError(f"law: probabilities should lie in [0, 1], but they reach from {p.min()} to {p.max()}")
    if not 0 < alarm < 1:
        raise ValueError(f"alarm={alarm}: should lie between 0 and 1")
    tail = alarm / (2 * p.size)
    low, high = binom.ppf(tail, shots, p), binom.isf(tail, shots, p)
    return np.maximum(low, 0).astype(np.int64), np.minimum(high, shots).astype(np.int64)


@dataclass(frozen=True)
class Bet:
    """One round's e-value for each setting and outcome, and what it earns.

    ratio : E[s, o]. growth : the expected logarithm (nats) a round under the law that it was made for.
    shortfall : how much more growth any bet at all could have, at most.
    """

    ratio: Floats
    growth: float
    shortfall: float

    def __post_init__(self) -> None:
        reals(self.ratio, "ratio", ("settings", "outcomes"))
        real_number(self.growth, "growth")
        real_number(self.shortfall, "shortfall")

    def rounds(self, level: float) -> int:
        """The number of rounds after which the expected evidence reaches 1/level.

        Raises ``ValueError`` for a level outside (0, 1), or if the evidence does not grow.
        """
        real_number(level, "level")
        if not 0 < level < 1:
            raise ValueError(f"level={level}: should lie between 0 and 1")
        if not self.growth > 1e-12:  # nats a round: what rounding leaves of a sum of logarithms times probabilities
            raise ValueError(f"growth={self.growth:.3g}: this law cannot be told from the class of models")
        return int(np.ceil(np.log(1 / level) / self.growth))


def best_bet(law: ArrayLike, models: ArrayLike, settings: ArrayLike, tolerance: float = 1e-6) -> Bet:
    """The bet against a class of models that grows fastest under a law.

    law : Q[s, o]. models : K[k, s, o], the extreme points of the class. settings : probability of each setting.
    The nearest model, in relative entropy, is found by expectation–maximisation over the weights of the extreme
    points, until the growth is within `tolerance` of the best; the bet is then scaled so that its expectation is at
    most one under every extreme point, and so under the class. Zhang, Glancy & Knill, Phys. Rev. A 84, 062118 (2011).
    Raises ``ValueError`` if shapes do not match, a law does not sum to one for each setting, or it has an outcome that
    no model has (a single round refutes the class then), and ``ArithmeticError`` if the tolerance is not reached.

    >>> fair, biased = [[[0.5, 0.5]]], [[0.9, 0.1]]
    >>> best_bet(biased, fair, [1.0]).ratio.round(3).tolist()
    [[1.8, 0.2]]
    """
    real_number(tolerance, "tolerance")
    Q, K, weight = reals(law, "law"), reals(models, "models"), reals(settings, "settings")
    _require_shapes(Q, K, weight)
    _require_laws(law=Q, models=K, settings=weight)
    _require_common_outcomes(Q, K)
    joint = weight[:, None] * Q
    mixture = np.full(len(K), 1 / len(K))
    for _ in range(MOST_MIXTURE_STEPS):
        nearest = np.tensordot(mixture, K, 1)
        ratio = np.divide(Q, nearest, out=np.zeros_like(Q), where=Q > 0)
        expectation = np.tensordot(K, weight[:, None] * ratio, 2)
        if (shortfall := float(np.log(expectation.max()))) < tolerance:
            ratio = ratio / expectation.max()
            growth = float(np.sum(joint * np.log(ratio, out=np.zeros_like(Q), where=Q > 0)))
            return Bet(ratio, growth, max(shortfall, 0.0))
        mixture = mixture * expectation
    raise ArithmeticError(f"the nearest model was not found: {shortfall:.2g} nats from it, tolerance {tolerance:.2g}")


def _require_shapes(Q: Floats, K: Floats, weight: Floats) -> None:
    if Q.ndim != 2 or K.ndim != 3 or K.shape[1:] != Q.shape or weight.shape != Q.shape[:1] or K.size == 0:
        raise ValueError(
            f"shapes: law {Q.shape} should be (settings, outcomes), models {K.shape} (models, settings, outcomes) "
            f"and settings {weight.shape} (settings,), none of them empty"
        )


def _require_laws(**arrays: Floats) -> None:
    for name, array in arrays.items():
        sums = array.sum(-1)
        if not np.max(np.abs(sums - 1)) <= 1e-9:
            raise ValueError(
                f"{name}: probabilities should sum to one, but a sum is {sums.flat[abs(sums - 1).argmax()]}"
            )
        if array.min() < 0:
            raise ValueError(f"{name}: a probability is negative, {array.min()}")


def _require_common_outcomes(Q: Floats, K: Floats) -> None:
    for s, o in np.argwhere((Q > 0) & (K.max(axis=0) == 0)):
        raise ValueError(f"law: outcome {o} of setting {s} has probability {Q[s, o]:.3g}, and 0 in every model")


def accumulate(
    bet: Bet, law: ArrayLike, settings: ArrayLike, rounds: int, runs: int, rng: np.random.Generator
) -> Floats:
    """Logarithm (nats) of the e-value after each round of simulated experiments that follow a law: (runs, rounds).

    law : Q[s, o], which need not be the one that the bet was made for. A run that meets an outcome on which the bet
    pays nothing has lost everything: the logarithm is −∞ from there on.
    Raises ``ValueError`` if the shapes do not match the bet's, or a law does not sum to one for each setting.

    >>> bet = best_bet([[0.9, 0.1]], [[[0.5, 0.5]]], [1.0])
    >>> accumulate(bet, [[0.9, 0.1]], [1.0], rounds=3, runs=2, rng=np.random.default_rng(1)).shape
    (2, 3)
    """
    whole(rounds, "rounds", 0, MOST_ROUNDS)
    whole(runs, "runs", 0, MOST_ROUNDS // max(rounds, 1))
    require(Bet, bet=bet)
    require(np.random.Generator, rng=rng)
    Q, weight = reals(law, "law"), reals(settings, "settings")
    _require_shapes(Q, bet.ratio[None], weight)
    _require_laws(law=Q, settings=weight)
    joint = (weight[:, None] * Q).ravel()
    gains = np.log(bet.ratio, out=np.full_like(bet.ratio, -np.inf), where=bet.ratio > 0).ravel()
    draws = rng.choice(joint.size, size=(runs, rounds), p=joint / joint.sum())
    return np.asarray(np.cumsum(gains[draws], axis=1))


def binomial_interval(successes: ArrayLike, trials: ArrayLike, alarm: float) -> tuple[Floats, Floats]:
    """The probabilities of success that so many successes do not refute: Clopper and Pearson's interval.

    successes, trials : whole numbers that broadcast, at least one trial. alarm : the probability that the interval
    misses the truth, at most, half of it on either side, for any number of trials. Returns its lower and upper ends.
    Raises ``ValueError`` for counts that are negative, not whole, or more than the trials, or an alarm outside (0, 1).

    >>> low, high = binomial_interval([0, 5], 10, alarm=0.05)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.187], [0.308, 0.813])
    """
    real_number(alarm, "alarm")
    if not 0 < alarm < 1:
        raise ValueError(f"alarm={alarm}: should lie between 0 and 1")
    k, n = reals(successes, "successes"), reals(trials, "trials")
    require_alike(successes=k, trials=n)
    for name, counts in {"successes": k, "trials": n}.items():
        if not np.all((counts >= 0) & (counts == np.floor(counts))):
            raise ValueError(f"{name}: {counts.tolist()} should be whole numbers, at least 0")
    if not np.all((k <= n) & (n > 0)):
        raise ValueError("successes: there should be no more of them than trials, and at least one trial")
    low = np.where(k > 0, beta.ppf(alarm / 2, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta.isf(alarm / 2, k + 1, np.maximum(n - k, 1)), 1.0)
    return low, high
