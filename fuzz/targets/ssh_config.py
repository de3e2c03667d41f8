"""ssh_config, where OpenSSH's client is not installed: read, or refused in clear words."""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

from ncwire._ssh.config.interpret import Question
from ncwire._ssh.config.paramiko_parser import Fallback
from ncwire._ssh.config.result import SSHConfig
from ncwire.errors import OptionError
from targets.property import outcome, require

TOKENS = (
    b"Host *\n", b"Host r1\n", b"Match host r1\n", b"HostName ", b"%h", b"%%", b"Port ", b"22",
    b"User ", b"ProxyJump a@b:1,c", b"ProxyCommand nc %h %p", b"IdentityFile ~/x", b"~",
    b"${HOME}", b"none", b"Ciphers -aes*", b"KexAlgorithms +x", b"SetEnv A=1", b"SendEnv L*",
    b"ConnectTimeout 1m", b"\n", b"StrictHostKeyChecking ", b"no", b"yes", b"accept-new", b'"',
    b"'", b"\\", b"=", b"#", b"\0", b"\xff", b"UserKnownHostsFile ", b"HostKeyAlias ",
    b"ServerAliveCountMax ", b"9" * 30, b"\xc2\xb2", b"BindAddress ", b"AddressFamily inet6",
    b"Compression yes", b"HashKnownHosts yes", b"!", b"?",
)  # fmt: skip
LONGEST = 1024


def _file() -> Path:
    handle, name = tempfile.mkstemp(prefix="ncwire-fuzz-")
    os.close(handle)
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    return path


_PATH = _file()
_QUESTION = Question(host="r1", default_port=830)


def one(data: bytes) -> None:
    """Ask a file about a host."""
    _PATH.write_bytes(data)
    found = outcome(lambda: Fallback(str(_PATH), "f").read(_QUESTION).value(), OptionError)
    if not isinstance(found, SSHConfig):
        return
    require(bool(found.hostname), "there is a name to connect to")
    require(isinstance(found.port, int), "a port is a number")
