#!/usr/bin/env bash
# lock.sh: resolve pyproject.toml anew into requirements.lock: every version and hash, for every platform, no address of a registry.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
  --output-file requirements.lock "$@"
