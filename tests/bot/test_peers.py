"""The pipelines that the guide is compared with, and training one for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.evaluation import peers, workbench
from tools.evaluation.peers import Pipeline

EXAMPLES = """\
version: "3.1"
nlu:
- intent: yes
  examples: |
    - yes
    - sure thing
    - 好的
- intent: later
  examples: |
    - another time
    - not now
    - 以后再说
"""
MESSAGES = "1\tyes\ten\tshort\tyes\n2\tlater\tzh-Hans\tshort\t以后再说\n3\tout_of_scope\ten\tshort\tzebra\n"


def test_rasas_own_pipelines_are_rasas_own() -> None:
    guide, default, jieba = peers.pipelines(epochs=3)
    names = [component["name"] for component in default.components]
    assert names[0] == "WhitespaceTokenizer"
    assert "ResponseSelector" not in names
    assert {"CountVectorsFeaturizer", "DIETClassifier", "FallbackClassifier"} <= set(names)
    diet = next(component for component in default.components if component["name"] == "DIETClassifier")
    assert diet["epochs"] == 3
    assert [component["name"] for component in jieba.components] == ["JiebaTokenizer", *names[1:]]
    assert guide.components == peers.own_components()
    assert "DIETClassifier" not in {component["name"] for component in guide.components}


@pytest.mark.slow
def test_training_and_measuring_for_real(tmp_path: Path) -> None:
    data, intents = tmp_path / "nlu.yml", tmp_path / "intents.tsv"
    data.write_text(EXAMPLES, encoding="utf-8")
    intents.write_text(MESSAGES, encoding="utf-8")
    components = [
        {"name": "JiebaTokenizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "LogisticRegressionClassifier"},
        {"name": "FallbackClassifier", "threshold": 0.3},
    ]
    pipeline = Pipeline("small", "A small one", components, language="zh")
    [result] = peers.compare([pipeline], tmp_path / "out", data, intents)
    assert result["title"] == "A small one"
    assert result["intents"]["overall"]["n"] == 3
    assert result["intents"]["by_language"]["en"]["n"] == 2
    assert result["intents"]["scope"]["caught"]["n"] == 1
    assert result["against_first"] == [0, 0, 0]
    assert result["resident_mib"] > 50
    assert result["training_cpu_seconds"] > 0
    model = tmp_path / "out" / "small" / "model.tar.gz"
    first = model.stat().st_mtime_ns
    workbench.train(components, data, model.parent, language="zh")
    assert model.stat().st_mtime_ns == first  # nothing has changed, so nothing is trained
