"""Contestants take turns in processes of their own, and one that fails hurts no other."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pytest

from ncwire.bench.contest import Contest, ContestantError, Entry, Process
from ncwire.bench.target import Case, Target

TARGET = Target("", 0, "", "", "")
EMPTY = Case()
WITHIN = 60.0


@dataclass(frozen=True)
class Rpcs:
    case: Case = EMPTY
    not_for: str = ""
    request: str = "batch"

    def arguments(self):
        return {"case": asdict(self.case), "seconds": 0.001}

    def admits(self, entry):
        return entry.name != self.not_for


class Watcher:
    def __init__(self) -> None:
        self.turns: list[str] = []
        self.failures: list[ContestantError] = []
        self.ended_turns = 0

    def begins(self, event, entry) -> None:
        self.turns.append(entry.name)

    def ended(self) -> None:
        self.ended_turns += 1

    def failed(self, error) -> None:
        self.failures.append(error)


def entry(name: str, kind: str = "Instant", **parameters: object) -> Entry:
    return Entry(name, f"contestants_in_tests:{kind}", parameters)


def test_each_round_has_every_contestant_once_in_an_order_that_rotates(tmp_path):
    journal = tmp_path / "journal"
    entries = [
        entry(name, says=name, journal=str(journal), notes=["has a turn"]) for name in "abc"
    ]
    contest = Contest(entries, [Rpcs()], rounds=4)
    watcher = Watcher()

    results = contest.run(TARGET, watcher)

    assert watcher.turns == [*"abc", *"bca", *"cab", *"abc"]
    assert journal.read_text().splitlines() == [f"{name} has a turn" for name in watcher.turns]
    assert contest.turns() == watcher.ended_turns == 12
    assert {name: len(b) for name, b in results.batches[Rpcs()].items()} == dict.fromkeys("abc", 4)
    assert results.failures == {}


def test_a_session_may_be_closed_after_each_turn_so_that_there_is_one_at_a_time(tmp_path):
    journal = tmp_path / "journal"
    entries = [
        entry(name, says=name, journal=str(journal), notes=["opens", "closes"]) for name in "ab"
    ]
    contest = Contest(entries, [Rpcs()], rounds=2, after_turn=["close"])
    contest.run(TARGET, Watcher())

    noted = journal.read_text().splitlines()
    assert noted[:8] == [f"{name} {what}" for name in "abba" for what in ("opens", "closes")]


def test_who_is_not_admitted_has_no_turn():
    event = Rpcs(not_for="a")
    contest = Contest([entry("a"), entry("b")], [event], rounds=2)
    watcher = Watcher()

    results = contest.run(TARGET, watcher)

    assert watcher.turns == ["b", "b"]
    assert results.batches[event].keys() == {"b"}


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (entry("bad", "Failing", at=2), "ConnectionError: the line broke"),
        (entry("bad", "Dying"), "batch: its process ended"),
        (entry("bad", "Wrong"), "ReplyError: no <ok/>"),
        (entry("bad", "NotThere"), "AttributeError: "),
    ],
    ids=lambda each: each.contestant.partition(":")[2] if isinstance(each, Entry) else "",
)
def test_who_fails_leaves_and_the_others_go_on(failing, reason):
    contest = Contest([entry("good"), failing], [Rpcs()], rounds=3)
    watcher = Watcher()

    results = contest.run(TARGET, watcher)

    assert results.failures.keys() == {"bad"}
    assert results.failures["bad"].startswith(reason)
    assert len(results.batches[Rpcs()]["good"]) == 3
    assert [each.name for each in watcher.failures] == ["bad"]
    assert watcher.ended_turns == contest.turns()


def test_who_does_not_answer_in_time_has_failed():
    contest = Contest([entry("slow", "Hanging")], [Rpcs()], rounds=1, within=0.2)

    results = contest.run(TARGET, Watcher())

    assert results.failures == {"slow": "batch: not done within 0.2 s"}


def test_a_watcher_that_raises_ends_the_contest():
    class Strict(Watcher):
        def failed(self, error) -> None:
            raise error

    contest = Contest([entry("bad", "Dying"), entry("good")], [Rpcs()], rounds=2)
    with pytest.raises(ContestantError, match=r"^bad: batch: its process ended"):
        contest.run(TARGET, Strict())


def test_what_was_measured_stays_when_a_contest_is_broken_off():
    class Impatient(Watcher):
        def begins(self, event, entry) -> None:
            super().begins(event, entry)
            if len(self.turns) == 3:
                raise KeyboardInterrupt

    contest = Contest([entry("a"), entry("b")], [Rpcs()], rounds=2)
    with pytest.raises(KeyboardInterrupt):
        contest.run(TARGET, Impatient())
    batches = contest.results.batches[Rpcs()]
    assert {name: len(each) for name, each in batches.items()} == {"a": 1, "b": 1}


def test_no_other_process_can_read_the_parameters():
    process = Process(entry("a", "Secretive", password="correct horse"), TARGET)
    try:
        process.ask("batch", Rpcs().arguments(), WITHIN)
    finally:
        process.end()
    assert "horse" not in repr(entry("a", password="correct horse"))


def test_a_batch_has_its_figures():
    process = Process(entry("a"), TARGET)
    try:
        batch = process.ask("batch", Rpcs(Case(1000)).arguments(), WITHIN)
        connected = process.ask(
            "connect", {"framing": "chunked", "seconds": 60.0, "most": 3}, WITHIN
        )
    finally:
        process.end()
    assert 0 < batch["p50"] <= batch["p95"] <= batch["p99"]
    assert batch["count"] >= 1
    assert connected["count"] == 3
