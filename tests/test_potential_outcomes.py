"""The program (11), its reduced form, and laws of the potential outcomes: what they say, exactly; refusals."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from instrumental_models import ROOT, behaviours, classical_models, distribution, laws, quantum_behaviour
from scipy.stats import unitary_group

from qlib.models.bounds import ace_bounds
from qlib.models.potential_outcomes import (
    POINTS,
    REDUCED_POINTS,
    Assumption,
    average_causal_effect,
    balke_pearl_program,
    behaviour_symbols,
    couple,
    hypothetical_constraints,
    instrumental_behaviour,
    is_jointly_exogenous,
    is_marginally_exogenous,
    law_from_solution,
    law_of_response_types,
    law_with_marginal_exogeneity_only,
    law_with_stratified_exclusion_only,
    observed_behaviour,
    potential_outcome_program,
    reduction,
    response_type_program,
    satisfies_individual_exclusion,
    satisfies_stratified_exclusion,
    single_world_program,
)
from qlib.numbers.linear_programs import Certificate, CertificateError, Infeasible, certificate, combine, solve
from qlib.quantum.channels import born_rule

JE, ME, SE, IE = Assumption
PREDICATES = {
    JE: is_jointly_exogenous,
    ME: is_marginally_exogenous,
    SE: satisfies_stratified_exclusion,
    IE: satisfies_individual_exclusion,
}
UNIFORM = np.full((2, 2, 2), sympy.Rational(1, 4), dtype=object)


def residuals(program, law):
    """A q - b of program (11) at the conditional law q = law / P(Z), by constraint name."""
    q = law / law.sum(axis=(0, 1, 2, 3, 4))
    values = dict(zip(program.variables, q.ravel(), strict=True))
    return {row.name: sum(k * values[v] for v, k in row.coefficients.items()) - row.rhs for row in program.constraints}


# --- the program -----------------------------------------------------------------------------------------------------


def test_the_program_has_the_variables_and_constraints_of_equation_11():
    program = potential_outcome_program()
    assert len(set(program.variables)) == 64
    sizes = {label: len(program.group(label)) for label in (JE, SE, "normalisation", "observation")}
    assert sizes == {JE: 16, SE: 8, "normalisation": 2, "observation": 8}
    assert sum(sizes.values()) == len(program.constraints)


@settings(max_examples=25)
@given(laws())
def test_the_rows_of_an_assumption_vanish_exactly_for_the_laws_that_satisfy_it(law):
    for assumption, holds in PREDICATES.items():
        program = potential_outcome_program(observed_behaviour(law), [assumption])
        found = residuals(program, law)
        assert all(found[row.name] == 0 for row in program.constraints if row.group in ("normalisation", "observation"))
        assert holds(law) == all(found[row.name] == 0 for row in program.group(assumption))


@pytest.mark.parametrize("law", [law_with_marginal_exogeneity_only(), law_with_stratified_exclusion_only()])
def test_the_rows_of_an_assumption_vanish_for_the_special_laws_that_satisfy_it(law):
    for assumption, holds in PREDICATES.items():
        program = potential_outcome_program(observed_behaviour(law), [assumption])
        assert holds(law) == all(residuals(program, law)[row.name] == 0 for row in program.group(assumption))


@settings(max_examples=25)
@given(laws(), st.integers(0, 1), st.fractions(0, 1))
def test_the_objective_is_the_average_causal_effect_under_the_chosen_distribution_of_z(law, z, w):
    w = sympy.Rational(w)
    q = law / law.sum(axis=(0, 1, 2, 3, 4))
    program = potential_outcome_program(z=z, probability_of_z1=w)
    values = dict(zip(program.variables, q.ravel(), strict=True))
    effect = sum(cost * values[v] for v, cost in program.objective.items())
    assert effect == average_causal_effect(q * np.array([1 - w, w]), z)


def test_by_default_the_objective_is_conditional_on_z_0_as_in_equation_6():
    objective = potential_outcome_program().objective
    assert objective == {v.name: v.y10 - v.y00 for v in POINTS if v.z == 0 and v.y10 != v.y00}


@settings(max_examples=25)
@given(classical_models(), st.integers(0, 1), st.sampled_from([0, sympy.Rational(1, 3), 1]))
def test_with_joint_exogeneity_and_stratified_exclusion_the_bound_is_the_same_for_each_form_of_the_effect(r, z, w):
    p = observed_behaviour(law_of_response_types(r))
    for sense in ("min", "max"):
        general = solve(potential_outcome_program(p, z=z, probability_of_z1=w), sense).value
        assert general == pytest.approx(solve(potential_outcome_program(p), sense).value, abs=1e-7)


# --- the reduction ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exogeneity", [JE, ME])
def test_program_11_and_the_reduced_program_are_one(exogeneity):
    maps = reduction(exogeneity)
    maps.verify()
    assert (maps.projection @ maps.lift == np.eye(16)).all()
    assert (len(maps.full.variables), len(maps.reduced.variables)) == (64, 16)


@pytest.mark.parametrize("field", ["projection", "lift", "rows_of_reduced", "rows_of_full"])
def test_a_reduction_that_was_tampered_with_is_recognised(field):
    maps = reduction()
    changed = getattr(maps, field).copy()
    changed[0, 0] += 1
    with pytest.raises(ArithmeticError, match=r"the identity .* fails"):
        replace(maps, **{field: changed}).verify()


@settings(max_examples=12)
@given(classical_models())
def test_all_three_programs_have_the_same_optimum(r):
    p = observed_behaviour(law_of_response_types(r))
    for sense in ("min", "max"):
        values = {
            certificate(program, sense).value
            for program in (potential_outcome_program(p), response_type_program(p), balke_pearl_program(p))
        }
        assert len(values) == 1


@settings(max_examples=25)
@given(behaviours())
def test_all_three_programs_are_feasible_for_the_same_behaviours(p):
    def feasible(program):
        try:
            solve(program)
        except Infeasible as error:
            error.certificate.verify(program)
            return False
        return True

    programs = (potential_outcome_program(p), response_type_program(p), balke_pearl_program(p))
    assert len({feasible(program) for program in programs}) == 1


def test_multipliers_of_the_reduced_program_prove_the_same_bound_in_program_11():
    p = quantum_behaviour()
    proof = certificate(response_type_program(p))
    lifted = reduction().lift_multipliers(proof.multipliers)
    full = potential_outcome_program(p)
    Certificate("min", lifted, combine(full, lifted)).verify(full)
    assert combine(full, lifted) == proof.value


@settings(max_examples=15)
@given(classical_models())
def test_solutions_of_the_reduced_program_come_from_response_types(r):
    p = observed_behaviour(law_of_response_types(r))
    program = response_type_program(p)
    primal = certificate(program).primal
    q = np.array([primal.get(v.name, sympy.Integer(0)) for v in REDUCED_POINTS], dtype=object).reshape(2, 2, 2, 2)
    types = couple(q)
    law = law_of_response_types(types)
    assert (observed_behaviour(law) == p).all()
    assert average_causal_effect(law) == certificate(program).value


def test_response_types_cannot_be_found_where_the_outcomes_depend_on_z():
    q = np.zeros((2, 2, 2, 2))
    q[0, 0, 0, 0] = q[0, 1, 1, 1] = 1
    with pytest.raises(ValueError, match=r"is \[\[1.0, 0.0\], \[0.0, 0.0\]\] for Z=0"):
        couple(q)


# --- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(classical_models(), st.fractions(0, 1).filter(lambda w: 0 < w < 1))
def test_classical_models_satisfy_all_four_assumptions(r, w):
    law = law_of_response_types(r, sympy.Rational(w))
    assert all(holds(law) for holds in PREDICATES.values())


@settings(max_examples=25)
@given(distribution((2, 2, 2, 2)), distribution((2, 2)))
def test_joint_exogeneity_implies_marginal_exogeneity(outcomes, xz):
    law = np.einsum("abcd,xz->xabcdz", outcomes, xz)
    assert is_jointly_exogenous(law)
    assert is_marginally_exogenous(law)


@settings(max_examples=25)
@given(distribution((2, 2, 2, 2)))
def test_individual_exclusion_implies_stratified_exclusion(weights):
    law = np.zeros((2,) * 6, dtype=object)
    for x, y0, y1, z in product((0, 1), repeat=4):
        law[x, y0, y0, y1, y1, z] = weights[x, y0, y1, z]
    assert satisfies_individual_exclusion(law)
    assert satisfies_stratified_exclusion(law)


def test_marginal_exogeneity_does_not_imply_joint_exogeneity():
    assert [holds(law_with_marginal_exogeneity_only()) for holds in PREDICATES.values()] == [False, True, True, True]


def test_stratified_exclusion_does_not_imply_individual_exclusion():
    assert [holds(law_with_stratified_exclusion_only()) for holds in PREDICATES.values()] == [True, True, True, False]


@settings(max_examples=10)
@given(laws())
def test_the_predicates_agree_on_exact_and_on_floating_point_laws(law):
    for candidate in (law, law_with_marginal_exogeneity_only(), law_with_stratified_exclusion_only()):
        assert all(holds(candidate) == holds(candidate.astype(float)) for holds in PREDICATES.values())


@settings(max_examples=25)
@given(laws())
def test_the_two_forms_of_the_effect_agree_given_joint_exogeneity(law):
    outcomes = law.sum(axis=(0, 5))
    exogenous = np.einsum("abcd,z->abcdz", outcomes, law.sum(axis=(0, 1, 2, 3, 4)))[None] * np.array(
        [sympy.Rational(1, 2)] * 2
    ).reshape(2, 1, 1, 1, 1, 1)
    assert is_jointly_exogenous(exogenous)
    for z in (0, 1):
        assert average_causal_effect(exogenous, z) == average_causal_effect(exogenous, z, given_z=0)


def test_the_two_forms_of_the_effect_differ_in_a_law_without_exogeneity():
    law = np.full((2,) * 6, sympy.Integer(0), dtype=object)
    law[0, 0, 0, 1, 1, 0] = law[0, 1, 1, 0, 0, 1] = sympy.Rational(1, 2)  # treatment helps if Z = 0 and harms if Z = 1
    assert (average_causal_effect(law), average_causal_effect(law, given_z=0)) == (0, 1)


def test_marginal_exogeneity_and_individual_exclusion_reproduce_the_quantum_experiment_and_its_true_effect():
    p = quantum_behaviour()
    program = potential_outcome_program(p, [ME, IE])
    ends = [certificate(program, sense) for sense in ("min", "max")]
    weight = sympy.radsimp(-ends[0].value / (ends[1].value - ends[0].value))  # mixes the extreme laws to effect 0
    low, high = (law_from_solution(end.primal) for end in ends)
    law = low * (1 - weight) + high * weight
    assert [holds(law) for holds in PREDICATES.values()] == [False, True, True, True]
    assert all(sympy.simplify(t) == 0 for t in (observed_behaviour(law) - p).flat)
    assert sympy.simplify(average_causal_effect(law)) == 0


def random_strategy(rng):
    """P[z, t, x, y] of a random mixed state of two qubits and random, complex measurements."""
    root = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    rho = root @ root.conj().T
    bases = unitary_group.rvs(2, size=4, random_state=rng).reshape(2, 2, 2, 2)
    M, N = np.einsum("usia,usja->usaij", bases, bases.conj())
    return born_rule(rho / np.trace(rho).real, M, N)


@pytest.mark.parametrize("seed", range(20))
def test_locality_without_realism_describes_every_quantum_experiment_with_the_whole_law_of_equation_2(seed):
    P = random_strategy(np.random.default_rng(seed))
    law = np.zeros((2,) * 6)
    for x, y0, y1, z in product((0, 1), repeat=4):
        law[x, y0, y0, y1, y1, z] = P[z, 0, x, y0] * P[z, 1, x, y1] / P[z, 0, x].sum() / 2
    assert satisfies_individual_exclusion(law)
    assert is_marginally_exogenous(law)
    for x, z in product((0, 1), repeat=2):
        others = tuple(axis for axis in range(1, 5) if axis != 1 + 2 * x + z)
        hypothetical = 2 * law.sum(axis=others)  # [x', y, z']
        np.testing.assert_allclose(hypothetical, np.moveaxis(P[:, x], 0, 2), atol=1e-12)
    np.testing.assert_allclose(observed_behaviour(law), np.einsum("zxxy->xyz", P), atol=1e-12)


# --- single-world exogeneity -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclusion", [SE, IE])
def test_without_any_cross_world_independence_the_quantum_experiment_has_the_same_bounds(exclusion):
    program = single_world_program(quantum_behaviour(), exclusion)
    lower, upper = (certificate(program, sense) for sense in ("min", "max"))
    assert lower.is_optimal
    assert upper.is_optimal
    assert sympy.simplify(lower.value - (5 * ROOT - 6) / 8) == 0
    assert upper.value == sympy.Rational(1, 2)


@settings(max_examples=20)
@given(behaviours())
def test_single_world_exogeneity_has_the_bounds_of_balke_and_pearl_and_is_feasible_for_the_same_laws(p):
    p = p.astype(float)
    bounds = ace_bounds(p)
    for exclusion in (SE, IE):
        program = single_world_program(p, exclusion)
        if not bounds.feasible:
            with pytest.raises(Infeasible):
                solve(program)
        else:
            assert solve(program, "min").value == pytest.approx(bounds.lower, abs=1e-7)
            assert solve(program, "max").value == pytest.approx(bounds.upper, abs=1e-7)


def test_no_row_of_the_single_world_program_compares_two_worlds():
    """Each row of exogeneity or observation is about one X(z) and one Y(x,z) with the same z."""
    program = single_world_program()
    for row in program.constraints:
        points = [tuple(map(int, name[2:-1].replace("|", ",").split(","))) for name in row.coefficients]
        if row.name.startswith(("single-world", "observation")):
            fixed = [k for k in range(6) if len({point[k] for point in points}) == 1]
            assert len(fixed) == 2
            treatment, outcome = fixed
            assert treatment < 2
            assert (outcome - 2) % 2 == treatment


def test_without_an_exclusion_restriction_single_world_exogeneity_says_little():
    program = single_world_program(quantum_behaviour())
    kept = tuple(row for row in program.constraints if not row.name.startswith(SE))
    assert solve(replace(program, constraints=kept)).value < 0


def test_another_exclusion_is_refused_by_the_single_world_program():
    with pytest.raises(ValueError, match="joint exogeneity"):
        single_world_program(UNIFORM, JE)


# --- behaviours and refusals -----------------------------------------------------------------------------------------


def test_a_behaviour_keeps_its_number_system():
    assert instrumental_behaviour(UNIFORM.astype(float)).dtype == np.float64
    assert instrumental_behaviour([[[1, 1], [0, 0]], [[0, 0], [0, 0]]]).dtype == np.float64
    assert instrumental_behaviour(quantum_behaviour()).dtype == object
    assert instrumental_behaviour(np.empty((0, 2, 2, 2))).shape == (0, 2, 2, 2)


def broken(index, value, dtype=float):
    p = np.tile(UNIFORM, (3, 1, 1, 1)).astype(dtype)
    p[index] = value
    return p


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (np.ones((2, 2)), r"p has shape \(2, 2\); it must be \(\.\.\., 2, 2, 2\)"),
        (np.full((2, 2, 2), 0.25 + 0.1j), "p: entry .* should be real"),
        (np.full((2, 2, 2), "1/4"), "p: entry .* is the text"),
        (broken((1, 0, 1, 1), np.nan), r"p: entry \(1, 0, 1, 1\) is nan; .* finite number"),
        (broken((2, 1, 1, 0), np.inf), r"p: entry \(2, 1, 1, 0\) is inf; .* finite number"),
        (broken((0, 1, 0, 0), -0.25), r"p\[0, x=1, y=0, z=0\] = -0.25; .* at least 0"),
        (broken((1, 1, 1, 1), 0.5), r"p\[1, :, :, z=1\] sum to 1.25; they must sum to 1 for each z"),
        (broken((0, 0, 0, 0), sympy.Rational(-1, 10**12), object), r"p\[0, x=0, y=0, z=0\] = -1/1000000000000"),
        (broken((0, 0, 0, 1), sympy.Rational(1, 3), object), r"p\[0, :, :, z=1\] sum to 13/12"),
        (broken((0, 0, 0, 1), sympy.I, object), r"p\[0, x=0, y=0, z=1\] = I; .* finite real number"),
        (broken((0, 0, 0, 1), sympy.Symbol("t"), object), r"p\[0, x=0, y=0, z=1\] = t; .* finite real number"),
        (broken((0, 0, 0, 1), sympy.nan, object), r"p: entry \(0, 0, 0, 1\) is nan; .* finite number"),
    ],
)
def test_what_is_no_behaviour_is_refused_by_entry_and_value(p, message):
    with pytest.raises(ValueError, match=message):
        instrumental_behaviour(p)


@pytest.mark.parametrize("program", [potential_outcome_program, response_type_program, balke_pearl_program])
def test_programs_refuse_what_is_not_one_behaviour(program):
    with pytest.raises(ValueError, match="one behaviour has shape"):
        program(np.tile(UNIFORM, (3, 1, 1, 1)))
    with pytest.raises(ValueError, match="sum to"):
        program(np.full((2, 2, 2), 0.3))
    assert program(behaviour_symbols()).row("observation: X=0, Y=1, Z=1").rhs == sympy.Symbol("p(01|1)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"assumptions": ["exclusion"]}, "unknown assumption 'exclusion'; choose among 'joint exogeneity', "),
        ({"z": 2}, "z: 2 should lie between 0 and 1"),
        ({"probability_of_z1": 1.5}, r"probability_of_z1: 1.5 should lie between 0 and 1"),
        ({"probability_of_z1": float("nan")}, r"probability_of_z1: nan"),
    ],
)
def test_unknown_options_of_program_11_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        potential_outcome_program(UNIFORM, **options)


def test_the_reduced_program_knows_two_kinds_of_exogeneity_only():
    with pytest.raises(ValueError, match="exogeneity is 'individual exclusion'"):
        response_type_program(UNIFORM, IE)


@pytest.mark.parametrize("function", [*PREDICATES.values(), observed_behaviour, average_causal_effect])
def test_what_is_no_law_is_refused(function):
    law = law_with_marginal_exogeneity_only()
    with pytest.raises(ValueError, match=r"law has shape \(2, 2, 2\)"):
        function(UNIFORM)
    with pytest.raises(ValueError, match=r"law sums to 2"):
        function(2 * law)
    law[0, 0, 0, 0, 0, 0] = sympy.Rational(-1, 8)
    with pytest.raises(ValueError, match=r"law\[0, 0, 0, 0, 0, 0\] = -1/8"):
        function(law)


def test_conditioning_on_an_impossible_value_of_z_is_refused():
    law = np.zeros((2,) * 6)
    law[..., 0] = 1 / 32
    with pytest.raises(ValueError, match=r"P\(Z=1\) is 0"):
        observed_behaviour(law)
    with pytest.raises(ValueError, match=r"P\(Z=1\) is 0"):
        average_causal_effect(law, given_z=0)


@pytest.mark.parametrize("function", [couple, law_of_response_types])
def test_arrays_of_another_shape_are_refused(function):
    with pytest.raises(ValueError, match=r"shape .* \(2, 2, 2, 2\)"):
        function(UNIFORM)


def test_the_proof_of_the_quantum_bound_needs_stratified_exclusion():
    proof = certificate(response_type_program(quantum_behaviour()))
    lifted = reduction().lift_multipliers(proof.multipliers)
    assert any(name.startswith(SE) for name in lifted)
    full = potential_outcome_program(quantum_behaviour())
    without = {name: y for name, y in lifted.items() if not name.startswith(SE)}
    proof = Certificate("min", without, combine(full, without))
    with pytest.raises(CertificateError, match="dual inequality"):
        proof.verify(full)


def test_the_set_of_all_assumptions_is_consistent_with_every_subset():
    values = {}
    for size in range(5):
        for chosen in combinations(Assumption, size):
            values[chosen] = solve(potential_outcome_program(UNIFORM, chosen)).value
    for smaller, larger in product(values, repeat=2):
        if set(smaller) <= set(larger):
            assert values[smaller] <= values[larger] + 1e-9


def test_the_law_of_the_hypothetical_experiments_holds_what_is_observed_and_stratified_exclusion():
    rng = np.random.default_rng(7)
    vector = rng.normal(size=4) + 1j * rng.normal(size=4)
    rho = np.outer(vector, vector.conj()) / np.vdot(vector, vector).real
    M, N = ([[u[:, [k]] @ u[:, [k]].conj().T for k in (0, 1)] for u in unitary_group.rvs(2, 2, rng)] for _ in range(2))
    P = born_rule(rho, M, N)
    rows = {row.name: row for row in hypothetical_constraints(P)}
    seen = potential_outcome_program(np.einsum("zxxy->xyz", P))
    for row in seen.group("observation"):
        x, y, z = (int(part[-1]) for part in row.name.split(", "))
        same = rows[f"hypothetical: Y({x},{z})={y}, X={x}, Z={z}"]
        assert (dict(same.coefficients), same.rhs) == (dict(row.coefficients), pytest.approx(row.rhs))
    for row in seen.group("stratified exclusion"):
        x, t, z = (row.name[row.name.index(mark) + 2] for mark in ("X=", "Y(", "Z="))
        pair = [rows[f"hypothetical: Y({t},{side})={t}, X={x}, Z={z}"] for side in (0, 1)]
        difference = {v: pair[0].coefficients.get(v, 0) - pair[1].coefficients.get(v, 0) for v in seen.variables}
        assert {v: k for v, k in difference.items() if k} == dict(row.coefficients)
        assert pair[0].rhs == pair[1].rhs


def test_hypothetical_laws_of_another_shape_or_with_negative_entries_are_refused():
    with pytest.raises(ValueError, match=r"^P has shape \(2, 2\)"):
        hypothetical_constraints(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"^P\[0, 0, 0, 0\] = -1"):
        hypothetical_constraints(-np.ones((2,) * 4))
