"""The name of one file, as a caller gives it."""

from __future__ import annotations

import os

from ncwire.errors import OptionError


def named_file(option: str, given: object) -> str:
    """Return a string or a path as a string.

    Raises `OptionError` naming the option for anything else, such as a path in bytes.
    """
    name = os.fspath(given) if isinstance(given, str | os.PathLike) else given
    if not isinstance(name, str):
        raise OptionError(option, f"must be a path, in text, not {type(name).__name__}")
    return name
