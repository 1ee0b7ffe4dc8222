"""A counterfactual question about a ladder of gates, beside the plain simulation with all 2ⁿ amplitudes.

The first call of each is what is timed: reading the circuit, planning the contraction, contracting. The question is
about two neighbours in the middle, given a bit that was read at one of them. Plainly, it is answered by Qiskit's
`Statevector`: the probability of both bits over that of one. Both answers are compared each time.
"""

from time import perf_counter

import pytest
from gate_ladders import ladder
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qlib.circuits import counterfactual

LAYERS = 5


def by_the_network(circuit: QuantumCircuit) -> float:
    """Had the bit in the middle been 0, where it was 1, the probability that its neighbour would have been 1."""
    a, b = (f"c{circuit.num_qubits // 2 + k}" for k in (0, 1))
    return float(counterfactual(circuit, given={a: 1}, had={a: 0}, then={b: 1}).probability)


def by_all_amplitudes(circuit: QuantumCircuit) -> float:
    """The same: nothing is exogenous but what is certain, so that the evidence teaches nothing."""
    a = circuit.num_qubits // 2
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    law = state.probabilities([a, a + 1]).reshape(2, 2)  # of bits a + 1, a: Qiskit's first qubit is the fastest
    return float(law[1, 0] / law[:, 0].sum())


@pytest.mark.parametrize("n", [10, 15, 20])
def bench_network(benchmark, n):
    circuit = ladder(n, LAYERS, seed=n)
    found = benchmark.pedantic(by_the_network, (circuit,), rounds=3)
    assert abs(found - by_all_amplitudes(circuit)) < 1e-9


@pytest.mark.parametrize("n", [10, 15, 20])
def bench_all_amplitudes(benchmark, n):
    benchmark.pedantic(by_all_amplitudes, (ladder(n, LAYERS, seed=n),), rounds=3)


def bench_thirty_qubits_and_two_hundred_gates_take_less_than_a_second(benchmark):
    """What the how-to page says; all amplitudes would take 16 GB."""
    circuit = ladder(30, LAYERS, seed=30)
    assert sum(circuit.count_ops()[name] for name in ("u", "cx")) > 200
    start = perf_counter()
    by_the_network(circuit)
    assert perf_counter() - start < 1
    benchmark.pedantic(by_the_network, (circuit,), rounds=3)
