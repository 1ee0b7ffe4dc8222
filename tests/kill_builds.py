"""Kill one process of a build after another, at random moments, and see that nothing is lost or stale.

Run before a release: ``python tests/kill_builds.py [times] [seed]``. A small project is edited and built again and
again; each time one of the build's processes, whichever it may be, is killed at a random moment. Then all others have
to end by themselves, results that were finished have to stay, and the next build has to say what the sources say.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from test_pipeline import CHAPTER, copy_machinery, write  # noqa: E402

from compendium.build.plan import Plan  # noqa: E402

CHAPTERS = "abcdef"
COMMAND = [sys.executable, "-m", "compendium.build", "book", "--no-website", "--jobs", "2"]


def project(folder: Path) -> Path:
    """A project of six chapters, each of which shows a value of a module."""
    copy_machinery(folder)
    files = [{"file": f"book/part/{name}"} for name in CHAPTERS]
    write(folder / "_toc.yml", yaml.safe_dump({"format": "jb-book", "root": "book/intro", "chapters": files}))
    write(folder / "book/intro.md", "# Toy\n")
    for name in CHAPTERS:
        code = f"import time; from qlib.values import {name}\ntime.sleep(0.3)\nprint({name}())"
        write(folder / f"book/part/{name}.md", CHAPTER.format(title=name, code=code))
    return folder


def processes_of(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


def shown(folder: Path) -> dict[str, str]:
    """What each chapter's result, as far as there is one for the sources as they are, says."""
    plan = Plan(root=folder)
    files = {name: plan.executed(f"part/{name}") for name in CHAPTERS}
    return {k: nbformat.read(f, 4).cells[-1].outputs[0].text.strip() for k, f in files.items() if f.exists()}


def main(times: int = 50, seed: int = 1) -> None:
    draw = random.Random(seed)
    folder = project(Path(tempfile.mkdtemp(prefix="Bücher und mehr ")))
    values = dict.fromkeys(CHAPTERS, 0)
    for k in range(times):
        for name in draw.sample(CHAPTERS, 3):
            values[name] = 1000 * k + draw.randrange(1000)
        write(folder / "qlib/values.py", "".join(f"def {c}():\n    return {v}\n" for c, v in values.items()))
        build = subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.2, 12))
        candidates = processes_of(folder)
        victim = draw.choice(candidates) if candidates else None
        command = ""
        if victim:
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{victim}/cmdline").read_bytes().replace(b"\0", b" ").decode()[-60:]
                os.kill(victim, signal.SIGKILL)
        build.wait(timeout=120)
        ends = time.monotonic() + 20
        while processes_of(folder) and time.monotonic() < ends:
            time.sleep(0.1)
        assert not processes_of(folder), f"round {k}: {command!r} was killed, and others outlive the build"
        kept = shown(folder)
        assert all(text == str(values[name]) for name, text in kept.items()), f"round {k}: stale: {kept} {values}"
        again = subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert again.returncode == 0, again.stdout + again.stderr
        assert shown(folder) == {name: str(value) for name, value in values.items()}, f"round {k}: stale or lost"
        assert (folder / "data/generated/ledger.json").exists()
        print(f"{k + 1:3d}: killed {command or 'nothing (it had ended)'!r}; {len(kept)} of 6 were there", flush=True)
    shutil.rmtree(folder)
    print(f"{times} builds were killed; nothing was stale, nothing was lost, nobody was left behind.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
