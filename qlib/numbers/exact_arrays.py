"""The one place that knows about number systems: exact arrays hold SymPy numbers (dtype object), others floats.

Everything else in `qlib` is written once, for both. NumPy's ``einsum``, ``tensordot``, ``kron`` and ``@`` work on
either kind.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from math import prod
from numbers import Number, Rational
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from sympy.core.function import AppliedUndef
from sympy.polys.domains import QQ_I
from sympy.polys.matrices import DomainMatrix
from sympy.polys.polyerrors import CoercionFailed

from qlib.numbers import algebraic_numbers
from qlib.numbers.algebraic_numbers import Undecided
from qlib.numbers.arguments import (
    Array,
    Complexes,
    Floats,
    numbers,
    real_number,
    require,
    require_alike,
    several,
    show,
    whole,
)

__all__ = [
    "ACCURATE", "ROUNDING", "SAME",
    "Array", "Undecided", "absolute", "agree", "as_complex", "as_float", "coincide", "common",
    "conditional_probability", "conjugate", "exact", "exact_sign", "expanded", "field_matrix", "fractions",
    "free_array", "from_gaussian", "gaussian", "has_free_symbols",
    "is_exact", "is_finite", "is_positive_semidefinite", "is_zero", "maximum", "minimum", "negligible", "number",
    "quotient", "rational", "recognised", "rounded", "simplified", "undecided", "vanishes", "zeros",
]  # fmt: skip


def exact(values: ArrayLike | sp.MatrixBase | Sequence[Any]) -> Array:
    """An array of SymPy numbers or expressions from nested lists, a SymPy matrix, or whole numbers.

    Raises ``ValueError`` for an entry that is not exact: an exact computation cannot start from rounded numbers.

    >>> exact([[1, 0], [0, sp.sqrt(2) / 2]])
    array([[1, 0],
           [0, sqrt(2)/2]], dtype=object)
    """
    rows = values.tolist() if isinstance(values, sp.MatrixBase | np.ndarray) else values
    array = np.array(rows, dtype=object)
    for index, value in np.ndenumerate(array):
        if isinstance(value, float | complex | np.inexact) or (isinstance(value, sp.Expr) and value.has(sp.Float)):
            raise ValueError(f"entry {index} is the rounded number {value!r}; give it exactly, as a SymPy number")
        if isinstance(value, bool) or not isinstance(value, sp.Expr | Rational):
            raise ValueError(f"entry {index} is {value!r}; it should be a whole number or a SymPy expression")
        array[index] = number(value)
        if not is_finite(array[index]):
            raise ValueError(f"entry {index} is {value}; it should be a finite number")
    return array


def free_array(name: str, *shape: int, **assumptions: bool) -> Array:
    """An array of free symbols, one an entry: what is proved of it holds for every array of that shape.

    assumptions : of the symbols, as ``real=True``. Raises ``ValueError`` for a length that is not positive, or
    more than 65,536 entries.

    >>> free_array("r", 2, 2)
    array([[r_00, r_01],
           [r_10, r_11]], dtype=object)
    """
    require(str, name=name)
    for length in shape:
        whole(length, "shape", 1, 2**12)
    whole(prod(shape), "shape: the number of entries", 1, 2**16)
    entries = [sp.Symbol(f"{name}_{''.join(map(str, index))}", **assumptions) for index in np.ndindex(shape)]
    return np.array(entries, dtype=object).reshape(shape)


def is_exact(array: Array) -> bool:
    """Whether an array holds exact numbers, or expressions, rather than floating-point ones; nan is not exact."""
    return numbers(array, "array", finite=False).dtype == object


def common(arrays: Sequence[Array]) -> list[Array]:
    """The arrays in one number system: if some are exact and some are not, the exact ones become complex; nan stays.

    Exact arrays with free symbols have no floating-point value; where one of them occurs, all stay as they are.

    >>> [array.dtype.name for array in common([exact([[1, sp.I]]), np.array([0.5]), np.array([1])])]
    ['complex128', 'float64', 'int64']
    """
    arrays = [numbers(array, "arrays", finite=False) for array in several(arrays, "arrays")]
    exactly = [is_exact(array) for array in arrays]
    rounded = any(not e and array.dtype.kind in "fc" for e, array in zip(exactly, arrays, strict=True))
    if not (any(exactly) and rounded):
        return arrays
    entries = (entry for e, array in zip(exactly, arrays, strict=True) if e for entry in array.flat)
    if any(getattr(entry, "free_symbols", None) for entry in entries):
        return arrays
    return [array.astype(complex) if e else array for e, array in zip(exactly, arrays, strict=True)]


def has_free_symbols(array: ArrayLike) -> bool:
    """Whether an entry of an array depends on a symbol; nan is not one that does.

    >>> has_free_symbols(exact([sp.sqrt(2)])), has_free_symbols(exact([sp.Symbol("t")]))
    (False, True)
    """
    values = numbers(array, "array", finite=False)
    return values.dtype == object and any(getattr(entry, "free_symbols", None) for entry in values.flat)


# --- zero -------------------------------------------------------------------------------------------------------------


def number(value: Any) -> sp.Expr:
    """An exact number or expression as SymPy's: whole numbers and fractions of any kind, SymPy expressions.

    Raises ``ValueError`` for anything else: a text is never a number, and what is rounded is not exact.

    >>> number(3), number(sp.sqrt(2))
    (3, sqrt(2))
    >>> number("1/2")
    Traceback (most recent call last):
        ...
    ValueError: '1/2' is no exact number; give a whole number, a fraction or a SymPy expression
    """
    if isinstance(value, sp.Expr):
        return value
    if isinstance(value, Rational) and not isinstance(value, bool):
        return sp.Rational(int(value.numerator), int(value.denominator))
    raise ValueError(f"{value!r} is no exact number; give a whole number, a fraction or a SymPy expression")


def is_zero(value: Any) -> bool:
    """Whether an exact number is zero, however it is written and however small it is.

    An expression with free symbols, or with functions that are not known, is zero if it is so identically: for all
    numbers that they may stand for. What is infinite or undefined is not zero. Zero is proved, for algebraic numbers by
    their distance from zero (:func:`qlib.numbers.algebraic_numbers.separation`), for the rest by SymPy; not zero is
    proved by a ball that excludes it. Raises :class:`Undecided` where neither succeeds, ``ValueError`` for what is no
    exact number.

    >>> is_zero(sp.sqrt(2) + sp.sqrt(3) - sp.sqrt(5 + 2 * sp.sqrt(6))), is_zero(sp.sqrt(2) - sp.Rational(7, 5))
    (True, False)
    >>> is_zero(sp.cos(sp.pi / 7) - sp.cos(2 * sp.pi / 7) + sp.cos(3 * sp.pi / 7) - sp.Rational(1, 2))
    True
    """
    expression = number(value)
    return not expression.p if expression.is_Rational else _is_zero(expression)


def exact_sign(value: Any) -> int:
    """The sign of a real number: -1, 0 or 1, decided as :func:`is_zero` decides; of a float, of the number that it is.

    Raises ``ValueError`` where there is none: for a symbol, a complex number, an infinity, a text.

    >>> exact_sign(5 * sp.sqrt(2) - 7), exact_sign(sp.sqrt(2) - sp.Rational(14142135623730951, 10**16)), exact_sign(0.1)
    (1, -1, 1)
    """
    if isinstance(value, float | np.floating | sp.Float):
        if not np.isfinite(float(value)):
            raise ValueError(f"{value} has no sign: it is not a finite real number")
        return int(float(value) > 0) - int(float(value) < 0)
    expression = number(value)
    if expression.is_Rational:
        return int(expression.p > 0) - int(expression.p < 0)
    _require_exact(expression)
    if expression.free_symbols or not is_finite(expression):
        raise ValueError(f"{expression} has no sign: it is not a finite real number")
    return algebraic_numbers.sign(expression)


def rational(value: Any) -> Fraction | None:
    """The rational number that an exact number is, however it is written; None if no simple one is found.

    >>> rational(4 * sp.cos(sp.pi / 7) * sp.cos(2 * sp.pi / 7) * sp.cos(4 * sp.pi / 7)), rational(sp.sqrt(2))
    (Fraction(-1, 2), None)
    """
    expression = number(value)
    if expression.is_Rational:
        return Fraction(expression.p, expression.q)
    if expression.free_symbols or not is_finite(expression):
        return None
    digits = sp.re(expression.evalf(60))
    candidate = Fraction(str(digits)).limit_denominator(10**20)
    return candidate if is_zero(expression - number(candidate)) else None


def fractions(values: ArrayLike, name: str) -> Array:
    """The array with a Fraction for each entry; a float is the dyadic rational that it is.

    name : of the argument. Raises ``ValueError`` naming an entry that is not rational.

    >>> fractions([0.5, sp.Rational(1, 3)], "weights").tolist()
    [Fraction(1, 2), Fraction(1, 3)]
    """
    require(str, name=name)
    array = numbers(values, name)
    found = np.empty(array.shape, dtype=object)
    for index, entry in np.ndenumerate(array):
        plain = entry.item() if isinstance(entry, np.generic) else entry
        if isinstance(plain, sp.Expr):
            value = Fraction(float(plain)) if plain.is_Float else rational(plain)
        else:
            value = None if np.imag(plain) else Fraction(np.real(plain))
        if value is None:
            raise ValueError(f"{name}: entry {index} is {entry}; it should be a rational number")
        found[index] = value
    return found


def absolute(value: Any) -> Any:
    """The absolute value of a real number, its sign decided by :func:`exact_sign`."""
    return -value if exact_sign(value) < 0 else value


def maximum(values: Iterable[Any]) -> Any:
    """The largest of some real numbers, compared by :func:`exact_sign`; the first of those that are equal.

    Raises ``ValueError`` if there are none.

    >>> maximum([sp.Rational(7, 5), sp.sqrt(2), sp.Rational(141, 100)])
    sqrt(2)
    """
    return reduce(lambda best, value: value if exact_sign(value - best) > 0 else best, _some(values))


def minimum(values: Iterable[Any]) -> Any:
    """The smallest of some real numbers, as :func:`maximum`."""
    return reduce(lambda best, value: value if exact_sign(value - best) < 0 else best, _some(values))


def _some(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values as they are, if they are numbers and not none."""
    kept = several(values, "values")
    numbers(kept, "values", ("n",))
    return kept


def _require_exact(expression: sp.Expr) -> None:
    if expression.has(sp.Float):
        raise ValueError(f"{expression} holds rounded numbers; whether it is zero is decided of exact ones only")


def is_finite(expression: sp.Expr) -> bool:
    """Whether an expression holds no infinity and nothing undefined, as far as its form says."""
    require(sp.Expr, expression=expression)
    return not expression.has(sp.nan, sp.zoo, sp.oo, -sp.oo)


@lru_cache(maxsize=1 << 14)
def _is_zero(expression: sp.Expr) -> bool:
    _require_exact(expression)
    if not is_finite(expression):
        return False
    if expression.free_symbols or expression.has(AppliedUndef):
        return _is_identically_zero(expression)
    return algebraic_numbers.is_zero_expression(expression)


def _is_identically_zero(expression: sp.Expr) -> bool:
    points = list(_sample_points(sorted(expression.free_symbols, key=str)))
    values = [_differs_at(expression, point) for point in points]
    if any(values):
        return False
    if sp.expand(expression) == 0:
        return True
    if False in values and (decided := _coefficients_vanish(expression)) is not None:
        return decided
    if sp.radsimp(sp.simplify(expression)) == 0 or expression.equals(0):
        return True
    raise Undecided(f"{expression} vanishes wherever it was evaluated, but it could not be proved to be zero")


def _differs_at(expression: sp.Expr, point: algebraic_numbers.SymbolValues) -> bool | None:
    """Whether an expression is certainly not zero at a point; None if it has no finite value there.

    What is zero for undefined functions f is zero for every function: each is taken to be one over a linear form.
    """
    known = expression.replace(lambda part: isinstance(part, AppliedUndef), _some_value)
    try:
        ball = algebraic_numbers.enclosure(known, 128, point)
    except algebraic_numbers.NotEnclosed:
        return algebraic_numbers.differs(known.subs(point))
    return not ball.contains(0) if ball.is_finite() else None


def _some_value(part: AppliedUndef) -> sp.Expr:
    code = sum(k * ord(letter) for k, letter in enumerate(part.func.__name__, 1))
    return 1 / sum((k * x for k, x in enumerate(sp.flatten(part.args), 2)), sp.Integer(code))


def _coefficients_vanish(expression: sp.Expr) -> bool | None:
    """Whether the coefficients of the monomials in symbols and their exponentials are zero; None if that says nothing.

    Of a polynomial that decides either way; monomials in other functions may depend on each other.
    """
    above, _ = sp.fraction(sp.together(expression.rewrite(sp.exp)))
    sums: dict[sp.Expr, list[sp.Expr]] = {}
    symbols = expression.free_symbols
    for term in sp.Add.make_args(sp.expand(above)):
        coefficient, monomial = term.as_independent(*symbols, as_Add=False)
        sums.setdefault(monomial, []).append(coefficient)
    if any(coefficient.has(AppliedUndef) for parts in sums.values() for coefficient in parts):
        return None
    if all(is_zero(sp.Add(*parts)) for parts in sums.values()):
        return True
    return False if all(monomial.is_polynomial(*symbols) for monomial in sums) else None


def _sample_points(symbols: Sequence[sp.Symbol]) -> Iterator[dict[sp.Symbol, sp.Expr]]:
    """Up to three points whose values suit what is assumed of each symbol (real, negative, an integer …).

    A symbol without assumptions is positive at the first point, negative at the second, complex at the third. There
    is no point if some symbol is not a number at all.
    """
    for turn in range(3):
        point: dict[sp.Symbol, sp.Expr] = {}
        for k, symbol in enumerate(symbols):
            n = 3 * k + turn + 2
            q = sp.Rational(sp.prime(n + 4), sp.prime(n + 1) * 2)
            first = [q, -q, q + sp.I / n]
            whole = [(-1) ** turn * (n + 1), -n - 2, 2 * n, -2 * n, 2 * n + 1, -2 * n - 1, sp.prime(n), 9 * n * n, 0]
            other = [q * sp.I, q * sp.sqrt(2), -q * sp.sqrt(2), q * sp.pi]
            suiting = (x for x in map(sp.sympify, first[turn:] + first[:turn] + whole + other) if _suits(x, symbol))
            if (number := next(suiting, None)) is not None:
                point[symbol] = number
        if len(point) == len(symbols):
            yield point


def _suits(number: sp.Expr, symbol: sp.Symbol) -> bool:
    return all(getattr(number, f"is_{fact}") is truth for fact, truth in symbol.assumptions0.items())


def vanishes(array: ArrayLike, tolerance: float = 1e-9) -> bool:
    """Whether every entry is zero: within the tolerance, or, of exact entries, as :func:`is_zero` decides.

    What is infinite or nan is not zero.

    >>> t = sp.Symbol("t")
    >>> vanishes([1e-12]), vanishes([sp.Rational(1, 10**12)]), vanishes(exact([sp.sin(t) ** 2 + sp.cos(t) ** 2 - 1]))
    (True, False, True)
    """
    real_number(tolerance, "tolerance", 0)
    values = numbers(array, "array", finite=False)
    if values.dtype == object:
        return all(map(is_zero, values.flat))
    return bool(np.max(np.abs(values), initial=0.0) <= tolerance)


def zeros(array: ArrayLike, tolerance: float = 1e-9) -> NDArray[np.bool_]:
    """Which entries are zero, decided as in :func:`vanishes` (what is nan is not); an array of the same shape.

    >>> zeros(exact([0, sp.sqrt(2) - 1, sp.sqrt(2) * sp.sqrt(3) - sp.sqrt(6)])).tolist()
    [True, False, True]
    """
    real_number(tolerance, "tolerance", 0)
    values = numbers(array, "array", finite=False)
    if values.dtype == object:
        return np.array([is_zero(entry) for entry in values.flat], dtype=bool).reshape(values.shape)
    return np.asarray(np.abs(values) <= tolerance)


def simplified(array: ArrayLike) -> Array:
    """The array with every exact entry in its simplest form, or else expanded and its radicals rationalised.

    Long numbers that hold more than square roots stay as they are; so do floats, and nan stays.

    >>> simplified(exact([1 / (4 - 2 * sp.sqrt(2))]))
    array([sqrt(2)/4 + 1/2], dtype=object)
    """
    values = numbers(array, "array", finite=False)
    return np.asarray(np.frompyfunc(_simplified, 1, 1)(values), dtype=object) if values.dtype == object else values


def _simplified(value: Any) -> sp.Expr:
    expression = _recognised(value)
    short = expression.count_ops() <= MOST_OPERATIONS or algebraic_numbers.is_of_square_roots(expression)
    if expression.is_Rational or not (short or expression.free_symbols):
        return expression
    return sp.expand(sp.radsimp(sp.expand(expression)))


def recognised(array: ArrayLike) -> Array:
    """The array with every exact number that is simple in its simplest form, however it is written; the rest as it is.

    See :func:`qlib.numbers.algebraic_numbers.simplest_form`. Computing with the result is as quick as its numbers are
    simple; entries with free symbols and floats are returned as they are; nan stays.

    >>> recognised(exact([sp.exp(sp.I * sp.pi / 3) + sp.exp(-sp.I * sp.pi / 3), 1 / (4 - 2 * sp.sqrt(2))]))
    array([1, sqrt(2)/4 + 1/2], dtype=object)
    """
    values = numbers(array, "array", finite=False)
    return np.asarray(np.frompyfunc(_recognised, 1, 1)(values), dtype=object) if values.dtype == object else values


def _recognised(value: Any) -> sp.Expr:
    expression = number(value)
    if expression.is_Rational or expression.free_symbols or not is_finite(expression) or expression.has(AppliedUndef):
        return expression
    return algebraic_numbers.simplest_form(expression)


def field_matrix(array: Array) -> DomainMatrix:
    """An exact matrix over the smallest number field that holds its entries."""
    return DomainMatrix.from_Matrix(sp.Matrix(numbers(array, "array", (None, None))), extension=True).to_field()


def gaussian(arrays: Sequence[Array], real: bool = False) -> list[Array] | None:
    """The arrays with entries a + bi, of rational a and b, in a form in which products are multiplied out at once.

    SymPy keeps (1 + i)(1 - i) as a product, so that sums of many such products grow. None if an entry of an exact array
    is no such number (nan is not one), if no array is exact or if one is rounded, and, unless `real` asks for it, if
    all of them are rational, as SymPy multiplies those itself. Whole numbers stay. `from_gaussian` undoes it.

    >>> (array,) = gaussian([exact([[1, sp.I], [-sp.I, sp.Rational(1, 2)]])])
    >>> from_gaussian(array @ array)
    array([[2, 3*I/2],
           [-3*I/2, 5/4]], dtype=object)
    """
    require(bool, real=real)
    arrays = [numbers(array, "arrays", finite=False) for array in several(arrays, "arrays")]
    kinds = {array.dtype.kind for array in arrays}
    if "O" not in kinds or not kinds <= {"O", "i", "u", "b"}:
        return None
    exactly = [entry for array in arrays if array.dtype == object for entry in array.flat]
    if not real and all(isinstance(entry, Rational | sp.Rational) for entry in exactly):
        return None
    found: list[Array] = []
    for array in arrays:
        entries = [_gaussian(entry) for entry in array.flat] if array.dtype == object else None
        if entries is not None and None in entries:
            return None
        found.append(array if entries is None else _filled(entries, array.shape))
    return found


def from_gaussian(array: Array) -> Array:
    """An array of `gaussian` entries as SymPy's numbers a + bi; ``ValueError`` for any other entry."""
    require(np.ndarray, array=array)
    try:
        entries = [_from_gaussian(entry) for entry in array.flat]
    except CoercionFailed as error:
        raise ValueError(f"array: {error}; its entries should come from `gaussian`") from error
    return _filled(entries, array.shape)


@lru_cache(maxsize=2**14, typed=True)
def _from_gaussian(entry: Any) -> sp.Expr:
    expression: sp.Expr = QQ_I.to_sympy(QQ_I.convert(entry))
    return expression


def _filled(entries: Sequence[Any], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(shape)


@lru_cache(maxsize=2**14, typed=True)
def _gaussian(value: Any) -> Any:
    """A number made of rational ones and i by sums, products and whole powers, in Q(i); None for any other."""
    if isinstance(value, Rational | sp.Rational):
        return QQ_I.from_sympy(number(value))
    if value is sp.I:
        return QQ_I(0, 1)
    if not isinstance(value, sp.Add | sp.Mul | sp.Pow):
        return None
    if isinstance(value, sp.Pow):
        base = _gaussian(value.base) if value.exp.is_Integer else None
        return None if base is None or not base else base ** int(value.exp)
    parts = [_gaussian(part) for part in value.args]
    if None in parts:
        return None
    return reduce(operator.add if isinstance(value, sp.Add) else operator.mul, parts)


def is_positive_semidefinite(matrix: DomainMatrix) -> bool:
    """Whether a Hermitian matrix over a number field is positive semidefinite, decided exactly.

    Its eigenvalues are real, and none is negative if and only if no coefficient of det(λ + Q) is. A real matrix that is
    not symmetric is not. Raises ``TypeError`` for what is no `DomainMatrix`.

    >>> is_positive_semidefinite(field_matrix(exact([[1, sp.sqrt(2)], [sp.sqrt(2), 2]])))
    True
    >>> is_positive_semidefinite(field_matrix(exact([[1, 2], [2, 1]])))
    False
    """
    if not isinstance(matrix, DomainMatrix):
        raise TypeError(f"matrix: {type(matrix).__name__} should be a DomainMatrix, such as `field_matrix` makes")
    to_number = matrix.domain.to_sympy
    if matrix != matrix.transpose() and not vanishes(_skew_part(matrix)):
        return False
    return all(exact_sign(to_number(c)) >= 0 for c in (-matrix).charpoly())


def _skew_part(matrix: DomainMatrix) -> Array:
    values = matrix.to_Matrix()
    return np.asarray((values - values.H).tolist(), dtype=object)


def as_float(array: ArrayLike) -> Floats:
    """The array in floating-point numbers; raises ``TypeError`` if an entry has a free symbol or an imaginary part.

    What is nan stays so.

    >>> as_float(exact([sp.sqrt(2) / 2]))
    array([0.70710678])
    """
    values = numbers(array, "array", finite=False)
    if np.iscomplexobj(values):
        for index in np.argwhere(values.imag != 0):
            raise TypeError(f"array: entry {tuple(map(int, index))} is {values[tuple(index)]}, which is not real")
        values = values.real
    if is_exact(values):
        return np.asarray(np.frompyfunc(rounded, 1, 1)(values)).astype(np.float64)
    return values.astype(np.float64)


def as_complex(array: ArrayLike) -> Complexes:
    """The array in complex floating-point numbers; raises ``TypeError`` if an entry has a free symbol; nan stays.

    >>> as_complex(exact([sp.I * sp.sqrt(2) / 2]))
    array([0.+0.70710678j])
    """
    values = numbers(array, "array", finite=False)
    if has_free_symbols(values):
        raise TypeError(f"array: {show(values.tolist())} has free symbols; its entries should be numbers")
    return values.astype(np.complex128)


def conjugate(array: ArrayLike) -> Array:
    """The complex conjugate of an array, exact or not; nan stays.

    >>> conjugate(exact([sp.I, 2]))
    array([-I, 2], dtype=object)
    """
    values = numbers(array, "array", finite=False)
    return np.asarray(np.frompyfunc(sp.conjugate, 1, 1)(values)) if is_exact(values) else np.conjugate(values)


def rounded(value: Any) -> float:
    """A real number in floating point, be it written as a sum of complex ones; else ``TypeError``; nan stays so.

    >>> rounded(sp.exp(sp.I * sp.pi / 7) + sp.exp(-sp.I * sp.pi / 7)) == rounded(2 * sp.cos(sp.pi / 7))
    True
    """
    require((sp.Expr, Number), value=value)
    try:
        return float(value)
    except TypeError as error:
        is_number = isinstance(value, sp.Expr) and not value.free_symbols and is_finite(value)
        if not is_number or not algebraic_numbers.is_real(value):
            raise TypeError(f"value: {show(value)} should be a real number") from error
    return float(algebraic_numbers.enclosure(value, 128).real.mid())


def quotient(numerator: sp.Expr, denominator: sp.Expr) -> sp.Expr:
    """The quotient of two polynomials in lowest terms: what `sympy.cancel` gives, ten times as fast for long ones.

    Raises ``ZeroDivisionError`` for the denominator zero.

    >>> a, b = sp.symbols("a b")
    >>> quotient(sp.expand((a + b) * a), sp.expand((a + b) * (b - 1)))
    a/(b - 1)
    """
    numerator, denominator = number(numerator), number(denominator)
    if is_zero(denominator):
        raise ZeroDivisionError(f"{numerator} is divided by zero")
    if not (numerator.free_symbols | denominator.free_symbols):
        return numerator / denominator
    _, polynomials = sp.sring([numerator, denominator])
    above, below = polynomials[0].cancel(polynomials[1])
    return above.as_expr() / below.as_expr()


def expanded(array: ArrayLike) -> Array:
    """An exact array with every entry multiplied out: `sympy.expand` for polynomials, fast for sums of long products.

    Raises ``ValueError`` for an entry that is no polynomial with rational coefficients in the array's free symbols.

    >>> a, b = sp.symbols("a b")
    >>> expanded([a * (1 - b), 1])
    array([-a*b + a, 1], dtype=object)
    """
    entries = np.frompyfunc(number, 1, 1)(numbers(array, "array").astype(object))
    entries = np.asarray(entries, dtype=object)
    symbols = sorted(set().union(*(entry.free_symbols for entry in entries.flat)), key=str)
    ring = sp.polys.rings.PolyRing(symbols, sp.QQ)
    return np.asarray(np.frompyfunc(lambda entry: ring.from_expr(entry).as_expr(), 1, 1)(entries), dtype=object)


# --- what floating-point numbers can tell -----------------------------------------------------------------------------

MOST_OPERATIONS = 40  # of a number of more than square roots that is still rewritten for brevity
ROUNDING = 2.0**-46  # of the scale of a sum: 64 units in the last place, what adding up some hundred terms may leave
SAME = 1e-9  # the share of two numbers by which they may differ and count as one
ACCURATE = 1e-10  # of that scale: a result that is larger is known to six digits or more


def negligible(values: ArrayLike, scale: ArrayLike = 1.0, tolerance: float = ROUNDING) -> NDArray[np.bool_]:
    """Which entries are zero: exact ones as they are; others if they are no more than rounding, given their scale.

    scale : of what they were computed from, such as the sum of the terms' absolute values, the prior of a λ, the weight
    of an operator; it broadcasts. So a value of 1e-20 is zero if it is left of terms of size 1, and is not if it is a
    product of small numbers. tolerance : the share of the scale that is negligible. What is nan is not zero.

    >>> negligible([1e-17, 1e-17, 0.0], scale=[1.0, 1e-17, 0.0]).tolist()
    [True, False, True]
    """
    real_number(tolerance, "tolerance", 0)
    array, whole = numbers(values, "values", finite=False), numbers(scale, "scale", finite=False)
    if array.dtype == object:
        return zeros(array)
    require_alike(values=array, scale=whole)
    return np.asarray(np.abs(array) <= tolerance * whole)


def undecided(values: ArrayLike, scale: ArrayLike = 1.0) -> NDArray[np.bool_]:
    """Which entries are more than rounding, but too small against their scale to be divided by; never an exact one.

    What is nan is not among them.

    >>> undecided([1e-17, 1e-12, 1e-3]).tolist(), undecided([1e-12], scale=1e-12).tolist()
    ([False, True, False], [False])
    """
    array, whole = numbers(values, "values", finite=False), numbers(scale, "scale", finite=False)
    if array.dtype == object:
        return np.zeros(array.shape, dtype=bool)
    require_alike(values=array, scale=whole)
    size = np.abs(array)
    return np.asarray((size > ROUNDING * whole) & (size <= ACCURATE * whole))


def agree(one: ArrayLike, other: ArrayLike, scale: ArrayLike = 1.0) -> bool:
    """Whether two arrays are equal: exactly; in floating point, each entry to 1e-9 of itself, or to rounding.

    scale : of the sums that the entries were computed from, as in :func:`negligible`; 0 if nothing was subtracted.

    >>> agree([0.1 + 0.2, 1e-10], [0.3, 1e-10]), agree([0.5, 1e-10], [0.5, 2e-10]), agree([1e-17], [0.0])
    (True, False, True)
    """
    first, second, whole = numbers(one, "one"), numbers(other, "other"), numbers(scale, "scale")
    require_alike(one=first, other=second, scale=whole)
    difference = np.asarray(first - second)
    if difference.dtype == object:
        return vanishes(difference)
    own = np.abs(first.astype(complex)) + np.abs(second.astype(complex))
    return bool(np.all(np.abs(difference) <= SAME * own + ROUNDING * whole))


def coincide(one: ArrayLike, other: ArrayLike, what: str, scale: ArrayLike = 1.0) -> bool:
    """Whether two arrays of probabilities are equal, where much depends on it; what : their name, for a message.

    Decided as by :func:`agree`, except that numbers in floating point which differ by more than rounding, but by less
    than 1e-9 of what they are, are not taken for equal: raises :class:`Undecided`.

    >>> coincide([0.1 + 0.2], [0.3], "P(a)"), coincide([0.1], [0.2], "P(a)")
    (True, False)
    >>> coincide([0.5, 0.5], [0.5 + 1e-11, 0.5 - 1e-11], "P(a)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    qlib.numbers.algebraic_numbers.Undecided: it cannot be told whether P(a) is the same in both cases: it differs ...
    """
    require(str, what=what)
    if not agree(one, other, scale):
        return False
    first, second = np.asarray(one), np.asarray(other)
    if is_exact(first) or is_exact(second):
        return True
    difference = np.abs(first - second)
    if np.all(difference <= ROUNDING * (np.abs(first) + np.abs(second) + np.asarray(scale))):
        return True
    raise Undecided(
        f"it cannot be told whether {what} is the same in both cases: it differs by {difference.max():.3g}, more than "
        "rounding leaves and less than is taken for a difference; exact numbers would decide"
    )


def conditional_probability(value: Any, name: str) -> Any:
    """A conditional probability, freed of rounding that takes it out of [0, 1]; exact ones as they are; nan stays.

    Raises ``ArithmeticError`` that names it if it is clearly outside: then it was computed wrongly, whatever was asked.

    >>> conditional_probability(1 + 1e-12, "P(c | b)")
    1.0
    >>> conditional_probability(1.54, "P(c | b)")
    Traceback (most recent call last):
        ...
    ArithmeticError: internal error: P(c | b) was found to be 1.54, which is no probability; please report it
    """
    require(str, name=name)
    array = numbers(value, "value", finite=False)
    if has_free_symbols(array):
        return value
    real, imaginary = np.real(array.astype(complex)), np.imag(array.astype(complex))
    outside = np.asarray((real < -1e-6) | (real > 1 + 1e-6) | (np.abs(imaginary) > 1e-6))
    if is_exact(array):
        near = np.minimum(np.abs(real), np.abs(real - 1)) <= 1e-6  # where only exact signs tell
        for index in np.argwhere(near):
            outside[tuple(index)] = min(exact_sign(p := array[tuple(index)]), exact_sign(1 - p)) < 0
    for wrong in (array if imaginary.any() else np.asarray(real))[outside].flat[:1]:
        raise ArithmeticError(
            f"internal error: {name} was found to be {wrong:.6g}, which is no probability; please report it"
        )
    if array.dtype == object:
        return value
    inside = np.clip(np.real(array), 0.0, 1.0)
    return inside if inside.ndim else inside.item()
