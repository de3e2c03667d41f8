"""`Carrier`: the session of ncwire's beneath one of ncclient's, and what passes between them."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Any, Final

from ncwire._session.listeners import SessionListener
from ncwire._users_code import call_users, log, log_error
from ncwire.contrib.ncclient import texts
from ncwire.contrib.ncclient.errors import retyped
from ncwire.contrib.ncclient.library import ncclient
from ncwire.contrib.ncclient.transport import Channel, Transport
from ncwire.errors import MessageDecodeError, NcwireError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    import ncwire
    from ncwire._session.listeners import Root
    from ncwire.contrib.ncclient.relay import Relay

_logger = logging.getLogger(__name__)

_session: Final = ncclient.transport.session
_parser: Final = ncclient.transport.parser
_rpc: Final = ncclient.operations.rpc
_END = b"]]>]]>"
_FAREWELL: Final = re.compile(r"<(?:[\w.-]+:)?close-session[\s/>]")
_MESSAGE_ID: Final = re.compile(r"""message-id=["']([^"']*)""")
_LONGEST_FAREWELL = 1000
"""Characters; an rpc that is longer is no `<close-session>`, and is not searched for one."""


class Carrier:
    """Carries one session of ncclient's over one of ncwire's.

    ncclient's own listeners, queue and replies stay in use, so that whatever a program does with
    them goes on as before; only what moves bytes is ncwire's.
    """

    def __init__(
        self,
        session: Any,
        wire: ncwire.DriverSession,
        transport_error: type[Exception],
        relay: Relay | None = None,
        sock: object = None,
    ) -> None:
        self._session = session
        self.wire = wire
        self._transport_error = transport_error
        self._relay = relay
        self._lock = threading.Lock()
        self._open = False
        self._told = False
        self._farewell: str | None = None
        """The message-id of a `<close-session>` that is the last word, and is not refused."""
        self.transport = Transport(wire, sock, self.close)

    def connect(self, connect: Callable[[], None], say: Callable[[NcwireError], str]) -> None:
        """Connect by calling `connect`, and have ncclient's session know what there is to know.

        `say` tells ncclient's text for an error. Raises what `connect` does, retyped; nothing is
        left open then.
        """
        session, wire = self._session, self.wire
        session.add_listener(_session.NotificationHandler(session._notification_q))
        wire.add_listener(_Ear(self))
        try:
            connect()
        except NcwireError as error:
            self._give_up()
            said = error.__cause__
            if isinstance(said, ncclient.NCClientError):  # a device handler's own
                raise said from None
            raise retyped(error, say(error), self._transport_error) from error.__cause__
        except BaseException:
            self._give_up()
            raise
        self._connected()

    def _give_up(self) -> None:
        self.wire.close()
        if self._relay is not None:
            self._relay.close()

    def _connected(self) -> None:
        session, wire = self._session, self.wire
        theirs, own = wire.server_capabilities or (), session._client_capabilities
        session._server_capabilities = ncclient.capabilities.Capabilities(list(theirs))
        session._id = wire.id or 0
        base = _session.NetconfBase
        both = all("urn:ietf:params:netconf:base:1.1" in each for each in (theirs, own))
        session._base = base.BASE_11 if both else base.BASE_10
        session._channel_id, session._channel_name = 0, "netconf-subsystem-0"
        session._transport = self.transport
        session._channel = Channel(self.transport, session._channel_name)
        session._closing.clear()
        session._connected = wire.connected
        session.parser = session._device_handler.get_xml_parser(session)
        session.logger.info(
            "initialized: session-id=%s | server_capabilities=%s", session.id, list(theirs)
        )
        with self._lock:
            self._open = True
        if wire.cause is not None:  # it has ended meanwhile
            self.ended(wire.cause)

    # --- what ncclient's session is asked for ---------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the session is open."""
        return self.wire.connected

    def send(self, message: str) -> None:
        """Queue a message. Raises `TransportError` of both libraries where that cannot be."""
        # ncclient logs all that it sends at level INFO, secrets of configurations included.
        self._session.logger.debug("Sending:\n%s", message)
        # The last word counts: a server may refuse a farewell, and then the session goes on.
        self._farewell = _farewell_in(message)
        try:
            self.wire.send(message)
        except NcwireError as error:
            if self.wire.connected:
                raise retyped(error, "", self._transport_error) from None
            closed = TransportError(str(error))
            raise retyped(closed, texts.NOT_CONNECTED) from error

    def take_notification(self, block: object = True, timeout: float | None = None) -> Any:  # noqa: FBT002 - ncclient's
        """Return the next notification, or None when there is none (in time).

        At the session's end who waits is woken: with `timeout` it gets None, and without, where it
        would wait for ever, the session's cause is raised.
        """
        queue = self._session._notification_q
        try:
            taken = queue.get(bool(block), timeout)
        except ncclient.transport.session.Empty:
            return None
        if taken is None:
            queue.put(None)  # for the next who waits
            if block and timeout is None and self.wire.cause is not None:
                raise retyped(self.wire.cause, texts.CLOSED) from None
        return taken

    def is_alive(self) -> bool:
        """Return whether the session is served."""
        return self.wire.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the session to end."""
        self.wire.join(timeout)

    def close(self) -> None:
        """End the session; see `ncwire.Session.close`. Listeners' `errback` is not called."""
        session = self._session
        session._closing.set()
        self.wire.close()
        session._connected = False
        session._channel = None
        # Called by a listener it has not ended yet, and the relay ends with it.
        if self._relay is not None and not self.wire.is_alive():
            self._relay.close()

    # --- what ncwire's session tells ------------------------------------------------------------

    def received(self, root: Root, raw: str) -> None:
        """Take a message: to the listeners, or through the device handler's parser."""
        session = self._session
        if type(session.parser) is _parser.DefaultXMLParser:
            self._log_received(raw)
            self.dispatch(root, raw)
            return
        try:
            session.parser.parse(raw.encode() + _END)
        except _parser.SAXFilterXMLNotFoundError:
            session.parser = _parser.DefaultXMLParser(session)
            self.dispatch(root, raw)

    def dispatch_raw(self, raw: str) -> None:
        """Take a message that a parser has made, as `Session._dispatch_message` does."""
        self._log_received(raw)
        try:
            root = ncclient.xml_.parse_root(raw)
        except ncclient.xml_.etree.LxmlError as error:
            mended = self._session._device_handler.handle_raw_dispatch(raw)
            if isinstance(mended, Exception):
                self._tell_all(mended)
                return
            if not isinstance(mended, str):
                log(
                    _logger, logging.WARNING, "a message that cannot be read is dropped: %s", error
                )
                return
            root = ncclient.xml_.parse_root(mended)
        self.dispatch(root, raw)

    def dispatch(self, root: Root, raw: str) -> None:
        """Hand a message to each listener; what one raises hurts no other, nor the session."""
        if self._farewell == root[1].get("message-id") and "rpc-error" in raw:
            self._farewell = None
        for listener in self._listeners():
            error = call_users(listener.callback, root, raw)
            if error is not None:
                self._failed(listener, root, error)

    def _failed(self, listener: Any, root: Root, error: BaseException) -> None:
        if not isinstance(listener, _rpc.RPCReplyListener):
            log_error(_logger, error, "listener %s failed on %s", _name(listener), root[0])
        elif root[0] not in _REPLIES:
            # With the handlers of some vendors it takes every message for a reply.
            log(_logger, logging.DEBUG, "%s is no reply", root[0])
        elif (message_id := root[1].get("message-id")) is None:
            _fail_rpcs(listener, error)
        elif not _fail_rpc(listener, message_id, error):
            log(_logger, logging.WARNING, "a reply came that no rpc waits for: %s", error)

    def refused(self, error: MessageDecodeError) -> None:
        """Take a message that is not UTF-8: an error of the rpc that it answers."""
        found = retyped(error)
        for listener in self._listeners():
            if isinstance(listener, _rpc.RPCReplyListener):
                _fail_rpc(listener, error.message_id, found)

    def ended(self, cause: Exception) -> None:
        """Take the session's end: told to all that wait, and to listeners unless it was ours."""
        with self._lock:
            if self._told or not self._open:  # what ends in `connect` is raised there
                return
            self._told = True
        session = self._session
        session._connected = False
        session._channel = None
        if self._relay is not None:
            self._relay.end()
        if isinstance(cause, NcwireError):
            cause = retyped(cause, texts.CLOSED)
        if self._farewell is not None or session._closing.is_set():
            for listener in self._listeners():
                if isinstance(listener, _rpc.RPCReplyListener):
                    _fail_rpcs(listener, cause)
        else:
            self._tell_all(cause)
        session._notification_q.put(None)

    def _tell_all(self, error: Exception) -> None:
        for listener in self._listeners():
            if isinstance(listener, _rpc.RPCReplyListener):
                _fail_rpcs(listener, error)
            elif (failed := call_users(listener.errback, error)) is not None:
                level = (
                    logging.DEBUG if isinstance(failed, NotImplementedError) else logging.WARNING
                )
                log(_logger, level, "errback of %s failed: %r", _name(listener), failed)

    def _listeners(self) -> list[Any]:
        session = self._session
        with session._lock:
            return list(session._listeners)

    def _log_received(self, raw: str) -> None:
        logger = self._session.logger
        logger.info("Received message from host")
        logger.debug("Received:\n%s", raw)


class _Ear(SessionListener):
    """Hears of all that ncwire's session tells."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def callback(self, root: Root, raw: str) -> None:
        self._carrier.received(root, raw)

    def errback(self, ex: Exception) -> None:
        if isinstance(ex, MessageDecodeError):
            self._carrier.refused(ex)
        elif not self._carrier.connected:
            self._carrier.ended(ex)


def _farewell_in(message: str) -> str | None:
    if len(message) >= _LONGEST_FAREWELL or not _FAREWELL.search(message):
        return None
    found = _MESSAGE_ID.search(message)
    return found[1] if found else ""


_REPLIES: Final = frozenset({"rpc-reply", ncclient.xml_.qualify("rpc-reply")})


def _fail_rpcs(listener: Any, error: BaseException) -> None:
    """Fail all rpcs that wait.

    `RPCReplyListener.errback` goes through them without its lock, which breaks where another
    thread registers one (ncclient 0.7.1, operations/rpc.py).
    """
    with listener._lock:
        waiting = list(listener._id2rpc.values())
        listener._id2rpc.clear()
    for rpc in waiting:
        rpc.deliver_error(error)


def _fail_rpc(listener: Any, message_id: str | None, error: BaseException) -> bool:
    """Fail the rpc of that message-id; return whether there is one."""
    with listener._lock:
        rpc = listener._id2rpc.pop(message_id, None)
    if rpc is not None:
        rpc.deliver_error(error)
    return rpc is not None


def _name(listener: object) -> str:
    return f"{type(listener).__module__}.{type(listener).__qualname__}"
