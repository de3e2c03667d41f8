"""What the libssh2 driver sees of the plain part of a handshake, however it arrives."""

from __future__ import annotations

import dataclasses
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libssh2_rig import MODERN, nothing_left, soon

from ncwire.errors import HandshakeError, NoCommonAlgorithmError, StepTimeoutError
from ncwire_libssh2 import Libssh2Driver
from servers.plain_ssh import IDENTIFICATION, kexinit, packet

OFFER = packet(kexinit(ciphers_out="arcfour", ciphers_in="arcfour"))
ABOVE_ALL = [packet(b"\x02\0\0\0\x04data"), packet(b"\x04\0" + bytes(8))]  # IGNORE, DEBUG


@contextmanager
def shaking_hands_with(said):
    """Have a server say this much and hang up, and the driver shake hands with it."""
    ours, theirs = socket.socketpair()
    driver = Libssh2Driver()
    with theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        yield driver, ours
        driver.abort()


def failure(said):
    with (
        shaking_hands_with(said) as (driver, ours),
        pytest.raises(HandshakeError, match=r"^SSH handshake: ") as raised,
    ):
        driver.handshake(ours, MODERN, soon())
    return raised.value


@pytest.mark.parametrize(
    "said",
    [
        IDENTIFICATION + OFFER,
        b"Welcome\r\n\r\nto a device\n" + IDENTIFICATION + OFFER,
        b"SSH-2.0-no_carriage_return\n" + OFFER,
        IDENTIFICATION + ABOVE_ALL[0] + ABOVE_ALL[1] + OFFER,
        IDENTIFICATION + OFFER + b"and more",
    ],
)
def test_what_the_server_offers_is_told(said):
    error = failure(said)
    assert isinstance(error, NoCommonAlgorithmError)
    assert error.kind == "ciphers"
    assert error.ours == MODERN
    assert error.theirs.ciphers == ("arcfour",)


def test_it_is_told_whatever_the_pieces():
    ours, theirs = socket.socketpair()

    def drip():
        with suppress(OSError):
            for octet in IDENTIFICATION + OFFER:
                theirs.send(bytes([octet]))

    thread = threading.Thread(target=drip)
    driver = Libssh2Driver()
    with theirs:
        thread.start()
        with pytest.raises(NoCommonAlgorithmError):
            driver.handshake(ours, MODERN, soon())
        driver.abort()
        thread.join(10)


def test_a_server_that_waits_for_our_identification_and_our_offer():
    ours, theirs = socket.socketpair()

    def answer():
        with suppress(OSError), theirs.makefile("rb") as stream:
            stream.readline()
            theirs.sendall(IDENTIFICATION)
            stream.read(int.from_bytes(stream.read(4), "big"))
            theirs.sendall(OFFER)
            stream.read()

    thread = threading.Thread(target=answer)
    driver = Libssh2Driver()
    with theirs:
        thread.start()
        with pytest.raises(NoCommonAlgorithmError):
            driver.handshake(ours, MODERN, soon())
        driver.abort()
        thread.join(10)


@pytest.mark.parametrize(
    "said",
    [
        b"400 Bad Request\r\n\r\n",
        b"SSH-2.0-no_end_of_line",
    ],
)
def test_without_an_identification_the_error_says_so(said):
    assert "no SSH identification came from the server" in str(failure(said))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"x" * 10_000, "longer than 8192 bytes"),
        (b"x\r\n" * 4_000, "not among the first 1024 lines"),
        (b"SSH-2.0-" + b"x" * 10_000, "longer than 8192 bytes"),
        (IDENTIFICATION + b"\xff" * 64, "SSH handshake"),
    ],
)
def test_too_much_is_an_error_though_the_server_goes_on(said, told):
    ours, theirs = socket.socketpair()
    driver = Libssh2Driver()
    with theirs:
        theirs.sendall(said)
        with pytest.raises(HandshakeError, match=told):
            driver.handshake(ours, MODERN, soon())
        driver.abort()


@pytest.mark.parametrize(
    "before",
    [
        b"Welcome\r\n" * 1023,
        (b"x" * 100 + b"\r\n") * 500,
        (b"x" * 8192 + b"\n") * 3,
        b"\xe9t\xe9 \xff\xfe\r\n\x1b[2J\n",
        b"SSH-\r\n",
        b"SSH\n\n\r\n",
    ],
)
def test_lines_before_the_identification_are_passed_over_as_ssh_does(before):
    """RFC 4253 section 4.2; the limits are those of OpenSSH (kex.c, ssh.h)."""
    assert isinstance(failure(before + IDENTIFICATION + OFFER), NoCommonAlgorithmError)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-1.5-old\r\n", "the server speaks SSH 1.5 and not 2.0"),
        (b"SSH-1.3-older\n", "the server speaks SSH 1.3 and not 2.0"),
        (b"Welcome\nSSH-3.0-new\n", "the server speaks SSH 3.0 and not 2.0"),
        (b"SSH-2.0\r\n", "no version can be read"),
        (b"SSH-two-x\r\n", "no version can be read"),
        (b"SSH-2.0-\r\n", "no version can be read"),
        (b"SSH-2.0-" + b"x" * 250 + b"\r\n", "longer than the 255 bytes"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"a line with a \0 in it", "binary"),
        (b"\0" * 50_000, "binary"),
        (b"a carriage return \r in the middle", "binary"),
        (b"SSH-2.0-a\0b\r\n", "binary"),
    ],
)
def test_what_is_no_identification_of_ssh_2_is_an_error_at_once(said, told):
    ours, theirs = socket.socketpair()
    driver = Libssh2Driver()
    with theirs:  # which stays open, and silent
        theirs.sendall(said)
        with pytest.raises(HandshakeError, match=told):
            driver.handshake(ours, MODERN, soon(60))
        driver.abort()


def test_a_server_of_1_99_speaks_2_0_too():
    assert isinstance(failure(b"SSH-1.99-both\r\n" + OFFER), NoCommonAlgorithmError)


def test_a_line_in_pieces_is_looked_at_as_it_comes():
    ours, theirs = socket.socketpair()

    def drip():
        with suppress(OSError):
            for octet in b"a\rb":
                theirs.send(bytes([octet]))

    thread = threading.Thread(target=drip)
    driver = Libssh2Driver()
    with theirs:
        thread.start()
        with pytest.raises(HandshakeError, match="binary"):
            driver.handshake(ours, MODERN, soon(60))
        driver.abort()
        thread.join(10)


def test_the_last_line_before_the_end_is_told():
    error = failure(b"Welcome\r\nNot allowed at \x1b[2Jthis time\r\n")
    assert r"Not allowed at \x1b[2Jthis time" in str(error)
    assert "Welcome" not in str(error)


def test_the_line_that_is_told_is_bounded():
    assert len(str(failure(b"x" * 8000 + b"\r\n"))) < 1000


DISCONNECT = packet(b"\x01\0\0\0\x02\0\0\0\x0ffull \x1b[2J today\0\0\0\0")


@pytest.mark.parametrize("before", [b"", packet(kexinit())])
def test_the_words_of_a_disconnect_are_told(before):
    error = failure(IDENTIFICATION + before + DISCONNECT)
    assert str(error) == r"SSH handshake: the server disconnected: full \x1b[2J today"


@pytest.mark.parametrize(
    "said", [IDENTIFICATION, IDENTIFICATION + packet(kexinit()), IDENTIFICATION + OFFER[:9]]
)
def test_an_end_in_the_key_exchange_is_told_as_one(said):
    assert "the connection was closed by the server" in str(failure(said))


@pytest.mark.parametrize(
    "said",
    [
        OFFER[:3],
        OFFER[:20],
        OFFER[:-1],
        b"\xff\xff\xff\xff" + OFFER[4:],
        bytes(100),
        packet(b"\x14" + bytes(16)),
        packet(kexinit())[:4] + b"\xff" + packet(kexinit())[5:],
        packet(b"\x01\0\0\0\x02\0\0\0\x04full\0\0\0\0"),
    ],
)
def test_what_is_no_offer_is_no_disagreement(said):
    assert not isinstance(failure(IDENTIFICATION + said), NoCommonAlgorithmError)


def test_an_offer_with_which_all_could_agree_is_no_disagreement():
    assert not isinstance(failure(IDENTIFICATION + packet(kexinit())), NoCommonAlgorithmError)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x", IDENTIFICATION, IDENTIFICATION + OFFER[:50]])
def test_the_deadline_holds_wherever_the_server_stops(said):
    ours, theirs = socket.socketpair()
    driver = Libssh2Driver()
    with theirs:
        theirs.sendall(said)
        with pytest.raises(StepTimeoutError):
            driver.handshake(ours, MODERN, soon(0.2))
        driver.abort()


def test_the_deadline_holds_against_a_server_that_only_talks():
    ours, theirs = socket.socketpair()

    def flood():
        with suppress(OSError):
            theirs.sendall(IDENTIFICATION)
            while True:
                theirs.sendall(ABOVE_ALL[0] * 100)

    thread = threading.Thread(target=flood)
    driver = Libssh2Driver()
    with theirs:
        thread.start()
        with pytest.raises(StepTimeoutError):
            driver.handshake(ours, MODERN, soon(0.2))
        driver.abort()
        thread.join(10)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300).map(lambda tail: IDENTIFICATION + tail),
        st.binary(max_size=300).map(lambda payload: IDENTIFICATION + packet(b"\x14" + payload)),
        st.tuples(st.integers(4, len(OFFER) - 1), st.integers(0, 255)).map(
            lambda at: IDENTIFICATION + OFFER[: at[0]] + bytes([at[1]]) + OFFER[at[0] + 1 :]
        ),
        st.binary(max_size=300),
    )
)
def test_garbage_is_a_handshake_error_and_leaves_nothing(said):
    with nothing_left():
        failure(said)


def test_a_server_that_does_not_compress_is_told_from_one_that_does():
    offer = dataclasses.replace(MODERN, compression=("zlib@openssh.com",))
    with (
        shaking_hands_with(IDENTIFICATION + packet(kexinit())) as (driver, ours),
        pytest.raises(NoCommonAlgorithmError) as raised,
    ):
        driver.handshake(ours, offer, soon())
    assert (raised.value.kind, raised.value.theirs.compression) == ("compression", ("none",))
