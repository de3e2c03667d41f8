"""The TLS context of one connection, made of the driver's options."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ncwire.errors import OptionError
from ncwire_tls.stream import raise_others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import ConnectOptions

_PIN: Final = re.compile(r"(?:[0-9A-F]{2}:?){31}[0-9A-F]{2}", re.ASCII)
_PREFIX: Final = re.compile(r"SHA-?256:", re.IGNORECASE)
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+", re.ASCII)
"""The name of a certificate in a folder (openssl-rehash(1))."""
_CERTIFICATE: Final = b"CERTIFICATE-----"
_PRIVATE_KEY: Final = b"PRIVATE KEY-----"
_OPENSSH_KEY: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
VERSIONS: Final = tuple(_VERSIONS)
_IN_THE_CONTEXT: Final = ("certfile", "keyfile", "passphrase", "ca_certs", "crl", "ciphers")
_NO_VERIFICATION: Final = (
    "False is for a chain that is verified, or a certificate that is pinned: give ca_certs or "
    "fingerprint"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a connection is made: the context, what the server is called, and its pins.

    `pins` are SHA-256 of certificates, of which the server's must be one, if there are any.
    """

    context: ssl.SSLContext
    server_hostname: str | None
    pins: frozenset[str]
    own_context: bool
    """Whether the context was made here, and is for one connection alone."""


def terms(options: ConnectOptions) -> Terms:
    """Return how to connect by these options.

    Raises `OptionError`, which names the option; nothing secret is in its text.
    """
    given = options.driver_options
    pins = frozenset(_pin(each) for each in _texts(given, "fingerprint"))
    name = _name(given.get("server_hostname") or options.host)
    theirs = given.get("ssl_context")
    if theirs is None:
        context = _made(given, pinned=bool(pins))
    else:
        context = _checked(theirs, given, pinned=bool(pins))
    if context.check_hostname and not name:
        raise _error(
            "server_hostname", "needed where there is no host: the certificate must be for it"
        )
    _check_name(context, name)
    return Terms(context, name or None, pins, theirs is None)


def _made(given: Mapping[str, Any], *, pinned: bool) -> ssl.SSLContext:
    authorities, checks_name = given.get("ca_certs"), given.get("check_hostname", True)
    if not checks_name and not authorities and not pinned:
        raise _error("check_hostname", _NO_VERIFICATION)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[given.get("minimum_version") or "TLSv1.2"]
    _present(context, given)
    # A pin names the certificate itself, so that its name and its authority decide nothing more.
    verifies_chain = bool(authorities) or not pinned
    context.check_hostname = checks_name and verifies_chain
    # A subject's CN is no name of a server's (RFC 9525 section 6.3).
    context.hostname_checks_common_name = False
    context.verify_mode = ssl.CERT_REQUIRED if verifies_chain else ssl.CERT_NONE
    if authorities:
        _load_authorities(context, authorities)
    elif verifies_chain:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if given.get("crl"):
        _load_crl(context, given["crl"], verifies_chain=verifies_chain)
    if given.get("ciphers") is not None:
        _choose_ciphers(context, given["ciphers"])
    return context


def _present(context: ssl.SSLContext, given: Mapping[str, Any]) -> None:
    certificate, key = given.get("certfile"), given.get("keyfile")
    if not certificate:
        raise _error(
            "certfile",
            "needed: over TLS the client has a certificate, too (RFC 7589 section 5); give it as "
            "certfile, and its key as keyfile, or both in an ssl_context",
        )
    for option, path in (("certfile", certificate), ("keyfile", key)):
        if path:
            _check_readable(option, path)

    def passphrase() -> str:
        # Without a function OpenSSL asks on the terminal.
        if given.get("passphrase") is None:
            raise _error("passphrase", f"needed: the key in {key or certificate} is encrypted")
        return str(given["passphrase"])

    try:
        context.load_cert_chain(certificate, key, passphrase)
    except OSError as error:  # of ssl, too, which may have no more than an errno
        raise_others(error)
        _raise_for_key(error, certificate, key, has_passphrase=given.get("passphrase") is not None)
    except OptionError:
        raise
    except UnicodeError:
        # Not even as its cause: that has the passphrase.
        raise _error("passphrase", "is no text that UTF-8 has") from None
    except ValueError as error:  # ssl's own: a passphrase of more than 1024 bytes
        raise _error("passphrase", "is longer than OpenSSL takes") from error


def _raise_for_key(
    error: OSError, certificate: str, key: str | None, *, has_passphrase: bool
) -> NoReturn:
    reason = getattr(error, "reason", None) or ""
    holder = key or certificate
    if "MISMATCH" in reason:
        raise _error(
            "keyfile",
            f"the key in {holder} is not {certificate}'s, whose first certificate is the client's "
            "own",
        ) from error
    _check_for(_CERTIFICATE, "certfile", certificate, "no certificate in PEM")
    _check_for(_PRIVATE_KEY, "keyfile", holder, "no private key in PEM", is_given=bool(key))
    if _OPENSSH_KEY in _again(holder):
        raise _error("keyfile", f"{holder} is a key of OpenSSH's, which TLS does not take")
    if has_passphrase and reason in {"BAD_DECRYPT", "PEM_LIB", "BAD_PASSWORD_READ", ""}:
        raise _error("passphrase", f"does not open the key in {holder}") from error
    where = f"{certificate} and {key} have" if key else f"{certificate} has"
    remedy = "" if key else "; a key in a file of its own is given as keyfile"
    problem = f"{where} no certificate and key in PEM that can be used{_why(error)}{remedy}"
    raise _error("certfile", problem) from error


def _check_for(
    mark: bytes, option: str, path: str, problem: str, *, is_given: bool = True
) -> None:
    if mark not in (_again(path) or mark):
        raise _error(option, f"{'' if is_given else 'needed: '}{path} has {problem}")


def _again(path: str) -> bytes:
    """Return what OpenSSL has read; nothing where that is gone, as from a pipe."""
    try:
        return Path(path).read_bytes() if Path(path).is_file() else b""
    except OSError:
        return b""


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    _check_readable("ca_certs", path)
    try:
        if Path(path).is_dir():
            # OpenSSL looks for the name alone, and finds nothing without a word.
            if not any(_HASHED.fullmatch(each.name) for each in Path(path).iterdir()):
                raise _error(
                    "ca_certs",
                    f"{path} has no certificate that is named as openssl rehash does it",
                )
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        raise_others(error)
        raise _error("ca_certs", f"{path} has no certificates in PEM{_why(error)}") from error


def _load_crl(context: ssl.SSLContext, path: str, *, verifies_chain: bool) -> None:
    if not verifies_chain:
        raise _error("crl", "means nothing to a pin alone: give ca_certs, too")
    _check_readable("crl", path)
    before = context.cert_store_stats()
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise_others(error)
        raise _error("crl", f"{path} has no revocation list in PEM{_why(error)}") from error
    after = context.cert_store_stats()
    if after["crl"] == before["crl"]:
        raise _error("crl", f"{path} has no revocation list in PEM")
    if after["x509"] != before["x509"]:
        raise _error(
            "crl",
            f"{path} has certificates, too, which would be trusted: have lists alone in it",
        )
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _choose_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError as error:
        raise _error("ciphers", f"{ciphers!r} selects none that OpenSSL has") from error
    for each in context.get_ciphers():
        # Without a certificate of the server's there is nothing to verify (RFC 5246 section A.5).
        if each.get("auth") == "auth-null" or not each.get("strength_bits"):
            raise _error("ciphers", f"{ciphers!r} selects {each['name']}, which protects nothing")


def _checked(context: object, given: Mapping[str, Any], *, pinned: bool) -> ssl.SSLContext:
    if not isinstance(context, ssl.SSLContext):
        raise _error("ssl_context", f"must be an ssl.SSLContext, not {type(context).__name__}")
    for option in _IN_THE_CONTEXT:
        if given.get(option) is not None:
            raise _error(option, "cannot be given together with ssl_context, which has its own")
    if context.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise _error("ssl_context", "is one for servers: make it of ssl.PROTOCOL_TLS_CLIENT")
    if pinned:
        return context
    if context.verify_mode == ssl.CERT_NONE:
        raise _error(
            "ssl_context", "verifies nothing (CERT_NONE), and no certificate is pinned, either"
        )
    if given.get("check_hostname", True) and not context.check_hostname:
        raise _error(
            "ssl_context",
            "does not check the server's name: set its check_hostname, or give "
            "check_hostname=False",
        )
    return context


def _check_name(context: ssl.SSLContext, name: str) -> None:
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name or None)
    except (ValueError, TypeError, ssl.SSLError) as error:  # UnicodeError, too; a null's
        raise _error("server_hostname", f"{name!r} cannot be verified: {error}") from error


def _name(host: object) -> str:
    # Neither a zone (RFC 6874) nor the dot of the root belongs to what a certificate is for.
    text = str(host or "")
    return text.partition("%")[0] if ":" in text else text.removesuffix(".")


def _pin(text: str) -> str:
    pin = _PREFIX.sub("", text.strip()).upper()
    if not _PIN.fullmatch(pin):
        raise _error("fingerprint", f"{text[:100]!r} is no SHA-256 in hexadecimal, of 64 digits")
    digits = pin.replace(":", "")
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _texts(given: Mapping[str, Any], option: str) -> tuple[str, ...]:
    return tuple(given.get(option) or ())


def _check_readable(option: str, path: str) -> None:
    # OpenSSL's own errors name no file.
    try:
        if not Path(path).is_dir():
            with Path(path).open("rb"):
                return
    except OSError as error:
        raise _error(option, f"{path}: {error.strerror}") from error
    if option != "ca_certs":
        raise _error(option, f"{path} is a folder")


def _why(error: OSError) -> str:
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    return f": {reason}" if reason and reason not in {"pem lib", "no start line"} else ""


def _error(option: str, problem: str) -> OptionError:
    return OptionError(f"driver_options.{option}", problem)
