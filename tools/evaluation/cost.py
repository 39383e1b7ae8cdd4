"""What the understanding costs: a message, a process, a start, a training, and whether trainings can be repeated.

``python -m tools.evaluation.cost train FOLDER NAME`` trains the whole model once, as ``tools.train`` does.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tools.evaluation.engine import Load, Parsed, quiet
from tools.evaluation.report import speed
from tools.evaluation.sets import ROOT
from tools.train import SEED

START_SECONDS = 180
_TICKS = os.sysconf("SC_CLK_TCK")
_NAME = "measured"


def figures(parsed: list[Parsed], load: Load) -> dict[str, Any]:
    """Measure everything that has a price.

    Args:
        parsed: Parsed messages, for the time of one.
        load: What loading the model took in this process.

    Returns:
        Name → title, value and, where there is one, a note.
    """
    cpu, wall = speed([item.cpu_seconds for item in parsed]), speed([item.seconds for item in parsed])
    server = engine_process()
    first, second = trainings()
    differing = different(first["digests"], second["digests"])
    return {
        "parse_p50": _figure("Parsing a message, median, processor ms on one core", cpu["p50"]),
        "parse_p95": _figure("Parsing a message, 95 % quantile, processor ms on one core", cpu["p95"]),
        "wall_p50": _figure("Parsing a message, median, ms by the clock", wall["p50"]),
        "wall_p95": _figure("Parsing a message, 95 % quantile, ms by the clock", wall["p95"]),
        "load": _figure("Loading the model, processor seconds", round(load.cpu_seconds, 2)),
        "start": _figure("Starting the engine with all imports, processor seconds", round(server["cpu_seconds"], 2)),
        "resident": _figure("The engine's process, MiB resident", round(server["resident_mib"])),
        "training": _figure("Training, processor seconds", round(max(first["cpu_seconds"], second["cpu_seconds"]), 1)),
        "differences": _figure(
            "Parts of the model that two trainings made differently",
            len(differing),
            ", ".join(differing)
            or f"arrays of the intent classifier: {first['digests'].get('intent arrays', '')[:16]}",
        ),
    }


def _figure(title: str, value: float, note: str = "") -> dict[str, Any]:
    return {"title": title, "value": value, **({"note": note} if note else {})}


# --- The engine as it runs --------------------------------------------------------------------------------------------


def engine_process() -> dict[str, float]:
    """Start the engine as it really runs, wait until it is ready, and read its memory and processor time.

    Raises:
        RuntimeError: It did not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "GUIDE_SECRET": "measured-measured-measured-measured",
            "GUIDE_DATA": folder,
            "RASA_PORT": str(port),
            "RASA_DATABASE_URL": f"sqlite:///{folder}/engine.db",
            "GUIDE_REDIS_URL": "",
        }
        command = [sys.executable, "-m", "bot.server"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port, process)
            return {"resident_mib": _resident_mib(process.pid), "cpu_seconds": _cpu_seconds(process.pid)}
        finally:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/webhooks/internal/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise RuntimeError("the engine did not start")


def _resident_mib(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


# --- Training ---------------------------------------------------------------------------------------------------------


def trainings() -> tuple[dict[str, Any], dict[str, Any]]:
    """Train the whole model twice, each time in a process of its own.

    Returns:
        For each the processor seconds and the digests of the parts of the model.
    """
    results = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tools.evaluation.cost", "train", folder, _NAME]
            shown = subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, "RASA_MAX_CACHE_SIZE": "0", **dict([SEED])},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                check=True,
            )
            took: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
            results.append({**took, "digests": digests(Path(folder) / f"{_NAME}.tar.gz")})
    return results[0], results[1]


def digests(model: Path) -> dict[str, str]:
    """Return a digest for each part of a model file that is learned, by its path.

    Arrays are compared by their contents, as their container holds times. ``intent arrays`` is the classifier's part.
    """
    found: dict[str, str] = {}
    with tarfile.open(model) as archive:
        for member in sorted(archive.getmembers(), key=lambda item: item.name):
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None or "/components/" not in f"/{member.name}":
                continue
            content = stream.read()
            if member.name.endswith(".npz"):
                found[member.name] = _arrays(content)
                found["intent arrays"] = found[member.name]
            else:
                found[member.name] = hashlib.sha256(content).hexdigest()
    return found


def _arrays(content: bytes) -> str:
    total = hashlib.sha256()
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        for name in sorted(stored.files):
            total.update(name.encode())
            total.update(str(stored[name].dtype).encode())
            total.update(stored[name].tobytes())
    return total.hexdigest()


def different(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """List the parts that are not the same."""
    return sorted(name for name in set(first) | set(second) if first.get(name) != second.get(name))


def main() -> int:
    """Train once and print what it took as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("train",))
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    chosen = parser.parse_args()
    quiet()

    from tools.train import fit

    wall = time.perf_counter()
    fit(chosen.folder, chosen.name)
    # Of the whole process, the import of Rasa included: that is what a training costs whoever runs it.
    print(json.dumps({"cpu_seconds": time.process_time(), "seconds": time.perf_counter() - wall}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
