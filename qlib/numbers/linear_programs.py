r"""Linear programs whose variables and constraints have names, with exact certificates and exact vertices.

A program is kept in standard form, minimise (or maximise) c·q subject to A q = b and q ≥ 0. Its dual is to maximise b·y
subject to Aᵀy ≤ c, one multiplier y per constraint; for a maximum, to minimise b·y subject to Aᵀy ≥ c.

Three things can be had from a program:

* :func:`solve`, its optimum in floating point, by HiGHS;
* :func:`certificate`, a proof of the optimum: rational multipliers whose dual feasibility is verified in exact
  arithmetic and, where the data are exact, an exact basic solution of the same value (by weak duality each proves the
  other optimal); an infeasible program has a :class:`FarkasCertificate` instead;
* :func:`dual_vertices`, every vertex and extreme ray of the dual polyhedron. As a function of b, the minimum is the
  largest b·y over the vertices wherever b·y ≤ 0 for all rays; elsewhere the program is infeasible.

Coefficients and costs are rational numbers; right-hand sides may also be algebraic numbers or symbols of SymPy. A float
is read as the dyadic rational that it is, so that statements about it are exact too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from numbers import Integral
from typing import Any, Literal, TypeAlias

import flint
import highspy
import numpy as np
import numpy.typing as npt
import sympy

from qlib.numbers.arguments import Floats, all_of, one_of, require
from qlib.numbers.exact_arrays import exact_sign, number, rational, rounded
from qlib.numbers.polyhedra import extreme_rays

__all__ = [
    "Certificate",
    "CertificateError",
    "Constraint",
    "DualPolyhedron",
    "FarkasCertificate",
    "Infeasible",
    "LinearProgram",
    "Solution",
    "Unbounded",
    "certificate",
    "charnes_cooper",
    "combine",
    "dual_vertices",
    "farkas_certificate",
    "is_feasible",
    "solve",
]

Number: TypeAlias = Any  # int, float, Fraction or a SymPy expression
Sense: TypeAlias = Literal["min", "max"]
FEASIBILITY = 1e-9  # what HiGHS may leave of a constraint
Multipliers: TypeAlias = Mapping[str, Fraction]  # by constraint name; those left out are zero


class CertificateError(ArithmeticError):
    """A certificate does not prove what it claims."""


class Unbounded(ArithmeticError):  # noqa: N818
    """The objective is unbounded; `ray` (by variable) is a feasible direction that improves it for ever."""

    def __init__(self, ray: Mapping[str, float]) -> None:
        self.ray = ray
        super().__init__(f"the objective is unbounded: it improves for ever along the direction {dict(ray)}")


class Infeasible(ArithmeticError):  # noqa: N818
    """No q ≥ 0 satisfies the constraints; `certificate` proves it."""

    def __init__(self, certificate: FarkasCertificate) -> None:
        self.certificate = certificate
        super().__init__(f"the constraints contradict each other: {certificate}")


# --- numbers ---------------------------------------------------------------------------------------------------------


def _is_float(value: Number) -> bool:
    return isinstance(value, float | np.floating | sympy.Float)


_whole = lru_cache(maxsize=256)(Fraction)  # almost every coefficient is 1 or 0


def _fraction(value: Number, what: str) -> Fraction:
    """A rational number as a Fraction; ValueError naming `what` where it is none."""
    if type(value) is int:
        return _whole(value)
    if isinstance(value, Integral):
        return Fraction(int(value))
    if isinstance(value, Fraction) or (_is_float(value) and math.isfinite(value)):
        return Fraction(value) if isinstance(value, Fraction) else Fraction(float(value))
    found = rational(value) if isinstance(value, sympy.Expr) else None
    if found is None:
        raise ValueError(f"{what} is {value!r}; it must be a finite rational number")
    return found


def _exact(value: Number, what: str) -> Any:
    """A number as an exact SymPy expression; a float becomes the dyadic rational that it is."""
    return sympy.Rational(_fraction(value, what)) if _is_float(value) else number(value)


def _float(value: Number, what: str) -> float:
    """A number as a float; ValueError naming `what` where it is symbolic or not finite."""
    try:
        found = rounded(value)
    except TypeError as error:
        raise ValueError(f"{what} is {value}; substitute numbers for its symbols before solving") from error
    if not math.isfinite(found):
        raise ValueError(f"{what} is {value}; it must be finite")
    return found


# --- programs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constraint:
    """The equality Σ coefficients[v]·v = rhs, under a name; what stands before the first colon is its group.

    >>> Constraint("normalisation: Z=0", {"heads": 1, "tails": 1}, 1).group
    'normalisation'
    """

    name: str
    coefficients: Mapping[str, Number]
    rhs: Number = 0

    def __post_init__(self) -> None:
        require(str, name=self.name)
        require(Mapping, coefficients=self.coefficients)
        for variable, value in self.coefficients.items():
            if type(value) is not int:
                _fraction(value, f"the coefficient of {variable!r} in constraint {self.name!r}")
        _check_rhs(self)

    @property
    def group(self) -> str:
        """The name up to its first colon."""
        return self.name.partition(":")[0]


@dataclass(frozen=True)
class LinearProgram:
    """Optimise objective·q subject to the constraints and q ≥ 0; what is not mentioned has coefficient zero.

    Raises ValueError naming the duplicate variable or constraint, the unknown variable, or the number that is not a
    finite rational (a right-hand side may be any finite SymPy expression).

    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, 1),))
    >>> coin.matrix
    array([[1., 1.]])
    >>> coin.column("tails")
    {'total': 1}
    """

    variables: tuple[str, ...]
    objective: Mapping[str, Number]
    constraints: tuple[Constraint, ...]

    def __post_init__(self) -> None:
        all_of(str, self.variables, "variables")
        require(Mapping, objective=self.objective)
        all_of(Constraint, self.constraints, "constraints")
        _refuse_duplicates("variable", self.variables)
        _refuse_duplicates("constraint", [row.name for row in self.constraints])
        _check_coefficients("the objective", self.objective, self._position)
        for row in self.constraints:
            _check_coefficients(f"constraint {row.name!r}", row.coefficients, self._position)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {variable: j for j, variable in enumerate(self.variables)}

    @cached_property
    def matrix(self) -> Floats:
        """The matrix A, shape (constraints, variables), in floating point."""
        A = np.zeros((len(self.constraints), len(self.variables)))
        for i, row in enumerate(self.constraints):
            for variable, coefficient in row.coefficients.items():
                A[i, self._position[variable]] = rounded(coefficient)
        return A

    @cached_property
    def costs(self) -> Floats:
        """The vector c, shape (variables,), in floating point."""
        return np.array([rounded(self.objective.get(variable, 0)) for variable in self.variables])

    @property
    def rhs(self) -> npt.NDArray[np.object_]:
        """The vector b, shape (constraints,), as given: numbers or SymPy expressions."""
        b = np.empty(len(self.constraints), dtype=object)
        b[:] = [row.rhs for row in self.constraints]
        return b

    @property
    def is_exact(self) -> bool:
        """Whether no right-hand side is a floating-point number."""
        return not any(_is_float(row.rhs) for row in self.constraints)

    def row(self, name: str) -> Constraint:
        """The constraint of that name; ValueError if there is none."""
        one_of(name, "name", self._rows)
        return self._rows[name]

    @cached_property
    def _rows(self) -> dict[str, Constraint]:
        return {row.name: row for row in self.constraints}

    def column(self, variable: str) -> dict[str, Number]:
        """The non-zero coefficients of a variable, by constraint name; ValueError if there is no such variable."""
        one_of(variable, "variable", self._position)
        return {
            row.name: row.coefficients[variable] for row in self.constraints if row.coefficients.get(variable, 0) != 0
        }

    def group(self, label: str) -> tuple[Constraint, ...]:
        """The constraints whose name starts with `label` and a colon, in order."""
        require(str, label=label)
        return tuple(row for row in self.constraints if row.group == label)

    def with_rhs(self, values: Mapping[str, Number]) -> LinearProgram:
        """The same program with other right-hand sides, by constraint name; ValueError if a name is unknown."""
        require(Mapping, values=values)
        if unknown := values.keys() - self._rows.keys():
            raise ValueError(f"there is no constraint named {min(unknown)!r}")
        program = copy.copy(self)  # so that the matrix, once built, is shared
        rows = tuple(replace(row, rhs=values[row.name]) if row.name in values else row for row in self.constraints)
        object.__setattr__(program, "constraints", rows)
        program.__dict__.pop("_rows", None)
        return program

    def with_constraints(self, *rows: Constraint) -> LinearProgram:
        """The same program with more constraints; ValueError if a name stands there twice or a variable is unknown.

        >>> coin = LinearProgram(("heads", "tails"), {}, (Constraint("total", {"heads": 1, "tails": 1}, 1),))
        >>> len(coin.with_constraints(Constraint("bias", {"heads": 1}, Fraction(1, 3))).constraints)
        2
        """
        for row in rows:
            require(Constraint, rows=row)
        return replace(self, constraints=(*self.constraints, *rows))

    @cached_property
    def _exact_columns(self) -> list[dict[int, Fraction]]:
        """For each variable its non-zero coefficients, by constraint index."""
        columns: list[dict[int, Fraction]] = [{} for _ in self.variables]
        for i, row in enumerate(self.constraints):
            for variable, coefficient in row.coefficients.items():
                if coefficient != 0:
                    what = "" if type(coefficient) is int else f"the coefficient of {variable!r} in {row.name!r}"
                    columns[self._position[variable]][i] = _fraction(coefficient, what)
        return columns

    @cached_property
    def _exact_costs(self) -> list[Fraction]:
        return [_fraction(self.objective.get(v, 0), f"the cost of {v!r}") for v in self.variables]


def charnes_cooper(program: LinearProgram, denominator: Mapping[str, Number]) -> LinearProgram:
    """The linear program whose optimum is that of objective·q / denominator·q, over all q with a positive denominator.

    Its variables are s = t q, and t = 1/(denominator·q) under the name "scale": A s = t b, denominator·s = 1. The
    right-hand sides should be rational. It is infeasible where the denominator vanishes for all q, and unbounded where
    the quotient is; the feasible q are assumed to be bounded. Charnes & Cooper (1962).
    ``ValueError`` for an unknown variable, or a right-hand side that is no rational number.

    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, 1),
    ...                                                         Constraint("bias", {"heads": 1}, Fraction(1, 4))))
    >>> certificate(charnes_cooper(coin, {"tails": 1})).value
    1/3
    """
    require(LinearProgram, program=program)
    require(Mapping, denominator=denominator)
    rows = []
    for row in program.constraints:
        scaled = -_fraction(row.rhs, f"the right-hand side of {row.name!r}")
        rows.append(Constraint(row.name, {**row.coefficients, "scale": scaled} if scaled else row.coefficients, 0))
    return LinearProgram(
        (*program.variables, "scale"), program.objective, (*rows, Constraint("denominator", denominator, 1))
    )


def _refuse_duplicates(kind: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two {kind}s are named {name!r}; names must differ")
        seen.add(name)


def _check_coefficients(where: str, coefficients: Mapping[str, Number], known: Mapping[str, int]) -> None:
    for variable, value in coefficients.items():
        if variable not in known:
            raise ValueError(f"{where} mentions {variable!r}, which is not a variable of the program")
        if type(value) is not int:
            _fraction(value, f"the coefficient of {variable!r} in {where}")


def _check_rhs(row: Constraint) -> None:
    value = row.rhs
    if _is_float(value) or not isinstance(value, int | Fraction):
        finite = math.isfinite(value) if _is_float(value) else number(value).is_finite is not False
        if not finite or value is sympy.nan:
            raise ValueError(f"the right-hand side of constraint {row.name!r} is {value}; it must be finite")


# --- solving ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Solution:
    """An optimum in floating point: its value, q by variable, and the multipliers y by constraint name.

    `dual[name]` is the rate at which the value grows with the right-hand side of that constraint.
    """

    value: float
    primal: Mapping[str, float]
    dual: Mapping[str, float]


def solve(program: LinearProgram, sense: Sense = "min") -> Solution:
    """The optimum in floating point, by the simplex method of HiGHS.

    Raises :class:`Infeasible` with a verified certificate, :class:`Unbounded` with a direction, ValueError if a
    right-hand side is symbolic.

    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, 1),))
    >>> solve(coin, "max")
    Solution(value=1.0, primal={'heads': 1.0, 'tails': 0.0}, dual={'total': 1.0})
    """
    require(LinearProgram, program=program)
    sign = _sign(sense)
    try:
        found = _run_highs(program, sense)
    except _NoAnswerError:
        y, primal = _exact_optimum(program, sign, _residuals(program))
        if primal is None:
            raise
        q = np.array([float(primal.get(variable, 0)) for variable in program.variables])
        value, duals = float(program.costs @ q), np.array([float(multiplier) for multiplier in y])
    else:
        value, q, duals = found.value, found.primal, found.dual
    return Solution(
        value=value,
        primal=dict(zip(program.variables, map(float, q), strict=True)),
        dual={row.name: float(multiplier) + 0.0 for row, multiplier in zip(program.constraints, duals, strict=True)},
    )


def _sign(sense: Sense) -> int:
    if sense not in ("min", "max"):
        raise ValueError(f'sense is {sense!r}; it must be "min" or "max"')
    return 1 if sense == "min" else -1


class _NoAnswerError(ArithmeticError):
    """HiGHS found no optimum, nor a reason why there is none that stands up to exact arithmetic."""


@dataclass(frozen=True)
class _Optimum:
    """HiGHS's optimum: basis (j for the j-th variable, n + i for the residual of constraint i), q and y."""

    basis: list[int]
    value: float
    primal: Floats
    dual: Floats


class _SilentHighs(highspy.Highs):  # type: ignore[misc]
    """HiGHS that prints nothing: since 1.16 what its constructor calls prints who it is, unless told before."""

    def enableCallbacks(self) -> bool:  # noqa: N802
        self.setOptionValue("output_flag", False)
        return bool(super().enableCallbacks())


def _run_highs(program: LinearProgram, sense: Sense) -> _Optimum:
    """The optimum by HiGHS; a maximum is found as the minimum of the negated objective."""
    sign, scale = _sign(sense), _Scale.of(program)
    A = program.matrix * scale.rows[:, None] * scale.columns
    b = [_float(row.rhs, f"the right-hand side of {row.name!r}") for row in program.constraints]
    where = A.T.nonzero()
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = A.shape
    model.col_cost_ = sign * program.costs * scale.columns * scale.costs
    model.col_lower_, model.col_upper_ = np.zeros(A.shape[1]), np.full(A.shape[1], np.inf)
    model.row_lower_ = model.row_upper_ = np.array(b) * scale.rows
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.searchsorted(where[0], np.arange(A.shape[1] + 1))
    model.a_matrix_.index_, model.a_matrix_.value_ = where[1], A.T[where]
    engine = _SilentHighs()
    for option, setting in {"presolve": "off", "primal_feasibility_tolerance": FEASIBILITY}.items():
        engine.setOptionValue(option, setting)
    engine.passModel(model)
    engine.run()
    status = engine.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        raise _infeasible(program)
    if status == highspy.HighsModelStatus.kUnbounded:
        raise _unbounded(program, sense)
    if status != highspy.HighsModelStatus.kOptimal:
        raise _NoAnswerError(f"HiGHS stopped without an optimum: {engine.modelStatusToString(status)}")
    solution, basis = engine.getSolution(), engine.getBasis()
    return _Optimum(
        [j for j, s in enumerate([*basis.col_status, *basis.row_status]) if s == highspy.HighsBasisStatus.kBasic],
        sign * float(engine.getInfo().objective_function_value) / scale.costs,
        np.array(solution.col_value) * scale.columns,
        sign * np.array(solution.row_dual) * scale.rows / scale.costs,
    )


def _infeasible(program: LinearProgram) -> ArithmeticError:
    """What to raise where HiGHS says that nothing satisfies the constraints: with a proof, or else as no answer."""
    try:
        return Infeasible(farkas_certificate(program))
    except ValueError:
        return _NoAnswerError("HiGHS takes the constraints for contradictory, but they are not")


@dataclass(frozen=True)
class _Scale:
    """Powers of two by which rows, columns and costs are multiplied, so that numbers far apart come together.

    HiGHS takes coefficients below 1e-9 for zero and refuses those above 1e15. Ordinary programs stay as they are.
    """

    rows: Floats
    columns: Floats
    costs: float

    @classmethod
    def of(cls, program: LinearProgram) -> _Scale:
        sizes = np.abs(program.matrix)
        rows, columns = np.ones(sizes.shape[0]), np.ones(sizes.shape[1])
        if _ordinary(sizes) and _ordinary(program.costs):
            return cls(rows, columns, 1.0)
        for _ in range(6):  # passes of geometric scaling
            scaled = sizes * rows[:, None] * columns
            rows = rows * _to_one(scaled)
            scaled = sizes * rows[:, None] * columns
            columns = columns * _to_one(scaled.T)
        return cls(rows, columns, float(_to_one((np.abs(program.costs) * columns)[None])[0]))


def _ordinary(values: Floats) -> bool:
    nonzero = np.abs(values[values != 0])
    return bool(np.all((nonzero > 1e-4) & (nonzero < 1e4)))


def _to_one(sizes: Floats) -> Floats:
    """For each row the power of two that brings its non-zero entries closest to one, by their extreme sizes."""
    largest = sizes.max(axis=1, initial=0)
    smallest = np.where(sizes > 0, sizes, np.inf).min(axis=1, initial=np.inf)
    middle = np.where(largest > 0, np.sqrt(largest) * np.sqrt(np.where(largest > 0, smallest, 1)), 1)
    return np.asarray(np.exp2(-np.round(np.log2(middle))))


def _unbounded(program: LinearProgram, sense: Sense) -> ArithmeticError:
    """What to raise where HiGHS says that the objective has no bound: with an exact direction, or else as no answer."""
    try:
        return Unbounded(_improving_ray(program, sense))
    except Infeasible:
        return _NoAnswerError("HiGHS takes the objective for unbounded, but it is not")


def _improving_ray(program: LinearProgram, sense: Sense) -> dict[str, float]:
    """A direction d ≥ 0 with A d = 0, exactly, along which the objective improves at unit rate."""
    rows = tuple(replace(row, rhs=0) for row in program.constraints)
    rate = Constraint("rate of improvement", program.objective, -_sign(sense))
    ray = certificate(LinearProgram(program.variables, {}, (*rows, rate))).primal
    return {variable: float(speed) for variable, speed in (ray or {}).items()}


# --- certificates ----------------------------------------------------------------------------------------------------


def combine(program: LinearProgram, multipliers: Multipliers) -> Any:
    """The combination b·y of the right-hand sides, as an exact SymPy expression (floats read as dyadic rationals).

    Raises CertificateError if a multiplier belongs to no constraint of the program.

    >>> t = sympy.Symbol("t")
    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, t),))
    >>> combine(coin, {"total": Fraction(1, 2)})
    t/2
    """
    require(LinearProgram, program=program)
    require(Mapping, multipliers=multipliers)
    if unknown := multipliers.keys() - program._rows.keys():
        raise CertificateError(f"the program has no constraint named {min(unknown)!r}")
    terms = [
        sympy.Rational(_fraction(y, f"the multiplier of {name!r}"))
        * _exact(program._rows[name].rhs, f"the rhs of {name!r}")
        for name, y in multipliers.items()
    ]
    return sympy.expand(sympy.Add(*terms))


def _reduced_costs(program: LinearProgram, multipliers: Multipliers) -> Iterator[Fraction]:
    """c - Aᵀy, variable by variable."""
    y = {i: multipliers[row.name] for i, row in enumerate(program.constraints) if row.name in multipliers}
    for cost, column in zip(program._exact_costs, program._exact_columns, strict=True):
        yield cost - sum((a * y[i] for i, a in column.items() if i in y), Fraction(0))


@dataclass(frozen=True)
class Certificate:
    """Proof of a bound: `multipliers` y with Aᵀy ≤ c (≥ c for a maximum), so that b·y = `value` bounds the optimum.

    `primal` (by variable, zeros left out) is an exact feasible point of that same value, so that the bound is the
    optimum; it is None where the right-hand sides are symbolic or floating-point.
    """

    sense: Sense
    multipliers: Multipliers
    value: Any
    primal: Mapping[str, Any] | None = None

    @property
    def is_optimal(self) -> bool:
        """Whether the value is proved from both sides."""
        return self.primal is not None

    def verify(self, program: LinearProgram) -> None:
        """Verify everything in exact arithmetic; CertificateError naming what is violated."""
        require(LinearProgram, program=program)
        sign = _sign(self.sense)
        relation = "≤" if sign > 0 else "≥"
        for variable, slack in zip(program.variables, _reduced_costs(program, self.multipliers), strict=True):
            if sign * slack < 0:
                cost = program.objective.get(variable, 0)
                raise CertificateError(f"dual inequality of {variable!r}: {cost - slack} {relation} {cost} is violated")
        _check_equal("the value", self.value, combine(program, self.multipliers))
        if self.primal is not None:
            _check_primal(program, self.primal, self.value)


def _check_equal(what: str, claimed: Any, actual: Any) -> None:
    difference = sympy.expand(number(claimed) - actual)
    if difference.free_symbols or exact_sign(difference) != 0:
        raise CertificateError(f"{what} is claimed to be {claimed}, but it is {actual}")


def _check_primal(program: LinearProgram, primal: Mapping[str, Any], value: Any) -> None:
    for variable, amount in primal.items():
        if variable not in program._position:
            raise CertificateError(f"the program has no variable named {variable!r}")
        if exact_sign(amount) < 0:
            raise CertificateError(f"primal inequality: {variable!r} = {amount} is negative")
    for row in program.constraints:
        total = sympy.Add(*[_exact(a, "a coefficient") * primal[v] for v, a in row.coefficients.items() if v in primal])
        _check_equal(f"constraint {row.name!r}", _exact(row.rhs, "its right-hand side"), total)
    _check_equal(
        "the objective", value, sympy.Add(*[primal[v] * c for v, c in program.objective.items() if v in primal])
    )


@dataclass(frozen=True)
class FarkasCertificate:
    """Proof of infeasibility: `multipliers` y with Aᵀy ≤ 0, although b·y = `violation` > 0."""

    multipliers: Multipliers
    violation: Any

    def __str__(self) -> str:
        terms = " ".join(f"{'-' if y < 0 else '+'} {abs(y)}·[{name}]" for name, y in self.multipliers.items())
        return f"the combination {terms} has no positive coefficient, but its right-hand side is {self.violation} > 0"

    def verify(self, program: LinearProgram) -> None:
        """Verify in exact arithmetic; CertificateError naming what is violated."""
        require(LinearProgram, program=program)
        homogeneous = replace(program, objective={})
        Certificate("min", self.multipliers, self.violation).verify(homogeneous)
        if exact_sign(self.violation) <= 0:
            raise CertificateError(f"the combined right-hand side is {self.violation}; it must be positive")


def certificate(program: LinearProgram, sense: Sense = "min") -> Certificate:
    """The optimum, proved: the dual solution in rationals, verified, with an exact optimal point where b is exact.

    HiGHS finds an optimal basis; its linear systems are then solved exactly (FLINT). Should rounding have led HiGHS to
    a basis that is not quite optimal, or to none, exact simplex steps (Bland's rule) mend it: dual ones where the basis
    is dual feasible, else primal ones. The value is a SymPy expression. Raises what :func:`solve` raises.

    >>> half = sympy.sqrt(2) / 2
    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, half),))
    >>> certificate(coin, "max")
    Certificate(sense='max', multipliers={'total': Fraction(1, 1)}, value=sqrt(2)/2, primal={'heads': sqrt(2)/2})
    """
    require(LinearProgram, program=program)
    y, primal = _exact_optimum(program, _sign(sense), _proposed_basis(program, sense))
    multipliers = {row.name: value for row, value in zip(program.constraints, y, strict=True) if value}
    proof = Certificate(sense, multipliers, combine(program, multipliers), primal)
    proof.verify(program)
    return proof


def _proposed_basis(program: LinearProgram, sense: Sense) -> list[int]:
    """HiGHS's optimal basis, or where it has none that of the residuals."""
    try:
        return _run_highs(program, sense).basis
    except _NoAnswerError:
        return _residuals(program)


def _residuals(program: LinearProgram) -> list[int]:
    """The basis in which every variable is zero."""
    return [len(program.variables) + i for i in range(len(program.constraints))]


def farkas_certificate(program: LinearProgram) -> FarkasCertificate:
    """The proof that a program is infeasible, verified; ValueError if it is feasible.

    The constraints it names are irreducible: without any one of them the others can be satisfied (as far as floating
    point can tell), so that the multipliers are unique up to a factor; they are coprime integers.

    >>> rows = Constraint("total", {"heads": 1, "tails": 1}, 1), Constraint("bias", {"heads": 1}, 2)
    >>> farkas_certificate(LinearProgram(("heads", "tails"), {}, rows))
    FarkasCertificate(multipliers={'total': Fraction(-1, 1), 'bias': Fraction(1, 1)}, violation=1)
    """
    require(LinearProgram, program=program)
    proof = certificate(_phase_one(program))
    if exact_sign(proof.value) == 0:
        raise ValueError("the program is feasible: no combination of its constraints is contradictory")
    core = replace(program, constraints=tuple(row for row in program.constraints if row.name in proof.multipliers))
    size = max(abs(rounded(row.rhs)) for row in core.constraints)  # a contradiction is as small as what it is about
    for row in core.constraints:
        smaller = replace(core, constraints=tuple(other for other in core.constraints if other is not row))
        if solve(_phase_one(smaller)).value > FEASIBILITY * size:
            core = smaller
    multipliers = certificate(_phase_one(core)).multipliers
    integers = dict(zip(multipliers, map(Fraction, _primitive(list(multipliers.values()))), strict=True))
    result = FarkasCertificate(integers, combine(program, integers))
    result.verify(program)
    return result


def is_feasible(program: LinearProgram) -> bool:
    """Whether any q ≥ 0 satisfies the constraints; either answer is proved, by such a q or by a contradiction.

    Raises ``ValueError`` if a right-hand side is rounded or symbolic, as nothing is proved of such.

    >>> total = Constraint("total", {"heads": 1, "tails": 1}, 1)
    >>> coin = LinearProgram(("heads", "tails"), {}, (total,))
    >>> is_feasible(coin), is_feasible(coin.with_constraints(Constraint("bias", {"heads": 1}, 2)))
    (True, False)
    """
    require(LinearProgram, program=program)
    if not program.is_exact:
        raise ValueError("program: its right-hand sides should be exact numbers, without rounding or symbols")
    try:
        return certificate(replace(program, objective={})).is_optimal
    except Infeasible:
        return False


def _phase_one(program: LinearProgram) -> LinearProgram:
    """Minimise the total amount Σ|A q - b| by which q misses the constraints; always feasible, zero if `program` is."""
    rows, names = [], []
    for row in program.constraints:
        excess, shortfall = f"excess of {row.name}", f"shortfall of {row.name}"
        names += [excess, shortfall]
        rows.append(replace(row, coefficients={**row.coefficients, excess: -1, shortfall: 1}))
    return LinearProgram((*program.variables, *names), dict.fromkeys(names, 1), tuple(rows))


def _exact_optimum(program: LinearProgram, sign: int, basis: list[int]) -> tuple[list[Fraction], dict[str, Any] | None]:
    """From any basis: the exact multipliers of an optimal one and, where b is exact, the exact optimal point.

    The basis has one index for each constraint: j for the j-th variable, or n + i for the residual of constraint i,
    which must vanish. A basis that is neither dual nor primal feasible is led to a primal feasible one first, by dual
    steps for the objective zero. Where b is rounded, what rounding made negative counts as zero.
    """
    costs = program._exact_costs
    at = _Basis.at(program, basis, costs)
    if at.entering(sign) is not None:
        if program.is_exact and at.leaving_wrong() is not None:
            at = _dual_simplex(_Basis.at(program, at.basis, [Fraction(0)] * len(costs)), sign)
        at = _primal_simplex(_Basis.at(program, at.basis, costs), sign)
    if not program.is_exact:
        return at.multipliers, None
    at = _dual_simplex(at, sign)
    n = len(program.variables)
    point = {program.variables[j]: t for j, t, s in zip(at.basis, at.amounts, at.signs, strict=True) if s and j < n}
    return at.multipliers, point


@dataclass(frozen=True)
class _Basis:
    """A basis with its inverse, and for given costs its multipliers."""

    program: LinearProgram
    basis: list[int]
    costs: list[Fraction]
    inverse: flint.fmpq_mat
    multipliers: list[Fraction]

    @classmethod
    def at(cls, program: LinearProgram, basis: list[int], costs: list[Fraction]) -> _Basis:
        n, m = len(program.variables), len(program.constraints)
        matrix, prices = flint.fmpq_mat(m, m), flint.fmpq_mat(1, m)
        for k, j in enumerate(basis):
            for i, a in program._exact_columns[j].items() if j < n else [(j - n, Fraction(1))]:
                matrix[i, k] = flint.fmpq(a.numerator, a.denominator)
            if j < n:
                prices[0, k] = flint.fmpq(costs[j].numerator, costs[j].denominator)
        inverse = matrix.inv()
        return cls(program, basis, costs, inverse, [_from_flint(a) for a in (prices * inverse).entries()])

    @cached_property
    def lines(self) -> list[list[Fraction]]:
        """The rows of the inverse."""
        return [[_from_flint(a) for a in line] for line in self.inverse.table()]

    def exchanged(self, k: int, j: int) -> _Basis:
        return _Basis.at(self.program, [*self.basis[:k], j, *self.basis[k + 1 :]], self.costs)

    @cached_property
    def amounts(self) -> list[Any]:
        """The exact values of the basic variables and residuals."""
        b = [_exact(row.rhs, f"the right-hand side of {row.name!r}") for row in self.program.constraints]
        if all(t.is_Rational for t in b):
            column = flint.fmpq_mat(len(b), 1, [flint.fmpq(int(t.p), int(t.q)) for t in b])
            return [sympy.Rational(int(a.p), int(a.q)) for a in (self.inverse * column).entries()]
        return [
            sympy.expand(sympy.Add(*[sympy.Rational(a) * t for a, t in zip(line, b, strict=True) if a]))
            for line in self.lines
        ]

    @cached_property
    def signs(self) -> list[int]:
        return [exact_sign(amount) for amount in self.amounts]

    def is_residual(self, k: int) -> bool:
        return self.basis[k] >= len(self.program.variables)

    def leaving_wrong(self) -> int | None:
        """The place of a negative variable or a residual that is not zero, by Bland's rule."""
        wrong = [(j, k) for k, (j, s) in enumerate(zip(self.basis, self.signs, strict=True))
                 if s < 0 or (s and self.is_residual(k))]  # fmt: skip
        return min(wrong)[1] if wrong else None

    def slack(self, j: int) -> Fraction:
        column = self.program._exact_columns[j]
        return self.costs[j] - sum((a * self.multipliers[i] for i, a in column.items()), Fraction(0))

    def entering(self, sign: int) -> int | None:
        """The first variable whose increase improves the objective; None for a dual feasible basis."""
        return next((j for j in range(len(self.costs)) if sign * self.slack(j) < 0), None)

    def along(self, line: list[Fraction], j: int) -> Fraction:
        return sum((a * line[i] for i, a in self.program._exact_columns[j].items()), Fraction(0))


def _dual_simplex(at: _Basis, sign: int) -> _Basis:
    """Dual simplex steps from a dual feasible basis until no variable is negative and every residual zero."""
    while (k := at.leaving_wrong()) is not None:
        line = [-at.signs[k] * a for a in at.lines[k]]
        rates = ((at.along(line, j), j) for j in range(len(at.costs)))
        ratios = [(sign * at.slack(j) / -rate, j) for rate, j in rates if rate < 0]
        if not ratios:
            raise Infeasible(farkas_certificate(at.program))
        at = at.exchanged(k, min(ratios)[1])
    return at


def _primal_simplex(at: _Basis, sign: int) -> _Basis:
    """Primal simplex steps from a primal feasible basis until no variable's increase improves the objective."""
    while (j := at.entering(sign)) is not None:
        rates = [at.along(line, j) for line in at.lines]
        best: tuple[Any, int, int] | None = None
        for k, rate in enumerate(rates):
            if rate > 0 or (rate and at.is_residual(k)):
                ratio = 0 if at.signs[k] < 0 or at.is_residual(k) else at.amounts[k] / sympy.Rational(rate)
                order = 0 if best is None else exact_sign(ratio - best[0])
                if best is None or order < 0 or (order == 0 and at.basis[k] < best[1]):
                    best = (ratio, at.basis[k], k)
        if best is None:
            raise Unbounded(_improving_ray(at.program, "min" if sign > 0 else "max"))
        at = at.exchanged(best[2], j)
    return at


def _from_flint(number: flint.fmpq) -> Fraction:
    return Fraction(int(number.p), int(number.q))


# --- vertices --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DualPolyhedron:
    """{y : Aᵀy ≤ c} (≥ c for a maximum) = conv(vertices) + cone(rays) + span(lineality), each y by constraint name.

    Vertices and rays are those of the section in which the multipliers of redundant rows of A are zero; they stand for
    their classes modulo the lineality space {y : Aᵀy = 0}. Rays and lineality vectors are primitive integer vectors."""

    vertices: tuple[Multipliers, ...]
    rays: tuple[Multipliers, ...]
    lineality: tuple[Multipliers, ...]


def dual_vertices(program: LinearProgram, sense: Sense = "min") -> DualPolyhedron:
    """All vertices and extreme rays of the dual polyhedron, modulo its lineality space, in exact arithmetic.

    They are the extreme rays of the cone over it, found by :func:`qlib.numbers.polyhedra.extreme_rays`, which raises
    ``ValueError`` where there are too many. The order is lexicographic.

    >>> coin = LinearProgram(("heads", "tails"), {"heads": 1}, (Constraint("total", {"heads": 1, "tails": 1}, 1),))
    >>> dual_vertices(coin, "max")
    DualPolyhedron(vertices=({'total': Fraction(1, 1)},), rays=({'total': Fraction(1, 1)},), lineality=())
    """
    require(LinearProgram, program=program)
    sign, rows = _sign(sense), program.constraints
    transposed = [[column.get(i, Fraction(0)) for i in range(len(rows))] for column in program._exact_columns]
    free, lineality = _independent_rows(transposed, len(rows))
    if not free:
        raise ValueError("every coefficient of the constraints is zero, so the dual has neither vertices nor rays")
    cone = [[1] + [0] * len(free)]  # of all (t, y) with t ≥ 0 and Aᵀy ≤ t c
    for line, cost in zip(transposed, program._exact_costs, strict=True):
        cone.append(list(_primitive([sign * cost] + [-line[i] for i in free])))
    vertices: list[list[Fraction]] = []
    rays: list[list[Fraction]] = []
    for t, *y in extreme_rays(np.array(cone, dtype=object)).tolist():
        (vertices if t else rays).append([Fraction(a, t or 1) for a in y])

    def named(vectors: Iterable[Sequence[Fraction]], indices: Sequence[int], factor: int) -> tuple[Multipliers, ...]:
        return tuple(
            {rows[i].name: factor * value for i, value in zip(indices, vector, strict=True) if value}
            for vector in sorted(map(tuple, vectors))
        )

    return DualPolyhedron(named(vertices, free, sign), named(rays, free, sign), named(lineality, range(len(rows)), 1))


def _primitive(vector: Sequence[Fraction]) -> tuple[int, ...]:
    """The positive multiple of a rational vector that is integer with greatest common divisor one."""
    scale = Fraction(math.lcm(*(a.denominator for a in vector)), 1)
    integers = [int(a * scale) for a in vector]
    divisor = math.gcd(*integers) or 1
    return tuple(a // divisor for a in integers)


def _independent_rows(transposed: list[list[Fraction]], m: int) -> tuple[list[int], list[tuple[Fraction, ...]]]:
    """Which of the m rows of A are independent of those before them, and a basis of {y : Aᵀy = 0}."""
    echelon, rank = flint.fmpz_mat([_primitive(line) for line in transposed]).rref()[::2]
    reduced = [list(map(int, line)) for line in echelon.table()[:rank]]
    pivots = [next(i for i, a in enumerate(line) if a) for line in reduced]
    lineality = []
    for k in sorted(set(range(m)) - set(pivots)):
        vector = [Fraction(0)] * m
        vector[k] = Fraction(1)
        for i, line in zip(pivots, reduced, strict=True):
            vector[i] = Fraction(-line[k], line[i])
        lineality.append(tuple(map(Fraction, _primitive(vector))))
    return pivots, lineality
