from __future__ import annotations

import pytest

from ncwire._protocol.capabilities import (
    BASE_1_0,
    BASE_1_1,
    Capabilities,
    default_client_capabilities,
)
from ncwire.errors import OptionError

CANDIDATE = "urn:ietf:params:netconf:capability:candidate:1.0"
URL = "urn:ietf:params:netconf:capability:url:1.0?scheme=http,ftp&x=a%26b"
MODULE = "http://example.com/ns?module=example&revision=2020-01-01"
IETF_NETCONF_MODULE = (
    "urn:ietf:params:xml:ns:netconf:base:1.0?module=ietf-netconf&revision=2011-06-01"
)


def test_keeps_the_order_and_drops_duplicates() -> None:
    capabilities = Capabilities([BASE_1_1, CANDIDATE, BASE_1_1, BASE_1_0])
    assert list(capabilities) == [BASE_1_1, CANDIDATE, BASE_1_0]
    assert len(capabilities) == 3


def test_is_made_from_another_and_independent_of_it() -> None:
    original = Capabilities([BASE_1_0])
    copy = Capabilities(original)
    copy.add(BASE_1_1)
    assert list(original) == [BASE_1_0]


@pytest.mark.parametrize(
    "key",
    [
        CANDIDATE,
        ":candidate",
        ":candidate:1.0",
        ":base",
        ":base:1.1",
        BASE_1_1,
        URL,
        URL.partition("?")[0],
        ":url",
        ":url:1.0",
        MODULE,
        "http://example.com/ns",
    ],
)
def test_contains(key: str) -> None:
    assert key in Capabilities([BASE_1_1, CANDIDATE, URL, MODULE])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "candidate",
        ":candidate:1.1",
        ":base:1.0",
        BASE_1_0,
        ":ns",
        ":capability",
        CANDIDATE + "?x=y",
        CANDIDATE[:-1],
        5,
    ],
)
def test_does_not_contain(key: object) -> None:
    assert key not in Capabilities([BASE_1_1, CANDIDATE, URL, MODULE])


def test_a_uri_of_no_capability_form_has_no_shorthand() -> None:
    capabilities = Capabilities(["urn:ietf:params:netconf:candidate:1.0", "urn:x:capability:y:1"])
    assert ":candidate" not in capabilities
    assert ":y" not in capabilities


def test_old_spellings_count_for_what_they_mean() -> None:
    capabilities = Capabilities(
        [
            "urn:ietf:params:xml:ns:netconf:base:1.0",
            "urn:ietf:params:xml:ns:netconf:capability:url:1.0?protocol=http",
            "urn:ietf:params:netconf:capability:writeable-running:1.0",
        ]
    )
    assert BASE_1_0 in capabilities
    assert ":base:1.0" in capabilities
    assert "urn:ietf:params:netconf:capability:url:1.0" in capabilities
    assert ":url" in capabilities
    assert ":writable-running" in capabilities
    assert ":writeable-running:1.0" in capabilities


def test_an_old_spelling_of_base_1_1_is_not_known_and_does_not_count() -> None:
    assert Capabilities(["urn:ietf:params:xml:ns:netconf:base:1.1"]).base_versions() == ()


def test_the_yang_module_ietf_netconf_is_no_base_version() -> None:
    capabilities = Capabilities([BASE_1_1, IETF_NETCONF_MODULE])
    assert capabilities.base_versions() == ("1.1",)
    assert BASE_1_0 not in capabilities


def test_base_versions_are_in_their_order() -> None:
    assert Capabilities([BASE_1_1, BASE_1_0]).base_versions() == ("1.0", "1.1")
    assert Capabilities([CANDIDATE]).base_versions() == ()


def test_item_gives_the_parameters() -> None:
    capabilities = Capabilities([BASE_1_0, URL])
    assert capabilities[":url"].uri == URL
    assert capabilities[":url"].namespace_uri == URL.partition("?")[0]
    assert capabilities[":url"].parameters == {"scheme": "http,ftp", "x": "a&b"}
    assert capabilities[":base"].parameters == {}


def test_item_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=":xpath"):
        Capabilities([BASE_1_0])[":xpath"]


def test_remove_takes_the_same_keys_and_ignores_what_is_not_there() -> None:
    capabilities = Capabilities([BASE_1_0, BASE_1_1, CANDIDATE])
    capabilities.remove(":base:1.1")
    capabilities.remove(":xpath")
    assert list(capabilities) == [BASE_1_0, CANDIDATE]
    capabilities.remove(CANDIDATE)
    assert list(capabilities) == [BASE_1_0]


def test_equality_is_that_of_sets() -> None:
    assert Capabilities([BASE_1_0, BASE_1_1]) == Capabilities([BASE_1_1, BASE_1_0])
    assert Capabilities([BASE_1_0]) != Capabilities([BASE_1_1])
    assert Capabilities([BASE_1_0]) != [BASE_1_0]


def test_is_not_hashable_for_it_can_change() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Capabilities())


def test_repr_shows_the_uris() -> None:
    assert repr(Capabilities([BASE_1_0])) == f"Capabilities(['{BASE_1_0}'])"


@pytest.mark.parametrize("uri", ["", "urn:a b", "urn:a\n", "urn:\x00", "urn:\x1f", "urn:\ud800"])
def test_what_cannot_be_a_uri_is_refused(uri: str) -> None:
    with pytest.raises(OptionError, match="is no URI"):
        Capabilities([uri])


def test_one_string_is_refused() -> None:
    with pytest.raises(OptionError, match="several URIs"):
        Capabilities(BASE_1_0)


def test_the_default_claims_both_versions_and_nothing_a_server_does() -> None:
    assert list(default_client_capabilities()) == [BASE_1_0, BASE_1_1]
