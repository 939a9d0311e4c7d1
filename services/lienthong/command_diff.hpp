// lienthong diff|changes DATASET A..B
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_diff(CLI::App& app, Cli& cli);
void add_changes(CLI::App& app, Cli& cli);

}  // namespace lt::cli
