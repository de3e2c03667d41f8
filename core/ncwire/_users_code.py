"""Calling the user's code: listeners, and functions that are told of replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._interrupts import by_signal

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


def call_users(function: Callable[..., object], *arguments: object) -> BaseException | None:
    """Call a function of the user's with these arguments, and return what it raised, to be logged.

    Whatever that is, it stays there: SystemExit, the CancelledError of asyncio or the Failed of
    pytest must not end the thread that serves the session, with all the others on a hub. Only
    what a signal handler raised meanwhile in the main thread is raised: it is meant for what
    runs there.
    """
    try:
        function(*arguments)
    except BaseException as error:
        if by_signal(error):
            raise
        return error
    return None


def log(logger: logging.Logger, level: int, text: str, *arguments: object) -> None:
    """Log something. A log's filters and handlers are the user's code, too."""
    call_users(logger.log, level, text, *arguments)


def log_error(logger: logging.Logger, error: BaseException, text: str, *arguments: object) -> None:
    """Log an error with its traceback, as `log` does."""
    call_users(_log, logger, error, text, arguments)


def _log(
    logger: logging.Logger, error: BaseException, text: str, arguments: tuple[object, ...]
) -> None:
    logger.error(text, *arguments, exc_info=error)
