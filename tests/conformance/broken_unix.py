"""Drivers over a Unix socket that each break one rule, over the simple one."""

from __future__ import annotations

import dataclasses
import os

from breaking import breaks
from simple_unix import SimpleUnix


@breaks("unix.no-path")
class NamesNoPath(SimpleUnix):
    """It does not tell at which path there is nothing."""

    contract = (1, 0)

    def told(self, path, error):
        return os.strerror(error.errno)


@breaks("unix.peer-uid")
class TrustsAnyPeer(SimpleUnix):
    """It does not ask who the peer is."""

    contract = (1, 0)

    def connect(self, options, deadline):
        own = {**options.driver_options, "peer_uid": None}
        return super().connect(replaced(options, own), deadline)


def replaced(options, own):
    return dataclasses.replace(options, driver_options=own)
