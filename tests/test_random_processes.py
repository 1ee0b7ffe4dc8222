"""Random channels, instruments and processes are what their names say."""

import numpy as np
import pytest

from qlib.graphs.graphs import CausalGraph
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.random_processes import (
    random_channel,
    random_instrument,
    random_markov_process,
    random_state,
    random_structural_model,
    random_unitary,
)

DIAMOND = CausalGraph(dict.fromkeys("ABCD", "observed"), [("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")])


@pytest.mark.parametrize(("d_in", "d_out"), [(1, 3), (2, 2), (5, 2), (4, 1)])
def test_random_channels_preserve_the_trace(d_in: int, d_out: int) -> None:
    K = random_channel(d_in, d_out, np.random.default_rng(0))
    np.testing.assert_allclose(np.einsum("kij,kil->jl", K.conj(), K), np.eye(d_in), atol=1e-12)


def test_random_unitaries_are_haar_distributed_in_their_first_moments() -> None:
    """|U_ij|² has the mean 1/d and the variance (d − 1)/(d²(d + 1)); 4,000 draws, five standard errors."""
    rng, d, n = np.random.default_rng(1), 3, 4000
    entries = np.array([random_unitary(d, rng)[0, 0] for _ in range(n)])
    assert abs(np.mean(np.abs(entries) ** 2) - 1 / d) < 5 * np.sqrt((d - 1) / (d * d * (d + 1)) / n)
    assert abs(np.mean(entries)) < 5 * np.sqrt(1 / d / n)


def test_random_states_and_instruments_are_valid() -> None:
    rng = np.random.default_rng(2)
    state = random_state(3, rng)
    assert np.isclose(np.trace(state).real, 1)
    assert np.linalg.eigvalsh(state).min() > -1e-12
    instrument = random_instrument(QuantumNode("A", 3, 2), rng, outcomes=3, name="w")
    assert (instrument.outcomes, instrument.name) == ((0, 1, 2), "w")


def test_no_outcome_of_a_random_instrument_is_that_of_one_kraus_operator() -> None:
    instrument = random_instrument(QuantumNode("A", 3, 2), np.random.default_rng(5), outcomes=3)
    assert [np.linalg.matrix_rank(instrument.choi(z)) for z in instrument.outcomes] == [2, 2, 2]


def test_a_random_state_has_the_rank_that_was_asked_for() -> None:
    rng = np.random.default_rng(6)
    assert [np.linalg.matrix_rank(random_state(4, rng, rank)) for rank in (1, 2, 3, 7)] == [1, 2, 3, 4]


def test_random_models_have_the_graph_that_was_asked_for() -> None:
    rng = np.random.default_rng(3)
    process, model = random_markov_process(DIAMOND, rng), random_structural_model(DIAMOND, rng)
    assert process.graph == model.graph == DIAMOND
    assert [node.d_out for node in process.endogenous] == [4, 2, 2, 2]
    assert {part.writes[0]: set(part.reads) for part in process.parts} == {v: DIAMOND.parents(v) for v in "ABCD"}


def test_the_same_seed_gives_the_same_model() -> None:
    one, two = (random_markov_process(DIAMOND, np.random.default_rng(4)) for _ in range(2))
    assert all((a.array == b.array).all() for a, b in zip(one.parts, two.parts, strict=True))
