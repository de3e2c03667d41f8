"""A client of the engine without I/O, and one over SSH that is paramiko and nothing of ours."""

import itertools
import threading

import paramiko
import pytest
from defusedxml.ElementTree import fromstring

from ncwire.testing import EmbeddedServer
from ncwire.testing.netconf_server import NetconfServer

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


END = b"]]>]]>"


CHUNKS_END = b"\n##\n"


def hello(*versions):
    uris = "".join(
        f"<capability>urn:ietf:params:netconf:base:{version}</capability>" for version in versions
    )
    return f'<hello xmlns="{BASE}"><capabilities>{uris}</capabilities></hello>'.encode()


def framed(message, version):
    return message + END if version == "1.0" else b"\n#%d\n" % len(message) + message + CHUNKS_END


def unframed(data, version):
    """Take apart what a server sent; it writes a message as one chunk."""
    messages = []
    while data:
        if version == "1.0":
            message, _, data = data.partition(END)
        else:
            size, _, data = data.removeprefix(b"\n#").partition(b"\n")
            message, data = data[: int(size)], data[int(size) :].removeprefix(CHUNKS_END)
        messages.append(message)
    return messages


def rpc(message_id, operation):
    return f'<rpc xmlns="{BASE}" message-id="{message_id}">{operation}</rpc>'.encode()


class EngineClient:
    """Talks to a `ServerSession` by function calls; it is also the session's link."""

    def __init__(self, server, version="1.1", username="admin"):
        self.delivered = []
        self.terminated = False
        self.version = version
        self.ids = itertools.count(1)
        self.session = server.open_session(self, username)
        self.session.hello()
        assert self.raw(hello(version) + END) == b""

    def deliver(self, message):
        self.delivered.append(message)

    def terminate(self):
        self.terminated = True

    def raw(self, data):
        return b"".join(bytes(buffer) for buffer in self.session.receive(data))

    def message(self, document):
        (reply,) = unframed(self.raw(framed(document, self.version)), self.version)
        return fromstring(reply)

    def rpc(self, operation):
        message_id = next(self.ids)
        reply = self.message(rpc(message_id, operation))
        assert reply.tag == f"{{{BASE}}}rpc-reply"
        assert reply.get("message-id") == str(message_id)
        return reply

    def ok(self, operation):
        assert [child.tag for child in self.rpc(operation)] == [f"{{{BASE}}}ok"]

    def data(self, operation):
        (data,) = self.rpc(operation)
        assert data.tag == f"{{{BASE}}}data"
        return list(data)

    def error(self, operation):
        return error_of(self.rpc(operation))


def error_of(reply):
    (error,) = reply
    assert error.tag == f"{{{BASE}}}rpc-error"
    return {
        element.tag.removeprefix(f"{{{BASE}}}error-").removeprefix(f"{{{BASE}}}"): element.text
        for element in error.iter()
        if len(element) == 0
    }


class SSHClient:
    """A NETCONF client over paramiko."""

    def __init__(self, server, version="1.1", **login):
        self.version = version
        self.ids = itertools.count(1)
        self.messages = []
        self.transport = paramiko.Transport((server.host, server.port))
        try:
            self.transport.connect(**({"username": "admin", "password": "admin"} | login))
            self.channel = self.transport.open_session(timeout=20)
            self.channel.settimeout(20)
        except BaseException:
            self.transport.close()
            raise

    def start(self, environment=None):
        for name, value in (environment or {}).items():
            self.channel.set_environment_variable(name, value)
        self.channel.invoke_subsystem("netconf")
        self.server_hello = fromstring(self.receive("1.0"))
        self.channel.sendall(framed(hello(self.version), "1.0"))
        return self

    @property
    def id(self):
        return self.server_hello.findtext(f"{{{BASE}}}session-id")

    def send(self, operation):
        self.channel.sendall(framed(rpc(next(self.ids), operation), self.version))

    def receive(self, version=None):
        version = version or self.version
        if self.messages:
            return self.messages.pop(0)
        end = END if version == "1.0" else CHUNKS_END
        parts = []
        while not parts or not b"".join(parts[-2:]).endswith(end):
            part = self.channel.recv(1 << 20)
            assert part, "the server ended the session"
            parts.append(part)
        message, *self.messages = unframed(b"".join(parts), version)
        return message

    def rpc(self, operation):
        self.send(operation)
        return fromstring(self.receive())

    def at_end(self):
        """Wait for the end of the stream; tell that nothing came before it."""
        return self.channel.recv(1) == b""

    def close(self):
        self.transport.close()
        self.transport.join(20)


@pytest.fixture
def netconf_server():
    return NetconfServer()


@pytest.fixture
def engine_client(netconf_server):
    def connect(server=netconf_server, **options):
        return EngineClient(server, **options)

    return connect


@pytest.fixture
def ssh_client():
    clients = []

    def connect(server, *, start=True, environment=None, **options):
        client = SSHClient(server, **options)
        clients.append(client)
        return client.start(environment) if start else client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def rpc_error():
    return error_of


@pytest.fixture
def server():
    with EmbeddedServer(datastore="<config><a/><b/></config>") as running:
        yield running


@pytest.fixture
def threads_of_servers():
    """Return the threads of servers that the test has started: others' may be running too."""
    before = threading.enumerate()

    def threads():
        begun = [thread for thread in threading.enumerate() if thread not in before]
        return [thread for thread in begun if thread.name.startswith("ncwire-server")]

    return threads
