"""The listener: who is let in, how many at a time, what is handed out, and how it closes."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import math
import os
import queue
import socket
import threading
from contextlib import contextmanager

import pytest
from scripted_driver import HOST_KEY, scripted

import ncwire
from children import QUICK, in_child, living_child
from children import refusal as refused
from ncwire._algorithms.policy import AlgorithmPolicy
from ncwire._ssh.route.sockets import Address
from ncwire.callhome import CallHomeSession, Device, listen
from ncwire.callhome.call import Call, Terms
from ncwire.callhome.devices import Devices
from ncwire.driver import Algorithms, Driver, Feature, HostKey, PasswordAttempt, Timeouts
from ncwire.errors import (
    AuthenticationError,
    HandshakeError,
    HelloMissingError,
    HelloTimeoutError,
    InvalidDriverError,
    ListenError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
    UnknownDeviceError,
    UnsupportedOption,
)
from ncwire.testing.conformance.resources import Resources, left_since

pytestmark = pytest.mark.usefixtures("home")

PATIENCE = 20
BASE = "urn:ietf:params:netconf:base:1.0"
OTHER_KEY = HostKey.from_blob(HOST_KEY.blob[:-1] + b"\1")
HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id>"
    b"</hello>]]>]]>"
)


def device(name="r1", key=HOST_KEY, **more):
    login = {"password": "right", "allow_agent": False, "look_for_keys": False}
    return Device(name=name, host_keys=key, **(login | more))


@pytest.fixture(autouse=True)
def _nothing_left(home, caplog):
    before = Resources.now()
    yield
    assert left_since(before, PATIENCE) == ""
    # What close says when it was not in time.
    assert not [each for each in caplog.get_records("call") if "did not end" in each.message]


@pytest.fixture
def opened():
    """Make listeners; `refused` has what they refused."""
    refused = queue.Queue()
    listeners = []

    def make(driver=None, devices=None, **more):
        more = {"address": "127.0.0.1", "port": 0, "on_refused": refused.put} | more
        listeners.append(listen(devices or [device()], driver=driver or scripted(), **more))
        return listeners[-1]

    make.refused = refused
    yield make
    for listener in listeners:
        listener.close()


@pytest.fixture
def dial():
    """Call a listener, as a device that says its hello at once."""
    sockets = []

    def dial(listener, says=HELLO, source=None):
        sock = socket.create_connection(
            ("127.0.0.1", listener.port), PATIENCE, (source, 0) if source else None
        )
        sock.sendall(says)
        sockets.append(sock)
        return sock

    yield dial
    for sock in sockets:
        sock.close()


class Gate:
    """Holds a step until it is opened; `entered` counts who is or was held."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self):
        self.entered.release()
        assert self.opened.wait(PATIENCE)

    def wait_for(self, number=1):
        for _ in range(number):
            assert self.entered.acquire(timeout=PATIENCE)


def refusal(opened):
    return opened.refused.get(timeout=PATIENCE)


def ended(sock):
    """Whether the listener has hung up, without a word of NETCONF."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


# --- sessions ----------------------------------------------------------------------------------


def test_a_call_becomes_a_session_that_tells_who_called(opened, dial):
    listener = opened()
    sock = dial(listener)
    with listener.accept(PATIENCE) as session:
        assert isinstance(session, ncwire.SSHSession)
        assert (session.device, session.host, session.port) == ("r1", "r1", None)
        assert session.peer.sockaddr == sock.getsockname()
        assert (session.connected, session.id) == (True, "7")
        assert session.channel_info.library == "scripted"
        ours = session.transport.sock
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not ours.get_inheritable()
        sock.close()


def test_the_identified_devices_parameters_are_used(opened, dial):
    driver = scripted(subsystems=["xmlagent"], password="second", host_key=OTHER_KEY)
    listener = opened(
        driver,
        [
            device(username="a", password="first"),
            device(
                "r2", OTHER_KEY, username="b", password="second", environment={"A": "1"},
                subsystems=["netconf", "xmlagent"], capabilities=[BASE, "urn:example:mine"],
                timeouts=Timeouts(rpc=1.5),
            ),
        ],
    )  # fmt: skip
    sock = dial(listener)
    session = listener.accept(PATIENCE)
    transport = session.transport
    assert session.device == "r2"
    [attempt] = transport.attempts
    assert attempt == PasswordAttempt("b", "second")
    assert transport.environment == {"A": "1"}
    assert list(session.client_capabilities) == [BASE, "urn:example:mine"]
    with pytest.raises(ncwire.NcwireError, match=r"within 1\.5 s"):
        session.rpc("<get/>")
    session.close()
    sock.close()


def test_key_types_of_all_devices_are_preferred(opened, dial):
    rsa = HostKey.from_blob(b"\0\0\0\x07ssh-rsa" + bytes(9))
    listener = opened(devices=[device(), device("r2", rsa)])
    dial(listener)
    session = listener.accept(PATIENCE)
    preferred = session.transport.offered.host_keys[:3]
    assert set(preferred) == {"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"}
    session.close()


@pytest.mark.parametrize(
    "algorithms",
    [
        Algorithms(ciphers=("aes256-ctr",)),
        AlgorithmPolicy(prefer=Algorithms(ciphers=("aes256-ctr",))),
    ],
    ids=["exactly", "policy"],
)
def test_the_algorithms_offered_are_the_listeners(opened, dial, algorithms):
    listener = opened(algorithms=algorithms)
    dial(listener)
    session = listener.accept(PATIENCE)
    assert session.transport.offered.ciphers[0] == "aes256-ctr"
    session.close()


def test_a_device_that_calls_again_has_two_sessions(opened, dial):
    listener = opened()
    dial(listener)
    dial(listener)
    both = [listener.accept(PATIENCE) for _ in range(2)]
    assert [session.connected for session in both] == [True, True]
    for session in both:
        session.close()


def test_sessions_that_were_handed_over_outlive_the_listener(opened, dial):
    listener = opened()
    dial(listener)
    session = listener.accept(PATIENCE)
    listener.close()
    assert session.connected
    session.close()


def test_what_ends_a_call_leaves_its_session_alone(incoming):
    call, peer, devices = incoming
    peer.sendall(HELLO)
    session = call.answer(devices)
    call.abort()
    assert session.connected
    session.close()


def test_a_call_without_its_hello_is_ended_by_its_session(incoming):
    call, peer, devices = incoming

    def answer():
        with pytest.raises(SessionCloseError):
            call.answer(devices)

    # The session serialises all use of the channel: no other may free it while that goes on.
    answering = threading.Thread(target=answer)
    answering.start()
    while b"]]>]]>" not in peer.recv(1 << 16):
        pass
    [session] = _threads(lambda thread: isinstance(thread, CallHomeSession))
    call.abort()
    answering.join(PATIENCE)
    assert not answering.is_alive()
    assert isinstance(session.cause, SessionCloseError)
    assert session.cause.closed_by == "us"


@pytest.fixture
def incoming():
    """A call, its peer, and the devices that it may be of."""
    terms = Terms(scripted(), Timeouts(), None)
    devices = Devices([device()], terms.timeouts, terms.driver)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname(), PATIENCE) as peer,
    ):
        sock, address = listening.accept()
        yield Call(sock, Address(sock.family, address), terms), peer, devices


def test_iterating_ends_when_another_thread_closes(opened, dial):
    listener = opened()
    dial(listener)
    seen = []
    for session in listener:
        seen.append(session.device)
        session.close()
        closer = threading.Thread(target=listener.close)
        closer.start()
    closer.join(PATIENCE)
    assert seen == ["r1"]


def test_accept_waits_no_longer_than_it_is_told(opened):
    listener = opened()
    with pytest.raises(StepTimeoutError, match=r"waiting for a call: not done within 0\.01 s"):
        listener.accept(0.01)
    listener.close()
    with pytest.raises(ListenError, match="closed"):
        listener.accept()


def test_update_changes_who_may_call(opened, dial):
    listener = opened(devices=[device("r2", OTHER_KEY)])
    dial(listener)
    assert isinstance(refusal(opened).error, UnknownDeviceError)
    with pytest.raises(OptionError):
        listener.update([])
    listener.update([device("r1")])
    dial(listener)
    session = listener.accept(PATIENCE)
    assert session.device == "r1"
    session.close()


# --- callbacks ---------------------------------------------------------------------------------


def test_a_callback_gets_the_sessions_and_accept_none(opened, dial):
    sessions = queue.Queue()
    listener = opened(
        on_session=lambda session: sessions.put((session, threading.current_thread()))
    )
    with pytest.raises(OptionError, match="on_session"):
        listener.accept()
    dial(listener)
    session, thread = sessions.get(timeout=PATIENCE)
    assert (session.device, session.connected) == ("r1", True)
    assert thread.name.startswith("ncwire-call-127.0.0.1:")
    session.close()


def test_a_callback_at_work_holds_up_neither_calls_nor_close(opened, dial):
    gate, sessions = Gate(), queue.Queue()

    def at_work(session):
        sessions.put(session)
        gate()

    listener = opened(on_session=at_work, concurrency=1)
    for _ in range(3):
        dial(listener)
    gate.wait_for(3)
    listener.close()
    gate.opened.set()
    for _ in range(3):
        session = sessions.get()
        assert session.connected
        session.close()


def test_what_a_callback_raises_is_logged_and_ends_its_session_only(opened, dial, caplog):
    sessions = queue.Queue()

    def fail(session):
        sessions.put(session)
        raise ZeroDivisionError("the user's own")

    listener = opened(on_session=fail)
    first = dial(listener)
    assert sessions.get(timeout=PATIENCE)
    while first.recv(1 << 16):  # our hello, then the end
        pass
    assert "ZeroDivisionError: the user's own" in caplog.text
    dial(listener)
    assert sessions.get(timeout=PATIENCE)


def test_what_on_refused_raises_is_logged(opened, dial, caplog):
    refused = queue.Queue()

    def fail(refusal):
        refused.put(refusal)
        raise ZeroDivisionError("the user's own")

    listener = opened(devices=[device("r2", OTHER_KEY)], on_refused=fail)
    for _ in range(2):
        assert ended(dial(listener))
        assert refused.get(timeout=PATIENCE)
    listener.close()
    assert "ZeroDivisionError: the user's own" in caplog.text


def test_a_refusal_is_logged_when_there_is_no_callback_to_tell(opened, dial):
    records = queue.Queue()
    handler = logging.handlers.QueueHandler(records)
    handler.setLevel(logging.WARNING)
    logging.getLogger("ncwire.callhome").addHandler(handler)
    listener = opened(devices=[device("r2", OTHER_KEY)], on_refused=None)
    host, port = dial(listener).getsockname()
    assert records.get(timeout=PATIENCE).getMessage() == (
        f"call from {host}:{port} refused: no device has the host key ssh-ed25519 "
        f"{HOST_KEY.sha256}"
    )
    logging.getLogger("ncwire.callhome").removeHandler(handler)


# --- refusals ----------------------------------------------------------------------------------


def test_a_key_of_no_device_is_refused_before_authentication(opened, dial):
    drivers = []

    class Watched(scripted()):
        contract = (1, 0)

        def __init__(self):
            super().__init__()
            drivers.append(self)

    listener = opened(Watched, [device("r2", OTHER_KEY)])
    sock = dial(listener)
    assert ended(sock)
    told = refusal(opened)
    assert isinstance(told.error, UnknownDeviceError)
    assert (told.device, told.peer.sockaddr) == (None, sock.getsockname())
    assert set(drivers[0].calls) == {"handshake", "abort"}


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        ({"password": "another"}, AuthenticationError),
        ({"on": {"open_channel": lambda: 1 / 0}}, InvalidDriverError),
    ],
    ids=["authentication", "driver"],
)
def test_what_fails_after_identification_tells_the_device(opened, dial, server, kind):
    listener = opened(scripted(**server))
    assert ended(dial(listener))
    told = refusal(opened)
    assert isinstance(told.error, kind)
    assert told.device == "r1"
    assert str(told).startswith("call of r1 from 127.0.0.1:")
    assert "right" not in str(told)


def test_what_a_driver_raises_when_it_is_made_ends_one_call(opened, dial):
    class Broken(scripted()):
        contract = (1, 0)

        def __init__(self):
            raise ZeroDivisionError

    listener = opened(Broken)
    assert ended(dial(listener))
    assert isinstance(refusal(opened).error, InvalidDriverError)


def test_what_an_auth_handler_raises_ends_one_call(opened, dial):
    def fail(title, instruction, prompts):
        raise ZeroDivisionError

    driver = scripted(steps=[frozenset({"keyboard-interactive"})])
    listener = opened(driver, [device(password=None, auth_handler=fail)])
    for _ in range(2):
        assert ended(dial(listener))
        assert isinstance(refusal(opened).error, ZeroDivisionError)


def test_a_peer_without_hello_is_refused_in_time(opened, dial):
    listener = opened(timeouts=Timeouts(hello=0.05))
    dial(listener, says=b"")
    assert isinstance(refusal(opened).error, HelloTimeoutError)


def test_a_peer_that_ends_instead_of_a_hello_is_refused(opened, dial):
    listener = opened()
    dial(listener, says=b"").close()
    assert isinstance(refusal(opened).error, HelloMissingError)


def test_a_session_that_ended_before_it_was_taken_is_told_of(opened, dial):
    listener = opened()
    doomed = dial(listener)
    while b"]]>]]>" not in doomed.recv(1 << 16):  # our hello: there is a session
        pass
    [answering] = _threads(lambda thread: thread.name.startswith("ncwire-call-")) or [None]
    if answering is not None:
        answering.join(PATIENCE)
    [session] = _threads(lambda thread: isinstance(thread, CallHomeSession))
    doomed.close()
    session.join(PATIENCE)
    dial(listener)
    with listener.accept(PATIENCE) as session:
        assert session.connected
        session.close()
    told = refusal(opened)
    assert (told.device, told.peer.sockaddr[0]) == ("r1", "127.0.0.1")
    assert isinstance(told.error, SessionCloseError)


def _threads(wanted):
    return [thread for thread in threading.enumerate() if wanted(thread)]


# --- limits ------------------------------------------------------------------------------------


def test_a_source_has_half_of_what_is_answered_at_one_time(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=4, backlog=1)
    for _ in range(2):
        dial(listener)
    gate.wait_for(2)
    dial(listener)  # waits
    dial(listener)  # is one too many
    assert "1 others are waiting" in str(refusal(opened).error)
    dial(listener, source="127.0.0.2")
    # The one that waits has lost its place only if another source's may not be answered.
    gate.wait_for(1)
    assert opened.refused.empty()
    gate.opened.set()
    sessions = [listener.accept(PATIENCE) for _ in range(4)]
    for session in sessions:
        session.close()


def test_no_more_are_answered_at_one_time_than_said(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=2, backlog=3)
    dial(listener, source="127.0.0.1")
    dial(listener, source="127.0.0.2")
    gate.wait_for(2)
    for _ in range(4):
        dial(listener, source="127.0.0.3")
    assert "3 others are waiting" in str(refusal(opened).error)
    gate.opened.set()
    sessions = [listener.accept(PATIENCE) for _ in range(5)]
    for session in sessions:
        session.close()


def test_a_call_that_waits_too_long_for_its_turn_is_refused(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=1, timeout=0.2)
    dial(listener)
    gate.wait_for(1)
    waiting = dial(listener)
    told = refusal(opened)
    assert str(told.error) == "waiting for its turn: not done within 0.2 s"
    assert told.peer.sockaddr == waiting.getsockname()
    assert ended(waiting)
    gate.opened.set()
    assert isinstance(refusal(opened).error, StepTimeoutError)


def test_sessions_that_are_not_taken_hold_up_further_calls(opened, dial):
    listener = opened(backlog=1, concurrency=1)
    first = dial(listener)
    while b"]]>]]>" not in first.recv(1 << 16):
        pass
    dial(listener)  # waits until the first is taken
    dial(listener)
    assert "1 others are waiting" in str(refusal(opened).error)
    for _ in range(2):
        listener.accept(PATIENCE).close()


def test_a_port_scan_leaves_nothing_and_stops_nothing(opened, dial):
    def hung_up():
        raise HandshakeError("SSH handshake: the server hung up")

    driver = scripted(on={"handshake": hung_up})
    listener = opened(driver)
    for _ in range(100):
        dial(listener).close()
    for _ in range(100):
        assert isinstance(refusal(opened).error, HandshakeError)
    driver.server.on.clear()
    dial(listener)
    listener.accept(PATIENCE).close()


# --- close -------------------------------------------------------------------------------------


@contextmanager
def closed_within(seconds=PATIENCE):
    """What is inside closes, in a thread, and that ends."""
    threads = []

    def start(close):
        threads.append(threading.Thread(target=close))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive()


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_close_ends_a_call_in_any_step(opened, dial, step):
    gate = Gate()
    # As a library's call does whose socket is shut down.
    listener = opened(scripted(on={step: gate, "abort": gate.opened.set}))
    sock = dial(listener)
    gate.wait_for(1)
    listener.close()
    assert ended(sock)
    assert opened.refused.empty()


def test_close_ends_a_call_that_waits_for_its_hello(opened, dial):
    listener = opened()
    sock = dial(listener, says=b"")
    while b"]]>]]>" not in sock.recv(1 << 16):
        pass
    listener.close()
    assert ended(sock)


def test_close_ends_calls_that_wait_and_sessions_that_were_not_taken(opened, dial):
    gate = Gate()
    driver = scripted()
    listener = opened(driver, concurrency=1)
    untaken = dial(listener)
    while b"]]>]]>" not in untaken.recv(1 << 16):
        pass
    driver.server.on.update(handshake=gate, abort=gate.opened.set)
    dial(listener)
    gate.wait_for(1)
    waiting = dial(listener)
    listener.close()
    assert ended(waiting)
    assert ended(untaken)


def test_close_is_idempotent_and_may_come_from_several_threads(opened):
    listener = opened()
    with closed_within() as close:
        for _ in range(5):
            close(listener.close)
    listener.close()


@pytest.mark.parametrize("callback", ["on_session", "on_refused"])
def test_close_may_come_from_a_callback(opened, dial, callback):
    closed = queue.Queue()

    def close(told):
        if callback == "on_session":
            told.close()
        listener.close()
        closed.put(True)

    key = HOST_KEY if callback == "on_session" else OTHER_KEY
    listener = opened(devices=[device(key=key)], **{callback: close})
    dial(listener)
    assert closed.get(timeout=PATIENCE)
    with pytest.raises(OSError, match=r"refused"):
        dial(listener)


def test_a_listener_ends_with_its_block(opened):
    with opened() as listener:
        pass
    with pytest.raises(ListenError):
        listener.accept()


# --- what is refused beforehand ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("port", -1), ("port", 65536), ("port", "4334"), ("port", True), ("concurrency", 0),
        ("backlog", 0), ("on_session", 7), ("on_refused", 7), ("timeout", 0), ("timeout", "x"),
        ("timeouts", 7), ("algorithms", 7), ("address", 7),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(opened, parameter, value):
    with pytest.raises(OptionError, match=parameter):
        opened(**{parameter: value})


def test_algorithms_that_the_driver_has_not_are_refused(opened):
    with pytest.raises(UnsupportedOption, match=r"algorithms\.ciphers"):
        opened(algorithms=Algorithms(ciphers=("aes128-cbc",)))


def test_a_driver_that_hands_over_no_host_key_cannot_listen(opened):
    driver = scripted()
    driver.features = frozenset({Feature.SOCKET, Feature.PASSWORD})
    with pytest.raises(UnsupportedOption, match=r"callhome\.listen; these drivers do: .*paramiko"):
        opened(driver)


def test_a_driver_that_takes_no_socket_cannot_listen(opened):
    driver = scripted()
    driver.features = frozenset({Feature.HOST_KEY, Feature.PASSWORD})
    with pytest.raises(UnsupportedOption, match="sock"):
        opened(driver)


def test_a_driver_that_does_all_in_one_step_cannot_listen(opened):
    class AllInOne(Driver):
        name = "all-in-one"
        contract = (1, 0)
        features = frozenset({Feature.HOST_KEY, Feature.SOCKET, Feature.PASSWORD})

        @classmethod
        def library(cls):
            return "none"

        def connect(self, options, deadline):
            raise AssertionError

        def abort(self):
            raise AssertionError

    with pytest.raises(UnsupportedOption, match="SSHDriver"):
        opened(AllInOne)


def test_import_ncwire_is_enough():
    assert ncwire.callhome.listen is listen
    assert ncwire.callhome.PORT == 4334


# --- forks ------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_in_a_forked_child_the_listener_is_closed_and_the_parents_listens_on(opened, dial):
    listener = opened()
    dial(listener)
    port = listener.port

    def child():
        calls = [
            refused(listener.accept),
            refused(lambda: list(listener)),
            refused(listener.close),
        ]
        with contextlib.closing(socket.socket()) as sock:
            return calls, sock.connect_ex(("127.0.0.1", port))

    calls, reached = in_child(child)
    assert [kind for kind, _, _ in calls] == ["ListenError", "", ""]
    assert "this process was forked" in calls[0][1]
    assert max(seconds for _, _, seconds in calls) < QUICK
    assert reached == 0
    with listener.accept(PATIENCE) as session:
        assert session.connected
        assert in_child(lambda: session.cause.closed_by) == "fork"
        assert session.connected
        session.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_port_is_free_when_the_parent_closes_though_a_child_lives(opened):
    listener = opened()
    port = listener.port
    with living_child():
        listener.close()
        with contextlib.closing(socket.socket()) as sock:
            assert sock.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("seconds", ["5", -1, math.nan, math.inf, True])
def test_accept_refuses_what_is_no_number_of_seconds(opened, seconds):
    listener = opened()
    with pytest.raises(OptionError, match=r"timeout: .* is no number of seconds, from 0"):
        listener.accept(seconds)
    with pytest.raises(StepTimeoutError):
        listener.accept(0)
