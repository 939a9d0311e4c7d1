// lienthong organisation create|list
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_organisation(CLI::App& app, Cli& cli);

}  // namespace lt::cli
