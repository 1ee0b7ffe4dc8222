"""All causal structures on outcomes and settings that no-disturbance without fine-tuning allows.

n parties (or measurements of a context) have the outcomes A₁ … Aₙ, nodes 0 … n−1, and the settings X₁ … Xₙ, nodes
n … 2n−1. Eq. (7) of Pearl & Cavalcanti (2019) asks of a structure that X_γ d-separates A_γ from the other settings, for
every set γ of parties; a structure that meets it survives. To remove an arrow or a latent never opens a path, so the
survivors are closed under removal, and a structure with a part that does not survive does not either. That makes all
survivors enumerable (`census`). Each is then examined by a criterion that implies factorisability (`is_certified`),
and their number compared with a formula (`survivor_count`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations, product
from math import comb, factorial
from typing import Any, Literal

import joblib
import numpy as np

from qlib.graphs.enumeration import (
    Pairs,
    Structures,
    Truths,
    Words,
    acyclic,
    all_pairs,
    ancestors,
    concatenate,
    confoundings,
    dag_count,
    dags,
    mask,
    mixed_graphs,
    separated,
    to_causal_graph,
    word,
)
from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.graphs.independence import markov_law
from qlib.numbers.arguments import probabilities, reals, require, several, show, whole, wholes
from qlib.numbers.exact_arrays import Array, vanishes

Condition = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
Latents = Literal["pairs", "complexes", "families"]


MOST_PARTIES = 10  # whose conditions are listed
MOST_COUNTED = 20  # parties whose structures are counted by a formula
MOST_LISTED = 4  # parties whose structures are listed


def outcomes(parties: int) -> range:
    """The nodes A₁ … Aₙ.

    >>> outcomes(2), settings(2)
    (range(0, 2), range(2, 4))
    """
    whole(parties, "parties", 1)
    return range(parties)


def settings(parties: int) -> range:
    """The nodes X₁ … Xₙ; see `outcomes`."""
    whole(parties, "parties", 1, MOST_PARTIES)
    return range(parties, 2 * parties)


def names(parties: int) -> tuple[str, ...]:
    """The names of the nodes, in their order.

    >>> names(2)
    ('A_1', 'A_2', 'X_1', 'X_2')
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    return tuple(f"{letter}_{k + 1}" for letter in "AX" for k in range(parties))


def no_disturbance(parties: int, sizes: Sequence[int] | None = None) -> list[Condition]:
    """The d-separations (A_γ ⊥ X_rest | X_γ) of eq. (7), for sets γ of the given sizes.

    By default for all sizes from 1 to parties − 1: of all parties together the condition says nothing.

    >>> no_disturbance(2)
    [((0,), (3,), (2,)), ((1,), (2,), (3,))]
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    if sizes is not None:
        sizes = wholes(sizes, "sizes")
    chosen = range(1, parties) if sizes is None else sizes
    return [
        (
            tuple(gamma),
            tuple(parties + k for k in range(parties) if k not in gamma),
            tuple(parties + k for k in gamma),
        )
        for size in chosen
        for gamma in combinations(range(parties), size)
    ]


def satisfies(structures: Structures, conditions: Sequence[Condition]) -> Truths:
    """Whether all the d-separations hold, for each structure; the failed are not asked further."""
    require(Structures, structures=structures)
    conditions = several(conditions, "conditions")
    for condition in conditions:
        if len(several(condition, "conditions")) != 3:
            raise ValueError(f"conditions: {show(condition)} should be three sets of nodes")
    alive = np.arange(len(structures))
    for condition in conditions:
        alive = alive[separated(structures[alive], *condition)]
    truth = np.zeros(len(structures), dtype=bool)
    truth[alive] = True
    return truth


# ── the census ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Census:
    """Every structure that can meet the conditions, decided.

    parties : how many. arrows, confounded : the pairs (u, v) of nodes for which the structure with nothing but u → v,
    or nothing but u ↔ v, survives. acyclic : how many structures made of such parts have no latents. formed : how many
    there are in all. survivors : those that meet all conditions.
    """

    parties: int
    arrows: Pairs
    confounded: Pairs
    acyclic: int
    formed: int
    survivors: Structures


Progress = Callable[..., Iterable[Any]]


def census(
    parties: int,
    conditions: Sequence[Condition] | None = None,
    *,
    jobs: int | None = None,
    chunk: int = 6561,
    progress: Progress = lambda results, total: results,
) -> Census:
    """All structures on the outcomes and settings that meet the conditions (by default all of eq. (7)).

    First the structures with a single arrow or a single ↔ are tested: as removing a part never opens a path, no
    structure with a part that fails alone can survive. From the other parts the structures are built up, first all
    arrows, then one ↔ after the other; what fails is left out with all that would be made of it (`with_latents`). The
    work goes in chunks of `chunk` codes (see `qlib.graphs.enumeration.orientations`) through ``joblib.Parallel`` with
    `jobs` workers, by default one or as many as ``joblib.parallel_config`` says, which may also name another backend.

    progress : wraps the iterator over the chunks' results, given their number as `total`; ``rich.progress.track`` does.

    >>> len(census(2).survivors)
    180
    """
    whole(parties, "parties", 1, MOST_LISTED)
    if conditions is not None:
        conditions = several(conditions, "conditions")
    if jobs is not None:
        whole(jobs, "jobs", 1)
    whole(chunk, "chunk", 1)
    wanted = no_disturbance(parties) if conditions is None else list(conditions)
    arrows, confounded = surviving_parts(parties, wanted)
    joined = sorted({(min(arrow), max(arrow)) for arrow in arrows})
    codes = 3 ** len(joined)
    tasks = [(start, min(start + chunk, codes)) for start in range(0, codes, chunk)]
    work = joblib.delayed(_survivors_in)
    results = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")(
        work(parties, wanted, joined, confounded, *task) for task in tasks
    )
    counts, found = zip(*progress(results, total=len(tasks)), strict=True)
    return Census(parties, arrows, confounded, sum(counts), sum(counts) << len(confounded), concatenate(found))


def is_maximal(structures: Structures, parties: int) -> Truths:
    """Whether a survivor of eq. (7) does not survive the addition of any arrow or ↔.

    The survivors being closed under removal, these determine all others: every survivor is part of one of them.

    >>> is_maximal(census(1).survivors, 1).sum()
    np.int64(2)
    """
    _require_parties(structures, parties)
    conditions = no_disturbance(parties, [1])  # which imply the others
    arrows, confounded = surviving_parts(parties, conditions)
    maximal = np.ones(len(structures), dtype=bool)
    for (u, v), double in [(pair, False) for pair in arrows] + [(pair, True) for pair in confounded]:
        words = [structures.parents.copy(), structures.confounded.copy()]
        words[double][v] |= words[double].dtype.type(1 << u)
        if double:
            words[True][u] |= words[True].dtype.type(1 << v)
        new = np.any(words[double] != (structures.confounded if double else structures.parents), axis=0)
        new &= acyclic(words[False])
        new[new] = satisfies(Structures(words[False][:, new], words[True][:, new]), conditions)
        maximal &= ~new
    return maximal


def surviving_parts(parties: int, conditions: Sequence[Condition]) -> tuple[Pairs, Pairs]:
    """The arrows (u, v), and the pairs u ↔ v, that meet the conditions when there is nothing else in the structure."""
    whole(parties, "parties", 1, MOST_PARTIES)
    conditions = several(conditions, "conditions")
    nodes = 2 * parties
    arrows = [(u, v) for u, v in product(range(nodes), repeat=2) if u != v]
    pairs = all_pairs(nodes)
    parents = np.zeros((nodes, len(arrows) + len(pairs)), word(nodes))
    confounded = np.zeros_like(parents)
    for k, (u, v) in enumerate(arrows):
        parents[v, k] = 1 << u
    for k, (u, v) in enumerate(pairs, len(arrows)):
        confounded[u, k], confounded[v, k] = 1 << v, 1 << u
    survives = satisfies(Structures(parents, confounded), conditions)
    return (
        [arrow for arrow, good in zip(arrows, survives[: len(arrows)], strict=True) if good],
        [pair for pair, good in zip(pairs, survives[len(arrows) :], strict=True) if good],
    )


def _survivors_in(
    parties: int, conditions: Sequence[Condition], joined: Pairs, confounded: Pairs, start: int, stop: int
) -> tuple[int, Structures]:
    """How many structures without latents there are among some codes, and the survivors that are made of them."""
    without_latents = dags(2 * parties, start, stop, joined)
    alive = without_latents[satisfies(without_latents, conditions)]
    return len(without_latents), with_latents(alive, confounded, conditions)


def with_latents(survivors: Structures, pairs: Pairs, conditions: Sequence[Condition]) -> Structures:
    """All survivors that consist of one of these, which have no latents, and ↔ between some of the pairs.

    The pairs are added one after the other, and only what survives is added to: as removing a ↔ never opens a path,
    nothing is lost. The order is that of `qlib.graphs.enumeration.with_all_confoundings`.

    >>> alive = dags(4)[satisfies(dags(4), no_disturbance(2))]
    >>> len(with_latents(alive, all_pairs(4), no_disturbance(2)))
    180
    """
    require(Structures, survivors=survivors)
    codes = 1 << np.arange(len(several(pairs, "pairs")), dtype=np.uint64)
    for pair in reversed(confoundings(survivors.nodes, codes, pairs).T):
        parents, confounded = (np.repeat(words, 2, axis=1) for words in (survivors.parents, survivors.confounded))
        confounded[:, 1::2] |= pair[:, None]
        alive = np.ones(parents.shape[1], dtype=bool)
        alive[1::2] = satisfies(Structures(parents[:, 1::2], confounded[:, 1::2]), conditions)
        survivors = Structures(parents[:, alive], confounded[:, alive])
    return survivors


def up_to_exchange(structures: Structures, parties: int) -> Structures:
    """The first structure of each class under permutations of the parties.

    >>> len(up_to_exchange(census(2).survivors, 2))
    97
    """
    _require_parties(structures, parties)
    least: dict[tuple[int, ...], int] = {}
    for k in range(len(structures)):
        words = [part[:, k].tolist() for part in (structures.parents, structures.confounded)]
        least.setdefault(min(_exchanged(words, order) for order in permutations(range(parties))), k)
    return structures[list(least.values())]


def _exchanged(words: list[list[int]], order: tuple[int, ...]) -> tuple[int, ...]:
    """The words of a structure after a permutation of the parties."""
    move = [*order, *(len(order) + i for i in order)]
    image = [[0] * len(move) for _ in words]
    for old, new in zip(words, image, strict=True):
        for v, u in product(range(len(move)), repeat=2):
            new[move[v]] |= (old[v] >> u & 1) << move[u]
    return tuple(image[0] + image[1])


def is_described(structures: Structures, parties: int) -> Truths:
    """Whether a structure has the four properties (a) to (d) of `survivor_count`, which say that it survives."""
    _require_parties(structures, parties)
    full = (1 << parties) - 1
    parents = structures.parents.astype(int)
    links = parents | structures.children | structures.confounded
    heads = parents | structures.confounded
    described = np.ones(len(structures), dtype=bool)
    for i, x in zip(outcomes(parties), settings(parties), strict=True):
        sends = structures.children[i].astype(int) & full != 0
        described &= links[i] & ~full & ~(1 << x) == 0  # (a)
        described &= (links[i] >> x & 1 == 0) | ~sends  # (b)
        described &= (parents[x] >> i & 1 == 0) | (links[i] & full == 0)  # (c)
        described &= (heads[x] >> i & 1 == 0) | (heads[x] & ~full == 0)  # (d)
    return described


# ── the criterion ───────────────────────────────────────────────────────────────────────────────────────────────────


def senders(structures: Structures, parties: int) -> Words:
    """The outcomes that have an arrow into another outcome, one word for each structure.

    >>> np.bincount(senders(census(2).survivors, 2)).tolist()
    [116, 32, 32]
    """
    _require_parties(structures, parties)
    sending: Words = np.bitwise_or.reduce(structures.parents[:parties], axis=0)
    sending &= sending.dtype.type(mask(outcomes(parties)))
    return sending


def is_certified(structures: Structures, parties: int) -> Truths:
    """Whether a structure meets a graphical criterion under which each of its models is factorisable.

    Let Λ be the latents all of whose children are outcomes, and S the outcomes with an arrow into another outcome.

    1. Nothing but S and Λ acts on S.
    2. No setting is a descendant of S or Λ.
    3. For every outcome Aᵢ outside S, (Aᵢ ⊥ A_rest, X_rest | Xᵢ S Λ), where A_rest are the other outcomes outside S.

    By 1, S is a function of Λ and of S's own noise; call these two λ. By 2, λ is independent of X. By 3, the outcomes
    outside S are independent of each other and of the other settings, given λ and Xᵢ. So P(A|X) = Σ P(λ) Π P(Aᵢ|Xᵢ,λ).
    Λ being parentless, conditioning on it is the same as removing it: 3 is tested without the ↔ between outcomes.

    >>> bool(is_certified(census(2).survivors, 2).all())
    True
    """
    _require_parties(structures, parties)
    inside = structures.parents.dtype.type(mask(outcomes(parties)))
    sending = senders(structures, parties)
    shared = structures.confounded[:parties]
    above = ancestors(structures, settings(parties))
    certified: Truths = (above & sending) == 0
    for i in outcomes(parties):
        sends = (sending >> i) & 1 == 1
        certified &= ~sends | (((structures.parents[i] & ~sending) == 0) & ((shared[i] & ~inside) == 0))
        certified &= ((shared[i] & inside) == 0) | ((above >> i) & 1 == 0)
    given_latents = structures.confounded.copy()
    given_latents[:parties] &= ~inside
    conditioned = Structures(structures.parents, given_latents)
    for S in map(set, _subsets(parties)):
        which = np.flatnonzero(certified & (sending == mask(S)))
        certified[which] = satisfies(conditioned[which], _independent_responses(parties, S))
    return certified


def _require_parties(structures: Structures, parties: int) -> None:
    """Raise ``ValueError`` or ``TypeError`` for what is no batch of structures on the nodes of so many parties."""
    require(Structures, structures=structures)
    whole(parties, "parties", 1, MOST_PARTIES)
    if structures.nodes != 2 * parties:
        raise ValueError(f"parties: {parties} have {2 * parties} nodes, and the structures {structures.nodes}")


def _subsets(parties: int) -> Iterator[tuple[int, ...]]:
    """The sets of outcomes that can have arrows into others: not all of them, as there is no cycle."""
    for size in range(parties):
        yield from combinations(outcomes(parties), size)


def _independent_responses(parties: int, S: set[int]) -> list[Condition]:
    """Condition 3 of the criterion, Λ being left out."""
    rest = set(outcomes(parties)) - S
    return [
        ((i,), (*sorted(rest - {i}), *(x for x in settings(parties) if x != parties + i)), (parties + i, *sorted(S)))
        for i in sorted(rest)
    ]


# ── random models ───────────────────────────────────────────────────────────────────────────────────────────────────


def random_structure_model(
    structures: Structures, k: int, parties: int, determined: Iterable[int], rng: np.random.Generator
) -> tuple[Array, tuple[str, ...]]:
    """The law of a random binary model on structure k, and the names of its axes: outcomes, settings, λ.

    determined : the outcomes that are to be functions of their parents, among them a noise U_A of their own. λ consists
    of these noises and of the latents all of whose children are outcomes; all other latents are summed over.

    >>> law, names = random_structure_model(census(1).survivors, 0, 1, [0], np.random.default_rng(1))
    >>> names, law.shape
    (('A_1', 'X_1', 'U_A_1'), (2, 2, 2))
    """
    _require_parties(structures, parties)
    whole(k, "k", 0, len(structures) - 1)
    determined = wholes(determined, "determined", 0, parties - 1)
    require(np.random.Generator, rng=rng)
    label = names(parties)
    graph = to_causal_graph(structures, k, label)
    noises = {f"U_{label[i]}": label[i] for i in determined}
    graph = CausalGraph({**graph.kinds, **dict.fromkeys(noises, NodeKind.LATENT)}, [*graph.edges, *noises.items()])
    tables: dict[str, tuple[Sequence[str], Array]] = {}
    for node in graph.kinds:
        parents = sorted(graph.parents(node))
        rows = (2,) * len(parents)
        functional = node in noises.values()
        tables[node] = (parents, np.eye(2)[rng.integers(0, 2, rows)] if functional else rng.dirichlet((1, 1), rows))
    children = {latent: {v for u, v in graph.edges if u == latent} for latent in graph.of_kind(NodeKind.LATENT)}
    lam = [latent for latent, below in children.items() if below <= set(label[:parties])]
    return markov_law(graph, tables, [*label, *lam]), (*label, *lam)


def factorised(law: Array, parties: int) -> tuple[Array, Array]:
    """Σ P(λ) Π P(Aᵢ|Xᵢ,λ) P(X) from the responses in a law of outcomes, settings and λ; and the law of (A, X) itself.

    The two are equal where the law is factorisable with this λ. Def. 3 of Pearl & Cavalcanti (2019).
    Raises ``ValueError`` for what is no law, or has fewer axes than two for each party.

    >>> law, _ = random_structure_model(census(1).survivors, 0, 1, [0], np.random.default_rng(1))
    >>> np.allclose(*factorised(law, 1))
    True
    """
    whole(parties, "parties", 1, MOST_PARTIES)
    law = reals(probabilities(law, "law", (*[None] * 2 * parties, ...)), "law")
    if not vanishes(np.asarray(law.sum() - 1)):
        raise ValueError(f"law: its probabilities sum to {law.sum()}, and should sum to 1")
    axes = list(range(law.ndim))
    observed, lam = axes[: 2 * parties], axes[2 * parties :]
    direct = np.einsum(law, axes, observed)
    operands: list[Any] = [np.einsum(law, axes, lam), lam, np.einsum(law, axes, observed[parties:]), observed[parties:]]
    for i in outcomes(parties):
        joint = np.einsum(law, axes, [i, parties + i, *lam])
        total = joint.sum(axis=0)
        operands += [np.divide(joint, total, out=np.zeros_like(joint), where=total > 0), [i, parties + i, *lam]]
    return np.einsum(*operands, observed), direct


# ── counting ────────────────────────────────────────────────────────────────────────────────────────────────────────


def structure_count(parties: int, latents: Latents = "pairs") -> int:
    """How many causal structures there are on the outcomes and settings of n parties.

    latents : what is a choice of latents. "pairs": a set of pairs ↔ (which d-separation does not see beyond);
    "complexes": a simplicial complex, that is, latents with any number of children, none of whose children are among
    those of another (Evans 2016: one that is adds nothing); "families": any family of sets of two or more children.

    >>> structure_count(2), structure_count(2, "complexes"), structure_count(2, "families")
    (34752, 61902, 1112064)
    """
    whole(parties, "parties", 1, MOST_COUNTED // 2)
    return dag_count(2 * parties) * latent_count(2 * parties, latents)


def latent_count(nodes: int, latents: Latents = "pairs") -> int:
    """How many choices of latents there are on labelled nodes; the kinds are those of `structure_count`.

    >>> [latent_count(n, "complexes") for n in range(7)]
    [1, 1, 2, 9, 114, 6894, 7785062]
    """
    whole(nodes, "nodes", 0, MOST_COUNTED)
    if latents == "pairs":
        return int(2 ** comb(nodes, 2))
    if latents == "families":
        return int(2 ** (2**nodes - nodes - 1))
    if latents == "complexes":
        # all antichains of non-empty sets, less those that leave a node uncovered
        return dedekind_number(nodes) - 1 - sum(comb(nodes, k) * latent_count(k, latents) for k in range(nodes))
    raise ValueError(f"latents {latents!r} should be 'pairs', 'complexes' or 'families'")


@cache
def dedekind_number(n: int) -> int:
    """How many antichains of subsets of n things there are, for n up to 6.

    For n ≥ 2 as the sum over pairs (a, b) of monotone Boolean functions of n−2 variables: the number of such functions
    below a ∧ b times the number above a ∨ b.

    >>> [dedekind_number(n) for n in range(7)]
    [2, 3, 6, 20, 168, 7581, 7828354]
    """
    whole(n, "n", 0)
    if n > 6:
        raise ValueError(f"n = {n}: this count is practical up to n = 6")
    if n < 2:
        return n + 2
    functions = [0, 1]
    for k in range(n - 2):
        functions = [low | high << 2**k for low, high in product(functions, repeat=2) if not low & ~high]
    below = {a: sum(1 for f in functions if not f & ~a) for a in functions}
    above = {a: sum(1 for f in functions if not a & ~f) for a in functions}
    return sum(below[a & b] * above[a | b] for a, b in product(functions, repeat=2))


def survivor_count(parties: int, latents: Latents = "pairs") -> int:
    r"""How many structures meet all of eq. (7), for any number of parties, in closed form.

    A structure survives if and only if (a) no link joins an outcome and another's setting; (b) an outcome with a link
    to its setting has no arrow into another outcome; (c) an outcome with an arrow into its setting has no link to
    another outcome; (d) if a link to its outcome has an arrowhead at a setting, no link to another setting has. Given
    the parts on the outcomes and on the settings, a party's links can thus be chosen in 1, 2, 4 or 6 ways: none; one
    more (Xᵢ → Aᵢ) if Aᵢ sends no arrow; two more if moreover no arrowhead is at Xᵢ; another two if also Aᵢ is isolated.
    Summed over the sets T, R, Q of t, r, q parties for which the first, second and third addition are taken,

    .. math:: \sum_{t+r+q\le n} \frac{n!}{t!\,r!\,q!\,(n-t-r-q)!}\, 2^{r+q}\,
        2^{(t+r)(n-q-t-r)} a_{n-q-t-r} k_{n-q}\; 2^{(r+q)(n-r-q)} a_{n-r-q} k_{n-r-q},

    where a_m counts DAGs and k_m choices of latents on m nodes: T ∪ R sends no arrow and Q is isolated among the
    outcomes; no arrowhead is at R ∪ Q among the settings.

    >>> [survivor_count(n) for n in (1, 2, 3, 4)]
    [6, 180, 147632, 4021392144]
    """
    whole(parties, "parties", 1, MOST_COUNTED)
    total = 0
    for t, r, q in product(range(parties + 1), repeat=3):
        silent, heads = t + r, r + q
        others = parties - t - r - q
        if others < 0:
            continue
        ways = factorial(parties) // (factorial(t) * factorial(r) * factorial(q) * factorial(others))
        on_outcomes = 2 ** (silent * others) * dag_count(others) * latent_count(parties - q, latents)
        free = parties - heads
        on_settings = 2 ** (heads * free) * dag_count(free) * latent_count(free, latents)
        total += ways * 2**heads * on_outcomes * on_settings
    return total


def count_by_symmetry(parties: int) -> int:
    """The same number by another route: the parts on outcomes and on settings, sorted by what matters for the other.

    Of the part on the outcomes that is which send an arrow and which have a link, of that on the settings which have an
    arrowhead. All mixed graphs on `parties` nodes are gone through, so up to four parties are practical.

    >>> [count_by_symmetry(n) for n in (1, 2, 3)]
    [6, 180, 147632]
    """
    whole(parties, "parties", 1)
    parts = mixed_graphs(parties)
    heads = sum(((parts.parents[v] | parts.confounded[v]) != 0).astype(int) << v for v in range(parties))
    sends = np.bitwise_or.reduce(parts.parents, axis=0).astype(int)
    statuses, counts = np.unique(np.stack([sends, sends | heads]), axis=1, return_counts=True)
    times = np.bincount(np.asarray(heads), minlength=2**parties).tolist()
    total = 0
    for (sending, linked), count in zip(statuses.T.tolist(), counts.tolist(), strict=True):
        for arrowheads, many in enumerate(times):
            ways = 1
            for i in range(parties):
                if not sending >> i & 1:
                    ways *= 2 if arrowheads >> i & 1 else 4 if linked >> i & 1 else 6
            total += ways * count * many
    return total


# ── four parties, structure by structure ────────────────────────────────────────────────────────────────────────────

LINKS = tuple(product(("", "A → X", "X → A"), (False, True)))  # of a party's outcome and setting: an arrow, and ↔


def count_by_testing(parties: int, progress: Progress = lambda results, total: results) -> int:
    """How many structures survive, by d-separation alone: each is tested, one of every class under exchange of parties.

    Only links that survive alone are used (`surviving_parts`): those among outcomes, those among settings, and those of
    a party's own two nodes. For each choice L of the last, the parts O on the outcomes and S on the settings that
    survive beside L are paired, all with all, and tested: no other structure can survive. The permutations that keep L
    carry survivors to survivors, so that one O of each of their classes is enough. By composition, the conditions (7)
    for single parties imply the others. Four parties take minutes; progress : as in `census`, over the choices L.

    >>> [count_by_testing(n) for n in (1, 2)]
    [6, 180]
    """
    whole(parties, "parties", 1, MOST_LISTED)
    arrows, confounded = surviving_parts(parties, no_disturbance(parties))
    if any(abs(u - v) != parties and (u < parties) != (v < parties) for u, v in [*arrows, *confounded]):
        raise ArithmeticError("internal error: a link of one party's outcome and another's setting survives alone")
    parts = mixed_graphs(parties)
    images = _images(parts)
    classes = sorted({min(_permuted(L, order) for order in images) for L in product(range(6), repeat=parties)})
    work = joblib.delayed(_count_beside)
    results = joblib.Parallel(n_jobs=-1, prefer="threads", return_as="generator")(
        work(parts, images, L) for L in classes
    )
    return sum(progress(results, total=len(classes)))


def _permuted(links: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """The links after party i has become party order[i]."""
    new = [0] * len(links)
    for i, link in enumerate(links):
        new[order[i]] = link
    return tuple(new)


def _images(parts: Structures) -> dict[tuple[int, ...], Array]:
    """Permutation of the nodes → for each of all mixed graphs, the number of the graph that it is carried to."""
    nodes = parts.nodes

    def codes(order: Sequence[int]) -> Array:
        code = np.zeros(len(parts), dtype=np.uint64)
        for k, words in enumerate((parts.parents, parts.confounded)):
            for v, u in product(range(nodes), repeat=2):
                bit = (words[v] >> u & 1).astype(np.uint64)
                code |= bit << np.uint64((k * nodes + order[v]) * nodes + order[u])
        return code

    own = codes(range(nodes))
    sorter = np.argsort(own)
    return {order: sorter[np.searchsorted(own, codes(order), sorter=sorter)] for order in permutations(range(nodes))}


def _count_beside(parts: Structures, images: dict[tuple[int, ...], Array], links: tuple[int, ...]) -> int:
    """The survivors with these links of the parties' own nodes, or with links that a permutation makes of them."""
    parties, every = parts.nodes, np.arange(len(parts))
    none = np.zeros(1, dtype=int)  # the first mixed graph has no links

    def survives(outcomes: Array, settings: Array) -> Truths:
        return _survive(parts, links, outcomes, settings)

    on_outcomes, on_settings = every[survives(every, none)], every[survives(none, every)]
    keeping = [image for order, image in images.items() if _permuted(links, order) == links]
    carried = np.stack([image[on_outcomes] for image in keeping])
    first = carried.min(axis=0) == on_outcomes
    sizes = [len(set(column.tolist())) for column in carried[:, first].T]
    found = 0
    for part, size in zip(on_outcomes[first], sizes, strict=True):
        found += size * int(survives(np.array([part]), on_settings).sum())
    return factorial(parties) // len(keeping) * found


def _survive(parts: Structures, links: tuple[int, ...], outcomes: Array, settings: Array) -> Truths:
    """Whether the structures of these links with some parts on outcomes and on settings, paired, survive."""
    n, count = parts.nodes, max(len(outcomes), len(settings))
    parents = np.zeros((2 * n, count), word(2 * n))
    confounded = np.zeros_like(parents)
    parents[:n], confounded[:n] = parts.parents[:, outcomes], parts.confounded[:, outcomes]
    parents[n:] = parts.parents[:, settings].astype(parents.dtype) << n
    confounded[n:] = parts.confounded[:, settings].astype(parents.dtype) << n
    for i, link in enumerate(links):
        arrow, double = LINKS[link]
        if arrow:
            child, parent = (n + i, i) if arrow == "A → X" else (i, n + i)
            parents[child] |= parents.dtype.type(1 << parent)
        if double:
            confounded[i] |= parents.dtype.type(1 << (n + i))
            confounded[n + i] |= parents.dtype.type(1 << i)
    alive = acyclic(parents)
    kept = Structures(parents[:, alive], confounded[:, alive])
    alive[alive] = satisfies(kept, no_disturbance(n, [1]))
    return alive
