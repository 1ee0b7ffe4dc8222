"""The published book, built once for all tests that look at it; where `make book` has built it, they find it done."""

import os
import subprocess
import sys

from compendium.build.plan import ROOT, Plan

PLAN = Plan()
KEY = "ionq-k3y-that-nobody-has"  # `.ci/run` builds the book with it, too


def build() -> subprocess.CompletedProcess:
    """Build the book as `make book` does, with a key in the environment."""
    command = [sys.executable, "-m", "compendium.build", "book"]
    environment = {**os.environ, "PYTHONUTF8": "1", "IONQ_API_KEY": KEY, "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3600, check=False)
