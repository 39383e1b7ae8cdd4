"""Single sign-on through a small provider: who gets in, as what, and who does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import OwnConsole, make_account, run_console
from tests.console.fake_provider import CLIENT, CLIENT_SECRET, Provider

ROLES = "leads=supervisor, desk=call_taker,board=manager"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def own(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnConsole]:
    with run_console(
        tmp_path_factory.mktemp("sso"),
        CONSOLE_OIDC_ISSUER=provider.issuer,
        CONSOLE_OIDC_CLIENT_ID=CLIENT,
        CONSOLE_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        CONSOLE_OIDC_ROLES=ROLES,
    ) as console:
        yield console


@pytest.fixture(autouse=True)
def nothing_spoiled(provider: Provider) -> None:
    provider.spoil = ""


def walk(own: OwnConsole) -> tuple[httpx.Client, httpx.Response]:
    """Through the provider and back, as a browser would go."""
    client = httpx.Client(trust_env=False)
    leaving = client.get(f"{own.url}/sso/start")
    assert leaving.status_code == 303
    back = httpx.get(leaving.headers["location"], trust_env=False).headers["location"]
    return client, client.get(back)


def test_in_a_browser(own: OwnConsole, provider: Provider, open_page: Callable[[], Page]) -> None:
    provider.who = {"sub": "1", "preferred_username": "Lena", "groups": ["desk", "others"]}
    page = open_page()
    page.goto(own.url)
    page.get_by_role("link", name="Sign in with your organization").press("Enter")
    page.wait_for_url("**/desk")
    expect(page.locator(".who")).to_have_text("lena, call-taker")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "console_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Lock").press("Enter")
    expect(page.locator("#lock")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in with your organization").press("Enter")
    opened.value.wait_for_url("**/desk")
    page.get_by_role("button", name="I have signed on again").press("Enter")
    expect(page.locator("#lock")).to_be_hidden()


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["desk"], "call-taker"), (["x", "board"], "manager"), (["desk", "leads"], "supervisor"), ("leads", "supervisor")],
)
def test_groups_become_roles(own: OwnConsole, provider: Provider, groups: object, role: str) -> None:
    provider.who = {"sub": f"r{groups}", "preferred_username": f"p{len(str(groups))}", "groups": groups}
    client, landed = walk(own)
    assert landed.status_code == 200
    assert f", {role}<" in client.get(f"{own.url}/account").text


def test_another_group_is_another_role_at_the_next_sign_on(own: OwnConsole, provider: Provider) -> None:
    provider.who = {"sub": "7", "preferred_username": "max", "groups": ["leads"]}
    first, _ = walk(own)
    provider.who["groups"] = ["board"]
    second, _ = walk(own)
    assert ", manager<" in second.get(f"{own.url}/account").text
    assert first.get(f"{own.url}/account").status_code == 303  # the old session has ended


@pytest.mark.parametrize("spoil", ["nonce", "audience", "issuer", "expired", "key", "denied"])
def test_a_word_that_is_not_good(own: OwnConsole, provider: Provider, spoil: str) -> None:
    provider.who = {"sub": "2", "preferred_username": "nina", "groups": ["desk"]}
    provider.spoil = spoil
    client, landed = walk(own)
    assert landed.status_code == 403
    assert "console_session" not in client.cookies


@pytest.mark.parametrize("spoil", ["stale", "timeless"])
def test_only_who_signs_on_anew_unlocks(own: OwnConsole, provider: Provider, spoil: str) -> None:
    """Whoever is signed on at the provider anyway, at a desk that was left, does not."""
    provider.who = {"sub": f"8{spoil}", "preferred_username": f"quinn-{spoil}", "groups": ["desk"]}
    provider.spoil = spoil
    client, landed = walk(own)
    assert landed.status_code == 200
    csrf = re.search(r'data-csrf="([^"]+)"', client.get(f"{own.url}/account").text)
    assert csrf
    client.post(f"{own.url}/lock", data={"csrf": csrf[1]})
    for spoiled, status, shown in ((spoil, 403, 303), ("", 200, 200)):
        provider.spoil = spoiled
        address = client.get(f"{own.url}/sso/start").headers["location"]
        assert {"prompt=login", "max_age=0"} <= set(address.partition("?")[2].split("&"))
        back = httpx.get(address, trust_env=False).headers["location"]
        assert client.get(back).status_code == status
        assert client.get(f"{own.url}/account").status_code == shown


def test_nobody_without_a_group(own: OwnConsole, provider: Provider) -> None:
    provider.who = {"sub": "3", "preferred_username": "otto", "groups": ["visitors"]}
    _, landed = walk(own)
    assert (landed.status_code, "nobody gave you a role" in landed.text) == (403, True)


def test_a_way_back_of_another_browser_or_a_second_time(own: OwnConsole, provider: Provider) -> None:
    provider.who = {"sub": "4", "preferred_username": "paul", "groups": ["desk"]}
    client = httpx.Client(trust_env=False)
    back = httpx.get(client.get(f"{own.url}/sso/start").headers["location"], trust_env=False).headers["location"]
    assert httpx.get(back, trust_env=False).status_code == 403
    assert client.get(back).status_code == 200
    assert client.get(back).status_code == 403


def test_the_name_of_an_account_with_a_password_gives_nothing(own: OwnConsole, provider: Provider) -> None:
    account = make_account(own.environment, "rosa", "supervisor")
    provider.who = {"sub": "5", "preferred_username": account.name, "groups": ["desk"]}
    client, _ = walk(own)
    page = client.get(f"{own.url}/account").text
    assert "rosa, supervisor" not in page
    assert ", call-taker<" in page


def test_a_provider_that_is_away(own: OwnConsole, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> None:
    with run_console(tmp_path_factory.mktemp("away"), CONSOLE_OIDC_ISSUER="http://127.0.0.1:9") as alone:
        answer = httpx.get(f"{alone.url}/sso/start", trust_env=False)
    assert answer.status_code == 503
    assert "does not answer" in answer.text
