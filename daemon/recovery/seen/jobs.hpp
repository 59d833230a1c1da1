// SPDX-License-Identifier: Apache-2.0
// The one verdict about a job, whether it calls in or its runs are read.
#pragma once

#include "daemon/recovery/deciding.hpp"

namespace drwatch {

// How a job is, and when that can change without a call.
struct JobVerdict {
  Outcome outcome;
  Time good_until{};         // for a bad one: until when nothing was wrong
  std::optional<Time> next;  // when the clock alone can change it
};

// The verdict at `now`, by the clock that the times in `kept` were written by (the wall's for jobs that call in, the database's for those
// that are read). Notes the first missed occurrence in `kept.missed_at`; nothing else is changed.
JobVerdict judge(const JobSettings& job, JobKept& kept, const Record& record, Time first_seen, Time now);

// How long before its time a job may start and still be taken for the coming occurrence (its clock is ahead): half the grace, at most 30 s.
Duration earliness(const JobSettings& job);

// When drwatch first knew of the job; nothing that was due before is held against it. `now` for one that is new.
Time first_seen_of(const Deciding& d, const std::string& job);

}  // namespace drwatch
