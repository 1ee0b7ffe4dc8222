"""The house: rooms import downwards only, in no circle, and say what is in them."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import networkx as nx
import pytest

import qlib
from compendium.paths import ROOT

ROOMS = ("numbers", "graphs", "models", "quantum", "correlations", "circuits")
BELOW = {room: set(ROOMS[: k + 1]) for k, room in enumerate(ROOMS)} | {"circuits": {*ROOMS} - {"correlations"}}
FILES = sorted((ROOT / "qlib").rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path, anywhere: bool = True) -> set[str]:
    """Dotted names of the modules that a file imports, inside functions as well if `anywhere`."""
    found: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_room_imports_from_rooms_below_it_and_never_from_the_book(file: Path) -> None:
    module = module_of(file)
    for name in imports(file):
        assert not name.startswith("compendium"), f"{module} imports {name}"
        if name.startswith("qlib.") and module != "qlib":
            assert name.split(".")[1] in BELOW[module.split(".")[1]], f"{module} imports {name}"


@pytest.mark.parametrize("package", ["qlib", "compendium"])
def test_modules_import_each_other_in_no_circle(package: str) -> None:
    files = {module_of(file): file for file in sorted((ROOT / package).rglob("*.py")) if file.name != "__init__.py"}
    arrows = [(name, used) for name, file in files.items() for used in imports(file, anywhere=False) if used in files]
    assert not list(nx.simple_cycles(nx.DiGraph(arrows)))


def test_qiskit_is_imported_by_the_room_of_circuits_alone() -> None:
    """Elsewhere only inside functions that were handed an object of Qiskit's."""
    for file in FILES:
        if "circuits" not in file.parts:
            assert not any(name.startswith("qiskit") for name in imports(file, anywhere=False)), file


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_all_that_its_modules_document(room: str) -> None:
    package = importlib.import_module(f"qlib.{room}")
    offered = set(package.__all__)
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"qlib.{room}.{info.name}")
        for name, item in vars(module).items():
            documented = (inspect.isroutine(item) or inspect.isclass(item)) and not name.startswith("_")
            if documented and item.__module__ == module.__name__:
                assert getattr(package, name, None) is item, f"qlib.{room} lacks {name} of {info.name}"
    assert all(getattr(package, name).__doc__ for name in offered if callable(getattr(package, name)))


def test_no_module_bears_the_name_of_something_that_its_room_offers() -> None:
    for room in ROOMS:
        package = importlib.import_module(f"qlib.{room}")
        assert not {info.name for info in pkgutil.iter_modules(package.__path__)} & set(package.__all__)


def test_the_whole_library_is_in_rooms() -> None:
    assert {info.name for info in pkgutil.iter_modules(qlib.__path__)} == set(ROOMS)


PROCESS = {"qlib.quantum.process_operators", "qlib.quantum.process_parts", "qlib.quantum.processes"}
"""What a process is, in three files: what they and counterfactuals share is nobody else's."""


@pytest.mark.parametrize("package", ["qlib", "compendium"])
def test_what_is_private_to_a_module_is_imported_by_no_other(package: str) -> None:
    taken = [
        f"{module_of(file)} imports {alias.name} of {node.module}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
        if not (node.module in PROCESS and module_of(file) in PROCESS | {"qlib.quantum.counterfactuals"})
    ]
    assert not taken, "\n".join(taken)


@pytest.mark.parametrize("package", ["qlib", "compendium"])
def test_a_function_fits_on_a_screen(package: str) -> None:
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{module_of(file)}: {node.name} has {length} lines"


def test_no_public_name_of_the_library_is_defined_in_two_modules() -> None:
    where: dict[str, list[str]] = {}
    for file in FILES:
        for name in defined(ast.parse(file.read_text(encoding="utf-8"))):
            if not name.startswith("_"):
                where.setdefault(name, []).append(module_of(file))
    assert not {name: modules for name, modules in where.items() if len(modules) > 1}


def defined(module: ast.Module) -> set[str]:
    """The names that a module binds at its top level, other than by import."""
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "book").rglob("*.md"))], ids=lambda page: page.stem
)
def test_a_reader_imports_from_rooms(page: Path) -> None:
    """A module's name stands in a chapter only for what its room does not offer."""
    statements = re.findall(r"^ *from (qlib\.\w+)\.(\w+) import (\([^)]*\)|.*)$", page.read_text("utf-8"), re.MULTILINE)
    for room, module, names in statements:
        package, there = importlib.import_module(room), importlib.import_module(f"{room}.{module}")
        for name in re.findall(r"(\w+)(?: as \w+)?", names):
            assert getattr(package, name, None) is not getattr(there, name), f"from {room} import {name}"
