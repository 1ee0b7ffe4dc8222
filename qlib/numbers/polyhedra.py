"""Polyhedral cones in exact integer arithmetic: extreme rays by the double description method."""

from __future__ import annotations

import flint
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.arguments import numbers

Integers = NDArray[np.int64]


LARGEST_ENTRY = 2**31  # an entry of a row: products of two stay within 64 bits


def _primitive(rows: Integers) -> Integers:
    """The rows divided by their greatest common divisors; OverflowError before a product could leave 64 bits."""
    rows = rows // np.maximum(np.gcd.reduce(rows, axis=1, keepdims=True), 1)
    if rows.size and np.abs(rows).max() > LARGEST_ENTRY:
        raise OverflowError("the numbers grow beyond what 64-bit integers hold; another order of the rows may help")
    return rows


def _independent(W: Integers) -> list[int]:
    """The first rows of full rank, greedily."""
    echelon, _, rank = flint.fmpz_mat(W.T.tolist()).rref()
    table = [list(map(int, line)) for line in echelon.table()[:rank]]
    return [next(j for j, x in enumerate(line) if x) for line in table]


def extreme_rays(W: ArrayLike) -> Integers:
    """All extreme rays of the cone {y : W y ≥ 0}, as rows of coprime integers, by the double description method.

    W : whole numbers, of full column rank (so that the cone is pointed). Constraint by constraint, the rays that
    violate it are replaced by those where edges from the others leave it; two rays share an edge exactly if no third
    ray satisfies with equality all constraints that both do.
    Raises ``ValueError`` if the rank is lower.

    >>> extreme_rays([[1, 0], [0, 1], [1, 1]]).tolist()
    [[0, 1], [1, 0]]
    """
    given = numbers(W, "W", ("rows", "columns"))
    if (given != np.floor(given.astype(np.float64))).any():
        raise ValueError(f"W: {given.tolist()} should be whole numbers")
    W = given.astype(np.int64)
    dimension = W.shape[1]
    start = _independent(W)
    if len(start) < dimension:
        raise ValueError(f"the rows have the rank {len(start)}, below the {dimension} columns: the cone holds a line")
    R = _primitive(_dual_basis(W[start]))
    done = list(start)
    for j in [j for j in range(len(W)) if j not in start]:
        R = _cut(R, W[done], W[j])
        done.append(j)
    return np.asarray(R[np.lexsort(R.T[::-1])])


def _dual_basis(basis: Integers) -> Integers:
    """The extreme rays of the cone that so many constraints as there are dimensions cut out, in whole numbers."""
    columns = flint.fmpz_mat(basis.T.tolist()).inv().table()
    common = int(np.lcm.reduce([int(x.q) for line in columns for x in line]))
    return np.array([[int(x.p) * (common // int(x.q)) for x in line] for line in columns], dtype=np.int64)


def _cut(R: Integers, W: Integers, w: Integers) -> Integers:
    """The extreme rays of {y : W y ≥ 0, w·y ≥ 0} from those of {y : W y ≥ 0}."""
    value = R @ w
    positive, negative = np.flatnonzero(value > 0), np.flatnonzero(value < 0)
    tight = (R @ W.T == 0).astype(np.float32)
    new = [R[value >= 0]]
    for p in positive:
        common = tight[p] * tight[negative]
        count = common.sum(axis=1)
        enough = np.flatnonzero(count >= R.shape[1] - 2)
        holders = (common[enough] @ tight.T == count[enough, None]).sum(axis=1)
        n = negative[enough[holders == 2]]
        new.append(_primitive(value[p] * R[n] - value[n, None] * R[p]))
    return np.concatenate(new)
