"""From a command's options, files and the environment to one record."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.cli.configure import Configured, configured
from quantbench.cli.print_settings import lines
from quantbench.cli.records import Measure, Quantize, Run
from quantbench.errors import SettingError, UnknownNameError, UsageError
from quantbench.harness.baseline import BASELINE
from quantbench.harness.schedule import FULL, QUICK, Schedule
from quantbench.settings.toml_text import toml
from quantbench.studies.options import QUICK_METHODS, QUICK_RUNTIMES, SCHEMA, Options


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for key in SCHEMA.keys:
        monkeypatch.delenv(f"QUANTBENCH_{key.upper()}", raising=False)
    return tmp_path


def write(text: str, name: str = "quantbench.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_nothing_said_is_the_defaults() -> None:
    assert configured(Run()).options == Options()
    assert Options().schedule == Schedule()


def test_quick_and_full_are_defaults_of_what_is_not_said() -> None:
    quick = configured(Run(quick=True, runtime=["torch"])).options
    assert (quick.methods, quick.runtimes, quick.schedule) == (QUICK_METHODS, ("torch",), QUICK)
    assert QUICK_METHODS[0] == BASELINE
    assert configured(Run(quick=True)).options.runtimes == QUICK_RUNTIMES
    full = configured(Run(full=True)).options
    assert (full.threads, full.schedule) == ((1, 2), FULL)
    assert configured(Run(full=True, threads=["3"])).options.threads == (3,)


def test_lists_are_options_repeated_or_names_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Run(method=["static, dynamic", "qat"], runtime=["torch,c99"], threads=["1,2", "4"])
    options = configured(asked).options
    assert options.methods == ("static", "dynamic", "qat")
    assert (options.runtimes, options.threads) == (("torch", "c99"), (1, 2, 4))
    write("method = ['static,dynamic', 'qat']\nruntime = 'torch, c99'\nthreads = [1, '2,4']\n")
    assert configured(Run()).options == options
    monkeypatch.setenv("QUANTBENCH_METHODS", "ort_static,ort_dynamic")
    assert configured(Run()).options.methods == ("ort_static", "ort_dynamic")
    measured = configured(Measure(methods=["static,dynamic"])).options
    assert measured.methods == ("static", "dynamic")


def test_the_command_line_overrides_the_environment_and_that_the_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(
        "[tool.quantbench]\nseed = 2\njobs = 2\nbudget = '2m'\nmetric = 'loss'\n", "pyproject.toml"
    )
    write("seed = 3\njobs = 3\nbudget = '3m'\n")
    monkeypatch.setenv("QUANTBENCH_SEED", "4")
    monkeypatch.setenv("QUANTBENCH_JOBS", "4")
    study = configured(Run(seed=5))
    assert (study.options.seed, study.options.jobs) == (5, 4)
    assert (study.options.budget_seconds, study.options.metric) == (180, "loss")
    places = {name: setting.place for name, setting in study.layer.options.items()}
    assert places == {
        "seed": "--seed", "jobs": "QUANTBENCH_JOBS", "budget_seconds": "quantbench.toml",
        "metric": "pyproject.toml",
    }  # fmt: skip


def test_a_network_is_a_name_a_file_or_a_callable() -> None:
    assert configured(Run(target="mlp")).options == Options(model="mlp")
    assert configured(Run(model="mlp")).options == Options(model="mlp")
    for target in ("net.onnx", "nets/net.pt2", "my_task.py", "package.nets:build"):
        assert configured(Run(target=target)).options == Options(target=target)
    write("target = 'mlp'\n")
    assert configured(Run()).options.model == "mlp"
    assert configured(Run(target="net.onnx")).options == Options(target="net.onnx")
    with pytest.raises(UnknownNameError, match="unknown model 'ml'; did you mean 'mlp'"):
        configured(Run(target="ml"))


def test_a_file_elsewhere_names_its_neighbours() -> None:
    path = write("calibration = 'a.npz'\nout = 'here'\n", "nets/study.toml")
    options = configured(Run(config=path, test=Path("b.npz"))).options
    assert (options.calibration, options.out) == (Path("nets/a.npz"), Path("nets/here"))
    assert options.test == Path("b.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [("seed = 'x'", "'seed' in quantbench.toml: Input should be a valid integer"),
     ("threads = [1, 0]", "'threads' in quantbench.toml: Input should be greater than 0"),
     ("budget = '5x'", "'budget' in quantbench.toml: '5x' is no duration"),
     ("budget = [1]", "'budget' in quantbench.toml: Input should be a valid number"),
     ("calibration = 5", "'calibration' in quantbench.toml: Input is not a valid path"),
     ("plugin = 5", "'plugin' in quantbench.toml should be a list of files"),
     ("quick = true\nfull = true", "--quick and --full contradict each other"),
     ("[schedule]\nbatches = ['a']", "'schedule' in quantbench.toml: Input should be"),
     ("[schedule]\nround = 5", "'schedule' in quantbench.toml: Extra inputs"),
     ("[methods.statik]\nimages = 5", "unknown method 'statik' in quantbench.toml; did you mean"),
     ("[methods.static]\nimage = 5", "'image' in quantbench.toml; did you mean 'images'?"),
     ("[methods.static]\nimages = 0", "'images' in quantbench.toml: Input should be greater"),
     ("[methods.static]\nimages = [5]", "'methods.static.images' in quantbench.toml should be"),
     ("[recipe]\nepoch = 5", "'epoch' in quantbench.toml; did you mean 'epochs'?"),
     ("[recipe]\nlr = 'fast'", "setting of the recipe 'lr' in quantbench.toml: Input should be")],
)  # fmt: skip
def test_a_bad_value_is_named_with_its_file(text: str, message: str) -> None:
    write(text)
    with pytest.raises(UsageError) as caught:
        configured(Run())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTBENCH_SEED", "-1")
    with pytest.raises(SettingError, match=r"^QUANTBENCH_SEED: Input should be greater"):
        configured(Run())
    monkeypatch.setenv("QUANTBENCH_SEED", "1")
    monkeypatch.setenv("QUANTBENCH_OFFLINE", "maybe")
    with pytest.raises(SettingError, match=r"^QUANTBENCH_OFFLINE: Input should be a valid bool"):
        configured(Run())


def test_settings_of_methods_are_merged_one_by_one() -> None:
    write("[methods.ort_static]\nimages = 50\ntypes = 's8s8'\n[recipe]\nepochs = 2\n")
    study = configured(Run(set_=["ort_static.images=60", "recipe.lr=0.5"]))
    assert study.overrides == {
        "ort_static": {"images": "60", "types": "s8s8"}, "recipe": {"epochs": "2", "lr": "0.5"}
    }  # fmt: skip


def test_the_recipe_is_a_name_or_a_table_with_its_name() -> None:
    write("recipe = 'reference'\n")
    assert configured(Run()).options.recipe == "reference"
    write("[recipe]\nname = 'reference'\nepochs = 2\n")
    study = configured(Run())
    assert (study.options.recipe, study.overrides) == ("reference", {"recipe": {"epochs": "2"}})


def test_a_file_may_set_methods_that_a_command_does_not_run() -> None:
    write("[methods.ort_static]\nimages = 50\n")
    assert configured(Run(method=["static"])).overrides == {}
    record = Quantize(one_method="static", set_=["images=5"])
    assert configured(record, ("static",), "static").overrides == {"static": {"images": "5"}}
    asked = configured(Measure(methods=["static"], set_=["dynamic.images=5"]), owner="static")
    assert asked.overrides == {"dynamic": {"images": "5"}}  # which is refused where methods are


def test_plug_ins_of_a_file_are_offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    write("def build():\n    return None\nINPUT_SHAPE = (1,)\n", "my_model.py")
    write("plugin = ['my_model.py']\ntarget = 'my_model'\n")
    assert configured(Run()).options.model == "my_model"


def printed(study: Configured) -> dict[str, object]:
    return tomllib.loads("\n".join(lines(study)))


def test_the_printed_settings_give_the_same_study(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[methods.static]\nimages = 50\n[schedule]\nbatches = [1, 32]\n")
    monkeypatch.setenv("QUANTBENCH_HOLD_OUT", "10%")
    record = Run(
        target="net é.onnx", quick=True, budget="5m", test=Path('a "b".npz'), set_=["recipe.lr=0.5"]
    )
    before = configured(record)
    assert printed(before)["budget"] == 300
    text = "\n".join(lines(before))
    for line in ("# weights is not set", "seed = 1", "[methods.static]"):
        assert f"\n{line}" in text
    for key, place in (("budget", "--budget"), ("images", "quantbench.toml"), ("seed", "default"),
                       ("hold_out", "QUANTBENCH_HOLD_OUT"), ("lr", "--set")):  # fmt: skip
        (line,) = [line for line in text.splitlines() if line.startswith(f"{key} = ")]
        assert line.endswith(f" # {place}")
    monkeypatch.delenv("QUANTBENCH_HOLD_OUT")
    write(text)
    after = configured(Run())
    assert (after.options, after.overrides) == (before.options, before.overrides)


def test_text_is_written_as_toml_reads_it() -> None:
    for value in ('a "b" \\ \x7f\n\x00é', 1e-7, -3, True, ["a", 1.5], {"x y": [1], "z-1": "t"}):
        assert tomllib.loads(f"x = {toml(value)}") == {"x": value}
