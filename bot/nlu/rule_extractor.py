"""The component that hands messages to the rule extractors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.rules import extract_all


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class GuideEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Finds all entities by rules; nothing is learned."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Options: none; "today" is the day in the zone of the machine (set ``TZ`` to the zone of the people
        served).
        """
        return {}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GuideEntityExtractor:
        """Create the component and read the lexicons now, not at the first message."""
        extract_all("ready 准备", datetime.now().astimezone().date())
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the entities of each message; a message's own time (metadata ``at``) decides what "today" is."""
        for message in messages:
            text = message.get(TEXT) or ""
            if not text.strip() or text.startswith("/"):
                continue
            metadata: dict[str, Any] | None = message.get("metadata")
            entities = [entity.as_dict() for entity in extract_all(text, self._today(metadata))]
            message.set(
                ENTITIES,
                message.get(ENTITIES, []) + self.add_extractor_name(entities),
                add_to_output=True,
            )
        return messages

    def _today(self, metadata: dict[str, Any] | None) -> Any:
        at = (metadata or {}).get("at")
        moment = datetime.fromisoformat(at.replace("Z", "+00:00")) if at else datetime.now().astimezone()
        return moment.astimezone().date()
