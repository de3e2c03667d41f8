"""`ncwire check`: whether the inventory is right, and whether its devices answer."""

from __future__ import annotations

import json
import queue
import sys
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ncwire._cli import connection_options, failures, values
from ncwire._cli.commands import inventory
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable
from ncwire.inventory import Inventory

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from ncwire import ConnectParameters
    from ncwire.inventory import Device

_AT_ONCE = 32


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "check",
        help="check the inventory, and whether its devices answer",
        description=(
            "Check the inventory: all errors are told at once, each with its place. With\n"
            "--connect each device is connected to as well, many at once, up to its hello; what\n"
            "fails is told in a line for each device, and the exit code is that of the first."
        ),
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="a device; default: all")
    inventory.add_to(parser)
    parser.add_argument("--connect", action="store_true", help="connect to each device")
    parser.add_argument(
        "--at-once",
        metavar="N",
        type=values.positive,
        default=_AT_ONCE,
        help=f"how many to connect to at the same time; default: {_AT_ONCE}",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=values.seconds,
        help="for each step of connecting; default: the device's",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one device."""

    name: str
    exit: int
    problem: str = ""
    driver: str = ""
    session_id: str = ""
    framing: str = ""
    capabilities: int = 0

    @property
    def told(self) -> str:
        """The outcome in a line."""
        if self.problem:
            return self.problem
        if not self.session_id:
            return ""
        return (
            f"session-id {self.session_id}, {self.framing}, {self.capabilities} capabilities, "
            f"by {self.driver}"
        )


def run(arguments: argparse.Namespace) -> int:
    """Check, print what came of each device, and return the exit code."""
    found = Inventory.load(arguments.inventory)
    devices = [found.device(name) for name in arguments.names] or list(found.devices.values())
    outcomes = [_verified(device) for device in devices]
    if arguments.connect:
        sound = [device for device, one in zip(devices, outcomes, strict=True) if not one.exit]
        connected = _all_connected(sound, arguments.at_once, arguments.timeout)
        outcomes = [connected.get(one.name, one) for one in outcomes]
    if arguments.json:
        listed = [{**asdict(each), "ok": not each.exit} for each in outcomes]
        print(json.dumps({"inventory": str(found.path), "devices": listed}, indent=2))
    else:
        _show(outcomes, all_of_them=arguments.connect)
    failed = [each for each in outcomes if each.exit]
    done = "answer" if arguments.connect else "are well described"
    failures.note(f"{found.path}: {len(outcomes) - len(failed)} of {len(outcomes)} devices {done}")
    return failed[0].exit if failed else Exit.OK


def _verified(device: Device) -> Outcome:
    """Check what can be checked without the device, and without reading a secret."""
    try:
        device.verify()
    except Exception as error:  # noqa: BLE001 - told to the user, whatever it is
        return _failed(device, error)
    return Outcome(device.name, Exit.OK)


def _connected(device: Device, timeout: float | None) -> Outcome:
    given: ConnectParameters = {} if timeout is None else {"timeout": timeout}
    try:
        with device.connect(**given) as session:
            info = session.channel_info
            return Outcome(
                device.name,
                Exit.OK,
                driver=info.library if info else "",
                session_id=session.id or "",
                framing=connection_options.framing(session),
                capabilities=len(list(session.server_capabilities or ())),
            )
    except Exception as error:  # noqa: BLE001 - told to the user, whatever it is
        return _failed(device, error)


def _failed(device: Device, error: Exception) -> Outcome:
    code, sentence = failures.sentenced(error)
    return Outcome(device.name, code, problem="; ".join(sentence.splitlines()))


def _all_connected(
    devices: Sequence[Device], at_once: int, timeout: float | None
) -> dict[str, Outcome]:
    """Connect to the devices, so many at once, and return what came of each by its name."""
    todo: queue.SimpleQueue[Device] = queue.SimpleQueue()
    done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    for device in devices:
        todo.put(device)

    def work() -> None:
        while True:
            try:
                device = todo.get_nowait()
            except queue.Empty:
                return
            done.put(_connected(device, timeout))

    # Daemons, so that Ctrl-C need not wait for a device that is silent.
    for number in range(min(at_once, len(devices))):
        threading.Thread(target=work, name=f"ncwire-check-{number}", daemon=True).start()
    return {outcome.name: outcome for outcome in _watched(done, len(devices))}


def _watched(done: queue.SimpleQueue[Outcome], total: int) -> Iterator[Outcome]:
    """Yield the outcomes as they come, and show on a terminal how far it is."""
    failed = 0
    columns = (
        TextColumn("connecting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
    )
    err = Console(file=sys.stderr)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total, failed=0)
        for _ in range(total):
            outcome = done.get()
            failed += bool(outcome.exit)
            progress.update(task, advance=1, failed=failed)
            yield outcome


def _show(outcomes: Sequence[Outcome], *, all_of_them: bool) -> None:
    out = console()
    shown = [each for each in outcomes if all_of_them or each.exit]
    if not out.is_terminal:
        for each in shown:
            line = f"{each.name}: {'failed' if each.exit else 'ok'}: {each.told}"
            out.print(Text(printable(line)), soft_wrap=True)
        return
    if not shown:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("device", "result", ""):
        table.add_column(heading, overflow="fold")
    for each in shown:
        result = Text("failed", "red") if each.exit else Text("ok", "green")
        table.add_row(Text(printable(each.name), "bold"), result, Text(printable(each.told)))
    out.print(table)
