"""`WAY_OPTIONS`: how the core is to reach the host, where no ssh_config says it."""

from __future__ import annotations

from typing import Final

from ncwire.driver.driver_option import DriverOption, OptionKind

WAY_OPTIONS: Final = (
    DriverOption(
        name="address_family",
        kind=OptionKind.TEXT,
        meaning="Which of the host's addresses are tried.",
        default="any",
        choices=("any", "inet", "inet6"),
    ),
    DriverOption(
        name="proxy_command",
        kind=OptionKind.TEXT,
        meaning="What a shell runs to reach the host, in place of TCP: its standard streams carry "
        "the session. %h is the host, %p the port, %% a percent sign.",
        trust=True,
    ),
)
"""What a `SocketDriver` has besides when it puts them among its `driver_options`.

The core honours them then, as ssh_config's AddressFamily and ProxyCommand over SSH; the driver has
nothing to do for it.
"""
