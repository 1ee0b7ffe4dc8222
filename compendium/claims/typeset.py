"""Transcribed formulas as TeX: ``tr(kron(M(x, z), N(y, x))*rho)`` as a mathematician would write it.

What a name looks like comes from the paper's vocabulary, else from the name itself: Greek letters are recognised,
digits at the end are an index, a ``p`` after one letter is a prime. Other names of more than one letter are words, and
words are no formulas. A vocabulary says what a call looks like under its signature, ``tau(_, _)``, and under a
particular one where that looks different: ``tau(i, _)`` is for calls whose first argument is ``i``.
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
OPERATORS = {"tr": r"\tr", "sin": r"\sin", "cos": r"\cos", "exp": r"\exp", "log": r"\log"}
OPERATORS |= {"atan": r"\arctan", "acos": r"\arccos", "asin": r"\arcsin", "card": "|{0}|"}
PRIMED = re.compile(r"([A-Za-z]+)('+)(?:_([a-zA-Z]+))?(?:,(\w+))?")
BIG = {"Sum": r"\sum", "sum_over": r"\sum", "Product": r"\prod", "prod_over": r"\prod", "Kron": r"\bigotimes"}
SUM, SERIES, PRODUCT, POWER, ATOM = range(5)  # how tightly a formula binds


def formula_tex(formula: str, names: Names | None = None) -> str | None:
    """A transcribed formula as TeX; None for what is no formula (a word, a sentence).

    names : name or signature → its TeX; with ``{0}``, ``{1}`` for the arguments of a call, else these follow in
    brackets.

    >>> formula_tex("tr(kron(M(x, z), N(y, x))*rho)", {"M(_, _)": "M_{{{0}}}^{{{1}}}", "N(_, _)": "N_{{{0}}}^{{{1}}}"})
    '\\\\tr\\\\left(\\\\left(M_{x}^{z} \\\\otimes N_{y}^{x}\\\\right)\\\\,\\\\rho\\\\right)'
    >>> formula_tex("(5*sqrt(2) - 6)/8"), formula_tex(">= 1/2"), formula_tex("by the Born rule")
    ('\\\\frac{5\\\\sqrt{2} - 6}{8}', '\\\\ge \\\\frac{1}{2}', None)
    >>> formula_tex("Sum(P(A, given(x, lam))*delta(f(i, x), y), (i, 1, n))", {"f(i, _)": "f_i({1})"})
    '\\\\sum_{i=1}^{n} P\\\\left(A \\\\mid x, \\\\lambda\\\\right)\\\\,\\\\delta_{f_i(x), y}'
    >>> formula_tex("< 1e-9"), formula_tex("~ 0.090"), formula_tex("two-sided")
    ('< 10^{-9}', '\\\\approx 0.090', None)
    """
    text = formula.strip()
    if names and "{0}" not in (known := names.get(text, "{0}")):
        return known
    if primed := PRIMED.fullmatch(text):
        return _primed_tex(*primed.groups())
    sign = re.match(r"(<=|>=|<|>|~)\s*", text)
    relation = {"<=": r"\le ", ">=": r"\ge ", "<": "< ", ">": "> ", "~": r"\approx "}[sign[1]] if sign else ""
    text = text[sign.end() :] if sign else text
    try:
        tree = ast.parse(text, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant):
                node.kind = ast.get_source_segment(text, node)  # 0.090, and not 0.09
        return relation + _tex(tree, names or {})[0]
    except (SyntaxError, _NotMathsError):
        return None


class _NotMathsError(Exception):
    """What has no place in a formula."""


def _tex(node: ast.expr, names: Names) -> tuple[str, int]:
    """A node as TeX, and how tightly it binds."""
    match node:
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            return number_tex(node.kind or str(value))
        case ast.Name(name):
            return names[name] if name in names and "{0}" not in names[name] else _letter(name), ATOM
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


def number_tex(number: str) -> tuple[str, int]:
    """A number as it stands, or in scientific notation as a product with a power of ten; and how tightly it binds.

    >>> number_tex("0.50"), number_tex("2.7e-09"), number_tex("1e-09")
    (('0.50', 4), ('2.7 \\\\cdot 10^{-9}', 2), ('10^{-9}', 3))
    """
    mantissa, e, exponent = number.partition("e")
    if not e:
        return number, ATOM
    power = f"10^{{{int(exponent)}}}"
    return (power, POWER) if float(mantissa) == 1 else (rf"{mantissa} \cdot {power}", PRODUCT)


def _letter(name: str) -> str:
    """A name without an entry as TeX, unless it is a mere word."""
    tex = name_tex(name)
    if tex.startswith(r"\mathrm"):
        raise _NotMathsError
    return tex


def _primed_tex(stem: str, primes: str, index: str | None, more: str | None) -> str:
    """A name with primes, which is no name of the language: ``V''_i``, ``Lambda'_ji,out``."""
    sides = [part for part in (index, more) if part in ("in", "out")]
    below = ",".join(part for part in (index, more) if part and part not in sides)
    above = rf"^{{\mathrm{{{sides[0]}}}}}" if sides else ""
    return name_tex(stem) + (f"_{{{below}}}" if below else "") + primes + above


def name_tex(name: str) -> str:
    """A name without an entry in a vocabulary.

    >>> name_tex("rho_U"), name_tex("y1"), name_tex("A_out"), name_tex("xp")
    ('\\\\rho_{U}', 'y_{1}', 'A_{\\\\mathrm{out}}', "x'")
    """
    stem, _, index = name.partition("_")
    digits = re.fullmatch(r"(\D+)(\d+)", stem)
    primed = re.fullmatch(r"([a-zA-Z])p", stem)
    if digits:
        stem, index = digits[1], f"{digits[2]}_{index}"
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
            minus = isinstance(node.left, ast.UnaryOp) and isinstance(node.left.op, ast.USub)
            numerator = node.left.operand if isinstance(node.left, ast.UnaryOp) and minus else node.left
            fraction = rf"\frac{{{_tex(numerator, names)[0]}}}{{{_tex(node.right, names)[0]}}}"
            return ("-" + fraction, SUM) if minus else (fraction, PRODUCT)
        case ast.Pow():
            return f"{_bracketed(node.left, ATOM, names)}^{{{_tex(node.right, names)[0]}}}", POWER
    raise _NotMathsError


def _call(function: str, arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    template = _template(function, arguments, names)
    if template is None and function in BIG:
        return _series(BIG[function], function.endswith("_over"), arguments, names)
    if template is None and function in SPECIAL and function not in names:
        return SPECIAL[function](arguments, names)
    head = template or OPERATORS.get(function) or names.get(function) or _letter(function)
    if template or "{0}" in head:
        try:
            return head.format(*(_argument(argument, names) for argument in arguments)), ATOM
        except IndexError:
            raise _NotMathsError from None
    return rf"{head}\left({_conditioned(arguments, names)}\right)", ATOM


def _template(function: str, arguments: Sequence[ast.expr], names: Names) -> str | None:
    """A vocabulary's entry for a call: under the most particular signature that fits."""
    given = [ast.unparse(argument) for argument in arguments]
    signatures = {key: key[len(function) + 1 : -1].split(", ") for key in names if key.startswith(function + "(")}
    fitting = {
        key: parts.count("_")
        for key, parts in signatures.items()
        if len(parts) == len(given) and all(part in ("_", text) for part, text in zip(parts, given, strict=True))
    }
    return names[min(fitting, key=fitting.__getitem__)] if fitting else None


def _conditioned(arguments: Sequence[ast.expr], names: Names) -> str:
    """The arguments of a probability: what is conditioned on, ``given(...)``, stands after a bar."""
    parts = [argument for argument in arguments if not _is_call(argument, "given")]
    text = ", ".join(_argument(part, names) for part in parts)
    return "".join([text, *(rf" \mid {_tex(a, names)[0]}" for a in arguments if _is_call(a, "given"))])


def _argument(node: ast.expr, names: Names) -> str:
    """An argument of a call: of a probability it may be ``A | B``."""
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            return rf"{_tex(left, names)[0]} \mid {_tex(right, names)[0]}"
    return _tex(node, names)[0]


def _is_call(node: ast.expr, function: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def _series(sign: str, last: bool, arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    """A sum or product: its body is the last argument or the first, the others are indices or ``(index, range)``."""
    *before, end = arguments
    body, indices = (end, before) if last else (arguments[0], arguments[1:])
    limits = ""
    match indices:
        case [ast.Tuple([index, first, final])]:
            limits = f"_{{{_tex(index, names)[0]}={_tex(first, names)[0]}}}^{{{_tex(final, names)[0]}}}"
        case [ast.Tuple([index, domain])]:
            limits = rf"_{{{_tex(index, names)[0]} \in {_tex(domain, names)[0]}}}"
        case _:
            limits = f"_{{{', '.join(_tex(index, names)[0] for index in indices)}}}"
    return f"{sign}{limits} {_bracketed(body, SERIES, names)}", SERIES


def _sqrt(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return rf"\sqrt{{{_tex(arguments[0], names)[0]}}}", ATOM


def _abs(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return rf"\left|{_tex(arguments[0], names)[0]}\right|", ATOM


def _kron(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    factors = (_bracketed(argument, PRODUCT, names) for argument in arguments)
    return r" \otimes ".join(factors), SERIES


def _delta(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return rf"\delta_{{{', '.join(_tex(argument, names)[0] for argument in arguments)}}}", ATOM


def _given(arguments: Sequence[ast.expr], names: Names) -> tuple[str, int]:
    return ", ".join(_tex(argument, names)[0] for argument in arguments), SUM


SPECIAL: dict[str, Callable[[Sequence[ast.expr], Names], tuple[str, int]]] = {
    "sqrt": _sqrt,
    "Abs": _abs,
    "abs": _abs,
    "kron": _kron,
    "delta": _delta,
    "given": _given,
}
