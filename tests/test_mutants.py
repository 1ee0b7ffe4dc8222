"""What `make mutants` finds: changes of a derivation that its check notices, and those that it does not."""

import ast
import contextlib
import gc
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from compendium import paths
from compendium.build import mutants
from compendium.build.mutations import mutations, watch
from compendium.claims import ledger
from compendium.claims.set_formulas import Law
from qlib.circuits import bell_circuit, chsh_circuits, native

HEAD = """\
---
jupytext:
  text_representation: {format_name: myst, extension: .md}
kernelspec: {name: python3, display_name: Python 3}
---
"""
CHAPTER = """\
# A page

```{code-cell} ipython3
import numpy as np
from compendium.claims import ledger
from qlib.quantum.channels import process_cj
```

```{code-cell} ipython3
def turned(U):
    return process_cj(U[None]).T


S = np.diag([1, 1j])
rng = np.random.default_rng(1)
unused = 1 + 1
kept = []
```

```{code-cell} ipython3
kept.append(int(rng.integers(5)))
sharp = turned(S)[0, 3].imag
blunt = sharp < 2
ledger.check("sfc:sharp", {"value": sharp + kept[0] - kept[0]}, how="numeric")
ledger.check("sfc:blunt", {"value": bool(blunt)}, how="numeric")
```
"""


def claim(id: str, printed: object) -> ledger.Claim:
    entry = {
        "id": id,
        "item": "Eq.",
        "where": "here",
        "kind": "equation",
        "statement": "It is.",
        "verdict": "confirmed",
    }
    return ledger.Claim.model_validate({**entry, "printed": {"value": printed}, "chapter": "part/page"})


@contextlib.contextmanager
def claiming(*claims: ledger.Claim) -> Iterator[None]:
    """While the ledger has these claims and no others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "load", lambda: {c.id: c for c in claims})
        yield


def executed(folder: Path, text: str) -> mutants.ExecutedChapter:
    """A chapter of this text."""
    page = folder / "book" / "part" / "page.md"
    page.parent.mkdir(parents=True)
    page.write_text(HEAD + text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "BOOK", folder / "book")
        return mutants.ExecutedChapter("part/page")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """The chapter, and what becomes of the mutants of its own cells: all in forks, so that tests can share it."""
    with claiming(*BOTH):
        chapter = executed(tmp_path_factory.mktemp("chapter"), CHAPTER)
        found = outcomes(chapter, "page.md")
    yield chapter, found
    gc.unfreeze()


@pytest.fixture
def chapter(once: tuple) -> Iterator[mutants.ExecutedChapter]:
    with claiming(*BOTH):
        yield once[0]


BOTH = claim("sfc:sharp", "1.00"), claim("sfc:blunt", True)


def line(text: str) -> int:
    """A line of the chapter, as it stands in the file."""
    return next(k for k, one in enumerate((HEAD + CHAPTER).splitlines(), 1) if text in one)


def outcomes(chapter: mutants.ExecutedChapter, file: str, most: int | None = None) -> list[mutants.MutantOutcome]:
    """What becomes of the mutants of one file, or of some of them."""
    of_file = [mutant for mutant in chapter.mutants() if mutant[1].endswith(file)]
    found = (mutants.attempt(chapter, *mutant) for mutant in of_file)
    return list(itertools.islice(filter(None, found), most))


def test_a_claim_rests_on_what_its_check_uses_and_on_nothing_else(chapter: mutants.ExecutedChapter) -> None:
    lines = {id: {chapter.statements[k].tree.body[0].lineno for k in needs} for id, needs in chapter.slices.items()}
    assert line("def turned") in lines["sfc:blunt"]
    assert line("kept.append") in lines["sfc:sharp"] - lines["sfc:blunt"]
    assert line("unused") not in lines["sfc:sharp"] | lines["sfc:blunt"]


def test_what_is_altered_in_place_is_seen_through_functions_loops_and_arguments() -> None:
    text = """
def fill(seen, kept):
    seen.add(1)

def note_down():
    log[0] = 1

found, log, rows, table = set(), {}, {}, []
fill(found, 2)
note_down()
next(row for row in rows.values() if row).append(3)
for k in table:
    k.update(log)
shown = table.count(2)
"""
    every = [mutants.statement(node, "page") for node in ast.parse(text).body]
    mutants.find_altered(every)
    assert [set(one.alters) for one in every[3:]] == [{"found"}, {"log"}, {"next", "row", "rows"}, {"k"}, set()]


def test_executed_again_unchanged_every_claim_holds(chapter: mutants.ExecutedChapter) -> None:
    for k in sorted(chapter.needed):
        assert all(chapter.execute_again({k}).values())


def test_a_sharp_check_kills_what_a_blunt_one_lets_live(once: tuple) -> None:
    found = {(o.line, o.before, o.after): o for o in once[1]}
    transposed = found[line("return process_cj"), "process_cj(U[None]).T", "process_cj(U[None])"]
    assert transposed.claims == ("sfc:sharp", "sfc:blunt")
    index = found[line("sharp = "), "3", "2"]
    assert index.killers == ("sfc:sharp",)
    assert not found[line("blunt = "), "sharp < 2", "sharp <= 2"].effect
    assert found[line("blunt = "), "2", "3"].survived


def test_functions_of_the_library_are_changed_where_they_ran(chapter: mutants.ExecutedChapter) -> None:
    library = outcomes(chapter, "channels.py", most=8)
    assert {o.file for o in library} == {"qlib/quantum/channels.py"}
    assert all(o.function for o in library)
    assert any("sfc:sharp" in o.killers for o in library)


def test_a_change_never_leaves_its_fork(chapter: mutants.ExecutedChapter) -> None:
    assert all(chapter.execute_again(set(chapter.needed)).values())


def test_a_mutant_that_never_ends_is_stopped() -> None:
    assert mutants.in_a_fork(lambda: [None for _ in iter(int, 1)], patience=0.2) is None
    assert mutants.in_a_fork(lambda: {"a": True}, patience=10) == {"a": True}


def test_a_mutant_that_takes_all_memory_is_stopped() -> None:
    assert mutants.in_a_fork(lambda: len(bytearray(mutants.BYTES + 2**30)), patience=30) is None


def test_a_circuit_can_be_compiled_in_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qiskit's threads do not live on in it; a chapter that compiles circuits would wait for them for ever."""
    for name, value in mutants.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    circuits = chsh_circuits(bell_circuit())
    first = [len(native(circuit)) for circuit in circuits]
    assert mutants.in_a_fork(lambda: [len(native(circuit)) for circuit in circuits], patience=60) == first


def test_refusals_and_texts_are_left_alone() -> None:
    tree = ast.parse(
        "def f(x: int = 1) -> int:\n    if x < 0:\n        raise ValueError(f'{x + 1}')\n    return x - 1\n"
    )
    assert [m.after for m in mutations(tree)] == ["x + 1", "2", "0"]


def test_what_is_the_same_on_all_that_is_computed_is_without_effect_unless_a_generic_case_would_differ() -> None:
    changed = {m.after: m.special for m in mutations(ast.parse("all(x); A @ B; A.T; f(a[0]); b.conj(); max(x)"))}
    assert [after for after, special in changed.items() if special] == ["any(x)", "B @ A", "A @ B.conj()", "A", "b"]


def test_what_draws_or_is_stored_into_is_not_computed_twice() -> None:
    for text in ("x[0] = 1", "y = rng.integers(5)", "y = next(x) + 1"):
        tree = ast.parse(text)
        assert not any(watch(m, tree, "see") for m in mutations(tree) if m.before not in ("1", text)), text


def test_a_sample_is_the_same_whatever_else_there_is() -> None:
    def sample(text: str) -> set[str]:
        chosen = (m for m in mutations(ast.parse(text)) if mutants.is_chosen(m, "a.py", 0.5, 1))
        return {f"{ast.unparse(m.parent)}: {m.before} → {m.after}" for m in chosen}

    first, second = "x = a + b * c[3]", "y = d.T @ (e - f[2])"
    assert sample(first) | sample(second) == sample(f"{first}\n{second}")


def test_several_chapters_run_through_a_function_and_one_of_them_is_enough_to_notice() -> None:
    places = "part/page", "a.py", "f", 1, 0, "x", "y"
    a = mutants.MutantOutcome(*places, claims=("p",), killers=())
    b = mutants.MutantOutcome(*places, claims=("q",), killers=("q",))
    (both,) = mutants.merged([a, b])
    assert (both.claims, both.killers, both.survived) == (("p", "q"), ("q",), False)


def test_every_listed_survivor_still_stands_in_its_file() -> None:
    functions, changes = mutants.equivalent()
    for file in {file for file, *_ in (*functions, *changes)}:
        path = paths.ROOT / file
        cells = file.endswith(".md")
        trees = [s.tree for s in mutants.read(file[5:-3])] if cells else [ast.parse(path.read_text(encoding="utf-8"))]
        lines = path.read_text(encoding="utf-8").splitlines()
        there = {
            (m.before, m.after, lines[m.line - 1]) for tree in trees for m in mutations(tree) if m.line <= len(lines)
        }
        listed = {tuple(change) for f, _, *change in changes if f == file}
        gone = {c for c in listed if not any(c[:2] == found[:2] and c[2] in found[2] for found in there)}
        names = {n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        named = {*functions, *((f, function) for f, function, *_ in changes if function)}
        gone |= {(f, function) for f, function in named if f == file and not {*function.split(".")} <= names}
        assert not gone, f"{file}: not there any more: {gone}"


def test_a_survivor_is_listed_where_it_stands_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 1\n")
    survivors = tmp_path / "survivors.yml"
    survivors.write_text("""
derivations:
  - {file: a.py, line: "y =", changes: [["1", "2"]], reason: y is for the eye.}
  - {file: a.py, function: f, changes: [["3", "4"]], reason: anywhere in f.}
  - {file: a.py, functions: [g], reason: " "}
""")
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SURVIVORS", survivors)
    mutants.equivalent.cache_clear()
    found = [
        mutants.is_listed(mutants.MutantOutcome("part/page", "a.py", *place, claims=("p",), killers=()))
        for place in (("", 1, 0, "1", "2"), ("", 2, 0, "1", "2"), ("f", 1, 0, "3", "4"), ("g", 1, 0, "1", "2"))
    ]
    mutants.equivalent.cache_clear()
    assert found == [False, True, True, False]


def test_a_chapter_without_claims_is_judged_by_what_it_verifies(tmp_path: Path) -> None:
    text = """
```{code-cell} ipython3
from compendium.pages.prose import verified
sides = [3, 4, 5]
longest = max(sides[1], sides[2])
verified("The longest side has the length five.", longest == 5)
verified("The longest side is long.", longest > 2)
```
"""
    with claiming():
        found = {(o.before, o.after): o for o in outcomes(executed(tmp_path, text), "page.md")}
    assert found["max(sides[1], sides[2])", "min(sides[1], sides[2])"].killers == (mutants.STOPPED,)
    assert found["longest > 2", "longest >= 2"].killers == ()


def test_the_probabilities_that_a_law_has_worked_out_are_forgotten() -> None:
    law = Law([1, 2], "A")
    law.marginal({"A": 0})
    law.array = law.array[::-1]
    mutants.clear_caches()
    assert law.marginal({"A": 0}) == 2


def test_what_is_filled_in_a_loop_is_made_anew_before_the_changed_loop(tmp_path: Path) -> None:
    filled = "kept.append(int(rng.integers(5)))\nfor one in range(3):\n    kept.append(one)\n"
    text = CHAPTER.replace("kept.append(int(rng.integers(5)))\n", filled).replace("- kept[0]", "- kept[-4]")
    with claiming(*BOTH):
        found = {(o.before, o.after): o for o in outcomes(executed(tmp_path, text), "page.md")}
    assert "sfc:sharp" in found["3", "4"].killers
    assert "sfc:sharp" in found["3", "2"].killers


def test_what_no_claim_notices_in_the_library_is_put_to_its_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = "def double(x):\n    return x + x\n\ndef half(x):\n    return x / 2\n"
    test = "from qlib.sides import double, half\ndef test_six():\n    assert double(3) == 6\n"
    page = "from qlib.sides import half\ndef test_page(book):\n    assert half(4) == 2\n"
    for name, text in {
        **{"qlib/__init__.py": "", "qlib/sides.py": sides, "pyproject.toml": ""},
        **{"tests/test_sides.py": test, "tests/test_book.py": page, "tests/test_others.py": "doubled = 1"},
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    assert [path.name for path in mutants.tests_of("qlib/sides.py", "half")] == ["test_sides.py"]
    found = [
        mutants.put_to_tests(mutants.MutantOutcome("part/page", "qlib/sides.py", *place, claims=("p",), killers=()))
        for place in (("double", 2, 11, "x + x", "x - x"), ("half", 5, 11, "x / 2", "x * 2"))
    ]
    assert [one.tested for one in found] == ["test_six", ""]
    assert [one.survived for one in found] == [False, True]
