"""What a signal handler raises comes out of the driver openssh, also where errors do not count."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from interrupting import Interrupter, folder_of, raising
from ncwire_openssh.folder import Folder
from ncwire_openssh.master import Master


def test_at_any_point_of_a_folders_removal():
    """A TimeoutError is an OSError, as what keeps a file from being removed is."""
    at = 1
    with raising(TimeoutError):
        while True:
            folder = Folder()
            interrupter = Interrupter(at, [folder_of("ncwire_openssh"), shutil.__file__])
            came_out = True
            with suppress(TimeoutError):
                with interrupter:
                    folder.remove()
                came_out = False
            assert came_out or not interrupter.where, interrupter.where
            folder.remove()
            assert not folder.path.exists()
            if not interrupter.where:
                break
            at += 1
    assert at > 10


def test_a_master_that_cannot_ask_leaves_no_file_open(monkeypatch):
    """As where a handler raises, or there are no more fds: here a FIFO is missing."""
    before = fds()
    mkfifo = os.mkfifo
    monkeypatch.setattr(
        "os.mkfifo", lambda path, mode: path.name == "answers" or mkfifo(path, mode)
    )
    with pytest.raises(FileNotFoundError) as caught:
        Master()
    assert fds() == before
    assert not Path(caught.value.filename).parent.exists()


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))
