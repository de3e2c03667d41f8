"""A process of its own, for what may crash or hang the process that does it.

It reads its order from stdin, a line of JSON: the driver's module and class, options, and an
action. It says "ready" when it has imported what it needs.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from ncwire._plugins import driver_options
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline
from ncwire.errors import TransportError
from ncwire.testing.conformance.line import Line
from ncwire.testing.conformance.resources import Resources, left_since, settled
from ncwire.testing.conformance.task import Stuck, Task

if TYPE_CHECKING:
    from ncwire.driver import Channel


def main() -> None:
    """Carry out the order."""
    order = json.loads(sys.stdin.readline())
    importlib.import_module(order["driver"][0])
    _say("ready")
    sys.stdout.flush()
    _ACTIONS[order["action"]](order)


def _connect(order: dict[str, Any]) -> Channel:
    module, name = order["driver"]
    driver: Any = importlib.import_module(module)
    for part in name.split("."):
        driver = getattr(driver, part)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in order["options"].items()
    }
    values["driver_options"] = driver_options.settled(driver, values["driver_options"])
    options = ConnectOptions(allow_agent=False, look_for_keys=False, **values)
    channel: Channel = connecting(
        driver(), options, Deadline.after(order["seconds"], "connect")
    ).run()
    return channel


def _drop(order: dict[str, Any]) -> None:
    channel = _connect(order)
    del channel
    gc.collect()
    _say("dropped")


def _lose(order: dict[str, Any]) -> None:
    """Drop a channel, and tell what is left of it when another has been there before."""
    _connect(order).close()
    gc.collect()
    settled(order["seconds"] / 2)
    before = Resources.now()
    channel = _connect(order)
    del channel
    gc.collect()
    left = left_since(before, order["seconds"])
    _say(f"left: {left}" if left else "nothing left")
    sys.stdout.flush()
    os._exit(0)


def _exit(order: dict[str, Any]) -> None:
    # Alive until the interpreter takes its modules apart.
    globals()["channel"] = _connect(order)
    _say("connected")


def _fail(order: dict[str, Any]) -> None:
    """Connect, which is to fail in time, and tell how it did and what is left."""
    before = Resources.now()
    budget = order["seconds"]
    try:
        # In a thread: this one tells of a call that does not come back.
        Task(lambda: _connect(order), "connect").result(2 * budget)
    except Stuck:
        _say("connect did not end")
    except TransportError as error:
        left = left_since(before, budget) if order["frees"] else ""
        _say(f"left: {left}" if left else "failed in time")
        del error
    else:
        _say("connected")
    sys.stdout.flush()
    # A thread that is in a library's loop would keep the interpreter from ending.
    os._exit(0)


def _fork(order: dict[str, Any]) -> None:
    channel = _connect(order)
    line = Line(channel, order["seconds"])
    child = os.fork()
    if child == 0:
        # The end that a program comes to, with all that is torn down then.
        sys.exit()
    _, status = os.waitpid(child, 0)
    line.send(b"still here")
    _say(line.receive(10).decode() if status == 0 else f"the child ended with {status}")
    channel.close()
    line.free()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


_ACTIONS = {"drop": _drop, "exit": _exit, "fail": _fail, "fork": _fork, "lose": _lose}

if __name__ == "__main__":
    main()
