"""Numbers as written and said, and the way back from the normalised copy to the message."""

from __future__ import annotations

import pytest

from bot.nlu.rules.numerals import chinese_int, english_int, english_year, normalise, with_spoken_digits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("〇", 0),
        ("零", 0),
        ("一", 1),
        ("两", 2),
        ("兩", 2),
        ("俩", 2),
        ("壹", 1),
        ("貳", 2),
        ("贰", 2),
        ("參", 3),
        ("叁", 3),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("廿", 20),
        ("廿八", 28),
        ("卅", 30),
        ("卅一", 31),
        ("三十一", 31),
        ("拾伍", 15),
        ("六九", 69),
        ("八五", 85),
        ("二〇二三", 2023),
        ("二零二三", 2023),
        ("一九八五", 1985),
        ("二O二三", 2023),
        ("一百", 100),
        ("一百一十三", 113),
        ("一百零五", 105),
        ("一一三", 113),
        ("二千零二十", 2020),
        ("一万两千", 12000),
        ("2023", 2023),
        ("3", 3),
        ("2十", 20),
        ("", None),
        ("年", None),
        ("五年", None),
    ],
)
def test_chinese_int(text: str, value: int | None) -> None:
    assert chinese_int(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("zero", 0),
        ("oh", 0),
        ("five", 5),
        ("nine", 9),
        ("ten", 10),
        ("thirteen", 13),
        ("twenty", 20),
        ("twenty-one", 21),
        ("Thirty one", 31),
        ("fifth", 5),
        ("twenty third", 23),
        ("twenty-third", 23),
        ("3rd", 3),
        ("21st", 21),
        ("12", 12),
        ("ninety nine", 99),
        ("hello", None),
        ("twenty ten", None),
        ("", None),
    ],
)
def test_english_int(text: str, value: int | None) -> None:
    assert english_int(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("twenty twenty three", 2023),
        ("twenty twenty-three", 2023),
        ("twenty nineteen", 2019),
        ("twenty twenty", 2020),
        ("nineteen eighty five", 1985),
        ("nineteen oh five", 1905),
        ("twenty oh nine", 2009),
        ("two thousand", 2000),
        ("two thousand nineteen", 2019),
        ("two thousand and nine", 2009),
        ("nineteen ninety", 1990),
        ("thirty three", None),
    ],
)
def test_english_year(text: str, value: int | None) -> None:
    assert english_year(text) == value


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("ＩＯＥ０９１２", "IOE0912"),
        ("a＠b．c", "a@b.c"),
        ("12\u200b34", "1234"),
        ("\u202e12\u202c", "12"),
        ("\ufeff5", "5"),
        ("12–34—56－78−90", "12-34-56-78-90"),
        ("1\u3000\u00a02", "1  2"),
        ("٢٣", "23"),
        ("年", "年"),
        ("😀5", "😀5"),
    ],
)
def test_normalise(text: str, copy: str) -> None:
    assert normalise(text).text == copy


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("zero nine one two", "0912"),
        ("zero, nine, one, two", "0912"),
        ("oh nine double five", "0955"),
        ("triple seven one", "7771"),
        ("double oh seven", "007"),
        ("twenty four ninety", "2490"),
        ("two four nine oh", "2490"),
        ("nine one seven dash five five five", "917-555"),
        ("five one zero then five five five", "510555"),
        ("one then two", "one then two"),
        ("one of them", "one of them"),
        ("for two years", "for two years"),
        ("one or two", "one or two"),
        ("零九一二", "0912"),
        ("零 九 一 二", "0912"),
        ("〇九壹貳", "0912"),
        ("幺三八", "138"),
        ("三四五一直没有", "345一直没有"),
        ("一二", "一二"),
        ("等了一年", "等了一年"),
    ],
)
def test_spoken_digits(text: str, copy: str) -> None:
    assert with_spoken_digits(normalise(text)).text == copy


@pytest.mark.parametrize(
    ("text", "piece", "original"),
    [
        ("my IOE\u200b09１2 ok", "0912", "09１2"),
        ("is zero nine one two ok", "0912", "zero nine one two"),
        ("号 零九一二 的", "0912", "零九一二"),
        ("😀 ＡＢＣ!", "ABC", "ＡＢＣ"),
        ("x one two, then three four y", "34", "three four"),
    ],
)
def test_offsets_lead_back(text: str, piece: str, original: str) -> None:
    norm = with_spoken_digits(normalise(text))
    at = norm.text.index(piece)
    start, end = norm.span(at, at + len(piece))
    assert text[start:end] == original
