"""ncclient's Manager, where `install` has changed it: its timeout may be a string there, too."""

from __future__ import annotations

import functools
from typing import Any, Final

from ncwire.contrib.ncclient.errors import retyped
from ncwire.contrib.ncclient.library import ncclient
from ncwire.contrib.ncclient.methods import CARRIER
from ncwire.contrib.ncclient.parameters import rpc_timeout
from ncwire.errors import OptionError

_Manager: Final[Any] = ncclient.manager.Manager
_init: Final = _Manager.__init__


@functools.wraps(_init)
def _init_of_ours(self: Any, *arguments: Any, **keywords: Any) -> None:
    _init(self, *arguments, **keywords)
    # ncclient's functions give the Manager the `timeout` of `connect` as it is, and the first rpc
    # would fail on a string (0.7.1, manager.py and operations/rpc.py).
    if CARRIER in getattr(self._session, "__dict__", ()):
        try:
            self.timeout = rpc_timeout(self.timeout)
        except OptionError as error:
            self._session.close()  # no other code has it where ncclient's own `connect` fails
            raise retyped(error) from None


def put() -> None:
    """Have Managers of carried sessions take a number that is a string."""
    _Manager.__init__ = _init_of_ours


def take_back() -> None:
    """Restore the class. Idempotent."""
    _Manager.__init__ = _init
