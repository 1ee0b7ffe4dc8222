"""The survivors of four parties, counted structure by structure: some minutes on two cores, a few hundred megabytes.

    python tests/count_four_parties.py

Each structure that can survive is tested by d-separation, one of every class under exchange of the parties; the number
is then compared with the formula, which rests on a description of the survivors.
"""

import time

from rich.progress import track

from compendium.studies.pc_surviving_structures import count_by_testing, survivor_count


def main() -> None:
    began = time.perf_counter()
    found = count_by_testing(4, lambda results, total: track(results, "links of the parties", total=total))
    print(f"tested: {found:,}; by the formula: {survivor_count(4):,}; {time.perf_counter() - began:.0f} s")
    if found != survivor_count(4):
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
