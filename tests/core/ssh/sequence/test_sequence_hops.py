"""The one sequence through jump hosts: each step at each hop, and what frees them."""

from __future__ import annotations

import socket

import pytest
from scripted_driver import ScriptedChannel, open_fds, scripted
from sequences import fail, nothing_left, peer_sees_the_end, prepared

from ncwire.driver import Timeouts
from ncwire.errors import (
    ChannelError,
    HandshakeError,
    InvalidDriverError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
)


class TestThroughJumpHosts:
    @pytest.fixture
    def through(self, options):
        def through(*hops, **more):
            return options(host="device", port=830, jumps=hops, **more)

        return through

    @pytest.fixture
    def hop(self, options):
        return options()

    def test_each_is_logged_in_to_and_asked_for_the_next(self, through, hop, options):
        driver_class = scripted()
        second = options(host="bastion", port=22)
        driver, attempt = prepared(driver_class, through(hop, second))
        attempt.run().abort()
        assert driver_class.server.tunnels == [("bastion", 22), ("device", 830)]
        assert "open_tunnel" not in driver.calls
        assert driver.calls[-2:] == ["channel.abort", "abort"]

    def test_each_step_has_its_hops_budget_and_names_the_target(self, through, options):
        seen = []
        driver_class = scripted()

        class Watched(driver_class):
            contract = (1, 0)

            def __init__(self):
                super().__init__()
                seen.append(self)

        hop = options(timeouts=Timeouts(handshake=2, auth=3, channel=4))
        _, attempt = prepared(Watched, through(hop))
        attempt.run().abort()
        budgets = [(deadline.step, deadline.seconds) for deadline in seen[1].deadlines]
        assert budgets == [
            ("SSH handshake", 2), ("authentication by none", 3),
            ("authentication by password", 3), ("opening a tunnel to device:830", 4),
        ]  # fmt: skip

    def test_all_of_it_is_within_the_one_deadline(self, through, hop):
        _, attempt = prepared(scripted(), through(hop), seconds=-1)
        with pytest.raises(StepTimeoutError, match=r"^jump host .*: TCP connect .*\(connect\)"):
            attempt.run()

    @pytest.mark.parametrize("step", ["handshake", "authenticate", "open_tunnel"])
    def test_a_step_that_fails_at_a_hop_names_it_and_leaves_nothing(self, step, through, hop):
        error = HandshakeError("the step failed")
        with nothing_left(scripted(on={step: fail(error)}), through(hop), HandshakeError) as (
            driver, caught,
        ):  # fmt: skip
            assert caught is error
            assert str(caught) == f"jump host 127.0.0.1:{hop.port}: the step failed"
            assert driver.calls == []

    @pytest.mark.parametrize("step", ["open_channel"])
    def test_a_step_that_fails_behind_the_hops_frees_them(self, step, through, hop, listener):
        error = ChannelError("no")
        with nothing_left(scripted(on={step: fail(error)}), through(hop), ChannelError):
            pass
        assert peer_sees_the_end(listener)

    def test_a_hop_that_refuses_the_tunnel(self, through, hop):
        refused = ChannelError("administratively prohibited")
        with nothing_left(
            scripted(on={"open_tunnel": fail(refused)}), through(hop), ChannelError
        ) as (_, error):
            assert "no tunnel to device:830: administratively prohibited" in str(error)

    def test_a_driver_that_returns_no_channel_is_told(self, through, hop):
        driver_class = scripted()
        driver_class.open_tunnel = lambda *_: None
        with nothing_left(driver_class, through(hop), InvalidDriverError, "open_tunnel"):
            pass

    def test_a_socket_cannot_be_had_behind_hops(self, through, hop):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            _, attempt = prepared(scripted(), through(hop, sock=ours))
            with pytest.raises(OptionError, match="jumps"):
                attempt.run()
            ours.send(b"still the caller's")

    def test_no_tunnel_is_built_of_what_an_abort_has_freed(self, through, hop):
        class Aborting(ScriptedChannel):
            def fileno(self):
                fd = super().fileno()
                attempt.abort()
                return fd

        driver_class = scripted()

        def open_tunnel(driver, host, port, deadline):
            driver.sock.setblocking(False)
            return Aborting(driver)

        driver_class.open_tunnel = open_tunnel
        before = open_fds()
        _, attempt = prepared(driver_class, through(hop))
        with pytest.raises(SessionCloseError):
            attempt.run()
        assert open_fds() == before

    def test_a_later_hop_goes_by_the_way_given_and_not_its_own(self, through, hop, options):
        driver_class = scripted()
        later = options(host="bastion", port=22, proxy_command="exit 1", jumps=(hop, hop))
        _, attempt = prepared(driver_class, through(hop, later))
        attempt.run().abort()
        assert driver_class.server.tunnels == [("bastion", 22), ("device", 830)]
