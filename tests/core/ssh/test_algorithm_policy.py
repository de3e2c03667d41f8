"""What `AlgorithmPolicy` comes to, and what it refuses."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata import write_metadata
from ncwire import AlgorithmPolicy, Algorithms
from ncwire._algorithms.names import ASSIGNED
from ncwire._algorithms.offer import KINDS, MODERN
from ncwire._algorithms.policy import merged, settled
from ncwire.errors import OptionError


def ciphers(*names):
    return Algorithms(ciphers=names)


def test_what_is_allowed_is_the_last_resort():
    allowed = settled(AlgorithmPolicy(allow=ciphers("aes256-cbc", "3des-cbc")))
    assert allowed == ciphers(*MODERN.ciphers, "aes256-cbc", "3des-cbc")


def test_what_is_preferred_comes_first_in_the_order_given():
    policy = AlgorithmPolicy(
        allow=ciphers("aes256-cbc"), prefer=ciphers("aes256-cbc", "aes256-ctr")
    )
    first, second, *others = settled(policy).ciphers
    assert (first, second) == ("aes256-cbc", "aes256-ctr")
    assert others == [name for name in MODERN.ciphers if name != "aes256-ctr"]


def test_what_is_forbidden_is_gone_and_need_not_have_been_there():
    policy = AlgorithmPolicy(forbid=ciphers("aes128-ctr", "3des-cbc"))
    assert settled(policy).ciphers == tuple(n for n in MODERN.ciphers if n != "aes128-ctr")


def test_allowing_what_is_there_already_changes_nothing():
    assert settled(AlgorithmPolicy(allow=ciphers("aes256-ctr"))) == ciphers(*MODERN.ciphers)


def test_an_empty_policy_changes_nothing():
    assert settled(AlgorithmPolicy()) == Algorithms()


def test_exact_lists_stay_and_lists_become_tuples():
    assert settled(Algorithms(ciphers=["3des-cbc", "3des-cbc"])) == ciphers("3des-cbc")


@pytest.mark.parametrize(
    ("policy", "option", "problem"),
    [
        (AlgorithmPolicy(prefer=ciphers("3des-cbc")), "prefer.ciphers", "allow it as well"),
        (
            AlgorithmPolicy(allow=ciphers("3des-cbc"), forbid=ciphers("3des-cbc")),
            "allow.ciphers",
            "3des-cbc is forbidden as well",
        ),
        (
            AlgorithmPolicy(prefer=ciphers("aes128-ctr"), forbid=ciphers("aes128-ctr")),
            "prefer.ciphers",
            "forbidden as well",
        ),
        (AlgorithmPolicy(forbid=MODERN), "forbid.kex", "nothing is left"),
        (AlgorithmPolicy(allow=("3des-cbc",)), "allow", "must be an Algorithms, not tuple"),
        (AlgorithmPolicy(forbid=Algorithms(macs="hmac-sha1")), "forbid.macs", "in a tuple"),
        (AlgorithmPolicy(forbid=Algorithms(macs=(1,))), "forbid.macs", "strings"),
    ],
)
def test_contradictions_are_refused(policy, option, problem):
    with pytest.raises(OptionError, match=problem) as raised:
        settled(policy)
    assert raised.value.option == f"algorithms.{option}"


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        ("ciphers", "aes128gcm", "aes128-gcm@openssh.com"),
        ("ciphers", "AES256-CTR", "aes256-ctr"),
        ("kex", "diffie-hellman-group14-sha", "diffie-hellman-group14-sha1"),
        ("host_keys", "rsa", "for example ssh-ed25519"),
        ("kex", "aes128-ctr", "one of ciphers"),
        ("macs", "none", "one of compression"),
        ("compression", "zlib", "zlib compresses before authentication"),
        ("ciphers", "", "for example"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda names: names, lambda n: AlgorithmPolicy(allow=n)])
def test_a_name_that_is_none_is_refused_with_what_is_near(wrap, kind, name, hint):
    with pytest.raises(OptionError, match=hint) as raised:
        settled(wrap(Algorithms(**{kind: (name,)})))
    assert raised.value.option.endswith(f".{kind}")
    assert repr(name) in str(raised.value) or name == "zlib"


def test_a_name_that_only_an_installed_driver_has_is_good(tmp_path, monkeypatch):
    (tmp_path / "rare_driver.py").write_text(
        "from ncwire.driver import Algorithms, SSHDriver\n"
        "class Rare(SSHDriver):\n"
        "    name, contract, features = 'rare', (1, 0), SSHDriver.CORE_FEATURES\n"
        "    algorithms = Algorithms(ciphers=('rot13@example.net',))\n"
        "    library = classmethod(lambda cls: 'rare 1')\n"
        "    handshake = agent_identities = authenticate = open_channel = abort = None\n"
    )
    write_metadata(tmp_path, "rare", "1", "ncwire.drivers", rare="rare_driver:Rare")
    with pytest.raises(OptionError):
        settled(ciphers("rot13@example.net"))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert settled(ciphers("rot13@example.net")) == ciphers("rot13@example.net")


def test_explicit_lists_win_over_the_files_kind_by_kind():
    explicit = Algorithms(ciphers=("aes128-ctr",))
    file = Algorithms(ciphers=("3des-cbc",), macs=("hmac-sha1",))
    assert merged(explicit, file) == Algorithms(ciphers=("aes128-ctr",), macs=("hmac-sha1",))
    assert merged(None, file) == file
    assert merged(explicit, None) == explicit
    assert merged(None, None) is None


def test_the_default_is_among_the_names_that_there_are():
    for kind in KINDS:
        assert set(getattr(MODERN, kind)) <= set(getattr(ASSIGNED, kind))


def _some(names):
    return st.lists(st.sampled_from(names), unique=True).map(tuple)


@given(
    st.sampled_from([kind for kind in KINDS if kind != "compression"]).flatmap(
        lambda kind: st.tuples(st.just(kind), *[_some(getattr(ASSIGNED, kind))] * 3)
    )
)
def test_the_result_is_the_default_allowed_added_forbidden_removed(drawn):
    kind, allow, prefer, forbid = drawn
    policy = AlgorithmPolicy(*(Algorithms(**{kind: names}) for names in (allow, prefer, forbid)))
    default = getattr(MODERN, kind)
    expected = {*default, *allow} - {*forbid}
    contradiction = {*forbid} & {*allow, *prefer} or {*prefer} - {*default, *allow}
    if contradiction or (not expected and (allow or prefer or forbid)):
        with pytest.raises(OptionError):
            settled(policy)
        return
    result = getattr(settled(policy), kind)
    if not (allow or prefer or forbid):
        assert result == ()
        return
    assert len(result) == len(set(result))
    assert set(result) == expected
    assert result[: len(prefer)] == prefer
    kept = [name for name in default if name in result and name not in prefer]
    assert [name for name in result if name in kept] == kept


def test_the_policy_is_a_value():
    policy = AlgorithmPolicy(allow=ciphers("3des-cbc"))
    assert policy == AlgorithmPolicy(allow=ciphers("3des-cbc"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.allow = Algorithms()
