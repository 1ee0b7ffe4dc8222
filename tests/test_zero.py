"""Zero and sign of exact numbers: proved however they are written and however small they are, or not answered."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.numbers import algebraic_numbers, exact_arrays
from qlib.numbers.algebraic_numbers import enclosure, separation, with_roots
from qlib.numbers.exact_arrays import Undecided, exact_sign, is_zero, vanishes, zeros

R, i, pi = sp.Rational, sp.I, sp.pi
TINY = R(1, 10**200)
small = st.integers(-4, 4)
orders = st.sampled_from([3, 5, 7, 8, 9, 12, 15])


def phases(turn: sp.Rational) -> list[sp.Expr]:
    """exp(iπr), written in four ways."""
    c, root = sp.cos(pi * turn), sp.sqrt(sp.cos(2 * pi * turn) + i * sp.sin(2 * pi * turn))
    side = exact_sign(c) or exact_sign(sp.sin(pi * turn))
    return [sp.exp(i * pi * turn), c + i * sp.sin(pi * turn), sp.Pow(-1, turn), side * root]


@st.composite
def cyclotomic(draw: Any) -> sp.Expr:
    n = draw(orders)
    root = [sp.exp(2 * pi * i * k / n) for k in range(n)]
    return sp.Add(*[draw(small) * root[k] for k in draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4))])


@st.composite
def real_radicals(draw: Any) -> sp.Expr:
    a, b, c, d = (draw(small) for _ in range(4))
    root, cube = draw(st.sampled_from([3, 5, 6])), draw(st.integers(2, 5))
    return a + b * sp.sqrt(2) + c * sp.sqrt(root) + d * sp.cbrt(cube)


@st.composite
def zero(draw: Any) -> sp.Expr:
    """Zero, as someone might come by it."""
    x, y, z = draw(real_radicals()), draw(real_radicals()), draw(cyclotomic())
    n, turn = draw(orders), R(draw(st.integers(1, 11)), draw(orders))
    one, other = draw(st.permutations(phases(turn)))[:2]
    return draw(st.sampled_from([
        (x + y) ** 3 - sp.expand((x + y) ** 3),
        sp.sqrt(x**2) - x * exact_sign(x),
        sp.sqrt(x**2 + y**2 + 2 * x * y) - abs_of(x + y),
        sp.Add(*[sp.exp(2 * pi * i * k / n) for k in range(n)]),
        sp.Add(*[sp.cos(2 * pi * k / n) for k in range(n)]),
        (one - other) * (z + 7),
        z * (x + one) - sp.expand(z * (x + other)),
        (x**3 + 1) / (x + R(1, 3)) * (x + R(1, 3)) - x**3 - 1,
        z * sp.conjugate(z) - sp.re(z) ** 2 - sp.im(z) ** 2,
    ]))  # fmt: skip


def abs_of(x: sp.Expr) -> sp.Expr:
    return x * exact_sign(x)


def value(x: sp.Expr, digits: int = 600) -> mpmath.mpc:
    """The value of an expression by mpmath, without any of the library's enclosures."""
    with mpmath.workdps(digits):
        return mpmath.mpc(sp.lambdify([], x, "mpmath")())


# --- the kinds of numbers ---------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(zero())
def test_what_is_zero_is_zero_however_it_is_written(x: sp.Expr) -> None:
    assert is_zero(x)


@settings(max_examples=30, deadline=None)
@given(zero(), st.sampled_from([1, -1]), st.sampled_from([20, 60, 165, 200, 900]))
def test_what_differs_from_zero_by_little_differs(x: sp.Expr, side: int, digits: int) -> None:
    assert not is_zero(x + R(side, 10**digits))
    if algebraic_numbers.is_real(x):
        assert exact_sign(x + R(side, 10**digits)) == side


@settings(max_examples=40, deadline=None)
@given(real_radicals(), real_radicals())
def test_the_sign_agrees_with_six_hundred_digits(x: sp.Expr, y: sp.Expr) -> None:
    for number in (x, x * y - 1, sp.sqrt(x**2 + 1) - abs_of(x)):
        expected = value(number).real
        assert exact_sign(number) == (0 if abs(expected) < mpmath.mpf(10) ** -500 else mpmath.sign(expected))


@settings(max_examples=15, deadline=None)
@given(small, small, st.sampled_from([2, 3, 5]), st.sampled_from([2, 3, 7]))
def test_zero_agrees_with_the_minimal_polynomial(a: int, b: int, p: int, q: int) -> None:
    unknown = sp.Dummy()
    for number in (
        sp.sqrt(a * sp.sqrt(p) + b + 8) - sp.sqrt(q),
        sp.sqrt(a**2 + 2 * a * sp.sqrt(p) + p) - a - sp.sqrt(p),
    ):
        assert is_zero(number) is (sp.minimal_polynomial(number, unknown) == unknown)


@pytest.mark.parametrize("k", [15, 30, 100, 164, 165, 166, 200, 1000, 5000])
def test_a_root_is_told_from_its_decimals(k: int) -> None:
    below = R(isqrt(2 * 10 ** (2 * k)), 10**k)
    assert exact_sign(sp.sqrt(2) - below) == 1
    assert exact_sign(sp.sqrt(2) - below - R(1, 10**k)) == -1


MANY = sp.prod(1 + sp.sqrt(p) for p in (2, 3, 5, 7, 11))
DISGUISED = sp.exp(i * pi / 7) + sp.exp(-i * pi / 7) - 2 * sp.cos(pi / 7) - 8
ZERO = {
    "a vanishing sum of cosines": sp.cos(pi / 7) - sp.cos(2 * pi / 7) + sp.cos(3 * pi / 7) - R(1, 2),
    "a product of cosines": sp.cos(pi / 9) * sp.cos(2 * pi / 9) * sp.cos(4 * pi / 9) - R(1, 8),
    "a product of tangents": sp.tan(pi / 7) * sp.tan(2 * pi / 7) * sp.tan(3 * pi / 7) - sp.sqrt(7),
    "a nested root": sp.sqrt(5 + 2 * sp.sqrt(6)) - sp.sqrt(2) - sp.sqrt(3),
    "a cube root": sp.cbrt(7 + 5 * sp.sqrt(2)) - 1 - sp.sqrt(2),
    "Ramanujan's": sp.cbrt(sp.cbrt(2) - 1) - sp.cbrt(R(1, 9)) + sp.cbrt(R(2, 9)) - sp.cbrt(R(4, 9)),
    "Gauss's heptadecagon": sp.Add(*[sp.exp(2 * pi * i * k * k / 17) for k in range(17)]) - sp.sqrt(17),
    "a complex root": sp.sqrt(3 + 4 * i) - 2 - i,
    "a root of what is real only in disguise": sp.cbrt(DISGUISED) - 1 - i * sp.sqrt(3),
    "half of the tetrahedron's angle": sp.cos(sp.acos(R(1, 3)) / 2) - sp.sqrt(R(2, 3)),
    "the angle of a Pythagorean triangle": sp.exp(i * sp.acos(R(3, 5))) - R(3, 5) - R(4, 5) * i,
    "a sum of arctangents": sp.tan(sp.atan(R(1, 2)) + sp.atan(R(1, 3))) - 1,
    "an absolute value": sp.Abs(1 + sp.exp(i * pi / 7)) - 2 * sp.cos(pi / 14),
    "a maximum": sp.Max(sp.sqrt(2), R(7, 5)) - sp.sqrt(2),
    "a golden ratio": sp.GoldenRatio**2 - sp.GoldenRatio - 1,
    "logarithms": sp.log(2) + sp.log(3) - sp.log(6),
    "a circle": sp.sin(1) ** 2 + sp.cos(1) ** 2 - 1,
    "many roots": MANY - sp.expand(MANY),
}  # fmt: skip


@pytest.mark.parametrize("x", ZERO.values(), ids=ZERO)
def test_numbers_that_are_known_to_be_zero_are(x: sp.Expr) -> None:
    assert is_zero(x)
    assert not is_zero(x + TINY)
    assert not is_zero(x - i * TINY)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 11), orders)
def test_a_phase_is_one_number_in_every_form(k: int, n: int) -> None:
    first, *others = phases(R(k, n))
    for other in others:
        assert is_zero(first - other)
        assert is_zero(first * sp.conjugate(other) - 1)


# --- three outcomes ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_decided_is_an_error_of_its_own_class() -> None:
    A, B = sp.symbols("A B", commutative=False)
    hidden = sp.sqrt(2) + sp.sqrt(3) - sp.sqrt(5 + 2 * sp.sqrt(6))
    for x in (A * B - B * A, (A + 1) ** 2 - A**2 - 2 * A, 1 / hidden, 1 + sp.sqrt(2) / (7 * hidden)):
        with pytest.raises(Undecided):
            is_zero(x)
    assert issubclass(Undecided, ValueError)


def test_factors_that_do_not_commute_are_multiplied_out_in_their_order() -> None:
    A, B = sp.symbols("A B", commutative=False)
    assert is_zero((A + B) ** 2 - A**2 - A * B - B * A - B**2)
    with pytest.raises(Undecided):
        is_zero((A + B) ** 2 - A**2 - 2 * A * B - B**2)


def test_what_is_infinite_or_undefined_is_not_zero_and_has_no_sign() -> None:
    for x in (sp.oo, -sp.oo, sp.zoo, sp.nan, 1 + sp.zoo):
        assert not is_zero(x)
        with pytest.raises(ValueError, match="no sign"):
            exact_sign(x)


@pytest.mark.parametrize(
    "x", [i, sp.exp(i * pi / 7), 1 + i * TINY, sp.Symbol("t"), float("nan"), float("inf")], ids=str
)
def test_what_is_not_real_has_no_sign(x: Any) -> None:
    with pytest.raises(ValueError, match="no sign"):
        exact_sign(x)


def test_a_complex_form_of_a_real_number_has_its_sign() -> None:
    assert exact_sign(sp.exp(i * pi / 7) + sp.exp(-i * pi / 7) - 2 * sp.cos(pi / 7) - TINY) == -1


def test_a_float_has_the_sign_of_the_number_that_it_is() -> None:
    assert [exact_sign(x) for x in (0.0, -1e-300, np.float64(2.5))] == [0, -1, 1]
    assert exact_sign(Fraction(-1, 3)) == exact_sign(np.int64(-4)) == -1


# --- free symbols -----------------------------------------------------------------------------------------------------

t, s = sp.symbols("t s", real=True)


@settings(max_examples=25, deadline=None)
@given(zero(), small)
def test_a_polynomial_is_zero_if_its_coefficients_are(x: sp.Expr, k: int) -> None:
    assert is_zero(x * t**2 + x * s)
    assert not is_zero(x * t**2 + (x + TINY) * s)
    assert is_zero(k * (t + s) ** 2 - k * t**2 - k * s**2 - 2 * k * s * t)


def test_trigonometric_identities_hold_for_all_angles() -> None:
    assert is_zero(sp.sin(3 * t) - 3 * sp.sin(t) + 4 * sp.sin(t) ** 3)
    assert is_zero(sp.exp(i * (t + s)) - (sp.cos(t) + i * sp.sin(t)) * (sp.cos(s) + i * sp.sin(s)))
    assert is_zero(sp.cos(t + pi / 7) + sp.cos(t - pi / 7) - 2 * sp.cos(t) * sp.cos(pi / 7))
    assert not is_zero(sp.cos(t + pi / 7) + sp.cos(t - pi / 7) - 2 * sp.cos(t) * (sp.cos(pi / 7) + R(1, 10**20)))


KINDS = (
    *("positive", "negative", "positive integer", "negative integer", "positive even", "negative even"),
    *("positive odd", "negative odd", "prime", "positive irrational", "negative irrational"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_symbol_stands_for_the_numbers_that_it_is_assumed_to_be(kind: str) -> None:
    x, y = sp.symbols("x y", **dict.fromkeys(kind.split(), True))
    side = -1 if x.is_negative else 1
    assert is_zero(sp.sqrt(x**2) - side * x)
    assert not is_zero(sp.sqrt(x**2) + side * x)
    assert not is_zero(x * y - 7)


# --- arrays, and what is no number ------------------------------------------------------------------------------------


def test_the_zeros_of_an_array_are_those_of_its_entries() -> None:
    array = np.array([[x, x + TINY] for x in ZERO.values()], dtype=object)
    assert (zeros(array) == [True, False]).all()
    assert vanishes(array[:, 0])
    assert not vanishes(array[:1])


EVIL = "__import__('os').getcwd()"
OF_ARRAYS = (
    exact_arrays.exact,
    exact_arrays.vanishes,
    exact_arrays.zeros,
    exact_arrays.simplified,
    exact_arrays.expanded,
)
OF_NUMBERS = (
    exact_arrays.number,
    exact_arrays.is_zero,
    exact_arrays.exact_sign,
    exact_arrays.rational,
    exact_arrays.absolute,
)


@pytest.mark.parametrize("text", [EVIL, "0.25", "0", ""])
def test_a_text_is_never_a_number(text: str) -> None:
    for function in OF_NUMBERS:
        with pytest.raises(ValueError, match="no exact number"):
            function(text)
    for function, array in [(f, a) for f in OF_ARRAYS for a in ([text], np.array([text], dtype=object))]:
        with pytest.raises(ValueError, match=r"number|whole"):
            function(array)
    with pytest.raises(ValueError, match="should be a number"):
        exact_arrays.as_float([text])


@pytest.mark.parametrize("odd", [None, True, [1], {}, object(), 1j], ids=lambda odd: type(odd).__name__)
def test_only_numbers_are_numbers(odd: Any) -> None:
    with pytest.raises(ValueError, match="no exact number"):
        is_zero(odd)


def test_rounded_numbers_in_an_exact_array_are_refused() -> None:
    for rounded in (0.5, sp.Float("0.5"), 0.5 * sp.sqrt(2)):
        array = np.array([sp.sqrt(2), rounded], dtype=object)
        for function in (exact_arrays.exact, exact_arrays.vanishes, exact_arrays.zeros):
            with pytest.raises(ValueError, match=r"rounded|no exact number"):
                function(array - np.array([sp.sqrt(2), 0], dtype=object))


# --- the simplest form ------------------------------------------------------------------------------------------------

FORMS = {  # nested roots: Cardano's, and those of an angle that is halved
    sp.sqrt(3 + 2 * sp.sqrt(2)): 1 + sp.sqrt(2),
    sp.cbrt(9 + 4 * sp.sqrt(5)): R(3, 2) + sp.sqrt(5) / 2,
    -sp.cbrt(26 + 15 * sp.sqrt(3)): -2 - sp.sqrt(3),
    sp.exp(i * pi / 8): sp.sqrt(R(1, 2) + sp.sqrt(2) / 4) + i * sp.sqrt(R(1, 2) - sp.sqrt(2) / 4),
    sp.exp(-7 * i * pi / 8): -sp.sqrt(R(1, 2) + sp.sqrt(2) / 4) - i * sp.sqrt(R(1, 2) - sp.sqrt(2) / 4),
}


@pytest.mark.parametrize("number", FORMS, ids=str)
def test_the_simplest_form_is_found(number: sp.Expr) -> None:
    assert algebraic_numbers.simplest_form(number) == FORMS[number]


@pytest.mark.parametrize("number", [sp.cbrt(2), sp.E, sp.cos(pi / 7), R(5, 3) + i * sp.cbrt(2)], ids=str)
def test_a_number_without_a_simpler_form_stays_as_it_is(number: sp.Expr) -> None:
    assert algebraic_numbers.simplest_form(number) is number


# --- enclosures and separation ----------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(real_radicals(), cyclotomic())
def test_an_enclosure_holds_the_number(x: sp.Expr, z: sp.Expr) -> None:
    ball, expected = enclosure(x * z + sp.sqrt(2 + z), 100), value(x * z + sp.sqrt(2 + z), 60)
    difference = abs(complex(mpmath.mpc(float(ball.real.mid()), float(ball.imag.mid())) - expected))
    assert difference < 1e-12


@settings(max_examples=30, deadline=None)
@given(real_radicals(), real_radicals(), cyclotomic())
def test_no_number_but_zero_is_nearer_to_zero_than_its_separation(x: sp.Expr, y: sp.Expr, z: sp.Expr) -> None:
    for number in (x, x - y, (x + 5) ** 7 * z - y, 1 / (x**2 + 1) - R(1, 3)):
        form = with_roots(number)
        bits, size = separation(form), abs(value(form, 3000))
        assert bits is not None
        assert size < mpmath.mpf(10) ** -2900 or size >= mpmath.mpf(2) ** -bits


def test_the_separation_of_a_pisot_number_s_powers_is_not_too_large() -> None:
    """(1 - √2)ⁿ is small, an integer of its field, and its only conjugate is as large as it is small."""
    for n in (5, 50, 500):
        number = sp.expand((1 - sp.sqrt(2)) ** n)
        bits = separation(number)
        assert bits is not None
        assert n * 1.27 < bits < n * 1.27 * 1.1 + 10


def test_a_number_that_is_written_with_roots_stays_the_object_that_it_is():
    """Else SymPy would work out again all that it stands in, which takes most of the time where numbers are large."""
    x = sp.exp(2 * pi * i / 7) + sp.sqrt(2)
    conjugate = sp.conjugate(x, evaluate=False)
    for number in (x, conjugate, 1 / (3 + x * conjugate)):
        assert with_roots(number) is number
    of_angles = sp.conjugate(sp.cos(sp.acos(R(1, 3)) / 2) + i, evaluate=False)
    assert not with_roots(of_angles).has(sp.cos)
