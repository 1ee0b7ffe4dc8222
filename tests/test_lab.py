"""Chapters for JupyterLab: plain Markdown, numbers that follow a run, templates to fill, nothing of a reader's lost."""

from __future__ import annotations

import copy
import posixpath
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from compendium import paths
from compendium.build import lab, takeaway
from compendium.build.plan import Plan
from compendium.pages import prose

PLAN = Plan("paper")
BOOK = lab.Book(PLAN)
MYST = re.compile(r"^[`:]{3,}\{|\{[a-z:]+\}`|^\([\w-]+\)=$", re.M)


@pytest.fixture(scope="module", params=sorted(PLAN.notebooks))
def slug(request: pytest.FixtureRequest) -> str:
    """Every chapter, one after the other."""
    return request.param


@pytest.fixture(scope="module")
def notebook(slug: str) -> nbformat.NotebookNode:
    """A chapter as a notebook for JupyterLab, made once for all that is asked of it."""
    return lab.lab_notebook(BOOK, slug, executed=False)


def test_no_directive_and_no_role_is_left_in_a_notebook(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" or cell.source.startswith("say("):
            assert not MYST.search(cell.source), cell.source
    nbformat.validate(notebook)


def test_links_lead_to_notebooks_that_are_written(slug: str, notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        for target in re.findall(r"\]\(([\w./-]+)\.ipynb\)", cell.source):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(slug), target)) in PLAN.notebooks


def test_an_exercise_becomes_its_text_and_a_cell_to_fill_that_stops_nothing() -> None:
    head = "````{exercise} A sum\n:label: ex-a\n:nonumber:\n"
    exercise = f"{head}*Compute.* Add {{ref}}`intro`.\n```python\nx = ...\n```\n````\n\n"
    source = exercise + "````{solution} ex-a\nTwo.\n````"
    text, template, solution = lab.plain_cells(BOOK, "ladder/bell", source, {}, ())
    assert text.source.startswith("**Exercise: A sum.** *Compute.* Add ")
    assert (template.source, template.metadata["tags"]) == ("x = ...", ["raises-exception"])
    assert solution.source.startswith("<details><summary>Solution</summary>\n\nTwo.")


def test_a_number_in_a_sentence_follows_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(prose, "display", lambda markdown: shown.append(markdown.data))
    (cell,) = lab.plain_cells(
        BOOK, "ladder/bell", "It is {glue:text}`gap:.2f`, $\\frac{1}{2}$.", {"gap": "0.1339"}, ["gap"]
    )
    assert cell.outputs[0].data["text/markdown"] == "It is 0.13, $\\frac{1}{2}$."
    monkeypatch.setitem(prose.NOTED, "gap", 0.5)
    exec(cell.source, {"say": prose.say})
    assert shown == ["It is 0.50, $\\frac{1}{2}$."]


def test_a_sentence_ahead_of_its_number_says_what_is_published_and_stops_no_run() -> None:
    said = "It is {glue:text}`gap:.2f` and {glue:text}`other`."
    (cell,) = lab.plain_cells(BOOK, "ladder/bell", said, {"gap": "0.1339"}, ())
    assert (cell.cell_type, cell.source) == ("markdown", "It is 0.13 and ….")


def test_no_sentence_is_said_before_its_numbers_are_noted(notebook: nbformat.NotebookNode) -> None:
    known: set[str] = set()
    for cell in notebook.cells:
        known |= set(lab.NOTED.findall(cell.source))
        if cell.source.startswith("say("):
            assert {gap.partition(":")[0] for gap in prose.GAP.findall(cell.source)} <= known


def test_a_number_that_was_not_computed_is_named() -> None:
    with pytest.raises(ValueError, match="text: 'gap' has no value"):
        prose.filled("⟦gap⟧", {})


def test_what_a_reader_has_changed_stays_and_what_a_run_has_added_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two(Plan):
        @property
        def notebooks(self):  # type: ignore[override]
            return {slug: page for slug, page in PLAN.notebooks.items() if slug.startswith("ladder/")}

    plan = Two("paper")
    object.__setattr__(plan, "root", tmp_path)
    one = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    monkeypatch.setattr(lab, "lab_notebook", lambda book, slug: lab.numbered(copy.deepcopy(one)))
    assert lab.write_lab(plan) == []
    file = tmp_path / "lab/ladder/bell.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(notebook, file)
    assert lab.write_lab(plan) == []
    notebook.cells[0].source = "2"
    nbformat.write(notebook, file)
    assert lab.write_lab(plan) == ["ladder/bell"]
    assert nbformat.read(file, as_version=4).cells[0].source == "2"


# --- papermill --------------------------------------------------------------------------------------------------------


def test_every_notebook_knows_its_parameters(slug: str, notebook: nbformat.NotebookNode) -> None:
    for cells in (notebook.cells, takeaway.clean_notebook(PLAN, slug).cells):
        tags = [cell.metadata.get("tags", []) for cell in cells]
        (at,) = (k for k, of in enumerate(tags) if takeaway.GUARD in of)
        assert set(re.findall(r'"(\w+)"', cells[at].source)) == PLAN.notebooks[slug].parameters
        own = max((k for k, of in enumerate(tags) if "parameters" in of), default=-1)
        assert not [cell for cell in cells[own + 1 : at] if cell.cell_type == "code"]


def run_with(folder: Path, cells: list[nbformat.NotebookNode], **parameters: object) -> nbformat.NotebookNode:
    """What papermill makes of a notebook of these cells, as it is handed out."""
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    notebook = takeaway.numbered(takeaway.guarded(new_notebook(cells=cells, metadata=kernel)))
    nbformat.write(notebook, folder / "given.ipynb")
    given, out = folder / "given.ipynb", folder / "run.ipynb"
    return papermill.execute_notebook(given, out, parameters, kernel_name="python3", cwd=paths.ROOT)


def test_papermill_stops_at_a_parameter_that_a_notebook_does_not_have(tmp_path: Path) -> None:
    cells = [new_code_cell("seed = 1", metadata={"tags": ["parameters"]}), new_code_cell("print(seed)")]
    with pytest.raises(Exception, match="there is no parameter 'sede' in this notebook; it has seed"):
        run_with(tmp_path, cells, sede=2)
    with pytest.raises(Exception, match="there is no parameter 'seed' in this notebook; it has none"):
        run_with(tmp_path, [new_code_cell("print(1)")], seed=2)
    assert run_with(tmp_path, cells, seed=2).cells[-1].outputs[0].text == "2\n"
    assert run_with(tmp_path, cells).cells[-1].outputs[0].text == "1\n"
