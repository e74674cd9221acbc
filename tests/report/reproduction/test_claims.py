from __future__ import annotations

import pytest

from quantbench.report.reproduction.claims import claims
from quantbench.results.speed import speed
from tests.report.builder import LINEAR_MACS, MACS, latency, results, row

FLOAT = row()


def static(**changes):
    return row("static", **({"size": 75_000, "float_macs": 0, "baseline": FLOAT} | changes))


def uncalibrated(**changes):
    return static(**changes).model_copy(update={"method": "static_uncalibrated"})


def dynamic(**changes):
    fields = {"size": 220_000, "float_macs": MACS - LINEAR_MACS, "baseline": FLOAT}
    return row("dynamic", **(fields | changes))


def answers(*rows, paired=None, **changes):
    return [claim.answer for claim in claims(results(FLOAT, *rows, **changes), paired)]


@pytest.mark.parametrize(
    ("small", "smaller", "starts"),
    [
        (dynamic(), static(), "Holds: "),
        (dynamic(size=260_000), static(), "Does not hold here: "),
        (dynamic(size=250_000), static(), "Does not hold here: "),
        (dynamic(size=70_000), static(), "Holds in part: both are smaller, but dynamic is not"),
        (dynamic(float_macs=0), static(), "Holds in part: both are smaller, but not for that"),
    ],
)
def test_size(small, smaller, starts):
    assert answers(small, smaller)[0].startswith(starts)


def test_size_gives_the_numbers():
    answer = answers(dynamic(), static())[0]
    for part in ("220,000 (1.14 times smaller)", "leaves 97.4% float, static none", "saves 17%"):
        assert part in answer
    assert "times larger" in answers(dynamic(size=500_000), static())[0]


WORSE = {"lost": 120, "gained": 20}
EQUIVALENT = {"lost": 2, "gained": 1}
SAME = {"lost": 12, "gained": 10}
BETTER = {"lost": 20, "gained": 120}


@pytest.mark.parametrize(
    ("calibrated", "not_calibrated", "paired", "starts"),
    [
        (SAME, WORSE, (110, 20), "Does not hold here: the missing calibration costs accuracy"),
        (SAME, WORSE, None, "Does not hold here: the missing calibration costs accuracy"),
        (SAME, WORSE, (30, 25), "Does not hold here: static is worse than float32 only when not"),
        (WORSE, WORSE, (15, 15), "Holds in so far as"),
        (WORSE, WORSE, None, "Holds in so far as"),
        (WORSE, SAME, (20, 110), "Holds in so far as"),
        (SAME, SAME, (10, 10), "Not shown here"),
        (
            EQUIVALENT,
            WORSE,
            (110, 20),
            "Does not hold here: the missing calibration costs accuracy, "
            "quantized activations don't.",
        ),
        (EQUIVALENT, EQUIVALENT, (2, 2), "Does not hold here: static is equivalent to float32"),
        (BETTER, BETTER, (10, 10), "Not shown here"),
    ],
)
def test_accuracy(calibrated, not_calibrated, paired, starts):
    rows = (static(**calibrated), uncalibrated(**not_calibrated))
    assert answers(*rows, paired=paired)[1].startswith(starts)


def test_accuracy_names_the_part_of_calibration():
    rows = (static(**WORSE), uncalibrated(**WORSE))
    assert "the missing calibration costs more" in answers(*rows, paired=(200, 20))[1]
    assert "costs more" not in answers(*rows, paired=(20, 200))[1]
    assert "uncalibrated is better" in answers(*rows, paired=(20, 200))[1]


@pytest.mark.parametrize(
    ("single", "model", "starts"),
    [
        (200.0, 80.0, "Holds in that neither"),
        (200.0, 40.0, "Does not hold here"),
        (100.0, 80.0, "Does not hold here"),
        (300.0, 120.0, "Holds in that neither"),
        (197.0, 79.0, "Holds in that neither"),
    ],
)
def test_speed(single, model, starts):
    assert answers(dynamic(), static(single=single, model=model))[2].startswith(starts)


def test_speed_is_not_judged_where_rounds_disagree():
    wild = latency("model", 1, 150.0, wobble=0.5)
    fast = static()
    changed = fast.latency
    ratios = (speed("float32 on torch", FLOAT.latency[0], wild), *fast.against_float.speed[1:])
    against = fast.against_float.model_copy(update={"speed": ratios})
    fast = fast.model_copy(update={"latency": (wild, *changed[1:]), "against_float": against})
    assert answers(dynamic(), fast)[2].startswith("Holds in that neither")


def test_speed_tells_a_cost_by_the_call_from_one_by_the_image():
    by_call = answers(dynamic(single=300.0), static())[2]
    assert "dynamic pays overhead by the call" in by_call
    by_image = answers(dynamic(single=300.0, model=120.0), static())[2]
    assert "What makes dynamic slower is paid in large batches too" in by_image
    assert "overhead" not in by_image


@pytest.mark.parametrize(
    ("reading", "words"),
    [(80.0, "hide the model"), (20.0, "towards 1"), (2.0, "too little to hide")],
)
def test_speed_says_what_reading_hides(reading, words):
    loading = latency("end_to_end", 1000, reading)
    assert words in answers(dynamic(), static(), data_loading=loading)[2]


def test_what_was_not_measured_is_not_answered():
    size, accuracy, speed = answers(static())
    assert size == "Not answered: dynamic was not measured here."
    assert accuracy.startswith("Not answered: static_uncalibrated was")
    assert speed.startswith("Not answered: dynamic was")
    still = static()
    against = still.against_float.model_copy(update={"speed": ()})
    untimed = still.model_copy(update={"latency": (), "against_float": against})
    assert answers(dynamic(), untimed)[2] == "Not answered: static was not timed beside float32."
