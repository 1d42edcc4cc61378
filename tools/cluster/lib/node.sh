# The one real node: containerd, its network, kubelet, kube-proxy, names. And KWOK, which plays nodes that run nothing.

# The runtime, or the one that asks for less where this machine may not give everything (CAP_SYS_RESOURCE is bit 24).
runtime() {
  local may=0x$(awk '/^CapEff/ { print $2 }' /proc/self/status)
  if (((may >> 24) & 1)); then command -v runc; else echo "$tools/cluster/oci-runtime"; fi
}

pause_binary() {
  mkdir -p "$cache/bin"
  [ -x "$cache/bin/pause" ] || (cd "$tools/cluster/pause" && CGO_ENABLED=0 go build -ldflags='-s -w' -o "$cache/bin/pause" main.go)
  echo "$cache/bin/pause"
}

network() {
  ip link add "$bridge" type bridge
  ip addr add "$node_ip/16" dev "$bridge"
  ip link set "$bridge" up
  cat /proc/sys/net/ipv4/ip_forward >"$state/ip_forward"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  mkdir -p "$state/cni"
  cat >"$state/cni/10-$node.conflist" <<J
{"cniVersion": "0.4.0", "name": "$node", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$state/addresses", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
J
}

containers() {
  cat >"$state/containerd.toml" <<T
version = 2
root = "$cache/containerd"
state = "$sockets/containerd"
[grpc]
address = "$containerd_socket"
[plugins."io.containerd.internal.v1.opt"]
path = "$state/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "$(runtime)"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$state/cni"
T
  mkdir -p "$sockets"
  start containerd containerd --config "$state/containerd.toml"
  wait_for containerd 30 ctr version
  load_pause
}

# CoreDNS on the node's address: pods ask it directly.
names() {
  cat >"$state/Corefile" <<C
.:53 {
  bind $node_ip
  errors
  kubernetes cluster.local {
    kubeconfig $KUBECONFIG
    pods insecure
  }
}
C
  echo "nameserver $node_ip" >"$state/resolv.conf"
  start coredns "$bin/coredns" -conf "$state/Corefile"
}

kubelet() {
  cat >"$state/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_ip
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $state/ca.crt}}
authorization: {mode: AlwaysAllow} # any client with a certificate of this cluster's authority
cgroupDriver: cgroupfs
clusterDNS: [$node_ip]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://$containerd_socket
enforceNodeAllocatable: []
evictionHard: {imagefs.available: "1%", nodefs.available: "1%"}
failCgroupV1: false # cgroup v1 is why this is 1.34: later kubelets refuse it
failSwapOn: false
imageGCHighThresholdPercent: 99
imageGCLowThresholdPercent: 98
podLogsDir: $state/logs
resolvConf: $state/resolv.conf
volumePluginDir: $state/volume-plugins
Y
  start kubelet "$bin/kubelet" --kubeconfig "$KUBECONFIG" --config "$state/kubelet.yaml" --hostname-override "$node" --node-ip "$node_ip" \
    --root-dir "$state/kubelet" --cert-dir "$state/kubelet-pki"
  start kube-proxy "$bin/kube-proxy" --kubeconfig "$KUBECONFIG" --hostname-override "$node" --cluster-cidr "$pods" --proxy-mode iptables \
    --healthz-bind-address 127.0.0.1:10256
}

# How simulated nodes and their pods become ready, as KWOK ships it.
kwok() {
  local stages file
  stages=$(from_module kwok-stages sigs.k8s.io/kwok "$("$tools/build.sh" --pin kwok)" kustomize/stage)
  for file in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease pod/fast/pod-{ready,complete,delete}; do
    cat "$stages/$file.yaml"
    echo ---
  done >"$state/stages.yaml"
  KUBE_FEATURE_WatchListClient=false start kwok "$bin/kwok" --kubeconfig "$KUBECONFIG" --config "$state/stages.yaml" \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake --node-lease-duration-seconds 40
}

node_up() {
  containers
  names
  kubelet
  kwok
  kubectl wait --for=create "node/$node" --timeout=60s >/dev/null
  kubectl wait --for=condition=Ready "node/$node" --timeout=120s >/dev/null
}

# gpus COUNT: let the node offer nvidia.com/gpu, which nothing is behind: a CPU engine is scheduled as a GPU one.
gpus() {
  local field patch=()
  for field in capacity allocatable; do
    patch+=("{\"op\": \"add\", \"path\": \"/status/$field/nvidia.com~1gpu\", \"value\": \"$1\"}")
  done
  kubectl patch node "$node" --subresource=status --type=json -p "[${patch[0]}, ${patch[1]}]" >/dev/null
}
