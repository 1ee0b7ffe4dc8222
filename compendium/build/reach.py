"""What some code reaches: the definitions of this tree that its outcome can depend on, and no others.

An edit of one function re-executes the chapters that can call it, not all that import its module. Three facts make
this safe without running anything. What a name stands for is read off the syntax tree: a definition of its module, an
import, or a module's attribute. A class is reached whole, and an object's methods are reached because its class is
named where the object is made. And what merely *importing* a module does (its statements that are neither definitions
nor plain constants) belongs to everyone who imports it. Where names are made at run time, all that they could be is
reached: a module that is passed around, ``globals()``, ``import_module``, a star.
"""

import ast
import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGES = ("qlib", "compendium")
ANY_MODULE = {"import_module", "__import__"}
MAIN = "__main__"


@dataclass(frozen=True)
class CodePart:
    """Some lines of code, and the dotted names that occur in them."""

    source: str
    names: frozenset[str]


@dataclass
class Module:
    """What a module defines, imports, and does when it is imported.

    Attributes
    ----------
    parts
        top-level name → the pieces of code that define it
    effects
        what runs on import, besides definitions and constants
    bindings
        imported name, at any depth → the dotted names that it stands for
    imports
        the dotted names of all that is imported
    """

    name: str
    parts: dict[str, list[CodePart]] = field(default_factory=dict)
    effects: list[CodePart] = field(default_factory=list)
    bindings: dict[str, set[str]] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)

    def everything(self) -> Iterator[tuple[str, CodePart]]:
        yield from ((name, part) for name, parts in self.parts.items() for part in parts)
        yield from (("", part) for part in self.effects)


# --- reading --------------------------------------------------------------------------------------------------------


def syntax_tree(code: str) -> ast.Module | None:
    """Syntax tree of Python code, IPython's magics included; None where it has none.

    >>> syntax_tree("def") is None
    True
    """
    for reading in (str, plain_python):
        with contextlib.suppress(SyntaxError, ValueError):
            return ast.parse(reading(code))
    return None


def plain_python(code: str) -> str:
    """A cell as Python: itself, or, where that is none, what IPython makes of its magics."""
    with contextlib.suppress(SyntaxError, ValueError):
        ast.parse(code)
        return code
    from IPython.core.inputtransformer2 import TransformerManager  # slow to import, seldom needed

    return TransformerManager().transform_cell(code)


def names_in(*nodes: ast.AST) -> tuple[set[str], list[ast.Import | ast.ImportFrom]]:
    """Dotted names that occur in some code, and its import statements, at any depth.

    >>> sorted(names_in(ast.parse("a.b.c(x).d + f(y)[z.w]"))[0])
    ['a.b.c', 'f', 'x', 'y', 'z.w']
    """
    found: set[str] = set()
    imports: list[ast.Import | ast.ImportFrom] = []
    waiting: list[Any] = list(nodes)
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            found.add(node.id)
        elif kind is ast.Attribute:
            attributes = [node.attr]
            while type(node := node.value) is ast.Attribute:
                attributes.append(node.attr)
            if type(node) is ast.Name:
                found.add(".".join([node.id, *reversed(attributes)]))
            else:
                waiting.append(node)
        elif kind is ast.Import or kind is ast.ImportFrom:
            imports.append(node)
        elif kind is list:
            waiting += node
        elif isinstance(node, ast.AST):
            waiting += [getattr(node, name, None) for name in node._fields]
    return found, imports


def read_module(name: str, code: str, is_package: bool = False) -> Module:
    """Take a module's code apart; code that cannot be parsed is one piece, and of a chapter it might name anything."""
    module, tree = Module(name), syntax_tree(code)
    if tree is None:
        module.effects.append(CodePart(code, frozenset(ANY_MODULE if name == MAIN else ())))
        return module
    lines = code.splitlines(keepends=True)
    for statement in flattened(tree.body):
        names, imports = names_in(statement)
        for node in imports:
            note_import(module, node, is_package)
        note_statement(module, statement, lines, names)
    return module


def note_import(module: Module, node: ast.Import | ast.ImportFrom, is_package: bool) -> None:
    """Enter what an import statement binds and loads."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            module.imports.add(alias.name)
            bound = (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
            module.bindings.setdefault(bound[0], set()).add(bound[1])
        return
    parents = module.name.split(".") if is_package else module.name.split(".")[:-1]
    above = parents[: len(parents) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    module.imports.add(base)
    for alias in node.names:
        module.imports.add(f"{base}.{alias.name}")
        module.bindings.setdefault(alias.asname or alias.name, set()).add(f"{base}.{alias.name}")


def flattened(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under ``if`` and ``try`` included."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield ast.copy_location(ast.Expr(statement.test), statement.test)
            yield from flattened([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            handled = [inner for handler in statement.handlers for inner in handler.body]
            yield from flattened([*statement.body, *handled, *statement.orelse, *statement.finalbody])
        else:
            yield statement


def note_statement(module: Module, node: ast.stmt, lines: list[str], names: set[str]) -> None:
    """Enter a statement as the definition of a name, or as an effect of the import."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    part = CodePart("".join(lines[first - 1 : node.end_lineno]), frozenset(names))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        module.parts.setdefault(node.name, []).append(part)
        decorators = {name.split(".")[0] for name in names_in(*node.decorator_list)[0]}
        imported = {target.split(".")[0] for name in decorators for target in module.bindings.get(name, ())}
        if decorators & module.parts.keys() or imported & set(PACKAGES):
            module.effects.append(part)  # it may be entered in a register
        return
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    plain = all(isinstance(n, ast.Name | ast.Tuple) for n in targets)
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and plain:
        for name in {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}:
            module.parts.setdefault(name, []).append(part)
        if not any(isinstance(n, ast.Call) for n in ast.walk(node)):
            return
    module.effects.append(part)


# --- following ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Library:
    """The modules of a tree, read when they are first needed."""

    root: Path

    @functools.cached_property
    def files(self) -> dict[str, Path]:
        """Dotted name → file of every module of the packages."""
        found = [p for package in PACKAGES for p in sorted((self.root / package).rglob("*.py"))]
        names = (".".join(file.relative_to(self.root).with_suffix("").parts) for file in found)
        return {name.removesuffix(".__init__"): file for name, file in zip(names, found, strict=True)}

    @functools.cached_property
    def _read(self) -> dict[str, Module]:
        return {}

    def __getitem__(self, name: str) -> Module:
        if name not in self._read:
            code = self.files[name].read_text(encoding="utf-8")
            self._read[name] = read_module(name, code, self.files[name].name == "__init__.py")
        return self._read[name]

    @functools.cached_property
    def _passed(self) -> dict[str, list[str]]:
        return {}

    def modules_in(self, dotted: str) -> list[str]:
        """The modules that a dotted name runs through, the outermost first."""
        if dotted not in self._passed:
            parts = dotted.split(".")
            names = (".".join(parts[:k]) for k in range(1, len(parts) + 1))
            self._passed[dotted] = [name for name in names if name in self.files]
        return self._passed[dotted]

    def exists(self, dotted: str) -> bool:
        """Whether a dotted name is that of a module, or of something that one defines or imports."""
        if dotted in self.files:
            return True
        module, _, name = dotted.rpartition(".")
        if module not in self.files:
            return False
        there = self[module]
        return name in there.parts or name in there.bindings or "*" in there.bindings or "__getattr__" in there.parts

    @functools.cached_property
    def _missing(self) -> dict[str, list[str]]:
        return {}

    def missing(self, module: Module) -> list[str]:
        """What a module imports from these modules that none of them has."""
        if module.name == MAIN or module.name not in self._missing:
            targets = {t for targets in module.bindings.values() for t in targets if not t.endswith(".*")}
            self._missing[module.name] = [t for t in targets if self.modules_in(t) and not self.exists(t)]
        return self._missing[module.name]


@dataclass
class Search:
    """All that some code reaches, found by following names.

    Attributes
    ----------
    loaded
        the modules that are imported, directly or through one another
    found
        dotted name of a definition → the pieces of code behind it, in the order of the module
    """

    library: Library
    loaded: set[str] = field(default_factory=set)
    found: dict[str, dict[CodePart, None]] = field(default_factory=dict)
    _waiting: list[tuple[Module, CodePart]] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def run(self, code: str) -> None:
        """Follow all names of some code of no module."""
        main = read_module(MAIN, code)
        self._load_imports(main)
        self._waiting += [(main, part) for _, part in main.everything()]
        while self._waiting:
            module, part = self._waiting.pop()
            for name in part.names:
                self._follow(module, name)

    def _take(self, module: Module, name: str, part: CodePart) -> None:
        pieces = self.found.setdefault(f"{module.name}.{name}".rstrip("."), {})
        if part not in pieces:
            pieces[part] = None
            self._waiting.append((module, part))

    def _load(self, name: str) -> None:
        if name in self.loaded:
            return
        self.loaded.add(name)
        module = self.library[name]
        for part in module.effects:
            self._take(module, "", part)
        self._load_imports(module)

    def _load_imports(self, module: Module) -> None:
        for dotted in module.imports:
            for name in self.library.modules_in(dotted):
                self._load(name)
            if dotted.endswith(".*") and dotted[:-2] in self.library.files:
                self._whole(dotted[:-2])
        for target in self.library.missing(module):
            self.found[f"{target} (which does not exist)"] = {}

    def _whole(self, name: str) -> None:
        self._load(name)
        for part_name, part in self.library[name].everything():
            self._take(self.library[name], part_name, part)

    def _follow(self, module: Module, dotted: str) -> None:
        """Reach what a dotted name stands for in a module."""
        if (module.name, dotted) in self._seen:
            return
        if module.name != MAIN:  # that of each search is another one
            self._seen.add((module.name, dotted))
        head, _, rest = dotted.partition(".")
        for part in module.parts.get(head, ()) if module.name != MAIN else ():
            self._take(module, head, part)
        for target in module.bindings.get(head, ()):
            self._locate(f"{target}.{rest}".rstrip("."))
        if dotted == "globals" and module.name != MAIN:
            self._whole(module.name)
        if dotted.rpartition(".")[2] in ANY_MODULE:
            for name in self.library.files:
                self._whole(name)

    def _locate(self, dotted: str) -> None:
        """Reach what a dotted name stands for outside any module."""
        passed = self.library.modules_in(dotted)
        if not passed:
            return
        for name in passed:
            self._load(name)
        known = False
        for name in passed:
            attributes = dotted.removeprefix(name).lstrip(".")
            module, first = self.library[name], attributes.split(".")[0]
            if first and (first in module.parts or first in module.bindings.keys() - {"*"}):
                itself = module.bindings.get(first) == {f"{name}.{first}"}
                known = known or not itself
                if not itself:
                    self._follow(module, attributes)
        if not known:
            self._whole(passed[-1])


def reach(codes: Iterable[str], library: Library) -> tuple[set[str], Mapping[str, str]]:
    """The modules that some code loads, and dotted name → source of every definition that it reaches.

    Under a module's own name stands what importing it does.
    """
    search = Search(library)
    for code in codes:
        search.run(code)
    sources = {name: "".join(sorted(part.source for part in parts)) for name, parts in search.found.items()}
    return search.loaded, sources
