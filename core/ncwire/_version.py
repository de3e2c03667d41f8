"""The installed version, which only few ask for: to find it takes longer than to import ncwire."""

from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0+unknown"
"""What the version is where ncwire was not installed, as in a copy of its source (PEP 440)."""

try:
    __version__ = version("ncwire")
except PackageNotFoundError:
    __version__ = NOT_INSTALLED
