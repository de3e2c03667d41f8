"""NETCONF call home (RFC 8071): devices connect, and are known by host key or certificate."""

from ncwire.callhome.device import Device
from ncwire.callhome.listen import PORT, TLS_PORT, listen
from ncwire.callhome.listener import Listener, Refusal
from ncwire.callhome.session import CallHomeSession, SSHCallHomeSession, TLSCallHomeSession

__all__ = [
    "PORT",
    "TLS_PORT",
    "CallHomeSession",
    "Device",
    "Listener",
    "Refusal",
    "SSHCallHomeSession",
    "TLSCallHomeSession",
    "listen",
]
