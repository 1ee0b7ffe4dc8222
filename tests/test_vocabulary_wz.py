"""What Wang and Zhang's symbols mean: tested with complex, asymmetric matrices, in which nothing agrees by chance."""

import numpy as np
import pytest
import sympy as sp

from compendium.claims.vocabulary import wz
from qlib.numbers import exact, simplified
from qlib.quantum import PAULI_Y, effects

TILTED = simplified(exact([[3, 4 * sp.I], [-4 * sp.I, -3]]) / 5)  # squares to one, neither real nor diagonal
TURNED = simplified(exact([[sp.Rational(-5, 13), sp.Rational(12, 13)], [sp.Rational(12, 13), sp.Rational(5, 13)]]))
OBSERVABLES = {"A0": TILTED, "A1": PAULI_Y, "B0": TURNED, "B1": -TILTED}


def test_entries_are_named_by_the_places_of_their_indices():
    p = np.arange(8).reshape(2, 2, 2)
    assert wz.by_name("p({0}{1}|{2})", p)["p(01|1)"] == p[0, 1, 1]
    assert wz.by_name("M(x={1}, z={0})", p)["M(x=0, z=1)"].tolist() == p[1, 0].tolist()


@pytest.mark.parametrize("observable", OBSERVABLES.values())
def test_a_measurement_by_eigenspaces_is_that_by_the_formula(observable):
    assert np.all(simplified(wz.measurements([observable])[0] - effects(observable)) == 0)


def test_a_number_that_is_no_eigenvalue_is_refused():
    with pytest.raises(ValueError, match=r"^eigenvalue: 2 is no eigenvalue"):
        wz.eigenspace(TILTED, 2)


def test_a_strategy_says_which_observables_its_effects_measure():
    M, N = wz.measurements([TILTED, PAULI_Y]), wz.measurements([TURNED, -TILTED])
    said = wz.strategy(exact([1, 0, 0, 0]), M, N, OBSERVABLES)
    assert all(np.all(simplified(said[name] - observable) == 0) for name, observable in OBSERVABLES.items())
    assert (said["eigenvalue of outcome 0"], said["eigenvalue of outcome 1"]) == (1, -1)


def test_outcomes_of_one_number_and_two_eigenvalues_are_refused():
    M, N = wz.measurements([TILTED, PAULI_Y]), wz.measurements([TURNED, TILTED])
    with pytest.raises(ValueError, match=r"^outcome 0: its effect of B1"):
        wz.strategy(exact([1, 0, 0, 0]), M, N, OBSERVABLES)


def test_outcomes_are_numbered_by_the_index_over_which_effects_add_up_to_one():
    M = wz.measurements([TILTED, PAULI_Y])
    assert wz.numbering(M, "zx") == wz.numbering(np.swapaxes(M, 0, 1), "xz") == "x"
    with pytest.raises(ValueError, match=r"^indices: over none"):
        wz.numbering(2 * M, "zx")
