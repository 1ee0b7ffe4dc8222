"""Exercises check themselves: a right result is told from a wrong one and from none."""

import nbformat
import numpy as np
import pytest
import sympy as sp

from compendium import paths
from compendium.build.execute import with_solutions
from compendium.pages.exercises import (
    BLOCK,
    CODE,
    LABEL,
    Exercise,
    assigned,
    check_answer,
    exercises,
    run_solutions,
    same,
)

DOUBLE = Exercise("ex-double", "ladder/bell", ("y", "z"), "y = 2 * x\nz = [y, y + 1]")


@pytest.fixture
def double(monkeypatch):
    monkeypatch.setattr("compendium.pages.exercises.exercises", lambda: {"ex-double": DOUBLE})


@pytest.mark.usefixtures("double")
def test_a_right_result_is_accepted_and_the_readers_variables_are_left_alone():
    mine = {"x": 3, "y": 6.0, "z": (6, 7)}
    assert check_answer("ex-double", mine) == "✓ ex-double: y, z"
    assert mine == {"x": 3, "y": 6.0, "z": (6, 7)}


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ({"x": 3, "y": 6, "z": [6, 8]}, r"z is not what the solution finds; yours is \[6, 8\]"),
        ({"x": 3, "y": 6}, "z has no value yet"),
        ({"x": 3, "y": ..., "z": [6, 7]}, "y has no value yet"),
    ],
)
def test_a_wrong_or_missing_result_is_named(mine, said):
    with pytest.raises(ValueError, match=said):
        check_answer("ex-double", mine)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("changed", [{}, {"x": None}])
def test_a_variable_of_the_chapter_that_the_reader_has_changed_is_not_taken_for_a_wrong_result(changed):
    with pytest.raises(ValueError, match=r"ex-double: the solution does not run .*run the chapter's cells again"):
        check_answer("ex-double", {"y": 6, "z": [6, 7], **changed})


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A chapter of one exercise, whose solution can be given."""

    def write(solution):
        exercise = '````{exercise}\n:label: ex-one\n```python\ny = ...\ncheck_answer("ex-one")\n```\n````\n'
        answer = f"````{{solution}} ex-one\n:class: dropdown\n```python\n{solution}\n```\n````\n"
        (tmp_path / "one.md").write_text(exercise + answer)

    monkeypatch.setattr(paths, "BOOK", tmp_path)
    exercises.cache_clear()
    yield write
    exercises.cache_clear()


def test_the_solutions_of_a_chapter_are_run_on_copies_of_its_variables(written):
    written("y = x + 1\nx = 0\nassert y == 3")
    variables = {"x": 2}
    assert run_solutions("one", variables) == ["ex-one"]
    assert variables == {"x": 2}


def test_a_solution_that_fails_or_is_not_reproducible_is_refused(written):
    written("y = x\nassert y == 3")
    with pytest.raises(AssertionError):
        run_solutions("one", {"x": 2})
    exercises.cache_clear()
    written("y = x.pop()")
    with pytest.raises(ValueError, match="ex-one: y is not what the solution finds"):
        run_solutions("one", {"x": [1, 2]})


def test_a_chapter_is_executed_together_with_the_solutions_of_its_exercises():
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    plain = nbformat.v4.new_notebook(cells=[text("# Title"), code("x = 2")])
    assert with_solutions("part/one", plain) is plain
    exercised = nbformat.v4.new_notebook(cells=[*plain.cells, text("```{solution} ex-one\n```")])
    solved = with_solutions("part/one", exercised)
    assert solved.cells[:-1] == exercised.cells
    assert "run_solutions('part/one', globals())" in solved.cells[-1].source


def test_an_unknown_exercise_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'ex-none' is no exercise with code; those are .*ex-compute-visibility"):
        check_answer("ex-none", {})


def test_without_a_notebook_it_says_so(monkeypatch):
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: None)
    with pytest.raises(ValueError, match="no notebook is running"):
        check_answer("ex-compute-visibility")


def test_sameness_is_exact_for_exact_results_and_to_nine_digits_for_others():
    x = sp.Symbol("x")
    assert same((x + 1) ** 2, x**2 + 2 * x + 1)
    assert not same(sp.Rational(1, 3), sp.Rational(1, 2))
    assert same(np.array([1.0, 2.0]), [1.0, 2.0 + 1e-12])
    assert not same(np.array([1.0, 2.0]), [1.0, 2.0 + 1e-6])
    assert not same(np.zeros(2), np.zeros((2, 1)))
    assert same(sp.Matrix([[1, x]]), np.array([[1, x]]))
    assert same({"a": 1}, {"a": 1.0})
    assert not same("a", "b")
    assert same(sp.sqrt(2), 1.41421356237)
    assert not same(sp.sqrt(2), None)
    assert not same(sp.Symbol("a"), "a")


def test_templates_and_solutions_are_found_in_the_text():
    assert {"ex-compute-visibility", "ex-compute-shaken"} <= set(exercises())
    found = exercises()["ex-compute-visibility"]
    assert (found.chapter, found.names) == ("joint-exogeneity/how-large", ("gap_of_paper", "gap_of_best"))
    assert "mixed_with_noise" in found.solution
    assert assigned("x: int = 1\na = b = 2\nc, (d, e) = 1, (2, 3)") == ["a", "b", "c", "d", "e"]


def test_every_template_with_a_blank_can_be_checked_and_says_how():
    for file in paths.BOOK.rglob("*.md"):
        for block in BLOCK.finditer(file.read_text(encoding="utf-8")):
            code = "\n".join(CODE.findall(block["body"]))
            if block["kind"] == "exercise" and "..." in code:
                label = LABEL.search(block["body"])[1]
                assert label in exercises(), f"{file.name}: {label} asks for no name that its solution computes"
                assert f'check_answer("{label}")' in code, (
                    f'{file.name}: {label} should end with check_answer("{label}")'
                )
