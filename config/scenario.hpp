// SPDX-License-Identifier: Apache-2.0
// A scenario: one page of the runbook, as plain values. An open incident keeps its own copy.
#pragma once

#include "config/condition.hpp"
#include "config/rows/cron.hpp"
#include "config/rows/time.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

enum class Severity { critical, warning };

struct Trigger {
  std::vector<Condition> any, all, none;
  Duration hold_for{0};                                      // `for`
  std::vector<std::string> supersedes;                       // scenarios
  bool empty() const { return any.empty() && all.empty(); }  // opened by people only
};

struct Exit {
  enum class By { automatic, health, steps };  // automatic: steps when a signal or a person opened it, else health
  By by = By::automatic;
  std::vector<Condition> all;
  Duration hold_for = minutes{1};  // `for`
};

struct Step {
  std::string id, title;
  bool critical = false;
  std::optional<std::string> owner;
  std::optional<Duration> expect;
  std::optional<Duration> per_gib;  // more for each GiB of the data of what the scenario affects
  std::vector<std::string> after;   // resolved: the step before, when the file says nothing
  std::string option;               // the way out that it belongs to, of several that people choose from; empty: needed in any case
  std::string guide;                // Markdown
  std::optional<Condition> verify;
  Duration hold = minutes{1};
  std::vector<std::string> run;  // argv; not empty: a command
  bool automatic = false;        // `auto`
  Duration timeout = minutes{10};

  enum class Kind { person, verified, command };
  Kind kind() const { return !run.empty() ? Kind::command : verify ? Kind::verified : Kind::person; }
};

struct Message {
  enum class When { opened, update, recovered, resolved };
  std::string id, audience;
  When when = When::opened;
  std::optional<Duration> every;  // with When::update
  std::string subject, body;      // Mustache over message_names()
};

struct DrillPlan {
  std::optional<Cron> schedule;
  Duration grace = hours{24 * 14};
  std::string type;              // tabletop | restore | full
  std::vector<std::string> run;  // argv of the drill's own command; empty: people hold it
  bool automatic = false;        // `auto`: it is begun by the calendar
  Duration timeout = hours{4};
  std::string step;  // whose time the command's time measures; empty: none
};

struct Scenario {
  std::string id, title, summary;
  Severity severity = Severity::critical;
  DisasterClass of_class = DisasterClass::host;
  bool data = true;                  // data can be lost by it, or have to be restored: a missed job loses none
  std::vector<std::string> affects;  // components
  Duration rto{0};                   // resolved: its own or [recovery]'s
  Duration ack_within = minutes{15};
  Duration reopen_within = hours{1};
  Trigger trigger;
  Exit exit;
  std::vector<Step> steps;
  std::vector<Message> messages;
  std::optional<DrillPlan> drill;
  std::string hash;  // of everything above: an open incident notices that its runbook changed
  // Of what its critical steps do, without their words: a drill is due again when it is another one. Empty: made by hand, for a test.
  std::string critical_hash;
};

// The closed list of names that a message or a command's argument may use, each with its meaning (for the reference).
struct MessageName {
  std::string_view name, doc;
};
const std::vector<MessageName>& message_names();

}  // namespace drwatch
