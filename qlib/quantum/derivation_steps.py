"""Explanations: how an answer was found, step by step, for a terminal and for a notebook.

An `Explanation` is a title and steps, each a sentence or two and perhaps a table. It is printed as text, shown in a
notebook as HTML and by `rich` in colour, and holds what it says as plain data, so that what is shown can be tested.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import sympy as sp

WIDTH = 72  # characters of a line, so that a page need not be scrolled


@dataclass(frozen=True)
class Step:
    """One step: its name, what is done and found in it, and the numbers, a row of texts for each line of a table."""

    name: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Explanation:
    """A title and steps, shown by ``print``, `rich` and a notebook.

    >>> print(Explanation("A sum", (Step("Add", "1 and 2 make 3."),)))
    A sum
    Add: 1 and 2 make 3.
    """

    title: str
    steps: tuple[Step, ...]

    def __rich__(self) -> Any:
        """The steps as text and tables of `rich`."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[Any] = [Text(self.title, style="bold")]
        for step in self.steps:
            parts.append(Text.assemble((f"{step.name}: ", "bold"), step.text))
            if step.columns:
                table = Table()
                for column in step.columns:
                    table.add_column(Text(column))
                for row in step.rows:
                    table.add_row(*(Text(entry) for entry in row))
                parts.append(table)
        return Group(*parts)

    def __str__(self) -> str:
        lines = textwrap.wrap(self.title, WIDTH)
        for step in self.steps:
            lines += textwrap.wrap(f"{step.name}: {step.text}", WIDTH)
            lines += _aligned((step.columns, *step.rows)) if step.columns else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{html.escape(self.title)}</strong></p>"]
        for step in self.steps:
            parts.append(f"<p><strong>{html.escape(step.name)}.</strong> {html.escape(step.text)}</p>")
            if step.columns:
                parts.append(
                    f"<table>{_row('th', step.columns)}{''.join(_row('td', row) for row in step.rows)}</table>"
                )
        return "".join(parts)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows of a table as lines, a rule below the first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = tuple("─" * width for width in widths)
    padded = (map(str.ljust, row, widths) for row in (rows[0], rule, *rows[1:]))
    return ["  " + "  ".join(entries).rstrip() for entries in padded]


def _row(tag: str, entries: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(entry)}</{tag}>" for entry in entries) + "</tr>"


LONGEST = 11  # characters of a fraction that is still read as one


def rounded_text(value: object) -> str:
    """A number, an expression or an array as a short text; a long fraction is rounded.

    >>> rounded_text(1 / 3), rounded_text(sp.sqrt(2) / 2), rounded_text(np.array([0.25, 0.5])), rounded_text("+")
    ('0.3333', 'sqrt(2)/2', '0.25 to 0.5', '+')
    """
    if isinstance(value, sp.Rational) and len(str(value)) > LONGEST:
        return f"≈ {float(value):.4g}"
    if isinstance(value, sp.Basic):
        return str(sp.sstr(value))
    if isinstance(value, np.ndarray) and value.size:
        return _readable_array(value)
    if isinstance(value, Number) and not isinstance(value, int):
        return f"{value:.4g}"
    return str(value)


def _readable_array(array: np.ndarray[Any, Any]) -> str:
    if array.dtype == object:
        return ", ".join(rounded_text(entry) for entry in array.flat)
    if array.dtype == bool:
        return f"{np.count_nonzero(array)} of {array.size}"
    defined = array[~np.isnan(array)]
    if not defined.size:
        return "nan"
    low, high = rounded_text(float(defined.min())), rounded_text(float(defined.max()))
    return low if low == high else f"{low} to {high}"
