"""Capabilities: the methods and runtimes that can take a network, before anything is quantized."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.contracts import MethodModule, Plugin
from quantbench.harness.baseline import BASELINE
from quantbench.studies.choose import ChosenMethod, Runtimes
from quantbench.system.record import Record
from quantbench.tasks.network import Network
from quantbench.tasks.records import Layer


class Capability(Record):
    """The part of a network that a method can quantize, by what the plug-in says of itself."""

    method: str
    runtimes: tuple[str, ...] = ()
    """Runtimes that work here and accept one of its formats; each may refuse a file yet."""
    quantizes: tuple[str, ...] = ()
    """Kinds of this network's layers that it is known to put on integers."""
    tries: tuple[str, ...] = ()
    """Kinds that nothing is known of: it will try."""
    reason: str | None = None
    """The reason why it can't be run at all."""


def capabilities(
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    network: Network,
    layers: Sequence[Layer],
) -> tuple[Capability, ...]:
    """One record for each method, in their order."""
    return tuple(
        _capability(name, chosen, runtimes, network, layers) for name, chosen in methods.items()
    )


def _capability(
    name: str,
    chosen: ChosenMethod | str,
    runtimes: Runtimes,
    network: Network,
    layers: Sequence[Layer],
) -> Capability:
    if isinstance(chosen, str):
        return Capability(method=name, reason=chosen)
    module = chosen.plugin.module
    if reason := _why_not(module, network):
        return Capability(method=name, reason=reason)
    able = {runtime.name for format in module.FORMATS for runtime in runtimes.accepting(format)}
    if not able:
        return Capability(method=name, reason=runtimes.why_none(module.FORMATS))
    multiplying = () if name == BASELINE else (layer.kind for layer in layers if layer.macs)
    kinds, known = tuple(dict.fromkeys(multiplying)), _known(chosen.plugin)
    return Capability(
        method=name,
        runtimes=tuple(sorted(able)),
        quantizes=tuple(kind for kind in kinds if kind in known),
        tries=tuple(kind for kind in kinds if kind not in known),
    )


def _why_not(module: MethodModule, network: Network) -> str | None:
    """The reason why a method can't work on a network of this form, or None where it can."""
    if network.tflite is not None:
        return None if "tflite" in module.FORMATS else network.no_module
    if set(module.FORMATS) == {"tflite"}:
        return "it quantizes a TensorFlow Lite file, and the network came without one"
    able = network.make_module is not None or bool(vars(module).get("TAKES_ONNX", False))
    return None if able else network.no_module


def _known(method: Plugin[MethodModule]) -> frozenset[str]:
    """The kinds of layers that a method says it puts on integers; none where it is silent."""
    return frozenset(vars(method.module).get("QUANTIZES", ()))
