"""Train the model when its inputs changed: ``python -m tools.train [--force]`` (bot environment).

The inputs are the configuration, the domain, the training data, the lexicons and the code of the
components. Their digest is kept beside the model; the same digest means the same model, so nothing is trained then.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
import time
from pathlib import Path

from bot.server import QUIET_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
INPUTS = (
    "config.yml",
    "domain.yml",
    "data/nlu/**/*.yml",
    "data/stories/**/*.yml",
    "data/lexicon/everyday.yml",
    "data/lexicon/jieba_words.txt",
    "data/lexicon/jyutping.txt",
    "data/lexicon/pinyin_syllables.txt",
    "bot/importers.py",
    "bot/nlu/*.py",
    "bot/uv.lock",
)
DIGEST_CHARS = 12
# Rasa writes sets into the model; with another seed of hashing their order is another, and the same inputs would not
# give the same files.
SEED = ("PYTHONHASHSEED", "0")


def digest() -> str:
    """Return a digest over the names and contents of all inputs."""
    total = hashlib.sha256()
    for pattern in INPUTS:
        for file in sorted(ROOT.glob(pattern)):
            total.update(str(file.relative_to(ROOT)).encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(text, flush=True)


def train(force: bool = False) -> Path:
    """Train a model if there is none for the present inputs.

    Args:
        force: Train even if there is one.

    Returns:
        The model file, which is then the only one.

    Raises:
        RuntimeError: Training failed.
    """
    inputs = digest()
    name = f"guide-{inputs[:DIGEST_CHARS]}"
    model, note = MODELS / f"{name}.tar.gz", MODELS / f"{name}.inputs"
    if not force and model.is_file() and note.is_file() and note.read_text(encoding="utf-8").strip() == inputs:
        say(f"The model is up to date ({model.name}).")
        return model

    started = time.monotonic()
    MODELS.mkdir(exist_ok=True)
    fit(MODELS, name)
    note.write_text(inputs + "\n", encoding="utf-8")
    for old in MODELS.glob("guide-*"):
        if old not in (model, note):
            old.unlink()
    say(f"Trained {model.name} in {time.monotonic() - started:.0f} s.")
    return model


def fit(folder: Path, name: str) -> None:
    """Train a model from the present inputs.

    Args:
        folder: Where it goes.
        name: Its name without the ending.

    Raises:
        RuntimeError: Training failed.
    """
    say("Training the model: loading libraries …")
    import rasa.model_training
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)

    say("Training the model: reading data, learning intents and rules (about a minute) …")
    result = rasa.model_training.train(
        domain=str(ROOT / "domain.yml"),
        config=str(ROOT / "config.yml"),
        training_files=[str(ROOT / "data" / "nlu"), str(ROOT / "data" / "stories")],
        output=str(folder),
        force_training=True,
        fixed_model_name=name,
    )
    if result.code != 0 or not result.model:
        raise RuntimeError(f"training failed with code {result.code}")


def main() -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the model if its inputs changed.")
    parser.add_argument("--force", action="store_true", help="train even if nothing changed")
    arguments = parser.parse_args()
    for name, value in {**QUIET_ENVIRONMENT, "RASA_MAX_CACHE_SIZE": "0", "LOG_LEVEL": "WARNING"}.items():
        os.environ.setdefault(name, value)
    os.chdir(ROOT)
    if os.environ.get(SEED[0]) != SEED[1]:
        os.environ[SEED[0]] = SEED[1]
        os.execv(sys.executable, [sys.executable, "-m", "tools.train", *sys.argv[1:]])  # noqa: S606 (this very program again, with a fixed seed)
    sys.path.insert(0, str(ROOT))
    train(arguments.force)
    return 0


if __name__ == "__main__":
    sys.exit(main())
