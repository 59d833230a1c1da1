// SPDX-License-Identifier: Apache-2.0
#include "config/rows/url.hpp"

#include "config/rows/pattern.hpp"

#include <doctest/doctest.h>

namespace url_test {

using namespace drwatch::config;

TEST_CASE("a URL as browsers and curl send it") {
  const std::pair<const char*, const char*> rows[] = {
      {"https://example.org/a/b?c=d#e", "https://example.org/a/b?c=d#e"},
      {"https://example.org/a b", "https://example.org/a%20b"},
      {"https://example.org/[x]{y}|<z>\"^`\\", "https://example.org/%5Bx%5D%7By%7D%7C%3Cz%3E%22%5E%60%5C"},
      {"https://example.org/?q=a b&r=[1]|{2}", "https://example.org/?q=a%20b&r=%5B1%5D%7C%7B2%7D"},
      {"https://example.org/stra\u00dfe", "https://example.org/stra%C3%9Fe"},
      {"https://example.org/100%", "https://example.org/100%25"},
      {"https://example.org/%zz%4", "https://example.org/%25zz%254"},
      {"https://example.org/%20%C3%9f", "https://example.org/%20%C3%9f"},
      {"https://b\u00fccher.example:8443/x", "https://xn--bcher-kva.example:8443/x"},
      {"https://b\u00fccher.example", "https://xn--bcher-kva.example"},
      {"https://user@stra\u00dfe.example/", "https://user@xn--strae-oqa.example/"},
      {"https://[2001:db8::1]:8443/a b", "https://[2001:db8::1]:8443/a%20b"},
      {"//b\u00fccher.example/x y", "//xn--bcher-kva.example/x%20y"},
      {"/a b?c d", "/a%20b?c%20d"},
      {"a b//c", "a%20b//c"},
      {"?x=https://y//z", "?x=https://y//z"},
      {"https://example.org?x=1//2", "https://example.org?x=1//2"},
      {"", ""},
  };
  for (const auto& [written, sent] : rows) {
    CAPTURE(written);
    CHECK(encoded_url(written) == sent);
    CHECK(encoded_url(sent) == sent);
  }
}

TEST_CASE("what is not sent as it is written is refused with the form that is") {
  const auto blank = misfit("http-url", "https://example.org/a b");
  REQUIRE(blank);
  CHECK(blank->hint == "write https://example.org/a%20b");
  const auto name = misfit("http-url", "https://b\u00fccher.example/");
  REQUIRE(name);
  CHECK(name->hint == "write https://xn--bcher-kva.example/");
  const auto port = misfit("host:port", "b\u00fccher.example:443");
  REQUIRE(port);
  CHECK(port->hint.find("xn--bcher-kva.example:443") != std::string::npos);
  const auto host = misfit("host", "b\u00fccher.example");
  REQUIRE(host);
  CHECK(host->hint.find("xn--bcher-kva.example") != std::string::npos);
  CHECK_FALSE(misfit("host", "www.example.org"));
  CHECK_FALSE(misfit("host", "2001:db8::1"));
  CHECK(misfit("host", ""));
  // A secret is never repeated.
  const auto secret = misfit("http-url", "https://user:pass word@example.org/a b");
  REQUIRE(secret);
  CHECK(secret->hint.find("pass") == std::string::npos);
}

}  // namespace url_test
