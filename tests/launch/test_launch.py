"""The launcher: secrets, ports and the supervisor, with small processes in place of the real ones."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.launcher import environments, keys, ports, settings
from tools.launcher.console import Failure
from tools.launcher.logs import RotatingLog

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0

# Runs a supervisor over the processes given as JSON: [[name, code], ...], with short times.
SUPERVISE = """
import json, sys
from pathlib import Path
from tools.launcher.supervisor import Process, Supervisor, Timing

logs = Path(sys.argv[1])
processes = [
    Process(name, name, [sys.executable, "-c", code], logs, {"PYTHONUNBUFFERED": "1"})
    for name, code in json.loads(sys.argv[2])
]
timing = Timing(look=0.02, pause=0.01, longest_pause=0.05, stop_first=1.0, stop_all=1.0)

def note(ids):
    (logs / "ids.tmp").write_text(json.dumps(ids))
    (logs / "ids.tmp").replace(logs / "ids.json")

def ready():
    print("ready", flush=True)
    return True

sys.exit(Supervisor(processes, logs, timing, note).run(ready))
"""
SLEEP = "import time; print('hello from the process'); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
WITH_A_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('child', child.pid); time.sleep(600)"
)


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition: object, what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


@pytest.fixture
def supervise(tmp_path: Path):
    """Start a supervisor; it is gone when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*processes: tuple[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(tmp_path), json.dumps(processes)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE)


def ids(folder: Path) -> dict[str, int]:
    """The process ids the supervisor told last."""
    path = folder / "ids.json"
    return json.loads(path.read_text()) if path.exists() else {}


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    data = tmp_path / "var"
    first = keys.load(data, {})
    assert set(first) == set(keys.NAMES)
    assert len(set(first.values())) == len(keys.NAMES)
    assert all(len(value) >= 43 for value in first.values())
    assert mode(data / "secrets.env") == 0o600
    assert mode(data) == 0o700
    assert keys.load(data, {}) == first


def test_secrets_that_others_can_read_are_closed_to_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = keys.load(tmp_path, {})
    (tmp_path / "secrets.env").chmod(0o644)
    assert keys.load(tmp_path, {}) == first
    assert mode(tmp_path / "secrets.env") == 0o600
    shown = capsys.readouterr().out
    assert "could be read by other users" in shown
    assert not any(value in shown for value in first.values())


def test_a_missing_secret_is_added_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("GUIDE_SECRET=mine-mine-mine-mine")
    (tmp_path / "secrets.env").chmod(0o600)
    made = keys.load(tmp_path, {})
    assert made["GUIDE_SECRET"] == "mine-mine-mine-mine"
    assert keys.load(tmp_path, {}) == made


def test_secrets_from_the_environment_are_not_stored(tmp_path: Path) -> None:
    given = {"SESSION_KEY": "from-the-environment-from-the-environment"}
    assert keys.load(tmp_path, given)["SESSION_KEY"] == given["SESSION_KEY"]
    assert "SESSION_KEY" not in (tmp_path / "secrets.env").read_text()


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_settings_from_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# ports\nPORT=8100\nexport RASA_PORT='5105'\nHOST=\"0.0.0.0\"\n\nGUIDE_DATA=/tmp/x\n")
    loaded = settings.load({"PORT": "8200", "RASA_PORT": ""}, file)
    assert (loaded.port, loaded.rasa_port, loaded.actions_port) == (8200, 5105, 5055)
    assert loaded.url == "http://127.0.0.1:8200"
    assert loaded.data == Path("/tmp/x")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"PORT": "80000"}, "PORT must be a number"),
        ({"RASA_PORT": "rasa"}, "RASA_PORT must be a number"),
        ({"ACTIONS_PORT": "8000"}, "ACTIONS_PORT are both 8000"),
    ],
)
def test_wrong_ports_are_named(environment: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=says):
        settings.load(environment, tmp_path / "none")


def test_a_line_that_is_no_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8000\nnonsense\n")
    with pytest.raises(Failure, match="line 2"):
        settings.load({}, tmp_path / ".env")


def test_children_do_not_inherit_another_environment(tmp_path: Path) -> None:
    loaded = settings.load({"VIRTUAL_ENV": "/x", "PYTHONPATH": "/y", "PATH": "/bin"}, tmp_path / "none")
    child = settings.child_environment(loaded)
    assert "VIRTUAL_ENV" not in child
    assert child["PYTHONPATH"] == str(ROOT)
    assert child["OMP_NUM_THREADS"] == "1"
    assert child["RASA_TELEMETRY_ENABLED"] == "false"


def test_each_process_gets_only_its_own_secrets(tmp_path: Path) -> None:
    from tools.launcher.system import processes

    secrets = {name: f"secret-{name}" for name in keys.NAMES}
    loaded = settings.load({**secrets, "GUIDE_DATA": str(tmp_path)}, tmp_path / "none")
    got = {each.name: set(each.environment) & set(keys.NAMES) for each in processes(loaded, secrets)}
    assert got == {
        "service": set(keys.NAMES),
        "engine": {"GUIDE_SECRET"},
        "actions": {"GUIDE_SECRET", "INTAKE_TOKEN"},
        "console": {"GUIDE_CONSOLE_SECRET"},
    }


def test_the_worker_for_telegram_runs_only_with_a_token_and_alone_has_it(tmp_path: Path) -> None:
    from tools.launcher.system import processes

    secrets = {name: f"secret-{name}" for name in keys.NAMES}
    given = {name: f"given-{name}" for name in keys.FOR_TELEGRAM}
    without = processes(settings.load({"GUIDE_DATA": str(tmp_path)}, tmp_path / "none"), secrets)
    assert "messenger" not in [each.name for each in without]
    loaded = settings.load({**given, "GUIDE_DATA": str(tmp_path)}, tmp_path / "none")
    found = {each.name: each for each in processes(loaded, secrets)}
    assert set(keys.FOR_TELEGRAM) <= set(found["messenger"].environment)
    assert set(found["messenger"].environment) & set(keys.NAMES) == {"GUIDE_WORKER_SECRET"}
    assert not set(found["messenger"].environment) & set(keys.FOR_THE_SERVICE)
    assert not found["messenger"].essential
    for name in set(found) - {"messenger"}:
        assert not set(found[name].environment) & set(keys.FOR_TELEGRAM), name


def test_only_the_service_gets_databases_and_keys_of_the_data(tmp_path: Path) -> None:
    from tools.launcher.system import processes

    given = {name: f"given-{name}" for name in keys.FOR_THE_SERVICE}
    secrets = {name: f"secret-{name}" for name in keys.NAMES}
    loaded = settings.load({**given, **secrets, "GUIDE_DATA": str(tmp_path)}, tmp_path / "none")
    got = {each.name: set(each.environment) & set(given) for each in processes(loaded, secrets)}
    assert got == {
        "service": set(given),
        "engine": set(),
        "actions": set(),
        "console": {"DATABASE_URL", "GUIDE_DATABASE_URL"},
    }


def test_the_console_is_started_unless_it_is_turned_off(tmp_path: Path) -> None:
    from tools.launcher.system import processes

    secrets = {name: f"secret-{name}" for name in keys.NAMES}
    on = settings.load({"GUIDE_DATA": str(tmp_path)}, tmp_path / "none")
    off = settings.load({"GUIDE_DATA": str(tmp_path), "GUIDE_CONSOLE": "off"}, tmp_path / "none")
    assert (on.console_url, off.console_url) == ("http://127.0.0.1:8001", None)
    assert [[each.name for each in processes(loaded, secrets)][-1] for loaded in (on, off)] == ["console", "actions"]
    assert "CONSOLE_PORT" not in off.ports


# --- Ports ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", settings.PORT_NAMES)
def test_a_busy_port_is_named_with_its_variable(name: str, tmp_path: Path) -> None:
    numbers = dict(zip(settings.PORT_NAMES, map(str, ports.free(len(settings.PORT_NAMES))), strict=True))
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", int(numbers[name])))
        busy.listen()
        loaded = settings.load(numbers, tmp_path / "none")
        with pytest.raises(Failure, match=rf"Port {numbers[name]} is in use.*{name}=\d+ make run"):
            ports.check(loaded)
    ports.check(loaded)


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    numbers = dict(zip(settings.PORT_NAMES, map(str, ports.free(len(settings.PORT_NAMES))), strict=True))
    loaded = settings.load({**numbers, "HOST": "192.0.2.1"}, tmp_path / "none")
    with pytest.raises(Failure, match=r"HOST=192\.0\.2\.1 is not an address of this machine"):
        ports.check(loaded)


# --- Environments -----------------------------------------------------------------------------------------------------


def test_an_environment_is_made_again_when_its_lock_file_changes(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).write_text("one")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    environment = environments.Environment("test", tmp_path, "3.12")
    assert not environment.is_current()
    environment.stamp.write_text(json.dumps(environment.made_from(Path(sys.executable))))
    assert environment.is_current()
    (tmp_path / "uv.lock").write_text("two")
    assert not environment.is_current()


def test_an_interpreter_of_the_wanted_version_is_found(tmp_path: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (tmp_path / f"python{version}").symlink_to(Path(sys.base_prefix) / "bin" / f"python{version}")
    uv = Path("/nonexistent/uv")
    found = environments.find_python(version, uv, {"PATH": str(tmp_path), "HOME": str(tmp_path)})
    shown = subprocess.check_output([found, "-c", "import sys; print(sys.version_info[:2], sys.prefix)"], text=True)
    assert shown.startswith(str(sys.version_info[:2]))


# --- Logs -------------------------------------------------------------------------------------------------------------


def test_logs_are_private_and_rotate(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "x.log", max_bytes=100, kept=2)
    for number in range(40):
        log.write(f"line {number:02d} ......\n".encode())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2"]
    assert all(mode(path) == 0o600 and path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert log.tail(1).startswith("line 39")


def test_an_old_log_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("old\n")
    (tmp_path / "x.log").chmod(0o644)
    RotatingLog(tmp_path / "x.log").write(b"new\n")
    assert mode(tmp_path / "x.log") == 0o600
    assert (tmp_path / "x.log").read_text() == "old\nnew\n"


# --- Supervisor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_everything_also_the_deaf_and_the_grandchildren(
    number: signal.Signals, supervise, tmp_path: Path
) -> None:
    process = supervise(("one", WITH_A_CHILD), ("two", SLEEP), ("three", DEAF))
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: "deaf" in (tmp_path / "three.log").read_text(), "the deaf one")
    wait_for(lambda: "child" in (tmp_path / "one.log").read_text(), "the grandchild")
    running = [*ids(tmp_path).values(), int((tmp_path / "one.log").read_text().split()[1])]
    assert all(alive(pid) for pid in running)
    started = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - started < 10
    assert process.returncode == 0
    assert "Stopping" in output
    wait_for(lambda: not any(alive(pid) for pid in running), "all gone")
    assert mode(tmp_path / "two.log") == 0o600
    assert "hello from the process" in (tmp_path / "two.log").read_text()


def test_a_crashed_process_is_started_again_and_the_others_stay(supervise, tmp_path: Path) -> None:
    process = supervise(("one", SLEEP), ("two", SLEEP))
    assert process.stdout.readline() == "ready\n"
    before = ids(tmp_path)
    os.kill(before["two"], signal.SIGKILL)
    wait_for(lambda: ids(tmp_path).get("two") not in (None, before["two"]), "a new process")
    after = ids(tmp_path)
    assert after["one"] == before["one"]
    assert alive(after["two"])
    assert "two stopped (ended by SIGKILL); it is started again" in process.stdout.readline()


def test_a_process_that_cannot_live_ends_everything_with_its_last_words(supervise, tmp_path: Path) -> None:
    process = supervise(("good", SLEEP), ("bad", "raise SystemExit('no configuration here')"))
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "bad can't be kept alive (exit code 1)" in output
    assert output.count("no configuration here") >= 1
    assert output.count("it is started again") == 4
    wait_for(lambda: not any(alive(pid) for pid in ids(tmp_path).values()), "all gone")


def test_a_process_with_impossible_settings_is_not_started_again(supervise, tmp_path: Path) -> None:
    process = supervise(("good", SLEEP), ("bad", "print('the keys do not fit', flush=True); raise SystemExit(78)"))
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "the keys do not fit" in output
    assert "it is started again" not in output
    wait_for(lambda: not any(alive(pid) for pid in ids(tmp_path).values()), "all gone")


def test_no_process_survives_a_killed_supervisor(supervise, tmp_path: Path) -> None:
    process = supervise(("one", SLEEP), ("two", DEAF))
    assert process.stdout.readline() == "ready\n"
    running = list(ids(tmp_path).values())
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in running), "all gone")


def test_a_data_folder_is_used_by_one_run_at_a_time(tmp_path: Path) -> None:
    import fcntl

    from tools.launcher import system

    loaded = settings.load({"GUIDE_DATA": str(tmp_path)}, tmp_path / "none")
    with (tmp_path / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Failure, match="in use by another run"):
            system.serve(loaded)
