"""Quantum instruments: what may be done at a quantum node, as named outcomes and a completely positive map for each.

An element of an instrument is kept as its Choi–Jamiołkowski operator τ on A_out ⊗ A_in, in convention (10) of Suresh,
Frembs & Cavalcanti (2023): the *output first*, and transposed relative to the operators between nodes, `process_cj`.
So the element that finds the projector F and then prepares the state ρ is τ = ρᵀ ⊗ F. Leading axes of an operator are
a batch, an instrument for every value of a parameter. Entries are floating-point numbers or SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.channels import instrument_cj
from qlib.exact import Array, is_exact

Outcome: TypeAlias = Hashable

TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Instrument:
    """A quantum instrument: outcome a → the operator τ^a on A_out ⊗ A_in of its completely positive map (10).

    operators : outcome → array of shape (..., d_out·d_in, d_out·d_in). d_in, d_out : dimensions of the node.
    name : the label z of the instrument. Eq. (9) of Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` that names the instrument, the outcome and the deviation if an element is not completely
    positive, or if the elements do not sum to a trace-preserving map.

    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], name="z")
    >>> Z.outcomes, Z.d_in, Z.d_out
    ((0, 1), 2, 2)
    """

    operators: Mapping[Outcome, Array]
    d_in: int
    d_out: int
    name: str = ""

    def __post_init__(self) -> None:
        operators = {outcome: np.asarray(tau) for outcome, tau in self.operators.items()}
        object.__setattr__(self, "operators", operators)
        _validate(self)

    @classmethod
    def from_kraus(cls, kraus: Mapping[Outcome, ArrayLike], name: str = "") -> Instrument:
        """The instrument with these Kraus operators: outcome → array of shape (..., k, d_out, d_in)."""
        arrays = {outcome: np.asarray(K) for outcome, K in kraus.items()}
        d_out, d_in = next(iter(arrays.values())).shape[-2:]
        return cls({outcome: instrument_cj(K) for outcome, K in arrays.items()}, d_in, d_out, name)

    @classmethod
    def measure_and_prepare(
        cls,
        effects: Mapping[Outcome, ArrayLike] | ArrayLike,
        states: Mapping[Outcome, ArrayLike] | ArrayLike,
        name: str = "",
    ) -> Instrument:
        """The instrument that measures a POVM and prepares a state for each outcome: τ^a = (ρ^a)ᵀ ⊗ F^a."""
        F, rho = _named(effects), _named(states)
        if set(F) != set(rho):
            raise ValueError(f"{_label(name)}: effects for outcomes {_list(F)}, states for {_list(rho)}")
        operators = {a: kron(_transpose(rho[a]), F[a]) for a in F}
        first = next(iter(F))
        return cls(operators, F[first].shape[-1], rho[first].shape[-1], name)

    @classmethod
    def projective(cls, projectors: Mapping[Outcome, ArrayLike] | ArrayLike, name: str = "") -> Instrument:
        """The projective measurement that leaves the system in the projected state (Lüders): one Kraus operator each."""
        P = _named(projectors)
        return cls.from_kraus({a: p[..., None, :, :] for a, p in P.items()}, name)

    @classmethod
    def discard_and_prepare(
        cls, weights: Mapping[Outcome, object], states: Mapping[Outcome, ArrayLike], d_in: int = 1, name: str = ""
    ) -> Instrument:
        """The instrument that ignores its input and prepares ρ^λ with probability P(λ): τ^λ = P(λ) (ρ^λ)ᵀ ⊗ 1, (18)."""
        one = np.eye(d_in, dtype=int)
        rho = _named(states)
        operators = {k: np.asarray(weights[k]) * kron(_transpose(state), one) for k, state in rho.items()}
        return cls(operators, d_in, next(iter(rho.values())).shape[-1], name)

    @classmethod
    def do(cls, state: ArrayLike, d_in: int, outcome: Outcome = "do", name: str = "do") -> Instrument:
        """The do-instrument: discards its input and prepares a state, with one outcome; τ = ρᵀ ⊗ 1, eq. (28)."""
        return cls.discard_and_prepare({outcome: 1}, {outcome: state}, d_in, name)

    @classmethod
    def unitary(cls, matrix: ArrayLike, outcome: Outcome = "", name: str = "") -> Instrument:
        """The instrument of one outcome that applies a unitary."""
        return cls.from_kraus({outcome: np.asarray(matrix)[..., None, :, :]}, name)

    @classmethod
    def idle(cls, dimension: int, outcome: Outcome = "", name: str = "idle") -> Instrument:
        """The instrument of one outcome that lets its input pass unchanged."""
        return cls.unitary(np.eye(dimension, dtype=int), outcome, name)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes, in the order in which they were given."""
        return tuple(self.operators)

    @cached_property
    def channel(self) -> Array:
        """The operator τ^{|z} of the channel that is left when the outcome is ignored: the sum of the elements."""
        return np.asarray(sum(self.operators.values()))

    def __getitem__(self, outcome: Outcome) -> Array:
        """The operator of one outcome; ``ValueError`` that lists the outcomes if there is no such one."""
        if outcome not in self.operators:
            raise ValueError(f"{_label(self.name)}: no outcome {outcome!r}; its outcomes are {_list(self.operators)}")
        return self.operators[outcome]

    @property
    def is_discard_and_prepare(self) -> bool:
        """Whether every element is ρᵀ ⊗ 1 up to a factor: outcome and output are independent of the input."""
        return all(
            vanishes(tau - kron(self._output(tau) / self.d_in, np.eye(self.d_in, dtype=int)))
            for tau in self.operators.values()
        )

    def _output(self, tau: Array) -> Array:
        return trace_factor(tau, (self.d_out, self.d_in), 1)

    def same_as(self, other: Instrument) -> bool:
        """Whether another instrument has the same outcomes and the same maps, whatever their names."""
        return set(self.operators) == set(other.operators) and all(
            tau.shape[-2:] == other.operators[a].shape[-2:] and vanishes(tau - other.operators[a])
            for a, tau in self.operators.items()
        )


def kron(*operators: ArrayLike) -> Array:
    """The Kronecker product of the last two axes, the first factor slowest; leading axes broadcast."""
    result = np.asarray(operators[0])
    for operator in operators[1:]:
        B = np.asarray(operator)
        product = np.einsum("...ij,...kl->...ikjl", result, B)
        rows, columns = result.shape[-2] * B.shape[-2], result.shape[-1] * B.shape[-1]
        result = product.reshape((*product.shape[:-4], rows, columns))
    return result


def trace_factor(operator: ArrayLike, dims: Sequence[int], factor: int) -> Array:
    """The operator with one tensor factor traced out; leading axes are a batch."""
    O = np.asarray(operator)
    n, batch = len(dims), O.shape[:-2]
    O = O.reshape((*batch, *dims, *dims))
    traced = np.trace(O, axis1=len(batch) + factor, axis2=len(batch) + n + factor)
    rest = int(np.prod([d for k, d in enumerate(dims) if k != factor]))
    return np.asarray(traced).reshape((*batch, rest, rest))


def vanishes(array: ArrayLike, tolerance: float = TOLERANCE) -> bool:
    """Whether every entry is zero: within the tolerance, or, of exact entries, identically in their free symbols."""
    values = np.asarray(array)
    if is_exact(values):
        return all(_is_zero(entry) for entry in values.flat)
    return bool(np.max(np.abs(values), initial=0.0) <= tolerance)


def _is_zero(entry: object) -> bool:
    expression = sp.expand(sp.sympify(entry))
    return bool(expression == 0 or sp.simplify(expression) == 0)


def _named(values: Mapping[Outcome, ArrayLike] | ArrayLike) -> dict[Outcome, Array]:
    """Outcome → array, numbered from 0 if they are given without names (outcome first)."""
    if isinstance(values, Mapping):
        return {outcome: np.asarray(value) for outcome, value in values.items()}
    return {k: np.asarray(value) for k, value in enumerate(np.asarray(values))}


def _transpose(matrix: ArrayLike) -> Array:
    return np.swapaxes(np.asarray(matrix), -1, -2)


def _label(name: str) -> str:
    return f"instrument {name!r}" if name else "instrument"


def _list(names: Iterable[object]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _validate(instrument: Instrument) -> None:
    label, D = _label(instrument.name), instrument.d_in * instrument.d_out
    if not instrument.operators:
        raise ValueError(f"{label}: it should have at least one outcome")
    for outcome, tau in instrument.operators.items():
        if tau.shape[-2:] != (D, D):
            raise ValueError(
                f"{label}, outcome {outcome!r}: shape {tau.shape} should be (..., {D}, {D}), "
                f"as the node has d_out = {instrument.d_out} and d_in = {instrument.d_in}"
            )
        if not is_exact(tau):
            _require_positive(tau, f"{label}, outcome {outcome!r}")
    one = trace_factor(instrument.channel, (instrument.d_out, instrument.d_in), 0)
    deviation = one - np.eye(instrument.d_in, dtype=int)
    if not vanishes(deviation):
        worst = "" if is_exact(deviation) else f" (max deviation {np.max(np.abs(deviation)):.3g})"
        raise ValueError(f"{label}: outcomes sum to a map that is not trace preserving{worst}")


def _require_positive(operator: Array, name: str) -> None:
    skew = float(np.max(np.abs(operator - np.swapaxes(operator, -1, -2).conj()), initial=0.0))
    if skew > TOLERANCE:
        raise ValueError(f"{name}: its operator should be Hermitian (max deviation {skew:.3g})")
    least = float(np.min(np.linalg.eigvalsh(operator.astype(complex)), initial=0.0))
    if least < -TOLERANCE:
        raise ValueError(f"{name}: the map is not completely positive (least eigenvalue {least:.3g})")
