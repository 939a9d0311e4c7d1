// lienthong down --data DIR
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_down(CLI::App& app, Cli& cli);

}  // namespace lt::cli
