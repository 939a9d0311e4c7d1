// The whole check of one run.
#pragma once

#include <ostream>

#include "history/log.hpp"
#include "history/report.hpp"

namespace lt::history {

[[nodiscard]] Report check(const History& history);

/// The summary, then at most `most` violations with the lines that show them.
void print(const History& history, const Report& report, std::size_t most, std::ostream& out);

}  // namespace lt::history
