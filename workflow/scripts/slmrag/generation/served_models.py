"""What an endpoint says answered: ids of models and fingerprints, in the records of its runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
LISTS_OF_NAMES = {"served_models": "model id", "system_fingerprints": "fingerprint"}


def told(records: Iterable[Record], name: str) -> list[str]:
    """Return all that some runs say in a list of this name, as in ``LISTS_OF_NAMES``; sorted."""
    return sorted({one for record in records for one in record.get(name) or ()})


def warnings_of_new_names(record: Record, earlier: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence for what no earlier run said, where any said something of its kind."""
    for name, words in LISTS_OF_NAMES.items():
        known, now = told(earlier, name), told([record], name)
        if known and (new := [one for one in now if one not in known]):
            yield (
                f"the endpoint now answers as {words} {', '.join(new)}, and earlier answers of "
                f"the journal are of {', '.join(known)}: the model behind the name may have changed"
            )
