"""The reference: a page for each module and each room of the library, made of their docstrings.

The pages stand below ``book/reference/api`` in the copy of the book that the website is made of, and are listed at the
end of the page that they belong to, "The library, by task".
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from graphlib import TopologicalSorter
from itertools import groupby
from typing import Any

from compendium.build.reach import Library

ENTRY = "book/reference/api"  # the first page
MARK = "% every module\n"  # the line of the first page in whose place they are listed
LEFT_OUT = ("compendium.build",)  # who works on the machinery reads its source
GROUND_UP = ("qlib.numbers", "qlib.graphs", "qlib.models", "qlib.quantum", "qlib.correlations", "qlib.circuits")
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
    """The modules that have a page: by room, `qlib`'s from the ground up, each module after those that it imports."""
    names = [name for name in library.files if "." in name and not name.startswith(LEFT_OUT)]
    imports = {name: sorted((library[name].imports & {*names}) - {room_of(name)}) for name in names}
    order = [*TopologicalSorter(imports).static_order()]
    rooms = [*GROUND_UP, *sorted({room_of(name) for name in names} - {*GROUND_UP})]
    return sorted(names, key=lambda name: (rooms.index(room_of(name)), name != room_of(name), order.index(name)))


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


def reference_pages(library: Library) -> dict[str, str]:
    """Path → text of every page: a room says what it is about and lists its modules, a module documents what is public."""
    names = documented(library)
    return {f"{page_of(name)}.md": module_page(library, names, name) for name in names}


def module_page(library: Library, names: Iterable[str], name: str) -> str:
    """The text of one page."""
    above, own = [f"[The library]({'../' * (name.count('.') + 1)}api.md)"], room_of(name).split(".")[1]
    if name != room_of(name):
        above.append(f"[`{room_of(name)}`](../{own}.md)")
        return PAGE.format(name=name, above=" › ".join(above), members="   :members:\n", below="")
    inside = [other for other in names if room_of(other) == name != other]
    listed = [f"- [`{other}`]({own}/{other.split('.')[2]}.md): {summary(library, other)}" for other in inside]
    below = "\n".join(["\n## Modules\n", *listed, ""]) if inside else ""
    return PAGE.format(name=name, above=" › ".join(above), members="", below=below)


def with_all_modules(library: Library, text: str) -> str:
    """The first page with a list of all modules by room."""
    lines = ["## Every module\n"]
    for room, names in groupby(documented(library), key=room_of):
        inside = [f"[`{name.split('.')[2]}`](api/{name.replace('.', '/')}.md)" for name in names if name != room]
        about = f"[`{room}`](api/{room.replace('.', '/')}.md): {summary(library, room)}"
        lines.append(f"- {about}" + (f"\n  {' · '.join(inside)}" if inside else ""))
    return text.replace(MARK, "\n".join(lines) + "\n")


def toc_with_reference(toc: Any, library: Library) -> Any:
    """A table of contents in which the first page has all others below it."""
    if isinstance(toc, list):
        return [toc_with_reference(entry, library) for entry in toc]
    if not isinstance(toc, dict):
        return toc
    if toc.get("file") == ENTRY:
        rooms = groupby(documented(library), key=room_of)
        below = [[{"file": page_of(name)} for name in names] for _, names in rooms]
        return toc | {"sections": [room | ({"sections": inside} if inside else {}) for room, *inside in below]}
    return {key: toc_with_reference(value, library) for key, value in toc.items()}
