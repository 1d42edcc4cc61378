#!/usr/bin/env bash
# demo.sh: the main job on the shipped examples: a spec becomes sizes, values and manifests, in build/demo/.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PWD/.bin:$PATH
out=build/demo
environments=(dev prod)

bold() { if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[1m%s\033[0m\n' "$*"; else printf '%s\n' "$*"; fi; }

# quietly COMMAND...: show what it says on standard error only when it fails; warnings are for `llmgen validate`.
quietly() {
  local said
  said=$(mktemp)
  if ! "$@" 2>"$said"; then cat "$said" >&2; rm -f "$said"; exit 1; fi
  rm -f "$said"
}

# field FILE KEY: the first value of a key, without quotes.
field() { awk -v key="$2:" '$1 == key { gsub(/"/, "", $2); print $2; exit }' "$1"; }

# seconds FILE: how long Helm has to wait for the slowest revision, which the chart has worked out.
seconds() { awk '$1 == "llmgen.dev/helm-timeout-seconds:" { gsub(/"/, "", $2); if ($2 + 0 > most) most = $2 + 0 } END { print most + 0 }' "$1"; }

# sizes SPEC: the table of `llmgen size` without its advice on growth, three shapes and three refusals of each revision.
sizes() {
  quietly llmgen size "$1" | awk '
    /^to serve more:/ { skip = 1 }
    /^[^ ]+ [^ ]+$/   { skip = 0; if (seen++) print "" }
    skip || !NF       { next }
    /^#|^rejected:/   { rows = 0; print "  " $0; next }
    /^[0-9 ]/         { if (rows++ < 3) print "  " $0; next }
    { print }'
}

for env in "${environments[@]}"; do
  spec=values/$env/spec.yaml
  mkdir -p "$out/$env"
  rm -f "$out/$env/rollout.yaml" "$out/$env/overrides.yaml"
  for overlay in overrides rollout; do
    [ ! -f "values/$env/$overlay.yaml" ] || cp "values/$env/$overlay.yaml" "$out/$env/"
  done
  bold "$spec: shapes that keep the targets of each model, the cheapest first"
  sizes "$spec"
  quietly llmgen render "$spec" -o "$out/$env/values.yaml" --manifests "$out/$env"
  echo
done

bold "Made"
for env in "${environments[@]}"; do
  values=$out/$env/values.yaml manifests=$out/$env/manifests.yaml
  printf '  %-32s %4d lines, %d numbers with their reason\n' "$values" "$(wc -l <"$values")" "$(grep -c '[^ ]  *# ' "$values")"
  printf '  %-32s %4d objects, %d Deployments (engines and gateway)\n' "$manifests" "$(grep -c '^kind: ' "$manifests")" "$(grep -c '^kind: Deployment' "$manifests")"
done

bold "Next, with a cluster that has the GPUs of the spec"
echo "  export PATH=\$PWD/.venv/bin:\$PWD/.bin:\$PATH                where llmgen and helm are"
echo "  llmgen doctor values/prod/spec.yaml                       what it lacks: Secrets of the tenants, labels, add-ons; reads only"
for env in "${environments[@]}"; do
  manifests=$out/$env/manifests.yaml release=$(field "$out/$env/values.yaml" fullnameOverride) namespace=$(field "$out/$env/manifests.yaml" namespace)
  overlays=$(for overlay in overrides rollout; do [ ! -f "$out/$env/$overlay.yaml" ] || printf ' -f %s' "$out/$env/$overlay.yaml"; done)
  printf '  helm upgrade --install %s charts/llm-serving -n %s --create-namespace \\\n' "$release" "$namespace"
  printf '    -f %s/%s/values.yaml%s --wait --timeout %ds\n' "$out" "$env" "$overlays" "$(seconds "$manifests")"
done
printf '  helm test %s -n %s\n' "$release" "$namespace"

bold "Without one"
echo "  llmgen size values/prod/spec.yaml                         every shape, why others do not fit, how to grow"
echo "  make apiserver                                            install, upgrade, roll back on a real API server"
echo "  llmgen explain values/dev/spec.yaml models.chat           where each number of a model comes from"
echo "  edit values/dev/spec.yaml, then llmgen validate values/dev/spec.yaml"
