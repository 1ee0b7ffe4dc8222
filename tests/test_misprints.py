"""Every check of every chapter turns red when anything printed is altered.

A chapter is executed with `ledger.check` replaced: where it would compare the claim as transcribed, it is also given
the claim with one printed value altered, again and again until everything has been altered once.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jupytext
import pytest
import yaml

from compendium import paths
from compendium.claims import ledger, printed
from compendium.pages import exercises

QUICK = yaml.safe_load((paths.PARAMETERS / "quick.yml").read_text(encoding="utf-8"))
CLOSED = [claim for claim in ledger.load().values() if claim.verdict != "open"]
ALL = sorted({claim.chapter for claim in CLOSED})
# Each check refuses every misprint when its chapter is executed, too (`claims.ledger`). So one chapter of each part is
# enough for every day; with COMPENDIUM_MISPRINTS=all, as in continuous integration, all chapters are gone through.
EVERY_DAY = sorted({chapter.split("/")[0]: chapter for chapter in reversed(ALL)}.values())
CHAPTERS = ALL if os.environ.get("COMPENDIUM_MISPRINTS") == "all" else EVERY_DAY


def misprinted(claim: ledger.Claim, key: str, altered: Any) -> ledger.Claim:
    """The claim with one value altered: of a corrected key the correction, of any other the print."""
    if claim.correction and key in claim.correction.values:
        values = {**claim.correction.values, key: altered}
        return claim.model_copy(update={"correction": claim.correction.model_copy(update={"values": values})})
    return claim.model_copy(update={"printed": {**claim.printed, key: altered}})


def asked_once(agrees: Callable[..., bool]) -> Callable[..., bool]:
    """A comparison that remembers what it was asked: a misprint leaves all other values as they were."""
    known: dict[tuple[str, int, int], tuple[Any, ...]] = {}

    def remembered(value: printed.Printed, derived: object, names: printed.Names | None = None) -> bool:
        key = (json.dumps(value), id(derived), id(names))
        if key not in known:
            try:
                found, error = agrees(value, derived, names), None
            except Exception as refused:
                found, error = False, refused
            known[key] = (found, error, derived, names)  # kept, or another object could come to have the same id
        if known[key][1] is not None:
            raise known[key][1]
        return known[key][0]

    return remembered


def run(chapter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: Any) -> dict[str, Any]:
    """Execute a chapter's cells with the quick parameters and another `ledger.check`; returns its variables."""
    monkeypatch.setenv("COMPENDIUM_GENERATED", str(tmp_path))
    monkeypatch.setattr(ledger, "check", check)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for k, cell in enumerate(jupytext.read(paths.BOOK / f"{chapter}.md").cells):
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{chapter}, cell {k}", "exec"), namespace)
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(QUICK.get(chapter, {}))
    return namespace


def solve(chapter: str, variables: Mapping[str, Any]) -> None:
    """Run the solutions of a chapter's exercises on its variables, assertions included; they pass their checks."""
    for label, exercise in exercises.exercises().items():
        if exercise.chapter == chapter:
            solved = dict(variables)
            exec(compile(exercise.solution, f"solution of {label}", "exec"), solved)
            assert exercises.check_answer(label, solved) == f"✓ {label}: {', '.join(exercise.names)}"


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.filterwarnings("default")
def test_every_check_refuses_every_misprint(chapter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checked: dict[str, int] = {}

    def check(id: str, derived: Mapping[str, object], *, how: Any, names: Any = None) -> None:
        claim = ledger.load()[id]
        compare_once = SimpleNamespace(**{**vars(printed), "agrees": asked_once(printed.agrees)})
        monkeypatch.setattr(ledger, "printed", compare_once)
        assert ledger.examine(claim, derived, how=how, names=names).verdict == claim.verdict
        alterations = [misprinted(claim, *alteration) for alteration in ledger.alterations(claim, derived)]
        for altered in alterations:
            with pytest.raises(ledger.LedgerError, match=id):
                ledger.examine(altered, derived, how=how, names=names)
        checked[id] = len(alterations)

    solve(chapter, run(chapter, monkeypatch, tmp_path, check))
    assert set(checked) == {claim.id for claim in CLOSED if claim.chapter == chapter}
    assert all(checked[claim.id] >= len(claim.printed) for claim in CLOSED if claim.chapter == chapter)
