"""yang.connector's way: its own connection class, which makes SSHSession and Manager itself."""

import json
import sys

from yang.connector import Netconf

to = json.loads(sys.argv[1])


class Device:
    def __init__(self):
        self.name = "r1"
        self.alias = "r1"
        self.connections = {
            "netconf": {
                "host": to["host"],
                "port": to["port"],
                "username": to["username"],
                "password": to["password"],
            }
        }


device = Device()  # which the connection itself does not keep
connection = Netconf(
    host=to["host"],
    port=to["port"],
    username=to["username"],
    password=to["password"],
    device=device,
    alias="netconf",
    via="netconf",
    timeout=20,
)
print(connection.connected)
connection.connect()
print(connection.connected, connection.session.is_alive())
print(connection.get_config(source="running").ok)
raw = '<rpc message-id="101" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><get/></rpc>'
print(connection.request(raw))
connection.disconnect()
print(connection.connected, connection.session.is_alive())
connection.connect()
print(connection.get_config(source="running").ok)
connection.disconnect()
