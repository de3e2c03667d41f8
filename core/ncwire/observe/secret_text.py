"""What is a secret wherever it stands in text: by the words before it, and by what it looks like.

Each expression takes a time that grows as the text does, whatever is in it, for a device's text
must not hold up the others of a hub: what is repeated is bounded, possessive, or tried at the
beginning of a word or a line alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN: Final = "***"
"""What stands in a secret's place."""

# Names are compared in lower case, without "-", "_" and ".": encrypted-password, userPassword.
_SECRET_NAME: Final = re.compile(
    r"passw|passphrase|secret|communit|credential|cleartext|ciphertext|plaintext|asciitext"
    r"|privatekey|symmetrickey|presharedkey|localshared|remoteshared|octetstring|keychain|token"
    r"|encryptedvalue|^encrypted$|^hexadecimal$|pwd|psk$|^psk|^pin$|^otp$|^cak$|(?<!by)pass$"
    r"|key\d*$|key(?:value|data|str|string|text|contents?|hex\w*|octets?)$|^keystring|^keydata"
    r"|^hash$|authpass|privpass|^md5|^sha(?:\d|$)|^commacess$|^cipher$|^passcode|^sec(?:urity)?name$"
    r"|(?:auth|priv)[a-z]*(?:phrase|string|data|code|text)$"
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
    r"passw|passphrase|passcode|secret|communit|shared-?key|private-?key|auth-?key"
    r"|authentication-?key|key-?string|key-(?:hex|octet|hash)|credential|api-?key|token|psk"
    r"|pwd(?![\w.-])|localizedkey|securityname|(?<!public)(?<!host)[-_]key(?![\w.-])"
)
# In braces or brackets, to their end; else the line's rest, or the next line where that is empty.
_VALUE = r"(?:\s*+[\[{][^\]}]++|\s*+[^\n]+)"
_RULES: Final = (
    # A private key, to its end, or to the text's where it was cut off.
    (
        ("private key",),
        (
            r"-{4,5} ?BEGIN [^-\n]{0,40}PRIVATE KEY[^-\n]{0,40}-{4,5}"
            r".*?(?:-{4,5} ?END [^-\n]{0,80}-+|\Z)"
        ),
    ),
    # crypt(5), and Junos' and Cisco's own alike: $1$ $5$ $6$ $8$ $9$ $14$ $2b$ $y$ $sha512$.
    (
        ("$",),
        r"\$(?:\d{1,2}[a-z]?|y|gy|sha\d+|pbkdf2[\w-]{0,20}|scrypt|argon2\w{0,4})\$[^\s\"'<>;&]+",
    ),
    # Huawei's.
    (("%^%#", "%$%$", "%@%@", "%#%#", "%+%#"), r"%[\^$@#+]%[#$@]\S+"),
    # A URL's password.
    (("@",), r"(?<=://)[^\s/@:<>]{0,200}+:[^\s@<>]{1,200}+(?=@)"),
    # CLI, JSON, XML and XPath within text: all that follows such a word.
    (
        (
            *("passw", "passphrase", "passcode", "secret", "communit", "key", "credential"),
            *("token", "pwd", "psk", "securityname"),
        ),
        rf"(?i:(?<![\w.-])(?=[\w.-]*?(?:{_WORDS}))[\w.-]++(?:{_QUOTE}?\s*+[:=>]|{_QUOTE}|\s)){_VALUE}",
    ),
    (
        ("key",),
        (
            r"(?i:\bkey[ \t]+(?:[05-9]|encrypted|hidden|cipher|plain|clear)[ \t]+)[^\n]+"
            r"|(?i:\b(?:server|host|radius|tacacs|isakmp)\b(?!\s+key\s+(?:is|of|was)\b)"
            r"[^\n]{0,80}?\bkey[ \t]+)[^\n]+"
            r"|(?im:^[ \t]*+key[ \t]+(?!\d+[ \t]*$|chain\b))[^\n]+"
        ),
    ),
    (
        ("md5", "sha", "hmac", "auth", "priv", "aes", "des"),
        (
            r"(?i:(?<![\w.])(?:md5|sha\d*|sha-\d+|hmac-[\w-]{1,40}|auth|priv|privacy|aes|aes-?\d+"
            r"|3?des)[ \t]+)(?=[^\n]{0,100}\d)[^\n]+"
        ),
    ),
    (
        ("authentication", "cipher", "encrypted", "enc ", "hidden"),
        (
            r"(?im:\bauthentication[ \t]++(?:(?:text|simple|word|key-id|md5)[ \t]+[^\n]+"
            r"|(?!fail)[^\s.,;:]+[ \t]*$))"
            r"|(?i:(?<![\w.])(?:irreversible-cipher|cipher|encrypted|enc|hidden)[ \t]+)"
            r"(?=[^\n]{0,100}\d)[^\n]+"
        ),
    ),
    (("snmp",), r"(?i:\bsnmp-server[ \t]+host[ \t]+)[^\n]+"),
)
"""Regular expressions, which find all of a secret, and in lower case what must be in the text for
one to find anything. To look for that first takes a hundredth of the time."""

WITHOUT_SECRETS: Final = re.compile(r"\s*+[\w./,+()-]*+\s*+")
"""Text in which no rule finds anything: each needs another character, or two words."""

HINTS: Final = (
    # What a name is like that is a secret's, and what the rules look for; shortest forms.
    *("pass", "secret", "communit", "credential", "cleartext", "cipher", "key", "token"),
    *("plaintext", "asciitext", "shared", "octetstring", "hexadecimal", "otp", "cak"),
    *("secname", "securityname", "encrypted", "pwd", "psk", "pin", "hash", "phrase"),
    *("commacess", "auth", "priv", "md5", "sha", "string", "$", "@", "des ", "des\t", "aes"),
    *("hmac", "enc ", "hidden", "snmp", "%", "<!", "&#", "&amp;#"),
)
"""One of these is in each document that has a secret, written without "-", "_" and "."."""

# In text: a tag's name, or a key of JSON or XPath.
_NAMED: Final = re.compile(
    r"<(?:[\w.-]++:)?([\w.-]++)(?:\s[^<>]*+)?>"
    r"|[\"'\[/@](?:[\w.-]++:)?([\w.-]++)[\"']?\s*+[:=](?!:)"
)
_VALUE_OF: Final = re.compile(_VALUE)

Rules = tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

RULES: Final[Rules] = tuple(
    (triggers, re.compile(pattern, re.DOTALL)) for triggers, pattern in _RULES
)


def is_secret_name(name: str) -> bool:
    """Return whether what has this local name is a secret, or has one in it."""
    plain = name.translate(_SEPARATORS).lower()
    return bool(_SECRET_NAME.search(plain)) and not _PUBLIC_NAME.search(plain)


def hidden_by_name(text: str, is_secret: Callable[[str], bool]) -> str:
    """Return text with what is named as a secret in it hidden: in JSON, XPath, and XML in text."""
    pieces: list[str] = []
    at = 0
    for found in _NAMED.finditer(text):
        if found.start() < at or not is_secret(found[1] or found[2]):
            continue
        if found[1]:
            return "".join(pieces) + text[at : found.end()] + HIDDEN
        if value := _VALUE_OF.match(text, found.end()):
            pieces += text[at : found.end()], HIDDEN
            at = value.end()
    return "".join(pieces) + text[at:]
