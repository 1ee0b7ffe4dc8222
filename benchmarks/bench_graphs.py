"""d-separation of many graphs, beside networkx on the same graphs; the census of three parties: `pytest benchmarks`."""

import networkx as nx
import pytest

from compendium.studies.pc_surviving_structures import census, is_certified, no_disturbance, satisfies
from qlib.graphs.enumeration import dags, mixed_graphs, reachable, separated


@pytest.fixture(scope="module")
def every():
    """All 29,281 directed acyclic graphs on five nodes."""
    return dags(5)


def bench_dags_of_five_nodes_in_a_batch(benchmark, every):
    """One query, (0 ⊥ 4 | 1, 2), of 29,281 graphs."""
    benchmark(separated, every, {0}, {4}, {1, 2})


def bench_dags_of_five_nodes_by_networkx(benchmark, every):
    """The same query of every hundredth of the same graphs."""
    graphs = []
    for k in range(0, len(every), 100):
        graph = nx.DiGraph()
        graph.add_nodes_from(range(5))
        graph.add_edges_from((u, v) for v in range(5) for u in range(5) if every.parents[v, k] >> u & 1)
        graphs.append(graph)
    truths = benchmark(lambda: [nx.is_d_separator(graph, {0}, {4}, {1, 2}) for graph in graphs])
    assert truths == separated(every[::100], {0}, {4}, {1, 2}).tolist()


def bench_all_targets_of_one_source(benchmark, every):
    """Three queries at a time: what node 0 reaches given 1."""
    benchmark(reachable, every, 0, {1})


def bench_enumeration_of_dags_of_five_nodes(benchmark):
    benchmark(dags, 5)


def bench_every_structure_of_two_parties(benchmark):
    every = mixed_graphs(4)
    benchmark(satisfies, every, no_disturbance(2))


@pytest.mark.parametrize("jobs", [1, 2])
def bench_census_of_three_parties(benchmark, jobs):
    """7,970,304 structures, tested against all of eq. (7)."""
    benchmark.pedantic(census, args=(3,), kwargs={"jobs": jobs}, rounds=3)


def bench_certification_of_the_survivors(benchmark):
    benchmark(is_certified, census(3).survivors, 3)
