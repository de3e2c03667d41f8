"""The developers' tables: by the floor, and whole where the terminal is narrow."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from ncwire.bench.measures import LATENCY, THROUGHPUT
from ncwire.bench.record import DRIVER, FLOOR, PROGRAM, Contestant, Measured, Record
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE, MB
from suite import report

FIGURES = ("p50", "p95", "p99", "wall", "cpu", "peak", "growth")
FLOOR_NAME = "floor/paramiko"


def rounds(*seconds: float) -> list[dict[str, float]]:
    return [dict.fromkeys(FIGURES, each) for each in seconds]


@pytest.fixture
def record() -> Record:
    batches = {
        FLOOR_NAME: rounds(0.0100001, 0.0100001),
        "ncwire/paramiko": rounds(0.0200002, 0.0300003),
        "no SSH": rounds(0.005, 0.005),
    }
    return Record(
        made="now",
        server={"kind": "sshd", "about": "sshd"},
        settings={},
        machine={},
        contestants=[
            Contestant(FLOOR_NAME, FLOOR),
            Contestant("ncwire/paramiko", DRIVER, yardstick=FLOOR_NAME),
            Contestant("no SSH", PROGRAM),
        ],
        measured=[
            Measured(LATENCY, 10_000, batches),
            *(
                Measured(THROUGHPUT, 100 * MB, batches, chunk, framing)
                for chunk, framing in ((0, CHUNKED), (4096, CHUNKED), (0, END_OF_MESSAGE))
            ),
        ],
    )


def shown(width: int, show, *arguments: object) -> str:
    out = io.StringIO()
    show(*arguments, Console(file=out, width=width))
    text = out.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.mark.parametrize("width", [200, 100, 80])
def test_each_is_beside_its_floor(record, width):
    text = shown(width, report.show, record)
    (latency,) = re.findall(r"^ +ncwire/paramiko +25000\..*$", text, re.MULTILINE)
    assert re.search(r" 2\.50 \(2\.00-3\.00\) *$", latency)  # of time
    throughput = re.findall(r"^ +ncwire/paramiko .* 0\.42 \(0\.33-0\.50\) *$", text, re.MULTILINE)
    assert len(throughput) == 3  # of speed
    for reply in ("10 kB", "100 MB", "100 MB, chunks of 4096", "100 MB, end-of-message"):
        assert re.search(rf"^{reply} +floor/paramiko", text, re.MULTILINE)
    assert ("peak, MB" in text) == (width > 100)


def test_the_time_for_each_mb_by_size(record):
    text = shown(80, report.show_linearity, record)
    assert re.search(r"ncwire/paramiko, chunks of 4096 .* 0\.25 ", text)


@pytest.mark.parametrize("width", [200, 80])
def test_peers_are_beside_each_of_ours(record, width):
    record = dataclasses.replace(record, measured=record.measured[:2])
    text = shown(width, report.show_peers, record, ["ncwire/paramiko", FLOOR_NAME])
    assert "by paramiko" in text
    assert f"by {FLOOR_NAME}" in text
    assert len(re.findall(r"no SSH .* 0\.21( \(0\.17-0\.25\))? +0\.50", text)) == 2
