"""What NAPALM's junos driver calls: a keepalive after connecting, is_alive, get_config, cli."""

import json
import sys

from napalm import get_network_driver

to = json.loads(sys.argv[1])
driver = get_network_driver("junos")(
    to["host"],
    to["username"],
    to["password"],
    optional_args={"port": to["port"], "keepalive": 10},
)
driver.open()
print(driver.is_alive())
print(driver._rpc("<get-interface-information/>").decode())  # noqa: SLF001 - as its getters do
print(driver.is_alive())
driver.close()
print(driver.is_alive())
