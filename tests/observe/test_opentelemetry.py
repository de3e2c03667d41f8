"""OpenTelemetry is told of connects and rpcs in spans, of what is counted, and of no secret."""

from __future__ import annotations

import subprocess
import sys

import pytest
from marked import PASSWORD
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import ncwire
from ncwire.contrib.opentelemetry import OpenTelemetryObserver
from ncwire.errors import RPCTimeoutError

GET = "<get-config><source><running/></source></get-config>"


class Telemetry:
    def __init__(self):
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._meters = MeterProvider([self._reader])
        self.observer = OpenTelemetryObserver(self.tracers, self._meters)

    def spans(self, name=None):
        found = self._exporter.get_finished_spans()
        return [span for span in found if name in {None, span.name}]

    def points(self, name):
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def shutdown(self):
        self.tracers.shutdown()
        self._meters.shutdown()


@pytest.fixture
def telemetry():
    found = Telemetry()
    yield found
    found.shutdown()


def test_a_connect_is_a_span_with_its_steps_below(connect_over_ssh, telemetry):
    with connect_over_ssh(observers=[telemetry.observer]) as session:
        (whole,) = telemetry.spans("NETCONF connect")
    assert whole.attributes["server.address"] == session.host
    assert whole.attributes["server.port"] == session.port
    assert whole.attributes["netconf.session_id"] == session.id
    steps = [span for span in telemetry.spans() if span.parent == whole.context]
    assert [span.name for span in steps] == [
        *("TCP connect", "SSH handshake", "host key", "authentication", "channel", "hello"),
    ]
    assert all(whole.start_time <= span.end_time <= whole.end_time for span in steps)


def test_an_rpc_is_a_span_below_the_callers(connect, telemetry):
    tracer = telemetry.tracers.get_tracer("test")
    with connect(observers=[telemetry.observer]) as session:
        with tracer.start_as_current_span("mine") as mine:
            session.rpc(GET)
            session.submit(GET).result(20)
        spans = telemetry.spans("get-config")
    assert [span.parent.span_id for span in spans] == [mine.get_span_context().span_id] * 2
    assert spans[0].attributes["rpc.method"] == "get-config"
    assert spans[0].status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("what", ["an rpc-error", "a timeout", "the end"])
def test_what_failed_has_the_status(connect, peer, telemetry, what):
    if what == "an rpc-error":
        with connect(observers=[telemetry.observer]) as session:
            session.rpc("<wrong/>")
        (span,) = telemetry.spans("wrong")
        expected = "rpc-error"
    elif what == "a timeout":
        session = peer.opened(observers=[telemetry.observer])
        with pytest.raises(RPCTimeoutError):
            session.rpc("<get/>", 0.05)
        (span,) = telemetry.spans("get")
        expected = "given up"
    else:
        future = peer.opened(observers=[telemetry.observer]).submit("<get/>")
        peer.hang_up()
        future.exception(20)
        (span,) = telemetry.spans("get")
        expected = "SessionCloseError"
    assert span.attributes["error.type"] == expected
    assert span.status.status_code is StatusCode.ERROR


def test_a_connect_that_failed_has_the_status(telemetry, tmp_path):
    options = {"path": str(tmp_path / "none")}
    with pytest.raises(ncwire.ConnectError):
        ncwire.connect(None, driver="unix", driver_options=options, observers=[telemetry.observer])
    assert [span.attributes["error.type"] for span in telemetry.spans()] == ["ConnectError"] * 2
    assert telemetry.points("ncwire.sessions") == []


def test_sessions_rpcs_and_bytes_are_counted(connect, noting, telemetry):
    with connect(observers=[telemetry.observer, noting]) as session:
        session.rpc(GET)
        assert [point.value for point in telemetry.points("ncwire.sessions")] == [1]
    noting.has_ended.wait(20)
    assert [point.value for point in telemetry.points("ncwire.sessions")] == [0]
    (connects,) = telemetry.points("ncwire.connect.duration")
    assert connects.count == 1
    rpcs = {p.attributes["rpc.method"]: p.count for p in telemetry.points("ncwire.rpc.duration")}
    assert rpcs == {"get-config": 1, "close-session": 1}
    counted = {
        point.attributes["network.io.direction"]: point.value
        for point in telemetry.points("ncwire.bytes")
    }
    assert counted == {
        "transmit": sum(each.size for each in noting.of("message_sent")),
        "receive": sum(each.size for each in noting.of("message_received")),
    }


def test_rpcs_of_milliseconds_and_of_minutes_are_told_apart(connect, telemetry):
    with connect(observers=[telemetry.observer]) as session:
        session.rpc(GET)
    for name in ("ncwire.rpc.duration", "ncwire.connect.duration"):
        bounds = telemetry.points(name)[0].explicit_bounds
        assert bounds[0] == 0.001
        assert bounds[-1] == 300


def test_a_session_that_was_lost_is_told_from_one_that_was_closed(
    connect, peer, noting, telemetry
):
    observers = [telemetry.observer, noting]
    connect(observers=observers).close()
    noting.has_ended.wait(20)
    assert [dict(p.attributes).get("error.type") for p in ended(telemetry)] == [None]
    noting.has_ended.clear()
    future = peer.opened(observers=observers).submit("<get/>")
    peer.hang_up()
    future.exception(20)
    noting.has_ended.wait(20)
    assert {p.attributes.get("error.type"): p.value for p in ended(telemetry)} == {
        None: 1,
        "SessionCloseError": 1,
    }


def ended(telemetry):
    return telemetry.points("ncwire.sessions.ended")


def test_no_secret_is_told(connect, telemetry):
    with connect(observers=[telemetry.observer]) as session:
        assert PASSWORD in session.rpc(GET).raw
    told = "".join(span.to_json() for span in telemetry.spans())
    assert PASSWORD not in told


def test_without_the_library_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from ncwire.contrib import opentelemetry\n"
        "try: opentelemetry.OpenTelemetryObserver\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install 'ncwire[otel]'" in done.stdout
