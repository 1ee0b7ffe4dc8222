"""What a chapter computes and its page says: numbers in sentences, formulas with values in them, tables."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from IPython.display import HTML, Math
from myst_nb import glue

from compendium.claims.cards import inline
from compendium.claims.cards import prose as said

NOTED: dict[str, Any] = {}  # what this process has noted, for `say`
GAP = re.compile(r"⟦([^⟧]+)⟧")
NUMBER = re.compile(r"(?P<sign>-?)(?P<digits>\d[\d,]*(\.\d+)?)(e(?P<power>[+-]\d+))?")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLACE = re.compile(r"@([a-zA-Z]\w*)")


def note(name: str, value: Any) -> None:
    """Keep a number, an exact expression or words under a name, for ``{glue:text}`` in the chapter's prose.

    Raises ``TypeError`` for what reads as Python and not as prose (a truth value, a table, a mapping), and
    ``ValueError`` for a number that is none.
    """
    glue(name, worded(name, value), display=False)
    NOTED[name] = value


def worded(name: str, value: Any) -> int | float | str | Fraction | sp.Basic:
    """What `note` keeps: NumPy's numbers as Python's, all else as it is.

    >>> worded("found", np.int64(658)), worded("deviation", np.float64(0.25)), worded("which", "both")
    (658, 0.25, 'both')
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool) or not isinstance(plain, int | float | str | Fraction | sp.Basic):
        raise TypeError(f"{name} is {value!r}; prose is given numbers or words, say in words what else there is to say")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"{name} is {value!r}, which is no number to be said in prose")
    return plain


def formula(tex: str, **values: Any) -> Math:
    """A displayed formula in which each ``@name`` is replaced by a value, typeset.

    A value is a number, a SymPy expression, an array of at most two dimensions, or a text that is TeX already.
    Raises ``ValueError`` for a name without a value or a value without a name.

    >>> formula(r"p(00|0) = @p", p=(2 + sp.sqrt(2)) / 8).data
    'p(00|0) = \\\\frac{\\\\sqrt{2}}{8} + \\\\frac{1}{4}'
    """
    named = set(def as_prose(text: str) -> str:
    """A number as a person would write it: a true minus sign, no minus before zero, powers of ten raised.

    >>> as_prose("-0.000"), as_prose("2e-16"), as_prose("1e-09"), as_prose("both")
    ('0.000', '2 × 10⁻¹⁶', '10⁻⁹', 'both')
    """
    number = NUMBER.fullmatch(text)
    if not number:
        return text
    sign = "−" if number["sign"] and re.search("[1-9]", number["digits"]) else ""
    power = str(int(number["power"] or 0)).translate(RAISED)
    if number["power"] is None or power == "⁰":
        return sign + number["digits"]
    return f"{sign}10{power}" if number["digits"] == "1" else f"{sign}{number['digits']} × 10{power}"


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its gaps ``⟦name⟧`` or ``⟦name:format⟧`` filled with numbers as prose.

    Raises ``ValueError`` for a name without a value.

    >>> filled("about ⟦gap:.2f⟧ of ⟦rounds⟧", {"gap": -0.123, "rounds": 20})
    'about −0.12 of 20'
    """

    def fill(gap: re.Match[str]) -> str:
        name, _, form = gap[1].partition(":")
        if name not in values:
            raise ValueError(f"text: {name!r} has no value; note({name!r}, …) gives it one")
        return as_prose(format(float(values[name]), form) if form else str(values[name]))

    return GAP.sub(fill, text)


def say(text: str) -> None:
    """Show a sentence of Markdown with the numbers that have been noted in this notebook."""
    from IPython.display import Markdown, display

    display(Markdown(filled(text, NOTED)))
PLACE.findall(tex))
    if named != set(values):
        raise ValueError(f"formula: it names {sorted(named)}, but the values are of {sorted(values)}")
    return Math(