"""Ask many devices at once for their contact, each with a thread of a pool."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ncclient import manager

DEVICES = [json.loads(Path("device.json").read_text(encoding="utf-8"))] * 8
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
FILTER = f'<system xmlns="{SYSTEM}"/>'


def contact(device):
    """Return the contact in a device's running configuration."""
    with manager.connect(**device) as session:
        reply = session.get_config("running", filter=("subtree", FILTER))
        return reply.data_ele.findtext(f".//{{{SYSTEM}}}contact")


with ThreadPoolExecutor(4) as pool:
    print(*pool.map(contact, DEVICES), sep="\n")
