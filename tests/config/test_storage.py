"""How an object is reached: its own keys before those of all."""

import pytest
from pydantic import ValidationError
from slmrag.config.models import ModelEntry
from slmrag.config.storage import ObjectEntry, StorageEntry
from slmrag.dag.resource_keys import revision

S3 = "s3://b/k"


@pytest.mark.parametrize(
    "general, own, expected",
    [
        ({"region": "a"}, {}, {"region": "a"}),
        ({"region": "a", "verify": False}, {"region": "b"}, {"region": "b", "verify": False}),
        ({"profile": "lab"}, {"anonymous": True}, {"anonymous": True}),
        ({"requester_pays": True}, {"anonymous": True}, {"anonymous": True}),
        ({"anonymous": True}, {"profile": "lab"}, {"profile": "lab"}),
        ({"anonymous": True}, {"requester_pays": True}, {"requester_pays": True}),
        ({"anonymous": True}, {"anonymous": False}, {"anonymous": False}),
        ({"profile": "lab"}, {"anonymous": False}, {"profile": "lab", "anonymous": False}),
    ],
)
def test_own_keys_come_first(general, own, expected):
    """An object's own wish for credentials, or for none, ends the general one."""
    assert ObjectEntry(uri=S3, **own).access_params(StorageEntry(**general)) == expected


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"uri": "https://a/b", "anonymous": True}, "anonymous is only for s3://"),
        ({"uri": "data/x", "endpoint_url": "http://a"}, "endpoint_url is only for s3://"),
        ({"uri": S3, "anonymous": True, "profile": "x"}, "needs no profile"),
        ({"uri": S3, "anonymous": True, "requester_pays": True}, "needs no requester_pays"),
        ({"uri": S3, "endpoint_url": "a:9000"}, "must begin with http"),
        ({"uri": "hf:datasets"}, "names nothing on the hub"),
    ],
)
def test_wishes_that_do_nothing(keys, words):
    """They are refused."""
    with pytest.raises(ValidationError, match=words):
        ObjectEntry(**keys)


def test_what_counts():
    """Who reads, and at whose cost, is no part of what an object is; where it lies is."""
    keys = {"profile": "lab", "region": "a", "requester_pays": True, "addressing_style": "path"}
    assert ObjectEntry(uri=S3, **keys).params() == {"uri": S3}
    assert ObjectEntry(uri=S3, endpoint_url="http://a").params()["endpoint_url"] == "http://a"


def test_one_revision():
    """A checkpoint's revision stands in its address or in its key; two that differ are refused."""
    for keys in ({"checkpoint": "hf:o/n@v"}, {"checkpoint": "hf:o/n", "revision": "v"}):
        assert revision(ModelEntry(engine="vllm", **keys), "checkpoint") == "v"
    ModelEntry(engine="vllm", checkpoint="hf:o/n@v", revision="v")
    with pytest.raises(ValidationError, match="checkpoint names revision v, and revision is w"):
        ModelEntry(engine="vllm", checkpoint="hf:o/n@v", revision="w")
    with pytest.raises(ValidationError, match="names a data set"):
        ModelEntry(engine="vllm", checkpoint="hf:datasets/o/n")
