"""Diagnosis: what a device's SSH server offers, who can talk to it, and what it answers."""

from ncwire.probe.compatibility import Ability, Verdict
from ncwire.probe.host_keys import HostKeyFinding, Standing
from ncwire.probe.inventory_toml import stanza
from ncwire.probe.probing import probe
from ncwire.probe.profile_match import Fit
from ncwire.probe.report import Answer, Report

__all__ = [
    "Ability",
    "Answer",
    "Fit",
    "HostKeyFinding",
    "Report",
    "Standing",
    "Verdict",
    "probe",
    "stanza",
]
