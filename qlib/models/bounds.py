r"""Bounds on the average causal effect in the instrumental scenario with binary instrument, treatment and outcome.

From a behaviour p[x, y, z] = P(X=x, Y=y | Z=z), shape (..., 2, 2, 2), the average causal effect
ACE = P(Y=1 | do(X=1)) - P(Y=1 | do(X=0)) can only be bounded. :func:`ace_bounds` does so by three routes that agree:

* closed form: the 8 + 8 expressions of Balke and Pearl (1997), for a million behaviours at once;
* linear program: Wang and Zhang's (11), with joint exogeneity and stratified exclusion;
* exact: the same expressions over the real algebraic numbers.

That these expressions are the optima of (11) is not taken from print but derived: :mod:`qlib.models.balke_pearl`.
:func:`bound_certificate` proves a bound at one p; :func:`assumption_table` shows what other assumptions would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy

from qlib.models.balke_pearl import (
    BALKE_PEARL_LOWER,
    BALKE_PEARL_UPPER,
    INSTRUMENTAL_INEQUALITIES,
    AffineFunction,
    Bound,
)
from qlib.models.effects import Contradiction, effect_bounds
from qlib.models.instrument_tables import InstrumentalTable, TwoSampleTable, instrumental_table
from qlib.models.potential_outcomes import (
    PROBABILITY_TOLERANCE,
    Assumption,
    instrumental_behaviour,
    potential_outcome_program,
)
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import real_number
from qlib.numbers.exact_arrays import ROUNDING, Array, exact_sign

__all__ = [
    "BALKE_PEARL_LOWER",
    "BALKE_PEARL_UPPER",
    "INSTRUMENTAL_INEQUALITIES",
    "AceBounds",
    "AssumptionRow",
    "InstrumentalInequality",
    "ace_bounds",
    "assumption_table",
    "bound_certificate",
    "instrumental_inequality",
]

Method: TypeAlias = Literal["closed form", "linear program", "exact"]
CHUNK = 2048  # behaviours at a time: intermediate results stay in the cache, products in one thread
NAMES = np.array([f"{f} ≤ 1" for f in INSTRUMENTAL_INEQUALITIES], dtype=object)


def _weights(functions: Sequence[AffineFunction]) -> Array:
    """The coefficients of the functions in a form without constants, shape (functions, 8)."""
    return np.array([[float(k) for k in f.homogeneous().coefficients] for f in functions])


_PEARL = _weights(INSTRUMENTAL_INEQUALITIES)
_ALL = np.concatenate([_weights(BALKE_PEARL_LOWER), _weights(BALKE_PEARL_UPPER), _PEARL])


# --- Pearl's instrumental inequality ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class InstrumentalInequality:
    """Pearl's four inequalities at some behaviours: `values[..., i]` is the left-hand side of `names[i]`."""

    values: Array
    names: tuple[str, ...] = tuple(NAMES)

    @property
    def excess(self) -> Any:
        """By how much the largest left-hand side exceeds 1; not positive where all hold. Exact where p is."""
        if self.values.dtype != object:
            return self.values.max(axis=-1) - 1
        flat = [_optimum(list(row), 1)[0] - 1 for row in self.values.reshape(-1, 4)]
        return _unwrap(np.array(flat, dtype=object), self.values.shape[:-1])

    @property
    def holds(self) -> Any:
        """Whether all four hold: exactly where p is exact, within 1e-9 otherwise."""
        return _is_feasible(self.excess)


def instrumental_inequality(p: Any) -> InstrumentalInequality:
    """Pearl's instrumental inequality Σ_y max_z p(x, y | z) ≤ 1 for both x, as p(x0|z) + p(x1|1-z) ≤ 1 for all x and z.

    For one behaviour or a batch (..., 2, 2, 2), exact or in floating point; ValueError as :func:`behaviour`. With
    binary X, Y and Z they hold exactly if program (11) is feasible, and so with marginal in place of joint exogeneity
    (:func:`qlib.models.balke_pearl.derive_bounds`); hence quantum behaviours satisfy them. For an instrument with three
    values they no longer suffice: Bonet (2001).

    >>> perfect = np.zeros((2, 2, 2))
    >>> perfect[0, 0, 0] = perfect[0, 1, 1] = 1  # X = 0 always, yet Y follows Z
    >>> test = instrumental_inequality(perfect)
    >>> dict(zip(test.names, test.values.tolist()))["p(00|0) + p(01|1) ≤ 1"], bool(test.holds)
    (2.0, False)
    """
    array = instrumental_behaviour(p)
    return InstrumentalInequality(np.stack([f(array) for f in INSTRUMENTAL_INEQUALITIES], axis=-1))


def _is_feasible(excess: Any) -> Any:
    if isinstance(excess, sympy.Basic):
        return exact_sign(excess) <= 0
    array = np.asarray(excess)
    if array.dtype == object:
        return np.array([exact_sign(t) <= 0 for t in array.flat]).reshape(array.shape)
    return array <= PROBABILITY_TOLERANCE


# --- bounds ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AceBounds:
    """The sharp bounds `lower` ≤ ACE ≤ `upper`, for one behaviour (numbers) or a batch (arrays of the batch's shape).

    Where no model exists, `feasible` is False, the bounds are NaN, `violated` names the instrumental inequality that is
    violated most, and `excess` is by how much; elsewhere `violated` is None and `excess` is not positive. The exact
    method also says which expressions attain the bounds.
    """

    lower: Any
    upper: Any
    feasible: Any
    violated: Any
    excess: Any
    lower_attained_by: Any = ()
    upper_attained_by: Any = ()

    def __str__(self) -> str:
        if np.ndim(self.lower):
            return repr(self)
        if not self.feasible:
            return f"no classical model: {self.violated} is violated by {float(self.excess):.4f}"
        return f"{float(self.lower):.4f} to {float(self.upper):.4f}".replace("-", "−")


def ace_bounds(p: Any, method: Method | None = None) -> AceBounds:
    """The bounds on the average causal effect under joint exogeneity and stratified (or individual) exclusion.

    `p` is one behaviour p[x, y, z], a batch (..., 2, 2, 2), or an :class:`InstrumentalTable` of two treatments and two
    outcomes with an instrument of any number of values (for others see :func:`effect_bounds`). The method is "closed
    form", "linear program" or "exact"; by default exact for exact p (an object array of SymPy numbers or Fractions),
    else the closed form. Raises ValueError for an invalid p (see :func:`behaviour`), an unknown method, or "exact" with
    floating-point p; by linear program also for a p so near to infeasible, within 1e-9, that rounding cannot tell.

    >>> trial = np.array([[[0.0064, 0.0028], [0.9936, 0.1972]], [[0, 0.001], [0, 0.799]]])
    >>> bounds = ace_bounds(trial)  # the vitamin A trial of Balke and Pearl (1997)
    >>> round(bounds.lower, 4), round(bounds.upper, 4)
    (-0.1946, 0.0054)
    >>> print(bounds)
    −0.1946 to 0.0054
    """
    if isinstance(p, InstrumentalTable | TwoSampleTable):
        p = instrumental_table(p)
        if p.p.shape != (2, 2, 2):
            return _of_table(p)
        p = p.p
    array = instrumental_behaviour(p)
    exact = array.dtype == object
    routes = {"closed form": _closed_form, "linear program": _by_linear_program, "exact": _exactly}
    chosen = method or ("exact" if exact else "closed form")
    if chosen not in routes:
        raise ValueError(f"method is {chosen!r}; it must be one of {', '.join(map(repr, routes))}")
    if chosen == "exact" and not exact:
        raise ValueError(f"p has dtype {array.dtype}; the exact method needs an object array of SymPy numbers")
    flat = array.reshape(-1, 8) if chosen == "exact" else array.reshape(-1, 8).astype(np.float64, copy=False)
    columns = routes[chosen](flat)
    return AceBounds(*(_unwrap(column, array.shape[:-3]) for column in columns))


def _of_table(table: InstrumentalTable) -> AceBounds:
    """For an instrument of more than two values, by linear program."""
    if table.p.shape[:2] != (2, 2):
        raise ValueError(f"p: {table.p.shape[:2]} treatments and outcomes should be two each; see effect_bounds")
    frequencies = InstrumentalTable(table.p, None, table.names, table.values)
    try:
        found = effect_bounds(frequencies)
    except Contradiction as error:
        return AceBounds(sympy.nan, sympy.nan, False, str(error.certificate), error.certificate.violation)
    return AceBounds(found.lower, found.upper, True, None, 0)


def _unwrap(column: Array, shape: tuple[int, ...]) -> Any:
    """One result per behaviour in the shape of the batch; a lone one as itself."""
    return column.reshape(shape) if shape else column[0] if column.dtype == object else column[0].item()


def _closed_form(flat: Array) -> tuple[Array, ...]:
    lower, upper, excess = np.empty((3, len(flat)))
    violated = np.full(len(flat), None)
    for start in range(0, len(flat), CHUNK):
        part = slice(start, start + CHUNK)
        values = _ALL @ flat[part].T
        values[:8].max(axis=0, out=lower[part])
        values[8:16].min(axis=0, out=upper[part])
        values[16:].max(axis=0, out=excess[part])
        (wrong,) = np.nonzero(excess[part] > 1 + PROBABILITY_TOLERANCE)
        crossed = lower[part] > upper[part]  # by rounding, as none is violated by more: the two are one number
        lower[part][crossed] = upper[part][crossed] = (lower[part][crossed] + upper[part][crossed]) / 2
        lower[part][wrong] = upper[part][wrong] = np.nan
        violated[part][wrong] = NAMES[values[16:, wrong].argmax(axis=0)]
    excess -= 1
    return lower, upper, np.isfinite(lower), violated, excess


def _by_linear_program(flat: Array) -> tuple[Array, ...]:
    lower, upper = np.full((2, len(flat)), np.nan)
    violated = np.full(len(flat), None)
    inequalities = flat @ _PEARL.T
    excess = inequalities.max(axis=1) - 1
    for i, row in enumerate(flat):
        p = row.reshape(2, 2, 2).clip(0)
        program, worst = potential_outcome_program(p / p.sum(axis=(0, 1))), NAMES[inequalities[i].argmax()]
        undecided = ValueError(
            f"p: behaviour {i} misses {worst} by {excess[i]:.3g}, too little for a linear program in floating point to "
            "tell whether it is feasible; give exact numbers"
        )
        if ROUNDING < excess[i] <= PROBABILITY_TOLERANCE:
            raise undecided
        try:
            interval = lp.solve(program, "min").value, lp.solve(program, "max").value
        except lp.Infeasible:
            violated[i] = worst
            continue
        except ArithmeticError as error:  # the solver and exact arithmetic disagree
            raise undecided from error
        if excess[i] > PROBABILITY_TOLERANCE:
            raise undecided
        lower[i], upper[i] = _in_order(*interval)
    return lower, upper, np.isfinite(lower), violated, excess


def _in_order(lower: float, upper: float) -> tuple[float, float]:
    """The ends of an interval; where they cross by rounding they are one number."""
    return ((lower + upper) / 2,) * 2 if lower > upper else (lower, upper)


def _exactly(flat: Array) -> tuple[Array, ...]:
    columns = np.empty((7, len(flat)), dtype=object)
    for i, row in enumerate(flat):
        columns[:, i] = _exact_bounds(row.reshape(2, 2, 2))
    return tuple(columns)


def _exact_bounds(p: Array) -> list[Any]:
    """The fields of AceBounds for one behaviour of exact numbers."""
    excess, worst = _optimum([f(p) - 1 for f in INSTRUMENTAL_INEQUALITIES], 1)
    if exact_sign(excess) > 0:
        return [sympy.nan, sympy.nan, False, NAMES[worst[0]], excess, (), ()]
    lower, lowest = _optimum([f(p) for f in BALKE_PEARL_LOWER], 1)
    upper, uppermost = _optimum([f(p) for f in BALKE_PEARL_UPPER], -1)
    attained = tuple(BALKE_PEARL_LOWER[i] for i in lowest), tuple(BALKE_PEARL_UPPER[i] for i in uppermost)
    return [lower, upper, True, None, excess, *attained]


def _optimum(values: Sequence[Any], sign: int) -> tuple[Any, list[int]]:
    """The largest (sign 1) or least (sign -1) of some exact numbers, and where it is attained."""
    best = values[0]
    for value in values[1:]:
        if exact_sign(sign * (value - best)) > 0:
            best = value
    return sympy.expand(best), [i for i, value in enumerate(values) if exact_sign(value - best) == 0]


def bound_certificate(p: Any, bound: Bound = "lower") -> lp.Certificate:
    """The proof of a bound at one behaviour: multipliers for the named constraints of program (11), verified exactly.

    Where p is exact, an exact model that attains the bound comes with it, and the value is exact. Verify it again with
    `.verify(potential_outcome_program(p))`. Raises :class:`qlib.numbers.linear_programs.Infeasible`, with the proof by
    named constraints, where p violates the instrumental inequality; ValueError for an invalid p or another bound.

    >>> uniform = np.full((2, 2, 2), sympy.Rational(1, 4))
    >>> proof = bound_certificate(uniform, "upper")
    >>> proof.value, proof.is_optimal
    (1/2, True)
    """
    if bound not in ("lower", "upper"):
        raise ValueError(f'bound is {bound!r}; it must be "lower" or "upper"')
    return lp.certificate(potential_outcome_program(p), "min" if bound == "lower" else "max")


# --- what each assumption contributes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class AssumptionRow:
    """What some assumptions imply: `lower` ≤ ACE ≤ `upper` with proofs, or NaN and the `contradiction` with p."""

    exogeneity: str
    exclusion: str
    lower: Any
    upper: Any
    lower_proof: lp.Certificate | None = None
    upper_proof: lp.Certificate | None = None
    contradiction: lp.FarkasCertificate | None = None

    @property
    def feasible(self) -> bool:
        """Whether some law of the potential outcomes satisfies the assumptions and gives p."""
        return self.contradiction is None

    def excludes(self, effect: Any) -> bool:
        """Whether the assumptions rule out a value of the effect (every value, if they contradict p)."""
        real_number(effect, "effect")
        if not self.feasible:
            return True
        return exact_sign(effect - self.lower) < 0 or exact_sign(self.upper - effect) < 0


def assumption_table(p: Any, *, z: int = 0, probability_of_z1: Any = 0) -> tuple[AssumptionRow, ...]:
    """The bounds on the effect at one behaviour for each choice of exogeneity and of exclusion, by program (11).

    Nine rows: exogeneity "none", "marginal" or "joint", times exclusion "none", "stratified" or "individual"; the other
    sets of assumptions are equivalent to one of these, as joint implies marginal exogeneity and individual implies
    stratified exclusion. The effect is E[Y(1,z) - Y(0,z)] with P(Z=1) = `probability_of_z1`, by default eq. (6).

    What a row proves: each value between its bounds, and none beyond, is the effect in some law of the potential
    outcomes that has these assumptions and gives p. So assumptions whose bounds exclude the true effect are refuted
    jointly, and assumptions whose bounds contain it are not. Values are exact where p is; each has its proof.

    ValueError for an invalid p, or a floating-point one so near to contradicting assumptions that it cannot be told.

    >>> perfect = np.zeros((2, 2, 2), dtype=int)
    >>> perfect[0, 0, 0] = perfect[1, 1, 1] = 1  # X and Y both equal Z
    >>> for row in assumption_table(perfect.astype(object)):
    ...     print(row.exogeneity, row.exclusion, row.lower, row.upper)
    none none 0 1
    none stratified 0 1
    none individual 0 1
    marginal none 0 1
    marginal stratified 1 1
    marginal individual 1 1
    joint none 0 1
    joint stratified 1 1
    joint individual 1 1
    """
    program_of = {
        "none": (),
        "marginal": (Assumption.MARGINAL_EXOGENEITY,),
        "joint": (Assumption.JOINT_EXOGENEITY,),
        "stratified": (Assumption.STRATIFIED_EXCLUSION,),
        "individual": (Assumption.INDIVIDUAL_EXCLUSION,),
    }
    return tuple(
        _row(
            exogeneity,
            exclusion,
            potential_outcome_program(
                p, program_of[exogeneity] + program_of[exclusion], z=z, probability_of_z1=probability_of_z1
            ),
        )
        for exogeneity, exclusion in product(("none", "marginal", "joint"), ("none", "stratified", "individual"))
    )


def _row(exogeneity: str, exclusion: str, program: lp.LinearProgram) -> AssumptionRow:
    try:
        proofs = lp.certificate(program, "min"), lp.certificate(program, "max")
    except lp.Infeasible as error:
        return AssumptionRow(exogeneity, exclusion, sympy.nan, sympy.nan, contradiction=error.certificate)
    if program.is_exact:
        return AssumptionRow(exogeneity, exclusion, proofs[0].value, proofs[1].value, *proofs)
    lower, upper = (float(proof.value) for proof in proofs)
    if lower - upper > ROUNDING:
        raise ValueError(
            f"p: with {exogeneity} exogeneity and {exclusion} exclusion the bounds cross by {lower - upper:.3g}, too "
            "little for a linear program in floating point to tell whether it is feasible; give exact numbers"
        )
    return AssumptionRow(exogeneity, exclusion, *_in_order(lower, upper), *proofs)
