"""ncclient itself: imported in one place, which says what to install where it is not there."""

from __future__ import annotations

try:
    import ncclient
    import ncclient.capabilities
    import ncclient.manager
    import ncclient.operations
    import ncclient.operations.rpc
    import ncclient.transport
    import ncclient.transport.errors
    import ncclient.transport.parser
    import ncclient.transport.session
    import ncclient.transport.ssh
    import ncclient.transport.tls
    import ncclient.transport.unixSocket
    import ncclient.xml_
except ImportError as error:
    raise ImportError(
        f"ncwire.contrib.ncclient: ncclient cannot be imported ({error}); "
        "pip install 'ncwire[ncclient]'"
    ) from error

__all__ = ["ncclient"]
