"""`snakemake`, asking Slurm each second how its jobs are: only how often is asked is another.

The executor asks ever more seldom while no job ends: right for a cluster, slow in a test.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)

if __name__ == "__main__":
    main(sys.argv[1:])
