"""What a probe has found out about a server."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ncwire._algorithms.offer import KINDS
from ncwire.driver.kexinit import is_extension
from ncwire.probe.compatibility import Ability
from ncwire.probe.host_keys import HostKeyFinding, Standing
from ncwire.probe.inventory_toml import stanza
from ncwire.probe.profile_match import Fit, fitting

if TYPE_CHECKING:
    from ncwire.driver.algorithms import Algorithms
    from ncwire.driver.kexinit import KexInit
    from ncwire.errors import NcwireError
    from ncwire.probe.compatibility import Verdict
    from ncwire.probe.greeting import Greeting


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a session."""

    subsystem: str
    """The one that answered."""
    refused: tuple[str, ...]
    """Those that were tried before it."""
    session_id: str
    framing: str
    capabilities: tuple[str, ...]
    driver: str
    banner: str
    """What the server says to those who log in (RFC 4252 section 5.4); "" where the driver does
    not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings, in the order in which they were made."""

    host: str
    port: int
    username: str
    greeting: Greeting
    drivers: tuple[Verdict, ...]
    host_keys: tuple[HostKeyFinding, ...]
    auth_methods: frozenset[str] | None = None
    """What the server offers to the user; None: not asked, for which `auth_problem` is why."""
    auth_problem: str = ""
    answer: Answer | None = None
    """What came of logging in; None: it was left out, or failed with `problem`."""
    left_out: str = ""
    """Why there was no login, where there was none."""
    problem: NcwireError | None = None
    """What a login failed with, or what stood in its way."""

    @property
    def is_known(self) -> bool:
        """Whether one of the host's keys is known, by known_hosts or by the caller."""
        return any(key.standing is Standing.GOOD for key in self.host_keys)

    def best(self) -> Verdict | None:
        """Return the verdict on the driver to take; None if no driver can talk to the server.

        Unless the host is known, one whose library has no hole for a stranger comes first; then
        one that needs no algorithm allowed, and among equals the default driver.
        """
        able = [each for each in self.drivers if each.ability in _RANKS]
        stranger = not self.is_known
        return min(
            able,
            key=lambda each: (stranger and bool(each.holes), _RANKS.index(each.ability)),
            default=None,
        )

    def key_to_verify(self) -> HostKeyFinding | None:
        """Return the host key that a session would be shown, if none of the host's is known."""
        if self.is_known:
            return None
        unknown = [key for key in self.host_keys if key.standing is Standing.UNKNOWN]
        best = self.best()
        shown = best.host_key.sha256 if best and best.host_key else ""
        return next((key for key in unknown if key.sha256 == shown), next(iter(unknown), None))

    def fit(self) -> Fit:
        """Return the profile that fits best, by what the device has said so far."""
        answer = self.answer
        return fitting(
            {
                "software": [self.greeting.software],
                "capability": [] if answer is None else answer.capabilities,
                "subsystem": [] if answer is None else [answer.subsystem],
            }
        )

    def as_json(self) -> dict[str, Any]:
        """Return the report in values that JSON has."""
        greeting, answer = self.greeting, self.answer
        best = self.best()
        return {
            "host": self.host,
            "port": self.port,
            "server": {
                "identification": greeting.identification,
                "software": greeting.software,
                "lines": list(greeting.lines),
                "algorithms": offered(greeting.offer),
            },
            "drivers": [_verdict(verdict) for verdict in self.drivers],
            "driver": best.driver if best else None,
            "host-keys": [
                {**dataclasses.asdict(key), "standing": key.standing.value}
                for key in self.host_keys
            ],
            "authentication": {
                "username": self.username,
                "methods": None if self.auth_methods is None else sorted(self.auth_methods),
                "problem": self.auth_problem,
            },
            "session": None if answer is None else dataclasses.asdict(answer),
            "profile": dataclasses.asdict(self.fit()),
            "inventory": stanza(self),
            "left-out": self.left_out,
            "problem": "" if self.problem is None else str(self.problem),
        }


_RANKS = (Ability.YES, Ability.IF_ALLOWED)


def offered(offer: KexInit) -> dict[str, list[str]]:
    """Return the server's algorithms by kind; where directions differ, each by itself."""
    lists: dict[str, list[str]] = {
        "kex": [name for name in offer.kex if not is_extension(name)],
        "host_keys": list(offer.host_keys),
    }
    for kind in ("ciphers", "macs", "compression"):
        up, down = getattr(offer, kind)
        if up == down:
            lists[kind] = list(up)
        else:
            lists |= {f"{kind} to the server": list(up), f"{kind} to the client": list(down)}
    return lists


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "driver": verdict.driver,
        "library": verdict.library,
        "ability": verdict.ability.value,
        "holes": list(verdict.holes),
        "reason": verdict.reason,
        "allow": _named(verdict.allow),
        "ssh-options": list(verdict.ssh_options),
    }


def _named(algorithms: Algorithms) -> dict[str, list[str]]:
    return {kind: list(names) for kind in KINDS if (names := getattr(algorithms, kind))}
