// SPDX-License-Identifier: Apache-2.0
// The one verdict about a job, whether it calls in or its runs are read.
#pragma once

#include "daemon/recovery/deciding.hpp"

namespace drwatch {

struct JobVerdict {
  Outcome outcome;
  Time good_until{};         // for a bad one: until when nothing was wrong
  std::optional<Time> next;  // when the clock alone can change it
};

// `now` by the clock that `kept` was written by. Notes in `kept` the first occurrence that was missed.
JobVerdict judge(const JobSettings& job, JobKept& kept, const Record& record, Time first_seen, Time now);

// A job that starts a little before its time (its clock is ahead) answers the coming occurrence.
Duration earliness(const JobSettings& job);

// When drwatch first knew of the job: nothing before is held against it.
Time first_seen_of(const Deciding& d, const std::string& job);

}  // namespace drwatch
