"""`import ncwire` imports nothing that is slow and not needed at once; it comes when it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ncwire

SLOW = {
    "argparse", "asyncio", "cryptography", "difflib", "email", "hashlib", "http",
    "importlib.metadata", "ipaddress", "ncwire.callhome", "ncwire.driver.algorithms",
    "ncwire.driver.auth", "ncwire.driver.hostkey", "ncwire.driver.kexinit",
    "ncwire.driver.options", "ncwire.persistent", "ncwire.profiles.driver_choice",
    "ncwire._plugins.registry",
    "ncwire._algorithms.policy", "ncwire._ssh.config", "ncwire._ssh.options.resolve",
    "ncwire._ssh.options.parameters", "ncwire._ssh.connecting", "ncwire.testing", "ncwire_libssh2",
    "ncwire_paramiko", "paramiko", "pathlib", "rich", "ssh2", "ssl", "stevedore", "subprocess",
    "tempfile", "urllib.parse", "xml.sax",
}  # fmt: skip


def imported_by(code: str) -> set[str]:
    """Return what code imports in a new interpreter, beyond what that has imported by itself.

    Without `site`, for an editable installation's hooks import half the library on their own.
    """
    program = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    path = os.pathsep.join([str(Path(ncwire.__file__).parents[1]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return set(json.loads(done.stdout))


def test_import_brings_in_nothing_slow():
    imported = imported_by("import ncwire")
    assert "ncwire._session.base" in imported
    assert not imported & SLOW


CONNECT_WITH_A_BAD_FILE = """
try: ncwire.connect("h", ssh_config="/nonexistent")
except ncwire.NcwireError as error: assert "/nonexistent" in str(error)
else: raise AssertionError
"""
CONNECT_BY_A_BAD_NAME = """
try: ncwire.connect("h", driver="paramik")
except ncwire.DriverError as error: assert "did you mean 'paramiko'" in str(error)
else: raise AssertionError
"""


@pytest.mark.parametrize(
    "use",
    [
        "assert ncwire.callhome.listen",
        "from ncwire import callhome; assert callhome is ncwire.callhome",
        "from ncwire import *; assert callhome.PORT == 4334",
        "from ncwire import Capabilities as C; assert C(['a:b?c=%2C'])['a:b'].parameters['c']",
        "from ncwire._plugins import registry; assert 'paramiko' in registry.names()",
        "assert ncwire.AlgorithmPolicy(allow=ncwire.Algorithms(kex=('a',))).allow.kex",
        "assert ncwire.Jump(host='h').port is None",
        "assert ncwire.__version__[0].isdigit()",
        "from ncwire.driver import HostKey; assert HostKey('x', b'').sha256[:7] == 'SHA256:'",
        "from ncwire.driver import NoneAttempt as N; assert ncwire.driver.NoneAttempt is N",
        CONNECT_WITH_A_BAD_FILE,
        CONNECT_BY_A_BAD_NAME,
    ],
)
def test_what_is_imported_late_is_there_when_it_is_used(use):
    imported_by(f"import ncwire\n{use}")


def test_what_is_imported_late_is_listed_and_no_other_name_made_up():
    code = (
        "import ncwire\nassert 'callhome' in dir(ncwire)\n"
        "assert not hasattr(ncwire, 'callhom')\n"
        "try: ncwire.callhom\nexcept AttributeError as error: assert \"'callhom'\" in str(error)"
    )
    assert "ncwire.callhome" not in imported_by(code)


def test_the_command_brings_in_no_server_and_no_library():
    imported = imported_by("import ncwire._cli")
    assert not imported & {"ncwire.testing", "paramiko", "ssh2", "matplotlib", "pytest"}


def test_a_command_brings_in_no_other():
    imported = imported_by(
        "import sys; from ncwire._cli import main; sys.stdout = sys.stderr\n"
        "try: main(['rpc', '--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "sys.stdout = sys.__stdout__"
    )
    assert "ncwire._cli.commands.rpc" in imported
    others = {"ncwire._cli.bench", "ncwire.bench", "ncwire.callhome", "ncwire.testing"}
    assert not imported & others
