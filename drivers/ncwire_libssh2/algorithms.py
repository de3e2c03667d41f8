"""What libssh2 1.11.1 can negotiate."""

from __future__ import annotations

from ncwire.driver import Algorithms

LIBSSH2_ALGORITHMS = Algorithms(
    kex=(
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group1-sha1",
    ),
    host_keys=(
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-rsa",
    ),
    ciphers=(
        "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
        "aes256-ctr",
        "aes192-ctr",
        "aes128-ctr",
        "chacha20-poly1305@openssh.com",
        "aes256-cbc",
        "aes192-cbc",
        "aes128-cbc",
        "rijndael-cbc@lysator.liu.se",
        "blowfish-cbc",
        "cast128-cbc",
        "3des-cbc",
        "arcfour128",
        "arcfour",
    ),
    macs=(
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
        "hmac-sha1-etm@openssh.com",
        "hmac-sha1",
        "hmac-sha1-96",
        "hmac-md5",
        "hmac-md5-96",
        "hmac-ripemd160",
        "hmac-ripemd160@openssh.com",
    ),
    compression=("none", "zlib@openssh.com"),
)
"""Source: libssh2_session_supported_algs of libssh2 1.11.1 over OpenSSL 3, as the wheel of
ssh2-python 1.2.0 has it. A table, so that it can be read where ssh2-python is not installed.

Host certificates are left out: libssh2 lists them and then fails the key exchange; so is
"zlib", which compresses before authentication. The strict
key exchange and ext-info, which are no methods, libssh2 adds to each offer by itself (kex.c,
libssh2_session_method_pref).
"""
