"""No secret gets past the masks by how it is written, and no body takes them long."""

from __future__ import annotations

import pytest

from ncwire.observe import Masks

SECRET = "Zq8Marked9Val"
MASKS = Masks()

TEXTS = {
    "xr snmp user": "snmp-server user u g v3 auth md5 encrypted {} priv aes 128 encrypted {}",
    "nexus snmp user": "snmp-server user a auth sha-256 {} priv aes-128 {} localizedkey",
    "snmp host": "snmp-server host 10.0.0.1 version 2c {}",
    "isakmp": "crypto isakmp key {} address 1.2.3.4",
    "ospf": " ip ospf message-digest-key 1 md5 7 {}",
    "radius server": "radius server R\n address ipv4 1.1.1.1\n key {}",
    "hsrp": " standby 1 authentication {}",
    "vrrp": " vrrp 1 authentication text {}",
    "bfd": "bfd authentication simple 1 {}",
    "key-id": "authentication key-id 5 sha1 encrypted {}",
    "wpa": " wpa-psk ascii 0 {}",
    "huawei ospf": " ospf authentication-mode md5 1 cipher {}",
    "huawei isis": " isis authentication-mode simple cipher {}",
    "huawei's own": " set x %^%#{}%^%#",
    "huawei snmp": "snmp-agent target-host trap params securityname {}",
    "sr os": 'privacy-key "{}"',
    "fortinet": "set x ENC {}",
    "ssh2": "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{}\n---- END SSH2 ----",
    "json over two lines": '{{"password":\n  "{}"}}',
    "a list in json": '{{"secrets": [\n  "a",\n  "{}"]}}',
    "json's key": '{{"key": "{}"}}',
    "xpath's key": "/a:x/b[a:key='{}']",
    "a url with a slash": "ftp://admin:ab/{}@r1/",
    "a no-break space": "password\u00a0{}",
    "the next line": "password\r\n {}",
    "xml in cdata": "<![CDATA[<user><password>{}</password></user>]]>",
    "a key in cdata": '<![CDATA[<t:key xmlns:t="urn:t">{}</t:key>]]>',
    "xml that is escaped": "&lt;password&gt;{}&lt;/password&gt;",
    "a key that is escaped": "&lt;key&gt;{}&lt;/key&gt;",
    "xml that is escaped twice": "&amp;lt;key&amp;gt;{}&amp;lt;/key&amp;gt;",
    "a reference with zeros": "&#0000000000112;assword {}",
    "a comment's mark in cdata": "<![CDATA[<!--]]>pass<![CDATA[word {}-->]]>",
    "an instruction in the middle": "pass<?x?>word {}",
    "an instruction": "<?config password {}?>",
    "xml in a comment": "<!-- <key>{}</key> -->",
}
ELEMENTS = {
    "nhrp": "<nhrp><authentication>{}</authentication></nhrp>",
    "hsrp": "<authentication><word>{}</word></authentication>",
    "macsec": "<mka><cak>{}</cak></mka>",
    "octets": "<key-octet-string>{}</key-octet-string>",
    "numbered": "<wep><key-1>{}</key-1></wep>",
    "the text of a key": "<key-hex-string>{}</key-hex-string>",
    "ipsec": "<local-shared>{}</local-shared>",
    "text": "<ascii-text>{}</ascii-text>",
    "plain": "<plain-text>{}</plain-text>",
    "snmp's security name": "<host><securityName>{}</securityName></host>",
    "pass": "<userPass>{}</userPass>",
}
XML = f"<r><user><password>{SECRET}</password></user></r>"


def in_a_reply(inner):
    return f"<rpc-reply><data><before/>{inner}<after>shown</after></data></rpc-reply>"


@pytest.mark.parametrize("kind", TEXTS)
def test_a_secret_in_text_is_hidden_however_it_is_written(kind):
    shown = MASKS.document(in_a_reply(f"<x>{TEXTS[kind].format(SECRET, SECRET)}</x>"))
    assert SECRET not in shown
    assert shown.endswith("<after>shown</after></data></rpc-reply>")


@pytest.mark.parametrize("kind", TEXTS)
def test_and_where_an_error_quotes_it(kind):
    assert SECRET not in MASKS.text(f"it said: {TEXTS[kind].format(SECRET, SECRET)}") or (
        # These are no XML there, and so they are no words.
        kind in {"a comment's mark in cdata", "an instruction in the middle"}
    )


@pytest.mark.parametrize("make", ELEMENTS)
def test_an_element_of_a_secret_is_hidden(make):
    shown = MASKS.document(in_a_reply(ELEMENTS[make].format(SECRET)))
    assert SECRET not in shown
    assert shown.endswith("<after>shown</after></data></rpc-reply>")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32-le"])
def test_what_is_in_another_encoding_is_not_shown(encoding):
    assert MASKS.document(XML.encode(encoding)) is None


def test_an_errors_text_is_cut_at_the_tag_of_a_secret():
    text = f"hello: the message is not UTF-8: b'<key>{SECRET}</key>'"
    assert MASKS.text(text) == "hello: the message is not UTF-8: b'<key>***"


def test_errors_that_are_no_secrets_are_shown():
    text = (
        "host key of r1.example.net is not known (SHA256:abc); authentication failed: "
        "no method is left, tried publickey"
    )
    assert MASKS.text(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "<x><![CDATA[interface a\n enable secret 5 abc\nend]]></x>",
            "<x><![CDATA[interface a\n enable ***\nend]]></x>",
        ),
        ("<x>a &lt; b\nkey 7 abc\nend</x>", "<x>a &lt; b\n***\nend</x>"),
        ("<x>a &quot;b&quot; &amp; c, the key</x>", "<x>a &quot;b&quot; &amp; c, the key</x>"),
    ],
)
def test_what_is_around_a_secret_is_shown(written, shown):
    assert MASKS.document(written) == shown


def test_a_pattern_of_ones_own_counts_in_a_capability_too():
    hello = "<hello><capability>urn:x:AC-1?features=password</capability></hello>"
    shown = Masks(patterns=(r"AC-\d",)).document(hello)
    assert shown == hello.replace("AC-1", "***")


def test_a_namespace_ends_with_its_element():
    masks = Masks(paths=("{urn:a}x",))
    text = (
        '<r><n:b xmlns:n="urn:a"><n:x>n1</n:x></n:b><n:b xmlns:n="urn:b"><n:x>n2</n:x></n:b></r>'
    )
    assert masks.document(text) == text.replace("n1", "***")


SIZE = 1_000_000
# What takes a time that grows as the square of the size took hours of this size.
HOSTILE = {
    "blanks": f"<r>key{' ' * SIZE}!</r>",
    "words": f"<r>x {'password' * (SIZE // 8)}</r>",
    "words in a line": f"<r>{'cipher ' * (SIZE // 7)}</r>",
    "private keys": f"<r>-----BEGIN {'PRIVATE KEY' * (SIZE // 11)}</r>",
    "comments' marks in cdata": f"<r>password x<![CDATA[{'<!--' * (SIZE // 4)}]]></r>",
    "comments' marks in cdata before the root": f"<![CDATA[{'<!--' * (SIZE // 4)}]]><r>pwd</r>",
    "depth": f"<r>pwd x{'<a>' * (SIZE // 7)}{'</a>' * (SIZE // 7)}</r>",
    "depth with namespaces": "<r>pwd x"
    + "".join(f'<a xmlns:p{i}="u">' for i in range(SIZE // 25))
    + "</a>" * (SIZE // 25)
    + "</r>",
    "attributes": "<r " + " ".join(f'a{i}="password x"' for i in range(SIZE // 20)) + "/>",
    "urls": f"<r>@{'://a:b' * (SIZE // 6)}</r>",
    "references": f"<r>pwd {'&amp;' * (SIZE // 5)}</r>",
    "references of references": f"<r>pwd &{'amp;' * (SIZE // 4)}</r>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_body_that_is_made_to_take_long_does_not(kind):
    MASKS.document(HOSTILE[kind])
    MASKS.document(HOSTILE[kind], 2000)


def test_with_a_limit_a_large_document_is_not_read_to_its_end():
    # After the limit it is no XML, and so it would be None if that were looked at.
    text = f"<r><password>{SECRET}</password><x>{'ä' * 100_000}</x><broken"
    for body in (text, text.encode()):
        shown = MASKS.document(body, 2000)
        assert shown is not None
        assert len(shown) == 2000
        assert SECRET not in shown


@pytest.mark.parametrize(("begin", "end"), [("<!--", "-->"), ("<![CDATA[", "]]>")])
def test_with_a_limit_what_is_long_is_shown_to_it(begin, end):
    lines = "password a\n" + "mtu 1500\n" * 100_000
    shown = MASKS.document(f"<r><x>1</x><y>{begin}mtu 1500\n{lines}{end}</y></r>", 2000)
    assert shown.startswith("<r><x>1</x><y>")
    assert "password a" not in shown
    plain = MASKS.document(f"<r><y>{begin}{lines[11:]}{end}</y></r>", 2000)
    assert plain.endswith("mtu 1500\n" * 3 + "mtu 1500"[: len(plain) - plain.rfind("\n") - 1])
