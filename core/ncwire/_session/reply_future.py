"""`ReplyFuture`: the future of a reply, which a forked child finds done."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from ncwire._session.reply import Reply
from ncwire._users_code import call_users, log_error
from ncwire.driver.forking import is_free

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.errors import NcwireError

logger = logging.getLogger(__name__)


class ReplyFuture(Future[Reply]):
    """A future whose end can be told where its threads are gone: see `leave`.

    What its callbacks raise, of any kind, is logged and hurts no other: `concurrent.futures` lets
    all but an `Exception` out, into the thread that serves the session.
    """

    def __init__(self) -> None:
        super().__init__()
        self._left = False

    def add_done_callback(self, fn: Callable[[Future[Reply]], object]) -> None:
        """See `Future.add_done_callback`; not called in a child that is forked afterwards."""
        super().add_done_callback(partial(self._call, fn))

    def leave(self, cause: NcwireError) -> None:
        """Fail, with no callback called, and with no lock waited for that never comes free."""
        self._left = True
        # Those who wait in `concurrent.futures.wait` have locks of their own, and do not exist.
        self._waiters = []
        if not is_free(self._condition):
            self._condition = threading.Condition()
        if not self.done():
            if not self.running():
                self.set_running_or_notify_cancel()
            self.set_exception(cause)
        self._left = False

    def _call(self, fn: Callable[[Future[Reply]], object], future: Future[Reply]) -> None:
        if not self._left and (error := call_users(fn, future)) is not None:
            log_error(logger, error, "a done-callback of a reply's future failed")
