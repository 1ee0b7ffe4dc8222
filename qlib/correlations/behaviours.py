r"""The one layout of Bell experiments: behaviours, correlators, functionals, and the deterministic strategies.

Each of n parties chooses a setting and finds an outcome. A *behaviour* is the law of the outcomes for every choice, an
array with the settings first and the outcomes last, each in the order of the parties:

    P[x, y, …, a, b, …] = P(a, b, … | x, y, …).

Where outcomes are 0 and 1 they stand for the values +1 and −1 of observables A_x, B_y, …, and a behaviour that does not
signal is the same as its *correlators*, the means of products of observables, of none and of one as well:

    E[i, j, …] = ⟨A_{i−1} B_{j−1} …⟩, where index 0 is the identity (A_{−1} = B_{−1} = 1), so E[0, 0, …] = 1.

E[1:, 1:] are therefore the correlators of all parties, row 0 Bob's means and column 0 Alice's. `behaviour` and
`correlators_of_behaviour` lead from one to the other. A *functional* is an array F of the shape of correlators: it
stands for the expression Σ F[i, j, …] A_{i−1} B_{j−1} …, and `functional_value` is its value. Axes before these are a
batch.

All classical behaviours are mixtures of deterministic ones, of which there are finitely many: `deterministic_outcomes`
lists them, here and for every other scenario.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.arguments import numbers, real_number, reals, require_shape, whole, wholes
from qlib.numbers.exact_arrays import Array, as_float, exact, is_exact, is_zero, maximum, simplified
from qlib.quantum.channels import IDENTITY, density_operator
from qlib.quantum.two_qubits import MOST_PARTIES, chsh_value

MOST_ASSIGNMENTS = 2**16  # that an exhaustive treatment takes on
MOST_SETTINGS = 16  # of all parties together: so many strategies there are
MOST_CORRELATORS = 2**24  # of an array of correlators


# --- behaviours and correlators --------------------------------------------------------------------------------------


def behaviour(E: ArrayLike, parties: int = 2) -> Array:
    """The behaviour P[..., x, y, …, a, b, …] that has given correlators, an array of shape (..., 1 + settings, …).

    P(a, b, … | x, y, …) is 2⁻ⁿ times the sum of the correlators of all sets of parties at these settings, with the sign
    (−1) to the sum of their outcomes. Raises ``ValueError`` for fewer axes than parties.

    >>> behaviour([[1, 0], [0, 1]])[0, 0]
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    values = numbers(E, "E", (..., *[None] * parties))
    values = reals(values, "E") if values.dtype.kind == "c" else values
    batch = values.ndim - parties
    for settings in np.array(values.shape[batch:]) - 1:
        values = np.tensordot(values, _effects(int(settings)), axes=(batch, 2))  # takes an axis, puts its result last
    pairs = np.arange(batch, values.ndim).reshape(parties, 2)  # setting and outcome of each party
    half = sp.Rational(1, 2**parties) if is_exact(values) else 0.5**parties
    return np.asarray(half * values.transpose(*range(batch), *pairs[:, 0], *pairs[:, 1]))


def correlators_of_behaviour(P: ArrayLike, parties: int = 2) -> Array:
    """The correlators E[..., i, j, …] of a behaviour with two outcomes each; the inverse of `behaviour`.

    Where fewer than all parties are meant, the mean over the settings of the others is taken: of a behaviour that
    signals, or of relative frequencies, `behaviour` makes the nearest that does not (in the sense of least squares).
    Raises ``ValueError`` for another shape than (..., settings, …, 2, …).

    >>> correlators_of_behaviour(behaviour([[1, 0, 0], [0, 1, 0], [0, 0, -1]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    values = numbers(P, "P", (..., *[None] * parties, *[2] * parties))
    batch = values.ndim - 2 * parties
    places = np.arange(batch, values.ndim).reshape(2, parties).T  # setting and outcome of each party
    settings, exactly = values.shape[batch : batch + parties], is_exact(values)
    values = values.transpose(*range(batch), *places.ravel())
    for n in settings:
        signs = _effects(n).transpose(2, 0, 1)
        means = exact(signs) if exactly else signs.astype(np.float64)
        means[0] /= n
        values = np.tensordot(values, means, axes=((batch, batch + 1), (1, 2)))
    return np.asarray(values)


def _effects(settings: int) -> NDArray[np.int_]:
    """Twice the effect of outcome a at setting x in terms of the identity and the observables: [x, a, i]."""
    effects = np.zeros((settings, 2, 1 + settings), dtype=int)
    effects[:, :, 0] = 1
    effects[np.arange(settings), :, 1 + np.arange(settings)] = (1, -1)
    return effects


def correlators(rho: ArrayLike, observables: ArrayLike) -> Array:
    """E[i, j, …] = tr[ρ O_1 ⊗ O_2 ⊗ …], the correlators of n parties with two observables each, index 0 the identity.

    rho : density operators, shape (..., 2ⁿ, 2ⁿ), or a ket. observables : shape (..., n, 2, 2, 2), party and setting
    before the matrix. Returns shape (..., 3, …, 3), real; exact for exact arguments.
    Raises ``ValueError`` for shapes that do not fit, or correlators that are not real.

    >>> from qlib.quantum.channels import PAULI_X, PAULI_Z
    >>> bell = exact([[1, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 1]]) / 2
    >>> correlators(bell, [[PAULI_Z, PAULI_X], [PAULI_Z, PAULI_X]])
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]], dtype=object)
    """
    R, O = density_operator(rho, "rho"), numbers(observables, "observables")
    if O.ndim < 4 or O.shape[-3:] != (2, 2, 2):
        raise ValueError(f"observables: shape {O.shape} should be (..., n, 2, 2, 2): party, setting, matrix")
    n = O.shape[-4]
    if R.shape[-2:] != (2**n, 2**n):
        raise ValueError(f"rho: shape {R.shape} should be (..., {2**n}, {2**n}), as there are {n} parties")
    one = np.broadcast_to(IDENTITY if is_exact(O) else np.eye(2), (*O.shape[:-3], 1, 2, 2))
    with_identity = np.concatenate([one, O], axis=-3)
    R = R.reshape(*R.shape[:-2], *(2,) * (2 * n))
    letters = "abcdefgh"[: n - 1]
    for k in range(n):  # contract the first row and column index that is left; the result goes to the end
        rest, done = letters[: n - 1 - k], "uvwxyzUVW"[:k]
        step = f"...sji,...i{rest}j{rest.upper()}{done}->...{rest}{rest.upper()}{done}s"
        R = np.einsum(step, with_identity[..., k, :, :, :], R)
    return _real(R)


def _real(E: Array) -> Array:
    if is_exact(E):
        E = simplified(E)
        imaginary = [entry for entry in E.flat if not is_zero(entry - sp.conjugate(entry))]
    else:
        imaginary = [entry for entry in np.ravel(E) if abs(entry.imag) > 1e-9]  # of at most 1
        E = np.real(E)
    if imaginary:
        raise ValueError(f"correlators should be real, but one is {imaginary[0]}: the state or an observable is not")
    return E


def chsh_of_behaviour(P: ArrayLike) -> Any:
    """S = E(0,0) + E(0,1) + E(1,0) − E(1,1) of behaviours P[..., x, y, a, b]; see `chsh_value`.

    >>> chsh_of_behaviour(behaviour(exact([[1, 0, 0], [0, 1, 1], [0, 1, sp.Symbol("t")]])))
    3 - t
    """
    return chsh_value(correlators_of_behaviour(numbers(P, "P", (..., 2, 2, 2, 2))))


# --- functionals -----------------------------------------------------------------------------------------------------


def functional(coefficients: ArrayLike, constant: Any = 0) -> Array:
    """The functional Σ c[x, y, a, b] P(a, b | x, y) + constant of two parties (see the module's docstring).

    coefficients : shape (settings of Alice, settings of Bob, 2, 2), numbers of either system.

    >>> functional(exact([[[[1, 0], [0, 0]]]]))     # P(0, 0 | 0, 0) = (1 + A0 + B0 + A0 B0)/4
    array([[1/4, 1/4],
           [1/4, 1/4]], dtype=object)
    """
    real_number(constant, "constant")
    c = numbers(coefficients, "coefficients", ("settings of Alice", "settings of Bob", 2, 2))
    quarter = sp.Rational(1, 4) if is_exact(c) else 0.25
    F = quarter * np.einsum("stab,sai,tbj->ij", c, _effects(c.shape[0]), _effects(c.shape[1]))
    F[0, 0] += constant
    return np.asarray(F)


def coefficients_of_functional(F: ArrayLike, parties: int = 2) -> Array:
    """The c[..., x, y, …, a, b, …] with which a functional of shape (..., 1 + settings, …) is Σ c P of a behaviour.

    A mean of fewer than all parties is taken over the settings of the others, as in `correlators_of_behaviour`. Exact
    numbers stay so, fractions too. Raises ``ValueError`` for fewer axes than parties, or too large an array.

    >>> coefficients_of_functional([[0, 0], [0, 1]])[0, 0]      # A0 B0
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    whole(parties, "parties", 1, 16)
    values = numbers(F, "F", (..., *[None] * parties))
    batch, exactly = values.ndim - parties, values.dtype == object
    settings = [int(length) - 1 for length in values.shape[batch:]]
    if min(settings) < 1 or prod(values.shape[:batch]) * prod(2 * n for n in settings) > MOST_CORRELATORS:
        raise ValueError(f"F: shape {values.shape} should have lengths of two at least, and not too many entries")
    for n in settings:
        lift = _effects(n).transpose(2, 0, 1).astype(object if exactly else np.float64)
        lift[0] = Fraction(1, n) if exactly else 1 / n
        values = np.tensordot(values, lift, axes=(batch, 0))  # takes an axis, puts its two last
    pairs = np.arange(batch, values.ndim).reshape(parties, 2)  # setting and outcome of each party
    return np.asarray(values.transpose(*range(batch), *pairs[:, 0], *pairs[:, 1]))


def functional_value(F: ArrayLike, E: ArrayLike) -> Any:
    """The value Σ F[i, j, …] E[i, j, …] of a functional at correlators of shape ``(..., *F.shape)``.

    F has an axis for each party, of any number of them. An array of shape (...), or for one
    strategy a number; in floating point if the correlators are.

    >>> functional_value(exact([[0, 0], [0, 2]]), exact([[1, 0], [0, sp.Rational(1, 3)]]))
    2/3
    >>> functional_value([[0, 0, 0], [0, 1, 1], [0, 1, -1]], np.ones((5, 3, 3)))
    array([2., 2., 2., 2., 2.])
    """
    coefficients, values = numbers(F, "F"), numbers(E, "E")
    if not coefficients.ndim or not coefficients.size:
        raise ValueError(f"F: shape {coefficients.shape} should have an axis for each party, and none of length zero")
    if is_exact(coefficients) and np.issubdtype(values.dtype, np.inexact):
        coefficients = as_float(coefficients)
    require_shape(values, "E", (..., *coefficients.shape))
    return (coefficients * values).sum(axis=tuple(range(-coefficients.ndim, 0)))


# --- deterministic strategies ----------------------------------------------------------------------------------------


def deterministic_outcomes(counts: Iterable[int]) -> NDArray[np.int_]:
    """Every choice of an outcome for each measurement, shape (choices, measurements), the last changing fastest.

    counts : how many outcomes each measurement has. Raises ``ValueError`` for more than 65,536 choices.

    >>> deterministic_outcomes([2, 3])[:4].tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0]]
    """
    sizes = wholes(counts, "counts", 1)
    if (choices := prod(sizes)) > MOST_ASSIGNMENTS:
        raise ValueError(f"{choices} assignments of outcomes to {len(sizes)} measurements are too many")
    return np.array(list(product(*map(range, sizes))), dtype=int)


def deterministic_correlators(*settings: int) -> NDArray[np.int_]:
    """The correlators of all deterministic strategies, shape (strategies, 1 + settings, …): one axis for each party.

    settings : how many each party has. Strategies are in the order of `deterministic_outcomes`.
    Raises ``ValueError`` for too large an array.

    >>> deterministic_correlators(2, 2).shape
    (16, 3, 3)
    """
    sizes = wholes(settings, "settings", 0, MOST_SETTINGS)
    if (entries := prod(2**n * (1 + n) for n in sizes)) > MOST_CORRELATORS:
        raise ValueError(f"settings: with {sizes} there are {entries} correlators, which are too many")
    E = np.ones((1,), dtype=int)
    for n in sizes:
        E = np.einsum("k...,li->kl...i", E, _signs(n))
        E = E.reshape(-1, *E.shape[2:])
    return E


def _signs(settings: int) -> NDArray[np.int_]:
    """The correlators of one party's deterministic strategies, shape (2^settings, 1 + settings)."""
    outcomes = deterministic_outcomes([2] * settings)
    return np.hstack([np.ones((len(outcomes), 1), dtype=int), 1 - 2 * outcomes])


def deterministic_values(F: ArrayLike) -> Array:
    """The values of a functional for all deterministic strategies, one axis for each party, of length 2^settings.

    For two settings, index 0, 1, 2, 3 of a party: its two observables are (+, +), (+, −), (−, +), (−, −).
    Raises ``ValueError`` for no axes, or more than 65,536 strategies.

    >>> deterministic_values([[0, 0, 0], [0, 1, 1], [0, 1, -1]])[0]     # CHSH where A0 = A1 = 1
    array([ 2,  2, -2, -2])
    """
    values = numbers(F, "F")
    if not values.ndim or not values.size or sum(values.shape) - values.ndim > MOST_SETTINGS:
        raise ValueError(f"F: shape {values.shape} should be (1 + settings, …), {MOST_SETTINGS} of them at most in all")
    for length in values.shape:
        values = np.tensordot(values, _signs(length - 1), axes=(0, 1))  # takes the first axis, puts its result last
    return values


def classical_bound(F: ArrayLike) -> Any:
    """The largest value of a functional over classical strategies, by exhaustion of the deterministic ones.

    >>> int(classical_bound([[0, 0, 0], [0, 1, 1], [0, 1, -1]]))     # CHSH
    2
    """
    values = deterministic_values(F)
    return maximum(values.flat) if is_exact(values) else values.max()
