// SPDX-License-Identifier: Apache-2.0
// The visible table of kinds. A new kind is a folder, its name in the list of declarations and its row in the table.
#include "probes/probe.hpp"

namespace drwatch {
namespace kinds {
// clang-format off: one name each, defined in the folder of that name
namespace http { Kind kind(); }
namespace tcp { Kind kind(); }
namespace tls { Kind kind(); }
namespace dns { Kind kind(); }
namespace icmp { Kind kind(); }
namespace postgres { Kind kind(); }
namespace auth { Kind kind(); }
namespace heartbeat { Kind kind(); }
namespace pg_cron { Kind kind(); }
namespace backup { Kind kind(); }
namespace statuspage { Kind kind(); }
namespace prometheus { Kind kind(); }
namespace command { Kind kind(); }
// clang-format on
}  // namespace kinds

const std::vector<Kind>& catalog() {
  // clang-format off: a row each
  static const std::vector<Kind> rows = {
      kinds::http::kind(),
      kinds::tcp::kind(),
      kinds::tls::kind(),
      kinds::dns::kind(),
      kinds::icmp::kind(),
      kinds::postgres::kind(),
      kinds::auth::kind(),
      kinds::heartbeat::kind(),
      kinds::pg_cron::kind(),
      kinds::backup::kind(),
      kinds::statuspage::kind(),
      kinds::prometheus::kind(),
      kinds::command::kind(),
  };
  // clang-format on
  return rows;
}

}  // namespace drwatch
