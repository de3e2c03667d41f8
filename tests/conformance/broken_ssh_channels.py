"""SSH drivers whose channels each break one rule."""

from __future__ import annotations

import threading
import time

from breaking import breaks
from ssh_drivers import Around, Broken

from ncwire.errors import SSHError

PAUSE = 0.1
"""Seconds; a flood has no pause as long as that."""


@breaks("io.bounded-service")
class ReadWaitsForAPause(Broken):
    """read goes on as long as anything at all comes from the server."""

    contract = (1, 0)

    class Channel(Around):
        def read(self, size):
            data, began, pause = super().read(size), time.monotonic(), PAUSE
            while data is None and time.monotonic() - self.heard() < pause:
                time.sleep(PAUSE / 10)
                if time.monotonic() - began > 5 * PAUSE:  # a flood, and on a busy machine it halts
                    pause = 20 * PAUSE
                data = super().read(size)
            return data


@breaks("close.finish-waits-for-peer")
class FinishWaitsForNobody(Broken):
    """finish sends the channel's end, and leaves it at that."""

    contract = (1, 0)

    class Channel(Around):
        def finish(self):
            super().finish()
            return True


@breaks("close.finish-waits-for-peer", "close.finish-leaves-time", "makes.finish")
class FinishCloses(Broken):
    """finish says all at once, the connection's end included."""

    contract = (1, 0)

    class Channel(Around):
        def finish(self):
            self.close()
            return False


@breaks("keepalive.sent", "keepalive.heard", "makes.keepalive")
class KeepaliveDoesNothing(Broken):
    """keepalive sends nothing."""

    contract = (1, 0)

    class Channel(Around):
        def keepalive(self):
            pass


@breaks("keepalive.heard", "makes.keepalive")
class HeardIsConstant(Broken):
    """heard tells of the connection's beginning."""

    contract = (1, 0)

    class Channel(Around):
        def __init__(self, inner):
            super().__init__(inner)
            self.since = time.monotonic()

        def heard(self):
            return self.since


@breaks("keepalive.silence")
class HeardIsNow(Broken):
    """heard tells that the peer was heard right now."""

    contract = (1, 0)

    class Channel(Around):
        def heard(self):
            return time.monotonic()


@breaks("keepalive.does-not-block")
class KeepaliveWaitsForItsTurn(Broken):
    """keepalive waits until the write that is blocked has gone."""

    contract = (1, 0)

    class Channel(Around):
        blocked = False

        def write(self, data):
            taken = super().write(data)
            self.blocked = not taken
            return taken

        def keepalive(self):
            if self.blocked:
                threading.Event().wait(60)
            super().keepalive()


@breaks("io.stderr-does-not-starve", "io.last-words")
class LeavesStderr(Broken):
    """What comes on stderr stays where it is, and fills the window."""

    contract = (1, 0)

    class Channel(Around):
        def __init__(self, inner):
            super().__init__(inner)
            inner._channel.recv_stderr = lambda _size: b""  # noqa: SLF001 - the driver calls it


@breaks("io.rekey", "makes.rekey")
class EndsAtARekey(Broken):
    """When keys are exchanged anew, the connection is given up."""

    contract = (1, 0)

    class Channel(Around):
        def read(self, size):
            transport = self.inner.native
            if transport.session_id != transport.H:
                raise SSHError("the server wants other keys") from OSError("rekey")
            return super().read(size)
