// SPDX-License-Identifier: Apache-2.0
// How the pages say things.
#pragma once

#include "daemon/web/api/view.hpp"

#include <string>
#include <string_view>

namespace drwatch::web {

std::string sign(std::string_view health_or_standing);                    // beside the word, so that nothing is told by colour alone
std::string ago_words(const Seen& seen, const View& time);                // "2 min 40 s ago" of a time_view; "" of null
std::string moment_words(const View& time);                               // "2026-03-01 02:09:30 UTC" of a time_view; "" of null
std::string words_of(const View& list, std::string_view between = ", ");  // of strings
std::string seconds_words(const View& seconds);                           // of a seconds_view; "" of null
std::string left_words(Time deadline, Time now);                          // "1 h 2 min", "over by 3 min"
std::string counted(std::size_t n, std::string_view noun);                // "1 incident", "3 incidents"
View text_or_null(std::string text);                                      // what is empty is not said
int percent_of(Duration part, Duration whole);                            // 0 to 100

}  // namespace drwatch::web
