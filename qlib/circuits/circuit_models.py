"""A dynamic circuit of Qiskit's as a quantum structural model, and counterfactual questions about it in one line.

Every measurement is a node, named after the classical bit that it writes, with its actual instrument: what it finds,
what it leaves of the qubit, and the bit, which later gates may read. Gates are unitary parts of the model; the initial
|0⟩ of each qubit and what a reset brings are exogenous; so is every event of noise, whose λ says what happened.
A gate under a condition is the unitary that acts when the bits say so. Nothing is multiplied out: gates stay tensors of
a few qubits, and a question costs what the circuit's width asks for, not what 2ⁿ amplitudes do.

=====================  ===============================================================================================
`c0`, `c1`             the last measurement into bit 0, 1 of register `c`; the only bit of `flag` is `flag`
`c0@1`, `c0@2`         the first, second measurement into a bit that is written again later
`clbit0`               the first bit of the circuit, if it is in no register, as a `bit c;` of OpenQASM 3
a label                of a `Measure(label=...)`, or of an `IGate(label=...)`: a place where one might do something
`q0`, `q0 reset 1`     exogenous: what qubit 0 starts as, and what the first reset of it brings
`cx(q0,q1)`, `… 2`     exogenous: the noise of the first, second CNOT between these qubits; a label replaces `cx`
`reading of c0`        exogenous: whether the readout tells the truth
=====================  ===============================================================================================
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qlib.circuits.backends import Backend
from qlib.circuits.circuit_noise import GateNoise, Noise
from qlib.circuits.process_circuits import SIMULATOR, Estimate, estimate
from qlib.numbers.arguments import Array, Complexes, numbers, require, show
from qlib.numbers.exact_arrays import as_complex
from qlib.numbers.tensor_networks import WidthError
from qlib.quantum.channels import kron
from qlib.quantum.counterfactuals import Answer, CounterfactualQuery, evaluate, posterior
from qlib.quantum.dilations import completed
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.instruments import measure as measurement
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.process_parts import Part, unitary
from qlib.quantum.processes import QuantumStructuralModel, probability

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Change: TypeAlias = "str | Instrument | None"
Outcomes: TypeAlias = Mapping[str, Outcome]
Places: TypeAlias = tuple[int, ...]

SMALL_GATE = 3  # qubits up to which a gate is one tensor; larger ones are taken apart if they can be
LARGEST_GATE = 8  # qubits and bits that one tensor may act on


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_circuit(source: str | Path) -> QuantumCircuit:
    """The circuit of OpenQASM 2 or 3: a text that says ``OPENQASM``, or the path of a file.

    Raises ``ValueError`` for no such file, or one that no loader can read, ``ModuleNotFoundError`` if it is OpenQASM 3
    and Qiskit's importer for it is not installed.

    >>> load_circuit('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[1]; measure q[0] -> c[0];').num_clbits
    1
    """
    require((str, Path), source=source)
    try:
        text = source if isinstance(source, str) and "OPENQASM" in source else Path(source).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ValueError(f"source: {show(source)} should be a text of OpenQASM or a file of it: {error}") from error
    version = re.search(r"OPENQASM\s+(\d+)", text)
    if version is None or version[1] not in ("2", "3"):
        raise ValueError(f"source: {show(text)} should be OpenQASM 2 or 3, and begin with its version")
    try:
        if version[1] == "2":
            from qiskit import qasm2

            known = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
            return qasm2.loads(text, include_path=(), custom_instructions=known)
        from qiskit import qasm3

        return qasm3.loads(text)
    except ImportError as error:
        raise ModuleNotFoundError("source: OpenQASM 3 needs the package qiskit-qasm3-import: pip install it") from error
    except Exception as error:
        raise ValueError(f"source: {type(error).__name__}: {error}") from error


@dataclass(frozen=True, eq=False)
class _Condition:
    """When something happens: a table of truth values with an axis for each of some classical bits."""

    bits: tuple[int, ...] = ()
    table: NDArray[np.bool_] = field(default_factory=lambda: np.ones((), dtype=bool))

    def __and__(self, other: _Condition) -> _Condition:
        bits = tuple(dict.fromkeys((*self.bits, *other.bits)))
        return _Condition(bits, self._over(bits) & other._over(bits))

    def _over(self, bits: Sequence[int]) -> NDArray[np.bool_]:
        order = [self.bits.index(bit) for bit in bits if bit in self.bits]
        return self.table.transpose(order).reshape([2 if bit in self.bits else 1 for bit in bits])

    def given(self, known: Callable[[int], bool]) -> _Condition:
        """The condition when all bits but some are 0, as they were not written yet."""
        kept = tuple(bit for bit in self.bits if known(bit))
        return _Condition(kept, self.table[tuple(slice(None) if bit in kept else 0 for bit in self.bits)])

    @staticmethod
    def where(bits: Sequence[int], holds: Callable[[Mapping[int, int]], bool]) -> _Condition:
        """The condition that something holds of the values of the bits."""
        distinct = tuple(dict.fromkeys(bits))
        if len(distinct) > LARGEST_GATE:
            raise ValueError(f"circuit: a condition on {len(distinct)} bits; at most {LARGEST_GATE} are possible")
        rows = [holds(dict(zip(distinct, values, strict=True))) for values in product((0, 1), repeat=len(distinct))]
        return _Condition(distinct, np.array(rows, dtype=bool).reshape((2,) * len(distinct)))


@dataclass(frozen=True, eq=False)
class _Step:
    """One thing that happens: kind is "gate", "node", "reset" or "noise"; what, its matrix, bit or noise."""

    kind: str
    name: str
    qubits: tuple[int, ...]
    what: Any
    condition: _Condition


@dataclass(frozen=True, eq=False)
class _Reader:
    """The steps of a circuit, in their order: control flow unrolled into conditions, large gates taken apart."""

    qubits: Sequence[str]
    bits: Sequence[str]
    noise: GateNoise

    def steps(self, circuit: QuantumCircuit, at: Sequence[int], to: Sequence[int], when: _Condition) -> Iterator[_Step]:
        """The steps of a circuit whose qubits and bits are these of the whole."""
        for item in circuit.data:
            qubits = tuple(at[circuit.find_bit(q).index] for q in item.qubits)
            bits = tuple(to[circuit.find_bit(c).index] for c in item.clbits)
            operation = item.operation
            match operation.name:
                case "barrier" | "delay" if operation.name not in self.noise.errors:
                    continue
                case "if_else" | "switch_case" | "box" | "for_loop":
                    for condition, body in _bodies(operation, lambda bit: to[circuit.find_bit(bit).index]):
                        yield from self.steps(body, qubits, bits, when & condition)
                case "measure":
                    if when.bits:
                        raise ValueError(f"circuit: a measurement into {self.bits[bits[0]]} stands under a condition; "
                                         "measure always, and let what follows depend on the condition")  # fmt: skip
                    yield from self._noisy(operation, qubits, when)
                    yield _Step("node", operation.label or "", qubits, bits[0], when)
                case _:
                    yield from self._gate(operation, qubits, bits, when)
                    yield from self._noisy(operation, qubits, when)

    def _gate(self, operation: Any, qubits: Places, bits: Places, when: _Condition) -> Iterator[_Step]:
        name = f"{operation.name}({','.join(self.qubits[q] for q in qubits)})"
        if operation.name == "reset":
            yield _Step("reset", name, qubits, None, when)
        elif operation.name in ("barrier", "delay"):
            return
        elif operation.name == "id" and operation.label:
            if when.bits:
                raise ValueError(
                    f"circuit: the place {operation.label!r} stands under a condition, where no node can be"
                )
            yield _Step("node", operation.label, qubits, None, when)
        elif operation.name == "kraus" or hasattr(operation, "_quantum_error"):
            source = getattr(operation, "_quantum_error", None)
            noise = Noise.from_qiskit(_kraus_channel(operation.params) if source is None else source)
            yield _Step("noise", operation.label or f"noise({name.partition('(')[2]}", qubits, noise, when)
        elif _is_small(operation):
            yield _Step("gate", name, qubits, _matrix(operation, name), when)
        elif operation.definition is not None:
            yield from self.steps(operation.definition, qubits, bits, when)
        else:
            raise ValueError(
                f"circuit: {name} should be a gate, a measurement, a reset, a condition, noise, or a loop over known "
                "values"
            )

    def _noisy(self, operation: Any, qubits: Places, when: _Condition) -> Iterator[_Step]:
        if (noise := self.noise.at(operation.label or operation.name, qubits)) is not None:
            name = f"{operation.label or operation.name}({','.join(self.qubits[q] for q in qubits)})"
            yield _Step("noise", name, qubits, noise, when)


def _is_small(operation: Any) -> bool:
    """Whether an operation is one tensor: a gate of few qubits, or one that cannot be taken apart."""
    if not hasattr(operation, "to_matrix"):
        return False
    return operation.num_qubits <= SMALL_GATE or (operation.definition is None and operation.num_qubits <= LARGEST_GATE)


def _matrix(operation: Any, name: str) -> Complexes:
    try:
        return as_complex(numbers(operation, "gate"))
    except TypeError as error:
        raise ValueError(f"circuit: {name} has no matrix: {error.__cause__ or error}") from error


def _kraus_channel(operators: Sequence[Array]) -> Any:
    from qiskit.quantum_info import Kraus

    return Kraus(list(operators))


def _bodies(operation: Any, place: Callable[[Any], int]) -> Iterator[tuple[_Condition, QuantumCircuit]]:
    """The blocks of a control-flow operation, each with its condition. place : a bit's number in the whole circuit."""
    if operation.name == "box":
        yield _Condition(), operation.blocks[0]
    elif operation.name == "for_loop":
        values, parameter, body = operation.params
        for value in values:
            yield _Condition(), body.assign_parameters({parameter: value}) if parameter in body.parameters else body
    elif operation.name == "if_else":
        condition = operation.condition
        subject, value = condition if isinstance(condition, tuple) else (condition, None)
        wanted = 1 if value is None else int(value)
        for body, sense in zip(operation.blocks, (True, False), strict=False):
            yield _on_value(subject, place, _comparison(wanted, sense)), body
    else:
        others: frozenset[int] = frozenset()
        for labels, body in operation.cases_specifier():
            chosen = frozenset(label for label in labels if isinstance(label, int))
            yield _on_value(operation.target, place, _case(chosen, others if len(chosen) < len(labels) else None)), body
            others |= chosen


def _comparison(wanted: int, sense: bool) -> Callable[[int], bool]:
    return lambda value: (value == wanted) is sense


def _case(chosen: frozenset[int], others: frozenset[int] | None) -> Callable[[int], bool]:
    """Whether a case of a switch is taken; others : the values of the cases before, if it is the default as well."""
    return lambda value: value in chosen or (others is not None and value not in others)


def _on_value(subject: Any, place: Callable[[Any], int], holds: Callable[[int], bool]) -> _Condition:
    """The condition that the value of a bit, a register or an expression is such and such."""
    bits = [place(bit) for bit in _bits_of(subject)]
    return _Condition.where(bits, lambda values: holds(_value(subject, lambda bit: values[place(bit)])))


def _bits_of(subject: Any) -> Iterator[Any]:
    from qiskit.circuit import ClassicalRegister, Clbit
    from qiskit.circuit.classical import expr

    if isinstance(subject, ClassicalRegister | Clbit):
        yield from subject if isinstance(subject, ClassicalRegister) else [subject]
    else:
        for variable in expr.iter_vars(subject):
            if not isinstance(variable.var, ClassicalRegister | Clbit):
                raise ValueError(f"circuit: the condition reads the variable {variable.name!r}; only bits can be read")
            yield from _bits_of(variable.var)


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "BIT_AND": lambda a, b: a & b, "BIT_OR": lambda a, b: a | b, "BIT_XOR": lambda a, b: a ^ b,
    "LOGIC_AND": lambda a, b: a and b, "LOGIC_OR": lambda a, b: a or b,
    "EQUAL": lambda a, b: a == b, "NOT_EQUAL": lambda a, b: a != b,
    "LESS": lambda a, b: a < b, "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b, "GREATER_EQUAL": lambda a, b: a >= b,
    "SHIFT_LEFT": lambda a, b: a << b, "SHIFT_RIGHT": lambda a, b: a >> b,
}  # fmt: skip


def _value(subject: Any, read: Callable[[Any], int]) -> int:
    """The value of a bit, register or expression of Qiskit's, as an integer; `read` gives that of a bit."""
    from qiskit.circuit import ClassicalRegister, Clbit
    from qiskit.circuit.classical import expr

    match subject:
        case Clbit():
            return int(read(subject))
        case ClassicalRegister():
            return sum(int(read(bit)) << k for k, bit in enumerate(subject))
        case expr.Value():
            return int(subject.value)
        case expr.Var():
            return _value(subject.var, read)
        case expr.Cast():
            return _wrapped(_value(subject.operand, read), subject.type)
        case expr.Index():
            return _value(subject.target, read) >> _value(subject.index, read) & 1
        case expr.Unary() if subject.op.name in ("BIT_NOT", "LOGIC_NOT"):
            inner = _value(subject.operand, read)
            return _wrapped(~inner, subject.type) if subject.op.name == "BIT_NOT" else int(not inner)
        case expr.Binary() if subject.op.name in ARITHMETIC:
            result = ARITHMETIC[subject.op.name](_value(subject.left, read), _value(subject.right, read))
            return _wrapped(int(result), subject.type)
    raise ValueError(f"circuit: the condition {show(subject)} should compare bits, registers and numbers")


def _wrapped(value: int, kind: Any) -> int:
    """A value as its type holds it: a truth value, or a whole number of so many bits."""
    if hasattr(kind, "width"):
        return value % (1 << int(kind.width))
    return value & 1 if value < 0 else int(bool(value))


# ── building ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class _Site:
    """A node of a circuit: its bit's number, whether later gates read the bit, and what the readout may do to it.

    readings : λ of the readout → (what 0 is read as, what 1 is read as); empty if it tells the truth.
    """

    bit: int | None
    read: bool
    readings: Mapping[str, tuple[int, int]]

    @property
    def coin(self) -> int:
        """The dimension of the space that brings λ to the node."""
        return _room(len(self.readings))

    def lifted(self, instrument: Instrument, record: Callable[[Any], int], misread: bool) -> Instrument:
        """An instrument of the qubit, with what the readout makes of its outcome, and the bit that is written.

        On λ ⊗ qubit, to bit ⊗ qubit. record : the bit that goes with an outcome. misread : whether the readout is used.
        """
        functions = [*self.readings.values()] if misread else []
        operators: dict[Outcome, Array] = {}
        for (outcome, tau), k in product(instrument.operators.items(), range(self.coin)):
            written = functions[k][record(outcome)] if k < len(functions) else record(outcome)
            noted = written if k < len(functions) else outcome
            bit = np.diag(np.eye(2)[written]) if self.read else np.ones((1, 1))
            there = np.kron(bit, np.diag(np.eye(self.coin)[k]))
            operators[noted] = operators.get(noted, 0) + _beside(there, as_complex(tau), len(bit), self.coin)
        return Instrument(operators, 2 * self.coin, 2 * (2 if self.read else 1), instrument.name)

    def noting(self, instrument: Instrument) -> Instrument:
        """The same of an instrument that notes its outcome in the bit, or 0 if it has only one."""
        silent = len(instrument.outcomes) == 1
        return self.lifted(instrument, (lambda _: 0) if silent else int, misread=not silent)


@cache
def _pauli(change: str | None) -> Instrument:
    """The measurement of X, Y or Z, or none."""
    return Instrument.idle(2) if change is None else measurement(change)


@cache
def _usual(change: str | None, read: bool) -> Instrument:
    """The same at a node whose readout tells the truth: most of a circuit's instruments are such, and alike."""
    return _Site(None, read, {}).noting(_pauli(change))


def _room(values: int) -> int:
    """The smallest power of two that is at least the number of values: as many as some qubits tell apart."""
    return 1 << (max(values, 1) - 1).bit_length()


def _beside(other: Array, tau: Array, d_out: int, d_in: int) -> Array:
    """An operator on d_out ⊗ d_in and τ of a qubit as one on (d_out ⊗ qubit) ⊗ (d_in ⊗ qubit)."""
    joined = np.einsum("oipj,mnkl->ominpkjl", other.reshape((d_out, d_in) * 2), tau.reshape((2, 2) * 2))
    return np.asarray(joined).reshape((4 * d_out * d_in,) * 2)


@dataclass(eq=False)
class _Builder:
    """A structural model in the making: where each qubit and bit is, and the parts, nodes and preparations so far."""

    qubit_names: Sequence[str]
    noise: GateNoise
    at: dict[int, str] = field(default_factory=dict)
    turned: dict[int, Complexes] = field(default_factory=dict)
    bit_at: dict[int, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    wires: dict[str, int] = field(default_factory=dict)
    preparations: dict[str, Instrument] = field(default_factory=dict)
    nodes: dict[str, QuantumNode] = field(default_factory=dict)
    sites: dict[str, _Site] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def gate(
        self, matrix: Array, qubits: Sequence[int], when: _Condition, extra: Sequence[tuple[str, int]] = ()
    ) -> None:
        """A unitary on some exogenous spaces, given with their dimensions, and qubits; only where the bits say so."""
        when = when.given(lambda bit: bit in self.bit_at)
        if not when.table.any():
            return
        if matrix.shape == (2, 2) and not when.bits:
            [qubit] = qubits
            self.turned[qubit] = as_complex(matrix @ self.turned.get(qubit, np.eye(2)))
            return
        size, sense = len(matrix), when.table.ravel()
        if size << len(when.bits) > 2**LARGEST_GATE * 16:
            raise ValueError(f"circuit: a gate on {len(qubits)} qubits under a condition on {len(when.bits)} bits is "
                             "too large; take it apart")  # fmt: skip
        full = np.zeros((sense.size, size, sense.size, size), dtype=complex)
        for k, holds in enumerate(sense):
            full[k, :, k, :] = matrix if holds else np.eye(size)
        full = full.reshape(sense.size * size, -1) @ self.turns(size * sense.size >> len(qubits), qubits)
        before = [*(self.bit_at[b] for b in when.bits), *(name for name, _ in extra), *(self.qubit(q) for q in qubits)]
        after = [self.wire(2) for _ in when.bits] + [self.wire(d) for _, d in extra] + [self.wire(2) for _ in qubits]
        self.parts.append(unitary(full, before, after))
        self.bit_at |= dict(zip(when.bits, after, strict=False))
        self.at |= dict(zip(qubits, after[len(after) - len(qubits) :], strict=True))

    def turns(self, others: int, qubits: Sequence[int]) -> Complexes:
        """The gates on single qubits that have waited for what comes next, beside an identity on other spaces."""
        return as_complex(kron(np.eye(others), *(self.turned.pop(qubit, np.eye(2)) for qubit in qubits)))

    def wire(self, dimension: int) -> str:
        """A new wire."""
        name = f"wire {len(self.wires)}"
        self.wires[name] = dimension
        return name

    def qubit(self, qubit: int) -> str:
        """The space where a qubit is; |0⟩ if nothing has happened to it yet."""
        if qubit not in self.at:
            self.at[qubit] = self.prepared(self.qubit_names[qubit])
        return self.at[qubit]

    def prepared(self, name: str, dimension: int = 2) -> str:
        """A new exogenous node that prepares |0⟩."""
        self.preparations[name] = Instrument.do(np.diag(np.eye(dimension)[0]), 1, "0")
        return name

    def lottery(self, name: str, law: Mapping[str, float]) -> str:
        """A new exogenous node that says which of some events happened."""
        d = _room(len(law))
        states: dict[Outcome, Any] = {event: np.diag(np.eye(d)[k]) for k, event in enumerate(law)}
        self.preparations[name] = Instrument.discard_and_prepare(dict(law.items()), states)
        return name

    def numbered(self, name: str) -> str:
        """The name, with a number from the second time on."""
        self.counts[name] += 1
        return name if self.counts[name] == 1 else f"{name} {self.counts[name]}"

    def reset(self, qubit: int, when: _Condition) -> None:
        """A qubit is exchanged for one in the state |0⟩."""
        if not when.bits:
            self.turned.pop(qubit, None)
            if qubit not in self.at:
                return
        name = f"{self.qubit_names[qubit]} reset"
        self.counts[name] += 1
        fresh = self.prepared(f"{name} {self.counts[name]}")
        if when.bits:
            self.gate(SWAP, [qubit], when, [(fresh, 2)])
        else:
            self.at[qubit] = fresh

    def happens(self, name: str, noise: Noise, qubits: Sequence[int], when: _Condition) -> None:
        """An event of noise, chosen by a lottery; what is not unitary acts on an environment in the state |0⟩, too."""
        if noise.qubits != len(qubits):
            raise ValueError(f"noise at {name}: it acts on {noise.qubits} qubits, and should on {len(qubits)}")
        name = self.numbered(name)
        coin, env = _room(len(noise.kraus)), _room(max(map(len, noise.kraus.values())))
        blocks = [completed(np.concatenate([K, np.zeros((env - len(K), *K.shape[1:]))]).reshape(-1, K.shape[-1]))
                  for K in noise.kraus.values()]  # fmt: skip
        size = len(blocks[0])
        full = np.zeros((coin, size, coin, size), dtype=complex)
        for k in range(coin):
            full[k, :, k, :] = blocks[k] if k < len(blocks) else np.eye(size)
        extra = [(self.lottery(name, noise.probabilities), coin)]
        if env > 1:
            extra.append((self.prepared(f"{name} environment", env), env))
        self.gate(full.reshape(coin * size, -1), qubits, when, extra)

    def node(self, name: str, qubit: int, bit: int | None, read: bool) -> None:
        """A place where a qubit is measured, or might be; the bit is a further system that leaves it, if it is read."""
        if name in self.nodes:
            raise ValueError(f"circuit: two of its measurements are named {name!r}; give them different labels")
        law, readings = self.noise.reading(qubit) if bit is not None else ({}, {})
        site = self.sites[name] = _Site(bit, read, readings)
        before = [*([self.lottery(f"reading of {name}", law)] if readings else []), self.qubit(qubit)]
        self.nodes[name] = QuantumNode(name, 2 * site.coin, 4 if read else 2)
        self.parts.append(unitary(self.turns(site.coin, [qubit]), before, [name]))
        self.at[qubit] = name
        if bit is not None:
            self.bit_at.pop(bit, None)
        if read and bit is not None:
            self.at[qubit], self.bit_at[bit] = self.wire(2), self.wire(2)
            self.parts.append(unitary(np.eye(4), [name], [self.bit_at[bit], self.at[qubit]]))


SWAP = np.eye(4)[[0, 2, 1, 3]]


# ── the model, and questions ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class CircuitModel:
    """A circuit as a quantum structural model, with the instruments that the circuit itself has at its nodes.

    circuit : a Qiskit circuit without free parameters. noise : a ``NoiseModel`` of Aer, a `GateNoise`, or none; noise
    that is an instruction of the circuit is there in any case. See the module for what nodes and events are named.
    Raises ``ValueError`` naming the instruction for what no model can be made of: free parameters, loops without
    a known end, measurements under a condition, classical variables, a gate without a matrix.

    >>> from qlib.circuits.circuits import bell_circuit, measured
    >>> bell = CircuitModel(measured(bell_circuit(), [0, 0]))
    >>> [*bell.model.nodes], round(bell.probability({"m0": 0, "m1": 0}), 9)
    (['m0', 'm1'], 0.5)
    """

    circuit: QuantumCircuit
    noise: Any = None

    def __post_init__(self) -> None:
        from qiskit import QuantumCircuit

        require(QuantumCircuit, circuit=self.circuit)
        if self.circuit.parameters:
            free = ", ".join(parameter.name for parameter in self.circuit.parameters)
            raise ValueError(f"circuit: the parameters {free} have no values; see `QuantumCircuit.assign_parameters`")
        object.__setattr__(self, "noise", GateNoise.from_aer(self.noise))
        self._built  # noqa: B018 - refuses at once what cannot be built

    @cached_property
    def model(self) -> QuantumStructuralModel:
        """The structural model; its nodes are the measurements and labelled places, in the order of time."""
        made = self._built
        return QuantumStructuralModel((*made.nodes.values(),), made.preparations, tuple(made.parts), made.wires)

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """What the circuit does at each node: a measurement of Z, or nothing."""
        return {n: self.instrument(n, "Z" if site.bit is not None else None) for n, site in self._built.sites.items()}

    @cached_property
    def events(self) -> dict[str, dict[Outcome, float]]:
        """Exogenous variable → the events that it decides between, if several, and their probabilities."""
        return {
            name: {value: float(p) for value, p in zip(values, self.model.weights[name], strict=True)}
            for name, values in self.model.exogenous.items()
            if len(values) > 1
        }

    def node(self, name: str) -> str:
        """The node of a name: its own, "c[0]" for "c0", the bit's for the last measurement into it.

        >>> from qlib.circuits.circuits import bell_circuit, measured
        >>> CircuitModel(measured(bell_circuit(), [0, 0])).node("m[1]")
        'm1'
        """
        if not isinstance(name, str) or name not in self._aliases:
            raise ValueError(f"node {show(name)}: the circuit has {', '.join(self._built.nodes)}")
        return self._aliases[name]

    def instrument(self, name: str, change: Change) -> Instrument:
        """An instrument at a node, with its readout and the bit that it writes.

        change : "X", "Y" or "Z" for the measurement of a Pauli observable, None for none at all (the bit is then 0), or
        an `Instrument` of a qubit, whose outcomes are 0 and 1 where they are written to a bit.

        >>> from qlib.circuits.circuits import bell_circuit, measured
        >>> CircuitModel(measured(bell_circuit(), [0, 0])).instrument("m0", "X").outcomes
        (0, 1)
        """
        site = self._built.sites[self.node(name)]
        require((str, Instrument, type(None)), change=change)
        if isinstance(change, str) and change not in ("X", "Y", "Z"):
            raise ValueError(f"measure: {change!r} at node {name} should be X, Y or Z, None, or an Instrument")
        if not isinstance(change, Instrument) and not site.readings:
            return _usual(change, site.read)
        done = change if isinstance(change, Instrument) else _pauli(change)
        if (done.d_in, done.d_out) != (2, 2):
            dims = f"{done.d_in} to {done.d_out}"
            raise ValueError(f"measure: the instrument at node {name} maps dimension {dims}, not 2 to 2")
        if (site.read or site.readings) and len(done.outcomes) > 1 and not set(done.outcomes) <= {0, 1}:
            raise ValueError(
                f"measure: the outcomes {done.outcomes} at node {name} should be 0 and 1, as a bit keeps them"
            )
        return site.noting(done)

    def prepared(self, name: str, value: int) -> Instrument:
        """The do-instrument at a node: the qubit is made |value⟩ and the bit is made the value, whatever came in."""
        if isinstance(value, bool) or value not in (0, 1):
            raise ValueError(f"do: {show(value)} at node {name} should be 0 or 1")
        site = self._built.sites[self.node(name)]
        return site.lifted(Instrument.do(np.diag(np.eye(2)[value]), 2, value, f"do({value})"), int, misread=False)

    def query(
        self,
        given: Outcomes | None = None,
        had: Outcomes | None = None,
        then: Outcomes | None = None,
        do: Outcomes | None = None,
        measure: Mapping[str, Change] | None = None,
    ) -> CounterfactualQuery:
        """The question as `qlib.quantum` asks it; see `counterfactual` for the arguments."""
        given, had, then, do, changes = (
            self._canonical(value, name)
            for value, name in ((given, "given"), (had, "had"), (then, "then"), (do, "do"), (measure, "measure"))
        )
        for node in do:
            if node in had or node in changes:
                raise ValueError(f"do: node {node} is in {'had' if node in had else 'measure'} as well")
        changed = {node: self.instrument(node, change) for node, change in changes.items()}
        changed |= {node: self.prepared(node, value) for node, value in do.items()}
        return CounterfactualQuery(given, {**had, **do}, then, self.instruments, changed)

    def counterfactual(self, **question: Any) -> Answer:
        """The answer to a question; see the function `counterfactual`."""
        with _within_reach():
            return evaluate(self.model, self.query(**question))

    def probability(
        self, outcomes: Outcomes, do: Outcomes | None = None, measure: Mapping[str, Change] | None = None
    ) -> float:
        """The probability of some nodes' outcomes, in the circuit as it is or with other instruments.

        >>> from qlib.circuits.circuits import bell_circuit, measured
        >>> bell = CircuitModel(measured(bell_circuit(), [0, 0]))
        >>> round(bell.probability({"m1": 1}, do={"m0": 0}), 9)
        0.5
        """
        query = self.query(then=outcomes, do=do, measure=measure)
        with _within_reach():
            return float(probability(self.model, query.counterfactual, query.consequent))

    def diagnosis(self, given: Outcomes) -> dict[str, dict[Outcome, float]]:
        """What the evidence says about each event of noise: exogenous variable → its values and P(value | given).

        >>> from qlib.circuits.circuits import bell_circuit, measured
        >>> noise = GateNoise({"h": {None: Noise.pauli({"I": 0.75, "Z": 0.25})}})
        >>> bell = CircuitModel(measured(bell_circuit(), [0, 0]), noise)
        >>> {event: round(p, 3) for event, p in bell.diagnosis({"m0": 0})["h(q0)"].items()}
        {'I': 0.75, 'Z': 0.25}
        """
        if not self._canonical(given, "given"):
            return self.events
        query = self.query(given=given, then=dict([next(iter(given.items()))]))
        with _within_reach():
            return {
                name: dict(zip(values, map(float, posterior(self.model, query, [name])), strict=True))
                for name, values in self.events.items()
            }

    def sample(self, shots: int, rng: np.random.Generator, backend: Backend = SIMULATOR, **question: Any) -> Estimate:
        """The same question answered by running two circuits and selecting runs; see `qlib.circuits.estimate`.

        >>> from qlib.circuits.circuits import bell_circuit, measured
        >>> bell = CircuitModel(measured(bell_circuit(), [0, 0]))
        >>> bell.sample(50, np.random.default_rng(1), given={"m0": 1}, had={"m0": 0}, then={"m1": 0}).probability
        1.0
        """
        return estimate(self.model, self.query(**question), shots, rng, backend)

    def _canonical(self, values: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
        """The argument with each node under its own name."""
        require((Mapping, type(None)), **{name: values})
        found: dict[str, Any] = {}
        for key, value in (values or {}).items():
            try:
                node = self.node(key)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if node in found:
                raise ValueError(f"{name}: node {node} is named twice")
            found[node] = value
        return found

    @cached_property
    def _built(self) -> _Builder:
        return _build(self.circuit, self.noise)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """Every name by which a node may be called → its own."""
        names = _bit_names(self.circuit)
        aliases: dict[str, str] = {}
        for node, site in self._built.sites.items():
            for alias in names[site.bit] if site.bit is not None else ():
                aliases[alias] = node  # the last measurement into a bit bears its name
        return aliases | {node: node for node in self._built.nodes}


@contextmanager
def _within_reach() -> Iterator[None]:
    try:
        yield
    except WidthError as error:
        raise ValueError(
            "circuit: it is too entangled for this question: the best order of contraction that was found has width "
            f"{log2(error.entries):.0f} (a tensor of 2^{log2(error.entries):.0f} numbers), and at most "
            f"{log2(error.allowed):.0f} is possible; ask about fewer nodes, or cut the circuit where something is "
            "measured or reset"
        ) from error


def from_circuit(source: QuantumCircuit | str | Path, noise: Any = None) -> CircuitModel:
    """A circuit of Qiskit's, or OpenQASM 2 or 3 as a text or the path of a file, as a quantum structural model.

    noise : a ``NoiseModel`` of Aer or a `GateNoise`. Raises what `load_circuit` and `CircuitModel` raise.

    >>> qasm = '''OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2];
    ... h q[0]; measure q[0] -> c[0]; if (c == 1) x q[1]; measure q[1] -> c[1];'''
    >>> round(from_circuit(qasm).probability({"c0": 1, "c1": 1}), 9)
    0.5
    """
    if isinstance(source, CircuitModel):
        return source
    return CircuitModel(load_circuit(source) if isinstance(source, str | Path) else source, noise)


def counterfactual(
    circuit: CircuitModel | QuantumCircuit | str | Path,
    given: Outcomes | None = None,
    had: Outcomes | None = None,
    then: Outcomes | None = None,
    *,
    do: Outcomes | None = None,
    measure: Mapping[str, Change] | None = None,
    noise: Any = None,
) -> Answer:
    """Given what a circuit's bits said, the probability of what they would have said, had something been different.

    given : node → the bit that was read; a node that is not named was not looked at. had : node → what it would have
    found. then : node → what is asked about. do : node → the value that its qubit and bit would have been given.
    measure : node → another measurement: "X", "Y", "Z", an `Instrument`, or None for none at all. circuit and noise as
    in `from_circuit`. The answer has a `probability`, or is counterpossible, and can `explain()` itself.
    Raises ``ValueError`` for what is no node or outcome, evidence that is impossible, and a circuit that is too
    entangled, with its width.

    >>> from qlib.circuits.circuits import bell_circuit, measured
    >>> bell = measured(bell_circuit(), [0, 0])
    >>> counterfactual(bell, given={"m0": 1, "m1": 1}, had={"m0": 0}, then={"m1": 0}).probability.__round__(9)
    1.0
    >>> counterfactual(bell, given={"m0": 1, "m1": 1}, do={"m0": 0}, then={"m1": 0}).probability.__round__(9)
    0.5
    """
    found = from_circuit(circuit, noise)
    return found.counterfactual(given=given, had=had, then=then, do=do, measure=measure)


def _build(circuit: QuantumCircuit, noise: GateNoise) -> _Builder:
    """The parts of a circuit's model: read once for its steps, then put together."""
    qubits, bits = (_short(circuit, kind) for kind in ("qubits", "clbits"))
    steps = [*_Reader(qubits, bits, noise).steps(circuit, range(len(qubits)), range(len(bits)), _Condition())]
    read, writes = _reading(steps), Counter(step.what for step in steps if step.kind == "node")
    builder, seen = _Builder(qubits, noise), Counter[int]()
    for k, step in enumerate(steps):
        match step.kind:
            case "gate":
                builder.gate(step.what, step.qubits, step.condition)
            case "reset":
                builder.reset(step.qubits[0], step.condition)
            case "noise":
                builder.happens(step.name, step.what, step.qubits, step.condition)
            case _:
                seen[step.what] += 1
                name = step.name or bits[step.what] + (
                    "" if seen[step.what] == writes[step.what] else f"@{seen[step.what]}"
                )
                builder.node(name, step.qubits[0], step.what, k in read)
    if not builder.nodes:
        raise ValueError(
            "circuit: it measures nothing and has no labelled place, so that there is nothing to ask about"
        )
    return builder


def _reading(steps: Sequence[_Step]) -> set[int]:
    """The places of the measurements whose bit a later step reads before it is written again."""
    wanted: set[int] = set()
    found: set[int] = set()
    for k in reversed(range(len(steps))):
        if steps[k].kind == "node" and steps[k].what in wanted:
            found.add(k)
            wanted.remove(steps[k].what)
        wanted |= {*steps[k].condition.bits}
    return found


def _short(circuit: QuantumCircuit, kind: str) -> list[str]:
    """The names of a circuit's qubits or bits, such as "c0", or "flag" for the only bit of a register."""
    return [names[0] for names in _names(circuit, kind)]


def _bit_names(circuit: QuantumCircuit) -> list[tuple[str, ...]]:
    return _names(circuit, "clbits")


def _names(circuit: QuantumCircuit, kind: str) -> list[tuple[str, ...]]:
    """For each qubit or bit all its names, the short one first; "c[0]" is the short one if "c0" would be ambiguous."""
    names: list[tuple[str, ...]] = []
    for k, bit in enumerate(getattr(circuit, kind)):
        places = circuit.find_bit(bit).registers
        if not places:
            names.append((f"{kind[:-1]}{k}",))
        else:
            register, index = places[0]
            alone = (register.name,) if len(register) == 1 else ()
            names.append((*alone, f"{register.name}{index}", f"{register.name}[{index}]"))
    counts = Counter(name for several in names for name in several)
    return [tuple(name for name in several if counts[name] == 1) or several for several in names]
