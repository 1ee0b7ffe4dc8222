"""Random channels, instruments, Markov processes and structural models, to try theorems on.

Unitaries are distributed by the Haar measure, channels and instruments as its columns; every draw takes a generator.
"""

from __future__ import annotations

import numpy as np

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.arguments import Complexes, require, whole
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import Part, QuantumCausalModel, QuantumNode, QuantumStructuralModel, channel, unitary

LARGEST = 2**12  # dimension of a unitary that is drawn


def random_unitary(dimension: int, rng: np.random.Generator) -> Complexes:
    """A unitary matrix, Haar distributed.

    >>> U = random_unitary(3, np.random.default_rng(0))
    >>> bool(np.allclose(U @ U.conj().T, np.eye(3)))
    True
    """
    whole(dimension, "dimension", 1, LARGEST)
    require(np.random.Generator, rng=rng)
    Z = rng.normal(size=(dimension, dimension)) + 1j * rng.normal(size=(dimension, dimension))
    Q, R = np.linalg.qr(Z)
    phases = np.diagonal(R) / np.abs(np.diagonal(R))
    return np.asarray(Q * phases)


def random_channel(d_in: int, d_out: int, rng: np.random.Generator, rank: int = 2) -> Complexes:
    """Kraus operators of a random channel, shape (k, d_out, d_in); k is `rank`, or what the dimensions need."""
    whole(d_in, "d_in", 1, LARGEST)
    whole(d_out, "d_out", 1, LARGEST)
    whole(rank, "rank", 1, LARGEST)
    require(np.random.Generator, rng=rng)
    k = max(rank, -(-d_in // d_out))
    return random_unitary(k * d_out, rng)[:, :d_in].reshape(k, d_out, d_in)


def random_state(dimension: int, rng: np.random.Generator, rank: int = 2) -> Complexes:
    """A random density operator, of a rank of at most `rank`."""
    whole(dimension, "dimension", 1, LARGEST)
    whole(rank, "rank", 1, LARGEST)
    require(np.random.Generator, rng=rng)
    K = random_channel(1, dimension, rng, rank)
    return np.asarray(np.einsum("kix,kjx->ij", K, K.conj()))


def random_instrument(node: QuantumNode, rng: np.random.Generator, outcomes: int = 2, name: str = "z") -> Instrument:
    """A random instrument at a node, its outcomes numbered from 0; each of them two Kraus operators or more."""
    whole(outcomes, "outcomes", 1)
    require(QuantumNode, node=node)
    require(np.random.Generator, rng=rng)
    require(str, name=name)
    K = random_channel(node.d_in, node.d_out, rng, rank=2 * outcomes)
    return Instrument.from_kraus({a: K[a::outcomes] for a in range(outcomes)}, name)


def random_markov_process(graph: CausalGraph, rng: np.random.Generator, d: int = 2) -> QuantumCausalModel:
    """A random process that is Markov for a graph, with inputs of dimension d.

    The output of a node with m children has dimension d^m (at least d). A random unitary takes it apart into one system
    for each child, and each node's input comes from its parents' systems by a random channel: so factors that read the
    same output commute.

    >>> fork = CausalGraph(dict.fromkeys("ABC", "observed"), [("A", "B"), ("A", "C")])
    >>> random_markov_process(fork, np.random.default_rng(1)).nodes["A"].d_out
    4
    """
    whole(d, "d", 1)
    require(CausalGraph, graph=graph)
    require(np.random.Generator, rng=rng)
    nodes = _nodes(graph, d)
    turns = {node.name: random_unitary(node.d_out, rng) for node in nodes}
    parts = []
    for name in graph.kinds:
        parents = [p for p in graph.kinds if p in graph.parents(name)]
        K = random_channel(d ** len(parents), d, rng)
        parts.append(
            channel(_pulled_back(K, [(turns[p], _place(graph, p, name)) for p in parents], d), parents, [name])
        )
    return QuantumCausalModel(nodes, parts, graph)


def random_structural_model(graph: CausalGraph, rng: np.random.Generator, d: int = 2) -> QuantumStructuralModel:
    """A random structural model for a graph: each node's input comes from its parents and its own Λ by a unitary.

    Outputs are taken apart as in `random_markov_process`. The exogenous node "Λ_A" prepares one of two random states of
    dimension d², with random probabilities; its outcomes are 0 and 1.
    """
    whole(d, "d", 1)
    require(CausalGraph, graph=graph)
    require(np.random.Generator, rng=rng)
    nodes = _nodes(graph, d)
    wires: dict[str, int] = {}
    parts: list[Part] = []
    preparations: dict[str, Instrument] = {}
    for node in nodes:
        children = _children(graph, node.name)
        if children:
            wires |= {f"{node.name}→{child}": d for child in children}
            turn = random_unitary(node.d_out, rng)
            parts.append(unitary(turn, [node.name], [f"{node.name}→{child}" for child in children]))
        reads = [f"{p}→{node.name}" for p in graph.kinds if p in graph.parents(node.name)]
        wires[f"{node.name}+"] = d ** (len(reads) + 1)
        U = random_unitary(d ** (len(reads) + 2), rng)
        parts.append(unitary(U, [*reads, f"Λ_{node.name}"], [node.name, f"{node.name}+"]))
        weight = rng.uniform(0.1, 0.9)
        states: dict[Outcome, Complexes] = {k: random_state(d * d, rng) for k in (0, 1)}
        preparations[f"Λ_{node.name}"] = Instrument.discard_and_prepare({0: weight, 1: 1 - weight}, states)
    owner = {f"Λ_{name}": name for name in graph.kinds}
    return QuantumStructuralModel(nodes, preparations, tuple(parts), wires, graph=graph, owner=owner)


def _nodes(graph: CausalGraph, d: int) -> tuple[QuantumNode, ...]:
    return tuple(QuantumNode(name, d, d ** max(1, len(_children(graph, name)))) for name in graph.kinds)


def _children(graph: CausalGraph, name: str) -> list[str]:
    return [child for child in graph.kinds if (name, child) in graph.edges]


def _place(graph: CausalGraph, parent: str, child: str) -> tuple[int, int]:
    """The place of a child's system among those of a parent's output, and how many there are."""
    children = _children(graph, parent)
    return children.index(child), len(children)


def _pulled_back(kraus: Complexes, turns: list[tuple[Complexes, tuple[int, int]]], d: int) -> Complexes:
    """A channel on one system of each parent as a channel on the parents' whole outputs, the rest discarded."""
    for factor, (turn, (place, count)) in enumerate(turns):
        before, after = d**place, d ** (count - place - 1)
        rest = d ** (len(turns) - factor - 1)
        blocks = kraus.reshape(len(kraus), d, -1, d, rest)
        pieces = turn.reshape(before, d, after, -1)
        joined = np.einsum("kolsr,asbt->kaboltr", blocks, pieces)
        kraus = joined.reshape(len(kraus) * before * after, d, -1)
    return kraus
