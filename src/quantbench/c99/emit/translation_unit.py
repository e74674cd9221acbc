"""The C file of a network: kernels, then constants, then the calls, in the order of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.compilers import arm_macros, choice, unused_functions, word_alignment
from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.emit.instances import Kernel, Macros, instantiate, kernel
from quantbench.c99.emit.kernels import FLOAT_KERNELS, INTEGER_KERNELS
from quantbench.c99.emit.register_kernels import isa_functions
from quantbench.c99.emit.specialize import Kind, kinds
from quantbench.c99.emit.weights import declare, defined
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import BYTES
from quantbench.c99.ir.weights import Constants, PackedWeights
from quantbench.c99.target.isa import (
    FLOAT_ISAS,
    ISAS,
    Isa,
    condition_of,
    condition_of_none,
)

_ALIGNMENT = 64
"""Bytes of the widest register."""


@dataclass(frozen=True)
class SimdCode:
    """The C of one step for one instruction set.

    `constants` are by name: several instruction sets may share one, or have their own of the same
    name. `workspace`: elements of scratch memory that its calls need at MODEL_WORKSPACE.
    `kernels`: files of kernels/ beside those that every layer of the instruction set may use.
    """

    constants: Constants
    text: str
    calls: tuple[str, ...]
    workspace: int
    kernels: tuple[str, ...] = ()


Simd = Mapping[Isa, SimdCode]
"""The C of one step for each instruction set that has kernels for it."""


@dataclass(frozen=True)
class Layer:
    """A step of a plan of integers or of float32. `title` is a comment."""

    title: str
    code: Code
    simd: Simd


@dataclass(frozen=True)
class Language:
    """The differences between the C of integers and that of float32."""

    kernels: Mapping[str, tuple[Kernel, ...]]
    used_by_simd: frozenset[str]
    isas: Sequence[Isa]
    run: str
    """The head of the function that computes the network."""
    unit: int
    """Bytes of one element of scratch memory."""
    summary: str
    ends: str
    """The inputs and outputs, in words. It and `summary` stand in the heads of the files."""
    main: str
    """The file of kernels/ that is main.c."""


INTEGERS = Language(
    INTEGER_KERNELS,
    frozenset(("pad", "widen", "floor_shift", "requantize")),
    ISAS,
    "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)",
    unit=1,
    summary="with integers alone",
    ends="integers in, integers out. Real numbers are scale * (q - zero).",
    main="main",
)
REALS = Language(
    FLOAT_KERNELS,
    frozenset(("pad",)),
    FLOAT_ISAS,
    "void model_run(const float *input, float *output, float *scratch)",
    unit=BYTES["float32"],
    summary="in float32",
    ends="float32 in, float32 out.",
    main="float32/main",
)


@dataclass(frozen=True)
class Memory:
    """Bytes of the scratch memory: `tensors` of the plan, and the workspace from `begin` on."""

    tensors: int
    begin: int
    workspace: int

    @property
    def bytes(self) -> int:
        """All bytes of the scratch memory: tensors, alignment and workspace."""
        return self.begin + self.workspace if self.workspace else self.tensors


def memory(layers: Sequence[Layer], tensors: int, language: Language) -> Memory:
    """The scratch memory, with one workspace for all layers behind the tensors."""
    portable = [layer.code.workspace for layer in layers]
    simd = [code.workspace for layer in layers for code in layer.simd.values()]
    aligned = any(layer.simd for layer in layers)
    begin = -(-tensors // _ALIGNMENT) * _ALIGNMENT if aligned else tensors
    return Memory(tensors, begin, language.unit * max([*portable, *simd], default=0))


def write(
    c: CWriter,
    layers: Sequence[Layer],
    language: Language,
    isas: Sequence[Isa],
    scratch: Memory,
    *,
    counters: bool = False,
    weights: DataFile | None = None,
) -> None:
    """Write the C file.

    The code for an instruction set replaces the portable code where the C compiler's macros say so.
    `counters`: time each layer, for a profile; what is delivered and measured has none. `weights`:
    the file that gets them; None: they are arrays.
    """
    simd = any(layer.simd for layer in layers)
    workspace = None
    if simd or any(layer.code.workspace for layer in layers):
        workspace = f"(scratch + {scratch.begin // language.unit})"
    constants_and_kernels(c, layers, language, isas, workspace, weights=weights)
    if counters:
        c.define("MODEL_LAYERS", len(layers))
        c.text(kernel("layer_clock"))
        c.blank()
    needs_scratch = simd or scratch.bytes > 0
    _run(c, layers, isas, language.run, needs_scratch=needs_scratch, counters=counters)


def constants_and_kernels(
    c: CWriter,
    layers: Sequence[Layer],
    language: Language,
    isas: Sequence[Isa],
    workspace: str | None = None,
    *,
    includes: Sequence[str] = ("model.h",),
    weights: DataFile | None = None,
) -> None:
    """Write all of the C file that stands before its functions that call layers.

    `workspace`: what MODEL_WORKSPACE is defined as; None: it isn't. `weights`: as `write` says.
    """
    simd = any(layer.simd for layer in layers)
    used = {name for layer in layers for name in layer.code.kernels}
    for include in includes:
        c.directive(f'include "{include}"')
    c.blank()
    headers = {"string.h"}.union(*(layer.code.headers for layer in layers))
    for header in sorted(headers):
        c.directive(f"include <{header}>")
    c.blank()
    if any(name.startswith("dot") for name in used) or "simd32" in used:
        arm_macros(c)
    if "simd32" in used:
        word_alignment(c)
    if weights:
        declare(c, weights, simd=simd)
    if simd:
        used |= language.used_by_simd
        choice(c, isas)
    if "requantize_even" in used:
        used.discard("requantize")  # requantize_even defines the same functions
    if workspace is not None:
        c.define("MODEL_WORKSPACE", workspace)
        c.blank()
    structure_types = kinds(layer for step in layers for layer in step.code.structures)
    if simd:
        unused_functions(c, "push", 'ignored "-Wunused-function"')
    macros = Macros()
    for name, instances in language.kernels.items():
        if name in used:
            if name in structure_types:
                structure_types[name].declare(c, macros)
            for instance in instances:
                instantiate(c, instance, macros)
    if simd:
        for isa in isas:
            more = {
                name for layer in layers if isa in layer.simd for name in layer.simd[isa].kernels
            }
            isa_functions(c, isa, isas, sorted(more))
        unused_functions(c, "pop")
    for layer in layers:
        _constants(c, layer, structure_types, isas, weights)


def _constants(
    c: CWriter,
    layer: Layer,
    structure_types: Mapping[str, Kind],
    isas: Sequence[Isa],
    file: DataFile | None,
) -> None:
    """Write each constant where it is used: one that isn't is a warning."""
    structures = layer.code.structures
    portable = "".join(
        [
            *(defined(weights, file) for weights in layer.code.arrays),
            layer.code.constants,
            *(structure_types[structure.kind].defined(structure) for structure in structures),
        ]
    )
    if not portable and not layer.simd:
        return
    c.line(layer.title)
    if portable:
        with c.when(condition_of_none((*layer.simd,), isas) if layer.simd else ""):
            c.text(portable)
    shared = dict.fromkeys(
        constant for code in layer.simd.values() for constant in code.constants.items()
    )
    for users, constants in groupby(shared, lambda constant: _users(layer.simd, *constant)):
        with c.when(condition_of(users, isas)):
            for _, constant in constants:
                c.text(constant if isinstance(constant, str) else defined(constant, file))
    for text in dict.fromkeys(code.text for code in layer.simd.values()):
        users = tuple(isa for isa, code in layer.simd.items() if code.text == text)
        with c.when(condition_of(users, isas)):
            c.text(text)
    c.blank()


def _users(simd: Simd, name: str, constant: str | PackedWeights) -> tuple[Isa, ...]:
    return tuple(isa for isa, code in simd.items() if code.constants.get(name) == constant)


def _run(
    c: CWriter,
    layers: Sequence[Layer],
    isas: Sequence[Isa],
    head: str,
    *,
    needs_scratch: bool,
    counters: bool,
) -> None:
    with c.function(head):
        if not needs_scratch or any(layer.simd for layer in layers):
            c.line("(void)scratch;")
        if counters:
            c.line("model_mark(MODEL_LAYERS);")
        for place, layer in enumerate(layers):
            calls(c, layer, isas)
            if counters:
                c.line(f"model_mark({place});")


def calls(c: CWriter, layer: Layer, isas: Sequence[Isa]) -> None:
    """Write the calls of a layer, those of the instruction set that is chosen."""
    c.line(layer.title)
    for number, lines in enumerate(dict.fromkeys(code.calls for code in layer.simd.values())):
        users = tuple(isa for isa, code in layer.simd.items() if code.calls == lines)
        c.directive(f"{'el' if number else ''}if {condition_of(users, isas)}")
        for call in lines:
            c.line(call)
    if layer.simd:
        c.directive("else")
    for call in layer.code.calls:
        c.line(call)
    if layer.simd:
        c.directive("endif")
