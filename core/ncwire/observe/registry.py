"""Who observes a session that connects: its own observers, those of all, the log, and a trace."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Final

from ncwire.driver.forking import Forkable, free_in_child, watch_forks
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ncwire.observe.observer import Observer
    from ncwire.observe.trace_writer import TraceWriter

ENVIRONMENT = "NCWIRE_TRACE"
"""The environment variable that names a trace's file."""

_messages = logging.getLogger("ncwire.messages")


class _Registry(Forkable):
    """What is set for all sessions of the process."""

    def __init__(self) -> None:
        self.observers: tuple[
            Observer, ...
        ] = ()  # never changed in its place: read without a lock
        self.trace: TraceWriter | None = None
        self.changing = threading.RLock()
        watch_forks(self)

    def abandon_in_child(self) -> None:
        """Go on in a forked child: what is observed here, is there, too."""
        free_in_child(self.changing)


_ALL: Final = _Registry()


def add(observer: Observer) -> Observer:
    """Have an observer told of every session that connects from now on; return it.

    One that is there already stays so, once. Raises `OptionError` for what is no `Observer`.
    """
    (observer,) = checked((observer,))
    with _ALL.changing:
        if not any(each is observer for each in _ALL.observers):
            _ALL.observers = (*_ALL.observers, observer)
    return observer


def remove(observer: Observer) -> None:
    """Have it told of no further session; those that it is told of already go on telling it.

    Ignored if it was never added.
    """
    with _ALL.changing:
        _ALL.observers = tuple(each for each in _ALL.observers if each is not observer)


def checked(observers: Iterable[Observer]) -> tuple[Observer, ...]:
    """Return observers as a tuple. Raises `OptionError` for what is none."""
    from ncwire.observe.observer import Observer  # noqa: PLC0415 - most sessions have none

    try:
        given = tuple(observers)
    except TypeError:
        problem = f"must be a sequence of observers, not {type(observers).__name__}"
        raise OptionError("observers", problem) from None
    for each in given:
        if not isinstance(each, Observer):
            problem = f"must be objects of ncwire.observe.Observer, not {type(each).__name__}"
            raise OptionError("observers", problem)
    return given


def present(own: tuple[Observer, ...]) -> tuple[Observer, ...]:
    """Return who observes a session that connects now: these, and what is set for all.

    Raises `OptionError` for a trace that the environment asks for and that cannot be written.
    """
    found = [*own, *_ALL.observers]
    if _messages.isEnabledFor(logging.DEBUG):
        from ncwire.observe.messages_log import MESSAGES  # noqa: PLC0415 - few look at messages

        found.append(MESSAGES)
    if path := os.environ.get(ENVIRONMENT):
        found.append(_traced(path))
    # Each once, and by what it is: a dataclass has no hash, and is equal to others.
    return tuple({id(each): each for each in found}.values())


def _traced(path: str) -> TraceWriter:
    from ncwire.observe.trace_writer import TraceWriter  # noqa: PLC0415 - as above

    with _ALL.changing:
        if _ALL.trace is None or _ALL.trace.path != path:
            if _ALL.trace is not None:
                _ALL.trace.close()
            _ALL.trace = TraceWriter(path, option=ENVIRONMENT)
        return _ALL.trace
