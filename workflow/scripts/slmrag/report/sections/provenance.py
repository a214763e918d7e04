"""Where each number comes from: config, templates, files, versions, and what data was left out."""

from slmrag.report import saved_config
from slmrag.report.analysis import provenance
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, Section, Table, make_table

FACT_COLUMNS = [Column("what", "What"), Column("name", "Name"), Column("value", "Value", long=True)]


def provenance_section(experiment: Experiment) -> Section:
    """Return the tables of cells' origins, config, templates, versions, digests and audits."""
    config = experiment.observed.config
    facts = {
        "versions": ("Code, engines and libraries", provenance.version_rows(experiment)),
        "contents": ("Objects, checkpoints, indexes", list(provenance.content_rows(experiment))),
        "audit": ("Audit of the data", list(provenance.audit_rows(experiment))),
    }
    tables = [
        origins_table(experiment),
        make_table(
            "config", "The whole config", FACT_COLUMNS, list(provenance.config_rows(config))
        ),
        templates_table(experiment),
        *(make_table(id, caption, FACT_COLUMNS, rows) for id, (caption, rows) in facts.items()),
    ]
    kept = [table for table in tables if table.rows]
    saved = saved_config.config_text(experiment) if config else ""
    return Section("provenance", "Provenance", tables=kept, config=saved)


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
    rows = [provenance.origin(cell) for cell in experiment.scored]
    filters = ("model", "dataset", "mode")
    return make_table("origins", "What made each cell", columns, rows, *filters)


def templates_table(experiment: Experiment) -> Table:
    """Return the table of prompt templates."""
    columns = [
        Column("what", "Used by"),
        Column("name", "Path"),
        Column("value", "SHA-256"),
        Column("text", "Text", long=True),
    ]
    rows = provenance.template_rows(experiment)
    return make_table("templates", "Templates of the prompts", columns, rows)
