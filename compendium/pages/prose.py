"""Numbers in sentences: what a chapter computes and its prose says."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from myst_nb import glue


def note(name: str, value: Any) -> None:
    """Keep a number, an exact expression or words under a name, for ``{glue:text}`` in the chapter's prose.

    Raises ``TypeError`` for what reads as Python and not as prose (a truth value, a table, a mapping), and
    ``ValueError`` for a number that is none.
    """
    glue(name, worded(name, value), display=False)


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
