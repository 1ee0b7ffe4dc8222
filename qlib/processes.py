"""Quantum processes: what connects quantum nodes, as a network of channels or as one process operator.

A quantum node A has an incoming space A_in and an outgoing one A_out; an instrument acts between them
(`qlib.instruments`), the process leads from the outgoing spaces of nodes to the incoming ones. A process is a product
of *parts*, each a channel (14) from outgoing to incoming spaces, possibly over *wires*, spaces on which nobody acts:

* `QuantumCausalModel`: one part ρ_{A|Pa(A)} for each node of a causal graph, all commuting (Defs. 7, 8, eq. (17));
* `QuantumStructuralModel`: unitary parts, and exogenous nodes that prepare a state ρ^λ with probability P(λ) (Def. 10);
* `ProcessMixture`: any process operators with weights P(λ) (Sec. 9).

Operators are ordered as printed in (14): the incoming (written) spaces first, then the outgoing (read) ones. A
`ProcessOperator` is on A_in ⊗ A_out ⊗ B_in ⊗ B_out ⊗ ..., nodes in their order. Probabilities come out of contracting
the network with the instruments' operators; the process operator, of 4ⁿ rows for n qubit nodes, is only built where it
is asked for. Suresh, Frembs & Cavalcanti (2023), Secs. 4 and 9.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from qlib.exact import Array
from qlib.instruments import Instrument, Outcome
from qlib.networks import Tensor, conjugate, contract

World: TypeAlias = Hashable


@dataclass(frozen=True)
class QuantumNode:
    """A quantum node: a place for an intervention between an incoming and an outgoing space of given dimensions."""

    name: str
    d_in: int = 2
    d_out: int = 2


@dataclass(frozen=True, eq=False)
class Part:
    """A channel of a process, from outgoing spaces and wires that it reads to incoming spaces and wires that it writes.

    array : the operator (14), rows and columns over writes ⊗ reads; or, if `isometry`, the matrix V of ρ = |V⟩⟩⟨⟨V|,
    rows over writes, columns over reads.
    """

    array: Array
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    isometry: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", np.asarray(self.array))
        object.__setattr__(self, "reads", tuple(self.reads))
        object.__setattr__(self, "writes", tuple(self.writes))


def unitary(matrix: ArrayLike, reads: Sequence[str], writes: Sequence[str]) -> Part:
    """A unitary part of a process: matrix of rows over the spaces it writes, columns over those it reads."""
    return Part(np.asarray(matrix), tuple(reads), tuple(writes), isometry=True)


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

        ignored : nodes whose operator is that of a channel, since their outcome is not asked for.
        """


def outcome_tensor(process: Process, operators: Mapping[str, Array], ignored: Iterable[str] = ()) -> Array:
    """P_z(a | λ) for every λ: one axis for each exogenous variable, after the batch axes; eqs. (16) and (25)."""
    network = process.tensors(operators, frozenset(ignored), 0)
    legs = {leg for tensor in network for leg in tensor.legs}
    missing = [Tensor(np.ones(len(v), int), (("λ", k),)) for k, v in process.exogenous.items() if ("λ", k) not in legs]
    return contract([*network, *missing], [("λ", name) for name in process.exogenous])


def probability(process: Process, instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome]) -> Any:
    """P_z(a): the probability of some nodes' outcomes when every node has its instrument, eq. (16).

    Raises ``ValueError`` for unknown nodes or outcomes, nodes without an instrument, or dimensions that do not fit.
    """
    operators = node_operators(process, instruments, outcomes)
    ignored = frozenset(process.nodes) - set(outcomes)
    return real(contract([*process.prior(), *process.tensors(operators, ignored, 0)]))


def node_operators(
    process: Process, instruments: Mapping[str, Instrument], outcomes: Mapping[str, Outcome]
) -> dict[str, Array]:
    """Node → the operator of its outcome, or of its channel where no outcome is given; names and dimensions checked."""
    nodes = process.nodes
    for name in (*instruments, *outcomes):
        if name not in nodes:
            raise ValueError(f"{name!r} is not a node; the nodes are {', '.join(nodes)}")
    operators = {}
    for name, node in nodes.items():
        if name not in instruments:
            raise ValueError(f"node {name}: no instrument is given; each of {', '.join(nodes)} needs one")
        instrument = instruments[name]
        if (instrument.d_in, instrument.d_out) != (node.d_in, node.d_out):
            raise ValueError(
                f"instrument {instrument.name!r} at node {name}: it maps dimension {instrument.d_in} to "
                f"{instrument.d_out}, and the node has d_in = {node.d_in}, d_out = {node.d_out}"
            )
        operators[name] = instrument[outcomes[name]] if name in outcomes else instrument.channel
    return operators


def real(value: ArrayLike) -> Any:
    """The real part of probabilities in floating point; exact ones as they are; a scalar if there is no batch."""
    array = np.asarray(value)
    array = array.real if np.iscomplexobj(array) else array
    return array.item() if array.ndim == 0 else array


def assemble(
    parts: Sequence[Part],
    sources: Mapping[str, Tensor],
    operators: Mapping[str, Array],
    dims: Mapping[str, tuple[int, int]],
    ignored: frozenset[str],
    world: World,
) -> list[Tensor]:
    """The tensors whose contraction is Tr[∏ parts · ⊗ operators], without what normalisation makes an identity.

    sources : exogenous space → the tensor ρ^λ, whose last two axes are its row and column (their legs are set here).
    operators : node → τ on out ⊗ in. dims : space → (as it is written, as it is read).
    A part whose writes are all discarded is a trace: it goes, and so does then an ignored node in front of it.
    """
    kept, discarded = _prune(parts, frozenset(operators), ignored)
    readers: dict[str, list[int]] = {}
    for k in kept:
        for space in parts[k].reads:
            readers.setdefault(space, []).append(k)
    network = [
        tensor for k in kept for tensor in _part_tensors(parts[k], k, readers, operators, discarded, dims, world)
    ]
    for name, tau in operators.items():
        if name not in discarded:
            network.append(_operator_tensor(name, np.asarray(tau), readers.get(name, []), dims[name], world))
    for name, source in sources.items():
        if name in readers:
            legs = (*source.legs[:-2], ("out", name, 0, world), ("out", name, len(readers[name]), world))
            network.append(Tensor(source.array, legs))
    return network


def _prune(parts: Sequence[Part], nodes: frozenset[str], ignored: frozenset[str]) -> tuple[list[int], set[str]]:
    """The parts that remain, and the spaces that are discarded as they are written."""
    kept = list(range(len(parts)))
    while True:
        read = {space for k in kept for space in parts[k].reads}
        written = {space for k in kept for space in parts[k].writes}
        discarded = {s for s in written | nodes if s not in read and (s not in nodes or s in ignored)}
        remaining = [k for k in kept if not set(parts[k].writes) <= discarded]
        if remaining == kept:
            return kept, discarded
        kept = remaining


def _part_tensors(
    part: Part,
    k: int,
    readers: Mapping[str, list[int]],
    operators: Mapping[str, Array],
    discarded: set[str],
    dims: Mapping[str, tuple[int, int]],
    world: World,
) -> list[Tensor]:
    rows: list[Hashable] = []
    columns: list[Hashable] = []
    for space in part.writes:
        if space in operators:
            row, column = ("in", space, "row", world), ("in", space, "column", world)
        else:
            row, column = ("out", space, 0, world), ("out", space, len(readers.get(space, [])), world)
        rows.append(row)
        columns.append(row if space in discarded else column)
    for space in part.reads:
        place = readers[space].index(k)
        rows.append(("out", space, place, world))
        columns.append(("out", space, place + 1, world))
    shape = (*(dims[s][0] for s in part.writes), *(dims[s][1] for s in part.reads))
    batch = part.array.shape[:-2]
    if part.isometry:
        array = part.array.reshape((*batch, *shape))
        return [Tensor(array, tuple(rows)), Tensor(conjugate(array), tuple(columns))]
    return [Tensor(part.array.reshape((*batch, *shape, *shape)), (*rows, *columns))]


def _operator_tensor(name: str, tau: Array, readers: list[int], dims: tuple[int, int], world: World) -> Tensor:
    """τ on out ⊗ in: its rows are the process's columns, and the other way round."""
    d_in, d_out = dims
    array = tau.reshape((*tau.shape[:-2], d_out, d_in, d_out, d_in))
    out_rows, out_columns = ("out", name, len(readers), world), ("out", name, 0, world)
    return Tensor(array, (out_rows, ("in", name, "column", world), out_columns, ("in", name, "row", world)))


@dataclass(frozen=True, eq=False)
class QuantumStructuralModel:
    """A quantum structural causal model: endogenous nodes, exogenous preparations, and a unitary between them.

    endogenous : the nodes A_i. preparations : exogenous node → its discard-and-prepare instrument (18).
    parts : unitary parts that together lead from all A_out and Λ_out to all A_in and the sink; a single one, or a
    circuit of several, joined over wires. wires : name → dimension of the spaces on which no one acts; a wire that no
    part reads belongs to the sink S. parents : endogenous node → those that may influence it, the graph G; with it the
    no-influence conditions (22) are checked, and always (20), if `owner` says whose noise each exogenous node is.
    Def. 10 of Suresh, Frembs & Cavalcanti (2023).
    """

    endogenous: tuple[QuantumNode, ...]
    preparations: Mapping[str, Instrument]
    parts: tuple[Part, ...]
    wires: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endogenous", tuple(self.endogenous))
        object.__setattr__(self, "parts", tuple(self.parts))

    @cached_property
    def nodes(self) -> dict[str, QuantumNode]:
        """The endogenous nodes by name."""
        return {node.name: node for node in self.endogenous}

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
        """Exogenous variable → P(λ), an array over its values."""
        return {name: np.array([_weight(i, a) for a in i.outcomes]) for name, i in self.preparations.items()}

    @cached_property
    def states(self) -> dict[str, Array]:
        """Exogenous variable → ρ^λ, shape (values, d, d); zero where P(λ) = 0."""
        return {name: np.stack([_state(i, a) for a in i.outcomes]) for name, i in self.preparations.items()}

    def prior(self) -> list[Tensor]:
        """The law P(λ) = ∏ P(λ_i)."""
        return [Tensor(weights, (("λ", name),)) for name, weights in self.weights.items()]

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a | λ), eqs. (24) and (25)."""
        sources = {name: Tensor(rho, (("λ", name), "row", "column")) for name, rho in self.states.items()}
        return assemble(self.parts, sources, operators, self.dims, ignored, world)


def _weight(instrument: Instrument, outcome: Outcome) -> Any:
    return real(np.trace(instrument[outcome], axis1=-2, axis2=-1) / instrument.d_in)


def _state(instrument: Instrument, outcome: Outcome) -> Array:
    weight = _weight(instrument, outcome)
    output = np.swapaxes(instrument._output(instrument[outcome]), -1, -2) / instrument.d_in
    return output / weight if weight != 0 else output
