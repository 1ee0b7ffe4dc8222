"""Probabilities and counterfactuals on chains, trees and two-wide ladders of qubit nodes, beside the dense operator.

The peak memory of one evaluation stands behind the name of each benchmark. A network is compiled the first time, which
is not counted here; nor is it counted that the dense operator is built once.
"""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import unitary_group

from qlib.quantum.channels import kron, swap_factors
from qlib.quantum.counterfactuals import CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_parts import _process_matrix
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, probability, unitary

SIZES = (10, 20, 30)
DENSE = (4, 6)


def noise(rng: np.random.Generator) -> Instrument:
    """An exogenous qubit: one of two random pure states."""
    kets = unitary_group.rvs(2, size=2, random_state=rng)[:, :, 0]
    p = rng.uniform(0.2, 0.8)
    return Instrument.discard_and_prepare({0: p, 1: 1 - p}, dict(enumerate(np.einsum("ki,kj->kij", kets, kets.conj()))))


def model(rng: np.random.Generator, n: int, parts: list[tuple[list[str], list[str]]]) -> QuantumStructuralModel:
    """Nodes A1 ... An joined by random unitaries that read and write these spaces; Λ… are exogenous, S… the sink."""
    spaces = [space for reads, writes in parts for space in (*reads, *writes)]
    made = tuple(unitary(unitary_group.rvs(2 ** len(w), random_state=rng), r, w) for r, w in parts)
    preparations = {space: noise(rng) for space in spaces if space.startswith("Λ")}
    wires = {space: 2 for space in spaces if space.startswith("S")}
    return QuantumStructuralModel(tuple(QuantumNode(f"A{k}") for k in range(1, n + 1)), preparations, made, wires)


def chain(n: int) -> list[tuple[list[str], list[str]]]:
    """A1 → A2 → ..., each with noise of its own."""
    return [(["Λ1"], ["A1"]), *(([f"A{k}", f"Λ{k + 1}"], [f"A{k + 1}", f"S{k + 1}"]) for k in range(1, n))]


def tree(n: int) -> list[tuple[list[str], list[str]]]:
    """A1 has the children A2 and A3, A2 has A4 and A5, and so on."""
    ends = [f"A{k}" if k <= n else f"S{k}" for k in range(n + 2)]
    return [(["Λ1"], ["A1"]), *(([f"A{k}", f"Λ{2 * k}"], ends[2 * k : 2 * k + 2]) for k in range(1, n // 2 + 1))]


def ladder(n: int) -> list[tuple[list[str], list[str]]]:
    """Two rails A1 → A3 → ... and A2 → A4 → ..., each pair of nodes acting on the next pair; noise at every node."""
    rungs = [(f"A{k}", f"A{k + 1}", f"A{k + 2}", f"A{k + 3}", k + 2) for k in range(1, n - 2, 2)]
    return [
        (["Λ1", "Λ2"], ["A1", "A2"]),
        *(([a, b, f"Λ{k}", f"Λ{k + 1}"], [c, d, f"S{k}", f"S{k + 1}"]) for a, b, c, d, k in rungs),
    ]


SHAPES = {"chain": chain, "tree": tree, "ladder": ladder}


def measurement(rng: np.random.Generator) -> Instrument:
    """A projective measurement in a random basis."""
    return Instrument.projective(np.einsum("ik,jk->kij", u := unitary_group.rvs(2, random_state=rng), u.conj()))


def setting(shape: str, n: int) -> tuple[QuantumStructuralModel, dict[str, Instrument]]:
    rng = np.random.default_rng(n)
    process = model(rng, n, SHAPES[shape](n))
    return process, {name: measurement(rng) for name in process.nodes}


def query(process: QuantumStructuralModel, actual: dict[str, Instrument]) -> CounterfactualQuery:
    """Everything observed; had the first node been prepared, and the second measured otherwise, what of the last?"""
    rng, (first, second, *_, last) = np.random.default_rng(1), process.nodes
    changed = {first: Instrument.do([[1, 0], [0, 0]], 2, outcome=0), second: measurement(rng)}
    evidence = dict.fromkeys(process.nodes, 0)
    return CounterfactualQuery(evidence, {first: 0, second: 1}, {last: 0}, actual, changed)


def measured(benchmark, function: Callable[[], object], group: str, rounds: int = 0) -> object:
    """Time a function that has run once, and name the benchmark after the peak memory of a run."""
    value = function()
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    benchmark.group, benchmark.extra_info["peak"] = group, peak
    benchmark.name += f" {peak / 1e6:.1f} MB" if peak > 1e6 else f" {peak / 1e3:.0f} kB"
    if rounds:
        benchmark.pedantic(function, rounds=rounds)
    else:
        benchmark(function)
    return value


@pytest.mark.parametrize("n", [*DENSE, *SIZES])
@pytest.mark.parametrize("shape", SHAPES)
def bench_probability(benchmark, shape, n):
    """P_z(a), an outcome at every node."""
    process, instruments = setting(shape, n)
    outcomes = dict.fromkeys(process.nodes, 0)
    measured(benchmark, lambda: probability(process, instruments, outcomes), f"{shape}, {n} nodes: probability")


@pytest.mark.parametrize("n", DENSE)
@pytest.mark.parametrize("shape", SHAPES)
def bench_probability_densely(benchmark, shape, n):
    """The same as the trace of the process operator times the product of the operators at the nodes."""
    process, instruments = setting(shape, n)
    outcomes = dict.fromkeys(process.nodes, 0)
    dense = _process_matrix(process.parts, process._sources, process.endogenous, process.dims, process.prior())

    def trace() -> complex:
        tau = kron(*(swap_factors(instruments[name][a], (2, 2)) for name, a in outcomes.items()))
        return np.einsum("ij,ji->", dense, tau)

    value = measured(benchmark, trace, f"{shape}, {n} nodes: probability", rounds=3)
    np.testing.assert_allclose(value, probability(process, instruments, outcomes))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def bench_counterfactual(benchmark, shape, n):
    """Two copies of the network that share λ at every node, and the reciprocals of P^λ(b')."""
    process, instruments = setting(shape, n)
    asked = query(process, instruments)
    measured(benchmark, lambda: evaluate(process, asked), f"{shape}, {n} nodes: counterfactual")


@pytest.mark.parametrize("shape", SHAPES)
def bench_first_evaluation(benchmark, shape):
    """The same for 30 nodes with the network still to be compiled."""
    process, instruments = setting(shape, 30)
    asked = query(process, instruments)
    fresh = iter([replace(process) for _ in range(7)])
    measured(benchmark, lambda: evaluate(next(fresh), asked), f"{shape}, 30 nodes: counterfactual", rounds=5)
