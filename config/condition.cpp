// SPDX-License-Identifier: Apache-2.0
#include "config/condition.hpp"

#include "config/rows/document.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace drwatch {
namespace {

using Subject = Condition::Subject;
using Holds = Condition::Holds;

constexpr std::string_view class_names[] = {"host", "logical", "region", "account"};

enum class Family { health, objective, signal };
struct State {
  std::string_view name;
  Holds holds;
  Family of;
};
constexpr State states[] = {
    {"up", Holds::up, Family::health},
    {"degraded", Holds::degraded, Family::health},
    {"down", Holds::down, Family::health},
    {"unknown", Holds::unknown, Family::health},
    {"met", Holds::met, Family::objective},
    {"at-risk", Holds::at_risk, Family::objective},
    {"breached", Holds::breached, Family::objective},
    {"unproven", Holds::unproven, Family::objective},
    {"raised", Holds::raised, Family::signal},
    {"clear", Holds::clear, Family::signal},
};

Family family_of(Subject subject) {
  switch (subject) {
    case Subject::component:
    case Subject::probe:
    case Subject::any_component:
    case Subject::place:
      return Family::health;
    case Subject::signal:
      return Family::signal;
    case Subject::rpo:
    case Subject::rto:
    case Subject::any_rpo:
    case Subject::any_rto:
      break;
  }
  return Family::objective;
}

std::string_view noun(Subject subject) {
  switch (subject) {
    case Subject::probe:
      return "a probe";
    case Subject::signal:
      return "a signal";
    case Subject::rpo:
    case Subject::any_rpo:
      return "an rpo";
    case Subject::rto:
    case Subject::any_rto:
      return "an rto";
    case Subject::place:
      return "a place";
    case Subject::component:
    case Subject::any_component:
      break;
  }
  return "a component";
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known, std::string otherwise) {
  const auto close = config::nearest(word, known);
  return close ? "did you mean '" + *close + "'?" : std::move(otherwise);
}

// Each reader returns what is wrong ("what; what to do"), or "".
std::string read_name(const std::string& name, const Names& names, Condition& into) {
  const auto what = names.what(name);
  if (!what)
    return "nothing is named " + config::shown(name) + "; " +
           suggestion(name, names.all(), "declare it as a component, probe, signal or set, or let a component lie in it");
  into.subject = *what;
  into.name = name;
  return "";
}

std::string read_any(const std::string& word, Condition& into) {
  if (word == "component") return into.subject = Subject::any_component, "";
  if (word == "rpo") return into.subject = Subject::any_rpo, "";
  if (word == "rto") return into.subject = Subject::any_rto, "";
  return "'any' is followed by component, rpo or rto, not by " + config::shown(word) + "; " +
         suggestion(word, {"component", "rpo", "rto"}, "write 'any component is down' or 'any rpo is at-risk'");
}

std::string read_objective(const std::vector<std::string>& words, const Names& names, Condition& into) {
  if (auto wrong = read_name(words[0], names, into); !wrong.empty()) return wrong;
  if (words[1] != "rpo" && words[1] != "rto")
    return config::shown(words[1]) + " is not understood after a name; " + suggestion(words[1], {"rpo", "rto"}, "write rpo, rto or 'is'");
  if (into.subject != Subject::component)
    return config::shown(words[0]) + " is " + std::string(noun(into.subject)) + "; name a component: objectives are theirs";
  into.subject = words[1] == "rpo" ? Subject::rpo : Subject::rto;
  if (words.size() == 2) return "";
  if (into.subject == Subject::rto) return config::shown(words[2]) + " is too much; an rto has no class";
  into.of_class = parse_class(words[2]);
  if (into.of_class) return "";
  return config::shown(words[2]) + " is not a class; " +
         suggestion(words[2], {"host", "logical", "region", "account"}, "a class is host, logical, region or account");
}

// "all of serving", "most of serving".
std::string read_share(const std::vector<std::string>& words, const Names& names, Condition& into) {
  if (auto wrong = read_name(words[2], names, into); !wrong.empty()) return wrong;
  if (into.subject != Subject::place)
    return config::shown(words[2]) + " is " + std::string(noun(into.subject)) + "; '" + words[0] + " of' is followed by a place or a set";
  into.share = words[0] == "all" ? Condition::Share::all : Condition::Share::most;
  return "";
}

std::string read_subject(const std::vector<std::string>& words, const Names& names, Condition& into) {
  if (words.empty()) return "nothing stands before 'is'; write it like 'database is down'";
  if (words[0] == "any" && words.size() <= 2) return read_any(words.size() == 2 ? words[1] : "", into);
  if (words.size() == 1) return read_name(words[0], names, into);
  if (words.size() == 3 && words[1] == "of" && (words[0] == "all" || words[0] == "most")) return read_share(words, names, into);
  if (words.size() <= 3) return read_objective(words, names, into);
  return "too many words before 'is'; write it like 'database is down' or 'database rpo logical is at-risk'";
}

std::string read_state(const std::string& word, Condition& into) {
  const Family family = family_of(into.subject);
  std::vector<std::string> fitting;
  for (const auto& state : states) {
    if (state.of != family) continue;
    if (state.name == word) return into.holds = state.holds, "";
    fitting.emplace_back(state.name);
  }
  return config::shown(word) + " is no state of " + std::string(noun(into.subject)) + "; " +
         suggestion(word, fitting, "it is " + list_text(fitting));
}

// What a run can say beside its outcome: a reason of the closed list, or a code (SQLSTATE, HTTP status, errno's name).
std::string read_why(const std::string& word, Condition& into) {
  std::istringstream closed("dns connect tls auth timeout protocol assertion stale absent own-fault internal");
  std::vector<std::string> reasons;
  for (std::string reason; closed >> reason;) reasons.push_back(reason);
  const bool code = word.size() >= 3 &&
                    std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) || std::isupper(c) || c == '_'; });
  if (!code && std::find(reasons.begin(), reasons.end(), word) == reasons.end())
    return config::shown(word) + " is no reason and no code; " +
           suggestion(word, reasons, "after 'by' stands a reason as 'assertion', or a code as '3D000'");
  if (into.subject != Subject::component && into.subject != Subject::probe)
    return "'by' is not said of " + std::string(noun(into.subject)) + "; name a component or a probe";
  if (into.negated || (into.holds != Holds::down && into.holds != Holds::degraded))
    return "'by' says why something is down or degraded; write it like 'primary is down by 3D000'";
  into.by = word;
  return "";
}

std::string read_lasting(const std::string& word, Condition& into) {
  const auto lasting = parse_duration(word);
  if (!lasting || *lasting <= Duration{0}) return config::shown(word) + " is no duration; write it like 'for 5m'";
  into.lasting = *lasting;
  return "";
}

std::string read_sentence(const std::vector<std::string>& words, const Names& names, Condition& into) {
  const auto is = std::find(words.begin(), words.end(), "is");
  if (is == words.end()) return "not a condition, the word 'is' is missing; write it like 'database is down'";
  if (auto wrong = read_subject({words.begin(), is}, names, into); !wrong.empty()) return wrong;
  std::vector<std::string> rest(is + 1, words.end());
  if (!rest.empty() && rest[0] == "not") into.negated = true, rest.erase(rest.begin());
  if (rest.empty()) return "no state stands after 'is'; write it like 'database is down'";
  if (auto wrong = read_state(rest[0], into); !wrong.empty()) return wrong;
  if (into.share != Condition::Share::whole && (into.negated || into.holds == Holds::unknown))
    return "'all of' and 'most of' are followed by up, degraded or down; write it like 'most of " + into.name + " is down'";
  std::size_t next = 1;
  if (next < rest.size() && rest[next] == "by") {
    if (next + 1 == rest.size()) return "nothing stands after 'by'; write a reason as 'assertion', or a code as '3D000'";
    if (auto wrong = read_why(rest[next + 1], into); !wrong.empty()) return wrong;
    next += 2;
  }
  if (next < rest.size() && rest[next] == "for") {
    if (next + 1 == rest.size()) return "nothing stands after 'for'; write it like 'for 5m'";
    if (auto wrong = read_lasting(rest[next + 1], into); !wrong.empty()) return wrong;
    next += 2;
  }
  return next < rest.size() ? config::shown(rest[next]) + " is too much; one state follows 'is'" : "";
}

}  // namespace

std::string_view class_name(DisasterClass c) { return class_names[static_cast<std::size_t>(c)]; }

std::optional<DisasterClass> parse_class(std::string_view text) {
  for (const auto c : all_classes)
    if (class_name(c) == text) return c;
  return {};
}

std::optional<Condition> parse_condition(std::string_view text, const Names& names, std::string* error) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  Condition condition;
  for (std::string word; stream >> word; words.push_back(word)) condition.text += (words.empty() ? "" : " ") + word;
  auto wrong = read_sentence(words, names, condition);
  if (wrong.empty()) return condition;
  if (error) *error = std::move(wrong);
  return {};
}

}  // namespace drwatch
