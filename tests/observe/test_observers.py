"""What an observer hears of a session, in which order, and that it costs the session nothing."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from noting import Noting

import ncwire
from ncwire.errors import (
    ConnectError,
    MessageDecodeError,
    OptionError,
    ProfileError,
    RPCTimeoutError,
    SessionCloseError,
)
from ncwire.observe import Observer, add, remove
from ncwire.profiles import DeviceProfile
from ncwire.testing import EmbeddedServer

GET = "<get-config><source><running/></source></get-config>"


def test_a_session_is_told_from_its_first_step_to_its_end(connect, noting):
    with connect(observers=[noting]) as session:
        session.rpc(GET)
    noting.has_ended.wait(20)

    assert noting.names() == [
        "connect_begun",
        "connect_step",
        "message_sent",
        "message_received",
        "connect_step",
        "connect_ended",
        *("rpc_begun", "message_sent", "message_received", "rpc_ended") * 2,
        "ended",
    ]
    assert [step.name for step in noting.of("connect_step")] == ["connect", "hello"]
    assert [rpc.operation for rpc in noting.of("rpc_begun")] == ["get-config", "close-session"]
    kinds = [message.kind for message in noting.of("message_received")]
    assert kinds == ["hello", "rpc-reply", "rpc-reply"]
    (end,) = noting.of("ended")
    assert isinstance(end.cause, SessionCloseError)
    assert end.session.driver == "unix"
    assert end.session.session_id == session.id


def test_an_rpc_has_its_time_its_outcome_and_its_reply(connect, noting):
    with connect(observers=[noting]) as session:
        reply = session.rpc(GET)
        ended = noting.of("rpc_ended")[0]
    assert ended.outcome == "answered"
    assert ended.message_id == reply.message_id
    assert 0 < ended.seconds < 20
    assert ended.reply.body == reply.raw.encode()
    assert not ended.has_errors


def test_a_message_has_its_size_and_its_bytes(connect, noting):
    with connect(observers=[noting]) as session:
        session.rpc(GET)
        sent = noting.of("message_sent")[1]
        received = noting.of("message_received")[1]
    assert sent.kind == "rpc"
    assert GET.encode() in sent.body
    assert sent.size == len(sent.body)
    assert received.size == len(received.body)
    assert "Marked-1f-Password" not in repr(received)


def test_an_rpc_error_is_seen(connect, noting):
    with connect(observers=[noting]) as session:
        session.rpc("<no-such-operation/>")
        assert noting.of("rpc_ended")[0].has_errors


def test_a_futures_and_a_requests_rpc_are_told_of(connect, noting):
    with connect(observers=[noting]) as session:
        session.submit(GET).result(20)
        assert [rpc.outcome for rpc in noting.of("rpc_ended")] == ["answered"]


def test_a_reply_in_pieces_has_its_size_and_no_body(connect, noting):
    with connect(observers=[noting]) as session:
        size = session.rpc(GET, sink=lambda _: None).size
        received = noting.of("message_received")[1]
        assert (received.size, received.body) == (size, None)
        assert [rpc.outcome for rpc in noting.of("rpc_ended")] == ["answered"]


def test_a_request_in_pieces_is_told_of_before_its_reply(connect, noting):
    with connect(observers=[noting]) as session:
        session.rpc(iter([b"<get-config><source>", b"<running/></source></get-config>"]))
        names = noting.names()
    assert names[6:10] == ["rpc_begun", "message_sent", "message_received", "rpc_ended"]
    assert noting.of("rpc_begun")[0].operation == "get-config"
    sent = noting.of("message_sent")[1]
    assert sent.body is None
    assert sent.size > len(GET)


def test_a_timeout_is_told_as_given_up(peer, noting):
    session = peer.opened(observers=[noting])
    with pytest.raises(RPCTimeoutError):
        session.rpc("<get/>", 0.05)
    (ended,) = noting.of("rpc_ended")
    assert ended.outcome == "given up"
    assert ended.operation == "get"


def test_a_stream_that_is_closed_early_is_told_as_given_up(peer, noting):
    session = peer.opened(observers=[noting])
    peer.script(peer.begin_reply, b"<data>" + b"x" * 100_000)
    stream = session.stream("<get/>")
    stream.close()
    assert [rpc.outcome for rpc in noting.of("rpc_ended")] == ["given up"]


def test_rpcs_under_way_fail_with_the_cause(peer, noting):
    session = peer.opened(observers=[noting])
    future = session.submit("<get/>")
    peer.hang_up()
    cause = future.exception(20)
    (ended,) = noting.of("rpc_ended")
    assert ended.outcome == "failed"
    assert ended.error is cause


def test_a_reply_that_is_not_utf_8_fails_its_rpc(peer, noting):
    session = peer.opened(observers=[noting])
    peer.script(peer.reply, b"<x>\xff</x>")
    future = session.submit("<get/>")
    assert isinstance(future.exception(20), MessageDecodeError)
    (ended,) = noting.of("rpc_ended")
    assert isinstance(ended.error, MessageDecodeError)


def test_what_was_not_sent_is_told_as_unsent(peer, noting):
    session = peer.opened(
        ncwire.Timeouts(rpc=0.05), observers=[noting], limits=ncwire.Limits(send_queue=100_000)
    )
    large = f"<a>{'x' * 90_000}</a>"

    def send_on():
        while True:
            session.submit(large)

    with pytest.raises(ncwire.SendQueueFullError):
        send_on()
    assert noting.of("rpc_ended")[-1].outcome == "unsent"


def test_a_message_that_the_framing_cannot_carry_is_not_told_of(peer, noting):
    session = peer.opened(observers=[noting])
    with pytest.raises(ncwire.UnsendableMessageError):
        session.rpc("<a><!-- ]]>]]> --></a>")
    assert noting.of("rpc_begun") == []


def test_keepalives_are_told_of(connect_over_ssh, noting):
    with connect_over_ssh(observers=[noting], keepalive=0.05) as session:
        noting.wait_for("keepalive_sent")
        session.set_keepalive(None)
        session.set_keepalive(0.05)
        before = len(noting.of("keepalive_sent"))
        noting.wait_for("keepalive_sent", before + 2)


def test_the_steps_of_ssh_have_their_times(connect_over_ssh, noting):
    with connect_over_ssh(observers=[noting]) as session:
        steps = noting.of("connect_step")
        (end,) = noting.of("connect_ended")
    assert [step.name for step in steps] == [
        *("TCP connect", "SSH handshake", "host key", "authentication", "channel", "hello"),
    ]
    assert all(step.error is None for step in steps)
    assert sum(step.seconds for step in steps) <= end.seconds
    assert (end.session.host, end.session.port) == (session.host, session.port)


def test_the_step_that_failed_says_why(noting):
    with EmbeddedServer() as server, pytest.raises(ncwire.SSHUnknownHostError) as raised:
        ncwire.connect(server.host, port=server.port, observers=[noting], known_hosts=[])
    failed = noting.of("connect_step")[-1]
    assert (failed.name, failed.error) == ("host key", raised.value)
    assert noting.of("connect_ended")[0].error is raised.value
    assert len(noting.of("ended")) == 1


def test_a_connect_that_is_refused_is_told_of(noting, tmp_path):
    with pytest.raises(ConnectError):
        ncwire.connect(
            None,
            driver="unix",
            driver_options={"path": str(tmp_path / "none")},
            observers=[noting],
        )
    assert noting.names() == ["connect_begun", "connect_step", "ended", "connect_ended"]


class _Failing(Observer):
    def message_received(self, message):
        raise SystemExit


def test_what_an_observer_raises_is_logged_and_stays_there(connect, noting, caplog):
    with caplog.at_level(logging.ERROR, "ncwire.observe"):  # noqa: SIM117 - one is read after
        with connect(observers=[_Failing(), noting]) as session:
            assert session.rpc(GET).ok
    assert "an observer failed in message_received" in caplog.text
    assert len(noting.of("message_received")) == 3


def test_observers_of_all_hear_sessions_that_connect_from_then_on(connect, noting):
    with connect():
        add(noting)
        add(noting)
        try:
            with connect() as session:
                session.rpc(GET)
        finally:
            remove(noting)
        with connect():
            pass
    assert len(noting.of("connect_begun")) == 1
    assert len(noting.of("rpc_begun")) == 2


def test_a_profile_has_observers(connect, noting):
    own = Noting()
    profile = DeviceProfile(name="lab", driver=("unix",), observers=(noting,))
    with connect(profile=profile, observers=[own]):
        pass
    assert noting.names() == own.names() != []


def test_a_lenient_profiles_messages_are_told_of(connect, noting):
    with connect(profile="huawei", observers=[noting]) as session:
        session.rpc(GET)
    assert [each.kind for each in noting.of("message_received")][:2] == ["hello", "rpc-reply"]


def test_what_is_no_observer_is_refused():
    with pytest.raises(
        OptionError, match=r"observers: must be objects of ncwire\.observe\.Observer"
    ):
        ncwire.SSHSession(observers=[print])
    with pytest.raises(OptionError, match="must be a sequence"):
        ncwire.SSHSession(observers=print)
    with pytest.raises(OptionError):
        add(print)
    with pytest.raises(ProfileError, match="observers"):
        DeviceProfile(name="lab", observers=(print,))


def test_the_end_is_told_once_where_a_listener_holds_up_the_session(peer, noting):
    entered, released = threading.Event(), threading.Event()

    class Holding(ncwire.SessionListener):
        def callback(self, root, raw):
            entered.set()
            released.wait(20)

        def errback(self, error):
            pass

    session = peer.opened(ncwire.Timeouts(close=0.05), observers=[noting])
    session.add_listener(Holding())
    peer.script(peer.reply, b"<ok/>")
    session.submit("<get/>").result(20)
    entered.wait(20)
    session.close()
    released.set()
    session.join(20)
    assert not session.is_alive()
    assert len(noting.of("ended")) == 1


def test_an_inventory_passes_observers_on(server, noting, tmp_path):
    file = tmp_path / "ncwire.toml"
    options = f'[devices.r1.driver_options.unix]\npath = "{server.path}"\n'
    file.write_text(f'[devices.r1]\ndriver = "unix"\n{options}')
    with ncwire.Inventory.load(file).connect("r1", observers=[noting]) as session:
        session.rpc(GET)
    assert len(noting.of("rpc_ended")) == 2


def test_sessions_on_a_hub_are_told_of(connect, noting):
    with ncwire.Hub() as hub:
        with connect(hub=hub, observers=[noting]) as session:
            session.rpc(GET)
        noting.has_ended.wait(20)
    assert noting.names()[-5:] == [
        *("rpc_begun", "message_sent", "message_received", "rpc_ended", "ended"),
    ]


@pytest.mark.parametrize("given", [{}, {"sink": lambda _: None}])
def test_what_an_observer_does_with_a_reply_is_not_counted_as_the_devices_time(
    connect, noting, given
):
    came = []

    class Slow(Observer):
        def message_received(self, message):
            if message.kind == "rpc-reply":
                came.append(time.monotonic())
                threading.Event().wait(0.05)

    with connect(observers=[Slow(), noting]) as session:
        begun = time.monotonic()
        session.rpc(GET, **given)
        assert 0 < noting.of("rpc_ended")[0].seconds <= came[0] - begun
