"""`Rule`: one duty of a driver, and which drivers it binds."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire.driver.features import Feature


class Layer(enum.Enum):
    """Which drivers a rule binds."""

    DRIVER = "any driver"
    OPTIONS = "any driver with options of its own"
    CHANNEL = "any channel"
    NETWORK = "any driver, over a network"
    HANDSHAKE = "any driver, to an SSH or a TLS server"
    SSH = "any driver, to an SSH server"
    """`Driver.connect` to an SSH server, whatever runs the steps; not where there is no SSH."""
    STEPS = "the steps of an SSHDriver"
    TLS = "any driver, to a TLS server"
    UNIX = "any driver, to a Unix socket"

    def exempts(self, transport: str) -> str:
        """Return why no rule of this layer binds drivers of a transport; "" if they do."""
        transports, reason = _BOUND.get(self, ((transport,), ""))
        return "" if transport in transports else reason


_BOUND = {
    Layer.NETWORK: (("ssh", "tls", "plain"), "the driver connects to this machine alone"),
    Layer.HANDSHAKE: (("ssh", "tls"), "the driver speaks neither SSH nor TLS"),
    Layer.SSH: (("ssh",), "the driver speaks no SSH"),
    Layer.STEPS: (("ssh",), "the driver speaks no SSH"),
    Layer.TLS: (("tls",), "the driver speaks no TLS"),
    Layer.UNIX: (("unix",), "the driver connects to no Unix socket"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `text` is for the author of a driver.

    It binds a driver that declares all of `features`.
    """

    id: str
    text: str
    layer: Layer
    features: frozenset[Feature] = frozenset()

    @property
    def operation(self) -> str:
        """What the rule is about: "open", "auth", "hostkey", "io" and so on."""
        return self.id.partition(".")[0]
