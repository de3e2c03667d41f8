"""Change the candidate configuration and commit it, or leave all as it was."""

import json
from pathlib import Path

from ncclient import manager
from ncclient.operations import RPCError

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
CONFIG = Path("config.xml").read_text(encoding="utf-8")

with manager.connect(**DEVICE) as session, session.locked("candidate"):
    try:
        session.edit_config(config=CONFIG, target="candidate")
        session.validate("candidate")
        session.commit()
        print("committed")
    except RPCError as error:
        session.discard_changes()
        print("refused:", error.tag)
