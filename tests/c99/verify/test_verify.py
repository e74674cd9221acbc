"""Verification of delivered folders, beside ONNX Runtime asked by these tests themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from quantbench.c99.package import deliver
from quantbench.c99.target.isa import NEON
from quantbench.c99.target.target import Dtype, Target
from quantbench.c99.verify.records import Verification
from quantbench.cli import records
from quantbench.cli.verify import verify as command
from quantbench.errors import (
    ArtifactError,
    BitsDifferError,
    SamplesError,
    UnavailableError,
    UnknownNameError,
    UsageError,
)
from quantbench.studies.verify import verify
from tests.c99 import checking
from tests.c99.shape_networks import two_ends
from tests.c99.verify.small import COUNT, STEP, Small, delivered, small, with_fault


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Small:
    checking.command()
    return small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def native(files: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("native") / "c"
    return delivered(files.model, folder, Target.NATIVE, "tiny", "sse2", "neon")


@pytest.fixture(scope="module")
def outcome(files: Small, native: Path) -> Verification:
    return verify(native, files.model, files.data, float_model=files.float_model)


def onnx_runtime(path: Path, samples: Any, *, optimized: bool = True) -> Any:
    options = ort.SessionOptions()
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": samples})[0].astype(np.float64)


def test_all_bits_agree(outcome: Verification) -> None:
    (execution,) = outcome.executions
    assert execution.cpu == "native"
    assert execution.passed
    assert execution.samples == execution.equal == outcome.samples == COUNT


def test_distances_are_those_that_onnx_runtime_s_answers_give(
    files: Small, outcome: Verification
) -> None:
    """Where the integer graph equals the file as it is written, that stands for it here."""
    theirs = onnx_runtime(files.model, files.samples)
    written = onnx_runtime(files.model, files.samples, optimized=False)
    real = onnx_runtime(files.float_model, files.samples)
    by_name = {distance.to: distance for distance in outcome.distances}
    assert by_name.keys() == {"ONNX Runtime", "ONNX Runtime, not optimized", "float32"}
    assert outcome.unmeasured == ()
    runtime, float32 = by_name["ONNX Runtime"], by_name["float32"]
    assert runtime.in_steps
    assert float32.in_steps
    assert by_name["ONNX Runtime, not optimized"].largest == 0
    assert by_name["ONNX Runtime, not optimized"].shares == (1, 0, 0, 0)
    assert by_name["ONNX Runtime, not optimized"].worst == ()
    apart = np.abs(written - theirs) / STEP
    assert np.allclose(runtime.by_sample, apart.max(axis=1))
    apart = np.abs(written - real) / STEP
    assert np.allclose(float32.by_sample, apart.max(axis=1))
    assert float32.largest == pytest.approx(apart.max())
    assert float32.mean == pytest.approx(apart.mean())
    assert float32.worst[0].sample == int(apart.max(axis=1).argmax())
    assert apart.max() > 0.1
    changed = np.flatnonzero(written.argmax(axis=1) != real.argmax(axis=1))
    assert float32.changed == tuple(changed)
    counted = np.bincount(np.minimum(np.rint(apart), 3).astype(int).ravel(), minlength=4)
    assert np.allclose(float32.shares, counted / apart.size)


@pytest.mark.parametrize(("layer", "constant"), [(0, "tiny_l0_conv3_start"), (1, "l1_conv7_start")])
def test_a_wrong_layer_is_named_with_the_first_sample(
    files: Small, tmp_path: Path, layer: int, constant: str
) -> None:
    folder = delivered(files.model, tmp_path / "c", Target.NATIVE, "tiny", "sse2")
    with_fault(folder, constant)
    kernels, portable = verify(
        folder, files.model, files.data, cpus=("sse2", "portable")
    ).executions
    assert portable.passed
    assert not kernels.passed
    assert kernels.first
    assert kernels.first.layer
    assert kernels.first.layer.startswith(f"l{layer} ")
    assert kernels.first.value != kernels.first.expected
    alone = verify(folder, files.model, files.samples[: kernels.first.sample + 1], cpus=["sse2"])
    assert alone.executions[0].equal == kernels.first.sample


def test_the_command_says_so_and_fails(
    files: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = with_fault(delivered(files.model, tmp_path / "c", Target.PORTABLE), "l1_conv7_numbers")
    record = records.Verify(
        folder=folder, model=files.model, data=str(files.data), json=tmp_path / "out.json"
    )
    with pytest.raises(BitsDifferError, match=r"^native: \d+ of 12 samples differ .* l1 conv7"):
        command(record)
    said = capsys.readouterr().out
    assert "The C is NOT the integer graph on 1 of 1 build." in said
    assert "not measured: float32: name the network before it was quantized with --float" in said
    written = json.loads((tmp_path / "out.json").read_text())
    assert Verification.model_validate_json(json.dumps(written)).executions[0].first


def test_the_command_says_what_agrees(
    files: Small, native: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(
        records.Verify(
            folder=native, model=files.model, data=str(files.data), samples=3,
            float_model=files.float_model, cpu=["sse2,portable"],
        )
    )  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "bit for bit, in 2 builds: all outputs of 3 samples are equal." in said
    assert re.search(r"float32 \S+% \S+ \S+ ", said)
    assert "The samples that are furthest" in said


def test_all_is_every_set_and_machine(files: Small, native: Path) -> None:
    executions = verify(native, files.model, files.data, cpus=["all"], samples=2).executions
    by_name = {execution.cpu: execution for execution in executions}
    machines = {"aarch64", "aarch64-dotprod", "s390x-big-endian", "cortex-m4", "cortex-m7"}
    assert machines < by_name.keys()
    assert by_name.keys() - machines <= {"portable", "sse2", "neon"}
    for execution in executions:
        assert execution.missing or execution.passed, execution


def test_what_is_not_as_it_was_written(files: Small, tmp_path: Path) -> None:
    folder = delivered(files.model, tmp_path / "c", Target.PORTABLE)
    with (folder / "model.c").open("a") as source:
        source.write("/* mine */\n")
    with pytest.raises(ArtifactError, match=r"isn't as `quantbench compile` wrote it.*model\.c"):
        verify(folder, files.model, files.data)


def test_a_folder_that_compile_did_not_write(files: Small, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"manifest\.json is missing"):
        verify(tmp_path, files.model, files.data)


def test_another_model(files: Small, native: Path) -> None:
    with pytest.raises(UsageError, match=r"was compiled from another file than .*real\.onnx"):
        verify(native, files.float_model, files.data)
    with pytest.raises(ArtifactError, match=r"none\.onnx isn't there"):
        verify(native, files.model.with_name("none.onnx"), files.data)


def test_samples_of_another_shape(files: Small, native: Path) -> None:
    with pytest.raises(SamplesError, match=r"a sample has shape .*3.* takes .*2.*4.*4"):
        verify(native, files.model, np.zeros((5, 3, 4, 4), np.float32))
    with pytest.raises(UsageError, match="--samples 0: write 1 or more"):
        verify(native, files.model, files.data, samples=0)


def test_cpus_that_there_are_not(files: Small, native: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown cpu 'avx3'"):
        verify(native, files.model, files.data, cpus=["avx3"])
    if not checking.has(NEON):
        with pytest.raises(UnavailableError, match="--cpu neon: this CPU"):
            verify(native, files.model, files.data, cpus=["neon"])


def test_a_float_network_of_another_kind(files: Small, native: Path) -> None:
    with pytest.raises(UsageError, match="is a quantized network; name the one before that"):
        verify(native, files.model, files.data, float_model=files.model)


def test_float32_c_has_no_bits_to_compare(files: Small, tmp_path: Path) -> None:
    folder = deliver(files.float_model, tmp_path / "c", Target.PORTABLE, Dtype.FLOAT32).folder
    with pytest.raises(UsageError, match=r"holds float32 C.*there are no bits to compare"):
        verify(folder, files.float_model, files.data)


def test_each_of_several_inputs_and_outputs(tmp_path: Path) -> None:
    checking.command()
    models = {quantized: tmp_path / f"{quantized}.onnx" for quantized in (True, False)}
    for quantized, path in models.items():
        path.write_bytes(two_ends(quantized=quantized).SerializeToString())
    rng = np.random.default_rng(11)
    shapes = {"image": (COUNT, 1, 4, 4), "features": (COUNT, 3)}
    samples = {name: rng.normal(0, 20, shape).astype(np.float32) for name, shape in shapes.items()}
    np.savez(tmp_path / "x.npz", **samples)
    folder = delivered(models[True], tmp_path / "c", Target.PORTABLE, "pair")
    found = verify(folder, models[True], tmp_path / "x.npz", float_model=models[False])
    assert found.executions[0].passed
    session = ort.InferenceSession(models[True], providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    theirs = session.run(None, samples)
    for name, values in zip(names, theirs, strict=True):
        by_name = {d.to: d for d in found.distances if d.to.endswith(f": {name}")}
        assert len(by_name) == 3
        assert by_name[f"ONNX Runtime: {name}"].largest < 1e-3
        assert by_name[f"ONNX Runtime: {name}"].output_range == pytest.approx(np.ptp(values))
        assert by_name[f"float32: {name}"].largest > 0
    with_fault(folder, "_numbers")
    (faulty,) = verify(folder, models[True], tmp_path / "x.npz").executions
    assert faulty.first
    assert faulty.first.layer
    assert faulty.first.layer.startswith("l0 ")
