"""Small changes of a program, each of which a good check notices: what is done to a syntax tree.

A sign, the order of factors, a transpose, a conjugation, an index, a constant, a relation, any and all, and and or.
What only guards or words an error is left alone: refusals have tests of their own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
RELATIONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min", "union": "intersection", "intersection": "union"}
ROTATIONS = ("T", "conj", "conjugate", "transpose", "transposed", "adjoint", "swapaxes")
LIBRARIES = ("np", "sp", "numpy", "sympy")


@dataclass(frozen=True, eq=False)
class Mutation:
    """One change: the place in the tree (a field of a parent, at an index if it is a list) and what is put there.

    line, before, after : for people.
    """

    parent: ast.AST
    field: str
    index: int | None
    new: ast.expr
    line: int
    before: str
    after: str

    def apply(self) -> None:
        """Change the tree, for good."""
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        else:
            getattr(self.parent, self.field)[self.index] = self.new
        ast.fix_missing_locations(self.parent)


def mutations(tree: ast.AST) -> Iterator[Mutation]:
    """Every change of the expressions of a tree.

    >>> [f"{m.before} → {m.after}" for m in mutations(ast.parse("def f(x):\\n    return -x.T[0] < 2"))]
    ['-x.T[0] < 2 → -x.T[0] <= 2', '-x.T[0] → x.T[0]', 'x.T → x', '0 → 1', '0 → -1', '2 → 3', '2 → 1']
    """
    for field, value in ast.iter_fields(tree):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_left_alone(tree, field, node):
                continue
            if isinstance(node, ast.expr):
                for new in _alternatives(node):
                    ast.copy_location(new, node)
                    yield Mutation(tree, field, index, new, node.lineno, ast.unparse(node), ast.unparse(new))
            yield from mutations(node)


def _is_left_alone(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Texts, annotations, decorators, defaults (evaluated long ago), errors, and what only decides on an error."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.arguments):
        return True
    if field in ("annotation", "returns", "decorator_list", "type_params"):
        return True
    return isinstance(parent, ast.If) and field == "test" and all(isinstance(s, ast.Raise) for s in parent.body)


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left, ast.MatMult() as product, right):
            yield ast.BinOp(right, product, left)
            yield ast.BinOp(left, product, ast.Call(ast.Attribute(right, "conj", ast.Load()), [], []))
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Compare(left, [op], [right]) if type(op) in RELATIONS:
            yield ast.Compare(left, [RELATIONS[type(op)]()], [right])
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.Call():
            yield from _other_calls(node)
        case ast.Attribute(value, "T"):
            yield value
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1) if value else ast.UnaryOp(ast.USub(), ast.Constant(1))
        case ast.Constant(float() as value):
            yield ast.Constant(value + 1)


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    match node.func:
        case ast.Name(name) if name in OPPOSITES:
            yield ast.Call(ast.Name(OPPOSITES[name], ast.Load()), node.args, node.keywords)
        case ast.Attribute(ast.Name(library), name) if library in LIBRARIES and name in ROTATIONS and node.args:
            yield node.args[0]
        case ast.Attribute(value, name) if name in ROTATIONS:
            yield value
        case ast.Attribute(value, name) if name in OPPOSITES:
            yield ast.Call(ast.Attribute(value, OPPOSITES[name], ast.Load()), node.args, node.keywords)
    if len(node.args) > 1 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        first, second, *rest = node.args
        if ast.dump(first) != ast.dump(second):
            yield ast.Call(node.func, [second, first, *rest], node.keywords)
