// lienthong area import|list|show
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_area(CLI::App& app, Cli& cli);

}  // namespace lt::cli
