"""The rule that keeps results, Petz's recovery, and what becomes of what was found when changes follow each other."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.correlations.changed_contexts import after_change, lasting_results
from qlib.correlations.scenarios import bell_scenario, ghz_mermin, hardy_paradox, mix, tsirelson, white_noise
from qlib.numbers.exact_arrays import exact
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects, pure_state
from qlib.quantum.counterfactuals import CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.kept_results import with_results_kept
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.process_parts import unitary
from qlib.quantum.processes import QuantumStructuralModel
from qlib.quantum.random_processes import random_state
from qlib.quantum.retrodiction import petz_posterior, record_posterior

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
ONE = np.eye(2, dtype=int)
PAIR = Instrument.do(pure_state(exact([1, 0, 0, 1]) / sp.sqrt(2)), d_in=1, name="C")
X, Z = (Instrument.projective(effects(P)) for P in (PAULI_X, PAULI_Z))


def bell_pair() -> QuantumStructuralModel:
    return QuantumStructuralModel(
        [*map(QuantumNode, "AB")], {"C": PAIR}, [unitary(np.eye(4, dtype=int), ["C"], ["A", "B"])]
    )


def test_with_results_kept_what_the_change_cannot_reach_would_have_been_found() -> None:
    at = {"A": Z, "B": Z}
    asked = CounterfactualQuery({"A": 0, "B": 0}, {}, {"B": 0}, at, {"A": X})
    assert evaluate(bell_pair(), asked).probability == sp.Rational(1, 2)
    asked = CounterfactualQuery({"A": 0, "B": 0}, {}, {"A": 0}, at, {"A": X})
    assert with_results_kept(bell_pair(), asked).antecedent == {"B": 0}
    again = CounterfactualQuery({"A": 0, "B": 0}, {}, {"A": 0}, at, {"A": Z})  # nothing is changed: Bob's 0 is kept
    assert evaluate(bell_pair(), with_results_kept(bell_pair(), again)).probability == 1


def test_what_a_changed_node_influences_through_others_is_not_kept() -> None:
    nodes = [QuantumNode(name) for name in "ABC"]
    chain = [unitary(np.eye(2, dtype=int), [a], [b]) for a, b in ("ΛA", "AB", "BC")]
    model = QuantumStructuralModel(nodes, {"Λ": Instrument.do(np.diag([1, 0]), d_in=1)}, chain)
    found = dict.fromkeys("ABC", 0)
    asked = CounterfactualQuery(found, {}, {"C": 0}, dict.fromkeys("ABC", Z), {"B": X})
    assert with_results_kept(model, asked).antecedent == {"A": 0}
    with pytest.raises(ValueError, match="'D' is not a node"):
        with_results_kept(model, CounterfactualQuery({}, {}, {"D": 0}, {"D": Z}, {}))


def test_for_hardys_evidence_two_changes_end_in_opposite_results_in_the_two_orders() -> None:
    hardy, found = hardy_paradox(), {(0, 0): 1}
    by_alice = after_change(hardy, after_change(hardy, found, ("A0", "B0"), ("A1", "B0")), ("A1", "B0"), ("A1", "B1"))
    by_bob = after_change(hardy, after_change(hardy, found, ("A0", "B0"), ("A0", "B1")), ("A0", "B1"), ("A1", "B1"))
    assert {*by_alice.values()} == {*by_bob.values()} == {1}
    assert by_alice.keys() != by_bob.keys()


def test_for_the_ghz_state_no_evidence_lasts_and_for_noise_all_does() -> None:
    ghz = ghz_mermin()
    contexts = ghz.scenario.contexts
    for k, context in enumerate(contexts):
        law = ghz.marginal(k, context)
        for found in np.ndindex(law.shape):
            if law[found] != 0:
                assert len(lasting_results(ghz, context, found)) == 0
    assert len(lasting_results(white_noise(bell_scenario(2, 2)), ("A0", "B0"), (1, 0))) == 4


@pytest.mark.parametrize(
    "phenomenon", [tsirelson(), mix(sp.Rational(1, 3), hardy_paradox(), white_noise(bell_scenario(2, 2)))]
)
def test_one_change_leads_from_the_law_of_a_context_to_that_of_the_other(phenomenon) -> None:  # type: ignore[no-untyped-def]
    law = {r: phenomenon.table[(0, *r)] for r in np.ndindex(2, 2)}
    changed = after_change(phenomenon, law, ("A0", "B0"), ("A1", "B0"))
    there = phenomenon.scenario.contexts.index(("A1", "B0"))
    assert all(sp.simplify(p - phenomenon.table[(there, *r)]) == 0 for r, p in changed.items())


@given(rng=SEEDS, d=st.integers(2, 3))
@settings(max_examples=10)
def test_petz_and_a_record_in_the_eigenbasis_differ_by_the_coherence_of_the_effect(
    rng: np.random.Generator, d: int
) -> None:
    rho, E = random_state(d, rng), random_state(d, rng)
    weights, vectors = np.linalg.eigh(rho)
    recorded = record_posterior(weights, np.einsum("ik,jk->kij", vectors, vectors.conj()), E)
    petz = vectors.conj().T @ petz_posterior(rho, E) @ vectors
    assert np.allclose(vectors.conj().T @ recorded @ vectors, np.diag(np.diag(petz)))
    diagonal = vectors @ np.diag(np.diag(vectors.conj().T @ E @ vectors)) @ vectors.conj().T
    assert np.allclose(petz_posterior(rho, diagonal), recorded)


@given(rng=SEEDS)
@settings(max_examples=10)
def test_of_a_pure_state_nothing_is_learnt_so_both_rules_agree_for_every_effect(rng: np.random.Generator) -> None:
    ket = rng.normal(size=2) + 1j * rng.normal(size=2)
    rho, E = np.outer(ket, ket.conj()) / np.vdot(ket, ket).real, random_state(2, rng)
    assert np.allclose(petz_posterior(rho, E), record_posterior([1], [rho], E))
    assert np.allclose(petz_posterior(rho, E), rho)


@given(rng=SEEDS)
@settings(max_examples=10)
def test_no_record_lets_both_worlds_violate_a_bell_inequality_and_petz_does(rng: np.random.Generator) -> None:
    def chsh(joint):  # type: ignore[no-untyped-def]
        E = {(x, y): sum((-1) ** (a + b) * joint(was[x][a], would[y][b]) for a in (0, 1) for b in (0, 1))
             for x in (0, 1) for y in (0, 1)}  # fmt: skip
        return E[0, 0] + E[0, 1] + E[1, 0] - E[1, 1]

    was = [effects(P).astype(float) for P in (PAULI_Z, PAULI_X)]
    would = [effects((PAULI_Z + s * PAULI_X) / sp.sqrt(2)).astype(float) for s in (1, -1)]
    rho = np.eye(2) / 2
    assert abs(chsh(lambda E, F: np.trace(rho @ E) * np.trace(petz_posterior(rho, E) @ F).real) - 2 * np.sqrt(2)) < 1e-9
    weights, states = rng.dirichlet(np.ones(5)), np.array([random_state(2, rng) for _ in range(5)])
    mean = np.einsum("k,kij->ij", weights, states)
    assert chsh(lambda E, F: (np.trace(mean @ E) * np.trace(record_posterior(weights, states, E) @ F)).real) <= 2 + 1e-9
