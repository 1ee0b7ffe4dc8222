"""What Wang and Zhang's symbols mean: tested with complex, asymmetric matrices, in which nothing agrees by chance."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.claims.vocabulary import wz
from qlib.models.potential_outcomes import POINTS
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


# A joint distribution without any symmetry, q(x, y00, y01, y10, y11 | z), and the meaning of a form in it.
LAW = {v: sp.Rational(1 + (5 * k * k + 3 * k) % 37, 997) for k, v in enumerate(POINTS)}


def value(form):
    return sp.sympify(form).subs({wz.UNKNOWN[v]: share for v, share in LAW.items()})


def test_q_is_summed_over_the_indices_that_are_marked():
    s = wz.SUMMED
    assert value(wz.q(1, s, 0, 1, s, 1)) == sum(LAW[v] for v in POINTS if (v.x, v.y01, v.y10, v.z) == (1, 0, 1, 1))
    assert wz.q(0, 1, 0, 0, 1, 1) == sp.Symbol("q[0,1,0,0,1|1]")


@pytest.mark.parametrize("index", list(product((0, 1), repeat=5)))
def test_joint_probabilities_are_those_of_x_and_one_potential_outcome(index):
    x1, y, x, z, z1 = index
    expected = sum(LAW[v] for v in POINTS if (v.x, v[1 + 2 * x + z], v.z) == (x1, y, z1))
    assert value(wz.EQ5["P"](x1, y, x, z, z1)) == value(wz.EQ10["P"](x, z, y, x1, z1)) == expected


def test_the_probability_of_an_outcome_is_averaged_over_the_coin_unless_the_coin_is_given():
    given = [sum(LAW[v] for v in POINTS if (v.y10, v.z) == (1, z)) for z in (0, 1)]
    assert value(wz.EQ6["P0"](1, 1, 0)) == given[0]
    assert value(wz.EQ6["P"](1, 1, 0)).subs(wz.PI, sp.Rational(1, 3)) == (2 * given[0] + given[1]) / 3


def test_a_form_is_the_row_with_its_unknowns():
    assert wz.form({"q[0,1,0,0,1|1]": -2, "q[1,1,0,0,1|1]": 3}) == 3 * wz.q(1, 1, 0, 0, 1, 1) - 2 * wz.q(
        0, 1, 0, 0, 1, 1
    )


def test_a_sum_runs_over_the_indices_that_vary_and_its_term_holds_the_others_fixed():
    points = [v for v in POINTS if (v.y01, v.z) == (1, 0)]
    assert wz.varying(points) == {"x", "y00", "y10", "y11"}
    assert wz.term(points).value(x=1, y00=0, y10=1, y11=0) == wz.q(1, 0, 1, 1, 0, 0)


def test_names_of_the_born_rule_put_the_outcome_first():
    M, N = wz.measurements([TILTED, PAULI_Y]), wz.measurements([TURNED, -TILTED])
    names = wz.born_names(exact(np.eye(4, dtype=int)) / 4, M, N)
    assert names["M"](1, 0) == sp.Matrix(M[0, 1])
    assert names["N"](0, 1) == sp.Matrix(N[1, 0])
