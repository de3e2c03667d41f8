"""Subscribe to a device's notifications, and wait until somebody logs in."""

import json
from pathlib import Path

import ncwire

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))
SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'

with ncwire.connect(**DEVICE, profile="netconfd") as session:
    notifications = session.notifications()
    session.rpc(SUBSCRIBE, check=True)
    with ncwire.connect(**DEVICE, profile="netconfd"):  # somebody
        while True:
            try:
                notification = notifications.get(timeout=30)
            except ncwire.StepTimeoutError:
                print("nobody")
                break
            if "<netconf-session-start" in notification.raw:
                print("somebody has logged in")
                break
