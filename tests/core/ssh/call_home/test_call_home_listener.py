"""The listener: what becomes of a call, and how its session is handed out."""

from __future__ import annotations

import socket
import threading

import pytest
from calling_home import HELLO, OTHER_KEY, PATIENCE, device, refusal, running
from scripted_driver import scripted

import ncwire
from ncwire._algorithms.policy import AlgorithmPolicy
from ncwire._ssh.route.sockets import Address
from ncwire.callhome import CallHomeSession
from ncwire.callhome.call import Call, Terms
from ncwire.callhome.host_keys import HostKeyDevices
from ncwire.driver import (
    Algorithms,
    DriverOption,
    HostKey,
    OptionKind,
    PasswordAttempt,
    Timeouts,
)
from ncwire.errors import (
    ListenError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
    UnknownDeviceError,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]
BASE = "urn:ietf:params:netconf:base:1.0"


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


@pytest.mark.parametrize("given", [None, {"depth": 5}])
def test_the_driver_has_its_options_as_the_listener_was_told(opened, dial, given):
    told = []

    class Optioned(scripted()):
        contract = (1, 0)
        driver_options = (
            DriverOption(name="depth", kind=OptionKind.INTEGER, meaning="A depth.", default=3),
        )

        def configure(self, options):
            told.append((dict(options), self.calls[:]))

    listener = opened(Optioned, driver_options=given)
    dial(listener)
    with listener.accept(PATIENCE) as session:
        assert session.connected
    assert told == [({"depth": 5 if given else 3}, [])]


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
    [session] = running(lambda thread: isinstance(thread, CallHomeSession))
    call.abort()
    answering.join(PATIENCE)
    assert not answering.is_alive()
    assert isinstance(session.cause, SessionCloseError)
    assert session.cause.closed_by == "us"


@pytest.fixture
def incoming():
    """A call, its peer, and the devices that it may be of."""
    terms = Terms(scripted(), Timeouts(), None)
    devices = HostKeyDevices([device()], terms.timeouts, terms.driver)
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
