"""Figures of counterfactual queries: the three steps on the circuit, answers over a sphere or a parameter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
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
        len(maps), 1, figsize=(5.6, 3.1 * len(maps)), squeeze=False, subplot_kw={"projection": "mollweide"}
    )
    for ax, (title, values) in zip(axes[:, 0], maps.items(), strict=True):
        mesh = ax.pcolormesh(
            phi, np.pi / 2 - theta, np.asarray(values), cmap="viridis", vmin=0, vmax=1, shading="gouraud",
            rasterized=True,
        )  # fmt: skip
        for name, (a, b) in places.items():
            for longitude in (b, -b) if b == np.pi else (b,):
                ax.plot(
                    longitude, np.pi / 2 - a, "o", markersize=9 if starred[title][name] else 4, clip_on=False,
                    markerfacecolor="white" if starred[title][name] else BLACK, markeredgecolor=VERMILLION,
                    markeredgewidth=2 if starred[title][name] else 0,
                )  # fmt: skip
                below = a > np.pi / 2
                ax.annotate(
                    f"{name}: ∗" if starred[title][name] else name, (longitude, np.pi / 2 - a),
                    xytext=(0, -16 if below else 9), textcoords="offset points", ha="center",
                    color="white" if 0 < a < np.pi and b == 0 else BLACK, annotation_clip=False,
                )  # fmt: skip
        ax.set_title(title, loc="left")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    figure.colorbar(mesh, ax=axes[:, 0].tolist(), label=label, shrink=0.7)
    return figure


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
