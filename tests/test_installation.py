"""What `pip install .` brings elsewhere: the modules of this tree, which say nothing unasked."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compendium.build.plan import ROOT
from compendium.claims import ledger

SOLVE = """
import numpy as np, pkgutil, importlib, qlib
for module in pkgutil.walk_packages(qlib.__path__, "qlib."):
    importlib.import_module(module.name)
from qlib.models import ace_bounds, certificate
p = np.array([[[0.0064, 0.0028], [0.9936, 0.1972]], [[0.0, 0.001], [0.0, 0.799]]])
ace_bounds(p), certificate(p)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[str]:
    """The files of the second of two wheels; in between a module is deleted."""
    tree = tmp_path_factory.mktemp("tree")
    copied = ["pyproject.toml", "setup.py", "README.md", "LICENSE"]
    copied += [str(path.relative_to(ROOT)) for name in ("qlib", "compendium") for path in (ROOT / name).rglob("*.*")]
    for name in (name for name in copied if "__pycache__" not in name):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())
    passing = tree / "qlib" / "passing.py"
    passing.write_text("", encoding="utf-8")
    made = build(tree)
    assert "qlib/passing.py" in made
    passing.unlink()
    return build(tree)


def build(tree: Path) -> set[str]:
    """The files of a wheel that is made of a tree, without a network."""
    order = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "."]
    subprocess.run([*order, "--wheel-dir", "wheels"], cwd=tree, check=True, capture_output=True)
    return set(zipfile.ZipFile(next((tree / "wheels").glob("*.whl"))).namelist())


def test_a_wheel_has_every_module_of_the_tree_and_what_it_reads(wheel):
    due = {str(path.relative_to(ROOT)) for name in ("qlib", "compendium") for path in (ROOT / name).rglob("*.py")}
    assert due <= wheel
    assert {"qlib/py.typed", "compendium/pages/explore.js"} <= wheel


def test_a_module_that_was_deleted_does_not_come_back(wheel):
    assert "qlib/passing.py" not in wheel


def test_to_import_all_and_to_solve_prints_nothing():
    done = subprocess.run([sys.executable, "-c", SOLVE], cwd=ROOT, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_ledger_that_is_not_there_is_said_to_be_a_part_of_the_project(tmp_path):
    with pytest.raises(ledger.LedgerError, match=r"claims\.yml is not there.*--editable"):
        ledger.load(tmp_path / "claims.yml")


def test_the_build_says_where_it_belongs_when_it_is_run_elsewhere(tmp_path):
    code = "from compendium.build import __main__ as m, plan; import pathlib, sys; m.ROOT = pathlib.Path(sys.argv[1])"
    code += "; m.app(['notebooks'], prog_name='x')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "is no book: run this from the project's directory" in done.stderr
