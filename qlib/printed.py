"""Printed items: what a paper prints, transcribed as text, compared with what is derived.

A transcription is a YAML value. What kind of value it is follows from what is derived for it:

==========================  =====================================================================================
derived                     printed, and when the two agree
==========================  =====================================================================================
``bool``                    ``true`` or ``false``; the same truth value
``str``                     a text; the same text
``set``, ``frozenset``      a list of distinct texts; the same set, in any order
``list``, ``tuple``, array  a list (a matrix: a list of rows); as long, and every entry agrees
`ForAll`                    a formula with free indices; agrees for every assignment of the indices
number, SymPy expression    a number as printed ("0.4268"): derived rounds to it at its last printed digit
..                          a whole number ("64"): derived is exactly that
..                          a bound ("> 0.999", "< 1e-9"): derived satisfies it
..                          a formula ("(5*sqrt(2) - 6)/8"): the difference is zero, by symbolic proof; a formula
                            may also stand for an array, and then every entry of the difference is zero
==========================  =====================================================================================

`mutants` yields the transcription with one thing changed, a last digit, a sign, a term, an index, a truth value, an
element: a comparison that also accepts a mutant compares nothing.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import sympy as sp
from sympy.parsing.sympy_parser import parse_expr

Printed = bool | str | list[Any]
Names = Mapping[str, object]

NUMBER = re.compile(r"[-+]?\d+(\.(?P<decimals>\d+))?([eE](?P<exponent>[-+]?\d+))?")
BOUND = re.compile(r"(?P<relation><=|>=|<|>)\s*(?P<number>\S+)")
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}
OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True)
class ForAll:
    """A derived value for every assignment of some indices: a printed formula with free indices is compared with it.

    value : a function of the indices, by keyword.
    domains : index name → the values it runs over.

    >>> p = ForAll(lambda x, z: 2 * x + z, {"x": (0, 1), "z": (0, 1)})
    >>> agrees("z + x + x", p), agrees("z + x", p)
    (True, False)
    """

    value: Callable[..., object]
    domains: Mapping[str, Sequence[Any]]

    def assignments(self) -> Iterator[dict[str, Any]]:
        """All assignments of the indices, the last index running fastest."""
        for values in itertools.product(*self.domains.values()):
            yield dict(zip(self.domains, values, strict=True))


def agrees(printed: Printed, derived: object, names: Names | None = None) -> bool:
    """Whether a printed item agrees with the derived one; the table of the module says when.

    names : what each name in a printed formula means, a SymPy expression or a function.
    Raises ``ValueError`` for a transcription that cannot be read as the kind of thing that was derived.

    >>> agrees("0.1339", (5 * sp.sqrt(2) - 6) / 8)
    True
    >>> agrees("0.1338", (5 * sp.sqrt(2) - 6) / 8)
    False
    >>> x = sp.Symbol("x")
    >>> agrees("cos(x)**2", 1 - sp.sin(x) ** 2, {"x": x})
    True
    """
    names = names or {}
    if isinstance(derived, ForAll):
        return all(agrees(printed, derived.value(**values), {**names, **values}) for values in derived.assignments())
    if isinstance(derived, bool | np.bool_ | sp.logic.boolalg.BooleanAtom):
        return _expect(printed, bool) is bool(derived)
    if isinstance(derived, str):
        return bool(_expect(printed, str) == derived)
    if isinstance(derived, set | frozenset):
        items = _expect(printed, list)
        return len(items) == len(derived) and set(items) == set(derived)
    if isinstance(derived, np.ndarray | sp.MatrixBase) and isinstance(printed, str):
        difference = parse(printed, names) - sp.Matrix(derived)
        return all(is_zero(entry) for entry in difference)
    if isinstance(derived, list | tuple | np.ndarray | sp.MatrixBase):
        rows = derived.tolist() if isinstance(derived, np.ndarray | sp.MatrixBase) else list(derived)
        items = _expect(printed, list)
        return len(items) == len(rows) and all(agrees(item, row, names) for item, row in zip(items, rows, strict=True))
    if isinstance(derived, Number | sp.Expr):
        return _scalar_agrees(_expect(printed, str), sp.sympify(derived), names)
    raise ValueError(f"no comparison is defined for a derived {type(derived).__name__}: {derived!r}")


def _expect(printed: Printed, kind: type) -> Any:
    if not isinstance(printed, kind):
        raise ValueError(f"printed {printed!r} should be a {kind.__name__}, as what is derived for it is")
    return printed


def _scalar_agrees(printed: str, derived: sp.Expr, names: Names) -> bool:
    if bound := BOUND.fullmatch(printed):
        return RELATIONS[bound["relation"]](derived, sp.Rational(bound["number"]))
    if number := NUMBER.fullmatch(printed):
        return _number_agrees(number, derived)
    return is_zero(parse(printed, names) - derived)


def _number_agrees(printed: re.Match[str], derived: sp.Expr) -> bool:
    difference = derived - sp.Rational(printed[0])
    if printed["decimals"] is None and printed["exponent"] is None:
        return abs(float(difference)) < 1e-9 if derived.has(sp.Float) else is_zero(difference)
    unit = sp.Integer(10) ** (int(printed["exponent"] or 0) - len(printed["decimals"] or ""))
    return bool(abs(sp.N(difference, 30)) <= unit / 2 * (1 + sp.Rational(1, 10**9)))


def parse(formula: str, names: Names) -> sp.Expr:
    """A printed formula as a SymPy expression; every name in it must be given, or be one of SymPy's constants.

    >>> parse("a/2 + pi", {"a": sp.Symbol("a")})
    a/2 + pi
    >>> parse("a/2 + b", {"a": sp.Symbol("a")})
    Traceback (most recent call last):
        ...
    ValueError: formula 'a/2 + b': the name 'b' is not defined; defined are a
    """
    known = {name: getattr(sp, name) for name in ("sqrt", "Abs", "sin", "cos", "exp", "log", "pi", "I", "E")}
    for node in ast.walk(ast.parse(formula, mode="eval")):
        if isinstance(node, ast.Name) and node.id not in known | dict(names):
            raise ValueError(
                f"formula {formula!r}: the name {node.id!r} is not defined; defined are {', '.join(names)}"
            )
    values = {name: sp.sympify(value) if isinstance(value, Number) else value for name, value in names.items()}
    return sp.sympify(parse_expr(formula, local_dict={**known, **values}))


def is_zero(expression: sp.Expr) -> bool:
    """Whether an expression is identically zero: refuted at a random point, or proved by SymPy.

    Raises ``ArithmeticError`` if it vanishes numerically and SymPy cannot prove it zero.

    >>> t = sp.Symbol("t", real=True)
    >>> is_zero(sp.sin(2 * t) - 2 * sp.sin(t) * sp.cos(t)), is_zero(sp.sin(2 * t) - 2 * sp.sin(t))
    (True, False)
    """
    expression = sp.sympify(expression)
    if expression.has(sp.Float):
        raise ValueError(f"{expression}: a formula is compared exactly, but this holds floating-point numbers")
    if sp.expand(expression) == 0:
        return True
    symbols = sorted(expression.free_symbols, key=str)
    point = {symbol: sp.Rational(2 * k + 3, 7 + k) / 3 for k, symbol in enumerate(symbols)}
    if abs(complex(sp.N(expression.subs(point), 30))) > 1e-15:
        return False
    if sp.simplify(expression) == 0 or sp.radsimp(sp.simplify(expression)) == 0:
        return True
    raise ArithmeticError(f"{expression} vanishes at {point}, but it could not be proved to be zero")


def mutants(printed: Printed, derived: object) -> Iterator[Printed]:
    """The transcription with one thing changed, for every thing that can be; `derived` tells what kind of value it is.

    >>> list(mutants("0.1339", sp.Rational(1, 7)))
    ['0.1338', '-0.1339']
    >>> list(mutants("a - 2*b", sp.Symbol("a")))
    ['-(a - 2*b)', 'a', '2 * b', 'a + 2 * b', 'a - 3 * b']
    """
    if isinstance(printed, bool):
        yield not printed
    elif isinstance(printed, list):
        yield from _list_mutants(printed, derived)
    elif isinstance(derived, str):
        yield f"not {printed}"
    elif bound := BOUND.fullmatch(printed):
        yield f"{OPPOSITE[bound['relation']]} {bound['number']}"
    elif number := NUMBER.fullmatch(printed):
        yield from _number_mutants(number)
    else:
        yield from _formula_mutants(printed, derived.domains if isinstance(derived, ForAll) else {})


def _list_mutants(printed: list[Any], derived: object) -> Iterator[Printed]:
    for k in range(len(printed)):
        yield printed[:k] + printed[k + 1 :]
    if isinstance(derived, set | frozenset):
        return
    rows: list[Any] = derived.tolist() if isinstance(derived, np.ndarray | sp.MatrixBase) else derived  # type: ignore[assignment]
    for k, (item, row) in enumerate(zip(printed, rows, strict=False)):
        for mutant in mutants(item, row):
            yield [*printed[:k], mutant, *printed[k + 1 :]]


def _number_mutants(number: re.Match[str]) -> Iterator[str]:
    text, exponent = re.fullmatch(r"(.*?)([eE].*)?", number[0]).groups()  # type: ignore[union-attr]
    last = int(text[-1])
    yield f"{text[:-1]}{last - 1 if last == 9 else last + 1}{exponent or ''}"
    if float(text) != 0:
        yield text[1:] + (exponent or "") if text[0] == "-" else f"-{number[0].lstrip('+')}"


def _formula_mutants(formula: str, domains: Mapping[str, object]) -> Iterator[str]:
    """The formula negated, with a term dropped, a sign turned, a whole number raised by one, an index exchanged."""
    yield f"-({formula})"
    indices = list(domains)
    for k, node in enumerate(ast.walk(ast.parse(formula, mode="eval"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            turned = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            yield _with_node(formula, k, node.left)
            yield _with_node(formula, k, node.right)
            yield _with_node(formula, k, ast.BinOp(node.left, turned, node.right))
        elif isinstance(node, ast.Constant):
            yield _with_node(formula, k, ast.Constant(node.value + 1))  # type: ignore[operator]
        elif isinstance(node, ast.Name) and node.id in indices and len(indices) > 1:
            following = indices[(indices.index(node.id) + 1) % len(indices)]
            yield _with_node(formula, k, ast.Name(following))


def _with_node(formula: str, k: int, new: ast.expr) -> str:
    """The formula with its k-th node, in the order of `ast.walk`, replaced."""
    tree = ast.parse(formula, mode="eval")
    old = next(itertools.islice(ast.walk(tree), k, None))

    class Replacement(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Replacement().visit(tree)))


def readable(value: object) -> str:
    """A derived or printed value as a short text for people.

    >>> readable((5 * sp.sqrt(2) - 6) / 8)
    '-3/4 + 5*√2/8'
    """
    if isinstance(value, ForAll):
        count = sum(1 for _ in value.assignments())
        return f"holds for all {count} values of {', '.join(value.domains)}"
    if isinstance(value, bool | np.bool_ | sp.logic.boolalg.BooleanAtom):
        return "true" if value else "false"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    if isinstance(value, list | tuple | np.ndarray | sp.MatrixBase):
        rows = value.tolist() if isinstance(value, np.ndarray | sp.MatrixBase) else value
        return "[" + ", ".join(map(readable, rows)) + "]"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, sp.Expr):
        return re.sub(r"sqrt\((\d+)\)", r"√\1", sp.sstr(value)).replace("pi", "π")
    return str(value)
