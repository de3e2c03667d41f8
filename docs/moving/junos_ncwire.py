"""Ask a Junos device for its version, and set what it may refuse."""

import json
from pathlib import Path

import ncwire

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
SET = "<configuration-set>set system host-name</configuration-set>"

with ncwire.connect(**DEVICE, profile="junos") as session:
    reply = session.rpc("<get-software-information/>", check=True)
    print(reply.element.findtext(".//{*}junos-version"))
    try:
        session.rpc(f'<load-configuration action="set">{SET}</load-configuration>', check=True)
    except ncwire.RPCError as error:
        print(error.severity, error.tag, error.message)
