"""What a chapter computes and its page says: numbers in sentences, formulas with values in them, tables."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from IPython.display import HTML, Math, display
from myst_nb import glue

from compendium.claims.cards import inline
from compendium.claims.cards import prose as said

NOTED: dict[str, Any] = {}  # what this process has noted, for `say`
GAP = re.compile(r"⟦([^⟧]+)⟧")
NUMBER = re.compile(r"(?P<sign>-?)(?P<digits>\d[\d,]*(\.\d+)?)(e(?P<power>[+-]\d+))?")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LONG = 24  # signs of a text in a table that may go over several lines
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


def as_prose(text: str) -> str:
    """A number as a person would write it: a true minus sign, no minus before zero, powers of ten raised, on one line.

    >>> as_prose("-0.000"), as_prose("2e-16"), as_prose("1e-09"), as_prose("both")
    ('0.000', '2\xa0×\xa010⁻¹⁶', '10⁻⁹', 'both')
    """
    number = NUMBER.fullmatch(text)
    if not number:
        return text
    sign = "−" if number["sign"] and re.search("[1-9]", number["digits"]) else ""
    power = str(int(number["power"] or 0)).translate(RAISED)
    if number["power"] is None or power == "⁰":
        return sign + number["digits"]
    return f"{sign}10{power}" if number["digits"] == "1" else f"{sign}{number['digits']}\xa0×\xa010{power}"


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
    from IPython.display import Markdown

    display(Markdown(filled(text, NOTED)))


def formula(tex: str, **values: Any) -> Math:
    """A displayed formula in which each ``@name`` is replaced by a value, typeset.

    A value is a number, a SymPy expression, an array of at most two dimensions, or a text that is TeX already.
    Raises ``ValueError`` for a name without a value or a value without a name.

    >>> formula(r"p(00|0) = @p", p=(2 + sp.sqrt(2)) / 8).data
    'p(00|0) = \\\\frac{2 + \\\\sqrt{2}}{8}'
    """
    named = set(PLACE.findall(tex))
    if named != set(values):
        raise ValueError(f"formula: it names {sorted(named)}, but the values are of {sorted(values)}")
    return Math(PLACE.sub(lambda place: typeset(values[place[1]]), tex))


def typeset(value: Any) -> str:
    """A value as TeX: a number, a SymPy expression, an array as a matrix; a text is TeX already.

    >>> typeset(sp.sqrt(2) / 2), typeset(np.eye(2, dtype=int))
    ('\\\\frac{\\\\sqrt{2}}{2}', '\\\\begin{pmatrix} 1 & 0 \\\\\\\\ 0 & 1 \\\\end{pmatrix}')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray | sp.MatrixBase | list | tuple):
        rows = np.atleast_2d(np.array(value, dtype=object))
        if rows.ndim != 2:
            raise ValueError(f"an array of shape {rows.shape} is no matrix and cannot be typeset as one")
        body = r" \\ ".join(" & ".join(typeset(entry) for entry in row) for row in rows)
        return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return f"{plain:.4g}"
    exact = sp.sympify(plain)
    return str(sp.latex(sp.together(exact), order="rev-lex") if exact.is_number else sp.latex(exact))


def verified(statement: str, holds: Any) -> None:
    """Show a statement that was verified, with a tick; it may hold ``$…$``. ``ArithmeticError`` if it does not hold."""
    if not holds:
        raise ArithmeticError(f"this does not hold: {statement}")
    display(HTML(f'<p class="verified">✓ {said(statement)}</p>'))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> HTML:
    """A table for a page: few columns, no index, ``yes`` and ``no`` for truth values, exact numbers typeset.

    heads : one text a column. Texts may hold ``$…$``; floats are shown to four digits.
    Raises ``ValueError`` for a row that is not as long as the heads.

    >>> "<td>yes</td>" in table(["assumption", "possible"], [["$Y(x,0)=Y(x,1)$", True]]).data
    True
    """
    rows = [list(row) for row in rows]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"table: a row has {len(row)} entries and there are {len(heads)} heads: {row}")
    head = "".join(f'<th scope="col">{said(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return HTML(f'<table class="said-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _cell(entry: Any) -> str:
    """A cell; texts that may go over several lines are marked."""
    kind = ' class="long"' if isinstance(entry, str) and len(entry) > LONG else ""
    return f"<td{kind}>{_entry(entry)}</td>"


def _entry(entry: Any) -> str:
    if isinstance(entry, str):
        return said(entry)
    if isinstance(entry, bool | np.bool_):
        return "yes" if entry else "no"
    if isinstance(entry, int | np.integer | sp.Integer):
        return as_prose(f"{int(entry):,}")
    if isinstance(entry, float | np.floating):
        return as_prose(f"{entry:.4g}")
    return inline(typeset(entry))
