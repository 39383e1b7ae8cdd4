#!/usr/bin/env python3
"""Set up, train and run everything: `python3 tools/launch.py run`. Standard library only, Python 3.9 and up.

Commands:
    setup        install what is missing: uv, both interpreters, both environments
    train        setup, then train the model if what it is made from has changed
    run          setup, train, then start all processes and keep them alive until Ctrl-C
    test-server  like run, on free ports and with a data folder of its own, for tests and measurements
    manage       a command of the service with the settings of this installation: manage intake.commands purge
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.launcher import environments, keys, ports, settings, system, training
from tools.launcher.console import Failure, say


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup")
    commands.add_parser("train").add_argument("--force", action="store_true", help="also if nothing has changed")
    commands.add_parser("run")
    server = commands.add_parser("test-server")
    server.add_argument("--ready-file", type=Path, help="written when people get answers: JSON with url and data")
    server.add_argument("--data", type=Path, help="data folder; a temporary one if not given")
    server.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of it alone")
    manage = commands.add_parser("manage")
    manage.add_argument("module")
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    os.chdir(settings.ROOT)
    # A request to stop ends the long steps before the start in the same way as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return carry_out(chosen)
    except Failure as failure:
        say(f"\n✗ {failure}")
        return 1
    except KeyboardInterrupt:
        return 130


def carry_out(chosen: argparse.Namespace) -> int:
    """Carry out a parsed command."""
    configured = settings.load()
    environments.prepare(configured.environment)
    if chosen.command == "setup":
        return 0
    if chosen.command == "manage":
        command = [str(settings.SERVICE_PYTHON), "-m", chosen.module, *chosen.arguments]
        secrets = keys.load(configured.data, configured.environment)
        return subprocess.call(command, cwd=settings.ROOT, env={**settings.child_environment(configured), **secrets})
    training.train(configured, force=getattr(chosen, "force", False))
    if chosen.command == "train":
        return 0
    if chosen.command == "run":
        return system.serve(configured)
    return serve_for_tests(chosen.data, chosen.ready_file, dict(pair.split("=", 1) for pair in chosen.set))


def serve_for_tests(data: Path | None, ready_file: Path | None, own_settings: dict[str, str]) -> int:
    """Run the system on free ports, apart from the installation in this folder."""
    own = data is None
    folder = Path(tempfile.mkdtemp(prefix="guide-")) if data is None else data.resolve()
    numbers = dict(zip(settings.PORT_NAMES, map(str, ports.free(len(settings.PORT_NAMES)))))
    try:
        environment = {**settings.neutral_environment(), **numbers, **own_settings, "GUIDE_DATA": str(folder)}
        return system.serve(settings.load(environment, env_file=None), ready_file)
    finally:
        if own:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
