"""`DriverOption`: an option that only one driver has, as its class declares it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OptionKind(Enum):
    """What the value of a driver's option is; its value is the word for it in tables."""

    TEXT = "text"
    """A `str`."""
    INTEGER = "integer"
    """An `int`."""
    SECONDS = "seconds"
    """A `float`, more than 0 and up to a million."""
    SWITCH = "switch"
    """A `bool`."""
    FILE = "file"
    """A path, as a `str`, `~` expanded. In a profile or an inventory it is relative to the folder
    of the file that has it, in Python and on the command line to the working folder. What begins
    with "@" stays as it is, a name of Linux's abstract namespace (unix(7)). Whether there is such
    a file is the driver's to see."""
    TEXTS = "texts"
    """Several, in a tuple; one alone may be given without it."""
    FILES = "files"
    """Several paths, in a tuple; one alone may be given without it."""
    OBJECT = "object"
    """Anything: given in Python alone, never in a file or on the command line. The driver checks
    it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverOption:
    """One option of a driver's own, beside the parameters of `connect` that all drivers have.

    The core refuses values that are not of the kind, and names that are not declared, before
    anything is sent; the driver finds every declared option in `ConnectOptions.driver_options`.
    """

    name: str
    """Small letters, digits and underscores, as "server_name"."""
    kind: OptionKind
    meaning: str
    """What it does, in a sentence, for `ncwire drivers NAME`."""
    default: object = None
    """What the driver gets where none is given; None: nothing."""
    choices: tuple[str, ...] = ()
    """All that a TEXT, or each of TEXTS, may be; (): anything."""
    secret: bool = False
    """Whether the value is shown nowhere. It is no FILE and has no default; from the command line
    and from a profile it is not taken, in an inventory it is a reference."""
    trust: bool = False
    """Whether it decides whom to trust: whom to take for the server, or whose code to run. No
    profile says that, as none says anything about SSH's host keys: a profile is of a kind of
    device, and may be anybody's."""
