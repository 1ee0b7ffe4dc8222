"""Parts of a quantum process, the network that they form with operators at the nodes, and who influences whom in it.

A `Part` is a channel that reads outgoing spaces of nodes, or wires, and writes incoming ones. `_assemble` joins parts
with the operators of instruments to the network of tensors whose contraction is a probability. The influence of a space
on a node (Def. 9 of Suresh, Frembs & Cavalcanti 2023) is found on the node's *light cone*, the parts that lead to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import networkx as nx
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import all_of, distinct, numbers, one_of, require
from qlib.numbers.exact_arrays import (
    ROUNDING,
    Array,
    as_complex,
    conjugate,
    has_free_symbols,
    is_exact,
    recognised,
    vanishes,
)
from qlib.numbers.tensor_networks import Leg, Tensor, contract
from qlib.quantum.channels import deviation_note, partial_trace, process_cj, require_positive
from qlib.quantum.process_operators import QuantumNode, World, _node_tensor

INFLUENCE = ROUNDING  # in floating-point arithmetic, the square of the relative size from which on an influence counts

Dims = Mapping[str, tuple[int, int]]  # space → its dimension as it is written and as it is read


@dataclass(frozen=True, eq=False)
class Part:
    """A channel of a process, from outgoing spaces and wires that it reads to incoming spaces and wires that it writes.

    array : the operator (14), rows and columns over writes ⊗ reads; or, if `isometry`, the matrix V of ρ = |V⟩⟩⟨⟨V|,
    rows over writes, columns over reads. Leading axes are a batch.
    """

    array: Array
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    isometry: bool = False

    def __post_init__(self) -> None:
        array = np.array(recognised(numbers(self.array, "array", (..., None, None))))
        array.flags.writeable = False  # networks compiled with it are kept
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "reads", all_of(str, self.reads, "reads"))
        object.__setattr__(self, "writes", all_of(str, self.writes, "writes"))

    @property
    def operator(self) -> Array:
        """The operator (14) on writes ⊗ reads."""
        if not self.isometry:
            return self.array
        vector = self.array.reshape((*self.array.shape[:-2], -1))
        return np.asarray(vector[..., :, None] * conjugate(vector)[..., None, :])

    def __str__(self) -> str:
        return f"the part {', '.join(self.reads) or '()'} → {', '.join(self.writes) or '()'}"


def unitary(matrix: ArrayLike, reads: Sequence[str], writes: Sequence[str]) -> Part:
    """A unitary part of a process: matrix of rows over the spaces it writes, columns over those it reads.

    The first of the spaces is the slowest index, and so is the first qubit of an operator, gate or circuit of Qiskit's,
    whose own matrix has it the fastest, and is reordered.

    >>> from qiskit.circuit.library import CXGate
    >>> unitary(CXGate(), ["control", "target"], ["c", "t"]).array.real.astype(int).tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    """
    reads, writes = all_of(str, reads, "reads"), all_of(str, writes, "writes")
    return Part(numbers(matrix, "matrix", (..., None, None)), reads, writes, isometry=True)


def channel(kraus: ArrayLike, reads: Sequence[str], writes: Sequence[str]) -> Part:
    """A part of a process from Kraus operators of shape (..., k, d_out, d_in), by convention (14).

    Or from a channel of `qiskit.quantum_info`, its qubits in the order of the spaces.

    >>> discard = channel([[[1, 0]], [[0, 1]]], reads=["A"], writes=["S"])
    >>> discard.operator.tolist()
    [[1, 0], [0, 1]]
    """
    return Part(process_cj(kraus), all_of(str, reads, "reads"), all_of(str, writes, "writes"))


# ── networks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _assemble(
    parts: Sequence[Part],
    sources: Mapping[str, Tensor],
    operators: Mapping[str, Array],
    dims: Dims,
    ignored: frozenset[str],
    world: World,
) -> list[Tensor]:
    """The tensors whose contraction is Tr[∏ parts · ⊗ operators], without what normalisation makes an identity.

    sources : exogenous space → the tensor ρ^λ, whose last two axes are its row and column (their legs are set here).
    operators : node → τ on out ⊗ in. dims : space → (as it is written, as it is read).
    A part whose writes are all discarded is a trace: it goes, and so does then an ignored node in front of it.
    """
    nodes = frozenset(operators)
    kept, discarded = _prune(parts, nodes, ignored)
    readers = _readers(parts, kept)
    network = [t for k in kept for t in _part_tensors(parts[k], k, readers, nodes, discarded, dims, world)]
    for name, tau in operators.items():
        if name not in discarded:
            network.append(_node_tensor(QuantumNode(name, *dims[name]), tau, len(readers.get(name, ())), world))
    return [*network, *_source_tensors(sources, readers, world)]


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


def _readers(parts: Sequence[Part], kept: Iterable[int]) -> dict[str, list[int]]:
    """Space → the parts that read it, in their order."""
    readers: dict[str, list[int]] = {}
    for k in kept:
        for space in parts[k].reads:
            readers.setdefault(space, []).append(k)
    return readers


def _part_tensors(
    part: Part,
    k: int,
    readers: Mapping[str, list[int]],
    nodes: Collection[str],
    discarded: Collection[str],
    dims: Dims,
    world: World,
) -> list[Tensor]:
    rows: list[Leg] = []
    columns: list[Leg] = []
    for space in part.writes:
        row: Leg = ("out", space, 0, world)
        column: Leg = ("out", space, len(readers.get(space, [])), world)
        if space in nodes:
            row, column = ("in", space, "row", world), ("in", space, "column", world)
        rows.append(row)
        columns.append(row if space in discarded else column)
    for space in part.reads:
        place = readers[space].index(k)
        rows.append(("out", space, place, world))
        columns.append(("out", space, place + 1, world))
    shape, batch = _part_dims(part, dims), part.array.shape[:-2]
    if part.isometry:
        array = part.array.reshape((*batch, *shape))
        return [Tensor(array, tuple(rows)), Tensor(conjugate(array), tuple(columns))]
    return [Tensor(part.array.reshape((*batch, *shape, *shape)), (*rows, *columns))]


def _part_dims(part: Part, dims: Dims) -> tuple[int, ...]:
    """The dimensions of the spaces that a part writes, then of those that it reads."""
    return (*(dims[space][0] for space in part.writes), *(dims[space][1] for space in part.reads))


def _source_tensors(
    sources: Mapping[str, Tensor], readers: Mapping[str, Sequence[int]], world: World
) -> Iterable[Tensor]:
    for name, source in sources.items():
        if name in readers:
            ends = (("out", name, 0, world), ("out", name, len(readers[name]), world))
            yield Tensor(source.array, (*source.legs[:-2], *ends))


def _process_matrix(
    parts: Sequence[Part],
    sources: Mapping[str, Tensor],
    nodes: Sequence[QuantumNode],
    dims: Dims,
    prior: Sequence[Tensor] = (),
) -> Array:
    """The process operator on A_in ⊗ A_out ⊗ B_in ⊗ ... of a network, eqs. (17) and (21): (∏ d_in d_out)² entries.

    prior : the law of the exogenous variables that the sources depend on; it is summed over.
    """
    parts = all_of(Part, parts, "parts")
    nodes = all_of(QuantumNode, nodes, "nodes")
    prior = all_of(Tensor, prior, "prior")
    require(Mapping, sources=sources)
    names = frozenset(node.name for node in nodes)
    kept, discarded = _prune(parts, names, frozenset())
    readers = _readers(parts, kept)
    network = [t for k in kept for t in _part_tensors(parts[k], k, readers, names, discarded, dims, 0)]
    network += [*prior, *_source_tensors(sources, readers, 0)]
    written = {space for k in kept for space in parts[k].writes}
    rows: list[Leg] = []
    columns: list[Leg] = []
    for node in nodes:
        rows += [("in", node.name, "row", 0), ("open", node.name, "row")]
        columns += [("in", node.name, "column", 0), ("open", node.name, "column")]
        network += _opened(node.name, len(readers.get(node.name, ())), node.d_out)
        if node.name not in written:
            network.append(Tensor(np.ones((1, 1), int), (rows[-2], columns[-2])))
    D = prod(node.d_in * node.d_out for node in nodes)
    result = contract(network, [*rows, *columns])
    return result.reshape((*result.shape[: result.ndim - len(rows) - len(columns)], D, D))


def _opened(name: str, readers: int, dimension: int) -> list[Tensor]:
    """Two identities that give the output of a node open ends of its own, whether anything reads it or not."""
    one = np.eye(dimension, dtype=int)
    ends = ((("out", name, 0, 0), ("open", name, "row")), (("out", name, readers, 0), ("open", name, "column")))
    return [Tensor(one, legs) for legs in ends]


# ── light cones ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _light_cone(parts: Sequence[Part], space: str, wires: Collection[str]) -> list[int]:
    """The parts that lead to a space: those that write it, or a wire that one of them reads."""
    parts = all_of(Part, parts, "parts")
    require(str, space=space)
    cone: set[int] = set()
    wanted = [space]
    while wanted:
        sought = wanted.pop()
        for k, part in enumerate(parts):
            if sought in part.writes and k not in cone:
                cone.add(k)
                wanted += [name for name in part.reads if name in wires]
    return sorted(cone)


@dataclass(frozen=True)
class _Cone:
    """The channel from the outputs that a light cone reads to one node's input, as a network with open ends."""

    tensors: list[Tensor]
    ends: dict[str, tuple[Leg, Leg]]  # the node's input, and each output → row and column


def _cone(parts: Sequence[Part], node: str, wires: Collection[str], dims: Dims, world: World) -> _Cone:
    kept = _light_cone(parts, node, wires)
    readers = _readers(parts, kept)
    written = {space for k in kept for space in parts[k].writes}
    discarded = {space for space in written if space != node and not (space in wires and space in readers)}
    nodes = written - set(wires)
    tensors = [t for k in kept for t in _part_tensors(parts[k], k, readers, nodes, discarded, dims, world)]
    ends: dict[str, tuple[Leg, Leg]] = {"": (("in", node, "row", world), ("in", node, "column", world))}
    for name in readers:
        if name not in wires:
            ends[name] = ("out", name, 0, world), ("out", name, len(readers[name]), world)
    return _Cone(tensors, ends)


def influences(parts: Sequence[Part], node: str, wires: Collection[str], dims: Dims) -> frozenset[str]:
    """The outputs, of nodes and exogenous nodes, that influence a node's input; Def. 9.

    With R the operator of the channel to the input, X does not influence it exactly when R = Tr_X[R]/d ⊗ 1_X, or
    ‖R‖² = ‖Tr_X R‖²/d: two numbers, contracted on the light cone. Exact entries are evaluated, unless they have free
    symbols; then the equation is decided identically.
    Raises ``ValueError`` or ``TypeError`` for what is no part, and a space that has no dimensions.
    """
    require(Mapping, dims=dims)
    parts = all_of(Part, parts, "parts")
    for part in parts:
        for space in (*part.reads, *part.writes):
            one_of(space, f"dims: {part}", dims)
    one_of(node, "node", dims)
    return _influences(parts, node, distinct(wires, "wires", known=dims), dims)


def _influences(parts: Sequence[Part], node: str, wires: Collection[str], dims: Dims) -> frozenset[str]:
    if not any(has_free_symbols(part.array) for part in parts):
        parts = [replace(part, array=as_complex(part.array)) for part in parts]
    one, other = _cone(parts, node, wires, dims, 0), _cone(parts, node, wires, dims, 1)
    total = _norm(one, other, None)
    return frozenset(
        name for name in one.ends if name and _differs(total, _norm(one, other, name) / sp.Integer(dims[name][1]))
    )


def _norm(one: _Cone, other: _Cone, traced: str | None) -> Array:
    """‖R‖², or ‖Tr_X R‖²: two copies of the network, the rows of one joined to the columns of the other."""
    joined: dict[Leg, Leg] = {}
    for name, (row, column) in other.ends.items():
        joined[row], joined[column] = one.ends[name][::-1]
        if name == traced:
            joined[row] = joined[column] = row
            joined[one.ends[name][1]] = one.ends[name][0]
    network = [*one.tensors, *other.tensors]
    return contract([Tensor(t.array, tuple(joined.get(leg, leg) for leg in t.legs)) for t in network])


def _differs(total: Array, reduced: Array) -> bool:
    if is_exact(np.asarray(total)):
        return not vanishes(np.asarray(total - reduced, dtype=object))
    share = np.asarray(total - reduced, dtype=complex) / np.asarray(total, dtype=complex)
    return bool(np.max(np.abs(share)) > INFLUENCE)


def _reduced_channel(
    parts: Sequence[Part],
    sources: Mapping[str, Tensor],
    node: str,
    outputs: Sequence[str],
    wires: Collection[str],
    dims: Dims,
    prior: Sequence[Tensor] = (),
) -> Array:
    """The channel to a node's input from some outputs, the exogenous ones averaged and all others maximally mixed.

    Returns the operator (14) on node_in ⊗ outputs, in the order given; shape (..., D, D).
    """
    parts = all_of(Part, parts, "parts")
    outputs = distinct(outputs, "outputs")
    prior = all_of(Tensor, prior, "prior")
    require(Mapping, sources=sources)
    require(str, node=node)
    cone = _cone(parts, node, wires, dims, 0)
    readers = _readers(parts, _light_cone(parts, node, wires))
    network = [*cone.tensors, *prior, *_source_tensors(sources, readers, 0)]
    rows, columns = [cone.ends[""][0]], [cone.ends[""][1]]
    mixed = 1
    joined: dict[Leg, Leg] = {}
    for name in outputs:
        network += _opened(name, len(readers.get(name, ())), dims[name][1])
        rows.append(("open", name, "row"))
        columns.append(("open", name, "column"))
    for name, (row, column) in cone.ends.items():
        if name and name not in outputs and name not in sources:
            joined[column] = row
            mixed *= dims[name][1]
    network = [Tensor(t.array, tuple(joined.get(leg, leg) for leg in t.legs)) for t in network]
    D = dims[node][0] * prod(dims[name][1] for name in outputs)
    result = contract(network, [*rows, *columns])
    result = result.reshape((*result.shape[: result.ndim - 2 * len(rows)], D, D))
    return np.asarray(result / (sp.Integer(mixed) if is_exact(result) else mixed))


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _require_wiring(
    parts: Sequence[Part],
    nodes: Mapping[str, QuantumNode],
    exogenous: Collection[str],
    wires: Collection[str],
    dims: Dims,
) -> None:
    """Raise ``ValueError`` for names or shapes that do not fit, or a space that is not written exactly once."""
    parts = all_of(Part, parts, "parts")
    require(Mapping, nodes=nodes)
    for part in parts:
        for verb, spaces, known in (
            ("writes", part.writes, [*nodes, *wires]),
            ("reads", part.reads, [*nodes, *exogenous, *wires]),
        ):
            for space in spaces:
                if space not in known:
                    raise ValueError(f"{part}: it {verb} {space!r}, which should be one of {', '.join(known)}")
                if spaces.count(space) > 1:
                    raise ValueError(f"{part}: it {verb} {space!r} twice")
        _require_shape(part, dims)
    for space in [*nodes, *wires]:
        count = sum(space in part.writes for part in parts)
        if count > 1 or (count == 0 and dims[space][0] > 1):
            what = "node" if space in nodes else "wire"
            raise ValueError(f"{what} {space}: {count or 'no'} parts write it; exactly one should")
    _require_order(parts, wires)


def _require_shape(part: Part, dims: Dims) -> None:
    lengths = _part_dims(part, dims)
    out, inn = prod(lengths[: len(part.writes)]), prod(lengths[len(part.writes) :])
    shape = (out, inn) if part.isometry else (out * inn, out * inn)
    if part.array.shape[-2:] != shape or part.array.ndim < 2:
        raise ValueError(
            f"{part}: its array has the shape {part.array.shape} and should have (..., {shape[0]}, {shape[1]}), "
            f"as what it writes has dimension {out} and what it reads {inn}"
        )


def _require_order(parts: Sequence[Part], wires: Collection[str]) -> None:
    order = nx.DiGraph()
    for k, part in enumerate(parts):
        order.add_edges_from((space, k) for space in part.reads if space in wires)
        order.add_edges_from((k, space) for space in part.writes if space in wires)
    if not nx.is_directed_acyclic_graph(order):
        cycle = [end for end, _ in nx.find_cycle(order) if isinstance(end, str)]
        raise ValueError(f"the wires form a cycle: {' → '.join([*cycle, cycle[0]])}")


def _require_channel(part: Part, dims: Dims) -> None:
    """Raise ``ValueError`` if a part is not positive, or does not preserve the trace."""
    require(Part, part=part)
    operator, lengths = part.operator, _part_dims(part, dims)
    require_positive(operator, str(part))
    inn = prod(lengths[len(part.writes) :])
    deviation = partial_trace(operator, (operator.shape[-1] // inn, inn), (1,)) - np.eye(inn, dtype=int)
    if not vanishes(deviation):
        raise ValueError(f"{part}: the trace over what it writes should be the identity{deviation_note(deviation)}")


def _require_unitary(part: Part) -> None:
    """Raise ``ValueError`` if a part is not given by a unitary matrix."""
    require(Part, part=part)
    V = part.array
    if not part.isometry or V.shape[-1] != V.shape[-2]:
        raise ValueError(f"{part}: it should be unitary, but it is {'an isometry' if part.isometry else 'a channel'}")
    deviation = conjugate(np.swapaxes(V, -1, -2)) @ V - np.eye(V.shape[-1], dtype=int)
    if not vanishes(deviation):
        raise ValueError(f"{part}: its matrix U is not unitary, U†U − 1 should vanish{deviation_note(deviation)}")


def _require_commuting(one: Part, other: Part, dims: Dims) -> None:
    """Raise ``ValueError`` if the operators of two parts do not commute, each padded with identities."""
    require(Part, one=one, other=other)
    shared = [space for space in one.reads if space in other.reads]
    if not shared:
        return
    products = [_product(a, b, dims) for a, b in ((one, other), (other, one))]
    deviation = products[0] - products[1]
    if not vanishes(deviation):
        raise ValueError(
            f"{one} and {other} read {', '.join(shared)} both, and do not commute{deviation_note(deviation)}"
        )


def _product(first: Part, second: Part, dims: Dims) -> Array:
    """The product of two parts' operators, as a tensor: the rows and columns of all their spaces, sorted by name."""
    tensors: list[Tensor] = []
    ends: set[tuple[str, str, int]] = set()
    for place, part in ((0, first), (1, second)):
        other = second if part is first else first
        rows, columns = [], []
        for kind, spaces, theirs in (("w", part.writes, other.writes), ("r", part.reads, other.reads)):
            for space in spaces:
                joint = space in theirs
                rows.append((kind, space, place if joint else 0))
                columns.append((kind, space, place + 1 if joint else 2))
        ends |= {leg for leg in (*rows, *columns) if leg[2] != 1}
        shape, operator = _part_dims(part, dims), part.operator
        tensors.append(Tensor(operator.reshape((*operator.shape[:-2], *shape, *shape)), (*rows, *columns)))
    return contract(tensors, sorted(ends))
