"""The experiment of Wang & Zhang with a noisy pair, which all four papers can read.

The pair is v |Φ⁻⟩⟨Φ⁻| + (1 − v) 1/4, a Werner state of visibility v. All that can be observed depends on s = v/√2: the
correlators ⟨A_z B_t⟩ are s, s, −s and s, the means vanish, and the CHSH value is S = 4s.

What classical models may say of an individual is a linear program over sixteen response types, whose right-hand sides
are linear in s; `classical_line` proves its optimum on an interval of s at once. What quantum models say is asked with
`individual_query` of a `structural_model`, and answered by :mod:`qlib.quantum.counterfactuals`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.correlations.behaviours import behaviour
from qlib.correlations.classical_cost import Line, optimal_line
from qlib.correlations.instrumental_strategies import qubit_correlators
from qlib.numbers.arguments import numbers, one_of, require, whole
from qlib.numbers.exact_arrays import Array, as_complex, exact, number
from qlib.numbers.linear_programs import Constraint, LinearProgram
from qlib.quantum.channels import PAULI_X, PAULI_Z, effects, kron, pure_state, validate_state
from qlib.quantum.counterfactuals import CounterfactualQuery
from qlib.quantum.instruments import Instrument
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, unitary

Sense = Literal["min", "max"]
Reading = Literal["drawn anew", "kept"]
Evidence: TypeAlias = tuple[int, int, int]  # of X, Y and Z
BITS = (0, 1)
MOST_FACTS = 1000  # of a random decomposition
HALF = sp.Rational(1, 2)
SIGNS = exact([[1, 1], [-1, 1]])  # of the correlators ⟨A_z B_t⟩
LIKELY: tuple[Evidence, ...] = ((0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 1, 1))
ONE, HADAMARD = exact(np.eye(2, dtype=int)), exact([[1, 1], [1, -1]]) / sp.sqrt(2)


# --- what is found, and what classical models may add ----------------------------------------------------------------


def data(s: Any) -> Array:
    """P[z, t, x, y], the Bell experiment behind Wang and Zhang's; s is a number or a symbol.

    >>> data(sp.Rational(1, 2))[1, 0]
    array([[1/8, 3/8],
           [3/8, 1/8]], dtype=object)
    """
    E = exact(np.zeros((3, 3), dtype=int))
    E[0, 0], E[1:, 1:] = sp.Integer(1), SIGNS * number(s)
    return behaviour(E)


def seen(P: ArrayLike) -> Array:
    """p[x, y, z], what is observed: the rounds of P[z, t, x, y] in which t is x."""
    return np.asarray(np.einsum("zxxy->xyz", numbers(P, "P", (2, 2, 2, 2))))


class Type(NamedTuple):
    """How one individual responds: the treatments under z = 0 and 1, the outcomes under treatments 0 and 1."""

    x0: int
    x1: int
    y0: int
    y1: int

    def treatment(self, z: int) -> int:
        """The treatment that is taken under z."""
        return self[whole(z, "z", 0, 1)]

    def outcome(self, t: int) -> int:
        """The outcome under treatment t."""
        return self[2 + whole(t, "t", 0, 1)]

    def shows(self, x: int, y: int, z: int) -> bool:
        """Whether x and y are found under z."""
        y = whole(y, "y", 0, 1)
        return self.treatment(z) == whole(x, "x", 0, 1) and self.outcome(x) == y


TYPES = tuple(Type(*values) for values in product(BITS, repeat=4))
Asked: TypeAlias = Callable[[Type], int]


def classical_program(s: Any, asked: Asked, do: Mapping[int, Any] | None = None) -> LinearProgram:
    """The linear program of Balke and Pearl (1997) at the law of s, for the mean of a number of the response type.

    do : t → P(Y=1 | do X=t), if that is known as well. `Type.shows` and the outcomes say what may be asked.

    >>> len(classical_program(sp.Rational(1, 2), lambda r: r.y1 - r.y0).constraints)
    8
    """
    require(Callable, asked=asked)
    do = {} if do is None else do
    require(Mapping, do=do)
    p = seen(data(s))
    rows = [
        Constraint(f"observation: X={x}, Y={y}, Z={z}", {str(r): 1 for r in TYPES if r.shows(x, y, z)}, p[x, y, z])
        for z, x, y in product(BITS, repeat=3)
    ]
    rows += [
        Constraint(f"intervention: do X={t}", {str(r): 1 for r in TYPES if r.outcome(t) == 1}, number(value))
        for t, value in do.items()
    ]
    return LinearProgram(tuple(map(str, TYPES)), {str(r): asked(r) for r in TYPES if asked(r)}, tuple(rows))


def classical_line(asked: Asked, sense: Sense, low: Any, high: Any, do: Mapping[int, Any] | None = None) -> Line:
    """The proof that the sharp classical bound on a mean is linear in s on an interval; `formula` is the bound.

    sense : "min" for the lower bound; "max" for *minus* the upper one, as a minimum. Raises ``ValueError`` if it is not
    linear there, ``Infeasible`` if there is no classical model at some s between low and high.

    >>> classical_line(lambda r: r.y1 - r.y0, "min", sp.Rational(3, 5), 1).formula
    5*s/4 - 3/4
    """
    one_of(sense, "sense", ("min", "max"))
    require(Callable, asked=asked)
    sign = 1 if sense == "min" else -1
    return optimal_line(lambda s: classical_program(s, lambda r: sign * asked(r), do), sp.Symbol("s"), low, high)


def other_outcome(evidence: Evidence) -> Asked:
    """1 for a type that shows x and y under z and would have had the outcome 1 under the other treatment."""
    x, y, z = evidence
    return lambda r: int(r.shows(x, y, z) and r.outcome(1 - x) == 1)


def single_world_program(s: Any, asked: Asked, coin: int = 0) -> LinearProgram:
    """The program for the mean of a number of the type *given Z=coin*, without independence of two worlds at once.

    Every individual has X(0), X(1), Y(0) and Y(1), whose law may depend on Z; but for each z and t by itself the pair
    (X(z), Y(t)) is independent of it: single-world exogeneity, with individual exclusion (Richardson & Robins, 2024).
    """
    p = seen(data(s))
    names = {(r, z): f"{r} | {z}" for r in TYPES for z in BITS}
    rows = [
        Constraint(f"observation: X={x}, Y={y}, Z={z}", {names[r, z]: 1 for r in TYPES if r.shows(x, y, z)}, p[x, y, z])
        for z, x, y in product(BITS, repeat=3)
    ]
    rows += [
        Constraint(
            f"single-world exogeneity: X({z})={x}, Y({t})={y}",
            {names[r, k]: 1 - 2 * k for r in TYPES for k in BITS if (r.treatment(z), r.outcome(t)) == (x, y)},
        )
        for z, t, x, y in product(BITS, repeat=4)
    ]
    return LinearProgram(tuple(names.values()), {names[r, coin]: asked(r) for r in TYPES if asked(r)}, tuple(rows))


# --- where something begins ------------------------------------------------------------------------------------------


def begins(excess: Any, variable: sp.Symbol) -> sp.Expr:
    """The one point of (0, 1) at which an expression turns from negative to positive.

    Raises ``ValueError`` if its numerator has no or several roots there, or it is not negative before or positive
    after.

    >>> begins(5 * sp.Symbol("s") - 3, sp.Symbol("s"))
    3/5
    """
    require(sp.Symbol, variable=variable)
    require(sp.Expr, excess=excess)
    numerator, _ = sp.fraction(sp.together(excess))
    roots = [r for r in sp.roots(sp.Poly(numerator, variable)) if r.is_real and 0 < r < 1]
    if len(roots) != 1:
        raise ValueError(f"excess: {excess} should vanish at one point between 0 and 1, and does at {roots}")
    before, after = (excess.subs(variable, (roots[0] + end) / 2) for end in BITS)
    if not before < 0 < after:
        raise ValueError(f"excess: {excess} should be negative before {roots[0]} and positive after it")
    return sp.sqrtdenest(sp.radsimp(roots[0]))


# --- the quantum model -----------------------------------------------------------------------------------------------


def noisy_pair(v: Any) -> Array:
    """v |Φ⁻⟩⟨Φ⁻| + (1 − v) 1/4, exact; v may be a symbol."""
    bell = pure_state(exact([1, 0, 0, -1]) / sp.sqrt(2))
    return np.asarray(number(v) * bell + (1 - number(v)) * exact(np.eye(4, dtype=int)) / 4)


@dataclass(frozen=True, eq=False)
class Setup:
    """What is measured: gates that the coin and X control, and the observable at Y; σ_Z is measured at X.

    By default those of Wang & Zhang. Where the coin shows 1, a Hadamard gate turns σ_X into σ_Z before X measures that;
    where X passes on 1, σ_Z turns (σ_Z − σ_X)/√2 into (σ_Z + σ_X)/√2, which is the Hadamard gate, before Y measures it.
    """

    by_coin: Array = field(default_factory=lambda: HADAMARD)
    by_treatment: Array = field(default_factory=lambda: PAULI_Z)
    observable: Array = field(default_factory=lambda: HADAMARD)


ONE_BASIS = Setup(PAULI_X, PAULI_X, PAULI_Z)  # ±σ_Z everywhere: z and t decide which value is called 0


def structural_model(
    sent: Mapping[Hashable, ArrayLike], weights: Mapping[Hashable, Any], setup: Setup | None = None
) -> QuantumStructuralModel:
    """The experiment as a quantum structural model with the nodes Z, X and Y and a source C.

    sent : fact λ → the pair that C sends; weights : λ → its probability. What is measured at X and Y is chosen on the
    way there, by controlled gates.
    """
    setup = setup or Setup()
    source = Instrument.discard_and_prepare(weights, sent, name="C")
    nodes = QuantumNode("Z", 1, 2), QuantumNode("X", 4, 2), QuantumNode("Y", 4, 1)
    wires = (
        unitary(kron(_controlled(setup.by_coin), ONE), ["Z", "C"], ["X", "half"]),
        unitary(_controlled(setup.by_treatment), ["X", "half"], ["Y"]),
    )
    return QuantumStructuralModel(nodes, {"C": source}, wires, {"half": 2})


def _controlled(gate: Array) -> Array:
    """|0⟩⟨0| ⊗ 1 + |1⟩⟨1| ⊗ gate."""
    zero, one = effects(PAULI_Z)
    return np.kron(zero, ONE) + np.kron(one, gate)


def instruments(setup: Setup | None = None) -> dict[str, Instrument]:
    """What is done at each node: Z tosses a fair coin, X and Y measure the qubit that comes with their setting."""
    setup = setup or Setup()
    bits: dict[Hashable, ArrayLike] = dict(enumerate(effects(PAULI_Z)))
    nothing: dict[Hashable, ArrayLike] = dict.fromkeys(BITS, exact([[1]]))
    at_X: dict[Hashable, ArrayLike] = {x: kron(ONE, F) for x, F in enumerate(effects(PAULI_Z))}
    at_Y: dict[Hashable, ArrayLike] = {y: kron(ONE, F) for y, F in enumerate(effects(setup.observable))}
    return {
        "Z": Instrument.discard_and_prepare(dict.fromkeys(BITS, HALF), bits),
        "X": Instrument.measure_and_prepare(at_X, bits),
        "Y": Instrument.measure_and_prepare(at_Y, nothing),
    }


def sending(t: int, *, measured: bool) -> Instrument:
    """What passes on t from X, whatever comes in; with `measured`, what comes in is found out first, as before."""
    state = effects(PAULI_Z)[whole(t, "t", 0, 1)]
    if not measured:
        return Instrument.do(state, d_in=4, outcome=t)
    at_X: dict[Hashable, ArrayLike] = {x: kron(ONE, F) for x, F in enumerate(effects(PAULI_Z))}
    return Instrument.measure_and_prepare(at_X, dict.fromkeys(BITS, state))


def individual_query(evidence: Evidence, reading: Reading, setup: Setup | None = None) -> CounterfactualQuery:
    """Given x, y and z: what is the probability that Y would have been 1, had 1 − x been sent to it?

    reading : "drawn anew" prepares 1 − x in the place of X's result, a do-intervention; "kept" supposes besides that X
    would have found under z what it did find.
    """
    x, y, z = (whole(value, "evidence", 0, 1) for value in evidence)
    one_of(reading, "reading", ("drawn anew", "kept"))
    kept = reading == "kept"
    had = {"Z": z, "X": x} if kept else {"X": 1 - x}
    found = {"X": x, "Y": y, "Z": z}
    return CounterfactualQuery(found, had, {"Y": 1}, instruments(setup), {"X": sending(1 - x, measured=kept)})


def both_query() -> CounterfactualQuery:
    """Given that Y was 0 where 0 was sent to it: what is the probability of 1, had 1 been sent?"""
    actual = instruments() | {"X": sending(0, measured=False)}
    return CounterfactualQuery({"Y": 0}, {"X": 1}, {"Y": 1}, actual, {"X": sending(1, measured=False)})


# --- other facts, the same data --------------------------------------------------------------------------------------


def completed(rho: ArrayLike, facts: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """A random decomposition of a state into pure ones: weights, shape (facts,), and states, shape (facts, d, d).

    In floating point. By the theorem of Hughston, Jozsa and Wootters (1993) all decompositions are of this form.

    >>> weights, states = completed(np.eye(4) / 4, 6, np.random.default_rng(1))
    >>> bool(np.allclose(np.einsum("k,kij->ij", weights, states), np.eye(4) / 4))
    True
    """
    require(np.random.Generator, rng=rng)
    values, vectors = np.linalg.eigh(as_complex(validate_state(numbers(rho, "rho", ("d", "d")))))
    d = len(values)
    whole(facts, "facts", d, MOST_FACTS)
    columns, _ = np.linalg.qr(rng.normal(size=(facts, d)) + 1j * rng.normal(size=(facts, d)))
    kets = columns @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    states = np.einsum("ki,kj->kij", kets, kets.conj())
    weights = np.einsum("kii->k", states).real
    return weights, states / weights[:, None, None]


def balanced_facts(v: Any, along: ArrayLike) -> tuple[Array, Array]:
    """Four facts of equal standing that complete the noisy pair, each with Bob's qubit along ± one direction.

    along : an observable n·σ in the plane of σ_Z and σ_X. With O = 1 ⊗ n·σ and b₀ = |Φ⁻⟩, the states are
    √α b₀ ± √β O b₀ and (b₂ ± O b₂)/√2 for a further state b₂, up to normalisation. Weights (4,), states (4, 4, 4).
    Among all completions by pure states this one has the largest mean of ⟨O⟩².
    """
    n = numbers(along, "along", (2, 2))
    O, turn = kron(ONE, n), kron(ONE, exact([[0, 1], [-1, 0]]))
    first = exact([1, 0, 0, -1]) / sp.sqrt(2)
    alpha, beta = sp.sqrt((1 + 3 * number(v)) / 8), sp.sqrt((1 - number(v)) / 8)
    kets = [alpha * first + sign * beta * (O @ first) for sign in (1, -1)]
    kets += [beta * (turn @ first + sign * (O @ turn @ first)) for sign in (1, -1)]
    weights = exact([sp.expand(ket @ ket) for ket in kets])
    return weights, np.array([np.outer(ket, ket) / w for ket, w in zip(kets, weights, strict=True)])


class Mixed(NamedTuple):
    """Facts that have behaviours: weights, shape (λ,), and correlators, shape (λ, 3, 3)."""

    weights: Array
    correlators: Array


def tilted_model(cosine: Any) -> Mixed:
    """A quantum model of the experiment's data with other facts, exact: a tilted pair and two deterministic behaviours.

    With cos θ = c, a number or a symbol, the pair has the correlators c, −cos 3θ, −c and c, at the border of the
    quantum set. For 0 ≤ c ≤ 1/√2 the weights are positive, and s = (u² − 1)/(u² + 1) with u = 1 + 2c.
    """
    c = number(cosine)
    pair = exact(np.zeros((3, 3), dtype=int))
    pair[0, 0], pair[1:, 1:] = sp.Integer(1), exact([[c, 3 * c - 4 * c**3], [-c, c]])
    opposite = [np.multiply.outer(exact([1, k, -k]), exact([1, k, -k])) for k in (1, -1)]
    share = 4 / (((1 + 2 * c) ** 2 + 1) * (2 - 2 * c))
    return Mixed(exact([share, (1 - share) / 2, (1 - share) / 2]), np.array([pair, *opposite]))


def tilted_pair(cosine: Any, sine: Any) -> Array:
    """The correlators of the pair in `tilted_model` from its directions on a Bell pair, for cos θ and sin θ.

    Alice measures along 0 and 2θ + π, Bob along θ and 3θ + π.
    """
    c, d = number(cosine), number(sine)
    double, triple = (2 * c**2 - 1, 2 * c * d), (4 * c**3 - 3 * c, 3 * d - 4 * d**3)
    alice, bob = exact([[1, 0], [-double[0], -double[1]]]), exact([[c, d], [-triple[0], -triple[1]]])
    return qubit_correlators(alice, bob, 1, 0)


def mean_answer(model: Mixed, evidence: Evidence, reading: Reading) -> Any:
    """The answer to `individual_query` from the behaviours of the facts alone: Σ P(λ) P(found | λ) P(would be | λ)."""
    x, y, z = evidence
    P = behaviour(model.correlators)
    found, would = P[:, z, x, x, y], P[:, z, 1 - x]  # would[λ, x, y]
    if reading == "kept":
        chance = [w[x, 1] / w[x].sum() if w[x].sum() != 0 else 0 for w in would]
    else:
        chance = [w[:, 1].sum() for w in would]
    return sum(p * f * c for p, f, c in zip(model.weights, found, chance, strict=True)) / (model.weights @ found)
