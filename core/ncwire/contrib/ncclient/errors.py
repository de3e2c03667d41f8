"""Errors that the `except` clauses of both libraries catch: ncwire's, retyped in place.

The object stays the same, with its attributes, notes and cause; its class becomes one that is
ncclient's too. Its text begins with ncclient's own, for programs look at that.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from ncwire import errors as ours
from ncwire.contrib.ncclient.library import ncclient

theirs: Final[Any] = ncclient.transport.errors

_SAID = "ncclient_text"
"""The attribute with ncclient's text."""

_CLASSES: Final[dict[type[ours.NcwireError], tuple[type[Exception], ...]]] = {
    ours.KeyFileError: (theirs.AuthenticationError,),
    ours.ClientCertificateError: (theirs.TLSError, theirs.AuthenticationError),
    ours.AuthenticationError: (theirs.AuthenticationError,),
    ours.SSHUnknownHostError: (theirs.SSHUnknownHostError,),
    ours.HelloMissingError: (theirs.SessionCloseError, theirs.SessionError),
    ours.SessionError: (theirs.SessionError,),
    ours.SessionCloseError: (theirs.SessionCloseError,),
    ours.NetconfFramingError: (theirs.NetconfFramingError,),
    ours.TLSError: (theirs.TLSError,),
}
"""What each is in ncclient, where that does not depend on the transport; the first that fits."""


def retyped(
    error: ours.NcwireError,
    said: str = "",
    transport_error: type[Exception] = theirs.SSHError,
) -> Exception:
    """Return the error, whose class has become ncclient's too, and whose text begins with `said`.

    `transport_error` is what ncclient raises where connecting fails over that transport. One that
    has been retyped is returned as it is. A name that does not resolve comes over SSH as a new
    error, for it is a `socket.gaierror` in place of an error of ncclient's, as it is there.
    """
    if ncclient.NCClientError in type(error).__mro__:
        return error
    # Over TLS it is a TLSError there, as every connection that fails.
    unresolved = _resolver_error(error) if transport_error is theirs.SSHError else None
    if unresolved is not None:
        error = _unresolved(error, unresolved)
    else:
        error.__class__ = _both(type(error), _kinds(error, transport_error))
    if said:
        setattr(error, _SAID, said)
    return error


def _kinds(error: ours.NcwireError, transport_error: type[Exception]) -> tuple[type[Any], ...]:
    if isinstance(error, ours.StepTimeoutError) and error.step.startswith("auth"):
        return (theirs.AuthenticationError,)
    for mine, found in _CLASSES.items():
        if isinstance(error, mine):
            return found
    if type(error) is ours.TransportError:
        return (theirs.TransportError,)
    return (transport_error,)


def _resolver_error(error: ours.NcwireError) -> socket.gaierror | None:
    if not isinstance(error, ours.ConnectError):
        return None
    if isinstance(error.__cause__, socket.gaierror):
        return error.__cause__
    if "Could not resolve hostname" in str(error):  # the driver openssh: so says ssh
        return socket.gaierror(socket.EAI_NONAME, str(error))
    return None


def _unresolved(error: ours.NcwireError, cause: socket.gaierror) -> ours.NcwireError:
    # An OSError keeps errno outside of the object's dict, so none is made of another in place.
    # And it is no error of ncclient's: PyEZ 2.8 asks for its SSHError first.
    kind = _both(ours.ConnectError, (socket.gaierror,))
    new: ours.NcwireError = kind.__new__(kind, *cause.args)
    OSError.__init__(new, *cause.args)
    new.args = error.args
    new.__cause__ = cause
    new.__suppress_context__ = True
    return new


_made: dict[tuple[type[Any], ...], type[ours.NcwireError]] = {}


def _both(mine: type[ours.NcwireError], found: tuple[type[Any], ...]) -> type[ours.NcwireError]:
    """Return the class that is both libraries', by the name that it has in ours."""
    # Two threads may make it twice, which does no harm.
    if (mine, *found) in _made:
        return _made[mine, *found]

    def __str__(self: ours.NcwireError) -> str:  # noqa: N807 - becomes a method
        text = _text(mine, self)
        said = getattr(self, _SAID, "")
        return f"{said}: {text}" if said else text

    def __reduce__(self: ours.NcwireError) -> tuple[Any, ...]:  # noqa: N807 - as above
        # The class is not to be found by its name, but can be made again.
        rebuilt, (_, *rest), state = mine.__reduce__(self)
        return _again, (rebuilt, mine, found, tuple(rest)), state

    namespace = {
        "__doc__": mine.__doc__,
        "__module__": mine.__module__,
        "__str__": __str__,
        "__reduce__": __reduce__,
    }
    made: type[ours.NcwireError] = type(mine.__name__, (mine, *found), namespace)
    return _made.setdefault((mine, *found), made)


def _text(mine: type[ours.NcwireError], error: ours.NcwireError) -> str:
    if not issubclass(mine, OSError) and isinstance(error, OSError):
        return str(error.args[0])  # `OSError` would make a text of its errno
    return mine.__str__(error)


def _again(
    rebuilt: Any,
    mine: type[ours.NcwireError],
    found: tuple[type[Any], ...],
    rest: tuple[Any, ...],
) -> ours.NcwireError:
    kind = _both(mine, found)
    error: ours.NcwireError = rebuilt(kind, *rest)
    return error
