# Where things are, and how a process is started, found and ended. Sourced, as everything in lib/.
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$tools/../.bin
cache=${XDG_CACHE_HOME:-$HOME/.cache}/llm-serving-cluster # binaries, images: worth keeping
state=$cache/run                                           # of the running cluster: gone after `down`
sockets=/run/llm-serving-cluster                           # a socket's path may have 108 characters

node=llm-serving bridge=llmserving0
node_ip=10.87.0.1 pods=10.87.0.0/16 services=10.97.0.0/16 kubernetes_ip=10.97.0.1
containerd_socket=$sockets/containerd.sock
# Beside etcd's own, so that the tests that start only an API server find theirs free.
etcd=http://127.0.0.1:12379 etcd_peers=http://127.0.0.1:12380
xds=$node_ip:15010
ports=(53 6443 10248 10249 10250 10256 10257 10259 12379 12380 15010 15014 18080)
parts=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl coredns kwok)
packages=(buildah ca-certificates containerd containernetworking-plugins curl debootstrap etcd-server iproute2 iptables openssl procps runc)

export KUBECONFIG=$state/kubeconfig PATH=$PATH:/usr/sbin:/sbin
say() { printf '%s\n' "$*" >&2; }
die() { say "cluster: $*"; exit 1; }
kubectl() { "$bin/kubectl" "$@"; }
ctr() { command ctr --address "$containerd_socket" --namespace k8s.io "$@"; }

install_packages() {
  dpkg -s "${packages[@]}" >/dev/null 2>&1 && return
  say "installing Debian packages"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# from_module NAME MODULE VERSION PATH: a file or folder of a Go module, copied once; prints where it is.
from_module() {
  local kept=$cache/files/$1-$3 dir
  if [ ! -e "$kept" ]; then
    dir=$(go mod download -json "$2@$3" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    mkdir -p "$cache/files"
    cp -r "$dir/$4" "$kept.part"
    chmod -R u+w "$kept.part"
    mv "$kept.part" "$kept"
  fi
  echo "$kept"
}

# A process is known by its number and the moment it began, so that no later process of that number is taken for it.
# One that has ended and that nobody has asked about, Z, runs no more.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# start NAME COMMAND...: detached, its log beside its number.
start() {
  local name=$1
  shift
  setsid nohup "$@" >"$state/$name.log" 2>&1 </dev/null &
  echo "$! $(began $!)" >"$state/$name.pid"
}

running() {
  local pid since
  read -r pid since 2>/dev/null <"$state/$1.pid" || return 1
  [ -n "$since" ] && [ "$(began "$pid")" = "$since" ]
}

# stop NAME: ask, wait up to 15 s, insist.
stop() {
  local pid
  running "$1" || return 0
  read -r pid _ <"$state/$1.pid"
  kill "$pid"
  for _ in $(seq 75); do running "$1" || return 0; sleep 0.2; done
  kill -9 "$pid" || true
}

# wait_for WHAT SECONDS COMMAND...: ask twice a second.
wait_for() {
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "$what did not come; logs are in $state"
    sleep 0.5
  done
}
