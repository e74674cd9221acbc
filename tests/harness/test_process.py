"""Worker processes, alive and dying. The child is a stub, so that it starts at once."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.errors import WorkerError
from quantbench.harness import process
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from tests.process import python, start

ANSWER = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    {body}
    print(json.dumps({{"pid": os.getpid(), "did": asked["do"], "got": locals().get("got")}}),
          flush=True)
"""

Stub = Callable[[str], None]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Makes workers run this instead; it may use `asked`, the request."""
    popen = process.subprocess.Popen

    def use(body: str) -> None:
        program = ANSWER.format(body=body)
        monkeypatch.setattr(
            process.subprocess,
            "Popen",
            lambda _, **options: popen([sys.executable, "-c", program], **options),
        )

    return use


def worker(tmp_path: Path, name: str = "static on torch") -> Worker:
    return Worker(name, 3, tmp_path)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_until_it_is_left(tmp_path: Path, stub: Stub) -> None:
    stub("")
    with worker(tmp_path) as child_process:
        answers = [child_process.ask(Request(do=do), timeout=20) for do in ("a", "b")]
        pid = answers[0]["pid"]
        assert isinstance(pid, int)
        assert [answer["did"] for answer in answers] == ["a", "b"]
        assert answers[1]["pid"] == pid
    assert not is_running(pid)


def test_it_has_its_threads_and_its_own_session(tmp_path: Path, stub: Stub) -> None:
    stub(
        'got = [os.environ[n] for n in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", '
        '"OPENBLAS_NUM_THREADS")] + [os.getsid(0)]'
    )
    with worker(tmp_path) as child_process:
        answer = child_process.ask(Request(do="a"), timeout=20)
    assert answer["got"] == ["3", "3", "3", answer["pid"]]
    assert answer["got"][-1] != os.getsid(0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("os.kill(os.getpid(), 11)", "static on torch was killed by SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "static on torch was killed by SIGKILL, probably for memory"),
        ("os.kill(os.getpid(), 4)", "static on torch was killed by SIGILL"),
        ("os.kill(os.getpid(), 40)", "static on torch was killed by signal 40"),
        ("sys.exit(3)", "static on torch ended with exit code 3"),
        ("raise ValueError('no such layer')", "static on torch ended with exit code 1: "
         "ValueError: no such layer"),
        ("sys.stderr.buffer.write(b'\\xff odd\\n'); sys.exit(3)",
         "static on torch ended with exit code 3: \ufffd odd"),
        ("print('half a li', end='', flush=True); os._exit(5)",
         "static on torch ended with exit code 5"),
    ],
)  # fmt: skip
def test_a_death_is_named(tmp_path: Path, stub: Stub, body: str, message: str) -> None:
    stub(body)
    with worker(tmp_path) as child_process, pytest.raises(WorkerError) as caught:
        child_process.ask(Request(do="a"), timeout=20)
    assert str(caught.value) == message


def test_a_death_between_two_requests_is_named(tmp_path: Path, stub: Stub) -> None:
    stub("")
    with worker(tmp_path) as child_process:
        pid = child_process.ask(Request(do="a"), timeout=20)["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(WorkerError, match="static on torch was killed by SIGKILL"):
            child_process.ask(Request(do="b"), timeout=20)


def test_silence_is_not_waited_for_for_ever(tmp_path: Path, stub: Stub) -> None:
    stub("import time; time.sleep(60)")
    with (
        worker(tmp_path) as child_process,
        pytest.raises(WorkerError, match="static on torch did not answer within 0 s"),
    ):
        child_process.ask(Request(do="a"), timeout=0.2)


def test_a_refusal_is_an_error(tmp_path: Path, stub: Stub) -> None:
    stub('print(json.dumps({"error": "no such file"}), flush=True); continue')
    with worker(tmp_path) as child_process, pytest.raises(WorkerError, match=r"^no such file$"):
        child_process.ask(Request(do="a"), timeout=20)


def test_what_is_no_answer_is_named(tmp_path: Path, stub: Stub) -> None:
    stub("print('hello', flush=True)")
    with worker(tmp_path) as child_process, pytest.raises(WorkerError, match="static on torch"):
        child_process.ask(Request(do="a"), timeout=20)


def test_leaving_ends_what_the_worker_started(tmp_path: Path, stub: Stub) -> None:
    stub('import subprocess; got = subprocess.Popen(["sleep", "60"]).pid')
    with worker(tmp_path) as child_process:
        child = child_process.ask(Request(do="a"), timeout=20)["got"]
        assert isinstance(child, int)
        assert is_running(child)
    deadline = time.monotonic() + 10
    while is_running(child) and not is_zombie(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


PRINTING = """
import os, sys
from quantbench.harness import worker

class Noisy(worker.Session):
    def answer(self, request):
        print("engine 1.0 starts")
        os.write(1, b"and so does its library\\n")
        os.system("echo its child, too")
        return {"ok": request.batch}

worker.main(Noisy)
"""


def test_what_a_runtime_prints_stays_out_of_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    popen = process.subprocess.Popen
    monkeypatch.setattr(
        process.subprocess,
        "Popen",
        lambda _, **options: popen([sys.executable, "-c", PRINTING], **options),
    )
    with worker(tmp_path, "a/b") as child_process:
        answers = [child_process.ask(Request(do="x", batch=batch), timeout=60) for batch in (1, 2)]
    assert answers == [{"ok": 1}, {"ok": 2}]
    log = (tmp_path / "a-b.log").read_text()
    assert log.count("and so does its library") == log.count("its child, too") == 2


PARENT = """
import sys
from pathlib import Path
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request

with Worker("w", 1, Path(".")) as worker:
    print(worker._process.pid, flush=True)
    sys.stdin.read()
"""


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = start("-c", PARENT, cwd=tmp_path)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
    finally:
        parent.kill()
        parent.communicate()
    deadline = time.monotonic() + 30
    while is_running(pid) and not is_zombie(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_does_not_end_at_ctrl_c(tmp_path: Path) -> None:
    done = python(
        "-c",
        "import os, signal\n"
        "from quantbench.harness import worker\n"
        "worker.serve = lambda *pipes: os.kill(os.getpid(), signal.SIGINT)\n"
        "worker.main()\n",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
