"""The drivers that are known, whether or not they are installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class KnownDriver:
    """A driver's name, what it is over, and the package that has it with the way to get that."""

    name: str
    over: str
    package: str
    install: str


def known_drivers() -> Mapping[str, KnownDriver]:
    """Return them by name."""
    import tomllib  # noqa: PLC0415 - for an error, and for the documentation

    text = resources.files("ncwire._plugins").joinpath("known.toml").read_text(encoding="utf-8")
    return {name: KnownDriver(name, **told) for name, told in tomllib.loads(text).items()}
