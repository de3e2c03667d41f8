"""SSH drivers that each break one rule of host keys and algorithms."""

from __future__ import annotations

import dataclasses

from breaking import breaks
from ssh_drivers import Broken

from ncwire._algorithms.public_keys import is_certificate
from ncwire._ssh.connecting import connecting
from ncwire._ssh.hostkeys.certificates import HostCertificate
from ncwire.driver import Driver, Feature, HostKey
from ncwire_paramiko import ParamikoDriver


@breaks("hostkey.as-presented")
class InventsTheType(Broken):
    """The type is the signature's algorithm, not the key's."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        key = super().handshake(sock, algorithms, deadline)
        return HostKey("rsa-sha2-512" if key.type == "ssh-rsa" else key.type, key.blob)


@breaks("hostkey.certificate-as-presented")
class DropsTheCertificate(Broken):
    """What is returned is the key in the certificate."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        key = super().handshake(sock, algorithms, deadline)
        return HostCertificate.read(key).key if is_certificate(key.type) else key


@breaks(
    "hostkey.only-offered",
    "hostkey.certificate-as-presented",
    "open.no-common-algorithm",
    "open.compression",
)
class OffersAllItHas(Broken):
    """The library's own preferences are offered."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        offered = self.algorithms
        return super().handshake(
            sock, dataclasses.replace(offered, kex=offered.kex[::-1]), deadline
        )


@breaks(
    "hostkey.unknown-refused",
    "hostkey.changed-refused",
    "hostkey.revoked-refused",
    "hostkey.before-authentication",
    "open.failed-leaves-nothing",
)
class AcceptsAnyHost(Driver):
    """A driver that connects by itself, and verifies no host key."""

    name = "accepts-any-host"
    contract = (1, 0)
    features = ParamikoDriver.features - {Feature.HOST_KEY}

    def __init__(self):
        self.inner = ParamikoDriver()

    @classmethod
    def library(cls):
        return ParamikoDriver.library()

    def connect(self, options, deadline):
        accepting = dataclasses.replace(options, hostkey_verify=False, known_hosts=())
        return connecting(self.inner, accepting, deadline).run()

    def abort(self):
        self.inner.abort()
