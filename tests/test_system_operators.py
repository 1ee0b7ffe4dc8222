"""Operators on named systems: their written order does not matter, and what does not fit is refused."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from compendium.claims.operator_formulas import SystemOperator, as_operator, operator_on, scalar, tensor_product
from compendium.claims.printed import agrees

DIMS = {"A": 2, "B": 3, "C": 2}


@st.composite
def operators(draw, systems=None):
    names = systems or draw(st.permutations(sorted(DIMS)).flatmap(lambda p: st.just(p[: draw(st.integers(1, 3))])))
    size = int(np.prod([DIMS[n] for n in names]))
    seed = draw(st.integers(0, 2**32 - 1))
    return operator_on({n: DIMS[n] for n in names}, np.random.default_rng(seed).integers(-3, 4, (size, size)))


def same(x: SystemOperator, y: SystemOperator) -> bool:
    order = sorted(x.systems)
    return order == sorted(y.systems) and bool((x.on(*order) == y.on(*order)).all())


@given(operators(), operators(), operators())
def test_products_and_sums_are_an_algebra(x, y, z):
    assert same((x * y) * z, x * (y * z))
    assert same(x * (y + z), x * y + x * z)
    assert same((x - y) + y, x.padded(y.systems))


@given(operators())
def test_the_order_of_the_systems_does_not_matter(x):
    reordered = operator_on({n: DIMS[n] for n in reversed(x.systems)}, x.on(*reversed(x.systems)))
    assert same(x, reordered)
    assert x._sympy_() == reordered._sympy_()


@given(operators(["A"]), operators(["B"]))
def test_a_tensor_product_is_the_padded_product_of_operators_on_different_systems(x, y):
    assert same(tensor_product(x, y), x * y)
    assert (tensor_product(x, y).on("A", "B") == np.kron(x.array, y.array)).all()
    assert same(tensor_product(x, y), tensor_product(y, x))


@given(operators(["A", "B"]), operators(["B", "A"]), operators(["C"]))
def test_traces_are_cyclic_on_the_systems_traced_out_and_multiply(x, y, z):
    assert scalar((x * y).trace("A", "B")) == scalar((y * x).trace("B", "A"))
    assert same(tensor_product(x, z).trace("C"), x * scalar(z.trace("C")))
    assert same(x.trace("A").trace("B"), x.trace("A", "B"))


@given(operators(["A", "C"]))
def test_transpose_and_adjoint_reverse_products(x):
    y = operator_on({"C": 2}, np.array([[1, 2], [3, 4]]))
    assert same((x * y).transposed(), y.transposed() * x.transposed())
    assert same(x.adjoint().adjoint(), x)


def test_numbers_are_operators_on_no_system():
    a = sp.Symbol("a")
    X = operator_on("A", np.array([[0, 1], [1, 0]], dtype=object))
    assert (2 * X / a)._sympy_() == sp.Matrix([[0, 2 / a], [2 / a, 0]])
    assert sp.sympify((X * X).trace("A")) == 2
    assert scalar(3) == 3
    assert as_operator(5).systems == {}


def test_a_printed_formula_is_read_with_them():
    names = {
        "A": operator_on("A", np.diag([1, 2])),
        "B": operator_on("B", np.array([[1, 2], [3, 4]])),
        "kron": tensor_product,
    }
    assert agrees("kron(B, A)/2", np.kron(np.diag([1, 2]), [[1, 2], [3, 4]]) * sp.Rational(1, 2), names)
    assert not agrees("kron(B, A)", np.kron([[1, 2], [3, 4]], np.diag([1, 2])), names)


def test_what_does_not_fit_is_refused():
    X = operator_on("A", np.eye(2, dtype=int))
    with pytest.raises(ValueError, match="two factors of a tensor product act on 'A'"):
        tensor_product(X, X)
    with pytest.raises(ValueError, match="dimension 2 here, 3 there"):
        X * operator_on({"A": 3}, np.eye(3, dtype=int))
    with pytest.raises(ValueError, match="'B' is to be traced out"):
        X.trace("B")
    with pytest.raises(ValueError, match="stands where a number should"):
        X / X
    with pytest.raises(ValueError, match="acts on 'A', which is not among B"):
        X.on("B")
    with pytest.raises(ValueError, match="does not act on 'B'"):
        X.on("A", "B")
    with pytest.raises(ValueError, match="make it"):
        SystemOperator({"A": 2}, np.eye(3))


def test_an_expression_times_an_operator_is_an_operator():
    """SymPy leaves a product with one of its expressions to the operator, on either side."""
    p = sp.Symbol("p")
    x = operator_on(("A",), np.eye(2, dtype=int))
    assert same(p * x, x * p)
    assert same((1 - p) * x, x - p * x)
