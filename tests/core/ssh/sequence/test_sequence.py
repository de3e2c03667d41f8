"""The one sequence: its order, and that nothing is left open when it fails."""

from __future__ import annotations

import logging
import socket

import pytest
from scripted_driver import HOST_KEY, ScriptedChannel, scripted
from sequences import fail, nothing_left, peer_sees_the_end, prepared

from ncwire._algorithms.offer import MODERN
from ncwire._ssh.connecting import connecting
from ncwire.driver import Algorithms, Deadline, Timeouts
from ncwire.errors import (
    AuthenticationError,
    ChannelError,
    ConnectError,
    HandshakeError,
    InvalidDriverError,
    KeyFileError,
    NoCommonAlgorithmError,
    OptionError,
    SSHHostKeyChangedError,
    SSHUnknownHostError,
    StepTimeoutError,
    UnsupportedOption,
)


def test_the_order_of_the_steps(options):
    driver, attempt = prepared(scripted(), options(environment={"A": "1"}))
    channel = attempt.run()
    assert isinstance(channel, ScriptedChannel)
    assert driver.calls == [
        "handshake", "authenticate", "authenticate", "open_channel netconf", "open_channel"
    ]  # fmt: skip
    assert driver.environment == {"A": "1"}
    assert [deadline.step for deadline in driver.deadlines] == [
        "SSH handshake", "authentication by none", "authentication by password",
        "starting subsystem netconf",
    ]  # fmt: skip
    channel.abort()


def test_each_step_has_its_budget(options):
    budgets = Timeouts(handshake=2, auth=3, channel=4)
    driver, attempt = prepared(scripted(), options(timeouts=budgets))
    attempt.run().abort()
    assert [deadline.seconds for deadline in driver.deadlines] == [2, 3, 3, 4]


def test_connect_of_the_contract_is_the_sequence(options):
    driver = scripted()()
    connecting(driver, options(), Deadline.after(30, "connect")).run().abort()
    assert driver.calls[0] == "handshake"


def test_known_types_are_preferred(options, tmp_path, key_factory):
    rsa = key_factory.public("rsa", bits=2048)
    known = tmp_path / "kh"
    known.write_text(f"127.0.0.1 {rsa.type} {rsa.base64}\n")
    driver, attempt = prepared(
        scripted(host_key=rsa), options(known_hosts=(str(known),), hostkey_verify=True)
    )
    attempt.run().abort()
    assert driver.offered.host_keys[:3] == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")


def test_what_can_be_refused_is_refused_before_a_packet(options, listener, tmp_path):
    for more, kind in (
        ({"key_filename": (str(tmp_path / "none"),), "password": None}, KeyFileError),
        ({"algorithms": Algorithms(kex=("none",))}, UnsupportedOption),
        ({"known_hosts": (str(tmp_path / "none"),)}, OptionError),
        ({"hostkey_b64": "rubbish"}, OptionError),
    ):
        with nothing_left(scripted(), options(**more), kind) as (driver, _):
            assert driver.calls == []
    listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_advice_on_algorithms_is_the_cores(options):
    def disagreeing():
        theirs = Algorithms(
            ("curve25519-sha256",), ("ssh-rsa",), ("aes128-ctr",), ("hmac-sha1",), ("none",)
        )
        raise NoCommonAlgorithmError("host_keys", MODERN, theirs)

    driver = scripted(on={"handshake": disagreeing})
    with nothing_left(driver, options(), NoCommonAlgorithmError, r"driver libssh2 could, with"):
        pass


def test_no_connection_no_handshake(options):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with nothing_left(scripted(), options(port=port), ConnectError, "refused") as (driver, _):
        assert driver.calls == []


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_a_step_that_fails_leaves_nothing(step, options, listener):
    error = HandshakeError("the step failed")
    driver_class = scripted(on={step: fail(error)})
    with nothing_left(driver_class, options(), HandshakeError, "step failed") as (driver, caught):
        assert caught is error
        assert driver.calls[-1] == "abort"
    assert peer_sees_the_end(listener)


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_a_librarys_exception_is_told_by_driver_and_step(step, options, listener):
    driver_class = scripted(on={step: fail(RuntimeError("s3cret"))})
    with nothing_left(driver_class, options(), InvalidDriverError) as (driver, error):
        assert error.name == "scripted"
        assert "RuntimeError" in error.reason
        assert "s3cret" not in str(error)
        assert isinstance(error.__cause__, RuntimeError)
        assert driver.calls[-1] == "abort"
    assert peer_sees_the_end(listener)


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_ctrl_c_leaves_nothing_and_passes(step, options, listener):
    with nothing_left(
        scripted(on={step: fail(KeyboardInterrupt())}), options(), KeyboardInterrupt
    ) as (driver, _):
        assert driver.calls[-1] == "abort"
    assert peer_sees_the_end(listener)


def test_an_abort_that_raises_hides_nothing_and_leaves_nothing(options, listener, caplog):
    driver_class = scripted(
        on={"handshake": fail(HandshakeError("real")), "abort": fail(ValueError("of its own"))}
    )
    with caplog.at_level(logging.ERROR), nothing_left(driver_class, options(), HandshakeError):
        assert "failed to free" in caplog.text
    assert peer_sees_the_end(listener)


@pytest.mark.parametrize("returned", [None, b"key", "ssh-ed25519"])
def test_a_handshake_that_returns_no_host_key_is_told(returned, options):
    with nothing_left(scripted(host_key=returned), options(), InvalidDriverError, "handshake"):
        pass


def test_an_unknown_host_gets_no_credential(options, listener):
    with nothing_left(scripted(), options(hostkey_verify=True), SSHUnknownHostError) as (
        driver, error,
    ):  # fmt: skip
        assert error.host == f"[127.0.0.1]:{listener.getsockname()[1]}"
        assert driver.calls == ["handshake", "abort"]
    assert peer_sees_the_end(listener)


def test_a_changed_host_asks_no_callback(options, tmp_path, key_factory):
    known = tmp_path / "kh"
    key = key_factory.public("ed25519")
    known.write_text(f"[127.0.0.1]:* {key.type} {key.base64}\n")
    asked = []
    opts = options(
        hostkey_verify=True,
        known_hosts=(str(known),),
        unknown_host_cb=lambda *given: asked.append(given) or True,
    )
    with nothing_left(scripted(), opts, SSHHostKeyChangedError) as (driver, error):
        assert (error.filename, error.line) == (str(known), 1)
        assert driver.calls == ["handshake", "abort"]
    assert asked == []


def test_the_callback_may_accept_and_what_it_raises_passes(options):
    opts = options(hostkey_verify=True, unknown_host_cb=lambda host, fp: fp == HOST_KEY.md5)
    prepared(scripted(), opts)[1].run().abort()
    opts = options(hostkey_verify=True, unknown_host_cb=lambda *_: 1 // 0)
    with nothing_left(scripted(), opts, ZeroDivisionError):
        pass


def test_authentication_that_fails_leaves_nothing(options, listener):
    with nothing_left(scripted(), options(password="wrong"), AuthenticationError):
        pass
    assert peer_sees_the_end(listener)


def test_the_next_subsystem_is_tried(options):
    driver, attempt = prepared(
        scripted(subsystems=["xmlagent"]), options(subsystems=("netconf", "xmlagent", "third"))
    )
    attempt.run().abort()
    assert [call for call in driver.calls if " " in call] == [
        "open_channel netconf", "open_channel xmlagent"
    ]  # fmt: skip


def test_each_refused_subsystem_is_named(options):
    opts = options(subsystems=("netconf", "xmlagent"))
    with nothing_left(scripted(subsystems=[]), opts, ChannelError) as (_, error):
        assert "netconf: subsystem request failed; xmlagent: subsystem" in str(error)


def test_a_deadline_that_passes_names_the_step(options):
    _, attempt = prepared(scripted(), options(), seconds=-1)
    with pytest.raises(StepTimeoutError, match=r"TCP connect to .* \(connect\)"):
        attempt.run()


class TestWithSocket:
    @pytest.fixture
    def pair(self):
        ours, theirs = socket.socketpair()
        yield ours, theirs
        ours.close()
        theirs.close()

    def test_it_is_used_and_owned(self, options, pair):
        ours, theirs = pair
        driver, attempt = prepared(scripted(), options(host=None, sock=ours))
        channel = attempt.run()
        assert driver.sock is ours
        channel.abort()
        assert theirs.recv(1) == b""

    @pytest.mark.parametrize(
        ("more", "server", "kind"),
        [
            ({"key_filename": ("/no/such",), "password": None}, {}, KeyFileError),
            ({}, {"on": {"handshake": fail(HandshakeError("x"))}}, HandshakeError),
            ({"hostkey_verify": True}, {}, SSHUnknownHostError),
        ],
    )
    def test_it_is_closed_when_connecting_fails(self, more, server, kind, options, pair):
        ours, theirs = pair
        _, attempt = prepared(scripted(**server), options(host=None, sock=ours, **more))
        with pytest.raises(kind):
            attempt.run()
        assert theirs.recv(1) == b""
        assert ours.fileno() == -1

    def test_a_host_without_a_name_is_looked_up_by_its_address(self, options, listener, tmp_path):
        known = tmp_path / "kh"
        known.write_text(f"127.0.0.1 {HOST_KEY.type} {HOST_KEY.base64}\n")
        sock = socket.create_connection(listener.getsockname())
        opts = options(host=None, sock=sock, hostkey_verify=True, known_hosts=(str(known),))
        prepared(scripted(), opts)[1].run().abort()
