"""Functions from wildcards to params and resources.

Needs: CONFIG, ENTRY_NAMES, LOCAL_DIGESTS
Makes: param and resource functions
"""

import inspect
import os

from slmrag.config import storage
from slmrag.config.redaction import redact_values


def cache_signature(function):
    """Return the function with its signature stored in it, as Python's `inspect` documents.

    Snakemake asks for the signature in every job: this saves 0.3 of 5.9 s in a plan of 4,113 jobs.
    """
    function.__signature__ = inspect.signature(function)
    return function


def param_without_rerun(function):
    """Return a param function whose value is no reason to rerun: it is not in the provenance.

    ``function`` takes wildcards. Snakemake does not compare a param that depends on ``output`` (nor
    one on ``resources``, which takes longer); tests/workflow/test_reruns.py tests it.
    """
    return cache_signature(lambda wildcards, output: function(wildcards))


def storage_params(table, wildcard, name):
    """Return a param function: the S3 keys for the address of an entry's key; no reason to rerun."""
    kept = {
        one: access_params(resource_keys.entry_with_address(entry, name))
        for one, entry in table.items()
    }
    return param_without_rerun(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def access_params(place):
    """Return the S3 keys of an address: those of ``storage``, or those that it sets itself."""
    return storage.access_params(place, CONFIG.storage)


def checkpoint_uri(table, wildcard, name):
    """Return a param function: the address of the checkpoint in a key of an entry."""
    kept = {one: resource_keys.source(entry, name).uri for one, entry in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def checkpoint_revision(table, wildcard, name):
    """Return a param function: the revision of the checkpoint in a key of an entry."""
    kept = {one: resource_keys.revision(entry, name) for one, entry in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


@param_without_rerun
def redacted_config(wildcards):
    """Return the whole config without its secrets."""
    return redact_values(plain_values(CONFIG))


def entry_name(wildcards, wildcard):
    """Return the entry's name of a wildcard, which is that name or its folder's name."""
    return ENTRY_NAMES.get(wildcards[wildcard], wildcards[wildcard])


def config_params(table, wildcard, part="params"):
    """Return a param function: the keys of an entry that can change the job's output."""
    kept = {name: getattr(one, part)() for name, one in table.items()}
    return cache_signature(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def search_params(part, corpus):
    """Return a param function: a retriever's keys, and the corpus's language if the kind uses it.

    ``corpus`` takes wildcards and returns the corpus's name.
    """
    kept = {name: getattr(one, part)() for name, one in CONFIG.retrievers.items()}

    def keys(wildcards):
        name = entry_name(wildcards, "retriever")
        language = CONFIG.corpora[corpus(wildcards)].language
        used = {"language": language} if CONFIG.retrievers[name].USES_LANGUAGE and language else {}
        return kept[name] | used

    return cache_signature(keys)


def entry_key(table, wildcard, name):
    """Return a param function: one key of an entry."""
    return cache_signature(lambda wildcards: getattr(table[entry_name(wildcards, wildcard)], name))


def content_digest(table, wildcard, name):
    """Return a param function: a local source's digest when the run was planned, else None."""
    sources = {one: resource_keys.source(entry, name) for one, entry in table.items()}
    return cache_signature(
        lambda wildcards: LOCAL_DIGESTS.get(sources[entry_name(wildcards, wildcard)].label)
    )


def hardware_params(table, wildcard):
    """Return a param function: the hardware keys of an entry; ``run_job`` adds the job's resources."""
    kept = {name: one.hardware() for name, one in table.items()}
    return param_without_rerun(lambda wildcards: kept[entry_name(wildcards, wildcard)])


def code_digest_of_kind(script, table, wildcard, chosen):
    """Return a param function: the digest of a script with the modules of the entry's kind.

    ``chosen`` takes an entry and returns the modules' names by registry.
    """
    modules = {name: chosen(one) for name, one in table.items()}
    return cache_signature(
        lambda wildcards: code_digest(script, **modules[entry_name(wildcards, wildcard)])
    )


def mem_mb_per_attempt(megabytes):
    """Return a resource function: memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def mem_mb_by_corpus(least, most):
    """Return a resource function: memory by the size of the corpus.

    60 MB per MB of its table is three times what the most demanding kind of index needs.
    """

    def megabytes(wildcards, input, attempt):
        table = os.path.getsize(input.passages) / 1e6
        return attempt * min(most, least + round(60 * table))

    return megabytes


def runtime_for(minutes, attempt):
    """Return the minutes of an attempt: they grow up to a day, the limit of many partitions."""
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
    return [
        {"model": wildcards.model, "dataset": d, "mode": m, **answer_language(d)} for d, m in cells
    ]


def answer_language(dataset):
    """Return the language of a data set's answers as a param, if its entry has one."""
    language = CONFIG.datasets[dataset].language
    return {"language": language} if language else {}
