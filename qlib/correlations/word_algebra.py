r"""Products of what several parties measure, as words: one algebra for observables and for projectors.

A *letter* is what one party measures: an observable with outcomes ±1, written as its setting s, where A_s² = 1; or the
projector of an outcome, written (x, a), where E² = E, and E E' = 0 for two outcomes of one setting. A *word* is a
product of letters in the order of multiplication, written as a tuple of letters for each party, as letters of different
parties commute: ((0, 1), (0,)) is A_0 A_1 B_0, and (((0, 1),), ((1, 0),)) is E_{1|0} F_{0|1}. A *polynomial* is a
dictionary from words to their coefficients.

A party is described by the number of its observables, or by how many outcomes each of its settings has, a tuple: the
last outcome of a setting is one minus the others, so its projector is no letter. The *moment matrix* of a strategy is
Γ[v, w] = Re⟨v† w⟩: it is positive semidefinite, and equal words have equal entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, TypeAlias, overload

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.correlations.behaviours import MOST_SETTINGS
from qlib.numbers.arguments import numbers, require, several, show, whole, wholes
from qlib.numbers.exact_arrays import Array, conjugate, exact, exact_sign, is_exact, simplified

Letter: TypeAlias = int | tuple[int, int]
Letters: TypeAlias = tuple[Letter, ...]
Word: TypeAlias = tuple[Letters, ...]  # the letters of each party
Polynomial: TypeAlias = dict[Word, Any]
Party: TypeAlias = int | tuple[int, ...]
LEVELS = ("1", "1+AB", "2", "3", "4")
MOST_WORDS = 400  # of a level, beyond which the semidefinite program takes longer than anybody waits


@overload
def letters(party: int) -> tuple[int, ...]: ...
@overload
def letters(party: tuple[int, ...]) -> tuple[tuple[int, int], ...]: ...
def letters(party: Party) -> Letters:
    """The letters of a party: its observables, or all pairs of a setting and an outcome that is not its last.

    >>> letters(2), letters((2, 3))
    ((0, 1), ((0, 0), (1, 0), (1, 1)))
    """
    if isinstance(party, int):
        return tuple(range(whole(party, "party", 0, MOST_SETTINGS)))
    return tuple((x, a) for x, n in enumerate(wholes(party, "party", 1)) for a in range(n - 1))


def words(parties: Iterable[Party], level: str = "1+AB") -> tuple[Word, ...]:
    """The words of a level of the hierarchy of Navascués, Pironio & Acín, New J. Phys. 10, 073013 (2008); 1 first.

    parties : see the module's docstring; for a game its `outcomes`. level : "1" the letters, "2", "3", "4" all products
    of so many letters at most, "1+AB" the letters and the products of two letters of different parties.
    Raises ``ValueError`` for another level, or more than 400 words.

    >>> words([1, 1])
    (((), ()), ((0,), ()), ((), (0,)), ((0,), (0,)))
    >>> [len(words([(2, 2), (2, 2)], level)) for level in ("1", "1+AB", "2", "3")]
    [5, 9, 13, 25]
    """
    alphabets = [letters(party) for party in several(parties, "parties")]
    require(str, level=level)
    if level not in LEVELS:
        raise ValueError(f"level: {level!r} should be one of {', '.join(LEVELS)}")
    longest = 2 if level == "1+AB" else int(level)
    found: list[Word] = []
    for lengths in product(range(longest + 1), repeat=len(alphabets)):
        if sum(lengths) <= longest and not (level == "1+AB" and max(lengths) > 1):
            found += product(*[_products(alphabet, n) for alphabet, n in zip(alphabets, lengths, strict=True)])
            if len(found) > MOST_WORDS:
                raise ValueError(f"level: {level!r} has more than {MOST_WORDS} words here; take a lower one")
    return tuple(sorted(found, key=lambda word: (sum(map(len, word)), [-len(part) for part in word], word)))


def _products(alphabet: Letters, length: int) -> list[Letters]:
    """One party's products of so many letters that cannot be shortened."""
    found: list[Letters] = [()]
    for _ in range(length):
        found = [longer for w in found for a in alphabet if len(longer := _joined(w, (a,)) or ()) == len(w) + 1]
    return found


def _joined(left: Letters, right: Letters) -> Letters | None:
    """One party's product of two products that cannot be shortened themselves; None where it vanishes."""
    while left and right:
        last, first = left[-1], right[0]
        if isinstance(last, tuple) and isinstance(first, tuple):  # projectors
            if last[0] != first[0]:
                break
            return left + right[1:] if last == first else None
        if last != first:
            break
        left, right = left[:-1], right[1:]
    return left + right


def _product(v: Word, w: Word) -> Word | None:
    found = []
    for left, right in zip(v, w, strict=True):
        if (part := _joined(left, right)) is None:
            return None
        found.append(part)
    return tuple(found)


def _adjoint(word: Word) -> Word:
    return tuple(part[::-1] for part in word)


def overlap(v: Word, w: Word) -> Word | None:
    """The word v† w; of it and its adjoint, whose expectations have one real part, the first. None where it vanishes.

    >>> overlap(((0,), (1,)), ((0, 1), (1,)))     # (A0 B1)† A0 A1 B1 = A1
    ((1,), ())
    """
    return _overlap(*_words((v, w), "v, w"))


def _overlap(v: Word, w: Word) -> Word | None:
    word = _product(_adjoint(v), w)
    return None if word is None else min(word, _adjoint(word))


def places(basis: Sequence[Word]) -> dict[Word, list[tuple[int, int]]]:
    """For every word v† w the entries [i, j] of a moment matrix that hold it, i ≤ j.

    >>> places(words([1, 1], "1"))[((), ())]
    [(0, 0), (1, 1), (2, 2)]
    """
    basis = _words(basis, "basis")
    found: dict[Word, list[tuple[int, int]]] = {}
    for j, w in enumerate(basis):
        for i, v in enumerate(basis[: j + 1]):
            if (word := _overlap(v, w)) is not None:
                found.setdefault(word, []).append((i, j))
    return found


def _words(basis: Sequence[Word], name: str) -> tuple[Word, ...]:
    """The argument as a tuple of words of equally many parties, at least one, that cannot be shortened."""
    if not (found := several(basis, name)):
        raise ValueError(f"{name}: there should be at least one word")
    for word in found:
        if not (isinstance(word, tuple) and all(isinstance(part, tuple) for part in word)):
            raise TypeError(f"{name}: {show(word)} is no word; it should be a tuple of letters for each party")
        if len(word) != len(found[0]):
            raise ValueError(f"{name}: {show(word)} should have letters of {len(found[0])} parties")
        for part in word:
            for letter in part:
                wholes(letter if isinstance(letter, tuple) else (letter,), name, 0)
            if any(_joined((one,), (other,)) != (one, other) for one, other in pairwise(part)):
                raise ValueError(f"{name}: {show(word)} can be shortened")
    return found


def polynomial(table: ArrayLike, parties: Iterable[Party] | None = None) -> Polynomial:
    """The polynomial Σ table[i, j, …] a_i b_j …, where letter 0 of each party is the identity; without zeros.

    parties : by default observables, so that the table is a functional as in :mod:`qlib.correlations.behaviours`; for
    Collins & Gisin's table of a game (:meth:`qlib.correlations.Game.collins_gisin`) its outcomes.

    >>> polynomial([[1, 0], [0, 2]])
    {((), ()): 1, ((0,), (0,)): 2}
    """
    T = numbers(table, "table")
    alphabets = [letters(p) for p in ([n - 1 for n in T.shape] if parties is None else several(parties, "parties"))]
    if T.shape != tuple(1 + len(alphabet) for alphabet in alphabets):
        raise ValueError(f"table: shape {T.shape} should be {tuple(1 + len(alphabet) for alphabet in alphabets)}")
    parts = product(*[[(), *((letter,) for letter in alphabet)] for alphabet in alphabets])
    entries = T.tolist() if T.dtype.kind == "f" else exact(T)
    return {word: c for word, c in zip(parts, np.ravel(entries), strict=True) if exact_sign(c)}


def times(p: Mapping[Word, Any], q: Mapping[Word, Any]) -> Polynomial:
    """The product of two polynomials.

    >>> A0, A1 = ((0,),), ((1,),)
    >>> times({A0: 1, A1: 1}, {A0: 1, A1: -1})      # (A0 + A1)(A0 − A1) = A1 A0 − A0 A1
    {((0, 1),): -1, ((1, 0),): 1}
    """
    require(Mapping, p=p, q=q)
    _words([*p, *q], "p, q")
    numbers([*p.values()], "p", (None,))
    numbers([*q.values()], "q", (None,))
    found: Polynomial = {}
    for (v, c), (w, d) in product(p.items(), q.items()):
        if (word := _product(v, w)) is not None:
            found[word] = found.get(word, 0) + c * d
    expanded = {word: sp.expand(c) if isinstance(c, sp.Expr) else c for word, c in found.items()}
    return {word: c for word, c in expanded.items() if c != 0}


def moment_matrix(
    basis: Sequence[Word], operators: Sequence[ArrayLike], state: ArrayLike, gram: ArrayLike | None = None
) -> Array:
    """The moment matrix Γ[v, w] = Re⟨ψ|v† w|ψ⟩ of a strategy, shape (words, words); ψ need not be normalised.

    operators : for each party its observables, shape (settings, d, d), or effects, shape (settings, outcomes, d, d).
    state : ψ, an axis for each party. gram : inner products of the basis vectors in which all these are written, of the
    shape of ψ, for a basis that is orthogonal but not normalised (it can spare an exact computation the square roots of
    the normalisation). Numbers of either system. Raises ``ValueError`` for shapes that do not fit.

    >>> one, Z = np.eye(2), np.diag([1, -1])
    >>> moment_matrix([((), ()), ((0,), (0,))], [[Z], [Z]], one).round(12)
    array([[1., 1.],
           [1., 1.]])
    """
    basis, psi = _words(basis, "basis"), numbers(state, "state")
    if not psi.ndim == len(several(operators, "operators")) == len(basis[0]):
        raise ValueError(f"state: {psi.ndim} axes, {len(operators)} operators and words of {len(basis[0])} parties")
    pairs = zip(operators, psi.shape, strict=True)
    O = [numbers(given, f"operators of party {k}", (..., d, d)) for k, (given, d) in enumerate(pairs)]
    vectors = []
    for word in basis:
        vector = psi
        for k, letter in ((k, letter) for k, part in enumerate(word) for letter in reversed(part)):
            index = letter if isinstance(letter, tuple) else (letter,)
            if len(index) != O[k].ndim - 2 or not np.less(index, O[k].shape[:-2]).all():
                raise ValueError(f"basis: the letter {letter} of party {k} is none of its operators, {O[k].shape[:-2]}")
            vector = np.moveaxis(np.tensordot(O[k][index], vector, axes=(1, k)), 0, k)
        vectors.append(vector.ravel())
    V = _multiplied_out(np.array(vectors))
    weights = np.ones(psi.size, dtype=int) if gram is None else numbers(gram, "gram", psi.shape).ravel()
    moments = (conjugate(V) * weights) @ V.T
    real = _multiplied_out(moments + moments.T) if is_exact(moments) else 2 * moments.real
    norm = 2 * (conjugate(psi).ravel() * weights * psi.ravel()).sum()
    return _multiplied_out(real * simplified(np.array([1 / norm]))) if is_exact(real) else real / norm.real


def _multiplied_out(array: Array) -> Array:
    """An exact array with its products multiplied out (there are no radicals in denominators); floats as they are."""
    return np.asarray(np.frompyfunc(sp.expand, 1, 1)(array)) if is_exact(array) else array
