"""Jobs on IonQ: the real provider against a stub of IonQ's REST interface that listens on this machine only."""

import base64
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from qlib.circuits.circuits import (
    bell_circuit,
    chsh_circuits,
    circuit_law,
    measured,
    product_circuit,
    project_prepare,
)
from qlib.circuits.ionq import DeclinedError, HardwareError, IonQ, JobPendingError, Quote, settle
from qlib.numbers.hypothesis_tests import acceptance_region

KEY = "a-key-that-nobody-may-see"
CIRCUITS = [
    measured(product_circuit([0.5, 2.0], [0.4, 1.0]), [0.2, 0.7]),  # no symmetry: exchanged bits would show
    *chsh_circuits(bell_circuit())[:1],
]
SHOTS = 1000
Reply = tuple[Any, ...]  # status, what is said, and headers


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
        self.drip: float | None = None  # seconds between two bytes of an answer
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer("GET", {})

            def do_POST(self) -> None:
                self.answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def answer(self, method: str, body: dict[str, Any]) -> None:
                stub.headers.add(str(self.headers["Authorization"]))
                status, reply, *headers = stub.reply(method, self.path, body)
                text = reply if isinstance(reply, str) else json.dumps(reply)
                self.send_response(status)
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                for piece in [text] if stub.drip is None else text:
                    with suppress(OSError):
                        self.wfile.write(piece.encode())
                        self.wfile.flush()
                        time.sleep(stub.drip or 0)

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
    options = {"confirm": Confirmation(), "timeout": 3.0, "wait": 0.02, **options}
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
    pending = r"job job-0 \([^)]*\): (it is still under way|no answer within the time allowed)\. Run the campaign again"
    with pytest.raises(JobPendingError, match=pending):  # the time may be over while it is asked, on a busy machine
        run(ionq(tmp_path, timeout=1))
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
        run(ionq(tmp_path, timeout=1))
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


@pytest.mark.parametrize(
    "estimate",
    [{}, {"estimated_cost": None}, {"estimated_cost": "much"}, {"estimated_cost": -5}, {"estimated_cost": True},
     '{"estimated_cost": NaN}', '{"estimated_cost": Infinity}', "not JSON", [1]],
)  # fmt: skip
def test_without_a_price_nothing_is_submitted(server: Server, tmp_path: Path, estimate: Any) -> None:
    server.replies["GET", "estimate"] = lambda usual: (200, estimate)
    with pytest.raises(HardwareError, match="quote"):
        run(ionq(tmp_path, "ionq_qpu.aria-1"))
    assert server.count("POST", "jobs") == 0


def test_a_job_that_failed_says_why(server: Server, tmp_path: Path) -> None:
    failure = {"code": "QuantumComputerError", "error": "the ions ran away"}
    server.replies["GET", "jobs"] = lambda usual: (200, {**usual[1], "status": "failed", "failure": failure})
    with pytest.raises(HardwareError, match=r"job-0 .*the ions ran away.*submit it again, and pay again, settle"):
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
        (("GET", "probabilities"), {"7": 1.0}),
        (("GET", "probabilities"), {"4": 0.5, "0": 0.5}),
        (("GET", "probabilities"), {"-1": 1.0}),
        (("GET", "probabilities"), {"0x1": 1.0}),
        (("GET", "probabilities"), {"0": 0.2, "1": 0.2}),
        (("GET", "probabilities"), {"0": 0.7, "1": 0.7}),
        (("GET", "probabilities"), {"0": 1.5, "1": -0.5}),
        (("GET", "probabilities"), {"0": True}),
        (("GET", "probabilities"), '{"0": NaN}'),
        (("GET", "probabilities"), '{"0": Infinity}'),
        (("GET", "probabilities"), {"0": None, "1": 1}),
        (("GET", "probabilities"), [0.5, 0.5]),
        (("GET", "jobs"), {"status": None}),
        (("GET", "jobs"), "null"),
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
    with pytest.raises(JobPendingError, match="status 503"):
        run(ionq(tmp_path / "other", timeout=1))


@pytest.mark.parametrize(
    "reply",
    [(504, {}), (500, {}), (503, {}), (408, {}), (409, {}), (425, {}), (524, {}), (302, {}),
     (200, "<html>"), (200, {"status": "submitted"}), (200, {"id": None}), (200, {"id": 7}), (200, [])],
)  # fmt: skip
def test_a_submission_whose_answer_was_lost_is_never_repeated_by_itself(
    server: Server, tmp_path: Path, reply: Reply
) -> None:
    server.replies["POST", "jobs"] = lambda usual: reply
    for message in ("submission of", "not known whether this job was accepted"):
        with pytest.raises(HardwareError, match=message):
            run(ionq(tmp_path))
    assert server.count("POST", "jobs") == 1
    assert [record["state"] for record in files(tmp_path)] == ["submitting"]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
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


def test_a_busy_server_is_sent_the_job_again_after_the_time_that_it_asks_for(server: Server, tmp_path: Path) -> None:
    """429 is a refusal, so there is no job that could be paid for twice."""
    times: list[float] = []

    def busy_once(usual: Reply) -> Reply:
        times.append(time.monotonic())
        return (429, {}, ("Retry-After", "1")) if len(times) == 1 else usual

    server.replies["POST", "jobs"] = busy_once
    assert len(run(ionq(tmp_path, timeout=20), CIRCUITS[:1])) == 1
    assert times[1] - times[0] >= 1
    server.replies["POST", "jobs"] = lambda usual: (429, {}, ("Retry-After", "3600"))
    with pytest.raises(HardwareError, match="429"):
        run(ionq(tmp_path / "other"), CIRCUITS[:1])
    assert files(tmp_path / "other") == []


def test_a_pause_longer_than_the_time_allowed_ends_the_waiting_at_once(server: Server, tmp_path: Path) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for pause in ("3600", later):
        server.replies["GET", "jobs"] = lambda usual, pause=pause: (503, {}, ("Retry-After", pause))
        started = time.monotonic()
        with pytest.raises(JobPendingError, match=r"503.*Run the campaign again"):
            run(ionq(tmp_path / pause[:3], timeout=2), CIRCUITS[:1])
        assert time.monotonic() - started < 2
        assert server.count("GET", "jobs") == 1
        server.requests.clear()


@pytest.mark.parametrize("pause", ["soon", "", "-3", "NaN", "Fri, 99 Foo 2026"])
def test_a_pause_that_cannot_be_read_is_none(server: Server, tmp_path: Path, pause: str) -> None:
    busy = iter([True])
    server.replies["GET", "jobs"] = lambda usual: (503, {}, ("Retry-After", pause)) if next(busy, False) else usual
    assert len(run(ionq(tmp_path, timeout=2), CIRCUITS[:1])) == 1


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "does not accept the key"), (403, "another account"), (404, "does not know this job")]
)
def test_a_job_that_may_not_be_seen_keeps_its_record(server: Server, tmp_path: Path, status: int, advice: str) -> None:
    server.replies["GET", "jobs"] = lambda usual: (status, {"message": "no"})
    with pytest.raises(HardwareError, match=advice) as error:
        run(ionq(tmp_path), CIRCUITS[:1])
    assert "settle" not in str(error.value)
    assert [record["state"] for record in files(tmp_path)] == ["submitted"]
    del server.replies["GET", "jobs"]
    run(ionq(tmp_path), CIRCUITS[:1])
    assert server.count("POST", "jobs") == 1


def test_the_time_allowed_holds_however_slowly_an_answer_drips_in(server: Server, tmp_path: Path) -> None:
    run(ionq(tmp_path), CIRCUITS[:1])
    for record in (tmp_path / "test").glob("*.json"):
        record.write_text(record.read_text().replace('"returned"', '"submitted"', 1))
    server.drip = 0.2
    for folder, error in ((tmp_path, "ionq_simulator"), (tmp_path / "new", "ionq_simulator")):
        started = time.monotonic()
        with pytest.raises(HardwareError, match=error):
            run(ionq(folder, timeout=0.5), CIRCUITS[:1])
        assert time.monotonic() - started < 1.5
    server.drip = None


def run_in_another_process(url: str, folder: Path, results: Any) -> None:
    os.environ.update(IONQ_API_KEY=KEY, IONQ_API_URL=url, NO_PROXY="127.0.0.1")

    def slowly(quote: Quote) -> bool:
        results.put("asked")
        time.sleep(1)
        return True

    try:
        results.put(len(run(ionq(folder, confirm=slowly, timeout=10))))
    except HardwareError as error:
        results.put(str(error))


def test_two_processes_never_run_one_campaign_at_once(server: Server, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=run_in_another_process, args=(server.url, tmp_path, results))
    process.start()
    assert results.get(timeout=60) == "asked"
    with pytest.raises(HardwareError, match="another process is running this campaign"):
        run(ionq(tmp_path))
    assert results.get(timeout=60) == 2
    process.join()
    assert server.count("POST", "jobs") == 2
    assert len(run(ionq(tmp_path))) == 2
    assert server.count("POST", "jobs") == 2


def test_the_lock_of_a_process_that_was_killed_is_free(server: Server, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=run_in_another_process, args=(server.url, tmp_path, results))
    process.start()
    assert results.get(timeout=60) == "asked"
    process.kill()
    process.join()
    assert len(run(ionq(tmp_path))) == 2


def test_what_became_of_a_lost_submission_is_settled_in_one_call(server: Server, tmp_path: Path) -> None:
    """The answer is lost, but the job was made; it is found by its name, and read without paying twice."""

    def lose(usual: Reply) -> Reply:
        return 504, {}

    server.replies["POST", "jobs"] = lose
    with pytest.raises(HardwareError, match="submission"):
        run(ionq(tmp_path), CIRCUITS[:1])
    del server.replies["POST", "jobs"]
    (place,) = (tmp_path / "test").glob("*.json")
    with pytest.raises(HardwareError, match=f"named 'test/{place.stem}'"):
        run(ionq(tmp_path), CIRCUITS[:1])
    assert server.bodies[0]["name"] == f"test/{place.stem}"
    settle(place, "job-0")
    assert len(run(ionq(tmp_path, confirm=Confirmation(False)), CIRCUITS[:1])) == 1
    assert server.count("POST", "jobs") == 1
    with pytest.raises(HardwareError, match="its counts are there"):
        settle(place, None)


def test_a_submission_that_never_arrived_is_settled_by_submitting_again(server: Server, tmp_path: Path) -> None:
    server.replies["POST", "jobs"] = lambda usual: (504, {})
    with pytest.raises(HardwareError):
        run(ionq(tmp_path), CIRCUITS[:1])
    del server.replies["POST", "jobs"]
    settle(next((tmp_path / "test").glob("*.json")), None)
    assert len(run(ionq(tmp_path), CIRCUITS[:1])) == 1
    with pytest.raises(HardwareError, match="no such record"):
        settle(tmp_path / "test" / "none.json", None)
    with pytest.raises(ValueError, match="id=''"):
        settle(tmp_path / "test" / "none.json", "")


@pytest.mark.parametrize("form", [str, lambda key: base64.b64encode(f"apiKey {key}".encode()).decode()])
@pytest.mark.parametrize(("where", "status"), [(("POST", "jobs"), 400), (("GET", "jobs"), 401), (("GET", "jobs"), 200)])
def test_a_key_that_the_server_echoes_stands_in_no_exception(
    server: Server, tmp_path: Path, form: Callable[[str], str], where: tuple[str, str], status: int
) -> None:
    echo = {"message": f"bad {form(KEY)}", "code": 1, "status": form(KEY)}
    server.replies[where] = lambda usual: (status, echo)
    with pytest.raises(HardwareError) as caught:
        run(ionq(tmp_path), CIRCUITS[:1])
    error: BaseException | None = caught.value
    while error is not None:
        assert form(KEY) not in f"{error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "damage",
    [{"state": "lost"}, {"id": None}, {"counts": {"00": 1}}, {"counts": {"0x": SHOTS}}, {"shots": 5}, {"more": 1}],
)
def test_a_record_that_contradicts_itself_is_refused(server: Server, tmp_path: Path, damage: dict[str, Any]) -> None:
    run(ionq(tmp_path), CIRCUITS[:1])
    (place,) = (tmp_path / "test").glob("*.json")
    place.write_text(json.dumps(json.loads(place.read_text()) | damage))
    with pytest.raises(HardwareError, match=place.name):
        run(ionq(tmp_path), CIRCUITS[:1])


@pytest.mark.parametrize(
    ("options", "name"),
    [({"timeout": 0}, "timeout"), ({"timeout": float("nan")}, "timeout"), ({"wait": -1}, "wait"),
     ({"wait": "1"}, "wait"), ({"gateset": "qasm"}, "gateset"), ({"noise_model": ""}, "noise_model")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused_by_name(tmp_path: Path, options: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ionq(tmp_path, **options)


@pytest.mark.parametrize("label", ["", "..", "../elsewhere", "a/b", None])
def test_a_label_cannot_leave_its_folder(tmp_path: Path, label: Any) -> None:
    with pytest.raises(ValueError, match="label"):
        IonQ("ionq_simulator", tmp_path, label)


@pytest.mark.parametrize("shots", [0, -1, 2.5, "100", True, None])
def test_shots_are_a_positive_whole_number(tmp_path: Path, shots: Any) -> None:
    with pytest.raises(ValueError, match="shots"):
        ionq(tmp_path).run(CIRCUITS, shots, np.random.default_rng(1))
