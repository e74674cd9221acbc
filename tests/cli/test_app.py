"""What a user sees: exit codes, one line on standard error, and nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quantbench.artifacts.artifact import load_artifact
from quantbench.cli import app, overview
from quantbench.results.records import Results
from quantbench.system.lock import locked
from tests.process import environment, python, start
from tests.report.builder import environment as machine
from tests.report.builder import results
from tests.small_study import steps, tiny_data

FAST = (
    "--recipe", "reference", "--set", "recipe.batch=30", "--set", "recipe.lr=0.1",
    "--set", "recipe.momentum=0.9", "--set", "recipe.epochs=1",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Call]:
    """The command line in this process; it is given the tiny task, offline, in tmp_path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def do(*arguments: str, real_data: bool = False) -> Said:
        monkeypatch.setattr(sys, "argv", ["quantbench", *arguments])
        capfd.readouterr()
        data = contextlib.nullcontext() if real_data else tiny_data()
        with data, pytest.raises(SystemExit) as caught:
            app.main()
        assert isinstance(caught.value.code, int)
        said = capfd.readouterr()
        return Said(caught.value.code, said.out, said.err)

    yield do
    for number, handler in before.items():
        signal.signal(number, handler)


def failed(said: Said, code: int, *parts: str) -> None:
    """One line of error, with all of `parts`, and nothing beside it but finished progress."""
    assert said.code == code
    lines = [line for line in said.err.splitlines() if not line.startswith("training, epoch")]
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in said.err
    for part in parts:
        assert part in said.err
    assert said.out == ""


USAGE = [
    (("run", "--model", "lent"), "unknown model 'lent'; did you mean 'lenet'?"),
    (("run", "--data", "mnits"), "unknown data set 'mnits'; did you mean 'mnist'?"),
    (("run", "--recipe", "defalt"), "unknown recipe 'defalt'; did you mean 'default'?"),
    (("run", "--method", "statik"), "unknown method 'statik'; did you mean 'static'?"),
    (("run", "--runtime", "torhc"), "unknown runtime 'torhc'; did you mean 'torch'?"),
    (("run", "--set", "static.image=5"), "'image'; did you mean 'images'?"),
    (("run", "--set", "recipe.epoch=5"), "'epoch'; did you mean 'epochs'?"),
    (("run", "--set", "static.images=0"), "setting of method 'static' 'images'"),
    (("run", "--set", "static.images=many"), "setting of method 'static' 'images'"),
    (("run", "--set", "recipe.lr=fast"), "setting of the recipe 'lr'"),
    (("run", "--set", "statik.images=5"), "unknown method 'statik'; did you mean 'static'?"),
    (("run", "--set", "images=5"), "'--set images=5' should be METHOD.NAME=VALUE"),
    (("run", "--set", "static.images"), "'--set static.images' should be"),
    (("run", "--method", "dynamic", "--set", "static.images=5"), "settings for 'static'"),
    (("run", "--seed", "-1"), "--seed"),
    (("run", "--seed", "x"), "--seed"),
    (("run", "--seed", "9" * 30), "--seed"),
    (("run", "--threads", "0"), "--threads"),
    (("run", "--threads", "1,two"), "--threads: Input should be a valid integer"),
    (("run", "--method", "static,dynamik"), "unknown method 'dynamik'; did you mean 'dynamic'?"),
    (("measure", "static,dynamik"), "unknown method 'dynamik'; did you mean 'dynamic'?"),
    (("run", "--sort", "speed"), "'speed'; known: accuracy, latency, metric, size, throughput"),
    (("run", "--sort", "acuracy"), "did you mean 'accuracy'?"),
    (("run", "lent"), "unknown model 'lent'; did you mean 'lenet'?"),
    (("run", "lenet", "--model", "mlp"), "name the network once: --model or TARGET"),
    (("run", "--budget", "5x"), "--budget: '5x' is no duration"),
    (("run", "--budget", "0s"), "--budget: Input should be greater than 0"),
    (("run", "--hold-out", "110%"), "--hold-out: Input should be less than 1"),
    (("run", "--hold-out", "a%"), "--hold-out: 'a%' is no share"),
    (("run", "--expect", "good"), "--expect: "),
    (("run", "--jobs", "0"), "--jobs: "),
    (("run", "--cluster", "here"), "--cluster: 'here' is no address; write it as tcp://HOST:PORT"),
    (("run", "--config", "none.toml"), "none.toml can't be read: No such file or directory"),
    (("compile", "x.onnx", "-o", "c", "--target", "portible"), "did you mean 'portable'?"),
    (("compile", "x.onnx", "-o", "c", "--dtype", "int4"), "did you mean 'int8'?"),
    (("measure", "static", "--sort", "speed"), "--sort"),
    (("run", "--no-such-option"), "--no-such-option"),
    (("run", "--quick", "--full"), "--quick and --full contradict each other"),
    (("runn",), "runn"),
    (("train", "--model", "lent"), "unknown model 'lent'; did you mean 'lenet'?"),
    (("train", "--set", "epoch=1"), "'epoch'; did you mean 'epochs'?"),
    (("train", "--set", "static.images=5"), "'static'"),
    (("train", "extra"), "extra"),
    (("quantize",), "METHOD"),
    (("quantize", "statik"), "unknown method 'statik'; did you mean 'static'?"),
    (("quantize", "static", "--set", "image=5"), "'image'; did you mean 'images'?"),
    (("measure", "statik"), "unknown method 'statik'; did you mean 'static'?"),
    (("describe", "lent"), "unknown model 'lent'; did you mean 'lenet'?"),
    (("describe", "--method", "statik"), "unknown method 'statik'; did you mean 'static'?"),
    (("predict",), "IMAGE"),
    (("show", "x.json", "--sort", "speed"), "'speed'; known: accuracy, latency, metric, size"),
    (("compare",), "A.json"),
    (("compare", "a.json"), "B.json"),
    (("compare", "a.json", "b.json", "c.json"), "c.json"),
]


@pytest.mark.parametrize(("arguments", "part"), USAGE, ids=lambda value: " ".join(value)[:40])
def test_what_can_not_be_asked_for_is_a_usage_error(
    call: Call, arguments: tuple[str, ...], part: str, tmp_path: Path
) -> None:
    failed(call(*arguments), 2, part)
    assert not (tmp_path / "results").exists()


def test_no_command_shows_help(call: Call) -> None:
    said = call()
    assert said == call("--help")
    assert said.out.count("\n") > 10


def test_help_is_on_standard_output(call: Call) -> None:
    said = call("--help")
    assert (said.code, said.err) == (0, "")
    commands = ("run", "train", "quantize", "measure", "compare", "describe", "list", "doctor",
                "predict")  # fmt: skip
    for command in commands:
        assert f" {command} " in said.out
    assert call("run", "--help").code == 0


def files(folder: Path, count: int = 4) -> Path:
    folder.mkdir()
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for name in names[:count]:
        (folder / f"{name}-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x01\x07")
    return folder


def test_a_data_file_that_is_not_the_right_one_is_named(call: Call, tmp_path: Path) -> None:
    folder = files(tmp_path / "idx")
    said = call("train", "--data-dir", str(folder), real_data=True)
    failed(said, 1, "train-images-idx3-ubyte")


def test_a_data_folder_that_is_not_there_is_named(call: Call, tmp_path: Path) -> None:
    said = call("train", "--data-dir", str(tmp_path / "none"), real_data=True)
    failed(said, 1, str(tmp_path / "none"))


def test_no_network_and_no_files_says_what_to_do(call: Call) -> None:
    said = call("train", "--offline", "--data", "mnist", real_data=True)
    assert said.code == 1
    assert "Traceback" not in said.err
    assert "--data-dir" in said.err.splitlines()[-1]


def test_a_folder_that_can_not_be_made_is_named(call: Call, tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"a file")
    failed(call("train", *FAST), 1, "cannot write to results", "--out")
    failed(call("train", *FAST, "--out", "/proc/no/such"), 1, "/proc/no/such", "--out")
    failed(call("train", *FAST, "--out", "/dev/null/x"), 1, "/dev/null/x", "--out")


def test_a_full_disk_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    failed(call("train", *FAST), 1, "No space left on device", "results")
    monkeypatch.undo()


def test_a_folder_in_use_is_named(call: Call, tmp_path: Path) -> None:
    with locked(tmp_path / "results"):
        failed(call("train", *FAST), 1, f"results is in use by process {os.getpid()}")


def test_train_quantize_and_describe(call: Call, tmp_path: Path) -> None:
    said = call("train", *FAST)
    assert (said.code, said.out.count("test accuracy")) == (0, 1)
    folder = said.out.splitlines()[-1].removeprefix("checkpoint: ")
    assert (tmp_path / folder / "state.pt").is_file()
    assert (tmp_path / "results" / "loss.png").is_file()
    before = steps(tmp_path / "results")

    said = call("quantize", "static", *FAST, "--set", "static.images=50")
    assert said.code == 0
    made = load_artifact((tmp_path / said.out.rsplit(" in ", 1)[1].strip()).parent)
    assert made.body.settings["images"] == 50

    said = call("describe", "--method", "static", *FAST, "--set", "static.images=50")
    assert said.code == 0
    assert "features.0" in said.out
    after = steps(tmp_path / "results")
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2  # the artifact and its trial


def test_describe_prints_the_network(call: Call, tmp_path: Path) -> None:
    said = call("describe", "lenet")
    assert (said.code, said.err) == (0, "")
    assert "61,706" in said.out
    assert "416,520" in said.out
    assert not (tmp_path / "results").exists()


def test_an_edited_file_is_named(call: Call, tmp_path: Path) -> None:
    call("quantize", "dynamic", *FAST)
    (path,) = (tmp_path / "results").glob("artifacts/dynamic-*/manifest.json")
    path.write_text(path.read_text().replace("lenet", "Lenet"))
    failed(call("quantize", "dynamic", *FAST), 1, str(path.relative_to(tmp_path)), "was edited")
    (state,) = (tmp_path / "results").glob("checkpoints/*/state.pt")
    state.write_bytes(b"edited")
    failed(call("train", *FAST), 1, str(state.relative_to(tmp_path)), "SHA-256")


def test_show_prints_a_finished_study(call: Call, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(results().model_dump_json())
    first = call("show", str(tmp_path))
    assert (first.code, first.err) == (0, "")
    assert "keep float32 on onnxruntime" in first.out
    assert first.out == call("show", str(tmp_path / "results.json")).out
    more = call("show", str(tmp_path), "--all", "--details", "--sort", "size").out
    assert "McNemar" in more
    assert "McNemar" not in first.out
    failed(call("show", str(tmp_path / "no.json")), 1, "no.json is not there")


def test_compare_sets_two_files_side_by_side(call: Call, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(results().model_dump_json())
    other.write_text(results(environment=machine(cpu="Another CPU")).model_dump_json())
    said = call("compare", str(one), str(one))
    assert (said.code, said.err) == (0, "")
    assert "Nothing that the files record differs." in said.out
    assert "They are of two runs apart" in said.out
    said = call("compare", str(one), str(other))
    assert (said.code, said.err) == (0, "")
    assert "Times are not compared: the machines differ (CPU)." in said.out
    assert "Another CPU" in said.out


def test_a_file_that_can_not_be_compared_is_named(call: Call, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(results().model_dump_json())
    failed(call("compare", str(good), str(bad)), 1, f"{bad} is not there")
    bad.write_text("{}")
    for pair in ((good, bad), (bad, good)):
        failed(call("compare", *map(str, pair)), 1, f"{bad} has no schema_version")


@pytest.mark.parametrize(
    ("allowed", "quota", "load", "said"),
    [(8, 2, 0.5, ("2 usable of 8: the control group's quota", "0.50 in the last minute\n")),
     (2, 4, 3.0, ("2 usable,", "3.00 in the last minute: other programs run"))],
)  # fmt: skip
def test_doctor_tells_what_disturbs_times(
    call: Call, monkeypatch: pytest.MonkeyPatch, allowed: int, quota: int, load: float,
    said: tuple[str, str],
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)))
    monkeypatch.setattr("quantbench.system.machine.cpu_quota", lambda: quota)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(overview, "probe", lambda *_, **__: [])
    out = "\n".join(line.rstrip() for line in call("doctor").out.splitlines())
    assert all(part in out for part in said)


def picture(path: Path) -> Path:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    Image.fromarray(image).save(path)
    return path


def test_predict_sets_float_beside_int8(call: Call, tmp_path: Path) -> None:
    said = call("predict", str(picture(tmp_path / "one é.png")), *FAST)
    assert said.code == 0
    heading, row = said.out.splitlines()
    assert heading.split() == ["image", "float32", "static"]
    assert "one é.png" in row
    assert row.count("%)") == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [("none.png", None), ("text.png", b"hello"), ("empty.png", b""), ("cut.png", "cut"),
     ("blank.png", "blank")],
)  # fmt: skip
def test_a_picture_that_shows_nothing_is_named(
    call: Call, tmp_path: Path, name: str, content: bytes | str | None
) -> None:
    path = tmp_path / name
    if content == "blank":
        Image.new("L", (28, 28), 255).save(path)
    elif content == "cut":
        path.write_bytes(picture(path).read_bytes()[:60])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    failed(call("predict", str(path), *FAST), 1, str(path))
    assert not (tmp_path / "results").exists()


def test_standard_input_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [sys.executable, "-m", "quantbench", "predict", "-"],
            cwd=tmp_path, env=environment(), stdin=endless, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: standard input is over 64 MiB; give a smaller picture\n"


def test_a_fault_of_our_own_is_one_line_and_debug_shows_where(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**options: object) -> None:
        raise ZeroDivisionError("in the middle\nof it")

    monkeypatch.setattr(overview, "list_plugins", broken)
    failed(call("list"), 1, "ZeroDivisionError: in the middle of it", "--debug")
    for arguments in (("--debug", "list"), ("list", "--debug")):
        monkeypatch.setattr(sys, "argv", ["quantbench", *arguments])
        with pytest.raises(ZeroDivisionError):
            app.main()


def test_debug_shows_the_traceback_of_an_error(tmp_path: Path) -> None:
    done = python("-m", "quantbench", "run", "--seed", "x", "--debug", cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("Traceback")
    assert "BadParameter" in done.stderr.splitlines()[-1]


def test_a_file_name_in_no_alphabet_is_one_line(tmp_path: Path) -> None:
    """Neither UTF-8 nor without a line break."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png")
    done = python("-m", "quantbench", "predict", path, cwd=tmp_path, LC_ALL="C")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert "can't be read" in done.stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [sys.executable, "-m", "quantbench", "run", "--help"],
        cwd=tmp_path,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert child.returncode in (1, 141)
    assert child.stderr.count("\n") <= 1


def children(pid: int) -> set[int]:
    """Workers of a process; each is the leader of a session of its own."""
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found |= {int(child) for child in task.read_text().split()}
    return found


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stopped_in_training(tmp_path: Path) -> None:
    arguments = ("-m", "tests.tiny_cli", "train", "--model", "mlp", "--recipe", "reference")
    child = start(*arguments, "--set", "epochs=100000", cwd=tmp_path)
    steps = tmp_path / "results" / "checkpoints"
    wait_for(lambda: len(list(steps.glob("[!.]*.epoch*"))) >= 2, child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if not line.startswith("training, epoch")]
    assert lines == ["stopped; the next run goes on from the last finished step"]
    assert out == ""
    finished = {path.name for path in steps.glob("[!.]*.epoch*")}
    assert len(finished) >= 2
    assert all((steps / name / "manifest.json").is_file() for name in finished)


def test_stopped_in_measuring_and_gone_on(tmp_path: Path) -> None:
    arguments = ("-m", "tests.tiny_cli", "measure", "dynamic", "--runtime", "torch", *FAST)
    out = tmp_path / "results"
    child = start(*arguments, cwd=tmp_path, QUANTBENCH_TEST_SECONDS="600")
    wait_for(lambda: len(list(out.glob("evaluations/[!.]*"))) == 2, child)
    workers = children(child.pid)
    assert len(workers) == 2
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped; the next run goes on from the last finished step"
    assert gone(workers)
    before = steps(out)

    done = python(*arguments, "--sort", "size", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = done.stdout.partition("verdict")[2]
    assert table.index("\ndynamic") < table.index("\nfloat32")  # the smaller one is first
    after = steps(out)
    assert {name: after[name] for name in before} == before
    assert [name.split("/")[0] for name in after.keys() - before.keys()] == ["timings"]
    assert "dynamic" in done.stdout


def test_an_engine_that_fails_costs_its_row_and_the_exit_code(tmp_path: Path) -> None:
    arguments = ("-m", "tests.tiny_cli", "run", "--quick", "--runtime", "torch", *FAST)
    done = python(*arguments, cwd=tmp_path, QUANTBENCH_TEST_FAULT="crash")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: 1 row failed, the others are saved: static on null was killed by SIGSEGV"
    )
    results = Results.model_validate_json((tmp_path / "results" / "results.json").read_bytes())
    # Without calibration a network trained for two epochs answers noise: a reason, and no row.
    assert [row.method for row in results.rows] == ["float32", "dynamic", "static"]
    reasons = {skipped.method: skipped.reason for skipped in results.skipped}
    assert "far from float32's" in reasons["static_uncalibrated"]
    assert [(s.method, s.runtime) for s in results.skipped if s.failed] == [("static", "null")]


def test_ended_in_evaluating(tmp_path: Path) -> None:
    arguments = ("-m", "tests.tiny_cli", "run", "--quick", *FAST)
    child = start(*arguments, cwd=tmp_path)
    wait_for(lambda: children(child.pid), child)
    workers = children(child.pid)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped; the next run goes on from the last finished step"
    assert gone(workers)


@pytest.mark.slow
def test_the_main_job_on_real_data(tmp_path: Path) -> None:
    """Train once by the report's recipe for one epoch, and compare everything."""
    arguments = ("-m", "quantbench", "run", "--quick", "--recipe", "reference")
    done = python(*arguments, "--set", "recipe.epochs=1", "--as-reported", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "results.json").is_file()
    shown = python("-m", "quantbench", "show", "--all", "--details", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "static_uncalibrated" in shown.stdout
