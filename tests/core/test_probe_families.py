"""Which profile fits a device, and the lines for the inventory."""

from __future__ import annotations

import pytest

from ncwire import profiles
from ncwire.probe.profile_match import DEFAULT, evidence, fitting

HELLOS = {
    "junos": "http://xml.juniper.net/netconf/junos/1.0",
    "iosxr": "http://cisco.com/ns/yang/Cisco-IOS-XR-aaa-lib-cfg?module=Cisco-IOS-XR-aaa-lib-cfg",
    "iosxe": "http://cisco.com/ns/yang/Cisco-IOS-XE-native?module=Cisco-IOS-XE-native",
    "nexus": "http://cisco.com/ns/yang/cisco-nx-os-device?module=Cisco-NX-OS-device",
    "huawei": "http://www.huawei.com/netconf/capability/exchange/1.0",
    "huaweiyang": "urn:huawei:yang:huawei-aaa?module=huawei-aaa",
    "h3c": "urn:h3c:params:netconf:capability:h3c-netconf-ext:1.0",
    "hpcomware": "urn:hp:params:netconf:capability:hp-netconf-ext:1.0",
    "sros": "urn:nokia.com:sros:ns:yang:sr:conf?module=nokia-conf",
    "alu": "urn:alcatel-lucent.com:sros:ns:yang:conf-r13",
    "ciena": "urn:ciena:params:xml:ns:yang:ciena-ws-ptp",
    "ericsson": "urn:ericsson:com:netconf:action:1.0",
    "netconfd": "http://netconfcentral.org/ns/yuma-types?module=yuma-types",
}


@pytest.mark.parametrize("name", HELLOS)
def test_a_capability_shows_the_family(name):
    base = "urn:ietf:params:netconf:base:1.0"
    fit = fitting({"capability": [base, HELLOS[name]]})
    assert fit.profile == name
    assert fit.because == (f"capability {HELLOS[name]}",)


def test_what_the_hello_says_weighs_more_than_the_name_of_the_software():
    said = {"software": ["Comware-7.1.064"], "capability": [HELLOS["hpcomware"]]}
    assert fitting(said).profile == "hpcomware"
    assert fitting({"software": ["Comware-7.1.064"]}).profile == "h3c"
    both = {"capability": [HELLOS["huawei"], HELLOS["huaweiyang"]]}
    assert fitting(both).profile == "huaweiyang"


def test_without_evidence_it_is_the_default():
    assert fitting({"software": ["OpenSSH_9.2"], "subsystem": ["netconf"]}).profile == DEFAULT
    assert fitting({"capability": ["x" + HELLOS["junos"]]}).profile == DEFAULT


def test_each_evidence_is_for_a_profile_that_there_is_and_has_a_source():
    assert {each.profile for each in evidence()} <= set(profiles.built_in())
    assert {each.profile for each in evidence()} == set(HELLOS)
    assert {each.where for each in evidence()} <= {"capability", "software", "subsystem"}
    assert all(each.source for each in evidence())
