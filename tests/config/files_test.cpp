// SPDX-License-Identifier: Apache-2.0
#include "config/rows/files.hpp"

#include <doctest/doctest.h>

#include <pthread.h>

#include <system_error>

namespace drwatch::test::asked_files_test {
namespace {

// For as long as it lives no thread can be made: each would need a stack larger than all addresses.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 48);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }
  NoThreads(const NoThreads&) = delete;

 private:
  pthread_attr_t usual_;
};

}  // namespace

TEST_CASE("a path that was not asked about, for want of a thread, owes no answer") {
  const auto ask = [] { return config::asked_within(std::chrono::minutes(1), "/a/path", [] { return true; }); };
  {
    const NoThreads none;
    CHECK_THROWS_AS(ask(), std::system_error);
  }
  CHECK(ask() == true);
}

}  // namespace drwatch::test::asked_files_test
