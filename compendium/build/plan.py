"""What there is to do: the chapters, what each depends on, and the parameters of a profile.

A chapter is known by its slug, its path below ``book/`` without suffix (``joint-exogeneity/linear-program``). All that
its outcome depends on is digested (`Plan.inputs`), and the digest is part of the name under which the outcome is kept:
``_build/<profile>/executed/<slug>/<digest>/``. So a result is up to date if and only if it is there. No clock is
asked, nothing is recorded beside it that could be lost or go stale, and a build that is killed leaves what is finished.
"""

import ast
import functools
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from compendium.build.reach import PACKAGES, Library, plain_python, reach, syntax_tree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EDITIONS = ("instructor", "student")  # the first is what `make book` builds by itself
LEDGER_MODULE = "ledger_pages"  # a page whose code imports it shows the ledger, so it waits for it
PROFILE_NAME = re.compile(r"\w[\w-]*")
CODE = {".py", ".pyc"}
LONGEST = (  # start first, the longest at the head: no core is to wait for them at the end
    "fine-tuning/scenarios", "fine-tuning/exhaustion", "fine-tuning/theorem", "counterfactuals/queries",
    "counterfactuals/examples", "fine-tuning/cost", "joint-exogeneity/how-large", "super-confounding/feature-selection",
    "counterfactuals/extension", "fine-tuning/d-separation",
)  # fmt: skip
PUBLISHED = re.compile(r"""["'/]published["'/]""")
SOLVE = "from compendium.pages import exercises as book_exercises\n\nbook_exercises.run_solutions({slug!r}, globals())"


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


def write_atomically(path: Path, text: str) -> None:
    """Write a small file that several processes may write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def sha256(content: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes or of a text."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def digest(content: Any) -> str:
    """Digest of plain data, short enough for a file's name."""
    return sha256(json.dumps(content, sort_keys=True, default=str))[:20]


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


SOLUTION = re.compile(r"^(?P<fence>`{3,})\{solution\}[^\n]*\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)
SOLUTION_CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
CODE_CELL = re.compile(r"^(?P<fence>`{3,})\{code-cell\}[^\n]*\n(?P<source>.*?)^(?P=fence)$", re.M | re.S)
TASK = re.compile(r"^(?P<fence>`{3,})\{(?:exercise|solution)\}.*?^(?P=fence)$", re.M | re.S)
FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n", re.S)
MAGIC = re.compile(r"^\s*[%!?]|[?!]", re.M)
PARAMETERS = re.compile(r"tags:.*\bparameters\b", re.S)
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
        front_matter = FRONT_MATTER.match(self.text)
        return bool(front_matter and re.search(r"^kernelspec:", front_matter[1], re.MULTILINE))

    @functools.cached_property
    def cells(self) -> list[Any]:
        """The code cells, as nbformat nodes."""
        import jupytext  # takes longer than all other imports here, and most jobs of a build read no chapter's source

        return [c for c in jupytext.reads(self.text, fmt="md:myst").cells if c.cell_type == "code"]

    @functools.cached_property
    def code(self) -> list[str]:
        """The source of each code cell, as in `cells` but for blank lines around it, and a hundred times as fast."""
        return [CELL_OPTIONS.sub("", cell["source"]).strip("\n") for cell in CODE_CELL.finditer(self.text)]

    @property
    def runs(self) -> str:
        """All the code that is executed: that of the cells, then that of the exercises' solutions."""
        blocks = [block["body"] for block in SOLUTION.finditer(self.text)]
        solutions = [code for block in blocks for code in SOLUTION_CODE.findall(block)]
        calls = [SOLVE.format(slug=self.slug)] if blocks else []
        magics = any(MAGIC.search(code) for code in self.code)
        return "\n".join([*(map(plain_python, self.code) if magics else self.code), *solutions, *calls])

    @property
    def executed_text(self) -> list[str]:
        """What of its text its execution can notice: the kernel, the cells with their options, the exercises."""
        front_matter = FRONT_MATTER.match(self.text)
        parts = [found[0] for pattern in (CODE_CELL, TASK) for found in pattern.finditer(self.text)]
        return [front_matter[0] if front_matter else "", *parts]

    def syntax_errors(self) -> list[str]:
        """``line: what is wrong`` for every code cell that is no Python, IPython's magics included."""
        found = []
        for cell in CODE_CELL.finditer(self.text):
            source = CELL_OPTIONS.sub("", cell["source"])
            try:
                ast.parse(plain_python(source))
            except SyntaxError as error:
                before = self.text[: cell.end("source") - len(source)].count("\n")
                found.append(f"{before + (error.lineno or 1)}: {type(error).__name__}: {error.msg}")
        return found

    @property
    def parameters(self) -> set[str]:
        """Names that the cell tagged ``parameters`` assigns."""
        cells = [cell["source"] for cell in CODE_CELL.finditer(self.text)]
        options = [CELL_OPTIONS.match(cell) for cell in cells]
        tagged = [cell for cell, own in zip(cells, options, strict=True) if own and PARAMETERS.search(own[0])]
        return set(assigned("\n".join(CELL_OPTIONS.sub("", cell) for cell in tagged)))


def assigned(code: str) -> list[str]:
    """The names that the statements of some code assign, in their order; none if it is no Python.

    >>> assigned("shots: int = 10\\nlow, high = 0, 1")
    ['shots', 'low', 'high']
    """
    targets: list[ast.expr] = []
    for statement in (syntax_tree(code) or ast.Module([], [])).body:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


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
        if not PROFILE_NAME.fullmatch(self.profile):
            raise self._no_such_profile()

    # --- where things are

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
        """The executed notebook of a chapter as it is now; ``tables/`` beside it has what the chapter wrote."""
        return self.build / "executed" / slug / self.digests[slug] / "notebook.ipynb"

    @property
    def targets(self) -> dict[str, Path]:
        """What is to be made → the file that is there if and only if it is up to date.

        Of a folder that has to stand under one name it is an empty file in it, named after the digest.
        """
        folders = {"ledger": self.generated, "website": self.html}
        stamps = {name: folder / f".made-from-{self.digests[name]}" for name, folder in folders.items()}
        return {slug: self.executed(slug) for slug in self.notebooks} | stamps

    def sources(self, name: str) -> list[str]:
        """Which targets have to be made before another one."""
        before = {"website": [*self.notebooks, "ledger"], "ledger": self.chapters}
        return before.get(name, ["ledger"] if name in self.ledger_pages else [])

    def priority(self, slug: str) -> int:
        """Which of the chapters that could start does so first: the one with the highest."""
        return len(LONGEST) - LONGEST.index(slug) if slug in LONGEST else 0

    def outdated(self) -> list[str]:
        """Names of the targets that are to be made."""
        return [name for name, file in self.targets.items() if not file.exists()]

    # --- what there is

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

    @property
    def ledger_pages(self) -> list[str]:
        """Slugs of the notebooks that show the ledger, and so wait for it."""
        return self.record["ledger pages"]

    @functools.cached_property
    def chapters(self) -> list[str]:
        """Slugs of the notebooks from which the ledger is made."""
        return [slug for slug in self.notebooks if slug not in self.ledger_pages]

    def parameters(self, slug: str) -> dict[str, Any]:
        """What the profile sets in a chapter."""
        return self._profile.get(slug, {})

    def _no_such_profile(self) -> PlanError:
        known = sorted(path.stem for path in (self.root / "data" / "parameters").glob("*.yml"))
        return PlanError(f"there is no profile {self.profile!r}; data/parameters/ has {', '.join(known)}")

    @functools.cached_property
    def _profile(self) -> dict[str, dict[str, Any]]:
        file = self.root / "data" / "parameters" / f"{self.profile}.yml"
        if not file.exists():
            raise self._no_such_profile()
        content = read_yaml(file) or {}
        if not isinstance(content, dict):
            raise PlanError(f"{file}: a profile maps chapters to their parameters, this is a {type(content).__name__}")
        for slug, parameters in content.items():
            check_parameters(file, slug, parameters, self.notebooks)
        return content

    @functools.cached_property
    def claims(self) -> list[dict[str, Any]]:
        """The authored half of the ledger, as plain data."""
        file = self.root / "data" / "claims.yml"
        return read_yaml(file) if file.exists() else []

    # --- what depends on what

    @functools.cached_property
    def library(self) -> Library:
        return Library(self.root)

    def modules(self, slug: str) -> set[str]:
        """Names of the modules that a chapter imports, directly or through one another."""
        return self.reached(slug)[0]

    @functools.cached_property
    def _reached(self) -> dict[str, tuple[set[str], Mapping[str, str]]]:
        return {}

    def reached(self, slug: str) -> tuple[set[str], Mapping[str, str]]:
        """What `reach` finds of a chapter's code, asked once."""
        if slug not in self._reached:
            self._reached[slug] = reach([self.notebooks[slug].runs], self.library)
        return self._reached[slug]

    def _shows_ledger(self, slug: str) -> bool:
        return any(module.endswith(f".{LEDGER_MODULE}") for module in self.modules(slug))

    @functools.cached_property
    def _resources(self) -> list[Path]:
        """The files that the code of a chapter may name."""
        found = [p for package in PACKAGES for p in (self.root / package).rglob("*") if p.suffix not in CODE]
        return [p for p in [*found, self.root / "CITATION.cff", self.root / "book" / "references.bib"] if p.is_file()]

    def inputs(self, slug: str) -> dict[str, str]:
        """Input → digest, for one chapter: its text, what its code reaches, data, parameters, claims."""
        chapter, reached = self.notebooks[slug], self.reached(slug)[1]
        sources = [chapter.runs, *reached.values()]
        text = "\n".join(sources)
        files = [p for p in self._resources if p.name in text]
        if PUBLISHED.search(text):
            files += [p for p in (self.root / "data" / "published").rglob("*.*") if p.suffix != ".md"]
        files += [chapter.path, HERE / "execute.py", self.root / "requirements.lock"]
        every = self._shows_ledger(slug)
        claims = [c for c in self.claims if every or c.get("chapter") == slug]
        return {
            **self._of_files(files),
            **{name: digest(source) for name, source in sorted(reached.items())},
            "claims": digest(claims),
            "parameters": digest(self.parameters(slug)),
            "python": platform.python_version(),
        }

    def run_key(self, slug: str) -> str:
        """Digest of what the outputs of a chapter depend on: of its text only that which is executed.

        Two results with the same key differ in their text alone. A page that shows the ledger sees its content.
        """
        inputs = {name: value for name, value in self.record["inputs"][slug].items() if name != self.page_name(slug)}
        shown = self._of_files(self.generated.rglob("[!.]*.*")) if slug in self.ledger_pages else {}
        return digest([inputs, self.notebooks[slug].executed_text, shown])

    def page_name(self, slug: str) -> str:
        """Under which name a chapter's text is among its `inputs`."""
        return self.named(self.notebooks[slug].path)

    def _ledger_inputs(self) -> dict[str, str]:
        _, reached = reach(["from compendium.claims import ledger\nledger.load(), ledger.collate"], self.library)
        own = [self.root / "data" / "claims.yml", HERE / "site.py"]
        return self._of_files(own) | {name: digest(source) for name, source in sorted(reached.items())}

    def _website_inputs(self) -> dict[str, str]:
        """The pages that are not executed, all that surrounds them, and the modules, whose reference is generated."""
        here = [HERE / name for name in ("site.py", "takeaway.py")]
        files = [self.root / "_config.yml", self.root / "_toc.yml", self.root / "requirements.lock", *here]
        files += [p for p in (self.root / "book").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        return self._of_files([*files, *self.library.files.values()])

    def _of_files(self, files: Iterable[Path]) -> dict[str, str]:
        return {self.named(p): sha256(p.read_bytes())[:20] for p in sorted(files) if p.is_file()}

    def named(self, path: Path) -> str:
        """A file as seen from the project's directory."""
        return path.relative_to(HERE.parent if path.parent == HERE else self.root).as_posix()

    def files(self) -> dict[str, str]:
        """Digests of everything that any digest is made from, each page by itself: as long as they stay, it does."""
        folders = [*PACKAGES, "book", "data/published", "data/parameters"]
        files = [p for folder in folders for p in (self.root / folder).rglob("*") if p.is_file()]
        files += [self.root / name for name in ("_config.yml", "_toc.yml", "CITATION.cff", "requirements.lock")]
        files += [self.root / "data" / "claims.yml", *HERE.glob("*.py")]
        content = {self.named(p): sha256(p.read_bytes()) for p in sorted(files) if p.exists() and p.suffix != ".pyc"}
        pages = {name: content.pop(name) for name in [*content] if name.startswith("book/") and name.endswith(".md")}
        return pages | {"around": sha256(json.dumps([content, self.profile, platform.python_version()]))}

    @functools.cached_property
    def record(self) -> dict[str, Any]:
        """Digests of files and targets, and every chapter's inputs; what still fits is taken from `record_file`."""
        files, kept = self.files(), self.last_record()
        old = kept.get("files", {})
        if old == files:
            return kept
        same = {name for name in files if old.get(name) == files[name]}
        fit = {slug for slug, page in self.notebooks.items() if {self.named(page.path), "around"} <= same}
        inputs = {slug: kept["inputs"][slug] if slug in fit else self.inputs(slug) for slug in self.notebooks}
        showing = [s for s in inputs if (s in kept["ledger pages"] if s in fit else self._shows_ledger(s))]
        digests = {slug: digest(inputs[slug]) for slug in inputs if slug not in showing}
        digests["ledger"] = digest([self._ledger_inputs(), digests])
        digests |= {slug: digest([inputs[slug], digests["ledger"]]) for slug in showing}
        digests["website"] = digest([self._website_inputs(), digests])
        return {"files": files, "digests": digests, "inputs": inputs, "ledger pages": showing}

    @property
    def digests(self) -> dict[str, str]:
        """Target → digest of all that it depends on."""
        return self.record["digests"]

    @property
    def record_file(self) -> Path:
        return self.build / "plan.json"

    def last_record(self) -> dict[str, Any]:
        """What `write_record` has written; nothing if that is not to be had."""
        try:
            return json.loads(self.record_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def write_record(self) -> dict[str, list[str]]:
        """Keep `record` for the jobs of this build; returns chapter → which inputs have changed since the last one."""
        old, new = self.last_record().get("inputs", {}), self.record["inputs"]
        write_atomically(self.record_file, json.dumps(self.record))
        return {
            slug: [key for key in {**old[slug], **new[slug]} if old[slug].get(key) != new[slug].get(key)]
            for slug in new.keys() & old.keys()
        }


def check_parameters(file: Path | str, slug: str, parameters: Any, notebooks: Mapping[str, Chapter]) -> None:
    """Refuse parameters for a chapter, or a parameter, that does not exist (papermill would only warn)."""
    if slug not in notebooks:
        raise PlanError(f"{file}: there is no chapter {slug!r}; there are {', '.join(notebooks)}")
    if not isinstance(parameters, dict):
        raise PlanError(f"{file}: {slug} needs a mapping of parameters to values, not {parameters!r}")
    defined = notebooks[slug].parameters
    unknown = [name for name in parameters if name not in defined]
    if unknown:
        has = ", ".join(sorted(defined)) or "none"
        raise PlanError(f"{file}: chapter {slug} has no parameter {', '.join(unknown)}; its parameters cell has: {has}")
