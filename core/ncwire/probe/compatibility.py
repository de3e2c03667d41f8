"""Which installed drivers can talk to a server: judged by its offer, then by doing it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire._algorithms.advice import to_allow
from ncwire._algorithms.offer import KINDS, choose
from ncwire._algorithms.policy import AlgorithmPolicy, settled
from ncwire._plugins import registry
from ncwire._plugins.vulnerabilities import open_to_a_stranger
from ncwire.driver.algorithms import Algorithms
from ncwire.errors import NcwireError, NoCommonAlgorithmError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire._plugins.registry import DriverStatus
    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.kexinit import KexInit
    from ncwire.driver.ssh import SSHDriver

_KEYWORDS = {
    "kex": "KexAlgorithms",
    "host_keys": "HostKeyAlgorithms",
    "ciphers": "Ciphers",
    "macs": "MACs",
    "compression": "Compression",
}


class Ability(enum.Enum):
    """Whether a driver can talk to a server."""

    YES = "yes"
    IF_ALLOWED = "if allowed"
    """With algorithms that are not offered unless they are allowed by name."""
    NO = "no"
    UNTOLD = "not known"
    """The driver does not tell its algorithms."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one driver and the server."""

    driver: str
    library: str
    ability: Ability
    reason: str = ""
    """Why not, or why that is not known."""
    allow: Algorithms = field(default_factory=Algorithms)
    """What has to be allowed, even if the user has done so already: an `AlgorithmPolicy` with this
    as `allow` connects."""
    host_key: HostKey | None = None
    """The key that the server presented to this driver; None: no keys were exchanged."""
    holes: tuple[str, ...] = ()
    """By what a host that is accepted unseen could get at the memory of this process."""

    @property
    def policy(self) -> AlgorithmPolicy | None:
        """The `algorithms` to connect with; None: the default."""
        return None if self.allow == Algorithms() else AlgorithmPolicy(allow=self.allow)

    @property
    def ssh_options(self) -> tuple[str, ...]:
        """The same as options of ssh_config, for `-o`."""
        return tuple(
            f"{_KEYWORDS[kind]}=+{','.join(names)}"
            for kind in KINDS
            if (names := getattr(self.allow, kind))
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """An SSH driver that could be tried, and what it would offer."""

    driver: type[SSHDriver]
    library: str
    offered: Algorithms
    allow: Algorithms
    ability: Ability
    """What it is if it succeeds."""
    holes: tuple[str, ...] = ()

    def verdict(self, outcome: HostKey | NcwireError) -> Verdict:
        """Return what follows from the host key, or from the failure to get one."""
        if isinstance(outcome, NcwireError):
            reason = f"it should, but: {outcome}"
            return Verdict(self.driver.name, self.library, Ability.NO, reason)
        return Verdict(
            self.driver.name,
            self.library,
            self.ability,
            allow=self.allow,
            host_key=outcome,
            holes=self.holes,
        )


def judged(
    offer: KexInit, requested: Algorithms | None, known_types: Sequence[str]
) -> list[Candidate | Verdict]:
    """Return for each registered driver what to try, or why that is of no use; sorted by name.

    `requested` are the algorithms that the user wants offered, None: the default.
    """
    ssh = {status.name: driver for driver, status in registry.ssh_drivers()}
    return [
        _judged(ssh[status.name], status, offer, requested, known_types)
        if status.name in ssh and status.status == "ok"
        else _unusable(status)
        for status in registry.survey()
        if status.transport in {"ssh", ""}
    ]


def _judged(
    driver: type[SSHDriver],
    status: DriverStatus,
    offer: KexInit,
    requested: Algorithms | None,
    known_types: Sequence[str],
) -> Candidate | Verdict:
    try:
        offered = choose(driver, known_types, requested)
    except UnsupportedOption as error:
        return Verdict(status.name, status.library, Ability.NO, str(error))
    holes = open_to_a_stranger(status.libraries)
    problem = offer.incompatibility(offered)
    if problem is None:
        # What the user has allowed already has to be allowed for all that.
        by_default = offer.incompatibility(choose(driver, known_types)) is None
        least = None if by_default else _least(driver, offer)
        return Candidate(
            driver, status.library, offered, least or Algorithms(), Ability.YES, holes
        )
    allow = _least(driver, offer)
    if allow is None:
        # What it lacks whatever is allowed, rather than what the default leaves out.
        lacking = offer.incompatibility(driver.algorithms) or problem
        return Verdict(status.name, status.library, Ability.NO, _missing(lacking))
    if allow == Algorithms():
        reason = f"{_missing(problem)}, among those that are asked for; the default ones would do"
        return Verdict(status.name, status.library, Ability.NO, reason)
    offered = choose(driver, known_types, settled(AlgorithmPolicy(allow=allow)))
    return Candidate(driver, status.library, offered, allow, Ability.IF_ALLOWED, holes)


def _least(driver: type[SSHDriver], offer: KexInit) -> Algorithms | None:
    return to_allow(driver.algorithms, offer.for_client(driver.algorithms))


def _unusable(status: DriverStatus) -> Verdict:
    if status.status == "ok":
        reason = f"it does not tell its algorithms; try: ncwire hello --driver {status.name}"
        return Verdict(status.name, status.library, Ability.UNTOLD, reason)
    return Verdict(status.name, status.library, Ability.NO, f"{status.reason}; {status.remedy}")


def _missing(problem: NoCommonAlgorithmError) -> str:
    theirs = getattr(problem.theirs, problem.kind)
    return f"it has no {_NAMES[problem.kind]} of the server's ({', '.join(theirs) or 'none'})"


_NAMES = {
    "kex": "key exchange",
    "host_keys": "host key algorithm",
    "ciphers": "cipher",
    "macs": "MAC",
    "compression": "compression",
}
