"""Noise as events: what they are, how probable, and that a noisy circuit has the law that Aer samples."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Kraus
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
    thermal_relaxation_error,
)

from qlib.circuits.circuit_models import from_circuit
from qlib.circuits.circuit_noise import GateNoise, Noise
from qlib.numbers.hypothesis_tests import acceptance_region


def aer_noise() -> NoiseModel:
    """One of each kind: Pauli, mixed with a reset, a Kraus map, asymmetric on two qubits, readouts, before readings."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["h"])
    model.add_quantum_error(thermal_relaxation_error(50, 40, 20), ["x"], [0])
    model.add_all_qubit_quantum_error(pauli_error([("XI", 0.1), ("ZY", 0.05), ("II", 0.85)]), ["cx"])
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.3), ["sx"])
    model.add_all_qubit_quantum_error(pauli_error([("X", 0.15), ("I", 0.85)]), ["measure", "reset"])
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.25, 0.75]]), [0])
    model.add_readout_error(ReadoutError([[0.95, 0.05], [0.05, 0.95]]), [1])
    return model


def noisy_circuit() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 4)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.sx(1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
        circuit.h(1)
    circuit.cx(1, 0)
    circuit.measure([0, 1], [1, 2])
    circuit.reset(1)
    circuit.measure(1, 3)
    return circuit


def test_a_noisy_dynamic_circuit_has_the_law_that_aer_samples() -> None:
    """An exact region of the 16 counts, wrong once in a million runs; the noise stands at its place and its qubits."""
    model, shots = from_circuit(noisy_circuit(), aer_noise()), 100_000
    law = np.array([model.probability({f"c{k}": v for k, v in enumerate(b)}) for b in product((0, 1), repeat=4)])
    simulator = AerSimulator(noise_model=aer_noise(), seed_simulator=77)
    counts = simulator.run(noisy_circuit(), shots=shots).result().get_counts()
    found = np.array([counts.get("".join(map(str, b[::-1])), 0) for b in product((0, 1), repeat=4)])
    low, high = acceptance_region(law, shots, 1e-6)
    assert law.sum() == pytest.approx(1)
    assert ((low <= found) & (found <= high)).all()


@pytest.mark.parametrize(
    ("error", "law"),
    [
        (depolarizing_error(0.04, 1), {"I": 0.97, "X": 0.01, "Y": 0.01, "Z": 0.01}),
        (Kraus(depolarizing_error(0.04, 1)), {"I": 0.97, "X": 0.01, "Y": 0.01, "Z": 0.01}),
        (
            pauli_error([("XZ", 0.25), ("II", 0.75)]),
            {"ZX": 0.25, "II": 0.75},
        ),  # Qiskit's last letter is the first qubit
        (amplitude_damping_error(0.3), {"kraus": 1.0}),
        (Kraus(amplitude_damping_error(0.3)), {"rest": 1.0}),
    ],
)
def test_a_channel_is_the_lottery_that_it_can_be_seen_as(error: Any, law: dict[str, float]) -> None:
    assert Noise.from_qiskit(error).probabilities == pytest.approx(law)


def test_what_failed_is_learnt_by_bayes_rule() -> None:
    """A flip before a misread bit: P(flip | 1) and P(wrong | 1), by hand."""
    circuit = QuantumCircuit(1, 1)
    circuit.id(0)
    circuit.measure(0, 0)
    noise = GateNoise({"id": {None: Noise.pauli({"I": 0.9, "X": 0.1})}}, {None: [[0.8, 0.2], [0.2, 0.8]]})
    learnt = from_circuit(circuit, noise).diagnosis({"c": 1})
    one = 0.1 * 0.8 + 0.9 * 0.2
    assert learnt["id(q)"]["X"] == pytest.approx(0.1 * 0.8 / one)
    assert learnt["reading of c"]["wrong"] == pytest.approx(0.9 * 0.2 / one)


def test_noise_of_a_labelled_gate_is_found_and_named_by_its_label_alone() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.append(CXGate(label="check"), [1, 0])
    circuit.cx(1, 0)
    circuit.measure(0, 0)
    flips = {"II": 0.9, "IX": 0.1}  # the gate's second qubit is the circuit's first
    model = from_circuit(circuit, GateNoise({"check": {None: Noise.pauli(flips)}}))
    assert model.events == {"check(q1,q0)": pytest.approx(flips)}
    assert model.probability({"c": 1}) == pytest.approx(0.1)


def test_an_event_that_happened_happened_in_the_other_world_too() -> None:
    """A flip that the first reading betrays is there whatever the first reading would have been done to."""
    circuit = QuantumCircuit(1, 2)
    circuit.id(0)
    circuit.measure(0, 0)
    circuit.measure(0, 1)
    noise = GateNoise({"id": {None: Noise.pauli({"I": 0.9, "X": 0.1})}})
    model = from_circuit(circuit, noise)
    assert model.probability({"c1": 1}, measure={"c0": None}) == pytest.approx(0.1)
    answer = model.counterfactual(given={"c0": 1}, then={"c1": 1}, measure={"c0": None})
    assert answer.probability == pytest.approx(1)


def test_two_circuits_and_a_selection_of_runs_give_the_same_answer() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.append(pauli_error([("I", 0.6), ("X", 0.4)]), [1])
    circuit.measure([0, 1], [0, 1])
    model = from_circuit(circuit)
    question: dict[str, Any] = {"given": {"c0": 0, "c1": 1}, "had": {"c0": 1}, "then": {"c1": 0}}
    found = model.sample(2000, np.random.default_rng(5), **question)
    assert model.counterfactual(**question).probability == pytest.approx(1)
    assert found.probability == 1  # the flip is known: not a matter of chance


def test_what_is_sampled_lies_in_the_region_of_the_exact_answer_and_not_in_that_of_another() -> None:
    """Noise of which the evidence leaves two events possible, with different answers: a region of two binomial laws."""
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.append(pauli_error([("I", 0.6), ("X", 0.4)]), [1])
    circuit.ry(0.7, 1)
    circuit.measure([0, 1], [0, 1])
    model = from_circuit(circuit)
    question: dict[str, Any] = {"given": {"c1": 1}, "had": {"c0": 1}, "then": {"c1": 0}}
    exact = model.counterfactual(**question)
    assert min(exact.terms, key=lambda t: t.posterior).posterior > 0.1
    assert abs(exact.terms[0].probability - exact.terms[1].probability) > 0.5
    found = model.sample(20_000, np.random.default_rng(7), **question)
    low, high = found.region_of(exact, alarm=1e-6)
    assert low <= found.probability <= high
    assert high - low < 0.12
    other = model.counterfactual(**{**question, "given": {"c1": 0}})
    low, high = found.region_of(other, alarm=1e-6)
    assert not low <= found.probability <= high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Noise.pauli({"I": 0.9, "X": 0.2}), r"probabilities: .* should be at least 0 and add up to 1"),
        (lambda: Noise.pauli({"I": 0.9, "W": 0.1}), "'W' should be a string of the letters I, X, Y, Z"),
        (
            lambda: Noise.pauli({"I" * 40: 1.0}),
            "should be a string of the letters I, X, Y, Z, one for each of 3 qubits",
        ),
        (lambda: Noise({"a": 1.0}, {"a": [[[1, 0], [0, 2]]]}), "'a': the sum of K†K should be the identity"),
        (lambda: GateNoise(readouts={None: [[0.9, 0.2], [0, 1]]}), "should add up to 1"),
    ],
)
def test_what_is_no_noise_is_refused_by_name(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_noise_on_the_wrong_number_of_qubits_and_what_is_no_noise_model_are_refused() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with pytest.raises(ValueError, match=r"noise at h\(q\): it acts on 2 qubits, and should on 1"):
        from_circuit(circuit, GateNoise({"h": {None: Noise.pauli({"II": 1.0})}}))
    with pytest.raises(TypeError, match=r"noise: 0\.1 should be a NoiseModel of Aer"):
        from_circuit(circuit, 0.1)


def test_what_aers_dictionary_leaves_out_is_in_the_tables_that_are_read() -> None:
    """On how many qubits an error acts whose events leave the last one alone, and relaxation in delays.

    Should `to_dict` tell one day, its public entries are to be read instead of Aer's own tables.
    """
    alone = pauli_error([("X", 0.1), ("I", 0.9)])
    beside = alone.expand(QuantumError([(QuantumCircuit(1), 1.0)]))
    one, two = NoiseModel(), NoiseModel()
    one.add_all_qubit_quantum_error(alone, ["check"])
    two.add_all_qubit_quantum_error(beside, ["check"])
    written, other = (dict(model.to_dict()["errors"][0], id="") for model in (one, two))
    assert written == other
    assert [GateNoise.from_aer(model).errors["check"][None].qubits for model in (one, two)] == [1, 2]

    delayed = NoiseModel.from_backend(GenericBackendV2(2, seed=1))
    assert all("delay" not in error["operations"] for error in delayed.to_dict()["errors"])
    with pytest.raises(ValueError, match="it has a pass of its own, such as relaxation in delays"):
        GateNoise.from_aer(delayed)
