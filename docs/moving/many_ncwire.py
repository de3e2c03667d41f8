"""Ask many devices at once for their contact, each with a thread of a pool."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ncwire

DEVICES = [json.loads(Path("device.json").read_text(encoding="utf-8"))] * 8
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
FILTER = f'<filter type="subtree"><system xmlns="{SYSTEM}"/></filter>'
GET_CONFIG = f"<get-config><source><running/></source>{FILTER}</get-config>"


def contact(device):
    """Return the contact in a device's running configuration."""
    with ncwire.connect(**device, profile="netconfd") as session:
        reply = session.rpc(GET_CONFIG, check=True)
        return reply.data.findtext(f".//{{{SYSTEM}}}contact")


with ThreadPoolExecutor(4) as pool:
    print(*pool.map(contact, DEVICES), sep="\n")
