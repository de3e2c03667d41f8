"""A PyEZ Device with a SAX filter, and what it makes of mistakes."""

import json
import sys

from jnpr.junos import Device, exception
from lxml import etree

to = json.loads(sys.argv[1])
account = {"host": to["host"], "port": to["port"], "user": to["username"], "look_for_keys": False}
FILTER = (
    "<interface-information><physical-interface><name/><oper-status/></physical-interface>"
    "</interface-information>"
)


def told(found):
    return etree.tostring(found).decode()


with Device(**account, passwd=to["password"], gather_facts=False, use_filter=True) as device:
    for _ in range(3):
        print(told(device.rpc.get_interface_information(filter_xml=FILTER)))
    print(told(device.rpc.get_interface_information()))
    print(device.connected)
print(device.connected)

for wrong in ({"passwd": "wrong"}, {"port": 1}, {"host": "no-such-host.invalid"}):
    try:
        Device(**{**account, "passwd": to["password"], **wrong}, gather_facts=False).open()
    except exception.ConnectError as error:
        print(type(error).__name__)
