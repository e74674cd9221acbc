from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.system import extras
from quantbench.system.extras import ENGINES, EXTRA_OF, MOBILE, install, why_missing

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize(("extra", "libraries"), [("engines", ENGINES), ("mobile", MOBILE)])
def test_they_are_those_of_the_extra(extra: str, libraries: tuple[str, ...]) -> None:
    requirements = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"][extra]
    distributions = [name.partition(">")[0] for name in requirements]
    assert distributions == [name.lower().replace("_", "-") for name in libraries]


@pytest.mark.parametrize("name", EXTRA_OF)
def test_what_is_there_is_not_missing(name: str) -> None:
    assert why_missing(name) is None


def test_what_has_files_but_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    assert why_missing("torchao") == f"torchao is not installed; {install()}"


def test_a_checkout_is_installed_from_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert install() == "pip install -e '.[engines]'"
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "lib/quantbench/system/extras.py"))
    assert install() == "pip install 'quantbench[engines]'"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModuleNotFoundError("No module named 'nncf'", name="nncf"),
         f"nncf is not installed; {install()}"),
        (ModuleNotFoundError("No module named 'nncf.x'", name="nncf.x"),
         f"nncf is not installed; {install()}"),
        (ImportError("libx.so: cannot\nopen", name="openvino"),
         "runtime 'one' needs openvino, which doesn't import here (libx.so: cannot open); "
         f"{install()}"),
        (ModuleNotFoundError("No module named 'other'", name="other"),
         "runtime 'one' needs other, which doesn't import here (No module named 'other'); "
         "install it"),
        (ModuleNotFoundError("No module named 'numpy.x.y'", name="numpy.x.y"),
         f"runtime 'one' needs numpy.x.y, which numpy {metadata.version('numpy')} doesn't have; "
         "install another version of numpy"),
        (ImportError("libx.so"),
         "runtime 'one' needs a library, which doesn't import here (libx.so); install it"),
    ],
)  # fmt: skip
def test_the_reason_is_one_line_with_the_command(
    monkeypatch: pytest.MonkeyPatch, error: ImportError, reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    assert plugins._why_not_imported("runtimes", "one", error) == reason


@pytest.mark.parametrize("extra", ["engines", "cluster"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(extra: str) -> None:
    assert why_missing("no_such_library", extra) == (
        f"no_such_library is not installed; {install(extra)}"
    )
