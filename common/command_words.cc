#include "common/command_words.h"

#include <algorithm>
#include <sstream>

namespace lorikeet {
namespace {

// CLI11 keeps a set of allowed values in the type's name alone: "TEXT:{csv,json}".
std::vector<std::string> ChoicesIn(const std::string& type) {
  const std::size_t from = type.find('{'), to = type.rfind('}');
  std::vector<std::string> choices;
  if (from == std::string::npos || to == std::string::npos || to < from) return choices;
  std::istringstream words(type.substr(from + 1, to - from - 1));
  for (std::string word; std::getline(words, word, ',');) choices.push_back(word);
  return choices;
}

OptionWords Describe(const CLI::Option& option) {
  OptionWords words;
  if (option.get_positional() && option.get_lnames().empty() && option.get_snames().empty()) {
    words.names.push_back(option.get_single_name());
  }
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  words.help = option.get_description();
  words.takes_value = option.get_items_expected_max() > 0;
  if (words.takes_value) {
    const std::string type = option.get_type_name();
    words.value = type.substr(0, type.find(':'));
    words.choices = ChoicesIn(type);
  }
  words.fallback = option.get_default_str();
  words.required = option.get_required();
  words.repeated = option.get_expected_max() > 1;
  return words;
}

}  // namespace

CommandWords DescribeCommand(const CLI::App& app) {
  CommandWords words{
      .name = app.get_name(), .help = app.get_description(), .options = {}, .arguments = {}, .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    const bool argument = option->get_positional() && option->get_lnames().empty();
    (argument ? words.arguments : words.options).push_back(Describe(*option));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.commands.push_back(DescribeCommand(*command));
  }
  return words;
}

}  // namespace lorikeet
