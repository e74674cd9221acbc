from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quantbench.c99.passes.memory import ALIGNMENT, LiveRange, offsets

lives = st.lists(
    st.builds(
        lambda size, first, length: LiveRange(size, first, first + length),
        st.integers(0, 5000), st.integers(0, 12), st.integers(0, 5),
    ),
    max_size=12,
)  # fmt: skip


@given(lives)
def test_what_lives_at_once_lies_apart(lives: list[LiveRange]) -> None:
    at, size = offsets(lives)
    assert all(begin % ALIGNMENT == 0 for begin in at)
    ends = [begin + life.bytes for begin, life in zip(at, lives, strict=True)]
    assert size == max(ends, default=0)
    for one in range(len(lives)):
        for other in range(one):
            meet = lives[one].first <= lives[other].last and lives[other].first <= lives[one].last
            assert not meet or ends[one] <= at[other] or ends[other] <= at[one] or 0 in (
                lives[one].bytes, lives[other].bytes
            )  # fmt: skip


def test_room_is_used_again() -> None:
    """A chain needs two neighbours at a time."""
    chain = [LiveRange(1024, step, step + 1) for step in range(10)]
    assert offsets(chain)[1] == 2048
