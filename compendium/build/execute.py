"""Execute one chapter: jupytext reads it, papermill runs it, and only a whole result is kept."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
from papermill.engines import Engine, NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from compendium.build import warm
from compendium.build.children import KERNEL, kernel_environment
from compendium.build.plan import SOLVE, Plan, check_parameters
from compendium.build.secrets import find_secret, redact, secrets_in

KEY = "run"  # the file beside an executed notebook that says of what its outputs are (`Plan.run_key`)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class WritingOnce(NBClientEngine):  # type: ignore[misc]
    """papermill's engine, which writes the notebook before the first cell and where it ends, however it ends.

    Its own writes it before and after every cell, which takes as long as many a chapter's cells. What is printed in one
    go is one output.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        output, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            join_streams(nb_man.nb)
            nb_man.output_path = output


def join_streams(notebook: Any) -> None:
    """Make adjacent pieces of a stream one: where a kernel cuts what is printed is a matter of its clock."""
    for cell in notebook.cells:
        joined: list[Any] = []
        for output in cell.get("outputs", ()):
            last = joined[-1] if joined else None
            if last and output.output_type == last.output_type == "stream" and output.name == last.name:
                last.text += output.text
            else:
                joined.append(output)
        if joined:
            cell.outputs = joined


class Remembering(Engine):  # type: ignore[misc]
    """An engine that runs nothing: it puts the outputs of an earlier run of the same cells in their place."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, earlier: Any, **options: Any
    ) -> None:
        cells, before = ([cell for cell in of.cells if cell.cell_type == "code"] for of in (nb_man.nb, earlier))
        for cell, same in zip(cells, before, strict=True):
            cell.outputs, cell.execution_count = same.outputs, same.execution_count
            cell.metadata.update(same.metadata)
        nb_man.nb.metadata.language_info = earlier.metadata.language_info


papermill_engines.register("once", WritingOnce)
papermill_engines.register("remembering", Remembering)


class ChapterError(Exception):
    """A chapter did not run to its end; the message names chapter, cell and error."""


def execute_chapter(plan: Plan, slug: str, digest: str = "") -> float:
    """Execute a chapter into the folder of `plan.executed(slug)`; returns the seconds it took.

    Notebook and tables appear at once, at the end, or not at all. Where an earlier result differs in its text alone,
    its outputs are taken, and nothing is run.

    Parameters
    ----------
    digest
        what the result is expected to depend on (default: whatever the chapter depends on now)

    Raises
    ------
    ChapterError
        when a cell is no Python or fails, the kernel dies, an output holds a key of the environment, or something that
        the chapter depends on was edited in the meantime
    """
    refuse_other_than(plan, slug, digest or plan.digests[slug])
    refuse_syntax_errors(plan, slug)
    notebook = jupytext.read(plan.notebooks[slug].path, fmt="md:myst")
    started, key = time.monotonic(), plan.run_key(slug)
    with scratch_folder(plan) as partial:
        if (earlier := same_run(plan, slug, key)) is not None:
            shutil.copytree(earlier / "tables", partial / "tables")
            executed = with_outputs_of(plan, slug, notebook, earlier / "notebook.ipynb", partial / "notebook.ipynb")
        else:
            executed = newly_executed(plan, slug, notebook, partial)
        seconds = time.monotonic() - started
        refuse_secrets(plan, slug, executed, partial / "tables")
        nbformat.write(executed, partial / "notebook.ipynb")
        (partial / KEY).write_text(key, encoding="utf-8")
        refuse_other_than(Plan(plan.profile, plan.root), slug, plan.digests[slug])
        put_in_place(partial, plan.executed(slug).parent)
    return seconds


def newly_executed(plan: Plan, slug: str, notebook: Any, partial: Path) -> Any:
    """The notebook as it is after a run, without the cell of its solutions; its tables are in the folder, too."""
    tables = partial / "tables"
    tables.mkdir()
    os.environ.update(kernel_environment(plan), COMPENDIUM_GENERATED=str(tables))
    solved = with_solutions(slug, notebook)
    executed = run_notebook(plan, slug, solved, partial / "notebook.ipynb", plan.parameters(slug))
    del executed.cells[len(executed.cells) - len(solved.cells) + len(notebook.cells) :]
    return executed


def same_run(plan: Plan, slug: str, key: str) -> Path | None:
    """The folder of a result with that key, if there is one."""
    keys = (plan.build / "executed" / slug).glob(f"*/{KEY}")
    return next((file.parent for file in keys if file.read_text(encoding="utf-8") == key), None)


def with_outputs_of(plan: Plan, slug: str, notebook: Any, earlier: Path, output: Path) -> Any:
    """The notebook as a run would leave it that had the outputs of an earlier one."""
    return papermill.execute_notebook(
        notebook,
        output,
        parameters=plan.parameters(slug),
        engine_name="remembering",
        kernel_name=KERNEL,
        progress_bar=False,
        earlier=nbformat.read(earlier, as_version=4),
    )


def execute_with(plan: Plan, slug: str, parameters: Mapping[str, Any], output: Path) -> Path:
    """Execute a chapter with parameters of one's own into a notebook of one's own; returns the latter.

    Raises ``PlanError`` for a chapter or a parameter that does not exist (papermill itself would only warn of it), and
    ``ChapterError`` as `execute_chapter` does.
    """
    check_parameters("the command line", slug, dict(parameters), plan.notebooks)
    refuse_syntax_errors(plan, slug)
    notebook = jupytext.read(plan.notebooks[slug].path, fmt="md:myst")
    output = output.absolute()
    with scratch_folder(plan) as tables:
        os.environ.update(kernel_environment(plan), COMPENDIUM_GENERATED=str(tables))
        executed = run_notebook(plan, slug, notebook, output, {**plan.parameters(slug), **parameters})
        try:
            refuse_secrets(plan, slug, executed, tables)
        except ChapterError:
            output.unlink()
            raise
    return output


def refuse_other_than(plan: Plan, slug: str, digest: str) -> None:
    """Refuse to go on when something that a result depends on has been edited since its digest was taken."""
    if plan.digests[slug] != digest:
        raise ChapterError(f"{slug}\nsomething that it depends on was edited in the meantime: build it again")


def refuse_syntax_errors(plan: Plan, slug: str) -> None:
    """Refuse a chapter with a cell that is no Python, by file and line, before anything is run."""
    chapter = plan.notebooks[slug]
    if errors := chapter.syntax_errors():
        raise ChapterError("\n".join([slug, *(f"{plan.named(chapter.path)}:{error}" for error in errors)]))


@contextlib.contextmanager
def scratch_folder(plan: Plan) -> Iterator[Path]:
    """A folder of this job's own, on the file system on which its result will be."""
    (plan.build / "partial").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=plan.build / "partial"))  # no TemporaryDirectory: a fork's end would remove it
    whole = folder / "whole"
    whole.mkdir()
    try:
        yield whole
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(source: Path, target: Path) -> None:
    """Give a folder its name, at once; one that has the name already stays if it is as good (a digest names both)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError:
        if not (target / "notebook.ipynb").exists():
            shutil.rmtree(target)
            source.replace(target)


def with_solutions(slug: str, notebook: Any) -> Any:
    """The notebook, and at its end a cell that runs the solutions of its exercises: what a reader unfolds is right."""
    if not any(cell.cell_type == "markdown" and "{solution}" in cell.source for cell in notebook.cells):
        return notebook
    call = nbformat.v4.new_code_cell(SOLVE.format(slug=slug))
    return nbformat.v4.new_notebook(metadata=notebook.metadata, cells=[*notebook.cells, call])


def tables_of(plan: Plan, slug: str) -> Path:
    """What the chapter's execution has written."""
    return plan.executed(slug).parent / "tables"


def sockets(folder: str) -> Config:
    """Let a kernel talk through files of its own: two that start at once may be given one and the same TCP port."""
    return Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"} if os.name == "posix" else {})


def warm_kernel() -> dict[str, Any]:
    """In a fork of a warm process the kernel is a fork, too; anywhere else papermill starts it as it always does."""
    if not warm.forked():
        return {}
    from compendium.build.kernel import Forked, manager_of

    return {"kernel_manager_class": manager_of(Forked())}


def run_notebook(plan: Plan, slug: str, notebook: Any, output: Path, parameters: Mapping[str, Any]) -> Any:
    """Run the notebook with papermill; errors come back as a ChapterError."""
    try:
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            return papermill.execute_notebook(
                notebook,
                output,
                parameters=dict(parameters),
                engine_name="once",
                kernel_name=KERNEL,
                cwd=plan.root,
                progress_bar=False,
                record_timing=False,  # two builds are the same bytes
                config=sockets(folder),
                shutdown_kernel="immediate",  # all has been said; when asked to end, some wait for seconds
                **warm_kernel(),
            )
    except PapermillExecutionError as error:
        said = ANSI.sub("", f"{error.ename}: {error.evalue}")
        number = error.exec_count or begun(output)[0]  # a kernel that is slow to say which it was is not waited for
        raise ChapterError(describe(plan, slug, error.source, number, said)) from None
    except Exception as error:
        number, source = begun(output)
        raise ChapterError(describe(plan, slug, source, number, f"{type(error).__name__}: {error}")) from None


def begun(output: Path) -> tuple[int | None, str]:
    """Number and source of the last code cell that was begun, of a notebook that did not come to its end."""
    cells = nbformat.read(output, as_version=4).cells if output.exists() else []
    code = [cell for cell in cells if cell.cell_type == "code"]
    numbers = [number for number, cell in enumerate(code, 1) if cell.metadata.get("papermill", {}).get("start_time")]
    return (numbers[-1], code[numbers[-1] - 1].source) if numbers else (None, "")


def describe(plan: Plan, slug: str, source: str, number: int | None, said: str) -> str:
    """Chapter, cell and error in a few lines."""
    path = plan.notebooks[slug].path
    shown = path.relative_to(plan.root).as_posix()
    lines = [line for line in source.strip().splitlines() if line.strip()]
    head = f"{slug}"
    if number is not None and lines:
        at = path.read_text(encoding="utf-8").find(source.strip())
        line = path.read_text(encoding="utf-8").count("\n", 0, at) + 1 if at >= 0 else None
        head += f", code cell {number} ({shown}{f':{line}' if line else ''})\n  {lines[0].strip()}"
    return redact(f"{head}\n{indent(said)}", secrets_in(os.environ))


def indent(text: str, by: str = "  ", most: int = 30) -> str:
    """Indent a text, leaving out the middle of a very long one."""
    lines = text.strip().splitlines()
    if len(lines) > most:
        lines = [*lines[: most // 2], f"… {len(lines) - most} lines …", *lines[-most // 2 :]]
    return "\n".join(by + line for line in lines)


def refuse_secrets(plan: Plan, slug: str, notebook: Any, tables: Path) -> None:
    """Refuse to store a result in which a key of the environment occurs."""
    secrets: Mapping[str, str] = secrets_in(os.environ)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        name = find_secret(json.dumps(cell.outputs, ensure_ascii=False), secrets)
        if name:
            said = f"its output holds the value of {name}; keys must not be stored"
            raise ChapterError(describe(plan, slug, cell.source, number, said))
    for file in sorted(path for path in tables.rglob("*") if path.is_file()):
        name = find_secret(file.read_bytes().decode("utf-8", errors="replace"), secrets)
        if name:
            raise ChapterError(f"{slug}\n  {file.name} holds the value of {name}; keys must not be stored")
