"""Games of any parties, settings and outcomes: their three values, and the proofs of the quantum bound."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp

from qlib.correlations import (
    Game,
    SharedStrategy,
    behaviour,
    best_strategy,
    cglmp,
    chained,
    chsh_game,
    coefficients_of_functional,
    correlators_of_behaviour,
    deterministic_outcomes,
    eberhard,
    game_bound,
    game_values,
    general_bound,
    i3322,
    local_value,
    magic_square,
    mermin,
    moment_matrix,
    no_signalling_value,
    see_saw,
    sums_of_squares,
    words,
)
from qlib.correlations.hidden_variables import Inequality
from qlib.correlations.scenarios import bell_scenario
from qlib.correlations.word_algebra import places
from qlib.numbers import CertificateError, exact, is_positive_by, positive_factor

CHSH = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
UNEVEN = ((2, 3), (3, 1))  # outcomes of each setting of each party


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def random_game(outcomes=UNEVEN, seed=3) -> Game:
    """A game with small whole coefficients and settings of different numbers of outcomes."""
    shape = (*map(len, outcomes), *map(max, outcomes))
    blank = Game(np.zeros(shape, dtype=int), outcomes)
    c = np.random.default_rng(seed).integers(-4, 5, shape)
    return Game(np.where(blank.possible, c, 0), outcomes)


def random_strategy(game: Game, d: int, generator: np.random.Generator) -> SharedStrategy:
    """A strategy with complex projectors of different ranks and an entangled state."""
    n = game.parties
    psi = generator.normal(size=(d,) * n) + 1j * generator.normal(size=(d,) * n)
    effects = []
    for k, party in enumerate(game.outcomes):
        E = np.zeros((len(party), game.coefficients.shape[n + k], d, d), dtype=complex)
        for x, count in enumerate(party):
            U, _ = np.linalg.qr(generator.normal(size=(d, d)) + 1j * generator.normal(size=(d, d)))
            for i in range(d):
                E[x, generator.integers(count)] += np.outer(U[:, i], U[:, i].conj())
        effects.append(E)
    return SharedStrategy(psi / np.linalg.norm(psi), tuple(effects))


# --- local and no-signalling values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("outcomes", [UNEVEN, ((2, 2, 2), (3, 3)), ((2, 2), (3, 1), (2, 2)), ((4,), (2, 2))])
def test_the_local_value_is_the_largest_over_all_deterministic_strategies(outcomes, seed):
    game = random_game(outcomes, seed)
    values = []
    for answers in product(*[deterministic_outcomes(party) for party in outcomes]):
        settings = product(*map(range, game.settings))
        values.append(sum(game.coefficients[(*x, *(a[i] for a, i in zip(answers, x, strict=True)))] for x in settings))
    found = local_value(game)
    assert found.value == max(values)
    settings = product(*map(range, game.settings))
    attained = sum(game.coefficients[(*x, *(a[i] for a, i in zip(found.strategy, x, strict=True)))] for x in settings)
    assert attained == found.value


@pytest.mark.parametrize("seed", range(3))
def test_the_no_signalling_value_is_that_of_the_program_over_all_pairs_of_contexts(seed):
    c = np.random.default_rng(seed).integers(-3, 4, (2, 3, 2, 2))
    inequality = Inequality(bell_scenario(2, 3), exact(c.reshape(6, 2, 2)), exact([0])[0])
    assert no_signalling_value(Game(c)).value == general_bound(inequality).value


@pytest.mark.parametrize("parties", [2, 3])
def test_of_full_correlators_the_closed_form_is_the_linear_program(parties):
    F = np.zeros((3,) * parties, dtype=int)
    F[(slice(1, None),) * parties] = np.random.default_rng(parties).integers(-3, 4, (2,) * parties)
    F[(0,) * parties] = 2
    game = Game.from_correlators(F)
    closed = no_signalling_value(game)
    assert closed.certificate is None
    tilted = game.coefficients.copy()
    tilted[(0,) * (2 * parties)] += Fraction(1, 10**6)  # no longer one of full correlators
    program = no_signalling_value(Game(tilted))
    assert program.certificate is not None
    assert 0 <= program.value - closed.value <= Fraction(1, 10**6)


LITERATURE = [
    (chsh_game(), Fraction(3, 4), 1),
    (i3322(), 0, 1),
    (cglmp(3), 2, 4),
    (cglmp(4), 2, 4),
    (magic_square(), Fraction(8, 9), 1),
    (chained(2), 2, 4),
    (chained(5), 8, 10),
    (eberhard(), 0, Fraction(1, 2)),
]


@pytest.mark.parametrize(("game", "local", "most"), LITERATURE, ids=lambda value: getattr(value, "name", ""))
def test_local_and_no_signalling_values_are_those_of_the_literature(game, local, most):
    assert local_value(game).value == local
    assert no_signalling_value(game).value == most


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_mermins_expressions_have_the_three_values_of_their_bell_tests(n):
    test = mermin(n)
    found = game_values(Game.from_correlators(test.functional), rng(), starts=2)
    assert found.local.value == test.classical
    assert found.bound == found.no_signalling.value == test.quantum == 2 ** (n - 1)
    assert abs(found.reached - 2 ** (n - 1)) < 1e-9


# --- tables and layouts ----------------------------------------------------------------------------------------------


def test_a_collins_gisin_table_and_its_expression_have_one_value_without_signalling():
    game = random_game()
    again = Game.from_collins_gisin(game.collins_gisin(), UNEVEN)
    assert (again.collins_gisin() == game.collins_gisin()).all()
    P = random_strategy(game, 3, rng()).behaviour()
    assert abs(again.value(P) - game.value(P)) < 1e-12


def test_a_game_by_predicate_is_its_correlators():
    F = np.array([[4, 0, 0], [0, 1, 1], [0, 1, -1]])
    assert (8 * chsh_game().collins_gisin() == Game.from_correlators(F).collins_gisin()).all()


# --- the hierarchy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "level"),
    [
        (UNEVEN, "1+AB"),
        (UNEVEN, "2"),
        (UNEVEN, "3"),
        (((2, 2), (2, 2), (2, 3)), "1+AB"),
        (((2, 2), (2, 2), (2, 3)), "2"),
    ],
)
def test_moments_of_words_are_those_of_any_strategy(outcomes, level):
    game = random_game(outcomes)
    strategy = random_strategy(game, 3, rng())
    basis = words(outcomes, level)
    moments = moment_matrix(basis, strategy.effects, strategy.state)
    assert np.linalg.eigvalsh(moments)[0] > -1e-12
    held = places(basis)
    for pairs in held.values():
        assert np.ptp([moments[pair] for pair in pairs]) < 1e-12
    seen = {pair for pairs in held.values() for pair in pairs}
    assert all(abs(moments[i, j]) < 1e-12 for j in range(len(basis)) for i in range(j + 1) if (i, j) not in seen)


@pytest.mark.parametrize(
    "parties", [UNEVEN, ((2, 2), (2, 2), (2, 3)), ((3, 3), (3, 3)), (2, 3), (1, 2, 2), (2, (2, 3))]
)
def test_the_reserve_is_at_least_one_and_a_constant_in_any_strategy(parties):
    basis = words(parties, "2")
    reserve = sums_of_squares._reserve(basis).astype(float)
    assert np.linalg.eigvalsh(reserve)[0] > 1 - 1e-9
    for moment, pairs in places(basis).items():
        if any(moment):
            assert sum(reserve[pair] * (1 if pair[0] == pair[1] else 2) for pair in pairs) == 0


@pytest.mark.parametrize("seed", range(4))
def test_no_strategy_exceeds_a_proved_bound(seed):
    game = random_game(seed=seed)
    bound = float(game_bound(game).bound)
    assert local_value(game).value <= bound
    for _ in range(5):
        assert game.value(random_strategy(game, 3, np.random.default_rng(seed)).behaviour()) <= bound
    best = game.value(best_strategy(game, rng()).behaviour())
    assert float(local_value(game).value) - 1e-6 <= max(best, float(local_value(game).value)) <= bound


@pytest.mark.parametrize(
    ("game", "level", "published", "digits"),
    [
        (chsh_game(), "1", (2 + 2**0.5) / 4, 1e-8),
        (i3322(), "1", 0.375, 1e-8),
        (i3322(), "1+AB", 0.2514709, 1e-7),
        (i3322(), "2", 0.2509397, 1e-7),
        (cglmp(3), "1+AB", 1 + (11 / 3) ** 0.5, 1e-6),
        (chained(6), "1", 12 * np.cos(np.pi / 12), 1e-7),
        (eberhard(), "1", (2**0.5 - 1) / 2, 1e-7),
    ],
    ids=lambda value: str(getattr(value, "name", "")),
)
def test_bounds_are_those_of_the_literature(game, level, published, digits):
    assert abs(float(game_bound(game, level).bound) - published) < digits


def test_for_four_outcomes_bound_and_strategy_meet_at_the_published_value():
    found = game_values(cglmp(4), rng())
    assert 2.97269 < found.reached <= found.bound < 2.97270
    assert f"{found.reached:.4f}" == "2.9727"


def test_a_bound_whose_numbers_were_changed_is_refused():
    bound = game_bound(chsh_game(), "1")
    for i, j in ((0, 1), (1, 1), (1, 3)):
        gram = bound.gram.copy()
        gram[i, j] += 2
        gram[j, i] = gram[i, j]
        with pytest.raises(CertificateError, match="coefficients"):
            dataclasses.replace(bound, gram=gram)
    asymmetric = bound.gram.copy()
    asymmetric[1, 0] += 2
    with pytest.raises(ValueError, match="symmetric"):
        dataclasses.replace(bound, gram=asymmetric)
    lower = bound.gram.copy()
    lower[0, 0] -= bound.denominator // 10**6
    with pytest.raises(CertificateError, match="positive"):
        dataclasses.replace(bound, gram=lower)
    with pytest.raises(ValueError, match="gram"):
        dataclasses.replace(bound, basis=words([2, 3], "1"))


def test_a_factor_proves_positive_and_nothing_else():
    generator = rng()
    A = generator.integers(-9, 10, (6, 4)).astype(object) * 10**10
    M = A @ A.T
    assert positive_factor(M + 10**12 * np.eye(6, dtype=int)) is not None
    assert positive_factor(M - 10**12 * np.eye(6, dtype=int)) is None
    assert not is_positive_by(-np.eye(2, dtype=int), np.zeros((2, 1), dtype=int))


# --- the front door --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("game", [chsh_game(), i3322(), cglmp(3), magic_square(), random_game()], ids=lambda g: g.name)
def test_the_values_are_in_order_and_the_strategy_attains_what_is_said(game):
    found = game_values(game, rng())
    assert found.local.value <= found.reached + 1e-9
    assert found.reached <= found.bound + Fraction(1, 10**9)
    assert found.bound <= found.no_signalling.value
    if found.strategy:
        assert abs(game.value(found.strategy.behaviour()) - found.reached) < 1e-12
    assert len(str(found).splitlines()) == 5


@pytest.mark.parametrize("theta", [0.1, 0.3, np.pi / 4])
def test_a_given_state_reaches_what_gisin_says_in_the_chsh_game_and_as_a_functional(theta):
    """Gisin, Phys. Lett. A 154, 201 (1991): cos θ|00⟩ + sin θ|11⟩ reaches S = 2√(1 + sin² 2θ), whatever the phases."""
    phases = np.exp(1j * np.array([0.4, 1.9]))
    state = np.diag([np.cos(theta), np.sin(theta)] * phases) * 3  # the norm does not matter
    S = 2 * np.sqrt(1 + np.sin(2 * theta) ** 2)
    strategy = best_strategy(chsh_game(), rng(), state=state)
    assert abs(chsh_game().value(strategy.behaviour()) - (4 + S) / 8) < 1e-9
    value, E = see_saw(CHSH, rng(), [state, state])
    assert np.abs(value - S).max() < 1e-9
    assert E.shape == (2, 3, 3)


def test_a_functional_of_more_settings_is_searched_as_its_game_is():
    F = np.zeros((4, 4))
    F[1:, 1:] = [[1, 0, -1], [1, 1, 0], [0, 1, 1]]
    value, E = see_saw(F, rng())
    assert abs(value - 6 * np.cos(np.pi / 6)) < 1e-9
    assert abs((F * E).sum() - value) < 1e-12
    assert abs(Game.from_correlators(F).value(behaviour(E)) - value) < 1e-12


@pytest.mark.parametrize("parties", [1, 2, 3])
def test_the_coefficients_of_a_functional_give_its_value_at_any_behaviour(parties):
    generator = np.random.default_rng(parties)
    shape = (3, 4, 2)[:parties]
    F, P = generator.normal(size=(5, *shape)), generator.dirichlet(np.ones(2**parties), [n - 1 for n in shape])
    P = P.reshape(*[n - 1 for n in shape], *[2] * parties)  # it signals
    value = (coefficients_of_functional(F, parties) * P).reshape(5, -1).sum(axis=1)
    E = correlators_of_behaviour(P, parties)
    assert np.allclose(value, (F * E).reshape(5, -1).sum(axis=1))


def test_the_same_seed_finds_the_same_strategy():
    first, second = (best_strategy(cglmp(3), np.random.default_rng(5), starts=1) for _ in range(2))
    assert np.array_equal(first.state, second.state)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Game(np.zeros((2, 2, 2))), "coefficients: shape"),
        (lambda: Game(np.full((1, 1, 2, 2), np.nan)), "coefficients"),
        (lambda: Game(np.ones((1, 1, 2, 2)), ((1,), (2,))), "does not exist"),
        (lambda: Game(np.ones((1, 1, 2, 2)), questions=[[0.5]]), "questions"),
        (lambda: Game(exact([[[[sp.sqrt(2)]]]])), r"coefficients: entry \(0, 0, 0, 0\)"),
        (lambda: Game(np.ones((1, 1, 1, 1)), ((2,), (2,))), "outcomes"),
        (lambda: Game.from_collins_gisin(np.zeros((3, 3)), [[2, 2], [2, 3]]), "table: shape"),
        (lambda: Game.from_predicate("a == b", (2, 2), (2, 2)), "wins"),
        (lambda: Game.from_predicate(lambda *_: True, (2, 2), (2,)), "settings, outcomes"),
        (lambda: words([2, 2], "5"), "level"),
        (lambda: words(cglmp(6).outcomes, "3"), "level"),
        (lambda: game_bound(Game.from_correlators(mermin(4).functional), "1"), "level"),
        (lambda: best_strategy(chsh_game(), np.random.default_rng(1), 40), "dimension"),
        (lambda: best_strategy(chsh_game(), 1), "rng"),
        (lambda: best_strategy(chsh_game(), rng(), state=np.zeros((2, 2))), "state: it should not be zero"),
        (lambda: best_strategy(chsh_game(), rng(), state=np.ones((2, 3))), "state: shape"),
        (lambda: local_value(Game(np.zeros((25, 25, 2, 2)))), "game"),
        (lambda: no_signalling_value(Game(np.eye(1600).reshape(20, 20, 80, 80)[:, :, :4, :4])), "game"),
        (lambda: SharedStrategy(np.eye(2), (np.eye(2)[None, None],) * 2), "state"),
        (lambda: SharedStrategy(np.eye(2) / 2**0.5, (np.eye(2)[None, None] / 2,) * 2), "sum to one"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(call, said):
    with pytest.raises((ValueError, TypeError), match=said):
        call()
