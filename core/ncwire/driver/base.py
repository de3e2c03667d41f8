"""`Backend`, which every driver is, and `Driver`: any transport that can carry NETCONF."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver.channel import Channel
    from ncwire.driver.deadline import Deadline
    from ncwire.driver.driver_option import DriverOption
    from ncwire.driver.features import Feature
    from ncwire.driver.library import Library
    from ncwire.driver.options import ConnectOptions

CONTRACT = (1, 0)
"""The version of the contract, major and minor, that this ncwire speaks."""


class Backend(ABC):
    """What every driver has, whatever its kind. Drivers are a `Driver` or an `SSHDriver`.

    One instance makes one connection; it is created without arguments.

    Each concrete class states in its own body the version of the contract that it was written
    for, `contract = (1, 0)`: it is not inherited, so that a subclass opts in for itself.
    """

    name: ClassVar[str]
    contract: ClassVar[tuple[int, int]]
    features: ClassVar[frozenset[Feature]]
    driver_options: ClassVar[tuple[DriverOption, ...]] = ()
    """The options that this driver alone has; their values are in `ConnectOptions`."""
    transport: ClassVar[str] = "ssh"
    """Which protocol carries NETCONF: "ssh", "tls", "unix", or another word."""
    default_port: ClassVar[int | None] = None
    """The port where none is given, if it is not 830 (RFC 6242); without a host it has no use."""

    @classmethod
    def check_available(cls) -> None:
        """Raise `DriverUnavailable` when something that the driver needs is not installed.

        The error names what is missing and the command that installs it.
        """

    @classmethod
    @abstractmethod
    def library(cls) -> str:
        """Return the backend library's name and version, "paramiko 5.1.0"."""

    @classmethod
    def libraries(cls) -> Sequence[Library]:
        """Return the libraries that are loaded, those below the backend included.

        By their names and versions `ncwire drivers` finds their published vulnerabilities.
        Called only after `check_available`; () where a driver does not tell.
        """
        return ()

    @abstractmethod
    def abort(self) -> None:
        """Free everything at once; a connect under way in another thread fails promptly.

        Idempotent, and also called after a connect that failed by itself. Nothing but `abort`
        is called on this driver afterwards.
        """


class Driver(Backend):
    """A backend that connects in one step of its own: any transport but an SSH library."""

    def prepare(self, options: ConnectOptions) -> None:
        """Refuse what cannot be used of the options, before `connect`.

        Called once: nothing has been sent when it raises, and a socket in the options is still
        its giver's, while from `connect` on it is the driver's. Raises `OptionError`,
        `UnsupportedOption`. The default does nothing.
        """

    @abstractmethod
    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Connect, authenticate, and return an open channel.

        May block, but never past the deadline: `StepTimeoutError` then. Every other failure is
        a `TransportError` too. After a failure no socket, thread or fd of this driver's is left.
        """
