// lienthong watch [DATASET...]
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_watch(CLI::App& app, Cli& cli);

}  // namespace lt::cli
