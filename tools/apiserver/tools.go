//go:build tools

// Package apiserver pins the Kubernetes API server that the install tests run against.
package apiserver

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
