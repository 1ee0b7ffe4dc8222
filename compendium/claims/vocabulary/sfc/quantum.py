"""What the symbols of Secs. 4 to 8 of Suresh, Frembs and Cavalcanti mean: processes, instruments, quantum queries.

Operators know which spaces they act on (`compendium.claims.operator_formulas`): node A has an input ``A_in`` and an
output ``A_out``. `ALGEBRA` has the names that mean the same in every formula; the functions make the others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from compendium.claims.bound_indices import IndexedTerm, binder, index, lifted
from compendium.claims.operator_formulas import SystemOperator, operator_on, scalar, tensor_product
from qlib.graphs import CausalGraph
from qlib.numbers import conjugate, exact, vanishes
from qlib.numbers.arguments import Array
from qlib.quantum import Instrument, Part, ProcessOperator, QuantumStructuralModel


def full_trace(X: SystemOperator) -> SystemOperator:
    """The trace over every space that an operator acts on, an operator on none."""
    return X.trace(*X.systems)


def trace_over(*spaces: str) -> Callable[[Any], Any]:
    """A partial trace of a formula, over spaces of these names; in a formula with bound indices, too.

    >>> X = operator_on(["A_in", "A_out"], np.arange(16).reshape(4, 4))
    >>> trace_over("A_in")(X).array.tolist()
    [[10, 12], [18, 20]]
    """
    return lifted(lambda X: X.trace(*spaces))


def identity(dims: Mapping[str, int] | None = None) -> Callable[[Any], Any]:
    """The ``one(H)`` of formulas: the identity on the space H; a qubit's unless `dims` names another dimension."""
    known = dims or {}

    def one(space: str) -> SystemOperator:
        d = known.get(space, 2)
        return operator_on({space: d}, np.eye(d, dtype=int))

    return lifted(one)


def ketbra(space: str, dimension: int = 2) -> Callable[[Any, Any], Any]:
    """The ``ketbra(i, j)`` of formulas: |i⟩⟨j| on a space.

    >>> ketbra("A_in")(0, 1).array.tolist()
    [[0, 1], [0, 0]]
    """
    basis = np.eye(dimension, dtype=int)
    return lifted(lambda i, j: operator_on({space: dimension}, np.outer(basis[int(i)], basis[int(j)])))


def sum_over(**values: Iterable[Any]) -> Callable[..., Any]:
    """The ``Sum(term, i, j, …)`` of formulas that name their indices and leave the values to the model.

    >>> sum_over(i=(1, 2), j=(3, 4))(index("i") * index("j"), index("i"), index("j"))
    21
    """
    over, add = {name: tuple(domain) for name, domain in values.items()}, binder(operator.add, 0)

    def summed(body: Any, *indices: IndexedTerm) -> Any:
        for bound in indices:
            (name,) = bound.free
            body = add(body, (bound, over[name]))
        return body

    return summed


ALGEBRA: dict[str, Any] = {
    "kron": lifted(tensor_product),
    "Kron": binder(tensor_product, 1),
    "Product": binder(operator.mul, 1),
    "tp": lifted(SystemOperator.transposed),
    "tr": lifted(full_trace),
    "tr_A": lifted(full_trace),
    "one": identity(),
    **{name: index(name) for name in ("i", "j", "a", "lam")},
    **{space: space for space in ("A_in", "A_out", "L_in", "L_out")},
}


def matrix(spaces: Mapping[str, int] | Iterable[str], array: Array) -> Any:
    """A matrix on named spaces, qubits unless they have dimensions, as it is compared with a formula."""
    return operator_on(spaces, array)._sympy_()


def node_spaces(node: str, instrument: Instrument) -> dict[str, int]:
    """The spaces of a node in the order of (10), the output first, with their dimensions."""
    return {f"{node}_out": instrument.d_out, f"{node}_in": instrument.d_in}


def element(node: str, instrument: Instrument, outcome: Any = None) -> SystemOperator:
    """τ of (10) at a node: of an outcome, or of the channel (11) if none is given.

    >>> element("A", Instrument.idle(2)).systems
    {'A_out': 2, 'A_in': 2}
    """
    tau = instrument.channel if outcome is None else instrument[outcome]
    return operator_on(node_spaces(node, instrument), tau)


def elements(instruments: Mapping[str, Instrument], outcomes: Mapping[str, Any]) -> SystemOperator:
    """The product of the elements at all nodes, of the channel where no outcome is given."""
    return tensor_product(*(element(node, z, outcomes.get(node)) for node, z in instruments.items()))


def process(sigma: ProcessOperator) -> SystemOperator:
    """A process operator on the inputs and outputs of its nodes."""
    spaces = [(f"{n.name}_{side}", getattr(n, f"d_{side}")) for n in sigma.endogenous for side in ("in", "out")]
    return operator_on(dict(spaces), sigma.array)


def factor(part: Part, dims: Mapping[str, tuple[int, int]]) -> SystemOperator:
    """The operator (14) of a part of a circuit, on the inputs that it writes and the outputs that it reads.

    dims : of each node, exogenous node and wire, the dimensions of its input and its output.
    """
    spaces = {f"{name}_in": dims[name][0] for name in part.writes}
    return operator_on(spaces | {f"{name}_out": dims[name][1] for name in part.reads}, part.operator)


def pairing(sigma: SystemOperator, tau: SystemOperator) -> Any:
    """Tr[σ τ], the number.

    >>> int(pairing(operator_on(["A_in"], np.diag([1, 2])), operator_on(["A_in"], np.diag([3, 5]))))
    13
    """
    return scalar(full_trace(sigma * tau))


def adjoint(M: Array) -> Array:
    """The Hermitian adjoint of a matrix."""
    return conjugate(M).T


def state(name: str) -> Array:
    """A qubit's Hermitian matrix of trace one with three free real parameters.

    >>> state("")
    array([[r, x - I*y],
           [x + I*y, 1 - r]], dtype=object)
    """
    r, x, y = sp.symbols(f"r{name} x{name} y{name}", real=True)
    return exact([[r, x - sp.I * y], [x + sp.I * y, 1 - r]])


def free_instrument(name: str, d_in: int = 2, d_out: int = 2) -> Instrument:
    """An instrument of outcomes 0 and 1, whose operators have free entries but for the trace condition (11)."""
    size, one = d_in * d_out, np.eye(d_in, dtype=int)
    tau, channel = (free_matrix(f"{kind}{name}", size, size) for kind in "tc")
    blocks = [channel[k : k + d_in, k : k + d_in] for k in range(0, size - d_in, d_in)]
    channel[-d_in:, -d_in:] = one - sum(blocks)
    return Instrument({0: tau, 1: channel - tau}, d_in, d_out, name)


def free_matrix(name: str, rows: int = 2, columns: int = 2) -> Array:
    """A matrix of free complex entries, such as a Kraus operator of which nothing is known.

    >>> free_matrix("k", 1, 2)
    array([[k_00, k_01]], dtype=object)
    """
    return exact([[sp.Symbol(f"{name}_{i}{j}") for j in range(columns)] for i in range(rows)])


def depends(values: Any, on: Array) -> bool:
    """Whether an expression, or an entry of a matrix, depends on the free symbols of another matrix.

    >>> r, x = sp.symbols("r x0", real=True)
    >>> depends([r + x - x], state("0")), depends([r + x], state("0"))
    (False, True)
    """
    symbols = set().union(*(sp.sympify(entry).free_symbols for entry in on.flat))
    return any(sp.expand(entry).free_symbols & symbols for entry in np.ravel(values))


def product_names(sigma: SystemOperator, instruments: Mapping[str, Sequence[Instrument]]) -> dict[str, Any]:
    """The names of (15) and (16): σ, and tau(i, z) and tau(i, a, z), the channel and the elements at the i-th node.

    instruments : node → its instruments, by their labels z.
    """
    nodes = list(instruments)

    def tau(i: Any, *outcome_and_label: Any) -> SystemOperator:
        *outcome, label = map(int, outcome_and_label)
        node = nodes[int(i) - 1]
        return element(node, instruments[node][label], *outcome)

    return ALGEBRA | {"sigma": sigma, "n": len(nodes), "tau": lifted(tau)}


def choice_names(labels: Sequence[int], outcomes: Sequence[Any] = ()) -> dict[str, Any]:
    """The names z(i) and a(i): the instrument that is chosen at the i-th node, and its outcome.

    >>> choice_names((1, 0))["z"](1), choice_names((1, 0), "ab")["a"](2)
    (1, 'b')
    """
    return {"z": lifted(lambda i: labels[int(i) - 1]), "a": lifted(lambda i: outcomes[int(i) - 1])}


# --- structural models: Eqs. (18) to (25) -----------------------------------------------------------------------------


def source_names(law: Mapping[Any, Any], states: Mapping[Any, Array], tau: Mapping[Any, Array] | Instrument) -> Any:
    """The names of Eqs. (18) and (19) at a node Λ: P(λ), the state that λ prepares, and its element of an instrument.

    All spaces are qubits. tau : on out ⊗ in, not normalised.
    """
    return ALGEBRA | {
        "P": lifted(lambda lam: law[int(lam)]),
        "rho": lifted(lambda lam, space: operator_on([space], states[int(lam)])),
        "tau": lifted(lambda lam: operator_on(["L_out", "L_in"], tau[int(lam)])),
        "dim": lambda space: {"L_in": 2, "L_out": 2}[space],
        "tr_Lin": trace_over("L_in"),
        "Sum": sum_over(lam=law),
    }


def signals(matrix: Array, dims: Sequence[int]) -> bool:
    """Whether A influences D in a unitary from A ⊗ B to C ⊗ D of dimensions (c, d, a, b), by what arrives at D.

    A does not, if |x⟩⟨z| at A leaves nothing at D for x ≠ z, and the same for every x = z, whatever B is.
    """
    c, d, a, b = dims
    four = np.asarray(matrix, dtype=complex).reshape(c, d, a, b)
    arrives = np.einsum("cdxb,cezy->xzdeby", four, four.conj())
    nothing = np.zeros_like(arrives[0, 0])
    expected = {True: arrives[0, 0], False: nothing}
    return not all(np.allclose(arrives[x, z], expected[x == z]) for x, z in product(range(a), repeat=2))


def model_items(model: QuantumStructuralModel) -> dict[str, Any]:
    """What Def. 10 lists of a model: its kinds of nodes, where its unitary begins and ends, who owns whom."""
    reads = {space for part in model.parts for space in part.reads}
    writes = {space for part in model.parts for space in part.writes}
    nodes, exogenous, sink = set(model.nodes), set(model.preparations), set(model.wires) - reads
    kinds = {"endogenous": nodes, "exogenous": exogenous, "sink": sink | (nodes - reads)}
    sources, ends = {"A_out": nodes, "Lambda_out": exogenous}, {"A_in": nodes, "S_in": sink}
    own = [causes & exogenous for causes in model.influence.values()]
    once = all(len(causes) == 1 for causes in own) and len(exogenous.union(*own)) == len(own) == len(exogenous)
    return {
        "nodes": [kind for kind, members in kinds.items() if members],
        "unitary from": [end for end, spaces in sources.items() if spaces & reads],
        "unitary to": [end for end, spaces in ends.items() if spaces & writes],
        "one exogenous node per endogenous node": once and len(set(own)) == len(own),
    }


def foreign_influences(model: QuantumStructuralModel, graph: CausalGraph, owner: Mapping[str, str]) -> dict[str, bool]:
    """Whether an influence is found that (20), or (22) for a graph of the endogenous nodes, forbids.

    owner : exogenous node → the node that is its own.
    """
    found = [(cause, node) for node, causes in model.influence.items() for cause in causes]
    return {
        "(20)": any(owner[cause] != node for cause, node in found if cause in owner),
        "(22)": any(arrow not in graph.edges for arrow in found if arrow[0] in graph.kinds),
    }


def structural_names(model: QuantumStructuralModel, lam: Sequence[Any] = ()) -> dict[str, Any]:
    """The names of (21), (23) and (24): node i of a formula is the i-th exogenous node, and λ_i is ``lam[i - 1]``.

    ``tau_tilde(i, what)`` is the element (19) of an outcome, or, if `what` is the state that the instrument prepares on
    average, its channel; a ``ValueError`` says that it prepares another. The parts of the model meet at nodes only.
    """
    names = list(model.preparations)
    instruments = list(model.preparations.values())
    average = [sum(z.weight(k) * z.state(k) for k in z.outcomes) for z in instruments]

    def tau_tilde(i: int, what: Any) -> SystemOperator:
        z, spaces = instruments[int(i) - 1], node_spaces(names[int(i) - 1], instruments[int(i) - 1])
        if not isinstance(what, SystemOperator):
            return operator_on(spaces, z.normalised(int(what)))
        if not vanishes(what.array - average[int(i) - 1]):
            raise ValueError("tau_tilde: the instrument prepares another state")
        return operator_on(spaces, sum(z.normalised(k) for k in z.outcomes))

    sink = [f"{wire}_in" for wire in model.wires]
    outputs, inputs = ([f"{name}_{side}" for name in names] for side in ("out", "in"))
    return ALGEBRA | {
        "rho_U": tensor_product(*(factor(part, model.dims) for part in model.parts)),
        "rho": lifted(lambda i: operator_on({outputs[i - 1]: instruments[i - 1].d_out}, average[int(i) - 1])),
        "tau_tilde": lifted(tau_tilde),
        "lam": lifted(lambda i: lam[int(i) - 1]) if lam else index("lam"),
        "P": lambda _: model.weight(dict(zip(names, lam, strict=True))),
        "Sum": sum_over(lam=(0, 1)),
        "n": len(names),
        "tr_Lin": lifted(lambda X: X.trace(*(space for space in X.systems if space in inputs))),
        "tr_SinL": trace_over(*sink, *outputs, *inputs),
        "tr_SinLout": trace_over(*sink, *outputs),
        "lam_all": 0,
    }


def born_names(instruments: Mapping[str, Instrument], sigma: ProcessOperator, outcomes: Sequence[Any]) -> Any:
    """The names of (25): node i is the i-th of the instruments', its outcome ``outcomes[i - 1]``; σ^λ of the nodes."""
    nodes = list(instruments)
    return ALGEBRA | {
        "sigma": lambda lam: process(sigma),
        "a": lifted(lambda i: outcomes[int(i) - 1]),
        "z": lifted(lambda i: i),
        "n": len(nodes),
        "tau_i": lifted(lambda i, a, z: element(nodes[i - 1], instruments[nodes[z - 1]], int(a))),
        "tau": lambda outcomes_all, instruments_all: elements(instruments, dict(zip(nodes, outcomes, strict=True))),
        **dict.fromkeys(("lam", "a_all", "z_all"), 0),
    }
