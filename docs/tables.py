"""The tables of the documentation that are made from the code: `python docs/tables.py`.

Each stands in its page between two comments, `.. begin generated NAME` and `.. end generated
NAME`. The driver packages can be imported without their libraries being installed.
"""

# ruff: noqa: INP001, T201 - a script beside the pages, not part of a package

from __future__ import annotations

import importlib
import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire import profiles
from ncwire._algorithms.names import ASSIGNED
from ncwire._algorithms.offer import KINDS, MODERN
from ncwire._algorithms.public_keys import is_certificate
from ncwire._plugins import vulnerabilities
from ncwire._plugins.known_drivers import known_drivers
from ncwire._ssh.config import keywords
from ncwire.driver import Algorithms, ConnectOptions, Feature, SSHDriver
from ncwire.driver.rules import RULES
from ncwire.inventory.schema import KEYS
from ncwire.testing.conformance.causes import CAUSES
from ncwire.testing.faults import Fault, Phase, expectation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import ModuleType

    from ncwire.driver import Driver
    from ncwire.testing.faults import Expectation

PAGES = Path(__file__).parent
TESTS = PAGES.parent / "tests"
ROWS = TESTS / "integration"
COMMAND = "python docs/tables.py"
DRIVERS = {
    "paramiko": ("ncwire_paramiko", "ParamikoDriver"),
    "libssh2": ("ncwire_libssh2", "Libssh2Driver"),
    "openssh": ("ncwire_openssh", "OpenSSHDriver"),
}
OTHERS = {
    "tls": ("ncwire_tls", "TLSDriver"),
    "unix": ("ncwire_unix", "UnixSocketDriver"),
}
"""Those of other transports than SSH."""


def features_by_driver() -> str:
    """Return the table of what each driver of this distribution declares."""
    drivers = {name: _driver(*place) for name, place in (DRIVERS | OTHERS).items()}
    parameters = parameters_by_feature()
    rows = [
        (
            f"``{feature.value}``",
            _code(parameters.get(feature, ())),
            *("yes" if feature in driver.features else "no" for driver in drivers.values()),
        )
        for feature in Feature
    ]
    widths = (24, 36, *[10] * len(drivers))
    return _table(("Feature", "Parameters that need it", *drivers), widths, rows)


def parameters_by_driver() -> str:
    """Return the table of which driver takes which parameter of `ncwire.connect`."""
    drivers = {name: _driver(*place) for name, place in (DRIVERS | OTHERS).items()}
    taken = _from_folder("parameters_taken", PAGES)
    rows = [
        (f"``{name}``", *("yes" if each else "refused" for each in by_driver))
        for name, by_driver in taken.rows(list(drivers.values()), parameters_by_feature())
    ]
    return _table(("Parameter", *drivers), (25, *[15] * len(drivers)), rows)


def default_algorithms() -> str:
    """Return the table of what is offered by default, in order, and by which driver."""
    return _algorithms(lambda kind: getattr(MODERN, kind))


def algorithms_by_name() -> str:
    """Return the table of what a driver has and does not offer unless it is allowed."""

    def of(kind: str) -> list[str]:
        had = {name for each in _ssh_drivers().values() for name in getattr(each.algorithms, kind)}
        named = [name for name in getattr(ASSIGNED, kind) if name in had]
        # Certificates are offered with their keys, when known_hosts has an authority.
        return [
            name
            for name in named
            if name not in getattr(MODERN, kind) and not is_certificate(name)
        ]

    return _algorithms(of)


def _algorithms(names: Callable[[str], Iterable[str]]) -> str:
    drivers = _ssh_drivers()
    rows = [
        (
            f"``{kind}``",
            f"``{name}``",
            *(
                "yes" if name in getattr(driver.algorithms, kind) else "no"
                for driver in drivers.values()
            ),
        )
        for kind in KINDS
        for name in names(kind)
    ]
    return _table(("Kind", "Name", *drivers), (15, 45, 20, 20), rows)


def _ssh_drivers() -> dict[str, type[SSHDriver]]:
    drivers = {name: _driver(*place) for name, place in DRIVERS.items()}
    return {name: each for name, each in drivers.items() if issubclass(each, SSHDriver)}


def features_by_parameter() -> str:
    """Return the table of the parameters for which the core asks a feature."""
    parameters = parameters_by_feature()
    rows = [
        (f"``Feature.{feature.name}``", f"``{feature.value}``", _code(parameters.get(feature, ())))
        for feature in Feature
    ]
    return _table(("Feature", "Its word", "Parameters that need it"), (40, 25, 35), rows)


def rules() -> str:
    """Return the table of the contract's rules, with their usual causes."""
    rows = [
        (
            f"``{rule.id}``",
            rule.layer.value,
            ", ".join(sorted(f"``{feature.value}``" for feature in rule.features)) or "\\-",
            rule.text.replace("`from`", "``from``").replace("`size`", "``size``"),
            CAUSES[rule.id].replace("*", "\\*"),
        )
        for rule in RULES.values()
    ]
    header = ("Rule", "Binds", "If it declares", "What it says", "What usually breaks it")
    return _table(header, (17, 12, 11, 30, 30), rows)


def matrix_of_parameters() -> str:
    """Return the table of what each parameter of `connect` is seen to do."""
    return _matrix("PARAMETERS", "Parameter")


def matrix_of_keywords() -> str:
    """Return the table of what each keyword of ssh_config is seen to do."""
    return _matrix("KEYWORDS", "Keyword")


def makes() -> str:
    """Return the table of the makes of server that the tests run, and how they are set up."""
    rows = [(make.label, make.setting) for make in _makes().MAKES.values()]
    return _table(("Make", "How it is set up"), (25, 75), rows)


def checks_of_makes() -> str:
    """Return the table of what is tried with each make."""
    rows = [(check.label, check.seen) for check in _makes().CHECKS.values()]
    return _table(("Check", "What is seen"), (25, 75), rows)


def matrix_of_makes() -> str:
    """Return the table of what is tried with which make, and which reasons there are not to."""
    columns = _makes().MAKES.values()
    rows = [
        (
            check.label,
            *(
                f"not applicable: {make.not_applicable[name]}"
                if name in make.not_applicable
                else "yes"
                for make in columns
            ),
        )
        for name, check in _makes().CHECKS.items()
    ]
    return _table(("Check", *(make.label for make in columns)), (15, 17, 17, 17, 17, 17), rows)


def keywords_honoured() -> str:
    """Return the table of the keywords of ssh_config that ncwire goes by."""
    return _table(("Keyword", "What ncwire makes of it"), (30, 70), _meanings(keywords.HONOURED))


def keywords_refused() -> str:
    """Return the table of the keywords of ssh_config that are refused."""
    rows = [
        (f"``{name}``", f"anything but {_code(harmless)}" if harmless else "any value of its own")
        for name, harmless in keywords.REFUSED.items()
    ]
    rows += [(f"``{name}``", "a list that allows less") for name in keywords.WIDENED_ONLY]
    return _table(("Keyword", "Refused"), (35, 65), sorted(rows, key=lambda row: row[0].lower()))


def keywords_without_effect() -> str:
    """Return the table of the keywords of ssh_config that change nothing, and why."""
    rows = _meanings(keywords.WITHOUT_EFFECT)
    return _table(("Keyword", "Why it has no effect"), (40, 60), rows)


def inventory_keys() -> str:
    """Return the table of what a device, a group and the defaults may have."""
    rows = [
        (f"``{name}``", f"{key.meaning[0].upper()}{key.meaning[1:]}.")
        for name, key in KEYS.items()
    ]
    return _table(("Key", "What it is"), (25, 75), rows)


def families() -> str:
    """Return the table of ncwire's own profiles, and what each says."""
    rows = []
    for name in profiles.built_in():
        profile = profiles.get(name)
        given = {key: each for key, each in profile.values().items() if key not in _SHOWN_APART}
        says = "; ".join(f"``{key}`` = ``{_as_toml(each.value)}``" for key, each in given.items())
        notes = " ".join(profile.notes)
        what = f"{profile.description[:1].upper()}{profile.description[1:]}."
        about = " ".join(filter(None, (what, notes))).replace("'#'", "``#``")
        rows.append((f"``{name}``", about, says or "\\-"))
    return _table(("Profile", "For", "Says"), (15, 35, 50), rows)


def profile_options() -> str:
    """Return the table of the options of a profile, and which of ncwire's own give them."""
    defaults = {each.key: each.value for each in profiles.DeviceProfile(name="-").settings()}
    users: dict[str, list[str]] = {}
    sources: dict[str, dict[str, None]] = {}
    for name in profiles.built_in():
        for key, given in profiles.get(name).values().items():
            users.setdefault(key, []).append(name)
            if given.profile == name and key not in _SHOWN_APART:
                sources.setdefault(key, {})[given.source] = None
    rows = [
        (
            f"``{option.key}``",
            f"{option.meaning} *Allowed*: {option.allowed}.".replace('""', '``""``'),
            f"``{_as_toml(defaults[option.key])}``",
            "every one"
            if option.key == "description"
            else ", ".join(users.get(option.key, ["-"])),
            "; ".join(sources.get(option.key, ())) or "\\-",
        )
        for option in profiles.OPTIONS.values()
    ]
    header = ("Option", "Meaning", "Default", "Given by", "Source")
    return _table(header, (18, 37, 10, 15, 20), rows)


def fault_matrix() -> str:
    """Return the table of what is right for each fault in each phase."""
    rows = []
    for phase in Phase:
        found: dict[str, list[str]] = {}
        for fault in Fault:
            found.setdefault(_outcome(expectation(phase, fault)), []).append(fault.value)
        told = "; ".join(f"{outcome}: {', '.join(names)}" for outcome, names in found.items())
        rows.append((f"``{phase.value}``", phase.traits.struck, told))
    return _table(("Phase", "What is struck", "What is right"), (18, 30, 52), rows)


def _outcome(expected: Expectation) -> str:
    if expected.not_applicable:
        return "not applicable"
    names = " or ".join(name if " " in name else f"``{name}``" for name in expected.outcomes)
    return f"{names} by keepalive" if expected.keepalive else names


def faults() -> str:
    """Return the table of the faults."""
    rows = [(f"``{fault.value}``", fault.does) for fault in Fault]
    return _table(("Fault", "What it does"), (20, 80), rows)


_SHOWN_APART = frozenset({"description", "notes"})


def _users(key: str, names: Sequence[str]) -> str:
    return "every one" if key == "description" else ", ".join(names) or "\\-"


def _as_toml(value: object) -> str:
    if isinstance(value, tuple):
        listed: object = dict(value) if value and isinstance(value[0], tuple) else list(value)
        return json.dumps(listed)
    return "open" if value is None else json.dumps(value)


def known_vulnerabilities() -> str:
    """Return the table of what is published about the libraries, as of 64-bit machines."""
    rows = [
        (
            each.id,
            f"{each.library} {each.first} to {each.last}",
            f"{each.what}. {each.how[0].upper()}{each.how[1:]}",
            each.unjudged,
            each.accepted,
            "; ".join(each.sources),
        )
        for each in vulnerabilities.published()
    ]
    header = ("Vulnerability", "Versions", "What, and why", "Unjudged", "Accepted", "Sources")
    return _table(header, (12, 12, 40, 10, 10, 16), rows)


def drivers_known() -> str:
    """Return the table of the drivers that are known, and of the packages that have them."""
    rows = [
        (f"``{each.name}``", each.over, each.package, f"``{each.install}``")
        for each in known_drivers().values()
    ]
    return _table(("Name", "Over", "Package", "Installed by"), (15, 30, 20, 35), rows)


def public_names() -> str:
    """Return the reference of every public name, which has a file of its own."""
    text: str = _from_folder("public_names", PAGES).reference()
    return text


def _moving(name: str) -> Callable[[], str]:
    """Return the function that makes a table of the page on moving over from ncclient."""
    return lambda: _table(*getattr(_from_folder("moving_tables", PAGES), name)())


TABLES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "api.rst": {"public-names": public_names},
    "drivers/reference.rst": {"features-by-parameter": features_by_parameter},
    "drivers/rules.rst": {"rules": rules},
    "fault-matrix.rst": {"faults": faults, "fault-matrix": fault_matrix},
    "features.rst": {
        "features-by-driver": features_by_driver,
        "parameters-by-driver": parameters_by_driver,
    },
    "inventory.rst": {"inventory-keys": inventory_keys},
    "known-drivers.rst": {"known-drivers": drivers_known},
    "makes.rst": {
        "makes": makes,
        "checks-of-makes": checks_of_makes,
        "matrix-of-makes": matrix_of_makes,
    },
    "matrix.rst": {
        "matrix-of-parameters": matrix_of_parameters,
        "matrix-of-keywords": matrix_of_keywords,
    },
    "moving-from-ncclient.rst": {
        "scripts": _moving("scripts"),
        "operations": _moving("operations"),
        "operations-of-vendors": _moving("operations_of_vendors"),
        "parameters": _moving("parameters"),
        "errors": _moving("errors"),
        "handlers": _moving("handlers"),
        "mistakes": _moving("mistakes"),
        "odd-peers": _moving("odd_peers"),
    },
    "profiles.rst": {"families": families, "profile-options": profile_options},
    "ssh-config.rst": {
        "keywords-honoured": keywords_honoured,
        "keywords-refused": keywords_refused,
        "keywords-without-effect": keywords_without_effect,
    },
    "usage.rst": {
        "default-algorithms": default_algorithms,
        "algorithms-by-name": algorithms_by_name,
    },
    "vulnerabilities.rst": {"known-vulnerabilities": known_vulnerabilities},
}
"""The tables of each page."""


def parameters_by_feature() -> Mapping[Feature, Sequence[str]]:
    """Ask `ConnectOptions`, with everything set, which of it needs which feature."""
    everything = ConnectOptions(
        host="host",
        username="user",
        password="set",  # noqa: S106 - no secret
        passphrase="set",  # noqa: S106 - as above
        hostkey_b64="set",
        accept_new="set",
        unknown_host_cb=lambda _host, _fingerprint: False,
        sock=object(),  # type: ignore[arg-type] # only looked at for being there
        bind_addr="set",
        address_family=socket.AF_INET,
        proxy_command="set",
        jumps=(ConnectOptions(host="hop", username="user"),),
        certificate_files=("set",),
        keepalive=1.0,
        environment={"set": "set"},
        command="set",
        auth_handler=lambda _title, _instruction, _prompts: (),
        key_filename=("set",),
        algorithms=Algorithms(kex=("set",), compression=("zlib@openssh.com",)),
    )
    found: dict[Feature, list[str]] = {}
    for parameter, feature in everything.required_features().items():
        found.setdefault(feature, []).append(parameter)
    return found


def current(page: str) -> str:
    """Return the page's text as it has to be."""
    text = (PAGES / page).read_text(encoding="utf-8")
    for name, make in TABLES[page].items():
        begin, end = f".. begin generated {name}\n", f".. end generated {name}\n"
        head, _, rest = text.partition(begin)
        _, ended, tail = rest.partition(end)
        if not ended:
            raise ValueError(f"{page} has no place for the table {name}")
        text = f"{head}{begin}\n{make()}\n{end}{tail}"
    return text


def main() -> int:
    """Bring the pages up to date, and tell which were not."""
    for page in TABLES:
        text = current(page)
        if text != (PAGES / page).read_text(encoding="utf-8"):
            (PAGES / page).write_text(text, encoding="utf-8")
            print(f"updated {page}")
    return 0


def _matrix(rows: str, what: str) -> str:
    matrix = _from_folder("matrix", ROWS)
    drivers = {name: _driver(*place) for name, place in DRIVERS.items()}
    table = [
        (
            f"``{row.name}``",
            f"``{row.given}``",
            row.seen,
            *(
                "yes" if row.needs is None or row.needs in driver.features else "refused"
                for driver in drivers.values()
            ),
        )
        for row in getattr(matrix, rows)
    ]
    return _table((what, "Given", "What is seen", *drivers), (15, 23, 35, 9, 9, 9), table)


def _makes() -> ModuleType:
    return _from_folder("makes.rows", TESTS)


def _from_folder(module: str, folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(str(folder))


def _meanings(keywords: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"``{name}``", meaning) for name, meaning in keywords.items()]


def _driver(module: str, name: str) -> type[Driver]:
    driver: type[Driver] = getattr(importlib.import_module(module), name)
    return driver


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"``{name}``" for name in names) or "none"


def _table(header: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    for row in (header, *rows):
        first, *others = row
        lines.append(f"   * - {first}")
        lines += [f"     - {cell}" for cell in others]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
