"""Moment matrices: known quantum bounds, certificates that prove and certificates that must be refused."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qlib.correlations import sums_of_squares as mm
from qlib.correlations.behaviours import (
    behaviour,
    classical_bound,
    deterministic_correlators,
    functional,
    functional_value,
)
from qlib.correlations.bell_tests import mermin
from qlib.correlations.quantum_strategies import see_saw
from qlib.correlations.word_algebra import LEVELS, moment_matrix, places, polynomial, words
from qlib.numbers.exact_arrays import exact, simplified

CHSH = exact([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
Z, X = exact([[1, 0], [0, -1]]), exact([[0, 1], [1, 0]])
ROOT = sp.sqrt(2)
TSIRELSON = ((Z, X), ((Z + X) / ROOT, (Z - X) / ROOT), exact([[1, 0], [0, 1]]))

small = arrays(float, (3, 3), elements=st.floats(-2, 2, width=16))


def random_observables(rng, number, d):
    """Real observables with eigenvalues ±1, shape (number, d, d)."""
    bases = np.linalg.qr(rng.normal(size=(number, d, d)))[0]
    signs = rng.choice([-1.0, 1.0], size=(number, d))
    return np.einsum("nij,nj,nkj->nik", bases, signs, bases)


# --- words and functionals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "count"), [("1", 5), ("1+AB", 9), ("2", 13), ("3", 25)])
def test_levels_have_the_known_number_of_words(level, count):
    basis = words([2, 2], level)
    assert len(basis) == len(set(basis)) == count


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match=r"level: '5'.*1\+AB"):
        words([2, 2], "5")


@given(c=arrays(float, (2, 2, 2, 2), elements=st.floats(-3, 3)), E=small)
def test_functional_and_probabilities_are_two_forms_of_one_pairing(c, E):
    E = E.copy()
    E[0, 0] = 1
    assert functional_value(functional(c, 0.5), E) == pytest.approx((c * behaviour(E)).sum() + 0.5)


def test_probabilities_of_deterministic_strategies_are_zero_or_one():
    P = behaviour(deterministic_correlators(2, 2))
    assert set(np.unique(P)) == {0.0, 1.0}
    np.testing.assert_array_equal(P.sum(axis=(-1, -2)), 1)


def test_functional_refuses_coefficients_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(2, 2\) should be"):
        functional(np.eye(2))


# --- moment matrices -------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 3))
def test_moment_matrices_are_positive_and_equal_words_have_equal_entries(seed, d):
    rng = np.random.default_rng(seed)
    basis = words([2, 2], "2")
    A, B = random_observables(rng, 2, d), random_observables(rng, 2, d)
    moments = moment_matrix(basis, (A, B), rng.normal(size=(d, d)))
    assert np.linalg.eigvalsh(moments).min() > -1e-9
    for entries in places(basis).values():
        np.testing.assert_allclose([moments[ij] for ij in entries], moments[entries[0]], atol=1e-9)


def test_a_basis_that_is_not_normalised_gives_the_same_moments():
    basis, scale = words([2, 2]), exact([[1, 0], [0, 3]])
    moved = [tuple(simplified(scale @ O @ sp.Matrix(scale).inv()) for O in side) for side in TSIRELSON[:2]]
    gram = exact([[1, sp.Rational(1, 9)], [sp.Rational(1, 9), sp.Rational(1, 81)]])
    state = scale @ TSIRELSON[2] @ scale.T
    expected = moment_matrix(basis, TSIRELSON[:2], TSIRELSON[2])
    assert (simplified(moment_matrix(basis, moved, state, gram) - expected) == 0).all()


# --- bounds with a source --------------------------------------------------------------------------------------------


def test_tsirelsons_bound_is_proved_exactly_from_his_strategy():
    moments = moment_matrix(words([2, 2], "1"), TSIRELSON[:2], TSIRELSON[2])
    assert mm.certificate_from_strategy(CHSH, moments, "1").bound == 2 * ROOT


@pytest.mark.parametrize("level", LEVELS[:4])
def test_tsirelsons_bound_is_enclosed_in_rational_numbers(level):
    bound = mm.rational_certificate(CHSH, level).bound
    assert bound.is_Rational
    assert 0 <= bound - 2 * ROOT < 1e-8


def test_clauser_horne_reaches_half_of_root_two_minus_one():
    c = exact(np.zeros((2, 2, 2, 2), dtype=int))
    c[0, 0, 0, 0] = c[0, 1, 0, 0] = c[1, 0, 0, 0] = 1
    c[1, 1, 0, 0] = -1
    c[0, 0, 0, :] -= 1  # − P(a=0 | s=0)
    c[0, 0, :, 0] -= 1  # − P(b=0 | t=0)
    F = functional(c)
    assert classical_bound(F) == 0
    assert 0 <= mm.rational_certificate(F, "1").bound - (ROOT - 1) / 2 < 1e-8


@pytest.mark.parametrize("tilt", [sp.Rational(1, 2), sp.Integer(1), sp.Rational(3, 2)])
def test_tilted_chsh_reaches_the_value_of_acin_massar_pironio(tilt):
    """Acín, Massar & Pironio, PRL 108, 100402 (2012): tilt·⟨A0⟩ + CHSH ≤ √(8 + 2 tilt²), classically 2 + tilt."""
    F = CHSH.copy()
    F[1, 0] = tilt
    assert classical_bound(F) == 2 + tilt
    assert 0 <= mm.rational_certificate(F).bound - sp.sqrt(8 + 2 * tilt**2) < 1e-8


def test_i3322_has_the_known_bound_of_the_second_level():
    """Doherty, Liang, Toner & Wehner (2008); Pál & Vértesi (2009): level 2 gives 0.250940 (classically 0)."""
    c = exact(np.zeros((3, 3, 2, 2), dtype=int))
    c[:, :, 0, 0] = exact([[1, 1, 1], [1, 1, -1], [1, -1, 0]])
    c[0, 0, 0, :] -= 1
    c[0, 0, :, 0] -= 2
    c[0, 1, :, 0] -= 1
    F = functional(c)
    assert classical_bound(F) == 0
    assert float(mm.rational_certificate(F, "2").bound) == pytest.approx(0.250940, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(F=small)
def test_certificates_lie_above_every_strategy(F):
    classical = classical_bound(F)
    quantum, _ = see_saw(F, np.random.default_rng(0), rounds=20)
    proved = float(mm.rational_certificate(exact(np.vectorize(sp.Rational)(F))).bound)
    assert classical - 1e-9 <= quantum + 1e-6
    assert quantum <= proved + 1e-12


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_strategy_that_is_not_optimal_has_no_certificate():
    worse = moment_matrix(words([2, 2]), (TSIRELSON[0], (Z, X)), TSIRELSON[2])
    with pytest.raises(mm.CertificateError):
        mm.certificate_from_strategy(CHSH, worse)


def test_a_gram_matrix_that_is_not_positive_proves_nothing():
    good = mm.certificate_from_strategy(CHSH, moment_matrix(words([2, 2], "1"), TSIRELSON[:2], TSIRELSON[2]), "1")
    smaller = good.gram - exact(np.eye(5, dtype=int)) / 10**6
    with pytest.raises(mm.CertificateError, match="not positive"):
        mm.SumOfSquares(polynomial(CHSH), good.basis, smaller)


def test_an_identity_that_does_not_hold_is_refused():
    good = mm.certificate_from_strategy(CHSH, moment_matrix(words([2, 2], "1"), TSIRELSON[:2], TSIRELSON[2]), "1")
    other = CHSH.copy()
    other[1, 1] = 2
    with pytest.raises(mm.CertificateError, match="differ by 1"):
        mm.SumOfSquares(polynomial(other), good.basis, good.gram)


def test_words_that_do_not_reach_the_functional_are_refused():
    with pytest.raises(mm.CertificateError, match="do not reach"):
        mm.SumOfSquares(polynomial(CHSH), (((), ()),), exact([[1]]))
    with pytest.raises(ValueError, match="basis: the letter 2 of party 1"):
        moment_matrix(words([2, 3]), TSIRELSON[:2], TSIRELSON[2])
    with pytest.raises(ValueError, match="do not reach"):
        mm.rational_certificate(mermin(3).functional, "1")


def test_positivity_of_number_field_matrices_is_decided_at_the_boundary():
    singular = exact([[2, ROOT], [ROOT, 1]])
    assert mm.is_positive_semidefinite(mm.field_matrix(singular))
    below = singular - exact([[sp.Rational(1, 10**30), 0], [0, 0]])
    assert not mm.is_positive_semidefinite(mm.field_matrix(below))
    assert not mm.is_positive_semidefinite(mm.field_matrix(exact([[1, 1], [0, 1]])))


def test_a_number_is_no_functional_and_is_refused_by_name():
    with pytest.raises(ValueError, match="F is the number 2: a functional has an axis for each party"):
        mm.rational_certificate(2)
