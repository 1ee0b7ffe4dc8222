"""What Kang's symbols mean: tested with complex, asymmetric matrices, in which nothing agrees by chance."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.claims import ledger
from compendium.claims.printed import ForAll, agrees
from compendium.claims.set_formulas import Law
from compendium.claims.vocabulary import kang
from qlib.graphs import CausalGraph
from qlib.numbers import exact, free_array, simplified, vanishes
from qlib.quantum import Instrument, instrument_cj

R, I = sp.Rational, sp.I
LOPSIDED = Law(np.array([R(k * k + 1, 148) for k in range(8)], dtype=object).reshape(2, 2, 2), ("A", "b", "Lam"))
TILTED = simplified(exact([[3, 4 * I], [-4 * I, 5]]) / 8)  # a state, neither real nor diagonal
HALF = exact([[R(1, 3), I / 5], [-I / 5, R(1, 7)]])  # effects without any symmetry


def test_a_probability_is_conditioned_on_what_is_given_and_on_nothing_else():
    P = ForAll(lambda A, b: LOPSIDED.conditional(kang.values(A), kang.values(b)), kang.events("Ab"))
    names = kang.probability_names(LOPSIDED)
    assert agrees("P(A, given(b))", P, names)
    assert not agrees("P(b, given(A))", P, names)
    both = ForAll(lambda A, b: LOPSIDED.marginal(kang.values(A, b)), kang.events("Ab"))
    assert agrees("P(A, given(b)) * P(b, given())", both, names)


@pytest.mark.parametrize("symbols", ["A", "A=2", "=1=1"])
def test_a_symbol_that_names_no_value_of_a_bit_is_refused(symbols):
    with pytest.raises(ValueError, match=r"^symbols: .* should name"):
        kang.values(sp.Symbol(symbols))


def test_two_values_of_one_variable_are_refused():
    with pytest.raises(ValueError, match=r"^symbols: A has the values 0 and 1"):
        kang.values(*kang.events("A")["A"])


def test_the_chances_of_a_free_bit_are_one_together_whatever_its_parents():
    table = kang.free_bit("t", 2, 3)
    assert table.shape == (2, 3, 2)
    assert np.all(table.sum(axis=-1) == 1)
    assert len({str(entry) for entry in table[..., 1].flat}) == 6


def test_the_born_rule_measures_each_party_by_its_own_setting_and_outcome():
    rho, effect = free_array("r", 4, 4), free_array("e", 4, 4)
    M = np.stack([[[(k + 1) * HALF + p * s * TILTED for k in (0, 1)] for s in (1, 2)] for p in (1, 2)])
    names = kang.born_names(rho, M, effect)

    def derived(A, B, a, b):
        at = kang.values(A, B, a, b)
        return sp.expand(np.trace(rho @ np.kron(M[0, at["a"], at["A"]], M[1, at["b"], at["B"]])))

    law = ForAll(derived, kang.events("ABab"))
    assert agrees("tr(rho_AB*kron(M(A, a), M(B, b)))", law, names)
    assert not agrees("tr(rho_AB*kron(M(B, b), M(A, a)))", law, names)
    with pytest.raises(ValueError, match=r"^setting: b is not the setting of A"):
        names["M"](sp.Symbol("A=0"), sp.Symbol("b=0"))


def test_a_graph_is_written_with_the_names_of_the_ledger():
    graph = CausalGraph({"Lam": "latent classical", "A": "observed", "B": "observed"}, [("Lam", "A"), ("A", "B")])
    assert kang.graph_items(graph) == {
        "nodes": {"A", "B", "Lambda"},
        "edges": {"Lambda -> A", "A -> B"},
        "latents": {"Lambda"},
    }


@pytest.mark.parametrize("a0", [0, 1])
def test_all_stages_together_are_the_do_instrument_and_the_first_alone_is_not(a0):
    stages = list(kang.surgery_stages(a0).values())
    state = np.diag(exact([1 - a0, a0]))
    assert Instrument.from_kraus({"do": kang.composed(*stages)}).same_as(Instrument.do(state, 2))
    assert not Instrument.from_kraus({"do": stages[0]}).same_as(Instrument.do(state, 2))


def test_a_value_that_is_no_bit_has_no_surgery():
    with pytest.raises(ValueError, match=r"^a0: 2 should be 0 or 1"):
        kang.surgery_stages(2)


def test_channels_are_composed_in_the_order_in_which_they_act():
    first, second, third = (np.stack([free_array(name, 2, 2) for name in names]) for names in ("ab", "c", "de"))
    by_hand = [c @ b @ a for c, b, a in product(third, second, first)]
    difference = instrument_cj(kang.composed(first, second, third)) - instrument_cj(np.stack(by_hand))
    assert vanishes(difference)


def test_a_channel_on_the_first_qubit_acts_on_the_first_factor_and_conjugates():
    rotated = kang.on_first([exact([[0, -I], [1, 0]])], np.kron(TILTED, HALF))
    assert np.all(rotated == simplified(np.kron(exact([[0, -I], [1, 0]]) @ TILTED @ exact([[0, 1], [I, 0]]), HALF)))


def test_a_derivation_that_does_not_hold_stops_the_chapter():
    with pytest.raises(ArithmeticError, match="this does not hold: one is two"):
        ledger.ensure("one is two", 1 == 2)
