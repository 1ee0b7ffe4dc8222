"""Contextuality by default: the formula against the linear program, and what it becomes without disturbance."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from random_phenomena import seeds

from qlib.correlations import scenarios
from qlib.correlations.couplings import contextuality_by_default, coupling_program, cyclic_measure, is_cyclic
from qlib.correlations.hidden_variables import is_factorisable
from qlib.correlations.scenarios import (
    Phenomenon,
    Scenario,
    bell_scenario,
    cycle_scenario,
    disturbances,
    mix,
    white_noise,
)
from qlib.numbers.exact_arrays import exact, exact_sign

CHSH = bell_scenario(2, 2)


def disturbed(scenario: Scenario, p: Phenomenon, seed: int) -> Phenomenon:
    rng = np.random.default_rng(seed)
    own = rng.dirichlet(np.ones(4), size=len(scenario.contexts)).reshape(scenario.shape)
    return mix(rng.uniform(0.5, 1), p, Phenomenon(scenario, own))


@pytest.mark.parametrize("n", [3, 4, 5])
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_the_formula_of_cyclic_systems_agrees_with_the_program_over_all_couplings(n, seed):
    p = disturbed(cycle_scenario(n), scenarios.contextual_cycle(n), seed)
    found = contextuality_by_default(p)
    assert cyclic_measure(p) == pytest.approx(found.value, abs=1e-8)
    assert found.distance == pytest.approx(sum(d.distance for d in disturbances(p)))
    assert found.mismatch >= found.distance - 1e-9


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_it_agrees_exactly_on_exact_phenomena(seed):
    k = np.random.default_rng(seed).integers(1, 6, size=(4, 2, 2))
    table = [[[sp.Rational(int(x), int(law.sum())) for x in row] for row in law] for law in k]
    p = mix(sp.Rational(3, 4), scenarios.pr_box(), Phenomenon(CHSH, np.array(table, dtype=object)))
    found = contextuality_by_default(p)
    found.certificate.verify(coupling_program(p))
    assert found.value == cyclic_measure(p)


@pytest.mark.parametrize(
    ("p", "value"),
    [
        (scenarios.pr_box(), 1),
        (scenarios.tsirelson(), sp.sqrt(2) - 1),
        (scenarios.quantum_cycle(5), 2 * sp.sqrt(5) - 4),
        (white_noise(CHSH), 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_without_disturbance_it_is_half_the_violation(p, value):
    assert exact_sign(contextuality_by_default(p).value - value) == 0
    assert contextuality_by_default(p).distance == 0


@settings(max_examples=20, deadline=None)
@given(k=st.integers(0, 20))
def test_without_disturbance_it_vanishes_exactly_for_factorisable_phenomena(k):
    p = scenarios.tsirelson(sp.Rational(k, 20))
    assert is_factorisable(p) == (exact_sign(contextuality_by_default(p).value) == 0)


def test_a_deterministic_system_is_noncontextual_however_it_disturbs():
    """Dzhafarov & Kujala: with nothing random there is one coupling, and it is maximal."""
    table = np.zeros(CHSH.shape, dtype=int)
    table[[0, 1, 2, 3], [0, 1, 0, 1], [1, 1, 0, 0]] = 1
    p = Phenomenon(CHSH, np.array([[[sp.Integer(int(x)) for x in r] for r in law] for law in table], dtype=object))
    assert any(d.distance for d in disturbances(p))
    assert contextuality_by_default(p).value == cyclic_measure(p) == 0


def test_a_measurement_in_more_than_two_contexts_counts_in_every_pair():
    """GHZ's perfect correlations among four contexts: each of six measurements in two; the square: each in two."""
    assert contextuality_by_default(mermin_four()).value == 1
    star = Scenario([("h", "a"), ("h", "b"), ("h", "c")])
    lean = np.array([[[0.5, 0], [0, 0.5]], [[0.5, 0], [0, 0.5]], [[0.8, 0], [0, 0.2]]])
    found = contextuality_by_default(Phenomenon(star, lean))
    assert found.distance == pytest.approx(0.6)
    assert found.value == pytest.approx(0, abs=1e-9)


def mermin_four() -> Phenomenon:
    p = scenarios.ghz_mermin()
    chosen = [0, 3, 5, 6]
    return Phenomenon(Scenario([p.scenario.contexts[c] for c in chosen]), p.table[chosen])


ORDERS = Scenario([("A", "B"), ("B", "A")], name="two questions in both orders")


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_two_questions_asked_in_both_orders_are_the_cycle_of_two(seed):
    law = np.random.default_rng(seed).dirichlet(np.full(4, 0.4), size=2).reshape(2, 2, 2)
    p = Phenomenon(ORDERS, law)
    assert cyclic_measure(p) == pytest.approx(contextuality_by_default(p).value, abs=1e-8)
    assert cyclic_measure(p) == pytest.approx(max(0, _order_excess(p)), abs=1e-12)


def _order_excess(p: Phenomenon) -> float:
    """For n = 2: half of |⟨AB⟩ - ⟨BA⟩| less the two shifts of the means (Kujala & Dzhafarov 2016)."""
    shifts = [abs(p.correlator(0, [m]) - p.correlator(1, [m])) for m in "AB"]
    return (abs(p.correlator(0) - p.correlator(1)) - sum(shifts)) / 2


def test_an_order_effect_that_shifts_no_mean_is_contextuality():
    p = Phenomenon(ORDERS, exact([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]) / 2)
    assert cyclic_measure(p) == contextuality_by_default(p).value == 1


def test_cyclic_are_the_cycles_and_chsh_and_nothing_else():
    assert is_cyclic(ORDERS)
    assert all(is_cyclic(cycle_scenario(n)) for n in (3, 4, 5))
    assert is_cyclic(CHSH)
    assert not is_cyclic(bell_scenario(2, 2, 2))
    assert not is_cyclic(Scenario([*cycle_scenario(3).contexts, ("x", "y"), ("y", "z"), ("z", "x")]))
    assert not is_cyclic(Scenario([("a", "b"), ("b", "c"), ("c", "a")], 3))


def test_the_formula_is_for_cycles_and_the_measure_for_two_outcomes():
    with pytest.raises(ValueError, match="cyclic scenarios"):
        cyclic_measure(white_noise(bell_scenario(2, 3)))
    with pytest.raises(ValueError, match="'A0' has 3 outcomes"):
        contextuality_by_default(white_noise(bell_scenario(2, 2, outcomes=3)))


def test_too_many_values_of_a_coupling_are_refused():
    with pytest.raises(ValueError, match="262144 values, which are too many"):
        coupling_program(white_noise(cycle_scenario(9)))
