"""Functions from wildcards to params and resources.

Needs: CONFIG, ENTRY_NAMES, LOCAL
Makes: param and resource functions
"""

import inspect
import os

from slmrag.config import storage
from slmrag.config.redaction import redact_values


def cache_signature(function):
    """Return the function with its signature written on it, as Python documents for `inspect`.

    Snakemake asks for the signature in every job: this saves 0.3 of 5.9 s of a plan of 4,113 jobs.
    """
    function.__signature__ = inspect.signature(function)
    return function


def unrecorded(function):
    """Return a param function that is kept out of provenance: its value is no reason to rerun.

    ``function`` takes wildcards. Snakemake does not compare a param that hangs on ``output`` (nor one
    on ``resources``, which it would have to work out); tests/workflow/test_reruns.py would see it.
    """
    return cache_signature(lambda wildcards, output: function(wildcards))


def storage_params(table, wildcard, name):
    """Return a param function: how to reach what an entry names under a key, out of provenance."""
    kept = {
        one: access_params(resource_keys.entry_with_address(entry, name))
        for one, entry in table.items()
    }
    return unrecorded(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def access_params(place):
    """Return how to reach a place of S3: the keys of ``storage``, its own in place of them."""
    return storage.access_params(place, CONFIG.storage)


def checkpoint_uri(table, wildcard, name):
    """Return a param function: the address of the checkpoint that an entry names under a key."""
    kept = {one: resource_keys.source(entry, name).uri for one, entry in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def checkpoint_revision(table, wildcard, name):
    """Return a param function: the revision of the checkpoint that an entry names under a key."""
    kept = {one: resource_keys.revision(entry, name) for one, entry in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


@unrecorded
def redacted_config(wildcards):
    """Return the whole config without its secrets."""
    return redact_values(plain_values(CONFIG))


def entry_name(wildcards, wildcard):
    """Return the name of the entry that a wildcard is, or whose folder it is."""
    return ENTRY_NAMES.get(wildcards[wildcard], wildcards[wildcard])


def config_params(table, wildcard, part="params"):
    """Return a param function: the keys of an entry that can change what a job makes."""
    kept = {name: getattr(one, part)() for name, one in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def search_params(part, corpus):
    """Return a param function: a retriever's keys, and the language of the corpus if they read it.

    ``corpus`` takes wildcards and returns the corpus's name.
    """
    kept = {name: getattr(one, part)() for name, one in CONFIG.retrievers.items()}

    def keys(wildcards):
        name = entry_name(wildcards, "retriever")
        language = CONFIG.corpora[corpus(wildcards)].language
        spoken = (
            {"language": language} if CONFIG.retrievers[name].USES_LANGUAGE and language else {}
        )
        return kept[name] | spoken

    return cache_signature(keys)


def entry_key(table, wildcard, name):
    """Return a param function: one key of an entry."""
    return cache_signature(lambda wildcards: getattr(table[entry_name(wildcards, wildcard)], name))


def content_digest(table, wildcard, name):
    """Return a param function: what a local source held when the run was planned, else None."""
    sources = {one: resource_keys.source(entry, name) for one, entry in table.items()}
    return cache_signature(
        lambda wildcards: LOCAL.get(sources[entry_name(wildcards, wildcard)].label)
    )


def hardware_params(table, wildcard):
    """Return a param function: the keys that cannot; ``run_job`` adds what the job was given."""
    kept = {name: one.hardware() for name, one in table.items()}
    return unrecorded(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def code_digest_of_kind(script, table, wildcard, chosen):
    """Return a param function: the digest of a script with the modules that its entry chooses.

    ``chosen`` takes an entry and returns their names by their package.
    """
    modules = {name: chosen(one) for name, one in table.items()}
    return cache_signature(
        lambda wildcards: code_digest(script, **modules[entry_name(wildcards, wildcard)])
    )


def mem_mb_per_attempt(megabytes):
    """Return a resource function: memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def mem_mb_by_corpus(least, most):
    """Return a resource function: memory for work on passages, by their table's size.

    60 MB for each MB of the table is thrice what the hungriest kind of index takes.
    """

    def megabytes(wildcards, input, attempt):
        table = os.path.getsize(input.passages) / 1e6
        return attempt * min(most, least + round(60 * table))

    return megabytes


def runtime_for(minutes, attempt):
    """Return the minutes of an attempt: each gets more, up to a day, the limit of many partitions."""
    return min(minutes * attempt, max(minutes, 1440))


def runtime_per_attempt(minutes):
    """Return a resource function: time that grows with each attempt."""
    return lambda wildcards, attempt: runtime_for(minutes, attempt)


def gpus(wildcards):
    """Return the GPUs that a retriever's jobs ask for."""
    return CONFIG.retrievers[entry_name(wildcards, "retriever")].gpu_count()


@cache_signature
def cells_of_job(wildcards):
    """Return model, data set and mode of each cell that a job makes, in the order of its files."""
    cells = [cell.format(**wildcards).split("/") for cell in JOB_CELLS]
    return [{"model": wildcards.model, "dataset": d, "mode": m, **spoken(d)} for d, m in cells]


def spoken(dataset):
    """Return the language of a data set's answers, where its entry says one."""
    language = CONFIG.datasets[dataset].language
    return {"language": language} if language else {}
