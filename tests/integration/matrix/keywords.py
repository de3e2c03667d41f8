"""The keywords of ssh_config, each by its effect."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from matrix.row import keyword
from ncwire.driver import Feature
from ncwire.errors import (
    AuthenticationError,
    ConnectError,
    SessionCloseError,
    SSHUnknownHostError,
    StepTimeoutError,
)

DEBUG = "LogLevel DEBUG1"
RELAY = Path(__file__).with_name("relay.py")


@keyword("HostName", "HostName 127.0.0.1", "The session is with that address.")
def _host_name(at):
    assert at.by_config(at.sshd, f"HostName {at.sshd.host}").host == at.sshd.host


@keyword("Port", "Port 22000", "The session is with the server on that port.")
def _port(at):
    assert at.by_config(at.sshd, f"Port {at.sshd.port}").port == at.sshd.port


@keyword("User", "User bob", "sshd logs a login of that user.")
def _user(at):
    server = at.make_sshd(user=at.account.name)
    at.by_config(server, f"User {at.account.name}")
    assert f"Accepted publickey for {at.account.name} " in server.log()


@keyword(
    "IdentityFile",
    'IdentityFile "%d/my keys/%h"',
    "sshd logs the fingerprint of the key in that file.",
    needs=Feature.PUBLICKEY,
)
def _identity_file(at):
    key = at.key("user")
    folder = at.tmp / "my keys"
    folder.mkdir()
    shutil.copy(key, folder / at.sshd.host)  # with its mode, which ssh looks at
    server = at.make_sshd(authorized_keys=[key])
    at.by_config(server, f'IdentityFile "{folder}/%h"')
    assert at.fingerprint(key) in at.accepted(server)


@keyword(
    "IdentitiesOnly",
    "IdentitiesOnly yes",
    "sshd logs no attempt with the agent's other key, as it does without.",
    needs=Feature.AGENT,
)
def _identities_only(at):
    other, key = at.key("in-agent"), at.key("user")
    at.agent.add(other)
    server = at.make_sshd(authorized_keys=[key])
    lines = [f"IdentityFile {key}"]
    at.by_config(server, *lines, "IdentitiesOnly yes", allow_agent=True)
    assert at.fingerprint(other) not in server.log()
    at.by_config(server, *lines, allow_agent=True)
    assert at.fingerprint(other) in server.log()


@keyword(
    "CertificateFile",
    "CertificateFile user-cert.pub",
    "sshd, which knows the CA only, logs the login by that certificate.",
    needs=Feature.USER_CERTIFICATE,
)
def _certificate_file(at):
    authority, key = at.key("user-ca"), at.key("user")
    certificate = at.certificate(authority, key, "matrix-id", principal=at.sshd.user)
    server = at.make_sshd(
        authorized_keys=[], config=f"{DEBUG}\nTrustedUserCAKeys {at.published(authority)}"
    )
    at.by_config(server, f"IdentityFile {key}", f"CertificateFile {certificate}")
    assert "matrix-id" in at.accepted(server)


@keyword(
    "UserKnownHostsFile",
    'UserKnownHostsFile "my hosts"',
    "The host whose key is in that file is trusted, and another not.",
    needs=Feature.HOST_KEY,
)
def _user_known_hosts_file(at):
    at.by_config(at.sshd, f'UserKnownHostsFile "{at.spaced(at.sshd.known_hosts)}"')
    with at.raises(SSHUnknownHostError):
        at.by_config(at.sshd, "UserKnownHostsFile none")


@keyword(
    "GlobalKnownHostsFile",
    "GlobalKnownHostsFile hosts",
    "The host whose key is in that file is trusted.",
    needs=Feature.HOST_KEY,
)
def _global_known_hosts_file(at):
    at.by_config(at.sshd, f"GlobalKnownHostsFile {at.sshd.known_hosts}", "UserKnownHostsFile none")


@keyword(
    "HostKeyAlias",
    "HostKeyAlias lab",
    "The key that is on file for ``lab`` alone is found.",
    needs=Feature.HOST_KEY,
)
def _host_key_alias(at):
    file = at.tmp / "by_alias"
    file.write_text(f"lab {at.public(at.sshd.host_keys['ed25519'])}\n")
    at.by_config(at.sshd, "HostKeyAlias lab", f"UserKnownHostsFile {file}")
    with at.raises(SSHUnknownHostError):
        at.by_config(at.sshd, f"UserKnownHostsFile {file}")


@keyword(
    "StrictHostKeyChecking",
    "StrictHostKeyChecking no",
    "An unknown host is refused all the same.",
)
def _strict_host_key_checking(at):
    for word in ("no", "ask", "yes"):
        with at.raises(SSHUnknownHostError):
            at.by_config(at.sshd, f"StrictHostKeyChecking {word}", "UserKnownHostsFile none")


@keyword(
    "ConnectTimeout", "ConnectTimeout 1", "A host that takes no connection is given up after 1 s."
)
def _connect_timeout(at):
    with at.deaf() as server, at.raises(StepTimeoutError, match=r"TCP connect.* 1 s"):
        at.by_config(server, "ConnectTimeout 1")


@keyword(
    "ServerAliveInterval",
    "ServerAliveInterval 1",
    "A server that is frozen is found dead, and the session ends saying so.",
    needs=Feature.KEEPALIVE,
)
def _server_alive_interval(at):
    server = at.make_sshd()
    session = at.by_config(server, "ServerAliveInterval 1")
    with at.frozen(server), at.raises(SessionCloseError, match="keepalive"):
        session.rpc("<echo/>", timeout=30)


@keyword(
    "ProxyCommand",
    "ProxyCommand relay %h %p",
    "The command is run with host and port, and the session is through it.",
    needs=Feature.PROXY_COMMAND,
)
def _proxy_command(at):
    mark = at.tmp / "relayed"
    relay = shlex.join([sys.executable, str(RELAY), str(mark)])
    assert at.by_config(at.sshd, f"ProxyCommand {relay} %h %p").rpc("<echo/>").message_id
    assert mark.read_text() == f"{at.sshd.host} {at.sshd.port}"


@keyword(
    "ProxyJump",
    "ProxyJump first,second",
    "Each of two bastions logs the login and the channel that is opened to the next.",
    needs=Feature.PROXY_JUMP,
)
def _proxy_jump(at):
    first, second, device = at.make_sshd(config=DEBUG), at.make_sshd(config=DEBUG), at.make_sshd()
    known = at.join(first.known_hosts, second.known_hosts, device.known_hosts)
    hops = "".join(
        at.config_for(server, f"UserKnownHostsFile {known}", name=name)
        for name, server in (("first", first), ("second", second))
    )
    session = at.by_config(
        device, "ProxyJump first,second", f"UserKnownHostsFile {known}", after=hops
    )
    assert session.rpc("<echo/>").message_id
    for bastion in (first, second):
        assert "Accepted publickey" in bastion.log()
        assert "direct-tcpip" in bastion.log()


@keyword(
    "BindAddress",
    "BindAddress 127.0.0.2",
    "sshd logs the connection from that address.",
    needs=Feature.BIND_ADDRESS,
)
def _bind_address(at):
    server = at.make_sshd()
    at.by_config(server, "BindAddress 127.0.0.2")
    assert "Connection from 127.0.0.2 " in server.log()


@keyword(
    "AddressFamily",
    "AddressFamily inet",
    "A server on ``::1`` is not connected to, as it is with ``inet6``.",
    needs=Feature.ADDRESS_FAMILY,
)
def _address_family(at):
    server = at.make_sshd(addresses=("::1",))
    at.by_config(server, "AddressFamily inet6")
    with at.raises(ConnectError):
        at.by_config(server, "AddressFamily inet")
    assert server.log().count("Connection from ::1 ") == 1


@keyword(
    "Compression",
    "Compression yes",
    "sshd logs zlib@openssh.com in both directions.",
    needs=Feature.COMPRESSION,
)
def _compression(at):
    server = at.make_sshd(config=DEBUG)
    assert at.by_config(server, "Compression yes").rpc("<echo/>").message_id
    assert server.log().count("compression: zlib@openssh.com") == 2


@keyword(
    "KexAlgorithms",
    "KexAlgorithms ecdh-sha2-nistp384",
    "sshd logs that key exchange.",
    needs=Feature.ALGORITHMS,
)
def _kex_algorithms(at):
    server = at.make_sshd(config=DEBUG)
    at.by_config(server, "KexAlgorithms ecdh-sha2-nistp384")
    assert "kex: algorithm: ecdh-sha2-nistp384 " in server.log()


@keyword(
    "Ciphers",
    "Ciphers -aes*-gcm@openssh.com",
    "sshd logs aes128-ctr, which comes next in ncwire's own list.",
    needs=Feature.ALGORITHMS,
)
def _ciphers(at):
    server = at.make_sshd(config=DEBUG)
    at.by_config(server, "Ciphers -aes*-gcm@openssh.com")
    assert server.log().count("cipher: aes128-ctr ") == 2


@keyword(
    "MACs",
    "MACs ^hmac-sha2-512",
    "sshd logs that MAC in both directions, with a cipher that needs one.",
    needs=Feature.ALGORITHMS,
)
def _macs(at):
    server = at.make_sshd(config=DEBUG)
    at.by_config(server, "MACs ^hmac-sha2-512", "Ciphers aes128-ctr")
    assert server.log().count("MAC: hmac-sha2-512 ") == 2


@keyword(
    "HostKeyAlgorithms",
    "HostKeyAlgorithms ecdsa-sha2-nistp256",
    "sshd logs that host key algorithm.",
    needs=Feature.ALGORITHMS,
)
def _host_key_algorithms(at):
    server = at.make_sshd(config=DEBUG)
    at.by_config(server, "HostKeyAlgorithms ecdsa-sha2-nistp256")
    assert "kex: host key algorithm: ecdsa-sha2-nistp256 " in server.log()


@keyword(
    "SetEnv",
    'SetEnv NCWIRE_A="b c"',
    "The subsystem has the variable.",
    needs=Feature.ENVIRONMENT,
)
def _set_env(at):
    server = at.make_sshd(config="AcceptEnv NCWIRE_*")
    session = at.by_config(server, 'SetEnv NCWIRE_A="b c"')
    assert "b c" in session.rpc('<environment name="NCWIRE_A"/>').raw


@keyword(
    "SendEnv",
    "SendEnv NCWIRE_*",
    "The subsystem has this process's variable.",
    needs=Feature.ENVIRONMENT,
)
def _send_env(at):
    at.setenv("NCWIRE_B", "from here")
    server = at.make_sshd(config="AcceptEnv NCWIRE_*")
    session = at.by_config(server, "SendEnv NCWIRE_*")
    assert "from here" in session.rpc('<environment name="NCWIRE_B"/>').raw


@keyword("Include", "Include more", "The settings of the other file apply.")
def _include(at):
    more = at.tmp / "more"
    more.write_text(f"Port {at.sshd.port}\n")
    assert at.by_config(at.sshd, f"Include {more}", "Port 1").port == at.sshd.port


@keyword("Host", "Host device !other", "The block applies to that host, and the next does not.")
def _host(at):
    assert at.by_config(at.sshd, after="Host other\n  Port 1\n").port == at.sshd.port


@keyword("Match", 'Match originalhost device exec "true"', "The block applies.")
def _match(at):
    match = f'Match originalhost device exec "true"\n  Port {at.sshd.port}\n'
    assert at.by_config(at.sshd, before=match).port == at.sshd.port


@keyword("IgnoreUnknown", "IgnoreUnknown NoKeyword", "A line with that keyword does no harm.")
def _ignore_unknown(at):
    assert at.by_config(at.sshd, "IgnoreUnknown NoKeyword", "NoKeyword 1").connected


@keyword(
    "IdentityAgent",
    "IdentityAgent /run/agent",
    "The key of the agent that listens there is accepted, with no SSH_AUTH_SOCK set.",
    needs=Feature.AGENT,
)
def _identity_agent(at):
    key = at.key("in-agent")
    at.agent.add(key)
    at.setenv("SSH_AUTH_SOCK", "")
    server = at.make_sshd(authorized_keys=[key])
    lines = ["IdentityFile none", f"IdentityAgent {at.agent.socket}"]
    at.by_config(server, *lines, allow_agent=True)
    assert at.fingerprint(key) in at.accepted(server)
    at.setenv("SSH_AUTH_SOCK", str(at.agent.socket))
    with at.raises(AuthenticationError):
        at.by_config(server, "IdentityFile none", "IdentityAgent none", allow_agent=True)


@keyword(
    "StrictHostKeyChecking",
    "StrictHostKeyChecking accept-new",
    "The user's file then has the host's key, by its name and port.",
    needs=Feature.HOST_KEY,
)
def _accept_new(at):
    file = at.tmp / "new_known_hosts"
    at.by_config(at.sshd, "StrictHostKeyChecking accept-new", f"UserKnownHostsFile {file}")
    name = f"[{at.sshd.host}]:{at.sshd.port}"
    assert f"{name} {at.public(at.sshd.host_keys['ed25519'])}" in file.read_text()


@keyword(
    "HashKnownHosts",
    "HashKnownHosts yes",
    "The line that accept-new adds has no name in clear, and is found again.",
    needs=Feature.HOST_KEY,
)
def _hash_known_hosts(at):
    file = at.tmp / "new_known_hosts"
    lines = [f"UserKnownHostsFile {file}", "HashKnownHosts yes"]
    at.by_config(at.sshd, *lines, "StrictHostKeyChecking accept-new")
    assert file.read_text().startswith("|1|")
    assert at.sshd.host not in file.read_text()
    at.by_config(at.sshd, *lines)


@keyword(
    "ServerAliveCountMax",
    "ServerAliveCountMax 1",
    "A server that is frozen is found dead after one keepalive.",
    needs=Feature.KEEPALIVE,
)
def _server_alive_count_max(at):
    server = at.make_sshd()
    session = at.by_config(server, "ServerAliveInterval 1", "ServerAliveCountMax 1")
    with at.frozen(server), at.raises(SessionCloseError, match="no answer to 1 keepalive"):
        session.rpc("<echo/>", timeout=30)


@keyword(
    "PreferredAuthentications",
    "PreferredAuthentications password,publickey",
    "sshd logs that the password was accepted, though the key would be too.",
    needs=Feature.PASSWORD,
)
def _preferred_authentications(at):
    server = at.make_sshd(user=at.account.name, config="PasswordAuthentication yes")
    password = at.account.password
    at.by_config(server, "PreferredAuthentications password,publickey", password=password)
    assert "Accepted password" in at.accepted(server)
    at.by_config(server, password=password)
    assert "Accepted publickey" in at.accepted(server)


@keyword(
    "PubkeyAuthentication",
    "PubkeyAuthentication no",
    "A key that would be accepted is not tried: sshd logs none.",
    needs=Feature.PUBLICKEY,
)
def _pubkey_authentication(at):
    server = at.make_sshd()
    with at.raises(AuthenticationError):
        at.by_config(server, "PubkeyAuthentication no")
    assert "Accepted key" not in server.log()
    at.by_config(server)


@keyword(
    "PasswordAuthentication",
    "PasswordAuthentication no",
    "A password that would be accepted is not sent: sshd logs none.",
    needs=Feature.PASSWORD,
)
def _password_authentication(at):
    server = at.make_sshd(user=at.account.name, config="PasswordAuthentication yes")
    settings = ["IdentityFile none"]
    with at.raises(AuthenticationError):
        at.by_config(server, *settings, "PasswordAuthentication no", password=at.account.password)
    assert "password for" not in server.log()
    at.by_config(server, *settings, password=at.account.password)


@keyword(
    "KbdInteractiveAuthentication",
    "KbdInteractiveAuthentication no",
    "Prompts that would be answered are not asked for.",
    needs=Feature.KEYBOARD_INTERACTIVE,
)
def _kbd_interactive_authentication(at):
    def answer(_title, _instruction, prompts):
        return [at.account.password for _ in prompts]

    server = at.make_sshd(
        user=at.account.name, config="UsePAM yes\nKbdInteractiveAuthentication yes"
    )
    with at.raises(AuthenticationError):
        at.by_config(
            server,
            "IdentityFile none",
            "KbdInteractiveAuthentication no",
            auth_handler=answer,
        )
    assert "keyboard-interactive" not in server.log()
    at.by_config(server, "IdentityFile none", auth_handler=answer)
