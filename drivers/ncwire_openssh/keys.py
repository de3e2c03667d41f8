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

    One that the user named and that cannot be read is left out; see `left_out`. Raises
    `KeyFileError` where that leaves nothing to log in with.
    """
    unusable = left_out(options)
    lost = {error.path for error in unusable}
    named = [expanded(name) for name in options.key_filename if name not in lost]
    usual = [f"~/.ssh/{name}" for name in _USUAL_KEYS] if options.look_for_keys else []
    found = [expanded(path) for path in options.identity_files or usual]
    found = [path for path in found if _stands_for_a_key(path) and _is_plain(path)]
    if unusable and not (named or found or _has_more(options)):
        raise unusable[0]
    return [quoted(str(path)) for path in dict.fromkeys((*named, *found))]


def left_out(options: ConnectOptions) -> list[KeyFileError]:
    """Return what is wrong with the named key files that cannot be used."""
    unusable = []
    for name in options.key_filename:
        try:
            _check(name)
        except KeyFileError as error:
            unusable.append(error)
    return unusable


def certificates(options: ConnectOptions) -> list[str]:
    """Return the user certificates besides those that ssh finds next to private keys."""
    # Of a key that the agent alone has, the public half is named, and its certificate beside it.
    public = [expanded(name) for name in options.identity_files if name.endswith(".pub")]
    beside = [path.with_name(f"{path.stem}-cert.pub") for path in public]
    return [*options.certificate_files, *(str(path) for path in beside if path.is_file())]


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


def _stands_for_a_key(path: Path) -> bool:
    # The private half may be in the agent alone.
    return path.is_file() or path.with_name(f"{path.name}.pub").is_file()


def _check(name: str) -> None:
    path = expanded(name)
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise KeyFileError(name, "no such file") from error
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise KeyFileError(name, problem) from error
    if not _is_plain(path):
        raise KeyFileError(name, "ssh takes ${ in a file's name for a variable")


def _is_plain(path: Path) -> bool:
    return "${" not in str(path) and "\n" not in str(path)
