// SPDX-License-Identifier: Apache-2.0
#include "config/rows/encoding.hpp"

#include <doctest/doctest.h>

namespace drwatch::test::encoding_test {

TEST_CASE("bytes as text, as the standards have them") {
  CHECK(hex_of(std::string("\0\x7f\xff", 3)) == "007fff");
  // FIPS 180-4's own example, in one piece and in two.
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("a", "bc") == sha256_hex("abc"));
  // RFC 4648, 10.
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64(bytes) == text);
    CHECK(base64url(bytes) == std::string(text).substr(0, std::string(text).find('=')));
    CHECK(from_base64url(base64url(bytes)) == bytes);
  }
  CHECK(base64("\xfb\xff") == "+/8=");
  CHECK(base64url("\xfb\xff") == "-_8");
  CHECK(percent_encoded("a-Z_0.9~ /?\xc3\xbc") == "a-Z_0.9~%20%2F%3F%C3%BC");
  CHECK(percent_decoded("%41%2f%zz%4") == "A/%zz%4");
  for (const std::string text : {"", "100 %", "a+b=c&d", "\xff"}) CHECK(percent_decoded(percent_encoded(text)) == text);
}

}  // namespace drwatch::test::encoding_test
