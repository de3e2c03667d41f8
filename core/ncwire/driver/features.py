"""What a driver may or may not be able to do."""

from __future__ import annotations

import enum


class Feature(enum.Enum):
    """One ability of a driver; the value is the word that tables and errors show.

    A driver declares its features in `Driver.features`. A parameter that needs a feature which
    the driver does not declare raises `UnsupportedOption` before any packet is sent.
    """

    PASSWORD = "password"  # noqa: S105 - the method's name
    PUBLICKEY = "publickey"
    KEYBOARD_INTERACTIVE = "keyboard-interactive"
    PROMPT_ECHO = "prompt-echo"
    """Each prompt tells whether its answer may be shown; without it, none does."""
    AGENT = "agent"
    HOST_KEY = "host-key"
    """The host key is handed to the core, so hostkey_b64, unknown_host_cb and ncwire's own
    reading of known_hosts apply."""
    ENVIRONMENT = "environment"
    KEEPALIVE = "keepalive"
    SOCKET = "socket"
    """An open socket of the caller's can be used (`sock`, `sock_fd`)."""
    BIND_ADDRESS = "bind-address"
    ALGORITHMS = "algorithms"
    """Negotiation can be restricted to named algorithms."""
