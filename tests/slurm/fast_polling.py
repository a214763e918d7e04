"""`snakemake`, asking Slurm each second how its jobs are, which no setting of the plugin can say.

The plugin asks ever more seldom while no job ends: right for a cluster, half of a test's time here.
Only how often is asked is another.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)

if __name__ == "__main__":
    main(sys.argv[1:])
