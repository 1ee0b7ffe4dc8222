r"""Quantum strategies for games, found by alternating optimisation: what is certainly reached.

A *strategy* is a state that the parties share and a measurement for each setting of each party. Given all but one
party's measurements its best ones are found setting by setting, and given all measurements the best state is an
eigenvector; so the value of a game rises step by step, to a local optimum ("see-saw": Werner & Wolf, Quant. Inf. Comp.
1(3), 1 (2001); Pál & Vértesi, Phys. Rev. A 82, 022116 (2010)). That nothing is better is for
:func:`qlib.correlations.quantum_values.game_bound` to prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlib.correlations.games import Game
from qlib.numbers.arguments import Array, Complexes, Floats, numbers, require, several, whole

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
        n = self.state.ndim
        operands = _with_state(self.state, n)
        for k, E in enumerate(self.effects):
            operands += [E, [k, n + k, 2 * n + k, 3 * n + k]]
        return np.asarray(np.einsum(*operands, list(range(2 * n)), optimize=True).real)


def _with_state(psi: Array, n: int) -> list[Any]:
    """The state's part of an einsum in which party k's indices are k, n + k (setting, outcome), 2n + k, 3n + k."""
    return [np.conj(psi), [2 * n + k for k in range(n)], psi, [3 * n + k for k in range(n)]]


def best_strategy(
    game: Game, rng: np.random.Generator, dimension: int | None = None, *, starts: int = 6, rounds: int = 300
) -> SharedStrategy:
    """The best strategy that alternating optimisation finds, from so many random starts.

    dimension : of each party's system, by default the largest number of outcomes and two at least. Measurements are
    projective. rounds : at most; a start ends when it no longer improves. Raises ``ValueError`` if all systems
    together have more than 1,024 dimensions.

    >>> from qlib.correlations.games import chsh_game
    >>> strategy = best_strategy(chsh_game(), np.random.default_rng(1))
    >>> round(chsh_game().value(strategy.behaviour()), 9)
    0.853553391
    """
    require(Game, game=game)
    require(np.random.Generator, rng=rng)
    d = whole(max(2, *map(max, game.outcomes)) if dimension is None else dimension, "dimension", 1, 64)
    whole(starts, "starts", 1, 10_000)
    whole(rounds, "rounds", 1, 100_000)
    if d**game.parties > MOST_DIMENSIONS:
        raise ValueError(f"dimension: {game.parties} systems of {d} have {d**game.parties} dimensions, too many")
    c = game.coefficients.astype(np.float64)
    found = [_climbed(c, game.outcomes, d, rng, rounds) for _ in range(starts)]
    _, psi, effects = max(found, key=lambda one: one[0])
    return SharedStrategy(psi, tuple(effects))


def _climbed(
    c: Floats, outcomes: Sequence[Sequence[int]], d: int, rng: np.random.Generator, rounds: int
) -> tuple[float, Complexes, list[Complexes]]:
    """One start: value, state and effects when they no longer improve."""
    n = len(outcomes)
    effects = [_random_effects(party, c.shape[n + k], d, rng) for k, party in enumerate(outcomes)]
    value, psi = _best_state(c, effects)
    for _ in range(rounds):
        for k in range(n):
            effects[k] = _improved_effects(effects[k], _behind(c, effects, psi, k), outcomes[k])
        before, (value, psi) = value, _best_state(c, effects)
        if value - before < 1e-13 * max(1.0, abs(value)):
            break
    return value, psi, effects


def _random_effects(party: Sequence[int], most: int, d: int, rng: np.random.Generator) -> Complexes:
    """A random projective measurement for each setting, of ranks as equal as can be."""
    E = np.zeros((len(party), most, d, d), dtype=complex)
    for x, count in enumerate(party):
        basis, _ = np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))
        for i in range(d):
            E[x, i % count] += np.outer(basis[:, i], basis[:, i].conj())
    return E


def _best_state(c: Floats, effects: Sequence[Complexes]) -> tuple[float, Complexes]:
    """The largest eigenvalue of the game's operator, and its eigenvector as the state."""
    n, d = len(effects), effects[0].shape[-1]
    operands: list[Any] = [c, list(range(2 * n))]
    for k, E in enumerate(effects):
        operands += [E, [k, n + k, 2 * n + k, 3 * n + k]]
    G = np.einsum(*operands, list(range(2 * n, 4 * n)), optimize=True).reshape(d**n, d**n)
    values, vectors = np.linalg.eigh((G + G.conj().T) / 2)
    return float(values[-1]), vectors[:, -1].reshape((d,) * n)


def _behind(c: Floats, effects: Sequence[Complexes], psi: Complexes, party: int) -> Complexes:
    """K[x, a, i, j] with which the value is Σ tr(E[x, a] K[x, a]) in one party's effects."""
    n = len(effects)
    operands: list[Any] = [c, list(range(2 * n)), *_with_state(psi, n)]
    for k, E in enumerate(effects):
        if k != party:
            operands += [E, [k, n + k, 2 * n + k, 3 * n + k]]
    K = np.einsum(*operands, [party, n + party, 3 * n + party, 2 * n + party], optimize=True)
    return np.asarray((K + np.conj(np.swapaxes(K, -1, -2))) / 2)


def _improved_effects(E: Complexes, K: Complexes, party: Sequence[int]) -> Complexes:
    """Effects with a larger Σ tr(E K): the best where there are two outcomes, else E turned by a unitary.

    With every K[x, a] shifted until it is positive, which adds a constant, Σ tr(V E V† K) is convex in V, so that its
    linear part at V = 1, which the polar factor of Σ K E maximises, does not exceed it.
    """
    new = np.zeros_like(E)
    for x, count in enumerate(party):
        if count == 2:
            values, vectors = np.linalg.eigh(K[x, 0] - K[x, 1])
            positive = vectors[:, values > 0]
            new[x, 0] = positive @ positive.conj().T
            new[x, 1] = np.eye(E.shape[-1]) - new[x, 0]
            continue
        new[x] = E[x]
        shifted = K[x] - min(0.0, float(np.linalg.eigvalsh(K[x, :count]).min())) * np.eye(E.shape[-1])
        for _ in range(4):
            left, _, right = np.linalg.svd((shifted @ new[x]).sum(axis=0))
            V: NDArray[Any] = left @ right
            new[x] = V @ new[x] @ V.conj().T
    return new
