"""Listeners: who hears of incoming messages and of the session's end, each isolated."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from ncwire._protocol.framing import text_of
from ncwire._users_code import call_users, log, log_error
from ncwire.driver.forking import free_in_child

if TYPE_CHECKING:
    from ncwire._protocol.framing import Document

logger = logging.getLogger(__name__)

SLOW = 1.0
"""Seconds after which a callback is warned of: it keeps every other message waiting."""

Root = tuple[str, dict[str, str]]
ListenerT = TypeVar("ListenerT")


class SessionListener(ABC):
    """Hears of a session's messages and errors, on the session's own thread.

    Time-intensive work is to be avoided in both methods: all other messages wait meanwhile.
    """

    anywhere: ClassVar[bool] = False
    """Whether `callback` may be called on any thread, and with the session locked: for one that
    never waits and calls nothing of the session's. It hears of each message as soon as that has
    been read, and so before an rpc returns whose reply came later, whatever other listeners
    there are; those may hear of it only afterwards."""

    roots: ClassVar[frozenset[str] | None] = None
    """The qualified names of the roots of all that it hears of; None: it hears of everything. What
    no listener hears of is not decoded, if it is large."""

    @abstractmethod
    def callback(self, root: Root, raw: str) -> None:
        """Take a new XML document.

        `root` is the root element's qualified name ("{namespace}local") and a dict of its
        attributes, names qualified too. `raw` is the whole document.
        """

    @abstractmethod
    def errback(self, ex: Exception) -> None:
        """Take an error: the session's end, told once with its cause.

        A `SessionCloseError` whose `closed_by` is "us" is an end that this program has asked for;
        with any other cause the session is lost, and who wants it again may connect anew.

        What this listener's own `callback` raised comes here too, and a `MessageDecodeError` for
        a message that is not UTF-8, in its place; they end nothing.
        """


class Listeners:
    """The listeners of one session; every method may be called from any thread.

    What a listener raises is logged with its traceback and hurts no other.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cause: Exception | None = None
        self.registered: tuple[SessionListener, ...] = ()
        """In the order of their registration."""
        # Each of them is in one of these two; see `SessionListener.anywhere`.
        self.at_once: tuple[SessionListener, ...] = ()
        """Those that hear of a message from the thread that has read it."""
        self.dispatched: tuple[SessionListener, ...] = ()
        """Those that hear of it on the session's own thread."""

    def add(self, listener: SessionListener) -> None:
        """Register a listener; no matter how often, it is called once for each message.

        After the session's end it is told the cause at once. Raises TypeError for an object
        that lacks `callback` or `errback`.
        """
        if not callable(getattr(listener, "callback", None)) or not callable(
            getattr(listener, "errback", None)
        ):
            raise TypeError(f"{listener!r} is no SessionListener: it needs callback and errback")
        with self._lock:
            cause = self._cause
            if cause is None and not any(each is listener for each in self.registered):
                self._register((*self.registered, listener))
        if cause is not None:
            _errback(listener, cause)

    def remove(self, listener: SessionListener) -> None:
        """Unregister a listener; one that is not registered is ignored."""
        with self._lock:
            self._register(tuple(each for each in self.registered if each is not listener))

    def instance(self, cls: type[ListenerT]) -> ListenerT | None:
        """Return the first registered listener of that type; None when there is none."""
        return next((each for each in self.registered if isinstance(each, cls)), None)

    def deliver_at_once(self, root: Root, content: str | Document) -> None:
        """Hand a message to each of `at_once`, in the order of their registration."""
        self._deliver(self.at_once, root, content)

    def deliver(self, root: Root, content: str | Document) -> None:
        """Hand a message to each of `dispatched`, in the order of their registration."""
        self._deliver(self.dispatched, root, content)

    def refuse_at_once(self, root: Root, error: Exception) -> None:
        """Tell each of `at_once` of a message that it would have heard of, and cannot."""
        self._refuse(self.at_once, root, error)

    def refuse(self, root: Root, error: Exception) -> None:
        """Tell each of `dispatched` the same."""
        self._refuse(self.dispatched, root, error)

    def _refuse(
        self, listeners: tuple[SessionListener, ...], root: Root, error: Exception
    ) -> None:
        for listener in listeners:
            roots = getattr(listener, "roots", None)
            if roots is None or root[0] in roots:
                _errback(listener, error)

    def _deliver(
        self, listeners: tuple[SessionListener, ...], root: Root, content: str | Document
    ) -> None:
        for listener in listeners:
            roots = getattr(listener, "roots", None)
            if roots is not None and root[0] not in roots:
                continue
            began = time.monotonic()
            error = call_users(listener.callback, root, text_of(content))
            if error is not None:
                log_error(logger, error, "listener %s failed on %s", _name(listener), root[0])
                _errback(listener, error)
            elapsed = time.monotonic() - began
            if elapsed > SLOW:
                text = "listener %s took %.1f s; all other messages waited"
                log(logger, logging.WARNING, text, _name(listener), elapsed)

    def fail(self, cause: Exception) -> None:
        """Tell each listener the session's cause of end; only the first call does anything."""
        with self._lock:
            if self._cause is not None:
                return
            self._cause = cause
            listeners = self.registered
            self._register(())
        for listener in listeners:
            _errback(listener, cause)

    def leave(self, cause: Exception) -> tuple[SessionListener, ...]:
        """Let go of all listeners and return them, untold; those to come are told this cause.

        For where the threads are gone, a forked child or the exit: waits for no lock.
        """
        free_in_child(self._lock)
        self._cause = self._cause or cause
        listeners = self.registered
        self._register(())
        return listeners

    def _register(self, listeners: tuple[SessionListener, ...]) -> None:
        self.at_once = tuple(each for each in listeners if _is_for_anywhere(each))
        self.dispatched = tuple(each for each in listeners if not _is_for_anywhere(each))
        self.registered = listeners


def _is_for_anywhere(listener: SessionListener) -> bool:
    return bool(getattr(listener, "anywhere", False))


def _errback(listener: SessionListener, error: BaseException) -> None:
    if (failed := call_users(listener.errback, error)) is not None:
        log_error(logger, failed, "errback of listener %s failed", _name(listener))


def _name(listener: SessionListener) -> str:
    # Not its repr, which is the user's own and may tell more than a log should have.
    return f"{type(listener).__module__}.{type(listener).__qualname__}"
