"""Explanations: what is shown is what they hold, in a terminal and in a notebook."""

import numpy as np
import pytest
import sympy as sp

from qlib.quantum.derivation_steps import Explanation, Step, rounded_text

EXPLANATION = Explanation("Sum <of two>", (Step("Add", "1 & 2.", ("a", "[b]"), (("1", "2"),)), Step("Done", "3.")))


def test_terminal_shows_title_steps_and_tables_as_they_are():
    shown = str(EXPLANATION)
    for text in ("Sum <of two>", "Add: 1 & 2.", "[b]", "Done: 3."):
        assert text in shown


def test_a_table_is_printed_in_columns():
    table = Step("Weigh", "Here.", ("outcome", "P"), (("0", "1/3"), ("1", "≈ 0.6667")))
    assert str(Explanation("Law", (table,))).splitlines()[2:] == [
        "  outcome  P",
        "  ───────  ────────",
        "  0        1/3",
        "  1        ≈ 0.6667",
    ]


def test_notebook_shows_the_same_with_markup_escaped():
    shown = EXPLANATION._repr_html_()
    assert "Sum &lt;of two&gt;" in shown
    assert "1 &amp; 2." in shown
    assert "<tr><th>a</th><th>[b]</th></tr><tr><td>1</td><td>2</td></tr>" in shown
    assert shown.count("<table") == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sp.Rational(1, 3), "1/3"),
        (sp.Rational(717839559, 30525625000), "≈ 0.02352"),
        (sp.sqrt(2), "sqrt(2)"),
        (0.12345678, "0.1235"),
        (3, "3"),
        ("+", "+"),
        (np.array([0.5, np.nan, 0.25]), "0.25 to 0.5"),
        (np.array([0.5, 0.5]), "0.5"),
        (np.array([np.nan]), "nan"),
        (np.array([True, False]), "1 of 2"),
        (np.array([sp.Integer(1), sp.Symbol("x")]), "1, x"),
    ],
)
def test_numbers_are_written_briefly(value, text):
    assert rounded_text(value) == text
