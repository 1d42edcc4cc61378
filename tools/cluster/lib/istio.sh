# Istio's CRDs and a real istiod, which a plain Envoy asks for its configuration at $xds.

istio() {
  running istiod && return
  "$tools/build.sh" pilot-discovery
  kubectl apply --server-side -f "$(from_module istio-crds.yaml istio.io/istio "$("$tools/build.sh" --pin pilot-discovery)" \
    manifests/charts/base/files/crd-all.gen.yaml)" >/dev/null
  kubectl create namespace istio-system --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  # A plain Envoy has neither Istio's own filters nor its agent with certificates, so the mesh asks for neither.
  printf '%s\n' 'enableAutoMtls: false' 'defaultProviders: {}' "defaultConfig: {discoveryAddress: \"$xds\"}" >"$state/mesh.yaml"
  PILOT_ENABLE_ALPN_FILTER=false PILOT_ENABLE_METADATA_EXCHANGE=false PILOT_DISABLE_MX_ALPN=true ENABLE_CA_SERVER=false \
    POD_NAMESPACE=istio-system CLUSTER_ID=Kubernetes start istiod "$bin/pilot-discovery" discovery --kubeconfig "$KUBECONFIG" \
    --meshConfig "$state/mesh.yaml" --httpsAddr "" --secureGRPCAddr "" --grpcAddr "$xds" --httpAddr 127.0.0.1:18080 \
    --monitoringAddr 127.0.0.1:15014
  wait_for istiod 60 curl -fs 127.0.0.1:18080/ready
}
