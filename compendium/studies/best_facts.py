"""Up to which noise some decomposition of the noisy pair answers as a classical model could, if X is drawn anew.

The experiment is that of :mod:`compendium.studies.one_experiment`, the individual that with X = Y = Z = 0. Over the
decompositions ρ = Σ p_λ ψ_λ into pure states the greatest

    Σ p_λ ⟨E⟩_λ ⟨F⟩_λ,        E : X and Y are 0 under z = 0,   F : Y is 1 where 1 is sent,

is to be compared with the least that classical models allow, (3s − 1)/4. Both sides of the border have a proof:

*From above.* If W satisfies ⟨ψ|W|ψ⟩⟨ψ|ψ⟩ ≥ ⟨ψ|E|ψ⟩⟨ψ|F|ψ⟩ for all ψ, no decomposition has more than Tr[Wρ]. It does
so if W⊗1 + 1⊗W − E⊗F − F⊗E is, on symmetric vectors, the sum of a positive operator and the partial transpose of
another, as ψ⊗ψ is symmetric, and ψ⊗ψ* is its partial conjugate. A semidefinite program finds W; `no_facts` accepts it
in whole numbers, and proves the operators positive without the solver.

*From below.* `facts` is a decomposition, exact; it suffices for all lower visibilities, too, since more noise is a
further fact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from qlib.numbers.arguments import Floats, real_number, require
from qlib.numbers.exact_arrays import Array, exact
from qlib.numbers.semidefinite_programs import matrix_of_triangle, positive_factor, solve_semidefinite, triangle
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects, kron

QUARTER = 2**98  # of what stands for one among whole numbers
RESERVE = 2**82  # for what rounding takes away: a multiple of one, four millionths
UP = np.array([[1, 0], [0, 0]])
E2, F2 = 2 * np.kron(UP, UP), np.kron(np.eye(2, dtype=int), [[1, -1], [-1, 1]])  # 2E and 2F, where Bob has σ_Z and σ_X
FOUND_BY_SEARCH = (87, -1, 111, -149, 87, -20)  # hundredths; nothing rests on how they were found
CLOSE = sp.Rational(11123, 2000)  # its square is (1 + 3v)/(1 − v) for the visibility of `facts`


# --- from above ------------------------------------------------------------------------------------------------------


def in_bobs_frame(v: Any) -> Array:
    """The noisy pair in the frame of Bob's qubit in which he measures σ_Z for t = 0 and σ_X for t = 1; exact.

    v : the visibility, from 0 to 1, or a symbol. Raises ``ValueError`` for another number.

    >>> in_bobs_frame(sp.Integer(0))[0].tolist()
    [1/4, 0, 0, 0]
    """
    v = real_number(v, "v", 0, 1)
    one, Y, s = exact(np.eye(2, dtype=int)), exact([[0, -sp.I], [sp.I, 0]]), v / sp.sqrt(2)
    Z, X = PAULI_Z, PAULI_X
    terms = kron(Z, Z) + kron(Z, X) - kron(X, Z) + kron(X, X)
    return np.asarray((kron(one, one) + s * terms - v * kron(Y, Y)) / 4)


def _symmetric_vectors() -> Array:
    """A basis of the symmetric vectors of two times four dimensions, shape (16, 10), in whole numbers."""
    pairs = [(i, j) for i in range(4) for j in range(i, 4)]
    T = np.zeros((16, len(pairs)), dtype=int)
    for k, (i, j) in enumerate(pairs):
        T[4 * i + j, k] = T[4 * j + i, k] = 1
    return T


def _left_over(W: Any, Q: Any, quarter: int) -> Array:
    """What has to be positive besides Q: W⊗1 + 1⊗W − E⊗F − F⊗E − Q^Γ on symmetric vectors, in quarters of its unit."""
    T, one = _symmetric_vectors().astype(object), np.eye(4, dtype=object)
    transposed = np.reshape(Q, (4, 4, 4, 4)).transpose(0, 3, 2, 1).reshape(16, 16)
    both = np.kron(W, one) + np.kron(one, W) - quarter * (np.kron(E2, F2) + np.kron(F2, E2)).astype(object)
    return np.asarray(T.T @ (both - transposed) @ T)


def _proposal(v: float) -> tuple[Floats, Floats]:
    """W and Q in quarters, from the semidefinite program; unverified."""
    basis = [[matrix_of_triangle(row) for row in np.eye(size)] for size in (10, 136)]
    zero_W, zero_Q = np.zeros((4, 4)), np.zeros((16, 16))
    constant = _left_over(zero_W, zero_Q, 1).astype(float)
    moves = [_left_over(W, zero_Q, 1) - constant for W in basis[0]] + [
        _left_over(zero_W, Q, 1) - constant for Q in basis[1]
    ]
    F = np.stack([triangle(move.astype(float)) for move in moves], axis=1)
    of_Q = np.hstack([np.zeros((136, 10)), np.eye(136)])
    rho = in_bobs_frame(sp.Rational(str(v))).astype(complex).real
    costs = np.concatenate([[np.trace(W @ rho) for W in basis[0]], np.zeros(136)])
    x = solve_semidefinite(costs, [(F, triangle(constant)), (of_Q, np.zeros(136))], almost=True).x
    return matrix_of_triangle(x[:10]), matrix_of_triangle(x[10:])


def most(v: float) -> float:
    """The greatest Σ p ⟨E⟩⟨F⟩, in floating point and to the accuracy of the solver, which proves nothing.

    v : the visibility, from 0 to 1. Raises ``ValueError`` for another number.

    >>> round(most(0.88), 5)
    0.21789
    """
    v = real_number(v, "v", 0, 1)
    W, _ = _proposal(v)
    return float(np.trace(W @ in_bobs_frame(sp.Rational(str(v))).astype(complex).real) / 4)


def no_facts(v: sp.Rational) -> bool:
    """Whether it is proved that from the visibility v on no decomposition of the pair agrees with a classical model.

    W and Q are rounded to whole numbers and a little is added to both; what is left over and Q have factors that prove
    them positive; and Tr[Wρ] − (3s − 1)/4, which is affine in the visibility, is negative at v and at 1.

    v : a fraction from 0 to 1. Raises ``TypeError`` or ``ValueError`` for anything else.

    >>> no_facts(sp.Rational(9, 10)), no_facts(sp.Rational(22, 25))
    (True, False)
    """
    require(sp.Rational, v=v)
    real_number(v, "v", 0, 1)
    whole = [np.frompyfunc(round, 1, 1)(matrix.astype(object) * QUARTER) for matrix in _proposal(float(v))]
    W, Q = (matrix + RESERVE * np.eye(len(matrix), dtype=object) for matrix in whole)
    if positive_factor(Q) is None or positive_factor(_left_over(W, Q, QUARTER)) is None:
        return False
    at = sp.Symbol("v")
    excess = sp.expand(np.trace(exact(W) @ in_bobs_frame(at)) / (4 * QUARTER) - (3 * at / sp.sqrt(2) - 1) / 4)
    return bool(excess.subs(at, v) < 0) and bool(excess.subs(at, 1) < 0)


# --- from below ------------------------------------------------------------------------------------------------------


def facts() -> tuple[sp.Rational, Array, Array]:
    """A visibility, and a decomposition of the pair into four pure states: weights (4,), states (4, 4, 4); exact.

    It is made of the four Bell states by a rational rotation, (1 − S)(1 + S)⁻¹ with S skew-symmetric (Cayley).

    >>> from compendium.studies.one_experiment import noisy_pair
    >>> v, weights, states = facts()
    >>> bool(np.all(np.einsum("k,kij->ij", weights, states) == noisy_pair(v))), round(float(v), 4)
    (True, 0.8821)
    """
    v = (CLOSE**2 - 1) / (CLOSE**2 + 3)
    S = exact(np.zeros((4, 4), dtype=int))
    S[np.triu_indices(4, 1)] = exact(FOUND_BY_SEARCH) / 100
    S = S - S.T
    one, first = sp.eye(4), exact([1, 0, 0, -1]) / sp.sqrt(2)
    rotation = np.array((one - sp.Matrix(S)) * (one + sp.Matrix(S)).inv())
    turns = [exact(np.eye(2, dtype=int)), PAULI_X, PAULI_Z, PAULI_X @ PAULI_Z]
    bell = np.array([kron(turns[0], turn) @ first for turn in turns])
    kets = rotation @ (bell * np.array([CLOSE, 1, 1, 1], dtype=object)[:, None])  # in units of √((1 − v)/4)
    norms = np.array([sp.expand(ket @ ket) for ket in kets])
    outer = np.array([[[sp.expand(a * b) for b in ket] for a in ket] for ket in kets])
    return v, norms * (1 - v) / 4, outer / norms[:, None, None]


def excess() -> tuple[sp.Rational, Any]:
    """A visibility, and by how much Σ p ⟨E⟩⟨F⟩ exceeds there, for `facts`, what classical models allow; exact.

    >>> v, more = excess()
    >>> bool(more > 0)
    True
    """
    v, weights, states = facts()
    zero, qubit = effects(PAULI_Z)[0], exact(np.eye(2, dtype=int))
    E = np.kron(zero, effects((PAULI_Z + PAULI_X) / sp.sqrt(2))[0])
    F = np.kron(qubit, effects((PAULI_Z - PAULI_X) / sp.sqrt(2))[1])
    total = sum(w * np.trace(rho @ E) * np.trace(rho @ F) for w, rho in zip(weights, states, strict=True))
    return v, sp.radsimp(sp.expand(total - (3 * v / sp.sqrt(2) - 1) / 4))
