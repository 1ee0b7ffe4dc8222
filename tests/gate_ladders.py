"""Circuits that are wide and shallow, for tests and benchmarks."""

import numpy as np
from qiskit import QuantumCircuit


def ladder(qubits: int, layers: int, seed: int) -> QuantumCircuit:
    """Random rotations, and CNOTs between neighbours, in so many layers; measured at the end."""
    rng, circuit = np.random.default_rng(seed), QuantumCircuit(qubits, qubits)
    for layer in range(layers):
        for k in range(qubits):
            circuit.u(*rng.uniform(0, 6, 3), k)
        for k in range(layer % 2, qubits - 1, 2):
            circuit.cx(k, k + 1)
    circuit.measure(range(qubits), range(qubits))
    return circuit
