"""The start page: in every script, by every way of naming a language, with a browser that does little."""

from __future__ import annotations

import gzip

import httpx
import pytest
from playwright.sync_api import Browser

from gateway.settings import WEB, Settings
from gateway.strings import Strings
from tests.entry.conftest import PHONE, Watched
from tests.gateway.conftest import FrontDoor
from tests.gateway.fake_rasa import GREETING, FakeRasaServer

WORDS = Strings(WEB / "strings" / "start.yml")
MOST_BYTES = 4000

# Query, Accept-Language, language of the page.
LANGUAGES = [
    ("?lang=en", "zh-TW", "en"),
    ("?lang=zh-Hans", "en", "zh-Hans"),
    ("?lang=zh-Hant", "zh-CN", "zh-Hant"),
    ("?language=zh-Hant", "en", "zh-Hant"),
    ("?lang=zh-TW", "en", "zh-Hant"),
    ("?lang=zh_HK", "en", "zh-Hant"),
    ("?lang=zh", "en", "zh-Hans"),
    ("?lang=xx", "zh-HK", "zh-Hant"),
    ("?lang=%22%3E%3Cscript%3E", "en", "en"),
    ("", "fr, zh-TW;q=0.5", "zh-Hant"),
    ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
    ("", "fr", "en"),
    ("", "", "en"),
]


@pytest.mark.parametrize(("query", "accepted", "language"), LANGUAGES)
def test_language(client: httpx.Client, query: str, accepted: str, language: str) -> None:
    page = client.get(f"/{query}", headers={"Accept-Language": accepted})
    assert page.status_code == 200
    assert page.headers["content-language"] == language
    assert f'<html lang="{language}">' in page.text
    assert f'href="/chat/?lang={language}"' in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_says_what_it_is(client: httpx.Client, language: str) -> None:
    page = client.get("/", params={"lang": language}).text.replace("&#39;", "'")
    for key in ("title", "what", "who_1", "who_2", "who_3", "hand_1", "hand_2", "free", "not_official"):
        assert WORDS(key, language) in page, key  # type: ignore[arg-type]
    assert 'href="tel:+18003755283"' in page
    for tag, name in (("en", "English"), ("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文")):
        assert f'href="/?lang={tag}" lang="{tag}" hreflang="{tag}"' in page
        assert f">{name}</a>" in page


def test_it_is_small(client: httpx.Client) -> None:
    size = sum(len(gzip.compress(client.get(path).content)) for path in ("/?lang=zh-Hant", "/start/start.css"))
    assert size < MOST_BYTES


def test_only_the_office_itself_says_that_it_is_the_office(
    engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    official = FrontDoor(engine, tmp_path_factory.mktemp("official"), GUIDE_OFFICIAL="1")
    page = httpx.get(official.url, trust_env=False).text.replace("&#39;", "'")
    official.stop()
    assert WORDS("official", "en") in page
    assert WORDS("not_official", "en") not in page


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize("width", [320, 1280])
def test_anyone_can_use_it(door: FrontDoor, window: Watched, language: str, width: int) -> None:
    window.page.set_viewport_size({"width": width, "height": 640})
    window.page.goto(f"{door.url}/?lang={language}")
    assert window.axe() == []
    assert window.complaints == []
    assert {request.url.split("/")[2] for request in window.requests} == {door.url.split("/")[2]}
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    if width < PHONE["width"]:
        window.shot(f"start-{language}")
    boxes = [link.bounding_box() for link in window.page.locator("nav a, .button").all()]
    assert all(box and box["height"] >= 44 for box in boxes)


def test_large_text_is_not_cut(door: FrontDoor, window: Watched) -> None:
    window.page.goto(f"{door.url}/?lang=en")
    window.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert window.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    cut = "(one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1"
    assert window.page.evaluate(f"[...document.querySelectorAll('main *')].filter({cut}).map((one) => one.id)") == []


@pytest.mark.parametrize("scripts", [True, False])
def test_start_leads_into_the_chat_in_the_language(browser: Browser, door: FrontDoor, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts, locale="en-US")
    page = context.new_page()
    page.goto(door.url)
    page.click("nav a[hreflang=zh-Hant]")
    page.click(f"text={WORDS('start', 'zh-Hant')}")
    page.wait_for_selector("#messages")
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    assert GREETING["zh-Hant"] in page.locator("#messages").inner_text()
    context.close()


ORIGINS = [
    ("", "'none'"),
    ("https://agency.gov", "'self' https://agency.gov"),
    ("https://Agency.gov, https://*.other.gov:8443", "'self' https://agency.gov https://*.other.gov:8443"),
    (" http://localhost:3000 https://a.b ", "'self' http://localhost:3000 https://a.b"),
]
SECRETS = {"GUIDE_SECRET": "s" * 32, "INTAKE_TOKEN": "t" * 32, "SESSION_KEY": "k" * 32}


@pytest.mark.parametrize(("given", "policy"), ORIGINS)
def test_origins_become_a_policy(given: str, policy: str) -> None:
    assert Settings(**SECRETS, GUIDE_EMBED_ORIGINS=given).frame_ancestors == policy  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given", ["*", "agency.gov", "https://a.gov; script-src *", "https://a.gov/path", "javascript:x", "'unsafe-inline'"]
)
def test_what_is_no_origin_stops_the_start(given: str) -> None:
    with pytest.raises(ValueError, match="GUIDE_EMBED_ORIGINS"):
        Settings(**SECRETS, GUIDE_EMBED_ORIGINS=given)  # type: ignore[arg-type]
