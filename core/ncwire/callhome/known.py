"""What devices are known by over the listener's transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.callhome.certificates import CertificateDevices
from ncwire.callhome.host_keys import HostKeyDevices
from ncwire.driver import SSHDriver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ncwire.callhome.call import Terms
    from ncwire.callhome.device import Device, Devices


def known_devices(devices: Iterable[Device], terms: Terms) -> Devices:
    """Return the devices, each with what it is known by. Raises what the two classes do."""
    if issubclass(terms.driver, SSHDriver):
        return HostKeyDevices(devices, terms.timeouts, terms.driver)
    return CertificateDevices(devices, terms.timeouts, terms.driver, terms.driver_options)
