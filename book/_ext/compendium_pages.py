"""What this book needs of Sphinx beyond its configuration: mathematics without a network, pages without errors."""

import functools
import hashlib
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pybtex.plugin
from course import TAKEN
from docutils import nodes
from sphinx import addnodes
from sphinx.search.en import SearchEnglish
from sphinx.util import logging
from sphinx.util.nodes import make_refnode
from sphinx_proof.domain import ProofDomain

from compendium.pages import course
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


def look_up_once() -> None:
    """Keep what is looked up again and again and never changes: stems of words, the installed styles of citations."""
    for owner, name in ((SearchEnglish, "stem"), (pybtex.plugin, "_load_entry_point")):
        function = getattr(owner, name)
        if not hasattr(function, "cache_info"):
            setattr(owner, name, functools.cache(function))


def by_content(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages that are to be read again because they, or what they were made of, have other content than before."""
    known = getattr(env, "compendium_contents", {})
    return [page for page in env.found_docs - added if known.get(page) != contents(env, page)]


def contents(env: Any, page: str) -> str:
    """Digest of a page's source, of all files that it depends on, such as the modules that it documents, and of what
    the course takes of other pages for it.
    """
    files = [Path(env.srcdir, file) for file in (env.doc2path(page), *sorted(env.dependencies[page]))]
    taken = (Path(file) for file in env.metadata.get(page, {}).get(TAKEN, ()))
    shown = (course.offered(file).encode() for file in taken if file.is_file())
    return digest_of(*(file.read_bytes() for file in files if file.is_file()), *shown)


def digest_of(*parts: bytes) -> str:
    """One digest of several contents."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def shared(env: Any) -> str:
    """Digest of all that one page may show of another: titles, their order, numbers, labels, names, what is cited."""
    titles = {page: [title.astext(), env.longtitles[page].astext()] for page, title in env.titles.items()}
    order = [titles, env.toctree_includes]  # Sphinx itself looks after the numbers of sections and figures
    domains = [{key: data.get(key) for key in SHARED} for _, data in sorted(env.domaindata.items())]
    proofs = {label: [entry.get(key) for key in NUMBERED] for label, entry in getattr(env, "proof_list", {}).items()}
    registry = getattr(env, "sphinx_exercise_registry", {})  # in the order in which pages were read: an edit changes it
    exercises = {label: [e["docname"], *(part.astext() for part in e["node"][:1])] for label, e in registry.items()}
    cited = {f"{ref.docname} {target.key}" for ref in env.domaindata["cite"]["citation_refs"] for target in ref.targets}
    return digest_of(in_order([order, domains, proofs, exercises, cited]).encode())


SHARED = ("labels", "anonlabels", "objects", "modules", "terms", "has_equations")
NUMBERED = ("docname", "type", "ids", "title", "nonumber")


def in_order(value: Any) -> str:
    """A text of plain data that does not depend on the order in which it came to be."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{in_order(key)}: {in_order(each)}' for key, each in value.items()))}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(in_order, value)))}}}"
    return f"[{', '.join(map(in_order, value))}]" if isinstance(value, list) else str(value)


def remember(app: Any, env: Any) -> list[str]:
    """Note what was read; where what pages show of one another has changed, all are to be written again."""
    before, env.compendium_shared = getattr(env, "compendium_shared", None), shared(env)
    env.compendium_contents = {page: contents(env, page) for page in env.found_docs}
    return [] if before == env.compendium_shared else sorted(env.found_docs)


def public_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """A link to what a room offers leads to the module that defines it: ``qlib.models.ace_bounds`` to its page."""
    if node.get("refdomain") != "py":
        return None
    for name in (node["reftarget"], f"{node.get('py:module')}.{node['reftarget']}"):
        module, _, attribute = name.rpartition(".")
        if module not in env.domaindata["py"]["modules"]:
            continue
        found = getattr(importlib.import_module(module), attribute, None)  # which process has read it is chance
        home = f"{getattr(found, '__module__', None)}.{getattr(found, '__qualname__', None)}"
        if home != name and home in env.domaindata["py"]["objects"]:
            place = env.domaindata["py"]["objects"][home]
            return make_refnode(app.builder, node["refdoc"], place.docname, place.node_id, content, home)
    return None


def lighten(app: Any, doctree: Any) -> None:
    """Let what is kept of a page hold that page alone.

    Nodes that MyST has parsed as reStructuredText belong to a document of their own, whose settings hold all that
    Sphinx knows, and an exercise that sphinx-exercise registers holds its page: both would be written, and read again,
    with every page.
    """
    for node in doctree.findall():
        node.document = doctree
    for entry in getattr(app.env, "sphinx_exercise_registry", {}).values():
        if entry["docname"] == app.env.docname:
            entry["node"] = entry["node"].deepcopy()
            for node in entry["node"].findall():
                node.document = None


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
        if "choice" in paragraph.parent.get("classes", ()):
            continue  # it becomes a button, which may hold no link
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
    made = "generated" in app.env.metadata.get(page, {})
    if made and group is not None:
        buttons.remove(group)  # the docstrings are the source
    if not app.config.compendium_downloads or group is None or slug == page or made:
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


def sidebar_of_titles(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Make the list of all pages from their titles; Sphinx copies every heading of the book for it, on each page."""
    env, whole = app.env, context.get("toctree")

    def quickly(**options: Any) -> str:
        if not options.get("titles_only"):
            return whole(**options)
        all_headings, env.tocs = env.tocs, app.compendium_titles
        try:
            return whole(**options)
        finally:
            env.tocs = all_headings

    context["toctree"] = quickly


def note_titles(app: Any, builder: Any) -> None:
    """Take the titles of all pages out of their tables of contents, before the first page is written."""
    app.compendium_titles = {name: title_alone(toc) for name, toc in app.env.tocs.items()}


def title_alone(toc: Any) -> Any:
    """A page's table of contents without its sections, but with the tables of contents in them."""
    shown = toc.deepcopy()
    for entry in (entry for entry in shown.children if len(entry) > 1):
        if inner := list(entry.findall(addnodes.toctree)):
            entry[1][:] = inner
        else:
            entry.pop(1)
    return shown


PAPER_OF_PART = {
    "fine-tuning": "pc",
    "joint-exogeneity": "wz",
    "ladder": "sfc",
    "counterfactuals": "sfc",
    "super-confounding": "kang",
    "together": "new",
}


def accent(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the chapters of a paper that paper's colour."""
    paper = PAPER_OF_PART.get(page.removeprefix("book/").split("/")[0])
    if paper and "body" in context:
        context["body"] = f'<div class="part-page part-{paper}">{context["body"]}</div>'


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    look_up_once()
    app.connect("builder-inited", read_in_parallel)
    app.connect("env-get-outdated", by_content)
    app.connect("env-updated", remember)
    app.connect("missing-reference", public_name)
    app.connect("doctree-read", link_terms)
    app.connect("doctree-read", read_as_prose)
    app.connect("doctree-read", lighten, priority=900)  # when the others have done their work
    app.connect("autodoc-skip-member", imported)
    app.connect("autodoc-process-docstring", render_docstring, priority=400)
    app.connect("autodoc-process-signature", short_signature)
    app.add_config_value("compendium_repository", "", "html")  # read by the pipeline, which makes links of it
    app.add_config_value("compendium_downloads", False, "html")
    app.add_config_value("compendium_launch", {}, "html")
    app.add_config_value("compendium_static", "", "html")
    app.connect("write-started", note_titles)
    app.connect("html-page-context", sidebar_of_titles, priority=100)
    for change in (accent, drop_thebe, unique_ids, offer_files):
        app.connect("html-page-context", change, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
