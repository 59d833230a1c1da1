#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes config/grafana/drwatch.json, the dashboard: make.py. What it asks is written here once; docs/metrics.md says what the metrics mean.

The order is that of a look at three in the morning: could we recover, what is broken, how far is the recovery, who drilled it, and can drwatch itself
be believed."""
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
STATES = {1: ("unknown", "purple"), 2: ("down", "red"), 3: ("degraded", "orange"), 4: ("up", "green")}


def of(query):
    """The query for the chosen instances: every metric of drwatch gets the selector."""
    def chosen(match):
        inner = (match[2] or "{}")[1:-1]
        return match[1] + "{" + ", ".join(filter(None, ['instance=~"$instance"', inner])) + "}"
    return re.sub(r"\b((?:drwatch|process)_\w+)(\{[^}]*\})?", chosen, query)


def health():
    """One number for each component: the states of the picture."""
    return "sum by (component) (" + " or ".join(f'(drwatch_component_health{{state="{name}"}} == 1) * {n}' for n, (name, _) in STATES.items()) + ")"


# (row, [(title, kind, unit, width, [(query, legend)])]): a unit is Grafana's name for it.
ROWS = [
    ("Could we recover", [
        ("Open incidents", "stat", "none", 4, [("sum(drwatch_incident_open)", "")]),
        ("Objectives breached", "stat", "none", 4, [('count(drwatch_objective_standing{standing="breached"} == 1) or vector(0)', "")]),
        ("Alerts that nobody has", "stat", "none", 4, [("sum(drwatch_alerts_undelivered)", "")]),
        ("Blind", "stat", "none", 4, [("max(drwatch_blind)", "")]),
        ("Drills overdue", "stat", "none", 4, [("sum(drwatch_drill_overdue)", "")]),
        ("Findings", "stat", "none", 4, [("sum(drwatch_findings) or vector(0)", "")]),
        ("Exposure, as a share of the RPO", "timeseries", "percentunit", 12,
         [('drwatch_rpo_exposure_seconds / on (instance, component, class) drwatch_objective_seconds{objective="rpo"}', "{{component}} {{class}}")]),
        ("Exposure", "timeseries", "s", 12, [("drwatch_rpo_exposure_seconds", "{{component}} {{class}}")]),
        ("Time until an RPO is breached", "timeseries", "s", 12, [("drwatch_objective_breach_timestamp_seconds - time()", "{{component}} {{class}}")]),
        ("How each scenario stands", "table", "none", 12, [("drwatch_scenario_standing == 1", "")]),
    ]),
    ("What is broken", [
        ("Health of the components", "state-timeline", "none", 24, [(health(), "{{component}}")]),
        ("Probes that are down", "timeseries", "none", 12, [("drwatch_probe_up == 0", "{{probe}}")]),
        ("Failed runs a minute", "timeseries", "none", 12, [("60 * sum by (reason) (rate(drwatch_probe_failures_total[5m]))", "{{reason}}")]),
        ("Slowest probes", "timeseries", "s", 12, [("topk(10, sum by (probe) (drwatch_probe_duration_seconds))", "{{probe}}")]),
        ("Share of runs that failed", "timeseries", "percentunit", 12, [("drwatch_probe_failed_share > 0", "{{probe}}")]),
    ]),
    ("The recovery", [
        ("Elapsed, of an open incident", "timeseries", "s", 12, [("drwatch_incident_elapsed_seconds", "{{scenario}}")]),
        ("Projected recovery", "timeseries", "s", 12, [("drwatch_incident_projected_recovery_seconds", "{{scenario}} {{estimate}}")]),
        ("Probability that the RTO is missed", "timeseries", "percentunit", 12, [("drwatch_incident_missing_probability", "{{scenario}}")]),
        ("Time left to decide", "timeseries", "s", 12, [("drwatch_incident_decide_by_timestamp_seconds - time()", "{{scenario}}")]),
    ]),
    ("Drills", [
        ("Until the next drill is due", "bargauge", "s", 12, [("drwatch_drill_due_timestamp_seconds - time()", "{{scenario}}")]),
        ("What the newest drill took", "bargauge", "s", 12, [("drwatch_drill_recovery_seconds", "{{scenario}}")]),
        ("What recovery would take now", "bargauge", "s", 12, [("drwatch_scenario_projected_recovery_seconds", "{{scenario}} {{estimate}}")]),
        ("What the newest drill lost", "bargauge", "s", 12, [("drwatch_drill_data_loss_seconds", "{{scenario}}")]),
    ]),
    ("drwatch itself", [
        ("How late its loop is (99 of 100)", "timeseries", "s", 8,
         [("histogram_quantile(0.99, sum by (le) (rate(drwatch_loop_lag_seconds_bucket[5m])))", "")]),
        ("Until an event is on the disk (99 of 100)", "timeseries", "s", 8,
         [("histogram_quantile(0.99, sum by (le) (rate(drwatch_journal_append_seconds_bucket[5m])))", "")]),
        ("Alerts sent a minute", "timeseries", "none", 8, [("60 * sum by (alertmanager, result) (rate(drwatch_alerts_sent_total[5m]))", "{{alertmanager}} {{result}}")]),
        ("CPU", "timeseries", "percentunit", 8, [("rate(process_cpu_seconds_total[5m])", "{{instance}}")]),
        ("Memory", "timeseries", "bytes", 8, [("process_resident_memory_bytes", "{{instance}}")]),
        ("Not on the disk yet", "timeseries", "none", 8, [("drwatch_journal_waiting_events", "{{instance}}")]),
    ]),
]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
HEIGHTS = {"stat": 4, "state-timeline": 10}


def field(kind, unit):
    defaults = {"unit": unit, "custom": {}}
    if kind == "stat":
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}]}
    if kind == "state-timeline":
        defaults["mappings"] = [{"type": "value", "options": {str(n): {"text": name, "color": color} for n, (name, color) in STATES.items()}}]
    return {"defaults": defaults, "overrides": []}


def panels():
    made, y = [], 0
    for row, content in ROWS:
        made.append({"id": len(made) + 1, "type": "row", "title": row, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        y, x, height = y + 1, 0, 0
        for title, kind, unit, width, targets in content:
            if x + width > 24:
                x, y = 0, y + height
            height = HEIGHTS.get(kind, 8)
            # What is now is asked for now; what went by, over the time that is looked at.
            now = kind in ("stat", "table", "bargauge")
            made.append({
                "id": len(made) + 1, "type": kind, "title": title, "datasource": SOURCE, "fieldConfig": field(kind, unit), "options": {},
                "gridPos": {"h": height, "w": width, "x": x, "y": y},
                "targets": [{"refId": chr(65 + n), "datasource": SOURCE, "expr": of(query), "legendFormat": legend, "instant": now, "range": not now,
                             "format": "table" if kind == "table" else "time_series"} for n, (query, legend) in enumerate(targets)]})
            x += width
        y += height
    return made


def dashboard():
    return {
        "uid": "drwatch", "title": "drwatch: could we recover?", "tags": ["drwatch", "disaster-recovery"], "schemaVersion": 38, "version": 1,
        "editable": True, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "utc", "panels": panels(), "annotations": {"list": []},
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus", "hide": 0},
            {"name": "instance", "type": "query", "label": "drwatch", "datasource": SOURCE, "query": "label_values(drwatch_build_info, instance)", "refresh": 2,
             "includeAll": True, "allValue": ".*", "multi": True, "current": {"text": "All", "value": "$__all"}, "hide": 0}]},
        "links": [],
    }


if __name__ == "__main__":
    with open(os.path.join(HERE, "drwatch.json"), "w", encoding="utf-8") as file:
        json.dump(dashboard(), file, indent=1)
        file.write("\n")
