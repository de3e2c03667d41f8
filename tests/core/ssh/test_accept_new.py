"""Adding the keys of new hosts to a known_hosts file."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ncwire._ssh.hostkeys.accept_new import NewHosts
from ncwire._ssh.hostkeys.known_hosts import read_known_hosts
from ncwire.errors import KnownHostsFileError
from waiting import eventually


@pytest.fixture
def key(key_factory):
    return key_factory.public("ed25519")


@pytest.fixture
def other(key_factory):
    return key_factory.public("ed25519", n=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "known_hosts"


def mode(path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_file_and_its_folder_are_made_for_the_owner_alone(path, key, umask):
    before = os.umask(umask)
    try:
        assert not NewHosts(str(path)).add("[R1.Example]:830", key)
    finally:
        os.umask(before)
    assert path.read_text() == f"[r1.example]:830 {key.type} {key.base64}\n"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_what_is_there_stays_as_it_is(path, key, other):
    path.parent.mkdir()
    path.write_text(f"# mine\nr2 {other.type} {other.base64}")
    path.chmod(0o644)
    NewHosts(str(path)).add("r1", key)
    assert path.read_text() == (
        f"# mine\nr2 {other.type} {other.base64}\nr1 {key.type} {key.base64}\n"
    )
    assert mode(path) == 0o644


def test_openssh_finds_a_hashed_name_and_no_reader_does(path, key):
    NewHosts(str(path), hashed=True).add("[r1]:830", key)
    NewHosts(str(path), hashed=True).add("[r2]:830", key)
    text = path.read_text()
    assert "]:830" not in text  # nothing that base64 could have by chance
    for n, name in enumerate(("[r1]:830", "[r2]:830"), 1):
        command = ["ssh-keygen", "-F", name, "-f", path]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert f"found: line {n}" in said
    assert len(set(text.split()[::3])) == 2


@pytest.mark.parametrize("hashed", [True, False])
def test_a_key_on_file_is_returned_and_nothing_added(path, key, other, hashed):
    new_hosts = NewHosts(str(path), hashed=hashed)
    new_hosts.add("r1", key)
    text = path.read_text()
    for again in (key, other):
        (entry,) = new_hosts.add("r1", again)
        assert (entry.key, entry.line) == (key, 1)
    assert path.read_text() == text


def test_marked_lines_are_no_keys_on_file(path, key, other):
    path.parent.mkdir()
    path.write_text(f"@cert-authority * {other.type} {other.base64}\n")
    assert not NewHosts(str(path)).add("r1", key)
    assert len(path.read_text().splitlines()) == 2


def test_the_home_folder_is_expanded_and_a_link_is_followed(home, key):
    (home / "real").touch()
    (home / ".ssh/known_hosts").symlink_to(home / "real")
    NewHosts("~/.ssh/known_hosts").add("r1", key)
    assert (home / "real").read_text().startswith("r1 ")
    assert (home / ".ssh/known_hosts").is_symlink()


def test_a_file_that_forgets_is_all_right(key):
    assert not NewHosts("/dev/null").add("r1", key)


@pytest.mark.parametrize(
    "name", ["", "[]:830", "r*", "a b", "a,b", "a\nb", "!a", "@revoked", "#a", "[a]b]:830", "|1|a"]
)
def test_a_name_that_would_mean_something_else_is_not_written(path, key, name):
    with pytest.raises(KnownHostsFileError, match="no name"):
        NewHosts(str(path)).add(name, key)
    assert not path.exists()


def test_what_cannot_be_opened_is_named(tmp_path, key):
    with pytest.raises(
        KnownHostsFileError, match=r"known_hosts file .*: the key of r1 .*directory"
    ):
        NewHosts(str(tmp_path)).add("r1", key)
    with pytest.raises(KnownHostsFileError, match="No such file"):
        NewHosts(str(tmp_path / "no" / "such" / "file")).add("r1", key)


def test_a_full_disk_leaves_the_file_as_it_was(path, key, other):
    new_hosts = NewHosts(str(path))
    new_hosts.add("r1", key)
    text = path.read_text()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(text) + 10, limits[1]))
    try:
        with pytest.raises(KnownHostsFileError, match="no room"):
            new_hosts.add("r2", other)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == text


def test_a_lock_that_others_keep_is_waited_for_and_no_longer_than_said(path, key):
    NewHosts(str(path)).add("r1", key)
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(KnownHostsFileError, match="another process keeps the file locked"):
            NewHosts(str(path), patience=0.05).add("r2", key)
        added = threading.Thread(target=NewHosts(str(path), patience=60).add, args=("r3", key))
        added.start()
        assert len(path.read_text().splitlines()) == 1
    added.join(60)
    assert [line.split()[0] for line in path.read_text().splitlines()] == ["r1", "r3"]


def opened(path) -> int:
    """How many fds this process has open of a file."""
    fds = [str(fd) for fd in Path("/proc/self/fd").iterdir()]
    return sum(os.path.realpath(fd) == str(path.resolve()) for fd in fds)


def test_a_file_that_is_replaced_meanwhile_gets_the_line(path, key, tmp_path):
    NewHosts(str(path)).add("r1", key)
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        adding = threading.Thread(target=NewHosts(str(path), patience=60).add, args=("r2", key))
        adding.start()
        # It waits for the lock of the file that is there now.
        eventually(lambda: opened(path) == 2)
        (tmp_path / "replacement").write_text("# new\n")
        (tmp_path / "replacement").rename(path)
    adding.join(60)
    assert path.read_text().splitlines()[0] == "# new"
    assert path.read_text().splitlines()[1].startswith("r2 ")


ADDING = """
import sys, threading
from ncwire.driver import HostKey
from ncwire._ssh.hostkeys.accept_new import NewHosts
path, who, blob = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
key = HostKey.from_blob(blob)
def add(n):
    for m in range(10):
        NewHosts(path, patience=60).add(f"host-{who}-{n}-{m}", key)
        NewHosts(path, patience=60).add(f"common-{n}-{m}", key)
threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
sys.stdin.read()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_processes_and_threads_that_add_at_once_lose_nothing(path, key):
    path.parent.mkdir()
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ADDING, path, str(who), key.blob.hex()], stdin=subprocess.PIPE
        )
        for who in range(3)
    ]
    for other in others:
        other.stdin.close()
    assert [other.wait(100) for other in others] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert all(line.split()[1:] == [key.type, key.base64] for line in lines)
    names = [line.split()[0] for line in lines]
    assert len(names) == len(set(names)) == 3 * 4 * 10 + 4 * 10
    assert len(read_known_hosts([str(path)]).lookup("common-0-0")) == 1
