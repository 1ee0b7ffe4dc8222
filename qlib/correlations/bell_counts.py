r"""What counted outcomes of a Bell test say: evidence that holds whatever the devices remember, and a confidence bound.

A trial draws settings with the known law q and pays the *score* s = c[x, y, …, a, b, …]/q[x, y, …]. In every local
model the mean score of a trial, given all earlier trials, is at most the local value β: devices may remember, adapt,
and share any plan. So for a bet λ that was fixed before the data

    e = Π over trials of (1 + λ (s − β)),  0 ≤ λ < 1/(β − least score),

is an *e-value*: a product whose expectation is at most one under every local model, which exceeds 1/α at any time with
probability α at most (Ville's inequality), so that one may stop when one likes and go on afterwards. It depends on the
counts only. Where nobody has fixed a bet, the mean of the products for 24 bets, halved each time, is one too.

The confidence bound holds for the mean over the trials of the expected score given the past, which is the value of the
game if the trials are alike; it is a mixture of empirical Bernstein bounds. Zhang, Glancy & Knill, Phys. Rev. A 84,
062118 (2011); Bierhorst, J. Phys. A 48, 195302 (2015); Elkouss & Wehner, npj Quantum Inf. 2, 16026 (2016); Howard,
Ramdas, McAuliffe & Sekhon, Ann. Stat. 49, 1055 (2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import logsumexp
from scipy.stats import binom, chisquare

from qlib.correlations.games import Game, local_value
from qlib.correlations.scenarios import Scenario, disturbance_p_value
from qlib.numbers.arguments import Floats, numbers, real_number, reals, require, wholes

BETS = 0.5 ** np.arange(1, 25)  # shares of the largest bet; their e-values are averaged


@dataclass(frozen=True)
class BellEvidence:
    """What counts say about local models of a game.

    value : the game's value at the observed frequencies. local : its local value. log_e : natural logarithm of the
    e-value. p_value : of the hypothesis of a local model, for a number of trials fixed beforehand, where there are only
    two scores; else the inverse of the e-value. lower : the confidence bound, at `confidence`. signalling : p-value of
    the hypothesis that nobody's outcomes depend on another's setting. choices : of that the settings follow their law.
    """

    name: str
    trials: int
    value: float
    local: float
    log_e: float
    p_value: float
    lower: float
    confidence: float
    signalling: float
    choices: float

    @property
    def e_value(self) -> float:
        """The e-value; infinite where it exceeds what a float can hold."""
        return float(np.exp(min(self.log_e, 800.0))) if self.log_e < 709 else float("inf")

    def __str__(self) -> str:
        ten = self.log_e / np.log(10)
        evidence = f"{self.e_value:.3g}" if abs(ten) < 5 else f"10^{ten:.1f}"
        rows = [
            f"{self.name or 'game'}: {self.value:.6g} in {self.trials} trials; local models reach {self.local:.6g}",
            f"  signalling     p = {self.signalling:.2g}; choice of settings p = {self.choices:.2g}",
            f"  local models   e = {evidence}, p = {self.p_value:.2g}, whatever the devices remember",
            f"  value          at least {self.lower:.6g} at {100 * self.confidence:g} % confidence, at any time",
        ]
        return "\n".join(rows)


def tally(
    records: ArrayLike, settings: Iterable[int], outcomes: Iterable[int], counts: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Counts n[x, y, …, a, b, …] of records, one a row: the settings of all parties, then their outcomes.

    settings, outcomes : how many each party has. counts : how often each record occurred, by default once.
    Raises ``ValueError`` naming a row with a number that is out of range.

    >>> tally([[0, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 1]], (2, 2), (2, 2))[0, 1].tolist()
    [[2, 0], [0, 0]]
    """
    shape = (*wholes(settings, "settings", 1), *wholes(outcomes, "outcomes", 1))
    rows = reals(records, "records", (None, len(shape)))
    times = np.ones(len(rows)) if counts is None else reals(counts, "counts", (len(rows),))
    wrong = ((rows < 0) | (rows >= shape) | (rows != np.floor(rows))).any(axis=1) | (times < 0) | (times % 1 != 0)
    for k in np.flatnonzero(wrong):
        raise ValueError(f"records: row {k}, {rows[k].tolist()} × {times[k]:g}, should be whole numbers below {shape}")
    table = np.zeros(shape, dtype=np.int64)
    np.add.at(table, tuple(rows.astype(np.int64).T), times.astype(np.int64))
    return table


def bell_evidence(
    game: Game,
    counts: ArrayLike,
    *,
    questions: ArrayLike | None = None,
    predicted: ArrayLike | None = None,
    bias: float = 0.0,
    confidence: float = 0.95,
) -> BellEvidence:
    """What counts n[x, y, …, a, b, …] say about local models of a game; it prints as four lines.

    questions : the law q[x, y, …] of the settings, by default the game's own, or else uniform. predicted : the
    behaviour P[x, y, …, a, b, …] that was expected before the data were seen, from which the bet is made; by default
    many bets are averaged. bias : how far, in total variation, the law of a trial's settings may be from q given
    everything before. confidence : of the bound.
    Raises ``ValueError`` for counts that are no whole numbers or of outcomes that do not exist, no trials at a setting
    that q draws or trials at one that it does not, or a game in which no score exceeds the local value.

    >>> game = Game.from_correlators([[0, 0, 0], [0, 1, 1], [0, 1, -1]], "CHSH")
    >>> delft = [[[[23, 3], [4, 23]], [[33, 11], [5, 30]]], [[[22, 10], [6, 24]], [[4, 20], [21, 6]]]]
    >>> found = bell_evidence(game, delft, bias=1.08e-5)
    >>> round(found.value, 2), round(found.p_value, 3)
    (2.42, 0.039)
    """
    require(Game, game=game)
    n = _counts_of(game, counts)
    q = _law(game, questions)
    real_number(bias, "bias", 0, 1)
    if not 0 < real_number(confidence, "confidence") < 1:
        raise ValueError(f"confidence: {confidence} should lie between 0 and 1")
    runs = n.sum(axis=tuple(range(game.parties, 2 * game.parties)))
    for index in np.argwhere((runs == 0) != (q == 0)):
        at = tuple(map(int, index))
        raise ValueError(f"counts: the settings {at} have {runs[at]} trials and the probability {q[at]:g}")
    shape = (*q.shape, *[1] * game.parties)
    drawn = np.broadcast_to(q.reshape(shape) > 0, n.shape)
    c = game.coefficients.astype(np.float64)
    if c[~drawn].any():
        raise ValueError("questions: the game depends on settings that are never drawn")
    scores = np.divide(c, q.reshape(shape), out=np.zeros(n.shape), where=drawn)
    able = scores[drawn & game.possible]
    least, most, local = able.min(), able.max(), float(local_value(game).value)
    beta = local + bias * (most - least)
    if not beta < most:
        raise ValueError(f"game: no score exceeds {beta:g}, which local models reach, so nothing can be learnt")
    log_e = _log_evidence(n, scores - beta, beta - least, q, game, predicted)
    tail = _binomial_tail(n, scores, beta) if len(np.unique(able.round(12))) == 2 else min(1.0, float(np.exp(-log_e)))
    bound = _lower_bound(n, (scores - least) / (most - least), (beta - least) / (most - least), 1 - confidence)
    frequencies = n / np.where(runs > 0, runs, 1).reshape(shape)
    return BellEvidence(
        game.name, int(n.sum()), float((c * frequencies).sum()), local, log_e, tail,
        float(least + (most - least) * (bound - bias)), confidence, _signalling(game, n),
        float(chisquare(runs[q > 0], runs.sum() * q[q > 0] / q.sum()).pvalue) if (q > 0).sum() > 1 else 1.0,
    )  # fmt: skip


def _counts_of(game: Game, counts: ArrayLike) -> NDArray[np.int64]:
    n = reals(counts, "counts", game.coefficients.shape)
    for index in np.argwhere((n < 0) | (n % 1 != 0) | (~game.possible & (n != 0))):
        at = tuple(map(int, index))
        raise ValueError(f"counts: entry {at} is {n[at]:g}; it cannot be a count there")
    return n.astype(np.int64)


def _law(game: Game, questions: ArrayLike | None) -> Floats:
    given = game.questions if questions is None else numbers(questions, "questions", game.settings)
    q = np.ones(game.settings) / np.prod(game.settings) if given is None else given.astype(np.float64)
    if q.min() < 0 or abs(q.sum() - 1) > 1e-9:
        raise ValueError(f"questions: the law sums to {q.sum():g}, or has a negative entry; it should be a law")
    return np.asarray(q)


def _log_evidence(
    n: NDArray[np.int64], excess: Floats, room: float, q: Floats, game: Game, predicted: ArrayLike | None
) -> float:
    """The logarithm of the e-value, for a bet made from a prediction or the mean over many."""

    def logarithm(share: float) -> float:
        return float((n * np.log1p(share * excess / room, where=n > 0, out=np.zeros(n.shape))).sum())

    if predicted is None:
        return float(logsumexp([logarithm(share) for share in BETS]) - np.log(len(BETS)))
    P = reals(predicted, "predicted", game.coefficients.shape)
    if P.min() < -1e-12 or np.abs(P.sum(axis=tuple(range(game.parties, P.ndim))) - 1).max() > 1e-9:
        raise ValueError("predicted: for every choice of settings its probabilities should sum to one")
    law = q.reshape(*q.shape, *[1] * game.parties) * P
    growth = minimize_scalar(lambda f: -(law * np.log1p(f * excess / room)).sum(), bounds=(0, 0.999), method="bounded")
    return logarithm(float(growth.x))


def _binomial_tail(n: NDArray[np.int64], scores: Floats, beta: float) -> float:
    """The probability of as many wins or more, if no trial is won with more than local models' probability."""
    high, low = scores.max(), scores.min()
    wins = n[scores > (high + low) / 2].sum()
    return float(binom.sf(wins - 1, n.sum(), (beta - low) / (high - low)))


def _lower_bound(n: NDArray[np.int64], X: Floats, centre: float, alpha: float) -> float:
    """A bound on the mean expectation of scores X in [0, 1] that fails at any time with probability alpha at most.

    exp(λ Σ(X − μ) − (−log(1 − λ) − λ) Σ(X − centre)²) is a supermartingale for every λ in (0, 1).
    """
    trials, total, spread = n.sum(), (n * X).sum(), (n * (X - centre) ** 2).sum()
    cost = (-np.log1p(-BETS) - BETS) * spread

    def surplus(mean: float) -> float:
        return float(logsumexp(BETS * (total - trials * mean) - cost) - np.log(len(BETS) / alpha))

    return float(brentq(surplus, -1e3, 1.0)) if surplus(1.0) < 0 < surplus(-1e3) else 0.0


def _signalling(game: Game, n: NDArray[np.int64]) -> float:
    """The p-value of exact tests of no signalling."""
    if game.parties < 2:
        return 1.0
    names = [[f"{chr(65 + k)}{x}" for x in range(m)] for k, m in enumerate(game.settings)]
    most = max(map(max, game.outcomes))
    kinds = dict(zip(chain(*names), chain(*game.outcomes), strict=True))
    padded = np.pad(n, [(0, 0)] * game.parties + [(0, most - length) for length in n.shape[game.parties :]])
    return disturbance_p_value(Scenario(product(*names), kinds), padded.reshape(-1, *[most] * game.parties))
