"""Write the files of a C library from a graph: header, source, golden vectors, main.c."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quantbench.c99.emit.library import (
    Emitted,
    Options,
    chosen_isas,
    language_of,
    library,
    with_symbols,
)
from quantbench.c99.emit.parts import Parts, Piece, parts
from quantbench.c99.emit.sharing import borrowing, shared_file, sharing
from quantbench.c99.emit.signature import signature
from quantbench.c99.emit.translation_unit import Layer, Simd
from quantbench.c99.golden import golden
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, Plan, Step
from quantbench.c99.passes import layout
from quantbench.c99.passes.parts import Division, divided
from quantbench.c99.passes.proved import integers_alone, rounds_in_float32
from quantbench.c99.passes.together import together
from quantbench.c99.simd import select
from quantbench.c99.speed import select as speed
from quantbench.c99.target.isa import Isa
from quantbench.c99.target.target import Optimize, Target

TOGETHER = "together"
"""The prefix of the library that computes several samples at once."""


def emit(graph: Graph, target: Target = Target.PORTABLE, options: Options | None = None) -> Emitted:
    """The C library of a graph: header, source, golden vectors and main.c.

    Raises CompileError for values that 32 bits, or float32, can't hold, and UsageError for options
    that name nothing.
    """
    options = options or Options()
    isas = chosen_isas(options, target, language_of(graph))
    plan = with_symbols(layout.plan(graph), options)
    if options.integer_only:
        plan = integers_alone(plan)
    simd = tuple(_simd(step, isas) for step in plan.steps)
    real = rounds_in_float32(plan)
    write = speed.code if options.optimize == Optimize.SPEED else _smallest
    codes = tuple(write(step) for step in plan.steps)
    vectors = golden(plan, options.golden_from)
    written = library(plan, codes, simd, target, isas, options, vectors, rounds_in_float32=real)
    if options.samples > 1 and (many := together(plan.graph, options.samples)):
        own = replace(options, name=TOGETHER, counters=False, samples=1, threads=1)
        written = replace(written, together=emit(many, target, own), samples=options.samples)
    if options.threads > 1 and not plan.graph.several and not plan.graph.is_float32:
        division = divided(plan, options.threads)
        if division.pays:
            whole = written.layers if written.weights_apart else None
            written = replace(written, parts=in_parts(plan, division, isas, whole))
    return written


def in_parts(
    plan: Plan, division: Division, isas: Sequence[Isa], whole: Sequence[Layer] | None = None
) -> Parts:
    """The C of a plan, divided for threads.

    Parts of a layer share its constants, and its functions where they are the same. `whole`: the
    plan's layers, whose weights in a file beside model.c are used where parts read them in the same
    order; None: weights are arrays.
    """
    first: dict[int, Piece] = {}
    file = shared_file(whole) if whole else None

    def piece(number: int, step: Step) -> Piece:
        title = f"/* l{number}: {', '.join(step.work.describe())} */"
        layer = Layer(title, _smallest(step), _simd(step, isas))
        if whole and file:
            layer = borrowing(layer, whole[number], file)
        own = Piece(step.identifier, layer)
        return sharing(first.setdefault(number, own), own)

    stages = [[[piece(*task) for task in own] for own in stage] for stage in division.stages]
    language = replace(language_of(plan.graph), run=signature(plan))
    return parts(stages, plan.scratch, language, isas, division.count, file)


def _smallest(step: Step) -> Code:
    return step.work.emit(step)


def _simd(step: Step, isas: Sequence[Isa]) -> Simd:
    codes = {isa: select.code(step, isa) for isa in isas}
    return {isa: code for isa, code in codes.items() if code}
