#include "common/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/nearest.h"

namespace lorikeet {
namespace {

// 'text' for a shell.
std::string Quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The same inside fish's quotes.
std::string FishQuote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string Join(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> AllNames(const CommandWords& command) {
  std::vector<std::string> names;
  for (const OptionWords& option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

bool TakesSweep(const CommandWords& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(), [](const OptionWords& argument) {
    return argument.names.front() == "sweep" || argument.names.front() == "name";
  });
}

// A function's name may not hold a hyphen everywhere.
std::string Identifier(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace

std::string BashCompletion(const CommandWords& program) {
  const std::string function = "_" + Identifier(program.name);
  std::vector<std::string> commands;
  for (const CommandWords& command : program.commands) commands.push_back(command.name);
  std::string text = fmt::format(
      "# bash completion of {0}\n"
      "{1}() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command= word "
      "words=\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case $word in {2}) command=$word; break ;; esac\n"
      "  done\n"
      "  COMPREPLY=()\n",
      program.name, function, commands.empty() ? "''" : Join(commands, "|"));
  const auto values = [&](const CommandWords& command) {
    for (const OptionWords& option : command.options) {
      if (!option.takes_value) continue;
      text += fmt::format("    '{} '{}) ", command.name,
                          Join(option.names, fmt::format("|'{} '", command.name).c_str()));
      if (option.choices.empty()) {
        text += "return ;;\n";  // a file, or anything
      } else {
        text += fmt::format("mapfile -t COMPREPLY < <(compgen -W {} -- \"$current\"); return ;;\n",
                            Quote(Join(option.choices)));
      }
    }
  };
  text += "  case \"${command:-" + program.name + "} $previous\" in\n";
  values(program);
  for (const CommandWords& command : program.commands) values(command);
  text += "  esac\n  case $command in\n";
  std::vector<std::string> first = commands;
  for (const std::string& name : AllNames(program)) first.push_back(name);
  text += fmt::format("    '') words={} ;;\n", Quote(Join(first)));
  for (const CommandWords& command : program.commands) {
    text += fmt::format("    {}) words={}", command.name, Quote(Join(AllNames(command))));
    if (TakesSweep(command)) {
      text += fmt::format("; [[ $current == -* ]] || words=$({} list --names 2>/dev/null)", program.name);
    } else if (!command.arguments.empty()) {
      text += "; [[ $current == -* ]] || words=";
    }
    text += " ;;\n";
  }
  return text + fmt::format(
                    "  esac\n"
                    "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                    "}}\n"
                    "complete -o default -F {} {}\n",
                    function, program.name);
}

std::string ZshCompletion(const CommandWords& program) {
  const std::string function = "_" + Identifier(program.name);
  // What _arguments takes as it stands: no bracket, colon or quote of the text's own.
  const auto plain = [](const std::string& help) {
    std::string escaped;
    for (const char c : help) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
      escaped += c;
    }
    return escaped;
  };
  const auto lines = [&](const CommandWords& command) {
    std::vector<std::string> specs;
    for (const OptionWords& option : command.options) {
      for (const std::string& name : option.names) {
        std::string spec = fmt::format("{}{}[{}]", option.repeated ? "*" : "", name, plain(option.help));
        if (option.takes_value) {
          spec += ":" + plain(option.value) + ":" +
                  (option.choices.empty() ? "_files" : "(" + Join(option.choices) + ")");
        }
        specs.push_back(Quote(spec));
      }
    }
    return specs;
  };
  std::string text =
      fmt::format("#compdef {0}\n{1}() {{\n  local -a commands\n  commands=(\n", program.name, function);
  for (const CommandWords& command : program.commands) {
    text += "    " + Quote(command.name + ":" + plain(command.help)) + "\n";
  }
  text += "  )\n";
  std::vector<std::string> own = lines(program);
  if (program.commands.empty()) {
    return text + "  _arguments " + Join(own, " \\\n    ") +
           fmt::format("\n}}\ncompdef {} {}\n", function, program.name);
  }
  text +=
      "  if (( CURRENT == 2 )); then\n"
      "    _describe -t commands command commands\n"
      "    _arguments " +
      Join(own, " \\\n      ") + "\n    return\n  fi\n" +
      "  local command=$words[2]\n  shift words; (( CURRENT-- ))\n  case $command in\n";
  for (const CommandWords& command : program.commands) {
    std::vector<std::string> specs = lines(command);
    for (const OptionWords& argument : command.arguments) {
      const std::string& name = argument.names.front();
      const std::string action =
          name == "sweep" || name == "name"
              ? fmt::format("{{_values sweep ${{(f)\"$({} list --names 2>/dev/null)\"}}}}", program.name)
              : "_files";
      specs.push_back(Quote((argument.repeated ? "*:" : ":") + plain(name) + ":" + action));
    }
    text += fmt::format("    {}) _arguments {} ;;\n", command.name, Join(specs, " \\\n      "));
  }
  return text + fmt::format("  esac\n}}\ncompdef {} {}\n", function, program.name);
}

std::string FishCompletion(const CommandWords& program) {
  std::string text = fmt::format("# fish completion of {}\n", program.name);
  const auto options = [&](const CommandWords& command, const std::string& when) {
    for (const OptionWords& option : command.options) {
      text += fmt::format("complete -c {}{}", program.name, when);
      for (const std::string& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option.takes_value) {
        text += option.choices.empty() ? " -r" : " -x -a " + FishQuote(Join(option.choices));
      }
      text += " -d " + FishQuote(option.help) + "\n";
    }
  };
  options(program, program.commands.empty() ? "" : " -n __fish_use_subcommand");
  for (const CommandWords& command : program.commands) {
    text += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {} -d {}\n", program.name,
                        command.name, FishQuote(command.help));
    const std::string when = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    options(command, when);
    if (TakesSweep(command)) {
      text += fmt::format("complete -c {}{} -f -a '({} list --names 2>/dev/null)'\n", program.name, when,
                          program.name);
    }
  }
  return text;
}

StatusOr<std::string> Completion(const CommandWords& program, const std::string& shell) {
  if (shell == "bash") return BashCompletion(program);
  if (shell == "zsh") return ZshCompletion(program);
  if (shell == "fish") return FishCompletion(program);
  const std::vector<std::string> known = {"bash", "zsh", "fish"};
  return InvalidArgument("completion '{}': bash, zsh or fish{}", shell, DidYouMean(shell, known));
}

}  // namespace lorikeet
