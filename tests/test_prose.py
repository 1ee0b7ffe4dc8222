"""Numbers in prose read as prose."""

import importlib.util
import pickle
import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from docutils import nodes
from docutils.utils import new_document

from compendium.build.plan import ROOT
from compendium.pages.prose import formula, table, verified, worded

SPEC = importlib.util.spec_from_file_location("compendium_pages", ROOT / "book/_ext/compendium_pages.py")
extension = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(extension)


@pytest.mark.parametrize("value", [np.int8(3), np.uint64(3), 3, np.float32(3), np.float64(3), 3.0])
def test_a_number_of_numpy_is_kept_as_a_number_of_python(value):
    kept = worded("n", value)
    assert kept == 3
    assert type(kept) in (int, float)


@pytest.mark.parametrize("value", ["both", Fraction(1, 3), sp.sqrt(2), sp.Rational(1, 3), sp.Symbol("x")])
def test_words_and_exact_numbers_are_kept(value):
    assert worded("n", value) is value


@pytest.mark.parametrize("value", [True, np.True_, None, {2: np.True_}, [1], np.zeros(2), {1}, 1j, b"x"])
def test_what_would_read_as_python_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"^answer is .*numbers or words"):
        worded("answer", value)


@pytest.mark.parametrize("value", [float("nan"), np.inf, -np.inf])
def test_what_is_no_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^answer is"):
        worded("answer", value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-0.000", "0.000"), ("-0", "0"), ("-0.0456", "−0.0456"), ("0.000", "0.000"), ("658", "658"),
        ("2e-16", "2\xa0×\xa010⁻¹⁶"), ("-1.5e+03", "−1.5\xa0×\xa010³"),
        ("1e-09", "10⁻⁹"), ("0e+00", "0"), ("both", "both"),
        ("20,000", "20,000"), ("0.25 to -0.25", "0.25 to -0.25"),
    ],
)  # fmt: skip
def test_a_pasted_number_is_written_as_a_person_would(text, said):
    assert extension.as_prose(text) == said


@pytest.mark.parametrize("text", ["np.int64(658)", "{2: np.True_}", "True", "[1, 2]", "dtype: str", "nan", "None"])
def test_a_page_with_python_in_its_prose_is_warned_of(text, monkeypatch):
    told = []
    monkeypatch.setattr(extension.logger, "warning", lambda message, *values, **where: told.append(message % values))
    pasted = nodes.inline("", text, classes=["pasted-text"])
    extension.read_as_prose(None, nodes.paragraph("", "", pasted, nodes.inline("", text)))
    assert len(told) == 1
    assert text in told[0]


def test_a_formula_holds_the_values_that_it_names():
    assert formula("x = @x", x=sp.sqrt(2)).data == r"x = \sqrt{2}"
    assert formula("M = @M", M=np.array([[1, sp.I]], dtype=object)).data == r"M = \begin{pmatrix} 1 & i \end{pmatrix}"


def test_a_formula_without_a_value_and_a_value_without_a_place_are_refused():
    with pytest.raises(ValueError, match=r"^formula: it names \['x'\]"):
        formula("@x", y=1)


def test_a_table_has_no_index_typesets_numbers_and_says_yes_and_no():
    said = table(["$p$", "a < b"], [[sp.Rational(1, 2), True], [0.25, np.False_]]).data
    assert r"\(\frac{1}{2}\)" in said
    assert re.findall("<td>(yes|no)</td>", said) == ["yes", "no"]
    assert "a &lt; b" in said


def test_a_row_of_another_length_than_the_heads_is_refused():
    with pytest.raises(ValueError, match=r"^table: a row has 1 entries"):
        table(["a", "b"], [["a"]])


def test_a_statement_that_holds_is_shown_with_a_tick_and_one_that_does_not_stops(capsys):
    verified("$a < b$", np.True_)
    with pytest.raises(ArithmeticError, match=r"^this does not hold: \$a < b\$"):
        verified("$a < b$", False)


def test_what_is_kept_of_a_page_and_of_an_exercise_holds_no_other_page_nor_what_sphinx_knows():
    page, embedded = new_document("page"), new_document("embedded")
    page += nodes.paragraph("", "a page")
    embedded.settings.env = "what Sphinx knows"
    embedded += nodes.paragraph("", "an example")
    page.extend(embedded.children)
    exercise = nodes.paragraph("", "an exercise")
    page += exercise
    env = SimpleNamespace(docname="page", sphinx_exercise_registry={"one": {"docname": "page", "node": exercise}})
    extension.lighten(SimpleNamespace(env=env), page)
    page.reporter = None  # as Sphinx does
    kept = pickle.dumps(page)
    assert all(text in kept for text in (b"a page", b"an example", b"an exercise"))
    assert b"what Sphinx knows" not in kept
    registered = pickle.dumps(env.sphinx_exercise_registry)
    assert b"an exercise" in registered
    assert b"a page" not in registered
