"""From classical to quantum: every classical structural model as a quantum one, with the same counterfactuals.

Theorem 3 of Suresh, Frembs & Cavalcanti (2023), App. A, in its four steps:

* (i) `binary_extension`: the numbers of values become powers of two, so that a variable is a row of qubits;
* (ii) `reversible`, `reversible_extension`: each function f becomes a bijection f′ by means of an auxiliary exogenous
  variable T′ and a variable S′ that is discarded;
* (iii) `copy_unitary`: CNOT gates copy a value to each of the functions that use it;
* (iv) `quantum_extension`: bijections become permutation matrices, distributions become preparations.

Corollary 1: `quantum_query` is the do-interventional query that corresponds to a classical counterfactual, and
`observation` and `intervention` are its instruments. A node of the extension holds all copies of its value, |v…v⟩.

Where the construction departs from what the paper prints, since otherwise it fails:

* T′ is held at its first value t₀, not uniform as in the paper: a bijection maps uniform laws to uniform ones, so that
  with a uniform T′ the law of an unbalanced f, such as AND, could not be reproduced;
* a variable that no function uses is copied once all the same: nothing would be left to be observed otherwise;
* observing several copies needs a further element, `DISAGREEMENT`, for what is no |v…v⟩;
* exogenous variables may be correlated, and one may feed several functions. Then the extension has one joint exogenous
  node, a `JointPreparation`; with a node of its own for each variable, as in Def. 10, their law is a product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from qlib.models.structural_models import Indices, Mechanism, ProbabilisticModel, StructuralModel, Value, Values
from qlib.numbers.arguments import distinct, numbers, one_of, probabilities, require, whole
from qlib.numbers.exact_arrays import Array, coincide, exact, is_exact, vanishes
from qlib.numbers.tensor_networks import Tensor
from qlib.quantum.counterfactuals import CounterfactualQuery
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import Part, QuantumNode, QuantumStructuralModel, unitary

# --- (i) binary extension ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """A value that the binary extension adds to a domain, at the given place in it; it has probability zero."""

    place: int

    def __repr__(self) -> str:
        return f"+{self.place}"


def bits(values: int) -> int:
    """How many qubits have as many basis states as there are values, or more: ⌈log₂ |V|⌉.

    >>> [bits(k) for k in (1, 2, 3, 4, 5)]
    [0, 1, 2, 2, 3]
    """
    whole(values, "values", 0)
    return (values - 1).bit_length()


def binary_extension(model: ProbabilisticModel, star: Mapping[str, Value] | None = None) -> ProbabilisticModel:
    """The model with every number of values raised to a power of two; eq. (77) of Suresh, Frembs & Cavalcanti (2023).

    Added values are `Added`; they have probability zero. Where an argument of a function is one of them, the value of
    the function is the one at (∗, ∗), arbitrary: star gives ∗ for each variable, by default its first value.
    Raises ``ValueError`` for a star of an unknown variable or outside its domain.

    >>> from qlib.models.structural_models import independent
    >>> trit = StructuralModel({"U": (0, 1, 2)}, {"X": Mechanism(("U",), lambda u: "abc"[u], ("a", "b", "c"))})
    >>> binary = binary_extension(independent(trit, {"U": [0.5, 0.25, 0.25]}))
    >>> binary.structure.domains["X"], binary.law.tolist()
    (('a', 'b', 'c', +3), [0.5, 0.25, 0.25, 0.0])
    """
    require(ProbabilisticModel, model=model)
    if star is not None:
        require(Mapping, star=star)
    structure = model.structure
    at = {name: structure.index(name, value) for name, value in (star or {}).items()}
    domains = {name: _binary(values) for name, values in structure.domains.items()}
    mechanisms = {}
    for name, m in structure.mechanisms.items():
        table = structure.tables[name]
        places = np.full([len(domains[p]) for p in m.parents], table[tuple(at.get(p, 0) for p in m.parents)])
        places[tuple(slice(k) for k in table.shape)] = table
        mechanisms[name] = Mechanism(m.parents, _values(places, m.domain), domains[name])
    exogenous = {name: domains[name] for name in structure.exogenous}
    law = np.full([len(d) for d in exogenous.values()], model.law.flat[0] * 0)
    law[tuple(slice(k) for k in model.law.shape)] = model.law
    return ProbabilisticModel(StructuralModel(exogenous, mechanisms, structure.fixed, structure.positions), law)


def _binary(values: Values) -> Values:
    return (*values, *(Added(k) for k in range(len(values), 2 ** bits(len(values)))))


def _values(places: Indices, domain: Values) -> Array:
    """A table of values from a table of their places in a domain."""
    table = np.empty(places.shape, dtype=object)
    for at, place in np.ndenumerate(places):
        table[at] = domain[place]
    return table


# --- (ii) reversible extension ----------------------------------------------------------------------------------------


MOST_VALUES = 2**12  # of a function, or of an ancilla
MOST_QUBITS = 12  # copies and original


@dataclass(frozen=True, eq=False)
class Bijection:
    """A bijection f′ from T′ × (the arguments of f) to V × S′ that continues f: f′(t₀, x) = (f(x), …) at t₀ = 0.

    value, rank : the place in V and in S′, arrays of shape (|T′|, arguments of f ...). sizes : |V|, |S′|.
    The corrected eq. (79) of Suresh, Frembs & Cavalcanti (2023).
    """

    value: Indices
    rank: Indices
    sizes: tuple[int, int]

    @property
    def matrix(self) -> Array:
        """The permutation matrix W̃ of eq. (87): rows over V ⊗ S′, columns over T′ ⊗ arguments; entries 0 and 1."""
        size = self.value.size
        matrix = np.zeros((size, size), dtype=int)
        matrix[self.value.ravel() * self.sizes[1] + self.rank.ravel(), np.arange(size)] = 1
        return matrix


def reversible(table: ArrayLike, values: int, ancilla: int | None = None) -> Bijection:
    """The reversible extension of one function: with |T′| |arguments| = |V| |S′|, eq. (78).

    table : the function, places in V, one axis for each argument. values : |V|.
    ancilla : |T′|, by default the smallest number that will do, a power of two if |V| and the number of arguments are.
    Arguments with t₀ go into the block S′(v) of their value v = f(x); the others fill up the blocks, in lexicographic
    order; rank is the place of an argument in its block, in lexicographic order. Suresh, Frembs & Cavalcanti (2023).
    Raises ``ValueError`` for places that V does not have, or a T′ with which there is no bijection.

    >>> AND = reversible([[0, 0], [0, 1]], 2)
    >>> AND.value.reshape(2, 4).tolist(), AND.rank.reshape(2, 4).tolist(), AND.sizes
    ([[0, 0, 0, 1], [0, 1, 1, 1]], [[0, 1, 2, 0], [3, 1, 2, 3]], (2, 4))
    """
    whole(values, "values", 1, MOST_VALUES)
    if ancilla is not None:
        whole(ancilla, "ancilla", 1, MOST_VALUES)
    f = numbers(table, "table")
    if f.dtype.kind not in "iu" or not f.size:
        raise ValueError(f"table: dtype {f.dtype}, shape {f.shape}; it should hold places, whole numbers from 0")
    if not (f.min() >= 0 and f.max() < values):
        raise ValueError(f"table: the function has the places {f.min()} to {f.max()}; V has 0 to {values - 1}")
    largest = int(np.bincount(f.ravel(), minlength=values).max())
    candidates = _ancilla_sizes(f.size, values) if ancilla is None else [ancilla]
    T = next((t for t in candidates if t * f.size % values == 0 and t * f.size >= values * largest), None)
    if T is None:
        raise ValueError(
            f"|T'| = {ancilla}: {ancilla} x {f.size} arguments do not fill {values} blocks of equal size, at least "
            f"{largest}, the number of arguments of the commonest value"
        )
    block = T * f.size // values
    missing = block - np.bincount(f.ravel(), minlength=values)
    value = np.concatenate([f.ravel(), np.repeat(np.arange(values), missing)])
    rank = np.empty_like(value)
    for v in range(values):
        rank[value == v] = np.arange(block)
    shape = (T, *f.shape)
    return Bijection(value.reshape(shape), rank.reshape(shape), (values, block))


def _ancilla_sizes(arguments: int, values: int) -> Iterable[int]:
    binary = all(size & (size - 1) == 0 for size in (arguments, values))
    return (2**k for k in count()) if binary else count(1)


def reversible_extension(
    model: ProbabilisticModel, ancilla: Literal["fixed", "uniform"] = "fixed"
) -> ProbabilisticModel:
    """The model with an auxiliary exogenous T′_X and a discarded S′_X for each X, so that (X, S′_X) is a bijection of
    the causes of X and T′_X; eqs. (78) and (79) of Suresh, Frembs & Cavalcanti (2023), corrected.

    ancilla : T′ is "fixed" at its first value, and then the law of the old variables is what it was; or "uniform", as
    printed, and then it is not, unless all functions take each value equally often.
    Raises ``ValueError`` if the model has a variable of the name of a new one.

    >>> from qlib.models.structural_models import independent
    >>> both = StructuralModel({"A": (0, 1), "B": (0, 1)}, {"X": Mechanism(("A", "B"), lambda a, b: a & b)})
    >>> AND = independent(both, {"A": [0.5, 0.5], "B": [0.5, 0.5]})
    >>> [reversible_extension(AND, law).distribution("X").tolist() for law in ("fixed", "uniform")]
    [[0.75, 0.25], [0.5, 0.5]]
    """
    require(ProbabilisticModel, model=model)
    one_of(ancilla, "ancilla", ("fixed", "uniform"))
    structure, exogenous, mechanisms = model.structure, dict(model.structure.exogenous), {}
    law = model.law
    for name, m in structure.mechanisms.items():
        T, S = f"T'_{name}", f"S'_{name}"
        _require_free(structure, T, S)
        f = reversible(structure.tables[name], len(m.domain))
        exogenous[T] = tuple(range(len(f.value)))
        law = np.multiply.outer(law, _ancilla_law(len(f.value), ancilla, is_exact(law)))
        mechanisms[name] = Mechanism((T, *m.parents), _values(f.value, m.domain), m.domain)
        mechanisms[S] = Mechanism((T, *m.parents), f.rank, tuple(range(f.sizes[1])))
    return ProbabilisticModel(StructuralModel(exogenous, mechanisms, structure.fixed), law)


def _require_free(structure: StructuralModel, *names: str) -> None:
    for name in names:
        if name in structure.domains:
            raise ValueError(f"{name!r} is a variable of the model already; the extension needs the name")


def _ancilla_law(size: int, ancilla: str, exactly: bool) -> Array:
    counts = np.ones(size, dtype=int) if ancilla == "uniform" else (np.arange(size) == 0).astype(int)
    counts = exact(counts) if exactly else counts.astype(float)
    return np.asarray(counts / counts.sum())


# --- (iii) copying ----------------------------------------------------------------------------------------------------


def cnot_gates(copies: int, qubits: int) -> list[tuple[int, int]]:
    """The CNOT gates of the copy operation (80), as pairs (control, target) of qubits.

    The qubits are numbered in the order copy 1, copy 2, …, and last the original.

    >>> cnot_gates(2, 1)
    [(2, 0), (2, 1)]
    """
    whole(copies, "copies", 0, 1000)
    whole(qubits, "qubits", 0, 1000)
    return [(copies * qubits + k, copy * qubits + k) for copy in range(copies) for k in range(qubits)]


def copy_unitary(copies: int, qubits: int = 1) -> Array:
    """The copy operation C: |x₁⟩ … |x_m⟩ |v⟩ → |x₁ ⊕ v⟩ … |x_m ⊕ v⟩ |v⟩, on the copies and then the original.

    The product of the CNOT gates of `cnot_gates`, eq. (80) of Suresh, Frembs & Cavalcanti (2023). Without copies it is
    the identity. Shape (2^((m + 1) N),) * 2, entries 0 and 1.

    >>> copy_unitary(1) @ [0, 1, 0, 0]
    array([0, 0, 0, 1])
    """
    n = (whole(copies, "copies", 0) + 1) * whole(qubits, "qubits", 0)
    if n > MOST_QUBITS:
        raise ValueError(f"copies, qubits: {n} qubits in all, and at most {MOST_QUBITS} are allowed")
    states = np.arange(2**n)
    for control, target in cnot_gates(copies, qubits):
        states = states ^ ((states >> (n - 1 - control) & 1) << (n - 1 - target))
    matrix = np.zeros((2**n, 2**n), dtype=int)
    matrix[states, np.arange(2**n)] = 1
    return matrix


# --- (iv) quantum extension -------------------------------------------------------------------------------------------

LARGEST_NODE = 5  # qubits, all copies together: an instrument there has 2^20 entries for each outcome


@dataclass(frozen=True, eq=False)
class JointPreparation(QuantumStructuralModel):
    """A quantum structural model whose exogenous outcomes λ have a joint law: one exogenous node that prepares
    ⊗ ρ^{λ_i} with probability P(λ).

    law : array P(λ), one axis for each exogenous variable of `correlated`. The others are independent of them.
    It is a mixture of processes, as in Sec. 9 of Suresh, Frembs & Cavalcanti (2023); Def. 10 has product laws only.
    Raises ``ValueError`` or ``TypeError`` for what is no law of these variables.
    """

    correlated: tuple[str, ...] = ()
    law: Array = field(default_factory=lambda: np.ones(()))

    def __post_init__(self) -> None:
        super().__post_init__()
        names = distinct(self.correlated, "correlated", known=self.preparations)
        law = probabilities(self.law, "law", tuple(len(self.exogenous[name]) for name in names))
        if not vanishes(np.asarray(law.sum() - 1)):
            raise ValueError(f"law: its probabilities sum to {law.sum()}, and should sum to 1")

    def prior(self) -> list[Tensor]:
        """The law P(λ): joint for the correlated variables, a product for the others."""
        rest = [Tensor(p, (("λ", name),)) for name, p in self.weights.items() if name not in self.correlated]
        return [Tensor(self.law, tuple(("λ", name) for name in self.correlated)), *rest]


def quantum_extension(model: ProbabilisticModel) -> QuantumStructuralModel:
    """The quantum extension of a classical model: Theorem 3 of Suresh, Frembs & Cavalcanti (2023).

    Its nodes have the names of the endogenous variables; node X holds a copy of X, of `bits` qubits, for each function
    that uses X, in the order of the model, or one copy if there is none. For each X there are an exogenous T'_X (if
    |T′| > 1), prepared in t₀, and the blank copies Λ'_X; the exogenous variables of the model keep their names and
    prepare |u⟩ once for each function that they feed. The unitary is a circuit: for each X the bijection W̃_X, which
    writes the wires V'_X and S'_X, and the copying C_X; what it leaves of V'_X is the wire S''_X.

    It is a quantum structural model in the sense of Def. 10 if the exogenous variables are independent and feed one
    function each; if they are correlated, a `JointPreparation`. An exact law gives an exact model, but exact answers
    take minutes where a function has more than some thirty arguments; floating-point ones do not.
    Raises ``ValueError`` for a node of more than `LARGEST_NODE` qubits, or a variable of the name of a new space.

    >>> from qlib.quantum.processes import probability
    >>> from qlib.models.structural_models import firing_squad
    >>> squad = firing_squad(0.5, 0.25)
    >>> instruments = {name: observation(squad, name) for name in "CABD"}
    >>> float(round(probability(quantum_extension(squad), instruments, {"D": 1}), 12))
    0.625
    """
    require(ProbabilisticModel, model=model)
    binary = binary_extension(model)
    structure = binary.structure
    dims = {name: len(values) for name, values in structure.domains.items()}
    users = {name: _users(structure, name) for name in structure.domains}
    nodes = tuple(QuantumNode(name, d := _dimension(structure, name), d) for name in structure.mechanisms)
    parts: list[Part] = []
    wires: dict[str, int] = {}
    preparations: dict[str, Instrument] = {}
    for k, name in enumerate(structure.exogenous):
        others = tuple(j for j in range(binary.law.ndim) if j != k)
        preparations[name] = _preparation(structure, name, binary.law.sum(axis=others), _copies(structure, name))
        _fan_out(name, users[name], dims[name], parts, wires)
    for name, m in structure.mechanisms.items():
        _require_free(structure, *(f"{new}_{name}" for new in ("T'", "Λ'", "V'", "S'", "S''")))
        f = reversible(structure.tables[name], dims[name])
        blank = {f"T'_{name}": len(f.value), f"Λ'_{name}": dims[name] ** _copies(structure, name)}
        preparations |= {space: blank_preparation(d, model) for space, d in blank.items() if d > 1}
        wires |= {f"V'_{name}": dims[name], f"S'_{name}": f.sizes[1], f"S''_{name}": dims[name]}
        reads = [*([f"T'_{name}"] if len(f.value) > 1 else []), *(_copy_for(users, p, name) for p in m.parents)]
        parts.append(unitary(_permutation(f.matrix, model), reads, [f"V'_{name}", f"S'_{name}"]))
        copying = _permutation(copy_unitary(_copies(structure, name), bits(dims[name])), model)
        ancilla = [f"Λ'_{name}"] if dims[name] > 1 else []
        parts.append(unitary(copying, [*ancilla, f"V'_{name}"], [name, f"S''_{name}"]))
        _fan_out(name, users[name], dims[name], parts, wires)
    if _is_product(binary.law):
        return QuantumStructuralModel(nodes, preparations, tuple(parts), wires)
    return JointPreparation(
        nodes, preparations, tuple(parts), wires, correlated=tuple(structure.exogenous), law=binary.law
    )


def _users(structure: StructuralModel, name: str) -> list[str]:
    """The endogenous variables whose functions have a variable among their arguments."""
    return [other for other, m in structure.mechanisms.items() if name in m.parents]


def _copies(structure: StructuralModel, name: str) -> int:
    """How many copies of a variable the extension makes: one for each function that uses it, and at least one."""
    return max(1, len(_users(structure, name)))


def _dimension(structure: StructuralModel, name: str) -> int:
    """The dimension of a node: all copies together. Refused where instruments, of dimension⁴ entries, are too large."""
    copies, qubits = _copies(structure, name), bits(len(structure.domains[name]))
    if copies * qubits > LARGEST_NODE:
        raise ValueError(
            f"{name}: {copies} copies of {qubits} qubits; a node should have at most {LARGEST_NODE} qubits in all"
        )
    return int(2 ** (copies * qubits))


def _copy_for(users: Mapping[str, Sequence[str]], parent: str, name: str) -> str:
    """The space on which a function finds its copy of a parent."""
    return parent if len(users[parent]) == 1 else f"{parent}→{name}"


def _fan_out(name: str, users: Sequence[str], d: int, parts: list[Part], wires: dict[str, int]) -> None:
    """The outgoing space of several copies, taken apart: a wire for each copy."""
    if len(users) > 1:
        copies = [f"{name}→{user}" for user in users]
        wires |= dict.fromkeys(copies, d)
        parts.append(unitary(np.eye(d ** len(users), dtype=int), [name], copies))


def _entries(matrix: Array, model: ProbabilisticModel) -> Array:
    """A small matrix of zeros and ones in the number system of the model."""
    return exact(matrix) if is_exact(model.law) else matrix.astype(float)


def _permutation(matrix: Array, model: ProbabilisticModel) -> Array:
    """A permutation matrix, which may be large: whole numbers in an exact model, which are quicker than SymPy's."""
    return matrix if is_exact(model.law) else matrix.astype(float)


def _basis_state(place: int, dimension: int, copies: int = 1) -> Array:
    """The projector on |v…v⟩."""
    one = np.zeros((dimension, dimension), dtype=int)
    one[place, place] = 1
    return reduce(np.kron, [one] * copies)


def _preparation(structure: StructuralModel, name: str, law: Array, copies: int) -> Instrument:
    """The exogenous instrument of outcomes u that prepares |u…u⟩ with probability P(u): the corrected eq. (90)."""
    values = structure.domains[name]
    states = {u: _basis_state(k, len(values), copies) for k, u in enumerate(values)}
    return Instrument.discard_and_prepare(dict(zip(values, law, strict=True)), states, name=name)


def blank_preparation(dimension: int, model: ProbabilisticModel) -> Instrument:
    """The preparation of |0⟩ in a space of this dimension, with certainty; exact for a model with exact probabilities.

    >>> coin = ProbabilisticModel(StructuralModel({"U": (0, 1)}, {"X": Mechanism(("U",), [0, 1])}), [0.5, 0.5])
    >>> blank_preparation(2, coin).name
    'blank'
    """
    whole(dimension, "dimension", 1, MOST_VALUES)
    require(ProbabilisticModel, model=model)
    return Instrument.do(_entries(_basis_state(0, dimension), model), 1, 0, "blank")


def _is_product(law: Array) -> bool:
    """Whether variables with this joint law are independent."""
    axes = range(law.ndim)
    marginals = [law.sum(axis=tuple(j for j in axes if j != k)) for k in axes]
    independent = reduce(np.multiply.outer, marginals, np.asarray(1))
    return coincide(law, independent, "the joint law of independent variables", scale=0.0)  # nothing is subtracted


# --- Corollary 1 ------------------------------------------------------------------------------------------------------

DISAGREEMENT = "copies disagree"  # the outcome of an observation that never happens


def observation(model: ProbabilisticModel, name: str) -> Instrument:
    """The instrument that corresponds to observing a variable: it measures all copies in the preferred basis.

    Outcomes: the values of the variable, `Added` ones too, with the element [v…v]ᵀ ⊗ [v…v]; of several copies also
    `DISAGREEMENT`, the projector on all the rest. Suresh, Frembs & Cavalcanti (2023), below eq. (90).
    Raises ``ValueError`` for a variable that is not endogenous.

    >>> from qlib.models.structural_models import firing_squad
    >>> observation(firing_squad(0.5, 0.25), "C").outcomes
    (0, 1, 'copies disagree')
    """
    require(ProbabilisticModel, model=model)
    require(str, name=name)
    model.structure._require_endogenous(name)
    values, copies = _binary(model.structure.domains[name]), _copies(model.structure, name)
    dimension = _dimension(model.structure, name)
    states = (_basis_state(k, len(values), copies) for k in range(len(values)))
    projectors: dict[Outcome, Array] = {v: _entries(s, model) for v, s in zip(values, states, strict=True)}
    rest = _entries(np.eye(dimension, dtype=int), model) - sum(projectors.values())
    return Instrument.projective(projectors | ({DISAGREEMENT: rest} if rest.any() else {}), name=f"observe {name}")


def intervention(model: ProbabilisticModel, name: str, value: Value) -> Instrument:
    """The do-instrument (28) that corresponds to do(X = x): discards what comes in and prepares |x…x⟩.

    Raises ``ValueError`` for a variable that is not endogenous, or a value that it does not have.
    """
    require(ProbabilisticModel, model=model)
    require(str, name=name)
    structure = model.structure
    structure._require_endogenous(name)
    place, copies, dimension = structure.index(name, value), _copies(structure, name), _dimension(structure, name)
    state = _basis_state(place, 2 ** bits(len(structure.domains[name])), copies)
    return Instrument.do(_entries(state, model), dimension, value, f"do({name} = {value})")


def quantum_query(
    model: ProbabilisticModel,
    evidence: Mapping[str, Value],
    do: Mapping[str, Value],
    consequent: Mapping[str, Value],
) -> CounterfactualQuery:
    """The do-interventional query on `quantum_extension` that corresponds to a classical counterfactual; Corollary 1.

    Its answer is ``model.counterfactual(consequent, do, evidence)``.
    Raises ``ValueError`` for unknown variables or values, or a variable both set and asked for.

    >>> from qlib.quantum.counterfactuals import evaluate
    >>> from qlib.models.structural_models import firing_squad
    >>> squad = firing_squad(0.5, 0.25)
    >>> query = quantum_query(squad, {"D": 1}, {"A": 0}, {"D": 1})
    >>> float(round(evaluate(quantum_extension(squad), query).probability, 12)), query.kind.value
    (0.8, 'do-interventional')
    """
    require(ProbabilisticModel, model=model)
    require(Mapping, evidence=evidence, do=do, consequent=consequent)
    for event in (evidence, consequent):
        for name, value in event.items():
            model.structure._require_endogenous(name)
            model.structure.index(name, value)
    if both := [name for name in consequent if name in do]:
        raise ValueError(f"{both[0]} is set and asked for; the consequent should be about other variables")
    actual = {name: observation(model, name) for name in model.structure.mechanisms}
    set_to = {name: intervention(model, name, value) for name, value in do.items()}
    return CounterfactualQuery(dict(evidence), dict(do), dict(consequent), actual, set_to)
