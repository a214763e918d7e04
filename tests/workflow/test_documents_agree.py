"""What documents say of the tree and of each other holds."""

import re

import yaml

from tests.workflow.project import ROOT

PACKAGE = ROOT / "workflow/scripts/slmrag"
PLACES = ("*.md", "docs/*.md", "*/README.md", "bench/*/README.md")
PAGES = {path for place in PLACES for path in ROOT.glob(place)} - {ROOT / "CHANGELOG.md"}
"""What speaks of the tree as it is."""

CODE = re.compile(r"```.*?```|`[^`]+`|^ {4}\S.*$", re.MULTILINE | re.DOTALL)
TOP = "bench|config|demo|docs|envs|profiles|rules|slmrag|tests|workflow"
PATH = re.compile(rf"(?<![\w/.:-])(?:{TOP})(?:/[\w.*-]+)+")


def text(name):
    """Return the text of a document."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_newest_version_of_the_changelog_is_the_cited_one():
    """CITATION.cff has the version and the date of the CHANGELOG's first heading."""
    version, date = re.search(r"^## (\S+) \((\S+)\)$", text("CHANGELOG.md"), re.MULTILINE).groups()
    cited = yaml.safe_load(text("CITATION.cff"))
    assert (cited["version"], str(cited["date-released"])) == (version, date)


def test_files_of_the_architecture_exist():
    """Each file that docs/architecture.md names is there, and 25 of them answer a question."""
    whole = text("docs/architecture.md")
    named = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`", whole)
    places = [PACKAGE / name if (PACKAGE / name).exists() else ROOT / name for name in named]
    assert [str(place) for place in places if not place.is_file()] == []
    assert len(re.findall(r"^\| .+\? \| `.+\.py` \|$", whole, re.MULTILINE)) == 25


def test_every_document_is_linked_from_the_readme():
    """Pages for people are found from one place; those of the benches from the benches' page."""
    names = {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"} | {"CHANGELOG.md"}
    of_rooms = {f"bench/{name}" for name in linked("bench/README.md")}
    assert names <= linked("README.md") | of_rooms


def linked(name):
    """Return the Markdown files that a document links."""
    return {*re.findall(r"\]\(([\w./-]+\.md)", text(name))}


def test_paths_in_documents_exist():
    """Each path of the tree that a document names as code is there; ``*`` stands for any name."""
    wrong = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in PAGES
        for code in CODE.findall(page.read_text(encoding="utf-8"))
        for path in PATH.findall(code)
        if not there(path.rstrip("."))
    ]
    assert wrong == []


def there(path):
    """Say whether a path is there: from the root, or from the folder that its document means."""
    found = [*ROOT.glob(path), *PACKAGE.parent.glob(path)]
    found += [*PACKAGE.glob(path), *ROOT.glob(f"tests/{path}.py")]  # architecture.md; CONTRIBUTING
    return bool(found)


def test_make_knows_the_targets_of_documents():
    """Each ``make TARGET`` of a document is a target of the Makefile."""
    targets = {
        *re.findall(r"^([\w./-]+):", text("Makefile").replace("$(VENV)", ".venv"), re.MULTILINE)
    }
    typed = {
        target
        for page in PAGES
        for code in CODE.findall(page.read_text(encoding="utf-8"))
        for target in re.findall(r"(?:^|[`\n] *)make ([\w./-]+)", code)
    }
    assert {"demo", "unit", ".venv/ready"} <= typed <= targets


def test_every_slow_test_has_its_reason():
    """CONTRIBUTING says of each file with slow tests what it alone can find, and of no other."""
    rows = re.findall(
        r"^\| (`[^|]+`) \|", text("CONTRIBUTING.md").partition("| slow tests |")[2], re.MULTILINE
    )
    files = ROOT.glob("tests/*/test_*.py")
    slow = {path for path in files if re.search(r"mark\.slow", path.read_text(encoding="utf-8"))}
    told = [files for row in rows for files in slow_files(row, slow)]
    assert all(told)
    assert {path for files in told for path in files} == slow


def slow_files(row, slow):
    """Yield the slow files that each name of a row means: a room's, or those of its pattern."""
    room = ""
    for name in re.findall("`([^`]+)`", row):
        room, _, file = name.rpartition("/") if "/" in name else (room, "", name)
        yield {*ROOT.glob(f"tests/{room}/{file or '*'}.py")} & slow


def test_links_between_documents_lead_somewhere():
    """Each relative link names a file that is there and, after #, a heading of it."""
    wrong = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES | {ROOT / "CHANGELOG.md"}
        for link in re.findall(r"\]\(((?!https?:)[^)\s]+)\)", page.read_text(encoding="utf-8"))
        if not leads_somewhere(page, link)
    ]
    assert wrong == []


def leads_somewhere(page, link):
    """Say whether a link of a page has its file and its heading."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page):
    """Return the anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
