"""The table of peers: what stands in it as this library's answers is what the library answers."""

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "bench_peers.py"


@pytest.fixture(scope="module")
def peers():
    spec = importlib.util.spec_from_file_location("bench_peers", BENCHMARK)
    module = sys.modules["bench_peers"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_peers"]


def test_the_answers_in_the_table_are_those_of_today(peers) -> None:
    with peers.TABLE.open(encoding="utf-8") as file:
        shown = {row["question"]: row["qlib"] for row in csv.DictReader(file)}
    assert shown == {question.text: peers.written(question.ours()) for question in [*peers.EFFECTS, *peers.GAMES]}
