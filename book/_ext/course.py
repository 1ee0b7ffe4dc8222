"""The course's directives: slides with notes and steps, pictures and claims of the chapters, problem sheets, cards."""

from pathlib import Path
from typing import Any

from chapter_form import Parsed, folded
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx_exercise.nodes import exercise_node, exercise_subtitle

from compendium import paths
from compendium.build.takeaway import picture_address
from compendium.claims.ledger import LedgerError
from compendium.pages import course

TAKEN = "takes from"  # among what is known of a page: of which other pages it shows parts


def raw(text: str) -> nodes.raw:
    """Some HTML as it is."""
    return nodes.raw("", text, format="html")


class OfTheBook(Parsed):
    """A directive that shows what another page or the build has."""

    @property
    def book(self) -> Path:
        return Path(self.env.srcdir) / "book"

    @property
    def generated(self) -> Path:
        return paths.ROOT / self.config.compendium_generated

    def depends_on(self, *files: Path) -> None:
        for file in files:
            self.env.note_dependency(str(file))

    def takes_from(self, *pages: Path) -> None:
        """Note of which pages this one shows parts, so that it is read again when these parts change."""
        self.env.metadata[self.env.docname].setdefault(TAKEN, {}).update(dict.fromkeys(map(str, pages)))


class Lecture(OfTheBook):
    """The line below a lecture's title: what it is about, its slides and minutes; the button that begins it.

    The argument says what is to be read before. The minutes are the sum of those of its notes.
    """

    has_content = False

    def run(self) -> list[nodes.Node]:
        source = course.text_of(Path(self.env.doc2path(self.env.docname)))
        minutes = course.slides(source)
        told = f" · {sum(minutes)} minutes" if sum(minutes) else ""
        line = self.parsed([f"{len(minutes)} slides{told} · before it: {self.arguments[0]}"])
        line["classes"].append("lecture-line")
        keys = (
            "Arrow keys or a swipe to move, <kbd>N</kbd> for the notes, <kbd>Esc</kbd> to leave. "
            "Every slide has an address of its own. Printed, this page is a handout."
        )
        return [line, raw(f'<p><button type="button" class="present">Present</button> <small>{keys}</small></p>')]


class Sheet(OfTheBook):
    """The lines below a problem sheet's title: how many problems, points and minutes, and where code is solved; the
    argument is what to read before.
    """

    has_content = False

    def run(self) -> list[nodes.Node]:
        problems = course.named_problems(course.text_of(Path(self.env.doc2path(self.env.docname))))
        points, minutes = (sum(problem[k] for problem in problems) for k in (1, 2))
        line = self.parsed(
            [f"{len(problems)} problems · {points} points · about {minutes} minutes · before it: {self.arguments[0]}"]
        )
        line["classes"].append("lecture-line")
        code = self.parsed(
            ["What asks for code is solved in the chapter's notebook; `check_answer` tells right from wrong."]
        )
        return [line, code]


class Notes(Parsed):
    """What the lecturer says to a slide; the argument is how many minutes it takes."""

    def run(self) -> list[nodes.Node]:
        minutes = directives.positive_int(self.arguments[0])
        open_ = (
            f'<aside class="slide-notes" data-minutes="{minutes}"><p class="slide-notes-head">Notes · {minutes} min</p>'
        )
        return [raw(open_), self.parsed(list(self.content)), raw("</aside>")]


class Marked(Parsed):
    """Some content in a box of a class: the plan of a lecture, steps that appear one by one, a marking scheme."""

    required_arguments = 0
    name_of_class = ""
    head = ""

    def run(self) -> list[nodes.Node]:
        lines = [f"**{self.head}** " + self.content[0], *self.content[1:]] if self.head else list(self.content)
        box = self.parsed(lines)
        box["classes"].append(self.name_of_class)
        return [box]


class Plan(Marked):
    name_of_class = "lecture-plan"


class Steps(Marked):
    name_of_class = "slide-steps"


class Marking(Marked):
    name_of_class = "marking"
    head = "Marking."


class Picture(OfTheBook):
    """A figure that a chapter of this build shows, ``part/slug/name``; the content describes it."""

    def run(self) -> list[nodes.Node]:
        file = self.generated / f"{self.arguments[0]}.svg"
        self.depends_on(file)
        alt = " ".join(self.content)
        if not alt:
            raise self.error(f"picture: {self.arguments[0]} should be described in its content")
        shown = picture_address(file.read_text(encoding="utf-8")) if file.is_file() else ""
        address = "../" * self.env.docname.count("/") + shown
        return [raw(course.picture_html(file, self.arguments[0], alt, address))]


class ClaimCard(OfTheBook):
    """A claim of the ledger, by its id, as the paper states it; the content, if any, says it in fewer words. With the
    option ``:values:``, what is printed or stated, value by value.
    """

    option_spec = {"values": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        records = self.generated / "ledger.json"
        self.depends_on(records, paths.CLAIMS)
        try:
            up = "../" * (self.env.docname.count("/") - 1)
            if self.content:
                opening = raw(course.claim_opening(self.arguments[0], records, up))
                return [opening, self.parsed(list(self.content)), raw("</div>")]
            return [raw(course.claim_html(self.arguments[0], records, up, values="values" in self.options))]
        except (ValueError, LedgerError) as error:
            raise self.error(f"claim: {error}") from error


class Formula(OfTheBook):
    """A line of the formula sheet: what the content says, and the formula of a claim of the ledger, by its id."""

    def run(self) -> list[nodes.Node]:
        self.depends_on(paths.CLAIMS)
        try:
            link, formula = course.formula_html(self.arguments[0])
        except ValueError as error:
            raise self.error(f"formula: {error}") from error
        says = nodes.container("", self.parsed(list(self.content)), raw(f"<p>{link}</p>"), classes=["formula-says"])
        return [nodes.container("", says, raw(formula), classes=["formula-row"])]


class ProblemOfTheSheet(OfTheBook):
    """An exercise of a chapter on a problem sheet, by its label, with points and minutes; its solution, folded, in the
    edition that has one. The content reminds of what the chapter has said before it.
    """

    option_spec = {"points": directives.positive_int, "minutes": directives.positive_int}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        self.takes_from(*course.pages(self.book))
        if (problem := course.problems(self.book).get(self.arguments[0])) is None:
            raise self.error(f"problem: {self.arguments[0]} is the label of no exercise")
        if missing := [key for key in ("points", "minutes") if key not in self.options]:
            raise self.error(f"problem: {problem.label} needs {' and '.join(missing)}")
        about = f"{problem.kind} · {self.options['points']} points · {self.options['minutes']} minutes"
        link = f"{{doc}}`{problem.chapter_title} </book/{problem.chapter}>`"
        head = self.parsed([f"**{problem.name or problem.label}** · {about} · from {link}"])
        head["classes"].append("problem-head")
        box = nodes.container("", head, classes=["problem"])
        if self.content:
            reminder = self.parsed(["*From the chapter.* " + self.content[0], *self.content[1:]])
            reminder["classes"].append("problem-reminder")
            box += reminder
        box += self.parsed(problem.statement.splitlines())
        if problem.solution is not None:
            box += folded("problem-solution", "Solution", self.parsed(problem.solution.splitlines()))
        return [box]


class Overview(OfTheBook):
    """The table of the course's weeks: lectures, chapters, sheets, and the minutes that they take."""

    required_arguments = 0
    has_content = False

    def run(self) -> list[nodes.Node]:
        self.takes_from(*course.pages(self.book))
        return [self.parsed(course.overview(self.book))]


class Cards(OfTheBook):
    """The questions of a chapter that are to be answered before reading on, with their answers folded."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        chapters = {page.relative_to(self.book).with_suffix("").as_posix(): page for page in course.pages(self.book)}
        if (page := chapters.get(self.arguments[0])) is None:
            raise self.error(f"cards: there is no chapter {self.arguments[0]}")
        self.takes_from(page)
        text = course.text_of(page)
        lines = [f"**From {{doc}}`{course.title_of(text)} </book/{self.arguments[0]}>`**", ""]
        for card in course.cards(text):
            lines += [*card.splitlines(), ""]
        return [self.parsed(lines)]


def name_exercises(app: Any, doctree: Any) -> None:
    """A reference to an exercise says its title, which sphinx-exercise says of those only that it numbers."""
    labels = app.env.domaindata["std"]["labels"]
    for exercise in doctree.findall(exercise_node):
        subtitle = next(exercise[0].findall(exercise_subtitle), None)
        if subtitle is not None and exercise["label"] in labels:
            page, id, kind = labels[exercise["label"]]
            labels[exercise["label"]] = page, id, f"{kind} ({subtitle.astext()})"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", name_exercises, priority=900)  # after sphinx-exercise, which notes the labels
    app.add_config_value("compendium_generated", "data/generated", "html", str)
    named = {"lecture": Lecture, "sheet": Sheet, "notes": Notes, "plan": Plan, "steps": Steps, "marking": Marking}
    named |= {
        "picture": Picture,
        "claim": ClaimCard,
        "formula": Formula,
        "problem": ProblemOfTheSheet,
        "cards": Cards,
        "overview": Overview,
    }
    for name, directive in named.items():
        app.add_directive(name, directive, override=True)  # sphinx-design has `steps` of its own, which no page uses
    return {"parallel_read_safe": True, "parallel_write_safe": True}
