"""Sessions that come back: `Persistent` keeps a session to one device.

`Backoff` says how long it waits between attempts, `Status` what it is at; its notifications are a
`NotificationStream`, in which a `Gap` stands where there was no session.
"""

from ncwire.persistent.backoff import Backoff
from ncwire.persistent.course import State, Status
from ncwire.persistent.notifications import Gap, NotificationStream
from ncwire.persistent.persistent import Persistent
from ncwire.persistent.retry import NEVER_RETRIED, is_retried

__all__ = [
    "NEVER_RETRIED",
    "Backoff",
    "Gap",
    "NotificationStream",
    "Persistent",
    "State",
    "Status",
    "is_retried",
]
