"""Other ways on the same data: Rasa's default pipeline, the same with jieba's tokenizer, and the guide's own."""

from __future__ import annotations

import copy
import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.evaluation import workbench
from tools.evaluation.report import intents_summary
from tools.evaluation.sets import FOLDER, INTENTS, ROOT
from tools.evaluation.statistics import paired_difference, percentile

DATA = ROOT / "data" / "nlu"
EPOCHS = 100
# So that a training can be repeated; Rasa's own default draws a new one each time.
SEED = 20261124
NEEDS_NO_RESPONSES = "ResponseSelector"


@dataclass(frozen=True)
class Pipeline:
    """One way of understanding.

    Attributes:
        name: Short name, also of its folder.
        title: What it is, for the table.
        components: As in ``config.yml``.
        without: Part of the guide's own pipeline that is left out (:mod:`tools.evaluation.ablation`).
        language: As in ``config.yml``; some components of Rasa accept only theirs.
    """

    name: str
    title: str
    components: list[dict[str, Any]]
    without: str = ""
    language: str = "en"


def own_components() -> list[dict[str, Any]]:
    """The guide's own pipeline, from ``config.yml``."""
    pipeline: list[dict[str, Any]] = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    return pipeline


def default_components(epochs: int) -> list[dict[str, Any]]:
    """Rasa's default pipeline, from its own file, without the selector of responses (there are none to select)."""
    file = importlib.resources.files("rasa.engine.recipes.config_files") / "default_config.yml"
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))["pipeline"]
    kept = [component for component in pipeline if component["name"] != NEEDS_NO_RESPONSES]
    for component in kept:
        if component["name"] == "DIETClassifier":
            component.update(epochs=epochs, random_seed=SEED)
    return kept


def pipelines(epochs: int = EPOCHS) -> list[Pipeline]:
    """The three that are compared."""
    default = default_components(epochs)
    with_jieba = copy.deepcopy(default)
    for component in with_jieba:
        if component["name"] == "WhitespaceTokenizer":
            component["name"] = "JiebaTokenizer"
    return [
        Pipeline("guide", "The guide's pipeline", own_components()),
        Pipeline("rasa-default", f"Rasa's default pipeline (DIET, {epochs} epochs)", default),
        Pipeline("rasa-jieba", f"Rasa with JiebaTokenizer (DIET, {epochs} epochs)", with_jieba, language="zh"),
    ]


def compare(
    chosen: Sequence[Pipeline], folder: Path, data: Path = DATA, intents: Path = FOLDER / f"{INTENTS}.tsv"
) -> list[dict[str, Any]]:
    """Train and measure some pipelines, one after the other.

    Args:
        chosen: The pipelines.
        folder: Where their models and results go.
        data: What all of them are trained on.
        intents: What all of them are measured on.

    Returns:
        For each its name and title, the summary of the intents, the difference to the first one in points with its
        interval, and its cost.
    """
    results: list[dict[str, Any]] = []
    yardstick: list[bool] = []
    for pipeline in chosen:
        print(f"{pipeline.title}: training …", flush=True)
        training = workbench.train(
            pipeline.components, data, folder / pipeline.name, pipeline.without, pipeline.language
        )
        print(f"  {training.cpu_seconds:.0f} processor seconds; measuring …", flush=True)
        measured = workbench.measure(folder / pipeline.name, intents, pipeline.without)
        right = [item.predicted == item.case.intent for item in measured.outcomes]
        yardstick = yardstick or right
        milliseconds = [item.cpu_seconds * 1000 for item in measured.outcomes]
        results.append(
            {
                "name": pipeline.name,
                "title": pipeline.title,
                "intents": intents_summary(measured.outcomes),
                "against_first": [round(100 * value, 2) for value in paired_difference(yardstick, right)],
                "cpu_ms_p50": round(percentile(milliseconds, 0.50), 2),
                "cpu_ms_p95": round(percentile(milliseconds, 0.95), 2),
                "resident_mib": round(measured.resident_mib),
                "model_mib": round(training.model_mib, 2),
                "load_cpu_seconds": round(measured.load_cpu_seconds, 1),
                "training_cpu_seconds": round(training.cpu_seconds, 1),
                "training_seconds": round(training.seconds, 1),
            }
        )
    return results
