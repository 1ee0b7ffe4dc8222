"""Exact arrays: what may enter them, and that floating-point arithmetic agrees with them."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.numbers.exact_arrays import (
    as_float,
    exact,
    from_gaussian,
    gaussian,
    has_free_symbols,
    is_exact,
    simplified,
    vanishes,
)

x = sp.Symbol("x")
NUMBERS = st.builds(
    lambda a, b, c: sp.Rational(a) + sp.Rational(b) * sp.sqrt(c),
    st.fractions(-9, 9, max_denominator=20), st.fractions(-9, 9, max_denominator=20), st.sampled_from([2, 3, 5]),
)  # fmt: skip
VECTORS = st.lists(NUMBERS, min_size=1, max_size=4)


@given(VECTORS)
def test_exact_arrays_hold_sympy_numbers_unchanged(values: list[sp.Expr]) -> None:
    array = exact(values)
    assert is_exact(array)
    assert array.tolist() == values
    assert all(isinstance(entry, sp.Expr) for entry in array)


@given(VECTORS)
def test_exact_and_floating_point_numbers_agree(values: list[sp.Expr]) -> None:
    assert as_float(exact(values)) == pytest.approx([float(value) for value in values], abs=1e-12)
    assert not is_exact(as_float(exact(values)))


@settings(max_examples=25)
@given(VECTORS)
def test_simplifying_changes_the_form_and_never_the_value(values: list[sp.Expr]) -> None:
    for array in (exact(values), exact([1 / (value**2 + 1) for value in values])):
        tidy = simplified(array)
        assert as_float(tidy) == pytest.approx(as_float(array), abs=1e-9)
        assert simplified(tidy).tolist() == tidy.tolist()


@settings(max_examples=25)
@given(VECTORS)
def test_equal_numbers_of_a_quadratic_field_have_one_simplified_form(values: list[sp.Expr]) -> None:
    numbers = exact(values)
    assert not np.any(simplified((numbers + 1) ** 2 - numbers**2 - 2 * numbers - 1))


def test_exact_takes_lists_matrices_arrays_and_every_kind_of_rational() -> None:
    rows = [[1, 2], [3, 4]]
    for given_as in (
        rows,
        tuple(map(tuple, rows)),
        sp.Matrix(rows),
        sp.ImmutableMatrix(rows),
        np.array(rows),
        exact(rows),
    ):
        array = exact(given_as)
        assert array.shape == (2, 2)
        assert array.tolist() == rows
        assert is_exact(array)
    assert exact([sp.eye(2), sp.eye(2)]).shape == (2, 2, 2)
    assert exact([Fraction(1, 3), np.int64(2), 3, x, sp.pi]).tolist() == [sp.Rational(1, 3), 2, 3, x, sp.pi]
    assert exact(sp.sqrt(2)).shape == ()
    assert exact([]).shape == (0,)


def test_exact_does_not_share_memory_with_its_argument() -> None:
    source = exact([1, 2])
    exact(source)[0] = x
    assert source.tolist() == [1, 2]


@pytest.mark.parametrize(
    "rounded", [0.5, 1.0, np.float32(1), 1j, np.complex128(1), sp.Float(1), 0.5 * x, sp.sqrt(2) + 0.1]
)
def test_a_rounded_number_is_refused_by_its_place(rounded: object) -> None:
    with pytest.raises(ValueError, match=r"entry \(1, 0\) is the rounded number"):
        exact([[1, 2], [rounded, 3]])


@pytest.mark.parametrize("odd", ["1/2", "0.5", None, True, [1], {1}, sp.true])
def test_what_is_no_number_is_refused_by_its_place(odd: object) -> None:
    with pytest.raises(ValueError, match=r"entry \(1,\) is .*; it should be a whole number or a SymPy expression"):
        exact([1, odd])


def test_a_ragged_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"entry \(0,\) is \[1, 2\]"):
        exact([[1, 2], [3]])


def test_floating_point_arrays_are_not_simplified() -> None:
    array = np.array([[0.1, 0.2]])
    assert simplified(array) is array
    assert not is_exact(array)


@pytest.mark.parametrize("entry", [x, sp.I, 1 + sp.I])
def test_only_real_numbers_have_a_real_floating_point_value(entry: sp.Expr) -> None:
    with pytest.raises(TypeError, match=r"value: .* should be a real number"):
        as_float(exact([1, entry]))


def test_an_imaginary_part_is_never_dropped() -> None:
    with pytest.raises(TypeError, match=r"entry \(0, 1\) is 1j, which is not real"):
        as_float(np.array([[1, 1j]]))
    assert as_float(np.array([1 + 0j, 2])).tolist() == [1.0, 2.0]
    assert as_float([1, 2]).dtype == np.float64


# ── zero ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_expressions_vanish_if_they_do_for_all_values_of_their_symbols() -> None:
    a, b = sp.symbols("a b", real=True)
    n = sp.Symbol("n", integer=True)
    for zero in (
        (a + b) ** 2 - a**2 - 2 * a * b - b**2,
        sp.exp(sp.I * a) - sp.cos(a) - sp.I * sp.sin(a),
        sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2),
        sp.sin(sp.pi * n),
        sp.Integer(0),
        0,
    ):
        assert vanishes(np.array([zero], dtype=object)), zero
    for other in (a, a * b - sp.Rational(1, 10**9), sp.cos(sp.pi * n), sp.Rational(1, 10**30), sp.sqrt(2) - 1, 1):
        assert not vanishes(np.array([0, other], dtype=object)), other


def test_rounded_numbers_vanish_within_the_tolerance() -> None:
    assert vanishes([1e-10, -1e-10j])
    assert not vanishes([0, 1e-8])
    assert not vanishes([float("nan")])
    assert vanishes(np.zeros(0))


def test_free_symbols_are_found_in_any_entry() -> None:
    assert has_free_symbols(exact([1, sp.Symbol("x") / 2]))
    assert not has_free_symbols(exact([1, sp.pi]))
    assert not has_free_symbols([1.0, 2.0])


def test_numbers_of_rational_parts_go_to_gaussian_form_and_back():
    numbers = exact([(1 + 2 * sp.I) * (3 - sp.I), sp.I**3, (1 + sp.I) ** -2, sp.Rational(2, 7), Fraction(-1, 3), 4])
    (array,) = gaussian([numbers])
    assert gaussian([numbers[3:]]) is None
    assert gaussian([numbers[3:]], real=True) is not None
    assert all(sp.expand(one - other) == 0 for one, other in zip(from_gaussian(array), numbers, strict=True))


@pytest.mark.parametrize("entry", [sp.sqrt(2), sp.Symbol("t"), sp.exp(sp.I), sp.nan, sp.I ** sp.Rational(1, 2)])
def test_what_has_no_rational_parts_has_no_gaussian_form(entry):
    assert gaussian([exact([1, sp.I]), np.array([1, entry], dtype=object)]) is None


def test_rounded_and_whole_numbers_alone_have_no_gaussian_form():
    assert gaussian([np.eye(2)]) is None
    assert gaussian([exact([sp.I]), np.eye(2)]) is None
    assert gaussian([np.eye(2, dtype=int)]) is None
