"""The libssh2 driver, and servers that send what libssh2 cannot bear (docs: vulnerabilities)."""

from __future__ import annotations

import dataclasses
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest
from libssh2_rig import MODERN, StubServer, in_child, log_in, nothing_left, soon

from interrupting import raising
from ncwire.driver import ChannelRequest, NoneAttempt
from ncwire.errors import HandshakeError, StepTimeoutError
from ncwire_libssh2 import Libssh2Driver
from ncwire_libssh2.aside import NAME
from servers.hostile_ssh import MOST, ext_info, sending
from servers.plain_ssh import IDENTIFICATION, kexinit, packet

ENDLESS = sending(ext_info(MOST))
GROUP_EXCHANGE = "diffie-hellman-group-exchange-sha256"


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes128-ctr"])
def test_nothing_encrypted_is_heard_before_the_host_key_was_judged(cipher):
    offer = dataclasses.replace(MODERN, ciphers=(cipher,))
    with StubServer(transport=ENDLESS) as server, nothing_left():
        driver = Libssh2Driver()
        began = time.monotonic()
        presented = driver.handshake(server.client_socket, offer, soon(20))
        assert time.monotonic() - began < 20
        assert presented.blob == server.transport.get_server_key().asbytes()
        driver.abort()


def refused(*said: bytes, offer=MODERN) -> HandshakeError:
    """Return how a handshake fails with a server that says this much and then waits."""
    ours, theirs = socket.socketpair()
    driver = Libssh2Driver()
    with theirs, nothing_left():
        for each in said:
            theirs.sendall(each)
        with pytest.raises(HandshakeError) as raised:
            driver.handshake(ours, offer, soon(20, "SSH handshake"))
        driver.abort()
    return raised.value


@pytest.mark.parametrize("number", [5, 6, 7, 20, 50, 80, 100, 192, 255])
def test_a_message_out_of_place_in_the_plain_handshake_is_refused(number):
    said = packet(bytes([number]) + b"\xff" * 40)
    error = refused(IDENTIFICATION, packet(kexinit()), said)
    assert f"message {number} " in str(error)


@pytest.mark.parametrize("number", [0, 5, 6, 7, 21, 30, 31, 50, 80])
def test_what_comes_in_place_of_the_servers_offer_is_refused(number):
    error = refused(IDENTIFICATION, packet(bytes([number]) + b"\xff" * 40))
    assert f"message {number} " in str(error)


def test_a_packet_without_a_message_is_refused():
    error = refused(IDENTIFICATION, b"\0\0\0\x0c\x0b" + bytes(11))
    assert "malformed" in str(error)


@pytest.mark.parametrize("bits", [1024, 8193, 270_000])
def test_a_group_of_a_size_that_was_not_asked_for_is_refused(bits):
    offer = dataclasses.replace(MODERN, kex=(GROUP_EXCHANGE,))
    prime = (1 << (bits - 1) | 1).to_bytes(bits // 8 + 1, "big")
    group = b"\x1f" + len(prime).to_bytes(4, "big") + prime + b"\0\0\0\x01\x02"
    error = refused(
        IDENTIFICATION, packet(kexinit(kex=GROUP_EXCHANGE)), packet(group), offer=offer
    )
    assert "group" in str(error)
    assert str(bits) in str(error)


def test_a_group_that_is_cut_off_is_refused():
    offer = dataclasses.replace(MODERN, kex=(GROUP_EXCHANGE,))
    error = refused(
        IDENTIFICATION,
        packet(kexinit(kex=GROUP_EXCHANGE)),
        packet(b"\x1f\0\0\xff\xff\x7f"),
        offer=offer,
    )
    assert "malformed" in str(error)


@pytest.mark.parametrize("name", ["ext-info-c", "kex-strict-c-v00@openssh.com"])
def test_a_server_that_offers_only_an_extension_as_its_key_exchange_crashes_nothing(name):
    told = in_child(
        """
        import socket, sys
        sys.path.insert(0, sys.argv[2])
        from libssh2_rig import MODERN, soon
        from ncwire.errors import NoCommonAlgorithmError
        from ncwire_libssh2 import Libssh2Driver
        from servers.plain_ssh import IDENTIFICATION, kexinit, packet

        ours, theirs = socket.socketpair()
        theirs.sendall(IDENTIFICATION + packet(kexinit(kex=sys.argv[1])))
        driver = Libssh2Driver()
        try:
            driver.handshake(ours, MODERN, soon(20))
        except NoCommonAlgorithmError as error:
            print(error.kind)
        driver.abort()
        """,
        name,
        __file__.rpartition("/")[0],
    )
    assert told == "kex\n"


def test_all_that_is_heard_before_the_judgement_is_bounded():
    ours, theirs = socket.socketpair()

    def flood():
        with suppress(OSError):
            theirs.sendall(IDENTIFICATION)
            while True:
                theirs.sendall(packet(b"\x02\0\0\x70\0" + bytes(0x7000)))

    thread = threading.Thread(target=flood)
    driver = Libssh2Driver()
    with theirs:
        thread.start()
        with pytest.raises(HandshakeError, match="more data than a handshake can need"):
            driver.handshake(ours, MODERN, soon(60))
        driver.abort()
        thread.join(10)


BUSY_FOR_SECONDS = sending(ext_info(150_000_000))


def test_the_deadline_holds_though_libssh2_is_kept_busy_and_the_error_says_so():
    with StubServer(transport=BUSY_FOR_SECONDS) as server, nothing_left():
        driver = Libssh2Driver()
        driver.handshake(server.client_socket, MODERN, soon(20))
        began = time.monotonic()
        with pytest.raises(StepTimeoutError, match="libssh2 is still busy"):
            driver.authenticate(NoneAttempt("u"), soon(0.2))
        driver.abort()
        assert time.monotonic() - began < 2
        (busy,) = (each for each in threading.enumerate() if each.name == NAME)
        busy.join(60)
        assert not busy.is_alive()


def test_a_process_ends_though_libssh2_is_kept_busy():
    told = in_child(
        """
        import sys, time
        sys.path[:0] = [sys.argv[1]]
        from libssh2_rig import MODERN, StubServer, soon
        from ncwire.driver import NoneAttempt
        from ncwire.errors import StepTimeoutError
        from ncwire_libssh2 import Libssh2Driver
        from servers.hostile_ssh import MOST, ext_info, sending

        with StubServer(transport=sending(ext_info(MOST))) as server:
            driver = Libssh2Driver()
            driver.handshake(server.client_socket, MODERN, soon(20))
            try:
                driver.authenticate(NoneAttempt("u"), soon(0.2))
            except StepTimeoutError:
                print("in time")
            driver.abort()
        """,
        __file__.rpartition("/")[0],
        seconds=20,
    )
    assert told == "in time\n"


@pytest.mark.exhaustive
def test_an_interrupt_leaves_a_call_that_keeps_libssh2_busy():
    with StubServer(transport=BUSY_FOR_SECONDS) as server, nothing_left():
        driver = Libssh2Driver()
        driver.handshake(server.client_socket, MODERN, soon(20))
        # No SIGINT, which a run in the background ignores.
        interrupt = threading.Timer(0.5, signal.raise_signal, [signal.SIGUSR2])
        interrupt.start()
        with raising(KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            driver.authenticate(NoneAttempt("u"), soon(60))
        driver.abort()
        interrupt.join()
        (busy,) = (each for each in threading.enumerate() if each.name == NAME)
        busy.join(60)
        assert not busy.is_alive()


def test_no_thread_stays_once_the_channel_is_open():
    with StubServer() as server:
        driver = log_in(server)
        channel = driver.open_channel(ChannelRequest("netconf"), {}, soon())
        server.channel()
        assert NAME not in {each.name for each in threading.enumerate()}
        channel.abort()
