"""Scenarios that several tests look at, and random phenomena on them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from qlib.correlations.scenarios import Phenomenon, Scenario, bell_scenario, cycle_scenario

CHSH, KCBS = bell_scenario(2, 2), cycle_scenario(5)
UNEVEN = Scenario([("a", "b"), ("b", "c"), ("c", "a"), ("a",)], {"a": 2, "b": 3, "c": 2})
seeds = st.integers(0, 2**32 - 1)


def random_mixture(scenario: Scenario, seed: int) -> Phenomenon:
    """A mixture of assignments of outcomes: few of them weigh much."""
    weights = np.random.default_rng(seed).dirichlet(np.full(len(scenario.assignments), 0.2))
    return Phenomenon(scenario, np.tensordot(weights, scenario.deterministic, 1))


def random_laws(scenario: Scenario, seed: int) -> Phenomenon:
    """An independent law for each context: it disturbs, almost surely."""
    rng = np.random.default_rng(seed)
    table = np.where(scenario.possible, rng.exponential(size=scenario.shape), 0)
    return Phenomenon(scenario, table / table.sum(axis=tuple(range(1, table.ndim)), keepdims=True))
