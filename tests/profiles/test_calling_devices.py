"""Devices that call home, each with its profile."""

from __future__ import annotations

import socket

import pytest

from ncwire.callhome import Device, listen
from ncwire.errors import UnsupportedOption
from ncwire.profiles import DeviceProfile, Requirements

DRIVERS = ("paramiko", "libssh2")


def device(server, profile):
    return Device(
        name="r1",
        username=server.username,
        password=server.password,
        allow_agent=False,
        look_for_keys=False,
        host_keys=server.host_key,
        profile=profile,
    )


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", ["junos", "nexus", "iosxr", "huawei"])
def test_a_device_that_calls_is_talked_to_by_its_profile(name, driver, peer):
    server, _ = peer(name)
    with listen([device(server, name)], port=0, driver=driver) as listener:
        sock = socket.create_connection(("127.0.0.1", listener.port))
        sock.settimeout(None)
        server.serve(sock)
        session = listener.accept(20)
    assert (session.profile.name, session.driver_choice.by) == (name, "the listener")
    assert "42" in session.rpc("<get/>", 20).raw
    session.close_session(20)


def test_what_its_profile_requires_the_listeners_driver_must_have(peer):
    server, _ = peer("default")
    requires = Requirements(algorithms=type(Requirements().algorithms)(host_keys=("ssh-rsa",)))
    legacy = DeviceProfile(name="lab", requires=requires)
    with pytest.raises(UnsupportedOption, match="these drivers do: libssh2"):
        listen([device(server, legacy)], port=0, driver="paramiko")
