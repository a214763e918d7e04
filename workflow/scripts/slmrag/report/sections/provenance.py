"""The section on provenance: config, templates, versions, digests, audits."""

from collections.abc import Iterable

from slmrag.report import saved_config
from slmrag.report.analysis import provenance
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, Row, Section, Table, make_table

FACT_CAPTIONS = {
    "config": "The complete config",
    "versions": "Versions of code, engines and libraries",
    "contents": "Digests of objects, checkpoints, indexes and data sets",
    "audit": "Audits of the data",
}


def provenance_section(experiment: Experiment) -> Section:
    """Return the tables of cells' origins, config, templates, versions, digests and audits."""
    config = experiment.job_records.config
    tables = [
        origins_table(experiment),
        facts_table("config", provenance.config_rows(config)),
        templates_table(experiment),
        facts_table("versions", provenance.version_rows(experiment)),
        facts_table("contents", provenance.content_rows(experiment)),
        facts_table("audit", provenance.audit_rows(experiment)),
    ]
    kept = [table for table in tables if table.rows]
    saved = saved_config.config_text(experiment) if config else ""
    return Section("provenance", "Provenance", tables=kept, config=saved)


def facts_table(id: str, rows: Iterable[Row]) -> Table:
    """Return a table of what, name and value."""
    columns = [Column("what", "What"), Column("name", "Name"), Column("value", "Value", long=True)]
    return make_table(id, FACT_CAPTIONS[id], columns, list(rows))


def origins_table(experiment: Experiment) -> Table:
    """Return the table of what made each cell's answers."""
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("engine", "Engine"),
        Column("device", "Device"),
        Column("dtype", "dtype"),
        Column("runs", "Engine runs"),
        Column("answers", "SHA-256 of answers"),
        Column("questions", "SHA-256 of questions"),
    ]
    rows = [provenance.origin_row(cell) for cell in experiment.scored]
    filters = ("model", "dataset", "mode")
    return make_table("origins", "What each cell was made from", columns, rows, *filters)


def templates_table(experiment: Experiment) -> Table:
    """Return the table of prompt templates."""
    columns = [
        Column("what", "Used by"),
        Column("name", "Path"),
        Column("value", "SHA-256"),
        Column("text", "Text", long=True),
    ]
    rows = provenance.template_rows(experiment)
    return make_table("templates", "Prompt templates", columns, rows)
