// SPDX-License-Identifier: Apache-2.0
// URLs as people and servers write them, in the form that may be sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drwatch::config {

// The name as the DNS has it: "xn--bcher-kva.example" for "bücher.example" (IDNA 2008, without the exceptions of its transition; UTS 46's
// mapping first, as browsers do). A name in ASCII as it is. nullopt: it can't be one.
std::optional<std::string> ascii_name(std::string_view name);
bool is_ascii(std::string_view text);

// As browsers and curl send it: what may not stand in a path or query (blanks, []{}|\^`<>", bytes beyond ASCII, a percent sign without two
// digits) percent-encoded, the host by ascii_name(). Also of a reference ("/a b?c=d e"). What is already so stays as it is.
std::string encoded_url(std::string_view url);

}  // namespace drwatch::config
