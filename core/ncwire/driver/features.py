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
    PROMPT_BY_PROMPT = "prompt-by-prompt"
    """`auth_handler` is called for each prompt of a round by itself, with no title and no
    instruction: less than without it, for a program that asks one after the other."""
    AGENT = "agent"
    AGENT_SECURITY_KEY = "agent-security-key"
    """The agent's keys may be those of security devices (FIDO, the sk- types of OpenSSH's
    PROTOCOL.u2f), whose signatures have flags and a counter behind them."""
    HOST_KEY = "host-key"
    """The host key is handed to the core, so hostkey_b64, unknown_host_cb and ncwire's own
    reading of known_hosts apply."""
    ENVIRONMENT = "environment"
    KEEPALIVE = "keepalive"
    FINISH = "finish"
    """What was sent arrives though the session is closed right after it: the channel has a
    `finish` of its own, where the transport needs one."""
    SOCKET = "socket"
    """An open socket of the caller's can be used (`sock`, `sock_fd`)."""
    BIND_ADDRESS = "bind-address"
    ALGORITHMS = "algorithms"
    """Negotiation can be restricted to named algorithms."""
    COMPRESSION = "compression"
    """Packets can be compressed (zlib@openssh.com)."""
    ADDRESS_FAMILY = "address-family"
    PROXY_COMMAND = "proxy-command"
    PROXY_JUMP = "proxy-jump"
    """The host can be reached through others; an SSH driver opens direct-tcpip channels."""
    USER_CERTIFICATE = "user-certificate"
    """Certificates can be presented for authentication, from files and from the agent."""
    HOST_CERTIFICATE = "host-certificate"
    """A host certificate can be negotiated, and is handed to the core as the host key."""
    COMMAND = "command"
    """A command can be started in place of a subsystem."""
