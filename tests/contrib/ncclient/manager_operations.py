"""Every operation of ncclient's Manager, and what came of each as a text to compare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ncclient import NCClientError
from ncclient.operations import RaiseMode, RPCError
from ncclient.xml_ import new_ele, to_ele

SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"

Connect = Callable[..., Any]
Outcomes = Iterator[tuple[str, Callable[[], Any]]]

VENDORS = (
    "alu", "ciena", "csr", "default", "ericsson", "h3c", "hpcomware", "huawei", "huaweiyang",
    "iosxe", "iosxr", "junos", "nexus", "sros",
)  # fmt: skip

_CHANGING = (
    (re.compile(r"urn:uuid:[-0-9a-f]+"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[-+]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"(session-id[^>]*>|session |sid |by session )\d+"), r"\1N"),
    (re.compile(r"(<(?:\w+:)?(?:in|out|dropped|bad|username|source)[-\w]*[^>]*>)[^<]*<"), r"\1N<"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
)


def told(outcome: Any) -> str:
    """Return what an operation came to, without the ids and times that differ each time."""
    text = outcome if isinstance(outcome, str) else getattr(outcome, "xml", None)
    if text is None:
        text = str(getattr(outcome, "data_xml", outcome))
    for pattern, same in _CHANGING:
        text = pattern.sub(same, text)
    return f"{type(outcome).__name__}: {text}"


def outcome(operation: Callable[[], Any]) -> str:
    """Return what an operation returns or raises, told."""
    try:
        return told(operation())
    except RPCError as error:
        parts = (error.type, error.tag, error.severity, error.path, error.message, error.info)
        return told(f"raised RPCError: {parts}")
    except NCClientError as error:
        kind = next(each for each in type(error).__mro__ if each.__module__.startswith("ncclient"))
        return told(f"raised {kind.__name__}")
    except Exception as error:  # noqa: BLE001 - what is compared
        return told(f"raised {error!r}")


def config(contact: str) -> str:
    system = f'<system xmlns="{SYSTEM}"><contact>{contact}</contact></system>'
    return f'<config xmlns="{NC}">{system}</config>'


def outcomes(connect: Connect) -> dict[str, str]:
    """Return what each operation comes to, by name, in a datastore that is left as it was."""
    with connect() as manager:
        _start(manager)
        found = {name: outcome(operation) for name, operation in _of_one_session(manager)}
        found |= {name: outcome(each) for name, each in _of_two_sessions(manager, connect)}
    found["after close_session"] = outcome(manager.get)
    found["connected after it"] = str(manager.connected)
    return found


def _of_one_session(m: Any) -> Outcomes:
    subtree = ("subtree", f'<system xmlns="{SYSTEM}"/>')
    yield "server_capabilities", lambda: sorted(m.server_capabilities)
    yield "client_capabilities", lambda: sorted(m.client_capabilities)
    yield "session_id", lambda: str(m.session_id).isdecimal()
    yield "get by subtree", lambda: m.get(filter=subtree)
    yield "get by xpath", lambda: m.get(filter=("xpath", "/sys:system/sys:contact"))
    yield (
        "get by an xpath with namespaces",
        lambda: m.get(filter=("xpath", ({"s": SYSTEM}, "/s:system/s:contact"))),
    )
    yield "get with defaults", lambda: m.get(filter=subtree, with_defaults="report-all")
    yield "get_config", lambda: m.get_config("running", filter=subtree)
    yield "get_config of a wrong source", lambda: m.get_config("nonsense")
    yield "get_config's data", lambda: m.get_config("candidate", filter=subtree).data_ele.tag
    yield "get_schema", lambda: m.get_schema("ietf-interfaces").data[:200]
    yield "get_schema of none", lambda: m.get_schema("no-such-module")
    yield "dispatch", lambda: m.dispatch("get-my-session")
    yield "dispatch of an element", lambda: m.dispatch(to_ele(f'<commit xmlns="{NC}"/>'))
    yield "rpc", lambda: m.rpc(new_ele("discard-changes"))
    yield "an operation by its name", m.discard_changes
    yield "an unknown operation by its name", m.make_coffee
    yield "lock", lambda: m.lock("candidate")
    yield "lock again", lambda: m.lock("candidate")
    yield "edit_config", lambda: m.edit_config(config("contact 1"), target="candidate")
    yield (
        "edit_config of an element",
        lambda: m.edit_config(to_ele(config("contact 2")), target="candidate"),
    )
    yield (
        "edit_config with all its options",
        lambda: m.edit_config(
            config("contact 3"),
            target="candidate",
            default_operation="merge",
            test_option="test-then-set",
            error_option="rollback-on-error",
        ),
    )
    yield "validate", lambda: m.validate("candidate")
    yield "commit", m.commit
    yield "what was committed", lambda: m.get_config("running", filter=subtree)
    yield (
        "edit_config to be confirmed",
        lambda: m.edit_config(config("contact 4"), target="candidate"),
    )
    yield "confirmed commit", lambda: m.commit(confirmed=True, timeout="60")
    yield "cancel_commit", m.cancel_commit
    yield "after cancel_commit", lambda: m.get_config("running", filter=subtree)
    yield (
        "edit_config that is wrong",
        lambda: m.edit_config(config("<wrong/>"), target="candidate"),
    )
    yield "discard_changes", m.discard_changes
    yield "copy_config", lambda: m.copy_config(source="running", target="candidate")
    yield "delete_config", lambda: m.delete_config("startup")
    yield "unlock", lambda: m.unlock("candidate")
    yield "unlock again", lambda: m.unlock("candidate")
    yield "locked", lambda: _within(m.locked("candidate"))
    yield "poweroff_machine", m.poweroff_machine
    yield "reboot_machine", m.reboot_machine
    yield "kill_session of none", lambda: m.kill_session("99999")
    yield from _modes(m, subtree)
    yield "commit what was there", lambda: _start(m)


def _modes(m: Any, subtree: object) -> Outcomes:
    for name in ("NONE", "ERRORS", "ALL"):
        mode = getattr(RaiseMode, name)
        yield f"an error, raise_mode {name}", lambda mode=mode: _raising(m, mode)
    yield "asynchronous", lambda: _asynchronous(m, subtree)
    yield "huge_tree", lambda: _with(m, "huge_tree", True, m.get_config, "running", subtree)


def _of_two_sessions(m: Any, connect: Connect) -> Outcomes:
    yield "create_subscription", m.create_subscription
    other = connect()
    yield "take_notification", lambda: _notification(m)
    yield "no more notifications", lambda: m.take_notification(block=False)
    yield "lock of another's", lambda: _lock_of_another(m, other)
    yield "kill_session", lambda: m.kill_session(other.session_id)
    yield "an operation of one that was killed", lambda: _killed(other)
    yield "an operation after that", lambda: m.get_config("running", filter=("subtree", "<x/>"))


def _within(context: Any) -> str:
    with context:
        return "locked"


def _with(m: Any, name: str, value: Any, operation: Any, *arguments: Any) -> Any:
    before = getattr(m, name)
    setattr(m, name, value)
    try:
        return operation(*arguments)
    finally:
        setattr(m, name, before)


def _raising(m: Any, mode: int) -> str:
    reply = _with(m, "raise_mode", mode, m.get_config, "nonsense")
    return f"{reply.ok} {[error.tag for error in reply.errors]}"


def _asynchronous(m: Any, subtree: object) -> str:
    sent = _with(m, "async_mode", True, lambda: [m.get(filter=subtree) for _ in range(20)])
    assert all(each.event.wait(20) for each in sent)
    return told(sent[-1].reply) + str({each.reply.ok for each in sent})


def _notification(m: Any) -> str:
    while "session-start" not in (taken := m.take_notification(timeout=20)).notification_xml:
        pass
    return f"{taken.notification_ele.tag} {told(taken.notification_xml)}"


def _lock_of_another(m: Any, other: Any) -> str:
    with other.locked("candidate"):
        return outcome(lambda: m.lock("candidate"))


def _killed(other: Any) -> str:
    other._session.join(20)
    return f"{outcome(other.get)} {other.connected}"


def _start(m: Any) -> Any:
    m.edit_config(config("contact 0"), target="candidate")
    return m.commit()


def of_a_vendor(connect: Connect, vendor: str) -> dict[str, str]:
    """Return what the operations come to that each vendor's handler has its say in."""
    m = connect(device_params={"name": vendor})
    subtree = ("subtree", f'<system xmlns="{SYSTEM}"/>')
    found = {
        "client_capabilities": str(sorted(m.client_capabilities)),
        "get_config": outcome(lambda: m.get_config("running", filter=subtree)),
        "edit_config": outcome(lambda: m.edit_config(config("contact 5"), target="candidate")),
        "discard_changes": outcome(m.discard_changes),
        "an error": outcome(lambda: m.get_config("nonsense")),
        "get_schema": outcome(lambda: m.get_schema("ietf-interfaces").data[:200]),
        # The handler of Junos takes no reply with an XML declaration, as netconfd's are.
        "close_session": outcome(m.close_session),
    }
    m._session.close()
    return found
