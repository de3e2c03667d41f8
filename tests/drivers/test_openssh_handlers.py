"""What a signal handler raises comes out of the driver openssh, also where errors do not count."""

from __future__ import annotations

import shutil
from contextlib import suppress

from interrupting import Interrupter, folder_of, raising
from ncwire_openssh.folder import Folder


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
