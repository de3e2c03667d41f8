"""An inventory: devices, or all that is wrong with it in clear words; its profiles with it."""

from __future__ import annotations

from pathlib import Path

from ncwire.errors import InventoryError
from ncwire.inventory.parsing import parse
from targets.property import require

TOKENS = (
    b"[defaults]\n", b"[groups.a]\n", b"[devices.r1]\n", b"[profiles.p]\n", b"host = ",
    b"port = 830\n", b"groups = ['a']\n", b"profile = 'junos'\n", b"password = { env = 'X' }\n",
    b"extends = 'p'\n", b"jumps = ['a@b:1']\n", b"timeouts = { rpc = 5 }\n", b"username = ",
    b"hostkey_b64 = ", b"'", b'"', b"'''", b"[[", b"]]", b"{", b"}", b"=", b".", b"nan", b"-inf",
    b"1979-05-27", b"true", b"\n", b"#", b"\\u0000", b"driver = 'paramiko'\n",
    b"ciphers = ['aes128-ctr']\n", b"keepalive = 1\n", b"9" * 20,
)  # fmt: skip
LONGEST = 1024
_PATH = Path("/nowhere/ncwire.toml")


def one(data: bytes) -> None:
    """Read an inventory."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if "/" in text:  # a profile by its path: no file of this machine is any of the fuzzer's
        return
    try:
        devices, _ = parse(text, _PATH)
    except InventoryError as error:
        require(bool(error.problems) and all(error.problems), "an error says what is wrong")
        return
    for device in devices.values():
        require(bool(device.settings["host"].origin), "each setting has an origin")
        for setting in device.settings.values():
            require(isinstance(setting.text, str), "each setting can be shown")
