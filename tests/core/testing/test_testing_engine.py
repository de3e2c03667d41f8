import pytest

from ncwire.testing.configuration import Configuration
from ncwire.testing.document import parse
from ncwire.testing.netconf_server import CHANGE_NS, NetconfServer
from ncwire.testing.operations import perform
from ncwire.testing.rpc_error import RPCError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>%s</hello>]]>]]>"
)
SUBSCRIBE = f'<create-subscription xmlns="{EVENTS}"/>'

LOCK_RUNNING = "<target><running/></target>"


def edit(content, target="candidate", options=""):
    return (
        f"<edit-config><target><{target}/></target>{options}"
        f"<config>{content}</config></edit-config>"
    )


def get(source):
    return f"<get-config><source><{source}/></source></get-config>"


def on(operation, datastore):
    return f"<{operation}><target><{datastore}/></target></{operation}>"


def tags(elements):
    return [element.tag for element in elements]


# --- hello and framing -------------------------------------------------------------------------


def test_hello_names_versions_capabilities_and_session_id(engine_client):
    server = NetconfServer(base=("1.0",), capabilities=["urn:extra"])
    root = parse(engine_client(server, version="1.0").session.hello()[0].removesuffix(b"]]>]]>"))
    uris = [element.text for element in root.iter(f"{{{BASE}}}capability")]
    assert "urn:ietf:params:netconf:base:1.0" in uris
    assert "urn:ietf:params:netconf:base:1.1" not in uris
    assert "urn:ietf:params:netconf:capability:candidate:1.0" in uris
    assert uris[-1] == "urn:extra"
    assert root.findtext(f"{{{BASE}}}session-id") == "1"


@pytest.mark.parametrize("base", [(), ("2.0",), ("1.0", "1.2")])
def test_unknown_base_is_refused(base):
    with pytest.raises(ValueError, match="base"):
        NetconfServer(base=base)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_both_framings(engine_client, version):
    assert engine_client(version=version).data("<get/>") == []


def test_bytes_one_by_one_and_pipelined(engine_client):
    client = engine_client(version="1.0")
    request = f'<rpc xmlns="{BASE}" message-id="m"><get/></rpc>]]>]]>'.encode() * 2
    answers = b"".join(client.raw(request[i : i + 1]) for i in range(len(request)))
    assert answers.count(b"<data></data></rpc-reply>]]>]]>") == 2


@pytest.mark.parametrize(
    "greeting",
    [
        HELLO % "<session-id>4</session-id>",
        HELLO.replace("base:1.0</cap", "base:1.7</cap") % "",
        f'<rpc xmlns="{BASE}" message-id="1"><get/></rpc>]]>]]>',
        "<hello>]]>]]>",
        "SSH-2.0-no-hello\r\n",
    ],
)
def test_bad_greeting_ends_the_session_without_an_answer(netconf_server, engine_client, greeting):
    link = engine_client()
    session = netconf_server.open_session(link, "admin")
    assert list(session.receive(greeting.encode())) == []
    assert session.closed


def test_broken_framing_ends_the_session(engine_client):
    client = engine_client()
    assert client.raw(b"\n#no-number\n") == b""
    assert client.session.closed


# --- errors of the rpc layer -------------------------------------------------------------------


@pytest.mark.parametrize("document", [b"<rpc", b"<!DOCTYPE rpc><rpc/>", b"<other/>", b"<rpc/>"])
@pytest.mark.parametrize(
    ("version", "tag"), [("1.1", "malformed-message"), ("1.0", "operation-failed")]
)
def test_what_is_no_rpc(engine_client, rpc_error, document, version, tag):
    client = engine_client(version=version)
    assert rpc_error(client.message(document))["tag"] == tag
    assert client.data("<get/>") == []


def test_missing_message_id(engine_client, rpc_error):
    reply = engine_client().message(f'<rpc xmlns="{BASE}" other="1"><get/></rpc>'.encode())
    assert reply.attrib == {"other": "1"}
    error = rpc_error(reply)
    assert (error["type"], error["tag"]) == ("rpc", "missing-attribute")
    assert (error["bad-attribute"], error["bad-element"]) == ("message-id", "rpc")


def test_reply_has_the_attributes_of_the_rpc(engine_client):
    document = f'<rpc xmlns="{BASE}" message-id="&lt;&quot;" xmlns:e="urn:e" e:x="1"><get/></rpc>'
    reply = engine_client().message(document.encode())
    assert reply.attrib == {"message-id": '<"', "{urn:e}x": "1"}


@pytest.mark.parametrize(
    ("operation", "tag"),
    [
        ("", "missing-element"),
        ("<get/><get/>", "unknown-element"),
        ("<reboot/>", "operation-not-supported"),
        ('<get xmlns="urn:other"/>', "operation-not-supported"),
        ("<get-config/>", "missing-element"),
        ("<get-config><source/></get-config>", "missing-element"),
        (get("startup"), "invalid-value"),
        ('<get><filter type="xpath" select="/"/></get>', "bad-attribute"),
        ("<edit-config><target><running/></target></edit-config>", "missing-element"),
        (edit("", "startup"), "invalid-value"),
        (edit("", options="<default-operation>wipe</default-operation>"), "invalid-value"),
        (edit("", options="<test-option>never</test-option>"), "invalid-value"),
        (edit("", options="<error-option>continue-on-error</error-option>"), "invalid-value"),
        ("<commit><confirmed/></commit>", "unknown-element"),
        (on("lock", "startup"), "invalid-value"),
        (on("unlock", "running"), "operation-failed"),
        ("<kill-session/>", "missing-element"),
        ("<kill-session><session-id>1</session-id></kill-session>", "invalid-value"),
        ("<kill-session><session-id>77</session-id></kill-session>", "invalid-value"),
        ("<kill-session><session-id>x</session-id></kill-session>", "invalid-value"),
        (SUBSCRIBE.replace("/>", "><stream>X</stream></create-subscription>"), "invalid-value"),
        (
            SUBSCRIBE.replace("/>", "><startTime>2020</startTime></create-subscription>"),
            "operation-not-supported",
        ),
    ],
)
def test_refused_operation(engine_client, operation, tag):
    client = engine_client()
    assert client.error(operation)["tag"] == tag
    assert client.data("<get/>") == []


def test_fault_of_the_server_is_an_answer_too(engine_client, caplog):
    class Faulty(Configuration):
        def text(self, subtree=None):
            raise RuntimeError("the fault")

    client = engine_client(NetconfServer(Faulty()))
    assert client.error("<get/>")["tag"] == "operation-failed"
    assert "the fault" in caplog.text
    client.ok(on("lock", "running"))


# --- datastores --------------------------------------------------------------------------------


def test_edit_candidate_then_commit(engine_client):
    client, other = engine_client(), engine_client()
    client.ok(edit("<a xmlns='urn:a'>1</a>"))
    assert tags(other.data(get("candidate"))) == ["{urn:a}a"]
    assert other.data(get("running")) == []
    client.ok("<commit/>")
    assert tags(other.data(get("running"))) == ["{urn:a}a"]
    client.ok("<commit/>")


def test_discard_changes(engine_client):
    client = engine_client()
    client.ok(edit("<a/>"))
    client.ok("<discard-changes/>")
    assert client.data(get("candidate")) == []


def test_edit_running(engine_client):
    client = engine_client()
    client.ok(edit("<a xmlns='urn:a'/>", "running"))
    assert tags(client.data("<get/>")) == ["{urn:a}a"]


def test_failed_edit_changes_nothing(engine_client):
    client = engine_client()
    error = client.error(edit(f'<a/><b xmlns:nc="{BASE}" nc:operation="delete"/>', options=""))
    assert (error["tag"], error["type"]) == ("data-missing", "application")
    assert client.data(get("candidate")) == []


def test_default_operation_replace_replaces_the_whole_configuration(engine_client):
    client = engine_client(NetconfServer(Configuration.parse("<config><a/><b/></config>")))
    client.ok(edit("<c xmlns=''/>", options="<default-operation>replace</default-operation>"))
    assert tags(client.data(get("candidate"))) == ["c"]


def test_test_only_changes_nothing(engine_client):
    client = engine_client()
    client.ok(edit("<a/>", options="<test-option>test-only</test-option>"))
    assert client.data(get("candidate")) == []


def test_filter_of_get_config(engine_client):
    client = engine_client(NetconfServer(Configuration.parse("<config><a/><b/></config>")))
    wanted = "<filter type='subtree'><b/></filter>"
    operation = f"<get-config><source><running/></source>{wanted}</get-config>"
    assert tags(client.data(operation)) == ["b"]


def test_copy_config_and_validate(engine_client):
    client = engine_client()
    source = "<source><config><a xmlns='urn:a'/></config></source>"
    client.ok(f"<validate>{source}</validate>")
    client.ok(f"<copy-config><target><running/></target>{source}</copy-config>")
    assert tags(client.data("<get/>")) == ["{urn:a}a"]
    client.ok("<validate><source><running/></source></validate>")


# --- locks -------------------------------------------------------------------------------------


def test_lock_denied_names_the_holder(engine_client):
    client, other = engine_client(), engine_client()
    client.ok(on("lock", "running"))
    error = other.error(on("lock", "running"))
    assert (error["tag"], error["session-id"]) == ("lock-denied", str(client.session.id))
    assert client.error(on("lock", "running"))["tag"] == "lock-denied"
    assert other.error(on("unlock", "running"))["tag"] == "operation-failed"
    client.ok(on("unlock", "running"))
    other.ok(on("lock", "running"))


@pytest.mark.parametrize(
    "operation",
    [edit("<a/>"), "<discard-changes/>", "<commit/>"],
    ids=["edit", "discard", "commit"],
)
def test_what_another_session_locked_is_in_use(engine_client, operation):
    client, other = engine_client(), engine_client()
    client.ok(on("lock", "candidate"))
    assert other.error(operation)["tag"] == "in-use"
    client.ok(operation)


def test_a_lock_is_told_before_what_is_wrong_with_an_edit(engine_client):
    client, other = engine_client(), engine_client()
    client.ok(on("lock", "candidate"))
    wrong = f'<a xmlns:nc="{BASE}" nc:operation="delete"/>'
    assert other.error(edit(wrong))["tag"] == "in-use"
    assert client.error(edit(wrong))["tag"] == "data-missing"


def test_commit_needs_running_too(engine_client):
    client, other = engine_client(), engine_client()
    client.ok(on("lock", "running"))
    assert other.error("<commit/>")["tag"] == "in-use"


def test_a_changed_candidate_cannot_be_locked(engine_client):
    client = engine_client()
    client.ok(edit("<a/>"))
    error = client.error(on("lock", "candidate"))
    assert (error["tag"], error["session-id"]) == ("lock-denied", "0")


def test_unlock_discards_the_changes(engine_client):
    client = engine_client()
    client.ok(on("lock", "candidate"))
    client.ok(edit("<a/>"))
    client.ok(on("unlock", "candidate"))
    assert client.data(get("candidate")) == []


def test_end_of_a_session_releases_its_locks(engine_client):
    client, other = engine_client(), engine_client()
    client.ok(on("lock", "candidate"))
    client.ok(edit("<a/>"))
    client.session.end()
    client.session.end()
    other.ok(on("lock", "candidate"))
    assert other.data(get("candidate")) == []


# --- sessions ----------------------------------------------------------------------------------


def test_close_session(netconf_server, engine_client):
    client = engine_client()
    assert netconf_server.session_count == 1
    client.ok("<close-session/>")
    assert client.session.closed
    assert netconf_server.session_count == 0
    assert client.raw(b"\n#1\nx\n##\n") == b""


def test_kill_session(netconf_server, engine_client):
    client, other = engine_client(), engine_client()
    other.ok(on("lock", "running"))
    client.ok(f"<kill-session><session-id>{other.session.id}</session-id></kill-session>")
    assert other.terminated
    assert other.session.closed
    assert netconf_server.session_count == 1
    client.ok(on("lock", "running"))


def test_killed_session_locks_nothing_more(engine_client):
    client, other = engine_client(), engine_client()
    client.session.end()
    with pytest.raises(RPCError):
        perform(client.session, parse(f'<lock xmlns="{BASE}">{LOCK_RUNNING}</lock>'.encode()))
    other.ok(on("lock", "running"))


def test_session_ids_are_not_used_twice(engine_client):
    first = engine_client()
    first.session.end()
    assert engine_client().session.id != first.session.id


# --- notifications -----------------------------------------------------------------------------


def test_notification_reaches_subscribers_only(netconf_server, engine_client):
    client, other = engine_client(), engine_client()
    client.ok(SUBSCRIBE)
    assert netconf_server.notify(parse(b"<event xmlns='urn:e'>x</event>")) == 1
    assert other.delivered == []
    (message,) = map(parse, client.delivered)
    assert tags([message, *message]) == [
        f"{{{EVENTS}}}notification",
        f"{{{EVENTS}}}eventTime",
        "{urn:e}event",
    ]


def test_whole_notification_is_sent_as_it_is(netconf_server, engine_client):
    client = engine_client()
    client.ok(SUBSCRIBE)
    whole = f'<notification xmlns="{EVENTS}"><eventTime>2020-01-01T00:00:00Z</eventTime>'
    whole += '<event xmlns="urn:e" /></notification>'
    netconf_server.notify(parse(whole.encode()))
    assert client.delivered == [whole.encode()]


def test_subscription_with_a_filter(netconf_server, engine_client):
    client = engine_client()
    wanted = (
        "><filter><link xmlns='urn:e'><state>down</state></link></filter></create-subscription>"
    )
    client.ok(SUBSCRIBE.replace("/>", wanted))
    assert netconf_server.notify(parse(b"<link xmlns='urn:e'><state>up</state></link>")) == 0
    assert netconf_server.notify(parse(b"<link xmlns='urn:e'><state>down</state></link>")) == 1


def test_second_subscription_is_refused(engine_client):
    client = engine_client()
    client.ok(SUBSCRIBE)
    assert client.error(SUBSCRIBE)["tag"] == "operation-failed"


@pytest.mark.parametrize(
    ("operations", "count"),
    [
        ([edit("<a/>", "running")], 1),
        ([edit("<a/>")], 0),
        ([edit("<a/>"), "<commit/>"], 1),
        (["<commit/>"], 0),
    ],
)
def test_change_of_running_is_announced(engine_client, operations, count):
    client, other = engine_client(), engine_client(username="bob")
    client.ok(SUBSCRIBE)
    for operation in operations:
        other.ok(operation)
    assert len(client.delivered) == count
    for message in client.delivered:
        change = parse(message).find(f"{{{CHANGE_NS}}}netconf-config-change")
        assert change.findtext(f".//{{{CHANGE_NS}}}username") == "bob"
        assert change.findtext(f".//{{{CHANGE_NS}}}session-id") == str(other.session.id)
