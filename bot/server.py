"""Start the Rasa engine: ``python -m bot.server``.

Settings by environment: ``RASA_HOST`` and ``RASA_PORT`` (loopback, 5005), ``ACTIONS_URL``, ``GUIDE_SECRET``
(required), ``GUIDE_DATA``, ``RASA_DATABASE_URL`` (SQLite in ``GUIDE_DATA``), ``GUIDE_REDIS_URL`` (none: locks inside
the process), ``GUIDE_WORDING`` (folder of the texts, ``domain``) and ``RASA_MODEL`` (a model file; default: the
newest in ``models``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def set_defaults() -> None:
    """Set what Rasa, TensorFlow and the YAML files read from the environment, where it is not set."""
    data = Path(os.environ.setdefault("GUIDE_DATA", str(ROOT / "var"))).resolve()
    data.mkdir(parents=True, exist_ok=True)
    defaults = {
        "RASA_HOST": "127.0.0.1",
        "RASA_PORT": "5005",
        "ACTIONS_URL": f"http://127.0.0.1:{os.environ.get('ACTIONS_PORT', '5055')}/webhook",
        "RASA_DATABASE_URL": f"sqlite:///{data / 'engine.db'}",
        "GUIDE_REDIS_URL": "",
        "GUIDE_WORDING": "domain",
        **QUIET_ENVIRONMENT,
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


QUIET_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "RASA_TELEMETRY_ENABLED": "false",
    "SILENCE_UBER_WARNING": "1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}


def newest_model(folder: Path = ROOT / "models") -> Path:
    """Return the newest trained model.

    Raises:
        FileNotFoundError: There is none.
    """
    models = sorted(folder.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    if not models:
        raise FileNotFoundError(f"no model in {folder}; train one first")
    return models[-1]


def main() -> None:
    """Load the newest model and serve the internal channel."""
    set_defaults()
    if not os.environ.get("GUIDE_SECRET"):
        sys.exit("GUIDE_SECRET is not set")
    try:
        model = Path(os.environ.get("RASA_MODEL") or newest_model())
    except FileNotFoundError as error:
        sys.exit(str(error))

    from bot import logs

    logs.configure()

    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints

    from bot import patches

    patches.apply()
    serve_application(
        model_path=str(model),
        interface=os.environ["RASA_HOST"],
        port=int(os.environ["RASA_PORT"]),
        credentials=str(ROOT / "credentials.yml"),
        endpoints=AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml")),
        enable_api=False,
    )


if __name__ == "__main__":
    main()
