"""Commands that the pages, the README and CONTRIBUTING.md show are commands, and what they name exists."""

import ast
import re
import shlex

import pytest
import yaml
from typer.main import get_command

from compendium.build import execute
from compendium.build.__main__ import app
from compendium.build.plan import EDITIONS, ROOT, Plan, PlanError, check_parameters

PAGES = [*sorted((ROOT / "book").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
TYPED = re.compile(r"^(?: {2,4})?((?:make|\.venv/bin/|bash|snakemake|tests/)[^\n]*?)(?: +# .*)?$", re.MULTILINE)
QUOTED = re.compile(r"`((?:make|snakemake|COMPENDIUM_UV=0 make|jupyter-book) [^`]+)`")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BUILD = "-m compendium.build "
PLAN = Plan()


def commands() -> list[tuple[str, str]]:
    """Every command that is shown, with the page that shows it."""
    found = [
        (page, line) for page, text in TEXTS.items() for pattern in (TYPED, QUOTED) for line in pattern.findall(text)
    ]
    return [(page, part.strip()) for page, line in found for part in line.split("&&")]


COMMANDS = commands()


def test_the_pages_show_commands() -> None:
    assert {"README.md", "CONTRIBUTING.md", "book/reference/reproducing.md"} <= {page for page, _ in COMMANDS}
    assert any(BUILD in line for _, line in COMMANDS)


@pytest.mark.parametrize(("page", "line"), [(p, c) for p, c in COMMANDS if re.match(r"(\w+=\S+ )?make ", c)])
def test_what_make_is_asked_for_is_a_target_and_a_variable_it_knows(page, line) -> None:
    words = [word for word in shlex.split(line) if word != "make"]
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            assert re.search(rf"\b{name}\b", MAKEFILE + (ROOT / "compendium/build/bootstrap.py").read_text()), word
            assert name != "EDITION" or value in EDITIONS
        else:
            assert re.search(rf"^{name}:", MAKEFILE, re.MULTILINE), f"{page}: {line}"


@pytest.mark.parametrize(("page", "line"), [(p, c) for p, c in COMMANDS if BUILD in c])
def test_a_command_of_the_build_is_understood_and_names_what_there_is(page, line) -> None:
    arguments = shlex.split(line.partition(BUILD)[2])
    command = get_command(app).commands[arguments[0]]
    with command.make_context(arguments[0], arguments[1:]) as context:
        given = context.params
    if "slug" in given:
        names = {text.partition("=")[0]: text.partition("=")[2] for text in given["parameter"] or []}
        check_parameters(page, given["slug"], names, PLAN.notebooks)


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if "# data/parameters/" in text])
def test_a_profile_that_is_shown_is_one(page) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXTS[page], re.DOTALL)
    for block in (block for block in blocks if "# data/parameters/" in block):
        for slug, parameters in yaml.safe_load(block).items():
            check_parameters(page, slug, parameters, PLAN.notebooks)


def test_papermill_is_not_shown_by_itself_as_it_would_only_warn_of_a_parameter_that_is_none() -> None:
    assert [page for page, text in TEXTS.items() if re.search(r"papermill .* -p ", text)] == []


def test_a_parameter_that_a_chapter_does_not_have_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(PlanError, match=r"command line.*quantum-violation has no parameter shots; .*rounds"):
        execute.execute_with(PLAN, "joint-exogeneity/quantum-violation", {"shots": 1}, tmp_path / "out.ipynb")
    assert list(tmp_path.iterdir()) == []


def test_a_chapter_that_does_not_exist_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(PlanError, match="no chapter 'ladder/bel'"):
        execute.execute_with(PLAN, "ladder/bel", {}, tmp_path / "out.ipynb")


def test_a_file_that_a_command_names_is_there() -> None:
    named = [
        word for _, line in COMMANDS for word in line.split() if re.match(r"(tests|compendium|\.ci|\.binder)/", word)
    ]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


PROJECTS = TEXTS["book/course/projects.md"]


def test_there_are_twelve_projects_each_with_a_question_a_first_step_a_goal_and_what_to_read() -> None:
    projects = PROJECTS.split("\n## ")[1:]
    assert [project.partition(".")[0] for project in projects] == [str(k) for k in range(1, 13)]
    for project in projects:
        assert [project.count(part) for part in ("**Question.**", "```python\n", "**A good result**", "**Read**")] == [
            1
        ] * 4
    assert sum("{doc}`../" in project for project in projects) == 12


@pytest.mark.parametrize("code", re.findall(r"^```python\n(.*?)^```$", PROJECTS, re.MULTILINE | re.DOTALL))
def test_the_first_step_of_a_project_gives_what_stands_behind_its_last_line(code: str) -> None:
    lines, names = code.rstrip().splitlines(), {}
    assert len([line for line in lines if line]) <= 10
    assert max(map(len, lines)) <= 80
    *steps, last = ast.parse(code).body
    exec(compile(ast.Module(steps, []), "first step", "exec"), names)
    found = eval(compile(ast.Expression(last.value), "first step", "eval"), names)
    assert repr(found) == lines[-1].rpartition("  # ")[2]
