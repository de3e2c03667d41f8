"""The examples of the pages run, and are typed."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

import ncwire
from ncwire.observe import read_trace

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    return [textwrap.dedent(each) for each in found]


@pytest.fixture
def run():
    def run(source):
        names = {}
        exec(compile(source, "page", "exec"), names)
        return names

    return run


@pytest.fixture
def parameters(connect):
    return connect.keywords


def test_the_observer_of_the_page_counts(run, parameters, capsys):
    names = run(blocks("observers.rst")[0])
    operation, seconds = names["slowest_of"](None, **parameters)
    assert operation in {"get-config", "close-session"}
    assert seconds > 0
    assert re.search(r"connect: [\d.]+ ms", capsys.readouterr().out)


def test_the_page_logs_the_messages_of_one_device(run_program, connect_over_ssh, server, tmp_path):
    log = tmp_path / "r1.log"
    # In a process of its own: to configure logging closes the handlers that are there.
    run_program(
        blocks("observers.rst")[2]
        + "import json, sys, ncwire\n"
        + "host, given, path, log = sys.argv[1:]\n"
        + "log_messages_of(host, log)\n"
        + "ncwire.connect(host, **json.loads(given)).close()\n"
        + "ncwire.connect(None, driver='unix', driver_options={'path': path}).close()\n",
        connect_over_ssh.args[0],
        json.dumps(connect_over_ssh.keywords, default=str),
        server.path,
        str(log),
    )
    lines = log.read_text().splitlines()
    assert len(lines) == 2
    assert all(f" {connect_over_ssh.args[0]}:" in line for line in lines)


def test_the_page_adds_an_observer_of_opentelemetry(run, connect):
    names = run(blocks("observers.rst")[3])
    with connect():
        pass
    observer, *_ = ncwire.observe.registry.present(())
    assert isinstance(observer, names["OpenTelemetryObserver"])
    ncwire.observe.remove(observer)


def test_the_trace_of_the_page_is_written(run, parameters, tmp_path):
    names = run(blocks("traces.rst")[0])
    path = tmp_path / "r1.trace"
    names["traced"](None, str(path), **parameters)
    assert len(read_trace(path).sessions) == 1
