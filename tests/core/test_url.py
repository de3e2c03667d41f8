"""URLs of servers: every part, what is refused, and that nothing of a password is repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import optioned_driver
from ncwire._plugins.driver_options import PerDriver, settled
from ncwire._plugins.url import is_url, parse, spelled_out
from ncwire.errors import DriverNotFoundError, OptionError


@pytest.fixture(autouse=True)
def _optioned(tmp_path, monkeypatch):
    optioned_driver.install(tmp_path, monkeypatch)


def said(text):
    url = parse(text)
    return url.host, url.port, url.username, url.driver, url.profile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("netconf://r1", ("r1", None, None, None, None)),
        ("netconf://r1/", ("r1", None, None, None, None)),
        ("NetConf://r1:", ("r1", None, None, None, None)),
        ("netconf://admin@r1:22", ("r1", 22, "admin", None, None)),
        ("netconf+tls://r1", ("r1", None, None, "tls", None)),
        ("netconf+libssh2://r1?profile=junos", ("r1", None, None, "libssh2", "junos")),
        ("netconf://[2001:db8::1]:830", ("2001:db8::1", 830, None, None, None)),
        ("netconf://u@[fe80::1%25eth0]", ("fe80::1%eth0", None, "u", None, None)),
        ("netconf://d%C3%B6%40x@r1", ("r1", None, "dö@x", None, None)),
        ("netconf+unix:///run/netconf.sock", (None, None, None, "unix", None)),
        ("NETCONF+TLS://r1", ("r1", None, None, "tls", None)),
    ],
)
def test_each_part_is_read(text, expected):
    assert is_url(text)
    assert said(text) == expected


def test_the_path_and_the_query_are_options_of_the_driver():
    url = parse("netconf+optioned://r1/run/a%20b?depth=5&words=x&words=y%26z&profile=lab&quick=no")
    own = settled(optioned_driver.OptionedDriver, url.driver_options)
    assert (own["path"], own["depth"], own["quick"]) == ("/run/a b", 5, False)
    assert own["words"] == ("x", "y&z")
    assert url.profile == "lab"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "ssh://r1",
            r"'ssh' is not known; these are: netconf, .*netconf\+libssh2, netconf\+",
        ),
        ("netconf+unix:sock", r"// is missing: netconf\+DRIVER://HOST, or netconf\+unix:///PATH"),
        ("netconf+unix:/run/sock", "// is missing"),
        ("netconf+://r1", r"scheme 'netconf\+' is not known"),
        ("://r1", "no scheme"),
        ("netconf://", "the host is missing"),
        ("netconf://:830", "the host is missing"),
        ("netconf://@r1", "name before the @ is empty"),
        ("netconf://r1:0", "no number from 1 to 65535"),
        ("netconf://r1:65536", "no number"),
        ("netconf://r1:" + "9" * 5000, "no number"),
        ("netconf://r1:٣", "no number"),
        ("netconf://2001:db8::1", "an IPv6 address is in brackets"),
        ("netconf://[2001:db8::1", "in brackets"),
        ("netconf://[r1]", "in brackets"),
        ("netconf://[::1]830", "in brackets"),
        ("netconf://r1/run/sock", r"a path is an option of a driver's, which netconf\+DRIVER"),
        ("netconf://r1?colour=red", "'colour' is not known here, but profile"),
        ("netconf://r1?profile", "'profile' in the query is not NAME=VALUE"),
        ("netconf://r1?profile=", "one profile"),
        ("netconf://r1?profile=a&profile=b", "one profile"),
        ("netconf://r1#x", "write %23"),
        ("netconf://r1 ", "white space"),
        ("netconf://r1\n", "white space"),
        ("netconf://%zz", "two hexadecimal digits"),
        ("netconf://r1%", "two hexadecimal digits"),
        ("netconf://%ff", "not UTF-8"),
    ],
)
def test_what_is_of_another_form_is_refused(text, told):
    with pytest.raises(OptionError, match=told) as caught:
        parse(text)
    assert caught.value.option == "host"


@pytest.mark.parametrize(
    "text",
    [
        "netconf://admin:hunter2@r1", "netconf://:hunter2@r1", "netconf://admin:hunter2@",
        "netconf://admin:p@hunter2@r1", "netconf://admin:a/hunter2@r1", "netconf://a:hunter2/@r1",
        "netconf://admin:a?hunter2@r1", "netconf://admin:a#hunter2@r1", "netconf://a:hunter2#@r1",
        "netconf://admin:hunter2%@r1", "netconf://admin:hunter 2@r1", "admin:hunter2@r1://",
        "netconf+admin:hunter2@r1://", "netconf://admin:hunter2", "ssh://admin:hunter2@r1",
        "netconf+paramiko://admin:hunter2/x@r1", "netconf+x://admin:a?hunter2=b@r1",
    ],
)  # fmt: skip
def test_a_password_is_refused_and_nothing_of_it_repeated(text):
    with pytest.raises(OptionError) as caught:
        parse(text)
    assert "hunter" not in str(caught.value)


def test_that_a_password_is_the_matter_is_said():
    with pytest.raises(OptionError, match="a password does not belong into a URL"):
        parse("netconf://admin:hunter2@r1")


@given(st.text(), st.text())
def test_any_text_is_a_url_or_a_clear_error(before, after):
    try:
        parse(f"netconf{before}://{after}")
    except OptionError:
        return


class TestNames:
    def test_those_that_the_driver_has_are_known(self):
        parse("netconf+optioned://r1/x?depth=5").check_names()
        parse("netconf://r1?profile=junos").check_names()

    def test_another_is_told_with_those_that_there_are(self):
        with pytest.raises(OptionError, match="'dept'; known here: profile, depth, mode"):
            parse("netconf+optioned://r1?dept=5").check_names()

    def test_a_path_of_a_unix_socket_has_no_host_before_it(self):
        with pytest.raises(OptionError, match=r"host must be empty: netconf\+unix:///PATH"):
            parse("netconf+unix://run/netconf.sock").check_names()
        parse("netconf+unix://r1").check_names()  # a device of an inventory

    def test_a_driver_without_a_path_has_no_use_for_one(self):
        with pytest.raises(OptionError, match="'paramiko' has no use for a path"):
            parse("netconf+paramiko://r1/x").check_names()

    def test_a_driver_that_there_is_not_is_the_usual_error(self):
        with pytest.raises(DriverNotFoundError, match="did you mean 'paramiko'"):
            parse("netconf+paramiki://r1").check_names()


class TestBesideIt:
    URL = "netconf+optioned://u@r1:22/x?profile=junos&depth=5"

    def test_what_it_does_not_say_is_as_given(self):
        given = {"password": "pw", "port": None, "driver_options": {"mode": "b"}}
        parameters = spelled_out(self.URL, given)
        own = parameters.pop("driver_options")
        assert parameters == {
            "host": "r1", "port": 22, "username": "u", "driver": "optioned", "profile": "junos",
            "password": "pw",
        }  # fmt: skip
        assert settled(optioned_driver.OptionedDriver, own.of("optioned"))["mode"] == "b"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("port", 22), ("username", "v"), ("driver", "optioned"), ("profile", "x")],
    )
    def test_what_it_says_is_not_given_besides(self, name, value):
        with pytest.raises(OptionError, match=f"^{name}: is given in the URL already"):
            spelled_out(self.URL, {name: value})

    @pytest.mark.parametrize("given", [{"depth": 5}, PerDriver({"": {"depth": 5}})])
    def test_nor_is_an_option_of_the_drivers(self, given):
        with pytest.raises(OptionError, match=r"^driver_options\.depth: is given in the URL"):
            spelled_out(self.URL, {"driver_options": given})
