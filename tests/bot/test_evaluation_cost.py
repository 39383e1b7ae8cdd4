"""The cost of the understanding: comparing two trainings part by part."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tools.evaluation.cost import different, digests
from tools.evaluation.engine import resident_mib


def model(file: Path, weights: list[float], words: str = "a b", when: int = 0) -> Path:
    """A model file with two learned parts, written at some time."""
    arrays = io.BytesIO()
    np.savez(arrays, weights=np.array(weights, dtype=np.float32))
    parts = {"components/x/intents.npz": arrays.getvalue(), "components/x/intents.json": words.encode(), "note": b"x"}
    with tarfile.open(file, "w:gz") as archive:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), when
            archive.addfile(member, io.BytesIO(content))
    return file


def test_the_same_training_at_another_time_is_the_same(tmp_path: Path) -> None:
    first = digests(model(tmp_path / "a.tar.gz", [1, 2]))
    second = digests(model(tmp_path / "b.tar.gz", [1, 2], when=10**9))
    assert different(first, second) == []
    assert set(first) == {"components/x/intents.npz", "components/x/intents.json", "intent arrays"}


@pytest.mark.parametrize(
    ("weights", "words", "names"),
    [
        ([1, 2.0000002], "a b", ["components/x/intents.npz", "intent arrays"]),
        ([1, 2], "b a", ["components/x/intents.json"]),
    ],
)
def test_the_smallest_difference_is_told(tmp_path: Path, weights: list[float], words: str, names: list[str]) -> None:
    first = digests(model(tmp_path / "a.tar.gz", [1, 2]))
    assert different(first, digests(model(tmp_path / "b.tar.gz", weights, words))) == names


def test_a_part_that_is_missing_is_told(tmp_path: Path) -> None:
    first = digests(model(tmp_path / "a.tar.gz", [1, 2]))
    assert different(first, {}) == sorted(first)


def test_memory() -> None:
    assert 10 < resident_mib() < 10_000
