r"""Quantum strategies for the instrumental experiment, and how far the bound on the ACE can miss its true value.

In the instrumental experiment Z chooses Alice's measurement, her outcome is X; X chooses Bob's measurement, his outcome
is Y. One strategy, that is a state and observables A_0, A_1 and B_0, B_1, therefore gives both

* what is observed, p(x, y | z) = P(x, y | s = z, t = x), from which the bounds on the ACE are computed, and
* what an intervention would show, P(Y = 1 | do(X = x)) = P(b = 1 | t = x), so ACE = (⟨B_0⟩ − ⟨B_1⟩)/2,

where P(a, b | s, t) is the behaviour of an ordinary Bell experiment with two settings and two outcomes (Wang & Zhang
2025, eqs. (1) and (2)). The gap between a bound and the ACE is a *functional* of that behaviour; all that matters of
a strategy is its array of *correlators*; both as in :mod:`qlib.correlations.behaviours`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.correlations.behaviours import behaviour, functional, functional_value
from qlib.numbers.arguments import Floats, numbers, real_number, reals, require, whole
from qlib.numbers.exact_arrays import Array, exact, is_exact

HALF = sp.Rational(1, 2)
ACE = exact([[0, HALF, -HALF], [0, 0, 0], [0, 0, 0]])
"""The functional of the average causal effect."""


# --- from the experiment to functionals ------------------------------------------------------------------------------


def observed(correlators: ArrayLike) -> Array:
    """The behaviour p[x, y, z] = P(x, y | s = z, t = x) that is observed, from correlators of shape (..., 3, 3).

    >>> observed(np.eye(3)).sum(axis=(0, 1))
    array([1., 1.])
    """
    correlators = numbers(correlators, "correlators", (..., 3, 3))
    P = behaviour(correlators)
    return np.stack([np.moveaxis(P[..., :, x, x, :], -2, -1) for x in (0, 1)], axis=-3)


def fused_behaviour(p: ArrayLike, do: ArrayLike) -> Array:
    """The Bell behaviour P[s, t, a, b] of an experiment that was both observed and intervened upon; exact for exact.

    p : what is observed, p[x, y, z]. do : P(Y=1 | do X=t) for t = 0 and 1. Observed are rounds with t = x; and as the
    choice of s is not felt at Y, P(a, b | s, t) = P(Y=b | do X=t) − p(t, b | s) for the value a that is not t. So with
    a treatment of two values nothing is left open, whatever the common cause is; `observed` leads back. With more of
    them :func:`qlib.models.behaviour_without_signalling` makes one of many. Symbols may stand for numbers.
    Raises ``ValueError`` for other shapes.

    >>> E = qubit_correlators([[1, 0], [0, 1]], [[1, 0], [0, 1]], 1, 0)
    >>> bool((fused_behaviour(observed(E), [0.5, 0.5]) == behaviour(E)).all())
    True
    """
    p, do = numbers(p, "p", (2, 2, 2)), numbers(do, "do", (2,))
    effects = np.stack([1 - do, do], axis=-1)  # [t, y]
    P = np.empty((2, 2, 2, 2), dtype=np.result_type(p, do))
    for s, t, b in np.ndindex(2, 2, 2):
        P[s, t, t, b] = p[t, b, s]
        P[s, t, 1 - t, b] = effects[t, b] - p[t, b, s]
    return P


def gap_functional(expression: ArrayLike, constant: Any = 0) -> Array:
    """The functional of (bound − ACE) for the bound Σ expression[x, y, z] p(x, y | z) + constant; exact.

    Negate it for an upper bound.

    >>> gap_functional(np.zeros((2, 2, 2), dtype=int))[0]          # minus the ACE
    array([0, -1/2, 1/2], dtype=object)
    """
    l = exact(numbers(expression, "expression", (2, 2, 2)))
    c = exact(np.zeros((2, 2, 2, 2), dtype=int))
    for x, y, z in np.ndindex(2, 2, 2):
        c[z, x, x, y] = l[x, y, z]
    return functional(c, constant) - ACE


def relabelled(F: ArrayLike, *, z: bool = False, x: bool = False, y: bool = False) -> Array:
    """The functional after renaming the values of Z, X or Y: its value at a strategy is F's at the renamed strategy.

    Renaming Z swaps Alice's settings; renaming X changes the sign of her observables and swaps Bob's settings; renaming
    Y changes the sign of his observables. The ACE changes sign with X, and with Y.

    >>> bool((relabelled(ACE, x=True) == -ACE).all())
    True
    """
    F = numbers(F, "F", (3, 3))
    if z:
        F = F[[0, 2, 1]]
    if x:
        F = (F * np.array([[1], [-1], [-1]]))[:, [0, 2, 1]]
    return np.asarray(F * np.array([1, -1, -1]) if y else F)


def local_facets() -> dict[str, Array]:
    """The inequalities F ≤ 0 that bound the classical behaviours: eight (CHSH − 2)/4, sixteen −P(a, b | s, t).

    Fine (1982): these are all. Keys: "CHSH +++-" with the signs of ⟨A0B0⟩, ⟨A0B1⟩, ⟨A1B0⟩, ⟨A1B1⟩, and "P(ab|st)".

    >>> len(local_facets())
    24
    """
    inequalities = {}
    for signs in np.ndindex(2, 2, 2, 2):
        if sum(signs) % 2:
            F = exact(np.zeros((3, 3), dtype=int))
            F[0, 0], F[1:, 1:] = -HALF, exact((1 - 2 * np.array(signs)).reshape(2, 2)) / 4
            inequalities["CHSH " + "".join("+-"[s] for s in signs)] = F
    for s, t, a, b in np.ndindex(2, 2, 2, 2):
        c = exact(np.zeros((2, 2, 2, 2), dtype=int))
        c[s, t, a, b] = -1
        inequalities[f"P({a}{b}|{s}{t})"] = functional(c)
    return inequalities


def as_facets(F: ArrayLike) -> tuple[str, ...]:
    """The one or two facets whose functionals add up to F, by exhaustion.

    Raises ``ValueError`` if F is no such sum.

    >>> as_facets(local_facets()["P(01|01)"] + local_facets()["CHSH +++-"])
    ('CHSH +++-', 'P(01|01)')
    """
    F, all_facets = exact(numbers(F, "F", (3, 3))), local_facets()
    for number in (1, 2):
        for names in combinations(all_facets, number):
            if np.array_equal(sum(all_facets[name] for name in names), F):
                return names
    raise ValueError(f"F: {F.tolist()} is not the sum of one or two facets")


# --- strategies ------------------------------------------------------------------------------------------------------


def qubit_correlators(alice: ArrayLike, bob: ArrayLike, concurrence: ArrayLike, imbalance: ArrayLike) -> Array:
    """The correlators of two-qubit strategies with real numbers; a polynomial, so for numbers of either system.

    The state is cos θ|00⟩ + sin θ|11⟩, with concurrence = sin 2θ and imbalance = cos 2θ, shape (...). alice, bob : the
    observables n_Z σ_Z + n_X σ_X as unit vectors (n_Z, n_X), shape (..., settings, 2).
    Returns shape (..., 1 + settings, 1 + settings).

    >>> qubit_correlators([[1, 0], [0, 1]], [[1, 0], [0, 1]], 1, 0)          # a maximally entangled state
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    a, b = numbers(alice, "alice", (..., None, 2)), numbers(bob, "bob", (..., None, 2))
    C, D = numbers(concurrence, "concurrence")[..., None], numbers(imbalance, "imbalance")[..., None]
    if len({a.ndim - 1, b.ndim - 1, C.ndim, D.ndim}) > 1:
        shapes = ", ".join(str(array.shape) for array in (a, b, C[..., 0], D[..., 0]))
        raise ValueError(f"alice, bob, concurrence and imbalance: their batches differ in shapes {shapes}")
    top = np.concatenate([np.ones_like(D), D * b[..., 0]], axis=-1)
    rest = a[..., :, None, 0] * b[..., None, :, 0] + C[..., None] * a[..., :, None, 1] * b[..., None, :, 1]
    below = np.concatenate([(D * a[..., 0])[..., None], rest], axis=-1)
    return np.concatenate([top[..., None, :], below], axis=-2)


def mixed_with_noise(correlators: ArrayLike, visibility: Any) -> Array:
    """The correlators for the state v ρ + (1 − v) 1/d and traceless observables: all but E[0, 0] shrink by v.

    >>> mixed_with_noise(np.ones((3, 3)), 0.5)[0]
    array([1. , 0.5, 0.5])
    """
    E = np.asarray(real_number(visibility, "visibility", 0, 1) * numbers(correlators, "correlators", (..., 3, 3)))
    E[..., 0, 0] = sp.Integer(1) if is_exact(E) else 1
    return E


def critical_visibility(F: ArrayLike, correlators: ArrayLike) -> Any:
    """The visibility at which a functional with F[0, 0] < 0 vanishes: the noise that a strategy bears.

    Raises ``ValueError`` unless the functional is positive at the correlators and negative for noise alone.

    >>> chsh = exact([[-2, 0, 0], [0, 1, 1], [0, 1, -1]])
    >>> critical_visibility(chsh, exact([[1, 0, 0], [0, 1, 1], [0, 1, 1]]) / sp.sqrt(2) * sp.sqrt(2))
    Traceback (most recent call last):
        ...
    ValueError: F: the functional is 0 at the strategy and -2 for noise; it must change sign between them
    """
    F = numbers(F, "F", (3, 3))
    pure, noise = functional_value(F, correlators), F[0, 0]
    if not (pure > 0 > noise):
        raise ValueError(
            f"F: the functional is {pure} at the strategy and {noise} for noise; it must change sign between them"
        )
    return noise / (noise - pure)


def see_saw(
    F: ArrayLike,
    rng: np.random.Generator,
    state: ArrayLike | None = None,
    *,
    starts: int = 12,
    rounds: int = 60,
) -> tuple[Floats, Floats]:
    """The best values of functionals that alternating optimisation of state and measurements finds; the correlators.

    F : shape (..., 3, 3). state : ψ as matrices, shape (..., d, d), kept as given; by default two qubits whose state is
    optimised too. Real numbers, which lose nothing for two settings with two outcomes. Alice's measurements are made
    the best for the rest, then Bob's, then the state, from random starts, of which the best is improved further.
    Returns values of shape (...) and correlators of shape (..., 3, 3). The values are attained; that nothing is better
    is for a certificate to prove.

    >>> chsh = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
    >>> round(float(see_saw(chsh, np.random.default_rng(1))[0]), 9)
    2.828427125
    """
    whole(starts, "starts", 1)
    whole(rounds, "rounds", 1)
    require(np.random.Generator, rng=rng)
    F = reals(F, "F", (..., 3, 3))
    start = np.eye(2) / np.sqrt(2) if state is None else reals(state, "state", (..., "d", "d"))
    shape, d = (*np.broadcast_shapes(F.shape[:-2], start.shape[:-2]), starts), start.shape[-1]
    F = F[..., None, :, :]
    psi = np.broadcast_to(start[..., None, :, :], (*shape, d, d))
    B = _signs(_symmetric(rng.normal(size=(*shape, 2, d, d))))
    for leg in (rounds, 10 * rounds):
        for _ in range(leg):
            A, B, psi = _improved(F, B, psi, free=state is None)
        E = _correlators(A, B, psi)
        best = np.argmax((F * E).sum(axis=(-2, -1)), axis=-1, keepdims=True)
        B, psi, E = (_chosen(array, best) for array in (B, psi, E))
    return (F * E).sum(axis=(-2, -1))[..., 0], E[..., 0, :, :]


def _chosen(array: Floats, index: NDArray[np.intp]) -> Floats:
    """The entries at `index` along its last axis."""
    return np.take_along_axis(array, index.reshape(index.shape + (1,) * (array.ndim - index.ndim)), index.ndim - 1)


def _with_identity(observables: Floats) -> Floats:
    one = np.broadcast_to(np.eye(observables.shape[-1]), observables[..., :1, :, :].shape)
    return np.concatenate([one, observables], axis=-3)


def _symmetric(matrix: Floats) -> Floats:
    return matrix + np.swapaxes(matrix, -1, -2)


def _signs(symmetric: Floats) -> Floats:
    """The observable O with O² = 1 that maximises tr(O K), for symmetric matrices K."""
    eigenvalues, vectors = np.linalg.eigh(symmetric)
    signs = np.where(eigenvalues < 0, -1.0, 1.0)
    return np.asarray((vectors * signs[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def _improved(F: Floats, B: Floats, psi: Floats, free: bool) -> tuple[Floats, Floats, Floats]:
    """One round: the best A for B and ψ, the best B for that A and ψ, and if it is free the best ψ for both."""
    transposed = np.swapaxes(psi, -1, -2)
    behind = np.einsum("...ij,...jkl->...ikl", F[..., 1:, :], _with_identity(B))
    A = _signs(psi[..., None, :, :] @ behind @ transposed[..., None, :, :])
    behind = np.einsum("...ij,...ikl->...jkl", F[..., :, 1:], _with_identity(A))
    B = _signs(transposed[..., None, :, :] @ behind @ psi[..., None, :, :])
    if free:
        d = psi.shape[-1]
        G = np.einsum("...ij,...iab,...jcd->...acbd", F, _with_identity(A), _with_identity(B))
        psi = np.linalg.eigh(G.reshape(*G.shape[:-4], d * d, d * d))[1][..., -1].reshape(*G.shape[:-4], d, d)
    return A, B, psi


def _correlators(A: Floats, B: Floats, psi: Floats) -> Floats:
    left = np.einsum("...ab,...iac->...ibc", psi, _with_identity(A))
    right = np.einsum("...cd,...jbd->...jbc", psi, _with_identity(B))
    return np.asarray(np.einsum("...ibc,...jbc->...ij", left, right))
