"""WebAssembly of a network's C, run by Node: the golden vectors' integers, bit for bit."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build import wasm as build
from quantbench.c99.build.wasm import wasm
from quantbench.c99.generate import emit
from quantbench.c99.golden import golden_integers
from quantbench.errors import UnavailableError
from tests.c99.builder import lenet

_RUN = """
const net = JSON.parse(require("fs").readFileSync(0, "utf8"));
const module_ = new WebAssembly.Module(Buffer.from(net.module, "base64"));
if (WebAssembly.Module.imports(module_).length) throw new Error("it imports something");
const { memory, input, output, run } = new WebAssembly.Instance(module_).exports;
const kind = { int32: Int32Array, uint8: Uint8Array }[net.type];
console.log(JSON.stringify(net.inputs.map((values) => {
  new Uint8Array(memory.buffer, input(), values.length).set(values);
  run();
  return [...new kind(memory.buffer, output(), net.size)];
})));
"""


def test_it_gives_the_golden_vectors_integers(tmp_path: Path) -> None:
    """The integers come from the interpreter in NumPy; Node's engine runs the module."""
    if shutil.which("node") is None:
        pytest.skip("there is no node to run WebAssembly")
    emitted = emit(lenet())
    try:
        module = wasm(emitted.files, tmp_path)
    except UnavailableError as error:
        pytest.skip(str(error))
    inputs, outputs = golden_integers(emitted.plan)
    given = {
        "module": base64.b64encode(module).decode(),
        "type": emitted.plan.output.type,
        "size": emitted.plan.output.size,
        "inputs": np.asarray(inputs).tolist(),
    }
    done = subprocess.run(
        ["node", "-e", _RUN], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == np.asarray(outputs).tolist()
    assert len({tuple(each) for each in json.loads(done.stdout)}) > 1


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ("python3", "-c", "raise SystemExit('error: No module named ziglang')")
    monkeypatch.setattr(build, "commands", lambda: [absent])
    with pytest.raises(UnavailableError, match="pip install ziglang"):
        wasm({"model.c": "", "model.h": ""})
