"""Each Chinese wording is in its own script, by OpenCC (which only the engine's environment has)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from opencc import OpenCC

ROOT = Path(__file__).resolve().parents[2]
HAN = re.compile(r"[\u3400-\u9fff]+")
# Characters that are right in both scripts, though OpenCC changes them: 公布, 了解, 才能, 雇主 and others are the usual
# forms in Taiwan and Hong Kong.
FINE = {"zh-Hans": frozenset(), "zh-Hant": frozenset("布了才雇台群床秘峰")}
# Names of languages are always in their own script.
LANGUAGE_NAMES = ("简体中文", "繁體中文")


def texts(language: str) -> list[tuple[str, str]]:
    """Key and all words of each wording in a language."""
    found = []
    for path in sorted((ROOT / "domain").glob("*.yml")):
        for key, variations in yaml.safe_load(path.read_text(encoding="utf-8"))["responses"].items():
            for item in variations:
                if item["condition"][0]["value"] == language:
                    words = [item["text"], *(button["title"] for button in item.get("buttons", ()))]
                    text = "\n".join(words)
                    for name in LANGUAGE_NAMES:
                        text = text.replace(name, "")
                    found.append((key, text))
    return found


def foreign(text: str, converter: OpenCC, fine: frozenset[str]) -> str:
    """The characters that are of the other script."""
    return "".join(
        char
        for run in HAN.findall(text)
        for char, other in zip(run, converter.convert(run), strict=True)
        if char != other and char not in fine
    )


@pytest.mark.parametrize(("language", "conversion"), [("zh-Hans", "t2s"), ("zh-Hant", "s2t")])
def test_script(language: str, conversion: str) -> None:
    converter = OpenCC(conversion)
    found = {key: foreign(text, converter, FINE[language]) for key, text in texts(language)}
    assert len(found) > 200
    assert {key: chars for key, chars in found.items() if chars} == {}


def test_the_check_finds_the_other_script() -> None:
    assert foreign("您的收據號碼", OpenCC("t2s"), FINE["zh-Hans"]) == "據號碼"
    assert foreign("您的收据号码", OpenCC("s2t"), FINE["zh-Hant"]) == "据号码"
