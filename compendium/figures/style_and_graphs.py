"""Figures: data in, Figure out. The only place that draws, and the only style (``compendium.mplstyle``).

Causal graphs look the same everywhere: an observed variable is a filled circle, a classical latent an open dashed
circle, a quantum latent a triangle, a value fixed by surgery a square; a dashed arrow carries order and no value.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Patch, Rectangle, RegularPolygon
from matplotlib.text import Text
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import ArrayLike

from compendium.figures import drawn
from compendium.figures.drawn import Drawn, bars, describe, flat_bars, level, line, name_places, points, write_csv
from qlib.graphs.graphs import CausalGraph, NodeKind

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip

HATCHES = ("", "///", "...", "xx")  # so that bars are told apart by more than their colour

PHONE = 4.7  # inches: as wide as a figure may be whose text of nine points is nine pixels high on a phone

NODE_STYLE = {
    NodeKind.OBSERVED: {"facecolor": "#CFE5F3", "edgecolor": BLUE, "linestyle": "-"},
    NodeKind.LATENT: {"facecolor": "white", "edgecolor": "#555555", "linestyle": "--"},
    NodeKind.QUANTUM: {"facecolor": "#FCE8C5", "edgecolor": ORANGE, "linestyle": "-"},
    NodeKind.FIXED: {"facecolor": "#E8E8E8", "edgecolor": BLACK, "linestyle": "-"},
}


def use_style() -> None:
    """Switch to the book's style, and in a notebook to SVG output; a chapter's first cell calls it."""
    plt.style.use(str(Path(__file__).with_name("compendium.mplstyle")))
    set_matplotlib_formats("svg", metadata={"Date": None})
    formatters = InteractiveShell.instance().display_formatter.formatters
    formatters["image/svg+xml"].for_type(Drawn, attrgetter("svg"))


def subplots(*grid: int, figsize: tuple[float, float] | None = None, **options: Any) -> tuple[Drawn, Any]:
    """A figure and its axes, outside pyplot's registry: it is shown where it is returned, and only there."""
    figure = Drawn(figsize=figsize)
    return figure, figure.subplots(*grid, **options)


POSSESSIVE = re.compile(r"(?<=[a-z])'(?=s\b)")  # typed as in Bob's; other apostrophes are primes


def save(figure: Figure, folder: Path, name: str) -> Figure:
    """Write a figure as ``folder/name.svg``, its data, if any, as ``folder/name.data.csv``; return it, to be shown.

    The same bytes for the same figure, and for the one that is shown. Drawings of graphs and circuits have no data (see
    `compendium.figures.drawn`).
    """
    for text in figure.findobj(Text):
        text.set_text(POSSESSIVE.sub("’", text.get_text()))
    with plt.rc_context({"svg.hashsalt": "qlib"}):
        figure.savefig(file := folder / f"{name}.svg", metadata={"Date": None})
    if isinstance(figure, Drawn):
        figure.remember(file.read_text(encoding="utf-8"))
        if figure.data:
            write_csv(figure.data, folder / f"{name}.data.csv")
    return figure


INCHES_PER_UNIT = 0.85
WIDEST = 5.6  # inches that graphs side by side may take: eleven points are ten pixels high on a phone
RADIUS = 0.27


def inches_per_unit(width: float, most: float = INCHES_PER_UNIT) -> float:
    """The scale of graphs that are so wide together, in units of their coordinates."""
    return min(most, WIDEST / width)


def causal_graphs(graphs: Sequence[CausalGraph], titles: Sequence[str] = ()) -> Figure:
    """Causal graphs side by side at one scale, each drawn from its object.

    titles : one for each graph, or none at all. Raises ``ValueError`` for another number of them, or no graph.
    """
    if not graphs or len(titles) not in (0, len(graphs)):
        raise ValueError(
            f"{len(graphs)} graphs with {len(titles)} titles: at least one graph, and a title each or none"
        )
    extents = [_extent(_positions(graph)) for graph in graphs]
    widths = [right - left for left, right, _, _ in extents]
    height = max(top - bottom for _, _, bottom, top in extents)
    scale = inches_per_unit(sum(widths))
    figure, axes = subplots(
        1, len(graphs), squeeze=False, width_ratios=widths,
        figsize=(scale * sum(widths), scale * height + (0.35 if titles else 0)),
    )  # fmt: skip
    for k, (graph, ax) in enumerate(zip(graphs, axes[0], strict=True)):
        draw_causal_graph(ax, graph)
        if titles:
            ax.set_title(titles[k])
    return figure


def draw_causal_graph(ax: Axes, graph: CausalGraph) -> None:
    """Draw one causal graph; nodes without a position are laid out in layers by causal order, below those with one."""
    positions = _positions(graph)
    for edge in sorted(graph.edges):
        ax.add_patch(_arrow(graph, positions, edge))
    for name, kind in graph.kinds.items():
        ax.add_patch(_node(kind, positions[name]))
        ax.text(*positions[name], f"${_latex(name)}$", ha="center", va="center", zorder=3)
    left, right, bottom, top = _extent(positions)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.axis("off")


def link_diagram(
    places: Mapping[str, tuple[float, float]], links: Collection[str], latent: Collection[str] = ()
) -> Figure:
    """A class of causal graphs: nodes, each one variable or a set of them, and the links that its members may have.

    links : "P -> Q" for arrows in this direction only, "P - Q" for links of any kind. latent : nodes that are latent.
    All links are dashed, as any of them may be absent. "C(i)" is written as an index, "rest" as the complement of i.
    Raises ``ValueError`` for a link whose ends are not two nodes.
    """
    left, right, bottom, top = _extent(places)
    figure, ax = subplots(figsize=(1.15 * INCHES_PER_UNIT * (right - left), 1.15 * INCHES_PER_UNIT * (top - bottom)))
    for link in sorted(links):
        tail, kind, head = link.split()
        if not {tail, head} <= set(places) or kind not in ("-", "->"):
            raise ValueError(f"link {link!r} should be 'P - Q' or 'P -> Q' with nodes of {', '.join(places)}")
        hides = any(_is_between(at, places[tail], places[head]) for name, at in places.items() if name not in link)
        ax.add_patch(
            FancyArrowPatch(
                places[tail], places[head], arrowstyle="-|>" if kind == "->" else "-", mutation_scale=14,
                shrinkA=20, shrinkB=20, zorder=1, connectionstyle="arc3,rad=0.28" if hides else "arc3",
                color="#333333", linestyle=(0, (4, 2)), linewidth=1.5, clip_on=False,
            )
        )  # fmt: skip
    for name, at in places.items():
        ax.add_patch(_node(NodeKind.LATENT if name in latent else NodeKind.OBSERVED, at))
        ax.text(*at, f"${_set_latex(name)}$", ha="center", va="center", zorder=3)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.axis("off")
    return figure


def _set_latex(name: str) -> str:
    """A set of variables in mathematical italics: C, C(i), C(rest), Lambda."""
    indexed = name.replace("(i)", "_i").replace("(rest)", r"_{\setminus i}")
    return re.sub(r"\b(Lambda|Omega)\b", r"\\\1", indexed)


def _positions(graph: CausalGraph) -> dict[str, tuple[float, float]]:
    below = min((y for _, y in graph.positions.values()), default=1.2) - 1.2
    layered = {name: (x, y + below) for name, (x, y) in _layered(graph).items()}
    return {**layered, **graph.positions}


def _extent(positions: Mapping[str, tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = zip(*positions.values(), strict=True)
    return min(xs) - 0.45, max(xs) + 0.45, min(ys) - 0.5, max(ys) + 0.5


def _node(kind: NodeKind, at: tuple[float, float]) -> Patch:
    style: dict[str, Any] = {**NODE_STYLE[kind], "linewidth": 1.6, "zorder": 2}
    if kind is NodeKind.QUANTUM:
        return RegularPolygon((at[0], at[1] - 0.05), 3, radius=1.45 * RADIUS, **style)
    if kind is NodeKind.FIXED:
        return Rectangle((at[0] - 0.2, at[1] - 0.2), 0.4, 0.4, **style)
    return Circle(at, RADIUS, **style)


def _layered(graph: CausalGraph) -> dict[str, tuple[float, float]]:
    layers = nx.topological_generations(graph.digraph)
    return {name: (1.5 * depth, -1.2 * k) for depth, layer in enumerate(layers) for k, name in enumerate(layer)}


def _latex(name: str) -> str:
    """A node's name in mathematical italics, what follows an underscore as its index, and a number after a letter."""
    return re.sub(r"(?<=[A-Za-zΛ])_?(\d+)|_(\w+)", lambda m: f"_{{{m[1] or m[2]}}}", name).replace("Λ", r"\Lambda")


def _arrow(graph: CausalGraph, positions: dict[str, tuple[float, float]], edge: tuple[str, str]) -> FancyArrowPatch:
    order = edge in graph.order_only
    tail, head = positions[edge[0]], positions[edge[1]]
    hides = any(_is_between(at, tail, head) for name, at in positions.items() if name not in edge)
    return FancyArrowPatch(
        tail, head, arrowstyle="-|>", mutation_scale=14, shrinkA=17, shrinkB=17, zorder=1,
        connectionstyle="arc3,rad=0.28" if hides else "arc3",
        color=VERMILLION if order else "#333333", linestyle=(0, (4, 2)) if order else "-", linewidth=1.5, clip_on=False,
    )  # fmt: skip


def _is_between(at: tuple[float, float], tail: tuple[float, float], head: tuple[float, float]) -> bool:
    """Whether a node at a place would lie on the straight arrow from tail to head."""
    along, to = np.subtract(head, tail), np.subtract(at, tail)
    share = along @ to / (along @ along)
    return bool(0 < share < 1 and np.hypot(*(to - share * along)) < RADIUS)


def bounds_by_assumption(
    labels: Sequence[str], lower: ArrayLike, upper: ArrayLike, truth: float, truth_label: str
) -> Drawn:
    """Bounds on the average causal effect, one bar for each set of assumptions, against the true value.

    A row whose bounds are NaN is labelled as impossible: no distribution satisfies its assumptions. A bar that does not
    hold the truth has another colour; bounds that coincide are a stroke.
    Raises ``ValueError`` if there is not one pair of bounds a label, or a lower bound exceeds its upper bound.
    """
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    if not low.shape == high.shape == (len(labels),):
        raise ValueError(f"bounds: shapes {low.shape} and {high.shape} should be {(len(labels),)}, one a label")
    if np.any(np.isnan(low) != np.isnan(high)) or np.any(low > high):
        raise ValueError(f"bounds: lower {low} should not exceed upper {high}, and be NaN where that is")
    figure, ax = subplots(figsize=(5.6, 0.42 * len(labels) + 1.3))
    rows = np.arange(len(labels))[::-1]
    excludes = (low > truth + 1e-9) | (high < truth - 1e-9)
    for row, a, b, out in zip(rows, low, high, excludes, strict=True):
        if np.isnan(a):
            ax.text(truth, row, "impossible", color=VERMILLION, ha="center", va="center")
            continue
        bar: dict[str, Any] = {"color": VERMILLION if out else BLUE, "linewidth": 7, "solid_capstyle": "butt"}
        line(ax, [a, b], [row, row], marker="|", linestyle="-", markersize=7, markeredgewidth=2, **bar)
    level(ax, x=truth, color=BLACK, linewidth=1.2, linestyle="--")
    ax.annotate(truth_label, (truth, len(labels) - 0.45), ha="center", va="bottom", annotation_clip=False)
    name_places(ax, "y", rows, labels)
    ax.set(xlim=(-1.05, 1.05), ylim=(-0.6, len(labels) - 0.4), xticks=[-1, -0.5, 0, 0.5, 1])
    ax.grid(axis="y", visible=False)
    describe(ax, x="average causal effect of X on Y\n(difference of probabilities)")
    return figure


def effect_scale(rows: Mapping[str, tuple[float, float]], xlabel: str, digits: int = 3) -> Drawn:
    """Intervals and single values on one scale, one below the other, each with its name above it and its numbers.

    rows : name → (low, high); equal ends are a single value, drawn as a dot.
    digits : decimals of the numbers. Raises ``ValueError`` if low exceeds high.
    """
    for name, (low, high) in rows.items():
        if low > high:
            raise ValueError(f"rows: the interval of {name!r} begins at {low}, above its end {high}")
    figure, ax = subplots(figsize=(5.4, 0.72 * len(rows) + 0.9))
    for k, (name, (low, high)) in enumerate(rows.items()):
        one = low == high
        color = VERMILLION if one else BLUE
        bar: dict[str, Any] = {"color": color, "linewidth": 7, "solid_capstyle": "butt", "markersize": 9}
        if one:
            points(ax, [low, high], [-k, -k], **bar)
        else:
            line(ax, [low, high], [-k, -k], marker="|", linestyle="-", **bar)
        numbers = f"{low:.{digits}f}" if one else f"{low:.{digits}f} to {high:.{digits}f}"
        ax.annotate(f"{name}: {numbers}".replace("-", "−"), (low, -k), (6, 9), textcoords="offset points", fontsize=11)
    ax.set_ylim(-len(rows) + 0.6, 0.75)
    ax.set_yticks([])
    low, high = min(0.0, *(low for low, _ in rows.values())), max(0.0, *(high for _, high in rows.values()))
    ax.set_xlim(low - 0.08 * (high - low), high + 0.35 * (high - low))
    level(ax, x=0, color=BLACK, linewidth=1, linestyle=":")
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    describe(ax, x=xlabel)
    return figure


def joint_tables(rows: Mapping[str, Sequence[ArrayLike]], columns: Sequence[str], xlabel: str, ylabel: str) -> Drawn:
    """Tables of probabilities side by side, each number written in its cell; a row of them for each name.

    rows : name → one table a column, entry [i, j] at y = i, x = j. Raises ``ValueError`` if a row has another length.
    """
    if any(len(tables) != len(columns) for tables in rows.values()):
        raise ValueError(f"rows: each should have {len(columns)} tables, one for each of {', '.join(columns)}")
    figure, axes = subplots(len(rows), len(columns), figsize=(2.4 * len(columns), 2.5 * len(rows)), squeeze=False)
    for k, (name, tables) in enumerate(rows.items()):
        for ax, column, table in zip(axes[k], columns, tables, strict=True):
            values = np.asarray(table, dtype=float)
            across, up = (np.arange(size) + 0.5 for size in values.shape[::-1])
            drawn.cells(ax, across, up, values, cmap="Blues", vmin=0, vmax=1, edgecolors=BLACK, linewidth=0.8)
            for (i, j), value in np.ndenumerate(values):
                ax.text(j + 0.5, i + 0.5, f"{value:g}", ha="center", va="center", fontsize=12)
            name_places(ax, "x", across, [str(k) for k in range(values.shape[1])])
            name_places(ax, "y", up, [str(k) for k in range(values.shape[0])])
            ax.set_aspect("equal")
            describe(ax, x=xlabel, y=ylabel, title=f"{name},\n{column}", fontsize=11)
            ax.grid(visible=False)
    return figure


def left_after(counts: Mapping[str, int], xlabel: str) -> Drawn:
    """How many of something are left after one step and the next: bars on a logarithmic scale, named above.

    Raises ``ValueError`` for a count that is not positive, which has no place on the scale.
    """
    for name, count in counts.items():
        if count <= 0:
            raise ValueError(f"counts: {name!r} has {count}; on a logarithmic scale it should be positive")
    figure, ax = subplots(figsize=(5.4, 0.66 * len(counts) + 0.9))
    flat_bars(ax, range(len(counts)), list(counts.values()), height=0.34, color=BLUE)
    name_places(ax, "y", range(len(counts)), list(counts))  # for the data; on the picture they stand above the bars
    for k, (name, count) in enumerate(counts.items()):
        ax.annotate(f"{name}: {count:,}", (1, k - 0.17), (4, 4), textcoords="offset points", fontsize=11)
    ax.set_xscale("log")
    ax.set_xlim(1, 3 * max(counts.values()))
    ax.set_ylim(len(counts) - 0.6, -0.8)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    describe(ax, x=xlabel)
    return figure


def evidence_growth(paths: ArrayLike, threshold: float, expected: float, rounds: ArrayLike) -> Drawn:
    """log10 of the evidence against the classical assumptions, by number of rounds, for several seeded runs.

    paths : (runs, len(rounds)) natural logarithms of e-values. threshold : the rejection level, as log10.
    expected : the expected growth per round, in nats.
    """
    figure, ax = subplots(figsize=(5.0, 3.6))
    n = np.asarray(rounds)
    for k, path in enumerate(np.asarray(paths)):
        line(ax, n, path / np.log(10), color=SKY, linewidth=0.9, label="simulated runs" if k == 0 else None)
    line(ax, n, expected * n / np.log(10), color=BLUE, label="expected")
    level(ax, y=threshold, color=VERMILLION, linestyle="--", label=f"rejection at level $10^{{{-threshold:g}}}$")
    describe(ax, x="rounds of the experiment", y="evidence, log$_{10}$ of the e-value")
    ax.legend(loc="upper left")
    return figure


def counts_against_law(
    labels: Sequence[str], law: ArrayLike, counts: ArrayLike, low: ArrayLike, high: ArrayLike
) -> Drawn:
    """Simulated frequencies against the exact law, with the region in which sampling should leave them.

    law, counts, low, high : one entry a label, as frequencies.
    """
    figure, ax = subplots(figsize=(5.0, 3.4))
    x = np.arange(len(labels))
    values, bottom, top = (np.asarray(v, dtype=float) for v in (law, low, high))
    bars(ax, x, top - bottom, bottom, width=0.7, color="#BFDDEE", label="acceptance region")
    drawn.strokes(ax, values, x - 0.35, x + 0.35, color=BLUE, label="exact law")
    points(ax, x, counts, color=VERMILLION, markersize=5, label="circuit")
    name_places(ax, "x", x, labels, rotation=45, ha="right")
    describe(ax, y="relative frequency")
    ax.set_ylim(bottom=0)
    ax.grid(axis="x", visible=False)
    ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    return figure


CLASS_COLOURS = (VERMILLION, GREEN, PURPLE, BLUE)


CLASS_STYLES = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"))  # marker and stroke of each class of strategies
GAP = "lower bound − true ACE"
Strategies = Mapping[str, Mapping[str, float]]


def _mark_classes(ax: Axes, classes: Strategies, x: str, y: str) -> None:
    """One mark for each class of strategies, at two of its numbers."""
    for colour, (marker, _), (name, at) in zip(CLASS_COLOURS, CLASS_STYLES, classes.items(), strict=False):
        style: dict[str, Any] = {"color": colour, "markersize": 8, "markeredgecolor": "white", "zorder": 5}
        points(ax, at[x], at[y], marker, label=name, **style)


def contradiction_by_effect(
    classes: Strategies, boundary: tuple[ArrayLike, ArrayLike], no_signalling: tuple[ArrayLike, ArrayLike]
) -> Drawn:
    """How far the classical lower bound can exceed the average causal effect, against that effect.

    classes : name → its point, with the keys "ace" and "gap". boundary, no_signalling : ACE and largest gap over
    quantum and over no-signalling behaviours.
    """
    figure, ax = subplots(figsize=(PHONE, 3.9))
    drawn.area(ax, *no_signalling, facecolor="#EEEEEE", edgecolor="#767676", linestyle="--", label="no signalling")
    drawn.area(ax, *boundary, facecolor="#CFE5F3", edgecolor=BLUE, label="quantum")
    level(ax, y=0, color=BLACK, linewidth=1.2, label="classical limit")
    _mark_classes(ax, classes, "ace", "gap")
    describe(ax, x="true average causal effect (ACE)", y=GAP)
    ax.set_ylim(-0.02, None)
    ax.legend(loc="upper left", fontsize=9)
    return figure


def contradiction_by_concurrence(
    classes: Strategies, concurrence: ArrayLike, best: ArrayLike, hardy: ArrayLike
) -> Drawn:
    """The largest gap of a pure state of two qubits against its concurrence, and the gap of Hardy's measurements.

    classes : name → its point, with the keys "concurrence" and "gap".
    """
    figure, ax = subplots(figsize=(PHONE, 3.9))
    line(ax, concurrence, best, color=BLUE, label="best measurements")
    line(ax, concurrence, hardy, color=ORANGE, linestyle="--", label="Hardy's measurements")
    _mark_classes(ax, classes, "concurrence", "gap")
    describe(ax, x="concurrence of the state", y=GAP)
    ax.legend(loc="upper left", fontsize=9)
    return figure


def contradiction_by_noise(classes: Strategies) -> Drawn:
    """The gap of some strategies against the visibility of their state: lines that end where it vanishes.

    classes : name → its point, with the keys "visibility", where its gap vanishes, and "gap", without noise.
    """
    figure, ax = subplots(figsize=(PHONE, 3.9))
    for colour, (_, stroke), (name, at) in zip(CLASS_COLOURS, CLASS_STYLES, classes.items(), strict=True):
        line(ax, [at["visibility"], 1], [0, at["gap"]], color=colour, linestyle=stroke, label=name)
    describe(ax, x="visibility of the state", y=GAP)
    ax.set_ylim(0, None)
    ax.legend(loc="upper left", fontsize=9)
    return figure


def contradiction_by_angles(classes: Strategies, alice: ArrayLike, bob: ArrayLike, gap: ArrayLike) -> Drawn:
    """The largest gap for given angles (radians) between either party's observables, of shape (Alice's, Bob's).

    classes : name → its point, with the keys "alice" and "bob", its angles in radians.
    """
    figure, ax = subplots(figsize=(PHONE, 3.9))
    values = np.asarray(gap, dtype=float).round(12)  # so that zero has no sign
    levels = np.linspace(min(0.0, values.min()), values.max(), 13)
    x, y = (np.degrees(np.asarray(angle, dtype=float)) for angle in (alice, bob))
    shades = drawn.shades(ax, x, y, values.T, levels=levels, cmap="cividis")
    in_degrees = {name: {key: float(np.degrees(at[key])) for key in ("alice", "bob")} for name, at in classes.items()}
    _mark_classes(ax, in_degrees, "alice", "bob")
    describe(ax, x="angle between Alice's observables (°)", y="angle between Bob's (°)")
    ax.set(aspect="equal", xticks=range(0, 181, 45), yticks=range(0, 181, 45))
    ax.grid(visible=False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2, fontsize=9)
    figure.colorbar(shades, ax=ax, format="%.2f", label=GAP)
    return figure


def ladder_of_causation(rungs: Sequence[str], questions: Sequence[str], told_apart: Sequence[int]) -> Drawn:
    """The ladder of causation, the lowest rung first: each rung's name, its question, how many models it tells apart.

    Raises ``ValueError`` if the three do not have one entry for each rung.
    """
    if not len(rungs) == len(questions) == len(told_apart) > 0:
        raise ValueError(f"{len(rungs)} rungs, {len(questions)} questions, {len(told_apart)} numbers: one each, please")
    figure, (ax, counts) = subplots(1, 2, figsize=(5.6, 1.1 * len(rungs) + 0.5), width_ratios=(2.6, 1), sharey=True)
    for side in (0.0, 1.0):
        ax.plot([side, side], [-0.6, len(rungs) - 0.4], color="#8B5A2B", linewidth=7, solid_capstyle="round")
    for k, (name, question) in enumerate(zip(rungs, questions, strict=True)):
        ax.plot([0, 1], [k, k], color="#8B5A2B", linewidth=6)
        ax.text(1.15, k + 0.05, name, ha="left", va="bottom", fontweight="bold")
        ax.text(1.15, k - 0.05, fill(question, 22), ha="left", va="top")
    ax.set(xlim=(-0.1, 3.4), ylim=(-0.8, len(rungs) - 0.3))
    ax.axis("off")
    shown = flat_bars(counts, np.arange(len(rungs)), told_apart, height=0.45, color=BLUE)
    counts.bar_label(shown, padding=3)
    describe(counts, x="models told apart")
    counts.set(xlim=(0, 1.5 * max(told_apart)), xticks=[])
    counts.tick_params(left=False, labelleft=False)
    counts.grid(visible=False)
    return figure


def rates_by_stratum(strata: Sequence[str], rates: Mapping[str, ArrayLike], ylabel: str) -> Drawn:
    """Rates of an outcome for some groups, side by side within each stratum.

    rates : group → its rate in each stratum. Raises ``ValueError`` for a group with another number of rates, or for
    fewer than one or more than four groups.
    """
    colours = (BLUE, ORANGE, GREEN, PURPLE)
    if not 1 <= len(rates) <= len(colours):
        raise ValueError(f"{len(rates)} groups: there should be one to {len(colours)}, so that their colours differ")
    figure, ax = subplots(figsize=(PHONE, 3.4))
    x, width = np.arange(len(strata)), 0.8 / len(rates)
    for k, (colour, hatch, (name, values)) in enumerate(zip(colours, HATCHES, rates.items(), strict=False)):
        heights = np.asarray(values, dtype=float)
        if heights.shape != (len(strata),):
            raise ValueError(f"rates of {name!r}: shape {heights.shape} should be {(len(strata),)}, one a stratum")
        places = x + (k - (len(rates) - 1) / 2) * width
        look: dict[str, Any] = {"color": colour, "edgecolor": "white", "linewidth": 0, "hatch": hatch}
        shown = bars(ax, places, heights, width=0.92 * width, label=name, **look)
        ax.bar_label(shown, fmt="%.3f", padding=2, fontsize=9)
    name_places(ax, "x", x, strata)
    describe(ax, y=ylabel)
    ax.set(ylim=(0, 1.12 * max(np.max(np.asarray(v, dtype=float)) for v in rates.values())))
    ax.grid(axis="x", visible=False)
    ax.legend(ncols=len(rates), loc="upper center", bbox_to_anchor=(0.5, 1.2))
    return figure


def reach_of_quantum_theory(
    scenarios: Mapping[str, float],
    cycles: tuple[ArrayLike, ArrayLike],
    noise: Mapping[str, tuple[ArrayLike, ArrayLike]],
) -> Drawn:
    """How much of the way from the classical to the general bound quantum theory goes: by scenario, cycle and noise.

    scenarios : name → the share of that way, between 0 and 1. cycles : numbers of measurements n, and the share for the
    n-cycle. noise : phenomenon → visibilities, and the contextual fraction at each.
    """
    figure, (shares, lengths, visibility) = subplots(3, 1, figsize=(PHONE, 8.8))
    rows = np.arange(len(scenarios))[::-1]
    shown = flat_bars(shares, rows, [*scenarios.values()], height=0.6, color=BLUE)
    shares.bar_label(shown, fmt="%.3f", padding=3, fontsize=9)
    name_places(shares, "y", rows, [*scenarios])
    describe(shares, x="share", title="(a) scenarios")
    shares.set_xlim(0, 1.3)
    shares.grid(axis="y", visible=False)
    n, share = (np.asarray(values, dtype=float) for values in cycles)
    for parity, colour, mark, label in ((0, ORANGE, "s", "even"), (1, BLUE, "o", "odd")):
        chosen = n % 2 == parity
        points(lengths, n[chosen], share[chosen], mark, color=colour, markersize=4, label=label)
    describe(lengths, x="measurements in the cycle", y="share", title="(b) cycles")
    lengths.legend(loc="lower right")
    for colour, (_, stroke), (name, (x, y)) in zip(CLASS_COLOURS, CLASS_STYLES, noise.items(), strict=False):
        line(visibility, x, y, color=colour, linestyle=stroke, label=name)
    describe(visibility, x="visibility", y="contextual fraction", title="(c) white noise")
    for ax in (lengths, visibility):
        ax.set_ylim(-0.02, 1.02)
    visibility.legend(loc="upper left", fontsize=9)
    return figure


def contextuality_under_disturbance(disturbance: Mapping[str, ArrayLike], measures: Mapping[str, ArrayLike]) -> Drawn:
    """The measure of contextuality by default against the disturbance, one curve a phenomenon.

    disturbance, measures : name → values along the curve. Raises ``ValueError`` for different numbers of values.
    """
    figure, ax = subplots(figsize=(PHONE, 3.6))
    strokes = (stroke for _, stroke in CLASS_STYLES)
    for colour, stroke, (name, values) in zip((BLUE, ORANGE, GREEN, PURPLE), strokes, measures.items(), strict=False):
        x, y = np.asarray(disturbance[name], dtype=float), np.asarray(values, dtype=float)
        if y.shape != x.shape:
            raise ValueError(f"measures of {name!r}: shape {y.shape} should be {x.shape}, one a disturbance")
        line(ax, x, y, color=colour, linestyle=stroke, label=name)
    describe(ax, x="disturbance, sum of the distances\nof a measurement's laws", y="contextuality by default")
    ax.set_ylim(bottom=-0.02)
    ax.legend(loc="upper right")
    return figure


def causal_graph_grid(graphs: Mapping[str, CausalGraph], columns: int) -> Figure:
    """Causal graphs in rows of `columns`, at one scale, each under its name; what is at one height is in line.

    Raises ``ValueError`` for no graph, or a number of columns that is not positive.
    """
    if not graphs or columns < 1:
        raise ValueError(f"{len(graphs)} graphs in {columns} columns: there should be at least one of either")
    extents = [_extent(_positions(graph)) for graph in graphs.values()]
    width = max(right - left for left, right, _, _ in extents)
    low = min(bottom for _, _, bottom, _ in extents)
    height = max(top for *_, top in extents) - low
    rows = -(-len(graphs) // columns)
    scale = inches_per_unit(width * columns)
    size = (scale * width * columns, (scale * height + 0.35) * rows)
    figure, axes = subplots(rows, columns, squeeze=False, figsize=size)
    for ax in axes.flat[len(graphs) :]:
        ax.axis("off")
    for ax, (name, graph), (left, right, _, _) in zip(axes.flat, graphs.items(), extents, strict=False):
        draw_causal_graph(ax, graph)
        middle = (left + right) / 2
        ax.set(title=name, xlim=(middle - width / 2, middle + width / 2), ylim=(low, low + height))
    return figure


def signal_against_perturbation(
    sizes: ArrayLike,
    signals: Mapping[str, ArrayLike],
    rounds_for: Callable[[ArrayLike], ArrayLike],
    protected: Mapping[str, ArrayLike],
) -> Drawn:
    """Hidden signals of causal models whose parameters are perturbed: medians, and how they spread.

    signals : model → |signal|, shape (perturbations, len(sizes)), not zero. rounds_for : the rounds that reveal a
    signal, for the axis on the right; a power of it, so that both axes can be logarithmic. protected : signals that a
    d-separation forbids, of the same shape, shown for comparison beside the others at the smallest size.
    """
    x = np.asarray(sizes, dtype=float)
    figure, (growth, spread) = subplots(2, 1, figsize=(PHONE, 6.2), height_ratios=(5, 3))
    strokes = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
    for stroke, (name, values) in zip(strokes, signals.items(), strict=False):
        line(growth, x, np.median(np.asarray(values, dtype=float), axis=0), linestyle=stroke, label=name)
    describe(growth, x="perturbation ε", y="signal to Bob, median")
    growth.set(xscale="log", yscale="log")
    growth.legend(fontsize=9, loc="lower right", borderaxespad=0.2)
    rounds = growth.twinx()
    rounds.set(yscale="log", ylim=np.asarray(rounds_for(growth.get_ylim())), ylabel="rounds that reveal it")
    rounds.spines["right"].set_visible(True)
    rounds.grid(visible=False)
    shown = {**signals, **protected}
    for row, values in enumerate(shown.values()):
        ratio = np.asarray(values, dtype=float)[:, 0] / x[0]
        low, lower, middle, upper, high = np.quantile(ratio, [0, 0.25, 0.5, 0.75, 1])
        line(spread, [low, high], [-row, -row], color=BLUE, linewidth=1.2)
        line(spread, [lower, upper], [-row, -row], color=BLUE, linewidth=6, solid_capstyle="butt")
        points(spread, middle, -row, color=VERMILLION, zorder=3)
    name_places(spread, "y", -np.arange(len(shown)), list(shown), fontsize=10)
    spread.grid(axis="y", visible=False)
    describe(spread, x="signal / ε")
    return figure


def cost_against_violation(
    at: ArrayLike,
    linear: Mapping[str, tuple[Callable[[float], float], ArrayLike]],
    curves: Mapping[str, Callable[[float], float]],
    quantum: float,
) -> Drawn:
    """What a classical model of a CHSH value S from 2 to 4 costs: linear costs with dots at some points, and curves.

    at : values of S. linear : label → its function of S, and the costs at these values. curves : label → its
    function of S, a cost in bits. quantum : the largest S of quantum theory, marked in both panels.
    """
    figure, (left, right) = subplots(2, 1, figsize=(PHONE, 7.0))
    S = np.linspace(2, 4, 161)
    for (label, (function, dots)), style in zip(linear.items(), itertools.cycle(("-", "-", (0, (4, 4))))):
        drawn_line = line(left, S, [function(s) for s in S], linestyle=style, label=label)
        points(left, at, dots, color=drawn_line.get_color())
    for stroke, (label, function) in zip(("-", "--", ":"), curves.items(), strict=False):
        line(right, S[:-1], [function(s) for s in S[:-1]], linestyle=stroke, label=label)
    for ax, cost in ((left, "least fraction"), (right, "least information, bits")):
        level(ax, x=quantum, color=BLACK, linestyle=":", linewidth=1.2, zorder=1)
        ax.annotate("quantum", (quantum, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom")
        describe(ax, x="CHSH value S", y=cost)
        ax.legend(fontsize=9, loc="upper left", frameon=True, framealpha=1, edgecolor="none")
    return figure
