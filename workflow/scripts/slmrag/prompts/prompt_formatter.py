"""Turns a row of the table of prompts into the text and tokens that one model reads."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from slmrag.config.chat_options import OWN_TEMPLATE_CHOICES
from slmrag.errors import UserError
from slmrag.models import thinking
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.reasoning import tag_tokens
from slmrag.models.tokenizer import CheckpointTokenizer, fits_by_bytes
from slmrag.prompts.template import Passage, prompt_digest, render
from slmrag.prompts.truncation import MakePrompt, Prompt, truncate, truncate_as_before

logger = logging.getLogger(__name__)
FindCompletion = Callable[[str], Mapping[str, Any] | None]
# Increased when an edit changes how a prompt that does not fit is cut.
TRUNCATION_REVISION = 1


class PromptFormatter:
    """The chat template, the tokenizer and the context length of one model."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        max_tokens: int,
        checkpoint: Checkpoint | None,
        remote: bool = False,
    ) -> None:
        self._entry, self._max_tokens, self._checkpoint = entry, max_tokens, checkpoint
        self.remote_chat = remote and entry.get("chat_template") in OWN_TEMPLATE_CHOICES
        self._tokens = CheckpointTokenizer(checkpoint.path) if checkpoint else None

    @cached_property
    def max_model_len(self) -> int | None:
        """Maximum tokens of prompt and answer: the entry's, else the checkpoint's, else None."""
        asked = self._entry.get("max_model_len")
        if self._checkpoint is None:
            return asked
        known = self._checkpoint.positions
        if asked and known and asked > known.most:
            raise UserError(
                f"max_model_len: {asked} is more than the {known.most} tokens of the checkpoint; "
                "lower it or leave it out"
            )
        if not asked and known is None:
            logger.warning(
                "%s: its config.json does not say how many tokens the model reads, so no prompt is "
                "cut, and answers beyond that number may be noise; set max_model_len",
                self._checkpoint.path,
            )
        return asked or (known.usual if known else None)

    @cached_property
    def max_prompt_tokens(self) -> int | None:
        """Maximum tokens of a prompt, None where no limit is known."""
        if self.max_model_len is None:
            return None
        if self._max_tokens >= self.max_model_len:
            raise UserError(
                f"max_tokens: {self._max_tokens} leaves no room for a prompt in the "
                f"{self.max_model_len} tokens of the model; lower max_tokens"
            )
        return self.max_model_len - self._max_tokens

    @cached_property
    def _chat(self) -> thinking.Chat | None:
        path = self._checkpoint.path if self._checkpoint else None
        return None if self.remote_chat else thinking.chat_of(self._entry, path)

    @cached_property
    def reasons(self) -> bool:
        """Whether the model reasons before it answers; then stop strings count only afterwards."""
        return thinking.is_to_reason(self._entry, self._chat)

    @cached_property
    def kept_tokens(self) -> list[str]:
        """The reasoning tags that are special tokens, which decoding would leave out."""
        return tag_tokens(self._tokens.special_texts) if self._tokens else []

    @property
    def dropped_tokens(self) -> list[str] | None:
        """The special tokens to remove from a text, other than these tags; None without tags."""
        if self._tokens is None or not self.kept_tokens:
            return None
        return [token for token in self._tokens.special_texts if token not in self.kept_tokens]

    @property
    def chat(self) -> bool:
        """Whether the prompt is put into a chat template, which has its own special tokens."""
        return self._chat is not None

    def prompt(
        self, row: Mapping[str, Any], recall: FindCompletion = lambda digest: None
    ) -> Prompt:
        """Return the prompt of a row (template, question, passages), cut to fit the model.

        ``recall`` returns the cached completion of a prompt, or of the prompt it was cut to: then
        no tokens need to be counted.
        """
        question, passages = row["question"], row["passages"]
        if self._tokens:
            question = self._tokens.escape_special_tokens(question)
            passages = [
                {k: self._tokens.escape_special_tokens(p[k] or "") for k in p} for p in passages
            ]
        make = self._maker(row["template"])
        text = make(question, passages)
        if self._fits_by_bytes(text) or self._fitted_before(recall(prompt_digest(text))):
            return Prompt(text, len(passages))
        whole = self._digest_of_whole(text, passages)
        if made := recall(whole):
            kept = made["passages"], made["words_cut"]
            prompt = truncate_as_before(make, question, passages, *kept)
            if prompt_digest(prompt.text) == made["digest"]:  # older code counted words otherwise
                return prompt._replace(whole=whole)
        try:
            prompt = truncate(make, question, passages, self._fits)
        except UserError as error:
            raise UserError(f"question {row['question_id']!r}: {error}") from error
        return prompt if prompt.text == text else prompt._replace(whole=whole)

    def _digest_of_whole(self, text: str, passages: Sequence[Passage]) -> str:
        """Return the digest of a prompt that is too long and of all that its truncation needs."""
        lengths = [len(passage["text"]) for passage in passages]
        return prompt_digest(f"{TRUNCATION_REVISION} {self.max_prompt_tokens} {lengths}\n{text}")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of prompts."""
        assert self._tokens is not None
        return self._tokens.encode(texts, special=not self.chat)

    def _maker(self, template: str) -> MakePrompt:
        def make(question: str, passages: Sequence[Passage]) -> str:
            text = render(template, question, passages)
            return self._chat.render(text) if self._chat else text

        return make

    def _fits_by_bytes(self, text: str) -> bool:
        most = self.max_prompt_tokens
        return most is None or self._tokens is None or fits_by_bytes(text, most)

    def _fitted_before(self, made: Mapping[str, Any] | None) -> bool:
        tokens = made["prompt_tokens"] if made else None
        return tokens is not None and tokens <= (self.max_prompt_tokens or 0)

    def _fits(self, text: str) -> bool:
        most = self.max_prompt_tokens
        if most is None or self._tokens is None or self._fits_by_bytes(text):
            return True
        return self._tokens.fits_tokens(text, most, special=not self.chat)
