"""The running and the candidate datastore, and their locks (RFC 6241 sections 5, 7.5, 8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.testing.configuration import Configuration
from ncwire.testing.rpc_error import RPCError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

RUNNING = "running"
CANDIDATE = "candidate"


class Datastores:
    """One device's datastores, in memory. Not for several threads at once.

    Every method that a session's request can make fail raises `RPCError`, and then has changed
    nothing. `session` is the session-id of the session that asks.
    """

    def __init__(self, running: Configuration | None = None) -> None:
        self._running = running or Configuration()
        self._candidate: Configuration | None = None
        """None as long as the candidate is the running configuration."""
        self._locks: dict[str, int] = {}

    def configuration(self, name: str) -> Configuration:
        """Return what a datastore holds."""
        self._check_name(name)
        if name == CANDIDATE and self._candidate is not None:
            return self._candidate
        return self._running

    def edit(self, name: str, session: int, config: Element, default_operation: str) -> None:
        """Apply an <edit-config>, all of it or nothing."""
        self._check_name(name)
        self._check_free(name, session)
        edited = self.configuration(name).edited(config, default_operation)
        self.replace(name, session, edited)

    def replace(self, name: str, session: int, configuration: Configuration) -> None:
        """Put a whole configuration into a datastore."""
        self._check_name(name)
        self._check_free(name, session)
        if name == CANDIDATE:
            self._candidate = configuration
        else:
            self._running = configuration

    def commit(self, session: int) -> bool:
        """Make the candidate the running configuration; tell whether there was a change."""
        self._check_free(RUNNING, session)
        self._check_free(CANDIDATE, session)
        if self._candidate is None:
            return False
        self._running, self._candidate = self._candidate, None
        return True

    def discard_changes(self, session: int) -> None:
        """Make the candidate what is running."""
        self._check_free(CANDIDATE, session)
        self._candidate = None

    def lock(self, name: str, session: int) -> None:
        """Lock a datastore for a session (section 7.5)."""
        self._check_name(name)
        holder = self._locks.get(name)
        if holder is not None:
            raise _lock_denied(f"{name} is locked by session {holder}", holder)
        if name == CANDIDATE and self._candidate is not None:
            raise _lock_denied("candidate has changes that are not committed", 0)
        self._locks[name] = session

    def unlock(self, name: str, session: int) -> None:
        """Give a session's lock back; the candidate's changes go with it (section 8.3.5.2)."""
        self._check_name(name)
        if self._locks.get(name) != session:
            raise RPCError("operation-failed", f"{name} is not locked by this session")
        self._unlock(name)

    def release(self, session: int) -> None:
        """Give back whatever an ended session had locked."""
        for name in [name for name, holder in self._locks.items() if holder == session]:
            self._unlock(name)

    def _unlock(self, name: str) -> None:
        del self._locks[name]
        if name == CANDIDATE:
            self._candidate = None

    @staticmethod
    def _check_name(name: str) -> None:
        if name not in {RUNNING, CANDIDATE}:
            raise RPCError("invalid-value", f"there is no datastore {name!r}", layer="application")

    def _check_free(self, name: str, session: int) -> None:
        holder = self._locks.get(name, session)
        if holder != session:
            raise RPCError("in-use", f"{name} is locked by session {holder}")


def _lock_denied(message: str, holder: int) -> RPCError:
    return RPCError("lock-denied", message, info={"session-id": str(holder)})
