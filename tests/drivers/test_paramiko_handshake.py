"""The paramiko driver's handshake: host key, algorithms, and peers that do not play along."""

from __future__ import annotations

import dataclasses
import socket
import struct
import threading
import time
from contextlib import suppress

import pytest
from driving import handshake, log_in, tcp, within

from ncwire.driver import Algorithms, ChannelRequest
from ncwire.errors import HandshakeError, NoCommonAlgorithmError, SSHError, StepTimeoutError
from ncwire_paramiko import ParamikoDriver
from servers import keyring
from servers.plain_ssh import IDENTIFICATION, packet

HOST_KEY_ALGORITHMS = {
    "ed25519": "ssh-ed25519",
    "ecdsa": "ecdsa-sha2-nistp256",
    "rsa": "rsa-sha2-512",
}


@pytest.fixture
def pretender():
    """Play a server by a function of the test's, which is given the accepted socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads = []

    def play(part):
        def serve():
            accepted, _ = listener.accept()
            with accepted, suppress(OSError):
                part(accepted, ended)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return socket.create_connection(listener.getsockname(), 10)

    yield play
    ended.set()
    for thread in threads:
        thread.join(20)
    listener.close()


def silent(accepted, ended):
    ended.wait(60)


def dripping(accepted, ended):
    while not ended.wait(0.05):
        accepted.sendall(b"x\r\n")


def dripping_one_line(accepted, ended):
    while not ended.wait(0.05):
        accepted.sendall(b"x")


def identified_and_silent(accepted, ended):
    accepted.sendall(b"SSH-2.0-Pretender\r\n")
    ended.wait(60)


def flooding(accepted, ended):
    while not ended.is_set():
        accepted.sendall(b"x" * 65536)


@pytest.mark.parametrize("kind", HOST_KEY_ALGORITHMS)
def test_the_host_key_is_the_servers(paramiko_driver, sshd, kind):
    offered = dataclasses.replace(
        paramiko_driver.algorithms, host_keys=(HOST_KEY_ALGORITHMS[kind],)
    )

    key = paramiko_driver.handshake(tcp(sshd), offered, within())

    assert f"{key.type} {key.base64}" == keyring.public(sshd.host_keys[kind])


def test_the_preferred_host_key_type_is_negotiated(make_paramiko, sshd):
    for first in ("rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"):
        driver = make_paramiko()
        order = sorted(driver.algorithms.host_keys, key=lambda name: name != first)
        key = driver.handshake(
            tcp(sshd), dataclasses.replace(driver.algorithms, host_keys=tuple(order)), within()
        )
        assert key.type == {"rsa-sha2-256": "ssh-rsa"}.get(first, first)


def test_what_was_negotiated_is_told(paramiko_driver, sshd):
    offered = Algorithms(
        kex=("ecdh-sha2-nistp384",),
        host_keys=("rsa-sha2-256",),
        ciphers=("aes256-ctr",),
        macs=("hmac-sha2-512-etm@openssh.com",),
    )
    log_in(paramiko_driver, sshd, offered)
    info = paramiko_driver.open_channel(ChannelRequest("cat", "exec"), {}, within()).info

    assert info.library == "paramiko"
    assert f"{info.library} {info.library_version}" == ParamikoDriver.library()
    assert info.server_version.startswith("SSH-2.0-OpenSSH")
    assert info.kex == "ecdh-sha2-nistp384"
    assert info.host_key_type == "rsa-sha2-256"
    assert info.cipher == "aes256-ctr"
    assert info.mac == "hmac-sha2-512-etm@openssh.com"


def test_a_cipher_with_its_own_integrity_has_no_mac(paramiko_driver, sshd):
    gcm = dataclasses.replace(paramiko_driver.algorithms, ciphers=("aes128-gcm@openssh.com",))
    log_in(paramiko_driver, sshd, gcm)
    info = paramiko_driver.open_channel(ChannelRequest("cat", "exec"), {}, within()).info

    assert (info.cipher, info.mac) == ("aes128-gcm@openssh.com", "")


def test_nothing_but_what_is_asked_for_is_offered(paramiko_driver, pretender):
    offered = Algorithms(
        kex=("ecdh-sha2-nistp256",),
        host_keys=("ssh-ed25519",),
        ciphers=("aes256-ctr",),
        macs=("hmac-sha2-512",),
    )
    offers = []

    def reading(accepted, ended):
        accepted.sendall(b"SSH-2.0-Pretender\r\n")
        stream = accepted.makefile("rb")
        stream.readline()
        length = int.from_bytes(stream.read(4), "big")
        packet = stream.read(length)
        lists = packet[1 + 1 + 16 :]  # padding length, message type, cookie
        for _ in range(6):
            size = int.from_bytes(lists[:4], "big")
            offers.append(lists[4 : 4 + size].decode().split(","))
            lists = lists[4 + size :]

    with pytest.raises(HandshakeError):
        paramiko_driver.handshake(pretender(reading), offered, within())

    # RFC 8308 and OpenSSH's strict key exchange are told of in the list of key exchanges.
    assert offers[0] == ["ecdh-sha2-nistp256", "ext-info-c", "kex-strict-c-v00@openssh.com"]
    assert offers[1:] == [
        ["ssh-ed25519"],
        ["aes256-ctr"],
        ["aes256-ctr"],
        ["hmac-sha2-512"],
        ["hmac-sha2-512"],
    ]


def test_without_a_common_algorithm_both_offers_are_named(paramiko_driver, make_sshd):
    server = make_sshd(config="KexAlgorithms curve25519-sha256\nCiphers aes256-ctr")
    ours = dataclasses.replace(
        paramiko_driver.algorithms, kex=("ecdh-sha2-nistp256",), ciphers=("aes128-ctr",)
    )

    with pytest.raises(NoCommonAlgorithmError) as raised:
        paramiko_driver.handshake(tcp(server), ours, within())

    assert (raised.value.kind, raised.value.ours) == ("kex", ours)
    assert raised.value.theirs.ciphers == ("aes256-ctr",)
    assert "no key exchange in common: we offer ecdh-sha2-nistp256, the server curve25519" in str(
        raised.value
    )
    assert raised.value.__cause__ is not None


def test_a_mac_that_only_paramiko_needs_is_named(paramiko_driver, make_sshd):
    server = make_sshd(config="MACs umac-64@openssh.com")
    ours = dataclasses.replace(paramiko_driver.algorithms, ciphers=("aes128-gcm@openssh.com",))

    with pytest.raises(NoCommonAlgorithmError) as raised:
        paramiko_driver.handshake(tcp(server), ours, within())

    assert raised.value.kind == "macs"
    assert raised.value.theirs.macs == ("umac-64@openssh.com",)


@pytest.mark.parametrize("part", [silent, dripping, dripping_one_line, identified_and_silent])
def test_the_deadline_holds(paramiko_driver, pretender, part):
    began = time.monotonic()

    with pytest.raises(StepTimeoutError) as raised:
        paramiko_driver.handshake(
            pretender(part), paramiko_driver.algorithms, within(0.5, "SSH handshake")
        )

    # Paramiko's own limits are of 15 s.
    assert time.monotonic() - began < 5
    assert (raised.value.step, raised.value.seconds) == ("SSH handshake", 0.5)


def test_a_peer_that_floods_is_not_listened_to_for_long(paramiko_driver, pretender):
    with pytest.raises(HandshakeError, match="a line exceeds 8192 bytes"):
        paramiko_driver.handshake(pretender(flooding), paramiko_driver.algorithms, within())


def test_a_peer_that_floods_with_packets_is_not_listened_to_for_long(
    paramiko_driver, pretender, caplog
):
    caplog.set_level("DEBUG", "ncwire.driver.paramiko")

    def ignoring(accepted, ended):
        accepted.sendall(IDENTIFICATION)
        while not ended.is_set():
            accepted.sendall(packet(b"\x02\0\0\x40\0" + bytes(0x4000)))

    # Not the budget's end; and paramiko's thread dies of nothing, which pytest would tell.
    with pytest.raises(HandshakeError, match="more data than a handshake can need") as raised:
        paramiko_driver.handshake(pretender(ignoring), paramiko_driver.algorithms, within())

    assert isinstance(raised.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("said", "told"),
    [(b"", ": the peer closed without a word; .* TLS"), (b"hello\r\n", ': the peer said "hello"')],
)
def test_a_connection_that_is_reset_is_told_in_words(paramiko_driver, pretender, said, told):
    def resetting(accepted, ended):
        accepted.sendall(said)
        accepted.recv(1)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    text = f"^SSH handshake: no SSH identification came{told}: Connection reset by peer$"
    with pytest.raises(HandshakeError, match=text):
        paramiko_driver.handshake(pretender(resetting), paramiko_driver.algorithms, within())


def test_a_disconnect_in_another_encoding_is_told(paramiko_driver, pretender):
    def leaving(accepted, ended):
        accepted.sendall(IDENTIFICATION)
        accepted.sendall(packet(b"\x01\0\0\0\x02\0\0\0\x09ferm\xe9 !!!\0\0\0\0"))
        ended.wait(60)

    with pytest.raises(HandshakeError, match=r"^SSH handshake: ferm\ufffd !!!$"):
        paramiko_driver.handshake(pretender(leaving), paramiko_driver.algorithms, within())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "the server closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\x1b[31m\r\n\r\n", "the peer speaks HTTP, not SSH"),
        (b"SSH-1.5-Old\r\n", r"version 1\.5 of SSH"),
        (b"SSH-2.0-Pretender\r\n" + b"\0\0\0\x0c\x0a\x14" + bytes(10), "SSH handshake"),
        (b"SSH-2.0-Pretender\r\n" + bytes(64), "SSH handshake"),
    ],
)
def test_a_peer_that_is_no_ssh_server_is_an_error(paramiko_driver, pretender, said, told):
    def speaking(accepted, ended):
        accepted.sendall(said)
        accepted.shutdown(socket.SHUT_WR)
        ended.wait(60)

    with pytest.raises(HandshakeError, match=told) as raised:
        paramiko_driver.handshake(pretender(speaking), paramiko_driver.algorithms, within())

    assert raised.value.__cause__ is not None
    assert str(raised.value).isprintable()


def test_failures_are_not_also_logged_as_errors(paramiko_driver, pretender, caplog):
    with pytest.raises(HandshakeError):
        paramiko_driver.handshake(
            pretender(lambda accepted, ended: accepted.sendall(b"SSH-1.5-Old\r\n")),
            paramiko_driver.algorithms,
            within(),
        )

    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


def test_a_socket_that_is_no_tcp_serves_too(paramiko_driver, sshd):
    ours, theirs = socket.socketpair()
    onward = tcp(sshd)

    def carry(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    threads = [
        threading.Thread(target=carry, args=each) for each in ((theirs, onward), (onward, theirs))
    ]
    for thread in threads:
        thread.start()
    key = paramiko_driver.handshake(ours, paramiko_driver.algorithms, within())
    paramiko_driver.abort()
    for thread in threads:
        thread.join(20)
    theirs.close()
    onward.close()

    assert f"{key.type} {key.base64}" in sshd.known_hosts.read_text()


def test_the_drivers_algorithms_are_what_paramiko_has():
    ours = ParamikoDriver.algorithms

    assert "ssh-ed25519" in ours.host_keys
    assert "aes256-gcm@openssh.com" in ours.ciphers
    assert "hmac-sha2-256-etm@openssh.com" in ours.macs
    assert "diffie-hellman-group14-sha256" in ours.kex


def test_steps_before_the_handshake_are_refused(paramiko_driver):
    with pytest.raises(SSHError, match="no handshake"):
        paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within())
    paramiko_driver.abort()


def test_ipv6(paramiko_driver, make_sshd):
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    handshake(paramiko_driver, make_sshd(addresses=("::1",)))
