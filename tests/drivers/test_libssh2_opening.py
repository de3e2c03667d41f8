"""The libssh2 driver: opening a channel."""

from __future__ import annotations

import threading

import paramiko
import pytest
from libssh2_rig import (
    Peer,
    Policy,
    Proxy,
    StubServer,
    log_in,
    soon,
)
from libssh2_waiting import NETCONF

from ncwire.driver import ChannelRequest
from ncwire.errors import (
    ChannelError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)


def test_a_command_is_started():
    with StubServer() as server:
        channel = log_in(server).open_channel(ChannelRequest("do it", "exec"), {}, soon())
        assert server.policy.seen[-1] == ("exec", b"do it")
        channel.abort()


def test_a_refused_subsystem_leaves_the_next_name_to_try():
    with StubServer() as server:
        driver = log_in(server)
        with pytest.raises(ChannelError, match="refuses the subsystem refused"):
            driver.open_channel(ChannelRequest("refused"), {}, soon())
        refused = server.channel()
        channel = driver.open_channel(NETCONF, {}, soon())
        server.channel().sendall(b"x")
        assert Peer(channel).exchange(until=1) == b"x"
        assert refused.recv(1) == b""
        channel.close()


def test_a_refused_channel_is_a_channel_error():
    class Closed(Policy):
        def check_channel_request(self, kind, chanid):
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    with StubServer(Closed()) as server:
        driver = log_in(server)
        with pytest.raises(ChannelError, match="opens no channel"):
            driver.open_channel(NETCONF, {}, soon())
        driver.abort()


def test_the_environment_is_set_and_a_refused_variable_is_no_error():
    with StubServer() as server:
        environment = {"REFUSED": "1", "NAME é": "value é"}
        channel = log_in(server).open_channel(NETCONF, environment, soon())
        expected = {k.encode(): v.encode() for k, v in environment.items()}
        assert server.policy.environment == expected
        channel.abort()


def test_a_nul_which_c_would_take_for_the_end_is_refused():
    with StubServer() as server:
        driver = log_in(server)
        with pytest.raises(UnsupportedOption):
            driver.open_channel(ChannelRequest("netconf\0x"), {}, soon())
        with pytest.raises(UnsupportedOption):
            driver.open_channel(NETCONF, {"A": "b\0c"}, soon())
        driver.abort()


def test_a_silent_server_costs_the_channels_budget_and_no_more():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        driver = log_in(server)
        proxy.silent.set()
        with pytest.raises(StepTimeoutError, match="this step"):
            driver.open_channel(NETCONF, {}, soon(0.3, "this step"))
        driver.abort()


def test_abort_from_another_thread_ends_the_opening():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        driver = log_in(server)
        proxy.silent.set()
        timer = threading.Timer(0.2, driver.abort)
        timer.start()
        with pytest.raises(TransportError) as caught:
            driver.open_channel(NETCONF, {}, soon(60))
        assert not isinstance(caught.value, StepTimeoutError)
        timer.join()
