"""`ncwire probe HOST`: what a server offers, which drivers can talk to it, what it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire._cli import connection_options, failures, values
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable
from ncwire.errors.printable import one_line
from ncwire.probe import Ability, Standing, probe
from ncwire.probe.inventory_toml import stanza
from ncwire.probe.report import offered

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from ncwire.probe import Report, Verdict

_STYLES = {
    Ability.YES.value: "green",
    Ability.IF_ALLOWED.value: "yellow",
    Ability.NO.value: "red",
    Standing.GOOD.value: "green",
    Standing.UNKNOWN.value: "yellow",
    Standing.CHANGED.value: "red",
    Standing.REVOKED.value: "red",
    Standing.MISMATCH.value: "red",
}
_DESCRIPTION = """\
Look at a device: what its SSH server offers, which host keys it has, which of the
installed drivers can talk to it and why not, which authentication methods it takes,
and, after a login, which subsystem answers and with which hello.

The login comes last, and only to a host whose key is verified: by known_hosts, or by
--accept-host-key. Before it nothing secret is sent. For each driver and each further
type of host key a connection of its own is made, one after another.
"""


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "probe",
        help="find out what a device offers, and how to talk to it",
        description=_DESCRIPTION,
    )
    connection_options.add_to(parser)
    parser.add_argument(
        "--no-login", action="store_true", help="leave out what needs a login: the hello"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=values.seconds,
        help="for each step of each connection; default: 15, and 30 for a login and the hello",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Probe, and print the report. Returns the exit code of what stands in a session's way."""
    report = probe(
        **connection_options.parameters(arguments),
        timeout=arguments.timeout,
        log_in=not arguments.no_login,
        login=connection_options.Login(arguments),
    )
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        _show(report)
    if report.problem is not None:
        return failures.tell(report.problem, "login: ")
    stuck = report.answer is None and not arguments.no_login
    return Exit.CONNECTION if stuck else Exit.OK


def _show(report: Report) -> None:
    out = console()
    greeting = report.greeting
    _section(
        out,
        "server",
        [
            ("address", f"{report.host} port {report.port}"),
            ("software", greeting.software),
            ("identification", greeting.identification),
            *(("says", line) for line in greeting.lines),
        ],
    )
    lists = offered(greeting.offer)
    _section(out, "algorithms", [(kind, ", ".join(names)) for kind, names in lists.items()])
    keys = report.host_keys
    _section(
        out,
        "host key",
        [(key.type, key.standing.value, f"{key.sha256} {key.detail}") for key in keys],
    )
    _section(
        out,
        "driver",
        [(each.driver, each.library, each.ability.value, _how(each)) for each in report.drivers],
    )
    methods = report.auth_methods
    offers = report.auth_problem if methods is None else ", ".join(sorted(methods)) or "no method"
    _section(out, "authentication", [(report.username, offers)])
    _section(out, "session", _session(report))
    fit = report.fit()
    _section(out, "profile", [(fit.profile, reason) for reason in fit.because])
    _section(out, "advice", [(line,) for line in _advice(report)])
    _section(out, "inventory", [(line,) for line in stanza(report).splitlines()])


def _how(verdict: Verdict) -> str:
    options = " ".join(f"-o {option}" for option in verdict.ssh_options)
    return f"with {options}" if options else verdict.reason or "with what is offered"


def _session(report: Report) -> Iterator[tuple[str, str]]:
    answer = report.answer
    if answer is None:
        yield "left out" if report.left_out else "failed", report.left_out or str(report.problem)
        return
    yield "subsystem", answer.subsystem
    for name in answer.refused:
        yield "refused", name
    yield "driver", answer.driver
    yield "session-id", answer.session_id
    yield "framing", answer.framing
    if answer.banner:
        yield "banner", answer.banner
    for uri in answer.capabilities:
        yield "capability", uri


def _advice(report: Report) -> Iterator[str]:
    best = report.best()
    if best is None:
        yield "no installed driver can talk to this server"
    elif best.policy is None:
        yield f"driver {best.driver} can talk to it"
    else:
        yield f"driver {best.driver} can talk to it, with old algorithms allowed by name:"
        options = " ".join(f"-o {option}" for option in best.ssh_options)
        yield (
            f"  ncwire hello --driver {best.driver} {options} -p {report.port} "
            f"{report.username}@{report.host}"
        )
    key = report.key_to_verify()
    if best is not None and best.holes and key is not None:
        yield (
            f"do not accept its key with driver {best.driver} unless you have compared it: "
            f"{', '.join(best.holes)} (see: ncwire drivers)"
        )
    if key is not None and report.problem is None:
        yield (
            "its host key is not known: compare the fingerprint with the device's own, then "
            f"pass --accept-host-key {key.sha256}, or add it to known_hosts"
        )


def _section(out: Console, title: str, rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal; into a pipe a line for each row, the title first."""
    if not out.is_terminal:
        for row in rows:
            line = "  ".join(cell.strip() for cell in row if cell.strip())
            out.print(Text(one_line(f"{title}: {line}")), soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=False)
    for row in rows:
        if not table.columns:
            for _ in row:
                table.add_column(overflow="fold")
        table.add_row(*(Text(printable(cell), _STYLES.get(cell, "")) for cell in row))
    out.print(Text(title, "bold"))
    out.print(table)
    out.print()
