"""How long the bounds on the average causal effect take, by each route: `pytest benchmarks`."""

import numpy as np
import pytest
import sympy

from qlib.models.balke_pearl import derive_bounds
from qlib.models.bounds import ace_bounds, bound_certificate
from qlib.models.potential_outcomes import instrumental_behaviour, potential_outcome_program
from qlib.numbers.linear_programs import solve


@pytest.fixture(scope="module")
def million():
    """A million behaviours p[i, x, y, z], a fifth of them infeasible."""
    rng = np.random.default_rng(1997)
    return np.ascontiguousarray(np.moveaxis(rng.dirichlet(np.ones(4), size=(1_000_000, 2)), 1, 2)).reshape(-1, 2, 2, 2)


@pytest.fixture(scope="module")
def quantum():
    """Wang and Zhang's eq. (13)."""
    root = sympy.sqrt(2)
    p = np.full((2, 2, 2), (2 - root) / 8, dtype=object)
    p[0, 0, 0] = p[1, 1, 0] = p[0, 1, 1] = p[1, 1, 1] = (2 + root) / 8
    return p


def bench_validation_of_a_million(benchmark, million):
    benchmark(instrumental_behaviour, million)


def bench_closed_form_of_a_million(benchmark, million):
    benchmark(ace_bounds, million)


def bench_closed_form_of_one(benchmark, million):
    benchmark(ace_bounds, million[0])


def bench_both_bounds_by_linear_program(benchmark, quantum):
    benchmark(ace_bounds, quantum.astype(float), "linear program")


def bench_one_linear_program(benchmark, quantum):
    benchmark(solve, potential_outcome_program(quantum.astype(float)))


def bench_exact_bounds(benchmark, quantum):
    benchmark(ace_bounds, quantum)


def bench_exact_certificate(benchmark, quantum):
    benchmark(bound_certificate, quantum)


def bench_derivation_of_all_bounds(benchmark):
    benchmark.pedantic(derive_bounds.__wrapped__, args=("lower",), rounds=3)
