#!/usr/bin/env bash
# build.sh NAME...: put tools into .bin/, built from the modules pinned here: helm, helm4, helm-unittest, kubeconform, kube-score, promtool,
# prometheus, and the parts of a cluster (tools/cluster): kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet,
# kubectl, coredns, kwok, pilot-discovery, keda-operator, keda-adapter.
# build.sh --pin NAME: its version.
# A supported helm on PATH is used instead of building one. Binaries are built once; a change of the pins builds them again. What takes
# minutes, the cluster, is kept outside the checkout, in ${XDG_CACHE_HOME:-~/.cache}/llm-serving-cluster/bin, one file per version.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$here/../.bin
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/llm-serving-cluster/bin

# Modules without replacements of their own are built as they were released, against their own go.sum. Istio's tags are no Go versions.
COREDNS=v1.15.0 KWOK=v0.8.0 ISTIO=v0.0.0-20260827124520-eed52ebb66ad

say() { printf '%s\n' "$*" >&2; }

need_go() {
  command -v go >/dev/null || { say "go is needed to build $1: install Go 1.26 or later, or put $1 on PATH"; exit 1; }
}

# module DIR PATH: the version that DIR's go.mod pins for module PATH.
module() { awk -v path="$2" '$1 == path || ($1 == "require" && $2 == path) { print $NF; exit }' "$here/$1/go.mod"; }

# install DIR PACKAGE TARGET LDFLAGS: go install into a folder of its own, then move, so that a stopped build leaves nothing behind.
# TARGET is a name in .bin/ or a path.
install() {
  local out
  out=$(mktemp -d "$bin/.build.XXXXXX")
  if (cd "$here/$1" && GOBIN=$out GOFLAGS=-buildvcs=false go install -ldflags "-s -w ${4:-}" "$2"); then
    (cd "$bin" && mv "$out"/* "$3")
    rmdir "$out"
  else
    rm -rf "$out"; say "building $3 failed"; exit 1
  fi
}

supported_helm() {
  local found version
  found=$(PATH=${PATH//$bin:/} command -v helm) || return 1
  version=$("$found" version --template '{{.Version}}' 2>/dev/null) || return 1
  case $version in
    v3.1[4-9].*|v3.[2-9][0-9].*) printf '%s' "$found" ;;
    *) return 1 ;;
  esac
}

fresh() { [ -e "$bin/$1" ] && [ "$(cat "$bin/.$1.pin" 2>/dev/null)" = "$2" ]; }

# pin NAME: the version that is wanted.
pin() {
  case $1 in
    helm) module . helm.sh/helm/v3 ;;
    helm4) module . helm.sh/helm/v4 ;;
    helm-unittest) module . github.com/helm-unittest/helm-unittest ;;
    kubeconform) module . github.com/yannh/kubeconform ;;
    kube-score) module kube-score github.com/zegl/kube-score ;;
    promtool|prometheus) module prometheus github.com/prometheus/prometheus ;;
    kube-apiserver|kube-controller-manager|kube-scheduler|kube-proxy|kubelet|kubectl) module k8s k8s.io/kubernetes ;;
    keda-operator|keda-adapter) module keda github.com/kedacore/keda/v2 ;;
    coredns) echo $COREDNS ;;
    kwok) echo $KWOK ;;
    pilot-discovery) echo $ISTIO ;;
    *) say "build.sh: nothing is called $1"; exit 2 ;;
  esac
}

# compile NAME PIN TARGET
compile() {
  local version=k8s.io/component-base/version
  case $1 in
    # An unstamped build claims Kubernetes v1.20 and refuses the chart's kubeVersion.
    helm) install . helm.sh/helm/v3/cmd/helm "$3" "-X helm.sh/helm/v3/internal/version.version=$2 \
      -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34 \
      -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34" ;;
    helm4) install . helm.sh/helm/v4/cmd/helm "$3" "-X helm.sh/helm/v4/internal/version.version=$2" ;;
    helm-unittest) install . github.com/helm-unittest/helm-unittest/cmd/helm-unittest "$3" ;;
    kubeconform) install . github.com/yannh/kubeconform/cmd/kubeconform "$3" ;;
    kube-score) install kube-score github.com/zegl/kube-score/cmd/kube-score "$3" ;;
    # The module has no assets of the user interface; the API, which the tests ask, is whole.
    promtool|prometheus) install prometheus "github.com/prometheus/prometheus/cmd/$1" "$3" ;;
    kube*) install k8s "k8s.io/kubernetes/cmd/$1" "$3" \
      "-X $version.gitVersion=$2 -X $version.gitMajor=1 -X $version.gitMinor=34 -X $version.gitTreeState=clean" ;;
    keda-*) install keda "github.com/kedacore/keda/v2/cmd/${1#keda-}" "$3" ;;
    coredns) install . "github.com/coredns/coredns@$2" "$3" ;;
    kwok) install . "sigs.k8s.io/kwok/cmd/kwok@$2" "$3" ;;
    pilot-discovery) install . "istio.io/istio/pilot/cmd/pilot-discovery@$2" "$3" ;;
  esac
}

build() {
  local name=$1 pin found target=$1
  pin=$(pin "$name")
  case $name in
    kube-score) ;;
    kube-*|kubelet|kubectl|keda-*|coredns|kwok|pilot-discovery) target=$kept/$name-$pin; mkdir -p "$kept" ;;
  esac
  fresh "$name" "$pin" && return
  if [ "$name" = helm ] && found=$(supported_helm); then
    say "helm: using $found"
    ln -sf "$found" "$bin/helm"; printf '%s' "$pin" >"$bin/.helm.pin"
    return
  fi
  if [ "$target" = "$name" ] || [ ! -x "$target" ]; then
    need_go "$name"
    say "building $name $pin, once (minutes, where Go has not built it before)"
    compile "$name" "$pin" "$target"
  fi
  [ "$target" = "$name" ] || ln -sf "$target" "$bin/$name"
  printf '%s' "$pin" >"$bin/.$name.pin"
}

if [ "${1:-}" = --pin ]; then pin "$2"; exit; fi
for name in "$@"; do build "$name"; done
