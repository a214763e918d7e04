"""What a job was given to work with, told to its script by a param that is no reason to rerun."""

from typing import Any

from slmrag.job import gpu_lock


def allot(snakemake: Any) -> None:
    """Add GPUs, threads and MB of memory to ``params.hardware``, where a rule has that param.

    ``gpus_asked`` are the GPUs that the entry itself asks for: these a job cannot do without.
    ``gpus_shown`` are those of the machine, where the entry says nothing of GPUs.
    """
    hardware = getattr(snakemake.params, "hardware", None)
    if hardware is None:
        return
    given = {name: snakemake.resources.get(name) for name in ("gpu", "mem_mb")}
    hardware["gpus_shown"] = gpu_lock.shown() if hardware.get("gpus") is None else 0
    hardware["gpus_asked"] = int(hardware.get("gpus") or 0)
    hardware |= {"gpus": int(given["gpu"] or 0), "threads": int(snakemake.threads)}
    if given["mem_mb"]:
        hardware["mem_mb"] = int(given["mem_mb"])
