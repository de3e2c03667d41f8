"""What is fuzzed: a module for each target.

Each has `one(data)`, which returns for whatever ncwire's documentation allows and raises for
everything else; `TOKENS`, words from which the inputs are made; and `LONGEST`, how long an input
is worth while, in bytes. Its seeds are the files in `corpus/<its name>`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = (
    "chunked",
    "end_of_message",
    "round_trip",
    "protocol",
    "lenient",
    "hello",
    "root",
    "rpc_document",
    "capabilities",
    "kexinit",
    "greeting",
    "known_hosts",
    "host_certificate",
    "user_certificate",
    "ssh_config",
    "ssh_names",
    "jump",
    "url",
    "inventory",
    "terminal",
)


class Target(Protocol):
    """A module of this package."""

    TOKENS: Sequence[bytes]
    LONGEST: int

    def one(self, data: bytes) -> None:
        """Raise if ncwire breaks a promise with this input."""


def load(name: str) -> Target:
    """Import a target; with it the part of ncwire that it tests, which can then be watched."""
    return cast("Target", importlib.import_module(f"targets.{name}"))
