// lienthong attempts, findings, conflicts: what became of submissions
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_attempts(CLI::App& app, Cli& cli);
void add_findings(CLI::App& app, Cli& cli);
void add_conflicts(CLI::App& app, Cli& cli);

}  // namespace lt::cli
