"""What goes wrong comes out as ours, from the library's, after the data that had come."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ncwire.driver import ChannelRequest
from ncwire.errors import ChannelError, StepTimeoutError, TransportError
from ncwire.testing.conformance.awkward import AwkwardPeer, another_protocol, gone
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_io import noise
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.testing.conformance.rig import Rig


@rule("errors.reset")
def test_errors_reset(ncwire_rig: Rig) -> None:
    assert isinstance(_error_of_reset(ncwire_rig), TransportError)


@rule("errors.cause")
def test_errors_cause(ncwire_rig: Rig) -> None:
    error = _error_of_reset(ncwire_rig)
    assert error is not None
    assert error.__cause__ is not None


@rule("errors.write")
def test_errors_write(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, _ = ncwire_rig.open(host)
    ncwire_rig.break_off(host, line)

    def write_on() -> None:
        # The first writes may yet find room in a buffer.
        ncwire_rig.eventually(
            lambda: line.channel.write(memoryview(b"data")) == 0, "the end of writing"
        )
        line.receive_to_end()

    with pytest.raises(TransportError):
        write_on()


@rule("errors.broken-is-no-refusal")
def test_errors_broken_is_no_refusal(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    driver = ncwire_rig.authenticated(host)
    host.relay.freeze()
    sent = host.relay.sent
    opening = Task(
        lambda: driver.open_channel(ChannelRequest("netconf"), {}, ncwire_rig.soon()),
        "open_channel",
    )
    ncwire_rig.eventually(lambda: host.relay.sent > sent, "the request for a channel")
    host.relay.reset()
    with pytest.raises(TransportError) as raised:
        opening.result(2 * ncwire_rig.patience)
    assert not isinstance(raised.value, ChannelError | StepTimeoutError)


@rule("errors.data-before-error")
def test_errors_data_before_error(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    line.count_turns(ncwire_rig.short / 2)
    data = noise(50_000)
    end.send(data)
    host.relay.hang_up()
    ncwire_rig.eventually(lambda: host.relay.hung_up, "the relay's hanging up")
    with suppress(TransportError):  # or an end: without SSH that is all there is to see
        line.drive(lambda: line.ended, "the end of the stream, or an error")
    assert bytes(line.received) == data


@rule("errors.after-close")
def test_errors_after_close(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    line.channel.close()
    with pytest.raises(TransportError):
        line.channel.read(1000)
    with pytest.raises(TransportError):
        line.channel.write(memoryview(b"data"))


@rule("errors.only-ours")
def test_errors_only_ours(ncwire_rig: Rig) -> None:
    doomed = [ncwire_rig.nowhere()]
    if ncwire_rig.target != "unix":
        # Port 1 is tcpmux, which no host runs; ".invalid" is never resolved (RFC 6761).
        doomed += [ncwire_rig.options(port=1), ncwire_rig.options(host="ncwire.invalid")]
    if ncwire_rig.target in {"ssh", "tls"}:
        peers = [AwkwardPeer(gone), AwkwardPeer(another_protocol)]
        for peer in peers:
            ncwire_rig.later("the peer", peer.close)
        doomed += [ncwire_rig.options(port=peer.port) for peer in peers]
    failures = [ncwire_rig.failure(options) for options in doomed]
    assert [error for error in failures if not isinstance(error, TransportError)] == []


def _error_of_reset(rig: Rig) -> BaseException | None:
    host = rig.host()
    line, _ = rig.open(host)
    rig.break_off(host, line)
    try:
        line.receive_to_end()
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - it is what the test asks for
        return error
    return None
