"""What is tried, in which order, and what is told about it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from scripted_driver import scripted

from ncwire._ssh.auth.authenticator import Authentication
from ncwire._ssh.auth.private_keys import load
from ncwire._ssh.auth.user_certificates import load as load_certificate
from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    ConnectOptions,
    Deadline,
    Feature,
    InteractiveAttempt,
    PasswordAttempt,
    Prompt,
    PublicKeyAttempt,
    Timeouts,
)
from ncwire.errors import (
    AuthenticationError,
    InvalidDriverError,
    OptionError,
    PasswordExpiredError,
    SSHError,
    StepTimeoutError,
)

PUBLICKEY = frozenset({"publickey"})
PASSWORD = frozenset({"password"})
PROMPTS = frozenset({"keyboard-interactive"})
ALL = PUBLICKEY | PASSWORD | PROMPTS
SHORT = {
    PublicKeyAttempt: "key",
    AgentAttempt: "agent",
    PasswordAttempt: "password",
    InteractiveAttempt: "prompts",
}


def options(**more):
    base = {"host": "r1", "username": "admin", "allow_agent": False, "look_for_keys": False}
    return ConnectOptions(**base | {"identity_agent": "/agent"} | more)


def authenticate(driver_class, opts):
    driver = driver_class()
    named = [load(path, opts.password) for path in opts.key_filename]
    run(driver, opts, named, Deadline.after(30, "connect"))
    return driver


def run(driver, opts, named, deadline):
    Authentication(driver, opts, named, deadline, proceed=lambda: None, hang_up=driver.abort).run()


def tried(driver) -> list[str]:
    return [SHORT[type(attempt)] for attempt in driver.attempts]


def refused(driver_class, opts) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        authenticate(driver_class, opts)
    return caught.value


@pytest.fixture
def files(key_factory):
    return [str(key_factory.file("ed25519", n=n)) for n in range(10)]


@pytest.fixture
def blobs(key_factory, files):
    return [key_factory.public("ed25519", n=n).blob for n in range(10)]


def identity(blob, comment="k") -> AgentIdentity:
    return AgentIdentity("ssh-ed25519", blob, comment)


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


def test_what_is_not_offered_is_not_tried_and_said(files):
    error = refused(
        scripted(steps=[PASSWORD]), options(key_filename=(files[0],), password="wrong")
    )
    assert error.attempts == (
        "password: denied",
        "publickey: not offered",
        "keyboard-interactive: not offered",
    )
    assert "it offers password" in str(error)


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


def test_nothing_to_try_says_what_is_offered_and_what_to_pass():
    error = refused(scripted(steps=[ALL]), options())
    assert "there is nothing to try" in str(error)
    assert "keyboard-interactive, password, publickey" in str(error)
    assert "pass password" in str(error)


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
    assert "not supported by driver 'scripted' (these drivers do: paramiko)" in error.attempts[0]

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


def test_prompts_get_the_password_only_where_it_goes_no_other_way():
    driver = authenticate(scripted(steps=[PROMPTS]), options(password="right"))
    assert tried(driver) == ["prompts"]
    error = refused(scripted(steps=[PROMPTS | PASSWORD]), options(password="wrong"))
    assert error.attempts == ("password: denied",)


def test_prompts_get_the_password_once_and_never_an_echoed_one():
    prompts = (
        (Prompt("Name: ", True), Prompt("Password: ", False)),
        (),
        (Prompt("New password: ", False),),
    )
    driver = authenticate(
        scripted(steps=[PROMPTS], prompts=prompts, answers=(("", "right"), (), ("",))),
        options(password="right"),
    )
    assert tried(driver) == ["prompts"]


def test_the_handler_answers_the_prompts_and_may_unpack_them():
    seen = []

    def handler(title, instruction, prompts):
        seen.extend((title, instruction, text, echo) for text, echo in prompts)
        return ("right",)

    driver = authenticate(scripted(steps=[PROMPTS]), options(auth_handler=handler))
    assert tried(driver) == ["prompts"]
    assert seen == [("t", "i", "Password: ", False)]


def test_a_handler_s_answer_that_cannot_be_sent_is_told():
    opts = options(auth_handler=lambda *_: ["secret\udcff"])
    with pytest.raises(OptionError, match="cannot be sent as UTF-8") as caught:
        authenticate(scripted(steps=[PROMPTS]), opts)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([], "a list of 0 came"),
        (["secret", "b"], "a list of 2 came"),
        ([None], "a list with NoneType in it came"),
        ([b"secret"], "a list with bytes in it came"),
        ("secret", "str came"),
        (None, "NoneType came"),
        (7, "int came"),
        ({"secret"}, "set came"),
        ({"Password: ": "secret"}, "dict came"),
        ((each for each in ["secret"]), "generator came"),
    ],
)
def test_a_handler_that_answers_something_else_is_told(answers, told):
    asks = (Prompt("Password\x1b: ", False),)
    with pytest.raises(OptionError) as caught:
        authenticate(
            scripted(steps=[PROMPTS], prompts=(asks,)), options(auth_handler=lambda *_: answers)
        )
    assert str(caught.value) == (
        "auth_handler: must return a list of one string for each of the 1 prompts "
        f'("Password\\x1b: "); {told}'
    )


def test_what_the_handler_raises_comes_out_even_if_the_driver_wraps_it():
    class MineError(Exception):
        pass

    def handler(*_):
        raise MineError

    driver_class = scripted(steps=[PROMPTS])

    class Wrapping(driver_class):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            try:
                return super().authenticate(attempt, deadline)
            except MineError as error:
                raise SSHError("wrapped") from error

    for each in (driver_class, Wrapping):
        with pytest.raises(MineError):
            authenticate(each, options(auth_handler=handler))


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


def test_a_server_that_hangs_up_after_denials(blobs):
    agent = [identity(b) for b in blobs[:5]]
    error = refused(
        scripted(steps=[PUBLICKEY | PASSWORD], identities=agent, max_denied=2),
        options(allow_agent=True, password="right"),
    )
    assert isinstance(error.__cause__, SSHError)
    assert [each.rsplit(": ", 1)[1] for each in error.attempts] == [
        "denied",
        "the connection ended",
        "not tried, the connection had ended",
        "not tried, the connection had ended",
    ]
    assert error.attempts[3].startswith("password: ")
    assert "after 2 failures" in str(error)
    assert "allow_agent=False" in str(error)


def test_a_connection_that_fails_without_a_denial_is_no_refusal():
    def fail():
        raise SSHError("reset")

    with pytest.raises(SSHError, match="reset"):
        authenticate(scripted(on={"authenticate": fail}), options(password="right"))


def test_each_attempt_has_its_own_deadline_within_the_whole():
    driver = scripted()()
    opts = options(password="right", timeouts=Timeouts(auth=7))
    run(driver, opts, [], Deadline.after(30, "connect"))
    assert [deadline.seconds for deadline in driver.deadlines] == [7, 7]
    assert [deadline.step for deadline in driver.deadlines] == [
        "authentication by none",
        "authentication by password",
    ]
    with pytest.raises(StepTimeoutError, match=r"authentication by none \(connect\)"):
        run(scripted()(), opts, [], Deadline.after(-1, "connect"))


def test_what_the_driver_cannot_do_is_not_tried_and_said(blobs):
    driver_class = scripted(steps=[PUBLICKEY | PASSWORD], identities=[identity(blobs[0])])
    driver_class.features = driver_class.features - {Feature.AGENT}
    error = refused(driver_class, options(allow_agent=True, password="wrong"))
    assert error.attempts == (
        "password: denied",
        "agent: not supported by driver 'scripted'",
        "keyboard-interactive: not offered",
    )


def test_a_driver_that_returns_no_outcome_is_named():
    driver_class = scripted()
    driver_class.authenticate = lambda *_: True
    with pytest.raises(InvalidDriverError, match="authentication by none returned bool"):
        authenticate(driver_class, options(password="right"))


def test_no_secret_in_a_library_errors_text():
    def fail():
        raise ValueError("bad password 'right'")

    with pytest.raises(InvalidDriverError) as caught:
        authenticate(scripted(on={"authenticate": fail}), options(password="right"))
    assert "right" not in str(caught.value)
    assert "ValueError" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


# --- methods, and the agent that is asked -------------------------------------------------------


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


def test_prompts_get_the_password_where_the_method_password_is_left_out():
    driver = authenticate(
        scripted(steps=[ALL]),
        options(password="right", auth_methods=("publickey", "keyboard-interactive")),
    )
    assert tried(driver) == ["prompts"]


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


# --- certificates -------------------------------------------------------------------------------


@pytest.fixture
def certified(files, blobs, key_factory, tmp_path):
    """Return a copy of a key's file with a certificate beside it, and the certificate's blob."""
    path = str(tmp_path / "id")
    for end in ("", ".pub"):
        shutil.copy(f"{files[0]}{end}", f"{path}{end}")
    authority = key_factory.file("ed25519", n=99)
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", f"{path}.pub"], check=True)
    return path, load_certificate(f"{path}-cert.pub").blob


def test_a_certificate_comes_before_its_key(certified, files):
    path, certificate = certified
    error = refused(scripted(steps=[PUBLICKEY]), options(key_filename=(path, files[1])))
    assert [each.split(" (")[0] for each in error.attempts] == [
        f"publickey certificate {path}-cert.pub",
        f"publickey {path}",
        f"publickey {files[1]}",
    ]
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[certificate]), options(key_filename=(path,))
    )
    assert [each.certificate for each in driver.attempts] == [certificate]


def test_a_certificate_of_the_usual_places(certified, home):
    path, certificate = certified
    for end in ("", "-cert.pub"):
        shutil.copy(f"{path}{end}", home / f".ssh/id_ed25519{end}")
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[certificate]), options(look_for_keys=True)
    )
    assert tried(driver) == ["key"]


def test_a_certificate_file_for_a_named_key_and_for_the_agents(certified, files, blobs):
    path, certificate = certified
    more = {"certificate_files": (f"{path}-cert.pub",)}
    server = scripted(
        steps=[PUBLICKEY], keys=[certificate], identities=[identity(b) for b in blobs[:2]]
    )
    driver = authenticate(server, options(key_filename=(files[0],), **more))
    assert tried(driver) == ["key"]
    driver = authenticate(server, options(allow_agent=True, **more))
    assert tried(driver) == ["agent"]
    assert driver.attempts[0].certificate == certificate
    assert driver.attempts[0].identity.blob == blobs[0]


def test_the_agents_certificate_comes_before_its_key_and_with_the_named_ones(
    certified, files, blobs
):
    _, certificate = certified
    held = [
        identity(blobs[1], "other"),
        identity(blobs[0], "bare"),
        AgentIdentity("ssh-ed25519-cert-v01@openssh.com", certificate, "certified"),
    ]
    error = refused(
        scripted(steps=[PUBLICKEY], identities=held),
        options(allow_agent=True, identity_files=(files[0],)),
    )
    assert [each.split(",")[0] for each in error.attempts] == [
        "publickey certificate certified",
        "publickey bare",
        "publickey other",
    ]


def test_a_certificate_of_the_agents_that_is_of_no_use_is_told(blobs):
    broken = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", blobs[0], "odd")
    error = refused(scripted(steps=[PUBLICKEY], identities=[broken]), options(allow_agent=True))
    assert error.attempts == ("certificate odd, of the agent: not tried, it is no certificate",)


def test_a_certificate_of_the_agents_that_has_expired_is_not_tried(files, key_factory, tmp_path):
    shutil.copy(f"{files[0]}.pub", tmp_path / "id.pub")
    authority = key_factory.file("ed25519", n=99)
    command = ["ssh-keygen", "-q", "-s", authority, "-I", "me", "-V", "20200101:20200201"]
    subprocess.run([*command, tmp_path / "id.pub"], check=True)
    blob = load_certificate(str(tmp_path / "id-cert.pub")).blob
    held = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", blob, "old")
    error = refused(scripted(steps=[PUBLICKEY], identities=[held]), options(allow_agent=True))
    (line,) = error.attempts
    assert line.startswith("certificate old, of the agent: not tried, expired on 2020-0")


@pytest.mark.parametrize("place", ["file", "agent"])
def test_a_driver_that_presents_no_certificates_says_so(certified, blobs, place):
    path, certificate = certified
    held = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", certificate, "certified")
    driver_class = scripted(steps=[PUBLICKEY], identities=[held] if place == "agent" else [])
    driver_class.features = driver_class.features - {Feature.USER_CERTIFICATE}
    error = refused(
        driver_class,
        options(allow_agent=True, key_filename=(path,) if place == "file" else ()),
    )
    assert "not tried, not supported by driver 'scripted'" in error.attempts[0]
    assert len(error.attempts) == (2 if place == "file" else 1)


def test_certificate_files_need_the_feature():
    needed = options(certificate_files=("x",)).required_features()
    assert needed["certificate_files"] is Feature.USER_CERTIFICATE


def test_a_named_certificate_of_which_nothing_came_is_told(certified):
    path, _ = certified
    error = refused(
        scripted(steps=[PASSWORD]),
        options(password="wrong", certificate_files=(f"{path}-cert.pub",)),
    )
    assert error.attempts[-1].endswith("not tried, its private key is not there")


# --- a library that does not tell ---------------------------------------------------------------


def untold(**server):
    return scripted(tells=False, **server)


def test_what_is_not_told_is_asked_for(files, blobs):
    driver = authenticate(
        untold(steps=[PUBLICKEY, PROMPTS], keys=blobs[:1], max_denied=2),
        options(key_filename=(files[0],), password="right"),
    )
    assert tried(driver) == ["key", "prompts"]
    assert driver.asked == 2


def test_it_is_not_asked_for_where_it_decides_nothing(files, blobs):
    driver = authenticate(
        untold(steps=[PUBLICKEY, PUBLICKEY], keys=blobs[:2], max_denied=1),
        options(key_filename=tuple(files[:2])),
    )
    assert tried(driver) == ["key", "key"]
    assert driver.asked == 1


@pytest.mark.parametrize(
    ("second", "more"),
    [(PASSWORD, {"password": "right"}), (PROMPTS, {"auth_handler": lambda *_: ["right"]})],
)
def test_after_a_failure_the_likeliest_is_tried_unasked(files, blobs, second, more):
    driver = authenticate(
        untold(steps=[PUBLICKEY, second], keys=[blobs[1]], max_denied=2),
        options(key_filename=tuple(files[:3]), **more),
    )
    assert tried(driver)[:2] == ["key", "key"]
    assert driver.asked == 1


def test_asking_counts_as_a_failure(files, blobs):
    driver = authenticate(
        untold(steps=[PUBLICKEY, PUBLICKEY, PASSWORD], keys=blobs[:2], max_denied=2),
        options(key_filename=tuple(files[:3]), password="right"),
    )
    assert tried(driver) == ["key", "key", "password"]
    assert driver.asked == 2


def test_after_the_wrong_guess_it_is_asked_for(files, blobs):
    driver = authenticate(
        untold(steps=[PUBLICKEY, PROMPTS], keys=[blobs[1]]),
        options(key_filename=tuple(files[:3]), password="right"),
    )
    assert tried(driver) == ["key", "key", "password", "prompts"]
    assert driver.asked == 2


def test_a_password_that_did_not_let_in_leaves_the_other_methods(files, blobs):
    driver = authenticate(
        untold(steps=[ALL], keys=blobs[:1], max_denied=2),
        options(
            key_filename=(files[0],), password="wrong", auth_methods=("password", "publickey")
        ),
    )
    assert tried(driver) == ["password", "key"]


@pytest.mark.parametrize("tries", [2, 6])
def test_a_wrong_password_is_a_denial_however_few_the_tries(tries):
    error = refused(untold(steps=[PASSWORD], max_denied=tries), options(password="wrong"))
    assert error.attempts[0] == "password: denied"
    assert "accepted nothing that was tried; it offers password" in str(error)


def test_a_password_that_is_one_of_several_is_told(files):
    for driver_class in (untold, scripted):
        error = refused(
            driver_class(steps=[PASSWORD, PROMPTS], prompts=((Prompt("Code: ", False),),)),
            options(password="right"),
        )
        assert error.attempts[0] == "password: accepted, more is wanted"
        assert "the server wants more, by one of: keyboard-interactive" in str(error)
        # A second factor is not the password.
        assert len(error.attempts) == 1 or "prompts" not in error.attempts[1]


def test_one_key_of_two_is_told(files, blobs):
    error = refused(
        untold(steps=[PUBLICKEY, PUBLICKEY], keys=blobs[:2]), options(key_filename=(files[0],))
    )
    assert error.attempts[0].endswith("accepted, more is wanted")


# --- an expired password ------------------------------------------------------------------------


def test_an_expired_password_is_an_error_of_its_own_with_the_report(files):
    driver_class = scripted(steps=[ALL])

    class Expiring(driver_class):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            if isinstance(attempt, PasswordAttempt):
                raise PasswordExpiredError("the library's words")
            return super().authenticate(attempt, deadline)

    with pytest.raises(PasswordExpiredError, match="admin@r1: the password has expired") as caught:
        authenticate(Expiring, options(key_filename=(files[0],), password="s3cret"))
    assert caught.value.attempts[0].endswith("denied")
    assert caught.value.attempts[1] == "password: the server wants it changed"
    assert "s3cret" not in str(caught.value)


# --- what is shown ------------------------------------------------------------------------------


def test_the_plan_and_every_outcome_are_logged_and_no_secret(files, caplog):
    caplog.set_level("DEBUG", "ncwire.ssh.auth")
    refused(
        scripted(steps=[ALL], identities=[]),
        options(key_filename=(files[0],), allow_agent=True, password="s3cret"),
    )
    plan, *outcomes = [record.getMessage() for record in caplog.records]
    assert plan == (
        "admin@r1: the server offers keyboard-interactive, password, publickey; the plan: "
        "key_filename (publickey), the agent's keys (publickey), password (password), "
        "password, as an answer to prompts (keyboard-interactive)"
    )
    assert [each.rsplit(": ", 1)[1] for each in outcomes] == ["denied", "denied"]
    assert "s3cret" not in caplog.text
