"""Which models an endpoint says have answered: ids and fingerprints in the records of runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
LISTS_OF_NAMES = {"served_models": "model id", "system_fingerprints": "fingerprint"}


def listed_names(records: Iterable[Record], name: str) -> list[str]:
    """Return all that runs recorded in a list, such as one of ``LISTS_OF_NAMES``; sorted."""
    return sorted({one for record in records for one in record.get(name) or ()})


def warnings_of_new_names(record: Record, earlier: Sequence[Record]) -> Iterator[str]:
    """Yield a warning for names that no earlier run recorded, where earlier runs recorded any."""
    for name, words in LISTS_OF_NAMES.items():
        known, now = listed_names(earlier, name), listed_names([record], name)
        if known and (new := [one for one in now if one not in known]):
            yield (
                f"the endpoint now answers as {words} {', '.join(new)}, and earlier answers of "
                f"the journal are of {', '.join(known)}: the model behind the name may have changed"
            )
