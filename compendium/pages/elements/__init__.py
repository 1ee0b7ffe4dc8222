"""What an interactive element is: its controls, settings worth seeing, what it computes, and what it shows.

Each module of this room is one element, `ELEMENT`; the file of the same name that ends in .js is what a browser makes
of it: the same answers from a few lines of its own, which the tests hold against `compute`, a sentence and a picture.
:mod:`compendium.pages.explore` puts the two together.

The values of the controls are numbers (angles in degrees) or words. An answer maps keys to floats, None for what does
not exist, such as the ∗ of a counterfactual that has no probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from qlib.numbers.arguments import Floats

Values: TypeAlias = Mapping[str, float | str]
Answers: TypeAlias = dict[str, float | None]


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high` in steps; unit : "°" or nothing. label : HTML."""

    name: str
    label: str
    low: float
    high: float
    step: float
    unit: str = ""


@dataclass(frozen=True)
class Choice:
    """One of some words; options : word → what is shown."""

    name: str
    label: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """Values of all controls that are worth seeing, with the words on their button."""

    name: str
    values: Values


@dataclass(frozen=True)
class Element:
    """One interactive element; `data` is what its script needs to know from here.

    columns, rows : the table of its answers: heads, and label → keys. quantities : key → label of the other answers.
    Labels are HTML.
    """

    name: str
    title: str
    controls: tuple[Slider | Choice, ...]
    settings: tuple[Setting, ...]
    compute: Callable[[Values], Answers]
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    quantities: Mapping[str, str]
    picture: str
    data: Mapping[str, Any] = field(default_factory=dict)


def number_in(values: Values, name: str) -> float:
    """The value of a slider; ``ValueError`` if it is missing or no number.

    >>> number_in({"visibility": 1}, "visibility")
    1.0
    """
    given = values.get(name)
    if isinstance(given, str) or given is None:
        raise ValueError(f"{name} is {given!r}; it should be a number")
    return float(given)


def plane(*degrees: float) -> Floats:
    """The unit vectors (n_Z, n_X) at some angles to σ_Z, shape (angles, 2).

    >>> plane(0, 90).round(9)
    array([[1., 0.],
           [0., 1.]])
    """
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=-1)


def sub(letter: str, index: str) -> str:
    return f"<i>{letter}</i><sub>{index}</sub>"


def angle(name: str, who: str) -> Slider:
    return Slider(name, f"{who}, direction of {sub(name[0].upper(), name[1])}", -180, 180, 0.5, "°")


DIRECTIONS = ("a0", "a1", "b0", "b1")


def four_directions(values: Values) -> Floats:
    """Alice's two directions and Bob's, shape (2, 2, 2): party, setting, component."""
    return plane(*(number_in(values, name) for name in DIRECTIONS)).reshape(2, 2, 2)


ANGLE_INPUTS = tuple(angle(name, who) for name, who in zip(DIRECTIONS, ("Alice", "Alice", "Bob", "Bob"), strict=True))
CONCURRENCE = Slider("concurrence", "Concurrence of the state", 0, 1, 0.01)

# the table of a trial of two values: its columns, its rows and its answers
OBSERVED = ("<i>p</i>(<i>xy</i> | <i>z</i>)", "00", "01", "10", "11")
ARMS = {f"<i>z</i> = {z}": tuple(f"p{x}{y}{z}" for x in (0, 1) for y in (0, 1)) for z in (0, 1)}


def observed(p: Floats) -> dict[str, float]:
    """The answers that make up the table, of P(X=x, Y=y | Z=z) as `p[x, y, z]`.

    >>> observed(np.full((2, 2, 2), 0.25))["p011"]
    0.25
    """
    return {f"p{x}{y}{z}": float(p[x, y, z]) for x, y, z in np.ndindex(2, 2, 2)}
