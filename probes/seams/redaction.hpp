// SPDX-License-Identifier: Apache-2.0
// What keeps secrets out of what is shown of a run.
#pragma once

#include "config/rows/secret.hpp"

#include <string>
#include <vector>

namespace drwatch {

// The forms in which `secret` may turn up on its way: as it is, in JSON, in a form or a query; of a dsn or a URL also the
// password in it. Empty when it is too short to be told from ordinary text (fewer than 4 bytes).
std::vector<std::string> forms_of(const std::string& secret);

// Of those that are secret (not plain text of the configuration) and there.
std::vector<std::string> hidden_forms(const std::vector<Secret>& secrets);

// `text` without `hidden`, without the values of fields whose names say that they are secret (JSON, forms, queries, "Bearer ...", the
// password of a URL), and without what looks like an issued token. Do it before cutting.
std::string redacted(std::string text, const std::vector<std::string>& hidden);

}  // namespace drwatch
