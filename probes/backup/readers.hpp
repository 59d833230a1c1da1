// SPDX-License-Identifier: Apache-2.0
// What recovery points can be read from. Each reader is a kind of its own in the file of its name; `reads` picks one, and the rows of the
// others are refused then. A new reader is a file, its line here and its row in the table of backup.cpp.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

Kind archiver_reader();
Kind file_reader();
Kind pgbackrest_reader();
Kind standby_reader();
Kind supabase_reader();

}  // namespace drwatch
