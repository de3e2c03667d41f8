"""`Reply.errors`, `warnings`, `ok` and `raise_for_errors`: whatever a device makes of them."""

from __future__ import annotations

import pickle
import re

import pytest

from ncwire import ErrorElement, MessageError, OptionError, Reply, RPCError, SessionError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CAPABILITY = "urn:ietf:params:netconf:base:1.0"
JUNOS = "http://xml.juniper.net/junos/22.1R0/junos"


def reply(body: str, xmlns: str = f' xmlns="{BASE}"') -> Reply:
    raw = f'<rpc-reply{xmlns} message-id="5">{body}</rpc-reply>'
    return Reply(raw, ("rpc-reply", {}), "5")


def error(tag: str = "invalid-value", severity: str = "error", more: str = "") -> str:
    return (
        f"<rpc-error><error-type>application</error-type><error-tag>{tag}</error-tag>"
        f"<error-severity>{severity}</error-severity>{more}</rpc-error>"
    )


WHOLE = error(
    more='<error-app-tag>too-big</error-app-tag><error-path xmlns:t="urn:t">/t:mtu</error-path>'
    '<error-message xml:lang="en"> 90000 is too big\n</error-message><error-info>'
    "<bad-element>mtu</bad-element><session-id>0</session-id></error-info>"
)


def test_every_part_of_an_error_is_told():
    found = reply(WHOLE).errors
    assert found == (
        ErrorElement(
            "application", "invalid-value", "error", "too-big", "/t:mtu", "90000 is too big",
            found[0].info,
        ),
    )  # fmt: skip
    assert re.findall(r"<[\w:]*bad-element>mtu<", found[0].info)
    assert found[0].info.endswith("error-info>")


def test_what_is_left_out_is_empty_or_none():
    assert reply("<rpc-error/>").errors == (ErrorElement("", "", "", None, None, None, None),)


@pytest.mark.parametrize(
    "body",
    [
        "<ok/>",
        "",
        "<data/>",
        "<data><a xmlns='urn:a'>rpc-error</a></data>",
        "<!-- <rpc-error/> -->",
    ],
)
def test_a_reply_without_errors_is_ok(body):
    good = reply(body)
    assert (good.ok, good.errors, good.warnings) == (True, (), ())
    assert good.raise_for_errors() is good


@pytest.mark.parametrize(
    ("body", "xmlns"),
    [
        (error(), f' xmlns="{BASE}"'),
        (error(), ""),
        (error(), f' xmlns="{CAPABILITY}"'),
        (error().replace("<rpc-error>", '<rpc-error xmlns="">'), f' xmlns="{BASE}"'),
        (
            re.sub(r"<(/?)", r"<\1nc:", error()),
            f' xmlns:nc="{BASE}" xmlns:junos="{JUNOS}" xmlns="{JUNOS}"',
        ),
        (
            f"<load-configuration-results>{error()}</load-configuration-results>",
            f' xmlns="{BASE}"',
        ),
        (f"<data><a xmlns='urn:a'/></data>{error()}", f' xmlns="{BASE}"'),
        (f"\n  <!-- c -->\n{error()}\n", f' xmlns="{BASE}"'),
        (f"<ok/>{error()}", f' xmlns="{BASE}"'),
    ],
    ids=["base", "none", "capability", "undeclared", "prefix", "nested", "data", "space", "ok"],
)
def test_an_error_is_found_however_it_is_written(body, xmlns):
    found = reply(body, xmlns)
    assert not found.ok
    assert [(each.type, each.tag) for each in found.errors] == [("application", "invalid-value")]


def test_one_of_a_foreign_namespace_is_data():
    assert reply(f"<data><log xmlns='urn:a'>{error()}</log></data>").ok


def test_warnings_are_apart_and_no_failure():
    found = reply(f"<ok/>{error(severity='warning')}{error('x', ' warning ')}")
    assert found.ok
    assert [each.tag for each in found.warnings] == ["invalid-value", "x"]
    assert found.raise_for_errors() is found


@pytest.mark.parametrize("severity", ["", "fatal", "Warning"])
def test_a_severity_that_is_none_is_an_errors(severity):
    assert not reply(error(severity=severity)).ok


def test_several_keep_their_order():
    found = reply(error("a") + error("w", "warning") + error("b"))
    assert [each.tag for each in found.errors] == ["a", "b"]
    with pytest.raises(RPCError) as caught:
        found.raise_for_errors()
    assert caught.value.errors == found.errors
    assert caught.value.warnings == found.warnings
    assert caught.value.tag == "a"


def test_the_error_says_what_which_rpc_and_where_and_no_value():
    with pytest.raises(SessionError) as caught:
        reply(WHOLE).raise_for_errors()
    told = "rpc 5: invalid-value (application), too-big, at /t:mtu: 90000 is too big"
    assert str(caught.value) == told
    assert "bad-element" not in repr(caught.value) + repr(caught.value.errors)
    first = caught.value.errors[0]
    names = ("type", "tag", "severity", "app_tag", "path", "message", "info")
    assert [getattr(caught.value, each) for each in names] == [
        getattr(first, each) for each in names
    ]


def test_a_thousand_errors_make_no_long_text():
    with pytest.raises(RPCError, match=r"; and 997 more$") as caught:
        reply(error() * 1000).raise_for_errors()
    assert len(caught.value.errors) == 1000
    message = f"<error-message>{'x' * 100_000}</error-message>"
    with pytest.raises(RPCError) as caught:
        reply(error(more=message)).raise_for_errors()
    assert len(str(caught.value)) < 1000


def test_what_steers_a_terminal_is_made_visible():
    with pytest.raises(RPCError) as caught:
        reply(error(more="<error-message>a\u202eb\nc</error-message>")).raise_for_errors()
    assert str(caught.value).endswith(r"a\u202eb\x0ac")


def test_it_survives_pickling():
    with pytest.raises(RPCError) as caught:
        reply(WHOLE).raise_for_errors()
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (copied.errors, copied.message_id) == (caught.value.errors, "5")
    assert str(copied) == str(caught.value)


def test_an_element_in_a_message_is_part_of_it():
    found = reply(error(more="<error-message>no <b>such</b> thing</error-message>"))
    assert found.errors[0].message == "no such thing"


def test_a_document_that_is_not_well_formed_is_told_when_it_is_read():
    with pytest.raises(MessageError, match="not well-formed"):
        _ = reply("<rpc-error>").errors


def test_one_that_is_nested_too_deep_is_told_as_that():
    nested = f"<error-info>{'<a>' * 100_000}{'</a>' * 100_000}</error-info>"
    with pytest.raises(MessageError, match="nested too deep"):
        reply(error(more=nested)).raise_for_errors()


# --- rpc(..., check=True) ----------------------------------------------------------------------


def answer(peer, body: str) -> None:
    def play():
        (message_id,) = re.findall(r'message-id="([^"]+)"', peer.receive())
        peer.reply(message_id, body)

    peer.script(play)


def test_an_rpc_that_is_checked_raises_and_the_session_lives(peer, session):
    answer(peer, error("lock-denied"))
    with pytest.raises(RPCError, match="lock-denied"):
        session.rpc("<lock/>", check=True)
    answer(peer, "<ok/>")
    assert session.rpc("<lock/>", check=True).ok
    answer(peer, error("in-use", "warning"))
    assert session.rpc("<lock/>", check=True).warnings[0].tag == "in-use"


def test_one_that_is_not_checked_leaves_it_to_the_caller(peer, session):
    answer(peer, error("lock-denied"))
    assert session.rpc("<lock/>").errors[0].tag == "lock-denied"


def test_a_reply_that_is_not_kept_cannot_be_checked(session):
    with pytest.raises(OptionError, match="check: goes with no sink"):
        session.rpc("<get/>", sink=lambda piece: None, check=True)


def test_the_error_has_the_document_of_the_reply_and_shows_nothing_of_it():
    raw = (
        '<rpc-reply message-id="5"><rpc-error><error-tag>in-use</error-tag>'
        "<source-daemon>s3cret</source-daemon></rpc-error></rpc-reply>"
    )
    with pytest.raises(RPCError) as caught:
        Reply(raw, ("rpc-reply", {}), "5").raise_for_errors()
    assert caught.value.raw == raw
    assert "s3cret" not in f"{caught.value} {caught.value!r}"
    assert pickle.loads(pickle.dumps(caught.value)).raw == raw
    assert RPCError(caught.value.errors).raw is None
