# KEDA: its CRDs, its operator and its metrics adapter as pods. Without its admission webhook, which checks what the chart's tests check.

keda() {
  local version folder
  version=$("$tools/build.sh" --pin keda-operator)
  "$tools/build.sh" keda-operator keda-adapter
  folder=$(mktemp -d)
  mkdir "$folder/image" "$folder/cluster"
  cp -L "$bin/keda-operator" "$folder/image/keda"
  cp -L "$bin/keda-adapter" "$folder/image/keda-adapter"
  printf '%s\n' "FROM $base" 'COPY keda keda-adapter /' 'USER 1000:1000' >"$folder/image/Dockerfile"
  image "localhost/keda:$version" "$folder/image"
  cp -r "$(from_module keda-config github.com/kedacore/keda/v2 "$version" config)" "$folder/config"
  keda_kustomization "$version" >"$folder/cluster/kustomization.yaml"
  kubectl kustomize "$folder/cluster" | kubectl apply --server-side -f - >/dev/null
  rm -rf "$folder"
  kubectl -n keda wait --for=condition=Available deployment/keda-operator deployment/keda-metrics-apiserver --timeout=180s >/dev/null
  kubectl wait --for=condition=Available apiservice/v1beta1.external.metrics.k8s.io --timeout=60s >/dev/null
}

keda_kustomization() {
  cat <<Y
resources: [../config/default]
images:
  - {name: ghcr.io/kedacore/keda, newName: localhost/keda, newTag: $1}
  - {name: ghcr.io/kedacore/keda-metrics-apiserver, newName: localhost/keda, newTag: $1}
patches:
  - target: {kind: Deployment, name: keda-(operator|metrics-apiserver)}
    patch: |
      - {op: replace, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
      - {op: remove, path: /spec/template/spec/containers/0/resources}
  - target: {kind: Deployment, name: keda-admission}
    patch: '{kind: Deployment, apiVersion: apps/v1, metadata: {name: keda-admission, namespace: keda}, \$patch: delete}'
  - target: {kind: ValidatingWebhookConfiguration, name: keda-admission}
    patch: |
      {kind: ValidatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, metadata: {name: keda-admission}, \$patch: delete}
Y
}
