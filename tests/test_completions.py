"""What all completions of a process have in common: bounds on answers, a completion that attains them, extremality."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.exact_arrays import exact
from qlib.quantum.causal_order import oreshkov_costa_brukner
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects, process_cj
from qlib.quantum.completions import answer_bounds, extreme_completion, query_operators
from qlib.quantum.counterfactuals import CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import ProcessOperator, QuantumNode, is_extremal
from qlib.quantum.processes import ProcessMixture, probability
from qlib.quantum.random_processes import random_instrument, random_markov_process
from qlib.quantum.two_qubits import concurrence, werner_state

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
ENDS = (QuantumNode("A", 2, 1), QuantumNode("B", 2, 1))
UP, DOWN, ONE = exact([[1, 0], [0, 0]]), exact([[0, 0], [0, 1]]), exact(np.eye(2, dtype=int))
BOTH_UP, HAD_DOWN, WOULD_DOWN = np.kron(UP, UP), np.kron(DOWN, ONE), np.kron(DOWN, DOWN)


def ket(rng: np.random.Generator, d: int) -> np.ndarray:
    v = rng.normal(size=d) + 1j * rng.normal(size=d)
    return v / np.linalg.norm(v)


def projector(v: np.ndarray) -> np.ndarray:
    return np.outer(v, v.conj())


def state(rng: np.random.Generator, d: int, rank: int) -> np.ndarray:
    G = rng.normal(size=(d, rank)) + 1j * rng.normal(size=(d, rank))
    return G @ G.conj().T / np.linalg.norm(G) ** 2


def measurement(rng: np.random.Generator) -> Instrument:
    """A complex projective measurement of a qubit that leaves nothing behind."""
    v = ket(rng, 2)
    effects = {0: projector(v), 1: np.eye(2) - projector(v)}
    return Instrument.measure_and_prepare(effects, dict.fromkeys((0, 1), np.ones((1, 1))))


def passive(rng: np.random.Generator) -> CounterfactualQuery:
    """Both found 0; had Alice found 1, would Bob have found 1 in another direction?"""
    at = {"A": measurement(rng), "B": measurement(rng)}
    return CounterfactualQuery({"A": 0, "B": 0}, {"A": 1}, {"B": 1}, at, {"B": measurement(rng)})


def mixture(facts: np.ndarray) -> ProcessMixture:
    """The completion of a shared state into the given vectors."""
    weights = (np.abs(facts) ** 2).sum(axis=1)
    parts = {k: ProcessOperator(ENDS, projector(v / np.linalg.norm(v))) for k, v in enumerate(facts)}
    return ProcessMixture({k: weights[k] / weights.sum() for k in parts}, parts)


@given(rng=SEEDS)
@settings(max_examples=15)
def test_every_completion_answers_within_the_bounds_influences_and_other_instruments_included(
    rng: np.random.Generator,
) -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    parts = {k: random_markov_process(graph, rng).process_operator() for k in range(3)}
    completed = ProcessMixture(dict(enumerate(rng.dirichlet(np.ones(3)))), parts)
    z, other = ({n: random_instrument(QuantumNode(n), rng) for n in "AB"} for _ in range(2))
    query = CounterfactualQuery({"A": 0, "B": 1}, {"A": 1}, {"B": 0}, z, other)
    low, high = answer_bounds(*query_operators(completed.process_operator(), query))
    assert low - 1e-9 <= evaluate(completed, query).probability <= high + 1e-9


@given(rng=SEEDS, rank=st.integers(1, 4))
@settings(max_examples=25)
def test_the_lower_bound_is_attained_for_any_pair_of_qubits_and_measurements_in_bases(
    rng: np.random.Generator, rank: int
) -> None:
    rho, query = state(rng, 4, rank), passive(rng)
    operators = query_operators(ProcessOperator(ENDS, rho), query)
    facts = extreme_completion(*operators, rng)
    assert np.allclose(np.einsum("ki,kj->ij", facts, facts.conj()), rho, atol=1e-9)
    low, high = answer_bounds(*operators)
    answer = evaluate(mixture(facts), query).probability
    assert abs(answer - low) < 1e-6
    assert low <= evaluate(ProcessOperator(ENDS, rho), query).probability + 1e-9 <= high + 2e-9


@given(rng=SEEDS)
@settings(max_examples=10)
def test_the_upper_bound_is_the_lower_one_of_the_opposite_and_attained_too(rng: np.random.Generator) -> None:
    rho, query = state(rng, 4, 4), passive(rng)
    sigma, found, had, would = query_operators(ProcessOperator(ENDS, rho), query)
    facts = extreme_completion(sigma, found, had, had - would, rng)
    assert abs(evaluate(mixture(facts), query).probability - answer_bounds(sigma, found, had, would)[1]) < 1e-6


@given(rng=SEEDS)
@settings(max_examples=10)
def test_beyond_qubits_the_bound_is_attained_where_evidence_and_consequent_have_rank_one(
    rng: np.random.Generator,
) -> None:
    rho, (e, f, g) = state(rng, 6, 6), (ket(rng, d) for d in (2, 3, 3))
    found, had = np.kron(projector(e), projector(f)), np.kron(np.eye(2) - projector(e), np.eye(3))
    would = np.kron(np.eye(2) - projector(e), projector(g))
    facts = extreme_completion(rho, found, had, would, rng)
    terms = [np.einsum("ki,ij,kj->k", facts.conj(), T, facts).real for T in (found, had, would)]
    answer = (terms[0] * terms[2] / terms[1]).sum() / np.trace(rho @ found).real
    assert abs(answer - answer_bounds(rho, found, had, would)[0]) < 1e-6


def test_example_3_with_noise_is_answered_between_two_numbers_that_meet_without() -> None:
    v = sp.Symbol("v", positive=True)
    low, high = answer_bounds(werner_state(v), BOTH_UP, HAD_DOWN, WOULD_DOWN)
    assert sp.simplify(low - 2 * v**2 / (1 + v)) == 0
    assert high == 1
    low, high = answer_bounds(werner_state(v), BOTH_UP, np.kron(UP, ONE), np.kron(UP, DOWN))
    assert low == 0
    assert sp.simplify(high - (1 - v) / 2) == 0


def test_an_output_that_nothing_reads_is_not_looked_at() -> None:
    rho = werner_state(sp.Rational(3, 5))
    with_outputs = np.einsum("abcd,xy,zw->axbzcydw", rho.reshape(2, 2, 2, 2), ONE, ONE).reshape(16, 16)
    Z = Instrument.projective(np.stack([UP, DOWN]))
    query = CounterfactualQuery({"A": 0, "B": 0}, {"A": 1}, {"B": 1}, {"A": Z, "B": Z}, {})
    process = ProcessOperator([QuantumNode("A"), QuantumNode("B")], with_outputs)
    assert answer_bounds(*query_operators(process, query)) == answer_bounds(rho, BOTH_UP, HAD_DOWN, WOULD_DOWN)


def test_what_is_refused_is_named() -> None:
    bell = werner_state(1)
    with pytest.raises(ValueError, match="evidence: its probability"):
        answer_bounds(bell, np.kron(UP, DOWN), HAD_DOWN, WOULD_DOWN)
    with pytest.raises(ValueError, match="consequent: the antecedent less it"):
        answer_bounds(bell, BOTH_UP, WOULD_DOWN, HAD_DOWN)
    with pytest.raises(ValueError, match="consequent: its rank should be one"):
        extreme_completion(bell, BOTH_UP, HAD_DOWN, HAD_DOWN, np.random.default_rng(0))
    apart = np.diag([0.5, 0, 0, 0.5])  # 00 or 11, and each λ is one of the two or has both at their proportion
    with pytest.raises(ValueError, match="antecedent: it is impossible for a λ"):
        extreme_completion(apart, BOTH_UP, HAD_DOWN, WOULD_DOWN, np.random.default_rng(0))


def channel(*kraus: list[list[complex]]) -> ProcessOperator:
    nodes = (QuantumNode("A", 1, 2), QuantumNode("B", 2, 1))
    return ProcessOperator(nodes, process_cj(np.array(kraus)).reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4))


def test_which_processes_are_no_mixtures() -> None:
    s, c = np.sin(0.7), np.cos(0.7)
    assert is_extremal(channel([[1, 0], [0, 1j]]))
    assert is_extremal(channel([[1, 0], [0, c]], [[0, s], [0, 0]]))  # a qubit that decays, though it is not unitary
    assert not is_extremal(channel([[c, 0], [0, c]], [[s, 0], [0, -s]]))  # one that loses its phase
    assert is_extremal(oreshkov_costa_brukner())


@given(rng=SEEDS, rank=st.integers(1, 3))
@settings(max_examples=10)
def test_a_shared_state_is_no_mixture_if_and_only_if_it_is_pure(rng: np.random.Generator, rank: int) -> None:
    assert is_extremal(ProcessOperator(ENDS, state(rng, 4, rank))) == (rank == 1)


def without_dependence(v: float) -> np.ndarray:
    """Facts of a Werner state: real amplitudes of two kinds, with all signs of those on 01 and 10."""
    m = 2 * v / (1 + v)
    ratios = m / 10, (1 - m**2 / 10) / (m * 0.9)
    weight = (m - ratios[0]) / (ratios[1] - ratios[0])
    facts = []
    for x, w in zip(ratios, (1 - weight, weight), strict=True):
        p2 = w * (1 + v) / 4
        kind = np.sqrt([p2, p2 * (1 - v) / (1 + v), p2 * (x / v - x**2), p2 * x**2])
        facts += [kind * [1, a, b, 1] / 2 for a in (1, -1) for b in (1, -1)]
    return np.array(facts)


@pytest.mark.parametrize(("v", "sign"), [(0.36, -1), (1 / np.sqrt(5), 0), (0.6, 1)])
def test_facts_of_an_entangled_pair_can_make_one_answer_independent_of_what_she_had_found(v: float, sign: int) -> None:
    facts = without_dependence(v)
    assert np.allclose(facts.T @ facts, werner_state(v))
    assert concurrence(werner_state(v)) > 0.03
    Z = Instrument.measure_and_prepare({0: UP, 1: DOWN}, dict.fromkeys((0, 1), np.ones((1, 1))))
    had = [
        evaluate(mixture(facts), CounterfactualQuery({"A": 0, "B": 0}, {"A": a}, {"B": 1}, {"A": Z, "B": Z}, {}))
        for a in (0, 1)
    ]
    assert np.allclose([answer.probability for answer in had], [(1 - v) / 2, 2 * v**2 / (1 + v)])
    assert np.sign(round(had[1].probability - had[0].probability, 9)) == sign


@given(rng=SEEDS)
@settings(max_examples=10)
def test_whether_the_same_had_been_found_tells_a_mixture_from_its_process(rng: np.random.Generator) -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    parts = {k: random_markov_process(graph, rng).process_operator() for k in range(2)}
    mixed = ProcessMixture({0: 0.5, 1: 0.5}, parts)
    z, found = {n: random_instrument(QuantumNode(n), rng) for n in "AB"}, {"A": 0, "B": 1}
    again = CounterfactualQuery(found, {}, found, z, {})
    one, other = (probability(part, z, found) for part in parts.values())
    alone, completed = (evaluate(process, again).probability for process in (mixed.process_operator(), mixed))
    assert np.isclose(alone, (one + other) / 2)
    assert np.isclose(completed, (one**2 + other**2) / (one + other))
    assert completed > alone


def test_without_causal_order_bob_is_in_her_future_or_had_he_measured_otherwise_in_her_past() -> None:
    read, across = dict(enumerate(effects(PAULI_Z))), dict(enumerate(effects(PAULI_X)))
    along = Instrument.measure_and_prepare(read, {0: UP, 1: UP})
    process, at = oreshkov_costa_brukner(), {"A": along, "B": along}
    expected = (2 + sp.sqrt(2)) / 4
    assert sp.simplify(probability(process, at, {"B": 0}) - expected) == 0
    for b in (0, 1):
        sent = Instrument.measure_and_prepare(across, {0: read[b], 1: read[1 - b]})
        query = CounterfactualQuery({"A": 0, "B": 0}, {}, {"A": b}, at, {"B": sent})
        assert sp.simplify(evaluate(process, query).probability - expected) == 0
