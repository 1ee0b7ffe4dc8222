"""A build's processes: what they inherit, and that they end with it, however suddenly it dies."""

import ctypes
import json
import os
import signal
import sys

from compendium.build.plan import Plan, write_atomically

KERNEL = "python3"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Let the system kill this process when its parent ends.

    Linux does this. Elsewhere a child that is left alone goes on to its end, which harms nothing: what it makes is put
    in place whole, under the digest of what it was made from.
    """
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def forks_die_with_us() -> None:
    """Let the processes that this one forks die with it (not those that it starts by ``exec``)."""
    os.register_at_fork(after_in_child=die_with_parent)


def kernel_environment(plan: Plan) -> dict[str, str]:
    """What every kernel inherits: this interpreter, this tree, nothing of the user's own configuration."""
    home = plan.build / "home"
    kernelspec = home / "jupyter" / "kernels" / KERNEL / "kernel.json"
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernelspec.parent.mkdir(parents=True, exist_ok=True)
    spec = json.dumps({"argv": launch, "display_name": "Python 3", "language": "python"})
    write_atomically(kernelspec, spec)
    write_atomically(home / "matplotlibrc", "svg.hashsalt: compendium\n")
    return {
        "COMPENDIUM_LEDGER": str(plan.ledger),
        "COMPENDIUM_PROFILE": plan.profile,
        "JUPYTER_PATH": str(home / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": str(plan.root),
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
