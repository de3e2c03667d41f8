"""Change the candidate configuration and commit it, or leave all as it was."""

import json
from pathlib import Path

import ncwire

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
CONFIG = Path("config.xml").read_text(encoding="utf-8")
CANDIDATE = "<target><candidate/></target>"

with ncwire.connect(**DEVICE, profile="netconfd") as session:
    session.rpc(f"<lock>{CANDIDATE}</lock>", check=True)
    try:
        session.rpc(f"<edit-config>{CANDIDATE}{CONFIG}</edit-config>", check=True)
        session.rpc("<validate><source><candidate/></source></validate>", check=True)
        session.rpc("<commit/>", check=True)
        print("committed")
    except ncwire.RPCError as error:
        session.rpc("<discard-changes/>", check=True)
        print("refused:", error.tag)
    finally:
        session.rpc(f"<unlock>{CANDIDATE}</unlock>", check=True)
