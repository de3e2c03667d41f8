"""A driver that connects by itself: whose fault what comes out of its connect is."""

from __future__ import annotations

import pytest

from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Driver, Feature
from ncwire.errors import AuthenticationError, InvalidDriverError


class BrokeError(Exception):
    pass


def refuse(*_):
    raise BrokeError


class Asking(Driver):
    """Asks the user, and passes on what that raises."""

    name = "asking"
    contract = (1, 0)
    features = frozenset({Feature.KEYBOARD_INTERACTIVE})

    @classmethod
    def library(cls):
        return "none"

    def connect(self, options, deadline):
        if options.unknown_host_cb is not None:
            options.unknown_host_cb("127.0.0.1", "SHA256:...")
        options.auth_handler("title", "instruction", [])
        raise AssertionError("both raise")

    def abort(self):
        pass


class Swallowing(Asking):
    """Takes what the user's function raises for a denial."""

    contract = (1, 0)

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except BrokeError as error:
            raise AuthenticationError("denied") from error


class Raising(Asking):
    """Raises an exception of its own."""

    contract = (1, 0)

    def connect(self, options, deadline):
        raise BrokeError


def run(driver, **callbacks):
    options = ConnectOptions(host="127.0.0.1", username="admin", **callbacks)
    connecting(driver(), options, Deadline.after(30, "connect")).run()


@pytest.mark.parametrize("callback", ["auth_handler", "unknown_host_cb"])
@pytest.mark.parametrize("driver", [Asking, Swallowing])
def test_what_a_callback_raises_comes_out_unchanged(driver, callback):
    with pytest.raises(BrokeError):
        run(driver, **{callback: refuse})


def test_what_the_driver_raises_by_itself_is_the_drivers():
    with pytest.raises(InvalidDriverError, match=r"'asking'.*BrokeError"):
        run(Raising, auth_handler=refuse)
