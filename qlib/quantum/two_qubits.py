"""States of two qubits (and GHZ states): correlation matrix, concurrence, and the largest CHSH value (Horodecki)."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import Complexes, Floats, Shape, numbers, probabilities, reals, whole
from qlib.numbers.exact_arrays import Array, exact, is_exact
from qlib.quantum.channels import PAULI_X, PAULI_Y, PAULI_Z, density_operator, require_positive

CHSH = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]])  # S as a functional of correlators, index 0 the identity
MOST_PARTIES = 8  # for an exhaustion of the deterministic strategies, 4 for each party


def ghz_state(parties: int) -> Array:
    """The density operator of (|0…0⟩ + |1…1⟩)/√2, exact, shape (2ⁿ, 2ⁿ).

    >>> ghz_state(2)[0]
    array([1/2, 0, 0, 1/2], dtype=object)
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    rho = exact(np.zeros((2**parties,) * 2, dtype=int))
    rho[np.ix_([0, -1], [0, -1])] = sp.Rational(1, 2)
    return rho


_SIGMA = np.stack([PAULI_X, PAULI_Y, PAULI_Z]).astype(np.complex128)


_FLIP = np.kron(_SIGMA[1], _SIGMA[1])


def spin_observable(direction: ArrayLike) -> Complexes:
    """n·σ for unit vectors n of shape (..., 3), shape (..., 2, 2).

    Raises ``ValueError`` for another length or another number of components.

    >>> spin_observable([0, 0, 1]).real
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    return np.asarray(np.einsum("...k,kij->...ij", _directions(direction, "direction"), _SIGMA))


def _directions(vectors: ArrayLike, name: str, shape: Shape = (..., 3)) -> Floats:
    """Unit vectors of shape (..., 3)."""
    n = reals(vectors, name, shape)
    if not (worst := np.max(np.abs((n * n).sum(axis=-1) - 1), initial=0.0)) <= 1e-9:
        raise ValueError(f"{name}: its squared length should be 1, but is off by {worst:.3g}")
    return n


def correlation_matrix(rho: ArrayLike) -> Floats:
    """T[i, j] = tr[ρ σ_i ⊗ σ_j] for i, j = X, Y, Z: shape (..., 3, 3) for two-qubit states of shape (..., 4, 4).

    Raises ``ValueError`` for another shape.

    >>> correlation_matrix(ghz_state(2)).diagonal()
    array([ 1., -1.,  1.])
    """
    return _pauli_means(rho)[..., 1:, 1:]


def _pauli_means(rho: ArrayLike) -> Floats:
    """tr[ρ σ_i ⊗ σ_j] for i, j = 1, X, Y, Z: shape (..., 4, 4)."""
    R = _two_qubits(rho)
    R = R.reshape(*R.shape[:-2], 2, 2, 2, 2)
    sigma = np.concatenate([np.eye(2)[None], _SIGMA])
    return np.asarray(np.einsum("...acbd,iba,jdc->...ij", R, sigma, sigma).real)


def _two_qubits(rho: ArrayLike) -> Complexes:
    """The states, checked: Hermitian, positive and of trace one; a single one may be a ket."""
    R = numbers(density_operator(rho, "rho"), "rho", (..., 4, 4))
    require_positive(R, "rho")
    R = R.astype(np.complex128)
    if (deviation := abs(np.trace(R, axis1=-2, axis2=-1) - 1).max(initial=0)) > 1e-9:
        raise ValueError(f"rho: its trace should be 1, but is off by {deviation:.3g}")
    return R


def chsh_maximum(rho: ArrayLike) -> Floats:
    """The largest S of a two-qubit state over all projective measurements, 2√(u + v), shape (...).

    u, v : the two largest eigenvalues of TᵀT. Horodecki, Horodecki & Horodecki, Phys. Lett. A 200, 340 (1995). The best
    of two-outcome measurements is projective or trivial, so a value of at least 2 is the maximum over all.

    >>> round(float(chsh_maximum(ghz_state(2))), 9)
    2.828427125
    """
    singular = np.linalg.svd(correlation_matrix(rho), compute_uv=False)
    return np.asarray(2 * np.linalg.norm(singular[..., :2], axis=-1))[()]


def optimal_settings(rho: ArrayLike) -> tuple[Floats, Floats]:
    """Bloch vectors with which a two-qubit state reaches `chsh_maximum`: those of A_0, A_1 and those of B_0, B_1.

    Two arrays of shape (..., 2, 3), setting first, for S = E(00) + E(01) + E(10) − E(11).

    >>> alice, bob = optimal_settings(ghz_state(2))
    >>> round(float(chsh_value(spin_correlators(ghz_state(2), alice, bob))), 9)
    2.828427125
    """
    U, s, Vt = np.linalg.svd(correlation_matrix(rho))
    alice = np.swapaxes(U, -1, -2)[..., :2, :]
    norm = np.linalg.norm(s[..., :2], axis=-1)
    weight = np.where(norm[..., None] > 0, s[..., :2], [1.0, 0.0]) / np.where(norm > 0, norm, 1.0)[..., None]
    plus, minus = (weight[..., k, None] * Vt[..., k, :] for k in (0, 1))
    return alice, np.stack([plus + minus, plus - minus], axis=-2)


def chsh_value(E: ArrayLike) -> Any:
    """S = E(0,0) + E(0,1) + E(1,0) − E(1,1) of correlators, shape (...).

    E : shape (..., 3, 3), where index 0 is the identity and E[1 + x, 1 + y] the correlator E(x, y) of two settings; see
    :mod:`qlib.correlations.behaviours`. Numbers of either system. Clauser, Horne, Shimony & Holt, Phys. Rev. Lett. 23,
    880 (1969).

    >>> chsh_value(exact([[1, 0, 0], [0, 1, 1], [0, 1, -1]]) / sp.sqrt(2))
    2*sqrt(2)
    """
    S = np.einsum("...xy,xy->...", numbers(E, "E", (..., 3, 3))[..., 1:, 1:], CHSH[1:, 1:])
    return np.frompyfunc(sp.expand, 1, 1)(S) if is_exact(S) else S


def spin_correlators(rho: ArrayLike, alice: ArrayLike, bob: ArrayLike) -> Floats:
    """The correlators E[..., i, j] of two-qubit states, measured along Bloch vectors; index 0 is the identity.

    rho : shape (..., 4, 4). alice, bob : unit vectors, shape (..., settings, 3). Returns (..., 1 + settings,
    1 + settings), the layout of :mod:`qlib.correlations.behaviours`. Raises ``ValueError`` for other shapes or lengths.

    >>> z, x = [0, 0, 1], [1, 0, 0]
    >>> spin_correlators(ghz_state(2), [z, x], [z])
    array([[1., 0.],
           [0., 1.],
           [0., 0.]])
    """
    a, b = (_with_identity(_directions(n, name, (..., None, 3))) for n, name in ((alice, "alice"), (bob, "bob")))
    return np.asarray(np.einsum("...si,...ij,...tj->...st", a, _pauli_means(rho), b))


def _with_identity(directions: Floats) -> Floats:
    """The identity and then observables n·σ, in terms of 1, X, Y, Z: shape (..., 1 + settings, 4)."""
    *batch, settings, _ = directions.shape
    components = np.zeros((*batch, 1 + settings, 4))
    components[..., 0, 0], components[..., 1:, 1:] = 1, directions
    return components


def concurrence(rho: ArrayLike) -> Floats:
    """The concurrence of two-qubit states of shape (..., 4, 4): 0 if separable, 1 if maximally entangled; shape (...).

    max(0, λ₁ − λ₂ − λ₃ − λ₄) where λ are the singular values of Rᵀ (σ_Y ⊗ σ_Y) R for ρ = R R†. Wootters, Phys. Rev.
    Lett. 80, 2245 (1998).

    >>> round(float(concurrence(ghz_state(2))), 12)
    1.0
    """
    weights, vectors = np.linalg.eigh(_two_qubits(rho))
    R = vectors * np.sqrt(np.clip(weights, 0, None))[..., None, :]
    singular = np.linalg.svd(np.swapaxes(R, -1, -2) @ _FLIP @ R, compute_uv=False)
    return np.asarray(np.clip(singular[..., 0] - singular[..., 1:].sum(axis=-1), 0, None))[()]


def werner_state(visibility: Any) -> Array:
    """v |Φ⁺⟩⟨Φ⁺| + (1 − v)/4, shape (..., 4, 4) for visibilities of shape (...); exact for exact ones.

    Entangled for v > 1/3; for v ≤ 1/2 all projective measurements have a local model (Werner, Phys. Rev. A 40, 4277
    (1989)); CHSH is violated for v > 1/√2.

    >>> werner_state(sp.Rational(1, 2))[0]
    array([3/8, 0, 0, 1/4], dtype=object)
    """
    v = probabilities(visibility, "visibility")[..., None, None]
    bell, noise = ghz_state(2), exact(np.eye(4, dtype=int)) / 4
    if not is_exact(v):
        bell, noise = bell.astype(np.float64), noise.astype(np.float64)
    return np.asarray(v * bell + (1 - v) * noise)
