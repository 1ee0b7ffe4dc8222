"""How to cite this work and the papers that it is about: BibTeX from ``CITATION.cff`` and ``book/references.bib``."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from compendium import paths

ENTRY = re.compile(r"^@\w+\{(?P<key>[^,]+),\n.*?^\}", re.MULTILINE | re.DOTALL)
EPRINT = re.compile(r"^ *eprint *= *\{(?P<number>[^}]+)\}", re.MULTILINE)
SPECIAL = re.compile(r"[&%$#_]")


def load_citation() -> dict[str, Any]:
    """``CITATION.cff`` as plain data.

    >>> load_citation()["type"]
    'software'
    """
    return dict(yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8")))


def load_bibliography() -> str:
    """The book's bibliography as BibTeX."""
    return (paths.BOOK / "references.bib").read_text(encoding="utf-8")


def bibtex(citation: Mapping[str, Any], key: str = "compendium") -> str:
    """BibTeX of the work that a citation file is about (of ``CITATION.cff``: version 1.2 of its format).

    An author with a name only, no family name, is an entity and kept together by braces. The year of ``date-released``
    is the entry's, appended to its key. Raises ``ValueError`` for a citation without title, authors or date.

    >>> person = {"family-names": "A", "given-names": "B"}
    >>> print(bibtex({"title": "T", "date-released": "2026-01-02", "authors": [person]}))
    @misc{compendium2026,
      author = {A, B},
      title  = {{T}},
      year   = {2026}
    }
    """
    if missing := [name for name in ("title", "authors", "date-released") if not citation.get(name)]:
        raise ValueError(f"the citation has no {', '.join(missing)}")
    year = str(citation["date-released"])[:4]
    fields = {
        "author": " and ".join(map(_author, citation["authors"])),
        "title": f"{{{_escaped(citation['title'])}}}",
        "year": year,
        "version": citation.get("version", ""),
        "doi": citation.get("doi", ""),
        "url": citation.get("url") or citation.get("repository-code", ""),
    }
    used = {name: str(value) for name, value in fields.items() if value}
    width = max(map(len, used))
    lines = [f"  {name:<{width}} = {{{value}}}" for name, value in used.items()]
    return f"@misc{{{key}{year},\n" + ",\n".join(lines) + "\n}"


def _author(author: Mapping[str, str]) -> str:
    if "family-names" not in author:
        return f"{{{_escaped(author['name'])}}}"
    family = " ".join(filter(None, [author.get("name-particle"), author["family-names"]]))
    return _escaped(", ".join(filter(None, [family, author.get("name-suffix"), author.get("given-names")])))


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", text)


def papers(citation: Mapping[str, Any], bibliography: str) -> list[str]:
    """The BibTeX entries of the papers that a citation file refers to, in its order, found by their arXiv numbers.

    Raises ``ValueError`` for a paper that the bibliography lacks.
    """
    entries = {
        found["number"]: entry[0] for entry in ENTRY.finditer(bibliography) if (found := EPRINT.search(entry[0]))
    }
    numbers = [
        identifier["value"].removeprefix("arXiv:")
        for paper in citation.get("references", [])
        for identifier in paper.get("identifiers", [])
        if identifier["value"].startswith("arXiv:")
    ]
    if missing := [number for number in numbers if number not in entries]:
        raise ValueError(f"the bibliography has no entry with eprint {', '.join(missing)}")
    return [entries[number] for number in numbers]


def entries_html(entries: Iterable[str]) -> str:
    """BibTeX entries as one block, which the page gives a button to copy it."""
    text = html.escape("\n".join(entries), quote=False)
    return f'<div class="highlight-bibtex notranslate"><div class="highlight"><pre>{text}\n</pre></div></div>'


def short_references() -> dict[str, str]:
    """Key of the bibliography → authors and year, as they are cited in a text.

    >>> short_references()["chaves2018"]
    'Chaves et al. 2018'
    """
    found = {}
    for entry in ENTRY.finditer(load_bibliography()):
        fields = dict(re.findall(r"^ *(\w+) *= *\{(.*?)\},?$", entry[0], re.MULTILINE))
        names = [
            re.sub(r"[{}\\'\"`^~]", "", a.split(",")[0]) for a in str(fields.get("author", entry["key"])).split(" and ")
        ]
        who = (
            f"{names[0]} et al."
            if len(names) > 3
            else ", ".join(names[:-1]) + f" & {names[-1]}"
            if names[1:]
            else names[0]
        )
        found[entry["key"]] = f"{who} {fields.get('year', '')}".strip()
    return found
