"""Bounds on the average causal effect: three routes, one answer; the paper's value; refusals."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from instrumental_models import ROOT, behaviours, classical_models, quantum_behaviour, relabelled

from qlib.models.balke_pearl import BALKE_PEARL_LOWER, BALKE_PEARL_UPPER, INSTRUMENTAL_INEQUALITIES, derive_bounds
from qlib.models.bounds import ace_bounds, assumption_table, bound_certificate, instrumental_inequality
from qlib.models.potential_outcomes import (
    average_causal_effect,
    is_jointly_exogenous,
    is_marginally_exogenous,
    law_from_solution,
    law_of_response_types,
    observed_behaviour,
    potential_outcome_program,
    satisfies_individual_exclusion,
    satisfies_stratified_exclusion,
)
from qlib.numbers.linear_programs import FarkasCertificate, Infeasible
from qlib.numbers.linear_programs import certificate as program_certificate

THIRD = sympy.Rational(1, 3)
QUANTUM_LOWER = (5 * ROOT - 6) / 8


def random_behaviours(n, seed=7, concentration=1.0):
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(np.moveaxis(rng.dirichlet(np.full(4, concentration), size=(n, 2)), 1, 2)).reshape(
        n, 2, 2, 2
    )


def follows_instrument(weight=1):
    """X = 0 always, and Y = Z with that weight, else a fair coin: a direct effect of Z on Y."""
    p = np.zeros((2, 2, 2), dtype=object)
    for y, z in product((0, 1), repeat=2):
        p[0, y, z] = (1 + sympy.sympify(weight) * (1 if y == z else -1)) / 2
    return p


# --- three routes ----------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(behaviours())
def test_closed_form_linear_program_and_exact_route_agree(p):
    exact = ace_bounds(p)
    for method in ("closed form", "linear program"):
        other = ace_bounds(p, method)
        assert (other.feasible, other.violated) == (exact.feasible, exact.violated)
        assert other.excess == pytest.approx(float(exact.excess), abs=1e-9)
        expected = (float(exact.lower), float(exact.upper))
        assert (other.lower, other.upper) == pytest.approx(expected, abs=1e-7, nan_ok=True)


@settings(max_examples=30)
@given(classical_models())
def test_the_true_effect_of_a_classical_model_lies_within_its_bounds(r):
    law = law_of_response_types(r)
    bounds = ace_bounds(observed_behaviour(law))
    assert bounds.feasible
    assert bounds.violated is None
    assert bounds.excess <= 0
    assert bounds.lower <= average_causal_effect(law) <= bounds.upper


@settings(max_examples=15)
@given(classical_models())
def test_each_bound_is_attained_by_a_law_that_satisfies_joint_exogeneity_and_stratified_exclusion(r):
    p = observed_behaviour(law_of_response_types(r))
    bounds = ace_bounds(p)
    for side in ("lower", "upper"):
        proof = bound_certificate(p, side)
        law = law_from_solution(proof.primal)
        assert (observed_behaviour(law) == p).all()
        assert is_jointly_exogenous(law)
        assert satisfies_stratified_exclusion(law)
        assert average_causal_effect(law) == proof.value == getattr(bounds, side)


@settings(max_examples=30)
@given(behaviours())
def test_the_exact_route_names_the_expressions_that_attain_the_bounds(p):
    bounds = ace_bounds(p)
    assume(bounds.feasible)
    attained = (
        [f for f in BALKE_PEARL_LOWER if f(p) == bounds.lower],
        [f for f in BALKE_PEARL_UPPER if f(p) == bounds.upper],
    )
    assert (list(bounds.lower_attained_by), list(bounds.upper_attained_by)) == attained
    assert all(attained)


def test_a_batch_gives_what_its_members_give():
    p = random_behaviours(5000).reshape(50, 100, 2, 2, 2)
    bounds = ace_bounds(p)
    assert bounds.lower.shape == bounds.upper.shape == bounds.feasible.shape == bounds.violated.shape == (50, 100)
    assert 0 < bounds.feasible.mean() < 1
    for index in ((0, 0), (3, 7), (20, 48), (49, 99), *zip(*np.nonzero(~bounds.feasible), strict=True)):
        one = ace_bounds(p[index])
        assert (one.lower, one.upper) == pytest.approx((bounds.lower[index], bounds.upper[index]), nan_ok=True)
        assert (one.feasible, one.violated) == (bounds.feasible[index], bounds.violated[index])
        assert one.excess == pytest.approx(bounds.excess[index])


def test_a_batch_may_be_exact_or_solved_by_linear_programs_too():
    p = np.stack([quantum_behaviour(), follows_instrument()])
    exact, solved = ace_bounds(p), ace_bounds(p.astype(float), "linear program")
    assert exact.lower[0] == sympy.expand(QUANTUM_LOWER)
    assert exact.lower[1] is sympy.nan
    assert exact.violated.tolist() == solved.violated.tolist() == [None, "p(00|0) + p(01|1) ≤ 1"]
    assert exact.feasible.tolist() == solved.feasible.tolist() == [True, False]
    assert exact.upper_attained_by[1] == ()


def test_an_empty_batch_has_empty_bounds():
    bounds = ace_bounds(np.empty((0, 2, 2, 2)))
    assert bounds.lower.shape == bounds.feasible.shape == (0,)


def test_a_transposed_view_gives_what_its_copy_gives():
    p = random_behaviours(10)
    view = np.ascontiguousarray(p.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0)
    assert ace_bounds(view).lower.tolist() == pytest.approx(ace_bounds(p).lower.tolist(), nan_ok=True)


# --- known values ----------------------------------------------------------------------------------------------------


def test_the_bounds_of_the_quantum_experiment_in_radicals():
    """Wang and Zhang print ≈ 0.1339."""
    bounds = ace_bounds(quantum_behaviour())
    assert sympy.expand(bounds.lower - QUANTUM_LOWER) == 0
    assert bounds.upper == sympy.Rational(1, 2)
    assert round(float(bounds.lower), 4) == 0.1339
    for method in ("closed form", "linear program"):
        assert ace_bounds(quantum_behaviour(), method).lower == pytest.approx(float(QUANTUM_LOWER), abs=1e-12)


def test_the_quantum_bound_is_proved_from_both_sides():
    proof = bound_certificate(quantum_behaviour())
    proof.verify(potential_outcome_program(quantum_behaviour()))
    assert proof.is_optimal
    assert sympy.expand(proof.value - QUANTUM_LOWER) == 0
    labels = {name.partition(":")[0] for name in proof.multipliers}
    assert {"joint exogeneity", "stratified exclusion", "observation"} <= labels


def test_the_bounds_of_the_vitamin_a_trial():
    """Balke and Pearl (1997): -0.1946 ≤ ACE ≤ 0.0054."""
    p = np.array([[[0.0064, 0.0028], [0.9936, 0.1972]], [[0.0, 0.001], [0.0, 0.799]]])
    bounds = ace_bounds(p)
    assert (bounds.lower, bounds.upper) == pytest.approx((-0.1946, 0.0054), abs=1e-12)


def test_perfect_compliance_identifies_the_effect():
    p = np.zeros((2, 2, 2), dtype=object)
    p[0, :, 0] = [1 - THIRD, THIRD]
    p[1, :, 1] = [Fraction(1, 5), Fraction(4, 5)]
    bounds = ace_bounds(p)
    assert bounds.lower == bounds.upper == sympy.Rational(4, 5) - THIRD


# --- symmetries ------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(behaviours(), st.sampled_from("xyz"))
def test_relabelling_x_or_y_reverses_the_bounds_and_relabelling_z_leaves_them(p, what):
    bounds, other = ace_bounds(p), ace_bounds(relabelled(p, what))
    assert other.feasible == bounds.feasible
    assert other.excess == bounds.excess
    if bounds.feasible:
        expected = (bounds.lower, bounds.upper) if what == "z" else (-bounds.upper, -bounds.lower)
        assert (other.lower, other.upper) == expected


@settings(max_examples=40)
@given(behaviours(), behaviours(), st.fractions(0, 1))
def test_mixing_behaviours_can_only_widen_the_bounds_between_theirs(p, q, weight):
    weight = sympy.Rational(weight)
    one, two = ace_bounds(p), ace_bounds(q)
    assume(one.feasible and two.feasible)
    mixed = ace_bounds(weight * p + (1 - weight) * q)
    assert mixed.feasible
    assert mixed.lower <= weight * one.lower + (1 - weight) * two.lower
    assert mixed.upper >= weight * one.upper + (1 - weight) * two.upper


# --- where no model exists -------------------------------------------------------------------------------------------


@given(behaviours())
def test_a_behaviour_is_infeasible_exactly_if_it_violates_an_inequality_and_then_that_is_named(p):
    bounds, test = ace_bounds(p), instrumental_inequality(p)
    excesses = dict(zip(test.names, test.values - 1, strict=True))
    assert bounds.feasible == test.holds == all(excess <= 0 for excess in excesses.values())
    assert bounds.excess == test.excess == max(excesses.values())
    if not bounds.feasible:
        assert excesses[bounds.violated] == bounds.excess
        assert bounds.lower is bounds.upper is sympy.nan


@pytest.mark.parametrize("method", ["closed form", "linear program", "exact"])
def test_an_infeasible_behaviour_never_gets_an_interval(method):
    p = follows_instrument(THIRD)
    bounds = ace_bounds(p, method)
    assert not bounds.feasible
    assert np.isnan(float(bounds.lower))
    assert np.isnan(float(bounds.upper))
    assert bounds.violated == "p(00|0) + p(01|1) ≤ 1"
    assert float(bounds.excess) == pytest.approx(1 / 3)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1e-16, 1e-15, 1e-12, 1e-10, 5e-10, 9e-10, 1.1e-9, 2e-9, -1e-12]))
def test_no_interval_is_inside_out_however_near_to_infeasible_the_behaviour_is(seed, beyond):
    """Half-way to a behaviour that no model gives, to the border, and a little beyond."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(rng.choice([0.2, 1.0], size=4), size=2).T.reshape(2, 2, 2)
    far = np.array(follows_instrument(), dtype=float)[:: rng.choice([-1, 1])]
    inside, outside = ((f(p) for f in INSTRUMENTAL_INEQUALITIES), (f(far) for f in INSTRUMENTAL_INEQUALITIES))
    steps = [(1 - a) / (b - a) for a, b in zip(inside, outside, strict=True) if b > 1 > a]
    weight = min(steps, default=0.5) + beyond
    near = (1 - weight) * p + weight * far
    for method in ("closed form", "linear program"):
        try:
            found = ace_bounds(near, method)
        except ValueError as error:
            assert str(error).startswith("p: ")  # noqa: PT017
            assert 0 < instrumental_inequality(near).excess < 2e-8
        else:
            assert found.lower <= found.upper if found.feasible else np.isnan(found.lower)


def test_a_behaviour_within_the_solvers_tolerance_of_infeasible_is_refused_by_name():
    p = np.array(follows_instrument(0), dtype=float)
    assert ace_bounds(p, "linear program").feasible
    p[0, :, 0] += 5e-10, -5e-10
    with pytest.raises(ValueError, match=r"^p: behaviour 0 misses p\(00\|0\) \+ p\(01\|1\) ≤ 1 by 5e-10"):
        ace_bounds(p, "linear program")
    assert all(row.lower <= row.upper for row in assumption_table(p) if row.feasible)


def test_an_infeasible_behaviour_has_no_certificate_but_a_verified_contradiction():
    p = follows_instrument(THIRD)
    for side in ("lower", "upper"):
        with pytest.raises(Infeasible) as caught:
            bound_certificate(p, side)
        caught.value.certificate.verify(potential_outcome_program(p))
        assert caught.value.certificate.violation > 0


def test_the_inequality_is_tight_at_the_border_of_the_feasible_set():
    p = follows_instrument(0)
    assert ace_bounds(p).feasible
    assert ace_bounds(p).excess == 0
    assert not ace_bounds(follows_instrument(sympy.Rational(1, 10**30))).feasible


@settings(max_examples=25)
@given(behaviours())
def test_each_violated_inequality_is_a_contradiction_between_named_constraints(p):
    program = potential_outcome_program(p)
    for derived in derive_bounds("lower").conditions:
        excess = derived.function(p)
        if excess > 0:
            FarkasCertificate(derived.multipliers, excess).verify(program)


def test_the_instrumental_inequality_is_evaluated_on_batches():
    p = random_behaviours(100).reshape(10, 10, 2, 2, 2)
    test = instrumental_inequality(p)
    assert test.values.shape == (10, 10, 4)
    assert test.names == tuple(f"{f} ≤ 1" for f in INSTRUMENTAL_INEQUALITIES)
    strongest = p.max(axis=-1).sum(axis=-1).max(axis=-1)
    assert (test.holds == (strongest <= 1)).all()
    assert (test.holds == ace_bounds(p).feasible).all()
    exact = instrumental_inequality(np.stack([quantum_behaviour(), follows_instrument()]))
    assert exact.holds.tolist() == [True, False]
    assert exact.excess.tolist() == [sympy.expand(ROOT / 4 - sympy.Rational(1, 2)), 1]


# --- assumptions -----------------------------------------------------------------------------------------------------


def test_only_joint_exogeneity_with_an_exclusion_restriction_excludes_the_true_effect_of_the_quantum_experiment():
    table = {(row.exogeneity, row.exclusion): row for row in assumption_table(quantum_behaviour())}
    assert len(table) == 9
    assert {key for key, row in table.items() if row.excludes(0)} == {("joint", "stratified"), ("joint", "individual")}
    assert all(row.feasible for row in table.values())
    assert {sympy.expand(row.lower - QUANTUM_LOWER) == 0 for key, row in table.items() if row.excludes(0)} == {True}
    natural = table["marginal", "stratified"]
    assert (natural.lower, natural.upper) == (ROOT / 4 - sympy.Rational(1, 2), sympy.Rational(1, 2))


@settings(max_examples=5)
@given(behaviours())
def test_stronger_assumptions_give_tighter_bounds_and_every_row_is_proved(p):
    table = {(row.exogeneity, row.exclusion): row for row in assumption_table(p)}
    programs = {"none": [], "marginal": ["marginal exogeneity"], "joint": ["joint exogeneity"]}
    programs |= {"stratified": ["stratified exclusion"], "individual": ["individual exclusion"]}
    for key, row in table.items():
        program = potential_outcome_program(p, programs[key[0]] + programs[key[1]])
        for proof in (row.lower_proof, row.upper_proof) if row.feasible else (row.contradiction,):
            proof.verify(program)
    strength = {"none": 0, "marginal": 1, "joint": 2, "stratified": 1, "individual": 2}
    for weak, strong in product(table, repeat=2):
        if all(strength[a] <= strength[b] for a, b in zip(weak, strong, strict=True)) and table[strong].feasible:
            assert table[weak].lower <= table[strong].lower
            assert table[weak].upper >= table[strong].upper
    for exogeneity in ("none", "marginal", "joint"):  # the two exclusion restrictions are worth the same
        a, b = table[exogeneity, "stratified"], table[exogeneity, "individual"]
        assert a.feasible == b.feasible
        assert not a.feasible or (a.lower, a.upper) == (b.lower, b.upper)


def test_the_ends_of_an_interval_are_possible_and_nothing_beyond_them_is():
    tiny = sympy.Rational(1, 10**60)
    for row in assumption_table(quantum_behaviour()):
        assert not row.excludes(row.lower)
        assert not row.excludes(row.upper)
        assert row.excludes(row.lower - tiny)
        assert row.excludes(row.upper + tiny)
        assert not row.excludes(row.lower + tiny)
        assert not row.excludes(row.upper - tiny)
    for row in assumption_table(quantum_behaviour().astype(float)):
        assert not row.excludes(row.lower)
        assert not row.excludes(row.upper)


def test_an_effect_that_is_identified_is_not_excluded_by_its_own_value():
    perfect = np.zeros((2, 2, 2), dtype=int)
    perfect[0, 0, 0] = perfect[1, 1, 1] = 1
    row = assumption_table(perfect.astype(object))[-1]
    assert row.lower == row.upper == 1
    assert not row.excludes(1)
    assert row.excludes(0)


def test_assumptions_that_contradict_the_behaviour_exclude_every_effect():
    table = {(row.exogeneity, row.exclusion): row for row in assumption_table(follows_instrument())}
    contradicted = {key for key, row in table.items() if not row.feasible}
    assert contradicted == set(product(["marginal", "joint"], ["stratified", "individual"]))
    for key in contradicted:
        assert table[key].excludes(0)
        assert table[key].contradiction.violation > 0
        assert table[key].lower is sympy.nan


def test_a_table_for_floating_point_behaviours_holds_floats():
    table = assumption_table(quantum_behaviour().astype(float))
    assert all(isinstance(row.lower, float) and isinstance(row.upper, float) for row in table)
    assert table[-1].lower == pytest.approx(float(QUANTUM_LOWER))
    assert table[-1].excludes(0)


def test_every_effect_between_the_bounds_of_marginal_exogeneity_is_possible():
    p = quantum_behaviour()
    row = next(r for r in assumption_table(p) if (r.exogeneity, r.exclusion) == ("marginal", "individual"))
    low, high = law_from_solution(row.lower_proof.primal), law_from_solution(row.upper_proof.primal)
    law = (low + high) / 2
    assert is_marginally_exogenous(law)
    assert satisfies_individual_exclusion(law)
    assert sympy.expand(average_causal_effect(law) - (row.lower + row.upper) / 2) == 0


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [ace_bounds, instrumental_inequality, bound_certificate, assumption_table])
def test_what_is_no_behaviour_is_refused(function):
    with pytest.raises(ValueError, match=r"p has shape \(4,\)"):
        function([0.25] * 4)
    with pytest.raises(ValueError, match=r"p\[x=0, y=0, z=1\] = -0.5"):
        function([[[0.5, -0.5], [0.5, 0.5]], [[0, 0.5], [0, 0.5]]])


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method is 'simplex'; it must be one of 'closed form', 'linear"):
        ace_bounds(quantum_behaviour(), "simplex")


def test_the_exact_method_refuses_rounded_numbers():
    with pytest.raises(ValueError, match="p has dtype float64; the exact method needs"):
        ace_bounds(quantum_behaviour().astype(float), "exact")


def test_an_unknown_bound_is_refused():
    with pytest.raises(ValueError, match="bound is 'min'"):
        bound_certificate(quantum_behaviour(), "min")


def test_a_certificate_of_one_behaviour_does_not_pass_for_another():
    with pytest.raises(ArithmeticError, match="the value is claimed to be"):
        bound_certificate(quantum_behaviour()).verify(potential_outcome_program(follows_instrument(0)))
    assert program_certificate(potential_outcome_program(follows_instrument(0))).value == -sympy.Rational(1, 2)
