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
..                          a bound ("> 0.999", "<= 2*sqrt(2)"): derived satisfies it
..                          an approximation ("~ 0.707"): derived rounds to it at its last printed digit; one that
                            prints no decimals ("~ 0", "~ sqrt(2)") says little: derived is within 1/100 of it
..                          a formula ("(5*sqrt(2) - 6)/8"): the difference is zero, by symbolic proof; a formula
                            may also stand for an array, and then every entry of the difference is zero
`Region`                    a number as printed: it is a rounding of a value in the region
..                          a bound or an approximation: it agrees with every value in the region
==========================  =====================================================================================

`altered_transcriptions` yields the transcription with one thing changed, a last digit, a sign, a term, an index, a
truth value, an element: a comparison that also accepts a mutant compares nothing. `exchanges` yields formulas with
names exchanged, and factors, calls and arguments dropped: some of them say the same, so that they are listed, not
refused.
"""

from __future__ import annotations

import ast
import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from numbers import Number
from types import CodeType
from typing import Any

import numpy as np
import sympy as sp

from qlib.numbers.exact_arrays import is_zero, number

Printed = bool | str | list[Any]
Names = Mapping[str, object]

NUMBER = re.compile(r"[-+]?(?=[\d.])\d*(\.(?P<decimals>\d+))?([eE](?P<exponent>[-+]?\d+))?", re.ASCII)
BOUND = re.compile(r"(?P<relation><=|>=|<|>)\s*(?P<limit>[^<>=].*)")
ABOUT = re.compile(r"~\s*(?P<value>[^~<>=\s].*)")
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
NEGATION = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}
FLOAT_ROUNDING = sp.Rational(1, 10**9)  # what floating-point arithmetic may have done to a derived number
VAGUE = sp.Rational(1, 100)  # how far from it a printed "~ 0" or "~ sqrt(2)" is, at most: a model of such a statement


@dataclass(frozen=True)
class ForAll:
    """A derived value for every assignment of some indices: a printed formula with free indices is compared with it.

    value : a function of the indices, by keyword; evaluated once for each assignment.
    domains : index name → the values it runs over.
    names : what other names mean at an assignment, a function of the indices too; by default they mean the same at all.

    Raises ``ValueError`` for an index that runs over nothing: what holds for all of no values says nothing.

    >>> p = ForAll(lambda x, z: 2 * x + z, {"x": (0, 1), "z": (0, 1)})
    >>> agrees("z + x + x", p), agrees("z + x", p)
    (True, False)
    """

    value: Callable[..., object]
    domains: Mapping[str, Sequence[Any]]
    names: Callable[..., Names] = lambda **indices: {}

    def __post_init__(self) -> None:
        domains = {index: tuple(values) for index, values in self.domains.items()}
        if not domains or not all(domains.values()):
            nothing = ", ".join(repr(index) for index, values in domains.items() if not values)
            raise ValueError(f"ForAll: {nothing or 'no index'} runs over nothing, so that any formula would agree")
        object.__setattr__(self, "domains", domains)
        object.__setattr__(self, "value", cache(self.value))
        object.__setattr__(self, "names", cache(self.names))

    def assignments(self) -> Iterator[dict[str, Any]]:
        """All assignments of the indices, the last index running fastest."""
        for values in itertools.product(*self.domains.values()):
            yield dict(zip(self.domains, values, strict=True))


@dataclass(frozen=True)
class Region:
    """The values that a derived quantity can have: a printed estimate is one of them, a printed statement true of all.

    low, high : the ends, included; real numbers. For an estimate from random data the region is an acceptance region,
    computed from the sampling distribution (:func:`qlib.numbers.hypothesis_tests.acceptance_region`); for what is
    computed from rounded numbers it is the interval that their rounding leaves. Raises ``ValueError`` for ends that are
    not finite real numbers in this order.

    >>> agrees("0.5013", Region(0.49, 0.51)), agrees("0.5213", Region(0.49, 0.51)), agrees("< 0.5", Region(0.49, 0.51))
    (True, False, False)
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        ends = [_number(end) for end in (self.low, self.high)]
        if not all(end.is_real and end.is_finite for end in ends) or ends[0] > ends[1]:
            raise ValueError(
                f"Region({self.low}, {self.high}): its ends should be finite real numbers, the lower first"
            )
        object.__setattr__(self, "low", ends[0])
        object.__setattr__(self, "high", ends[1])


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
        return counterexample(printed, derived, names) is None
    if isinstance(derived, np.ndarray) and derived.ndim == 0:
        derived = derived.item()
    if isinstance(derived, bool | np.bool_ | sp.logic.boolalg.BooleanAtom):
        return _expect(printed, bool) is bool(derived)
    if isinstance(derived, str):
        return _text_agrees(_expect(printed, str), derived)
    if isinstance(derived, set | frozenset):
        return _set_agrees(_expect(printed, list), derived)
    if isinstance(derived, np.ndarray | sp.MatrixBase) and isinstance(printed, str):
        return all(map(is_zero, set(_difference(printed, _meaning(derived), names).todok().values())))
    if isinstance(derived, list | tuple | np.ndarray | sp.MatrixBase):
        rows = _rows(derived)
        items = _expect(printed, list)
        return len(items) == len(rows) and all(agrees(item, row, names) for item, row in zip(items, rows, strict=True))
    if isinstance(derived, Number | sp.Expr):
        return _scalar_agrees(_expect(printed, str), _number(derived), names)
    if isinstance(derived, Region):
        return _region_agrees(_expect(printed, str), derived, names)
    raise ValueError(f"no comparison is defined for a derived {type(derived).__name__}: {derived!r}")


def counterexample(printed: Printed, derived: ForAll, names: Names | None = None) -> dict[str, Any] | None:
    """The first assignment of the indices at which a printed item does not agree; None if there is none.

    >>> counterexample("z + x", ForAll(lambda x, z: 2 * x + z, {"x": (0, 1), "z": (0, 1)}))
    {'x': 1, 'z': 0}
    """
    for values in derived.assignments():
        if not agrees(printed, derived.value(**values), {**(names or {}), **derived.names(**values), **values}):
            return values
    return None


def _expect(printed: Printed, kind: type) -> Any:
    if not isinstance(printed, kind):
        raise ValueError(f"printed {printed!r} should be a {kind.__name__}, as what is derived for it is")
    return printed


def _rows(derived: Any) -> list[Any]:
    return derived.tolist() if isinstance(derived, np.ndarray | sp.MatrixBase) else list(derived)


def _text_agrees(printed: str, derived: str) -> bool:
    if any(form.fullmatch(printed) for form in (NUMBER, BOUND, ABOUT)):
        raise ValueError(f"printed {printed!r} is a number; what is derived for it is the text {derived!r}")
    return printed == derived


def _set_agrees(printed: list[Any], derived: set[Any] | frozenset[Any]) -> bool:
    for name, elements in (("printed", printed), ("derived", derived)):
        if odd := [element for element in elements if not isinstance(element, str)]:
            raise ValueError(f"{name} set: its elements should be texts, but {odd[0]!r} is none")
    return len(printed) == len(derived) and set(printed) == derived


def _scalar_agrees(printed: str, derived: sp.Expr, names: Names) -> bool:
    if derived is sp.nan:
        raise ValueError(f"printed {printed!r}, but what is derived for it is not a number (nan)")
    if bound := BOUND.fullmatch(printed):
        return _bound_holds(bound["relation"], derived - _limit(bound["limit"], names))
    if about := ABOUT.fullmatch(printed):
        return _is_about(about["value"], derived, names)
    if number := NUMBER.fullmatch(printed):
        return _number_agrees(number, derived)
    return is_zero(_difference(printed, derived, names))


def _number_agrees(printed: re.Match[str], derived: sp.Expr) -> bool:
    difference = derived - sp.Rational(printed[0])
    if printed["decimals"] is None and printed["exponent"] is None and not derived.has(sp.Float):
        return is_zero(difference)
    if not derived.is_number:
        raise ValueError(f"printed {printed[0]!r} is a rounded number, but the derived {derived} holds symbols")
    real, imaginary = sp.N(difference, 30).as_real_imag()
    half = _unit(printed) / 2 * (1 + FLOAT_ROUNDING) if _is_rounded(printed) else FLOAT_ROUNDING
    return bool(abs(real) <= half and abs(imaginary) <= FLOAT_ROUNDING)


def _is_rounded(number: re.Match[str]) -> bool:
    """Whether a printed number has digits that say how precise it is."""
    return bool(number["decimals"] or number["exponent"])


def _unit(number: re.Match[str]) -> sp.Rational:
    """One unit of a printed number's last digit."""
    return sp.Rational(10) ** (int(number["exponent"] or 0) - len(number["decimals"] or ""))


def _is_about(text: str, derived: sp.Expr, names: Names) -> bool:
    if (number := NUMBER.fullmatch(text)) and _is_rounded(number):
        return _number_agrees(number, derived)
    difference = derived - _limit(text, names)
    if not difference.is_number:
        raise ValueError(f"printed '~ {text}' is an approximation, but the derived {derived} holds symbols")
    return bool(abs(sp.N(difference, 30)) <= VAGUE)


def _region_agrees(printed: str, region: Region, names: Names) -> bool:
    if number := NUMBER.fullmatch(printed):
        half = _unit(number) / 2 if _is_rounded(number) else sp.Integer(0)
        low, high = (sp.N(end, 30) for end in (region.low - half, region.high + half))
        return bool(low - FLOAT_ROUNDING * half <= sp.Rational(printed) <= high + FLOAT_ROUNDING * half)
    if BOUND.fullmatch(printed) or ABOUT.fullmatch(printed):
        return all(_scalar_agrees(printed, end, names) for end in (region.low, region.high))
    raise ValueError(f"printed {printed!r} should be a number, a bound or an approximation, as a region is derived")


def _limit(text: str, names: Names) -> sp.Expr:
    return sp.Rational(text) if NUMBER.fullmatch(text) else parse(text, names)


def _bound_holds(relation: str, difference: sp.Expr) -> bool:
    """Whether a difference is <, >, <= or >= 0, decided exactly where it is exact."""
    if difference.is_number:
        exactly_zero = not difference.has(sp.Float) and is_zero(difference)
        difference, imaginary = sp.N(0 if exactly_zero else difference, 30).as_real_imag()
        if abs(imaginary) > FLOAT_ROUNDING:
            raise ValueError(f"{difference + sp.I * imaginary} is not real, so that no bound holds for it")
    truth = RELATIONS[relation](difference, sp.Integer(0))
    if truth not in (True, False):
        raise ArithmeticError(f"whether {difference} {relation} 0 could not be decided")
    return bool(truth)


def _difference(printed: str, derived: Any, names: Names) -> Any:
    value = parse(printed, names)
    shapes = [getattr(side, "shape", ()) for side in (value, derived)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"formula {printed!r} has the shape {shapes[0]}, what is derived for it {shapes[1]}")
    if derived.has(sp.Float):
        raise ValueError(f"formula {printed!r}: it is compared exactly, but the derived {derived} is rounded")
    return value - derived


def _number(value: Any) -> sp.Expr:
    """What was derived as a SymPy expression, a rounded number as a rounded one; a text is no number."""
    return number(value) if not isinstance(value, float | complex | np.inexact) else sp.sympify(value)


KNOWN = {name: getattr(sp, name) for name in ("sqrt", "Abs", "sin", "cos", "exp", "log", "pi", "I")}
LONGEST_NUMBER = 10_000  # digits: more than any print has, and still computed at once
GRAMMAR = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.Tuple, ast.BinOp, ast.UnaryOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub,
)  # fmt: skip


def parse(formula: str, names: Names) -> Any:
    """A printed formula as a SymPy expression or matrix; every name in it must be given, or be one of `KNOWN`.

    A formula consists of names, whole numbers, ``+ - * / **``, brackets and calls of functions, and of nothing else.
    Raises ``ValueError`` that says what else was found.

    >>> parse("a/2 + pi", {"a": sp.Symbol("a")})
    a/2 + pi
    >>> parse("a/2 + b", {"a": sp.Symbol("a")})
    Traceback (most recent call last):
        ...
    ValueError: formula 'a/2 + b': the name 'b' is not defined; defined are a
    """
    code, used, called = _compiled(formula)
    for name in used:
        if name not in names and name not in KNOWN:
            raise ValueError(f"formula {formula!r}: the name {name!r} is not defined; defined are {', '.join(names)}")
    values = {name: _meaning(names.get(name, KNOWN.get(name))) for name in used}
    for name in called:
        if not callable(values[name]):
            raise ValueError(f"formula {formula!r}: {name!r} is called, but it is {values[name]}, not a function")
    value = _meaning(eval(code, {"__builtins__": {}, "Integer": sp.Integer}, values))
    if hasattr(value, "_sympy_"):  # an operator that knows its systems, for one
        value = _meaning(value._sympy_())
    if not isinstance(value, sp.Expr | sp.MatrixBase):
        raise ValueError(f"formula {formula!r}: its value {value!r} is neither an expression nor a matrix")
    return value


def _tree(formula: str) -> ast.Expression:
    """The syntax tree of a formula, if it holds nothing but what `parse` allows."""
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"formula {formula!r} cannot be read: {error.msg}") from error
    for node in ast.walk(tree):
        allowed = isinstance(node, GRAMMAR)
        if isinstance(node, ast.Constant):
            allowed = type(node.value) is int
        elif isinstance(node, ast.Call):
            allowed = isinstance(node.func, ast.Name) and not node.keywords
        if not allowed:
            part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise ValueError(f"formula {formula!r}: {part!r} is not allowed in a formula (names, whole numbers, calls)")
    if _digits(tree.body) > LONGEST_NUMBER:
        raise ValueError(f"formula {formula!r}: it holds a number of more than {LONGEST_NUMBER} digits")
    return tree


def _digits(node: ast.AST) -> float:
    """A bound on the decimal digits of the largest whole number in a formula, without computing any.

    Of a power it is the exponent times the base's; a name counts as a number of one digit.

    >>> _digits(ast.parse("9**9**9", mode="eval").body)
    inf
    """
    parts = [_digits(child) for child in ast.iter_child_nodes(node)]
    if isinstance(node, ast.Constant):
        return float(len(str(node.value)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, exponent = _digits(node.left), _digits(node.right)
        if any(isinstance(part, ast.Name) for part in ast.walk(node.right)):
            return max(base, exponent)  # it stays a power
        if isinstance(node.right, ast.Constant):
            return base * float(str(node.right.value))
        return base * (10**exponent if exponent < 9 else float("inf"))
    if isinstance(node, ast.BinOp):
        return _digits(node.left) + _digits(node.right)
    return max(parts, default=1.0)


@cache
def _compiled(formula: str) -> tuple[CodeType, tuple[str, ...], tuple[str, ...]]:
    """A formula as code over exact integers, the names in it, and those of them that are called."""
    tree = _tree(formula)
    nodes = list(ast.walk(tree))
    used = tuple(dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name)))
    called = tuple(node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))

    class Exact(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Call:
            return ast.Call(ast.Name("Integer", ast.Load()), [node], [])

    return compile(ast.fix_missing_locations(Exact().visit(tree)), formula, "eval"), used, called


def _meaning(value: Any) -> Any:
    """What a formula computes with: SymPy numbers, matrices (an array of one axis is a column), functions of these."""
    if isinstance(value, np.ndarray):
        if value.ndim > 2:
            raise ValueError(f"an array of shape {value.shape} cannot stand in a formula; a matrix can")
        return sp.ImmutableMatrix(value.tolist()) if value.ndim else _meaning(value.item())  # not NumPy's numbers: slow
    if isinstance(value, sp.MatrixBase):
        return sp.ImmutableMatrix(value)
    if isinstance(value, Number):
        return _number(value)
    if callable(value) and not isinstance(value, sp.Basic):
        return lambda *arguments: _meaning(value(*arguments))
    return value


def altered_transcriptions(printed: Printed, derived: object) -> Iterator[Printed]:
    """The transcription with one thing changed, for every thing that can be; `derived` tells what kind of value it is.

    A rounded number's last digit is changed by two, as a number halfway between two roundings agrees with both; one
    that is compared with a region is moved by the region's width, as everything inside agrees.

    >>> list(altered_transcriptions("0.1339", sp.Rational(1, 7)))
    ['0.1337', '-0.1339']
    >>> list(altered_transcriptions("a - 2*b", sp.Symbol("a")))
    ['-(a - 2*b)', 'a', '2 * b', 'a + 2 * b', 'a - 3 * b']
    """
    if isinstance(printed, bool):
        yield not printed
    elif isinstance(printed, list):
        yield from _list_mutants(printed, derived)
    elif isinstance(_sample(derived), str):
        yield f"not {printed}"
    elif about := ABOUT.fullmatch(printed):
        yield from _about_mutants(about["value"], derived)
    elif bound := BOUND.fullmatch(printed):
        yield f"{NEGATION[bound['relation']]} {bound['limit']}"
    elif number := NUMBER.fullmatch(printed):
        region = _sample(derived)
        yield from _region_mutants(number, region) if isinstance(region, Region) else _number_mutants(number)
    else:
        yield f"{printed} + 1" if _vanishes(derived) else f"-({printed})"
        yield from _formula_mutants(printed, derived.domains if isinstance(derived, ForAll) else {})


def _sample(derived: object) -> object:
    """What is derived, for the first assignment of the indices if there are any."""
    return derived.value(**next(derived.assignments())) if isinstance(derived, ForAll) else derived


def _vanishes(derived: object) -> bool:
    """Whether what is derived is zero, for all assignments of the indices: turning its sign changes nothing."""
    if isinstance(derived, ForAll):
        return all(_vanishes(derived.value(**values)) for values in derived.assignments())
    if isinstance(derived, list | tuple | np.ndarray | sp.MatrixBase):
        return all(_vanishes(row) for row in _rows(derived))
    return is_zero(sp.nsimplify(_number(derived), rational=True))


def _list_mutants(printed: list[Any], derived: object) -> Iterator[Printed]:
    for k in range(len(printed)):
        yield printed[:k] + printed[k + 1 :]
    yield [*printed, "one more"]
    rows = _sample(derived)
    if isinstance(rows, set | frozenset):
        return
    for k, item in enumerate(printed[: len(_rows(rows))]):
        entry = ForAll(partial(_entry, derived, k), derived.domains) if isinstance(derived, ForAll) else _rows(rows)[k]
        for mutant in altered_transcriptions(item, entry):
            yield [*printed[:k], mutant, *printed[k + 1 :]]


def _entry(derived: ForAll, k: int, **values: Any) -> object:
    return _rows(derived.value(**values))[k]


def _number_mutants(number: re.Match[str]) -> Iterator[str]:
    text, exponent = re.fullmatch(r"(.*?)([eE].*)?", number[0]).groups(default="")  # type: ignore[union-attr]
    last, step = int(text[-1]), 2 if number["decimals"] or exponent else 1
    yield f"{text[:-1]}{last + step if last + step < 10 else last - step}{exponent}"
    if float(text) != 0:
        yield _negative(number[0])


def _negative(number: str) -> str:
    return number[1:] if number[0] == "-" else f"-{number.lstrip('+')}"


def _region_mutants(number: re.Match[str], region: Region) -> Iterator[str]:
    """The number moved up and down by a little more than the region is wide, and its negative."""
    unit = _unit(number)
    decimals, steps = max(0, -round(sp.log(unit, 10))), sp.ceiling(sp.N((region.high - region.low) / unit, 30)) + 2
    for moved in (1, -1):
        yield f"{sp.N(sp.Rational(number[0]) + moved * steps * unit, 30):.{decimals}f}"
    if abs(float(number[0])) > float(region.high - region.low):
        yield _negative(number[0])


def _about_mutants(text: str, derived: object) -> Iterator[str]:
    """The approximation moved by twice its precision, and altered like what stands behind the sign."""
    number, value = NUMBER.fullmatch(text), _sample(derived)
    if not (number and _is_rounded(number)):
        yield f"~ {text} + {2 * VAGUE}"
    for mutant in altered_transcriptions(text, value.low if isinstance(value, Region) else value):
        yield f"~ {mutant}"


def _formula_mutants(formula: str, domains: Mapping[str, object]) -> Iterator[str]:
    """The formula with a term dropped, a sign turned, a whole number raised by one, an index exchanged for the next."""
    indices = list(domains)
    for k, node in enumerate(ast.walk(_tree(formula))):
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


def exchanges(printed: Printed, derived: object) -> Iterator[Printed]:
    """Every formula of a transcription with a name exchanged for the next of its kind, or something dropped.

    Of a product it is a factor that is dropped, of a quotient the divisor, of a call the function if it has one
    argument, and each argument in turn if it has several.

    >>> list(exchanges("f(a) * b / 2", sp.Symbol("a")))
    ['f(a) * b', 'f(a) / 2', 'b / 2', 'a * b / 2', 'f(a) * a / 2', 'f(b) * b / 2']
    """
    if isinstance(printed, list):
        rows = _sample(derived)
        if isinstance(rows, set | frozenset):
            return
        for k, item in enumerate(printed[: len(_rows(rows))]):
            entry = (
                ForAll(partial(_entry, derived, k), derived.domains) if isinstance(derived, ForAll) else _rows(rows)[k]
            )
            for altered in exchanges(item, entry):
                yield [*printed[:k], altered, *printed[k + 1 :]]
    elif isinstance(printed, str) and not isinstance(_sample(derived), str | bool | np.bool_):
        domains = derived.domains if isinstance(derived, ForAll) else {}
        is_formula = not any(form.fullmatch(printed) for form in (NUMBER, BOUND, ABOUT))
        yield from dict.fromkeys(_formula_exchanges(printed, domains)) if is_formula else ()


def _formula_exchanges(formula: str, domains: Mapping[str, object]) -> Iterator[str]:
    nodes = list(ast.walk(_tree(formula)))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    functions = [n.id for n in nodes if isinstance(n, ast.Name) and id(n) in called]
    arguments = [n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called]
    for k, node in enumerate(nodes):
        for altered in _shortened(node):
            yield _with_node(formula, k, altered)
        if isinstance(node, ast.Name):
            names = list(dict.fromkeys(functions if id(node) in called else [*arguments, *domains]))
            if len(names) > 1:
                yield _with_node(formula, k, ast.Name(names[(names.index(node.id) + 1) % len(names)]))


def _shortened(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left, ast.Mult(), right):
            yield left
            yield right
        case ast.BinOp(left, ast.Div(), _):
            yield left
        case ast.Call(_, [argument]) if not isinstance(argument, ast.Tuple):
            yield argument
        case ast.Call(function, arguments, keywords):
            for k in range(len(arguments)):
                yield ast.Call(function, arguments[:k] + arguments[k + 1 :], keywords)


def _with_node(formula: str, k: int, new: ast.expr) -> str:
    """The formula with its k-th node, in the order of `ast.walk`, replaced."""
    tree = _tree(formula)
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
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return readable(value.item())
    if isinstance(value, Region):
        return f"{readable(value.low)} to {readable(value.high)}"
    if isinstance(value, list | tuple | np.ndarray | sp.MatrixBase):
        return "[" + ", ".join(map(readable, _rows(value))) + "]"
    if isinstance(value, float | np.floating | sp.Float):
        return f"{float(value):.10g}"
    if isinstance(value, sp.Expr):
        return re.sub(r"\bpi\b", "π", re.sub(r"\bsqrt\((\d+)\)", r"√\1", sp.sstr(value)))
    return str(value)
