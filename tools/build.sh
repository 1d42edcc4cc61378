#!/usr/bin/env bash
# build.sh NAME...: put helm, helm4, helm-unittest, kubeconform, kube-score, kube-apiserver, promtool or prometheus into .bin/, from the
# modules pinned in tools/.
# A supported helm on PATH is used instead of building one. Binaries are built once; a change of the pins builds them again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$here/../.bin
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)

say() { printf '%s\n' "$*" >&2; }

need_go() {
  command -v go >/dev/null || { say "go is needed to build $1: install Go 1.26 or later, or put $1 on PATH"; exit 1; }
}

# module DIR PATH: the version that DIR's go.mod pins for module PATH.
module() { awk -v path="$2" '$1 == path || ($1 == "require" && $2 == path) { print $NF; exit }' "$here/$1/go.mod"; }

# install DIR PACKAGE TARGET LDFLAGS: go install into a folder of its own, then move, so that a stopped build leaves nothing behind.
install() {
  local out
  out=$(mktemp -d "$bin/.build.XXXXXX")
  if (cd "$here/$1" && GOBIN=$out GOFLAGS=-buildvcs=false go install -ldflags "-s -w ${4:-}" "$2"); then
    mv "$out/$(basename "$2")" "$bin/$3"
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

build() {
  local name=$1 pin found
  case $name in
    helm) pin=$(module . helm.sh/helm/v3) ;;
    helm4) pin=$(module . helm.sh/helm/v4) ;;
    helm-unittest) pin=$(module . github.com/helm-unittest/helm-unittest) ;;
    kubeconform) pin=$(module . github.com/yannh/kubeconform) ;;
    kube-score) pin=$(module kube-score github.com/zegl/kube-score) ;;
    kube-apiserver) pin=$(module apiserver k8s.io/kubernetes) ;;
    promtool|prometheus) pin=$(module prometheus github.com/prometheus/prometheus) ;;
    *) say "build.sh: nothing is called $name"; exit 2 ;;
  esac
  fresh "$name" "$pin" && return
  if [ "$name" = helm ] && found=$(supported_helm); then
    say "helm: using $found"
    ln -sf "$found" "$bin/helm"; printf '%s' "$pin" >"$bin/.helm.pin"
    return
  fi
  need_go "$name"
  say "building $name $pin, once (minutes, where Go has not built it before)"
  case $name in
    # An unstamped build claims Kubernetes v1.20 and refuses the chart's kubeVersion.
    helm) install . helm.sh/helm/v3/cmd/helm helm "-X helm.sh/helm/v3/internal/version.version=$pin \
      -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34 \
      -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34" ;;
    helm4) install . helm.sh/helm/v4/cmd/helm helm4 "-X helm.sh/helm/v4/internal/version.version=$pin" ;;
    helm-unittest) install . github.com/helm-unittest/helm-unittest/cmd/helm-unittest helm-unittest ;;
    kubeconform) install . github.com/yannh/kubeconform/cmd/kubeconform kubeconform ;;
    kube-score) install kube-score github.com/zegl/kube-score/cmd/kube-score kube-score ;;
    # The module has no assets of the user interface; the API, which the tests ask, is whole.
    promtool|prometheus) install prometheus "github.com/prometheus/prometheus/cmd/$name" "$name" ;;
    kube-apiserver) install apiserver k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver \
      "-X k8s.io/component-base/version.gitVersion=$pin -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34" ;;
  esac
  printf '%s' "$pin" >"$bin/.$name.pin"
}

for name in "$@"; do build "$name"; done
