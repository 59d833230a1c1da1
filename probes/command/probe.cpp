// SPDX-License-Identifier: Apache-2.0
// command: any monitoring plugin. It proves what the plugin proves. Down means: the plugin says CRITICAL, or doesn't end. How it was
// started, that it misbehaves or says UNKNOWN is no statement about its target.
#include "probes/probe.hpp"
#include "probes/command/plugin_output.hpp"
#include "probes/parts/promql_answer.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

#include <cstring>
#include <map>

namespace drwatch::kinds::command {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(Runs a monitoring plugin (Nagios, Icinga, monitoring-plugins): its exit code is the verdict, its first line the message, its
performance data become facts.

Proves what the plugin proves. 0 is `up`, 1 (WARNING) `degraded`, 2 (CRITICAL) `down`, all `assertion`; 3 (UNKNOWN), any other exit code, an
end by a signal and a program that can't be started are `unknown` (`own-fault`), with the exit code as code. One that does not end within
`timeout` is `down` (`timeout`): its whole process group gets TERM, and KILL two seconds later; what a plugin leaves in its process group is
killed when it ends, what called `setsid` is not. One that does not even end of KILL, since the kernel holds it (`check_disk` on a network
mount that hangs), is left behind: until it is gone the probe is `unknown` (`own-fault`, code `EBUSY`) and starts no other.

No shell: `run` is the program and its arguments, one string each. It runs as drwatch's own user with a bare environment (PATH, LANG,
DRWATCH_COMMAND and `environment`). Arguments are seen by everybody on the machine: give secrets in `environment` or `input`.)";

struct CommandSettings {
  std::vector<std::string> run;
  std::map<std::string, Secret> environment;
  Secret input;
  std::string output_matches, output_not_matches;
  std::int64_t max_output = 64 * 1024, max_memory = 512 << 20;
  friend bool operator==(const CommandSettings&, const CommandSettings&) = default;
};

void read_environment(CommandSettings& into, const Value& value, const Reading& reading) {
  if (!value.table())
    return reading.problems.error(value.place, reading.key, "must be a table", "write { PGPASSWORD = { env = \"NAME\" } }");
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (key.empty() || key.find_first_of(std::string_view("=\0", 2)) != key.npos)
      below.problems.error(place, below.key, "not a variable's name", "use letters, digits and '_'");
    into.environment[key] = config::read_secret(element, below, true);
  }
}

std::vector<config::Row> rows() {
  using S = CommandSettings;
  using config::row;
  return {
      row<S>("run", &S::run,
             {.doc = "The program and its arguments: `[\"/usr/lib/nagios/plugins/check_ssh\", \"192.0.2.1\"]`.",
              .required = true,
              .program = true}),
      config::row_with<S>("environment", "table: variable = string or secret", {.doc = "Variables to set."}, read_environment),
      config::secret_or_text_row<S>("input", &S::input, {.doc = "What it reads on its standard input."}),
      row<S>(
          "output_matches", &S::output_matches,
          {.doc = "A regex (RE2) that the output matches somewhere; else it is `down`, whatever the exit code.", .pattern_name = "regex"}),
      row<S>("output_not_matches", &S::output_not_matches, {.doc = "A regex that the output matches nowhere.", .pattern_name = "regex"}),
      row<S>("max_output", &S::max_output,
             {.doc = "Bytes of output that are read; the rest is dropped.", .fallback = "65536", .min = 256, .max = 16 << 20}),
      row<S>("max_memory", &S::max_memory,
             {.doc = "Bytes of data that each of its processes may have.", .fallback = "536870912", .min = 16 << 20, .max = 1LL << 40}),
  };
}

void check(const CommandSettings& s, config::Place place, const Reading& reading) {
  if (s.run.empty() || s.run.front().empty())
    return reading.problems.error(place, reading.key, "run names no program", "write [\"/path/of/plugin\", \"argument\"]");
  for (const std::string& word : s.run)
    if (word.find('\0') != word.npos) reading.problems.error(place, reading.key, "an argument holds a zero byte", "remove it");
  if (s.run.front().find_first_of(" |;&$<>") != std::string::npos)
    reading.problems.error(place, reading.key, "run's first string is a whole command line",
                           "no shell reads it: write the program and each argument as a string of its own");
}

class CommandProbe : public Probe {
 public:
  explicit CommandProbe(const CommandSettings& settings)
      : settings_(settings), matches_(settings.output_matches, RE2::Quiet), not_matches_(settings.output_not_matches, RE2::Quiet) {}

  Task<Outcome> run(World& world) override {
    ExecRequest request;
    request.argv = settings_.run;
    for (const auto& [name, secret] : settings_.environment) {
      if (!secret.present()) co_return outcome_of(Health::unknown, Reason::internal, "", "the secret " + secret.name() + " is missing");
      request.environment[name] = secret.reveal();
    }
    if (settings_.input.configured() && !settings_.input.present())
      co_return outcome_of(Health::unknown, Reason::internal, "", "the secret " + settings_.input.name() + " is missing");
    request.input = settings_.input.reveal();
    request.max_output = static_cast<std::size_t>(settings_.max_output);
    request.max_memory = static_cast<std::size_t>(settings_.max_memory);
    request.ends_group = true;
    const auto result = co_await world.exec.run(std::move(request));
    if (!result) co_return outcome_of(Health::unknown, Reason::own_fault, result.error().code, result.error().message);
    co_return judged(*result);
  }

 private:
  std::string program() const { return settings_.run.front().substr(settings_.run.front().rfind('/') + 1); }

  Outcome judged(const ExecResult& result) const {
    const PluginOutput output = read_plugin_output(result.output);
    Outcome outcome = verdict(result.exit_code, said(output, result));
    if (auto fault = output_fault(result.output))
      outcome = outcome_of(Health::down, Reason::assertion, std::to_string(result.exit_code), *fault);
    else if (!settings_.output_not_matches.empty() && was_cut(result))
      outcome = outcome_of(
          Health::unknown, Reason::own_fault, std::to_string(result.exit_code),
          program() + " printed more than max_output: whether " + quote(settings_.output_not_matches) + " matches nowhere can't be told");
    for (const PluginValue& one : output.measured)
      outcome.facts[excerpt(one.label, 60)] = one.value ? number_text(*one.value) + (one.unit.empty() ? "" : " " + one.unit) : "unknown";
    return outcome;
  }

  // What was dropped may have been what is looked for.
  bool was_cut(const ExecResult& result) const {
    return result.output.size() + result.errors.size() >= static_cast<std::size_t>(settings_.max_output);
  }

  // Its first line; what it printed as an error when it said nothing else.
  std::string said(const PluginOutput& output, const ExecResult& result) const {
    const std::string text = excerpt(output.text.empty() ? result.errors : output.text, 400);
    return text.empty() ? program() + " said nothing" : text;
  }

  std::optional<std::string> output_fault(const std::string& output) const {
    const auto found = [&](const RE2& regex) { return RE2::PartialMatch(re2::StringPiece(output.data(), output.size()), regex); };
    if (!settings_.output_matches.empty() && !found(matches_))
      return "expected output that matches " + quote(settings_.output_matches) + ", got " + quote(output);
    if (!settings_.output_not_matches.empty() && found(not_matches_))
      return "expected output that does not match " + quote(settings_.output_not_matches) + ", but it does";
    return std::nullopt;
  }

  Outcome verdict(int exit_code, const std::string& said) const {
    const std::string code = std::to_string(exit_code);
    switch (exit_code) {
      case 0:
        return outcome_of(Health::up, Reason::none, code, said);
      case 1:
        return outcome_of(Health::degraded, Reason::assertion, code, said);
      case 2:
        return outcome_of(Health::down, Reason::assertion, code, said);
      case 3:
        return outcome_of(Health::unknown, Reason::own_fault, code, said);
      default:
        break;
    }
    const char* signal = exit_code > 128 && exit_code < 128 + 65 ? sigdescr_np(exit_code - 128) : nullptr;
    return outcome_of(Health::unknown, Reason::own_fault, code,
                      program() +
                          (signal ? std::string(" was ended by a signal (") + signal + ")"
                                  : " ended with " + code + ", which is no plugin's exit code (0 to 3)") +
                          ": " + said);
  }

  CommandSettings settings_;
  RE2 matches_, not_matches_;
};

}  // namespace

Kind kind() { return kind_of<CommandSettings, CommandProbe>({.name = "command", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::command
