"""Backends: circuits in, counts out. One interface for exact laws, a simulator, a noisy simulator, and hardware.

============================  ========================================================================================
"exact", "exact-aria"         multinomial draws from the exact law (`qlib.circuits.circuit_law`): the default, and fast
"aer", "aer-aria"             Qiskit Aer, shot by shot
"ionq_simulator"              IonQ's simulator in the cloud
"ionq_qpu.aria-1", …          a machine: see `qlib.circuits.ionq`, which quotes and asks before it submits anything
============================  ========================================================================================

With "-aria" the circuit is compiled to native gates, and every gate and reading errs at the published rates
(`qlib.circuits.circuits.ARIA`). Counts are arrays of shape (2,)·bits, classical bit k on axis k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from qlib.circuits.circuits import ARIA, NOISELESS, Counts, ErrorRates, circuit_law, native
from qlib.circuits.ionq import IonQ

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

GATES = ("gpi", "gpi2", "ms")


class Backend(Protocol):
    """Something that runs circuits."""

    def run(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Counts]:
        """The counts of each circuit, so many shots of each."""


@dataclass(frozen=True)
class Exact:
    """Multinomial draws from the exact law; with rates that are not zero, the law of the compiled, noisy circuit.

    >>> from qlib.circuits.circuits import bell_circuit, measured
    >>> Exact().run([measured(bell_circuit(), [0, 0])], 100, np.random.default_rng(1))
    [array([[45,  0],
           [ 0, 55]])]
    """

    rates: ErrorRates = NOISELESS

    def run(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Counts]:
        """The counts of each circuit; raises ``ValueError`` for fewer than one shot."""
        _require_shots(shots)
        laws = [circuit_law(c if self.rates == NOISELESS else native(c), self.rates) for c in circuits]
        return [rng.multinomial(shots, law.ravel() / law.sum()).reshape(law.shape) for law in laws]


@dataclass(frozen=True)
class Aer:
    """Qiskit Aer, all circuits in one run; with rates that are not zero, of the compiled circuits with noise.

    >>> from qlib.circuits.circuits import bell_circuit, measured
    >>> Aer().run([measured(bell_circuit(), [0, 0])], 100, np.random.default_rng(1))[0].sum().item()
    100
    """

    rates: ErrorRates = NOISELESS

    def run(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Counts]:
        """The counts of each circuit, seeded from `rng`; raises ``ValueError`` for fewer than one shot."""
        from qiskit_aer import AerSimulator

        _require_shots(shots)
        noisy = self.rates != NOISELESS
        simulator = AerSimulator(noise_model=noise_model(self.rates)) if noisy else AerSimulator()
        programs = [labelled(native(circuit)) for circuit in circuits] if noisy else list(circuits)
        result = simulator.run(programs, shots=shots, seed_simulator=int(rng.integers(2**31))).result()
        if not result.success:
            raise RuntimeError(f"the simulator failed: {result.status}")
        return [_array(result.get_counts(k), circuit.num_clbits) for k, circuit in enumerate(circuits)]


def noise_model(rates: ErrorRates) -> Any:
    """Aer's noise model: depolarising noise after each native gate, symmetric misreading of each measurement.

    >>> sorted(noise_model(ARIA).noise_instructions)
    ['gpi', 'gpi2', 'measure', 'ms']
    """
    from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

    model = NoiseModel(basis_gates=["unitary"])
    for qubits, gates in ((1, GATES[:2]), (2, GATES[2:])):
        if p := rates.depolarising(qubits):
            model.add_all_qubit_quantum_error(depolarizing_error(p, qubits), list(gates))
    if wrong := rates.readout:
        model.add_all_qubit_readout_error(ReadoutError([[1 - wrong, wrong], [wrong, 1 - wrong]]))
    return model


def labelled(circuit: QuantumCircuit) -> QuantumCircuit:
    """A circuit of native gates with each as a unitary matrix that bears its name: Aer knows no GPI, but reads labels.

    >>> from qlib.circuits.circuits import bell_circuit
    >>> sorted({gate.operation.label for gate in labelled(native(bell_circuit()))})
    ['gpi', 'gpi2', 'ms']
    """
    from qiskit.circuit.library import UnitaryGate

    copy = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if operation.name in GATES:
            operation = UnitaryGate(operation.to_matrix(), label=operation.name)
        elif operation.name == "if_else":
            operation = operation.replace_blocks([labelled(block) for block in operation.blocks])
        copy.append(operation, instruction.qubits, instruction.clbits)
    return copy


def _array(counts: dict[str, int], bits: int) -> Counts:
    array = np.zeros((2,) * bits, dtype=np.int64)
    for outcome, n in counts.items():
        array[tuple(map(int, outcome.replace(" ", "")[::-1]))] += n
    return array


def _require_shots(shots: int) -> None:
    if shots < 1:
        raise ValueError(f"shots={shots}: should be at least 1")


def backend(name: str = "exact", **options: Any) -> Backend:
    """The backend of a name in the table above; options are those of `IonQ`, which needs folder and label.

    Raises ``ValueError`` for an unknown name, or options that a local backend does not have.

    >>> backend("aer-aria")
    Aer(rates=ErrorRates(one_qubit=0.0005, two_qubit=0.004, readout=0.0039))
    """
    if name == "ionq_simulator" or name.startswith("ionq_qpu"):
        return IonQ(name, **options)
    local: dict[str, Backend] = {"exact": Exact(), "exact-aria": Exact(ARIA), "aer": Aer(), "aer-aria": Aer(ARIA)}
    if name not in local:
        raise ValueError(f"backend {name!r}: should be {', '.join(local)}, ionq_simulator, or ionq_qpu.…")
    if options:
        raise ValueError(f"backend {name!r} takes no options, but was given {', '.join(options)}")
    return local[name]
