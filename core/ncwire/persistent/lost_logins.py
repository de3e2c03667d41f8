"""`LostLogins`: how often a login that breaks off unanswered may be tried again."""

from __future__ import annotations

from typing import Final

from ncwire.errors import AuthenticationError, SSHError
from ncwire.persistent.retry import led_to

LOGINS_LOST: Final = 3
"""After how many such logins in a row the last one counts as refused.

Accounts are seldom locked before the third failure, where a server refuses in this way.
"""


class LostLogins:
    """Counts the logins that broke off unanswered since one was accepted.

    It may be a device that was switched off in that moment, or a server that refuses by hanging
    up: from here both look the same. A connection that fails earlier says nothing of the login,
    and is not counted, but does not have them counted anew either.
    """

    def __init__(self) -> None:
        self._in_a_row = 0

    def accepted(self) -> None:
        """Note that a login was accepted."""
        self._in_a_row = 0

    def judged(self, error: Exception) -> Exception:
        """Return the error, or an `AuthenticationError` if it is of one lost login too many."""
        if not any(isinstance(each, SSHError) and each.is_lost_login for each in led_to(error)):
            return error
        self._in_a_row += 1
        if self._in_a_row < LOGINS_LOST:
            return error
        refused = AuthenticationError(
            f"{self._in_a_row} logins in a row broke off with no answer to the credential, as "
            f"with servers that refuse so; the last: {error}"
        )
        refused.__cause__ = error
        return refused
