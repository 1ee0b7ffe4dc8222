"""Counterfactuals from a process alone: what its answers have in common, whatever the facts λ are.

A *completion* of a process is a convex decomposition σ = Σ P(λ) σ^λ into processes; it adds facts, and no influence. It
does not change the probability of anything that is found, and it does change what would have been found: the answer
(29) of Suresh, Frembs & Cavalcanti (2023) is, with the operators T of the evidence a, of the antecedent b' and of b'
and c' together,

    answer = Σ P(λ) g(σ^λ) / P(a),        g(σ) = Tr[σ T_a] Tr[σ T_b'c'] / Tr[σ T_b'],

a mean of a function of one process, as an average over the pure states of a mixture is (a *convex roof*). Its values
over all completions are an interval, since two completions can be mixed. By the inequalities of Hölder and of Cauchy
and Schwarz

    P(a) P(b') · answer ≥ ‖√T_b'c' σ √T_a‖₁² ,

for every completion of every process: what pins a counterfactual is the *coherence* between what was found and what
would have been found. If a state is shared and both operators are of rank one, there is a completion that attains it.
For M = √σ (κ T_b' − e^{iφ} |γ⟩⟨α|) √σ has the trace zero for κ = |⟨α|σ|γ⟩| / P(b') and a suitable φ; in some
orthonormal basis the whole diagonal of such a matrix vanishes; and to the pure states √σ |v⟩ of that basis both
inequalities are equalities.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qlib.numbers.arguments import Complexes, numbers, require
from qlib.numbers.exact_arrays import Array, as_complex, common, is_exact, simplified, vanishes
from qlib.quantum.channels import density_operator, kron, partial_trace, require_positive
from qlib.quantum.counterfactuals import CounterfactualQuery
from qlib.quantum.dilations import square_root
from qlib.quantum.process_operators import ProcessOperator, trace_and_replace
from qlib.quantum.processes import node_operators

NEGLIGIBLE = 1e-12  # an eigenvalue or a probability, relative to the largest there could be


def answer_bounds(
    sigma: ArrayLike, evidence: ArrayLike, antecedent: ArrayLike, consequent: ArrayLike
) -> tuple[Any, Any]:
    """Two numbers between which every completion of a process answers a counterfactual query.

    sigma : the process or the state that is shared, shape (D, D), or a ket. evidence, antecedent, consequent : the
    operators of a, of b', and of b' and c' together, so that P(a) = Tr[σ T_a]; `query_operators` makes all four of a
    query. Exact, for exact arrays, if the evidence is of rank one, or if the consequent and what is left of the
    antecedent are.
    Raises ``ValueError`` for operators that are not positive or do not fit, a consequent that is not below its
    antecedent, or an evidence or antecedent of probability zero.

    >>> up, down, one = np.diag([1.0, 0.0]), np.diag([0.0, 1.0]), np.eye(2)
    >>> bell = np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2
    >>> found, had, would = np.kron(up, up), np.kron(down, one), np.kron(down, down)  # both 0; had Alice found 1
    >>> [round(float(bound), 9) for bound in answer_bounds(bell, found, had, would)]
    [1.0, 1.0]
    """
    S, Ta, Tb, Tc = _operators(sigma, evidence, antecedent, consequent)
    scale = np.trace(S @ Ta) * np.trace(S @ Tb)
    low, rest = (_coherence(S, Ta, T) / scale for T in (Tc, Tb - Tc))
    if is_exact(np.asarray(low)):
        low, rest = simplified(np.array([low, rest], dtype=object))
    return low, 1 - rest


def _operators(sigma: ArrayLike, *operators: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """The process, and the operators of evidence, antecedent and consequent; checked."""
    names = ("evidence", "antecedent", "consequent")
    S = numbers(density_operator(sigma, "sigma"), "sigma", ("D", "D"))
    require_positive(S, "sigma")
    S, *found = common([S, *(numbers(T, name, S.shape) for T, name in zip(operators, names, strict=True))])
    for T, name in zip(found, names, strict=True):
        require_positive(T, name)
    require_positive(found[1] - found[2], "consequent", "the antecedent less it", computed_from=_size(found[1]))
    for T, name in zip(found[:2], names, strict=False):
        if vanishes(np.asarray(np.trace(S @ T)), NEGLIGIBLE):
            raise ValueError(f"{name}: its probability Tr[σ T] is zero, so that nothing follows from it")
    return S, *found  # type: ignore[return-value]


def _size(T: Array) -> float:
    return float(np.abs(as_complex(T)).max(initial=0)) if not is_exact(T) else 0.0


def _coherence(S: Array, one: Array, other: Array) -> Any:
    """‖√T′ S √T‖₁². The matrix is of rank one if T or T′ is, and its square is then Tr[T′ S T S]."""
    if _has_rank_one(one) or _has_rank_one(other):
        value = np.trace(other @ S @ one @ S)
        return value if is_exact(np.asarray(value)) else value.real
    root, other_root = (square_root(as_complex(T)) for T in (one, other))
    return float(np.linalg.svd(other_root @ as_complex(S) @ root, compute_uv=False).sum() ** 2)


def _has_rank_one(T: Array) -> bool:
    return vanishes(T @ T - np.trace(T) * T)


def query_operators(process: ProcessOperator, query: CounterfactualQuery) -> tuple[Array, Array, Array, Array]:
    """A process, and the operators of a query's evidence, of its antecedent, and of that and its consequent together.

    On A_in ⊗ A_out ⊗ B_in ⊗ …, without the outputs that nothing reads, which no completion is to make use of.
    Raises ``ValueError`` for nodes and instruments that do not fit, ``TypeError`` for another process.

    >>> from qlib.quantum.instruments import Instrument
    >>> from qlib.quantum.process_operators import QuantumNode
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> again = CounterfactualQuery({"A": 0}, {}, {"A": 0}, {"A": Z}, {})
    >>> mixed = ProcessOperator([QuantumNode("A")], np.eye(4) / 2)  # a maximally mixed qubit comes in
    >>> sigma, found, _, same = query_operators(mixed, again)
    >>> sigma.tolist(), found.tolist()
    ([[0.5, 0.0], [0.0, 0.5]], [[1, 0], [0, 0]])
    """
    require(ProcessOperator, process=process)
    require(CounterfactualQuery, query=query)
    idle = _idle_outputs(process)
    wanted = (
        (query.actual, query.evidence),
        (query.counterfactual, query.antecedent),
        (query.counterfactual, {**query.antecedent, **query.consequent}),
    )
    found = [_joint(process, node_operators(process, *world), idle) for world in wanted]
    kept = [k for k in range(len(process.dims)) if k not in idle]
    share = prod(process.dims[k] for k in idle)
    sigma = partial_trace(process.array, process.dims, kept)
    return simplified(sigma / share) if is_exact(sigma) else np.asarray(sigma / share), *found  # type: ignore[return-value]


def _idle_outputs(process: ProcessOperator) -> list[int]:
    """The places of the outputs that lead nowhere: the process is the identity on them."""
    outputs = range(1, len(process.dims), 2)
    return [k for k in outputs if vanishes(trace_and_replace(process.array, process.dims, k) - process.array)]


def _joint(process: ProcessOperator, operators: dict[str, Array], idle: list[int]) -> Array:
    """The operators τ of all nodes together, in the order of the process, its idle outputs traced out."""
    factors = []
    for k, (name, node) in enumerate(process.nodes.items()):
        o, i = node.d_out, node.d_in
        tau = np.asarray(operators[name]).reshape(o, i, o, i).transpose(1, 0, 3, 2).reshape(i * o, i * o)
        factors.append(partial_trace(tau, (i, o), (0,)) if 2 * k + 1 in idle else tau)
    return kron(*factors)


def extreme_completion(
    rho: ArrayLike, evidence: ArrayLike, antecedent: ArrayLike, consequent: ArrayLike, rng: np.random.Generator
) -> Complexes:
    """A completion of a shared state into pure states in which the answer is the lower of `answer_bounds`.

    Its rows are vectors with Σ |ψ⟩⟨ψ| = ρ, shape (λ, D); P(λ) is their squared length. Evidence and consequent should
    be of rank one. The basis is one of many, and chosen at random. Raises ``ValueError`` for other ranks, where
    `answer_bounds` does, and where the antecedent is impossible for a λ that the evidence allows; if the rank of ρ is
    full, that is an accident.

    >>> up, down, one = np.diag([1.0, 0.0]), np.diag([0.0, 1.0]), np.eye(2)
    >>> noisy = np.diag([0.4, 0.1, 0.1, 0.4])
    >>> noisy[0, 3] = noisy[3, 0] = 0.3
    >>> asked = np.kron(up, up), np.kron(down, one), np.kron(down, down)
    >>> facts = extreme_completion(noisy, *asked, np.random.default_rng(1))
    >>> bool(np.allclose(facts.T @ facts.conj(), noisy))
    True
    """
    S, Ta, Tb, Tc = map(as_complex, _operators(rho, evidence, antecedent, consequent))
    require(np.random.Generator, rng=rng)
    for T, name in ((Ta, "evidence"), (Tc, "consequent")):
        if not _has_rank_one(T):
            raise ValueError(f"{name}: its rank should be one, for only then is the bound known to be attained")
    alpha, gamma = (np.linalg.eigh(T)[1][:, -1] * np.sqrt(np.trace(T).real) for T in (Ta, Tc))
    overlap = alpha.conj() @ S @ gamma
    phase = overlap / abs(overlap) if abs(overlap) > NEGLIGIBLE else 1.0
    kappa = abs(overlap) / np.trace(S @ Tb).real
    weights, vectors = np.linalg.eigh(S)
    keep = weights > NEGLIGIBLE * weights.max()
    root = vectors[:, keep] * np.sqrt(weights[keep])
    n = root.shape[1]
    turned, _ = np.linalg.qr(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))
    root = root @ turned
    M = root.conj().T @ (kappa * Tb - np.outer(gamma, alpha.conj()) / phase) @ root
    facts = (root @ _hollow_basis(M)).T
    allowed, possible = (np.einsum("ki,ij,kj->k", facts.conj(), T, facts).real for T in (Ta, Tb))
    if np.any((allowed > NEGLIGIBLE) & (possible <= NEGLIGIBLE)):
        raise ValueError("antecedent: it is impossible for a λ that the evidence allows, and there is no answer")
    return np.asarray(facts)


def _hollow_basis(M: Complexes) -> Complexes:
    """An orthonormal basis, in columns, in which the diagonal of a matrix of trace zero vanishes."""
    d = len(M)
    basis = np.eye(d, dtype=complex)
    for k in range(d - 1):
        rest = basis[:, k:]
        v = _mean_vector(rest.conj().T @ M @ rest)
        others = np.linalg.svd(v[None].conj())[2][1:].conj().T  # the orthogonal complement of v
        basis[:, k:] = rest @ np.column_stack([v, others])
    return basis


def _mean_vector(M: Complexes) -> Complexes:
    """A unit vector v with v† M v = Tr M / d: one step of the proof that a numerical range is convex, d − 1 times."""
    d = len(M)
    v, value = np.eye(d, dtype=complex)[:, -1], M[-1, -1]
    for k in range(d - 2, -1, -1):  # v takes the mean of the entries after k; now the mean of those from k on
        count = d - k
        target = ((count - 1) * value + M[k, k]) / count
        v = _between(M, np.eye(d, dtype=complex)[:, k], v, target)
        value = v.conj() @ M @ v
    return v


def _between(M: Complexes, p: Complexes, q: Complexes, target: complex) -> Complexes:
    """A unit vector in the span of orthonormal p and q at which M takes a value between those at p and q."""
    a, c = p.conj() @ M @ p - target, q.conj() @ M @ q - target
    if abs(c - a) <= NEGLIGIBLE * np.abs(M).max(initial=1e-300):
        return p
    turn = (c - a).conjugate() / abs(c - a)
    left, right = p.conj() @ M @ q * turn, q.conj() @ M @ p * turn
    phase = np.exp(-1j * np.angle(left - right.conjugate()))
    low, high, cross = (a * turn).real, (c * turn).real, (phase * left + right / phase).real
    t = (-cross + np.sqrt(max(cross**2 - 4 * low * high, 0))) / (2 * high)  # low + t cross + t² high = 0
    return np.asarray((p + t * phase * q) / np.sqrt(1 + t**2))
