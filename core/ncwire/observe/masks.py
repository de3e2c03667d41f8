"""What of a message is not shown: secrets, by where they stand and by what they look like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from ncwire.errors import OptionError
from ncwire.observe.markup import Markup, NotWellFormedError, markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN: Final = "***"
"""What stands in a secret's place."""

# Names are compared in lower case, without "-", "_" and ".": encrypted-password, userPassword.
_SECRET_NAME: Final = re.compile(
    r"passw|passphrase|secret|communit|credential|cleartext|ciphertext|privatekey|symmetrickey"
    r"|presharedkey|keystring|keystr$|keydata|keychain|token|encryptedvalue"
    r"|pwd|^psk|psk$|^pin$|key$|keyvalue$|^hash$|authpass|privpass"
    r"|(?:auth|priv)[a-z]*(?:phrase|string|data|code|text)$|^md5|^sha\d*$|^commacess$|^cipher$|^passcode"
)
"""Elements and attributes whose content is a secret, or has one in it.

ietf-system (RFC 7317: password), ietf-snmp (RFC 7407: community, key), ietf-crypto-types (RFC
9640: cleartext-private-key, cleartext-password, encrypted-value), openconfig-system
(password-hashed, secret-key, auth-key), Junos (encrypted-password, authentication-key,
pre-shared-key, community, secret), IOS-XE and IOS-XR (secret, key, key-string, community,
password), NX-OS (pwd, key, commAcess), SR OS (password, authentication-key, community), Huawei
(password, cipher, authPassword, communityName). What means a secret in no name of these modules
is masked all the same where it has such a name, as the community of BGP is.
"""
_PUBLIC_NAME: Final = re.compile(r"publickey$|hostkey$|sendcommunity|keychainname$|certificate$")
_SEPARATORS: Final = str.maketrans("", "", "-_.")

_QUOTE = r"""(?:\\?["']|&quot;|&apos;|&#34;|&#39;)"""
_WORDS = (
    r"(?:[\w.-]*(?:password|passwd|passphrase|secret|community|pre-?shared-?key|private-?key"
    r"|authentication-?key|auth-?key|key-?string|credential|api-?key|token)[\w.-]*|pwd|psk)"
)
_RULES: Final = (
    # A private key, to its end, or to the text's where it was cut off.
    (
        ("private key",),
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
    ),
    # crypt(5), and Junos' and Cisco's own alike: $1$ $5$ $6$ $8$ $9$ $14$ $2b$ $y$ $sha512$.
    (
        ("$",),
        r"\$(?:\d{1,2}[a-z]?|y|gy|sha\d+|pbkdf2[\w-]*|scrypt|argon2\w*)\$[^\s\"'<>;&]+",
    ),
    # A URL's password.
    (("@",), r"(?<=://)[^\s/@:<>]+:[^\s/@<>]+(?=@)"),
    # CLI, JSON and XPath within text: all that follows such a word on its line.
    (
        (
            *("passw", "passphrase", "secret", "community", "shared", "private", "auth"),
            *("string", "credential", "key", "token", "pwd", "psk"),
        ),
        rf"(?i:(?<![\w.-]){_WORDS}(?:{_QUOTE}|[ \t]*[:=]|[ \t]))[^\n]+",
    ),
    (
        ("key",),
        (
            r"(?i:\bkey[ \t]+(?:[05-9]|encrypted|hidden|cipher|plain|clear)[ \t]+)[^\n]+"
            r"|(?i:\b(?:server|host|radius|tacacs)\b[^\n]{0,200}?\bkey[ \t]+)[^\n]+"
        ),
    ),
    (
        ("md5", "sha", "hmac", "auth", "priv", "aes", "des"),
        (
            r"(?i:\b(?:md5|sha\d*|hmac-[\w-]+|auth|priv|aes|aes-?\d+|des)[ \t]+)"
            r"(?=[^\n]{0,200}\d)\S{6,}"
        ),
    ),
)
"""What is a secret wherever it stands in text: regular expressions, which find all of it, and in
lower case what must be in the text for one to find anything. To look for that first takes a
hundredth of the time."""

_CODED: Final = re.compile(r"&#|<!\[CDATA\[|<!--")


@dataclass(frozen=True, slots=True)
class Masks:
    """What is hidden in messages that are shown.

    The content of an element is hidden, with all that is in it, where its local name is that of a
    secret on devices (whatever its namespace, and whatever stands around it), or where a path of
    `paths` leads to it: local names, or `{namespace}local`, from any element down, with slashes
    between: "snmp/user/name". So are attributes with such a name. In all other text what
    `patterns` find is hidden, besides ncwire's own: crypt(5) and vendors' hashes, private keys in
    PEM, and what follows a word like "password" or "community" on its line, as in a configuration
    as CLI text.

    `shown` are local names that are never hidden for their name, such as "community" where no
    device has SNMP, or "key".

    Raises `OptionError` for a pattern that is none.
    """

    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    _rules: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = field(
        init=False, repr=False, compare=False
    )
    _ways: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    _known: dict[str, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = []
        for triggers, pattern in (*_RULES, *(((), each) for each in self.patterns)):
            try:
                rules.append((triggers, re.compile(pattern, re.DOTALL)))
            except (re.error, TypeError) as error:
                raise OptionError("patterns", f"{pattern!r} is no regular expression") from error
        object.__setattr__(self, "_rules", tuple(rules))
        object.__setattr__(self, "_ways", tuple(map(_way, self.paths)))
        object.__setattr__(self, "_known", dict.fromkeys(self.shown, False))

    def text(self, text: str) -> str:
        """Return text that is no XML, such as an error's, with what patterns find hidden."""
        lower = text.lower()
        for triggers, pattern in self._rules:
            if not triggers or any(each in lower for each in triggers):
                text = pattern.sub(HIDDEN, text)
        return text

    def document(self, body: bytes | str, limit: int | None = None) -> str | None:
        """Return a message with its secrets hidden, and all else as it is.

        With a `limit` no more than so many characters are made, and what follows is not read.
        None for what is no well-formed XML in UTF-8 as far as that was looked at, or has a
        DOCTYPE: where a secret begins and ends in it is not known.
        """
        try:
            text = body if isinstance(body, str) else body.decode()
            if not (self.paths or self.patterns) and _has_nothing_to_hide(text):
                return text if limit is None else text[:limit]
            return "".join(_cut(self._pieces(markup(text)), limit))
        except (NotWellFormedError, UnicodeDecodeError):
            return None

    def _pieces(self, marks: Iterable[Markup]) -> Iterator[str]:
        hidden_below = 0  # how deep the element lies in which everything is hidden; 0: none
        ways = self._ways
        for mark in marks:
            if hidden_below:
                if mark.kind == "end" and len(mark.path) < hidden_below:
                    hidden_below = 0
                    yield mark.text
                continue
            if mark.kind == "text":
                yield self._masked_run(mark.text, mark.path)
            elif mark.kind == "start":
                yield self._masked_attributes(mark)
                local = mark.path[-1].rpartition("}")[2]
                if not mark.empty and (
                    self._is_secret(local) or any(_leads(way, mark.path) for way in ways)
                ):
                    hidden_below = len(mark.path)
                    yield HIDDEN
            else:
                yield mark.text

    def _is_secret(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            plain = name.translate(_SEPARATORS).lower()
            known = bool(_SECRET_NAME.search(plain)) and not _PUBLIC_NAME.search(plain)
            if len(self._known) < _KEPT:
                self._known[name] = known
        return known

    def _masked_run(self, run: str, path: tuple[str, ...] = ()) -> str:
        if not self.patterns and _WITHOUT_SECRETS.fullmatch(run):
            return run
        # Names of modules and features have such words in them, and no secrets.
        if path and path[-1].endswith("capability"):
            return run
        masked = self.text(run)
        if not _CODED.search(run):
            return masked
        # What is written in another way may be a secret only when it is read; and where something
        # was hidden, a "]]>" may have gone with it.
        read = _read(run)
        return run if masked == run and self.text(read) == read else HIDDEN

    def _masked_attributes(self, mark: Markup) -> str:
        if not mark.attributes:
            return mark.text
        text = mark.text
        for name, start, end in reversed(mark.attributes):
            if name == "xmlns" or name.startswith("xmlns:"):
                continue
            value = text[start:end]
            secret = bool(value) and self._is_secret(name.rpartition(":")[2])
            masked = HIDDEN if secret else self._masked_run(value)
            if masked != value:
                text = text[:start] + masked + text[end:]
        return text


_KEPT: Final = 4096
_WITHOUT_SECRETS: Final = re.compile(r"\s*[\w./,+()-]*\s*")
"""Text in which no rule finds anything: each needs another character, or two words."""

_HINTS: Final = (
    # What a name is like that `_SECRET_NAME` finds, and what `_RULES` look for; shortest forms.
    *("pass", "secret", "communit", "credential", "cleartext", "cipher", "key", "token"),
    *("encrypted", "pwd", "psk", "pin", "hash", "phrase", "commacess", "auth", "priv", "md5"),
    *("sha", "string", "$", "@", "des ", "des\t", "aes", "hmac", "<!", "&#"),
)


def _has_nothing_to_hide(text: str) -> bool:
    """Return whether a document is well-formed, and nothing in it begins as any secret does.

    Most replies have nothing, and to know that takes a thirtieth of the time of looking at each
    of their elements.
    """
    # Names are compared without these. It is quicker so than by `translate`.
    plain = text.lower().replace("-", "").replace("_", "").replace(".", "")
    if any(hint in plain for hint in _HINTS):
        return False
    try:
        # No "<!" is in it, and so no DOCTYPE, with which a parser could be made to do harm.
        expat.ParserCreate().Parse(text.encode(), True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _way(path: str) -> tuple[str, ...]:
    # A namespace has slashes of its own.
    parts = re.findall(r"(?:\{[^}]*\})?[^/{}]+", path)
    if not parts:
        raise OptionError("paths", f"{path!r} names no element")
    return tuple(parts)


def _leads(way: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if len(way) > len(path):
        return False
    return all(
        each == name or each == name.rpartition("}")[2]
        for each, name in zip(reversed(way), reversed(path), strict=False)
    )


def _cut(pieces: Iterator[str], limit: int | None) -> Iterator[str]:
    left = limit
    for piece in pieces:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= len(piece)
        if left < 0:
            return


def _read(run: str) -> str:
    """Return a run of text as a parser reads it: comments left out, CDATA and references read."""
    run = re.sub(r"<!--.*?-->", "", run, flags=re.DOTALL)
    parts = re.split(r"<!\[CDATA\[(.*?)\]\]>", run, flags=re.DOTALL)
    return "".join(part if index % 2 else _unescaped(part) for index, part in enumerate(parts))


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("#"):
            number = int(f"0{name[1:]}", 16) if name[1:2] == "x" else int(name[1:])
            return chr(number) if number < _CHARACTERS else ""
        return _NAMED.get(name, "")

    return re.sub(r"&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|\w+);", character, text)


_CHARACTERS: Final = 0x110000
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
