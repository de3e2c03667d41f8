"""A run as a picture: one panel for each measure, one bar for each contestant."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, NamedTuple

from ncwire.bench.measures import CONNECT, LATENCY, MEASURES, MEMORY, PIPELINED, THROUGHPUT
from ncwire.bench.record import DRIVER
from ncwire.bench.target import KB, MB
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from ncwire.bench.record import Contestant, Measured, Record

FORMATS = (".png", ".svg")

# Okabe and Ito's, which people who see colours differently can tell apart as well.
_DRIVERS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_REFERENCE = "#BBBBBB"
_HATCHES = ("//", "\\\\", "xx", "--", "++", "||")
_TIMES = " \N{MULTIPLICATION SIGN}"
_GAP = 0.6
_BAR = 0.8  # of the height that a row has
_ROOM = 1.45  # beside the longest bar, for its label
_COLUMNS = 2
_INCHES = 5.2
_INCH_OF_ROW = 0.27
_INCHES_OF_WORDS = 0.9
_ROWS_OF_AXIS = 3
_ROWS_OF_LEGEND = 1
_SMALL = 8
_DPI = 120


class _Panel(NamedTuple):
    title: str
    unit: str
    value: Callable[[Measured, str], float]
    number: str


_PANELS = {
    CONNECT: _Panel("connect", "ms, less is better", lambda e, n: 1e3 * _of(e, n, "p50"), ",.0f"),
    LATENCY: _Panel("latency of an rpc, p50", "µs, less is better",
                    lambda e, n: 1e6 * _of(e, n, "p50"), ",.0f"),
    PIPELINED: _Panel("many rpcs in flight", "rpc/s, more is better",
                      lambda e, n: 1 / _of(e, n, "wall"), ",.0f"),
    THROUGHPUT: _Panel("throughput of large replies", "MB/s, more is better",
                       lambda e, n: e.size / MB / _of(e, n, "p50"), ",.0f"),
    MEMORY: _Panel("memory of a session", "kB, less is better",
                   lambda e, n: _of(e, n, "session") / KB, ",.0f"),
}  # fmt: skip


def check(path: Path) -> None:
    """Raise `OptionError` where such a file cannot be drawn."""
    if path.suffix.lower() not in FORMATS:
        raise OptionError(str(path), f"a plot's name ends in {' or '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise OptionError(
            "--plot",
            "it needs matplotlib, which is not installed: pip install 'ncwire[plot]'",
        )


def draw(record: Record, path: Path) -> None:
    """Draw a run; the name's end says whether as SVG or PNG. Needs no display.

    Raises OSError where it cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415 - large, and needed here only
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    panels = [
        (_PANELS[measure], events)
        for measure in MEASURES
        if (events := [each for each in record.measured if each.measure == measure])
    ]
    rows = [panels[at : at + _COLUMNS] for at in range(0, len(panels), _COLUMNS)]
    # Text as text makes an SVG small and searchable; the salt makes its ids the same each time.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ncwire", "font.size": 9}):
        heights = [max(_rows_of(events) for _, events in row) + _ROWS_OF_AXIS for row in rows]
        inches = _INCH_OF_ROW * (sum(heights) + _ROWS_OF_LEGEND) + _INCHES_OF_WORDS
        figure = Figure(figsize=(_COLUMNS * _INCHES, inches), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(
            1 + len(rows), _COLUMNS, height_ratios=[_ROWS_OF_LEGEND, *heights]
        )
        _legend(figure.add_subplot(grid[0, :]), record)
        for at, row in enumerate(rows, start=1):
            for column, (panel, events) in enumerate(row):
                _bars(figure.add_subplot(grid[at, column]), record, panel, events)
        figure.suptitle("ncwire bench: drivers compared", fontweight="bold")
        figure.supxlabel(_foot(record), fontsize=_SMALL)
        figure.savefig(path, dpi=_DPI, metadata={"Date": None} if _is_svg(path) else None)


def _bars(axis: Axes, record: Record, panel: _Panel, events: list[Measured]) -> None:
    """Draw a panel: a group of bars for each size of reply, the first above."""
    by_reply = events[0].measure in (LATENCY, PIPELINED, THROUGHPUT)
    styles = _styles(record)
    longest, at = 0.0, 0.0
    ticks: list[tuple[float, str]] = []
    for event in events:
        names = [each.name for each in record.contestants if each.name in event.batches]
        for name in names:
            fastest = event.fastest(record.rivals(name))
            value = panel.value(event, name)
            longest = max(longest, value)
            color, hatch = styles[name]
            axis.barh(at, value, _BAR, color=color, hatch=hatch, edgecolor="white", linewidth=0)
            ratio = None if fastest is None else event.ratio(name, fastest)
            label = f" {value:{panel.number}}"
            label += f"  ({ratio.median:.2f}{_TIMES})" if ratio else ""
            axis.text(value, at, label, va="center", fontsize=_SMALL)
            at += 1
        if by_reply:
            ticks.append((at - (len(names) + 1) / 2, event.reply()))
        at += _GAP
    axis.set_title(panel.title, loc="left", fontsize=10)
    axis.set_xlabel(panel.unit)
    axis.set_yticks([place for place, _ in ticks], [text for _, text in ticks])
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(0, longest * _ROOM or 1)
    axis.invert_yaxis()
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _legend(axes: Axes, record: Record) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415

    patches = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=name)
        for name, (color, hatch) in _styles(record).items()
    ]
    axes.set_axis_off()
    axes.legend(handles=patches, loc="center", ncols=len(_DRIVERS), frameon=False)


def _styles(record: Record) -> dict[str, tuple[str, str]]:
    """Return each contestant's colour and hatch: drivers have colours, references are grey."""
    drivers = [each for each in record.contestants if each.kind == DRIVER]
    references = [each for each in record.contestants if each.kind != DRIVER]
    styles = {each.name: (_DRIVERS[at % len(_DRIVERS)], "") for at, each in enumerate(drivers)}
    for at, each in enumerate(references):
        styles[each.name] = (_REFERENCE, _HATCHES[at % len(_HATCHES)])
    return styles


def _rows_of(events: list[Measured]) -> int:
    return sum(len(event.batches) for event in events)


def _foot(record: Record) -> str:
    server = record.server["about"].partition(". ")[0].rstrip(".")
    libraries = ", ".join(
        dict.fromkeys(each.library for each in record.contestants if _has_library(each))
    )
    rounds = f"medians of {record.settings['rounds']:g} rounds"
    meaning = f"{_TIMES.strip()}: time or memory, by the best driver's over that transport"
    return f"{server}\n{libraries}, {record.machine['python']}; {rounds}; {meaning}"


def _has_library(contestant: Contestant) -> bool:
    return contestant.kind == DRIVER and bool(contestant.library)


def _of(event: Measured, name: str, key: str) -> float:
    return event.figure(name, key)


def _is_svg(path: Path) -> bool:
    return path.suffix.lower() == ".svg"
