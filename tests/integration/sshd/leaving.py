"""What a part of a test leaves behind: nothing."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def leaving_nothing():
    """What happens inside leaves no thread and no fd behind."""

    def open_fds() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    threads, fds = threading.active_count(), open_fds()
    yield
    # The program of the driver openssh ends a moment later, in another thread.
    for thread in threading.enumerate():
        if thread.name == "ncwire-openssh end":
            thread.join(20)
    assert threading.active_count() == threads
    assert open_fds() == fds
