"""The proof of Theorem 1 of Pearl & Cavalcanti (2019), step by step, on all causal structures of n parties.

Nodes are numbered as in `pc_surviving_structures`. Step 1a removes what links an outcome and another's setting, Step 1b
sorts the outcomes into B, without a link to a setting, and C, with one; Step 2a removes arrows from C to B, Step 3a
arrows within C. `run_steps` does so on all structures and keeps the survivors, those that meet eq. (7). `groups` sorts
the survivors by what is in C; in a group the proof speaks of the same sets everywhere, and `Derivation` says what it
derives of them, rule by rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import sympy as sp

from compendium.studies.pc_surviving_structures import (
    no_disturbance,
    outcomes,
    satisfies,
    settings,
    surviving_parts,
    with_latents,
)
from qlib.graphs import (
    Structures,
    concatenate,
    dags,
    explicit_latents,
    mask,
    separated,
    with_all_confoundings,
)
from qlib.numbers.arguments import all_of, require, show, whole
from qlib.numbers.exact_arrays import Array

Words = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]
Truths = np.ndarray[Any, np.dtype[np.bool_]]
Nodes = frozenset[int]
Sets = Mapping[str, Nodes]
Triple = tuple[Nodes, Nodes, Nodes]
NOTHING: Nodes = frozenset()


# ── links ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def neighbours(structures: Structures) -> Words:
    """Each node's neighbours over links of any kind, a word for each node and structure."""
    require(Structures, structures=structures)
    words: Words = np.bitwise_or.reduce([structures.parents, structures.children, structures.confounded])
    return words


def linked(structures: Structures, parties: int) -> Truths:
    """For each outcome and structure, whether it is in C: linked to a setting; shape (parties, structures)."""
    require(Structures, structures=structures)
    whole(parties, "parties", 1, structures.nodes // 2)
    return np.asarray(neighbours(structures)[:parties] >> parties != 0)


def has_arrow(structures: Structures, u: int, v: int) -> Truths:
    """Whether a structure has the arrow u → v."""
    require(Structures, structures=structures)
    u, v = whole(u, "u", 0, structures.nodes - 1), whole(v, "v", 0, structures.nodes - 1)
    return np.asarray(structures.parents[v] >> u & 1 == 1)


def arrows_between(structures: Structures, parties: int, from_C: bool, to_C: bool) -> Truths:
    """Whether some arrow leads from an outcome of C (or of B) to another of C (or of B), for each structure."""
    in_C = linked(structures, parties)
    found = np.zeros(len(structures), dtype=bool)
    for i, j in permutations(range(parties), 2):
        found |= has_arrow(structures, i, j) & (in_C[i] == from_C) & (in_C[j] == to_C)
    return found


def reached(structures: Structures, sources: Nodes, avoiding: Nodes) -> Words:
    """The nodes that paths from the sources lead to without passing the nodes to be avoided, a word for each structure.

    The directions of the links do not count.
    """
    words = neighbours(structures)
    found = np.full(len(structures), mask(sources), words.dtype)
    keep = ~words.dtype.type(mask(avoiding))
    for _ in range(structures.nodes):
        for v in range(structures.nodes):
            found |= np.where(found >> v & 1 == 1, words[v] & keep, 0).astype(words.dtype)
    return found


def some_path(structures: Structures, from_: Nodes, to: Nodes, avoiding: Nodes) -> bool:
    """Whether in some structure a path between two sets avoids a third."""
    ends = reached(structures, from_, avoiding) & structures.parents.dtype.type(mask(to))
    return bool(np.any(ends))


# ── diagrams of classes of structures ───────────────────────────────────────────────────────────────────────────────

Blocks = Mapping[int, Sequence[tuple[str, Truths]]]


def _block_arrows(structures: Structures, block_of: Blocks, known: set[tuple[str, str]] | None = None) -> set[Any]:
    """The pairs of blocks between which some structure has an arrow; those that are `known` are not looked for again.

    block_of : node → the blocks that it may be in, each with the structures in which it is.
    """
    found: set[tuple[str, str]] = set(known or ())
    for u, v in permutations(block_of, 2):
        for (P, in_P), (Q, in_Q) in product(block_of[u], block_of[v]):
            if P != Q and (P, Q) not in found and np.any(has_arrow(structures, u, v) & in_P & in_Q):
                found.add((P, Q))
    return found


def as_links(arrows: set[tuple[str, str]]) -> set[str]:
    """Arrows between blocks as a diagram shows them: in both directions a line.

    >>> sorted(as_links({("B", "C"), ("C", "Z"), ("Z", "C")}))
    ['B -> C', 'C - Z']
    """
    _require_arrows(arrows)
    lines = {f"{min(pair)} - {max(pair)}" for pair in arrows if pair[::-1] in arrows}
    return lines | {f"{P} -> {Q}" for P, Q in arrows if (Q, P) not in arrows}


def _require_arrows(arrows: set[tuple[str, str]]) -> None:
    require(set, arrows=arrows)
    for pair in arrows:
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(end, str) for end in pair):
            raise TypeError(f"arrows: {show(pair)} should be a pair of names")


def absent_links(arrows: set[tuple[str, str]]) -> set[str]:
    """The links between blocks that no structure of a class has: lines, and one-way arrows backwards.

    >>> sorted(absent_links({("B", "C"), ("C", "Z"), ("Z", "C")}))
    ['B - Z', 'C -> B']
    """
    _require_arrows(arrows)
    blocks = sorted({end for pair in arrows for end in pair})
    lines = {f"{P} - {Q}" for P, Q in combinations(blocks, 2) if not {(P, Q), (Q, P)} & arrows}
    return lines | {f"{Q} -> {P}" for P, Q in arrows if (Q, P) not in arrows}


def ends(links: set[str]) -> set[str]:
    """The nodes of a diagram.

    >>> sorted(ends({"B -> C", "C - Z"}))
    ['B', 'C', 'Z']
    """
    return {end for link in all_of(str, links, "links") for end in link.replace("->", "-").split(" - ")}


# ── Lemma 1 ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Chain:
    """All graphs with nodes A, B, C, D, each a set of one or more variables, in a row.

    structures : with latents for five variables at most. part : A, B, C and D → their variables.
    """

    structures: Structures
    part: Mapping[str, Nodes]

    @classmethod
    def of_sizes(cls, sizes: Sequence[int]) -> Chain:
        """With blocks of these sizes; any links within a block and between neighbouring ones."""
        marks = np.cumsum([0, *sizes]).tolist()
        part = {name: frozenset(range(a, b)) for name, a, b in zip("ABCD", marks, marks[1:], strict=False)}
        at = {v: k for k, nodes in enumerate(part.values()) for v in nodes}
        pairs = [(u, v) for u, v in combinations(range(marks[-1]), 2) if at[v] - at[u] <= 1]
        graphs = dags(marks[-1], pairs=pairs)
        return cls(with_all_confoundings(graphs, pairs) if marks[-1] <= 5 else graphs, part)

    def separated(self, X: frozenset[str], Y: frozenset[str], Z: frozenset[str]) -> Truths:
        """Whether blocks d-separate blocks, for each structure."""
        return separated(self.structures, *({v for name in S for v in self.part[name]} for S in (X, Y, Z)))

    def meeting(self, X: frozenset[str], Y: frozenset[str], Z: frozenset[str]) -> Chain:
        """Only the structures that have a d-separation."""
        return Chain(self.structures[self.separated(X, Y, Z)], self.part)

    def arrows(self, known: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Between which blocks some structure has an arrow."""
        everywhere = np.ones(len(self.structures), dtype=bool)
        return _block_arrows(
            self.structures, {v: [(name, everywhere)] for name, nodes in self.part.items() for v in nodes}, known
        )


# ── Steps 1 to 3 on all structures ──────────────────────────────────────────────────────────────────────────────────

FIGURES = ("fig4", "fig5", "fig6")


@dataclass(eq=False)
class Steps:
    """What the steps remove and leave.

    left : "Fig. 3", "Fig. 5", "Fig. 6" and "(7)" → how many structures are left. wronged : step → how many structures
    it removes that meet (7). arrows : figure → the arrows between its blocks. sorts : "Fig. 3" and "(7)" → between
    which sorts of outcomes, B and C, arrows lead. settings_linked : how many settings a member of C is linked to in
    some structure. survivors : the structures that meet (7).
    """

    parties: int
    left: dict[str, int]
    wronged: dict[str, int]
    arrows: dict[str, set[tuple[str, str]]]
    sorts: dict[str, set[tuple[str, str]]]
    settings_linked: set[int]
    survivors: Structures

    @property
    def excluded(self) -> set[tuple[str, str]]:
        """Sorts of outcomes, B and C, between which arrows of Fig. 3 never survive."""
        return self.sorts["Fig. 3"] - self.sorts["(7)"]

    def diagram(self, figure: str) -> set[str]:
        """The links of a figure, those of Λ and Ω among them; Fig. 6 shows neither Y nor Ω."""
        arrows = {pair for pair in self.arrows[figure] if figure != "fig6" or "Y" not in pair}
        blocks = {end for pair in arrows for end in pair if figure != "fig6" or end[0] in "BC"}
        return as_links(arrows) | {f"{'Lambda' if name[0] in 'BC' else 'Omega'} -> {name}" for name in blocks}


def run_steps(parties: int, chunk: int = 729) -> Steps:
    """All structures of Fig. 3 and what Steps 2a and 3a, and (7) itself, leave of them, `chunk` codes at a time.

    >>> run_steps(2).left
    {'Fig. 3': 1264, 'Fig. 5': 1144, 'Fig. 6': 576, '(7)': 180}
    """
    whole(parties, "parties", 1)
    whole(chunk, "chunk", 0)
    conditions = no_disturbance(parties)
    directed, confounded = surviving_parts(parties, conditions)
    joined = [(u, v) for u, v in combinations(range(2 * parties), 2) if {(u, v), (v, u)} & set(directed)]
    steps = Steps(
        parties,
        dict.fromkeys(("Fig. 3", "Fig. 5", "Fig. 6", "(7)"), 0),
        {"2a": 0, "3a": 0},
        {figure: set() for figure in FIGURES},
        {"Fig. 3": set(), "(7)": set()},
        set(),
        with_all_confoundings(dags(2 * parties, 0, 0, joined), confounded),
    )
    found = []
    for start in range(0, 3 ** len(joined), chunk):
        graphs = dags(2 * parties, start, min(start + chunk, 3 ** len(joined)), joined)
        survivors = with_latents(graphs[satisfies(graphs, conditions)], confounded, conditions)
        _record(steps, with_all_confoundings(graphs, confounded), survivors)
        found.append(survivors)
    steps.survivors = concatenate(found)
    return steps


def _record(steps: Steps, batch: Structures, survivors: Structures) -> None:
    """Add a batch of structures of Fig. 3, and those of them that meet (7), to what is known of all."""
    n = steps.parties
    for step, Q_in_C in (("2a", False), ("3a", True)):
        steps.wronged[step] += int(np.count_nonzero(arrows_between(survivors, n, True, Q_in_C)))
    step_2a, step_3a = arrows_between(batch, n, True, False), arrows_between(batch, n, True, True)
    stages = [batch, batch[~step_2a], batch[~step_2a & ~step_3a], survivors]
    for name, stage in zip(steps.left, stages, strict=True):
        steps.left[name] += len(stage)
    for figure, stage in zip(FIGURES, stages, strict=False):
        for i in range(n) if figure == "fig6" else [None]:
            steps.arrows[figure] = _block_arrows(stage, _blocks(stage, n, i), steps.arrows[figure])
    for name, stage in (("Fig. 3", batch), ("(7)", survivors)):
        for P, Q in set(product("BC", repeat=2)) - steps.sorts[name]:
            if np.any(arrows_between(stage, n, P == "C", Q == "C")):
                steps.sorts[name].add((P, Q))
    counts = np.bitwise_count(neighbours(batch)[:n] >> n)
    steps.settings_linked |= set(np.unique(counts[linked(batch, n)]).tolist())


def _blocks(batch: Structures, parties: int, i: int | None = None) -> Blocks:
    """Node → the blocks of Figs. 4 and 5, or with a party i those of Fig. 6."""
    in_C = linked(batch, parties)
    blocks: dict[int, list[tuple[str, Truths]]] = {}
    for j in range(parties):
        own = in_C[j] if i is None else in_C[j] & in_C[i]
        part = "" if i is None else "(i)" if i == j else "(rest)"
        blocks[j] = [("B", ~in_C[j]), (f"C{part}", own)]
        blocks[parties + j] = [("Y", ~in_C[j]), (f"Z{part}", own)]
    return blocks


# ── survivors ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Group:
    """The survivors with the same outcomes in C.

    structures : the survivors. explicit : the same with a node for each latent. members : their indices among all
    survivors. sets : A, X, B, C, Y, Z, and the latents Lam of two outcomes and Omega of two settings → their nodes.
    """

    structures: Structures
    explicit: Structures
    members: np.ndarray[Any, np.dtype[np.intp]]
    sets: Sets


def groups(survivors: Structures, parties: int) -> list[Group]:
    """The survivors sorted by what is in C."""
    _, latents = surviving_parts(parties, no_disturbance(parties))
    in_C = linked(survivors, parties)
    A, X = frozenset(outcomes(parties)), frozenset(settings(parties))
    hidden = {
        "Lam": frozenset(2 * parties + k for k, (_, v) in enumerate(latents) if v < parties),
        "Omega": frozenset(2 * parties + k for k, (u, _) in enumerate(latents) if u >= parties),
    }
    found = []
    for chosen in product((False, True), repeat=parties):
        members = np.flatnonzero(np.all(in_C == np.array(chosen)[:, None], axis=0))
        C = frozenset(i for i in A if chosen[i])
        Z = frozenset(parties + i for i in C)
        sets = {"A": A, "X": X, "B": A - C, "C": C, "Y": X - Z, "Z": Z, **hidden}
        found.append(Group(survivors[members], explicit_latents(survivors[members], latents), members, sets))
    return found


def absorbed(survivors: Structures, parties: int) -> Structures:
    """All links between an outcome and its own setting replaced by one arrow from the setting."""
    parents, confounded = survivors.parents.copy(), survivors.confounded.copy()
    for i in outcomes(parties):
        a, x = parents.dtype.type(1 << i), parents.dtype.type(1 << parties + i)
        touching = neighbours(survivors)[i] & x != 0
        parents[parties + i] &= ~a
        parents[i] = np.where(touching, parents[i] | x, parents[i])
        confounded[i] &= ~x
        confounded[parties + i] &= ~a
    return Structures(parents, confounded)


def without_links_among_outcomes(structures: Structures, parties: int) -> Structures:
    """The lower half of Fig. 6."""
    inside = structures.parents.dtype.type(mask(outcomes(parties)))
    parents, confounded = structures.parents.copy(), structures.confounded.copy()
    parents[:parties] &= ~inside
    confounded[:parties] &= ~inside
    return Structures(parents, confounded)


def only_arrows_among_outcomes(structures: Structures, parties: int) -> Structures:
    """The upper half of Fig. 6, where Λ is given: having no causes, it is then the same as removed."""
    parents = structures.parents & structures.parents.dtype.type(mask(outcomes(parties)))
    parents[parties:] = 0
    return Structures(parents, np.zeros_like(parents))


@dataclass(frozen=True, eq=False)
class Derivation:
    """What Steps 2b and 3b derive in a group of survivors, one d-separation (X ⊥ Y | Z) from another.

    Two facts that the proof appeals to are looked up in all groups: whether a path between B and Y avoids Z, and
    whether a latent has causes. If one of them were otherwise, the rules would derive something else.
    """

    parties: int
    groups: Sequence[Group]

    def avoids(self, through: str, from_: str, to: str) -> bool:
        """Whether in some survivor a path between two sets avoids a third."""
        return any(some_path(g.structures, g.sets[from_], g.sets[to], g.sets[through]) for g in self.groups)

    @cached_property
    def passes_y(self) -> bool:
        return self.avoids("Z", "B", "Y")

    @cached_property
    def latents_have_causes(self) -> bool:
        return any(np.any(g.explicit.parents[2 * self.parties :]) for g in self.groups)

    def required(self, parties: Nodes) -> Triple:
        """(7) for some parties."""
        own = frozenset(self.parties + i for i in parties)
        return parties, frozenset(settings(self.parties)) - own, own

    def start_1(self, s: Sets) -> Triple:
        return self.required(s["B"])

    def middle_1(self, s: Sets) -> Triple:
        """What is never a middle node of a path need not be given."""
        X, Y, Z = self.start_1(s)
        return X, Y, Z if self.passes_y else Z - s["Y"]

    def eq_8(self, s: Sets) -> Triple:
        """What is never a collider may be given, too."""
        X, Y, Z = self.middle_1(s)
        return X, Y, Z if self.latents_have_causes else Z | s["Lam"]

    def start_2(self, s: Sets) -> Triple:
        return self.required(s["C"])

    def flipped_2(self, s: Sets) -> Triple:
        return symmetry(*self.start_2(s))

    def by_lemma_1(self, s: Sets) -> Triple:
        """For the chain Y - Z - C - BΛ."""
        X, Y, Z = self.flipped_2(s)
        return X, Y | s["B"] | s["Lam"], Z

    def outcomes_only(self, s: Sets) -> Triple:
        """The same for the outcomes alone, by decomposition."""
        X, Y, Z = self.by_lemma_1(s)
        return X, Y & s["A"], Z

    def with_latents(self, s: Sets) -> Triple:
        return weak_union(*self.by_lemma_1(s), moved=s["Lam"])

    def eq_9(self, s: Sets) -> Triple:
        return symmetry(*self.with_latents(s))

    def of_member(self, s: Sets, i: int, j: int | None = None) -> Triple:
        """(7) for party i (counted from 1), as far as it is about C_i and the settings Z, or about Z_j."""
        X, Y, Z = self.required(frozenset({i - 1}))
        others = s["Z"] if j is None else s["Z"] & {self.parties + j - 1}
        return X & s["C"], Y & others, Z & s["Z"]

    def eq_10_with_b(self, s: Sets, i: int) -> Triple:
        """C_i and the rest of C, given what blocks either half of Fig. 6, and Λ."""
        me = s["C"] & {i - 1}
        return me, s["C"] - me, s["Z"] | s["B"] | s["Lam"]

    def eq_10(self, s: Sets, i: int) -> Triple:
        """The same without B: as Λ determines it, it need not be given."""
        X, Y, Z = self.eq_10_with_b(s, i)
        return X, Y, Z - s["B"]

    def eq_11(self, s: Sets, i: int) -> Triple:
        X, Y, Z = self.of_member(s, i)
        return X, Y, Z if self.latents_have_causes else Z | s["Lam"]


def symmetry(X: Nodes, Y: Nodes, Z: Nodes) -> Triple:
    """(2): the two sides exchanged."""
    return Y, X, Z


def weak_union(X: Nodes, Y: Nodes, Z: Nodes, moved: Nodes) -> Triple:
    """(4): some of Y is given instead."""
    return X, Y - moved, Z | moved


# ── Step 4 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TWO_OF_EACH = ("L", "O", "B_1", "B_2", "C_1", "C_2", "Y_1", "Y_2", "Z_1", "Z_2")


def two_of_each() -> Array:
    """A law of two outcomes of either sort, their settings, Λ and Ω, along the axes of `TWO_OF_EACH`; exact.

    Everything is linked that may be. Λ acts on all outcomes and determines B₁ and B₂, B₁ acts on both members of C,
    settings are confounded by Ω, and one acts on another. All variables have two values; the weight of Λ and the
    responses of C are symbols.
    """
    weight, fifth = sp.Symbol("l"), sp.Rational(1, 5)
    law = np.full((2,) * len(TWO_OF_EACH), sp.Integer(0), dtype=object)
    for lam, o, c1, c2, y1, y2, z1, z2 in product((0, 1), repeat=8):
        chance = weight if lam else 1 - weight
        for j, (c, z) in enumerate(((c1, z1), (c2, z2)), 1):
            response = sp.Symbol(f"c{j}_{z}{lam}")  # what C learns from B₁ it knows from Λ
            chance *= response if c else 1 - response
        for setting, bias in ((y1, o + 1), (z1, 3 - o), (z2, 2 * o + 1), (y2, z2 + 2)):
            chance *= bias * fifth if setting else 1 - bias * fifth
        law[lam, o, lam, 1 - lam, c1, c2, y1, y2, z1, z2] = chance / 2
    return law


def conditional(event: str, given: str = "") -> sp.Expr:
    """P(event | given) as a ratio of free symbols, one for every set of variables; names are separated by blanks.

    >>> conditional("C1", "Z1 L")
    P(C1 L Z1)/P(L Z1)
    """
    require(str, event=event, given=given)
    known = frozenset(given.split())
    return _probability(known | frozenset(event.split())) / _probability(known)


def _probability(variables: frozenset[str]) -> sp.Expr:
    return sp.Symbol(f"P({' '.join(sorted(variables))})") if variables else sp.Integer(1)


def dependence(xs: str, ys: str, given: str = "") -> sp.Expr:
    """δ(X, Y | Z) = P(X|YZ) − P(X|Z), which is zero if X is independent of Y given Z."""
    return conditional(xs, f"{ys} {given}") - conditional(xs, given)


def forget_b(expression: sp.Expr) -> sp.Expr:
    """The expression if Λ determines B₁ and B₂: the probability of an event with Λ does not depend on naming them."""
    shorter = {}
    for symbol in expression.free_symbols:
        names = frozenset(symbol.name[2:-1].split())
        if "L" in names:
            shorter[symbol] = _probability(names - {"B1", "B2"})
    return expression.subs(shorter)


def follows(difference: sp.Expr, *dependences: sp.Expr) -> bool:
    """Whether a difference is the sum of some multiples of dependences, and of no fewer of them."""
    fewer = [sum(dependences) - left_out for left_out in dependences]
    return sp.cancel(difference - sum(dependences)) == 0 and not any(
        sp.cancel(difference - some) == 0 for some in fewer
    )


def step_4() -> dict[str, bool]:
    """Equation → whether it follows from the line before it and from the independences named for it.

    Read on two members of B and of C; more members of C are taken off one by one.
    """
    P, delta = conditional, dependence
    A, B, C, X, Y, Z = "B1 B2 C1 C2", "B1 B2", "C1 C2", "Y1 Y2 Z1 Z2", "Y1 Y2", "Z1 Z2"
    p1, p2, c2 = P("C1", "Z1 L"), P("C2", "Z2 L"), P("C2", f"{Z} L")
    given_b = P(C, f"{B} {Z} L")
    return {
        "16": follows(P(f"{A} O", f"{X} L") * P("L", X) - P(f"{A} O L", X)),
        "17": follows(P(A, f"{X} L") * (P("L", X) - P("L")), P(A, f"{X} L") * delta("L", X)),
        "18": follows(
            P(A, f"{X} L") - given_b * P(B, "L"), delta(A, Y, f"{Z} L"), given_b * delta(B, Z, "L")
        ),
        "19": follows(P(C, f"{Z} L") - P("C1", f"C2 {Z} L") * c2),
        "20": follows(
            P(C, f"{Z} L") - p1 * p2,
            c2 * delta("C1", "C2", f"{Z} L"),
            c2 * delta("C1", "Z2", "Z1 L"),
            p1 * delta("C2", "Z1", "Z2 L"),
        ),
    }  # fmt: skip


def needs_determinism() -> dict[str, bool]:
    """Equation → whether it holds if Λ determines B, and does not follow without: what (19) says of B, and (21)."""
    without_B = conditional("C1 C2", "B1 B2 Z1 Z2 L") - conditional("C1 C2", "Z1 Z2 L")
    apart = conditional("B1 B2", "L") - conditional("B1", "L") * conditional("B2", "L")
    return {
        line: sp.cancel(forget_b(difference)) == 0 and sp.cancel(difference) != 0
        for line, difference in (("19", without_B), ("21", apart))
    }
