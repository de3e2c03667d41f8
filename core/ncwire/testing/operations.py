"""The operations of the embedded server, one function each (RFC 6241 section 7, RFC 5277)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ncwire._protocol.messages import BASE_NS, NOTIFICATION_NS
from ncwire.testing.configuration import Configuration
from ncwire.testing.datastore import RUNNING
from ncwire.testing.document import local_name
from ncwire.testing.rpc_error import RPCError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from ncwire.testing.datastore import Datastores

_OK = b"<ok/>"


class Link(Protocol):
    """What the engine needs of the stream that carries a session; no call of it blocks."""

    def deliver(self, message: bytes) -> None:
        """Send a notification when the stream is free."""

    def terminate(self) -> None:
        """End the stream, whatever it is doing."""


class Server(Protocol):
    """What the operations need of the server; see `NetconfServer`."""

    datastores: Datastores
    lock: threading.RLock

    def end_session(self, session_id: int) -> Session | None:
        """End that session; None if there is none."""

    def announce_change(self, session: Any) -> None:
        """Tell the other sessions that this one has changed the configuration."""


class Session(Protocol):
    """What the operations need of the session that asks; see `ServerSession`."""

    id: int
    closed: bool
    subscribed: bool
    event_filter: Element | None

    @property
    def server(self) -> Server:
        """The server that it belongs to."""

    @property
    def link(self) -> Link:
        """What it is carried by."""

    def end(self) -> None:
        """End it."""


def perform(session: Session, operation: Element) -> bytes:
    """Perform an operation, and return the content of its <rpc-reply>; raises `RPCError`."""
    perform_it = _OPERATIONS.get(operation.tag)
    if perform_it is None:
        raise RPCError(
            "operation-not-supported", f"there is no operation {local_name(operation)!r}"
        )
    with session.server.lock:
        if session.closed:
            # Killed while the request was under way: what it locked now would stay locked.
            raise RPCError("operation-failed", "the session has ended")
        return perform_it(session, operation)


def _get(session: Session, operation: Element) -> bytes:
    return _data(session.server.datastores.configuration(RUNNING), operation)


def _get_config(session: Session, operation: Element) -> bytes:
    source = session.server.datastores.configuration(_datastore(operation, "source"))
    return _data(source, operation)


def _edit_config(session: Session, operation: Element) -> bytes:
    datastores = session.server.datastores
    target = _datastore(operation, "target")
    default_operation = _choice(
        operation, "default-operation", "merge", {"merge", "replace", "none"}
    )
    test = _choice(operation, "test-option", "set", {"test-then-set", "set", "test-only"})
    _choice(operation, "error-option", "stop-on-error", {"stop-on-error", "rollback-on-error"})
    config = _parameter(operation, "config")
    if test == "test-only":
        datastores.configuration(target).edited(config, default_operation)
        return _OK
    if default_operation == "replace":
        # Section 7.2: the whole configuration is replaced by the given one.
        datastores.replace(target, session.id, Configuration().edited(config, "replace"))
    else:
        datastores.edit(target, session.id, config, default_operation)
    _changed(session, target)
    return _OK


def _copy_config(session: Session, operation: Element) -> bytes:
    target = _datastore(operation, "target")
    session.server.datastores.replace(target, session.id, _source(session, operation))
    _changed(session, target)
    return _OK


def _validate(session: Session, operation: Element) -> bytes:
    _source(session, operation)
    return _OK


def _lock(session: Session, operation: Element) -> bytes:
    session.server.datastores.lock(_datastore(operation, "target"), session.id)
    return _OK


def _unlock(session: Session, operation: Element) -> bytes:
    session.server.datastores.unlock(_datastore(operation, "target"), session.id)
    return _OK


def _commit(session: Session, operation: Element) -> bytes:
    for parameter in operation:
        # They belong to :confirmed-commit, which is not offered.
        raise RPCError(
            "unknown-element",
            "only a plain <commit> is supported",
            info={"bad-element": local_name(parameter)},
        )
    if session.server.datastores.commit(session.id):
        _changed(session, RUNNING)
    return _OK


def _discard_changes(session: Session, _: Element) -> bytes:
    session.server.datastores.discard_changes(session.id)
    return _OK


def _close_session(session: Session, _: Element) -> bytes:
    session.end()
    return _OK


def _kill_session(session: Session, operation: Element) -> bytes:
    text = (_parameter(operation, "session-id").text or "").strip()
    victim = None
    if text.isdecimal() and int(text) != session.id:
        victim = session.server.end_session(int(text))
    if victim is None:
        raise RPCError("invalid-value", f"there is no other session {text!r}")
    victim.link.terminate()
    return _OK


def _create_subscription(session: Session, operation: Element) -> bytes:
    if session.subscribed:
        raise RPCError("operation-failed", "the session has a subscription already")
    for name in ("startTime", "stopTime"):
        if operation.find(f"{{{NOTIFICATION_NS}}}{name}") is not None:
            raise RPCError(
                "operation-not-supported",
                "nothing can be replayed",
                info={"bad-element": name},
            )
    stream = (operation.findtext(f"{{{NOTIFICATION_NS}}}stream") or "NETCONF").strip()
    if stream != "NETCONF":
        raise RPCError("invalid-value", f"there is no event stream {stream!r}")
    session.event_filter = _filter(operation, NOTIFICATION_NS)
    session.subscribed = True
    return _OK


_OPERATIONS: dict[str, Callable[[Session, Element], bytes]] = {
    f"{{{BASE_NS}}}get": _get,
    f"{{{BASE_NS}}}get-config": _get_config,
    f"{{{BASE_NS}}}edit-config": _edit_config,
    f"{{{BASE_NS}}}copy-config": _copy_config,
    f"{{{BASE_NS}}}validate": _validate,
    f"{{{BASE_NS}}}lock": _lock,
    f"{{{BASE_NS}}}unlock": _unlock,
    f"{{{BASE_NS}}}commit": _commit,
    f"{{{BASE_NS}}}discard-changes": _discard_changes,
    f"{{{BASE_NS}}}close-session": _close_session,
    f"{{{BASE_NS}}}kill-session": _kill_session,
    f"{{{NOTIFICATION_NS}}}create-subscription": _create_subscription,
}


def _data(configuration: Configuration, operation: Element) -> bytes:
    return b"".join((b"<data>", configuration.text(_filter(operation)), b"</data>"))


def _filter(operation: Element, namespace: str = BASE_NS) -> Element | None:
    wanted = operation.find(f"{{{namespace}}}filter")
    if wanted is None:
        return None
    kind = wanted.get("type", wanted.get(f"{{{BASE_NS}}}type", "subtree"))
    if kind != "subtree":
        raise RPCError(
            "bad-attribute",
            f"filters of type {kind!r} are not supported",
            info={"bad-attribute": "type", "bad-element": "filter"},
        )
    return wanted


def _parameter(operation: Element, name: str) -> Element:
    found = operation.find(f"{{{BASE_NS}}}{name}")
    if found is None:
        raise RPCError(
            "missing-element",
            f"<{local_name(operation)}> needs <{name}>",
            info={"bad-element": name},
        )
    return found


def _datastore(operation: Element, role: str) -> str:
    parameter = _parameter(operation, role)
    if len(parameter) != 1:
        raise RPCError(
            "missing-element", f"<{role}> names one datastore", info={"bad-element": role}
        )
    return local_name(parameter[0])


def _source(session: Session, operation: Element) -> Configuration:
    config = _parameter(operation, "source").find(f"{{{BASE_NS}}}config")
    if config is not None:
        return Configuration().edited(config)
    return session.server.datastores.configuration(_datastore(operation, "source"))


def _choice(operation: Element, name: str, default: str, known: set[str]) -> str:
    value = (operation.findtext(f"{{{BASE_NS}}}{name}") or default).strip()
    if value not in known:
        raise RPCError(
            "invalid-value", f"{name}: {value!r} is not supported", info={"bad-element": name}
        )
    return value


def _changed(session: Session, target: str) -> None:
    if target == RUNNING:
        session.server.announce_change(session)
