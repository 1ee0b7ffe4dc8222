"""Figures of counterfactual queries: the three steps on the circuit, answers over a sphere or a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from qlib.figures import BLACK, BLUE, GREEN, VERMILLION, subplots

Angles = tuple[float, float]


def sphere_maps(
    polar: ArrayLike,
    azimuth: ArrayLike,
    maps: Mapping[str, ArrayLike],
    places: Mapping[str, Angles],
    starred: Mapping[str, Mapping[str, bool]],
    label: str,
) -> Figure:
    """Probabilities over a Bloch sphere, one map of equal areas for each title; values[i, j] at polar[i], azimuth[j].

    places : name → polar angle and azimuth of points to be named. starred : title → name → whether it is ∗ there.
    """
    theta, phi = np.asarray(polar), np.asarray(azimuth)
    figure, axes = subplots(
        len(maps), 1, figsize=(5.8, 3.1 * len(maps)), squeeze=False, subplot_kw={"projection": "mollweide"}
    )
    for ax, (title, values) in zip(axes[:, 0], maps.items(), strict=True):
        mesh = ax.pcolormesh(
            phi, np.pi / 2 - theta, np.asarray(values), cmap="viridis", vmin=0, vmax=1, shading="gouraud",
            rasterized=True,
        )  # fmt: skip
        for name, angles in places.items():
            for longitude in {angles[1], -angles[1] if angles[1] == np.pi else angles[1]}:
                _mark(ax, name, (longitude, np.pi / 2 - angles[0]), starred[title][name])
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    figure.colorbar(mesh, ax=axes[:, 0].tolist(), label=label, shrink=0.7)
    return figure


def _mark(ax: Axes, name: str, at: Angles, star: bool) -> None:
    """A named point of a map, longitude and latitude: a dot, or a circle where the answer is ∗."""
    longitude, latitude = at
    style: dict[str, Any] = (
        {"markersize": 9, "markerfacecolor": "white", "markeredgecolor": VERMILLION, "markeredgewidth": 2}
        if star
        else {"markersize": 4, "markerfacecolor": BLACK, "markeredgewidth": 0}
    )
    ax.plot(longitude, latitude, "o", clip_on=False, **style)
    side = np.sign(longitude) if abs(longitude) == np.pi else 0
    inside = side == 0 and abs(latitude) < np.pi / 2
    ax.annotate(
        f"{name}: ∗" if star else name, at, textcoords="offset points", annotation_clip=False,
        xytext=(16 * side, -4 if side else -17 if latitude < 0 else 9), ha="center",
        color="white" if inside else BLACK,
    )  # fmt: skip


def answers_over(x: ArrayLike, answers: Mapping[str, ArrayLike], xlabel: str) -> Figure:
    """Answers to several queries over one parameter; an open circle at the height of its neighbour marks ∗ (nan)."""
    figure, ax = subplots(figsize=(5.4, 3.6))
    at = np.asarray(x)
    styles = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."))
    for (name, values), (colour, dashes) in zip(answers.items(), styles, strict=False):
        y = np.broadcast_to(np.asarray(values, dtype=float), at.shape)
        ax.plot(at, y, color=colour, linestyle=dashes, label=name)
        defined = np.flatnonzero(~np.isnan(y))
        for k in np.flatnonzero(np.isnan(y)):
            near = defined[np.argmin(np.abs(defined - k))]
            ax.plot(at[k], y[near], "o", markerfacecolor="white", markeredgecolor=colour, markersize=8)
            ax.annotate("∗", (at[k], y[near]), xytext=(0, 7), textcoords="offset points", ha="center", color=colour)
    ax.set(xlabel=xlabel, ylabel="probability", ylim=(-0.03, 1.03))
    ax.legend()
    return figure
