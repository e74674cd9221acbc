"""Keep labels apart along one axis."""

from __future__ import annotations

from collections.abc import Sequence


def spread_out(wanted: Sequence[float], gap: float) -> list[float]:
    """Move places as little as possible until neighbours are `gap` apart; their order stays."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    groups: list[tuple[float, list[int]]] = []
    for place in order:
        groups.append((wanted[place], [place]))
        while len(groups) > 1 and _top(groups[-2], gap) + gap > _bottom(groups[-1], gap):
            members = groups[-2][1] + groups[-1][1]
            groups[-2:] = [(sum(wanted[member] for member in members) / len(members), members)]
    places = [0.0] * len(wanted)
    for group in groups:
        for step, place in enumerate(group[1]):
            places[place] = _bottom(group, gap) + step * gap
    return places


def _bottom(group: tuple[float, list[int]], gap: float) -> float:
    return group[0] - gap * (len(group[1]) - 1) / 2


def _top(group: tuple[float, list[int]], gap: float) -> float:
    return group[0] + gap * (len(group[1]) - 1) / 2
