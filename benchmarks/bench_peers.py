"""The same questions put to other packages: whether the answers agree, and the processor time of each.

None of the peers is among the packages of this project; what is not installed is skipped. `pytest benchmarks` compares
the answers of those that are; ``python benchmarks/bench_peers.py`` also writes them, with processor times, to
`data/published/peers.csv`, and keeps the lines of peers that are not installed.

bpbounds and causaloptim are packages of R: ``Rscript`` is looked for, in whose library they should be (`R_LIBS`).
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import sympy as sp

from qlib.correlations import Game, game_bound, i3322
from qlib.graphs import graph_of_dagitty
from qlib.models import effect_bounds, linear_problem, two_sample_table

TABLE = Path(__file__).parents[1] / "data" / "published" / "peers.csv"
ROUNDS, LONG = 5, 10.0
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Question:
    """What is asked, of whom, and how: `ours` and `theirs` give numbers, or `theirs` is R that defines f, which does.

    agree : whether the peer has our numbers, to the tolerance; the text says what is known where it has not.
    """

    text: str
    peer: str
    ours: Callable[[], Numbers]
    theirs: Callable[[], Numbers] | str
    tolerance: float = 1e-9
    agree: bool = True


# --- bounds on effects -----------------------------------------------------------------------------------------------

VITAMIN = np.array([[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]])
GENES = np.array([[[341, 297, 63], [272, 269, 56]], [[47, 17, 18], [41, 38, 35]]])
MONOTONE = (np.array([[45, 0], [15, 60]]), np.array([[46, 10], [14, 50]]))  # treatments, outcomes
EFFECT = "p{Y(X = 1) = 1} - p{Y(X = 0) = 1}"
DIRECT = "p{Y(X = 1, M(X = 0)) = 1} - p{Y(X = 0, M(X = 0)) = 1}"


def ends(data: Any, *assumptions: str) -> Numbers:
    bounds = effect_bounds(data, "ACE", assumptions)
    return float(bounds.lower), float(bounds.upper)


def apart(counts: np.ndarray) -> Any:
    return two_sample_table(counts.sum(axis=1), counts.sum(axis=0))


def in_r(array: np.ndarray) -> str:
    """A table of R, whose first index is the fastest."""
    return f"as.table(array(c({','.join(map(str, array.ravel(order='F')))}), dim=c({','.join(map(str, array.shape))})))"


def bpbounds(treatments: np.ndarray, outcomes: np.ndarray | None, fields: str = "bplb bpub") -> str:
    data = in_r(treatments) if outcomes is None else f'{in_r(outcomes)}, {in_r(treatments)}, fmt="bivariate"'
    found = ",".join(f"b${field}" for field in fields.split())
    return f"library(bpbounds); f <- function() {{ b <- bpbounds({data}); c({found}) }}"


def causaloptim(edges: str, effect: str) -> str:
    """How many functions there are on either side."""
    return (
        "suppressMessages(library(causaloptim)); "
        f"g <- initialize_graph(graph_from_literal({edges})); f <- function() {{ "
        f'b <- optimize_effect_2(analyze_graph(g, constraints=NULL, effectt="{effect}")); '
        "c(length(b$expressions$lower), length(b$expressions$upper)) }"
    )


def expressions(text: str, *arguments: Any) -> Numbers:
    problem = linear_problem(graph_of_dagitty(text), {"Y": 1}, *arguments)
    return tuple(float(len(problem.expressions(side))) for side in ("lower", "upper"))


EFFECTS = [
    Question("effect of vitamin A, exact, with proofs", "bpbounds", partial(ends, VITAMIN), bpbounds(VITAMIN, None)),
    Question(
        "effect of vitamin A, in two samples, exact, with proofs", "bpbounds", lambda: ends(apart(VITAMIN)),
        bpbounds(VITAMIN.sum(axis=1), VITAMIN.sum(axis=0)),
    ),
    Question(
        "effect of homocysteine, in two samples, exact, with proofs", "bpbounds", lambda: ends(apart(GENES)),
        bpbounds(GENES.sum(axis=1), GENES.sum(axis=0)),
    ),
    Question(
        "sixty people in two samples, monotone instrument (effect: 0.6833)", "bpbounds",
        lambda: ends(two_sample_table(*MONOTONE), "monotonicity"), bpbounds(*MONOTONE, "monobplb monobpub"),
        agree=False,
    ),
    Question(
        "number of bounds in symbols, instrument", "causaloptim",
        partial(expressions, "dag { Z -> X -> Y ; X <-> Y }", {"X": 1}, {"X": 0}),
        causaloptim("Z -+ X, X -+ Y, Ul -+ Z, Ur -+ X, Ur -+ Y", EFFECT),
    ),
    Question(
        "number of bounds in symbols, natural direct effect", "causaloptim",
        partial(expressions, "dag { X -> M -> Y ; X -> Y ; M <-> Y }", {"X": 1, "M": {"X": 0}}, {"X": 0}),
        causaloptim("X -+ M, M -+ Y, X -+ Y, Ur -+ M, Ur -+ Y", DIRECT),
    ),
]  # fmt: skip


# --- games -----------------------------------------------------------------------------------------------------------


def proved(game: Game, level: str) -> Numbers:
    return (float(game_bound(game, level).bound),)


def toqito_inequality(game: Game, level: int | str) -> Numbers:
    from toqito.state_opt.bell_inequality_max import bell_inequality_max

    table = game.collins_gisin().astype(float)
    return (float(bell_inequality_max(table, [2, 2, *game.settings], "cg", "quantum", level)),)


def xor_game(n: int) -> Game:
    """The odd cycle of n vertices: equal answers for equal vertices, different ones for neighbours."""
    law = (np.eye(n, dtype=int) + np.roll(np.eye(n, dtype=int), 1, axis=1)).astype(object) * sp.Rational(1, 2 * n)
    return Game.from_predicate(lambda x, y, a, b: (a ^ b) == (x != y), (n, n), (2, 2), law)


def toqito_xor(n: int) -> Numbers:
    from toqito.nonlocal_games.xor_game import XORGame

    law = (np.eye(n) + np.roll(np.eye(n), 1, axis=1)) / (2 * n)
    return (float(XORGame(law, 1 - np.eye(n)).quantum_value()),)


GAMES = [
    Question("CHSH, level 1", "toqito", partial(proved, Game.from_correlators([[0, 0, 0], [0, 1, 1], [0, 1, -1]]), "1"),
             partial(toqito_inequality, Game.from_correlators([[0, 0, 0], [0, 1, 1], [0, 1, -1]]), 1), 1e-4),
    *(
        Question(f"I3322, level {level} (published: {published})", "toqito", partial(proved, i3322(), level),
                 partial(toqito_inequality, i3322(), theirs), 1e-4, agree)
        for level, published, theirs, agree in (
            ("1", 0.375, 1, True), ("1+AB", 0.2514709, "1+ab", False), ("2", 0.2509397, 2, False)
        )
    ),
    *(
        Question(f"XOR game of the odd cycle of {n}", "toqito", lambda n=n: proved(xor_game(n), "1"),
                 partial(toqito_xor, n), 1e-4)
        for n in (3, 5, 7)
    ),
]  # fmt: skip


# --- asking ----------------------------------------------------------------------------------------------------------


def timed(ask: Callable[[], Numbers]) -> tuple[Numbers, float]:
    """The answer, and the median of the processor times after a first call; fewer rounds for what takes long."""
    answer, seconds = ask(), []
    while len(seconds) < ROUNDS and sum(seconds) < LONG:
        start = time.process_time()
        ask()
        seconds.append(time.process_time() - start)
    return answer, median(seconds)


IN_R = """
{code}
answer <- f()
seconds <- sapply(1:{rounds}, function(k) {{ t <- proc.time(); for (i in 1:5) f(); sum((proc.time() - t)[1:2]) / 5 }})
cat(sprintf("%.12g", answer), "\\n", median(seconds), "\\n")
"""


def asked_of_r(code: str) -> tuple[Numbers, float]:
    script = IN_R.format(code=code, rounds=ROUNDS)
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    answer, seconds = done.stdout.strip().splitlines()[-2:]
    return tuple(map(float, answer.split())), float(seconds)


def is_installed(peer: str) -> bool:
    if peer == "toqito":
        return find_spec(peer) is not None
    asked = ["Rscript", "-e", f'quit(status=!requireNamespace("{peer}", quietly=TRUE))']
    return (
        shutil.which("Rscript") is not None and subprocess.run(asked, check=False, capture_output=True).returncode == 0
    )


def theirs(question: Question) -> tuple[Numbers, float]:
    return asked_of_r(question.theirs) if isinstance(question.theirs, str) else timed(question.theirs)


@pytest.mark.parametrize("question", [*EFFECTS, *GAMES], ids=lambda q: f"{q.peer}: {q.text}")
def bench_peer(question):
    if not is_installed(question.peer):
        pytest.skip(f"{question.peer} is not installed")
    answer, _ = theirs(question)
    assert (answer == pytest.approx(question.ours(), abs=question.tolerance)) == question.agree


def main() -> None:
    known = {row["question"]: row for row in csv.DictReader(TABLE.open(encoding="utf-8"))} if TABLE.exists() else {}
    rows = []
    for question in [*EFFECTS, *GAMES]:
        if is_installed(question.peer):
            mine, seconds = timed(question.ours)
            other, others = theirs(question)
            row = {"question": question.text, "qlib": written(mine), "qlib's time": milliseconds(seconds),
                   "peer": question.peer, "its answer": written(other), "its time": milliseconds(others)}  # fmt: skip
            rows.append(row)
        elif question.text in known:
            rows.append(known[question.text])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def written(answer: Numbers) -> str:
    return " to ".join(f"{value:.0f}" if value == round(value) > 1 else f"{value:.6g}" for value in answer)


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"


if __name__ == "__main__":
    main()
