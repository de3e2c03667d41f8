"""What a device handler of ncclient's says of the transport, as a profile."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from ncwire.profiles.ncclient_handler import ProfileLike, from_device_handler, settled

if TYPE_CHECKING:
    from ncwire.profiles.profile import DeviceProfile

_NOT_ASKED: Final = frozenset(
    {
        "add_additional_ssh_connect_params",  # ncclient has asked, and they are in the arguments
        "get_xml_extra_prefix_kwargs",  # for rpcs, which ncclient writes itself
    }
)


def profile_of(handler: Any, chosen: ProfileLike | None) -> DeviceProfile:
    """Return the profile of a session: the handler's, or the one chosen with the handler's repair.

    The capabilities of our hello are given apart, for ncclient has settled them. Raises what
    `from_device_handler` and `settled` do.
    """
    own = from_device_handler(_stand_in(handler))
    if chosen is None:
        return own
    profile = settled(chosen)
    mend = profile.dialect.mend or own.dialect.mend
    return dataclasses.replace(profile, dialect=dataclasses.replace(profile.dialect, mend=mend))


def _stand_in(handler: Any) -> Any:
    def __getattr__(_self: object, name: str) -> Any:  # noqa: N807 - becomes a method
        if name in _NOT_ASKED:
            raise AttributeError(name)
        return getattr(handler, name)

    # By the name of the handler's class, which errors tell.
    kind = type(type(handler).__name__, (), {"__getattr__": __getattr__})
    return kind()
