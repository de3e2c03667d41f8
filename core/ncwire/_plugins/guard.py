"""A driver's steps, guarded: nothing but errors of ours comes out of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire._interrupts import raise_interruption
from ncwire.errors import InvalidDriverError, NcwireError

if TYPE_CHECKING:
    from collections.abc import Generator

_REMEDY = "report it to the driver's author"


@contextmanager
def driver_step(driver: str, step: str) -> Generator[None]:
    """Turn what the contract does not let a driver raise in this step into `InvalidDriverError`.

    The library's exception is its cause; the text has its type only, since exceptions of
    strangers may quote secrets. What a signal handler raised meanwhile is not the driver's, also
    where the driver took it for an error of its library's: it comes out as it is.
    """
    try:
        yield
    except Exception as error:
        raise_interruption(error)
        if isinstance(error, NcwireError):
            raise
        raise InvalidDriverError(
            driver, f"it raised {type(error).__name__} in {step}", _REMEDY
        ) from error


def check_returned(driver: str, step: str, result: object, kind: type[object]) -> None:
    """Raise `InvalidDriverError` unless a step returned what the contract says."""
    if not isinstance(result, kind):
        raise InvalidDriverError(
            driver, f"{step} returned {type(result).__name__}, not {kind.__name__}", _REMEDY
        )
