"""What bad input gets: one line that names the place, a status other than zero, no half file."""

import pytest

from tests.workflow.project import ECHO, make_project

pytestmark = pytest.mark.slow

BAD_CONFIGS = [
    ({"models": {"parrot": {"temprature": 1}}}, "models.parrot.temprature: unknown key"),
    (
        {"datasets": {"quiz": {"corpus": "fact"}}},
        "no corpus is called 'fact'; did you mean 'facts'",
    ),
    ({"modes": {"retriever_context": {"retriever": None}}}, "needs a retriever"),
    (
        {"modes": {"retriever_context": {"prompt": "config/prompts/no_context.jinja"}}},
        "no_context.jinja: never shows {{ passages }}",
    ),
    ({"objects": {"questions": {"uri": "data/gone.json"}}}, "data/gone.json does not exist"),
    ({"models": {"parrot": {"checkpoint": "models/gone"}}}, "models/gone does not exist"),
]


@pytest.mark.parametrize(("edit", "expected"), BAD_CONFIGS)
def test_a_bad_config_stops_a_dry_run(tmp_path, edit, expected):
    """A dry run already says what is wrong in the config, and where."""
    project = make_project(tmp_path / "p", **edit)
    done = project.snakemake("-n", check=False)
    assert done.returncode != 0
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_look_after_the_folders_needs_no_source(tmp_path):
    """`journal` counts where the source is gone that a run would refuse to start without."""
    project = make_project(tmp_path / "p")
    (project.folder / "data/questions.json").unlink()
    assert project.snakemake("-c1", "journal", check=False).returncode == 0
    assert project.snakemake("-n", check=False).returncode != 0


def broken_questions(text):
    """Return an edit of the project that writes another questions file."""
    return lambda project: (project.folder / "data/questions.json").write_text(text)


def empty_corpus(project):
    """Leave the header alone."""
    (project.folder / "data/passages.tsv").write_text("id\ttext\ttitle\n")


BAD_DATA = [
    (broken_questions('[{"question": "x", "answers": ["y"]}, {"question": '), "questions.json"),
    (broken_questions('[{"question": "x", "answers": []}]'), "answer"),
    (broken_questions("not json"), "questions.json"),
    (empty_corpus, "passages.tsv"),
]


@pytest.mark.parametrize(("spoil", "expected"), BAD_DATA)
def test_bad_data_is_refused_in_one_line(tmp_path, spoil, expected):
    """A job that meets bad data says so in a line that starts with `error:` and leaves no table."""
    project = make_project(tmp_path / "p", models={"parrot": ECHO})
    spoil(project)
    done = project.run(check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert len(errors) == 1, done.stderr
    assert expected in errors[0]
    assert not list(project.folder.glob("**/.*.part"))
    assert not list(project.folder.glob("results/*/report/*"))


def test_a_mistake_in_the_data_is_not_tried_again(tmp_path):
    """With retries a job that met bad data works once: then it only says the same sentence."""
    project = make_project(tmp_path / "p", models={"parrot": ECHO})
    broken_questions("not json")(project)
    done = project.run("--retries", "2", check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert len(errors) == 3 and len({*errors}) == 1, done.stderr
    logs = [*project.folder.glob("logs/prepare_dataset/*.log")]
    assert [errors[0]] == [log.read_text().splitlines()[-1] for log in logs]
    assert (
        len(list(project.folder.glob("results/tiny/jobs/prepare_dataset/**/attempts/*.jsonl"))) == 1
    )


def test_a_mistake_in_a_model_is_tried_again(tmp_path):
    """What an engine refuses may be a matter of memory or of the node: retries stay."""
    project = make_project(tmp_path / "p", models={"parrot": ECHO | {"load_in_8bit": True}})
    assert project.run("--retries", "2", "--", "answers", check=False).returncode != 0
    assert (
        len(list(project.folder.glob("results/tiny/jobs/generate_answers/**/attempts/*.jsonl")))
        == 3
    )


def test_a_source_that_is_gone_costs_nothing(tmp_path):
    """Where a local source was deleted, what was made of it stays in use until its copy goes."""
    project = make_project(tmp_path / "p")
    project.run("answers")
    (project.folder / "data/questions.json").unlink()
    assert "Nothing to be done" in project.run("answers").stderr
    for copy in (project.folder / "resources/raw").glob("questions-*.json"):
        copy.unlink()
    done = project.run(check=False)
    assert done.returncode != 0
    assert "objects.questions.uri: data/questions.json does not exist" in done.stdout + done.stderr
