#include "worker/trainer/train/data_cache.h"

#include <cstring>
#include <optional>
#include <string_view>

namespace lorikeet::trainer {
namespace {

constexpr const char* kKind = "data";

// What a trial's data depend on; `settled` where a change of a file would show in it.
std::string KeyOf(const DataSettings& settings, const text::Tokenizer& tokenizer,
                  const files::FolderCache& cache, bool& settled) {
  settled = true;
  // Another build may read, normalise or cut otherwise.
  std::string key = fmt::format("program {}\n", files::IdentityOf("/proc/self/exe", cache.settling()).text);
  for (const std::string* path : {&settings.train, &settings.validation, &settings.test}) {
    const files::FileIdentity identity =
        path->empty() ? files::FileIdentity{"none", true} : files::IdentityOf(*path, cache.settling());
    settled = settled && identity.settled;
    key += fmt::format("file {}\n", identity.text);
  }
  const auto limit = [](const std::optional<std::int64_t>& count) {
    return count ? std::to_string(*count) : "all";
  };
  key += fmt::format("limits {} {} {}, held out {}, tokens {} {}\n", limit(settings.limit_train),
                     limit(settings.limit_validation), limit(settings.limit_test),
                     settings.validation_from_train, settings.max_source_tokens, settings.max_target_tokens);
  for (const std::string& text : {settings.format, settings.source_field, settings.target_field,
                                  settings.id_field, settings.source_prefix, tokenizer.Fingerprint()}) {
    key += fmt::format("{} {}\n", text.size(), text);
  }
  // Warnings name the files.
  return key + settings.train + '\n' + settings.validation + '\n' + settings.test;
}

// Numbers as eight bytes, texts and lists behind their length.
class Writer {
 public:
  void Number(std::int64_t number) { Bytes(&number, sizeof(number)); }
  void Text(const std::string& text) {
    Number(static_cast<std::int64_t>(text.size()));
    bytes_ += text;
  }
  void Tokens(const std::vector<text::TokenId>& tokens) {
    Number(static_cast<std::int64_t>(tokens.size()));
    for (const text::TokenId token : tokens) {
      const auto narrow = static_cast<std::int32_t>(token);
      Bytes(&narrow, sizeof(narrow));
    }
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Bytes(const void* at, std::size_t count) { bytes_.append(static_cast<const char*>(at), count); }
  std::string bytes_;
};

// Reads what Writer wrote. Past the end everything is empty, and failed() says so.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  bool done() const { return rest_.empty() && !failed_; }

  std::int64_t Number() {
    std::int64_t number = 0;
    const std::string_view bytes = Take(sizeof(number));
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }
  std::string Text() { return std::string(Take(Length(1))); }
  std::vector<text::TokenId> Tokens() {
    const std::size_t count = Length(sizeof(std::int32_t));
    const std::string_view bytes = Take(count * sizeof(std::int32_t));
    std::vector<text::TokenId> tokens(bytes.size() / sizeof(std::int32_t));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::int32_t narrow = 0;
      std::memcpy(&narrow, bytes.data() + i * sizeof(narrow), sizeof(narrow));
      tokens[i] = narrow;
    }
    return tokens;
  }
  // A number of things of at least `bytes_each`.
  std::size_t Length(std::size_t bytes_each) {
    const std::int64_t count = Number();
    if (count < 0 || static_cast<std::uint64_t>(count) > rest_.size() / bytes_each) {
      failed_ = true;
      return 0;
    }
    return static_cast<std::size_t>(count);
  }

 private:
  std::string_view Take(std::size_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::string Write(const TrialData& data) {
  Writer out;
  out.Text(data.fingerprint);
  out.Number(data.empty_documents);
  out.Number(static_cast<std::int64_t>(data.warnings.size()));
  for (const std::string& warning : data.warnings) out.Text(warning);
  for (const Split* split : {&data.train, &data.validation, &data.test}) {
    out.Number(static_cast<std::int64_t>(split->examples.size()));
    for (const Example& example : split->examples) {
      out.Tokens(example.source);
      out.Tokens(example.target);
      out.Number((example.source_cut ? 1 : 0) + (example.target_cut ? 2 : 0));
    }
    if (split == &data.train) continue;
    for (const text::Document& document : split->documents) {
      out.Text(document.id);
      out.Text(document.source);
      out.Text(document.target);
    }
  }
  return out.bytes();
}

std::optional<TrialData> Read(std::string_view bytes) {
  Reader in(bytes);
  TrialData data;
  data.fingerprint = in.Text();
  data.empty_documents = in.Number();
  data.warnings.resize(in.Length(sizeof(std::int64_t)));
  for (std::string& warning : data.warnings) warning = in.Text();
  for (Split* split : {&data.train, &data.validation, &data.test}) {
    split->examples.resize(in.Length(3 * sizeof(std::int64_t)));
    for (Example& example : split->examples) {
      example.source = in.Tokens();
      example.target = in.Tokens();
      const std::int64_t cut = in.Number();
      example.source_cut = (cut & 1) != 0;
      example.target_cut = (cut & 2) != 0;
    }
    if (split == &data.train || in.failed()) continue;
    split->documents.resize(split->examples.size());
    for (text::Document& document : split->documents) {
      document.id = in.Text();
      document.source = in.Text();
      document.target = in.Text();
    }
  }
  if (!in.done()) return std::nullopt;
  return data;
}

}  // namespace

StatusOr<TrialData> LoadTrialData(const DataSettings& settings, text::Tokenizer& tokenizer,
                                  const files::FolderCache& cache) {
  bool settled = false, still_settled = false;
  const std::string key = cache.on() ? KeyOf(settings, tokenizer, cache, settled) : "";
  if (settled) {
    if (const auto kept = cache.Get(kKind, key)) {
      if (auto data = Read(*kept)) return *std::move(data);
    }
  }
  RETURN_IF_ERROR(tokenizer.PrepareToEncode());
  ASSIGN_OR_RETURN(TrialData data, ReadTrialData(settings));
  for (Split* split : {&data.train, &data.validation, &data.test}) Tokenize(settings, tokenizer, *split);
  std::vector<text::Document>().swap(data.train.documents);
  if (settled && KeyOf(settings, tokenizer, cache, still_settled) == key) cache.Put(kKind, key, Write(data));
  return data;
}

}  // namespace lorikeet::trainer
