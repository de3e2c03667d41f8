"""What the threads of a soak do, each at random: to sessions, with them, and against them."""

from __future__ import annotations

import itertools
import random
import re
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, NamedTuple

import ncwire
from ncwire import errors
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE
from soaking.pool import TIMEOUTS
from soaking.watch import DOCUMENTED, OF_CONNECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from soaking.pool import Held, Pool

RPC = 15.0
"""Seconds for an rpc that is answered."""

_SHORT = (0.001, 0.01, 0.1)
_STALL = 0.3
_EVENT = re.compile(r"<event>(\d+)</event>")
_ANSWERED = (errors.RPCTimeoutError, errors.SendQueueFullError)
"""What an rpc on an open session must not end with, where it has time enough."""


class Action(NamedTuple):
    """One kind of thing to do, and how often it is done beside the others."""

    what: str
    weight: int
    run: Callable[[Actor, Held], None]


class Actor:
    """One thread's chance and actions."""

    def __init__(self, pool: Pool, seed: object) -> None:
        self.pool = pool
        self.watch = pool.watch
        self.chance = random.Random(str(seed))
        self._tokens = itertools.count()
        self._name = str(seed).replace("/", "-")

    def turn(self) -> None:
        """Do one thing."""
        held = self.pool.pick(self.chance)
        lacking = self.pool.size - len(self.pool.held())
        if held is None or self.chance.random() < 0.3 * lacking / self.pool.size:
            self.connect()
            return
        action = self.chance.choices(ACTIONS, _WEIGHTS)[0]
        self.perform(action, held)

    def perform(self, action: Action, held: Held) -> None:
        """Do something with a session, and judge what comes of it."""
        self.judged(action.what, held, lambda: action.run(self, held))

    def judged(self, what: str, held: Held, run: Callable[[], object]) -> None:
        """Judge what comes of something that is done with a session."""
        try:
            run()
        except DOCUMENTED as error:
            self.watch.count(what, type(error).__name__)
            if isinstance(error, _ANSWERED):
                self.watch.violated(f"{what} on {held.name}: no answer, and no end", error)
            elif not held.disturbed:
                self.watch.violated(f"{held.name} ended, and nothing was done to it", error)
        except errors.TransportError as error:
            # "send: the session is ended", where another thread was quicker.
            self.watch.count(what, "the session is ended")
            if type(error) is not errors.TransportError or held.session.connected:
                self.watch.violated(f"{what}: this error is not documented", error)
        except Exception as error:  # noqa: BLE001 - the point is to find those
            self.watch.violated(f"{what}: this error is not documented", error)
        else:
            self.watch.count(what, "done")

    def connect(self) -> None:
        """Open a session, or try to through a connection that is broken meanwhile."""
        held = self.pool.new()
        faulty = self.chance.random() < 0.3
        if faulty:
            fault = self.chance.choice((held.proxy.cut, held.proxy.reset, held.proxy.hang_up))
            held.proxy.after_bytes(self.chance.randint(1, 6000), fault)
            held.disturbed = True
        hub = self.pool.hub() if self.chance.random() < 0.5 else None
        framing = self.chance.choice((CHUNKED, CHUNKED, END_OF_MESSAGE))
        what = "connect, broken" if faulty else "connect"
        try:
            with self.watch.call(what, TIMEOUTS.overall):
                held.connect(self.pool.target, self.pool.driver, framing, hub)
        except OF_CONNECT as error:
            self.watch.count(what, type(error).__name__)
            if not faulty and not (hub and hub.closed):
                self.watch.violated("connect failed, and nothing was done to it", error)
            held.proxy.close()
        except errors.TransportError as error:
            self.watch.count(what, "the hub is closed")
            if hub is None or not hub.closed:
                self.watch.violated("connect: this error is not documented", error)
            held.proxy.close()
        except ImportError:
            # The first connects of all: who waits for a module whose import another thread has
            # begun gets it also where an interrupt ends that import (CPython 3.11, import.c).
            self.watch.count(what, "import interrupted")
            held.proxy.close()
        except Exception as error:  # noqa: BLE001 - as above
            self.watch.violated("connect: this error is not documented", error)
            held.proxy.close()
        else:
            self.watch.count(what, "done")
            # A hub that is closed now has taken it for one of those that are to end.
            held.disturbed = held.disturbed or bool(hub and hub.closed)
            self.pool.add(held)

    def token(self, size: int = 0) -> str:
        """Return text that no other rpc has."""
        return f"{self._name}-{next(self._tokens)}-" + "x" * size

    def check(self, what: str, *, holds: bool) -> None:
        """Take note of a promise that does not hold."""
        if not holds:
            self.watch.violated(what)


def echo(actor: Actor, held: Held) -> None:
    """Have one rpc answered."""
    token = actor.token(actor.chance.choice((0, 0, 100, 3000)))
    with actor.watch.call("rpc", RPC):
        reply = held.session.rpc(f"<echo>{token}</echo>", timeout=RPC)
    actor.check(f"a reply is another's: {reply.raw[:200]}", holds=token in reply.raw)


def large(actor: Actor, held: Held) -> None:
    """Send much, in pieces."""
    token = actor.token()
    size = actor.chance.randint(1, 200_000)
    pieces = (b"<echo>", token.encode(), b"y" * size, b"</echo>")
    with actor.watch.call("large rpc", 2 * RPC):
        reply = held.session.rpc(iter(pieces), timeout=RPC)
    whole = f"{token}{'y' * size}</echo>"
    actor.check("a large reply is not what was sent", holds=whole in reply.raw)


def burst(actor: Actor, held: Held) -> None:
    """Have many in flight."""
    tokens = [actor.token() for _ in range(actor.chance.randint(2, 30))]
    with actor.watch.call("burst", 2 * RPC):
        futures = [held.session.submit(f"<echo>{token}</echo>") for token in tokens]
        try:
            replies = [future.result(RPC) for future in futures]
        except CancelledError as error:
            raise AssertionError("it was never cancelled") from error
    for token, reply in zip(tokens, replies, strict=True):
        actor.check("a reply is another's", holds=f"<echo>{token}</echo>" in reply.raw)


def request(actor: Actor, held: Held) -> None:
    """Have a function called with the reply."""
    token, told, called = actor.token(), list[object](), threading.Event()

    def tell(what: object) -> None:
        told.append(what)
        called.set()

    with actor.watch.call("request", RPC):
        held.session.request(f"<echo>{token}</echo>", tell, tell)
        actor.check("request: neither function is called", holds=called.wait(RPC))
    for what in told:
        if isinstance(what, Exception):
            raise what
        actor.check(
            "a reply is another's", holds=isinstance(what, ncwire.Reply) and token in what.raw
        )
    actor.check("request: both functions are called", holds=len(told) <= 1)


def stream(actor: Actor, held: Held) -> None:
    """Read a reply while it comes, or part of it."""
    size = actor.chance.choice((10, 5_000, 300_000))
    stops = actor.chance.random() < 0.3
    read = 0
    with (
        actor.watch.call("stream", 3 * RPC),
        held.session.stream(f'<get-bytes n="{size}" chunk="4000"/>', timeout=RPC) as pieces,
    ):
        for piece in pieces:
            read += len(piece)
            if stops:
                return
    actor.check(f"a stream of {size} bytes ends after {read}", holds=read > size)


def sink(actor: Actor, held: Held) -> None:
    """Have a reply written to a sink."""
    size = actor.chance.choice((10, 5_000, 300_000))
    got: list[bytes] = []
    with actor.watch.call("sink", 3 * RPC):
        reply = held.session.rpc(f'<get-bytes n="{size}"/>', timeout=RPC, sink=got.append)
    written = sum(map(len, got))
    actor.check("a sink gets what it is told that it got", holds=reply.size == written > size)


def notifications(actor: Actor, held: Held) -> None:
    """Have notifications sent, which come in their order."""
    count = actor.chance.randint(1, 50)
    with held.session.notifications() as reader, actor.watch.call("notifications", 2 * RPC):
        held.session.rpc(f'<notify n="{count}"/>', timeout=RPC)
        numbers = [int(_EVENT.findall(reader.get(RPC).raw)[0]) for _ in range(count)]
    # Other threads may have asked for some as well: those come one set after the other.
    gaps = [pair for pair in itertools.pairwise(numbers) if pair[1] not in (0, pair[0] + 1)]
    actor.check(f"a notification is missing: {gaps}", holds=not gaps)


def unanswered(actor: Actor, held: Held) -> None:
    """Wait for a reply that does not come."""
    seconds = actor.chance.choice(_SHORT)
    try:
        with actor.watch.call("unanswered rpc", seconds):
            held.session.rpc("<silent/>", timeout=seconds)
    except _ANSWERED:
        return
    actor.check("a reply comes to what is never answered", holds=False)


def late(actor: Actor, held: Held) -> None:
    """Wait too short, or just long enough."""
    token, seconds = actor.token(), actor.chance.choice(_SHORT)
    try:
        with actor.watch.call("short rpc", seconds):
            reply = held.session.rpc(f"<echo>{token}</echo>", timeout=seconds)
    except _ANSWERED:
        return  # nothing was sent in the time, or nothing came
    actor.check("a reply is another's", holds=token in reply.raw)


def stall(actor: Actor, held: Held) -> None:
    """Stop the network for a moment."""
    held.proxy.freeze()
    try:
        threading.Event().wait(actor.chance.random() * _STALL)
    finally:
        held.proxy.thaw()


def breaking(actor: Actor, held: Held) -> None:
    """Break the network."""
    held.disturbed = True
    fault = actor.chance.choice((held.proxy.cut, held.proxy.reset, held.proxy.hang_up))
    if actor.chance.random() < 0.5:
        fault()
    else:
        fault()
        _ends(actor, held)
    if not held.session.connected:
        actor.pool.discard(held)


def dying(actor: Actor, held: Held) -> None:
    """Have the server's subsystem exit in the middle of a reply."""
    held.disturbed = True
    try:
        with actor.watch.call("die", RPC):
            held.session.rpc("<die/>", timeout=RPC)
    except (errors.SessionCloseError, errors.NetconfFramingError):
        actor.pool.discard(held)
        return
    actor.check("a server that exits answers", holds=False)


def closing(actor: Actor, held: Held) -> None:
    """Close a session that others use."""
    held.disturbed = True
    if actor.chance.random() < 0.5:
        with actor.watch.call("close-session", 2 * TIMEOUTS.close + 1.0):
            held.session.close_session()
    actor.pool.discard(held)


def listening(actor: Actor, held: Held) -> None:
    """See that a listener hears the end, once."""
    held.disturbed = True
    listener = _Listener()
    held.session.add_listener(listener)
    actor.pool.discard(held)
    actor.check("a listener hears of the end", holds=listener.ended.wait(RPC))
    actor.check("a listener hears of the end once", holds=listener.ends == 1)


def closing_the_hub(actor: Actor, _held: Held) -> None:
    """Close the hub that half of the sessions are on."""
    actor.pool.close_hub()
    for held in actor.pool.held():
        if not held.session.connected:
            actor.pool.discard(held)


def tidying(actor: Actor, _held: Held) -> None:
    """Let go of sessions that have ended."""
    for held in actor.pool.held():
        if not held.session.connected:
            actor.check("a session that nothing was done to has ended", holds=held.disturbed)
            actor.pool.discard(held)


class _Listener(ncwire.SessionListener):
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.ends = 0

    def callback(self, root: tuple[str, dict[str, str]], raw: str) -> None:
        """Hear a message."""

    def errback(self, ex: Exception) -> None:  # noqa: ARG002 - which one is another's test
        self.ends += 1
        self.ended.set()


def _ends(actor: Actor, held: Held) -> None:
    """Wait for the end of a session whose network is broken, as a caller does."""
    with actor.watch.call("rpc, broken", RPC):
        held.session.rpc("<silent/>", timeout=RPC)


ACTIONS = (
    Action("rpc", 30, echo),
    Action("large rpc", 4, large),
    Action("burst", 8, burst),
    Action("request", 6, request),
    Action("stream", 6, stream),
    Action("sink", 6, sink),
    Action("notifications", 6, notifications),
    Action("unanswered rpc", 4, unanswered),
    Action("short rpc", 6, late),
    Action("stall", 3, stall),
    Action("break", 3, breaking),
    Action("die", 2, dying),
    Action("close", 3, closing),
    Action("listener", 2, listening),
    Action("close the hub", 1, closing_the_hub),
    Action("tidy", 6, tidying),
)
INTERRUPTED = tuple(
    action
    for action in ACTIONS
    if action.what in {"rpc", "large rpc", "burst", "request", "stream", "sink", "short rpc"}
)
"""What a signal handler may raise into, here; a session that is connected then must serve."""

_WEIGHTS = [action.weight for action in ACTIONS]
