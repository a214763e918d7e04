"""Draws what a tracker's user sees of a finished experiment: ``make pictures``.

Its events are sent to the stand-in by the real SDK's session, and each page is drawn from what the
stand-in was told, by plotly.js, which ClearML's web pages use too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.tracking.clearml_stand_in import ClearmlServer

ROOT = Path(__file__).resolve().parents[2]
STYLE = """
body { font: 13px/1.45 system-ui, sans-serif; margin: 16px; color: #222; background: #fff }
h1 { font-size: 17px; margin: 0 0 10px } h2 { font-size: 14px; margin: 14px 0 4px }
table { border-collapse: collapse } td, th { border-bottom: 1px solid #ddd; padding: 3px 9px;
text-align: left; vertical-align: top; max-width: 780px; overflow-wrap: anywhere;
white-space: pre-wrap }
th { background: #f2f4f7; font-weight: 600 } pre { background: #1d2330; color: #dde3ee;
padding: 10px; font-size: 11.5px; white-space: pre-wrap; margin: 0 } .tag { background: #e3e9f5;
border-radius: 8px; padding: 0 7px; margin-right: 4px; white-space: nowrap }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 10px }
"""
LAYOUT = {"height": 300, "margin": {"l": 60, "r": 20, "t": 40, "b": 40}}
MAX_LINES = 28
SUMMARY = "Summary"
SECTIONS = ("Model", "Sampling", "Dataset", "Mode")


def send(results: Path, server: ClearmlServer) -> None:
    """Send all events of an experiment, whatever was sent before."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder, results.name)
        shutil.copytree(results / "jobs", copied / "jobs", symlinks=True)
        for state in copied.rglob("attempts/*.json"):
            state.unlink()
        known = {name: text for name, text in os.environ.items() if not name.startswith("CLEARML")}
        known |= {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), **server.environment()}
        command = [sys.executable, "-P", "-m", "slmrag.tracking.sync", str(copied)]
        settings = json.dumps({"deadline_seconds": 600}) + "\n"
        done = subprocess.run(
            command,
            cwd=results.resolve().parents[1],
            env=known,
            input=settings,
            capture_output=True,
            text=True,
            check=True,
        )
        print(done.stdout.splitlines()[-1])


def table(rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """Return rows as a table of HTML; a cell that is a list becomes tags."""
    lines = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"] if head else []
    for row in rows:
        lines.append(f"<tr>{''.join(f'<td>{cell_text(cell)}</td>' for cell in row)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def cell_text(cell: Any) -> str:
    """Return a cell as HTML."""
    if isinstance(cell, list):
        return "".join(f'<span class="tag">{escape(str(one))}</span>' for one in cell)
    return escape(f"{cell:.4g}" if isinstance(cell, float) else str("" if cell is None else cell))


class Views:
    """The pages of a server's tasks, as HTML."""

    def __init__(self, server: ClearmlServer):
        """Draw what a server was told."""
        self.server = server
        self.plots = 0

    def events(self, task: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        """Return a task's events of a kind, in order of time."""
        found = [e for e in self.server.events.values() if e["task"] == task["id"]]
        return sorted((e for e in found if e["type"] == kind), key=lambda e: e["timestamp"])

    def task(self, name: str) -> dict[str, Any]:
        """Return the task with most events of those whose name begins so, the newest of equals."""
        found = [task for task in self.server.tasks.values() if task["name"].startswith(name)]
        told = Counter(event["task"] for event in self.server.events.values())
        return max(reversed(found), key=lambda task: told[task["id"]])

    def summary(self, task: dict[str, Any]) -> dict[str, float]:
        """Return the single values of a task."""
        points = self.events(task, "training_stats_scalar")
        return {point["variant"]: point["value"] for point in points if point["metric"] == SUMMARY}

    def runs(self) -> str:
        """Return the experiments' table: one row a run, its headline metrics as columns."""
        tasks = [task for task in self.server.tasks.values() if task["type"] == "controller"]
        columns = list(dict.fromkeys(key for task in tasks for key in self.summary(task)))
        rows = [
            [task["name"], task["status"], *[self.summary(task).get(key) for key in columns]]
            for task in tasks
        ]
        turned = list(zip(["NAME", "STATUS", *columns], *rows, strict=True))
        return table(turned[1:], turned[0])

    def info(self, task: dict[str, Any]) -> str:
        """Return a task's head: status, tags, description and reason."""
        names = ("status", "tags", "comment", "status_reason")
        return table((name, task.get(name)) for name in names)

    def execution(self, task: dict[str, Any]) -> str:
        """Return what is under Execution, and the sections of the config's entries."""
        script = {**task["script"]}
        script.pop("repository", None)  # of a clone of a folder, it is a path of this machine
        packages = (script.pop("requirements", None) or {}).get("pip", "").splitlines()
        kept = [*script.items(), ("packages", f"{len(packages)}: {', '.join(packages[:6])}, …")]
        parts = [table(kept)]
        known = task["hyperparams"]
        for section, values in ((name, known[name]) for name in SECTIONS if name in known):
            rows = ((name, value["value"][:90]) for name, value in values.items())
            parts.append(f"<h2>{escape(section)}</h2>{table(rows)}")
        return "".join(parts)

    def artifacts(self, task: dict[str, Any]) -> str:
        """Return the artifacts and models of a task."""
        found = task["execution"]["artifacts"]
        rows = [
            [one["key"], one.get("content_size"), (one.get("hash") or "")[:16]] for one in found
        ]
        models = [
            [f"{kind} model", self.server.models[one["model"]]["uri"], one["name"]]
            for kind, entries in task["models"].items()
            for one in entries
        ]
        return table(rows, ["artifact", "bytes", "sha256"]) + table(models)

    def console(self, task: dict[str, Any]) -> str:
        """Return the first and last lines of a task's console."""
        lines = self.server.lines(task["id"]).splitlines()
        cut = len(lines) - MAX_LINES
        half = MAX_LINES // 2
        kept = lines if cut <= 0 else [*lines[:half], f"… {cut} lines …", *lines[-half:]]
        return f"<pre>{escape(chr(10).join(kept))}</pre>"

    def scalars(self, task: dict[str, Any]) -> str:
        """Return the series over time, one plot a title."""
        titles: dict[str, dict[str, list[tuple[int, float]]]] = {}
        for event in self.events(task, "training_stats_scalar"):
            if event["metric"] != SUMMARY:
                series = titles.setdefault(event["metric"], {}).setdefault(event["variant"], [])
                series.append((event["iter"], event["value"]))
        figures = [series_figure(title, series) for title, series in titles.items()]
        return f'<div class="plots">{"".join(map(self.figure, figures))}</div>'

    def drawings(self, task: dict[str, Any]) -> str:
        """Return the task's own plots."""
        return "".join(
            f"<h2>{escape(event['metric'])}</h2>{self.figure(json.loads(event['plot_str']))}"
            for event in self.events(task, "plot")
        )

    def figure(self, figure: dict[str, Any]) -> str:
        """Return the place of a figure, and the call that draws it."""
        self.plots += 1
        name, text = f"plot{self.plots}", json.dumps(figure).replace("</", "<\\/")
        shown = f"f{name}.data, f{name}.layout, {{displayModeBar: false}}"
        call = f"const f{name} = {text}; Plotly.newPlot('{name}', {shown})"
        return f'<div id="{name}"></div><script>{call}</script>'


def series_figure(title: str, series: dict[str, list[tuple[int, float]]]) -> dict[str, Any]:
    """Return the figure of a title's series over the iterations."""
    data = []
    for name, points in series.items():
        across, up = zip(*sorted(points), strict=True)
        data.append({"name": name, "x": across, "y": up, "mode": "lines+markers"})
    return {"data": data, "layout": {**LAYOUT, "title": {"text": title}}}


def page(title: str, *parts: str) -> str:
    """Return a whole page with plotly.js beside it."""
    head = f"<meta charset=utf-8><style>{STYLE}</style><script src=plotly.min.js></script>"
    return f"<!doctype html>{head}<h1>{escape(title)}</h1>{''.join(parts)}"


def pages(server: ClearmlServer) -> dict[str, str]:
    """Return the views by name."""
    views = Views(server)
    run, job = views.task("workflow"), views.task("generate_answers")
    score = views.task("score_answers")
    return {
        "runs": page("Experiments: one row a run", views.runs()),
        "run": page(run["name"], views.info(run), views.drawings(run)),
        "job": page(job["name"], views.info(job), views.scalars(job)),
        "console": page(f"{job['name']}: console", views.console(job)),
        "files": page(f"{score['name']}", views.artifacts(score), views.execution(score)),
    }


def main(results: str, folder: str) -> None:
    """Write a page for each view of an experiment into a folder."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        sys.exit("error: plotly is not installed; `make pictures` installs it")
    shutil.copy(Path(spec.origin).parent / "package_data" / "plotly.min.js", folder)
    with ClearmlServer() as server:
        send(Path(results), server)
        for name, text in pages(server).items():
            Path(folder, f"{name}.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
