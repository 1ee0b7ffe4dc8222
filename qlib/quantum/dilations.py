"""Structural models of Markov processes: every factor ρ_{A|Pa(A)} made unitary, so that the unitaries commute too.

Theorem 2 of Suresh, Frembs & Cavalcanti (2023), from (2) to (1). If several factors read the same outputs P, they
commute, and the dilations must keep what makes them do so. Take the square root: R = √ρ on A ⊗ P is a function of ρ and
commutes with all that ρ commutes with on P. Read as a map V from P to A ⊗ E ⊗ P, with E a copy of A,

    V = Σ |m⟩_A |n⟩_E ⊗ ⟨m| R |n⟩ᵀ,        V†V = (Tr_A ρ)ᵀ = 1,        Tr_{EP}[V · V†] = the channel,

it leaves P in place for the next factor. With W = V⟨0| on A ⊗ E ⊗ P, a partial isometry, the unitary

    U = [[W, 1 − WW†], [1 − W†W, −W†]]    on    qubit ⊗ A ⊗ E ⊗ P

dilates it: the exogenous node prepares |0⟩ on the qubit, on A and on E, and A goes to the node, all else to the sink.
As every entry of U, an operator on P, is made of those of ρ, the unitaries of different nodes commute on P. So each may
be thought to act first, and no exogenous node but its own influences a node: (20) and (22) hold.
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.linalg import null_space

from qlib.numbers.arguments import numbers, require, whole
from qlib.numbers.exact_arrays import Array, as_complex, conjugate, is_exact, simplified
from qlib.quantum.channels import largest
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_parts import Part, unitary
from qlib.quantum.processes import QuantumCausalModel, QuantumStructuralModel

BLANK = "blank"  # the only outcome of the exogenous nodes


def dilated(model: QuantumCausalModel) -> QuantumStructuralModel:
    """A structural model whose marginal (21) is a given Markov process; it is one of many.

    The exogenous node of A is called "Λ_A", has dimension 2 d_A² and one outcome, `BLANK`. Wires: "A+" is what the
    unitary of A sends to the sink, and "P<A" the output P after the unitary of A. An exact model stays exact.

    >>> from qlib.quantum.process_operators import QuantumNode
    >>> A = [QuantumNode("A", 2, 1)]
    >>> mixed = QuantumCausalModel(A, [Part(np.eye(2) / 2, (), ("A",))])
    >>> dilated(mixed).process_operator().array.real.round(9).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    require(QuantumCausalModel, model=model)
    wires: dict[str, int] = {}
    preparations: dict[str, Instrument] = {}
    parts, place = [], {name: name for name in model.nodes}  # node → the space where its output is now
    for part in sorted(model.parts, key=lambda part: [*model.nodes].index(part.writes[0])):
        (name,) = part.writes
        d, reads = model.nodes[name].d_in, [place[p] for p in part.reads]
        place |= {p: f"{p}<{name}" for p in part.reads}
        wires |= {place[p]: model.nodes[p].d_out for p in part.reads} | {f"{name}+": 2 * d}
        preparations[f"Λ_{name}"] = Instrument.do(_blank(2 * d * d, part), 1, BLANK)
        writes = [f"{name}+", name, *(place[p] for p in part.reads)]
        parts.append(unitary(dilation(part, d), [f"Λ_{name}", *reads], writes))
    owner = {space: space.removeprefix("Λ_") for space in preparations}
    return QuantumStructuralModel(model.endogenous, preparations, tuple(parts), wires, graph=model.graph, owner=owner)


def dilation(part: Part, d: int) -> Array:
    """The unitary U of the module, from Λ ⊗ P to (qubit ⊗ E) ⊗ A ⊗ P, for a channel to a space of dimension d."""
    require(Part, part=part)
    if part.operator.shape[-1] % whole(d, "d", 1):
        raise ValueError(f"d: {d} should divide the size of the part's operator, {part.operator.shape[-1]}")
    D = part.operator.shape[-1] // d
    root = square_root(part.operator).reshape(d, D, d, D)
    V = np.einsum("mpnq->nmqp", root).reshape(d * d * D, D)  # on E ⊗ A ⊗ P
    W = np.zeros((d * d * D, d * d * D), dtype=V.dtype)
    W[:, :D] = V
    adjoint, one = conjugate(W.T), np.eye(len(W), dtype=int)
    U = np.block([[W, one - W @ adjoint], [one - adjoint @ W, -adjoint]])
    return simplified(U) if is_exact(U) else U


def completed(isometry: ArrayLike) -> Array:
    """A unitary matrix that begins with the given orthonormal columns, in floating-point numbers.

    Raises ``ValueError`` if they are not orthonormal.

    >>> abs(completed([[0], [1j]])).round(9).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    V = as_complex(numbers(isometry, "isometry", (None, None)))
    if largest(V.conj().T @ V - np.eye(V.shape[1])) > 1e-9:
        raise ValueError("isometry: its columns should be orthonormal")
    return np.hstack([V, null_space(V.conj().T)])


def square_root(operator: Array) -> Array:
    """The positive square root of a positive operator, exact or not."""
    operator = numbers(operator, "operator", (..., "d", "d"))
    if is_exact(operator):
        root = (sp.Matrix(operator) ** sp.Rational(1, 2)).applyfunc(sp.simplify)
        return np.array(root.tolist(), dtype=object)
    values, vectors = np.linalg.eigh(operator)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.conj().T)


def _blank(dimension: int, part: Part) -> Array:
    state = np.zeros((dimension, dimension), dtype=object if is_exact(part.array) else int)
    state[0, 0] = sp.Integer(1) if is_exact(part.array) else 1
    return state
