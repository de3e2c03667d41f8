"""Keys that are in a token: by PKCS#11, and as FIDO keys, whose files only stand for them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ncwire.errors import AuthenticationError, OptionError
from servers import requirement

pytestmark = pytest.mark.sshd

PIN = "482913"
LIBRARIES = "usr/lib/softhsm/libsofthsm2.so", "usr/lib/*/softhsm/libsofthsm2.so"
SECURITY_KEY_PROVIDER = "NCWIRE_TEST_SECURITY_KEY_PROVIDER"
"""Names a library like the sk-dummy.so of OpenSSH's own tests; see docs/openssh.rst."""


@pytest.fixture
def token(tmp_path, monkeypatch) -> tuple[str, Path]:
    """A token of software with a key in it: its library, and the key's public half."""
    softhsm = requirement.program("softhsm2-util", "softhsm2")
    tool = requirement.program("pkcs11-tool", "opensc")
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern)]
    if not found:
        requirement.missing("libsofthsm2.so is not installed: Debian package softhsm2")
    library = str(found[0])
    (tmp_path / "tokens").mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tmp_path}/tokens\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    run(softhsm, "--init-token", "--free", "--label", "test", "--pin", PIN, "--so-pin", "0000")
    run(
        *(tool, "--module", library, "--token-label", "test", "--login", "--pin", PIN),
        *("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "key"),
    )
    told = run(requirement.program("ssh-keygen", "openssh-client"), "-D", library)
    public = tmp_path / "token.pub"
    public.write_text(told.splitlines()[0] + "\n")
    return library, public.with_suffix("")


def run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_key_of_a_token_lets_in_by_its_pin(connect, make_sshd, token, watched_ssh):
    library, public = token
    server = make_sshd(authorized_keys=[public])
    options = {"pkcs11_provider": library, "pin": PIN}
    assert connect(server, key_filename=None, driver_options=options).connected
    assert PIN not in watched_ssh.read_text(errors="replace")


@pytest.mark.parametrize("pin", [None, "000000"])
def test_without_the_right_pin_it_does_not(connect, make_sshd, token, pin):
    library, public = token
    server = make_sshd(authorized_keys=[public])
    with pytest.raises(AuthenticationError) as caught:
        connect(server, key_filename=None, driver_options={"pkcs11_provider": library, "pin": pin})
    assert pin is None or pin not in str(caught.value) + repr(caught.value)


def test_one_login_by_the_token_serves_many_sessions(connect, make_sshd, token):
    library, public = token
    server = make_sshd(authorized_keys=[public])
    with TemporaryDirectory(prefix="ncwire-") as folder:  # a socket's name is a short one
        options = {"pkcs11_provider": library, "pin": PIN, "control_path": Path(folder) / "%C"}
        sessions = [connect(server, key_filename=None, driver_options=options) for _ in range(3)]
        assert all(session.rpc("<echo/>").message_id for session in sessions)
        assert server.log().count("Accepted publickey") == 1


def test_a_fido_key_in_a_file_lets_in(connect, make_sshd, tmp_path):
    provider = os.environ.get(SECURITY_KEY_PROVIDER)
    if not provider:
        pytest.skip(f"{SECURITY_KEY_PROVIDER} names no library; docs/openssh.rst tells of one")
    key = tmp_path / "id_ed25519_sk"
    keygen = requirement.program("ssh-keygen", "openssh-client")
    run(keygen, "-q", "-t", "ed25519-sk", "-w", provider, "-N", "", "-f", key)
    server = make_sshd(authorized_keys=[key])
    options = {"security_key_provider": provider}
    assert connect(server, key_filename=str(key), driver_options=options).connected


@pytest.mark.parametrize("option", ["pkcs11_provider", "security_key_provider"])
def test_a_library_that_is_not_there_is_told_though_a_key_would_do(
    connect, make_sshd, tmp_path, option
):
    missing = tmp_path / "none.so"
    server = make_sshd()
    with pytest.raises(OptionError, match=f"{option}: {missing}: there is no such file"):
        connect(server, driver_options={option: missing})
    assert "Connection from" not in server.log()
