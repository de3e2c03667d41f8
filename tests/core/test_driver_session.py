"""Sessions over drivers of any transport: which class, which driver, which port, whose socket."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

import ncwire
from attempts import aborted
from ncwire import DriverSession, SSHSession, Timeouts, TLSSession
from ncwire._ssh.connecting import connecting
from ncwire._ssh.options.parameters import Parameters
from ncwire._transports.driver_choice import choose_for
from ncwire._transports.settling import fitted, settle
from ncwire.driver import (
    ConnectOptions,
    Deadline,
    DriverOption,
    Feature,
    OptionKind,
    SocketDriver,
)
from ncwire.errors import (
    DriverError,
    InvalidDriverError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
    UnsupportedOption,
)
from ncwire.profiles import DeviceProfile
from ncwire.testing.conformance.resources import Resources, left_since
from ncwire.testing.memory import MemoryChannel
from ncwire_paramiko import ParamikoDriver
from ncwire_tls import TLSDriver
from servers.stream_server import PlainStream, StreamServer

PATIENCE = 20.0


class Plain(SocketDriver):
    """TCP in the clear, as a stranger's protocol."""

    name = "plain"
    contract = (1, 0)
    transport = "plain"
    default_port = 9999
    features = SocketDriver.CORE_FEATURES | {Feature.FINISH}
    driver_options = (
        DriverOption(name="word", kind=OptionKind.TEXT, meaning="A word.", default="none"),
    )
    made: list[Plain] = []  # noqa: RUF012 - the tests look at it

    def __init__(self):
        self.calls = []
        self.entered = threading.Event()
        self.made.append(self)

    @classmethod
    def library(cls):
        return "plain"

    def prepare(self, options):
        self.calls.append(("prepare", options.driver_options["word"]))
        if options.driver_options["word"] == "bad":
            raise OptionError("driver_options.word", "is bad")

    def open(self, sock, options, deadline):
        self.calls.append(("open", deadline.step))
        self.entered.set()
        return MemoryChannel(sock)

    def abort(self):
        self.calls.append("abort")


class Nonsense(Plain):
    contract = (1, 0)

    def open(self, sock, options, deadline):
        raise LookupError


class Nothing(Plain):
    contract = (1, 0)

    def open(self, sock, options, deadline):
        return None


class Stuck(Plain):
    """Waits for what does not come, but as the contract has it."""

    contract = (1, 0)

    def open(self, sock, options, deadline):
        super().open(sock, options, deadline)
        sock.settimeout(deadline.remaining())
        try:
            if not sock.recv(1):
                raise ncwire.TransportError("it is shut down")
        except TimeoutError as error:
            raise deadline.error() from error
        raise AssertionError("nobody sends")


@pytest.fixture(autouse=True)
def nothing_left():
    Plain.made.clear()
    before = Resources.now()
    yield
    left = left_since(before, PATIENCE)
    assert not left, left


@pytest.fixture
def server():
    with StreamServer(socket.create_server(("127.0.0.1", 0)), PlainStream) as server:
        yield server


@pytest.fixture
def silent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def options(port, driver=Plain, **more):
    given = {"driver_options": {"word": "none"}, **more}
    return ConnectOptions(host="127.0.0.1", port=port, username="", **given)


def test_a_strangers_transport_has_a_driver_session(server):
    with ncwire.connect("127.0.0.1", port=server.port, driver=Plain) as session:
        assert type(session) is DriverSession
        assert session.rpc("<get/>").message_id
        assert (session.host, session.port) == ("127.0.0.1", server.port)
    (made,) = Plain.made
    assert made.calls[:2] == [("prepare", "none"), ("open", "PLAIN handshake")]


def test_its_port_is_the_drivers(server):
    sock = socket.create_connection(("127.0.0.1", server.port))
    with ncwire.connect("r1.invalid", sock=sock, driver=Plain) as session:
        assert session.port == 9999


def test_what_its_options_refuse_leaves_the_callers_socket(server):
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        for given in ({"sock": sock}, {"sock_fd": sock.fileno()}):
            session = DriverSession(driver=Plain)
            with pytest.raises(OptionError, match="word: is bad"):
                session.connect(driver_options={"word": "bad"}, **given)
            assert sock.getpeername()
    assert [call for made in Plain.made for call in made.calls if call[0] == "open"] == []


@pytest.mark.parametrize(
    ("driver", "told"),
    [(Nonsense, "raised LookupError in open"), (Nothing, "open returned NoneType, not Channel")],
)
def test_nonsense_is_the_drivers(silent, driver, told):
    begun = connecting(driver(), options(silent), Deadline.after(60, "connect"))
    with pytest.raises(InvalidDriverError, match=told):
        begun.run()
    assert "abort" in Plain.made[0].calls


def test_its_handshake_has_the_budget_of_handshakes(silent):
    session = DriverSession(driver=Stuck)
    with pytest.raises(StepTimeoutError, match=r"^PLAIN handshake: not done within 0\.2 s"):
        session.connect("127.0.0.1", silent, timeouts=Timeouts(handshake=0.2))


def test_an_abort_wakes_what_waits_for_the_socket(silent):
    driver = Stuck()
    begun = connecting(driver, options(silent), Deadline.after(60, "connect"))
    outcome = aborted(begun, lambda: driver.entered.wait(PATIENCE))
    assert isinstance(outcome, SessionCloseError)
    assert "abort" in driver.calls


def test_a_proxys_command_leads_to_it(server):
    code = (
        "import socket,threading,os,sys;"
        f"s=socket.create_connection(('127.0.0.1',{server.port}));"
        "threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(9999),b'')],"
        "daemon=True).start();"
        "[s.sendall(d) for d in iter(lambda:os.read(0,9999),b'')]"
    )
    command = f'{sys.executable} -c "{code}"'
    begun = connecting(Plain(), options(1, proxy_command=command), Deadline.after(60, "connect"))
    channel = begun.run()
    session = ncwire.Session(["urn:ietf:params:netconf:base:1.0"])
    session.open(channel)
    assert session.rpc("<get/>").message_id
    session.close_session()


def test_a_user_is_refused_where_nobody_logs_in(silent):
    with pytest.raises(UnsupportedOption, match="username; it does not log in by a name"):
        ncwire.connect("127.0.0.1", driver=Plain, username="admin")


def profile(*drivers, **more):
    return DeviceProfile(name="a-family", driver=drivers, **more)


@pytest.mark.parametrize(
    ("drivers", "chosen", "by"),
    [
        ((), "tls", "the default"),
        (("libssh2", "paramiko"), "tls", "the default"),
        (("libssh2", "tls"), "tls", "profile 'a-family'"),
        (("nonesuch", "tls"), "tls", "profile 'a-family'"),
    ],
)
def test_a_profiles_drivers_of_another_transport_do_not_count(drivers, chosen, by):
    found, choice = choose_for("tls", "tls", None, profile(*drivers), {})
    assert (found, choice.name, choice.by) == (TLSDriver, chosen, by)


def test_the_first_of_a_profile_decides_the_class(monkeypatch):
    with pytest.raises(OptionError, match="certfile: needed"):
        ncwire.connect("r1.invalid", profile=profile("nonesuch", "tls", "paramiko"))
    with pytest.raises(OptionError, match="'tls' carries NETCONF over tls: use TLSSession"):
        SSHSession(profile=profile("tls")).connect("r1.invalid")
    monkeypatch.setenv("NCWIRE_DRIVER", "tls")
    with pytest.raises(OptionError, match="certfile: needed"):
        ncwire.connect("r1.invalid")


@pytest.mark.parametrize("transport", ["ssh", "tls", "unix"])
def test_an_environments_driver_of_another_transport_does_not_count(monkeypatch, transport):
    defaults = {"ssh": None, "tls": "tls", "unix": "unix"}
    default = defaults[transport]
    for named in ("paramiko", "tls", "unix"):
        monkeypatch.setenv("NCWIRE_DRIVER", named)
        found, choice = choose_for(transport, default, None, None, {})
        assert found.transport == transport
        is_its = found.name == named
        assert choice.by == ("the environment's NCWIRE_DRIVER" if is_its else "the default")


def test_an_environments_driver_that_is_none_is_told_over_ssh(monkeypatch):
    monkeypatch.setenv("NCWIRE_DRIVER", "nonesuch")
    with pytest.raises(DriverError, match="nonesuch"):
        SSHSession().connect("r1.invalid")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"fingerprint": 5}, "fingerprint: 5 is not a string"),
        ({"fingerprint": b"x"}, "fingerprint: b'x' is not a string"),
        (
            {"driver_options": [1]},
            "driver_options: must be a mapping of names to values, not list",
        ),
    ],
)
def test_what_is_of_another_type_is_refused_as_an_option(given, told):
    with pytest.raises(OptionError, match=told):
        TLSSession().connect("r1.invalid", **given)


def test_a_parameter_of_one_session_is_an_option_of_its_driver():
    with pytest.raises(TypeError, match=r"'certfile'\. .*driver_options=.'certfile': "):
        ncwire.connect("r1.invalid", driver="tls", certfile="admin.pem")
    with pytest.raises(TypeError, match=r"'usernam'\. Did you mean 'username'"):
        ncwire.connect("r1.invalid", usernam="admin")


@pytest.mark.parametrize("given", [{"keepalive": 5.0}, {"password": "secret"}])
def test_that_no_driver_can_is_said_of_those_of_the_transport(given):
    with pytest.raises(UnsupportedOption, match=r"no installed driver does over tls$"):
        ncwire.connect("r1.invalid", driver="tls", **given)


def test_algorithms_that_a_profile_requires_are_sshs(silent):
    strict = ncwire.profiles.get("huawei-legacy")
    with pytest.raises(OptionError, match="certfile: needed"):
        TLSSession(profile=strict).connect("127.0.0.1", silent)


@pytest.mark.parametrize(
    ("given", "drivers", "port"),
    [
        ({}, (), 6513),
        ({}, ("paramiko",), 6513),
        ({}, ("tls",), 22),
        ({"port": 16513}, ("tls",), 16513),
    ],
)
def test_a_profiles_port_is_that_of_the_drivers_that_it_names(given, drivers, port):
    family = profile(*drivers, port=22)
    settled = settle(Parameters(host="r1", profile=family, **given))
    assert fitted(settled, TLSDriver, family).port == port


def test_a_profiles_keepalive_is_for_who_can():
    family = profile("paramiko", "tls", keepalive=7.0)
    settled = settle(Parameters(host="r1", profile=family))
    assert fitted(settled, TLSDriver, family).keepalive is None
    assert fitted(settled, ParamikoDriver, family).keepalive == 7.0
