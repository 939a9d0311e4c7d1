// lienthong revert DATASET@V | --changeset ID
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_revert(CLI::App& app, Cli& cli);

}  // namespace lt::cli
