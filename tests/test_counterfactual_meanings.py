"""What answers to counterfactual queries mean: what is kept, what a common cause allows, what an error is due to."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from qlib.numbers.exact_arrays import Array, exact
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE, CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, probability, unitary
from qlib.quantum.two_qubits import concurrence

BITS = (0, 1)
HALF = sp.Rational(1, 2)
Z, X = (Instrument.projective(effects(O)) for O in (PAULI_Z, PAULI_X))
BELL = exact(np.outer([1, 0, 0, 1], [1, 0, 0, 1])) / 2
CORNERS = {"00": exact(np.diag([1, 0, 0, 0])), "11": exact(np.diag([0, 0, 0, 1]))}
COIN = (CORNERS["00"] + CORNERS["11"]) / 2


def pairs(states: dict[object, Array], weights: dict[object, object]) -> QuantumStructuralModel:
    """A common cause that sends states[λ] to A and B with probability weights[λ]."""
    source = Instrument.discard_and_prepare(weights, states)
    nodes = (QuantumNode("A"), QuantumNode("B"))
    return QuantumStructuralModel(nodes, {"C": source}, (unitary(np.eye(4, dtype=int), ["C"], ["A", "B"]),))


def random_measurement(rng: np.random.Generator) -> Instrument:
    psi = rng.normal(size=2) + 1j * rng.normal(size=2)
    P = np.outer(psi, psi.conj()) / np.vdot(psi, psi)
    return Instrument.projective({0: P, 1: np.eye(2) - P})


def random_pair(rng: np.random.Generator) -> Array:
    psi = rng.normal(size=4) + 1j * rng.normal(size=4)
    return np.outer(psi, psi.conj()) / np.vdot(psi, psi)


def had_alice_found(model: QuantumStructuralModel, a: int, at: Instrument = Z, evidence: bool = True) -> object:
    seen = {"A": 0, "B": 0} if evidence else {}
    return evaluate(model, CounterfactualQuery(seen, {"A": a}, {"B": 1}, {"A": at, "B": at}, {})).probability


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_found_on_a_bell_pair_had_been_found_with_probability_one_half() -> None:
    query = CounterfactualQuery({"A": 0, "B": 0}, {}, {"B": 0}, {"A": Z, "B": Z}, {})
    assert evaluate(pairs({0: BELL}, {0: 1}), query).probability == HALF


@pytest.mark.parametrize("seed", range(4))
def test_what_was_found_is_kept_with_the_mean_sum_of_squares_given_lambda(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = dict(enumerate(rng.dirichlet(np.ones(3))))
    model = pairs({k: random_pair(rng) for k in weights}, weights)
    both = {"A": random_measurement(rng), "B": random_measurement(rng)}
    kept, by_lambda = 0.0, 0.0
    for a, b in product(BITS, repeat=2):
        found = {"A": a, "B": b}
        again = CounterfactualQuery(found, {}, found, both, {})
        kept += probability(model, both, found) * evaluate(model, again).probability
        by_lambda += sum(w * probability(pairs({0: r}, {0: 1}), both, found) ** 2 for w, r in _sent(model))
    assert np.isclose(kept, by_lambda)
    assert kept < 1


def _sent(model: QuantumStructuralModel) -> list[tuple[float, Array]]:
    return list(zip(model.weights["C"], model.states["C"], strict=True))


def test_what_was_found_is_kept_where_lambda_fixes_it() -> None:
    query = CounterfactualQuery({"A": 0, "B": 0}, {}, {"A": 0, "B": 0}, {"A": Z, "B": Z}, {})
    assert evaluate(pairs(CORNERS, {"00": HALF, "11": HALF}), query).probability == 1


# ── what a common cause allows ──────────────────────────────────────────────────────────────────────────────────────


def test_a_coin_that_lambda_does_not_resolve_answers_as_a_bell_pair() -> None:
    for a in BITS:
        assert had_alice_found(pairs({0: COIN}, {0: 1}), a) == had_alice_found(pairs({0: BELL}, {0: 1}), a) == a


def test_a_coin_that_lambda_resolves_makes_the_other_result_impossible() -> None:
    assert had_alice_found(pairs(CORNERS, {"00": HALF, "11": HALF}), 1) is COUNTERPOSSIBLE


@pytest.mark.parametrize("seed", range(4))
def test_a_pure_pair_depends_exactly_if_it_is_entangled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    entangled = random_pair(rng)
    factors = [rng.normal(size=2) + 1j * rng.normal(size=2) for _ in range(2)]
    psi = np.kron(*factors)
    product_state = np.outer(psi, psi.conj()) / np.vdot(psi, psi)
    for rho in (entangled, product_state):
        gaps = [
            abs(had_alice_found(pairs({0: rho}, {0: 1}), 1, at) - had_alice_found(pairs({0: rho}, {0: 1}), 0, at))
            for at in (random_measurement(rng) for _ in range(6))
        ]
        assert (max(gaps) > 1e-6) == (concurrence(rho) > 1e-6)


# ── passive readings of deterministic models ────────────────────────────────────────────────────────────────────────


def wire(states: dict[str, Array]) -> QuantumStructuralModel:
    source = Instrument.discard_and_prepare(dict.fromkeys(states, HALF), states)
    one = np.eye(2, dtype=int)
    nodes = (QuantumNode("A"), QuantumNode("B"))
    return QuantumStructuralModel(nodes, {"L": source}, (unitary(one, ["L"], ["A"]), unitary(one, ["A"], ["B"])))


@pytest.mark.parametrize(
    ("evidence", "antecedent", "answer"),
    [
        ({"A": 0}, {"A": 0}, 1),  # implied, trivially
        ({"B": 0}, {"A": 0}, 1),  # implied by what was found elsewhere
        ({}, {"A": 0}, COUNTERPOSSIBLE),  # left open
        ({"A": 1}, {"A": 0}, COUNTERPOSSIBLE),  # contradicted
    ],
)
def test_a_passive_reading_of_a_classical_wire_has_an_answer_exactly_if_the_evidence_implies_it(
    evidence: dict[str, int], antecedent: dict[str, int], answer: object
) -> None:
    classical = wire({"0": effects(PAULI_Z)[0], "1": effects(PAULI_Z)[1]})
    asked = {name: x for name, x in (("B", 0),) if name not in antecedent}
    query = CounterfactualQuery(evidence, antecedent, asked, {"A": Z, "B": Z}, {})
    assert evaluate(classical, query).probability == answer


# ── what an error is due to ─────────────────────────────────────────────────────────────────────────────────────────


def link(states: dict[object, Array], weights: dict[object, object]) -> QuantumStructuralModel:
    """A source of pairs, one half to A, the other past E to B."""
    nodes = (QuantumNode("A"), QuantumNode("E"), QuantumNode("B"))
    parts = (
        unitary(np.eye(4, dtype=int), ["S"], ["A", "E"]),
        unitary(np.eye(2, dtype=int), ["E"], ["B"]),
    )
    return QuantumStructuralModel(nodes, {"S": Instrument.discard_and_prepare(weights, states)}, parts)


@pytest.mark.parametrize(("basis", "answer"), [(Z, 0), (X, HALF)])
def test_without_anybody_listening_an_error_had_been_none_only_if_lambda_leaves_it_open(
    basis: Instrument, answer: object
) -> None:
    bits = {(j, k): exact(np.diag(np.eye(4, dtype=int)[2 * j + k])) for j in BITS for k in BITS}
    source = link({"Φ": BELL, **bits}, {"Φ": HALF, **dict.fromkeys(bits, HALF / 4)})
    nobody = Instrument.idle(2, outcome="nobody")
    at = {"A": basis, "E": nobody, "B": basis}
    query = CounterfactualQuery({"A": 0, "B": 1}, {"A": 0, "E": "nobody"}, {"B": 0}, at, {})
    assert evaluate(source, query).probability == answer


# ── loops ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_loop_is_no_structural_model_though_it_is_unitary() -> None:
    nothing = Instrument.do(effects(PAULI_Z)[0], d_in=1)
    one = np.eye(2, dtype=int)
    with pytest.raises(ValueError, match="A"):
        QuantumStructuralModel(
            (QuantumNode("A"),), {"L": nothing}, (unitary(one, ["A"], ["A"]), unitary(one, ["L"], ["S"])), {"S": 2}
        )
