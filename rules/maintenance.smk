"""Looking after the folders: what is done, what the journal holds, and what may go.

Needs: results/{experiment}, resources/journal
Makes: nothing, so no benchmark either: it would count as made, and a second call would do nothing.
       `status` and `power` are no rules: they are answered here, as a job would write a log
"""

try:
    if DRIVER:
        cli.answer(
            sys.argv[1:],
            RESULTS,
            ["/".join(row) for row in grid.rows(CONFIG)],
            CONFIG,
            {dataset: questions(dataset) for dataset in grid.datasets(CONFIG)},
        )
except UserError as error:
    raise WorkflowError(str(error)) from None


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
