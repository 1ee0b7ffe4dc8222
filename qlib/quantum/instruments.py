"""Quantum instruments: what may be done at a quantum node, as named outcomes and a completely positive map for each.

An element of an instrument is kept as its Choi–Jamiołkowski operator τ on A_out ⊗ A_in, in convention (10) of Suresh,
Frembs & Cavalcanti (2023): the *output first*, and transposed relative to the operators between nodes, `process_cj`.
So the element that finds the projector F and then prepares the state ρ is τ = ρᵀ ⊗ F. Leading axes of an operator are
a batch, an instrument for every value of a parameter. Entries are floating-point numbers or SymPy expressions.

To and from `qiskit.quantum_info`: its `Choi` has the input first and no transpose, `qlib.quantum.channels.choi`, and
its first qubit is the fastest index. Here the first factor is the slowest, as everywhere, and qubits are reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import (
    all_of,
    kraus_numbers,
    numbers,
    probabilities,
    require,
    require_shape,
    several,
    show,
    whole,
)
from qlib.numbers.exact_arrays import (
    ROUNDING,
    SAME,
    Array,
    common,
    exact,
    has_free_symbols,
    is_exact,
    negligible,
    recognised,
    vanishes,
    zeros,
)
from qlib.quantum.channels import (
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    density_operator,
    deviation_note,
    effects,
    instrument_cj,
    kraus_operators,
    kron,
    partial_trace,
    require_positive,
    swap_factors,
)

Outcome: TypeAlias = Hashable
PAULI_OF = {"X": PAULI_X, "Y": PAULI_Y, "Z": PAULI_Z}
MOST_LETTERS = 5  # of a measurement, whose operators are matrices of 4^letters rows
MOST_DIMENSION = 1024  # of a system; its maps have matrices of the square of it


@dataclass(frozen=True, eq=False)
class Instrument:
    """A quantum instrument: outcome a → the operator τ^a on A_out ⊗ A_in of its completely positive map (10).

    operators : outcome → array of shape (..., d_out·d_in, d_out·d_in). d_in, d_out : dimensions of the node.
    name : the label z of the instrument. Eq. (9) of Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` that names the instrument, the outcome and the deviation if an element is not completely
    positive, or if the elements do not sum to a trace-preserving map (11). Of exact numbers that is decided
    exactly; complete positivity of entries with free symbols cannot be, and they are let pass.

    An element is taken at its word, however small: 1e-17 times an effect is a rare outcome, not rounding. So an element
    that was found by subtraction, as 1 − Σ F, may turn an outcome that never occurs into a rare one, and nothing in its
    numbers tells which it is; `remaining_effect` subtracts, and can.

    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], name="z")
    >>> Z.outcomes, Z.d_in, Z.d_out
    ((0, 1), 2, 2)
    """

    operators: Mapping[Outcome, Array]
    d_in: int
    d_out: int
    name: str = ""

    def __post_init__(self) -> None:
        require(str, name=self.name)
        whole(self.d_in, "d_in", 1)
        whole(self.d_out, "d_out", 1)
        require(Mapping, operators=self.operators)
        arrays = _named(self.operators, "operators")
        object.__setattr__(self, "operators", {a: _read_only(tau) for a, tau in arrays.items()})
        _validate(self)

    # ── ways to give one ────────────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_kraus(cls, kraus: Mapping[Outcome, ArrayLike], name: str = "") -> Instrument:
        """The instrument with these Kraus operators: outcome → array of shape (..., k, d_out, d_in).

        >>> Instrument.from_kraus({"up": [[[1, 0]]], "down": [[[0, 1]]]})["down"].tolist()
        [[0, 0], [0, 1]]
        """
        require(Mapping, kraus=kraus)
        label = _label(name)
        arrays = {a: kraus_numbers(K, f"{label}, outcome {a!r}: Kraus operators") for a, K in kraus.items()}
        shapes = {outcome: K.shape[-2:] for outcome, K in arrays.items()}
        for outcome, K in arrays.items():
            if K.shape[-2:] != next(iter(shapes.values())):
                raise ValueError(
                    f"{label}, outcome {outcome!r}: Kraus operators of shape {K.shape} should be "
                    "(..., k, d_out, d_in), with the same d_out and d_in for all outcomes"
                )
        d_out, d_in = next(iter(shapes.values()), (1, 1))
        return cls({outcome: instrument_cj(K) for outcome, K in arrays.items()}, d_in, d_out, name)

    @classmethod
    def from_choi(cls, operators: Mapping[Outcome, ArrayLike], d_in: int, d_out: int, name: str = "") -> Instrument:
        """The instrument with these usual Choi operators Σ |i⟩⟨j| ⊗ ℳ(|i⟩⟨j|), the *input first*; see `choi`.

        operators : outcome → array of shape (..., d_in·d_out, d_in·d_out).
        """
        require(Mapping, operators=operators)
        d_in, d_out = whole(d_in, "d_in", 1, MOST_DIMENSION), whole(d_out, "d_out", 1, MOST_DIMENSION)
        arrays = _named(operators, "operators")
        for outcome, C in arrays.items():
            _require_shape(C, d_in, d_out, f"{_label(name)}, outcome {outcome!r}")
        return cls({a: _transpose(swap_factors(C, (d_in, d_out))) for a, C in arrays.items()}, d_in, d_out, name)

    @classmethod
    def from_quantum_info(cls, maps: Mapping[Outcome, Any], name: str = "") -> Instrument:
        """The instrument of objects of `qiskit.quantum_info`: Kraus, Choi, SuperOp, PTM, Stinespring, or Operator.

        >>> from qiskit.quantum_info import Operator
        >>> Instrument.from_quantum_info({"flip": Operator([[0, 1], [1, 0]])})["flip"].real.tolist()[1]
        [0.0, 1.0, 1.0, 0.0]
        """
        from qiskit.quantum_info import Choi

        require(Mapping, maps=maps)
        for outcome, one in maps.items():
            if not hasattr(one, "reverse_qargs") and not hasattr(one, "to_instruction"):
                raise TypeError(f"maps: {show(one)}, for outcome {outcome!r}, should be a map of qiskit.quantum_info")
        chois = {outcome: Choi(one) for outcome, one in maps.items()}
        dims = {(one.dim[0], one.dim[1]) for one in chois.values()}
        if len(dims) != 1:
            raise ValueError(
                f"{_label(name)}: its maps should have the same (d_in, d_out), and have {_list(sorted(dims))}"
            )
        [(d_in, d_out)] = dims
        return cls.from_choi({outcome: _in_other_order(one) for outcome, one in chois.items()}, d_in, d_out, name)

    @classmethod
    def from_povm(cls, effects: Mapping[Outcome, ArrayLike] | ArrayLike, name: str = "") -> Instrument:
        """The measurement of a POVM that disturbs least (Lüders): one Kraus operator √F^a for each outcome.

        effects : outcome → F, or outcomes first, of shape (..., d, d); in floating-point numbers, as roots are.
        `projective` is the exact one for projectors, `measure_and_prepare` prepares other states.
        """
        F = {a: np.asarray(f).astype(np.complex128) for a, f in _named(effects, "effects").items()}
        for outcome, f in F.items():
            require_positive(f, f"{_label(name)}, outcome {outcome!r}", "its effect", computed_from=1.0)
        return cls.from_kraus({a: _root(f)[..., None, :, :] for a, f in F.items()}, name)

    @classmethod
    def measure_and_prepare(
        cls,
        effects: Mapping[Outcome, ArrayLike] | ArrayLike,
        states: Mapping[Outcome, ArrayLike] | ArrayLike,
        name: str = "",
    ) -> Instrument:
        """The instrument that measures a POVM and prepares a state for each outcome: τ^a = (ρ^a)ᵀ ⊗ F^a.

        States are density operators or kets.
        """
        F, rho = _named(effects, "effects"), _named(states, "states", density_operator)
        if set(F) != set(rho):
            raise ValueError(f"{_label(name)}: effects for outcomes {_list(F)}, states for {_list(rho)}")
        operators = {a: kron(_transpose(rho[a]), F[a]) for a in F}
        first = next(iter(F))
        return cls(operators, F[first].shape[-1], rho[first].shape[-1], name)

    @classmethod
    def projective(cls, projectors: Mapping[Outcome, ArrayLike] | ArrayLike, name: str = "") -> Instrument:
        """The projective measurement that leaves the system in the projected state (Lüders): one Kraus operator each.

        A projector of rank 0 is zero: what rounding leaves of one minus the others is no rare outcome.
        Raises ``ValueError`` for an operator that is no projector.
        """
        P = _named(projectors, "projectors")
        for outcome, p in P.items():
            require_shape(p, f"{_label(name)}, outcome {outcome!r}", (..., "d", "d"))
            if not vanishes(deviation := p @ p - p):
                note = deviation_note(deviation)
                raise ValueError(
                    f"{_label(name)}, outcome {outcome!r}: P² should be P{note}; for effects see `from_povm`"
                )
        return cls.from_kraus({a: _without_rank_zero(p)[..., None, :, :] for a, p in P.items()}, name)

    @classmethod
    def discard_and_prepare(
        cls, weights: Mapping[Outcome, Any], states: Mapping[Outcome, ArrayLike], d_in: int = 1, name: str = ""
    ) -> Instrument:
        """The instrument that ignores its input and prepares ρ^λ with probability P(λ): τ^λ = P(λ) (ρ^λ)ᵀ ⊗ 1, (18).

        weights : λ → P(λ), of shape (...). states : λ → ρ^λ, of shape (..., d_out, d_out), or kets. See `normalised`
        for (19).
        """
        one, rho = np.eye(whole(d_in, "d_in", 1, MOST_DIMENSION), dtype=int), _named(states, "states", density_operator)
        require(str, name=name)
        require(Mapping, weights=weights, states=states)
        weights = {k: probabilities(p, f"weights, outcome {k!r}") for k, p in weights.items()}
        if set(weights) != set(rho):
            raise ValueError(f"{_label(name)}: weights for outcomes {_list(weights)}, states for {_list(rho)}")
        pairs = {k: common([weights[k], _transpose(rho[k])]) for k in weights}
        operators = {k: weight[..., None, None] * kron(state, one) for k, (weight, state) in pairs.items()}
        return cls(operators, d_in, next(iter(rho.values())).shape[-1] if rho else 1, name)

    @classmethod
    def do(cls, state: ArrayLike, d_in: int, outcome: Outcome = "do", name: str = "do") -> Instrument:
        """The do-instrument: discards its input and prepares a state, with one outcome; τ = ρᵀ ⊗ 1, eq. (28).

        state : a density operator, or a ket.
        """
        return cls.discard_and_prepare({outcome: 1}, {outcome: state}, d_in, name)

    @classmethod
    def unitary(cls, matrix: ArrayLike, outcome: Outcome = "", name: str = "") -> Instrument:
        """The instrument of one outcome that applies a unitary."""
        U = numbers(matrix, "matrix", (..., "d", "d"))
        return cls.from_kraus({outcome: U[..., None, :, :]}, name)

    @classmethod
    def idle(cls, dimension: int, outcome: Outcome = "", name: str = "idle") -> Instrument:
        """The instrument of one outcome that lets its input pass unchanged."""
        return cls.unitary(np.eye(whole(dimension, "dimension", 1, MOST_DIMENSION), dtype=int), outcome, name)

    # ── compositions ────────────────────────────────────────────────────────────────────────────────────────────────

    def __matmul__(self, earlier: Instrument) -> Instrument:
        """One instrument after another, in the order of matrices: ``later @ earlier``.

        Outcomes are pairs (earlier, later). An instrument of one outcome adds nothing to it: that of the other stands
        alone, or, if the other has only one as well, the later one's.
        Raises ``ValueError`` for dimensions that do not fit.

        >>> H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
        >>> (Instrument.unitary(H) @ measure("Z") @ Instrument.unitary(H)).same_as(measure("X"))
        True
        >>> (measure("X") @ measure("Z")).outcomes
        ((0, 0), (0, 1), (1, 0), (1, 1))
        """
        require(Instrument, earlier=earlier)
        if earlier.d_out != self.d_in:
            raise ValueError(
                f"{_label(self.name)} after {_label(earlier.name)}: it takes dimension {self.d_in}, and dimension "
                f"{earlier.d_out} is left"
            )
        operators = {}
        for before, after in product(earlier.outcomes, self.outcomes):
            first = _as_tensor(earlier[before], (earlier.d_out, earlier.d_in))
            then = _as_tensor(self[after], (self.d_out, self.d_in))
            tau = np.asarray(np.einsum("...ompn,...minj->...oipj", *common([then, first])))
            operators[_joint([(earlier, before), (self, after)])] = tau.reshape(
                (*tau.shape[:-4], *(self.d_out * earlier.d_in,) * 2)
            )
        name = " after ".join(part.name for part in (self, earlier) if part.name)
        return Instrument(operators, earlier.d_in, self.d_out, name)

    def tensor(self, *others: Instrument) -> Instrument:
        """Instruments beside each other, on the tensor product of their systems, the first slowest; as ``np.kron``.

        Outcomes are tuples, one entry for each instrument of more than one outcome, and a single entry by itself.

        >>> measure("X").tensor(measure("Z")).same_as(measure("XZ"))
        True
        >>> measure("X").tensor(Instrument.idle(2)).outcomes
        (0, 1)
        """
        parts = (self, *all_of(Instrument, others, "others"))
        operators = {}
        for chosen in product(*(part.outcomes for part in parts)):
            tau, d_out, d_in = np.ones((1, 1), dtype=int), 1, 1
            for part, outcome in zip(parts, chosen, strict=True):
                tau = _regrouped(kron(tau, part[outcome]), (d_out, d_in, part.d_out, part.d_in))
                d_out, d_in = d_out * part.d_out, d_in * part.d_in
            operators[_joint(list(zip(parts, chosen, strict=True)))] = tau
        return Instrument(operators, d_in, d_out, "⊗".join(part.name for part in parts if part.name))

    # ── what it is ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes, in the order in which they were given."""
        return tuple(self.operators)

    @cached_property
    def channel(self) -> Array:
        """The operator τ^{|z} of the channel that is left when the outcome is ignored: the sum of the elements."""
        return _read_only(sum(self.operators.values()))

    def __getitem__(self, outcome: Outcome) -> Array:
        """The operator of one outcome; ``ValueError`` that lists the outcomes if there is no such one."""
        if not isinstance(outcome, Hashable) or outcome not in self.operators:
            raise ValueError(
                f"{_label(self.name)}: no outcome {show(outcome)}; its outcomes are {_list(self.operators)}"
            )
        return self.operators[outcome]

    def kraus(self, outcome: Outcome) -> Array:
        """Kraus operators of one outcome, of shape (k, d_out, d_in), in floating-point numbers; as few as can be."""
        return kraus_operators(_transpose(self[outcome]), self.d_out)

    def choi(self, outcome: Outcome) -> Array:
        """The usual Choi operator of one outcome, the *input first*, of shape (..., d_in·d_out, d_in·d_out)."""
        return swap_factors(_transpose(self[outcome]), (self.d_out, self.d_in))

    def quantum_info(self, outcome: Outcome) -> Any:
        """The map of one outcome as a `qiskit.quantum_info.Choi`, from which Kraus, SuperOp and the others are made."""
        from qiskit.quantum_info import Choi

        here = Choi(self.choi(outcome).astype(complex), input_dims=self.d_in, output_dims=self.d_out)
        return Choi(_in_other_order(here), input_dims=self.d_in, output_dims=self.d_out)

    @cached_property
    def is_discard_and_prepare(self) -> bool:
        """Whether every element is ρᵀ ⊗ 1 up to a factor: outcome and output are independent of the input."""
        one, dims = np.eye(self.d_in, dtype=int), (self.d_out, self.d_in)
        return all(
            _alike(tau, kron(partial_trace(tau, dims, (0,)) / _whole(self.d_in, tau), one))
            for tau in self.operators.values()
        )

    def strength(self, outcome: Outcome) -> Array:
        """The largest probability that an outcome has for any input, of shape (...): the norm of its effect Tr_out τ.

        In floating-point numbers; 1 for entries with free symbols. What is rare is judged against it.

        >>> z = Instrument.from_kraus({"heard": [[[1e-3, 0], [0, 0]]], "not": [[[1 - 5e-7, 0], [0, 1]]]})
        >>> z.strength("heard").item()
        1e-06
        """
        if has_free_symbols(self[outcome]):
            return np.ones(self[outcome].shape[:-2])
        if outcome not in self._strengths:
            effect = partial_trace(self[outcome].astype(complex), (self.d_out, self.d_in), (1,))
            self._strengths[outcome] = np.asarray(np.linalg.eigvalsh(effect)[..., -1])
        return self._strengths[outcome]

    def normalised(self, outcome: Outcome) -> Array:
        """The element τ̃ = P(λ) (ρ^λ)ᵀ ⊗ 1/d_in of a discard-and-prepare instrument, eq. (19).

        Its trace over the input is P(λ) (ρ^λ)ᵀ, whatever comes in. Raises ``ValueError`` if the input is not discarded.
        """
        tau = self[outcome]
        if not self.is_discard_and_prepare:
            raise ValueError(f"{_label(self.name)}: what it finds or prepares depends on its input, unlike in eq. (18)")
        return np.asarray(tau / _whole(self.d_in, tau))

    def weight(self, outcome: Outcome) -> Array:
        """P(λ), of shape (...), of an outcome of a discard-and-prepare instrument (18)."""
        trace = np.asarray(np.trace(self.normalised(outcome), axis1=-2, axis2=-1))
        return trace if is_exact(trace) else np.maximum(trace.real, 0.0)

    def state(self, outcome: Outcome) -> Array:
        """ρ^λ, of shape (..., d_out, d_out), that a discard-and-prepare instrument prepares; zero where P(λ) is."""
        weight = self.weight(outcome)[..., None, None]
        prepared = _transpose(partial_trace(self.normalised(outcome), (self.d_out, self.d_in), (0,)))
        return np.asarray(prepared / np.where(zeros(weight, 0), 1, weight))

    def factors(self, outcome: Outcome) -> tuple[Array, Array] | None:
        """ρᵀ and F of the element τ = ρᵀ ⊗ F, if nothing passes from its input to its output; else None.

        Decided within 1e-9 of the element's own weight, however rare the outcome is.
        """
        tau = self[outcome]
        if outcome not in self._factors:
            self._factors[outcome] = product_factors(tau, self.d_out, self.d_in)
        return self._factors[outcome]

    @cached_property
    def _factors(self) -> dict[Outcome, tuple[Array, Array] | None]:
        return {}

    def cut(self, outcome: Outcome) -> tuple[Array, Array] | None:
        """The same, but only if not even a trace passes: entry by entry, up to rounding.

        A probability may then be computed with the two factors in the place of τ, whatever is rare elsewhere.
        """
        if outcome not in self._cuts:
            self._cuts[outcome] = product_factors(self[outcome], self.d_out, self.d_in, to_rounding=True)
        return self._cuts[outcome]

    @cached_property
    def channel_cut(self) -> tuple[Array, Array] | None:
        """The same of the channel that is left when the outcome is ignored."""
        return product_factors(self.channel, self.d_out, self.d_in, to_rounding=True)

    @cached_property
    def _cuts(self) -> dict[Outcome, tuple[Array, Array] | None]:
        return {}

    @cached_property
    def _strengths(self) -> dict[Outcome, Array]:
        return {}

    def same_as(self, other: Instrument) -> bool:
        """Whether another instrument has the same outcomes and the same maps, whatever their names."""
        require(Instrument, other=other)
        return self is other or (
            set(self.operators) == set(other.operators)
            and (self.d_in, self.d_out) == (other.d_in, other.d_out)
            and all(_alike(tau, other.operators[a], rounding_of=1.0) for a, tau in self.operators.items())
        )


def measure(letters: str, destructive: bool = False) -> Instrument:
    """The measurement of Pauli observables, one letter X, Y or Z for each qubit; the first letter the slowest factor.

    The outcome 0 belongs to the eigenvalue +1; of several letters it is a tuple. It leaves the projected state behind
    (Lüders), or nothing (d_out = 1) if it is destructive. In exact numbers.
    Raises ``ValueError`` for other letters, or more than five.

    >>> measure("X")[0].tolist()[0]
    [1/4, 1/4, 1/4, 1/4]
    >>> measure("XZ", destructive=True).outcomes, measure("XZ", destructive=True).d_out
    (((0, 0), (0, 1), (1, 0), (1, 1)), 1)
    """
    require(str, letters=letters)
    require(bool, destructive=destructive)
    if not 1 <= len(letters) <= MOST_LETTERS or not set(letters) <= set(PAULI_OF):
        raise ValueError(f"letters: {show(letters)} should be one to {MOST_LETTERS} of the letters X, Y, Z")
    single = [effects(PAULI_OF[letter]) for letter in letters]
    named: dict[Outcome, Any] = {
        outcome if len(letters) > 1 else outcome[0]: kron(*(single[k][a] for k, a in enumerate(outcome)))
        for outcome in product((0, 1), repeat=len(letters))
    }
    if destructive:
        return Instrument(named, 2 ** len(letters), 1, letters)
    return Instrument.projective(named, letters)


def remaining_effect(effects: Mapping[Outcome, ArrayLike] | ArrayLike) -> Array:
    """What some effects of a POVM leave of one, 1 − Σ F: the effect of an outcome that is none of theirs.

    effects : outcome → F, or outcomes first, of shape (..., d, d). Exact numbers are subtracted exactly. In
    floating-point numbers what is left is zero if no entry is more than the rounding of such a sum, `ROUNDING` = 2⁻⁴⁶.
    An outcome as rare as that cannot be found by subtraction: give its effect, and let a common one be what remains.
    Raises ``ValueError`` if the effects differ in shape, or leave an operator that is not positive.

    >>> some = {0: np.diag([0.3, 1.0]), 1: np.diag([0.6, 0.0]), 2: np.diag([0.1, 0.0])}
    >>> float((np.eye(2) - sum(some.values()))[0, 0]), remaining_effect(some).tolist()
    (1.1102230246251565e-16, [[0.0, 0.0], [0.0, 0.0]])
    >>> Instrument.from_povm({**some, "none": remaining_effect(some)}).outcomes
    (0, 1, 2, 'none')
    """
    F = _named(effects, "effects")
    for outcome, f in F.items():
        require_shape(f, f"effects, outcome {outcome!r}", (..., *2 * (next(iter(F.values())).shape[-1],)))
    if not F:
        raise ValueError("effects: there are none, so that their dimension is not known")
    left = np.eye(next(iter(F.values())).shape[-1], dtype=int) - sum(common(list(F.values())))
    require_positive(left, "effects", "what they leave of one", computed_from=1.0)
    if is_exact(left):
        return recognised(left)
    return np.where(negligible(np.abs(left).max(axis=(-2, -1), keepdims=True)), 0, left)


def _joint(parts: Sequence[tuple[Instrument, Outcome]]) -> Outcome:
    """The outcome of several instruments: a tuple of those of instruments that have several, one of them by itself."""
    told = [outcome for part, outcome in parts if len(part.outcomes) > 1]
    return tuple(told) if len(told) > 1 else told[0] if told else parts[-1][1]


def _as_tensor(operator: Array, dims: tuple[int, ...]) -> Array:
    """An operator with an axis for the row of each space, then one for each column, after the batch axes."""
    return operator.reshape((*operator.shape[:-2], *dims, *dims))


def _regrouped(operator: Array, dims: tuple[int, int, int, int]) -> Array:
    """An operator on out ⊗ in ⊗ out' ⊗ in' as one on out ⊗ out' ⊗ in ⊗ in'."""
    swapped = np.einsum("...aibjckdl->...abijcdkl", _as_tensor(operator, dims))
    return np.asarray(swapped).reshape(operator.shape)


def product_factors(tau: Array, d_out: int, d_in: int, to_rounding: bool = False) -> tuple[Array, Array] | None:
    """ρᵀ and F of an operator τ = ρᵀ ⊗ F, tr ρ = 1, or None if it is no product; of shapes (..., d, d).

    Both sides of Tr_in τ ⊗ Tr_out τ = (tr τ) τ are quadratic in τ, and so is what may be between them: 1e-9 (tr τ)², or
    `to_rounding` no more than the rounding of each entry.

    >>> [factor.tolist() for factor in product_factors(np.diag([0, 2, 0, 0]), 2, 2)]
    [[[1.0, 0.0], [0.0, 0.0]], [[0, 0], [0, 2]]]
    """
    tau = numbers(tau, "tau")
    out, inn = partial_trace(tau, (d_out, d_in), (0,)), partial_trace(tau, (d_out, d_in), (1,))
    weight = np.asarray(np.trace(tau, axis1=-2, axis2=-1))[..., None, None]
    deviation = kron(out, inn) - weight * tau
    if not negligible(deviation, *_allowed(tau, weight, (d_out, d_in), to_rounding)).all():
        return None
    return np.asarray(out / np.where(negligible(weight, 0), 1, weight)), inn


def _allowed(tau: Array, weight: Array, dims: tuple[int, int], to_rounding: bool) -> tuple[Array, float]:
    """The scale of a deviation from a product, and the share of it that is negligible."""
    if is_exact(tau):
        return np.ones(()), 0.0
    if not to_rounding:
        return np.abs(weight) ** 2, SAME
    size = np.abs(tau)
    sums = kron(partial_trace(size, dims, (0,)), partial_trace(size, dims, (1,)))
    return sums + np.abs(weight) * size, ROUNDING


def _alike(one: Array, other: Array, rounding_of: float = 0.0) -> bool:
    """Whether two operators are equal, or differ by 1e-9 of what they are, or by the rounding of larger numbers."""
    one, other = common([one, other])
    if is_exact(one) or is_exact(other):
        return vanishes(one - other)
    own = np.maximum(np.abs(one), np.abs(other)).max(axis=(-2, -1), keepdims=True)
    return bool((np.abs(one - other) <= SAME * own + ROUNDING * rounding_of).all())


def _read_only(operator: ArrayLike) -> Array:
    array = np.array(operator)
    array = recognised(exact(array)) if is_exact(array) else array
    array.flags.writeable = False
    return array


def _root(effect: Array) -> Array:
    """The positive square root of a positive operator."""
    values, vectors = np.linalg.eigh(effect)
    scaled = vectors * np.sqrt(np.clip(values, 0, None))[..., None, :]
    return np.asarray(scaled @ vectors.conj().swapaxes(-1, -2))


def _whole(number: int, array: Array) -> Any:
    """A whole number to divide an array by, exactly if it is exact."""
    return sp.Integer(number) if is_exact(array) else number


def _named(
    values: Mapping[Outcome, ArrayLike] | ArrayLike, name: str, read: Callable[..., Array] = numbers
) -> dict[Outcome, Array]:
    """Outcome → array, numbered from 0 if they are given without names (outcome first); each by `read`."""
    if not isinstance(values, Mapping):
        entries = several(values, name) if isinstance(values, list | tuple) else numbers(values, name, (None, ...))
        values = dict(enumerate(entries))
    found = {outcome: read(value, f"{name}, outcome {outcome!r}") for outcome, value in values.items()}
    for outcome, array in found.items():
        require_shape(array, f"{name}, outcome {outcome!r}", (..., None, None))
    return found


def _in_other_order(choi: Any) -> Array:
    """The matrix of one of Qiskit's Choi operators with the systems of its input, and its output, in reverse order."""
    inn, out = choi.input_dims()[::-1], choi.output_dims()[::-1]
    n, m = len(inn), len(out)
    order = [*reversed(range(n)), *reversed(range(n, n + m))]
    tensor = choi.data.reshape((*inn, *out) * 2).transpose(*order, *(n + m + k for k in order))
    return np.asarray(tensor.reshape(choi.data.shape))


def _transpose(matrix: ArrayLike) -> Array:
    return np.swapaxes(np.asarray(matrix), -1, -2)


def _label(name: str) -> str:
    return f"instrument {name!r}" if name else "instrument"


def _list(names: Iterable[object]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _require_shape(array: Array, d_in: int, d_out: int, label: str) -> None:
    D = d_in * d_out
    if array.shape[-2:] != (D, D):
        raise ValueError(
            f"{label}: shape {array.shape} should be (..., {D}, {D}), as the node has d_out = {d_out} and d_in = {d_in}"
        )


def _without_rank_zero(projector: Array) -> Array:
    """A projector in floating point, with zeros where its rank, the trace, is 0."""
    if is_exact(projector):
        return projector
    rank = np.trace(projector, axis1=-2, axis2=-1).real
    return np.where((rank > 0.5)[..., None, None], projector, 0)


def _validate(instrument: Instrument) -> None:
    label, d_in, d_out = _label(instrument.name), instrument.d_in, instrument.d_out
    if not instrument.operators:
        raise ValueError(f"{label}: it should have at least one outcome")
    for outcome, tau in instrument.operators.items():
        _require_shape(tau, d_in, d_out, f"{label}, outcome {outcome!r}")
        name = f"{label}, outcome {outcome!r}: not completely positive"
        require_positive(tau, name, "its operator", computed_from=1.0)  # an outcome may be what others leave of 1
    deviation = partial_trace(instrument.channel, (d_out, d_in), (1,)) - np.eye(d_in, dtype=int)
    if not vanishes(deviation):
        raise ValueError(
            f"{label}: its outcomes {_list(instrument.outcomes)} sum to a map that is not trace preserving"
            f"{deviation_note(deviation)}"
        )
