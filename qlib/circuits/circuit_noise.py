"""Noise of a circuit as events that may or may not have happened, each with a probability and a name.

A Pauli channel is a lottery: with probability p_X an X occurs, whatever the state is. So is any mixture of unitaries,
and any of Aer's ``QuantumError``, whose entries may be resets and Kraus maps as well. Which event it was is a fact of
the world that exists before anything is measured, an exogenous λ: it can be learnt about, and it is the same in a
counterfactual world. What a Kraus map that is no such mixture (amplitude damping) does is not decided beforehand; it
is one event, with an environment that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from qlib.numbers.arguments import (
    Array,
    all_of,
    kraus_numbers,
    numbers,
    probabilities,
    reals,
    require,
    require_shape,
    show,
    whole,
    wholes,
)
from qlib.numbers.exact_arrays import as_complex
from qlib.quantum.channels import IDENTITY, PAULI_X, PAULI_Y, PAULI_Z, largest

PAULIS = dict(zip("IXYZ", (as_complex(P) for P in (IDENTITY, PAULI_X, PAULI_Y, PAULI_Z)), strict=True))
SAME_MAP = 1e-9  # two maps that differ by less are the same: their entries are of order one
MOST_QUBITS_OF_NOISE = 3


@dataclass(frozen=True, eq=False)
class Noise:
    """What may happen to some qubits: event → its probability, and the Kraus operators of what it then does.

    probabilities : event → P, adding up to one. kraus : event → array of shape (k, D, D), D = 2^qubits, the first qubit
    slowest; of a map that preserves the trace. Events of probability zero are left out.
    Raises ``ValueError`` for probabilities that are no law, other events, or operators that do not preserve the trace.

    >>> Noise({"nothing": 0.9, "flip": 0.1}, {"nothing": [[[1, 0], [0, 1]]], "flip": [[[0, 1], [1, 0]]]}).qubits
    1
    """

    probabilities: Mapping[str, float]
    kraus: Mapping[str, Array]

    def __post_init__(self) -> None:
        require(Mapping, probabilities=self.probabilities, kraus=self.kraus)
        law = {event: float(reals(p, f"probabilities: {event!r}", ())) for event, p in self.probabilities.items()}
        if not law or min(law.values()) < 0 or abs(sum(law.values()) - 1) > SAME_MAP:
            raise ValueError(f"probabilities: {show(law)} should be at least 0 and add up to 1")
        if set(law) != set(self.kraus):
            raise ValueError(f"kraus: its events {show([*self.kraus])} should be those of the law, {show([*law])}")
        total = sum(law.values())
        law = {event: p / total for event, p in law.items() if p > 0}
        maps = {event: as_complex(numbers(self.kraus[event], f"kraus: {event!r}", (None, "D", "D"))) for event in law}
        object.__setattr__(self, "probabilities", law)
        object.__setattr__(self, "kraus", maps)
        D = next(iter(maps.values())).shape[-1]
        for event, K in maps.items():
            if K.shape[-1] != D or 2**self.qubits != D or self.qubits > MOST_QUBITS_OF_NOISE:
                raise ValueError(
                    f"kraus: {event!r} acts on dimension {K.shape[-1]}; it should be 2, 4 or 8, as all others"
                )
            if largest(np.einsum("kia,kib->ab", K.conj(), K) - np.eye(D)) > SAME_MAP:
                raise ValueError(f"kraus: {event!r}: the sum of K†K should be the identity")

    @property
    def qubits(self) -> int:
        """On how many qubits it acts."""
        return int(next(iter(self.kraus.values())).shape[-1]).bit_length() - 1

    @classmethod
    def pauli(cls, probabilities: Mapping[str, float]) -> Noise:
        """A Pauli channel: strings such as "I", "X" or "XZ", one letter a qubit, and their probabilities.

        >>> Noise.pauli({"II": 0.98, "XZ": 0.02}).qubits
        2
        """
        require(Mapping, probabilities=probabilities)
        for event in probabilities:
            if (
                not isinstance(event, str)
                or not set(event) <= set(PAULIS)
                or not 1 <= len(event) <= MOST_QUBITS_OF_NOISE
            ):
                raise ValueError(
                    f"probabilities: {show(event)} should be a string of the letters I, X, Y, Z, one for each of "
                    f"{MOST_QUBITS_OF_NOISE} qubits at most"
                )
        return cls(probabilities, {event: _pauli_string(event)[None] for event in probabilities})

    @classmethod
    def from_kraus(cls, kraus: ArrayLike) -> Noise:
        """The channel of Kraus operators, shape (k, D, D), as a lottery of as many unitary events as can be seen.

        A Pauli channel is recognised whatever its Kraus operators; of others, operators that are multiples of a unitary
        are events, named "U0", "U1", …, and what remains is one more, "rest".

        >>> Noise.from_kraus([[[1, 0], [0, 0.6]], [[0, 0.8], [0, 0]]]).probabilities
        {'rest': 1.0}
        """
        K = as_complex(kraus_numbers(kraus, "kraus"))
        require_shape(K, "kraus", (None, "D", "D"))
        D = K.shape[-1]
        if D not in (2, 4, 8):
            raise ValueError(f"kraus: shape {K.shape}; the operators should act on one, two or three qubits")
        return _paulis(K) or _unitaries(K)

    @classmethod
    def from_qiskit(cls, noise: Any) -> Noise:
        """A channel of `qiskit.quantum_info` or a ``QuantumError`` of Aer; letters in the order of its qubits.

        >>> from qiskit_aer.noise import depolarizing_error
        >>> {event: round(p, 3) for event, p in Noise.from_qiskit(depolarizing_error(0.04, 1)).probabilities.items()}
        {'I': 0.97, 'X': 0.01, 'Y': 0.01, 'Z': 0.01}
        """
        if isinstance(noise, Noise):
            return noise
        if hasattr(noise, "circuits") and hasattr(noise, "probabilities"):
            return _mixture(
                [(p, *_branch(c)) for c, p in zip(noise.circuits, noise.probabilities, strict=True) if p > 0]
            )
        if hasattr(noise, "to_quantumchannel"):
            noise = noise.to_quantumchannel()
        return cls.from_kraus(_kraus_of(noise))


def _pauli_string(letters: str) -> Array:
    """The tensor product of Pauli matrices, the first letter the slowest factor."""
    return reduce(np.kron, (PAULIS[letter] for letter in letters))


def _kraus_of(channel: Any) -> Array:
    """Kraus operators, shape (k, D, D), of a channel of `qiskit.quantum_info`, the first qubit slowest.

    ``TypeError`` for what is no channel, ``ValueError`` for one whose Kraus operators come in two families.
    """
    if not hasattr(channel, "to_instruction"):
        raise TypeError(f"channel: {show(channel)} should be a channel of qiskit.quantum_info")
    return kraus_numbers(channel, "channel")


def _branch(circuit: Any) -> tuple[str, Array]:
    """What one entry of a ``QuantumError`` does: a name, and Kraus operators."""
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Operator, SuperOp

    names = "·".join(item.operation.name for item in circuit.data) or "id"
    try:
        return names, numbers(Operator(circuit), "circuit")[None]
    except QiskitError:  # a reset, a Kraus map: no operator, but a channel
        return names, _kraus_of(SuperOp(circuit))


def _mixture(branches: list[tuple[float, str, Array]]) -> Noise:
    """A lottery of channels, those that are lotteries themselves taken apart; the same Pauli string is one event."""
    law: dict[str, float] = {}
    maps: dict[str, Array] = {}
    for p, name, K in branches:
        inner = Noise.from_kraus(K)
        for event, q in inner.probabilities.items():
            label = event if set(event) <= set(PAULIS) else name
            if label == name and label in maps and not _same(maps[label], inner.kraus[event]):
                label = f"{name} {sum(key.startswith(name) for key in maps) + 1}"
            law[label] = law.get(label, 0.0) + p * q
            maps[label] = inner.kraus[event]
    return Noise(law, maps)


def _paulis(K: Array) -> Noise | None:
    """The channel as a Pauli channel, if it is one: its matrix in the basis of Pauli strings is diagonal."""
    n = int(K.shape[-1]).bit_length() - 1
    strings = ["".join(letters) for letters in product("IXYZ", repeat=n)]
    P = np.array([_pauli_string(s) for s in strings])
    weights = np.einsum("pij,kij->pk", P.conj(), K) / 2**n
    chi = weights @ weights.conj().T
    law = chi.diagonal().real
    if largest(chi - np.diag(law)) > SAME_MAP:
        return None
    kept = {s: float(p) for s, p in zip(strings, law, strict=True) if p > SAME_MAP**2}
    return Noise({s: p / sum(kept.values()) for s, p in kept.items()}, {s: _pauli_string(s)[None] for s in kept})


def _unitaries(K: Array) -> Noise:
    """Operators that are multiples of a unitary as events; the others together are the rest."""
    D = K.shape[-1]
    squares = np.einsum("kia,kib->kab", K.conj(), K)
    weights = np.trace(squares, axis1=1, axis2=2).real / D
    plain = [w > 0 and largest(S - w * np.eye(D)) <= SAME_MAP for S, w in zip(squares, weights, strict=True)]
    law = {f"U{k}": float(w) for k, w in enumerate(weights) if plain[k]}
    maps = {f"U{k}": K[k : k + 1] / np.sqrt(weights[k]) for k in range(len(K)) if plain[k]}
    left = 1 - sum(law.values())
    others = K[[not one for one in plain]]
    if len(others) and left > SAME_MAP:
        law["rest"], maps["rest"] = left, others / np.sqrt(left)
    return Noise(law, maps)


def _same(one: Array, other: Array) -> bool:
    return one.shape == other.shape and largest(one - other) <= SAME_MAP


Where: TypeAlias = "tuple[int, ...] | None"


@dataclass(frozen=True, eq=False)
class GateNoise:
    """The noise of every instruction of a circuit.

    errors : instruction → qubits → its `Noise`, which acts after the instruction (before a measurement); the qubits are
    a tuple of their numbers, or None for all that have no noise of their own. readouts : qubits → the matrix P[true,
    read] of a readout, of shape (2, 2).
    Raises ``ValueError`` or ``TypeError`` for what is no noise or no such matrix.

    >>> GateNoise({"cx": {None: Noise.pauli({"II": 0.99, "ZZ": 0.01})}}).at("cx", (0, 1)).probabilities["ZZ"]
    0.01
    """

    errors: Mapping[str, Mapping[Where, Noise]] = field(default_factory=dict)
    readouts: Mapping[Where, ArrayLike] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(Mapping, errors=self.errors, readouts=self.readouts)
        for name, table in self.errors.items():
            require(Mapping, **{f"errors: {name!r}": table})
            all_of(Noise, table.values(), f"errors: {name!r}")
        matrices = {}
        for where, matrix in self.readouts.items():
            P = matrices[where] = probabilities(matrix, f"readouts: {where}", (2, 2))
            if largest(P.sum(axis=1) - 1) > SAME_MAP:
                raise ValueError(f"readouts: {where}: each row of {show(P.tolist())} should add up to 1")
        object.__setattr__(self, "readouts", matrices)

    @classmethod
    def from_aer(cls, model: Any) -> GateNoise:
        """The noise of a ``NoiseModel`` of Aer; of none, none; a `GateNoise` as it is.

        Raises ``TypeError`` for anything else, ``ValueError`` for noise that is not tied to instructions.
        """
        if isinstance(model, GateNoise):
            return model
        if model is None:
            return cls()
        # Aer's public `to_dict` has every error, event and matrix, but not the passes, nor on how many qubits an error
        # acts whose events leave the last one alone; `from_dict` is deprecated and reads no rotations: hence its tables
        parts = ("_default_quantum_errors", "_local_quantum_errors", "_default_readout_error", "_local_readout_errors")
        if not all(hasattr(model, part) for part in parts):
            raise TypeError(f"noise: {show(model)} should be a NoiseModel of Aer, or a GateNoise")
        if getattr(model, "_custom_noise_passes", None):
            raise ValueError(
                "noise: it has a pass of its own, such as relaxation in delays; give errors of instructions"
            )
        everywhere, local, readout, readouts = (getattr(model, part) for part in parts)
        errors: dict[str, dict[Where, Noise]] = {name: {None: Noise.from_qiskit(e)} for name, e in everywhere.items()}
        for name, table in local.items():
            errors.setdefault(name, {}).update({tuple(q): Noise.from_qiskit(e) for q, e in table.items()})
        matrices: dict[Where, ArrayLike] = {tuple(q): error.probabilities for q, error in readouts.items()}
        return cls(errors, matrices | ({} if readout is None else {None: readout.probabilities}))

    def at(self, name: str, qubits: tuple[int, ...]) -> Noise | None:
        """The noise of an instruction at some qubits, if there is any."""
        require(str, name=name)
        table = self.errors.get(name, {})
        return table.get(wholes(qubits, "qubits"), table.get(None))

    def reading(self, qubit: int) -> tuple[dict[str, float], dict[str, tuple[int, int]]]:
        """What the readout of a qubit may do: event → probability, and event → what 0 and what 1 are read as.

        A misreading exchanges the two values as often as both errors allow; what one of them is more frequent is a
        readout that is stuck. So a symmetric error is right or wrong, nothing else. Of no error both are empty.

        >>> GateNoise(readouts={None: [[0.9, 0.1], [0.25, 0.75]]}).reading(0)[0]
        {'right': 0.75, 'wrong': 0.1, 'stuck at 0': 0.15}
        """
        P = self.readouts.get((whole(qubit, "qubit", 0),), self.readouts.get(None))
        if P is None:
            return {}, {}
        up, down = float(np.asarray(P)[0, 1]), float(np.asarray(P)[1, 0])
        law = {"right": 1 - max(up, down), "wrong": min(up, down), "stuck at 1": max(up - down, 0.0),
               "stuck at 0": max(down - up, 0.0)}  # fmt: skip
        law = {event: round(p, 15) for event, p in law.items() if p > 0}
        return law, {event: READ_AS[event] for event in law}


READ_AS = {"right": (0, 1), "wrong": (1, 0), "stuck at 1": (1, 1), "stuck at 0": (0, 0)}
