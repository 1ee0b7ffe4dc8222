"""Execute one chapter: jupytext reads it, papermill runs it, and only a whole result is kept."""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from pipeline import warm
from pipeline.plan import Plan
from pipeline.secrets import find_secret, redact, secrets_in

ANSI = re.compile(r"\x1b\[[0-9;]*m")
KERNEL = "python3"


class ChapterError(Exception):
    """A chapter did not run to its end; the message names chapter, cell and error."""


def execute(plan: Plan, slug: str) -> float:
    """Execute a chapter into `plan.executed(slug)`; returns the seconds it took.

    Tables and figures go to ``_build/<profile>/tables/<slug>/``. Both appear at once, at the end, or not at all.

    Raises
    ------
    ChapterError
        when a cell fails, the kernel dies, or an output holds a key of the environment
    """
    partial = plan.build / "partial" / slug
    shutil.rmtree(partial, ignore_errors=True)
    tables = partial / "tables"
    tables.mkdir(parents=True)
    os.environ.update(kernel_environment(plan), COMPENDIUM_GENERATED=str(tables))
    notebook = jupytext.read(plan.notebooks[slug].path, fmt="md:myst")
    solved = with_solutions(slug, notebook)
    started = time.monotonic()
    try:
        executed = run(plan, slug, solved, partial / "notebook.ipynb")
        del executed.cells[len(executed.cells) - len(solved.cells) + len(notebook.cells) :]
        seconds = time.monotonic() - started
        refuse_secrets(plan, slug, executed, tables)
        nbformat.write(executed, partial / "executed.ipynb")
        publish(tables, tables_of(plan, slug))
        plan.executed(slug).parent.mkdir(parents=True, exist_ok=True)
        (partial / "executed.ipynb").replace(plan.executed(slug))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return seconds


def with_solutions(slug: str, notebook: Any) -> Any:
    """The notebook, and at its end a cell that runs the solutions of its exercises: what a reader unfolds is right."""
    if not any(cell.cell_type == "markdown" and "{solution}" in cell.source for cell in notebook.cells):
        return notebook
    call = f"from qlib import exercises as book_exercises\n\nbook_exercises.solve({slug!r}, globals())"
    return nbformat.v4.new_notebook(
        metadata=notebook.metadata, cells=[*notebook.cells, nbformat.v4.new_code_cell(call)]
    )


def tables_of(plan: Plan, slug: str) -> Path:
    """What the chapter's last whole execution has written."""
    return plan.build / "tables" / slug


def publish(source: Path, target: Path) -> None:
    """Put a directory in another's place."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def kernel_environment(plan: Plan) -> dict[str, str]:
    """What every kernel inherits: this interpreter, this tree, nothing of the user's own configuration."""
    home = plan.build / "home"
    kernelspec = home / "jupyter" / "kernels" / KERNEL / "kernel.json"
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernelspec.parent.mkdir(parents=True, exist_ok=True)
    spec = json.dumps({"argv": launch, "display_name": "Python 3", "language": "python"})
    write_atomically(kernelspec, spec)
    write_atomically(home / "matplotlibrc", "svg.hashsalt: compendium\n")
    return {
        "COMPENDIUM_LEDGER": str(plan.ledger),
        "COMPENDIUM_PROFILE": plan.profile,
        "JUPYTER_PATH": str(home / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "IPYTHONDIR": str(home / "ipython"),
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": str(plan.root),
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def write_atomically(path: Path, text: str) -> None:
    """Write a small file that several processes may write at once."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def sockets(folder: str) -> Config:
    """Let a kernel talk through files of its own: two that start at once may be given one and the same TCP port."""
    return Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"} if os.name == "posix" else {})


def warm_kernel() -> dict[str, Any]:
    """In a fork of a warm process the kernel is a fork, too; anywhere else papermill starts it as it always does."""
    if not warm.forked():
        return {}
    from pipeline.kernel import Forked, manager_of

    return {"kernel_manager_class": manager_of(Forked())}


def run(plan: Plan, slug: str, notebook: Any, output: Path) -> Any:
    """Run the notebook with papermill; errors come back as a ChapterError."""
    try:
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            return papermill.execute_notebook(
                notebook,
                output,
                parameters=plan.parameters(slug),
                kernel_name=KERNEL,
                cwd=plan.root,
                progress_bar=False,
                config=sockets(folder),
                **warm_kernel(),
            )
    except PapermillExecutionError as error:
        said = ANSI.sub("", f"{error.ename}: {error.evalue}")
        raise ChapterError(describe(plan, slug, error.source, error.exec_count, said)) from None
    except Exception as error:
        cells = nbformat.read(output, as_version=4).cells if output.exists() else []
        code = [cell for cell in cells if cell.cell_type == "code"]
        states = [cell.metadata.get("papermill", {}).get("status") for cell in code]
        at = states.index("running") if "running" in states else None
        source, number = (code[at].source, at + 1) if at is not None else ("", None)
        raise ChapterError(describe(plan, slug, source, number, f"{type(error).__name__}: {error}")) from None


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
