"""Who reads, who sleeps and who rings, explored in every order of the threads' steps.

Usage: python tests/core/serving_model.py [--without GUARD ...]

A model of what `Leader`'s docstring states: two callers of `rpc` on one session, the loop, the
peer, which replies or hangs up at any time, and an interrupt that may come once, between what a
caller has read and whom it rings. Two threads change places between any two steps; a step is what
no other thread can see the middle of. Each step quotes the code that it stands for, and a test
looks whether that still stands there.

Explored is every state that can be reached. Wrong is one from which nothing goes on although a
caller has not returned: its answer is complete and it sleeps, or something is queued and no thread
is to be woken, or the end is known and a waiter is not told. `--without` takes a guard out, with
which the first such state is shown with the steps that led there.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import sys
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUARDS = {
    "ring": "a caller that has read rings the one whose answer is done",
    "loop-rings": "the loop rings after its turn",
    "look": "the owner looks whether its answer is done before it sleeps",
    "wake-on-interrupt": "who is interrupted wakes the loop",
    "drain-first": "the loop takes the byte before it resets `signalled`",
}

QUOTED = {
    "takes it": ("_engine/leader.py", "self.owner = outcome"),
    "writes": ("_engine/connection.py", "taken = self._channel.write(first)"),
    "queues": ("_engine/connection.py", "(queue_up or self._queue_up)(buffers, until)"),
    "has the channel": (
        "_engine/connection.py",
        "while not use.acquire(blocking=False) and not use.acquire(",
    ),
    "reads": ("_engine/connection.py", "more = self._take_in(_BACKLOG)"),
    "leaves the channel": ("_engine/connection.py", "use.release()"),
    "looks": ("_engine/connection.py", "or answer.done"),
    "sleeps": ("_engine/connection.py", "self._leader.wait(min(at - now, _SLICE))"),
    "gives it back": ("_engine/connection.py", "leader.owner = None"),
    "rings": ("_engine/connection.py", "self._leader.ring()"),
    "waits for its answer": ("_engine/connection.py", "answer.wait(until - time.monotonic())"),
    "is interrupted": ("_engine/connection.py", "self._wake()\n            raise"),
    "loop takes what woke it": ("driver/wakeup.py", "os.read(self._reader, _ALL)"),
    "loop resets": ("driver/wakeup.py", "self.rung = False\n                del ends"),
    "loop takes a turn": ("_engine/connection.py", "if not self._use.acquire(timeout=_TURN):"),
    "loop rings": ("_engine/connection.py", "self._leader.ring()"),
    "loop ends it": ("_engine/connection.py", "self._tell_end(cause)"),
    "signals": ("driver/wakeup.py", "self.rung = True\n                os.write"),
}

X, Y, PUMP = 0, 1, 2
NAMES = ("X", "Y", "loop")


@dataclass(frozen=True)
class State:
    """Everything that any thread can see, and where each thread is."""

    at: tuple[str, str, str] = ("take", "take", "start")
    owner: int | None = None
    use: int | None = None
    done: frozenset[int] = frozenset()
    """Whose answers are complete, or failed with the session's end."""
    queued: frozenset[int] = frozenset()
    asked: frozenset[int] = frozenset()
    """Whose requests the peer has, and has not answered."""
    infd: frozenset[int] = frozenset()
    """Whose replies the fd tells of."""
    eof: bool = False
    over: bool = False
    """Whether the end was read."""
    told: bool = False
    bell: bool = False
    roused: frozenset[int] = frozenset()
    """Whose epoll the kernel has woken; of several that wait, it wakes one."""
    signalled: bool = False
    byte: bool = False
    woken: bool = False
    interrupted: bool = False

    def go(self, who: int, place: str, **changes: object) -> State:
        at = tuple(place if n == who else each for n, each in enumerate(self.at))
        return replace(self, at=at, **changes)  # type: ignore[arg-type]

    @property
    def readable(self) -> bool:
        return bool(self.infd) or self.eof


class Model:
    """The threads' steps; `without` names the guards that are taken out."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self._without = without

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield each step that can be done next, and the state after it."""
        for who in (X, Y):
            for what, after in self._caller(state, who):
                yield f"{NAMES[who]} {what}", after
        for what, after in self._loop(state):
            yield what, after
        yield from self._peer(state)

    def _guarded(self, guard: str) -> bool:
        return guard not in self._without

    # --- what several do -----------------------------------------------------------------------

    def _read(self, state: State) -> State:
        return replace(
            state,
            done=state.done | state.infd,
            infd=frozenset(),
            over=state.over or state.eof,
        )

    def _wake(self, state: State) -> State:
        state = replace(state, woken=True)
        if state.signalled:
            return state
        state = replace(state, signalled=True, byte=True)
        return self._rouse(state, PUMP)

    def _rouse(self, state: State, who: int) -> State:
        return replace(state, roused=state.roused | {who})

    def _ring(self, state: State) -> State:
        if state.owner is not None and state.owner in state.done:
            return self._rouse(replace(state, bell=True), state.owner)
        return state

    # --- a caller ------------------------------------------------------------------------------

    def _caller(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        step: Callable[[State, int], Iterator[tuple[str, State]]] | None
        step = getattr(self, f"_{state.at[who]}", None)
        if step is not None:
            yield from step(state, who)

    def _take(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if state.told:
            yield "is told that it is over", state.go(who, "returned")
        elif state.owner is None:
            yield "takes it", state.go(who, "post", owner=who)
        else:
            yield "cannot take it", state.go(who, "post")

    def _post(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        then = "lock" if state.owner == who else "once"
        if state.use is None:
            yield "writes", state.go(who, then, asked=state.asked | {who})
        else:
            after = self._wake(replace(state, queued=state.queued | {who}))
            yield "queues", after.go(who, then)

    def _lock(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if state.use is None:
            yield "has the channel", state.go(who, "read", use=who)

    def _read_all(self, state: State, who: int, then: str) -> Iterator[tuple[str, State]]:
        after = self._read(replace(state, asked=state.asked | state.queued, queued=frozenset()))
        yield "reads", after.go(who, then)

    def _once(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if state.use is None:
            yield "has the channel", state.go(who, "read_once", use=who)
        else:
            after = self._wake(state) if state.queued or state.over else state
            yield "leaves it to who has the channel", after.go(who, "ring")

    def _read_once(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        yield from self._read_all(state, who, "unlock_once")

    def _unlock_once(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        after = replace(state, use=None)
        if state.over:
            after = self._wake(after)
        yield "leaves the channel", after.go(who, "ring")
        if not state.interrupted:
            after = replace(state, use=None, interrupted=True)
            if self._guarded("wake-on-interrupt"):
                after = self._wake(after)
            yield "is interrupted", after.go(who, "returned")

    def _ring_(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        after = self._ring(state) if self._guarded("ring") else state
        yield "rings", after.go(who, "wait")

    def _wait(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if who in state.done:
            yield "waits for its answer, which is there", state.go(who, "returned")

    def _unlock(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        after = self._wake(state) if state.over else state
        yield "leaves the channel", replace(after, use=None).go(who, "look")

    def _look(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if state.over or (who in state.done and self._guarded("look")):
            yield "looks, and need not sleep", state.go(who, "give")
        else:
            yield "looks", state.go(who, "sleep")

    def _sleep(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if state.bell or state.readable:
            roused = state.roused - {who}
            yield "need not sleep", state.go(who, "lock", bell=False, roused=roused)
        else:
            yield "sleeps", state.go(who, "asleep", roused=state.roused - {who})

    def _asleep(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        if who in state.roused:
            roused = state.roused - {who}
            place = "give" if who in state.done and not self._guarded("look") else "lock"
            yield "wakes", state.go(who, place, bell=False, roused=roused)

    def _give(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        yield "gives it back", state.go(who, "wait", owner=None)

    # --- the loop ------------------------------------------------------------------------------

    def _loop(self, state: State) -> Iterator[tuple[str, State]]:  # noqa: C901 - one place each
        place = state.at[PUMP]
        if place == "start":
            if state.byte:
                then = "drain" if self._guarded("drain-first") else "reset"
                yield "loop need not sleep", state.go(PUMP, then)
            elif state.readable and not state.told:
                yield "loop need not sleep", state.go(PUMP, "turn")
            else:
                yield "loop sleeps", state.go(PUMP, "asleep", roused=state.roused - {PUMP})
        elif place == "asleep" and PUMP in state.roused:
            yield "loop wakes", state.go(PUMP, "start", roused=state.roused - {PUMP})
        elif place == "drain":
            then = "reset" if self._guarded("drain-first") else "look"
            yield "loop takes what woke it", state.go(PUMP, then, byte=False)
        elif place == "reset":
            then = "look" if self._guarded("drain-first") else "drain"
            yield "loop resets", state.go(PUMP, then, signalled=False)
        elif place == "look":
            yield "loop looks who woke it", state.go(PUMP, "turn", woken=False)
        elif place == "turn" and state.use is None:  # or it comes back a moment later
            after = self._read(
                replace(state, asked=state.asked | state.queued, queued=frozenset())
            )
            yield "loop takes a turn", after.go(PUMP, "end" if after.over else "ring")
        elif place == "end":
            after = replace(state, told=True, done=frozenset({X, Y}), eof=False)
            yield "loop ends it", after.go(PUMP, "ring")
        elif place == "ring":
            after = self._ring(state) if self._guarded("loop-rings") else state
            yield "loop rings", after.go(PUMP, "start")

    # --- the peer ------------------------------------------------------------------------------

    def _peer(self, state: State) -> Iterator[tuple[str, State]]:
        for who in sorted(state.asked):
            after = replace(state, asked=state.asked - {who}, infd=state.infd | {who})
            yield f"peer answers {NAMES[who]}", self._arrived(after)
        if not (state.eof or state.over):
            yield "peer hangs up", self._arrived(replace(state, eof=True, asked=frozenset()))

    def _arrived(self, state: State) -> State:
        # EPOLLEXCLUSIVE: the owner's epoll is the first in line, if it is waited for just now.
        owner = state.owner
        if owner is not None and state.at[owner] == "asleep":
            return self._rouse(state, owner)
        return self._rouse(state, PUMP) if state.at[PUMP] == "asleep" else state


def explore(without: frozenset[str] = frozenset()) -> tuple[int, int, list[str] | None]:
    """Return how many states and steps there are, and the steps to a wrong state or None."""
    model = _Placed(without)
    first = State()
    came: dict[State, tuple[State, str] | None] = {first: None}
    line = deque([first])
    steps = 0
    while line:
        state = line.popleft()
        after = list(model.steps(state))
        steps += len(after)
        if all(what.startswith("peer") for what, _ in after) and _waits_in_vain(state):
            return len(came), steps, _trace(came, state)
        for what, each in after:
            if each not in came:
                came[each] = (state, what)
                line.append(each)
    return len(came), steps, None


def _waits_in_vain(state: State) -> bool:
    """Return whether a caller waits that the peer does not owe an answer: it need not hang up."""
    return any(state.at[who] != "returned" and who not in state.asked for who in (X, Y))


class _Placed(Model):
    """Finds the method of a place; `read` and `ring` are also what several do."""

    def _caller(self, state: State, who: int) -> Iterator[tuple[str, State]]:
        place = state.at[who]
        if place == "read":
            return self._read_all(state, who, "unlock")
        if place == "ring":
            return self._ring_(state, who)
        return super()._caller(state, who)


def _trace(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    told: list[str] = []
    while (before := came[state]) is not None:
        state, what = before
        told.append(what)
    return told[::-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="\n".join(f"{name}: {text}" for name, text in GUARDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--without", nargs="+", choices=GUARDS, default=[], metavar="GUARD")
    without = frozenset(parser.parse_args().without)
    states, steps, trace = explore(without)
    print(f"{states} states, {steps} steps")
    if trace is None:
        print("every caller returns, whatever comes between")
        return 0
    print("a caller never returns after:")
    print("\n".join(f"  {what}" for what in trace))
    return 1


if __name__ == "__main__":
    sys.exit(main())
