"""Quantum circuits of the experiments: preparation, measurement in the XZ plane, project–prepare surgery, exact laws.

Qubit 0 is A, qubit 1 is B; classical bit k is axis k of every law and every array of counts, whatever order Qiskit
prints them in. The measurement at an angle α is Ry(−2α) and then Z, so of cos 2α Z + sin 2α X; Kang (2025), Methods.

`circuit_law` follows a circuit with mid-circuit measurements, resets and feed-forward by density operators, one for
each record of the classical bits. It knows nothing of a simulator, and is what the backends are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.arguments import Complexes, Floats, one_of, real_number, reals, require, several, whole
from qlib.numbers.exact_arrays import Array, exact

CHSH_ANGLES = np.pi / 8 * np.array([[0, 2], [1, -1]])  # [qubit, setting]


if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Counts = NDArray[np.int64]
Surgery = Literal["measure and reset", "reset", "feed-forward"]
Branches = dict[tuple[int, ...], Complexes]


# ------------------------------------------------------------------------------------------------------------ circuits


def bell_circuit() -> QuantumCircuit:
    """Φ⁺ by a Hadamard gate and a CNOT.

    >>> circuit_law(measured(bell_circuit(), [0, 0])).round(12).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    circuit = _circuit("Bell")
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def schmidt_circuit(theta: float) -> QuantumCircuit:
    """cos θ |00⟩ + sin θ |11⟩ by Ry(2θ) and a CNOT. Kang (2025), Experiment 3.

    >>> circuit_law(measured(schmidt_circuit(0), [0, 0])).round(12).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    real_number(theta, "theta")
    circuit = _circuit(f"Schmidt {theta:.4f}")
    circuit.ry(2 * theta, 0)
    circuit.cx(0, 1)
    return circuit


def product_circuit(t: Sequence[float], f: Sequence[float]) -> QuantumCircuit:
    """A product state: Ry(t) and Rz(f) on either qubit. Kang (2025), Experiment 2, as coded.

    >>> circuit_law(measured(product_circuit([0, np.pi], [0, 0]), [0, 0])).round(12).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    turns, phases = reals(t, "t", (2,)), reals(f, "f", (2,))
    circuit = _circuit("product")
    for qubit in (0, 1):
        circuit.ry(turns[qubit], qubit)
        circuit.rz(phases[qubit], qubit)
    return circuit


def _circuit(name: str) -> QuantumCircuit:
    from qiskit import QuantumCircuit

    return QuantumCircuit(2, name=name)


def _require_circuit(circuit: QuantumCircuit) -> None:
    from qiskit import QuantumCircuit

    require(QuantumCircuit, circuit=circuit)


def measured(circuit: QuantumCircuit, angles: Sequence[float]) -> QuantumCircuit:
    """A copy in which each qubit is measured at its angle, into new classical bits, after those that there are.

    Raises ``ValueError`` if there is not one angle for each qubit.

    >>> measured(bell_circuit(), [0, np.pi / 8]).count_ops()["measure"]
    2
    """
    _require_circuit(circuit)
    angles = reals(several(angles, "angles"), "angles", ("n",)).tolist()
    from qiskit import ClassicalRegister

    if len(angles) != circuit.num_qubits:
        raise ValueError(f"{len(angles)} angles: there should be {circuit.num_qubits}, one for each qubit")
    copy = circuit.copy(f"{circuit.name} at {', '.join(f'{angle:.4f}' for angle in angles)}")
    outcomes = ClassicalRegister(len(angles), "m")
    copy.add_register(outcomes)
    for qubit, angle in enumerate(angles):
        if angle != 0:
            copy.ry(-2 * angle, qubit)
    copy.measure(range(len(angles)), outcomes)
    return copy


def chsh_circuits(preparation: QuantumCircuit, angles: ArrayLike = CHSH_ANGLES) -> list[QuantumCircuit]:
    """The four circuits of a CHSH test, for angles[qubit, setting]: settings (0, 0), (0, 1), (1, 0), (1, 1).

    >>> [circuit.name for circuit in chsh_circuits(bell_circuit())][1]
    'Bell at 0.0000, -0.3927'
    """
    a, b = reals(angles, "angles", (2, 2))
    return [measured(preparation, [a[s], b[t]]) for s, t in product((0, 1), repeat=2)]


def project_prepare(
    circuit: QuantumCircuit, value: int, qubit: int = 0, surgery: Surgery = "measure and reset"
) -> QuantumCircuit:
    """A copy with do(qubit = value) appended.

    "measure and reset" : measure it and forget the outcome, reset, X if the value is 1, as Kang (2025), Experiment 4,
    prescribes. "reset" : reset, X. "feed-forward" : measure, and apply X if the outcome is not the value (a dynamic
    circuit). All three are one channel, see `project_prepare_kraus`. The forgotten outcome occupies a classical bit.
    Raises ``ValueError`` for a value that is not 0 or 1, or an unknown surgery.

    >>> dict(project_prepare(bell_circuit(), 1).count_ops())
    {'h': 1, 'cx': 1, 'measure': 1, 'reset': 1, 'x': 1}
    """
    _require_circuit(circuit)
    whole(value, "value", 0, 1)
    whole(qubit, "qubit", 0, circuit.num_qubits - 1)
    one_of(surgery, "surgery", ("measure and reset", "reset", "feed-forward"))
    from qiskit import ClassicalRegister

    copy = circuit.copy(f"{circuit.name}, do({qubit} = {value})")
    if surgery != "reset":
        forgotten = ClassicalRegister(1, "forgotten")
        copy.add_register(forgotten)
        copy.measure(qubit, forgotten[0])
    if surgery == "feed-forward":
        with copy.if_test((forgotten[0], 1 - value)):
            copy.x(qubit)
        return copy
    copy.reset(qubit)
    if value:
        copy.x(qubit)
    return copy


def project_prepare_kraus(value: int, surgery: Surgery = "measure and reset") -> Array:
    """Kraus operators of the surgery on one qubit, exact, shape (k, 2, 2): the products of those of its stages.

    Stages: projections P₀, P₁; reset |0⟩⟨0|, |0⟩⟨1|; X to the power of the value. Feed-forward: P₀ and P₁, the one that
    does not fit followed by X. Operators that vanish are left out. Kang (2025), Methods, Experiment 4.
    Raises ``ValueError`` for a value that is not 0 or 1, or an unknown surgery.

    >>> project_prepare_kraus(1).tolist()
    [[[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    """
    whole(value, "value", 0, 1)
    one, flip = exact([[1, 0], [0, 1]]), exact([[0, 1], [1, 0]])
    projections = exact([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    reset, prepare = exact([[[1, 0], [0, 0]], [[0, 1], [0, 0]]]), [flip if value else one]
    corrections = [one if outcome == value else flip for outcome in (0, 1)]
    stages: Mapping[str, list[Array]] = {
        "measure and reset": [x @ r @ P for P, r, x in product(projections, reset, prepare)],
        "reset": [x @ r for r, x in product(reset, prepare)],
        "feed-forward": [x @ P for P, x in zip(projections, corrections, strict=True)],
    }
    one_of(surgery, "surgery", stages)
    return np.array([K for K in stages[surgery] if np.any(K != 0)], dtype=object)


# -------------------------------------------------------------------------------------------------------------- noise


@dataclass(frozen=True)
class ErrorRates:
    """Depolarising noise after every gate and symmetric misreading: what a vendor publishes of a machine.

    one_qubit, two_qubit : infidelity of a gate, averaged over pure states. readout : probability that a qubit's outcome
    is the wrong one, preparation included (SPAM).
    Raises ``ValueError`` for a rate outside [0, 1/2].
    """

    one_qubit: float = 0.0
    two_qubit: float = 0.0
    readout: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            real_number(rate, name, 0, 0.5)

    def depolarising(self, qubits: int) -> float:
        """The probability p of ρ → (1 − p) ρ + p 1/d that has the infidelity p (d − 1)/d of a gate on so many qubits.

        >>> round(ErrorRates(two_qubit=0.003).depolarising(2), 12)
        0.004
        """
        whole(qubits, "qubits", 1, 1000)
        d = 2.0**qubits
        return float((self.one_qubit if qubits == 1 else self.two_qubit) * d / (d - 1))


NOISELESS = ErrorRates()
# Average fidelities 99.95 % (one qubit), 99.6 % (two), SPAM 99.61 %: learn.microsoft.com/azure/quantum/provider-ionq.
ARIA = ErrorRates(one_qubit=0.0005, two_qubit=0.004, readout=0.0039)


# ---------------------------------------------------------------------------------------------------------- exact law


def circuit_law(circuit: QuantumCircuit, rates: ErrorRates = NOISELESS) -> Floats:
    """The law of a circuit's classical bits, shape (2,)·bits, bit k on axis k.

    The circuit may measure in its midst, reset, and make gates depend on one bit's or register's value (``if_test``).
    rates : noise after every gate (none after a reset) and at every measurement.
    Raises ``ValueError`` for an instruction that is none of these, naming it, or a noisy gate on more than two qubits.

    >>> circuit_law(measured(project_prepare(bell_circuit(), 1), [0, 0])).sum(axis=0).round(12).tolist()
    [[0.0, 0.0], [0.5, 0.5]]
    """
    _require_circuit(circuit)
    require(ErrorRates, rates=rates)
    n, bits = circuit.num_qubits, circuit.num_clbits
    start = np.zeros((2,) * (2 * n), dtype=np.complex128)
    start[(0,) * (2 * n)] = 1
    branches = _run(circuit, {(0,) * bits: start}, range(n), range(bits), rates)
    law = np.zeros((2,) * bits)
    for record, rho in branches.items():
        law[record] = np.trace(rho.reshape(2**n, 2**n)).real
    return law.clip(0, 1)  # of rounding


def _run(
    circuit: QuantumCircuit, branches: Branches, qubits: Sequence[int], bits: Sequence[int], rates: ErrorRates
) -> Branches:
    """The branches after a circuit whose qubits and bits are these of the whole."""
    for instruction in circuit.data:
        operation = instruction.operation
        at = [qubits[circuit.find_bit(q).index] for q in instruction.qubits]
        to = [bits[circuit.find_bit(c).index] for c in instruction.clbits]
        match operation.name:
            case "barrier" | "delay":
                continue
            case "measure":
                branches = _measure(branches, at[0], to[0], rates.readout)
            case "reset":
                branches = {record: _reset(rho, at[0]) for record, rho in branches.items()}
            case "if_else":
                branches = _branch(operation, branches, at, to, bits, circuit, rates)
            case _:
                gate = _matrix(operation)
                branches = {
                    record: _depolarised(_conjugated(rho, gate, at), at, rates) for record, rho in branches.items()
                }
    return branches


def _matrix(operation: Any) -> Complexes:
    try:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"instruction {operation.name!r}: should be a gate with numbers for parameters, measure, reset or if_else"
        ) from error


def _conjugated(rho: Complexes, gate: Complexes, at: Sequence[int]) -> Complexes:
    """U ρ U†. Qiskit's matrices have their first qubit as the fastest index."""
    k, n = len(at), rho.ndim // 2
    U = gate.reshape((2,) * (2 * k)).transpose(*range(k - 1, -1, -1), *range(2 * k - 1, k - 1, -1))
    for matrix, legs in ((U, list(at)), (U.conj(), [n + q for q in at])):
        rho = np.moveaxis(np.tensordot(matrix, rho, (range(k, 2 * k), legs)), range(k), legs)
    return rho


def _depolarised(rho: Complexes, at: Sequence[int], rates: ErrorRates) -> Complexes:
    if rates == NOISELESS:
        return rho
    if len(at) > 2:
        raise ValueError(f"a gate on {len(at)} qubits has no error rate; compile the circuit to gates on one or two")
    p, n = rates.depolarising(len(at)), rho.ndim // 2
    mixed = rho
    for q in at:
        reduced = np.trace(mixed, axis1=q, axis2=n + q)
        mixed = np.moveaxis(np.multiply.outer(np.eye(2) / 2, reduced), [0, 1], [q, n + q])
    return np.asarray((1 - p) * rho + p * mixed)


def _projected(rho: Complexes, qubit: int, outcome: int) -> Complexes:
    keep = np.arange(2) == outcome
    shape = [1] * rho.ndim
    shape[qubit] = 2
    row = keep.reshape(shape)
    shape[qubit], shape[rho.ndim // 2 + qubit] = 1, 2
    return np.asarray(rho * row * keep.reshape(shape))


def _measure(branches: Branches, qubit: int, bit: int, readout: float) -> Branches:
    after: Branches = {}
    for (record, rho), outcome, wrong in product(branches.items(), (0, 1), (0, 1) if readout else (0,)):
        read = (*record[:bit], outcome ^ wrong, *record[bit + 1 :])
        part = (readout if wrong else 1 - readout) * _projected(rho, qubit, outcome)
        after[read] = after[read] + part if read in after else part
    return {record: rho for record, rho in after.items() if np.any(rho)}


def _reset(rho: Complexes, qubit: int) -> Complexes:
    n = rho.ndim // 2
    ground = np.diag([1.0, 0.0])
    return np.moveaxis(
        np.multiply.outer(ground, np.trace(rho, axis1=qubit, axis2=n + qubit)), [0, 1], [qubit, n + qubit]
    )


def _branch(
    operation: Any,
    branches: Branches,
    at: Sequence[int],
    to: Sequence[int],
    bits: Sequence[int],
    circuit: QuantumCircuit,
    rates: ErrorRates,
) -> Branches:
    """The branches after an if_else, each by the body that its own record chooses."""
    if not isinstance(operation.condition, tuple):
        raise ValueError("instruction 'if_else': its condition should be that a bit or register has a value")
    subject, value = operation.condition
    asked = [bits[circuit.find_bit(bit).index] for bit in (subject if hasattr(subject, "__len__") else [subject])]
    then, otherwise = operation.params
    after: Branches = {}
    for record, rho in branches.items():
        body = then if sum(record[bit] << k for k, bit in enumerate(asked)) == value else otherwise
        result = {record: rho} if body is None else _run(body, {record: rho}, at, to, rates)
        for read, part in result.items():
            after[read] = after[read] + part if read in after else part
    return after


# ------------------------------------------------------------------------------------------------------- native gates


def native(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit in IonQ's native gates GPI, GPI2 and MS, compiled offline.

    Needs no account: the target is built here. Feed-forward stays as it is, its body compiled.

    >>> sorted(native(bell_circuit()).count_ops())
    ['gpi', 'gpi2', 'ms']
    """
    _require_circuit(circuit)
    from qiskit import transpile
    from qiskit.circuit import IfElseOp, Parameter
    from qiskit.circuit.library import Measure, Reset
    from qiskit.transpiler import Target
    from qiskit_ionq.ionq_equivalence_library import add_equivalences
    from qiskit_ionq.ionq_gates import GPI2Gate, GPIGate, MSGate

    add_equivalences()
    target = Target(num_qubits=circuit.num_qubits)
    for gate in (GPIGate(Parameter("φ")), GPI2Gate(Parameter("φ")), Measure(), Reset()):
        target.add_instruction(gate)
    target.add_instruction(MSGate(Parameter("φ0"), Parameter("φ1"), Parameter("θ")))
    target.add_instruction(IfElseOp, name="if_else")
    return transpile(circuit, target=target, optimization_level=1, seed_transpiler=1)
