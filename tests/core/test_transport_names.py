"""What programs import of `ncclient.transport` is to be had from `ncwire.transport`, and fits."""

from __future__ import annotations

import importlib.metadata
import pickle

import pytest

import ncwire
import ncwire.errors
import ncwire.transport
from ncwire.transport import PermissionError as RefusedError
from ncwire.transport import errors, session, ssh, tls, unixSocket

LINES = [  # as they stand in programs
    "from ncclient.transport import errors",
    "from ncclient.transport import session",
    "from ncclient.transport import AuthenticationError, SessionCloseError, NetconfBase",
    "from ncclient.transport import SSHSession, SessionListener, TransportError, SSHError",
    "from ncclient.transport import TLSSession, UnixSocketSession, SSHUnknownHostError",
    "from ncclient.transport import *",
    "import ncclient.transport\nassert ncclient.transport.errors.SSHError",
    "import ncclient.transport.errors as NcErrors\nassert NcErrors.AuthenticationError",
    "from ncclient.transport.errors import SessionCloseError, TransportError, PermissionError",
    "from ncclient.transport.errors import SSHUnknownHostError, NetconfFramingError, SessionError",
    "from ncclient.transport.errors import TLSError, UnixSocketError",
    "from ncclient.transport.session import SessionListener",
    "from ncclient.transport.session import Session, NetconfBase, MSG_DELIM, END_DELIM",
    "from ncclient.transport.session import *\nassert SessionListener",
    "from ncclient.transport.ssh import SSHSession, default_unknown_host_cb",
    "from ncclient.transport.ssh import END_DELIM, MSG_DELIM, PORT_NETCONF_DEFAULT",
    "from ncclient.transport.ssh import *\nassert SSHSession",
    "from ncclient.transport.tls import TLSSession, DEFAULT_TLS_NETCONF_PORT",
    "from ncclient.transport.unixSocket import UnixSocketSession",
]


@pytest.mark.parametrize("line", LINES)
def test_the_line_works_with_ncwire_in_ncclients_place(line):
    exec(line.replace("ncclient", "ncwire"), {})


@pytest.mark.parametrize("module", [ncwire.transport, errors, session, ssh, tls, unixSocket])
def test_each_name_that_ncwire_has_is_the_same(module):
    for name in module.__all__:
        assert getattr(module, name) is getattr(ncwire, name, getattr(module, name))


def test_the_constants_are_those_of_the_rfcs():
    assert (ssh.MSG_DELIM, ssh.END_DELIM) == (b"]]>]]>", b"\n##\n")
    assert (ssh.PORT_NETCONF_DEFAULT, tls.DEFAULT_TLS_NETCONF_PORT) == (830, 6513)
    assert (session.NetconfBase.BASE_10, session.NetconfBase.BASE_11) == (1, 2)


def test_a_unix_socket_that_cannot_be_connected_is_a_unix_socket_error(tmp_path):
    with pytest.raises(unixSocket.UnixSocketError):
        ncwire.UnixSocketSession().connect(str(tmp_path / "none"))


def test_the_one_error_that_is_never_raised_is_like_the_others():
    assert issubclass(RefusedError, ncwire.TransportError)
    assert str(pickle.loads(pickle.dumps(RefusedError("no")))) == "no"


def test_every_error_is_in_ncwire_itself():
    for name in ncwire.errors.__all__:
        assert getattr(ncwire, name) is getattr(ncwire.errors, name)
        assert name in ncwire.__all__


def test_the_version_is_the_installed_ones():
    assert ncwire.__version__ == importlib.metadata.version("ncwire")
