"""Bounds on effects for classical, quantum and no-signalling common causes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from qlib.correlations import (
    LatentBounds,
    constraint_multipliers,
    functional_value,
    latent_bounds,
    observed,
    qubit_correlators,
)
from qlib.correlations.instrumental_strategies import ACE

C = 1 / np.sqrt(2)
WANG_ZHANG = np.array([[1, 0, 0], [0, C, C], [0, C, -C]])
VITAMIN = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]


@pytest.fixture(scope="module")
def violation() -> LatentBounds:
    return latent_bounds(observed(WANG_ZHANG))


def test_each_kind_of_common_cause_allows_what_the_narrower_one_does(violation: LatentBounds) -> None:
    classical, quantum, anything = violation.classical, violation.inner, violation.no_signalling
    assert anything.lower <= violation.outer[0] <= quantum[0] + 1e-6
    assert quantum[0] < classical.lower
    assert quantum[1] <= violation.outer[1] + 1e-6


def test_the_true_effect_of_wang_and_zhangs_experiment_is_allowed_by_quantum_causes(
    violation: LatentBounds,
) -> None:
    assert float(violation.classical.lower) == pytest.approx((5 * np.sqrt(2) - 6) / 8)
    assert violation.inner[0] < 0 < violation.classical.lower
    assert float(violation.no_signalling.lower) == pytest.approx(-(2 - np.sqrt(2)) / 4)


def test_the_attained_and_the_proved_bound_are_close_at_level_two(violation: LatentBounds) -> None:
    assert violation.inner[0] - float(violation.outer[0]) < 1e-3
    assert float(violation.outer[1]) - violation.inner[1] < 1e-3


def test_a_proof_verifies_itself_and_is_about_the_effect(violation: LatentBounds) -> None:
    lower, upper = violation.proofs
    for proof, sign in ((lower, -1), (upper, 1)):
        proof.verify()
        assert proof.value.is_Rational
        assert (proof.functional == sign * ACE).all()


@pytest.mark.parametrize("seed", range(3))
def test_no_strategy_exceeds_the_proved_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    alice, bob = (np.stack([np.cos(a), np.sin(a)], axis=-1) for a in rng.uniform(0, 2 * np.pi, (2, 2)))
    theta = rng.uniform(0.2, 0.7)
    E = qubit_correlators(alice, bob, np.sin(2 * theta), np.cos(2 * theta))
    bounds = latent_bounds(observed(E), level="1+AB")
    effect = float(functional_value([[0, 0.5, -0.5], [0, 0, 0], [0, 0, 0]], E))
    assert float(bounds.outer[0]) - 1e-7 <= effect <= float(bounds.outer[1]) + 1e-7


def test_with_one_sided_compliance_all_common_causes_allow_the_same() -> None:
    bounds = latent_bounds(VITAMIN)
    for lower, upper in (bounds.inner, bounds.outer, (bounds.no_signalling.lower, bounds.no_signalling.upper)):
        assert float(lower) == pytest.approx(float(bounds.classical.lower), abs=1e-3)
        assert float(upper) == pytest.approx(float(bounds.classical.upper), abs=1e-3)
    assert "quantum, proved (level 2)" in str(bounds)


def test_multipliers_of_what_is_known_give_the_value_that_it_fixes() -> None:
    """CHSH with ⟨A0⟩ = 1: with one observable certain, no more than the classical 2."""
    chsh, A0 = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]]), np.zeros((3, 3))
    A0[1, 0] = 1
    found = constraint_multipliers(chsh, [A0], [1])
    assert found.shape == (1,)


@pytest.mark.parametrize(
    ("data", "query", "said"),
    [
        (np.full((3, 2, 2), 1 / 6), "ACE", "data: "),
        (VITAMIN, "risk ratio", "query: .* is a quotient"),
        (VITAMIN, "PNS", "query: .* asks about two worlds at once"),
    ],
)
def test_what_a_quantum_latent_does_not_answer_is_refused_by_name(data, query, said) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        latent_bounds(data, query)


def test_counts_are_read_exactly() -> None:
    bounds = latent_bounds(VITAMIN, "P(Y | do X)", level="1+AB")
    assert bounds.classical.lower == sp.Rational(9663, 12094)
    assert bounds.proofs[0].p[0] == sp.Rational(74, 11588)
    assert isinstance(bounds.classical.recoded, Fraction)


def test_without_a_search_for_strategies_what_is_attained_is_classical_and_what_is_proved_is_the_same() -> None:
    law = observed(WANG_ZHANG)
    quick = latent_bounds(law, level="1+AB", strategies=False)
    assert quick.inner == (float(quick.classical.lower), float(quick.classical.upper))
    assert float(quick.outer[0]) < quick.inner[0] - 0.1
    with pytest.raises(TypeError, match=r"^strategies"):
        latent_bounds(law, strategies="few")  # type: ignore[arg-type]


def test_the_table_that_others_widen_most_is_classical_in_quantum_theory_and_beside_it_is_not() -> None:
    extreme = np.zeros((2, 2, 2), dtype=object) + sp.Integer(0)
    extreme[:, 0, 0] = extreme[0, 0, 1] = extreme[1, 1, 1] = sp.Rational(1, 2)
    bounds = latent_bounds(extreme, strategies=False)
    assert abs(float(bounds.outer[0]) - 0.5) < 1e-8
    assert (bounds.no_signalling.lower, bounds.no_signalling.upper) == (0, sp.Rational(1, 2))
    near = sp.Rational(9, 10) * extreme + sp.Rational(1, 40)
    bounds = latent_bounds(near, level="1+AB")
    assert bounds.inner[0] < float(bounds.classical.lower) - 0.04
