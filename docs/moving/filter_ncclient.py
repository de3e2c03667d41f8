"""Print the contact in a device's running configuration."""

import json
from pathlib import Path

from ncclient import manager

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
FILTER = f'<system xmlns="{SYSTEM}"/>'

with manager.connect(**DEVICE) as session:
    reply = session.get_config("running", filter=("subtree", FILTER))
    print(reply.data_ele.findtext(f".//{{{SYSTEM}}}contact"))
