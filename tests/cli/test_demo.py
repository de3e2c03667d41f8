"""`ncwire demo`: the main job, with no device."""

from __future__ import annotations

import re


def test_the_demo_shows_hello_edit_and_reply_with_paramiko(run):
    code, out, err = run("demo")

    shown = out.partition("driver paramiko")[2]
    assert (code, err) == (0, "")
    assert "chunked framing" in shown
    assert "urn:ietf:params:netconf:capability:candidate:1.0" in shown
    assert "<contact>edited with driver paramiko</contact>" in shown
    assert re.search(r"one rpc: \d+\.\d\d ms", shown)
