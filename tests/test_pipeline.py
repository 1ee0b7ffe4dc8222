"""The pipeline: what depends on what, what is refused, and what survives failure and force."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, fields
from importlib import metadata
from itertools import chain
from pathlib import Path

import nbformat
import papermill.engines
import pytest
import yaml

import qlib
from compendium.build import bootstrap, build, chapter_files, execute, site, warm
from compendium.build.children import kernel_environment
from compendium.build.notebooks import pair
from compendium.build.plan import ROOT, Chapter, Plan, PlanError, toc_files
from compendium.build.secrets import find_secret, redact, secrets_in
from compendium.build.takeaway import GUARD
from compendium.claims.ledger import Record

CHAPTER = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# {title}

```{{code-cell}} ipython3
:tags: [parameters]
shots = 100
seed: int = 1
```

```{{code-cell}} ipython3
{code}
```
"""
LEDGER = """
class LedgerError(Exception):
    pass


def load(path):
    return {}


def collate(notebooks, claims):
    return []
"""
KEY = "k3y-0f-a-stranger"


def write(path: Path, text: str) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def copy_machinery(folder: Path) -> None:
    """What builds this book, with an empty ledger."""
    for name in ("compendium/build", "profiles", "Snakefile", "requirements.lock"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for package in ("qlib", "compendium", "compendium/claims", "compendium/pages"):
        write(folder / package / "__init__.py", "")
    write(folder / "compendium/claims/ledger.py", LEDGER)
    shutil.copy(ROOT / "compendium/pages/reading.py", folder / "compendium/pages")
    write(folder / "data/claims.yml", "[]\n")
    write(folder / "data/parameters/paper.yml", "{}\n")
    write(folder / "_config.yml", "title: Toy\n")


def project(folder: Path, chapters: dict[str, str]) -> Path:
    """A small project with these chapters, by name and code."""
    copy_machinery(folder)
    write(folder / "qlib/lower.py", "X = 1\n")
    write(folder / "qlib/upper.py", "def x():\n    from .lower import X\n    return X\n")
    write(folder / "qlib/other.py", "Y = 2\n")
    toc = {"format": "jb-book", "root": "book/intro", "chapters": [{"file": f"book/part/{name}"} for name in chapters]}
    write(folder / "_toc.yml", yaml.safe_dump(toc))
    write(folder / "book/intro.md", "# Toy\n")
    for name, code in chapters.items():
        write(folder / f"book/part/{name}.md", CHAPTER.format(title=name, code=code))
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project: chapter a uses module lower through upper, b uses lower itself, c uses none."""
    return project(tmp_path, {"a": "from qlib import upper\nupper.x()", "b": "import qlib.lower", "c": "1 + 1"})


def make(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Build the small project's chapters and ledger."""
    command = [sys.executable, "-m", "compendium.build", "book", "--no-website", *arguments]
    inherited = {**os.environ, "PYTHONUTF8": "1", **environment}
    return subprocess.run(command, cwd=tree, env=inherited, capture_output=True, text=True, timeout=300, check=False)


def executed(tree: Path) -> dict[str, int]:
    """The finished chapters, and when each was finished."""
    folder = tree / "_build/paper/executed/part"
    return {file.parts[-3]: file.stat().st_mtime_ns for file in folder.rglob("notebook.ipynb")}


# --- what depends on what -------------------------------------------------------------------------------------------


def test_reading_order_is_that_of_the_table_of_contents():
    toc = {
        "root": "a",
        "parts": [{"chapters": [{"file": "b", "sections": [{"file": "c"}]}]}, {"chapters": [{"file": "d"}]}],
    }
    assert list(toc_files(toc)) == ["a", "b", "c", "d"]


def changes(tree: Path) -> dict[str, list[str]]:
    """Which inputs of which chapters have changed since this was asked the last time."""
    return {slug: changed for slug, changed in Plan(root=tree).write_record().items() if changed}


def edit(tree: Path, module: str, code: str) -> dict[str, list[str]]:
    """What an edit of a module changes."""
    changes(tree)
    write(tree / module, code)
    return changes(tree)


def test_dependence_is_transitive_and_exact(tree):
    plan = Plan(root=tree)
    assert plan.modules("part/a") == {"qlib", "qlib.upper", "qlib.lower"}
    assert plan.modules("part/b") == {"qlib", "qlib.lower"}
    assert plan.modules("part/c") == set()


def test_magics_do_not_hide_imports(tree):
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code="%matplotlib inline\nimport qlib.other\n!ls"))
    assert "qlib.other" in Plan(root=tree).modules("part/c")


def test_code_that_cannot_be_parsed_depends_on_everything(tree):
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code="def"))
    plan = Plan(root=tree)
    assert plan.modules("part/c") == set(plan.library.files) >= {"qlib", "qlib.lower", "qlib.other", "qlib.upper"}


def test_a_line_that_begins_with_a_percent_sign_is_not_taken_for_a_magic(tree):
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code="x = (5\n    % 2)\nimport qlib.other"))
    assert Plan(root=tree).modules("part/c") == {"qlib", "qlib.other"}


def test_editing_a_module_concerns_its_users_only(tree):
    changed = edit(tree, "qlib/upper.py", "def x():\n    from .lower import X\n    return 2 * X\n")
    assert changed == {"part/a": ["qlib.upper.x"]}


def test_editing_a_function_concerns_those_who_can_call_it_only(tree):
    write(tree / "book/part/b.md", CHAPTER.format(title="b", code="from qlib.upper import unused"))
    changed = edit(tree, "qlib/upper.py", "def x():\n    return 1\n\n\ndef unused():\n    return 2\n")
    assert "qlib.upper.x" in changed["part/a"]
    assert changed["part/b"] == ["qlib.upper.unused (which does not exist)"]
    assert edit(tree, "qlib/upper.py", "def x():\n    return 1\n\n\ndef unused():\n    return 3\n") == {}


def test_what_a_room_offers_is_traced_to_where_it_is_defined(tree):
    write(tree / "qlib/room/__init__.py", "from qlib.room.inner import one, two\n\n__all__ = ['one', 'two']\n")
    write(tree / "qlib/room/inner.py", "def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    write(tree / "book/part/a.md", CHAPTER.format(title="a", code="from qlib.room import one\none()"))
    write(tree / "book/part/b.md", CHAPTER.format(title="b", code="import qlib.room\nqlib.room.two()"))
    changed = edit(tree, "qlib/room/inner.py", "def one():\n    return 10\n\n\ndef two():\n    return 2\n")
    assert changed == {"part/a": ["qlib.room.inner.one"]}
    changed = edit(tree, "qlib/room/inner.py", "def one():\n    return 10\n\n\ndef two():\n    return 20\n")
    assert changed == {"part/b": ["qlib.room.inner.two"]}


def test_an_edit_of_a_function_of_this_tree_concerns_the_chapters_that_reach_it():
    plan = Plan()
    users = {slug for slug in plan.chapters if "qlib.models.balke_pearl.derive_bounds" in plan.inputs(slug)}
    assert "joint-exogeneity/linear-program" in users
    assert not users & {"fine-tuning/exhaustion", "super-confounding/hierarchy", "counterfactuals/queries"}


def test_what_is_taken_from_the_last_record_is_what_would_be_found_anew(tree):
    changes(tree)
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code="import qlib.other"))
    kept = Plan(root=tree).record
    (tree / "_build/paper/plan.json").unlink()
    assert kept == Plan(root=tree).record


def test_touching_changes_nothing(tree):
    before = Plan(root=tree).targets
    for file in [*tree.glob("book/**/*.md"), *tree.glob("qlib/*.py"), tree / "data/claims.yml"]:
        os.utime(file, (2**31, 2**31))
    assert Plan(root=tree).targets == before


@pytest.mark.parametrize("when", [0, 2**31], ids=["1970", "2038"])
def test_an_edit_is_seen_whatever_the_clock_says(tree, when):
    before = Plan(root=tree).targets
    os.utime(write(tree / "book/part/c.md", CHAPTER.format(title="c", code="2 + 2")), (when, when))
    after = Plan(root=tree).targets
    assert {name for name in after if after[name] != before[name]} == {"part/c", "ledger", "website"}


def test_a_claim_concerns_its_own_chapter_only(tree):
    changed = edit(tree, "data/claims.yml", yaml.safe_dump([{"id": "wz:eq1", "chapter": "part/b"}]))
    assert changed == {"part/b": ["claims"]}


def test_the_ledgers_pages_depend_on_every_claim():
    plan = Plan()
    assert {"reference/ledger", "reference/corrections", "intro"} <= set(plan.ledger_pages)
    assert not set(plan.ledger_pages) & set(plan.chapters)


# --- profiles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["paper", "quick"])
def test_this_trees_profiles_name_what_exists(profile):
    plan = Plan(profile)
    assert all(isinstance(plan.parameters(slug), dict) for slug in plan.notebooks)


def test_the_code_of_a_chapter_is_that_of_its_cells():
    for slug, chapter in Plan().notebooks.items():
        assert chapter.code == [cell.source.strip("\n") for cell in chapter.cells], slug


def test_parameters_are_the_names_that_the_tagged_cell_assigns(tree):
    assert Chapter("part/c", tree / "book/part/c.md").parameters == {"shots", "seed"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("part/d: {shots: 1}", "no chapter 'part/d'"),
        ("part/a: {shot: 1}", "no parameter shot; .*seed, shots"),
        ("part/a: 1", "mapping .* not 1"),
        ("[part/a]", "list"),
        ("part/a: {", "not valid YAML"),
    ],
)
def test_a_profile_is_refused_by_naming_what_is_wrong(tree, content, named):
    write(tree / "data/parameters/mine.yml", content)
    with pytest.raises(PlanError, match=named):
        Plan("mine", tree).parameters("part/a")


@pytest.mark.parametrize("profile", ["quik", "../quick", "/tmp/quick", "", ".", "quick\n", "quick/x"])
def test_an_unknown_profile_is_refused_with_the_known_ones(profile, tree):
    shutil.copy(ROOT / "data/parameters/quick.yml", tree / "data/parameters")
    before = set(tree.rglob("*"))
    with pytest.raises(PlanError, match=r"there is no profile.*paper, quick"):
        build.build(Plan(profile, tree))
    assert set(tree.rglob("*")) == before


def test_the_profile_is_what_a_chapter_runs_with(tree):
    write(tree / "data/parameters/mine.yml", "part/c: {shots: 7}\n")
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code="shots, seed"))
    command = [sys.executable, "-m", "compendium.build", "execute", "part/c", "--profile", "mine"]
    subprocess.run(command, cwd=tree, check=True)
    shown = nbformat.read(Plan("mine", tree).executed("part/c"), as_version=4).cells[-1].outputs
    assert shown[0].data["text/plain"] == "(7, 1)"


def test_only_the_published_profile_writes_published_data():
    assert Plan("paper").generated == ROOT / "data" / "generated"
    assert Plan("quick").generated.is_relative_to(ROOT / "_build" / "quick")


# --- execution: failure, force, keys --------------------------------------------------------------------------------


FAILING = {"cell": "# note\nvalue = 1 / 0", "no_python": "print(1)\nx = = 2", "no_module": "import qlib.broken"}
ISOLATED = """import os, numpy
print(os.environ.get("MARK"), hasattr(numpy, "mark"), hash("mark"), os.getsid(0) == os.getpid())
os.environ["MARK"] = numpy.mark = "made"
"""


@dataclass(frozen=True)
class Story:
    """A project of which some chapters fail: it is built twice, mended, and then built twice at once."""

    tree: Path
    failed: list[subprocess.CompletedProcess]
    kept: list[dict[str, int]]  # the finished chapters after each failure
    mended: list[tuple[int, str]]  # exit code and output of the two builds at once
    finished: dict[str, int]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Five builds in a folder with an odd name, without a home, for all tests that ask what became of a chapter."""
    folder = tmp_path_factory.mktemp("story") / "Übung & Größe 'n' more $HOME; (1)"
    tree = project(folder, {"a": "from qlib import upper\nupper.x()", "one": ISOLATED, "two": ISOLATED, **FAILING})
    write(tree / "qlib/broken.py", "X = 1\nY = = 2\n")
    failed, kept = [], []
    for _ in range(2):
        failed.append(make(tree, HOME="/dev/null"))
        kept.append(executed(tree))
    write(tree / "qlib/broken.py", "X = 1\n")
    for name in ("cell", "no_python"):
        write(tree / f"book/part/{name}.md", CHAPTER.format(title=name, code="value = 1"))
    command = [sys.executable, "-m", "compendium.build", "book", "--no-website"]
    environment = {**os.environ, "PYTHONUTF8": "1", "HOME": "/dev/null"}
    pipe = {"stdout": subprocess.PIPE, "text": True}
    builds = [subprocess.Popen(command, cwd=tree, env=environment, **pipe) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in builds]
    mended = [(process.returncode, text) for process, text in zip(builds, said, strict=True)]
    return Story(tree, failed, kept, mended, executed(tree))


def test_failure_is_told_each_time_until_mended_and_the_rest_is_kept(story):
    for result, kept in zip(story.failed, story.kept, strict=True):
        assert result.returncode != 0
        assert "part/cell, code cell 2 (book/part/cell.md:17)" in result.stdout, result.stdout
        assert "ZeroDivisionError: division by zero" in result.stdout
        assert set(kept) == {"a", "one", "two"}
    assert story.kept[0] == story.kept[1]
    assert story.kept[0].items() <= story.finished.items()
    assert sum("3 of 6 chapters to execute" in text for _, text in story.mended) == 1


def test_a_kernel_that_dies_is_told_with_its_cell_and_nothing_is_written_between_two_cells(tree, tmp_path, monkeypatch):
    """papermill writes the notebook before and after every cell if it is left to itself."""
    written = []
    monkeypatch.setattr(
        papermill.engines, "write_ipynb", lambda nb, path: written.append(path) or nbformat.write(nb, path)
    )
    monkeypatch.setattr(os, "environ", {**os.environ, **kernel_environment(Plan(root=tree))})
    cells = ["x = 1", "import os\nos._exit(3)", "y = 2"]
    dying = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    with pytest.raises(execute.ChapterError, match=r"part/a, code cell 2.*\n  import os\n  DeadKernelError"):
        execute.run_notebook(Plan(root=tree), "part/a", dying, tmp_path / "notebook.ipynb", {})
    assert len(written) == 2  # before the first cell, and after the last that ran


def test_a_cell_that_fails_is_told_by_its_place_where_its_kernel_has_not_said_its_number(tree, tmp_path, monkeypatch):
    output = tmp_path / "notebook.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in ("x = 1", "1 / 0", "y = 2")]
    for cell in cells[:2]:
        cell.metadata.papermill = {"start_time": "now"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells), output)

    def failing(*_: object, **__: object) -> None:
        raise papermill.exceptions.PapermillExecutionError(1, None, "1 / 0", "ZeroDivisionError", "division", [])

    monkeypatch.setattr(execute.papermill, "execute_notebook", failing)
    with pytest.raises(execute.ChapterError, match=r"^part/a, code cell 2 .*\n  1 / 0\n  ZeroDivisionError: division$"):
        execute.run_notebook(Plan(root=tree), "part/a", nbformat.v4.new_notebook(), output, {})


def test_what_is_printed_in_pieces_is_one_output_as_long_as_nothing_comes_between(tree, tmp_path, monkeypatch):
    """A kernel sends what is printed when its clock says so: two builds would not be the same bytes."""
    monkeypatch.setattr(os, "environ", {**os.environ, **kernel_environment(Plan(root=tree))})
    code = "import sys, time\nfor k in range(3):\n    print(k, flush=True)\n    time.sleep(0.3)\n"
    code += "print('!', file=sys.stderr, flush=True)\ntime.sleep(0.3)\nprint('end')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    done = execute.run_notebook(Plan(root=tree), "part/a", notebook, tmp_path / "notebook.ipynb", {})
    for cell in (done.cells[-1], nbformat.read(tmp_path / "notebook.ipynb", as_version=4).cells[-1]):
        said = [(output.name, output.text) for output in cell.outputs]
        assert said == [("stdout", "0\n1\n2\n"), ("stderr", "!\n"), ("stdout", "end\n")]


def test_who_asks_for_a_warm_process_imports_none_of_the_libraries_that_it_asks_for():
    code = "import sys, compendium.build.warm; print(*sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"jupytext", "nbformat", "numpy", "papermill", "sympy"} & set(asked.stdout.split())


@pytest.mark.skipif(not warm.possible(), reason="no warm process here")
def test_what_a_warm_process_imports_is_there_and_starts_no_thread():
    """A fork of a process with threads is not safe; what cannot be imported is passed over without a word."""
    code = "import os, sys; from compendium.build.warm import *; names = {*JOBS, *LIBRARIES, *WEBSITE}; preload(names);"
    code += "print(sorted(names - {*sys.modules}), len(os.listdir('/proc/self/task')))"
    environment = {**os.environ, **kernel_environment(Plan())}
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "[] 1\n"


def test_a_warm_chapter_is_as_one_that_starts_afresh_and_sees_nothing_of_another(story, tree):
    write(tree / "book/part/c.md", CHAPTER.format(title="c", code=ISOLATED))
    subprocess.run([sys.executable, "-m", "compendium.build", "execute", "part/c"], cwd=tree, check=True)
    places = [(story.tree, "one"), (story.tree, "two"), (tree, "c")]
    outputs = [nbformat.read(Plan(root=root).executed(f"part/{name}"), 4).cells[-1].outputs for root, name in places]
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0][0].text.startswith("None False ")
    assert outputs[0][0].text.endswith(" True\n")


def test_a_cell_that_is_no_python_is_told_by_file_and_line_before_anything_runs(story):
    assert "book/part/no_python.md:18: SyntaxError: invalid syntax" in story.failed[0].stdout
    assert "part/no_python, code cell" not in story.failed[0].stdout


def test_a_module_that_is_no_python_is_told_by_file_and_line(story):
    assert "part/no_module, code cell 2" in story.failed[0].stdout
    assert "SyntaxError: invalid syntax (broken.py, line 2)" in story.failed[0].stdout


def test_what_is_edited_while_it_is_executed_is_not_kept_under_the_old_digest(tree):
    code = "import pathlib, qlib.lower; pathlib.Path('qlib/lower.py').write_text('X = 2\\n'); qlib.lower.X"
    write(tree / "book/part/b.md", CHAPTER.format(title="b", code=code))
    result = make(tree)
    assert result.returncode != 0
    assert "edited in the meantime" in result.stdout
    assert "b" not in executed(tree)
    assert make(tree).returncode == 0


# --- an edit that execution cannot notice ----------------------------------------------------------------------------


COUNTED = """import os, pathlib
import qlib.other
log = pathlib.Path(os.environ["COUNT"])
log.write_text(log.read_text() + "c")
print(qlib.other.Y)
"""
SHOWN = """import pathlib
from compendium.pages import ledger_pages
log = pathlib.Path("shown")
log.write_text(log.read_text() + "s" if log.exists() else "s")
print(pathlib.Path("data/generated/ledger.json").read_text())
"""
FIELDS = [field.name for field in fields(Record)]
TASKS = "```{exercise}\n:label: ex\nFind y.\n```\n\n```{solution} ex\n```python\ny = 1\n```\n```\n"


@pytest.fixture
def counted(tmp_path: Path, monkeypatch) -> tuple[Path, Path]:
    """A project whose chapters c and led, which shows the ledger, count their runs in a file each."""
    tree = project(tmp_path / "tree", {"c": COUNTED, "led": SHOWN})
    write(tree / "compendium/pages/ledger_pages.py", "")
    write(tree / "compendium/pages/exercises.py", "def run_solutions(chapter, names): pass\n")
    write(tree / "data/generated/ledger.json", "first")
    monkeypatch.setattr(os, "environ", {**os.environ, "COUNT": str(write(tmp_path / "count", ""))})
    return tree, tmp_path / "count"


def run(tree: Path, slug: str) -> list[tuple]:
    """Execute a chapter as it is now; returns its cells, without what papermill notes of its run."""
    execute.execute_chapter(plan := Plan(root=tree), slug)
    cells = nbformat.read(plan.executed(slug), as_version=4).cells
    kept = [{name: value for name, value in cell.metadata.items() if name != "papermill"} for cell in cells]
    return [(c.source, of, c.get("outputs"), c.get("execution_count")) for c, of in zip(cells, kept, strict=True)]


def test_a_change_of_the_text_runs_nothing_and_leaves_what_a_run_would(counted):
    tree, count = counted
    write(tree / "data/parameters/paper.yml", "part/c: {shots: 7}\n")
    run(tree, "part/c")
    page = tree / "book/part/c.md"
    write(page, page.read_text(encoding="utf-8").replace("# c\n", "# c\n\nMore.\n") + f"\nAt the end.\n\n{TASKS}")
    first = run(tree, "part/c")
    assert count.read_text() == "cc", "there are new exercises"
    write(page, page.read_text(encoding="utf-8").replace("More.", "A sentence.") + "\nThe end.\n")
    kept = run(tree, "part/c")
    assert count.read_text() == "cc"
    assert any("A sentence." in source for source, *_ in kept)
    assert [cell[2:] for cell in kept if cell[3]] == [cell[2:] for cell in first if cell[3]]
    shutil.rmtree(tree / "_build")
    assert run(tree, "part/c") == kept
    write(tree / "qlib/other.py", "Y = 3\n")
    assert run(tree, "part/c") != kept
    assert count.read_text() == "cccc"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("print(", "print(1, "),
        (":tags: [parameters]", ":tags: [parameters, hide-input]"),
        ("y = 1", "y = 2"),
        ("Find y.", "Find the number y."),
        ("display_name: Python 3", "display_name: Python"),
    ],
)
def test_what_execution_may_notice_has_another_key(tree, old, new):
    page = tree / "book/part/c.md"
    text = CHAPTER.format(title="c", code="print(2)") + TASKS
    keys = []
    for each in (text, text.replace("# c\n", "# Another title\n"), text.replace(old, new)):
        write(page, each)
        keys.append(Plan(root=tree).run_key("part/c"))
    assert text.replace(old, new) != text
    assert keys[0] == keys[1] != keys[2]


def test_a_page_that_shows_the_ledger_runs_again_when_the_ledger_says_something_else(counted):
    tree, _ = counted
    runs = []
    for number, said in enumerate(("first", "first", "second", "second")):
        write(tree / "data/generated/ledger.json", said)
        write(tree / "book/part/c.md", CHAPTER.format(title=f"Title {number}", code=COUNTED))
        assert run(tree, "part/led")[-1][2][0].text == f"{said}\n"
        runs.append((tree / "shown").read_text())
    assert runs == ["s", "s", "ss", "ss"]


def test_the_ledger_stays_as_old_as_what_it_says(counted, monkeypatch):
    """Sphinx reads the pages again that show what is newer than they are."""
    tree, _ = counted
    records: list[Record] = []
    monkeypatch.setattr(site.ledger, "load", lambda file: {})
    monkeypatch.setattr(site.ledger, "collate", lambda notebooks, claims: records)
    run(tree, "part/c")
    times = []
    for change in (lambda: None, lambda: None, lambda: records.append(Record(**dict.fromkeys(FIELDS, "")))):
        change()
        write(tree / "data/claims.yml", f"[]\n# {len(times)}\n")
        run(tree, "part/c")
        times.append(site.make_ledger(Plan(root=tree)).stat().st_mtime_ns)
    assert times[0] == times[1] < times[2]


def test_what_is_made_of_a_chapter_is_made_once_and_for_an_edited_one_anew(counted):
    tree, _ = counted

    def made() -> dict[str, Path]:
        plan = Plan(root=tree)
        return {slug: chapter_files.chapter_files(plan, slug) / "page.ipynb" for slug in plan.notebooks}

    run(tree, "part/c"), run(tree, "part/led")
    before = made()
    written = {slug: file.stat().st_mtime_ns for slug, file in before.items()}
    assert {slug: file.stat().st_mtime_ns for slug, file in made().items()} == written
    write(tree / "book/part/c.md", CHAPTER.format(title="Another", code=COUNTED))
    run(tree, "part/c"), run(tree, "part/led")
    after = made()
    assert "Another" in after["part/c"].read_text(encoding="utf-8")
    chapter_files.tidy_chapter_files(Plan(root=tree))
    assert not before["part/c"].exists()
    assert all(file.exists() for file in after.values())


@pytest.mark.parametrize("edited", [False, True])
def test_libraries_that_were_imported_before_an_edit_are_not_used_after_it(tree, monkeypatch, edited):
    started, used = [], []

    @contextlib.contextmanager
    def process(plan, jobs, chapters):
        started.append(jobs)
        if edited and len(started) == 1:
            write(tree / "qlib/lower.py", "X = 2\n")
        yield {"COMPENDIUM_WARM": str(len(started))}

    monkeypatch.setattr(build.warm, "process", process)
    monkeypatch.setattr(build, "follow", lambda plan, command, extra, total, console: used.append(extra) or 1)
    assert build.build(Plan(root=tree), website=False)
    assert used == [{"COMPENDIUM_WARM": "2" if edited else "1"}]


def test_a_build_works_in_any_folder_without_a_home(story):
    assert [code for code, _ in story.mended] == [0, 0], story.mended
    assert set(story.finished) == {"a", "one", "two", *FAILING}


def test_two_builds_at_once_are_one_after_the_other(story):
    assert [code for code, _ in story.mended] == [0, 0], story.mended
    assert sum("6 chapters are up to date" in text for _, text in story.mended) == 1


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def processes_in(tree: Path) -> list[int]:
    """Processes whose directory or command is in the small project."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            if (folder / "cwd").readlink() == tree or str(tree) in command:
                found.append(int(folder.name))
    return [pid for pid in found if is_running(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, children that are left alone go on to their end")
@pytest.mark.parametrize("chapters", [2, 5], ids=["cold", "warm"])
def test_a_build_whose_first_process_is_killed_leaves_none_and_goes_on_where_it_was(tree, chapters):
    toc = {
        "format": "jb-book",
        "root": "book/intro",
        "chapters": [{"file": f"book/part/{c}"} for c in "abcde"[:chapters]],
    }
    write(tree / "_toc.yml", yaml.safe_dump(toc))
    for name in "de":
        write(tree / f"book/part/{name}.md", CHAPTER.format(title=name, code="1"))
    code = "import pathlib, time; pathlib.Path('kernel').touch(); time.sleep(60)"
    write(tree / "book/part/b.md", CHAPTER.format(title="b", code=code))
    command = [sys.executable, "-m", "compendium.build", "book", "--no-website", "--jobs", "2"]
    first = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while not (executed(tree) and (tree / "kernel").exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    first.kill()
    first.wait()
    while processes_in(tree) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_in(tree) == []
    kept = executed(tree)
    assert kept
    write(tree / "book/part/b.md", CHAPTER.format(title="b", code="1"))
    result = make(tree)
    assert result.returncode == 0, result.stdout
    assert kept.items() <= executed(tree).items()
    assert set(executed(tree)) == set("abcde"[:chapters])


@pytest.mark.parametrize(
    "code",
    [
        'import os; print("key", os.environ["IONQ_API_KEY"])',
        'import os; open(os.environ["COMPENDIUM_GENERATED"] + "/t.txt", "w").write(os.environ["IONQ_API_KEY"])',
        'import os; raise ValueError(os.environ["IONQ_API_KEY"])',
    ],
    ids=["output", "file", "error"],
)
def test_a_key_of_the_environment_is_not_stored(tree, code):
    write(tree / "book/part/a.md", CHAPTER.format(title="a", code=code))
    command = [sys.executable, "-m", "compendium.build", "execute", "part/a"]
    environment = {**os.environ, "IONQ_API_KEY": KEY}
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "IONQ_API_KEY" in result.stderr
    assert KEY not in result.stdout + result.stderr
    assert not [f for f in tree.rglob("*") if f.is_file() and KEY.encode() in f.read_bytes()]


def test_keys_are_found_by_the_names_of_their_variables():
    found = secrets_in({"IONQ_API_KEY": KEY, "GITHUB_TOKEN": KEY, "PATH": KEY, "MY_SECRET": "short"})
    assert set(found) == {"IONQ_API_KEY", "GITHUB_TOKEN"}
    assert find_secret("nothing", found) is None
    assert redact(f"<{KEY}>", {"IONQ_API_KEY": KEY}) == "<<IONQ_API_KEY>>"


def test_an_edited_notebook_is_taken_over_and_nothing_else_is_touched(tree):
    plan = Plan(root=tree)
    sources = {file: file.read_text(encoding="utf-8") for file in tree.glob("book/**/*.md")}
    assert pair(plan) == []
    assert pair(plan) == []
    assert sources == {file: file.read_text(encoding="utf-8") for file in sources}
    notebook = tree / "notebooks/part/c.ipynb"
    write(notebook, notebook.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"))
    os.utime(notebook, (2**31, 2**31))
    assert pair(Plan(root=tree)) == ["part/c"]
    text = (tree / "book/part/c.md").read_text(encoding="utf-8")
    assert "1 + 2" in text
    assert GUARD not in text  # the notebook's own cell stays with the notebook
    assert pair(Plan(root=tree)) == []


# --- installation ---------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A bootstrap in an empty project that only notes what it would do."""
    for name in ("requirements.lock", "pyproject.toml"):
        write(tmp_path / name, name)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv/compendium.json")
    monkeypatch.setattr(bootstrap, "find_uv", lambda: None)
    monkeypatch.setattr(bootstrap, "bring_uv", lambda: None)
    monkeypatch.delenv("PYTHON", raising=False)
    noted: list[str] = []

    def create(python, uv):
        noted.append("create")
        shutil.rmtree(bootstrap.VENV, ignore_errors=True)
        (bootstrap.VENV / "bin").mkdir(parents=True)
        (bootstrap.VENV / "bin/python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "create", create)
    monkeypatch.setattr(bootstrap, "install", lambda uv, lock: noted.append("lock and tree" if lock else "tree"))
    return noted


def test_a_finished_environment_is_left_alone(steps):
    bootstrap.main()
    bootstrap.main()
    assert steps == ["create", "lock and tree"]


def test_an_environment_whose_installation_was_killed_is_made_anew(steps, monkeypatch):
    def killed(uv, lock):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", killed)
        with contextlib.suppress(KeyboardInterrupt):
            bootstrap.main()
    bootstrap.main()
    assert steps == ["create", "create", "lock and tree"]


def test_a_new_lock_is_installed_and_a_new_project_file_reinstalls_the_tree_only(steps):
    bootstrap.main()
    write(bootstrap.ROOT / "requirements.lock", "new")
    bootstrap.main()
    write(bootstrap.ROOT / "pyproject.toml", "new")
    bootstrap.main()
    assert steps == ["create", "lock and tree", "lock and tree", "tree"]


def test_an_environment_that_another_tree_lends_is_replaced_and_left_alone(steps, tmp_path):
    theirs = tmp_path / "another/.venv"
    write(theirs / "compendium.json", '{"root": "elsewhere"}')
    bootstrap.VENV.symlink_to(theirs, target_is_directory=True)
    bootstrap.main()
    assert not bootstrap.VENV.is_symlink()
    assert (theirs / "compendium.json").read_text(encoding="utf-8") == '{"root": "elsewhere"}'


def test_a_wished_python_that_does_not_run_is_refused_by_name(steps, monkeypatch):
    monkeypatch.setenv("PYTHON", "/no/such/python")
    with pytest.raises(SystemExit, match=r"/no/such/python does not run.*3\.11 to 3\.13"):
        bootstrap.main()


def test_supported_pythons_are_those_of_the_package():
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert requires == ">={}.{},<{}.{}".format(*bootstrap.OLDEST, bootstrap.NEWEST[0], bootstrap.NEWEST[1] + 1)


# --- versions -------------------------------------------------------------------------------------------------------


def declared() -> set[str]:
    """Every requirement of pyproject.toml, in lower case without blanks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return {r.lower().replace(" ", "") for r in (*project["dependencies"], *chain.from_iterable(extras))}


def test_the_conda_environment_says_the_same_as_the_package():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    names = [entry for entry in entries if isinstance(entry, str)]
    names += [name for entry in entries if isinstance(entry, dict) for name in entry["pip"]]
    assert {n.lower().replace(" ", "") for n in names} - {"pip", "python>=3.11,<3.14"} == declared()


def test_the_lock_holds_every_requirement_by_hash():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = re.findall(r"^([a-z0-9._-]+)==\S+.*\\\n +--hash=sha256:", lock, re.MULTILINE)
    assert len(locked) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE))
    assert {re.match(r"[\w-]+", requirement)[0].replace("_", "-") for requirement in declared()} <= set(locked)


def test_the_lock_is_made_with_every_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for page in ("CONTRIBUTING.md", "book/reference/reproducing.md"):
        command = re.search(r"uv pip compile .*", (ROOT / page).read_text(encoding="utf-8"))[0]
        assert set(re.findall(r"--extra (\w+)", command)) == set(project["optional-dependencies"]), page


def test_qlib_is_this_trees_and_nobody_elses():
    assert Path(qlib.__file__).is_relative_to(ROOT)
    others = {*metadata.packages_distributions().get("qlib", [])} - {"causality-quantum-compendium"}
    assert not others
