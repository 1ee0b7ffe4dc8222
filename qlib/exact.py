"""The one place that knows about number systems: exact arrays hold SymPy numbers (dtype object), others floats.

Everything else in `qlib` is written once, for both. NumPy's ``einsum``, ``tensordot``, ``kron`` and ``@`` work on
either kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Rational
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


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
        array[index] = sp.sympify(value)
    return array


def is_exact(array: Array) -> bool:
    """Whether an array is an exact one."""
    return bool(np.asarray(array).dtype == object)


def common(arrays: Sequence[Array]) -> list[Array]:
    """The arrays in one number system: if some are exact and some are not, the exact ones become complex numbers.

    Exact arrays with free symbols have no floating-point value; where one of them occurs, all stay as they are.

    >>> [array.dtype.name for array in common([exact([[1, sp.I]]), np.array([0.5]), np.array([1])])]
    ['complex128', 'float64', 'int64']
    """
    exactly = [is_exact(array) for array in arrays]
    rounded = any(not e and array.dtype.kind in "fc" for e, array in zip(exactly, arrays, strict=True))
    if not (any(exactly) and rounded):
        return list(arrays)
    entries = (entry for e, array in zip(exactly, arrays, strict=True) if e for entry in array.flat)
    if any(getattr(entry, "free_symbols", None) for entry in entries):
        return list(arrays)
    return [array.astype(complex) if e else array for e, array in zip(exactly, arrays, strict=True)]


def has_free_symbols(array: ArrayLike) -> bool:
    """Whether an entry of an array depends on a symbol.

    >>> has_free_symbols(exact([sp.sqrt(2)])), has_free_symbols(exact([sp.Symbol("t")]))
    (False, True)
    """
    values = np.asarray(array)
    return is_exact(values) and any(getattr(entry, "free_symbols", None) for entry in values.flat)


def vanishes(array: ArrayLike, tolerance: float = 1e-9) -> bool:
    """Whether every entry is zero: within the tolerance, or, of exact entries, identically in their free symbols.

    >>> t = sp.Symbol("t")
    >>> vanishes([1e-12]), vanishes([sp.Rational(1, 10**12)]), vanishes(exact([sp.sin(t) ** 2 + sp.cos(t) ** 2 - 1]))
    (True, False, True)
    """
    values = np.asarray(array)
    if is_exact(values):
        return all(_is_zero(sp.sympify(entry)) for entry in values.flat)
    return bool(np.max(np.abs(values), initial=0.0) <= tolerance)


def _is_zero(expression: sp.Expr) -> bool:
    if expression.is_zero is not None and not expression.free_symbols:
        return bool(expression.is_zero)
    if _differs_from_zero(expression):
        return False
    expanded = sp.expand(expression)
    return bool(expanded == 0 or sp.simplify(expanded) == 0 or sp.simplify(expression) == 0)


def _differs_from_zero(expression: sp.Expr) -> bool:
    """Whether an expression is certainly not identically zero, as its value at one point says."""
    point = {symbol: 0.3 + 0.17 * k for k, symbol in enumerate(sorted(expression.free_symbols, key=str))}
    if any(symbol.is_real is False or symbol.is_integer or symbol.is_positive is False for symbol in point):
        return False
    value = expression.evalf(15, subs=point)
    return bool(value.is_number and value.is_finite and abs(value) > 1e-6)


def simplified(array: ArrayLike) -> Array:
    """The array with every exact entry expanded and its radicals rationalised; floats are returned as they are.

    >>> simplified(exact([1 / (4 - 2 * sp.sqrt(2))]))
    array([sqrt(2)/4 + 1/2], dtype=object)
    """
    array = np.asarray(array)
    if not is_exact(array):
        return array
    tidy = np.frompyfunc(lambda entry: sp.expand(sp.radsimp(sp.sympify(entry))), 1, 1)
    return np.asarray(tidy(array), dtype=object)


def as_float(array: ArrayLike) -> NDArray[np.float64]:
    """The array in floating-point numbers; raises ``TypeError`` if an entry has a free symbol or an imaginary part.

    >>> as_float(exact([sp.sqrt(2) / 2]))
    array([0.70710678])
    """
    values = np.asarray(array)
    if np.iscomplexobj(values):
        for index in np.argwhere(values.imag != 0):
            raise TypeError(f"entry {tuple(map(int, index))} is {values[tuple(index)]}, which is not real")
        values = values.real
    return values.astype(np.float64)


def quotient(numerator: sp.Expr, denominator: sp.Expr) -> sp.Expr:
    """The quotient of two polynomials in lowest terms: what `sympy.cancel` gives, ten times as fast for long ones.

    Raises ``ZeroDivisionError`` for the denominator zero.

    >>> a, b = sp.symbols("a b")
    >>> quotient(sp.expand((a + b) * a), sp.expand((a + b) * (b - 1)))
    a/(b - 1)
    """
    if denominator == 0:
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
    entries = np.frompyfunc(sp.sympify, 1, 1)(np.asarray(array, dtype=object))
    symbols = sorted(set().union(*(entry.free_symbols for entry in entries.flat)), key=str)
    ring = sp.polys.rings.PolyRing(symbols, sp.QQ)
    return np.asarray(np.frompyfunc(lambda entry: ring.from_expr(entry).as_expr(), 1, 1)(entries), dtype=object)


# --- what floating-point numbers can tell -----------------------------------------------------------------------------

ROUNDING = 2.0**-46  # of the scale of a sum: 64 units in the last place, what adding up some hundred terms may leave
ACCURATE = 1e-10  # of that scale: a result that is larger is known to six digits or more


def negligible(values: ArrayLike, scale: ArrayLike = 1.0) -> NDArray[np.bool_]:
    """Which entries are zero: exact ones as they are; others if they are no more than rounding, given their scale.

    scale : of what they were computed from, such as the sum of the terms' absolute values, the prior of a λ, the weight
    of an operator; it broadcasts. So a value of 1e-20 is zero if it is left of terms of size 1, and is not if it is a
    product of small numbers.

    >>> negligible([1e-17, 1e-17, 0.0], scale=[1.0, 1e-17, 0.0]).tolist()
    [True, False, True]
    """
    array = np.asarray(values)
    if is_exact(array):
        zero = np.frompyfunc(lambda entry: vanishes(np.array([entry], dtype=object)), 1, 1)(array)
        return np.asarray(zero, dtype=bool)
    return np.asarray(np.abs(array) <= ROUNDING * np.asarray(scale))


def undecided(values: ArrayLike, scale: ArrayLike = 1.0) -> NDArray[np.bool_]:
    """Which entries are more than rounding, but too small against their scale to be divided by; never an exact one.

    >>> undecided([1e-17, 1e-12, 1e-3]).tolist(), undecided([1e-12], scale=1e-12).tolist()
    ([False, True, False], [False])
    """
    array = np.asarray(values)
    if is_exact(array):
        return np.zeros(array.shape, dtype=bool)
    size, whole = np.abs(array), np.asarray(scale)
    return np.asarray((size > ROUNDING * whole) & (size <= ACCURATE * whole))


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
    array = np.asarray(value)
    if has_free_symbols(array):
        return value
    numbers = np.real(array.astype(complex))
    for wrong in numbers[(numbers < -1e-6) | (numbers > 1 + 1e-6)].flat[:1]:
        raise ArithmeticError(
            f"internal error: {name} was found to be {wrong:.6g}, which is no probability; please report it"
        )
    if is_exact(array):
        return value
    inside = np.clip(array, 0.0, 1.0)
    return inside if inside.ndim else inside.item()
