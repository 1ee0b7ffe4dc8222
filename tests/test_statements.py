"""Statements about sets of variables: what the names stand for, conditional probabilities, sums and products."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.claims.printed import agrees
from compendium.claims.set_formulas import Law, Name, Reading

READING = Reading(
    {"C": {1: {"C_1"}, 2: {"C_2"}, 3: {"C_3"}}, "L": {0: {"L"}}},
    indexed={"upto": lambda chosen: {f"C_{k}" for k in range(1, max(chosen) + 1)}},
    maps={"next": lambda nodes: {f"C_{int(node[2:]) % 3 + 1}" for node in nodes}},
)
NAMES = READING.names()


def law() -> Law:
    """C₁ and C₂ copy L with different reliability, C₃ is C₁."""
    weights = {"L": [1, 2], "C_1": [[3, 1], [1, 4]], "C_2": [[2, 5], [1, 1]]}
    array = np.full((2, 2, 2, 2), sp.Integer(0), dtype=object)
    for l, a, b in product((0, 1), repeat=3):
        rows = weights["C_1"][l], weights["C_2"][l]
        array[l, a, b, a] = sp.Rational(weights["L"][l] * rows[0][a] * rows[1][b], 3 * sum(rows[0]) * sum(rows[1]))
    return Law(array, ("L", "C_1", "C_2", "C_3"))


def test_names_stand_for_their_variables() -> None:
    C, L, union, compl, setminus = (NAMES[name] for name in ("C", "L", "union", "compl", "setminus"))
    assert READING.variables(C) == {"C_1", "C_2", "C_3"}
    assert READING.variables(C(2)) == {"C_2"}
    assert READING.variables(C(compl(2))) == READING.variables(C(sp.FiniteSet(1, 3))) == {"C_1", "C_3"}
    assert READING.variables(union(L, C(1))) == {"L", "C_1"}
    assert READING.variables(setminus(C, NAMES["upto"](sp.Integer(2)))) == {"C_3"}
    assert READING.variables(NAMES["next"](C(3))) == {"C_1"}
    assert READING.variables(C(sp.S.EmptySet)) == set()


def test_unknown_names_and_odd_indices_are_refused() -> None:
    with pytest.raises(ValueError, match="'D' stands for no set; known are C, L"):
        READING.variables(Name("D"))
    with pytest.raises(ValueError, match="j is not an index"):
        READING.variables(NAMES["C"](sp.Symbol("j")))
    with pytest.raises(ValueError, match="should have 1 axes"):
        Law(np.zeros((2, 2)), ["A"])


def test_a_relation_is_asked_of_sets() -> None:
    asked = []
    relation = READING.relation(lambda *sets: asked.append(sets) or 3)
    C, L = NAMES["C"], NAMES["L"]
    assert relation(C(1), L) == 3
    assert relation(C(1), C(2), L) == 3
    assert asked == [({"C_1"}, {"L"}, frozenset()), ({"C_1"}, {"C_2"}, {"L"})]


def test_the_chain_rule_and_total_probability_hold_and_their_misprints_do_not() -> None:
    one = law()
    for l, a, b, c in product((0, 1), repeat=4):
        values = {"L": l, "C_1": a, "C_2": b, "C_3": c}
        names = READING.probability(one, values, {"j": (1, 2, 3)})
        given = one.conditional({k: values[k] for k in ("C_1", "C_2", "C_3")}, {"L": l})
        assert agrees("prod_over(j, P(C(j), given(setminus(C, upto(j)), L)))", given, names)
        assert agrees("P(C, L)/P(L)", given, names)
        total = READING.probability(one, values, {"j": (1, 2)}, summed=["L"])
        pair = one.marginal({"C_1": a, "C_2": b})
        assert agrees("sum_over(L, P(L)*prod_over(j, P(C(j), given(L))))", pair, total)
        assert not agrees("sum_over(L, prod_over(j, P(L)*P(C(j), given(L))))", pair, total)


def test_probabilities_are_those_of_the_array() -> None:
    one = law()
    assert one.marginal({}) == 1
    assert one.size("L") == 2
    assert one.conditional({"C_1": 0}, {"C_3": 1}) == 0
    assert one.conditional({"C_1": 1}, {"C_1": 1}) == 1
    assert one.conditional({"L": 0}, {"C_1": 0, "C_3": 1}) == 0  # given what cannot be
    t = sp.Symbol("t")
    assert Law(np.array([[t / 2, t / 2], [0, 1 - t]]), "AB").conditional({"B": 0}, {"A": 0}) == sp.Rational(1, 2)
