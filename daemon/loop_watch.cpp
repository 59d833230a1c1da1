// SPDX-License-Identifier: Apache-2.0
#include "daemon/loop_watch.hpp"

#include <algorithm>
#include <utility>

namespace drwatch {
namespace {

constexpr std::size_t turns_kept = 1000;  // no run is as long as so many late turns

}  // namespace

bool LoopWatch::turned(Moment at) {
  if (!due_) return false;
  const Turn turn{*due_, at};
  due_.reset();
  if (turn.at - turn.due > tolerated) {
    was_late_ = true;
    if (turn.at - turn.due > a_pause)
      late_since_.reset();
    else if (!late_since_)
      late_since_ = turn.due;
    late_.push_back(turn);
    if (late_.size() > turns_kept) late_.pop_front();
    return false;
  }
  late_since_.reset();
  return std::exchange(was_late_, false);
}

Duration LoopWatch::late_in(Moment from, Moment until) const {
  Moment most{0};
  for (const Turn& turn : late_)
    if (turn.at > from && turn.due < until) most = std::max(most, turn.at - turn.due);
  // The turn that is due and has not come yet: what ends just now may run before it.
  if (due_ && until - *due_ > tolerated) most = std::max(most, until - *due_);
  return std::chrono::ceil<Duration>(most);
}

}  // namespace drwatch
