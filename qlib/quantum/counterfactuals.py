"""Counterfactual queries on quantum structural causal models: abduction, action, prediction.

"Given that outcomes a were observed with instruments z, what is the probability of c', had instruments z' been
implemented and b' obtained?" is a `CounterfactualQuery`. `evaluate` answers it by (27), (26) and (29) of Suresh, Frembs
& Cavalcanti (2023): learn about the exogenous λ from the evidence, change the instruments, and average P^λ(c' | b')
over what was learnt. Where the antecedent is impossible for some λ that the evidence allows, there is no such
probability, and the answer is the paper's ∗, `COUNTERPOSSIBLE`. Where it is not said which instruments z' are meant,
`disambiguate` chooses by the principle of minimality.

The sum over λ is one contraction of two copies of the network that share λ. The denominators P^λ(b') are found as
tensors over the few λ that they depend on, and their reciprocals are further tensors of that network. So nothing here
grows with the number of values of all λ together, except what lists them: `Answer.terms`.

Everything works for batches of instruments and of models, whose leading axes broadcast, and for SymPy expressions with
free symbols.

Rare is not impossible. Whether a floating-point probability is zero is judged against what it was computed from: the
largest probabilities that the outcomes have in any state, the prior of the λ and, where it is small against these, the
size of the terms that it is a sum of (`Network.sensitivity`). The entries of an operator are taken to be rounded to the
last digits of its largest one. What is no more than rounding is zero; what is more, but too little to be known to six
digits, is refused by name, as then only exact numbers can tell.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from math import prod
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import all_of, distinct, require
from qlib.numbers.exact_arrays import (
    Array,
    common,
    conditional_probability,
    has_free_symbols,
    is_exact,
    negligible,
    simplified,
    undecided,
)
from qlib.numbers.tensor_networks import Leg, Network, Tensor
from qlib.quantum.derivation_steps import Explanation, Step, rounded_text
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import (
    Process,
    _at_places,
    _compiled,
    _places,
    _real,
    _require_process,
    _with_a_place,
    node_operators,
    unmeasured,
)

ACTUAL, COUNTERFACTUAL = "actual", "counterfactual"  # the two worlds
SUSPICIOUS = 1e-6  # a floating-point probability up to this share of its bound is judged by its sensitivity
AGREEMENT = 1e-6  # to which floating-point numbers found in two ways should agree
TOO_LITTLE = (
    "indistinguishable from zero at this precision, given the size of the terms that it is a sum of; exact numbers "
    "(SymPy's, in every operator) would decide"
)
MOST_TERMS = 4096  # values of λ that are listed one by one
MOST_ENTRIES = 2**24  # of a tensor P^λ(b')


class QueryKind(StrEnum):
    """What a query changes at the nodes of its antecedent; Def. 14 of Suresh, Frembs & Cavalcanti (2023)."""

    PASSIVE = "passive"
    ACTIVE = "active"
    DO = "do-interventional"

    @property
    def is_active(self) -> bool:
        """Whether something is changed: do-interventional queries are special active ones."""
        return self is not QueryKind.PASSIVE


class _Counterpossible:
    """The paper's ∗, the value of a counterfactual whose antecedent is impossible."""

    def __repr__(self) -> str:
        return "∗"


COUNTERPOSSIBLE = _Counterpossible()


@dataclass(frozen=True, eq=False)
class CounterfactualQuery:
    """A standard quantum counterfactual query: P^{a|z}_{b'|z'}(c'), Def. 13 of Suresh, Frembs & Cavalcanti (2023).

    evidence : node → outcome a observed; nodes without one were not looked at. antecedent : node → outcome b'.
    consequent : node → outcome c'. actual : node → instrument z; a node without one is not measured, what comes in
    goes on. counterfactual : node → instrument z' where it differs from z; afterwards z' for every node.
    Raises ``ValueError`` for an outcome at a node without an instrument, or one that its instrument does not have, a
    node in antecedent and consequent, or no consequent.

    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> query = CounterfactualQuery({"A": 0}, {"A": 1}, {"B": 1}, actual={"A": Z, "B": Z}, counterfactual={})
    >>> query.kind, str(query)
    (<QueryKind.PASSIVE: 'passive'>, 'Given A = 0, what is the probability of B = 1, had it been that A = 1?')
    """

    evidence: Mapping[str, Outcome]
    antecedent: Mapping[str, Outcome]
    consequent: Mapping[str, Outcome]
    actual: Mapping[str, Instrument]
    counterfactual: Mapping[str, Instrument] = field(default_factory=dict)

    def __post_init__(self) -> None:
        worlds = {name: getattr(self, name) for name in ("evidence", "antecedent", "consequent", "actual")}
        require(Mapping, counterfactual=self.counterfactual, **worlds)
        all_of(str, self.actual, "actual")
        for name in worlds:
            object.__setattr__(self, name, dict(getattr(self, name)))
        for node, instrument in self.counterfactual.items():
            if node not in self.actual and isinstance(instrument, Instrument):
                self.actual[node] = unmeasured(node, instrument.d_in, instrument.d_out)  # type: ignore[index]
        object.__setattr__(self, "counterfactual", {**self.actual, **self.counterfactual})
        _validate(self)

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The nodes whose instrument is another one in the counterfactual world."""
        return tuple(node for node, z in self.actual.items() if not self.counterfactual[node].same_as(z))

    @cached_property
    def kind(self) -> QueryKind:
        """Passive if no instrument of the antecedent's nodes is changed, do-interventional if all changes there are."""
        changed = [self.counterfactual[node] for node in self.antecedent if node in self.changed]
        if not changed:
            return QueryKind.PASSIVE
        do = all(len(instrument.outcomes) == 1 and instrument.is_discard_and_prepare for instrument in changed)
        return QueryKind.DO if do else QueryKind.ACTIVE

    def __str__(self) -> str:
        given = f"Given {_list(self.evidence)}, what" if self.evidence else "What"
        had = f", had it been that {_list(self.antecedent)}" if self.antecedent else ""
        return f"{given} is the probability of {_list(self.consequent)}{had}?"


def _validate(query: CounterfactualQuery) -> None:
    for world in (ACTUAL, COUNTERFACTUAL):
        for node, instrument in getattr(query, world).items():
            if not isinstance(instrument, Instrument):
                raise ValueError(
                    f"{world} instrument at node {node!r}: {type(instrument).__name__} should be Instrument"
                )
    for name, world in (("evidence", ACTUAL), ("antecedent", COUNTERFACTUAL), ("consequent", COUNTERFACTUAL)):
        instruments = getattr(query, world)
        for node, outcome in getattr(query, name).items():
            if node not in instruments:
                raise ValueError(f"{name}: node {node!r}: {_has_none(node, instruments)}")
            if not isinstance(outcome, Hashable) or outcome not in instruments[node].outcomes:
                outcomes = ", ".join(map(repr, instruments[node].outcomes))
                raise ValueError(f"{name}: {node} = {outcome!r}, but the {world} instrument at {node} has {outcomes}")
    if both := [node for node in query.antecedent if node in query.consequent]:
        raise ValueError(f"node {both[0]} is in the antecedent and in the consequent; they should be disjoint")
    if not query.consequent:
        raise ValueError("the consequent should be an outcome of at least one node")


def _has_none(node: str, instruments: Iterable[str]) -> str:
    return f"no actual instrument is given there; they are given at {', '.join(instruments) or 'no node'}"


def _list(outcomes: Mapping[str, Outcome]) -> str:
    return ", ".join(f"{node} = {outcome}" for node, outcome in outcomes.items())


class Impossible(NamedTuple):
    """Values of exogenous variables for which the antecedent is impossible, though the evidence allows them.

    antecedent : P^λ(b'): zero, or an expression in free symbols; the antecedent is impossible where that vanishes.
    weight : the posterior probability of these values.
    """

    values: dict[str, Outcome]
    antecedent: Any
    weight: Any


@dataclass(frozen=True)
class Term:
    """What (27) and (26) say of one λ; in a batch the probabilities are arrays.

    values : exogenous variable → its value λ_i. likelihood : P_z(a | λ). posterior : P_z(λ | a). antecedent : P^λ(b').
    joint : P^λ(c', b'). probability : P^λ(c' | b'), or ∗ (in a batch, nan) if the antecedent is impossible.
    """

    values: dict[str, Outcome]
    prior: Any
    likelihood: Any
    posterior: Any
    antecedent: Any
    joint: Any
    probability: Any


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to a query.

    probability : the expected counterfactual probability (29); `COUNTERPOSSIBLE` where it has none; in a batch, an
    array with nan there. counterpossible : whether it has none; in a batch, an array of truth values.
    evidence : P_z(a). impossible : the reason for ∗, value by value of λ; empty in a batch. impossible_weight : the
    posterior probability of all of them. conditions : with free symbols, what may not vanish; where it does and the
    weight does not, the answer is ∗, whatever `probability` says of the general case.
    """

    process: Process
    query: CounterfactualQuery
    probability: Any
    counterpossible: Any
    evidence: Any
    impossible: tuple[Impossible, ...] = ()
    impossible_weight: Any = 0
    conditions: tuple[Impossible, ...] = ()

    @property
    def kind(self) -> QueryKind:
        """Passive, active or do-interventional; Def. 14."""
        return self.query.kind

    @cached_property
    def posterior(self) -> dict[tuple[str, ...], Array]:
        """P_z(λ | a), eq. (27): one joint array if λ has at most 4,096 values, else an array for each variable.

        The keys say which variables the last axes of an array run over, in the order of their values.
        """
        names = tuple(self.process.exogenous)
        return {group: posterior(self.process, self.query, group) for group in _groups(self.process, names)}

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms of the average (29), one for each λ, whose sum is compared with `probability`.

        Raises ``ValueError`` if λ has more than 4,096 values, ``ArithmeticError`` if the sum is another number.
        """
        if (count := _size(self.process, self.process.exogenous)) > MOST_TERMS:
            raise ValueError(f"λ has {count} values: at most {MOST_TERMS} are listed; see `posterior`")
        terms = _terms(self.process, self.query, self.evidence)
        _require_agreement(self, terms)
        return terms

    def explanation(self) -> Explanation:
        """The three steps with their numbers."""
        return _explanation(self)

    def explain(self) -> None:
        """Print the three steps with their numbers."""
        print(self.explanation())

    def __rich__(self) -> Any:
        """The three steps, for `rich`."""
        return self.explanation().__rich__()

    def _repr_html_(self) -> str:
        return self.explanation()._repr_html_()

    def __repr__(self) -> str:
        return f"Answer({self.kind}, probability={rounded_text(self.probability)})"


# --- evaluation ------------------------------------------------------------------------------------------------------


def evaluate(process: Process, query: CounterfactualQuery) -> Answer:
    """The answer to a counterfactual query by abduction, action and prediction; eqs. (26), (27) and (29).

    Raises ``ValueError`` for nodes of the process without an instrument and instruments at others, dimensions that do
    not fit, evidence of probability zero, an event that floating-point numbers cannot tell from an impossible one, or
    an antecedent that depends on too many λ at once (2²⁴ values).
    """
    _require_process(process)
    require(CounterfactualQuery, query=query)
    actual, certain = _abduct(process, query)
    abducted, reciprocals, indicators = [Tensor(1 / certain, ())], [], []
    impossible, conditions, star = [], [], np.zeros((), bool)
    for antecedent, scale in _antecedent(process, query):
        zero, unknown = negligible(antecedent.array, scale), undecided(antecedent.array, scale)
        reciprocals.append(Tensor(np.where(zero, 0, 1 / np.where(zero, 1, antecedent.array)), antecedent.legs))
        if not (zero.any() or unknown.any() or has_free_symbols(antecedent.array)):
            continue
        weights, size = _weighed(process, actual, antecedent.legs, abducted)
        allowed = ~negligible(weights, size)
        _require_known(process, query, antecedent, unknown & allowed, zero & undecided(weights, size))
        excluded, possible = _sort(process, antecedent, zero, weights, allowed)
        impossible += excluded
        conditions += possible
        bad = zero & allowed
        star = star | bad.any(axis=tuple(range(bad.ndim - len(antecedent.legs), bad.ndim)))
        indicators.append(Tensor(np.where(bad, 0, 1), antecedent.legs))
    remaining = _sum(process, [actual], (), [*abducted, *indicators]) if star.any() else 1
    weight = _scalar(_probability(np.where(star, 1 - remaining, 0), "the weight of impossible λ"))
    predicted = _world(process, query.counterfactual, {**query.antecedent, **query.consequent}, COUNTERFACTUAL)
    value = np.asarray(_real(_sum(process, [actual, predicted], (), [*abducted, *reciprocals])))
    star = np.broadcast_to(star, np.broadcast_shapes(value.shape, star.shape))
    value = np.asarray(conditional_probability(np.where(star, 0, value), str(query)))
    return Answer(
        process, query, _starred(value, star), star.item() if star.ndim == 0 else star, _tidy(_real(certain)),
        tuple(impossible), weight, tuple(conditions),
    )  # fmt: skip


def posterior(process: Process, query: CounterfactualQuery, variables: Sequence[str]) -> Array:
    """P_z(λ | a), eq. (27), for some exogenous variables: one axis for each, after the batch axes.

    Raises ``ValueError`` where `evaluate` does, and for what is no exogenous variable.

    >>> from qlib.quantum.processes import ProcessMixture, ProcessOperator, QuantumNode
    >>> states = {"pure": np.diag([1, 0]), "mixed": np.eye(2) / 2}
    >>> operators = {k: ProcessOperator([QuantumNode("A")], np.kron(rho, np.eye(2))) for k, rho in states.items()}
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> query = CounterfactualQuery({"A": 0}, {}, {"A": 1}, {"A": Z}, {})
    >>> posterior(ProcessMixture({"pure": 0.5, "mixed": 0.5}, operators), query, ["λ"]).round(3)
    array([0.667, 0.333])
    """
    variables = distinct(variables, "variables")
    _require_process(process)
    require(CounterfactualQuery, query=query)
    for name in variables:
        if name not in process.exogenous:
            raise ValueError(f"{name!r} is no exogenous variable; they are {', '.join(process.exogenous) or 'none'}")
    actual, certain = _abduct(process, query)
    legs = [("λ", name) for name in variables]
    return _probability(_sum(process, [actual], legs, [Tensor(1 / certain, ())]), "P(λ | a)")


def _probability(value: Array, name: str) -> Array:
    """Conditional probabilities as they leave the library: real, simplified, and an internal error if they are none."""
    return np.asarray(_tidy(conditional_probability(_real(value), name)))


@dataclass(frozen=True)
class _World:
    """A world of a query: the nodes whose outcome is not asked for, and the operators at the places of all."""

    name: str
    ignored: frozenset[str]
    operators: dict[Hashable, Array]
    strength: Array
    event: str


def _world(
    process: Process, instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome], name: str
) -> _World:
    """What is done in a world. Nodes with one outcome only are not asked for it.

    strength : a bound on the probability of the outcomes, whatever the process is.
    """
    try:
        operators = node_operators(process, instruments, outcomes)
    except ValueError as error:
        raise ValueError(f"{name} world: {error}") from error
    asked = {node for node in outcomes if len(instruments[node].outcomes) > 1}
    strength = np.asarray(prod((instruments[node].strength(outcomes[node]) for node in asked), start=np.ones(())))
    ignored = frozenset(process.nodes) - asked
    return _World(name, ignored, _at_places(process, operators, name), strength, _list(outcomes))


def _abduct(process: Process, query: CounterfactualQuery) -> tuple[_World, Array]:
    """The actual world, and P_z(a) there."""
    actual = _world(process, query.actual, query.evidence, ACTUAL)
    certain, scale = _weighed(process, actual, (), ())
    _require_possible(certain, scale, query)
    return actual, certain


def _weighed(
    process: Process, world: _World, keep: Sequence[Leg], factors: Sequence[Tensor], with_prior: bool = True
) -> tuple[Array, Array]:
    """The weights of what happened in a world, for each λ that is kept, and the scale that they are judged against."""
    network, arrays = _network(process, [world], keep, factors, with_prior)
    prior = _sum(process, [], keep, factors, with_prior)
    return _judged(network, arrays, _per_batch(world.strength, len(keep)) * prior)


def _judged(network: Network, arrays: Mapping[Hashable, Array], bound: Array) -> tuple[Array, Array]:
    """Probabilities, and the scale that they are judged against: the largest that they could be.

    Where one is small, as an impossible or a rare one is, it is the size of the terms that it is a sum of instead.
    """
    values = network(arrays)
    if is_exact(values):
        return values, np.ones(())
    small = (np.abs(values) <= SUSPICIOUS * bound) & (values != 0)
    return values, np.where(small, network.sensitivity(arrays) if small.any() else 1.0, bound)


def _per_batch(array: Array, legs: int) -> Array:
    """An array over a batch with axes of length one for legs after it."""
    return array.reshape(array.shape + (1,) * legs)


def _sum(
    process: Process,
    worlds: Sequence[_World],
    keep: Sequence[Leg] = (),
    factors: Sequence[Tensor] = (),
    with_prior: bool = True,
) -> Array:
    """The sum of P(λ), of what the worlds make of λ, and of further factors, over all λ that are not kept."""
    network, arrays = _network(process, worlds, keep, factors, with_prior)
    return network(arrays)


def _network(
    process: Process, worlds: Sequence[_World], keep: Sequence[Leg], factors: Sequence[Tensor], with_prior: bool
) -> tuple[Network, dict[Hashable, Array]]:
    """The network of such a sum, and the arrays that belong in it.

    Networks of a process are compiled once for each choice of nodes that are asked for an outcome.
    """
    key = (tuple((w.name, w.ignored) for w in worlds), tuple(keep), tuple(f.legs for f in factors), with_prior)

    def build() -> Network:
        ones = [Tensor(np.ones(len(values), int), (leg,)) for leg, values in _values_of(process, keep)]
        networks = [tensor for world in worlds for tensor in _places(process, world.ignored, world.name)]
        named = [Tensor(factor.array, factor.legs, ("factor", k)) for k, factor in enumerate(factors)]
        return Network([*(process.prior() if with_prior else ()), *ones, *networks, *named], keep, _cases(process))

    arrays: dict[Hashable, Array] = {("factor", k): factor.array for k, factor in enumerate(factors)}
    for world in worlds:
        arrays |= world.operators
    network = _compiled(process, key, build)
    return network, _with_a_place(network, arrays)


def _cases(process: Process) -> list[Leg]:
    return [("λ", name) for name in process.exogenous]


def _values_of(process: Process, legs: Iterable[Leg]) -> Iterator[tuple[Leg, tuple[Outcome, ...]]]:
    return ((("λ", name), values) for name, values in process.exogenous.items() if ("λ", name) in legs)


def _antecedent(process: Process, query: CounterfactualQuery) -> list[tuple[Tensor, Array]]:
    """P^λ(b') as a product of tensors, each over the λ that it depends on and with the scale that it is judged on."""
    world = _world(process, query.counterfactual, query.antecedent, COUNTERFACTUAL)
    arrays, strengths, split = dict(world.operators), {}, set()
    for node, instrument in query.counterfactual.items():
        if node not in world.ignored:
            strengths[node] = instrument.strength(query.antecedent[node])
        if factors := instrument.cut(query.antecedent[node]) if node in query.antecedent else instrument.channel_cut:
            split.add(node)
            arrays[(node, "out")], arrays[(node, "in")] = factors
    key = ("antecedent", world.ignored, frozenset(split))
    pieces = _compiled(process, key, lambda: _antecedent_pieces(process, world.ignored, split))
    return [piece.evaluated(arrays, strengths) for piece in pieces]


@dataclass(frozen=True)
class _Piece:
    """A factor of P^λ(b'): its network, and the nodes whose outcome it is about."""

    network: Network
    nodes: frozenset[str]

    def evaluated(self, arrays: Mapping[Hashable, Array], strengths: Mapping[str, Array]) -> tuple[Tensor, Array]:
        """Its value for each λ, and the scale that it is judged against."""
        strength = np.asarray(prod((strengths[node] for node in self.nodes), start=np.ones(())))
        values, scale = _judged(
            self.network, _with_a_place(self.network, arrays), _per_batch(strength, len(self.network.keep))
        )
        return Tensor(values, self.network.keep), scale


def _antecedent_pieces(process: Process, ignored: frozenset[str], split: Collection[str]) -> list[_Piece]:
    """The parts that P^λ(b') falls into where operators τ = ρᵀ ⊗ F at some nodes are two tensors, (node, out or in)."""
    tensors = []
    for tensor in _places(process, ignored, COUNTERFACTUAL):
        node = tensor.name[0] if isinstance(tensor.name, tuple) else None
        if node in split:
            (a, b, c, d), (d_out, d_in, *_) = tensor.legs, tensor.dims
            tensors.append(Tensor(np.zeros((d_out, d_out)), (a, c), (node, "out")))
            tensors.append(Tensor(np.zeros((d_in, d_in)), (b, d), (node, "in")))
        else:
            tensors.append(tensor)
    pieces = []
    for component in _components(tensors):
        legs = {leg for tensor in component for leg in tensor.legs}
        if all(leg[1] in ignored for leg in legs if isinstance(leg, tuple) and leg[0] == "in"):
            continue  # channels on a state, all discarded: it is 1 for every λ
        keep = [leg for leg, _ in _values_of(process, legs)]
        _require_few(process, [leg[1] for leg in keep if isinstance(leg, tuple)])
        nodes = frozenset(leg[1] for leg in legs if isinstance(leg, tuple) and leg[0] == "in") - ignored
        pieces.append(_Piece(Network(component, keep, _cases(process)), nodes))
    return pieces


def _require_few(process: Process, names: Sequence[str]) -> None:
    if (size := _size(process, names)) > MOST_ENTRIES:
        raise ValueError(
            f"the probability of the antecedent depends on {', '.join(names)} together, which have {size} values; at "
            f"most {MOST_ENTRIES} are possible. A counterfactual instrument that prepares what it sends on (a "
            "do-instrument, a measurement in a basis) at a node in between cuts this short; so do fewer values of λ"
        )


def _components(network: list[Tensor]) -> list[list[Tensor]]:
    """The parts of a network that share no leg."""
    groups: list[tuple[set[Leg], list[Tensor]]] = []
    for tensor in network:
        touching = [group for group in groups if group[0] & set(tensor.legs)]
        legs, members = set(tensor.legs), [tensor]
        for group in touching:
            groups.remove(group)
            legs, members = legs | group[0], [*group[1], *members]
        groups.append((legs, members))
    return [members for _, members in groups]


def _sort(
    process: Process, antecedent: Tensor, zero: Array, weights: Array, allowed: Array
) -> tuple[list[Impossible], list[Impossible]]:
    """The values of some λ that the evidence allows and for which P^λ(b') is zero, or may be; not named in a batch."""
    legs = antecedent.legs
    if max(zero.ndim, weights.ndim) > len(legs):
        return [], []
    excluded: list[Impossible] = []
    possible: list[Impossible] = []
    for index in np.argwhere(allowed):
        place = tuple(index)
        if not (zero[place] or _may_vanish(antecedent.array[place])):
            continue
        names = [leg[1] for leg in legs if isinstance(leg, tuple)]
        values = {name: process.exogenous[name][k] for name, k in zip(names, place, strict=True)}
        probability = 0 if zero[place] else _tidy(antecedent.array[place])
        found = Impossible(values, probability, _tidy(_real(weights[place])))
        (excluded if zero[place] else possible).append(found)
    return excluded, possible


def _may_vanish(probability: object) -> bool:
    """Whether an expression may be zero for some values of its symbols, as far as SymPy can tell."""
    return isinstance(probability, sp.Expr) and bool(probability.free_symbols) and _tidy(probability).is_zero is None


def _starred(value: Array, star: Array) -> Any:
    if star.ndim == 0:
        return COUNTERPOSSIBLE if star else _tidy(value.item())
    return np.where(star, np.nan, _tidy(value))


def _require_possible(probability: Array, scale: Array, query: CounterfactualQuery) -> None:
    zero, unknown = negligible(probability, scale), undecided(probability, scale)
    for index in np.argwhere(zero | unknown):
        place = f" at {tuple(map(int, index))} of the batch" if probability.ndim else ""
        value = 0 if is_exact(probability) else _real(probability[tuple(index)])
        if zero[tuple(index)]:
            note = f" ({value:.3g} in floating point: exact entries would tell it from zero)" if value > 0 else ""
            raise ValueError(
                f"the evidence {_list(query.evidence)} has probability zero{place}{note}: nothing can be learnt from it"
            )
        raise ValueError(f"the evidence {_list(query.evidence)} has probability {value:.3g}{place}, {TOO_LITTLE}")


def _require_known(
    process: Process, query: CounterfactualQuery, antecedent: Tensor, antecedents: Array, weights: Array
) -> None:
    """Refuse what floating-point numbers cannot decide: an antecedent for λ that are possible, or whether they are."""
    for unknown, what in (
        (antecedents, f"the antecedent {_list(query.antecedent)}"),
        (weights, f"the evidence {_list(query.evidence) or '(none)'}"),
    ):
        for index in np.argwhere(unknown):
            place = tuple(index)[unknown.ndim - len(antecedent.legs) :]
            names = [leg[1] for leg in antecedent.legs if isinstance(leg, tuple)]
            given = {name: process.exogenous[name][k] for name, k in zip(names, place, strict=True)}
            raise ValueError(f"{what} has a probability for {_list(given) or 'all λ'} that is {TOO_LITTLE}")


# --- number systems --------------------------------------------------------------------------------------------------


def _tidy(value: Any) -> Any:
    """Exact entries simplified; anything else as it is."""
    if isinstance(value, sp.Expr):
        return _simplest(value) if value.free_symbols else simplified(value).item()
    if isinstance(value, np.ndarray) and is_exact(value):
        return np.asarray(np.frompyfunc(_tidy, 1, 1)(value), dtype=object)
    return value


@lru_cache(maxsize=1024)  # the same terms are asked for again and again
def _simplest(expression: sp.Expr) -> sp.Expr:
    """The expression in the fewest operations, complex exponentials of angles as cosines and sines if that helps."""
    forms = [sp.simplify(expression)]
    if forms[0].has(sp.exp):
        forms.append(sp.simplify(forms[0].rewrite(sp.cos)))
    return min(forms, key=sp.count_ops)


# --- term by term ----------------------------------------------------------------------------------------------------


def _size(process: Process, names: Iterable[str]) -> int:
    return prod(len(process.exogenous[name]) for name in names)


def _groups(process: Process, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [names] if _size(process, names) <= MOST_TERMS else [(name,) for name in names]


def _terms(process: Process, query: CounterfactualQuery, certain: Any) -> tuple[Term, ...]:
    legs = _cases(process)

    def over_lambda(instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome], world: str) -> Array:
        done = _world(process, instruments, outcomes, world)
        return np.asarray(_real(_sum(process, [done], legs, with_prior=False)))

    prior = np.asarray(_real(_sum(process, [], legs)))
    likelihood = over_lambda(query.actual, query.evidence, ACTUAL)
    world = _world(process, query.counterfactual, query.antecedent, COUNTERFACTUAL)
    antecedent, scale = _weighed(process, world, legs, (), with_prior=False)
    zero, unknown = negligible(antecedent, scale), undecided(antecedent, scale)
    antecedent = np.asarray(_real(antecedent))
    joint = over_lambda(query.counterfactual, {**query.antecedent, **query.consequent}, COUNTERFACTUAL)
    terms = []
    for place in np.ndindex(*(len(values) for values in process.exogenous.values())):
        at = (..., *place)
        values = {name: domain[k] for (name, domain), k in zip(process.exogenous.items(), place, strict=True)}
        p, a, b, cb = (_scalar(array[at]) for array in (prior, likelihood, antecedent, joint))
        learnt = _scalar(_probability(p * a / certain, "P(λ | a)"))
        terms.append(Term(values, p, a, learnt, b, cb, _conditional(cb, b, zero[at], unknown[at])))
    return tuple(terms)


def _require_agreement(answer: Answer, terms: Sequence[Term]) -> None:
    """Raise ``ArithmeticError`` if an answer is not the average of its terms, found by other contractions.

    Both are evaluated; expressions with free symbols at one point.
    """
    posterior, values = ([_evaluated(getattr(t, name)) for t in terms] for name in ("posterior", "probability"))
    impossible = sum(np.where(np.isnan(value), p, 0) for p, value in zip(posterior, values, strict=True))
    average = sum(p * np.nan_to_num(value) for p, value in zip(posterior, values, strict=True))
    star, found = np.asarray(answer.counterpossible), _evaluated(answer.probability)
    agree = np.where(star, impossible > 0, (np.abs(average - found) <= AGREEMENT) & (impossible <= AGREEMENT))
    if not (agree | ~np.isfinite(average) | (np.isnan(found) & ~star)).all():
        raise ArithmeticError(
            f"internal error: the answer {rounded_text(answer.probability)} to {str(answer.query)!r} is not "
            f"the average {rounded_text(average)} of its terms; please report it"
        )


def _evaluated(value: Any) -> Array:
    """A number, an expression or an array in floating point; nan for ∗ and what has no value at the point."""
    if value is COUNTERPOSSIBLE:
        return np.asarray(np.nan)
    return np.asarray(np.frompyfunc(_at_a_point, 1, 1)(value), dtype=float)


def _at_a_point(value: Any) -> float:
    if not isinstance(value, sp.Expr):
        return float(value)
    point = {symbol: 0.3 + 0.17 * k for k, symbol in enumerate(sorted(value.free_symbols, key=str))}
    number = value.evalf(15, subs=point)
    return float(sp.re(number)) if number.is_number and number.is_finite else np.nan


def _scalar(array: Any) -> Any:
    values = np.asarray(array)
    return _tidy(values.item() if values.ndim == 0 else values)


def _conditional(joint: Any, antecedent: Any, zero: Array, unknown: Array) -> Any:
    """P^λ(c' | b'): ∗ if that is impossible, nan if it cannot be told, for a λ that the evidence excludes."""
    numerator, denominator = common([np.asarray(np.where(zero, 0, joint)), np.asarray(np.where(zero, 1, antecedent))])
    ratio = np.asarray(numerator / denominator)
    if unknown.any():
        ratio = np.where(unknown, np.nan, ratio)
    ratio = np.asarray(_tidy(conditional_probability(ratio, "P^λ(c' | b')")))
    return _starred(ratio, np.broadcast_to(zero, ratio.shape))


# --- which reading is meant ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Disambiguation:
    """A query in standard form, and in a sentence why it is read so. passive : the answer to the passive reading."""

    query: CounterfactualQuery
    reason: str
    passive: Answer

    @cached_property
    def answer(self) -> Answer:
        """The answer to the query."""
        return self.passive if self.query is self.passive.query else evaluate(self.passive.process, self.query)

    def __str__(self) -> str:
        return f"{str(self.query.kind).capitalize()}: {self.reason}"


def disambiguate(
    process: Process,
    evidence: Mapping[str, Outcome],
    antecedent: Mapping[str, Outcome],
    consequent: Mapping[str, Outcome],
    actual: Mapping[str, Instrument],
    counterfactual: Mapping[str, Instrument] | None = None,
    states: Mapping[str, ArrayLike] | None = None,
) -> Disambiguation:
    """The reading of a query that does not say which instruments yield its antecedent: the principle of minimality.

    It is read passively if that is not a counterpossible, else as an intervention that prepares the state that goes
    with b' at each node of the antecedent: that in `states`, or the state that the actual instrument leaves behind when
    it finds b', if it is the same for every input. counterfactual : instruments z' at nodes outside the antecedent.
    Def. 15 of Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` where `evaluate` does; for an instrument given at a node of the antecedent, as then nothing is
    ambiguous; where no state is given and none can be deduced; and for a batch of which only a part is counterpossible.

    >>> from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, unitary
    >>> zero = Instrument.discard_and_prepare({0: 1}, {0: [[1, 0], [0, 0]]})
    >>> parts = [unitary(np.eye(2), ["Λ"], ["A"]), unitary(np.eye(2), ["A"], ["B"])]
    >>> model = QuantumStructuralModel([QuantumNode("A"), QuantumNode("B")], {"Λ": zero}, parts)
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> meant = disambiguate(model, {"A": 0}, {"A": 1}, {"B": 1}, {"A": Z, "B": Z})  # A = 1 is impossible with Z
    >>> meant.query.kind, meant.answer.probability
    (<QueryKind.DO: 'do-interventional'>, 1.0)
    """
    _require_process(process)
    require(Mapping, evidence=evidence, antecedent=antecedent, consequent=consequent, actual=actual)
    require((Mapping, NoneType), counterfactual=counterfactual, states=states)
    for node in antecedent:
        if node in (counterfactual or {}):
            raise ValueError(f"the counterfactual instrument at node {node} is given, so that nothing is ambiguous")
    passive = evaluate(process, CounterfactualQuery(evidence, antecedent, consequent, actual, counterfactual or {}))
    star = np.asarray(passive.counterpossible)
    if star.any() and not star.all():
        raise ValueError("a part of the batch is a counterpossible if read passively, and a part is not; ask for each")
    if not star.any():
        return Disambiguation(passive.query, _why_passive(passive), passive)
    instruments = {
        node: Instrument.do(
            (states or {})[node] if node in (states or {}) else _state_left(node, actual[node], outcome),
            actual[node].d_in, outcome, name=f"do({outcome})",
        )
        for node, outcome in antecedent.items()
    }  # fmt: skip
    query = CounterfactualQuery(evidence, antecedent, consequent, actual, {**(counterfactual or {}), **instruments})
    return Disambiguation(query, _why_intervention(passive), passive)


def _state_left(node: str, instrument: Instrument, outcome: Outcome) -> Array:
    """The state that is at the output of a node after an outcome, whatever the input was."""
    factors = instrument.factors(outcome)
    if factors is None or negligible(np.trace(factors[1], axis1=-2, axis2=-1), 0).any():
        raise ValueError(
            f"node {node}: what its instrument {instrument.name!r} leaves behind when it finds {outcome!r} depends on "
            f"what came in, so that it does not say what to prepare; give states={{{node!r}: ...}}"
        )
    return np.asarray(_tidy(np.swapaxes(factors[0], -1, -2)))


def _why_passive(passive: Answer) -> str:
    if not passive.query.antecedent:
        return "there is no antecedent that could be impossible."
    had = _list(passive.query.antecedent)
    text = f"with the instruments unchanged {had} is possible for every λ that the evidence allows, so nothing need be"
    where = " or ".join(rounded_text(condition.antecedent) + " = 0" for condition in passive.conditions)
    return f"{text} changed (except where {where})." if where else f"{text} changed."


def _why_intervention(passive: Answer) -> str:
    had, nodes = _list(passive.query.antecedent), " and ".join(passive.query.antecedent)
    return (
        f"with the instruments unchanged {had} is impossible for {_values_and_weights(passive)}, so {nodes} is made to "
        "send the state that goes with it."
    )


def _values_and_weights(answer: Answer) -> str:
    """For which λ the antecedent is impossible, and how probable they are."""
    if not answer.impossible:
        return f"λ of posterior weight {rounded_text(np.asarray(answer.impossible_weight))}"
    shown = [f"{_list(i.values) or 'all λ'} (posterior weight {rounded_text(i.weight)})" for i in answer.impossible]
    return "; ".join(shown[:4]) + ("; …" if len(shown) > 4 else "")


# --- explanation -----------------------------------------------------------------------------------------------------


def _explanation(answer: Answer) -> Explanation:
    return Explanation(str(answer.query), (_abduction(answer), _action(answer), _prediction(answer)))


def _abduction(answer: Answer) -> Step:
    query, exogenous = answer.query, answer.process.exogenous
    text = f"the evidence {_list(query.evidence) or '(none)'} has probability {rounded_text(answer.evidence)}."
    if _size(answer.process, exogenous) <= MOST_TERMS:
        rows = [
            (*_open_values(answer, t), *map(rounded_text, (t.prior, t.likelihood, t.posterior))) for t in _shown(answer)
        ]
        columns = (*_open(answer), "P(λ)", "P(a|λ)", "P(λ|a)")
        return Step("Abduction", text + _omitted(answer), columns, tuple(rows))
    rows = [
        (name, str(value), rounded_text(_scalar(array[..., k])))
        for (name,), array in answer.posterior.items()
        for k, value in enumerate(exogenous[name])
        if name in _open(answer)
    ]
    return Step("Abduction", f"{text} The marginals of the posterior:", ("variable", "value", "P(λ|a)"), tuple(rows))


def _action(answer: Answer) -> Step:
    query = answer.query
    if not query.changed:
        return Step("Action", f"{answer.kind}; no instrument is changed.")
    nodes = [
        f"{node} ({query.actual[node].name or 'z'} → {query.counterfactual[node].name or 'z′'})"
        for node in query.changed
    ]
    return Step("Action", f"{answer.kind}; the instrument is changed at {', '.join(nodes)}.")


def _prediction(answer: Answer) -> Step:
    text = _verdict(answer)
    if _size(answer.process, answer.process.exogenous) > MOST_TERMS:
        return Step("Prediction", text)
    rows = [
        (*_open_values(answer, t), *map(rounded_text, (t.posterior, t.antecedent, t.joint, t.probability)))
        for t in _shown(answer)
    ]
    columns = (*_open(answer), "P(λ|a)", "P^λ(b′)", "P^λ(c′,b′)", "P^λ(c′|b′)")
    return Step("Prediction", text, columns, tuple(rows))


def _verdict(answer: Answer) -> str:
    """The answer in a sentence, and where it is ∗."""
    if answer.counterpossible is True:
        return f"∗, a counterpossible: the antecedent is impossible for {_values_and_weights(answer)}."
    sentences = [f"the probability is {rounded_text(answer.probability)}."]
    if np.any(answer.counterpossible):
        sentences.append(
            f"∗ for {rounded_text(answer.counterpossible)} of the batch: there the antecedent is impossible."
        )
    for values, probability, weight in answer.conditions:
        sentences.append(
            f"∗ where {rounded_text(probability)} = 0 ({_list(values)} has weight {rounded_text(weight)})."
        )
    return " ".join(sentences)


def _open(answer: Answer) -> list[str]:
    """The exogenous variables of which something can be learnt: those that have more than one value."""
    return [name for name, values in answer.process.exogenous.items() if len(values) > 1]


def _open_values(answer: Answer, term: Term) -> Iterator[str]:
    return (str(term.values[name]) for name in _open(answer))


MOST_ROWS = 32


def _shown(answer: Answer) -> list[Term]:
    return list(itertools.islice(answer.terms, MOST_ROWS))


def _omitted(answer: Answer) -> str:
    more = len(answer.terms) - MOST_ROWS
    return f" The first {MOST_ROWS} of {len(answer.terms)} values of λ:" if more > 0 else ""
