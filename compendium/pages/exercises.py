"""Exercises that check themselves: a reader's result beside that of the solution in the text.

An exercise that asks for code shows a template such as ``S_mean = ...``; its folded solution computes the same names.
``check_answer("ex-compute-shaken")`` in the chapter's notebook runs the solution, out of sight, on a copy of the
notebook's variables, and compares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from compendium import paths
from qlib.numbers.exact_arrays import is_zero

BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{(?P<kind>exercise|solution)\}(?P<argument>[^\n]*)\n(?P<body>.*?)^(?P=fence)$", re.M | re.S
)
LABEL = re.compile(r"^:label: *(\S+)$", re.M)
CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Exercise:
    """An exercise with code: its label and chapter, the names that its template asks for, its solution's code."""

    label: str
    chapter: str
    names: tuple[str, ...]
    solution: str


@cache
def exercises() -> dict[str, Exercise]:
    """Label → exercise, for every exercise of the book whose template asks for a name that its solution computes."""
    found: dict[str, Exercise] = {}
    for file in sorted(paths.BOOK.rglob("*.md")):
        chapter = file.relative_to(paths.BOOK).with_suffix("").as_posix()
        templates: dict[str, str] = {}
        solutions: dict[str, str] = {}
        for block in BLOCK.finditer(file.read_text(encoding="utf-8")):
            code = "\n".join(CODE.findall(block["body"]))
            if block["kind"] == "exercise" and code and (line := LABEL.search(block["body"])):
                templates[line[1]] = code
            elif block["kind"] == "solution" and code:
                solutions[block["argument"].strip()] = code
        for label in templates.keys() & solutions.keys():
            names = tuple(name for name in assigned(templates[label]) if name in assigned(solutions[label]))
            if names:
                found[label] = Exercise(label, chapter, names, solutions[label])
    return dict(sorted(found.items()))


def assigned(code: str) -> list[str]:
    """The names that a piece of code assigns or defines at its top level, in order.

    >>> assigned("a, b = 1, 2\\ndef f(x):\\n    y = x")
    ['a', 'b', 'f']
    """
    names: list[str] = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.FunctionDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign):
            names += [n.id for target in statement.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    return list(dict.fromkeys(names))


def run_solutions(chapter: str, variables: Mapping[str, Any]) -> list[str]:
    """Run every solution of a chapter that has code, each on a copy of the chapter's variables; returns their labels.

    chapter : its slug, such as "ladder/bell". Every name that an exercise asks for has to come out, twice the same.
    Raises what a solution raises, and ``ValueError`` for a result that is not reproducible.
    """
    text = (paths.BOOK / f"{chapter}.md").read_text(encoding="utf-8")
    solved: list[str] = []
    for block in BLOCK.finditer(text):
        code, label = "\n".join(CODE.findall(block["body"])), block["argument"].strip()
        if block["kind"] == "solution" and code:
            results = dict(variables)
            exec(compile(code, f"solution of {label}", "exec"), results)
            if label in exercises():
                check_answer(label, {**variables, **{name: results[name] for name in exercises()[label].names}})
            solved.append(label)
    return solved


def check_answer(label: str, variables: Mapping[str, Any] | None = None) -> str:
    """Compare the reader's results with the solution's; returns what is right.

    variables : the notebook's variables; by default those of the running IPython session.
    Raises ``ValueError`` for a label of no such exercise, a name that is still missing, a variable of the chapter that
    has been changed so that the solution fails, or a result that differs; it says which, not what would be right.
    """
    if label not in exercises():
        raise ValueError(f"{label!r} is no exercise with code; those are {', '.join(exercises())}")
    exercise, mine = exercises()[label], dict(_notebook() if variables is None else variables)
    for name in exercise.names:
        if mine.get(name, ...) is ...:
            raise ValueError(f"{label}: {name} has no value yet")
    theirs = {name: value for name, value in mine.items() if name not in exercise.names}
    try:
        exec(compile(exercise.solution, f"solution of {label}", "exec"), theirs)
    except Exception as error:  # of the chapter's own names, one is missing or means something else
        raise ValueError(
            f"{label}: the solution does not run with this notebook's variables ({error!r}); "
            "run the chapter's cells again, and give your own variables other names"
        ) from error
    for name in exercise.names:
        if not same(mine[name], theirs[name]):
            raise ValueError(f"{label}: {name} is not what the solution finds; yours is {mine[name]!r}")
    return f"✓ {label}: {', '.join(exercise.names)}"


def _notebook() -> dict[str, Any]:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise ValueError("no notebook is running: give the variables, check_answer(label, globals())")
    return dict(shell.user_ns)


def same(a: Any, b: Any) -> bool:
    """Whether two results are the same: exact ones exactly, floating-point ones to nine digits, collections in parts.

    A function is compared by nothing: it counts as the same, and the solution's own assertions test it.

    >>> same([0.1 + 0.2, sp.sqrt(8)], [0.3, 2 * sp.sqrt(2)]), same({1: 2}, {1: 3})
    (True, False)
    """
    if callable(a) and callable(b) and not isinstance(a, sp.Basic):
        return True
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return set(a) == set(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, sp.Basic | sp.MatrixBase) or isinstance(b, sp.Basic | sp.MatrixBase):
        return _same_expression(a, b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and all(
            same(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        )
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, int | float | complex | np.number) and isinstance(b, int | float | complex | np.number):
        return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12))  # zero may be what rounding leaves of numbers of order one
    return bool(a == b)


def _same_expression(a: Any, b: Any) -> bool:
    if isinstance(a, sp.MatrixBase) or isinstance(b, sp.MatrixBase):
        return same(np.array(a, dtype=object), np.array(b, dtype=object))
    try:
        difference = sp.simplify(sp.sympify(a, strict=True) - sp.sympify(b, strict=True))
    except (TypeError, sp.SympifyError):  # text, None and the like are no expressions
        return bool(a == b)
    if difference.is_number and difference.has(sp.Float):
        return bool(abs(complex(difference)) < 1e-9)
    return bool(difference == 0 or (difference.is_number and is_zero(difference)))
