"""Circuits against closed forms: the exact law of a circuit, surgery in three ways, noise, native gates."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import DensityMatrix, Operator, average_gate_fidelity

from compendium.studies.kang_experiments import (
    confounding_strength,
    law,
    product_table,
    schmidt_table,
)
from qlib.circuits.backends import noise_model
from qlib.circuits.circuits import (
    ARIA,
    CHSH_ANGLES,
    NOISELESS,
    ErrorRates,
    Surgery,
    bell_circuit,
    chsh_circuits,
    circuit_law,
    measured,
    native,
    product_circuit,
    project_prepare,
    project_prepare_kraus,
    schmidt_circuit,
)
from qlib.correlations.behaviours import correlators_of_behaviour
from qlib.numbers.exact_arrays import as_float, exact
from qlib.quantum.channels import partial_trace, process_cj

ANGLE = st.floats(-4, 4)
SURGERIES = get_args(Surgery)


@given(ANGLE, ANGLE, ANGLE)
@settings(max_examples=25)
def test_the_circuit_of_a_schmidt_state_has_the_law_of_its_table(theta: float, a: float, b: float) -> None:
    table = law(schmidt_table(theta), np.array([[a], [b]]))[0, 0]
    assert_allclose(circuit_law(measured(schmidt_circuit(theta), [a, b])), table, atol=1e-12)


@given(st.tuples(ANGLE, ANGLE), st.tuples(ANGLE, ANGLE), st.tuples(ANGLE, ANGLE))
@settings(max_examples=25)
def test_the_circuit_of_a_product_state_has_the_law_of_its_table(
    t: tuple[float, float], f: tuple[float, float], angles: tuple[float, float]
) -> None:
    table = law(product_table(t, f), np.array(angles)[:, None])[0, 0]
    assert_allclose(circuit_law(measured(product_circuit(t, f), angles)), table, atol=1e-12)


def test_the_four_circuits_of_a_bell_pair_attain_the_quantum_maximum() -> None:
    p = np.array([circuit_law(circuit) for circuit in chsh_circuits(bell_circuit())]).reshape(2, 2, 2, 2)
    assert_allclose(confounding_strength(correlators_of_behaviour(p)), np.sqrt(2))
    assert_allclose(p, law(schmidt_table(np.pi / 4), CHSH_ANGLES), atol=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_law_of_a_random_circuit_is_that_of_its_state_vector(seed: int) -> None:
    circuit = random_circuit(3, depth=4, max_operands=3, seed=seed % 2**31)
    amplitudes = Operator(circuit).data[:, 0].reshape(2, 2, 2).transpose(2, 1, 0)  # Qiskit's last qubit comes first
    order = list(map(int, np.random.default_rng(seed).permutation(3)))
    circuit.add_register(ClassicalRegister(3))
    circuit.measure(range(3), order)
    assert_allclose(circuit_law(circuit).transpose(order), abs(amplitudes) ** 2, atol=1e-12)


@pytest.mark.parametrize(("value", "surgery"), list(product((0, 1), SURGERIES)))
def test_surgery_in_a_circuit_is_its_channel_in_the_algebra(value: int, surgery: Surgery) -> None:
    theta, angles = 0.4, (0.3, -0.7)
    vector = np.array([np.cos(theta), 0, 0, np.sin(theta)])
    K = np.array([np.kron(k, np.eye(2)) for k in as_float(project_prepare_kraus(value, surgery))])
    rho = np.einsum("kij,jl,kml->im", K, np.outer(vector, vector), K)
    kets = [[[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] for a in angles]  # eigenvectors, outcome first
    expected = [[np.kron(u, v) @ rho @ np.kron(u, v) for v in kets[1]] for u in kets[0]]
    p = circuit_law(measured(project_prepare(schmidt_circuit(theta), value, surgery=surgery), angles))
    assert_allclose(p.reshape(-1, 2, 2).sum(axis=0), expected, atol=1e-12)


@pytest.mark.parametrize("value", [0, 1])
def test_the_three_surgeries_are_one_channel(value: int) -> None:
    """Stage one of the printed protocol, the measurement, changes nothing once the reset follows."""
    chois = [process_cj(project_prepare_kraus(value, surgery)) for surgery in SURGERIES]
    for choi in chois:
        assert (choi == chois[0]).all()
    assert (partial_trace(chois[0], (2, 2), keep=(1,)) == exact([[1, 0], [0, 1]])).all()  # trace preserving


@pytest.mark.parametrize("surgery", SURGERIES)
def test_surgery_on_a_leaves_the_marginal_of_b(surgery: Surgery) -> None:
    before = circuit_law(measured(schmidt_circuit(0.4), [0, 0.2])).sum(axis=0)
    for value in (0, 1):
        after = circuit_law(measured(project_prepare(schmidt_circuit(0.4), value, surgery=surgery), [0, 0.2]))
        assert_allclose(after.reshape(-1, 2, 2).sum(axis=0).sum(axis=0), before, atol=1e-12)


def test_feed_forward_reads_registers_and_the_other_branch() -> None:
    circuit = QuantumCircuit(3)
    bits, out = ClassicalRegister(2, "bits"), ClassicalRegister(1, "out")
    circuit.add_register(bits, out)
    circuit.x(1)
    circuit.h(0)
    circuit.measure([0, 1], bits)
    with circuit.if_test((bits, 2)) as otherwise:  # bit 1 set, bit 0 not
        circuit.x(2)
    with otherwise:
        circuit.reset(1)
    circuit.measure(2, out[0])
    p = circuit_law(circuit)
    assert_allclose([p[0, 1, 1], p[1, 1, 0], p.sum()], [0.5, 0.5, 1])


# ── noise ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(0, 0.3), st.integers(1, 2))
@settings(max_examples=20)
def test_depolarising_noise_has_the_infidelity_that_it_is_given(rate: float, qubits: int) -> None:
    from qiskit_aer.noise import depolarizing_error

    rates = ErrorRates(one_qubit=rate, two_qubit=rate)
    channel = depolarizing_error(rates.depolarising(qubits), qubits).to_quantumchannel()
    assert_allclose(1 - average_gate_fidelity(channel), rate, atol=1e-9)


def test_noise_of_a_circuit_is_that_of_qiskits_channels() -> None:
    from qiskit_aer.noise import depolarizing_error

    rates, circuit = ErrorRates(0.01, 0.03, 0.02), QuantumCircuit(2, 2)
    one, two = (depolarizing_error(rates.depolarising(k), k).to_quantumchannel() for k in (1, 2))
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.ry(0.4, 1)
    state = DensityMatrix.from_label("00")
    for gate, at, noise in ((circuit.data[0], [0], one), (circuit.data[1], [0, 1], two), (circuit.data[2], [1], one)):
        state = state.evolve(gate.operation, at).evolve(noise, at)
    misread = np.array([[0.98, 0.02], [0.02, 0.98]])
    p = np.kron(misread, misread) @ np.diag(state.data).real
    circuit.measure([0, 1], [0, 1])
    assert_allclose(circuit_law(circuit, rates), p.reshape(2, 2).T, atol=1e-12)


def test_published_rates_lower_the_strength_of_a_bell_pair_and_keep_it_above_the_classical_bound() -> None:
    p = np.array([circuit_law(native(circuit), ARIA) for circuit in chsh_circuits(bell_circuit())]).reshape(2, 2, 2, 2)
    assert 1.36 < confounding_strength(correlators_of_behaviour(p)) < 1.39


def test_without_rates_there_is_no_noise() -> None:
    assert noise_model(NOISELESS).is_ideal()


# ── native gates ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(ANGLE, ANGLE)
@settings(max_examples=15)
def test_compilation_to_native_gates_keeps_the_unitary(theta: float, angle: float) -> None:
    circuit = schmidt_circuit(theta)
    circuit.ry(angle, 1)
    compiled = native(circuit)
    assert set(compiled.count_ops()) <= {"gpi", "gpi2", "ms"}
    assert Operator(compiled).equiv(Operator(circuit))


def test_a_cnot_costs_one_entangling_gate() -> None:
    assert native(bell_circuit()).count_ops()["ms"] == 1


@pytest.mark.parametrize("surgery", SURGERIES)
def test_dynamic_circuits_compile_with_their_law(surgery: Surgery) -> None:
    circuit = measured(project_prepare(bell_circuit(), 1, surgery=surgery), [0.2, 0.1])
    assert_allclose(circuit_law(native(circuit)), circuit_law(circuit), atol=1e-9)


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def unbound() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    return circuit


def looping() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(2)):
        circuit.x(0)
    return circuit


def toffoli() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    return circuit


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measured(bell_circuit(), [0]), "1 angles: there should be 2"),
        (lambda: project_prepare(bell_circuit(), 2), "value: 2 should lie between 0 and 1"),
        (lambda: project_prepare(bell_circuit(), 0, surgery="cut"), "surgery: 'cut' should be one of"),  # type: ignore[arg-type]
        (lambda: project_prepare_kraus(-1), "value: -1 should lie between 0 and 1"),
        (lambda: project_prepare_kraus(1, "cut"), "surgery: 'cut' should be one of"),  # type: ignore[arg-type]
        (lambda: ErrorRates(two_qubit=0.7), r"two_qubit: 0\.7 should lie between 0 and 0\.5"),
        (lambda: circuit_law(unbound()), "instruction 'ry'"),
        (lambda: circuit_law(looping()), "instruction 'for_loop'"),
        (lambda: circuit_law(toffoli(), ARIA), "a gate on 3 qubits has no error rate"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
