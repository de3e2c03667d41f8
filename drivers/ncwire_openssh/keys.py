"""The key files to log in with, as words of ssh's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.errors import KeyFileError

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions

_USUAL_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")


def identities(options: ConnectOptions) -> list[str]:
    """Return the key files to try, in order, each as a word of ssh's configuration.

    One that the user named and that cannot be read is left out. Raises `KeyFileError` where that
    leaves nothing to log in with.
    """
    named: list[Path] = []
    unusable: list[KeyFileError] = []
    for name in options.key_filename:
        try:
            named.append(_readable(name))
        except KeyFileError as error:
            unusable.append(error)
    usual = [f"~/.ssh/{name}" for name in _USUAL_KEYS] if options.look_for_keys else []
    found = [expanded(path) for path in options.identity_files or usual]
    found = [path for path in found if path.is_file() and _is_plain(path)]
    if unusable and not (named or found or _has_more(options)):
        raise unusable[0]
    return [quoted(str(path)) for path in dict.fromkeys((*named, *found))]


def expanded(path: str) -> Path:
    """Return a path as ssh is to have it, absolute."""
    return Path(path).expanduser().absolute()


def quoted(path: str) -> str:
    """Return a path as a word of ssh's configuration, in which nothing is expanded any more."""
    return word(str(expanded(path)).replace("%", "%%"))


def word(text: str) -> str:
    """Return a text as one word of ssh's configuration."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _has_more(options: ConnectOptions) -> bool:
    given = options.driver_options
    return bool(
        (options.allow_agent and options.identity_agent is not None)
        or options.password is not None
        or given.get("pkcs11_provider")
        or given.get("gssapi")
    )


def _readable(name: str) -> Path:
    path = expanded(name)
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise KeyFileError(name, problem) from error
    if not _is_plain(path):
        raise KeyFileError(name, "ssh takes ${ in a file's name for a variable")
    return path


def _is_plain(path: Path) -> bool:
    return "${" not in str(path) and "\n" not in str(path)
