"""The plot: drawn without a display, with everything that is needed to read it."""

from __future__ import annotations

import importlib.util
import sys
from xml.etree import ElementTree as ET

import pytest

from ncwire.bench import plot
from ncwire.bench.record import DRIVER, FLOOR, Contestant, Measured, Record
from ncwire.errors import OptionError
from servers import requirement

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(monkeypatch) -> Record:
    if importlib.util.find_spec("matplotlib") is None:
        requirement.missing("matplotlib is not installed: pip install 'ncwire[plot]'")
    monkeypatch.delenv("DISPLAY", raising=False)
    batch = {"p50": 0.0125, "wall": 0.0001, "session": 50_000.0, "process": 5e7}
    slower = {key: 2 * value for key, value in batch.items()}
    both = {"quick": [batch] * 3, "slow": [slower] * 3}
    bare = {"floor/quick": [batch] * 3}
    return Record(
        made="",
        server={"kind": "sshd", "about": "sshd of the test. It is quick."},
        settings={"rounds": 3.0},
        machine={"python": "CPython 3.11"},
        contestants=[
            Contestant("quick", DRIVER, "wire 1"),
            Contestant("slow", DRIVER, "rope 2"),
            Contestant("floor/quick", FLOOR, "wire 1"),
        ],
        measured=[
            Measured("connect", 0, both | bare),
            Measured("latency", 0, both | bare),
            Measured("latency", 10_000, both),
            Measured("pipelined", 0, both),
            Measured("throughput", 20_000_000, both | bare),
            Measured("memory", 0, both),
        ],
    )


@pytest.mark.exhaustive
def test_a_png_is_drawn(run, tmp_path):
    plot.draw(run, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(PNG)


@pytest.mark.exhaustive
def test_an_svg_has_title_units_sizes_names_and_ratios(run, tmp_path):
    path = tmp_path / "bench.svg"
    plot.draw(run, path)
    shown = {"".join(each.itertext()).strip() for each in ET.parse(path).iter()}
    assert {"ncwire bench: drivers compared", "quick", "slow", "floor/quick"} <= shown
    assert {"ms, less is better", "rpc/s, more is better", "MB/s, more is better"} <= shown
    assert {"empty reply", "10 kB", "20 MB"} <= shown
    assert "25  (2.00 \N{MULTIPLICATION SIGN})" in shown
    assert any("sshd of the test" in each for each in shown)
    assert any("wire 1, rope 2" in each for each in shown)


@pytest.mark.exhaustive
def test_the_same_run_is_the_same_file(run, tmp_path):
    for name in ("a.svg", "b.svg"):
        plot.draw(run, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.exhaustive
def test_a_run_that_was_broken_off_is_drawn_as_far_as_it_went(run, tmp_path):
    run.measured[1:] = []
    plot.draw(run, tmp_path / "bench.svg")
    assert "rpc/s" not in (tmp_path / "bench.svg").read_text(encoding="utf-8")


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"ends in \.png or \.svg"):
        plot.check(tmp_path / "bench.pdf")


def test_without_matplotlib_the_remedy_is_told(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(OptionError, match=r"pip install 'ncwire\[plot\]'"):
        plot.check(tmp_path / "bench.svg")
