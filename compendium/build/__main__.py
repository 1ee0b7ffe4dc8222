"""``python -m compendium.build``: what the Makefile and the Snakefile call."""

import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from compendium.build.plan import ROOT, Plan, PlanError

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Profile = Annotated[str, typer.Option(help="a file of data/parameters/, without its suffix")]
Edition = Annotated[str, typer.Option(help="instructor, or student: without the solutions to the exercises")]
Website = Annotated[bool, typer.Option(help="build the website, too")]
Jobs = Annotated[str, typer.Option(help="chapters at once; all = one per core")]


@app.callback()
def in_the_tree() -> None:
    """Execute the chapters, check the claims, build the website."""
    if not (ROOT / "_toc.yml").exists():
        fail(f"{ROOT} is no book: run this from the project's directory, or install that with --editable")


def fail(error: Exception | str) -> None:
    """Print an error for people, on standard error, and stop."""
    head, *rest = str(error).splitlines() or [type(error).__name__]
    told = [f"✗ {head}", *(f"  │ {line}" for line in rest)]
    sys.stderr.write("".join(f"{line}\n" for line in told))  # at once: what other jobs say does not come between
    sys.stderr.flush()
    raise SystemExit(1)


def job(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose expected errors are told without a traceback."""

    @functools.wraps(command)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PlanError as error:
            return fail(error)
        except SyntaxError as error:
            return fail(f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}")

    return told


@app.command()
@job
def book(
    profile: Profile = "paper", jobs: Jobs = "all", website: Website = True, edition: Edition = "instructor"
) -> None:
    """Execute what changed, write the ledger, build the website, sum up."""
    from compendium.build.build import build

    raise SystemExit(build(Plan(profile, edition=edition), jobs, website))


@app.command()
@job
def execute(
    slug: str, profile: Profile = "paper", digest: Annotated[str, typer.Option(help="what it depends on")] = ""
) -> None:
    """Execute one chapter (Snakemake calls this)."""
    from compendium.build.chapter_files import chapter_files
    from compendium.build.execute import ChapterError
    from compendium.build.execute import execute_chapter as run

    plan = Plan(profile)
    if slug not in plan.notebooks:
        raise PlanError(f"there is no chapter {slug!r}; there are {', '.join(plan.notebooks)}")
    try:
        seconds = run(plan, slug, digest)
        chapter_files(plan, slug)
    except ChapterError as error:
        fail(error)
    else:
        spent = os.times()
        processor = spent.children_user + spent.children_system  # the kernel's
        print(f"✓ {slug} … {seconds:.1f} s, {processor:.1f} s of processor", flush=True)


@app.command()
@job
def run(
    slug: str,
    output: Annotated[Path, typer.Argument(help="the notebook to write")] = Path("out.ipynb"),
    parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value, the value as YAML")] = None,
    profile: Profile = "paper",
) -> None:
    """Execute one chapter with other parameters, into a notebook of your own."""
    from compendium.build.execute import ChapterError, execute_with

    try:
        written = execute_with(Plan(profile), slug, dict(map(named_value, parameter or [])), output)
    except ChapterError as error:
        fail(error)
    else:
        print(f"Open {written}")


def named_value(text: str) -> tuple[str, Any]:
    """The two sides of ``name=value``.

    >>> named_value("rounds=1_000"), named_value("level = 1.0e-3")
    (('rounds', 1000), ('level', 0.001))
    """
    name, equals, value = text.partition("=")
    try:
        return name.strip(), yaml.safe_load(value if equals else "{")
    except yaml.YAMLError:
        raise PlanError(f"-p {text!r} should be a parameter's name=value, such as -p rounds=1000") from None


@app.command()
@job
def lab(profile: Profile = "paper", edition: Edition = "instructor", start: bool = True) -> None:
    """Write the chapters for JupyterLab into lab/, and open it."""
    from compendium.build.lab import FOLDER, open_lab, write_lab

    plan = Plan(profile, edition=edition)
    for slug in write_lab(plan):
        print(f"{FOLDER}/{slug}.ipynb has changes of yours and stays as it is")
    if start:
        raise SystemExit(open_lab(plan))


@app.command()
@job
def ledger(profile: Profile = "paper") -> None:
    """Collate the executed chapters' records (Snakemake calls this)."""
    from compendium.build.site import SiteError, make_ledger
    from compendium.claims.ledger import LedgerError

    started = time.monotonic()
    try:
        make_ledger(Plan(profile))
    except (LedgerError, SiteError) as error:
        fail(f"ledger\n{error}")
    print(f"✓ ledger … {time.monotonic() - started:.1f} s", flush=True)


@app.command()
@job
def site(profile: Profile = "paper", jobs: int = 1, edition: Edition = "instructor") -> None:
    """Build the website from the executed chapters (Snakemake calls this)."""
    from compendium.build.site import SiteError, make_site

    started = time.monotonic()
    try:
        make_site(Plan(profile, edition=edition), jobs)
    except SiteError as error:
        fail(f"website\n{error}")
    print(f"✓ website … {time.monotonic() - started:.1f} s", flush=True)


@app.command()
@job
def pdf(profile: Profile = "paper", edition: Edition = "instructor") -> None:
    """Print the built website as one PDF with contents, bookmarks and page numbers; needs Chromium."""
    from compendium.build.pdf import PdfError, make_pdf

    try:
        file = make_pdf(Plan(profile, edition=edition))
    except PdfError as error:
        fail(error)
    else:
        print(f"Open {file}")


@app.command(name="zip")
@job
def zip_(profile: Profile = "paper", edition: Edition = "instructor") -> None:
    """Pack the built website into one zip, for a course server or to hand on."""
    from compendium.build.bundle import BundleError, pack_website

    try:
        file = pack_website(Plan(profile, edition=edition))
    except BundleError as error:
        fail(error)
    else:
        print(f"{file} … {file.stat().st_size / 1e6:.1f} MB")


@app.command()
@job
def notebooks(edition: Edition = "instructor") -> None:
    """Write the chapters as .ipynb, paired with their .md, for JupyterLab; take over what was edited there.

    The students' are copies without solutions, of which nothing is taken over.
    """
    from compendium.build.notebooks import FOLDER, KERNEL, hand_out, pair, register

    register()
    kernel = f"{KERNEL['name']} ({sys.executable})"
    if edition != "instructor":
        plan = Plan(edition=edition)
        for chapter in hand_out(plan):
            print(f"edited, left as it is: {chapter}")
        print(f"The chapters without solutions are in {plan.notebooks_folder}/; their kernel is {kernel}.")
        return
    for chapter in pair(Plan()):
        print(f"edited as a notebook, taken over: {chapter}")
    print(f"The chapters are notebooks in {FOLDER}/; their kernel is {kernel}.")
    print("Edit either side, then `make notebooks` again.")


@app.command()
@job
def misreadings(
    slugs: Annotated[list[str] | None, typer.Argument(help="chapters; by default all with claims")] = None,
) -> None:
    """Exchange names in the printed formulas, drop factors and calls, and list what a check accepts all the same."""
    from compendium.build.mutants import blind_spots_of, chapters

    survive = False
    for slug in slugs or chapters():
        for id, formulas in blind_spots_of(slug):
            survive |= bool(formulas)
            print(id, *formulas, sep="\n    ", flush=True)
    raise SystemExit(survive)


@app.command()
@job
def mutants(
    slugs: Annotated[list[str] | None, typer.Argument(help="chapters; by default all with claims")] = None,
    seed: Annotated[int, typer.Option(help="decides the sample")] = 0,
    share: Annotated[float, typer.Option(help="of all mutants, the part that is tried")] = 1.0,
    cells: Annotated[bool, typer.Option(help="of cells, studies and vocabularies only, not of the library")] = False,
    only: Annotated[str, typer.Option(help="claims with this in their id")] = "",
    tests: Annotated[
        bool, typer.Option(help="put what no claim notices in the library to the library's tests")
    ] = False,
) -> None:
    """Change the derivations, one thing at a time, and list the changes that no claim's check notices."""
    from compendium.build.mutants import chapters, is_listed, merged, mutant_outcomes, put_to_tests, table_of_mutants

    found = []
    for outcome in mutant_outcomes(slugs or chapters(), seed, share, cells, only):
        found.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(found)} mutants, {sum(o.survived for o in found)} survive", end="", file=sys.stderr)
    found = [put_to_tests(one) if tests else one for one in merged(found)]
    print(table_of_mutants(found))
    raise SystemExit(any(o.survived and not is_listed(o) for o in found))


if __name__ == "__main__":
    app(prog_name="python -m compendium.build")
