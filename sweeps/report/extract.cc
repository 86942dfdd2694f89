#include "sweeps/report/extract.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/nearest.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr int kOldestVersion = 11;  // the first with the tables that extracts read

// A text that is made at once, since it is short.
class WholeText : public Extract {
 public:
  explicit WholeText(std::string text) : text_(std::move(text)) {}

 protected:
  StatusOr<bool> More(std::string& text) override {
    text += text_;
    return false;
  }

 private:
  const std::string text_;
};

using Make = StatusOr<std::unique_ptr<Extract>> (*)(Source, const ExtractRequest&);
using Tell = StatusOr<std::string> (*)(Source&, const ExtractRequest&);

template <Tell tell>
StatusOr<std::unique_ptr<Extract>> Whole(Source source, const ExtractRequest& request) {
  ASSIGN_OR_RETURN(std::string text, tell(source, request));
  return std::make_unique<WholeText>(std::move(text));
}

struct Kind {
  const char* what;
  Make make;
};
constexpr Kind kKinds[] = {
    {"predictions", MakePredictions},
    {"scoring", MakeScoring},
    {"runs", MakeRuns},
    {"csv", MakeCsv},
    {"reproduce", Whole<TellReproduce>},
    {"methods", Whole<TellMethods>},
    {"diff", Whole<TellDiff>},
    {"card", Whole<TellCard>},
};

StatusOr<Source> OpenSource(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return NotFound("{}: there is no such file", path);
  return Guarded(path, [&]() -> StatusOr<Source> {
    Source source{.path = path, .version = 0, .database = OpenReadOnly(path)};
    source.version = source.database->execAndGet("PRAGMA user_version").getInt();
    if (!source.database->tableExists("sweeps")) {
      return InvalidArgument("{}: is a SQLite database, but not one of Lorikeet's", path);
    }
    if (source.version < kOldestVersion) {
      return FailedPrecondition(
          "{}: the database has version {}, exports need version {}; start sweep-coordinator on it once, "
          "which brings it forward",
          path, source.version, kOldestVersion);
    }
    return source;
  });
}

}  // namespace

StatusOr<std::unique_ptr<Extract>> Extract::Open(const std::string& database_path,
                                                 const ExtractRequest& request) {
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& known) { return request.what == known.what; });
  if (kind == std::end(kKinds)) {
    std::vector<std::string> known;
    for (const Kind& one : kKinds) known.emplace_back(one.what);
    return InvalidArgument("nothing is extracted as '{}'{}", request.what, DidYouMean(request.what, known));
  }
  ASSIGN_OR_RETURN(Source source, OpenSource(database_path));
  return Guarded(database_path, [&] { return kind->make(std::move(source), request); });
}

StatusOr<std::string> Extract::Next() {
  while (!ended_ && waiting_.size() - given_ < kPieceBytes) {
    waiting_.erase(0, given_);
    given_ = 0;
    const StatusOr<bool> more = More(waiting_);
    ended_ = !more.ok() || !*more;
    RETURN_IF_ERROR(more.status());
  }
  const std::size_t bytes = std::min(kPieceBytes, waiting_.size() - given_);
  std::string piece = waiting_.substr(given_, bytes);
  given_ += bytes;
  return piece;
}

}  // namespace lorikeet::report
