// lienthong blame DATASET ID
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_blame(CLI::App& app, Cli& cli);

}  // namespace lt::cli
