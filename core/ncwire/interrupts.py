"""Telling what interrupted a call from what the call itself raised.

Python runs a signal's handler in the main thread, between two bytecodes of whatever runs there:
what it raises comes out of the middle of our code, of a driver's, or of a library's, and may have
become the cause of an error of theirs on its way.
"""

from __future__ import annotations

import functools
import signal
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType


def interruption(error: BaseException) -> BaseException | None:
    """Return what came from outside and led to this error, itself included; None if nothing did.

    That is whatever is no `Exception` (KeyboardInterrupt, SystemExit, a greenlet's own), and what
    a signal handler raised: see `by_signal`. Of the error, its causes and contexts the first that
    did counts.
    """
    for each in _chain(error):
        if not isinstance(each, Exception) or by_signal(each):
            return each
    return None


def by_signal(error: BaseException) -> bool:
    """Return whether one of the program's signal handlers raised this error.

    That is so for an exception whose traceback leads through the code of a handler that is
    installed now, and for KeyboardInterrupt, whose handler has no code of Python's. Handlers run
    in the main thread only (`signal`, CPython 3.11).
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    return isinstance(error, KeyboardInterrupt) or _leads_through(error, _handlers())


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
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        link = link.__cause__ or link.__context__


def _leads_through(error: BaseException, codes: frozenset[CodeType]) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _handlers() -> frozenset[CodeType]:
    codes = (_code_of(signal.getsignal(number)) for number in signal.valid_signals())
    return frozenset(code for code in codes if code is not None)


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    for each in (handler, getattr(type(handler), "__call__", None)):  # noqa: B004 - what it is
        function = getattr(each, "__func__", each)  # a bound method's
        code: CodeType | None = getattr(function, "__code__", None)
        if code is not None:
            return code
    return None
