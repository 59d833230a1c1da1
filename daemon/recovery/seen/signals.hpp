// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <string>
#include <string_view>

namespace drwatch {

// "lena and 2 alerts": who raises the signal, but for the one of the key `but` (a fingerprint; "": the person).
std::string who_raises(const SignalRecord& signal, std::optional<std::string_view> but = std::nullopt);

}  // namespace drwatch
