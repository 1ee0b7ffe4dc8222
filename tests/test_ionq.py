"""Jobs on IonQ: the real provider against a stub of IonQ's REST interface that listens on this machine only."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from qlib.circuits import bell_circuit, chsh_circuits, circuit_law, measured, product_circuit, project_prepare
from qlib.evidence import acceptance_region
from qlib.ionq import DeclinedError, HardwareError, IonQ, JobPendingError, Quote

KEY = "a-key-that-nobody-may-see"
CIRCUITS = [
    measured(product_circuit([0.5, 2.0], [0.4, 1.0]), [0.2, 0.7]),  # no symmetry: exchanged bits would show
    *chsh_circuits(bell_circuit())[:1],
]
SHOTS = 1000
Reply = tuple[int, Any]


def law_of_job(body: dict[str, Any]) -> dict[str, float]:
    """Probabilities as IonQ returns them: by the number whose k-th binary digit is qubit k."""
    n = body["input"]["qubits"]
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    for gate in body["input"]["circuit"]:
        half = gate.get("rotation", 0) / 2
        matrices = {
            "h": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
            "ry": np.array([[np.cos(half), -np.sin(half)], [np.sin(half), np.cos(half)]]),
            "rz": np.diag([np.exp(-1j * half), np.exp(1j * half)]),
        }
        target = gate["targets"][0]
        flipped = np.flip(state, target)
        if gate["gate"] == "x" and gate.get("controls"):
            control = gate["controls"][0]
            on = np.arange(2).reshape([2 if k == control else 1 for k in range(n)])
            state = np.where(on == 1, flipped, state)
        else:
            state = np.moveaxis(np.tensordot(matrices[gate["gate"]], state, (1, target)), 0, target)
    probabilities = abs(state.transpose(range(n - 1, -1, -1)).ravel()) ** 2
    return {str(k): float(p) for k, p in enumerate(probabilities) if p > 1e-12}


class Server:
    """A stub of IonQ's interface: it computes what it is sent; `replies` overrides what it would say."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.replies: dict[tuple[str, str], Callable[[Reply], Reply]] = {}  # (method, end of the path's kind)
        self.headers: set[str] = set()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer("GET", {})

            def do_POST(self) -> None:
                self.answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def answer(self, method: str, body: dict[str, Any]) -> None:
                stub.headers.add(str(self.headers["Authorization"]))
                status, reply = stub.reply(method, self.path, body)
                text = reply if isinstance(reply, str) else json.dumps(reply)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v0.4"

    def reply(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        path, _, _ = path.removeprefix("/v0.4").partition("?")
        kind = next(k for k in ("backends", "estimate", "probabilities", "jobs") if k in path)
        self.requests.append((method, kind))
        if change := self.replies.get((method, kind)):
            return change(self.usual(method, kind, path, body) if kind == "jobs" else (200, None))
        return self.usual(method, kind, path, body)

    def usual(self, method: str, kind: str, path: str, body: dict[str, Any]) -> Reply:
        if kind == "backends":
            return 200, {"qubits": 25}
        if kind == "estimate":
            return 200, {"estimated_cost": 12.5, "cost_unit": "USD", "input_values": {}}
        if method == "POST":
            self.bodies.append(body)
            id = f"job-{len(self.jobs)}"
            self.jobs[id] = body
            return 200, {"id": id, "status": "submitted"}
        id = path.split("/")[2]
        if kind == "probabilities":
            return 200, law_of_job(self.jobs[id])
        results = {"probabilities": {"url": f"/v0.4/jobs/{id}/results/probabilities"}}
        body = self.jobs[id]
        return 200, {
            "id": id, "status": "completed", "metadata": body["metadata"], "results": results,
            "stats": {"qubits": body["input"]["qubits"], "circuits": 1}, "execution_duration_ms": 1,
        }  # fmt: skip

    def count(self, method: str, kind: str) -> int:
        return self.requests.count((method, kind))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    stub = Server()
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    monkeypatch.setenv("IONQ_API_URL", stub.url)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield stub
    stub.http.shutdown()
    stub.http.server_close()


class Confirmation:
    """Says yes or no, and remembers what it was shown."""

    def __init__(self, answer: bool = True) -> None:
        self.answer, self.shown = answer, list[Quote]()

    def __call__(self, quote: Quote) -> bool:
        self.shown.append(quote)
        return self.answer


def ionq(folder: Path, name: str = "ionq_simulator", **options: Any) -> IonQ:
    options = {"confirm": Confirmation(), "timeout": 0.15, "wait": 0.02, **options}
    return IonQ(name, folder, "test", **options)


def run(backend: IonQ, circuits: Any = CIRCUITS, seed: int = 1) -> list[Any]:
    return backend.run(circuits, SHOTS, np.random.default_rng(seed))


def files(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "test").glob("*.json"))]


def test_counts_of_the_simulator_are_drawn_from_the_law_of_the_circuit(server: Server, tmp_path: Path) -> None:
    for circuit, n in zip(CIRCUITS, run(ionq(tmp_path)), strict=True):
        low, high = acceptance_region(circuit_law(circuit).clip(0, 1), SHOTS, alarm=1e-9)
        assert np.all((low <= n) & (n <= high)), circuit.name
    assert server.headers == {f"apiKey {KEY}", "None"}  # what the number of qubits is, anyone may ask


def test_a_machine_returns_shares_of_the_shots_and_mitigates_nothing(server: Server, tmp_path: Path) -> None:
    server.replies["GET", "probabilities"] = lambda usual: (200, {"0": 0.25, "1": 0.5, "3": 0.25})
    confirm = Confirmation()
    counts = run(ionq(tmp_path, "ionq_qpu.aria-1", confirm=confirm))
    assert [n.tolist() for n in counts] == [[[250, 0], [500, 250]]] * 2  # "1" is qubit 0, on the first axis
    assert confirm.shown == [Quote("ionq_qpu.aria-1", 2, SHOTS, 25.0, "USD")]
    assert [body["settings"]["error_mitigation"] for body in server.bodies] == [{"debiasing": False}] * 2
    assert server.bodies[0]["backend"] == "qpu.aria-1"


def test_native_gates_are_what_a_machine_is_sent(server: Server, tmp_path: Path) -> None:
    server.replies["GET", "probabilities"] = lambda usual: (200, {"0": 1})
    run(ionq(tmp_path, "ionq_qpu.aria-1", gateset="native"))
    assert {gate["gate"] for gate in server.bodies[1]["input"]["circuit"]} == {"gpi", "gpi2", "ms"}
    assert server.bodies[1]["input"]["gateset"] == "native"


def test_what_has_returned_is_read_from_files_without_a_key_or_a_network(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(ionq(tmp_path))
    asked = len(server.requests)
    monkeypatch.delenv("IONQ_API_KEY")
    again = run(ionq(tmp_path, confirm=Confirmation(False)), seed=2)
    assert [n.tolist() for n in again] == [n.tolist() for n in first]
    assert len(server.requests) == asked


def test_files_hold_raw_counts_and_program_and_no_key(server: Server, tmp_path: Path) -> None:
    counts = run(ionq(tmp_path))
    for record, n in zip(files(tmp_path), counts, strict=True):
        assert record["state"] == "returned"
        assert sum(record["counts"].values()) == SHOTS
        assert all(n[tuple(map(int, outcome))] == k for outcome, k in record["counts"].items())
        assert record["program"].startswith("OPENQASM 3")
    assert not any(KEY in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_an_interrupted_campaign_resumes_without_submitting_again(server: Server, tmp_path: Path) -> None:
    server.replies["GET", "jobs"] = lambda usual: (200, {**usual[1], "status": "ready"})
    with pytest.raises(JobPendingError, match=r"job job-0 .* still under way\. Run the campaign again to resume"):
        run(ionq(tmp_path))
    assert [record["state"] for record in files(tmp_path)] == ["submitted", "submitted"]
    del server.replies["GET", "jobs"]
    confirm = Confirmation()
    assert all(n.sum() == SHOTS for n in run(ionq(tmp_path, confirm=confirm)))
    assert server.count("POST", "jobs") == 2
    assert confirm.shown == []


def test_jobs_that_returned_before_an_interruption_are_kept(server: Server, tmp_path: Path) -> None:
    server.replies["GET", "jobs"] = lambda usual: (
        usual if usual[1]["id"] == "job-0" else (200, {**usual[1], "status": "started"})
    )
    with pytest.raises(JobPendingError, match="job job-1"):
        run(ionq(tmp_path))
    assert [record["state"] for record in files(tmp_path)] == ["returned", "submitted"]


def test_new_circuits_alone_are_quoted(server: Server, tmp_path: Path) -> None:
    run(ionq(tmp_path), CIRCUITS[:1])
    confirm = Confirmation()
    run(ionq(tmp_path, confirm=confirm))
    assert [quote.jobs for quote in confirm.shown] == [1]
    assert str(confirm.shown[0]) == "1 jobs of 1000 shots on ionq_simulator: estimated cost 0 USD"


def test_without_a_confirmation_nothing_is_submitted(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DeclinedError, match=r"nothing was submitted: 2 jobs of 1000 shots on ionq_qpu\.aria-1"):
        run(ionq(tmp_path, "ionq_qpu.aria-1", confirm=Confirmation(False)))
    assert server.count("POST", "jobs") == 0
    assert files(tmp_path) == []


def test_a_quote_is_asked_for_on_the_terminal_and_silence_is_a_no(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = IonQ("ionq_simulator", tmp_path, "test", timeout=1, wait=0.02)

    def silence(prompt: str) -> str:
        raise EOFError

    for answer in (silence, lambda prompt: "no"):
        monkeypatch.setattr("builtins.input", answer)
        with pytest.raises(DeclinedError):
            run(backend)
    monkeypatch.setattr("builtins.input", lambda prompt: "Yes" if "estimated cost" in prompt else "no")
    assert len(run(backend)) == 2


@pytest.mark.parametrize("estimate", [{}, {"estimated_cost": None}, {"estimated_cost": "much"}, "not JSON", [1]])
def test_without_a_price_nothing_is_submitted(server: Server, tmp_path: Path, estimate: Any) -> None:
    server.replies["GET", "estimate"] = lambda usual: (200, estimate)
    with pytest.raises(HardwareError, match="quote"):
        run(ionq(tmp_path, "ionq_qpu.aria-1"))
    assert server.count("POST", "jobs") == 0


def test_a_job_that_failed_says_why(server: Server, tmp_path: Path) -> None:
    failure = {"code": "QuantumComputerError", "error": "the ions ran away"}
    server.replies["GET", "jobs"] = lambda usual: (200, {**usual[1], "status": "failed", "failure": failure})
    with pytest.raises(HardwareError, match=r"job-0 .*the ions ran away.*delete 000-[0-9a-f]{12}\.json to submit"):
        run(ionq(tmp_path))


def test_a_cancelled_job_has_no_counts(server: Server, tmp_path: Path) -> None:
    server.replies["GET", "jobs"] = lambda usual: (200, {**usual[1], "status": "canceled"})
    with pytest.raises(HardwareError, match=r"job-0 .*cancelled"):
        run(ionq(tmp_path))


@pytest.mark.parametrize(
    ("where", "reply"),
    [
        (("GET", "jobs"), {"status": "entangled"}),
        (("GET", "jobs"), {}),
        (("GET", "jobs"), []),
        (("GET", "jobs"), "<html>"),
        (("GET", "probabilities"), {}),
        (("GET", "probabilities"), "<html>"),
        (("GET", "probabilities"), {"zero": 1.0}),
        (("GET", "probabilities"), {"0": "half", "1": "half"}),
        (("GET", "probabilities"), 5),
    ],
)
def test_a_reply_that_makes_no_sense_is_not_taken_for_counts(
    server: Server, tmp_path: Path, where: tuple[str, str], reply: Any
) -> None:
    server.replies[where] = lambda usual: (200, reply)
    with pytest.raises(HardwareError, match="job job-0"):
        run(ionq(tmp_path))
    assert {record["state"] for record in files(tmp_path)} == {"submitted"}  # nothing is lost: it can be asked again
    del server.replies[where]
    assert len(run(ionq(tmp_path))) == 2


def test_counts_that_do_not_add_up_to_the_shots_are_refused(server: Server, tmp_path: Path) -> None:
    """Without the metadata of a job the provider would assume 1,024 shots."""
    server.replies["GET", "jobs"] = lambda usual: (200, {**usual[1], "metadata": {}})
    with pytest.raises(HardwareError, match="should add up to 1000 shots"):
        run(ionq(tmp_path))


def test_a_busy_server_is_asked_again_and_a_dead_one_not_for_ever(server: Server, tmp_path: Path) -> None:
    busy = iter([True, True])
    server.replies["GET", "jobs"] = lambda usual: (503, {}) if next(busy, False) else usual
    assert len(run(ionq(tmp_path))) == 2
    server.replies["GET", "jobs"] = lambda usual: (503, {})
    with pytest.raises(JobPendingError, match="no answer"):
        run(ionq(tmp_path / "other"))


@pytest.mark.parametrize("reply", [(504, {}), (500, {}), (200, "<html>"), (200, {"status": "submitted"})])
def test_a_submission_whose_answer_was_lost_is_never_repeated_by_itself(
    server: Server, tmp_path: Path, reply: Reply
) -> None:
    server.replies["POST", "jobs"] = lambda usual: reply
    for message in ("submission of", "not known whether this job was accepted"):
        with pytest.raises(HardwareError, match=message):
            run(ionq(tmp_path))
    assert server.count("POST", "jobs") == 1
    assert [record["state"] for record in files(tmp_path)] == ["submitting"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_submission_leaves_no_trace_and_does_not_show_the_key(
    server: Server, tmp_path: Path, status: int
) -> None:
    server.replies["POST", "jobs"] = lambda usual: (
        status,
        {"statusCode": status, "error": "Unauthorized", "message": "no"},
    )
    with pytest.raises(HardwareError, match="submission of") as error:
        run(ionq(tmp_path))
    assert KEY not in f"{error.value!r} {error.value.__cause__!r}"
    assert files(tmp_path) == []


def test_without_a_key_nothing_is_asked(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IONQ_API_KEY")
    with pytest.raises(HardwareError, match="set IONQ_API_KEY in the environment"):
        run(ionq(tmp_path))
    assert server.requests == []


def test_an_unreachable_server_is_an_error_not_a_guess_of_four_qubits(server: Server, tmp_path: Path) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(HardwareError, match="ionq_simulator"):
        run(ionq(tmp_path))


def test_circuits_that_measure_in_their_midst_are_refused_at_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'reset' in its midst"):
        run(ionq(tmp_path), [measured(project_prepare(bell_circuit(), 1), [0, 0])])
    with pytest.raises(ValueError, match="in its midst"):
        run(ionq(tmp_path), [measured(project_prepare(bell_circuit(), 1, surgery="feed-forward"), [0, 0])])
    assert server.requests == []


def test_a_damaged_file_is_named(server: Server, tmp_path: Path) -> None:
    run(ionq(tmp_path))
    damaged = sorted((tmp_path / "test").glob("*.json"))[1]
    damaged.write_text("{")
    with pytest.raises(HardwareError, match=damaged.name):
        run(ionq(tmp_path))
