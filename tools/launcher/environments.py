"""The two Python environments, each from its lock file: `bot/.venv` (Python 3.10) and `.venv` (Python 3.12)."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.launcher.console import Failure, run_step, say
from tools.launcher.settings import ROOT

UV_VERSION = "0.13.9"
# Older ones do not know dependency groups or this format of the lock files.
OLDEST_UV = (0, 6)
TOOLS = ROOT / ".tools"
_PROBE = (
    "import ctypes, json, platform, sqlite3, ssl, sys, zlib\n"
    "print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]), sys.executable,"
    " sys.prefix == sys.base_prefix]))"
)
_PROBE_SECONDS = 30


@dataclass(frozen=True)
class Environment:
    """One locked environment.

    Attributes:
        title: Name for messages.
        folder: Folder with `pyproject.toml` and `uv.lock`; the environment is `.venv` in it.
        python: Python version, "3.10" or "3.12".
    """

    title: str
    folder: Path
    python: str

    @property
    def venv(self) -> Path:
        """Where the environment is."""
        return self.folder / ".venv"

    @property
    def stamp(self) -> Path:
        """File that tells from what the environment was made."""
        return self.venv / ".made-from.json"

    def made_from(self, interpreter: Path) -> dict[str, str]:
        """What the environment depends on."""
        locked = hashlib.sha256()
        for name in ("pyproject.toml", "uv.lock"):
            locked.update((self.folder / name).read_bytes())
        return {"locked": locked.hexdigest(), "interpreter": str(interpreter.resolve())}

    def is_current(self) -> bool:
        """Whether it was made from the present lock file and its interpreter is still there."""
        try:
            stored = json.loads(self.stamp.read_text(encoding="utf-8"))
            interpreter = Path(stored["interpreter"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        usable = interpreter.exists() and (self.venv / "bin" / "python").exists()
        return usable and stored == self.made_from(interpreter)


ENVIRONMENTS = (
    Environment("engine (Rasa)", ROOT / "bot", "3.10"),
    Environment("service", ROOT, "3.12"),
)


def prepare(environment: Mapping[str, str]) -> None:
    """Install what is missing; quick when nothing is.

    Raises:
        Failure: Something can't be installed; the text says what to do.
    """
    outdated = [wanted for wanted in ENVIRONMENTS if not wanted.is_current()]
    if not outdated:
        return
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise Failure("Rasa 3.6's packages are locked for Linux on x86_64 and aarch64 only.")
    uv = find_uv(environment)
    interpreters = {wanted.python: find_python(wanted.python, uv, environment) for wanted in outdated}
    for wanted in outdated:
        interpreter = interpreters[wanted.python]
        run_step(
            f"Installing the {wanted.title} environment (Python {wanted.python})",
            [uv, "sync", "--frozen", "--project", str(wanted.folder), "--python", str(interpreter)],
            cwd=wanted.folder,
            env=_uv_environment(environment),
            show=True,
            tries=3,
        )
        wanted.stamp.write_text(json.dumps(wanted.made_from(interpreter)), encoding="utf-8")


def _uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    unwanted = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX")
    result = {name: value for name, value in environment.items() if name not in unwanted}
    result.setdefault("UV_HTTP_TIMEOUT", "300")
    versions = [pick.name for pick in (_pyenv_version(wanted.python, environment) for wanted in ENVIRONMENTS) if pick]
    if versions:
        # pyenv's stand-ins for interpreters end with an error, and stop uv, unless their versions are chosen.
        result["PYENV_VERSION"] = ":".join(versions)
    return result


# --- uv ---------------------------------------------------------------------------------------------------------------


def find_uv(environment: Mapping[str, str]) -> Path:
    """Return a usable uv: the one on the path, the one installed earlier, or a newly installed one.

    Raises:
        Failure: It can't be installed.
    """
    on_path = shutil.which("uv", path=environment.get("PATH"))
    for candidate in (on_path, TOOLS / "bin" / "uv", TOOLS / "packages" / "bin" / "uv"):
        if candidate and _uv_version(Path(candidate)) >= OLDEST_UV:
            return Path(candidate)
    return _install_uv(environment)


def _uv_version(uv: Path) -> tuple[int, ...]:
    try:
        shown = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", shown.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


def _install_uv(environment: Mapping[str, str]) -> Path:
    title = f"Installing uv {UV_VERSION} into {TOOLS.name}/"
    package = f"uv=={UV_VERSION}"
    own = {name: value for name, value in environment.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    if not _has("ensurepip") and not _has("pip"):
        _install_venv_module(environment)
    if _has("ensurepip"):
        shutil.rmtree(TOOLS, ignore_errors=True)
        run_step("Creating a place for tools", [sys.executable, "-m", "venv", TOOLS], ROOT, own)
        run_step(title, [TOOLS / "bin" / "python", "-m", "pip", "install", "-q", package], ROOT, own, tries=3)
        return TOOLS / "bin" / "uv"
    packages = TOOLS / "packages"
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(packages), package]
    run_step(title, command, ROOT, own, tries=3)
    return packages / "bin" / "uv"


def _has(module: str) -> bool:
    """Whether the running Python has a module. Asked in a new process, as one may just have been installed."""
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def _install_venv_module(environment: Mapping[str, str]) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    allowed = bool(environment.get("CI")) or environment.get("GUIDE_APT") == "1"
    apt = shutil.which("apt-get", path=environment.get("PATH"))
    if allowed and apt and os.geteuid() == 0:
        quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
        run_step("Updating the package lists", [apt, "update", "-q"], ROOT, quiet, tries=2)
        run_step("Installing python3-venv", [apt, "install", "-y", "-q", "python3-venv"], ROOT, quiet, tries=2)
    if not _has("ensurepip"):
        raise Failure(
            f"This Python ({sys.executable}, {version}) has neither pip nor venv, and uv is not installed.\n"
            "Install one of them and run the command again. On Debian or Ubuntu:\n"
            "    sudo apt-get install python3-venv\n"
            "or, as root, let this command do it: GUIDE_APT=1 make run"
        )


# --- Interpreters -----------------------------------------------------------------------------------------------------


def find_python(version: str, uv: Path, environment: Mapping[str, str]) -> Path:
    """Return an interpreter of a version ("3.10"): pyenv's, one on the path, one of uv's, or a newly installed one.

    Raises:
        Failure: None was found and none can be installed.
    """
    wanted = tuple(int(part) for part in version.split("."))
    for candidate in _candidates(version, environment):
        found = _inspect(candidate)
        if found and found[0][:2] == wanted:
            return found[1]
    try:
        return _ask_uv(version, uv, environment)
    except subprocess.CalledProcessError:
        say(f"• No Python {version} on this machine")
    try:
        command = [str(uv), "python", "install", version]
        run_step(f"Installing Python {version}", command, ROOT, _uv_environment(environment), show=True, tries=2)
        return _ask_uv(version, uv, environment)
    except (Failure, subprocess.CalledProcessError):
        raise Failure(
            f"Python {version} is needed and could not be installed here. Install it and run the command again, with "
            f"the system's packages (python{version}), with pyenv (pyenv install {version}), or any other way that "
            f"puts python{version} on the path."
        ) from None


def _ask_uv(version: str, uv: Path, environment: Mapping[str, str]) -> Path:
    command = [str(uv), "python", "find", "--no-project", "--managed-python", version]
    found = subprocess.run(
        command, cwd=ROOT, env=_uv_environment(environment), capture_output=True, text=True, check=True
    )
    return Path(found.stdout.strip())


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    pyenv = _pyenv_version(version, environment)
    if pyenv:
        yield pyenv / "bin" / f"python{version}"
    for name in (f"python{version}", "python3", "python"):
        on_path = shutil.which(name, path=environment.get("PATH"))
        if on_path:
            yield Path(on_path)
    yield Path(sys.executable)


def _pyenv_version(version: str, environment: Mapping[str, str]) -> Path | None:
    root = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/")) / ".pyenv")
    found = [
        folder
        for folder in (root / "versions").glob(f"{version}.*")
        if re.fullmatch(r"[\d.]+", folder.name) and (folder / "bin" / f"python{version}").exists()
    ]
    return max(found, key=lambda folder: [int(part) for part in folder.name.split(".")], default=None)


def _inspect(interpreter: Path) -> tuple[tuple[int, ...], Path] | None:
    """Return version and place of an interpreter that has all that is needed, is CPython and no virtual environment."""
    try:
        shown = subprocess.run(
            [interpreter, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True
        )
        implementation, version, place, outermost = json.loads(shown.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return (tuple(version), Path(place)) if implementation == "CPython" and outermost else None
