"""What `pip install .` brings elsewhere: the science alone, with what it imports; what stays in the tree says so."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from compendium.build.bootstrap import find_uv
from compendium.claims import ledger
from compendium.paths import ROOT

ROOMS = "qlib.numbers, qlib.graphs, qlib.models, qlib.quantum, qlib.correlations"
BUILD = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
LINEAR_PROGRAM = (
    "import numpy as np; from qlib.models import bound_certificate; bound_certificate(np.full((2, 2, 2), 0.25))"
)
ON_REQUEST = {"rich", "qiskit"}  # imported by functions that were handed something of theirs
MODULE_OF = {"python-flint": "flint"}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)


def build(tree: Path) -> Path:
    """The wheel of a tree, as pip has it built."""
    said = run(sys.executable, "-c", BUILD, tree, cwd=tree)
    assert said.returncode == 0, said.stderr
    return tree / said.stdout.split()[-1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the wheel is made from."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("qlib", "compendium"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an empty environment into which the wheel was installed, without extras."""
    folder = tmp_path_factory.mktemp("bare")
    python, uv = folder / "venv/bin/python", find_uv()
    ours = [sys.executable, "-m"]
    made = [uv, "venv", "--no-project", "--python", sys.executable] if uv else [*ours, "venv", "--without-pip"]
    assert run(*made, folder / "venv", cwd=folder).returncode == 0
    pip = [*ours, "pip", "--python", python, "install", "--no-compile"]  # what is imported is compiled, and no more
    install = [uv, "pip", "install", "--python", python] if uv else pip
    if (first := run(*install, "flit_core", cwd=folder)).returncode:
        pytest.skip(f"no package index answers: {first.stderr.strip().splitlines()[-1]}")
    said = run(sys.executable, "-c", BUILD, folder, cwd=ROOT)
    done = run(*install, folder / said.stdout.split()[-1], cwd=folder)
    assert done.returncode == 0, done.stderr
    return python


def names_in(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_the_whole_science_and_nothing_else(tree: Path) -> None:
    names = {name for name in names_in(build(tree)) if ".dist-info/" not in name}
    files = (file for file in (ROOT / "qlib").rglob("*") if file.suffix in (".py", ".typed"))
    assert names == {file.relative_to(ROOT).as_posix() for file in files}


def test_a_module_that_was_deleted_is_not_in_the_next_wheel(tree: Path) -> None:
    (tree / "qlib/passing.py").write_text("", encoding="utf-8")
    assert "qlib/passing.py" in names_in(build(tree))
    (tree / "qlib/passing.py").unlink()
    assert "qlib/passing.py" not in names_in(build(tree))


def test_the_first_example_of_the_readme_runs_where_nothing_else_is_installed(bare: Path, tmp_path: Path) -> None:
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    said = run(bare, "-I", "example.py", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(re.findall(r"^print\(.*\)  # (.+)$", example, re.MULTILINE)[0])


@pytest.mark.parametrize("code", [f"import {ROOMS}", LINEAR_PROGRAM], ids=["import", "linear-program"])
def test_importing_and_solving_print_nothing(bare: Path, tmp_path: Path, code: str) -> None:
    said = run(bare, "-I", "-c", code, cwd=tmp_path)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_an_explanation_is_printed_without_rich(bare: Path, tmp_path: Path) -> None:
    steps = "(Step('Add', 'It is 3.', ('a', 'b'), (('1', '2'),)),)"
    code = f"from qlib.quantum import Explanation, Step; print(Explanation('A sum', {steps}))"
    said = run(bare, "-I", "-c", code, cwd=tmp_path)
    assert said.stdout.splitlines()[:2] == ["A sum", "Add: It is 3."], said.stderr


def test_without_qiskit_the_room_of_circuits_says_what_to_install(bare: Path, tmp_path: Path) -> None:
    said = run(bare, "-I", "-c", "import qlib.circuits", cwd=tmp_path)
    assert "pip install '.[circuits]'" in said.stderr.splitlines()[-1]


def imported(folder: Path) -> set[str]:
    """The top-level names of all that the modules of a folder import, at any depth."""
    nodes = [n for file in folder.rglob("*.py") for n in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"qlib"}


def test_the_core_declares_what_the_science_imports_and_nothing_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]]
    declared = {MODULE_OF.get(name, name) for name in named}
    rooms = [folder for folder in (ROOT / "qlib").iterdir() if folder.is_dir() and folder.name != "circuits"]
    found = set().union(*map(imported, rooms))
    assert declared <= found
    assert found - declared <= ON_REQUEST


def test_a_ledger_that_is_not_there_is_said_to_be_a_part_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(ledger.LedgerError, match=r"claims\.yml is not there.*--editable"):
        ledger.load(tmp_path / "claims.yml")


def test_the_build_says_where_it_belongs_when_it_is_run_elsewhere(tmp_path: Path) -> None:
    code = "from compendium.build import __main__ as m, plan; import pathlib, sys; m.ROOT = pathlib.Path(sys.argv[1])"
    code += "; m.app(['notebooks'], prog_name='x')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "is no book: run this from the project's directory" in done.stderr
