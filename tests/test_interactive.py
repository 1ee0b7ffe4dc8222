"""What the interactive elements show; that their scripts compute the same is tested in a browser (tests/browser)."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from compendium.pages.elements import Choice, Slider, number_in
from compendium.pages.elements.chsh import TSIRELSON, chsh_test
from compendium.pages.elements.contradiction import STRONGEST, WZ, contradiction
from compendium.pages.elements.counterfactual import EXAMPLE, counterfactual
from compendium.pages.elements.individual import individual
from compendium.pages.elements.latents import MOST, latents, shares, table
from compendium.pages.elements.range_of_answers import PAIR, noisy_pair, range_of_answers
from compendium.pages.elements.rungs import BOOK, response_law, rungs
from compendium.pages.elements.thresholds import READINGS, begins, thresholds
from compendium.pages.explore import ELEMENTS, element_html, embed, script_html, shown
from compendium.studies import one_experiment
from qlib.models import effect_bounds
from qlib.models.structural_models import Response, vaccination

near = pytest.approx
EACH = pytest.mark.parametrize("name", list(ELEMENTS))


def values_of(name: str) -> st.SearchStrategy[dict[str, float | str]]:
    """All values that the controls of an element can have."""
    controls = ELEMENTS[name].controls
    return st.fixed_dictionaries(
        {
            c.name: st.sampled_from(list(c.options)) if isinstance(c, Choice) else st.floats(c.low, c.high)
            for c in controls
        }
    )


def test_the_papers_values_reach_tsirelsons_bound():
    assert chsh_test(TSIRELSON)["S"] == near(2 * np.sqrt(2))
    assert chsh_test(TSIRELSON)["CS"] == near(np.sqrt(2))


@given(values_of("chsh"))
def test_no_settings_exceed_the_largest_s_of_the_state(values):
    answers = chsh_test(values)
    assert abs(answers["S"]) <= answers["largest"] + 1e-9
    assert answers["largest"] == near(2 * np.sqrt(1 + values["concurrence"] ** 2))  # Horodecki's, in closed form


def test_the_papers_strategy_contradicts_joint_exogeneity_above_a_visibility():
    answers = contradiction(WZ)
    assert answers["lower"] == near((5 * np.sqrt(2) - 6) / 8)
    assert (answers["ace"], answers["threshold"]) == (near(0, abs=1e-12), near(3 * np.sqrt(2) / 5))


def test_the_largest_contradiction_is_met_to_three_digits():
    largest = (np.sqrt(13) - 2) / 9
    assert largest - 5e-4 < contradiction(STRONGEST)["excess"] <= largest


@given(values_of("contradiction"))
def test_the_excess_changes_sign_at_the_threshold(values):
    threshold = contradiction(values)["threshold"]
    if threshold is None:
        assert contradiction({**values, "visibility": 1})["excess"] <= 1e-9
        return
    assert abs(contradiction({**values, "visibility": threshold})["excess"]) < 1e-9
    if threshold < 1 - 1e-6:
        assert contradiction({**values, "visibility": 1})["excess"] > 0
    assert contradiction({**values, "visibility": 0.99 * threshold})["excess"] < 0


@pytest.mark.parametrize("instrument", ["passive", "active", "do"])
@pytest.mark.parametrize("source", [0, 90])
def test_the_two_examples_differ_in_the_passive_answer_alone(source, instrument):
    answer = counterfactual({**EXAMPLE, "source": source, "instrument": instrument})["answer"]
    assert answer == (None if (source, instrument) == (90, "passive") else near(0.5))


@pytest.mark.parametrize(
    ("source", "direction", "star"), [(0, 0, True), (0, 180, True), (90, 90, True), (90, 270, False)]
)
def test_the_active_question_has_no_answer_where_the_paper_says(source, direction, star):
    asked = {**EXAMPLE, "source": source, "instrument": "active", "direction": direction}
    assert (counterfactual(asked)["answer"] is None) is star


@given(values_of("counterfactual"))
def test_a_do_question_always_has_an_answer(values):
    answer = counterfactual({**values, "instrument": "do"})["answer"]
    assert answer is not None
    assert -1e-12 <= answer <= 1 + 1e-12


def test_an_unsharp_measurement_answers_what_a_sharp_one_cannot():
    asked = {**EXAMPLE, "consequent": "x+", "sharpness": 0.8}
    assert counterfactual({**asked, "source": 0})["answer"] == near((1 - 0.8) / 2)
    assert counterfactual({**asked, "source": 90})["answer"] == near((1 + 0.8) / 2)


def test_the_three_rungs_open_at_the_vaccination_of_the_book():
    model, answers = vaccination(), rungs(BOOK)
    for x in (0, 1):
        for group in (0, 1):
            risk = model.probability({Response("Y", {"X": x}): 1}, given={"X": group})
            assert BOOK[f"risk{group}{x}"] == near(float(risk))
        assert answers[f"see{x}"] == near(float(model.probability({"Y": 1}, given={"X": x})))
        assert answers[f"do{x}"] == near(float(model.do({"X": x}).probability({"Y": 1})))
    imagined = float(model.counterfactual({"Y": 1}, do={"X": 0}, given={"X": 1, "Y": 0}))
    assert answers["imagine1"] == near(imagined, abs=5e-4)


@given(values_of("rungs"))
def test_agreement_moves_the_third_rung_alone_and_within_its_bounds(values):
    answers, other = rungs(values), rungs({**values, "agreement": -values["agreement"]})
    for key in ("see0", "see1", "do0", "do1", "low", "high"):
        assert answers[key] == near(other[key], abs=1e-12)
    assert answers["low"] - 1e-9 <= answers["imagine1"] <= answers["high"] + 1e-9


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_responses_have_the_given_risks_whatever_their_agreement(untreated, treated, agreement):
    law = response_law(untreated, treated, agreement)
    assert law.min() >= 0
    assert (law[2] + law[3], law[1] + law[3], law.sum()) == (near(untreated), near(treated), near(1))


@pytest.mark.parametrize("name", READINGS)
def test_each_reading_begins_at_its_threshold(name):
    start = begins()[name]
    assert thresholds({"visibility": start - 1e-6})[name] == 0
    assert 0 < thresholds({"visibility": start + 1e-6})[name] < 1e-4


def test_four_readings_are_one_and_the_average_effect_is_later():
    assert [begins()[name] for name in ("strength", "single", "individual")] == near([1 / np.sqrt(2)] * 3)
    assert begins()["entangled"] < begins()["kept"] < begins()["single"] < begins()["average"] < begins()["benefit"]


@given(st.floats(0, 1))
def test_the_average_effect_is_that_of_the_element_on_visibility(v):
    other = contradiction({**WZ, "visibility": v})["excess"]
    assert thresholds({"visibility": v})["average"] == near(max(0, other), abs=1e-9)


@pytest.mark.parametrize("v", [0.1, 0.5, 0.72, 0.93])
def test_a_linear_program_at_one_visibility_finds_the_same_excess(v):
    numbers = one_experiment.data(sp.Rational(str(v)) / sp.sqrt(2)).astype(float)
    lower = effect_bounds(one_experiment.seen(numbers), "P(Y | do X)").lower
    assert thresholds({"visibility": v})["single"] == near(max(0, float(lower) - 0.5), abs=1e-9)


@given(values_of("individual"))
def test_quantum_facts_are_facts_and_the_source_alone_is_one_of_them(values):
    r = individual(values)
    assert r["any_low"] - 1e-9 <= r["kept_low"] <= r["alone_kept"] + 1e-9
    assert r["alone_kept"] - 1e-9 <= r["kept_high"] <= r["any_high"] + 1e-9
    assert r["anew_low"] - 1e-9 <= r["alone_anew"] <= r["anew_high"] + 1e-9


@given(values_of("individual"))
def test_classical_and_other_answers_part_for_two_individuals_where_the_bell_inequality_is_violated(values):
    r = individual(values)
    apart = max(r["classical_low"] - r["any_high"], r["any_low"] - r["classical_high"])
    s = values["visibility"] / np.sqrt(2)
    parted = (4 * s - 2) / (1 + s) if values["found"] in ("000", "011") else 0
    assert max(apart, 0) == near(max(parted, 0), abs=1e-9)


@given(values_of("latents"))
def test_the_kinds_of_common_cause_include_each_other(values):
    r = latents(values)
    if r["gain_low"] is None:
        p = table(values)
        assert p.max(axis=2).sum(axis=1).max() > 1
        return
    for low, high in (("classical", "quantum"), ("quantum", "natural")):
        assert r[f"{high}_low"] <= r[f"{low}_low"] + 1e-9
        assert r[f"{low}_high"] <= r[f"{high}_high"] + 1e-9
    assert r["classical_low"] - r["natural_low"] == near(r["gain_low"], abs=1e-9)
    assert r["natural_high"] - r["classical_high"] == near(r["gain_high"], abs=1e-9)
    assert r["classical_low"] - r["quantum_low"] <= MOST + 1e-9


@given(values_of("latents"))
def test_a_table_has_the_shares_it_was_made_from_to_the_step_of_a_slider(values):
    p, again = table(values), table(shares(table(values)))
    assert np.abs(p - again).max() < 0.01


@given(values_of("range_of_answers"))
def test_the_state_by_itself_answers_within_the_range_of_all_facts(values):
    r = range_of_answers(values)
    for a in (0, 1):
        if r[f"low{a}"] is not None:
            assert -1e-9 <= r[f"low{a}"] <= r[f"alone{a}"] + 1e-9
            assert r[f"alone{a}"] - 1e-9 <= r[f"high{a}"] <= 1 + 1e-9


@given(st.floats(0.1, 1), st.floats(-100, 100), st.floats(-180, 180))
def test_a_pure_pair_leaves_no_facts_to_add(concurrence, bob, other):
    r = range_of_answers({"visibility": 1, "concurrence": concurrence, "bob": bob, "other": other})
    for a in (0, 1):
        assert r[f"low{a}"] == near(r[f"high{a}"], abs=1e-6) == near(r[f"alone{a}"], abs=1e-6)


def test_some_facts_answer_within_the_range_and_not_all_alike():
    rho, rng, found = noisy_pair(0.4, 0.7), np.random.default_rng(3), []
    r = range_of_answers({**PAIR, "concurrence": 0.7})
    for _ in range(50):
        weights, states = one_experiment.completed(rho, 5, rng)
        zero, ten, eleven = states[:, 0, 0].real, states[:, 2, 2].real, states[:, 3, 3].real
        found.append((weights * zero * eleven / (ten + eleven)).sum() / (weights * zero).sum())
    assert r["low1"] <= min(found) < max(found) - 0.05 <= r["high1"] - 0.05


def test_an_impossible_antecedent_has_no_answer():
    r = range_of_answers({"visibility": 1, "concurrence": 0, "bob": 0, "other": 30})
    assert (r["low1"], r["alone1"]) == (None, None)
    assert r["low0"] is not None


@EACH
def test_every_setting_gives_each_control_a_value_that_it_can_have(name):
    for setting in ELEMENTS[name].settings:
        assert set(setting.values) == {control.name for control in ELEMENTS[name].controls}
        for control in ELEMENTS[name].controls:
            value = setting.values[control.name]
            if isinstance(control, Slider):
                steps = (value - control.low) / control.step
                assert control.low <= value <= control.high, control.name
                assert steps == near(round(steps)), control.name
            else:
                assert value in control.options


class Fragment(HTMLParser):
    """What a fragment of HTML is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]


@EACH
def test_every_control_has_a_label_of_its_own(name):
    page = Fragment(element_html(name))
    controls = page.all("input", "id") + page.all("select", "id")
    assert sorted(page.all("label", "for")) == sorted(controls) == sorted(set(controls))
    assert len(controls) == len(ELEMENTS[name].controls)


@EACH
def test_the_tables_show_what_is_computed(name):
    element, text = ELEMENTS[name], element_html(name)
    for key, answer in element.compute(element.settings[0].values).items():
        assert f'<td data-key="{key}">{shown(answer)}</td>' in text
    for grid in re.findall(r"<table.*?</table>", text):
        ElementTree.fromstring(grid)  # raises where a tag is left open
    for setting in element.settings:
        assert all(f"<td>{shown(answer)}</td>" in text for answer in element.compute(setting.values).values())


@EACH
def test_the_script_is_told_the_settings(name):
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', element_html(name))
    assert json.loads(data)["settings"] == [dict(setting.values) for setting in ELEMENTS[name].settings]


def test_the_script_asks_nothing_of_the_network():
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(|requestAnimationFrame", script_html())


def test_an_unknown_element_is_refused_by_name():
    with pytest.raises(ValueError, match="'ladder' is no element; they are chsh, contradiction, count"):
        element_html("ladder")


@pytest.mark.parametrize("values", [{}, {"a0": "east"}])
def test_a_value_that_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match=r"a0 is .*; it should be a number"):
        number_in(values, "a0")


@EACH
def test_an_embedded_element_brings_its_script_and_its_ids_are_its_own(name):
    page = embed(name).data
    assert page.count("<section") == 1
    assert page.rstrip().endswith("</script>")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    others = [re.findall(r' id="([^"]+)"', element_html(other)) for other in ELEMENTS if other != name]
    assert not set(ids) & {id for each in others for id in each}


@EACH
def test_an_embedded_element_brings_what_it_computes_and_nothing_of_the_others(name):
    script = script_html(name)
    assert [other for other in ELEMENTS if f"formulas.{other} = " in script] == [name]
    assert len(script) < 12_000
