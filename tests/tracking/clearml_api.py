"""The endpoints of ClearML's API as the stand-in has them.

Compared with clearml-server 2.3.0 (commit b396096, 2025-11-04) on 2026-11-28, endpoint by endpoint:
``apiserver/schema/services/*.conf`` (fields, types, required ones), ``apimodels`` (the same again),
``services`` and ``bll`` (what is kept, changed and refused), ``database/model`` (lengths, choices).
What a test relies on here and a server does:

- A field that an endpoint does not define is ignored by a server; here it fails the test.
- Names of tasks, models and each part of a project's path have 3 characters; a known project is
  refused (``ProjectBLL.create``); hidden projects and tasks are found with ``search_hidden`` alone.
- ``only_fields`` limits an answer; a page has at most 500 (``validate_paging``).
- A task changes its state along ``state_machine`` unless forced. Artifacts and models are taken by
  created, queued and running tasks only, whatever ``force`` says (``get_task_for_update``); an edit
  with ``force`` is taken by all, and replaces a whole field, but merges execution, models, script.
- ``status_reason`` and ``status_message`` have no limit, nor have comments and the diff.
- A parameter has section, name and value, texts, and no blank name.
- Events of an unknown task are counted as errors, and a batch of only such is refused. A value must
  be a number that JSON knows. A line of a console has an id of its own; another event replaces the
  one of the same task, metric, variant and iteration. ``plot_str`` is not checked by a server.
- ``tasks.ping``, events, edits and changes of state renew a task's time for the watchdog, which
  stops what was not updated for 7,200 s (``NonResponsiveTasksWatchdog``).
- ``models.delete`` also deletes the file at the model's address, unless told not to.
"""

import json
import math
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

Data = dict[str, Any]

TASK_TYPES = {"training", "testing", "inference", "data_processing", "application", "monitor"}
TASK_TYPES |= {"controller", "optimizer", "service", "qc", "custom", "report"}
RUNNING = ("created", "queued", "in_progress")
STATES = {
    "created": {"queued", "in_progress"},
    "queued": {"created", "in_progress", "stopped"},
    "in_progress": {"stopped", "failed", "created", "completed"},
    "stopped": {"closed", "created", "failed", "queued", "in_progress", "published", "completed"},
    "closed": {"created", "failed", "published", "stopped"},
    "failed": {"created", "stopped", "published", "queued"},
    "completed": {"published", "in_progress", "created"},
}
MIN_NAME, PAGE = 3, 500
EVENT_TYPES = {"training_stats_scalar", "training_stats_vector", "training_debug_image"}
EVENT_TYPES |= {"plot", "log"}

TEXTS = list
STATUS = {"task!": str, "force": bool, "status_reason": str, "status_message": str}
NEW_TASK = {"name": str, "tags": TEXTS, "system_tags": TEXTS, "type": TASK_TYPES, "comment": str}
NEW_TASK |= {"parent": str, "project": str, "output_dest": str, "execution": dict, "script": dict}
NEW_TASK |= {"hyperparams": dict, "configuration": dict, "models": dict, "container": dict}
NEW_TASK |= {"runtime": dict, "input": dict, "error": str}
QUERY = {"id": TEXTS, "name": str, "tags": TEXTS, "system_tags": TEXTS, "order_by": TEXTS}
QUERY |= {"page": int, "page_size": int, "only_fields": TEXTS, "_all_": dict, "_any_": dict}
QUERY |= {"search_hidden": bool, "search_text": str, "user": TEXTS, "project": TEXTS}
TASK_QUERY = QUERY | {"type": TEXTS, "status": TEXTS, "parent": str, "status_changed": TEXTS}
SCRIPT = {"binary": str, "repository": str, "tag": str, "branch": str, "version_num": str}
SCRIPT |= {"entry_point": str, "working_dir": str, "requirements": dict, "diff": str}
ARTIFACT = {"key!": str, "type!": str, "mode": {"input", "output"}, "uri": str, "hash": str}
ARTIFACT |= {"content_size": int, "timestamp": int, "type_data": dict, "display_data": list}
PARAMETER = {"section!": str, "name!": str, "value!": str, "type": str, "description": str}
LINK = {"task!": str, "name!": str, "model!": str, "type!": {"input", "output"}, "iteration": int}
NEW_MODEL = {"name!": str, "uri!": str, "comment": str, "tags": TEXTS, "system_tags": TEXTS}
NEW_MODEL |= {"framework": str, "design": dict, "labels": dict, "ready": bool, "public": bool}
NEW_MODEL |= {"project": str, "parent": str, "task": str, "metadata": dict}

FIELDS: dict[str, Data] = {
    "auth.login": {"expiration_sec": int},
    "debug.ping": {},
    "users.get_current_user": {"get_supported_features": bool},
    "projects.create": {"name!": str, "description": str, "tags": TEXTS, "system_tags": TEXTS}
    | {"default_output_destination": str},
    "projects.get_all": QUERY | {"basename": str, "description": str, "shallow_search": bool},
    "projects.get_by_id": {"project!": str},
    "projects.delete": {"project!": str, "force": bool, "delete_contents": bool},
    "tasks.create": NEW_TASK | {"name!": str, "type!": TASK_TYPES},
    "tasks.edit": NEW_TASK | {"task!": str, "force": bool},
    "tasks.get_all": TASK_QUERY,
    "tasks.get_by_id": {"task!": str},
    "tasks.ping": {"task!": str},
    "tasks.delete": STATUS
    | {"move_to_trash": bool, "return_file_urls": bool}
    | {"delete_output_models": bool, "delete_external_artifacts": bool},
    "tasks.started": STATUS,
    "tasks.completed": STATUS | {"publish": bool},
    "tasks.failed": STATUS,
    "tasks.stopped": STATUS,
    "tasks.add_or_update_artifacts": {"task!": str, "artifacts!": list, "force": bool},
    "tasks.add_or_update_model": LINK,
    "models.create": NEW_MODEL,
    "models.get_all": QUERY
    | {"ready": bool, "task": TEXTS, "framework": TEXTS, "uri": TEXTS}
    | {"last_update": TEXTS},
    "models.delete": {"model!": str, "force": bool, "delete_external_artifacts": bool},
    "models.add_or_update_metadata": {"model!": str, "metadata!": list, "replace_metadata": bool},
    "events.get_task_log": {"task!": str, "batch_size": int, "navigate_earlier": bool}
    | {"from_timestamp": int, "order": {"asc", "desc"}},
}
"""Endpoint -> field -> type or choices; ``!`` marks a required one."""
EVENT = {"task!": str, "type!": EVENT_TYPES, "timestamp": int, "iter": int, "metric": str}
EVENT |= {"variant": str, "value": float, "msg": str, "level": str, "worker": str}
EVENT |= {"plot_str": str}


class Refused(Exception):
    """A request that the server answers with 400, and why."""


def checked(server: Any, name: str, data: Any) -> Any:
    """Return a request's data without nulls, or refuse it; note fields that no server knows."""
    if name == "events.add_batch":
        if not data:
            raise Refused("Batch request contains no items")
        return [check(server, name, EVENT, event) for event in data]
    return check(server, name, FIELDS[name], data)


def check(server: Any, place: str, fields: Data, data: Data) -> Data:
    """Return an object without nulls; refuse a missing field or a wrong type."""
    data = {key: value for key, value in data.items() if value is not None}
    for field, kind in fields.items():
        key = field.removesuffix("!")
        if field != key and key not in data:
            raise Refused(f"Validation error ({place}: {key} is required)")
        if key in data and not fits(data[key], kind):
            raise Refused(f"Validation error ({place}: {key} is {data[key]!r:.80})")
    known = {field.removesuffix("!") for field in fields} | {"method"}  # the SDK's own
    server.unknown += [f"{place}: field {key}" for key in data if key not in known]
    return data


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value has a type, or is one of the choices."""
    if isinstance(kind, set):
        return value in kind
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    if kind is int and isinstance(value, bool):
        return False
    return isinstance(value, kind)


def check_task(server: Any, data: Data) -> Data:
    """Return the fields of a task, or refuse what its database does not take."""
    check_name(data)
    if "project" in data and data["project"] not in server.projects:
        raise Refused(f"expecting Project id, id={data['project']}, field=project")
    if "parent" in data and data["parent"] not in server.tasks:
        raise Refused(f"expecting Task id, id={data['parent']}, field=parent")
    for section, values in data.get("hyperparams", {}).items():
        for key, value in values.items():
            check(server, "hyperparams", PARAMETER, value)
            if not key.strip() or not section.strip():
                raise Refused("Empty key is not allowed")
    for value in data.get("configuration", {}).values():
        check(server, "configuration", {"name!": str, "value!": str, "type": str}, value)
    check(server, "script", SCRIPT, data.get("script", {}))
    for value in data.get("execution", {}).get("artifacts", []):
        check(server, "artifact", ARTIFACT, value)
    return {key: value for key, value in data.items() if key in NEW_TASK}


def check_name(data: Data) -> None:
    """Refuse a short name."""
    if "name" in data and len(data["name"].strip()) < MIN_NAME:
        raise Refused(f"Validation error (value {data['name']!r} is too short: name)")


def of(things: dict[str, Data], key: str) -> Data:
    """Return a thing by its id."""
    if key not in things:
        raise Refused(f"Invalid id {key}")
    return things[key]


def touched(server: Any, key: str) -> Data:
    """Return a task, whose last update is now."""
    task = of(server.tasks, key)
    task["updated"] = time.monotonic()
    return task


def running(server: Any, key: str) -> Data:
    """Return a task that takes artifacts and models, or refuse it."""
    task = of(server.tasks, key)
    if task["status"] not in RUNNING:
        raise Refused(f"Invalid task status: expected=created, status={task['status']}")
    return touched(server, key)


def now(server: Any) -> str:
    """Return a date that grows."""
    return f"2026-01-01T00:00:{next(server.clock):06}"


def login(server: Any, data: Data) -> Data:
    """Give a token."""
    from tests.tracking.clearml_stand_in import token

    return {"token": token()}


def ping(server: Any, data: Data) -> Data:
    """Say that the server is up."""
    return {"msg": "pong"}


def current_user(server: Any, data: Data) -> Data:
    """Say who is logged in."""
    return {"user": {"id": "tester", "name": "tester", "company": {"id": "c", "name": "c"}}}


def add_project(server: Any, data: Data) -> Data:
    """Make a project, and those above it; refuse one that there is."""
    name = "/".join(part.strip() for part in data["name"].split("/") if part)
    known = {project["name"]: key for key, project in server.projects.items()}
    if name in known:
        raise Refused("Project with the same name already exists")
    parts = name.split("/")
    for above in ["/".join(parts[: count + 1]) for count in range(len(parts))]:
        check_name({"name": above.rpartition("/")[2]})
        if above not in known:
            known[above] = uuid4().hex
            server.projects[known[above]] = {"id": known[above], "name": above, "system_tags": []}
    server.projects[known[name]] |= {"system_tags": data.get("system_tags", [])}
    return {"id": known[name]}


def find_projects(server: Any, data: Data) -> Data:
    """Find projects by a pattern of their name, or by id."""
    return {"projects": matching(server.projects, data)}


def get_project(server: Any, data: Data) -> Data:
    """Return a project."""
    return {"project": of(server.projects, data["project"])}


def delete_project(server: Any, data: Data) -> Data:
    """Forget a project without tasks."""
    key = of(server.projects, data["project"])["id"]
    if any(task["project"] == key for task in server.tasks.values()):
        raise Refused("Project has associated tasks")
    del server.projects[key]
    return {"deleted": 1}


def matching(things: dict[str, Data], data: Data) -> list[Data]:
    """Return what has the ids, the name pattern, the tags and the other fields that are asked."""
    found = [thing for thing in things.values() if thing["id"] in (data.get("id") or things)]
    if not data.get("search_hidden") and not data.get("id"):
        found = [thing for thing in found if "hidden" not in thing.get("system_tags", [])]
    if data.get("name"):
        found = [thing for thing in found if re.search(data["name"], thing.get("name", ""))]
    if anyone := data.get("_any_"):
        fields, pattern = anyone["fields"], anyone["pattern"]
        found = [t for t in found if any(re.search(pattern, str(t.get(f, ""))) for f in fields)]
    for field in ("project", "uri", "type", "status"):
        if wanted := data.get(field):
            found = [thing for thing in found if thing.get(field) in wanted]
    for field in ("tags", "system_tags"):
        wanted = [value for value in data.get(field) or [] if not value.startswith("__$")]
        if wanted:
            found = [thing for thing in found if set(wanted) & set(thing.get(field) or [])]
    if data.get("page_size", 1) < 1:
        raise Refused("page_size must be >0")
    for key in reversed(data.get("order_by") or []):
        name = key.removeprefix("-")
        found.sort(key=lambda one: str(one.get(name)), reverse=key.startswith("-"))
    size = min(data.get("page_size", PAGE), PAGE)
    found = found[int(data.get("page", 0)) * size :][:size]
    return [limited(thing, data.get("only_fields")) for thing in found]


def limited(thing: Data, fields: list[str] | None) -> Data:
    """Return the fields of a thing that are asked, and its id."""
    thing = {key: value for key, value in thing.items() if key != "updated"}
    if not fields:
        return thing
    tops = {field.split(".")[0] for field in fields} | {"id"}
    return {key: value for key, value in thing.items() if key in tops}


def add_task(server: Any, data: Data) -> Data:
    """Make a task in a project that there is."""
    key = uuid4().hex
    defaults = {"status": "created", "tags": [], "system_tags": [], "hyperparams": {}}
    defaults |= {"configuration": {}, "script": {}, "comment": "", "project": None}
    defaults |= {"execution": {"artifacts": [], "parameters": {}}, "user": "tester", "company": "c"}
    defaults |= {"models": {"input": [], "output": []}, "last_iteration": 0, "runtime": {}}
    kept = check_task(server, data)
    kept.pop("output_dest", None)
    output = {"output": {"destination": data.get("output_dest", "")}, "parent": data.get("parent")}
    times = {"updated": time.monotonic(), "created": now(server)}
    server.tasks[key] = {**defaults, **output, **kept, **times, "id": key}
    return {"id": key}


def find_tasks(server: Any, data: Data) -> Data:
    """Find tasks."""
    return {"tasks": matching(server.tasks, data)}


def get_task(server: Any, data: Data) -> Data:
    """Return a task."""
    return {"task": limited(of(server.tasks, data["task"]), None)}


def edit_task(server: Any, data: Data) -> Data:
    """Change fields of a task: three of them are merged, the others replaced."""
    task = of(server.tasks, data["task"])
    if task["status"] != "created" and not data.get("force"):
        raise Refused(f"Invalid task status: expected=created, status={task['status']}")
    fields = check_task(server, data)
    for field in ("execution", "models", "script"):
        if field in fields:
            fields[field] = task[field] | fields[field]
    touched(server, data["task"]).update(fields)
    return {"updated": 1, "fields": fields}


def ping_task(server: Any, data: Data) -> Data:
    """Renew the time of a task's last update."""
    if data["task"] in server.tasks:  # a server answers for an unknown one too
        touched(server, data["task"])
    return {}


def delete_task(server: Any, data: Data) -> Data:
    """Forget a task."""
    task = of(server.tasks, data["task"])
    if task["status"] == "in_progress" and not data.get("force"):
        raise Refused("Task cannot be deleted: use force")
    del server.tasks[data["task"]]
    return {"deleted": True}


def set_status(status: str) -> Callable[[Any, Data], Data]:
    """Return an endpoint that gives a task a status."""

    def endpoint(server: Any, data: Data) -> Data:
        task = of(server.tasks, data["task"])
        known = task["status"]
        if not data.get("force") and status not in STATES[known] | {known}:
            raise Refused(f"Invalid status change: current_status={known}, new_status={status}")
        reasons = {key: data.get(key, "") for key in ("status_reason", "status_message")}
        touched(server, data["task"]).update(status=status, **reasons)
        if status == "in_progress":
            return {"updated": 1, "fields": {"status": status}, "started": 1}
        return {"updated": 1, "fields": {"status": status}}

    return endpoint


def add_artifacts(server: Any, data: Data) -> Data:
    """Add artifacts to a task, replacing those of the same key and mode."""
    execution = running(server, data["task"])["execution"]
    if not data["artifacts"]:
        raise Refused("Validation error (artifacts has no items)")
    new = [check(server, "artifact", ARTIFACT, one) for one in data["artifacts"]]
    keys = [(one["key"], one.get("mode", "output")) for one in new]
    kept = [one for one in execution["artifacts"] if (one["key"], one["mode"]) not in keys]
    execution["artifacts"] = kept + [{"mode": "output"} | one for one in new]
    return {"updated": 1}


def add_model(server: Any, data: Data) -> Data:
    """Make a model, however many of the same name there are."""
    check_name(data)
    if "project" in data:
        of(server.projects, data["project"])
    key = uuid4().hex
    server.models[key] = {**data, "id": key, "created": now(server), "metadata": {}}
    return {"id": key, "created": True}


def add_metadata(server: Any, data: Data) -> Data:
    """Add what is known of a model's content."""
    fields = {"key!": str, "type!": str, "value!": str}
    items = [check(server, "metadata", fields, one) for one in data["metadata"]]
    of(server.models, data["model"])["metadata"] |= {one["key"]: one for one in items}
    return {"updated": 1}


def delete_model(server: Any, data: Data) -> Data:
    """Forget a model, and the file at its address."""
    model = of(server.models, data["model"])
    if data.get("delete_external_artifacts", True):
        server.deleted.append(model["uri"])
    del server.models[data["model"]]
    return {"deleted": True, "url": model["uri"]}


def find_models(server: Any, data: Data) -> Data:
    """Find models."""
    return {"models": matching(server.models, data)}


def link_model(server: Any, data: Data) -> Data:
    """Name a model as a task's input or output."""
    models = running(server, data["task"])["models"][data["type"]]
    models[:] = [model for model in models if model["name"] != data["name"]]
    models.append({"name": data["name"], "model": data["model"]})
    return {"updated": 1}


def add_events(server: Any, data: list[Data]) -> Data:
    """Keep events; a point of the same task, metric, variant and iteration replaces the other."""
    known = [event for event in data if event["task"] in server.tasks]
    if not known:
        raise Refused("Events not added: Invalid task id")
    for event in known:
        touched(server, event["task"])
        identity = [event.get(key) for key in ("task", "type", "metric", "variant", "iter")]
        if event["type"] == "log":
            identity += [uuid4().hex]
        if event["type"] == "plot":
            json.loads(event["plot_str"])
        server.events[tuple(identity)] = event
    wrong = len(data) - len(known)
    return {"added": len(known), "errors": wrong, "errors_info": {"Invalid task id": wrong}}


def task_log(server: Any, data: Data) -> Data:
    """Return the last lines of a task's console."""
    of(server.tasks, data["task"])
    found = [
        event
        for event in server.events.values()
        if event["task"] == data["task"] and event["type"] == "log"
    ]
    found.sort(key=lambda event: event["timestamp"], reverse=True)
    found = found[: data.get("batch_size", 5000)]
    return {"events": found, "returned": len(found), "total": len(found)}


ENDPOINTS: dict[str, Callable[[Any, Any], Data]] = {
    "auth.login": login,
    "debug.ping": ping,
    "users.get_current_user": current_user,
    "projects.create": add_project,
    "projects.get_all": find_projects,
    "projects.get_by_id": get_project,
    "projects.delete": delete_project,
    "tasks.create": add_task,
    "tasks.get_all": find_tasks,
    "tasks.get_by_id": get_task,
    "tasks.edit": edit_task,
    "tasks.ping": ping_task,
    "tasks.delete": delete_task,
    "tasks.started": set_status("in_progress"),
    "tasks.completed": set_status("completed"),
    "tasks.failed": set_status("failed"),
    "tasks.stopped": set_status("stopped"),
    "tasks.add_or_update_artifacts": add_artifacts,
    "tasks.add_or_update_model": link_model,
    "models.create": add_model,
    "models.delete": delete_model,
    "models.get_all": find_models,
    "models.add_or_update_metadata": add_metadata,
    "events.add_batch": add_events,
    "events.get_task_log": task_log,
}
