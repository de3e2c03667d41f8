"""`ncwire new-driver`: what it writes is installed, found, and keeps the contract."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from metadata import write_metadata
from ncwire._cli.commands.new_driver import KINDS, rendered
from ncwire._cli.failures import Exit

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "drivers"
SHORT = "open.connects or io.duplex or errors.reset or close.frees"
TARGET = {"plain": "plain", "async": "plain", "ssh": "ssh"}
OTHERS = sorted(set(KINDS) - {"plain"})


def installed(folder: Path) -> dict[str, str]:
    """Register the package as pip would, without it; return the environment of programs."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]
    (group,) = points
    write_metadata(folder, project["name"], project["version"], group, **points[group])
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}


def conform(folder: Path, kind: str, environment: dict[str, str], *arguments: str) -> list[str]:
    report = folder / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ncwire", "conform", "lab_one", "--target", TARGET[kind]),
            *("--json", str(report), *arguments),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = json.loads(report.read_text(encoding="utf-8"))
    return [each["outcome"] for each in table["rules"].values()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kind", ["plain", *(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in OTHERS)]
)
def test_what_it_writes_is_found_and_keeps_rules(run, tmp_path, kind):
    folder = tmp_path / "lab"
    code, out, err = run("new-driver", "lab_one", "--kind", kind, "--directory", str(folder))
    assert code == Exit.OK, err
    assert "ncwire conform lab_one" in out
    environment = installed(folder)
    listed = subprocess.run(
        [sys.executable, "-m", "ncwire", "drivers", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (driver,) = [each for each in json.loads(listed.stdout) if each["name"] == "lab_one"]
    assert (driver["status"], driver["distribution"]) == ("ok", "ncwire-lab-one")
    outcomes = conform(folder, kind, environment, "-k", SHORT)
    assert outcomes.count("failed") == 0
    assert outcomes.count("passed") == 4


# The whole kit in an environment of its own takes minutes: of the others it is for `-m cross`.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.exhaustive if kind == "plain" else pytest.mark.cross)
        for kind in KINDS
    ],
)
def test_what_it_writes_is_installed_by_pip_and_keeps_every_rule(run, tmp_path, kind):
    folder, site = tmp_path / "lab", tmp_path / "site"
    run("new-driver", "lab_one", "--kind", kind, "--directory", str(folder))
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*(sys.executable, "-m", "pip", "install", "--no-deps", "-t", str(site)), str(folder)],
        env=ours,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    environment = ours | {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])}
    outcomes = conform(folder, kind, environment)
    assert outcomes.count("failed") == 0
    tests = subprocess.run(
        [*(sys.executable, "-m", "pytest", "-q", "-k", "io_read or open_class"), folder / "tests"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "lab-one", "class", "../lab", "lab\n"])
def test_what_is_no_name_is_refused(run, tmp_path, name):
    code, _, err = run("new-driver", name, "--directory", str(tmp_path / "lab"))
    assert code == Exit.USAGE
    assert "NAME" in err
    assert not (tmp_path / "lab").exists()


def test_the_name_of_an_installed_driver_is_refused(run, tmp_path):
    code, _, err = run("new-driver", "paramiko", "--directory", str(tmp_path / "lab"))
    assert code == Exit.USAGE
    assert "is installed" in err


def test_a_folder_with_something_in_it_is_left_alone(run, tmp_path):
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    code, _, err = run("new-driver", "lab", "--directory", str(tmp_path))
    assert code == Exit.USAGE
    assert "there already" in err
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "kept"


def test_one_that_cannot_be_written_leaves_nothing(run, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = run("new-driver", "lab", "--directory", str(tmp_path / "file" / "lab"))
    assert code == Exit.USAGE
    assert "--directory" in err


@pytest.mark.parametrize(
    ("kind", "name", "page"), [("plain", "plain", "tutorial.rst"), ("async", "aio", "recipes.rst")]
)
def test_the_drivers_on_the_pages_are_those_that_it_writes(kind, name, page):
    text = dict(rendered(name, kind))[f"ncwire_{name}.py"]
    _, _, code = text.partition("\n\n")
    shown = "".join(f"    {line}".rstrip() + "\n" for line in code.splitlines())
    assert shown in (DOCS / page).read_text(encoding="utf-8")


def test_the_one_over_asyncssh_is_the_third_partys():
    package = ROOT / "tests" / "thirdparty" / "ncwire-asyncssh" / "ncwire_asyncssh"
    written = dict(rendered("asyncssh", "ssh"))
    for path in package.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("AsyncSSHDriver", "AsyncsshDriver")
        text = text.replace("AsyncSSHChannel", "AsyncsshChannel")
        assert written[f"ncwire_asyncssh/{path.name}"] == text
