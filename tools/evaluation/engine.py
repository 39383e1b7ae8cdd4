"""Running the real model, in this process and one message after the other."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from bot.server import QUIET_ENVIRONMENT
from tools.evaluation.sets import Case

FALLBACK = "nlu_fallback"
OUT_OF_SCOPE = "out_of_scope"
WARM_UP = ("Hello there", "我的案子怎么样了", "我嘅 I-485 IOE0912345678 等咗好耐", "yes", "謝謝")
# Noon of the day: the same day in every zone the tool may run in, give or take twelve hours.
NOON = "T12:00:00+00:00"


class Outcome(NamedTuple):
    """What the model made of one message.

    Attributes:
        case: The message.
        predicted: The likeliest intent that is not the fallback.
        fallback: Whether the fallback was taken.
        seconds: Time of parsing it, by the clock on the wall.
        in_scope: Confidence of the likeliest intent that is neither the fallback nor ``out_of_scope``.
        confidence: Confidence of ``predicted``.
        cpu_seconds: Processor time of parsing it.
    """

    case: Case
    predicted: str
    fallback: bool
    seconds: float
    in_scope: float = 0.0
    confidence: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Parsed:
    """One parsed message.

    Attributes:
        text: The message.
        data: Rasa's parse data.
        seconds: Time by the clock on the wall.
        cpu_seconds: Processor time of the process.
    """

    text: str
    data: dict[str, Any]
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Load:
    """What loading a model took: seconds by the clock, processor seconds (import of Rasa left out), memory in MiB."""

    seconds: float
    cpu_seconds: float
    resident_mib: float


def quiet() -> None:
    """One thread, no telemetry, no texts of messages in the log; before Rasa is imported."""
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("TF_INTRA_OP_PARALLELISM_THREADS", "1")
    os.environ.setdefault("TF_INTER_OP_PARALLELISM_THREADS", "1")

    from bot import logs

    logs.configure()


def resident_mib() -> float:
    """Return the resident memory of this process in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Engine:
    """A loaded model.

    Args:
        model: The model file.
        single_thread: Hold TensorFlow to one thread too (it is only loaded for models that have it).
    """

    def __init__(self, model: Path, single_thread: bool = False) -> None:
        from rasa.core.agent import Agent
        from rasa.core.channels.channel import UserMessage

        if single_thread:
            from rasa.utils.tensorflow.environment import setup_tf_environment

            setup_tf_environment()
        wall, cpu = time.perf_counter(), time.process_time()
        processor = Agent.load(model).processor
        if processor is None:
            raise RuntimeError(f"{model} could not be loaded")
        self._processor = processor
        self._message = UserMessage
        self.load = Load(time.perf_counter() - wall, time.process_time() - cpu, resident_mib())

    def parse_all(self, texts: Iterable[str], as_of: date | None = None) -> list[Parsed]:
        """Parse messages, one after the other in one thread.

        Args:
            texts: As people typed them.
            as_of: The day they are written on; today if not given.
        """
        return asyncio.run(self._parse_all([*WARM_UP, *texts], as_of))[len(WARM_UP) :]

    async def _parse_all(self, texts: Sequence[str], as_of: date | None) -> list[Parsed]:
        parsed = []
        for text in texts:
            metadata = metadata_of(text, as_of) if as_of else None
            # As the channel does: Rasa would read a leading "/" as a command.
            message = self._message(f"／{text[1:]}" if text.startswith("/") else text, metadata=metadata)
            wall, cpu = time.perf_counter(), time.process_time()
            data = await self._processor.parse_message(message)
            parsed.append(Parsed(text, data, time.perf_counter() - wall, time.process_time() - cpu))
        return parsed


def metadata_of(text: str, as_of: date) -> dict[str, Any]:
    """What the channel tells the model and the actions about a typed message."""
    return {"event": "text", "text": text, "at": f"{as_of.isoformat()}{NOON}", "language": None, "message_id": "m"}


def outcome(case: Case, parsed: Parsed) -> Outcome:
    """Read the intent of a parsed message."""
    ranking = [(entry["name"], float(entry["confidence"])) for entry in parsed.data["intent_ranking"]]
    known = [entry for entry in ranking if entry[0] != FALLBACK]
    name, confidence = known[0] if known else (FALLBACK, 0.0)
    return Outcome(
        case,
        name,
        bool(ranking) and ranking[0][0] == FALLBACK,
        parsed.seconds,
        max((share for intent, share in known if intent != OUT_OF_SCOPE), default=0.0),
        confidence,
        parsed.cpu_seconds,
    )


def classify(engine: Engine, cases: Sequence[Case], as_of: date | None = None) -> list[Outcome]:
    """Tell the intents of messages."""
    parsed = engine.parse_all((case.text for case in cases), as_of)
    return [outcome(case, item) for case, item in zip(cases, parsed, strict=True)]
