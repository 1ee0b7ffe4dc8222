r"""Quantum strategies for games and functionals, found by alternating optimisation: what is certainly reached.

A *strategy* is a state that the parties share and a measurement for each setting of each party. Given all but one
party's measurements its best ones are found setting by setting, and given all measurements the best state is an
eigenvector; so the value rises step by step, to a local optimum ("see-saw": Werner & Wolf, Quant. Inf. Comp. 1(3), 1
(2001); Pál & Vértesi, Phys. Rev. A 82, 022116 (2010)). :func:`best_strategy` searches for one game and returns the
strategy, :func:`see_saw` for many functionals at a time and returns their values. That nothing is better is for
:mod:`qlib.correlations.sums_of_squares` to prove.

A `SharedStrategy` is what a search finds, in floating point, of any dimension; a strategy of qubits that is known in
exact numbers is a :class:`qlib.correlations.QubitStrategy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qlib.correlations.behaviours import coefficients_of_functional, correlators_of_behaviour
from qlib.correlations.games import Game
from qlib.numbers.arguments import Array, Complexes, Floats, numbers, reals, require, several, whole

MOST_DIMENSIONS = 1024  # the dimension of all systems together


@dataclass(frozen=True, eq=False)
class SharedStrategy:
    """A pure state of n systems, and the effects of each party's measurements.

    state : ψ, shape (d₁, d₂, …). effects : for each party E[x, a, i, j], setting and outcome before the matrix; what
    does not exist is zero. Raises ``ValueError`` for other shapes, a state that is not normalised, or effects that are
    not positive or do not sum to one.
    """

    state: Complexes
    effects: tuple[Complexes, ...]

    def __post_init__(self) -> None:
        psi = numbers(self.state, "state")
        effects = several(self.effects, "effects")
        if psi.ndim != len(effects) or abs(np.linalg.norm(psi) - 1) > 1e-9:
            raise ValueError(f"state: it should be normalised, with an axis for each of {len(effects)} parties")
        for k, (d, given) in enumerate(zip(psi.shape, effects, strict=True)):
            E = numbers(given, f"effects of party {k}", ("settings", "outcomes", d, d))
            if np.abs(E.sum(axis=1) - np.eye(d)).max() > 1e-9:
                raise ValueError(f"effects of party {k}: for every setting they should sum to one")
            if np.abs(E - np.conj(np.swapaxes(E, -1, -2))).max() > 1e-9 or np.linalg.eigvalsh(E).min() < -1e-9:
                raise ValueError(f"effects of party {k}: they should be positive semidefinite")

    def behaviour(self) -> Floats:
        """The behaviour P[x, y, …, a, b, …] that the strategy gives, by Born's rule.

        >>> one = np.eye(2)[None, :, :, None] * np.eye(2)[None, :, None, :]     # one setting, the basis |0⟩, |1⟩
        >>> SharedStrategy(np.eye(2) / np.sqrt(2), (one, one)).behaviour()[0, 0].round(3).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
        """
        return np.asarray(_behaviours([E[None] for E in self.effects], self.state[None])[0])


def best_strategy(
    game: Game,
    rng: np.random.Generator,
    dimension: int | None = None,
    *,
    state: ArrayLike | None = None,
    starts: int = 6,
    rounds: int = 60,
) -> SharedStrategy:
    """The best strategy that alternating optimisation finds, from so many random starts.

    dimension : of each party's system, by default the largest number of outcomes and two at least. state : ψ, an axis
    of one length for each party, kept but for its norm; by default it is optimised too. Measurements are projective.
    rounds : at most, after which the best of all starts is improved further, in ten times as many. Raises
    ``ValueError`` if all systems together have more than 1,024 dimensions.

    >>> from qlib.correlations.games import chsh_game
    >>> strategy = best_strategy(chsh_game(), np.random.default_rng(1))
    >>> round(chsh_game().value(strategy.behaviour()), 9)
    0.853553391
    """
    require(Game, game=game)
    d = whole(max(2, *map(max, game.outcomes)) if dimension is None else dimension, "dimension", 1, 64)
    psi = None if state is None else numbers(state, "state", ("d",) * game.parties)[None]
    c = game.coefficients.astype(np.float64)[None]
    effects, found = _searched(c, game.outcomes, psi, d, rng, starts, rounds)
    return SharedStrategy(found[0], tuple(E[0] for E in effects))


def see_saw(
    F: ArrayLike, rng: np.random.Generator, state: ArrayLike | None = None, *, starts: int = 12, rounds: int = 60
) -> tuple[Floats, Floats]:
    """The best values of functionals of two parties that alternating optimisation finds; the correlators.

    F : shape (..., 1 + settings, 1 + settings). state : ψ as matrices, shape (..., d, d), kept as given; by default two
    qubits whose state is optimised too. starts, rounds : as in :func:`best_strategy`.
    Returns values of shape (...) and correlators of the shape of F. The values are attained; that nothing is better is
    for a certificate to prove.

    >>> chsh = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
    >>> round(float(see_saw(chsh, np.random.default_rng(1))[0]), 9)
    2.828427125
    """
    F = reals(F, "F", (..., None, None)).astype(np.float64)
    psi = None if state is None else numbers(state, "state", (..., "d", "d"))
    batch = F.shape[:-2] if psi is None else np.broadcast_shapes(F.shape[:-2], psi.shape[:-2])
    F = np.broadcast_to(F, (*batch, *F.shape[-2:]))
    c = coefficients_of_functional(F.reshape(-1, *F.shape[-2:]))
    if psi is not None:
        psi = np.broadcast_to(psi, (*batch, *psi.shape[-2:])).reshape(-1, *psi.shape[-2:])
    effects, found = _searched(c, [(2,) * n for n in c.shape[1:3]], psi, 2, rng, starts, rounds)
    E = correlators_of_behaviour(_behaviours(effects, found)).reshape(F.shape)
    return np.asarray((F * E).sum(axis=(-2, -1))), E


# --- the search, for a batch of games at a time ----------------------------------------------------------------------
#
# A setting and an outcome of one party are one index, and so are a row and a column of its matrices: a table of
# coefficients c[game, xa, yb, …], effects E[game, xa, ij] and the states ψ*ψ[game, ij, kl, …] are contracted party by
# party.


def _searched(
    c: Floats,
    outcomes: Sequence[Sequence[int]],
    psi: Array | None,
    d: int,
    rng: np.random.Generator,
    starts: int,
    rounds: int,
) -> tuple[list[Complexes], Complexes]:
    """The best effects and states for each of many games c[game, x, y, …, a, b, …]; given states are kept."""
    require(np.random.Generator, rng=rng)
    whole(starts, "starts", 1, 10_000)
    whole(rounds, "rounds", 1, 100_000)
    n, games, d = len(outcomes), len(c), d if psi is None else psi.shape[-1]
    if d**n > MOST_DIMENSIONS:
        raise ValueError(f"dimension: {n} systems of {d} have {d**n} dimensions, too many")
    effects = [_random_effects(games * starts, party, c.shape[1 + n + k], d, rng) for k, party in enumerate(outcomes)]
    c = np.repeat(_paired(c), starts, axis=0)
    states = _best_states(c, effects) if psi is None else np.repeat(_normalised(psi), starts, axis=0)
    for leg in (rounds, 10 * rounds):
        values, effects, states = _climbed(c, outcomes, effects, states, psi is None, leg)
        best = np.argmax(values.reshape(games, -1), axis=1) + np.arange(games) * (len(c) // games)
        c, states, effects = c[best], states[best], [E[best] for E in effects]
    return effects, states


def _climbed(
    c: Floats,
    outcomes: Sequence[Sequence[int]],
    effects: list[Complexes],
    states: Complexes,
    free: bool,
    rounds: int,
) -> tuple[Floats, list[Complexes], Complexes]:
    """Values, effects and states after so many rounds, or when none improves any longer."""
    values = np.full(len(c), -np.inf)
    for _ in range(rounds):
        density = _density(states)
        for k, party in enumerate(outcomes):
            effects[k] = _improved_effects(effects[k], _behind(c, effects, density, k), party)
        states = _best_states(c, effects) if free else states
        before, values = values, (c * _paired(_behaviours(effects, states))).reshape(len(c), -1).sum(axis=1)
        if (values - before < 1e-13 * np.maximum(1, abs(values))).all():
            break
    return values, effects, states


def _paired(table: Array) -> Array:
    """A table [game, x, y, …, a, b, …] as [game, xa, yb, …]."""
    n = table.ndim // 2
    pairs = table.transpose(0, *(axis for k in range(1, n + 1) for axis in (k, n + k)))
    return pairs.reshape(len(table), *(table.shape[k] * table.shape[n + k] for k in range(1, n + 1)))


def _unpaired(table: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """A table [game, xa, yb, …] as [game, x, y, …, a, b, …], for the lengths of x and a, y and b, …"""
    apart = table.reshape(len(table), *(length for pair in pairs for length in pair))
    return apart.transpose(0, *range(1, apart.ndim, 2), *range(2, apart.ndim, 2))


def _applied(table: Array, matrices: Sequence[Array], but: int | None = None) -> Array:
    """A table [game, p, q, …] after each party's index, but one, was contracted with its matrix [game, p, p']."""
    for k, M in enumerate(matrices):
        if k != but:
            last = np.moveaxis(table, 1 + k, -1)
            done = last.reshape(len(table), -1, last.shape[-1]) @ M
            table = np.moveaxis(done.reshape(*last.shape[:-1], M.shape[-1]), -1, 1 + k)
    return table


def _flat(effects: Sequence[Complexes]) -> list[Complexes]:
    return [E.reshape(len(E), E.shape[1] * E.shape[2], -1) for E in effects]


def _normalised(psi: Array) -> Complexes:
    norms = np.linalg.norm(psi.reshape(len(psi), -1), axis=1)
    if not norms.all():
        raise ValueError("state: it should not be zero")
    return np.asarray(psi / norms.reshape(-1, *[1] * (psi.ndim - 1)), dtype=complex)


def _density(psi: Complexes) -> Complexes:
    """ψ*[i, k, …] ψ[j, l, …] as [game, ij, kl, …]."""
    d, n = psi.shape[-1], psi.ndim - 1
    rows, columns = psi.reshape(len(psi), *[d, 1] * n), psi.reshape(len(psi), *[1, d] * n)
    return (rows.conj() * columns).reshape(len(psi), *[d * d] * n)


def _behaviours(effects: Sequence[Complexes], states: Complexes) -> Floats:
    table = _applied(_density(states), [E.swapaxes(1, 2) for E in _flat(effects)])
    return np.asarray(_unpaired(table, [E.shape[1:3] for E in effects]).real)


def _best_states(c: Floats, effects: Sequence[Complexes]) -> Complexes:
    """The eigenvectors of the games' operators that belong to their largest eigenvalues."""
    n, d = len(effects), effects[0].shape[-1]
    G = _unpaired(_applied(c, _flat(effects)), [(d, d)] * n).reshape(len(c), d**n, d**n)
    _, vectors = np.linalg.eigh((G + G.conj().swapaxes(1, 2)) / 2)
    return vectors[..., -1].reshape(len(c), *[d] * n)


def _behind(c: Floats, effects: Sequence[Complexes], density: Complexes, party: int) -> Complexes:
    """K[game, x, a, i, j] with which the value is Σ tr(E[x, a] K[x, a]) in one party's effects."""
    others = _applied(density, [E.swapaxes(1, 2) for E in _flat(effects)], but=party)
    left, right = (np.moveaxis(table, 1 + party, 1) for table in (c, others))
    K = left.reshape(*left.shape[:2], -1) @ right.reshape(*right.shape[:2], -1).swapaxes(1, 2)
    K = K.reshape(effects[party].shape).swapaxes(-1, -2)
    return np.asarray((K + K.conj().swapaxes(-1, -2)) / 2, dtype=complex)


def _random_effects(games: int, party: Sequence[int], most: int, d: int, rng: np.random.Generator) -> Complexes:
    """A random projective measurement for each setting: every other time of ranks as equal as can be, else of any.

    What is certain may be the best answer, and is rarely found from a start without it.
    """
    E = np.zeros((games, len(party), most, d, d), dtype=complex)
    shape = (games, len(party), d, d)
    bases, _ = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))
    for x, count in enumerate(party):
        outcomes = rng.integers(count, size=(games, d))
        outcomes[::2] = np.arange(d) % count
        for i in range(d):
            vector = bases[:, x, :, i]
            E[np.arange(games), x, outcomes[:, i]] += vector[:, :, None] * vector[:, None, :].conj()
    return E


def _improved_effects(E: Complexes, K: Complexes, party: Sequence[int]) -> Complexes:
    """Effects with a larger Σ tr(E K): the best where there are two outcomes, else E turned by a unitary.

    With every K[x, a] shifted until it is positive, which adds a constant, Σ tr(V E V† K) is convex in V, so that its
    linear part at V = 1, which the polar factor of Σ K E maximises, does not exceed it.
    """
    new, one = E.copy(), np.eye(E.shape[-1])
    two = [x for x, count in enumerate(party) if count == 2]
    values, vectors = np.linalg.eigh(K[:, two, 0] - K[:, two, 1])
    new[:, two, 0] = (vectors * (values > 0)[..., None, :]) @ vectors.conj().swapaxes(-1, -2)
    new[:, two, 1] = one - new[:, two, 0]
    for x in set(range(len(party))).difference(two):
        least = np.linalg.eigvalsh(K[:, x, : party[x]]).min(axis=(1, 2))
        shifted = K[:, x] - np.minimum(0, least)[:, None, None, None] * one
        for _ in range(4):
            left, _, right = np.linalg.svd((shifted @ new[:, x]).sum(axis=1))
            V = (left @ right)[:, None]
            new[:, x] = V @ new[:, x] @ V.conj().swapaxes(-1, -2)
    return new
