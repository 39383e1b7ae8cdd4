"""The component that tells the language and the script of a message."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.script import message_language

SCRIPT = "script"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class ScriptDetector(GraphComponent):
    """Adds ``script`` to the parse data: ``{"language": "en" | "zh-Hans" | "zh-Hant" | "zh" | None}``."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ScriptDetector:
        """Create the component and read the lexicons now, not at the first message."""
        message_language("请 ready")
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the language of each message."""
        for message in messages:
            message.set(SCRIPT, {"language": message_language(message.get(TEXT) or "")}, add_to_output=True)
        return messages
