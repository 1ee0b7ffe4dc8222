"""Polyhedral cones in exact integer arithmetic: extreme rays by the double description method."""

from __future__ import annotations

from math import lcm

import flint
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.arguments import numbers, whole
from qlib.numbers.exact_arrays import Array

Integers = NDArray[np.int64]
MOST_RAYS = 200_000


def _primitive(rows: Array) -> Array:
    """The rows divided by their greatest common divisors."""
    return np.asarray(rows // np.maximum(np.gcd.reduce(rows, axis=1, keepdims=True), 1))


def independent_rows(W: ArrayLike) -> list[int]:
    """Which rows of a matrix of whole numbers are independent of those before them.

    >>> independent_rows([[0, 0], [1, 1], [2, 2], [0, 1]])
    [1, 3]
    """
    echelon, _, rank = flint.fmpz_mat(_whole_numbers(W, "W").T.tolist()).rref()
    table = [list(map(int, line)) for line in echelon.table()[:rank]]
    return [next(j for j, x in enumerate(line) if x) for line in table]


def _whole_numbers(W: ArrayLike, name: str) -> Array:
    """A matrix of whole numbers, as Python's."""
    given = numbers(W, name, ("rows", "columns"))
    if given.dtype.kind != "i" and any(x != int(x) for x in given.flat):
        raise ValueError(f"{name}: {given.tolist()} should be whole numbers")
    return np.asarray(np.frompyfunc(int, 1, 1)(given), dtype=object).reshape(given.shape)


def extreme_rays(W: ArrayLike, most: int = MOST_RAYS) -> Array:
    """All extreme rays of the cone {y : W y ≥ 0}, as rows of coprime integers, by the double description method.

    W : whole numbers, of full column rank (so that the cone is pointed). Constraint by constraint, the rays that
    violate it are replaced by those where edges from the others leave it; two rays share an edge exactly if no third
    ray satisfies with equality all constraints that both do. In 64-bit integers, or where they do not suffice in
    Python's (dtype object). Motzkin, Raiffa, Thompson & Thrall (1953).
    Raises ``ValueError`` if the rank is lower, or for more than `most` rays on the way.

    >>> extreme_rays([[1, 0], [0, 1], [1, 1]]).tolist()
    [[0, 1], [1, 0]]
    """
    whole(most, "most", 1)
    integers = _whole_numbers(W, "W")
    if len(start := independent_rows(integers)) < integers.shape[1]:
        raise ValueError(
            f"the rows have the rank {len(start)}, below the {integers.shape[1]} columns: the cone holds a line"
        )
    try:
        return _double_description(integers.astype(np.int64), start, most)
    except OverflowError:
        return _double_description(integers, start, most)


def _double_description(W: Array, start: list[int], most: int) -> Array:
    R, done = _primitive(_dual_basis(W[start])), list(start)
    for j in [j for j in range(len(W)) if j not in start]:
        R = _cut(R, W[done], W[j])
        done.append(j)
        if len(R) > most:
            raise ValueError(f"W: the first {len(done)} rows leave {len(R)} extreme rays, more than {most}")
    return np.array(sorted(R.tolist()), dtype=R.dtype).reshape(R.shape)


def _dual_basis(basis: Array) -> Array:
    """The extreme rays of the cone that so many constraints as there are dimensions cut out, in whole numbers."""
    columns = flint.fmpz_mat(basis.T.tolist()).inv().table()
    common = lcm(*(int(x.q) for line in columns for x in line))
    return np.array([[int(x.p) * (common // int(x.q)) for x in line] for line in columns], dtype=basis.dtype)


def _cut(R: Array, W: Array, w: Array) -> Array:
    """The extreme rays of {y : W y ≥ 0, w·y ≥ 0} from those of {y : W y ≥ 0}.

    ``OverflowError`` before a sum of products could leave 64 bits.
    """
    if R.dtype != object and R.size:
        largest = int(np.abs(R).max())
        if 2 * len(w) * largest**2 * int(np.abs(w).max()) >= 2**63:
            raise OverflowError("the numbers grow beyond what 64-bit integers hold")
    value = R @ w
    positive, negative = np.flatnonzero(value > 0), np.flatnonzero(value < 0)
    tight = _packed(R @ W.T == 0)
    new = [R[value >= 0]]
    for p in positive:
        common = tight[:, p, None] & tight[:, negative]
        enough = np.flatnonzero(np.bitwise_count(common).sum(axis=0) >= R.shape[1] - 2)
        edges = enough[_holders(common[:, enough], tight) == 2]
        n = negative[edges]
        new.append(_primitive(value[p] * R[n] - value[n, None] * R[p]))
    return np.concatenate(new)


def _packed(truths: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Rows of truth values as bits of words, shape (words, rows)."""
    whole_words = np.pad(truths, ((0, 0), (0, -truths.shape[1] % 64)))
    return np.ascontiguousarray(np.packbits(whole_words, axis=1).view(np.uint64).T)


def _holders(sets: NDArray[np.uint64], rows: NDArray[np.uint64]) -> NDArray[np.int64]:
    """In how many of the rows each set is contained; both as words of bits, shape (words, …)."""
    hold = np.ones((sets.shape[1], rows.shape[1]), dtype=bool)
    for some, word in zip(sets, rows, strict=True):
        hold &= some[:, None] & ~word == 0
    return np.asarray(hold.sum(axis=1))
