"""Linear programs with names: duality, certificates and vertices as theorems about random programs; refusals."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.numbers.exact_arrays import exact_sign
from qlib.numbers.linear_programs import (
    Certificate,
    CertificateError,
    Constraint,
    FarkasCertificate,
    Infeasible,
    LinearProgram,
    Unbounded,
    certificate,
    combine,
    dual_vertices,
    farkas_certificate,
    is_feasible,
    solve,
)
from qlib.numbers.polyhedra import extreme_rays

ROOT = sympy.sqrt(2)
small = st.integers(-3, 3)


def program(A, b, c):
    """The program with matrix A, variables v0, v1, ... and constraints r0, r1, ..."""
    names = tuple(f"v{j}" for j in range(len(c)))
    rows = tuple(
        Constraint(f"r{i}", dict(zip(names, row, strict=True)), rhs)
        for i, (row, rhs) in enumerate(zip(A, b, strict=True))
    )
    return LinearProgram(names, dict(zip(names, c, strict=True)), rows)


def vectors(n, elements=small):
    return st.lists(elements, min_size=n, max_size=n)


@st.composite
def solvable(draw):
    """A feasible program (some q ≥ 0 solves it) whose minimum exists (some y is dual feasible)."""
    m, n = draw(st.integers(1, 3)), draw(st.integers(2, 6))
    A = np.array(draw(vectors(m, vectors(n))))
    q = np.array(draw(vectors(n, st.integers(0, 3))))
    y, slack = np.array(draw(vectors(m))), np.array(draw(vectors(n, st.integers(0, 3))))
    return program(A.tolist(), (A @ q).tolist(), (A.T @ y + slack).tolist())


@st.composite
def arbitrary(draw):
    m, n = draw(st.integers(1, 3)), draw(st.integers(2, 5))
    A, b = draw(vectors(m, vectors(n))), draw(vectors(m))
    return program(A, b, [0] * n)


@given(solvable())
def test_the_certificate_proves_the_optimum_from_both_sides(p):
    proof = certificate(p)
    proof.verify(p)
    assert proof.is_optimal
    assert solve(p).value == pytest.approx(float(proof.value), abs=1e-7)


@given(solvable())
def test_a_maximum_is_the_negated_minimum_of_the_negated_objective(p):
    negated = replace(p, objective={v: -c for v, c in p.objective.items()})
    highest, lowest = certificate(negated, "max"), certificate(p)
    highest.verify(negated)
    assert highest.value == -lowest.value
    assert solve(negated, "max").value == pytest.approx(-solve(p).value, abs=1e-7)


@given(solvable())
def test_the_multipliers_of_an_optimum_combine_the_right_hand_sides_to_its_value(p):
    for solution in (solve(p), solve(replace(p, objective={v: -c for v, c in p.objective.items()}), "max")):
        combined = sum(solution.dual[row.name] * row.rhs for row in p.constraints)
        assert combined == pytest.approx(solution.value, abs=1e-7)
        assert p.matrix @ list(solution.primal.values()) == pytest.approx(p.rhs.astype(float), abs=1e-7)


@given(solvable(), st.data())
def test_in_other_units_the_optimum_is_the_same(p, data):
    """Each constraint, each variable and the objective in a unit of its own."""
    unit = st.integers(-6, 6).map(lambda k: Fraction(10) ** k)
    rows, columns, cost = data.draw(vectors(len(p.constraints), unit)), data.draw(vectors(len(p.variables), unit)), 100
    A = np.array([[int(a) for a in row] for row in p.matrix]) * np.array(rows)[:, None] * columns
    usual = solve(p)
    other = solve(
        program(A, [r.rhs * s for r, s in zip(p.constraints, rows, strict=True)], p.costs.astype(int) * columns * cost)
    )
    q = np.array(list(other.primal.values())) * [float(unit) for unit in columns]
    y = np.array(list(other.dual.values())) * [float(unit) for unit in rows] / cost
    assert other.value / cost == pytest.approx(usual.value, abs=1e-6)
    assert p.matrix @ q == pytest.approx(p.rhs.astype(float), abs=1e-6)
    assert p.costs @ q == pytest.approx(usual.value, abs=1e-6)
    assert p.rhs.astype(float) @ y == pytest.approx(usual.value, abs=1e-6)
    assert min(p.costs - p.matrix.T @ y) > -1e-6


@given(solvable())
def test_the_minimum_is_the_largest_value_over_the_vertices_of_the_dual(p):
    if not p.matrix.any():
        return
    polyhedron = dual_vertices(p)
    assert max(combine(p, y) for y in polyhedron.vertices) == certificate(p).value
    for y in polyhedron.vertices:
        Certificate("min", y, combine(p, y)).verify(p)


@given(arbitrary())
def test_a_program_is_feasible_exactly_if_no_ray_of_its_dual_is_positive(p):
    if not p.matrix.any():
        return
    polyhedron = dual_vertices(p)
    separating = [y for y in polyhedron.rays if combine(p, y) > 0]
    inconsistent = [y for y in polyhedron.lineality if combine(p, y) != 0]
    try:
        solve(p)
    except Infeasible as error:
        assert separating or inconsistent
        error.certificate.verify(p)
        assert not is_feasible(p)
    else:
        assert is_feasible(p)
        assert not separating
        assert not inconsistent


@given(arbitrary())
def test_a_contradiction_names_an_irreducible_set_of_constraints(p):
    try:
        solve(p)
    except Infeasible as error:
        names = set(error.certificate.multipliers)
        for name in names:
            rest = tuple(row for row in p.constraints if row.name in names - {name})
            assert solve(replace(p, constraints=rest)).value == 0


def test_vertices_and_rays_of_a_shifted_quadrant_are_its_corner_and_its_edges():
    polyhedron = dual_vertices(program([[1, 0], [0, 1]], [0, 0], [2, Fraction(1, 3)]))
    assert polyhedron.vertices == ({"r0": 2, "r1": Fraction(1, 3)},)
    assert polyhedron.rays == ({"r0": -1}, {"r1": -1})
    assert polyhedron.lineality == ()


def test_redundant_constraints_span_the_lineality_space():
    polyhedron = dual_vertices(program([[1, 1], [2, 2]], [1, 2], [1, 3]))
    assert polyhedron.lineality == ({"r0": -2, "r1": 1},)
    assert polyhedron.vertices == ({"r0": 1},)


def test_vertices_for_a_maximum_bound_it_from_above():
    polyhedron = dual_vertices(program([[1, 1]], [1], [1, 3]), "max")
    assert polyhedron.vertices == ({"r0": 3},)
    assert polyhedron.rays == ({"r0": 1},)


def test_an_enumeration_that_would_take_too_long_is_refused_with_its_size():
    """The cone over a hypercube: two constraints a dimension, and 2⁸ vertices."""
    W = np.concatenate([np.eye(8, 9, 1, dtype=int), np.eye(8, 9, 1, dtype=int) * -1 + np.eye(9, dtype=int)[0]])
    assert len(extreme_rays(W)) == 256
    with pytest.raises(ValueError, match="rows leave 129 extreme rays, more than 100"):
        extreme_rays(W, most=100)


def test_vertices_of_numbers_beyond_64_bits_are_exact():
    a, b = Fraction(10**30 + 1, 7), Fraction(3, 10**25)
    assert dual_vertices(program([[1, a]], [1], [1, b])).vertices == ({"r0": b / a},)


def test_a_dual_without_vertices_is_refused():
    with pytest.raises(ValueError, match="every coefficient of the constraints is zero"):
        dual_vertices(program([[0, 0]], [0], [1, 1]))


def test_values_are_exact_where_right_hand_sides_are_algebraic():
    p = program([[1, 1, 0], [0, 1, 1]], [(2 + ROOT) / 8, ROOT / 3], [1, 3, 1])
    proof = certificate(p)
    assert proof.value == sympy.expand((2 + ROOT) / 8 + ROOT / 3)
    assert proof.primal == {"v0": sympy.Rational(1, 4) + ROOT / 8, "v2": ROOT / 3}
    assert certificate(p, "max").value == sympy.expand(3 * (2 + ROOT) / 8 + ROOT / 3 - (2 + ROOT) / 8)


def test_floating_point_right_hand_sides_get_verified_multipliers_without_an_exact_point():
    p = program([[1, 1]], [0.1], [1, 2])
    proof = certificate(p)
    proof.verify(p)
    assert not proof.is_optimal
    assert proof.value == sympy.Rational(0.1)
    assert not p.is_exact


def test_multipliers_with_symbolic_right_hand_sides_bound_the_optimum_for_all_their_values():
    t = sympy.Symbol("t")
    p = program([[1, 1]], [t], [1, 2])
    Certificate("min", {"r0": Fraction(1)}, t).verify(p)
    with pytest.raises(CertificateError, match=r"the value is claimed to be 2\*t, but it is t"):
        Certificate("min", {"r0": Fraction(1)}, 2 * t).verify(p)


def test_a_contradiction_below_the_tolerance_of_the_solver_is_still_found():
    epsilon = sympy.Rational(1, 10**15)
    p = program([[1, 1], [1, 1]], [1, 1 + epsilon], [1, 2])
    assert solve(p).value == pytest.approx(1)
    with pytest.raises(Infeasible) as caught:
        certificate(p)
    assert caught.value.certificate.violation == epsilon


def test_an_exact_optimum_is_found_where_rounding_hides_the_optimal_basis():
    tiny = ROOT / 10**15
    p = program([[1, -1, 0, 0], [0, 0, 1, 1]], [-tiny, 1], [1, 2, 1, 3])
    proof = certificate(p)
    assert proof.is_optimal
    assert proof.value == sympy.expand(1 + 2 * tiny)


def test_negative_amounts_below_the_tolerance_of_the_solver_are_a_contradiction():
    with pytest.raises(Infeasible) as caught:
        certificate(program([[1, 1]], [sympy.Rational(-1, 10**15)], [1, 2]))
    assert caught.value.certificate.violation == sympy.Rational(1, 10**15)


def test_an_unbounded_objective_comes_with_the_direction_that_improves_it():
    p = program([[1, -1, 0]], [0], [-1, 0, 1])
    for sense, ray in (("min", {"v0": 1, "v1": 1}), ("max", {"v2": 1})):
        with pytest.raises(Unbounded, match="improves for ever") as caught:
            solve(p, sense)
        assert caught.value.ray == pytest.approx(ray)


def test_without_constraints_the_origin_is_optimal_or_nothing_is():
    p = LinearProgram(("a", "b"), {"a": 1}, ())
    assert (solve(p).value, certificate(p).value) == (0.0, sympy.Integer(0))
    with pytest.raises(Unbounded) as caught:
        solve(p, "max")
    assert caught.value.ray == {"a": 1}


@pytest.mark.parametrize(
    ("tampering", "message"),
    [
        ({"multipliers": {"r0": Fraction(2)}}, r"dual inequality of 'v0': 2 ≤ 1 is violated"),
        ({"multipliers": {"r1": Fraction(1)}}, r"no constraint named 'r1'"),
        ({"value": sympy.Rational(2)}, r"the value is claimed to be 2, but it is 1"),
        ({"primal": {"v0": sympy.Integer(2)}}, r"constraint 'r0' is claimed to be 1, but it is 2"),
        ({"primal": {"v1": sympy.Integer(1)}}, r"the objective is claimed to be 1, but it is 2"),
        ({"primal": {"v0": sympy.Integer(2), "v1": sympy.Integer(-1)}}, r"'v1' = -1 is negative"),
        ({"primal": {"w": sympy.Integer(1)}}, r"no variable named 'w'"),
    ],
)
def test_a_certificate_that_was_tampered_with_names_what_it_violates(tampering, message):
    p = program([[1, 1]], [1], [1, 2])
    with pytest.raises(CertificateError, match=message):
        replace(certificate(p), **tampering).verify(p)


def test_a_certificate_of_a_maximum_needs_the_opposite_inequalities():
    p = program([[1, 1]], [1], [1, 2])
    with pytest.raises(CertificateError, match="dual inequality of 'v1': 1 ≥ 2 is violated"):
        Certificate("max", {"r0": Fraction(1)}, sympy.Integer(1)).verify(p)


@pytest.mark.parametrize(
    ("multipliers", "violation", "message"),
    [
        ({"r0": Fraction(-1)}, 1, "the value is claimed to be 1, but it is -1"),
        ({"r0": Fraction(-1)}, -1, "the combined right-hand side is -1; it must be positive"),
        ({"r0": Fraction(1)}, 1, "dual inequality of 'v0': 1 ≤ 0 is violated"),
    ],
)
def test_a_false_contradiction_is_recognised(multipliers, violation, message):
    with pytest.raises(CertificateError, match=message):
        FarkasCertificate(multipliers, violation).verify(program([[1, 1]], [1], [0, 0]))


def test_a_feasible_program_has_no_certificate_of_infeasibility():
    with pytest.raises(ValueError, match="the program is feasible"):
        farkas_certificate(program([[1, 1]], [1], [0, 0]))


def test_a_contradiction_is_told_in_the_names_of_its_constraints():
    p = LinearProgram(
        ("a", "b"), {}, (Constraint("total: all", {"a": 1, "b": 1}, 1), Constraint("part: a", {"a": 1}, Fraction(3, 2)))
    )
    with pytest.raises(Infeasible, match=r"- 1·\[total: all\] \+ 1·\[part: a\] .* right-hand side is 1/2 > 0"):
        solve(p)


def test_rows_columns_and_groups_are_found_by_name():
    p = LinearProgram(
        ("a", "b"), {"a": 2}, (Constraint("sum: all", {"a": 1, "b": 1}, 1), Constraint("difference", {"a": 1, "b": -1}))
    )
    assert p.row("difference").rhs == 0
    assert p.column("b") == {"sum: all": 1, "difference": -1}
    assert p.group("sum") == (p.row("sum: all"),)
    assert p.matrix.tolist() == [[1, 1], [1, -1]]
    assert p.costs.tolist() == [2, 0]
    assert p.rhs.tolist() == [1, 0]
    for missing in (p.row, p.column):
        with pytest.raises(ValueError, match="'c' should be one of"):
            missing("c")


def test_new_right_hand_sides_leave_the_program_as_it_was():
    p = program([[1, 1]], [1], [1, 2])
    changed = p.with_rhs({"r0": 2})
    assert (solve(p).value, solve(changed).value) == (1, 2)
    assert changed.row("r0").rhs == 2
    with pytest.raises(ValueError, match="no constraint named 'r9'"):
        p.with_rhs({"r9": 1})
    with pytest.raises(ValueError, match="right-hand side of constraint 'r0' is nan"):
        p.with_rhs({"r0": float("nan")})


@pytest.mark.parametrize(
    ("variables", "objective", "rows", "message"),
    [
        (("a", "a"), {}, [], "two variables are named 'a'"),
        (("a",), {}, [("r", {}, 0), ("r", {}, 0)], "two constraints are named 'r'"),
        (("a",), {"b": 1}, [], "the objective mentions 'b'"),
        (("a",), {}, [("r", {"b": 1}, 0)], "constraint 'r' mentions 'b'"),
        (("a",), {"a": float("inf")}, [], "coefficient of 'a' in the objective is inf"),
        (("a",), {}, [("r", {"a": float("nan")}, 0)], "coefficient of 'a' in constraint 'r' is nan"),
        (("a",), {}, [("r", {"a": ROOT}, 0)], r"coefficient of 'a' in constraint 'r' is sqrt\(2\)"),
        (("a",), {}, [("r", {"a": 1}, float("inf"))], "right-hand side of constraint 'r' is inf"),
        (("a",), {}, [("r", {"a": 1}, sympy.oo)], "right-hand side of constraint 'r' is oo"),
        (("a",), {}, [("r", {"a": 1}, sympy.nan)], "right-hand side of constraint 'r' is nan"),
    ],
)
def test_a_program_that_makes_no_sense_is_refused_by_name(variables, objective, rows, message):
    with pytest.raises(ValueError, match=message):
        LinearProgram(variables, objective, tuple(Constraint(*row) for row in rows))


def test_symbols_must_become_numbers_before_solving():
    with pytest.raises(ValueError, match="right-hand side of 'r0' is t; substitute numbers"):
        solve(program([[1, 1]], [sympy.Symbol("t")], [1, 2]))


@pytest.mark.parametrize("function", [solve, certificate, dual_vertices])
def test_an_unknown_sense_is_refused(function):
    with pytest.raises(ValueError, match='sense is \'minimum\'; it must be "min" or "max"'):
        function(program([[1, 1]], [1], [1, 2]), "minimum")


@pytest.mark.parametrize("value", [sympy.Symbol("t"), sympy.I, sympy.nan, sympy.oo, float("nan"), 1 + ROOT * sympy.I])
def test_what_is_not_a_finite_real_number_has_no_sign(value):
    with pytest.raises(ValueError, match="has no sign"):
        exact_sign(value)


@settings(max_examples=30)
@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 60))
def test_the_sign_of_an_algebraic_number_is_exact_however_small_it_is(a, b, c, digits):
    number = a + b * ROOT + c * sympy.sqrt(3)
    assert exact_sign(number / sympy.Integer(10) ** digits) == np.sign(a + b * 2**0.5 + c * 3**0.5)
    assert exact_sign(sympy.sqrt((a + b * ROOT) ** 2) - abs(a + b * ROOT)) == 0


def proved(program: LinearProgram, sense: str = "min") -> Certificate:
    """A certificate that bounds the optimum from both sides, verified."""
    proof = certificate(program, sense)
    proof.verify(program)
    assert proof.is_optimal
    return proof


@pytest.mark.parametrize("gap", [1e-7, 1e-9, 1e-12, 1e-300])
def test_costs_that_floating_point_can_hardly_tell_apart_are_told_apart(gap: float) -> None:
    """HiGHS ends at either vertex: the basis is primal feasible, but not dual feasible."""
    for costs in ((1, 1 + Fraction(gap)), (1 + Fraction(gap), 1)):
        rows = (Constraint("total", {"a": 1, "b": 1}, 1),)
        program = LinearProgram(("a", "b"), dict(zip("ab", costs, strict=True)), rows)
        assert proved(program).value == 1
        assert proved(program, "max").value == 1 + sympy.Rational(Fraction(gap))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_nearly_equal_costs_are_optimised_exactly_in_random_programs(seed: int) -> None:
    """By exhaustion: the best vertex of {q ≥ 0, A q = b} among all bases, in rational arithmetic."""
    rng = np.random.default_rng(seed)
    n, m = 6, 3
    A = rng.integers(-3, 4, (m, n))
    b = [int(t) for t in A @ rng.integers(0, 4, n)]  # feasible
    costs = [1 + Fraction(int(k), 10**11) for k in rng.integers(0, 9, n)]
    names = tuple(f"q{j}" for j in range(n))
    rows = tuple(Constraint(f"row {i}", {names[j]: int(A[i, j]) for j in range(n) if A[i, j]}, b[i]) for i in range(m))
    program = LinearProgram(names, dict(zip(names, costs, strict=True)), rows)
    best = []
    for size in range(m + 1):
        for chosen in combinations(range(n), size):
            columns = sympy.Matrix(m, size, lambda i, k, chosen=chosen: int(A[i, chosen[k]]))
            if size and columns.rank() < size:
                continue
            unknowns = sympy.symbols(f"x:{size}")
            found = sympy.linsolve((columns, sympy.Matrix(b)), *unknowns) if size else ({()} if not any(b) else set())
            for point in found:
                if all(value >= 0 for value in point):
                    best.append(sum((sympy.Rational(costs[j]) * v for j, v in zip(chosen, point, strict=True)), 0))
    assert proved(program).value == min(best)


@pytest.mark.parametrize("size", [1e-300, 1e-15, 1e-9, 1e9, 1e15, 1e18])
def test_coefficients_and_right_hand_sides_of_any_size_are_taken_as_they_are(size: float) -> None:
    tiny = Fraction(size)
    rows = (Constraint("odd", {"a": tiny, "b": 1}, 1), Constraint("total", {"a": 1, "b": 1, "c": -tiny}, 1))
    program = LinearProgram(("a", "b", "c"), {"a": 1, "b": 2, "c": tiny}, rows)
    least, most = proved(program), proved(replace(program, objective={"a": -1, "b": -2, "c": -tiny}))
    assert least.value <= -most.value
    assert proved(LinearProgram(("a",), {"a": 1}, (Constraint("scaled", {"a": tiny}, tiny),))).value == 1
    assert proved(LinearProgram(("a",), {"a": tiny}, (Constraint("scaled", {"a": 1}, tiny),))).value == tiny**2


def test_a_program_that_is_infeasible_by_little_is_infeasible() -> None:
    rows = (Constraint("one", {"a": 1}, 1), Constraint("nearly", {"a": 1}, 1 + Fraction(1, 10**30)))
    with pytest.raises(Infeasible) as caught:
        certificate(LinearProgram(("a",), {"a": 1}, rows))
    caught.value.certificate.verify(LinearProgram(("a",), {"a": 1}, rows))


def test_a_program_that_is_feasible_by_little_is_feasible() -> None:
    rows = (Constraint("low", {"a": 1, "s": -1}, 1), Constraint("high", {"a": 1, "t": 1}, 1 + Fraction(1, 10**30)))
    assert proved(LinearProgram(("a", "s", "t"), {"a": 1}, rows), "max").value == 1 + sympy.Rational(1, 10**30)


def test_feasibility_is_not_decided_on_rounded_numbers():
    with pytest.raises(ValueError, match="exact numbers"):
        is_feasible(program([[1, 1]], [0.5], [0, 0]))


def test_a_constraint_more_can_make_a_program_infeasible():
    coin = program([[1, 1]], [ROOT], [0, 0])
    assert is_feasible(coin.with_constraints(Constraint("bias", {"v0": 1}, ROOT)))
    assert not is_feasible(coin.with_constraints(Constraint("bias", {"v0": 1}, ROOT + Fraction(1, 10**30))))


@pytest.mark.parametrize("size", [1, Fraction(1, 10**6), Fraction(1, 10**11), 10**9])
def test_a_contradiction_is_irreducible_however_small_what_it_is_about_is(size):
    """x + y = 2 and x + y = 1 contradict each other, with three rows beside them that hold of every point."""
    rows = [
        Constraint("two", {"x": 1, "y": 1}, 2 * size), Constraint("one", {"x": 1, "y": 1}, size),
        Constraint("x", {"x": 1, "a": 1}, 3 * size), Constraint("y", {"y": 1, "b": 1}, 3 * size),
        Constraint("four", {"x": 2, "y": 2}, 4 * size),
    ]  # fmt: skip
    proof = farkas_certificate(LinearProgram(("x", "y", "a", "b"), {}, tuple(rows)))
    assert len(proof.multipliers) == 2
    assert "one" in proof.multipliers
