"""A loop of a chapter on a Dask cluster, as the page "Reproducing" shows it: the same survivors as without.

Needs, in the Python that runs it, the lock and dask[distributed]: ``python tests/cluster/dask_loop.py``.
"""

import time

import joblib
import numpy as np
from dask.distributed import Client, LocalCluster

from compendium.studies.pc_surviving_structures import census


def main() -> None:
    """Compare the two, say how long each took and how many tasks the cluster was given."""
    started = time.monotonic()
    here = census(3, chunk=729)
    alone = time.monotonic() - started
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        started = time.monotonic()
        with joblib.parallel_config("dask"):
            there = census(3, chunk=729)
        remote = time.monotonic() - started
        tasks = sum(client.run(lambda dask_worker: len(dask_worker.state.log)).values())
    for name in ("parents", "confounded"):
        if not np.array_equal(getattr(here.survivors, name), getattr(there.survivors, name)):
            raise SystemExit("the survivors differ")
    if (here.formed, bool(tasks)) != (there.formed, True):
        raise SystemExit("the cluster was not asked, or asked for something else")
    print(f"The same {len(here.survivors):,} survivors: {alone:.1f} s here, {remote:.1f} s on the cluster.")


if __name__ == "__main__":
    main()
