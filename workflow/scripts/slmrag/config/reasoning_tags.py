"""The tags around a reasoning, by family of models; the key ``reasoning`` takes these names.

After vLLM's reasoning parsers (``vllm/reasoning``, ``vllm/parser``, version 0.32) and model cards.
"""

from typing import NamedTuple


class Tags(NamedTuple):
    """What may begin and end a reasoning, as it is written.

    ``unambiguous`` tags mean nothing else, so the end alone shows that there was a reasoning.
    ``plain_words`` are words too: they begin a reasoning only if its end or a capital letter
    follows.
    """

    begin: tuple[str, ...]
    end: tuple[str, ...]
    unambiguous: bool = True
    plain_words: bool = False


def _tag_pair(name: str) -> Tags:
    return Tags((f"<{name}>",), (f"</{name}>",))


_CHANNELS = "<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>"
REASONING_TAGS: dict[str, tuple[Tags, ...]] = {
    # DeepSeek-R1 and V3.1, Qwen3, QwQ, GLM, Nemotron, Phi-4-reasoning, OLMo 3, Granite 3.3, Hunyuan
    "think": (_tag_pair("think"), _tag_pair("mm:think")),
    "thinking": (_tag_pair("thinking")._replace(unambiguous=False),),
    "exaone": (_tag_pair("thought"),),
    "magistral": (Tags(("[THINK]",), ("[/THINK]",)),),
    "granite": (
        Tags(
            ("Here is my thought process:", "Here's my thought process:"),
            ("Here is my response:", "Here's my response:"),
            unambiguous=False,
        ),
    ),
    "harmony": (
        Tags(
            (*_CHANNELS, *(f"<|start|>assistant{one}" for one in _CHANNELS)),
            ("<|channel|>final<|message|>",),
        ),
        # The same where a server has left its special tokens out.
        Tags(("analysis",), ("assistantfinal",), unambiguous=False, plain_words=True),
    ),
    "seed": (_tag_pair("seed:think"),),
    "cohere": (Tags(("<|START_THINKING|>",), ("<|END_THINKING|>",)),),
    "kimi": (Tags(("◁think▷",), ("◁/think▷",)),),
    "gemma": (Tags(("<|channel>thought",), ("<channel|>",)),),
    "plamo": (Tags(("<|plamo:begin_think:plamo|>",), ("<|plamo:end_think:plamo|>",)),),
    "apertus": (Tags(("<|inner_prefix|>",), ("<|inner_suffix|>",)),),
    "reasoning": (_tag_pair("reasoning")._replace(unambiguous=False),),
    "reflection": (_tag_pair("reflection")._replace(unambiguous=False),),
}
