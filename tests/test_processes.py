"""Quantum causal models and structural models: contracted = dense, exact = float, no signalling; what is refused."""

import gc
import weakref
from itertools import product
from math import isqrt

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.exact_arrays import Array, exact, vanishes
from qlib.numbers.tensor_networks import Tensor
from qlib.quantum.causal_order import oreshkov_costa_brukner
from qlib.quantum.channels import PAULI_X, PAULI_Z, kron
from qlib.quantum.instruments import Instrument
from qlib.quantum.processes import (
    Part,
    Process,
    ProcessMixture,
    ProcessOperator,
    QuantumCausalModel,
    QuantumNode,
    QuantumStructuralModel,
    _compiled,
    _real,
    channel,
    node_operators,
    outcome_tensor,
    probability,
    unitary,
)
from qlib.quantum.random_processes import (
    random_channel,
    random_instrument,
    random_markov_process,
    random_structural_model,
    random_unitary,
)

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
ARROWS = {
    "chain": ["AB", "BC"],
    "fork": ["AB", "AC"],
    "collider": ["AC", "BC"],
    "triangle": ["AB", "AC", "BC"],
    "apart": ["AB"],
}
GRAPHS = st.sampled_from([CausalGraph(dict.fromkeys("ABC", "observed"), map(tuple, e)) for e in ARROWS.values()])
FAST = settings(max_examples=12)
FEW = settings(max_examples=4)
A, B = QuantumNode("A"), QuantumNode("B")
ONE, HALF = exact(np.eye(2, dtype=int)), sp.Rational(1, 2)
P0, P1 = exact([[1, 0], [0, 0]]), exact([[0, 0], [0, 1]])
PLUS, MINUS = (ONE + PAULI_X) / 2, (ONE - PAULI_X) / 2
SWAP = np.eye(4, dtype=int)[[0, 2, 1, 3]]
CNOT = np.eye(4, dtype=int)[[0, 1, 3, 2]]
COIN = Instrument.discard_and_prepare({0: HALF, 1: HALF}, {0: P0, 1: P1})


def instruments_of(process: Process, rng: np.random.Generator) -> dict[str, Instrument]:
    return {name: random_instrument(node, rng) for name, node in process.nodes.items()}


def dense_probability(operator: ProcessOperator, instruments: dict[str, Instrument], outcomes: dict[str, int]) -> float:
    """Tr[σ ⊗ τ] with matrices, and nothing else."""
    taus = []
    for name, node in operator.nodes.items():
        tau = instruments[name][outcomes[name]] if name in outcomes else instruments[name].channel
        four = tau.reshape(node.d_out, node.d_in, node.d_out, node.d_in)
        taus.append(four.transpose(1, 0, 3, 2).reshape(tau.shape))
    return float(np.trace(operator.array @ kron(*taus)).real)


def law(process: Process, instruments: dict[str, Instrument]) -> Array:
    return np.array(
        [
            probability(process, instruments, dict(zip(process.nodes, outcomes, strict=True)))
            for outcomes in product((0, 1), repeat=len(process.nodes))
        ]
    )


# ── probabilities ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(GRAPHS, SEEDS)
@FAST
def test_laws_are_probabilities_that_sum_to_one(graph: CausalGraph, rng: np.random.Generator) -> None:
    for process in (random_markov_process(graph, rng), random_structural_model(graph, rng)):
        p = law(process, instruments_of(process, rng))
        assert p.min() > -1e-12
        assert abs(p.sum() - 1) < 1e-12


@given(GRAPHS, SEEDS)
@FEW
def test_the_contracted_network_and_the_dense_operator_give_the_same(
    graph: CausalGraph, rng: np.random.Generator
) -> None:
    for process in (random_markov_process(graph, rng), random_structural_model(graph, rng)):
        operator, instruments = process.process_operator(), instruments_of(process, rng)
        for outcomes in ({}, {"A": 1}, {"A": 0, "C": 1}, {"A": 1, "B": 1, "C": 0}):
            contracted = probability(process, instruments, outcomes)
            assert abs(contracted - dense_probability(operator, instruments, outcomes)) < 1e-12
            assert abs(contracted - probability(operator, instruments, outcomes)) < 1e-12


@given(GRAPHS, SEEDS)
@FEW
def test_no_node_signals_to_those_that_are_not_its_descendants(graph: CausalGraph, rng: np.random.Generator) -> None:
    """Neither by its instrument's choice, in the network nor in the process operator."""
    model = random_markov_process(graph, rng)
    before = instruments_of(model, rng)
    for node in model.nodes:
        after = {**before, node: random_instrument(model.nodes[node], rng)}
        others = [name for name in model.nodes if name != node and node not in graph.ancestors(name)]
        outcomes = dict.fromkeys(others, 0)
        for process in (model, model.process_operator()):
            assert abs(probability(process, before, outcomes) - probability(process, after, outcomes)) < 1e-12


@given(SEEDS)
@FAST
def test_exact_and_floating_point_arithmetic_agree(rng: np.random.Generator) -> None:
    """A controlled rotation by a Pythagorean angle, and an instrument with rational entries."""
    a, b = sorted(rng.choice(range(1, 9), 2, replace=False).tolist())
    c, s = sp.Rational(b * b - a * a, a * a + b * b), sp.Rational(2 * a * b, a * a + b * b)
    turn = exact([[c, -s], [s, c]])
    zero = exact(np.zeros((2, 2), dtype=int))
    U = exact(np.block([[ONE, zero], [zero, turn]]).tolist())
    coin = Instrument.discard_and_prepare({0: sp.Rational(a, 9), 1: 1 - sp.Rational(a, 9)}, {0: PLUS, 1: P0})
    node = QuantumNode("A", 2, 2)
    models = [
        QuantumStructuralModel(
            [node, B],
            {"Λ": i, "Λ'": j},
            [unitary(ONE * one, ["Λ"], ["A"]), unitary(V, ["A", "Λ'"], ["S", "B"])],
            {"S": 2},
        )
        for i, j, one, V in (
            (coin, COIN, 1, U),
            (floating(coin), floating(COIN), 1.0, U.astype(float)),
        )
    ]
    Z, X = Instrument.projective({0: P0, 1: P1}), Instrument.projective({0: PLUS, 1: MINUS})
    exactly, rounded = models
    for outcomes in ({"A": 0}, {"B": 1}, {"A": 1, "B": 0}):
        value = probability(exactly, {"A": X, "B": Z}, outcomes)
        assert isinstance(value, sp.Rational)
        assert abs(float(value) - probability(rounded, {"A": floating(X), "B": floating(Z)}, outcomes)) < 1e-12


def floating(instrument: Instrument) -> Instrument:
    operators = {a: tau.astype(complex) for a, tau in instrument.operators.items()}
    return Instrument(operators, instrument.d_in, instrument.d_out, instrument.name)


def test_probabilities_of_a_free_state_are_formulas() -> None:
    t = sp.Symbol("t", real=True)
    state = exact([[sp.cos(t) ** 2, sp.cos(t) * sp.sin(t)], [sp.cos(t) * sp.sin(t), sp.sin(t) ** 2]])
    node = QuantumNode("A", 2, 1)
    model = QuantumCausalModel([node], [Part(state, (), ("A",))])
    Z = Instrument.measure_and_prepare({0: P0, 1: P1}, {0: exact([[1]]), 1: exact([[1]])})
    assert probability(model, {"A": Z}, {"A": 1}) == sp.sin(t) ** 2


def test_a_batch_of_states_gives_a_batch_of_probabilities() -> None:
    angles = np.linspace(0, np.pi, 5)
    c, s = np.cos(angles), np.sin(angles)
    states = np.moveaxis(np.array([[c * c, c * s], [c * s, s * s]]), -1, 0)
    prepared = Instrument.discard_and_prepare({0: 0.25, 1: 0.75}, {0: states, 1: np.eye(2) / 2})
    model = QuantumStructuralModel([A], {"Λ": prepared}, [unitary(np.eye(2), ["Λ"], ["A"])])
    Z = floating(Instrument.projective({0: P0, 1: P1}))
    np.testing.assert_allclose(probability(model, {"A": Z}, {"A": 0}), c * c / 4 + 3 / 8)
    assert outcome_tensor(model, node_operators(model, {"A": Z}, {"A": 0})).shape == (5, 2)
    assert model.process_operator().array.shape == (5, 4, 4)


def test_real_takes_the_real_part_and_unpacks_a_single_number() -> None:
    assert _real(np.array(0.5 + 1e-17j)) == 0.5
    assert _real(np.array([1j + 2, 3])).tolist() == [2.0, 3.0]


# ── Markov processes ────────────────────────────────────────────────────────────────────────────────────────────────


@given(GRAPHS, SEEDS)
@FAST
def test_the_factorisation_of_a_markov_process_operator_is_unique(graph: CausalGraph, rng: np.random.Generator) -> None:
    model = random_markov_process(graph, rng)
    again = QuantumCausalModel.from_operator(model.process_operator(), graph)
    for part in again.parts:
        (same,) = [other for other in model.parts if other.writes == part.writes]
        np.testing.assert_allclose(part.operator, same.operator, atol=1e-12)


def test_an_entangled_common_source_is_not_markov_without_the_source() -> None:
    bell = np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2
    nodes = [QuantumNode("A", 2, 1), QuantumNode("B", 2, 1)]
    operator = ProcessOperator(nodes, bell)
    with pytest.raises(ValueError, match=r"not Markov for the graph: it is not the product \(max deviation 0\.5\)"):
        QuantumCausalModel.from_operator(operator, CausalGraph(dict.fromkeys("AB", "observed"), []))


def test_two_joint_observables_of_two_parents_may_commute_though_their_factors_do_not() -> None:
    """B finds X ⊗ X, C finds Z ⊗ Z of the outputs of A and D: the operators commute."""
    nodes = [QuantumNode("A", 1), QuantumNode("D", 1), QuantumNode("B", 2, 1), QuantumNode("C", 2, 1)]
    model = QuantumCausalModel(nodes, [parity(PAULI_X, "B"), parity(PAULI_Z, "C")])
    assert model.graph.parents("B") == {"A", "D"}
    bad = Part(parity(PAULI_X, "B").array, ("A", "D"), ("C",))
    rotated = np.kron(PAULI_X, ONE)
    turned = Part(sum(kron(P, (kron(ONE, ONE) + s * rotated) / 2) for P, s in ((P0, 1), (P1, -1))), ("A", "D"), ("C",))
    QuantumCausalModel(nodes, [parity(PAULI_X, "B"), bad])
    with pytest.raises(ValueError, match="A, D → B and the part A, D → C read A, D both, and do not commute"):
        QuantumCausalModel(nodes, [parity(PAULI_Z, "B"), turned])


def parity(observable: Array, node: str) -> Part:
    joint = np.kron(observable, observable)
    projectors = [(kron(ONE, ONE) + sign * joint) / 2 for sign in (1, -1)]
    return Part(sum(kron(P, Q.T) for P, Q in zip((P0, P1), projectors, strict=True)), ("A", "D"), (node,))


def test_shared_outputs_may_be_named_in_any_order() -> None:
    """The commutator pads by names, not by places."""
    nodes = [QuantumNode("A", 1), QuantumNode("D", 1), QuantumNode("B", 2, 1), QuantumNode("C", 2, 1)]
    other = parity(PAULI_Z, "C")
    QuantumCausalModel(nodes, [parity(PAULI_X, "B"), Part(other.array, ("D", "A"), ("C",))])


IDENTITY = channel([np.eye(2)], ["A"], ["B"])
SOURCE = Part(np.eye(2) / 2, (), ("A",))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([SOURCE], "node B: no parts write it; exactly one should"),
        ([SOURCE, IDENTITY, IDENTITY], "node B: 2 parts write it"),
        (
            [SOURCE, Part(np.eye(4), ("A",), ("B",))],
            "the part A → B: the trace over what it writes should be the identity",
        ),
        (
            [SOURCE, Part(np.diag([1, 1, 0, 0]) + np.eye(4, k=1), ("A",), ("B",))],
            "the part A → B: it should be Hermitian",
        ),
        ([SOURCE, Part(np.diag([2, 2, -1, -1]), ("A",), ("B",))], "positive semidefinite .least eigenvalue -1"),
        ([SOURCE, channel([np.eye(2)], ["C"], ["B"])], "the part C → B: it reads 'C', which should be one of A, B"),
        ([SOURCE, channel([np.eye(2)], ["A"], ["C"])], "the part A → C: it writes 'C', which should be one of A, B"),
        ([SOURCE, Part(np.eye(2), ("A",), ("B",))], r"the part A → B: its array has the shape \(2, 2\)"),
        ([channel([np.eye(2)], ["B"], ["A"]), IDENTITY], "the arrows form a cycle: A → B → A"),
        ([channel([np.eye(4)[[0, 1]], np.eye(4)[[2, 3]]], ["A", "A"], ["B"]), SOURCE], "reads 'A' twice"),
    ],
)
def test_what_is_no_quantum_causal_model_is_refused(parts: list[Part], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QuantumCausalModel([A, B], parts)


def test_non_commuting_factors_are_refused_by_name() -> None:
    C = QuantumNode("C")
    with pytest.raises(ValueError, match="the part A → B and the part A → C read A both, and do not commute"):
        QuantumCausalModel([A, B, C], [SOURCE, IDENTITY, channel([np.eye(2)], ["A"], ["C"])])


def test_a_parent_that_the_graph_does_not_have_is_refused() -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("B", "A")])
    with pytest.raises(ValueError, match="node B: its part reads A, which is not among its parents in the graph"):
        QuantumCausalModel([A, B], [SOURCE, IDENTITY], graph)


@pytest.mark.parametrize(
    ("names", "message"), [("A", "node 'B' is missing"), ("ABC", "'C' is not a node of the model")]
)
def test_a_graph_has_the_nodes_of_the_model(names: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QuantumCausalModel([A, B], [SOURCE, IDENTITY], CausalGraph(dict.fromkeys(names, "observed"), []))


@pytest.mark.parametrize(
    ("instruments", "outcomes", "message"),
    [
        ({"C": Instrument.idle(2)}, {}, "'C' is not a node; the nodes are A, B"),
        ({}, {"C": 0}, "'C' is not a node"),
        ({}, {"A": 0}, "no outcome 0"),
        ({"A": Instrument.idle(3)}, {}, "instrument 'idle' at node A: it maps dimension 3 to 3"),
        ({"A": Instrument.idle(2), "B": Instrument.idle(2)}, {"A": 5}, "no outcome 5"),
    ],
)
def test_instruments_and_outcomes_that_do_not_fit_are_refused(instruments: dict, outcomes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probability(QuantumCausalModel([A, B], [SOURCE, IDENTITY]), instruments, outcomes)


# ── structural models ───────────────────────────────────────────────────────────────────────────────────────────────


@given(GRAPHS, SEEDS)
@FEW
def test_a_structural_model_has_a_markov_marginal(graph: CausalGraph, rng: np.random.Generator) -> None:
    """Theorem 2, (1) → (2): the process operator (21) is the product of the channels found on light cones."""
    model = random_structural_model(graph, rng)
    marginal = model.causal_model()
    np.testing.assert_allclose(marginal.process_operator().array, model.process_operator().array, atol=1e-12)
    assert {part.writes[0]: set(part.reads) for part in marginal.parts} == {v: graph.parents(v) for v in graph.kinds}


@given(GRAPHS, SEEDS)
@FEW
def test_the_average_of_conditional_process_operators_is_the_marginal(
    graph: CausalGraph, rng: np.random.Generator
) -> None:
    model = random_structural_model(graph, rng)
    mixture = ProcessMixture.of(model)
    np.testing.assert_allclose(mixture.process_operator().array, model.process_operator().array, atol=1e-12)
    assert abs(sum(mixture.weights.values()) - 1) < 1e-12
    instruments = instruments_of(model, rng)
    np.testing.assert_allclose(law(mixture, instruments), law(model, instruments), atol=1e-12)
    operators = node_operators(model, instruments, {"A": 0})
    np.testing.assert_allclose(
        outcome_tensor(mixture, operators), outcome_tensor(model, operators).reshape(-1), atol=1e-12
    )


def test_some_outcomes_given_the_others_are_averaged() -> None:
    model = random_structural_model(
        CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")]), np.random.default_rng(1)
    )
    partly = sum(
        model.weight({"Λ_B": k}) * model.process_operator({"Λ_A": 1, "Λ_B": k}).array for k in model.exogenous["Λ_B"]
    )
    np.testing.assert_allclose(partly, model.process_operator({"Λ_A": 1}).array, atol=1e-12)


def test_one_unitary_and_the_same_as_a_circuit_are_one_model() -> None:
    """A = Λ, B = A ⊕ Λ′: a single unitary reads A's output as it writes A's input, and still no cycle is closed."""
    coins = {"Λ": COIN, "Λ'": COIN}
    circuit = QuantumStructuralModel(
        [A, B], coins, [unitary(np.eye(2, dtype=int), ["Λ"], ["A"]), unitary(CNOT, ["A", "Λ'"], ["S", "B"])], {"S": 2}
    )
    whole = np.kron(np.eye(2, dtype=int), CNOT)
    single = QuantumStructuralModel([A, B], coins, [unitary(whole, ["Λ", "A", "Λ'"], ["A", "S", "B"])], {"S": 2})
    assert circuit.influence == single.influence == {"A": {"Λ"}, "B": {"A", "Λ'"}}
    assert vanishes(circuit.process_operator().array - single.process_operator().array)


def test_influence_is_found_where_it_hides_in_the_phase() -> None:
    """A CNOT lets its target influence its control."""
    model = QuantumStructuralModel(
        [QuantumNode("A", 1), QuantumNode("B")], {"Λ": COIN}, [unitary(CNOT, ["A", "Λ"], ["B", "S"])], {"S": 2}
    )
    assert model.influence["B"] == {"A", "Λ"}


def test_free_symbols_may_decide_an_influence() -> None:
    t = sp.Symbol("t", real=True)
    c, s = sp.cos(t), sp.sin(t)
    rotation = exact([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])
    for U, found in ((rotation, {"A", "Λ"}), (rotation.dot(np.transpose(rotation)), {"A"})):
        nodes = [QuantumNode("A", 1), QuantumNode("B", 2, 1)]
        model = QuantumStructuralModel(nodes, {"Λ": COIN}, [unitary(U, ["A", "Λ"], ["B", "S"])], {"S": 2})
        assert model.influence["B"] == found


def test_one_dimensional_nodes_and_models_without_exogenous_nodes_are_allowed() -> None:
    source, sink = QuantumNode("A", 1, 4), QuantumNode("B", 2, 1)
    model = QuantumStructuralModel([source, sink], {}, [unitary(np.eye(4), ["A"], ["B", "S"])], {"S": 2})
    assert model.influence == {"A": frozenset(), "B": {"A"}}
    assert model.process_operator().array.shape == (8, 8)
    assert model.causal_model().graph.edges == {("A", "B")}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([unitary(np.diag([1, 2]), ["Λ"], ["A"])], "the part Λ → A: its matrix U is not unitary"),
        (
            [unitary(np.eye(4)[:, :2], ["Λ"], ["A", "S"])],
            "the part Λ → A, S: it should be unitary, but it is an isometry",
        ),
        ([channel([np.eye(2)], ["Λ"], ["A"])], "the part Λ → A: it should be unitary, but it is a channel"),
        ([], "node A: no parts write it"),
        ([unitary(SWAP, ["Λ", "A"], ["A", "S"]), unitary(ONE, ["A"], ["B"])], "A: 2 unitary parts read it"),
        ([unitary(np.eye(4), ["A", "Λ"], ["A", "S"])], "the influences form a cycle: A → A"),
        ([unitary(SWAP, ["Λ", "A"], ["S", "Λ"])], "writes 'Λ', which should be one of A, S"),
        ([unitary(ONE, ["X"], ["A"])], "reads 'X', which should be one of A, Λ, S"),
    ],
)
def test_what_is_no_structural_model_is_refused(parts: list[Part], message: str) -> None:
    spaces = {space for part in parts for space in part.writes}
    nodes, wires = [node for node in (A, B) if node is A or node.name in spaces], {"S": 2} if "S" in spaces else {}
    with pytest.raises(ValueError, match=message.replace(", S", "" if "S" not in spaces else ", S")):
        QuantumStructuralModel(nodes, {"Λ": COIN}, parts, wires)


def test_a_cycle_of_two_nodes_is_named() -> None:
    with pytest.raises(ValueError, match="the influences form a cycle: A → B → A"):
        QuantumStructuralModel([A, B], {}, [unitary(ONE, ["A"], ["B"]), unitary(ONE, ["B"], ["A"])])


def test_wires_that_run_in_a_circle_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the wires form a cycle: (v → w → v|w → v → w)"):
        QuantumStructuralModel(
            [A],
            {"Λ": COIN},
            [unitary(ONE, ["Λ"], ["A"]), unitary(ONE, ["v"], ["w"]), unitary(ONE, ["w"], ["v"])],
            {"v": 2, "w": 2},
        )


def test_an_exogenous_instrument_has_to_discard_its_input() -> None:
    with pytest.raises(ValueError, match="exogenous node Λ: its instrument should discard its input"):
        QuantumStructuralModel([A], {"Λ": Instrument.projective({0: P0, 1: P1})}, [unitary(ONE, ["Λ"], ["A"])])


def test_one_name_for_two_spaces_is_refused() -> None:
    with pytest.raises(ValueError, match="'A' names two of the nodes, exogenous nodes and wires"):
        QuantumStructuralModel([A], {"A": COIN}, [unitary(ONE, ["A"], ["A"])])


def chain_through_cnot(**options: object) -> QuantumStructuralModel:
    parts = [unitary(ONE, ["Λ"], ["A"]), unitary(CNOT, ["A", "Λ'"], ["S", "B"])]
    return QuantumStructuralModel([A, B], {"Λ": COIN, "Λ'": COIN}, parts, {"S": 2}, **options)


def test_influences_that_a_graph_forbids_are_refused() -> None:
    fits = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    assert chain_through_cnot(graph=fits).causal_model().graph == fits
    with pytest.raises(ValueError, match=r"A influences B, whose parents in the graph are none; \(22\) forbids it"):
        chain_through_cnot(graph=CausalGraph(dict.fromkeys("AB", "observed"), []))
    everything = CausalGraph(dict.fromkeys(["A", "B", "Λ", "Λ'"], "observed"), [("Λ", "A"), ("A", "B")])
    with pytest.raises(ValueError, match=r"Λ' influences B, whose parents in the graph are A; \(22\) forbids it"):
        chain_through_cnot(graph=everything)


def test_an_exogenous_node_may_influence_its_own_node_only() -> None:
    chain_through_cnot(owner={"Λ": "A", "Λ'": "B"})
    with pytest.raises(ValueError, match=r"Λ influences A, but is the exogenous node of B; \(20\) forbids it"):
        chain_through_cnot(owner={"Λ": "B", "Λ'": "B"})
    with pytest.raises(ValueError, match="Λ' influences B, but has no owner"):
        chain_through_cnot(owner={"Λ": "A"})
    with pytest.raises(ValueError, match="owner Λ → C"):
        chain_through_cnot(owner={"Λ": "C"})


def test_a_common_exogenous_cause_has_no_markov_marginal() -> None:
    bell = np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2
    source = Instrument.do(bell, 1)
    nodes = [QuantumNode("A", 2, 1), QuantumNode("B", 2, 1)]
    model = QuantumStructuralModel(nodes, {"Λ": source}, [unitary(np.eye(4), ["Λ"], ["A", "B"])])
    np.testing.assert_allclose(model.process_operator().array, bell)
    with pytest.raises(ValueError, match=r"exogenous node Λ influences A, B; \(20\) allows it one of them"):
        model.causal_model()


def test_unknown_or_impossible_exogenous_outcomes_are_refused() -> None:
    never = Instrument.discard_and_prepare({0: 1, 1: 0}, {0: P0, 1: P1})
    model = QuantumStructuralModel([A], {"Λ": never}, [unitary(ONE, ["Λ"], ["A"])])
    for outcomes, message in (
        ({"M": 0}, "'M' is not an exogenous node"),
        ({"Λ": 2}, "exogenous node Λ: no outcome 2; it has 0, 1"),
        ({"Λ": 1}, "have probability zero"),
    ):
        with pytest.raises(ValueError, match=message):
            model.process_operator(outcomes)
    assert list(ProcessMixture.of(model).components) == [(0,)]


# ── mixtures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_maximally_mixed_source_has_many_decompositions() -> None:
    node = QuantumNode("A", 2, 1)
    mixed = [
        ProcessMixture({0: HALF, 1: HALF}, {k: ProcessOperator([node], state) for k, state in enumerate(states)})
        for states in ((P0, P1), (PLUS, MINUS))
    ]
    assert (mixed[0].process_operator().array == mixed[1].process_operator().array).all()
    Z = Instrument.measure_and_prepare({0: P0, 1: P1}, {0: exact([[1]]), 1: exact([[1]])})
    tensors = [outcome_tensor(m, node_operators(m, {"A": Z}, {"A": 0})).tolist() for m in mixed]
    assert tensors == [[1, 0], [HALF, HALF]]


def test_a_process_without_causal_order_can_be_mixed_too() -> None:
    tangled = oreshkov_costa_brukner()
    noise = ProcessOperator(tangled.endogenous, exact(np.eye(16, dtype=int)) / 4)
    mixture = ProcessMixture({"σ": HALF, "1": HALF}, {"σ": tangled, "1": noise})
    Z = Instrument.projective({0: P0, 1: P1})
    assert probability(mixture, {"A": Z, "B": Z}, {"A": 0, "B": 0}) == sp.Rational(1, 4) + sp.sqrt(2) / 16


HIDDEN = sp.sqrt(2) - sp.Rational(isqrt(2 * 10**100), 10**50)  # positive, and less than 10⁻⁵⁰


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0: 0.5, 1: 0.6}, "they sum to 1.1, and should sum to 1"),
        ({0: 1.5, 1: -0.5}, "weights: λ = 0: 1.5; it should lie between 0 and 1"),
        ({0: 1.0, 1: -1e-16}, "weights: λ = 1: -1e-16; it should lie between 0 and 1"),
        ({0: sp.Rational(3, 2), 1: -HALF}, "weights: λ = 0: 3/2; it should lie between 0 and 1"),
        ({0: 1 + HIDDEN, 1: -HIDDEN}, "weights: λ = 0: .*; it should lie between 0 and 1"),
        ({0: -HIDDEN, 1: 1 + HIDDEN}, "weights: λ = 0: .*; it should lie between 0 and 1"),
        ({0: 1.0}, r"weights for λ in \[0\], components for λ in \[0, 1\]"),
    ],
)
def test_weights_that_are_no_law_are_refused(weights: dict, message: str) -> None:
    node = QuantumNode("A", 2, 1)
    components = {k: ProcessOperator([node], state) for k, state in enumerate((P0, P1))}
    with pytest.raises(ValueError, match=message):
        ProcessMixture(weights, components)


def test_components_over_other_nodes_are_refused() -> None:
    components = {k: ProcessOperator([QuantumNode(k, 2, 1)], P0) for k in "AB"}
    with pytest.raises(ValueError, match="component λ = 'B': its nodes"):
        ProcessMixture({"A": HALF, "B": HALF}, components)


# ── random processes ────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
@FAST
def test_random_channels_preserve_the_trace(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    K = random_channel(d_in, d_out, rng)
    np.testing.assert_allclose(np.einsum("kij,kil->jl", K.conj(), K), np.eye(d_in), atol=1e-12)
    U = random_unitary(d_in, rng)
    np.testing.assert_allclose(U @ U.conj().T, np.eye(d_in), atol=1e-12)


# ── networks that are kept ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_network_answers_for_other_instruments_batches_and_number_systems() -> None:
    """One process, asked again and again: each answer is that of a process that has never been asked."""
    rng = np.random.default_rng(12)
    parts = (
        unitary(random_unitary(2, rng), ["Λ"], ["A"]),
        unitary(random_unitary(4, rng), ["A", "Λ2"], ["B", "S"]),
        unitary(random_unitary(2, rng), ["B"], ["C"]),
    )
    nodes, preparations = (A, B, QuantumNode("C")), {"Λ": COIN, "Λ2": COIN}
    model = QuantumStructuralModel(nodes, preparations, parts, {"S": 2})
    exactly = dict.fromkeys("ABC", Instrument.projective([PLUS, MINUS]))
    batch = Instrument.do(np.stack([np.diag([p, 1 - p]) for p in (0.1, 0.5, 0.9)]), 2)
    for asked, made in product(("A", "BC", "A", ""), (instruments_of(model, rng), exactly)):
        for instruments in (made, {**made, "A": batch}):
            outcomes = {node: instruments[node].outcomes[-1] for node in asked}
            fresh = QuantumStructuralModel(nodes, preparations, parts, {"S": 2})
            found, expected = (probability(m, instruments, outcomes) for m in (model, fresh))
            np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(expected, dtype=float), atol=1e-12)


def test_what_is_kept_goes_with_the_process() -> None:
    model = QuantumStructuralModel((A,), {"Λ": COIN}, (unitary(ONE, ["Λ"], ["A"]),))
    made: list[int] = []
    for _ in range(3):
        assert _compiled(model, "key", lambda: made.append(1) or len(made)) == 1
    kept = weakref.ref(model)
    probability(model, {"A": Instrument.projective([P0, P1])}, {"A": 0})
    del model
    gc.collect()
    assert kept() is None


def test_a_process_that_hides_its_operators_in_nameless_tensors_is_refused() -> None:
    class Careless(QuantumStructuralModel):
        def tensors(self, operators, ignored, world):
            return [Tensor(tensor.array, tensor.legs) for tensor in super().tensors(operators, ignored, world)]

    model = Careless((A,), {"Λ": COIN}, (unitary(ONE, ["Λ"], ["A"]),))
    with pytest.raises(ValueError, match="depends on the nodes' operators and has no name"):
        probability(model, {"A": Instrument.projective([P0, P1])}, {"A": 0})


def test_matrices_of_a_process_cannot_be_changed_afterwards() -> None:
    matrix = np.eye(2)
    part, operator = unitary(matrix, ["Λ"], ["A"]), ProcessOperator([A], np.eye(4) / 2)
    matrix[0, 0] = 7
    assert part.array[0, 0] == 1
    for array in (part.array, operator.array):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 7
