"""Backends: one interface, and the same law behind all that are local."""

from pathlib import Path

import numpy as np
import pytest

from qlib.circuits.backends import Aer, Backend, Exact, backend, labelled
from qlib.circuits.circuits import (
    ARIA,
    NOISELESS,
    bell_circuit,
    chsh_circuits,
    circuit_law,
    measured,
    native,
    product_circuit,
    project_prepare,
    schmidt_circuit,
)
from qlib.circuits.ionq import IonQ
from qlib.numbers.hypothesis_tests import acceptance_region

SHOTS = 2000
CIRCUITS = [
    *chsh_circuits(bell_circuit())[2:],
    measured(product_circuit([0.3, 1.2], [0.5, 2.0]), [0.1, 0.9]),
    *(
        measured(project_prepare(schmidt_circuit(0.3), 1, surgery=surgery), [0.1, 0.2])
        for surgery in ("measure and reset", "feed-forward")
    ),
]


@pytest.mark.parametrize("name", ["exact", "aer", "exact-aria", "aer-aria"])
def test_counts_lie_in_the_acceptance_region_of_the_exact_law(name: str) -> None:
    """Aer, with its own gates, noise and control flow, is another route to the same numbers."""
    counts = backend(name).run(CIRCUITS, SHOTS, np.random.default_rng(1))
    for circuit, n in zip(CIRCUITS, counts, strict=True):
        noisy = name.endswith("aria")
        p = circuit_law(native(circuit) if noisy else circuit, ARIA if noisy else NOISELESS).clip(0, 1)
        low, high = acceptance_region(p, SHOTS, alarm=1e-9)
        assert n.shape == p.shape == (2,) * circuit.num_clbits
        assert n.sum() == SHOTS
        assert np.all((low <= n) & (n <= high)), circuit.name


@pytest.mark.parametrize("name", ["exact", "aer-aria"])
def test_a_run_is_a_function_of_its_seed(name: str) -> None:
    runs = [np.array(backend(name).run(CIRCUITS[:2], SHOTS, np.random.default_rng(seed))) for seed in (5, 5, 6)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] != runs[2]).any()


def test_labelled_circuits_keep_their_law() -> None:
    for circuit in CIRCUITS:
        np.testing.assert_allclose(circuit_law(labelled(native(circuit))), circuit_law(circuit), atol=1e-9)


def test_a_name_says_which_backend(tmp_path: Path) -> None:
    backends: list[Backend] = [backend(), backend("aer"), backend("ionq_qpu.aria-1", folder=tmp_path, label="x")]
    assert backends[:2] == [Exact(), Aer()]
    assert isinstance(backends[2], IonQ)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: backend("aria"), "backend 'aria': should be exact, exact-aria, aer, aer-aria, ionq_simulator"),
        (lambda: backend("aer", shots=3), "backend 'aer' takes no options, but was given shots"),
        (lambda: Exact().run(CIRCUITS, 0, np.random.default_rng(1)), "shots=0: should be at least 1"),
        (lambda: Aer().run(CIRCUITS, -1, np.random.default_rng(1)), "shots=-1: should be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
