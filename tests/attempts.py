"""Connects that a test begins by itself, at a server that is running, and that nothing is left."""

from __future__ import annotations

import threading

from ncwire._plugins import registry
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline
from ncwire.testing.conformance.resources import Resources, left_since

PATIENCE = 20.0


def options_for(server, **more) -> ConnectOptions:
    """Return what logs in by the server's own key."""
    settings = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "key_filename": (str(server.client_key),),
        "allow_agent": False,
        "look_for_keys": False,
        "known_hosts": (str(server.known_hosts),),
    }
    return ConnectOptions(**settings | more)


def begin(driver, settings, seconds=60.0):
    deadline = Deadline.after(seconds, "connect")
    return connecting(registry.choose(driver)(), settings, deadline)


def aborted(attempt, reached, after=lambda: None):
    """Run it in a thread, abort it once `reached` returns something; return what came of it."""
    outcome = []

    def run():
        try:
            outcome.append(attempt.run())
        except Exception as error:  # noqa: BLE001 - whatever comes is what is looked at
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert reached()
    attempt.abort()
    after()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return outcome[0]


def nothing_left(before: Resources) -> bool:
    """Fail unless all goes that was not there before; on a busy machine that takes its time."""
    for each in threading.enumerate():
        if each.name.startswith("ncwire-forwarder"):
            each.join(PATIENCE)
            assert not each.is_alive()
    left = left_since(before, PATIENCE)
    assert not left, left
    return True
