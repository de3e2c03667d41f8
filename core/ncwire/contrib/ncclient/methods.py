"""The methods that ncclient's session classes are given in place of their own."""

from __future__ import annotations

import functools
import inspect
import logging
import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

from ncwire.contrib.ncclient.errors import retyped
from ncwire.contrib.ncclient.known_hosts import lines_of, readable
from ncwire.contrib.ncclient.library import ncclient
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.contrib.ncclient.choice import Choice

_logger = logging.getLogger(__name__)

CARRIER: Final = "_ncwire_carrier"
"""The attribute of a session of ncclient's that ncwire carries."""
CHOICE: Final = "_ncwire_choice"
"""The attribute of one for which driver, profile or hub were chosen by themselves."""
KNOWN_HOSTS: Final = "_ncwire_known_hosts"
"""The attribute with the known_hosts files that were loaded."""
FROM_FILES: Final = "_ncwire_known_from_files"
"""The attribute with the lines of `_host_keys` that are from files."""

_CARRIED: Final = ("close", "is_alive", "join", "send", "take_notification")
"""What `Carrier` does by the same name."""

_IO: Final = (
    "connect",
    "run",
    "_auth",
    "_dispatch_message",
    "_parse",
    "_parse10",
    "_parse11",
    "_post_connect",
    "_send_ready",
    "_transport_read",
    "_transport_register",
    "_transport_write",
)
"""What moves bytes: who replaces one of these does so without ncwire."""

_OF_CONNECTING: Final = frozenset({"connect", "load_known_hosts"})
_ABSENT: Final = object()
_ONCE: Final = "connect: this session is connected, and one connects only once; make a new one"


class Way(Protocol):
    """How a class of sessions connects over ncwire."""

    def __call__(self, session: Any, choice: Choice, given: dict[str, Any]) -> None:
        """Connect; `given` are the arguments of ncclient's `connect`, with its defaults."""


class Methods:
    """What one class of sessions is given; `put` sets it, `take_back` restores what was there."""

    def __init__(self, cls: Any, way: Way) -> None:
        self._cls = cls
        self._way = way
        self._choice: Choice | None = None
        self._left_alone: set[type] = set()
        self._sessions: weakref.WeakSet[Any] = weakref.WeakSet()
        self.own = self._made()
        """The methods, by name."""
        self._before = {name: cls.__dict__.get(name, _ABSENT) for name in self.own}
        self._io = {name: self.own.get(name, getattr(cls, name, None)) for name in _IO}
        self._paramiko = _paramiko_transport()

    def put(self, choice: Choice) -> None:
        """Set the methods on the class: what connects from now on is carried so."""
        self._choice = choice
        for name, method in self.own.items():
            setattr(self._cls, name, method)

    def take_back(self) -> None:
        """Restore the class: what connects from now on is ncclient's own.

        As long as sessions are open that are carried, the methods stay by which they are used;
        for all others these do what was there before.
        """
        self._choice = None
        self._left_alone.clear()
        in_use = any(getattr(each, CARRIER).connected for each in list(self._sessions))
        for name, method in self._before.items():
            if in_use and name not in _OF_CONNECTING:
                continue
            if method is not _ABSENT:
                setattr(self._cls, name, method)
            elif name in self._cls.__dict__:
                delattr(self._cls, name)

    def new_session(self, handler: Any, choice: Choice) -> Any:
        """Return a session, not yet connected, that is carried whether or not the class is."""
        cls = self._cls
        if self._choice is None:
            cls = type(cls.__name__, (cls,), {**self.own, "__module__": cls.__module__})
        session = cls(handler)
        setattr(session, CHOICE, choice)
        return session

    def _made(self) -> dict[str, Any]:
        own: dict[str, Any] = {name: self._carried(name) for name in _CARRIED}
        own["connect"] = self._connect()
        own["_dispatch_message"] = self._carried("_dispatch_message", "dispatch_raw")
        own["connected"] = property(
            self._carried(
                "connected", original=inspect.getattr_static(self._cls, "connected").fget
            )
        )
        if hasattr(self._cls, "load_known_hosts"):
            own["load_known_hosts"] = self._load_known_hosts()
        return own

    def _carried(self, name: str, ours: str = "", original: Any = None) -> Callable[..., Any]:
        before = original or getattr(self._cls, name)

        @functools.wraps(before)
        def method(session: Any, *arguments: Any, **keywords: Any) -> Any:
            carrier = session.__dict__.get(CARRIER)
            if carrier is None:
                return before(session, *arguments, **keywords)
            found = getattr(carrier, ours or name)
            return found(*arguments, **keywords) if callable(found) else found

        return method

    def _connect(self) -> Callable[..., None]:
        before = self._cls.connect
        signature = inspect.signature(before)

        @functools.wraps(before)
        def connect(session: Any, *arguments: Any, **keywords: Any) -> None:
            choice = session.__dict__.get(CHOICE, self._choice)
            if choice is None or self._does_its_own_io(session):
                before(session, *arguments, **keywords)
                return
            bound = signature.bind(session, *arguments, **keywords)
            bound.apply_defaults()
            carrier = session.__dict__.get(CARRIER)
            if carrier is not None and carrier.connected:
                raise retyped(TransportError(_ONCE))
            _, *given = bound.arguments.items()
            self._way(session, choice, dict(given))
            self._sessions.add(session)

        return connect

    def _load_known_hosts(self) -> Callable[..., None]:
        before = self._cls.load_known_hosts

        @functools.wraps(before)
        def load_known_hosts(session: Any, filename: str | None = None) -> None:
            if self._does_its_own_io(session):
                before(session, filename)
                return
            # ncwire reads the file itself when it connects; this is for programs that look.
            added = lines_of(session._host_keys) - session.__dict__.get(FROM_FILES, frozenset())
            with readable(filename) as plain:
                before(session, plain)
            session.__dict__[FROM_FILES] = lines_of(session._host_keys) - added
            if filename is not None:
                session.__dict__.setdefault(KNOWN_HOSTS, []).append(filename)

        return load_known_hosts

    def _does_its_own_io(self, session: Any) -> bool:
        """Return whether a subclass, or a test's stand-in, moves the bytes."""
        cls = type(session)
        replaced = [
            name
            for name, expected in self._io.items()
            if name in session.__dict__ or not _is_same(getattr(cls, name, None), expected)
        ]
        if _paramiko_transport() is not self._paramiko:
            replaced.append("paramiko.Transport")
        if replaced and cls not in self._left_alone:
            self._left_alone.add(cls)
            text = "%s.%s keeps ncclient's own transport, for it replaces %s"
            _logger.info(text, cls.__module__, cls.__qualname__, ", ".join(replaced))
        return bool(replaced)


def _is_same(found: object, expected: object) -> bool:
    # The class's own may stand for what it is given, where only a subclass of it is changed.
    return found is expected or getattr(found, "__wrapped__", None) is expected


def _paramiko_transport() -> object:
    # Tests of programs put something else in its place.
    return ncclient.transport.ssh.paramiko.Transport
