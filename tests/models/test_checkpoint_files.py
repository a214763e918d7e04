"""Which files of a folder are the model, for every way in which others lie beside it."""

import json

import pytest
from slmrag.errors import UserError
from slmrag.files import digest
from slmrag.models.checkpoint_files import (
    checkpoint_digest,
    counted_files,
    files_to_fetch,
    weight_files,
)

INDEX = "model.safetensors.index.json"
WHOLE = "model.safetensors"
SHARDS = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}


def index(*names):
    """Return what reads an index of files."""
    return lambda name: json.dumps({"weight_map": dict(enumerate(names))})


def nothing(name):
    """Read no file."""
    raise AssertionError(name)


CHOSEN = {
    "Mistral's own format": (
        {WHOLE, "consolidated.safetensors"},
        {WHOLE},
    ),
    "half precision": ({WHOLE, "model.fp16.safetensors"}, {WHOLE}),
    "an adapter": ({WHOLE, "adapter_model.safetensors"}, {WHOLE}),
    "states of training": (
        {WHOLE, "optimizer.pt", "checkpoint-500/model.safetensors"},
        {WHOLE},
    ),
    "Llama's original": (
        {WHOLE, "original/consolidated.00.pth"},
        {WHOLE},
    ),
    "another format": ({WHOLE, "onnx/model.onnx", "m.gguf"}, {WHOLE}),
    "shards without an index": ({*SHARDS, "consolidated.safetensors"}, SHARDS),
    "another name": ({"gptq_model-4bit.safetensors"}, {"gptq_model-4bit.safetensors"}),
    "Mistral's format alone": ({"consolidated.safetensors"}, {"consolidated.safetensors"}),
    "a pickle beside": ({WHOLE, "pytorch_model.bin"}, {WHOLE}),
    "a pickle alone": ({"pytorch_model.bin", "training_args.bin"}, {"pytorch_model.bin"}),
    "a part of sentence-transformers": (
        {WHOLE, "2_Dense/model.safetensors", "openvino/x.bin"},
        {WHOLE, "2_Dense/model.safetensors"},
    ),
    "hidden": ({WHOLE, ".cache/model.safetensors"}, {WHOLE}),
    "nothing": ({"README.md"}, set()),
}


@pytest.mark.parametrize("beside", CHOSEN)
def test_engines_load_one_set_of_weights(beside):
    """Of several sets the one that transformers and vLLM load is taken, and no other."""
    names, expected = CHOSEN[beside]
    assert weight_files(names, True, nothing) == expected


def test_the_index_says_which_files_hold_the_weights():
    """Files that the index does not name are passed over, a whole copy too."""
    names = {INDEX, *SHARDS, WHOLE, "consolidated.safetensors"}
    assert weight_files(names, False, index(*SHARDS)) == SHARDS


def test_an_index_of_files_that_are_gone_is_left_out():
    """Where the whole model is there, an index of shards that are not is not fetched."""
    names = {"config.json", INDEX, WHOLE}
    assert files_to_fetch(names, False, index(*SHARDS)) == {"config.json", WHOLE}


@pytest.mark.parametrize(
    ("names", "read", "sentence"),
    [
        ({INDEX, min(SHARDS)}, index(*SHARDS), "names model-00002-of-00002.safetensors, and it is"),
        ({min(SHARDS)}, nothing, "holds 1 of 2 files of model"),
        ({"a.safetensors", "b.safetensors"}, nothing, "nothing says which are the model"),
        ({INDEX, WHOLE}, lambda name: "[]", "has no weight_map"),
    ],
)
def test_what_cannot_be_told_is_refused(names, read, sentence):
    """Weights that are not whole, or of which nothing says what they are, are one sentence."""
    with pytest.raises(UserError, match=sentence):
        weight_files(names, False, read)


def test_what_describes_other_weights_is_not_fetched():
    """The states of a training bring nothing with them; parts of the model bring all."""
    names = {"config.json", WHOLE, "README.md", "1_Pooling/config.json"}
    other = {
        "checkpoint-5/config.json",
        "checkpoint-5/model.safetensors",
        "checkpoint-5/optimizer.pt",
    }
    assert files_to_fetch(names | other, False, nothing) == names
    assert counted_files(names | other | {"original/params.json"}, False, nothing) == names - {
        "README.md"
    }


def test_documents_are_no_part_of_the_cache_key():
    """Two manifests that differ in what people read agree; without that it is their own digest."""
    files = [{"name": name, "sha256": name * 2} for name in ("config.json", WHOLE)]
    documents = [{"name": name, "sha256": "0"} for name in ("README.md", "LICENSE", "sub/a.json")]
    assert checkpoint_digest(files + documents) == checkpoint_digest(files)
    assert checkpoint_digest(files) == digest([[file["name"], file["sha256"]] for file in files])
    assert checkpoint_digest(files) != checkpoint_digest([files[0], {**files[1], "sha256": "1"}])
