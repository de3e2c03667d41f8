"""The drop-in for ncclient: its programs unchanged, over ncwire's sessions.

`install` has every session of ncclient's in this process carried by ncwire; the functions that
connect do it for one session, and return ncclient's own Manager. `python -m
ncwire.contrib.ncclient PROGRAM` does it for a program that cannot be touched. Needs the extra
`ncclient`; without that library its names raise ImportError, which says what to install.
"""

from typing import TYPE_CHECKING

from ncwire.driver.lazy import late

if TYPE_CHECKING:
    from ncwire.contrib.ncclient.connecting import (
        call_home,
        connect,
        connect_libssh,
        connect_ssh,
        connect_tls,
        connect_uds,
    )
    from ncwire.contrib.ncclient.installing import install, uninstall
else:
    # ncclient takes a third of a second to import, and need not be there.
    __getattr__, __dir__ = late(
        __name__,
        {
            "call_home": "ncwire.contrib.ncclient.connecting",
            "connect": "ncwire.contrib.ncclient.connecting",
            "connect_libssh": "ncwire.contrib.ncclient.connecting",
            "connect_ssh": "ncwire.contrib.ncclient.connecting",
            "connect_tls": "ncwire.contrib.ncclient.connecting",
            "connect_uds": "ncwire.contrib.ncclient.connecting",
            "install": "ncwire.contrib.ncclient.installing",
            "uninstall": "ncwire.contrib.ncclient.installing",
        },
    )

__all__ = [
    "call_home",
    "connect",
    "connect_libssh",
    "connect_ssh",
    "connect_tls",
    "connect_uds",
    "install",
    "uninstall",
]
