"""Charts as inline SVG: a frame with its scales, and what is drawn into it.

Our own few lines instead of a plotting library: the page stays one small file without scripts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 10
_BOTTOM: Final = 24
_POINTS_MAX: Final = 1_400  # about two a pixel: the lowest and the highest of a column


@dataclass(frozen=True, slots=True)
class Frame:
    """A chart's size in pixels and the ranges that its two axes show."""

    width: int
    height: int
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        """Where a value stands across."""
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1.0)
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value stands from above."""
        share = (value - self.y_low) / ((self.y_high - self.y_low) or 1.0)
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)


def framed(
    xs: Sequence[float], curves: Iterable[Sequence[float]], width: int, height: int
) -> Frame:
    """A frame that shows all of `curves` over `xs`, with a little room above and below."""
    values = [value for curve in curves for value in curve]
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or abs(high) * 0.01 or 1.0
    return Frame(width, height, xs[0], xs[-1], low - room, high + room)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round values within a range: about `about` of them, 1, 2 or 5 times a power of ten apart."""
    raw = (high - low) / about
    if raw <= 0:
        return [low]
    power: float = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def line(frame: Frame, xs: Sequence[float], ys: Sequence[float], style: str) -> str:
    """A curve; where there are more points than pixels, the extremes of each column stand."""
    points = [f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in thinned(xs, ys)]
    return f'<polyline class="{style}" points="{" ".join(points)}"/>'


def area(frame: Frame, xs: Sequence[float], ys: Sequence[float], style: str) -> str:
    """A curve, filled to 0."""
    kept = thinned(xs, ys)
    points = [f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in kept]
    zero = frame.y(0)
    ends = f"{frame.x(kept[-1][0]):.1f},{zero:.1f} {frame.x(kept[0][0]):.1f},{zero:.1f}"
    return f'<polygon class="{style}" points="{" ".join(points)} {ends}"/>'


def thinned(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    """The points, or of each of as many columns as fit the lowest and the highest, in order."""
    if len(xs) <= _POINTS_MAX:
        return list(zip(xs, ys, strict=True))
    columns = _POINTS_MAX // 2
    kept: list[tuple[float, float]] = []
    for column in range(columns):
        begin, end = len(xs) * column // columns, len(xs) * (column + 1) // columns
        part = range(begin, end)
        lowest, highest = min(part, key=ys.__getitem__), max(part, key=ys.__getitem__)
        kept += [(xs[at], ys[at]) for at in sorted({lowest, highest})]
    return [*kept, (xs[-1], ys[-1])]


def mark(frame: Frame, x: float, y: float, size: float, style: str, title: str) -> str:
    """A symbol at a point (`use` of one that the page defines), with a text on hovering."""
    at = f"translate({frame.x(x):.1f} {frame.y(y):.1f}) scale({size:.2g})"
    use = f'<use href="#{style}" class="{style}" transform="{at}">'
    return f"{use}<title>{escape(title)}</title></use>"


def column(frame: Frame, low: float, high: float, value: float, style: str) -> str:
    """A bar of a histogram, from `low` to `high` across and from 0 to `value` up."""
    x, top = frame.x(low) + 0.5, frame.y(value)
    width, height = max(frame.x(high) - frame.x(low) - 1, 0.5), frame.y(0) - top
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
    )


def axes(frame: Frame, across: Iterable[tuple[float, str]], up: Iterable[tuple[float, str]]) -> str:
    """Grid lines with their labels: below for `across`, on the left for `up`."""
    left, right = _LEFT, frame.width - _RIGHT
    bottom = frame.height - _BOTTOM
    parts = []
    for value, label in up:
        y = frame.y(value)
        parts.append(
            f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="up" x="{left - 6}" y="{y + 4:.1f}">{escape(label)}</text>'
        )
    for value, label in across:
        x = frame.x(value)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            f'<text class="across" x="{x:.1f}" y="{bottom + 16}">{escape(label)}</text>'
        )
    return "".join(parts)


def chart(frame: Frame, label: str, *parts: str) -> str:
    """The whole picture, as wide as the page; `label` tells it to who cannot see it."""
    return (
        f'<svg viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
