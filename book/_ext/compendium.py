"""What this book needs of Sphinx beyond its configuration: mathematics without a network, pages without errors."""

import importlib.metadata
import shutil
from pathlib import Path
from typing import Any

MATHJAX = "sphinx-mathjax-offline"  # a distribution that carries MathJax 3
PARTS = ("tex-svg.js", "input/tex/extensions")  # glyphs as SVG: no font files, which browsers refuse to file:// pages


def mathjax_source() -> Path:
    """Where the installed MathJax is."""
    script = next(f for f in importlib.metadata.files(MATHJAX) or [] if f.name == "tex-svg.js")
    return Path(str(script.locate())).parent


def copy_mathjax(app: Any, error: Exception | None) -> None:
    """Put the needed part of MathJax beside the pages (not into the source's ``_static``, nor into git)."""
    if error or app.builder.format != "html":
        return
    source, target = mathjax_source(), Path(app.outdir, "_static", "mathjax")
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, target / part)


def drop_thebe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out Thebe, which is not used here: it is declared twice, an error in the console of every page."""
    for kind in ("script_files", "css_files"):
        context[kind] = [f for f in context.get(kind, []) if "thebe" not in str(vars(f) if hasattr(f, "__dict__") else f)]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.config.mathjax_path = "mathjax/tex-svg.js"
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", drop_thebe, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
