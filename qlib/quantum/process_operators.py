"""Process operators: whatever may stand between quantum nodes, with or without a causal order.

A process operator σ on A_in ⊗ A_out ⊗ B_in ⊗ B_out ⊗ ..., nodes in their order, is positive and normalised for every
choice of channels at the nodes; Def. 6 of Suresh, Frembs & Cavalcanti (2023). There are infinitely many such choices,
but they span a linear space, so that the normalisation is a finite set of linear equations. Write X[σ] for "trace X out
and replace it by 1/d" and S for a set of nodes. The operator is normalised exactly when its trace is ∏ d_out and

    ∏_{A in S} (1 − A_out) ∏_{A not in S} A_in A_out [σ] = 0    for every non-empty S

(Araújo et al. 2015, Appendix B): for no set S of nodes does a signal run from the outputs of all of them back to their
inputs. `closed_loops` lists the S for which one does. S of one node is a signal from a node's future into its own past.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from qlib.numbers.arguments import all_of, distinct, numbers, one_of, require, table, whole, wholes
from qlib.numbers.exact_arrays import Array, as_complex, is_exact, recognised, vanishes
from qlib.numbers.tensor_networks import Tensor, operator_tensor
from qlib.quantum.channels import deviation_note, partial_trace, require_positive
from qlib.quantum.instruments import Outcome

World: TypeAlias = Hashable


@dataclass(frozen=True)
class QuantumNode:
    """A quantum node: a place for an intervention between an incoming and an outgoing space of given dimensions.

    A node of which nothing comes in (a preparation) has d_in = 1, one that nothing leaves (a measurement) d_out = 1.
    Raises ``ValueError`` for a dimension below one.
    """

    name: str
    d_in: int = 2
    d_out: int = 2

    def __post_init__(self) -> None:
        require(str, name=self.name)
        whole(self.d_in, f"node {self.name}: d_in", 1)
        whole(self.d_out, f"node {self.name}: d_out", 1)


def _as_nodes(endogenous: Iterable[QuantumNode | str]) -> tuple[QuantumNode, ...]:
    """The nodes, where a name stands for a node of a qubit."""
    nodes = all_of((QuantumNode, str), endogenous, "endogenous")
    return tuple(QuantumNode(node) if isinstance(node, str) else node for node in nodes)


@dataclass(frozen=True, eq=False)
class ProcessOperator:
    """A process operator over quantum nodes, Def. 6 of Suresh, Frembs & Cavalcanti (2023).

    endogenous : the nodes, in the order of the tensor factors; a name stands for a node of a qubit. array : shape (...,
    D, D), D = ∏ d_in d_out; each node's incoming space stands directly before its outgoing one.
    Raises ``ValueError`` if the operator is not positive semidefinite, or not normalised for some choice of channels;
    then it names nodes that a signal runs round. Positivity is not decided for
    entries with free symbols.

    >>> ProcessOperator([QuantumNode("A")], np.diag([1, 1, 0, 0])).is_normalised_channel
    True
    >>> identity = [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]  # A_out returns to A_in
    >>> ProcessOperator([QuantumNode("A")], identity)
    Traceback (most recent call last):
        ...
    ValueError: not a process operator: a signal runs from A_out back to A_in (max deviation 1)
    """

    endogenous: tuple[QuantumNode, ...]
    array: Array

    def __init__(self, endogenous: Sequence[QuantumNode | str], array: ArrayLike) -> None:
        endogenous = _as_nodes(endogenous)
        array = numbers(array, "array")
        object.__setattr__(self, "endogenous", tuple(endogenous))
        object.__setattr__(self, "array", np.array(recognised(array)))
        self.array.flags.writeable = False  # networks compiled with it are kept
        _validate(self)

    @cached_property
    def nodes(self) -> dict[str, QuantumNode]:
        """The nodes by name."""
        return _named(self.endogenous)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions of the tensor factors: d_in, d_out of each node."""
        return _factor_dims(self.endogenous)

    @property
    def exogenous(self) -> dict[str, tuple[Outcome, ...]]:
        """No exogenous variables: there is one way the process is."""
        return {}

    @property
    def is_normalised_channel(self) -> bool:
        """Whether the partial trace over all inputs is the identity on all outputs (footnote 9 of the paper)."""
        return satisfies_trace_condition(self.array, self.endogenous)

    def prior(self) -> list[Tensor]:
        """No law of exogenous variables."""
        return []

    def tensors(self, operators: Mapping[str, Array], ignored: frozenset[str], world: World) -> list[Tensor]:
        """The network of P_z(a), eq. (16): the process operator and an operator at each node, whose entries may be nan.

        Raises ``ValueError`` or ``TypeError`` for a node without an operator, or one of another shape.

        >>> process = ProcessOperator([QuantumNode("A")], np.diag([1, 1, 0, 0]))
        >>> [tensor.legs for tensor in process.tensors({"A": np.eye(4)}, frozenset(), "here")][1][0]
        ('out', 'A', 1, 'here')
        """
        _require_operators(operators, self.nodes, ignored)
        network = [Tensor(operator_tensor(self.array, _spaces(self.endogenous, world)).array, _legs(self, world))]
        return [*network, *(_node_tensor(node, operators[node.name], 1, world) for node in self.endogenous)]

    def reduced(self, node: str, outputs: Sequence[str]) -> Array:
        """The channel from some nodes' outputs to one node's input, all else discarded and the other outputs mixed.

        Returns the operator on node_in ⊗ outputs, in the order in which they are given.
        Raises ``ValueError`` for a name that is no node's, or an output that is named twice.

        >>> ends = [QuantumNode("A", 1), QuantumNode("B", d_out=1)]
        >>> identity = [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]  # A_out leads to B_in
        >>> ProcessOperator(ends, identity).reduced("B", []).tolist()  # A's output is mixed
        [[0.5, 0.0], [0.0, 0.5]]
        """
        n, place = len(self.endogenous), {item.name: k for k, item in enumerate(self.endogenous)}
        outputs = distinct(outputs, "outputs", known=place)
        one_of(node, "node", place)
        kept = [2 * place[node], *(2 * place[name] + 1 for name in outputs)]
        batch, dims = self.array.shape[:-2], self.dims
        rows = list(range(2 * n))
        columns = [2 * n + k if k in kept else k for k in rows]
        order = [*kept, *(2 * n + k for k in kept)]
        tensor = self.array.reshape((*batch, *dims, *dims))
        traced = np.einsum(tensor, [..., *rows, *columns], [..., *order])
        D = int(np.prod([dims[k] for k in kept]))
        mixed = int(np.prod([item.d_out for item in self.endogenous if item.name not in outputs]))
        return np.asarray(np.asarray(traced).reshape((*batch, D, D)) / _whole(mixed, self.array))


def _named(nodes: Sequence[QuantumNode]) -> dict[str, QuantumNode]:
    """The nodes by name; ``ValueError`` for a name that stands twice."""
    nodes = all_of(QuantumNode, nodes, "nodes")
    result: dict[str, QuantumNode] = {}
    for node in nodes:
        if node.name in result:
            raise ValueError(f"nodes: two have the name {node.name!r}; each needs its own")
        result[node.name] = node
    return result


def _require_operators(
    operators: Mapping[str, Array], nodes: Mapping[str, QuantumNode], ignored: Iterable[str], finite: bool = False
) -> None:
    """Raise ``ValueError`` or ``TypeError`` unless each node has an operator on out ⊗ in, which may be not finite."""
    table(operators, "operators", known=nodes)
    distinct(ignored, "ignored", known=nodes)
    for name, node in nodes.items():
        if name not in operators:
            raise ValueError(f"operators: node {name} has none; each of {', '.join(nodes)} needs one")
        D = node.d_out * node.d_in
        numbers(operators[name], f"operators: node {name}", (..., D, D), finite=finite)


def _factor_dims(nodes: Sequence[QuantumNode]) -> tuple[int, ...]:
    """The dimensions d_in, d_out, d_in, d_out, ... of the tensor factors of a process operator."""
    nodes = all_of(QuantumNode, nodes, "nodes")
    return tuple(d for node in nodes for d in (node.d_in, node.d_out))


def _spaces(nodes: Sequence[QuantumNode], world: World) -> list[tuple[Hashable, Hashable, int]]:
    """Row leg, column leg and dimension of each tensor factor, where each output is read once."""
    nodes = all_of(QuantumNode, nodes, "nodes")
    return [
        space
        for node in nodes
        for space in (
            (("in", node.name, "row", world), ("in", node.name, "column", world), node.d_in),
            (("out", node.name, 0, world), ("out", node.name, 1, world), node.d_out),
        )
    ]


def _legs(operator: ProcessOperator, world: World) -> tuple[Hashable, ...]:
    """The legs of a process operator as a tensor: all rows, then all columns."""
    require(ProcessOperator, operator=operator)
    found = _spaces(operator.endogenous, world)
    return (*(row for row, _, _ in found), *(column for _, column, _ in found))


def _node_tensor(node: QuantumNode, tau: ArrayLike, readers: int, world: World) -> Tensor:
    """τ on A_out ⊗ A_in at a node whose output `readers` parts read; its rows are the process's columns.

    It has the name (node, world), by which another operator may take its place in a `Network`.
    """
    whole(readers, "readers", 0)
    require(QuantumNode, node=node)
    array = numbers(tau, "tau", finite=False)  # what is not known yet has the value NaN
    array = array.reshape((*array.shape[:-2], node.d_out, node.d_in, node.d_out, node.d_in))
    out_row, out_column = ("out", node.name, readers, world), ("out", node.name, 0, world)
    legs = (out_row, ("in", node.name, "column", world), out_column, ("in", node.name, "row", world))
    return Tensor(array, legs, (node.name, world))


# ── validity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def trace_and_replace(array: ArrayLike, dims: Sequence[int], factor: int) -> Array:
    """X[σ]: one tensor factor traced out and replaced by 1/d. Leading axes are a batch.

    Raises ``ValueError`` for an array that is not of shape (..., ∏ dims, ∏ dims), or a factor that there is not.

    >>> trace_and_replace(np.diag([1.0, 0.0, 1.0, 0.0]), (2, 2), 1).diagonal().tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    dims = wholes(dims, "dims", 1)
    whole(factor, "factor", 0, len(dims) - 1)
    D, n, d = prod(dims), len(dims), dims[factor]
    O = numbers(array, "array", (..., D, D))
    batch = O.shape[:-2]
    tensor = O.reshape((*batch, *dims, *dims))
    row, column = len(batch) + factor, len(batch) + n + factor
    traced = np.trace(tensor, axis1=row, axis2=column) / _whole(d, O)
    product = np.multiply.outer(traced, np.eye(d, dtype=int))
    return np.asarray(np.moveaxis(product, (-2, -1), (row, column))).reshape(O.shape)


def closed_loops(array: ArrayLike, nodes: Sequence[QuantumNode]) -> dict[tuple[str, ...], Array]:
    """The sets of nodes that a signal runs round, with the part of the operator that carries it; few nodes first.

    A positive operator of trace ∏ d_out is a process operator exactly when there is none. The part of a set is an
    operator on its nodes, the others traced out.

    >>> list(closed_loops([[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]], [QuantumNode("A")]))
    [('A',)]
    """
    nodes = all_of(QuantumNode, nodes, "nodes")
    sets = [chosen for k in range(1, len(nodes) + 1) for chosen in combinations(range(len(nodes)), k)]
    loops = {tuple(nodes[k].name for k in chosen): _loop(numbers(array, "array"), nodes, chosen) for chosen in sets}
    return {names: part for names, part in loops.items() if not vanishes(part)}


def _loop(array: Array, nodes: Sequence[QuantumNode], chosen: tuple[int, ...]) -> Array:
    """∏ (1 − A_out) over the chosen nodes, of the operator with all others traced out."""
    array = partial_trace(array, _factor_dims(nodes), [factor for k in chosen for factor in (2 * k, 2 * k + 1)])
    dims = _factor_dims([nodes[k] for k in chosen])
    for k in range(len(chosen)):
        array = array - trace_and_replace(array, dims, 2 * k + 1)
    return array


def is_extremal(process: ProcessOperator) -> bool:
    """Whether a process is no mixture of others: then every completion of it is trivial, and its answers are its own.

    It is a mixture if and only if some Hermitian X ≠ 0 on its support can be added to it and subtracted from it, a
    little of it, that is if X has the trace zero and no closed loops: a rank is counted, in floating point. Raises
    ``ArithmeticError`` if the rank cannot be told.

    >>> A = [QuantumNode("A", 2, 1)]
    >>> [is_extremal(ProcessOperator(A, np.diag(p))) for p in ([1, 0], [0.5, 0.5])]
    [True, False]
    """
    require(ProcessOperator, process=process)
    nodes = process.endogenous
    values, vectors = np.linalg.eigh(as_complex(process.array))
    V = vectors[:, values > 1e-9 * values.max()]
    sets = [chosen for k in range(1, len(nodes) + 1) for chosen in combinations(range(len(nodes)), k)]
    rows = []
    for i, j in product(range(V.shape[1]), repeat=2):
        H = np.outer(V[:, i], V[:, j].conj())
        H = H + H.conj().T if i <= j else 1j * (H - H.conj().T)
        violations = [np.array([np.trace(H)]), *(_loop(H, nodes, chosen).ravel() for chosen in sets)]
        rows.append(np.concatenate([part for each in violations for part in (each.real, each.imag)]))
    singular = np.linalg.svd(np.array(rows), compute_uv=False)
    least = singular.min() / singular.max() if len(singular) == len(rows) else 0.0
    if 1e-10 < least < 1e-7:
        raise ArithmeticError(f"process: whether it is extremal cannot be told at this precision (gap {least:.3g})")
    return bool(least >= 1e-7)


def satisfies_trace_condition(array: ArrayLike, nodes: Sequence[QuantumNode]) -> bool:
    """Whether the partial trace over all inputs is the identity on all outputs: a channel from outputs to inputs.

    Every process operator does, but not conversely; footnote 9 of Suresh, Frembs & Cavalcanti (2023).
    """
    array = numbers(array, "array")
    nodes = all_of(QuantumNode, nodes, "nodes")
    traced = partial_trace(array, _factor_dims(nodes), range(1, 2 * len(nodes), 2))
    return vanishes(traced - np.eye(traced.shape[-1], dtype=int))


def _validate(operator: ProcessOperator) -> None:
    array, D = operator.array, int(np.prod(operator.dims))
    _named(operator.endogenous)
    if array.shape[-2:] != (D, D) or array.ndim < 2:
        over = ", ".join(node.name for node in operator.endogenous)
        raise ValueError(f"process operator over {over}: shape {array.shape} should be (..., {D}, {D})")
    require_positive(array, "process operator")
    total = int(np.prod([node.d_out for node in operator.endogenous]))
    trace = np.trace(array, axis1=-2, axis2=-1)
    if not vanishes(np.asarray(trace - total)):
        raise ValueError(
            f"not a process operator: its trace is {trace}, and should be the product {total} of all d_out"
        )
    for names, loop in closed_loops(array, operator.endogenous).items():
        first = names[0]
        way = f"from {first}_out back to {first}_in" if len(names) == 1 else f"round the nodes {', '.join(names)}"
        raise ValueError(f"not a process operator: a signal runs {way}{deviation_note(loop)}")


def _whole(number: int, array: Array) -> object:
    """A whole number to divide an array by, exactly if it is exact."""
    import sympy as sp

    return sp.Integer(number) if is_exact(array) else number
