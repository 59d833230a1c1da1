// SPDX-License-Identifier: Apache-2.0
// The tables of a scenario's file.
#include "config/rows/slip.hpp"
#include "config/tables/shared_rows.hpp"

namespace drwatch::config {
namespace {

// Splits what the grammar says ("what; what to do") into a problem.
void report(const std::string& error, const Place& place, const Reading& reading) {
  const auto cut = error.find("; ");
  reading.problems.error(place, reading.key, error.substr(0, cut), cut == error.npos ? "" : error.substr(cut + 2));
}

// The same names, and which one was asked for in vain.
struct Asked : Names {
  explicit Asked(const Names& names) : names_(names) {}
  std::optional<Condition::Subject> what(std::string_view name) const override {
    auto is = names_.what(name);
    if (!is) missed = name;
    return is;
  }
  std::vector<std::string> all() const override { return names_.all(); }

  const Names& names_;
  mutable std::string missed;
};

// `absent`: gets a condition about a part of the platform that is not there, which is then no problem yet; null: it is one.
std::optional<Condition> read_condition(const Value& value, const Names& names, const Reading& reading,
                                        std::optional<AbsentName>* absent = nullptr) {
  std::string error;
  if (!value.text()) {
    reading.problems.error(value.place, reading.key, "expected a condition, found " + std::string(value.type_name()),
                           "write it like \"database is down\"");
    return {};
  }
  const Asked asked(names);
  auto condition = parse_condition(*value.text(), asked, &error);
  if (condition) return condition;
  if (absent && !asked.missed.empty() && !is_slip(asked.missed, names.all()))
    *absent = AbsentName{value.place, *value.text(), error};
  else
    report(error, value.place, reading);
  return {};
}

const std::string declare_it = "declare that as a component, probe, signal or set, when the platform has it";

// One file, or a list of them.
void read_include(ScenarioDraft& into, const Value& value, const Reading& reading) {
  if (value.text())
    into.include = {*value.text()};
  else
    read_value(into.include, value, {.doc = ""}, reading);
}

// Whether a list is whole without its conditions about parts of the platform that are not there. Otherwise they are errors.
enum class WithoutAbsent { never, while_one_is_left, always };

template <class S>
Row conditions_row(std::string key, std::vector<Condition> S::* member, const Names& names, Meta meta,
                   WithoutAbsent without = WithoutAbsent::never) {
  return row_with<S>(
      std::move(key), "list of conditions", std::move(meta),
      [member, &names, without](S& into, const Value& value, const Reading& reading) {
        if (!value.array())
          return reading.problems.error(value.place, reading.key, "expected a list of conditions, found " + std::string(value.type_name()),
                                        "write [\"database is down\"]");
        std::vector<AbsentName> left_out;
        for (const auto& element : *value.array()) {
          std::optional<AbsentName> absent;
          auto condition = read_condition(element, names, reading, without == WithoutAbsent::never ? nullptr : &absent);
          if (condition) (into.*member).push_back(std::move(*condition));
          if (absent) left_out.push_back(std::move(*absent));
        }
        const bool whole = without == WithoutAbsent::always || !(into.*member).empty();
        for (const auto& absent : left_out)
          if (whole)
            reading.problems.warning(absent.place, reading.key,
                                     shown(absent.condition) + " is left out: " + absent.error.substr(0, absent.error.find("; ")),
                                     "take it out, or " + declare_it);
          else
            report(absent.error, absent.place, reading);
      });
}

}  // namespace

Section scenario_section() {
  const auto of = [](Row row) { return inner(&ScenarioDraft::scenario, std::move(row)); };
  return {
      "A scenario",
      "A file `NAME.toml` in the folder of the scenarios; its name is the scenario's id.",
      {of(row("title", &Scenario::title, {.doc = "For people.", .required = true})),
       of(row("summary", &Scenario::summary, {.doc = "One or two sentences: what it is, what it is not."})),
       of(choice_row("severity", &Scenario::severity, {{"critical", Severity::critical}, {"warning", Severity::warning}},
                     {.doc = "`critical` pages; `warning` notifies.", .fallback = "critical"})),
       of(choice_row("class", &Scenario::of_class,
                     {{"host", DisasterClass::host},
                      {"logical", DisasterClass::logical},
                      {"region", DisasterClass::region},
                      {"account", DisasterClass::account}},
                     {.doc = "What the disaster takes: whose recovery point counts.", .fallback = "host"})),
       of(row("data", &Scenario::data,
              {.doc = "Data can be lost by it, or have to be restored. `false` where none can, a job that was missed: then nobody is asked "
                      "when a bad change was made, and no recovery point is shown.",
               .fallback = "true"})),
       of(row(
           "affects", &Scenario::affects,
           {.doc = "Components that it takes down; all must be up again for it to be recovered. Those that the configuration does not have "
                   "are left out, with a warning, as long as one is left."})),
       row("rto", &ScenarioDraft::rto, {.doc = "Its recovery time objective.", .fallback = "`[recovery] rto`", .min = 1}),
       of(row("ack_within", &Scenario::ack_within,
              {.doc = "A critical incident that nobody took by then fires `DrwatchUnacknowledged`.", .fallback = "15m", .min = 1})),
       of(row("reopen_within", &Scenario::reopen_within,
              {.doc = "A trigger that holds again so soon after recovery goes on with the same incident.", .fallback = "1h"})),
       row_with<ScenarioDraft>(
           "include", "string, or list of strings",
           {.doc = "Shared steps and messages, from `shared/NAME.toml` beside the scenarios, in the order of the checklist. `\"...\"` is "
                   "where its own stand; without it that is behind the shared ones, but before those of `closing`."},
           read_include)}};
}

Section trigger_section(const Names& names) {
  return {
      "[trigger]",
      "When it opens by itself. Without conditions it is opened by people only.",
      {conditions_row(
           "any", &Trigger::any, names,
           {.doc = "At least one must hold; an empty list asks nothing. A name that the configuration does not have is left out, "
                   "with a warning, as long as one that it has is left."},
           WithoutAbsent::while_one_is_left),
       conditions_row("all", &Trigger::all, names, {.doc = "All must hold."}),
       conditions_row("none", &Trigger::none, names,
                      {.doc = "None may hold. What the configuration does not have keeps nothing shut, with a warning."},
                      WithoutAbsent::always),
       row("for", &Trigger::hold_for, {.doc = "For so long without a break.", .fallback = "0s"}),
       row("supersedes", &Trigger::supersedes,
           {.doc =
                "Scenarios whose open incidents it absorbs, and which it keeps from opening. Those that are not there are left out, with "
                "a warning: scenarios can be taken one by one."})}};
}

Section exit_section(const Names& names) {
  return {
      "[exit]",
      "When it is recovered.",
      {choice_row(
           "by", &Exit::by, {{"health", Exit::By::health}, {"steps", Exit::By::steps}},
           {.doc =
                "`health`: the trigger no longer holds, everything in `affects` is up and every critical verified step is done. `steps`: "
                "every critical step is done or skipped.",
            .fallback = "`steps` when a signal or a person opened it, else `health`"}),
       conditions_row("all", &Exit::all, names, {.doc = "More that must hold."}),
       row("for", &Exit::hold_for, {.doc = "For so long. By steps only what `all` asks for has to hold so long.", .fallback = "1m"})}};
}

Section step_section(const Names& names) {
  const auto of = [](Row row) { return inner(&StepDraft::step, std::move(row)); };
  return {
      "[[step]]",
      "One line of the checklist: verified by the platform (`verify`), a command (`run`), or done by a person (neither).",
      {of(row("id", &Step::id, {.doc = "Unique in the scenario.", .required = true, .pattern_name = "name"})),
       of(row("title", &Step::title, {.doc = "What to do.", .required = true})),
       of(row("critical", &Step::critical, {.doc = "The incident is not over without it.", .fallback = "false"})),
       of(row("owner", &Step::owner, {.doc = "Who does it."})),
       of(row("expect", &Step::expect, {.doc = "How long it is planned to take.", .min = 1})),
       of(row("per_gib", &Step::per_gib,
              {.doc = "And how much longer for each GiB of the data of the components in `affects`, as a `postgres` probe with `size` or a "
                      "`backup` probe reads it. Supabase's own estimate of a restore is `expect = \"3m\"` and `per_gib = \"2200ms\"`. "
                      "While no size is known, `expect` alone is the plan, and the projection says so."})),
       of(row("after", &Step::after, {.doc = "Steps to finish first. It never holds back a verification.", .fallback = "the step before"})),
       row("first", &StepDraft::first,
           {.doc = "It stands on top of the page, before what is included: what stops the damage.", .fallback = "false"}),
       of(row("option", &Step::option,
              {.doc = "The way out that it belongs to, where people choose one of several (`\"wait\"`, `\"fail-over\"`). Starting a step "
                      "chooses its "
                      "option; the critical steps of options not chosen are not asked for.",
               .pattern_name = "name"})),
       of(row("guide", &Step::guide, {.doc = "How to do it, in Markdown."})),
       row_with<StepDraft>(
           "verify", "condition",
           {.doc =
                "The step is done when this has held for `hold`, on runs that began after the incident opened. A shared step, or one that "
                "is not critical, is left out, with a warning, when the configuration does not have what it asks about."},
           [&names](StepDraft& into, const Value& value, const Reading& reading) {
             into.step.verify = read_condition(value, names, reading, &into.absent);
           }),
       row("hold", &StepDraft::hold, {.doc = "With `verify`.", .fallback = "1m"}),
       of(row("run", &Step::run,
              {.doc = "A program and its arguments; no shell. Arguments may hold the names of messages, like `{{recovery_point}}`. People "
                      "start it.",
               .program = true})),
       row("auto", &StepDraft::automatic,
           {.doc = "With `run`: start it when the step is ready, without being asked.", .fallback = "false"}),
       row("timeout", &StepDraft::timeout, {.doc = "With `run`: it is ended after this.", .fallback = "10m", .min = 1})}};
}

Section message_section() {
  using When = Message::When;
  return {"[[message]]",
          "What to tell whom, drafted by drwatch and sent by people.",
          {row("id", &Message::id, {.doc = "Unique in the scenario.", .required = true, .pattern_name = "name"}),
           row("audience", &Message::audience,
               {.doc = "Who reads it.", .required = true, .one_of = {"on-call", "internal", "status-page", "customers", "regulator"}}),
           choice_row("when", &Message::when,
                      {{"opened", When::opened}, {"update", When::update}, {"recovered", When::recovered}, {"resolved", When::resolved}},
                      {.doc = "When it is due.", .fallback = "opened"}),
           row("every", &Message::every, {.doc = "With `when = \"update\"`: how often it is due while the incident is open.", .min = 1}),
           row("subject", &Message::subject, {.doc = "One line, with names in `{{ }}`."}),
           row("body", &Message::body, {.doc = "The text, with names in `{{ }}`.", .required = true})}};
}

Section drill_section() {
  return {
      "[drill]", "How its recovery is proven.",
      schedule_rows(
          &DrillDraft::when, "When a drill is due.",
          {inner(&DrillDraft::plan, row("grace", &DrillPlan::grace, {.doc = "How long after that it is overdue.", .fallback = "14d"})),
           inner(&DrillDraft::plan, row("type", &DrillPlan::type,
                                        {.doc = "`tabletop` talks it through, `restore` restores beside production, `full` does all of it.",
                                         .fallback = "tabletop",
                                         .one_of = {"tabletop", "restore", "full"}})),
           inner(
               &DrillDraft::plan,
               row("run", &DrillPlan::run,
                   {.doc = "The drill's own command: a program and its arguments; no shell. `drwatch drill start` begins it. Arguments may "
                           "hold the names of messages, like `{{recovery_point}}`, and `{{evidence}}`: the file into which it writes what "
                           "it found, as its last act. Where no argument asks for that, `--evidence FILE` is added. What the file says "
                           "decides the drill.",
                    .program = true})),
           row("auto", &DrillDraft::automatic,
               {.doc =
                    "With `run`: drwatch begins it by itself, at dates of `schedule` only and once for each: when it is due by its date; "
                    "where none ever passed, or when a change made it due, at the first date from then on. It waits while drills are on "
                    "hold, drwatch is blind, a real incident goes before it, or another drill's command runs.",
                .fallback = "false"}),
           row("timeout", &DrillDraft::timeout,
               {.doc = "With `run`: it is ended after this, and the drill has failed.", .fallback = "4h", .min = 1}),
           inner(
               &DrillDraft::plan,
               row("step", &DrillPlan::step,
                   {.doc = "With `run`: the step of the checklist that the command does. What it took is a measured duration of that step, "
                           "for projections.",
                    .pattern_name = "name"}))})};
}

}  // namespace drwatch::config
