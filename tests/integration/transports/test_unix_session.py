"""Sessions over Unix sockets: the main job, whose socket it is, and what is left."""

from __future__ import annotations

import contextlib
import gc
import os
import pwd
import random
import socket
import sys
import threading

import pytest
from tls_peers import PATIENCE, Silent, UntilAsked

import ncwire
from attempts import aborted
from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire import Timeouts
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline
from ncwire.errors import (
    ConnectError,
    HelloTimeoutError,
    OptionError,
    PeerUserError,
    SessionCloseError,
    StepTimeoutError,
    UnsupportedOption,
)
from ncwire_unix import UnixSocketDriver
from servers.stream_server import unix_server
from thoroughness import sampled

pytestmark = pytest.mark.usefixtures("nothing_left", "no_gc_callbacks")

SUBSCRIPTION = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
HERE = os.getuid()
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract names")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "netconf.sock"


@pytest.fixture
def server(path):
    with unix_server(str(path)) as server:
        yield server


def connected(path=None, **parameters):
    session = ncwire.UnixSocketSession()
    session.connect(path, **parameters)
    return session


def test_the_main_job(server, path):
    with connected(path) as session:
        assert session.connected
        assert (session.host, session.port, session.path) == (None, None, str(path))
        assert session.channel_info.library == "unix"
        assert isinstance(session.transport, socket.socket)
        assert "<data" in session.rpc("<get/>").raw
        with session.notifications() as reader:
            session.rpc(SUBSCRIPTION)
            server.notify('<event xmlns="urn:example:event"/>')
            assert "urn:example:event" in reader.get(timeout=PATIENCE).raw
    assert str(session.cause) == "session closed by us: close-session"
    assert server.failed.empty()


@pytest.mark.parametrize(
    "size", [1_000_000, pytest.param(20_000_000, marks=pytest.mark.exhaustive)]
)
def test_much_goes_each_way_whole(server, path, size):
    text = "0123456789abcdef" * (size // 16)
    edit = (
        "<edit-config><target><running/></target><config>"
        f'<top xmlns="urn:example:top"><text>{text}</text></top></config></edit-config>'
    )
    with connected(path) as session:
        assert "<ok" in session.rpc(edit, timeout=100).raw
        reply = session.rpc("<get-config><source><running/></source></get-config>", timeout=100)
    assert f"<text>{text}</text>" in reply.raw


def test_the_servers_end_is_the_cause(path):
    with unix_server(str(path), UntilAsked(lambda stream: stream.close())):
        session = connected(path)
        with pytest.raises(SessionCloseError, match=r"session closed by the peer$"):
            session.rpc("<get/>")


def test_connect_takes_the_class_that_fits(server, path):
    with ncwire.connect(None, driver="unix", driver_options={"path": path}) as session:
        assert type(session) is ncwire.UnixSocketSession
    with ncwire.connect("lab", driver="unix", driver_options={"path": path}) as session:
        assert (session.host, session.path) == ("lab", str(path))


@linux
def test_an_abstract_name():
    name = f"ncwire-test-{os.getpid()}"
    with unix_server(f"\0{name}"), connected(f"@{name}") as session:
        assert session.rpc("<get/>").message_id


@pytest.mark.parametrize("form", ["sock", "sock_fd"])
def test_a_socket_of_the_callers(server, path, form):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    given = {"sock": sock} if form == "sock" else {"sock_fd": sock.detach()}
    with connected(**given, peer_uid=HERE) as session:
        assert session.path is None
        assert session.rpc("<get/>").message_id


def test_whose_the_server_is(server, path):
    connected(path, peer_uid=HERE).close()
    connected(path, peer_uid=pwd.getpwuid(HERE).pw_name).close()
    other = HERE + 1
    with pytest.raises(PeerUserError, match=f"owned by uid {HERE} .*, not {other}") as caught:
        connected(path, peer_uid=other)
    assert caught.value.owner.startswith(f"{HERE} ")
    with pytest.raises(OptionError, match=r"^driver_options\.peer_uid: there is no user 'nob0dy'"):
        connected(path, peer_uid="nob0dy")


def test_what_cannot_be_connected_to(path, tmp_path):
    with pytest.raises(ConnectError, match=r"connect to .*netconf\.sock: No such file"):
        connected(path)
    path.write_text("no socket")
    with pytest.raises(ConnectError, match="Connection refused"):
        connected(path)
    with pytest.raises(ConnectError, match="Not a directory"):
        connected(path / "sock")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({}, OptionError, "path: needed, unless sock or sock_fd is given"),
        ({"path": "/" + "a" * 200}, OptionError, "path: is 201 bytes long"),
        ({"path": "/s", "colour": 1}, OptionError, "no such option"),
    ],
)
def test_bad_options(given, error, told):
    with pytest.raises(error, match=rf"^driver_options\..*{told}"):
        ncwire.connect(None, driver="unix", driver_options=given)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"port": 830}, OptionError, "^port: a Unix socket has none"),
        ({"username": "admin"}, UnsupportedOption, "username; on a Unix socket the user is the"),
        ({"bind_addr": "127.0.0.1"}, UnsupportedOption, "bind_addr"),
        ({"ssh_config": True}, UnsupportedOption, "ssh_config"),
    ],
)
def test_what_means_nothing_to_it_is_refused(path, given, error, told):
    with pytest.raises(error, match=told):
        ncwire.connect(None, driver="unix", driver_options={"path": path}, **given)


def test_a_socket_of_another_kind(path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        with sock, pytest.raises(OptionError, match=r"^sock: it is no Unix socket"):
            connected(sock=sock)


@pytest.mark.parametrize("by", ["sock", "sock_fd"])
@pytest.mark.parametrize("given", [{"path": "/x"}, {"peer_uid": "no such user"}])
def test_a_socket_that_is_refused_is_still_the_callers(by, given):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OptionError, match="driver_options"):
            connected(**{by: ours if by == "sock" else ours.fileno()}, **given)
        theirs.sendall(b"hello")
        assert ours.recv(5) == b"hello"
        ours.sendall(b"hello")


def test_a_server_without_a_hello(path):
    silent = Silent()
    with unix_server(str(path), silent):
        with pytest.raises(HelloTimeoutError):
            connected(path, timeouts=Timeouts(hello=0.2))
        silent.over.set()


@contextlib.contextmanager
def full(path):
    """A server that accepts nobody, with its queue of connections full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(path))
        yield listener


def test_a_server_with_no_room_costs_no_more_than_the_step(path):
    with full(path), pytest.raises(StepTimeoutError, match=r"connect to .*not done within 0.2 s"):
        connected(path, timeouts=Timeouts(connect=0.2))


def test_a_server_that_has_room_again_is_connected_to(path):
    with full(path) as listener:
        accepted = []
        thread = threading.Thread(target=lambda: accepted.append(listener.accept()[0]))
        begun = attempt(path)
        thread.start()
        channel = begun.run()
        thread.join()
        channel.close()
        accepted[0].close()


def attempt(path):
    options = ConnectOptions(host=None, username="", driver_options={"path": str(path)})
    return connecting(UnixSocketDriver(), options, Deadline.after(60, "connect"))


def test_an_abort_while_there_is_no_room(path):
    with full(path):
        outcome = aborted(attempt(path), lambda: True)
    assert isinstance(outcome, SessionCloseError)


def test_an_abort_of_a_channel_that_is_open(server, path):
    begun = attempt(path)
    channel = begun.run()
    begun.abort()
    assert channel.fileno() == -1


@sampled("points", 20, 100)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_point_comes_out_and_leaves_nothing(server, path, kind, points):
    folders = [folder_of("ncwire"), folder_of("ncwire_unix")]

    def interrupted(interrupter):
        session = ncwire.UnixSocketSession()
        try:
            with interrupter:
                session.connect(path)
        except KINDS:
            return True
        finally:
            session.close()
        return not interrupter.where

    with raising(kind):
        counter = Interrupter(10**9, folders)
        assert interrupted(counter)
        for at in random.sample(range(1, counter.seen), points):
            interrupter = Interrupter(at, folders)
            assert interrupted(interrupter), interrupter.where
        gc.collect()


def test_a_host_in_place_of_a_path_is_one_error_that_tells_what_to_give():
    with pytest.raises(OptionError, match=r"the host 'r1' is no path: give driver_options=.*URL"):
        ncwire.connect("r1", driver="unix")


FORK = """
import os, sys, ncwire
session = ncwire.UnixSocketSession()
session.connect(sys.argv[1])
child = os.fork()
if not child:
    assert session.cause.closed_by == "fork"
    session.close()
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(session.rpc("<get/>").raw)
session.close_session()
"""


def test_a_forked_child_leaves_the_connection_alone(server, path, run_program):
    assert "<data" in run_program(FORK, str(path))
