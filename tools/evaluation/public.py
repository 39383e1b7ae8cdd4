"""The pipeline on public data that nobody here wrote, beside Rasa's own pipelines on the same.

Two sets: the sentence patterns of a package that is installed by its name, and MASSIVE from a folder the user has. What
they are, their licences and what is filled in stand in ``public.yml``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tools.evaluation import peers
from tools.evaluation.engine import OUT_OF_SCOPE
from tools.evaluation.nearness import plain
from tools.evaluation.sets import ROOT, Case
from tools.launcher import environments

SETTINGS = Path(__file__).with_name("public.yml")
SEED = 7
# Of the patterns of an intent, this part is for training where a language is trained on.
TRAINED_PART = 0.6
OPTIONAL_PART = 0.4
# A pattern without choices makes the same sentence each time.
TRIES = 3
_OPEN = {"(": ")", "[": "]"}


class PublicSet(NamedTuple):
    """Examples for training by intent, and messages to be measured on."""

    train: dict[str, list[str]]
    test: list[Case]


def compare(massive: Path | None, folder: Path, epochs: int) -> list[dict[str, Any]]:
    """Train and measure all pipelines on public data.

    Args:
        massive: MASSIVE's folder of ``*.jsonl``, if there is one.
        folder: Where packages, models and results go.
        epochs: Of Rasa's own pipelines.
    """
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    chosen = {"home_assistant": home_assistant(settings, fetch(settings["home_assistant"], folder / "packages"))}
    if massive:
        chosen["massive"] = read_massive(settings, massive)
    results = []
    for name, public in chosen.items():
        about = settings[name]
        data, intents = write(public, folder / name)
        examples = sum(map(len, public.train.values()))
        print(f"{about['title']}: {examples} examples, {len(public.test)} messages", flush=True)
        compared = peers.compare(peers.pipelines(epochs), folder / name, data, intents)
        results.append({"title": about["title"], "source": about["source"].strip(), "results": compared})
    return results


def fetch(about: Mapping[str, Any], folder: Path) -> Path:
    """Install the package of a set into a folder of its own, its contents checked by their digest.

    Raises:
        subprocess.CalledProcessError: It can't be had.
    """
    package = folder / "home_assistant_intents" / "data"
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        wanted = folder / "requirements.txt"
        wanted.write_text(f"{about['requirement']} --hash=sha256:{about['sha256']}\n", encoding="utf-8")
        uv = environments.find_uv(os.environ)
        options = ["--python", sys.executable, "--no-deps", "--require-hashes", "--target", str(folder)]
        subprocess.run([str(uv), "pip", "install", *options, "--requirement", str(wanted)], cwd=ROOT, check=True)
    return package


# --- Home Assistant ---------------------------------------------------------------------------------------------------


def home_assistant(settings: Mapping[str, Any], folder: Path) -> PublicSet:
    """Make sentences from the patterns.

    No pattern is used for both training and measuring, and a sentence that comes out of both is left out of measuring.
    """
    about = settings["home_assistant"]
    draw = random.Random(SEED)
    files = {language: folder / f"{language}.json" for language in about["measured"]}
    contents = {language: json.loads(file.read_text(encoding="utf-8")) for language, file in files.items()}
    held_back = set(about["held_back"])
    known = set.intersection(*(set(contents[language]["intents"]) for language in about["trained"])) - held_back
    train: dict[str, list[str]] = defaultdict(list)
    test: list[Case] = []
    for language, name in about["measured"].items():
        maker = Sentences(contents[language], about["words"][language], draw)
        for intent, content in sorted(contents[language]["intents"].items()):
            if intent not in known | held_back:
                continue
            patterns = [pattern for block in content["data"] for pattern in block["sentences"]]
            draw.shuffle(patterns)
            trained = 0
            if language in about["trained"] and intent not in held_back:
                trained = max(1, round(TRAINED_PART * len(patterns)))
                train[intent] += maker.make(patterns[:trained], settings["few_train"])
            label = OUT_OF_SCOPE if intent in held_back else intent
            made = maker.make(patterns[trained:], settings["few_test"] // 2)
            test += [Case(f"{language}-{intent}-{n}", label, name, "", text) for n, text in enumerate(made)]
    seen = {plain(text) for texts in train.values() for text in texts}
    return PublicSet(dict(train), [case for case in test if plain(case.text) not in seen])


class Sentences:
    """Makes sentences from one language's patterns.

    Args:
        content: A file of the package: lists, rules and patterns.
        words: What fills in the names that the patterns leave open.
        draw: Where chance comes from.
    """

    def __init__(self, content: Mapping[str, Any], words: Mapping[str, Sequence[str]], draw: random.Random) -> None:
        self._lists = content["lists"]
        self._rules = content["expansion_rules"]
        self._words = words
        self._draw = draw

    def make(self, patterns: Sequence[str], most: int) -> list[str]:
        """Make up to ``most`` different sentences, from all patterns in turn."""
        made: dict[str, None] = {}
        tries = max(len(patterns), TRIES * most) if patterns else 0
        for number in range(tries):
            if len(made) == most:
                break
            made.setdefault(" ".join(self.one(patterns[number % len(patterns)]).split()))
        return list(made)

    def one(self, pattern: str) -> str:
        """Make one sentence from one pattern."""
        text, end = self._sequence(pattern, 0, "")
        if end != len(pattern):
            raise ValueError(pattern)
        return text

    def _sequence(self, pattern: str, position: int, closing: str) -> tuple[str, int]:
        """Read up to the closing sign: alternatives with ``|``, or parts in any order with ``;``."""
        parts: list[str] = [""]
        in_any_order = False
        while position < len(pattern) and pattern[position] != closing:
            char = pattern[position]
            if char in _OPEN:
                inner, position = self._sequence(pattern, position + 1, _OPEN[char])
                kept = char == "(" or self._draw.random() < OPTIONAL_PART
                parts[-1] += inner if kept else ""
            elif char in "|;":
                in_any_order = in_any_order or char == ";"
                parts.append("")
            elif char in "{<":
                end = pattern.index("}" if char == "{" else ">", position)
                name = pattern[position + 1 : end]
                parts[-1] += self._slot(name.split(":")[0]) if char == "{" else self.one(self._rules[name])
                position = end
            else:
                parts[-1] += char
            position += 1
        if in_any_order:
            self._draw.shuffle(parts)
            return " ".join(parts), position
        return self._draw.choice(parts), position

    def _slot(self, name: str) -> str:
        if name in self._words:
            return self._draw.choice(list(self._words[name]))
        values = self._lists[name]
        if "range" in values:
            bounds = values["range"]
            return str(self._draw.randint(bounds["from"], bounds["to"]))
        chosen = self._draw.choice(values["values"])
        return self.one(chosen["in"] if isinstance(chosen, dict) else chosen)


# --- MASSIVE ----------------------------------------------------------------------------------------------------------


def read_massive(settings: Mapping[str, Any], folder: Path) -> PublicSet:
    """Read MASSIVE as it is published: a file ``<locale>.jsonl`` for each language.

    Raises:
        FileNotFoundError: A file is missing.
    """
    about = settings["massive"]
    held_back = set(about["held_back"])
    train: dict[str, list[str]] = defaultdict(list)
    test: list[Case] = []
    for locale, name in about["measured"].items():
        parts: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for line in _lines(folder / f"{locale}.jsonl"):
            parts[line["partition"], line["intent"]].append((line["id"], line["utt"]))
        for (part, intent), lines in sorted(parts.items()):
            if part == "train" and locale in about["trained"] and intent not in held_back:
                train[intent] += [text for _, text in lines[: settings["few_train"]]]
            elif part == "test":
                label = OUT_OF_SCOPE if intent in held_back else intent
                test += [
                    Case(f"{locale}-{line}", label, name, "", text) for line, text in lines[: settings["few_test"]]
                ]
    return PublicSet(dict(train), [case for case in test if case.intent in train or case.intent == OUT_OF_SCOPE])


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


# --- For Rasa ---------------------------------------------------------------------------------------------------------


def write(public: PublicSet, folder: Path) -> tuple[Path, Path]:
    """Write a set as Rasa's training data and as a file of intents.

    Returns:
        The two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [
        {"intent": intent, "examples": "".join(f"- {_without_marks(text)}\n" for text in texts)}
        for intent, texts in sorted(public.train.items())
    ]
    data, intents = folder / "nlu.yml", folder / "intents.tsv"
    content = yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, width=10_000)
    data.write_text(content, encoding="utf-8")
    lines = ("\t".join(_without_marks(field) for field in case) for case in public.test)
    intents.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return data, intents


def _without_marks(text: str) -> str:
    """Drop what Rasa reads as marks of entities, and what parts columns."""
    return " ".join(text.translate({ord(char): " " for char in "[](){}\t\n"}).split())
