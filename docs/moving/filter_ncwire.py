"""Print the contact in a device's running configuration."""

import json
from pathlib import Path

import ncwire

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
FILTER = f'<filter type="subtree"><system xmlns="{SYSTEM}"/></filter>'
GET_CONFIG = f"<get-config><source><running/></source>{FILTER}</get-config>"

with ncwire.connect(**DEVICE, profile="netconfd") as session:
    reply = session.rpc(GET_CONFIG, check=True)
    print(reply.data.findtext(f".//{{{SYSTEM}}}contact"))
