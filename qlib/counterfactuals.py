"""Counterfactual queries on quantum structural causal models: abduction, action, prediction.

"Given that outcomes a were observed with instruments z, what is the probability of c', had instruments z' been
implemented and b' obtained?" is a `Query`. `evaluate` answers it by (27), (26) and (29) of Suresh, Frembs & Cavalcanti
(2023): learn about the exogenous λ from the evidence, change the instruments, and average P^λ(c' | b') over what was
learnt. Where the antecedent is impossible for some λ that the evidence allows, there is no such probability, and the
answer is the paper's ∗, `COUNTERPOSSIBLE`.

The sum over λ is one contraction of two copies of the network that share λ. The denominators P^λ(b') are found as
tensors over the few λ that they depend on, and their reciprocals are further tensors of that network.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from qlib.exact import Array, is_exact
from qlib.instruments import Instrument, Outcome, kron, trace_factor, vanishes
from qlib.networks import Leg, Tensor, contract
from qlib.processes import Process, node_operators, real

ACTUAL, COUNTERFACTUAL = "actual", "counterfactual"  # the two worlds
ZERO = 1e-12  # below it a floating-point probability is zero


class Kind(StrEnum):
    """What a query changes at the nodes of its antecedent; Def. 14 of Suresh, Frembs & Cavalcanti (2023)."""

    PASSIVE = "passive"
    ACTIVE = "active"
    DO = "do-interventional"


@dataclass(frozen=True, eq=False)
class Query:
    """A standard quantum counterfactual query (Def. 13): P^{a|z}_{b'|z'}(c').

    evidence : node → outcome a observed. antecedent : node → outcome b'. consequent : node → outcome c'.
    actual : node → instrument z, for every node. counterfactual : node → instrument z' where it differs from z.
    """

    evidence: Mapping[str, Outcome]
    antecedent: Mapping[str, Outcome]
    consequent: Mapping[str, Outcome]
    actual: Mapping[str, Instrument]
    counterfactual: Mapping[str, Instrument]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counterfactual", {**self.actual, **self.counterfactual})
        if both := sorted(set(self.antecedent) & set(self.consequent)):
            raise ValueError(f"node {both[0]} is in the antecedent and in the consequent; they should be disjoint")

    @property
    def kind(self) -> Kind:
        """Passive if no instrument of the antecedent's nodes is changed; do-interventional if all changes are."""
        changed = [b for b in self.antecedent if not self.counterfactual[b].same_as(self.actual[b])]
        if not changed:
            return Kind.PASSIVE
        do = all(len(i.outcomes) == 1 and i.is_discard_and_prepare for i in map(self.counterfactual.get, changed) if i)
        return Kind.DO if do else Kind.ACTIVE


class _Counterpossible:
    """The paper's ∗, the value of a counterfactual whose antecedent is impossible."""

    def __repr__(self) -> str:
        return "∗"


COUNTERPOSSIBLE = _Counterpossible()


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to a query.

    probability : the expected counterfactual probability (29); `COUNTERPOSSIBLE` where it has none; in a batch, an
    array with nan there. impossible : for each group of exogenous variables, the λ for which the antecedent is
    impossible though the evidence allows them, with their posterior weight.
    """

    query: Query
    probability: Any
    counterpossible: Any
    impossible: tuple[tuple[dict[str, Outcome], Any], ...] = ()


def evaluate(process: Process, query: Query) -> Answer:
    """The answer to a counterfactual query by abduction, action and prediction; eqs. (26), (27) and (29).

    Raises ``ValueError`` for unknown nodes or outcomes, instruments that do not fit, or evidence of probability zero.
    """
    abducted = _abduct(process, query)
    certain = contract(abducted)
    _require_possible(certain, query)
    reciprocals, impossible, star = [], [], np.zeros(np.shape(certain), bool)
    for antecedent in _antecedent(process, query):
        zero = _zeros(antecedent.array)
        weights = contract(abducted, antecedent.legs)
        weights = weights / certain.reshape(certain.shape + (1,) * len(antecedent.legs))
        bad = zero & ~_zeros(weights)
        star = star | bad.any(axis=tuple(range(bad.ndim - len(antecedent.legs), bad.ndim)))
        impossible += _named_zeros(process, antecedent.legs, bad, weights)
        reciprocals.append(Tensor(_reciprocal(antecedent.array, zero), antecedent.legs))
    both = node_operators(process, query.counterfactual, {**query.antecedent, **query.consequent})
    ignored = frozenset(process.nodes) - set(query.antecedent) - set(query.consequent)
    predicted = process.tensors(both, ignored, COUNTERFACTUAL)
    value = real(contract([*abducted, *predicted, *reciprocals]) / certain)
    return Answer(query, _starred(value, star), star.item() if star.ndim == 0 else star, tuple(impossible))


def _abduct(process: Process, query: Query) -> list[Tensor]:
    """P(λ) P_z(a | λ), as a network."""
    operators = node_operators(process, query.actual, query.evidence)
    ignored = frozenset(process.nodes) - set(query.evidence)
    return [*process.prior(), *process.tensors(operators, ignored, ACTUAL)]


def _antecedent(process: Process, query: Query) -> list[Tensor]:
    """P^λ(b') as a product of tensors, each over the exogenous variables that it depends on."""
    operators = node_operators(process, query.counterfactual, query.antecedent)
    ignored = frozenset(process.nodes) - set(query.antecedent)
    network = process.tensors(operators, ignored, COUNTERFACTUAL)
    exogenous = [("λ", name) for name in process.exogenous]
    factors = []
    for component in _components(_split(network)):
        legs = {leg for tensor in component for leg in tensor.legs}
        factors.append(Tensor(contract(component, keep := [x for x in exogenous if x in legs]), tuple(keep)))
    return factors


def _split(network: list[Tensor]) -> list[Tensor]:
    """The network with each operator of a node that is a product, output by input, as two tensors."""
    result = []
    for tensor in network:
        d_out, d_in = tensor.dims[:2]
        if len(tensor.legs) != 4 or not _is_operator(tensor.legs):
            result.append(tensor)
            continue
        tau = tensor.array.reshape((*tensor.batch, d_out * d_in, d_out * d_in))
        out, inn = trace_factor(tau, (d_out, d_in), 1), trace_factor(tau, (d_out, d_in), 0)
        weight = np.asarray(np.trace(tau, axis1=-2, axis2=-1))[..., None, None]
        if vanishes(kron(out, inn) - weight * tau):
            legs = tensor.legs
            result += [
                Tensor(out / np.where(_zeros(weight), 1, weight), (legs[0], legs[2])),
                Tensor(inn, (legs[1], legs[3])),
            ]
        else:
            result.append(tensor)
    return result


def _is_operator(legs: tuple[Leg, ...]) -> bool:
    return all(isinstance(leg, tuple) for leg in legs) and [leg[0] for leg in legs] == ["out", "in", "out", "in"]


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


def _zeros(array: Array) -> Array:
    values = np.asarray(array)
    if is_exact(values):
        return np.asarray(
            np.frompyfunc(lambda entry: vanishes(np.array(entry, dtype=object)), 1, 1)(values), dtype=bool
        )
    return np.asarray(np.abs(values) <= ZERO)


def _reciprocal(array: Array, zero: Array) -> Array:
    return np.asarray(np.where(zero, 0, 1 / np.where(zero, 1, array)))


def _named_zeros(
    process: Process, legs: tuple[Hashable, ...], bad: Array, weights: Array
) -> list[tuple[dict[str, Outcome], Any]]:
    """The λ of a group for which the antecedent is impossible, and their posterior weight; not named in a batch."""
    if bad.ndim > len(legs):
        return []
    names = [leg[1] for leg in legs if isinstance(leg, tuple)]
    return [
        ({name: process.exogenous[name][k] for name, k in zip(names, index, strict=True)}, real(weights[tuple(index)]))
        for index in np.argwhere(bad)
    ]


def _require_possible(probability: Array, query: Query) -> None:
    if _zeros(probability).any():
        observed = ", ".join(f"{node} = {outcome!r}" for node, outcome in query.evidence.items())
        raise ValueError(f"the evidence {observed} has probability zero, so that nothing can be learnt from it")


def _starred(value: Any, star: Array) -> Any:
    if np.ndim(value) == 0:
        return COUNTERPOSSIBLE if star.any() else value
    return np.where(star, np.nan, value)
