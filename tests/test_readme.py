"""What the README says is so."""

import re
from collections import Counter

import pytest
import yaml

from compendium.build.plan import Plan
from compendium.claims import ledger
from compendium.pages.reading import minutes
from compendium.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_runs_and_prints_what_it_says(example: str, capsys) -> None:
    exec(compile(example, "README.md", "exec"), {})
    said = re.findall(r"^print\(.*\)  # (-?\d[^,:\n]*)", example, flags=re.MULTILINE)
    printed = capsys.readouterr().out.splitlines()
    assert said
    assert printed[: len(said)] == said


def test_its_counts_are_those_of_the_ledger() -> None:
    claims = ledger.of_papers(ledger.load().values())
    assert f"ledger of {len(claims)} items" in README
    for paper, said in zip(ledger.PAPERS, re.findall(r"^\|.*arXiv.*\| ([^|]+) \|$", README, re.MULTILINE), strict=True):
        verdicts = Counter(claim.verdict for claim in claims if claim.paper == paper)
        checked, total = verdicts.total() - verdicts["open"], verdicts.total()
        counted = f"{checked} of {total} items checked, {verdicts['corrected']} corrected"
        assert said.endswith(counted if checked else "items in the ledger, open")
        assert said.startswith("whole") == (checked == total)


def test_every_command_that_it_names_is_one() -> None:
    commands = set(re.findall(r"\bmake ([a-z]+)", README)) | set(
        re.findall(r"`(serve|lab|notebooks|bench|clean)`", README)
    )
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert commands
    assert commands <= targets


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(r"`([\w./-]+\.(?:md|cff|yml))`", README) + re.findall(r"\]\((book/[^)]+)\)", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_its_citation_file_names_the_four_papers() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    numbers = {identifier["value"] for paper in citation["references"] for identifier in paper["identifiers"]}
    assert numbers == set(re.findall(r"arXiv:\d+\.\d+", README))


def test_no_chapter_takes_longer_to_read_than_it_says() -> None:
    said = int(re.search(r"at most (\d+) minutes of reading each", README)[1])
    chapters = [page.text for page in Plan().pages.values() if "{chapter}" in page.text]
    assert max(map(minutes, chapters)) <= said
