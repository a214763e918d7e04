"""From what a model wrote to the answer that is scored."""

import re

REASONING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
LABEL = re.compile(r"\A\s*(?:\*\*)?(?:Final answer|Answer|A)\s*:(?:\*\*)?[ \t]*", re.IGNORECASE)
RUN_ON = re.compile(
    r"\n\s*(?:Question|Q|Context|Passage(?: \d+)?|Answer|A|Human|User|Assistant)\s*:"
    r"|<\|im_(?:end|start)\|>|<end_of_turn>|</s>|<eos>|<\|endoftext\|>",
    re.IGNORECASE,
)


def without_reasoning(text: str, opened: bool = False) -> str:
    """Drop ``<think>`` blocks; ``opened`` says that the prompt itself began one."""
    if opened or ("</think>" in text and "<think>" not in text):
        text = "<think>" + text
    return REASONING.sub("", text)


def trim(text: str, prompt: str = "") -> str:
    """Return the first line with an answer: no reasoning, no label, no run-on after it.

    A first line that ends in a colon only announces the answer, so the next line joins it.
    """
    text = without_reasoning(text, opened=prompt.rstrip().endswith("<think>"))
    text = LABEL.sub("", text, count=1)
    lines = [line.strip() for line in RUN_ON.split(text, maxsplit=1)[0].splitlines()]
    lines = [line for line in lines if line]
    answer = lines[0] if lines else ""
    return f"{answer} {lines[1]}" if answer.endswith(":") and len(lines) > 1 else answer
