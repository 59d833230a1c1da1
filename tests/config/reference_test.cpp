// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md is what the rows say. DRWATCH_WRITE_REFERENCE=1 writes it anew.
#include "tests/config/loaded.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

namespace drwatch::test::reference_test {
namespace {

TEST_CASE("the reference is written from the rows") {
  const auto kinds = kind_schemas();
  const std::string text = config::reference(kinds);
  const std::string file = drwatch::testing::source_dir("/docs/configuration.md");
  if (std::getenv("DRWATCH_WRITE_REFERENCE")) std::ofstream(file, std::ios::binary) << text;
  // Not compared by doctest: it would print both pages.
  const bool same = file_text(file) == text;
  CHECK_MESSAGE(same, "docs/configuration.md is behind the rows: run this test with DRWATCH_WRITE_REFERENCE=1 and commit the file");
}

TEST_CASE("every kind and every table is in the reference, with every key explained") {
  const auto kinds = kind_schemas();
  const std::string text = config::reference(kinds);
  for (const auto& kind : kinds) {
    CHECK(text.find("\n### `" + kind.name + "`\n") != text.npos);
    for (const auto& row : kind.rows) {
      CAPTURE(kind.name);
      CAPTURE(row.key);
      CHECK_FALSE(row.doc.empty());
      CHECK_FALSE(row.type.empty());
      CHECK(text.find("| `" + row.key + "` | ") != text.npos);
    }
  }
  for (const char* part : {"### `[server]`", "| `workers` |", "| `max_runtime` |", "| `protects` |", "### `[[step]]`", "### `[drill]`",
                           "| `next_update_at` |"})
    CHECK_MESSAGE(text.find(part) != text.npos, part);
}

}  // namespace
}  // namespace drwatch::test::reference_test
