"""Maintenance: `snakemake -c1 journal`. (`make status` and `make explain` are no rules.)

Needs: results/{experiment}, resources/journal
Makes: nothing, not even a benchmark: with an output, a second call would do nothing
"""


rule power:
    log:
        "logs/power.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        primary=CONFIG.metrics.primary,
        confidence=CONFIG.metrics.confidence,
        limits={name: CONFIG.datasets[name].limit for name in grid.datasets(CONFIG)},
        tables={name: with_module_prefix(questions(name)) for name in grid.datasets(CONFIG)},
        results=RESULTS_FOLDER,
    script:
        "../workflow/scripts/estimate_power.py"


rule journal:
    log:
        "logs/journal.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        journal=with_module_prefix("resources/journal"),
    script:
        "../workflow/scripts/count_journal.py"


rule prune_journal:
    log:
        "logs/prune_journal.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        journal=with_module_prefix("resources/journal"),
        days=os.environ.get("JOURNAL_DAYS", "30"),
    script:
        "../workflow/scripts/prune_journal.py"


rule clean_experiment:
    log:
        "logs/clean_experiment.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        results=RESULTS_FOLDER,
    script:
        "../workflow/scripts/clean_experiment.py"


rule sync_tracking:
    log:
        "logs/sync_tracking.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        tracking=CONFIG.tracking.params(),
        results=RESULTS_FOLDER,
    script:
        "../workflow/scripts/sync_tracking.py"
