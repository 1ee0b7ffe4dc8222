"""Transcribed formulas as TeX: ``tr(kron(M(x, z), N(y, x))*rho)`` as a mathematician would write it.

What a name looks like comes from the paper's vocabulary, else from the name itself: Greek letters are recognised,
digits at the end are an index, a ``p`` after one letter is a prime.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence

Names = Mapping[str, str]

GREEK = frozenset(
    """alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega""".split()  # noqa: SIM905
)
SHORT = {"lam": r"\lambda", "Lam": r"\Lambda", "I": "i", "one": r"\mathbb 1", "plus": "+", "minus": "-"}
OPERATORS = {"tr": r"\tr", "sin": r"\sin", "cos": r"\cos", "exp": r"\exp", "log": r"\log", "card": "|{0}|"}
SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a formula binds


def formula_tex(formula: str, names: Names | None = None) -> str | None:
    """A transcribed formula as TeX; None for what is no formula (a word, a sentence).

    names : name → its TeX; with ``{0}``, ``{1}`` for the arguments of a call, else these follow in brackets.

    >>> formula_tex("tr(kron(M(x, z), N(y, x))*rho)", {"M": "M_{{{0}|{1}}}", "N": "N_{{{0}|{1}}}"})
    '\\\\tr\\\\left(\\\\left(M_{x|z} \\\\otimes N_{y|x}\\\\right)\\\\,\\\\rho\\\\right)'
    >>> formula_tex("(5*sqrt(2) - 6)/8"), formula_tex(">= 1/2"), formula_tex("by the Born rule")
    ('\\\\frac{5\\\\sqrt{2} - 6}{8}', '\\\\ge \\\\frac{1}{2}', None)
    """
    text = formula.strip()
    sign = re.match(r"(<=|>=|<|>|~)\s*", text)
    relation = {"<=": r"\le ", ">=": r"\ge ", "<": "<", ">": ">", "~": r"\approx "}[sign[1]] if sign else ""
    try:
        tree = ast.parse(text[sign.end() :] if sign else text, mode="eval").body
        return relation + _tex(tree, names or {})[0]
    except (SyntaxError, _NotMathsError):
        return None


class _NotMathsError(Exception):
    """What has no place in a formula."""


def _tex(node: ast.expr, names: Names) -> tuple[str, int]:
    """A node as TeX, and how tightly it binds."""
    match node:
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            return str(value), ATOM
        case ast.Name(name):
            return names[name] if name in names and "{0}" not in names[name] else name_tex(name), ATOM
        case ast.UnaryOp(op, operand):
            sign = "-" if isinstance(op, ast.USub) else "+"
            return sign + _bracketed(operand, PRODUCT, names), SUM
        case ast.BinOp():
            return _operation(node, names)
        case ast.Call(ast.Name(function), arguments, []):
            return _call(function, arguments, names)
        case ast.Tuple(entries):
            return ", ".join(_tex(entry, names)[0] for entry in entries), SUM
    raise _NotMathsError


def name_tex(name: str) -> str:
    """A name without an entry in a vocabulary.

    >>> name_tex("rho_U"), name_tex("y1"), name_tex("A_out"), name_tex("xp")
    ('\\\\rho_{U}', 'y_{1}', 'A_{\\\\mathrm{out}}', "x'")
    """
    stem, _, index = name.partition("_")
    digits = re.fullmatch(r"(\D+)(\d+)", stem)
    primed = re.fullmatch(r"([a-zA-Z])p", stem)
    if digits and not index:
        stem, index = digits[1], digits[2]
    prime = "'" if primed else ""
    stem = primed[1] if primed else stem
    letter = "\\" + stem if stem in GREEK else SHORT.get(stem) or (stem if len(stem) == 1 else rf"\mathrm{{{stem}}}")
    parts = [
        part if len(part) == 1 or part.isdigit() else name_tex(part) if part in GREEK else rf"\mathrm{{{part}}}"
        for part in index.split("_")
        if part
    ]
    return letter + prime + (f"_{{{','.join(parts)}}}" if parts else "")


def _bracketed(node: ast.expr, least: int, names: Names) -> str:
    text, binding = _tex(node, names)
    return text if binding >= least else rf"\left({text}\right)"


def _operation(node: ast.BinOp, names: Names) -> tuple[str, int]:
    match node.op:
        case ast.Add() | ast.Sub():
            sign = "+" if isinstance(node.op, ast.Add) else "-"
            right = _bracketed(node.right, SUM if sign == "+" else PRODUCT, names)
            return f"{_tex(node.left, names)[0]} {sign} {right}", SUM
        case ast.Mult():
            left, right = _bracketed(node.left, PRODUCT, names), _bracketed(node.right, PRODUCT, names)
            close = left.isdigit() and not right[0].isdigit() and not right.startswith(r"\frac")
            dot = r" \cdot " if right[0].isdigit() else "" if close else r"\,"
            return left + dot + right, PRODUCT
        case ast.Div():
            return rf"\frac{{{_tex(node.left, names)[0]}}}{{{_tex(node.right, names)[0]}}}", PRODUCT
        case ast.Pow():
            return f"{_bracketed(node.left, ATOM, names)}^{{{_tex(node.right, names)[0]}}}", POWER
    raise _NotMathsError


def _call(function: str, arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    given = [_tex(argument, names)[0] for argument in arguments]
    if function in names and "{0}" in names[function]:
        try:
            return names[function].format(*given), ATOM
        except IndexError:
            raise _NotMathsError from None
    if function in SPECIAL and function not in names:
        return SPECIAL[function](arguments, names)
    head = OPERATORS.get(function) or names.get(function) or name_tex(function)
    if "{0}" in head:
        return head.format(*given), ATOM
    return rf"{head}\left({', '.join(given)}\right)", ATOM


def _sqrt(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return rf"\sqrt{{{_tex(arguments[0], names)[0]}}}", ATOM


def _abs(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return rf"\left|{_tex(arguments[0], names)[0]}\right|", ATOM


def _kron(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    factors = (_bracketed(argument, PRODUCT, names) for argument in arguments)
    return r" \otimes ".join(factors), SUM


SPECIAL: dict[str, Callable[[Sequence[ast.expr], Names], tuple[str, int]]] = {
    "sqrt": _sqrt,
    "Abs": _abs,
    "abs": _abs,
    "kron": _kron,
}
