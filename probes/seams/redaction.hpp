// SPDX-License-Identifier: Apache-2.0
// What keeps secrets out of all that drwatch shows: outcomes and traces of runs, events, the log, pages, alerts. What comes from outside is
// freed of them once, where it comes in (TracedWorld::conclude, and Daemon for what no probe brings), before anybody can repeat it.
#pragma once

#include "config/rows/secret.hpp"
#include "probes/outcome.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// Some secrets, made ready to be found in text. Copies share it.
class Redaction {
 public:
  Redaction() = default;  // knows none
  // Those that are in fact secret (not plain text of the configuration) and present.
  explicit Redaction(const std::vector<Secret>& secrets);
  // The same, and these texts.
  Redaction and_also(const std::vector<std::string>& secrets) const;
  // The same, and those that `other` knows.
  Redaction and_also(const Redaction& other) const;

  // Puts "***" for every secret in `text`: as it is, escaped for a URL, a form, JSON or HTML (twice over too), in base64 and base64url
  // wherever in a longer encoded text, in hexadecimal, and what is left of it before a cut ("..."; with `cut`, also at the end). Whether
  // there was any. Costs about two nanoseconds a byte when there is none.
  bool hide(std::string& text, bool cut = false) const;
  std::string hidden(std::string text) const;

  bool knows_any() const { return !known_.empty(); }
  std::size_t longest() const;  // bytes of the longest form of a secret

 private:
  class Known;
  std::vector<std::shared_ptr<const Known>> known_;
};

// Hides `secrets` in all texts of an outcome but its trace, which the tracer made without them.
void hide_secrets(Outcome& outcome, const Redaction& secrets);

// `text` without the values of fields whose names say that they are secret (JSON, forms, queries, "Bearer ...", the password of a URL), and
// without what looks like an issued token: for what nobody told drwatch of. Do it before cutting.
std::string redacted(std::string text);

}  // namespace drwatch
