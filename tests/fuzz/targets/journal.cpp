// SPDX-License-Identifier: Apache-2.0
// A journal of an earlier release with bytes changed or its end torn off: four bytes of a place and one of a value, again and again; a
// place beyond the end cuts. What can still be read is a beginning of what was written, or nothing.
#include "daemon/journal/chain.hpp"
#include "daemon/journal/reading.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/on_disk.hpp"
#include "tests/source_dir.hpp"

#include <iterator>

namespace journal_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

std::string whole_file() {
  std::ifstream in(drwatch::testing::source_dir("/tests/journal/fixtures/journal-0.1.0.db"), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What the daemon would go on with.
std::vector<std::string> events_of(const std::string& path) {
  std::vector<std::string> texts;
  try {
    journal::ReadOnly file(path);
    journal::walk_chain(file.database(), 0,
                        [&](const Event& event, const journal::Row&) { texts.push_back(journal::canonical_text(event)); });
  } catch (const std::runtime_error&) {  // said so
  }
  return texts;
}

}  // namespace

FUZZ_TARGET(journal)(const std::uint8_t* data, std::size_t size) {
  static const std::string whole = whole_file();
  static const std::vector<std::string> written = events_of(write_file("whole.db", whole));
  must(!written.empty(), "the whole journal can be read");
  std::string torn = whole;
  for (; size >= 5; data += 5, size -= 5) {
    const std::size_t place =
        (data[0] | data[1] << 8 | data[2] << 16 | static_cast<std::size_t>(data[3]) << 24) % (whole.size() + whole.size() / 8);
    if (place < torn.size())
      torn[place] = static_cast<char>(data[4]);
    else
      torn.resize(torn.size() - std::min<std::size_t>(torn.size(), data[4] * 64u));
  }
  const std::string path = write_file("torn.db", torn);
  const auto left = events_of(path);
  must(left.size() <= written.size() && std::equal(left.begin(), left.end(), written.begin()),
       "what is left is a beginning of what was written");
  try {
    const JournalVerdict verdict = verify_journal(path);
    must(verdict.broken || left == written || torn.size() == whole.size(), "what is missing is told");
  } catch (const std::runtime_error&) {
  }
  return 0;
}

}  // namespace journal_target
