"""What a server says went wrong with an rpc: the elements, and the error that has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.errors.printable import one_line
from ncwire.errors.session import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ErrorElement:
    """One `<rpc-error>` of a reply (RFC 6241 section 4.3), each text without the space around it.

    `type`, `tag` and `severity` are "" where a server has left them out, the others None.
    """

    type: str = ""
    """The layer: "transport", "rpc", "protocol" or "application"."""
    tag: str = ""
    """What kind of error: "invalid-value", "lock-denied" and so on (RFC 6241 appendix A)."""
    severity: str = ""
    """"error" or "warning"; whatever is no "warning" is an error."""
    app_tag: str | None = None
    """The data model's own name for it, or the implementation's."""
    path: str | None = None
    """The XPath of what it is about. Its prefixes are as they stand in the reply's document."""
    message: str | None = None
    """What is said to people."""
    info: str | None = field(default=None, repr=False)
    """The whole `<error-info>` as XML, in which prefixes may be other ones. It may hold the value
    that was refused, so it is shown in no text of an error."""

    def __str__(self) -> str:
        named = self.tag or self.severity or "error"
        text = f"{named} ({self.type})" if self.type else named
        if self.app_tag:
            text += f", {self.app_tag}"
        if self.path:
            text += f", at {self.path}"
        return one_line(f"{text}: {self.message}" if self.message else text, _LONGEST)


class RPCError(SessionError):
    """The server has refused an rpc, or failed at it; the session lives.

    Raised where one asks for it: `rpc(..., check=True)`, `Reply.raise_for_errors`, `Reply.data`.
    `errors` are the reply's, one at least, and `warnings` what is none; each an `ErrorElement`.
    `type`, `tag`, `severity`, `app_tag`, `path`, `message` and `info` are those of the first
    error. `message_id` is the rpc's. `raw` is the reply's whole document, as `Reply.raw` is, with
    what a device says besides; None where there is no reply. No text of the error shows it.
    """

    def __init__(
        self,
        errors: Iterable[ErrorElement],
        warnings: Iterable[ErrorElement] = (),
        message_id: str | None = None,
        *,
        raw: str | None = None,
    ) -> None:
        self.errors = tuple(errors)
        self.warnings = tuple(warnings)
        self.message_id = message_id
        self.raw = raw
        super().__init__(self.errors, self.warnings, message_id)

    @property
    def type(self) -> str:
        """See `ErrorElement.type`."""
        return self.errors[0].type

    @property
    def tag(self) -> str:
        """See `ErrorElement.tag`."""
        return self.errors[0].tag

    @property
    def severity(self) -> str:
        """See `ErrorElement.severity`."""
        return self.errors[0].severity

    @property
    def app_tag(self) -> str | None:
        """See `ErrorElement.app_tag`."""
        return self.errors[0].app_tag

    @property
    def path(self) -> str | None:
        """See `ErrorElement.path`."""
        return self.errors[0].path

    @property
    def message(self) -> str | None:
        """See `ErrorElement.message`."""
        return self.errors[0].message

    @property
    def info(self) -> str | None:
        """See `ErrorElement.info`."""
        return self.errors[0].info

    def _text(self) -> str:
        which = "rpc" if self.message_id is None else f"rpc {self.message_id}"
        shown = "; ".join(str(error) for error in self.errors[:_SHOWN])
        more = len(self.errors) - _SHOWN
        return f"{which}: {shown}; and {more} more" if more > 0 else f"{which}: {shown}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"  # not what `info` holds


_SHOWN = 3
"""How many errors the text has: a commit may fail in a thousand places."""
_LONGEST = 500
"""Characters of each of them."""
