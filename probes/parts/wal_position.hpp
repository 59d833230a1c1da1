// SPDX-License-Identifier: Apache-2.0
// Positions in the write-ahead log as PostgreSQL writes them: whoever asks a server where it is reads these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drwatch {

std::optional<std::uint64_t> parse_lsn(std::string_view text);  // "16/B374D848"
std::string lsn_text(std::uint64_t lsn);
std::optional<std::uint32_t> parse_timeline(std::string_view text);  // eight hexadecimal digits, as the names of segments begin

}  // namespace drwatch
