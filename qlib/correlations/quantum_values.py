r"""Upper bounds on the quantum value of a game, for any parties, settings and outcomes, as theorems.

Each party k measures projectors E_{a|x}. All that is used of quantum theory is that those of one setting are orthogonal
and sum to one, and that those of different parties commute: so the bounds hold for every state and every measurement in
every dimension. The last outcome of a setting is expressed by the others; the *letters* are the projectors (x, a) that
are left, a *word* is a product of letters, written as a tuple of letters for each party, and the moment matrix of a
strategy is Γ[v, w] = Re⟨v† w⟩. Maximising a game over matrices that are positive semidefinite and have equal entries
for equal words is the hierarchy of Navascués, Pironio & Acín, New J. Phys. 10, 073013 (2008). Its dual is an identity

    bound − G = Σ Q[v, w] v† w,     Q positive semidefinite,

of which a :class:`GameBound` holds the exact form. The solver's Q is rounded to rational numbers and moved onto the
identity; what that may cost of positivity is repaired by a multiple of another identity,

    N = Σ Q₀[v, w] v† w,     Q₀ ≥ 1,

which raises the bound by N times the multiple, some 1e-8. Q₀ exists because u†u = Σ_a (E_{a|x}u)†(E_{a|x}u) + (a
square) for every word u and setting x, from which it is built word by word.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm
from typing import TypeAlias

import numpy as np

from qlib.correlations.games import Game, letters
from qlib.numbers.arguments import Array, Floats, numbers, require, whole
from qlib.numbers.linear_programs import CertificateError
from qlib.numbers.semidefinite_programs import is_positive_by, repaired, solve_semidefinite, triangle

Letters: TypeAlias = tuple[tuple[int, int], ...]
ProjectorWord: TypeAlias = tuple[Letters, ...]  # the letters of each party
HIERARCHY = ("1", "1+AB", "2", "3", "4")
MOST_WORDS = 400  # of a level, beyond which the semidefinite program takes longer than anybody waits
BINARY_DIGITS = 100  # after the binary point, of the numbers in a proof


def hierarchy_words(game: Game, level: str = "1+AB") -> tuple[ProjectorWord, ...]:
    """The words of a level of the hierarchy for a game, the identity first.

    level : "1" the letters, "2", "3", "4" all products of so many letters at most, "1+AB" the letters and the products
    of two letters of different parties. Raises ``ValueError`` for another level, or more than 400 words.

    >>> from qlib.correlations.games import chsh_game
    >>> [len(hierarchy_words(chsh_game(), level)) for level in ("1", "1+AB", "2", "3")]
    [5, 9, 13, 25]
    """
    require(Game, game=game)
    require(str, level=level)
    if level not in HIERARCHY:
        raise ValueError(f"level: {level!r} should be one of {', '.join(HIERARCHY)}")
    longest = 2 if level == "1+AB" else int(level)
    found: list[ProjectorWord] = []
    for lengths in product(range(longest + 1), repeat=game.parties):
        if sum(lengths) <= longest and not (level == "1+AB" and max(lengths) > 1):
            found += product(*[_words(letters(party), n) for party, n in zip(game.outcomes, lengths, strict=True)])
            if len(found) > MOST_WORDS:
                raise ValueError(f"level: {level!r} has more than {MOST_WORDS} words here; take a lower one")
    return tuple(sorted(found, key=lambda word: (sum(map(len, word)), word)))


def _words(alphabet: Letters, length: int) -> list[Letters]:
    """One party's products of so many letters: neighbours belong to different settings."""
    found: list[Letters] = [()]
    for _ in range(length):
        found = [(*word, letter) for word in found for letter in alphabet if not word or word[-1][0] != letter[0]]
    return found


def _moment(v: ProjectorWord, w: ProjectorWord) -> ProjectorWord | None:
    """The word v† w, of it and its adjoint the first; None where it vanishes."""
    word = []
    for left, right in zip(v, w, strict=True):
        met = bool(left and right and left[0][0] == right[0][0])  # two letters of one setting stand side by side
        if met and left[0] != right[0]:
            return None
        word.append(left[::-1] + right[met:])
    return min(tuple(word), tuple(part[::-1] for part in word))


def _places(words: tuple[ProjectorWord, ...]) -> dict[ProjectorWord, list[tuple[int, int]]]:
    """For every moment the entries [i, j] of a moment matrix that hold it, i ≤ j."""
    places: dict[ProjectorWord, list[tuple[int, int]]] = {}
    for j, w in enumerate(words):
        for i, v in enumerate(words[: j + 1]):
            if (moment := _moment(v, w)) is not None:
                places.setdefault(moment, []).append((i, j))
    return places


def _coefficients(game: Game) -> dict[ProjectorWord, Fraction]:
    """The coefficient of each word in a game, the constant as well."""
    table = game.collins_gisin()
    alphabets = [((), *((letter,) for letter in letters(party))) for party in game.outcomes]
    entries = (
        tuple(alphabet[i] for alphabet, i in zip(alphabets, index, strict=True)) for index in np.ndindex(table.shape)
    )
    return {word: c for word, c in zip(entries, table.flat, strict=True) if c}


# --- certificates ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GameBound:
    """The identity bound − G = Σ Q[v, w] v† w with Q ≥ 0, in whole numbers: a proof that no strategy exceeds `bound`.

    gram : Q times the whole number `denominator`, a matrix over :func:`hierarchy_words`. factor : a matrix L of whole
    numbers such that gram − L Lᵀ is diagonally dominant, which proves Q positive. Both are verified when the bound is
    made; :class:`CertificateError` says what does not hold.
    """

    game: Game
    level: str
    gram: Array
    factor: Array
    denominator: int

    def __post_init__(self) -> None:
        words = hierarchy_words(self.game, self.level)
        numbers(self.gram, "gram", (len(words),) * 2)
        whole(self.denominator, "denominator", 1)
        wanted, places = _coefficients(self.game), _places(words)
        if unknown := wanted.keys() - places.keys():
            raise CertificateError(f"the words of level {self.level} do not reach {min(unknown)}")
        for moment, entries in places.items():
            total = sum(self.gram[i, j] + (self.gram[j, i] if i != j else 0) for i, j in entries)
            if any(moment) and Fraction(int(total), self.denominator) != -wanted.get(moment, Fraction(0)):
                raise CertificateError(f"the coefficients of the word {moment} differ")
        if not is_positive_by(self.gram, self.factor):
            raise CertificateError("the factor does not prove the Gram matrix positive")

    @property
    def bound(self) -> Fraction:
        """The number that is proved not to be exceeded: no other entry than the first belongs to the identity."""
        words = hierarchy_words(self.game, self.level)
        constant = _coefficients(self.game).get(words[0], Fraction(0))
        return constant + Fraction(int(self.gram[0, 0]), self.denominator)


def game_bound(game: Game, level: str = "1+AB", accuracy: float = 1e-10) -> GameBound:
    """A proved upper bound on what a game reaches with quantum systems.

    It is within 1e-6 of the level's optimum, and often within 1e-8. level : see :func:`hierarchy_words`. accuracy : of
    the semidefinite program, which is solved in floating point; the proof is exact whatever it is. Raises
    ``ValueError`` if the words do not reach the game (products of four parties need level "2"), ``ArithmeticError`` if
    what the solver returns cannot be repaired.

    >>> from qlib.correlations.games import chsh_game
    >>> 0 <= float(game_bound(chsh_game(), "1").bound) - (2 + 2**0.5) / 4 < 1e-8
    True
    """
    words = hierarchy_words(game, level)
    places, wanted = _places(words), _coefficients(game)
    if unknown := wanted.keys() - places.keys():
        raise ValueError(f"level: the words of {level!r} do not reach {min(unknown)}, on which the game depends")
    denominator = lcm(*[c.denominator for c in wanted.values()]) << (BINARY_DIGITS + 1)
    gram = _on_the_identity(_solved(game, words, places, accuracy), places, wanted, denominator)
    return GameBound(game, level, *repaired(gram, _reserve(words), denominator), denominator)


WordPlaces: TypeAlias = dict[ProjectorWord, list[tuple[int, int]]]


def _solved(game: Game, words: tuple[ProjectorWord, ...], places: WordPlaces, accuracy: float) -> Floats:
    """Q as the solver finds it, moved onto the identity as far as rounding allows.

    The solver is given the moment matrix in words of centred letters, which it solves to three digits more.
    """
    wanted, T = _coefficients(game), _centred(game, words)
    moments = [words[0], *(moment for moment in places if any(moment))]
    columns = []
    for moment in moments:
        pattern = np.zeros(T.shape)
        i, j = np.array(places[moment]).T
        pattern[i, j] = pattern[j, i] = 1
        columns.append(triangle(T @ pattern @ T.T))
    constant, *rest = columns
    F, costs = np.stack(rest, axis=1), -np.array([float(wanted.get(moment, 0)) for moment in moments[1:]])
    scale = np.linalg.norm(F, axis=0)
    found = solve_semidefinite(costs / scale, [(F / scale, constant)], accuracy=accuracy, almost=True)
    Q = T.T @ (found.duals[0] / 2) @ T
    Q += Q.T
    for moment in moments[1:]:
        i, j = np.array(places[moment]).T
        weights = np.where(i == j, 1, 2)
        Q[i, j] -= (weights @ Q[i, j] + float(wanted.get(moment, 0))) / weights.sum()
        Q[j, i] = Q[i, j]
    return np.asarray(Q)


def _centred(game: Game, words: tuple[ProjectorWord, ...]) -> Floats:
    """The words of the letters (E − p)/√(p(1 − p)), p one over the number of outcomes, in terms of `words`: rows."""
    number = {word: k for k, word in enumerate(words)}
    T = np.zeros((len(words),) * 2)
    for k, word in enumerate(words):
        terms: dict[ProjectorWord, float] = {((),) * game.parties: 1.0}
        for party, letter in ((p, letter) for p, part in enumerate(word) for letter in part):
            p = 1 / game.outcomes[party][letter[0]]
            size = (p * (1 - p)) ** -0.5
            longer: dict[ProjectorWord, float] = {}
            for term, c in terms.items():
                longer[term] = longer.get(term, 0) - p * size * c
                if (new := _extended(term, party, letter)) is not None:
                    longer[new] = longer.get(new, 0) + size * c
            terms = longer
        for term, c in terms.items():
            T[k, number[term]] += c
    return T


def _extended(word: ProjectorWord, party: int, letter: tuple[int, int]) -> ProjectorWord | None:
    """A word times a letter of one party; None where it vanishes."""
    part = word[party]
    if part and part[-1][0] == letter[0]:
        return word if part[-1] == letter else None
    return (*word[:party], (*part, letter), *word[party + 1 :])


def _on_the_identity(Q: Floats, places: WordPlaces, wanted: dict[ProjectorWord, Fraction], denominator: int) -> Array:
    """Q times the denominator in whole numbers, with exactly the sums that the identity asks for."""
    gram = np.frompyfunc(lambda x: round(x * 2.0**60) * (denominator >> 60), 1, 1)(Q)
    for moment, entries in places.items():
        if any(moment):
            total = sum(gram[i, j] * (1 if i == j else 2) for i, j in entries)
            excess = total + int(wanted.get(moment, Fraction(0)) * denominator)  # even
            i, j = next((pair for pair in entries if pair[0] == pair[1]), entries[0])
            gram[i, j] -= excess if i == j else excess // 2
            gram[j, i] = gram[i, j]
    return np.asarray(gram)


def _reserve(words: tuple[ProjectorWord, ...]) -> Array:
    """Q₀ ≥ 1 in whole numbers with Σ Q₀[v, w] v† w a constant (see the module's docstring)."""
    number = {word: k for k, word in enumerate(words)}
    members: dict[tuple[int, int, int], list[int]] = {}  # parent, party, setting → its extensions by a letter
    for word, k in list(number.items())[1:]:
        party = next(p for p, part in enumerate(word) if part)
        parent = tuple(part[1:] if p == party else part for p, part in enumerate(word))
        members.setdefault((number[parent], party, word[party][0][0]), []).append(k)
    need = [1] * len(words)
    reserve = np.zeros((len(words),) * 2, dtype=object)
    for (above, _, _), extensions in sorted(members.items(), reverse=True):  # longer words come first
        weight = max(need[k] for k in extensions)
        need[above] += weight
        square = [above, *extensions]
        signs = np.array([1, *[-1] * len(extensions)], dtype=object)
        reserve[np.ix_(square, square)] += weight * np.outer(signs, signs)
        reserve[extensions, extensions] += weight
        reserve[above, above] -= weight
    reserve[0, 0] += need[0]
    return reserve
