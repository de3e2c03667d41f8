"""What is tried again, and what never is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from ncwire.errors import (
    AuthenticationError,
    CertificateError,
    DriverError,
    InventoryError,
    KnownHostsFileError,
    ListenError,
    NcwireError,
    NoCommonAlgorithmError,
    NoCommonBaseError,
    OptionError,
    PeerUserError,
    SecretError,
    SessionCloseError,
    SessionError,
    SSHUnknownHostError,
    TransportError,
    UnsupportedOption,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Retry: TypeAlias = "Callable[[Exception], bool] | type[Exception] | tuple[type[Exception], ...]"

NEVER_RETRIED: Final[tuple[type[Exception], ...]] = (
    SSHUnknownHostError,
    CertificateError,
    PeerUserError,
    AuthenticationError,
    KnownHostsFileError,
    OptionError,
    UnsupportedOption,
    DriverError,
    InventoryError,
    SecretError,
)
"""Errors that no choice of the caller's makes one to try again.

A host key or a certificate that is not good, or the wrong user at a Unix socket, may be an attack,
which is not to be tried until it succeeds; a login that was refused locks the account if it is
repeated; what is wrong with the parameters or the driver stays so.
"""

_UNLIKELY: Final = (NoCommonAlgorithmError, NoCommonBaseError, ListenError)
"""What a server cannot do today it will hardly do in a minute, unless it is upgraded; and a
listener that was closed stays so."""


def is_retried(error: BaseException) -> bool:
    """Return whether an attempt is made after this error where the caller chose nothing.

    It is after a `TransportError` or a `SessionError`, and after an OSError, of which timeouts are
    some; not after those of `NEVER_RETRIED`, a `NoCommonAlgorithmError`, a `NoCommonBaseError` or
    a `ListenError`. What else a program's own function raises, TypeError say, is a fault in it,
    and ends all.
    """
    never = (*NEVER_RETRIED, *_UNLIKELY)
    may_pass = isinstance(error, TransportError | SessionError | OSError)
    return may_pass and not isinstance(error, never)


def checked(retry: Retry | None) -> Callable[[Exception], bool]:
    """Return the caller's choice as a function, which raises what the caller's own raises.

    What is of `NEVER_RETRIED`, or was led to by such an error, is never to be tried again; and
    the function is not asked about it. Raises `OptionError` for what is no choice.
    """
    chosen = _function(retry)

    def decide(error: Exception) -> bool:
        if any(isinstance(each, NEVER_RETRIED) or _is_a_forks(each) for each in led_to(error)):
            return False
        return bool(chosen(error))

    return decide


def _function(retry: Retry | None) -> Callable[[Exception], bool]:
    if retry is None:
        return is_retried
    classes: tuple[type[Exception], ...] = ()
    if isinstance(retry, tuple):
        classes = retry
    elif isinstance(retry, type):
        classes = (retry,)
    elif callable(retry):
        return retry
    wrong = [each for each in classes if not _is_a_class(each)]
    if wrong or not classes:
        raise OptionError("retry", "must be a class of exceptions, a tuple of such, or a function")
    for each in classes:
        if issubclass(each, NEVER_RETRIED):
            problem = f"{each.__name__} is never tried again; see NEVER_RETRIED"
            raise OptionError("retry", problem)
    return lambda error: isinstance(error, classes)


def _is_a_class(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, Exception)


def _is_a_forks(error: BaseException) -> bool:
    """Return whether this process is a child, to which the sessions do not belong."""
    return isinstance(error, SessionCloseError) and error.closed_by == "fork"


def led_to(error: BaseException) -> Iterable[BaseException]:
    """Yield the error, and all that it came from: a program's own may stand around one of ours."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left.append(each.__cause__)
        if not isinstance(each, NcwireError):
            left.append(each.__context__)  # of ours it may be what a caller had at hand just then
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions
