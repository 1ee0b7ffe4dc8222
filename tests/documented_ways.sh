#!/usr/bin/env bash
# The documented ways to the website that `make` does not take, in a copy of this tree:
#
#     tests/documented_ways.sh .venv/bin/python
#
# `snakemake` by itself, twice; plain `jupyter-book build .`, twice, the second time with nothing changed; two builds from
# nothing, compared byte by byte. This takes a quarter of an hour.
set -euo pipefail
python=$(realpath --no-symlinks "${1:?which Python?}")
cd "$(dirname "$0")/.."
here=$(mktemp --directory /tmp/ways-XXXXXX)
trap 'rm -rf "$here"' EXIT
git ls-files -z | xargs -0 cp --parents --target-directory="$here"
cd "$here"
export PYTHONPATH=$here PYTHONUTF8=1
PATH=$(dirname "$python"):$PATH

"$python" -m snakemake --cores all --config profile=quick
"$python" -m snakemake --cores all --config profile=quick 2>&1 | tee log
grep -q "Nothing to be done" log
mv _build/quick/html first
rm -rf _build data/generated

"$python" -m compendium.build book --profile quick
diff -r first _build/quick/html
echo "two builds: the same website, byte by byte"
rm -rf _build data/generated

jupyter-book build . 2>&1 | tee log
jupyter-book build . 2>&1 | tee log
! grep -qE "Extension error|Traceback" log
test -f _build/html/book/intro.html
echo "plain jupyter-book: twice"
