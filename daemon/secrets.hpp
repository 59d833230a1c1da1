// SPDX-License-Identifier: Apache-2.0
// Secrets in what comes in by other ways than a probe's run: what jobs and commands send, what people type, what failed.
#pragma once

#include "config/settings.hpp"
#include "daemon/log/log.hpp"
#include "daemon/recovery/input.hpp"
#include "probes/seams/redaction.hpp"

namespace drwatch {

// Every secret of the configuration: of probes, channels, the deadman, the API's tokens.
Redaction secrets_of(const Settings& settings);

// Hides `secrets` in the words that an input brings. Names and ids stay, since they are looked up. A run's outcome came without secrets.
void hide_secrets(Input& input, const Redaction& secrets);

// A log whose lines are freed of secrets; they may quote what Alertmanagers, channels and libraries say. Events stand in the journal as
// well, and are made of what has no secrets any more.
class DiscreetLog : public Log {
 public:
  explicit DiscreetLog(Log& to) : to_(to) {}
  void keep(Redaction secrets) { secrets_ = std::move(secrets); }
  void event(const Event& event) override { to_.event(event); }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields = {}) override;

 private:
  Log& to_;
  Redaction secrets_;
};

}  // namespace drwatch
