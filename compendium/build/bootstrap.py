"""Make ``.venv`` exactly as ``requirements.lock`` says; do nothing when it is so already.

Runs with any Python 3 and the standard library. The stamp ``.venv/compendium.json`` is written last and removed
first: without a stamp that fits, an environment is unfinished (an installation that was killed, say) and is made anew.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "compendium.json"
OLDEST, NEWEST = (3, 11), (3, 13)
CANDIDATES = ("python3.11", "python3.12", "python3.13", "python3", "python")


def version_of(python):
    """(major, minor) of an interpreter, or None when it does not run."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        return tuple(map(int, answer.stdout.split()))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def suitable(version):
    """Whether this (major, minor) is supported."""
    return version is not None and OLDEST <= version <= NEWEST


def find_python(wished):
    """The interpreter to build on: the one asked for, else the first suitable one.

    Raises
    ------
    SystemExit
        when the one asked for is not suitable, or none is found; says what to do.
    """
    span = "{}.{} to {}.{}".format(*OLDEST, *NEWEST)
    if wished:
        version = version_of(wished)
        if not suitable(version):
            found = "does not run" if version is None else "is Python {}.{}".format(*version)
            sys.exit(f"PYTHON={wished} {found}; this project needs Python {span}.")
        return wished
    for name in CANDIDATES:
        path = shutil.which(name)
        if path and suitable(version_of(path)):
            return path
    uv = find_uv()
    if uv:
        request = ">={}.{},<{}.{}".format(*OLDEST, NEWEST[0], NEWEST[1] + 1)
        answer = subprocess.run([uv, "python", "find", request], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and suitable(version_of(answer.stdout.strip())):
            return answer.stdout.strip()
    sys.exit(
        f"No Python {span} found (looked for {', '.join(CANDIDATES)}).\n"
        "Install one (for example `uv python install 3.11`, or your system's python3.11 package),\n"
        "or name it: make book PYTHON=/path/to/python3.11"
    )


def find_uv():
    """Path of a uv that runs, or None. COMPENDIUM_UV=0 does without."""
    if os.environ.get("COMPENDIUM_UV", "1") == "0":
        return None
    for uv in filter(None, (shutil.which("uv"), str(VENV / "uv" / "bin" / "uv"))):
        with contextlib.suppress(OSError):
            if subprocess.run([uv, "--version"], capture_output=True, check=False, cwd=ROOT).returncode == 0:
                return uv
    return None


def bring_uv():
    """Install uv by hash, with .venv's own pip, in a folder that an update leaves alone; its path, or None."""
    if os.environ.get("COMPENDIUM_UV", "1") == "0":
        return None
    lock = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(Path(__file__).with_name("uv.txt"))]
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    target = ["--upgrade", "--target", str(VENV / "uv")]
    subprocess.run([*pip, *target, *lock], cwd=ROOT, capture_output=True, check=False)
    return find_uv()


def file_digest(name):
    """SHA-256 of a file of this tree."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def read_stamp():
    """What the finished environment was made from; {} when there is none."""
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def write_stamp(content):
    """Declare the environment finished (atomically)."""
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(STAMP)


def run_command(command, said):
    """Run an installation step; on failure show what it said and stop."""
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{answer.stdout}\nCould not {said} (the command was: {' '.join(map(str, command))}).")


def create(python, uv):
    """An empty environment in place of whatever is there."""
    if VENV.is_symlink():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        run_command([uv, "venv", "--quiet", "--no-project", "--python", python, str(VENV)], "create .venv")
    else:
        hint = "create .venv (on Debian and Ubuntu this needs the package python3-venv)"
        run_command([python, "-m", "venv", str(VENV)], hint)


def install(uv, lock):
    """The lock's packages with their hashes when `lock` is true, then this tree."""
    python = str(VENV / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    if lock and uv:
        sync = [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", python]
        run_command([*sync, "requirements.lock"], "install the lock")
    elif lock:
        run_command([*pip, "--require-hashes", "-r", "requirements.lock"], "install the lock")
    this_tree = ["--no-deps", "--no-build-isolation", "-e", "."]
    installer = [uv, "pip", "install", "--quiet", "--python", python] if uv else pip
    run_command([*installer, *this_tree], "install this tree")


def add(lock):
    """The packages of another lock on top, such as JupyterLab; nothing if they are there already."""
    stamp = read_stamp()
    if stamp.get(lock) == file_digest(lock):
        return
    python, uv = str(VENV / "bin" / "python"), find_uv() or bring_uv()
    print(f"Installing {lock} …", flush=True)
    pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    run_command([*pip, "--quiet", "--require-hashes", "-r", lock], f"install {lock}")
    write_stamp({**stamp, lock: file_digest(lock)})


@contextlib.contextmanager
def one_at_a_time():
    """A second installation waits for the first; the system frees the lock of one that was killed."""
    with open(ROOT / "requirements.lock", "rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main():
    """Bring ``.venv`` up to date."""
    wished = os.environ.get("PYTHON", "")
    with one_at_a_time():
        stamp = read_stamp()
        wanted = {"root": str(ROOT), "lock": file_digest("requirements.lock"), "tree": file_digest("pyproject.toml")}
        current = version_of(str(VENV / "bin" / "python"))
        sound = suitable(current) and stamp.get("root") == str(ROOT)
        if wished and sound:
            sound = version_of(wished) == current
        if sound and {key: stamp.get(key) for key in wanted} == wanted:
            return
        started = time.monotonic()
        if not sound and VENV.is_symlink():
            VENV.unlink()  # what it points to is another's
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()
        uv = find_uv()
        if not sound:
            python = find_python(wished)
            release = "{}.{}".format(*version_of(python))
            print(f"Creating .venv with Python {release} …", flush=True)
            create(python, uv)
        else:
            print("Updating .venv …", flush=True)
        uv = uv or bring_uv()
        if not uv:
            print("uv could not be had, so pip installs; this takes minutes.", flush=True)
        install(uv, lock=not sound or stamp.get("lock") != wanted["lock"])
        write_stamp(wanted)
        print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


if __name__ == "__main__":
    main()
    for name in sys.argv[1:]:  # `bootstrap.py lab`: requirements-lab.lock on top
        with one_at_a_time():
            add(f"requirements-{name}.lock")
