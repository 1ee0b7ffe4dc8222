"""What there is to do: the chapters, what each depends on, and the parameters of a profile.

A chapter is known by its slug, its path below ``book/`` without suffix (``joint-exogeneity/linear-program``).
What it depends on is written to ``_build/<profile>/inputs/<slug>.json`` as a digest of each input, and only when a
digest has changed. Snakemake looks at that file alone: it re-executes a chapter when the content of an input has
changed, whatever the clock says, and not when a file was merely touched.
"""

import ast
import contextlib
import functools
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "qlib"
EDITIONS = ("instructor", "student")  # the first is what `make book` builds by itself
LEDGER_MODULE = "qlib.ledger_pages"  # a page whose code imports it shows the ledger, so it waits for it


class PlanError(Exception):
    """Something in the tree does not fit together; the message names it."""


def read_yaml(path: Path) -> Any:
    """Content of a YAML file (plain data, never evaluated)."""
    try:
        with path.open(encoding="utf-8") as stream:
            return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise PlanError(f"{path} does not exist") from None
    except yaml.YAMLError as error:
        raise PlanError(f"{path} is not valid YAML: {error}") from None


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text atomically, unless the file holds it already; True when it was written."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return True


def sha256(content: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes or of a text."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


# --- chapters -------------------------------------------------------------------------------------------------------


def toc_files(toc: Any) -> Iterator[str]:
    """Every ``file:`` and ``root:`` of a Jupyter Book table of contents, in reading order."""
    if isinstance(toc, Mapping):
        for key, value in toc.items():
            if key in ("root", "file"):
                yield str(value)
            else:
                yield from toc_files(value)
    elif isinstance(toc, list):
        for entry in toc:
            yield from toc_files(entry)


CODE_CELL = re.compile(r"^(?P<fence>`{3,})\{code-cell\}[^\n]*\n(?P<source>.*?)^(?P=fence)$", re.M | re.S)
CELL_OPTIONS = re.compile(r"\A(---\n.*?^---\n|(:[\w-]+:[^\n]*\n)+)", re.M | re.S)


@dataclass(frozen=True)
class Chapter:
    """A page of the book; a notebook when its front matter names a kernel."""

    slug: str
    path: Path

    @functools.cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def is_notebook(self) -> bool:
        front_matter = re.match(r"---\n(.*?\n)---\n", self.text, re.DOTALL)
        return bool(front_matter and re.search(r"^kernelspec:", front_matter[1], re.MULTILINE))

    @functools.cached_property
    def cells(self) -> list[Any]:
        """The code cells, as nbformat nodes."""
        return [c for c in jupytext.reads(self.text, fmt="md:myst").cells if c.cell_type == "code"]

    @functools.cached_property
    def code(self) -> list[str]:
        """The source of each code cell, as in `cells` but for blank lines around it, and a hundred times as fast."""
        return [CELL_OPTIONS.sub("", cell["source"]).strip("\n") for cell in CODE_CELL.finditer(self.text)]

    @property
    def parameters(self) -> set[str]:
        """Names that the cell tagged ``parameters`` assigns."""
        tagged = [c.source for c in self.cells if "parameters" in c.metadata.get("tags", [])]
        tree = parse("\n".join(tagged)) or ast.Module([], [])
        targets = [t for n in tree.body if isinstance(n, ast.Assign) for t in n.targets]
        targets += [n.target for n in tree.body if isinstance(n, ast.AnnAssign)]
        return {name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)}


def parse(code: str) -> ast.Module | None:
    """Syntax tree of Python code, IPython's magics included; None where it has none (running it will tell)."""
    for read in (str, without_magics):
        with contextlib.suppress(SyntaxError):
            return ast.parse(read(code))
    return None


def without_magics(code: str) -> str:
    """The Python that IPython makes of a cell."""
    from IPython.core.inputtransformer2 import TransformerManager  # slow to import, seldom needed

    return TransformerManager().transform_cell(code)


# --- which modules some code needs ----------------------------------------------------------------------------------


@functools.cache
def imported_names(code: str) -> frozenset[str] | None:
    """Dotted names that some code imports, at any depth; ``from a import b`` gives both a and a.b.

    None for code that cannot be parsed. Chapters share their modules, so each source is read once.
    """
    if "import" not in code:
        return frozenset() if parse(code) else None
    tree = parse(code)
    if tree is None:
        return None
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = f"{PACKAGE}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            names += (base, *(f"{base}.{alias.name}" for alias in node.names))
    return frozenset(names)


def modules_of(root: Path) -> dict[str, Path]:
    """Dotted name → file of every module of the package."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    names = (file.relative_to(root).with_suffix("").parts for file in files)
    return {".".join(parts).removesuffix(".__init__"): file for parts, file in zip(names, files, strict=True)}


def modules_used(code: Iterable[str], modules: Mapping[str, Path]) -> set[str]:
    """The package's modules that some code imports, directly or through one another.

    Code that cannot be parsed might import anything: then it is all of them.

    Examples
    --------
    >>> modules_used(["import math"], {})
    set()
    """
    waiting, used = list(code), set()
    while waiting:
        names = imported_names(waiting.pop())
        if names is None:
            return set(modules)
        for name in names:
            parents = [name.rsplit(".", n)[0] for n in range(name.count(".") + 1)]
            for module in set(parents) & (modules.keys() - used):
                used.add(module)
                waiting.append(modules[module].read_text(encoding="utf-8"))
    return used


# --- the plan -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """One profile's run through the book: where things are and what depends on what.

    Attributes
    ----------
    profile
        name of a file in ``data/parameters/``
    root
        the project's directory
    edition
        with solutions to the exercises (``instructor``) or without (``student``): websites of their own, one execution

    Raises
    ------
    PlanError
        for a profile that does not exist, or names a chapter or a parameter that does not; for an unknown edition
    """

    profile: str = "paper"
    root: Path = ROOT
    edition: str = EDITIONS[0]

    def __post_init__(self) -> None:
        if self.edition not in EDITIONS:
            raise PlanError(f"there is no edition {self.edition!r}; there are {', '.join(EDITIONS)}")

    @property
    def build(self) -> Path:
        return self.root / "_build" / self.profile

    @property
    def generated(self) -> Path:
        """Where the published tables, figures and the ledger go."""
        return self.root / "data" / "generated" if self.profile == "paper" else self.build / "generated"

    @property
    def ledger(self) -> Path:
        return self.generated / "ledger.json"

    @property
    def html(self) -> Path:
        return self.build / ("html" if self.edition == EDITIONS[0] else f"html-{self.edition}")

    @property
    def notebooks_folder(self) -> str:
        """Where ``make notebooks`` puts the chapters."""
        return "notebooks" if self.edition == EDITIONS[0] else f"notebooks-{self.edition}"

    def executed(self, slug: str) -> Path:
        """The executed notebook of a chapter."""
        return self.build / "executed" / f"{slug}.ipynb"

    def inputs(self, slug: str) -> Path:
        """The digests of what a chapter depends on."""
        return self.build / "inputs" / f"{slug}.json"

    @functools.cached_property
    def pages(self) -> dict[str, Chapter]:
        """Every page of the book by slug, in reading order."""
        files = list(toc_files(read_yaml(self.root / "_toc.yml")))
        missing = [file for file in files if not (self.root / f"{file}.md").exists()]
        if missing:
            raise PlanError(f"_toc.yml names {', '.join(missing)}: no such .md file")
        slugs = [file.removeprefix("book/") for file in files]
        return {s: Chapter(s, self.root / f"{f}.md") for s, f in zip(slugs, files, strict=True)}

    @functools.cached_property
    def notebooks(self) -> dict[str, Chapter]:
        """The pages that are executed."""
        return {slug: page for slug, page in self.pages.items() if page.is_notebook}

    @functools.cached_property
    def ledger_pages(self) -> list[str]:
        """Slugs of the notebooks that show the ledger, and so wait for it."""
        return [slug for slug in self.notebooks if LEDGER_MODULE in self.modules(slug)]

    @functools.cached_property
    def chapters(self) -> list[str]:
        """Slugs of the notebooks from which the ledger is made."""
        return [slug for slug in self.notebooks if slug not in self.ledger_pages]

    def parameters(self, slug: str) -> dict[str, Any]:
        """What the profile sets in a chapter."""
        return self._profile.get(slug, {})

    @functools.cached_property
    def _profile(self) -> dict[str, dict[str, Any]]:
        directory = self.root / "data" / "parameters"
        known = sorted(path.stem for path in directory.glob("*.yml"))
        if self.profile not in known:
            raise PlanError(f"there is no profile {self.profile!r}; data/parameters/ has {', '.join(known)}")
        file = directory / f"{self.profile}.yml"
        content = read_yaml(file) or {}
        if not isinstance(content, dict):
            raise PlanError(f"{file}: a profile maps chapters to their parameters, this is a {type(content).__name__}")
        for slug, parameters in content.items():
            check_parameters(file, slug, parameters, self.notebooks)
        return content

    @functools.cached_property
    def claims(self) -> list[dict[str, Any]]:
        """The authored half of the ledger, as plain data."""
        return read_yaml(self.root / "data" / "claims.yml")

    @functools.cached_property
    def _modules(self) -> dict[str, Path]:
        return modules_of(self.root)

    @functools.lru_cache  # noqa: B019 (one plan lives as long as its process)
    def modules(self, slug: str) -> set[str]:
        """Names of the package's modules that a chapter uses."""
        return modules_used(self.notebooks[slug].code, self._modules)

    def files(self, slug: str) -> list[Path]:
        """The files that a chapter's outcome depends on, besides its claims and parameters."""
        modules = [self._modules[name] for name in sorted(self.modules(slug))]
        sources = [m.read_text(encoding="utf-8") for m in modules if m.name != "paths.py"]
        resources = [p for p in (self.root / PACKAGE).iterdir() if p.is_file() and p.suffix != ".py"]
        used = [p for p in sorted(resources) if any(p.name in source for source in sources)]
        authored = [self.root / "CITATION.cff", self.root / "book" / "references.bib"]
        used += [p for p in authored if any(p.name in source for source in sources)]
        published = [p for p in sorted((self.root / "data" / "published").rglob("*.*")) if p.suffix != ".md"]
        if not any("published" in code.lower() for code in [*self.notebooks[slug].code, *sources]):
            published = []
        pipeline = [self.root / "pipeline" / name for name in ("execute.py", "kernel.py", "warm.py")]
        return [self.notebooks[slug].path, *modules, *used, *published, *pipeline, self.root / "requirements.lock"]

    def digests(self, slug: str) -> dict[str, str]:
        """Input → digest, for one chapter."""
        own = [c for c in self.claims if slug in self.ledger_pages or c.get("chapter") == slug]
        return {
            **self._digest_files(self.files(slug)),
            "claims": sha256(json.dumps(own, sort_keys=True)),
            "parameters": sha256(json.dumps(self.parameters(slug), sort_keys=True, default=str)),
            "python": platform.python_version(),
        }

    def site_digests(self) -> dict[str, str]:
        """Input → digest, for the pages that are not executed and all that surrounds them."""
        own = {"ledger_pages.py"}
        extra = ["_config.yml", "_toc.yml", "pipeline/site.py", "pipeline/takeaway.py", "requirements.lock"]
        paths = [self.root / name for name in extra] + [p for p in (self.root / "book").rglob("*") if p.is_file()]
        package = [p for name, p in self._modules.items() if p.name not in own and name]  # the API page shows these
        return self._digest_files([p for p in (*paths, *package) if "__pycache__" not in p.parts])

    def _digest_files(self, files: Iterable[Path]) -> dict[str, str]:
        return {p.relative_to(self.root).as_posix(): sha256(p.read_bytes()) for p in files}

    def write_inputs(self) -> dict[str, list[str]]:
        """Write the digests that have changed; slug → which inputs those were."""
        wanted = {slug: self.digests(slug) for slug in self.notebooks}
        wanted["_site"] = self.site_digests()
        wanted["_ledger"] = self._digest_files([self.root / "data" / "claims.yml", self.root / "pipeline" / "site.py"])
        changes = {}
        for slug, new in wanted.items():
            path = self.inputs(slug)
            old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            changes[slug] = sorted(key for key in {*old, *new} if old.get(key) != new.get(key)) if old else []
            write_if_changed(path, json.dumps(new, indent=1) + "\n")
        return changes

    def targets(self) -> dict[str, tuple[Path, list[Path]]]:
        """What is to be made → (file, the files that it is made from): the graph that the Snakefile follows."""
        executed = {slug: self.executed(slug) for slug in self.notebooks}
        chapters = {slug: (executed[slug], [self.inputs(slug)]) for slug in self.chapters}
        ledger = (self.ledger, [self.inputs("_ledger"), *(executed[slug] for slug in self.chapters)])
        pages = {slug: (executed[slug], [self.inputs(slug), self.ledger]) for slug in self.ledger_pages}
        website = (self.html / "index.html", [self.inputs("_site"), *executed.values()])
        return {**chapters, "ledger": ledger, **pages, "website": website}

    def outdated(self) -> list[str]:
        """Names of the targets that are missing or older than what they are made from."""
        return [name for name, (file, sources) in self.targets().items() if is_older(file, sources)]


def is_older(file: Path, sources: Iterable[Path]) -> bool:
    """Whether a file is missing, or one of its sources is missing or newer."""
    if not file.exists():
        return True
    return any(not source.exists() or source.stat().st_mtime > file.stat().st_mtime for source in sources)


def check_parameters(file: Path, slug: str, parameters: Any, notebooks: Mapping[str, Chapter]) -> None:
    """Refuse a profile's entry for a chapter or a parameter that does not exist (papermill would only warn)."""
    if slug not in notebooks:
        raise PlanError(f"{file}: there is no chapter {slug!r}; there are {', '.join(notebooks)}")
    if not isinstance(parameters, dict):
        raise PlanError(f"{file}: {slug} needs a mapping of parameters to values, not {parameters!r}")
    defined = notebooks[slug].parameters
    unknown = [name for name in parameters if name not in defined]
    if unknown:
        has = ", ".join(sorted(defined)) or "none"
        raise PlanError(f"{file}: chapter {slug} has no parameter {', '.join(unknown)}; its parameters cell has: {has}")
