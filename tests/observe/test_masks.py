"""No secret of a device's is shown: by the name of its element, by a path, or by what it is."""

from __future__ import annotations

import pytest

from ncwire.errors import OptionError
from ncwire.observe import Masks

SECRET = "Xy7MarkedSecret9"
MASKS = Masks()

ELEMENTS = {
    "ietf-system": "<user><name>a</name><password>{}</password></user>",
    "ietf-snmp": "<community><index>1</index><text-name>{}</text-name></community>",
    "ietf-keystore": "<asymmetric-key><cleartext-private-key>{}</cleartext-private-key>"
    "</asymmetric-key>",
    "ietf-key-chain": "<key-string><keystring>{}</keystring></key-string>",
    "openconfig": "<config><password-hashed>{}</password-hashed></config>",
    "openconfig tacacs": "<tacacs><config><secret-key>{}</secret-key></config></tacacs>",
    "openconfig bgp": "<neighbor><config><auth-password>{}</auth-password></config></neighbor>",
    "junos": "<authentication><encrypted-password>{}</encrypted-password></authentication>",
    "junos ike": "<pre-shared-key><ascii-text>{}</ascii-text></pre-shared-key>",
    "junos bgp": "<group><authentication-key>{}</authentication-key></group>",
    "junos snmp": "<snmp><community><name>{}</name></community></snmp>",
    "ios-xe": "<enable><secret><type>9</type><secret>{}</secret></secret></enable>",
    "ios-xe tacacs": "<tacacs><server><key><key>{}</key></key></server></tacacs>",
    "ios-xe snmp": "<snmp-server><community-config><name>{}</name></community-config>"
    "</snmp-server>",
    "ios-xr": '<secret xmlns="urn:xr"><type>5</type><value>{}</value></secret>',
    "ios-xr snmp": "<default-community><community-name>{}</community-name></default-community>",
    "nexus": "<userext-items><User-list><pwd>{}</pwd></User-list></userext-items>",
    "nexus snmp": "<commsecp-items><commAcess>{}</commAcess></commsecp-items>",
    "nexus snmp user": "<User-list><authpwd>{}</authpwd><privpwd>x</privpwd></User-list>",
    "nexus tacacs": "<TacacsPlusProvider-list><key>{}</key></TacacsPlusProvider-list>",
    "sros": "<local-user><user><password>{}</password></user></local-user>",
    "sros ospf": "<message-digest-key><md5>{}</md5></message-digest-key>",
    "huawei": "<lam-user><password>{}</password></lam-user>",
    "huawei snmp": "<communitys><community><communityName>{}</communityName></community>"
    "</communitys>",
    "huawei vrrp": "<vrrpGroup><authenticationCode>{}</authenticationCode></vrrpGroup>",
    "a digest": "<authentication><md5>{}</md5></authentication>",
    "huawei radius": "<rdsServerPara><sharedKey>{}</sharedKey></rdsServerPara>",
    "a prefix": '<s:user xmlns:s="urn:x"><s:password>{}</s:password></s:user>',
    "an attribute": '<snmp community="{}"/>',
    "cdata": "<password><![CDATA[{}]]></password>",
}
TEXTS = {
    "a shadow hash": "root:$6$abc${}/x:19000",
    "junos type 9": 'set x "$9${}"',
    "bcrypt": "$2b$12${}",
    "cisco cli": "username admin privilege 15 password 7 {}",
    "cisco secret": "enable secret {}",
    "snmp cli": "snmp-server community {} RO",
    "ntp": "ntp authentication-key 1 md5 {} 7",
    "key 7": " key 7 {}",
    "tacacs": "tacacs-server host 10.0.0.1 key {}",
    "json": '{{"password" : "{}"}}',
    "json in xml": "{{&quot;secret&quot;:&quot;{}&quot;}}",
    "json escaped": '{{\\"password\\":\\"{}\\"}}',
    "junos text": 'encrypted-password "{}"; ## SECRET-DATA',
    "a url": "https://admin:{}@r1/",
    "pem": "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----",
    "pem cut off": "-----BEGIN PRIVATE KEY-----\n{}",
    "two lines": "hostname r1\nusername x secret 0 {}\n",
    "xpath": "/user[password='{}']",
    "cdata in the middle": "pass<![CDATA[word 7 {}]]>",
    "a comment in the middle": "pass<!-- -->word {}",
    "character references": "&#112;assword {}",
    "hexadecimal references": "&#x70;assword {}",
    "in a comment": "<!-- password {} -->",
}


def document(inner):
    return (
        f'<rpc-reply message-id="1"><data><before/>{inner}<after>shown</after></data></rpc-reply>'
    )


@pytest.mark.parametrize("make", ELEMENTS)
def test_an_element_of_a_secrets_name_is_hidden(make):
    text = MASKS.document(document(ELEMENTS[make].format(SECRET)))
    assert SECRET not in text
    assert text.endswith("<after>shown</after></data></rpc-reply>")


@pytest.mark.parametrize("kind", TEXTS)
def test_what_looks_like_a_secret_is_hidden_in_text(kind):
    text = MASKS.document(document(f"<config-text>{TEXTS[kind].format(SECRET)}</config-text>"))
    assert SECRET not in text
    assert text.endswith("<after>shown</after></data></rpc-reply>")


@pytest.mark.parametrize("kind", TEXTS)
def test_and_in_an_errors_text(kind):
    if "<" not in TEXTS[kind] and "&#" not in TEXTS[kind]:
        assert SECRET not in MASKS.text(TEXTS[kind].format(SECRET))


@pytest.mark.parametrize(
    "broken",
    [
        "<rpc-reply><password>{}",
        "<rpc-reply><password>{}</pass></rpc-reply>",
        "<rpc-reply><a>{}</b></rpc-reply>",
        "<rpc-reply>a < b {}</rpc-reply>",
        "<!DOCTYPE x [<!ENTITY e '{}'>]><x>&e;</x>",
        "<x/><y>{}</y>",
        "<x/>{}",
        "{}",
        "<x><![CDATA[{}</x>",
        "<x><!-- {} </x>",
        "<x a='{}></x>",
        "",
    ],
)
def test_what_is_not_well_formed_is_not_shown(broken):
    assert MASKS.document(broken.format(SECRET)) is None


def test_what_is_not_utf_8_is_not_shown():
    assert MASKS.document(b"<x>\xff</x>") is None


def test_all_else_stays_as_it_is():
    text = (
        '\ufeff<?xml version="1.0"?>\n<!-- c --><n:r xmlns:n="urn:x"  a = \'1\'>\n <b/>&amp;'
        '<public-key>AAAA</public-key><host-key>B</host-key><c d="e>f"></c ></n:r>\n'
    )
    assert MASKS.document(text) == text
    assert MASKS.document(text.encode()) == text


def test_the_names_of_modules_in_a_hello_are_shown():
    hello = (
        "<hello><capabilities><capability>http://x/password?module=x-secret&amp;"
        "features=password,community-name</capability><capability>urn:x:password:1</capability>"
        "</capabilities></hello>"
    )
    assert MASKS.document(hello) == hello


def test_a_path_hides_what_it_leads_to():
    masks = Masks(paths=("snmp/user/name", "{urn:a/b}top/x"))
    text = (
        "<r><snmp><user><name>n1</name></user></snmp><name>n2</name>"
        '<top xmlns="urn:a/b"><x>n3</x></top><top><x>n4</x></top></r>'
    )
    shown = masks.document(text)
    assert "n1" not in shown
    assert "n3" not in shown
    assert "n2" in shown
    assert "n4" in shown


def test_a_pattern_of_ones_own_hides_what_it_finds():
    assert Masks(patterns=(r"AC-\d+",)).document("<a>x AC-123 y</a>") == "<a>x *** y</a>"


def test_a_name_can_be_shown():
    text = "<policy><community>65000:1</community></policy>"
    assert Masks(shown=("community",)).document(text) == text


@pytest.mark.parametrize("wrong", [{"patterns": ("(",)}, {"patterns": (1,)}, {"paths": ("/",)}])
def test_what_is_no_mask_is_refused(wrong):
    with pytest.raises(OptionError):
        Masks(**wrong)


def test_a_limit_cuts_after_the_hiding():
    text = MASKS.document(f"<a><password>{SECRET}</password><b>{'x' * 1000}</b><broken", 100)
    assert len(text) == 100
    assert SECRET[:4] not in text


@pytest.mark.parametrize("document", [*ELEMENTS.values(), *TEXTS.values()])
def test_what_has_a_secret_is_never_taken_for_what_has_none(document):
    # It has no word of a secret's in it: so nothing tells but what is around it.
    value = "Xy7Marked9"
    shown = MASKS.document(f"<r><x>{document.format(value)}</x></r>")
    assert shown is not None
    assert value not in shown


def test_what_has_nothing_to_hide_must_be_well_formed_all_the_same():
    assert MASKS.document("<r><mtu>1500</mtu></r>", 10) == "<r><mtu>15"
    assert MASKS.document("<r><mtu>1500</mtu></r") is None
    assert MASKS.document("<r><mtu>1500</mt></r>") is None
