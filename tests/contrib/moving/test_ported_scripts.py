"""The scripts of the page on moving over print the same with ncclient and with ncwire."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from ported_scripts import FOLDER, SCRIPTS, ported

from ncwire.testing import EmbeddedServer
from profiles.peers import NS, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ncwire.testing import ChannelStream

LIBRARIES = ("ncclient", "ncwire")
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
CONTACT = '<config xmlns="{}"><system xmlns="{}"><contact>{}</contact></system></config>'
REFUSED = CONTACT.format(NS, SYSTEM, "").replace(
    "<contact>", f'<contact xmlns:nc="{NS}" nc:operation="create">'
)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Run a script in a folder with the files that it reads, and return what it prints."""

    def run(name: str, library: str, device: dict[str, object], config: str = "") -> str:
        device |= {"allow_agent": False, "look_for_keys": False}
        (tmp_path / "device.json").write_text(json.dumps(device), encoding="utf-8")
        (tmp_path / "config.xml").write_text(config, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(FOLDER / f"{name}_{library}.py")],
            cwd=tmp_path,
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def described(server: EmbeddedServer) -> dict[str, object]:
    return {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": server.password,
        "hostkey_b64": server.host_key.base64,
    }


@pytest.fixture
def device() -> Iterator[dict[str, object]]:
    # Not netconfd, which commits nothing of what was validated before (2.13).
    capabilities = ["urn:ietf:params:netconf:capability:validate:1.1"]
    with EmbeddedServer(capabilities=capabilities) as server:
        yield described(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_edited_is_committed_and_read(library, device, run):
    contact = f"edited with {library}"
    config = CONTACT.format(NS, SYSTEM, contact)

    assert run("edit", library, device, config) == "committed\n"
    assert run("filter", library, device) == f"{contact}\n"
    assert run("many", library, device) == f"{contact}\n" * 8


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_refused_is_discarded(library, device, run):
    config = CONTACT.format(NS, SYSTEM, "as it was")
    assert run("edit", library, device, config) == "committed\n"

    assert run("edit", library, device, REFUSED) == "refused: data-exists\n"
    assert run("filter", library, device) == "as it was\n"


@pytest.mark.netconfd
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_notification_is_waited_for(library, netconfd, run):
    device = {
        "host": netconfd.host,
        "port": netconfd.port,
        "username": netconfd.user,
        "key_filename": str(netconfd.client_key),
        "hostkey_b64": netconfd.known_hosts.read_text(encoding="utf-8").split()[2],
    }
    assert run("notifications", library, device) == "somebody has logged in\n"


REPLIES = {
    "get-software-information": "<software-information><host-name>r1</host-name>"
    "<junos-version>23.4R1.10</junos-version></software-information>",
    "load-configuration": "<load-configuration-results><rpc-error>"
    "<error-type>protocol</error-type><error-tag>operation-failed</error-tag>"
    "<error-severity>error</error-severity><error-message>missing argument</error-message>"
    "</rpc-error></load-configuration-results>",
    "close-session": "<ok/>",
}


def junos(stream: ChannelStream) -> None:
    """Answer as Junos does, under end-of-message framing."""
    wire = Wire(stream)
    base = "<capability>urn:ietf:params:netconf:base:1.0</capability>"
    stream.send(
        f'<!-- user admin --><hello xmlns="{NS}"><capabilities>{base}</capabilities>'
        "<session-id>7</session-id></hello>]]>]]>".encode()
    )
    wire.until(b"]]>]]>")
    while rpc := wire.until(b"]]>]]>"):
        answer = next(text for name, text in REPLIES.items() if name in rpc)
        number = re.search(r'message-id="([^"]*)"', rpc)
        assert number is not None
        stream.send(
            f'<rpc-reply xmlns="{NS}" message-id="{number[1]}">{answer}</rpc-reply>]]>]]>'.encode()
        )
        if "close-session" in rpc:
            break
    stream.close()


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_error_of_junos_is_told(library, run):
    with EmbeddedServer(
        subsystems=("netconf",), commands=("xml-mode netconf need-trailer",), script=junos
    ) as server:
        printed = run("junos", library, described(server))

    assert printed == "23.4R1.10\nerror operation-failed missing argument\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_port_of_a_script_is_counted(name):
    found = ported(name)
    assert found.before - found.removed == found.after - found.added
    assert 0 < found.added < found.after
