// lienthong sample KIND --out FILE
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_sample(CLI::App& app, Cli& cli);

}  // namespace lt::cli
