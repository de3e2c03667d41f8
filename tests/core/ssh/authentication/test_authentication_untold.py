"""With a library that does not tell what is left after a partial success: what is tried."""

from __future__ import annotations

import pytest
from authenticating import (
    ALL,
    PASSWORD,
    PROMPTS,
    PUBLICKEY,
    authenticate,
    options,
    refused,
    tried,
)
from scripted_driver import scripted

from ncwire.driver import (
    Prompt,
)


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
