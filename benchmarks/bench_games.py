"""How long the values of games take, and beside them toqito's, where that is installed: `pytest benchmarks`.

toqito is not among the packages of this project. Its games are the same; what it returns as a quantum upper bound is a
solver's number, and ours comes with a proof that has been verified in the same time.
"""

import numpy as np
import pytest

from qlib.correlations import (
    best_strategy,
    cglmp,
    chsh_game,
    game_bound,
    game_values,
    i3322,
    local_value,
    magic_square,
    no_signalling_value,
)

GAMES = {"CHSH": chsh_game(), "magic square": magic_square()}
LEVELS = {"CHSH": "1", "magic square": "1"}


@pytest.mark.parametrize("name", GAMES)
def bench_all_three_values(benchmark, name):
    benchmark(lambda: game_values(GAMES[name], np.random.default_rng(1), LEVELS[name]))


@pytest.mark.parametrize("name", GAMES)
def bench_local_value(benchmark, name):
    benchmark(local_value, GAMES[name])


@pytest.mark.parametrize("name", GAMES)
def bench_no_signalling_value(benchmark, name):
    benchmark(no_signalling_value, GAMES[name])


@pytest.mark.parametrize("name", GAMES)
def bench_proved_quantum_bound(benchmark, name):
    benchmark(game_bound, GAMES[name], LEVELS[name])


@pytest.mark.parametrize("name", GAMES)
def bench_strategy(benchmark, name):
    benchmark(lambda: best_strategy(GAMES[name], np.random.default_rng(1)))


@pytest.mark.parametrize("level", ["1+AB", "2"])
def bench_i3322(benchmark, level):
    benchmark(game_bound, i3322(), level)


def bench_i3322_at_level_3(benchmark):
    found = benchmark.pedantic(game_bound, (i3322(), "3"), rounds=1)
    assert 0.2508755 < found.bound < 0.2508765  # Pál & Vértesi, Phys. Rev. A 82, 022116 (2010)


def bench_cglmp_of_four_outcomes(benchmark):
    benchmark.pedantic(game_bound, (cglmp(4), "1+AB"), rounds=3)


# --- the same games in toqito ----------------------------------------------------------------------------------------


def peer(name):
    """The game as toqito's object: probabilities [x, y] and the predicate [a, b, x, y]."""
    games = pytest.importorskip("toqito.nonlocal_games.nonlocal_game")
    game = GAMES[name]
    wins = (game.coefficients != 0).astype(float)
    return games.NonlocalGame(game.questions.astype(float), np.transpose(wins, (2, 3, 0, 1)))


@pytest.mark.parametrize("name", GAMES)
def bench_toqito_local_value(benchmark, name):
    game = peer(name)
    value = benchmark.pedantic(game.classical_value, rounds=3)
    assert abs(value - local_value(GAMES[name]).value) < 1e-9


@pytest.mark.parametrize("name", GAMES)
def bench_toqito_no_signalling_value(benchmark, name):
    game = peer(name)
    value = benchmark.pedantic(game.nonsignaling_value, rounds=3)
    assert abs(value - no_signalling_value(GAMES[name]).value) < 1e-4


@pytest.mark.parametrize("name", GAMES)
def bench_toqito_quantum_bound(benchmark, name):
    game = peer(name)
    value = benchmark.pedantic(lambda: game.commuting_measurement_value_upper_bound(k=1), rounds=3)
    assert abs(value - float(game_bound(GAMES[name], LEVELS[name]).bound)) < 1e-3


@pytest.mark.parametrize("name", GAMES)
def bench_toqito_strategy(benchmark, name):
    game = peer(name)
    value = benchmark.pedantic(game.quantum_value_lower_bound, rounds=3)
    assert value < float(game_bound(GAMES[name], LEVELS[name]).bound) + 1e-3
