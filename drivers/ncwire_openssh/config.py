"""ncwire's options as an ssh_config(5) of our own, which is the only one that ssh reads."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from ncwire.errors import ConnectError, UnsupportedOption
from ncwire_openssh.keys import certificates, expanded, identities, quoted, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ncwire.driver import Algorithms, ConnectOptions
    from ncwire_openssh.folder import Folder

_SETTINGS = {
    "LogLevel": "DEBUG1",  # the level at which ssh tells what it tries, and what is answered
    # The one key that is good is told by KnownHostsCommand, when it has been judged.
    "StrictHostKeyChecking": "yes",
    "UserKnownHostsFile": "/dev/null",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "CheckHostIP": "no",
    "VerifyHostKeyDNS": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "CanonicalizeHostname": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "AddKeysToAgent": "no",
    "NumberOfPasswordPrompts": "1",
    "ControlMaster": "yes",
    "RequestTTY": "no",
    "EscapeChar": "none",
}

_RSA = "ssh-rsa"
_CERTIFICATE = "-cert-v01@openssh.com"
_SIGNATURES = {
    # OpenSSH's names of algorithms for the types of keys, in the order of its own preference.
    **{
        name + suffix: (name + suffix,)
        for suffix in ("", _CERTIFICATE)
        for name in (
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
        )
    },
    **{
        _RSA + suffix: (f"rsa-sha2-512{suffix}", f"rsa-sha2-256{suffix}")
        for suffix in ("", _CERTIFICATE)
    },
}


def ssh_config(
    driver: str,
    options: ConnectOptions,
    folder: Folder,
    known: Algorithms,
    *,
    fd_is_given: bool,
    is_hop: bool,
) -> str:
    """Return the text of the file.

    `known` are the algorithms that this ssh has. `fd_is_given`: the connection comes as an open fd
    through the folder. `is_hop`: ssh is to find itself whether the host lives, since the core sees
    the session's host alone. Raises `UnsupportedOption`, `KeyFileError` and `ConnectError` for
    what cannot be.
    """
    given = options.driver_options
    keys = identities(options)
    settings = {
        **_SETTINGS,
        "ControlPath": quoted(str(folder.control)),
        "ControlPersist": _persist(given),
        "BatchMode": "no" if _has_answers(options) else "yes",
        **_authentication(options, keys),
        "IdentitiesOnly": "yes" if options.identities_only else "no",
        "KnownHostsCommand": folder.host_key_command,
        "Compression": "no",
        **_algorithm_settings(driver, options, known),
        "Port": str(options.port),
    }
    # 0 else: the core asks, and Debian's ssh has another default with BatchMode.
    interval = 0 if options.keepalive is None or not is_hop else max(1, ceil(options.keepalive))
    settings["ServerAliveInterval"] = str(interval)
    settings["ServerAliveCountMax"] = str(options.keepalive_count)
    if options.host_key_alias:
        settings["HostKeyAlias"] = word(options.host_key_alias)
    if options.bind_addr is not None:
        settings["BindAddress"] = options.bind_addr
    if options.address_family is not None:
        is_six = options.address_family.name == "AF_INET6"
        settings["AddressFamily"] = "inet6" if is_six else "inet"
    if fd_is_given:
        settings["ProxyCommand"] = folder.fd_command
        settings["ProxyUseFdpass"] = "yes"
    for name, keyword in (
        ("pkcs11_provider", "PKCS11Provider"),
        ("security_key_provider", "SecurityKeyProvider"),
    ):
        if path := given.get(name):
            settings[keyword] = word(str(expanded(str(path))))  # ssh expands nothing in these
    lines = [f"{name} {value}" for name, value in settings.items()]
    lines += [f"IdentityFile {key}" for key in keys or ("none",)]
    lines += [f"CertificateFile {quoted(path)}" for path in certificates(options)]
    for line in lines:
        if set(line) & set("\r\n\0"):
            raise ConnectError(f"ssh can have no line break in {line.split()[0]}")
    return "\n".join(lines) + "\n"


def host_argument(options: ConnectOptions) -> str:
    """Return the host as ssh's argument. Raises `ConnectError` where ssh would read more into it.

    A connection that is given has no name; ssh asks for one all the same.
    """
    host = options.host or "device"
    if set(host) & set("@/"):
        raise ConnectError(f"{host!r} is not the name of a host")
    return host


LEAST_PERSIST: Final = 5
"""Seconds that may pass between ssh's start and the first session."""


def _persist(given: Mapping[str, object]) -> str:
    if not given.get("control_path"):
        return "no"
    seconds = given.get("control_persist")
    return str(round(seconds)) if isinstance(seconds, float | int) else str(LEAST_PERSIST)


def _has_answers(options: ConnectOptions) -> bool:
    secrets = (options.password, options.passphrase, options.driver_options.get("pin"))
    return options.auth_handler is not None or any(secret is not None for secret in secrets)


def _authentication(options: ConnectOptions, keys: Sequence[str]) -> dict[str, str]:
    given = options.driver_options
    agent = options.identity_agent if options.allow_agent else None
    has_keys = bool(keys) or agent is not None or bool(given.get("pkcs11_provider"))
    asks = options.auth_handler is not None
    able = {
        "publickey": has_keys,
        "password": options.password is not None,
        "keyboard-interactive": asks or options.password is not None,
    }
    methods = [method for method in options.auth_methods if able.get(method)]
    if {"password", "keyboard-interactive"} <= {*methods} and not asks:
        # The password as such comes first: prompts get it only where it is not taken so.
        methods.remove("keyboard-interactive")
        methods.append("keyboard-interactive")
    settings = {
        "PubkeyAuthentication": "yes" if "publickey" in methods else "no",
        "PasswordAuthentication": "yes" if "password" in methods else "no",
        "KbdInteractiveAuthentication": "yes" if "keyboard-interactive" in methods else "no",
        "HostbasedAuthentication": "no",
        "IdentityAgent": "none" if agent is None else quoted(agent),
    }
    if given.get("gssapi"):
        settings["GSSAPIAuthentication"] = "yes"
        methods.insert(0, "gssapi-with-mic")
    return settings | {"PreferredAuthentications": ",".join(methods) or "none"}


def _algorithm_settings(driver: str, options: ConnectOptions, known: Algorithms) -> dict[str, str]:
    chosen = options.algorithms
    settings = {} if chosen is None else _restricted(driver, chosen, known)
    check = options.host_key_check
    first = [] if check is None else list(_names(check.key_types()))
    offered = settings.get("HostKeyAlgorithms", "").split(",")
    if offered != [""]:
        first = [name for name in first if name in offered]
        settings["HostKeyAlgorithms"] = ",".join(dict.fromkeys((*first, *offered)))
    elif first:
        settings["HostKeyAlgorithms"] = "^" + ",".join(first)
    return settings


def _names(key_types: Sequence[str]) -> dict[str, None]:
    return dict.fromkeys(name for each in key_types for name in _SIGNATURES.get(each, ()))


def _restricted(driver: str, chosen: Algorithms, known: Algorithms) -> dict[str, str]:
    settings = {}
    for kind, keyword in _KEYWORDS.items():
        wanted = getattr(chosen, kind)
        # ssh refuses a whole list for one name that it does not know.
        names = [name for name in wanted if name in getattr(known, kind)]
        if wanted and not names:
            raise UnsupportedOption(
                driver, f"algorithms.{kind}", f"this ssh has none of {', '.join(wanted)}"
            )
        if names:
            settings[keyword] = ",".join(names)
    if {*chosen.compression} - {"none"}:
        settings["Compression"] = "yes"
    return settings


_KEYWORDS = {
    "kex": "KexAlgorithms",
    "host_keys": "HostKeyAlgorithms",
    "ciphers": "Ciphers",
    "macs": "MACs",
}
