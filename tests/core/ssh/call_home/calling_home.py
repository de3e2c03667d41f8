"""A device that calls home, and steps of a driver that are held until a test lets them go on."""

from __future__ import annotations

import threading

from scripted_driver import HOST_KEY

from ncwire.callhome import Device
from ncwire.driver import HostKey

PATIENCE = 20
OTHER_KEY = HostKey.from_blob(HOST_KEY.blob[:-1] + b"\1")
HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id>"
    b"</hello>]]>]]>"
)


def device(name="r1", key=HOST_KEY, **more):
    login = {"password": "right", "allow_agent": False, "look_for_keys": False}
    return Device(name=name, host_keys=key, **(login | more))


class Gate:
    """Holds a step until it is opened; `entered` counts who is or was held."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self):
        self.entered.release()
        assert self.opened.wait(PATIENCE)

    def wait_for(self, number=1):
        for _ in range(number):
            assert self.entered.acquire(timeout=PATIENCE)


def refusal(opened):
    return opened.refused.get(timeout=PATIENCE)


def ended(sock):
    """Whether the listener has hung up, without a word of NETCONF."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def running(wanted):
    return [thread for thread in threading.enumerate() if wanted(thread)]
