"""The chapters as notebooks for JupyterLab, outside the tree that Jupyter Book sees.

``pyproject.toml`` declares the pairs, ``book/<slug>.md`` and ``notebooks/<slug>.ipynb``: JupyterLab with jupytext keeps
both sides in step by itself, and `pair` does so for everyone else.
"""

import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat

from compendium.build.plan import Chapter, Plan
from compendium.build.takeaway import GUARD, guarded, in_edition

FOLDER = "notebooks"
KERNEL = {"name": "causality-quantum", "display_name": "Causality and quantum theory", "language": "python"}
VERSIONS = re.compile(r"^ +(format|jupytext)_version: .*\n", re.MULTILINE)  # of this machine's jupytext: no news


def pair(plan: Plan) -> list[str]:
    """Bring each pair in step; returns the slugs of the chapters that were edited as notebooks.

    A notebook as new as its chapter is in step, a newer one was edited. Chapters are rewritten in that case only.
    """
    edited = []
    for slug, chapter in plan.notebooks.items():
        notebook = plan.root / FOLDER / f"{slug}.ipynb"
        if notebook.exists() and mtime(notebook) > mtime(chapter.path):
            take_over(chapter, notebook)
            edited.append(slug)
        elif not notebook.exists() or mtime(notebook) < mtime(chapter.path):
            write(chapter, notebook)
        times = chapter.path.stat()
        os.utime(notebook, ns=(times.st_atime_ns, times.st_mtime_ns))
    return edited


def hand_out(plan: Plan) -> list[str]:
    """Write an edition's notebooks into a folder of its own; returns the slugs of those that were edited there.

    They are no halves of pairs, as what an edition leaves out would be lost: an edited one is left as it is.
    """
    edited = []
    for slug, chapter in plan.notebooks.items():
        notebook = plan.root / plan.notebooks_folder / f"{slug}.ipynb"
        if notebook.exists() and mtime(notebook) > mtime(chapter.path):
            edited.append(slug)
            continue
        notebook.parent.mkdir(parents=True, exist_ok=True)
        content = in_edition(plan, jupytext.read(chapter.path, fmt="md:myst"))
        content.metadata["kernelspec"] = dict(KERNEL)
        nbformat.write(guarded(content), notebook)
        times = chapter.path.stat()
        os.utime(notebook, ns=(times.st_atime_ns, times.st_mtime_ns))
    return edited


def register() -> None:
    """Let this interpreter's Jupyter know the kernel that the notebooks name, which is this interpreter.

    Any Jupyter has a kernel "python3", and it need not be one that can import this book.
    """
    from ipykernel.kernelspec import install

    install(prefix=sys.prefix, kernel_name=KERNEL["name"], display_name=KERNEL["display_name"])


def mtime(path: Path) -> int:
    """Time of a file's last change, in nanoseconds."""
    return path.stat().st_mtime_ns


def write(chapter: Chapter, notebook: Path) -> None:
    """The chapter as a notebook without outputs."""
    notebook.parent.mkdir(parents=True, exist_ok=True)
    content = jupytext.read(chapter.path, fmt="md:myst")
    content.metadata.get("jupytext", {}).pop("formats", None)  # or it would be no half of a pair
    content.metadata["kernelspec"] = dict(KERNEL)
    jupytext.write(guarded(content), notebook, fmt="ipynb")


def take_over(chapter: Chapter, notebook: Path) -> None:
    """Write an edited notebook back to its chapter; the chapter's front matter stays."""
    content = jupytext.read(notebook, fmt="ipynb")
    content.cells = [cell for cell in content.cells if GUARD not in cell.metadata.get("tags", [])]
    content.metadata = jupytext.read(chapter.path, fmt="md:myst").metadata
    text = VERSIONS.sub("", jupytext.writes(content, fmt="md:myst"), count=2)
    chapter.path.write_text(text, encoding="utf-8")
