"""A cluster's partitions are read strictly: each mistake is named by file and key."""

from pathlib import Path

import pytest
from slmrag.dag.slurm_partitions import check, files
from slmrag.errors import UserError

PROFILE = Path(__file__).parents[2] / "profiles/slurm"
BROKEN = [
    ("partitions: {gpu: {max_gpus: 8}}", "partitions.gpu.max_gpus: unknown key; did you mean 'max"),
    ("partitions: {gpu: {zzz: 8}}", "partitions.gpu.zzz: unknown key; use one of "),
    ("partitons: {gpu: {}}", "partitons: unknown key; did you mean 'partitions'?"),
    ("partitions: {gpu: {max_gpu: eight}}", "partitions.gpu.max_gpu: no number"),
    ("partitions: {gpu: {max_gpu: -1}}", "partitions.gpu.max_gpu: no number"),
    ("partitions: {gpu: {max_runtime: long}}", "partitions.gpu.max_runtime: no time"),
    ("partitions: {gpu: {max_runtime: }}", "partitions.gpu.max_runtime: no time"),
    ("partitions: {gpu: {supports_mpi: 2}}", "partitions.gpu.supports_mpi: neither true nor false"),
    ("partitions: {gpu: {available_gpu_models: a100}}", "available_gpu_models: no list of names"),
    ("partitions: {gpu: {cluster: 2}}", "partitions.gpu.cluster: no name"),
    ("partitions: {gpu: }", "partitions.gpu: no name with a table"),
    ("partitions: {7: {max_gpu: 8}}", "partitions.7: no name with a table"),
    ("partitions: [gpu]", "partitions: missing or no table"),
    ("partitions:", "partitions: missing or no table"),
    ("partitions: {a: {}, a: {}}", "line 1: 'a' stands twice"),
    ("partitions: {a: {", "line 1"),
    ("", "holds no table of keys"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_mistake_is_named_with_its_file_and_key(tmp_path, text, expected):
    """An unknown key, a value of another kind and broken YAML each get a sentence."""
    path = tmp_path / "partitions.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        check(path)
    assert str(error.value).startswith(str(path))
    assert expected in str(error.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    """Two mistakes are two lines."""
    path = tmp_path / "partitions.yaml"
    path.write_text("partitions: {a: {max_gpus: 1}, b: {max_memmb: 1}}")
    with pytest.raises(UserError) as error:
        check(path)
    assert len(str(error.value).splitlines()) == 2


def test_what_the_plugin_can_read_passes(tmp_path):
    """Our own file, and one with each kind of limit."""
    check(PROFILE / "partitions.yaml")
    path = tmp_path / "partitions.yaml"
    limits = "max_mem_mb: 1.5, max_runtime: 2-12:00:00, available_gpu_models: [a100], cluster: x"
    path.write_text(f"partitions: {{gpu: {{{limits}, supports_mpi: false}}, main: {{}}}}")
    check(path)


def test_the_file_is_the_one_that_the_command_line_names(monkeypatch, tmp_path):
    """The profile's, else the option's, else the environment's; none where Slurm is not used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    (tmp_path / "other.yaml").write_text("partitions: {a: {}}")
    named = ["--executor", "slurm", "--slurm-partition-config", "other.yaml"]
    assert files(["-n"]) == files(["--profile", "default", "-n"]) == files(["--slurm"]) == []
    assert files(named) == ["other.yaml"]
    assert [Path(path).resolve() for path in files(["--profile", str(PROFILE), "-n"])] == [
        PROFILE / "partitions.yaml"
    ]
    monkeypatch.setenv("SNAKEMAKE_SLURM_PARTITIONS", "other.yaml")
    assert files(["--executor", "slurm"]) == ["other.yaml"]
