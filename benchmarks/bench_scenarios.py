"""How long scenarios take: factorisability, contextual fractions, facets (3322 among them): `pytest benchmarks`."""

import numpy as np
import pytest

from qlib.correlations import scenarios
from qlib.correlations.couplings import contextuality_by_default
from qlib.correlations.hidden_variables import contextual_fraction, factorise
from qlib.correlations.polytope import facet_classes, facets, nondisturbing_vertices
from qlib.correlations.scenarios import bell_scenario, cycle_scenario


@pytest.fixture(scope="module")
def square():
    """The Peres–Mermin square: 512 assignments, 48 entries."""
    found = scenarios.peres_mermin()
    return found, found.as_float()


def bench_factorise_exactly(benchmark):
    benchmark(factorise, scenarios.tsirelson())


def bench_factorise_in_floating_point(benchmark):
    benchmark(factorise, scenarios.tsirelson().as_float())


def bench_contextual_fraction_of_the_square_exactly(benchmark, square):
    benchmark(contextual_fraction, square[0])


def bench_contextual_fraction_of_the_square_in_floating_point(benchmark, square):
    benchmark(contextual_fraction, square[1])


def bench_couplings_of_the_5_cycle(benchmark):
    benchmark(contextuality_by_default, scenarios.quantum_cycle(5).as_float())


@pytest.mark.parametrize(
    "scenario", [bell_scenario(2, 2), cycle_scenario(5), bell_scenario(3, 3)], ids=lambda s: s.name
)
def bench_all_facets(benchmark, scenario):
    benchmark.pedantic(facets.__wrapped__, args=(scenario,), rounds=3)


def bench_classes_of_3322(benchmark):
    found = facets(bell_scenario(3, 3))
    sizes = [c.size for c in benchmark.pedantic(facet_classes, args=(found,), rounds=3)]
    np.testing.assert_array_equal(sizes, [36, 72, 576])


def bench_vertices_of_the_nondisturbing_5_cycle(benchmark):
    benchmark.pedantic(nondisturbing_vertices.__wrapped__, args=(cycle_scenario(5),), rounds=3)
