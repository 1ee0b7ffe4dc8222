"""Figures of the chapters on quantum counterfactuals: data in, Figure out, in the style of this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from compendium.figures import drawn
from compendium.figures.drawn import Drawn, cells, describe, flat_bars, line, name_places
from compendium.figures.style_and_graphs import BLACK, BLUE, GREEN, HATCHES, ORANGE, PURPLE, VERMILLION, subplots

LINES = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":"), (ORANGE, (0, (5, 1, 1, 1))))


def curves(
    x: ArrayLike, ys: Mapping[str, ArrayLike], xlabel: str, ylabel: str, level: tuple[float, str] | None = None
) -> Drawn:
    """Several quantities over one parameter, each named in the legend; a horizontal level with its name, if given."""
    figure, ax = subplots(figsize=(5.2, 3.6))
    _draw_curves(ax, x, ys)
    if level:
        drawn.level(ax, y=level[0], color=BLACK, linewidth=0.8)
        ax.annotate(level[1], (np.max(x), level[0]), xytext=(0, 3), textcoords="offset points", ha="right")
    describe(ax, x=xlabel, y=ylabel)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)  # above, where no curve is
    return figure


def curve_panels(
    x: ArrayLike, panels: Mapping[str, Mapping[str, ArrayLike]], xlabel: str, ylabels: Sequence[str]
) -> Drawn:
    """Panels one above the other over the same parameter: title → name → values, each panel with its own scale."""
    figure, axes = subplots(len(panels), 1, figsize=(5.2, 2.5 * len(panels)), sharex=True, squeeze=False)
    for ax, (title, ys), ylabel in zip(axes[:, 0], panels.items(), ylabels, strict=True):
        _draw_curves(ax, x, ys)
        describe(ax, y=ylabel, title=title, loc="left", fontsize="medium")
        ax.legend(frameon=False)
    axes[-1, 0].set_xlabel(xlabel)
    return figure


def _draw_curves(ax: Axes, x: ArrayLike, ys: Mapping[str, ArrayLike]) -> None:
    for (name, y), (colour, dashes) in zip(ys.items(), LINES, strict=False):
        line(ax, x, y, color=colour, linestyle=dashes, label=name)


def shares(names: Sequence[str], parts: Mapping[str, ArrayLike], xlabel: str) -> Drawn:
    """One horizontal bar for each name, cut into parts that add up to its length; hatched, so that grey will do."""
    figure, ax = subplots(figsize=(5.2, 0.7 + 0.5 * len(names)))
    left, places = np.zeros(len(names)), np.arange(len(names))
    for (name, values), (colour, _), hatch in zip(parts.items(), LINES, HATCHES, strict=False):
        flat_bars(ax, places, values, left, color=colour, edgecolor="white", hatch=hatch, label=name)
        left += np.asarray(values)
    name_places(ax, "y", places, names)
    ax.invert_yaxis()
    describe(ax, x=xlabel)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def maps(
    x: ArrayLike, y: ArrayLike, panels: Mapping[str, ArrayLike], xlabel: str, ylabel: str, label: str, limit: float
) -> Drawn:
    """Signed quantities over a plane of two parameters, one panel each; values[i, j] belong to y[i], x[j].

    Parameters with the same range have the same scale.
    """
    alike = bool(np.ptp(np.asarray(x)) == np.ptp(np.asarray(y)))
    size = ((3.6 if alike else 2.9) * len(panels) + 0.8, 3.2)
    figure, axes = subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for ax, (title, values) in zip(axes[0], panels.items(), strict=True):
        mesh = cells(ax, x, y, values, cmap="PuOr", vmin=-limit, vmax=limit, shading="auto", rasterized=True)
        ax.set_aspect("equal" if alike else "auto")
        describe(ax, x=xlabel, title=title, loc="left", fontsize="medium")
    axes[0, 0].set_ylabel(ylabel)
    figure.colorbar(mesh, ax=axes[0].tolist(), label=label)
    return figure
