"""Signing in: passwords, tries, second factor, locks, cookies. With a console of its own, on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Account, OwnConsole, make_account, manage, run_console
from tests.console.driver import CallTaker
from tests.console.test_roles import enter
from tests.postgres import postgres as postgres
from tools.postgres import Server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnConsole]:
    folder = tmp_path_factory.mktemp("console")
    more = {"LIMIT_SIGN_IN_TRIES": "3"}
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        more["GUIDE_DATABASE_URL"] = server.url(server.create("console"))
    with run_console(folder, **more) as console:
        yield console


@pytest.fixture
def ann(own: OwnConsole) -> Account:
    return make_account(own.environment, f"ann-{time.time_ns()}", "call_taker")


def try_to_enter(own: OwnConsole, name: str, password: str, code: str = "") -> httpx.Response:
    """Sign in once."""
    with httpx.Client(base_url=own.url, trust_env=False) as client:
        token = re.search(r'name="token" value="([^"]+)"', client.get("/sign-in").text)
        assert token
        return client.post("/sign-in", data={"token": token[1], "name": name, "password": password, "code": code})


def test_the_first_start_tells_how_to_make_an_account(own: OwnConsole) -> None:
    assert "make staff-user NAME=ann ROLE=supervisor" in own.log.read_text()


def test_cookie_and_headers(own: OwnConsole, ann: Account) -> None:
    answer = try_to_enter(own, ann.name.upper(), ann.password)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("name", "password"), [("ann", ""), ("nobody", "x" * 20), ("", ""), ("'; --", "x")])
def test_wrong_ones_are_answered_alike(own: OwnConsole, ann: Account, name: str, password: str) -> None:
    wrong = try_to_enter(own, ann.name if name == "ann" else name, password)
    assert wrong.status_code == 403
    assert "Name, password or code is wrong" in wrong.text
    assert "set-cookie" not in wrong.headers or "console_session" not in wrong.headers["set-cookie"]


def test_an_account_closes_after_wrong_tries(own: OwnConsole, ann: Account) -> None:
    for _ in range(3):
        assert try_to_enter(own, ann.name, "wrong").status_code == 403
    closed = try_to_enter(own, ann.name, ann.password)
    assert closed.status_code == 403
    assert "closed for a while" in closed.text
    again = make_account(own.environment, ann.name, "call_taker")  # a new password opens it
    assert try_to_enter(own, again.name, again.password).status_code == 303


def test_a_right_one_between_wrong_ones_starts_the_count_anew(own: OwnConsole, ann: Account) -> None:
    for password in ("wrong", "wrong", ann.password, "wrong", "wrong", ann.password):
        status = try_to_enter(own, ann.name, password).status_code
        assert status == (303 if password == ann.password else 403)


def test_passwords_are_kept_as_argon2(own: OwnConsole, ann: Account) -> None:
    if "GUIDE_DATABASE_URL" in own.environment:
        pytest.skip("looks into the file")
    with sqlite3.connect(Path(own.environment["GUIDE_DATA"]) / "gateway.db") as database:
        rows = dict(database.execute("SELECT name, password FROM console_staff"))
    assert rows[ann.name].startswith("$argon2id$")
    assert ann.password not in own.log.read_text()


def test_a_second_factor(own: OwnConsole, ann: Account) -> None:
    client, csrf = enter(own.url, ann)
    page = client.post("/account/totp", data={"csrf": csrf}).text
    found = re.search(r'class="code">([A-Z2-7 ]+)<', page)
    assert found
    secret = found[1].replace(" ", "")
    assert client.post("/account/totp/confirm", data={"csrf": csrf, "code": "000000"}).status_code == 400
    page = client.post("/account/totp", data={"csrf": csrf}).text
    secret = re.search(r'class="code">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    present = pyotp.TOTP(secret)
    at = time.time()
    assert client.post("/account/totp/confirm", data={"csrf": csrf, "code": present.at(at)}).status_code == 303
    assert try_to_enter(own, ann.name, ann.password).status_code == 403
    # A code that was used once is good no more; the next one is (clocks may differ by one step).
    assert try_to_enter(own, ann.name, ann.password, present.at(at)).status_code == 403
    assert try_to_enter(own, ann.name, ann.password, present.at(at + 30)).status_code == 303


def test_the_password_is_changed(own: OwnConsole, ann: Account) -> None:
    client, csrf = enter(own.url, ann)
    other, _ = enter(own.url, ann)
    short = client.post("/account/password", data={"csrf": csrf, "old": ann.password, "new": "short"})
    assert (short.status_code, "at least 15" in short.text) == (400, True)
    new = "correct horse battery staple"
    assert client.post("/account/password", data={"csrf": csrf, "old": "wrong", "new": new}).status_code == 403
    assert client.post("/account/password", data={"csrf": csrf, "old": ann.password, "new": new}).status_code == 200
    assert other.get("/account").status_code == 303
    assert client.get("/account").status_code == 200
    assert try_to_enter(own, ann.name, new).status_code == 303


def test_the_command_makes_an_account_and_says_its_password_once(own: OwnConsole) -> None:
    done = manage(own.environment, "staff-user", "carla", "supervisor")
    assert done.returncode == 0
    client, _ = enter(own.url, Account("carla", done.stdout.rsplit(" ", 1)[-1].strip(), "supervisor"))
    assert client.get("/staff").status_code == 200


def test_commands_say_what_is_wrong(own: OwnConsole) -> None:
    assert manage(own.environment, "staff-user", "Bad Name", "manager").returncode == 1
    assert manage(own.environment, "staff-user", "nobody-there", "--remove").returncode == 1
    assert manage(own.environment, "staff-user", "ann", "boss").returncode == 2


def test_a_removed_account(own: OwnConsole, ann: Account) -> None:
    client, _ = enter(own.url, ann)
    assert manage(own.environment, "staff-user", ann.name, "--remove").returncode == 0
    assert client.get("/account").status_code == 303
    assert try_to_enter(own, ann.name, ann.password).status_code == 403


def test_without_a_session_every_page_is_the_sign_in(own: OwnConsole) -> None:
    for path in ("/", "/desk", "/account", "/locked"):
        answer = httpx.get(own.url + path, trust_env=False)
        assert answer.headers["location"] == "/sign-in", path


def test_nothing_outside(own: OwnConsole) -> None:
    for path in ("/nothing", "/docs", "/openapi.json", "/assets/../base.html", "/assets/base.html"):
        answer = httpx.get(own.url + path, trust_env=False)
        assert answer.status_code == 404, path
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("trusted", [True, False])
def test_the_cookie_is_secure_behind_a_proxy_with_tls(tmp_path: Path, trusted: bool) -> None:
    more = {"CONSOLE_TRUSTED_PROXIES": "127.0.0.1"} if trusted else {}
    with run_console(tmp_path, module="console", **more) as console:
        ann = make_account(console.environment, "ann", "call_taker")
        headers = {"X-Forwarded-Proto": "https"}
        first = httpx.get(f"{console.url}/sign-in", headers=headers, trust_env=False)
        token = re.search(r'name="token" value="([^"]+)"', first.text)
        assert token
        # By hand, as the client would keep a secure cookie back here.
        form_cookie = first.headers["set-cookie"].partition(";")[0]
        entered = httpx.post(
            f"{console.url}/sign-in",
            data={"token": token[1], "name": ann.name, "password": ann.password},
            headers={**headers, "Cookie": form_cookie},
            trust_env=False,
        )
    assert entered.status_code == 303
    for answer, name in ((first, "console_form"), (entered, "console_session")):
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert ("secure" in cookie.lower().split("; ")) is trusted


def test_keys_open_to_others_stop_the_console(tmp_path: Path) -> None:
    (tmp_path / "console.keys").write_text("a:" + "A" * 43 + "=\n")
    (tmp_path / "console.keys").chmod(0o644)
    environment = {"GUIDE_DATA": str(tmp_path), "GUIDE_CONSOLE_SECRET": "x" * 20, "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-m", "console"], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 78
    assert "open to other users" in done.stderr


# --- locking ----------------------------------------------------------------------------------------------------------

IDLE_SECONDS = 6


@pytest.fixture(scope="module")
def quick(base: str, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnConsole]:
    """A console that locks itself after some seconds, before the guide of the running system."""
    with run_console(
        tmp_path_factory.mktemp("quick"),
        GUIDE_URL=base,
        GUIDE_CONSOLE_SECRET=settings["GUIDE_CONSOLE_SECRET"],
        LIMIT_IDLE_LOCK_MINUTES=str(IDLE_SECONDS / 60),
        LIMIT_SIGN_IN_TRIES="3",
    ) as console:
        yield console


@pytest.fixture
def locker(quick: OwnConsole, open_page: Callable[[], Page]) -> tuple[CallTaker, Account]:
    account = make_account(quick.environment, f"bob-{time.time_ns()}", "call_taker")
    return CallTaker(open_page(), quick.url).sign_in(account.name, account.password), account


def test_the_console_locks_itself_and_nothing_is_lost(locker: tuple[CallTaker, Account]) -> None:
    taker, account = locker
    taker.begin("zh-Hans").say("我的I-485卡上名字印错了")
    page, script = taker.page, taker.script()
    page.keyboard.press("Alt+t")
    page.keyboard.insert_text("half a sen")
    expect(page.locator("#lock")).to_be_visible(timeout=(IDLE_SECONDS + 6) * 1000)
    expect(page.locator("#script")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#lock")).to_be_visible()
    taker.check("locked")
    assert httpx.get(page.url, cookies=_cookies(page), trust_env=False).headers["location"].startswith("/locked")
    page.keyboard.insert_text("not the password")
    page.keyboard.press("Enter")
    expect(page.locator("#lock .problem")).to_contain_text("not right")
    page.locator("#unlock-password").fill(account.password)
    page.keyboard.press("Enter")
    expect(page.locator("#lock")).to_be_hidden()
    assert taker.script() == script
    expect(page.locator("#text")).to_have_value("half a sen")
    taker.say("tence")
    assert "half a sentence" not in page.url


def test_the_first_key_after_a_sleep_locks_and_does_nothing_else(locker: tuple[CallTaker, Account]) -> None:
    taker, account = locker
    taker.begin("en").say("USCIS misspelled my name on my card")
    asking = taker.asking
    taker.page.locator("#script").focus()
    # Timers did not run while the computer slept: the key comes first.
    locked = taker.page.evaluate(
        """seconds => {
          const real = Date.now;
          Date.now = () => real() + seconds * 1000;
          const key = new KeyboardEvent("keydown", {key: "1", bubbles: true, cancelable: true});
          document.querySelector("#script").dispatchEvent(key);
          Date.now = real;
          return [document.querySelector("#lock").open, key.defaultPrevented];
        }""",
        IDLE_SECONDS + 1,
    )
    assert locked == [True, True]
    expect(taker.page.locator("#script")).to_be_hidden()
    taker.page.locator("#unlock-password").fill(account.password)
    taker.page.keyboard.press("Enter")
    expect(taker.page.locator("#lock")).to_be_hidden()
    assert taker.asking == asking


def _cookies(page: Page) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}


def test_locked_by_hand_without_the_script(quick: OwnConsole) -> None:
    account = make_account(quick.environment, f"eve-{time.time_ns()}", "call_taker")
    client, csrf = enter(quick.url, account)
    assert client.post("/lock", data={"csrf": csrf}).headers["location"] == "/locked"
    for path in ("/desk", "/account"):
        assert client.get(path).headers["location"] == f"/locked?to={path}"
    assert client.post("/calls", data={"csrf": csrf, "language": "en"}, headers={"X-Part": "1"}).status_code == 423
    wrong = client.post("/unlock", data={"csrf": csrf, "password": "wrong", "to": "/desk"})
    assert wrong.status_code == 403
    right = client.post("/unlock", data={"csrf": csrf, "password": account.password, "to": "/account"})
    assert right.headers["location"] == "/account"
    assert client.get("/account").status_code == 200


def test_too_many_wrong_unlocks_sign_out(quick: OwnConsole) -> None:
    account = make_account(quick.environment, f"eva-{time.time_ns()}", "call_taker")
    client, csrf = enter(quick.url, account)
    client.post("/lock", data={"csrf": csrf})
    for _ in range(3):
        assert client.post("/unlock", data={"csrf": csrf, "password": "wrong"}).status_code == 403
    assert client.post("/unlock", data={"csrf": csrf, "password": account.password}).headers["location"] == "/sign-in"
    assert client.get("/account").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "to", ["https://evil.test/", "//evil.test", "/\\evil.test", "/desk?x=1", "javascript:alert(1)"]
)
def test_unlocking_leads_to_no_other_site(quick: OwnConsole, to: str) -> None:
    account = make_account(quick.environment, f"eli-{time.time_ns()}", "call_taker")
    client, csrf = enter(quick.url, account)
    client.post("/lock", data={"csrf": csrf})
    answer = client.post("/unlock", data={"csrf": csrf, "password": account.password, "to": to})
    assert answer.headers["location"] == "/"


def test_pages_are_accessible(sign_in: Callable[[str], CallTaker], open_page: Callable[[], Page], address: str) -> None:
    stranger = CallTaker(open_page(), address)
    stranger.page.goto(f"{address}/sign-in")
    stranger.check("sign-in").type_sign_in("nobody", "wrong")
    expect(stranger.page.locator(".problem")).to_be_visible()
    stranger.check("sign-in-wrong")
    supervisor = sign_in("supervisor")
    for path in ("desk", "team", "audit", "staff", "figures", "account"):
        supervisor.page.goto(f"{address}/{path}")
        supervisor.check(f"page-{path}")
    supervisor.page.goto(f"{address}/calls/none")
    supervisor.check("problem")
