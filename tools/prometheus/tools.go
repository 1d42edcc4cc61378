//go:build tools

// Package tools pins Prometheus and promtool, which prove the chart's rules and dashboards.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
