"""`ncwire demo`: the main job, with no device."""

from __future__ import annotations

import re


def test_the_demo_shows_hello_edit_and_reply_over_every_transport(run):
    code, out, err = run("demo")

    assert (code, err) == (0, "")
    _, *parts = re.split(r"^driver (\w+) .*$", out, flags=re.MULTILINE)
    shown = dict(zip(parts[::2], parts[1::2], strict=True))
    assert shown.keys() >= {"paramiko", "tls", "unix"}
    for driver in ("paramiko", "tls", "unix"):
        assert "chunked framing" in shown[driver]
        assert "urn:ietf:params:netconf:capability:candidate:1.0" in shown[driver]
        assert f"<contact>edited with driver {driver}</contact>" in shown[driver]
        assert re.search(r"one rpc: \d+\.\d\d ms", shown[driver])
