"""Telling what a signal handler raised from an error of the system's, where those do not count."""

from __future__ import annotations


def raise_others(error: OSError) -> None:
    """Raise an error again that is not the system's: a signal handler's, a TimeoutError say.

    The system's have a number.
    """
    if error.errno is None:
        raise error
