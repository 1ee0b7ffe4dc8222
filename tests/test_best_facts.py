"""Up to which noise some decomposition of the noisy pair answers as a classical model could: both proofs."""

import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

from compendium.paths import ROOT
from compendium.studies import best_facts, one_experiment
from qlib.numbers.exact_arrays import simplified
from qlib.quantum import PAULI_X, PAULI_Z, born_rule, effects

R = sp.Rational


def test_a_turn_of_bobs_qubit_makes_the_pair_the_one_in_his_frame():
    half = np.pi / 8
    turn = np.kron(np.eye(2), [[np.cos(half), np.sin(half)], [np.sin(half), -np.cos(half)]])
    for v in (R(0), R(3, 7), R(1)):
        pair = one_experiment.noisy_pair(v).astype(float)
        assert np.allclose(turn @ pair @ turn.T, best_facts.in_bobs_frame(v).astype(complex))


def test_in_bobs_frame_the_statistics_are_those_of_the_experiment():
    v = sp.Symbol("v")
    along = effects(np.stack([PAULI_Z, PAULI_X]))
    found = born_rule(best_facts.in_bobs_frame(v), along, along)
    assert not np.any(simplified(found - one_experiment.data(v / sp.sqrt(2))))


def test_no_decomposition_agrees_from_a_visibility_on_and_one_does_just_below():
    v, more = best_facts.excess()
    assert v < R(8822, 10_000) < v + R(1, 10_000)
    assert more > 0
    assert best_facts.no_facts(R(8822, 10_000))
    assert not best_facts.no_facts(R(8821, 10_000))


def test_the_four_facts_complete_the_state_and_are_pure():
    v, weights, states = best_facts.facts()
    assert not np.any(np.einsum("k,kij->ij", weights, states) - one_experiment.noisy_pair(v))
    assert sum(weights) == 1
    assert np.allclose(np.einsum("kij,kji->k", states, states).astype(float), 1)


@pytest.mark.parametrize("seed", range(3))
def test_random_complex_decompositions_have_no_more_than_the_solver_says(seed):
    rng, v = np.random.default_rng(seed), 0.8
    zero = np.diag([1.0, 0.0])
    E = np.kron(zero, (np.eye(2) + (PAULI_Z + PAULI_X).astype(float) / np.sqrt(2)) / 2)
    F = np.kron(np.eye(2), (np.eye(2) - (PAULI_Z - PAULI_X).astype(float) / np.sqrt(2)) / 2)
    rho = one_experiment.noisy_pair(R(4, 5)).astype(float)
    for _ in range(30):
        weights, states = one_experiment.completed(rho, 6, rng)
        chances = [np.einsum("kij,ji->k", states, M).real for M in (E, F)]
        assert weights @ (chances[0] * chances[1]) < best_facts.most(v) + 1e-7


THREADS = """import os
from compendium.paths import ROOT
from compendium.studies import best_facts
before = len(os.listdir("/proc/self/task"))
best_facts.most(0.88)
print(len(os.listdir("/proc/self/task")) - before)"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_large_semidefinite_program_starts_no_thread_which_a_fork_would_wait_for():
    asked = subprocess.run([sys.executable, "-c", THREADS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert asked.stdout == "0\n"
