r"""Formulas that are set while the book is built: a page arrives with them, and needs no script.

MathJax makes of a formula the drawing and the MathML that it would make in the browser, run by V8 in this process.
A drawing refers to its glyphs, each of which a page holds once. A formula is known by how it is typed: ``\(x\)`` in a
line, ``\[x\]`` on a line of its own.
"""

import functools
import html
import importlib.metadata
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from py_mini_racer import JSPromise

DISTRIBUTION = "sphinx-mathjax-offline"  # it carries MathJax 3
SETTING = ("core", "input/tex", "output/svg", "a11y/assistive-mml")
GLYPHS = "output/svg/fonts/tex"
EXTENSIONS = "input/tex/extensions"
PARTS, WORTHWHILE = 2, 200  # at most so many engines, each for at least so many formulas
STRICT = {"packages": {"[-]": ["noerrors", "noundefined"]}}  # what they hide is to be told

MUTE = r"<(?P<mute>head|script|style|pre|code|textarea)\b.*?</(?P=mute)>"
TYPED = re.compile(rf"{MUTE}|\\\([^<]*?\\\)|\\\[[^<]*?\\\]", re.DOTALL)
CONTAINER = '<mjx-container class="MathJax"'
SET = re.compile(rf'{CONTAINER}( data-typed="([^"]*)").*?</mjx-container>', re.DOTALL)
OUTLINES = re.compile(r'<svg class="glyphs".*?</svg>', re.DOTALL)
BODY = re.compile(r"<body\b[^>]*>")

OUTLINE = re.compile(r'<path id="(?:MJX-\d+-)?([^"]*)" d="([^"]*)"></path>')
UNUSED = re.compile(r'<defs>.*?</defs>| (?:xmlns|xmlns:xlink|data-c|focusable|role|unselectable)="[^"]*"', re.DOTALL)
REFERENCE = re.compile(r'<use xlink:href="#MJX-\d+-')
REFERRED = re.compile(r'<use href="#([^"]*)"')

ENGINE = """
var sources = %(sources)s, global = globalThis;
var MathJax = {
  ...%(settings)s,
  loader: { paths: { mathjax: "" }, load: %(parts)s, require: (name) => (0, eval)(sources[name]) },
};
(0, eval)(sources["/startup.js"]);
const texts = (node) => MathJax.startup.adaptor.outerHTML(node);
const drawn = async (formulas) => {
  await MathJax.startup.promise;
  const found = [];
  for (const [tex, display] of formulas) found.push(texts(await MathJax.tex2svgPromise(tex, { display })));
  return JSON.stringify([found, MathJax.startup.adaptor.textContent(MathJax.svgStylesheet())]);
};
"""


class FormulaError(Exception):
    """MathJax cannot read a formula: what it says of it, and the formula."""

    def __str__(self) -> str:
        said, formula = self.args
        return f"{said} in {formula}"


def folder() -> Path:
    """Where MathJax is."""
    script = next(f for f in importlib.metadata.files(DISTRIBUTION) or [] if f.name == "tex-svg.js")
    return Path(str(script.locate())).parent


def typed(text: str) -> list[str]:
    r"""The formulas of a page, as they were typed; of its head, of code, scripts and attributes none.

    >>> typed(r"<p title='\(a\)'>\(a &lt; b\), so \[c\]</p><code>\(d\)</code>")
    ['\\(a < b\\)', '\\[c\\]']
    """
    return [html.unescape(match[0]) for match in TYPED.finditer(text) if is_formula(match)]


def is_formula(match: re.Match[str]) -> bool:
    """Whether what was found is a formula, and not in a tag."""
    found, start = match.string, match.start()
    return not match["mute"] and found.rfind("<", 0, start) <= found.rfind(">", 0, start)


def draw(formulas: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Drawings of formulas and outlines of their glyphs: ``drawn``, ``glyphs``, and the ``style`` that they need.

    Raises ``FormulaError`` with the first formula that cannot be read.
    """
    from py_mini_racer import MiniRacer

    said = list(formulas)
    asked = [[formula[2:-2], formula.startswith(r"\[")] for formula in said]
    with MiniRacer() as engine:
        engine.eval(engine_script(settings))
        promise = cast("JSPromise", engine.eval(f"drawn({json.dumps(asked)})"))
        pictures, style = json.loads(cast("str", promise.get()))
    found: dict[str, Any] = {"drawn": {}, "glyphs": {}, "style": style}
    for formula, picture in zip(said, pictures, strict=True):
        if wrong := re.search('data-mjx-error="([^"]*)"', picture):
            raise FormulaError(html.unescape(wrong[1]), formula)
        found["glyphs"].update(OUTLINE.findall(picture))
        found["drawn"][formula] = REFERENCE.sub('<use href="#', UNUSED.sub("", picture))
    return found


def engine_script(settings: Mapping[str, Any]) -> str:
    """MathJax with its extensions, for an engine that has no document and reads no files."""
    where = folder()
    names = ["startup", "adaptors/liteDOM", *SETTING, GLYPHS]
    names += [f"{EXTENSIONS}/{path.stem}" for path in sorted((where / EXTENSIONS).glob("*.js"))]
    sources = {f"/{name}.js": (where / f"{name}.js").read_text(encoding="utf-8") for name in names}
    strict = {**settings, "tex": {**settings.get("tex", {}), **STRICT}, "svg": {"fontCache": "local"}}
    parts = ["adaptors/liteDOM", *SETTING]
    return ENGINE % {name: json.dumps(value) for name, value in
                     (("sources", sources), ("settings", strict), ("parts", parts))}  # fmt: skip


def with_formulas(text: str, drawn: Mapping[str, str], glyphs: Mapping[str, str]) -> str:
    """A page whose formulas are set, and before them the outlines that they need."""

    def picture(match: re.Match[str]) -> str:
        if not is_formula(match):
            return match[0]
        said = match[0].replace('"', "&quot;")
        return drawn[html.unescape(said)].replace(CONTAINER, f'{CONTAINER} data-typed="{said}"', 1)

    page = TYPED.sub(picture, text)
    used = sorted({*REFERRED.findall(page)})
    if not used:
        return page
    paths = "".join(f'<path id="{name}" d="{glyphs[name]}"></path>' for name in used)
    outlines = f'<svg class="glyphs" width="0" height="0" aria-hidden="true"><defs>{paths}</defs></svg>'
    return BODY.sub(lambda body: body[0] + outlines, page, count=1)


def as_typed(text: str) -> str:
    r"""A page as it was before its formulas were set.

    >>> as_typed(r'<p><mjx-container class="MathJax" data-typed="\(x\)"><svg></svg></mjx-container>, then</p>')
    '<p>\\(x\\), then</p>'
    """
    return SET.sub(lambda formula: formula[2], OUTLINES.sub("", text))


def already_set(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Drawings and outlines of a page whose formulas are set, as `with_formulas` takes them."""
    drawn = {html.unescape(match[2]): match[0].replace(match[1], "", 1) for match in SET.finditer(text)}
    outlines = OUTLINES.search(text)
    return drawn, dict(OUTLINE.findall(outlines[0] if outlines else ""))


def drawings(
    pages: Iterable[str], file: Path, settings: Mapping[str, Any], several: Callable[..., Iterable[Any]] = map
) -> dict[str, Any]:
    """What `draw` makes of the formulas of all these pages; a file keeps it from build to build.

    several : applies a function to each of some lists of formulas, as ``map`` does.

    Raises ``FormulaError`` as `draw` does.
    """
    wanted = dict.fromkeys(formula for page in pages for formula in typed(page))
    made_with = json.dumps([settings, importlib.metadata.version(DISTRIBUTION), Path(__file__).read_text("utf-8")])
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    known = kept if kept.get("with") == made_with else {"drawn": {}, "glyphs": {}}
    new = [formula for formula in wanted if formula not in known["drawn"]]
    if known is kept and not new:
        return kept
    number = max(1, min(PARTS, len(new) // WORTHWHILE))
    made = [known, *several(functools.partial(draw, settings=settings), [new[part::number] for part in range(number)])]
    drawn = {formula: picture for part in made for formula, picture in part["drawn"].items() if formula in wanted}
    glyphs = {name: outline for part in made for name, outline in part["glyphs"].items()}
    used = {name for picture in drawn.values() for name in REFERRED.findall(picture)}
    kept = {"drawn": drawn, "glyphs": {name: glyphs[name] for name in sorted(used)}, "style": made[-1]["style"]}
    file.write_text(json.dumps({**kept, "with": made_with}, ensure_ascii=False), encoding="utf-8")
    return kept
