#include "common/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace lorikeet {
namespace {

// Text as roff shows it: a backslash, a hyphen that is a minus, and what a line must not begin with.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool begins = escaped.empty() || escaped.back() == '\n';
    if (begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// "--format" with its value in italics.
std::string Heading(const OptionWords& option) {
  std::string text;
  for (const std::string& name : option.names) {
    text += (text.empty() ? "" : ", ") + ("\\fB" + Escape(name)) + "\\fR";
  }
  if (option.takes_value && option.names.front().starts_with("-")) {
    text += " \\fI" + Escape(option.value) + "\\fR";
    if (option.repeated) text += " ...";
  }
  return text;
}

std::string Paragraph(const OptionWords& option) {
  std::string text = ".TP\n" + Heading(option) + "\n" + Escape(option.help);
  if (!option.choices.empty()) {
    text += " (";
    for (std::size_t i = 0; i < option.choices.size(); ++i)
      text += (i > 0 ? ", " : "") + Escape(option.choices[i]);
    text += ")";
  }
  if (!option.fallback.empty()) text += "; default: " + Escape(option.fallback);
  if (option.required && option.names.front().starts_with("-")) text += "; required";
  return text + "\n";
}

std::string Synopsis(const std::string& program, const CommandWords& command) {
  std::string text = ".B " + Escape(program) + "\n";
  for (const OptionWords& option : command.options) {
    if (option.required) text += Heading(option) + "\n";
  }
  text += "[\\fIoptions\\fR]\n";
  for (const OptionWords& argument : command.arguments) {
    const std::string name = "\\fI" + Escape(argument.names.front()) + "\\fR";
    text += (argument.required ? name : "[" + name + "]") + "\n";
  }
  if (!command.commands.empty()) text += "\\fIcommand\\fR\n";
  return text;
}

void AddCommand(const std::string& program, const CommandWords& command, std::string& text) {
  text += ".SS " + Escape(command.name) + "\n" + Escape(command.help) + ".\n.PP\n" +
          Synopsis(program + " " + command.name, command);
  for (const OptionWords& argument : command.arguments) text += Paragraph(argument);
  for (const OptionWords& option : command.options) text += Paragraph(option);
  for (const CommandWords& inner : command.commands) AddCommand(program + " " + command.name, inner, text);
}

}  // namespace

std::string ManPage(const CommandWords& program, const std::string& version) {
  std::string text =
      fmt::format(".TH {} 1 \"\" \"{}\" \"Lorikeet\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n",
                  Escape(Upper(program.name)), Escape(version), Escape(program.name), Escape(program.help)) +
      Synopsis(program.name, program) + ".SH OPTIONS\n";
  for (const OptionWords& argument : program.arguments) text += Paragraph(argument);
  for (const OptionWords& option : program.options) text += Paragraph(option);
  if (!program.commands.empty()) text += ".SH COMMANDS\n";
  for (const CommandWords& command : program.commands) AddCommand(program.name, command, text);
  return text +
         ".SH EXIT STATUS\n0 done, 1 the work failed, 2 wrong usage or input.\n"
         ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nSet to anything: no colours.\n";
}

}  // namespace lorikeet
