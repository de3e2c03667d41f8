"""Device profiles: what is special about a family of devices, as data.

`get` finds one by name, `load` and `parse` read one's own; `ncwire profiles` shows them.
"""

from ncwire.profiles.catalogue import (
    DEFAULT,
    GROUP,
    ProfileStatus,
    built_in,
    get,
    load,
    names,
    overlaid,
    parse,
    resolve,
    survey,
)
from ncwire.profiles.profile import DeviceProfile, Given, Requirements, Setting
from ncwire.profiles.schema import OPTIONS, Option
from ncwire.profiles.toml import Stanza, read_table, read_toml

__all__ = [
    "DEFAULT",
    "GROUP",
    "OPTIONS",
    "DeviceProfile",
    "Given",
    "Option",
    "ProfileStatus",
    "Requirements",
    "Setting",
    "Stanza",
    "built_in",
    "get",
    "load",
    "names",
    "overlaid",
    "parse",
    "read_table",
    "read_toml",
    "resolve",
    "survey",
]
