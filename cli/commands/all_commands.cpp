#include <array>

#include "cli/commands/command.h"

namespace plakar::cli {
namespace {

constexpr auto commands = std::to_array<Command>({
    {"backup", "backup [OPTIONS] [PLACE]...", run_backup},
    {"cat", "cat SNAPSHOT:PATH...", run_cat},
    {"check", "check [-fast] [QUERY OPTIONS] [SNAPSHOT[:PATH]]...", run_check},
    {"create", "create [-plaintext] [-weak-passphrase] [-no-compression] [-hashing ALGORITHM]",
     run_create},
    {"destination", "destination add|check|import|ping|rm|set|show|unset", run_destination},
    {"help", "help [-style STYLE] [COMMAND [SUBCOMMAND]]", run_help},
    {"info", "info [-errors] [SNAPSHOT[:PATH]]", run_info},
    {"ls", "ls [-uuid] [-recursive] [-tags] [QUERY OPTIONS] [SNAPSHOT[:PATH]]", run_ls},
    {"maintenance", "maintenance", run_maintenance},
    {"pkg", "pkg ACTION", run_pkg},
    {"pkg new", "pkg new [-lang LANGUAGE] [-kind KIND[,KIND]...] NAME", run_pkg_new},
    {"policy", "policy add|rm|set|show|unset", run_policy},
    {"prune", "prune [-apply] [-policy NAME] [QUERY OPTIONS]", run_prune},
    {"ptar", "ptar [OPTIONS] -o FILE.ptar [-k STORE]... [PATH | @SOURCE]...", run_ptar},
    {"repair", "repair [-apply]", run_repair},
    {"restore", "restore [OPTIONS] [SNAPSHOT[:PATH]]", run_restore},
    {"rm", "rm [-apply] [FILTER OPTIONS] [SNAPSHOT]...", run_rm},
    {"source", "source add|check|import|ping|rm|set|show|unset", run_source},
    {"store", "store add|check|default|import|ping|rm|set|show|unset", run_store},
    {"sync", "sync [OPTIONS] [QUERY OPTIONS] [SNAPSHOT] to|from|with REPOSITORY", run_sync},
    {"version", "version", run_version},
});

}  // namespace

std::span<const Command> all_commands() { return commands; }

}  // namespace plakar::cli
