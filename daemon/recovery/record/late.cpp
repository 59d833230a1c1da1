// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/late.hpp"

namespace drwatch {

Outcome seen_late(const Outcome& outcome, Duration late) {
  Outcome unknown = outcome_of(Health::unknown, Reason::own_fault, outcome.code,
                               "drwatch itself was late by " + duration_words(late) + " while it looked; it saw: " +
                                   (outcome.message.empty() ? std::string(health_name(outcome.outcome)) : outcome.message));
  unknown.at = outcome.at;
  unknown.vantage = outcome.vantage;
  unknown.phases = outcome.phases;
  unknown.facts = outcome.facts;
  unknown.trace = outcome.trace;
  return unknown;
}

}  // namespace drwatch
