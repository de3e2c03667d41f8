"""For nornir: connections over ncwire, and tasks.

`NcwireConnection` is the connection plugin `ncwire`, which nornir finds by itself; `get`,
`get_config`, `edit_config` and `rpc` are tasks over it. `register` has the connection `netconf`,
which the tasks of nornir_netconf use, carried by ncwire. Needs the extra `nornir`, and `register`
the extra `ncclient`, too; without them these names raise ImportError, which says what to install.
"""

from typing import TYPE_CHECKING

from ncwire.driver.lazy import late

if TYPE_CHECKING:
    from ncwire.contrib.nornir.connection import NcwireConnection
    from ncwire.contrib.nornir.netconf import register, unregister
    from ncwire.contrib.nornir.tasks import edit_config, get, get_config, rpc
else:
    # `register` needs ncclient, and nornir asks each of its programs for the connection alone.
    __getattr__, __dir__ = late(
        __name__,
        {
            "NcwireConnection": "ncwire.contrib.nornir.connection",
            "edit_config": "ncwire.contrib.nornir.tasks",
            "get": "ncwire.contrib.nornir.tasks",
            "get_config": "ncwire.contrib.nornir.tasks",
            "register": "ncwire.contrib.nornir.netconf",
            "rpc": "ncwire.contrib.nornir.tasks",
            "unregister": "ncwire.contrib.nornir.netconf",
        },
    )

__all__ = [
    "NcwireConnection",
    "edit_config",
    "get",
    "get_config",
    "register",
    "rpc",
    "unregister",
]
