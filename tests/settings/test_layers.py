"""Files, the environment and their merging; each value with its place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import UnknownNameError, UsageError
from quantbench.settings.layers import (
    Layer,
    Schema,
    Setting,
    as_text,
    layer_of_environment,
    layer_of_table,
    layers_of_folder,
    merged,
    nearest,
)

SCHEMA = Schema(
    keys=("target", "methods", "calibration", "hold_out", "method", "budget", "threads"),
    fields={"method": "methods", "budget": "budget_seconds"},
    lists=frozenset(("methods", "threads")),
    paths=frozenset(("calibration",)),
    sources=frozenset(("target",)),
)


def values(layer: Layer) -> dict[str, object]:
    return {name: setting.value for name, setting in layer.options.items()}


def in_file(text: str, folder: Path, name: str = "study.toml") -> Layer:
    (folder / name).write_text(text)
    (layer,) = layers_of_folder(folder, SCHEMA, folder / name)
    return layer


def test_a_file_gives_options_and_tables(tmp_path: Path) -> None:
    layer = in_file(
        "method = 'static, dynamic'\nhold-out = 0.1\nthreads = [1, 2]\n"
        "[methods.static]\nimages = 50\n[recipe]\nepochs = 1\n",
        tmp_path,
    )
    assert values(layer) == {"methods": ["static", "dynamic"], "hold_out": 0.1, "threads": [1, 2]}
    assert layer.options["hold_out"].named == f"'hold-out' in {tmp_path / 'study.toml'}"
    assert {owner: {n: s.value for n, s in table.items()} for owner, table in layer.tables.items()}
    assert layer.tables["static"]["images"].value == 50
    assert layer.tables["recipe"]["epochs"].key == "recipe.epochs"


def test_files_in_a_list_keep_their_commas(tmp_path: Path) -> None:
    schema = Schema(("a", "b"), {}, frozenset(("a", "b")), frozenset(("b",)), frozenset())
    layer = layer_of_table({"a": ["x,y"], "b": ["x,y"]}, tmp_path / "a.toml", schema)
    assert values(layer) == {"a": ["x", "y"], "b": [str(tmp_path / "x,y")]}


def test_the_recipe_may_be_a_name_and_methods_a_list(tmp_path: Path) -> None:
    schema = Schema(("recipe", "methods"), {}, frozenset(("methods",)), frozenset(), frozenset())
    table = {"recipe": "reference", "methods": ["static"]}
    assert values(layer_of_table(table, tmp_path / "a.toml", schema)) == table


def test_paths_are_relative_to_their_file(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.onnx").touch()
    text = "calibration = 'a.npz'\ntarget = '{}'\n"
    layer = in_file(text.format("net.onnx"), tmp_path / "nets")
    assert values(layer) == {
        "calibration": str(tmp_path / "nets" / "a.npz"),
        "target": str(tmp_path / "nets" / "net.onnx"),
    }
    (tmp_path / "nets" / "task.py").touch()
    for target, expected in (
        ("lenet", "lenet"),
        ("package.nets:build", "package.nets:build"),
        ("task.py:build", f"{tmp_path / 'nets' / 'task.py'}:build"),
    ):
        assert values(in_file(text.format(target), tmp_path / "nets"))["target"] == expected
    assert values(in_file("calibration = '/data/a.npz'", tmp_path)) == {
        "calibration": "/data/a.npz"
    }


def test_an_unknown_key_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        in_file("calibraton = 'a.npz'\n", tmp_path)
    assert str(caught.value) == (
        f"unknown key 'calibraton' in {tmp_path / 'study.toml'}; did you mean 'calibration'?"
    )


def test_two_names_of_one_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'method' and 'methods' in .* are the same key"):
        in_file("method = 'static'\nmethods = ['dynamic']\n", tmp_path)


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"a = \n", "is no TOML"), (b"\xff", "is no TOML"), (b"[a]\n[a]\n", "is no TOML"),
     (b"#" * (2**20 + 1), "is over 1 MiB"), (b"a = " + b"[" * 5000, "is no TOML"),
     (b"[methods]\nstatic = 5\n", "'static' in")],
)  # fmt: skip
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=part) as caught:
        layers_of_folder(tmp_path, SCHEMA, path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["", "none.toml"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        layers_of_folder(tmp_path, SCHEMA, tmp_path / name)


def test_which_files_count(tmp_path: Path) -> None:
    """The nearest pyproject.toml, below it quantbench.toml, which another file may replace."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    assert nearest(folder, "pyproject.toml") is None
    assert layers_of_folder(folder, SCHEMA) == []
    (tmp_path / "pyproject.toml").write_text("[tool.quantbench]\nbudget = 'far'\n")
    (tmp_path / "a" / "pyproject.toml").write_text(
        "[tool.quantbench]\nbudget = 'project'\nhold_out = 1\n[tool.other]\nx = 1\n"
    )
    assert values(merged(layers_of_folder(folder, SCHEMA))) == {
        "budget_seconds": "project", "hold_out": 1
    }  # fmt: skip
    (folder / "quantbench.toml").write_text("budget = 'file'\n")
    assert values(merged(layers_of_folder(folder, SCHEMA))) == {
        "budget_seconds": "file", "hold_out": 1
    }  # fmt: skip
    (folder / "other.toml").write_text("hold_out = 2\n")
    assert values(merged(layers_of_folder(folder, SCHEMA, folder / "other.toml"))) == {
        "budget_seconds": "project", "hold_out": 2
    }  # fmt: skip
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert values(merged(layers_of_folder(folder, SCHEMA))) == {"budget_seconds": "file"}


def test_the_environment_is_text() -> None:
    layer = layer_of_environment(
        {"QUANTBENCH_METHODS": "static,dynamic", "QUANTBENCH_BUDGET": "5m", "BUDGET": "1m",
         "QUANTBENCH_TARGET": "", "QUANTBENCH_CACHE": "/tmp/c", "QUANTBENCH_ELSE": "x"},
        SCHEMA,
    )  # fmt: skip
    assert values(layer) == {"methods": ["static", "dynamic"], "budget_seconds": "5m"}
    assert layer.options["budget_seconds"].named == "QUANTBENCH_BUDGET"


def test_a_variable_that_is_nearly_one_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        layer_of_environment({"QUANTBENCH_BUDGTE": "5m"}, SCHEMA)
    assert str(caught.value) == (
        "unknown environment variable 'QUANTBENCH_BUDGTE'; did you mean 'QUANTBENCH_BUDGET'?"
    )


def test_the_last_layer_wins_setting_by_setting() -> None:
    def layer(place: str, **table: object) -> Layer:
        settings = {name: Setting(value, name, place) for name, value in table.items()}
        return Layer(settings, {"static": settings})

    both = merged([layer("a", x=1, y=1), layer("b", y=2), Layer()])
    assert values(both) == {"x": 1, "y": 2}
    assert both.options["y"].place == "b"
    assert {name: s.place for name, s in both.tables["static"].items()} == {"x": "a", "y": "b"}


def test_settings_of_methods_become_text() -> None:
    for value, text in ((99.9, "99.9"), (True, "true"), (5, "5"), ("u8s8", "u8s8")):
        assert as_text(Setting(value, "x", "a.toml")) == text
    assert as_text(Setting(["features.0", "a,b"], "x", "a.toml")) == '["features.0", "a,b"]'
    for refused in ([1], {"a": 1}, None):
        with pytest.raises(UsageError, match=r"'x' in a\.toml should be one value"):
            as_text(Setting(refused, "x", "a.toml"))


@given(st.dictionaries(st.sampled_from((*SCHEMA.keys, "other", "recipe")), st.integers()))
def test_any_table_is_taken_or_refused(table: dict[str, int]) -> None:
    with suppress(UsageError):
        layer = layer_of_table(table, Path("a.toml"), SCHEMA)
        assert set(layer.options) == {SCHEMA.fields.get(key, key) for key in table}
