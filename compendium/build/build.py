"""Run Snakemake with progress that a person can read, and sum up."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from compendium.build import warm
from compendium.build.children import die_with_parent, kernel_environment
from compendium.build.plan import Plan
from compendium.build.secrets import redact, secrets_in

DONE, FAILED, DETAIL = "✓ ", "✗ ", "  │ "
OWN = "new"  # the source of this book's own statements
VERDICTS = ("confirmed", "corrected", "modelled", "not-reproducible", "open")


@contextlib.contextmanager
def only_build(plan: Plan, console: Console) -> Iterator[None]:
    """Hold the profile's lock, after another build if one is running; the system frees that of a killed one."""
    plan.build.mkdir(parents=True, exist_ok=True)
    with (plan.build / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.print(f"Another build of the profile {plan.profile} is running: waiting for it to end …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(plan: Plan, jobs: str = "all", website: bool = True, console: Console | None = None) -> int:
    """Bring the book of a profile (or all but its website) up to date; returns the exit code."""
    console = console or Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    plan.parameters("")  # a profile that does not exist is refused before anything is written
    with only_build(plan, console), contextlib.ExitStack() as processes:
        before = plan.files()
        missing = len(plan.notebooks) - len(kept(plan))
        environment = processes.enter_context(warm.process(plan, missing, missing))
        changes = plan.write_record()  # meanwhile
        if plan.files() != before:
            environment = {}  # it may have imported what has been edited since
        shutil.rmtree(plan.build / "partial", ignore_errors=True)  # of builds that were killed
        names = [name for name in plan.outdated() if website or name != "website"]
        stale = [slug for slug in plan.chapters if slug in names]
        announce(plan, stale, changes, console)
        code = 0
        if names:
            environment = environment or processes.enter_context(warm.process(plan, len(names), len(stale)))
            code = follow(plan, snakemake_command(plan, names, jobs), environment, len(stale), console)
        if code:
            console.print(f"[bold red]The book is not complete.[/] The whole log: {relative(plan, log_file(plan))}")
            return code
        if names:
            tidy(plan)
    summarise(plan, time.monotonic() - started, website, console)
    return 0


def kept(plan: Plan) -> list[Path]:
    """The folders of the chapters' results that are there, of this state of the book or of another."""
    return [notebook.parent for notebook in (plan.build / "executed").rglob("notebook.ipynb")]


def tidy(plan: Plan) -> None:
    """Remove the results that the book as it is now has no use for."""
    from compendium.build.chapter_files import tidy_chapter_files  # it imports much

    wanted = {plan.executed(slug).parent for slug in plan.notebooks}
    for folder in kept(plan):
        if folder not in wanted:
            shutil.rmtree(folder)
    tidy_chapter_files(plan)


def announce(plan: Plan, stale: list[str], changes: dict[str, list[str]], console: Console) -> None:
    """Say what is going to be executed, and why where there is a reason to tell."""
    total = len(plan.chapters)
    if stale:
        console.print(f"{len(stale)} of {total} chapters to execute (profile {plan.profile})")
    else:
        console.print(f"{total} chapters are up to date (profile {plan.profile})")
    for slug in stale:
        if changes.get(slug):
            first, more = changes[slug][:3], len(changes[slug]) - 3
            reason = ", ".join(first) + (f" and {more} more" if more > 0 else "")
            console.print(f"  [dim]{slug}: {reason} changed[/]")


def snakemake_command(plan: Plan, names: list[str], jobs: str) -> list[str]:
    """Snakemake for some targets, without locks of its own (see `only_build`); more is in ``profiles/default/``.

    All cores get one job more than there are of them: each job waits now and then, for its kernel to start and to end.
    """
    jobs = str((os.cpu_count() or 1) + 1) if jobs == "all" else jobs
    files = [relative(plan, plan.targets[name]) for name in names]
    place = ["--snakefile", str(plan.root / "Snakefile"), "--directory", str(plan.root)]
    how = ["--cores", jobs, "--nolock", "--config", f"profile={plan.profile}", f"edition={plan.edition}"]
    return [sys.executable, "-m", "snakemake", *files, *place, *how]


def log_file(plan: Plan) -> Path:
    """What Snakemake and the jobs said in the last build."""
    return plan.build / "build.log"


def follow(plan: Plan, command: list[str], extra: dict[str, str], total: int, console: Console) -> int:
    """Run Snakemake for `total` chapters; show the lines that are meant for people, log the rest."""
    secrets = secrets_in(os.environ)
    chapters = set(plan.chapters)
    finished, told, others = 0, False, []
    environment = {**os.environ, **kernel_environment(plan), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **extra}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "preexec_fn": die_with_parent}
    with (
        subprocess.Popen(command, cwd=plan.root, env=environment, text=True, encoding="utf-8", **pipes) as process,
        log_file(plan).open("w", encoding="utf-8") as log,
    ):
        assert process.stdout is not None
        for raw in process.stdout:
            line = redact(raw.rstrip("\n"), secrets)
            log.write(line + "\n")
            log.flush()
            if line.startswith(DONE):
                name = line.removeprefix(DONE).split(" … ")[0]
                finished += name in chapters
                counter = f"[{finished}/{max(total, finished)}]"
                counter = counter if name in chapters else "·" * len(counter)
                console.print(f"{counter} {line.removeprefix(DONE)}", markup=False)
            elif line.startswith((FAILED, DETAIL)):
                told = True
                console.print(line, markup=False, style="red" if line.startswith(FAILED) else None)
            else:
                others.append(line)
    if process.returncode and not told:
        console.print("\n".join(others[-60:]), markup=False)
    return process.returncode


def summarise(plan: Plan, seconds: float, website: bool, console: Console) -> None:
    """Claims by verdict, corrections found, seconds, and the file to open."""
    records = json.loads(plan.ledger.read_text(encoding="utf-8"))
    verdicts = [(record["id"].startswith(f"{OWN}:"), record["verdict"]) for record in records]
    verdicts += [(claim["id"].startswith(f"{OWN}:"), "open") for claim in plan.claims if claim["verdict"] == "open"]
    counts = Counter(verdicts)
    papers = sum(n for (own, _), n in counts.items() if not own)
    table = Table(title=f"Claims of the four papers ({papers}), and this book's own", title_justify="left", box=None)
    table.add_column("verdict")
    table.add_column("papers", justify="right")
    table.add_column("own", justify="right")
    for verdict in VERDICTS:
        table.add_row(verdict, str(counts[False, verdict]), str(counts[True, verdict]))
    console.print()
    console.print(table)
    corrected = [record["id"] for record in records if record["verdict"] == "corrected"]
    found = f"{len(corrected)} ({', '.join(corrected)})" if corrected else "none"
    console.print(f"\nCorrections found: {found}", markup=False)
    result = f"Open {plan.html / 'index.html'}" if website else f"The ledger is {relative(plan, plan.ledger)}"
    console.print(f"Done in {seconds:.1f} s. {result}", markup=False)


def relative(plan: Plan, path: Path) -> str:
    """A path as seen from the project's directory."""
    return path.relative_to(plan.root).as_posix()
