"""The config: every key explained, every mistake named."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from slmrag.config import generate_docs, load
from slmrag.config.models import ModelEntry
from slmrag.errors import UserError

ROOT = Path(__file__).parents[2]
MINIMAL = {
    "experiment": "tiny",
    "objects": {"questions": {"uri": "questions.jsonl"}, "passages": {"uri": "passages.tsv"}},
    "corpora": {"facts": {"object": "passages", "format": "dpr_tsv"}},
    "datasets": {"quiz": {"object": "questions", "format": "dpr", "corpus": "facts"}},
    "retrievers": {"bm25": {"kind": "rank_bm25", "depth": 10}},
    "modes": {
        "no_context": {"context": "none", "prompt": "p.jinja"},
        "bm25_context": {"context": "retriever", "prompt": "p.jinja", "retriever": "bm25"},
    },
    "models": {"tiny": {"checkpoint": "hf:org/tiny"}},
}


def edited(*edits):
    """Return the minimal config with values set at dotted paths."""
    raw = deepcopy(MINIMAL)
    for path, value in edits:
        *parents, last = path.split("/")
        table = raw
        for parent in parents:
            table = table[parent]
        table[last] = value
    return raw


def message(raw):
    """Return what load says of a bad config."""
    with pytest.raises(UserError) as error:
        load.load(raw)
    return str(error.value)


def test_unknown_names_are_told_with_unknown_keys():
    """One message names a misspelt key, a bad value, and names that nothing bears."""
    said = message(
        edited(
            ("models/tiny/temprature", 1),
            ("retrievers/bm25/b", 1.5),
            ("datasets/quiz/corpus", "fact"),
            ("modes/bm25_context/retriever", "bm52"),
        )
    )
    assert "4 problems" in said
    assert "did you mean 'temperature'?" in said and "retrievers.bm25.b: input" in said
    assert "no corpus is called 'fact'" in said and "no retriever is called 'bm52'" in said


def test_an_entry_with_a_bad_value_is_not_told_to_be_unknown():
    """A mistake in an entry makes no second sentence of each mention of its name."""
    said = message(edited(("retrievers/bm25/kind", "rank_bm52"), ("objects/questions/uri", 1)))
    assert "is called" not in said and "2 problems" in said


MISTAKES = [
    ("expermient", "x", "expermient: unknown key; did you mean 'experiment'?"),
    (
        "models/tiny/temprature",
        1,
        "models.tiny.temprature: unknown key; did you mean 'temperature'?",
    ),
    ("retrievers/bm25/k_1", 1, "retrievers.bm25.k_1: unknown key; did you mean 'k1'?"),
    ("retrievers/bm25/kind", "rank_bm52", "did you mean 'rank_bm25'?"),
    ("retrievers/bm25/b", 1.5, "retrievers.bm25.b: input should be less than or equal to 1"),
    ("datasets/quiz/object", "question", "no object is called 'question'; did you mean 'questions"),
    ("datasets/quiz/corpus", "fact", "no corpus is called 'fact'; did you mean 'facts'?"),
    ("datasets/quiz/format", "drp", "did you mean 'dpr'?"),
    ("modes/bm25_context/retriever", "bm52", "no retriever is called 'bm52'"),
    ("modes/bm25_context/retriever", None, "modes.bm25_context: context: retriever needs a"),
    ("modes/no_context/passages", 3, "modes.no_context: context: none takes no passages"),
    ("modes/bm25_context/passages", 11, "11 passages are more than the depth 10"),
    ("datasets/quiz/corpus", None, "datasets.quiz.corpus: missing, but mode 'bm25_context'"),
    ("objects/questions/uri", "gs://b/k", "objects.questions.uri: unknown scheme"),
    ("objects/questions/uri", "s3://bucket", "names a bucket without a key"),
    ("objects/questions/uri", "s3:///key", "objects.questions.uri: names no bucket"),
    ("objects/questions/uri", "", "objects.questions.uri: empty; name a file"),
    ("objects/questions/uri", "file://a/b", "file:// takes a whole path"),
    ("storage", {"endpoint_url": "minio:9000"}, "storage.endpoint_url: must begin with http://"),
    ("datasets/quiz/limit", True, "datasets.quiz: limit should be a number, not true"),
    ("sampling", {"temperature": False}, "sampling: temperature should be a number, not false"),
    ("retrievers/h", {"kind": "rrf", "of": ["bm25"]}, "retrievers.h.of: give at least 2 entries"),
    (
        "retrievers/h",
        {"kind": "rrf", "of": ["bm25", "bm25"]},
        "retrievers.h.of: names bm25 twice; name each retriever once",
    ),
    (
        "retrievers/d",
        {"kind": "dense", "encoder": "hff:org/name"},
        "retrievers.d.encoder: hff: is no scheme; use hf:org/name",
    ),
    ("models/tiny/checkpoint", "hff:org/name", "models.tiny.checkpoint: hff: is no scheme"),
    ("models/tiny/checkpoint", "hf:", "models.tiny.checkpoint: hf: names nothing on the hub"),
    ("models/tiny/checkpoint", "hf:org/ti*", "models.tiny.checkpoint: hf:org/ti* names nothing"),
    ("models/tiny/checkpoint", "s3://b/ti*/", "models.tiny.checkpoint: s3://b/ti*/ is a pattern"),
    ("models/tiny/checkpoint", {"ur": "s3://b/m/"}, "models.tiny.checkpoint.ur: unknown key; did"),
    ("models/tiny/checkpoint", {"uri": "hff:o/n"}, "models.tiny.checkpoint.uri: hff: is no scheme"),
    (
        "retrievers/d",
        {"kind": "dense", "encoder": {"uri": "hf:o/n", "anonymous": True}},
        "retrievers.d.encoder: anonymous is only for s3://",
    ),
    ("retrievers/bm25/delta", 1, "retrievers.bm25: delta is for variant: l or plus; remove it"),
    ("retrievers/bm25/epsilon", float("inf"), "retrievers.bm25.epsilon: input should be a finite"),
    (
        "retrievers/d",
        {"kind": "dense", "encoder": "hashing", "nprobe": 3},
        "retrievers.d: nprobe is for ann: ivf; remove it",
    ),
    (
        "retrievers/d",
        {"kind": "dense", "encoder": "hashing", "query_encoder": "hf:org/name"},
        "retrievers.d: query_encoder has no use beside encoder: hashing",
    ),
    (
        "retrievers/r",
        {"kind": "rerank", "of": "bm25", "encoder": "hashing"},
        "retrievers.r.encoder: hashing is no cross-encoder",
    ),
    ("corpora/facts/object", [], "corpora.facts.object"),
    ("objects/questions/sha256", "123", "objects.questions.sha256: string should match"),
    ("models/tiny/checkpoint", None, "models.tiny: engine: vllm needs a checkpoint"),
    ("models/tiny/options", {"trust_remote_code": True}, "no code of a checkpoint is ever run"),
    ("models/tiny/allow_pickel", True, "did you mean 'allow_pickle'?"),
    ("models", {}, "models: empty; add an entry"),
    ("skip", [{"dataset": "quiz", "mode": "no"}], "skip.0.mode: no mode is called 'no'"),
    ("corpora/facts/chunk", {"size": 5, "overlap": 5}, "overlap must be smaller than size"),
    ("corpora/facts/columns", {"id": "x"}, "columns are for csv, jsonl, parquet; dpr_tsv has"),
    ("metrics", {"primary": "token_recal"}, "did you mean 'token_recall'?"),
    ("experiment", "../escape", "experiment: '../escape' is no name"),
    ("objects", {"../escape": {"uri": "x"}}, "'../escape' is no name"),
    ("models", ["a"], "models: takes a table of keys"),
    ("judge", False, "judge: takes a table of keys (given: False); null leaves it out"),
]


@pytest.mark.parametrize(("path", "value", "expected"), MISTAKES)
def test_a_mistake_is_named_with_its_path(path, value, expected):
    """A mistake gets one line with its path and what to do."""
    assert expected in message(edited((path, value)))


def test_all_mistakes_are_told_at_once():
    """Three mistakes make three lines."""
    raw = edited(("expermient", "x"), ("models/tiny/temprature", 1), ("retrievers/bm25/k_1", 1))
    assert message(raw).splitlines()[0] == "the config has 3 problems:"


@pytest.mark.parametrize("format", ["dpr_qa", "nq_open", "simpleqa", "kilt"])
def test_an_oracle_over_a_set_without_gold_passages_says_what_to_do(format):
    """A format without gold passages and an oracle are an error that offers a gold object or skip.

    The other formats may hold them: their questions without one are refused before any prompt.
    """
    oracle = {"context": "oracle", "prompt": "p.jinja"}
    raw = edited(("datasets/quiz/format", format), ("modes/oracle_context", oracle))
    assert "datasets.quiz.gold: missing" in message(raw) and "to skip" in message(raw)
    raw["skip"] = [{"dataset": "quiz", "mode": "oracle_context"}]
    load.load(raw)


def test_an_entry_of_null_is_not_there():
    """Setting an entry to null removes it."""
    raw = edited(("models/other", None), ("storage", None))
    assert list(load.load(raw).models) == ["tiny"]


def test_a_key_set_to_its_default_is_the_same_param():
    """Writing out a default reruns nothing."""
    written = load.load(edited(("models/tiny/engine", "vllm"), ("models/tiny/dtype", None)))
    assert written.models["tiny"].params() == load.load(MINIMAL).models["tiny"].params()


def test_hardware_is_no_param():
    """GPUs and batch sizes are resources, never params."""
    entry = load.load(edited(("models/tiny/gpus", 2))).models["tiny"]
    assert "gpus" not in entry.params()
    assert entry.hardware() == {"gpus": 2}


def test_the_schema_is_in_sync():
    """config/schema.json is what the classes say (make schema writes it)."""
    assert json.loads((ROOT / "config/schema.json").read_text()) == generate_docs.schema()


def test_the_reference_with_dpr():
    """The published run of DPR is added to the others by a second config."""
    raw, more = (
        yaml.safe_load((ROOT / path).read_text())
        for path in ("config/reference.yaml", "workflow/reference/dpr.yaml")
    )
    loaded = load.load({**raw, **{key: raw[key] | more[key] for key in more}})
    assert loaded.retrievers["dpr"].allow_pickle
    assert {"bm25", "dpr"} == set(loaded.retrievers)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("config/*.yaml")) + sorted(ROOT.glob("tests/config/*.yaml"))
)
def test_every_config_in_the_repo_is_valid(path):
    """Each shipped config loads."""
    load.load(yaml.safe_load(path.read_text()))


def keys_of(schema, name):
    """Return the properties of a definition of the schema."""
    return schema["$defs"][name]["properties"]


def test_every_key_is_explained():
    """Each key has a description in the schema."""
    schema = generate_docs.schema()
    tables = [schema["properties"]] + [keys_of(schema, name) for name in schema["$defs"]]
    bare = [key for table in tables for key, spec in table.items() if "description" not in spec]
    assert set(bare) <= {"kind", "dataset", "mode"}


def test_every_key_stands_in_the_readme():
    """config/README.md lists each key of each entry, made from the classes (make schema)."""
    text = (ROOT / "config/README.md").read_text()
    assert generate_docs.reference_tables() in text


def test_a_circle_of_fused_retrievers_is_refused():
    """Two fusions that name each other are an error that names one of them."""
    one = {"kind": "rrf", "of": ["two", "bm25"]}
    two = {"kind": "rrf", "of": ["one", "bm25"]}
    raw = edited(("retrievers/one", one), ("retrievers/two", two))
    assert "retrievers.one.of: refers back to itself" in message(raw)


def test_a_mistake_is_told_without_its_secret(monkeypatch):
    """A password in an address, and a value from the environment, are masked in the sentence."""
    monkeypatch.setenv("PLANTED_SECRET", "planted-word-7731")
    said = message(
        edited(
            ("objects/questions/uri", "ftp://bob:urlpassword9@host/x"),
            ("objects/passages/uri", "x://planted-word-7731"),
        )
    )
    assert said.count("[redacted]") == 2
    assert "urlpassword9" not in said and "planted-word-7731" not in said


ENDPOINT = {"engine": "openai", "endpoint": "http://localhost:1/v1", "served_name": "m"}
PRICE = {"input_per_million": 0.15, "output_per_million": 0.6}


def test_money_is_no_param():
    """Price and cap reach the job as hardware does: no edit of them generates anything again."""
    entry = ModelEntry(**ENDPOINT, price=PRICE, max_cost=5, on_refused="record")
    assert entry.params() == ENDPOINT | {"on_refused": "record"}
    assert entry.hardware() == {"price": PRICE | {"currency": "USD"}, "max_cost": 5.0}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({**ENDPOINT, "max_cost": 5}, "max_cost needs a price"),
        ({**ENDPOINT, "price": {"input_per_million": 1}}, "output_per_million"),
        ({**ENDPOINT, "price": {**PRICE, "output_per_million": -1}}, "output_per_million"),
        ({**ENDPOINT, "price": {**PRICE, "input": 1}}, "use one of currency, input_per_million"),
        ({**ENDPOINT, "price": 3}, "price"),
        ({**ENDPOINT, "price": PRICE, "max_cost": 0}, "max_cost"),
        ({**ENDPOINT, "on_refused": "skip"}, "on_refused"),
        ({"engine": "echo", "price": PRICE}, "price is only for engine: openai; remove it"),
        ({"engine": "echo", "on_refused": "fail"}, "on_refused is only for engine: openai"),
        ({"checkpoint": "hf:a/b", "max_cost": 1}, "max_cost is only for engine: openai"),
    ],
)
def test_money_that_means_nothing_is_refused(entry, sentence):
    """A cap without a price, a price of nothing that is charged, a misspelt key: one sentence."""
    with pytest.raises(UserError) as error:
        load.load(edited(("models/other", entry)))
    assert "models.other" in str(error.value) and sentence in str(error.value)


def test_jobs_side_by_side_have_no_cap():
    """A cap that each of several jobs would spend is refused; one job a model has one."""
    entry = {**ENDPOINT, "price": PRICE, "max_cost": 5}
    assert load.load(edited(("models/other", entry)))
    with pytest.raises(UserError, match=r"models\.other\.max_cost: .* set batch: model"):
        load.load(edited(("models/other", entry), ("generation", {"batch": "cell"})))
