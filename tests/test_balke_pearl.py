"""The published bounds and the derived ones are the same functions; what the derivation proves on the way."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from instrumental_models import behaviours, classical_models, quantum_behaviour

from qlib.models.balke_pearl import (
    BALKE_PEARL_LOWER,
    BALKE_PEARL_UPPER,
    INSTRUMENTAL_INEQUALITIES,
    AffineFunction,
    bound_expressions,
    derive_bounds,
)
from qlib.models.potential_outcomes import (
    average_causal_effect,
    balke_pearl_program,
    behaviour_symbols,
    law_of_response_types,
    observed_behaviour,
    potential_outcome_program,
)
from qlib.numbers.linear_programs import Certificate, combine, dual_vertices

PUBLISHED = {"lower": BALKE_PEARL_LOWER, "upper": BALKE_PEARL_UPPER}
SENSE = {"lower": "min", "upper": "max"}
ONE = AffineFunction(Fraction(1), (Fraction(0),) * 8)
sides = pytest.mark.parametrize("bound", ["lower", "upper"])


def normal_forms(functions):
    return {f.normal_form() for f in functions}


# --- what is derived -------------------------------------------------------------------------------------------------


@sides
def test_the_derived_bounds_are_the_eight_published_ones(bound):
    derived = bound_expressions(bound)
    assert len(derived) == 8
    assert normal_forms(derived) == normal_forms(PUBLISHED[bound])


@sides
def test_the_vertices_for_response_types_are_the_eight_published_bounds(bound):
    program = balke_pearl_program()
    vertices = dual_vertices(program, SENSE[bound]).vertices
    functions = [AffineFunction.of_expression(combine(program, y)) for y in vertices]
    assert len(functions) == 8
    assert normal_forms(functions) == normal_forms(PUBLISHED[bound])


@sides
@pytest.mark.parametrize("exogeneity", ["joint exogeneity", "marginal exogeneity"])
def test_the_program_is_feasible_exactly_if_pearls_inequalities_hold(bound, exogeneity):
    conditions = [derived.function for derived in derive_bounds(bound, exogeneity).conditions]
    assert normal_forms(conditions) == normal_forms(f - ONE for f in INSTRUMENTAL_INEQUALITIES)


def test_the_rays_for_response_types_are_positivity_and_pearls_inequalities():
    program = balke_pearl_program()
    rays = [AffineFunction.of_expression(combine(program, y)) for y in dual_vertices(program).rays]
    positivity = [AffineFunction(Fraction(0), tuple(Fraction(-(i == j)) for j in range(8))) for i in range(8)]
    pearl = [f - ONE for f in INSTRUMENTAL_INEQUALITIES]
    assert len(rays) == 12
    assert normal_forms(rays) == normal_forms(positivity + pearl)


@given(behaviours())
def test_the_four_inequalities_are_pearls_instrumental_inequality(p):
    """max over x of Σ_y max_z p(x, y | z) ≤ 1."""
    strongest = max(sum(max(p[x, y, 0], p[x, y, 1]) for y in (0, 1)) for x in (0, 1))
    assert all(f(p) <= 1 for f in INSTRUMENTAL_INEQUALITIES) == (strongest <= 1)


@sides
def test_with_marginal_exogeneity_four_of_the_eight_bounds_remain(bound):
    """They bound P(Y(1)=1) and P(Y(0)=1) separately: P(X=x, Y=1 | z) ≤ P(Y(x)=1) ≤ 1 - P(X=x, Y=0 | z)."""
    p = behaviour_symbols()
    if bound == "lower":
        separate = [p[1, 1, z] - (1 - p[0, 0, t]) for z, t in product((0, 1), repeat=2)]
    else:
        separate = [(1 - p[1, 0, z]) - p[0, 1, t] for z, t in product((0, 1), repeat=2)]
    remaining = normal_forms(bound_expressions(bound, "marginal exogeneity"))
    assert remaining == normal_forms(map(AffineFunction.of_expression, separate))
    assert remaining < normal_forms(PUBLISHED[bound])
    assert not derive_bounds(bound, "marginal exogeneity").dominated


@sides
def test_each_derived_function_comes_with_a_proof_in_program_11_for_all_behaviours(bound):
    program = potential_outcome_program()
    derivation = derive_bounds(bound)
    for derived in derivation.bounds:
        value = combine(program, derived.multipliers)
        Certificate(SENSE[bound], derived.multipliers, value).verify(program)
        assert AffineFunction.of_expression(value).normal_form() == derived.function.normal_form()


@sides
def test_each_condition_comes_with_a_contradiction_in_program_11_for_all_behaviours(bound):
    program = potential_outcome_program()
    for derived in derive_bounds(bound).conditions:
        for column in map(program.column, program.variables):
            assert sum(k * derived.multipliers.get(name, 0) for name, k in column.items()) <= 0
        value = combine(program, derived.multipliers)
        assert AffineFunction.of_expression(value).normal_form() == derived.function.normal_form()


@sides
def test_every_dual_vertex_is_a_bound_or_weaker_than_one_everywhere(bound):
    derivation = derive_bounds(bound)
    bounds = {derived.function for derived in derivation.bounds}
    for weak, strong in derivation.dominated.items():
        gap = strong - weak if bound == "lower" else weak - strong
        assert strong in bounds
        assert gap.minimum() >= 0
    assert len(derivation.polyhedron.vertices) == 14
    assert len(bounds) + len(derivation.dominated) == 12  # two pairs of vertices give the same function


@sides
def test_no_bound_is_superfluous(bound):
    """At some behaviour of a classical model each of the eight is tighter than the other seven."""
    rng, sign = np.random.default_rng(2025), 1 if bound == "lower" else -1
    types = rng.dirichlet(np.full(16, 0.2), size=3000).reshape(-1, 2, 2, 2, 2)
    p = np.stack([observed(types, z) for z in (0, 1)], axis=-1)
    values = sign * np.stack([f(p) for f in PUBLISHED[bound]])
    ahead = values.max(axis=0) - np.sort(values, axis=0)[-2] > 1e-6
    assert set(values.argmax(axis=0)[ahead]) == set(range(8))


def observed(types, z):
    """P(x, y | z) from response types r[..., x(0), x(1), y(0), y(1)]."""
    kept = types.sum(axis=-3 - (1 - z))  # X(z), Y(0), Y(1)
    return np.stack([kept[..., 0, :, :].sum(axis=-1), kept[..., 1, :, :].sum(axis=-2)], axis=-2)


@given(classical_models())
def test_the_true_effect_of_a_classical_model_lies_within_all_sixteen_bounds(r):
    law = law_of_response_types(r)
    p, effect = observed_behaviour(law), average_causal_effect(law)
    assert max(f(p) for f in BALKE_PEARL_LOWER) <= effect <= min(f(p) for f in BALKE_PEARL_UPPER)


def test_the_quantum_bound_is_one_that_needs_joint_exogeneity():
    p = quantum_behaviour()
    violated = [f for f in BALKE_PEARL_LOWER if sympy.expand(f(p)).evalf() > 0]
    assert [str(f) for f in violated] == ["p(00|0) - p(00|1) - p(01|0) - p(10|0) - p(10|1)"]
    assert normal_forms(violated).isdisjoint(normal_forms(bound_expressions("lower", "marginal exogeneity")))


# --- affine functions ------------------------------------------------------------------------------------------------

functions = st.builds(
    lambda constant, coefficients: AffineFunction(Fraction(constant), tuple(map(Fraction, coefficients))),
    st.integers(-2, 2),
    st.lists(st.integers(-2, 2), min_size=8, max_size=8),
)


@settings(max_examples=50)
@given(functions, behaviours())
def test_all_representatives_of_a_function_have_the_same_values(f, p):
    values = {g(p) for g in (f, f.normal_form(), f.homogeneous(), f.simplest())}
    assert len(values) == 1
    assert f.homogeneous().constant == 0
    assert f.normal_form().coefficients[6:] == (0, 0)
    assert f.simplest().normal_form() == f.normal_form()
    assert f.normal_form().simplest() == f.simplest()


@settings(max_examples=50)
@given(functions, functions, behaviours())
def test_values_lie_between_minimum_and_maximum_which_are_attained(f, g, p):
    assert f.minimum() <= f(p) <= f.maximum()
    assert (f - g)(p) == f(p) - g(p)
    assert (-f)(p) == -f(p)
    corners = []
    for cells in product(product((0, 1), repeat=2), repeat=2):
        corner = np.zeros((2, 2, 2), dtype=int)
        for z, (x, y) in enumerate(cells):
            corner[x, y, z] = 1
        corners.append(f(corner))
    assert (min(corners), max(corners)) == (f.minimum(), f.maximum())


@settings(max_examples=50)
@given(functions)
def test_a_function_survives_the_way_through_sympy(f):
    assert AffineFunction.of_expression(f.symbolic()) == f


def test_a_function_is_evaluated_on_batches_in_either_number_system():
    f = AffineFunction.parse("p11.1 - p10.0 + 2")
    p = np.arange(16.0).reshape(2, 2, 2, 2)
    assert f(p).tolist() == [7 - 2 + 2, 15 - 10 + 2]
    assert f(p.astype(int).astype(object)).tolist() == [sympy.Integer(7), sympy.Integer(7)]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("p10.1", "p(01|1)"),
        ("- p01.1 - p10.1", "-p(01|1) - p(10|1)"),
        ("1 - p01.1", "1 - p(10|1)"),
        ("p00.0 - 1", "p(00|0) - 1"),
        ("p00.0 + p00.0", "2p(00|0)"),
        ("p00.0 - p00.0", "0"),
    ],
)
def test_functions_are_read_in_the_notation_of_balke_and_pearl_and_written_in_that_of_wang_and_zhang(text, printed):
    assert str(AffineFunction.parse(text)) == printed
    assert repr(AffineFunction.parse(text)) == f"AffineFunction({printed})"


@pytest.mark.parametrize("text", ["p12.0", "p11", "p11.0 * 2", "", "q11.0", "p11.0 p00.0"])
def test_what_is_no_sum_of_probabilities_is_refused(text):
    with pytest.raises(ValueError, match=r"is no sum of terms p_yx\.z and whole numbers"):
        AffineFunction.parse(text)


def test_an_unknown_side_is_refused():
    with pytest.raises(ValueError, match='bound is \'left\'; it must be "lower" or "upper"'):
        derive_bounds("left")
