//go:build tools

// Package kubescore pins the linter of rendered manifests, whose Kubernetes API is older than Helm's.
package kubescore

import _ "github.com/zegl/kube-score/cmd/kube-score"
