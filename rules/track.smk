"""What a tracker could not be told while the jobs ran.

Needs: results/{experiment}/jobs
Makes: nothing but the tracker's tasks
"""


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
