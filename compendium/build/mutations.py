"""Small changes of a program, each of which a good check notices: what is done to a syntax tree.

A sign, the order of factors, a transpose, a conjugation, an index, a constant, a relation, any and all, and and or.
What only guards or words an error, or shows an object, is left alone: refusals have tests of their own.
"""

from __future__ import annotations

import ast
import copy
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
REFUSING = ("_require", "require", "_refuse", "refuse")  # so begin the names of functions that only refuse
ASSUMPTIONS = (
    "real",
    "positive",
    "nonnegative",
    "nonzero",
    "integer",
    "dict",
    "strict",
)  # say more of what is so anyway
DRAWING = ("figures", "note", "table", "formula", "positions", "places", "layout")  # what is for the eye
SHOWING = ("__repr__", "__str__", "_repr_html_", "_repr_latex_")
WATCHED = (ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Subscript, ast.Attribute, ast.Call, ast.IfExp)
COMPUTING = (ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Attribute, ast.Call)
CONTAINING = (ast.List, ast.Tuple, ast.Starred, ast.keyword, ast.Slice)
IMPURE = (
    *("next", "iter", "rng", "choice", "integers", "random", "normal", "standard_normal", "uniform", "shuffle"),
    *("ledger", "append", "add", "extend", "insert", "update", "pop", "remove", "setdefault", "sort", "seen"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Mutation:
    """One change: the place in the tree (a field of a parent, at an index if it is a list) and what is put there.

    line, column, before, after : for people. special : whether only a generic case shows it.
    """

    parent: ast.AST
    field: str
    index: int | None
    new: ast.expr
    line: int
    column: int
    before: str
    after: str
    special: bool = False

    @property
    def original(self) -> ast.expr:
        """What stands in the place that is changed, before it is."""
        found = getattr(self.parent, self.field)
        return found if self.index is None else found[self.index]  # type: ignore[no-any-return]

    @property
    def moves_a_bound(self) -> bool:
        """Whether it changes a whole number that something is compared with."""
        found = self.original
        return isinstance(self.parent, ast.Compare) and isinstance(found, ast.Constant) and isinstance(found.value, int)

    def apply(self) -> None:
        """Change the tree, for good."""
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        else:
            getattr(self.parent, self.field)[self.index] = self.new
        ast.fix_missing_locations(self.parent)


def watch(mutation: Mutation, tree: ast.AST, name: str) -> bool:
    """Make a change in a tree so that ``name(value without it, value with it)`` is called wherever it matters.

    The two values are those of the largest expression around the change that only computes: sums, products, entries,
    calls, up to where something is compared, collected or kept. Returns False, and changes nothing, where no such
    expression can be computed twice: where it is stored into, or draws random numbers.

    >>> tree = ast.parse("y = a[0] + 1")
    >>> watch(next(m for m in mutations(tree) if m.before == "0"), tree, "see"), ast.unparse(tree)
    (True, 'y = see(a[0] + 1, a[1] + 1)')
    """
    places = {
        id(child): (parent, field, index)
        for parent in ast.walk(tree)
        for field, value in ast.iter_fields(parent)
        for index, child in (enumerate(value) if isinstance(value, list) else [(None, value)])
    }
    node = _watched(mutation.original, {child: parent for child, (parent, _, _) in places.items()})
    if node is None:
        return False
    parent, field, index = places[id(node)]
    without = copy.deepcopy(node)
    mutation.apply()
    mutated = mutation.new if node is mutation.original else node
    both = ast.Call(ast.Name(name, ast.Load()), [without, mutated], [])
    ast.copy_location(both, without)
    Mutation(parent, field, index, both, 0, 0, "", "").apply()
    return True


def _watched(node: ast.AST, parents: dict[int, ast.AST]) -> ast.expr | None:
    """The largest expression around a node that only computes, else the smallest that is more than a constant."""
    found: ast.expr | None = None
    while isinstance(node, ast.expr | ast.keyword | ast.slice) and not (found and _draws(node)):
        decides = isinstance(node, ast.Call) and ast.unparse(node.func) in ("any", "all", "bool")
        if found and (decides or not isinstance(found, COMPUTING) or not isinstance(node, COMPUTING + CONTAINING)):
            break
        if isinstance(node, COMPUTING if found else WATCHED) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            found = node
        node = parents.get(id(node), ast.Pass())
    return None if found is None or _draws(found) else found


def _draws(node: ast.AST) -> bool:
    """Whether an expression binds a name, takes the next of something, or draws a random number."""
    parts = list(ast.walk(node))
    names = {p.id for p in parts if isinstance(p, ast.Name)} | {p.attr for p in parts if isinstance(p, ast.Attribute)}
    return bool(names & {*IMPURE}) or any(isinstance(p, ast.NamedExpr | ast.Yield | ast.Await) for p in parts)


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
                    texts = ast.unparse(node), ast.unparse(new)
                    yield Mutation(
                        tree, field, index, new, node.lineno, node.col_offset, *texts, _is_special(node, new)
                    )
            yield from mutations(node)


def _is_special(node: ast.expr, new: ast.expr) -> bool:
    """Whether it is any ↔ all, the order of factors, a transpose or a conjugation: what only a generic case shows."""
    if isinstance(node, ast.Call):
        dropped = ast.unparse(new) in ast.unparse(node) and not isinstance(new, ast.Call)
        return dropped or (isinstance(node.func, ast.Name) and node.func.id in ("any", "all"))
    return isinstance(node, ast.Attribute) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))


def _is_left_alone(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Texts, annotations, decorators, defaults (evaluated before), errors and what decides on them, display."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.arguments):
        return True
    if field in ("annotation", "returns", "decorator_list", "type_params"):
        return True
    if isinstance(node, ast.FunctionDef) and (node.name.startswith(REFUSING) or node.name in SHOWING):
        return True
    if isinstance(node, ast.keyword) and node.arg in (*ASSUMPTIONS, *DRAWING):
        return True
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in DRAWING:
        return True
    if isinstance(node, ast.Assign) and {ast.unparse(target) for target in node.targets} & {*DRAWING}:
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
