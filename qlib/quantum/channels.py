"""Measurements on finite-dimensional quantum systems, and the Born rule.

Conventions. A measurement is an array of effects E[a, i, j], outcome first; a measurement that depends on a setting
is E[s, a, i, j], setting first. Outcome 0 of a two-outcome observable belongs to its eigenvalue +1, outcome 1 to −1.
A state of several systems is a matrix on the tensor product in the order in which the systems are named
(the first factor is the slowest index, as in ``np.kron``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import (
    Complexes,
    kraus_numbers,
    numbers,
    real_number,
    reals,
    require,
    require_shape,
    whole,
    wholes,
)
from qlib.numbers.exact_arrays import (
    ROUNDING,
    Array,
    as_float,
    common,
    conjugate,
    exact,
    exact_sign,
    field_matrix,
    has_free_symbols,
    is_exact,
    is_positive_semidefinite,
    recognised,
    simplified,
    vanishes,
)

PAULI_X = exact([[0, 1], [1, 0]])
PAULI_Y = exact([[0, -sp.I], [sp.I, 0]])
PAULI_Z = exact([[1, 0], [0, -1]])
IDENTITY = exact([[1, 0], [0, 1]])


def pure_state(vector: ArrayLike) -> Array:
    """The density operator |ψ⟩⟨ψ| of a unit vector, exact or not.

    Raises ``ValueError`` if it is not a vector or its squared norm is not 1.

    >>> pure_state(exact([1, 0]))
    array([[1, 0],
           [0, 0]], dtype=object)
    """
    ket = numbers(vector, "vector")
    if ket.ndim != 1:
        raise ValueError(f"state vector: shape {ket.shape} should be (d,)")
    return _projector(ket, "state vector")


def _projector(ket: Array, name: str) -> Array:
    norm = ket @ conjugate(ket)
    if not vanishes(norm - 1, 1e-12):
        raise ValueError(f"{name}: its squared norm is {norm}, and should be 1")
    return simplified(np.outer(ket, conjugate(ket)))


def density_operator(state: ArrayLike, name: str = "state") -> Array:
    """A state as a matrix: |ψ⟩⟨ψ| of a ket, which has one axis; a density operator, or a batch of them, as it is.

    States of Qiskit's are reordered, as everywhere.
    Raises ``ValueError`` for what is no square matrix, or a ket whose squared norm is not 1; see `validate_state`.

    >>> density_operator([0.6, 0.8j]).round(2).tolist()
    [[(0.36+0j), -0.48j], [0.48j, (0.64+0j)]]
    """
    require(str, name=name)
    require_shape(found := _without_kets(state, name), name, (..., "d", "d"))
    return found


def _without_kets(state: ArrayLike, name: str) -> Array:
    found = numbers(state, name)
    return _projector(found, name) if found.ndim == 1 and found.size else found


def effects(observable: ArrayLike) -> Array:
    """The two effects (1 ± O)/2 of an observable with O² = 1: outcome 0 ↔ +1, outcome 1 ↔ −1.

    observable : shape (..., d, d). Returns shape (..., 2, d, d). Wang & Zhang (2025), eq. (12).
    Raises ``ValueError`` if O is not square, not Hermitian or O² is not 1, with the largest deviation.

    >>> effects(PAULI_X)[1]
    array([[1/2, -1/2],
           [-1/2, 1/2]], dtype=object)
    """
    O = simplified(numbers(observable, "observable"))
    if O.ndim < 2 or O.shape[-1] != O.shape[-2]:
        raise ValueError(f"observable: shape {O.shape} should be (..., d, d)")
    one = np.eye(O.shape[-1], dtype=int)
    for what, deviation in (("O - O†", O - conjugate(np.swapaxes(O, -1, -2))), ("O² - 1", O @ O - one)):
        if not vanishes(deviation, 1e-12):
            raise ValueError(f"observable: {what} should vanish, but its largest entry is {largest(deviation):.3g}")
    half = sp.Rational(1, 2) if is_exact(O) else 0.5
    return np.stack([half * (one + O), half * (one - O)], axis=-3)


def largest(array: Array) -> float:
    """The largest absolute value among the entries of an array, exact or not; nan if one of them is nan.

    Raises ``ValueError`` for an entry that depends on a symbol, however it is simplified.

    >>> t = sp.Symbol("t")
    >>> largest(exact([1, -2 * sp.I, sp.sin(t) ** 2 + sp.cos(t) ** 2]))
    2.0
    """
    values = numbers(array, "array", finite=False)
    if is_exact(values):
        values = np.frompyfunc(lambda entry: sp.simplify(entry) if sp.sympify(entry).free_symbols else entry, 1, 1)(
            values
        )
    return float(np.max(np.abs(_numbers(values)), initial=0.0))


def _numbers(array: ArrayLike, name: str = "array") -> Complexes:
    """The array in complex floating-point numbers; ``ValueError`` for an entry with a free symbol."""
    values = np.asarray(array)
    for index, entry in np.ndenumerate(values) if is_exact(values) else ():
        if getattr(entry, "free_symbols", None):
            raise ValueError(f"{name}: entry {index} should be a number, but is {entry}")
    return values.astype(np.complex128)


def validate_measurement(measurement: ArrayLike, name: str = "measurement", tolerance: float = 1e-9) -> Array:
    """The measurement, if its effects are Hermitian, positive semidefinite and complete for every setting.

    measurement : effects of shape (..., outcomes, d, d).
    Raises ``ValueError`` naming the measurement, the entry and the deviation.

    >>> validate_measurement(np.array([[[1, 0], [0, 0]], [[0, 0], [0, 0.9]]]), "M")
    Traceback (most recent call last):
        ...
    ValueError: M: its effects should add up to the identity (largest deviation 0.1)
    """
    require(str, name=name)
    real_number(tolerance, "tolerance", 0)
    E = numbers(measurement, "measurement")
    if E.ndim < 3 or E.shape[-1] != E.shape[-2] or E.size == 0:
        raise ValueError(f"{name}: shape {E.shape} should be (..., outcomes, d, d)")
    values = _numbers(E, name)
    if not vanishes(skew := E - conjugate(E).swapaxes(-1, -2), tolerance):
        raise ValueError(f"{name}: its effects should be Hermitian (largest deviation {largest(skew):.3g})")
    if not vanishes(rest := E.sum(axis=-3) - np.eye(E.shape[-1], dtype=int), tolerance):
        raise ValueError(f"{name}: its effects should add up to the identity (largest deviation {largest(rest):.3g})")
    lowest = np.linalg.eigvalsh(values).min(axis=-1)
    if lowest.min() < -tolerance:
        index = tuple(map(int, np.unravel_index(int(np.argmin(lowest)), lowest.shape)))
        raise ValueError(f"{name}: effect {index} should be positive, but has the eigenvalue {lowest.min():.3g}")
    if is_exact(E):
        require_positive(E, name, "each effect")
    return E


def validate_state(rho: ArrayLike, name: str = "rho", tolerance: float = 1e-9) -> Array:
    """The density operator of a state, if it is Hermitian, positive semidefinite and of trace one; a ket is one.

    Raises ``ValueError`` naming what fails and by how much.

    >>> validate_state(np.diag([0.5, 0.4]))
    Traceback (most recent call last):
        ...
    ValueError: rho: its trace should be 1, but is 0.9
    """
    require(str, name=name)
    real_number(tolerance, "tolerance", 0)
    R = _without_kets(rho, name)
    if R.ndim != 2 or R.shape[0] != R.shape[1] or R.size == 0:
        raise ValueError(f"{name}: shape {R.shape} should be (d, d)")
    values = _numbers(R, name)
    if not vanishes(skew := R - conjugate(R).T, tolerance):
        raise ValueError(f"{name}: it should be Hermitian (largest deviation {largest(skew):.3g})")
    if not vanishes(np.trace(R) - 1, tolerance):
        raise ValueError(f"{name}: its trace should be 1, but is {np.trace(values).real:.6g}")
    if (least := float(np.linalg.eigvalsh(values).min())) < -tolerance:
        raise ValueError(f"{name}: it should be positive, but has the eigenvalue {least:.3g}")
    if is_exact(R):
        require_positive(R, name)
    return R


def born_rule(rho: ArrayLike, M: ArrayLike, N: ArrayLike) -> Array:
    """P[s, t, a, b] = tr[(M[s, a] ⊗ N[t, b]) ρ], the law of two local measurements on a bipartite state.

    rho : (dA·dB, dA·dB), or a ket. M : effects (settings, outcomes, dA, dA). N : effects (settings, outcomes, dB, dB).
    Exact, symbolic and floating-point arguments alike; exact results are simplified. The arguments are taken as they
    are: see `validate_state` and `validate_measurement`. Wang & Zhang (2025), eqs. (1) and (2).
    Raises ``ValueError`` for shapes that do not fit, or a law that is not real.

    >>> bell = pure_state(exact([1, 0, 0, 1]) / sp.sqrt(2))
    >>> Z = effects(PAULI_Z)[None]
    >>> born_rule(bell, Z, Z)[0, 0]
    array([[1/2, 0],
           [0, 1/2]], dtype=object)
    """
    M, N, R = numbers(M, "M"), numbers(N, "N"), _without_kets(rho, "rho")
    for name, E in (("M", M), ("N", N)):
        if E.ndim != 4 or E.shape[-1] != E.shape[-2]:
            raise ValueError(f"{name}: shape {E.shape} should be (settings, outcomes, d, d)")
    a, b = M.shape[-1], N.shape[-1]
    if R.shape != (a * b, a * b):
        raise ValueError(f"rho: shape {R.shape} should be {(a * b, a * b)}, as M acts on {a} and N on {b} dimensions")
    P = np.einsum("saij,tbkl,jlik->stab", M, N, R.reshape(a, b, a, b))
    if is_exact(P):
        return simplified(P)
    if not (worst := largest(P.imag)) <= 1e-9:  # of a law, whose probabilities sum to one
        raise ValueError(
            f"the law should be real, but has the imaginary part {worst:.3g}: rho, M or N is not Hermitian"
        )
    return as_float(P.real)


def kron(*operators: ArrayLike) -> Array:
    """The Kronecker product of operators of shape (..., rows, columns), the first slowest; leading axes broadcast.

    Among floating-point operators exact ones become such.

    >>> kron([[1, 2]], [[[1], [10]], [[0], [5]]]).tolist()
    [[[1, 2], [10, 20]], [[0, 0], [5, 10]]]
    """
    if not operators:
        raise ValueError("operators: there should be at least one")
    result, *others = (numbers(operator, "operators", (..., None, None)) for operator in operators)
    for operator in others:
        result, B = common([result, operator])
        product = np.einsum("...ij,...kl->...ikjl", result, B)
        rows, columns = result.shape[-2] * B.shape[-2], result.shape[-1] * B.shape[-1]
        result = np.asarray(product).reshape((*product.shape[:-4], rows, columns))
    return result


def partial_trace(operator: ArrayLike, dims: Sequence[int], keep: Sequence[int]) -> Array:
    """The operator with every tensor factor traced out but those in `keep`, in the order in which they stood.

    operator : (..., ∏dims, ∏dims). Raises ``ValueError`` if its shape or `keep` does not fit `dims`.

    >>> partial_trace(pure_state(exact([1, 0, 0, 1]) / sp.sqrt(2)), (2, 2), keep=(1,))
    array([[1/2, 0],
           [0, 1/2]], dtype=object)
    """
    dims, keep = wholes(dims, "dims", 1), wholes(keep, "keep")
    size, n = int(np.prod(dims)), len(dims)
    O = numbers(operator, "operator")
    if O.shape[-2:] != (size, size):
        expected = f"(..., {size}, {size})" if O.ndim > 2 else f"{(size, size)}"
        raise ValueError(f"operator: shape {O.shape} should be {expected} for factors of dimensions {tuple(dims)}")
    if not set(keep) <= set(range(n)) or len(set(keep)) < len(keep):
        raise ValueError(f"keep={tuple(keep)}: should be different numbers of factors, 0 to {n - 1}")
    kept, batch = sorted(keep), O.shape[:-2]
    rows = list(range(n))
    columns = [n + k if k in kept else k for k in rows]
    leading = [2 * n + k for k in range(len(batch))]
    traced = np.einsum(
        O.reshape((*batch, *dims, *dims)), [*leading, *rows, *columns], [*leading, *kept, *(n + k for k in kept)]
    )
    d = int(np.prod([dims[k] for k in kept]))
    return np.asarray(traced).reshape((*batch, d, d))


def require_positive(
    operator: ArrayLike, name: str, what: str = "it", tolerance: float = 1e-9, computed_from: ArrayLike = 0.0
) -> None:
    """Raise ``ValueError`` if an operator of shape (..., D, D) is not Hermitian or not positive semidefinite.

    name : of the object, what : of its operator, for the message. Of exact numbers it is decided exactly; in
    floating-point arithmetic within `tolerance` of the largest entry of each element of a batch. computed_from : the
    size of the numbers of which the operator may be a difference; their rounding is let pass, too. Operators whose
    entries have free symbols cannot be checked and are let pass.

    >>> require_positive([[1, 0], [0, -1]], "rho")
    Traceback (most recent call last):
        ...
    ValueError: rho: it should be positive semidefinite (least eigenvalue -1)
    """
    real_number(tolerance, "tolerance", 0)
    require(str, name=name, what=what)
    O = numbers(operator, "operator", (..., "D", "D"))
    if has_free_symbols(O):
        return
    values = _numbers(O, name)
    scale = tolerance * np.abs(values).max(axis=(-2, -1), initial=0.0) + ROUNDING * reals(
        computed_from, "computed_from"
    )
    skew = np.abs(values - values.conj().swapaxes(-1, -2)).max(axis=(-2, -1), initial=0.0)
    if not np.all(skew <= scale) or (is_exact(O) and not vanishes(O - conjugate(O).swapaxes(-1, -2))):
        raise ValueError(f"{name}: {what} should be Hermitian (max deviation {skew.max():.3g})")
    eigenvalues = np.linalg.eigvalsh(values).min(axis=-1, initial=np.inf)
    least = eigenvalues.min(initial=0.0)
    if not np.all(eigenvalues >= -scale):
        raise ValueError(f"{name}: {what} should be positive semidefinite (least eigenvalue {least:.3g})")
    for index in np.argwhere(eigenvalues <= scale) if is_exact(O) else ():  # too near to zero for floating point
        if not _is_exactly_positive(recognised(O[tuple(index)])):
            raise ValueError(f"{name}: {what} should be positive semidefinite (an eigenvalue is negative, but small)")


def _is_exactly_positive(matrix: Array) -> bool:
    """Whether a Hermitian matrix of exact numbers is positive; the commonest ones, of rank one, are found quickly."""
    k = int(np.argmax(matrix.diagonal().astype(complex).real))
    if vanishes(matrix * matrix[k, k] - np.outer(matrix[:, k], matrix[k])):
        return exact_sign(matrix[k, k]) >= 0
    return is_positive_semidefinite(field_matrix(matrix))


def deviation_note(deviation: ArrayLike) -> str:
    """The largest entry of a deviation for a message, in brackets; nothing if an entry has free symbols."""
    values = numbers(deviation, "deviation")
    return "" if has_free_symbols(values) else f" (max deviation {largest(values):.3g})"


def process_cj(kraus: ArrayLike) -> Array:
    """The Choi–Jamiołkowski operator of a channel *between* nodes, ρ_{B|A} = Σ ℰ(|i⟩⟨j|) ⊗ |i⟩⟨j|, on B_in ⊗ A_out.

    kraus : shape (..., k, d_out, d_in). Returns shape (..., d_out·d_in, d_out·d_in), the output first. The trace over
    the output is the identity on the input. Eq. (14) of Suresh, Frembs & Cavalcanti (2023).

    >>> process_cj(exact([[[1, 0], [0, 1]]]))[0]
    array([1, 0, 0, 1], dtype=object)
    """
    K = kraus_numbers(kraus, "kraus")
    rho = np.einsum("...koi,...kpj->...oipj", K, conjugate(K))
    d = K.shape[-1] * K.shape[-2]
    return np.asarray(rho).reshape((*K.shape[:-3], d, d))


def instrument_cj(kraus: ArrayLike) -> Array:
    """The Choi–Jamiołkowski operator of a map *at* a node, τ = Σ ℳ(|i⟩⟨j|)ᵀ ⊗ |j⟩⟨i|, on A_out ⊗ A_in.

    The transpose of `process_cj` of the same map: the pairing Tr[σ τ] of eq. (12) needs one of each. Eq. (10) of
    Suresh, Frembs & Cavalcanti (2023). Shapes as there.

    >>> Y = exact([[[1, 0], [0, sp.I]]])
    >>> instrument_cj(Y)[0, 3], process_cj(Y)[0, 3]
    (I, -I)
    """
    return np.swapaxes(process_cj(kraus), -1, -2)


def choi(kraus: ArrayLike) -> Array:
    """The usual Choi operator Σ |i⟩⟨j| ⊗ ℳ(|i⟩⟨j|) of a map, the *input first*, as in ``qiskit.quantum_info.Choi``.

    kraus : shape (..., k, d_out, d_in). Returns shape (..., d_in·d_out, d_in·d_out).

    >>> choi(exact([[[1, 0], [0, 0], [0, 1]]]))[0]
    array([1, 0, 0, 0, 0, 1], dtype=object)
    """
    K = kraus_numbers(kraus, "kraus")
    return swap_factors(process_cj(K), (K.shape[-2], K.shape[-1]))


def swap_factors(operator: ArrayLike, dims: tuple[int, int]) -> Array:
    """The operator on B ⊗ A for one of shape (..., dims[0]·dims[1], dims[0]·dims[1]) on A ⊗ B."""
    if len(both := wholes(dims, "dims", 1)) != 2:
        raise ValueError(f"dims: {both} should be two dimensions")
    a, b = both
    O = numbers(operator, "operator", (..., a * b, a * b))
    batch = O.shape[:-2]
    swapped = np.einsum("...abcd->...badc", O.reshape((*batch, a, b, a, b)))
    return np.asarray(swapped).reshape(O.shape)


def kraus_operators(cj: ArrayLike, d_out: int, tolerance: float = ROUNDING) -> Complexes:
    """Kraus operators of a map from its operator (14), `process_cj`: orthogonal, as few as can be, (k, d_out, d_in).

    cj : shape (d_out·d_in, d_out·d_in), of numbers. The largest comes first; eigenvalues up to `tolerance` times the
    largest one are zero.
    Raises ``ValueError`` for an operator that is not positive or of another size.

    >>> abs(kraus_operators(process_cj([[[0, 1], [1, 0]]]), 2)).round(12).tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """
    whole(d_out, "d_out", 1)
    real_number(tolerance, "tolerance", 0)
    values = _numbers(numbers(cj, "cj"), "operator of a map")
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.shape[0] % d_out:
        raise ValueError(f"operator of a map: shape {values.shape} should be (d_out·d_in, d_out·d_in), d_out = {d_out}")
    require_positive(values, "operator of a map", computed_from=1.0)
    weights, vectors = np.linalg.eigh(values)
    chosen = weights[::-1] > tolerance * weights[-1]
    scaled = (vectors * np.sqrt(np.clip(weights, 0, None))).T[::-1][chosen]
    return np.asarray(scaled.reshape((-1, d_out, values.shape[0] // d_out)), dtype=np.complex128)
