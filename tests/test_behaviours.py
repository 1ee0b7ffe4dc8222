"""Behaviours and correlators: one layout, two forms of the same thing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from qlib.correlations.behaviours import (
    behaviour,
    chsh_of_behaviour,
    classical_bound,
    correlators,
    correlators_of_behaviour,
    deterministic_correlators,
    deterministic_outcomes,
    deterministic_values,
    functional,
    functional_value,
)
from qlib.correlations.scenarios import bell_scenario
from qlib.numbers.exact_arrays import exact
from qlib.quantum.channels import born_rule, effects
from qlib.quantum.random_processes import random_state
from qlib.quantum.two_qubits import chsh_value, spin_correlators, spin_observable

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
SETTINGS = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


def directions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    n = rng.normal(size=(*shape, 3))
    return np.asarray(n / np.linalg.norm(n, axis=-1, keepdims=True))


@given(SEEDS, SETTINGS)
def test_correlators_and_behaviours_are_two_forms_of_one_thing(rng: np.random.Generator, settings: tuple) -> None:
    E = rng.normal(size=(4, *(1 + n for n in settings)))
    P = behaviour(E, len(settings))
    assert P.shape == (4, *settings, *(2,) * len(settings))
    assert_allclose(correlators_of_behaviour(P, len(settings)), E, atol=1e-12)


@given(SEEDS)
def test_a_behaviour_is_the_born_rule_and_its_correlators_are_means_of_observables(rng: np.random.Generator) -> None:
    """Complex states, more settings for Bob than for Alice: no index can be exchanged unnoticed."""
    rho, alice, bob = random_state(4, rng), directions(rng, 2), directions(rng, 3)
    P = born_rule(rho, *(effects(spin_observable(n)) for n in (alice, bob)))
    E = spin_correlators(rho, alice, bob)
    assert_allclose(behaviour(E), P, atol=1e-12)
    assert_allclose(correlators_of_behaviour(P), E, atol=1e-12)
    observables = np.stack([spin_observable(alice), spin_observable(bob[:2])])
    assert_allclose(correlators(rho, observables), E[:, :3], atol=1e-12)
    assert chsh_of_behaviour(P[:, :2]) == pytest.approx(chsh_value(E[:, :3]))


@given(SEEDS)
def test_the_correlators_of_what_signals_are_those_of_the_nearest_that_does_not(rng: np.random.Generator) -> None:
    """What is left is orthogonal to every behaviour that does not signal."""
    P = rng.dirichlet(np.ones(4), size=(2, 3)).reshape(2, 3, 2, 2)
    rest = P - behaviour(correlators_of_behaviour(P))
    other = behaviour(rng.normal(size=(3, 4)))
    assert abs((rest * other).sum()) < 1e-12
    assert abs(rest).max() > 1e-3
    assert chsh_of_behaviour(P[:, :2]) == pytest.approx(chsh_of_behaviour(P[:, :2] - rest[:, :2]))


@given(SEEDS)
def test_a_functional_has_the_same_value_at_a_behaviour_and_at_its_correlators(rng: np.random.Generator) -> None:
    c, E = rng.normal(size=(2, 3, 2, 2)), rng.normal(size=(3, 4))
    E[0, 0] = 1
    assert functional_value(functional(c, 0.5), E) == pytest.approx((c * behaviour(E)).sum() + 0.5)


def test_exact_correlators_give_exact_behaviours() -> None:
    E = exact([[1, 0, sp.Symbol("b")], [sp.sqrt(2) / 2, sp.Rational(1, 3), 0]])
    assert behaviour(E).shape == (1, 2, 2, 2)
    assert (correlators_of_behaviour(behaviour(E)) - E == 0).all()


@pytest.mark.parametrize("settings", [(2,), (2, 2), (3, 2), (2, 1, 3)])
def test_deterministic_strategies_are_those_of_the_scenario_in_its_order(settings: tuple[int, ...]) -> None:
    scenario, n = bell_scenario(*settings), len(settings)
    P = behaviour(deterministic_correlators(*settings), n)
    assert (P.reshape(scenario.deterministic.shape) == scenario.deterministic).all()
    assert (scenario.assignments == deterministic_outcomes([2] * sum(settings))).all()


@given(SEEDS, SETTINGS)
def test_deterministic_values_are_those_at_deterministic_correlators(rng: np.random.Generator, settings: tuple) -> None:
    F = rng.normal(size=tuple(1 + n for n in settings))
    values = functional_value(F, deterministic_correlators(*settings))
    assert_allclose(deterministic_values(F).ravel(), values, atol=1e-12)
    assert classical_bound(F) == pytest.approx(values.max())


def test_seven_parties_are_too_many_for_an_array_but_not_for_their_values() -> None:
    with pytest.raises(ValueError, match="which are too many"):
        deterministic_correlators(*[2] * 7)
    F = np.zeros((3,) * 7, dtype=int)
    F[(1,) * 7] = 1
    assert classical_bound(F) == 1
    with pytest.raises(ValueError, match=r"F: shape .* should be"):
        deterministic_values(np.zeros((3,) * 9))


def test_all_outcomes_are_listed_once() -> None:
    assert list(map(tuple, deterministic_outcomes([2, 3]))) == list(product(range(2), range(3)))
    with pytest.raises(ValueError, match="131072 assignments of outcomes to 17 measurements are too many"):
        deterministic_outcomes([2] * 17)
