"""Quantum structural models as Qiskit circuits that sample what `qlib.quantum.processes` computes.

Every space is a register of qubits, each part a unitary gate. At a node its instrument happens in the midst of the
circuit: a measurement in a basis, with what is prepared afterwards fed forward; a reset and a preparation, for a
do-instrument; and for any other instrument its dilation: a unitary on the node's qubits and fresh ones, some of which
are measured. The exogenous λ are sampled in the same way: a preparation is an instrument of which nothing comes in, its
dilation a state of a coin and the prepared qubits, and the measured coin is λ with probability P(λ). Qubits that are
no longer needed are reset and used again.

So one run of the circuit gives λ and the outcome of every node. Counterfactuals are estimated from the runs of two
circuits, of the actual and of the counterfactual instruments, by post-selection: `estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qlib.circuits.backends import Aer, Backend
from qlib.circuits.circuits import circuit_law
from qlib.numbers.arguments import numbers, real_number, reals, require, show, whole
from qlib.numbers.exact_arrays import Array, has_free_symbols
from qlib.numbers.hypothesis_tests import acceptance_region
from qlib.quantum.channels import partial_trace
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE, Answer, CounterfactualQuery
from qlib.quantum.dilations import completed
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import Part, QuantumStructuralModel, node_operators, unmeasured

if TYPE_CHECKING:
    from qiskit import ClassicalRegister, QuantumCircuit

Qubits = list[Any]
SIMULATOR = Aer()
MOST_SHOTS = 10**6  # runs of one circuit
ALIKE = 1e-9  # two unitaries or states that differ by less are the same: their entries are of order one


@dataclass(frozen=True, eq=False)
class ProcessCircuit:
    """A circuit, and what its classical bits say: `outcomes`, exogenous variable or node → its values, in code order.

    A variable of m values has ⌈log₂ m⌉ bits, the least significant first, in a register of its name; one value, none.
    """

    circuit: QuantumCircuit
    outcomes: Mapping[str, tuple[Outcome, ...]]

    def tally(self, bits: Array) -> Array:
        """An array over classical bits, shape (2,)·bits, as one over the values of each variable, in their order."""
        table = numbers(bits, "bits", (2,) * self.circuit.num_clbits)
        sizes = [len(values) for values in self.outcomes.values()]
        order = [k for first, width in self._places() for k in reversed(range(first, first + width))]
        padded = table.transpose(order).reshape([2 ** _width(size) for size in sizes])
        return np.asarray(padded[tuple(slice(size) for size in sizes)])

    def law(self) -> Array:
        """The joint law of all variables, by following the circuit; see `qlib.circuits.circuits.circuit_law`."""
        return self.tally(circuit_law(self.circuit))

    def sample(self, shots: int, rng: np.random.Generator, backend: Backend = SIMULATOR) -> NDArray[np.int64]:
        """How often the variables had which values in so many runs, one axis for each of `outcomes`."""
        _require_runs(shots, rng, backend)
        return self.tally(backend.run([self.circuit], shots, rng)[0])

    def _places(self) -> list[tuple[int, int]]:
        """The first classical bit of each variable, and how many it has."""
        registers = {register.name: register for register in self.circuit.cregs}
        return [
            (self.circuit.find_bit(registers[name][0]).index if name in registers else 0, _width(len(values)))
            for name, values in self.outcomes.items()
        ]


def process_circuit(model: QuantumStructuralModel, instruments: Mapping[str, Instrument]) -> ProcessCircuit:
    """The circuit of a structural model with an instrument at every node; exogenous variables first, then nodes.

    Raises ``ValueError`` naming what cannot be exported: a space whose dimension is no power of two, an entry with a
    free symbol, a batch, correlated exogenous variables, or parts that no circuit has in this order; and what
    `node_operators` refuses.

    >>> from qlib.quantum.processes import QuantumNode, unitary
    >>> coin = Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, {0: [[1, 0], [0, 0]], 1: [[0, 0], [0, 1]]})
    >>> model = QuantumStructuralModel([QuantumNode("A")], {"Λ": coin}, [unitary(np.eye(2), ["Λ"], ["A"])])
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> process_circuit(model, {"A": Z}).law().round(12).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    require(QuantumStructuralModel, model=model)
    require(Mapping, instruments=instruments)
    node_operators(model, instruments, {})
    nodes = model.nodes
    idle = {name: unmeasured(name, nodes[name].d_in, nodes[name].d_out) for name in nodes if name not in instruments}
    instruments = {**instruments, **idle}
    _require_exportable(model, instruments)
    builder = _Builder(model, instruments)
    return ProcessCircuit(builder.build(), builder.outcomes)


def _require_runs(shots: int, rng: np.random.Generator, backend: Backend) -> None:
    whole(shots, "shots", 1, MOST_SHOTS)
    require(np.random.Generator, rng=rng)
    if not hasattr(backend, "run"):
        raise TypeError(f"backend: {show(backend)} should have a method `run`, as those of `qlib.circuits.backends`")


def _width(values: int) -> int:
    """How many bits tell so many values apart."""
    return (values - 1).bit_length()


# ── building ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Builder:
    """A circuit in the making: where each space is, and which qubits are free."""

    model: QuantumStructuralModel
    instruments: Mapping[str, Instrument]
    held: dict[str, Qubits] = field(default_factory=dict)
    free: Qubits = field(default_factory=list)

    def __post_init__(self) -> None:
        from qiskit import ClassicalRegister, QuantumCircuit

        acted = {name: self.instruments[name] for name in self.model.nodes}
        self.outcomes = {n: i.outcomes for n, i in (*self.model.preparations.items(), *acted.items())}
        widths = {name: _width(len(values)) for name, values in self.outcomes.items()}
        self.registers = {name: ClassicalRegister(width, name) for name, width in widths.items() if width}
        self.circuit = QuantumCircuit(*self.registers.values())

    def build(self) -> QuantumCircuit:
        """Each part as soon as all that it reads is there; preparations just before, instruments just after."""
        read = {space for part in self.model.parts for space in part.reads}
        written = {space for part in self.model.parts for space in part.writes}
        for name in self.model.preparations:
            if name not in read:
                self._release(self._prepare(name))
        for name in self.model.nodes:
            if name not in written:
                self._act(name, [], read)
        waiting = list(self.model.parts)
        while waiting:
            part = self._ready(waiting)
            waiting.remove(part)
            qubits = [qubit for space in part.reads for qubit in self._read(space)]
            self._gate(part.array, qubits)
            for space in part.writes:
                width = _width(self.model.dims[space][0])
                here, qubits = qubits[:width], qubits[width:]
                if space in self.model.nodes:
                    self._act(space, here, read)
                else:
                    self._hold(space, here, read)
        return self.circuit

    def _read(self, space: str) -> Qubits:
        return self.held.pop(space) if space in self.held else self._prepare(space)

    def _ready(self, waiting: list[Part]) -> Part:
        there = {*self.held, *self.model.preparations}
        for part in waiting:
            if there.issuperset(part.reads):
                return part
        part = waiting[0]
        space = next(space for space in part.reads if space not in there)
        raise ValueError(
            f"{part}: no circuit has it in this order, as {space} is written by it or after it; "
            "give the unitary as several parts, each before what it leads to"
        )

    def _prepare(self, name: str) -> Qubits:
        """An exogenous variable: its instrument, of which nothing comes in, is a coin and what it prepares."""
        preparation = self.model.preparations[name]
        dims = (preparation.d_out, preparation.d_in)
        states = {a: partial_trace(preparation.normalised(a), dims, (0,)) for a in preparation.outcomes}
        return self._instrument(name, Instrument(states, 1, preparation.d_out, name), [])

    def _act(self, name: str, qubits: Qubits, read: set[str]) -> None:
        self._hold(name, self._instrument(name, self.instruments[name], qubits), read)

    def _hold(self, space: str, qubits: Qubits, read: set[str]) -> None:
        if space in read:
            self.held[space] = qubits
        else:
            self._release(qubits)

    def _instrument(self, name: str, instrument: Instrument, qubits: Qubits) -> Qubits:
        """An instrument on the qubits of its input; returns those of its output."""
        kets = _prepared(instrument)
        basis = None if kets is None else _basis(instrument)
        if kets is not None and len(kets) == 1 and instrument.is_discard_and_prepare:
            self._release(qubits)
            out = self._take(_width(instrument.d_out))
            self._gate(completed(kets[0][:, None]), out)
            return out
        if kets is not None and basis is not None:
            return self._measure_and_prepare(self.registers.get(name), basis, kets, qubits)
        return self._dilate(self.registers.get(name), instrument, qubits)

    def _measure_and_prepare(
        self, register: ClassicalRegister | None, basis: Array, kets: Array, qubits: Qubits
    ) -> Qubits:
        """Measure in a basis (its columns); then, for outcome k, prepare ket k: by a gate if all are orthogonal."""
        self._gate(basis.conj().T, qubits)
        if register is not None:
            self.circuit.measure(list(reversed(qubits)), register)
        if kets.shape[0] == kets.shape[1] and np.abs(kets @ kets.conj().T - np.eye(len(kets))).max() < ALIKE:
            self._gate(kets.T, qubits)
            return qubits
        self._release(qubits)
        out = self._take(_width(kets.shape[1]))
        for k, ket in enumerate(kets if out else ()):
            with self.circuit.if_test((register, k)):
                self._gate(completed(ket[:, None]), out)
        return out

    def _dilate(self, register: ClassicalRegister | None, instrument: Instrument, qubits: Qubits) -> Qubits:
        """The isometry Σ |a⟩ |k⟩ K_{a,k} with an ancilla for the outcome a, measured, and one for k, thrown away."""
        kraus = [instrument.kraus(outcome) for outcome in instrument.outcomes]
        outcome, other, d_out = _width(len(kraus)), _width(max(map(len, kraus))), instrument.d_out
        isometry = np.zeros((2**outcome, 2**other, d_out, instrument.d_in), dtype=np.complex128)
        for a, operators in enumerate(kraus):
            isometry[a, : len(operators)] = operators
        all_qubits = [*self._take(outcome + other + _width(d_out) - len(qubits)), *qubits]
        self._gate(completed(isometry.reshape(-1, instrument.d_in)), all_qubits)
        if register is not None:
            self.circuit.measure(list(reversed(all_qubits[:outcome])), register)
        self._release(all_qubits[: outcome + other])
        return all_qubits[outcome + other :]

    def _gate(self, matrix: Array, qubits: Qubits) -> None:
        """A unitary whose first tensor factor is the first qubit; Qiskit's is the last."""
        from qiskit.circuit.library import UnitaryGate

        matrix = np.asarray(matrix).astype(np.complex128)
        if qubits and np.abs(matrix - np.eye(len(matrix))).max() > ALIKE:
            self.circuit.append(UnitaryGate(matrix), list(reversed(qubits)))

    def _take(self, count: int) -> Qubits:
        """Qubits in the state |0⟩: those that are free, reset, and new ones."""
        from qiskit.circuit import Qubit

        taken = [self.free.pop() for _ in range(min(count, len(self.free)))]
        for qubit in taken:
            self.circuit.reset(qubit)
        new = [Qubit() for _ in range(count - len(taken))]
        self.circuit.add_bits(new)
        return [*taken, *new]

    def _release(self, qubits: Qubits) -> None:
        self.free += reversed(qubits)


def _prepared(instrument: Instrument) -> Array | None:
    """The pure state ψ that each outcome prepares whatever came in, as rows; None if there are none such."""
    kets = []
    for outcome in instrument.outcomes:
        if (factors := instrument.factors(outcome)) is None:
            return None
        values, vectors = np.linalg.eigh(factors[0].T.astype(np.complex128))
        if abs(values[-1] - 1) > ALIKE:
            return None
        kets.append(vectors[:, -1])
    return np.array(kets)


def _basis(instrument: Instrument) -> Array | None:
    """The orthonormal basis, as columns in the order of the outcomes, in which an instrument measures; or None."""
    columns = []
    for outcome in instrument.outcomes:
        factors = instrument.factors(outcome)
        values, vectors = np.linalg.eigh(np.zeros((1, 1)) if factors is None else factors[1].astype(np.complex128))
        if abs(values[-1] - 1) > ALIKE or abs(values[:-1]).sum() > ALIKE:
            return None
        columns.append(vectors[:, -1])
    return np.array(columns).T if len(columns) == instrument.d_in else None


def _require_exportable(model: QuantumStructuralModel, instruments: Mapping[str, Instrument]) -> None:
    for space, dimensions in model.dims.items():
        for d in dimensions if space not in model.preparations else dimensions[1:]:
            if d != 2 ** _width(d):
                raise ValueError(f"space {space}: its dimension is {d}, and only powers of two are registers of qubits")
    if any(len(tensor.legs) != 1 for tensor in model.prior()):
        raise ValueError("the exogenous variables are correlated; only independent ones are prepared one by one")
    arrays = {str(part): [part.array] for part in model.parts}
    for name, instrument in (*model.preparations.items(), *instruments.items()):
        arrays[f"the instrument at {name}"] = list(instrument.operators.values())
    for name, operators in arrays.items():
        if any(map(has_free_symbols, operators)):
            raise ValueError(f"{name}: it has free symbols; give them values")
        if any(operator.ndim > 2 for operator in operators):
            raise ValueError(f"{name}: it is a batch; a circuit is made for one element of it")


# ── counterfactuals by post-selection ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Estimate:
    """A counterfactual probability estimated from runs; arrays have one axis for each exogenous variable.

    evidence : runs of the actual circuit with the evidence, by λ. antecedent, joint : runs of the counterfactual
    circuit with the antecedent, and with the consequent too, by λ.
    """

    evidence: NDArray[np.int64]
    antecedent: NDArray[np.int64]
    joint: NDArray[np.int64]

    @property
    def probability(self) -> float:
        """The average (29) with relative frequencies in the place of (27) and (26)."""
        weights = self.evidence / self.evidence.sum()
        return float(np.sum(weights * self.joint / np.maximum(self.antecedent, 1)))

    def region(self, posterior: Array, conditional: Array, alarm: float) -> tuple[float, float]:
        """Least and largest estimate to be accepted if P_z(λ | a) and P^λ(c' | b') are these.

        The law of the runs is multinomial, given how many had the evidence, and binomial for each λ, given how many
        had the antecedent. alarm : the probability of an estimate outside, at most; see `acceptance_region`.
        """
        posterior = reals(posterior, "posterior", self.evidence.shape)
        conditional = reals(conditional, "conditional", self.evidence.shape)
        real_number(alarm, "alarm", 0, 1)
        total, size = int(self.evidence.sum()), self.evidence.size
        low, high = acceptance_region(np.clip(posterior, 0, 1), total, alarm / 2)
        bounds = np.zeros((2, *self.evidence.shape))
        for index in np.ndindex(self.evidence.shape):
            runs = int(self.antecedent[index])
            if runs:
                p = np.clip(conditional[index], 0, 1)
                bounds[(slice(None), *index)] = np.array(acceptance_region([p], runs, alarm / 2 / size))[:, 0] / runs
        least = -_largest_mean(low / total, high / total, -bounds[0])
        return least, _largest_mean(low / total, high / total, bounds[1])

    def region_of(self, answer: Any, alarm: float) -> tuple[float, float]:
        """Least and largest estimate to be accepted if an exact `Answer` is right; see `region`.

        >>> from qlib.circuits import bell_circuit, from_circuit, measured
        >>> bell = from_circuit(measured(bell_circuit(), [0, 0]))
        >>> found = bell.sample(100, np.random.default_rng(1), then={"m0": 0})
        >>> found.region_of(bell.counterfactual(then={"m0": 0}), alarm=0.01)
        (0.36, 0.64)
        """
        require(Answer, answer=answer)
        values = [0.0 if term.probability is COUNTERPOSSIBLE else float(term.probability) for term in answer.terms]
        posterior, conditional = [float(term.posterior) for term in answer.terms], np.nan_to_num(values)
        shape = self.evidence.shape
        return self.region(np.reshape(posterior, shape), np.reshape(conditional, shape), alarm)


def _largest_mean(low: Array, high: Array, values: Array) -> float:
    """The largest mean of values over all laws between two bounds: as much weight as may be on the largest values."""
    weights, left = low.copy(), 1 - low.sum()
    for index in np.argsort(-values, axis=None):
        place = np.unravel_index(index, values.shape)
        more = min(left, high[place] - low[place])
        weights[place] += more
        left -= more
    return float(np.sum(weights * values))


def estimate(
    model: QuantumStructuralModel,
    query: CounterfactualQuery,
    shots: int,
    rng: np.random.Generator,
    backend: Backend = SIMULATOR,
) -> Estimate:
    """A query estimated from runs of two circuits, with the actual and with the counterfactual instruments.

    Abduction: the λ of the actual runs in which the evidence was found. Prediction: for each of them, how often the
    consequent was found among the counterfactual runs with that λ and the antecedent.
    Raises ``ValueError`` if the evidence was never found, or the antecedent not for some λ that the evidence allows:
    then it is impossible there, and the query has no answer, or there were too few runs.

    >>> from qlib.quantum.processes import QuantumNode, unitary
    >>> coin = Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, {0: [[1, 0], [0, 0]], 1: [[0, 0], [0, 1]]})
    >>> A, B = QuantumNode("A"), QuantumNode("B")
    >>> parts = [unitary(np.eye(2), ["Λ"], ["A"]), unitary(np.eye(2), ["A"], ["B"])]
    >>> model = QuantumStructuralModel([A, B], {"Λ": coin}, parts)
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> query = CounterfactualQuery({"A": 1}, {}, {"B": 1}, {"A": Z, "B": Z}, {"A": Instrument.idle(2)})
    >>> found = estimate(model, query, 200, np.random.default_rng(1))
    >>> found.probability, found.region([0, 1], [0, 1], alarm=0.01)
    (1.0, (1.0, 1.0))
    """
    _require_runs(shots, rng, backend)
    require(QuantumStructuralModel, model=model)
    require(CounterfactualQuery, query=query)
    actual, counterfactual = (process_circuit(model, z) for z in (query.actual, query.counterfactual))
    evidence = _select(actual, actual.sample(shots, rng, backend), query.evidence, model)
    runs = counterfactual.sample(shots, rng, backend)
    antecedent = _select(counterfactual, runs, query.antecedent, model)
    joint = _select(counterfactual, runs, {**query.antecedent, **query.consequent}, model)
    if not evidence.any():
        raise ValueError(f"the evidence {dict(query.evidence)} was found in none of {shots} runs")
    for index in np.argwhere((evidence > 0) & (antecedent == 0)):
        values = {name: domain[k] for (name, domain), k in zip(model.exogenous.items(), index, strict=True)}
        raise ValueError(
            f"the antecedent {dict(query.antecedent)} was found in none of the runs with {values}, which the evidence "
            f"allows: it is impossible there, or {shots} runs are too few"
        )
    return Estimate(evidence, antecedent, joint)


def _select(
    made: ProcessCircuit, table: NDArray[np.int64], outcomes: Mapping[str, Outcome], model: QuantumStructuralModel
) -> NDArray[np.int64]:
    """The runs with these outcomes, by λ."""
    places = [made.outcomes[name].index(outcomes[name]) if name in outcomes else slice(None) for name in made.outcomes]
    chosen = table[tuple(places)]
    return np.asarray(chosen.sum(axis=tuple(range(len(model.exogenous), chosen.ndim))))
