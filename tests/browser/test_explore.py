"""The interactive elements in a browser: their scripts compute what `qlib` does, and their controls obey the keyboard.

Without Chromium these tests are skipped.
"""

import json

import chromium
import numpy as np
import pytest

from compendium.pages.elements import Choice, Slider
from compendium.pages.explore import ELEMENTS, element_html, embed, script_html, shown

POINTS = 200  # random values of each element's controls
WHOLE = (-180, -135, -90, -45, 0, 30, 45, 60, 90, 135, 180, 270, 360)  # angles at which something vanishes


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """All elements on a page of their own, with a record of its errors."""
    chromium.needed()
    folder = tmp_path_factory.mktemp("explore")
    record = "<script>errors = []; addEventListener('error', (event) => errors.push(event.message));</script>"
    body = "".join(map(element_html, ELEMENTS)) + script_html()
    page = folder / "explore.html"
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explore</title>'
    page.write_text(f"{head}{record}</head><body>{body}</body></html>", encoding="utf-8")
    with chromium.Chromium(folder / "profile") as process:
        browser = chromium.Page(process, page.as_uri())
        yield browser
        assert browser.js("errors") == browser.tab.errors == []


def some_values(element, rng) -> dict[str, float | str]:
    """Random values of an element's controls, every other time on special points."""
    values, special = {}, rng.random() < 0.5
    for control in element.controls:
        if isinstance(control, Choice):
            values[control.name] = str(rng.choice(list(control.options)))
        else:
            points = (
                [x for x in WHOLE if control.low <= x <= control.high] if control.unit else [control.low, control.high]
            )
            value = rng.choice(points) if special else rng.uniform(control.low, control.high)
            values[control.name] = float(value)
    return values


@pytest.mark.parametrize("name", list(ELEMENTS))
def test_the_script_computes_what_qlib_does(browser, name):
    element, rng = ELEMENTS[name], np.random.default_rng(6)
    points = [dict(setting.values) for setting in element.settings] + [some_values(element, rng) for _ in range(POINTS)]
    asked = f"explore.{name}(values, {json.dumps(element.data)})"
    answers = browser.js(f"{json.dumps(points)}.map((values) => {asked})")
    for values, answer in zip(points, answers, strict=True):
        expected = element.compute(values)
        assert set(answer) == set(expected)
        for key, number in expected.items():
            assert (answer[key] is None) == (number is None), (values, key)
            assert number is None or abs(answer[key] - number) < 1e-9, (values, key, answer[key], number)


@pytest.mark.parametrize("name", list(ELEMENTS))
def test_the_page_opens_at_the_first_setting_and_each_button_leads_to_its_own(browser, name):
    element, section = ELEMENTS[name], f"document.querySelector('[data-element={name}]')"
    for k, setting in enumerate(element.settings):
        if k:
            browser.js(f"{section}.querySelectorAll('button')[{k}].focus()")
            browser.press("Enter")
        pressed = browser.js(f"[...{section}.querySelectorAll('button')].map((b) => b.getAttribute('aria-pressed'))")
        assert pressed == [str(j == k).lower() for j in range(len(element.settings))]
        cells = f"[...{section}.querySelectorAll('[data-key]')].map((cell) => [cell.dataset.key, cell.textContent])"
        cells = dict(browser.js(cells))
        assert cells == {key: shown(answer) for key, answer in element.compute(setting.values).items()}


@pytest.mark.parametrize("name", list(ELEMENTS))
def test_every_control_is_reached_by_tab_and_moved_by_arrows(browser, name):
    section = f"document.querySelector('[data-element={name}]')"
    browser.js(f"{section}.querySelectorAll('button')[0].click()")
    enabled = browser.js(f"[...{section}.querySelectorAll('input:enabled, select:enabled')].map((c) => c.name)")
    browser.js(f"{section}.querySelector('button:last-of-type').focus()")
    for control in enabled:
        browser.press("Tab")
        assert browser.js("document.activeElement.name") == control
        kind, before, at = browser.js("(({type, value, max}) => [type, value, value === max])(document.activeElement)")
        browser.press("ArrowDown" if kind != "range" else "ArrowLeft" if at else "ArrowRight")
        assert browser.js("document.activeElement.value") != before, control
    values = browser.js(f"Object.fromEntries(new FormData({section}.querySelector('form')))")
    values = {c.name: values.get(c.name, c.low if isinstance(c, Slider) else None) for c in ELEMENTS[name].controls}
    cells = f"[...{section}.querySelectorAll('[data-key]')].map((cell) => [cell.dataset.key, cell.textContent])"
    numbers = {c.name: float(values[c.name]) for c in ELEMENTS[name].controls if isinstance(c, Slider)}
    expected = ELEMENTS[name].compute({**values, **numbers})
    assert dict(browser.js(cells)) == {key: shown(answer) for key, answer in expected.items()}


def test_an_answer_that_does_not_exist_is_said_with_its_reason(browser):
    browser.js("document.querySelectorAll('[data-element=counterfactual] button')[1].click()")
    status = "document.querySelector('[data-element=counterfactual] [role=status]').textContent"
    said = browser.wait_for(f"{status}.startsWith('∗') && {status}")
    assert said == (
        "∗, no answer. Given a = +: the source has prepared |+⟩ with probability 1.000, and then a′ = − is impossible."
    )


def test_sliders_say_their_value(browser):
    spoken = browser.js(
        "[...document.querySelectorAll('input[type=range]')].map((i) => i.getAttribute('aria-valuetext'))"
    )
    assert len(spoken) == sum(not isinstance(c, Choice) for element in ELEMENTS.values() for c in element.controls)
    assert all(spoken)


def test_two_embedded_elements_live_side_by_side(tmp_path):
    chromium.needed()
    page = tmp_path / "two.html"
    body = embed("thresholds").data + embed("latents").data
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{body}</body></html>', encoding="utf-8"
    )
    with chromium.Chromium(tmp_path / "profile") as process:
        browser = chromium.Page(process, page.as_uri())
        assert browser.js("[...document.querySelectorAll('svg')].length") == 2
        assert browser.js("[...document.querySelectorAll('form')].some((form) => form.hidden)") is False
        assert sorted(browser.js("Object.keys(explore)")) == ["latents", "thresholds"]
        assert browser.tab.errors == []
