"""Steps of random networks: functions of each number, products, maxima, constants by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.c99.spelling import At

if TYPE_CHECKING:
    from tests.c99.networks import Maker

BOUNDED = {"Sigmoid": 9, "Tanh": 9, "HardSigmoid": 9, "Softsign": 9, "Erf": 9, "Sin": 9, "Cos": 9}
GROWING = {
    "LeakyRelu": 9, "Elu": 9, "Selu": 9, "Softplus": 9, "Abs": 9, "Neg": 9, "ThresholdedRelu": 10,
    "HardSwish": 14, "Mish": 18, "Gelu": 20,
}  # fmt: skip
"""Name -> the first set of operators that has it. Those with jumps, or without a result for some
numbers, are tested by themselves."""
FUNCTIONS = frozenset({*BOUNDED, *GROWING})


def function(maker: Maker, x: At) -> At:
    """A function, then perhaps another, with a pair between them or none."""
    name, scale = applied(maker, x.name, x.scale)
    if maker.one_of(True, False):
        between = maker.pair(name, x.shape, scale)
        name, scale = applied(maker, between.name, between.scale)
    return maker.pair(name, x.shape, scale)


def applied(maker: Maker, name: str, scale: float) -> tuple[str, float]:
    known = {**BOUNDED, **GROWING}
    op = maker.one_of(*(op for op, since in known.items() if maker.opset >= since))
    more = {"alpha": maker.one_of(0.2, 0.7)} if op in ("LeakyRelu", "Elu") else {}
    return maker.node(op, name, **more), 0.009 if op in BOUNDED else 1.1 * scale


def self_gated(maker: Maker, x: At) -> At:
    """x Sigmoid(x), with a pair between or none."""
    gate = maker.node(maker.one_of("Sigmoid", "HardSigmoid"), x.name)
    if maker.one_of(True, False):
        gate = maker.pair(gate, x.shape, 0.005).name
    return maker.pair(maker.node("Mul", *shuffled(maker, x.name, gate)), x.shape, x.scale)


def squeezed(maker: Maker, x: At) -> At:
    """Each channel times a number that is made of all of them."""
    mean = maker.pair(maker.node("GlobalAveragePool", x.name), (x.shape[0], 1, 1), x.scale)
    weights, scale = maker.weights((x.shape[0], x.shape[0], 1, 1), 0)
    gain = x.scale * float(scale.max()) * 74 * 74
    before = maker.pair(maker.node("Conv", mean.name, weights), mean.shape, gain * 0.02)
    gate = maker.pair(maker.node("Sigmoid", before.name), mean.shape, 0.005)
    product = maker.node("Mul", *shuffled(maker, x.name, gate.name))
    return maker.held(maker.activated(product, x.scale), x.shape, x)


def scaled(maker: Maker, x: At) -> At:
    """A constant, for all channels or for each, by an operation."""
    each = maker.one_of(True, False)
    op = maker.one_of("Mul", "Add", "Sub", "Div")
    unit = 30 * x.scale if op in ("Add", "Sub") else 1.0
    signs = maker.rng.choice([-1.0, 1.0], (x.shape[0], 1, 1) if each else ())
    constant = maker.constant(signs * maker.rng.uniform(0.5, 1.5, signs.shape) * unit, "float32")
    given = [x.name, constant] if op == "Div" else shuffled(maker, x.name, constant)
    return maker.held(maker.activated(maker.node(op, *given), x.scale), x.shape, x)


def normalized(maker: Maker, x: At) -> At:
    """A BatchNormalization by itself."""
    name = maker.normalized(x.name, x.shape[0], 30 * x.scale)
    return maker.pair(maker.activated(name, x.scale), x.shape, x.scale * 1.3)


def sloped(maker: Maker, x: At) -> At:
    slopes = maker.constant(maker.rng.uniform(-0.5, 0.5, (x.shape[0], 1, 1)), "float32")
    return maker.held(maker.node("PRelu", x.name, slopes), x.shape, x)


def extreme(maker: Maker, x: At) -> At:
    """The larger or smaller of the input and something that is made of it."""
    weights, scale = maker.weights((x.shape[0], x.shape[0], 1, 1), 0)
    gain = x.scale * float(scale.max()) * 74 * 74 * x.shape[0] ** 0.5
    other = maker.pair(maker.node("Conv", x.name, weights), x.shape, gain * 0.02)
    name = maker.node(maker.one_of("Max", "Min"), *shuffled(maker, x.name, other.name))
    return maker.pair(name, x.shape, max(x.scale, other.scale))


def shuffled(maker: Maker, *names: str) -> list[Any]:
    return [*names][:: maker.one_of(1, -1)]


STEPS = (function, self_gated, squeezed, scaled, normalized, sloped, extreme)
