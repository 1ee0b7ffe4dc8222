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
from numpy.typing import ArrayLike

from qlib.correlations.behaviours import behaviour, functional, functional_value
from qlib.numbers.arguments import numbers, real_number
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
