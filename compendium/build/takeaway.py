"""What a reader takes away: notebooks, figures with their data, and the edition without solutions."""

import ast
import html
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from compendium.build.execute import tables_of
from compendium.build.plan import EDITIONS, Plan, PlanError, assigned, read_yaml, sha256
from compendium.build.reach import syntax_tree
from compendium.pages.reading import fold_cells

DOWNLOADS, FIGURES = "downloads", "figures"  # folders of the website
TEACHERS = "solution|marking|notes|plan"  # blocks that are the instructor's
SOLUTION = re.compile(
    rf"^(?:## Plan\n+(?=:{{3,}}\{{plan\}}))?(?P<fence>`{{3,}}|:{{3,}})\{{(?:{TEACHERS})\}}.*?^(?P=fence)[ \t]*$\n*",
    re.MULTILINE | re.DOTALL,
)
REPOSITORY = re.compile(r"https://github\.com/(?P<name>[\w.-]+/[\w.-]+?)(\.git)?/?")
SVG = "image/svg+xml"
HIDDEN = {"remove-cell", "remove-output", "hide-cell", "hide-output"}
GUARD = "parameters-guard"  # the tag of the cell that refuses a parameter that a notebook does not have
GUARDED = "from compendium.pages.parameters import only\n\nonly({names})  # papermill by itself only warns of another"

NEEDS = (
    "*This notebook needs the book's environment: `make notebooks` in the book's directory gives it with its kernel.*"
)
INSTALL = """# Where the book is not installed yet (on Colab, say), this fetches and installs it.
import importlib.util, pathlib, sys

if importlib.util.find_spec("qlib") is None:
    !git clone --quiet --depth 1 {repository} compendium
    %pip install --quiet --editable ./compendium[circuits,book]
    sys.path.insert(0, str(pathlib.Path("compendium").resolve()))"""


# --- editions ---------------------------------------------------------------------------------------------------------


def for_edition(plan: Plan, text: str) -> str:
    """A page's text, or a cell's, as an edition has it: the students' has no solutions, marking, notes or plans.

    Raises ``PlanError`` if one would remain.
    """
    if plan.edition != "student":
        return text
    without = SOLUTION.sub("", text)
    if rest := re.search(rf"\{{(?:{TEACHERS})\b", without):
        at = rest.start()
        raise PlanError(
            f"a block of the instructor's cannot be taken out, as its block is not closed: {without[at : at + 60]!r}"
        )
    return without


# --- figures ----------------------------------------------------------------------------------------------------------


def saved_figures(code: str) -> list[str]:
    """The names that a cell saves figures under, in order.

    >>> saved_figures('figures.save(figure, out, "one")')
    ['one']
    """
    calls = [node for node in ast.walk(syntax_tree(code) or ast.Module([], [])) if isinstance(node, ast.Call)]
    calls = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "save"]
    names = (call.args[2] for call in calls if len(call.args) == 3)
    return [name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)]


def figure_files(plan: Plan, slug: str, cell: Any) -> list[tuple[str, str, Path | None]]:
    """Of each figure that a cell saves and shows: name, address of the picture, file of its data if any."""
    pictures = [output["data"][SVG] for output in cell.get("outputs", []) if SVG in output.get("data", {})]
    names = saved_figures(cell.source) if cell.cell_type == "code" else []
    if HIDDEN & set(cell.metadata.get("tags", [])) or len(pictures) != len(names):
        return []
    data = [tables_of(plan, slug) / f"{name}.data.csv" for name in names]
    return [
        (name, picture_address(picture), file if file.is_file() else None)
        for name, picture, file in zip(names, pictures, data, strict=True)
    ]


def picture_address(picture: str) -> str:
    """Where MyST-NB puts a picture that a cell shows (a broken link of the website if it no longer does)."""
    return f"_images/{sha256(os.linesep.join(picture.splitlines()))}.svg"


def link_figures(plan: Plan, slug: str, notebook: Any) -> None:
    """Put links to its files below each figure of a notebook."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if lines := [figure_line(slug, *figure) for figure in figure_files(plan, slug, cell)]:
            said = "\n".join(["```{raw} html", *lines, "```"])
            cells.append(nbformat.v4.new_markdown_cell(said, id=f"files-{len(cells)}"))
    notebook.cells = cells


def figure_line(slug: str, name: str, picture: str, data: Path | None) -> str:
    """Links to a figure's files, as seen from its page."""
    up, shown = "../" * (slug.count("/") + 1), html.escape(name)
    files = [("SVG", picture, f"{shown}.svg")]
    files += [("data (CSV)", f"{FIGURES}/{slug}/{html.escape(data.name)}", html.escape(data.name))] if data else []
    links = (
        f'<a href="{up}{file}" download="{saved}" aria-label="{words} of the figure {shown}">{words}</a>'
        for words, file, saved in files
    )
    return f'<p class="figure-files">{" · ".join(links)}</p>'


# --- notebooks --------------------------------------------------------------------------------------------------------


def pack(file: str, name: str, notebook: Any) -> None:
    """A notebook in an archive, a quarter of its size: the same bytes for the same notebook."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo(name), nbformat.writes(notebook) + "\n", zipfile.ZIP_DEFLATED)


def clean_notebook(plan: Plan, slug: str) -> Any:
    """A chapter without outputs, to be run where the book is installed, or can be."""
    notebook = in_edition(plan, jupytext.reads(plan.notebooks[slug].text, fmt="md:myst"))
    notebook.metadata.pop("jupytext", None)
    address = repository(plan)
    install = nbformat.v4.new_code_cell(INSTALL.format(repository=address)) if address else None
    fold_cells(guarded(notebook))
    notebook.cells.insert(0, install or nbformat.v4.new_markdown_cell(NEEDS))
    return numbered(notebook)


def executed_notebook(plan: Plan, slug: str) -> Any:
    """A chapter with its outputs, without traces of this machine's run."""
    notebook = in_edition(plan, nbformat.read(plan.executed(slug), as_version=4))
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)
    return numbered(notebook)


def guarded(notebook: Any) -> Any:
    """A notebook that stops where papermill was given a parameter that it does not have; papermill would go on.

    Papermill writes what it is given below the parameters, or first of all if there are none; the guard stands there.
    """
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    if any(GUARD in of for of in tags):
        return notebook
    own = [k for k, of in enumerate(tags) if "parameters" in of]
    names = [name for k in own for name in assigned(notebook.cells[k].source)]
    code = GUARDED.format(names=", ".join(f'"{name}"' for name in names))
    given = [k for k, of in enumerate(tags) if "injected-parameters" in of]
    guard = nbformat.v4.new_code_cell(code, metadata={"tags": ["hide-input", GUARD]})
    notebook.cells.insert(max(own + given, default=-1) + 1, guard)
    return notebook


def in_edition(plan: Plan, notebook: Any) -> Any:
    """A notebook as an edition has it; cells that become empty are left out."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = for_edition(plan, cell.source)
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    return notebook


def numbered(notebook: Any) -> Any:
    """The same bytes each time: cells are known by their place, not by a random name."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


# --- launch links -----------------------------------------------------------------------------------------------------


def repository(plan: Plan) -> str:
    """The repository's address as configured, empty if there is none.

    Raises ``PlanError`` for an address that Binder and Colab would not find.
    """
    config = read_yaml(plan.root / "_config.yml").get("sphinx", {}).get("config", {})
    address = config.get("compendium_repository") or ""
    if address and not REPOSITORY.fullmatch(address):
        raise PlanError(f"_config.yml: compendium_repository {address!r} should be https://github.com/<owner>/<name>")
    return address


def launch_links(plan: Plan) -> dict[str, str]:
    """Service → the address at which it opens a chapter, with ``{slug}`` for the chapter; none without a repository."""
    found = REPOSITORY.fullmatch(repository(plan))
    if not found:
        return {}
    folder = "" if plan.edition == EDITIONS[0] else f"{plan.edition}/"
    return {
        "Binder": f"https://mybinder.org/v2/gh/{found['name']}/HEAD?urlpath=lab/tree/{plan.notebooks_folder}/{{slug}}.ipynb",
        "Colab": f"https://colab.research.google.com/github/{found['name']}/blob/gh-pages/{folder}{DOWNLOADS}/{{slug}}.ipynb",
    }
