#!/usr/bin/env bash
# A Slurm of one node on the loopback interface, and the quick book built under it with the commands that the page
# "Reproducing" gives. Needs root, Debian's slurm-wlm and munge, and in the Python that it is told the lock and
# snakemake-executor-plugin-slurm:
#
#     tests/cluster/slurm.sh .venv/bin/python
#
# Everything it starts it ends, and all that it writes besides _build/quick is in a folder of its own, to which
# /etc/slurm/slurm.conf leads for as long as it runs (jobs are not given the environment in which they are submitted).
set -euo pipefail
python=$(realpath --no-symlinks "${1:?which Python?}")
cd "$(dirname "$0")/../.."
settings=/etc/slurm/slurm.conf
[ ! -e $settings ] || { echo "This machine belongs to a Slurm already: $settings is there." >&2; exit 1; }
here=$(mktemp --directory /tmp/slurm-XXXXXX)
trap 'scancel --user "$(id --user --name)" 2>/dev/null; sleep 1; kill $(cat "$here"/*.pid 2>/dev/null) 2>/dev/null || true; wait; rm -rf "$here" $settings' EXIT

head --bytes 1024 /dev/urandom >"$here/key"
chmod 400 "$here/key"
mkdir "$here/state" "$here/spool"
mkdir -p "$(dirname $settings)"
ln -s "$here/slurm.conf" $settings
cat >"$here/slurm.conf" <<END
ClusterName=loopback
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge.socket
CredType=cred/munge
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=300
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(free --mega | awk '/^Mem/ {print $2}') * 3 / 4))
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

munged --force --key-file="$here/key" --socket="$here/munge.socket" --pid-file="$here/munged.pid" \
  --log-file="$here/munged.log" --seed-file="$here/seed"
slurmctld -D >"$here/ctld.out" 2>&1 &
slurmd -D >"$here/slurmd.out" 2>&1 &
for _ in $(seq 100); do sinfo --noheader --format=%t 2>/dev/null | grep -q idle && break || sleep 0.3; done
sinfo

rm -rf _build/quick
snakemake=("$python" -m snakemake --executor slurm --jobs 20 --config profile=quick --slurm-status-command squeue)
"${snakemake[@]}" # as documented for a cluster without accounting
test -f _build/quick/html/index.html
"${snakemake[@]}" 2>&1 | tee "$here/second"
grep -q "Nothing to be done" "$here/second"
echo "The quick book was built under $(sinfo --version), and a second run had nothing to do."
