"""The plan of an authentication: what is next, given what the server wants and has denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire._ssh.auth.credentials import Credential, Source
    from ncwire.driver.features import Feature

MAX_DENIED = 6
"""How many attempts may be denied: OpenSSH's default MaxAuthTries, to which the first "none"
counts nothing (OpenSSH 9.2, auth2.c). Keys leave room for the password and the prompts that
follow."""


class Plan:
    """The sources of credentials in the order in which they are tried.

    No credential is tried twice. `report` is told of what is left out, and why.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        features: frozenset[Feature],
        report: Callable[[str], None],
    ) -> None:
        self._report = report
        self._tried: set[object] = set()
        self._methods_tried: set[str] = set()
        self._failures = 0
        self._able = [source for source in sources if source.feature in features]
        self._sources = sources
        self._queues = {
            source: _Queue(source.credentials(self._tried.__contains__, report))
            for source in self._able
        }

    def __str__(self) -> str:
        return ", ".join(f"{each.title} ({each.method})" for each in self._able) or "nothing"

    @property
    def failures(self) -> int:
        """How many failures the server has counted, as far as that can be known."""
        return self._failures

    def was_tried(self, identity: object) -> bool:
        """Tell whether the credential with this identity was tried."""
        return identity in self._tried

    def next(self, wanted: frozenset[str]) -> Credential | None:
        """Return what is to be tried now; it counts as tried from here on."""
        for source in self._able:
            if not self._applies(source, wanted) or not self._room_for(source, wanted):
                continue
            credential = self._queues[source].head(self._tried)
            if credential is not None:
                self._tried.add(credential.identity)
                self._methods_tried.add(credential.method)
                return credential
        return None

    def methods_left(self) -> list[str]:
        """Return the methods for which there still is something to try, in the plan's order."""
        left = [
            source.method
            for source in self._able
            if self._applies(source, frozenset({source.method}))
            and self._queues[source].head(self._tried) is not None
        ]
        return list(dict.fromkeys(left))

    def count_failure(self) -> None:
        """Count what the server counts as a failure."""
        self._failures += 1

    def forget(self, method: str) -> None:
        """Let a method count as not tried: the server had not wanted it."""
        self._methods_tried.discard(method)

    def report_untried(self, offered: frozenset[str], driver: str) -> None:
        """Report what was not tried, and why, when all that can be tried has been."""
        for source in self._sources:
            if source.method not in offered:
                self._report(f"{source.method}: not offered")
            elif source not in self._able:
                self._report(f"{source.feature.value}: not supported by driver {driver!r}")
            elif not self._room_for(source, offered):
                credential = self._queues[source].head(self._tried)
                if credential is not None:
                    self._report(
                        f"{credential.description}, and what follows it: not tried, servers end "
                        f"the connection after {MAX_DENIED} attempts"
                    )

    def report_cut_off(self, wanted: frozenset[str]) -> None:
        """Report what was still to come when the server ended the connection."""
        for source in self._able:
            queue = self._queues[source]
            if not self._applies(source, wanted) or queue.is_used_up:
                continue
            if not queue.has_begun:
                self._report(f"{source.title}: not tried, the connection had ended")
            elif (credential := queue.head(self._tried)) is not None:
                self._report(
                    f"{credential.description}, and what follows it: not tried, the connection "
                    "had ended"
                )

    def _applies(self, source: Source, wanted: frozenset[str]) -> bool:
        # What nothing is there for does not keep another source from its turn.
        possible = frozenset(each.method for each in self._able)
        return source.applies(wanted & possible, self._methods_tried)

    def _room_for(self, source: Source, wanted: frozenset[str]) -> bool:
        reserved = 0
        if source.method == "publickey":
            reserved = sum(
                other.method != "publickey" and self._applies(other, wanted)
                for other in self._able
            )
        return self._failures < MAX_DENIED - reserved


class _Queue:
    """A source's credentials, of which the first can be looked at before it is taken."""

    def __init__(self, credentials: Iterator[Credential]) -> None:
        self._credentials = credentials
        self._held: Credential | None = None
        self.is_used_up = False

    @property
    def has_begun(self) -> bool:
        """Whether the source was looked into."""
        return self._held is not None or self.is_used_up

    def head(self, tried: set[object]) -> Credential | None:
        """Return the first that was not tried; None when none is left."""
        while not self.is_used_up and (self._held is None or self._held.identity in tried):
            self._held = next(self._credentials, None)
            self.is_used_up = self._held is None
        return self._held
