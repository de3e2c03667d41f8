"""`--trace FILE`: what the command says to devices, in a file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire.observe import TraceWriter, add, remove

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command that connects."""
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="write what is said to this file, which `ncwire trace` shows, with secrets hidden",
    )


@contextmanager
def traced(path: str | None) -> Generator[None]:
    """Trace all sessions that connect inside, if there is a file for it. Raises `OptionError`."""
    if path is None:
        yield
        return
    with TraceWriter(path, option="--trace") as trace:
        add(trace)
        try:
            yield
        finally:
            remove(trace)
