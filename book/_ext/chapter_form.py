"""The form of a chapter: its opening line with the goals folded, and questions to answer before reading on."""

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from compendium.pages.reading import minutes

BOOK = Path(__file__).resolve().parents[1]
BREAK = "***"  # between a question and its answer


class Parsed(SphinxDirective):
    """A directive whose parts are Markdown."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def parsed(self, lines: list[str]) -> nodes.container:
        box = nodes.container()
        self.state.nested_parse(StringList(lines, self.state.document.current_source or ""), self.content_offset, box)
        return box


class Chapter(Parsed):
    """The quiet line below a chapter's title: what it is about, what it needs, how long it takes; its goals folded.

    The argument is the paper and its sections, ``:needs:`` the chapters to read first, the content the goals, and
    ``:minutes:`` what the build has counted (see `compendium.pages.reading`); without it they are counted here.
    """

    option_spec = {"needs": directives.unchanged, "minutes": directives.positive_int}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        said = [self.arguments[0]]
        if needs := self.options.get("needs"):
            said.append(f"you need {needs}")
        line = self.parsed([" · ".join([*said, f"{self.options.get('minutes') or self.counted()} minutes"])])
        line["classes"].append("chapter-line")
        goals = self.parsed(list(self.content))
        return [line, *folded("chapter-goals", "After this chapter you can", goals)] if self.content else [line]

    def counted(self) -> int:
        source = BOOK / f"{self.env.docname.removeprefix('book/')}.md"
        return minutes(source.read_text(encoding="utf-8"))


class Predict(Parsed):
    """A question to answer before reading on. Choices are a list in which the right one begins with ``[x]``, others
    with ``[ ]``; below a line ``***`` stands what is revealed (not ``+++``, which divides the cells of a notebook).
    """

    def run(self) -> list[nodes.Node]:
        lines = list(self.content)
        if BREAK not in lines:
            raise self.error("predict: a line *** should stand between the question and what is revealed")
        at = lines.index(BREAK)
        question = self.parsed([f"**Predict.** {self.arguments[0]}", "", *lines[:at]])
        right = self.mark_choices(question)
        question["classes"].append("predict-question")
        answer = self.parsed(lines[at + 1 :])
        box = nodes.container("", question, *folded("predict-answer", "Reveal", answer), classes=["predict"])
        if right:
            box["classes"].append("predict-choices")
        return [box]

    def mark_choices(self, question: nodes.container) -> bool:
        """Give the items of a list of choices their classes, and take their boxes away; whether there are choices."""
        found = False
        for item in question.findall(nodes.list_item):
            text = next(item.findall(nodes.Text), None)
            for box, name in (("[x]", "choice-right"), ("[ ]", "choice-wrong")):
                if text is not None and text.astext().startswith(box):
                    item["classes"] += ["choice", name]
                    text.parent.replace(text, nodes.Text(text.astext()[len(box) :].lstrip()))
                    found = True
        return found


def folded(name: str, summary: str, content: nodes.Node) -> list[nodes.Node]:
    """Some content that opens when asked to."""
    head = nodes.raw("", f'<details class="{name}"><summary>{summary}</summary>', format="html")
    return [head, content, nodes.raw("", "</details>", format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("chapter", Chapter)
    app.add_directive("predict", Predict)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
