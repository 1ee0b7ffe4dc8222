"""The comparison of printed items with derived ones: it accepts what is right, and nothing else."""

import ast
from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from compendium.claims.printed import ForAll, Region, agrees, altered_transcriptions, counterexample, parse, readable
from qlib.numbers.exact_arrays import Undecided, is_zero

x, y, z = sp.symbols("x y z")
n = sp.Symbol("n", integer=True)
HIDDEN_ZERO = (sp.sqrt(2) + sp.sqrt(3)) ** 2 - 5 - 2 * sp.sqrt(6)
BITS = (0, 1)
RATIONALS = st.fractions(min_value=-50, max_value=50, max_denominator=10**6)

# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_printed(value: Fraction, decimals: int) -> str:
    """A number rounded to some decimals, ties to even."""
    return f"{round(value * 10**decimals) / Decimal(10) ** decimals:.{decimals}f}"


@given(RATIONALS, st.integers(1, 8))
def test_a_number_agrees_with_its_rounding_and_with_no_neighbour_of_it(value: Fraction, decimals: int) -> None:
    derived, text = sp.Rational(value), as_printed(value, decimals)
    assert agrees(text, derived)
    unit = Fraction(1, 10**decimals)
    for steps in (-2, 2):
        assert not agrees(as_printed(Fraction(text) + steps * unit, decimals), derived)


@given(RATIONALS, st.integers(1, 8))
def test_a_number_agrees_exactly_within_half_a_unit_of_the_last_digit(value: Fraction, decimals: int) -> None:
    text = as_printed(value, decimals)
    for eighths in range(-8, 9):
        derived = sp.Rational(Fraction(text) + Fraction(eighths, 8 * 10**decimals))
        assert agrees(text, derived) is (abs(eighths) <= 4)


@given(RATIONALS, st.integers(1, 6))
def test_floating_point_and_exact_numbers_agree_with_the_same_print(value: Fraction, decimals: int) -> None:
    text = as_printed(value, decimals)
    assert agrees(text, float(value))
    assert agrees(text, np.float64(value))
    assert agrees(text, complex(float(value)))
    assert agrees(text, np.array(float(value)))


@pytest.mark.parametrize(
    ("text", "derived", "expected"),
    [
        ("0.1339", (5 * sp.sqrt(2) - 6) / 8, True),
        ("0.4268", (2 + sp.sqrt(2)) / 8, True),
        ("0.4267", (2 + sp.sqrt(2)) / 8, False),
        ("+0.5", sp.Rational(1, 2), True),
        (".5", sp.Rational(1, 2), True),
        ("-.5", sp.Rational(1, 2), False),
        ("0.50", sp.Rational(504, 1000), True),
        ("0.50", sp.Rational(506, 1000), False),
        ("0.500", sp.Rational(504, 1000), False),
        ("1e-9", 1.4e-9, True),
        ("1e-9", 1.6e-9, False),
        ("1.0e-9", 1.04e-9, True),
        ("1.0e-9", 1.06e-9, False),
        ("2.5E3", 2549, True),
        ("2.5E3", 2551, False),
        ("64", 64, True),
        ("64", 64.0, True),
        ("64", sp.Rational(641, 10), False),
        ("64", 64.1, False),
        ("-1", -1, True),
        ("-1", 1, False),
        ("0", HIDDEN_ZERO, True),
        ("0", sp.Rational(1, 10**40), False),
        ("1", sp.sin(x) ** 2 + sp.cos(x) ** 2, True),
        ("1", sp.sin(x) ** 2, False),
        ("0.5", Fraction(1, 2), True),
        ("0.0000", 0, True),
        ("1.0", np.int64(1), True),
        ("1.0", sp.oo, False),
    ],
)
def test_known_numbers(text: str, derived: object, expected: bool) -> None:
    assert agrees(text, derived) is expected


@pytest.mark.parametrize("derived", [0.5 + 0.001j, sp.Rational(1, 2) + sp.I / 1000, 0.5 + 1e-6j])
def test_a_number_with_an_imaginary_part_agrees_with_no_print(derived: object) -> None:
    assert not agrees("0.50", derived)
    assert not agrees("1", derived)


@pytest.mark.parametrize(
    ("text", "derived", "message"),
    [
        ("0.50", x, "'0.50' is a rounded number, but the derived x holds symbols"),
        ("0.50", float("nan"), "nan"),
        ("0.50", "0.50", "is a number; what is derived for it is the text"),
        ("> 0.5", "large", "is a number; what is derived for it is the text"),
        ("0.50", True, "should be a bool"),
        (True, 1, "should be a str"),
        ("0.50", [0.5], "should be a list"),
        ("0.50", {"a": 1}, "no comparison is defined for a derived dict"),
        ("0.50", None, "no comparison is defined for a derived NoneType"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(text: object, derived: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agrees(text, derived)  # type: ignore[arg-type]


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(RATIONALS, RATIONALS)
def test_a_bound_agrees_with_exactly_what_satisfies_it(limit: Fraction, value: Fraction) -> None:
    text, derived = str(Decimal(limit.numerator) / Decimal(limit.denominator)), sp.Rational(value)
    rounded = Fraction(text)
    assert agrees(f"< {text}", derived) is (value < rounded)
    assert agrees(f"<= {text}", derived) is (value <= rounded)
    assert agrees(f">{text}", derived) is (value > rounded)
    assert agrees(f">= {text}", derived) is (value >= rounded)


@pytest.mark.parametrize(
    ("text", "derived", "expected"),
    [
        ("<= 2*sqrt(2)", 2 * sp.sqrt(2), True),
        ("<= sqrt(2) - 1", sp.sqrt(2) - 1, True),
        ("< sqrt(2) - 1", sp.sqrt(2) - 1, False),
        ("<= sqrt(2) + sqrt(3)", sp.sqrt(5 + 2 * sp.sqrt(6)), True),
        ("< sqrt(2) + sqrt(3)", sp.sqrt(5 + 2 * sp.sqrt(6)), False),
        ("< 1e-9", 1e-10, True),
        ("> 0.999", 0.9991, True),
        ("> 0.999", 0.9989, False),
        ("<= 2*k", 4, True),
        (">= 0", sp.Symbol("r", real=True) ** 2, True),
        ("> 0", sp.Symbol("p", positive=True), True),
        ("> 0.5", sp.oo, True),
    ],
)
def test_known_bounds(text: str, derived: object, expected: bool) -> None:
    assert agrees(text, derived, {"k": 2}) is expected


def test_a_bound_that_cannot_be_decided_is_an_error() -> None:
    with pytest.raises(ArithmeticError, match="could not be decided"):
        agrees("> 0", sp.Symbol("r", real=True))
    for value in (1 + 2 * sp.I, 1 + 2j):
        with pytest.raises(ValueError, match="is not real"):
            agrees("> 0", value)


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("value", [1, 2, 3])
def test_the_mutant_of_a_bound_is_its_negation(relation: str, value: int) -> None:
    """So a bound that is attained has a mutant that is refused."""
    (negation,) = altered_transcriptions(f"{relation} 2", value)
    assert agrees(f"{relation} 2", value) is not agrees(negation, value)


# ── approximations ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(RATIONALS, st.integers(1, 8))
def test_an_approximation_with_decimals_agrees_with_what_the_number_agrees_with(value: Fraction, decimals: int) -> None:
    text = as_printed(value, decimals)
    for eighths in range(-8, 9):
        derived = sp.Rational(Fraction(text) + Fraction(eighths, 8 * 10**decimals))
        assert agrees(f"~ {text}", derived) is agrees(text, derived)


@pytest.mark.parametrize(
    ("text", "derived", "expected"),
    [
        ("~ 0", 0, True),
        ("~ 0", sp.Rational(1, 100), True),
        ("~ 0", -0.0099, True),
        ("~ 0", 0.0101, False),
        ("~ 0", 0.316, False),
        ("~0", HIDDEN_ZERO, True),
        ("~ 0.5", sp.Rational(1, 2), True),
        ("~ 0.5", 0.46, True),
        ("~ 0.5", 0.44, False),
        ("~ 0.707", 1 / sp.sqrt(2), True),
        ("~ 0.706", 1 / sp.sqrt(2), False),
        ("~ sqrt(2)", sp.sqrt(2), True),
        ("~ sqrt(2)", 1.41, True),
        ("~ sqrt(2)", 1.185, False),
        ("~ k/2", 1.505, True),
        ("~ 0", 0.001 + 0.02j, False),
        ("~ 0.086", (5 * sp.sqrt(5) - 11) / 2, False),
    ],
)
def test_known_approximations(text: str, derived: object, expected: bool) -> None:
    assert agrees(text, derived, {"k": 3}) is expected


@pytest.mark.parametrize(
    ("text", "derived", "expected"),
    [
        ("~ 0", sp.Integer(0), ["~ 0 + 1/50", "~ 1"]),
        ("~ sqrt(2)", sp.sqrt(2), ["~ sqrt(2) + 1/50", "~ -(sqrt(2))", "~ sqrt(3)"]),
        ("~ 0.707", 1 / sp.sqrt(2), ["~ 0.709", "~ -0.707"]),
        ("~ 0.5", Region(0.48, 0.52), ["~ 0.7", "~ -0.5"]),
        ("~ 0.5", ForAll(lambda a: sp.Rational(1, 2), {"a": BITS}), ["~ 0.7", "~ -0.5"]),
    ],
)
def test_every_mutant_of_a_right_approximation_is_refused(text: str, derived: object, expected: list[str]) -> None:
    assert agrees(text, derived)
    assert list(altered_transcriptions(text, derived)) == expected
    assert not any(agrees(mutant, derived) for mutant in expected)


@given(st.floats(-0.00999, 0.00999))
def test_what_an_approximation_without_decimals_accepts_refuses_its_mutants(error: float) -> None:
    for text, value in (("~ 0", 0.0), ("~ sqrt(2)", 2**0.5), ("~ 3", 3.0)):
        assert agrees(text, value + error)
        assert not any(agrees(mutant, value + error) for mutant in altered_transcriptions(text, value + error))


@pytest.mark.parametrize(("text", "derived"), [("~ 0", x), ("~ 0.5", x), ("~ 0.5", "half"), ("~ k", 1), ("~ ~ 0", 0)])
def test_an_approximation_that_cannot_be_compared_is_an_error(text: str, derived: object) -> None:
    with pytest.raises(ValueError, match=r"holds symbols|is a number|is not defined|cannot be read|not allowed"):
        agrees(text, derived)


# ── regions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(RATIONALS, RATIONALS, RATIONALS, st.integers(1, 6))
def test_a_number_agrees_with_a_region_exactly_if_it_is_a_rounding_of_one_of_its_values(
    one: Fraction, other: Fraction, value: Fraction, decimals: int
) -> None:
    low, high = sorted((one, other))
    text = as_printed(value, decimals)
    half = Fraction(1, 2 * 10**decimals)
    inside = low - half <= Fraction(text) <= high + half
    assert agrees(text, Region(low, high)) is inside
    assert agrees(as_printed(one, decimals), Region(low, high))


@given(RATIONALS, RATIONALS, st.integers(0, 6))
def test_every_mutant_of_an_accepted_estimate_is_refused(one: Fraction, other: Fraction, decimals: int) -> None:
    region = Region(*sorted((one, other)))
    text = as_printed(Fraction(round(one)) if decimals == 0 else one, decimals)
    if agrees(text, region):
        altered = list(altered_transcriptions(text, region))
        assert len(altered) >= 2
        assert not any(agrees(mutant, region) for mutant in altered)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("> 0.9", True), ("> 0.92", False), ("<= 0.95", True), ("< 0.9", False), ("~ 0.9", True), ("~ 0.93", False)],
)
def test_a_statement_agrees_with_a_region_if_it_holds_for_all_of_it(text: str, expected: bool) -> None:
    assert agrees(text, Region(0.91, 0.94)) is expected


def test_a_region_of_one_value_is_that_value() -> None:
    for text in ("0.25", "~ 0.25", "> 0.2", "0.24"):
        assert agrees(text, Region(0.25, 0.25)) is agrees(text, 0.25)


def test_an_interval_is_compared_end_by_end() -> None:
    regions = [Region(0.25, 0.29), Region(0.34, 0.37)]
    assert agrees(["0.275", "0.357"], regions)
    assert not agrees(["0.357", "0.275"], regions)
    assert not any(agrees(mutant, regions) for mutant in altered_transcriptions(["0.275", "0.357"], regions))


@pytest.mark.parametrize("ends", [(1, 0), (0, sp.oo), (float("nan"), 1), (0, sp.I), (0, x)])
def test_a_region_has_two_finite_ends_in_order(ends: tuple[object, object]) -> None:
    with pytest.raises(ValueError, match="should be finite real numbers, the lower first"):
        Region(*ends)


@pytest.mark.parametrize("text", ["a/2", "large"])
def test_a_formula_is_not_compared_with_a_region(text: str) -> None:
    with pytest.raises(ValueError, match="should be a number, a bound or an approximation"):
        agrees(text, Region(0, 1), {"a": 1})


# ── truth values, texts, sets, lists ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("derived", [True, np.bool_(True), sp.true, np.array(True)])
def test_truth_values_of_any_library_agree(derived: object) -> None:
    assert agrees(True, derived)
    assert not agrees(False, derived)
    with pytest.raises(ValueError, match="should be a bool"):
        agrees("true", derived)


@given(st.sets(st.text("abc", min_size=1, max_size=3)), st.sets(st.text("abc", min_size=1, max_size=3)))
def test_sets_agree_in_any_order_and_only_with_themselves(one: set[str], other: set[str]) -> None:
    assert agrees(sorted(one), one)
    assert agrees(sorted(one, reverse=True), frozenset(one))
    assert agrees(sorted(other), one) is (one == other)
    assert not any(agrees([*sorted(one), element], one) for element in one)


def test_a_set_holds_texts() -> None:
    with pytest.raises(ValueError, match="derived set: its elements should be texts, but 0 is none"):
        agrees(["0"], {0})
    with pytest.raises(ValueError, match=r"printed set: its elements should be texts, but \['a'\] is none"):
        agrees([["a"]], {"a"})


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=3), min_size=1, max_size=3))
def test_nested_lists_agree_entry_by_entry(rows: list[list[int]]) -> None:
    text = [[str(entry) for entry in row] for row in rows]
    assert agrees(text, rows)
    assert agrees(text, tuple(map(tuple, rows)))
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            wrong = [[*r] for r in rows]
            wrong[i][j] = entry + 1
            assert not agrees(text, wrong)
    assert not agrees(text[1:], rows)


def test_a_matrix_is_compared_in_any_form() -> None:
    text = [["1/2", "1/sqrt(2)"], ["-I", "0.71"]]
    rows = [[sp.Rational(1, 2), sp.sqrt(2) / 2], [-sp.I, sp.sqrt(2) / 2]]
    assert agrees(text, rows)
    assert agrees(text, sp.Matrix(rows))
    assert agrees(text, np.array(rows, dtype=object))
    assert not agrees(text, sp.Matrix(rows).T)
    with pytest.raises(ValueError, match="should be a list"):
        agrees(["1", "2"], sp.Matrix([1, 2]))


# ── formulas ────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def polynomials(draw: st.DrawFn) -> sp.Expr:
    """A random polynomial in three symbols with radicals among its coefficients."""
    coefficients = [sp.Integer(1), sp.Rational(1, 3), -sp.sqrt(2), sp.I, sp.sqrt(3) / 2, sp.Integer(-2)]
    terms = st.tuples(st.sampled_from(coefficients), *[st.integers(0, 2)] * 3)
    drawn = draw(st.lists(terms, min_size=1, max_size=3))
    return sp.Add(*[c * x**i * y**j * z**k for c, i, j, k in drawn])


@settings(max_examples=30)
@given(polynomials(), polynomials())
def test_a_formula_agrees_with_every_form_of_itself_and_with_nothing_else(one: sp.Expr, other: sp.Expr) -> None:
    names = {"x": x, "y": y, "z": z}
    assert agrees(f"({one})*({other})", sp.expand(one * other), names)
    assert agrees(str(one), other, names) is (sp.expand(one - other) == 0)
    assert not agrees(f"({one}) + 1", one, names)


@settings(max_examples=20)
@given(polynomials())
def test_what_is_written_is_what_is_parsed(expression: sp.Expr) -> None:
    assert parse(str(expression), {"x": x, "y": y, "z": z}) == expression


def test_formulas_compute_exactly() -> None:
    assert parse("1/3 + 2/3", {}) == 1
    assert parse("a/b", {"a": 1, "b": 3}) == sp.Rational(1, 3)
    assert parse("2**-1", {}) == sp.Rational(1, 2)
    assert parse("-2**2", {}) == -4
    assert parse("f(1, (2, 3))", {"f": lambda a, pair: a + 10 * pair[1]}) == 31
    assert parse(" a ", {"a": x}) == x


def test_given_names_take_precedence_over_those_that_are_known() -> None:
    assert parse("I + pi", {"I": x}) == x + sp.pi


def test_matrices_multiply_as_matrices_however_they_are_given() -> None:
    """NumPy's ``*`` would multiply entry by entry."""
    A, B = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])
    names = {"A": A, "B": B, "f": lambda: B, "kron": np.kron, "tr": sp.trace, "ket": np.array([1, 0])}
    assert parse("A*B", names) == sp.Matrix(A @ B)
    assert parse("A*f()", names) == sp.Matrix(A @ B)
    assert parse("tr(kron(A, B)*kron(B, A))", names) == np.trace(np.kron(A, B) @ np.kron(B, A))
    assert parse("A*ket", names) == sp.Matrix([1, 3])
    assert agrees("A*B", A @ B, names)
    assert agrees("A*B", sp.Matrix(A @ B), names)
    assert not agrees("A*B", B @ A, names)


def test_a_formula_of_another_shape_than_the_derived_value_is_refused() -> None:
    for derived in (sp.Integer(1), np.zeros((3, 3), dtype=int)):
        with pytest.raises(ValueError, match=r"has the shape \(2, 2\)"):
            agrees("A", derived, {"A": sp.eye(2)})
    with pytest.raises(ValueError, match=r"has the shape \(\), what is derived for it \(2, 2\)"):
        agrees("0", np.zeros((2, 2), dtype=int))
    with pytest.raises(ValueError, match="cannot stand in a formula"):
        parse("A", {"A": np.zeros((2, 2, 2))})


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("().__class__", "'().__class__' is not allowed"),
        ("pi.func", "'pi.func' is not allowed"),
        ("__import__('os')", "'os'\" is not allowed"),
        ("(lambda: 3)()", "not allowed"),
        ("[k for k in a]", "not allowed"),
        ("a[0]", "'a[0]' is not allowed"),
        ("f(a, k=1)", "not allowed"),
        ("f(*a)", "not allowed"),
        ("f(a)(a)", "not allowed"),
        ("a if a else a", "not allowed"),
        ("a == a", "not allowed"),
        ("a > 0", "not allowed"),
        ("a and a", "not allowed"),
        ("~ 0.5", "not allowed"),
        ("a^2", "not allowed"),
        ("(a := 1)", "not allowed"),
        ("0.5*a", "'0.5' is not allowed"),
        ("1j", "not allowed"),
        ("True", "'True' is not allowed"),
        ("'text'", "not allowed"),
        ("1 +", "cannot be read"),
        ("a b", "cannot be read"),
        ("", "cannot be read"),
        ("a = 1", "cannot be read"),
        ("a + unknown", "the name 'unknown' is not defined; defined are a, f"),
        ("E", "the name 'E' is not defined"),
        ("Integer(1)", "the name 'Integer' is not defined"),
        ("a(a + 1)", "'a' is called, but it is x, not a function"),
        ("f", "is neither an expression nor a matrix"),
        ("(a, a)", "is neither an expression nor a matrix"),
    ],
)
def test_a_formula_is_arithmetic_and_nothing_else(formula: str, message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 (the message is looked at below)
        parse(formula, {"a": x, "f": lambda *_: x})
    assert message in str(refusal.value)
    assert repr(formula) in str(refusal.value)


def test_an_infinite_formula_agrees_with_nothing() -> None:
    assert not agrees("1/(a - 1)", 1, {"a": 1})
    assert not agrees("a - a + 1/0", sp.Integer(0), {"a": x})


# ── is zero ─────────────────────────────────────────────────────────────────────────────────────────────────────────

negative, real, positive = (sp.Symbol("t", **{fact: True}) for fact in ("negative", "real", "positive"))
f, g = sp.Function("f"), sp.Function("g")
P = sp.IndexedBase("P")
ZERO = [
    sp.Integer(0),
    HIDDEN_ZERO,
    10**200 * HIDDEN_ZERO,
    10**150 * (sp.sin(1) ** 2 + sp.cos(1) ** 2 - 1),
    sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2),
    sp.cbrt(7 + 5 * sp.sqrt(2)) - 1 - sp.sqrt(2),
    sp.cos(sp.pi / 7) - sp.cos(2 * sp.pi / 7) + sp.cos(3 * sp.pi / 7) - sp.Rational(1, 2),
    1 / (sp.sqrt(2) - 1) - sp.sqrt(2) - 1,
    sp.exp(sp.I * real) - sp.cos(real) - sp.I * sp.sin(real),
    sp.sin(sp.pi * n / 2) * sp.cos(sp.pi * n / 2),
    sp.log(negative**2) - 2 * sp.log(-negative),
    sp.sqrt(positive**2) - positive,
    sp.sqrt(negative**2) + negative,
    1 / (7 * x - 1) + 1 / (1 - 7 * x),
    (x**2 - 1) / (x - 1) - x - 1,
    sp.Abs(sp.exp(sp.I * real)) - 1,
    (P[0] + P[1]) ** 2 - P[0] ** 2 - P[1] ** 2 - 2 * P[0] * P[1],
    f(sp.sin(x) ** 2 + sp.cos(x) ** 2) - f(1),
    (f(x) + g(x)) ** 2 - f(x) ** 2 - 2 * f(x) * g(x) - g(x) ** 2,
]
NOT_ZERO = [
    sp.Integer(1),
    sp.Rational(1, 10**16),
    sp.Rational(1, 10**400),
    sp.sqrt(10**100 + 1) - 10**50,
    sp.I / 10**20,
    HIDDEN_ZERO + sp.I,
    7 * x - 1,
    x - sp.Rational(1, 7),
    1 / (7 * x - 1) - 1 / (7 * x - 1) ** 2,
    sp.sqrt(x**2) - x,
    sp.sqrt(real**2) - real,
    sp.Abs(x) - x,
    sp.re(x) - x,
    sp.log(x**2) - 2 * sp.log(x),
    sp.sin(sp.pi * n / 2),
    1 + (-1) ** n,
    (-1) ** n - 1,
    x - y,
    P[0, 1] - P[1, 0],
    f(x) - f(x + 1),
    f(x, y) - f(y, x),
    f(x) - g(x),
    f(x, y) * f(z, n) - f(x, n) * f(z, y),
    sp.zoo,
    sp.nan,
    sp.oo,
    x + sp.zoo,
]


@pytest.mark.parametrize("expression", ZERO, ids=str)
def test_zero_is_zero(expression: sp.Expr) -> None:
    assert is_zero(expression) is True


@pytest.mark.parametrize("expression", NOT_ZERO, ids=str)
def test_what_is_not_zero_is_not(expression: sp.Expr) -> None:
    assert is_zero(expression) is False


@settings(max_examples=30)
@given(
    polynomials(),
    st.lists(st.sampled_from(["real", "positive", "negative", "integer", "complex"]), min_size=3, max_size=3),
)
def test_the_difference_of_two_forms_of_a_polynomial_is_zero_whatever_is_assumed(p: sp.Expr, facts: list[str]) -> None:
    symbols = {s: sp.Symbol(s.name, **{fact: True}) for s, fact in zip((x, y, z), facts, strict=True)}
    q = p.subs(symbols, simultaneous=True)
    assert is_zero(sp.expand(q**2) - q**2)
    assert is_zero(q) is (sp.expand(q) == 0)
    assert not is_zero(q - q.subs(symbols[x], symbols[x] + 1) + sp.pi)


def test_what_can_be_neither_refuted_nor_proved_is_an_error() -> None:
    A, B = sp.symbols("A B", commutative=False)
    with pytest.raises(Undecided, match="could not be proved to be zero"):
        is_zero(A * B - B * A)


def test_floating_point_numbers_are_never_called_zero() -> None:
    with pytest.raises(ValueError, match="holds rounded numbers"):
        is_zero(0.5 * x)
    for formula, derived in (("1/2", 0.5), ("a/2", 0.5 * x), ("one", np.eye(2)), ("one", [[1.0]])):
        with pytest.raises(ValueError, match=r"compared exactly, but the derived .* is rounded|should be a list"):
            agrees(formula, derived, {"a": x, "one": sp.eye(2)})


# ── for all ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_for_all_means_every_assignment() -> None:
    """A formula that is wrong at one of the sixteen assignments only is refused, wherever that is."""
    indices = ("a", "b", "c", "d")
    for wrong in product(BITS, repeat=4):
        derived = ForAll(lambda a, b, c, d: int((a, b, c, d) != wrong), dict.fromkeys(indices, BITS))  # noqa: B023
        assert counterexample("1", derived) == dict(zip(indices, wrong, strict=True))
        assert not agrees("1", derived)
    assert agrees("1", ForAll(lambda a: 1, {"a": BITS}))


def test_the_last_index_runs_fastest() -> None:
    derived = ForAll(lambda a, b: 0, {"a": BITS, "b": "uv"})
    assert list(derived.assignments()) == [
        {"a": 0, "b": "u"}, {"a": 0, "b": "v"}, {"a": 1, "b": "u"}, {"a": 1, "b": "v"},
    ]  # fmt: skip


def test_indices_of_any_kind_reach_the_names() -> None:
    states = {"plus": x, "minus": y}
    derived = ForAll(lambda s: 2 * states[s], {"s": ("plus", "minus")})
    assert agrees("state(s) + state(s)", derived, {"state": lambda s: states[s]})


@pytest.mark.parametrize("domains", [{"a": ()}, {"a": BITS, "b": []}, {}])
def test_an_index_that_runs_over_nothing_is_refused(domains: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="runs over nothing"):
        ForAll(lambda **_: 0, domains)


def test_an_iterator_as_domain_is_not_used_up() -> None:
    derived = ForAll(lambda a: a, {"a": iter(BITS)})  # type: ignore[dict-item]
    assert agrees("a", derived)
    assert not agrees("a + 1", derived)


def test_the_derived_value_is_computed_once_for_each_assignment() -> None:
    seen = []
    derived = ForAll(lambda a: seen.append(a) or sp.Integer(a), {"a": BITS})
    for formula in ("a", "a + 1", "2*a"):
        agrees(formula, derived)
    assert sorted(seen) == [0, 1]


# ── mutants ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(RATIONALS, st.integers(0, 8))
def test_every_mutant_of_a_right_number_is_refused(value: Fraction, decimals: int) -> None:
    text = as_printed(value, decimals)
    derived = sp.Rational(value if decimals else Fraction(text))
    altered = list(altered_transcriptions(text, derived))
    assert len(altered) == (2 if Fraction(text) else 1)
    assert text not in altered
    assert not any(agrees(mutant, derived) for mutant in altered)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1339", ["0.1337", "-0.1339"]),
        ("0.990", ["0.992", "-0.990"]),
        ("-0.5", ["-0.7", "0.5"]),
        ("+.5", ["+.7", "-.5"]),
        ("0.0000", ["0.0002"]),
        ("1e-9", ["3e-9", "-1e-9"]),
        ("-1.0E-9", ["-1.2E-9", "1.0E-9"]),
        ("64", ["65", "-64"]),
        ("9", ["8", "-9"]),
        ("0", ["1"]),
        ("-1", ["-2", "1"]),
    ],
)
def test_a_number_is_altered_in_its_last_digit_and_its_sign(text: str, expected: list[str]) -> None:
    assert list(altered_transcriptions(text, sp.Float(text))) == expected


def test_a_number_halfway_between_two_roundings_agrees_with_both_and_with_no_mutant() -> None:
    for text in ("0.12", "0.13"):
        assert agrees(text, sp.Rational(1, 8))
        assert not any(agrees(mutant, sp.Rational(1, 8)) for mutant in altered_transcriptions(text, sp.Rational(1, 8)))


def test_a_matrix_is_altered_in_every_entry() -> None:
    text, derived = [["0.5", "a"], ["-I", "0"]], [[sp.Rational(1, 2), x], [-sp.I, sp.Integer(0)]]
    altered = list(altered_transcriptions(text, derived))
    for entry in (
        [["0.7", "a"], text[1]],
        [["0.5", "-(a)"], text[1]],
        [text[0], ["-(-I)", "0"]],
        [text[0], ["-I", "1"]],
    ):
        assert entry in altered
    assert not any(agrees(mutant, derived, {"a": x}) for mutant in altered)
    assert list(altered_transcriptions(text, sp.Matrix(derived))) == altered


def test_a_set_loses_and_gains_elements() -> None:
    assert list(altered_transcriptions(["a", "b"], {"a", "b"})) == [["b"], ["a"], ["a", "b", "one more"]]
    assert list(altered_transcriptions([], set())) == [["one more"]]
    assert list(altered_transcriptions([], [])) == [["one more"]]


def test_truth_values_and_texts_are_turned() -> None:
    assert list(altered_transcriptions(True, True)) == [False]
    assert list(altered_transcriptions("inequality", "inequality")) == ["not inequality"]
    assert list(altered_transcriptions("a", ForAll(lambda k: "a", {"k": BITS}))) == ["not a"]


def test_a_list_with_indices_is_altered_like_its_entries() -> None:
    derived = ForAll(lambda a, b: [sp.Integer(a), sp.Integer(a - b), "text"], {"a": BITS, "b": BITS})
    text = ["a", "a - b", "text"]
    assert agrees(text, derived)
    altered = list(altered_transcriptions(text, derived))
    assert ["b", "a - b", "text"] in altered
    assert ["a", "a + b", "text"] in altered
    assert ["a", "a - b", "not text"] in altered
    assert not any(agrees(mutant, derived) for mutant in altered)


def test_a_formula_is_altered_in_every_term_sign_number_and_index() -> None:
    altered = list(altered_transcriptions("2*P(x, z) - P(z, x)/3", ForAll(lambda x, z: x, {"x": BITS, "z": BITS})))
    assert {
        "-(2*P(x, z) - P(z, x)/3)", "2 * P(x, z)", "P(z, x) / 3", "2 * P(x, z) + P(z, x) / 3",
        "3 * P(x, z) - P(z, x) / 3", "2 * P(x, z) - P(z, x) / 4", "2 * P(z, z) - P(z, x) / 3",
        "2 * P(x, x) - P(z, x) / 3", "2 * P(x, z) - P(x, x) / 3", "2 * P(x, z) - P(z, z) / 3",
    } == set(altered)  # fmt: skip


@settings(max_examples=30)
@given(polynomials())
def test_mutants_of_a_formula_are_formulas_and_those_that_differ_are_refused(expression: sp.Expr) -> None:
    names = {"x": x, "y": y, "z": z}
    for mutant in altered_transcriptions(str(expression), expression):
        ast.parse(str(mutant), mode="eval")
        try:
            value = parse(str(mutant), names)
        except ZeroDivisionError:
            continue
        assert agrees(mutant, expression, names) is (sp.expand(value - expression) == 0)


@pytest.mark.parametrize("derived", [sp.Integer(0), np.float64(0), ForAll(lambda k: x - x, {"k": BITS})])
def test_a_formula_for_zero_is_shifted_as_turning_its_sign_changes_nothing(derived: object) -> None:
    altered = list(altered_transcriptions("a - b", derived))
    assert altered[0] == "a - b + 1"
    assert "-(a - b)" not in altered


def test_a_formula_that_vanishes_for_some_indices_only_is_turned() -> None:
    derived = ForAll(lambda k: k * x, {"k": BITS})
    assert next(iter(altered_transcriptions("k*x", derived))) == "-(k*x)"


def test_the_born_rule_on_free_symbols_refuses_all_its_mutants() -> None:
    """The realistic case: Eq. (1) of Wang & Zhang (2025) with every entry of every operator a symbol of its own."""

    def symbols(name: str, *shape: int) -> np.ndarray:
        return np.array([sp.Symbol(f"{name}{index}") for index in np.ndindex(shape)], dtype=object).reshape(shape)

    rho, M, N = symbols("rho", 4, 4), symbols("m", 2, 2, 2, 2), symbols("n", 2, 2, 2, 2)
    names = {
        "M": lambda x, z: M[int(z), int(x)],
        "N": lambda y, x: N[int(x), int(y)],
        "rho": rho,
        "kron": sp.kronecker_product,
        "tr": sp.trace,
    }
    derived = ForAll(lambda x, y, z: np.trace(np.kron(M[z, x], N[x, y]) @ rho), dict.fromkeys("xyz", BITS))
    formula = "tr(kron(M(x, z), N(y, x))*rho)"
    assert agrees(formula, derived, names)
    altered = list(altered_transcriptions(formula, derived))
    assert len(altered) == 5
    assert not any(agrees(mutant, derived, names) for mutant in altered)


# ── readable ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (np.bool_(False), "false"),
        (sp.true, "true"),
        (0.1, "0.1"),
        (np.float64(1) / 3, "0.3333333333"),
        (sp.Float("0.1"), "0.1"),
        (sp.pi * sp.sqrt(2), "√2*π"),
        (sp.Symbol("spin") * sp.Symbol("pipe"), "pipe*spin"),
        (sp.sqrt(sp.Symbol("sqrt2")), "sqrt(sqrt2)"),
        ({"b", "a"}, "{a, b}"),
        ([1, [sp.Rational(1, 2), True]], "[1, [1/2, true]]"),
        (sp.eye(2), "[[1, 0], [0, 1]]"),
        (np.array([0.5, 0.25]), "[0.5, 0.25]"),
        (np.array(0.5), "0.5"),
        ("<b>", "<b>"),
        (Region(0.25, sp.sqrt(2)), "0.25 to √2"),
        (ForAll(lambda a, b: 0, {"a": BITS, "b": (0, 1, 2)}), "holds for all 6 values of a, b"),
    ],
)
def test_readable_texts(value: object, text: str) -> None:
    assert readable(value) == text


def test_names_may_mean_something_else_at_each_assignment() -> None:
    derived = ForAll(lambda k: 3 * k, {"k": (1, 2)}, names=lambda k: {"twice": sp.Integer(2 * k), "f": lambda t: t + k})
    assert agrees("twice + k", derived)
    assert agrees("f(twice)", derived, {"twice": sp.Integer(7)})
    assert counterexample("twice + 1", derived) == {"k": 2}


@pytest.mark.parametrize("formula", ["9**9**9", "-(9**9**9)", "(9**999)**999", "sqrt(2**(3*10**9))", "x**9**9**9"])
def test_a_number_that_no_page_could_hold_is_refused_before_it_is_computed(formula):
    with pytest.raises(ValueError, match="more than 10000 digits"):
        parse(formula, {"x": sp.Symbol("x")})


def test_powers_with_names_and_numbers_of_a_usual_size_are_formulas():
    n = sp.Symbol("n")
    assert parse("2**2**n + 10**(-9) + 2**64", {"n": n}) == 2 ** (2**n) + sp.Rational(1, 10**9) + 2**64
