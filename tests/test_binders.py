"""Formulas with bound indices mean what they say."""

from operator import add, mul

import pytest
import sympy as sp

from compendium.claims.bound_indices import IndexedTerm, binder, index, lifted
from compendium.claims.printed import parse

Sum, Product = binder(add, 0), binder(mul, 1)
i, j = index("i"), index("j")
n = sp.Integer(3)
x = sp.symbols("x0:5")
at = lifted(lambda k: x[int(k)])


def test_a_printed_sum_of_products_is_expanded():
    names = {"Sum": Sum, "Product": Product, "x": at, "i": i, "j": j, "n": n}
    value = parse("Sum(Product(x(i) + x(j), (i, 1, n)), (j, 0, 1))", names)
    assert sp.expand(value - sum((x[1] + x[k]) * (x[2] + x[k]) * (x[3] + x[k]) for k in (0, 1))) == 0


def test_an_inner_range_may_depend_on_the_outer_index():
    assert Sum(Sum(at(i) * at(j), (j, 1, i)), (i, 1, 2)) == x[1] ** 2 + x[1] * x[2] + x[2] ** 2
    neighbours = lifted(lambda k: {1: (2, 3), 2: ()}[k])
    assert Sum(Product(at(j), (j, neighbours(i))), (i, (1, 2))) == x[2] * x[3] + 1


def test_an_index_bound_inside_may_be_free_outside():
    assert Sum(i * Sum(i, (i, (1, 2))), (i, (5, 6))) == 33


def test_arithmetic_on_both_sides():
    term = 2 - (1 / (i + 1) * 6 - 1) ** 2
    assert isinstance(term, IndexedTerm)
    assert Sum(-term / 1 + 0 * i, (i, (1, 2))) == -(2 - 4) - (2 - 1)
    assert Sum(3 * i - 1, (i, (1, 2))) == 7


def test_tuples_are_terms_if_a_member_is():
    pair = lifted(lambda both: both[0] - both[1])
    assert Sum(pair((i, 1)), (i, (1, 2))) == 1


def test_what_is_no_index_is_refused():
    with pytest.raises(ValueError, match="should be an index with its first and last value"):
        Sum(at(i), (at(1), 1, 2))
