"""nornir-netconf with twenty hosts, five at a time."""

import json
import logging
import sys

from nornir import InitNornir
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.inventory import InventoryPluginRegister
from nornir_netconf.plugins.tasks import (
    netconf_commit,
    netconf_edit_config,
    netconf_get,
    netconf_get_config,
    netconf_lock,
)

to = json.loads(sys.argv[1])
logging.getLogger("nornir").setLevel(logging.CRITICAL)


class Twenty:
    def load(self):
        extras = {"hostkey_verify": False, "allow_agent": False, "look_for_keys": False}
        options = {"netconf": ConnectionOptions(extras=extras)}
        hosts = {
            f"r{number}": Host(
                name=f"r{number}",
                hostname=to["host"],
                port=to["port"],
                username=to["username"],
                password=to["password"],
                platform="default",
                connection_options=options,
            )
            for number in range(20)
        }
        return Inventory(hosts=Hosts(hosts), groups=Groups(), defaults=Defaults())


InventoryPluginRegister.register("Twenty", Twenty)
nornir = InitNornir(
    inventory={"plugin": "Twenty"},
    runner={"plugin": "threaded", "options": {"num_workers": 5}},
    logging={"enabled": False},
)
CONFIG = (
    '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
    '<system xmlns="urn:example:system"><name>r</name></system></config>'
)


def work(task):
    for each in (
        lambda: task.run(netconf_get),
        lambda: task.run(netconf_get_config, source="running"),
        lambda: task.run(netconf_edit_config, config=CONFIG, target="candidate"),
        lambda: task.run(netconf_commit),
    ):
        each()


results = nornir.run(task=work)
for name, result in sorted(results.items()):
    print(name, [(each.name, each.failed) for each in result])
locked = nornir.filter(name="r0").run(netconf_lock, datastore="candidate", operation="lock")
print([each.failed for each in locked["r0"]])
nornir.close_connections()
