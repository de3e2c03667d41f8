"""A session that is observed: what tells its observers, bound in where others have nothing."""

from __future__ import annotations

import itertools
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ncwire._engine.keepalive import Keepalive
from ncwire._interrupts import by_signal
from ncwire._protocol.client import Inlet
from ncwire._protocol.observed import Heading, Tap, heading
from ncwire._session.correlation import Replies
from ncwire._session.streaming import Streamed
from ncwire._users_code import call_users, log_error
from ncwire.observe.events import (
    ConnectEnd,
    ConnectStep,
    KeepaliveSent,
    Message,
    RPCBegun,
    RPCEnd,
    SessionEnd,
    SessionFacts,
)
from ncwire.observe.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ncwire._protocol.framing import Document
    from ncwire._session.correlation import _AwaitedT
    from ncwire._session.listeners import Root
    from ncwire.errors import NcwireError

_logger = logging.getLogger("ncwire.observe")
_numbers = itertools.count(1)


class Watch(Tap):
    """Tells a session's observers, each of what it listens to.

    Any thread calls it, with the session's locks held or not, and it takes none: each change of
    its own is one step of a dict.
    """

    def __init__(self, observers: tuple[Observer, ...], facts: dict[str, Any]) -> None:
        self.facts = SessionFacts(next(_numbers), os.getpid(), **facts)
        self._hears = {name: _listening(observers, name) for name in _METHODS}
        self._begun = time.monotonic()
        self.rpcs: dict[str, tuple[str, float]] = {}
        """Those under way, by message-id: the operation, and when it began."""
        self._came = self._begun  # of the message that is told of now, before anybody is told
        self._connect_ended = self._ended = True  # nothing ends that has not begun
        self._tells_rpcs = bool(self._hears["rpc_begun"] or self._hears["rpc_ended"])
        self._tells_sent = bool(self._hears["message_sent"])
        self._tells_received = bool(self._hears["message_received"])

    def connect_begun(self) -> None:
        """Tell that the session begins to connect: by who will tell of the end, too."""
        self._connect_ended = self._ended = False
        self._tell("connect_begun", self.facts)

    def _tell(self, method: str, event: object) -> None:
        # As `call_users`, whose own call would take as long as all that is done here.
        interrupt: BaseException | None = None
        for function in self._hears[method]:
            try:
                function(event)
            except BaseException as error:  # noqa: BLE001 - it is the user's code
                if by_signal(error):
                    interrupt = error  # the other observers hear of the event all the same
                else:
                    call_users(log_error, _logger, error, "an observer failed in %s", method)
        if interrupt is not None:
            raise interrupt

    # --- connecting and the end ----------------------------------------------------------------

    @contextmanager
    def step(self, name: str, jump_host: str | None = None) -> Generator[None]:
        """Tell of a step of connecting, which is what happens inside."""
        begun = time.monotonic()
        try:
            yield
        except BaseException as error:
            self._stepped(name, begun, error, jump_host)
            raise
        self._stepped(name, begun, None, jump_host)

    def _stepped(
        self, name: str, begun: float, error: BaseException | None, jump_host: str | None
    ) -> None:
        seconds = time.monotonic() - begun
        self._tell("connect_step", ConnectStep(self.facts, name, seconds, error, jump_host))

    def connect_ended(self, error: BaseException | None = None) -> None:
        """Tell that the session is open, or why it is not, once."""
        end = ConnectEnd(self.facts, time.monotonic() - self._begun, error)
        if self._connect_ended:
            return  # an interrupt came while it was told
        self._connect_ended = True
        self._tell("connect_ended", end)

    def ended(self, cause: NcwireError) -> None:
        """Tell of the end, once; what waits has been failed before."""
        if not self._ended:
            self._ended = True
            self._tell("ended", SessionEnd(self.facts, cause))

    def keepalive(self, policy: Keepalive | None) -> Keepalive | None:
        """Return a policy that tells of each keepalive, instead of this one."""
        if policy is None or not self._hears["keepalive_sent"]:
            return policy
        return _ToldKeepalive(
            policy, lambda: self._tell("keepalive_sent", KeepaliveSent(self.facts))
        )

    # --- what is sent --------------------------------------------------------------------------

    def hello_sent(self, document: bytes) -> None:
        """See `Tap.hello_sent`."""
        if self._tells_sent:
            self._tell("message_sent", Message(self.facts, "hello", None, document))

    def sent(self, document: bytes) -> None:
        """See `Tap.sent`."""
        said = heading(document)
        self._rpc_begun(said)
        if self._tells_sent:
            message = Message(self.facts, said.kind, said.message_id, document)
            self._tell("message_sent", message)

    def begun(self, head: bytes) -> Heading:
        """See `Tap.begun`."""
        said = heading(head)
        self._rpc_begun(said)
        return said

    def sent_in_pieces(self, heading: Heading, size: int) -> None:
        """See `Tap.sent_in_pieces`."""
        if self._tells_sent:
            message = Message(self.facts, heading.kind, heading.message_id, size)
            self._tell("message_sent", message)

    def _rpc_begun(self, said: Heading) -> None:
        kind, message_id, operation = said
        if not self._tells_rpcs or kind != "rpc" or message_id is None:
            return
        if message_id in self.rpcs:
            # One that `send` has sent may be sent again with the same message-id.
            self._rpc_ended(message_id, "given up")
        self.rpcs[message_id] = operation, time.monotonic()
        if self._hears["rpc_begun"]:
            self._tell("rpc_begun", RPCBegun(self.facts, message_id, operation))

    # --- what is received ----------------------------------------------------------------------

    def hello_received(self, document: bytes) -> None:
        """See `Tap.hello_received`."""
        if self._tells_received:
            said = heading(document)
            message = Message(self.facts, said.kind, said.message_id, document)
            self._tell("message_received", message)

    def received(self, root: Root, content: str | Document) -> None:
        """Tell of any other message that has come."""
        self._came = time.monotonic()
        if self._tells_received:
            self._tell("message_received", self._message(root, content))

    def answered(self, message_id: str, root: Root, content: str | Document | int) -> None:
        """Tell that an rpc was answered; that no call waits for is no news."""
        if message_id in self.rpcs:
            self._rpc_ended(message_id, "answered", reply=self._message(root, content))

    def streamed(self, message_id: str, root: Root, size: int) -> None:
        """Tell of a reply that was handed over in pieces, and of its rpc."""
        self._came = time.monotonic()
        if self._tells_received:
            self._tell("message_received", self._message(root, size))
        self.answered(message_id, root, size)

    def unanswered(self, message_id: str, outcome: str, error: NcwireError | None = None) -> None:
        """Tell that an rpc has no reply."""
        self._rpc_ended(message_id, outcome, error)

    def rpcs_failed(self, cause: NcwireError) -> None:
        """Tell of all that still wait for a reply that there will be none."""
        while self.rpcs:
            for message_id in list(self.rpcs):
                self._rpc_ended(message_id, "failed", cause)

    def _message(self, root: Root, content: str | Document | int) -> Message:
        kind = root[0].rpartition("}")[2]
        return Message(self.facts, kind, root[1].get("message-id"), content)

    def _rpc_ended(
        self,
        message_id: str,
        outcome: str,
        error: NcwireError | None = None,
        reply: Message | None = None,
    ) -> None:
        begun = self.rpcs.get(message_id)
        if begun is None:
            return
        operation, at = begun
        # Without the time of those who were told of the reply: to mask a large one takes long.
        now = self._came if outcome == "answered" else time.monotonic()
        seconds = max(0.0, now - at)
        end = RPCEnd(self.facts, message_id, operation, seconds, outcome, error, reply)
        # Taken out last, so that an interrupt before that leaves it to the session's end; and by
        # one thread alone, which tells it.
        if self.rpcs.pop(message_id, None) is not None:
            self._tell("rpc_ended", end)


class ObservedReplies(Replies):
    """Replies whose coming, or not, is told before who waits for it knows."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def expect(self, message_id: str, awaited: _AwaitedT) -> _AwaitedT:
        """See `Replies.expect`."""
        if isinstance(awaited, Streamed):
            awaited.dropped = lambda: self._watch.unanswered(message_id, "given up")
        return super().expect(message_id, awaited)

    def give_up(self, message_id: str) -> None:
        """See `Replies.give_up`."""
        super().give_up(message_id)
        self._watch.unanswered(message_id, "given up")

    def withdraw(self, message_id: str) -> bool:
        """See `Replies.withdraw`."""
        waits = super().withdraw(message_id)
        self._watch.unanswered(message_id, "unsent")
        return waits

    def begin(self, root: Root) -> Inlet | None:
        """See `Replies.begin`."""
        message_id = self._answers(root)
        inlet = super().begin(root)
        if inlet is None or message_id is None:
            return inlet
        return _ToldInlet(inlet, lambda size: self._watch.streamed(message_id, root, size))

    def answer(self, root: Root, content: str | Document) -> Callable[[], None] | None:
        """See `Replies.answer`."""
        watch = self._watch
        if watch.rpcs and (message_id := self._answers(root)) is not None:
            watch.answered(message_id, root, content)
        return super().answer(root, content)

    def refuse(self, root: Root, error: NcwireError) -> Callable[[], None] | None:
        """See `Replies.refuse`."""
        message_id = self._answers(root)
        if message_id is not None:
            self._watch.unanswered(message_id, "failed", error)
        return super().refuse(root, error)

    def fail(self, cause: NcwireError) -> None:
        """See `Replies.fail`."""
        self._watch.rpcs_failed(cause)
        super().fail(cause)

    def _answers(self, root: Root) -> str | None:
        """Return the message-id of the rpc that a message is the reply to; None if it is none."""
        if not self.is_reply(root):
            return None
        message_id = root[1].get("message-id")
        if message_id is not None:
            return message_id
        with self._lock:
            return self._oldest()


class _ToldInlet(Inlet):
    def __init__(self, inlet: Inlet, tell: Callable[[int], None]) -> None:
        self._inlet = inlet
        self._tell = tell
        self._size = 0

    @property
    def full(self) -> bool:
        return self._inlet.full

    def put(self, pieces: list[bytes]) -> None:
        self._size += sum(map(len, pieces))
        self._inlet.put(pieces)

    def finish(self) -> None:
        self._tell(self._size)
        self._inlet.finish()


class _ToldKeepalive(Keepalive):
    """A policy that tells when it asks."""

    __slots__ = ("_told",)

    def __init__(self, policy: Keepalive, told: Callable[[], None]) -> None:
        super().__init__(policy.interval, policy.count)
        self._told = told

    def ask(self, now: float, heard: float) -> bool:
        """See `Keepalive.ask`."""
        asks = super().ask(now, heard)
        if asks:
            self._told()
        return asks


_METHODS: Final = tuple(name for name in vars(Observer) if not name.startswith("_"))


def _listening(observers: tuple[Observer, ...], method: str) -> tuple[Callable[[Any], None], ...]:
    """Return a method of those that have one of their own: the others do nothing."""
    plain = getattr(Observer, method)
    found = (getattr(each, method) for each in observers)
    return tuple(each for each in found if getattr(each, "__func__", None) is not plain)
