"""What the symbols of Secs. 4 to 8 of Suresh, Frembs and Cavalcanti mean: processes, instruments, quantum queries.

Operators know which spaces they act on (`compendium.claims.operator_formulas`): node A has an input ``A_in`` and an
output ``A_out``. `ALGEBRA` has the names that mean the same in every formula; the functions make the others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from compendium.claims.bound_indices import IndexedTerm, binder, index, lifted
from compendium.claims.operator_formulas import SystemOperator, operator_on, scalar, tensor_product
from qlib.numbers import conjugate, exact
from qlib.numbers.arguments import Array
from qlib.quantum import Instrument, Part, ProcessOperator


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
        d = known.get(str(space), 2)
        return operator_on({str(space): d}, np.eye(d, dtype=int))

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
