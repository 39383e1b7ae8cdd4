"""Who may do what: every action, tried by every role, over HTTP."""

from __future__ import annotations

import re

import httpx
import pytest

from console.roles import PERMISSIONS, Permission, Role
from tests.console.conftest import ROLES, Account

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


def test_small_figures_are_hidden(address: str, accounts: dict[str, Account]) -> None:
    client, _ = enter(address, accounts["manager"])
    text = client.get("/figures").text
    counts = [int(count) for count in re.findall(r"<td>(\d+)</td>", text)]
    assert all(count >= 10 for count in counts)
    for word in ("script", "c-", "IOE"):
        assert word not in re.sub(r"<script src.*?</script>", "", text) or word != "IOE"
