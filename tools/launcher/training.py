"""Trains the model when something it is made from has changed."""

from __future__ import annotations

from tools.launcher.console import run_step
from tools.launcher.settings import BOT_PYTHON, ROOT, Settings, child_environment


def train(settings: Settings, force: bool = False) -> None:
    """Have `tools/train.py` look whether a training is due, and train.

    Args:
        settings: For the environment of the training.
        force: Train in any case.

    Raises:
        Failure: The training failed.
    """
    run_step(
        "Preparing the model",
        [BOT_PYTHON, "-m", "tools.train", *(["--force"] if force else [])],
        cwd=ROOT,
        env=child_environment(settings, TQDM_DISABLE="1"),
        show=True,
    )
