"""Which profile fits a platform of nornir's inventory."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire.errors import ProfileError, ProfileNotFoundError
from ncwire.profiles import get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.profiles import DeviceProfile

PLATFORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alcatel_sros": "sros",
        "cisco_ios": "iosxe",
        "cisco_nxos": "nexus",
        "cisco_xe": "iosxe",
        "cisco_xr": "iosxr",
        "hp_comware": "hpcomware",
        "huawei_vrp": "huawei",
        "huawei_vrpv8": "huawei",
        "ios": "iosxe",
        "iosxr_netconf": "iosxr",
        "juniper": "junos",
        "juniper_junos": "junos",
        "nokia_sros": "sros",
        "nxos": "nexus",
        "nxos_ssh": "nexus",
    }
)
"""The names of NAPALM's, netmiko's and scrapli's platforms, and the profile of each."""


def profile_of(platform: str | None) -> DeviceProfile | None:
    """Return the profile that fits a platform, None where there is none.

    That is the one of the same name, ncwire's or that of an installed package, or the one in
    `PLATFORMS`. Raises `ProfileError` for one that is not as it must be.
    """
    name = (platform or "").strip().lower()
    if not name:
        return None
    try:
        return get(PLATFORMS.get(name, name))
    except ProfileNotFoundError:
        return None
    except ProfileError as error:
        if error.file or error.key:
            raise
        return None  # a platform may be any text, also what can be no profile's name
