from __future__ import annotations

from collections.abc import Callable

import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact

KNOWN = {
    name: frozenset(vars(plugins.method(name)).get("QUANTIZES", ()))
    for name in plugins.names("methods")
    if not plugins.why_unavailable("methods", name)
}


# LeNet has no TensorFlow Lite file: tests/methods/test_litert_static.py has files of its own.
@pytest.mark.parametrize(
    "method",
    [
        name
        for name, kinds in KNOWN.items()
        if kinds and set(plugins.method(name).FORMATS) != {"tflite"}
    ],
)
def test_a_method_quantizes_the_kinds_that_it_claims(
    method: str, artifacts: Callable[[str, str, str], Artifact]
) -> None:
    """On LeNet, which has the two kinds that are most common."""
    (format, *_) = plugins.method(method).FORMATS
    layers = artifacts("lenet", method, format).body.quantized.layers
    claimed = [layer for layer in layers if layer.kind in KNOWN[method]]
    assert claimed
    assert all(layer.integer for layer in claimed)
    assert [layer.name for layer in layers if layer.integer] == [x.name for x in claimed]
