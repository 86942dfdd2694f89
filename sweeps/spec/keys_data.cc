// The keys of `data`.
#include "sweeps/spec/keys.h"

namespace lorikeet::spec {

const Keys& ValidationKeys() {
  static const auto& keys = *new Keys{
      {"from_train", Numeric(Share(false)), Needed(), "this share of `train` is held out for it"},
  };
  return keys;
}

const Keys& FieldKeys() {
  static const auto& keys = *new Keys{
      {"source", Plain(Type::Of::kText), Is("article"), "the JSON key of the text that is summarized"},
      {"target", Plain(Type::Of::kText), Is("abstract"), "that of its summary; another than `source`"},
      {"id", Plain(Type::Of::kText), Is("id"),
       "that of the document's id; a document without one is called by its line number"},
  };
  return keys;
}

const Keys& LimitKeys() {
  static const auto& keys = *new Keys{
      {"train", Whole(1), Words("all"), "the first N documents, the same for every trial"},
      {"validation", Whole(1), Words("all"), "likewise"},
      {"test", Whole(1), Words("all"), "likewise"},
  };
  return keys;
}

const Keys& DataKeys() {
  static const auto& keys = *new Keys{
      {"format", OneOf({"auto", "jsonl", "cohan"}), Is("auto"),
       "JSON lines, or the PubMed files of Cohan et al. (`article_text` and `abstract_text` as lists, `<S>` "
       "tags); "
       "either plain, `.gz` or `.zst`"},
      {"train", Plain(Type::Of::kPath), Needed(), "what is trained on"},
      {"validation", Either({Plain(Type::Of::kPath), MappingOf(ValidationKeys)}), Needed(),
       "what the best checkpoint and the best configuration are chosen on: a file, or `{from_train: 0.05}`"},
      {"test", Plain(Type::Of::kPath), Needed(), "what the table scores"},
      {"fields", MappingOf(FieldKeys), Is("{}"), "where a line of JSON has what"},
      {"source_prefix", Plain(Type::Of::kMaybeText), Words("none"),
       "put before every article; Flan-T5 wants `\"summarize: \"`"},
      {"max_source_tokens", Whole(1), Is("1024"), "longer inputs are cut; prompt tokens come on top"},
      {"max_target_tokens", Whole(1), Is("256"),
       "longer targets are cut for training and loss; references are never cut for scoring"},
      {"limit", MappingOf(LimitKeys), Is("{}"), "how much of each file is used"},
  };
  return keys;
}

}  // namespace lorikeet::spec
