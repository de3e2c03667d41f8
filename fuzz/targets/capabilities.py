"""Capabilities: a line of the input each."""

from __future__ import annotations

from ncwire._protocol.capabilities import Capabilities
from ncwire.errors import OptionError
from targets.property import Raised, agree, outcome, require

TOKENS = (
    b"urn:ietf:params:netconf:base:1.0", b"urn:ietf:params:netconf:base:1.1", b"\n", b"?", b"&",
    b"urn:ietf:params:netconf:capability:candidate:1.0",
    b"urn:ietf:params:xml:ns:netconf:base:1.0",
    b"urn:ietf:params:xml:ns:netconf:capability:url:1.0", b"?scheme=http,ftp", b"=", b"%41", b"%",
    b"module=a", b"revision=2020-01-01", b"writeable-running", b":", b" ", b"\xc3\xa9",
    b"http://",
)  # fmt: skip
LONGEST = 1024


def one(data: bytes) -> None:
    """Hold a list of capabilities."""
    uris = data.decode(errors="replace").split("\n")
    found = outcome(lambda: Capabilities(uris), OptionError)
    if isinstance(found, Raised):
        agree("each is judged by itself", True, any(_is_refused(uri) for uri in uris))
        return
    capabilities = Capabilities(uris)
    agree("they are listed as they were announced", list(dict.fromkeys(uris)), list(capabilities))
    for uri in uris:
        require(uri in capabilities, "each is there by its URI")
        agree(
            "a URI is found in the first that it stands for", True, uri in capabilities[uri].names
        )
        parameters = capabilities[uri].parameters
        require(
            all(isinstance(value, str) for value in parameters.values()), "parameters are text"
        )
    for version in capabilities.base_versions():
        require(f":base:{version}" in capabilities, "a version that is named is there")
    for uri in uris:
        capabilities.remove(uri)
        require(uri not in capabilities, "what is removed is gone")
    agree("all were removed", 0, len(capabilities))


def _is_refused(uri: str) -> bool:
    return isinstance(outcome(lambda: Capabilities([uri]), OptionError), Raised)
