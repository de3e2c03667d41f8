"""Each target holds for its seeds and for some mutations; and it tells what breaks a promise."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import targets
from engine import corpus, plain
from engine.mutation import Mutator
from ncwire._protocol.framing import Decoder, EndOfMessageDecoder
from targets import chunked, decoding, end_of_message, root, streams
from targets.property import ViolatedError

FUZZ = Path(__file__).parents[2] / "fuzz"
MUTATIONS = 150


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_target_holds(name):
    done, finding = plain.run(targets.load(name), name, seed=1, count=MUTATIONS)
    if finding is not None:
        finding.error.add_note(f"the input: {finding.data!r}")
        raise finding.error
    assert done > MUTATIONS


def test_each_target_has_seeds_and_each_seed_a_target():
    assert {path.name for path in (FUZZ / "corpus").iterdir()} == set(targets.NAMES)
    modules = {
        path.stem for path in (FUZZ / "targets").glob("*.py") if "\ndef one(" in path.read_text()
    }
    assert modules == set(targets.NAMES)
    for name in targets.NAMES:
        assert corpus.seeds(name)
        assert max(map(len, corpus.seeds(name).values())) <= targets.load(name).LONGEST


def test_the_same_seed_gives_the_same_inputs():
    target = targets.load("chunked")
    seeds = len(corpus.seeds("chunked"))

    def some(seed):
        inputs = plain.inputs(target, "chunked", seed)
        return [next(inputs) for _ in range(seeds + 50)]

    assert some(1) == some(1)
    assert some(1) != some(2)


def test_a_mutation_is_no_longer_than_it_may_be():
    mutator = Mutator(random.Random(1), [b"x" * 50], longest=60)
    assert all(len(mutator.mutated([b"ab"])) <= 60 for _ in range(500))


class Lossy(Decoder):
    """Loses a message's last byte when it comes in several reads."""

    def __init__(self, limit):
        super().__init__(limit, 0)
        self._inner = EndOfMessageDecoder(limit)
        self._reads = 0

    def receive(self, data):
        self._reads += 1
        self._inner.receive(data)

    def take_whole(self, data):
        return self._inner.take_whole(data)

    def next_document(self):
        document = self._inner.next_document()
        return document if document is None or self._reads == 1 else document[:-1]

    def pending(self):
        return self._inner.pending()


def test_a_decoder_that_depends_on_the_reads_is_found():
    with pytest.raises(ViolatedError, match="however it is cut"):
        decoding.check(Lossy, end_of_message.description, b"<a/>]]>]]>")


def test_a_decoder_of_another_grammar_is_found():
    with pytest.raises(ViolatedError, match="those of the grammar"):
        decoding.check(EndOfMessageDecoder, lambda data: ([data], False), b"<a/>]]>]]>")


@pytest.mark.parametrize(
    ("stream", "messages", "is_broken"),
    [
        (b"\n#1\na\n##\n", [b"a"], False),
        (b"\n#1\na\n#2\nbc\n##\n\n#1", [b"abc"], False),
        (b"\n##\n", [], True),
        (b"\n#01\n", [], True),
        (b"\n#1\nab", [], True),
        (b"\n#4294967296", [], True),
        (b"\n#1\na\n##x", [], True),
    ],
)
def test_the_grammar_of_chunks(stream, messages, is_broken):
    assert chunked.grammar(stream) == (messages, is_broken)


def test_an_error_that_no_document_names_is_found():
    def one(_data):
        raise KeyError("x")

    target = SimpleNamespace(one=one, TOKENS=[b"x"], LONGEST=10)
    done, finding = plain.run(target, "chunked", seed=1, count=1)
    assert done == 0
    assert isinstance(finding.error, KeyError)


def test_a_stream_without_a_hello_gets_the_one_of_its_framing():
    assert streams.from_server(b"\n#1\n").startswith(streams.HELLO_1_1)
    assert streams.from_server(b"<a/>").startswith(streams.HELLO_1_0)
    assert streams.from_server(b"<hello>") == b"<hello>"


def test_two_messages_are_compared_with_what_was_learned(monkeypatch):
    monkeypatch.setattr(root.Alike, "root", lambda self, raw: ("other", {}))
    with pytest.raises(ViolatedError, match="what is alike"):
        root.one(b"<a/>\0<b/>")


def run(*arguments, **more):
    command = [sys.executable, str(FUZZ / "run.py"), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=100, **more
    )


def test_the_command_tells_executions_and_findings(tmp_path):
    done = run("jump", "kexinit", "--plain", "--seconds", 1, "--seed", 7, "--findings", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout
    for name in ("jump", "kexinit"):
        executions = re.search(rf"{name}\D+([\d,]+)", done.stdout)[1]
        assert int(executions.replace(",", "")) > 10


def test_the_command_runs_an_input_again(tmp_path):
    file = tmp_path / "input"
    file.write_bytes(b"bob@r1:22")
    assert run("jump", "--input", file).returncode == 0
    assert "needs one target" in run("--input", file).stderr
    assert "no such target: nonesuch" in run("nonesuch").stderr


def test_the_command_runs_atheris(tmp_path):
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'ncwire[fuzz]'")
    kept = tmp_path / "kept"
    done = run("jump", "--seconds", 1, "--seed", 7, "--findings", tmp_path, "--keep", kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "by atheris" in done.stdout
    assert any((kept / "jump").iterdir())
