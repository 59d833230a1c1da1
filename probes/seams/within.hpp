// SPDX-License-Identifier: Apache-2.0
// The one deadline wrapper. `operation || timer` hides exceptions and turns them into time-outs; this does not.
#pragma once

#include "probes/seams/world.hpp"

#include <optional>

namespace drwatch {

// Runs `operation`; nullopt when the deadline came first (the operation is cancelled and has unwound before this returns). Exceptions of
// the operation pass through. A cancellation of the caller cancels the operation and throws operation_aborted.
// `T` need not be default-constructible. The clock must outlive the call; `deadline` may be zero or negative, the operation is then still
// begun.
template <class T>
Task<std::optional<T>> within(Clock& clock, std::chrono::nanoseconds deadline, Task<T> operation);

}  // namespace drwatch

#include "probes/seams/within_impl.hpp"
