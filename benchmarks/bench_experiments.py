"""Kang's Experiments 2 and 3 by circuit and by closed form: `pytest benchmarks`."""

import numpy as np
import pytest

from compendium.studies.kang_experiments import (
    confounding_strength,
    experiment_2,
    experiment_3,
    fit_statistics,
)
from compendium.studies.kang_laws import fit_probability, product_strength_nodes
from qlib.circuits.backends import backend
from qlib.circuits.circuits import bell_circuit, chsh_circuits, circuit_law, schmidt_circuit
from qlib.correlations.behaviours import correlators_of_behaviour

SHOTS = 10_000


def strengths(counts, repetitions):
    """Confounding strengths of runs of four circuits each."""
    return confounding_strength(correlators_of_behaviour(np.array(counts).reshape(repetitions, 2, 2, 2, 2) / SHOTS))


@pytest.mark.parametrize("name", ["exact", "exact-aria", "aer", "aer-aria"])
def bench_ten_chsh_tests_by_circuit(benchmark, name):
    circuits = chsh_circuits(bell_circuit()) * 10
    values = benchmark(lambda: strengths(backend(name).run(circuits, SHOTS, np.random.default_rng(1)), 10))
    assert values.shape == (10,)


def bench_experiment_2_whole_in_closed_form(benchmark):
    benchmark(lambda: experiment_2("as coded", np.random.default_rng(1)))


@pytest.mark.parametrize("name", ["exact", "aer"])
def bench_experiment_3_by_circuit(benchmark, name):
    circuits = [c for theta in np.linspace(0, np.pi / 2, 25) for c in chsh_circuits(schmidt_circuit(theta))]
    benchmark(lambda: strengths(backend(name).run(circuits, SHOTS, np.random.default_rng(1)), 25))


def bench_experiment_3_whole_in_closed_form(benchmark):
    benchmark(lambda: experiment_3("as coded", np.random.default_rng(1)))


def bench_ten_thousand_runs_of_experiment_3(benchmark):
    benchmark(lambda: fit_statistics(np.random.default_rng(1), runs=10_000))


def bench_law_of_pearsons_r(benchmark):
    benchmark(fit_probability, "r", 0.9999)


def bench_law_of_the_strength_of_a_product_state(benchmark):
    benchmark(product_strength_nodes)


def bench_exact_law_of_a_circuit(benchmark):
    benchmark(circuit_law, chsh_circuits(bell_circuit())[3])
