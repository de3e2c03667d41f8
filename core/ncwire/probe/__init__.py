"""Diagnosis: what a device's SSH server offers, who can talk to it, and what it answers."""

from ncwire.probe.families import Fit
from ncwire.probe.host_keys import HostKeyFinding, Standing
from ncwire.probe.probing import probe
from ncwire.probe.report import Answer, Report
from ncwire.probe.stanza import stanza
from ncwire.probe.verdicts import Ability, Verdict

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
