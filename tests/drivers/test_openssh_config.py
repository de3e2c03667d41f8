"""The configuration that the driver openssh writes for ssh, read back by ssh itself (-G)."""

from __future__ import annotations

import socket
import subprocess

import pytest

from ncwire._plugins.driver_options import settled, with_driver_options
from ncwire.driver import Algorithms, ConnectOptions
from ncwire.errors import ConnectError, KeyFileError, OptionError, UnsupportedOption
from ncwire_openssh import OpenSSHDriver
from ncwire_openssh.config import host_argument, ssh_config
from ncwire_openssh.folder import Folder
from servers import requirement

KNOWN = Algorithms(
    kex=("curve25519-sha256",),
    host_keys=("rsa-sha2-512", "ssh-ed25519"),
    ciphers=("aes256-ctr", "aes128-ctr"),
    macs=("hmac-sha2-256",),
)


@pytest.fixture
def folder():
    folder = Folder()
    yield folder
    folder.remove()


@pytest.fixture
def text(folder):
    def text(driver_options=None, *, is_hop=False, **changes) -> str:
        values = {"host": "r1", "username": "admin", "allow_agent": False, "look_for_keys": False}
        own = settled(OpenSSHDriver, driver_options or {})
        options = ConnectOptions(**values | changes, driver_options=own)
        return ssh_config("openssh", options, folder, KNOWN, fd_is_given=False, is_hop=is_hop)

    return text


@pytest.fixture
def read_back(text, folder):
    """What ssh makes of it: its keywords in small letters, with the last of their values."""
    ssh = requirement.program("ssh", "openssh-client")

    def read_back(*given, **changes) -> dict[str, str]:
        folder.write_config(text(*given, **changes))
        done = subprocess.run(
            [ssh, "-G", "-F", folder.config, "r1"], check=True, capture_output=True, text=True
        )
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    return read_back


def test_nothing_is_checked_less_than_strictly(read_back):
    told = read_back()
    assert told["stricthostkeychecking"] == "true"
    assert told["userknownhostsfile"] == told["globalknownhostsfile"] == "/dev/null"
    assert told["forwardagent"] == told["permitlocalcommand"] == "no"
    assert told["batchmode"] == "yes"


def test_methods_come_in_the_order_of_the_options_and_prompts_after_the_password(read_back):
    assert read_back(password="x")["preferredauthentications"] == "password,keyboard-interactive"
    only = read_back(password="x", auth_methods=("keyboard-interactive",))
    assert only["preferredauthentications"] == "keyboard-interactive"
    assert only["passwordauthentication"] == "no"


def test_gssapi_comes_first_and_only_if_asked_for(read_back):
    assert "gssapi" not in read_back(password="x")["preferredauthentications"]
    told = read_back({"gssapi": True}, password="x")
    assert told["preferredauthentications"].startswith("gssapi-with-mic,")


def test_algorithms_are_those_of_the_options_and_no_others(read_back):
    chosen = Algorithms(
        kex=("curve25519-sha256",),
        host_keys=("rsa-sha2-512", "ssh-ed25519"),
        ciphers=("aes256-ctr", "aes128-ctr"),
        macs=("hmac-sha2-256",),
        compression=("zlib@openssh.com", "none"),
    )
    told = read_back(algorithms=chosen)
    assert told["kexalgorithms"] == "curve25519-sha256"
    assert told["hostkeyalgorithms"] == "rsa-sha2-512,ssh-ed25519"
    assert told["ciphers"] == "aes256-ctr,aes128-ctr"
    assert told["macs"] == "hmac-sha2-256"
    assert told["compression"] == "yes"


@pytest.mark.parametrize("name", ["+aes128-cbc", "*", "a,b", "a b", "", "aes128-gcm@elsewhere"])
def test_what_ssh_has_not_is_left_out_and_refused_where_nothing_is_left(text, name):
    written = text(algorithms=Algorithms(ciphers=(name, "aes128-ctr")))
    assert "\nCiphers aes128-ctr\n" in written
    with pytest.raises(UnsupportedOption, match=r"algorithms\.ciphers"):
        text(algorithms=Algorithms(ciphers=(name,)))


def test_providers_and_addresses(read_back):
    told = read_back(
        {"pkcs11_provider": "/usr/lib/a 50%.so", "security_key_provider": "/usr/lib/sk.so"},
        bind_addr="127.0.0.2",
        address_family=socket.AF_INET6,
    )
    assert told["pkcs11provider"] == "/usr/lib/a 50%.so"
    assert told["securitykeyprovider"] == "/usr/lib/sk.so"
    assert (told["bindaddress"], told["addressfamily"]) == ("127.0.0.2", "inet6")


def test_a_hops_keepalive_is_sshs_and_the_hosts_is_the_cores(read_back):
    assert read_back(keepalive=0.3)["serveraliveinterval"] == "0"
    told = read_back(is_hop=True, keepalive=0.3, keepalive_count=7)
    assert (told["serveraliveinterval"], told["serveralivecountmax"]) == ("1", "7")


def test_a_key_file_with_a_name_that_ssh_reads_more_into(read_back, tmp_path):
    key = tmp_path / 'a "key" of 100%'
    key.touch()
    assert read_back(key_filename=(str(key),))["identityfile"].replace("%%", "%") == str(key)


def test_a_key_file_that_is_not_there_is_an_error_if_there_is_nothing_else(text, tmp_path):
    with pytest.raises(KeyFileError):
        text(key_filename=(str(tmp_path / "none"),))
    assert "IdentityFile none" in text(key_filename=(str(tmp_path / "none"),), password="x")


@pytest.mark.parametrize(
    "changes", [{"bind_addr": "a\nProxyCommand x"}, {"host_key_alias": "a\nb"}]
)
def test_nothing_can_put_a_line_of_its_own_into_it(text, changes):
    with pytest.raises(ConnectError, match="line break"):
        text(**changes)


def test_a_secret_is_never_in_it(text):
    written = text({"pin": "s3cret-pin"}, password="s3cret-password", passphrase="s3cret-phrase")
    assert "s3cret" not in written


@pytest.mark.parametrize("host", ["user@r1", "ssh://r1/"])
def test_a_host_that_ssh_reads_more_into_is_refused(host):
    with pytest.raises(ConnectError):
        host_argument(ConnectOptions(host=host, username="admin"))


@pytest.mark.parametrize("name", ["control_path", "pkcs11_provider", "security_key_provider"])
def test_no_profile_has_ssh_run_a_library_or_trust_what_it_has_not_judged(name):
    options = ConnectOptions(host="r1", username="admin")
    with pytest.raises(OptionError, match=f"{name}: decides whom to trust"):
        with_driver_options(options, OpenSSHDriver, {"openssh": {name: "/a-%C"}}, None)
    own = with_driver_options(options, OpenSSHDriver, None, {name: "/a-%C"}).driver_options
    assert own[name] == "/a-%C"
