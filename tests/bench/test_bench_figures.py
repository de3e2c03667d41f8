"""Medians, quantiles, ratios of rounds, and what changes between two runs."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ncwire.bench import comparison, record
from ncwire.bench.contest import Entry
from ncwire.bench.measures import (
    LATENCY,
    MEASURES,
    SESSION,
    Connecting,
    Memory,
    Pipelined,
    Rpcs,
    chosen,
    on_device,
    on_server,
)
from ncwire.bench.quantities import quantile, ratios, spread
from ncwire.bench.record import Contestant, Measured, Record
from ncwire.bench.settings import Settings
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE, Case
from ncwire.errors import OptionError

SETTINGS = Settings(rounds=3, seconds=0.5, connections=4, sessions=5, window=6)


def batches(*times: float) -> list[dict[str, float]]:
    return [{"p50": time} for time in times]


def measured(**rounds: tuple[float, ...]) -> Measured:
    return Measured(LATENCY, 0, {name: batches(*times) for name, times in rounds.items()})


def run_of(*events: Measured, **changes: object) -> Record:
    names = dict.fromkeys(name for event in events for name in event.batches)
    made = Record(
        made="2026-01-01T00:00:00+00:00",
        server={"kind": "sshd", "about": "sshd"},
        settings=dataclasses.asdict(SETTINGS),
        machine={"libraries": {}, "python": "CPython", "openssh": "", "kernel": "", "cores": 2},
        contestants=[Contestant(name, record.DRIVER, "wire 1") for name in names],
        measured=list(events),
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(("part", "value"), [(0, 1), (0.5, 51), (0.95, 96), (0.99, 100), (1, 100)])
def test_a_quantile_has_that_part_of_the_others_below_it(part, value):
    assert quantile(list(range(1, 101)), part) == value


@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_one_value_is_its_own_quantile(part):
    assert quantile([7.0], part) == 7.0


def test_a_ratio_is_taken_in_each_round():
    # The medians are 20 and 4, and none of the rounds has their ratio.
    ours, theirs = batches(10, 20, 90), batches(4, 2, 30)
    assert ratios(ours, theirs, "p50") == [2.5, 10, 3]
    assert spread([2.5, 10, 3]) == (3, 2.5, 10)


def test_the_fastest_has_the_least_median():
    event = measured(a=(1, 9, 9), b=(5, 5, 5), floor=(1, 1, 1))
    assert event.fastest(["a", "b"]) == "b"
    assert event.fastest(["absent"]) is None
    assert event.ratio("a", "b") == (1.8, 0.2, 1.8)
    assert event.ratio("b", "b") == (1, 1, 1)


def test_who_failed_on_the_way_has_no_ratio():
    event = measured(a=(1, 1, 1), b=(2, 2))
    assert event.ratio("b", "a") is None


def test_a_record_is_read_as_it_was_written(tmp_path):
    made = run_of(measured(a=(1, 2, 3), b=(4, 5, 6)), complete=False)
    path = tmp_path / "run.json"
    path.write_text(made.json())

    assert record.load(path) == made
    document = json.loads(made.json())
    assert document["schema"] == record.SCHEMA
    assert document["measured"][0]["fastest"] == "a"
    assert document["measured"][0]["ratios"]["b"] == {"median": 2.5, "least": 2, "greatest": 4}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "this is no JSON"),
        (b"\xff", "this is no JSON"),
        (b"[]", "it names no schema"),
        (b'{"command": "compare.py"}', "it names no schema"),
        (b'{"schema": "ncwire-bench/2"}', "its schema is 'ncwire-bench/2', not 'ncwire-bench/1'"),
        (b'{"schema": "ncwire-bench/1"}', "this record is damaged"),
    ],
)
def test_a_file_that_is_no_record_is_told(tmp_path, content, told):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(OptionError) as caught:
        record.load(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_a_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(OptionError, match="No such file"):
        record.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document["measured"][0].update(measure="beauty"),
        lambda document: document["measured"][0]["batches"].update(a=[]),
        lambda document: document["measured"][0]["batches"].update(a=[{"p99": 1}]),
        lambda document: document["measured"][0].update(batches=7),
        lambda document: document.update(contestants=[{"who": "me"}]),
        lambda document: document.pop("server"),
        lambda document: document["server"].pop("kind"),
        lambda document: document.update(machine="fast"),
    ],
)
def test_a_record_that_is_damaged_is_told(tmp_path, damage):
    document = json.loads(run_of(measured(a=(1, 2, 3))).json())
    damage(document)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    with pytest.raises(OptionError, match="damaged"):
        record.load(path)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ((2, 2, 2), "+0 %  "),
        ((1, 3, 4), "+50 %  "),  # a round of each run is within the other's
        ((4, 4, 5), "+100 % *"),
        ((0.5, 0.5, 0.9), "-75 % *"),
    ],
)
def test_a_change_is_marked_when_it_is_more_than_the_rounds_differ(now, text):
    earlier = run_of(measured(a=(1, 2, 3)))
    assert str(comparison.change(earlier, measured(a=now), "a")) == text


def test_there_is_no_change_where_the_earlier_run_has_no_such_row():
    earlier = run_of(measured(a=(1, 2, 3)))
    assert comparison.change(earlier, measured(b=(1, 2, 3)), "b") is None
    elsewhere = dataclasses.replace(measured(a=(1, 2, 3)), size=10)
    assert comparison.change(earlier, elsewhere, "a") is None


def test_runs_on_different_servers_are_not_compared():
    earlier = run_of(measured(a=(1, 2, 3)))
    comparison.check(earlier, {"kind": "sshd", "about": "a newer sshd"})
    with pytest.raises(OptionError, match="--compare: that run was against another server"):
        comparison.check(earlier, {"kind": "embedded", "about": "ours"})


def test_runs_with_different_rpcs_are_not_compared():
    r1 = {"kind": "device", "about": "r1", "operation": "<get/>"}
    earlier = run_of(measured(a=(1, 2, 3)), server=r1)
    comparison.check(earlier, dict(r1))
    for other in ({"about": "r2"}, {"operation": "<get-config/>"}):
        with pytest.raises(OptionError, match="--compare"):
            comparison.check(earlier, r1 | other)


def test_what_else_differs_is_told():
    earlier, now = run_of(measured(a=(1, 2, 3))), run_of(measured(a=(1, 2, 3)))
    assert list(comparison.differences(earlier, now)) == []
    machine = now.machine | {"cores": 4, "libraries": {"paramiko": "6"}}
    now = dataclasses.replace(now, machine=machine)
    assert list(comparison.differences(earlier, now)) == [
        "cores: 2 then, 4 now",
        "paramiko: none then, 6 now",
    ]


def test_events_follow_the_sizes_and_the_choice():
    events = on_server([0, 2_000_000, 10], SETTINGS)
    assert [(each.measure, each.size) for each in chosen(events, MEASURES)] == [
        ("connect", 0),
        ("latency", 0),
        ("latency", 10),
        ("pipelined", 0),
        ("pipelined", 10),
        ("throughput", 2_000_000),
        ("memory", 0),
    ]
    assert [each.measure for each in chosen(events, ["memory", "connect"])] == [
        "connect",
        "memory",
    ]


def test_a_device_never_has_many_sessions():
    events = on_device("<get/>", 5, SETTINGS)
    assert not any(isinstance(each, Memory) for each in events)
    (connecting,) = (each for each in events if isinstance(each, Connecting))
    assert connecting.arguments()["most"] == SETTINGS.connections
    for each in events:
        if isinstance(each, Rpcs | Pipelined):
            assert each.case.operation() == "<get/>"


def test_a_bare_loop_is_asked_only_for_what_it_can_do():
    floor, session = Entry("floor", "a:B"), Entry("session", SESSION)
    for each in on_server([0, 2_000_000], SETTINGS):
        assert each.admits(session)
        assert each.admits(floor) is (each.measure not in ("pipelined", "memory"))


def test_a_record_keeps_how_replies_were_framed_and_whose_floor_is_whose(tmp_path):
    path = tmp_path / "kept.json"
    framed = [
        Measured(LATENCY, 0, {"a": batches(1)}, chunk, framing)
        for chunk, framing in ((0, CHUNKED), (4096, CHUNKED), (0, END_OF_MESSAGE))
    ]
    before = run_of(*framed, contestants=[Contestant("a", record.DRIVER, yardstick="floor/a")])
    path.write_text(before.json())
    kept = record.load(path)
    assert kept == before
    assert [kept.like(event) for event in framed] == framed


def test_a_record_of_before_there_was_a_choice_is_read_as_the_usual(tmp_path):
    path = tmp_path / "kept.json"
    document = json.loads(run_of(measured(a=(1,))).json())
    for each in document["measured"]:
        del each["chunk"], each["framing"]
    for each in document["contestants"]:
        del each["yardstick"]
    path.write_text(json.dumps(document))
    assert record.load(path) == run_of(measured(a=(1,)))


def test_who_is_asked_for_small_replies_only_takes_no_part_in_large_ones():
    slow = Entry("slow", "module:Class", largest=20_000)
    assert Rpcs(Case(20_000), 1).admits(slow)
    assert not Rpcs(Case(20_001), 1).admits(slow)
