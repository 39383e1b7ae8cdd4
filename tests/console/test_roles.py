"""Who may do what: every action, tried by every role, over HTTP."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection
from starlette.routing import BaseRoute, Route

from console.app import create_app
from console.calls import Calls
from console.database import Database, now
from console.roles import PERMISSIONS, Permission, Role
from console.settings import Settings
from tests.console.conftest import ROLES, Account, make_account, opened, run_console

# Every route with the permission it needs.
ACTIONS = {
    ("GET", "/desk"): Permission.TAKE_CALLS,
    ("POST", "/calls"): Permission.TAKE_CALLS,
    ("GET", "/calls/c-none"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/turn"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/pinyin"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/read"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/note"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/finish"): Permission.TAKE_CALLS,
    ("GET", "/calls/c-none/transcript"): Permission.TAKE_CALLS,
    ("POST", "/calls/c-none/code"): Permission.GIVE_CODES,
    ("POST", "/find"): Permission.LOOK_UP,
    ("POST", "/open"): Permission.LOOK_UP,
    ("POST", "/call-backs/c-none"): Permission.CALL_BACK,
    ("POST", "/urgent/c-none"): Permission.SEE_URGENT,
    ("GET", "/team"): Permission.SEE_CALLS,
    ("GET", "/audit"): Permission.SEE_AUDIT,
    ("GET", "/staff"): Permission.MANAGE_STAFF,
    ("POST", "/staff"): Permission.MANAGE_STAFF,
    ("POST", "/staff/s-none"): Permission.MANAGE_STAFF,
    ("GET", "/figures"): Permission.SEE_FIGURES,
}
EXPECTED = {
    "call_taker": {"take_calls", "look_up", "change_answers", "give_codes", "override", "erase", "call_back"},
    "case_worker": {
        *("take_calls", "look_up", "change_answers", "give_codes", "override", "erase", "call_back"),
        *("see_all_call_backs", "see_urgent"),
    },
    "supervisor": {permission.value for permission in Permission},
    "manager": {"see_figures"},
}


def enter(address: str, account: Account) -> tuple[httpx.Client, str]:
    """A client that is signed in, and its token for forms."""
    client = httpx.Client(base_url=address, trust_env=False, timeout=60)
    token = re.search(r'name="token" value="([^"]+)"', client.get("/sign-in").text)
    assert token
    fields = {"token": token[1], "name": account.name, "password": account.password}
    assert client.post("/sign-in", data=fields).status_code == 303
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert csrf
    return client, csrf[1]


def test_the_table() -> None:
    assert {role: {each.value for each in PERMISSIONS[Role(role)]} for role in ROLES} == EXPECTED


@pytest.fixture(scope="session", params=ROLES)
def person(request: pytest.FixtureRequest, address: str, accounts: dict[str, Account]) -> tuple[str, httpx.Client, str]:
    return str(request.param), *enter(address, accounts[request.param])


@pytest.mark.parametrize(("method", "path"), ACTIONS, ids=lambda value: str(value))
def test_each_action(person: tuple[str, httpx.Client, str], method: str, path: str) -> None:
    role, client, csrf = person
    answer = client.request(method, path, data={"csrf": csrf} if method == "POST" else None)
    if ACTIONS[method, path] in EXPECTED[role]:
        assert answer.status_code != 403, answer.text
    else:
        assert answer.status_code == 403
        assert "Your role does not include this" in answer.text


def test_what_is_refused_is_in_the_trail(address: str, accounts: dict[str, Account]) -> None:
    manager, _ = enter(address, accounts["manager"])
    assert manager.get("/audit").status_code == 403
    supervisor, _ = enter(address, accounts["supervisor"])
    trail = supervisor.get("/audit", params={"account": accounts["manager"].name, "action": "refused"}).text
    assert "see_audit" in trail


@pytest.mark.parametrize(("method", "path"), ACTIONS, ids=lambda value: str(value))
def test_nobody_gets_in_without_a_session(address: str, method: str, path: str) -> None:
    answer = httpx.request(method, f"{address}{path}", trust_env=False, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", [path for method, path in ACTIONS if method == "POST"])
@pytest.mark.parametrize(
    ("fields", "headers"),
    [({}, {}), ({"csrf": "wrong"}, {}), (None, {"Sec-Fetch-Site": "cross-site"}), (None, {"Origin": "https://x.test"})],
)
def test_forms_of_other_sites_do_nothing(
    address: str, accounts: dict[str, Account], path: str, fields: dict[str, str] | None, headers: dict[str, str]
) -> None:
    client, csrf = enter_once(address, accounts["supervisor"])
    answer = client.post(path, data={"csrf": csrf} if fields is None else {"x": "1", **fields}, headers=headers)
    assert answer.status_code == 403
    assert "came from another page" in answer.text


_KNOWN: dict[str, tuple[httpx.Client, str]] = {}


def enter_once(address: str, account: Account) -> tuple[httpx.Client, str]:
    """The same client for many tests."""
    if account.name not in _KNOWN:
        _KNOWN[account.name] = enter(address, account)
    return _KNOWN[account.name]


def test_accounts_are_made_changed_and_closed(address: str, accounts: dict[str, Account]) -> None:
    client, csrf = enter_once(address, accounts["supervisor"])
    name = f"new-{accounts['supervisor'].name}"
    made = client.post("/staff", data={"csrf": csrf, "name": name, "role": "call_taker"}).text
    password = re.search(r'class="code">([^<]+)<', made)
    assert password
    own, _ = enter(address, Account(name, password[1], "call_taker"))
    assert own.get("/desk").status_code == 200
    row = re.search(rf'>{name}</th>.*?action="/staff/(s-\w+)"', client.get("/staff").text, re.DOTALL)
    assert row
    assert client.post(f"/staff/{row[1]}", data={"csrf": csrf, "do": "manager"}).status_code == 303
    assert own.get("/desk").status_code == 303  # its sessions have ended
    again, _ = enter(address, Account(name, password[1], "manager"))
    assert again.get("/desk").status_code == 403
    client.post(f"/staff/{row[1]}", data={"csrf": csrf, "do": "close"})
    assert again.get("/figures").status_code == 303
    mine = re.search(r"^s-\w+$", row[1])
    assert mine
    itself = client.post("/staff", data={"csrf": csrf, "name": accounts["supervisor"].name, "role": "manager"})
    assert itself.status_code == 400


def test_small_figures_are_hidden(tmp_path: Path) -> None:
    with run_console(tmp_path) as own:
        database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
        calls = Calls(Settings(GUIDE_DATA=tmp_path, GUIDE_CONSOLE_SECRET="x" * 16).vault())
        ends = {"R1": ("zh-Hans", 10), "R2": ("zh-Hant", 9)}

        def seed(connection: Connection) -> None:
            for code, (language, count) in ends.items():
                for _ in range(count):
                    call = calls.begin(connection, "s-ann", opened(language=language))
                    calls.change(connection, call, ended_at=now(), disposition=code)

        database.do(seed)
        database.close()
        client, _ = enter(own.url, make_account(own.environment, "mia", "manager"))
        text = client.get("/figures").text
    rows = dict(re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>', text))
    assert {name[:2]: count for name, count in rows.items() if name[:2] in ends} == {"R1": "10", "R2": "fewer than 10"}
    assert {re.sub("<.*?>", "", name): count for name, count in rows.items() if "lang=" in name} == {
        **{"简体中文": "10", "繁體中文": "fewer than 10"}
    }
    assert rows["Telegram"] == "19"


# Routes that need no permission: the entrance, one's own account, and what is no page.
FREE = {
    *(("GET", path) for path in ("/", "/sign-in", "/locked", "/account", "/assets/{name}", "/health")),
    *(("GET", path) for path in ("/sso/start", "/sso/back")),
    *(("POST", path) for path in ("/sign-in", "/sign-out", "/lock", "/unlock", "/alive")),
    *(("POST", path) for path in ("/account/password", "/account/totp", "/account/totp/confirm")),
}


def every_route(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """Routes, also those of routers that were put in."""
    for route in routes:
        if isinstance(route, Route):
            yield route
        else:
            yield from every_route(route.original_router.routes)  # type: ignore[attr-defined]


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    """A new route is tried by every role above, or needs no permission on purpose."""
    settings = Settings(GUIDE_DATA=tmp_path, GUIDE_CONSOLE_SECRET="x" * 16, CONSOLE_OIDC_ISSUER="http://localhost:9")
    routes = list(every_route(create_app(settings).routes))
    there = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    tried = {
        (method, route.path)
        for method, path in ACTIONS
        for route in routes
        if route.path_regex.match(path) and method in (route.methods or ())
    }
    assert there - tried - FREE == set()
    assert FREE - there == set()
    assert len(tried) == len(ACTIONS)


@pytest.mark.parametrize(("method", "path"), [action for action in ACTIONS if action[1].startswith("/calls/")])
@pytest.mark.parametrize("role", ["case_worker", "supervisor"])
def test_nobody_does_anything_in_a_call_of_somebody_else(
    address: str, accounts: dict[str, Account], role: str, method: str, path: str
) -> None:
    owner, own_csrf = enter_once(address, accounts["call_taker"])
    if "call" not in _CALL:
        _CALL["call"] = owner.post("/calls", data={"csrf": own_csrf, "language": "en"}).headers["location"]
    client, csrf = enter_once(address, accounts[role])
    fields = {"csrf": csrf, "id": "a" * 20, "text": "hello", "disposition": "D1", "note": "mine", "erase": "yes"}
    answer = client.request(
        method, path.replace("/calls/c-none", _CALL["call"]), data=fields if method == "POST" else None
    )
    assert (answer.status_code, "not yours" in answer.text) == (404, True)
    page = owner.get(_CALL["call"]).text
    assert "mine" not in page
    assert 'id="disposition"' in page


_CALL: dict[str, str] = {}


def test_a_call_taker_sees_and_opens_no_call_back_of_somebody_else(
    address: str, accounts: dict[str, Account], settings: dict[str, str]
) -> None:
    owner, csrf = enter_once(address, accounts["supervisor"])
    call = owner.post("/calls", data={"csrf": csrf, "language": "en"}).headers["location"]
    when = (datetime.datetime.now() + datetime.timedelta(days=3)).strftime("%Y-%m-%dT09:30")
    booked = {"disposition": "C1", "reason": "call_back_wanted", "zone": "Asia/Taipei", "when": when}
    assert owner.post(f"{call}/finish", data={"csrf": csrf, **booked}).status_code == 303
    name = call.rsplit("/", 1)[-1]
    client, own_csrf = enter_once(address, accounts["call_taker"])
    assert name not in client.get("/desk").text
    for do in ("open", "done"):
        assert client.post(f"/call-backs/{name}", data={"csrf": own_csrf, "do": do}).status_code == 404
    worker, _ = enter_once(address, accounts["case_worker"])
    assert name in worker.get("/desk").text
