"""The four rooms of the report: analysis computes, sections say, page draws, verify recomputes."""

from pathlib import Path

import pytest

from tests.dag.test_layers import imports, top_imports

REPORT = Path(__file__).parents[2] / "workflow/scripts/slmrag/report"
MAY_IMPORT = {
    "analysis": {"analysis"},
    "page": {"page"},
    "sections": {"analysis", "page", "sections", "saved_config"},
    "verify": {"analysis", "build", "verify", "write"},
}


def modules(*rooms):
    """Return the modules of some rooms."""
    return [path for room in rooms for path in sorted((REPORT / room).glob("*.py"))]


@pytest.mark.parametrize("path", modules(*MAY_IMPORT), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_rooms_import_in_one_direction(path):
    """The analysis knows no page, the page no experiment, and nobody but the job verifies."""
    found = {one.split(".")[1] for one in imports(path) if one.startswith("report.")}
    assert found <= MAY_IMPORT[path.parent.name]


@pytest.mark.parametrize("path", modules("sections"), ids=lambda p: p.stem)
def test_a_section_computes_nothing(path):
    """A section says what the analysis computed: it needs neither arrays nor tables."""
    libraries = {name.split(".")[0] for name in top_imports(path)}
    text = path.read_text()
    assert not libraries & {"numpy", "math", "statistics"} and "import numpy" not in text
    assert text.count("import polars") <= text.count("if TYPE_CHECKING:")
