"""A chapter in JupyterLab, in a browser: open it, change a parameter, run all; it says what the command line computes.

Without Chromium, or without JupyterLab in this environment (`make lab` puts it there), the test is skipped.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import chromium
import nbformat
import pytest
from ipykernel.kernelspec import install

from compendium import paths
from compendium.build import lab
from compendium.build.notebooks import KERNEL
from compendium.build.plan import Plan
from compendium.pages.prose import filled

SLUG, NAME, VALUE = "ladder/counterfactuals", "nervous", '"1/3"'  # a chapter that takes seconds, and what to change
PATIENCE = 300  # seconds for a run of it on a busy machine
NOTEBOOK = "jupyterapp.shell.currentWidget"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory):
    """A chapter's address in a JupyterLab of this environment, on the loopback interface, with a token."""
    chromium.needed()
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("no JupyterLab here (`python compendium/build/bootstrap.py lab` installs one)")
    folder = tmp_path_factory.mktemp("lab")
    book = lab.Book(Plan("paper"))
    (folder / "chapters").mkdir()
    nbformat.write(lab.lab_notebook(book, SLUG, executed=False), folder / "chapters/chapter.ipynb")
    install(prefix=str(folder), kernel_name=KERNEL["name"], display_name=KERNEL["display_name"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--notebook-dir={folder / 'chapters'}"]
    command += ["--LabApp.expose_app_in_browser=True", "--ServerApp.port_retries=0", "--LabApp.news_url=None"]
    own = {"HOME": str(folder), "JUPYTER_PATH": str(folder / "share/jupyter"), "PYTHONPATH": str(paths.ROOT)}
    own |= {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    own |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    own |= {"COMPENDIUM_GENERATED": str(folder / "generated"), "IPYTHONDIR": str(folder / "ipython")}
    with open(folder / "log", "wb") as log, contextlib.ExitStack() as stack:
        server = stack.enter_context(subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log))
        stack.callback(server.terminate)
        answers(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/chapter.ipynb?token={token}"


def answers(url: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers; what it wrote is the error if it does not."""
    end = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The numbers that the command line notes, with the parameter changed."""
    output = tmp_path_factory.mktemp("command") / "run.ipynb"
    command = [sys.executable, "-m", "compendium.build", "run", SLUG, str(output), "-p", f"{NAME}={VALUE}"]
    result = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return dict(lab.noted(nbformat.read(output, as_version=4).cells))


@pytest.fixture(scope="module")
def ran(address: str, tmp_path_factory: pytest.TempPathFactory):
    """The notebook in the browser after its parameter was changed and all was run, and the page."""
    with chromium.Chromium(tmp_path_factory.mktemp("profile")) as browser:
        page = chromium.Page(browser, address)
        page.wait_for(f"window.jupyterapp && {NOTEBOOK}?.context?.isReady && {NOTEBOOK}.content.widgets.length > 20")
        page.wait_for(f"{NOTEBOOK}.sessionContext.session?.kernel?.status === 'idle'")
        change = f"""(() => {{
          const cell = {NOTEBOOK}.content.widgets.find((w) => /^{NAME} = /m.test(w.model.sharedModel.getSource()));
          const source = cell.model.sharedModel.getSource();
          cell.model.sharedModel.setSource(source.replace(/^{NAME} = [^#\\n]*/m, {json.dumps(f"{NAME} = {VALUE}  ")}));
          return cell.model.sharedModel.getSource();
        }})()"""
        assert f"{NAME} = {VALUE}" in page.js(change)
        page.js("void jupyterapp.commands.execute('notebook:run-all-cells').then((done) => (window.ranAll = done))")
        page.run(page.tab.wait_for("window.ranAll !== undefined", PATIENCE))
        yield nbformat.from_dict(page.js(f"{NOTEBOOK}.content.model.toJSON()")), page


def test_all_cells_run_and_only_what_is_to_be_filled_in_fails(ran) -> None:
    notebook, _ = ran
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    failing = [cell for cell in code if any(output.output_type == "error" for output in cell.outputs)]
    assert all("raises-exception" in cell.metadata.get("tags", []) for cell in failing), failing


def test_the_changed_run_notes_what_the_command_line_computes(ran, computed: dict[str, str]) -> None:
    notebook, _ = ran
    assert dict(lab.noted(notebook.cells)) == computed
    assert float(computed["separate"]) == 7 / 8  # and not 0.88, as with the published value


def test_the_sentences_say_the_new_numbers_and_the_reader_sees_them(ran, computed: dict[str, str]) -> None:
    notebook, page = ran
    said = [(k, cell) for k, cell in enumerate(notebook.cells) if cell.source.startswith("say(")]
    assert said
    for _, cell in said:
        text = cell.source.removeprefix("say(r'''").removesuffix("''')")
        assert cell.outputs[0].data["text/markdown"] == filled(text, computed)
    at, cell = next((k, cell) for k, cell in said if "separate" in cell.source)
    number = filled("⟦separate:.3f⟧", computed)
    page.js(f"{NOTEBOOK}.content.scrollToItem({at})")
    page.wait_for(f"{NOTEBOOK}.content.widgets[{at}].node.innerText.includes({json.dumps(number)})")
