"""`ncwire bench`: which driver is how fast here."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from ncwire._cli import connection_options, values
from ncwire._cli.bench import device
from ncwire._cli.bench import outcome as bench_outcome
from ncwire._cli.bench.outcome import Outcome
from ncwire._plugins import registry, url
from ncwire.bench import contestants, measures, servers
from ncwire.bench.run import Run
from ncwire.bench.settings import Settings
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire.bench.record import Record

SIZES = (0, 10_000, 1_000_000, 20_000_000)
LOCAL = Settings(rounds=5, seconds=0.5, connections=20, sessions=10, window=32)
DEVICE = Settings(rounds=3, seconds=1.0, connections=3, sessions=0, window=4)

_EXAMPLES = """\
examples:
  ncwire bench                           all drivers, no device needed
  ncwire bench --floor --plot bench.svg  beside the bare libraries, with a plot
  ncwire bench --save before.json        keep a run, and after some upgrade
  ncwire bench --compare before.json     see what it has changed
  ncwire bench --only latency --sizes 0 100k --rounds 9
  ncwire bench admin@r1                  on a device; it only reads there
  ncwire bench admin@r1 --get-config running --drivers libssh2

A reply of 1 MB or more is measured as throughput, a smaller one as latency.
"""


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "bench",
        help="compare the speed of drivers, without a device or on one",
        description=(
            "Compare the installed drivers: connecting, latency, rpcs in flight together,\n"
            "throughput, CPU time and memory. Without HOST it starts a server on the\n"
            "loopback interface: OpenSSH's sshd, or ncwire's own where sshd cannot be run;\n"
            "and ncwire's own over TLS and on a Unix socket, for drivers of these.\n"
            "Each driver has a process of its own, and they take turns, so that what else\n"
            "the machine does hits all alike. Ctrl-C ends it, and shows what was measured\n"
            "until then."
        ),
        usage="ncwire bench [OPTION ...] [HOST]",
    )
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "host",
        metavar="HOST",
        nargs="?",
        help="a device to measure on: of the inventory, a name or an address, USER@HOST, or a URL",
    )
    _add_measuring_to(parser.add_argument_group("measuring"))
    bench_outcome.add_to(parser.add_argument_group("results"))
    _add_server_to(parser.add_argument_group("server, without HOST"))
    device.add_to(parser.add_argument_group("operation, with HOST"))
    connection_options.add_options_to(parser, connection_options.add_keys_to)
    return parser


def _add_measuring_to(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--drivers",
        nargs="+",
        metavar="NAME",
        help="after HOST, if there is one; default: all that are available, or "
        "the device's own where that is none over SSH",
    )
    group.add_argument(
        "--only",
        metavar="WHAT[,WHAT...]",
        type=_measures,
        help=f"of {', '.join(measures.MEASURES)}; default: all, and with HOST "
        f"{', '.join(device.ONLY)}",
    )
    group.add_argument(
        "--rounds",
        metavar="N",
        type=values.positive,
        help="how often each driver's turn comes; "
        f"default: {LOCAL.rounds}, with HOST {DEVICE.rounds}",
    )
    group.add_argument(
        "--seconds",
        metavar="S",
        type=values.seconds,
        help=f"how long a turn is; default: {LOCAL.seconds:g}, with HOST {DEVICE.seconds:g}",
    )
    group.add_argument(
        "--connections",
        metavar="N",
        type=values.positive,
        help="how many are made at most in one turn of connect; "
        f"default: {LOCAL.connections}, with HOST {DEVICE.connections}",
    )


def _add_server_to(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--server",
        choices=(servers.SSHD, servers.EMBEDDED),
        help="which one over SSH; default: sshd where it can be run, or else the embedded one",
    )
    group.add_argument(
        "--sizes",
        nargs="+",
        metavar="BYTES",
        type=_size,
        help="sizes of replies, as 0 (an <ok/>), 10k or 20M; default: 0 10k 1M 20M",
    )
    group.add_argument(
        "--floor",
        action="store_true",
        help="add the bare library beneath each driver, and the ssh program, for reference",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, and show what came out."""
    _check(arguments)
    outcome = Outcome(arguments)
    named = _drivers(arguments)
    drivers, absent = contestants.available(named)
    if arguments.host is not None:
        settings = _settings(arguments, DEVICE)
        if named is None:
            drivers, others = contestants.over_ssh(drivers)
            absent += others
        return device.run(arguments, drivers, absent, settings, outcome)
    settings = _settings(arguments, LOCAL)
    chosen = measures.chosen(
        measures.on_server(sorted(set(arguments.sizes or SIZES)), settings),
        arguments.only or measures.MEASURES,
    )
    if not chosen:
        raise OptionError("--only", "there is nothing to measure with these --sizes")
    drivers, others = contestants.on_servers(drivers)
    absent += others
    transports = {each.transport for each in drivers}
    with servers.running(arguments.server or _kind(outcome.earlier), transports) as server:
        about = {"kind": server.kind, "about": server.about}
        outcome.check(about)
        taking_part = contestants.sessions(drivers, ways=server.ways)
        if arguments.floor:
            references, missing = contestants.references(drivers, server.ways)
            taking_part, absent = taking_part + references, absent + missing
        return outcome.of(Run(about, taking_part, absent, chosen, settings), server.target)


def _drivers(arguments: argparse.Namespace) -> list[str] | None:
    """Return the drivers that are named; None for all."""
    named: list[str] | None = arguments.drivers
    host = arguments.host
    in_url = url.parse(host).driver if url.is_url(host) else None
    if in_url is None:
        return _of_device(arguments) if named is None and host is not None else named
    if named is not None:
        raise OptionError("--drivers", "the URL names the driver already")
    return [in_url]


def _of_device(arguments: argparse.Namespace) -> list[str] | None:
    """Return the driver of a device that the inventory has, where it is none over SSH."""
    device = connection_options.device_of(arguments)
    if device is None or not device.get("driver"):
        return None
    name = device.driver().name
    return None if registry.load(name).transport == "ssh" else [name]


def _kind(earlier: Record | None) -> str | None:
    """Return which kind of server a run is to be compared on."""
    kind = None if earlier is None else earlier.server["kind"]
    return kind if kind in (servers.SSHD, servers.EMBEDDED) else None


def _check(arguments: argparse.Namespace) -> None:
    for_servers = {"--server": "server", "--sizes": "sizes", "--floor": "floor"}
    for_devices = {
        "--rpc": "rpc", "--get-config": "get_config", "-p": "port", "-l": "user",
        "-i": "identity", "-J": "jumps", "-F": "config", "-o": "option", "-O": "driver_option",
        "--profile": "profile", "--inventory": "inventory",
        "--known-hosts": "known_hosts", "--password-env": "password_env",
        "--password-fd": "password_fd", "--passphrase-env": "passphrase_env",
        "--passphrase-fd": "passphrase_fd", "--accept-host-key": "accept_host_key",
    }  # fmt: skip
    if arguments.host is None:
        wrong, why = for_devices, "is for a device, and there is no HOST"
    else:
        wrong, why = for_servers, "is for a server that bench starts: not together with HOST"
    for option, name in wrong.items():
        # 0 is a port that is given, False a flag that is not.
        if getattr(arguments, name) not in (None, False, []):
            more = "; that of a Unix socket is netconf+unix:///PATH" if option == "-O" else ""
            raise OptionError(option, why + more)


def _settings(arguments: argparse.Namespace, default: Settings) -> Settings:
    names = ("rounds", "seconds", "connections")
    given = {name: getattr(arguments, name) for name in names}
    return dataclasses.replace(
        default, **{name: value for name, value in given.items() if value is not None}
    )


def _measures(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in measures.MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is none of {', '.join(measures.MEASURES)}"
        )
    return names


def _size(text: str) -> int:
    digits, unit = (text[:-1], text[-1]) if text[-1:] in ("k", "M", "G") else (text, "")
    try:
        value = float(digits) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, as 0, 10k or 20M")
    return round(value)
