"""Programs and fonts from the system's packages that the tests need; installed where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.launcher.console import Failure, run_step, say
from tools.launcher.settings import ROOT

_PROBE_SECONDS = 30
# Where the PDF looks for it as well (intake/document/fonts.py).
_RARE_HAN = Path("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf")
_CHINESE = "NotoSansCJK"
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_SERVER = ("initdb", "postgres", "pg_isready")


@dataclass(frozen=True)
class Package:
    """A package of Debian and Ubuntu.

    Attributes:
        name: As apt knows it.
        purpose: What the tests need it for.
        present: Whether what is needed of it is there already, from whatever source.
    """

    name: str
    purpose: str
    present: Callable[[], bool]


def postgres_folder() -> Path | None:
    """Where PostgreSQL's server programs are: where Debian puts them, the newest version; or on the path."""

    def version(folder: Path) -> int:
        number = folder.parent.name
        return int(number) if number.isdigit() else 0

    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    found = shutil.which("initdb")
    if found:
        folders.append(Path(found).resolve().parent)
    return next((folder for folder in folders if all((folder / name).exists() for name in _SERVER)), None)


def has_browser() -> bool:
    """Whether there is a Chromium for the tests of the pages."""
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _has_chinese() -> bool:
    return any(True for folder in _FONT_FOLDERS for _ in folder.rglob(f"{_CHINESE}*"))


PACKAGES = (
    Package("chromium", "the tests of the pages", has_browser),
    Package("fonts-noto-cjk", "Chinese on the pages", _has_chinese),
    Package("postgresql", "the tests of the databases", lambda: postgres_folder() is not None),
    Package("fonts-hanazono", "the rarest Chinese characters in the PDF", _RARE_HAN.exists),
)


def missing() -> list[Package]:
    """The packages that are not there."""
    return [package for package in PACKAGES if not package.present()]


def install_missing(environment: Mapping[str, str]) -> None:
    """Install what is missing, with apt, as root or by sudo without a password; GUIDE_APT=0 forbids it.

    Where it can't be installed the tests that need it are left out and say so; in CI that is a failure.

    Raises:
        Failure: In CI (CI is set), something could not be installed.
    """
    wanted = missing()
    if not wanted:
        return
    in_ci = bool(environment.get("CI"))
    prefix = _rights(environment)
    names = [package.name for package in wanted]
    needs = "; ".join(f"{package.name} ({package.purpose})" for package in wanted)
    if prefix is None:
        text = (
            f"Not installed, and this user may not install it: {needs}.\n"
            f"    sudo apt-get install --no-install-recommends {' '.join(names)}"
        )
        if in_ci:
            raise Failure(text)
        say(f"! {text}\n  The tests that need it are left out.")
        return
    quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run_step("Updating the package lists", [*prefix, "apt-get", "update", "-q"], ROOT, quiet, tries=2)
        command = [*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
        run_step(f"Installing {', '.join(names)}", command, ROOT, quiet, tries=2)
    except Failure as failure:
        if in_ci:
            raise
        say(f"! {failure}\n  The tests that need it are left out.")
        return
    still = list(_names(missing()))
    if still and in_ci:
        raise Failure(f"Installed, but not usable: {', '.join(still)}")


def _names(packages: list[Package]) -> Iterator[str]:
    return (package.name for package in packages)


def _rights(environment: Mapping[str, str]) -> list[str] | None:
    """What goes before apt-get; None when it can't be used."""
    path = environment.get("PATH")
    if environment.get("GUIDE_APT") == "0" or not shutil.which("apt-get", path=path):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo", path=path)
    if not sudo:
        return None
    try:
        asked = subprocess.run([sudo, "-n", "true"], capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return [sudo, "-n"] if asked.returncode == 0 else None
