"""known_hosts files, read as OpenSSH reads them."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncwire._ssh.hostkeys.known_hosts import (
    CERT_AUTHORITY,
    REVOKED,
    KnownHostsFile,
    host_entry_name,
    read_known_hosts,
)
from ncwire.errors import OptionError

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
ED2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKW6mHtmpl1XUXWo5m0hdwzjDxbn0GTfbYBvXpXG9mO"

SHORT_RSA = b"\0\0\0\x07ssh-rsa\0\0\0\x01\x03\0\0\0\x60" + b"\x7f" * 96
"""768 bits, which OpenSSH does not take for a key."""


def lines_found(text: str, name: str) -> list[int]:
    return [entry.line for entry in KnownHostsFile("f", text.encode()).lookup(name)]


@pytest.mark.parametrize(
    ("names", "name", "found"),
    [
        ("r1", "r1", True),
        ("r1", "R1", True),
        ("R1.Example", "r1.example", True),
        ("r1", "r2", False),
        ("r1,10.0.0.1", "10.0.0.1", True),
        ("r1,10.0.0.1", "r1,10.0.0.1", False),
        ("[r1]:830", "[r1]:830", True),
        ("[r1]:830", "r1", False),
        ("r1", "[r1]:830", False),
        ("[r1]:*", "[r1]:830", True),
        ("[r?]:830", "[r1]:830", True),
        ("r[12]", "r1", False),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("r?", "r12", False),
        ("*,!r1", "r1", False),
        ("!r1,*", "r1", False),
        ("!r1,*", "r2", True),
        ("!r1", "r2", False),
        ("*", "[fe80::1%eth0]:830", True),
        ("fe80::1", "fe80::1", True),
        ("a*b?d*f", "axxbcdyyf", True),
        ("a*b?d*f", "axxbdyyf", False),
        ("*a?c*", "xxabcyy", True),
        ("ab*ba", "aba", False),
        ("r1,,r2", "r2", True),
    ],
)
def test_names_match_as_openssh_matches_them(names, name, found):
    assert bool(lines_found(f"{names} {ED}\n", name)) is found


def test_comments_blank_lines_and_indentation():
    text = f"# r1 {ED}\n\n   \n\t r1\t{ED} the lab\r\n#\nr1 {ED2}"
    assert lines_found(text, "r1") == [4, 6]


def test_an_entry_tells_its_file_line_marker_and_key():
    text = f"r1 {ED}\n@revoked r1 {ED2}\n@cert-authority *.net,r1 {ED}\n"
    plain, revoked, authority = KnownHostsFile("kh", text.encode()).lookup("r1")
    assert (plain.filename, plain.line, plain.marker) == ("kh", 1, "")
    assert (revoked.line, revoked.marker, revoked.key.base64) == (2, REVOKED, ED2.split()[1])
    assert (authority.line, authority.marker) == (3, CERT_AUTHORITY)
    assert plain.key.type == "ssh-ed25519"


@pytest.mark.parametrize(
    "line",
    [
        "r1",
        "r1 ssh-ed25519",
        "r1 1024 35 123456789",
        f"@cert-authoritah r1 {ED}",
        f"@revoked @revoked r1 {ED}",
        "@revoked r1 ssh-ed25519",
        "r1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI!!",
        "r1 ssh-ed25519 AAAA",
        f"r1 {ED[:-8]}",
        f"r1 {ED}AAAA",
        "r1 ssh-foo AAAAB3NzaC1mb28=",
        f"|1|QUFBQQ==|QUFBQQ== {ED}",
        f"|2|x|y {ED}",
        f"@revoked\tr1 {ED}",
        ED.replace("ssh-ed25519", "r1 ssh-rsa", 1),
        f"r1 ssh-rsa {base64.b64encode(SHORT_RSA).decode()}",
    ],
)
def test_a_malformed_line_is_skipped_and_named(line, caplog):
    with caplog.at_level(logging.WARNING):
        file = KnownHostsFile("some/file", f"\n{line}\nr1 {ED}\n".encode())
        assert [entry.line for entry in file.lookup("r1")] == [3]
    assert "some/file:2: line skipped" in caplog.text


def test_bytes_that_are_no_text_do_no_harm():
    file = KnownHostsFile("f", b"\xff\xfe \x00\x80\nr1 " + ED.encode())
    assert [entry.line for entry in file.lookup("r1")] == [2]


def test_several_files_are_one(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text(f"r1 {ED}\n")
    b.write_text(f"\nr1 {ED2}\n")
    entries = read_known_hosts([str(a), str(b)]).lookup("r1")
    assert [(entry.filename, entry.line) for entry in entries] == [(str(a), 1), (str(b), 2)]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"known_hosts: .*/none: No such file"):
        read_known_hosts([str(tmp_path / "none")])


def test_the_home_folder_is_expanded(home):
    (home / ".ssh/kh").write_text(f"r1 {ED}\n")
    assert read_known_hosts(["~/.ssh/kh"]).lookup("r1")


def test_entry_names():
    assert host_entry_name("R1", 22) == "r1"
    assert host_entry_name("r1", 830) == "[r1]:830"
    assert host_entry_name("::1", 830) == "[::1]:830"


@pytest.mark.parametrize(
    ("host", "name"),
    [("R1", "r1"), ("0:0:0::1", "::1"), ("127.1", "127.0.0.1"), ("FE80::A%lo", "fe80::a%lo")],
)
def test_an_address_is_looked_up_in_its_usual_form(host, name):
    assert host_entry_name(host, 830) == f"[{name}]:830"


def test_an_rsa_key_may_be_stated_by_its_signature(key_factory):
    rsa = key_factory.public("rsa", bits=2048)
    assert lines_found(f"r1 rsa-sha2-512 {rsa.base64}", "r1") == [1]


def settled_long_ago(path):
    """A file's times, as they are when it was not changed for a while."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


def test_an_unchanged_file_is_not_parsed_again_and_a_changed_one_is(tmp_path, caplog):
    path = tmp_path / "kh"
    path.write_text(f"broken\nr1 {ED}\nr1 ssh-ed25519 AAAA\n")
    settled_long_ago(path)
    for _ in range(3):
        assert [entry.line for entry in read_known_hosts([str(path)]).lookup("r1")] == [2]
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == [
        f"{path}:1",
        f"{path}:3",
    ]
    path.write_text(f"r1 {ED2}\nalso broken\n")
    assert [entry.key.base64 for entry in read_known_hosts([str(path)]).lookup("r1")] == [
        ED2.split()[1]
    ]
    assert f"{path}:2: line skipped" in caplog.text


@pytest.mark.parametrize("replaced", [True, False])
def test_a_change_of_the_same_size_at_the_same_time_is_seen(tmp_path, replaced):
    path, other = tmp_path / "kh", tmp_path / "other"
    path.write_text(f"r1 {ED}\n")
    settled_long_ago(path)
    read_known_hosts([str(path)])
    if replaced:
        other.write_text(f"r1 {ED2}\n")
        other.rename(path)
    else:
        path.write_text(f"r1 {ED2}\n")
    settled_long_ago(path)
    (entry,) = read_known_hosts([str(path)]).lookup("r1")
    assert entry.key.base64 == ED2.split()[1]


def test_changes_in_quick_succession_are_all_seen(tmp_path):
    path = tmp_path / "kh"
    for _ in range(100):
        for key in (ED, ED2):
            path.write_text(f"r1 {key}\n")
            (entry,) = read_known_hosts([str(path)]).lookup("r1")
            assert entry.key.base64 == key.split()[1]


def test_a_file_that_may_just_have_changed_is_parsed_again(tmp_path, caplog):
    path = tmp_path / "kh"
    path.write_text("broken\n")
    os.utime(path, (4_000_000_000, 4_000_000_000))  # later than any clock of ours tells
    for n in (1, 2):
        read_known_hosts([str(path)])
        assert len(caplog.records) == n


def test_a_file_that_is_gone_is_missed(tmp_path):
    path = tmp_path / "kh"
    path.write_text(f"r1 {ED}\n")
    settled_long_ago(path)
    read_known_hosts([str(path)])
    path.unlink()
    with pytest.raises(OptionError, match="No such file"):
        read_known_hosts([str(path)])


def test_a_home_that_there_is_not_is_an_error():
    with pytest.raises(OptionError, match="known_hosts: ~nobody-at-all/kh"):
        read_known_hosts(["~nobody-at-all/kh"])


def test_more_files_than_are_kept_are_all_right(tmp_path):
    paths = [tmp_path / f"kh{n}" for n in range(200)]
    for n, path in enumerate(paths):
        path.write_text(f"h{n} {ED}\n")
        settled_long_ago(path)
    for _ in range(2):
        known = read_known_hosts([str(path) for path in paths])
        assert [entry.filename for entry in known.lookup("h7")] == [str(paths[7])]


def test_threads_that_ask_at_once_parse_a_file_once(tmp_path, caplog):
    path = tmp_path / "kh"
    path.write_text(f"broken\nr1 {ED}\n")
    settled_long_ago(path)
    together, found = threading.Barrier(8), []

    def ask():
        together.wait(20)
        found.extend(read_known_hosts([str(path)]).lookup("r1"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [entry.line for entry in found] == [2] * 8
    assert len(caplog.records) == 1


name = st.sampled_from(["r1", "R2", "r1.example", "10.0.0.1", "[r1]:830", "[10.0.0.1]:830", "a"])
pattern = st.one_of(name, st.text("r12.*?![]:830a", min_size=1, max_size=6))
names = st.lists(
    st.tuples(st.sampled_from(["", "", "!"]), pattern).map("".join), min_size=1, max_size=3
).map(",".join)
line = st.tuples(st.sampled_from(["", "", "", "@revoked ", "@cert-authority "]), names)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(line, min_size=1, max_size=6), host=name)
def test_matching_agrees_with_ssh_keygen(lines, host, tmp_path_factory, key_factory):
    path = tmp_path_factory.mktemp("f") / "known_hosts"
    path.write_text("".join(f"{marker}{names} {ED}\n" for marker, names in lines))
    said = subprocess.run(
        ["ssh-keygen", "-l", "-F", host, "-f", path], capture_output=True, text=True, check=False
    ).stdout
    theirs = [
        int(words.split(" found: line ")[1].split()[0])
        for words in said.splitlines()
        if " found: line " in words
    ]
    assert lines_found(path.read_text(), host) == theirs


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(hosts=st.lists(name, min_size=1, max_size=5), host=name)
def test_hashed_names_agree_with_ssh_keygen(hosts, host, tmp_path_factory, key_factory):
    path = tmp_path_factory.mktemp("f") / "known_hosts"
    path.write_text("".join(f"{each} {ED}\n" for each in hosts))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    text = path.read_text()
    assert text.count("|1|") == len(hosts)
    assert lines_found(text, host) == [
        n for n, each in enumerate(hosts, 1) if each.lower() == host.lower()
    ]


@pytest.mark.parametrize("names", ["|1|x", "|2|QUFBQQ==|QUFBQQ==", "|1|!!|QUFBQQ==", "|1|a|b|c"])
def test_a_broken_hash_matches_nothing(names):
    assert lines_found(f"{names} {ED}\n", "r1") == []
