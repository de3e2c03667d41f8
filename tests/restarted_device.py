"""A device that a test stops and starts: it answers by hand, and keeps account of what came."""

from __future__ import annotations

import re
import threading

from ncwire import Persistent
from ncwire.persistent import Backoff
from ncwire.testing import EmbeddedUnixServer

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
EOM = b"]]>]]>"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities><session-id>7</session-id></hello>"
)
SUBSCRIBE = f'<create-subscription xmlns="{EVENTS}"/>'
AT_ONCE = Backoff(first=0.001, ceiling=0.002)
"""Attempts that wait for nothing, so that tests do not."""


class RestartedDevice:
    """Listens on a Unix socket while it is on.

    `received` are all rpcs in their order. An rpc with `<silence/>` has no answer; a subscription
    is answered, and followed by what `notify` sends. What is in `refused` is answered by an error.
    """

    def __init__(self, path):
        self.path = str(path)
        self.received = []
        self.refused = set()
        self.connections = 0
        self.silent = threading.Semaphore(0)
        """Released for each rpc that is not answered."""
        self._subscribed = []
        self._lock = threading.Lock()
        self._server = None

    @property
    def target(self):
        return {"host": None, "driver": "unix", "driver_options": {"path": self.path}}

    def start(self):
        self._server = EmbeddedUnixServer(path=self.path, script=self._serve)
        return self

    def stop(self):
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def notify(self, text):
        """Send a notification to who has subscribed; return to how many."""
        return self.notify_raw(text.encode())

    def notify_raw(self, text):
        with self._lock:
            streams = list(self._subscribed)
        message = f'<notification xmlns="{EVENTS}"><n>'.encode() + text + b"</n></notification>"
        for stream in streams:
            stream.send(message + EOM)
        return len(streams)

    def hang_up(self):
        """End all sessions, and listen on."""
        self.stop()
        self.start()

    def _serve(self, stream):
        with self._lock:
            self.connections += 1
        try:
            stream.send(HELLO.encode() + EOM)
            buffer = b""
            while data := stream.recv():
                *messages, buffer = (buffer + data).split(EOM)
                for message in messages:
                    self._take(stream, message.decode())
        except ConnectionError:
            pass
        finally:
            with self._lock:
                self._subscribed = [each for each in self._subscribed if each is not stream]
            stream.close()

    def _take(self, stream, message):
        found = re.search(r'message-id="([^"]+)"', message)
        if found is None:  # the hello
            return
        with self._lock:
            self.received.append(message)
        if "<silence" in message:
            self.silent.release()
            return
        body = "<ok/>"
        if any(each in message for each in self.refused):
            body = (
                "<rpc-error><error-type>protocol</error-type><error-tag>lock-denied</error-tag>"
                "<error-severity>error</error-severity></rpc-error>"
            )
        reply = f'<rpc-reply xmlns="{BASE}" message-id="{found[1]}">{body}</rpc-reply>'
        if "<create-subscription" in message:
            with self._lock:
                self._subscribed.append(stream)
        stream.send(reply.encode() + EOM)


class Changes:
    """Notes each status, and lets a test wait for a state."""

    def __init__(self):
        self.seen = []
        self._changed = threading.Condition()

    def __call__(self, status):
        with self._changed:
            self.seen.append(status)
            self._changed.notify_all()

    def wait_for(self, state, times=1):
        """Return the status with which this state came so many times."""

        def there():
            return [each for each in self.seen if each.state is state][times - 1 :]

        with self._changed:
            assert self._changed.wait_for(there, 20), [each.state for each in self.seen]
            return there()[0]


def persistent(device, **more):
    """Return a persistent session with the device that is quick to come back."""
    return Persistent(**device.target, **{"backoff": AT_ONCE, **more})
