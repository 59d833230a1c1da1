// SPDX-License-Identifier: Apache-2.0
// What a restore drill hands in: one JSON document of what it restored, checked and measured. It comes from outside, so it is bounded and
// believed only as far as its own checks carry it.
#pragma once

#include "daemon/recovery/record/body.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct DrillCheck {
  std::string name, verdict, detail;  // passed | failed | skipped | timed-out
  bool mandatory = false;
};
struct DrillEvidence {
  static constexpr std::size_t most_bytes = 64 * 1024;

  std::string kind, verdict;  // passed | failed | partial | aborted
  Time began_at{}, ended_at{};
  std::string reads, label, chosen;  // of the copy
  std::optional<Time> taken_at, disaster_at, claimed, restored_to;
  std::string source;  // of the claim: a probe
  std::optional<double> took_seconds, lost_seconds;
  std::vector<DrillCheck> checks;
  std::vector<std::string> classes;
  std::string text;  // the document, in one form
};
// Either the evidence, or what is wrong with the document in one sentence.
struct EvidenceRead {
  std::optional<DrillEvidence> evidence;
  std::string wrong;
};
EvidenceRead read_evidence(std::string_view text);

// What it comes to, whatever the document calls itself: a check that failed fails it, a mandatory one that was skipped or ran out of time
// makes it `partial`, and so does a document that checked nothing.
struct EvidenceVerdict {
  std::string verdict, reason;  // reason: empty where there is nothing to say
};
EvidenceVerdict verdict_of(const DrillEvidence& evidence);

// The document as a value of an event.
Body evidence_body(const std::string& text);

}  // namespace drwatch
