"""Do the checks have teeth? Every claim's derivation is changed, a little at a time, and its check has to notice.

A chapter is taken apart into its statements. Those that a claim's check depends on, by the names that they bind, load
and alter in place, are its derivation, together with every function of `qlib`, of `compendium.studies` and of the
vocabulary of formulas that runs while they are executed. Each change
(`compendium.build.mutations`) of a line that ran is made in a fork of the executed chapter, in which only what depends
on the changed line is executed again. A claim kills the mutant if its verdict is no longer the authored one, or if
something raises; so does a statement that stops the chapter, `ledger.ensure`, `verified` or ``if ...: raise``. (In a
chapter without claims these are all that can notice.) What no claim kills
is executed once more, with the changed expression computed both with and without the change. If the two never differ,
the change is without effect: nothing that is derived could tell. (Not so for any ↔ all, the order of factors,
transposes, conjugations and a chapter's own bounds: there, no effect means that the case is too special.) All others
survive, and are defects of a check unless they are equivalent: ``data/survivors.yml`` lists those that are, each with
a reason. What no claim notices in `qlib` is put to the tests that name what the module defines, if that is asked for.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dis
import functools
import gc
import hashlib
import io
import json
import linecache
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import jupytext
import numpy as np
import yaml

import qlib
from compendium import paths
from compendium.build.mutations import Mutation, mutations, watch
from compendium.claims import ledger
from compendium.claims.set_formulas import Law

ROOT = Path(qlib.__file__).parent.parent
CLAIMS = ROOT / "compendium" / "claims"
DERIVATIONS = (  # not the comparison
    *(ROOT / "qlib", ROOT / "compendium" / "studies", CLAIMS / "vocabulary"),
    *sorted(CLAIMS.glob("*_*.py")),
)
MODULES = (  # in which they are
    *("qlib.", "compendium.studies.", "compendium.claims.vocabulary."),
    *(f"compendium.claims.{path.stem}" for path in sorted(CLAIMS.glob("*_*.py"))),
)
ALTERING = (  # what changes the object that it is a method of, or its arguments
    *("add", "append", "clear", "copyto", "difference_update", "discard", "extend", "fill", "fill_diagonal", "insert"),
    *("intersection_update", "pop", "popitem", "popleft", "put", "remove", "reverse", "setdefault", "setflags"),
    *("shuffle", "sort", "symmetric_difference_update", "update"),
)
REFUSALS = (ROOT / "qlib" / "numbers" / "arguments.py",)  # which tests/fuzz.py tries
STOPPED = "the chapter stops"
WATCH = "_two_values_"  # the function that compares an expression's values without and with a change
LOOKING = re.compile(r"def test_\w+\([^)]*\bbook\b")  # at the built book
UNTESTED = 900.0  # seconds that the tests of a change may take
PATIENCE = 8.0  # how much longer than the unchanged statements a mutant may run
BYTES = 4 * 2**30  # how much more memory than the executed chapter it may take
ONE_THREAD = {"OMP_NUM_THREADS": "1", "QISKIT_IN_PARALLEL": "TRUE"}  # a fork waits for ever for threads that it lacks
FOUND: list[object] = []  # what `look_once` found
Lines = dict[CodeType, set[int]]


@dataclass(eq=False)
class Statement:
    """One statement at the top of a chapter's cells.

    binds, loads : the names it binds, and those it needs. alters : those whose objects it may change in place.
    covered : what ran in it. changed : the names that are new after it. seconds, claims : how long, and what it checks.
    generators : the states of the random generators before it, so that it draws the same numbers again.
    """

    tree: ast.Module
    code: CodeType
    binds: frozenset[str]
    loads: frozenset[str]
    alters: frozenset[str] = frozenset()
    covered: Lines = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    generators: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    claims: list[str] = field(default_factory=list)

    @property
    def imports(self) -> bool:
        return isinstance(self.tree.body[0], ast.Import | ast.ImportFrom)

    @property
    def defines(self) -> bool:
        return isinstance(self.tree.body[0], ast.FunctionDef | ast.ClassDef)

    @property
    def guards(self) -> bool:
        """Whether it stops the chapter if something is not as it should be."""
        stops = isinstance(self.tree.body[0], ast.If) and isinstance(self.tree.body[0].body[-1], ast.Raise)
        return stops or calls(self.tree, "ledger.ensure") or calls(self.tree, "verified")


@dataclass(frozen=True)
class MutantOutcome:
    """What became of a mutant: the claims whose derivation it changes, and those that noticed.

    effect : whether the changed expression had another value even once, as far as that was looked at.
    tested : the test that notices a change of the library that no claim does.
    """

    chapter: str
    file: str
    function: str
    line: int
    column: int
    before: str
    after: str
    claims: tuple[str, ...]
    killers: tuple[str, ...]
    effect: bool = True
    tested: str = ""

    @property
    def survived(self) -> bool:
        return self.effect and not self.killers and not self.tested

    @property
    def place(self) -> tuple[str, int, int, str, str]:
        return self.file, self.line, self.column, self.before, self.after


def calls(tree: ast.AST, function: str) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) == function for node in ast.walk(tree))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def statement(node: ast.stmt, filename: str) -> Statement:
    """A statement, with the names that it binds and loads."""
    tree = ast.Module([node], [])
    code = compile(tree, filename, "exec")
    binds = {i.argval for i in dis.get_instructions(code) if i.opname in ("STORE_NAME", "DELETE_NAME")}
    loads = {
        i.argval
        for part in codes_in(code)
        for i in dis.get_instructions(part)
        if i.opname in ("LOAD_NAME", "LOAD_GLOBAL")
    }
    return Statement(tree, code, frozenset(binds), frozenset(loads))


def _altered(node: ast.AST, functions: Mapping[str, set[str]]) -> set[str]:
    """The names whose objects some code may alter in place: what is stored into, and what altering calls are given.

    functions : of the functions that may alter something, the names that they alter; "" stands for their arguments.

    >>> sorted(_altered(ast.parse("a[0] = b; next(c for c in d).append(e); f(g[1]); h(k)"), {"f": {"", "l"}}))
    ['a', 'c', 'd', 'g', 'l', 'next']
    """
    found = set()
    for part in ast.walk(node):
        match part:
            case ast.Subscript(value, _, ast.Store() | ast.Del()) | ast.Attribute(value, _, ast.Store() | ast.Del()):
                found |= _names(value)
            case ast.AugAssign(target):
                found |= _names(target)
            case ast.Call(ast.Attribute(value, name), arguments) if name in ALTERING:
                found |= set().union(*map(_names, arguments)) if _names(value) == {"np"} else _names(value)
            case ast.Call(ast.Name(name), arguments, keywords) if name in functions:
                found |= functions[name] - {""}
                if "" in functions[name]:
                    found |= set().union(*map(_names, arguments), *(_names(k.value) for k in keywords))
    return found


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def find_altered(statements: Iterable[Statement]) -> None:
    """Complete `alters` of every statement by what the functions that it calls may alter."""
    functions: dict[str, set[str]] = {}
    for one in statements:
        node = one.tree.body[0]
        altered = _altered(node, functions)
        if isinstance(node, ast.FunctionDef):
            own = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            if effects := (altered & one.loads) | ({""} if altered & own else set()):
                functions[node.name] = effects
        one.alters = frozenset() if one.defines else frozenset(altered)


def read(slug: str) -> Iterator[Statement]:
    """The statements of a chapter, in order, with the quick parameters."""
    path = paths.BOOK / f"{slug}.md"
    text, position = path.read_text(encoding="utf-8"), 0
    parameters = yaml.safe_load((paths.PARAMETERS / "quick.yml").read_text(encoding="utf-8")).get(slug, {})
    for cell in jupytext.read(path).cells:
        if cell.cell_type != "code":
            continue
        position = max(text.find(cell.source, position), position)
        tree = ast.parse(cell.source)
        ast.increment_lineno(tree, text.count("\n", 0, position))
        own = "parameters" in cell.metadata.get("tags", [])
        for node in tree.body:
            yield statement(node, "parameters" if own else f"book/{slug}.md")
        if own:
            for name, value in parameters.items():
                yield statement(ast.parse(f"{name} = {value!r}").body[0], "parameters")


def blind_spots_of(slug: str) -> Iterator[tuple[str, list[str]]]:
    """The claims of a chapter, each with the altered transcriptions that its check accepts, too, except listed ones."""
    known, found = accepted(), []

    def asked(id: str, derived: Mapping[str, object], *, how: Any, names: Any = None) -> None:
        every = ledger.blind_spots(ledger.load()[id], derived, names)
        found.append((id, [formula for formula in every if (id, formula) not in known]))

    namespace: dict[str, Any] = {"__name__": "__main__"}
    for one in read(slug):
        with checking(asked), contextlib.redirect_stdout(io.StringIO()):
            exec(one.code, namespace)
        yield from found
        found.clear()


class ExecutedChapter:
    """A chapter, executed once with the quick parameters, as far as its claims need it.

    statements : all of them, in order. slices : claim → the numbers of the statements that it depends on.
    """

    def __init__(self, slug: str) -> None:
        self.slug, self.filename = slug, f"book/{slug}.md"
        self.statements = list(read(slug))
        find_altered(self.statements)
        self.imports = {
            n for s in self.statements if isinstance(s.tree.body[0], ast.Import | ast.ImportFrom) for n in s.binds
        }
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.verdicts: dict[str, bool] = {}
        self.seen: list[str] = []
        self.checks = set(self._checking()) or {k for k, one in enumerate(self.statements) if one.guards}
        needed = frozenset().union(*(self.slice(k) for k in self.checks))
        guards = {k: self.slice(k) for k, one in enumerate(self.statements) if one.guards and k not in needed}
        deriving = {k for k in needed if not (self.statements[k].imports or self.statements[k].defines)}
        self.needed = needed.union(*(needs for needs in guards.values() if needs & deriving))
        self._execute()
        self.slices = {id: self.slice(k) for k in sorted(self.checks) for id in self.statements[k].claims}
        self.slices = self.slices or {STOPPED: self.needed}
        if missing := {claim.id for claim in claims_of(slug)} - set(self.slices):
            raise ledger.LedgerError(f"{slug}: the derivation of {', '.join(sorted(missing))} was not found")

    def _checking(self) -> Iterator[int]:
        """The numbers of the statements that hand claims to the ledger, themselves or through a function."""
        functions: set[str] = set()
        for k, one in enumerate(self.statements):
            own = calls(one.tree, "ledger.check")
            if not own and not one.loads & functions:
                continue
            if one.defines:
                functions |= one.binds
            else:
                yield k

    def slice(self, k: int) -> frozenset[int]:
        """The numbers of the statements that the k-th depends on, itself included.

        The names in a function are looked up when it is called: where it is defined, and where it is used.
        """
        found: set[tuple[int, int]] = set()
        todo = [(k, k)]
        while todo:
            if (pair := todo.pop()) in found:
                continue
            found.add(pair)
            s, used = pair
            one = self.statements[s]
            for at in {s, used} if one.defines else {s}:
                for name in one.loads:
                    todo += [(t, at) for t in self._sources(name, at)]
        return frozenset(s for s, _ in found)

    def _sources(self, name: str, at: int) -> Iterator[int]:
        """The last statement before another that binds a name, and those since then that may alter its object."""
        for k in range(at - 1, -1, -1):
            one = self.statements[k]
            if name in one.alters - self.imports:
                yield k
            if name in one.binds:
                yield k
                if not isinstance(one.tree.body[0], ast.If | ast.For | ast.AugAssign):
                    return

    def _execute(self) -> None:
        look_once()
        with checking(self._check), contextlib.redirect_stdout(io.StringIO()):
            for k, one in enumerate(self.statements):
                if k in self.needed:
                    self._execute_first(one)
        look_once()

    def _execute_first(self, one: Statement) -> None:
        clear_caches()
        before = dict(self.namespace)
        one.generators = {n: v.bit_generator.state for n, v in before.items() if isinstance(v, np.random.Generator)}
        self.seen.clear()
        started = time.perf_counter()
        with tracing(one.covered, self.filename):
            exec(one.code, self.namespace)
        one.seconds, one.claims = time.perf_counter() - started, list(dict.fromkeys(self.seen))
        one.changed = {n: v for n, v in self.namespace.items() if n not in before or before[n] is not v}
        if wrong := [id for id in one.claims if not self.verdicts[id]]:
            raise ledger.LedgerError(f"{self.slug}: {', '.join(wrong)} does not hold, though nothing was changed")

    def _check(self, id: str, derived: Mapping[str, object], *, how: Any, names: Any = None) -> None:
        try:
            ledger.compare(ledger.load()[id], derived, how=how, names=names)
            self.verdicts[id] = self.verdicts.get(id, True)
        except ledger.LedgerError:
            self.verdicts[id] = False
        self.seen.append(id)

    def execute_again(self, changed: set[int]) -> dict[str, bool]:
        """Execute some statements again, and what depends on them; of the others take over what they had bound.

        Returns, for each claim that was checked, whether it still holds; if a statement raises, its claims do not.
        """
        again = self._reached(changed)
        self.verdicts = {STOPPED: True}
        self.namespace.clear()
        self.namespace["__name__"] = "__main__"
        with checking(self._check):
            for k in sorted(self.needed):
                if k in again:
                    self._execute_one_again(self.statements[k])
                else:
                    self.namespace.update(self.statements[k].changed)
        return self.verdicts

    def _reached(self, changed: set[int]) -> set[int]:
        """Some statements, those that depend on them, and those that make what any of these alters in place."""
        while True:
            found, altered = set(), set[str]()
            for k in sorted(self.needed):
                one = self.statements[k]
                if k in changed or (one.loads & altered):
                    found.add(k)
                    altered |= one.binds | (one.alters - self.imports)
                else:
                    altered -= one.binds
            altering = {(name, k) for k in found for name in self.statements[k].alters - self.imports}
            makers = {t for name, k in altering for t in self._sources(name, k)} & self.needed
            if makers <= found:
                return found
            changed = found | makers

    def _execute_one_again(self, one: Statement) -> None:
        for name, state in one.generators.items():
            if isinstance(self.namespace.get(name), np.random.Generator):
                self.namespace[name].bit_generator.state = state
        try:
            exec(one.code, self.namespace)
        except Exception:
            self.verdicts |= dict.fromkeys([*one.claims, *[STOPPED] * one.guards], False)
            for name in {
                *one.changed,
                *(one.alters - self.imports),
            }:  # what comes after must not use what was there before
                self.namespace.pop(name, None)

    def ran(self, file: str, line: int) -> set[int]:
        """The statements in which a line ran."""
        return {
            k
            for k in self.needed
            for code, lines in self.statements[k].covered.items()
            if code.co_filename == file and line in lines
        }

    def mutants(self) -> Iterator[tuple[Mutation, str, ast.Module, int | None]]:
        """The mutants of what ran: the change, its file, the tree it is made in, and its statement, if one."""
        for k in sorted(self.needed):
            if not self.statements[k].imports and self.statements[k].code.co_filename != "parameters":
                for mutation in mutations(self.statements[k].tree):
                    yield mutation, self.filename, self.statements[k].tree, k
        ran = {
            (code.co_filename, line)
            for k in self.needed
            for code, at in self.statements[k].covered.items()
            for line in at
        }
        for file in sorted({file for file, _ in ran} - {self.filename, *map(str, REFUSALS)}):
            tree = ast.parse(Path(file).read_text(encoding="utf-8"))
            for function in functions_of(tree):
                for mutation in mutations(ast.Module([function], [])):
                    if (file, mutation.line) in ran:
                        yield mutation, file, tree, None


def functions_of(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """The outermost functions of a module, methods included: what can be changed in those that are there already."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from functions_of(child)


@contextlib.contextmanager
def checking(check: Any) -> Iterator[None]:
    """With another `ledger.check`."""
    usual, ledger.check = ledger.check, check
    try:
        yield
    finally:
        ledger.check = usual


@contextlib.contextmanager
def tracing(covered: Lines, chapter: str) -> Iterator[None]:
    """Note which lines of the chapter and of the science in `qlib` run."""
    watched: dict[str, bool] = {}

    def is_watched(filename: str) -> bool:
        path = Path(filename)
        return filename == chapter or any(path == part or part in path.parents for part in DERIVATIONS)

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        filename = frame.f_code.co_filename
        if filename not in watched:
            watched[filename] = is_watched(filename)
        if not watched[filename]:
            return None
        lines = covered.setdefault(frame.f_code, set())

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            lines.add(frame.f_lineno)
            return line

        return line

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)


def look_once() -> None:
    """Find what there is of ours now, and let the collector leave alone whatever there is.

    Nobody looks through it again, for each statement and in each fork; and a fork shares the memory that it only reads
    (a fork's first look through a million objects copies all of them).
    """
    gc.unfreeze()
    kept = kept_by_class()
    things = gc.get_objects()
    FOUND[:] = [t for t in things if type(t) in kept or (isinstance(t, FunctionType) and is_ours(t))]
    gc.freeze()


def living() -> list[object]:
    """Everything of ours in this process that keeps a result or has code, and whatever is younger than that look."""
    return [*FOUND, *gc.get_objects()]


def clear_caches() -> None:
    """Forget every result that a derivation has kept, so that what runs now runs whole."""
    kept = kept_by_class()
    for thing in [thing for thing in living() if type(thing) in kept]:
        for name in kept[type(thing)]:
            vars(thing).pop(name, None)
        if isinstance(thing, functools._lru_cache_wrapper) and is_ours(thing):
            thing.cache_clear()
        if isinstance(thing, Law):
            vars(thing).update(_known={}, _ratios={})


def is_ours(thing: Any) -> bool:
    """Whether something was made by what derivations run through, or by the chapter."""
    module = str(getattr(thing, "__module__", ""))
    return module == "__main__" or module.startswith(MODULES)


def kept_by_class() -> dict[type, list[str]]:
    """The classes whose objects keep results, with the names of what they keep; cached functions among them."""
    modules = [module for name, module in sys.modules.items() if name.startswith(MODULES)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type) and is_ours(kind)}
    kept = {k: [n for n, v in vars(k).items() if isinstance(v, functools.cached_property)] for k in kinds}
    return {functools._lru_cache_wrapper: [], Law: []} | {kind: names for kind, names in kept.items() if names}


def install_mutant(file: str, tree: ast.Module) -> None:
    """Give every living function of a file the code that it has in a changed tree."""
    new: dict[tuple[str, int], list[CodeType]] = {}
    for code in codes_in(compile(tree, file, "exec")):
        new.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    for function in [f for f in living() if isinstance(f, FunctionType) and f.__code__.co_filename == file]:
        codes = new.get((function.__code__.co_qualname, function.__code__.co_firstlineno), [])
        if len(codes) == 1 and codes[0] != function.__code__:
            function.__code__ = codes[0]


def attempt(
    chapter: ExecutedChapter, mutation: Mutation, file: str, tree: ast.Module, k: int | None
) -> MutantOutcome | None:
    """Make the change in a fork, execute again what it reaches, and see who notices; None if it did not run."""
    ran = chapter.ran(file, mutation.line) | ({k} if k is not None else set())
    claims = tuple(id for id, needs in chapter.slices.items() if needs & ran)
    if not claims:
        return None
    patience = 2 + PATIENCE * sum(chapter.statements[s].seconds for s in chapter.needed)

    def executed(change: Callable[[], object]) -> Any:
        return in_a_fork(lambda: _verdicts(chapter, change, file, tree, k, ran), patience)

    verdicts = executed(mutation.apply)
    killers = claims if verdicts is None else tuple(id for id in claims if not verdicts.get(id, True))
    if verdicts and not verdicts[STOPPED] and STOPPED not in claims:
        killers += (STOPPED,)
    special = mutation.special or (k is not None and mutation.moves_a_bound)
    effect = True
    if not killers and not special:
        seen = executed(lambda: watch(mutation, tree, WATCH))
        effect = seen is None or seen.get(WATCH, True)
    short = os.path.relpath(file, ROOT) if k is None else file
    at = _function(tree, mutation.line), mutation.line, mutation.column
    return MutantOutcome(chapter.slug, short, *at, mutation.before, mutation.after, claims, killers, effect)


def _verdicts(
    chapter: ExecutedChapter, change: Callable[[], object], file: str, tree: ast.Module, k: int | None, ran: set[int]
) -> dict[str, bool]:
    """The claims that still hold with a change; if that only watches, under `WATCH`, whether it made a difference."""
    differed: dict[str, bool] = {}

    def two_values(without: Any, changed: Any) -> Any:
        differed[WATCH] = differed[WATCH] or not is_same(without, changed)
        return changed

    setattr(builtins, WATCH, two_values)
    if change() is True:
        differed[WATCH] = False
    clear_caches()
    if k is None:
        install_mutant(file, tree)
    else:
        chapter.statements[k].code = compile(tree, file, "exec")
    return chapter.execute_again(ran if k is None else {k}) | differed


def is_same(a: Any, b: Any) -> bool:
    """Whether two values are the same, in every respect that is easily seen.

    >>> is_same(np.eye(2), np.eye(2)), is_same((1, 2.0), (1, 2)), is_same(iter([1]), iter([1])), is_same(max, max)
    (True, False, False, True)
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    try:
        if isinstance(a, np.ndarray):
            return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        if isinstance(a, list | tuple):
            return len(a) == len(b) and all(map(is_same, a, b))
        return bool(a == b)
    except Exception:
        return False


def _function(tree: ast.Module, line: int) -> str:
    """The outermost function or class and the method in it that a line belongs to."""
    names = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or line)
    ]
    return ".".join(names)


def in_a_fork(work: Any, patience: float) -> Any:
    """What a function returns in a fork of this process (as JSON); None if it dies, or takes too long or too much."""
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            _limit_memory()
            os.write(write, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(write)
    text, deadline = b"", time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
        if not (more := os.read(read, 65536)):
            break
        text += more
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return None


def _limit_memory() -> None:
    with contextlib.suppress(OSError):  # there is no /proc on macOS
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + BYTES, resource.RLIM_INFINITY))


@functools.cache
def equivalent() -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str, str, str, str]]]:
    """The authored list of survivors that change nothing that is claimed.

    First what may be changed at will, as (file, function); then single changes, as (file, function, before, after,
    line), where a statement outside functions has "" for its function, and the line of the change holds the text of
    the last, "" for any line.
    """
    entries = [
        e for e in yaml.safe_load(paths.SURVIVORS.read_text(encoding="utf-8"))["derivations"] if e["reason"].strip()
    ]
    anything = frozenset((e["file"], function) for e in entries for function in e.get("functions", ()))
    return anything, frozenset(
        (e["file"], e.get("function", ""), *change, e.get("line", ""))
        for e in entries
        for change in e.get("changes", ())
    )


@functools.cache
def accepted() -> frozenset[tuple[str, str]]:
    """The authored list of altered transcriptions that say the same as what is printed: (claim, formula)."""
    entries = yaml.safe_load(paths.SURVIVORS.read_text(encoding="utf-8"))["transcriptions"]
    return frozenset((e["claim"], formula) for e in entries if e["reason"].strip() for formula in e["altered"])


def is_listed(outcome: MutantOutcome) -> bool:
    anything, changes = equivalent()
    if (outcome.file, outcome.function) in anything:
        return True
    text = linecache.getline(str(ROOT / outcome.file), outcome.line)
    change = (outcome.file, outcome.function, outcome.before, outcome.after)
    return any(change == listed[:4] and listed[4] in text for listed in changes)


def is_of_the_library(file: str) -> bool:
    """Whether a file is one of `qlib`, not a chapter, a study or a vocabulary.

    >>> is_of_the_library(str(ROOT / "qlib" / "models" / "bounds.py")), is_of_the_library("book/ladder/bell.md")
    (True, False)
    """
    return ROOT / "qlib" in Path(file).parents


def is_chosen(mutation: Mutation, file: str, share: float, seed: int) -> bool:
    """Whether a mutant is in a sample; that depends on nothing else, so that an edit elsewhere changes nothing."""
    text = f"{seed} {os.path.basename(file)} {ast.unparse(mutation.parent)} {mutation.before} {mutation.after}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) < share * 16**12


def mutant_outcomes(
    slugs: Iterable[str], seed: int = 0, share: float = 1.0, cells: bool = False, only: str = ""
) -> Iterator[MutantOutcome]:
    """The outcomes of the mutants of some chapters.

    share : of all mutants, so many are tried; the seed decides which. cells : not those of the library, but of the
    chapters' own cells, and of the studies and vocabularies that serve the book alone.
    only : of claims with this in their id.
    """
    os.environ.update(ONE_THREAD)
    for slug in slugs:
        chapter = ExecutedChapter(slug)
        chapter.slices = {id: needs for id, needs in chapter.slices.items() if only in id}
        again = in_a_fork(functools.partial(chapter.execute_again, set(chapter.needed)), 1e4)
        if not again or not all(again.values()):
            raise ledger.LedgerError(f"{slug}: executed again unchanged, not all its claims hold")
        for mutant in chapter.mutants():
            if (cells and is_of_the_library(mutant[1])) or not is_chosen(mutant[0], mutant[1], share, seed):
                continue
            if outcome := attempt(chapter, *mutant):
                yield outcome


def merged(found: Iterable[MutantOutcome]) -> list[MutantOutcome]:
    """One outcome for each mutant: several chapters run through the same functions of the library."""
    every: dict[tuple[str, int, int, str, str], MutantOutcome] = {}
    for one in found:
        seen = every.setdefault(one.place, one)
        claims, killers = dict.fromkeys(seen.claims + one.claims), dict.fromkeys(seen.killers + one.killers)
        effect = seen.effect or one.effect
        every[one.place] = replace(seen, claims=tuple(claims), killers=tuple(killers), effect=effect)
    return list(every.values())


def put_to_tests(outcome: MutantOutcome) -> MutantOutcome:
    """What becomes of a survivor of the library if its tests are run, too: `tested` is the first of them that fails."""
    if not (outcome.survived and is_of_the_library(str(ROOT / outcome.file))) or is_listed(outcome):
        return outcome
    tree = ast.parse((ROOT / outcome.file).read_text(encoding="utf-8"))
    next(m for m in mutations(tree) if (m.line, m.column, m.before, m.after) == outcome.place[1:]).apply()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "qlib", Path(folder, "qlib"))
        Path(folder, outcome.file).write_text(ast.unparse(tree), encoding="utf-8")
        tests = tests_of(outcome.file, outcome.function)
        return replace(outcome, tested=first_failure(Path(folder), outcome.file, tests))


def tests_of(file: str, function: str) -> list[Path]:
    """The files of tests that name something that a module defines, except those that look at the built book.

    First the module's own, then those that name a function, or a part of it.
    """
    module = ROOT / file
    tree = ast.parse(module.read_text(encoding="utf-8"))
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    found = {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        words = set(re.findall(r"\w+", text))
        if words & defined and not LOOKING.search(text):
            found[path] = path.stem != f"test_{module.stem}", not words & {*function.split(".")}
    return sorted(found, key=lambda path: found[path])


def first_failure(folder: Path, file: str, tests: Iterable[Path]) -> str:
    """The first doctest of a file, or test, that fails with the `qlib` of another folder; "" if all hold."""
    options = "-x", "-q", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--rootdir", ROOT
    command = [sys.executable, "-m", "pytest", *options, "-c", ROOT / "pyproject.toml", file, *tests]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=UNTESTED, check=False
        )
    except subprocess.TimeoutExpired:
        return "out of time"
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.M)
    return "" if not run.returncode else found[1].rpartition("::")[2] if found else run.stdout[-200:]


def claims_of(slug: str) -> list[ledger.Claim]:
    """The claims that a chapter checks."""
    return [claim for claim in ledger.load().values() if claim.chapter == slug and claim.verdict != "open"]


def chapters() -> list[str]:
    """The chapters that check a claim."""
    return sorted({claim.chapter for claim in ledger.load().values() if claims_of(claim.chapter)})


def table_of_mutants(found: list[MutantOutcome]) -> str:
    """What became of the mutants, by paper and by claim, then every survivor that is not known to be equivalent."""
    lines = [f"{'':42}{'mutants':>9}{'no effect':>11}{'killed':>9}{'by tests':>9}{'listed':>9}{'survive':>9}"]
    ids = sorted({id for outcome in found for id in outcome.claims})
    for paper in sorted({id.split(":")[0] for id in ids}):
        own = [o for o in found if any(id.startswith(f"{paper}:") for id in o.claims)]
        lines.append(_row(paper, own))
    lines += [_row("all", found), "", "mutants with an effect that the claim itself notices"]
    for id in ids:
        own = [o for o in found if id in o.claims and o.effect]
        lines.append(f"{id:42}{len(own):9}{'':11}{sum(id in o.killers for o in own):9}")
    lines.append("")
    for o in sorted(found, key=lambda o: (o.file, o.line)):
        if o.survived and not is_listed(o):
            named = ", ".join(o.claims[:3]) + (f" and {len(o.claims) - 3} more" if len(o.claims) > 3 else "")
            lines.append(f"{o.file}:{o.line} {o.function}\n    {o.before}\n    {o.after}\n    seen by none of {named}")
    return "\n".join(lines)


def _row(name: str, found: list[MutantOutcome]) -> str:
    survived = [o for o in found if o.survived]
    counts = len(found), sum(not o.effect for o in found), sum(bool(o.killers) for o in found)
    listed = sum(map(is_listed, survived))
    rest = sum(bool(o.tested) for o in found), listed, len(survived) - listed
    return f"{name:42}{counts[0]:9}{counts[1]:11}{counts[2]:9}{rest[0]:9}{rest[1]:9}{rest[2]:9}"
