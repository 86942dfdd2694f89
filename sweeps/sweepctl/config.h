// What a user always types, kept in a file: $XDG_CONFIG_HOME/lorikeet/sweepctl.toml.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

// coordinator, token_file and tls_ca as the file has them, the last two relative to its folder; empty where
// it has none, or where there is no such file. InvalidArgument names file, line and key of what it should not
// hold.
StatusOr<ClientOptions> ReadConfig(const std::string& file);
// The file's values where neither a flag nor the environment has one: flags, then variables, then the file.
Status FillFromConfig(ClientOptions& options);

}  // namespace lorikeet::sweepctl
