"""Headless Chromium, driven by its own debugging protocol: tabs that work side by side, keys, what a page reports."""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
FLAGS += [
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
]
FLAGS += ["--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"]
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36}
KEYS |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
KEYS |= {".": 190}  # its character code is the Delete key's
PATIENCE = 120.0  # seconds; nothing takes as long on an idle machine
LARGEST = 64 * 2**20  # bytes of a message


def needed() -> None:
    """Skip the test where there is no browser, with the reason."""
    if EXECUTABLE is None:
        pytest.skip("no Chromium here (.ci/run installs one)")


class Chromium(contextlib.ExitStack):
    """A browser; used with ``with``, so that the process ends whatever happens."""

    def __init__(self, profile: Path) -> None:
        super().__init__()
        self.profile, self.numbers = profile, itertools.count(1)
        self.replies: dict[int, asyncio.Future] = {}
        self.tabs: dict[str, Tab] = {}

    def __enter__(self) -> "Chromium":
        command = [EXECUTABLE, f"--user-data-dir={self.profile}", *FLAGS]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.enter_context(process)
        self.callback(process.terminate)
        self.loop = self.enter_context(contextlib.closing(asyncio.new_event_loop()))
        try:
            self.run(self.connect())
        except BaseException:
            self.close()
            raise
        self.callback(lambda: self.run(self.disconnect()))
        return self

    def run(self, work: Awaitable):
        """What a coroutine returns."""
        return self.loop.run_until_complete(asyncio.wait_for(work, 20 * PATIENCE))

    async def connect(self) -> None:
        """Wait for the browser to say where it listens, and listen to it."""
        told = self.profile / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE
        while not (told.exists() and len(told.read_text().split()) == 2):
            if time.monotonic() > end:
                raise TimeoutError(f"{EXECUTABLE} does not start")
            await asyncio.sleep(0.05)
        port, path = told.read_text().split()
        self.socket = await websocket_connect(f"ws://127.0.0.1:{port}{path}", max_message_size=LARGEST)
        self.listening = asyncio.ensure_future(self.listen())

    async def disconnect(self) -> None:
        self.socket.close()
        await self.listening

    async def listen(self) -> None:
        """Hand replies to those who wait for them and events to their tabs."""
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            if "id" in message:
                self.replies.pop(message["id"]).set_result(message)
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].events.append(message)

    async def send(self, method: str, parameters: dict, session: str | None = None) -> dict:
        """The browser's reply to a command of its protocol."""
        number = next(self.numbers)
        answer = self.replies[number] = self.loop.create_future()
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        await self.socket.write_message(json.dumps(message))
        reply = await asyncio.wait_for(answer, PATIENCE)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    async def tab(self) -> "Tab":
        """A new tab, in a window of its own (what is in the background is not painted)."""
        target = (await self.send("Target.createTarget", {"url": "about:blank", "newWindow": True}))["targetId"]
        session = (await self.send("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
        tab = self.tabs[session] = Tab(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.send(f"{domain}.enable")
        return tab

    async def side_by_side(self, work, tasks: Iterable, tabs: int = 2) -> list:
        """``[await work(tab, task) for task in tasks]``, in that many tabs at once."""
        queue, results = list(enumerate(tasks))[::-1], {}

        async def one() -> None:
            tab = await self.tab()
            while queue:
                number, task = queue.pop()
                results[number] = await work(tab, task)

        await asyncio.gather(*(one() for _ in range(tabs)))
        return [results[number] for number in sorted(results)]


class Tab:
    """A page that is open in the browser, and what has happened on it."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self.browser, self.session, self.target = browser, session, target
        self.events: list[dict] = []

    async def send(self, method: str, **parameters) -> dict:
        return await self.browser.send(method, parameters, self.session)

    async def js(self, expression: str):
        """The value of an expression on the page; an error there is an error here."""
        ask = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        reply = await self.send("Runtime.evaluate", **ask)
        if "exceptionDetails" in reply:
            raise RuntimeError(reply["exceptionDetails"]["exception"]["description"])
        return reply["result"].get("value")

    async def wait_for(self, expression: str, seconds: float = PATIENCE):
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + seconds
        while not (value := await self.js(expression)):
            if time.monotonic() > end:
                raise TimeoutError(f"never came true: {expression}")
            await asyncio.sleep(0.02)
        return value

    async def look(self, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """See the page so wide, in light or dark, as someone who wants nothing to move: it is at rest at once."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.send("Emulation.setDeviceMetricsOverride", **size)
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        await self.send("Emulation.setEmulatedMedia", features=[{"name": k, "value": v} for k, v in wishes.items()])
        await self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    async def open(self, url: str) -> None:
        """Open a page, and wait until it has been laid out."""
        self.events.clear()
        reply = await self.send("Page.navigate", url=url)
        if "errorText" in reply:
            raise FileNotFoundError(f"{url}: {reply['errorText']}")
        end = time.monotonic() + PATIENCE
        while not self.named("Page.loadEventFired"):
            if time.monotonic() > end:
                raise TimeoutError(f"{url} does not load")
            await asyncio.sleep(0.01)
        await self.js(SETTLED)

    async def close(self) -> None:
        """Close it: a window that stays open goes on being painted."""
        await self.browser.send("Target.closeTarget", {"targetId": self.target})
        del self.browser.tabs[self.session]

    async def press(self, *keys: str) -> None:
        """Press and release keys, as a hand would."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper()))}
            await self.send("Input.dispatchKeyEvent", type="keyDown", **code, **({"text": text} if text else {}))
            await self.send("Input.dispatchKeyEvent", type="keyUp", **code)

    def named(self, method: str) -> list[dict]:
        """What happened under that name since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]

    @property
    def requests(self) -> list[str]:
        """The addresses that the page has asked for, other than those that hold their own answer."""
        asked = [event["request"]["url"] for event in self.named("Network.requestWillBeSent")]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]

    @property
    def errors(self) -> list[str]:
        """What the console shows in red, and requests that failed."""
        told = [
            event["args"] for event in self.named("Runtime.consoleAPICalled") if event["type"] in ("error", "assert")
        ]
        thrown = [event["exceptionDetails"] for event in self.named("Runtime.exceptionThrown")]
        logged = [event["entry"] for event in self.named("Log.entryAdded") if event["entry"]["level"] == "error"]
        return [
            *(" ".join(str(word.get("value", word.get("description"))) for word in words) for words in told),
            *(details.get("exception", {}).get("description", details["text"]) for details in thrown),
            *(f"{entry['text']} {entry.get('url', '')}" for entry in logged),
        ]


class Page:
    """A tab used by hand: one thing after another."""

    def __init__(self, browser: Chromium, url: str, width: int = 1280) -> None:
        self.run, self.tab = browser.run, browser.run(browser.tab())
        self.run(self.tab.look(width))
        self.run(self.tab.open(url))

    def js(self, expression: str):
        return self.run(self.tab.js(expression))

    def wait_for(self, expression: str):
        return self.run(self.tab.wait_for(expression))

    def press(self, *keys: str) -> None:
        self.run(self.tab.press(*keys))

    def focus(self, selector: str) -> None:
        """Put the focus on an element, provided that the Tab key could."""
        element = f"document.querySelector({selector!r})"
        assert self.js(f"{element}.focus(), {element}.tabIndex >= 0 && document.activeElement === {element}"), selector


SETTLED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
