"""`Edit`: an edit of a configuration, with all that belongs to it, or tried out only."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ncwire.contrib.nornir import operations
from ncwire.errors import NcwireError, OptionError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from ncwire import DriverSession, Reply
    from ncwire._protocol.operation import WholeOperation

CANDIDATE: Final = "candidate"
TEST_ONLY: Final = "test-only"

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "default_operation": ("merge", "replace", "none"),
    "test_option": ("test-then-set", "set", TEST_ONLY),
    "error_option": ("stop-on-error", "continue-on-error", "rollback-on-error"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit, checked before anything is sent: `OptionError` for what cannot be.

    `lock` None is as `commit` says.
    """

    config: WholeOperation
    target: str
    default_operation: str | None = None
    test_option: str | None = None
    error_option: str | None = None
    lock: bool | None = None
    validate: bool = False
    commit: bool = False
    timeout: float | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise OptionError(name, f"{value!r} is not one of {', '.join(choices)}")
        if self.commit and self.target != CANDIDATE:
            raise OptionError(
                "commit", f"goes with target='candidate' alone; the target is {self.target!r}"
            )
        if self.commit and self.test_option == TEST_ONLY:
            raise OptionError("commit", "goes not with test_option='test-only'")
        if self.lock and self.target == CANDIDATE and not self.commit:
            raise OptionError(
                "lock",
                "of the candidate goes with commit=True alone: what is in it is discarded when "
                "its lock is let go (RFC 6241 section 8.3.5.2)",
            )
        self._written(self.test_option)

    def make(self, session: DriverSession) -> Reply:
        """Make the edit, and return the reply to it.

        Raises what `Session.rpc` does, and `RPCError` for what the server refuses.

        When any step fails the candidate is as running again, if it was to be committed, and the
        lock is let go; what fails of that is a note of the error.
        """
        locks = self.commit if self.lock is None else self.lock
        with self._undone(session, locks=locks, discards=self.commit):
            reply = self._ask(session, self._written(self.test_option))
            if self.validate:
                self._ask(session, operations.validate(self.target))
            if self.commit:
                self._ask(session, operations.COMMIT)
        if locks:
            self._ask(session, operations.unlock(self.target))
        return reply

    def attempt(self, session: DriverSession) -> Reply:
        """Have the server judge the edit, and change nothing; return its reply.

        By the test-option test-only where the server has `:validate:1.1`; else in the candidate,
        which is locked meanwhile, and discarded. Raises as `make` does, and `OptionError` where
        there is neither; nothing was sent then.
        """
        capabilities = session.server_capabilities or ()
        if ":validate:1.1" in capabilities:
            return self._ask(session, self._written(TEST_ONLY))
        if self.target != CANDIDATE or ":candidate" not in capabilities:
            raise OptionError(
                "dry_run",
                f"the server cannot test an edit of {self.target!r} (it lacks :validate:1.1), so "
                "nothing was sent; a candidate can be tried out with target='candidate'",
            )
        with self._undone(session, locks=True, discards=True):
            reply = self._ask(session, self._written(self.test_option))
            if ":validate" in capabilities:
                self._ask(session, operations.validate(self.target))
        self._ask(session, operations.DISCARD)
        self._ask(session, operations.unlock(self.target))
        return reply

    def _written(self, test_option: str | None) -> bytes:
        options = {
            "default-operation": self.default_operation,
            "test-option": test_option,
            "error-option": self.error_option,
        }
        return operations.edit(self.target, options, self.config)

    @contextmanager
    def _undone(self, session: DriverSession, *, locks: bool, discards: bool) -> Generator[None]:
        """Lock the target, and undo what was begun when what happens inside fails."""
        undoing = [operations.DISCARD] if discards else []
        if locks:
            self._ask(session, operations.lock(self.target))
            undoing.append(operations.unlock(self.target))
        try:
            yield
        except BaseException as error:
            for operation in undoing:
                # A server lets go of a session's locks, and of what it has in a locked candidate,
                # when the session ends (RFC 6241 section 7.5 and 8.3.5.2).
                if not session.connected:
                    break
                try:
                    self._ask(session, operation)
                except NcwireError as also:
                    error.add_note(f"{operation.decode()} after it failed, too: {also}")
            raise

    def _ask(self, session: DriverSession, operation: bytes) -> Reply:
        return session.rpc(operation, self.timeout, check=True)
