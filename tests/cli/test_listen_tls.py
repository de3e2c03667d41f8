"""`ncwire listen` over TLS: what is printed of each call, and devices of the inventory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ncwire._cli.failures import Exit
from servers.tls_callers import TLSCallers

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def callers(tmp_path: Path) -> Iterator[TLSCallers]:
    callers = TLSCallers(tmp_path)
    yield callers
    callers.close()


@pytest.fixture
def listen(start) -> Callable[..., tuple[subprocess.Popen[bytes], int]]:
    """Start the command; returns its process and its port."""

    def listen(*more: str) -> tuple[subprocess.Popen[bytes], int]:
        process = start(["listen", "--address", "127.0.0.1", "--port", "0", *more])
        line = process.stderr.readline()
        listening = re.fullmatch(rb"ncwire: listening on 127\.0\.0\.1:(\d+)\n", line)
        assert listening, line + process.stderr.read()
        return process, int(listening[1])

    return listen


def options(callers: TLSCallers) -> list[str]:
    given = callers.client_options().items()
    return [
        "--driver",
        "tls",
        *(each for key, value in given for each in ("-O", f"{key}={value}")),
    ]


def line_of(device: str, caller: tuple[str, int]) -> str:
    host, port = caller
    return rf"{re.escape(device)}  {host}:{port}  session-id \d+  8 capabilities\n"


def test_a_line_for_each_call(listen, callers, tmp_path):
    file = tmp_path / "get.xml"
    file.write_text("<get/>")
    named = [each for name in ("r1.example", "r2.example") for each in ("--device", name)]
    process, port = listen("--count", "2", "--rpc", str(file), *named, *options(callers))
    for name in ("r2", "r1"):
        caller = callers.call(port, callers.issue(name))
        line = process.stdout.readline().decode()
        assert re.fullmatch(line_of(f"{name}.example", caller), line)
        assert b"<rpc-reply" in process.stdout.readline()
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


def write_inventory(path: Path, callers: TLSCallers, pin: str) -> str:
    given = "".join(f'{key} = "{value}"\n' for key, value in callers.client_options().items())
    path.write_text(
        f'[defaults]\ndriver = "tls"\nusername = "of no use over TLS"\n'
        f"[defaults.driver_options.tls]\n{given}"
        '[devices.r1]\nhost = "192.0.2.1"\n'
        f'[devices.r1.driver_options.tls]\nfingerprint = "{pin}"\n'
        '[devices.r2]\n[devices.r2.driver_options.tls]\nserver_hostname = "two.example"\n'
        '[devices.r3]\ndriver = "paramiko"\n'
    )
    return str(path)


def test_devices_of_the_inventory_with_what_they_are_known_by(listen, callers, tmp_path):
    pinned = callers.issue("one", hosts=())
    path = write_inventory(tmp_path / "inventory.toml", callers, pinned.sha256)
    process, port = listen(
        "--count", "2", "--device", "r1", "--device", "r2", "--inventory", path
    )  # fmt: skip
    for name, certificate in (("r1", pinned), ("r2", callers.issue("two"))):
        caller = callers.call(port, certificate)
        assert re.fullmatch(line_of(name, caller), process.stdout.readline().decode())
    assert process.communicate() == (b"", b"")


def test_one_device_may_be_pinned_on_the_command_line(listen, callers):
    certificate = callers.issue("one", signed_by_itself=True)
    given = ["--driver", "tls", "-O", f"certfile={callers.client.both}"]
    pin = f"fingerprint={certificate.sha256}"
    process, port = listen("--count", "1", "--device", "r1", *given, "-O", pin)
    caller = callers.call(port, certificate)
    assert re.fullmatch(line_of("r1", caller), process.communicate()[0].decode())


def test_a_stranger_is_told_of_and_how_to_let_it_in(listen, callers):
    process, port = listen("--count", "1", "--device", "r1.example", *options(callers))
    certificate = callers.issue("r9")
    host, number = callers.call(port, certificate)
    said = [process.stderr.readline().decode() for _ in range(5)]
    callers.call(port, callers.issue("r1"))
    process.communicate()
    assert said[0] == (
        f"ncwire: call from {host}:{number} refused: no device has the certificate with the "
        f"SHA-256 {certificate.sha256}; its subject is CN=r9,O=ncwire\n"
    )
    assert said[-1] == f'    fingerprint = "{certificate.sha256}"\n'
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [
        (["--device", "admin@r1"], "username; over TLS the server takes", Exit.DRIVER),
        (["--device", "r1", "--known-hosts", "/dev/null"], "known_hosts; it means", Exit.DRIVER),
        (["--device", "r1", "-O", "check_hostname=no"], "check_hostname: a device", Exit.USAGE),
        (
            ["--device", "r1", "--address", "x.invalid", "-O", "crl=/no"],
            "crl: /no: No",
            Exit.USAGE,
        ),
        (["--device", "r1", "-O", "passphrase=x"], "passphrase: is secret", Exit.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_no_command_line_over_tls(run, callers, arguments, told, code):
    found, _, err = run("listen", "--port", "0", *options(callers), *arguments)
    assert found == code, err
    assert told in err


def test_devices_of_several_drivers_need_a_listener_each(run, callers, tmp_path):
    path = write_inventory(tmp_path / "inventory.toml", callers, "ab" * 32)
    code, _, err = run("listen", "--device", "r1", "--device", "r3", "--inventory", path)
    assert code == Exit.USAGE
    assert "driver: the inventory has tls for r1, paramiko for r3, and a listener has one" in err
