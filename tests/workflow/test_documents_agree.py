"""What documents say of the tree and of each other holds."""

import re

import yaml

from tests.workflow.project import ROOT

PACKAGE = ROOT / "workflow/scripts/slmrag"


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
    """Pages for people are found from one place."""
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*.md")]
    names = {str(page.relative_to(ROOT)) for page in pages} - {"README.md"}
    assert names <= {*re.findall(r"\]\(([\w./-]+\.md)", text("README.md"))}


def test_links_between_documents_lead_somewhere():
    """Each relative link names a file that is there and, after #, a heading of it."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
    pages += ROOT.glob("bench/*/README.md")
    wrong = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
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
