"""How a chapter reads: its cells, shown and folded, its words, and the minutes that it takes.

A cell is folded if its tags say so (``hide-input``): checks, parameters, figures, plumbing. All the others are shown:
they are the few lines that carry an idea.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

WORDS_A_MINUTE = 130
SECONDS_A_FORMULA, SECONDS_A_LINE = 10, 3  # a displayed formula, a shown line of code
MOST_LINES, MOST_COLUMNS = 12, 72  # of a shown cell
MOST_SHOWN = 120  # shown lines of a chapter
LONGEST = 30  # minutes

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<body>.*?)^```$", re.M | re.S)
FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})(?P<head>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
BLOCK_OPTIONS = re.compile(r"\A---\n(?P<yaml>.*?)^---\n", re.M | re.S)
LINE_OPTIONS = re.compile(r"\A(?::[\w-]+:[^\n]*\n)+")
FORMULA = re.compile(r"\$\$.+?\$\$", re.S)
CHECKED = re.compile(r"\bcheck\(\s*\"(?:wz|kang|pc|sfc|new):")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]*)(?:<[^>]*>)?`")
READ = re.compile(r"\{(?!code|raw|solution|exercise|dropdown|chapter)")  # blocks that are prose
FRONT = re.compile(r"\A---\n.*?\n---\n", re.S)


@dataclass(frozen=True)
class Cell:
    """A code cell of a chapter: its code without options, and what folds it (``""`` for nothing)."""

    code: str
    folded: str

    @property
    def lines(self) -> int:
        """Lines of code that are not blank."""
        return sum(1 for line in self.code.splitlines() if line.strip())

    @property
    def width(self) -> int:
        """Characters of the longest line."""
        return max(map(len, self.code.splitlines()), default=0)


def fold(metadata: Mapping[str, Any]) -> str:
    """What is folded in a cell: "claim", "parameters", "figure", "hidden" or "removed"; "" for one that is shown.

    >>> fold({"tags": ["claim", "hide-input"]}), fold({"tags": ["hide-input"], "mystnb": {"figure": {}}}), fold({})
    ('claim', 'figure', '')
    """
    tags = set(metadata.get("tags", []))
    if tags & {"remove-cell", "remove-input", "hide-cell"}:
        return "removed"
    if "hide-input" not in tags:
        return ""
    kinds = [tag for tag in ("claim", "parameters") if tag in tags]
    return kinds[0] if kinds else "figure" if "figure" in (metadata.get("mystnb") or {}) else "hidden"


def cells(text: str) -> Iterator[Cell]:
    """The code cells of a chapter's source, in order."""
    for found in CELL.finditer(text):
        code, metadata = found["body"], {}
        if block := BLOCK_OPTIONS.match(code):
            metadata, code = yaml.safe_load(block["yaml"]), code[block.end() :]
        elif lines := LINE_OPTIONS.match(code):
            metadata = {key: yaml.safe_load(value) for key, value in re.findall(r"^:([\w-]+):\s*(.*)$", lines[0], re.M)}
            code = code[lines.end() :]
        yield Cell(code.strip("\n"), fold(metadata))


def shown(text: str) -> list[Cell]:
    """The cells that a reader of the page sees."""
    return [cell for cell in cells(text) if not cell.folded]


def prose(text: str) -> str:
    """What is read of a chapter's source: no code, no options, nothing folded, no exercises."""
    text = FRONT.sub("", text).split("\n## Exercises")[0]
    text = CELL.sub("", text)
    while nested := FENCE.search(text):
        head = nested["head"].strip()
        kept = head.partition("}")[2] + "\n" + nested["body"] if READ.match(head) else ""
        text = text[: nested.start()] + re.sub(r"^:[\w-]+:.*$", "", kept, flags=re.M) + text[nested.end() :]
    return ROLE.sub(r"\1", text)


def words(text: str) -> int:
    """The words of a chapter's prose; a formula in a line counts as one."""
    said = re.sub(r"\$[^$\n]+\$", "formula", FORMULA.sub("", prose(text)))
    return len(re.findall(r"[^\W_][\w'’-]*", said))


def minutes(text: str) -> int:
    """The minutes that a chapter takes to read, exercises and folded code apart.

    >>> minutes("word " * 260 + "$$x$$ " * 6)
    3
    """
    formulas = len(FORMULA.findall(prose(text))) + len(CHECKED.findall(text))
    lines = sum(cell.lines for cell in shown(text))
    seconds = 60 * words(text) / WORDS_A_MINUTE + SECONDS_A_FORMULA * formulas + SECONDS_A_LINE * lines
    return max(1, math.ceil(seconds / 60))


def with_minutes(cell: str, read: int) -> str:
    """A cell whose ``{chapter}`` line says how many minutes the whole chapter takes.

    >>> with_minutes(":::{chapter} Bell\\n:needs: care\\n:::", 12)
    ':::{chapter} Bell\\n:minutes: 12\\n:needs: care\\n:::'
    """
    return re.sub(r"^(:::+\{chapter\}[^\n]*\n)", rf"\g<1>:minutes: {read}\n", cell, flags=re.M)


PROMPTS = {
    "claim": "How this is checked",
    "parameters": "Parameters",
    "figure": "How this is drawn",
    "hidden": "How this is computed",
}


def fold_cells(notebook: Any) -> Any:
    """Say above each folded cell what is folded there; and fold it in JupyterLab, which asks for ``source_hidden``."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (why := fold(cell.metadata)) in PROMPTS:
            cell.metadata.setdefault("mystnb", {})["code_prompt_show"] = PROMPTS[why]
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
    return notebook
