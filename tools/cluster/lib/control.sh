# Keys, etcd, and the control plane.

certificates() (
  cd "$state"
  umask 077
  openssl genrsa -out accounts.key 2048
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=llm-serving-cluster
  signed() { # NAME SUBJECT EXTENSIONS
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 30 -extfile <(printf '%s\n' "$3")
  }
  local names=kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
  signed apiserver /CN=kube-apiserver "subjectAltName=DNS:$names,IP:127.0.0.1,IP:$kubernetes_ip,IP:$node_ip"
  signed aggregator /CN=front-proxy extendedKeyUsage=clientAuth
  signed kubelet-client /O=system:masters/CN=kubelet-client extendedKeyUsage=clientAuth
  signed admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
) 2>/dev/null

kubeconfig() {
  cat >"$KUBECONFIG" <<Y
apiVersion: v1
kind: Config
clusters: [{name: llm-serving, cluster: {server: "https://$node_ip:6443", certificate-authority: $state/ca.crt}}]
users: [{name: admin, user: {client-certificate: $state/admin.crt, client-key: $state/admin.key}}]
contexts: [{name: llm-serving, context: {cluster: llm-serving, user: admin}}]
current-context: llm-serving
Y
}

# WatchList needs a newer etcd than Debian's.
apiserver() {
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers "$etcd" --service-cluster-ip-range "$services" --feature-gates WatchList=false \
    --bind-address "$node_ip" --advertise-address "$node_ip" --secure-port 6443 --allow-privileged --authorization-mode Node,RBAC \
    --tls-cert-file "$state/apiserver.crt" --tls-private-key-file "$state/apiserver.key" --client-ca-file "$state/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$state/accounts.key" \
    --service-account-signing-key-file "$state/accounts.key" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$state/kubelet-client.crt" --kubelet-client-key "$state/kubelet-client.key" \
    --requestheader-client-ca-file "$state/ca.crt" --requestheader-allowed-names front-proxy \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- --enable-aggregator-routing \
    --proxy-client-cert-file "$state/aggregator.crt" --proxy-client-key-file "$state/aggregator.key"
  wait_for "the API server" 60 kubectl get --raw /readyz
}

control_plane() {
  certificates
  kubeconfig
  # It forgets with `down`, so it need not survive a power cut.
  start etcd etcd --data-dir "$state/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" --unsafe-no-fsync \
    --listen-peer-urls "$etcd_peers" --initial-advertise-peer-urls "$etcd_peers" --initial-cluster "default=$etcd_peers"
  apiserver
  # The autoscaler looks every 2 s instead of 15 s: the scaling cases take minutes, not an hour.
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --bind-address 127.0.0.1 --leader-elect=false \
    --root-ca-file "$state/ca.crt" --cluster-signing-cert-file "$state/ca.crt" --cluster-signing-key-file "$state/ca.key" \
    --service-account-private-key-file "$state/accounts.key" --use-service-account-credentials \
    --horizontal-pod-autoscaler-sync-period 2s
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig "$KUBECONFIG" --bind-address 127.0.0.1 --leader-elect=false
}
