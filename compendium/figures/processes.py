"""Figures of quantum processes, drawn from their objects: time runs upwards.

A quantum node is a disc cut in two: its incoming space below, its outgoing space above; between them stands the
instrument, if one is named. Endogenous nodes are blue, exogenous ones orange and dashed; a do-instrument, which lets
nothing pass, is a closed bar. Arrows lead from outgoing to incoming halves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Wedge
from numpy.typing import ArrayLike

from compendium.figures.drawn import Drawn, describe, level, line, points
from compendium.figures.style_and_graphs import BLACK, BLUE, ORANGE, VERMILLION, inches_per_unit, subplots
from qlib.graphs.graphs import CausalGraph

RADIUS, GAP = 0.3, 0.07
INCHES_PER_UNIT = 0.95
ENDOGENOUS: dict[str, Any] = {"facecolor": "#CFE5F3", "edgecolor": BLUE, "linestyle": "-"}
EXOGENOUS: dict[str, Any] = {"facecolor": "#FCE8C5", "edgecolor": ORANGE, "linestyle": "--"}
Place = tuple[float, float]


def split_node(ax: Axes, at: Place, name: str, *, exogenous: bool = False, radius: float = RADIUS) -> None:
    """A quantum node at a place: the lower half is what comes in, the upper one what goes out; its name to the left."""
    style = EXOGENOUS if exogenous else ENDOGENOUS
    for start, shift in ((180, -GAP), (0, GAP)):
        ax.add_patch(
            Wedge((at[0], at[1] + shift * radius / RADIUS), radius, start, start + 180, lw=1.6, zorder=2, **style)
        )
    ax.text(at[0] - radius - 0.1, at[1], f"${_latex(name)}$", ha="right", va="center", zorder=3)


def instrument_bar(ax: Axes, at: Place, text: str = "", *, do: bool = False, radius: float = RADIUS) -> None:
    """An instrument between the halves of a node, its name to the right; a do-instrument closes the passage."""
    height = 2 * GAP * radius / RADIUS
    ax.add_patch(
        FancyBboxPatch(
            (at[0] - radius, at[1] - height / 2), 2 * radius, height, boxstyle="square,pad=0", lw=1.2, zorder=3,
            facecolor=BLACK if do else "white", edgecolor=BLACK,
        )
    )  # fmt: skip
    ax.text(at[0] + radius + 0.1, at[1], text, ha="left", va="center", zorder=3, fontsize=10)


def node_with_instrument(name: str, setting: str, outcome: str) -> Figure:
    """One quantum node, with the instrument that a label chooses and the outcome that it gives; maths as text."""
    figure, ax = subplots(figsize=(3.8, 3.4))
    at, R = (0.0, 0.0), 0.8
    split_node(ax, at, name, radius=R)
    gap = GAP * R / RADIUS
    height = 2 * gap
    ax.add_patch(
        FancyBboxPatch(
            (-R, -gap), 2 * R, height, boxstyle="square,pad=0", lw=1.2, zorder=3, facecolor="white", edgecolor=BLACK
        )
    )
    ax.text(0, 0, rf"$\mathcal{{M}}_{{{name}}}^{{{outcome}|{setting}}}$", ha="center", va="center", zorder=4)
    ax.text(0, -gap - 0.4 * R, rf"$\mathcal{{H}}_{{{name}^{{\mathrm{{in}}}}}}$", ha="center", va="center", zorder=4)
    ax.text(0, gap + 0.4 * R, rf"$\mathcal{{H}}_{{{name}^{{\mathrm{{out}}}}}}$", ha="center", va="center", zorder=4)
    for tail, head in (((0, -1.75), (0, -gap - R)), ((0, gap + R), (0, 1.75))):
        ax.add_patch(_arrow(tail, head))
    ax.add_patch(_arrow((1.75, -gap / 2), (R + 0.03, -gap / 2), color=VERMILLION))
    ax.add_patch(_arrow((R + 0.03, gap / 2), (1.75, gap / 2), color=VERMILLION))
    ax.text(1.82, -gap / 2 - 0.06, f"${setting}$", ha="left", va="center", color=VERMILLION)
    ax.text(1.82, gap / 2 + 0.06, f"${outcome}$", ha="left", va="center", color=VERMILLION)
    ax.set(xlim=(-1.4, 2.15), ylim=(-1.85, 1.85), aspect="equal")
    ax.axis("off")
    return figure


def process_graphs(
    graphs: Sequence[CausalGraph],
    titles: Sequence[str] = (),
    exogenous: Collection[str] = (),
    instruments: Mapping[str, str] | None = None,
    do: Collection[str] = (),
) -> Figure:
    """Causal graphs of quantum nodes, side by side at one scale.

    exogenous : nodes drawn as exogenous. instruments : node → the text beside its instrument. do : nodes with a
    do-instrument. Raises ``ValueError`` for another number of titles, or no graph.
    """
    if not graphs or len(titles) not in (0, len(graphs)):
        raise ValueError(
            f"{len(graphs)} graphs with {len(titles)} titles: at least one graph, and a title each or none"
        )
    places = [layout(graph) for graph in graphs]
    extents = [_extent(at) for at in places]
    widths = [right - left for left, right, _, _ in extents]
    height = max(top - bottom for _, _, bottom, top in extents)
    scale = inches_per_unit(sum(widths), INCHES_PER_UNIT)
    size = (scale * sum(widths), scale * height + (0.35 if titles else 0))
    figure, axes = subplots(1, len(graphs), squeeze=False, width_ratios=widths, figsize=size)
    for k, (graph, ax) in enumerate(zip(graphs, axes[0], strict=True)):
        draw_process(ax, graph, exogenous, instruments or {}, do)
        if titles:
            ax.set_title(titles[k])
    return figure


def draw_process(
    ax: Axes, graph: CausalGraph, exogenous: Collection[str], instruments: Mapping[str, str], do: Collection[str]
) -> None:
    """Draw one causal graph of quantum nodes."""
    at = layout(graph)
    for cause, effect in sorted(graph.edges):
        (x, y), (u, v) = at[cause], at[effect]
        ax.add_patch(_arrow((x, y + GAP + 0.8 * RADIUS), (u, v - GAP - RADIUS), "#333333"))
    for name in graph.kinds:
        split_node(ax, at[name], name, exogenous=name in exogenous)
        if name in instruments or name in do:
            instrument_bar(ax, at[name], instruments.get(name, ""), do=name in do)
    left, right, bottom, top = _extent(at)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.axis("off")


def solved_against_exact(x: ArrayLike, solved: ArrayLike, exact: ArrayLike, xlabel: str, ylabel: str) -> Drawn:
    """Values found by a solver, as points, on the exact curve; a line at zero."""
    figure, ax = subplots(figsize=(5.2, 3.4))
    level(ax, y=0, color=BLACK, lw=0.8)
    line(ax, x, exact, color=BLUE, label="exact")
    points(ax, x, solved, color=VERMILLION, markersize=5, label="semidefinite program")
    describe(ax, x=xlabel, y=ylabel)
    ax.legend()
    return figure


def layout(graph: CausalGraph) -> dict[str, Place]:
    """Node → place: its own if the graph has one, else in layers upwards by causal order, each layer centred."""
    layers = [list(layer) for layer in nx.topological_generations(graph.digraph)]
    placed = {
        name: (1.7 * (k - (len(layer) - 1) / 2), 1.5 * depth)
        for depth, layer in enumerate(layers)
        for k, name in enumerate(layer)
    }
    return {**placed, **graph.positions}


def _arrow(tail: Place, head: Place, color: str = BLACK) -> FancyArrowPatch:
    return FancyArrowPatch(
        tail, head, arrowstyle="-|>", mutation_scale=13, shrinkA=0, shrinkB=0, lw=1.4, zorder=1, color=color
    )


def _extent(places: Mapping[str, Place]) -> tuple[float, float, float, float]:
    xs, ys = zip(*places.values(), strict=True)
    return min(xs) - 0.95, max(xs) + 0.85, min(ys) - 0.55, max(ys) + 0.55


def _latex(name: str) -> str:
    """A node's name in mathematical italics; digits at its end, or what follows an underscore, as its index."""
    indexed = re.sub(r"(?<=\D)_?(\d+)$", r"_{\1}", name)
    return re.sub(r"_([^{\W]\w*)", r"_{\1}", indexed).replace("Λ", r"\Lambda ")
