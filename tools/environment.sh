#!/usr/bin/env bash
# environment.sh UV_VERSION: the locked Python environment in .venv, made by uv; uv itself is installed beside it if it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  uv=.bin/uv-env/bin/uv
  if [ ! -x "$uv" ]; then
    echo "installing uv $1" >&2
    python3 -m venv .bin/uv-env
    .bin/uv-env/bin/pip install --quiet --disable-pip-version-check "uv==$1"
  fi
fi
echo "installing the Python environment from requirements.lock" >&2
[ -x .venv/bin/python ] || "$uv" venv --quiet --python '>=3.11' .venv
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
"$uv" pip install --quiet --python .venv/bin/python --no-deps --editable .
