"""The training data importer: one domain from ``domain.yml`` and the topic files beside it, nothing defined twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter

from bot import patches
from bot.wording import catalogue, read_yaml

_SECTIONS_OF_MAPPINGS = ("responses", "slots", "forms")


class DomainError(Exception):
    """The domain files contradict each other."""


def domain_files(domain_path: str | Path) -> list[Path]:
    """List the files of the domain: the given one and all of the folder ``domain`` beside it."""
    main = Path(domain_path)
    return [main, *sorted((main.parent / "domain").glob("**/*.yml"))]


def read_domain(files: list[Path]) -> dict[str, Any]:
    """Merge domain files.

    Raises:
        WordingError: A key stands twice in one mapping.
        DomainError: A response, slot, intent, entity, action or setting is defined twice.
    """
    merged: dict[str, Any] = {}
    for file in files:
        for section, value in read_yaml(file).items():
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


def _refuse_twice(file: Path, section: str, names: set[str]) -> None:
    if names:
        raise DomainError(f"{file}: {section} defined twice: {', '.join(sorted(names))}")


class GuideImporter(RasaFileImporter):
    """Reads training data as Rasa does, and the domain strictly."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        patches.apply()
        super().__init__(config_file, domain_path, training_data_paths)

    def get_domain(self) -> Domain:
        """Return the merged domain without its responses, having checked that each exists in all languages.

        The responses are read by :class:`bot.wording.LanguageNLG`; inside the model they would cost ten seconds at
        every start and a training for every changed word.
        """
        if not self._domain_path:
            return Domain.empty()
        content = read_domain(domain_files(self._domain_path))
        catalogue(content.pop("responses", {}))
        return Domain.from_dict(content)
