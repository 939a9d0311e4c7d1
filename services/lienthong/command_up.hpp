// lienthong up --data DIR
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_up(CLI::App& app, Cli& cli);

}  // namespace lt::cli
