import pytest

from ncwire.testing.conformance.suites import *  # noqa: F403 - the kit's tests, collected here


@pytest.fixture
def ncwire_driver():
    return "asyncssh"
