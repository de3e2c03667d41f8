"""`LoopThread`: an event loop in a thread of its own, for drivers over asyncio libraries."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import selectors
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ncwire.driver.forking import Forkable, point_at_nothing, watch_forks
from ncwire.driver.loop_call import LoopCall
from ncwire.driver.threads import locked, start_thread, unlock
from ncwire.driver.wakeup import Wakeup
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ncwire.driver.deadline import Deadline

_P = ParamSpec("_P")
_ResultT = TypeVar("_ResultT")

_WIND_UP = 2.0
"""Seconds that tasks have to end when there is no lease any more; then they are cancelled."""
_TURNS = 4
"""Turns of the loop in which a transport that was aborted is gone (asyncio 3.11 needs two)."""


class LoopThread(Forkable):
    """One event loop for all connections of a driver, which has it as an attribute of its class.

    The thread is there while anybody has a lease, and ends by itself with the last. A forked child
    starts anew: what is under way there ends with a `TransportError`, and its copies of leases do
    nothing, so that they reach neither the parent's loop nor the peer.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()  # that only one loop is made
        self._running: _Running | None = None
        self._left: list[_Running] = []
        watch_forks(self)

    def lease(self) -> Lease:
        """Return a lease of the loop, whose thread is started if there is none.

        Raises `TransportError` where the process has no fd or thread left.
        """
        with self._lock:
            while True:
                running = self._running
                if running is None or running.retired:
                    running = _Running()
                    lease = Lease(running)
                    running.start(self._name)
                    self._running = running
                    return lease
                lease = Lease(running)
                if not running.retired:  # meanwhile; else it may have overlooked this one
                    return lease
                lease.release()

    def abandon_in_child(self) -> None:
        """Leave the loop to the parent; see `Forkable`."""
        self._lock = threading.RLock()
        running, self._running = self._running, None
        if running is not None:
            self._left.append(running)  # a loop that is collected warns of not being closed


class Lease:
    """One connection's use of the loop, which runs at least until `release`.

    Every method may be called from any thread; but `call`, and what waits, not from the loop's,
    and `ask` from there alone. One that is dropped is released.
    """

    def __init__(self, running: _Running) -> None:
        self._running = running
        self._call: LoopCall[Any] | None = None
        self._aborted = False
        number = running.number()
        # First: an interrupt may come right after it was lent.
        self._finalizer = weakref.finalize(self, running.give_back, number)
        self._finalizer.atexit = False
        running.lend(number)

    def call(
        self,
        deadline: Deadline,
        function: Callable[_P, Coroutine[Any, Any, _ResultT]],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _ResultT:
        """Run a coroutine function on the loop, and return or raise what it does.

        One call at a time. Raises `StepTimeoutError` at the deadline, `TransportError` when it is
        aborted or in a forked child, `RuntimeError` on the loop's own thread, which would wait for
        itself. What a signal handler raises, and KeyboardInterrupt, come out of the wait. Whatever
        is raised here, the coroutine is cancelled, and ends by itself, perhaps a moment later: its
        result is lost then, so what it opens it notes where `abort` finds it.
        """
        if threading.get_ident() == self._running.ident:
            raise RuntimeError("a call on the loop's own thread would wait for itself")
        running = self._running
        call = LoopCall(running.post, lambda: function(*arguments, **named))
        try:
            self._call = call
            if self._aborted:
                call.give_up(_aborted())
            running.note(call)
            if not running.post(call.begin):
                call.give_up(running.gone())
            return call.result(deadline)
        finally:
            # Plain assignments, with nothing called before them: an interrupt would come there.
            self._call = None
            call.over = True
            running.forget(call)
            call.cancel()

    async def ask(
        self, function: Callable[_P, _ResultT], *args: _P.args, **kw: _P.kwargs
    ) -> _ResultT:
        """Have the thread that waits in `call` run a function, and return what that does.

        For what may block, such as a user's answer: the loop serves others meanwhile. What the
        function raises comes out of `call` at once, unchanged, and the coroutine is cancelled.
        """
        call = self._call
        if call is None:
            raise RuntimeError("there is no call that could run it")
        return cast("_ResultT", await call.ask(lambda: function(*args, **kw)))

    def post(self, function: Callable[_P, object], *args: _P.args, **kw: _P.kwargs) -> None:
        """Call a function on the loop, soon; not at all where the loop has ended, or after a fork.

        In the order of the posts. It does not wait, and what the function raises is told by the
        loop's exception handler.
        """
        self._running.post(lambda: function(*args, **kw))

    def abort(self) -> None:
        """Have a call under way fail, and each later one; what is queued does not begin.

        What was posted is called all the same. Idempotent.
        """
        self._aborted = True
        call = self._call
        if call is not None:
            call.give_up(_aborted())
            call.cancel()

    def release(self, last: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        """Give the loop back: when all have, its thread ends. Idempotent.

        The loop runs on until the coroutine of `last` is done, which ends the connection in order.
        It has two seconds, and is cancelled then; what it raises is dropped.
        """
        if last is not None:
            self._running.post(lambda: self._running.finish(last))
        self._finalizer()


class _Running(Forkable):
    """One run of a loop, from the thread's start to its end."""

    def __init__(self) -> None:
        self.ident: int | None = None
        self.retired = False
        """Whether it is lent no more; who had it before is served to the end."""
        self._lent: set[int] = set()
        self._numbers = itertools.count()
        self._calls: set[LoopCall[Any]] = set()
        self._posts: deque[Callable[[], object]] = deque()
        self._wakeup: Wakeup | None = None
        self._selector: selectors.BaseSelector | None = None
        self._ended = False
        self._failure: OSError | None = None
        self._forked = False
        self._last: set[asyncio.Task[None]] = set()
        self._winding_up: asyncio.Task[None] | None = None
        self._ready = locked()
        watch_forks(self)

    def start(self, name: str) -> None:
        try:
            start_thread(threading.Thread(target=self._run, name=name, daemon=True))
        except RuntimeError as error:
            raise TransportError("the event loop: no thread can be started") from error
        with self._ready:
            pass
        if self._failure is not None:
            raise TransportError(f"the event loop: {self._failure.strerror}") from self._failure

    def number(self) -> int:
        return next(self._numbers)

    def lend(self, number: int) -> None:
        self._lent.add(number)

    def give_back(self, number: int) -> None:
        self._lent.discard(number)
        if not self._lent:
            self.post(self._retire)

    def post(self, function: Callable[[], object]) -> bool:
        """Return whether there is a loop to call it.

        Not `call_soon_threadsafe`, which takes what a signal handler raises in the middle of it,
        if that is an OSError such as TimeoutError, for one of its own socket's, and drops it
        (asyncio 3.11, selector_events.py, `_write_to_self`).
        """
        self._posts.append(function)
        if self._wakeup is not None:
            self._wakeup.ring()
        return not (self._ended or self._forked)

    def finish(self, last: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run what a connection ends with. On the loop."""

        async def end() -> None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(last(), _WIND_UP)

        task = asyncio.ensure_future(end())
        self._last.add(task)  # a loop keeps no task by itself
        task.add_done_callback(self._last.discard)

    def note(self, call: LoopCall[Any]) -> None:
        """Have it fail when the loop ends, or this is a forked child."""
        self._calls.add(call)

    def forget(self, call: LoopCall[Any]) -> None:
        self._calls.discard(call)

    def abandon_in_child(self) -> None:
        self._forked = self.retired = True
        # The parent's epoll: who closes a loop takes the loop's fds out of it.
        fileno = getattr(self._selector, "fileno", None)
        if fileno is not None:
            point_at_nothing(fileno())
        for call in list(self._calls):
            call.give_up(self.gone())
        unlock(self._ready)

    def gone(self) -> TransportError:
        if self._forked:
            return TransportError("the connection is the parent's: this process was forked")
        return TransportError("the event loop has ended")

    def _run(self) -> None:
        self.ident = threading.get_ident()
        with contextlib.ExitStack() as opened:
            try:
                self._selector = opened.enter_context(selectors.DefaultSelector())
                wakeup = opened.enter_context(contextlib.closing(Wakeup()))
                loop = opened.enter_context(
                    contextlib.closing(asyncio.SelectorEventLoop(self._selector))
                )
            except OSError as error:
                self._failure = error
                self.retired = self._ended = True
                unlock(self._ready)
                return
            self._wakeup = wakeup
            loop.add_reader(wakeup, self._take_posts)
            wakeup.ring()  # for what was posted before there was one
            unlock(self._ready)
            # An interrupt may have taken away who asked for the loop.
            loop.call_soon(self._retire)
            loop.run_forever()
            self.retired = self._ended = True
        for call in list(self._calls):
            call.give_up(self.gone())

    def _take_posts(self) -> None:
        if self._wakeup is None:
            return
        self._wakeup.clear()  # before the look: who comes after it may have found it rung still
        for _ in range(len(self._posts)):
            function = self._posts.popleft()
            try:
                function()
            except Exception as error:  # noqa: BLE001 - the library's, and told as its loop tells them
                told = {"message": "what was posted failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)
        if self._posts:
            self._wakeup.ring()

    def _retire(self) -> None:
        """End, unless somebody has a lease. On the loop's thread."""
        if self._lent or self._winding_up:
            return
        # Before the second look: who takes a lease after it sees that this is retired.
        self.retired = True
        if not self._lent:
            self._winding_up = asyncio.ensure_future(self._wind_up())

    async def _wind_up(self) -> None:
        """Let what is left end, and stop."""
        loop = asyncio.get_running_loop()
        for cancel in (False, True):
            # What was closed just now is let go of in the loop's next turns.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            others = asyncio.all_tasks() - {cast("asyncio.Task[None]", asyncio.current_task())}
            if not others:
                break
            for task in others if cancel else ():
                task.cancel()
            await asyncio.wait(others, timeout=_WIND_UP)
        loop.stop()


def _aborted() -> TransportError:
    return TransportError("aborted")
