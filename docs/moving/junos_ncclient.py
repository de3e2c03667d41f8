"""Ask a Junos device for its version, and set what it may refuse."""

import json
from pathlib import Path

from ncclient import manager
from ncclient.operations import RPCError

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))

with manager.connect(**DEVICE, device_params={"name": "junos"}) as session:
    reply = session.rpc("<get-software-information/>")
    print(reply.xpath("//junos-version")[0].text)
    try:
        session.load_configuration(action="set", config="set system host-name")
    except RPCError as error:
        print(error.severity, error.tag, error.message)
