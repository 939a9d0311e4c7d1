// lienthong snapshot DATASET[@V] [--as-of TIME] --out FILE
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_snapshot(CLI::App& app, Cli& cli);

}  // namespace lt::cli
