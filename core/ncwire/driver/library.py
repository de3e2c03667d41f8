"""`Library`: one of the libraries that a driver stands on, as it is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Library:
    """A library of a driver's: its name, its version, and where its code was loaded from.

    `bundled` is whether it came with the package that binds it; None where that cannot be told.
    `path` is its file, "" where that is not known. A library of the system's may have been mended
    by the distribution without a change of its version.
    """

    name: str
    version: str
    path: str = ""
    bundled: bool | None = None
