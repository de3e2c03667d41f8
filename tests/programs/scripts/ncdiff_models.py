"""ncdiff: the models of a device, its configuration, and the difference of two."""

import json
import sys
import tempfile

from ncdiff import manager

to = json.loads(sys.argv[1])
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
    module = device.load_model("ietf-interfaces")
    print(module.name if hasattr(module, "name") else module.tree.tag)
    reply = device.get_config(models="ietf-interfaces")
    print(reply.ok)
    first = device.extract_config(reply)
    print(first - device.extract_config(device.get_config(models="ietf-interfaces")))
    device.close_session()
