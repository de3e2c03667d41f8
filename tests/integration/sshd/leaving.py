"""What a part of a test leaves behind: nothing."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from waiting import eventually


@contextmanager
def leaving_nothing():
    """What happens inside leaves no thread and no fd behind."""

    def open_fds() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    threads, fds = threading.active_count(), open_fds()
    yield
    # What has to end, as a program that carries a session, may do so in the background.
    eventually(lambda: threading.active_count() <= threads, threading.enumerate)
    eventually(lambda: open_fds() <= fds, open_fds)
