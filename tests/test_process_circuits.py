"""Structural models as circuits: the law that a circuit has, followed gate by gate, is the law that the model has."""

from functools import reduce
from itertools import pairwise, product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import unitary_group

from qlib.circuits.backends import Exact
from qlib.circuits.process_circuits import Estimate, ProcessCircuit, estimate, process_circuit
from qlib.numbers.exact_arrays import Array, exact
from qlib.numbers.hypothesis_tests import acceptance_region
from qlib.quantum.counterfactuals import CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, node_operators, outcome_tensor, unitary

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
P0, P1 = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
PLUS, MINUS = np.full((2, 2), 0.5), np.array([[0.5, -0.5], [-0.5, 0.5]])
Z = Instrument.projective([P0, P1], "Z")
X = Instrument.projective({"+": PLUS, "-": MINUS}, "X")


def random_unitary(rng: np.random.Generator, d: int) -> Array:
    return unitary_group.rvs(d, random_state=rng) if d > 1 else np.ones((1, 1))


def random_state(rng: np.random.Generator, d: int, pure: bool = False) -> Array:
    U = random_unitary(rng, d)
    weights = np.eye(d)[0] if pure else rng.dirichlet(np.ones(d))
    return (U * weights) @ U.conj().T


def random_preparation(rng: np.random.Generator, values: int, d: int = 2, d_in: int = 1) -> Instrument:
    weights = rng.dirichlet(np.ones(values))
    states = {k: random_state(rng, d, pure=bool(rng.integers(2))) for k in range(values)}
    return Instrument.discard_and_prepare(dict(enumerate(weights)), states, d_in)


def random_instruments(rng: np.random.Generator) -> list[Instrument]:
    """One of each way to act on a qubit."""
    basis = random_unitary(rng, 2)
    projectors = np.einsum("ik,jk->kij", basis, basis.conj())
    pure = np.array([random_state(rng, 2, pure=True) for _ in range(2)])
    mixed = np.array([random_state(rng, 2) for _ in range(2)])
    kraus = random_unitary(rng, 6)[:, :2].reshape(3, 2, 2)
    return [
        Instrument.projective(projectors),
        Instrument.measure_and_prepare(projectors, pure),
        Instrument.measure_and_prepare(projectors, mixed),
        Instrument.do(pure[0], 2),
        Instrument.do(mixed[0], 2),
        Instrument.unitary(basis),
        Instrument.idle(2),
        random_preparation(rng, 3, d_in=2),
        Instrument.from_kraus({a: K[None] for a, K in zip("abc", kraus, strict=True)}),
        Instrument.from_kraus({"one": kraus[:1], "two": kraus[1:]}),
        Instrument.from_povm(np.einsum("aji,ajk->aik", kraus.conj(), kraus)),
    ]


def one_node(instrument: Instrument, rng: np.random.Generator) -> tuple[QuantumStructuralModel, dict[str, Instrument]]:
    """Λ → A → B, B read in a random basis, so that what A sends on is seen."""
    nodes = (QuantumNode("A", instrument.d_in, instrument.d_out), QuantumNode("B"))
    parts = (unitary(random_unitary(rng, 2), ["Λ"], ["A"]), unitary(random_unitary(rng, 2), ["A"], ["B"]))
    model = QuantumStructuralModel(nodes, {"Λ": random_preparation(rng, 2)}, parts)
    return model, {"A": instrument, "B": random_instruments(rng)[0]}


def fork_and_chain(rng: np.random.Generator) -> QuantumStructuralModel:
    """A and its noise make B and C, B with noise makes D; a wire that is passed on, and a sink."""
    return QuantumStructuralModel(
        tuple(map(QuantumNode, "ABCD")),
        {"Λ1": random_preparation(rng, 2, d_in=2), "Λ2": random_preparation(rng, 3), "Λ3": random_preparation(rng, 1)},
        (
            unitary(random_unitary(rng, 4), ["B", "W"], ["D", "S"]),
            unitary(random_unitary(rng, 8), ["A", "Λ2", "Λ3"], ["B", "C", "W"]),
            unitary(random_unitary(rng, 2), ["Λ1"], ["A"]),
        ),
        {"W": 2, "S": 2},
    )


def joint_law(model: QuantumStructuralModel, instruments: dict[str, Instrument]) -> Array:
    """P(λ) P_z(a | λ) from the contracted network: an axis for each exogenous variable and each node."""
    shape = [len(instruments[name].outcomes) for name in model.nodes]
    prior = reduce(np.multiply.outer, model.weights.values())
    law = np.zeros((*prior.shape, *shape))
    for place in np.ndindex(*shape):
        outcomes = {name: instruments[name].outcomes[k] for name, k in zip(model.nodes, place, strict=True)}
        given_lambda = outcome_tensor(model, node_operators(model, instruments, outcomes))
        law[(..., *place)] = prior * given_lambda.real
    return law


def assert_accepted(counts: Array, law: Array, alarm: float = 1e-6) -> None:
    low, high = acceptance_region(np.clip(law, 0, 1), int(counts.sum()), alarm)
    assert ((low <= counts) & (counts <= high)).all(), np.argwhere((low > counts) | (counts > high))


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", range(11))
def test_every_kind_of_instrument_is_exported_with_its_law(kind: int) -> None:
    """Also those with several Kraus operators for an outcome, or mixed states prepared, through their dilation."""
    rng = np.random.default_rng(kind)
    model, instruments = one_node(random_instruments(rng)[kind], rng)
    made = process_circuit(model, instruments)
    np.testing.assert_allclose(made.law(), joint_law(model, instruments), atol=1e-9)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_the_law_of_the_circuit_is_the_law_of_the_model(rng: np.random.Generator) -> None:
    """Parts given in any order; outputs read once or not at all; wires and a sink."""
    model = fork_and_chain(rng)
    kinds = random_instruments(rng)
    instruments = {name: kinds[rng.choice([0, 1, 3, 5, 6, 8])] for name in model.nodes}
    made = process_circuit(model, instruments)
    assert list(made.outcomes) == ["Λ1", "Λ2", "Λ3", "A", "B", "C", "D"]
    np.testing.assert_allclose(made.law(), joint_law(model, instruments), atol=1e-9)


def test_nodes_of_several_qubits_or_with_one_end_only() -> None:
    """A preparation, d_in = 1; a node that takes two qubits and sends on one; a measurement, d_out = 1."""
    rng = np.random.default_rng(11)
    kraus = random_unitary(rng, 8)[:, :4].reshape(4, 2, 4)
    nodes = (QuantumNode("P", 1, 2), QuantumNode("A", 4, 2), QuantumNode("M", 2, 1), QuantumNode("C"))
    parts = (
        unitary(random_unitary(rng, 4), ["P", "Λ"], ["A"]),
        unitary(random_unitary(rng, 2), ["A"], ["M"]),
        unitary(random_unitary(rng, 2), ["M", "Λ2", "Λ1"], ["C"]),
    )
    preparations = {"Λ": random_preparation(rng, 2), "Λ1": Instrument.do([[1]], 1), "Λ2": random_preparation(rng, 2)}
    model = QuantumStructuralModel(nodes, preparations, parts)
    instruments = {
        "P": random_preparation(rng, 2),
        "A": Instrument.from_kraus({"even": kraus[::2], "odd": kraus[1::2]}),
        "M": Instrument({0: P0, 1: P1}, 2, 1),
        "C": X,
    }
    made = process_circuit(model, instruments)
    np.testing.assert_allclose(made.law(), joint_law(model, instruments), atol=1e-9)


def test_interventions_change_the_law_as_in_the_model() -> None:
    """Observational and interventional law of the same model; only what comes after the intervention changes."""
    rng = np.random.default_rng(5)
    model = fork_and_chain(rng)
    observed = dict.fromkeys(model.nodes, X)
    changed = {**observed, "B": Instrument.do(P1, 2)}
    seen, done = process_circuit(model, observed).law(), process_circuit(model, changed).law()
    np.testing.assert_allclose(done, joint_law(model, changed), atol=1e-9)
    np.testing.assert_allclose(done.sum(axis=(4, 6)), seen.sum(axis=(4, 6)), atol=1e-9)
    assert np.abs(done.sum(axis=(3, 4, 5)) - seen.sum(axis=(3, 4, 5))).max() > 0.01


def test_exact_models_are_exported_in_floating_point() -> None:
    half = sp.Rational(1, 2)
    states = {0: exact([[1, 0], [0, 0]]), 1: exact([[half, half], [half, half]])}
    coin = Instrument.discard_and_prepare({0: half, 1: half}, states, 2)
    model = QuantumStructuralModel(
        (QuantumNode("A"),), {"Λ": coin}, (unitary(exact(np.eye(2, dtype=int)), ["Λ"], ["A"]),)
    )
    law = process_circuit(model, {"A": Instrument.projective({0: states[0], 1: exact([[0, 0], [0, 1]])})}).law()
    np.testing.assert_allclose(law, [[0.5, 0], [0.25, 0.25]], atol=1e-12)


def test_qubits_are_reset_and_used_again() -> None:
    """A chain of eight nodes with noise at each needs no more qubits than one of three."""

    def chain(n: int) -> ProcessCircuit:
        rng = np.random.default_rng(n)
        names = [f"A{k}" for k in range(n)]
        parts = [unitary(random_unitary(rng, 2), ["Λ0"], ["A0"])]
        parts += [unitary(random_unitary(rng, 4), [a, f"Λ{k}"], [b, f"S{k}"]) for k, (a, b) in _steps(names)]
        preparations = {f"Λ{k}": random_preparation(rng, 2) for k in range(n)}
        model = QuantumStructuralModel(
            tuple(map(QuantumNode, names)), preparations, tuple(parts), {f"S{k}": 2 for k in range(1, n)}
        )
        return process_circuit(model, dict.fromkeys(names, Z))

    assert chain(8).circuit.num_qubits == chain(3).circuit.num_qubits
    assert chain(8).circuit.count_ops()["reset"] > 0


def _steps(names: list[str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(pairwise(names), 1))


# ── samples ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_simulator_samples_observations_and_interventions_within_their_regions() -> None:
    """Qiskit Aer, shot by shot, with mid-circuit measurements, resets and feed-forward."""
    rng = np.random.default_rng(20)
    model = fork_and_chain(rng)
    kinds = random_instruments(rng)
    for instruments in (
        {"A": kinds[0], "B": kinds[1], "C": X, "D": Z},
        {"A": kinds[3], "B": kinds[8], "C": X, "D": Z},
    ):
        made = process_circuit(model, instruments)
        assert {"measure", "reset"} <= set(made.circuit.count_ops())
        assert_accepted(made.sample(1500, rng), joint_law(model, instruments))
    assert "if_else" in process_circuit(model, {"A": kinds[0], "B": kinds[1], "C": X, "D": Z}).circuit.count_ops()


def test_the_same_seed_gives_the_same_sample() -> None:
    rng = np.random.default_rng(3)
    model, instruments = one_node(Z, rng)
    made = process_circuit(model, instruments)
    first, second = (made.sample(50, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def identity_model(states: dict[object, Array]) -> QuantumStructuralModel:
    """Examples 1 and 2 of Suresh, Frembs & Cavalcanti (2023): Λ → A → B by identities."""
    coin = Instrument.discard_and_prepare(dict.fromkeys(states, 0.5), states, 2)
    parts = (unitary(np.eye(2), ["Λ"], ["A"]), unitary(np.eye(2), ["A"], ["B"]))
    return QuantumStructuralModel((QuantumNode("A"), QuantumNode("B")), {"Λ": coin}, parts)


@pytest.mark.parametrize("changed", [{}, {"A": Instrument.do(MINUS, 2, "-")}], ids=["passive", "do-interventional"])
def test_queries_are_estimated_by_post_selection_within_their_regions(changed: dict[str, Instrument]) -> None:
    rng = np.random.default_rng(17)
    model = identity_model({0: random_state(rng, 2), 1: random_state(rng, 2)})
    B = Instrument.projective(np.einsum("ik,jk->kij", U := random_unitary(rng, 2), U.conj()))
    query = CounterfactualQuery({"A": "+"}, {"A": "-"}, {"B": 0}, {"A": X, "B": B}, changed)
    answer = evaluate(model, query)
    found = estimate(model, query, 3000, rng)
    low, high = region(found, answer)
    assert low < answer.probability < high
    assert low <= found.probability <= high
    assert high - low < 0.25


def region(found: Estimate, answer: object) -> tuple[float, float]:
    terms = answer.terms
    return found.region(
        np.array([float(term.posterior) for term in terms]), np.array([float(term.probability) for term in terms]), 1e-6
    )


def test_post_selection_on_both_worlds_at_once_would_answer_another_question() -> None:
    """The estimate keeps to the posterior P_z(λ | a), and is not Σ P(λ | a) P^λ(b', c') / Σ P(λ | a) P^λ(b')."""
    model = identity_model({0: np.diag([0.7, 0.3]), 1: np.diag([0.1, 0.9])})
    weak = Instrument.from_povm([np.diag([0.9, 0.2]), np.diag([0.1, 0.8])])
    query = CounterfactualQuery({"A": 0}, {"A": 1}, {"B": 0}, {"A": weak, "B": Z}, {})
    answer = evaluate(model, query)
    terms = answer.terms
    wrong = sum(t.posterior * t.joint for t in terms) / sum(t.posterior * t.antecedent for t in terms)
    assert abs(wrong - answer.probability) > 0.03
    found = estimate(model, query, 60_000, np.random.default_rng(2), Exact())
    low, high = region(found, answer)
    assert low <= found.probability <= high
    assert not low <= wrong <= high


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_impossible_antecedent_is_not_estimated() -> None:
    """Example 2: given λ = +, A = − cannot be found passively."""
    query = CounterfactualQuery({"A": "+"}, {"A": "-"}, {"B": 0}, {"A": X, "B": Z}, {})
    model = identity_model({"+": PLUS, "-": MINUS})
    with pytest.raises(
        ValueError, match=r"the antecedent \{'A': '-'\} was found in none of the runs with \{'Λ': '\+'\}"
    ):
        estimate(model, query, 200, np.random.default_rng(1), Exact())


def test_evidence_that_is_never_found_is_refused() -> None:
    query = CounterfactualQuery({"A": "-"}, {"A": "+"}, {"B": 0}, {"A": X, "B": Z}, {})
    model = identity_model({0: PLUS, 1: PLUS})
    with pytest.raises(ValueError, match=r"the evidence \{'A': '-'\} was found in none of 200 runs"):
        estimate(model, query, 200, np.random.default_rng(1), Exact())


def test_a_space_that_is_no_register_of_qubits_is_refused() -> None:
    model = QuantumStructuralModel(
        (QuantumNode("A", 3, 3),), {"Λ": Instrument.do(np.eye(3) / 3, 1)}, (unitary(np.eye(3), ["Λ"], ["A"]),)
    )
    with pytest.raises(ValueError, match="space A: its dimension is 3, and only powers of two"):
        process_circuit(model, {"A": Instrument.idle(3)})


def test_free_symbols_and_batches_are_refused() -> None:
    t = sp.Symbol("t", real=True)
    turn = exact([[sp.cos(t), -sp.sin(t)], [sp.sin(t), sp.cos(t)]])
    coin = {"Λ": Instrument.do(P0, 1)}
    model = QuantumStructuralModel((QuantumNode("A"),), coin, (unitary(turn, ["Λ"], ["A"]),))
    with pytest.raises(ValueError, match="the part Λ → A: it has free symbols; give them values"):
        process_circuit(model, {"A": Z})
    model = QuantumStructuralModel((QuantumNode("A"),), coin, (unitary(np.eye(2), ["Λ"], ["A"]),))
    with pytest.raises(ValueError, match="the instrument at A: it is a batch"):
        process_circuit(model, {"A": Instrument.do(np.stack([P0, P1]), 2)})


def test_a_unitary_that_writes_what_it_reads_is_refused() -> None:
    """Given as one matrix, a chain has no order in time: B's input and A's leave it together."""
    model = QuantumStructuralModel(
        (QuantumNode("A"), QuantumNode("B")),
        {"Λ": Instrument.do(P0, 1)},
        (unitary(np.eye(4)[[0, 2, 1, 3]], ["A", "Λ"], ["A", "B"]),),
    )
    with pytest.raises(
        ValueError, match="the part A, Λ → A, B: no circuit has it in this order, as A is written by it"
    ):
        process_circuit(model, {"A": Z, "B": Z})


def test_instruments_that_do_not_fit_are_refused() -> None:
    model = identity_model({0: P0, 1: P1})
    with pytest.raises(ValueError, match="'C' is not a node; the nodes are"):
        process_circuit(model, {"A": Z, "C": Z})


def test_a_node_without_an_instrument_lets_pass_what_comes_in() -> None:
    model = identity_model({0: P0, 1: P1})
    made = process_circuit(model, {"B": Z})
    assert made.outcomes["A"] == ("",)
    np.testing.assert_allclose(
        made.law().sum(axis=0).ravel(), process_circuit(model, {"A": Z, "B": Z}).law().sum((0, 1))
    )


def test_every_value_of_a_variable_is_a_code_of_its_bits() -> None:
    made = process_circuit(*one_node(random_preparation(np.random.default_rng(1), 3, d_in=2), np.random.default_rng(2)))
    bits = np.zeros((2,) * made.circuit.num_clbits)
    for code, (λ, b) in product(range(3), product(range(2), range(2))):
        record = (λ, code & 1, code >> 1, b)
        bits[record] = 100 * λ + 10 * code + b
    expected = [[[100 * λ + 10 * a + b for b in range(2)] for a in range(3)] for λ in range(2)]
    np.testing.assert_array_equal(made.tally(bits), expected)
