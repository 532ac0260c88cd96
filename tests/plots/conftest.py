"""What all tests of figures ask: do labels overlap, or leave the page?"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text


@pytest.fixture(scope="session")
def overlaps() -> Callable[[Axes], list[tuple[str, str]]]:
    """Name the pairs of texts that overlap in a drawn figure, and those beyond its edge."""
    return _clashes


def _drawn_texts(figure: Figure) -> list[Text]:
    beyond = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
            beyond |= {id(label) for tick in ticks for label in (tick.label1, tick.label2)}
    texts = {id(text): text for text in figure.findobj(Text) if text.get_visible()}
    return [t for key, t in texts.items() if key not in beyond and t.get_text().strip()]


def _clashes(axes: Axes) -> list[tuple[str, str]]:
    figure = axes.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in _drawn_texts(figure)]
    page = figure.bbox
    outside = [
        (name, "the edge")
        for name, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]
    clashes = [
        (a, b)
        for (a, first), (b, second) in itertools.combinations(boxes, 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]
    return outside + clashes
