r"""Games and Bell expressions for any number of parties, settings and outcomes: local and no-signalling values.

A *game* asks n parties questions x, y, … with a known law and pays for their answers a, b, …; a *Bell expression* is
the same thing without the law. Either is a table of coefficients in the one layout of behaviours,

    G(P) = Σ c[x, y, …, a, b, …] P(a, b, … | x, y, …),

settings first, outcomes last, each in the order of the parties (:mod:`qlib.correlations.behaviours`). A setting may
have fewer outcomes than others; coefficients of outcomes that do not exist are zero. Coefficients are rational numbers
(a float is the dyadic rational that it is), so that the values below are theorems:

* :func:`local_value`, the most that shared randomness reaches: all deterministic strategies of all parties but one are
  tried, to which the last party's best response is found setting by setting;
* :func:`no_signalling_value`, the most that is reached without signalling: a linear program with its exact dual proof.

Between the two lies what quantum theory reaches, see :mod:`qlib.correlations.sums_of_squares`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.correlations.behaviours import MOST_ASSIGNMENTS, coefficients_of_functional, deterministic_outcomes
from qlib.correlations.word_algebra import letters
from qlib.numbers.arguments import numbers, require, several, show, whole, wholes
from qlib.numbers.exact_arrays import Array, fractions, rational
from qlib.numbers.linear_programs import Certificate, Constraint, LinearProgram, certificate

MOST_STRATEGIES = 2**24  # that are compared, of all parties but the last
MOST_COEFFICIENTS = 2**16  # of a game
MOST_PROBABILITIES = 1500  # of a behaviour, for the linear program
BLOCK = 2**21  # numbers that are held at a time


@dataclass(frozen=True, eq=False)
class Game:
    """A game or Bell expression: coefficients c[x, y, …, a, b, …] of P(a, b, … | x, y, …).

    outcomes : how many each setting of each party has, a tuple for each party; by default as many as the axis is long.
    questions : the law q[x, y, …] with which the settings are drawn, if it belongs to the game; experiments need it.
    Raises ``ValueError`` for an odd number of axes, coefficients that are not rational or belong to outcomes that do
    not exist, or a law that does not sum to one.

    >>> chsh_game().parties, chsh_game().settings, chsh_game().outcomes
    (2, (2, 2), ((2, 2), (2, 2)))
    """

    coefficients: Array
    outcomes: tuple[tuple[int, ...], ...] = ()
    questions: Array | None = None
    name: str = ""

    def __post_init__(self) -> None:
        require(str, name=self.name)
        c = numbers(self.coefficients, "coefficients")
        if c.ndim < 2 or c.ndim % 2 or not 0 < c.size <= MOST_COEFFICIENTS:
            raise ValueError(
                f"coefficients: shape {c.shape} should be (settings, …, outcomes, …), an axis of both for each party, "
                f"with {MOST_COEFFICIENTS} entries at most"
            )
        object.__setattr__(self, "coefficients", fractions(c, "coefficients"))
        n = c.ndim // 2
        default = tuple((c.shape[n + k],) * c.shape[k] for k in range(n))
        object.__setattr__(self, "outcomes", _outcomes(self.outcomes, c.shape) if self.outcomes else default)
        if (wrong := np.argwhere((self.coefficients != 0) & ~self.possible)).size:
            raise ValueError(
                f"coefficients: entry {tuple(map(int, wrong[0]))} belongs to an outcome that does not exist"
            )
        if self.questions is not None:
            q = fractions(numbers(self.questions, "questions", c.shape[:n]), "questions")
            if min(q.flat) < 0 or abs(sum(q.flat) - 1) > Fraction(1, 10**9):
                raise ValueError(
                    f"questions: the law should sum to one and nowhere be negative, not {show(q.tolist())}"
                )
            object.__setattr__(self, "questions", q)

    @property
    def parties(self) -> int:
        """How many parties there are."""
        return self.coefficients.ndim // 2

    @property
    def settings(self) -> tuple[int, ...]:
        """How many settings each party has."""
        return self.coefficients.shape[: self.parties]

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Which entries stand for outcomes that there are, in the layout of the coefficients."""
        n, shape = self.parties, self.coefficients.shape
        mask = np.ones(shape, dtype=bool)
        for k, counts in enumerate(self.outcomes):
            there = np.arange(shape[n + k]) < np.array(counts)[:, None]
            mask &= np.expand_dims(there, tuple(j for j in range(2 * n) if j not in (k, n + k)))
        return mask

    def value(self, P: ArrayLike) -> float:
        """The value Σ c·P of a behaviour P[x, y, …, a, b, …], in floating point.

        >>> chsh_game().value(np.full((2, 2, 2, 2), 0.25))
        0.5
        """
        behaviour = numbers(P, "P", self.coefficients.shape).astype(float)
        return float((self.coefficients.astype(float) * behaviour).sum())

    @classmethod
    def from_predicate(
        cls,
        wins: Callable[..., Any],
        settings: Iterable[int],
        outcomes: Iterable[int],
        questions: ArrayLike | None = None,
        name: str = "",
    ) -> Game:
        """A game that pays one where ``wins(x, y, …, a, b, …)`` is true; the value is the chance to win.

        settings, outcomes : how many each party has. questions : their law q[x, y, …], by default uniform.

        >>> ghz = Game.from_predicate(lambda x, y, z, a, b, c: (a ^ b ^ c) == (x | y | z), [2] * 3, [2] * 3,
        ...     [[[.25, 0], [0, .25]], [[0, .25], [.25, 0]]])
        >>> local_value(ghz).value
        Fraction(3, 4)
        """
        if not callable(wins):
            raise TypeError(f"wins: {show(wins)} should be a function of the settings and the outcomes")
        sizes, kinds = wholes(settings, "settings", 1, 64), wholes(outcomes, "outcomes", 1, 64)
        if len(sizes) != len(kinds) or not sizes or prod(sizes) * prod(kinds) > MOST_COEFFICIENTS:
            raise ValueError(f"settings, outcomes: {sizes} and {kinds} should be one for each party, and not too many")
        even = np.full(sizes, Fraction(1, prod(sizes)), dtype=object)
        q = even if questions is None else fractions(numbers(questions, "questions", sizes), "questions")
        c = np.full((*sizes, *kinds), Fraction(0), dtype=object)
        for index in np.ndindex(c.shape):
            if q[index[: len(sizes)]] and wins(*index):
                c[index] = q[index[: len(sizes)]]
        return cls(c, questions=q, name=name)

    @classmethod
    def from_correlators(cls, F: ArrayLike, name: str = "") -> Game:
        """The expression Σ F[i, j, …] A_{i−1} B_{j−1} … of observables with outcomes ±1, index 0 the identity.

        >>> local_value(Game.from_correlators([[0, 0, 0], [0, 1, 1], [0, 1, -1]])).value
        Fraction(2, 1)
        """
        table = _table(F, "F")
        return cls(coefficients_of_functional(table, table.ndim), name=name)

    @classmethod
    def from_collins_gisin(cls, table: ArrayLike, outcomes: Iterable[Any], name: str = "") -> Game:
        """The expression with a table of Collins & Gisin's form: an axis for each party, the identity first.

        After the identity stand, setting by setting, all outcomes but the last: for two settings of three outcomes
        P(0|0), P(1|0), P(0|1), P(1|1). Entry [0, 0] is a constant, row 0 holds Bob's marginals, column 0 Alice's.
        outcomes : for each party how many outcomes each of its settings has. J. Phys. A 37, 1775 (2004).

        >>> clauser_horne = [[0, -1, 0], [-1, 1, 1], [0, 1, -1]]
        >>> local_value(Game.from_collins_gisin(clauser_horne, [[2, 2], [2, 2]])).value
        Fraction(0, 1)
        """
        array = _table(table, "table")
        counts = tuple(wholes(party, "outcomes", 1, 64) for party in several(outcomes, "outcomes"))
        lengths = tuple(1 + sum(c - 1 for c in party) for party in counts)
        if array.shape != lengths or not all(counts):
            raise ValueError(f"table: shape {array.shape} should be {lengths}, for the outcomes {counts}")
        lifts = []
        for party in counts:
            lift = np.full((1 + sum(c - 1 for c in party), len(party), max(party)), Fraction(0), dtype=object)
            for i, (x, a) in enumerate(letters(party), 1):
                lift[i, x, a] = Fraction(1)
            for x, count in enumerate(party):
                lift[0, x, :count] = Fraction(1, len(party))
            lifts.append(lift)
        return cls(_lifted(array, lifts), counts, name=name)

    def collins_gisin(self) -> Array:
        """The table of Collins & Gisin's form: of every setting the last outcome is expressed by the others.

        >>> [str(entry) for entry in chsh_game().collins_gisin()[0]]
        ['3/4', '-1/2', '0']
        """
        table, n = self.coefficients, self.parties
        for k, party in enumerate(self.outcomes):
            expansion = np.zeros((len(party), table.shape[n - k], 1 + sum(c - 1 for c in party)), dtype=int)
            for x, count in enumerate(party):
                expansion[x, count - 1, 0] = 1
            for i, (x, a) in enumerate(letters(party), 1):
                expansion[x, a, i], expansion[x, party[x] - 1, i] = 1, -1
            table = np.tensordot(table, expansion, axes=((0, n - k), (0, 1)))  # takes two axes, puts its own last
        return table


def _table(value: ArrayLike, name: str) -> Array:
    array = numbers(value, name)
    if not 1 <= array.ndim <= 16 or min(array.shape) < 2:
        raise ValueError(f"{name}: shape {array.shape} should have an axis for each party, of length two at least")
    return fractions(array, name)


def _outcomes(given: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    n = len(shape) // 2
    counts = tuple(wholes(party, "outcomes", 1) for party in several(given, "outcomes"))
    if tuple(map(len, counts)) != shape[:n] or any(max(c) > m for c, m in zip(counts, shape[n:], strict=True)):
        raise ValueError(f"outcomes: {counts} should be one number for each setting, as the coefficients have {shape}")
    return counts


def _lifted(table: Array, lifts: Sequence[Array]) -> Array:
    """A table with an axis of letters for each party as coefficients: settings first, outcomes last."""
    for lift in lifts:
        table = np.tensordot(table, lift, axes=(0, 0))
    n = len(lifts)
    whole_axes = np.arange(2 * n).reshape(n, 2).T.ravel()
    if table.size > MOST_COEFFICIENTS:
        raise ValueError(f"a game of {table.size} coefficients is too large; {MOST_COEFFICIENTS} are the most")
    return table.transpose(whole_axes)


# --- the local value -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LocalValue:
    """The largest value of a game with shared randomness, and a deterministic strategy that reaches it.

    strategy : for each party the outcome of each setting. compared : how many strategies were tried, of all parties
    but the one that gave its best response to each.
    """

    value: Fraction
    strategy: tuple[tuple[int, ...], ...]
    compared: int


def local_value(game: Game) -> LocalValue:
    """The largest value over all classical strategies, exactly: in whole numbers, by exhaustion.

    Shared randomness is a mixture of deterministic strategies. Those of all parties but one are compared, and the one
    with most strategies answers each of its settings as is best. Raises ``ValueError`` for more than 2²⁴ of them.

    >>> local_value(chsh_game())
    LocalValue(value=Fraction(3, 4), strategy=((0, 0), (0, 0)), compared=4)
    """
    require(Game, game=game)
    n, sizes = game.parties, [prod(party) for party in game.outcomes]
    last = int(np.argmax(sizes))
    order = [k for k in range(n) if k != last] + [last]
    compared = prod(sizes[k] for k in order[:-1])
    if compared > MOST_STRATEGIES or max((sizes[k] for k in order[:-1]), default=1) > MOST_ASSIGNMENTS:
        raise ValueError(f"game: {compared} strategies of all parties but one are too many to be compared")
    c, denominator = _integers(game)
    table = np.where(game.possible, c, -abs(c).sum() - 1).transpose([*order, *[n + k for k in order]])
    choices = [deterministic_outcomes(game.outcomes[k]) for k in order[:-1]]
    best, best_at = None, 0
    for start, values in _best_responses(table, choices):
        top = int(values.argmax())
        if best is None or values[top] > best:
            best, best_at = int(values[top]), start + top
    picked = np.unravel_index(best_at, [len(choice) for choice in choices]) if choices else ()
    strategy = [tuple(map(int, choice[i])) for choice, i in zip(choices, picked, strict=True)]
    for answers in strategy:
        table = _played(table, np.array([answers]))[0]
    strategy.append(tuple(map(int, table.argmax(axis=1))))
    ordered = tuple(answers for _, answers in sorted(zip(order, strategy, strict=True)))
    return LocalValue(Fraction(best or 0, denominator), ordered, compared)


def _integers(game: Game) -> tuple[Array, int]:
    """The coefficients as whole numbers, in 64 bits if they fit, and the denominator that they have in common."""
    denominator = lcm(*[entry.denominator for entry in game.coefficients.flat])
    c = np.frompyfunc(lambda entry: int(entry * denominator), 1, 1)(game.coefficients)
    fits = sum(map(abs, c.flat)) < 2**40 and max(game.coefficients.shape) * c.size < 2**22
    return (c.astype(np.int64) if fits else c), denominator


def _played(table: Array, choice: NDArray[np.int_]) -> Array:
    """The first party plays each of some strategies: [strategy, other settings, other outcomes]."""
    n = table.ndim // 2
    there = np.moveaxis(table, n, 1)  # setting and outcome of the first party side by side
    return np.asarray(there[np.arange(len(there)), choice].sum(axis=1))


def _best_responses(table: Array, choices: Sequence[NDArray[np.int_]]) -> Iterator[tuple[int, Array]]:
    """The value of each joint strategy with the last party's best response, in blocks: (its first number, values)."""
    if not choices:
        yield 0, np.array([table.max(axis=1).sum()])
    elif len(choices) == 1:
        step = max(1, BLOCK // table.size)
        for start in range(0, len(choices[0]), step):
            responses = _played(table, choices[0][start : start + step])
            yield start, responses.max(axis=2).sum(axis=1)
    else:
        below = prod(map(len, choices[1:]))
        for k, answers in enumerate(choices[0]):
            for start, values in _best_responses(_played(table, answers[None])[0], choices[1:]):
                yield k * below + start, values


# --- the no-signalling value -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoSignallingValue:
    """The largest value of a game without signalling, and what proves it: a linear program's certificate.

    certificate : verified; None for an expression of correlators of all parties, whose value is the sum of the moduli
    of its coefficients, reached where every such correlator is ±1 and all others vanish.
    """

    value: Fraction
    certificate: Certificate | None


def no_signalling_value(game: Game) -> NoSignallingValue:
    """The largest value over all behaviours that do not signal, exactly.

    Raises ``ValueError`` for a game of more than 1,500 probabilities, unless it is an expression of correlators.

    >>> no_signalling_value(chsh_game()).value
    Fraction(1, 1)
    """
    require(Game, game=game)
    if (closed := _of_full_correlators(game)) is not None:
        return NoSignallingValue(closed, None)
    entries = [tuple(index) for index in np.argwhere(game.possible).tolist()]
    if len(entries) > MOST_PROBABILITIES:
        raise ValueError(f"game: a linear program of {len(entries)} probabilities is too large")
    names = {index: f"P({_text(index[game.parties :])}|{_text(index[: game.parties])})" for index in entries}
    objective = {names[index]: game.coefficients[index] for index in entries if game.coefficients[index]}
    first = Constraint("normalisation", {names[i]: 1 for i in entries if not any(i[: game.parties])}, 1)
    program = LinearProgram(tuple(names.values()), objective, (first, *_no_signalling(game, names)))
    proof = certificate(program, "max")
    value = rational(proof.value)
    assert value is not None
    return NoSignallingValue(value, proof)


def _text(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _no_signalling(game: Game, names: dict[tuple[int, ...], str]) -> Iterator[Constraint]:
    """The law of all other parties does not change when one party chooses another setting than its first."""
    n = game.parties
    groups: dict[tuple[int, ...], dict[int, list[str]]] = {}
    for index, name in names.items():
        for k in range(n):
            rest = (k, *index[:k], -1, *index[k + 1 : n + k], -1, *index[n + k + 1 :])
            groups.setdefault(rest, {}).setdefault(index[k], []).append(name)
    for rest, by_setting in groups.items():
        for x in by_setting.keys() - {0}:
            signs = dict.fromkeys(by_setting[x], 1) | dict.fromkeys(by_setting[0], -1)
            yield Constraint(f"no signalling: {_text(rest)}, {x}", signs)


def _of_full_correlators(game: Game) -> Fraction | None:
    """The value of an expression of correlators of all parties and a constant; None for another."""
    n, c = game.parties, game.coefficients
    if any(count != 2 for party in game.outcomes for count in party):
        return None
    for _ in range(n):  # each party's outcomes become the mean and the difference of its two
        plus, minus = np.take(c, 0, axis=n), np.take(c, 1, axis=n)
        c = np.stack([plus + minus, plus - minus], axis=-1) / 2
    means = c.reshape(*game.settings, -1)
    return None if means[..., 1:-1].any() else Fraction(means[..., 0].sum() + abs(means[..., -1]).sum())


# --- games of the literature -----------------------------------------------------------------------------------------


def chsh_game() -> Game:
    """The CHSH game: a ⊕ b = x y wins. Locally 3/4, quantum (2 + √2)/4, without signalling 1.

    Cleve, Høyer, Toner & Watrous, CCC 2004.
    """
    return Game.from_predicate(lambda x, y, a, b: (a ^ b) == (x & y), (2, 2), (2, 2), name="CHSH game")


def chained(n: int) -> Game:
    """The chained inequality of n settings each: A0 B0 + B0 A1 + A1 B1 + … + A(n−1) B(n−1) − B(n−1) A0 ≤ 2n − 2.

    The quantum maximum is 2n cos(π/2n). Braunstein & Caves, Ann. Phys. 202, 22 (1990); Wehner, Phys. Rev. A 73, 022110
    (2006). Two settings make CHSH.

    >>> local_value(chained(3)).value, no_signalling_value(chained(3)).value
    (Fraction(4, 1), Fraction(6, 1))
    """
    whole(n, "n", 2, 16)
    F = np.zeros((n + 1, n + 1), dtype=int)
    for k in range(n):
        F[1 + k, 1 + k] = 1
        F[1 + (k + 1) % n, 1 + k] = 1 if k < n - 1 else -1
    return Game.from_correlators(F, f"chained inequality, {n} settings")


def i3322() -> Game:
    """I₃₃₂₂ in Collins & Gisin's form: locally 0, with qubits 1/4, quantum below 0.250876, without signalling 1.

    J. Phys. A 37, 1775 (2004); Pál & Vértesi, Phys. Rev. A 82, 022116 (2010).
    """
    table = [[0, -1, 0, 0], [-2, 1, 1, 1], [-1, 1, 1, -1], [0, 1, -1, 0]]
    return Game.from_collins_gisin(table, [[2, 2, 2], [2, 2, 2]], "I3322")


def cglmp(d: int) -> Game:
    """The inequality of Collins, Gisin, Linden, Massar & Popescu for d outcomes, I_d ≤ 2.

    I_d = Σ_k (1 − 2k/(d−1)) [P(A0=B0+k) + P(B0=A1+k+1) + P(A1=B1+k) + P(B1=A0+k) − P(A0=B0−k−1) − P(B0=A1−k)
    − P(A1=B1−k−1) − P(B1=A0−k−1)], k < d/2, outcomes modulo d. Phys. Rev. Lett. 88, 040404 (2002). The quantum value is
    2.9149 for three outcomes, 1 + √(11/3), and 2.9727 for four: Acín, Durt, Gisin & Latorre, Phys. Rev. A 65, 052325
    (2002); Navascués, Pironio & Acín (2008).

    >>> local_value(cglmp(4)).value
    Fraction(2, 1)
    """
    whole(d, "d", 2, 12)
    c = np.full((2, 2, d, d), Fraction(0), dtype=object)
    for k, a, b in product(range(d // 2), range(d), range(d)):
        weight = 1 - Fraction(2 * k, d - 1)
        gap = (a - b) % d
        for x, y, plus, minus in ((0, 0, k, -k - 1), (1, 0, -k - 1, k), (1, 1, k, -k - 1), (0, 1, -k, k + 1)):
            c[x, y, a, b] += weight * (int(gap == plus % d) - int(gap == minus % d))
    return Game(c, name=f"CGLMP, {d} outcomes")


def eberhard() -> Game:
    """Eberhard's form of Clauser & Horne's inequality: P(00|00) − P(01|01) − P(10|10) − P(00|11) ≤ 0.

    Outcome 0 is a detection, 1 none: what nobody detects counts nothing. Phys. Rev. A 47, R747 (1993).
    """
    c = np.zeros((2, 2, 2, 2), dtype=int)
    c[0, 0, 0, 0], c[0, 1, 0, 1], c[1, 0, 1, 0], c[1, 1, 0, 0] = 1, -1, -1, -1
    return Game(c, name="Eberhard")


def magic_square() -> Game:
    """Mermin & Peres' magic square: a row of even and a column of odd parity that agree where they cross.

    Outcomes 0 … 3 are the two first bits, the third follows by parity. Locally 8/9, quantum 1. Aravind,
    Am. J. Phys. 72, 1303 (2004).
    """

    def agree(x: int, y: int, a: int, b: int) -> bool:
        row, column = (a >> 1, a & 1, (a >> 1) ^ (a & 1)), (b >> 1, b & 1, 1 ^ (b >> 1) ^ (b & 1))
        return row[y] == column[x]

    return Game.from_predicate(agree, (3, 3), (4, 4), name="magic square")
