// SPDX-License-Identifier: Apache-2.0
// Circles in what names each other: depends_on, after, supersedes.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace drwatch::config {

using Graph = std::map<std::string, std::vector<std::string>>;

// Every circle once, as the way around it without the return: {"a", "b"} for a -> b -> a. Edges to unknown names lead nowhere.
std::vector<std::vector<std::string>> circles(const Graph& graph);

// "a -> b -> a"
std::string circle_text(const std::vector<std::string>& circle);

}  // namespace drwatch::config
