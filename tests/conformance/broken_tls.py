"""Drivers over TLS that each break one rule, over the simple one."""

from __future__ import annotations

import logging
import ssl

from breaking import breaks
from simple_tls import OPTIONS, SimpleTLS, TLSChannel, option

from ncwire.driver import OptionKind
from ncwire.errors import CertificateError, OptionError, StepTimeoutError, TransportError

OUT_OF_TIME = (9, 10)
PURPOSE = (26,)
NAMES = (62, 64)
"""OpenSSL's numbers of what it refuses a certificate for (x509_vfy.h, X509_V_ERR_)."""


@breaks("options.standard", "certificate.fingerprint-accepted", "certificate.fingerprint-refused")
class KnowsNoFingerprint(SimpleTLS):
    """It has no option to pin a certificate by."""

    contract = (1, 0)
    driver_options = tuple(each for each in OPTIONS if each.name != "fingerprint")

    def pinned(self, own):
        return None


@breaks("options.standard", "certificate.name-refused")
class NamesAreNotChecked(SimpleTLS):
    """The name is looked at only for who asks for it."""

    contract = (1, 0)
    driver_options = (
        *(each for each in OPTIONS if each.name != "check_hostname"),
        option("check_hostname", OptionKind.SWITCH, default=False),
    )


@breaks("options.only-declared")
class LooksForMore(SimpleTLS):
    """It looks for an option that it does not declare."""

    contract = (1, 0)

    def connect(self, options, deadline):
        options.driver_options.get("debug")
        return super().connect(options, deadline)


@breaks("options.no-secret")
class LogsItsOptions(SimpleTLS):
    """It logs its options, the secret among them."""

    contract = (1, 0)

    def connect(self, options, deadline):
        logging.getLogger("broken").debug("options: %s", dict(options.driver_options))
        return super().connect(options, deadline)


@breaks("certificate.presented", "certificate.missing-file")
class OneFileForBoth(SimpleTLS):
    """The key is looked for in the certificate's file only."""

    contract = (1, 0)

    def keyfile(self, own):
        return None


@breaks("certificate.missing-file")
class NamesNoFile(SimpleTLS):
    """It does not tell which file it was."""

    contract = (1, 0)

    def unusable(self, files, error):
        return OptionError("driver_options", "a file cannot be used")


@breaks("certificate.client-refused")
class RefusalIsAnyError(SimpleTLS):
    """The alert about the client's certificate is told as any other."""

    contract = (1, 0)

    class channel(TLSChannel):  # noqa: N801 - an attribute's name
        def ended(self, error):
            raise TransportError(f"TLS: {error}") from error


class Forgiving(SimpleTLS):
    """It connects once more, without verification, where it may be for one of some reasons."""

    contract = (1, 0)
    forgives = ()

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except CertificateError as error:
            if getattr(error.__cause__, "verify_code", 0) not in self.forgives:
                raise
        self.forgiving = True
        return super().connect(options, deadline)

    forgiving = False

    def context(self, own):
        context = super().context(own)
        if self.forgiving:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@breaks(
    "certificate.unknown-authority-refused",
    "certificate.out-of-time-refused",
    "certificate.purpose-refused",
    "certificate.name-refused",
    "open.failed-leaves-nothing",
)
class TrustsEverybody(Forgiving):
    """It verifies nothing but what is pinned."""

    contract = (1, 0)
    forgiving = True


@breaks("certificate.out-of-time-refused")
class HasNoClock(Forgiving):
    """It takes certificates that are out of their time."""

    contract = (1, 0)
    forgives = OUT_OF_TIME


@breaks("certificate.purpose-refused")
class TakesAClientForAServer(Forgiving):
    """It takes a client's certificate."""

    contract = (1, 0)
    forgives = PURPOSE


@breaks("certificate.name-refused")
class TakesAnyName(Forgiving):
    """It takes a certificate for any name."""

    contract = (1, 0)
    forgives = NAMES


@breaks("certificate.fingerprint-accepted")
class PinsTheFirst(SimpleTLS):
    """It looks at the first of several fingerprints."""

    contract = (1, 0)

    def is_pinned(self, found, pinned):
        return super().is_pinned(found, pinned[:1])


@breaks("certificate.fingerprint-refused")
class AuthorityIsEnough(SimpleTLS):
    """It looks at the fingerprint only where there is no authority."""

    contract = (1, 0)

    def look_at(self, certificate, own):
        if own["ca_certs"] is None:
            super().look_at(certificate, own)


@breaks("tls.versions", "certificate.client-refused")
class KnowsOneVersion(SimpleTLS):
    """It speaks TLS 1.2 alone."""

    contract = (1, 0)

    def context(self, own):
        context = super().context(own)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context


@breaks("tls.close-notify")
class LeavesWithoutAWord(SimpleTLS):
    """close sends no close_notify."""

    contract = (1, 0)

    class channel(TLSChannel):  # noqa: N801 - an attribute's name
        def close(self):
            self.abort()


@breaks("tls.finish")
class WaitsForNobody(SimpleTLS):
    """finish says close_notify, and leaves it at that."""

    contract = (1, 0)

    class channel(TLSChannel):  # noqa: N801 - an attribute's name
        def finish(self):
            super().finish()
            return True


@breaks("tls.truncated", "errors.reset", "errors.cause")
class TakesAnyEnd(SimpleTLS):
    """An end without close_notify is an end as any other."""

    contract = (1, 0)

    class channel(TLSChannel):  # noqa: N801 - an attribute's name
        def ended(self, error):
            if isinstance(error, ssl.SSLEOFError):
                return b""
            return super().ended(error)


@breaks("tls.other-protocol")
class WaitsForTLS(SimpleTLS):
    """It waits for a peer that speaks no TLS until the deadline."""

    contract = (1, 0)

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except StepTimeoutError:
            raise
        except TransportError as error:
            if getattr(error.__cause__, "reason", "") == "WRONG_VERSION_NUMBER":
                raise deadline.error() from error
            raise
