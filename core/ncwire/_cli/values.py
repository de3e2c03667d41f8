"""What an option's value may be: the types that argparse is given."""

from __future__ import annotations

import argparse

from ncwire.driver.seconds import LONGEST

_HIGHEST_PORT = 65535


def port(text: str) -> int:
    """Return a port to connect to."""
    return _port(text, 1)


def port_or_any(text: str) -> int:
    """Return a port to listen on; 0 is any that is free."""
    return _port(text, 0)


def seconds(text: str) -> float:
    """Return a time, more than none and no longer than any budget may be."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no positive number of seconds up to a million"
        )
    return value


def count(text: str) -> int:
    """Return how many there are to be."""
    if not _is_digits(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def positive(text: str) -> int:
    """Return how many there are to be, at least one."""
    if not _is_digits(text) or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def _port(text: str, lowest: int) -> int:
    if not _is_digits(text) or not lowest <= int(text) <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {lowest} and {_HIGHEST_PORT}")
    return int(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
