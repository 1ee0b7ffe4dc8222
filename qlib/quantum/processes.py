"""Quantum processes: what connects quantum nodes, as a network of channels or as one process operator.

A quantum node A has an incoming space A_in and an outgoing one A_out; an instrument acts between them
(`qlib.quantum.instruments`), the process leads from the outgoing spaces of nodes to the incoming ones. A process is a
product of *parts*, each a channel (14) from outgoing to incoming spaces, possibly over *wires*, spaces on which nobody
acts:

* `QuantumCausalModel`: one part ρ_{A|Pa(A)} for each node of a causal graph, all commuting (Defs. 7, 8, eq. (17));
* `QuantumStructuralModel`: unitary parts, and exogenous nodes that prepare a state ρ^λ with probability P(λ) (Def. 10);
* `ProcessMixture`: any process operators with weights P(λ) (Sec. 9).

Operators are ordered as printed in (14): the incoming (written) spaces first, then the outgoing (read) ones. A
`ProcessOperator` (`qlib.quantum.process_operators`) is on A_in ⊗ A_out ⊗ B_in ⊗ B_out ⊗ ..., nodes in their order.
Probabilities come out of contracting the network with the instruments' operators; the process operator, of 4ⁿ rows for
n qubit nodes, is only built where it is asked for. Suresh, Frembs & Cavalcanti (2023), Secs. 4 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from types import NoneType
from typing import Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.numbers.arguments import all_of, probabilities, require, several, show, whole, wholes
from qlib.numbers.exact_arrays import Array, conditional_probability, is_exact, negligible, vanishes
from qlib.numbers.tensor_networks import Network, Tensor, contract
from qlib.quantum.channels import deviation_note
from qlib.quantum.instruments import MOST_DIMENSION, Instrument, Outcome
from qlib.quantum.process_operators import (
    ProcessOperator,
    QuantumNode,
    World,
    _as_nodes,
    _named,
    _require_operators,
)
from qlib.quantum.process_parts import (
    Part,
    _assemble,
    _influences,
    _process_matrix,
    _reduced_channel,
    _require_channel,
    _require_commuting,
    _require_unitary,
    _require_wiring,
    channel,
    unitary,
)

__all__ = [
    "Part",
    "Process",
    "ProcessMixture",
    "ProcessOperator",
    "QuantumCausalModel",
    "QuantumNode",
    "QuantumStructuralModel",
    "channel",
    "node_operators",
    "outcome_tensor",
    "probability",
    "unitary",
]

UNSPECIFIED = CausalGraph({}, [])


class Process(Protocol):
    """What the evaluation of probabilities and counterfactuals needs of a process."""

    @property
    def nodes(self) -> Mapping[str, QuantumNode]:
        """The endogenous nodes by name."""

    @property
    def exogenous(self) -> Mapping[str, tuple[Outcome, ...]]:
        """The exogenous variables λ_i, by name, and their values."""

    def prior(self) -> list[Tensor]:
        """The law P(λ), as tensors on the legs ("λ", name)."""

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a | λ): the process with an operator at every node, in a world of its own.

        ignored : nodes whose operator is that of a channel, since their outcome is not asked for. The operators stand
        in tensors named (node, world), see `_node_tensor`; nothing else depends on them.
        """


def _require_process(process: Process) -> None:
    """Raise ``TypeError`` for what is no process."""
    if not all(hasattr(process, part) for part in ("nodes", "exogenous", "prior", "tensors")):
        raise TypeError(f"process: {show(process)} should be a process: a model, an operator or a mixture")


def outcome_tensor(process: Process, operators: Mapping[str, Array], ignored: Iterable[str] = ()) -> Array:
    """P_z(a | λ) for every λ: one axis for each exogenous variable, after the batch axes; eqs. (16) and (25).

    operators : node → that of its outcome, on A_out ⊗ A_in; the result is linear in each of them.
    ignored : nodes whose operator is that of a channel.
    Raises ``ValueError`` or ``TypeError`` for a node without an operator, or one of another shape.

    >>> pure, mixed = (ProcessOperator([QuantumNode("A", 2, 1)], rho) for rho in (np.diag([1, 0]), np.eye(2) / 2))
    >>> process = ProcessMixture({"pure": 0.5, "mixed": 0.5}, {"pure": pure, "mixed": mixed})
    >>> outcome_tensor(process, {"A": np.diag([1, 0])}).tolist()
    [1.0, 0.5]
    """
    _require_process(process)
    ignored = frozenset(several(ignored, "ignored"))
    _require_operators(operators, process.nodes, ignored, finite=True)
    ones = [Tensor(np.ones(len(values), int), (("λ", name),)) for name, values in process.exogenous.items()]
    keep = [("λ", name) for name in process.exogenous]
    network = _compiled(process, ("outcomes", ignored), lambda: Network([*ones, *_places(process, ignored, 0)], keep))
    return network(_with_a_place(network, _at_places(process, operators, 0)))


def probability(process: Process, instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome]) -> Any:
    """P_z(a): the probability of some nodes' outcomes when every node has its instrument, eq. (16).

    Raises ``ValueError`` for unknown nodes or outcomes, nodes without an instrument, or dimensions that do not fit, and
    ``ArithmeticError``, an internal error, for what is no probability.
    """
    operators = node_operators(process, instruments, outcomes)
    ignored = frozenset(process.nodes).difference(outcomes)
    key = ("probability", ignored)
    network = _compiled(process, key, lambda: Network([*process.prior(), *_places(process, ignored, 0)]))
    value = network(_with_a_place(network, _at_places(process, operators, 0)))
    return conditional_probability(_real(value), f"the probability of {outcomes}")


_T = TypeVar("_T")
_COMPILED: WeakKeyDictionary[Process, dict[Hashable, Any]] = WeakKeyDictionary()


def _compiled(process: Process, key: Hashable, build: Callable[[], _T]) -> _T:
    """What `build` makes of a process, made once for each key, and forgotten with the process."""
    made = _COMPILED.setdefault(process, {})
    if key not in made:
        made[key] = build()
    return cast(_T, made[key])


def _places(process: Process, ignored: frozenset[str], world: World) -> list[Tensor]:
    """The network of P_z(a | λ) with no operators yet: for a `Network`, to be called with what `_at_places` gives.

    Raises ``ValueError`` for a process that does not keep the operators in tensors of their names.
    """
    empty = {n: np.full((d := node.d_out * node.d_in, d), np.nan) for n, node in process.nodes.items()}
    network = process.tensors(empty, ignored, world)
    for tensor in network:
        if tensor.name is None and not is_exact(tensor.array) and np.isnan(tensor.array).any():
            raise ValueError(f"the tensor on the legs {tensor.legs} depends on the nodes' operators and has no name")
    return network


def _at_places(process: Process, operators: Mapping[str, Array], world: World) -> dict[Hashable, Array]:
    """The operators τ on A_out ⊗ A_in by the names of their places, one axis for each row and column of a space."""
    placed: dict[Hashable, Array] = {}
    for name, node in process.nodes.items():
        tau, d_out, d_in = np.asarray(operators[name]), node.d_out, node.d_in
        placed[name, world] = tau.reshape((*tau.shape[:-2], d_out, d_in, d_out, d_in))
    return placed


def _with_a_place(network: Network, arrays: Mapping[Hashable, Array]) -> dict[Hashable, Array]:
    """Those of the arrays that a network has a tensor for: it has none for what happens where all is discarded."""
    return {name: arrays[name] for name in network.named}


def node_operators(
    process: Process, instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome]
) -> dict[str, Array]:
    """Node → the operator of its outcome, or of its channel where no outcome is given; names and dimensions checked.

    A node without an instrument is not measured; see `unmeasured`.
    """
    _require_process(process)
    require(Mapping, instruments=instruments, outcomes=outcomes)
    nodes = process.nodes
    for name in (*instruments, *outcomes):
        if name not in nodes:
            raise ValueError(f"{name!r} is not a node; the nodes are {', '.join(nodes)}")
    operators = {}
    for name, node in nodes.items():
        instrument = instruments[name] if name in instruments else unmeasured(name, node.d_in, node.d_out)
        require(Instrument, **{f"instruments: {name!r}": instrument})
        if (instrument.d_in, instrument.d_out) != (node.d_in, node.d_out):
            raise ValueError(
                f"instrument {instrument.name!r} at node {name}: it maps dimension {instrument.d_in} to "
                f"{instrument.d_out}, and the node has d_in = {node.d_in}, d_out = {node.d_out}"
            )
        operators[name] = instrument[outcomes[name]] if name in outcomes else instrument.channel
    return operators


def unmeasured(name: str, d_in: int, d_out: int) -> Instrument:
    """What happens at a node where nothing is done: what comes in goes on, or is discarded where nothing leaves.

    Raises ``ValueError`` for a node of other dimensions, at which something has to be done.

    >>> unmeasured("A", 2, 2).outcomes, unmeasured("B", 3, 1)[""].tolist()
    (('',), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    """
    require(str, name=name)
    d_in, d_out = (whole(d, what, 1, MOST_DIMENSION) for d, what in ((d_in, "d_in"), (d_out, "d_out")))
    if d_in == d_out:
        return Instrument.idle(d_in, name="no measurement")
    if d_out != 1:
        raise ValueError(f"node {name}: no instrument is given, and {d_in} dimensions cannot go on as {d_out}")
    return Instrument.from_kraus({"": np.eye(d_in, dtype=int)[:, None, :]}, "no measurement")


def _real(value: ArrayLike) -> Any:
    """The real part of probabilities in floating point; exact ones as they are; a scalar if there is no batch."""
    array = np.asarray(value)
    array = array.real if np.iscomplexobj(array) else array
    return array.item() if array.ndim == 0 else array


# ── Markov processes ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class QuantumCausalModel:
    """A quantum causal model: a causal graph and a process operator that is Markov for it, kept as its factors.

    endogenous : the nodes; a name stands for a node of a qubit. parts : for each node the channel ρ_{A|Pa(A)} from its
    parents' outputs to its input; where several read the same output they commute. graph : the causal graph; without
    it, the one of what the parts read.
    Defs. 7 and 8, eq. (17) of Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` naming the part or node: operators that are not channels or do not commute, a node that no
    part writes, a parent that is none in the graph, a cycle.

    >>> A, B = QuantumNode("A"), QuantumNode("B")
    >>> bell = channel(np.eye(4)[:, :, None] / 2, [], ["A", "B"])
    >>> QuantumCausalModel([A, B], [bell])
    Traceback (most recent call last):
        ...
    ValueError: the part () → A, B: a part of a quantum causal model should write one node
    """

    endogenous: tuple[QuantumNode, ...]
    parts: tuple[Part, ...]
    graph: CausalGraph = UNSPECIFIED

    def __init__(
        self, endogenous: Sequence[QuantumNode | str], parts: Sequence[Part], graph: CausalGraph = UNSPECIFIED
    ) -> None:
        endogenous = _as_nodes(endogenous)
        parts = all_of(Part, parts, "parts")
        require(CausalGraph, graph=graph)
        object.__setattr__(self, "endogenous", tuple(endogenous))
        object.__setattr__(self, "parts", tuple(parts))
        _require_wiring(self.parts, self.nodes, (), (), self.dims)
        for part in self.parts:
            if len(part.writes) != 1:
                raise ValueError(f"{part}: a part of a quantum causal model should write one node")
            _require_channel(part, self.dims)
        for one, other in combinations(self.parts, 2):
            _require_commuting(one, other, self.dims)
        arrows = [(p, part.writes[0]) for part in self.parts for p in part.reads]
        read = CausalGraph(dict.fromkeys(self.nodes, NodeKind.OBSERVED), arrows)
        object.__setattr__(self, "graph", read if graph is UNSPECIFIED else graph)
        _require_nodes(self.graph, self.nodes)
        for parent, node in sorted(read.edges - self.graph.edges):
            raise ValueError(f"node {node}: its part reads {parent}, which is not among its parents in the graph")

    @classmethod
    def from_operator(cls, operator: ProcessOperator, graph: CausalGraph) -> QuantumCausalModel:
        """The factorisation (17) of a process operator, which is unique.

        If σ is the product, each factor is what is left of σ when all other inputs are discarded. Raises ``ValueError``
        if σ is not Markov for the graph.

        >>> operator = ProcessOperator([QuantumNode("A", 1), QuantumNode("B", 2, 1)], np.diag([0.5] * 4))
        >>> graph = CausalGraph({"A": NodeKind.OBSERVED, "B": NodeKind.OBSERVED}, [("A", "B")])
        >>> [str(part) for part in QuantumCausalModel.from_operator(operator, graph).parts]
        ['the part () → A', 'the part A → B']
        """
        require(ProcessOperator, operator=operator)
        require(CausalGraph, graph=graph)
        _require_nodes(graph, operator.nodes)
        parts = []
        for node in operator.endogenous:
            parents = [name for name in operator.nodes if name in graph.parents(node.name)]
            parts.append(Part(operator.reduced(node.name, parents), tuple(parents), (node.name,)))
        model = cls(operator.endogenous, parts, graph)
        deviation = _process_matrix(model.parts, {}, model.endogenous, model.dims) - operator.array
        if not vanishes(deviation):
            raise ValueError(
                f"the process operator is not Markov for the graph: it is not the product{deviation_note(deviation)}"
            )
        return model

    @cached_property
    def nodes(self) -> dict[str, QuantumNode]:
        """The nodes by name."""
        return _named(self.endogenous)

    @property
    def exogenous(self) -> dict[str, tuple[Outcome, ...]]:
        """No exogenous variables."""
        return {}

    @cached_property
    def dims(self) -> dict[str, tuple[int, int]]:
        """Node → its dimension as it is written and as it is read."""
        return {name: (node.d_in, node.d_out) for name, node in self.nodes.items()}

    def prior(self) -> list[Tensor]:
        """No law of exogenous variables."""
        return []

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a), eqs. (16) and (17); the operators' entries may be nan."""
        _require_operators(operators, self.nodes, ignored)
        return _assemble(self.parts, {}, operators, self.dims, ignored, world)

    def process_operator(self) -> ProcessOperator:
        """The process operator (17), built."""
        return ProcessOperator(self.endogenous, _process_matrix(self.parts, {}, self.endogenous, self.dims))


def _require_nodes(graph: CausalGraph, nodes: Mapping[str, QuantumNode], others: Iterable[str] = ()) -> None:
    known = {*nodes, *others}
    if missing := [name for name in nodes if name not in graph.kinds]:
        raise ValueError(f"graph: node {missing[0]!r} is missing; its nodes are {', '.join(graph.kinds)}")
    if odd := [name for name in graph.kinds if name not in known]:
        raise ValueError(f"graph: {odd[0]!r} is not a node of the model; its nodes are {', '.join(sorted(known))}")


# ── structural models ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class QuantumStructuralModel:
    """A quantum structural causal model: endogenous nodes, exogenous preparations, and a unitary between them.

    endogenous : the nodes A_i, or names, which stand for nodes of a qubit. preparations : exogenous node → its
    discard-and-prepare instrument (18). parts : unitary parts that together lead from all A_out and Λ_out to all A_in
    and the sink; a single one, or a circuit of several, joined over wires. wires : name → dimension of the spaces on
    which no one acts; whatever no part reads, wires and outputs, belongs to the sink S. graph : a causal graph over the
    endogenous nodes, and the exogenous ones if it is to speak of them; what is not a parent must not influence, (22).
    owner : exogenous node → the only endogenous node that it may influence, (20). Def. 10 of Suresh, Frembs &
    Cavalcanti (2023).

    One condition is added to theirs: influences are acyclic. By the letter of Def. 10 a wire from A_out back to A_in is
    a model, in which the idle instrument has "probability" 4; the graphs of their Def. 11 are acyclic, too.

    Raises ``ValueError`` naming the part or node: parts that are not unitary, an input that is not written exactly
    once, an output that is read twice, an instrument that does not discard and prepare, a cycle of influences, or an
    influence that `graph` or `owner` forbids.
    """

    endogenous: tuple[QuantumNode, ...]
    preparations: Mapping[str, Instrument]
    parts: tuple[Part, ...]
    wires: Mapping[str, int] = field(default_factory=dict)
    graph: CausalGraph | None = field(default=None, kw_only=True)
    owner: Mapping[str, str] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endogenous", _as_nodes(self.endogenous))
        object.__setattr__(self, "parts", all_of(Part, self.parts, "parts"))
        require(Mapping, preparations=self.preparations, wires=self.wires)
        all_of(str, self.preparations, "preparations")
        all_of(Instrument, self.preparations.values(), "preparations")
        all_of(str, self.wires, "wires")
        wholes(self.wires.values(), "wires", 1)
        require((CausalGraph, NoneType), graph=self.graph)
        require((Mapping, NoneType), owner=self.owner)
        _require_structure(self)
        _require_acyclic(self)
        if self.graph is not None:
            _require_graph(self, self.graph)
        if self.owner is not None:
            _require_owners(self, self.owner)

    @cached_property
    def nodes(self) -> dict[str, QuantumNode]:
        """The endogenous nodes by name."""
        return _named(self.endogenous)

    @cached_property
    def exogenous(self) -> dict[str, tuple[Outcome, ...]]:
        """The exogenous variables and their values λ."""
        return {name: instrument.outcomes for name, instrument in self.preparations.items()}

    @cached_property
    def dims(self) -> dict[str, tuple[int, int]]:
        """Space → its dimension as it is written and as it is read."""
        return {
            **{name: (d, d) for name, d in self.wires.items()},
            **{name: (node.d_in, node.d_out) for name, node in self.nodes.items()},
            **{name: (instrument.d_in, instrument.d_out) for name, instrument in self.preparations.items()},
        }

    @cached_property
    def weights(self) -> dict[str, Array]:
        """Exogenous variable → P(λ), an array over its values, after the batch axes."""
        return {
            name: np.stack(np.broadcast_arrays(*(i.weight(a) for a in i.outcomes)), axis=-1)
            for name, i in self.preparations.items()
        }

    @cached_property
    def states(self) -> dict[str, Array]:
        """Exogenous variable → ρ^λ, shape (..., values, d, d); zero where P(λ) = 0."""
        return {
            name: np.stack(np.broadcast_arrays(*(i.state(a) for a in i.outcomes)), axis=-3)
            for name, i in self.preparations.items()
        }

    @cached_property
    def influence(self) -> dict[str, frozenset[str]]:
        """Endogenous node → the nodes, endogenous and exogenous, that influence it; Def. 9, found on light cones."""
        return {name: _influences(self.parts, name, self.wires, self.dims) for name in self.nodes}

    def prior(self) -> list[Tensor]:
        """The law P(λ) = ∏ P(λ_i)."""
        return [Tensor(weights, (("λ", name),)) for name, weights in self.weights.items()]

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a | λ), eqs. (24) and (25); the operators' entries may be nan."""
        _require_operators(operators, self.nodes, ignored)
        return _assemble(self.parts, self._sources, operators, self.dims, ignored, world)

    def weight(self, outcomes: Mapping[str, Outcome]) -> Any:
        """P(λ), the probability of outcomes at some exogenous nodes; ``ValueError`` for what is none.

        >>> coin = Instrument.discard_and_prepare({0: 0.25, 1: 0.75}, {0: [[1, 0], [0, 0]], 1: [[0, 0], [0, 1]]})
        >>> model = QuantumStructuralModel([QuantumNode("A")], {"Λ": coin}, [unitary(np.eye(2), ["Λ"], ["A"])])
        >>> model.weight({"Λ": 1})
        0.75
        """
        require(Mapping, outcomes=outcomes)
        return _real(contract([*self.prior(), *self._chosen(outcomes)]))

    def process_operator(self, outcomes: Mapping[str, Outcome] | None = None) -> ProcessOperator:
        """The process operator (21), or, given outcomes λ at some exogenous nodes, the conditional one (24).

        Exogenous nodes of which no outcome is given are averaged over.
        Raises ``ValueError`` for an unknown node or outcome, or outcomes of probability zero.
        """
        if outcomes is not None:
            require(Mapping, outcomes=outcomes)
        law = [*self.prior(), *self._chosen(outcomes or {})]
        weight = np.asarray(contract(law))
        if negligible(weight, 0).any():
            raise ValueError(f"the exogenous outcomes {outcomes} have probability zero")
        array = _process_matrix(self.parts, self._sources, self.endogenous, self.dims, law)
        return ProcessOperator(self.endogenous, array / weight[..., None, None])

    def causal_model(self) -> QuantumCausalModel:
        """The marginal process (21) as the factors of a Markov process, never built as a whole; Theorem 2, (1) → (2).

        Its graph is the model's, or that of the influences if it has none.
        Raises ``ValueError`` if an exogenous node influences several endogenous ones: (20) does not hold.
        """
        for name in self.preparations:
            if len(common := [node for node in self.nodes if name in self.influence[node]]) > 1:
                raise ValueError(f"exogenous node {name} influences {', '.join(common)}; (20) allows it one of them")
        edges = [(p, node) for node in self.nodes for p in self.influence[node] if p in self.nodes]
        if self.graph is not None:
            edges = [(p, node) for p, node in self.graph.edges if p in self.nodes and node in self.nodes]
        if joint := [tensor.legs for tensor in self.prior() if len(tensor.legs) > 1]:
            raise ValueError(f"the outcomes of {len(joint[0])} exogenous nodes have a joint law: it need not be Markov")
        graph = CausalGraph(dict.fromkeys(self.nodes, NodeKind.OBSERVED), edges)
        parts = []
        for node in {space for part in self.parts for space in part.writes if space in self.nodes}:
            parents = tuple(name for name in self.nodes if name in self.influence[node])
            rho = _reduced_channel(self.parts, self._sources, node, parents, self.wires, self.dims, self.prior())
            parts.append(Part(rho, parents, (node,)))
        return QuantumCausalModel(self.endogenous, parts, graph)

    @cached_property
    def _sources(self) -> dict[str, Tensor]:
        """Exogenous node → the states that it prepares, one for each of its outcomes."""
        return {name: Tensor(rho, (("λ", name), "row", "column")) for name, rho in self.states.items()}

    def _chosen(self, outcomes: Mapping[str, Outcome]) -> list[Tensor]:
        """Tensors that pick the given outcomes of exogenous nodes."""
        chosen = []
        for name, outcome in outcomes.items():
            if name not in self.preparations:
                raise ValueError(f"{name!r} is not an exogenous node; these are {', '.join(self.preparations)}")
            values = self.exogenous[name]
            if not isinstance(outcome, Hashable) or outcome not in values:
                raise ValueError(
                    f"exogenous node {name}: no outcome {outcome!r}; it has {', '.join(map(repr, values))}"
                )
            chosen.append(Tensor(np.array([int(value == outcome) for value in values]), (("λ", name),)))
        return chosen


def _require_structure(model: QuantumStructuralModel) -> None:
    names = [*model.nodes, *model.preparations, *model.wires]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} names two of the nodes, exogenous nodes and wires; each needs its own name")
    for name, instrument in model.preparations.items():
        if not instrument.is_discard_and_prepare:
            raise ValueError(f"exogenous node {name}: its instrument should discard its input and prepare a state")
    _require_wiring(model.parts, model.nodes, model.preparations, model.wires, model.dims)
    for part in model.parts:
        _require_unitary(part)
    for name in names:
        if (count := sum(name in part.reads for part in model.parts)) > 1:
            raise ValueError(f"{name}: {count} unitary parts read it; at most one should")


def _require_acyclic(model: QuantumStructuralModel) -> None:
    """Refuse a cycle of influences; they are only computed where some part might close one."""
    flow = nx.DiGraph()
    for k, part in enumerate(model.parts):
        flow.add_edges_from((space, k) for space in part.reads)
        flow.add_edges_from((k, space) for space in part.writes)
    if nx.is_directed_acyclic_graph(flow):
        return
    order = nx.DiGraph((cause, node) for node in model.nodes for cause in sorted(model.influence[node]))
    if not nx.is_directed_acyclic_graph(order):
        cycle = [
            cause for cause, _ in nx.find_cycle(order, next(node for node in model.nodes if _returns(order, node)))
        ]
        raise ValueError(f"the influences form a cycle: {' → '.join([*cycle, cycle[0]])}")


def _returns(order: nx.DiGraph, node: str) -> bool:
    return node in order and any(nx.has_path(order, effect, node) for effect in order[node])


def _require_graph(model: QuantumStructuralModel, graph: CausalGraph) -> None:
    _require_nodes(graph, model.nodes, model.preparations)
    for node, causes in model.influence.items():
        for cause in sorted(causes & set(graph.kinds)):
            if (cause, node) not in graph.edges - graph.order_only:
                parents = ", ".join(sorted(graph.parents(node))) or "none"
                raise ValueError(
                    f"{cause} influences {node}, whose parents in the graph are {parents}; (22) forbids it"
                )


def _require_owners(model: QuantumStructuralModel, owner: Mapping[str, str]) -> None:
    for name, node in owner.items():
        if name not in model.preparations or node not in model.nodes:
            raise ValueError(f"owner {name} → {node}: it should lead from an exogenous to an endogenous node")
    for node, causes in model.influence.items():
        for cause in sorted(causes & set(model.preparations)):
            if owner.get(cause) != node:
                whose = f"is the exogenous node of {owner[cause]}" if cause in owner else "has no owner"
                raise ValueError(f"{cause} influences {node}, but {whose}; (20) forbids it")


# ── mixtures ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class ProcessMixture:
    """A process as a convex mixture: with probability P(λ) it is the process operator σ^λ.

    weights : λ → P(λ). components : λ → σ^λ, all over the same nodes. name : of the exogenous variable.
    Any decomposition of a process will do, not only those that come from a unitary and preparations; Sec. 9 of Suresh,
    Frembs & Cavalcanti (2023). Raises ``ValueError`` for weights that are no law or components that do not fit.

    >>> A = [QuantumNode("A", 2, 1)]
    >>> states = {k: ProcessOperator(A, np.diag(row)) for k, row in enumerate([(1, 0), (0, 1)])}
    >>> ProcessMixture({0: 0.25, 1: 0.75}, states).process_operator().array.diagonal().tolist()
    [0.25, 0.75]
    """

    weights: Mapping[Outcome, Any]
    components: Mapping[Outcome, ProcessOperator]
    name: str = "λ"

    def __post_init__(self) -> None:
        require(str, name=self.name)
        require(Mapping, weights=self.weights, components=self.components)
        all_of(ProcessOperator, self.components.values(), "components")
        for k, weight in self.weights.items():
            array = probabilities(weight, f"weights: λ = {k!r}")
            if not is_exact(array) and np.min(array, initial=0) < 0:
                raise ValueError(f"weights: λ = {k!r}: {weight}; it should lie between 0 and 1")
        if not self.components or set(self.weights) != set(self.components):
            raise ValueError(f"weights for λ in {[*self.weights]}, components for λ in {[*self.components]}")
        law = np.stack(np.broadcast_arrays(*(np.asarray(self.weights[k]) for k in self.components)), axis=-1)
        if not law.size or not vanishes(np.asarray(law.sum(axis=-1) - 1)):
            raise ValueError(f"weights: they sum to {law.sum(axis=-1)}, and should sum to 1")
        for k, component in self.components.items():
            if component.endogenous != self.endogenous:
                raise ValueError(f"component λ = {k!r}: its nodes {component.endogenous} are not {self.endogenous}")

    @classmethod
    def of(cls, model: QuantumStructuralModel) -> ProcessMixture:
        """The decomposition of a structural model: its conditional process operators (24) with weights P(λ) > 0.

        >>> coin = Instrument.discard_and_prepare({0: 0.25, 1: 0.75}, {0: [[1, 0], [0, 0]], 1: [[0, 0], [0, 1]]})
        >>> model = QuantumStructuralModel([QuantumNode("A")], {"Λ": coin}, [unitary(np.eye(2), ["Λ"], ["A"])])
        >>> ProcessMixture.of(model).weights
        {(0,): 0.25, (1,): 0.75}
        """
        require(QuantumStructuralModel, model=model)
        weights: dict[Outcome, Any] = {}
        components: dict[Outcome, ProcessOperator] = {}
        for values in product(*model.exogenous.values()):
            outcomes = dict(zip(model.exogenous, values, strict=True))
            weight = model.weight(outcomes)
            if not negligible(weight, 0).all():
                weights[values], components[values] = weight, model.process_operator(outcomes)
        return cls(weights, components, ", ".join(model.exogenous) or "λ")

    @property
    def endogenous(self) -> tuple[QuantumNode, ...]:
        """The nodes, in the order of the tensor factors."""
        return next(iter(self.components.values())).endogenous

    @property
    def nodes(self) -> dict[str, QuantumNode]:
        """The nodes by name."""
        return _named(self.endogenous)

    @property
    def exogenous(self) -> dict[str, tuple[Outcome, ...]]:
        """The exogenous variable and its values."""
        return {self.name: tuple(self.components)}

    def prior(self) -> list[Tensor]:
        """The law P(λ)."""
        law = np.stack(np.broadcast_arrays(*(np.asarray(self.weights[k]) for k in self.components)), axis=-1)
        return [Tensor(law, (("λ", self.name),))]

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a | λ); the operators' entries may be nan."""
        _require_operators(operators, self.nodes, ignored)
        first, *network = next(iter(self.components.values())).tensors(operators, ignored, world)
        dims = (*first.dims,)
        stacked = np.stack(np.broadcast_arrays(*(c.array for c in self.components.values())), axis=-3)
        stacked = stacked.reshape((*stacked.shape[:-2], *dims))
        return [Tensor(stacked, (("λ", self.name), *first.legs)), *network]

    def process_operator(self) -> ProcessOperator:
        """The mixture Σ P(λ) σ^λ."""
        terms = [np.asarray(self.weights[k])[..., None, None] * c.array for k, c in self.components.items()]
        return ProcessOperator(self.endogenous, np.asarray(sum(terms[1:], terms[0])))
