"""What public functions ask of their arguments; a refusal names the argument, shows what was given, says what is right.

Each check stands at the head of a public function. It refuses at once what no computation could give a meaning: a text
for a number, NaN, an infinite, masked or missing entry, an imaginary part where there can be none, a wrong shape, an
index out of range, a repeated name. What an operator or a law must fulfil beyond that is checked where it is explained,
such as in :func:`qlib.quantum.channels.validate_state`. Nothing stands below this module but the sign of exact numbers.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from types import EllipsisType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.algebraic_numbers import is_real, sign

Array = NDArray[Any]
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Shape = Sequence[int | str | EllipsisType | None]

_shown = reprlib.Repr()
_shown.maxother = _shown.maxstring = 60


def show(value: object) -> str:
    """A short representation of a value, for a message."""
    return " ".join(_shown.repr(value).split())


# --- numbers ---------------------------------------------------------------------------------------------------------


def numbers(value: ArrayLike, name: str, shape: Shape | None = None, *, finite: bool = True) -> Array:
    """The argument as an array of numbers: of NumPy's, or (dtype object) exact ones and expressions in free symbols.

    shape : what it should be, such as (..., 2, "d", "d"): an ellipsis stands for any axes, a name for any one length,
    the same wherever it occurs, None for any length.
    Operators, states, gates and circuits of Qiskit, whose first qubit is the fastest index, are reordered: here the
    first is the slowest, as in ``np.kron``.
    Raises ``ValueError`` for another shape, or an entry that is a text, missing, masked, infinite or not a number.

    >>> numbers([0.5, "0.25"], "weights")
    Traceback (most recent call last):
        ...
    ValueError: weights: entry (1,) is the text '0.25'; it should be a number
    >>> numbers([[1, 2]], "rho", ("d", "d"))
    Traceback (most recent call last):
        ...
    ValueError: rho: shape (1, 2) should be (d, d)
    """
    array = value if type(value) is np.ndarray else _as_array(value, name)
    if array.dtype.kind in "fc":
        if finite and not np.isfinite(array).all():
            _refuse_entry(array, ~np.isfinite(array), name, "a finite number")
    elif array.dtype == object:
        _require_numbers(array, name, finite)
    elif array.dtype.kind not in "iub":
        raise _no_numbers(array, name)
    if shape is not None:
        require_shape(array, name, shape)
    return array


def reals(value: ArrayLike, name: str, shape: Shape | None = None) -> Array:
    """As `numbers`, in floating point; ``ValueError`` for an imaginary part or a free symbol as well.

    >>> reals([0.5, 0.5j], "weights")
    Traceback (most recent call last):
        ...
    ValueError: weights: entry (1,) is 0.5j; it should be real
    """
    array = numbers(value, name, shape)
    if array.dtype == object:
        for index, entry in np.ndenumerate(array):
            if getattr(entry, "free_symbols", None):
                raise ValueError(f"{name}: {_entry(index)} is {entry}; it should be a number")
        _refuse_entry(array, _where(array, lambda entry: not _is_real(entry)), name, "real")
        array = array.astype(np.complex128).real  # a real number may be written as a sum of complex ones
    if array.dtype.kind == "c":
        if array.imag.any():
            _refuse_entry(array, array.imag != 0, name, "real")
        array = array.real
    return array.astype(np.float64, copy=False)


def _is_real(entry: Any) -> bool:
    return bool(entry.is_real) or is_real(entry) if isinstance(entry, sp.Expr) else not np.imag(entry)


def probabilities(value: ArrayLike, name: str, shape: Shape | None = None) -> Array:
    """As `numbers`; ``ValueError`` for an entry outside [0, 1]. Expressions in free symbols are let pass.

    Of an exact number it is decided exactly, however near to 0 or 1 it is.

    >>> probabilities([0.5, 1.5], "weights")
    Traceback (most recent call last):
        ...
    ValueError: weights: entry (1,) is 1.5; it should lie between 0 and 1
    """
    array = numbers(value, name, shape)
    free = _where(array, lambda entry: bool(getattr(entry, "free_symbols", None)))
    values = reals(np.where(free, 0, array) if free.any() else array, name)
    if not ((values >= 0) & (values <= 1)).all():
        _refuse_entry(array, ~((values >= -1e-15) & (values <= 1 + 1e-15)), name, "in [0, 1]")
    near = np.minimum(abs(values), abs(values - 1)) <= 1e-12  # where rounding might hide on which side an entry is
    _refuse_entry(array, near & _where(np.where(near & ~free, array, 0), _is_outside), name, "in [0, 1]")
    return array


def _is_outside(entry: Any) -> bool:
    number = sp.sympify(entry, strict=True)
    return sign(number) < 0 or sign(number - 1) > 0


def real_number(value: Any, name: str, low: float | None = None, high: float | None = None) -> Any:
    """The argument, if it is one real number within the bounds, as it is; expressions in free symbols are let pass.

    >>> real_number("0.5", "visibility")
    Traceback (most recent call last):
        ...
    ValueError: visibility: the text '0.5'; it should be a number
    >>> real_number(1.5, "visibility", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: visibility: 1.5 should lie between 0 and 1
    """
    least, most = -_FAR if low is None else low, _FAR if high is None else high
    if type(value) in (int, float) and least <= value <= most:  # what is asked most often
        return value
    array = numbers(value, name, ())
    if getattr(array[()], "free_symbols", None):
        return value
    real = float(reals(array, name))
    if (low is not None and real < low) or (high is not None and real > high):
        raise ValueError(f"{name}: {show(value)} should {_between(low, high)}")
    return value


def whole(value: Any, name: str, low: int | None = None, high: int | None = None) -> int:
    """The argument as an `int`, if it is a whole number within the bounds; ``ValueError`` or ``TypeError`` if not.

    >>> whole(0, "dimension", low=1)
    Traceback (most recent call last):
        ...
    ValueError: dimension: 0 should be at least 1
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer | sp.Integer):
        raise TypeError(f"{name}: {show(value)} should be a whole number")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{name}: {value} should {_between(low, high)}")
    return int(value)


def wholes(value: Iterable[Any], name: str, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
    """The argument as a tuple of whole numbers within the bounds.

    >>> wholes([0, 3], "keep", 0, 2)
    Traceback (most recent call last):
        ...
    ValueError: keep: 3 should lie between 0 and 2
    """
    return tuple(whole(entry, name, low, high) for entry in several(value, name))


def _between(low: float | None, high: float | None) -> str:
    if high is None:
        return f"be at least {low}"
    return f"be at most {high}" if low is None else f"lie between {low} and {high}"


def kraus_numbers(value: ArrayLike, name: str) -> Array:
    """Kraus operators as an array of numbers, shape (..., k, d_out, d_in); those of a channel of Qiskit's reordered.

    A channel is Kraus, Choi, SuperOp, PTM, Stinespring, or a circuit with resets; everything else is as in `numbers`.
    Raises ``ValueError`` for another shape, or a channel that is not completely positive.

    >>> from qiskit.quantum_info import SuperOp
    >>> flip = SuperOp([[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]])
    >>> abs(kraus_numbers(flip, "flip")).round(9).tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """
    return numbers(_kraus_in_order(value, name) if _is_qiskit(value) else value, name, (..., "k", "d_out", "d_in"))


def _kraus_in_order(channel: Any, name: str) -> Array:
    from qiskit.quantum_info import Kraus

    try:
        found = Kraus(channel)
    except Exception as error:
        raise TypeError(f"{name}: Qiskit's {type(channel).__name__} is no channel") from error
    if isinstance(found.data, tuple):
        raise ValueError(f"{name}: it has two families of Kraus operators, so that it is not completely positive")
    inn, out = found.input_dims()[::-1], found.output_dims()[::-1]
    order = [*reversed(range(len(out))), *reversed(range(len(out), len(out) + len(inn)))]
    return np.array([K.reshape(*out, *inn).transpose(order).reshape(K.shape) for K in found.data])


def _is_qiskit(value: object) -> bool:
    return _of_qiskit(type(value))


def _of_qiskit(one: type) -> bool:
    return any((kind.__module__ or "").startswith("qiskit.") for kind in one.__mro__)


def _holds_qiskit(value: Any) -> bool:
    """Whether one of Qiskit's objects stands somewhere in nested lists, where NumPy would take its matrix as it is."""
    if not isinstance(value, list | tuple):
        return _is_qiskit(value)
    kinds = set(map(type, value))
    return any(map(_of_qiskit, kinds)) or (bool(kinds & {list, tuple}) and any(map(_holds_qiskit, value)))


def _all_in_order(value: Any, name: str) -> Any:
    return [_all_in_order(one, name) for one in value] if isinstance(value, list | tuple) else numbers(value, name)


def _in_order(value: Any, name: str) -> Array:
    """The matrix of one of Qiskit's operators or states, with the first qubit the slowest index, as everywhere here.

    In Qiskit the first qubit is the fastest; gates and circuits are matrices too, channels are not.
    """
    from qiskit.quantum_info import DensityMatrix, Operator, Statevector

    if not isinstance(value, Operator | Statevector | DensityMatrix):
        try:
            value = Operator(value)
        except Exception as error:
            kind = type(value).__name__
            raise TypeError(
                f"{name}: Qiskit's {kind} is no matrix; for maps see `channel` and `Instrument.from_quantum_info`"
            ) from error
    return np.asarray(value.reverse_qargs().data)


def _as_array(value: Any, name: str) -> Array:
    if _is_qiskit(value):
        return _in_order(value, name)
    if isinstance(value, list | tuple) and _holds_qiskit(value):
        value = _all_in_order(value, name)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        index = tuple(map(int, np.argwhere(np.ma.getmaskarray(value))[0]))
        raise ValueError(f"{name}: {_entry(index) or 'it'} is masked; fill it in or leave it out")
    try:
        array = np.asarray(value.tolist() if isinstance(value, sp.MatrixBase) else value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{name}: {show(value)} should be an array of numbers") from error
    if array.dtype.kind in "US":
        return np.asarray(value, dtype=object)
    return array.astype(object) if array.dtype == np.longdouble and array.size == 0 else array


def _require_numbers(array: Array, name: str, finite: bool = True) -> None:
    kinds = set(map(type, array.flat))
    for kind in kinds:
        if (
            not issubclass(kind, sp.Expr | int | float | complex | np.number | Fraction)
            or kind is np.ma.core.MaskedConstant
        ):
            raise _no_numbers(array, name)
    if finite and any(kind in _NO_NUMBERS or issubclass(kind, _INEXACT) for kind in kinds):
        infinite = _where(array, lambda entry: type(entry) in _NO_NUMBERS or not _is_finite(entry))
        if infinite.any():
            _refuse_entry(array, infinite, name, "a finite number")


_NO_NUMBERS = tuple(map(type, (sp.nan, sp.oo, -sp.oo, sp.zoo)))
_INEXACT = (float, complex, np.inexact)
_FAR = np.finfo(float).max


def _is_finite(entry: Any) -> bool:
    return not isinstance(entry, _INEXACT) or bool(np.isfinite(entry))


def _where(array: Array, is_so: Callable[[Any], bool]) -> Array:
    """Where entries of an exact array are so; nowhere in one of another kind."""
    if array.dtype != object:
        return np.zeros(array.shape, dtype=bool)
    return np.array([is_so(entry) for entry in array.flat], dtype=bool).reshape(array.shape)


def _no_numbers(array: Array, name: str) -> ValueError | TypeError:
    """The error for the first entry that is no number."""
    good = (sp.Expr, int, float, complex, np.number, Fraction)
    for index, entry in np.ndenumerate(array):
        if isinstance(entry, str | bytes):
            return ValueError(f"{name}: {_entry(index, 'is ')}the text {show(entry)}; it should be a number")
        if not isinstance(entry, good) or entry is np.ma.masked:
            return TypeError(f"{name}: {_entry(index, 'is ')}{show(entry)}; it should be a number")
    return TypeError(f"{name}: its entries are {array.dtype}; they should be numbers")


def _refuse_entry(array: Array, wrong: Array, name: str, what: str) -> None:
    for index in np.argwhere(wrong):
        place = tuple(map(int, index))
        what = "between 0 and 1" if what == "in [0, 1]" else what
        should = "lie" if what.startswith("between") else "be"
        raise ValueError(f"{name}: {_entry(place, 'is ')}{array[place]}; it should {should} {what}")


def _entry(index: tuple[int, ...], verb: str = "") -> str:
    return f"entry {index} {verb}" if index and verb else (f"entry {index}" if index else "")


def require_shape(array: Array, name: str, shape: Shape) -> None:
    """Raise ``ValueError`` if an array has another shape; see `numbers` for how it is given."""
    free = Ellipsis in shape
    wanted = [length for length in shape if length is not Ellipsis]
    place = shape.index(Ellipsis) if free else len(wanted)
    after = len(wanted) - place
    found = array.shape[:place] + array.shape[array.ndim - after :] if after else array.shape[:place]
    lengths: dict[str, int] = {}
    fits = array.ndim >= len(wanted) if free else array.ndim == len(wanted)
    for length, has in zip(wanted, found, strict=False):
        if isinstance(length, str):
            fits = fits and has > 0 and lengths.setdefault(length, has) == has
        elif isinstance(length, int):
            fits = fits and length == has
    if not fits:
        texts = ["..." if length is Ellipsis else "·" if length is None else str(length) for length in shape]
        expected = f"({texts[0]},)" if len(texts) == 1 and not free else f"({', '.join(texts)})"
        raise ValueError(f"{name}: shape {array.shape} should be {expected}")


def require_broadcast(array: Array, name: str, shape: tuple[int, ...]) -> None:
    """Raise ``ValueError`` if an array does not broadcast against a shape.

    >>> require_broadcast(np.ones((2, 3)), "rule", (4, 3))
    Traceback (most recent call last):
        ...
    ValueError: rule: shape (2, 3) does not fit (4, 3)
    """
    if any(1 not in pair and pair[0] != pair[1] for pair in zip(array.shape[::-1], shape[::-1], strict=False)):
        raise ValueError(f"{name}: shape {array.shape} does not fit {shape}")


def require_alike(**arrays: Array) -> None:
    """Raise ``ValueError`` if the shapes of the named arrays do not broadcast.

    >>> require_alike(values=np.zeros((2, 3)), scale=np.ones(2))
    Traceback (most recent call last):
        ...
    ValueError: values and scale: the shapes (2, 3) and (2,) should broadcast
    """
    shapes = [array.shape for array in arrays.values()]
    if len({shape for shape in shapes if shape}) < 2:
        return
    try:
        np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(
            f"{' and '.join(arrays)}: the shapes {' and '.join(map(str, shapes))} should broadcast"
        ) from error


# --- things, names, tables -------------------------------------------------------------------------------------------


def require(kind: Any, **named: object) -> None:
    """Raise ``TypeError`` if one of the named arguments is not of a kind.

    >>> require(Mapping, kinds="AB")
    Traceback (most recent call last):
        ...
    TypeError: kinds: 'AB' should be a Mapping
    """
    for name, value in named.items():
        if not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(getattr(one, "__name__", str(one)) for one in kinds)
            article = "an" if wanted[0] in "AEIO" else "a"
            raise TypeError(f"{name}: {show(value)} should be {article} {wanted}")


def several(value: Iterable[Any], name: str) -> tuple[Any, ...]:
    """The argument as a tuple, if it is a collection or iterator and not a single text.

    >>> several(7, "nodes")
    Traceback (most recent call last):
        ...
    TypeError: nodes: 7 should be a list or another collection
    """
    if (
        isinstance(value, str | bytes)
        or not isinstance(value, Iterable)
        or (isinstance(value, np.ndarray) and not value.ndim)
    ):
        raise TypeError(f"{name}: {show(value)} should be a list or another collection")
    return tuple(value)


def all_of(kind: type | tuple[type, ...], value: Iterable[Any], name: str) -> tuple[Any, ...]:
    """The argument as a tuple, if it is a collection of things of one kind.

    >>> all_of(Fraction, [Fraction(1), None], "weights")
    Traceback (most recent call last):
        ...
    TypeError: weights: None should be a Fraction
    """
    entries = several(value, name)
    for entry in entries:
        require(kind, **{name: entry})
    return entries


def distinct(value: Iterable[str], name: str, known: Iterable[str] | None = None) -> tuple[str, ...]:
    """The argument as a tuple of different texts, each one of the `known` ones; a text stands for its letters.

    >>> distinct(["A", "B", "A"], "nodes")
    Traceback (most recent call last):
        ...
    ValueError: nodes: 'A' is named twice
    """
    if not isinstance(value, Iterable):
        raise TypeError(f"{name}: {show(value)} should be a collection of names")
    found = tuple(value)
    for one in found:
        if not isinstance(one, str):
            raise TypeError(f"{name}: {show(one)} is no name; it should be a text")
        if found.count(one) > 1:
            raise ValueError(f"{name}: {one!r} is named twice")
        if known is not None:
            one_of(one, name, known)
    return found


def one_of(value: Any, name: str, known: Iterable[Any]) -> None:
    """Raise ``ValueError`` if a value is none of the known ones.

    >>> one_of("C", "node", ("A", "B"))
    Traceback (most recent call last):
        ...
    ValueError: node: 'C' should be one of 'A', 'B'
    """
    known = tuple(known)
    if not any(value is one or (type(value) is not np.ndarray and value == one) for one in known):
        raise ValueError(f"{name}: {show(value)} should be one of {', '.join(map(repr, known))}")


def table(value: Mapping[Any, Any], name: str, known: Iterable[Any] | None = None) -> Mapping[Any, Any]:
    """The argument, if it is a mapping whose keys are among the `known` ones.

    >>> table({"C": 1}, "weights", known=("A", "B"))
    Traceback (most recent call last):
        ...
    ValueError: weights: 'C' should be one of 'A', 'B'
    """
    require(Mapping, **{name: value})
    if known is not None:
        known = tuple(known)
        for key in value:
            one_of(key, name, known)
    return value
