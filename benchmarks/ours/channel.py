"""A driver's Channel by itself, with the least of a loop around it and the floor's framing."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from ncwire._plugins import registry
from ncwire._ssh.connecting import connecting
from ncwire._ssh.options.resolve import Parameters, settle
from ncwire.bench.floor.bare import Bare
from ncwire.driver import Channel, Deadline, Readiness, Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.floor.framing import Chunks, EndMarker
    from ncwire.bench.target import Target

READ = 256 * 1024  # as the core's
EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: select.POLLIN,
    Readiness.WRITE: select.POLLOUT,
    Readiness.READ | Readiness.WRITE: select.POLLIN | select.POLLOUT,
}


class DriverChannel(Bare):
    """What the contract asks of the core, and no more: see `ncwire.driver.Channel`."""

    def __init__(self, target: Target, driver: str) -> None:
        super().__init__(target)
        self._driver = driver
        self._channel: Channel | None = None
        self._progress = Wakeup()
        self._poll = select.poll()
        self._watched = -1

    def connect(self) -> None:
        target = self.target
        options = settle(
            Parameters(
                host=target.host,
                port=target.port,
                username=target.user,
                key_filename=target.key,
                allow_agent=False,
                look_for_keys=False,
            ),
            [target.known_hosts],
        )
        driver = registry.choose(self._driver)()
        self._channel = connecting(driver, options, Deadline.after(60.0, "connect")).run()
        self._channel.on_ready(self._progress.ring)
        self._poll = select.poll()
        self._poll.register(self._progress, select.POLLIN)
        self._watched = -1

    def read_some(self) -> bytes:
        channel = self._opened()
        while (data := channel.read(READ)) is None:
            self._wait(channel)
        return data

    def write(self, data: bytes) -> None:
        self._write_all(self._opened(), data)

    def loop(
        self, request: bytes, receiver: Callable[[], Chunks | EndMarker]
    ) -> Callable[[], list[bytes]]:
        channel = self._opened()
        read, write_all, wait = channel.read, self._write_all, self._wait

        def rpc() -> list[bytes]:
            write_all(channel, request)
            reads: list[bytes] = []
            feed = receiver().feed
            while True:
                data = read(READ)
                if data is None:
                    wait(channel)
                    continue
                if not data:
                    raise EOFError
                reads.append(data)
                if feed(data):
                    return reads

        return rpc

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _opened(self) -> Channel:
        assert self._channel is not None
        return self._channel

    def _write_all(self, channel: Channel, data: bytes) -> None:
        view = memoryview(data)
        while view:
            taken = channel.write(view)
            view = view[taken:]
            if not taken:
                self._wait(channel)

    def _wait(self, channel: Channel) -> None:
        wants = channel.wants()
        events = EVENTS[wants.on]
        if events != self._watched:
            self._poll.register(channel.fileno(), events)
            self._watched = events
        seconds = None if wants.until is None else max(0.0, wants.until - time.monotonic())
        self._poll.poll(None if seconds is None else seconds * 1000)
        if self._progress.rung:
            self._progress.clear()
        if wants.until is not None:
            channel.tick(time.monotonic())
