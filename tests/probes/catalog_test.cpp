// SPDX-License-Identifier: Apache-2.0
// The visible table of kinds: what each must say of itself, since nobody knows it by its name.
#include "probes/probe.hpp"

#include <doctest/doctest.h>

#include <set>

namespace catalog_test {

using namespace drwatch;

TEST_CASE("the catalog: names differ, every kind documents itself and its rows") {
  std::set<std::string> names;
  for (const Kind& kind : catalog()) {
    const auto& schema = kind.schema;
    CAPTURE(schema.name);
    CHECK(names.insert(schema.name).second);
    CHECK(kind_named(schema.name) == &kind);
    CHECK(schema.doc.size() > 80);
    CHECK(schema.rows.empty() == schema.traits.calls_in);  // what is asked needs to know whom
    for (const auto& row : schema.rows) {
      CAPTURE(row.key);
      CHECK_FALSE(row.doc.empty());
      CHECK_FALSE(row.type.empty());
      CHECK(row.read);
    }
  }
  for (const char* name : {"http", "tcp", "tls", "dns", "icmp", "postgres", "heartbeat", "backup"}) CHECK(names.count(name) == 1);
  CHECK(kind_named("gopher") == nullptr);
}

TEST_CASE("the catalog: the traits of a kind agree with each other and with what it can do") {
  for (const Kind& kind : catalog()) {
    const auto& schema = kind.schema;
    const config::Traits& is = schema.traits;
    CAPTURE(schema.name);
    CHECK((kind.make == nullptr) == is.calls_in);
    const bool has_a_run = is.reads_jobs || is.reads_recovery_points || is.answers_queries || is.tells_size || is.attributes_only;
    CHECK_FALSE((is.calls_in && has_a_run));
    CHECK_FALSE((is.reads_jobs && is.reads_recovery_points));  // a table of the file has one role
    // A job that was missed and a store that says that it fails are so at once: the next run would only say the same again.
    if (is.calls_in || is.reads_jobs || is.reads_recovery_points) CHECK(is.confirms_itself);
    // A provider's word is no proof of anything.
    if (is.attributes_only) CHECK_FALSE((is.answers_queries || is.reads_recovery_points || is.confirms_itself));
    if (schema.points_apart) CHECK(is.reads_recovery_points);
  }
}

TEST_CASE("the catalog: every trait is some kind's") {
  config::Traits any;
  for (const Kind& kind : catalog()) {
    const auto& is = kind.schema.traits;
    any.calls_in |= is.calls_in, any.reads_jobs |= is.reads_jobs, any.reads_recovery_points |= is.reads_recovery_points;
    any.answers_queries |= is.answers_queries, any.tells_size |= is.tells_size;
    any.confirms_itself |= is.confirms_itself, any.attributes_only |= is.attributes_only;
  }
  CHECK((any.calls_in && any.reads_jobs && any.reads_recovery_points && any.answers_queries && any.tells_size && any.confirms_itself &&
         any.attributes_only));
}

TEST_CASE("the catalog: fresh settings are there and the same, and a check takes them") {
  for (const auto& schema : kind_schemas()) {
    CAPTURE(schema.name);
    const auto a = schema.fresh(), b = schema.fresh();
    REQUIRE(a);
    CHECK(schema.same(a.get(), b.get()));
    config::Problems problems;
    if (schema.check) schema.check(a.get(), {"drwatch.toml", 1, 1}, config::Reading{problems, "probe.p", "/etc/drwatch"});
    if (schema.points_apart) CHECK_FALSE(schema.points_apart(a.get()));  // no source is chosen yet
  }
}

}  // namespace catalog_test
