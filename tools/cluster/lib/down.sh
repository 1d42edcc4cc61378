# Everything away: processes, mounts, network, rules, groups. Works on what a crash left behind, too.

kill_tasks() {
  local task
  for task in $(ctr tasks ls -q 2>/dev/null); do ctr tasks kill -s 9 "$task" 2>/dev/null || true; done
}

# Deleted by the kubelet, pods take their addresses, rules and mounts with them; nobody may make new ones meanwhile. Their own time to
# leave is theirs while a cluster runs, not here.
leave_pods() {
  stop kube-controller-manager
  stop kube-scheduler
  running kubelet && running containerd || return 0
  kubectl delete pods --all-namespaces --all --force --grace-period=0 --wait=false >/dev/null 2>&1 || true
  for _ in $(seq 30); do
    [ -n "$(ctr containers ls -q 2>/dev/null)" ] || return 0
    sleep 1
    kill_tasks
  done
}

kill_containers() {
  local task pid
  kill_tasks
  for task in $(ctr containers ls -q 2>/dev/null); do ctr containers rm "$task" 2>/dev/null || true; done
  stop containerd
  # Its shims, by their socket, which is ours alone.
  for pid in $(pgrep -f "containerd-shim-runc-v2 .*-address $containerd_socket" || true); do kill -9 "$pid" 2>/dev/null || true; done
}

unmount() {
  local at
  awk -v state="$state/" -v sockets="$sockets/" -v images="$cache/containers/" \
    'index($2, state) == 1 || index($2, sockets) == 1 || index($2, images) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r at; do umount --lazy "$at" || true; done
  # No other pods are on this machine: `possible` has looked.
  for at in /run/netns/cni-*; do
    [ ! -e "$at" ] || { umount --lazy "$at" 2>/dev/null || true; rm -f "$at"; }
  done
}

unplug() {
  local link
  for link in $(ip -o link show master "$bridge" 2>/dev/null | sed 's/^[0-9]*: \([^@:]*\).*/\1/'); do ip link del "$link" || true; done
  ip link del "$bridge" 2>/dev/null || true
  [ ! -r "$state/ip_forward" ] || cat "$state/ip_forward" >/proc/sys/net/ipv4/ip_forward
  for link in iptables ip6tables; do
    "$link-save" 2>/dev/null | grep -E 'KUBE-|CNI-' >/dev/null || continue
    "$link-save" | grep -vE 'KUBE-|CNI-' | "$link-restore"
  done
}

# Places that kubelet and CNI do not let us choose.
sweep() {
  find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
  find /var/lib/cni/results -maxdepth 1 \( -name "$node-*" -o -name 'cni-loopback-*' \) -delete 2>/dev/null || true
  find /var/log/containers -maxdepth 1 -lname "$state/*" -delete 2>/dev/null || true
  rm -rf /var/lib/kubelet/device-plugins "$state" "$sockets"
  rmdir /var/lib/cni/results /var/lib/cni /var/log/containers /var/lib/kubelet/pki /var/lib/kubelet /run/netns 2>/dev/null || true
}

down() {
  [ -d "$state" ] || [ -d "$sockets" ] || return 0
  local name
  leave_pods
  for name in istiod kwok kube-proxy kubelet coredns kube-apiserver etcd; do stop "$name"; done
  kill_containers
  unmount
  unplug
  sweep
}
