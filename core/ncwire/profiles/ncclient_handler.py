"""ncclient's device handlers, taken for what they say of the transport: as a profile.

A handler is known by its methods; ncclient itself is not imported. Source of what each method
means: ncclient 0.7, devices/default.py, and where its transport and its rpcs call them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from ncwire._filename import named_file
from ncwire._interrupts import raise_signalled
from ncwire._protocol.dialect import Dialect
from ncwire._protocol.messages import BASE_NS
from ncwire.errors import MessageError, NcwireError, OptionError
from ncwire.profiles import catalogue
from ncwire.profiles.profile import DeviceProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

_PREFIX: Final = "nc"
"""ncclient's own, where a handler asks for no default namespace."""


class DeviceHandler(Protocol):
    """What makes something a device handler; its other methods are optional."""

    def get_capabilities(self) -> Sequence[str]:
        """Return the client's capabilities."""


ProfileLike = str | os.PathLike[str] | DeviceProfile | DeviceHandler
"""What can be given as `profile`."""


def settled(given: ProfileLike) -> DeviceProfile:
    """Return the profile that a name, a path, a profile or a device handler stands for.

    Raises `ProfileError`, and `OptionError` for anything else.
    """
    if isinstance(given, DeviceProfile):
        return given
    if isinstance(given, str):
        return catalogue.get(given)
    if isinstance(given, os.PathLike):
        return catalogue.load(named_file("profile", given))
    if callable(getattr(given, "get_capabilities", None)):
        return from_device_handler(given)
    raise OptionError(
        "profile",
        f"must be a DeviceProfile, a name, a path or a device handler, not {type(given).__name__}",
    )


def from_device_handler(handler: DeviceHandler) -> DeviceProfile:
    """Return the profile that an ncclient device handler comes to.

    Called once, here: `get_capabilities`, `get_ssh_subsystem_names`,
    `get_xml_base_namespace_dict`, `get_xml_extra_prefix_kwargs`,
    `add_additional_ssh_connect_params` and `handle_connection_exceptions`, whose command becomes
    the profile's. `handle_raw_dispatch` is called for each message that cannot be read. The others
    are about operations and replies, not about the transport, and are not called.

    What a handler says about unknown hosts is not done: host keys are verified for every device
    alike. Raises `OptionError` for what it says and ncwire cannot do, or when a method raises.
    """
    handles = _Methods(handler)
    connect = handles.connect_parameters()
    prefix, namespaces = handles.rpc_namespaces()
    return DeviceProfile(
        name=type(handler).__name__,
        description="an ncclient device handler",
        file=f"{type(handler).__module__}.{type(handler).__qualname__}",
        capabilities=tuple(dict.fromkeys(handles.call("get_capabilities") or ())),
        subsystems=tuple(dict.fromkeys(handles.call("get_ssh_subsystem_names") or ("netconf",))),
        command=handles.command(),
        port=connect.get("port"),
        keepalive=connect.get("keepalive"),
        dialect=Dialect(
            hello_prefix=handles.hello_prefix(),
            rpc_prefix=prefix,
            rpc_namespaces=namespaces,
            # As ncclient writes every message.
            rpc_declaration=True,
            mend=handles.mend() if handles.has("handle_raw_dispatch") else None,
        ),
    )


_NEVER: Final = MappingProxyType(
    dict.fromkeys(("unknown_host_cb",), "host keys are verified for every device alike")
)
_HONOURED: Final = frozenset({"port", "keepalive"})


class _Methods:
    """The methods of a handler, with what goes wrong in them told as an error of ours."""

    def __init__(self, handler: DeviceHandler) -> None:
        self._handler: Any = handler  # a stranger's, which has some of the methods

    def has(self, name: str) -> bool:
        return callable(getattr(self._handler, name, None))

    def call(self, name: str, *arguments: object) -> Any:
        if not self.has(name):
            return None
        try:
            return getattr(self._handler, name)(*arguments)
        except Exception as error:
            raise_signalled(error)
            raise self._error(f"{name} raised {type(error).__name__}: {error}") from error

    def connect_parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        self.call("add_additional_ssh_connect_params", given)
        for name, reason in _NEVER.items():
            if given.pop(name, None) is not None:
                _log.info("%s of %s is not used: %s", name, type(self._handler).__name__, reason)
        for name in given.keys() - _HONOURED:
            raise self._error(
                f"add_additional_ssh_connect_params sets {name}, which a profile cannot set; give "
                "it to connect if it is wanted"
            )
        return given

    def hello_prefix(self) -> str:
        namespaces = self._namespaces(self.call("get_xml_base_namespace_dict"))
        return self._prefix_of(namespaces)

    def rpc_namespaces(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        extra = self.call("get_xml_extra_prefix_kwargs") or {}
        if set(extra) - {"nsmap"}:
            raise self._error(f"get_xml_extra_prefix_kwargs has {', '.join(map(str, extra))}")
        namespaces = self._namespaces(extra.get("nsmap"))
        prefix = self._prefix_of(namespaces)
        others = {name: uri for name, uri in namespaces.items() if name not in (None, prefix)}
        return prefix, tuple((str(name), uri) for name, uri in others.items())

    def command(self) -> str | None:
        """Return the command that it starts when the server refuses every subsystem."""
        stand_in = _StandIn()
        try:
            handled = self.call("handle_connection_exceptions", stand_in)
        except OptionError:
            handled = False
        return stand_in.channel.command if handled else None

    def mend(self) -> Callable[[str], str | None]:
        def mend(raw: str) -> str | None:
            try:
                mended = self._handler.handle_raw_dispatch(raw)
            except NcwireError:
                raise
            except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
                raise_signalled(error)
                mended = error
            if isinstance(mended, Exception):
                raise MessageError(
                    f"{type(self._handler).__name__}.handle_raw_dispatch: {type(mended).__name__}"
                ) from mended
            return mended if isinstance(mended, str) else None

        return mend

    def _namespaces(self, given: object) -> dict[str | None, str]:
        if given is None:
            return {}
        if not isinstance(given, Mapping) or not all(isinstance(u, str) for u in given.values()):
            raise self._error("its namespaces are no mapping of prefixes to URIs")
        return dict(given)

    @staticmethod
    def _prefix_of(namespaces: Mapping[str | None, str]) -> str:
        if namespaces.get(None) == BASE_NS:
            return ""
        own = (name for name, uri in namespaces.items() if name and uri == BASE_NS)
        return next(own, _PREFIX)

    def _error(self, problem: str) -> OptionError:
        return OptionError("device_handler", f"{type(self._handler).__name__}: {problem}")


class _Channel:
    """What a handler opens to start a command; keeps the command."""

    def __init__(self) -> None:
        self.command: str | None = None

    def set_name(self, name: str) -> None:
        pass

    def exec_command(self, command: str) -> None:
        self.command = command


class _Transport:
    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def open_channel(self, *_arguments: object, **_keywords: object) -> _Channel:
        return self._channel


class _StandIn:
    """Stands for ncclient's SSHSession, whose inner parts a handler reaches into."""

    def __init__(self) -> None:
        self.channel = _Channel()
        self._channel = self.channel
        self._channel_id = 0
        self._transport = _Transport(self.channel)


# The handler of Junos asks for the class's name.
_StandIn.__name__ = "SSHSession"
