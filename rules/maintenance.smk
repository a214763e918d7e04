"""Maintenance: `snakemake -c1 journal`. (`make status` and `make explain` are no rules.)

Needs: results/{experiment}, resources/journal
Makes: nothing, so no benchmark either: it would count as made, and a second call would do nothing
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
        tables={name: placed(questions(name)) for name in grid.datasets(CONFIG)},
        results=PLACE,
    script:
        "../workflow/scripts/estimate_power.py"


rule journal:
    log:
        "logs/journal.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        journal=placed("resources/journal"),
    script:
        "../workflow/scripts/count_journal.py"


rule prune_journal:
    log:
        "logs/prune_journal.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        journal=placed("resources/journal"),
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
        results=PLACE,
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
        results=PLACE,
    script:
        "../workflow/scripts/sync_tracking.py"
