"""What the symbols of Sec. 6 and App. A of Suresh, Frembs and Cavalcanti mean: how a classical model becomes quantum.

Node i of a formula is the i-th endogenous variable of a model. Operators know their systems
(`compendium.claims.operator_formulas`); the spaces of a quantum extension have the names of `quantum_extension`, and
`role` says which of the paper's spaces each of them is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from compendium.claims.bound_indices import IndexedTerm, binder, index, lifted
from compendium.claims.operator_formulas import SystemOperator, operator_on, tensor_product
from compendium.claims.vocabulary.sfc.classical import delta, sum_over
from qlib.models import ProbabilisticModel, StructuralModel
from qlib.numbers import exact
from qlib.numbers.tensor_networks import contract, operator_tensor
from qlib.quantum import QuantumStructuralModel, process_cj

Array = NDArray[Any]

OPERATORS: dict[str, Any] = {
    "Product": binder(operator.mul, operator_on({}, [[1]])),
    "Kron": binder(operator.mul, sp.Integer(1)),
    "kron": tensor_product,
    "tp": SystemOperator.transposed,
    "dagger": SystemOperator.adjoint,
    **{name: index(name) for name in "ijk"},
}


# --- functions: Eqs. (30), (77) and (78) ------------------------------------------------------------------------------


def summation_names(model: ProbabilisticModel, v: Sequence[int]) -> dict[str, Any]:
    """The names of Eq. (30) at values v of the endogenous variables, in their order.

    model : of whole numbers as values; the last parent of each variable is its own exogenous one. ``P(u(i))`` is the
    marginal probability of that one, ``P(u_all)`` the joint one of all.
    """
    structure, nodes = model.structure, tuple(model.structure.mechanisms)
    parents = [structure.mechanisms[node].parents for node in nodes]
    own = [list(structure.exogenous).index(names[-1]) for names in parents]
    marginals = [model.law.sum(axis=tuple({*range(model.law.ndim)} - {axis})) for axis in own]
    values = dict(zip(nodes, v, strict=True))

    def probability(what: tuple[Any, Any]) -> Any:
        first, second = what  # a node and its exogenous value; or the tuple of all, and where it runs
        return model.law[first] if isinstance(first, tuple) else marginals[first][second]

    return {
        "Sum": binder(operator.add, sp.Integer(0)),
        "Product": binder(operator.mul, sp.Integer(1)),
        "delta": lifted(delta),
        "v": lifted(lambda i: v[i - 1]),
        "pa": lifted(lambda i: tuple(values[name] for name in parents[i - 1][:-1])),
        "u": lambda i: lifted(lambda i, u: (i - 1, u[own[i - 1]]))(i, index("u")),
        "f": lifted(lambda i, pa, u: int(structure.tables[nodes[i - 1]][(*pa, u[1])])),
        "P": lifted(probability),
        "u_all": (index("u"), list(np.ndindex(structure.shape))),
        "i": index("i"),
        "n": len(nodes),
    }


def essential_arrows(structure: StructuralModel) -> set[tuple[str, str]]:
    """The arrows between endogenous variables on which a function really depends, by its table.

    >>> from qlib.models import Mechanism
    >>> f = Mechanism(("X", "Y", "U"), [[[0, 1], [0, 1]], [[1, 1], [1, 1]]])  # of X and U alone
    >>> fair = {name: Mechanism(("U",), [0, 1]) for name in "XY"}
    >>> essential_arrows(StructuralModel({"U": (0, 1)}, {**fair, "Z": f}))
    {('X', 'Z')}
    """
    return {
        (parent, node)
        for node, mechanism in structure.mechanisms.items()
        for axis, parent in enumerate(mechanism.parents)
        if parent in structure.mechanisms and np.ptp(structure.tables[node], axis=axis).any()
    }


def size_names(table: ArrayLike, values: int, ancilla: int, sink: int) -> dict[str, Any]:
    """The names of Eq. (78) for a function, its table with the axes U and Pa: ``card`` of a set, ``preimage(f, v)``.

    values, ancilla, sink : |V|, |T'| and |S'|.
    """
    f = np.asarray(table)
    card = {"T": ancilla, "U": f.shape[0], "Pa": f.shape[1], "V": values, "S": sink}
    return {
        **{name: name for name in card},
        "card": lifted(lambda of: card[of] if isinstance(of, str) else len(of)),
        "f": f,
        "v": index("v"),
        "preimage": lifted(lambda f, v: tuple(np.flatnonzero(np.asarray(f) == v).tolist())),
        "Max": lambda body, v: binder(sp.Max, sp.Integer(0))(body, (v, range(values))),
    }


# --- copies: Eqs. (80) to (86) ----------------------------------------------------------------------------------------


def cnot(target: str, control: str) -> SystemOperator:
    """The gate that flips the target if the control is 1.

    >>> (cnot("t", "c") * operator_on(("t", "c"), np.diag([0, 1, 0, 0])) * cnot("t", "c")).on("t", "c").diagonal()
    array([0, 0, 0, 1])
    """
    return operator_on((target, control), [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])


def permutation(size: int, rule: Callable[..., Iterable[int]]) -> Array:
    """The permutation matrix of a rule from so many bits to as many, the first bit slowest.

    >>> permutation(2, lambda x, v: (x ^ v, v)).tolist() == cnot("x", "v").array.tolist()
    True
    """
    matrix = np.zeros((2,) * (2 * size), dtype=int)
    for bits in np.ndindex((2,) * size):
        matrix[(*rule(*bits), *bits)] = 1
    return matrix.reshape(2**size, 2**size)


def register(i: int, qubits: Mapping[int, int], children: Mapping[int, Sequence[int]]) -> list[str]:
    """The qubits at node i of Eq. (80): those of the copies, child by child, then those of the node.

    >>> register(1, {1: 2}, {1: (3,)})
    ['L31,1', 'L31,2', 'V1,1', 'V1,2']
    """
    copies = [f"L{j}{i},{k}" for j in children[i] for k in range(1, qubits[i] + 1)]
    return [*copies, *(f"V{i},{k}" for k in range(1, qubits[i] + 1))]


def copy_names(qubits: Mapping[int, int], children: Mapping[int, Sequence[int]]) -> dict[str, Any]:
    """The names of Eq. (80), for nodes of so many qubits with these children; see `register`. No other qubit exists."""
    existing = {qubit: qubit for i in qubits for qubit in register(i, qubits, children)}
    return OPERATORS | {
        "CNOT": lifted(cnot),
        "L": lifted(lambda j, i, k: existing[f"L{j}{i},{k}"]),
        "V": lifted(lambda i, k: existing[f"V{i},{k}"]),
        "N": lambda i: qubits[int(i)],
        "Ch": lambda i: children[int(i)],
        "card": len,
        "kron": sp.kronecker_product,
        "ket": lambda q: sp.Matrix([1 - q, q]),
        "one": sp.eye,
        "V_in": 2,
    }


def state_of_trace_one(*upper: Any) -> Array:
    """The Hermitian matrix of trace one with these entries on and above the diagonal, row by row, but for the last.

    >>> state_of_trace_one(sp.Rational(1, 3), sp.I)
    array([[1/3, I],
           [-I, 2/3]], dtype=object)
    """
    d = int(np.sqrt(2 * (len(upper) + 1)))
    rho = exact(np.zeros((d, d), dtype=int))
    for (row, column), entry in zip(zip(*np.triu_indices(d), strict=True), upper, strict=False):
        rho[row, column] = entry
        if row < column:
            rho[column, row] = sp.conjugate(entry)
    rho[-1, -1] = 1 - np.trace(rho)
    return rho


# --- the quantum extension: Eqs. (31), (32) and (87) to (90) ----------------------------------------------------------


def role(space: str, extension: QuantumStructuralModel) -> str:
    """Which of the paper's spaces a space of a quantum extension is, of those that a local isometry reads or writes.

    A node's name stands for what is written there; a node that is read is seen as ``node→user`` or `read_role`.

    >>> from qlib.models import firing_squad
    >>> from qlib.quantum import quantum_extension
    >>> squad = quantum_extension(firing_squad(0.5, 0.25))
    >>> [role(space, squad) for space in ("W", "C→A", "T'_A", "V'_A", "S''_A", "A")]
    ['U_i', "Pa''_i", "T'_i", "V'_i,in", "V'_i,in", "V''_i"]
    """
    kinds = {"T'": "T'_i", "Λ'": "Lambda'_i", "V'": "V'_i,in", "S'": "S'_i", "S''": "V'_i,in"}
    if space in extension.nodes:
        return "V''_i"
    if "→" in space:
        return "Pa''_i" if space.partition("→")[0] in extension.nodes else "U_i"
    return kinds.get(space.partition("_")[0], "U_i")


def read_role(space: str, extension: QuantumStructuralModel) -> str:
    """`role` of a space that is read: what leaves a node is a parent's copy."""
    return "Pa''_i" if space in extension.nodes else role(space, extension)


def parts_of(node: str, extension: QuantumStructuralModel) -> tuple[Any, Any]:
    """The bijection W̃ and the copying C of a node, as the parts of its quantum extension."""
    inner = f"V'_{node}"
    (bijection,) = (part for part in extension.parts if inner in part.writes)
    (copying,) = (part for part in extension.parts if inner in part.reads)
    return bijection, copying


def local_isometry(node: str, extension: QuantumStructuralModel) -> tuple[Array, dict[str, int], dict[str, int]]:
    """The matrix of W = C W̃ of a node of qubits, and the spaces with dimensions that it writes and that it reads.

    Spaces are in the order of the matrix. A node that is written is called ``X_in``, one that is read ``X_out``.
    """
    bijection, copying = parts_of(node, extension)
    W, C = (np.asarray(part.array).astype(int) for part in (bijection, copying))
    sink, blank = len(W) // 2, len(C) // 2
    matrix = np.kron(C, np.eye(sink, dtype=int)) @ np.kron(np.eye(blank, dtype=int), W)
    writes = {f"{node}_in": blank, copying.writes[1]: 2, bijection.writes[1]: sink}
    inputs = [f"{space}_out" if space in extension.nodes else space for space in bijection.reads]
    return matrix, writes, {copying.reads[0]: blank, **dict.fromkeys(inputs, 2)}


def cj_operator(matrix: ArrayLike, writes: Mapping[str, int], reads: Mapping[str, int]) -> SystemOperator:
    """The operator (14) of an isometry, on the spaces that it writes and those that it reads."""
    return operator_on({**writes, **reads}, process_cj(np.asarray(matrix)[None]))


def factorisation_names(extension: QuantumStructuralModel) -> dict[str, Any]:
    """The names of Eq. (32) for qubits; ``V(i)``, ``S(i)``, ``Pa(i)``, ``L(i)`` are tuples of spaces."""
    nodes = tuple(extension.nodes)
    local = {i: local_isometry(node, extension) for i, node in enumerate(nodes, 1)}

    def spaces(kind: str) -> Any:
        side = 1 if kind in "VS" else 2
        chosen = {"V": "_in", "Pa": "_out"}.get(kind, "")
        ends = ("_in", "_out")

        def of(i: int) -> tuple[str, ...]:
            return tuple(s for s in local[i][side] if (s.endswith(chosen) if chosen else not s.endswith(ends)))

        return lifted(of)

    def rho(i: int, V: Sequence[str], S: Sequence[str], Pa: Sequence[str], L: Sequence[str]) -> SystemOperator:
        matrix, writes, reads = local[i]
        return cj_operator(matrix, {s: writes[s] for s in (*V, *S)}, {s: reads[s] for s in (*L, *Pa)})

    kinds = {kind: spaces(kind) for kind in ("V", "S", "Pa", "L")}
    return OPERATORS | kinds | {"rho_i": lifted(rho), "n": len(nodes)}


def basis_projector(place: int, system: str, dimension: int = 2) -> SystemOperator:
    """[k] on a system: the projector on a state of its preferred basis."""
    return operator_on({system: dimension}, np.diag((np.arange(dimension) == place).astype(int)))


# --- Bayes' rule in the reversible extension: Eq. (33) ----------------------------------------------------------------


class Updates:
    """Probabilities of u, t' and an outcome a that they determine, as the names of Eq. (33).

    law : array P(u, t'). outcome : array of the same shape, the value of a. An *event* of a formula is a pair such as
    ("u", 2), ("t", 0) or ("a", 1), or a tuple of events.
    """

    def __init__(self, law: Array, outcome: Array) -> None:
        u, t = np.indices(law.shape)
        self.law, self.values = law, {"u": u, "t": t, "a": np.asarray(outcome)}

    def holds(self, event: tuple[Any, Any]) -> Array:
        """Where an event happens."""
        first, second = event
        if isinstance(first, str):
            return np.asarray(self.values[first] == second)
        return self.holds(first) & self.holds(second)

    def probability(self, *events: tuple[Any, Any]) -> Any:
        """The probability that all these events happen."""
        return sp.expand(np.where(np.all([self.holds(event) for event in events], axis=0), self.law, 0).sum())

    def conditional(self, event: tuple[Any, Any], given: tuple[Any, Any]) -> Any:
        """The conditional probability; given a cause of probability zero, the functions tell the outcome."""
        below = self.probability(given)
        if below != 0:
            return sp.cancel(self.probability(event, given) / below)
        inside = self.holds(event)[self.holds(given)]
        if inside.any() != inside.all():
            raise ValueError(f"given: {given} has probability zero and does not decide whether {event}")
        return sp.Integer(int(inside.all()))

    def names(self) -> dict[str, Any]:
        """The names of Eq. (33); u and a are the events that stand for them there."""
        values = [("t", t) for t in range(self.law.shape[1])]
        return {
            "Sum": sum_over(values),
            "t": index("t"),
            **{name: lifted(self.probability) for name in ("P", "P_z")},
            "Pc_z": lifted(self.conditional),
        }


def renamed(spaces: Iterable[str], names: Mapping[str, str]) -> set[str]:
    """A set of texts in which some have other names; every other stays as it is.

    >>> sorted(renamed(["T'_i", "Pa''_i"], {"T'_i": "U'_i"}))
    ["Pa''_i", "U'_i"]
    """
    return {names.get(space, space) for space in spaces}


# --- preparations and the whole: Eqs. (31) and (90) -------------------------------------------------------------------


def preparation_names(dimensions: Mapping[str, int], law: Sequence[Any]) -> dict[str, Any]:
    """The names of Eq. (90): ``proj(v, H)`` is the projector on v in every qubit of H, and t' is held at 0.

    dimensions : of the systems, 1 or a power of two. law : P(u) of the exogenous bit.
    """
    return OPERATORS | {
        **{name: name for name in dimensions},
        "proj": lambda v, system: basis_projector(int(v) * (dimensions[system] - 1), system, dimensions[system]),
        "one": lambda system: operator_on({system: dimensions[system]}, np.eye(dimensions[system], dtype=int)),
        "card": dimensions.get,
        **dict.fromkeys(("P", "P_b"), lambda u: law[int(u)]),
        "delta": delta,
        "t": 0,
        "t_0": 0,
    }


@dataclass(frozen=True)
class OperatorProduct:
    """A number times a product of operators of which only the trace is asked: no matrix on all systems is built.

    >>> Z = operator_on(("A",), np.diag([1, -1]))
    >>> (OperatorProduct((Z,), 3) * OperatorProduct((Z,))).trace()
    6
    """

    factors: tuple[SystemOperator, ...] = ()
    weight: Any = 1

    @property
    def systems(self) -> set[str]:
        """The systems that a factor acts on."""
        return {system for factor in self.factors for system in factor.systems}

    def __mul__(self, other: OperatorProduct) -> OperatorProduct:
        return OperatorProduct(self.factors + other.factors, self.weight * other.weight)

    def trace(self) -> Any:
        """The trace over all systems. On each the column of a factor is the row of the next one that acts there."""
        acting = {s: [k for k, factor in enumerate(self.factors) if s in factor.systems] for s in self.systems}
        follower = {
            (s, k): (s, after) for s, ks in acting.items() for k, after in zip(ks, ks[1:] + ks[:1], strict=True)
        }
        tensors = [
            operator_tensor(factor.array, [((s, k), follower[s, k], d) for s, d in factor.systems.items()])
            for k, factor in enumerate(self.factors)
        ]
        return sp.expand(self.weight * contract(tensors).item())


def exogenous_element(extension: QuantumStructuralModel, node: str, u: int) -> OperatorProduct:
    """The element of outcome u of the exogenous instrument (19) of a node: what U, T' and the blank copies prepare."""
    spaces = [space for space in local_isometry(node, extension)[2] if space in extension.preparations]
    found = OperatorProduct()
    for space in spaces:
        preparation, value = extension.preparations[space], u if space == f"U_{node}" else 0
        state = operator_on({space: preparation.d_out}, np.asarray(preparation.state(value).T).astype(int))
        found *= OperatorProduct((state,), preparation.weight(value))
    return found


def trace_names(
    rho_W: OperatorProduct, tau_V: Callable[..., Any], tau_tilde: Callable[..., Any], v: Sequence[int], u_all: Any
) -> dict[str, Any]:
    """The names of Eq. (31) at values v of the nodes.

    tau_V, tau_tilde : functions of a node's number and a value, the elements of instruments, each an `OperatorProduct`.
    u_all : what u runs over.
    """
    return {
        "Sum": binder(operator.add, sp.Integer(0)),
        "tr": lifted(OperatorProduct.trace),
        "kron": lifted(lambda *factors: reduce(operator.mul, factors)),
        "Kron": binder(operator.mul, OperatorProduct()),
        "rho_W": IndexedTerm(lambda _: rho_W, frozenset()),
        "tau_V": lifted(tau_V),
        "tau_tilde": lifted(tau_tilde),
        "v": lifted(lambda i: v[i - 1]),
        "u": lambda i: lifted(lambda i, u: u[i - 1])(i, index("u")),
        "u_all": (index("u"), list(u_all)),
        "i": index("i"),
        "n": len(v),
    }
