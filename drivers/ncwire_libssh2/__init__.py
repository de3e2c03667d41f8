"""The libssh2 driver: ncwire's contract over ssh2-python.

Importing this package needs no ssh2-python: `Libssh2Driver.check_available` tells whether it is
there.
"""

from ncwire_libssh2.driver import Libssh2Driver

__all__ = ["Libssh2Driver"]
