"""TLS: its versions, its end, and what is none."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ncwire.errors import StepTimeoutError, TransportError
from ncwire.testing.conformance.awkward import AwkwardPeer, another_protocol
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_io import noise
from ncwire.testing.tls_stream import TLSStream

if TYPE_CHECKING:
    from ncwire.testing.conformance.host import ServerEnd
    from ncwire.testing.conformance.rig import Rig


@rule("tls.versions")
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_tls_versions(ncwire_rig: Rig, version: str) -> None:
    host = ncwire_rig.tls_host(minimum_version=version, maximum_version=version)
    line, end = ncwire_rig.open(host)
    assert _stream(end).version == version
    data = noise(200_000)
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data
    end.sending(data)
    assert line.receive(len(data)) == data


@rule("tls.close-notify")
def test_tls_close_notify(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(100_000)
    taking = end.receiving_to_end()
    line.send(data)
    line.channel.close()
    assert taking.result(ncwire_rig.patience) == data
    assert _stream(end).clean, "the end came without close_notify"


@rule("tls.finish")
def test_tls_finish(ncwire_rig: Rig) -> None:
    host = ncwire_rig.tls_host()
    line, end = ncwire_rig.open(host)
    data = noise(400_000)
    taking = end.receiving_to_end()
    taking.notify(end.released.set)  # it closes when it has read to the end
    host.relay.deafen()
    line.send(data)
    assert not line.channel.finish(), "the peer cannot have heard that yet"
    line.count_turns(ncwire_rig.short)
    assert not line.channel.finish(), "the peer cannot have heard that yet"
    assert not host.idle, "the connection has ended before the peer has heard all"
    host.relay.thaw()
    line.finish()
    assert taking.result(ncwire_rig.patience) == data
    assert _stream(end).clean, "the end came without close_notify"
    line.channel.close()
    ncwire_rig.eventually(lambda: host.idle, "the connection's end")


@rule("tls.truncated")
def test_tls_truncated(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(50_000)
    end.send(data)
    _stream(end).vanish()
    end.released.set()
    with pytest.raises(TransportError):
        line.drive(lambda: line.ended, "the end of the stream, or an error")
    assert bytes(line.received) == data


@rule("tls.other-protocol")
def test_tls_other_protocol(ncwire_rig: Rig) -> None:
    peer = AwkwardPeer(another_protocol)
    ncwire_rig.later("the peer", peer.close)
    error = ncwire_rig.failure(ncwire_rig.options(port=peer.port))
    assert isinstance(error, TransportError)
    assert not isinstance(error, StepTimeoutError)


def _stream(end: ServerEnd) -> TLSStream:
    stream = end.stream
    if not isinstance(stream, TLSStream):
        raise TypeError("the target is not tls")
    return stream
