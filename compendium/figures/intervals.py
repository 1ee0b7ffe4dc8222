"""Figures of intervals: one for each of several kinds, side by side, and as they move with a parameter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from compendium.figures.drawn import Drawn, describe, hatched_band, level, line, name_places, points
from compendium.figures.style_and_graphs import BLACK, BLUE, GREEN, ORANGE, PHONE, PURPLE, VERMILLION, subplots

KINDS = ((BLUE, "o"), (ORANGE, "s"), (VERMILLION, "D"), (GREEN, "^"))


def grouped_intervals(rows: Mapping[str, Mapping[str, tuple[float, float]]], xlabel: str) -> Drawn:
    """For each name, one below the other, an interval of each kind; the kinds are told apart by colour and mark.

    rows : name → kind → (low, high), the same kinds for all. Raises ``ValueError`` if low exceeds high, or for other
    kinds.
    """
    kinds = list(next(iter(rows.values()), {}))
    figure, ax = subplots(figsize=(PHONE, 0.62 * len(rows) + 1.1))
    places = -np.arange(len(rows), dtype=float)
    for k, kind in enumerate(kinds):
        colour, mark = KINDS[k]
        for place, (name, intervals) in zip(places, rows.items(), strict=True):
            if list(intervals) != kinds:
                raise ValueError(f"rows: {name!r} has the kinds {list(intervals)}, and should have {kinds}")
            low, high = intervals[kind]
            if low > high + 1e-9:
                raise ValueError(f"rows: the interval of {name!r}, {kind}, begins at {low}, above its end {high}")
            y = place + 0.22 - 0.22 * k
            label = kind if place == 0 else None
            line(ax, [low, high], [y, y], color=colour, marker=mark, markersize=5, linewidth=2.2, label=label)
    name_places(ax, "y", places, list(rows))
    level(ax, x=0, color=BLACK, linewidth=0.8, linestyle=":")
    ax.set_ylim(-len(rows) + 0.45, 0.55)
    ax.grid(axis="y", visible=False)
    describe(ax, x=xlabel)
    ax.legend(
        frameon=False, loc="lower center", bbox_to_anchor=(0.35, 1), ncols=len(kinds), columnspacing=1, fontsize=9
    )
    return figure


def moving_intervals(
    x: ArrayLike,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]],
    xlabel: str,
    ylabel: str,
    curves: Mapping[str, ArrayLike] | None = None,
) -> Drawn:
    """Intervals over a parameter, each a band with a name, and single answers as lines.

    bands : name → (low, high), hatched differently. curves : name → values.
    """
    figure, ax = subplots(figsize=(PHONE, 3.4))
    looks = ((BLUE, "//"), (VERMILLION, ".."), (GREEN, "xx"))
    for (name, (low, high)), (colour, hatch) in zip(bands.items(), looks, strict=False):
        hatched_band(ax, x, low, high, label=name, colour=colour, hatch=hatch)
    lines = ((BLACK, "-"), (PURPLE, "--"), (ORANGE, "-."))
    for (name, y), (colour, dashes) in zip((curves or {}).items(), lines, strict=False):
        line(ax, x, y, color=colour, linestyle=dashes, label=name)
    describe(ax, x=xlabel, y=ylabel)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9)
    return figure


def scatter_below(
    clouds: Mapping[str, tuple[ArrayLike, ArrayLike]], xlabel: str, ylabel: str, diagonal: str | None = None
) -> Drawn:
    """Clouds of points, each with a name; a diagonal of equal values with its name, if given, at 45 degrees."""
    figure, ax = subplots(figsize=(PHONE, 4.8 if diagonal else 3.6))
    most = 0.0
    for (name, (x, y)), (colour, mark) in zip(clouds.items(), KINDS, strict=False):
        points(ax, x, y, mark, color=colour, markersize=5, label=name, alpha=0.8)
        most = max(most, float(np.max(x)), float(np.max(y)))
    if diagonal:
        line(ax, [0, most], [0, most], color=BLACK, linewidth=0.8, linestyle=":", label=diagonal)
        ax.set_aspect("equal")
    describe(ax, x=xlabel, y=ylabel)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9)
    return figure
