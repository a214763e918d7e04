"""The report of another experiment, which `snakemake compare` holds this one against."""

from pathlib import Path

from slmrag.errors import UserError


def report_of(name: str | None, own: str, results: Path = Path("results")) -> str:
    """Return the path of an experiment's report, or say which other experiments have one."""
    path = Path("report/report.html")
    if name is not None and name != own and (results / name / path).exists():
        return str(results / name / path)
    others = sorted(found.parts[-3] for found in results.glob(f"*/{path}"))
    known = ", ".join(other for other in others if other != own) or "none"
    why = {None: "", own: f"{own} is this experiment itself; "}.get(name, f"{name} has no report; ")
    raise UserError(
        f"compare: {why}name another finished experiment by --config against=NAME; "
        f"there are: {known}"
    )
