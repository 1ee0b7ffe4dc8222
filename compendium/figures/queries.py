"""Figures of counterfactual queries: the three steps on the circuit, answers over a sphere or a parameter."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from numpy.typing import ArrayLike

from compendium.figures.drawn import Drawn, cells, describe, line, points
from compendium.figures.processes import GAP, RADIUS, draw_process, layout
from compendium.figures.style_and_graphs import BLACK, BLUE, GREEN, PHONE, VERMILLION, subplots
from qlib.graphs.graphs import CausalGraph
from qlib.quantum.counterfactuals import CounterfactualQuery

Position = tuple[float, float]


def sphere_maps(
    polar: ArrayLike,
    azimuth: ArrayLike,
    maps: Mapping[str, ArrayLike],
    places: Mapping[str, Position],
    starred: Mapping[str, Mapping[str, bool]],
    label: str,
) -> Drawn:
    """Probabilities over a Bloch sphere, one map of equal areas for each title; values[i, j] at polar[i], azimuth[j].

    places : name → polar angle and azimuth of points to be named. starred : title → name → whether it is ∗ there.
    """
    theta, phi = np.asarray(polar), np.asarray(azimuth)
    figure, axes = subplots(
        len(maps), 1, figsize=(5.6, 3.1 * len(maps)), squeeze=False, subplot_kw={"projection": "mollweide"}
    )
    for ax, (title, values) in zip(axes[:, 0], maps.items(), strict=True):
        mesh = cells(
            ax, phi, np.pi / 2 - theta, values, cmap="viridis", vmin=0, vmax=1, shading="gouraud",
            rasterized=True,
        )  # fmt: skip
        for name, angles in places.items():
            for longitude in {angles[1], -angles[1] if angles[1] == np.pi else angles[1]}:
                _mark(ax, name, (longitude, np.pi / 2 - angles[0]), starred[title][name])
        describe(ax, title=title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    figure.colorbar(mesh, ax=axes[:, 0].tolist(), label=label, shrink=0.7)
    return figure


def _mark(ax: Axes, name: str, at: Position, star: bool) -> None:
    """A named point of a map, longitude and latitude: a dot, or a circle where the answer is ∗."""
    longitude, latitude = at
    style: dict[str, Any] = (
        {"markersize": 9, "markerfacecolor": "white", "markeredgecolor": VERMILLION, "markeredgewidth": 2}
        if star
        else {"markersize": 4, "markerfacecolor": BLACK, "markeredgewidth": 0}
    )
    points(ax, longitude, latitude, clip_on=False, **style)
    side = np.sign(longitude) if abs(longitude) == np.pi else 0
    inside = side == 0 and abs(latitude) < np.pi / 2
    ax.annotate(
        f"{name}: ∗" if star else name, at, textcoords="offset points", annotation_clip=False,
        xytext=(16 * side, -4 if side else -17 if latitude < 0 else 9), ha="center",
        color="white" if inside else BLACK,
    )  # fmt: skip


def answers_over(x: ArrayLike, answers: Mapping[str, ArrayLike], xlabel: str) -> Drawn:
    """Answers to several queries over one parameter; an open circle at the height of its neighbour marks ∗ (nan)."""
    figure, ax = subplots(figsize=(5.4, 3.6))
    at = np.asarray(x)
    styles = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."))
    for (name, values), (colour, dashes) in zip(answers.items(), styles, strict=False):
        y = np.broadcast_to(np.asarray(values, dtype=float), at.shape)
        line(ax, at, y, color=colour, linestyle=dashes, label=name)
        defined = np.flatnonzero(~np.isnan(y))
        for k in np.flatnonzero(np.isnan(y)):
            near = defined[np.argmin(np.abs(defined - k))]
            points(ax, at[k], y[near], markerfacecolor="white", markeredgecolor=colour, markersize=8)
            ax.annotate("∗", (at[k], y[near]), xytext=(0, 7), textcoords="offset points", ha="center", color=colour)
    describe(ax, x=xlabel, y="probability")
    ax.set_ylim(-0.03, 1.03)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.03), borderaxespad=0)  # above, where no curve is
    return figure


STEPS = ("1 Abduction", "2 Action", "3 Prediction")
ASIDE = 0.16  # what is learnt or predicted goes beside the arrows of the process


def three_steps(graph: CausalGraph, query: CounterfactualQuery, exogenous: Collection[str]) -> Figure:
    """The three steps of a query on its circuit, time upwards: from the evidence down to λ, and up again.

    graph : all nodes of the model. exogenous : those drawn as exogenous, as they are named in it. Beside each node
    stands what the step is about: the outcomes that were found, the instruments that are changed (a do-instrument lets
    nothing pass), the outcomes that are supposed and asked for.
    """
    figure, axes = subplots(2, 2, figsize=(PHONE, 5.9))
    ends = (query.evidence, (), query.consequent)
    for step, (ax, title) in enumerate(zip(axes.flat, STEPS, strict=False)):
        do = {n for n in query.changed if len(query.counterfactual[n].outcomes) == 1} if step else set()
        draw_process(ax, graph, exogenous, _texts(query, step), do)
        for cause, effect in _paths(graph, ends[step], do):
            _beside(ax, layout(graph)[cause], layout(graph)[effect], down=step == 0)
        ax.set_title(title)
    axes[1, 1].remove()
    signs = [
        Line2D([], [], color=VERMILLION, linestyle=(0, (3, 1.5)), lw=1.6, label="what is learnt"),
        Line2D([], [], color=VERMILLION, lw=1.6, label="what is predicted"),
        Patch(facecolor=BLACK, label="an intervention:\nnothing passes"),
    ]
    figure.legend(handles=signs, loc="center", bbox_to_anchor=(0.77, 0.27), frameon=False)
    return figure


def _texts(query: CounterfactualQuery, step: int) -> dict[str, str]:
    """What stands beside each endogenous node: what was found there, what is changed, what is supposed and asked."""
    if step == 0:
        return {node: _indexed(str(query.evidence.get(node, ""))) for node in query.actual}
    if step == 1:
        changed = {node: query.counterfactual[node].name for node in query.changed}
        return {node: _indexed(str(changed.get(node, ""))) for node in query.actual}
    asked = {node: f"{_indexed(str(outcome))} ?" for node, outcome in query.consequent.items()}
    return {node: asked.get(node, _indexed(str(query.antecedent.get(node, "")))) for node in query.actual}


def _indexed(name: str) -> str:
    """The name of an outcome with its number as an index.

    >>> _indexed("c0"), _indexed("z'"), _indexed("do")
    ('$c_{0}$', "z'", 'do')
    """
    return re.sub(r"([a-z])(\d+)", r"$\1_{\2}$", name)


def _paths(graph: CausalGraph, ends: Collection[str], cut: Collection[str]) -> list[tuple[str, str]]:
    """The arrows on directed paths to some nodes, none of which enters a cut node."""
    found: list[tuple[str, str]] = []
    waiting = [end for end in ends if end not in cut]
    while waiting:
        effect = waiting.pop()
        new = [(cause, e) for cause, e in sorted(graph.edges) if e == effect and (cause, e) not in found]
        found += new
        waiting += [cause for cause, _ in new if cause not in cut]
    return found


def _beside(ax: Axes, cause: Position, effect: Position, *, down: bool) -> None:
    """An arrow beside that of the process, with it or against it."""
    low = (cause[0] + ASIDE, cause[1] + GAP + 0.9 * RADIUS)
    high = (effect[0] + ASIDE, effect[1] - GAP - RADIUS)
    tail, head = (high, low) if down else (low, high)
    ax.add_patch(
        FancyArrowPatch(
            tail, head, arrowstyle="-|>", mutation_scale=12, shrinkA=0, shrinkB=0, lw=1.6, color=VERMILLION,
            linestyle=(0, (3, 1.5)) if down else "-", zorder=1,
        )
    )  # fmt: skip
