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
from qiskit.quantum_info import Choi, DensityMatrix, Operator, Statevector, random_unitary

from compendium.studies.kang_laws import mean_region
from qlib.correlations import bell_tests, scenarios
from qlib.models import bounds, potential_outcomes
from qlib.numbers import arguments
from qlib.quantum import channels, two_qubits
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.process_parts import unitary
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


def test_of_one_space_the_order_of_its_qubits_is_nobodys_business() -> None:
    U = random_unitary(4, seed=4)
    assert unitary(U, ["A"], ["B"]).array == pytest.approx(U.data)
    assert Instrument.unitary(U).same_as(Instrument.unitary(U.data))


def test_a_channel_of_qiskit_is_no_matrix() -> None:
    with pytest.raises(TypeError, match=r"matrix: Qiskit's Choi is no matrix"):
        unitary(Choi(np.eye(16) / 4), ["q0", "q1"], ["a", "b"])


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
