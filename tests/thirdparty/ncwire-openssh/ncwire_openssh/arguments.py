"""ncwire's options as ssh's command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.errors import ConnectError, KeyFileError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import Algorithms, ConnectOptions

_USUAL_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")

# Writes the server's key, once ssh has it, to a file; tells ssh of no known key.
_TELL_KEY = """/bin/sh -c 'echo "$1" >"$2"' sh %K {}"""

_SETTINGS = {
    "LogLevel": "DEBUG2",  # the level at which ssh tells that a subsystem was started
    "StrictHostKeyChecking": "yes",
    "UserKnownHostsFile": "/dev/null",  # ssh may write to this one, and only reads the global ones
    "UpdateHostKeys": "no",
    "CheckHostIP": "no",
    "VerifyHostKeyDNS": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "CanonicalizeHostname": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "ControlPersist": "no",
    "RequestTTY": "no",
    "NumberOfPasswordPrompts": "1",
    "KbdInteractiveAuthentication": "no",
    # Only what is asked for over the control socket is sent at all.
    "SendEnv": "*",
}


def ssh_arguments(
    driver: str, options: ConnectOptions, extra: Mapping[str, str], key_file: Path
) -> list[str]:
    """Return the arguments from the first to the host.

    `extra` are the user's own; ssh takes the first value that it sees, so they override none of
    ours. `key_file` is where the server's key is to be written to. Raises UnsupportedOption,
    KeyFileError and ConnectError for what cannot be.
    """
    host = options.host or ""
    if not host or set(host) & set("@/"):
        raise ConnectError(f"{host!r} is not the name of a host")  # ssh would read more into it
    if not options.hostkey_verify:
        raise UnsupportedOption(
            driver, "hostkey_verify=False", "add the host's key to known_hosts"
        )
    if options.passphrase is not None:
        raise UnsupportedOption(driver, "passphrase", "load the key with ssh-add")
    keys = identities(options)
    settings = {
        **_SETTINGS,
        "BatchMode": "yes" if options.password is None else "no",
        "PreferredAuthentications": ",".join(_methods(options, keys)),
        "GlobalKnownHostsFile": " ".join(map(_quoted, options.known_hosts)) or "/dev/null",
        "IdentitiesOnly": "yes" if options.identities_only else "no",
        "IgnoreUnknown": "KnownHostsCommand",  # is of OpenSSH 8.5
        "KnownHostsCommand": _TELL_KEY.format(_word(str(key_file).replace("%", "%%"))),
    }
    if options.host_key_alias:
        settings["HostKeyAlias"] = options.host_key_alias
    agent = options.identity_agent if options.allow_agent else None
    settings["IdentityAgent"] = "none" if agent is None else _quoted(agent.replace("%", "%%"))
    settings |= _algorithm_settings(driver, options.algorithms)
    arguments = ["-F", "none", "-T", "-p", str(options.port), "-l", options.username]
    for name, value in settings.items():
        arguments += ["-o", f"{name}={value}"]
    for key in keys or ("none",):
        arguments += ["-o", f"IdentityFile={key}"]
    for path in options.certificate_files:
        arguments += ["-o", f"CertificateFile={_quoted(path.replace('%', '%%'))}"]
    if options.bind_addr is not None:
        arguments += ["-b", options.bind_addr]
    for name, value in extra.items():
        arguments += ["-o", f"{name}={value}"]
    return [*arguments, "--", host]


def identities(options: ConnectOptions) -> list[str]:
    """Return the key files to try, in order, each as a word of ssh's configuration.

    One that the user named and that cannot be read is left out. Raises KeyFileError where that
    leaves nothing to log in with.
    """
    named: list[Path] = []
    unusable: list[KeyFileError] = []
    for name in options.key_filename:
        try:
            named.append(_readable(name))
        except KeyFileError as error:
            unusable.append(error)
    found: list[Path] = []
    if options.look_for_keys:
        usual = [f"~/.ssh/{name}" for name in _USUAL_KEYS]
        found = [_expanded(path) for path in options.identity_files or usual]
        found = [path for path in found if path.is_file() and "${" not in str(path)]
    has_agent = options.allow_agent and options.identity_agent is not None
    if unusable and not (named or found or has_agent or options.password is not None):
        raise unusable[0]
    return [_quoted(str(path).replace("%", "%%")) for path in dict.fromkeys((*named, *found))]


def password_prompt(options: ConnectOptions) -> str:
    """Return what ssh asks when the server wants the password. Source: sshconnect2.c."""
    host = options.host_key_alias or (options.host or "").lower()
    return f"{options.username[:30]}@{host[:128]}'s password: "


def _methods(options: ConnectOptions, keys: list[str]) -> list[str]:
    methods = ["gssapi-with-mic"]  # off, unless the user's own options switch it on
    able = {
        "publickey": bool(keys) or (options.allow_agent and options.identity_agent is not None),
        "password": options.password is not None,
    }
    return methods + [method for method in options.auth_methods if able.get(method)]


def _readable(name: str) -> Path:
    path = _expanded(name)
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise KeyFileError(name, problem) from error
    if "${" in str(path):
        raise KeyFileError(name, "ssh takes ${ in a file's name for a variable")
    return path


def _algorithm_settings(driver: str, algorithms: Algorithms | None) -> dict[str, str]:
    if algorithms is None:
        return {}
    kinds = {
        "KexAlgorithms": algorithms.kex,
        "HostKeyAlgorithms": algorithms.host_keys,
        "Ciphers": algorithms.ciphers,
        "MACs": algorithms.macs,
    }
    for names in kinds.values():
        for name in names:
            if not name or name[0] in "+-^" or set(name) & set("*?!,\"' "):
                raise UnsupportedOption(driver, "algorithms", f"{name!r} is no algorithm's name")
    return {kind: ",".join(names) for kind, names in kinds.items() if names}


def _expanded(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _quoted(path: str) -> str:
    return _word(str(_expanded(path)))


def _word(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
