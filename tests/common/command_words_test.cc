// What --help, the manual page and completions say of one program.
#include "common/command_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/completion.h"
#include "common/files.h"
#include "common/man_page.h"
#include "common/subprocess.h"

namespace lorikeet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A program like ours.
class Program {
 public:
  Program() : app_("Makes tea - and 'coffee'", "teapot") {
    app_.add_flag("-v,--verbose", verbose_, "Say more: [all], it's long");
    CLI::App* brew = app_.add_subcommand("brew", "Brew a pot");
    brew->add_option("sweep", sweep_, "An id or a name")->required();
    brew->add_option("--format", format_, "Of the pot")
        ->check(CLI::IsMember({"round", "square"}))
        ->capture_default_str();
    brew->add_option("--label", labels_, ".KEY=VALUE \\ twice");
    brew->add_option("--secret", sweep_, "Hidden")->group("");
    CLI::App* pour = app_.add_subcommand("pour", "Pour it");
    pour->add_option("file", sweep_, "A cup");
  }
  CommandWords Words() const { return DescribeCommand(app_); }

 private:
  CLI::App app_;
  std::string sweep_, format_ = "round";
  std::vector<std::string> labels_;
  bool verbose_ = false;
};

TEST(CommandWordsTest, AreThoseOfHelp) {
  const CommandWords words = Program().Words();
  EXPECT_EQ(words.name, "teapot");
  ASSERT_EQ(words.commands.size(), 2u);
  const CommandWords& brew = words.commands[0];
  ASSERT_EQ(brew.arguments.size(), 1u);
  EXPECT_THAT(brew.arguments[0].names, ElementsAre("sweep"));
  EXPECT_TRUE(brew.arguments[0].required);
  ASSERT_EQ(brew.options.size(), 3u) << "--help, --format, --label";
  EXPECT_THAT(brew.options[1].names, ElementsAre("--format"));
  EXPECT_THAT(brew.options[1].choices, testing::UnorderedElementsAre("round", "square"));
  EXPECT_EQ(brew.options[1].fallback, "round");
  EXPECT_EQ(brew.options[1].value, "TEXT");
  EXPECT_TRUE(brew.options[2].repeated);
  EXPECT_FALSE(brew.options[1].repeated);
  EXPECT_THAT(words.options.back().names, ElementsAre("-v", "--verbose"));
  EXPECT_FALSE(words.options.back().takes_value);
}

TEST(ManPageTest, SaysWhatHelpSays) {
  const std::string page = ManPage(Program().Words(), "1.2 (abc)");
  EXPECT_THAT(page,
              testing::StartsWith(".TH TEAPOT 1 \"\" \"1.2 (abc)\" \"Lorikeet\"\n.SH NAME\nteapot \\- "));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-format\\fR \\fITEXT\\fR\nOf the pot ("));
  EXPECT_THAT(page, HasSubstr("; default: round\n"));
  EXPECT_THAT(page, HasSubstr(".SS brew\nBrew a pot.\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&.KEY=VALUE \\e twice\n")) << "else roff takes it for a request";
  EXPECT_THAT(page, Not(HasSubstr("Hidden")));
}

// What bash offers for a line, its last word begun.
std::vector<std::string> Bash(const std::vector<std::string>& line) {
  std::string words;
  for (const std::string& word : line) words += " '" + word + "'";
  const std::string script = BashCompletion(Program().Words()) +
                             "teapot() { [ \"$*\" = 'list --names' ] && printf 'green\\nblack\\n'; }\n"
                             "COMP_WORDS=(" +
                             words + ")\nCOMP_CWORD=" + std::to_string(line.size() - 1) +
                             "\n_teapot\n[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const std::string file = testing::TempDir() + "completion.bash";
  EXPECT_TRUE(WriteFileAtomically(file, script).ok());
  FILE* output = popen(("bash '" + file + "'").c_str(), "r");
  std::vector<std::string> offered;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, output) != nullptr) {
    offered.emplace_back(buffer);
    offered.back().pop_back();
  }
  EXPECT_EQ(pclose(output), 0);
  std::filesystem::remove(file);
  return offered;
}

TEST(CompletionTest, BashOffersWhatMayStandThere) {
  EXPECT_THAT(Bash({"teapot", ""}), testing::IsSupersetOf({"brew", "pour", "--help", "-v", "--verbose"}));
  EXPECT_THAT(Bash({"teapot", "br"}), ElementsAre("brew"));
  EXPECT_THAT(Bash({"teapot", "brew", "--f"}), ElementsAre("--format"));
  EXPECT_THAT(Bash({"teapot", "brew", "--format", "s"}), ElementsAre("square"));
  EXPECT_THAT(Bash({"teapot", "brew", ""}), ElementsAre("green", "black")) << "the sweeps there are";
  EXPECT_THAT(Bash({"teapot", "brew", "g"}), ElementsAre("green"));
  EXPECT_THAT(Bash({"teapot", "brew", "--label", "g"}), IsEmpty()) << "files, by the shell itself";
  EXPECT_THAT(Bash({"teapot", "pour", ""}), IsEmpty()) << "files";
  EXPECT_THAT(Bash({"teapot", "pour", "--h"}), ElementsAre("--help"));
}

TEST(CompletionTest, ZshAndFishHaveEveryWord) {
  const std::string zsh = ZshCompletion(Program().Words()), fish = FishCompletion(Program().Words());
  EXPECT_THAT(zsh, HasSubstr("'--format[Of the pot]:TEXT:("));
  EXPECT_THAT(zsh, HasSubstr("'--verbose[Say more\\: \\[all\\], it'\\''s long]'"));
  EXPECT_THAT(fish, HasSubstr("complete -c teapot -n '__fish_seen_subcommand_from brew' -l format -x -a '"));
  EXPECT_THAT(fish, HasSubstr("-s v -l verbose -d 'Say more: [all], it\\'s long'"));
}

TEST(CompletionTest, AnotherShellIsRefused) {
  EXPECT_EQ(Message(Completion(Program().Words(), "fihs").status()),
            "completion 'fihs': bash, zsh or fish; did you mean 'fish'?");
}

}  // namespace
}  // namespace lorikeet
