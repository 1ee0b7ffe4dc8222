"""The pages as a browser shows them: no error, no request elsewhere, no sideways scrolling, every formula set.

A page served beside the book opens each of its pages in a frame as wide as a phone or a desktop, looks at it, and
reports back. Without Chromium these tests are skipped.
"""

import functools
import http.server
import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from quick_book import PLAN

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDTHS = {"phone": 390, "desktop": 1440}

PROBE = """<!doctype html><meta charset="utf-8"><script>
const look = (page, width) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  const errors = [];
  frame.onload = async () => {
    const view = frame.contentWindow;
    const { document: text } = view;
    const all = (selector) => [...text.querySelectorAll(selector)];
    const unset = () => all("span.math, div.math").filter((node) => !node.querySelector("mjx-container")).length;
    for (let waits = 0; unset() && waits < 50; waits++) await new Promise((done) => setTimeout(done, 200));
    await new Promise((done) => setTimeout(done, 200));
    resolve({
      page, width, errors,
      overflow: text.documentElement.scrollWidth - text.documentElement.clientWidth,
      requests: view.performance.getEntriesByType("resource").map((entry) => entry.name),
      mathErrors: all("mjx-merror, [data-mjx-error]").map((node) => node.textContent),
      undefinedMacros: all("mjx-container [fill='red'], mjx-container [stroke='red']").length,
      unset: unset(),
      claims: all("details.claim").length,
      shown: text.querySelector(".ledger-shown")?.textContent ?? "",
      searchFields: all("button.search-button-field, .bd-sidebar form.bd-search, .sidebar-primary-item form").length,
    });
    frame.remove();
  };
  frame.src = page;
  document.body.append(frame);
  const watch = () => {
    const view = frame.contentWindow;
    if (!view || view.watched || view.location.href === "about:blank") return;
    view.watched = true;
    view.addEventListener("error", ({ message, target }) => errors.push(message || target.src || target.href), true);
    view.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
    const { error } = view.console;
    view.console.error = (...words) => { errors.push(words.join(" ")); error(...words); };
  };
  const timer = setInterval(watch);
  frame.addEventListener("load", () => clearInterval(timer));
});
window.onload = async () => {
  const results = [];
  for (const [page, width] of TASKS) results.push(await look(page, width));
  await fetch("/report", { method: "POST", body: JSON.stringify(results) });
};
</script><body></body>"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the book and the probe; takes the report."""

    probe = ""
    reports: queue.Queue

    def do_GET(self):
        if self.path != "/probe":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.probe.encode())

    def do_POST(self):
        self.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        """Nothing is logged."""


@pytest.fixture(scope="module")
def browser_or_skip() -> None:
    """Asked for before the book, so that nothing is built for nothing."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here (.ci/run installs one)")


@pytest.fixture(scope="module")
def looks(tmp_path_factory, browser_or_skip, book) -> list[dict]:
    """What the browser saw on each page at each width."""
    pages = [f"/book/{slug}.html" for slug in PLAN.pages] + ["/search.html", "/genindex.html"]
    tasks = [(page, width) for page in pages for width in WIDTHS.values()]
    Handler.probe = PROBE.replace("TASKS", json.dumps(tasks))
    Handler.reports = queue.Queue()
    handler = functools.partial(Handler, directory=str(PLAN.html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        profile = tmp_path_factory.mktemp("chromium")
        url = f"http://127.0.0.1:{server.server_port}/probe"
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return Handler.reports.get(timeout=120)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()


def seen(looks: list[dict], key: str) -> dict[str, object]:
    """What was found wherever something was found."""
    return {f"{Path(look['page']).name} at {look['width']}": look[key] for look in looks if look[key]}


def test_no_page_has_an_error(looks):
    assert seen(looks, "errors") == {}


def test_no_page_asks_another_host(looks):
    hosts = {request.split("/")[2] for look in looks for request in look["requests"] if request.startswith("http")}
    assert len(hosts) == 1


def test_no_page_scrolls_sideways(looks):
    assert {page: wide for page, wide in seen(looks, "overflow").items() if wide > 0} == {}


def test_every_formula_is_set_without_error(looks):
    assert seen(looks, "mathErrors") == seen(looks, "undefinedMacros") == seen(looks, "unset") == {}


def test_the_ledger_counts_what_it_shows(looks):
    shown = {look["shown"] for look in looks if look["page"].endswith("/ledger.html")}
    assert shown == {f"{len(PLAN.claims)} of {len(PLAN.claims)} claims shown"}


def test_there_is_one_search_field(looks):
    assert {look["searchFields"] for look in looks if look["page"].startswith("/book")} == {1}
