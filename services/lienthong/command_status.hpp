// lienthong status
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_status(CLI::App& app, Cli& cli);

}  // namespace lt::cli
