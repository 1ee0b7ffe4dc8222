"""Causal separability of two-node processes: is there a causal order, or a mixture of the two, behind a process?

A process over A and B is causally separable if σ = σ^{A≺B} + σ^{B≺A}, where B's output does not matter in
the first and A's not in the second. Write X[σ] for "trace X out and replace it by 1/d". Whatever the split,

    σ^{A≺B} = B_out[σ] − A_out B_out[σ] + C,        σ^{B≺A} = A_out[σ] − C

for some operator C on A_in ⊗ B_in, as the first terms are the parts of σ that only one of the orders allows. So the
question is whether a Hermitian C makes both positive: a small semidefinite program. Its value is the *random
robustness*, the least weight r of white noise for which σ + r·1° is separable (1° is maximally mixed inputs, outputs
ignored); its dual is a *witness* S with Tr[S σ′] ≥ 0 for all separable σ′ and Tr[S σ] = −r. The program is solved by
Clarabel, and what it returns is checked without it (`is_witness`). Oreshkov, Costa & Brukner (2012); Araújo et al.
(2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import (
    Complexes,
    Floats,
    numbers,
    real_number,
    require,
    require_shape,
    several,
    whole,
    wholes,
)
from qlib.numbers.exact_arrays import Array, as_complex, conjugate, exact, is_exact, vanishes
from qlib.numbers.semidefinite_programs import solve_semidefinite, triangle
from qlib.quantum.channels import PAULI_X, PAULI_Z, kron, partial_trace, pure_state
from qlib.quantum.process_operators import ProcessOperator, QuantumNode, trace_and_replace

A_IN, A_OUT, B_IN, B_OUT = range(4)  # the places of the tensor factors
ACCURACY = 1e-6  # of certificates in floating-point arithmetic: a smaller robustness is none


@dataclass(frozen=True, eq=False)
class CausalSeparability:
    """What was found about a two-node process.

    robustness : the least weight of white noise that makes it separable; negative if it stays separable when some noise
    is taken away. first, second : the split of σ + r·1°, r the robustness or 0 if that is negative, into a part in
    which A comes first and one in which B does. witness : S with Tr[S σ] = −robustness, and Tr[S σ′] ≥ 0 for all
    separable processes σ′.
    bounds : positive operators, equal to S where a process of the order A ≺ B, or B ≺ A, can have a component.
    """

    robustness: float
    first: Array
    second: Array
    witness: Array
    bounds: tuple[Array, Array]

    @property
    def is_separable(self) -> bool:
        """Whether the process is a mixture of causally ordered ones, to the solver's accuracy."""
        return self.robustness <= ACCURACY


def causal_separability(process: ProcessOperator) -> CausalSeparability:
    """Decide by a semidefinite program whether a process over two nodes is causally separable, with a certificate.

    Raises ``ValueError`` for another number of nodes, ``ArithmeticError`` if the solver fails.

    >>> result = causal_separability(oreshkov_costa_brukner())
    >>> result.is_separable, round(result.robustness, 6)
    (False, 0.414214)
    """
    require(ProcessOperator, process=process)
    if len(process.endogenous) != 2:
        raise ValueError(f"causal separability is decided for two nodes; the process has {len(process.endogenous)}")
    W, dims = as_complex(process.array), process.dims
    only_first, only_second, common = _components(W, dims)
    basis = _hermitian_basis(dims)
    noise = np.eye(prod(dims)) / (dims[A_IN] * dims[B_IN])
    # The unknowns: the coefficients of C, then r. Both operators are constants plus their sum.
    one = [*basis, 0 * noise, only_first]
    other = [*(-element for element in basis), noise, only_second + common]
    x, duals = _least(*([_without(F, dims, place) for F in family] for family, place in ((one, B_OUT), (other, A_OUT))))
    bounds = _padded(duals[0], dims, B_OUT), _padded(duals[1], dims, A_OUT)
    robustness, C = float(x[-1]), np.tensordot(x[:-1], basis, axes=1)
    second = only_second + common - C + max(robustness, 0) * noise
    first = only_first + C
    if robustness < 0:  # a split of σ itself, with the surplus noise
        second = second + robustness * noise
        first, second = first - robustness * noise / 2, second - robustness * noise / 2
    result = CausalSeparability(robustness, first, second, _witness(bounds, dims), bounds)
    _require_certificate(result, W, dims)
    return result


def _require_certificate(result: CausalSeparability, W: Array, dims: tuple[int, ...]) -> None:
    """Raise ``ArithmeticError`` if what the solver returned does not prove the robustness, from both sides."""
    least = min(float(np.linalg.eigvalsh(part).min()) for part in (result.first, result.second))
    gap = abs(float(np.trace(result.witness @ W).real) + result.robustness)
    if least < -ACCURACY or gap > ACCURACY or not is_witness(result.witness, result.bounds, dims):
        raise ArithmeticError(f"the solver's certificate is off: least eigenvalue {least:.3g}, gap {gap:.3g}")


def oreshkov_costa_brukner() -> ProcessOperator:
    """The process over two qubit nodes that is in no causal order, nor in a mixture of orders; exact.

    σ = ¼ (1 + (Z_{A_out} Z_{B_in} + Z_{A_in} X_{B_in} Z_{B_out}) / √2); Oreshkov, Costa & Brukner (2012).
    """
    one, Z, X = exact(np.eye(2, dtype=int)), PAULI_Z, PAULI_X
    terms = kron(one, Z, Z, one) + kron(Z, one, X, Z)
    array = (kron(one, one, one, one) + terms / sp.sqrt(2)) / sp.Integer(4)
    return ProcessOperator([QuantumNode("A"), QuantumNode("B")], array)


def quantum_switch(target: ArrayLike) -> ProcessOperator:
    """A qubit that passes A and B in the order that a second qubit, the control, decides; over the nodes P, A, B and F.

    target : the ket of the first qubit. P sends the control: for |0⟩ A comes first, for |1⟩ B does, and if it is in
    between, so is the order. F, in everybody's future, receives the control and then the target. Exact for an exact
    ket. Chiribella, D'Ariano, Perinotti & Valiron (2013). Raises ``ValueError`` for what is no ket of a qubit.

    >>> quantum_switch([1, 0]).dims  # in and out of P, A, B and F
    (1, 2, 2, 2, 2, 2, 4, 1)
    """
    ket = numbers(target, "target", (2,))
    pure_state(ket)
    w = np.zeros((2,) * 7, dtype=ket.dtype)  # control, A in, A out, B in, B out, control, target
    if is_exact(ket):
        w = exact(w)
    for a, b, c in np.ndindex(2, 2, 2):
        w[0, a, b, b, c, 0, c] = ket[a]
        w[1, b, c, a, b, 1, c] = ket[a]
    flat = w.reshape(-1)
    nodes = [QuantumNode("P", 1, 2), QuantumNode("A"), QuantumNode("B"), QuantumNode("F", 4, 1)]
    return ProcessOperator(nodes, np.outer(flat, conjugate(flat)))


def order_component(array: ArrayLike, dims: tuple[int, ...], last: int) -> Array:
    """The component of an operator that a process can have in which the node with this place, 0 or 1, comes last.

    The orthogonal projection onto the operators with L_out[σ] = σ and L_in L_out[σ] = F_out L_in L_out[σ], F the first.
    """
    array, dims = _operator(array, "array", dims), _four(dims)
    whole(last, "last", 0, 1)
    L_in, L_out, F_out = (A_IN, A_OUT, B_OUT) if last == 0 else (B_IN, B_OUT, A_OUT)
    ignored = trace_and_replace(array, dims, L_out)
    late = trace_and_replace(ignored, dims, L_in)
    return np.asarray(ignored - late + trace_and_replace(late, dims, F_out))


def is_witness(
    witness: ArrayLike, bounds: tuple[ArrayLike, ArrayLike], dims: tuple[int, ...], tolerance: float = ACCURACY
) -> bool:
    """Whether S is non-negative on all causally separable processes, as two positive operators prove.

    A process of the order A ≺ B sees only the component of S that such a process can have. If a positive operator has
    the same component, Tr[S σ] is its trace with σ, which is not negative. No solver is asked.
    """
    real_number(tolerance, "tolerance", 0)
    witness, bounds = _operator(witness, "witness", dims), several(bounds, "bounds")
    require_shape(np.empty(len(bounds)), "bounds", (2,))
    for last, bound in zip((1, 0), (_operator(bound, "bounds", dims) for bound in bounds), strict=True):
        if not vanishes(order_component(witness - bound, dims, last), tolerance):
            return False
        if np.linalg.eigvalsh(as_complex(bound)).min() < -tolerance:
            return False
    return True


def _four(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The argument, if it is the dimensions of A's and B's input and output."""
    found = wholes(dims, "dims", 1)
    require_shape(np.empty(len(found)), "dims", (4,))
    return found


def _operator(array: ArrayLike, name: str, dims: tuple[int, ...]) -> Array:
    """The argument, if it is an operator on the four spaces."""
    size = prod(_four(dims))
    return numbers(array, name, (size, size))


def _components(W: Array, dims: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """What only the order A ≺ B, only B ≺ A, and both allow; their sum is the process."""
    without_b, without_a = (trace_and_replace(W, dims, place) for place in (B_OUT, A_OUT))
    common = trace_and_replace(without_b, dims, A_OUT)
    return without_b - common, without_a - common, common


def _hermitian_basis(dims: tuple[int, ...]) -> list[Array]:
    """A basis of the Hermitian operators on A_in ⊗ B_in, with the identity on the outputs."""
    a, b = dims[A_IN], dims[B_IN]
    elements = []
    for i, j in np.ndindex(a * b, a * b):
        E = np.zeros((a * b, a * b), complex)
        E[i, j] = E[j, i] = 1
        if i > j:
            E[i, j], E[j, i] = 1j, -1j
        four = np.einsum("abcd,xy,zw->axbzcydw", E.reshape(a, b, a, b), np.eye(dims[A_OUT]), np.eye(dims[B_OUT]))
        elements.append(four.reshape(prod(dims), prod(dims)))
    return elements


def _without(F: Array, dims: tuple[int, ...], place: int) -> Array:
    """An operator that is the identity on one factor, without that factor."""
    return np.asarray(partial_trace(F, dims, [k for k in range(len(dims)) if k != place]) / dims[place])


def _padded(T: Array, dims: tuple[int, ...], place: int) -> Array:
    """The operator with Tr[T F] = Tr[padded T · padded F] for the F of `_without`."""
    d, before, after = dims[place], prod(dims[:place]), prod(dims[place + 1 :])
    four = np.einsum("abcd,xy->axbcyd", T.reshape(before, after, before, after), np.eye(d) / d)
    return np.asarray(four.reshape(prod(dims), prod(dims)))


def _least(one: list[Array], other: list[Array]) -> tuple[Any, tuple[Array, Array]]:
    """The x of least last entry with Σ x F + F₀ positive for both families, F₀ their last, and the dual operators."""
    positive = []
    for family in (one, other):
        *F, constant = (triangle(_real(element)) for element in family)
        positive.append((np.stack(F, axis=1), constant))
    costs = np.zeros(len(one) - 1)
    costs[-1] = 1
    found = solve_semidefinite(costs, positive, almost=True)  # what comes back is verified
    return found.x, (_complex(found.duals[0]), _complex(found.duals[1]))


def _real(H: Array) -> Floats:
    """A Hermitian matrix as a real symmetric one of twice the size, positive exactly when it is."""
    return np.block([[H.real, -H.imag], [H.imag, H.real]])


def _complex(S: Floats) -> Complexes:
    """The Hermitian matrix H with Tr[S R] = Tr[H K] for each R that is the real form of K."""
    d = len(S) // 2
    return np.asarray(S[:d, :d] + S[d:, d:] + 1j * (S[d:, :d] - S[:d, d:]))


def _witness(bounds: tuple[Array, Array], dims: tuple[int, ...]) -> Array:
    """The operator that has, for each order, the component of its bound: the two agree on what both orders allow."""
    first, second = order_component(bounds[0], dims, 1), order_component(bounds[1], dims, 0)
    both = [trace_and_replace(trace_and_replace(S, dims, A_OUT), dims, B_OUT) for S in (first, second)]
    return np.asarray(first + second - (both[0] + both[1]) / 2)
