"""Exact numbers without symbols: where one lies, how near to zero it can be without being zero, and so its sign.

Two facts decide whether a number vanishes, however small it is and however it is written:

* :func:`enclosure`: a ball, computed by Arb to any number of bits, that is certain to hold the number;
* :func:`separation`: for a number made of rationals, roots, roots of unity and angles, a number of bits b such that it
  is zero or at least 2⁻ᵇ in absolute value. What lies in a ball around zero that is smaller than that is zero.

The bound is that of Burnikel, Funke, Mehlhorn, Schirra and Schmitt (Algorithmica 55, 14, 2009): a number is a quotient
N / M of algebraic integers whose conjugates are bounded by what one reads off the expression, and the product of all
conjugates of N is a whole number. Roots of unity of any order count once, as the elements of one cyclotomic field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, reduce
from operator import add, mul
from typing import Any, NamedTuple, TypeAlias

import sympy as sp
from flint import acb, arb, ctx, fmpq, fmpz_mat
from sympy.core.evalf import PrecisionExhausted

Ball: TypeAlias = Any  # arb for what is real by its form, else acb
SymbolValues: TypeAlias = Mapping[sp.Symbol, sp.Expr]
ANGLE_FUNCTIONS = (sp.sin, sp.cos, sp.tan, sp.cot, sp.sec, sp.csc, sp.exp, sp.sinh, sp.cosh, sp.tanh)
MOST_BITS = 1 << 22
UNKNOWN_BITS = 1 << 12  # where nothing says how many are needed
GUESS_BITS, KNOWN_BITS, FEW_BITS = 256, 192, 48  # computed for a guess, used for it, and what its coefficients may have
_HALF_TURN = sp.I * sp.pi


class Undecided(ValueError):  # noqa: N818
    """It could be neither proved nor refuted that an exact number is zero, so that no answer is given."""


class NotEnclosed(ArithmeticError):  # noqa: N818
    """An expression holds a function that Arb is not asked for."""


def _require_expression(number: object) -> None:
    """Refuse what is no expression of SymPy; :mod:`qlib.numbers.arguments` stands above this module."""
    if not isinstance(number, sp.Expr):
        raise TypeError(f"number: {number!r} should be a SymPy expression")


# --- zero and sign ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def is_zero_expression(number: sp.Expr) -> bool:
    """Whether a number is zero: for algebraic numbers by their separation from zero, for others as SymPy proves it.

    Raises :class:`Undecided` where that fails, and for a division by zero.

    >>> is_zero_expression(sp.cos(sp.pi / 7) - sp.cos(2 * sp.pi / 7) + sp.cos(3 * sp.pi / 7) - sp.Rational(1, 2))
    True
    """
    _require_expression(number)
    try:
        for bits in (64, 256):
            if (ball := enclosure(number, bits)).is_finite() and not ball.contains(0):
                return False
        number = with_roots(number)
        if not ball.is_finite():
            _require_defined(number)
        decided = _decided(number, separation(number))
    except NotEnclosed:
        decided = False if differs(number) else None
    if decided is None:
        decided = _is_proved_zero(number)
    return decided


def _decided(number: sp.Expr, needed: int | None) -> bool | None:
    """Whether a number is zero, by enclosures up to as many bits as are needed; None if they do not tell."""
    bits, last = 256, MOST_BITS if needed else UNKNOWN_BITS
    if needed and needed > last:
        return None
    while bits < last:
        bits = min(4 * bits, needed + 64) if needed and bits < needed else 4 * bits
        ball = enclosure(number, bits)
        if ball.is_finite() and not ball.contains(0):
            return False
        if needed and ball.is_finite() and ball.abs_upper() < arb(2) ** -needed:
            return True
    return None


def _require_defined(number: sp.Expr) -> None:
    for part in sp.preorder_traversal(number):
        divides = part.is_Pow and part.exp.is_negative and not part.base.is_Rational
        if (divides or isinstance(part, sp.log)) and is_zero_expression(part.args[0]):
            raise Undecided(f"{number} has no value: {part.args[0]} is zero")


def differs(number: sp.Expr) -> bool:
    """Whether SymPy finds a digit that is not zero, certain beyond rounding; for numbers without an enclosure."""
    _require_expression(number)
    try:
        value = number.evalf(15, strict=True)
    except PrecisionExhausted:  # every digit that was computed is zero
        return False
    return bool(value.is_number and value.is_finite and value != 0)


def _is_proved_zero(number: sp.Expr) -> bool:
    if sp.expand(number) == 0 or sp.radsimp(sp.simplify(number)) == 0 or number.equals(0):
        return True
    raise Undecided(f"{number} could not be proved to be zero, nor to differ from it")


def is_real(number: sp.Expr) -> bool:
    """Whether a number is real, whatever its form.

    >>> is_real(sp.exp(sp.I * sp.pi / 7) + sp.exp(-sp.I * sp.pi / 7)), is_real(sp.exp(sp.I * sp.pi / 7))
    (True, False)
    """
    _require_expression(number)
    try:
        if isinstance(ball := enclosure(number, 64), arb):
            return True
        if ball.is_finite() and not ball.imag.contains(0):
            return False
    except NotEnclosed:
        if number.is_real is not None:
            return bool(number.is_real)
    return is_zero_expression(number - sp.conjugate(number, evaluate=False))


@lru_cache(maxsize=1 << 14)
def sign(number: sp.Expr) -> int:
    """The sign of a real number: -1, 0 or 1. Raises ``ValueError`` for one that is not real."""
    _require_expression(number)
    if not is_real(number):
        raise ValueError(f"{number} has no sign: it is not a finite real number")
    if is_zero_expression(number):
        return 0
    bits = 32
    try:
        while bits < MOST_BITS:
            bits *= 2
            ball = enclosure(number, bits).real
            if ball > 0 or ball < 0:
                return 1 if ball > 0 else -1
    except NotEnclosed:
        return int(sp.sign(number.evalf(30, strict=True)))
    raise Undecided(f"the sign of {number} was not found with {bits} bits")


# --- the simplest form ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def simplest_form(number: sp.Expr) -> sp.Expr:
    """A number in its simplest form, if its real and its imaginary part are p + q√r or its square root; else as it is.

    p and q are rational. The form is guessed from digits, then proved to be the same number.

    >>> simplest_form((1 + sp.sqrt(2)) / sp.cbrt(7 + 5 * sp.sqrt(2))), simplest_form(2 * sp.exp(sp.I * sp.pi / 3))
    (1, 1 + sqrt(3)*I)
    >>> simplest_form(8 * sp.cos(sp.pi / 9) * sp.cos(2 * sp.pi / 9) * sp.cos(4 * sp.pi / 9))
    1
    """
    _require_expression(number)
    if number.is_Rational or number is sp.I:
        return number
    if is_of_square_roots(number):
        return sp.expand(number)
    try:
        ball = acb(enclosure(number, GUESS_BITS))
    except NotEnclosed:
        return number
    with ctx.workprec(GUESS_BITS):
        real, imaginary = (_guess(part) for part in (ball.real, ball.imag))
    if real is None or imaginary is None:
        return number
    found = real + sp.I * imaginary
    return found if number == found or is_zero_expression(number - found) else number


def is_of_square_roots(number: sp.Expr) -> bool:
    """Whether a number is written by sums and products of rational numbers, their square roots and i."""
    _require_expression(number)
    return not number.atoms(sp.Function, sp.Float) and all(
        power.base.is_Rational and (2 * power.exp).is_Integer for power in number.atoms(sp.Pow)
    )


def _guess(ball: arb) -> sp.Expr | None:
    """The number p + q√r that a ball seems to hold, or its square root; None if there is none of few digits."""
    if not (ball.is_finite() and ball.rad() < arb(2) ** -KNOWN_BITS):
        return None
    if ball.contains(0):
        return sp.Integer(0)
    if (found := _quadratic(ball)) is None and (square := _quadratic(ball**2)) is not None:
        found = sp.sqrt(square) if ball > 0 else -sp.sqrt(square)
    return found


def _quadratic(ball: arb) -> sp.Expr | None:
    """A rational number or a root of a quadratic polynomial of whole numbers, by a short vector of a lattice."""
    for degree in (1, 2):
        powers = [_nearest(ball**k * arb(2) ** KNOWN_BITS) for k in range(degree + 1)]
        rows = [[int(j == k) for j in range(degree + 1)] + [power] for k, power in enumerate(powers)]
        *coefficients, rest = (int(x) for x in fmpz_mat(rows).lll().table()[0])
        if max(map(abs, [*coefficients, rest])) < 1 << FEW_BITS and coefficients[-1]:
            roots = sp.roots(coefficients[::-1], multiple=True)
            return min(roots, key=lambda root: abs(enclosure(root, KNOWN_BITS) - ball).mid())
    return None


def _nearest(ball: arb) -> int:
    return int((ball.mid() + arb(0.5)).floor().unique_fmpz())


# --- enclosures -------------------------------------------------------------------------------------------------------


def enclosure(number: sp.Expr, bits: int, point: SymbolValues | None = None) -> Ball:
    """A ball that holds a number, computed with so many bits; its symbols have the values that `point` gives them.

    An `arb` if the expression is real by its form, else an `acb`; not finite where the bits do not suffice, or where
    there is no value. Raises :class:`NotEnclosed` for a function that is not known here.

    >>> ball = enclosure(sp.sqrt(2), 64)
    >>> ball.contains(1), bool(ball > 1.4142), enclosure(sp.exp(sp.I * sp.pi / 3), 64).real.contains(0.5)
    (False, True, True)
    """
    _require_expression(number)
    if type(bits) is not int or bits < 2:
        raise ValueError(f"bits: {bits!r} should be a whole number, at least 2")
    if point is not None and not isinstance(point, Mapping):
        raise TypeError(f"point: {point!r} should be a mapping from symbols to numbers")
    with ctx.workprec(bits):
        return _ball(number, bits, point or {})


def _ball(number: sp.Expr, bits: int, point: SymbolValues) -> Ball:
    if number.is_Rational:
        return arb(fmpq(number.p, number.q))
    if number.is_Add or number.is_Mul:
        return reduce(add if number.is_Add else mul, (_ball(part, bits, point) for part in number.args))
    if number.is_Pow:
        return _power(number.base, number.exp, bits, point)
    if number.is_Symbol and number in point:
        return _ball(point[number], bits, point)
    if number in _CONSTANTS:
        return _CONSTANTS[number]()
    if type(number) in _FUNCTIONS:
        return _function(number, bits, point)
    raise NotEnclosed(f"no enclosure is known for {number}")


_CONSTANTS: dict[sp.Expr, Callable[[], Ball]] = {
    sp.I: lambda: acb(0, 1), sp.pi: arb.pi, sp.E: arb.const_e, sp.EulerGamma: arb.const_euler,
    sp.Catalan: arb.const_catalan, sp.GoldenRatio: lambda: (1 + arb(5).sqrt()) / 2,
}  # fmt: skip
_FUNCTIONS: dict[type, Callable[..., Ball]] = {
    sp.exp: lambda x: x.exp(), sp.log: lambda x: x.log(), sp.sin: lambda x: x.sin(), sp.cos: lambda x: x.cos(),
    sp.tan: lambda x: x.tan(), sp.cot: lambda x: x.cot(), sp.sec: lambda x: x.sec(), sp.csc: lambda x: x.csc(),
    sp.sinh: lambda x: x.sinh(), sp.cosh: lambda x: x.cosh(), sp.tanh: lambda x: x.tanh(), sp.Abs: abs,
    sp.asin: lambda x: x.asin(), sp.acos: lambda x: x.acos(), sp.atan: lambda x: x.atan(), sp.erf: lambda x: x.erf(),
    sp.asinh: lambda x: x.asinh(), sp.gamma: lambda x: x.gamma(),
    sp.re: lambda x: x.real, sp.im: lambda x: x.imag, sp.conjugate: lambda x: x.conjugate(),
    sp.Max: lambda *xs: reduce(arb.max, xs), sp.Min: lambda *xs: reduce(arb.min, xs),
}  # fmt: skip
_CUT_ON_THE_REAL_AXIS = (sp.asin, sp.acos, sp.atan, sp.asinh)  # Arb's are asked for real arguments only


def _function(number: sp.Expr, bits: int, point: SymbolValues) -> Ball:
    kind, turn = type(number), _turn(number)
    if turn is not None:
        return _phase(turn) if kind is sp.exp else _phase(turn).real if kind is sp.cos else _phase(turn).imag
    if kind is sp.log:
        x = _off_the_cut(number.args[0], bits, point)
        return x.log() if not isinstance(x, arb) or x > 0 else acb((-x).log(), arb.pi())
    arguments = [_ball(part, bits, point) for part in number.args]
    real = all(isinstance(x, arb) for x in arguments)
    if real and kind in (sp.re, sp.conjugate):
        return arguments[0]
    if real and kind is sp.im:
        return arb(0)
    if not real and kind in (*_CUT_ON_THE_REAL_AXIS, sp.Max, sp.Min):
        raise NotEnclosed(f"{number}: its argument is not real by its form")
    return _FUNCTIONS[kind](*arguments)


def _phase(turn: sp.Rational) -> acb:
    """exp(iπ·turn)."""
    angle = fmpq(turn.p, turn.q)
    return acb(arb.cos_pi_fmpq(angle), arb.sin_pi_fmpq(angle))


def _power(base: sp.Expr, exponent: sp.Expr, bits: int, point: SymbolValues) -> Ball:
    if exponent.is_Integer:
        return _ball(base, bits, point) ** int(exponent)
    if not exponent.is_Rational:
        return (_ball(exponent, bits, point) * _function(sp.log(base, evaluate=False), bits, point)).exp()
    x = _off_the_cut(base, bits, point)
    if not isinstance(x, arb):
        root = x.root(exponent.q)
    elif x.is_zero():
        return x if exponent > 0 else acb("nan")
    else:
        root = abs(x).root(exponent.q)
        if x < 0:
            return _phase(exponent) * root**exponent.p
    return root**exponent.p


def _off_the_cut(number: sp.Expr, bits: int, point: SymbolValues) -> Ball:
    """A ball that does not straddle the negative real axis: exactly zero, real and of one sign, or off that axis.

    A root or a logarithm jumps there, so that it is first decided on which side its argument is.
    """
    x = _ball(number, bits, point)
    if not x.is_finite():
        return acb("nan")
    if not isinstance(x, arb):
        if x.real > 0 or not x.imag.contains(0):
            return x
        value = number.xreplace(dict(point))
        if not is_real(value):
            return _finer(number, bits, point, lambda ball: not ball.imag.contains(0))
        x = x.real
    if not x.contains(0):
        return x
    if is_zero_expression(number.xreplace(dict(point))):
        return arb(0)
    x = _finer(number, bits, point, lambda ball: not ball.real.contains(0))
    return x.real if isinstance(x, acb) else x


def _finer(number: sp.Expr, bits: int, point: SymbolValues, is_fine: Callable[[Ball], bool]) -> Ball:
    while bits < MOST_BITS:
        bits *= 2
        if is_fine(ball := enclosure(number, bits, point)):
            return ball
    raise NotEnclosed(f"{number} is too near to the negative real axis")


# --- algebraic numbers ------------------------------------------------------------------------------------------------


def with_roots(number: sp.Expr) -> sp.Expr:
    """The number with functions of angles, absolute values and parts written as roots and phases, as far as they are.

    Of sums of rational multiples of π and of the angles acos x, asin x and atan x; whatever else there is, stays.

    >>> with_roots(sp.cos(sp.acos(sp.Rational(1, 3)) / 2))
    1/(2*sqrt(1/3 + 2*sqrt(2)*I/3)) + sqrt(1/3 + 2*sqrt(2)*I/3)/2
    """
    _require_expression(number)
    if not number.args:
        return (1 + sp.sqrt(5)) / 2 if number is sp.GoldenRatio else number
    if _turn(number) is not None:
        return number
    parts = [with_roots(part) for part in number.args]
    if isinstance(number, sp.conjugate | sp.re | sp.im | sp.Abs):
        (x,) = parts
        if x is number.args[0] and isinstance(number, sp.conjugate):
            return number  # made anew, it would make SymPy work out again all that it stands in
        conjugate = sp.conjugate(x, evaluate=False)
        return {
            sp.conjugate: conjugate, sp.re: (x + conjugate) / 2, sp.im: (x - conjugate) / (2 * sp.I),
            sp.Abs: sp.sqrt(x * conjugate),
        }[type(number)]  # fmt: skip
    if any(part is not old for part, old in zip(parts, number.args, strict=True)):
        number = number.func(*parts)
    return _by_phases(number) if isinstance(number, ANGLE_FUNCTIONS) and _turn(number) is None else number


def _turn(number: sp.Expr) -> sp.Rational | None:
    """The rational number r of cos πr, sin πr and exp iπr; None if it is none of these."""
    if not isinstance(number, sp.exp | sp.sin | sp.cos):
        return None
    turn, unit = number.args[0].as_coeff_Mul()
    return turn if unit == (_HALF_TURN if isinstance(number, sp.exp) else sp.pi) and turn.is_Rational else None


def _by_phases(number: sp.Expr) -> sp.Expr:
    """A function of angles by exponentials, each of them a product of powers; the number itself if that is not so."""
    exponentials = number.rewrite(sp.exp)
    found: dict[sp.Expr, sp.Expr] = {}
    for part in exponentials.atoms(sp.exp):
        factors = [_phase_of(term) for term in sp.Add.make_args(sp.expand(part.args[0]))]
        if any(factor is None for factor in factors):
            return number
        found[part] = sp.Mul(*factors)
    return exponentials.xreplace(found)


def _phase_of(term: sp.Expr) -> sp.Expr | None:
    """The exponential of one term: r log x, or ir times an angle."""
    coefficient, function = term.as_coeff_Mul()
    if isinstance(function, sp.log):
        return function.args[0] ** coefficient
    coefficient, angle = (term / sp.I).as_coeff_Mul()
    if angle == sp.pi:
        return sp.exp(sp.I * sp.pi * coefficient)
    if not isinstance(angle, sp.acos | sp.asin | sp.atan):
        return None
    x = with_roots(angle.args[0])
    if isinstance(angle, sp.atan):
        return ((1 + sp.I * x) / (1 - sp.I * x)) ** (coefficient / 2)
    phase = x + sp.I * sp.sqrt(1 - x * x)
    if isinstance(angle, sp.acos):
        return phase**coefficient
    return sp.exp(sp.I * sp.pi * coefficient / 2) * phase ** (-coefficient)


class _Height(NamedTuple):
    """Of a number N / (q M): bounds on all conjugates of the algebraic integers N and M, as powers of two, and q.

    generators : what makes the field that holds N and M: roots of unity by their order, and (radicand, degree).
    """

    size: float
    multiple: int
    divisor: float
    generators: frozenset[Any]

    def power(self, n: int) -> _Height:
        if n < 0:
            return _Height(_log2(self.multiple) + self.divisor, 1, self.size, self.generators).power(-n)
        return _Height(n * self.size, self.multiple**n, n * self.divisor, self.generators)

    def root(self, radicand: sp.Expr, degree: int) -> _Height:
        lifted = (self.size + (degree - 1) * (_log2(self.multiple) + self.divisor)) / degree
        return _Height(lifted, self.multiple, self.divisor, self.generators | {(radicand, degree)})


def separation(number: sp.Expr) -> int | None:
    """The bits b for which a number is zero or at least 2⁻ᵇ in absolute value; None if it is not seen to be algebraic.

    The number is one that :func:`with_roots` has rewritten.

    >>> separation(sp.sqrt(2) + sp.sqrt(3) - sp.sqrt(5 + 2 * sp.sqrt(6))) < 100
    True
    >>> separation(sp.pi) is None
    True
    """
    _require_expression(number)
    height = _height(number)
    if height is None:
        return None
    bits = max(height.size, 0) * (_degree(height.generators) - 1) + _log2(height.multiple) + height.divisor
    return math.ceil(bits * 1.001) + 2  # the logarithms are rounded


def _log2(number: int) -> float:
    return math.log2(number) if number else 0.0


def _height(number: sp.Expr) -> _Height | None:
    if number.is_Rational:
        return _Height(_log2(abs(number.p)), number.q, 0.0, frozenset())
    if number is sp.I:
        return _Height(0.0, 1, 0.0, frozenset({4}))
    if (turn := _turn(number)) is not None:
        return _height_of_turn(type(number), turn)
    if number.is_Pow:
        return _height_of_power(*number.args)
    if number.is_Add or number.is_Mul or isinstance(number, sp.conjugate | sp.Max | sp.Min):
        parts = [_height(part) for part in number.args]
        if any(part is None for part in parts):
            return None
        combine = _product if number.is_Mul else _conjugate if isinstance(number, sp.conjugate) else _sum
        return combine([part for part in parts if part is not None])
    return None


def _height_of_turn(kind: type, turn: sp.Rational) -> _Height:
    order = (turn / 2).q  # of exp iπr = exp 2πi(r/2)
    if kind is sp.exp:
        return _Height(0.0, 1, 0.0, frozenset({order}))
    return _Height(1.0, 2, 0.0, frozenset({order if kind is sp.cos else math.lcm(order, 4)}))


def _height_of_power(base: sp.Expr, exponent: sp.Expr) -> _Height | None:
    if not exponent.is_Rational:
        return None
    if base is sp.S.NegativeOne:
        return _Height(0.0, 1, 0.0, frozenset({2 * exponent.q}))
    height = _height(base)
    if height is None:
        return None
    if exponent.q > 1:
        height = height.root(base, exponent.q)
    return height.power(exponent.p)


def _sum(parts: list[_Height]) -> _Height:
    multiple, divisor = math.lcm(*(part.multiple for part in parts)), sum(part.divisor for part in parts)
    sizes = [part.size + _log2(multiple // part.multiple) + divisor - part.divisor for part in parts]
    largest = max(sizes)
    size = largest + math.log2(sum(2.0 ** max(s - largest, -1000.0) for s in sizes))
    return _Height(size, multiple, divisor, _union(parts))


def _product(parts: list[_Height]) -> _Height:
    return _Height(
        sum(part.size for part in parts), math.prod(part.multiple for part in parts),
        sum(part.divisor for part in parts), _union(parts),
    )  # fmt: skip


def _conjugate(parts: list[_Height]) -> _Height:
    """The conjugate of a number has its conjugates; the field that it lies in may be another one."""
    (part,) = parts
    return part._replace(generators=frozenset(map(_conjugate_generator, part.generators)))


def _conjugate_generator(generator: Any) -> Any:
    if isinstance(generator, int) or _is_whole(generator[0]):
        return generator
    return sp.conjugate(generator[0], evaluate=False), generator[1]


def _is_whole(radicand: sp.Expr) -> bool:
    return bool(radicand.is_Integer and radicand > 0)


def _union(parts: Iterable[_Height]) -> frozenset[Any]:
    return frozenset().union(*(part.generators for part in parts))


def _degree(generators: Iterable[Any]) -> int:
    """A bound on the degree of the field that is generated, over the rationals."""
    order, degrees = 1, dict[sp.Expr, int]()
    for generator in generators:
        if isinstance(generator, int):
            order = math.lcm(order, generator)
        else:
            degrees[generator[0]] = math.lcm(generator[1], degrees.get(generator[0], 1))
    whole = {radicand: k for radicand, k in degrees.items() if _is_whole(radicand)}
    by_prime = dict[int, int]()
    for radicand, k in whole.items():
        for prime in sp.factorint(int(radicand), limit=10**4):
            by_prime[prime] = math.lcm(k, by_prime.get(prime, 1))
    nested = math.prod(k for radicand, k in degrees.items() if radicand not in whole)
    return int(sp.totient(order)) * nested * min(math.prod(whole.values()), math.prod(by_prime.values()))
