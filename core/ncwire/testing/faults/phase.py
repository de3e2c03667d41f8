"""`Phase`: when a fault comes, and what it is done to."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ncwire.driver import Feature
from ncwire.testing.fault_link import Side


class Stretch(enum.Enum):
    """The phases that end with the same errors."""

    CONNECT = "TCP connect"
    HANDSHAKE = "SSH handshake"
    LOGIN = "authentication"
    CHANNEL = "channel"
    HELLO = "hello"
    OPEN = "session"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class _Traits:
    stretch: Stretch
    struck: str
    """What the fault is done to, in words."""
    step: str = ""
    """What the error of a step that is late names."""
    hook: str = ""
    """The method of the server's `Login` that is called before the struck answer is sent."""
    side: Side = Side.SERVER
    method: str = "password"
    """By which the client authenticates."""
    needs: Feature | None = None
    at_once: bool = False
    """Whether the connection is quiet then, so that a fault that ends it waits for no bytes."""
    asks: bool = False
    """Whether the client waits for an answer, and so has a deadline for it."""
    more_follows: bool = False
    """Whether the server sends more after the struck bytes, whatever the client does."""


def _login(method: str, hook: str, needs: Feature | None, struck: str) -> _Traits:
    return _Traits(
        Stretch.LOGIN,
        struck,
        f"authentication by {'none' if hook.endswith('none') else method}",
        hook,
        method=method,
        needs=needs,
        asks=True,
    )


class Phase(enum.Enum):
    """The phases in the order in which they come; the value is the word of tables."""

    TCP = "tcp"
    BANNER = "banner"
    KEY_EXCHANGE = "key-exchange"
    HOST_KEY = "host-key"
    HOST_KEY_ASKED = "host-key-asked"
    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - the method's name
    PUBLICKEY = "publickey"
    PROMPTS = "prompts"
    ANSWERS = "answers"
    AGENT = "agent"
    CHANNEL = "channel"
    SUBSYSTEM = "subsystem"
    HELLO_OUT = "hello-out"
    HELLO_IN = "hello-in"
    IDLE = "idle"
    RPC_OUT = "rpc-out"
    RPC_WAITING = "rpc-waiting"
    REPLY_HALF_IN = "reply-half-in"
    NOTIFICATIONS = "notifications"
    CLOSING = "closing"

    @property
    def traits(self) -> _Traits:
        """What is known of the phase."""
        return _TRAITS[self]


_TRAITS = {
    Phase.TCP: _Traits(
        Stretch.CONNECT, "the connection that is asked for", "TCP connect to", asks=True
    ),
    Phase.BANNER: _Traits(
        Stretch.HANDSHAKE, "the server's identification string", "SSH handshake", asks=True
    ),
    Phase.KEY_EXCHANGE: _Traits(
        Stretch.HANDSHAKE, "the server's KEXINIT", "SSH handshake", asks=True
    ),
    Phase.HOST_KEY: _Traits(
        Stretch.HANDSHAKE,
        "the server's answer with host key and signature",
        "SSH handshake",
        asks=True,
        more_follows=True,
    ),
    Phase.HOST_KEY_ASKED: _Traits(
        Stretch.LOGIN,
        "the server's next answer, or the connection while ``unknown_host_cb`` decides",
        "authentication by none",
        needs=Feature.HOST_KEY,
        at_once=True,
        asks=True,
    ),
    Phase.NONE: _login("password", "check_auth_none", None, "the answer to method none"),
    Phase.PASSWORD: _login(
        "password", "check_auth_password", Feature.PASSWORD, "the answer to the password"
    ),
    Phase.PUBLICKEY: _login(
        "publickey", "check_auth_publickey", Feature.PUBLICKEY, "the answer to the key"
    ),
    Phase.PROMPTS: _login(
        "keyboard-interactive",
        "check_auth_interactive",
        Feature.KEYBOARD_INTERACTIVE,
        "the prompts of keyboard-interactive",
    ),
    Phase.ANSWERS: _login(
        "keyboard-interactive",
        "check_auth_interactive_response",
        Feature.KEYBOARD_INTERACTIVE,
        "the verdict on the answers to the prompts",
    ),
    Phase.AGENT: _Traits(
        Stretch.LOGIN,
        "the answer to the agent's key",
        "authentication by publickey",
        "check_auth_publickey",
        method="agent",
        needs=Feature.AGENT,
        asks=True,
    ),
    Phase.CHANNEL: _Traits(
        Stretch.CHANNEL,
        "the answer to the channel's opening",
        "starting subsystem netconf",
        "check_channel_request",
        asks=True,
    ),
    Phase.SUBSYSTEM: _Traits(
        Stretch.CHANNEL,
        "the answer to the subsystem's request",
        "starting subsystem netconf",
        "check_channel_subsystem_request",
        asks=True,
    ),
    Phase.HELLO_OUT: _Traits(
        Stretch.HELLO,
        "the client's hello, for which the server's waits",
        "hello",
        "check_channel_subsystem_request",
        side=Side.CLIENT,
        asks=True,
    ),
    Phase.HELLO_IN: _Traits(Stretch.HELLO, "the server's hello", "hello", asks=True),
    Phase.IDLE: _Traits(
        Stretch.OPEN, "an SSH_MSG_IGNORE, or the connection that is quiet", at_once=True
    ),
    Phase.RPC_OUT: _Traits(Stretch.OPEN, "an rpc", side=Side.CLIENT, asks=True),
    Phase.RPC_WAITING: _Traits(
        Stretch.OPEN,
        "the replies to three rpcs, or the connection before they come",
        at_once=True,
        asks=True,
        more_follows=True,
    ),
    Phase.REPLY_HALF_IN: _Traits(
        Stretch.OPEN, "the second half of a reply whose first half has come", asks=True
    ),
    Phase.NOTIFICATIONS: _Traits(Stretch.OPEN, "a notification amid others", more_follows=True),
    Phase.CLOSING: _Traits(Stretch.CLOSE, "the reply to close-session, and the channel's end"),
}
