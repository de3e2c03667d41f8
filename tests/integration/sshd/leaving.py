"""What a part of a test leaves behind: nothing."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from installed_ssh import join_ends


@contextmanager
def leaving_nothing():
    """What happens inside leaves no thread and no fd behind."""

    def open_fds() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    join_ends()  # of sessions of before
    threads, fds = threading.active_count(), open_fds()
    yield
    join_ends()
    assert threading.active_count() == threads
    assert open_fds() == fds
