"""A profile's text, parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire import profiles

if TYPE_CHECKING:
    from ncwire.profiles import DeviceProfile

EVERYTHING = """
extends = "default"
description = "the lab's"
notes = ["a note"]
driver = ["libssh2", "paramiko"]
port = 22
subsystems = ["netconf", "xmlagent"]
command = "netconf"
auth_methods = ["password"]
keepalive = 30
keepalive_count = 5
pause = 0.5
capabilities = ["urn:ietf:params:netconf:base:1.0", "urn:example:a"]
extra_capabilities = ["urn:example:b"]
base = ["1.0"]

[requires]
features = ["keepalive", "host-certificate"]
kex = ["curve25519-sha256"]
host_keys = ["ssh-rsa"]
ciphers = ["aes128-ctr"]
macs = ["hmac-sha1"]
compression = ["none"]

[hello]
prefix = "nc"

[rpc]
prefix = "nc"
declaration = true

[rpc.namespaces]
a = "urn:example:a"

[received]
drop_control_characters = true
encoding = "latin-1"
mend_split_tags = true
require_session_id = false

[timeouts]
connect = 1
handshake = 2
auth = 3
channel = 4
hello = 5
rpc = 6
close = 7
overall = 60.5

[limits]
message = 1000000
hello = 100000
chunk_header = 8

[algorithms.allow]
kex = ["diffie-hellman-group14-sha1"]
host_keys = ["ssh-rsa"]
ciphers = ["aes128-cbc"]
macs = ["hmac-sha1"]
compression = ["zlib@openssh.com"]
[algorithms.prefer]
kex = ["diffie-hellman-group14-sha256"]
host_keys = ["rsa-sha2-512"]
ciphers = ["aes128-ctr"]
macs = ["hmac-sha2-512"]
compression = ["none"]
[algorithms.forbid]
kex = ["ecdh-sha2-nistp521"]
host_keys = ["ecdsa-sha2-nistp521"]
ciphers = ["aes256-ctr"]
macs = ["hmac-sha2-256"]
compression = []

[sources]
pause = "seen"
"rpc.prefix" = "read"
"algorithms.allow" = "told"
"""


def parse(text: str, name: str = "lab") -> DeviceProfile:
    return profiles.parse(text, "lab.toml", name)
