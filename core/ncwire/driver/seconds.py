"""What a user may give as a number of seconds, or as a count: one check for every place."""

from __future__ import annotations

from ncwire.errors import OptionError

LONGEST = 1e6
"""Eleven days; poll(2), which counts milliseconds in an int, takes no more than 24."""


def positive_seconds(option: str, value: object) -> float:
    """Return a time that something may take, in seconds.

    Raises `OptionError`, which names the value and what is allowed, for what is no int or float,
    for a bool, and for what is not more than 0 and up to a million: so for nan and infinity.
    """
    if isinstance(value, int | float) and value.__class__ is not bool and 0 < value <= LONGEST:
        return value
    raise OptionError(option, f"{shown(value)} is no positive number of seconds up to a million")


def seconds_or_none(option: str, value: object) -> float:
    """Return a time that may be none at all; raises what `positive_seconds` does."""
    if isinstance(value, int | float) and value.__class__ is not bool and 0 <= value <= LONGEST:
        return value
    raise OptionError(option, f"{shown(value)} is no number of seconds, from 0 to a million")


def seconds_left(option: str, value: object) -> float:
    """Return a time that may be over, which is below 0; raises what `positive_seconds` does."""
    if isinstance(value, int | float) and value.__class__ is not bool and value <= LONGEST:
        return value
    raise OptionError(option, f"{shown(value)} is no number of seconds up to a million")


def whole_number(option: str, value: object, least: int) -> int:
    """Return a count that is `least` or more. Raises `OptionError` as `positive_seconds` does."""
    if isinstance(value, int) and value.__class__ is not bool and value >= least:
        return value
    raise OptionError(option, f"{shown(value)} is no whole number of {least} or more")


def shown(value: object) -> str:
    """Return a value for an error: not more of it than it takes."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists
        text = f"a {type(value).__name__} too long to show"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


_LONGEST_SHOWN = 200
