"""Tasks for nornir, over the connection `ncwire`: get, get-config, edit-config, and any rpc.

What goes wrong is raised, as nornir wants it: the host's Result is `failed`, and has the
`exception`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.contrib.nornir import operations
from ncwire.contrib.nornir.connection import CONNECTION
from ncwire.contrib.nornir.editing import TEST_ONLY, Edit
from ncwire.contrib.nornir.library import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nornir.core.task import Task

    from ncwire import DriverSession, Reply
    from ncwire._protocol.operation import WholeOperation


def get(
    task: Task,
    *,
    filter: WholeOperation | None = None,  # noqa: A002 - NETCONF's name for it
    xpath: str | None = None,
    namespaces: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Result:
    """Return configuration and state (RFC 6241 section 7.7).

    `filter` is a subtree to select: one element or several, as text, bytes in UTF-8, or an element
    of `xml.etree.ElementTree` or lxml. `xpath` is an expression in its place, for servers with
    the capability `:xpath`, and `namespaces` its prefixes. `timeout` is in seconds (None: the
    session's `timeouts.rpc`).

    The Result's `result` is the reply's text, its `reply` the `Reply`. Raises `OptionError` with
    nothing sent, `RPCError` for what the server refuses, and what `Session.rpc` raises.
    """
    operation = operations.filtered("get", b"", filter, xpath, namespaces)
    return _result(task, _session(task).rpc(operation, timeout, check=True))


def get_config(
    task: Task,
    *,
    source: str = "running",
    filter: WholeOperation | None = None,  # noqa: A002 - as above
    xpath: str | None = None,
    namespaces: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Result:
    """Return the configuration in a datastore (RFC 6241 section 7.1).

    `source` is the datastore's name, or a URL for servers with the capability `:url`. All else is
    as for `get`.
    """
    datastore = operations.datastore("source", source)
    operation = operations.filtered("get-config", datastore, filter, xpath, namespaces)
    return _result(task, _session(task).rpc(operation, timeout, check=True))


def edit_config(
    task: Task,
    config: WholeOperation,
    *,
    target: str = "running",
    default_operation: str | None = None,
    test_option: str | None = None,
    error_option: str | None = None,
    lock: bool | None = None,
    validate: bool = False,
    commit: bool = False,
    dry_run: bool | None = None,
    timeout: float | None = None,
) -> Result:
    """Edit the configuration in a datastore (RFC 6241 section 7.2).

    `config` is a `<config>`, or what is to be inside of one, in the forms of `get`'s filter. The
    three options are sent where they are given. `lock` holds the target's lock meanwhile (None:
    where `commit` is). `validate` has the target validated after the edit, and `commit` what is in
    the candidate made the running configuration.

    When a step fails, what is in the candidate is discarded, if it was to be committed, and the
    lock is let go. The Result has `changed` unless nothing was to be set; the server does
    not tell whether the configuration was like that before.

    `dry_run` (None: as nornir says) has the server judge the edit, and changes nothing: by
    `test-only` where it has the capability `:validate:1.1`, else in the candidate, if that is the
    target, locked, and discarded after that. Where neither is possible, `OptionError`.

    `timeout`, in seconds, is each rpc's. The Result's `result` is the text of the reply to the
    edit, its `reply` the `Reply`. Raises as `get` does.
    """
    edit = Edit(
        config=config,
        target=target,
        default_operation=default_operation,
        test_option=test_option,
        error_option=error_option,
        lock=lock,
        validate=validate,
        commit=commit,
        timeout=timeout,
    )
    if task.is_dry_run(dry_run):
        return _result(task, edit.attempt(_session(task)))
    return _result(task, edit.make(_session(task)), changed=test_option != TEST_ONLY)


def rpc(
    task: Task,
    operation: WholeOperation,
    *,
    changed: bool = False,
    dry_run: bool | None = None,
    timeout: float | None = None,
) -> Result:
    """Send any operation: the element inside `<rpc>`, as for `Session.rpc`.

    `changed` says that it changes the device, which only the caller knows: the Result has it, and
    such an operation is not sent in a dry run (`dry_run` None: as nornir says). Then the Result's
    `changed` is False, its `result` empty and its `reply` None. All else is as for `get`.
    """
    if changed and task.is_dry_run(dry_run):
        return Result(host=task.host, result="", reply=None)
    return _result(task, _session(task).rpc(operation, timeout, check=True), changed=changed)


def _session(task: Task) -> DriverSession:
    session: DriverSession = task.host.get_connection(CONNECTION, task.nornir.config)
    return session


def _result(task: Task, reply: Reply, *, changed: bool = False) -> Result:
    return Result(host=task.host, result=reply.raw, changed=changed, reply=reply)
