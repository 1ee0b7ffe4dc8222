"""What no computation could give a meaning is refused at once, by name."""

import ast
import inspect
import itertools
from math import isqrt

import fuzz
import numpy as np
import pytest
import sympy as sp
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate
from qiskit.quantum_info import Choi, DensityMatrix, Kraus, Operator, Statevector, SuperOp, random_unitary

from compendium.studies.kang_laws import mean_region
from qlib.correlations import behaviours, bell_tests, scenarios
from qlib.models import bounds, potential_outcomes
from qlib.numbers import arguments
from qlib.quantum import channels, completions, retrodiction, two_qubits
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.process_parts import channel, unitary
from qlib.quantum.processes import QuantumStructuralModel, probability

UNIFORM = np.full((2, 2, 2), 0.25)
Z = Instrument.projective([np.diag([1, 0]), np.diag([0, 1])], name="z")
CODE = "__import__('os').getcwd()"


def with_entry(entry: object) -> np.ndarray:
    p = UNIFORM.astype(object)
    p[0, 0, 0] = entry
    return p


# --- texts, masks and imaginary parts --------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["0.25", CODE, "1/4", b"0.25", np.str_("0.25")])
@pytest.mark.parametrize(
    "call",
    [
        bounds.ace_bounds,
        bounds.instrumental_inequality,
        bounds.bound_certificate,
        lambda p: two_qubits.correlation_matrix(p.reshape(2, 4)),
        lambda p: channels.validate_state(p.reshape(2, 4)),
        lambda p: scenarios.Phenomenon(scenarios.bell_scenario(2), p.reshape(2, 4)[:, :2]),
        lambda p: mean_region(p.ravel(), np.ones(8), 10, 0.1),
    ],
)
def test_a_text_is_never_a_number(call, entry) -> None:
    with pytest.raises(ValueError, match=r"is the text .*; it should be a number"):
        call(with_entry(entry))


@pytest.mark.parametrize("entry", [np.nan, np.inf, sp.nan, sp.oo, sp.zoo, complex(0, np.inf), np.float32("nan")])
def test_what_is_not_finite_is_refused_among_exact_numbers_and_others(entry) -> None:
    with pytest.raises(ValueError, match=r"p: entry \(0, 0, 0\) is .*; it should be a finite number"):
        bounds.ace_bounds(with_entry(entry))


@pytest.mark.parametrize("entry", [None, object(), [], sp.Eq(sp.Symbol("x"), 1), "0.25"])
def test_what_is_no_number_is_refused_among_exact_numbers(entry) -> None:
    p = UNIFORM.astype(object)
    p.flat[3:4] = [None]
    p[0, 1, 1] = entry
    with pytest.raises((ValueError, TypeError), match=r"p: entry \(0, 1, 1\) is"):
        arguments.numbers(p, "p")


def test_a_masked_entry_is_no_entry() -> None:
    mask = np.zeros((2, 2, 2), dtype=bool)
    assert bounds.ace_bounds(np.ma.MaskedArray(UNIFORM, mask)).lower == pytest.approx(-0.5)
    mask[0, 1, 1] = True
    for call in (bounds.ace_bounds, potential_outcomes.instrumental_behaviour):
        with pytest.raises(ValueError, match=r"p: entry \(0, 1, 1\) is masked"):
            call(np.ma.MaskedArray(UNIFORM, mask))
    with pytest.raises(ValueError, match=r"visibility: it is masked"):
        two_qubits.werner_state(np.ma.masked)


def test_an_imaginary_part_is_refused_where_there_can_be_none_however_small() -> None:
    with pytest.raises(ValueError, match=r"table: entry \(0, 0, 0\) is .*; it should be real"):
        scenarios.Phenomenon(scenarios.bell_scenario(1, 1), np.full((1, 2, 2), 0.25) + np.eye(2) * 1e-12j)
    with pytest.raises(ValueError, match=r"p: entry .*; it should be real"):
        bounds.ace_bounds(UNIFORM + 0.1j)
    with pytest.raises(ValueError, match=r"direction: .*; it should be real"):
        two_qubits.spin_observable([0, 0, 1 + 0.1j])
    assert scenarios.Phenomenon(scenarios.bell_scenario(1), np.array([[0.5 + 0j, 0.5]])).table.dtype == float


def test_nothing_that_a_user_passes_is_evaluated() -> None:
    """No call of `eval` or `exec` in the library; `sympify` meets numbers only, as `numbers` refuses texts before."""
    for module in fuzz.modules():
        called = {node.func.id for node in ast.walk(ast.parse(inspect.getsource(module))) if _is_call(node)}
        assert not called & {"eval", "exec"}, module.__name__


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


# --- indices, weights, states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [2, -1, 10, True, 0.0, "0", None])
def test_the_effect_has_two_values_of_the_instrument(z) -> None:
    law = potential_outcomes.law_with_marginal_exogeneity_only()
    with pytest.raises((ValueError, TypeError), match=r"^z: "):
        potential_outcomes.average_causal_effect(law, z=z)
    assert potential_outcomes.average_causal_effect(law, z=1) == 0


@pytest.mark.parametrize("visibility", [1.5, -0.1, np.nan, sp.Rational(3, 2), "0.5", 0.5j, [0.5, 2]])
def test_a_visibility_is_a_weight(visibility) -> None:
    with pytest.raises(ValueError, match=r"^visibility: "):
        two_qubits.werner_state(visibility)


@pytest.mark.parametrize("weight", [-1, 1.5, np.nan, sp.Rational(-1, 10**30), "1/2", 1j])
def test_mixtures_have_weights_between_0_and_1(weight) -> None:
    with pytest.raises(ValueError, match=r"^weight: "):
        scenarios.mix(weight, scenarios.pr_box(), scenarios.tsirelson())


@pytest.mark.parametrize(
    "call",
    [two_qubits.chsh_maximum, two_qubits.concurrence, two_qubits.optimal_settings, two_qubits.correlation_matrix],
)
def test_only_states_have_entanglement(call) -> None:
    for wrong, why in ((-np.eye(4) / 4, "positive"), (np.eye(4), "trace"), (np.triu(np.ones((4, 4))) / 4, "Hermitian")):
        with pytest.raises(ValueError, match=rf"^rho: .*{why}"):
            call(wrong)
    call(np.stack([np.eye(4) / 4, two_qubits.ghz_state(2).astype(float)]))


@pytest.mark.parametrize("number", [0, -1, 2.0, None, "2", True, 10**7])
def test_there_are_as_many_parties_and_dimensions_as_a_whole_number_says(number) -> None:
    for call, name in (
        (two_qubits.ghz_state, "parties"),
        (bell_tests.mermin_klyshko, "parties"),
        (Instrument.idle, "dimension"),
    ):
        with pytest.raises((ValueError, TypeError), match=rf"^{name}: "):
            call(number)


def test_response_types_are_coupled_only_if_they_are_probabilities() -> None:
    q = np.full((2, 2, 2, 2), 1 / 8)
    q[0, 0, 0] -= 0.5
    q[1, 0, 0] += 0.5
    with pytest.raises(ValueError, match=r"q\[0, 0, 0, 0\] = -0.375; a probability"):
        potential_outcomes.couple(q)


# --- the order of qubits ---------------------------------------------------------------------------------------------


def prepared(gate: object, names: list[str]) -> QuantumStructuralModel:
    """Two qubits, the first |1⟩ and the second |0⟩, and a gate on both."""
    nodes = (QuantumNode("a", 2, 1), QuantumNode("b", 2, 1))
    up, down = np.diag([0, 1]), np.diag([1, 0])
    sources = {name: Instrument.do(state, d_in=1) for name, state in (("q0", up), ("q1", down))}
    return QuantumStructuralModel(nodes, sources, (unitary(gate, names, ["a", "b"]),))


def read(outcome: int) -> Instrument:
    return Instrument.measure_and_prepare({0: np.diag([1, 0]), 1: np.diag([0, 1])}, {k: np.eye(1) for k in (0, 1)})


@pytest.mark.parametrize("as_given", ["operator", "gate", "circuit"])
def test_an_operator_of_qiskit_acts_on_the_qubits_in_the_order_of_their_names(as_given: str) -> None:
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    gate = {"operator": Operator(circuit), "gate": CXGate(), "circuit": circuit}[as_given]
    instruments = {"a": read(0), "b": read(0)}
    assert probability(prepared(gate, ["q0", "q1"]), instruments, {"a": 1, "b": 1}) == pytest.approx(1)
    assert probability(prepared(gate, ["q1", "q0"]), instruments, {"a": 0, "b": 1}) == pytest.approx(1)


def test_matrices_of_qiskit_are_kronecker_products_in_the_order_of_the_qubits() -> None:
    one, other, third = (random_unitary(2, seed=seed) for seed in (1, 2, 3))
    expected = np.kron(np.kron(one.data, other.data), third.data)
    assert arguments.numbers(third.tensor(other).tensor(one), "U") == pytest.approx(expected)
    state = Statevector(one.data[:, 0]).expand(Statevector(other.data[:, 0]))
    assert arguments.numbers(state, "psi") == pytest.approx(np.kron(one.data[:, 0], other.data[:, 0]))
    rho = DensityMatrix(state)
    reduced = channels.partial_trace(rho, (2, 2), keep=(0,))
    assert reduced == pytest.approx(np.outer(one.data[:, 0], one.data[:, 0].conj()))


def kron3(*matrices: np.ndarray) -> np.ndarray:
    return np.kron(np.kron(matrices[0], matrices[1]), matrices[2])


def three_qubit_gate() -> tuple[QuantumCircuit, np.ndarray]:
    """A circuit on three qubits without any symmetry, and its matrix with the first qubit the slowest, by hand."""
    u, v, w = (random_unitary(2, seed=seed).data for seed in (7, 8, 9))
    circuit = QuantumCircuit(3)
    for qubit, matrix in enumerate((u, v, w)):
        circuit.unitary(matrix, [qubit])
    circuit.cx(0, 1)
    circuit.cx(2, 0)
    zero, one, eye, x = np.diag([1, 0]), np.diag([0, 1]), np.eye(2), np.array([[0, 1], [1, 0]])
    first = kron3(zero, eye, eye) + kron3(one, x, eye)
    second = kron3(eye, eye, zero) + kron3(x, eye, one)
    return circuit, second @ first @ kron3(u, v, w)


@pytest.mark.parametrize("form", ["operator", "gate", "circuit", "instruction"])
def test_whatever_takes_an_operator_takes_qiskits_on_three_qubits_in_their_order(form: str) -> None:
    circuit, U = three_qubit_gate()
    given = {"operator": Operator(circuit), "gate": circuit.to_gate(), "circuit": circuit,
             "instruction": circuit.to_instruction()}[form]  # fmt: skip
    close = {"abs": 1e-9}
    assert arguments.numbers(given, "U") == pytest.approx(U, **close)
    assert arguments.numbers([given, U], "U") == pytest.approx(np.array([U, U]), **close)  # NumPy would not reorder
    assert arguments.numbers([[given], (given,)], "U").shape == (2, 1, 8, 8)
    assert unitary(given, ["A"], ["B"]).array == pytest.approx(U, **close)
    assert unitary(given, [*"abc"], [*"xyz"]).array == pytest.approx(U, **close)
    assert channel([given], [*"abc"], [*"xyz"]).array == pytest.approx(channel([U], ["a"], ["b"]).array, **close)
    assert Instrument.unitary(given).same_as(Instrument.unitary(U))
    assert Instrument.from_kraus({0: [given]}).same_as(Instrument.from_kraus({0: [U]}))
    assert channels.kron(given, given) == pytest.approx(np.kron(U, U), **close)
    assert channels.partial_trace(given, (2, 2, 2), (0, 1)) == pytest.approx(
        np.einsum("abcdec->abde", U.reshape((2,) * 6)).reshape(4, 4), **close
    )


def test_whatever_takes_a_state_or_an_effect_takes_qiskits_on_three_qubits_in_their_order() -> None:
    circuit, U = three_qubit_gate()
    ket = U[:, 0]
    rho = np.outer(ket, ket.conj())
    for state in (Statevector(circuit), DensityMatrix(circuit)):
        assert channels.density_operator(state) == pytest.approx(rho)
        assert channels.validate_state(state) == pytest.approx(rho)
        assert Instrument.do(state, 2).same_as(Instrument.do(rho, 2))
        assert Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, dict(enumerate([state, np.eye(8) / 8]))).same_as(
            Instrument.discard_and_prepare({0: 0.5, 1: 0.5}, {0: rho, 1: np.eye(8) / 8})
        )
        M, N = (np.array([[[[1, 0], [0, 0]], [[0, 0], [0, 1]]]]), np.eye(4)[None, None])
        assert channels.born_rule(state, M, N)[0, 0, :, 0] == pytest.approx(
            [np.sum(np.abs(ket[:4]) ** 2), np.sum(np.abs(ket[4:]) ** 2)]
        )
    P = DensityMatrix(circuit)
    effects = [Operator(P.data), Operator(np.eye(8) - P.data)]
    expected = [rho, np.eye(8) - rho]
    assert Instrument.projective(effects).same_as(Instrument.projective(expected))
    soft = [Operator(0.5 * effect.data + np.eye(8) / 4) for effect in effects]
    assert Instrument.from_povm(soft).same_as(Instrument.from_povm([0.5 * e + np.eye(8) / 4 for e in expected]))
    assert Instrument.measure_and_prepare(effects, [P, Statevector(circuit)]).same_as(
        Instrument.measure_and_prepare(expected, [rho, rho])
    )
    assert retrodiction.petz_posterior(P, effects[0]) == pytest.approx(rho)
    assert retrodiction.record_posterior([0.5, 0.5], [P, np.eye(8) / 8], effects[0]) == pytest.approx(
        retrodiction.record_posterior([0.5, 0.5], [rho, np.eye(8) / 8], rho)
    )


def test_channels_of_qiskit_on_three_qubits_act_on_them_in_their_order() -> None:
    """A mixture of two circuits without symmetry, as Kraus, Choi and SuperOp, and a circuit with a reset."""
    circuit, U = three_qubit_gate()
    W = kron3(*(random_unitary(2, seed=seed).data for seed in (17, 18, 19)))
    w = QuantumCircuit(3)
    for qubit, seed in enumerate((17, 18, 19)):
        w.unitary(random_unitary(2, seed=seed).data, [qubit])
    mixture = Kraus([np.sqrt(0.3) * Operator(circuit).data, np.sqrt(0.7) * Operator(w).data])
    expected = channel(np.array([np.sqrt(0.3) * U, np.sqrt(0.7) * W]), ["A"], ["B"]).array
    for form in (Kraus, Choi, SuperOp):
        assert channel(form(mixture), ["A"], ["B"]).array == pytest.approx(expected, abs=1e-9)
        assert Instrument.from_kraus({0: form(mixture)}).channel == pytest.approx(expected.T, abs=1e-9)
    assert arguments.kraus_numbers(circuit, "U")[0] * np.exp(0.3j) != pytest.approx(U)  # up to a phase only
    forgetful = QuantumCircuit(2)
    forgetful.reset(1)
    found = channel(forgetful, [*"ab"], [*"xy"]).array
    into = [np.kron(np.eye(2), np.outer([1, 0], row)) for row in np.eye(2)]
    assert found == pytest.approx(channel(np.array(into), ["A"], ["B"]).array, abs=1e-9)


def test_kets_are_states_wherever_density_operators_are() -> None:
    ket = np.array([0.6, 0, 0.48j, 0.64])
    rho = np.outer(ket, ket.conj())
    for call in (two_qubits.concurrence, two_qubits.chsh_maximum, two_qubits.correlation_matrix):
        assert call(ket) == pytest.approx(call(rho))
    observables = np.stack([[channels.PAULI_Z, channels.PAULI_X], [channels.PAULI_Y, channels.PAULI_Z]]).astype(complex)
    assert behaviours.correlators(ket, observables) == pytest.approx(behaviours.correlators(rho, observables))
    E = np.diag([1.0, 0.5, 0.25, 1])
    assert retrodiction.petz_posterior(ket, E) == pytest.approx(retrodiction.petz_posterior(rho, E))
    up, down = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    asked = np.kron(up, up), np.kron(down, np.eye(2)), np.kron(down, down)
    assert completions.answer_bounds(ket, *asked) == pytest.approx(completions.answer_bounds(rho, *asked))
    kets = [ket, np.eye(4)[1]]
    assert retrodiction.record_posterior([0.4, 0.6], kets, E) == pytest.approx(
        retrodiction.record_posterior([0.4, 0.6], [np.outer(k, np.conj(k)) for k in kets], E)
    )
    with pytest.raises(ValueError, match=r"rho: its squared norm is .* and should be 1"):
        two_qubits.concurrence(2 * ket)
    with pytest.raises(ValueError, match=r"rho: shape \(2, 2\) should be \(\.\.\., 4, 4\)"):
        two_qubits.concurrence([1.0, 0.0])


def test_a_channel_of_qiskit_is_no_matrix() -> None:
    with pytest.raises(TypeError, match=r"matrix: Qiskit's Choi is no matrix"):
        unitary(Choi(np.eye(16) / 4), ["q0", "q1"], ["a", "b"])


def test_what_is_no_channel_of_qiskit_is_refused_by_name() -> None:
    measuring = QuantumCircuit(1, 1)
    measuring.measure(0, 0)
    with measuring.if_test((measuring.clbits[0], 1)):
        measuring.x(0)
    with pytest.raises(TypeError, match="kraus: Qiskit's QuantumCircuit is no channel"):
        channel(measuring, ["A"], ["B"])
    with pytest.raises(ValueError, match="kraus: it has two families of Kraus operators"):
        channel(SuperOp(np.diag([1, -1, 1, 1])), ["A"], ["B"])


# --- all public functions --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes() -> list[fuzz.Outcome]:
    done = [module for module in fuzz.modules() if module.__name__.rpartition(".")[2] not in fuzz.OPEN]
    return list(fuzz.fuzz(fuzz.examples(done, most=1), share=0.4))


def test_every_wrong_argument_ends_in_a_value_or_a_refusal_by_name(outcomes) -> None:
    failures = [o for o in outcomes if o.kind in fuzz.FAILURES]
    assert not failures, "\n".join(map(str, failures[:20])) + "\n" + fuzz.table(outcomes)
    assert len(outcomes) > 1000


def test_the_same_calls_are_made_every_time() -> None:
    found = fuzz.examples([m for m in fuzz.modules() if m.__name__ == "qlib.graphs.graphs"], most=1)
    first, second = (itertools.islice(fuzz.fuzz(found, share=0.3), 50) for _ in range(2))
    assert [(o.name, o.parameter, o.change) for o in first] == [(o.name, o.parameter, o.change) for o in second]


def test_an_exact_number_is_real_and_a_probability_or_not_however_little_it_misses() -> None:
    tiny = sp.Rational(1, 10**40)
    cosine = (sp.exp(sp.I * sp.pi / 7) + sp.exp(-sp.I * sp.pi / 7)) / 2
    assert arguments.reals(np.array([cosine]), "weights") == pytest.approx(np.cos(np.pi / 7))
    assert arguments.probabilities(np.array([cosine, 0, 1]), "weights").shape == (3,)
    for wrong, message in ((tiny * sp.I, "real"), (cosine + tiny * sp.I, "real")):
        with pytest.raises(ValueError, match=f"weights: .*should be {message}"):
            arguments.reals(np.array([wrong]), "weights")
    for wrong in (-tiny, 1 + tiny, sp.sqrt(2) - sp.Rational(isqrt(2 * 10**80) + 1, 10**40)):
        with pytest.raises(ValueError, match=r"weights: .*should lie between 0 and 1"):
            arguments.probabilities(np.array([wrong]), "weights")
