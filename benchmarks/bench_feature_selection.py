"""How long Experiment 5's statistics take by samples and scikit-learn, and by counts: `pytest benchmarks`."""

import numpy as np
import pytest

from compendium.studies.kang_feature_selection import (
    Design,
    collapse_probability,
    collapsed_gain,
    draw,
    fit_logistic,
    law_of_features,
    mean_gain,
    simulate,
)

SEEDS = 20


@pytest.fixture(scope="module")
def training():
    """Counts of the training sets of twenty seeds."""
    return draw(law_of_features(1.0), 1400, np.random.default_rng(42), (SEEDS,))


@pytest.fixture(scope="module")
def rows(training):
    """The same training sets, sample by sample."""
    sets = [np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0) for counts in training]
    return [(samples[:, :2], samples[:, 2]) for samples in sets]


def bench_fits_of_twenty_seeds_by_scikit_learn(benchmark, rows):
    from sklearn.linear_model import LogisticRegression

    benchmark(lambda: [LogisticRegression().fit(*samples).coef_ for samples in rows])


def bench_fits_of_twenty_seeds_by_counts(benchmark, training):
    benchmark(fit_logistic, training)


def bench_samples_of_a_domain_by_circuits(benchmark):
    """As the published code draws them, one circuit and one shot a sample: 20 of the 4,500 samples of a seed."""
    from qiskit import QuantumCircuit, transpile
    from qiskit_aer import AerSimulator

    simulator, angles = AerSimulator(), np.random.default_rng(42).uniform(0, np.pi, 20)

    def one(angle):
        circuit = QuantumCircuit(3, 3)
        circuit.ry(angle, 0)
        circuit.cx(0, 2)
        circuit.cx(0, 1)
        circuit.measure(range(3), range(3))
        return simulator.run(transpile(circuit, simulator), shots=1).result().get_counts()

    benchmark(lambda: [one(angle) for angle in angles])


def bench_whole_experiment_of_twenty_seeds(benchmark):
    benchmark(simulate, Design(), SEEDS, np.random.default_rng(42))


def bench_exact_law_of_the_mean_gain(benchmark):
    benchmark(lambda: mean_gain([collapsed_gain(Design())] * SEEDS, [collapse_probability(Design())] * SEEDS))
