#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drwatch check --alertmanager beside Alertmanager's own amtool: on many trees of routes both say the same of the same alerts, and refuse the same files.

    DRWATCH=build/dev/drwatch tests/alerting/routes.py [-v]
"""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
MAIN = """
[server]
listen = "127.0.0.1:9780"
[journal]
path = "journal.db"
[recovery]
rpo = "1h"
[component.shop]
[probe.front]
component = "shop"
kind      = "tcp"
target    = "127.0.0.1:9"
[probe.dumps]
component = "shop"
kind      = "backup"
reads     = "file"
folder    = "dumps"
protects  = "shop"
survives  = ["host"]
[scenarios]
path = "scenarios"
"""
SCENARIO = """
title    = "The shop is gone"
severity = "{severity}"
affects  = ["shop"]
[[step]]
id       = "restore"
title    = "Restore it"
critical = true
expect   = "5m"
[drill]
schedule = "0 10 1 1,4,7,10 *"
type     = "tabletop"
"""
RECEIVERS = """
receivers:
- name: nobody
- name: empty
  webhook_configs: []
- name: pager
  pagerduty_configs: [{routing_key: x}]
- name: chat
  slack_configs: [{api_url: 'http://127.0.0.1:9/', channel: '#x'}]
  webhook_configs: [{url: 'http://127.0.0.1:9/'}]
"""
TREES = {
    "default": "{receiver: pager}",
    "first of two": "{receiver: chat, routes: [{matchers: ['severity=critical'], receiver: pager}, {matchers: ['alertname=DrwatchIncident'], receiver: nobody}]}",
    "goes on": "{receiver: chat, routes: [{matchers: ['severity=\"critical\"'], receiver: pager, continue: true}, {matchers: ['scenario!=\"\"'], receiver: nobody}]}",
    "goes on to nothing": "{receiver: chat, routes: [{match: {severity: critical}, receiver: pager, continue: true}]}",
    "nested, inherited": "{receiver: chat, routes: [{match: {severity: critical}, routes: [{match_re: {alertname: 'Drwatch(Rto|Rpo).*'}, receiver: pager}]}]}",
    "nested, goes on inside": "{receiver: chat, routes: [{match_re: {alertname: 'Drwatch.*'}, receiver: nobody, routes: ["
                              "{matchers: ['severity=~\"crit.*\"'], receiver: pager, continue: true}, {matchers: [drill=\"true\"], receiver: empty}]},"
                              "{matchers: ['severity=~crit.*'], receiver: nobody}]}",
    "a pattern is the whole value": "{receiver: chat, routes: [{matchers: ['alertname=~\"Drwatch\"'], receiver: pager}, {matchers: ['severity=~\"crit|warning\"'], receiver: nobody}]}",
    "not": "{receiver: chat, routes: [{matchers: ['drill!=\"true\"', 'severity!~\"none|info\"'], receiver: pager}]}",
    "what is not there is empty": "{receiver: chat, routes: [{matchers: ['scenario=\"\"', 'component=~\"\"'], receiver: pager}, {matchers: ['class=~\".+\"'], receiver: nobody}]}",
    "braces and commas": "{receiver: chat, routes: [{matchers: ['{severity=\"critical\", alertname=~\"Drwatch.{3}Breached\"}'], receiver: pager}]}",
    "escapes": "{receiver: chat, routes: [{matchers: ['severity!=\"a\\\"b,c\\\\\"'], receiver: pager}]}",
    "unquoted": "{receiver: chat, routes: [{matchers: ['severity =~ crit\\\\w+ '], receiver: pager}]}",
    "several kinds at once": "{receiver: chat, routes: [{match: {severity: critical}, match_re: {alertname: '.*Breached'}, matchers: [drill=\"\"], receiver: pager}]}",
    "anchors": "{receiver: chat, routes: [{<<: &a {receiver: pager}, match: {severity: critical}}, {<<: *a, match: {alertname: DrwatchRpoAtRisk}}]}",
    "intervals": "{receiver: chat, routes: [{match: {severity: critical}, receiver: pager, active_time_intervals: [week]}, "
                 "{match: {severity: warning}, receiver: chat, mute_time_intervals: [week]}]}",
}
WEEK = "time_intervals:\n- name: week\n  time_intervals: [{weekdays: ['monday:friday']}]\n"
REFUSED = {
    "no route": "",
    "no receiver of that name": "route: {receiver: chat, routes: [{receiver: pagr}]}",
    "no first receiver": "route: {routes: [{receiver: chat}]}",
    "the first route has matchers": "route: {receiver: chat, matchers: [severity=\"critical\"]}",
    "a pattern that is none": "route: {receiver: chat, routes: [{matchers: ['severity=~\"(\"'], receiver: pager}]}",
    "an old pattern that is none": "route: {receiver: chat, routes: [{match_re: {severity: '['}, receiver: pager}]}",
    "a matcher that is none": "route: {receiver: chat, routes: [{matchers: ['severity'], receiver: pager}]}",
    "a quote inside": "route: {receiver: chat, routes: [{matchers: ['severity=\"a\"b\"'], receiver: pager}]}",
    "a quote that is open": "route: {receiver: chat, routes: [{matchers: ['severity=\"a'], receiver: pager}]}",
    "matchers that are no list": "route: {receiver: chat, routes: [{matchers: {severity: critical}, receiver: pager}]}",
    "no YAML": "route: {receiver: chat",
}


def random_tree(dice, depth=0):
    """A route whose receivers tell what it took."""
    route = {"receiver": dice.choice(["pager", "chat", "nobody"])} if depth == 0 or dice.random() < 0.7 else {}
    if depth:
        route["matchers"] = [dice.choice(['severity="critical"', 'severity=~"warning|info"', 'scenario="loss"', 'drill!="true"', 'alertname=~".*Breached"',
                                          'component!=""', 'alertname!~"Drwatch.*"', 'class=""']) for _ in range(dice.choice([0, 1, 1, 2]))]
        route["continue"] = dice.random() < 0.4
    if depth < 3:
        route["routes"] = [random_tree(dice, depth + 1) for _ in range(dice.choice([0, 1, 2, 3]) if depth else 3)]
    return route


class Routes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-routes-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("scenarios", "dumps"):
            (self.folder / name).mkdir()
        self.main = self.folder / "drwatch.toml"
        self.main.write_text(MAIN)
        (self.folder / "scenarios/loss.toml").write_text(SCENARIO.format(severity="critical"))
        (self.folder / "scenarios/nuisance.toml").write_text(SCENARIO.format(severity="warning"))
        self.file = self.folder / "alertmanager.yml"

    def check(self, text, *words, config=None):
        self.file.write_text(text)
        return subprocess.run([PROGRAM, "check", "--config", str(config or self.main), "--alertmanager", str(self.file), *words], capture_output=True, text=True,
                              timeout=60)

    def amtool(self, labels):
        done = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={self.file}", *(f"{name}={value}" for name, value in labels.items())],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()[-1].split(",")  # a warning may stand before the answer

    def compare(self, text, alerts_of_each=None):
        """Whether both say the same; of how many receivers."""
        said = json.loads(self.check(text, "--json").stdout)
        alerts = said["alerts"]
        self.assertGreater(len(alerts), 10)
        if alerts_of_each:
            alerts = random.Random(text).sample(alerts, alerts_of_each)
        reached = [[one["receiver"] for one in alert["reaches"]] for alert in alerts]
        for alert, ours in zip(alerts, reached):
            self.assertEqual(ours, self.amtool(alert["labels"]), (text, alert))
        return {tuple(one) for one in reached}

    def test_trees_route_as_amtool_says(self):
        for name, tree in TREES.items():
            with self.subTest(name):
                took = self.compare(f"route: {tree}\n{RECEIVERS}{WEEK}", 4)
                self.assertTrue(took)

    def test_random_trees_route_as_amtool_says(self):
        took = set()
        for seed in range(int(os.environ.get("DRWATCH_TREES", "6"))):
            took |= self.compare("route: " + json.dumps(random_tree(random.Random(seed))) + RECEIVERS, 5)
        self.assertGreater(len(took), 4)  # trees that send everything to one place would show nothing

    def test_what_alertmanager_refuses_is_refused_with_its_place(self):
        for name, text in REFUSED.items():
            with self.subTest(name):
                done = self.check(text + RECEIVERS)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertRegex(done.stderr, rf"^drwatch: {re.escape(str(self.file))}:(\d+:\d+: )?[^;]+; \S")
                judged = subprocess.run(["amtool", "check-config", str(self.file)], capture_output=True, text=True, timeout=60)
                self.assertNotEqual(judged.returncode, 0, judged.stdout)

    def test_anchors_that_double_each_other_have_an_end(self):
        doubled = "".join(f"l{i}: &l{i} {{routes: [*l{i - 1}, *l{i - 1}]}}\n" for i in range(1, 40))
        done = self.check("l0: &l0 {receiver: chat}\n" + doubled + "route: {receiver: chat, routes: [*l39]}\n" + RECEIVERS)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("there are more than 10000 routes; do anchors repeat them?", done.stderr)

    def test_each_alert_is_listed_with_whom_it_reaches(self):
        done = self.check("route: {receiver: chat, routes: [{match: {drill: 'true'}, receiver: nobody}, {match: {severity: critical}, receiver: pager}]}" + RECEIVERS)
        self.assertEqual(done.returncode, 0, done.stdout)
        for line in ("DrwatchRtoBreached of loss (critical) -> receiver pager (pagerduty)\n", "DrwatchIncident of nuisance (warning) -> receiver chat (slack, webhook)\n",
                     "DrwatchRpoBreached of shop/host (critical) -> receiver pager (pagerduty)\n", "DrwatchIncident of loss in a drill (info) -> receiver nobody (nobody)\n",
                     "DrwatchBlind (critical) -> receiver pager (pagerduty)\n", "DrwatchDrillOverdue of nuisance (warning) -> receiver chat"):
            self.assertIn(line, done.stdout)
        self.assertIn(f"{self.file} is good", done.stdout)

    def says(self, text, code, *lines, strict=False):
        done = self.check(text + RECEIVERS + WEEK, *(["--strict"] if strict else []))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for line in lines:
            self.assertIn(line, done.stdout)
        return done.stdout

    def test_who_reaches_nobody_is_an_error(self):
        for receiver in ("nobody", "empty"):
            self.says(f"route: {{receiver: chat, routes: [{{match: {{severity: critical}}, receiver: {receiver}}}]}}", 1,
                      f":1:1: error: DrwatchRtoBreached of loss reaches nobody: receiver '{receiver}' has no integration;".replace(":1:1:", ":1:"), "DrwatchBlind reaches nobody")
        self.says("route: {receiver: pager, routes: [{match: {alertname: DrwatchRpoBreached}, receiver: nobody, continue: true},"
                  "{match: {alertname: DrwatchRpoBreached}, receiver: empty}]}", 1, "reaches nobody: receivers 'nobody', 'empty' have no integration")

    def test_what_wakes_wrongly_or_may_not_wake_is_a_warning(self):
        drills = "{match: {drill: 'true'}, receiver: nobody}"
        text = self.says("route: {receiver: pager}", 0, "DrwatchIncident of loss in a drill reaches receiver 'pager', as the real one does")
        self.assertNotIn("nuisance in a drill reaches", text)
        self.says("route: {receiver: pager}", 1, strict=True)
        self.says("route: {receiver: pager, routes: [" + drills + ", {matchers: ['alertname=~\"Watchdog|DrwatchTest\"'], receiver: nobody}]}", 0,
                  "warning: DrwatchTest reaches nobody", "warning: Watchdog reaches nobody")
        self.says("route: {receiver: pager, routes: [" + drills + ", {match: {severity: critical}, receiver: pager, active_time_intervals: [week]}]}", 0,
                  "DrwatchIncident of loss is told to somebody only in week", "DrwatchBlind (critical) -> receiver pager (pagerduty) only in week")
        # Somebody is told at any time: no warning.
        text = self.says("route: {receiver: pager, routes: [" + drills + ", {match: {severity: critical}, receiver: chat, mute_time_intervals: [week], continue: true},"
                         "{match: {severity: critical}, receiver: pager}]}", 0)
        self.assertNotIn("is told to somebody", text)

    def test_what_an_inhibit_rule_keeps_from_people_is_said(self):
        tree = "route: {receiver: pager, routes: [{match: {drill: 'true'}, receiver: nobody}]}\ninhibit_rules:\n"
        rule = "- {{source_matchers: ['{}'], target_matchers: ['{}'], equal: [{}]}}\n"
        text = self.says(tree + rule.format('alertname="DrwatchRtoBreached"', 'alertname="DrwatchRtoAtRisk"', "scenario, drill"), 0,
                         "DrwatchRtoAtRisk of loss (critical) -> receiver pager (pagerduty); not while DrwatchRtoBreached fires")
        self.assertIn("is good", text.splitlines()[-1])
        self.says(tree + rule.format('severity="critical"', 'severity="warning"', "scenario"), 0,
                  "warning: DrwatchRpoAtRisk of shop/host is silenced by what is about something else: ")
        self.says(tree + rule.format('alertname="Watchdog"', 'severity="critical"', ""), 1, "error: DrwatchIncident of loss is always silenced")
        self.says(tree + "- {source_match: {alertname: Watchdog}, target_match_re: {severity: crit.*}}\n", 1, "error: DrwatchBlind is always silenced")
        # What both sides match silences nothing: it would silence itself.
        text = self.says(tree + rule.format('severity="critical"', 'severity="critical"', ""), 0)
        self.assertNotIn("silenced", text)

    def test_the_shipped_file_pages_for_every_shipped_scenario(self):
        done = self.check((ROOT / "config/alertmanager/alertmanager.yml").read_text(), config=ROOT / "config/drwatch.toml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.endswith(f"{self.file} is good\n"), done.stdout[-2000:])
        for path in (ROOT / "config/scenarios").glob("*.toml"):
            self.assertRegex(done.stdout, rf"DrwatchIncident of {path.stem} \((critical\) -> receiver pager \(pagerduty\), |warning\) -> )receiver chat")
            self.assertIn(f"DrwatchIncident of {path.stem} in a drill (info) -> receiver drills (slack)\n", done.stdout)

    def test_a_file_that_is_not_there_is_refused(self):
        done = subprocess.run([PROGRAM, "check", "--config", str(self.main), "--alertmanager", "/nowhere.yml"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (2, "drwatch: /nowhere.yml cannot be read: No such file or directory; check the path and its permissions\n"))


if __name__ == "__main__":
    unittest.main()
