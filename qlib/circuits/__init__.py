"""Circuits: Qiskit's, made for the experiments of this book or from a quantum model, and the places where they run.

This room needs the extra ``[circuits]``; it is the only one that imports Qiskit. Qubit 0 is the first party's, and
classical bit k is axis k of every law and of every array of counts, whatever order Qiskit prints bits in.

`bell_circuit`, `schmidt_circuit` and `product_circuit` prepare, `measured` measures, `project_prepare` is surgery in
the middle of a circuit. `circuit_law` follows a circuit with density operators and gives its exact law. `backend` is a
place to run it: exact sampling, Aer with or without noise, or IonQ's simulators and machines, whose jobs are quoted,
confirmed, recorded and resumed. `process_circuit` turns a quantum structural model into a circuit.

`from_circuit` turns a circuit, or a file of OpenQASM, into a quantum structural model; `counterfactual` asks it in one
line what its bits would have said. Noise is `GateNoise` or a noise model of Aer, and what failed can be learnt about.

>>> import numpy as np
>>> law = circuit_law(measured(bell_circuit(), [0, 0]))
>>> law.round(12).tolist()
[[0.5, 0.0], [0.0, 0.5]]
>>> backend("exact").run([measured(bell_circuit(), [0, 0])], 100, np.random.default_rng(1))[0].sum()
np.int64(100)
"""

from importlib.util import find_spec

if missing := [name for name in ("qiskit", "qiskit_aer", "qiskit_ionq") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"qlib.circuits needs {', '.join(missing)}: pip install '.[circuits]'")

from qlib.circuits.backends import Aer, Backend, Exact, backend, labelled, noise_model
from qlib.circuits.circuit_models import CircuitModel, counterfactual, from_circuit, load_circuit
from qlib.circuits.circuit_noise import GateNoise, Noise
from qlib.circuits.circuits import (
    ErrorRates,
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
from qlib.circuits.ionq import DeclinedError, HardwareError, IonQ, Job, JobPendingError, Quote, ask, settle
from qlib.circuits.process_circuits import Estimate, ProcessCircuit, estimate, process_circuit

__all__ = [
    "Aer",
    "Backend",
    "CircuitModel",
    "DeclinedError",
    "ErrorRates",
    "Estimate",
    "Exact",
    "GateNoise",
    "HardwareError",
    "IonQ",
    "Job",
    "JobPendingError",
    "Noise",
    "ProcessCircuit",
    "Quote",
    "ask",
    "backend",
    "bell_circuit",
    "chsh_circuits",
    "circuit_law",
    "counterfactual",
    "estimate",
    "from_circuit",
    "labelled",
    "load_circuit",
    "measured",
    "native",
    "noise_model",
    "process_circuit",
    "product_circuit",
    "project_prepare",
    "project_prepare_kraus",
    "schmidt_circuit",
    "settle",
]
