"""Which files a step's key follows: against what Python itself imports, and by editing them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

import quantbench
from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.harness.evaluate import evaluation_inputs
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.schedule import Schedule
from quantbench.harness.timing import timing_inputs
from quantbench.methods.qat import trained_from
from quantbench.studies.named import method_named, runtime_named
from quantbench.studies.quantize import artifact_inputs, further_training
from quantbench.system import fingerprint as module
from quantbench.system.fingerprint import fingerprint, whole_package
from quantbench.system.machine import environment
from quantbench.system.store import key
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint
from quantbench.training.train import training_inputs
from tests import tiny
from tests.process import python

PACKAGE = Path(quantbench.__file__).parent
ROOTS = (
    "quantbench.training.train",
    "quantbench.methods.dynamic",
    "quantbench.methods.qat",
    "quantbench.runtimes.c99",
    "quantbench.runtimes.torch_compile",
    "quantbench.harness.timing",
)

LOADED = """
import importlib, sys
from pathlib import Path
importlib.import_module(sys.argv[1])
for name, loaded in sys.modules.items():
    if name.partition(".")[0] == "quantbench":
        print(loaded.__file__)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """The package, to be edited."""
    yield Path(shutil.copytree(PACKAGE, tmp_path / "quantbench"))
    module._sha256.cache_clear()


@pytest.mark.parametrize("root", ["quantbench.methods.dynamic", "quantbench.runtimes.c99"])
def test_all_that_python_imports_is_in_it(tmp_path: Path, root: str) -> None:
    done = python("-c", LOADED, root, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = {str(Path(line).relative_to(PACKAGE)) for line in done.stdout.splitlines()}
    assert len(loaded) > 10
    assert loaded <= fingerprint(root).keys()


@pytest.mark.parametrize("root", ROOTS)
def test_an_edit_of_any_file_in_it_shows_and_of_any_other_does_not(copy: Path, root: str) -> None:
    before = fingerprint(root, package=copy)
    inside = {copy / name for name in before}
    outside = {path for path in copy.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    outside -= inside
    assert len(inside) > 10
    assert {copy / "cli" / "app.py", copy / "report" / "terminal" / "page.py"} <= outside
    for path in outside:
        path.write_bytes(path.read_bytes() + b"\n")
    module._sha256.cache_clear()
    assert fingerprint(root, package=copy) == before
    for path in inside:
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        module._sha256.cache_clear()
        after = fingerprint(root, package=copy)
        name = str(path.relative_to(copy))
        assert {file for file in after if after[file] != before[file]} == {name}
        path.write_bytes(content)


def test_the_whole_package_is_known_by_every_file(copy: Path) -> None:
    def found() -> str:
        module._sha256.cache_clear()
        whole_package.cache_clear()
        return whole_package(copy)

    before = found()
    assert found() == before
    for path in (copy / "cli" / "app.py", copy / "c99" / "kernels" / "add.h"):
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert found() != before
        path.write_bytes(content)
    (copy / "cli" / "another.py").touch()
    assert found() != before


def test_what_each_way_to_import_leads_to(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    files = {
        "__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import shop.typed\n",
        "start.py": "import os, numpy\nimport shop.plain\nfrom shop import name, VALUE\n"
        "from shop.inner.deep import thing\nfrom . import sibling\nfrom .inner import cousin\n"
        "def later():\n from shop import lazy\n"
        "COMMAND = ['python', '-m', 'shop.started']\n"
        "TEXT = 'shop.typed is not a module that this sentence names'\n"
        "DATA = files('shop.inner') / 'data'\n"
        "SHELVES = 'shop.shelf.*'\n"
        "import typing\nif typing.TYPE_CHECKING:\n from shop import typed\nelse:\n"
        " from shop import untyped\n",
        **{f"{name}.py": "" for name in ("plain", "name", "sibling", "lazy", "started", "typed",
                                         "untyped", "other")},
        "inner/__init__.py": "",
        "inner/deep.py": "from ..inner import back",
        "inner/back.py": "from .. import up",
        "up.py": "",
        "inner/cousin.py": "",
        "inner/data/one.h": "int one;",
        "inner/data/more/two.txt": "2",
        "inner/aside.h": "",
        "shelf/__init__.py": "",
        "shelf/apples.py": "import shop.pears",
        "shelf/list.txt": "",
        "pears.py": "",
    }  # fmt: skip
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    found = fingerprint("shop.start", package=package).keys()
    assert files.keys() - found == {"typed.py", "other.py", "inner/aside.h", "shelf/list.txt"}
    assert found <= files.keys()


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"there is no module quantbench\.methods\.statik"):
        fingerprint("quantbench.harness.timing", "quantbench.methods.statik")


Key = Callable[[], str]


@pytest.fixture
def keys(
    task: Task,
    checkpoint: Checkpoint,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
) -> dict[str, Key]:
    """Step -> its key now."""
    here = environment()
    job = Job(task, (1,), Schedule(), here, tmp_path, tmp_path, tmp_path)
    dynamic = artifacts("lenet", "dynamic", "state_dict")

    def of(inputs: Callable[[], dict[str, JsonValue]]) -> Key:
        return lambda: key(inputs())

    def artifact(method: str) -> Key:
        chosen = method_named(method)
        format = chosen.module.FORMATS[0]
        return of(lambda: artifact_inputs(task, chosen, chosen.module.SETTINGS(), format))

    qat = plugins.method("qat").SETTINGS()
    return {
        "checkpoint": of(lambda: training_inputs(task, tiny.RECIPE, 1)),
        "training": of(
            lambda: trained_from(further_training(task, checkpoint), qat)  # type: ignore[arg-type]
        ),
        "dynamic": artifact("dynamic"),
        "pt2e_static": artifact("pt2e_static"),
        "on torch": of(lambda: evaluation_inputs(job, Candidate(dynamic, runtime_named("torch")))),
        "on torch_compile": of(
            lambda: evaluation_inputs(job, Candidate(dynamic, runtime_named("torch_compile")))
        ),
        "on c99": of(lambda: evaluation_inputs(job, Candidate(dynamic, runtime_named("c99")))),
        "times": of(
            lambda: timing_inputs(job, [Candidate(dynamic, runtime_named("torch_compile"))])
        ),
    }


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("export/inductor.py", {"on torch_compile", "times"}),
        # A user's module is written and read by the names of operators that a program may hold.
        (
            "artifacts/pt2_file.py",
            {"training", "dynamic", "pt2e_static", "on torch", "on torch_compile", "times"},
        ),
        ("harness/timing.py", {"times"}),
        ("harness/pool.py", {"on torch", "on torch_compile", "on c99", "times"}),
        ("harness/slices.py", {"times"}),
        ("harness/order.py", {"times"}),
        ("harness/noise.py", {"times"}),
        ("export/pt2e.py", {"training", "pt2e_static"}),
        ("export/engine.py", {"dynamic"}),
        ("export/pt2_coverage.py", {"pt2e_static"}),
        ("export/state_dict_coverage.py", {"dynamic"}),
        ("export/reading.py", {"dynamic", "pt2e_static"}),
        ("models/lenet.py", {"checkpoint", "training", "dynamic", "pt2e_static"}),
        ("models/mlp.py", set()),
        ("c99/kernels/avx2.h", {"on c99"}),
        ("c99/cortexm/count.c", set()),
        ("training/batches.py", {"checkpoint", "training"}),
        ("report/terminal/page.py", set()),
        ("cli/commands.py", set()),
        ("studies/pipeline.py", set()),
    ],
)
def test_the_keys_of_steps_that_an_edit_changes(
    keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch, edited: str, changed: set[str]
) -> None:
    before = {step: compute() for step, compute in keys.items()}
    sha256 = module._sha256
    path = PACKAGE / edited
    assert path.is_file()
    monkeypatch.setattr(module, "_sha256", lambda file: "" if file == path else sha256(file))
    assert {step for step, compute in keys.items() if compute() != before[step]} == changed


LIBRARY_KEY = """
from quantbench.export import inductor
print(sorted(inductor.recipe("0" * 64, 1, 1).items()))
"""


def test_the_setting_of_a_compiler_is_in_the_key_of_what_it_compiles(copy: Path) -> None:
    """Another process, which imports the edited file."""

    def told() -> str:
        done = python("-c", LIBRARY_KEY, cwd=copy.parent, PYTHONPATH=str(copy.parent))
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = told()
    assert told() == before
    path = copy / "export" / "inductor.py"
    text = path.read_text()
    assert text.count('"freezing": True') == 1
    path.write_text(text.replace('"freezing": True', '"freezing": False'))
    assert told() != before


def test_a_plug_in_from_outside_is_known_by_its_file(tmp_path: Path) -> None:
    plugin = tmp_path / "errors.py"  # a name that a file of the package has, too
    plugin.write_text("from quantbench.system.record import Record\n", encoding="utf-8")
    before = fingerprint(plugin, "quantbench.errors")
    assert {"errors.py", "system/record.py"} <= before.keys()
    moved = tmp_path / "folder" / "errors.py"
    moved.parent.mkdir()
    shutil.copy(plugin, moved)
    assert fingerprint(moved, "quantbench.errors") == before
    edited = tmp_path / "edited" / "errors.py"
    edited.parent.mkdir()
    edited.write_text(plugin.read_text() + "\n", encoding="utf-8")
    after = fingerprint(edited, "quantbench.errors")
    changed = before.keys() ^ after.keys()
    assert len(changed) == 2
    assert all(name.startswith("outside/errors.py:") for name in changed)
    assert {name: before[name] for name in before.keys() & after.keys()} == {
        name: after[name] for name in before.keys() & after.keys()
    }


def test_what_a_plug_in_imports_of_its_own_package_is_followed(tmp_path: Path) -> None:
    files = {
        "mine/__init__.py": "",
        "mine/methods/__init__.py": "",
        "mine/methods/round.py": "from ..shared import helper\nimport mine.more\nimport os\n",
        "mine/shared.py": "",
        "mine/more.py": "",
        "mine/aside.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = fingerprint(tmp_path / "mine" / "methods" / "round.py")
    shown = {name.removeprefix("outside/").partition(":")[0] for name in found}
    assert shown == files.keys() - {"mine/aside.py"}
