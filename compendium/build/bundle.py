"""The built website as one archive for a course server: its first page at the top, everything that it needs inside."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from compendium.build.plan import EDITIONS, Plan

NAME = "causality-and-quantum-theory"
LARGEST = 30_000_000  # bytes: what course servers accept without asking their administrator
DATE = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same website
INSTRUCTORS = re.compile(r'class="[^"]*\b(?:solution|problem-solution|marking|slide-notes|lecture-plan)\b[^"]*"')
FROM_THE_ROOT = re.compile(r'\s(?:src|href)="(/(?!/)[^"]*)"')  # finds nothing where the pages are opened as files


class BundleError(Exception):
    """The website could not be packed; the message says why."""


def pack_website(plan: Plan) -> Path:
    """Write the website of a plan's edition as a zip beside it, and return that file.

    Raises ``BundleError`` where there is no website, where a page asks for a file of the server's root, where the
    students' edition would hold what is the instructor's, or where the archive would be larger than 30 MB.
    """
    if not (plan.html / "index.html").is_file():
        raise BundleError(f"there is no website in {plan.html.relative_to(plan.root)}: make book builds it")
    files = sorted(file for file in plan.html.rglob("*") if file.is_file())
    for page in (file for file in files if file.suffix == ".html"):
        _look_at(plan, page)
    archive = plan.build / f"{NAME}-{plan.edition}.zip"
    partial = archive.with_suffix(".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for file in files:
                name = zipfile.ZipInfo(file.relative_to(plan.html).as_posix(), DATE)
                name.external_attr = 0o644 << 16
                packed.writestr(name, file.read_bytes(), zipfile.ZIP_DEFLATED)
        if (size := partial.stat().st_size) > LARGEST:
            raise BundleError(f"{archive.name} would have {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}")
        partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)
    return archive


def _look_at(plan: Plan, page: Path) -> None:
    """Refuse a page that would not work as a file, or that tells students what it should not."""
    text, name = page.read_text(encoding="utf-8"), page.relative_to(plan.html).as_posix()
    if found := FROM_THE_ROOT.search(text):
        raise BundleError(f"{name}: {found[1]} is asked of the server's root, and is not found from a file")
    if plan.edition != EDITIONS[0] and (found := INSTRUCTORS.search(text)):
        raise BundleError(f"{name}: the {plan.edition} edition has something of the instructor's: {found[0]}")
