"""What the symbols of the quantum half of Suresh, Frembs and Cavalcanti mean, on complex matrices without symmetry."""

import numpy as np
import pytest
import sympy as sp

from compendium.claims.bound_indices import lifted
from compendium.claims.operator_formulas import operator_on
from compendium.claims.printed import parse
from compendium.claims.vocabulary.sfc import quantum
from qlib.graphs import CausalGraph
from qlib.numbers import exact, vanishes
from qlib.quantum import (
    Instrument,
    instrument_cj,
    partial_trace,
    process_cj,
    random_instrument,
    random_markov_process,
)

KRAUS = exact([[1, 2 * sp.I], [3 - sp.I, sp.Rational(1, 2)], [0, 1 + sp.I]])  # from a qubit to a qutrit


def applied(X):
    return operator_on({"A_out": 3}, KRAUS @ X.array @ quantum.adjoint(KRAUS))


NAMES = quantum.ALGEBRA | {
    "M": lifted(applied),
    "Sum": quantum.sum_over(i=(0, 1), j=(0, 1)),
}


def test_the_sum_of_eq_10_is_the_operator_of_an_instrument():
    names = NAMES | {"ketbra": quantum.ketbra("A_in")}
    tau = parse("Sum(kron(tp(M(ketbra(i, j))), ketbra(j, i)), i, j)", names)
    spaces = {"A_out": 3, "A_in": 2}
    assert vanishes(tau - quantum.matrix(spaces, instrument_cj(KRAUS[None])))
    assert not vanishes(tau - quantum.matrix(spaces, process_cj(KRAUS[None])))


def test_the_sum_of_eq_14_is_the_operator_of_a_channel():
    rho = parse("Sum(kron(M(ketbra(i, j)), ketbra(i, j)), i, j)", NAMES | {"ketbra": quantum.ketbra("B_in")})
    assert vanishes(rho - quantum.matrix({"A_out": 3, "B_in": 2}, process_cj(KRAUS[None])))


def test_an_identity_is_of_the_dimension_of_its_space():
    one = quantum.identity({"B": 3})
    assert (one("B").array.shape, one("A").array.shape) == ((3, 3), (2, 2))


def test_a_trace_over_some_spaces_is_a_partial_trace():
    array = exact(np.arange(36).reshape(6, 6)) * (1 + 2 * sp.I)
    kept = quantum.trace_over("A")(operator_on({"A": 2, "B": 3}, array))
    assert vanishes(kept.array - partial_trace(array, (2, 3), keep=(1,)))


def test_a_process_paired_with_elements_is_the_born_rule():
    rng = np.random.default_rng(5)
    arrow = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    model = random_markov_process(arrow, rng)
    sigma = quantum.process(model.process_operator())
    z = {name: random_instrument(node, rng) for name, node in model.nodes.items()}
    law = [[quantum.pairing(sigma, quantum.elements(z, {"A": a, "B": b})) for b in (0, 1)] for a in (0, 1)]
    assert np.isclose(np.sum(law), 1)
    assert np.allclose(np.sum(law, axis=1), [quantum.pairing(sigma, quantum.elements(z, {"A": a})) for a in (0, 1)])


def test_the_factors_of_a_process_multiply_to_it():
    rng = np.random.default_rng(6)
    model = random_markov_process(CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")]), rng)
    one, other = (quantum.factor(part, model.dims) for part in model.parts)
    spaces = ("A_in", "A_out", "B_in", "B_out")
    sigma = quantum.process(model.process_operator())
    assert np.allclose((one * other).padded(sigma.systems).on(*spaces), sigma.on(*spaces))


@pytest.mark.parametrize("d_out", [1, 2, 3])
def test_a_free_instrument_meets_the_trace_condition_and_nothing_else(d_out):
    z = quantum.free_instrument("z", 2, d_out)
    assert vanishes(partial_trace(z.channel, (d_out, 2), keep=(1,)) - np.eye(2, dtype=int))
    symbols = set().union(*(sp.sympify(entry).free_symbols for entry in (*z[0].flat, *z.channel.flat)))
    assert len(symbols) == 2 * (2 * d_out) ** 2 - 4


def test_an_element_without_outcome_is_the_channel():
    one, i = sp.Rational(1, 5), sp.I
    z = Instrument.from_kraus(
        {"a": exact([[[3, 0], [0, 3 * i], [0, 0]]]) * one, "b": exact([[[0, 0], [4 * i, 0], [0, 4]]]) * one}
    )
    assert vanishes(quantum.element("A", z).array - z["a"] - z["b"])
    assert quantum.element("A", z, "a").systems == {"A_out": 3, "A_in": 2}
