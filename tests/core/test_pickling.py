"""What goes to another process, and what is refused there."""

from __future__ import annotations

import base64
import copy
import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

import ncwire
from ncwire import Capabilities, Hub, Limits, Session, Timeouts, callhome, errors, profiles
from ncwire._session.notifications import Notification
from ncwire._session.streaming import StreamedReply
from ncwire.driver import Algorithms
from ncwire.errors import NcwireError
from ncwire.inventory import Inventory

CLIENT = ["urn:ietf:params:netconf:base:1.0"]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

KEY = {"key_type": "ssh-ed25519", "sha256": "SHA256:abc", "certificate": "none fits"}
ARGUMENTS = {
    "CertificateError": (("expired", "CN=r1", "AB:CD"), {}),
    "PeerUserError": (("0 (root)", "7"), {}),
    "AuthenticationError": (("no way in", ["password: denied"]), {"offered": ["publickey"]}),
    "HelloTimeoutError": ((3.0,), {}),
    "InventoryError": (("ncwire.toml", ["line 3: no", "line 4: no"]), {}),
    "KeyFileError": (("/k", "is no key"), {}),
    "KnownHostsFileError": (("/kh", "is read-only"), {}),
    "MessageDecodeError": (("{urn:a}rpc-reply", "7", b"<a>\xff</a>", 3, "invalid start byte"), {}),
    "MessageSizeError": (("a header", 12), {}),
    "NoCommonAlgorithmError": (("kex", Algorithms(kex=("a",)), Algorithms(kex=("b",))), {}),
    "NoSessionError": (("r1", 3.0, "waiting", None, 2.5), {}),
    "OptionError": (("port", "is no number"), {}),
    "PasswordExpiredError": (("no way in", ["password: expired"]), {}),
    "ProfileError": (("/p.toml", "junos", "port", "is no number"), {}),
    "ProfileNotFoundError": (("/p.toml", "junos", "", "there is none"), {}),
    "RPCTimeoutError": (("7", 3.0, 12), {"hint": "slow"}),
    "SSHHostKeyChangedError": (("r1", "00:11"), {**KEY, "filename": "/kh", "line": 3}),
    "SSHHostKeyMismatchError": (("r1", "00:11"), KEY),
    "SSHHostKeyRevokedError": (("r1", "00:11"), {**KEY, "filename": "/kh", "line": 3}),
    "SSHUnknownHostError": (("r1", "00:11"), {**KEY, "key_base64": "AAAA"}),
    "SecretError": (("env", "is not set"), {}),
    "SendQueueFullError": ((100, 3.0), {}),
    "SessionCloseError": ((b"<rpc", b"<get"), {"closed_by": "us", "reason": "enough"}),
    "StepTimeoutError": (("banner", 3.0), {}),
    "UnknownDeviceError": (("r1", "00:11"), KEY),
    "UnsupportedOption": (("libssh2", "environment", "use another"), {}),
}
DRIVER = ("libssh2", "is not installed", "pip install it")
KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, NcwireError)
]


def instance(kind: type[NcwireError]) -> NcwireError:
    """Return an error such as ncwire raises, with all that may be attached to it."""
    plain = (DRIVER if issubclass(kind, errors.DriverError) else ("what it says",)), {}
    arguments, keywords = ARGUMENTS.get(kind.__name__, plain)
    error = kind(*arguments, **keywords)
    error.at_jump_host("bastion:22")
    error.add_note("seen in a test")
    error.__cause__ = ConnectionResetError(104, "reset by peer")
    return error


def assert_same(made: BaseException, error: NcwireError) -> None:
    assert type(made) is type(error)
    assert (str(made), repr(made)) == (str(error), repr(error))
    assert made.args == error.args
    assert vars(made) == vars(error)
    assert made.jump_host == error.jump_host


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickle_and_copy(kind):
    error = instance(kind)
    copies = [pickle.loads(pickle.dumps(error, protocol)) for protocol in PROTOCOLS]
    for made in (*copies, copy.copy(error), copy.deepcopy(error)):
        assert_same(made, error)
        assert made.__notes__ == ["seen in a test"]
        assert repr(made.__cause__) == repr(error.__cause__)


def fail(name: str) -> None:
    raise instance(getattr(errors, name))


def test_every_error_comes_out_of_a_process_pool():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        raised = {kind: pool.submit(fail, kind.__name__).exception(60) for kind in KINDS}
    for kind, error in raised.items():
        assert type(error) is kind
        assert str(error) == str(instance(kind))


class OddError(errors.SSHError):
    """A stranger's: it must be called with keywords, and keeps its own in slots and in a dict."""

    __slots__ = ("port",)

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__(f"{host} refuses")
        self.host = host
        self.port = port


class OddTimeoutError(errors.StepTimeoutError):
    """As if the system had said it, and with a `__new__` of its own."""

    def __new__(cls, path: str, *, number: int):
        return super().__new__(cls, path)

    def __init__(self, path: str, *, number: int) -> None:
        super().__init__("reading", 3.0)
        self.errno, self.strerror, self.filename = number, "too late", path


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_strangers_subclass_survives_whatever_its_constructor(protocol):
    odd = OddError(host="r1", port=22)
    made = pickle.loads(pickle.dumps(odd, protocol))
    assert (str(made), made.host, made.port) == ("r1 refuses", "r1", 22)
    late = OddTimeoutError("/dev/x", number=110)
    made = pickle.loads(pickle.dumps(late, protocol))
    assert (made.errno, made.strerror, made.filename) == (110, "too late", "/dev/x")
    assert (str(made), made.seconds) == (str(late), 3.0)


class UnreadableError(Exception):
    """Written by pickle, and not read: as many a library's."""

    def __init__(self, one, two):
        super().__init__(one)


@pytest.mark.parametrize(
    "cause", [UnreadableError(1, 2), ValueError(lambda: None)], ids=["unreadable", "unwritable"]
)
def test_a_cause_that_would_not_survive_is_left_out(cause):
    error = errors.SSHError("it broke")
    error.__cause__ = cause
    made = pickle.loads(pickle.dumps(error))
    assert (str(made), made.__cause__) == ("it broke", None)


def test_causes_in_a_circle_are_left_out():
    one, two = errors.SSHError("one"), errors.SSHError("two")
    one.__cause__, two.__cause__ = two, one
    made = pickle.loads(pickle.dumps(one))
    assert (str(made), made.__cause__) == ("one", None)


def test_a_chain_of_causes_survives():
    one, two = errors.HelloMissingError("one"), errors.SSHError("two")
    one.__cause__, two.__cause__ = two, EOFError("three")
    made = pickle.loads(pickle.dumps(one))
    assert str(made.__cause__) == "two"
    assert str(made.__cause__.__cause__) == "three"


# --- what stays where it is ------------------------------------------------------------------


def refused(thing: object) -> None:
    for attempt in (copy.copy, copy.deepcopy, *map(dumper, PROTOCOLS)):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            attempt(thing)


def dumper(protocol):
    return lambda thing: pickle.dumps(thing, protocol)


def test_a_session_and_what_belongs_to_it_are_refused(peer, session):
    refused(session)
    refused(session.notifications())
    peer.script(lambda: peer.reply(peer.receive().split('message-id="')[1].split('"')[0]))
    with session.stream("<get/>") as stream:
        refused(stream)
    peer.played()


def test_a_session_that_never_connected_is_refused():
    refused(Session(CLIENT))
    refused(ncwire.SSHSession())


def test_a_hub_is_refused():
    with Hub() as hub:
        refused(hub)


def test_a_call_home_listener_is_refused():
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + bytes(32)
    device = callhome.Device(
        name="r1", host_keys=base64.b64encode(blob).decode(), allow_agent=False
    )
    with callhome.listen([device], address="127.0.0.1", port=0) as listener:
        refused(listener)


# --- what goes there --------------------------------------------------------------------------


def big_reply(session, peer):
    body = "<x>" + "é" * 300_000 + "</x>"
    peer.script(lambda: peer.reply(peer.receive().split('message-id="')[1].split('"')[0], body))
    return session.rpc("<get/>", 20)


def travelled(thing):
    for protocol in PROTOCOLS:
        yield pickle.loads(pickle.dumps(thing, protocol))
    yield copy.copy(thing)
    yield copy.deepcopy(thing)


def test_replies_travel(peer, session):
    reply = big_reply(session, peer)
    for made in travelled(reply):
        assert (made.raw, made.root, made.message_id) == (reply.raw, reply.root, reply.message_id)
    peer.played()


INVENTORY = """
[devices.r1]
host = "192.0.2.1"
username = "admin"
password = { env = "R1_PASSWORD" }
"""


def test_values_travel(tmp_path):
    path = tmp_path / "ncwire.toml"
    path.write_text(INVENTORY)
    inventory = Inventory.load(path)
    values = [
        Notification("<n/>", ("n", {"a": "b"})),
        StreamedReply(("r", {}), "1", 12),
        profiles.get("junos"),
        profiles.get("sros-private"),
        Timeouts(rpc=3.0),
        Limits(),
        Algorithms(kex=("a",)),
        inventory,
        inventory.device("r1"),
    ]
    for value in values:
        for made in travelled(value):
            assert made == value
            assert repr(made) == repr(value)
    profile = profiles.get("junos")
    for made in travelled(profile):
        assert made.given == profile.given
        assert made.file == profile.file
    capabilities = Capabilities([*CLIENT, "urn:x?module=y"])
    for made in travelled(capabilities):
        assert list(made) == list(capabilities)
        assert ":base" in made


def test_no_secret_of_an_inventory_travels(tmp_path, monkeypatch):
    monkeypatch.setenv("R1_PASSWORD", "s3cr3t")
    path = tmp_path / "ncwire.toml"
    path.write_text(INVENTORY)
    device = Inventory.load(path).device("r1")
    assert device.password() == "s3cr3t"
    for protocol in PROTOCOLS:
        assert b"s3cr3t" not in pickle.dumps(device, protocol)
