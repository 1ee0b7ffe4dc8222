"""Pages that load little and shut nobody out: what the theme brings and this book does not use is left out.

The icons become a few lines of style instead of a script of 1.5 MB, the index of all words is loaded where one
searches, formulas are set already (`compendium.pages.formulas`). MathJax lies beside the pages for those that come
later: in the card of a link, among what the search finds.
"""

import hashlib
import html
import importlib.metadata
import importlib.resources
import json
import multiprocessing
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import previews
from bs4 import BeautifulSoup
from sphinx.errors import SphinxError
from sphinx.util.index_entries import split_index_msg

from compendium.claims import ledger
from compendium.pages import formulas

THEME, FONTAWESOME_FILE = "pydata_sphinx_theme", "theme/pydata_sphinx_theme/static/scripts/fontawesome.js"
UNUSED_FILES = ("scripts/fontawesome.js", "scripts/fontawesome.js.LICENSE.txt", "vendor", "locales", "sphinx-thebe.*")


LICENCES = {  # whose files are in _static → what they are (what is not named is this book's own)
    "sphinx": "basic.css doc*.js language_data.js searchtools.js sphinx_highlight.js file.png minus.png plus.png",
    "pydata-sphinx-theme": "scripts/pydata-* styles/pydata-* styles/theme.css webpack-macros.html",
    "sphinx-book-theme": "scripts/sphinx-book-theme.js styles/sphinx-book-theme.css images/* sbt-webpack-macros.html",
    "sphinx-design": "design-tabs.js sphinx-design.min.css",
    "sphinx-copybutton": "copy*",
    "sphinx-togglebutton": "togglebutton.*",
    "sphinx-exercise": "exercise.css",
    "sphinx-proof": "proof.css",
    "myst-nb": "mystnb.*",
    "pygments": "pygments.css",
    "mathjax": "mathjax/* formulas.css",
    "bootstrap-and-clipboard": "scripts/bootstrap.js* clipboard.min.js icons.css check-solid.svg play-solid.svg",
}


class ThemeChangedError(Exception):
    """The theme no longer looks as it did when what to leave out of it was written down here."""


def copy_mathjax(app: Any, error: Exception | None) -> None:
    """Put the needed part of MathJax beside the pages (not into the source's ``_static``, nor into git)."""
    if error or app.builder.format != "html":
        return
    source, target = formulas.folder(), Path(app.outdir, "_static", "mathjax")
    shutil.copytree(source / formulas.EXTENSIONS, target / formulas.EXTENSIONS, dirs_exist_ok=True)
    for part in (*formulas.SETTING, formulas.GLYPHS):
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / f"{part}.js", target / f"{part}.js")
    settings = {
        **(app.config.mathjax3_config or {}),
        "loader": {"load": formulas.SETTING},
        "startup": {"typeset": False},
    }
    script = (source / "startup.js").read_text(encoding="utf-8")
    (target / "startup.js").write_text(f"window.MathJax = {json.dumps(settings)};\n{script}", encoding="utf-8")


def copy_licences(app: Any, error: Exception | None) -> None:
    """Put the licence of what others have written beside it; those that no distribution carries are in ``_static``."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static", "licences")
    for owner in LICENCES:
        if not (folder / f"{owner}.txt").exists():
            (folder / f"{owner}.txt").write_text(licence(owner), encoding="utf-8")


def licence(distribution: str) -> str:
    """The texts of an installed distribution's licence."""
    files = [f for f in importlib.metadata.files(distribution) or [] if ".dist-info/" in f.as_posix()]
    texts = [f.read_text(encoding="utf-8") for f in files if f.name.startswith(("LICENSE", "LICENCE", "COPYING"))]
    if not texts:
        raise ThemeChangedError(f"{distribution} comes without the text of its licence")
    return "\n\n".join(texts)


def icons(script: str, names: set[str]) -> str:
    """A style sheet with the named icons of Font Awesome, as masks that take the colour of the text around them."""
    rules = []
    for name in sorted(names):
        drawings = re.findall(rf'[{{,]"?{name}"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]', script)
        if not drawings:
            raise ThemeChangedError(f"Font Awesome has no icon {name!r}")
        wide, high, path = drawings[-1]  # the solid ones come last
        picture = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {wide} {high}'><path d='{path}'/></svg>"
        drawn = f'--icon: url("data:image/svg+xml,{quote(picture, safe=" =:/")}");'
        rules.append(f".fa-{name} {{ {drawn} width: {int(wide) / int(high):.4g}em; }}")
        rules += [f"{place} {{ {drawn} }}" for place, icon in PLACES.items() if icon == name]
    return ICON + "\n".join(rules) + "\n"


PLACES = {  # where the theme would write a letter of a font of icons
    ".admonition-title": "circle-info",
    ":is(.warning, .caution, .attention, .important, .danger, .error) > .admonition-title": "triangle-exclamation",
    ":is(.tip, .hint) > .admonition-title": "lightbulb",
    ".exercise > .admonition-title": "pencil",
    "a.reference.download": "download",
}
ICON = """\
/* Icons of Font Awesome Free, https://fontawesome.com, CC BY 4.0 */
:is(.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab),
html body div.admonition > .admonition-title::after, html a.reference.download::before {
  display: inline-block; height: 1em; vertical-align: -0.125em;
  background: currentColor; mask: var(--icon) center / contain no-repeat; print-color-adjust: exact;
}
:is(.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab)::before { content: none; }
html body div.admonition > .admonition-title::after { content: ""; height: 1.6em; font: inherit; }
html body div.admonition:is(.proof, .solution) > .admonition-title::after { content: none; }
html a.reference.download::before { content: ""; font: inherit; width: 1em; margin-inline: 0.25em; }
html a:is(.github, .gitlab, .bitbucket)::before, html span.versionmodified::before,
html div#searchbox p.highlight-link a::before,
html nav.bd-links li > a.reference.external::after { content: none; }
html form.bd-search i.fa-solid.fa-magnifying-glass { position: static; flex: none; margin-left: 0.25rem; }
.fa-lg { font-size: 1.25em; vertical-align: -0.075em; }
@media (forced-colors: active) {
  :is(.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab) { background: ButtonText; }
}
"""
ICON_CLASS = re.compile(r'class="(?:[^"]* )?(?:fa-solid|fa-regular|fa-brands|fas|far|fab) ([^"]*)"')
NO_ICONS = {"lg"}  # a size
FONTAWESOME = re.compile(r'<script[^>]*src="[^"]*scripts/fontawesome\.js[^"]*"></script>|<link[^>]*fontawesome[^>]*>')
SEARCH = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
MATHJAX = re.compile(r'\s*<script[^>]*(?:>window\.MathJax = [^<]*| src="[^"]*/mathjax@[^"]*">)</script>')
LINK_AND_SPACE = re.compile(r"(?<=Solution to)(<a [^>]*>) ")  # the space is no part of the link
EMPTY_HEAD = re.compile(r"<th\b[^>]*>\s*(?:<p>\s*</p>)?\s*</th>")
SIGNATURE = re.compile(r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>', re.DOTALL)  # a list without terms
LINE = re.compile(r"<dd>(.*?)</dd>", re.DOTALL)
SPAN = r'<span class="sig-line">\1</span>'
SEARCHTOOLS = re.compile(r'(<script src="[^"]*searchtools\.js[^"]*"></script>)(?!<script src="_static/excerpts)')
EXCERPTS = """<script src="_static/excerpts.js"></script><script src="_static/claims.js"></script><script>
  window.fetch = async (page) => {
    const [found, here] = [page, "."].map((address) => new URL(address, location).href);
    return new Response(EXCERPTS[found.slice(here.length)]);
  };
</script>"""
FIRST_SECTION = '<div class="sidebar-primary-items__start sidebar-primary__section">'


def mend(text: str, name: str) -> str:
    """A page without what it does not use, whose parts are named for what they are.

    Sphinx fetches the pages that are found, for excerpts, which browsers refuse to file:// pages: it is given texts
    that were loaded with the page (see `excerpts`).
    """
    text = FONTAWESOME.sub("", text)
    searches = name == "search.html"
    text = SEARCHTOOLS.sub(lambda script: script[1] + EXCERPTS, text) if searches else SEARCH.sub("", text)
    text = MATHJAX.sub("", text)
    text = LINK_AND_SPACE.sub(r" \1", text)
    text = EMPTY_HEAD.sub("<td></td>", text)
    text = SIGNATURE.sub(lambda lines: f"<span>{LINE.sub(SPAN, lines[1])}</span>", text)
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')
    return text.replace(FIRST_SECTION, f'{FIRST_SECTION[:-1]} role="region" aria-label="The book">')


def words(article: Any) -> str:
    """The words of a parsed article, for the search; formulas as they were typed. Takes away what has none."""
    for node in article.find_all(is_mute):
        node.decompose()
    return FORMULA.sub(r"\1\2", " ".join(article.get_text(" ").split()))


def is_mute(node: Any) -> bool:
    """Whether a part of a page says nothing that a search should find."""
    return node.name in ("script", "style", "svg") or bool(MUTE & set(node.get("class", [])))


MUTE = frozenset({"headerlink", "cell_input", "toggle-button"})
MUTE |= {"problem", "ledger-table"}  # a problem is found in its chapter, and the search knows all claims
INDEXES = ("genindex.html", "py-modindex.html", "prf-prf.html")  # which no search finds
ARTICLE = re.compile(r"<article\b.*</article>", re.DOTALL)
CODE = re.compile(r'(<div class="cell_input\b[^>]*>(?:\s*<[^>]*>)*?\s*<pre>).*?(?=</pre>)', re.DOTALL)  # of a cell
TAG = re.compile(r"<(script|style|svg)\b.*?</\1>|<[^>]*>", re.DOTALL)
REFERENCE = "book/reference/api/"  # pages of the library's modules: no card shows them, and no sentence begins them


def learnt(name: str, text: str) -> dict[str, Any]:
    """What a page tells the others and the search."""
    article = ARTICLE.search(text)
    if article is None or name.startswith(REFERENCE):
        plain = html.unescape(" ".join(TAG.sub(" ", article[0]).split())) if article else ""
        return {"hook": "", "links": [], "shown": {}, "words": plain}
    page = BeautifulSoup(CODE.sub(r"\1", article[0]), "html.parser")  # most of a page, and mute
    return {**previews.learnt(name, page), "words": words(page)}


def excerpts(pages: Mapping[str, str]) -> str:
    """A script with the words of each page, for the search's excerpts."""
    said = {name: f'<div role="main">{html.escape(text, quote=False)}</div>' for name, text in pages.items() if text}
    return f"const EXCERPTS = {json.dumps(said, ensure_ascii=False)};\n"


FORMULA = re.compile(r"\\\((.*?)\\\)|\\\[(.*?)\\\]")


def gathered(app: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """What each page tells the others and the search; one that is as it was is not parsed again."""
    file = Path(app.doctreedir) / "gathered.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    code = "".join(Path(module).read_text(encoding="utf-8") for module in (__file__, previews.__file__))
    digests = {
        name: hashlib.sha256((code + previews.announced(text, name, {})).encode()).hexdigest()
        for name, text in texts.items()
    }
    new = [name for name in texts if known.get(name, {}).get("digest") != digests[name]]
    longest_first = sorted(new, key=lambda name: -len(texts[name]))
    pages = [(name, texts[name]) for name in longest_first]
    told = dict(zip(longest_first, in_parallel(app.parallel, learnt, pages), strict=True))
    found = {name: {"digest": digests[name], **told[name]} if name in told else known[name] for name in texts}
    file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return found


def in_parallel(processes: int, function: Callable[..., Any], cases: list[tuple[Any, ...]]) -> list[Any]:
    """What a function makes of each case, by so many processes where they can be forked, as Sphinx itself does."""
    if processes < 2 or len(cases) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return [function(*case) for case in cases]
    with multiprocessing.get_context("fork").Pool(min(processes, len(cases))) as pool:
        return pool.starmap(function, cases, chunksize=1)


def finish(app: Any, error: Exception | None) -> None:
    """Go over all pages once they are written."""
    if error or app.builder.format != "html":
        return
    output = Path(app.outdir)
    texts, static = {}, output / "_static"
    for path in sorted(path for path in output.rglob("*.html") if "_static" not in path.parts):
        name = path.relative_to(output).as_posix()
        texts[name] = mend(formulas.as_typed(path.read_text(encoding="utf-8")), name)
    classes = " ".join(name for text in texts.values() for name in ICON_CLASS.findall(text))
    pages = gathered(app, texts)
    hooks = {name: page["hook"] for name, page in pages.items()}
    texts = {name: previews.announced(text, name, hooks) for name, text in texts.items()}
    drawings = set_formulas(app, texts)
    for name, text in texts.items():
        page = formulas.with_formulas(text, drawings["drawn"], drawings["glyphs"])
        (output / name).write_text(page, encoding="utf-8")
    (static / "formulas.css").write_text(drawings["style"], encoding="utf-8")
    (static / "previews.js").write_text(previews.previews(pages), encoding="utf-8")
    (static / "claims.js").write_text(previews.claims_for_search(ledger.load()), encoding="utf-8")
    used = {"xmark", *PLACES.values(), *re.findall(r"fa-([a-z-]+)", classes)}  # the first in a message of the theme
    script = importlib.resources.files(THEME).joinpath(FONTAWESOME_FILE).read_text(encoding="utf-8")
    (static / "icons.css").write_text(icons(script, used - NO_ICONS), encoding="utf-8")
    said = {name: page["words"] for name, page in pages.items() if name not in INDEXES}
    (static / "excerpts.js").write_text(excerpts(said), encoding="utf-8")
    for path in [*static.rglob("*.map"), *(path for name in UNUSED_FILES for path in static.glob(name))]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for picture in (output / "_images").glob("*"):
        if picture.name not in {name for _, name in app.env.images.values()}:
            picture.unlink()  # of a page as it was before an edit


def complete_index(app: Any) -> list[Any]:
    """Give the search the index entries of the pages that are not written this time, which Sphinx 7 forgets; take words
    from it that no page has any longer.
    """
    indexer = app.builder.indexer
    for page, entries in app.env.domains["index"].entries.items():
        if page not in indexer._index_entries:
            said = {(word, id or "", main) for kind, value, id, main, _ in entries for word in index_words(kind, value)}
            indexer._index_entries[page] = sorted(said)
    indexer._index_entries = dict(sorted(indexer._index_entries.items()))
    for mapping in (indexer._mapping, indexer._title_mapping):
        for word in [word for word, pages in mapping.items() if not pages]:
            del mapping[word]
    return []


def index_words(kind: str, value: str) -> list[str]:
    """The words under which an index entry is found."""
    try:
        return split_index_msg(kind, value)
    except ValueError:
        return []


def set_formulas(app: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """The drawings of all formulas on the pages; says on which page one is that cannot be read."""

    def several(function: Callable[..., Any], lists: list[list[str]]) -> list[Any]:
        return in_parallel(app.parallel, function, [(each,) for each in lists])

    file = Path(app.doctreedir) / "formulas.json"
    try:
        return formulas.drawings(texts.values(), file, app.config.mathjax3_config or {}, several)
    except formulas.FormulaError as error:
        page = next(name for name, text in texts.items() if error.args[1] in formulas.typed(text))
        raise SphinxError(f"{page}: {error}") from None


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_css_file("icons.css")
    app.add_css_file("formulas.css")
    app.connect("html-collect-pages", complete_index)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", copy_licences)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
