"""Networks of tensors: contraction against `einsum` on random networks, evaluation again and again, and refusals."""

import tracemalloc

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.numbers import tensor_networks
from qlib.numbers.exact_arrays import Array, conjugate, exact, simplified
from qlib.numbers.tensor_networks import Network, Tensor, contract, operator_tensor

LENGTHS = {"a": 2, "b": 3, "c": 1, "d": 2, "e": 4, "f": 2}
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
LEGS = st.lists(st.sampled_from(sorted(LENGTHS)), max_size=4)
NETWORKS = st.lists(LEGS, min_size=1, max_size=5)


def random_tensor(rng: np.random.Generator, legs: list[str], batch: tuple[int, ...] = (), name: object = None):
    shape = (*batch, *(LENGTHS[leg] for leg in legs))
    return Tensor(rng.normal(size=shape) + 1j * rng.normal(size=shape), tuple(legs), name)


def by_einsum(tensors: list[Tensor], keep: list[str]) -> Array:
    number = {leg: k for k, leg in enumerate(LENGTHS)}
    operands = [x for t in tensors for x in (t.array, [..., *(number[leg] for leg in t.legs)])]
    return np.einsum(*operands, [..., *(number[leg] for leg in keep)])


def kept(data: st.DataObject, legs: list[list[str]]) -> list[str]:
    return data.draw(st.permutations(sorted({leg for tensor in legs for leg in tensor})).flatmap(st.just))[:2]


# ── contraction ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, NETWORKS, st.data())
def test_contraction_is_the_sum_of_products_whatever_is_shared(
    rng: np.random.Generator, legs: list[list[str]], data: st.DataObject
) -> None:
    """Also traces, legs that more than two tensors share, and legs that only one has."""
    tensors, keep = [random_tensor(rng, each) for each in legs], kept(data, legs)
    np.testing.assert_allclose(contract(tensors, keep), by_einsum(tensors, keep), rtol=1e-9, atol=1e-9)


@given(SEEDS, NETWORKS, st.data())
def test_a_batch_is_contracted_element_by_element(
    rng: np.random.Generator, legs: list[list[str]], data: st.DataObject
) -> None:
    keep = kept(data, legs)
    tensors = [random_tensor(rng, each, data.draw(st.sampled_from([(), (1,), (3,), (2, 1), (2, 3)]))) for each in legs]
    batch = np.broadcast_shapes(*(tensor.batch for tensor in tensors))
    expected = np.broadcast_to(by_einsum(tensors, keep), batch + tuple(LENGTHS[leg] for leg in keep))
    np.testing.assert_allclose(contract(tensors, keep), expected, rtol=1e-9, atol=1e-9)


@given(SEEDS, NETWORKS, st.data())
def test_a_network_gives_what_a_contraction_gives_again_and_again(
    rng: np.random.Generator, legs: list[list[str]], data: st.DataObject
) -> None:
    """With any of the tensors replaced, and by arrays of other batches."""
    keep, names = kept(data, legs), [data.draw(st.sampled_from([None, k])) for k in range(len(legs))]
    tensors = [random_tensor(rng, each, (), name) for each, name in zip(legs, names, strict=True)]
    network = Network(tensors, keep)
    for _ in range(3):
        batches = [data.draw(st.sampled_from([(), (1,), (3,), (2, 3)])) if t.name is not None else () for t in tensors]
        new = [
            t if t.name is None else random_tensor(rng, list(t.legs), batch, t.name)
            for t, batch in zip(tensors, batches, strict=True)
        ]
        found = network({t.name: t.array for t in new if t.name is not None})
        np.testing.assert_allclose(found, contract(new, keep), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found, contract(new, keep), rtol=1e-9, atol=1e-9)


def test_symbols_and_fractions_are_contracted_exactly() -> None:
    x = sp.Symbol("x")
    a, b = exact([[x, 1], [sp.Rational(1, 3), 2]]), exact([sp.sqrt(2), x])
    found = contract([Tensor(a, ("r", "c")), Tensor(b, ("c",))], ["r"])
    assert [sp.expand(entry - other) for entry, other in zip(found, a @ b, strict=True)] == [0, 0]
    network = Network([Tensor(a, ("r", "c"), "A"), Tensor(b, ("c",))], ["r"])
    assert sp.expand(network({"A": 2 * a})[0] - 2 * (a @ b)[0]) == 0
    assert contract([Tensor(a, ("r", "r"))]).item() == x + 2


def complex_rationals(rng: np.random.Generator, *shape: int) -> Array:
    """Entries (a + bi)(c + di) with whole a, b, c, d, which SymPy leaves as products."""
    a, b, c, d = (exact(rng.integers(-5, 6, shape)) for _ in range(4))
    return (a + sp.I * b) * (c + sp.I * d) / 7


def test_complex_rational_numbers_are_multiplied_out_and_are_what_their_sums_of_products_are() -> None:
    rng = np.random.default_rng(3)
    A, B = complex_rationals(rng, 2, 3), complex_rationals(rng, 3, 2)
    network = Network([Tensor(A, ("x", "y")), Tensor(0 * B, ("y", "z"), "B")], keep=["x", "z"])
    expected = np.frompyfunc(sp.expand, 1, 1)(A @ B)
    for value in (network({"B": B}), contract([Tensor(A, ("x", "y")), Tensor(B, ("y", "z"))], ["x", "z"])):
        assert np.all(value == expected)


def test_a_network_takes_complex_rational_numbers_roots_symbols_and_rounded_ones_in_turn() -> None:
    t = sp.Symbol("t")
    matrix = exact([[1, sp.I], [2 - sp.I, sp.Rational(1, 3)]])
    network = Network([Tensor(matrix, ("x", "y")), Tensor(np.zeros(2), ("y",), "v")], keep=["x"])
    for v in ([1 + sp.I, sp.Rational(2, 5)], [sp.sqrt(2), 1], [t, sp.I * t], [1, 0], [sp.I, -1]):
        assert np.all(simplified(network({"v": exact(v)}) - matrix @ exact(v)) == 0)
    assert np.allclose(network({"v": np.array([0.5, 1j])}), matrix.astype(complex) @ [0.5, 1j])


def test_exact_numbers_among_rounded_ones_become_rounded() -> None:
    a, b = exact([[sp.sqrt(2), 1], [sp.I, 0]]), np.array([0.5, 0.25])
    for tensors, arrays in (
        ([Tensor(a, ("r", "c")), Tensor(b, ("c",), "x")], {"x": b}),
        ([Tensor(a, ("r", "c"), "x"), Tensor(b, ("c",))], {"x": a}),
    ):
        for found in (contract(tensors, ["r"]), Network(tensors, ["r"])(arrays)):
            assert found.dtype == complex
            np.testing.assert_allclose(found, a.astype(complex) @ b)
    symbol = exact([[sp.Symbol("x"), 0], [0, 1]])
    network = Network([Tensor(symbol, ("r", "c"), "x"), Tensor(b, ("c",))], ["r"])
    assert network({"x": symbol}).tolist() == [0.5 * sp.Symbol("x"), 0.25]


def test_an_empty_network_is_one() -> None:
    assert contract([]) == 1
    assert Network([])({}) == 1


def test_the_trace_of_a_product_of_operators_is_a_network() -> None:
    rng = np.random.default_rng(7)
    A, B = rng.normal(size=(2, 6, 6))
    a = operator_tensor(A, [("r2", "c2", 2), ("r3", "c3", 3)])
    b = operator_tensor(B, [("c2", "r2", 2), ("c3", "r3", 3)])
    assert np.isclose(contract([a, b]), np.trace(A @ B))


def test_conjugates_are_entry_by_entry() -> None:
    assert conjugate(np.array([1j, 2])).tolist() == [-1j, 2]
    assert conjugate(exact([sp.I, 2])).tolist() == [-sp.I, 2]


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def chain(length: int) -> tuple[Network, dict[object, Array]]:
    rng = np.random.default_rng(length)
    arrays: dict[object, Array] = {k: rng.normal(size=(4, 4)) / 4 for k in range(length)}
    ends = [Tensor(np.ones(4), (0,)), Tensor(np.ones(4), (length,))]
    return Network([*ends, *(Tensor(array, (k, k + 1), k) for k, array in arrays.items())]), arrays


def test_memory_does_not_grow_with_the_length_of_a_chain() -> None:
    """A few kilobytes for 40 nodes, where the product of all operators would have 4⁴⁰ entries."""
    peaks = []
    for length in (10, 40):
        network, arrays = chain(length)
        network(arrays)
        measured = []
        for _ in range(5):  # what another thread takes in the meantime is counted, too
            tracemalloc.start()
            value = network(arrays)
            measured.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        peaks.append(min(measured))
        expected = np.linalg.multi_dot([np.ones((1, 4)), *(arrays[k] for k in range(length)), np.ones((4, 1))])
        assert np.isclose(value, expected.item())
    assert peaks[1] < 20_000
    assert peaks[1] - peaks[0] < 200 * 30


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_array_with_fewer_axes_than_legs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) has no axis for each of the legs \('a', 'b'\)"):
        Tensor(np.ones(2), ("a", "b"))


def test_a_leg_of_two_lengths_is_refused() -> None:
    tensors = [Tensor(np.ones(2), ("a",)), Tensor(np.ones(3), ("a",))]
    for refused in (contract, Network):
        with pytest.raises(ValueError, match="leg 'a': its length is 2 in one tensor and 3 in another"):
            refused(tensors)


def test_a_kept_leg_that_no_tensor_has_is_refused() -> None:
    for refused in (contract, Network):
        with pytest.raises(ValueError, match="leg 'b' is to be kept, but no tensor has it"):
            refused([Tensor(np.ones(2), ("a",))], ["b"])


def test_batches_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        contract([Tensor(np.ones((2, 2)), ("a",)), Tensor(np.ones((3, 2)), ("a",))])


def test_two_tensors_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tensors of a network have the name 'A'"):
        Network([Tensor(np.ones(2), ("a",), "A"), Tensor(np.ones(2), ("a",), "A")])


def test_an_array_that_does_not_fit_its_place_is_refused() -> None:
    network = Network([Tensor(np.ones((2, 3)), ("a", "b"), "A")])
    with pytest.raises(ValueError, match=r"tensor 'A': an array of shape \(3, 2\) should end in \(2, 3\)"):
        network({"A": np.ones((3, 2))})


@pytest.mark.parametrize("arrays", [{"B": np.ones(2)}, {}])
def test_an_array_for_every_named_tensor_and_no_other_has_to_be_given(arrays: dict[str, Array]) -> None:
    """Whatever stands under a name that no tensor has would be ignored, a misspelt name among them."""
    network = Network([Tensor(np.ones(2), ("a",), "A")])
    for evaluate in (network, network.sensitivity):
        with pytest.raises(ValueError, match="arrays: there is none for the tensor 'A'"):
            evaluate(arrays)
        with pytest.raises(ValueError, match=r"arrays: no tensor has the name '[aB]'; the names are 'A'"):
            evaluate({"A": np.ones(2), "a": "a text", **arrays})
    with pytest.raises(ValueError, match="arrays: no tensor has the name 'A'; the names are none"):
        Network([])({"A": np.ones(2)})


def test_a_network_that_needs_too_large_a_tensor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_networks, "LARGEST_TENSOR", 100)
    legs = [f"leg {k}" for k in range(8)]
    with pytest.raises(ValueError, match="8 tensors: contracting it needs a tensor of 256 entries, and at most 100"):
        contract([Tensor(np.ones(2), (leg,)) for leg in legs], legs)
