"""ncdiff: the models of a device, its configuration, and the difference of two."""

import json
import sys
import tempfile

from ncdiff import manager

to = json.loads(sys.argv[1])
CONFIG = (
    '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
    '<system xmlns="urn:ietf:params:xml:ns:yang:ietf-system"><contact>other</contact></system>'
    "</config>"
)

with tempfile.TemporaryDirectory() as folder:
    device = manager.connect(
        host=to["host"],
        port=to["port"],
        username=to["username"],
        key_filename=to["key"],
        hostkey_verify=False,
        look_for_keys=False,
        allow_agent=False,
    )
    device.scan_models(folder=folder, download="check")
    print(device.load_model("ietf-system"))
    reply = device.get_config(models="ietf-system")
    print(reply.ok)
    before = device.extract_config(reply)
    print(device.edit_config(CONFIG, target="candidate").ok, device.commit().ok)
    after = device.extract_config(device.get_config(models="ietf-system"))
    print(after - before)
    device.close_session()
