"""The page: one file with everything in it, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from tools.evaluation.groups import Target
from tools.evaluation.markdown import difference
from tools.evaluation.sets import CONTEXTUAL, INTENTS

CONFUSIONS_SHOWN = 30
_TITLES = {
    "intents": "Intents",
    "receipts": "Receipt numbers",
    "dates": "Dates",
    "forms": "Forms",
    "channels": "Channels tried or not",
    "persons": "Names, phones, emails, A-numbers",
    "contextual": "Answers in context",
}
_LANGUAGES = {
    "en": "English",
    "zh-Hans": "Chinese, simplified",
    "zh-Hant-TW": "Chinese, Taiwan",
    "zh-Hant-HK": "Chinese, Hong Kong",
    "mixed": "Mixed",
}
# Written as in HTML: what a screen reader needs to choose its voice.
_VOICES = {"zh-Hans": "zh-Hans", "zh-Hant-TW": "zh-Hant-TW", "zh-Hant-HK": "zh-Hant-HK", "en": "en"}
_STYLE = """
:root{--ink:#1d2733;--soft:#55616e;--line:#d9dfe6;--paper:#fff;--ground:#f4f6f8;--bar:#2f6f9f;--weak:#b4531a;
--good:#1d6b3c;--bad:#a4262c;color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","Noto Sans CJK SC",sans-serif}
main,header{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.35rem;margin:0 0 .75rem}
h3{font-size:1.02rem;margin:1.5rem 0 .4rem}
p{margin:.4rem 0}
.soft{color:var(--soft)}
section{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1.5rem;margin:1.25rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;margin:1.25rem 0;padding:0;
list-style:none}
.tiles li{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:.9rem 1rem}
.tiles b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
th,td{text-align:left;padding:.32rem .6rem .32rem 0;border-bottom:1px solid var(--line);vertical-align:middle}
thead th{font-size:.86rem;color:var(--soft);font-weight:600}
tbody th{font-weight:500}
tbody tr:last-child>*{border-bottom:0}
.n{text-align:right;white-space:nowrap}
td.chart{width:38%;min-width:10rem}
svg{display:block;width:100%;height:1.1rem}
.met{color:var(--good);font-weight:600}.missed{color:var(--bad);font-weight:600}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:0 2rem}
details{margin-top:1rem}
summary{cursor:pointer;font-weight:600;padding:.25rem 0}
code{font-size:.9em;overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--bar);outline-offset:2px}
@media print{section{break-inside:avoid}body{background:#fff}}
"""


def page(report: Mapping[str, Any], targets: Sequence[Target]) -> str:
    """Write the page of a report.

    Args:
        report: As in the file for machines.
        targets: What is to be reached, beside what is.
    """
    sets = report["sets"]
    parts = [_head(report), "<main>", _tiles(sets)]
    if targets:
        parts.append(_targets(targets))
    if INTENTS in sets:
        parts += [_intents(sets[INTENTS]), _scope(sets[INTENTS]["scope"])]
    values = {name: summary for name, summary in sets.items() if name not in (INTENTS, CONTEXTUAL)}
    if values:
        parts.append(_values(values))
    if CONTEXTUAL in sets:
        parts.append(_context(sets[CONTEXTUAL]))
    if report.get("cost"):
        parts.append(_cost(report["cost"]))
    for name, title in (("peers", "Other ways on the same data"), ("ablation", "With parts left out")):
        if report.get(name):
            parts.append(_compared(title, report[name]))
    for public in report.get("public", []):
        parts.append(_compared(f"Public data: {public['title']}", public["results"], public["source"]))
    parts += [_method(report), "</main></body></html>"]
    return "\n".join(parts) + "\n"


def _head(report: Mapping[str, Any]) -> str:
    cases = sum(summary["overall"]["n"] for summary in report["sets"].values())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Understanding, measured</title><style>{_STYLE}</style></head><body>
<header><h1>Understanding, measured</h1>
<p class="soft">{cases:,} messages that are never trained on, in English and Chinese. Model
<code>{escape(report["model"])}</code>; the messages are read as written on {escape(report["as_of"])}.</p></header>"""


def _tiles(sets: Mapping[str, Any]) -> str:
    items = [
        f"<li>{escape(_TITLES.get(name, name))}<b>{_percent(summary['overall'])}</b>"
        f'<span class="soft">{_interval(summary["overall"])}<br>of {summary["overall"]["n"]:,}</span></li>'
        for name, summary in sets.items()
    ]
    return f'<ul class="tiles">{"".join(items)}</ul>'


def _targets(targets: Sequence[Target]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(item.title)}</th>'
        f'<td class="n">{"≥" if item.at_least else "≤"} {item.limit:g}</td>'
        f'<td class="n">{item.value:g}</td><td class="{"met" if item.met else "missed"}">'
        f"{'✓ met' if item.met else '✗ missed'}</td></tr>"
        for item in targets
    )
    met = sum(item.met for item in targets)
    head = '<tr><th scope="col">Figure</th><th scope="col" class="n">Target</th><th scope="col" class="n">Measured</th>'
    return (
        f'<section><h2>Targets</h2><p class="soft">{met} of {len(targets)} met.</p><div class="scroll"><table>'
        f'<thead>{head}<th scope="col">Result</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _intents(summary: Mapping[str, Any]) -> str:
    confusions = "".join(
        f'<tr><th scope="row"><code>{escape(gold)}</code></th><td><code>{escape(predicted)}</code></td>'
        f'<td class="n">{count}</td></tr>'
        for gold, predicted, count in summary["confusions"][:CONFUSIONS_SHOWN]
    )
    by_intent = dict(sorted(summary["by_intent"].items(), key=lambda item: item[1]["share"]))
    return f"""<section><h2>Intents</h2>
<p>{_percent(summary["overall"])} right of {summary["overall"]["n"]}; macro F1 {summary["macro_f1"]:.3f};
{summary["gap"]:.1f} points between the best and the worst language.</p>
<div class="columns"><div><h3>By language</h3>{_bars(summary["by_language"], "Language")}</div>
<div><h3>By style</h3>{_bars(summary["by_style"], "Style")}</div></div>
<details><summary>By intent</summary>{_bars(by_intent, "Intent")}</details>
<details><summary>Most frequent confusions</summary><div class="scroll"><table><thead><tr><th scope="col">Meant</th>
<th scope="col">Taken for</th><th scope="col" class="n">Times</th></tr></thead><tbody>{confusions}</tbody></table></div>
</details>{_wrong(summary["wrong"])}</section>"""


def _scope(scope: Mapping[str, Any]) -> str:
    titles = {
        "caught": "Out of scope, caught (fallback or out_of_scope)",
        "in_scope_fallback": "In scope, sent to the fallback",
        "in_scope_lost": "In scope, sent to the fallback or taken for out of scope",
    }
    rows = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td class="n">{scope[name]["right"]} of {scope[name]["n"]}</td>'
        f'<td class="n">{_percent(scope[name])}</td><td class="n soft">{_interval(scope[name])}</td></tr>'
        for name, title in titles.items()
    )
    area = scope["auroc"]
    rows += (
        f'<tr><th scope="row">Area under the ROC curve</th><td class="n">{area["n"]} against {area["in_scope"]}</td>'
        f'<td class="n">{area["share"]:.3f}</td><td class="n soft">{area["low"]:.3f}–{area["high"]:.3f}</td></tr>'
    )
    head = "".join(f'<th scope="col" class="n">{title}</th>' for title in ("Messages", "Share", "95 % interval"))
    return (
        f'<section><h2>What is out of scope</h2><div class="scroll"><table><thead><tr><th scope="col">Figure</th>{head}'
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _values(sets: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(_TITLES.get(name, name))}</th><td class="n">{item["overall"]["n"]}</td>'
        f'<td class="n">{_percent(item["overall"])}</td><td class="n soft">{_interval(item["overall"])}</td>'
        f'<td class="n">{_percent(item["spans"]) if "spans" in item else "–"}</td>'
        f'<td class="n">{_percent(item["precision"])}</td><td class="n">{_percent(item["recall"])}</td></tr>'
        for name, item in sets.items()
    )
    titles = ("Messages", "Exact set", "95 % interval", "Spans too", "Precision", "Recall")
    head = "".join(f'<th scope="col" class="n">{title}</th>' for title in titles)
    more = "".join(
        f"<details><summary>{escape(_TITLES.get(name, name))}, by language and style</summary>"
        f'<div class="columns"><div>{_bars(item["by_language"], "Language")}</div>'
        f"<div>{_bars(item['by_style'], 'Style')}</div></div>{_wrong(item['wrong'])}</details>"
        for name, item in sets.items()
    )
    return (
        f'<section><h2>Found in messages</h2><div class="scroll"><table><caption>Exact set: the message has exactly '
        f"the wanted values. Spans too: at exactly the wanted places as well.</caption><thead><tr>"
        f'<th scope="col">Set</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}</section>'
    )


def _context(summary: Mapping[str, Any]) -> str:
    return f"""<section><h2>Answers in context</h2>
<p>{_percent(summary["overall"])} right of {summary["overall"]["n"]}, played by the real dialogue with the question
open. In {_percent(summary["asked_back"])} it asked what was meant; these count as wrong.</p>
<div class="columns"><div><h3>By language</h3>{_bars(summary["by_language"], "Language")}</div>
<div><h3>By open question</h3>{_bars(summary["by_question"], "Question")}</div></div>
{_wrong(summary["wrong"])}</section>"""


def _cost(cost: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(item["title"])}</th><td class="n">{item["value"]:g}</td>'
        f'<td class="soft">{escape(item.get("note", ""))}</td></tr>'
        for item in cost.values()
    )
    return f'<section><h2>Cost</h2><div class="scroll"><table><tbody>{rows}</tbody></table></div></section>'


def _compared(title: str, results: Sequence[Mapping[str, Any]], source: str = "") -> str:
    languages = list(results[0]["intents"]["by_language"])
    head = "".join(f'<th scope="col" class="n">{escape(_LANGUAGES.get(name, name))}</th>' for name in languages)
    columns = {
        "cpu_ms_p50": "CPU ms p50",
        "cpu_ms_p95": "p95",
        "resident_mib": "MiB resident",
        "model_mib": "MiB model",
        "training_cpu_seconds": "CPU s training",
    }
    head = f'<th scope="col" class="n">Against the first, points</th>{head}<th scope="col" class="n">AUROC</th>'
    head += "".join(f'<th scope="col" class="n">{name}</th>' for name in columns.values())
    rows = []
    for item in results:
        shares = (item["intents"]["by_language"][name] for name in languages)
        cells = "".join(f'<td class="n">{_with_interval(figures)}</td>' for figures in shares)
        cells += f'<td class="n">{item["intents"]["scope"]["auroc"]["share"]:.3f}</td>'
        cells += "".join(f'<td class="n">{item[name]:g}</td>' for name in columns)
        rows.append(
            f'<tr><th scope="row">{escape(item["title"])}</th>'
            f'<td class="n">{_with_interval(item["intents"]["overall"])}</td>'
            f'<td class="n">{escape(difference(item))}</td>{cells}</tr>'
        )
    note = f'<p class="soft">{escape(source)}</p>' if source else ""
    return (
        f'<section><h2>{escape(title)}</h2>{note}<div class="scroll" role="region" tabindex="0" '
        f'aria-label="{escape(title)}"><table><thead><tr><th scope="col">Pipeline</th>'
        f'<th scope="col" class="n">All</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div></section>'
    )


def _method(report: Mapping[str, Any]) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in report["method"])
    return f"<section><h2>How it is measured</h2><ul>{lines}</ul></section>"


def _bars(groups: Mapping[str, Mapping[str, Any]], title: str) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(_LANGUAGES.get(name, name))}</th><td class="n soft">{item["n"]}</td>'
        f'<td class="n">{_percent(item)}</td><td class="chart">{_bar(item)}</td></tr>'
        for name, item in groups.items()
    )
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">{escape(title)}</th><th scope="col" class="n">n</th>'
        f'<th scope="col" class="n">Right</th><th scope="col">50–100 %, with interval</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _bar(item: Mapping[str, Any]) -> str:
    """A bar from 50 to 100 percent with its interval; the figures stand beside it in the table."""
    value, low, high = (max(0.0, 200 * (item[name] - 0.5)) for name in ("share", "low", "high"))
    colour = "var(--bar)" if item["share"] >= 0.9 else "var(--weak)"
    return (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect x="0" y="2" width="100" height="6" fill="var(--ground)"/>'
        f'<rect x="0" y="2" width="{value:.1f}" height="6" fill="{colour}"/>'
        f'<path d="M{low:.1f} 5H{high:.1f}M{low:.1f} 3V7M{high:.1f} 3V7" stroke="var(--ink)" stroke-width="1.4" '
        'vector-effect="non-scaling-stroke" fill="none"/></svg>'
    )


def _wrong(items: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td class="soft">{escape(item["id"])}</td><td{_voice(item["lang"])}>'
        f"{escape(item['text'])}{_question(item)}</td>"
        f"<td><code>{escape(_short(item['wanted']))}</code></td><td><code>{escape(_short(item['found']))}</code></td></tr>"
        for item in items
    )
    if not rows:
        return ""
    return (
        f'<details><summary>What went wrong</summary><div class="scroll"><table><thead><tr><th scope="col">Line</th>'
        f'<th scope="col">Message</th><th scope="col">Wanted</th><th scope="col">Found</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _question(item: Mapping[str, Any]) -> str:
    return f' <span class="soft" lang="en">(asked: {escape(item["asking"])})</span>' if "asking" in item else ""


def _voice(language: str) -> str:
    return f' lang="{_VOICES[language]}"' if language in _VOICES else ""


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _percent(item: Mapping[str, Any]) -> str:
    return f"{100 * item['share']:.1f} %"


def _interval(item: Mapping[str, Any]) -> str:
    return f"{100 * item['low']:.1f}–{100 * item['high']:.1f} %"


def _with_interval(item: Mapping[str, Any]) -> str:
    half = 50 * (item["high"] - item["low"])
    return f"{100 * item['share']:.1f} ±{half:.1f}"
