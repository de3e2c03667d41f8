"""A recorded device answers client code as the real one did, and tells what does not fit."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from marked import PASSWORD

import ncwire
from ncwire.errors import OptionError, RPCError, RPCTimeoutError, TraceError
from ncwire.observe import TraceWriter, read_trace
from ncwire.testing import Replay, ReplayError

GET = "<get-config><source><running/></source></get-config>"
LOCK = "<lock><target><running/></target></lock>"
UNLOCK = "<unlock><target><running/></target></unlock>"
EDIT = (
    "<edit-config><target><running/></target><config>"
    '<system xmlns="urn:example"><user><name>u</name><password>{}</password></user></system>'
    "</config></edit-config>"
)


def client(session, password=PASSWORD):
    """Do what is done with the device and with its replay; return what the caller sees."""
    seen = [session.rpc(LOCK, check=True).ok]
    seen.append(session.rpc(EDIT.format(password), check=True).ok)
    seen.append(session.rpc(GET).data.find(".//{urn:example}hostname").text)
    with pytest.raises(RPCError) as refused:
        session.rpc("<no-such-operation/>", check=True)
    seen.append(refused.value.tag)
    seen.append(session.rpc(UNLOCK, check=True).ok)
    return seen


@pytest.fixture
def record(tmp_path, connect):
    """Record what a function does with a session; return the trace's path and what it returned."""

    def record(play):
        path = tmp_path / "recorded.trace"
        with TraceWriter(path) as trace, connect(observers=[trace]) as session:
            done = play(session)
        return path, done

    return record


def test_the_same_code_sees_the_same(record):
    path, seen = record(client)
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert client(session) == seen


def test_the_hello_is_the_devices(record):
    path, capabilities = record(lambda session: list(session.server_capabilities))
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert list(session.server_capabilities) == capabilities


def test_a_secret_that_the_client_sends_is_equal_to_any(record):
    path, seen = record(client)
    assert PASSWORD not in path.read_text()
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert client(session, "another") == seen


def test_over_ssh_for_any_client(record):
    path, seen = record(client)
    with (
        Replay(path, transport="ssh") as device,
        ncwire.connect(**device.parameters) as session,
    ):
        assert client(session) == seen


def test_white_space_prefixes_and_message_ids_do_not_count(record):
    path, _ = record(lambda session: session.rpc(GET))
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        reply = session.rpc(
            '<rpc message-id="&amp;7" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" '
            'xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0">\n'
            "  <n:get-config>\n <n:source> <n:running/></n:source> </n:get-config></rpc>"
        )
        assert reply.message_id == "&7"


def test_strict_refuses_another_order_and_says_what_it_expected(record):
    path, _ = record(lambda session: (session.rpc(LOCK), session.rpc(GET)))
    with (  # noqa: PT012 - the error comes at its end
        pytest.raises(ReplayError, match=r"expected rpc 1 of 3 .*<.*lock.*; got <.*get-config"),
        Replay(path) as device,
        ncwire.connect(**device.parameters) as session,
    ):
        with pytest.raises(RPCError, match=r"replay: expected rpc 1 of 3"):
            session.rpc(GET, check=True)
        session.rpc(LOCK, check=True)
        session.rpc(GET, check=True)


def test_strict_tells_what_was_not_asked_for(record):
    path, _ = record(lambda session: (session.rpc(LOCK), session.rpc(GET)))
    with (
        pytest.raises(ReplayError, match=r"not asked for: <.*get-config"),
        Replay(path) as device,
        ncwire.connect(**device.parameters) as session,
    ):
        session.rpc(LOCK, check=True)


def test_what_a_block_raises_is_not_hidden_by_the_check(record):
    path, _ = record(lambda session: session.rpc(LOCK))
    with pytest.raises(KeyError), Replay(path):
        raise KeyError


def test_operations_come_in_any_order_and_the_last_again(record):
    path, _ = record(lambda session: (session.rpc(LOCK), session.rpc(GET)))
    with (
        closing(Replay(path, matching="operations")) as device,
        ncwire.connect(**device.parameters) as session,
    ):
        for operation in (GET, LOCK, GET, GET):
            session.rpc(operation, check=True)
        with pytest.raises(RPCError, match=r"expected <lock>, or <get-config>, .*got <.*unlock"):
            session.rpc(UNLOCK, check=True)
        assert len(device.failures) == 1


def test_many_in_flight_are_answered_whoever_waits_first(record):
    def pipelined(session):
        futures = [session.submit(each) for each in (LOCK, GET, UNLOCK)]
        return [future.result(20).ok for future in futures]

    path, seen = record(pipelined)
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert [session.rpc(each).ok for each in (LOCK, GET, UNLOCK)] == seen


def test_notifications_come_after_what_they_came_after(tmp_path, connect, server):
    subscribe = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'

    def events(session, send):
        with session.notifications() as notifications:
            session.rpc(subscribe, check=True)
            send()
            return notifications.get(20).raw

    path = tmp_path / "recorded.trace"
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        seen = events(session, lambda: server.notify('<e xmlns="urn:e">1</e>'))
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert events(session, lambda: None) == seen


def test_each_connection_plays_the_next_session(tmp_path, connect):
    path = tmp_path / "recorded.trace"
    with TraceWriter(path) as trace:
        for operation in (LOCK, GET):
            with connect(observers=[trace]) as session:
                session.rpc(operation)
    with Replay(path) as device:
        for operation in (LOCK, GET):
            with ncwire.connect(**device.parameters) as session:
                session.rpc(operation, check=True)
    second = read_trace(path).sessions[1]
    with Replay(path, session=second) as device:
        for _ in range(2):
            with ncwire.connect(**device.parameters) as session:
                session.rpc(GET, check=True)


def test_a_session_too_many_is_a_failure(record):
    path, _ = record(lambda _: None)
    with closing(Replay(path)) as device:
        for _ in range(2):
            with ncwire.connect(**device.parameters):
                pass
        with pytest.raises(ReplayError, match="expected 1 sessions; got one more"):
            device.check()


def test_a_reply_that_went_in_pieces_is_told(record):
    path, _ = record(lambda session: session.rpc(GET, sink=lambda _: None).size)
    with (
        pytest.raises(ReplayError, match="is not in the trace: it is in pieces"),
        Replay(path) as device,
        ncwire.connect(**device.parameters) as session,
    ):
        session.rpc(GET)


def test_a_request_that_went_in_pieces_is_like_any_of_its_name(record):
    path, _ = record(lambda session: session.rpc(iter([GET.encode()])))
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert session.rpc(GET).ok


def test_what_was_not_answered_is_not_answered(tmp_path, peer):
    path = tmp_path / "recorded.trace"
    with TraceWriter(path) as trace:
        session = peer.opened(observers=[trace])
        with pytest.raises(RPCTimeoutError):
            session.rpc("<get/>", 0.05)
        session.close()
    with (
        Replay(path) as device,
        ncwire.connect(**device.parameters) as session,
        pytest.raises(RPCTimeoutError),
    ):
        session.rpc("<get/>", 0.2)


@pytest.mark.parametrize("session", [None, "1.99"])
def test_a_trace_without_a_session_cannot_be_played(tmp_path, session):
    path = tmp_path / "empty.trace"
    TraceWriter(path).close()
    with pytest.raises(TraceError, match="no session"):
        Replay(path, session=session)


# --- canned ----------------------------------------------------------------------------------


def test_a_canned_device(ncwire_device):
    get = ncwire_device.expect(GET).respond("<data><a/></data>", "<data><b/></data>")
    ncwire_device.expect("lock").fail("lock-denied", "session 4 has it", layer="protocol")
    ncwire_device.expect("commit")
    with ncwire.connect(**ncwire_device.parameters) as session:
        tags = [session.rpc(GET).data[0].tag.rpartition("}")[2] for _ in range(3)]
        assert tags == ["a", "b", "b"]
        with pytest.raises(RPCError, match="session 4 has it") as refused:
            session.rpc(LOCK, check=True)
        assert refused.value.tag == "lock-denied"
        assert session.rpc("<commit/>", check=True).ok
    assert get.asked == 3


def test_what_is_expected_goes_before_the_trace(record, ncwire_replay):
    path, _ = record(lambda session: (session.rpc(LOCK), session.rpc(GET)))
    device = ncwire_replay(path, matching="operations")
    device.expect("get-config").respond("<data><canned/></data>")
    with ncwire.connect(**device.parameters) as session:
        session.rpc(LOCK, check=True)
        assert "canned" in session.rpc(GET).raw


def test_an_expected_secret_must_be_the_same():
    with closing(Replay()) as device, ncwire.connect(**device.parameters) as session:
        device.expect(EDIT.format("one"))
        assert session.rpc(EDIT.format("one")).ok
        assert not session.rpc(EDIT.format("two")).ok
        assert len(device.failures) == 1


def test_a_canned_device_notifies(ncwire_device):
    with (
        ncwire.connect(**ncwire_device.parameters) as session,
        session.notifications() as notifications,
    ):
        assert ncwire_device.notify('<e xmlns="urn:e"/>') == 1
        assert '<e xmlns="urn:e"/>' in notifications.get(20).raw


@pytest.mark.parametrize(
    "wrong",
    [
        lambda device: device.expect("<a>"),
        lambda device: device.expect(""),
        lambda device: device.expect("get").respond("<a>"),
        lambda device: device.notify("<a>"),
        lambda device: Replay(matching="loose"),
        lambda device: Replay(transport="tls"),
    ],
)
def test_what_is_wrong_is_told(ncwire_device, wrong):
    with pytest.raises(OptionError):
        wrong(ncwire_device)


def test_the_fixture_fails_the_test(tmp_path, run_program):
    (tmp_path / "test_it.py").write_text(
        "import ncwire\n"
        "def test_it(ncwire_device):\n"
        "    with ncwire.connect(**ncwire_device.parameters) as session:\n"
        "        session.rpc('<get/>')\n"
    )
    out = run_program(
        "import pytest, sys; print(pytest.main(['-p', 'ncwire_pytest', '-q', '-p', "
        "'no:cacheprovider', '-c', '/dev/null', sys.argv[1]]).name)",
        str(tmp_path),
        warnings="default",
    )
    assert "expected nothing; got <" in out
    assert "TESTS_FAILED" in out


def test_what_is_notified_before_the_clients_hello_comes_after_it(ncwire_device):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(ncwire_device.server.path)
        received = client.recv(1 << 16)
        while not received.endswith(b"]]>]]>"):
            received += client.recv(1 << 16)
        ncwire_device.notify('<e xmlns="urn:e"/>')
        client.sendall(
            b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
            b"urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>]]>]]>"
        )
        received = b""
        while not received.endswith(b"##\n"):
            received += client.recv(1 << 16)
    assert received.startswith(b"\n#")
