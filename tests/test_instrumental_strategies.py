"""Strategies for the instrumental experiment: the gap functionals, their symmetries, and their largest values."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import unitary_group

from qlib.correlations import instrumental_strategies as ist
from qlib.correlations import sums_of_squares as mm
from qlib.correlations.behaviours import behaviour, classical_bound, functional_value
from qlib.correlations.quantum_strategies import see_saw
from qlib.correlations.word_algebra import moment_matrix, words
from qlib.models.balke_pearl import BALKE_PEARL_LOWER, BALKE_PEARL_UPPER
from qlib.numbers.exact_arrays import as_float, exact, simplified
from qlib.quantum.channels import PAULI_X, PAULI_Z, born_rule, effects

ROOT2, ROOT6, ROOT13 = sp.sqrt(2), sp.sqrt(6), sp.sqrt(13)


def gap_functional(bound):
    return ist.gap_functional(np.reshape(bound.coefficients, (2, 2, 2)), bound.constant)


LOWER = [gap_functional(bound) for bound in BALKE_PEARL_LOWER]
UPPER = [-gap_functional(bound) for bound in BALKE_PEARL_UPPER]
GAP = LOWER[2]  # p11.0 - p11.1 - p10.1 - p01.0 - p10.0, minus the ACE
LARGEST = {"any": (ROOT13 - 2) / 9, "maximally entangled": 3 * (ROOT6 - 2) / 8, "ACE 0": 3 - 2 * ROOT2}

angle = st.floats(0, 2 * np.pi)


def directions(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def observables(angles):
    return np.einsum("...k,kij->...ij", directions(np.asarray(angles)), as_float(np.array([PAULI_Z, PAULI_X])))


def density_matrix(theta):
    psi = np.array([np.cos(theta), 0, 0, np.sin(theta)])
    return np.outer(psi, psi)


# --- the experiment --------------------------------------------------------------------------------------------------


@given(theta=angle, a=arrays(float, 2, elements=angle), b=arrays(float, 2, elements=angle))
def test_polynomial_correlators_agree_with_the_born_rule(theta, a, b):
    E = ist.qubit_correlators(directions(a), directions(b), np.sin(2 * theta), np.cos(2 * theta))
    P = born_rule(density_matrix(theta), effects(observables(a)), effects(observables(b)))
    np.testing.assert_allclose(behaviour(E), P, atol=1e-12)
    np.testing.assert_allclose(ist.observed(E), np.einsum("zxxy->xyz", P), atol=1e-12)
    assert functional_value(ist.ACE.astype(float), E) == pytest.approx(P[0, 1, :, 1].sum() - P[0, 0, :, 1].sum())


@given(theta=angle, a=arrays(float, 2, elements=angle), b=arrays(float, 2, elements=angle))
def test_gap_functionals_are_bound_minus_effect(theta, a, b):
    E = ist.qubit_correlators(directions(a), directions(b), np.sin(2 * theta), np.cos(2 * theta))
    p, effect = ist.observed(E), functional_value(ist.ACE.astype(float), E)
    for bound, F in zip(BALKE_PEARL_LOWER, LOWER, strict=True):
        assert functional_value(F.astype(float), E) == pytest.approx(bound(p) - effect, abs=1e-12)
    for bound, F in zip(BALKE_PEARL_UPPER, UPPER, strict=True):
        assert functional_value(F.astype(float), E) == pytest.approx(effect - bound(p), abs=1e-12)


@given(v=st.floats(0, 1), theta=angle)
def test_noise_on_the_state_shrinks_the_correlators(v, theta):
    a, b = np.array([0.1, 1.3]), np.array([0.7, 2.9])
    rho = v * density_matrix(theta) + (1 - v) * np.eye(4) / 4
    E = ist.qubit_correlators(directions(a), directions(b), np.sin(2 * theta), np.cos(2 * theta))
    P = born_rule(rho, effects(observables(a)), effects(observables(b)))
    np.testing.assert_allclose(behaviour(ist.mixed_with_noise(E, v)), P, atol=1e-12)


def test_an_expression_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape \(8,\) should be"):
        ist.gap_functional(np.zeros(8, dtype=int))


# --- structure of the gaps -------------------------------------------------------------------------------------------


def test_no_bound_misses_the_effect_classically():
    for F in LOWER + UPPER:
        assert classical_bound(F) == 0


def test_half_of_the_gaps_are_two_probabilities_and_half_chsh_and_one():
    for gaps in (LOWER, UPPER):
        kinds = [tuple(name[0] for name in ist.as_facets(F)) for F in gaps]
        assert kinds.count(("P", "P")) == kinds.count(("C", "P")) == 4


@pytest.mark.parametrize("gaps", [LOWER, UPPER])
def test_renaming_joins_the_four_gaps_with_chsh(gaps):
    with_chsh = [F for F in gaps if ist.as_facets(F)[0].startswith("CHSH")]
    orbit = [ist.relabelled(with_chsh[0], z=z, x=xy, y=xy) for z in (False, True) for xy in (False, True)]
    assert all(any(np.array_equal(F, G) for G in orbit) for F in with_chsh)


def test_renaming_the_outcome_turns_lower_into_upper_bounds():
    turned = [ist.relabelled(F, y=True) for F in LOWER]
    assert all(any(np.array_equal(F, G) for G in turned) for F in UPPER)


@given(E=arrays(float, (3, 3), elements=st.floats(-1, 1)), z=st.booleans(), x=st.booleans(), y=st.booleans())
def test_renaming_twice_changes_nothing(E, z, x, y):
    again = ist.relabelled(ist.relabelled(E, z=z), z=z)
    again = ist.relabelled(ist.relabelled(again, x=x), x=x)
    np.testing.assert_array_equal(ist.relabelled(ist.relabelled(again, y=y), y=y), E)


def test_facets_are_tight_for_classical_behaviours_and_a_chsh_facet_is_no_probability():
    for F in ist.local_facets().values():
        assert classical_bound(F) == 0
    with pytest.raises(ValueError, match="not the sum of one or two facets"):
        ist.as_facets(3 * GAP)


# --- largest values --------------------------------------------------------------------------------------------------


def test_the_largest_gap_is_enclosed_by_a_strategy_and_a_certificate():
    found, _ = see_saw(GAP, np.random.default_rng(3))
    assert found == pytest.approx(float(LARGEST["any"]), abs=1e-12)
    assert 0 <= mm.rational_certificate(GAP).bound - LARGEST["any"] < 1e-8


def test_the_largest_gap_is_proved_without_slack():
    c = -LARGEST["any"]
    turned, length = simplified(exact([[c, 1 - c**2], [1, -c]])), 1 - c**2  # in the basis |0⟩, √(1 − c²)|1⟩
    state = exact([[1, (15 + 3 * ROOT13) / 4], [(15 + 3 * ROOT13) / 4, -(1 + 5 * ROOT13) / 8]])
    strategy = [[PAULI_Z, turned], [turned, -PAULI_Z]]
    moments = moment_matrix(words([2, 2]), strategy, state, np.outer([1, length], [1, length]))
    assert sp.simplify(mm.certificate_from_strategy(GAP, moments).bound - LARGEST["any"]) == 0
    with pytest.raises(mm.CertificateError):
        mm.certificate_from_strategy(LOWER[3], moments)


def test_the_largest_gap_is_the_same_for_all_bounds_that_can_be_missed():
    found, _ = see_saw(np.array(LOWER + UPPER, dtype=float), np.random.default_rng(4))
    expected = [float(LARGEST["any"]) if ist.as_facets(F)[0][0] == "C" else 0 for F in LOWER + UPPER]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_at_effect_zero_a_multiplier_proves_the_largest_gap():
    trade_off = exact(GAP + (3 * ROOT2 - 4) / 2 * ist.ACE)
    assert 0 <= mm.rational_certificate(trade_off).bound - LARGEST["ACE 0"] < 1e-8
    C, D = sp.sqrt((68 - 46 * ROOT2) / 3), -sp.sqrt((46 * ROOT2 - 65) / 3)
    x = sp.sqrt((2 * ROOT2 - 1) / 3)
    a0 = np.array([3 * x - D, -C * sp.sqrt(1 - x**2)])
    alice = [a0 / sp.sqrt((a0**2).sum()), exact([0, 1])]
    E = ist.qubit_correlators(alice, [[x, sp.sqrt(1 - x**2)], [x, -sp.sqrt(1 - x**2)]], C, D)
    E = as_float(E)
    assert functional_value(as_float(GAP), E) == pytest.approx(float(LARGEST["ACE 0"]), abs=1e-12)
    assert functional_value(as_float(ist.ACE), E) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_maximally_entangled_states_of_any_dimension_stay_below_the_qubits_value(d):
    found, _ = see_saw(GAP, np.random.default_rng(5), np.eye(d) / np.sqrt(d), starts=40)
    assert found <= float(LARGEST["maximally entangled"]) + 1e-12
    if d % 2 == 0:
        assert found == pytest.approx(float(LARGEST["maximally entangled"]), abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 4))
def test_random_complex_measurements_on_maximally_entangled_states_stay_below_it_too(seed, d):
    rng = np.random.default_rng(seed)
    U = np.array(unitary_group.rvs(d, size=4, random_state=rng)).reshape(2, 2, d, d)
    O = np.einsum("psij,psj,pskj->psik", U, rng.choice([-1.0, 1.0], size=(2, 2, d)), U.conj())
    psi = np.eye(d).ravel() / np.sqrt(d)
    P = born_rule(np.outer(psi, psi), effects(O[0]), effects(O[1]))
    signs = np.array([1, -1])
    E = np.ones((3, 3))
    E[1:, 1:] = np.einsum("stab,a,b->st", P, signs, signs)
    E[1:, 0], E[0, 1:] = np.einsum("sab,a->s", P[:, 0], signs), np.einsum("tab,b->t", P[0], signs)
    assert functional_value(GAP.astype(float), E) <= float(LARGEST["maximally entangled"]) + 1e-9


def test_every_entangled_pure_state_of_two_qubits_beats_hardys_probability():
    theta = np.linspace(0.02, np.pi / 4 - 0.01, 12)
    states = np.zeros((12, 2, 2))
    states[:, 0, 0], states[:, 1, 1] = np.cos(theta), np.sin(theta)
    found, _ = see_saw(GAP, np.random.default_rng(6), states)
    C = np.sin(2 * theta)
    assert (found > 0).all()
    assert (found >= C**2 * (1 - C) / (2 - C) ** 2 - 1e-9).all()


# --- noise -----------------------------------------------------------------------------------------------------------


def test_the_printed_strategy_bears_noise_down_to_three_fifths_of_root_two():
    r = ROOT2 / 2
    E = ist.qubit_correlators([[1, 0], [0, 1]], [[r, r], [r, -r]], sp.Integer(-1), sp.Integer(0))
    gaps = [F for F in LOWER if functional_value(F, E) > 0]
    assert len(gaps) == 1
    assert sp.simplify(ist.critical_visibility(gaps[0], E) - 3 * ROOT2 / 5) == 0


def test_the_see_saw_is_reproducible():
    first, second = (see_saw(GAP, np.random.default_rng(7), rounds=5) for _ in range(2))
    np.testing.assert_array_equal(first[1], second[1])
