// SPDX-License-Identifier: Apache-2.0
// What recovery points can be read from. Each reader is a kind of its own in the folder of its name; `reads` picks one, and the rows of the
// others are refused then. A new reader is a folder, its line here and its row in the table of backup/probe.cpp.
#pragma once

#include "probes/probe.hpp"

namespace drwatch::kinds::backup {
// clang-format off: one name each
namespace archiver { Kind reader(); }
namespace dump { Kind reader(); }
namespace pgbackrest { Kind reader(); }
namespace standby { Kind reader(); }
namespace supabase { Kind reader(); }
// clang-format on
}  // namespace drwatch::kinds::backup
