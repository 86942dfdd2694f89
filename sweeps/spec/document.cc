#include "sweeps/spec/document.h"

#include <yaml-cpp/eventhandler.h>

#include <exception>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"

namespace lorikeet::spec {
namespace {

// Calls `look(line, position)` for every line of the text.
template <typename Look>
void EachLine(std::string_view text, const Look& look) {
  Position at;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    look(text.substr(0, end), at);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
    ++at.line;
  }
}

// What no YAML text may hold. False where there is any.
bool CheckBytes(const std::string& yaml, Mistakes& mistakes) {
  const std::size_t before = mistakes.size();
  EachLine(yaml, [&](std::string_view line, Position at) {
    if (!IsUtf8(line)) mistakes.Add(at, "not UTF-8 text: a sweep file is YAML in UTF-8");
    if (const std::size_t nul = line.find('\0'); nul != std::string_view::npos) {
      at.column += static_cast<int>(nul);
      mistakes.Add(at, "a NUL byte: a sweep file is text");
    }
  });
  return mistakes.size() == before;
}

// YAML knows no tabs in indentation; yaml-cpp says so in many ways, none of them clear.
bool CheckTabs(const std::string& yaml, Mistakes& mistakes) {
  const std::size_t before = mistakes.size();
  EachLine(yaml, [&](std::string_view line, Position at) {
    const std::size_t content = line.find_first_not_of(" \t\r");
    if (content == std::string_view::npos || line[content] == '#') return;
    const std::size_t tab = line.substr(0, content).find('\t');
    if (tab == std::string_view::npos) return;
    at.column += static_cast<int>(tab);
    mistakes.Add(at, "a tab before the line's first word: YAML is indented by spaces");
  });
  return mistakes.size() == before;
}

Position PositionOf(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

// Notes where each document of a stream has its first node.
class DocumentStarts : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override { begins_ = true; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Note(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Note(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override {
    Note(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Note(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Note(mark);
  }
  void OnMapEnd() override {}
  const std::vector<YAML::Mark>& marks() const { return marks_; }

 private:
  void Note(const YAML::Mark& mark) {
    if (std::exchange(begins_, false)) marks_.push_back(mark);
  }
  bool begins_ = false;
  std::vector<YAML::Mark> marks_;
};

// Of the first two documents. Not by YAML::LoadAll: where nothing can begin with what comes next, such as a
// comma, yaml-cpp makes an empty document of nothing, and then another, until there is no memory left.
std::vector<YAML::Mark> FindDocuments(const std::string& yaml) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (parser.HandleNextDocument(starts)) parser.HandleNextDocument(starts);
  return starts.marks();
}

std::string Explain(const std::string& message) {
  if (message == "bad file")
    return "nested too deep: a sweep file needs four levels";  // yaml-cpp's depth guard
  if (message.find("map flow") != std::string::npos) {
    return message + ": { and } around the mapping; a text with braces, such as \"${NAME}\", in quotes";
  }
  if (message.find("end of map") != std::string::npos) {
    return message + ": a line before this one is indented unlike its neighbours, or not `key: value`";
  }
  if (message.find("flow end") != std::string::npos || message.find("end of sequence") != std::string::npos) {
    return message + ": a ] or } without its [ or {, or one that is missing before this place";
  }
  if (message == "illegal map value")
    return message + ": one `key: value` a line; a text with ': ' in it in quotes";
  return message;
}

}  // namespace

std::optional<Value> LoadDocument(const std::string& yaml, Mistakes& mistakes) {
  if (yaml.size() > kMostBytes) {
    mistakes.Add({}, fmt::format("{} bytes: a sweep file has at most {}", yaml.size(), kMostBytes));
    return std::nullopt;
  }
  if (!CheckBytes(yaml, mistakes) || !CheckTabs(yaml, mistakes)) return std::nullopt;
  try {
    const std::vector<YAML::Mark> documents = FindDocuments(yaml);
    if (documents.size() > 1 && documents[0].pos == documents[1].pos) {
      mistakes.Add(PositionOf(documents[0]), "not YAML: nothing begins with this character");
      return std::nullopt;
    }
    if (documents.size() > 1) {
      mistakes.Add(PositionOf(documents[1]), "a second YAML document: one sweep a file");
    }
    const YAML::Node document = YAML::Load(yaml);
    if (documents.empty() || document.IsNull()) {
      mistakes.Add({}, "empty: a sweep file starts with sweep: NAME, and docs/sweep-file.md tells the rest");
      return std::nullopt;
    }
    Value root{document, "", PositionOf(document.Mark()), &mistakes};
    if (!root.IsMapping()) {
      root.Refuse("a mapping, starting with sweep: NAME");
      return std::nullopt;
    }
    return root;
  } catch (const YAML::Exception& exception) {
    mistakes.Add(PositionOf(exception.mark), "not YAML: " + Explain(exception.msg));
  } catch (const std::exception& exception) {
    mistakes.Add({}, fmt::format("not YAML: {}", exception.what()));
  }
  return std::nullopt;
}

}  // namespace lorikeet::spec
