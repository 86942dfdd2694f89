#include <cstring>
#include <string_view>
#include <vector>

#include "worker/text/documents.h"
#include "worker/text/documents_stream.h"

namespace lorikeet::text {
namespace {

// What a line may hold before it is taken for no text at all: keeps a small compressed file from filling the
// memory, and a document within what an event line may be (16 MiB).
constexpr std::size_t kLongestLine = std::size_t{8} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Collects a file's lines from the pieces it is read in.
class Lines {
 public:
  Lines(const std::string& path, const std::function<Status(std::int64_t, std::string&)>& visit)
      : path_(path), visit_(visit) {}

  Status Add(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      const std::string_view part = piece.substr(0, end);
      if (part.size() > kLongestLine - line_.size()) {
        return At(
            InvalidArgument("a line of more than {} MiB: is this a file of lines?", kLongestLine >> 20));
      }
      line_ += part;
      if (end == std::string_view::npos) return absl::OkStatus();
      RETURN_IF_ERROR(Visit());
      piece.remove_prefix(end + 1);
    }
    return absl::OkStatus();
  }
  // The last line needs no newline.
  Status End() { return line_.empty() ? absl::OkStatus() : Visit(); }

  // Says where reading is.
  Status At(const Status& status) const { return Annotate(status, fmt::format("{}:{}", path_, number_)); }

 private:
  Status Visit() {
    if (number_ == 1 && line_.starts_with(kByteOrderMark)) line_.erase(0, kByteOrderMark.size());
    if (line_.ends_with('\r')) line_.pop_back();
    RETURN_IF_ERROR(At(visit_(number_, line_)));
    line_.clear();
    ++number_;
    return absl::OkStatus();
  }

  const std::string& path_;
  const std::function<Status(std::int64_t, std::string&)>& visit_;
  std::int64_t number_ = 1;
  std::string line_;
};

}  // namespace

Status ForEachLine(const std::string& path,
                   const std::function<Status(std::int64_t line, std::string& text)>& visit) {
  ASSIGN_OR_RETURN(const auto stream, ByteStream::Open(path));
  std::vector<char> buffer(1 << 18);
  Lines lines(path, visit);
  for (;;) {
    const auto got = stream->Read(buffer);
    if (!got.ok()) return lines.At(got.status());
    if (*got == 0) return lines.End();
    RETURN_IF_ERROR(lines.Add({buffer.data(), *got}));
  }
}

}  // namespace lorikeet::text
