"""Names of folders of shared resources: ``resources/{kind}/{entry}-{8 hex digits}``.

The digits are a digest of the entry and of all that it is made from. So two experiments that agree
on both share a folder, two that differ do not, and an earlier config finds its folders again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from slmrag.config.base import REVISIONS, Entry, address
from slmrag.config.data import CorpusEntry, DatasetEntry
from slmrag.config.folder_names import folder_name
from slmrag.config.hub_names import named_revision
from slmrag.config.schema import Config
from slmrag.config.storage import AddressEntry, access_params, endpoint_of
from slmrag.dag.local_sources import Digests, Source
from slmrag.storage.local import is_local

Names = Mapping[str, str]


@dataclass(frozen=True)
class Keys:
    """The folder's name of each entry, by entry name; ``coverage`` has data sets with a corpus."""

    objects: Names
    corpora: Names
    datasets: Names
    coverage: Names
    encoders: Names
    query_encoders: Names
    indexes: Names
    models: Names
    judge: str | None

    def entries(self) -> dict[str, str]:
        """Return the entry's name by the folder's name."""
        tables = (table for table in vars(self).values() if isinstance(table, Mapping))
        return {key: name for table in tables for name, key in table.items()}


class Download(NamedTuple):
    """A download of a run, and the manifest of its files."""

    what: str
    source: Source
    revision: str | None
    manifest: str
    storage: Mapping[str, Any] | None = None
    """Its S3 keys, if they are not those of ``storage``."""


def source(entry: Entry, name: str) -> Source:
    """Return the source of the files that a key of an entry names."""
    pickles = bool(getattr(entry, "allow_pickle", None))
    return Source(address(getattr(entry, name, None)), name != "uri", pickles)


def entry_with_address(entry: Entry, name: str) -> str | AddressEntry | None:
    """Return what holds a key's address: the entry itself for an object, else the key's value."""
    return entry if isinstance(entry, AddressEntry) else getattr(entry, name, None)


def sources(config: Config) -> Iterator[Source]:
    """Yield every source that the config names, local or not."""
    judge = [config.judge.model] if config.judge else []
    yield from (source(entry, "uri") for entry in config.objects.values())
    for retriever in config.retrievers.values():
        yield from (source(retriever, name) for name in sorted(retriever.checkpoints()))
    for model in [*config.models.values(), *judge]:
        if model.checkpoint:
            yield source(model, "checkpoint")


def keys(config: Config, local: Digests) -> Keys:
    """Return the folders' names of a config, given the digests of its local sources."""
    objects = {
        name: folder_name(name, entry.params(), local.get(source(entry, "uri").label))
        for name, entry in config.objects.items()
    }
    corpora, datasets = (
        {name: _data_folder(name, entry, objects) for name, entry in table.items()}
        for table in (config.corpora, config.datasets)
    )
    encoders, queries, models = (
        {name: _checkpoint_folder(name, entry, which, local) for name, entry in table.items()}
        for table, which in (
            (config.retrievers, "encoder"),
            (config.retrievers, "query_encoder"),
            (config.models, "checkpoint"),
        )
    )
    coverage = {
        name: folder_name(name, datasets[name], corpora[entry.corpus])
        for name, entry in config.datasets.items()
        if entry.corpus
    }
    indexes = {
        name: folder_name(name, entry.build_params(), encoders[name])
        for name, entry in config.retrievers.items()
    }
    judge = (
        _checkpoint_folder("judge", config.judge.model, "checkpoint", local)
        if config.judge
        else None
    )
    return Keys(objects, corpora, datasets, coverage, encoders, queries, indexes, models, judge)


def downloads(config: Config, keys: Keys) -> Iterator[Download]:
    """Yield all downloads from other machines."""
    table: list[tuple[str, Entry, str, str]] = [
        *((f"object '{n}'", e, "uri", f"raw/{keys.objects[n]}") for n, e in config.objects.items()),
        *(
            (f"model '{n}'", e, "checkpoint", f"models/{keys.models[n]}")
            for n, e in config.models.items()
        ),
        *(
            (f"{kind} of '{n}'", e, kind, f"{kind}s/{getattr(keys, f'{kind}s')[n]}")
            for n, e in config.retrievers.items()
            for kind in sorted(e.checkpoints())
        ),
    ]
    if config.judge:
        table.append(
            ("the judge's model", config.judge.model, "checkpoint", f"judges/{keys.judge}")
        )
    for what, entry, key, folder in table:
        found = source(entry, key)
        if found.uri and not is_local(found.uri):
            how = access_params(entry_with_address(entry, key), config.storage)
            yield Download(what, found, revision(entry, key), f"resources/{folder}.json", how)


def revision(entry: Entry, key: str) -> str | None:
    """Return the revision of a checkpoint, by its own key or in its address; None without one."""
    own = getattr(entry, REVISIONS.get(key, ""), None)
    return own or named_revision(address(getattr(entry, key, None)))


def _data_folder(name: str, entry: CorpusEntry | DatasetEntry, objects: Names) -> str:
    return folder_name(name, entry.build_params(), [objects[used] for used in entry.objects()])


def _checkpoint_folder(name: str, entry: Entry, which: str, local: Digests) -> str:
    """Return the folder's name of a checkpoint; without one, it is a name that nothing uses."""
    found = source(entry, which)
    endpoint = endpoint_of(entry_with_address(entry, which))
    return folder_name(name, *found, revision(entry, which), local.get(found.label), *endpoint)
