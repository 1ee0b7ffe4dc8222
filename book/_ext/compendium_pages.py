"""What this book needs of Sphinx beyond its configuration: mathematics without a network, pages without errors."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx_proof.domain import ProofDomain

from compendium.pages.prose import as_prose


def drop_thebe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out Thebe, which is not used here: it is declared twice, an error in the console of every page."""
    for kind in ("script_files", "css_files"):
        files = context.get(kind, [])
        context[kind] = [file for file in files if "thebe" not in f"{file} {getattr(file, 'attributes', '')}"]


def unique_ids(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Take away the ids that sphinx-proof and sphinx-exercise repeat in every directive (nothing refers to them)."""
    if "body" in context:
        context["body"] = REPEATED_ID.sub("", context["body"])


REPEATED_ID = re.compile(r' id="(proof|(proof|exercise|solution)-content)"')
NAMED = re.compile(r"(?P<names>[\w*]+(, [\w*]+)*) : (?P<meaning>.*)")
LITERAL = re.compile(r"(`[^`]*`|``.*?``)")


def escape_bars(line: str) -> str:
    """A line in which |ψ⟩ and |x| are no references, except within backticks."""
    parts = LITERAL.split(line)
    return "".join(part if part.startswith("`") else part.replace("|", r"\|") for part in parts)


def render_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """The form of this package's docstrings as reStructuredText: ``name : meaning`` lines become a list.

    Doctests and docstrings with NumPy's underlined sections are left as they are.
    """
    if any(re.fullmatch(r"-{3,}", line.strip()) for line in lines):
        return
    rendered: list[str] = []
    in_list = in_doctest = False
    for line in lines:
        in_doctest = bool(line.strip()) and (in_doctest or line.lstrip().startswith(">>>"))
        named = None if in_doctest else NAMED.fullmatch(line)
        if in_doctest:
            rendered.append(line)
        elif named:
            rendered += [] if in_list else [""]
            rendered.append(escape_bars(f"- ``{named['names']}``: {named['meaning']}"))
        elif in_list and line.startswith(" "):
            rendered.append("  " + escape_bars(line.strip()))
        else:
            rendered += [""] if in_list and line.strip() else []
            rendered.append(escape_bars(line))
        in_list = bool(named) or (in_list and line.startswith(" "))
    lines[:] = rendered


def short_signature(app: Any, what: str, name: str, obj: Any, *rest: Any) -> tuple[str, None] | None:
    """A Pydantic model's fields are listed below it, so its signature need not list them with all their validators."""
    return ("", None) if hasattr(obj, "model_fields") else None


def imported(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Pass over what a module has imported of other libraries, before Sphinx reads all the source of SymPy for it."""
    package = app.env.temp_data["autodoc:module"].split(".")[0]
    code = inspect.isclass(obj) or inspect.isroutine(obj)
    return True if what == "module" and code and (obj.__module__ or "").split(".")[0] != package else None


def read_in_parallel(app: Any) -> None:
    """Say that three extensions, which keep nothing of their own while pages are read, may read in parallel."""
    ProofDomain.merge_domaindata = lambda *arguments: None  # all is in env.proof_list
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True


def longest_first(app: Any, env: Any, pages: list[str]) -> None:
    """Begin with the API, which takes as long to read as all else: who begins last with it waits for it."""
    pages.sort(key=lambda page: (not page.endswith("reference/api"), page))


GLOSSARY = Path(__file__).resolve().parents[1] / "reference" / "glossary.md"
UNLINKED = (nodes.title, nodes.literal, nodes.reference, nodes.caption, nodes.term, nodes.rubric, addnodes.pending_xref)


def glossary_terms() -> dict[str, str]:
    """Each term of the glossary, in lower case, as it is written there."""
    lines = GLOSSARY.read_text(encoding="utf-8").split(":sorted:")[1].splitlines()
    return {line.lower(): line for line in lines if line and not line.startswith((" ", ":"))}


def link_terms(app: Any, doctree: Any) -> None:
    """The first use of each term in a chapter's paragraphs leads to the glossary."""
    page = app.env.docname
    if "/" not in page.removeprefix("book/") or page.startswith("book/reference/"):
        return
    terms = glossary_terms()
    longest = sorted(terms, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, longest)) + r")(?=s?\b)", re.IGNORECASE)
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in list(paragraph.findall(nodes.Text)):
            if not terms:
                return
            if not any(isinstance(parent, UNLINKED) for parent in ancestors(text, paragraph)):
                link_first(text, pattern, terms, page)


def ancestors(node: Any, top: Any) -> Iterator[Any]:
    """A node's parents up to a given one."""
    while node is not top:
        node = node.parent
        yield node


def link_first(text: Any, pattern: re.Pattern[str], terms: dict[str, str], page: str) -> None:
    """Replace the first terms in a text that were not yet linked by references; they are taken from `terms`."""
    parts: list[Any] = []
    end = 0
    for match in pattern.finditer(text):
        term = terms.pop(match[1].lower(), None)
        if term is None:
            continue
        link = addnodes.pending_xref(
            "", nodes.inline("", match[1], classes=["glossed"]),
            refdomain="std", reftype="term", reftarget=term, refdoc=page, refexplicit=True, refwarn=True,
        )  # fmt: skip
        parts += [nodes.Text(text[end : match.start()]), link]
        end = match.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


logger = logging.getLogger(__name__)
PYTHON = re.compile(r"\bnp\.|\b(array|Fraction|Rational)\(|dtype|[{}\[\]]|\b(True|False|None|nan|inf)\b")


def read_as_prose(app: Any, doctree: Any) -> None:
    """Write what chapters have computed for their prose as prose, and warn where it reads as Python."""
    for pasted in doctree.findall(nodes.inline):
        if "pasted-text" in pasted["classes"]:
            text = pasted.astext()
            if PYTHON.search(text):
                logger.warning("the prose says %r, which is Python", text, location=pasted)
            pasted.children = [nodes.Text(as_prose(text))]


LOGOS = {"Binder": "_static/images/logo_binder.svg", "Colab": "_static/images/logo_colab.png"}


def offer_files(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Buttons above a page for what the pipeline has put beside it, and for where it can be run (see ``pipeline``).

    Sphinx's own copies of the sources are pages of this build, with links mended: not what anyone wants to keep.
    """
    buttons = context.get("header_buttons", [])
    group = next((button for button in buttons if button.get("label") == "download-buttons"), None)
    slug = page.removeprefix("book/")
    if not app.config.compendium_downloads or group is None or slug == page:
        return
    notebook = app.env.doc2path(page).endswith(".ipynb")
    files = {"Executed notebook": "-executed.zip", "Clean notebook": ".ipynb"} if notebook else {}
    icons = {".md": "fas fa-file", ".ipynb": "fas fa-code", "-executed.zip": "fas fa-file-code"}
    prints = [button for button in group["buttons"] if button.get("label") == "download-pdf-button"]
    group["buttons"] = [
        {
            "type": "link", "url": context["pathto"](f"downloads/{slug}{end}", 1), "text": text, "icon": icons[end],
            "label": f"download-{text.split()[0].lower()}-button", "tooltip": f"Download: {text.lower()}",
        }
        for text, end in {**files, "Source": ".md"}.items()
    ] + [{**button, "text": "Print, or save as PDF"} for button in prints]  # fmt: skip
    launches = app.config.compendium_launch if notebook else {}
    links = [
        {
            "type": "link", "url": address.format(slug=slug), "text": service, "icon": LOGOS[service],
            "label": f"launch-{service.lower()}-button", "tooltip": f"Run this chapter on {service}",
        }
        for service, address in launches.items()
    ]  # fmt: skip
    if links:
        launch = {"type": "group", "tooltip": "Run this chapter elsewhere", "icon": "fas fa-rocket"}
        buttons.insert(0, {**launch, "buttons": links, "label": "launch-buttons"})


PAPER_OF_PART = {
    "fine-tuning": "pc",
    "joint-exogeneity": "wz",
    "ladder": "sfc",
    "counterfactuals": "sfc",
    "super-confounding": "kang",
}


def accent(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the chapters of a paper that paper's colour."""
    paper = PAPER_OF_PART.get(page.removeprefix("book/").split("/")[0])
    if paper and "body" in context:
        context["body"] = f'<div class="part-page part-{paper}">{context["body"]}</div>'


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.set_html_assets_policy("always")  # the ledger's formulas stand in HTML of its own: MathJax is due there, too
    app.connect("builder-inited", read_in_parallel)
    app.connect("env-before-read-docs", longest_first)
    app.connect("doctree-read", link_terms)
    app.connect("doctree-read", read_as_prose)
    app.connect("autodoc-skip-member", imported)
    app.connect("autodoc-process-docstring", render_docstring, priority=400)
    app.connect("autodoc-process-signature", short_signature)
    app.add_config_value("compendium_repository", "", "html")  # read by the pipeline, which makes links of it
    app.add_config_value("compendium_downloads", False, "html")
    app.add_config_value("compendium_launch", {}, "html")
    for change in (accent, drop_thebe, unique_ids, offer_files):
        app.connect("html-page-context", change, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
