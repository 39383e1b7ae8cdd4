"""The training files as a reviewer adds to them: what may be added, and where it goes."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

import yaml

from actions.redacting import MARK
from bot.nlu.text import HAN, simplify
from tools.evaluation.nearness import SHORTEST_NEAR, Example, collisions, examples, plain
from triage.content import Content

ROOT = Path(__file__).resolve().parents[2]
MIXED = "mixed"
ALREADY = "an example already"
_LATIN_WORD = re.compile(r"(?<![A-Za-z])[a-z]{2,}(?![A-Za-z])")
_FORM = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,4})-?(\d{2,4}[A-Za-z]?)(?![A-Za-z0-9])")
_FORBIDDEN = set("[]{}\n\r\t")


class TrainingFiles:
    """The training examples and the evaluation sets.

    Args:
        folder: Training examples, ``<language>/<topic>.yml``.
        sets: Evaluation sets, which nothing of training may repeat.
    """

    def __init__(self, folder: Path = ROOT / "data" / "nlu", sets: Path = ROOT / "tests" / "nlu") -> None:
        self._folder = folder
        self._sets = sets

    @cached_property
    def intents(self) -> list[str]:
        """Every intent that has examples, in alphabetical order."""
        return sorted({example.intent for example in examples(self._folder)})

    @cached_property
    def _known(self) -> dict[str, Example]:
        return {plain(example.text): example for example in examples(self._folder)}

    @cached_property
    def _measured(self) -> list[Example]:
        found = []
        for file in sorted(self._sets.glob("*.tsv")):
            lines = file.read_text(encoding="utf-8-sig").splitlines()
            place = lines[0].split("\t").index("text") if lines and "text" in lines[0].split("\t") else -1
            for line in lines[1:]:
                fields = line.split("\t")
                if len(fields) > place:
                    found.append(Example(fields[place], file, ""))
        return found

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(name.replace("-", "").upper() for name in Content.load(ROOT / "content").forms)

    def problems(self, text: str) -> list[str]:
        """Why a text can't become an example; empty when it can."""
        found = []
        if MARK.search(text) or "⟨" in text or "⟩" in text:
            found.append("a type mark is left: write what a person could say there")
        if re.search(r"\d", self._without_forms(text)):
            found.append("digits, other than in the number of a form")
        if not any(char.isalpha() for char in text):
            found.append("no words")
        if text.startswith("/") or text.endswith("\\") or text.startswith("- ") or _FORBIDDEN & set(text):
            found.append("a sign that examples can't have: / in front, [ ] { }, line ends, \\ at the end")
        if plain(text) in self._known:
            example = self._known[plain(text)]
            found.append(f"{ALREADY}, of {example.intent} in {self._name(example.file)}")
        if measured := self._in_the_sets(text):
            found.append(f"too near a line of {measured.name}, which is for measuring")
        return found

    def known_as(self, text: str) -> str | None:
        """The intent of which a text is an example already."""
        example = self._known.get(plain(text))
        return example.intent if example else None

    def add(self, text: str, intent: str, language: str) -> Path:
        """Add an example at the end of its intent's block.

        Args:
            text: Without ``problems``.
            intent: One of ``intents``.
            language: Language of the conversation; what is written decides between the Chinese scripts.

        Returns:
            The file.

        Raises:
            ValueError: The text has problems, or no file of that language has the intent.
        """
        if problems := self.problems(text):
            raise ValueError("; ".join(problems))
        file = self._file(intent, folder_of(text, language))
        lines = file.read_text(encoding="utf-8").split("\n")
        start = lines.index(f"- intent: {intent}")
        end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("- intent:")), len(lines))
        last = max(n for n in range(start, end) if lines[n].lstrip().startswith("- ") and n > start)
        indent = lines[last][: len(lines[last]) - len(lines[last].lstrip())]
        lines.insert(last + 1, f"{indent}- {text.strip()}")
        temporary = file.with_name(f".{file.name}")
        temporary.write_text("\n".join(lines), encoding="utf-8")
        block = next(item for item in yaml.safe_load("\n".join(lines))["nlu"] if item["intent"] == intent)
        if f"- {text.strip()}" not in block["examples"].splitlines():
            temporary.unlink()
            raise ValueError(f"{self._name(file)} does not have the layout of a training file")
        os.replace(temporary, file)
        self._known[plain(text)] = Example(text, file, intent)
        return file

    def _without_forms(self, text: str) -> str:
        def gone(match: re.Match[str]) -> str:
            return "" if (match[1] + match[2]).upper() in self._forms else match[0]

        return _FORM.sub(gone, text)

    def _in_the_sets(self, text: str) -> Path | None:
        written = plain(text)
        same = next((line for line in self._measured if plain(line.text) == written), None)
        if same is not None:
            return same.file
        if len(written) < SHORTEST_NEAR:
            return None
        near = collisions([("", text)], self._measured)
        return near[0].example.file if near else None

    def _file(self, intent: str, language: str) -> Path:
        for file in sorted((self._folder / language).glob("*.yml")):
            if f"- intent: {intent}" in file.read_text(encoding="utf-8").split("\n"):
                return file
        raise ValueError(f"no file in {language} has {intent}")

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._folder)) if file.is_relative_to(self._folder) else file.name


def folder_of(text: str, language: str) -> str:
    """The language folder a text belongs to: by its characters; the conversation's language where they leave it open.

    Names of forms and offices in capitals do not make a Chinese sentence a mixed one.
    """
    if not HAN.search(text):
        return "en"
    if _LATIN_WORD.search(text):
        return MIXED
    if simplify(text) != text:
        return "zh-Hant"
    return language if language.startswith("zh") else "zh-Hans"
