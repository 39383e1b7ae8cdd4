"""Measure the understanding (bot environment).

``python -m tools.evaluate``: all sets of ``tests/nlu``; writes a page and a file for machines into ``var/evaluation``.
``python -m tools.evaluate FILE.tsv [--json OUT.json]``: the intents of a file with the columns id, intent, lang, style,
text, separated by tabs, without quoting, with or without a header line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.server import newest_model
from tools.evaluation.engine import Engine, classify, quiet
from tools.evaluation.groups import FLOORS, below, read_floors, record, targets
from tools.evaluation.report import report, show
from tools.evaluation.sets import ROOT, read_intents, read_settings

OUTPUT = ROOT / "var" / "evaluation"


def measure_file(chosen: argparse.Namespace, model: Path) -> int:
    """Measure the intents of a file."""
    cases = read_intents(chosen.file)
    if not cases:
        print(f"{chosen.file}: no cases", file=sys.stderr)
        return 1
    summary = report(classify(Engine(model), cases))
    show(summary)
    if chosen.json:
        _write_json(chosen.json, summary)
    return 0


def measure_sets(chosen: argparse.Namespace, model: Path) -> int:
    """Measure all sets, and what else is asked for."""
    from tools.evaluation import cost, measuring, page
    from tools.evaluation.markdown import markdown
    from tools.evaluation.printing import show_report

    content, parsed, engine = measuring.measure(model)
    if chosen.cost:
        content["cost"] = cost.figures(parsed, engine.load)
    for name, compared in comparisons(chosen).items():
        content[name] = compared
    reached = targets(content, read_settings().targets)
    show_report(content, reached)
    chosen.output.mkdir(parents=True, exist_ok=True)
    report_file = chosen.json or chosen.output / "report.json"
    _write_json(report_file, content)
    page_file = chosen.output / "report.html"
    page_file.write_text(page.page(content, reached), encoding="utf-8")
    tables_file = chosen.output / "report.md"
    tables_file.write_text(markdown(content, reached), encoding="utf-8")
    print(f"\n{page_file}\n{report_file}\n{tables_file}")
    return floors(content, chosen)


def comparisons(chosen: argparse.Namespace) -> dict[str, Any]:
    """Train and measure what the guide is compared with, as asked for."""
    found: dict[str, Any] = {}
    if chosen.peers:
        from tools.evaluation import peers

        found["peers"] = peers.compare(peers.pipelines(chosen.epochs), chosen.output / "peers")
    if chosen.public or chosen.massive:
        from tools.evaluation import public

        found["public"] = public.compare(chosen.massive, chosen.output / "public", chosen.epochs)
    if chosen.ablation:
        from tools.evaluation import ablation

        found["ablation"] = ablation.compare(chosen.output / "ablation")
    return found


def floors(content: Mapping[str, Any], chosen: argparse.Namespace) -> int:
    """Record the floors if asked to, else tell which groups are below theirs."""
    if chosen.floors:
        falling = record(content, lower=chosen.lower_floors)
        for line in falling:
            print(f"  {line}")
        if falling and not chosen.lower_floors:
            print("Nothing was written: these floors would fall. To lower them: make evaluate FLOORS=1 LOWER=1")
            return 1
        print(f"{FLOORS.relative_to(ROOT)} is written.")
        return 0
    recorded = read_floors()
    if not recorded:
        print("No floors are recorded yet: make evaluate FLOORS=1")
        return 0
    for line in below(content, recorded):
        print(f"✗ {line}")
    return 0


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="intents of this file only")
    parser.add_argument("--json", type=Path, help="write the result for machines to this file")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the page and of compared models")
    parser.add_argument("--model", type=Path, help="model file; default: the newest")
    parser.add_argument("--cost", action="store_true", help="also measure time, memory and two trainings")
    parser.add_argument("--peers", action="store_true", help="also train and measure Rasa's own pipelines")
    parser.add_argument("--epochs", type=int, default=100, help="epochs of Rasa's own pipelines (100)")
    parser.add_argument("--public", action="store_true", help="also train and measure on public data")
    parser.add_argument("--massive", type=Path, help="folder of MASSIVE's *.jsonl files, for --public")
    parser.add_argument("--ablation", action="store_true", help="also train and measure with parts left out")
    parser.add_argument("--floors", action="store_true", help="record the floors")
    parser.add_argument("--lower-floors", action="store_true", help="let floors fall when recording them")
    chosen = parser.parse_args(arguments)
    quiet()
    model = chosen.model or newest_model()
    return measure_file(chosen, model) if chosen.file else measure_sets(chosen, model)


if __name__ == "__main__":
    sys.exit(main())
