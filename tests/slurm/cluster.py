"""A real two-node Slurm on this machine, from Debian's packages, with stand-in GPUs.

``python tests/slurm/cluster.py start|stop|status`` by hand; tests use ``Cluster`` as a context.
The state lives in one folder; /etc/slurm gets links to its configuration, so that sbatch and
snakemake need no environment.
"""

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, run

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.slurm.processes import cut_off, end, output, wait

ROOT = Path(os.environ.get("SLURM_CLUSTER", "/tmp/slm-slurm"))
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
LINKED = ("slurm.conf", "gres.conf", "cgroup.conf")
CPUS, MEMORY, GPUS = 32, 64000, 2

SETTINGS = """\
ClusterName=slm
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,sched_min_interval=0,bf_interval=2,defer_batch
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
DefMemPerCPU=500
MinJobAge=3600
KillWait=5
OverTimeLimit=0
CompleteWait=0
InactiveLimit=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
SlurmdParameters=config_overrides
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd-%n.pid
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool-%n
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd-%n.log
"""
PARTITIONS = """\
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=24:00:00 DefaultTime=01:00:00
PartitionName=gpu Nodes=ALL PriorityTier=1 MaxTime=24:00:00 DefaultTime=01:00:00
PartitionName=urgent Nodes=ALL PriorityTier=10 MaxTime=24:00:00 DefaultTime=01:00:00
"""


def missing() -> str | None:
    """Return why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "a Slurm cluster of one's own needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not found; apt-get install munge slurmctld slurmd slurm-client"
    return None


@dataclass
class Cluster:
    """Two nodes of 32 CPUs and 64 GB (said, not had) and two stand-in GPUs each."""

    nodes: tuple[str, ...] = ("n1", "n2")
    root: Path = ROOT

    def __enter__(self) -> "Cluster":
        """Start it."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start munge, the controller and the nodes, and wait until the nodes are idle."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("etc", "run", "state", "log", "gpu", *(f"spool-{n}" for n in self.nodes)):
            (self.root / folder).mkdir(parents=True)
        self.root.chmod(0o755)
        self._munge()
        self._configure()
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        wait(self.whole, f"the nodes were not idle; see {self.root}/log")

    def stop(self) -> None:
        """End all jobs and daemons, and take the links away."""
        if (self.root / "run").is_dir():
            end(self.root / "run/slurmctld.pid")
            for node in self.nodes:
                end(self.root / f"run/slurmd-{node}.pid")
                cut_off(node)
        for name in LINKED:
            link = Path("/etc/slurm") / name
            if link.is_symlink():
                link.unlink()

    def states(self) -> dict[str, str]:
        """Return the state of each node."""
        lines = output("sinfo", "--noheader", "--Node", "--partition=main", "--format=%N %T")
        return dict(line.split() for line in lines.splitlines())

    def start_controller(self) -> None:
        """Start slurmctld."""
        run(["slurmctld"], check=True, stdin=DEVNULL)

    def stop_controller(self) -> None:
        """Stop slurmctld; the jobs live on."""
        end(self.root / "run/slurmctld.pid")

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        run(["slurmd", "-N", node], check=True, stdin=DEVNULL)

    def restart_controller(self) -> None:
        """Stop slurmctld and start it again."""
        self.stop_controller()
        self.start_controller()
        wait(lambda: len(self.states()) == len(self.nodes), "the controller did not answer")

    def lose_node(self, node: str) -> None:
        """End a node's daemon and its jobs at one stroke, as a power cut would; it stays away."""
        pid_file = self.root / f"run/slurmd-{node}.pid"
        cut_off(node, int(pid_file.read_text()))
        pid_file.unlink()
        run(["scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost"], check=True)
        wait(lambda: self.states()[node].startswith("down"), f"{node} was not lost")

    def whole(self) -> bool:
        """Say whether all nodes are there and have nothing to do."""
        return self.states() == dict.fromkeys(self.nodes, "idle") and not output("squeue", "-h")

    def _munge(self) -> None:
        key = Path("/etc/munge/munge.key")
        if not key.exists() or key.stat().st_size == 0:
            key.parent.mkdir(exist_ok=True)
            key.write_bytes(os.urandom(1024))
        shutil.chown(key.parent, "munge", "munge")
        shutil.chown(key, "munge", "munge")
        key.chmod(0o400)
        for folder, mode in (
            ("/run/munge", 0o755),
            ("/var/log/munge", 0o700),
            ("/var/lib/munge", 0o700),
        ):
            Path(folder).mkdir(exist_ok=True)
            shutil.chown(folder, "munge", "munge")
            Path(folder).chmod(mode)
        if run(["munge", "-n"], stdin=DEVNULL, capture_output=True).returncode:
            run(["runuser", "-u", "munge", "--", "munged", "--force"], check=True)

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        _make_resolvable(host)
        for index in range(GPUS):
            os.mknod(self.root / f"gpu/nvidia{index}", 0o020666, os.makedev(1, 3))
        nodes = "".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={17001 + index} "
            f"CPUs={CPUS} RealMemory={MEMORY} Gres=gpu:{GPUS} State=UNKNOWN\n"
            for index, node in enumerate(self.nodes)
        )
        gres = (
            f"NodeName={','.join(self.nodes)} Name=gpu File={self.root}/gpu/nvidia[0-{GPUS - 1}]\n"
        )
        files = {
            "slurm.conf": SETTINGS.format(host=host, root=self.root) + nodes + PARTITIONS,
            "gres.conf": gres,
            "cgroup.conf": "CgroupAutomount=no\n",
        }
        Path("/etc/slurm").mkdir(exist_ok=True)
        for name, text in files.items():
            (self.root / "etc" / name).write_text(text)
            link = Path("/etc/slurm") / name
            link.unlink(missing_ok=True)
            link.symlink_to(self.root / "etc" / name)


def _make_resolvable(host: str) -> None:
    try:
        socket.gethostbyname(host)
    except OSError:
        with open("/etc/hosts", "a") as hosts:
            hosts.write(f"127.0.0.1 {host}\n")


if __name__ == "__main__":
    cluster = Cluster()
    actions = {"start": cluster.start, "stop": cluster.stop, "status": lambda: None}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit("error: say start, stop or status")
    if missing():
        sys.exit(f"error: {missing()}")
    actions[sys.argv[1]]()
    print(output("sinfo", "--Node"), end="")
