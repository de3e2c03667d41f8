"""What is tried to log in, and in which order."""

from __future__ import annotations

import shutil
from pathlib import Path

from authenticating import (
    ALL,
    PASSWORD,
    PROMPTS,
    PUBLICKEY,
    authenticate,
    identity,
    options,
    refused,
    tried,
)
from scripted_driver import scripted

from ncwire._ssh.auth.private_keys import load
from ncwire.driver import (
    AgentIdentity,
    Feature,
)
from ncwire.errors import (
    SSHError,
)


def test_a_server_that_wants_nothing_gets_nothing():
    driver = authenticate(scripted(steps=[]), options(password="right"))
    assert driver.attempts == []


def test_the_whole_order(home, files, blobs):
    (home / ".ssh/id_ed25519").write_bytes(Path(files[2]).read_bytes())
    driver = scripted(steps=[ALL], identities=[identity(blobs[1])])
    error = refused(
        driver,
        options(
            key_filename=(files[0],),
            allow_agent=True,
            look_for_keys=True,
            auth_handler=lambda *_: ["wrong"],
            password="wrong",
        ),
    )
    assert [each.split(" (")[0] for each in error.attempts] == [
        f"publickey {files[0]}",
        "publickey k, of the agent",
        "publickey ~/.ssh/id_ed25519",
        "keyboard-interactive: denied",
        "password: denied",
    ]
    assert "ssh-ed25519 SHA256:" in error.attempts[0]
    assert "wrong" not in str(error)
    assert "admin@r1" in str(error)


def test_the_first_success_ends_it(files, blobs):
    driver = authenticate(
        scripted(steps=[ALL], keys=[blobs[1]]),
        options(key_filename=tuple(files[:3]), password="right"),
    )
    assert tried(driver) == ["key", "key"]


def test_the_attempt_carries_user_key_and_source(files, blobs):
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=blobs[:1]), options(key_filename=(files[0],))
    )
    (attempt,) = driver.attempts
    assert (attempt.username, attempt.blob, attempt.source) == ("admin", blobs[0], files[0])


def test_the_agent_is_not_asked_when_publickey_is_not_offered():
    driver = authenticate(scripted(steps=[PASSWORD]), options(allow_agent=True, password="right"))
    assert "agent_identities" not in driver.calls


def test_publickey_is_off_without_agent_and_usual_places(home, files, blobs):
    (home / ".ssh/id_ed25519").write_bytes(Path(files[0]).read_bytes())
    error = refused(
        scripted(steps=[ALL], identities=[identity(blobs[1])], keys=blobs),
        options(password="wrong"),
    )
    assert error.attempts == ("password: denied",)


def test_what_the_server_offers_and_the_agent_holds_does_not_drive_a_terminal(blobs, caplog):
    caplog.set_level("DEBUG", "ncwire.ssh.auth")
    methods = PUBLICKEY | {"\u202edrowssap\n", "x" * 100_000}
    error = refused(
        scripted(steps=[methods], identities=[identity(blobs[0], "\x1b[2J\u2028mine" * 1000)]),
        options(allow_agent=True),
    )
    told = f"{error}{caplog.text}"
    assert "\\x1b[2J\\u2028mine" in told
    assert not set(told) & {*"\x1b\u202e\u2028"}
    assert len(str(error)) < 5000
    assert "\n" not in str(error)


def test_partial_success_goes_on_with_what_is_wanted(files, blobs):
    driver = authenticate(
        scripted(steps=[PUBLICKEY, PASSWORD], keys=blobs[:1]),
        options(key_filename=(files[0],), password="right"),
    )
    assert tried(driver) == ["key", "password"]


def test_partial_success_then_prompts_with_the_password(files, blobs):
    driver = authenticate(
        scripted(steps=[PUBLICKEY, PROMPTS], keys=blobs[:1]),
        options(key_filename=(files[0],), password="right"),
    )
    assert tried(driver) == ["key", "prompts"]


def test_two_keys_wanted_are_two_keys_and_the_same_is_not_tried_twice(files, blobs):
    server = scripted(steps=[PUBLICKEY, PUBLICKEY], keys=blobs[:2])
    driver = authenticate(server, options(key_filename=tuple(files[:2])))
    assert [attempt.blob for attempt in driver.attempts] == blobs[:2]
    error = refused(server, options(key_filename=(files[0], files[0])))
    assert len(error.attempts) == 1
    assert "accepted, more is wanted" in error.attempts[0]
    assert "the server wants more, by one of: publickey" in str(error)


def test_a_key_in_the_agent_and_in_a_file_is_tried_once(files, blobs):
    error = refused(
        scripted(steps=[PUBLICKEY], identities=[identity(blobs[0])]),
        options(key_filename=(files[0],), allow_agent=True, identity_files=(files[0],)),
    )
    assert len(error.attempts) == 1


def test_a_security_key_is_only_for_drivers_that_can(key_factory):
    kind = b"sk-ssh-ed25519@openssh.com"
    strings = (kind, bytes(32), b"ssh:")
    blob = b"".join(len(each).to_bytes(4, "big") + each for each in strings)
    token = AgentIdentity(kind.decode(), blob, "token")
    server = scripted(steps=[PUBLICKEY], identities=[token], keys=[blob])
    error = refused(server, options(allow_agent=True))
    assert error.attempts[0].startswith(f"publickey token, of the agent ({kind.decode()} SHA256:")
    assert (
        "not supported by driver 'scripted' (these drivers do: openssh, paramiko)"
        in error.attempts[0]
    )

    class Able(server):
        contract = (1, 0)
        features = server.features | {Feature.AGENT_SECURITY_KEY}

    assert tried(authenticate(Able, options(allow_agent=True))) == ["agent"]


def test_an_agent_that_fails_does_not_keep_the_password_from_its_turn():
    def fail():
        raise SSHError("SSH agent: it failed to list its keys")

    server = {"steps": [PUBLICKEY | PASSWORD], "on": {"agent_identities": fail}}
    driver = authenticate(scripted(**server), options(allow_agent=True, password="right"))
    assert tried(driver) == ["password"]
    error = refused(scripted(**server), options(allow_agent=True, password="wrong"))
    assert error.attempts[0] == (
        "the agent's keys: not tried, SSH agent: it failed to list its keys"
    )


def test_the_agents_keys_of_known_files_come_first(files, blobs):
    driver = scripted(
        steps=[PUBLICKEY], identities=[identity(b) for b in blobs[:3]], keys=[blobs[2]]
    )
    done = authenticate(driver, options(allow_agent=True, identity_files=(files[2],)))
    assert tried(done) == ["agent"]


def test_identities_only_leaves_the_agents_other_keys_out(files, blobs):
    error = refused(
        scripted(steps=[PUBLICKEY], identities=[identity(b) for b in blobs[:3]]),
        options(allow_agent=True, identity_files=(files[2],), identities_only=True),
    )
    assert len(error.attempts) == 1


def test_unusable_usual_files_are_skipped_and_said(home, key_factory):
    encrypted = key_factory.file("ed25519", passphrase="secret one")
    (home / ".ssh/id_ed25519").write_bytes(encrypted.read_bytes())
    (home / ".ssh/id_ecdsa").write_text("rubbish")
    error = refused(scripted(steps=[PUBLICKEY]), options(look_for_keys=True))
    assert "publickey ~/.ssh/id_ed25519: not tried, it is encrypted" in error.attempts[0]
    assert "publickey ~/.ssh/id_ecdsa: not tried" in error.attempts[1]
    assert not any("id_rsa" in each for each in error.attempts)


def test_the_password_opens_the_usual_keys(home, key_factory):
    (home / ".ssh/id_ed25519").write_bytes(
        key_factory.file("ed25519", passphrase="secret one").read_bytes()
    )
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[load("~/.ssh/id_ed25519", "secret one").public.blob]),
        options(look_for_keys=True, password="secret one"),
    )
    assert tried(driver) == ["key"]


def test_an_encrypted_file_is_no_loss_when_the_agent_has_its_key(home, key_factory):
    path = key_factory.file("ed25519", passphrase="secret one")
    for end in ("", ".pub"):
        (home / f".ssh/id_ed25519{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    blob = load(str(path), "secret one").public.blob
    error = refused(
        scripted(steps=[PUBLICKEY], identities=[identity(blob)]),
        options(allow_agent=True, look_for_keys=True),
    )
    assert len(error.attempts) == 1
    assert "denied" in error.attempts[0]


def test_keys_leave_room_for_the_password(files, blobs):
    agent = [identity(b, f"k{n}") for n, b in enumerate(blobs)]
    driver = authenticate(
        scripted(steps=[PUBLICKEY | PASSWORD], identities=agent),
        options(allow_agent=True, password="right"),
    )
    assert tried(driver) == ["agent"] * 5 + ["password"]


def test_the_cap_without_a_password_and_what_was_left_out(files, blobs):
    agent = [identity(b, f"k{n}") for n, b in enumerate(blobs)]
    error = refused(
        scripted(steps=[PUBLICKEY], identities=agent, max_denied=100),
        options(allow_agent=True),
    )
    assert sum("denied" in each for each in error.attempts) == 6
    assert "k6, of the agent" in error.attempts[6]
    assert "not tried" in error.attempts[6]


def test_auth_methods_limits_and_orders(files, blobs):
    driver = authenticate(
        scripted(steps=[ALL], keys=blobs[:1]),
        options(
            key_filename=(files[0],), password="wrong", auth_methods=("password", "publickey")
        ),
    )
    assert tried(driver) == ["password", "key"]
    error = refused(
        scripted(steps=[ALL], keys=blobs[:1]),
        options(key_filename=(files[0],), password="wrong", auth_methods=("password",)),
    )
    assert error.attempts == ("password: denied",)


def test_the_agent_is_the_one_of_the_options(blobs):
    driver = authenticate(
        scripted(steps=[PUBLICKEY], identities=[identity(blobs[0])], keys=blobs),
        options(allow_agent=True, identity_agent="/run/agent.sock"),
    )
    assert driver.agent == "/run/agent.sock"
    assert driver.attempts[0].agent == "/run/agent.sock"


def test_without_an_agent_none_is_asked(blobs):
    driver_class = scripted(steps=[PUBLICKEY], identities=[identity(blobs[0])], keys=blobs)
    error = refused(driver_class, options(allow_agent=True, identity_agent=None))
    assert error.attempts == ()


def test_the_agents_keys_come_in_the_order_of_the_files_that_name_them(files, blobs):
    error = refused(
        scripted(
            steps=[PUBLICKEY], identities=[identity(b, f"k{n}") for n, b in enumerate(blobs)]
        ),
        options(allow_agent=True, identity_files=(files[4], files[2]), identities_only=True),
    )
    assert [each.split(",")[0] for each in error.attempts] == ["publickey k4", "publickey k2"]


def test_identities_only_by_a_public_key_alone(files, blobs, tmp_path):
    shutil.copy(f"{files[2]}.pub", tmp_path / "id.pub")
    error = refused(
        scripted(steps=[PUBLICKEY], identities=[identity(b) for b in blobs[:3]]),
        options(
            allow_agent=True, identity_files=(str(tmp_path / "id.pub"),), identities_only=True
        ),
    )
    assert len(error.attempts) == 1
    assert "of the agent" in error.attempts[0]
