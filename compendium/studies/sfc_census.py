"""All binary structural models at once: their responses, classical and quantum, and how many there are.

A model has n binary variables V1, …, Vn, causes first, and for each a binary exogenous variable of its own; Vk is any
function of V1, …, V(k−1) and Uk. There are ∏ 2^(2^k) of them: 4, 64 and 16384 for n = 1, 2, 3. Every acyclic model on n
variables is among them after a relabelling, since a function need not depend on all of its arguments.

*Responses* say everything about counterfactuals: given the exogenous u, the probability that the variables take the
values v after do(X = x), for every X and x. An array of responses has one axis for the function of each variable (in
the order of `boolean_functions`), one for the value of each exogenous variable, and one for what is done at each
variable and found there, its *actions*: observed to be 0, observed to be 1, set to 0, set to 1.

Where the responses of two models agree for every u, all of their counterfactuals do, for whatever law of u: abduction
needs P(a | u), prediction P(c | u) after an intervention, and nothing else enters.
"""

from __future__ import annotations

from itertools import permutations, product
from math import comb, prod
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from qlib.models.structural_models import (
    Indices,
    Mechanism,
    ProbabilisticModel,
    Response,
    StructuralModel,
    Value,
    independent,
)
from qlib.numbers.arguments import require, whole, wholes
from qlib.numbers.exact_arrays import Array
from qlib.numbers.tensor_networks import Tensor, contract
from qlib.quantum.classical_to_quantum import (
    blank_preparation,
    intervention,
    observation,
    quantum_extension,
    reversible,
)
from qlib.quantum.processes import Part, QuantumStructuralModel

MOST_VARIABLES = 3  # all models of which are computed at once


def boolean_functions(arguments: int) -> Indices:
    """All functions of some bits to a bit, as tables: shape (2^(2^k), 2, ..., 2).

    >>> boolean_functions(1).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    whole(arguments, "arguments", 0, MOST_VARIABLES + 1)
    rows = 2**arguments
    tables = np.arange(2**rows)[:, None] >> np.arange(rows)[::-1] & 1
    return np.asarray(tables.reshape((-1, *(2,) * arguments)))


def variables(n: int) -> tuple[str, ...]:
    """The names of the variables: V1, V2, ...

    >>> variables(2)
    ('V1', 'V2')
    """
    whole(n, "n", 0, 100)
    return tuple(f"V{k + 1}" for k in range(n))


# --- responses --------------------------------------------------------------------------------------------------------


def model_responses(model: ProbabilisticModel, process: QuantumStructuralModel | None = None) -> Array:
    """The responses of a model's quantum extension: axes (functions), exogenous variables, actions at each variable.

    The actions at a variable are: observed to be v, for each of its values, then set to v, for each of them.
    process : the extension, by default the model's; parts with a batch axis stand for several functions of the variable
    that they compute, and add an axis for it, before the others.
    One contraction of the network; nothing about it is classical but the preparations' labels and the actions.

    >>> copy = independent(family_member((1,)), {"U_V1": [0.5, 0.5]})  # V1 = U
    >>> model_responses(copy).round(12).tolist()
    [[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]
    """
    require(ProbabilisticModel, model=model)
    if process is not None:
        require(QuantumStructuralModel, process=process)
    process = process or quantum_extension(model)
    values = model.structure.domains
    names = tuple(model.structure.mechanisms)
    operators = {}
    for name in names:
        observed, sets = observation(model, name), [intervention(model, name, v) for v in values[name]]
        actions = [*(observed[v] for v in values[name]), *(i[v] for i, v in zip(sets, values[name], strict=True))]
        operators[name] = np.stack(actions).astype(float)
    network = [_batch_as_leg(tensor, names) for tensor in process.tensors(operators, frozenset(), 0)]
    legs = {leg for tensor in network for leg in tensor.legs}
    functions = [("function", name) for name in names if ("function", name) in legs]
    for name in model.structure.exogenous:
        if ("λ", name) not in legs:  # nothing depends on it
            network.append(Tensor(np.ones(len(process.exogenous[name])), (("λ", name),)))
    found = contract(
        network, [*functions, *(("λ", name) for name in model.structure.exogenous), *(("action", n) for n in names)]
    )
    given = tuple(slice(size) for size in model.structure.shape)  # without the states that the binary extension adds
    return np.asarray(found[(*(slice(None) for _ in functions), *given)])


def _batch_as_leg(tensor: Tensor, names: tuple[str, ...]) -> Tensor:
    """A batch of functions, or of actions, as a leg that says whose they are."""
    array = np.asarray(tensor.array, dtype=float)
    if not any(length > 1 for length in tensor.batch):
        return Tensor(array.reshape(tensor.dims), tensor.legs)
    spaces = {leg[1] for leg in tensor.legs if isinstance(leg, tuple)}
    for name in names:
        if f"V'_{name}" in spaces:
            return Tensor(array, (("function", name), *tensor.legs))
    (name,) = (name for name in names if name in spaces)
    return Tensor(array, (("action", name), *tensor.legs))


def quantum_responses(n: int) -> Array:
    """The responses of the quantum extensions of all binary models on n variables; see the module.

    The bijections of all functions of a variable are a batch: for that T′ has two values for all of them.

    >>> np.abs(quantum_responses(1) - classical_responses(1)).max().round(12)
    np.float64(0.0)
    """
    whole(n, "n", 1, MOST_VARIABLES)
    names = variables(n)
    family = _representative(n)
    process = quantum_extension(family)
    wires, parts = dict(process.wires), []
    preparations = {**process.preparations, **{f"T'_{name}": blank_preparation(2, family) for name in names}}
    for part in process.parts:
        name = part.writes[0].removeprefix("V'_")
        if name == part.writes[0]:
            parts.append(part)
            continue
        tables = boolean_functions(names.index(name) + 1)
        bijections = np.stack([reversible(table, 2, ancilla=2).matrix for table in tables])
        wires[f"S'_{name}"] = bijections.shape[-1] // 2
        reads = (f"T'_{name}", *(space for space in part.reads if space != f"T'_{name}"))
        parts.append(Part(bijections, reads, part.writes, isometry=True))
    return model_responses(family, QuantumStructuralModel(process.endogenous, preparations, tuple(parts), wires))


def engine_responses(structure: StructuralModel) -> Array:
    """The responses of a model by the classical engine, in the shape of `model_responses`: axes u, then actions.

    >>> engine_responses(family_member((1,))).tolist()  # V1 = U
    [[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]
    """
    require(StructuralModel, structure=structure)
    names = tuple(structure.mechanisms)
    sizes = [len(structure.domains[name]) for name in names]
    responses = np.zeros((*structure.shape, *(2 * size for size in sizes)))
    settings: list[list[int | None]] = [[None, *range(size)] for size in sizes]
    for actions in product(*settings):
        do = {name: structure.domains[name][a] for name, a in zip(names, actions, strict=True) if a is not None}
        found = [structure.responses(Response(name, do)) for name in names]
        choices = [range(size) if a is None else [a] for size, a in zip(sizes, actions, strict=True)]
        for v in product(*choices):
            place: Any = (..., *(x if a is None else s + x for x, a, s in zip(v, actions, sizes, strict=True)))
            happens = np.ones(structure.shape, dtype=bool)
            for response, x in zip(found, v, strict=True):
                happens = happens & (response == x)
            responses[place] = happens
    return responses


def classical_responses(n: int) -> Array:
    """The responses of all binary models on n variables by the classical engine, in the shape of `quantum_responses`.

    Which function a variable has is a further exogenous variable, so that one structural model stands for all.

    >>> classical_responses(2).shape  # functions of V1 and of V2, values of U1 and U2, actions at V1 and at V2
    (4, 16, 2, 2, 4, 4)
    """
    whole(n, "n", 1, MOST_VARIABLES)
    names = variables(n)
    tables = {name: boolean_functions(k + 1) for k, name in enumerate(names)}
    choice = {f"F_{name}": tuple(range(len(table))) for name, table in tables.items()}
    mechanisms = {name: Mechanism((f"F_{name}", *names[:k], f"U_{name}"), tables[name]) for k, name in enumerate(names)}
    return engine_responses(StructuralModel({**choice, **{f"U_{name}": (0, 1) for name in names}}, mechanisms))


def family_member(codes: tuple[int, ...]) -> StructuralModel:
    """The model whose functions have the given places in `boolean_functions`.

    >>> family_member((1, 6)).tables["V2"].tolist()
    [[0, 1], [1, 0]]
    """
    codes = wholes(codes, "codes", 0)
    whole(len(codes), "codes: their number", 0, MOST_VARIABLES + 1)
    for k, code in enumerate(codes):
        whole(code, f"codes: V{k + 1}", 0, 2**2 ** (k + 1) - 1)
    names = variables(len(codes))
    mechanisms = {
        name: Mechanism((*names[:k], f"U_{name}"), boolean_functions(k + 1)[code])
        for k, (name, code) in enumerate(zip(names, codes, strict=True))
    }
    return StructuralModel({f"U_{name}": (0, 1) for name in names}, mechanisms)


def _representative(n: int) -> ProbabilisticModel:
    """Some member of the family, with any law: its extension is wired as all of them are."""
    structure = family_member((1,) * n)
    return independent(structure, {name: [0.5, 0.5] for name in structure.exogenous})


def canonical_model(n: int) -> StructuralModel:
    """The structural model of all binary models on n variables: the exogenous variable of Vk *is* the function of the
    variables before it (a response function, by its place in `boolean_functions`).

    Any binary model, its exogenous variables of any number of values and correlated or not, has the counterfactuals of
    this one with the law of its response functions. Balke & Pearl (1994).

    >>> canonical_model(2).shape
    (2, 4)
    """
    whole(n, "n", 0, MOST_VARIABLES + 1)
    names = variables(n)
    tables = {name: boolean_functions(k) for k, name in enumerate(names)}
    mechanisms = {
        name: Mechanism((*names[:k], f"U_{name}"), np.moveaxis(tables[name], 0, -1)) for k, name in enumerate(names)
    }
    return StructuralModel({f"U_{name}": tuple(range(len(tables[name]))) for name in names}, mechanisms)


# --- how many there are -----------------------------------------------------------------------------------------------


def labelled_count(n: int) -> int:
    """How many binary models there are on n labelled variables, in any causal order: a sum over all acyclic graphs.

    A function of k parents and a noise counts if it depends on each of the parents: by inclusion and exclusion.

    >>> [labelled_count(n) for n in (1, 2)]
    [4, 112]
    """
    whole(n, "n", 0, MOST_VARIABLES + 1)
    essential = [sum((-1) ** (k - j) * comb(k, j) * 2 ** (2 ** (j + 1)) for j in range(k + 1)) for k in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    total = 0
    for chosen in product((False, True), repeat=len(pairs)):
        graph = nx.DiGraph([pair for pair, taken in zip(pairs, chosen, strict=True) if taken])
        graph.add_nodes_from(range(n))
        if nx.is_directed_acyclic_graph(graph):
            total += prod(essential[graph.in_degree(v)] for v in range(n))
    return total


def labelled_models(n: int, values: bool = False) -> NDArray[np.int64]:
    """Every relabelling of every model of the family, as whole numbers: shape (relabellings, models).

    The relabellings are the n! of the variables, each with its noise; with `values`, combined with those of the values
    of the variables (2^n; relabellings of a noise's values are divided out). Two models are the same up to relabelling
    exactly if their columns have a number in common. The first row is the models themselves.
    """
    whole(n, "n", 1, MOST_VARIABLES)
    tables = _tables(n)
    rows = []
    for order in permutations(range(n)):
        for flips in product((0, 1), repeat=n if values else 0):
            rows.append(_code(_relabelled(tables, order, flips or (0,) * n), values))
    return np.array(rows)


def _tables(n: int) -> Indices:
    """The functions of all models of the family, each as a function of all variables and its noise: (models, n, …)."""
    tables = []
    for k in range(n):
        table = boolean_functions(k + 1).reshape((-1, *(2,) * k, *(1,) * (n - k), 2))
        tables.append(np.broadcast_to(table, (len(table), *(2,) * (n + 1))))
    choices = np.meshgrid(*(np.arange(len(table)) for table in tables), indexing="ij")
    chosen = (table.astype(np.int8)[choice.ravel()] for table, choice in zip(tables, choices, strict=True))
    return np.stack(list(chosen), axis=1)


def _relabelled(tables: Indices, order: tuple[int, ...], flips: tuple[int, ...]) -> Indices:
    """Variable order[k] becomes variable k; where flips[k] = 1, its values 0 and 1 change places."""
    n = len(order)
    moved = np.transpose(tables[:, list(order)], (0, 1, *(2 + k for k in order), n + 2))
    for k, flip in enumerate(flips):
        if flip:
            moved = np.flip(moved, axis=2 + k).copy()
            moved[:, k] = 1 - moved[:, k]
    return np.asarray(moved)


def _code(tables: Indices, values: bool) -> NDArray[np.int64]:
    """Each model as a number: the digits of its tables; with `values`, those of the lesser of both noise labellings."""
    flat = tables.reshape((*tables.shape[:2], -1))
    weights = 2 ** np.arange(flat.shape[-1], dtype=np.int64)
    codes = flat @ weights
    if values:
        other = np.flip(tables, axis=-1).reshape(flat.shape) @ weights
        codes = np.minimum(codes, other)
    return np.asarray(codes @ (2 ** (flat.shape[-1] * np.arange(tables.shape[1], dtype=np.int64))))


def class_count(n: int, values: bool = False) -> int:
    """How many binary models on n variables there are up to relabelling of variables, and, with `values`, of values.

    >>> class_count(1), class_count(1, values=True), class_count(2)
    (4, 2, 58)
    """
    whole(n, "n", 1, MOST_VARIABLES)
    return len(np.unique(labelled_models(n, values).min(axis=0)))


# --- beyond the census ------------------------------------------------------------------------------------------------


def random_law(shape: tuple[int, ...], rng: np.random.Generator, independent: bool = False) -> Array:
    """A random law of exogenous variables with so many values, uniform among all laws, or among all product laws.

    >>> random_law((2, 3), np.random.default_rng(1)).sum().round(12)
    np.float64(1.0)
    """
    shape = wholes(shape, "shape", 1)
    whole(prod(shape), "shape: the number of values", 1, 2**20)
    require(np.random.Generator, rng=rng)
    if not independent:
        return rng.dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)
    law = np.ones(())
    for size in shape:
        law = np.multiply.outer(law, rng.dirichlet(np.ones(size)))
    return law


def random_model(rng: np.random.Generator) -> ProbabilisticModel:
    """A random model of three or four variables with two or three values, functions at random.

    Each has up to two parents and up to two of three exogenous variables, which may be shared and, every other time,
    are correlated. Variables of three values have one child at most, of two values three, so that nodes stay small.

    >>> sorted(random_model(np.random.default_rng(1)).structure.mechanisms)
    ['V1', 'V2', 'V3']
    """
    require(np.random.Generator, rng=rng)
    names = variables(int(rng.integers(3, 5)))
    domains = {name: ("a", "b", "c")[: rng.integers(2, 4)] for name in names}
    domains |= {f"U{k}": ("a", "b", "c")[: rng.integers(2, 4)] for k in (1, 2, 3)}
    mechanisms, children = {}, dict.fromkeys(names, 0)
    for k, name in enumerate(names):
        free = [p for p in names[:k] if children[p] < 7 - 2 * len(domains[p])]
        parents = rng.permutation(free)[: rng.integers(3)].tolist()
        noises = rng.permutation(["U1", "U2", "U3"])[: rng.integers(3 - len(parents) // 2)].tolist()
        children |= {p: children[p] + 1 for p in parents}
        shape = [len(domains[p]) for p in (*parents, *noises)]
        table = rng.choice(domains[name], size=shape)
        mechanisms[name] = Mechanism((*parents, *noises), table, domains[name])
    structure = StructuralModel({u: domains[u] for u in ("U1", "U2", "U3")}, mechanisms)
    return ProbabilisticModel(structure, random_law(structure.shape, rng, rng.random() < 0.5))


def random_counterfactual(
    model: ProbabilisticModel, rng: np.random.Generator
) -> tuple[dict[str, Value], dict[str, Value], dict[str, Value]]:
    """A random counterfactual: evidence from a possible world, an intervention, and what is asked about the others.

    >>> rng = np.random.default_rng(1)
    >>> evidence, do, asked = random_counterfactual(random_model(rng), rng)
    >>> set(do) & set(asked)
    set()
    """
    require(ProbabilisticModel, model=model)
    require(np.random.Generator, rng=rng)
    structure, names = model.structure, tuple(model.structure.mechanisms)
    state = rng.choice(np.argwhere(np.asarray(model.law != 0, dtype=bool)))
    u = {name: values[k] for (name, values), k in zip(structure.exogenous.items(), state, strict=True)}
    world, asked = structure.solve(u), rng.choice(names)
    evidence = {name: world[name] for name in names if rng.random() < 0.4}
    values = {name: structure.domains[name][rng.integers(len(structure.domains[name]))] for name in names}
    do = {name: values[name] for name in names if name != asked and rng.random() < 0.5}
    also = {name for name in names if name not in do and rng.random() < 0.2}
    return evidence, do, {name: values[name] for name in names if name == asked or name in also}
