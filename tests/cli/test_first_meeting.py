"""What a newcomer meets: help, version, the list, hostile names, odd terminals. Each in a child."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from importlib import metadata
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quantbench import plugins
from tests.cli.test_app import FAST
from tests.process import environment, python
from tests.report.builder import results, row
from tests.system.test_terminal import HOSTILE

COMMANDS = ("run", "train", "quantize", "measure", "compare", "describe", "compile", "list",
            "doctor", "predict", "check", "init", "show", "report", "explain",
            "recommend", "serve", "verify")  # fmt: skip
HEAVY = ("torch", "onnx", "onnxruntime", "openvino", "nncf", "executorch", "torchao", "scipy",
         "matplotlib")  # fmt: skip

LOADED = f"""
import sys
from quantbench.cli.app import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
loaded = [name for name in {HEAVY!r} if sys.modules.get(name)]
assert not loaded, loaded
"""


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("--version",), ("run", "-h"),
                                       ("list",), ("doctor", "--offline")],
                         ids=" ".join)  # fmt: skip
def test_neither_pytorch_nor_an_engine_is_loaded_for(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = python("-c", LOADED, *arguments, cwd=tmp_path, QUANTBENCH_CACHE=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    done = python("-m", "quantbench", "--version", cwd=tmp_path)
    assert done.stdout == f"quantbench {metadata.version('quantbench')}\n"


EVERY_HELP = f"""
import sys
from quantbench.cli.app import main
for command in {((), *((name,) for name in COMMANDS))!r}:
    for option in ("-h", "--help"):
        sys.argv = ["quantbench", *command, option]
        try:
            main()
        except SystemExit as end:
            assert end.code == 0, (command, end.code)
        print("\\f", end="")
"""


def test_help_is_whole_at_80_columns(tmp_path: Path) -> None:
    done = python("-c", EVERY_HELP, cwd=tmp_path, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    *pages, rest = done.stdout.split("\f")
    assert (len(pages), rest) == (2 * (len(COMMANDS) + 1), "")
    for short, long in zip(pages[::2], pages[1::2], strict=True):
        assert short == long
        lines = short.splitlines()
        assert max(map(len, lines)) <= 80
        assert not [line for line in lines[1:] if line.rstrip().endswith("...")]


def test_a_shell_completes_commands_and_plug_ins(tmp_path: Path) -> None:
    def completed(words: str) -> list[str]:
        command = Path(sys.executable).parent / "quantbench"
        done = subprocess.run(
            [command], cwd=tmp_path, capture_output=True, text=True, check=True,
            env=environment(_QUANTBENCH_COMPLETE="complete_bash", COMP_WORDS=words,
                            COMP_CWORD=str(len(words.split(" ")) - 1)),
        )  # fmt: skip
        return done.stdout.split()

    assert completed("quantbench co") == ["compare", "compile"]
    assert completed("quantbench run --model ") == plugins.names("models")
    assert completed("quantbench quantize ort") == ["ort_dynamic", "ort_static"]


def on_terminal(*arguments: str, cwd: Path, term: str) -> str:
    """What the child writes to a terminal of its own."""
    parent, child = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "quantbench", *arguments],
        cwd=cwd, env=environment(TERM=term), stdin=child, stdout=child, stderr=child,
    )  # fmt: skip
    os.close(child)
    out = b""
    while True:
        try:
            part = os.read(parent, 1 << 16)
        except OSError:  # the last that wrote there has closed it
            break
        if not part:
            break
        out += part
    os.close(parent)
    running.wait()
    return out.decode()


def test_a_terminal_shows_at_once_what_is_being_loaded(tmp_path: Path) -> None:
    said = on_terminal("describe", "lenet", cwd=tmp_path, term="xterm")
    assert said.startswith("loading PyTorch ...\r\x1b[2K")
    assert "61,706" in said
    assert "loading" not in on_terminal("describe", "lenet", cwd=tmp_path, term="dumb")
    assert "loading" not in python("-m", "quantbench", "describe", cwd=tmp_path).stderr


def digit(path: Path) -> Path:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    Image.fromarray(image).save(path, "PNG")
    return path


NAMES = [name for name in HOSTILE if "\0" not in name and "/" not in name and "\ud800" not in name]


def harmless_bytes(out: str) -> bool:
    return all(letter == "\n" or letter.isprintable() for letter in out)


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    """Folders, pictures, files to compare and to compile, on all commands that print them."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    pictures = [str(digit(tmp_path / "one" / f"{name}.png")) for name in NAMES]
    odd = results(row(), row("[red]odd[/red]\x1b[2J", "a\nb"))
    for name in NAMES:
        (tmp_path / "two" / f"{name}.json").write_text(odd.model_dump_json(), encoding="utf-8")
    files = [str(path) for path in (tmp_path / "two").iterdir()]
    out = str(tmp_path / "[red]\x1b[31mx[/red]")
    commands = (
        ("-m", "tests.tiny_cli", "train", "--out", out, *FAST),
        ("-m", "tests.tiny_cli", "quantize", "dynamic", "--out", out, *FAST),
        ("-m", "tests.tiny_cli", "predict", *pictures, "--out", out, *FAST),
        ("-m", "quantbench", "compare", *files[:2]),
        ("-m", "quantbench", "compare", files[0], str(tmp_path / "[/nope]\x1b[31m")),
        ("-m", "quantbench", "compile", str(tmp_path / "[/nope]\x1b[31m\n.onnx"), "-o", "c"),
        ("-m", "quantbench", "run", "--model", "[/nope]\x1b[31m"),
        ("-m", "quantbench", "run", "--no-such-\x1b[31m"),
    )
    for encoding, arguments in product(("utf-8", "ascii"), commands):  # steps are taken again
        done = python(*arguments, cwd=tmp_path, PYTHONIOENCODING=encoding, COLUMNS="400")
        failing = "nope" in "".join(arguments) or "--no-such" in arguments[-1]
        assert (done.returncode != 0) == failing, done.stderr
        assert "fault in quantbench" not in done.stderr
        assert harmless_bytes(done.stdout), done.stdout
        assert harmless_bytes(done.stderr), done.stderr
        assert done.stderr.count("\n") == 1 or not failing
        assert "[red]?[31mx[/red]" in done.stdout or arguments[2] not in ("train", "quantize")
        assert "[/nope]?[31m" in done.stderr or "nope" not in "".join(arguments)


def test_one_bad_picture_leaves_the_answers_to_the_others(tmp_path: Path) -> None:
    good, bad = digit(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"hello")
    arguments = ("-m", "tests.tiny_cli", "predict", str(bad), str(good), "none.png", *FAST)
    done = python(*arguments, cwd=tmp_path, COLUMNS="300")
    assert done.returncode == 1
    _, first, second, third = done.stdout.splitlines()
    assert "can't be decoded as PNG or JPEG" in first
    assert second.count("%)") == 2
    assert "No such file" in third
    assert done.stderr.splitlines()[-1] == (
        f"error: 2 of 3 pictures could not be read: {bad}, none.png"
    )
