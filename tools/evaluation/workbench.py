"""Training and measuring one pipeline, each in a process of its own, so that its cost is its own.

``python -m tools.evaluation.workbench train CONFIG DATA MODEL`` and ``… measure MODEL INTENTS RESULT``, both with
``--without PART`` (see :mod:`tools.evaluation.ablation`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.evaluation.engine import Engine, Outcome, classify, quiet
from tools.evaluation.sets import ROOT, Case, read_intents

SUFFIX = ".tar.gz"


@dataclass(frozen=True)
class Training:
    """What a training took.

    Attributes:
        seconds: By the clock on the wall.
        cpu_seconds: Of the processor, without the import of Rasa.
        peak_mib: Largest resident memory.
        model_mib: Size of the model file.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    model_mib: float


@dataclass(frozen=True)
class Measured:
    """What a trained pipeline does.

    Attributes:
        outcomes: One for each message of the set.
        load_cpu_seconds: Processor time of loading.
        resident_mib: Memory after loading.
    """

    outcomes: list[Outcome]
    load_cpu_seconds: float
    resident_mib: float


def train(
    pipeline: Sequence[Mapping[str, Any]], data: Path, folder: Path, without: str = "", language: str = "en"
) -> Training:
    """Train a pipeline.

    Args:
        pipeline: As in ``config.yml``.
        data: Folder or file of examples.
        folder: Where ``model.tar.gz`` and ``training.json`` go; a training that is there already for the same pipeline
            and data is taken as it is.
        without: Part of the guide's own pipeline that is left out.
        language: As in ``config.yml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yml"
    content = {"recipe": "default.v1", "assistant_id": "measured", "language": language, "pipeline": list(pipeline)}
    text = yaml.safe_dump(content, sort_keys=False)
    inputs = folder / "inputs.txt"
    wanted = f"{text}\n{without}\n{_fingerprint(data)}\n"
    note = folder / "training.json"
    if note.exists() and inputs.exists() and inputs.read_text(encoding="utf-8") == wanted:
        return Training(**json.loads(note.read_text(encoding="utf-8")))
    config.write_text(text, encoding="utf-8")
    _child("train", config, data, folder / f"model{SUFFIX}", without=without)
    inputs.write_text(wanted, encoding="utf-8")
    return Training(**json.loads(note.read_text(encoding="utf-8")))


def measure(folder: Path, intents: Path, without: str = "") -> Measured:
    """Measure the model of a folder on a set of intents, ``without`` what it was trained without."""
    result = folder / "measured.json"
    _child("measure", folder / f"model{SUFFIX}", intents, result, without=without)
    content = json.loads(result.read_text(encoding="utf-8"))
    outcomes = [Outcome(Case(*item[0]), *item[1:]) for item in content["outcomes"]]
    return Measured(outcomes, content["load_cpu_seconds"], content["resident_mib"])


def _fingerprint(data: Path) -> str:
    import hashlib

    total = hashlib.sha256()
    files = sorted(data.glob("**/*.yml")) if data.is_dir() else [data]
    for file in [*files, *sorted((ROOT / "bot" / "nlu").glob("*.py"))]:
        total.update(file.read_bytes())
    return total.hexdigest()


def _child(*arguments: object, without: str) -> None:
    command = [sys.executable, "-m", "tools.evaluation.workbench", *map(str, arguments)]
    command += ["--without", without] if without else []
    environment = {**os.environ, "RASA_MAX_CACHE_SIZE": "0"}
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=True)


def _train(config: Path, data: Path, model: Path) -> None:
    from rasa.model_training import train_nlu
    from rasa.utils.log_utils import configure_structlog
    from rasa.utils.tensorflow.environment import setup_tf_environment

    configure_structlog(40)
    setup_tf_environment()
    wall, cpu = time.perf_counter(), time.process_time()
    stored = train_nlu(str(config), str(data), str(model.parent), fixed_model_name=model.name.removesuffix(SUFFIX))
    if not stored:
        raise RuntimeError("the training left no model")
    took = Training(
        time.perf_counter() - wall,
        time.process_time() - cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        model.stat().st_size / 2**20,
    )
    (model.parent / "training.json").write_text(json.dumps(asdict(took), indent=2) + "\n", encoding="utf-8")


def _measure(model: Path, intents: Path, result: Path) -> None:
    engine = Engine(model, single_thread=True)
    outcomes = classify(engine, read_intents(intents))
    content = {
        "outcomes": [[list(item.case), *item[1:]] for item in outcomes],
        "load_cpu_seconds": engine.load.cpu_seconds,
        "resident_mib": engine.load.resident_mib,
    }
    result.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def main() -> int:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("train", "measure"))
    parser.add_argument("paths", nargs=3, type=Path)
    parser.add_argument("--without", help="part of the guide's pipeline that is left out")
    chosen = parser.parse_args()
    quiet()
    if chosen.without:
        from tools.evaluation.ablation import leave_out

        leave_out(chosen.without)
    (_train if chosen.task == "train" else _measure)(*chosen.paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
