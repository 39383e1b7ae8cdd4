"""System packages that tests need: installed where that is possible, told where it is not, required in CI."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tools.launcher import packages
from tools.launcher.console import Failure
from tools.launcher.packages import Package, install_missing, postgres_folder


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a package brings; it is not there yet."""
    path = tmp_path / "program"
    monkeypatch.setattr(packages, "PACKAGES", (Package("some-package", "a test", path.exists),))
    return path


def environment(tmp_path: Path, script: str | None, **more: str) -> dict[str, str]:
    """An environment whose apt-get is a script that notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        apt = folder / "apt-get"
        apt.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{script}\n', encoding="utf-8")
        apt.chmod(apt.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:/usr/bin:/bin" if script is not None else str(folder), **more}


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks for the rights of root")


@as_root
def test_what_is_missing_is_installed_once(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment(tmp_path, f'[ "$1" = install ] && touch {program}; exit 0', CI="true")
    monkeypatch.setenv("PATH", given["PATH"])
    install_missing(given)
    install_missing(given)
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        "update -q",
        "install -y -q --no-install-recommends some-package",
    ]


@as_root
@pytest.mark.parametrize("script", ["exit 100", "exit 0"], ids=["fails", "does nothing"])
def test_what_cannot_be_installed_is_a_failure_in_ci(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    given = environment(tmp_path, script, CI="true")
    monkeypatch.setenv("PATH", given["PATH"])
    with pytest.raises(Failure):
        install_missing(given)


@pytest.mark.parametrize("more", [{}, {"GUIDE_APT": "0"}], ids=["no apt", "forbidden"])
def test_without_a_way_to_install_it_is_told(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, str]
) -> None:
    given = environment(tmp_path, "exit 0" if more else None, **more)
    install_missing(given)
    assert "some-package (a test)" in capsys.readouterr().out
    assert not (tmp_path / "calls").exists()
    with pytest.raises(Failure, match="sudo apt-get install --no-install-recommends some-package"):
        install_missing({**given, "CI": "true"})


def test_nothing_is_done_when_all_is_there(program: Path, tmp_path: Path) -> None:
    program.touch()
    install_missing(environment(tmp_path, "exit 1", CI="true"))
    assert not (tmp_path / "calls").exists()


def test_postgresql_is_found_with_all_its_programs() -> None:
    folder = postgres_folder()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    assert {"initdb", "postgres", "pg_isready"} <= set(os.listdir(folder))
