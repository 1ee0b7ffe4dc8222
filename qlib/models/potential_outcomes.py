r"""Potential outcomes in the instrumental scenario: assumptions, Wang and Zhang's linear program (11), and joint laws.

An instrument Z acts on a treatment X, which acts on an outcome Y; all three are binary. What is observed is a behaviour
p[x, y, z] = P(X=x, Y=y | Z=z), always in this index order. Potential outcomes Y(x,z) are the values that Y would have
if X were set to x and Z to z; an array `law[x, y00, y01, y10, y11, z]` holds the joint probabilities
P(X=x, Y(0,0)=y00, Y(0,1)=y01, Y(1,0)=y10, Y(1,1)=y11, Z=z).

The assumptions about them, each a member of :class:`Assumption`:

* joint exogeneity: Z is independent of the quadruple (Y(0,0), Y(0,1), Y(1,0), Y(1,1));
* marginal exogeneity: Z is independent of each single Y(x,z);
* stratified exclusion: Y(x,1) and Y(x,0) have the same distribution given X and Z;
* individual exclusion: Y(x,1) = Y(x,0) with certainty.

Joint exogeneity implies marginal exogeneity, and individual exclusion implies stratified exclusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import sympy

from qlib.numbers.arguments import numbers, real_number, reals, several, table, whole
from qlib.numbers.exact_arrays import Array, Undecided, coincide, exact_sign, negligible, number, vanishes, zeros
from qlib.numbers.linear_programs import Constraint, LinearProgram, Multipliers

__all__ = [
    "POINTS",
    "REDUCED_POINTS",
    "SINGLE_WORLD_POINTS",
    "Assumption",
    "Point",
    "ReducedPoint",
    "Reduction",
    "SingleWorldPoint",
    "average_causal_effect",
    "balke_pearl_program",
    "behaviour_symbols",
    "couple",
    "hypothetical_constraints",
    "instrumental_behaviour",
    "is_jointly_exogenous",
    "is_marginally_exogenous",
    "law_from_solution",
    "law_of_response_types",
    "law_with_marginal_exogeneity_only",
    "law_with_stratified_exclusion_only",
    "observed_behaviour",
    "potential_outcome_program",
    "reduction",
    "response_type_program",
    "satisfies_individual_exclusion",
    "satisfies_stratified_exclusion",
    "single_world_program",
]

PROBABILITY_TOLERANCE = 1e-9  # of sums that are one and inequalities between them; exact ones are decided exactly


class Assumption(StrEnum):
    """What may be assumed about the potential outcomes."""

    JOINT_EXOGENEITY = "joint exogeneity"
    MARGINAL_EXOGENEITY = "marginal exogeneity"
    STRATIFIED_EXCLUSION = "stratified exclusion"
    INDIVIDUAL_EXCLUSION = "individual exclusion"


JE, ME, SE, IE = Assumption


# --- behaviours ------------------------------------------------------------------------------------------------------


def instrumental_behaviour(p: Any, tolerance: float = PROBABILITY_TOLERANCE) -> Array:
    """The behaviour(s) p[..., x, y, z] as an array, validated.

    Numbers come back as float64; an array that holds exact numbers (SymPy, Fraction; dtype object) comes back as an
    object array of SymPy numbers and is compared exactly, without the tolerance. Raises ValueError naming the entry,
    its value and what would be right: shape (..., 2, 2, 2), finite, ≥ 0, and sum over x and y equal to 1 for each z.

    >>> instrumental_behaviour([[[0.5, 0.1], [0.0, 0.2]], [[0.5, 0.3], [0.0, 0.5]]])
    Traceback (most recent call last):
    ValueError: the entries p[:, :, z=1] sum to 1.1; they must sum to 1 for each z
    """
    real_number(tolerance, "tolerance")
    array = _as_numbers(p)
    if array.shape[-3:] != (2, 2, 2):
        raise ValueError(f"p has shape {array.shape}; it must be (..., 2, 2, 2), indexed [..., x, y, z]")
    if array.dtype == object:
        _check_entries(array, 0)
    elif not _is_plausible(array, tolerance):
        _check_entries(array, tolerance)
    return array


def _is_plausible(array: Array, tolerance: float, chunk: int = 2048) -> bool:
    """Whether all is right with floating-point behaviours, tested fast (NaN fails every comparison)."""
    flat, sums = array.reshape(-1, 8), np.tile(np.eye(2), (4, 1))
    parts = (flat[start : start + chunk] for start in range(0, len(flat), chunk))
    return all(
        part.min() >= -tolerance and part.max() < np.inf and np.abs(part @ sums - 1).max() <= tolerance
        for part in parts
    )


def _as_numbers(p: Any, name: str = "p") -> Array:
    array = numbers(p, name)
    if array.dtype == object:
        array = np.array([_number(t) for t in array.flat], dtype=object).reshape(array.shape)
        if not any(isinstance(t, float) for t in array.flat):
            return array
    return reals(array, name)


def _number(value: Any) -> Any:
    """A number as a float if it is rounded, else as SymPy's; ``ValueError`` for a text or anything else."""
    rounded = isinstance(value, float | np.floating) or (isinstance(value, sympy.Expr) and value.has(sympy.Float))
    return float(value) if rounded else number(value)


def _check_entries(array: Array, tolerance: float) -> None:
    """Raise the ValueError that names the first entry, or the first sum, that is wrong."""
    for index in np.ndindex(array.shape):
        *batch, x, y, z = index
        _check_probability(f"p[{', '.join([*map(str, batch), f'{x=}', f'{y=}', f'{z=}'])}]", array[index], tolerance)
    for (*batch, z), total in np.ndenumerate(array.sum(axis=(-3, -2))):
        if exact_sign(abs(total - 1) - tolerance) > 0:
            where = ", ".join([*map(str, batch), ":", ":", f"{z=}"])
            raise ValueError(f"the entries p[{where}] sum to {total}; they must sum to 1 for each z")


def _check_probability(where: str, value: Any, tolerance: float) -> None:
    if _sign(value + tolerance) < 0:
        raise ValueError(f"{where} = {value}; a probability must be a finite real number, at least 0")


def _law_of_shape(value: Any, name: str, shape: str) -> Array:
    """The argument as an array of bits' probabilities; `shape` is what a refusal calls it, such as "(2, 2), …"."""
    array = _as_numbers(value, name)
    if array.shape != (2,) * shape.count("2"):
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
    for index, entry in np.ndenumerate(array):
        where = f"{name}[{', '.join(map(str, index))}]"
        _check_probability(where, entry, 0 if array.dtype == object else PROBABILITY_TOLERANCE)
    return array


def _sign(value: Any) -> int:
    """The sign of a real number, exact or not; negative for what is no real number, which no probability is."""
    try:
        return exact_sign(value)
    except Undecided:
        raise
    except ValueError:
        return -1


def behaviour_symbols() -> Array:
    """The array p[x, y, z] of SymPy symbols p(xy|z), written as in Wang and Zhang's eq. (13).

    >>> behaviour_symbols()[0, 1, 0]
    p(01|0)
    """
    names = [sympy.Symbol(f"p({x}{y}|{z})") for x, y, z in product((0, 1), repeat=3)]
    return np.array(names, dtype=object).reshape(2, 2, 2)


# --- Wang and Zhang's linear program (11) -----------------------------------------------------------------------------


class Point(NamedTuple):
    """One value of (X, Y(0,0), Y(0,1), Y(1,0), Y(1,1), Z)."""

    x: int
    y00: int
    y01: int
    y10: int
    y11: int
    z: int

    def outcome(self, x: int, z: int) -> int:
        """The value of Y(x,z)."""
        x, z = whole(x, "x", 0, 1), whole(z, "z", 0, 1)
        return self[1 + 2 * x + z]

    @property
    def name(self) -> str:
        """The name of the variable q[x,y00,y01,y10,y11|z]."""
        return f"q[{','.join(map(str, self[:5]))}|{self.z}]"


POINTS = tuple(Point(*values) for values in product((0, 1), repeat=6))


def _row(name: str, coefficients: Mapping[Any, int], rhs: Any = 0) -> Constraint:
    return Constraint(name, {point.name: int(k) for point, k in coefficients.items() if k}, rhs)


def _joint_exogeneity() -> list[Constraint]:
    return [
        _row(
            f"{JE}: Y(0,0)={a}, Y(0,1)={b}, Y(1,0)={c}, Y(1,1)={d}",
            {v: 1 - 2 * v.z for v in POINTS if v[1:5] == (a, b, c, d)},
        )
        for a, b, c, d in product((0, 1), repeat=4)
    ]


def _marginal_exogeneity() -> list[Constraint]:
    return [
        _row(f"{ME}: Y({x},{z})=1", {v: 1 - 2 * v.z for v in POINTS if v.outcome(x, z) == 1})
        for x, z in product((0, 1), repeat=2)
    ]


def _stratified_exclusion(points: Iterable[Any] = POINTS) -> list[Constraint]:
    """P(X=x, Y(t,0)=t | Z=z) = P(X=x, Y(t,1)=t | Z=z): the half of eq. (10) that eq. (11) lists; the rest follows."""
    return [
        _row(
            f"{SE}: X={x}, Y({t},·)={t}, Z={z}",
            {v: (v.outcome(t, 0) == t) - (v.outcome(t, 1) == t) for v in points if (v.x, v.z) == (x, z)},
        )
        for t, x, z in product((0, 1), repeat=3)
    ]


def _individual_exclusion(points: Iterable[Any] = POINTS) -> list[Constraint]:
    return [
        _row(
            f"{IE}: Y({x},0)≠Y({x},1), Z={z}",
            {v: 1 for v in points if v.z == z and v.outcome(x, 0) != v.outcome(x, 1)},
        )
        for x, z in product((0, 1), repeat=2)
    ]


def _normalisation(points: Iterable[Any]) -> list[Constraint]:
    return [_row(f"normalisation: Z={z}", {v: 1 for v in points if v.z == z}, 1) for z in (0, 1)]


def _observation(points: Iterable[Any]) -> list[Constraint]:
    p = behaviour_symbols()
    return [
        _row(
            _observation_name(x, y, z),
            {v: 1 for v in points if (v.x, v.outcome(x, z), v.z) == (x, y, z)},
            p[x, y, z],
        )
        for z, x, y in product((0, 1), repeat=3)
    ]


def _observation_name(x: int, y: int, z: int) -> str:
    return f"observation: X={x}, Y={y}, Z={z}"


ROWS = {JE: _joint_exogeneity, ME: _marginal_exogeneity, SE: _stratified_exclusion, IE: _individual_exclusion}


def potential_outcome_program(
    p: Any = None,
    assumptions: Iterable[str] = (JE, SE),
    *,
    z: int = 0,
    probability_of_z1: Any = 0,
) -> LinearProgram:
    """Wang and Zhang's linear program (11): the average causal effect over all laws of the potential outcomes.

    Variables q[x,y00,y01,y10,y11|z] = P(X=x, Y(0,0)=y00, ..., Y(1,1)=y11 | Z=z), 64 of them, in lexicographic order.
    Constraints, grouped by name: the chosen assumptions, "normalisation" (8) and "observation" (5), the latter with
    right-hand side p[x, y, z]; p may hold SymPy symbols and is :func:`behaviour_symbols` if left out. The objective is
    E[Y(1,z) - Y(0,z)] under P(Z=1) = probability_of_z1; the defaults make it eq. (6), conditional on Z=0.

    Raises ValueError for an unknown assumption, an invalid p, a z other than 0 and 1, or a P(Z=1) outside [0, 1].

    >>> program = potential_outcome_program()
    >>> len(program.variables), len(program.constraints), len(program.group("joint exogeneity"))
    (64, 34, 16)
    >>> program.row("observation: X=1, Y=0, Z=1").rhs
    p(10|1)
    """
    whole(z, "z", 0, 1)
    w = _number(real_number(probability_of_z1, "probability_of_z1", 0, 1))
    if _sign(w) < 0 or _sign(1 - w) < 0:
        raise ValueError(f"P(Z=1) is {probability_of_z1}; it must lie between 0 and 1")
    return _observe(_potential_outcome_template(_parse(assumptions), z, w), p)


def _parse(assumptions: Iterable[str]) -> frozenset[Assumption]:
    chosen = [assumptions] if isinstance(assumptions, str) else several(assumptions, "assumptions")
    for name in chosen:
        if name not in list(Assumption):
            raise ValueError(
                f"assumptions: unknown assumption {name!r}; choose among {', '.join(map(repr, map(str, Assumption)))}"
            )
    return frozenset(map(Assumption, chosen))


@lru_cache(maxsize=64)
def _potential_outcome_template(assumptions: frozenset[Assumption], z: int, w: Any) -> LinearProgram:
    objective = {
        v.name: (w if v.z else 1 - w) * effect
        for v in POINTS
        if (effect := v.outcome(1, z) - v.outcome(0, z)) and exact_sign(w if v.z else 1 - w)
    }
    rows = [row for assumption in Assumption if assumption in assumptions for row in ROWS[assumption]()]
    return LinearProgram(
        tuple(v.name for v in POINTS), objective, (*rows, *_normalisation(POINTS), *_observation(POINTS))
    )


def _observe(template: LinearProgram, p: Any) -> LinearProgram:
    """The template with the numbers or expressions p[x, y, z] as right-hand sides of its observations."""
    if p is None:
        return template
    array = numbers(p, "p")
    symbolic = array.dtype == object and any(getattr(t, "free_symbols", None) for t in array.flat)
    if not symbolic:
        array = instrumental_behaviour(array)
    if array.shape != (2, 2, 2):
        raise ValueError(f"p has shape {array.shape}; one behaviour has shape (2, 2, 2), indexed [x, y, z]")
    return template.with_rhs({_observation_name(*index): array[index] for index in np.ndindex(2, 2, 2)})


def hypothetical_constraints(P: Any) -> tuple[Constraint, ...]:
    """The whole law (2) of the hypothetical experiments, as 32 constraints for program (11).

    P[z', x, x', y] is the probability that X = x' is recorded and Y = y is found if Z = z' and x is sent to Y in the
    place of X, in the order of :func:`qlib.quantum.born_rule`; P(X=x', Y(x,z)=y | Z=z') is to be that for both z.
    With x = x' these rows contain the observation (5), and those of z = 0 and 1 together stratified exclusion (10).
    Raises ValueError for another shape or an entry that is no probability.

    >>> rows = hypothetical_constraints(np.full((2, 2, 2, 2), sympy.Rational(1, 4)))
    >>> len(rows), rows[0].name, rows[0].rhs
    (32, 'hypothetical: Y(0,0)=0, X=0, Z=0', 1/4)
    """
    array = _law_of_shape(P, "P", "(2, 2, 2, 2), indexed [z', x, x', y]")
    return tuple(
        _row(
            f"hypothetical: Y({x},{z})={y}, X={seen}, Z={drawn}",
            {v: 1 for v in POINTS if (v.x, v.outcome(x, z), v.z) == (seen, y, drawn)},
            array[drawn, x, seen, y],
        )
        for x, z, seen, y, drawn in product((0, 1), repeat=5)
    )


# --- the treatment as a potential outcome, too ------------------------------------------------------------------------


class SingleWorldPoint(NamedTuple):
    """One value of (X(0), X(1), Y(0,0), Y(0,1), Y(1,0), Y(1,1), Z); the observed X is X(Z)."""

    x0: int
    x1: int
    y00: int
    y01: int
    y10: int
    y11: int
    z: int

    @property
    def x(self) -> int:
        """The treatment that is observed, X(Z)."""
        return self[self.z]

    def outcome(self, x: int, z: int) -> int:
        """The value of Y(x,z)."""
        x, z = whole(x, "x", 0, 1), whole(z, "z", 0, 1)
        return self[2 + 2 * x + z]

    @property
    def name(self) -> str:
        """The name of the variable q[x0,x1,y00,y01,y10,y11|z]."""
        return f"q[{','.join(map(str, self[:6]))}|{self.z}]"


SINGLE_WORLD_POINTS = tuple(SingleWorldPoint(*values) for values in product((0, 1), repeat=7))


def single_world_program(p: Any = None, exclusion: str = SE) -> LinearProgram:
    """The average causal effect under single-world exogeneity: no independence is about two worlds at once.

    Here the treatment has potential outcomes as well. Variables q[x0,x1,y00,y01,y10,y11|z], 128 of them, the law of
    X(0), X(1), Y(0,0), ..., Y(1,1) given Z. Single-world exogeneity says, for each t and each z by itself, that Z is
    independent of (X(z), Y(t,z)), which are the values of X and Y if Z were set to z and then X to t. The other rows
    are the exclusion restriction, stratified (10) or individual, normalisation, and what is observed, p[x, y, z]; the
    objective is (6). The bounds are Balke and Pearl's: Richardson & Robins, arXiv:2401.13758.
    Raises ValueError for an invalid p or another exclusion.

    >>> program = single_world_program()
    >>> len(program.variables), len(program.group("single-world exogeneity"))
    (128, 16)
    """
    if exclusion not in (SE, IE):
        raise ValueError(f"exclusion is {str(exclusion)!r}; it must be {str(SE)!r} or {str(IE)!r}")
    return _observe(_single_world_template(Assumption(exclusion)), p)


@lru_cache
def _single_world_template(exclusion: Assumption) -> LinearProgram:
    points = SINGLE_WORLD_POINTS
    exogeneity = [
        _row(
            f"single-world exogeneity: X({z})={x}, Y({t},{z})={y}",
            {v: 1 - 2 * v.z for v in points if (v[z], v.outcome(t, z)) == (x, y)},
        )
        for z, t, x, y in product((0, 1), repeat=4)
    ]
    excluded = _stratified_exclusion(points) if exclusion == SE else _individual_exclusion(points)
    objective = {v.name: v.y10 - v.y00 for v in points if v.z == 0 and v.y10 != v.y00}
    rows = (*exogeneity, *excluded, *_normalisation(points), *_observation(points))
    return LinearProgram(tuple(v.name for v in points), objective, rows)


# --- the reduced program ----------------------------------------------------------------------------------------------


class ReducedPoint(NamedTuple):
    """One value of (X, Y(0), Y(1), Z), for outcomes that do not depend on z."""

    x: int
    y0: int
    y1: int
    z: int

    def outcome(self, x: int, z: int) -> int:
        """The value of Y(x,z) = Y(x)."""
        x, z = whole(x, "x", 0, 1), whole(z, "z", 0, 1)
        return self[1 + x]

    @property
    def name(self) -> str:
        """The name of the variable q[x,y0,y1|z]."""
        return f"q[{self.x},{self.y0},{self.y1}|{self.z}]"


REDUCED_POINTS = tuple(ReducedPoint(*values) for values in product((0, 1), repeat=4))


def response_type_program(p: Any = None, exogeneity: str = JE) -> LinearProgram:
    """The reduced program over the 16 variables q[x,y0,y1|z] = P(X=x, Y(0)=y0, Y(1)=y1 | Z=z), in lexicographic order.

    Its constraints say that Z is independent of the pair (Y(0), Y(1)), or of each alone with marginal exogeneity, and
    that X=x and Y(x)=y have the observed probabilities. It has the optimum of program (11): see :func:`reduction`.
    Raises ValueError for another `exogeneity` or an invalid p.

    >>> program = response_type_program()
    >>> program.row("joint exogeneity: Y(0)=0, Y(1)=1").coefficients
    {'q[0,0,1|0]': 1, 'q[0,0,1|1]': -1, 'q[1,0,1|0]': 1, 'q[1,0,1|1]': -1}
    """
    if exogeneity not in (JE, ME):
        raise ValueError(f"exogeneity is {str(exogeneity)!r}; it must be {str(JE)!r} or {str(ME)!r}")
    return _observe(_response_type_template(Assumption(exogeneity)), p)


@lru_cache
def _response_type_template(exogeneity: Assumption) -> LinearProgram:
    independence = {
        JE: [
            _row(f"{JE}: Y(0)={a}, Y(1)={b}", {v: 1 - 2 * v.z for v in REDUCED_POINTS if v[1:3] == (a, b)})
            for a, b in product((0, 1), repeat=2)
        ],
        ME: [_row(f"{ME}: Y({x})=1", {v: 1 - 2 * v.z for v in REDUCED_POINTS if v.outcome(x, 0) == 1}) for x in (0, 1)],
    }
    objective = {v.name: v.y1 - v.y0 for v in REDUCED_POINTS if v.z == 0 and v.y1 != v.y0}
    observed = (*_normalisation(REDUCED_POINTS), *_observation(REDUCED_POINTS))
    return LinearProgram(tuple(v.name for v in REDUCED_POINTS), objective, (*independence[exogeneity], *observed))


def balke_pearl_program(p: Any = None) -> LinearProgram:
    """Balke and Pearl's program (1997): 16 variables r[x(0),x(1),y(0),y(1)], one for each response type.

    Here X too is a function of Z, and (X(0), X(1), Y(0), Y(1)) is independent of Z. Summing r over the x that was not
    realised gives a solution of :func:`response_type_program`; :func:`couple` goes back. ValueError for an invalid p.

    >>> balke_pearl_program().row("observation: X=0, Y=1, Z=1").coefficients
    {'r[0,0,1,0]': 1, 'r[0,0,1,1]': 1, 'r[1,0,1,0]': 1, 'r[1,0,1,1]': 1}
    """
    return _observe(_balke_pearl_template(), p)


@lru_cache
def _balke_pearl_template() -> LinearProgram:
    types = {f"r[{','.join(map(str, t))}]": t for t in product((0, 1), repeat=4)}
    p = behaviour_symbols()
    observation = [
        Constraint(
            _observation_name(x, y, z),
            {name: 1 for name, t in types.items() if (t[z], t[2 + x]) == (x, y)},
            p[x, y, z],
        )
        for z, x, y in product((0, 1), repeat=3)
    ]
    objective = {name: t[3] - t[2] for name, t in types.items() if t[3] != t[2]}
    total = Constraint("normalisation", dict.fromkeys(types, 1), 1)
    return LinearProgram(tuple(types), objective, (total, *observation))


def couple(q: Any) -> Array:
    """Response types r[x(0), x(1), y(0), y(1)] from a solution q[x, y0, y1, z] of the reduced program.

    Given y = (Y(0), Y(1)), the treatments X(0) and X(1) are taken to be independent: r = q(x0, y|0) q(x1, y|1) / P(y).
    Observations and effect stay the same. So Balke and Pearl's assumption that the treatment, too, responds to Z as a
    function adds nothing to joint exogeneity. ValueError for another shape, or if (Y(0), Y(1)) depends on Z.

    >>> float(couple(np.full((2, 2, 2, 2), 1 / 8))[0, 1, 0, 1])
    0.0625
    """
    q = _law_of_shape(q, "q", "(2, 2, 2, 2), indexed [x, y0, y1, z]")
    given_z = q.sum(axis=0)
    if not coincide(given_z[..., 0], given_z[..., 1], "P(Y(0), Y(1) | Z)"):
        raise ValueError(f"P(Y(0), Y(1) | Z) is {given_z[..., 0].tolist()} for Z=0, {given_z[..., 1].tolist()} for Z=1")
    total = np.where(zeros(given_z[..., 0], 0), 1, given_z[..., 0])
    return np.asarray(np.einsum("ayz,byz->abyz", q[..., 0], q[..., 1]) / total)


@dataclass(frozen=True)
class Reduction:
    """Two programs that are one: linear maps between their points and between their rows.

    With A q = b, c·q the full program and A' q' = b', c'·q' the reduced one:

    * `projection` P (16, 64) and `rows_of_reduced` T with A' P = T A, T b = b', c' P = c: a feasible q has a feasible
      P q with the same objective;
    * `lift` L (64, 16) and `rows_of_full` S with A L = S A', S b' = b, c L = c': the converse.

    So the optima agree for every p, and Tᵀ sends dual feasible points of the reduced program to the full one.
    """

    full: LinearProgram
    reduced: LinearProgram
    projection: Array
    lift: Array
    rows_of_reduced: Array
    rows_of_full: Array

    def verify(self) -> None:
        """Verify the six identities over the integers and in the symbols p; ArithmeticError naming one that fails."""
        (A, c, b), (a, k, h) = ((program.matrix, program.costs, program.rhs) for program in (self.full, self.reduced))
        identities = {
            "A' P = T A": a @ self.projection - self.rows_of_reduced @ A,
            "c' P = c": k @ self.projection - c,
            "T b = b'": self.rows_of_reduced @ b - h,
            "A L = S A'": A @ self.lift - self.rows_of_full @ a,
            "c L = c'": c @ self.lift - k,
            "S b' = b": self.rows_of_full @ h - b,
        }
        for name, difference in identities.items():
            if not vanishes(difference, 0):
                raise ArithmeticError(f"the identity {name} fails")

    def lift_multipliers(self, multipliers: Multipliers) -> Multipliers:
        """The dual point Tᵀy of the full program, for a dual point y of the reduced one: same value, also feasible."""
        table(multipliers, "multipliers")
        for name, multiplier in multipliers.items():
            real_number(multiplier, f"multipliers: {name}")
        y = [multipliers.get(row.name, Fraction(0)) for row in self.reduced.constraints]
        lifted = [
            sum((int(t) * v for t, v in zip(column, y, strict=True)), Fraction(0)) for column in self.rows_of_reduced.T
        ]
        return {row.name: v for row, v in zip(self.full.constraints, lifted, strict=True) if v}


@lru_cache
def reduction(exogeneity: str = JE) -> Reduction:
    """Program (11), with joint or marginal exogeneity and stratified exclusion, and its reduced form.

    The projection sums q over y01 and y11, so that Y(x) is Y(x,0); stratified exclusion makes that consistent with what
    is observed at Z=1. The lift sets Y(x,1) = Y(x,0), so that even individual exclusion holds. ValueError for another
    exogeneity.

    >>> reduction().verify()
    """
    full, reduced = potential_outcome_program(None, (exogeneity, SE)), response_type_program(None, exogeneity)
    projection = [[int((v.x, v.y00, v.y10, v.z) == w) for v in POINTS] for w in REDUCED_POINTS]
    lift = [[int(v == (w.x, w.y0, w.y0, w.y1, w.y1, w.z)) for w in REDUCED_POINTS] for v in POINTS]
    down = _incidence(_reduced_rows_in_full(), reduced, full)
    up = _incidence(_full_rows_in_reduced(), full, reduced)
    return Reduction(full, reduced, np.array(projection), np.array(lift), down, up)


def _incidence(combinations: Mapping[str, Mapping[str, int]], rows: LinearProgram, columns: LinearProgram) -> Array:
    names = [row.name for row in columns.constraints]
    return np.array([[combinations.get(row.name, {}).get(name, 0) for name in names] for row in rows.constraints])


def _reduced_rows_in_full() -> dict[str, dict[str, int]]:
    """Each row of the reduced program, after the projection, as a combination of rows of program (11).

    Only P(X=x, Y(x,0)=y | Z=1) takes two: it is P(X=x, Y(x,1)=y | Z=1), observed, plus or minus stratified exclusion.
    """
    same = {f"normalisation: Z={z}": {f"normalisation: Z={z}": 1} for z in (0, 1)}
    joint = {
        f"{JE}: Y(0)={a}, Y(1)={c}": {
            f"{JE}: Y(0,0)={a}, Y(0,1)={b}, Y(1,0)={c}, Y(1,1)={d}": 1 for b, d in product((0, 1), repeat=2)
        }
        for a, c in product((0, 1), repeat=2)
    }
    marginal = {f"{ME}: Y({x})=1": {f"{ME}: Y({x},0)=1": 1} for x in (0, 1)}
    observation = {
        _observation_name(x, y, z): {_observation_name(x, y, z): 1}
        | ({f"{SE}: X={x}, Y({x},·)={x}, Z=1": 1 if x == y else -1} if z else {})
        for x, y, z in product((0, 1), repeat=3)
    }
    return same | joint | marginal | observation


def _full_rows_in_reduced() -> dict[str, dict[str, int]]:
    """Each row of program (11), after the lift, as a combination of rows of the reduced program; left out if zero."""
    same = [f"normalisation: Z={z}" for z in (0, 1)] + [_observation_name(*i) for i in np.ndindex(2, 2, 2)]
    joint = {
        f"{JE}: Y(0,0)={a}, Y(0,1)={a}, Y(1,0)={c}, Y(1,1)={c}": {f"{JE}: Y(0)={a}, Y(1)={c}": 1}
        for a, c in product((0, 1), repeat=2)
    }
    marginal = {f"{ME}: Y({x},{z})=1": {f"{ME}: Y({x})=1": 1} for x, z in product((0, 1), repeat=2)}
    return {name: {name: 1} for name in same} | joint | marginal


# --- laws of the potential outcomes -----------------------------------------------------------------------------------


def _law(law: Any, name: str = "law") -> Array:
    """The array law[x, y00, y01, y10, y11, z], validated like a behaviour."""
    array = _law_of_shape(law, name, "(2, 2, 2, 2, 2, 2): [x, y00, y01, y10, y11, z]")
    if not vanishes(np.array(array.sum() - 1)):
        raise ValueError(f"{name} sums to {array.sum()}; it must sum to 1")
    return array


def _marginal(law: Array, *axes: int) -> Array:
    return np.asarray(law.sum(axis=tuple(set(range(6)) - set(axes))))


def _axis(x: int, z: int) -> int:
    """The axis of Y(x,z) in a law."""
    return 1 + 2 * x + z


def _is_independent_of_z(joint: Array) -> bool:
    """Whether the last axis of a joint distribution is independent of the others, however rare some events are."""
    z = joint.reshape(-1, 2).sum(axis=0)
    return coincide(joint[..., 0] * z[1], joint[..., 1] * z[0], "the law of the potential outcomes", z[0] * z[1])


def is_jointly_exogenous(law: Any) -> bool:
    """Whether Z is independent of (Y(0,0), Y(0,1), Y(1,0), Y(1,1)): Wang and Zhang's Assumption 1.

    `law[x, y00, y01, y10, y11, z]` is exact or floating-point; ValueError if it is not a distribution.

    >>> is_jointly_exogenous(law_with_marginal_exogeneity_only())
    False
    """
    return _is_independent_of_z(_marginal(_law(law), 1, 2, 3, 4, 5))


def is_marginally_exogenous(law: Any) -> bool:
    """Whether Z is independent of each single Y(x,z). Arguments and errors as :func:`is_jointly_exogenous`.

    >>> is_marginally_exogenous(law_with_marginal_exogeneity_only())
    True
    """
    law = _law(law)
    return all(_is_independent_of_z(_marginal(law, _axis(x, z), 5)) for x, z in product((0, 1), repeat=2))


def satisfies_stratified_exclusion(law: Any) -> bool:
    """Whether P(Y(x,1)=y, X, Z) = P(Y(x,0)=y, X, Z): eq. (10). Arguments and errors as :func:`is_jointly_exogenous`.

    >>> satisfies_stratified_exclusion(law_with_stratified_exclusion_only())
    True
    """
    law = _law(law)
    pairs = [(_marginal(law, 0, _axis(x, 1), 5), _marginal(law, 0, _axis(x, 0), 5)) for x in (0, 1)]
    return all(coincide(*pair, "P(Y(x, z), X, Z)", _marginal(law, 5)) for pair in pairs)


def satisfies_individual_exclusion(law: Any) -> bool:
    """Whether P(Y(x,1) ≠ Y(x,0)) = 0 for both x. Arguments and errors as :func:`is_jointly_exogenous`.

    >>> satisfies_individual_exclusion(law_with_stratified_exclusion_only())
    False
    """
    law = _law(law)
    pairs = [_marginal(law, _axis(x, 0), _axis(x, 1), 5) for x in (0, 1)]
    return all(negligible([pair[0, 1], pair[1, 0]], scale=_marginal(law, 5)).all() for pair in pairs)


def observed_behaviour(law: Any) -> Array:
    """What is observed, p[x, y, z] = P(X=x, Y(x,z)=y | Z=z): consistency, eqs. (4) and (5).

    ValueError if the law is no distribution or gives some value of Z probability zero.

    >>> observed_behaviour(law_with_stratified_exclusion_only()).tolist()
    [[[1/2, 0], [1/2, 0]], [[0, 1/2], [0, 1/2]]]
    """
    law = _law(law)
    given_z = law / _probabilities_of_z(law)
    return np.array(
        [[[_marginal(given_z, 0, _axis(x, z), 5)[x, y, z] for z in (0, 1)] for y in (0, 1)] for x in (0, 1)]
    )


def _probabilities_of_z(law: Array) -> Array:
    total = _marginal(law, 5)
    never = negligible(total, scale=_marginal(abs(law), 5))
    for z in (0, 1):
        if never[z]:
            raise ValueError(f"P(Z={z}) is 0, so that nothing can be conditional on Z={z}")
    return total


def average_causal_effect(law: Any, z: int = 0, given_z: int | None = None) -> Any:
    """E[Y(1,z) - Y(0,z)], conditional on Z = `given_z` if that is not None; eq. (6) has z=0, with and without.

    ValueError if the law is no distribution, or, given `given_z`, if some value of Z has probability zero.

    >>> average_causal_effect(law_with_marginal_exogeneity_only())
    0
    """
    whole(z, "z", 0, 1)
    if given_z is not None:
        whole(given_z, "given_z", 0, 1)
    law = _law(law)
    if given_z is not None:
        law = law[..., given_z : given_z + 1] / _probabilities_of_z(law)[given_z]
    return _marginal(law, _axis(1, z))[1] - _marginal(law, _axis(0, z))[1]


def law_from_solution(solution: Mapping[str, Any], probability_of_z1: Any = Fraction(1, 2)) -> Array:
    """The law q·P(Z) of a solution of program (11), by variable name (those left out are zero), for Z a fair coin.

    ValueError if it is no distribution.

    >>> law_from_solution({"q[0,0,0,1,1|0]": 1, "q[1,0,0,1,1|1]": 1})[:, 0, 0, 1, 1, :].tolist()
    [[1/2, 0], [0, 1/2]]
    """
    weights = _number(real_number(probability_of_z1, "probability_of_z1", 0, 1))
    table(solution, "solution", known={v.name for v in POINTS})
    for name, value in solution.items():
        real_number(value, f"solution: {name}")
    exact = [_number(solution.get(v.name, 0)) * (weights if v.z else 1 - weights) for v in POINTS]
    return _law(np.array(exact, dtype=object).reshape((2,) * 6), "solution: its law")


def law_of_response_types(types: Any, probability_of_z1: Any = Fraction(1, 2)) -> Array:
    """The law of a classical instrumental model: Z independent of the response types r[x(0), x(1), y(0), y(1)].

    All four assumptions hold in it. ValueError if r is not a distribution of shape (2, 2, 2, 2).

    >>> complier = np.zeros((2, 2, 2, 2))
    >>> complier[0, 1, 0, 1] = 1  # X = Z and Y = X
    >>> float(average_causal_effect(law_of_response_types(complier)))
    1.0
    """
    real_number(probability_of_z1, "probability_of_z1", 0, 1)
    r = _as_numbers(types, "types")
    if r.shape != (2, 2, 2, 2):
        raise ValueError(f"types: they have shape {r.shape}; it must be (2, 2, 2, 2): [x(0), x(1), y(0), y(1)]")
    law, probability_of_z1 = np.zeros((2,) * 6, dtype=r.dtype), _number(probability_of_z1)
    for (x0, x1, y0, y1), weight in np.ndenumerate(r):
        law[x0, y0, y0, y1, y1, 0] += weight * (1 - probability_of_z1)
        law[x1, y0, y0, y1, y1, 1] += weight * probability_of_z1
    return _law(law, "types: their law")


def law_with_marginal_exogeneity_only() -> Array:
    """Marginal exogeneity without the joint one: fair coins Y(0), Y(1) and Z with Y(0) ⊕ Y(1) = Z, and a fair coin X.

    Any two of the three are independent, the three are not. Individual exclusion holds.
    """
    law = np.full((2,) * 6, sympy.Integer(0), dtype=object)
    for x, y0, y1 in product((0, 1), repeat=3):
        law[x, y0, y0, y1, y1, y0 ^ y1] = sympy.Rational(1, 8)
    return law


def law_with_stratified_exclusion_only() -> Array:
    """Stratified exclusion without the individual one: Y(x,z) = U ⊕ z with a fair coin U, and X = Z another.

    Flipping Z flips Y for every individual, yet each Y(x,z) is a fair coin whatever X and Z are. Joint exogeneity, too.
    """
    law = np.full((2,) * 6, sympy.Integer(0), dtype=object)
    for u, z in product((0, 1), repeat=2):
        law[z, u, 1 - u, u, 1 - u, z] = sympy.Rational(1, 4)
    return law
