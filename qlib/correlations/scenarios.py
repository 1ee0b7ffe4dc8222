r"""Measurement scenarios, phenomena, no-disturbance, and a library of both.

A *scenario* says which measurements can be performed together: a list of contexts, each a tuple of measurements; where
a measurement stands in a context is its *position*. A *phenomenon* is the law of the outcomes in every context, an
array p[c, a_1, …, a_n] = P(A_1=a_1, …, A_n=a_n | context c). Contexts of fewer than n measurements are padded at the
end by trivial measurements, whose outcome is always 0; measurements with fewer outcomes than others never have the
missing ones (Pearl & Cavalcanti 2019). A Bell scenario is one in which each position has measurements of its own, and
for it ``table.reshape(*settings, *outcomes)`` is the behaviour P(ab… | xy…) of :mod:`qlib.correlations.behaviours`.

In Pearl & Cavalcanti's formulas the response of a measurement may depend on its position. :func:`by_position` turns a
phenomenon into one in which the same measurement at two positions counts as two.

Arrays are exact (SymPy numbers) or in floating point, and every function serves both. Whether a phenomenon has a
hidden-variable explanation is the subject of :mod:`qlib.correlations.hidden_variables`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, permutations, product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom

from qlib.correlations.behaviours import MOST_ASSIGNMENTS, deterministic_outcomes
from qlib.numbers.arguments import distinct, numbers, one_of, real_number, reals, require, several, whole, wholes
from qlib.numbers.exact_arrays import (
    Array,
    absolute,
    as_float,
    coincide,
    exact,
    exact_sign,
    is_exact,
    number,
    simplified,
    vanishes,
)
from qlib.quantum.channels import PAULI_X, PAULI_Y, PAULI_Z, effects

Context = tuple[str, ...]
MOST_CYCLE = 256  # measurements in a cycle whose probabilities are exact


# --- scenarios -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A measurement scenario: which measurements can be performed together.

    contexts : the sets of measurements that are performed together, each as a tuple; the order fixes their positions.
    outcomes : how many outcomes each measurement has, by name, or one number for all.
    Raises ``ValueError`` for no context, an empty one, a measurement twice in a context, a context twice, a
    measurement without a number of outcomes, or fewer than one outcome.

    >>> cycle = Scenario([("a", "b"), ("b", "c"), ("c", "a")], name="triangle")
    >>> cycle.measurements, cycle.size, cycle.shape
    (('a', 'b', 'c'), 2, (3, 2, 2))
    """

    contexts: tuple[Context, ...]
    outcomes: Mapping[str, int]
    name: str = ""

    def __init__(
        self, contexts: Iterable[Sequence[str]], outcomes: int | Mapping[str, int] = 2, name: str = ""
    ) -> None:
        require(str, name=name)
        tuples = tuple(several(context, "contexts") for context in several(contexts, "contexts"))
        require(str, **{f"contexts: {m!r}": m for context in tuples for m in context})
        names = dict.fromkeys(m for context in tuples for m in context)
        if not isinstance(outcomes, Mapping):
            outcomes = dict.fromkeys(names, whole(outcomes, "outcomes", 1))
        given = {m: whole(number, f"outcomes of {m!r}") for m, number in outcomes.items()}
        _check_scenario(tuples, given)
        object.__setattr__(self, "contexts", tuples)
        object.__setattr__(self, "outcomes", given)
        object.__setattr__(self, "name", name)

    def __hash__(self) -> int:
        return hash((self.contexts, *self.outcomes.items()))

    def __eq__(self, other: object) -> bool:
        """Whether contexts and outcomes are the same; the name is a label only."""
        if not isinstance(other, Scenario):
            return NotImplemented
        return (self.contexts, self.outcomes) == (other.contexts, other.outcomes)

    @property
    def measurements(self) -> tuple[str, ...]:
        """The measurements, in the order of `outcomes`, or if that is a number, of their first appearance."""
        return tuple(self.outcomes)

    @property
    def size(self) -> int:
        """The number n of measurements in the largest context."""
        return max(map(len, self.contexts))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a phenomenon's array: (contexts, outcomes, …, outcomes), n axes of outcomes."""
        return (len(self.contexts), *[max(self.outcomes.values())] * self.size)

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """Which entries stand for outcomes that there are, shape `shape`; padding accounts for the others."""
        mask = np.zeros(self.shape, dtype=bool)
        for c, context in enumerate(self.contexts):
            block: tuple[Any, ...] = (c, *[slice(self.outcomes[m]) for m in context])
            mask[(*block, *[0] * (self.size - len(context)))] = True
        return mask

    @cached_property
    def entries(self) -> tuple[tuple[int, ...], ...]:
        """The indices (context, outcomes…) of the entries that are possible, in order."""
        return tuple(tuple(index) for index in np.argwhere(self.possible).tolist())

    @cached_property
    def assignments(self) -> NDArray[np.int_]:
        """Every assignment of an outcome to every measurement, shape (assignments, measurements).

        Raises ``ValueError`` if there are more than 65,536 of them.
        """
        return deterministic_outcomes(self.outcomes.values())

    @cached_property
    def deterministic(self) -> NDArray[np.int_]:
        """The phenomena of all assignments, zeros and ones, with the assignments along the first axis."""
        table = np.zeros((len(self.assignments), *self.shape), dtype=int)
        everyone = np.arange(len(table))
        for c, context in enumerate(self.contexts):
            chosen = [self.assignments[:, self.measurements.index(m)] for m in context]
            block: tuple[Any, ...] = (everyone, c, *chosen)
            table[(*block, *[0] * (self.size - len(context)))] = 1
        return table

    def is_compatible(self, measurements: Iterable[str]) -> bool:
        """Whether these measurements belong to one context; ``ValueError`` for an unknown one."""
        measurements = distinct(measurements, "measurements")
        for m in (chosen := set(measurements)):
            if m not in self.outcomes:
                raise ValueError(f"{m!r} is not a measurement; the measurements are {', '.join(self.measurements)}")
        return any(chosen <= set(context) for context in self.contexts)

    def label(self, context: int) -> str:
        """A context's measurements as a text."""
        whole(context, "context", 0, len(self.contexts) - 1)
        return " ".join(self.contexts[context])


def _check_scenario(contexts: tuple[Context, ...], outcomes: Mapping[str, int]) -> None:
    if not contexts:
        raise ValueError("contexts: there should be at least one")
    for context in contexts:
        if not context or len(set(context)) < len(context):
            raise ValueError(f"context {context}: it should name at least one measurement, and none twice")
        if contexts.count(context) > 1:
            raise ValueError(f"context {context} stands there twice")
        for m in context:
            if m not in outcomes:
                raise ValueError(f"measurement {m!r}: its number of outcomes is missing")
    for m, count in outcomes.items():
        if count < 1:
            raise ValueError(f"measurement {m!r} has {count} outcomes; it should have at least one")
        if not any(m in context for context in contexts):
            raise ValueError(f"outcomes of {m!r}: it belongs to no context")


def parties(scenario: Scenario, number: int | None = None) -> tuple[tuple[str, ...], ...] | None:
    """A division of the measurements among so many parties, each with at most one in a context; None if there is none.

    number : by default the size n of the largest context. A scenario with such a division is an n-partite Bell
    scenario in the sense of Pearl & Cavalcanti (2019).

    >>> parties(bell_scenario(2, 2)), parties(cycle_scenario(5))
    ((('A0', 'A1'), ('B0', 'B1')), None)
    """
    if number is not None:
        whole(number, "number", 0)
    require(Scenario, scenario=scenario)
    number = scenario.size if number is None else number
    owner: dict[str, int] = {}

    def place(rest: Sequence[str]) -> bool:
        if not rest:
            return True
        m = rest[0]
        taken = {owner[k] for context in scenario.contexts if m in context for k in context if k in owner and k != m}
        for party in range(min(number, 1 + max(owner.values(), default=-1) + 1)):
            if party not in taken:
                owner[m] = party
                if place(rest[1:]):
                    return True
                del owner[m]
        return False

    if not place(scenario.measurements):
        return None
    return tuple(tuple(m for m in scenario.measurements if owner[m] == party) for party in range(number))


# --- phenomena -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Phenomenon:
    """A phenomenon (an empirical model): the law of the outcomes in every context of a scenario.

    table : p[c, a_1, …, a_n], of the scenario's `shape`, exact (SymPy numbers) or in floating point.
    Raises ``ValueError`` naming context and outcomes for another shape, a negative or impossible entry, or a context
    whose probabilities do not sum to one (exactly, or within 1e-9).

    >>> coin = Scenario([("a",)])
    >>> Phenomenon(coin, [[0.5, 0.6]])
    Traceback (most recent call last):
        ...
    ValueError: context a: its probabilities sum to 1.1, not to one
    """

    scenario: Scenario
    table: Array
    name: str = ""
    counts: NDArray[np.int64] | None = None
    """The counts whose frequencies the table holds, if it was made of counts."""

    def __init__(self, scenario: Scenario, table: ArrayLike, name: str = "") -> None:
        require(Scenario, scenario=scenario)
        require(str, name=name)
        array = numbers(table, "table")
        array = exact(array) if array.dtype == object else reals(array, "table")
        array = array.copy()
        _check_table(scenario, array)
        array.flags.writeable = False
        object.__setattr__(self, "scenario", scenario)
        object.__setattr__(self, "table", array)
        object.__setattr__(self, "name", name)

    @classmethod
    def from_counts(cls, scenario: Scenario, counts: ArrayLike, name: str = "") -> Phenomenon:
        """The frequencies of counted outcomes, which keep the counts: so noise can be told from disturbance.

        counts : whole numbers of the scenario's shape. Raises ``ValueError`` for others, or a context without runs.

        >>> Phenomenon.from_counts(Scenario([("a",)]), [[3, 1]]).table.tolist()
        [[0.75, 0.25]]
        """
        require(Scenario, scenario=scenario)
        n = _counts(scenario, counts)
        runs = n.reshape(len(n), -1).sum(axis=1)
        for c in np.flatnonzero(runs == 0):
            raise ValueError(f"counts: the context {scenario.label(int(c))} has no runs")
        phenomenon = cls(scenario, n / runs.reshape(-1, *[1] * scenario.size), name)
        object.__setattr__(phenomenon, "counts", n)
        return phenomenon

    @property
    def is_exact(self) -> bool:
        """Whether the probabilities are exact numbers."""
        return is_exact(self.table)

    def as_float(self) -> Phenomenon:
        """The same phenomenon in floating point."""
        return Phenomenon(self.scenario, as_float(self.table), self.name)

    def marginal(self, context: int, measurements: Sequence[str]) -> Array:
        """The law of some measurements of a context, one axis each, in the order in which they are named.

        Raises ``ValueError`` for a measurement that does not belong to the context.
        """
        whole(context, "context", 0, len(self.table) - 1)
        measurements = distinct(measurements, "measurements")
        positions = [position(self.scenario, context, m) for m in measurements]
        rest = tuple(k for k in range(self.scenario.size) if k not in positions)
        kept = sorted(positions)
        law = np.asarray(self.table[context].sum(axis=rest))
        law = np.transpose(law, [kept.index(k) for k in positions])
        return law[tuple(slice(self.scenario.outcomes[m]) for m in measurements)]

    def correlator(self, context: int, measurements: Sequence[str] | None = None) -> Any:
        """The mean of the product of (-1)^outcome over some measurements of a context, by default over all of it."""
        whole(context, "context", 0, len(self.table) - 1)
        chosen = self.scenario.contexts[context] if measurements is None else measurements
        law = self.marginal(context, chosen)
        signs = np.array([(-1) ** sum(outcomes) for outcomes in np.ndindex(law.shape)]).reshape(law.shape)
        return simplified(np.array([(signs * law).sum()]))[0]


def position(scenario: Scenario, context: int, measurement: str) -> int:
    """Where a measurement stands in a context, counted from 0; ``ValueError`` if it does not belong to it."""
    require(Scenario, scenario=scenario)
    require(str, measurement=measurement)
    whole(context, "context", 0, len(scenario.contexts) - 1)
    if measurement not in scenario.contexts[context]:
        raise ValueError(f"{measurement!r} does not belong to the context {scenario.label(context)}")
    return scenario.contexts[context].index(measurement)


def _check_table(scenario: Scenario, table: Array) -> None:
    if table.shape != scenario.shape:
        raise ValueError(f"table: shape {table.shape} should be {scenario.shape} (contexts, then outcomes)")
    for c, *outcomes in np.ndindex(table.shape):
        entry = table[(c, *outcomes)]
        where = f"context {scenario.label(c)}, outcomes {' '.join(map(str, outcomes))}"
        if not scenario.possible[(c, *outcomes)] and entry != 0:
            raise ValueError(f"{where}: there are no such outcomes, but the probability is {entry}; it should be 0")
        if exact_sign(entry) < 0 if isinstance(entry, sp.Basic) else not entry >= 0:
            raise ValueError(f"{where}: the probability is {entry}; it should not be negative")
    for c, law in enumerate(table):
        if not vanishes(law.sum() - 1):
            raise ValueError(f"context {scenario.label(c)}: its probabilities sum to {law.sum()}, not to one")


def mix(weight: Any, first: Phenomenon, second: Phenomenon, name: str = "") -> Phenomenon:
    """The phenomenon `first` with probability `weight`, else `second`; ``ValueError`` if the scenarios differ.

    Exact if both are, and the weight; in floating point otherwise.
    """
    require(Phenomenon, first=first, second=second)
    require(str, name=name)
    real_number(weight, "weight", 0, 1)
    if first.scenario != second.scenario:
        raise ValueError("the two phenomena belong to different scenarios")
    rounded = isinstance(weight, float | np.floating) or not (first.is_exact and second.is_exact)
    p, q = (x.as_float().table if rounded else x.table for x in (first, second))
    mixture = weight * p + (1 - weight) * q
    return Phenomenon(first.scenario, simplified(mixture), name)


def white_noise(scenario: Scenario) -> Phenomenon:
    """All outcomes of every context equally probable, exactly.

    >>> white_noise(Scenario([("a", "b")])).table[0, 0, 0]
    1/4
    """
    require(Scenario, scenario=scenario)
    table = exact(scenario.possible.astype(int))
    for c in range(len(table)):
        table[c] = table[c] / table[c].sum()
    return Phenomenon(scenario, table, "white noise")


def by_position(phenomenon: Phenomenon) -> Phenomenon:
    """The same numbers, with one measurement at two positions counted as two: m at position i is called m@i.

    No-disturbance and factorisability of the result are Definitions 2 and 3 of Pearl & Cavalcanti (2019) to the letter,
    where the response P(A_i | X_i, Λ) may depend on the position i. In a Bell scenario nothing changes but the names.

    >>> by_position(white_noise(cycle_scenario(3))).scenario.contexts
    (('m0@1', 'm1@2'), ('m1@1', 'm2@2'), ('m2@1', 'm0@2'))
    """
    require(Phenomenon, phenomenon=phenomenon)
    old = phenomenon.scenario
    contexts = [tuple(f"{m}@{i}" for i, m in enumerate(context, 1)) for context in old.contexts]
    outcomes = {
        new: old.outcomes[m]
        for context, names in zip(old.contexts, contexts, strict=True)
        for m, new in zip(context, names, strict=True)
    }
    return Phenomenon(Scenario(contexts, outcomes, f"{old.name} by position"), phenomenon.table, phenomenon.name)


def in_every_order(phenomenon: Phenomenon) -> Phenomenon:
    """The same phenomenon with the measurements of each context in every order, each order a context of its own.

    >>> in_every_order(white_noise(cycle_scenario(3))).scenario.contexts[:2]
    (('m0', 'm1'), ('m1', 'm0'))
    """
    require(Phenomenon, phenomenon=phenomenon)
    old = phenomenon.scenario
    contexts, laws = [], []
    for c, context in enumerate(old.contexts):
        for order in permutations(range(len(context))):
            contexts.append(tuple(context[k] for k in order))
            laws.append(np.transpose(phenomenon.table[c], (*order, *range(len(context), old.size))))
    return Phenomenon(Scenario(contexts, old.outcomes, f"{old.name}, every order"), np.stack(laws), phenomenon.name)


# --- no-disturbance --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Disturbance:
    """The law of `measurements` in two contexts (their indices), and the total variation distance between the two."""

    measurements: tuple[str, ...]
    contexts: tuple[int, int]
    distance: Any


def shared_measurements(scenario: Scenario) -> tuple[tuple[tuple[str, ...], tuple[int, int]], ...]:
    """All pairs of contexts that share measurements, as (the measurements they share, the two contexts).

    >>> shared_measurements(cycle_scenario(3))[0]
    (('m1',), (0, 1))
    """
    require(Scenario, scenario=scenario)
    pairs = combinations(range(len(scenario.contexts)), 2)
    shared = ((tuple(m for m in scenario.contexts[c] if m in scenario.contexts[d]), (c, d)) for c, d in pairs)
    return tuple((names, pair) for names, pair in shared if names)


def disturbances(phenomenon: Phenomenon) -> tuple[Disturbance, ...]:
    """How much the law of shared measurements differs between two contexts, for all pairs of contexts that share some.

    It is enough to look at all that two contexts share: the laws of fewer measurements are marginals of it.
    """
    require(Phenomenon, phenomenon=phenomenon)
    found = []
    for names, (c, d) in shared_measurements(phenomenon.scenario):
        difference = phenomenon.marginal(c, names) - phenomenon.marginal(d, names)
        distance = simplified(np.array([sum(map(absolute, difference.flat)) / 2]))[0]
        found.append(Disturbance(names, (c, d), distance))
    return tuple(found)


def is_nondisturbing(phenomenon: Phenomenon) -> bool:
    """Whether the law of measurements never depends on what is measured with them (in Bell scenarios: no signalling).

    Decided exactly for an exact phenomenon. In floating point, to the rounding of numbers of order one; `Undecided` is
    raised for a law that depends on it by more, but by less than 1e-9 of each probability, as tables need not be more
    accurate. Pearl & Cavalcanti (2019), Definition 2 and the sentence before it; their formula compares only contexts
    in which the measurements stand at the same positions: for it, take :func:`by_position` first.

    >>> is_nondisturbing(pr_box())
    True
    """
    require(Phenomenon, phenomenon=phenomenon)
    return all(
        coincide(phenomenon.marginal(c, names), phenomenon.marginal(d, names), f"the law of {', '.join(names)}")
        for names, (c, d) in shared_measurements(phenomenon.scenario)
    )


@dataclass(frozen=True)
class DisturbanceTest:
    """The counts of an outcome of shared measurements in the first of two contexts, and the region that accepts it.

    `accepted` is whether count lies in [low, high].
    """

    measurements: tuple[str, ...]
    outcomes: tuple[int, ...]
    contexts: tuple[int, int]
    count: int
    low: int
    high: int

    @property
    def accepted(self) -> bool:
        """Whether the count is one that a nondisturbing phenomenon gives."""
        return self.low <= self.count <= self.high


def disturbance_tests(scenario: Scenario, counts: ArrayLike, alarm: float) -> tuple[DisturbanceTest, ...]:
    """Compare counted outcomes between all contexts that share measurements.

    counts : whole numbers of the scenario's shape. alarm : the probability that a nondisturbing phenomenon fails any of
    the tests, at most. If an outcome has one probability in two contexts with N and N' runs, and occurred K times in
    both together, its count in the first is hypergeometric, whatever that probability is: the region is exact, and
    `alarm` is divided evenly among all tests and their two tails, so they may depend on each other.
    Raises ``ValueError`` for another shape, counts that are no whole numbers, or impossible outcomes that occurred, or
    an alarm outside (0, 1).
    """
    require(Scenario, scenario=scenario)
    real_number(alarm, "alarm")
    n = _counts(scenario, counts)
    if not 0 < alarm < 1:
        raise ValueError(f"alarm={alarm}: should lie between 0 and 1")
    found = []
    for names, (c, d) in shared_measurements(scenario):
        first, second = (_count_marginal(scenario, n, k, names) for k in (c, d))
        for outcomes in np.ndindex(first.shape):
            found.append((names, outcomes, (c, d), first, second))
    tail = alarm / (2 * max(len(found), 1))
    laws = [(a.sum() + b.sum(), a[outcomes] + b[outcomes], a.sum()) for _, outcomes, _, a, b in found]
    regions = np.reshape(laws, (-1, 3)).T
    low, high = hypergeom.ppf(tail, *regions), hypergeom.isf(tail, *regions)
    return tuple(
        DisturbanceTest(names, outcomes, pair, int(first[outcomes]), int(least), int(most))
        for (names, outcomes, pair, first, _), least, most in zip(found, low, high, strict=True)
    )


def disturbance_p_value(scenario: Scenario, counts: ArrayLike) -> float:
    """A p-value of the hypothesis that counted outcomes are those of a nondisturbing phenomenon.

    The exact hypergeometric tests of :func:`disturbance_tests`, two-sided, with Bonferroni's correction for their
    number; it holds for every number of runs. Raises ``ValueError`` as they do.

    >>> disturbance_p_value(bell_scenario(2, 2), np.full((4, 2, 2), 1250))
    1.0
    """
    require(Scenario, scenario=scenario)
    n = _counts(scenario, counts)
    laws = []
    for names, (c, d) in shared_measurements(scenario):
        first, second = (_count_marginal(scenario, n, k, names) for k in (c, d))
        laws += [
            (a, first.sum() + second.sum(), a + b, first.sum()) for a, b in zip(first.flat, second.flat, strict=True)
        ]
    if not laws:
        return 1.0
    count, *regions = np.array(laws).T
    tails = np.minimum(hypergeom.cdf(count, *regions), hypergeom.sf(count - 1, *regions))
    return float(min(1.0, 2 * len(laws) * tails.min()))


class DisturbanceError(ValueError):
    """A question about nondisturbing phenomena was asked of one that disturbs.

    largest : the `Disturbance` of the largest distance. p_value : of the hypothesis that it is noise; None for a
    phenomenon that was not made of counts.
    """

    def __init__(self, phenomenon: Phenomenon) -> None:
        self.largest = max(disturbances(phenomenon), key=lambda found: float(found.distance))
        self.p_value = None
        names, (c, d) = ", ".join(self.largest.measurements), self.largest.contexts
        scenario = phenomenon.scenario
        said = (
            f"the law of {names} differs between the contexts {scenario.label(c)} and {scenario.label(d)}, by a total "
            f"variation distance of {float(self.largest.distance):.3g}: the phenomenon disturbs"
        )
        if phenomenon.counts is None:
            said += "; if these are frequencies, Phenomenon.from_counts tells noise from disturbance"
        else:
            self.p_value = disturbance_p_value(scenario, phenomenon.counts)
            said += f" (p-value of the hypothesis that this is noise: {self.p_value:.2g})"
        super().__init__(
            f"{said}. contextuality_by_default tells disturbance and contextuality apart; nearest_nondisturbing "
            "removes what may be noise"
        )


def require_nondisturbing(phenomenon: Phenomenon) -> None:
    """Raise `DisturbanceError` for a phenomenon that disturbs: no joint law and no mixture of assignments gives it."""
    if not is_nondisturbing(phenomenon):
        raise DisturbanceError(phenomenon)


def _counts(scenario: Scenario, counts: ArrayLike) -> NDArray[np.int64]:
    n = reals(counts, "counts")
    if n.shape != scenario.shape:
        raise ValueError(f"counts: shape {n.shape} should be {scenario.shape} (contexts, then outcomes)")
    for index in np.argwhere((n < 0) | (n != np.floor(n)) | (~scenario.possible & (n != 0))):
        raise ValueError(f"counts: entry {tuple(map(int, index))} is {n[tuple(index)]}; it cannot be a count there")
    return n.astype(np.int64)


def _count_marginal(scenario: Scenario, n: NDArray[np.int64], context: int, names: Sequence[str]) -> NDArray[np.int64]:
    positions = [position(scenario, context, m) for m in names]
    kept = sorted(positions)
    law = n[context].sum(axis=tuple(k for k in range(scenario.size) if k not in positions))
    law = np.transpose(law, [kept.index(k) for k in positions])
    return np.asarray(law[tuple(slice(scenario.outcomes[m]) for m in names)])


# --- a library -------------------------------------------------------------------------------------------------------


def bell_scenario(*settings: int, outcomes: int = 2) -> Scenario:
    """The Bell scenario with so many settings for each party: measurements A0, A1, …, B0, …, contexts in that order.

    >>> bell_scenario(2, 2).contexts
    (('A0', 'B0'), ('A0', 'B1'), ('A1', 'B0'), ('A1', 'B1'))
    """
    whole(outcomes, "outcomes", 1)
    settings = wholes(settings, "settings", 1)
    if not 1 <= len(settings) <= 26 or math.prod(settings) > MOST_ASSIGNMENTS:
        raise ValueError(f"settings: {settings} should be those of 1 to 26 parties, and not too many contexts")
    letters = [chr(ord("A") + k) for k in range(len(settings))]
    of_party = [[f"{letter}{x}" for x in range(n)] for letter, n in zip(letters, settings, strict=True)]
    return Scenario(
        product(*of_party), dict.fromkeys(chain(*of_party), outcomes), f"Bell {'×'.join(map(str, settings))}"
    )


def cycle_scenario(n: int) -> Scenario:
    """The n-cycle: measurements m0, …, each compatible with the next, the last with the first; n = 5 is KCBS's.

    Klyachko, Can, Binicioğlu & Shumovsky, Phys. Rev. Lett. 101, 020403 (2008). ``ValueError`` for n < 3.
    """
    whole(n, "n", 3, MOST_ASSIGNMENTS)
    return Scenario([(f"m{k}", f"m{(k + 1) % n}") for k in range(n)], name=f"{n}-cycle")


def peres_mermin_scenario() -> Scenario:
    """The square of nine observables of two qubits, its three rows and three columns as contexts.

    Peres, Phys. Lett. A 151, 107 (1990); Mermin, Phys. Rev. Lett. 65, 3373 (1990).
    """
    square = [("XI", "IX", "XX"), ("IY", "YI", "YY"), ("XY", "YX", "ZZ")]
    return Scenario([*square, *zip(*square, strict=True)], name="Peres–Mermin square")


def from_correlators(scenario: Scenario, correlators: Mapping[Context, Any], name: str = "") -> Phenomenon:
    """The phenomenon of two-outcome measurements with given means of products of signs; those not named are zero.

    Raises ``ValueError`` if they are not those of a phenomenon (a probability is negative).
    """
    require(Scenario, scenario=scenario)
    require(Mapping, correlators=correlators)
    require(str, name=name)
    means = {
        frozenset(several(names, "correlators")): number(real_number(mean, f"correlators of {names}"))
        for names, mean in correlators.items()
    }
    table = exact(np.zeros(scenario.shape, dtype=int))
    for index in scenario.entries:
        context = scenario.contexts[index[0]]
        total = sp.Integer(1)
        for size in range(1, len(context) + 1):
            for chosen in combinations(range(len(context)), size):
                mean = means.get(frozenset(context[k] for k in chosen), 0)
                total += (-1) ** int(sum(index[1 + k] for k in chosen)) * mean
        table[index] = total / 2 ** len(context)
    return Phenomenon(scenario, simplified(table), name)


def pr_box() -> Phenomenon:
    """Popescu and Rohrlich's box: a ⊕ b = x y, marginals uniform. Found. Phys. 24, 379 (1994)."""
    signs: dict[Context, Any] = {(f"A{x}", f"B{y}"): (-1) ** (x * y) for x, y in product((0, 1), repeat=2)}
    return from_correlators(bell_scenario(2, 2), signs, "PR box")


def tsirelson(visibility: Any = 1) -> Phenomenon:
    """The quantum maximum of CHSH, correlators ±1/√2 times a visibility (the weight beside white noise)."""
    value = real_number(visibility, "visibility", -1, 1) / sp.sqrt(2)
    signs: dict[Context, Any] = {(f"A{x}", f"B{y}"): (-1) ** (x * y) * value for x, y in product((0, 1), repeat=2)}
    return from_correlators(bell_scenario(2, 2), signs, "Tsirelson")


def quantum_cycle(n: int) -> Phenomenon:
    """The quantum maximum of :func:`cycle_inequality`, exactly.

    For odd n every measurement is a projector onto one of n vectors in three dimensions, each orthogonal to the next
    (n = 5: the pentagram), and the state has the overlap cos(π/n) / (1 + cos(π/n)) with each. For even n the
    correlators are -cos(π/n), with the last sign turned, and marginals uniform. Araújo et al. (2013).

    >>> sum(quantum_cycle(5).marginal(k, [f"m{k}"])[1] for k in range(5))
    sqrt(5)
    """
    whole(n, "n", 3, MOST_CYCLE)
    scenario = cycle_scenario(n)
    cosine = sp.cos(sp.pi / n)
    if n % 2 == 0:
        means = dict.fromkeys(scenario.contexts, -cosine) | {scenario.contexts[-1]: cosine}
        return from_correlators(scenario, means, f"quantum {n}-cycle")
    p = simplified(exact([cosine / (1 + cosine)]))[0]
    return Phenomenon(scenario, exact([[[1 - 2 * p, p], [p, 0]]] * n), f"quantum {n}-cycle")


def contextual_cycle(n: int) -> Phenomenon:
    """The extreme nondisturbing phenomenon of the n-cycle: each correlator -1, for even n the last +1."""
    whole(n, "n", 3, MOST_CYCLE)
    scenario = cycle_scenario(n)
    means = dict.fromkeys(scenario.contexts, -1) | ({scenario.contexts[-1]: 1} if n % 2 == 0 else {})
    return from_correlators(scenario, means, f"extreme {n}-cycle")


def quantum_phenomenon(
    scenario: Scenario, state: ArrayLike, projectors: Mapping[str, ArrayLike], name: str = ""
) -> Phenomenon:
    """The phenomenon ⟨ψ| Π_1 … Π_n |ψ⟩ = ‖Π_n … Π_1 ψ‖² of projective measurements on a pure state.

    state : ψ, shape (d,). projectors : measurement → array (outcomes, d, d). Exact if all of them are.
    Raises ``ValueError`` for projectors that are missing, of another shape or of no measurement of the scenario, or of
    one context that do not commute.
    """
    require(Scenario, scenario=scenario)
    require(Mapping, projectors=projectors)
    for m in projectors:
        one_of(m, "projectors", scenario.outcomes)
    require(str, name=name)
    psi = numbers(state, "state", ("d",))
    given = {m: numbers(P, f"projectors of {m!r}") for m, P in projectors.items()}
    for m, count in scenario.outcomes.items():
        if m not in given or given[m].shape != (count, *psi.shape * 2):
            found = f"shape {given[m].shape}" if m in given else "none are given"
            raise ValueError(f"projectors of {m!r}: {found}; their shape should be {(count, *psi.shape * 2)}")
    table = np.zeros(scenario.shape, dtype=np.result_type(psi, *given.values()))
    pairs = dict.fromkeys(pair for context in scenario.contexts for pair in combinations(context, 2))
    for m, k in pairs:  # which may share several contexts
        for P, Q in product(given[m], given[k]):
            if not vanishes(P @ Q - Q @ P):
                raise ValueError(f"{m} and {k} share a context, but their projectors do not commute")
    for index in scenario.entries:
        vector = psi
        for m, a in zip(scenario.contexts[index[0]], index[1:], strict=False):  # beyond the context there is padding
            vector = given[m][a] @ vector
        table[index] = np.conj(vector) @ vector  # never negative
    return Phenomenon(scenario, simplified(table) if is_exact(table) else table.real, name)


def ghz_mermin() -> Phenomenon:
    """The state (|000⟩ + |111⟩)/√2, each party measuring σ_X (setting 0) or σ_Y (setting 1)."""
    state = exact([sp.sqrt(2) / 2, *[0] * 6, sp.sqrt(2) / 2])
    one = exact(np.eye(2, dtype=int))
    projectors = {}
    for k, letter in enumerate("ABC"):
        for setting, pauli in enumerate((PAULI_X, PAULI_Y)):
            factors = [pauli if j == k else one for j in range(3)]
            projectors[f"{letter}{setting}"] = effects(np.kron(np.kron(factors[0], factors[1]), factors[2]))
    return quantum_phenomenon(bell_scenario(2, 2, 2), state, projectors, "GHZ–Mermin")


def peres_mermin() -> Phenomenon:
    """The square's nine observables in the state |00⟩; the products of rows and columns are the same in every state."""
    paulis = {"I": exact(np.eye(2, dtype=int)), "X": PAULI_X, "Y": PAULI_Y, "Z": PAULI_Z}
    scenario = peres_mermin_scenario()
    projectors = {m: effects(np.kron(paulis[m[0]], paulis[m[1]])) for m in scenario.measurements}
    return quantum_phenomenon(scenario, exact([1, 0, 0, 0]), projectors, "Peres–Mermin")


def hardy_paradox() -> Phenomenon:
    """Hardy's argument at its best: P(00|00) = (5√5 - 11)/2, P(01|01) = P(10|10) = P(00|11) = 0.

    The state is α(|01⟩ + |10⟩) + β|11⟩ in the basis of setting 1, α² = (3 - √5)/2; the outcome 0 of setting 0 belongs
    to β|0⟩ - α|1⟩. Hardy, Phys. Rev. Lett. 71, 1665 (1993).
    """
    alpha, beta = (sp.sqrt(5) - 1) / 2, sp.sqrt(sp.sqrt(5) - 2)
    state = exact([0, alpha, alpha, beta])
    vector = sp.Matrix([beta, -alpha])
    first = exact(vector * vector.T / sp.expand(vector.dot(vector)))
    one = exact(np.eye(2, dtype=int))
    single = {"0": np.stack([first, one - first]), "1": exact([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])}
    projectors = {f"A{s}": np.stack([np.kron(P, one) for P in single[s]]) for s in "01"}
    projectors |= {f"B{s}": np.stack([np.kron(one, P) for P in single[s]]) for s in "01"}
    return quantum_phenomenon(bell_scenario(2, 2), state, projectors, "Hardy")
