"""Where things are: the one place that knows the layout of the tree."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
DATA = ROOT / "data"
CLAIMS = DATA / "claims.yml"
SURVIVORS = DATA / "survivors.yml"  # alterations that no check notices, each with a reason
PARAMETERS = DATA / "parameters"
GENERATED = DATA / "generated"  # written by the pipeline alone
STANDALONE = ROOT / "_build" / "standalone"  # written by a chapter that runs by itself


def generated(chapter: str) -> Path:
    """The folder for the tables and figures that a chapter writes; made if it is not there.

    The pipeline names it by the environment variable ``COMPENDIUM_GENERATED``. A chapter that runs by itself, as a
    notebook or by papermill, writes to ``_build/standalone/``, so that no trial ever overwrites published numbers.

    Raises ``ValueError`` if no chapter of the book has that name.

    >>> generated("joint-exogeneity/no-such-chapter")
    Traceback (most recent call last):
        ...
    ValueError: chapter 'joint-exogeneity/no-such-chapter': there is no such file under book/
    """
    if chapter not in {source.relative_to(BOOK).with_suffix("").as_posix() for source in BOOK.rglob("*.md")}:
        raise ValueError(f"chapter {chapter!r}: there is no such file under book/")
    folder = Path(os.environ.get("COMPENDIUM_GENERATED") or STANDALONE / chapter)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
