"""NETCONF call home (RFC 8071): devices open the connection, and are known by their host keys."""

from ncwire.callhome.devices import Device
from ncwire.callhome.listen import PORT, listen
from ncwire.callhome.listener import Listener, Refusal
from ncwire.callhome.session import CallHomeSession

__all__ = ["PORT", "CallHomeSession", "Device", "Listener", "Refusal", "listen"]
