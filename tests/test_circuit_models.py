"""Circuits as structural models: what the network says is what density matrices, followed branch by branch, say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_ladders import ladder
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.library import IGate, Measure, UnitaryGate

from compendium import paths
from qlib.circuits.circuit_models import CircuitModel, counterfactual, from_circuit, load_circuit
from qlib.circuits.circuits import circuit_law
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE
from qlib.quantum.instruments import Instrument
from qlib.quantum.random_processes import random_unitary

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
BITS = 4
ROUNDING = 1e-9


# ── random dynamic circuits, and the same question by density matrices ──────────────────────────────────────────────


@dataclass(frozen=True)
class Item:
    """One line of a circuit: a gate, measurement, reset, gate under a condition, or Pauli noise."""

    kind: str
    qubits: tuple[int, ...]
    matrices: tuple[Any, ...] = ()
    value: Any = 0


def random_items(rng: np.random.Generator, noisy: bool = False) -> list[Item]:
    """Three qubits, four bits, each written once; gates complex and asymmetric, conditions on a bit or on all."""
    items = [Item("gate", (int(q),), (random_unitary(2, rng),)) for q in range(3)]
    for bit in range(BITS):
        pair = tuple(map(int, rng.permutation(3)[:2]))
        items.append(Item("gate", pair, (random_unitary(4, rng),)))
        if rng.random() < 0.3:
            items.append(Item("reset", pair[:1]))
        if noisy and bit < 2:
            items.append(Item("noise", pair[1:]))
        items.append(Item("measure", pair[1:], value=bit))
        kind = str(rng.choice(["if", "if all", "none"]))
        bodies = tuple(random_unitary(2 ** (1 + k), rng) for k in range(2))
        if kind != "none":
            value = (bit, int(rng.integers(2))) if kind == "if" else (None, int(rng.integers(2**BITS)))
            items.append(Item(kind, tuple(map(int, rng.permutation(3)[:2])), bodies, value))
    return items


def built(items: Sequence[Item], changes: Mapping[int, Any], errors: Sequence[str] | None = None) -> QuantumCircuit:
    """The circuit of such items; changed measurements and events of noise are put in by hand.

    changes : bit → "X", "Y", None for no measurement, or ("do", value). errors : the Pauli of each noise; None for the
    noise itself, an instruction of Aer's.
    """
    from qiskit_aer.noise import pauli_error

    circuit = QuantumCircuit(3, BITS)
    noises = iter(errors or ())
    for item in items:
        if item.kind == "gate":
            circuit.append(UnitaryGate(item.matrices[0]), item.qubits)
        elif item.kind == "reset":
            circuit.reset(item.qubits[0])
        elif item.kind == "noise" and errors is None:
            circuit.append(pauli_error([("I", 0.7), ("X", 0.2), ("Y", 0.1)]), item.qubits)
        elif item.kind == "noise":
            getattr(circuit, {"I": "id", "X": "x", "Y": "y"}[next(noises)])(item.qubits[0])
        elif item.kind == "measure":
            changed_measurement(circuit, item.qubits[0], item.value, changes.get(item.value, "Z"))
        else:
            subject, value = item.value
            condition = (circuit.cregs[0] if subject is None else circuit.clbits[subject], value)
            with circuit.if_test(condition) as otherwise:
                circuit.append(UnitaryGate(item.matrices[0]), item.qubits[:1])
            with otherwise:
                circuit.append(UnitaryGate(item.matrices[1]), item.qubits)
    return circuit


def changed_measurement(circuit: QuantumCircuit, qubit: int, bit: int, change: Any) -> None:
    if change is None:
        return
    if isinstance(change, tuple):
        circuit.reset(qubit)
        if change[1]:
            circuit.x(qubit)
    turn = {"X": ["h"], "Y": ["sdg", "h"]}.get(change, []) if isinstance(change, str) else []
    for gate in turn:
        getattr(circuit, gate)(qubit)
    circuit.measure(qubit, bit)
    for gate in reversed(turn):
        getattr(circuit, {"sdg": "s"}.get(gate, gate))(qubit)


def by_density_matrices(
    items: Sequence[Item], given: Mapping[int, int], had: Mapping[int, int], then: Mapping[int, int],
    changes: Mapping[int, Any],
) -> float:  # fmt: skip
    """Eq. (29): learn about the events of noise from the evidence, then average over them."""
    count = sum(item.kind == "noise" for item in items)
    law = {"I": 0.7, "X": 0.2, "Y": 0.1}
    weights, values = [], []
    for errors in product(law, repeat=count):
        actual = circuit_law(built(items, {}, errors))
        other = circuit_law(built(items, changes, errors))
        weights.append(np.prod([law[e] for e in errors]) * chance(actual, given))
        values.append(chance(other, {**had, **then}) / chance(other, had))
    return float(np.dot(weights, values) / np.sum(weights))


def chance(law: Any, outcomes: Mapping[int, int]) -> float:
    return float(law[tuple(outcomes.get(bit, slice(None)) for bit in range(BITS))].sum())


def named(outcomes: Mapping[int, Any]) -> dict[str, Any]:
    return {f"c{bit}": value for bit, value in outcomes.items()}


@settings(deadline=None, max_examples=12)
@given(rng=SEEDS)
def test_the_law_of_a_dynamic_circuit_is_that_of_density_matrices(rng: np.random.Generator) -> None:
    circuit = built(random_items(rng), {})
    law, model = circuit_law(circuit), CircuitModel(circuit)
    for bits in product((0, 1), repeat=BITS):
        assert model.probability(named(dict(enumerate(bits)))) == pytest.approx(law[bits], abs=ROUNDING)
    assert model.probability({"c2": 1, "c0": 0}) == pytest.approx(chance(law, {2: 1, 0: 0}), abs=ROUNDING)


@settings(deadline=None, max_examples=12)
@given(rng=SEEDS, noisy=st.booleans(), change=st.sampled_from(["X", "Y", None, ("do", 0), ("do", 1), "Z"]))
def test_counterfactuals_are_those_of_density_matrices(rng: np.random.Generator, noisy: bool, change: Any) -> None:
    items = random_items(rng, noisy)
    where, asked, seen, other = map(int, rng.permutation(BITS))
    given_, had, then = {seen: int(rng.integers(2)), other: 0}, {other: 1}, {asked: 1}
    expected = by_density_matrices(items, given_, had, then, {where: change})
    question: dict[str, Any] = {"measure": named({where: change})}
    if isinstance(change, tuple):
        question = {"do": named({where: change[1]})}
    answer = counterfactual(built(items, {}), named(given_), named(had), named(then), **question)
    assert answer.probability == pytest.approx(expected, abs=1e-7)


# ── names, conditions, what Qiskit can say ──────────────────────────────────────────────────────────────────────────


def test_nodes_are_named_after_bits_registers_and_labels() -> None:
    flag, word = ClassicalRegister(1, "flag"), ClassicalRegister(2, "word")
    circuit = QuantumCircuit(QuantumRegister(2, "q"), flag, word)
    circuit.append(IGate(label="here"), [1])
    circuit.measure(0, flag[0])
    circuit.measure(1, word[1])
    circuit.append(Measure(label="again"), [0], [flag[0]])
    circuit.measure(0, word[1])
    model = CircuitModel(circuit)
    assert [*model.model.nodes] == ["here", "flag@1", "word1@1", "again", "word1"]
    assert model.node("word[1]") == "word1"
    assert model.node("flag") == model.node("flag0") == "again"


def test_a_bit_that_is_written_twice_says_what_was_written_last() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.ry(1.0, 0)
    circuit.measure(0, 0)
    circuit.ry(0.4, 0)
    circuit.measure(0, 0)
    model = CircuitModel(circuit)
    assert model.probability({"c": 1}) == pytest.approx(circuit_law(circuit)[1])
    first = np.sin(0.5) ** 2
    assert model.probability({"c@1": 1}) == pytest.approx(first)
    assert model.probability({"c@1": 1, "c": 0}) == pytest.approx(first * np.sin(0.2) ** 2)


def test_names_that_two_registers_would_share_are_written_with_brackets() -> None:
    circuit = QuantumCircuit(QuantumRegister(1, "q"), ClassicalRegister(11, "c"), ClassicalRegister(2, "c1"))
    circuit.measure(0, 10)
    circuit.measure(0, 11)
    assert [*CircuitModel(circuit).model.nodes] == ["c[10]", "c1[0]"]


def three_bits(values: Sequence[int]) -> QuantumCircuit:
    circuit = QuantumCircuit(4, 4)
    for qubit, value in enumerate(values):
        if value:
            circuit.x(qubit)
        circuit.measure(qubit, qubit)
    return circuit


CONDITIONS = {
    "a bit": (lambda c: (c.clbits[1], 1), lambda a, b, c: b == 1),
    "a register": (lambda c: (c.cregs[0], 5), lambda a, b, c: (a, b, c) == (1, 0, 1)),
    "and not": (lambda c: expr.logic_and(c.clbits[0], expr.logic_not(c.clbits[2])), lambda a, b, c: a and not c),
    "or xor": (
        lambda c: expr.logic_or(c.clbits[0], expr.bit_xor(c.clbits[1], c.clbits[2])),
        lambda a, b, c: a or b ^ c,
    ),
    "less": (lambda c: expr.less(c.cregs[0], 3), lambda a, b, c: a + 2 * b + 4 * c < 3),
    "bits": (lambda c: expr.equal(expr.bit_and(c.cregs[0], 6), 4), lambda a, b, c: c and not b),
    "not of a register": (lambda c: expr.equal(expr.bit_not(c.cregs[0]), 13), lambda a, b, c: (a, b, c) == (0, 1, 0)),
    "index": (lambda c: expr.index(c.cregs[0], 2), lambda a, b, c: c == 1),
    "shift": (lambda c: expr.equal(expr.shift_right(c.cregs[0], 1), 1), lambda a, b, c: b == 1 and not c),
}


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("values", [*product((0, 1), repeat=3)], ids=str)
def test_a_condition_holds_when_it_says_so(name: str, values: tuple[int, ...]) -> None:
    condition, holds = CONDITIONS[name]
    circuit = three_bits(values)
    with circuit.if_test(condition(circuit)):
        circuit.x(3)
    circuit.measure(3, 3)
    assert CircuitModel(circuit).probability({"c3": 1}) == pytest.approx(float(bool(holds(*values))))


@pytest.mark.parametrize("values", [*product((0, 1), repeat=3)], ids=str)
def test_a_switch_takes_one_case_and_nested_conditions_hold_together(values: tuple[int, ...]) -> None:
    circuit = three_bits(values)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(1, 2):
            circuit.x(3)
        with case(5):
            circuit.reset(3)
        with case(case.DEFAULT), circuit.if_test((circuit.clbits[2], 1)):
            circuit.x(3)
    circuit.measure(3, 3)
    word = sum(value << k for k, value in enumerate(values))
    expected = word in (1, 2) or (word != 5 and values[2] == 1)
    assert CircuitModel(circuit).probability({"c3": 1}) == pytest.approx(float(expected))


@pytest.mark.parametrize("angles", [range(0), [2], range(3), [1, 5, 2]], ids=str)
def test_a_loop_over_known_values_is_what_it_repeats(angles: Sequence[int]) -> None:
    looped, written = QuantumCircuit(2, 2), QuantumCircuit(2, 2)
    angle = Parameter("angle")
    with looped.for_loop(angles, angle):
        looped.ry(angle / 3, 0)
        looped.cx(0, 1)
        with looped.if_test((looped.clbits[0], 1)):
            looped.x(1)
        looped.measure(0, 0)
    for value in angles:
        written.ry(value / 3, 0)
        written.cx(0, 1)
        with written.if_test((written.clbits[0], 1)):
            written.x(1)
        written.measure(0, 0)
    for circuit in (looped, written):
        circuit.measure(1, 1)
    one, other = CircuitModel(looped), CircuitModel(written)
    assert [*one.model.nodes] == [*other.model.nodes]
    for outcomes in product((0, 1), repeat=len(one.model.nodes)):
        read = dict(zip(one.model.nodes, outcomes, strict=True))
        assert one.probability(read) == pytest.approx(other.probability(read), abs=1e-12)


def test_a_reset_under_a_condition_resets_only_then() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.1, 0)
    circuit.x(1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.reset(1)
    circuit.measure(1, 1)
    model = CircuitModel(circuit)
    assert model.probability({"c0": 0, "c1": 1}) == pytest.approx(np.cos(0.55) ** 2)
    assert model.probability({"c0": 1, "c1": 0}) == pytest.approx(np.sin(0.55) ** 2)


def test_large_gates_states_and_boxes_are_taken_apart() -> None:
    rng = np.random.default_rng(3)
    ket = rng.normal(size=16) + 1j * rng.normal(size=16)
    circuit = QuantumCircuit(5, 5)
    circuit.initialize(ket / np.linalg.norm(ket), [2, 0, 4, 1])
    circuit.mcx([0, 1, 2], 3)
    inner = QuantumCircuit(2, name="inner")
    inner.h(0)
    inner.cp(0.7, 0, 1)
    circuit.append(inner.to_gate().control(2), [4, 3, 0, 1])
    plain = circuit.decompose(reps=4)
    circuit.measure(range(5), range(5))
    plain.measure(range(5), range(5))
    law, model = circuit_law(plain), CircuitModel(circuit)
    for bits in ((0, 0, 0, 0, 0), (1, 0, 1, 1, 0), (0, 1, 1, 0, 1)):
        outcome = {f"c{k}": value for k, value in enumerate(bits)}
        assert model.probability(outcome) == pytest.approx(law[bits], abs=ROUNDING)


def test_the_first_qubit_is_the_first_whatever_qiskit_thinks() -> None:
    """Gates without any symmetry on three qubits, in an order that is not theirs."""
    rng = np.random.default_rng(11)
    U = random_unitary(8, rng)
    circuit = QuantumCircuit(3, 3)
    circuit.append(UnitaryGate(U), [2, 0, 1])
    circuit.measure([0, 1, 2], [0, 1, 2])
    ket = U[:, 0].reshape(2, 2, 2)  # Qiskit's axes: the last of the gate's qubits first, so 1, 0, 2
    law = np.abs(ket.transpose(1, 0, 2)) ** 2
    model = CircuitModel(circuit)
    for bits in product((0, 1), repeat=3):
        assert model.probability(named(dict(enumerate(bits)))) == pytest.approx(law[bits], abs=ROUNDING)


QASM2 = """OPENQASM 2.0; include "qelib1.inc"; qreg q[3]; creg mx[1]; creg mz[1]; creg out[1];
u3(1.1,0.3,0.2) q[0]; h q[1]; cx q[1],q[2]; cx q[0],q[1]; h q[0];
measure q[0] -> mz[0]; measure q[1] -> mx[0]; barrier q;
if (mx==1) x q[2]; if (mz==1) z q[2]; reset q[0]; u3(-1.1,-0.2,-0.3) q[2]; measure q[2] -> out[0];"""


def test_a_file_of_openqasm_is_a_circuit(tmp_path: Path) -> None:
    file = tmp_path / "teleport.qasm"
    file.write_text(QASM2, encoding="utf-8")
    for source in (QASM2, file, str(file), load_circuit(QASM2)):
        model = from_circuit(source)
        assert [*model.model.nodes] == ["mz", "mx", "out"]
        assert model.probability({"out": 0}) == pytest.approx(1)


QASM3 = """OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; bit loose;
U(1.1, 0.3, 0.2) q[0]; c[0] = measure q[0];
if (c[0] == true) { x q[1]; } else { U(0.7, 0, 0) q[1]; }
c[1] = measure q[1]; reset q[0]; if (c == 3) { x q[0]; } loose = measure q[0];"""


def test_openqasm_3_is_read_with_its_conditions_and_else() -> None:
    model = from_circuit(QASM3)
    assert [*model.model.nodes] == ["c0", "c1", "clbit2"]  # a bit in no register has no name in Qiskit
    one = np.sin(0.55) ** 2
    assert model.probability({"c0": 1, "c1": 1, "clbit2": 1}) == pytest.approx(one)
    assert model.probability({"c0": 0, "c1": 1}) == pytest.approx((1 - one) * np.sin(0.35) ** 2)
    assert model.probability({"clbit2": 0}) == pytest.approx(1 - one)


def test_the_teleported_state_arrives_and_the_published_file_says_so() -> None:
    """Bob's state is Alice's, or Z of it if a needed correction is left out: |⟨ψ|Z|ψ⟩|² = cos² 0.3."""
    model = from_circuit(Path(paths.DATA / "published" / "teleport.qasm"))
    assert [*model.model.nodes] == ["c0", "c1", "out"]
    assert model.probability({"out": 0}) == pytest.approx(1)
    arrived = model.probability({"out": 0}, do={"c0": 0})  # half of the time the correction was needed
    assert arrived == pytest.approx((1 + np.cos(0.3) ** 2) / 2)


def test_openqasm_3_needs_a_package_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from qiskit import qasm3

    def missing(_: str) -> None:
        raise ImportError("no importer")

    monkeypatch.setattr(qasm3, "loads", missing)
    with pytest.raises(ModuleNotFoundError, match=r"source: OpenQASM 3 needs the package qiskit-qasm3-import"):
        from_circuit('OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; c = measure q;')


# ── interventions ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_labelled_place_is_a_node_at_which_one_may_act() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.append(IGate(label="here"), [0])
    circuit.cx(0, 1)
    circuit.measure(1, 0)
    model = CircuitModel(circuit)
    assert model.probability({"c": 0}) == pytest.approx(1)
    assert model.probability({"c": 0}, do={"here": 1}) == pytest.approx(0.5)
    assert model.probability({"c": 0, "here": 1}, measure={"here": "Z"}) == pytest.approx(0.5)


def test_do_sets_the_bit_that_later_gates_read() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    model = CircuitModel(circuit)
    assert model.probability({"c1": 1}) == pytest.approx(0)
    assert model.probability({"c1": 1}, do={"c0": 1}) == pytest.approx(1)
    assert model.probability({"c1": 1}, measure={"c0": "X"}) == pytest.approx(0.5)
    assert model.counterfactual(given={"c0": 0}, had={"c0": 1}, then={"c1": 1}).probability is COUNTERPOSSIBLE
    assert model.counterfactual(given={"c0": 0}, do={"c0": 1}, then={"c1": 1}).probability == pytest.approx(1)


def test_any_instrument_of_a_qubit_may_take_the_place_of_a_measurement() -> None:
    weak = Instrument.from_povm([np.diag([0.8, 0.3]), np.diag([0.2, 0.7])], "weak")
    circuit = QuantumCircuit(1, 2)
    circuit.ry(0.9, 0)
    circuit.measure(0, 0)
    circuit.measure(0, 1)
    model = CircuitModel(circuit)
    one = np.sin(0.45) ** 2
    assert model.probability({"c0": 1, "c1": 1}, measure={"c0": weak}) == pytest.approx(0.7 * one)


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_loop() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(0)
    return circuit


def measured_under_a_condition() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.measure(0, 1)
    return circuit


def with_parameter() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("angle"), 0)
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (with_loop, r"circuit: while_loop\(q\) should be a gate"),
        (measured_under_a_condition, "circuit: a measurement into c1 stands under a condition"),
        (with_parameter, "circuit: the parameters angle have no values"),
        (lambda: QuantumCircuit(2), "circuit: it measures nothing"),
    ],
)
def test_what_no_model_can_be_made_of_is_refused_by_name(circuit: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_circuit(circuit())


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"given": {"b": 0}, "then": {"c0": 0}}, "given: node 'b': the circuit has c0, c1"),
        ({"given": {"c0": 2}, "then": {"c1": 0}}, "evidence: c0 = 2, but the actual instrument at c0 has 0, 1"),
        ({"then": {"c0": 0}, "do": {"c1": 2}}, "do: 2 at node c1 should be 0 or 1"),
        ({"then": {"c0": 0}, "do": {"c1": 1}, "had": {"c1": 1}}, "do: node c1 is in had as well"),
        ({"then": {"c0": 0}, "do": {"c1": 1}, "measure": {"c1": "X"}}, "do: node c1 is in measure as well"),
        ({"then": {"c0": 0}, "measure": {"c1": "W"}}, "measure: 'W' at node c1 should be X, Y or Z"),
        ({"then": {"c0": 0, "c[0]": 1}}, "then: node c0 is named twice"),
        ({"given": {"c0": 0}}, "the consequent should be an outcome"),
        ({"then": {"c0": 1}, "measure": {"c0": Instrument.idle(4)}}, "maps dimension 4 to 4, not 2 to 2"),
    ],
)
def test_a_question_that_means_nothing_is_refused_by_name(question: dict[str, Any], message: str) -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with pytest.raises(ValueError, match=message):
        counterfactual(circuit, **question)


def test_a_source_that_is_no_circuit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"circuit: 7 should be a QuantumCircuit"):
        from_circuit(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="should be a text of OpenQASM or a file of it"):
        from_circuit(tmp_path / "nowhere.qasm")
    with pytest.raises(ValueError, match="source: QASM2ParseError"):
        from_circuit("OPENQASM 2.0; qreg q[2]; nonsense q[0];")
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match="should be OpenQASM 2 or 3"):
        from_circuit(tmp_path / "text")


# ── width ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_thirty_qubits_are_answered_as_the_part_that_matters_is() -> None:
    """The light cone of a node of a ladder of two layers is four qubits wide: cut out, it gives the same answer."""
    circuit = ladder(30, 2, seed=1)
    part = QuantumCircuit(6, 6)
    for item in circuit.data:
        places = [circuit.find_bit(q).index - 12 for q in item.qubits]
        if set(places) <= set(range(6)):
            part.append(item.operation, places, places if item.clbits else [])
    question = {"given": {"c14": 1}, "had": {"c14": 0}, "then": {"c15": 1}}
    small = {name: {f"c{int(k[1:]) - 12}": v for k, v in values.items()} for name, values in question.items()}
    law = circuit_law(part)
    expected = law[:, :, 0, 1].sum() / law[:, :, 0].sum()
    assert counterfactual(circuit, **question).probability == pytest.approx(expected)  # type: ignore[arg-type]
    assert counterfactual(part, **small).probability == pytest.approx(expected)  # type: ignore[arg-type]


def test_a_circuit_that_is_too_entangled_is_refused_with_its_width() -> None:
    rng, circuit = np.random.default_rng(5), QuantumCircuit(40, 40)
    for _ in range(12):
        order = rng.permutation(40)
        for k in range(0, 40, 2):
            circuit.append(UnitaryGate(random_unitary(4, rng)), [int(order[k]), int(order[k + 1])])
    circuit.measure(range(40), range(40))
    with pytest.raises(ValueError, match=r"circuit: it is too entangled for this question: .* has width \d\d"):
        from_circuit(circuit).probability({"c3": 0, "c30": 1})
