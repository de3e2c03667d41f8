"""The tls driver of ncwire: NETCONF over TLS with certificates on both sides (RFC 7589)."""

from ncwire_tls.driver import TLSDriver

__all__ = ["TLSDriver"]
