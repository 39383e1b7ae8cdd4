"""Measure the chat page beside others: `python -m tools.bench_page [--json out.json] [--url http://…]`.

The same conversation on every page, with the same answers of the running system, through the same server, in the
system's own Chromium on a simulated slow 4G: bytes, first and largest paint, when the first message can be read, what
axe finds, violations of our own policy, requests to other machines; Lighthouse as well, if npm can install it.

The other pages are packages of npm, pinned in `tools/benching/peers.yml`. All but the violations is measured without a
policy, since they do not work with ours.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import http.client
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from gateway.page_headers import page_headers
from tools.launcher import ports
from tools.launcher.console import Failure, say
from tools.launcher.settings import ROOT, neutral_environment
from tools.launcher.trial import running_system

FOLDER = ROOT / "tools" / "benching"
OURS = "our page"
RUNS = 3
MOST_BYTES = 15_000
LEAST_PERFORMANCE = 95
ALL_ACCESSIBLE = 100
START_MS = 90_000
SETTLE_MS = 1500
LIGHTHOUSE_SECONDS = 240
NPM_SECONDS = 280
VIEW = {"width": 360, "height": 740}
_KILO = 1000
_LOOK_EVERY_MS = 50
_READABLE = "window.seen.readable > 0"
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})

# Notes the paints, violations of the policy, and when a text can be read, in shadow trees as well.
_WATCH = """
window.seen = { lcp: 0, violations: [], readable: 0 };
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.seen.lcp = one.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
document.addEventListener("securitypolicyviolation",
  (event) => window.seen.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
window.textOf = (root) => [...root.querySelectorAll("*")].reduce(
  (text, one) => text + (one.shadowRoot ? window.textOf(one.shadowRoot) : ""),
  root.innerText || root.textContent || "");
const waiting = setInterval(() => {
  const has = document.body && window.textOf(document.body).replace(/\\s+/g, " ").includes(__TEXT__);
  if (has) { window.seen.readable = performance.now(); clearInterval(waiting); }
}, 25);
"""


@dataclass
class Measured:
    """What one page gave; times in milliseconds, sizes in bytes as they went over the line.

    Attributes:
        total: everything that was loaded until the first message could be read.
        code: of that, documents, scripts and style sheets.
        readable: when the first message could be read.
        axe: rules that were broken, at the start and at the end of the conversation.
        policy: violations under our own policy.
        works_with_policy: whether the first message is shown under it.
        elsewhere: other machines that were asked for something.
        turns: answers that came to what was said.
        lighthouse: accessibility, performance, first and largest paint; empty if it did not run.
    """

    total: int = 0
    code: int = 0
    first_paint: float = 0.0
    largest_paint: float = 0.0
    readable: float = 0.0
    axe: list[str] = field(default_factory=list)
    policy: int = 0
    works_with_policy: bool = False
    elsewhere: list[str] = field(default_factory=list)
    turns: int = 0
    lighthouse: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A page: where it is, where one writes in it, and how to count what it was answered."""

    name: str
    address: str
    box: str
    answered: str


# ---- what is measured against


def fetch_peers(peers: Mapping[str, Any], folder: Path) -> dict[str, bytes]:
    """Files of the packages by name; each package is checked against its hash.

    Raises:
        Failure: npm is missing or fails, or a package is not the one that was pinned.
    """
    if not shutil.which("npm"):
        raise Failure("npm is needed to fetch the pages to compare with")
    files = {}
    for name, package in peers["packages"].items():
        command = ["npm", "pack", "--silent", f"{name}@{package['version']}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=NPM_SECONDS, check=False)
        packed = folder / f"{name}-{package['version']}.tgz"
        if done.returncode or not packed.exists():
            raise Failure(f"npm could not fetch {name}: {done.stderr.decode(errors='replace')[-500:]}")
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if package["integrity"] != f"sha512-{digest}":
            raise Failure(f"{name} is not what it was: sha512-{digest}")
        with tarfile.open(packed) as archive:
            for short, path in package["files"].items():
                member = archive.extractfile(path)
                assert member is not None  # noqa: S101 - a file by its name
                files[short] = member.read()
    return files


def install_lighthouse(peers: Mapping[str, Any], folder: Path) -> Path | None:
    """The program, or None if it can't be had here."""
    wanted = peers["lighthouse"]
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    command += ["--prefix", str(folder), f"{wanted['package']}@{wanted['version']}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=NPM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        say("! Lighthouse is left out: npm took too long")
        return None
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if done.returncode or not program.exists():
        say(f"! Lighthouse is left out: {done.stderr.decode(errors='replace')[-300:]}")
        return None
    return program


# ---- the server in between


@contextmanager
def serving(upstream: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """A server with the pages of others beside ours, so that all come the same way; gives its address.

    Below `/strict/bench/` the same pages come with our own policy.
    """
    policy = page_headers()["Content-Security-Policy"]
    packed = {name: gzip.compress(content, 9) for name, content in files.items()}
    host = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if "/bench/" in path:
                return self._own(path)
            return self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _own(self, path: str) -> None:
            name = path.rsplit("/", 1)[-1]
            headers = {"Content-Type": _TYPES.get(Path(name).suffix, "text/plain"), "Content-Encoding": "gzip"}
            strict = path.startswith("/strict/")
            if strict:
                headers["Content-Security-Policy"] = policy
            body = packed.get(name)
            if body is None:
                return self._send(404, {}, b"")
            if name.endswith(".html"):
                script = parse_qs(urlsplit(self.path).query).get("script", [""])[0]
                body = gzip.compress(files[name].replace(b"{{script}}", script.encode()), 9)
            return self._send(200, headers, body)

        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else None
            connection = http.client.HTTPConnection(host, timeout=120)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
                self._send(answer.status, dict(kept), answer.read())
            finally:
                connection.close()

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# ---- measuring


class Bench:
    """Measures one page after the other.

    Args:
        base: address of the server in between.
        first_words: with which the first message begins.
    """

    def __init__(self, browser: Browser, base: str, peers: Mapping[str, Any], first_words: str) -> None:
        self._browser = browser
        self._base = base
        self._network = peers["network"]
        self._script: list[str] = peers["script"]
        self._watch = _WATCH.replace("__TEXT__", json.dumps(first_words))

    @contextmanager
    def _page(self) -> Iterator[Page]:
        context = self._browser.new_context(viewport=VIEW, locale="en-US", device_scale_factor=2)  # type: ignore[arg-type]
        page = context.new_page()
        page.add_init_script(self._watch)
        yield page
        context.close()

    def measure(self, subject: Subject) -> Measured:
        """Everything but Lighthouse. The median of several runs for the times."""
        loads = [self._load(subject.address) for _ in range(RUNS)]
        measured = loads[0]
        for name in ("first_paint", "largest_paint", "readable"):
            setattr(measured, name, statistics.median(getattr(load, name) for load in loads))
        self._talk(subject, measured)
        self._with_policy(subject, measured)
        return measured

    def _load(self, address: str) -> Measured:
        measured = Measured()
        kinds: dict[str, str] = {}

        def loaded(event: Mapping[str, Any]) -> None:
            size = int(event["encodedDataLength"])
            measured.total += size
            if kinds.get(event["requestId"]) in ("Document", "Script", "Stylesheet"):
                measured.code += size

        with self._page() as page:
            devtools = page.context.new_cdp_session(page)
            devtools.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
            devtools.on("Network.loadingFinished", loaded)
            devtools.send("Network.enable")
            devtools.send(
                "Network.emulateNetworkConditions",
                {
                    "offline": False,
                    "latency": self._network["latency_ms"],
                    "downloadThroughput": self._network["down_kbps"] * _KILO / 8,
                    "uploadThroughput": self._network["up_kbps"] * _KILO / 8,
                },
            )
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": self._network["slower_processor"]})
            page.goto(self._base + address, wait_until="commit", timeout=START_MS)
            _until(page, _READABLE)
            page.wait_for_timeout(SETTLE_MS)
            paints = "Object.fromEntries(performance.getEntriesByType('paint').map((one) => [one.name, one.startTime]))"
            measured.first_paint = page.evaluate(paints).get("first-contentful-paint", 0.0)
            measured.largest_paint = page.evaluate("window.seen.lcp")
            # What is there, but not painted, nobody reads.
            measured.readable = max(page.evaluate("window.seen.readable"), measured.first_paint)
        return measured

    def _talk(self, subject: Subject, measured: Measured) -> None:
        elsewhere: set[str] = set()
        own = urlsplit(self._base).netloc

        def asked(url: str) -> None:
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") and parts.netloc != own:
                elsewhere.add(parts.netloc)

        with self._page() as page:
            page.on("request", lambda request: asked(request.url))
            page.goto(self._base + subject.address)
            _until(page, _READABLE)
            broken = set(_axe(page))
            before = page.evaluate(subject.answered)
            for said, text in enumerate(self._script, start=1):
                box = page.locator(subject.box).first
                box.click()
                page.keyboard.insert_text(text)
                page.keyboard.press("Enter")
                _until(page, f"({subject.answered}) >= {before + said}")
                page.wait_for_timeout(SETTLE_MS)
                measured.turns = said
            measured.axe = sorted(broken | set(_axe(page)))
        measured.elsewhere = sorted(elsewhere)

    def _with_policy(self, subject: Subject, measured: Measured) -> None:
        strict = subject.address if subject.name == OURS else f"/strict{subject.address}"
        with self._page() as page:
            page.goto(self._base + strict)
            try:
                _until(page, _READABLE, START_MS / 6)
                measured.works_with_policy = True
            except Failure:
                measured.works_with_policy = False
            page.wait_for_timeout(SETTLE_MS)
            measured.policy = len(page.evaluate("window.seen.violations"))


def _until(page: Page, condition: str, longest_ms: float = START_MS) -> None:
    """Wait for something on a page; asked from here, as a policy may forbid the page to."""
    started = time.monotonic()
    while not page.evaluate(condition):
        if (time.monotonic() - started) * _KILO > longest_ms:
            raise Failure(f"{page.url}: waited in vain for {condition}")
        page.wait_for_timeout(_LOOK_EVERY_MS)


def _axe(page: Page) -> list[str]:
    return [f"{one['id']} ({one['impact']})" for one in Axe().run(page).response["violations"]]


def lighthouse(program: Path, url: str, chromium: str, folder: Path) -> dict[str, float]:
    """Lighthouse's figures for a telephone, the median of several runs; empty if it does not run here."""
    runs = [figures for at in range(RUNS) if (figures := _lighthouse(program, url, chromium, folder / f"browser{at}"))]
    return {name: statistics.median(one[name] for one in runs) for name in runs[0]} if runs else {}


def _lighthouse(program: Path, url: str, chromium: str, profile: Path) -> dict[str, float]:
    # It does not find its way with a browser that it starts itself, if that is newer than it is.
    report, port = profile.with_suffix(".json"), ports.free(1)[0]
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--remote-debugging-port={port}"]
    none = subprocess.DEVNULL
    browser = subprocess.Popen([*command, f"--user-data-dir={profile}", "about:blank"], stdout=none, stderr=none)
    try:
        _until_listening(port)
        command = [str(program), url, f"--port={port}", "--quiet", "--output=json", f"--output-path={report}"]
        command += ["--only-categories=performance,accessibility"]
        subprocess.run(command, stdout=none, stderr=none, timeout=LIGHTHOUSE_SECONDS, check=True)
        found = json.loads(report.read_text(encoding="utf-8"))
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        say(f"! Lighthouse failed at {url}: {type(error).__name__}")
        return {}
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree(profile, ignore_errors=True)
    scores = {name: one["score"] for name, one in found["categories"].items()}
    if None in scores.values():
        say(f"! Lighthouse gave no figures for {url}: {found.get('runtimeError', {}).get('code')}")
        return {}
    figures: dict[str, float] = {name: round(100 * score) for name, score in scores.items()}
    for short, audit in (("first_paint", "first-contentful-paint"), ("largest_paint", "largest-contentful-paint")):
        figures[short] = round(found["audits"][audit]["numericValue"])
    return figures


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + START_MS / _KILO
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_EVERY_MS / _KILO)


# ---- telling


def table(results: Mapping[str, Measured]) -> str:
    """The results as a Markdown table."""
    rows: list[tuple[str, Callable[[Measured], str]]] = [
        ("loaded in all, kB", lambda one: f"{one.total / _KILO:.1f}"),
        ("of that page, script and style, kB", lambda one: f"{one.code / _KILO:.1f}"),
        ("first paint, s", lambda one: f"{one.first_paint / _KILO:.2f}"),
        ("largest paint, s", lambda one: f"{one.largest_paint / _KILO:.2f}"),
        ("first message readable, s", lambda one: f"{one.readable / _KILO:.2f}"),
        ("rules of axe broken", lambda one: f"{len(one.axe)} {', '.join(one.axe)}".strip()),
        ("violations of our policy", lambda one: str(one.policy)),
        ("first message shown under it", lambda one: "yes" if one.works_with_policy else "no"),
        ("other machines asked", lambda one: ", ".join(one.elsewhere) or "none"),
        ("Lighthouse accessibility", lambda one: _figure(one, "accessibility")),
        ("Lighthouse performance", lambda one: _figure(one, "performance")),
        ("Lighthouse largest paint, s", lambda one: _figure(one, "largest_paint", _KILO)),
    ]
    lines = ["| | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(show(one) for one in results.values()) + " |" for name, show in rows]
    return "\n".join(lines)


def _figure(measured: Measured, name: str, divisor: int = 1) -> str:
    value = measured.lighthouse.get(name)
    return "not run" if value is None else f"{value / divisor:.1f}" if divisor > 1 else str(round(value))


def shortcomings(ours: Measured) -> list[str]:
    """Where our own page is not as good as it has to be."""
    checks = [
        (ours.axe, f"axe: {ours.axe}"),
        (ours.policy, f"{ours.policy} violations of the policy"),
        (ours.elsewhere, f"asks {ours.elsewhere}"),
        (ours.code > MOST_BYTES, f"{ours.code} bytes of page, script and style"),
        (ours.lighthouse.get("accessibility", ALL_ACCESSIBLE) < ALL_ACCESSIBLE, "Lighthouse accessibility"),
        (ours.lighthouse.get("performance", ALL_ACCESSIBLE) < LEAST_PERFORMANCE, "Lighthouse performance"),
    ]
    return [text for bad, text in checks if bad]


def run(url: str, folder: Path, with_lighthouse: bool) -> dict[str, Measured]:
    """Measure all pages against a running system.

    Raises:
        Failure: there is no browser, or the pages to compare with can't be had.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise Failure("there is no Chromium here: apt-get install chromium")
    peers = yaml.safe_load((FOLDER / "peers.yml").read_text(encoding="utf-8"))
    own = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in _TYPES}
    files = own | fetch_peers(peers, folder)
    greeting = httpx.post(f"{url}/chat/session", json={"language": "en"}, timeout=60, trust_env=False).json()
    first_words = " ".join(greeting["greeting"][0]["text"].split())[:40]
    answered = "document.querySelectorAll('#messages li.person + li.guide').length"
    subjects = [Subject(OURS, "/chat/", "#answer", answered)]
    subjects += [Subject(name, one["address"], one["box"], "guide.answered") for name, one in peers["pages"].items()]
    program = install_lighthouse(peers, folder) if with_lighthouse else None
    results = {}
    with serving(url, files) as base:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            bench = Bench(browser, base, peers, first_words)
            for subject in subjects:
                say(f"{subject.name} …")
                results[subject.name] = bench.measure(subject)
            browser.close()
        for subject in subjects if program else ():
            say(f"{subject.name}: Lighthouse …")
            assert program is not None  # noqa: S101 - the loop has it so
            results[subject.name].lighthouse = lighthouse(program, base + subject.address, chromium, folder)
    return results


def main() -> int:
    """Measure, print a table; returns the exit code: 1 if our own page falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--url", help="a system that runs already; without it, one is started")
    parser.add_argument("--no-lighthouse", action="store_true", help="leave Lighthouse out")
    given = parser.parse_args()
    started = time.monotonic()
    try:
        system = nullcontext(None) if given.url else running_system(neutral_environment())
        with system as trial, tempfile.TemporaryDirectory(prefix="bench-page-") as folder:
            url = given.url or (trial.url if trial else "")
            results = run(url.rstrip("/"), Path(folder), not given.no_lighthouse)
    except Failure as failure:
        say(f"✗ {failure}")
        return 1
    print(table(results))
    if given.json:
        given.json.write_text(json.dumps({name: asdict(one) for name, one in results.items()}, indent=1) + "\n")
    bad = shortcomings(results[OURS])
    for text in bad:
        say(f"✗ {text}")
    say(f"{(time.monotonic() - started) / 60:.1f} minutes")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
