// SPDX-License-Identifier: Apache-2.0
// The one grammar for conditions (triggers, exits, verifications):
//   condition = subject "is" [ "not" ] state [ "by" WHY ] [ "for" DURATION ]
//   subject   = NAME | ( "all" | "most" ) "of" PLACE | NAME "rpo" [ CLASS ] | NAME "rto" | "any" ( "component" | "rpo" | "rto" )
// This is only the sentence; whether it is true is daemon/recovery/scenarios/conditions.
#pragma once

#include "config/rows/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

enum class DisasterClass { host, logical, region, account };
inline constexpr DisasterClass all_classes[] = {DisasterClass::host, DisasterClass::logical, DisasterClass::region, DisasterClass::account};
std::string_view class_name(DisasterClass c);
std::optional<DisasterClass> parse_class(std::string_view text);

struct Condition {
  enum class Subject { component, probe, signal, rpo, rto, any_component, any_rpo, any_rto, place };  // journals hold their numbers
  enum class Holds { up, degraded, down, unknown, met, at_risk, breached, unproven, raised, clear };

  std::string text;  // as written, single-spaced: its identity and what people read
  Subject subject = Subject::component;
  std::string name;                       // empty for any_*
  std::optional<DisasterClass> of_class;  // rpo only; nullopt: the worst of its classes
  bool negated = false;
  Holds holds = Holds::up;
  // Of a place or a set: the state of the whole, or how many of its members are in that state.
  enum class Share { whole, all, most };
  Share share = Share::whole;
  std::string by;       // of health: the reason or the code of what was seen ("assertion", "3D000"); empty: whatever it is
  Duration lasting{0};  // `for`: true only after it has held for so long

  friend bool operator==(const Condition& a, const Condition& b) { return a.text == b.text; }
};

// What a NAME is; nullopt: nothing has that name. A set is a place.
struct Names {
  virtual ~Names() = default;
  virtual std::optional<Condition::Subject> what(std::string_view name) const = 0;  // component, probe, signal or place
  virtual std::vector<std::string> all() const { return {}; }                       // every name, for suggestions
};

// nullopt: `*error` says what was not understood and, after "; ", what to do ("'dwon' is no state of a component; did you mean 'down'?").
std::optional<Condition> parse_condition(std::string_view text, const Names& names, std::string* error);

}  // namespace drwatch
