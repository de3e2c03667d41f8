"""A process of its own, for what may crash or hang the process that does it.

It reads its order from stdin, as JSON: the driver's module and class, options, and an action.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline
from ncwire.testing.conformance.line import Line

if TYPE_CHECKING:
    from ncwire.driver import Channel


def main() -> None:
    """Carry out the order."""
    order = json.load(sys.stdin)
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


def _exit(order: dict[str, Any]) -> None:
    # Alive until the interpreter takes its modules apart.
    globals()["channel"] = _connect(order)
    _say("connected")


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


_ACTIONS = {"drop": _drop, "exit": _exit, "fork": _fork}

if __name__ == "__main__":
    main()
