"""How long it takes to find everything that a law has and a graph explains: `pytest benchmarks`."""

import numpy as np
import pytest
import sympy

from qlib.correlations.classical_cost import communication_program, dependence_program, isotropic, optimal_line
from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.graphs.independence import independences, separations
from qlib.numbers.exact_arrays import exact
from qlib.numbers.linear_programs import certificate

NAMES = [f"V{k}" for k in range(8)]


@pytest.fixture(scope="module")
def law():
    """Eight binary variables, all dependent."""
    return np.random.default_rng(1997).dirichlet(np.ones(256)).reshape((2,) * 8)


@pytest.fixture(scope="module")
def tsirelson():
    return exact(isotropic(2 * sympy.sqrt(2))) / 4


def bench_independences_of_eight_variables(benchmark, law):
    benchmark(independences, law, NAMES)


def bench_independences_in_radicals(benchmark, tsirelson):
    benchmark(independences, tsirelson, "XYAB")


def bench_generators(benchmark, tsirelson):
    benchmark(independences(tsirelson, "XYAB").generators)


def bench_separations_of_six_nodes(benchmark):
    chain = CausalGraph(dict.fromkeys("ABCDEF", NodeKind.OBSERVED), zip("ABCDE", "BCDEF", strict=True))
    benchmark(separations, chain)


def bench_least_communication_exactly(benchmark):
    benchmark(certificate, communication_program(isotropic(2 * sympy.sqrt(2))))


def bench_least_dependence_exactly(benchmark):
    benchmark(certificate, dependence_program(isotropic(2 * sympy.sqrt(2))))


def bench_proof_of_a_line(benchmark):
    S = sympy.Symbol("S")
    benchmark(optimal_line, lambda s: dependence_program(isotropic(s)), S, 2, 4)
