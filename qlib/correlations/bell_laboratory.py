"""The three values of a game in one line, each with what certifies it, and what counted outcomes say about them.

:func:`game_values` is the front door: the local value by exhaustion, the quantum one between a strategy that is shown
and a sum of squares that is verified, the one without signalling by a linear program.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from qlib.correlations.games import Game, LocalValue, NoSignallingValue, local_value, no_signalling_value
from qlib.correlations.quantum_strategies import SharedStrategy, best_strategy
from qlib.correlations.sums_of_squares import SumOfSquares, game_bound
from qlib.numbers.arguments import require
from qlib.numbers.exact_arrays import rational

SAME_VALUE = 1e-9  # a strategy reaches a bound, up to rounding
DIGITS = 10**9  # to which a bound is printed, rounded up


@dataclass(frozen=True, eq=False)
class GameValues:
    """The values of a game: local ≤ quantum ≤ no-signalling, and what proves each.

    reached : a value that `strategy` attains, in floating point; where no strategy was found to beat the local value,
    it is that one and `strategy` is None. bound : proved not to be exceeded, by `proof`, or where that is None by the
    no-signalling value, which no quantum strategy exceeds. level : of the hierarchy, for the proof.
    """

    game: Game
    local: LocalValue
    reached: float
    strategy: SharedStrategy | None
    bound: Fraction
    proof: SumOfSquares | None
    no_signalling: NoSignallingValue
    level: str

    def __str__(self) -> str:
        local, most = self.local, self.no_signalling
        answers = ", ".join("".join(map(str, party)) for party in local.strategy)
        size = " × ".join(map(str, self.strategy.state.shape)) if self.strategy else ""
        upper = f"sum of squares, level {self.level}, exact" if self.proof else "the no-signalling value"
        compared = "strategy" if local.compared == 1 else "strategies"
        rows = [
            ("local", _number(local.value), f"{local.compared} {compared} compared; answers {answers}"),
            (
                "quantum ≥",
                f"{floor(self.reached * DIGITS + 0.001) / DIGITS:.9f}",
                f"a strategy of dimension {size}" if size else "the local strategy",
            ),
            ("quantum ≤", f"{ceil(self.bound * DIGITS) / DIGITS:.9f}", upper),
            (
                "no signalling",
                _number(most.value),
                "linear program and its dual, exact" if most.certificate else "sum of the moduli, exact",
            ),
        ]
        return "\n".join([self.game.name or "game", *(f"  {what:13}  {value:<11}  {why}" for what, value, why in rows)])


def _number(value: Fraction) -> str:
    return str(value) if value.denominator < 10**6 else f"{float(value):.9f}"


def game_values(
    game: Game, rng: np.random.Generator, level: str = "1+AB", dimension: int | None = None, starts: int = 6
) -> GameValues:
    """The local, quantum and no-signalling values of a game, with what certifies each; it prints as a table.

    rng : for the random starts of the search for a strategy. level : of the hierarchy, see
    :func:`qlib.correlations.words`; it is not needed where a strategy reaches the
    no-signalling value. dimension, starts : see :func:`qlib.correlations.quantum_strategies.best_strategy`.

    >>> from qlib.correlations.games import chsh_game
    >>> print(game_values(chsh_game(), np.random.default_rng(1), level="1"))
    CHSH game
      local          3/4          4 strategies compared; answers 00, 00
      quantum ≥      0.853553390  a strategy of dimension 2 × 2
      quantum ≤      0.853553391  sum of squares, level 1, exact
      no signalling  1            sum of the moduli, exact
    """
    require(Game, game=game)
    local, most = local_value(game), no_signalling_value(game)
    strategy: SharedStrategy | None = best_strategy(game, rng, dimension, starts=starts)
    reached = game.value(strategy.behaviour()) if strategy else 0.0
    if reached <= local.value + SAME_VALUE:
        strategy, reached = None, float(local.value)
    if most.value - reached > SAME_VALUE * max(1.0, float(abs(most.value))):
        proof = game_bound(game, level)
        if (bound := rational(proof.bound)) is not None and bound < most.value:
            return GameValues(game, local, reached, strategy, bound, proof, most, level)
    return GameValues(game, local, reached, strategy, most.value, None, most, level)
