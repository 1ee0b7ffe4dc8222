"""Circuits: boxes that act on wires, drawn from left to right; a CNOT gate as a dot and a cross in a circle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from compendium.figures.style_and_graphs import BLUE, ORANGE, VERMILLION, subplots

LINE = "#333333"


@dataclass(frozen=True)
class Box:
    """A box of a circuit: what is written on it, the wires that enter it and those that leave it, top to bottom.

    label "CNOT" stands for the gate of that name: the first wire is the control, the second the target.
    """

    label: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def circuit(
    inputs: Sequence[str], boxes: Sequence[Box], labels: Mapping[str, str], discarded: Collection[str] = ()
) -> Figure:
    """A circuit: its incoming wires from top to bottom, and its boxes in order.

    labels : wire → what is written at its free end, or above it between two boxes, where there is one; LaTeX without
    dollars. discarded : the wires whose end is crossed out.
    Raises ``ValueError`` for a box that reads a wire that is not there.
    """
    height = {name: -float(k) for k, name in enumerate(inputs)}
    start = dict.fromkeys(inputs, 0.0)
    figure, ax = subplots(figsize=(0.75 * (1.5 * len(boxes) + 2.7), 0.75 * (len(inputs) + 0.2)))
    for name in inputs:
        _end(ax, 0, height[name], labels[name], "right")
    for k, box in enumerate(boxes):
        if missing := [name for name in box.reads if name not in start]:
            raise ValueError(f"box {box.label!r} reads the wire {missing[0]!r}; there are {', '.join(start)}")
        x = 1.0 + 1.5 * k
        ends = [height.pop(name) for name in box.reads]
        for name, y in zip(box.reads, ends, strict=True):
            _wire(ax, start[name], x, y)
            if start.pop(name) > 0 and box.label != "CNOT" and name in labels:
                ax.text(x - 0.75, y + 0.08, f"${labels[name]}$", ha="center", va="bottom", fontsize=9)
        new = ends if box.label == "CNOT" else list(np.linspace(max(ends), min(ends), max(len(box.writes), 2)))
        (_cnot if box.label == "CNOT" else _box)(ax, x, ends, box.label)
        for name, y in zip(box.writes, new, strict=False):
            height[name], start[name] = float(y), x
    right = 1.5 * len(boxes) + 0.5
    for name, x in start.items():
        _wire(ax, x, right, height[name])
        _end(ax, right, height[name], labels[name], "left", name in discarded)
    ax.set(xlim=(-1.1, right + 1.1), ylim=(-len(inputs) + 0.4, 0.6), aspect="equal")
    ax.axis("off")
    return figure


def _wire(ax: Axes, left: float, right: float, y: float) -> None:
    ax.plot([left, right], [y, y], color=LINE, linewidth=1.4, zorder=1)


def _end(ax: Axes, x: float, y: float, label: str, side: str, discarded: bool = False) -> None:
    shift = -0.12 if side == "right" else 0.12
    ax.text(x + shift, y, f"${label}$", ha=side, va="center", color="#777777" if discarded else "black")
    if discarded:
        ax.plot([x, x], [y - 0.16, y + 0.16], color=VERMILLION, linewidth=2.2)


def _box(ax: Axes, x: float, ends: Sequence[float], label: str) -> None:
    bottom, top = min(ends) - 0.3, max(ends) + 0.3
    ax.add_patch(
        FancyBboxPatch(
            (x - 0.38, bottom), 0.76, top - bottom, boxstyle="round,pad=0,rounding_size=0.1",
            facecolor="#FCE8C5", edgecolor=ORANGE, zorder=2,
        )
    )  # fmt: skip
    ax.text(x, (bottom + top) / 2, f"${label}$", ha="center", va="center", zorder=3)


def _cnot(ax: Axes, x: float, ends: Sequence[float], _: str) -> None:
    control, target = ends
    ax.plot([x, x], [control, target], color=BLUE, linewidth=1.6, zorder=2)
    ax.add_patch(Circle((x, control), 0.09, color=BLUE, zorder=3))
    ax.add_patch(Circle((x, target), 0.19, facecolor="white", edgecolor=BLUE, linewidth=1.6, zorder=3))
    ax.plot([x - 0.19, x + 0.19], [target, target], color=BLUE, linewidth=1.6, zorder=4)
    ax.plot([x, x], [target - 0.19, target + 0.19], color=BLUE, linewidth=1.6, zorder=4)
