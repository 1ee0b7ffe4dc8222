"""The notation of Kang: events of bits, the Born rule, graphs, and the stages of his surgery on a qubit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from compendium.claims.set_formulas import Law
from qlib.graphs import CausalGraph, NodeKind
from qlib.numbers import conjugate, exact, free_array, simplified
from qlib.quantum import PAULI_X, PAULI_Z, effects

Array = npt.NDArray[Any]
BITS = (0, 1)
PLAIN = {"Φ^+": "Phi+", "Lam": "Lambda"}  # how the ledger writes a node's name
TEX: dict[str, str] = {
    "CS": r"\mathit{CS}",
    "CH": r"\mathit{CH}",
    "S_CHSH": "S",
    "M_exp": r"\langle M \rangle",
    "P_imp": r"P_{\mathrm{imp}}",
    "P_do(_, _)": r"P(B = {0} \mid \do{{A = {1}}})",
    "P_see(_, _)": r"P(B = {0} \mid A = {1})",
    "P(_)": "P({0})",
    "do(_)": r"\do{{{0}}}",
    "corr(_, _)": "E({0}, {1})",
    "M(_, _)": "M_{{{0},{1}}}",
    "rho_AB": r"\rho_{AB}",
    "Eff": "E",
    "Phi+": r"\ket{\Phi^+}",
    "ket00": r"\ket{00}",
    "ket11": r"\ket{11}",
}


def free_bit(name: str, *shape: int) -> Array:
    """The distribution of a bit for each value of its parents; the chances of 1 are free symbols. Shape (*shape, 2).

    >>> free_bit("t").tolist()
    [1 - t_, t_]
    """
    ones = free_array(name, *shape)
    return np.stack([1 - ones, ones], axis=-1)


def events(variables: Iterable[str]) -> dict[str, list[sp.Symbol]]:
    """The values of bits as symbols that say whose they are: the domains of the free indices of a printed formula.

    >>> events(["A"])
    {'A': [A=0, A=1]}
    """
    return {name: [sp.Symbol(f"{name}={value}") for value in BITS] for name in variables}


def values(*symbols: Any) -> dict[str, int]:
    """The event that such symbols name, variable → value; a tuple of them is all of them.

    Raises ``ValueError`` for a symbol that names no value, and for two values of one variable.

    >>> a, b = (sp.Symbol(name) for name in ("A=1", "Lam=0"))
    >>> values((a, b))
    {'A': 1, 'Lam': 0}
    """
    found: dict[str, int] = {}
    for symbol in symbols:
        nested = isinstance(symbol, tuple | sp.Tuple)
        for name, value in (values(*symbol) if nested else _named(symbol)).items():
            if found.setdefault(name, value) != value:
                raise ValueError(f"symbols: {name} has the values {found[name]} and {value}")
    return found


def _named(symbol: Any) -> dict[str, int]:
    name, sign, value = str(symbol).partition("=")
    if sign != "=" or value not in ("0", "1"):
        raise ValueError(f"symbols: {symbol} should name a variable's value, as 'A=1' does")
    return {name: int(value)}


def probability_names(law: Law) -> dict[str, Any]:
    """``P(A, given(a, Lam))``, the probability of an event in a law of bits; ``given(...)`` is the condition.

    >>> names = probability_names(Law(exact([[0, 1], [2, 3]]) / 6, ("A", "B")))
    >>> names["P"](sp.Symbol("A=1"), names["given"](sp.Symbol("B=1")))
    3/4
    """
    return {"P": lambda event, condition: law.conditional(values(event), values(condition)), "given": sp.Tuple}


def born_names(rho: Array, M: Array, effect: Array) -> dict[str, Any]:
    """The names of the Born rule for a state of two qubits: ``M(A, a)``, ``tr``, ``kron``, and ``Eff``, any effect.

    M : effects [party, setting, outcome] of Alice (A, a) and of Bob (B, b). Raises as `values`, and ``ValueError`` for
    the setting of one party with an outcome of the other.
    """

    def measurement(outcome: Any, setting: Any) -> sp.Matrix:
        ((name, result),) = values(outcome).items()
        ((own, chosen),) = values(setting).items()
        if own != name.lower():
            raise ValueError(f"setting: {own} is not the setting of {name}")
        return sp.Matrix(M["AB".index(name), chosen, result])

    state = sp.Matrix(rho)
    operators = {"rho_AB": state, "rho": state, "Eff": sp.Matrix(effect), "M": measurement}
    return {**operators, "tr": sp.trace, "kron": sp.kronecker_product}


KETS = {"ket00": sp.Matrix([1, 0, 0, 0]), "ket11": sp.Matrix([0, 0, 0, 1])}  # as names of formulas


def graph_items(graph: CausalGraph) -> dict[str, set[str]]:
    """Nodes, edges and latent nodes of a causal graph, as the ledger writes them.

    >>> graph = CausalGraph({"Φ^+": NodeKind.QUANTUM, "A": "observed"}, [("Φ^+", "A")])
    >>> graph_items(graph)["edges"], graph_items(graph)["latents"]
    ({'Phi+ -> A'}, {'Phi+'})
    """
    plain = {name: PLAIN.get(name, name) for name in graph.kinds}
    hidden = {*graph.of_kind(NodeKind.QUANTUM), *graph.of_kind(NodeKind.LATENT)}
    return {
        "nodes": set(plain.values()),
        "edges": {f"{plain[cause]} -> {plain[effect]}" for cause, effect in graph.edges},
        "latents": {plain[name] for name in hidden},
    }


# --- surgery on one of two qubits ------------------------------------------------------------------------------------


def surgery_stages(a0: int) -> dict[str, Array]:
    """The stages of do(A = a0) in the paper's order, each with its Kraus operators on A; the last only looks.

    Raises ``ValueError`` for a value that is not 0 or 1.
    """
    if a0 not in BITS:
        raise ValueError(f"a0: {a0!r} should be 0 or 1")
    one, Z = exact([[1, 0], [0, 1]]), effects(PAULI_Z)
    return {
        "measure A in Z, discard": Z,
        "reset A to 0": np.stack([Z[0], Z[0] @ PAULI_X]),
        "X on A if a0 = 1": np.stack([PAULI_X if a0 else one]),
        "measure A and B in Z": np.stack([one]),
    }


def composed(*stages: Array) -> Array:
    """Kraus operators of channels that follow one another, the first first: all products.

    >>> composed(exact([[[0, 1], [1, 0]]]), exact([[[1, 0], [0, 0]]])).tolist()
    [[[0, 1], [0, 0]]]
    """
    return reduce(lambda before, after: np.stack([K @ L for K, L in product(after, before)]), stages)


def on_first(kraus: Iterable[Array], state: Array) -> Array:
    """The state of two qubits after a channel on the first of them, exactly.

    >>> flipped = on_first([PAULI_X], np.diag(exact([1, 0, 0, 0])))
    >>> flipped.diagonal().tolist()
    [0, 0, 1, 0]
    """
    operators = [np.kron(K, exact([[1, 0], [0, 1]])) for K in kraus]
    return np.asarray(simplified(sum(K @ state @ conjugate(K).T for K in operators)))
