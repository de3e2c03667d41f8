"""An rpc that times out names the profile that the server's capabilities ask for."""

from __future__ import annotations

import pytest

import ncwire
from ncwire.errors import RPCTimeoutError
from ncwire.testing import EmbeddedServer

NETCONFD = "http://netconfcentral.org/ns/yuma-types?module=yuma-types"
HELLO = (
    '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.0</capability><capability>{}</capability>"
    "</capabilities><session-id>1</session-id></hello>]]>]]>"
)


@pytest.mark.parametrize(
    ("capability", "profile", "told"),
    [
        (NETCONFD, None, "one for profile='netconfd', which was not given"),
        (NETCONFD, "netconfd", "within 0.2 s"),
        ("urn:example", None, "within 0.2 s"),
    ],
)
def test_the_profile_is_named_where_none_was_given(capability, profile, told):
    def silent(stream):
        stream.send(HELLO.format(capability).encode())
        while stream.recv():
            pass

    with EmbeddedServer(script=silent) as server:
        session = ncwire.connect(
            server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
            profile=profile,
            timeouts=ncwire.Timeouts(close=1),
        )
        with session, pytest.raises(RPCTimeoutError) as caught:
            session.rpc("<get/>", timeout=0.2)
    assert str(caught.value).endswith(told)
