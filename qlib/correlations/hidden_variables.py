r"""Factorisability: hidden-variable models of phenomena, inequalities against them, the contextual fraction.

Three things are the same (Fine 1982; Abramsky & Brandenburger 2011), and called *noncontextual*, in Bell scenarios
*local*: a joint law of all measurements that has the phenomenon as its marginals; a mixture of assignments of an
outcome to every measurement; a *factorisable* model, in which each outcome depends on its measurement and a hidden
variable only, p[c, a] = Σ_λ P(λ) Π_i P(a_i | m_i, λ). :func:`factorise` finds one or a violated inequality, by linear
programming, and both are verified; :func:`contextual_fraction` says how far a phenomenon is from having one.

In Pearl & Cavalcanti's (2019) Definition 3 the response may also depend on the position i at which a measurement
stands in its context: that is factorisability of :func:`qlib.correlations.scenarios.by_position`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.correlations.scenarios import (
    Context,
    Phenomenon,
    Scenario,
    bell_scenario,
    cycle_scenario,
    is_nondisturbing,
    peres_mermin_scenario,
    position,
    require_nondisturbing,
    shared_measurements,
)
from qlib.numbers.arguments import numbers, real_number, require, whole
from qlib.numbers.exact_arrays import (
    SAME,
    Array,
    Undecided,
    agree,
    as_float,
    exact,
    exact_sign,
    maximum,
    negligible,
    number,
    simplified,
    vanishes,
    zeros,
)
from qlib.numbers.linear_programs import (
    Certificate,
    CertificateError,
    Constraint,
    Infeasible,
    LinearProgram,
    certificate,
    solve,
)

TOO_SMALL = "That is too small for a linear program in floating point: give the probabilities exactly"

# --- hidden-variable models ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class HiddenVariableModel:
    """A factorisable model: values λ with their weights, and what each measurement answers to each of them.

    weights : P(λ), shape (L,). responses : P(a | m, λ), shape (L, measurements, outcomes), measurements in the order of
    the scenario. Raises ``ValueError`` for other shapes or negative numbers, weights or responses that do not sum to
    one; `total` (by default 1) is what the weights should sum to.
    """

    scenario: Scenario
    weights: Array
    responses: Array
    total: Any = 1

    def __post_init__(self) -> None:
        require(Scenario, scenario=self.scenario)
        real_number(self.total, "total")
        s, W, R = self.scenario, numbers(self.weights, "weights", (None,)), numbers(self.responses, "responses")
        shape = (len(W), len(s.outcomes), max(s.outcomes.values()))
        if W.ndim != 1 or R.shape != shape:
            raise ValueError(f"weights of shape {W.shape} with responses of shape {R.shape}, which should be {shape}")
        for what, array in (("weights", W), ("responses", R)):
            for index in np.ndindex(array.shape):
                if exact_sign(array[index]) < 0:
                    raise ValueError(f"{what}: entry {index} is {array[index]}; it should not be negative")
        if not vanishes(W.sum() - self.total):
            raise ValueError(f"weights: they sum to {W.sum()}, not to {self.total}")
        for k, m in enumerate(s.measurements):
            for value, law in enumerate(R[:, k]):
                if not vanishes(law[: s.outcomes[m]].sum() - 1) or not vanishes(law[s.outcomes[m] :], 0):
                    raise ValueError(f"responses: those of {m!r} for value {value} should sum to one, but are {law}")

    @property
    def is_deterministic(self) -> bool:
        """Whether every response is 0 or 1."""
        responses = np.asarray(self.responses)
        return vanishes(responses * (1 - responses))

    def table(self) -> Array:
        """The array Σ_λ P(λ) Π_i P(a_i | m_i, λ), of the scenario's shape."""
        R = np.asarray(self.responses)
        trivial = np.zeros_like(R[:, 0])
        trivial[:, 0] = 1
        laws = []
        for context in self.scenario.contexts:
            law = np.asarray(self.weights)
            padding = [trivial] * (self.scenario.size - len(context))
            for factor in [R[:, self.scenario.measurements.index(m)] for m in context] + padding:
                law = law[..., None] * factor.reshape(len(R), *[1] * (law.ndim - 1), factor.shape[1])
            laws.append(law.sum(axis=0))
        return simplified(np.stack(laws))

    def phenomenon(self, name: str = "") -> Phenomenon:
        """The phenomenon that the model explains."""
        require(str, name=name)
        return Phenomenon(self.scenario, self.table(), name)

    def verify(self, phenomenon: Phenomenon) -> None:
        """Verify that the model gives that phenomenon, exactly if both are exact; CertificateError naming an entry."""
        require(Phenomenon, phenomenon=phenomenon)
        table = self.table()
        for index in np.ndindex(table.shape):
            if not agree(table[index], phenomenon.table[index]):
                where = self.scenario.label(index[0])
                raise CertificateError(
                    f"context {where}, outcomes {index[1:]}: {table[index]}, not {phenomenon.table[index]}"
                )


def joint_law(model: HiddenVariableModel) -> Array:
    """The joint law Σ_λ P(λ) Π_m P(a_m | m, λ) of all measurements: one axis each, in the order of the scenario.

    It has the model's phenomenon as its marginals; with :func:`model_of_joint_law`, Fine's theorem in both directions.
    """
    require(HiddenVariableModel, model=model)
    law = np.asarray(model.weights)
    for k, m in enumerate(model.scenario.measurements):
        factor = np.asarray(model.responses)[:, k, : model.scenario.outcomes[m]]
        law = law[..., None] * factor.reshape(len(factor), *[1] * (law.ndim - 1), factor.shape[1])
    return simplified(law.sum(axis=0))


def model_of_joint_law(scenario: Scenario, law: ArrayLike) -> HiddenVariableModel:
    """The deterministic model whose hidden variable is the assignment of outcomes, distributed by a joint law.

    law : one axis for each measurement. Assignments of weight zero are left out.
    """
    require(Scenario, scenario=scenario)
    weights = numbers(law, "law", tuple(scenario.outcomes.values())).ravel()
    kept = np.flatnonzero(~zeros(weights, 0))
    kind = weights.dtype if weights.dtype == object else np.float64
    responses = np.zeros((len(kept), len(scenario.outcomes), max(scenario.outcomes.values())), dtype=int).astype(kind)
    for row, assignment in zip(responses, scenario.assignments[kept], strict=True):
        row[np.arange(len(assignment)), assignment] = 1
    return HiddenVariableModel(scenario, weights[kept], responses, total=simplified(np.array([weights.sum()]))[0])


# --- inequalities ----------------------------------------------------------------------------------------------------


def _values(scenario: Scenario, coefficients: Array) -> Array:
    """Σ coefficients·p for the phenomenon p of every assignment: one coefficient a context, picked and added."""
    flat = scenario.deterministic.reshape(len(scenario.assignments), len(scenario.contexts), -1).argmax(axis=2)
    return np.asarray(coefficients.reshape(len(scenario.contexts), -1)[np.arange(flat.shape[1]), flat].sum(axis=1))


@dataclass(frozen=True, eq=False)
class Inequality:
    """The inequality Σ coefficients[c, a] p[c, a] ≤ bound, which every noncontextual phenomenon satisfies.

    coefficients : rational numbers, of the scenario's shape.
    """

    scenario: Scenario
    coefficients: Array
    bound: Any

    def __post_init__(self) -> None:
        require(Scenario, scenario=self.scenario)
        numbers(self.coefficients, "coefficients", self.scenario.shape)
        real_number(self.bound, "bound")

    def value(self, phenomenon: Phenomenon) -> Any:
        """The left-hand side; ``ValueError`` if the phenomenon belongs to another scenario."""
        require(Phenomenon, phenomenon=phenomenon)
        if phenomenon.scenario != self.scenario:
            raise ValueError("the inequality and the phenomenon belong to different scenarios")
        coefficients = self.coefficients if phenomenon.is_exact else self.coefficients.astype(np.float64)
        return simplified(np.array([(coefficients * phenomenon.table).sum()]))[0]

    def verify(self) -> None:
        """Verify the inequality for every assignment of outcomes, exactly; CertificateError naming one that fails."""
        values = _values(self.scenario, self.coefficients)
        for assignment, value in zip(self.scenario.assignments, values, strict=True):
            if exact_sign(value - self.bound) > 0:
                names = zip(self.scenario.measurements, assignment, strict=True)
                raise CertificateError(f"{' '.join(f'{m}={a}' for m, a in names)} gives {value} > {self.bound}")

    def correlators(self) -> dict[tuple[str, ...], Any]:
        """The coefficient of each mean of a product of signs (-1)^outcome, for two-outcome measurements.

        The empty product has the coefficient of the constant. Two inequalities of the same coefficients and bound are
        the same for all nondisturbing phenomena. Raises ``ValueError`` for other than two outcomes.
        """
        if set(self.scenario.outcomes.values()) != {2}:
            raise ValueError("correlators are defined for measurements with two outcomes")
        found: dict[tuple[str, ...], Any] = {}
        for c, context in enumerate(self.scenario.contexts):
            law = self.coefficients[c].reshape(2 ** len(context), -1)[:, 0].reshape([2] * len(context))
            for chosen in product((0, 1), repeat=len(context)):
                key = tuple(m for m in self.scenario.measurements if (m in context) and chosen[context.index(m)])
                total = sum((-1) ** int(np.dot(chosen, a)) * number(law[a]) for a in np.ndindex(law.shape))
                found[key] = found.get(key, 0) + total / 2 ** len(context)
        return {key: found[key] for key in sorted(found, key=lambda k: (len(k), k)) if found[key] != 0}

    def normal_form(self) -> dict[tuple[str, ...], int]:
        """The coefficients of :meth:`correlators` with the bound brought to the left (… ≤ 0), as coprime integers.

        Two inequalities are the same for all nondisturbing phenomena exactly if their normal forms are equal.

        >>> chsh_inequality().normal_form()
        {(): -2, ('A0', 'B0'): 1, ('A0', 'B1'): 1, ('A1', 'B0'): 1, ('A1', 'B1'): -1}
        """
        terms = {(): sp.Integer(0)} | self.correlators()
        terms[()] -= self.bound
        denominator = sp.ilcm(1, *[k.q for k in terms.values()])
        integers = {names: int(k * denominator) for names, k in terms.items() if k != 0}
        return {names: k // math.gcd(*integers.values()) for names, k in integers.items()}


def inequality_of_correlators(
    scenario: Scenario, coefficients: Mapping[Context, Any], bound: Any | None = None
) -> Inequality:
    """The inequality Σ coefficients[m, m', …] ⟨m m' …⟩ ≤ bound, where ⟨…⟩ is the mean of the product of (-1)^outcome.

    bound : by default the largest value over all assignments of outcomes.
    Raises ``ValueError`` for measurements that belong to no common context.

    >>> chsh_inequality().bound
    2
    """
    require(Scenario, scenario=scenario)
    require(Mapping, coefficients=coefficients)
    array = exact(np.zeros(scenario.shape, dtype=int))
    for names, k in coefficients.items():
        real_number(k, f"coefficients of {names}")
        if not scenario.is_compatible(names):
            raise ValueError(f"{' '.join(names)}: these measurements belong to no common context")
        c = next(c for c, context in enumerate(scenario.contexts) if set(names) <= set(context))
        positions = [position(scenario, c, m) for m in names]
        for index in (i for i in scenario.entries if i[0] == c):
            array[index] += k * (-1) ** sum(index[1 + i] for i in positions)
    if bound is None:
        bound = maximum(_values(scenario, array))
    return Inequality(scenario, array, number(bound))


# --- factorisability -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _rows(scenario: Scenario) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...], dict[str, int]], ...]]:
    """Names of the assignments; for every entry of a table its name, index, and the assignments that belong to it."""
    variables = tuple(
        " ".join(f"{m}={a}" for m, a in zip(scenario.measurements, assignment, strict=True))
        for assignment in scenario.assignments
    )
    deterministic = scenario.deterministic.reshape(len(variables), -1)
    rows = []
    for index in scenario.entries:
        column = deterministic[:, np.ravel_multi_index(index, scenario.shape)]
        outcomes = " ".join(map(str, index[1 : 1 + len(scenario.contexts[index[0]])]))
        rows.append(
            (f"{scenario.label(index[0])}: {outcomes}", index, {variables[k]: 1 for k in np.flatnonzero(column)})
        )
    return variables, tuple(rows)


def factorisability_program(phenomenon: Phenomenon) -> LinearProgram:
    """The linear program whose variables are the weights of all assignments of outcomes, one constraint an entry.

    It is feasible exactly if the phenomenon is a mixture of assignments. A constraint is named by its context, whose
    label is its group, and the outcomes.
    """
    require(Phenomenon, phenomenon=phenomenon)
    variables, rows = _rows(phenomenon.scenario)
    table = phenomenon.table if phenomenon.is_exact else phenomenon.table.tolist()
    return LinearProgram(
        variables, {}, tuple(Constraint(name, members, _entry(table, index)) for name, index, members in rows)
    )


def _entry(table: Any, index: tuple[int, ...]) -> Any:
    for k in index:
        table = table[k]
    return table


def factorise(phenomenon: Phenomenon) -> HiddenVariableModel | Inequality:
    """A factorisable model of a phenomenon, or an inequality that all of them satisfy and the phenomenon violates.

    The model is deterministic, and was verified to give the phenomenon, the inequality to hold for every assignment of
    outcomes and to be violated: exactly for an exact phenomenon. In floating point, to 1e-9 of each probability or to
    rounding; `Undecided` is raised for a phenomenon in between, which a model misses by more than that, but by less
    than a linear program in floating point can tell. Pearl & Cavalcanti (2019), Definition 3 with responses that do not
    depend on the position.
    Raises `DisturbanceError` for a phenomenon that disturbs, which has no model whether or not it is contextual.

    >>> from qlib.correlations.scenarios import pr_box, white_noise
    >>> factorise(white_noise(bell_scenario(2, 2))).is_deterministic
    True
    >>> factorise(pr_box()).bound
    0
    """
    require(Phenomenon, phenomenon=phenomenon)
    require_nondisturbing(phenomenon)
    program = factorisability_program(phenomenon)
    try:
        found = certificate(program).primal if phenomenon.is_exact else solve(program).primal
    except Infeasible as error:
        return _violated(phenomenon, error.certificate.multipliers)
    model = _model(phenomenon.scenario, found or {}, phenomenon.is_exact)
    try:
        model.verify(phenomenon)
    except CertificateError as error:
        if phenomenon.is_exact:
            raise
        raise Undecided(
            f"it cannot be told whether there is a model: the nearest that was found has, in {error}. {TOO_SMALL}"
        ) from None
    return model


def is_factorisable(phenomenon: Phenomenon) -> bool:
    """Whether a phenomenon has a factorisable model (is noncontextual, local); see :func:`factorise`.

    One that disturbs has none.
    """
    require(Phenomenon, phenomenon=phenomenon)
    return is_nondisturbing(phenomenon) and isinstance(factorise(phenomenon), HiddenVariableModel)


def _model(scenario: Scenario, found: Mapping[str, Any], as_exact: bool) -> HiddenVariableModel:
    variables, _ = _rows(scenario)
    weights = [found.get(v, 0) for v in variables]
    array = exact(weights) if as_exact else np.maximum(np.array(weights, dtype=np.float64), 0)
    return model_of_joint_law(scenario, array.reshape(tuple(scenario.outcomes.values())))


def _coefficients(scenario: Scenario, multipliers: Mapping[str, Any]) -> Array:
    array = exact(np.zeros(scenario.shape, dtype=int))
    for name, index, _ in _rows(scenario)[1]:
        array[index] = sp.Rational(multipliers.get(name, 0))
    return array


def _violated(phenomenon: Phenomenon, multipliers: Mapping[str, Any]) -> Inequality:
    scenario = phenomenon.scenario
    coefficients = _coefficients(scenario, multipliers)
    bound = maximum(_values(scenario, coefficients))
    inequality = Inequality(scenario, coefficients, bound)
    inequality.verify()
    if exact_sign(inequality.value(phenomenon) - bound) <= 0:
        raise CertificateError("the inequality is not violated")
    return inequality


# --- the contextual fraction -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ContextualFraction:
    """The least weight of a contextual part: p = (1 - value)·(noncontextual phenomenon) + value·(another one).

    noncontextual : the model of the first part, of total weight 1 - value. inequality : a proof that there is no larger
    one: of the form Σ … ≤ -1 with no positive coefficient, and violated by p by exactly `value`.
    certificate : the linear program's.
    """

    value: Any
    noncontextual: HiddenVariableModel
    inequality: Inequality
    certificate: Certificate


def fraction_program(phenomenon: Phenomenon) -> LinearProgram:
    """Maximise the total weight of assignments that nowhere exceed the phenomenon, with a slack for every entry."""
    require(Phenomenon, phenomenon=phenomenon)
    variables, rows = _rows(phenomenon.scenario)
    table = phenomenon.table if phenomenon.is_exact else phenomenon.table.tolist()
    constraints = [
        Constraint(name, {**members, f"rest of {name}": 1}, _entry(table, index)) for name, index, members in rows
    ]
    slacks = tuple(f"rest of {name}" for name, _, _ in rows)
    return LinearProgram((*variables, *slacks), dict.fromkeys(variables, 1), tuple(constraints))


def contextual_fraction(phenomenon: Phenomenon) -> ContextualFraction:
    """The contextual (in Bell scenarios: non-local) fraction, with a model for the rest and an inequality as proof.

    Abramsky, Barbosa & Mansfield, Phys. Rev. Lett. 119, 050504 (2017). Zero exactly for noncontextual phenomena; exact
    for exact ones. Raises `DisturbanceError` for a phenomenon that disturbs: disturbance would count as contextuality,
    and `Undecided` for one in floating point whose rare outcomes are too rare for that.

    >>> from qlib.correlations.scenarios import tsirelson
    >>> contextual_fraction(tsirelson()).value
    -1 + sqrt(2)
    """
    require(Phenomenon, phenomenon=phenomenon)
    require_nondisturbing(phenomenon)
    program = fraction_program(phenomenon)
    proof = certificate(program, "max")
    scenario = phenomenon.scenario
    primal = solve(program, "max").primal if proof.primal is None and not phenomenon.is_exact else proof.primal
    model = _model(scenario, primal or {}, phenomenon.is_exact)
    inequality = Inequality(scenario, -_coefficients(scenario, proof.multipliers), sp.Integer(-1))
    inequality.verify()
    excess = phenomenon.table - model.table()
    rounding = negligible(excess, phenomenon.table, SAME) | negligible(excess)
    for index in np.ndindex(excess.shape):
        if exact_sign(excess[index]) < 0 if phenomenon.is_exact else excess[index] < 0 and not rounding[index]:
            said = f"entry {index}: the noncontextual part exceeds the phenomenon by {-excess[index]}"
            raise CertificateError(said) if phenomenon.is_exact else Undecided(f"{said}. {TOO_SMALL}")
    value = inequality.value(phenomenon) + 1
    if not agree(value, 1 - model.total):
        raise CertificateError(f"the fraction is {value} by the inequality, and {1 - model.total} by the model")
    return ContextualFraction(value, model, inequality, proof)


def nearest_nondisturbing(phenomenon: Phenomenon) -> Phenomenon:
    """A nondisturbing phenomenon with the least sum over contexts of the total variation distances to this one.

    For frequencies that disturb by noise alone; see :func:`qlib.correlations.scenarios.disturbance_p_value`. In
    floating point.

    >>> from qlib.correlations.scenarios import pr_box
    >>> float(nearest_nondisturbing(pr_box()).table[0, 0, 0])
    0.5
    """
    require(Phenomenon, phenomenon=phenomenon)
    scenario, table = phenomenon.scenario, as_float(phenomenon.table)
    names = {index: name for name, index, _ in _rows(scenario)[1]}
    rows = [
        Constraint(f"near {names[i]}", {names[i]: 1, f"less {names[i]}": 1, f"more {names[i]}": -1}, float(table[i]))
        for i in names
    ]
    rows += _nondisturbing(scenario, names)
    apart = [f"{way} {name}" for name in names.values() for way in ("less", "more")]
    found = solve(LinearProgram((*names.values(), *apart), dict.fromkeys(apart, 1), tuple(rows))).primal
    nearest = np.zeros(scenario.shape)
    for index, name in names.items():
        nearest[index] = max(found.get(name, 0.0), 0.0)
    runs = nearest.reshape(len(nearest), -1).sum(axis=1).reshape(-1, *[1] * scenario.size)
    return Phenomenon(scenario, nearest / runs, phenomenon.name)


# --- what a scenario allows ------------------------------------------------------------------------------------------


def _nondisturbing(scenario: Scenario, names: Mapping[tuple[int, ...], str]) -> tuple[Constraint, ...]:
    """What makes entries, a variable each, a nondisturbing phenomenon."""
    constraints = [
        Constraint(f"normalisation: {scenario.label(c)}", {names[i]: 1 for i in names if i[0] == c}, 1)
        for c in range(len(scenario.contexts))
    ]
    for shared, (c, d) in shared_measurements(scenario):
        for outcomes in product(*[range(scenario.outcomes[m]) for m in shared]):
            members: dict[str, int] = {}
            for context, sign in ((c, 1), (d, -1)):
                at = [1 + position(scenario, context, m) for m in shared]
                members |= {names[i]: sign for i in names if i[0] == context and tuple(i[k] for k in at) == outcomes}
            label = " ".join(f"{m}={a}" for m, a in zip(shared, outcomes, strict=True))
            constraints.append(
                Constraint(f"no disturbance: {label}, {scenario.label(c)} / {scenario.label(d)}", members)
            )
    return tuple(constraints)


def general_bound(inequality: Inequality) -> Certificate:
    """The largest value of an inequality's left-hand side over all nondisturbing phenomena, proved exactly.

    The certificate's `primal` is a phenomenon that attains it: an entry's name is its context and outcomes.

    >>> general_bound(chsh_inequality()).value
    4
    """
    require(Inequality, inequality=inequality)
    scenario = inequality.scenario
    names = {index: name for name, index, _ in _rows(scenario)[1]}
    objective = {names[i]: inequality.coefficients[i] for i in names if inequality.coefficients[i] != 0}
    return certificate(LinearProgram(tuple(names.values()), objective, _nondisturbing(scenario, names)), "max")


# --- inequalities of the literature ----------------------------------------------------------------------------------


def chsh_inequality() -> Inequality:
    """CHSH: ⟨A0 B0⟩ + ⟨A0 B1⟩ + ⟨A1 B0⟩ - ⟨A1 B1⟩ ≤ 2."""
    signs: dict[Context, Any] = {("A0", "B0"): 1, ("A0", "B1"): 1, ("A1", "B0"): 1, ("A1", "B1"): -1}
    return inequality_of_correlators(bell_scenario(2, 2), signs)


def cycle_inequality(n: int) -> Inequality:
    """The inequality of the n-cycle: -Σ ⟨m_k m_{k+1}⟩ ≤ n - 2, for even n with the last sign turned.

    Araújo, Quintino, Budroni, Terra Cunha & Cabello, Phys. Rev. A 88, 022118 (2013).
    """
    whole(n, "n", 3)
    scenario = cycle_scenario(n)
    signs = dict.fromkeys(scenario.contexts, -1)
    if n % 2 == 0:
        signs[scenario.contexts[-1]] = 1
    return inequality_of_correlators(scenario, signs)


def mermin_inequality() -> Inequality:
    """Mermin: ⟨A0 B0 C0⟩ - ⟨A0 B1 C1⟩ - ⟨A1 B0 C1⟩ - ⟨A1 B1 C0⟩ ≤ 2. Phys. Rev. Lett. 65, 1838 (1990)."""
    signs: dict[Context, Any] = {
        ("A0", "B0", "C0"): 1,
        ("A0", "B1", "C1"): -1,
        ("A1", "B0", "C1"): -1,
        ("A1", "B1", "C0"): -1,
    }
    return inequality_of_correlators(bell_scenario(2, 2, 2), signs)


def peres_mermin_inequality() -> Inequality:
    """The sum of the products of rows and columns, the last column's with a minus, is at most 4.

    Cabello, Phys. Rev. Lett. 101, 210401 (2008).
    """
    scenario = peres_mermin_scenario()
    signs = dict.fromkeys(scenario.contexts, 1)
    signs[scenario.contexts[-1]] = -1
    return inequality_of_correlators(scenario, signs)
