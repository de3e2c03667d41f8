"""The paramiko driver of ncwire: SSH in pure Python, on `cryptography`."""

from ncwire_paramiko.driver import ParamikoDriver

__all__ = ["ParamikoDriver"]
