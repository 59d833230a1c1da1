// SPDX-License-Identifier: Apache-2.0
// What keeps secrets out of what is shown of a run.
#pragma once

#include "config/rows/secret.hpp"

#include <string>
#include <vector>

namespace drwatch {

// The forms in which `secret` may turn up: as it is, escaped for JSON, percent-encoded for a form or a query; of a connection string or a
// URL also the password in it, in the same forms. Empty for a secret of fewer than 4 bytes: it could not be told from ordinary text.
std::vector<std::string> forms_of(const std::string& secret);

// The forms of all `secrets` that are in fact secret (not plain text of the configuration) and present, the longest first.
std::vector<std::string> hidden_forms(const std::vector<Secret>& secrets);

// `text` without `hidden`, without the values of fields whose names say that they are secret (JSON, forms, queries, "Bearer ...", the
// password of a URL), and without what looks like an issued token. Do it before cutting.
std::string redacted(std::string text, const std::vector<std::string>& hidden);

}  // namespace drwatch
