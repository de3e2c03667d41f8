"""The driver contract: everything that a backend implements, and nothing else.

A driver package imports this module, `ncwire.errors`, its own library, and no more of ncwire.
`CONTRACT` is the version of the contract that this ncwire speaks.
"""

from typing import TYPE_CHECKING

from ncwire.driver.base import CONTRACT, Backend, Driver
from ncwire.driver.channel import (
    Channel,
    ChannelInfo,
    ChannelRequest,
    LastWords,
    Readiness,
    SocketAddress,
    Wait,
)
from ncwire.driver.deadline import Deadline
from ncwire.driver.features import Feature
from ncwire.driver.forking import Forkable, point_at_nothing, watch_forks
from ncwire.driver.lazy import late
from ncwire.driver.over_socket import SocketDriver
from ncwire.driver.ssh import SSHDriver
from ncwire.driver.threads import start_thread
from ncwire.driver.timeouts import Timeouts
from ncwire.driver.wakeup import Wakeup

if TYPE_CHECKING:
    from ncwire.driver.algorithms import Algorithms
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
    from ncwire.driver.buffered import BufferedChannel, Intake
    from ncwire.driver.driver_option import DriverOption, OptionKind
    from ncwire.driver.hostkey import HostKey, HostKeyCheck
    from ncwire.driver.kexinit import KexInit, is_aead
    from ncwire.driver.library import Library
    from ncwire.driver.loop_thread import Lease, LoopThread
    from ncwire.driver.no_ssh import no_identification, other_protocol
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.proxy import Proxy
    from ncwire.driver.way_options import WAY_OPTIONS
    from ncwire.errors.printable import one_line
else:
    __getattr__, __dir__ = late(
        __name__,
        {
            "WAY_OPTIONS": "ncwire.driver.way_options",
            "AgentAttempt": "ncwire.driver.auth",
            "AgentIdentity": "ncwire.driver.auth",
            "Algorithms": "ncwire.driver.algorithms",
            "Attempt": "ncwire.driver.auth",
            "AuthOutcome": "ncwire.driver.auth",
            "AuthResult": "ncwire.driver.auth",
            "BufferedChannel": "ncwire.driver.buffered",
            "ConnectOptions": "ncwire.driver.options",
            "DriverOption": "ncwire.driver.driver_option",
            "HostKey": "ncwire.driver.hostkey",
            "HostKeyCheck": "ncwire.driver.hostkey",
            "Intake": "ncwire.driver.buffered",
            "InteractiveAttempt": "ncwire.driver.auth",
            "KexInit": "ncwire.driver.kexinit",
            "Lease": "ncwire.driver.loop_thread",
            "Library": "ncwire.driver.library",
            "LoopThread": "ncwire.driver.loop_thread",
            "NoneAttempt": "ncwire.driver.auth",
            "OptionKind": "ncwire.driver.driver_option",
            "PasswordAttempt": "ncwire.driver.auth",
            "Prompt": "ncwire.driver.auth",
            "Proxy": "ncwire.driver.proxy",
            "PublicKeyAttempt": "ncwire.driver.auth",
            "is_aead": "ncwire.driver.kexinit",
            "no_identification": "ncwire.driver.no_ssh",
            "other_protocol": "ncwire.driver.no_ssh",
            "one_line": "ncwire.errors.printable",
        },
    )

__all__ = [
    "CONTRACT",
    "WAY_OPTIONS",
    "AgentAttempt",
    "AgentIdentity",
    "Algorithms",
    "Attempt",
    "AuthOutcome",
    "AuthResult",
    "Backend",
    "BufferedChannel",
    "Channel",
    "ChannelInfo",
    "ChannelRequest",
    "ConnectOptions",
    "Deadline",
    "Driver",
    "DriverOption",
    "Feature",
    "Forkable",
    "HostKey",
    "HostKeyCheck",
    "Intake",
    "InteractiveAttempt",
    "KexInit",
    "LastWords",
    "Lease",
    "Library",
    "LoopThread",
    "NoneAttempt",
    "OptionKind",
    "PasswordAttempt",
    "Prompt",
    "Proxy",
    "PublicKeyAttempt",
    "Readiness",
    "SSHDriver",
    "SocketAddress",
    "SocketDriver",
    "Timeouts",
    "Wait",
    "Wakeup",
    "is_aead",
    "no_identification",
    "one_line",
    "other_protocol",
    "point_at_nothing",
    "start_thread",
    "watch_forks",
]
