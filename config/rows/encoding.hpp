// SPDX-License-Identifier: Apache-2.0
// Bytes as text, in the ways that more than one room needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drwatch {

// Two small hexadecimal digits a byte.
std::string hex_of(std::string_view bytes);

// SHA-256 of `first` followed by `second`, as 64 small hexadecimal digits. Throws std::runtime_error when OpenSSL has no SHA-256.
std::string sha256_hex(std::string_view first, std::string_view second = {});

std::string base64(std::string_view bytes);                        // RFC 4648, 4: with padding
std::string base64url(std::string_view bytes);                     // RFC 4648, 5: without padding
std::optional<std::string> from_base64url(std::string_view text);  // nullopt: not strict base64url without padding

// All but RFC 3986's unreserved characters as %XX. Good for a part of a path, for a query and for a form: a space becomes %20 and not "+",
// which is understood everywhere.
std::string percent_encoded(std::string_view text);
// "%40" becomes "@"; a "%" without two hexadecimal digits behind it stays as it is.
std::string percent_decoded(std::string_view text);

}  // namespace drwatch
