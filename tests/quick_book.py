"""The book with smaller simulations, built once for all tests that look at it."""

import os
import subprocess
import sys

from compendium.build.plan import ROOT, Plan

PLAN = Plan("quick")
KEY = "ionq-k3y-that-nobody-has"


def build() -> subprocess.CompletedProcess:
    """Build the quick profile as `make book PROFILE=quick` does, with a key in the environment."""
    command = [sys.executable, "-m", "compendium.build", "book", "--profile", PLAN.profile]
    environment = {**os.environ, "PYTHONUTF8": "1", "IONQ_API_KEY": KEY, "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
