"""Semidefinite programs in floating point, by the solver Clarabel: the one place that knows it.

What a solver returns proves nothing. Whoever calls it verifies the answer without it: in exact arithmetic
(:mod:`qlib.correlations.sums_of_squares`), or from both sides (:mod:`qlib.quantum.causal_order`). That a large matrix
of whole numbers is positive is proved by a factor: M = L Lᵀ + R, where R is diagonally dominant (`positive_factor`).

A symmetric matrix is handed over as its *triangle*: the entries of the upper triangle column by column, those off the
diagonal times √2, so that the scalar product of two triangles is the trace of the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import clarabel
import flint
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from qlib.numbers.arguments import Array, Floats, Shape, numbers, real_number, reals, require, several, show, whole
from qlib.numbers.exact_arrays import fractions


def triangle(matrix: ArrayLike) -> Floats:
    """The triangle of a symmetric matrix.

    >>> triangle([[1, 0], [0, 2]])
    array([1., 0., 2.])
    """
    S = reals(matrix, "matrix", ("d", "d"))
    column, row = np.tril_indices(len(S))
    return np.asarray(S[row, column] * _scale(row, column))


def matrix_of_triangle(entries: ArrayLike) -> Floats:
    """The symmetric matrix with a given triangle; ``ValueError`` for a number of entries that no matrix has.

    >>> matrix_of_triangle([1, np.sqrt(2), 3]).round(12).tolist()
    [[1.0, 1.0], [1.0, 3.0]]
    """
    values = reals(entries, "entries", (None,))
    d = _size(len(values))
    column, row = np.tril_indices(d)
    S = np.zeros((d, d))
    S[row, column] = S[column, row] = values / _scale(row, column)
    return S


def _scale(row: NDArray[np.int_], column: NDArray[np.int_]) -> Floats:
    return np.where(row == column, 1, np.sqrt(2))


def _size(entries: int) -> int:
    """The d of a d × d matrix whose triangle has so many entries."""
    d = (isqrt(8 * entries + 1) - 1) // 2
    if d * (d + 1) // 2 != entries:
        raise ValueError(f"entries: no triangle has {entries}; it should be d(d + 1)/2 for some d")
    return d


def _pair(value: object, name: str) -> tuple[ArrayLike, ArrayLike]:
    """A matrix and a vector."""
    found = several(value, name)  # type: ignore[arg-type]
    if len(found) != 2:
        raise ValueError(f"{name}: {show(value)} should be a pair, a matrix and a vector")
    return found


@dataclass(frozen=True, eq=False)
class SemidefiniteSolution:
    """The optimum x, and for each positive matrix its dual one: what the solver says, unverified."""

    x: Floats
    duals: tuple[Floats, ...]


def solve_semidefinite(
    costs: ArrayLike,
    positive: Sequence[tuple[ArrayLike, ArrayLike]],
    equalities: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    accuracy: float = 1e-9,
    almost: bool = False,
) -> SemidefiniteSolution:
    """The x of least costs·x for which matrices that are affine in x are positive semidefinite.

    costs : shape (n,). positive : for each matrix a pair (F, constant) of shapes (entries, n) and (entries,), where
    F x + constant is its triangle. equalities : a pair (A, b), for A x = b. accuracy : of gap and feasibility.
    almost : accept an answer that the solver calls almost solved, too; only for a caller that verifies it.
    Raises ``ValueError`` for shapes that do not fit, ``ArithmeticError`` if the solver fails.

    >>> F = np.stack([triangle([[0, 1], [1, 0]]), triangle([[0, 0], [0, 1]])], axis=1)   # [[1, x], [x, y]] ≥ 0 ⇔ x² ≤ y
    >>> solve_semidefinite([1, 0.5], [(F, triangle([[1, 0], [0, 0]]))]).x.round(3)
    array([-1.,  1.])
    """
    require(bool, almost=almost)
    real_number(accuracy, "accuracy", 1e-14, 1e-2)
    c = reals(costs, "costs", (None,))
    A, b, cones = [], [], []
    if equalities is not None:
        left, right = _pair(equalities, "equalities")
        A.append(reals(left, "equalities", (None, len(c))))
        b.append(reals(right, "equalities", (len(A[0]),)))
        cones.append(clarabel.ZeroConeT(len(b[0])))
    for matrix in several(positive, "positive"):
        F, constant = _pair(matrix, "positive")
        A.append(-reals(F, "positive", (None, len(c))))
        b.append(reals(constant, "positive", (len(A[-1]),)))
        cones.append(clarabel.PSDTriangleConeT(_size(len(b[-1]))))
    if not cones:
        raise ValueError("positive: there should be at least one matrix")
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1  # sums in one order on every machine; and a process that has forked lacks the threads
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = accuracy
    quadratic = sparse.csc_matrix((len(c), len(c)))
    solver = clarabel.DefaultSolver(quadratic, c, sparse.csc_matrix(np.vstack(A)), np.concatenate(b), cones, settings)
    solution = solver.solve()
    good = {clarabel.SolverStatus.Solved, *([clarabel.SolverStatus.AlmostSolved] if almost else [])}
    if solution.status not in good:
        raise ArithmeticError(f"the semidefinite program ended with the status {solution.status}, not Solved")
    duals = np.split(np.array(solution.z), np.cumsum([len(part) for part in b])[:-1])
    return SemidefiniteSolution(np.array(solution.x), tuple(map(matrix_of_triangle, duals[equalities is not None :])))


def positive_factor(matrix: ArrayLike) -> Array | None:
    """A matrix L of whole numbers that proves a symmetric one of whole numbers positive semidefinite; None if none is.

    It is sought in floating point and accepted by :func:`is_positive_by`, so an eigenvalue should not be small beside
    the rounding of the largest: take a matrix M in units of 2⁻¹⁰⁰, say, and shifted by a multiple of one.

    >>> positive_factor([[2 * 10**12, 10**12], [10**12, 2 * 10**12]]) is not None, positive_factor([[0, 1], [1, 0]])
    (True, None)
    """
    M = _whole_matrix(matrix, "matrix")
    entries = M.astype(np.float64)
    smallest = float(np.linalg.eigvalsh(entries)[0])
    if smallest <= 0:
        return None
    try:
        L = np.linalg.cholesky(entries - smallest / 2 * np.eye(len(entries)))
    except np.linalg.LinAlgError:
        return None
    factor = np.asarray(np.frompyfunc(round, 1, 1)(L.astype(object)))
    return factor if is_positive_by(M, factor) else None


def repaired(gram: ArrayLike, reserve: ArrayLike, unit: int) -> tuple[Array, Array]:
    """A matrix of whole numbers that is all but positive, plus the least multiple of another that makes it so.

    gram, reserve : symmetric, of whole numbers; the reserve is at least the identity. unit : the whole number that
    stands for one in `gram`. The multiple is tried from 2⁻⁴⁸ of the largest entry on, doubling. Returns the sum and a
    factor that proves it positive, see :func:`positive_factor`. Raises ``ArithmeticError`` if 2⁻¹² does not suffice.

    >>> sum_of_both, factor = repaired([[2**100, 2**100], [2**100, 2**100]], [[1, 0], [0, 1]], 2**100)
    >>> bool(is_positive_by(sum_of_both, factor)), bool(0 < sum_of_both[0, 0] - 2**100 < 2**55)
    (True, True)
    """
    Q, Q0 = _whole_matrix(gram, "gram"), _whole_matrix(reserve, "reserve")
    if Q.shape != Q0.shape:
        raise ValueError(f"reserve: shape {Q0.shape} should be {Q.shape}, that of the matrix to be repaired")
    largest = max(whole(unit, "unit", 1), int(abs(Q).max()))
    for exponent in range(48, 11, -1):
        shifted = Q + (largest >> exponent) * Q0
        if (factor := positive_factor(shifted)) is not None:
            return shifted, factor
    raise ArithmeticError("the matrix is too far from a positive one to be repaired: the solver's answer is too rough")


def is_positive_by(matrix: ArrayLike, factor: ArrayLike) -> bool:
    """Whether M − L Lᵀ is diagonally dominant with no negative diagonal entry, in whole numbers: then M is positive.

    matrix : M, symmetric, of whole numbers. factor : L, of whole numbers, with as many rows.

    >>> is_positive_by([[2, 1], [1, 2]], [[1, 0], [1, 1]]), is_positive_by([[0, 1], [1, 0]], [[0], [0]])
    (True, False)
    """
    M, rows = _whole_matrix(matrix, "matrix"), _whole_matrix(factor, "factor", (None, None))
    if len(M) != len(rows) or (M != M.T).any():
        raise ValueError("matrix: it should be symmetric, with a row for each of the factor's")
    L = flint.fmpz_mat(rows.tolist())
    rest = np.array((flint.fmpz_mat(M.tolist()) - L * L.transpose()).tolist(), dtype=object)
    diagonal = rest.diagonal()
    return bool((2 * diagonal >= abs(rest).sum(axis=1)).all() and (diagonal >= 0).all())


def _whole_matrix(value: ArrayLike, name: str, shape: Shape = ("d", "d")) -> Array:
    given = fractions(numbers(value, name, shape), name)
    for index, entry in np.ndenumerate(given):
        if entry.denominator != 1:
            raise ValueError(f"{name}: entry {index} is {entry}; it should be a whole number")
    return np.asarray(np.frompyfunc(int, 1, 1)(given), dtype=object)
