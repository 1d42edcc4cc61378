//go:build tools

// Package tools pins KEDA's operator and metrics adapter, which scale engines in the end-to-end suite.
package tools

import (
	_ "github.com/kedacore/keda/v2/cmd/adapter"
	_ "github.com/kedacore/keda/v2/cmd/operator"
)
