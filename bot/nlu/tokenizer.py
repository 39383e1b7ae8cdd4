"""The tokenizer component: English rules for Latin runs, jieba for Han runs."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.segmenter import segmenter
from bot.nlu.text import window


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class BilingualTokenizer(Tokenizer):
    """Cuts messages into words; of long messages only the beginning and the end."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Options every Rasa tokenizer must have."""
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> BilingualTokenizer:
        """Create the component and load the dictionaries now, not at the first message."""
        segmenter().words("ready 准备")
        return cls(config)

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Cut one attribute of a message (see :class:`bot.nlu.segmenter.Segmenter`)."""
        text = message.get(attribute) or ""
        tokens: list[Token] = []
        for start, end in window(text):
            for word in segmenter().words(text[start:end]):
                tokens.append(Token(word.text, start + word.start, start + word.end))
        return tokens
