"""Telling what interrupted a call from what the call itself raised.

Python runs a signal's handler in the main thread, between two bytecodes of whatever runs there:
what it raises comes out of the middle of our code, of a driver's, or of a library's, and may have
become the cause of an error of theirs on its way.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from ncwire.errors import BrokenMessageError, NcwireError, SessionCloseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


_VARARGS = 4
"""The flag of code that takes `*args` (inspect.CO_VARARGS, whose module is slow to import)."""


def interruption(error: BaseException) -> BaseException | None:
    """Return what came from outside and led to this error, itself included; None if nothing did.

    That is whatever is no `Exception` (KeyboardInterrupt, SystemExit, a greenlet's own), what a
    signal handler raised (see `by_signal`), and what was thrown into our own code, no other's
    having been called, as PyThreadState_SetAsyncExc does. Of the error, its causes and contexts
    the first that did counts.
    """
    if isinstance(error, Exception) and _is_thrown_in(error):
        return error  # of its contexts it is not asked: those our own code has dealt with
    for each in _chain(error):
        if not isinstance(each, Exception) or by_signal(each):
            return each
    return None


def by_signal(error: BaseException) -> bool:
    """Return whether one of the program's signal handlers raised this error.

    A handler is known in the traceback by what Python calls it with: the very frame that it has
    interrupted (`signal`), which no other function is given. So it is known, too, where it is not
    installed any more. The handler of KeyboardInterrupt has no frame of its own. Handlers run in
    the main thread only (CPython 3.11).
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, KeyboardInterrupt):
        return True
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        if _was_given(traceback.tb_next.tb_frame, traceback.tb_frame):
            return True
        traceback = traceback.tb_next
    return False


def _was_given(function: FrameType, interrupted: FrameType) -> bool:
    code = function.f_code
    count = code.co_argcount + bool(code.co_flags & _VARARGS) + code.co_kwonlyargcount
    given = [function.f_locals.get(name) for name in code.co_varnames[:count]]
    return any(
        each is interrupted
        or (isinstance(each, tuple) and any(one is interrupted for one in each))
        for each in given
    )


def _is_thrown_in(error: Exception) -> bool:
    if isinstance(error, NcwireError):
        return False
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        if not name.startswith("ncwire.") or name.startswith("ncwire.testing."):
            return False
        traceback = traceback.tb_next
    return error.__traceback__ is not None


def raise_signalled(error: BaseException) -> None:
    """Raise what a signal handler raised and led to this error, as it was; return if none did.

    For code of others that may raise anything of its own, SystemExit too, as importing it does.
    """
    for each in _chain(error):
        if by_signal(each):
            _raise_alone(each)


def raise_interruption(error: BaseException) -> None:
    """Raise what came from outside and led to this error, as it was; return if nothing did."""
    found = interruption(error)
    if found is not None:
        _raise_alone(found)


def _raise_alone(found: BaseException) -> NoReturn:
    context = found.__context__
    try:
        raise found
    finally:
        found.__context__ = context  # and not the error that it has led to


def _chain(error: BaseException) -> Iterator[BaseException]:
    # What was being handled already when our code was called is no context of ours: it was caught
    # in a frame that is still there.
    stack: set[FrameType] = set()
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - there is no other way to the stack
    while frame is not None:
        stack.add(frame)
        frame = frame.f_back
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        if isinstance(link, (SessionCloseError, BrokenMessageError)):
            return  # what ended a session was raised then, and this may be long after
        seen.add(id(link))
        if link.__cause__ is not None:
            link = link.__cause__
            continue
        link = link.__context__
        if link is None or link.__traceback__ is None or link.__traceback__.tb_frame in stack:
            return
