"""What a persistent session tells of itself: its name, and since when there is none."""

from __future__ import annotations

import pytest

from ncwire import NoSessionError, Persistent
from ncwire.persistent import Backoff, State
from restarted_device import AT_ONCE, persistent

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)


@pytest.mark.parametrize(
    ("host", "parameters", "name"),
    [
        ("127.0.0.1", {"port": 1}, "127.0.0.1:1"),
        ("::1", {"port": 1}, "[::1]:1"),
        ("netconf://ada@127.0.0.1:1", {}, "127.0.0.1:1"),
        ("127.0.0.1", {}, "127.0.0.1"),
        ("127.0.0.1", {"port": 830}, "127.0.0.1"),
        (None, {"driver": "unix", "driver_options": {"path": "/nowhere/s"}}, "/nowhere/s"),
        ("netconf+unix:///nowhere/s", {}, "netconf+unix:///nowhere/s"),
    ],
)
def test_its_name_is_the_host_and_a_port_that_is_not_netconfs(host, parameters, name):
    with Persistent(host, backoff=LATER, **parameters) as keeper:
        assert keeper.name == name
        assert repr(keeper).startswith(f"<Persistent {name}: ")
        with pytest.raises(NoSessionError, match=r"^no session with ") as caught:
            keeper.session(0)
        assert f"no session with {name} within" in str(caught.value)


def test_the_name_that_was_given():
    def fail():
        raise OSError

    with Persistent.from_function(fail, name="r1", backoff=LATER) as keeper:
        assert keeper.name == "r1"


def test_since_when_there_is_no_session_whatever_is_tried_meanwhile(device, hub, changes):
    with persistent(device, hub=hub, backoff=AT_ONCE, on_change=changes) as keeper:
        keeper.session(20)
        first, up = changes.seen
        assert first.down_since is not None
        assert up.down_since is None
        device.stop()
        changes.wait_for(State.WAITING, 3)
    lost = next(each for each in changes.seen if each.state is State.WAITING)
    later = changes.seen[changes.seen.index(lost) :]
    assert {each.down_since for each in later} == {lost.since}
    assert later[-1].state is State.STOPPED


def test_a_session_that_is_closed_is_gone_since_then(device, changes):
    with persistent(device, on_change=changes) as keeper:
        keeper.session(20)
    assert keeper.status.down_since == keeper.status.since
