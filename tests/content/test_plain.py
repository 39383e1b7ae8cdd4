"""Everything that people read is plain, and each script is its own: `domain/`, `content/`, `web/strings/`.

A sentence ends at a full stop, an exclamation or question mark, in Chinese also at a semicolon, or with its line. Its
length is counted as word processors do (字数): every Chinese character and mark is one, and so is every word, number or
value in Latin letters.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict

import pytest

from tests.content.wording import LANGUAGE_NAMES, PLACEHOLDER, Text, foreign, texts

with warnings.catch_warnings():
    # It tells that what it imports will be taken out of a later version of setuptools.
    warnings.simplefilter("ignore")
    import textstat

MOST_WORDS, MOST_CHARACTERS = 25, 35
HIGHEST_GRADE = 8.0
# Below this a text is a title, and its grade depends on one word.
FEWEST_WORDS = 8
BANNED = re.compile("兹|茲|予以|逾期不候|鉴于|鑑於|鑒於|敬请|敬請|你|妳")
# Official names, and lists of names, are no sentences of ours.
NO_SENTENCE = re.compile(r"\.(?:name|form_name|months|days)$")
FORMERLY = re.compile("formerly (?:called )?InfoPass|以前叫 InfoPass")
# Somebody asks for a language in that language, whichever the conversation was in.
IN_ITSELF = re.compile(r"assist\.yml:\.(?:en|zh-Hans|zh-Hant)$")

TEXTS = [text for text in texts() if not IN_ITSELF.search(text.place)]
ENGLISH = [text for text in TEXTS if text.language == "en"]
CHINESE = [text for text in TEXTS if text.language != "en"]


def _sentences(text: Text) -> list[str]:
    end = r"[.!?](?=\s|$)|\n" if text.language == "en" else "[。！？；\n]"
    return [sentence.strip("• ") for sentence in re.split(end, PLACEHOLDER.sub("it", text.words))]


def counted(sentence: str) -> int:
    """The length of a Chinese sentence."""
    return len(re.findall(r"[A-Za-z0-9]+(?:[-'./@:+&,][A-Za-z0-9]+)*|[^\sA-Za-z0-9]", sentence))


def grade(words: str) -> float:
    """The grade of an English text; a line of a list is a sentence."""
    lines = [line.strip("• ").rstrip(".:;") for line in PLACEHOLDER.sub("it", words).splitlines() if line.strip()]
    return float(textstat.flesch_kincaid_grade(". ".join(lines) + "."))


def test_nothing_is_left_out() -> None:
    files = {text.place.partition(":")[0] for text in TEXTS}
    names = ("domain/control.yml", "content/channels.yml", "web/strings/messenger.yml", "web/strings/assist.yml")
    assert set(names) <= files
    assert len(TEXTS) > 3500


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_each_script_is_its_own(language: str) -> None:
    own = [text for text in CHINESE if text.language == language]
    assert {str(text): found for text in own if (found := foreign(text.words, language))} == {}


def test_the_check_finds_the_other_script() -> None:
    assert foreign("您的收據號碼", "zh-Hans") == "據號碼"
    assert foreign("您的收据号码", "zh-Hant") == "据号码"


def test_english_has_no_chinese() -> None:
    chinese = re.compile(r"[\u3400-\u9fff，。！？：；]")
    assert [str(text) for text in ENGLISH if chinese.search(LANGUAGE_NAMES.sub("", text.words))] == []


def test_no_word_of_an_office() -> None:
    assert [(str(text), text.words) for text in CHINESE if BANNED.search(text.words)] == []


def test_chinese_sentences_are_short() -> None:
    sentences = [(str(text), sentence) for text in CHINESE for sentence in _sentences(text)]
    assert [(counted(one), *rest, one) for *rest, one in sentences if counted(one) > MOST_CHARACTERS] == []


def test_english_sentences_are_short() -> None:
    sentences = [(str(text), sentence) for text in ENGLISH for sentence in _sentences(text)]
    assert [(*rest, one) for *rest, one in sentences if len(one.split()) > MOST_WORDS] == []


def test_english_is_plain() -> None:
    """On average in every file, and each thing that the guide says."""
    grades: dict[str, list[float]] = defaultdict(list)
    high = {}
    for text in ENGLISH:
        if NO_SENTENCE.search(text.place) or len(re.findall(r"\w+", text.words)) < FEWEST_WORDS:
            continue
        file, _, key = text.place.partition(":")
        grades[file].append(grade(text.words))
        if key.startswith("utter_") and grades[file][-1] > HIGHEST_GRADE:
            high[key] = grades[file][-1]
    assert high == {}
    averages = {file: round(sum(found) / len(found), 1) for file, found in grades.items()}
    assert {file: average for file, average in averages.items() if average > HIGHEST_GRADE} == {}


def test_the_grade_tells_plain_from_difficult() -> None:
    assert grade("We ask for your name. You can skip it.") < 3
    assert grade("Notwithstanding the aforementioned considerations, adjudication necessitates documentation.") > 12


@pytest.mark.parametrize(
    ("sentence", "length"), [("您的收据号码", 6), ("在移民局 (USCIS) 的案件", 10), ("电话：1-800-375-5283", 4), ("", 0)]
)
def test_counting(sentence: str, length: int) -> None:
    assert counted(sentence) == length


def test_what_is_no_more_is_told_as_former() -> None:
    """Nobody can book by InfoPass any more; letters and memories still have the name."""
    named = [text for text in TEXTS if "InfoPass" in text.words]
    assert len(named) >= 3 * 8
    assert [str(text) for text in named if not FORMERLY.search(text.words)] == []
