#!/usr/bin/env bash
# End to end on the cluster that KUBECONFIG names; tests/e2e/README.md says what it needs. Arguments go to pytest: cases, or options.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PWD/.bin:$PATH"
: "${KUBECONFIG:?set KUBECONFIG to a cluster that may be used for tests}"
tools/build.sh helm prometheus
cases=(tests/e2e)
for argument in "$@"; do
  [[ $argument != tests/* ]] || cases=()
done
exec pytest -m e2e --durations=15 --durations-min=10 "${cases[@]}" "$@"
