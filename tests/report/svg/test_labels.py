"""Labels that don't overlap."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from quantbench.report.svg.element import FONT, text_width
from quantbench.report.svg.labels import Box, Point, placed

INSIDE = Box(0, 0, 600, 400)
POINTS = st.lists(
    st.builds(
        Point, st.floats(0, 600), st.floats(0, 400), st.floats(2, 20),
        st.sampled_from(["", "static on torch", "float32 on c99", "ort_dynamic on onnxruntime"]),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=40)
@given(POINTS)
def test_no_label_covers_another_or_a_point_or_leaves_the_chart(points):
    labels = placed(points, INSIDE)
    assert not any(a.box.overlaps(b.box) for a, b in combinations(labels, 2))
    for label in labels:
        assert label.box.within(INSIDE)
        for p in points:
            around = Box(p.x - p.radius, p.y - p.radius, p.x + p.radius, p.y + p.radius)
            assert not label.box.overlaps(around)


def test_a_lone_point_has_its_name_beside_it_and_the_first_have_the_choice():
    (label,) = placed([Point(300, 200, 5, "name")], INSIDE)
    assert label.box.left > 305
    assert label.box.right - label.box.left > text_width("name")
    assert label.box.top < 200 < label.baseline < label.box.bottom
    same = [Point(300, 200, 5, f"row {n}") for n in range(4)]
    first, *rest = placed(same, INSIDE)
    assert first.box == placed(same[:1], INSIDE)[0].box
    assert len(rest) == 3


def test_a_name_without_room_is_left_out():
    assert placed([Point(5, 5, 2, "a long name")], Box(0, 0, 20, FONT)) == ()
