"""The training data importer: one domain from ``domain.yml`` and the topic files beside it, nothing defined twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Text, Union

import yaml
from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter

from bot.wording import catalogue

_SECTIONS_OF_MAPPINGS = ("responses", "slots", "forms")


class DomainError(Exception):
    """The domain files contradict each other."""


class _StrictLoader(yaml.SafeLoader):
    """A YAML reader that does not accept the same key twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Dict[Any, Any]:
        """Build a mapping; raises :class:`DomainError` for a key that occurs twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise DomainError(f"{node.start_mark.name}: defined twice: {', '.join(twice)}")
        return super().construct_mapping(node, deep)


def domain_files(domain_path: Union[Text, Path]) -> List[Path]:
    """List the files of the domain: the given one and all of the folder ``domain`` beside it."""
    main = Path(domain_path)
    return [main, *sorted((main.parent / "domain").glob("**/*.yml"))]


def read_domain(files: List[Path]) -> Dict[Text, Any]:
    """Merge domain files.

    Raises:
        DomainError: A response, slot, intent, entity, action or setting is defined twice.
    """
    merged: Dict[Text, Any] = {}
    for file in files:
        with file.open(encoding="utf-8") as lines:
            content = yaml.load(lines, Loader=_StrictLoader) or {}  # noqa: S506 (a SafeLoader)
        for section, value in content.items():
            if section == "version" or section not in merged:
                merged[section] = value
            elif section in _SECTIONS_OF_MAPPINGS:
                _refuse_twice(file, section, set(merged[section]) & set(value))
                merged[section] = {**merged[section], **value}
            elif isinstance(value, list):
                _refuse_twice(file, section, {str(item) for item in merged[section]} & {str(item) for item in value})
                merged[section] = [*merged[section], *value]
            else:
                _refuse_twice(file, section, {section})
    return merged


def _refuse_twice(file: Path, section: Text, names: set[str]) -> None:
    if names:
        raise DomainError(f"{file}: {section} defined twice: {', '.join(sorted(names))}")


class GuideImporter(RasaFileImporter):
    """Reads training data as Rasa does, and the domain strictly."""

    def __init__(
        self,
        config_file: Optional[Text] = None,
        domain_path: Optional[Text] = None,
        training_data_paths: Optional[Union[List[Text], Text]] = None,
    ) -> None:
        super().__init__(config_file, domain_path, training_data_paths)

    def get_domain(self) -> Domain:
        """Return the merged domain; every wording in it exists in all languages."""
        if not self._domain_path:
            return Domain.empty()
        content = read_domain(domain_files(self._domain_path))
        catalogue(content.get("responses", {}))
        return Domain.from_dict(content)
