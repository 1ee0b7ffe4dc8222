"""Structural causal models: functions, noise, and the three kinds of question that they answer.

Every endogenous variable is a function of other variables; what is left open is the state u of the exogenous ones.
Domains are finite, so a function is a table. A law of the exogenous variables is a product of arrays, each a joint
distribution of some of them: one array if they may all be correlated, an array for each if they are independent. Its
entries are floats or, exactly, SymPy numbers and expressions with free symbols; the code is the same.

A probability is the sum over all exogenous states in which an event happens. It is found by eliminating one variable
after the other: laws and functions are tensors of a network (`qlib.numbers.tensor_networks`), in which all the worlds
that a question speaks of share their exogenous variables, and whatever an intervention leaves as it was. So what counts
is how many variables have to be held in mind at once, not how many there are.

The three rungs of the ladder of causation (Suresh, Frembs & Cavalcanti 2023, Sec. 2, after Pearl 2009):

* association: ``model.distribution("X", "Y")``, ``model.probability({"Y": 1}, given={"X": 0})``;
* intervention: ``model.do({"X": 1}).probability({"Y": 1})``;
* counterfactuals: ``model.abduct({"X": 0, "Y": 0}).do({"X": 1}).probability({"Y": 1})``, and in general any joint
  event of potential responses, `Response`, in as many worlds as one likes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, cmp_to_key, lru_cache
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.numbers.arguments import all_of, distinct, numbers, real_number, reals, require, several, show
from qlib.numbers.exact_arrays import (
    Array,
    absolute,
    conditional_probability,
    exact,
    exact_sign,
    is_exact,
    simplified,
    vanishes,
    zeros,
)
from qlib.numbers.tensor_networks import Tensor, contract

Value: TypeAlias = Hashable
Values: TypeAlias = tuple[Value, ...]
Indices: TypeAlias = NDArray[np.intp]

MOST_STATES = 2**24  # exogenous states whose joint law is made
SMALLEST = 1e-290  # floating-point probability that anything is conditional on; below, digits are lost


@dataclass(frozen=True)
class Mechanism:
    """How one endogenous variable comes about: a function of its parents.

    parents : endogenous and exogenous variables, in the order of the arguments.
    rule : a function of the parents' values, or the table of its values, with one axis for each parent.
    domain : the values that the variable may take.
    Raises ``ValueError`` or ``TypeError`` for parents that are no names, or a table with an entry outside the domain.

    >>> Mechanism(("X", "U"), lambda x, u: x ^ u).domain
    (0, 1)
    """

    parents: tuple[str, ...]
    rule: Callable[..., Value] | ArrayLike
    domain: Values = (0, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parents", all_of(str, self.parents, "parents"))
        object.__setattr__(self, "domain", all_of(Hashable, self.domain, "domain"))
        if not callable(self.rule):
            _require_values(self.rule, self.domain)


def _require_values(table: ArrayLike, domain: Values) -> None:
    """Refuse a table with an entry that is no value of its variable."""
    if np.ma.is_masked(table):
        raise ValueError("rule: an entry of the table is masked; fill it in")
    known = set(domain)
    for at, value in np.ndenumerate(np.array(table, dtype=object)):
        if not isinstance(value, Hashable) or value not in known:
            raise ValueError(f"rule: entry {at} is {show(value)}; its values are {domain}")


def _constant(value: Value) -> Array:
    """The table of a function without arguments; the value may be a tuple."""
    table = np.empty((), dtype=object)
    table[()] = value
    return table


def _named(value: Mapping[str, Any], name: str, kind: Any = object) -> Mapping[str, Any]:
    """The argument, if it is a mapping from names to what is of a kind."""
    require(Mapping, **{name: value})
    all_of(str, value, name)
    all_of(kind, value.values(), name)
    return value


@dataclass(frozen=True)
class Response:
    """The potential response of a variable to do-interventions; Def. 4 of Suresh, Frembs & Cavalcanti (2023).

    do : variable → the value that it is set to, or a `Response`: then it is set to what it would be in that other
    world (a nested counterfactual). Without interventions it is the variable itself, in the actual world.

    >>> print(Response("Y", {"X": 1, "M": Response("M", {"X": 0})}))
    Y[M=M[X=0], X=1]
    """

    variable: str
    do: tuple[tuple[str, Any], ...] = ()

    def __init__(self, variable: str, do: Mapping[str, Value] | Iterable[tuple[str, Value]] = ()) -> None:
        require(str, variable=variable)
        pairs = do.items() if isinstance(do, Mapping) else all_of(tuple, do, "do")
        for pair in pairs:
            if len(pair) != 2 or not isinstance(pair[0], str) or not isinstance(pair[1], Hashable):
                raise TypeError(f"do: {show(pair)} should be a variable and the value that it is set to")
        object.__setattr__(self, "variable", variable)
        object.__setattr__(self, "do", tuple(sorted(dict(pairs).items(), key=lambda item: item[0])))

    def __str__(self) -> str:
        worlds = ", ".join(f"{name}={value}" for name, value in self.do)
        return f"{self.variable}[{worlds}]" if worlds else self.variable


Variable: TypeAlias = str | Response
Event: TypeAlias = Mapping[str, Value] | Mapping[Response, Value] | Mapping[Variable, Value]


@dataclass(frozen=True)
class StructuralModel:
    """A structural causal model: exogenous variables, endogenous variables and a function for each of the latter.

    exogenous : variable → its domain. mechanisms : endogenous variable → its `Mechanism`.
    fixed : the endogenous variables that an intervention has set. positions : for drawing only.

    Def. 3 of Suresh, Frembs & Cavalcanti (2023) has one exogenous variable for each endogenous one; here one may feed
    none, one or several. Raises ``ValueError`` that names the variable for an unknown parent, a cycle, an empty domain
    or one with a value twice, a variable that is both exogenous and endogenous, a table of the wrong shape, or a
    function value outside its domain.

    >>> chain = StructuralModel({"U": (0, 1)}, {"X": Mechanism(("U",), lambda u: u),
    ...                                         "Y": Mechanism(("X",), lambda x: 1 - x)})
    >>> chain.solve({"U": 1}), chain.solve({"U": 1}, do={"X": 0})
    ({'U': 1, 'X': 1, 'Y': 0}, {'U': 1, 'X': 0, 'Y': 1})
    """

    exogenous: Mapping[str, Values]
    mechanisms: Mapping[str, Mechanism]
    fixed: frozenset[str] = frozenset()
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        given = _named(self.exogenous, "exogenous").items()
        domains = {name: all_of(Hashable, values, f"exogenous {name}") for name, values in given}
        object.__setattr__(self, "exogenous", domains)
        object.__setattr__(self, "mechanisms", dict(_named(self.mechanisms, "mechanisms", Mechanism)))
        object.__setattr__(self, "fixed", frozenset(distinct(self.fixed, "fixed")))
        for name, at in _named(self.positions, "positions").items():
            reals(at, f"positions: {name}", (2,))
        _validate_variables(self)
        self.tables  # noqa: B018 — compiled now, so that a mistake is refused now

    @cached_property
    def domains(self) -> dict[str, Values]:
        """Variable → the values that it may take; the exogenous variables first."""
        return {**self.exogenous, **{name: m.domain for name, m in self.mechanisms.items()}}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each exogenous variable: the shape of a law."""
        return tuple(map(len, self.exogenous.values()))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The endogenous variables, causes before effects."""
        causes = {name: [p for p in m.parents if p in self.mechanisms] for name, m in self.mechanisms.items()}
        try:
            return tuple(TopologicalSorter(causes).static_order())
        except CycleError as error:
            raise ValueError("the mechanisms form a cycle: " + " → ".join(error.args[1])) from None

    @cached_property
    def tables(self) -> dict[str, Indices]:
        """Endogenous variable → its function: index of the value, with one axis of value indices for each parent."""
        return {name: _compile(self, name) for name in self.order}

    @cached_property
    def indicators(self) -> dict[str, Array]:
        """Endogenous variable → its function as a tensor: 1 where the last index is the value at the others, else 0."""
        return {name: np.eye(len(self.domains[name]), dtype=int)[table] for name, table in self.tables.items()}

    @cached_property
    def graph(self) -> CausalGraph:
        """The causal graph with the exogenous variables, as latent nodes."""
        kinds = dict.fromkeys(self.exogenous, NodeKind.LATENT) | dict.fromkeys(self.mechanisms, NodeKind.OBSERVED)
        kinds |= dict.fromkeys(self.fixed, NodeKind.FIXED)
        edges = [(parent, name) for name, m in self.mechanisms.items() for parent in m.parents]
        return CausalGraph(kinds, edges, positions={n: at for n, at in self.positions.items() if n in kinds})

    @cached_property
    def endogenous_graph(self) -> CausalGraph:
        """The causal graph of the endogenous variables alone: the G(M) of Def. 3."""
        kinds = {name: kind for name, kind in self.graph.kinds.items() if name in self.mechanisms}
        edges = [edge for edge in self.graph.edges if edge[0] in kinds]
        return CausalGraph(kinds, edges, positions={n: at for n, at in self.positions.items() if n in kinds})

    def do(self, values: Mapping[str, Value]) -> StructuralModel:
        """The submodel of do(X = x): X takes the values given, and what fed X alone leaves the model (Def. 3).

        Raises ``ValueError`` for a variable that is not endogenous, or a value outside its domain.
        """
        for name, value in _named(values, "values").items():
            self._require_endogenous(name)
            self.index(name, value)
        mechanisms = {
            name: Mechanism((), _constant(values[name]), m.domain) if name in values else m
            for name, m in self.mechanisms.items()
        }
        lost = {parent for name in values for parent in self.mechanisms[name].parents}
        kept = {parent for m in mechanisms.values() for parent in m.parents}
        exogenous = {name: domain for name, domain in self.exogenous.items() if name in kept or name not in lost}
        return StructuralModel(exogenous, mechanisms, self.fixed | set(values), self.positions)

    def solve(self, u: Mapping[str, Value], do: Mapping[str, Any] | None = None) -> dict[str, Value]:
        """The value of every variable in one causal world, given all exogenous values, after an intervention if any.

        Raises ``ValueError`` if u does not give a value of its domain to each exogenous variable and to no other.
        """
        do = _named(do or {}, "do")
        if set(_named(u, "u")) != set(self.exogenous):
            raise ValueError(f"u gives values to {_names(u)}; the exogenous variables are {_names(self.exogenous)}")
        world = [np.asarray(self.index(name, u[name])) for name in self.exogenous]
        states = self._solve(do, world)
        return {name: self.domains[name][int(states[name])] for name in self.domains}

    def responses(self, query: Variable) -> Indices:
        """The (potential) response of a variable in every exogenous state, as indices into its domain.

        An array with one axis for each exogenous variable, of length one where the response does not depend on it.
        """
        query = _response(query)
        self._require(query.variable)
        return self._solve(dict(query.do), np.indices(self.shape, sparse=True))[query.variable]

    def index(self, name: str, value: Value) -> int:
        """The place of a value in a variable's domain; ``ValueError`` if it is not there."""
        self._require(name)
        for k, candidate in enumerate(self.domains[name]):
            if candidate is value or (isinstance(value, Hashable) and candidate == value):
                return k
        raise ValueError(f"{name} = {show(value)}: its values are {_names(self.domains[name])}")

    def ancestors(self, name: str, do: Iterable[str] = ()) -> list[str]:
        """A variable and the endogenous ones that it depends on after an intervention, causes before effects."""
        self._require(name)
        found, waiting, fixed = set[str](), [name], frozenset(distinct(do, "do", self.mechanisms))
        while waiting:
            if (variable := waiting.pop()) in self.mechanisms and variable not in found:
                found.add(variable)
                waiting += () if variable in fixed else self.mechanisms[variable].parents
        return [variable for variable in self.order if variable in found]

    def _solve(self, do: Mapping[str, Any], exogenous: Sequence[Indices]) -> dict[str, Indices]:
        for name in do:
            self._require_endogenous(name)
        states = dict(zip(self.exogenous, exogenous, strict=True))
        for name in self.order:
            if name in do:
                states[name] = self._setting(name, do[name], exogenous)
            else:
                parents = tuple(states[parent] for parent in self.mechanisms[name].parents)
                states[name] = np.asarray(self.tables[name][parents])
        return states

    def _setting(self, name: str, value: Any, exogenous: Sequence[Indices]) -> Indices:
        """What an intervention sets a variable to: one value, or in each state its own, out of another world."""
        if not isinstance(value, Response):
            return np.asarray(self.index(name, value))
        self._require(value.variable)
        other = self._solve(dict(value.do), exogenous)[value.variable]
        return np.array([self.index(name, v) for v in self.domains[value.variable]])[other]

    def _require(self, name: str) -> None:
        require(str, name=name)
        if name not in self.domains:
            raise ValueError(f"{name!r} is not a variable; the variables are {_names(self.domains)}")

    def _require_endogenous(self, name: str) -> None:
        self._require(name)
        if name not in self.mechanisms:
            raise ValueError(f"do({name}): it is exogenous, and only an endogenous variable can be set")


def _response(query: Variable) -> Response:
    """A variable as the response to no intervention; a response as it is."""
    require((str, Response), query=query)
    return query if isinstance(query, Response) else Response(query)


def _event(event: Event, name: str) -> Event:
    """The argument, if it is a mapping from variables or responses."""
    require(Mapping, **{name: event})
    all_of((str, Response), event, name)
    return event


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"


def _validate_variables(model: StructuralModel) -> None:
    for name in model.exogenous:
        if name in model.mechanisms:
            raise ValueError(f"{name!r} is both exogenous and endogenous")
    for name, values in model.domains.items():
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name}: its domain {values} should hold at least one value, and none twice")
    for name, mechanism in model.mechanisms.items():
        for k, parent in enumerate(mechanism.parents):
            if parent not in model.domains:
                raise ValueError(f"{name}: its parent {parent!r} is not a variable; they are {_names(model.domains)}")
            if parent in mechanism.parents[:k]:
                raise ValueError(f"{name}: {parent!r} is its parent twice")
    if unknown := sorted(model.fixed - set(model.mechanisms)):
        raise ValueError(f"{unknown[0]!r} is fixed, but it is not an endogenous variable")


def _compile(model: StructuralModel, name: str) -> Indices:
    """The table of a mechanism, as indices into the domain of the variable."""
    mechanism = model.mechanisms[name]
    domains = [model.domains[parent] for parent in mechanism.parents]
    shape = tuple(map(len, domains))
    values = np.empty(shape, dtype=object)
    if callable(mechanism.rule):
        for at, arguments in zip(np.ndindex(shape), itertools.product(*domains), strict=True):
            values[at] = mechanism.rule(*arguments)
    else:
        table = np.array(mechanism.rule, dtype=object)
        if table.shape != shape:
            raise ValueError(f"{name}: its table has shape {table.shape}; its parents' values make it {shape}")
        values[...] = table
    places = {value: k for k, value in enumerate(mechanism.domain)}
    for at, value in np.ndenumerate(values):
        if value not in places:
            where = ", ".join(f"{p}={d[k]}" for p, d, k in zip(mechanism.parents, domains, at, strict=True))
            raise ValueError(f"{name}: its function gives {value!r} at ({where}); its values are {mechanism.domain}")
    return np.asarray(np.vectorize(places.__getitem__, otypes=[np.intp])(values))


@dataclass(frozen=True, eq=False, init=False)
class ProbabilisticModel:
    """A probabilistic structural causal model: a structural model and a law of its exogenous variables.

    structure : the `StructuralModel`. law : array P(u), one axis for each exogenous variable in their order; any joint
    distribution, floating-point or exact (whole numbers, Fractions, SymPy numbers, expressions with free symbols, which
    stand for any numbers that make it a distribution). Or, where groups of them are independent of each other: a
    mapping from each group, a tuple of names, to its joint law. Def. 5 of Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` for a law of another shape, with a negative entry, or that does not sum to one, and for groups
    that do not hold each exogenous variable once.

    >>> fair = ProbabilisticModel(StructuralModel({"U": (0, 1)}, {"X": Mechanism(("U",), lambda u: u)}), [0.5, 0.5])
    >>> fair.distribution("X").tolist()
    [0.5, 0.5]
    >>> ProbabilisticModel(fair.structure, [0.5, 0.6])
    Traceback (most recent call last):
        ...
    ValueError: the law of (U) sums to 1.1; it should sum to 1
    """

    structure: StructuralModel
    factors: Mapping[tuple[str, ...], Array]
    """The law before anything was learnt, as a product of joint laws."""
    learnt: tuple[tuple[StructuralModel, tuple[tuple[Variable, Value], ...]], ...]
    """What has been learnt: events, each with the structure in which it happened."""

    def __init__(self, structure: StructuralModel, law: ArrayLike | Mapping[tuple[str, ...], ArrayLike]) -> None:
        require(StructuralModel, structure=structure)
        groups = law if isinstance(law, Mapping) else {tuple(structure.exogenous): law}
        factors = {distinct(group, "law"): _numbers(array, "law") for group, array in groups.items()}
        _require_partition(structure, factors)
        for group, array in factors.items():
            _validate_law(structure, group, array)
        if not all(map(is_exact, factors.values())):
            factors = {group: array.astype(np.float64) for group, array in factors.items()}
        self._hold(structure, factors, ())

    def _hold(self, structure: StructuralModel, factors: Any, learnt: Any) -> ProbabilisticModel:
        for name, value in (("structure", structure), ("factors", factors), ("learnt", learnt)):
            object.__setattr__(self, name, value)
        return self

    def _with(self, structure: StructuralModel, *learnt: Any) -> ProbabilisticModel:
        """The same law of the exogenous variables for another structure, with more learnt about them."""
        new = object.__new__(ProbabilisticModel)
        return new._hold(structure, self.factors, self.learnt + learnt)

    @cached_property
    def law(self) -> Array:
        """The joint law P(u) after what was learnt: one axis for each exogenous variable, in their order.

        Raises ``ValueError`` if there are more than `MOST_STATES` exogenous states.
        """
        if prod(self.structure.shape) > MOST_STATES:
            raise ValueError(
                f"the joint law of ({_names(self.structure.exogenous)}) has {prod(self.structure.shape)} entries, and "
                f"at most {MOST_STATES} are made; ask for the distribution of some of them"
            )
        return self.distribution(*self.structure.exogenous)

    def distribution(self, *queries: Variable, given: Event | None = None) -> Array:
        """The joint distribution of some variables or potential responses: one axis for each, over its domain.

        Eqs. (4) and (5) of Suresh, Frembs & Cavalcanti (2023): the probability of all u with these responses. `given`
        conditions it on evidence, as `abduct` does.
        """
        if given:
            return self.abduct(given).distribution(*queries)
        worlds = self._worlds()
        legs = [worlds.response(self.structure, query) for query in queries]
        keep = [worlds.copy(leg) if leg in legs[:k] else leg for k, leg in enumerate(legs)]
        return _tidy(self._divided(contract(worlds.tensors, keep), f"the law of {queries}"))

    def probability(self, event: Event, given: Event | None = None) -> Any:
        """The probability of an event, variable or potential response → value, given evidence of the same form.

        >>> model = firing_squad(sp.Rational(1, 2), sp.Rational(1, 4))
        >>> model.probability({Response("D", {"A": 0}): 1}, given={"D": 1})
        4/5
        """
        if given:
            return self.abduct(given).probability(event)
        worlds = self._worlds()
        worlds.observe(self.structure, _event(event, "event").items())
        return _tidy(self._divided(contract(worlds.tensors), f"the probability of {event}")).item()

    def abduct(self, evidence: Event) -> ProbabilisticModel:
        """The model after its exogenous variables were learnt about: P(u) becomes P(u | evidence).

        evidence : variable or potential response → observed value. Step 1 of Theorem 1 of Suresh, Frembs & Cavalcanti.
        Raises ``ValueError`` for evidence of probability zero, or too small for a floating-point number.
        """
        _event(evidence, "evidence")
        posterior = self._with(self.structure, (self.structure, tuple(evidence.items())))
        seen = ", ".join(f"{query}={value}" for query, value in evidence.items())
        if is_exact(posterior._weight):
            if vanishes(posterior._weight):
                raise ValueError(f"evidence {seen}: it has probability zero in this model")
        elif posterior._weight < SMALLEST:
            if not posterior._is_possible():
                raise ValueError(f"evidence {seen}: it has probability zero in this model")
            raise ValueError(
                f"evidence {seen}: its probability is below {SMALLEST}, too small for floating-point numbers; give the "
                "law in exact ones"
            )
        return posterior

    def _is_possible(self) -> bool:
        """Whether what was learnt can be at all: whether some state that is possible is left."""
        support = {group: (array != 0).astype(float) for group, array in self.factors.items()}
        return bool(self._with(self.structure)._hold(self.structure, support, self.learnt)._weight > 0)

    def do(self, values: Mapping[str, Value]) -> ProbabilisticModel:
        """The model after an intervention: step 2 of Theorem 1. See `StructuralModel.do`."""
        return self._with(self.structure.do(values))

    def counterfactual(self, event: Event, do: Mapping[str, Value], given: Event) -> Any:
        """The probability that an event would have been, had `do` been, given what was: abduction, action, prediction.

        Theorem 1 of Suresh, Frembs & Cavalcanti (2023), after Pearl. The evidence may be about any variables.

        >>> model = firing_squad(sp.Rational(1, 2), sp.Rational(1, 4))
        >>> model.counterfactual({"D": 1}, do={"A": 0}, given={"D": 1})
        4/5
        """
        return self.abduct(given).do(do).probability(event)

    @cached_property
    def _weight(self) -> Array:
        """The probability of all that was learnt: a sum of terms none of which is negative."""
        return contract(self._worlds().tensors)

    def _divided(self, weights: Array, name: str) -> Array:
        """Probabilities from weights: given what was learnt."""
        return np.asarray(conditional_probability(weights / self._weight if self.learnt else weights, name))

    def _worlds(self) -> _Worlds:
        """The network of the law and of what was learnt."""
        worlds = _Worlds(self.factors)
        for structure, event in self.learnt:
            worlds.observe(structure, event)
        return worlds


class _Worlds:
    """The worlds that a question speaks of as one network of tensors: exogenous variables, functions, observations.

    A variable has a leg in every world. Two that are the same function of the same legs are one: so worlds share all
    that the difference between them does not reach. Only ancestors of what is asked for come in.
    """

    def __init__(self, factors: Mapping[tuple[str, ...], Array]) -> None:
        self.tensors = [Tensor(array, group) for group, array in factors.items()]
        self.lengths = {name: n for tensor in self.tensors for name, n in zip(tensor.legs, tensor.dims, strict=True)}
        self.known: dict[Any, Any] = {}

    def response(self, structure: StructuralModel, query: Variable) -> Any:
        """The leg of a variable or potential response."""
        query = _response(query)
        structure._require(query.variable)
        do = dict(query.do)
        for name in do:
            structure._require_endogenous(name)
        legs: dict[str, Any] = {name: name for name in structure.exogenous}
        for name in structure.ancestors(query.variable, do):
            if name in do:
                legs[name] = self._set(structure, name, do[name])
            else:
                parents = tuple(legs[parent] for parent in structure.mechanisms[name].parents)
                legs[name] = self._function(parents, structure.indicators[name])
        return legs[query.variable]

    def observe(self, structure: StructuralModel, event: Iterable[tuple[Variable, Value]]) -> None:
        """Keep only the exogenous states in which an event happens."""
        for query, value in event:
            variable = query.variable if isinstance(query, Response) else query
            place = structure.index(variable, value)
            seen = np.eye(len(structure.domains[variable]), dtype=int)[place]
            self.tensors.append(Tensor(seen, (self.response(structure, query),)))

    def copy(self, leg: Any) -> Any:
        """A new leg that always has the value of another."""
        return self._add((leg,), np.eye(self.lengths[leg], dtype=int))

    def _set(self, structure: StructuralModel, name: str, value: Any) -> Any:
        """The leg of a variable that is set to one value, or to what another is in another world."""
        places = np.eye(len(structure.domains[name]), dtype=int)
        if not isinstance(value, Response):
            return self._function((), places[structure.index(name, value)])
        structure._require(value.variable)
        indices = [structure.index(name, v) for v in structure.domains[value.variable]]
        return self._function((self.response(structure, value),), places[indices])

    def _function(self, parents: tuple[Any, ...], indicator: Array) -> Any:
        key = (parents, indicator.shape, indicator.tobytes())
        if key not in self.known:
            self.known[key] = self._add(parents, indicator)
        return self.known[key]

    def _add(self, parents: tuple[Any, ...], indicator: Array) -> int:
        leg = len(self.tensors)
        self.lengths[leg] = indicator.shape[-1]
        self.tensors.append(Tensor(indicator, (*parents, leg)))
        return leg


def _numbers(law: ArrayLike, name: str) -> Array:
    array = numbers(law, name)
    if array.dtype.kind in "iuO":
        return _tidy(exact(array))
    if array.dtype.kind != "f":
        raise ValueError(
            f"{name}: an array of dtype {array.dtype}; its entries should be real numbers or SymPy expressions"
        )
    return array


def _tidy(array: Array) -> Array:
    """Exact numbers with radicals in their simplest form; anything else as it is."""
    if not is_exact(array) or _has_symbols(array) or all(entry.is_Rational for entry in array.flat):
        return array
    return simplified(array)


def _has_symbols(array: Array) -> bool:
    return is_exact(array) and any(entry.free_symbols for entry in array.flat)


def _require_partition(structure: StructuralModel, groups: Iterable[tuple[str, ...]]) -> None:
    names = [name for group in groups for name in group]
    if sorted(names) != sorted(structure.exogenous):
        raise ValueError(
            f"laws of {_names(names)}; they should be of each exogenous variable once: {_names(structure.exogenous)}"
        )


def _validate_law(structure: StructuralModel, group: tuple[str, ...], law: Array) -> None:
    name, domains = f"the law of ({_names(group)})", [structure.exogenous[variable] for variable in group]
    if law.shape != (shape := tuple(map(len, domains))):
        raise ValueError(f"{name} has shape {law.shape}; the numbers of values make it {shape}")
    negative = np.vectorize(_is_negative, otypes=[bool])(law) if is_exact(law) else law < 0
    for at in np.argwhere(negative):
        u = ", ".join(f"{n}={d[k]}" for n, d, k in zip(group, domains, at, strict=True))
        raise ValueError(f"{name} is {law[tuple(at)]} at ({u}); a probability is not negative")
    total = _at_a_point(law).sum()
    if not (vanishes(total - 1)):
        raise ValueError(f"{name} sums to {law.sum()}; it should sum to 1")


def _is_negative(entry: sp.Expr) -> bool:
    """Whether an exact number is negative, or an expression is so whatever its symbols stand for."""
    return bool(entry.is_negative) if entry.free_symbols else exact_sign(entry) < 0


def _at_a_point(law: Array) -> Array:
    """The law with a rational number for each free symbol: where its sum is not one there, it is not one."""
    return np.array(_at_primes(tuple(law.flat)), dtype=object) if _has_symbols(law) else law


@lru_cache(maxsize=64)
def _at_primes(entries: tuple[sp.Expr, ...]) -> list[sp.Expr]:
    symbols = sorted(set().union(*(entry.free_symbols for entry in entries)), key=str)
    point = {symbol: sp.Rational(sp.prime(k + 7), sp.prime(k + 40)) for k, symbol in enumerate(symbols)}
    return [entry.xreplace(point) for entry in entries]


# --- models to start from ---------------------------------------------------------------------------------------------


def independent(structure: StructuralModel, laws: Mapping[str, ArrayLike]) -> ProbabilisticModel:
    """A structural model whose exogenous variables are independent: exogenous variable → its probabilities.

    Raises ``ValueError`` if not each exogenous variable, and no other, is given as many probabilities as it has values.

    >>> coins = StructuralModel({"U": (0, 1), "W": (0, 1)}, {"X": Mechanism(("U", "W"), lambda u, w: u & w)})
    >>> independent(coins, {"U": [0.5, 0.5], "W": [0.75, 0.25]}).probability({"X": 1})
    0.125
    """
    return ProbabilisticModel(structure, {(name,): law for name, law in _named(laws, "laws").items()})


def with_independent_noise(
    conditionals: Mapping[str, tuple[Sequence[str], ArrayLike]],
    positions: Mapping[str, tuple[float, float]] | None = None,
) -> ProbabilisticModel:
    """A structural model with a given Bayesian network: each V has a noise U_V of its own, and the U_V are independent.

    conditionals : variable → (its parents, table P(v | pa) with one axis for each parent and a last one for the
    variable). The values of a variable are 0, 1, …. The noise picks a quantile: v is the first value whose cumulative
    probability, given pa, is at least that of the noise. Free symbols are taken to be ordered as they stand in the
    table, so that their cumulative probabilities grow along it; identities of polynomials proved so hold for all.
    Raises ``ValueError`` for tables of the wrong shape, or rows that do not sum to one.

    >>> noisy = with_independent_noise({"X": ((), [0.5, 0.5]), "Y": (("X",), [[0.75, 0.25], [0.5, 0.5]])})
    >>> noisy.structure.exogenous, noisy.probability({"Y": 1}, given={"X": 0})
    ({'U_X': (0, 1), 'U_Y': (0, 1, 2)}, 0.25)
    """
    for name, entry in _named(conditionals, "conditionals", tuple).items():
        if len(entry) != 2:
            raise ValueError(f"conditionals: {name!r} has {show(entry)}; it should have its parents and a table")
    tables = {name: _numbers(table, f"the table of {name}") for name, (_, table) in conditionals.items()}
    sizes = {name: table.shape[-1] if table.ndim else 0 for name, table in tables.items()}
    mechanisms, laws = {}, {}
    for name, (parents, _) in conditionals.items():
        rows = tables[name]
        for parent in several(parents, f"the parents of {name}"):
            if parent not in sizes:
                raise ValueError(f"{name}: its parent {parent!r} is not a variable; they are {_names(sizes)}")
        shape = (*(sizes[parent] for parent in parents), sizes[name])
        if rows.shape != shape:
            raise ValueError(f"{name}: its table has shape {rows.shape}; its parents' values make it {shape}")
        values, laws[f"U_{name}"] = _quantiles(name, rows)
        mechanisms[name] = Mechanism((*parents, f"U_{name}"), values, tuple(range(sizes[name])))
    exogenous = {noise: tuple(range(len(law))) for noise, law in laws.items()}
    return independent(StructuralModel(exogenous, mechanisms, positions=positions or {}), laws)


def _quantiles(name: str, rows: Array) -> tuple[Indices, Array]:
    """The value for each parents' setting and quantile, and the law of the quantile."""
    _require_conditional(name, rows)
    entries = rows if is_exact(rows) else np.asarray(np.frompyfunc(Fraction, 1, 1)(rows))  # sums lose nothing
    before, total = entries.cumsum(axis=-1), entries.sum(axis=-1, keepdims=True)
    first, last = zeros(before, 0), zeros(total - before, 0)
    steps, place = _steps(before / total if not is_exact(rows) else simplified(before), ~first & ~last, rows)
    place[first], place[last] = -1, len(steps)
    values = (place[..., None, :] < np.arange(len(steps) + 1)[:, None]).sum(axis=-1)
    law = np.diff(np.array([0, *steps, 1], dtype=object))
    return values, exact(law) if is_exact(rows) else law.astype(np.float64)


def _require_conditional(name: str, rows: Array) -> None:
    for at in np.ndindex(rows.shape[:-1]):
        row = f"{name}: the row {rows[at].tolist()} of its table"
        if not vanishes(rows[at].sum() - 1):
            raise ValueError(f"{row} sums to {rows[at].sum()}; it should sum to 1")
        if any(_is_negative(entry) if is_exact(rows) else entry < 0 for entry in rows[at]):
            raise ValueError(f"{row} has a negative entry; a probability is not negative")


def _steps(cumulative: Array, inside: NDArray[np.bool_], rows: Array) -> tuple[list[Any], Indices]:
    """The cumulative probabilities inside (0, 1), each once and in order, and which of them every entry is."""
    place, steps = np.full(cumulative.shape, -1), list[Any]()
    if _has_symbols(rows):
        steps = list(dict.fromkeys(cumulative[inside]))
        place[inside] = [steps.index(step) for step in cumulative[inside]]
        return steps, place
    members: dict[Any, Any] = {}  # row → its entry at the last step

    def order(i: Any, j: Any) -> int:
        return exact_sign(cumulative[i] - cumulative[j])

    for at in sorted(map(tuple, np.argwhere(inside)), key=cmp_to_key(order)):
        if not _is_same_step(cumulative, at, members, is_exact(rows)):
            steps.append(cumulative[at])
            members = {}
        members[at[:-1]] = at
        place[at] = len(steps) - 1
    return steps, place


def _is_same_step(cumulative: Array, at: Any, members: Mapping[Any, Any], exactly: bool) -> bool:
    """Whether an entry is at the step that others are at; two floats of different rows may differ by rounding."""
    c, others = cumulative[at], [members[at[:-1]]] if at[:-1] in members else [*members.values()][:1]
    rounding = 0 if exactly or at[:-1] in members else 8 * Fraction(np.finfo(float).eps) * min(c, 1 - c)
    return any(exact_sign(absolute(c - cumulative[other]) - rounding) <= 0 for other in others)


def parallel_worlds(model: ProbabilisticModel, worlds: Mapping[str, Mapping[str, Value]]) -> ProbabilisticModel:
    """Several worlds in one model, with the exogenous variables in common: for two worlds, the twin network.

    worlds : suffix → the intervention in that world. Every endogenous variable is copied once for each world, with the
    suffix after its name. What is counterfactual in `model` is observational here. Balke & Pearl (1994).
    Raises ``ValueError`` if a copy would have the name of another variable.

    >>> twin = parallel_worlds(firing_squad(sp.Rational(1, 2), sp.Rational(1, 4)), {"": {}, "*": {"A": 0}})
    >>> twin.probability({"D*": 1}, given={"D": 1})
    4/5
    """
    require(ProbabilisticModel, model=model)
    structure, mechanisms = model.structure, {}
    for suffix, values in _named(worlds, "worlds", Mapping).items():
        for name, value in values.items():
            structure._require_endogenous(name)
            structure.index(name, value)
        for name, m in structure.mechanisms.items():
            if name + suffix in mechanisms:
                raise ValueError(f"world {suffix!r}: {name + suffix!r} is the name of another variable already")
            own = tuple(p + suffix if p in structure.mechanisms else p for p in m.parents)
            parents, rule = ((), _constant(values[name])) if name in values else (own, m.rule)
            mechanisms[name + suffix] = Mechanism(parents, rule, m.domain)
    fixed = {name + suffix for suffix, values in worlds.items() for name in (*structure.fixed, *values)}
    positions = _side_by_side(structure, tuple(worlds))
    return model._with(StructuralModel(structure.exogenous, mechanisms, frozenset(fixed), positions))


def _side_by_side(structure: StructuralModel, suffixes: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Places for drawing: the worlds beside each other, the exogenous variables in a row above; or none."""
    places = {name: at for name, at in structure.positions.items() if name in structure.mechanisms}
    if set(places) != set(structure.mechanisms):
        return {}
    width = max(x for x, _ in places.values()) - min(x for x, _ in places.values()) + 1.5
    top, left = max(y for _, y in places.values()) + 1.2, min(x for x, _ in places.values())
    step = (len(suffixes) * width - 1.5) / (len(structure.exogenous) + 1)
    above = {name: (left + step * (k + 1), top) for k, name in enumerate(structure.exogenous)}
    copies = {name + s: (x + width * k, y) for k, s in enumerate(suffixes) for name, (x, y) in places.items()}
    return copies | above


def six_node_model(probabilities: Mapping[str, ArrayLike] | None = None) -> ProbabilisticModel:
    """The example of Figs. 2–4 of Suresh, Frembs & Cavalcanti (2023), with bits V1, …, V6 and independent noises.

    probabilities : variable → P(V = 1 | pa), one axis for each parent, in the order V2(V1), V3(V1), V4(V2, V3, V6) and
    V5(V4); by default numbers that grow with the values of the parents.

    >>> six_node_model().structure.order
    ('V1', 'V6', 'V2', 'V3', 'V4', 'V5')
    """
    parents = {"V1": (), "V2": ("V1",), "V3": ("V1",), "V4": ("V2", "V3", "V6"), "V5": ("V4",), "V6": ()}
    default = {name: _growing(len(pa)) for name, pa in parents.items()}
    given = _named(probabilities or {}, "probabilities")
    ones = {name: _numbers(table, f"probabilities of {name}") for name, table in (default | dict(given)).items()}
    if unknown := set(ones) - set(parents):
        raise ValueError(f"probabilities of {_names(sorted(unknown))}; the variables are {_names(parents)}")
    positions = {"V1": (1.5, 0), "V2": (0.5, -1.2), "V3": (2.5, -1.2), "V4": (1.5, -2.4), "V5": (1.5, -3.6)}
    positions |= {"V6": (3.5, -2.4)} | {"U_V1": (2.6, 0.5), "U_V2": (-0.6, -0.7), "U_V3": (3.6, -0.7)}
    positions |= {"U_V4": (0.4, -2.9), "U_V5": (0.4, -4.1), "U_V6": (4.6, -1.9)}
    return with_independent_noise(
        {name: (pa, np.stack([1 - ones[name], ones[name]], axis=-1)) for name, pa in parents.items()}, positions
    )


def _growing(parents: int) -> Array:
    count = 2**parents
    return np.array([sp.Rational(k + 1, count + 1) for k in range(count)], dtype=object).reshape((2,) * parents)


def firing_squad(order: Any, nervous: Any) -> ProbabilisticModel:
    """Pearl's firing squad (Causality, Sec. 7.1): the court's order U, the captain C, riflemen A and B, the death D.

    C = U; B = C; A shoots at the signal, or because nervous: A = C ∨ W; D = A ∨ B. U and W are independent.
    order, nervous : P(U = 1) and P(W = 1), exact or floating-point.

    >>> firing_squad(0.5, 0.25).do({"B": 0}).probability({"D": 1})
    0.625
    """
    real_number(order, "order", 0, 1)
    real_number(nervous, "nervous", 0, 1)
    structure = StructuralModel(
        {"U": (0, 1), "W": (0, 1)},
        {
            "C": Mechanism(("U",), lambda u: u),
            "A": Mechanism(("C", "W"), lambda c, w: c | w),
            "B": Mechanism(("C",), lambda c: c),
            "D": Mechanism(("A", "B"), lambda a, b: a | b),
        },
        positions={
            "U": (1.5, 1.2),
            "C": (1.5, 0),
            "A": (0.5, -1.2),
            "B": (2.5, -1.2),
            "D": (1.5, -2.4),
            "W": (-0.7, 0),
        },
    )
    return independent(structure, {"U": [1 - order, order], "W": [1 - nervous, nervous]})


SUSCEPTIBILITY = ("safe", "exposed", "careless", "doomed")


def vaccination(law: ArrayLike | None = None) -> ProbabilisticModel:
    """A vaccination X, the antibodies M and an illness Y, with a joint law of who is vaccinated and who is at risk.

    Exogenous: U_X, whether someone accepts the vaccine; U_M, whether antibodies form "never", "if vaccinated" or
    "always"; U_Y, the susceptibility: "safe" people stay healthy; "exposed" ones fall ill without antibodies;
    "careless" ones do so only if vaccinated, since they take risks then; "doomed" ones fall ill. X = U_X.
    law : P(u_x, u_m, u_y), shape (2, 3, 4); by default people who accept the vaccine are less often at risk.

    >>> model = vaccination()
    >>> model.probability({"Y": 1}, given={"X": 1}), model.do({"X": 1}).probability({"Y": 1})
    (19/200, 1/8)
    """
    if law is None:
        accepts = exact([sp.Rational(2, 5), sp.Rational(3, 5)])
        antibodies = exact([sp.Rational(k, 10) for k in (1, 7, 2)])
        susceptible = exact([[sp.Rational(k, 20) for k in row] for row in ((4, 12, 2, 2), (10, 6, 3, 1))])
        law = np.einsum("x,m,xy->xmy", accepts, antibodies, susceptible)
    structure = StructuralModel(
        {"U_X": (0, 1), "U_M": ("never", "if vaccinated", "always"), "U_Y": SUSCEPTIBILITY},
        {
            "X": Mechanism(("U_X",), lambda u: u),
            "M": Mechanism(("X", "U_M"), lambda x, u: int(u == "always" or (u == "if vaccinated" and x == 1))),
            "Y": Mechanism(("X", "M", "U_Y"), _falls_ill),
        },
        positions={"X": (0, 0), "M": (1.5, 1.0), "Y": (3, 0), "U_X": (-1.1, 0.9), "U_M": (1.5, 2.2), "U_Y": (4.1, 0.9)},
    )
    return ProbabilisticModel(structure, law)


def _falls_ill(x: int, m: int, susceptibility: str) -> int:
    without_antibodies = {"safe": 0, "exposed": 1, "careless": x, "doomed": 1}[susceptibility]
    return int(susceptibility == "doomed" or (m == 0 and without_antibodies == 1))
