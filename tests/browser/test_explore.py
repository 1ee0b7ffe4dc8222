"""The page Explore in a browser: its script computes what `qlib` does, and its controls obey the keyboard.

Chromium is driven by its own debugging protocol. Without Chromium these tests are skipped.
"""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from tornado.websocket import websocket_connect

from qlib.interactive import ELEMENTS, Choice, Slider, element_html, script_html, shown

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--remote-debugging-port=0", "--remote-allow-origins=*"]
POINTS = 200  # random values of each element's controls
WHOLE = (-180, -135, -90, -45, 0, 30, 45, 60, 90, 135, 180, 270, 360)  # angles at which something vanishes
KEYS = {"Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "ArrowDown": 40, "Enter": 13}


class Browser(contextlib.ExitStack):
    """A page in headless Chromium; used with `with`, so that the process ends whatever happens."""

    def __init__(self, profile: Path, url: str) -> None:
        super().__init__()
        self.profile, self.url, self.counter = profile, url, itertools.count(1)

    def __enter__(self) -> "Browser":
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={self.profile}", self.url]
        process = self.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.callback(process.terminate)
        self.loop = self.enter_context(contextlib.closing(asyncio.new_event_loop()))
        port = self.wait_for(lambda: (self.profile / "DevToolsActivePort").read_text().split()[0])
        target = self.wait_for(lambda: self.page(f"http://127.0.0.1:{port}/json/list"))
        self.socket = self.loop.run_until_complete(self.connect(target["webSocketDebuggerUrl"]))
        self.callback(self.disconnect)
        self.wait_for(lambda: self.js("location.href !== 'about:blank' && document.readyState === 'complete'") or None)
        return self

    @staticmethod
    async def connect(address: str):
        return await websocket_connect(address)

    def disconnect(self) -> None:
        """Close the connection and wait until it is closed."""

        async def closing():
            self.socket.close()
            while await self.socket.read_message() is not None:
                pass

        self.loop.run_until_complete(closing())

    @staticmethod
    def page(address: str) -> dict | None:
        with urllib.request.urlopen(address) as answer:
            return next((target for target in json.load(answer) if target["type"] == "page"), None)

    @staticmethod
    def wait_for(attempt, seconds: float = 20):
        """What an attempt yields as soon as it yields something."""
        end = time.monotonic() + seconds
        while True:
            try:
                if (result := attempt()) is not None:
                    return result
            except (OSError, IndexError) as error:
                if time.monotonic() > end:
                    raise TimeoutError("the browser does not answer") from error
            if time.monotonic() > end:
                raise TimeoutError("what was waited for did not come about")
            time.sleep(0.05)

    def send(self, method: str, **parameters):
        """The browser's reply to a command of its debugging protocol."""

        async def exchange():
            number = next(self.counter)
            await self.socket.write_message(json.dumps({"id": number, "method": method, "params": parameters}))
            while (reply := json.loads(await self.socket.read_message())).get("id") != number:
                pass
            return reply["result"]

        return self.loop.run_until_complete(exchange())

    def js(self, expression: str):
        """The value of an expression on the page; an error there is an error here."""
        reply = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise RuntimeError(reply["exceptionDetails"]["exception"]["description"])
        return reply["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press and release keys, as a hand would."""
        for key in keys:
            text = {"text": "\r"} if key == "Enter" else {}
            for kind in ("keyDown", "keyUp"):
                code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
                self.send("Input.dispatchKeyEvent", type=kind, **code, **(text if kind == "keyDown" else {}))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """The four elements on a page of their own, with a record of its errors."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here (.ci/run installs one)")
    folder = tmp_path_factory.mktemp("explore")
    record = "<script>errors = []; addEventListener('error', (event) => errors.push(event.message));</script>"
    body = "".join(map(element_html, ELEMENTS)) + script_html()
    page = folder / "explore.html"
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explore</title>'
    page.write_text(f"{head}{record}</head><body>{body}</body></html>", encoding="utf-8")
    with Browser(folder / "profile", page.as_uri()) as browser:
        yield browser
        assert browser.js("errors") == []


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
    said = browser.wait_for(lambda: browser.js(f"{status}.startsWith('∗') ? {status} : null"))
    assert said == (
        "∗, no answer. Given a = +: the source has prepared |+⟩ with probability 1.000, and then a′ = − is impossible."
    )


def test_sliders_say_their_value(browser):
    spoken = browser.js(
        "[...document.querySelectorAll('input[type=range]')].map((i) => i.getAttribute('aria-valuetext'))"
    )
    assert len(spoken) == sum(not isinstance(c, Choice) for element in ELEMENTS.values() for c in element.controls)
    assert all(spoken)
