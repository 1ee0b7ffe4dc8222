"""A warm process: it has imported what chapters import, and each of the pipeline's jobs is a fork of it.

Starting an interpreter and importing the same libraries again and again takes longer than many a chapter. So a build
starts one process that imports them (`process`), and ``python -m compendium.build.warm execute …`` asks it to fork and
do the job there, with the asker's environment, directory and output; a chapter's kernel is a fork of its job
(`compendium.build.kernel`). Nothing is shared but what was imported: a fork writes to memory of its own.

Where there is no such process, on a cluster's node or a system on which forks are not safe (see `possible`), the job
is done by the asking process itself, in the same way but for its kernel, which is started afresh.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from compendium.build.children import die_with_parent, kernel_environment
from compendium.build.plan import ROOT, Library, Plan

ADDRESS = "COMPENDIUM_WARM"  # the variable that tells jobs where the warm process listens
JOBS = ("compendium.build.__main__", "compendium.build.chapter_files", "compendium.build.kernel")  # what each job needs
LIBRARIES = (
    "ipykernel.ipkernel", "ipykernel.kernelapp", "matplotlib.pyplot", "myst_nb", "nbclient", "networkx",
    "numpy", "pandas", "scipy.optimize", "sympy",
)  # fmt: skip
WEBSITE = (  # what the last job needs: imported while nobody asks for anything
    "sympy", "scipy.stats", "compendium.build.site", "sphinx.application", "sphinx.builders.html", "sphinx.ext.autodoc",
    "jupyter_book.sphinx", "pydata_sphinx_theme", "sphinx_book_theme", "myst_nb.sphinx_ext", "sphinxcontrib.bibtex",
    "sphinx_design", "sphinx_exercise", "sphinx_proof", "sphinx_togglebutton", "bs4", "sphinx.ext.mathjax",
    "compendium.pages.course", "sphinx.ext.napoleon", "sphinx_external_toc", "sphinx_multitoc_numbering",
)  # fmt: skip
FORK = "COMPENDIUM_FORK"  # holds the process id of a fork

WORTHWHILE = 4  # fewer jobs than this are done before everything is imported; fewer chapters need not wait for it


def forked() -> bool:
    """Whether this process, and not only one that it descends from, is a fork of a warm one."""
    return os.environ.get(FORK) == str(os.getpid())


def possible() -> bool:
    """Whether processes may be forked here after all the imports: on Linux. Apple's libraries forbid it."""
    return sys.platform == "linux"


@contextlib.contextmanager
def process(plan: Plan, jobs: int, chapters: int) -> Iterator[dict[str, str]]:
    """Run a warm process if there are jobs enough; yields what the environment of its askers needs.

    chapters : how many of the jobs execute a chapter. For a few of them not all libraries are imported.
    """
    import subprocess
    import tempfile

    if jobs < WORTHWHILE or not possible():
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        address = f"{folder}/socket"
        environment = {**os.environ, **kernel_environment(plan)}
        command = [sys.executable, "-m", "compendium.build.warm", "serve", address]
        command += ["libraries"] if chapters >= WORTHWHILE else []
        ours = {"stdin": subprocess.PIPE, "preexec_fn": die_with_parent}  # when its input is closed it ends, too
        with subprocess.Popen(command, cwd=plan.root, env=environment, **ours):
            yield {ADDRESS: address}


def serve(address: str, libraries: bool) -> None:
    """Import, then fork for everyone who asks, until standard input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(128)
        preload([*JOBS, *(LIBRARIES if libraries else ()), *(Library(ROOT).files if libraries else ())])
        signal.signal(signal.SIGCHLD, bury)
        for _ in asked([listener, sys.stdin], listener):
            if len(os.listdir("/proc/self/task")) > 1:
                return  # an import has started a thread: forks are not safe; askers do their jobs themselves
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                work(connection)
            connection.close()


def asked(sources: list[Any], listener: socket.socket) -> Iterator[None]:
    """Comes round for each one who asks, until another source has something; meanwhile what the website needs is
    imported.
    """
    later = list(WEBSITE)
    while True:
        ready = select.select(sources, [], [], 0 if later else None)[0]
        if listener in ready:
            yield
        elif ready:
            return
        else:
            preload([later.pop(0)])


def bury(*_: object) -> None:
    """Take note of the forks that have ended, so that their processor time is counted as ours."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def preload(names: Iterable[str]) -> None:
    """Import modules. One of this tree that cannot be imported is for its chapter to tell."""
    import gc
    import importlib

    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or the first collection in each fork would copy everything


def work(connection: socket.socket) -> NoReturn:
    """In a fork: take over the asker's output, environment and directory; do its job; tell the exit code."""
    status = 1
    try:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.sendall(b"\n")
        _, outputs, _, _ = socket.recv_fds(connection, 1, 2)
        with connection.makefile(encoding="utf-8") as file:
            arguments, directory, environment = json.load(file)
        for target, output in enumerate(outputs, start=1):
            os.dup2(output, target)
            os.close(output)
        os.environ.clear()
        os.environ.update(environment | {FORK: str(os.getpid())})
        os.chdir(directory)
        status = here(arguments)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        with contextlib.suppress(OSError):
            connection.sendall(str(status).encode())
        os._exit(status)


def here(arguments: list[str]) -> int:
    """Do a job in this process; returns its exit code."""
    from compendium.build.__main__ import app

    try:
        app(arguments, prog_name="python -m compendium.build")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def ask_warm_process(address: str, arguments: list[str]) -> int | None:
    """Let the warm process do a job; returns its exit code, None if there is no warm process."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
            if not connection.recv(1):
                return None
        except OSError:
            return None
        socket.send_fds(connection, [b"."], [1, 2])
        connection.sendall(json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile().read()
    if not answer:
        print(f"✗ {' '.join(arguments)}: its process was killed", file=sys.stderr, flush=True)
    return int(answer or 1)


def main(arguments: list[str]) -> int:
    """Serve, or have a job done, warm if possible."""
    if arguments[0] == "serve":
        serve(arguments[1], libraries="libraries" in arguments[2:])
        return 0
    die_with_parent()
    address = os.environ.pop(ADDRESS, "")
    code = ask_warm_process(address, arguments) if address else None
    return here(arguments) if code is None else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
