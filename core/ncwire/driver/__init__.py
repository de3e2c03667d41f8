"""The driver contract: everything that a backend implements, and nothing else.

A driver package imports this module, `ncwire.errors`, its own library, and no more of ncwire.
`CONTRACT` is the version of the contract that this ncwire speaks.
"""

from typing import TYPE_CHECKING

from ncwire.driver.algorithms import Algorithms
from ncwire.driver.base import CONTRACT, Driver
from ncwire.driver.channel import Channel, ChannelInfo, ChannelRequest, Readiness, Wait
from ncwire.driver.deadline import Deadline
from ncwire.driver.features import Feature
from ncwire.driver.forking import Forkable, point_at_nothing, watch_forks
from ncwire.driver.hostkey import HostKey
from ncwire.driver.kexinit import KexInit, is_aead
from ncwire.driver.options import ConnectOptions, Timeouts
from ncwire.driver.ssh import SSHDriver

if TYPE_CHECKING:
    from ncwire.driver.auth import (
        AgentAttempt,
        AgentIdentity,
        Attempt,
        AuthOutcome,
        AuthResult,
        InteractiveAttempt,
        NoneAttempt,
        PasswordAttempt,
        Prompt,
        PublicKeyAttempt,
    )
else:

    def __getattr__(name):
        """Import what is only needed to authenticate when it is first asked for."""
        import importlib  # noqa: PLC0415 - no name of this module's

        if name in __all__:
            return getattr(importlib.import_module("ncwire.driver.auth"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "CONTRACT",
    "AgentAttempt",
    "AgentIdentity",
    "Algorithms",
    "Attempt",
    "AuthOutcome",
    "AuthResult",
    "Channel",
    "ChannelInfo",
    "ChannelRequest",
    "ConnectOptions",
    "Deadline",
    "Driver",
    "Feature",
    "Forkable",
    "HostKey",
    "InteractiveAttempt",
    "KexInit",
    "NoneAttempt",
    "PasswordAttempt",
    "Prompt",
    "PublicKeyAttempt",
    "Readiness",
    "SSHDriver",
    "Timeouts",
    "Wait",
    "is_aead",
    "point_at_nothing",
    "watch_forks",
]
