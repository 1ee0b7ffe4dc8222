r"""Balke and Pearl's bounds on the average causal effect: as published, and derived from Wang and Zhang's program (11).

The least value of a linear program is the largest b·y over the vertices y of its dual polyhedron, provided that b·y ≤ 0
for all rays; otherwise the program is infeasible. With the observed behaviour in b, each vertex is an affine function
of p that bounds the effect, and each ray an inequality that p must satisfy. :func:`derive_bounds` finds them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy

from qlib.models.potential_outcomes import Assumption, Reduction, behaviour_symbols, reduction
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import all_of, numbers, real_number, require

__all__ = [
    "BALKE_PEARL_LOWER",
    "BALKE_PEARL_UPPER",
    "INSTRUMENTAL_INEQUALITIES",
    "AffineFunction",
    "Bound",
    "Derivation",
    "DerivedFunction",
    "bound_expressions",
    "derive_bounds",
]

Bound: TypeAlias = Literal["lower", "upper"]
TERM = r"(?:p[01][01]\.[01]|\d+)"
CELLS = tuple(product((0, 1), repeat=3))  # (x, y, z), the order in which coefficients are kept


# --- affine functions of a behaviour ---------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class AffineFunction:
    """The function p ↦ constant + Σ coefficients[x, y, z]·p[x, y, z], with the eight coefficients in C order.

    Behaviours are normalised, so different coefficients may give the same function: == compares coefficients,
    :meth:`normal_form` functions.

    >>> f = AffineFunction.parse("p11.1 + p00.0 - 1")
    >>> print(f)
    p(00|0) + p(11|1) - 1
    >>> float(f(np.full((2, 2, 2), 0.25)))
    -0.5
    """

    constant: Fraction
    coefficients: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        require(Fraction, constant=self.constant)
        if len(all_of(Fraction, self.coefficients, "coefficients")) != 8:
            raise ValueError(f"coefficients: there are {len(self.coefficients)}, and should be 8")

    @classmethod
    def parse(cls, text: str) -> AffineFunction:
        """From a sum in the notation of Balke and Pearl, where p_{yx.z} = P(y, x | z): the outcome comes first.

        Raises ValueError for any other text.
        """
        require(str, text=text)
        if not re.fullmatch(rf"\s*[+-]?\s*{TERM}(\s*[+-]\s*{TERM})*\s*", text):
            raise ValueError(f"{text!r} is no sum of terms p_yx.z and whole numbers")
        constant, coefficients = Fraction(0), dict.fromkeys(CELLS, Fraction(0))
        for sign, term in re.findall(rf"([+-]?)\s*({TERM})", text):
            value = Fraction(-1 if sign == "-" else 1)
            if term.startswith("p"):
                coefficients[int(term[2]), int(term[1]), int(term[4])] += value
            else:
                constant += value * int(term)
        return cls(constant, tuple(coefficients.values()))

    @classmethod
    def of_expression(cls, expression: Any) -> AffineFunction:
        """From a SymPy expression in the symbols of :func:`behaviour_symbols`."""
        real_number(expression, "expression")
        symbols = behaviour_symbols().ravel()
        polynomial = sympy.Poly(expression, *symbols)
        if polynomial.total_degree() > 1 or polynomial.domain not in (sympy.ZZ, sympy.QQ):
            raise ValueError(f"expression: {expression} should be affine in p, with rational coefficients")
        values = [polynomial.coeff_monomial(term) for term in (1, *symbols)]
        constant, *coefficients = (Fraction(int(v.p), int(v.q)) for v in values)
        return cls(constant, tuple(coefficients))

    def __call__(self, p: Any) -> Any:
        """The value at one behaviour or an array of them, exact where p is (an object array of SymPy numbers)."""
        array = numbers(p, "p", (..., 2, 2, 2))
        number = sympy.Rational if array.dtype == object else float
        weights = np.array([number(k) for k in self.coefficients])
        return array.reshape(*array.shape[:-3], 8) @ weights + number(self.constant)

    def symbolic(self) -> Any:
        """The function as a SymPy expression in the symbols of :func:`behaviour_symbols`."""
        return self(behaviour_symbols())

    def __str__(self) -> str:
        terms = [(k, f"p({x}{y}|{z})") for k, (x, y, z) in zip(self.coefficients, CELLS, strict=True)]
        terms.insert(0 if self.constant > 0 else 8, (self.constant, ""))
        text = "".join(
            f" {'-' if k < 0 else '+'} {'' if abs(k) == 1 and label else abs(k)}{label}" for k, label in terms if k
        )
        return text.removeprefix(" + ").replace(" - ", "-", text.startswith(" - ")) or "0"

    def __repr__(self) -> str:
        return f"AffineFunction({self})"

    def _shifted(self, by: tuple[Fraction, ...]) -> AffineFunction:
        """Add by[z]·(Σ p(xy|z) - 1) for both z, which is zero."""
        coefficients = tuple(k + by[z] for k, (_, _, z) in zip(self.coefficients, CELLS, strict=True))
        return AffineFunction(self.constant - sum(by), coefficients)

    def _slice(self, z: int) -> tuple[Fraction, ...]:
        return self.coefficients[z::2]

    def normal_form(self) -> AffineFunction:
        """The one representative without p(11|0) and p(11|1)."""
        return self._shifted((-self._slice(0)[-1], -self._slice(1)[-1]))

    def homogeneous(self) -> AffineFunction:
        """A representative without constant."""
        return self._shifted((self.constant, Fraction(0)))

    def simplest(self) -> AffineFunction:
        """The representative with fewest terms, then smallest coefficients."""
        shifts = product(*({-k for k in self._slice(z)} for z in (0, 1)))
        return min((self._shifted(by) for by in shifts), key=AffineFunction._complexity)

    def _complexity(self) -> tuple[Any, ...]:
        numbers = (self.constant, *self.coefficients)
        return sum(k != 0 for k in numbers), sum(map(abs, numbers)), sum(k < 0 for k in numbers), numbers

    def minimum(self) -> Fraction:
        """The least value over all behaviours, which form a product of two simplices."""
        return self.constant + min(self._slice(0)) + min(self._slice(1))

    def maximum(self) -> Fraction:
        """The greatest value over all behaviours."""
        return self.constant + max(self._slice(0)) + max(self._slice(1))

    def __neg__(self) -> AffineFunction:
        return AffineFunction(-self.constant, tuple(-k for k in self.coefficients))

    def __sub__(self, other: AffineFunction) -> AffineFunction:
        differences = (a - b for a, b in zip(self.coefficients, other.coefficients, strict=True))
        return AffineFunction(self.constant - other.constant, tuple(differences))


def _parse_all(*texts: str) -> tuple[AffineFunction, ...]:
    return tuple(map(AffineFunction.parse, texts))


# Balke and Pearl (1997), their notation p_{yx.z}; also Pearl, Causality, eqs. (8.14a) and (8.14b).
BALKE_PEARL_LOWER = _parse_all(
    "p11.1 + p00.0 - 1",
    "p11.0 + p00.1 - 1",
    "p11.0 - p11.1 - p10.1 - p01.0 - p10.0",
    "p11.1 - p11.0 - p10.0 - p01.1 - p10.1",
    "- p01.1 - p10.1",
    "- p01.0 - p10.0",
    "p00.1 - p01.1 - p10.1 - p01.0 - p00.0",
    "p00.0 - p01.0 - p10.0 - p01.1 - p00.1",
)
BALKE_PEARL_UPPER = _parse_all(
    "1 - p01.1 - p10.0",
    "1 - p01.0 - p10.1",
    "- p01.0 + p01.1 + p00.1 + p11.0 + p00.0",
    "- p01.1 + p11.1 + p00.1 + p01.0 + p00.0",
    "p11.1 + p00.1",
    "p11.0 + p00.0",
    "- p10.1 + p11.1 + p00.1 + p11.0 + p10.0",
    "- p10.0 + p11.0 + p00.0 + p11.1 + p10.1",
)
# Pearl's instrumental inequalities, each "function ≤ 1".
INSTRUMENTAL_INEQUALITIES = _parse_all("p00.0 + p10.1", "p00.1 + p10.0", "p01.0 + p11.1", "p01.1 + p11.0")


# --- derivation from the dual polyhedron -----------------------------------------------------------------------------


@dataclass(frozen=True)
class DerivedFunction:
    """An affine function of p with its proof: `multipliers` by the constraints of program (11), for every p at once."""

    function: AffineFunction
    multipliers: lp.Multipliers

    def __str__(self) -> str:
        return str(self.function)


@dataclass(frozen=True)
class Derivation:
    """All that the dual polyhedron says about one side of the effect.

    * `bounds`: the functions whose largest (lower bound) or least (upper bound) value is the optimum;
    * `dominated`: further vertices, each with a bound that is at least as tight for every behaviour;
    * `conditions`: the functions that must be ≤ 0 for the program to be feasible, beyond p ≥ 0 and normalisation;
    * `polyhedron`: the vertices and rays of the dual of the reduced program, from which they come.
    """

    bounds: tuple[DerivedFunction, ...]
    dominated: Mapping[AffineFunction, AffineFunction]
    conditions: tuple[DerivedFunction, ...]
    polyhedron: lp.DualPolyhedron


@lru_cache
def derive_bounds(bound: Bound = "lower", exogeneity: str = Assumption.JOINT_EXOGENEITY) -> Derivation:
    """Derive the bounds of program (11) with stratified exclusion from all vertices and rays of its dual.

    The vertices are those of the reduced program; their multipliers are carried over to program (11) by
    :class:`qlib.models.potential_outcomes.Reduction` and verified there, with p symbolic. Functions that agree on
    normalised behaviours are one; each is given in its simplest form. With joint exogeneity these are Balke and Pearl's
    8 + 8 expressions and Pearl's instrumental inequalities; with marginal exogeneity only those 4 + 4 that bound
    P(Y(1)=1) and P(Y(0)=1) separately, but the same inequalities. ValueError for another bound.

    >>> for bound in derive_bounds("lower", "marginal exogeneity").bounds:
    ...     print(bound)
    -p(01|0) - p(10|0)
    -p(01|1) - p(10|1)
    p(00|1) + p(11|0) - 1
    p(00|0) + p(11|1) - 1
    """
    sign, sense = _side(bound)
    maps = reduction(exogeneity)
    maps.verify()
    polyhedron = lp.dual_vertices(maps.reduced, sense)
    vertices = _functions(maps, polyhedron.vertices, sense)
    dominated: dict[AffineFunction, AffineFunction] = {}
    for weak, strong in product(vertices, repeat=2):
        gap = strong - weak if sign > 0 else weak - strong
        if weak != strong and gap.minimum() >= 0:
            dominated.setdefault(weak, strong)
    rays = [{name: sign * y for name, y in ray.items()} for ray in polyhedron.rays]
    conditions = _functions(replace(maps, full=replace(maps.full, objective={})), rays, "min")
    return Derivation(
        bounds=tuple(DerivedFunction(f, y) for f, y in vertices.items() if f not in dominated),
        dominated=dominated,
        conditions=tuple(DerivedFunction(f, y) for f, y in conditions.items() if f.maximum() > 0),
        polyhedron=polyhedron,
    )


def bound_expressions(
    bound: Bound = "lower", exogeneity: str = Assumption.JOINT_EXOGENEITY
) -> tuple[AffineFunction, ...]:
    """The functions of :func:`derive_bounds` whose largest (lower bound) or least (upper bound) value is the bound.

    >>> {f.normal_form() for f in bound_expressions("upper")} == {f.normal_form() for f in BALKE_PEARL_UPPER}
    True
    """
    return tuple(derived.function for derived in derive_bounds(bound, exogeneity).bounds)


def _side(bound: str) -> tuple[int, lp.Sense]:
    if bound not in ("lower", "upper"):
        raise ValueError(f'bound is {bound!r}; it must be "lower" or "upper"')
    return (1, "min") if bound == "lower" else (-1, "max")


def _functions(
    maps: Reduction, vectors: Iterable[lp.Multipliers], sense: lp.Sense
) -> dict[AffineFunction, lp.Multipliers]:
    """The distinct functions b·y in their simplest form, in order, each with verified multipliers for program (11)."""
    found: dict[AffineFunction, lp.Multipliers] = {}
    for y in vectors:
        lifted = maps.lift_multipliers(y)
        value = lp.combine(maps.reduced, y)
        lp.Certificate(sense, lifted, value).verify(maps.full)
        found.setdefault(AffineFunction.of_expression(value).simplest(), lifted)
    return {f: found[f] for f in sorted(found, key=AffineFunction._complexity)}
