"""The measurement of the page: what it compares with is what was pinned, and it says where our page falls short."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway.page_headers import page_headers
from tests.gateway.conftest import FrontDoor
from tools.bench_page import FOLDER, Measured, fetch_peers, serving, shortcomings, table
from tools.launcher.console import Failure


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An npm that has one package; gives what `peers.yml` says of it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/dist/chat.js")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"chat!"))
    (tmp_path / "package.tgz").write_bytes(packed.getvalue())
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$3" = "chat@1.0.0" ] && cp {tmp_path}/package.tgz chat-1.0.0.tgz\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    package = {"version": "1.0.0", "integrity": f"sha512-{digest}", "files": {"chat.js": "package/dist/chat.js"}}
    return {"packages": {"chat": package}}


def test_a_pinned_package_is_taken(registry: dict[str, Any], tmp_path: Path) -> None:
    assert fetch_peers(registry, tmp_path) == {"chat.js": b"chat!"}


def test_another_package_is_refused(registry: dict[str, Any], tmp_path: Path) -> None:
    registry["packages"]["chat"]["integrity"] = "sha512-" + "A" * 86 + "=="
    with pytest.raises(Failure, match="chat is not what it was"):
        fetch_peers(registry, tmp_path)


def test_a_package_that_is_not_there(registry: dict[str, Any], tmp_path: Path) -> None:
    registry["packages"]["chat"]["version"] = "2.0.0"
    with pytest.raises(Failure, match="could not fetch chat"):
        fetch_peers(registry, tmp_path)


GOOD = {"accessibility": 100.0, "performance": 97.0}
SHORTCOMINGS = [
    (Measured(code=14_000, lighthouse=GOOD), []),
    (Measured(code=14_000), []),
    (Measured(code=15_001), ["15001 bytes of page, script and style"]),
    (Measured(axe=["label (critical)"]), ["axe: ['label (critical)']"]),
    (Measured(policy=2), ["2 violations of the policy"]),
    (Measured(elsewhere=["fonts.example"]), ["asks ['fonts.example']"]),
    (Measured(lighthouse={**GOOD, "accessibility": 99.0}), ["Lighthouse accessibility"]),
    (Measured(lighthouse={**GOOD, "performance": 94.0}), ["Lighthouse performance"]),
]


@pytest.mark.parametrize(("measured", "said"), SHORTCOMINGS)
def test_shortcomings(measured: Measured, said: list[str]) -> None:
    assert shortcomings(measured) == said


def test_table_has_a_column_for_each_page() -> None:
    lines = table({"ours": Measured(total=12_345, readable=1234.0), "theirs": Measured()}).splitlines()
    assert lines[0] == "| | ours | theirs |"
    assert "| loaded in all, kB | 12.3 | 0.0 |" in lines
    assert "| first message readable, s | 1.23 | 0.00 |" in lines
    assert {line.count("|") for line in lines} == {4}


def test_all_pages_come_through_one_server(door: FrontDoor) -> None:
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in (".html", ".js", ".css")}
    policy = page_headers()["Content-Security-Policy"]
    with serving(door.url, files) as base, httpx.Client(base_url=base, trust_env=False) as client:
        page = client.get("/chat/")
        assert (
            page.headers["content-security-policy"] == httpx.get(f"{door.url}/chat/").headers["content-security-policy"]
        )
        opened = client.post("/chat/session", json={"language": "en"})
        assert opened.status_code == 201
        other = client.get("/bench/botframework.html", params={"script": "webchat-minimal.js"})
        assert '<script src="/bench/webchat-minimal.js" defer>' in other.text
        assert "content-security-policy" not in other.headers
        strict = client.get("/strict/bench/deep-chat.html")
        assert strict.headers["content-security-policy"] == policy
        assert strict.headers["content-encoding"] == "gzip"
        assert client.get("/bench/nothing.js").status_code == 404


def test_what_is_pinned_is_whole() -> None:
    peers = yaml.safe_load((FOLDER / "peers.yml").read_text(encoding="utf-8"))
    for package in peers["packages"].values():
        assert len(base64.b64decode(package["integrity"].removeprefix("sha512-"))) == hashlib.sha512().digest_size
    assert len(peers["script"]) >= 5
