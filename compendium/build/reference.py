"""The reference: a page for each module and each room of the library, made of their docstrings.

The pages stand below ``book/reference/api`` in the copy of the book that the website is made of, and are listed at the
end of the page that they belong to, "The library, by task".
"""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from compendium.build.plan import digest, sha256, write_atomically
from compendium.build.reach import Library

ENTRY = "book/reference/api"  # the first page
MARK = "% every module\n"  # the line of the first page in whose place they are listed
LEFT_OUT = ("compendium",)  # who works on the book and its machinery reads their source
GROUND_UP = ("qlib.numbers", "qlib.graphs", "qlib.models", "qlib.quantum", "qlib.correlations", "qlib.circuits")
UP = f"[The library](/{ENTRY}.md)"
PAGE = """\
---
generated: {name}
---
# `{name}`

{above}

```{{eval-rst}}
.. automodule:: {name}
{members}```
{below}"""


def documented(library: Library) -> list[str]:
    """The modules that have a page, by room: `qlib`'s from the ground up, each module after those that it imports.

    What imports a module has more below it than that has.
    """
    names = [name for name in library.files if "." in name and not name.startswith(LEFT_OUT)]
    rooms = [*GROUND_UP, *sorted({room_of(name) for name in names} - {*GROUND_UP})]
    return sorted(
        names, key=lambda name: (rooms.index(room_of(name)), name != room_of(name), below(library, name), name)
    )


def described(library: Library, folder: Path) -> dict[str, str]:
    """Module → what it is about, in the order of `documented`; kept in a folder for a library that stays as it is."""
    sources = [(name, sha256(file.read_bytes())) for name, file in library.files.items()]
    kept = folder / f"{digest([sources, sha256(Path(__file__).read_bytes())])}.json"
    if not kept.exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_atomically(kept, json.dumps({name: summary(library, name) for name in documented(library)}))
    return dict(json.loads(kept.read_text(encoding="utf-8")))


def below(library: Library, name: str) -> int:
    """How many modules one imports, directly or through one another."""
    found, waiting = {name}, [name]
    while waiting:
        imports = library[waiting.pop()].imports
        new = {other for other in imports & library.files.keys() if not name.startswith(f"{other}.")} - found
        found |= new
        waiting += new
    return len(found) - 1


def room_of(name: str) -> str:
    """The room of a module, which is a room itself or stands in one.

    >>> room_of("qlib.numbers.polyhedra"), room_of("qlib.numbers")
    ('qlib.numbers', 'qlib.numbers')
    """
    return ".".join(name.split(".")[:2])


def page_of(name: str) -> str:
    """Where a module's page is, seen from the project's directory, without suffix.

    >>> page_of("qlib.numbers.polyhedra")
    'book/reference/api/qlib/numbers/polyhedra'
    """
    return f"{ENTRY}/{name.replace('.', '/')}"


def summary(library: Library, name: str) -> str:
    """The first paragraph of a module's docstring, on one line."""
    said = ast.get_docstring(ast.parse(library.files[name].read_text(encoding="utf-8"))) or ""
    return " ".join(said.split("\n\n")[0].split())


def reference_pages(modules: Mapping[str, str]) -> dict[str, str]:
    """Path → text of every page: a room says what it is about, a module documents what is public.

    modules : as `described` has them, here and below.
    """
    return {f"{page_of(name)}.md": module_page(modules, name) for name in modules}


def module_page(modules: Mapping[str, str], name: str) -> str:
    """The text of one page."""
    room = room_of(name)
    if name != room:
        return PAGE.format(name=name, above=f"{UP} › {link(room)}", members="   :members:\n", below="")
    listed = [f"- {link(other)}: {said}" for other, said in modules.items() if room_of(other) == room != other]
    below = "\n".join(["\n## Modules\n", *listed, ""]) if listed else ""
    return PAGE.format(name=name, above=UP, members="" if listed else "   :members:\n", below=below)


def link(name: str, text: str = "") -> str:
    """A link to a module's page, by default under its whole name."""
    return f"[`{text or name}`](/{page_of(name)}.md)"


def with_all_modules(modules: Mapping[str, str], text: str) -> str:
    """The first page with a list of all modules by room."""
    lines = ["## Every module\n"]
    for room, names in groupby(modules, key=room_of):
        inside = " · ".join(link(name, name.removeprefix(f"{room}.")) for name in names if name != room)
        lines.append(f"- {link(room)}: {modules[room]}" + (f"\n  {inside}" if inside else ""))
    return text.replace(MARK, "\n".join(lines) + "\n")


def toc_with_reference(toc: Any, modules: Mapping[str, str]) -> Any:
    """A table of contents in which the first page has all others below it."""
    if isinstance(toc, list):
        return [toc_with_reference(entry, modules) for entry in toc]
    if not isinstance(toc, dict):
        return toc
    if toc.get("file") == ENTRY:
        rooms = groupby(modules, key=room_of)
        below = [[{"file": page_of(name)} for name in names] for _, names in rooms]
        return toc | {"sections": [room | ({"sections": inside} if inside else {}) for room, *inside in below]}
    return {key: toc_with_reference(value, modules) for key, value in toc.items()}
