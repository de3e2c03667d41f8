"""Subscribe to a device's notifications, and wait until somebody logs in."""

import json
from pathlib import Path

from ncclient import manager

DEVICE = json.loads(Path("device.json").read_text(encoding="utf-8"))

with manager.connect(**DEVICE) as session:
    session.create_subscription()
    with manager.connect(**DEVICE):  # somebody
        while True:
            notification = session.take_notification(timeout=30)
            if notification is None:
                print("nobody")
                break
            if "<netconf-session-start" in notification.notification_xml:
                print("somebody has logged in")
                break
