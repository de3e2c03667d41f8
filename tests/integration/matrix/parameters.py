"""The parameters of `connect`, each by its effect."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

from matrix.row import parameter
from ncwire import Timeouts
from ncwire.driver import Algorithms, Feature
from ncwire.errors import (
    AuthenticationError,
    OptionError,
    SessionCloseError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHUnknownHostError,
    StepTimeoutError,
)

SUBSYSTEM = Path(__file__).parents[2] / "servers" / "netconf_subsystem.py"
PASSWORDS = "PasswordAuthentication yes"
PROMPTS = "UsePAM yes\nKbdInteractiveAuthentication yes"


@parameter("host", 'host="127.0.0.1"', "A session with the server that listens there.")
def _host(at):
    assert at.connect(at.sshd).rpc("<echo/>").message_id


@parameter(
    "host", 'host="::1"', "sshd logs a connection from ``::1``: an IPv6 address, without brackets."
)
def _host_v6(at):
    server = at.make_sshd(addresses=("::1",))
    assert at.connect(server).connected
    assert "Connection from ::1 " in server.log()


@parameter("port", "port=22000", "The server on that port answers, and not the one on another.")
def _port(at):
    first, second = at.make_sshd(), at.make_sshd()
    assert at.connect(first, known_hosts=first.known_hosts).port == first.port
    assert "Accepted publickey" in first.log()
    assert "Accepted publickey" not in second.log()


@parameter(
    "timeout", "timeout=0.3", "A host that takes no connection is given up after 0.3 s, by name."
)
def _timeout(at):
    with at.deaf() as server, at.raises(StepTimeoutError, match=r"TCP connect.*0\.3 s"):
        at.connect(server, timeout=0.3)


@parameter(
    "unknown_host_cb",
    "unknown_host_cb=ask",
    "Called once with the host and ssh-keygen's MD5 fingerprint; its answer decides.",
    needs=Feature.HOST_KEY,
)
def _unknown_host_cb(at):
    asked = []

    def ask(host, fingerprint):
        asked.append((host, fingerprint))
        return len(asked) == 1

    assert at.connect(at.sshd, known_hosts="/dev/null", unknown_host_cb=ask).connected
    with at.raises(SSHUnknownHostError):
        at.connect(at.sshd, known_hosts="/dev/null", unknown_host_cb=ask)
    fingerprint = at.fingerprint(at.sshd.host_keys["ed25519"], "md5").removeprefix("MD5:")
    assert asked == [(at.sshd.host, fingerprint)] * 2


@parameter("username", 'username="bob"', "sshd logs a login of that user.")
def _username(at):
    server = at.make_sshd(user=at.account.name)
    assert at.connect(server, username=at.account.name).connected
    assert f"Accepted publickey for {at.account.name} " in server.log()


@parameter(
    "password",
    "password=...",
    "sshd logs that the password was accepted; another password is denied.",
    needs=Feature.PASSWORD,
)
def _password(at):
    server = at.make_sshd(user=at.account.name, config=PASSWORDS)
    assert at.connect(server, key_filename=None, password=at.account.password).connected
    assert f"Accepted password for {at.account.name} " in server.log()
    with at.raises(AuthenticationError, match="password: denied"):
        at.connect(server, key_filename=None, password="another")


@parameter(
    "password",
    "password=..., key_filename=...",
    "An encrypted key is opened with it, and sshd logs that key's fingerprint.",
    needs=Feature.PUBLICKEY,
)
def _passphrase(at):
    key = at.key("encrypted_for_the_matrix", passphrase="opens it")
    server = at.make_sshd(authorized_keys=[key])
    assert at.connect(server, key_filename=str(key), password="opens it").connected
    assert at.fingerprint(key) in at.accepted(server)


@parameter(
    "key_filename",
    'key_filename=["a", "b"]',
    "sshd logs the fingerprint of the one that it takes.",
    needs=Feature.PUBLICKEY,
)
def _key_filename(at):
    wrong, right = at.key("stranger"), at.key("user")
    server = at.make_sshd(authorized_keys=[right])
    assert at.connect(server, key_filename=[str(wrong), str(right)]).connected
    assert at.fingerprint(right) in at.accepted(server)


@parameter(
    "allow_agent",
    "allow_agent=True",
    "The agent's key is accepted; with False nothing is tried.",
    needs=Feature.AGENT,
)
def _allow_agent(at):
    key = at.key("in-agent")
    at.agent.add(key)
    server = at.make_sshd(authorized_keys=[key])
    with at.raises(AuthenticationError, match="nothing to try"):
        at.connect(server, key_filename=None, allow_agent=False)
    assert at.connect(server, key_filename=None, allow_agent=True).connected
    assert at.fingerprint(key) in at.accepted(server)


@parameter(
    "hostkey_verify",
    "hostkey_verify=False",
    "A host is connected to whose key has changed; with True it is refused.",
    needs=Feature.HOST_KEY,
)
def _hostkey_verify(at):
    changed = at.known_hosts(at.sshd, at.key("another"))
    with at.raises(SSHHostKeyChangedError):
        at.connect(at.sshd, known_hosts=changed)
    session = at.session()
    session.load_known_hosts(changed)
    session.connect(
        at.sshd.host,
        at.sshd.port,
        username=at.sshd.user,
        key_filename=at.sshd.client_key,
        hostkey_verify=False,
    )
    assert session.connected


@parameter(
    "hostkey_b64",
    'hostkey_b64="AAAA..."',
    "The server's key is enough, with no known_hosts; any other key is refused.",
    needs=Feature.HOST_KEY,
)
def _hostkey_b64(at):
    right = at.public(at.sshd.host_keys["rsa"]).split()[1]
    assert at.connect(at.sshd, known_hosts="/dev/null", hostkey_b64=right).connected
    wrong = at.public(at.key("another")).split()[1]
    with at.raises(SSHHostKeyMismatchError):
        at.connect(at.sshd, hostkey_b64=wrong)


@parameter(
    "look_for_keys",
    "look_for_keys=True",
    "``~/.ssh/id_ed25519`` is accepted; with False nothing is tried.",
    needs=Feature.PUBLICKEY,
)
def _look_for_keys(at):
    key = at.key("usual")
    home = at.home()
    shutil.copy(key, home / ".ssh/id_ed25519")  # with its mode, which ssh looks at
    server = at.make_sshd(authorized_keys=[key])
    with at.raises(AuthenticationError, match="nothing to try"):
        at.connect(server, key_filename=None, look_for_keys=False)
    assert at.connect(server, key_filename=None, look_for_keys=True).connected


@parameter("ssh_config", 'ssh_config="file"', "A name that only the file knows is connected to.")
def _ssh_config(at):
    session = at.by_config(at.sshd)
    assert (session.host, session.port) == (at.sshd.host, at.sshd.port)


@parameter("ssh_config", "ssh_config=True", "The same, by ``~/.ssh/config``.")
def _users_ssh_config(at):
    (at.home() / ".ssh/config").write_text(at.config_for(at.sshd))
    session = at.session()
    session.connect("device", ssh_config=True, allow_agent=False, look_for_keys=False)
    assert session.port == at.sshd.port


@parameter(
    "sock_fd",
    "sock_fd=7",
    "sshd logs the connection from that socket's own port.",
    needs=Feature.SOCKET,
)
def _sock_fd(at):
    sock = socket.create_connection((at.sshd.host, at.sshd.port))
    source = sock.getsockname()[1]
    assert at.connect(at.sshd, sock_fd=sock.detach()).connected
    assert f"Connection from 127.0.0.1 port {source} " in at.sshd.log()


@parameter(
    "bind_addr",
    'bind_addr="127.0.0.2"',
    "sshd logs the connection from that address.",
    needs=Feature.BIND_ADDRESS,
)
def _bind_addr(at):
    server = at.make_sshd()
    assert at.connect(server, bind_addr="127.0.0.2").connected
    assert "Connection from 127.0.0.2 " in server.log()


@parameter(
    "sock",
    "sock=connected",
    "sshd logs the connection from that socket's own port.",
    needs=Feature.SOCKET,
)
def _sock(at):
    sock = socket.create_connection((at.sshd.host, at.sshd.port))
    source = sock.getsockname()[1]
    assert at.connect(at.sshd, sock=sock).connected
    assert f"Connection from 127.0.0.1 port {source} " in at.sshd.log()


@parameter(
    "keepalive",
    "keepalive=0.1",
    "A server that is frozen is found dead, and the session ends saying so.",
    needs=Feature.KEEPALIVE,
)
def _keepalive(at):
    server = at.make_sshd()
    session = at.connect(server, keepalive=0.1)
    with at.frozen(server), at.raises(SessionCloseError, match="no answer to 3 keepalives"):
        session.rpc("<echo/>", timeout=30)


@parameter(
    "environment",
    'environment={"NCWIRE_A": "b"}',
    "The subsystem has the variable.",
    needs=Feature.ENVIRONMENT,
)
def _environment(at):
    server = at.make_sshd(config="AcceptEnv NCWIRE_*")
    session = at.connect(server, environment={"NCWIRE_A": "b c"})
    assert "b c" in session.rpc('<environment name="NCWIRE_A"/>').raw


@parameter(
    "auth_handler",
    "auth_handler=answer",
    "It is asked PAM's question, and sshd logs that its answer was accepted.",
    needs=Feature.KEYBOARD_INTERACTIVE,
)
def _auth_handler(at):
    asked = []

    def answer(_title, _instruction, prompts):
        asked.extend(prompt.text.strip() for prompt in prompts)
        return [at.account.password for _ in prompts]

    server = at.make_sshd(user=at.account.name, config=PROMPTS)
    assert at.connect(server, key_filename=None, auth_handler=answer).connected
    assert asked == ["Password:"]
    assert "Accepted keyboard-interactive/pam for" in server.log()


@parameter("known_hosts", 'known_hosts="file"', "Only a host with a key in the file is trusted.")
def _known_hosts(at):
    assert at.connect(at.sshd, known_hosts=at.sshd.known_hosts).connected
    with at.raises(SSHUnknownHostError):
        at.connect(at.sshd, known_hosts="/dev/null")


@parameter(
    "jumps",
    'jumps=["bastion"]',
    "The bastion logs the login and the channel that is opened to the device.",
    needs=Feature.PROXY_JUMP,
)
def _jumps(at):
    bastion, device = at.make_sshd(config="LogLevel DEBUG1"), at.make_sshd()
    known = at.join(bastion.known_hosts, device.known_hosts)
    jump = at.jump(bastion)
    assert at.connect(device, known_hosts=known, jumps=[jump]).rpc("<echo/>").message_id
    assert "Accepted publickey" in bastion.log()
    assert "direct-tcpip" in bastion.log()


@parameter(
    "subsystems",
    'subsystems=["xmlagent", "netconf"]',
    "sshd logs a request for the first, which it refuses, and for the second.",
)
def _subsystems(at):
    server = at.make_sshd(config="LogLevel DEBUG1")
    assert at.connect(server, subsystems=["xmlagent", "netconf"]).connected
    assert f"subsystem request for xmlagent by user {server.user} failed" in server.log()


@parameter(
    "profile",
    'profile="junos"',
    "sshd logs a request for the subsystem ``netconf``, which it refuses, and starts a command.",
    needs=Feature.COMMAND,
)
def _profile(at):
    # Whatever the command is, this one is run; there is no subsystem.
    command = f"ForceCommand {sys.executable} -IS {SUBSYSTEM}"
    server = at.make_sshd(config=f"{command}\nLogLevel DEBUG1", subsystems={})
    session = at.connect(server, profile="junos")
    assert session.rpc("<echo/>").message_id
    assert f"subsystem request for netconf by user {server.user} failed" in server.log()
    assert "Starting session: forced-command" in server.log()


@parameter(
    "timeouts",
    "timeouts=Timeouts(handshake=0.3)",
    "A peer that accepts and stays silent is given up after 0.3 s, by the step's name.",
)
def _timeouts(at):
    with at.silent() as server, at.raises(StepTimeoutError, match=r"0\.3 s"):
        at.connect(server, timeouts=Timeouts(handshake=0.3))


@parameter(
    "algorithms",
    'algorithms=Algorithms(ciphers=("aes256-ctr",))',
    "sshd logs that cipher, and so does ``channel_info``.",
    needs=Feature.ALGORITHMS,
)
def _algorithms(at):
    server = at.make_sshd(config="LogLevel DEBUG1")
    session = at.connect(server, algorithms=Algorithms(ciphers=("aes256-ctr",)))
    assert session.channel_info.cipher == "aes256-ctr"
    assert "client->server cipher: aes256-ctr " in server.log()


@parameter(
    "ssh_options",
    'ssh_options=["BindAddress=127.0.0.3"]',
    "sshd logs the connection from that address, which wins over the file's.",
    needs=Feature.BIND_ADDRESS,
)
def _ssh_options(at):
    server = at.make_sshd()
    at.by_config(server, "BindAddress 127.0.0.2", ssh_options=["BindAddress=127.0.0.3"])
    assert "Connection from 127.0.0.3 " in server.log()


@parameter(
    "driver_options",
    'driver_options={"no_such_option": 1}',
    "An option that the driver has not is refused by its name; the server logs no connection.",
)
def _driver_options(at):
    server = at.make_sshd()
    with at.raises(OptionError, match=r"^driver_options\.no_such_option: "):
        at.connect(server, driver_options={"no_such_option": 1})
    assert "Connection from" not in server.log()


@parameter(
    "accept_new",
    "accept_new=True",
    "The file then has the host's key, and another key of the host is refused.",
    needs=Feature.HOST_KEY,
)
def _accept_new(at):
    file = at.tmp / "new_known_hosts"
    file.touch()
    assert at.connect(at.sshd, known_hosts=file, accept_new=True).connected
    assert at.public(at.sshd.host_keys["ed25519"]) in file.read_text()
    assert at.connect(at.sshd, known_hosts=file).connected
    changed = at.known_hosts(at.sshd, at.key("another"))
    with at.raises(SSHHostKeyChangedError):
        at.connect(at.sshd, known_hosts=changed, accept_new=True)


@parameter(
    "keepalive_count",
    "keepalive=0.1, keepalive_count=1",
    "A server that is frozen is found dead after one keepalive.",
    needs=Feature.KEEPALIVE,
)
def _keepalive_count(at):
    server = at.make_sshd()
    session = at.connect(server, keepalive=0.1, keepalive_count=1)
    with at.frozen(server), at.raises(SessionCloseError, match="no answer to 1 keepalive"):
        session.rpc("<echo/>", timeout=30)


@parameter(
    "passphrase",
    "passphrase=..., password=..., key_filename=...",
    "An encrypted key is opened with it, and the password is the login's: sshd logs both.",
    needs=Feature.PUBLICKEY,
)
def _passphrase_of_its_own(at):
    key = at.key("encrypted_beside_a_password", passphrase="opens it")
    server = at.make_sshd(
        user=at.account.name,
        authorized_keys=[key],
        config=f"{PASSWORDS}\nAuthenticationMethods publickey,password",
    )
    given = {"key_filename": str(key), "password": at.account.password}
    assert at.connect(server, passphrase="opens it", **given).connected
    assert f"Partial publickey for {at.account.name} " in server.log()
    assert at.fingerprint(key) in server.log()
    assert f"Accepted password for {at.account.name} " in server.log()
