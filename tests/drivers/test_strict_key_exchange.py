"""Strict key exchange on each driver: what is put between the packets of one ends the connection.

Without it one in the middle can put a packet in before the keys are new, and so take the first
encrypted one out unseen (Terrapin, CVE-2023-48795; OpenSSH 9.6, PROTOCOL, section 1.10).
"""

from __future__ import annotations

import dataclasses
from functools import partial

import paramiko
import pytest
from driving import within
from libssh2_rig import Policy, StubServer
from paramiko.common import cMSG_DEBUG, cMSG_IGNORE

from ncwire.driver import AuthResult, NoneAttempt, PasswordAttempt
from ncwire.errors import SSHError
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver
from servers.hostile_ssh import inserting

PLACES = ["KEXINIT", "NEWKEYS"]


@pytest.fixture(params=[ParamikoDriver, Libssh2Driver], ids=["paramiko", "libssh2"])
def driver(request):
    driver = request.param()
    yield driver
    driver.abort()


def ignore() -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(cMSG_IGNORE)
    message.add_string("x")
    return message


def debug() -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(cMSG_DEBUG)
    message.add_boolean(False)
    message.add_string("x")
    message.add_string("")
    return message


def log_in(driver, server, cipher="aes128-ctr") -> AuthResult:
    offered = dataclasses.replace(driver.algorithms, ciphers=(cipher,))
    driver.handshake(server.client_socket, offered, within())
    driver.authenticate(NoneAttempt("u"), within())
    return driver.authenticate(PasswordAttempt("u", Policy.password), within()).result


@pytest.mark.parametrize("cipher", ["aes128-ctr", "aes128-gcm@openssh.com"])
def test_it_is_agreed_on_and_both_count_from_the_new_keys_on(driver, cipher):
    with StubServer() as server:
        assert log_in(driver, server, cipher) is AuthResult.SUCCESS
        assert server.transport.agreed_on_strict_kex


@pytest.mark.parametrize("message", [ignore, debug])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_put_in_ends_the_connection(driver, place, message):
    with StubServer(transport=inserting(message(), place)) as server:
        with pytest.raises(SSHError):
            log_in(driver, server)
        assert not server.transport.is_authenticated()


@pytest.mark.parametrize("message", [ignore, debug])
@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_does_not_know_it_may_say_them(driver, place, message):
    """So it was strictness that ended the others."""
    kind = partial(inserting(message(), place), strict_kex=False)
    with StubServer(transport=kind) as server:
        assert log_in(driver, server) is AuthResult.SUCCESS
        assert not server.transport.agreed_on_strict_kex
